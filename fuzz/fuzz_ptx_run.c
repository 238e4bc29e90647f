/* SPDX-License-Identifier: Apache-2.0
 * Any text as PTX, run by both executors: each kernel of a module that is accepted, with its parameters zero or pointing to a small buffer. Nothing of the host may be touched; it ends, or
 * there is a fault with a sentence. */
#include <stdlib.h>
#include <string.h>

#include "exec/gpu_heap.h"
#include "exec/reference.h"
#include "exec/vector.h"

enum { BYTES_MAX = 1 << 20, STEPS = 20000, THREADS = 33 };

static bool small(const ptx_module *module) {
    int64_t bytes = 0;
    for (const ptx_variable *v = module->variables; v != NULL; v = v->next)
        if ((bytes += v->bytes < BYTES_MAX ? v->bytes : BYTES_MAX) >= BYTES_MAX) return false;
    for (const ptx_function *f = module->functions; f != NULL; f = f->next) {
        if (f->parameter_bytes > 4096) return false;
        for (const ptx_variable *v = f->locals; v != NULL; v = v->next)
            if ((bytes += v->bytes < BYTES_MAX ? v->bytes : BYTES_MAX) >= BYTES_MAX) return false;
    }
    return true;
}

/* Text of a kernel: all of it is there, and there is an end to it. */
static void print(void *sum, const char *text, size_t bytes) {
    if (bytes == 0 || bytes > 1 << 16) abort();
    for (size_t i = 0; i < bytes; i++) *(unsigned *)sum += (unsigned char)text[i];
}

static void run(const gpu_program *program, const ptx_function *kernel, uint64_t buffer, bool pointers) {
    uint64_t parameters[4096 / 8 + 1] = {0};
    gpu_fault fault;
    for (size_t i = 0; pointers && i < sizeof parameters / sizeof parameters[0]; i++) parameters[i] = buffer;
    unsigned sum = 0;
    gpu_heap heap = {.memory = program->memory, .claim = 1, .bytes = 1 << 16};
    gpu_services services = {.user = &sum, .print = print, .heap = &heap};
    gpu_launch launch = {program, kernel, {2, 1, 1}, {THREADS, 1, 1}, 64, parameters, STEPS, 0, .services = &services};
    pgd_status status = gpu_reference_run(&launch, &fault);
    if (status == PGD_DEVICE && (fault.kind == GPU_NO_FAULT || strlen(fault.text) < 20)) abort();
    gpu_vector_versions_after(0);
    gpu_memory_free_claimed(program->memory, heap.claim);
    heap.used = 0;
    status = gpu_vector_run(&launch, NULL, &fault);
    if (status == PGD_DEVICE && (fault.kind == GPU_NO_FAULT || strlen(fault.text) < 20)) abort();
    gpu_memory_free_claimed(program->memory, heap.claim);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    pgd_text log = {0};
    ptx_module *module;
    gpu_memory *memory = NULL;
    gpu_program program;
    uint64_t buffer;
    pgd_status status = ptx_parse((const char *)bytes, count, &log, &module);
    pgd_mem_free(log.chars);
    if (status != PGD_OK) return 0;
    if (small(module) && gpu_memory_create(1, 1 << 30, &memory) == PGD_OK && gpu_memory_allocate(memory, GPU_MEMORY_DEVICE, 0, 512, 1, NULL, &buffer) == PGD_OK && gpu_program_load(module, memory, 0, &program) == PGD_OK) {
        for (const ptx_function *f = module->functions; f != NULL; f = f->next)
            if (f->entry && f->defined) run(&program, f, buffer, false), run(&program, f, buffer, true);
        gpu_program_unload(&program);
    }
    gpu_memory_destroy(memory);
    ptx_module_destroy(module);
    return 0;
}
