/* SPDX-License-Identifier: Apache-2.0
 * Contexts: each thread has a stack of them; each device has a primary one, counted. */
#include <exec/gpu_syscalls.h>
#include <string.h>

#include "capture.h"

enum { STACK = 64 };
static _Thread_local struct {
    CUcontext contexts[STACK];
    unsigned long long ids[STACK]; /* another context may come to lie at the same place */
    int32_t count;
} stack;

CUcontext gpu_current(void) {
    CUcontext top = stack.count == 0 ? NULL : stack.contexts[stack.count - 1];
    return gpu_object_is(top, GPU_CONTEXT) && top->id == stack.ids[stack.count - 1] ? top : NULL;
}

CUresult gpu_no_context(void) { return stack.count > 0 ? gpu_refuse(CUDA_ERROR_CONTEXT_IS_DESTROYED, "the current context of this thread was destroyed") : gpu_refuse(CUDA_ERROR_INVALID_CONTEXT, "no context is current to this thread; make one, or cuCtxSetCurrent"); }

static CUresult enter_known(CUcontext context) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(context, GPU_CONTEXT) ? CUDA_SUCCESS : gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool begin_context(CUcontext c, CUdevice device, unsigned int flags, bool primary) {
    *c = (struct CUctx_st){.device = device, .flags = flags, .primary = primary, .id = ++gpu_driver.ids, .limits = {[CU_LIMIT_STACK_SIZE] = 1024, [CU_LIMIT_PRINTF_FIFO_SIZE] = 1 << 20, [CU_LIMIT_MALLOC_HEAP_SIZE] = 8 << 20}};
    if (!gpu_object_add(c, GPU_CONTEXT)) return false;
    c->heap = (gpu_heap){.memory = gpu_driver.memory, .device = device, .claim = c->id, .bytes = c->limits[CU_LIMIT_MALLOC_HEAP_SIZE]};
    gpu_output_init(&c->output, c->limits[CU_LIMIT_PRINTF_FIFO_SIZE]);
    c->next = gpu_driver.contexts;
    gpu_driver.contexts = c;
    return true;
}

