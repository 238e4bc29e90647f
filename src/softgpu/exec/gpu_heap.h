/* SPDX-License-Identifier: Apache-2.0
 * The heap of malloc and free of kernels: each allocation is one of the device memory's own, so that what goes beyond it, or comes after free, is noticed. */
#ifndef PGD_SOFTGPU_HEAP_H
#define PGD_SOFTGPU_HEAP_H

#include <stdatomic.h>

#include "gpu_memory.h"

typedef struct gpu_heap {
    gpu_memory *memory;
    int32_t device;
    uint64_t claim;       /* whose the allocations are, see gpu_memory_claim */
    uint64_t bytes;       /* that may be given in all; each costs 16 more, and is rounded up to 16 */
    _Atomic uint64_t used;
} gpu_heap;

/* By any number of threads at once. 0: for no bytes, or there are not so many left. */
uint64_t gpu_heap_allocate(gpu_heap *heap, uint64_t bytes);
/* false: this heap gave no such address, or it was freed; *nearest: the last allocation that begins there or before. */
bool gpu_heap_free(gpu_heap *heap, uint64_t address, gpu_allocation *nearest);
#endif
