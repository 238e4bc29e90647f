/* SPDX-License-Identifier: Apache-2.0
 * Streams: each remembers its last task. The legacy stream waits for all that block, and they for it; each thread may have one of its own. */
#include <string.h>

#include "capture.h"
#include "driver_state.h"

/* ---- finding, making ----------------------------------------------------------------------------------------------------------------------------------------------- */

/* Of streams that were destroyed those that are done by now. */
static void bury_orphans(CUcontext c) {
    for (CUstream s = c->streams, next; s != NULL; s = next) {
        next = s->next;
        if (s->orphan && (s->tail == NULL || s->tail->done)) gpu_stream_destroy(s);
    }
}

static CUstream make(CUcontext c, unsigned int flags) {
    bury_orphans(c);
    CUstream s = pgd_mem_zalloc(sizeof *s);
    if (s == NULL || !gpu_object_add(s, GPU_STREAM)) {
        pgd_mem_free(s);
        return NULL;
    }
    s->context = c;
    s->flags = flags;
    s->id = ++gpu_driver.ids;
    s->next = c->streams;
    c->streams = s;
    return s;
}

static CUstream of_this_thread(CUcontext c) {
    static _Thread_local unsigned long long own; /* numbers of threads are used again, these are not */
    if (own == 0) own = ++gpu_driver.ids;
    for (CUstream s = c->streams; s != NULL; s = s->next)
        if (s->thread == own) return s;
    CUstream s = make(c, CU_STREAM_DEFAULT);
    if (s != NULL) s->thread = own;
    return s;
}

CUresult gpu_stream_find(CUstream handle, CUstream *out) {
    if (handle != NULL && handle != CU_STREAM_LEGACY && handle != CU_STREAM_PER_THREAD) {
        if (!gpu_object_is(handle, GPU_STREAM)) return gpu_object_refuse(handle, GPU_STREAM, CUDA_ERROR_INVALID_HANDLE);
        *out = handle;
        return gpu_context_error(handle->context);
    }
    CUcontext c = gpu_current();
    if (c == NULL) return gpu_no_context();
    if (handle == CU_STREAM_PER_THREAD) *out = of_this_thread(c);
    else {
        if (c->legacy == NULL) c->legacy = make(c, CU_STREAM_DEFAULT);
        *out = c->legacy;
    }
    return *out == NULL ? CUDA_ERROR_OUT_OF_MEMORY : gpu_context_error(c);
}

CUresult gpu_enter_stream(CUstream handle, CUstream *out) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(handle, out);
    return result == CUDA_SUCCESS ? result : gpu_leave(result);
}