CUresult gpu_context_create(CUdevice device, unsigned int flags, CUcontext *out) {
    *out = NULL;
    if (device < 0 || device >= gpu_driver.settings.devices) return CUDA_ERROR_INVALID_DEVICE;
    if ((flags & ~0xffu) != 0) return CUDA_ERROR_INVALID_VALUE;
    CUcontext c = pgd_mem_zalloc(sizeof *c);
    if (c == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    if (!begin_context(c, device, flags, false)) {
        pgd_mem_free(c);
        return CUDA_ERROR_OUT_OF_MEMORY;
    }
    *out = c;
    return CUDA_SUCCESS;
}

/* Waits for one stream; false: there was nothing to wait for. While it waits, others may create and destroy streams, and the context. */
static bool wait_for_some(CUcontext c) {
    for (CUstream s = c->streams; s != NULL; s = s->next)
        if (s->tail != NULL && !s->tail->done) {
            gpu_task_wait(s->tail);
            return true;
        }
    return false;
}

void gpu_context_drain(CUcontext c) {
    while (gpu_object_is(c, GPU_CONTEXT) && wait_for_some(c)) {}
    gpu_tasks_all_known();
}

void gpu_contexts_drain(void) {
    for (bool waited = true; waited;) {
        waited = false;
        for (CUcontext c = gpu_driver.contexts; c != NULL && !waited; c = c->next) waited = wait_for_some(c);
    }
    gpu_tasks_all_known();
}

CUresult gpu_context_verdict(CUcontext c) {
    if (!gpu_object_is(c, GPU_CONTEXT)) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
    gpu_output_flush(&c->output);
    return c->error;
}

/* Everything of it goes, memory too, but what came out of pools. The handle of a primary one stays, to be used again. */
void gpu_context_destroy(CUcontext c) {
    gpu_object_remove(c); /* first: nobody else begins to use it, or to destroy it */
    while (wait_for_some(c)) {}
    if (c->guests > 0) gpu_contexts_drain(); /* graphs in streams of others run its kernels */
    gpu_output_flush(&c->output);
    while (c->events != NULL) gpu_event_destroy(c->events);
    while (c->linkers != NULL) gpu_link_destroy(c->linkers);
    while (c->streams != NULL) gpu_stream_destroy(c->streams);
    while (c->modules != NULL) gpu_module_destroy(c->modules);
    gpu_memory_free_claimed(gpu_driver.memory, c->id);
    for (CUcontext *at = &gpu_driver.contexts; *at != NULL; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    gpu_output_deinit(&c->output);
    if (!c->primary) pgd_mem_free(c);
}

static CUresult push(CUcontext c) {
    if (stack.count == STACK) return CUDA_ERROR_INVALID_VALUE;
    stack.ids[stack.count] = c->id;
    stack.contexts[stack.count++] = c;
    return CUDA_SUCCESS;
}

CUresult cuCtxCreate_v2(CUcontext *context, unsigned int flags, CUdevice device) {
    if (context == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (stack.count == STACK) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    result = gpu_context_create(device, flags, context);
    return gpu_leave(result == CUDA_SUCCESS ? push(*context) : result);
}

CUresult cuCtxDestroy_v2(CUcontext context) {
    CUresult result = enter_known(context);
    if (result != CUDA_SUCCESS) return result;
    if (context->primary) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    gpu_context_destroy(context);
    if (stack.count > 0 && stack.contexts[stack.count - 1] == context) stack.count--;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- the current one ------------------------------------------------------------------------------------------------------------------------------------------------ */

CUresult cuCtxPushCurrent_v2(CUcontext context) {
    CUresult result = enter_known(context);
    return result != CUDA_SUCCESS ? result : gpu_leave(push(context));
}

CUresult cuCtxPopCurrent_v2(CUcontext *context) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (stack.count == 0) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    if (context != NULL) *context = gpu_current();
    stack.count--;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxSetCurrent(CUcontext context) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (context != NULL && !gpu_object_is(context, GPU_CONTEXT)) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    if (stack.count > 0) stack.count--;
    return gpu_leave(context == NULL ? CUDA_SUCCESS : push(context));
}

CUresult cuCtxGetCurrent(CUcontext *context) {
    if (context == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    *context = gpu_current();
    return gpu_leave(CUDA_SUCCESS);
}

/* The given one, or the current one when it is NULL. */
static CUresult enter_given(CUcontext *context) {
    if (*context != NULL) return enter_known(*context);
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    *context = gpu_current();
    return *context == NULL ? gpu_leave(gpu_no_context()) : CUDA_SUCCESS;
}

CUresult cuCtxGetDevice(CUdevice *device) {
    CUcontext c = NULL;
    if (device == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_given(&c);
    if (result != CUDA_SUCCESS) return result;
    *device = c->device;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetFlags(unsigned int *flags) {
    CUcontext c = NULL;
    if (flags == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_given(&c);
    if (result != CUDA_SUCCESS) return result;
    *flags = c->flags;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetId(CUcontext context, unsigned long long *id) {
    if (id == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_given(&context);
    if (result != CUDA_SUCCESS) return result;
    *id = context->id;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetApiVersion(CUcontext context, unsigned int *version) {
    if (version == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_given(&context);
    if (result != CUDA_SUCCESS) return result;
    *version = 3020;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxSynchronize(void) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (c->captures > 0) {
        gpu_capture_spoil(c);
        return gpu_leave(gpu_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "the context cannot be waited for while a stream of it is captured, which spoils the capture"));
    }
    gpu_context_drain(c);
    return gpu_leave(gpu_context_verdict(c));
}

/* ---- settings of a context --------------------------------------------------------------------------------------------------------------------------------------------- */

enum { FIFO_MIN = 1 << 10, FIFO_MAX = 1 << 30 };

/* The functions of kernels that a limit is about. */
static uint32_t of_limit(CUlimit limit) { return limit == CU_LIMIT_PRINTF_FIFO_SIZE ? 1u << GPU_SYSCALL_vprintf : limit == CU_LIMIT_MALLOC_HEAP_SIZE ? 1u << GPU_SYSCALL_malloc | 1u << GPU_SYSCALL_free : 0; }

CUresult cuCtxSetLimit(CUlimit limit, size_t value) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if ((int)limit < 0 || limit > CU_LIMIT_MALLOC_HEAP_SIZE) return gpu_leave(CUDA_ERROR_UNSUPPORTED_LIMIT);
    if ((c->syscalls & of_limit(limit)) != 0) return gpu_leave(gpu_refuse(CUDA_ERROR_INVALID_VALUE, "cuCtxSetLimit: limit %d must be set before a kernel is launched that uses %s", (int)limit, limit == CU_LIMIT_PRINTF_FIFO_SIZE ? "printf" : "malloc or free"));
    if (limit == CU_LIMIT_PRINTF_FIFO_SIZE) value = value < FIFO_MIN ? FIFO_MIN : value > FIFO_MAX ? FIFO_MAX : value;
    c->limits[limit] = value;
    if (limit == CU_LIMIT_PRINTF_FIFO_SIZE) c->output.capacity = value;
    if (limit == CU_LIMIT_MALLOC_HEAP_SIZE) c->heap.bytes = value;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetLimit(size_t *value, CUlimit limit) {
    CUcontext c;
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if ((int)limit < 0 || limit > CU_LIMIT_MALLOC_HEAP_SIZE) return gpu_leave(CUDA_ERROR_UNSUPPORTED_LIMIT);
    *value = c->limits[limit];
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetCacheConfig(CUfunc_cache *config) {
    CUcontext c;
    if (config == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    *config = c->cache;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxSetCacheConfig(CUfunc_cache config) {
    CUcontext c;
    if ((int)config < 0 || config > CU_FUNC_CACHE_PREFER_EQUAL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    c->cache = config;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxGetStreamPriorityRange(int *least, int *greatest) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (least != NULL) *least = 0; /* one priority: they have no effect */
    if (greatest != NULL) *greatest = 0;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned int flags) {
    CUcontext c;
    if (flags != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(peer, GPU_CONTEXT)) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    if (peer->device == c->device) return gpu_leave(CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
    uint64_t bit = UINT64_C(1) << peer->device;
    if ((c->peers & bit) != 0) return gpu_leave(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    c->peers |= bit;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuCtxDisablePeerAccess(CUcontext peer) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(peer, GPU_CONTEXT)) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    uint64_t bit = UINT64_C(1) << peer->device;
    if ((c->peers & bit) == 0) return gpu_leave(CUDA_ERROR_PEER_ACCESS_NOT_ENABLED);
    gpu_context_drain(c);
    if (gpu_object_is(c, GPU_CONTEXT)) c->peers &= ~bit;
    return gpu_leave(gpu_context_verdict(c));
}

/* ---- primary contexts ---------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult enter_device(CUdevice device, gpu_device **out) {
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *out = &gpu_driver.devices[device];
    while ((*out)->dying) pthread_cond_wait(&gpu_driver.changed, &gpu_driver.lock); /* its end is waited for before anything else is done with it */
    return CUDA_SUCCESS;
}

CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) {
    gpu_device *d = NULL;
    if (context == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_device(device, &d);
    if (result != CUDA_SUCCESS) return result;
    if (d->primary == NULL) d->primary = pgd_mem_zalloc(sizeof *d->primary);
    if (d->primary == NULL || (!d->active && !begin_context(d->primary, device, d->primary_flags, true))) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    d->active = true;
    d->primary_users++;
    *context = d->primary;
    return gpu_leave(CUDA_SUCCESS);
}

static void destroy_primary(gpu_device *d) {
    d->primary_users = 0;
    if (!d->active) return;
    d->active = false;
    d->dying = true;
    gpu_context_destroy(d->primary);
    d->dying = false;
    pthread_cond_broadcast(&gpu_driver.changed);
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device) {
    gpu_device *d = NULL;
    CUresult result = enter_device(device, &d);
    if (result != CUDA_SUCCESS) return result;
    if (d->primary_users == 0) return gpu_leave(CUDA_ERROR_INVALID_CONTEXT);
    if (--d->primary_users == 0) destroy_primary(d);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxReset_v2(CUdevice device) {
    gpu_device *d = NULL;
    CUresult result = enter_device(device, &d);
    if (result != CUDA_SUCCESS) return result;
    destroy_primary(d);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned int flags) {
    gpu_device *d = NULL;
    if ((flags & ~0xffu) != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_device(device, &d);
    if (result != CUDA_SUCCESS) return result;
    d->primary_flags = flags;
    if (d->active) d->primary->flags = flags;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDevicePrimaryCtxGetState(CUdevice device, unsigned int *flags, int *active) {
    gpu_device *d = NULL;
    if (flags == NULL || active == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_device(device, &d);
    if (result != CUDA_SUCCESS) return result;
    *flags = d->primary_flags;
    *active = d->active;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- other versions ----------------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuCtxCreate(CUcontext *context, unsigned int flags, CUdevice device) { return cuCtxCreate_v2(context, flags, device); }
CUresult cuCtxCreate_v3(CUcontext *context, const void *affinities, int count, unsigned int flags, CUdevice device) { return count != 0 || affinities != NULL ? CUDA_ERROR_NOT_SUPPORTED : cuCtxCreate_v2(context, flags, device); }
CUresult cuCtxCreate_v4(CUcontext *context, const void *parameters, unsigned int flags, CUdevice device) { return parameters != NULL ? CUDA_ERROR_NOT_SUPPORTED : cuCtxCreate_v2(context, flags, device); }
CUresult cuCtxDestroy(CUcontext context) { return cuCtxDestroy_v2(context); }
CUresult cuCtxPushCurrent(CUcontext context) { return cuCtxPushCurrent_v2(context); }
CUresult cuCtxPopCurrent(CUcontext *context) { return cuCtxPopCurrent_v2(context); }
CUresult cuDevicePrimaryCtxRelease(CUdevice device) { return cuDevicePrimaryCtxRelease_v2(device); }
CUresult cuDevicePrimaryCtxReset(CUdevice device) { return cuDevicePrimaryCtxReset_v2(device); }
CUresult cuDevicePrimaryCtxSetFlags(CUdevice device, unsigned int flags) { return cuDevicePrimaryCtxSetFlags_v2(device, flags); }
