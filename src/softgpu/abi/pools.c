/* SPDX-License-Identifier: Apache-2.0
 * Memory in the order of streams, and the pools it is counted in. Memory that is freed goes back at once, so a pool reserves what it uses. */
#include <string.h>

#include "checks.h"

/* Which living allocations came out of a pool. */
static struct {
    struct {
        CUdeviceptr address;
        size_t bytes;
        CUmemoryPool pool;
    } *list;
    int32_t count, capacity;
} from_pools;

CUmemoryPool gpu_pool_create(CUdevice device, bool own) {
    CUmemoryPool p = pgd_mem_zalloc(sizeof *p);
    if (p == NULL || !gpu_object_add(p, GPU_POOL)) {
        pgd_mem_free(p);
        return NULL;
    }
    p->device = device;
    p->own = own;
    p->reuse[0] = p->reuse[1] = p->reuse[2] = 1;
    p->access = UINT64_C(1) << device;
    return p;
}

/* It is the pool's, no context's: it stays when one goes. */
static CUresult allocate(CUmemoryPool pool, size_t bytes, CUdeviceptr *address) {
    uint64_t at;
    if (gpu_fault_in_allocation()) return gpu_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes are not there, as --fault asks (PAGODA_SOFTGPU_FAULT)", bytes);
    if (!pgd_grow(&from_pools.list, &from_pools.capacity, from_pools.count, sizeof *from_pools.list)) return CUDA_ERROR_OUT_OF_MEMORY;
    if (gpu_memory_allocate(gpu_driver.memory, GPU_MEMORY_DEVICE, pool->device, bytes, 512, NULL, &at) != PGD_OK) return gpu_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%s", pgd_error_text());
    gpu_checks_allocated(at, bytes);
    from_pools.list[from_pools.count].address = at;
    from_pools.list[from_pools.count].bytes = bytes;
    from_pools.list[from_pools.count++].pool = pool;
    pool->used += bytes;
    if (pool->used > pool->used_high) pool->used_high = pool->used;
    *address = at;
    return CUDA_SUCCESS;
}

/* pool NULL: that of the stream's device. */
static CUresult allocate_in_stream(CUdeviceptr *address, size_t bytes, CUmemoryPool pool, CUstream stream) {
    CUstream s;
    if (address == NULL) return CUDA_ERROR_INVALID_VALUE;
    *address = 0;
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(stream, &s);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    if (s->capture != NULL) return gpu_leave(gpu_refuse(CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "cuMemAllocAsync in a captured stream: graphs do not allocate; allocate before the capture"));
    if (pool == NULL) pool = gpu_driver.devices[s->context->device].pool;
    return gpu_leave(gpu_object_is(pool, GPU_POOL) ? allocate(pool, bytes, address) : CUDA_ERROR_INVALID_VALUE);
}

CUresult cuMemAllocAsync(CUdeviceptr *address, size_t bytes, CUstream stream) { return allocate_in_stream(address, bytes, NULL, stream); }
CUresult cuMemAllocFromPoolAsync(CUdeviceptr *address, size_t bytes, CUmemoryPool pool, CUstream stream) { return pool == NULL ? CUDA_ERROR_INVALID_VALUE : allocate_in_stream(address, bytes, pool, stream); }

void gpu_pool_forget(CUdeviceptr address) {
    for (int32_t i = 0; i < from_pools.count; i++) {
        if (from_pools.list[i].address != address) continue;
        if (gpu_object_is(from_pools.list[i].pool, GPU_POOL)) from_pools.list[i].pool->used -= from_pools.list[i].bytes;
        from_pools.list[i] = from_pools.list[--from_pools.count];
        break;
    }
}

CUresult gpu_memory_release_async(CUdeviceptr address) {
    pthread_mutex_lock(&gpu_driver.lock);
    gpu_pool_forget(address);
    pthread_mutex_unlock(&gpu_driver.lock);
    return gpu_memory_free(gpu_driver.memory, address) == PGD_OK ? CUDA_SUCCESS : gpu_refuse(CUDA_ERROR_ILLEGAL_ADDRESS, "0x%llx is freed by cuMemFreeAsync a second time", address);
}

CUresult cuMemFreeAsync(CUdeviceptr address, CUstream stream) {
    CUstream s;
    gpu_allocation a;
    if (address == 0) return CUDA_SUCCESS;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(stream, &s);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    if (gpu_memory_at(gpu_driver.memory, address, 1, &a) == NULL || a.address != address || a.kind != GPU_MEMORY_DEVICE) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    gpu_operation *o = gpu_operation_create(GPU_OP_FREE);
    if (o != NULL) o->address = address;
    return gpu_leave(gpu_stream_submit(s, o));
}

