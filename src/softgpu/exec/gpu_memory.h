/* SPDX-License-Identifier: Apache-2.0
 * Global memory as the executors see it: allocations at device addresses, and nothing between them. Every access is looked up, so that no kernel reaches
 * anything else, and a wrong one can be told with its nearest allocation. */
#ifndef PGD_SOFTGPU_MEMORY_H
#define PGD_SOFTGPU_MEMORY_H

#include <base_share.h>

/* The windows of generic addresses. What is in none of them is global. */
#define GPU_GLOBAL_BASE UINT64_C(0x0000100000000000)
#define GPU_SHARED_BASE UINT64_C(0x00007f0000000000)
#define GPU_LOCAL_BASE UINT64_C(0x00007e0000000000)
#define GPU_PARAM_BASE UINT64_C(0x00007d0000000000)
#define GPU_CODE_BASE UINT64_C(0x00007c0000000000)
#define GPU_WINDOW_BYTES UINT64_C(0x0000000100000000)
enum { GPU_ALIGNMENT = 256, GPU_RED_ZONE = 4096 };
#define GPU_MEMORY_BYTES (UINT64_C(4) << 30) /* that the device has */

typedef struct gpu_allocation {
    uint64_t address, bytes;
    char *host;
    const char *name;  /* of a variable, or NULL */
    bool constant;     /* kernels may not write there */
    bool freed;        /* kept to be told of */
} gpu_allocation;

typedef struct gpu_memory {
    gpu_allocation *list; /* by address */
    int32_t count, capacity, last; /* last: the one found before */
    uint64_t next, used; /* bytes */
} gpu_memory;

void gpu_memory_deinit(gpu_memory *memory);

/* A zeroed block at an address of its own, aligned to 256 and `align`, a power of two; with room behind it that belongs to nobody. Errors: NO_MEMORY. */
pgd_status gpu_memory_allocate(gpu_memory *memory, uint64_t bytes, uint64_t align, const char *name, bool constant, uint64_t *address);
/* BAD_ARG: nothing begins at that address, or it was freed before. */
pgd_status gpu_memory_free(gpu_memory *memory, uint64_t address);

/* The bytes at an address, or NULL when they do not all lie in one living allocation. *nearest: the one they are in or next to; NULL: there is none. */
char *gpu_memory_at(gpu_memory *memory, uint64_t address, uint64_t bytes, const gpu_allocation **nearest);
#endif
