/* SPDX-License-Identifier: Apache-2.0
 * What a seed decides: which block, warp or thread comes next, and for how long. One seed gives one order, on every machine. */
#ifndef PGD_SOFTGPU_SCHEDULE_H
#define PGD_SOFTGPU_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct gpu_schedule {
    uint64_t state;
} gpu_schedule;

gpu_schedule gpu_schedule_of(uint64_t seed);
uint64_t gpu_schedule_seed(uint64_t seed, uint64_t number); /* of the launch of that number, say; never 0 */
uint64_t gpu_schedule_draw(gpu_schedule *s);
uint32_t gpu_schedule_below(gpu_schedule *s, uint32_t count);
/* 0 to 2^bits - 1, where each power of two has the same chance: short turns often, long ones sometimes, now and then none at all. */
uint32_t gpu_schedule_turn(gpu_schedule *s, uint32_t bits);
void gpu_schedule_order(gpu_schedule *s, uint16_t *order, uint32_t count); /* 0 to count - 1 */

/* An order of so many numbers that nobody could write down. */
typedef struct gpu_permutation {
    uint64_t count, keys[4];
    uint32_t bits; /* of a half */
} gpu_permutation;

gpu_permutation gpu_permutation_draw(gpu_schedule *s, uint64_t count); /* count: 1 to 2^63 */
uint64_t gpu_permutation_at(const gpu_permutation *p, uint64_t k);     /* k < count */

/* How many blocks of an ordinary launch are there at once; all of a cooperative one are. */
uint32_t gpu_schedule_residents(gpu_schedule *s, uint64_t blocks, bool cooperative);
#endif
