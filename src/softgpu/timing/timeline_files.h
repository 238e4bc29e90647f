/* SPDX-License-Identifier: Apache-2.0
 * A replay as files: for Perfetto and chrome://tracing, and as a picture. */
#ifndef PGD_SOFTGPU_TIMELINE_FILES_H
#define PGD_SOFTGPU_TIMELINE_FILES_H

#include "timeline.h"

/* Throughput with so many warps resident. */
typedef struct gpu_throughput {
    int32_t warps;
    int64_t cycles, instructions;
} gpu_throughput;

void gpu_timeline_perfetto(const gpu_replay *replay, const char *kernel, int32_t warps, pgd_text *out);
/* cut: the recording has the beginning of the launch alone. */
void gpu_timeline_svg(const gpu_replay *replay, const char *kernel, int32_t warps, const gpu_throughput *throughput, int32_t throughput_count, bool cut, pgd_text *out);
#endif
