/* SPDX-License-Identifier: Apache-2.0
 * How many blocks a streaming multiprocessor holds at once, and what keeps it from holding more. */
#ifndef PGD_SOFTGPU_OCCUPANCY_H
#define PGD_SOFTGPU_OCCUPANCY_H

#include <base_share.h>

/* Of one compute capability. */
typedef struct gpu_architecture {
    int32_t capability; /* 90 for 9.0 */
    int32_t sm_threads, sm_blocks, sm_registers, sm_shared_bytes, block_shared_bytes, reserved_shared_bytes;
} gpu_architecture;
const gpu_architecture *gpu_architecture_of(int32_t capability); /* the nearest that is known and not newer */

typedef enum gpu_limiter { GPU_LIMITED_BY_WARPS, GPU_LIMITED_BY_BLOCKS, GPU_LIMITED_BY_REGISTERS, GPU_LIMITED_BY_SHARED } gpu_limiter;

typedef struct gpu_occupancy {
    int32_t blocks; /* 0: not even one */
    gpu_limiter limiter;
} gpu_occupancy;

/* threads: of a block; registers: of a thread; shared_bytes: of a block, static and dynamic. */
gpu_occupancy gpu_occupancy_of(const gpu_architecture *architecture, int32_t threads, int32_t registers, uint64_t shared_bytes);
#endif
