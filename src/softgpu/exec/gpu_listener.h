/* SPDX-License-Identifier: Apache-2.0
 * What an executor tells of while it runs, for checkers: accesses to memory, and where threads wait for each other. One block at a time, one thread at a time; blocks
 * come one after the other, or several take turns: those that have begun and not ended. */
#ifndef PGD_SOFTGPU_LISTENER_H
#define PGD_SOFTGPU_LISTENER_H

#include "gpu_launch.h"

typedef enum gpu_access_kind { GPU_ACCESS_READ, GPU_ACCESS_WRITE, GPU_ACCESS_ATOMIC } gpu_access_kind;

typedef struct gpu_access {
    const gpu_launch *launch;
    const ptx_function *function;
    const ptx_instruction *instruction;
    uint32_t block[3], thread[3];
    uint32_t block_number, thread_number; /* in the grid, in the block */
    ptx_space space;                      /* none but global, const, shared, local */
    uint64_t address, bytes;              /* within the space */
    gpu_access_kind kind;
    bool strong;                          /* volatile, relaxed, acquire, release, or atomic: meant to be seen by others at once */
    bool of_block;                        /* strong for threads of the block alone (.cta) */
    const char *before;                   /* what is in memory now */
    const char *value;                    /* of a write: what is about to be; else NULL */
} gpu_access;

typedef struct gpu_listener {
    void *user;
    void (*begin_launch)(void *user, const gpu_launch *launch);
    void (*begin_block)(void *user, uint32_t block, uint32_t threads, uint64_t shared_bytes);
    void (*end_block)(void *user, uint32_t block);
    void (*access)(void *user, const gpu_access *access);
    /* cp.async: begun by a thread, which will write so many bytes of .shared memory; then done: all that the thread has begun but the last `left`. */
    void (*copy_begun)(void *user, const gpu_access *write);
    void (*copies_done)(void *user, uint32_t block, uint32_t thread, uint32_t left);
    void (*arrived)(void *user, uint32_t block, int32_t barrier, uint32_t warp); /* lanes of a warp arrive at a barrier, and do not wait there */
    /* A barrier of the block opens: `came` are the lanes of each warp that arrived, `go` those that go on now. */
    void (*barrier)(void *user, uint32_t block, int32_t barrier, const uint32_t *came, const uint32_t *go, uint32_t warps);
    /* Lanes of a warp came to a barrier that is for whole warps (bar, barrier.aligned) at different instructions: one of them, and where another one is. */
    void (*divergent)(void *user, const gpu_access *one, const ptx_instruction *other);
    /* A barrier of the whole block is about to open, to which `came` of its threads came, one of them here; the others have exited. */
    void (*skipped)(void *user, const gpu_access *one, uint32_t came, uint32_t threads);
    /* A shuffle of one thread reads from a lane of its warp that takes no part: it has exited, is not in the mask, or is no thread of the block. */
    void (*absent)(void *user, const gpu_access *one, int32_t lane);
    void (*warp_barrier)(void *user, uint32_t block, uint32_t warp, uint32_t lanes);
    void (*fence)(void *user, uint32_t block, uint32_t thread, bool of_block); /* of_block: orders for threads of the block alone (.cta) */
} gpu_listener;
#endif
