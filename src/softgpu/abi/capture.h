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
/* Of an event that was captured nothing may be asked: spoils its capture, if that is still under way. Returns CAPTURED_EVENT. */
CUresult gpu_capture_refuse_event(CUevent event);
void gpu_capture_spoil(CUcontext context); /* all of the context's streams */
/* A stream that waits for an event of a capture joins it. */
CUresult gpu_capture_wait(CUstream stream, CUevent event);
CUresult gpu_capture_record(CUstream stream, CUevent event);
/* What the stream did cannot be captured: all of it is spoilt. Returns `why`. */
CUresult gpu_capture_invalidate(CUstream stream, CUresult why);
void gpu_capture_abandon(CUstream stream);
/* Is this the legacy stream, and are streams captured that it would wait for? Then it must neither run anything nor be asked, and those captures are spoilt. */
CUresult gpu_capture_stops_legacy(CUstream stream);
/* May this thread call what might disturb a capture: allocate, free, ask an event? Not while it captures itself, nor while another thread does in the global mode; a call that is refused spoils those captures. cuThreadExchangeStreamCaptureMode
 * says less of a thread, and a relaxed capture forbids nothing. */
CUresult gpu_capture_stops_unsafe(const char *what);
#endif
