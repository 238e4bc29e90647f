/* SPDX-License-Identifier: Apache-2.0
 * Allocations in one growing list: addresses are never used again, so that a pointer to freed memory stays one. */
#include "gpu_memory.h"

void gpu_memory_deinit(gpu_memory *memory) {
    for (int32_t i = 0; i < memory->count; i++) pgd_mem_free(memory->list[i].host);
    pgd_mem_free(memory->list);
    *memory = (gpu_memory){0};
}

pgd_status gpu_memory_allocate(gpu_memory *memory, uint64_t bytes, uint64_t align, const char *name, bool constant, uint64_t *address) {
    if (align < GPU_ALIGNMENT) align = GPU_ALIGNMENT;
    *address = 0;
    if (bytes > GPU_MEMORY_BYTES - memory->used || memory->next > GPU_CODE_BASE - GPU_GLOBAL_BASE - 2 * GPU_MEMORY_BYTES)
        return pgd_fail(PGD_NO_MEMORY, "%llu bytes of device memory; %llu of %llu are free", (unsigned long long)bytes, (unsigned long long)(GPU_MEMORY_BYTES - memory->used), (unsigned long long)GPU_MEMORY_BYTES);
    char *host = pgd_mem_zalloc((size_t)bytes);
    if (host == NULL || !pgd_grow(&memory->list, &memory->capacity, memory->count, sizeof *memory->list)) {
        pgd_mem_free(host);
        return pgd_fail_memory((size_t)bytes);
    }
    *address = (GPU_GLOBAL_BASE + memory->next + align - 1) & -align;
    memory->list[memory->count++] = (gpu_allocation){*address, bytes, host, name, constant, false};
    memory->next = *address - GPU_GLOBAL_BASE + bytes + GPU_RED_ZONE;
    memory->used += bytes;
    return PGD_OK;
}

/* The last allocation that begins at the address or before; -1: none. */
static int32_t at_or_before(const gpu_memory *memory, uint64_t address) {
    int32_t low = 0, high = memory->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (memory->list[middle].address <= address) low = middle + 1;
        else high = middle;
    }
    return low - 1;
}

pgd_status gpu_memory_free(gpu_memory *memory, uint64_t address) {
    int32_t i = at_or_before(memory, address);
    gpu_allocation *a = i < 0 ? NULL : &memory->list[i];
    if (a == NULL || a->address != address || a->freed) return pgd_fail(PGD_BAD_ARG, "0x%llx is the beginning of no allocation that could be freed", (unsigned long long)address);
    pgd_mem_free(a->host);
    a->host = NULL;
    a->freed = true;
    memory->used -= a->bytes;
    return PGD_OK;
}

static bool holds(const gpu_allocation *a, uint64_t address, uint64_t bytes) { return !a->freed && address >= a->address && bytes <= a->bytes && address - a->address <= a->bytes - bytes; }

char *gpu_memory_at(gpu_memory *memory, uint64_t address, uint64_t bytes, const gpu_allocation **nearest) {
    *nearest = NULL;
    if (memory->count == 0) return NULL;
    if (!holds(&memory->list[memory->last], address, bytes)) {
        int32_t i = at_or_before(memory, address);
        memory->last = i < 0 ? 0 : i;
    }
    const gpu_allocation *a = &memory->list[memory->last];
    *nearest = a;
    return holds(a, address, bytes) ? a->host + (address - a->address) : NULL;
}
