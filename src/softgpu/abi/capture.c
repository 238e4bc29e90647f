/* SPDX-License-Identifier: Apache-2.0
 * Capturing streams into a graph. A stream's frontier are the nodes that its next one waits for; events carry frontiers from stream to stream. */
#include "capture.h"

#include <string.h>

static _Thread_local CUstreamCaptureMode thread_mode = CU_STREAM_CAPTURE_MODE_GLOBAL;

CUresult gpu_capture_invalidate(CUstream s, CUresult why) {
    s->capture->invalid = true;
    return why;
}

CUresult gpu_capture_stops_legacy(CUstream s) {
    CUcontext c = s->context;
    if (c->captures == 0 || s != c->legacy) return CUDA_SUCCESS;
    CUresult result = CUDA_SUCCESS;
    for (CUstream other = c->streams; other != NULL; other = other->next) {
        if (other->capture == NULL || (other->flags & CU_STREAM_NON_BLOCKING) != 0) continue;
        other->capture->invalid = true;
        result = CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    }
    return result;
}

static bool is_spoilt_by_this_thread(const gpu_capture *capture) {
    bool own = pthread_equal(capture->thread, pthread_self());
    if (thread_mode == CU_STREAM_CAPTURE_MODE_RELAXED || capture->mode == CU_STREAM_CAPTURE_MODE_RELAXED) return false;
    return own || (thread_mode == CU_STREAM_CAPTURE_MODE_GLOBAL && capture->mode == CU_STREAM_CAPTURE_MODE_GLOBAL);
}

CUresult gpu_capture_stops_unsafe(const char *what) {
    CUresult result = CUDA_SUCCESS;
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUstream s = c->captures == 0 ? NULL : c->streams; s != NULL; s = s->next)
            if (s->capture != NULL && is_spoilt_by_this_thread(s->capture)) result = gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (result != CUDA_SUCCESS) gpu_refuse(result, "%s while a stream is captured, which spoils the capture; do it before, or capture with CU_STREAM_CAPTURE_MODE_RELAXED", what);
    return result;
}

static CUgraphNodeType type_of(const gpu_operation *o) {
    switch (o->kind) {
    case GPU_OP_KERNEL: return CU_GRAPH_NODE_TYPE_KERNEL;
    case GPU_OP_COPY: return CU_GRAPH_NODE_TYPE_MEMCPY;
    case GPU_OP_FILL: return CU_GRAPH_NODE_TYPE_MEMSET;
    case GPU_OP_FREE: return CU_GRAPH_NODE_TYPE_MEM_FREE;
    default: return CU_GRAPH_NODE_TYPE_HOST;
    }
}

static CUresult add(CUstream s, CUgraphNodeType type, gpu_operation *o, CUevent event) {
    gpu_capture *capture = s->capture;
    if (capture->invalid) {
        gpu_operation_release(o);
        return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    }
    CUgraphNode node = gpu_graph_add(capture->graph, type, o, s->frontier.nodes, (size_t)s->frontier.count);
    if (node == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    node->event = event;
    s->frontier.count = 0;
    return gpu_nodes_add(&s->frontier, node) ? CUDA_SUCCESS : gpu_capture_invalidate(s, CUDA_ERROR_OUT_OF_MEMORY);
}

CUresult gpu_capture_add(CUstream s, gpu_operation *o) { return add(s, type_of(o), o, NULL); }
CUresult gpu_capture_add_event(CUstream s, CUgraphNodeType type, CUevent event) { return add(s, type, NULL, event); }

static bool copy_nodes(gpu_node_list *to, const gpu_node_list *from) {
    for (int32_t i = 0; i < from->count; i++)
        if (!gpu_nodes_add(to, from->nodes[i])) return false;
    return true;
}

CUresult gpu_capture_record(CUstream s, CUevent event) {
    if (s->capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    gpu_task_release(event->task);
    event->task = NULL;
    event->capture_id = s->capture->id;
    event->frontier.count = 0;
    return copy_nodes(&event->frontier, &s->frontier) ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
}

/* The capture that an event was recorded in, if it is still under way. */
static gpu_capture *capture_of(CUevent event) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUstream s = c->streams; s != NULL; s = s->next)
            if (s->capture != NULL && s->capture->id == event->capture_id) return s->capture;
    return NULL;
}

