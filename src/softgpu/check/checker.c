/* SPDX-License-Identifier: Apache-2.0
 * Hands on what an executor tells. One launch at a time. */
#include "checker.h"

#include "copies_pending.h"
#include "initialised.h"
#include "races.h"
#include "stream_races.h"

struct gpu_checker {
    gpu_listener listener;
    gpu_races *races;             /* NULL: not looked for */
    gpu_stream_races *streams;    /* with those */
    gpu_initialised *initialised; /* NULL: not looked for */
    gpu_pending pending;
};

static void begin_launch(void *user, const gpu_launch *launch) {
    gpu_checker *c = user;
    (void)launch;
    gpu_pending_deinit(&c->pending);
    if (c->races != NULL) gpu_races_begin_launch(c->races);
}

static void begin_block(void *user, uint32_t block, uint32_t threads, uint64_t shared_bytes) {
    gpu_checker *c = user;
    if (c->races != NULL) gpu_races_begin_block(c->races, block, threads, shared_bytes);
    if (c->initialised != NULL) gpu_initialised_begin_block(c->initialised, block, shared_bytes);
}

static void end_block(void *user, uint32_t block) {
    gpu_checker *c = user;
    gpu_pending_end_block(&c->pending, block);
    if (c->races != NULL) gpu_races_end_block(c->races, block);
    if (c->initialised != NULL) gpu_initialised_end_block(c->initialised, block);
}

static void access(void *user, const gpu_access *a) {
    gpu_checker *c = user;
    gpu_pending_access(&c->pending, a);
    if (c->races != NULL) gpu_races_access(c->races, a);
    if (c->initialised != NULL) gpu_initialised_access(c->initialised, a);
}

static void copy_begun(void *user, const gpu_access *write) {
    gpu_checker *c = user;
    gpu_pending_begun(&c->pending, write);
    if (c->races != NULL) gpu_races_begun(c->races, write);
}

static void copies_done(void *user, uint32_t block, uint32_t thread, uint32_t left) { gpu_pending_done(&((gpu_checker *)user)->pending, block, thread, left); }

static void arrived(void *user, uint32_t block, int32_t barrier, uint32_t warp) {
    gpu_checker *c = user;
    if (c->races != NULL) gpu_races_arrived(c->races, block, barrier, warp);
}

static void barrier(void *user, uint32_t block, int32_t number, const uint32_t *came, const uint32_t *go, uint32_t warps) {
    gpu_checker *c = user;
    if (c->races != NULL) gpu_races_barrier(c->races, block, number, came, go, warps);
}

static void divergent(void *user, const gpu_access *one, const ptx_instruction *other) {
    gpu_checker *c = user;
    gpu_findings_add(c->pending.findings, "divergent barrier", one, other, "waits at a barrier that is for whole warps, while other lanes of its warp wait at PTX line %d; bring the lanes together first, or use barrier.sync", other->place.line);
}

static void skipped(void *user, const gpu_access *one, uint32_t came, uint32_t threads) {
    gpu_checker *c = user;
    gpu_findings_add(c->pending.findings, "skipped barrier", one, NULL, "waits at a barrier of the whole block, which %u of its %u threads reached: the others have exited; let all of them come to it, or count those that do (barrier.sync with a number)", came, threads);
}

/* What comes of it may be thrown away, so that it is asked for, as other values that nobody wrote are. */
static void absent(void *user, const gpu_access *one, int32_t lane) {
    gpu_checker *c = user;
    if (c->initialised == NULL) return;
    gpu_findings_add(c->pending.findings, "absent lane", one, NULL, "reads from lane %d of its warp, which takes no part in this shuffle (it has exited, is not in the mask, or is no thread of the block): on a GPU anything may come of it; let all lanes take part, or read from those that do", lane);
}

static void warp_barrier(void *user, uint32_t block, uint32_t warp, uint32_t lanes) {
    gpu_checker *c = user;
    if (c->races != NULL) gpu_races_warp_barrier(c->races, block, warp, lanes);
}

static void fence(void *user, uint32_t block, uint32_t thread, bool of_block) {
    gpu_checker *c = user;
    if (c->races != NULL) gpu_races_fence(c->races, block, thread, of_block);
}

pgd_status gpu_checker_create(gpu_memory *memory, const gpu_check_options *options, gpu_findings *findings, gpu_checker **out) {
    *out = NULL;
    gpu_checker *c = pgd_mem_zalloc(sizeof *c);
    if (c == NULL) return pgd_fail_memory(sizeof *c);
    c->listener = (gpu_listener){c, begin_launch, begin_block, end_block, access, copy_begun, copies_done, arrived, barrier, divergent, skipped, absent, warp_barrier, fence};
    c->pending.findings = findings;
    if (options->races) c->races = gpu_races_create(findings), c->streams = gpu_stream_races_create(findings);
    if (options->uninitialised) c->initialised = gpu_initialised_create(memory, findings);
    if ((options->races && (c->races == NULL || c->streams == NULL)) || (options->uninitialised && c->initialised == NULL)) {
        gpu_checker_destroy(c);
        return pgd_fail_memory(sizeof *c);
    }
    *out = c;
    return PGD_OK;
}

void gpu_checker_destroy(gpu_checker *c) {
    if (c == NULL) return;
    gpu_races_destroy(c->races);
    gpu_stream_races_destroy(c->streams);
    gpu_initialised_destroy(c->initialised);
    gpu_pending_deinit(&c->pending);
    pgd_mem_free(c);
}

void gpu_checker_kernel_done(gpu_checker *c, const gpu_launch *l, const gpu_moment *moment) {
    gpu_footprint f = {.module = l->program->module, .grid = {l->grid[0], l->grid[1], l->grid[2]}, .threads = {l->block[0], l->block[1], l->block[2]}};
    if (c->races == NULL) return;
    gpu_races_footprint(c->races, &f);
    gpu_checker_operation_done(c, moment, &f);
}

void gpu_checker_operation_done(gpu_checker *c, const gpu_moment *moment, gpu_footprint *footprint) {
    gpu_footprint_sort(footprint);
    if (c->streams != NULL) gpu_stream_races_done(c->streams, moment, footprint);
    gpu_footprint_deinit(footprint);
}

void gpu_checker_known(gpu_checker *c, const gpu_clock *known) {
    if (c->streams != NULL) gpu_stream_races_known(c->streams, known);
}

void gpu_checker_forget(gpu_checker *c) {
    if (c->streams != NULL) gpu_stream_races_forget(c->streams);
}

const gpu_listener *gpu_checker_listener(gpu_checker *c) { return &c->listener; }

void gpu_checker_allocated(gpu_checker *c, uint64_t address, uint64_t bytes) {
    if (c->initialised != NULL) gpu_initialised_mark(c->initialised, address, bytes, false);
}

void gpu_checker_written(gpu_checker *c, uint64_t address, uint64_t bytes) {
    if (c->initialised != NULL) gpu_initialised_mark(c->initialised, address, bytes, true);
}
