/* SPDX-License-Identifier: Apache-2.0
 * Offsets in the workspace: largest first, each at the lowest offset that is free for its whole life (greedy by size, as in Pisarchyk and
 * Lee, Efficient memory management for deep neural net inference, 2020). */
#include <stdlib.h>

#include "engine_internal.h"

enum { ALIGNMENT = 64 };

typedef struct by_size {
    uint64_t bytes;
    int32_t index;
} by_size;

static int larger_first(const void *a, const void *b) {
    const by_size *x = a, *y = b;
    if (x->bytes != y->bytes) return x->bytes < y->bytes ? 1 : -1;
    return x->index - y->index;
}

static bool together(const pgd_storage *a, const pgd_storage *b) {
    int32_t a_dies = a->dies < a->born ? a->born : a->dies, b_dies = b->dies < b->born ? b->born : b->dies;
    return a->born <= b_dies && b->born <= a_dies;
}

/* The lowest offset at which `s` touches none of the placed ones alive with it. Each round moves past one of them, so it ends. */
static uint64_t lowest(const pgd_storage *storages, const by_size *order, int32_t placed, const pgd_storage *s) {
    uint64_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int32_t i = 0; i < placed; i++) {
            const pgd_storage *other = &storages[order[i].index];
            uint64_t end = (other->place.offset_bytes + other->bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
            if (!together(s, other) || offset >= end || other->place.offset_bytes >= offset + s->bytes) continue;
            offset = end;
            moved = true;
        }
    }
    return offset;
}

pgd_status pgd_memory_plan(pgd_storage *storages, int32_t count, uint64_t *workspace_bytes) {
    int32_t wanted = 0;
    *workspace_bytes = 0;
    by_size *order = pgd_mem_alloc(sizeof *order * (size_t)(count + 1));
    if (order == NULL) return pgd_fail_memory(sizeof *order * (size_t)count);
    for (int32_t i = 0; i < count; i++)
        if (!storages[i].fixed && storages[i].shares < 0 && storages[i].bytes > 0) order[wanted++] = (by_size){storages[i].bytes, i};
    qsort(order, (size_t)wanted, sizeof *order, larger_first);
    for (int32_t i = 0; i < wanted; i++) {
        pgd_storage *s = &storages[order[i].index];
        s->place = (pgd_place){PGD_SEGMENT_WORKSPACE, 0, lowest(storages, order, i, s)};
        if (s->place.offset_bytes + s->bytes > *workspace_bytes) *workspace_bytes = s->place.offset_bytes + s->bytes;
    }
    pgd_mem_free(order);
    return PGD_OK;
}
