/* SPDX-License-Identifier: Apache-2.0
 * Each operation that is done is compared with those that were done before and are not ordered before it. */
#include "stream_races.h"

#include <stdio.h>
#include <string.h>

enum { DONE_MAX = 256 };

typedef struct done_operation {
    gpu_moment moment;
    gpu_footprint footprint;
} done_operation;

struct gpu_stream_races {
    gpu_findings *findings;
    done_operation *list; /* from the oldest to the newest */
    int32_t count, capacity;
};

gpu_stream_races *gpu_stream_races_create(gpu_findings *findings) {
    gpu_stream_races *r = pgd_mem_zalloc(sizeof *r);
    if (r != NULL) r->findings = findings;
    return r;
}

static void let_go(done_operation *d) {
    gpu_clock_deinit(&d->moment.before);
    gpu_footprint_deinit(&d->footprint);
}

void gpu_stream_races_forget(gpu_stream_races *r) {
    for (int32_t i = 0; i < r->count; i++) let_go(&r->list[i]);
    r->count = 0;
}

void gpu_stream_races_destroy(gpu_stream_races *r) {
    if (r == NULL) return;
    gpu_stream_races_forget(r);
    pgd_mem_free(r->list);
    pgd_mem_free(r);
}

void gpu_stream_races_known(gpu_stream_races *r, const gpu_clock *known) {
    const gpu_moment later = {.before = *known};
    int32_t kept = 0;
    for (int32_t i = 0; i < r->count; i++) {
        if (gpu_moment_is_before(&r->list[i].moment, &later)) let_go(&r->list[i]);
        else r->list[kept++] = r->list[i];
    }
    r->count = kept;
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void place_of(const gpu_footprint *f, const gpu_span *s, uint32_t block[3], uint32_t thread[3]) {
    const uint32_t *g = f->grid, *t = f->threads;
    block[0] = s->block % g[0], block[1] = s->block / g[0] % g[1], block[2] = s->block / g[0] / g[1];
    thread[0] = s->thread % t[0], thread[1] = s->thread / t[0] % t[1], thread[2] = s->thread / t[0] / t[1];
}

/* "a copy", or "reduce, PTX line 12 (k.cu:4), block (0,0,0), thread (1,0,0)" */
static void name(const gpu_footprint *f, const gpu_span *s, char *text, size_t bytes) {
    uint32_t block[3], thread[3];
    if (f->what != NULL) {
        snprintf(text, bytes, "%s", f->what);
        return;
    }
    place_of(f, s, block, thread);
    gpu_place_say(f->module, s->function, s->instruction, block, thread, text, bytes);
}

static const char *verb(const gpu_span *s) { return s->written ? "writes" : "reads"; }

/* A kernel is told first, for it has a line. */
static void tell(gpu_stream_races *r, const gpu_footprint *one, const gpu_span *a, const gpu_footprint *other, const gpu_span *b) {
    static const char kind[] = "stream race", remedy[] = "let one wait for an event behind the other (cuEventRecord, cuStreamWaitEvent), or wait for it here before";
    char name_of_other[300];
    uint32_t block[3], thread[3];
    uint64_t from = a->address > b->address ? a->address : b->address, to = a->end < b->end ? a->end : b->end;
    if (one->what != NULL && other->what == NULL) {
        const gpu_footprint *f = one;
        const gpu_span *s = a;
        one = other, other = f;
        a = b, b = s;
    }
    name(other, b, name_of_other, sizeof name_of_other);
    if (one->what != NULL) {
        gpu_findings_add_call(r->findings, kind, "%s %s %llu bytes at 0x%llx, which %s %s, in another stream or branch of a graph, and nothing orders the two; %s", one->what, verb(a), (unsigned long long)(to - from), (unsigned long long)from,
                              name_of_other, verb(b), remedy);
        return;
    }
    place_of(one, a, block, thread);
    const gpu_findings_place place = {one->module, a->function, a->instruction, block, thread};
    gpu_findings_add_at(r->findings, kind, &place, b->instruction, other->what, "%s memory at 0x%llx, which %s %s, in another stream or branch of a graph, and nothing orders the two; %s", verb(a), (unsigned long long)from, name_of_other, verb(b), remedy);
}

void gpu_stream_races_done(gpu_stream_races *r, const gpu_moment *moment, gpu_footprint *footprint) {
    const gpu_span *a, *b;
    for (int32_t i = 0; i < r->count; i++) {
        const done_operation *d = &r->list[i];
        if (!gpu_moment_is_before(&d->moment, moment) && !gpu_moment_is_before(moment, &d->moment) && gpu_footprints_conflict(footprint, &d->footprint, &a, &b)) tell(r, footprint, a, &d->footprint, b);
    }
    done_operation done = {.moment = {.chain = moment->chain, .number = moment->number, .cover = moment->cover, .begun = moment->begun}, .footprint = *footprint};
    bool kept = footprint->count > 0 && gpu_clock_join(&done.moment.before, &moment->before) && pgd_grow(&r->list, &r->capacity, r->count, sizeof *r->list);
    if (footprint->incomplete || (footprint->count > 0 && !kept)) gpu_findings_incomplete(r->findings, GPU_CHECK_NO_MEMORY);
    *footprint = (gpu_footprint){0};
    if (!kept) {
        let_go(&done);
        return;
    }
    if (r->count == DONE_MAX) {
        gpu_findings_incomplete(r->findings, "more than 256 operations are not waited for, and races with the oldest of them may be missed; wait now and then, or check less at once");
        let_go(&r->list[0]);
        memmove(r->list, r->list + 1, sizeof *r->list * (size_t)(--r->count));
    }
    r->list[r->count++] = done;
}
