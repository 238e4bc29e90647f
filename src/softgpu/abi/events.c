/* SPDX-License-Identifier: Apache-2.0
 * Events: places in a stream that others wait for, with the time at which it was reached. */
#include "capture.h"

static CUresult enter_event(CUevent event) {
    CUresult result = gpu_enter_object(event, GPU_EVENT, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(event->context, GPU_CONTEXT)) return gpu_leave(CUDA_ERROR_CONTEXT_IS_DESTROYED);
    return event->context->error == CUDA_SUCCESS ? CUDA_SUCCESS : gpu_leave(gpu_context_error(event->context));
}

CUresult cuEventCreate(CUevent *event, unsigned int flags) {
    CUcontext c;
    if (event == NULL || flags > 7) return CUDA_ERROR_INVALID_VALUE;
    if ((flags & CU_EVENT_INTERPROCESS) != 0) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuEventCreate: events are not shared with other processes");
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    CUevent e = pgd_mem_zalloc(sizeof *e);
    if (e == NULL || !gpu_object_add(e, GPU_EVENT)) {
        pgd_mem_free(e);
        return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    e->context = c;
    e->flags = flags;
    e->next = c->events;
    e->at = &c->events;
    if (e->next != NULL) e->next->at = &e->next;
    c->events = e;
    *event = e;
    return gpu_leave(CUDA_SUCCESS);
}

void gpu_event_destroy(CUevent event) {
    *event->at = event->next;
    if (event->next != NULL) event->next->at = event->at;
    gpu_task_release(event->task);
    gpu_object_remove(event);
    pgd_mem_free(event->frontier.nodes);
    pgd_mem_free(event);
}

CUresult cuEventDestroy_v2(CUevent event) {
    CUresult result = gpu_enter_object(event, GPU_EVENT, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    gpu_event_destroy(event);
    return gpu_leave(CUDA_SUCCESS);
}

static CUresult record(CUevent event, CUstream stream, bool external) {
    CUstream s;
    CUresult result = gpu_stream_find(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (s->context != event->context) return CUDA_ERROR_INVALID_HANDLE;
    if (s->capture != NULL) return external ? gpu_capture_add_event(s, CU_GRAPH_NODE_TYPE_EVENT_RECORD, event) : gpu_capture_record(s, event);
    result = gpu_capture_stops_legacy(s);
    if (result != CUDA_SUCCESS) return result;
    gpu_task *task = gpu_stream_append(s, NULL, NULL, 0);
    if (task == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    gpu_task_release(event->task);
    event->task = gpu_task_retain(task);
    event->capture_id = 0;
    return CUDA_SUCCESS;
}

CUresult cuEventRecord(CUevent event, CUstream stream) {
    CUresult result = enter_event(event);
    return result != CUDA_SUCCESS ? result : gpu_leave(record(event, stream, false));
}

CUresult cuEventRecordWithFlags(CUevent event, CUstream stream, unsigned int flags) {
    if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_event(event);
    return result != CUDA_SUCCESS ? result : gpu_leave(record(event, stream, flags == 1));
}

CUresult cuEventQuery(CUevent event) {
    CUresult result = enter_event(event);
    if (result != CUDA_SUCCESS) return result;
    if (event->capture_id != 0) return gpu_leave(gpu_capture_refuse_event(event));
    result = gpu_capture_stops_unsafe("an event is asked about");
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    bool done = event->task == NULL || event->task->done;
    if (!done) gpu_task_asked();
    else gpu_task_known(event->task);
    return gpu_leave(done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}

CUresult cuEventSynchronize(CUevent event) {
    CUresult result = enter_event(event);
    if (result != CUDA_SUCCESS) return result;
    if (event->capture_id != 0) return gpu_leave(gpu_capture_refuse_event(event));
    CUcontext c = event->context;
    gpu_task_wait(event->task);
    return gpu_leave(gpu_context_verdict(c));
}

CUresult cuEventElapsedTime(float *milliseconds, CUevent start, CUevent end) {
    if (milliseconds == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_event(start);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(end, GPU_EVENT)) return gpu_leave(gpu_object_refuse(end, GPU_EVENT, CUDA_ERROR_INVALID_HANDLE));
    if (start->task == NULL || end->task == NULL) return gpu_leave(gpu_refuse(CUDA_ERROR_INVALID_HANDLE, "the %s event was never recorded", start->task == NULL ? "first" : "second"));
    if (((start->flags | end->flags) & CU_EVENT_DISABLE_TIMING) != 0) return gpu_leave(gpu_refuse(CUDA_ERROR_INVALID_HANDLE, "one of the events was made with CU_EVENT_DISABLE_TIMING"));
    if (!start->task->done || !end->task->done) return gpu_leave(CUDA_ERROR_NOT_READY);
    *milliseconds = (float)((double)(int64_t)(end->task->done_ns - start->task->done_ns) * 1e-6);
    return gpu_leave(CUDA_SUCCESS);
}
CUresult cuEventElapsedTime_v2(float *milliseconds, CUevent start, CUevent end) { return cuEventElapsedTime(milliseconds, start, end); }

static CUresult wait(CUstream s, CUevent event, bool external) {
    if (s->capture != NULL && external) return gpu_capture_add_event(s, CU_GRAPH_NODE_TYPE_WAIT_EVENT, event);
    if (s->capture != NULL || event->capture_id != 0) return gpu_capture_wait(s, event);
    CUresult result = gpu_capture_stops_legacy(s);
    if (result != CUDA_SUCCESS || event->task == NULL) return result;
    return gpu_stream_append(s, NULL, &event->task, 1) == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult cuStreamWaitEvent(CUstream stream, CUevent event, unsigned int flags) {
    CUstream s;
    if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_event(event);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(stream, &s);
    return gpu_leave(result == CUDA_SUCCESS ? wait(s, event, flags == 1) : result);
}

CUresult cuEventDestroy(CUevent event) { return cuEventDestroy_v2(event); }
