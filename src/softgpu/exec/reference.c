/* SPDX-License-Identifier: Apache-2.0
 * Blocks one after the other; in a block each thread runs until it waits or has had its turn, then the next. */
#include "reference.h"

#include <stdio.h>
#include <string.h>

#include "reference_thread.h"

enum { TURN = 4096 };

static bool run_turn(gpu_thread *t, bool *moved) {
    for (int32_t k = 0; k < TURN && t->state == GPU_RUNNING; k++) {
        if (!gpu_thread_step(t)) return false;
        *moved = true;
    }
    return true;
}

/* Nobody can run any more: says of one of them what it waits for, and of how many the same holds. */
static bool deadlock(gpu_block *b) {
    uint32_t waiting = 0;
    gpu_thread *first = NULL;
    for (uint32_t k = 0; k < b->thread_count; k++) {
        if (b->threads[k].state == GPU_EXITED) continue;
        waiting++;
        if (first == NULL) first = &b->threads[k];
    }
    if (first->state == GPU_AT_BARRIER) {
        const gpu_barrier *at = &b->barriers[first->barrier];
        uint32_t threads, alive;
        gpu_barrier_arrived(b, at, &threads, &alive);
        return gpu_thread_fault(first, GPU_FAULT_DEADLOCK, first->waiting, "%u threads wait for ever; this one at barrier %d, which %u of %u reached", waiting, first->barrier, threads, at->expected == 0 ? waiting : at->expected);
    }
    return gpu_thread_fault(first, GPU_FAULT_DEADLOCK, first->waiting, "%u threads wait for ever; this one for lanes of its warp, mask 0x%x", waiting, first->mask);
}

static bool run_threads(gpu_block *b) {
    uint32_t warps = (b->thread_count + GPU_WARP - 1) / GPU_WARP;
    for (;;) {
        bool moved = false, alive = false;
        for (uint32_t k = 0; k < b->thread_count; k++)
            if (!run_turn(&b->threads[k], &moved)) return false;
        for (uint32_t w = 0; w < warps; w++)
            if (!gpu_warp_settle(b, w, &moved)) return false;
        gpu_barriers_settle(b, &moved);
        for (uint32_t k = 0; k < b->thread_count; k++) alive = alive || b->threads[k].state != GPU_EXITED;
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

static pgd_status run_block(const gpu_launch *launch, const uint32_t index[3], uint64_t *executed, gpu_fault *fault) {
    gpu_block b = {.launch = launch, .fault = fault, .index = {index[0], index[1], index[2]}, .number = (index[2] * launch->grid[1] + index[1]) * launch->grid[0] + index[0], .thread_count = launch->block[0] * launch->block[1] * launch->block[2], .executed = executed, .shared_bytes = gpu_launch_shared_bytes(launch)};
    b.threads = pgd_mem_zalloc(sizeof *b.threads * b.thread_count);
    b.shared = pgd_mem_zalloc((size_t)b.shared_bytes + 16);
    bool fine = b.threads != NULL && b.shared != NULL && start_threads(&b);
    if (fine && launch->listener != NULL) launch->listener->begin_block(launch->listener->user, b.number, b.thread_count, b.shared_bytes);
    fine = fine && run_threads(&b);
    for (uint32_t k = 0; b.threads != NULL && k < b.thread_count; k++) gpu_thread_deinit(&b.threads[k]);
    pgd_mem_free(b.threads);
    pgd_mem_free(b.shared);
    if (fine) return PGD_OK;
    return fault->kind != GPU_NO_FAULT ? pgd_fail(PGD_DEVICE, "%s", fault->text) : pgd_fail_memory(sizeof *b.threads * b.thread_count);
}

pgd_status gpu_reference_run(const gpu_launch *launch, gpu_fault *fault) {
    uint64_t executed = 0;
    *fault = (gpu_fault){0};
    PGD_TRY(gpu_launch_check(launch));
    if (launch->listener != NULL) launch->listener->begin_launch(launch->listener->user, launch);
    for (uint32_t z = 0; z < launch->grid[2]; z++)
        for (uint32_t y = 0; y < launch->grid[1]; y++)
            for (uint32_t x = 0; x < launch->grid[0]; x++) PGD_TRY(run_block(launch, (uint32_t[]){x, y, z}, &executed, fault));
    return PGD_OK;
}
