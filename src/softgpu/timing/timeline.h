/* SPDX-License-Identifier: Apache-2.0
 * A picture of how warps share a streaming multiprocessor: what the first blocks of a launch did, replayed by a simple model of latencies. Uncalibrated: the numbers are
 * published or taken from simulators, not measured on the device that is named; compare pictures, do not quote cycles. */
#ifndef PGD_SOFTGPU_TIMELINE_H
#define PGD_SOFTGPU_TIMELINE_H

#include <exec/gpu_observer.h>

/* What one warp did: an instruction and what its memory access costs. */
typedef struct gpu_trace_step {
    const ptx_instruction *instruction;
    uint16_t sectors, wavefronts;
} gpu_trace_step;

typedef struct gpu_trace {
    gpu_trace_step *steps;
    int32_t count, capacity;
    int32_t block; /* of the recorded ones */
} gpu_trace;

/* The warps of the first `blocks` blocks of a launch; steps beyond the limit are left out, and `cut` says so. */
typedef struct gpu_recording {
    gpu_trace *warps;
    int32_t warp_count, warps_of_block, blocks;
    uint32_t grid[3];
    int64_t steps;
    bool cut;
} gpu_recording;

pgd_status gpu_recording_init(gpu_recording *recording, const gpu_launch *launch, int32_t blocks);
void gpu_recording_deinit(gpu_recording *recording);
gpu_observer gpu_recorder(gpu_recording *recording);

typedef enum gpu_wait { GPU_WAIT_NONE, GPU_WAIT_DATA, GPU_WAIT_MEMORY, GPU_WAIT_SHARED, GPU_WAIT_PIPE, GPU_WAIT_BARRIER, GPU_WAIT_TURN, GPU_WAITS } gpu_wait;
extern const char *const gpu_wait_names[GPU_WAITS];

/* An instruction that was issued, and what the warp waited for since its last one. */
typedef struct gpu_issue {
    int64_t cycle, waited; /* waited: cycles before it */
    int32_t warp;
    gpu_wait why;
    const ptx_instruction *instruction;
} gpu_issue;

typedef struct gpu_replay {
    gpu_issue *issues; /* in the order of cycles; the first of them, up to the limit given */
    int32_t count, capacity;
    int64_t cycles, instructions;
    int64_t waits[GPU_WAITS];  /* cycles of warps, by what they waited for */
} gpu_replay;

/* Runs the first `blocks` recorded blocks on one multiprocessor with four schedulers; keeps at most `keep` issues. */
pgd_status gpu_replay_run(const gpu_recording *recording, const ptx_function *kernel, int32_t blocks, int32_t keep, gpu_replay *out);
void gpu_replay_deinit(gpu_replay *replay);
#endif
