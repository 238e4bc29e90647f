/* SPDX-License-Identifier: Apache-2.0
 * The one address space of all devices: allocations at device addresses, and nothing between them. Every access of a kernel is looked up, so that it
 * reaches nothing else, and a wrong one can be told with its nearest allocation.
 *
 * A device address is an address of this process, where a program that reads it faults, as it would with a GPU; the same bytes are mapped a second time for
 * the executors. Pinned and managed memory may be read at its device address; where there are thousands of them, what lies between them, too. Any number of threads may call at once. */
#ifndef PGD_SOFTGPU_MEMORY_H
#define PGD_SOFTGPU_MEMORY_H

#include <base_share.h>

/* The windows of generic addresses, where no process has memory. What is in none of them is global. */
#define GPU_SHARED_BASE UINT64_C(0x0100000000000000)
#define GPU_LOCAL_BASE UINT64_C(0x0200000000000000)
#define GPU_PARAM_BASE UINT64_C(0x0300000000000000)
#define GPU_CODE_BASE UINT64_C(0x0400000000000000)
#define GPU_WINDOW_BYTES UINT64_C(0x0000000100000000)
enum { GPU_DEVICES_MAX = 16, GPU_HOST = -1, GPU_PAGE = 4096 };

typedef enum gpu_memory_kind {
    GPU_MEMORY_DEVICE,
    GPU_MEMORY_CONSTANT,  /* kernels may not write there */
    GPU_MEMORY_PINNED,    /* the host's, made here */
    GPU_MEMORY_MANAGED,
    GPU_MEMORY_REGISTERED, /* the host's, made elsewhere */
    GPU_MEMORY_HEAP        /* a kernel's malloc gave it */
} gpu_memory_kind;

typedef struct gpu_allocation {
    uint64_t address, bytes; /* address 0: it is none */
    char *host;              /* where the executors find it */
    gpu_memory_kind kind;
    int32_t owner;           /* a device, or GPU_HOST */
    bool freed;              /* kept to be told of */
    bool alone;              /* pinned or managed, with a mapping of its own */
    uint64_t claim;          /* whose it is; 0: nobody's */
    char name[40];           /* of a variable, cut short; or "" */
} gpu_allocation;

typedef struct gpu_memory gpu_memory;

/* Room for `devices` devices of `bytes` each. Errors: NO_MEMORY, addresses included. */
pgd_status gpu_memory_create(int32_t devices, uint64_t bytes, gpu_memory **out);
void gpu_memory_destroy(gpu_memory *memory);

/* Zeroed bytes at an address of their own, aligned to a page and `align`, a power of two; with room behind them that belongs to nobody. Addresses of freed
 * memory are used again only when there are no others. name may be NULL. Errors: NO_MEMORY. */
pgd_status gpu_memory_allocate(gpu_memory *memory, gpu_memory_kind kind, int32_t owner, uint64_t bytes, uint64_t align, const char *name, uint64_t *address);
/* Lets kernels reach memory of the host's own. BAD_ARG: some of it is known already. */
pgd_status gpu_memory_register(gpu_memory *memory, void *host, uint64_t bytes);
/* BAD_ARG: nothing begins at that address, or it was freed before. */
pgd_status gpu_memory_free(gpu_memory *memory, uint64_t address);
/* The same for one of that kind and claim alone; false: it is none, or is freed. *nearest: the last one that begins there or before. */
bool gpu_memory_free_own(gpu_memory *memory, uint64_t address, gpu_memory_kind kind, uint64_t claim, gpu_allocation *nearest);
/* Says whose an allocation is, and frees all of one. */
void gpu_memory_claim(gpu_memory *memory, uint64_t address, uint64_t claim);
void gpu_memory_free_claimed(gpu_memory *memory, uint64_t claim);
void gpu_memory_addresses(const gpu_memory *memory, uint64_t *first, uint64_t *bytes); /* that the devices' memory and the pinned lies in */
void gpu_memory_usage(gpu_memory *memory, int32_t device, uint64_t *free_bytes, uint64_t *total_bytes);

/* The bytes at an address as the executors find them, or NULL when they do not all lie in one living allocation. *nearest, which may be NULL, becomes the
 * allocation that they are in, or the one next to them. */
char *gpu_memory_at(gpu_memory *memory, uint64_t address, uint64_t bytes, gpu_allocation *nearest);

/* The allocation that was found last, kept by one thread so that the next access costs no lock. A zeroed one is empty. */
typedef struct gpu_memory_window {
    uint64_t address, bytes, generation;
    char *host;
    bool constant;
    int32_t owner;
} gpu_memory_window;
uint64_t gpu_memory_generation(const gpu_memory *memory); /* changes when anything is freed */
const _Atomic uint64_t *gpu_memory_generation_place(const gpu_memory *memory); /* where it stands */

/* barred: a bit for each device whose memory must not be touched. NULL: as above, or it is barred; then ask gpu_memory_at why. */
char *gpu_memory_look(gpu_memory *memory, gpu_memory_window *window, uint64_t barred, uint64_t address, uint64_t bytes);
static inline bool gpu_memory_window_holds(const gpu_memory_window *w, uint64_t address, uint64_t bytes) { return bytes <= w->bytes && address - w->address <= w->bytes - bytes; }
#endif