CUresult gpu_capture_refuse_event(CUevent event) {
    gpu_capture *capture = capture_of(event);
    if (capture != NULL) capture->invalid = true;
    return CUDA_ERROR_CAPTURED_EVENT;
}

void gpu_capture_spoil(CUcontext c) {
    for (CUstream s = c->streams; s != NULL; s = s->next)
        if (s->capture != NULL) s->capture->invalid = true;
}

CUresult gpu_capture_wait(CUstream s, CUevent event) {
    if (event->capture_id == 0) return gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    gpu_capture *capture = capture_of(event);
    if (capture == NULL) return CUDA_ERROR_CAPTURED_EVENT;
    if (s->capture != NULL && s->capture != capture) {
        capture->invalid = true;
        return gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_MERGE);
    }
    if (s == s->context->legacy) return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
    s->capture = capture;
    return copy_nodes(&s->frontier, &event->frontier) ? CUDA_SUCCESS : gpu_capture_invalidate(s, CUDA_ERROR_OUT_OF_MEMORY);
}

/* ---- beginning and ending -------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode mode) {
    CUstream s;
    if ((int)mode < 0 || mode > CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (s == s->context->legacy) return gpu_leave(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    if (s->capture != NULL) return gpu_leave(CUDA_ERROR_ILLEGAL_STATE);
    gpu_capture *capture = pgd_mem_zalloc(sizeof *capture);
    CUgraph graph = capture == NULL ? NULL : gpu_graph_create();
    if (graph == NULL) {
        pgd_mem_free(capture);
        return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    *capture = (gpu_capture){.graph = graph, .origin = s, .mode = mode, .thread = pthread_self(), .id = ++gpu_driver.ids};
    graph->captured = true;
    s->capture = capture;
    s->frontier.count = 0;
    s->context->captures++;
    return gpu_leave(CUDA_SUCCESS);
}

/* All streams of it run again; the graph goes to the caller, or with it. */
static CUgraph end(CUcontext c, gpu_capture *capture) {
    CUgraph graph = capture->graph;
    for (CUcontext any = gpu_driver.contexts; any != NULL; any = any->next) /* streams of other devices may have joined */
        for (CUstream s = any->streams; s != NULL; s = s->next)
            if (s->capture == capture) s->capture = NULL, s->frontier.count = 0;
    graph->captured = false;
    c->captures--;
    pgd_mem_free(capture);
    return graph;
}

void gpu_capture_abandon(CUstream s) {
    gpu_capture *capture = s->capture;
    if (capture->origin == s) gpu_graph_destroy(end(s->context, capture));
    else capture->invalid = true, s->capture = NULL;
}

/* Does the frontier of every other stream lead to that of the first? `number` marks what does: waits come before those that wait, so one way back is enough. */
static bool joined(const gpu_capture *capture) {
    const gpu_node_list *all = &capture->graph->list;
    for (int32_t i = 0; i < all->count; i++) all->nodes[i]->number = gpu_nodes_have(&capture->origin->frontier, all->nodes[i]);
    for (int32_t i = all->count - 1; i >= 0; i--)
        for (int32_t k = 0; all->nodes[i]->number != 0 && k < all->nodes[i]->waits.count; k++) all->nodes[i]->waits.nodes[k]->number = 1;
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUstream s = c->streams; s != NULL; s = s->next)
            for (int32_t k = 0; s->capture == capture && k < s->frontier.count; k++)
                if (s->frontier.nodes[k]->number == 0) return false;
    return true;
}

CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
    CUstream s;
    if (graph == NULL) return CUDA_ERROR_INVALID_VALUE;
    *graph = NULL;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    gpu_capture *capture = s->capture;
    if (capture == NULL) return gpu_leave(CUDA_ERROR_ILLEGAL_STATE);
    if (capture->origin != s) return gpu_leave(gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNMATCHED));
    if (capture->mode != CU_STREAM_CAPTURE_MODE_RELAXED && !pthread_equal(capture->thread, pthread_self())) return gpu_leave(CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD);
    result = capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : joined(capture) ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNJOINED;
    CUgraph made = end(s->context, capture);
    if (result == CUDA_SUCCESS) *graph = made;
    else gpu_graph_destroy(made);
    return gpu_leave(result);
}

/* ---- asking --------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUstreamCaptureStatus status_of(const struct CUstream_st *s) { return s->capture == NULL ? CU_STREAM_CAPTURE_STATUS_NONE : s->capture->invalid ? CU_STREAM_CAPTURE_STATUS_INVALIDATED : CU_STREAM_CAPTURE_STATUS_ACTIVE; }

CUresult cuStreamIsCapturing(CUstream stream, CUstreamCaptureStatus *status) {
    CUstream s;
    if (status == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *status = status_of(s);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuStreamGetCaptureInfo_v2(CUstream stream, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph, const CUgraphNode **dependencies, size_t *count) {
    CUstream s;
    if (status == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *status = status_of(s);
    if (*status == CU_STREAM_CAPTURE_STATUS_ACTIVE) {
        if (id != NULL) *id = s->capture->id;
        if (graph != NULL) *graph = s->capture->graph;
        if (dependencies != NULL) *dependencies = s->frontier.nodes;
        if (count != NULL) *count = (size_t)s->frontier.count;
    }
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuStreamUpdateCaptureDependencies(CUstream stream, CUgraphNode *dependencies, size_t count, unsigned int flags) {
    CUstream s;
    if (flags > 1 || (dependencies == NULL && count > 0)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (status_of(s) != CU_STREAM_CAPTURE_STATUS_ACTIVE) return gpu_leave(CUDA_ERROR_ILLEGAL_STATE);
    for (size_t i = 0; i < count; i++)
        if (!gpu_object_is(dependencies[i], GPU_NODE) || dependencies[i]->graph != s->capture->graph) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    if (flags == 1) s->frontier.count = 0; /* set, not add */
    for (size_t i = 0; i < count; i++)
        if (!gpu_nodes_add(&s->frontier, dependencies[i])) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuThreadExchangeStreamCaptureMode(CUstreamCaptureMode *mode) {
    if (mode == NULL || (int)*mode < 0 || *mode > CU_STREAM_CAPTURE_MODE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    CUstreamCaptureMode before = thread_mode;
    thread_mode = *mode;
    *mode = before;
    return CUDA_SUCCESS;
}

/* ---- other versions ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuStreamBeginCapture(CUstream stream) { return cuStreamBeginCapture_v2(stream, CU_STREAM_CAPTURE_MODE_GLOBAL); }
CUresult cuStreamGetCaptureInfo(CUstream stream, CUstreamCaptureStatus *status, uint64_t *id) { return cuStreamGetCaptureInfo_v2(stream, status, id, NULL, NULL, NULL); }

/* Edges carry no data here. */
CUresult cuStreamGetCaptureInfo_v3(CUstream stream, CUstreamCaptureStatus *status, uint64_t *id, CUgraph *graph, const CUgraphNode **dependencies, const void **edges, size_t *count) {
    if (edges != NULL) *edges = NULL;
    return cuStreamGetCaptureInfo_v2(stream, status, id, graph, dependencies, count);
}
CUresult cuStreamUpdateCaptureDependencies_v2(CUstream stream, CUgraphNode *dependencies, const void *edges, size_t count, unsigned int flags) {
    return edges != NULL ? CUDA_ERROR_NOT_SUPPORTED : cuStreamUpdateCaptureDependencies(stream, dependencies, count, flags);
}
