/* SPDX-License-Identifier: Apache-2.0
 * Sizes that a launch may have, and sentences about its faults. */
#include "gpu_launch.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_THREADS_MAX = 1024, SHARED_BYTES_MAX = 227 << 10 };

uint64_t gpu_launch_shared_bytes(const gpu_launch *l) {
    const gpu_program *p = l->program;
    if (l->dynamic_shared_bytes == 0) return gpu_program_shared_bytes(p, l->kernel);
    return ((p->shared_bytes + p->dynamic_align - 1) & -p->dynamic_align) + l->dynamic_shared_bytes;
}

pgd_status gpu_launch_check(const gpu_launch *l) {
    uint64_t threads = (uint64_t)l->block[0] * l->block[1] * l->block[2];
    if (l->kernel == NULL || !l->kernel->entry || !l->kernel->defined) return pgd_fail(PGD_BAD_ARG, "what is launched is no kernel with a body");
    if (threads < 1 || l->block[0] > BLOCK_THREADS_MAX || l->block[1] > BLOCK_THREADS_MAX || l->block[2] > 64 || threads > BLOCK_THREADS_MAX)
        return pgd_fail(PGD_BAD_ARG, "a block of %u x %u x %u threads; 1 to %d in all, at most 64 in the third direction", l->block[0], l->block[1], l->block[2], BLOCK_THREADS_MAX);
    if (l->grid[0] < 1 || l->grid[1] < 1 || l->grid[2] < 1 || l->grid[0] > INT32_MAX || l->grid[1] > 65535 || l->grid[2] > 65535) return pgd_fail(PGD_BAD_ARG, "a grid of %u x %u x %u blocks; at least 1, at most 2147483647 x 65535 x 65535", l->grid[0], l->grid[1], l->grid[2]);
    uint64_t fixed = gpu_program_shared_bytes(l->program, l->kernel);
    if (l->dynamic_shared_bytes > SHARED_BYTES_MAX || fixed > SHARED_BYTES_MAX || fixed + l->dynamic_shared_bytes > SHARED_BYTES_MAX) return pgd_fail(PGD_BAD_ARG, "%llu bytes of shared memory; a block has %d", (unsigned long long)(fixed + l->dynamic_shared_bytes), SHARED_BYTES_MAX);
    return PGD_OK;
}

void gpu_place_say(const ptx_module *module, const ptx_function *function, const ptx_instruction *i, const uint32_t block[3], const uint32_t thread[3], char *text, size_t text_bytes) {
    const char *file = ptx_source_file(module, i);
    char source[80] = "";
    if (file != NULL) snprintf(source, sizeof source, " (%.60s:%d)", file, i->source_line);
    snprintf(text, text_bytes, "%.100s, line %d%s, block (%u,%u,%u), thread (%u,%u,%u)", function->name, i->place.line, source, block[0], block[1], block[2], thread[0], thread[1], thread[2]);
}

void gpu_fault_say(gpu_fault *f, gpu_fault_kind kind, const ptx_module *module, const ptx_function *function, const ptx_instruction *instruction, const char *what) {
    f->kind = kind;
    f->function = function;
    f->instruction = instruction;
    gpu_place_say(module, function, instruction, f->block, f->thread, f->text, sizeof f->text);
    size_t length = strlen(f->text);
    snprintf(f->text + length, sizeof f->text - length, ": %s", what);
}
