/* SPDX-License-Identifier: Apache-2.0
 * Counts what is given; the device's memory does the rest. */
#include "gpu_heap.h"

static uint64_t cost(uint64_t bytes) { return ((bytes + 15) & ~UINT64_C(15)) + 16; }

uint64_t gpu_heap_allocate(gpu_heap *h, uint64_t bytes) {
    uint64_t address, used = atomic_load(&h->used);
    if (bytes == 0 || bytes > h->bytes) return 0;
    do {
        if (used + cost(bytes) > h->bytes) return 0;
    } while (!atomic_compare_exchange_weak(&h->used, &used, used + cost(bytes)));
    if (gpu_memory_allocate(h->memory, GPU_MEMORY_HEAP, h->device, bytes, 16, NULL, &address) != PGD_OK) {
        atomic_fetch_sub(&h->used, cost(bytes));
        return 0;
    }
    gpu_memory_claim(h->memory, address, h->claim);
    return address;
}

bool gpu_heap_free(gpu_heap *h, uint64_t address, gpu_allocation *nearest) {
    if (!gpu_memory_free_own(h->memory, address, GPU_MEMORY_HEAP, h->claim, nearest)) return false;
    atomic_fetch_sub(&h->used, cost(nearest->bytes));
    return true;
}
