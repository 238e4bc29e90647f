/* SPDX-License-Identifier: Apache-2.0
 * Lists that are sorted once and walked side by side. */
#include "footprint.h"

#include <stdlib.h>

void gpu_footprint_deinit(gpu_footprint *f) {
    pgd_mem_free(f->spans);
    *f = (gpu_footprint){0};
}

void gpu_footprint_add(gpu_footprint *f, gpu_span span) {
    if (span.end <= span.address || f->incomplete) return;
    if (!pgd_grow(&f->spans, &f->capacity, f->count, sizeof *f->spans)) f->incomplete = true;
    else f->spans[f->count++] = span;
}

static int by_address(const void *a, const void *b) {
    uint64_t x = ((const gpu_span *)a)->address, y = ((const gpu_span *)b)->address;
    return x < y ? -1 : x > y;
}

static bool alike(const gpu_span *a, const gpu_span *b) { return a->written == b->written && a->strong == b->strong && a->instruction == b->instruction; }

void gpu_footprint_sort(gpu_footprint *f) {
    int32_t kept = 0;
    if (f->count > 0) qsort(f->spans, (size_t)f->count, sizeof *f->spans, by_address);
    for (int32_t i = 0; i < f->count; i++) {
        gpu_span *last = kept == 0 ? NULL : &f->spans[kept - 1];
        if (last != NULL && last->end >= f->spans[i].address && alike(last, &f->spans[i])) last->end = last->end > f->spans[i].end ? last->end : f->spans[i].end;
        else f->spans[kept++] = f->spans[i];
    }
    f->count = kept;
}

bool gpu_footprints_conflict(const gpu_footprint *one, const gpu_footprint *other, const gpu_span **of_one, const gpu_span **of_other) {
    for (int32_t i = 0, k = 0; i < one->count && k < other->count;) {
        const gpu_span *a = &one->spans[i], *b = &other->spans[k];
        if (a->address < b->end && b->address < a->end && (a->written || b->written) && !(a->strong && b->strong)) {
            *of_one = a, *of_other = b;
            return true;
        }
        if (a->end < b->end) i++;
        else k++;
    }
    return false;
}
