/* SPDX-License-Identifier: Apache-2.0
 * Blocks and arenas over the process allocator. A block is preceded by a 64-byte header that remembers its size, so that the allocator is
 * always told the old size, and the payload keeps the alignment of a cache line. */
#define _POSIX_C_SOURCE 200809L
#include <base_share.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base_internal.h"

enum { ALIGNMENT = 64, ARENA_BLOCK_BYTES = 16384 };

typedef struct header {
    size_t bytes; /* header included */
    char pad[ALIGNMENT - sizeof(size_t)];
} header;

pgd_process_allocator_source pgd_process_allocator;
static atomic_ullong used_bytes, peak_used_bytes;

static void *default_resize(void *pointer, size_t old_bytes, size_t new_bytes) {
    if (new_bytes == 0) {
        free(pointer);
        return NULL;
    }
    void *fresh = NULL;
    if (posix_memalign(&fresh, ALIGNMENT, new_bytes) != 0) return NULL;
    if (pointer != NULL) {
        memcpy(fresh, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(pointer);
    }
    return fresh;
}

static void *resize(void *pointer, size_t old_bytes, size_t new_bytes) {
    void *result = pgd_process_allocator.resize == NULL
                       ? default_resize(pointer, old_bytes, new_bytes)
                       : pgd_process_allocator.resize(pgd_process_allocator.user, pointer, old_bytes, new_bytes, ALIGNMENT);
    if (result == NULL && new_bytes != 0) return NULL;
    unsigned long long now = atomic_fetch_add(&used_bytes, (unsigned long long)new_bytes - old_bytes) + new_bytes - old_bytes;
    unsigned long long peak = atomic_load(&peak_used_bytes);
    while (now > peak && !atomic_compare_exchange_weak(&peak_used_bytes, &peak, now)) {
    }
    return result;
}

void pgd_memory_in_use(uint64_t *now_bytes, uint64_t *peak_bytes) {
    if (now_bytes != NULL) *now_bytes = atomic_load(&used_bytes);
    if (peak_bytes != NULL) *peak_bytes = atomic_load(&peak_used_bytes);
}

void *pgd_mem_resize(void *pointer, size_t bytes) {
    header *old = pointer == NULL ? NULL : (header *)pointer - 1;
    if (bytes > SIZE_MAX / 2) return NULL;
    if (bytes == 0) bytes = 1; /* so that what is given out lies within the block, where leak checkers look for it */
    header *fresh = resize(old, old == NULL ? 0 : old->bytes, bytes + sizeof(header));
    if (fresh == NULL) return NULL;
    fresh->bytes = bytes + sizeof(header);
    return fresh + 1;
}

void *pgd_mem_alloc(size_t bytes) { return pgd_mem_resize(NULL, bytes); }

void *pgd_mem_zalloc(size_t bytes) {
    void *pointer = pgd_mem_alloc(bytes);
    if (pointer != NULL) memset(pointer, 0, bytes);
    return pointer;
}

void pgd_mem_free(void *pointer) {
    if (pointer == NULL) return;
    header *old = (header *)pointer - 1;
    resize(old, old->bytes, 0);
}

char *pgd_mem_strdup(const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = pgd_mem_alloc(bytes);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

typedef struct pgd_arena_block {
    struct pgd_arena_block *next;
    size_t capacity, used;
    char pad[ALIGNMENT - sizeof(void *) - 2 * sizeof(size_t)];
} arena_block;

void *pgd_arena_alloc(pgd_arena *arena, size_t bytes) {
    size_t alignment = bytes > 256 ? ALIGNMENT : 16;
    if (bytes > SIZE_MAX / 4) return NULL;
    arena_block *block = arena->head;
    size_t start = block == NULL ? 0 : (block->used + alignment - 1) & ~(alignment - 1);
    if (block == NULL || start > block->capacity || bytes > block->capacity - start) {
        size_t capacity = bytes > ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
        block = pgd_mem_zalloc(sizeof *block + capacity);
        if (block == NULL) return NULL;
        block->capacity = capacity;
        block->next = arena->head;
        arena->head = block;
        start = 0;
    }
    block->used = start + bytes;
    return (char *)(block + 1) + start;
}

char *pgd_arena_strdup(pgd_arena *arena, const char *text) {
    size_t bytes = strlen(text) + 1;
    char *copy = pgd_arena_alloc(arena, bytes);
    return copy == NULL ? NULL : memcpy(copy, text, bytes);
}

void pgd_arena_deinit(pgd_arena *arena) {
    while (arena->head != NULL) {
        arena_block *next = arena->head->next;
        pgd_mem_free(arena->head);
        arena->head = next;
    }
}

bool pgd_grow(void *array_pointer, int32_t *capacity, int32_t count, size_t elem_bytes) {
    void *array;
    if (count < *capacity) return true;
    if (count == INT32_MAX) return false;
    int32_t wanted = *capacity < 8 ? 8 : *capacity > INT32_MAX / 2 ? INT32_MAX : *capacity * 2;
    memcpy(&array, array_pointer, sizeof array);
    array = pgd_mem_resize(array, (size_t)wanted * elem_bytes);
    if (array == NULL) return false;
    memcpy(array_pointer, &array, sizeof array);
    *capacity = wanted;
    return true;
}
