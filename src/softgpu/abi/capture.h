/* SPDX-License-Identifier: Apache-2.0
 * Streams whose operations become nodes of a graph instead of running. */
#ifndef PGD_SOFTGPU_CAPTURE_H
#define PGD_SOFTGPU_CAPTURE_H

#include "cuda_graph.h"

typedef struct gpu_capture {
    CUgraph graph;
    CUstream origin;
    CUstreamCaptureMode mode;
    pthread_t thread;
    unsigned long long id;
    bool invalid;
} gpu_capture;

CUresult gpu_capture_add(CUstream stream, gpu_operation *operation); /* takes its reference */
CUresult gpu_capture_add_event(CUstream stream, CUgraphNodeType type, CUevent event);
/* A stream that waits for an event of a capture joins it. */
CUresult gpu_capture_wait(CUstream stream, CUevent event);
CUresult gpu_capture_record(CUstream stream, CUevent event);
/* What the stream did cannot be captured: all of it is spoilt. Returns `why`. */
CUresult gpu_capture_invalidate(CUstream stream, CUresult why);
void gpu_capture_abandon(CUstream stream);
/* May this stream, which is not captured, run something now? The legacy stream must not while others are captured. */
CUresult gpu_capture_forbids(CUstream stream);
/* May this thread call what might disturb a capture: allocate, free, ask an event? Not while it captures itself, nor while another thread does in the global mode; a call that is refused spoils those captures. cuThreadExchangeStreamCaptureMode
 * says less of a thread, and a relaxed capture forbids nothing. */
CUresult gpu_capture_permits(const char *what);
#endif
