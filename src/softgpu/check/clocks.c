/* SPDX-License-Identifier: Apache-2.0
 * Sorted lists, joined by merging. */
#include "clocks.h"

#include <string.h>

enum { ENTRIES_MAX = 1 << 14 };

void gpu_clock_deinit(gpu_clock *c) {
    pgd_mem_free(c->list);
    *c = (gpu_clock){0};
}

/* The first entry of that warp or a later one. */
static int32_t find(const gpu_clock *c, uint64_t whose) {
    int32_t low = 0, high = c->count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (c->list[middle].whose < whose) low = middle + 1;
        else high = middle;
    }
    return low;
}

uint64_t gpu_clock_get(const gpu_clock *c, uint64_t whose) {
    int32_t i = find(c, whose);
    uint64_t time = i < c->count && c->list[i].whose == whose ? c->list[i].time : 0;
    return time > c->everything ? time : c->everything;
}

bool gpu_clock_raise(gpu_clock *c, uint64_t whose, uint64_t time) {
    int32_t i = find(c, whose);
    if (i < c->count && c->list[i].whose == whose) {
        if (time > c->list[i].time) c->list[i].time = time;
        return true;
    }
    if (c->count == ENTRIES_MAX) { /* to know too much tells of fewer races, and of none that is not */
        for (int32_t k = 0; k < c->count; k++)
            if (c->list[k].time > c->everything) c->everything = c->list[k].time;
        c->count = 0;
        if (time > c->everything) c->everything = time;
        return true;
    }
    if (!pgd_grow(&c->list, &c->capacity, c->count, sizeof *c->list)) return false;
    memmove(c->list + i + 1, c->list + i, sizeof *c->list * (size_t)(c->count - i));
    c->list[i] = (gpu_clock_entry){whose, time};
    c->count++;
    return true;
}

bool gpu_clock_join(gpu_clock *c, const gpu_clock *other) {
    if (other->everything > c->everything) c->everything = other->everything;
    for (int32_t i = 0; i < other->count; i++)
        if (!gpu_clock_raise(c, other->list[i].whose, other->list[i].time)) return false;
    return true;
}
