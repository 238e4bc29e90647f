/* SPDX-License-Identifier: Apache-2.0
 * What an operation has read and written of global memory and the host's: spans of addresses. */
#ifndef PGD_SOFTGPU_FOOTPRINT_H
#define PGD_SOFTGPU_FOOTPRINT_H

#include <exec/gpu_launch.h>

typedef struct gpu_span {
    uint64_t address, end;
    bool written, strong;                /* strong: by atomic or volatile accesses alone, meant to be seen by others */
    const ptx_function *function;        /* of a kernel: who did it, one of them */
    const ptx_instruction *instruction;
    uint32_t block, thread;
} gpu_span;

typedef struct gpu_footprint {
    const char *what;          /* "a copy", "a fill"; NULL: a kernel */
    const ptx_module *module;  /* of a kernel, */
    uint32_t grid[3], threads[3]; /* which is launched so */
    gpu_span *spans;           /* by their addresses, once sorted; they do not overlap */
    int32_t count, capacity;
    bool incomplete;           /* there was no memory */
} gpu_footprint;

void gpu_footprint_deinit(gpu_footprint *footprint);
void gpu_footprint_add(gpu_footprint *footprint, gpu_span span);
/* Sorts, and makes one of spans that touch and are alike. */
void gpu_footprint_sort(gpu_footprint *footprint);

/* The first two spans, one of each, that overlap while one of them is written and not both are strong; false: there are none. */
bool gpu_footprints_conflict(const gpu_footprint *one, const gpu_footprint *other, const gpu_span **of_one, const gpu_span **of_other);
#endif
