/* SPDX-License-Identifier: Apache-2.0
 * Blocks one after the other; in a block each thread runs until it waits or has had its turn, then the next. With a seed some blocks are there at once, who comes next is drawn, and
 * for how long. */
#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "reference_thread.h"

enum { TURN = 4096, TURN_BITS = 12, BLOCK_THREADS_MAX = 1024 };

static bool run_turn(gpu_thread *t, uint32_t turn, bool *moved) {
    if (turn == 0 && t->state == GPU_RUNNING) *moved = true; /* it could, and comes next time */
    for (uint32_t k = 0; k < turn && t->state == GPU_RUNNING; k++) {
        if (!gpu_thread_step(t)) return false;
        *moved = true;
    }
    return true;
}

/* Nobody can run any more: says of one of them what it waits for, and of how many the same holds. */
static bool deadlock(gpu_block *b) {
    uint32_t waiting = 0;
    gpu_thread *first = NULL, *other = NULL;
    char elsewhere[160] = "";
    for (uint32_t k = 0; k < b->thread_count; k++) {
        if (b->threads[k].state == GPU_EXITED) continue;
        waiting++;
        if (first == NULL) first = &b->threads[k];
        if (other == NULL && b->threads[k].waiting != first->waiting) other = &b->threads[k];
    }
    if (other != NULL) gpu_waiting_say(b->launch->program->module, other->waiting, other->index, elsewhere, sizeof elsewhere);
    if (first->state == GPU_AT_BARRIER) {
        const gpu_barrier *at = &b->barriers[first->barrier];
        uint32_t threads, alive;
        gpu_barrier_arrived(b, at, &threads, &alive);
        return gpu_thread_fault(first, GPU_FAULT_DEADLOCK, first->waiting, "%u threads wait for ever; this one at barrier %d, which %u of %u reached%s", waiting, first->barrier, threads, at->expected == 0 ? waiting : at->expected, elsewhere);
    }
    return gpu_thread_fault(first, GPU_FAULT_DEADLOCK, first->waiting, "%u threads wait for ever; this one for lanes of its warp, mask 0x%x%s", waiting, first->mask, elsewhere);
}

static bool run_turns(gpu_block *b, bool *moved) {
    uint16_t order[BLOCK_THREADS_MAX];
    if (b->drawn != NULL) gpu_schedule_order(b->drawn, order, b->thread_count);
    for (uint32_t k = 0; k < b->thread_count; k++)
        if (!run_turn(&b->threads[b->drawn == NULL ? k : order[k]], b->drawn == NULL ? TURN : gpu_schedule_turn(b->drawn, TURN_BITS), moved)) return false;
    return true;
}

/* A turn of every thread. *alive: some have not exited. */
static bool run_round(gpu_block *b, bool *moved, bool *alive) {
    uint32_t warps = (b->thread_count + GPU_WARP - 1) / GPU_WARP;
    if (!run_turns(b, moved)) return false;
    for (uint32_t w = 0; w < warps; w++)
        if (!gpu_warp_settle(b, w, moved)) return false;
    gpu_barriers_settle(b, moved);
    *alive = false;
    for (uint32_t k = 0; k < b->thread_count; k++) *alive = *alive || b->threads[k].state != GPU_EXITED;
    return true;
}

static bool run_threads(gpu_block *b) {
    for (;;) {
        bool moved = false, alive;
        if (!run_round(b, &moved, &alive)) return false;
        if (!alive) return true;
        if (!moved) return deadlock(b);
    }
}

static bool start_threads(gpu_block *b) {
    const uint32_t *size = b->launch->block;
    for (uint32_t k = 0; k < b->thread_count; k++) {
        b->threads[k] = (gpu_thread){.block = b, .index = {k % size[0], k / size[0] % size[1], k / size[0] / size[1]}, .lane = k % GPU_WARP, .warp = k / GPU_WARP};
        if (!gpu_thread_start(&b->threads[k])) return false;
    }
    return true;
}

/* Of so many that are there at once. */
static bool begin_block(gpu_block *b, const gpu_launch *launch, uint32_t number, uint32_t of, uint64_t *executed, gpu_fault *fault) {
    const uint32_t *grid = launch->grid;
    *b = (gpu_block){.launch = launch, .fault = fault, .index = {number % grid[0], number / grid[0] % grid[1], number / grid[0] / grid[1]}, .number = number, .thread_count = launch->block[0] * launch->block[1] * launch->block[2],
                     .executed = executed, .shared_bytes = gpu_launch_shared_bytes(launch), .room = {.most = gpu_block_room(of)}};
    b->room.taken = b->shared_bytes + sizeof *b->threads * b->thread_count;
    b->threads = pgd_mem_zalloc(sizeof *b->threads * b->thread_count);
    b->shared = pgd_mem_zalloc((size_t)b->shared_bytes + 16);
    if (b->threads == NULL || b->shared == NULL || !start_threads(b)) return false;
    b->there = true;
    if (launch->listener != NULL) launch->listener->begin_block(launch->listener->user, b->number, b->thread_count, b->shared_bytes);
    return gpu_thread_may_go_on(&b->threads[0], NULL); /* of kernels that have nothing to do there may be very many */
}

static void end_block(gpu_block *b) {
    const gpu_listener *l = b->there ? b->launch->listener : NULL;
    if (l != NULL) l->end_block(l->user, b->number);
    for (uint32_t k = 0; b->threads != NULL && k < b->thread_count; k++) gpu_thread_deinit(&b->threads[k]);
    pgd_mem_free(b->threads);
    pgd_mem_free(b->shared);
    *b = (gpu_block){0};
}

