/* SPDX-License-Identifier: Apache-2.0
 * Who knows of whose doings up to what time: times of other warps, or of streams, in a sorted list. */
#ifndef PGD_SOFTGPU_CLOCKS_H
#define PGD_SOFTGPU_CLOCKS_H

#include <base_share.h>

typedef struct gpu_clock_entry {
    uint64_t whose, time; /* whose: a number of a warp in its grid, or of a chain of operations */
} gpu_clock_entry;

/* A zeroed one knows nothing. everything: all up to that time are known; a list that grows too long becomes that, and forgets no more than it must. */
typedef struct gpu_clock {
    gpu_clock_entry *list;
    int32_t count, capacity;
    uint64_t everything;
} gpu_clock;

void gpu_clock_deinit(gpu_clock *clock);
uint64_t gpu_clock_get(const gpu_clock *clock, uint64_t whose);
bool gpu_clock_raise(gpu_clock *clock, uint64_t whose, uint64_t time); /* false: no memory */
bool gpu_clock_join(gpu_clock *clock, const gpu_clock *other);
#endif
