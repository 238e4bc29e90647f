/* SPDX-License-Identifier: Apache-2.0
 * Data races: two threads access the same bytes, one of them writes, and nothing puts one before the other. */
#ifndef PGD_SOFTGPU_RACES_H
#define PGD_SOFTGPU_RACES_H

#include "findings.h"
#include "footprint.h"

/* Happens-before by the rules of PTX: barriers of the block and of the warp order what stands on both sides of them; across blocks an atomic or volatile access that
 * sees what another wrote, with a fence before that one and behind this one, none of them of the block's scope (.cta). Two accesses that are both atomic or volatile,
 * each in the other's scope, are no race. Of readers of a word a few are kept, of several warps where they can be, so that some races are told late or not; nothing is told that is none, but: what a warp acquires counts for all of its lanes. */
typedef struct gpu_races gpu_races;

gpu_races *gpu_races_create(gpu_findings *findings); /* NULL: no memory */
void gpu_races_destroy(gpu_races *races);
void gpu_races_begin_launch(gpu_races *races);
void gpu_races_footprint(const gpu_races *races, gpu_footprint *footprint); /* adds what the launch has done to global memory */
void gpu_races_begin_block(gpu_races *races, uint32_t block, uint32_t threads, uint64_t shared_bytes);
void gpu_races_end_block(gpu_races *races, uint32_t block);
void gpu_races_access(gpu_races *races, const gpu_access *access);
void gpu_races_begun(gpu_races *races, const gpu_access *write); /* a write that may happen from now on: what was before must be in order with it. It is told of as an access when it happens. */
void gpu_races_arrived(gpu_races *races, uint32_t block, int32_t barrier, uint32_t warp); /* and does not wait there */
void gpu_races_barrier(gpu_races *races, uint32_t block, int32_t barrier, const uint32_t *came, const uint32_t *go, uint32_t warps);
void gpu_races_warp_barrier(gpu_races *races, uint32_t block, uint32_t warp, uint32_t lanes);
void gpu_races_fence(gpu_races *races, uint32_t block, uint32_t thread, bool of_block); /* of_block: for threads of the block alone */
#endif