static pgd_status verdict(bool fine, const gpu_fault *fault) {
    if (fine) return PGD_OK;
    return fault->kind != GPU_NO_FAULT ? pgd_fail(PGD_DEVICE, "%s", fault->text) : pgd_fail(PGD_NO_MEMORY, "no memory for the registers and the stacks of a block, or more than one may have; launch smaller blocks, or fewer at once");
}

static pgd_status run_block(const gpu_launch *launch, uint32_t number, uint64_t *executed, gpu_fault *fault) {
    gpu_block b;
    bool fine = begin_block(&b, launch, number, 1, executed, fault) && run_threads(&b);
    end_block(&b);
    return verdict(fine, fault);
}

/* All blocks are there at once, and have a round each in turn. */
static bool run_rounds(gpu_block *blocks, uint32_t count) {
    for (;;) {
        bool moved = false, alive = false, of_one;
        gpu_block *stuck = NULL;
        for (uint32_t k = 0; k < count; k++) {
            if (!run_round(&blocks[k], &moved, &of_one)) return false;
            if (of_one) stuck = &blocks[k];
            alive = alive || of_one;
        }
        if (!alive) return true;
        if (!moved) return deadlock(stuck);
    }
}

enum { TOGETHER_MAX = 4096 };

static pgd_status run_together(const gpu_launch *launch, uint32_t count, uint64_t *executed, gpu_fault *fault) {
    gpu_block *blocks = pgd_mem_zalloc(sizeof *blocks * count);
    if (blocks == NULL) return pgd_fail_memory(sizeof *blocks * count);
    bool fine = true;
    for (uint32_t k = 0; k < count && fine; k++) fine = begin_block(&blocks[k], launch, k, count, executed, fault);
    fine = fine && run_rounds(blocks, count);
    for (uint32_t k = 0; k < count; k++) end_block(&blocks[k]);
    pgd_mem_free(blocks);
    return verdict(fine, fault);
}

/* ---- launches with a seed --------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct drawn_launch {
    gpu_schedule schedule;
    gpu_permutation numbers;
    gpu_block *blocks; /* places for those that are there */
    uint16_t *order;
    uint32_t places, next;
} drawn_launch;

/* A round of the block at a place; where there is none, the next one begins. */
static bool run_place(drawn_launch *d, gpu_block *b, const gpu_launch *launch, uint64_t *executed, gpu_fault *fault) {
    bool moved = false, alive;
    if (!b->there) {
        if (d->next == d->numbers.count) return true;
        if (!begin_block(b, launch, (uint32_t)gpu_permutation_at(&d->numbers, d->next++), d->places, executed, fault)) return false;
        b->drawn = &d->schedule;
    }
    if (!run_round(b, &moved, &alive)) return false;
    if (alive && !moved) return deadlock(b);
    if (!alive) end_block(b);
    return true;
}

static bool run_places(drawn_launch *d, const gpu_launch *launch, uint64_t *executed, gpu_fault *fault) {
    for (bool some = true; some;) {
        gpu_schedule_order(&d->schedule, d->order, d->places);
        for (uint32_t k = 0; k < d->places; k++)
            if (!run_place(d, &d->blocks[d->order[k]], launch, executed, fault)) return false;
        some = d->next < d->numbers.count;
        for (uint32_t k = 0; k < d->places && !some; k++) some = d->blocks[k].there;
    }
    return true;
}

static pgd_status run_drawn(const gpu_launch *launch, uint32_t count, uint64_t *executed, gpu_fault *fault) {
    drawn_launch d = {.schedule = gpu_schedule_of(launch->seed)};
    d.numbers = gpu_permutation_draw(&d.schedule, count);
    d.places = gpu_schedule_residents(&d.schedule, count, launch->cooperative);
    d.blocks = pgd_mem_zalloc(sizeof *d.blocks * d.places);
    d.order = pgd_mem_zalloc(sizeof *d.order * d.places);
    bool fine = d.blocks != NULL && d.order != NULL && run_places(&d, launch, executed, fault);
    for (uint32_t k = 0; d.blocks != NULL && k < d.places; k++) end_block(&d.blocks[k]);
    pgd_mem_free(d.blocks);
    pgd_mem_free(d.order);
    return verdict(fine, fault);
}

pgd_status gpu_reference_run(const gpu_launch *launch, gpu_fault *fault) {
    uint64_t executed = 0;
    *fault = (gpu_fault){0};
    PGD_TRY(gpu_launch_check(launch));
    if (launch->listener != NULL) launch->listener->begin_launch(launch->listener->user, launch);
    uint64_t count = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2];
    if (count > UINT32_MAX) return pgd_fail(PGD_BAD_ARG, "a grid of %llu blocks; the reference executor runs at most %u", (unsigned long long)count, UINT32_MAX);
    if (launch->cooperative && count > TOGETHER_MAX) return pgd_fail(PGD_BAD_ARG, "a cooperative launch of %llu blocks; at most %d can be there at once", (unsigned long long)count, TOGETHER_MAX);
    if (launch->seed != 0) return run_drawn(launch, (uint32_t)count, &executed, fault);
    if (launch->cooperative) return run_together(launch, (uint32_t)count, &executed, fault);
    for (uint32_t k = 0; k < (uint32_t)count; k++) PGD_TRY(run_block(launch, k, &executed, fault));
    return PGD_OK;
}
