/* SPDX-License-Identifier: Apache-2.0
 * Operations of streams and graphs that nothing orders, and that use the same memory: a kernel and a copy, two kernels, two copies. */
#ifndef PGD_SOFTGPU_STREAM_RACES_H
#define PGD_SOFTGPU_STREAM_RACES_H

#include "findings.h"
#include "footprint.h"
#include "moments.h"

/* Whether they really met does not matter: operations are compared by what waits for what, and by what the program has waited for. What the program itself does with memory
 * is not seen, nor that it waits for a kernel by reading what that writes. Of operations that others may still race with the last 256 are kept. */
typedef struct gpu_stream_races gpu_stream_races;

gpu_stream_races *gpu_stream_races_create(gpu_findings *findings); /* NULL: no memory */
void gpu_stream_races_destroy(gpu_stream_races *races);
/* An operation is done. The footprint, sorted, goes over. */
void gpu_stream_races_done(gpu_stream_races *races, const gpu_moment *moment, gpu_footprint *footprint);
/* All that is submitted from now on knows of these; nothing that is submitted is still to be done. */
void gpu_stream_races_known(gpu_stream_races *races, const gpu_clock *known);
void gpu_stream_races_forget(gpu_stream_races *races); /* all: a module is unloaded, and everything was waited for */
#endif