/* ---- pools ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult enter_pool(CUmemoryPool pool) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(pool, GPU_POOL) ? CUDA_SUCCESS : gpu_leave(CUDA_ERROR_INVALID_VALUE);
}

CUresult cuDeviceGetDefaultMemPool(CUmemoryPool *pool, CUdevice device) {
    if (pool == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *pool = gpu_driver.devices[device].own_pool;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceGetMemPool(CUmemoryPool *pool, CUdevice device) {
    if (pool == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    *pool = gpu_driver.devices[device].pool;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuDeviceSetMemPool(CUdevice device, CUmemoryPool pool) {
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(pool, GPU_POOL) || pool->device != device) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    gpu_driver.devices[device].pool = pool;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemPoolCreate(CUmemoryPool *pool, const CUmemPoolProps *p) {
    if (pool == NULL || p == NULL || p->allocType != CU_MEM_ALLOCATION_TYPE_PINNED || p->location.type != CU_MEM_LOCATION_TYPE_DEVICE) return CUDA_ERROR_INVALID_VALUE;
    if (p->handleTypes != CU_MEM_HANDLE_TYPE_NONE) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "cuMemPoolCreate: pools are not shared with other processes");
    CUresult result = gpu_enter_device(p->location.id);
    if (result != CUDA_SUCCESS) return result;
    *pool = gpu_pool_create(p->location.id, false);
    return gpu_leave(*pool == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

/* What was allocated from it stays until it is freed. */
CUresult cuMemPoolDestroy(CUmemoryPool pool) {
    CUresult result = enter_pool(pool);
    if (result != CUDA_SUCCESS) return result;
    if (pool->own) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    gpu_device *d = &gpu_driver.devices[pool->device];
    if (d->pool == pool) d->pool = d->own_pool;
    for (int32_t i = 0; i < from_pools.count; i++)
        if (from_pools.list[i].pool == pool) from_pools.list[i].pool = NULL;
    gpu_object_remove(pool);
    pgd_mem_free(pool);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemPoolTrimTo(CUmemoryPool pool, size_t bytes_to_keep) {
    (void)bytes_to_keep; /* there is nothing unused to give back */
    CUresult result = enter_pool(pool);
    return result != CUDA_SUCCESS ? result : gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemPoolGetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_pool(pool);
    if (result != CUDA_SUCCESS) return result;
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES: case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC: case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: *(int *)value = pool->reuse[attribute - 1]; break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: *(uint64_t *)value = pool->threshold; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT: case CU_MEMPOOL_ATTR_USED_MEM_CURRENT: *(uint64_t *)value = pool->used; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH: case CU_MEMPOOL_ATTR_USED_MEM_HIGH: *(uint64_t *)value = pool->used_high; break;
    default: result = CUDA_ERROR_INVALID_VALUE;
    }
    return gpu_leave(result);
}

CUresult cuMemPoolSetAttribute(CUmemoryPool pool, CUmemPool_attribute attribute, void *value) {
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_pool(pool);
    if (result != CUDA_SUCCESS) return result;
    switch (attribute) {
    case CU_MEMPOOL_ATTR_REUSE_FOLLOW_EVENT_DEPENDENCIES: case CU_MEMPOOL_ATTR_REUSE_ALLOW_OPPORTUNISTIC: case CU_MEMPOOL_ATTR_REUSE_ALLOW_INTERNAL_DEPENDENCIES: pool->reuse[attribute - 1] = *(int *)value != 0; break;
    case CU_MEMPOOL_ATTR_RELEASE_THRESHOLD: pool->threshold = *(uint64_t *)value; break;
    case CU_MEMPOOL_ATTR_RESERVED_MEM_HIGH: case CU_MEMPOOL_ATTR_USED_MEM_HIGH:
        if (*(uint64_t *)value != 0) result = CUDA_ERROR_INVALID_VALUE; /* high-water marks are only reset */
        else pool->used_high = pool->used;
        break;
    default: result = CUDA_ERROR_INVALID_VALUE;
    }
    return gpu_leave(result);
}

CUresult cuMemPoolSetAccess(CUmemoryPool pool, const CUmemAccessDesc *access, size_t count) {
    if (access == NULL && count > 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_pool(pool);
    if (result != CUDA_SUCCESS) return result;
    for (size_t i = 0; i < count; i++) {
        int id = access[i].location.id;
        bool own = id == pool->device && access[i].flags != CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
        if (access[i].location.type != CU_MEM_LOCATION_TYPE_DEVICE || id < 0 || id >= gpu_driver.settings.devices || own || access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READ) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
        if (access[i].flags == CU_MEM_ACCESS_FLAGS_PROT_READWRITE) pool->access |= UINT64_C(1) << id;
        else pool->access &= ~(UINT64_C(1) << id);
    }
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemPoolGetAccess(CUmemAccess_flags *flags, CUmemoryPool pool, CUmemLocation *location) {
    if (flags == NULL || location == NULL || location->type != CU_MEM_LOCATION_TYPE_DEVICE || location->id < 0 || location->id >= GPU_DEVICES_MAX) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_pool(pool);
    if (result != CUDA_SUCCESS) return result;
    *flags = (pool->access >> location->id & 1) != 0 ? CU_MEM_ACCESS_FLAGS_PROT_READWRITE : CU_MEM_ACCESS_FLAGS_PROT_NONE;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- profilers: there is none to be started ------------------------------------------------------------------------------------------------------------------------------ */

CUresult cuProfilerStart(void) { return CUDA_SUCCESS; }
CUresult cuProfilerStop(void) { return CUDA_SUCCESS; }