CUresult cuStreamCreateWithPriority(CUstream *stream, unsigned int flags, int priority) {
    CUcontext c;
    if (stream == NULL || (flags & ~(unsigned int)CU_STREAM_NON_BLOCKING) != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    (void)priority; /* there is one priority, 0 */
    *stream = make(c, flags);
    return gpu_leave(*stream == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

CUresult cuStreamCreate(CUstream *stream, unsigned int flags) { return cuStreamCreateWithPriority(stream, flags, 0); }

/* What is under way in it goes on. */
void gpu_stream_destroy(CUstream s) {
    CUcontext c = s->context;
    if (s->capture != NULL) gpu_capture_abandon(s);
    for (CUstream *at = &c->streams; *at != NULL; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    if (c->legacy == s) c->legacy = NULL;
    gpu_task_release(s->tail);
    gpu_object_remove(s);
    pgd_mem_free(s->frontier.nodes);
    pgd_mem_free(s);
}

/* Its unfinished work must still be waited for, by who waits for the context and by the legacy stream: it stays in the list, without a handle. */
CUresult cuStreamDestroy_v2(CUstream stream) {
    CUresult result = gpu_enter_object(stream, GPU_STREAM, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    CUresult error = stream->context->error;
    if (stream->capture != NULL) gpu_capture_abandon(stream);
    if (stream->tail == NULL || stream->tail->done) {
        gpu_stream_destroy(stream);
    } else {
        gpu_object_remove(stream);
        stream->orphan = true;
    }
    return gpu_leave(error);
}

/* ---- submitting -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool blocks(const struct CUstream_st *s) { return (s->flags & CU_STREAM_NON_BLOCKING) == 0; }

/* The tasks that the next one of this stream waits for, besides its own last: those of the streams it is in step with. */
static int32_t in_step(CUstream s, gpu_task **list) {
    CUcontext c = s->context;
    int32_t count = 0;
    if (s != c->legacy) {
        if (blocks(s) && c->legacy != NULL && c->legacy->tail != NULL) {
            if (list != NULL) list[count] = c->legacy->tail;
            count++;
        }
        return count;
    }
    for (CUstream other = c->streams; other != NULL; other = other->next) {
        if (other == s || !blocks(other) || other->tail == NULL) continue;
        if (list != NULL) list[count] = other->tail;
        count++;
    }
    return count;
}

gpu_task *gpu_stream_append(CUstream s, gpu_operation *operation, gpu_task *const *also, int32_t also_count) {
    int32_t count = in_step(s, NULL);
    gpu_task **first = pgd_mem_alloc(sizeof *first * (size_t)(count + also_count + 1));
    if (first == NULL) {
        gpu_operation_release(operation);
        return NULL;
    }
    count = in_step(s, first);
    first[count++] = s->tail;
    for (int32_t i = 0; i < also_count; i++) first[count++] = also[i];
    gpu_task *task = gpu_task_submit(s, operation, first, count);
    pgd_mem_free(first);
    if (task == NULL) return NULL;
    gpu_task_release(s->tail);
    s->tail = task;
    return task;
}

CUresult gpu_stream_submit(CUstream s, gpu_operation *operation) {
    if (operation == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    if (s->capture != NULL) return gpu_capture_add(s, operation);
    CUresult result = gpu_capture_stops_legacy(s);
    if (result != CUDA_SUCCESS) {
        gpu_operation_release(operation);
        return result;
    }
    gpu_task *task = gpu_stream_append(s, operation, NULL, 0);
    if (task == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    CUcontext c = s->context;
    if (!gpu_driver.settings.synchronous) return CUDA_SUCCESS;
    gpu_task_wait(task);
    return gpu_context_verdict(c);
}

CUresult gpu_stream_submit_and_wait(CUstream s, gpu_operation *operation) {
    if (s->capture != NULL) {
        gpu_operation_release(operation);
        return gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    }
    CUcontext c = s->context;
    CUresult result = gpu_stream_submit(s, operation);
    if (result != CUDA_SUCCESS || gpu_driver.settings.synchronous) return result; /* it has waited already */
    gpu_task_wait(s->tail);
    return gpu_context_verdict(c);
}

/* ---- waiting, asking ----------------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuStreamSynchronize(CUstream stream) {
    CUstream s;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (s->capture != NULL) return gpu_leave(gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED));
    CUcontext c = s->context;
    result = gpu_capture_stops_legacy(s);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    if (s == c->legacy) {
        gpu_task *joined = gpu_stream_append(s, NULL, NULL, 0);
        if (joined == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    gpu_task_wait(s->tail);
    return gpu_leave(gpu_context_verdict(c));
}

CUresult cuStreamQuery(CUstream stream) {
    CUstream s;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (s->capture != NULL) return gpu_leave(gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED));
    result = gpu_capture_stops_legacy(s);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    bool done = s->tail == NULL || s->tail->done;
    for (CUstream other = s->context->streams; s == s->context->legacy && other != NULL; other = other->next) done = done && (!blocks(other) || other->tail == NULL || other->tail->done);
    if (!done) gpu_task_asked();
    else gpu_task_known(s->tail);
    for (CUstream other = s->context->streams; done && s == s->context->legacy && other != NULL; other = other->next)
        if (blocks(other)) gpu_task_known(other->tail);
    return gpu_leave(done ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY);
}

CUresult cuStreamGetPriority(CUstream stream, int *priority) {
    CUstream s;
    if (priority == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *priority = 0;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuStreamGetFlags(CUstream stream, unsigned int *flags) {
    CUstream s;
    if (flags == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *flags = s->flags;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuStreamGetId(CUstream stream, unsigned long long *id) {
    CUstream s;
    if (id == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *id = s->id;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuStreamGetCtx(CUstream stream, CUcontext *context) {
    CUstream s;
    if (context == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    *context = s->context;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- functions of the host ------------------------------------------------------------------------------------------------------------------------------------------------ */

CUresult cuLaunchHostFunc(CUstream stream, CUhostFn function, void *user_data) {
    CUstream s;
    if (function == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    gpu_operation *o = gpu_operation_create(GPU_OP_HOST);
    if (o != NULL) o->host.function = function, o->host.data = user_data;
    return gpu_leave(gpu_stream_submit(s, o));
}

CUresult cuStreamAddCallback(CUstream stream, CUstreamCallback callback, void *user_data, unsigned int flags) {
    CUstream s;
    if (callback == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    if (s->capture != NULL) return gpu_leave(gpu_capture_invalidate(s, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED));
    gpu_operation *o = gpu_operation_create(GPU_OP_CALLBACK);
    if (o != NULL) o->host.callback = callback, o->host.stream = stream, o->host.data = user_data;
    return gpu_leave(gpu_stream_submit(s, o));
}

CUresult cuStreamAttachMemAsync(CUstream stream, CUdeviceptr address, size_t bytes, unsigned int flags) {
    CUstream s;
    if (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST && flags != CU_MEM_ATTACH_SINGLE) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    gpu_allocation a;
    (void)bytes; /* all streams see managed memory at all times */
    return gpu_leave(gpu_memory_at(gpu_driver.memory, address, 1, &a) != NULL && a.kind == GPU_MEMORY_MANAGED ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuStreamDestroy(CUstream stream) { return cuStreamDestroy_v2(stream); }
