/* SPDX-License-Identifier: Apache-2.0
 * A module in memory of its own, without the driver: for tests of executors and of what listens to them. */
#ifndef PGD_TESTS_PROGRAM_FIXTURE_H
#define PGD_TESTS_PROGRAM_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/gpu_launch.h"

static ptx_module *module;
static gpu_memory *memory;
static gpu_program program;
static gpu_fault fault;

static inline void load_text(const char *ptx, size_t bytes, uint64_t memory_bytes) {
    pgd_text log = {0};
    pgd_status status = ptx_parse(ptx, bytes, &log, &module);
    if (status != PGD_OK) print_message("%s", log.chars);
    assert_int_equal(status, PGD_OK);
    pgd_mem_free(log.chars);
    assert_int_equal(gpu_memory_create(1, memory_bytes, &memory), PGD_OK);
    assert_int_equal(gpu_program_load(module, memory, 0, &program), PGD_OK);
}

/* A file of tests/softgpu/kernels. */
static inline void load_file(const char *name, uint64_t memory_bytes) {
    char path[4096], *text;
    size_t bytes;
    snprintf(path, sizeof path, "%s/tests/softgpu/kernels/%s", getenv("PAGODA_SOURCE_DIR"), name);
    assert_int_equal(pgd_file_read(path, 1 << 24, NULL, &text, &bytes), PGD_OK);
    load_text(text, bytes, memory_bytes);
    pgd_mem_free(text);
}

static inline int unload(void **unused) {
    if (module != NULL) gpu_program_unload(&program);
    gpu_memory_destroy(memory);
    ptx_module_destroy(module);
    memory = NULL;
    module = NULL;
    return 0;
}

static inline uint64_t device(const void *from, size_t bytes) {
    uint64_t address;
    assert_int_equal(gpu_memory_allocate(memory, GPU_MEMORY_DEVICE, 0, bytes, 1, NULL, &address), PGD_OK);
    if (from != NULL) memcpy(gpu_memory_at(memory, address, bytes, NULL), from, bytes);
    return address;
}

static inline void host(void *to, uint64_t address, size_t bytes) { memcpy(to, gpu_memory_at(memory, address, bytes, NULL), bytes); }
#endif
