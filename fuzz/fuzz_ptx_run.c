/* SPDX-License-Identifier: Apache-2.0
 * Any text as PTX, run by both executors: each kernel of a module that is accepted, with its parameters zero or pointing to a small buffer. Nothing of the host may be touched; it ends, or
 * there is a fault with a sentence. With one thread both executors leave the same in memory. What is checked, in an order that a seed draws, is run as well. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "check/checker.h"
#include "exec/gpu_heap.h"
#include "exec/reference.h"
#include "exec/vector.h"

enum { BYTES_MAX = 1 << 20, STEPS = 20000, THREADS = 33, BUFFER = 512 };

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

typedef struct subject {
    const gpu_program *program;
    const ptx_function *kernel;
    uint64_t buffer, seed;
    bool comparable; /* nothing in it depends on time, place or the heap */
    char *before, *after; /* room for what is in memory */
} subject;

/* ---- memory ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Copies the buffer and all variables out, or in. */
static size_t copy_memory(const subject *s, char *to, const char *from) {
    const gpu_program *p = s->program;
    size_t count = BUFFER;
    char *buffer = gpu_memory_at(p->memory, s->buffer, BUFFER, NULL);
    if (to != NULL) memcpy(to, buffer, BUFFER);
    if (from != NULL) memcpy(buffer, from, BUFFER);
    for (int32_t i = 0; i < p->variable_count; i++) {
        const ptx_variable *v = p->variables[i];
        uint64_t at;
        if (v == NULL || v->space != PTX_SPACE_global || v->bytes == 0 || !gpu_program_address(p, v, &at)) continue;
        char *host = gpu_memory_at(p->memory, at, (uint64_t)v->bytes, NULL);
        if (to != NULL) memcpy(to + count, host, (size_t)v->bytes);
        if (from != NULL) memcpy(host, from + count, (size_t)v->bytes);
        count += (size_t)v->bytes;
    }
    return count;
}

/* ---- running ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef enum how { BY_REFERENCE, BY_VECTOR, CHECKED } how;

static pgd_status run_checked(const subject *s, gpu_launch *launch, gpu_fault *fault) {
    gpu_vector_code *code = NULL;
    gpu_checker *checker = NULL;
    gpu_findings findings = {0};
    pgd_status status = gpu_checker_create(s->program->memory, &(gpu_check_options){.races = true, .uninitialised = true}, &findings, &checker);
    if (status == PGD_OK) status = gpu_vector_prepare_seeded(s->program, s->kernel, true, &code);
    if (status == PGD_OK) {
        launch->seed = s->seed;
        launch->listener = gpu_checker_listener(checker);
        status = gpu_vector_launch(code, launch, NULL, fault, NULL);
    }
    gpu_vector_code_destroy(code);
    gpu_checker_destroy(checker);
    gpu_findings_deinit(&findings);
    return status;
}

static pgd_status run(const subject *s, how how, bool pointers, uint32_t blocks, uint32_t threads, gpu_fault *fault) {
    uint64_t parameters[4096 / 8 + 1] = {0};
    unsigned sum = 0;
    gpu_heap heap = {.memory = s->program->memory, .claim = 1, .bytes = 1 << 16};
    gpu_services services = {.user = &sum, .print = print, .heap = &heap};
    gpu_launch launch = {.program = s->program, .kernel = s->kernel, .grid = {blocks, 1, 1}, .block = {threads, 1, 1}, .dynamic_shared_bytes = 64, .parameters = parameters, .instruction_limit = STEPS, .services = &services};
    for (size_t i = 0; pointers && i < sizeof parameters / sizeof parameters[0]; i++) parameters[i] = s->buffer;
    *fault = (gpu_fault){0};
    pgd_status status = how == BY_REFERENCE ? gpu_reference_run(&launch, fault) : how == BY_VECTOR ? gpu_vector_run(&launch, NULL, fault) : run_checked(s, &launch, fault);
    if (status == PGD_DEVICE && (fault->kind == GPU_NO_FAULT || strlen(fault->text) < 20)) abort();
    gpu_memory_free_claimed(s->program->memory, heap.claim);
    return status;
}

/* One thread, for with several the order says what comes of it; a limit is looked at when a turn is over, and so by one executor later than by the other. */
static void compare(const subject *s, bool pointers) {
    gpu_fault fault, other;
    size_t bytes = copy_memory(s, s->before, NULL);
    pgd_status status = run(s, BY_REFERENCE, pointers, 1, 1, &fault);
    copy_memory(s, s->after, s->before);
    pgd_status by_vector = run(s, BY_VECTOR, pointers, 1, 1, &other);
    if (fault.kind == GPU_FAULT_LIMIT || other.kind == GPU_FAULT_LIMIT || !s->comparable) return;
    if (status != by_vector || fault.kind != other.kind) abort();
    copy_memory(s, s->before, NULL);
    if (status == PGD_OK && memcmp(s->before, s->after, bytes) != 0) abort();
}

static void run_all(const subject *s) {
    gpu_fault fault;
    gpu_vector_versions_after(0);
    for (int pointers = 0; pointers < 2; pointers++) {
        compare(s, pointers != 0);
        run(s, BY_REFERENCE, pointers != 0, 2, THREADS, &fault);
        run(s, BY_VECTOR, pointers != 0, 2, THREADS, &fault);
        run(s, CHECKED, pointers != 0, 2, THREADS, &fault);
    }
}

static bool has(const uint8_t *bytes, size_t count, const char *word) { return memmem(bytes, count, word, strlen(word)) != NULL; }

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
    if (small(module) && gpu_memory_create(1, 1 << 30, &memory) == PGD_OK && gpu_memory_allocate(memory, GPU_MEMORY_DEVICE, 0, BUFFER, 1, NULL, &buffer) == PGD_OK && gpu_program_load(module, memory, 0, &program) == PGD_OK) {
        subject s = {.program = &program, .buffer = buffer, .seed = 1 + count, .before = malloc(2 * BYTES_MAX), .after = malloc(2 * BYTES_MAX)};
        s.comparable = !has(bytes, count, "%clock") && !has(bytes, count, "%globaltimer") && !has(bytes, count, "malloc");
        for (s.kernel = module->functions; s.kernel != NULL; s.kernel = s.kernel->next)
            if (s.kernel->entry && s.kernel->defined) run_all(&s);
        free(s.before);
        free(s.after);
        gpu_program_unload(&program);
    }
    gpu_memory_destroy(memory);
    ptx_module_destroy(module);
    return 0;
}
