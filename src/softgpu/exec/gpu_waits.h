/* SPDX-License-Identifier: Apache-2.0
 * Instructions at which threads wait for each other: which they are, and where their masks and numbers stand. */
#ifndef PGD_SOFTGPU_WAITS_H
#define PGD_SOFTGPU_WAITS_H

#include <ptx/forms.h>

/* The operand that holds the mask of lanes, or which lanes an instruction without one means. */
enum { GPU_NO_WARP_OPERATION = -1, GPU_THOSE_THERE = -2, GPU_WHOLE_WARP = -3 };
int32_t gpu_mask_operand(const ptx_instruction *instruction);

/* Do lanes that wait at these two meet? At the same one, or for other operations than those on matrices at one with the same words. */
bool gpu_waits_meet(const ptx_instruction *one, const ptx_instruction *other);

/* Of a fence, or of an access that orders: is its scope the block, or less than the device (.cta, .cluster)? */
bool gpu_orders_block_alone(const ptx_instruction *instruction);

/* Is it for warps that are there whole (bar, barrier.aligned)? */
bool gpu_waits_whole_warps(const ptx_instruction *barrier);

/* Where a barrier's number, its count of threads and its predicate stand; -1: nowhere. */
typedef enum gpu_arrival { GPU_NO_BARRIER, GPU_WAITS, GPU_ARRIVES } gpu_arrival;
gpu_arrival gpu_barrier_operands(const ptx_instruction *instruction, int32_t *number, int32_t *count, int32_t *predicate);
#endif
