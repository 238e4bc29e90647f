/* SPDX-License-Identifier: Apache-2.0
 * Memory: of devices, pinned, managed, registered; what a pointer is. */
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "checks.h"

static CUresult allocate(CUcontext c, gpu_memory_kind kind, int32_t owner, size_t bytes, uint64_t *address) {
    if (bytes == 0) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "0 bytes of memory are asked for");
    CUresult permitted = gpu_capture_stops_unsafe("memory is asked for");
    if (permitted != CUDA_SUCCESS) return permitted;
    if (gpu_fault_in_allocation()) return gpu_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%zu bytes are not there, as --fault asks (PAGODA_SOFTGPU_FAULT)", bytes);
    pgd_status status = gpu_memory_allocate(gpu_driver.memory, kind, owner, bytes, 512, NULL, address);
    if (status != PGD_OK) return gpu_refuse(CUDA_ERROR_OUT_OF_MEMORY, "%s", pgd_error_text());
    gpu_memory_claim(gpu_driver.memory, *address, c->id);
    gpu_checks_allocated(*address, bytes);
    return CUDA_SUCCESS;
}

CUresult cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) {
    CUcontext c;
    uint64_t at = 0;
    if (address == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = allocate(c, GPU_MEMORY_DEVICE, c->device, bytes, &at);
    *address = at;
    return gpu_leave(result);
}

CUresult cuMemAllocPitch_v2(CUdeviceptr *address, size_t *pitch, size_t width_bytes, size_t height, unsigned int element_bytes) {
    enum { PITCH = 512 };
    if (address == NULL || pitch == NULL || width_bytes == 0 || height == 0 || (element_bytes != 4 && element_bytes != 8 && element_bytes != 16)) return CUDA_ERROR_INVALID_VALUE;
    if (width_bytes > SIZE_MAX / 4 || (width_bytes + PITCH) > SIZE_MAX / height) return CUDA_ERROR_OUT_OF_MEMORY;
    *pitch = (width_bytes + PITCH - 1) / PITCH * PITCH;
    return cuMemAlloc_v2(address, *pitch * height);
}

/* The allocation that begins at an address, if it is of one of two kinds. */
static bool begins(CUdeviceptr address, gpu_memory_kind kind, gpu_memory_kind other) {
    gpu_allocation a;
    (void)gpu_memory_at(gpu_driver.memory, address, 0, &a);
    return address != 0 && a.address == address && !a.freed && (a.kind == kind || a.kind == other);
}

static CUresult release(CUdeviceptr address, gpu_memory_kind kind, gpu_memory_kind other, CUresult otherwise) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_capture_stops_unsafe("memory is freed");
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    gpu_contexts_drain(); /* nobody uses it any more: peers may be at it */
    if (!begins(address, kind, other)) return gpu_leave(gpu_refuse(otherwise, "0x%llx is freed, which is the beginning of no living allocation of that kind", address));
    gpu_pool_forget(address);
    return gpu_leave(gpu_result(gpu_memory_free(gpu_driver.memory, address)));
}

CUresult cuMemFree_v2(CUdeviceptr address) { return address == 0 ? CUDA_SUCCESS : release(address, GPU_MEMORY_DEVICE, GPU_MEMORY_MANAGED, CUDA_ERROR_INVALID_VALUE); }
CUresult cuMemFreeHost(void *host) { return release((CUdeviceptr)(uintptr_t)host, GPU_MEMORY_PINNED, GPU_MEMORY_PINNED, CUDA_ERROR_INVALID_VALUE); }
CUresult cuMemHostUnregister(void *host) { return release((CUdeviceptr)(uintptr_t)host, GPU_MEMORY_REGISTERED, GPU_MEMORY_REGISTERED, CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED); }

CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total_bytes) {
    CUcontext c;
    uint64_t left, total;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    gpu_memory_usage(gpu_driver.memory, c->device, &left, &total);
    if (free_bytes != NULL) *free_bytes = (size_t)left;
    if (total_bytes != NULL) *total_bytes = (size_t)total;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr address) {
    CUcontext c;
    gpu_allocation a;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (gpu_memory_at(gpu_driver.memory, address, 1, &a) == NULL) return gpu_leave(CUDA_ERROR_NOT_FOUND);
    if (base != NULL) *base = a.address;
    if (bytes != NULL) *bytes = (size_t)a.bytes;
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- the host's memory --------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult cuMemHostAlloc(void **host, size_t bytes, unsigned int flags) {
    CUcontext c;
    uint64_t at = 0;
    if (host == NULL || flags > 7) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = allocate(c, GPU_MEMORY_PINNED, GPU_HOST, bytes, &at);
    *host = (void *)(uintptr_t)at;
    return gpu_leave(result);
}

CUresult cuMemAllocHost_v2(void **host, size_t bytes) { return cuMemHostAlloc(host, bytes, 0); }

/* Has the program all of it, to be read and written? A kernel may do so, whatever the flags say. */
static bool is_its_own(const void *host, size_t bytes) {
    uint64_t at = (uintptr_t)host, end = at + bytes, first, window;
    unsigned long long from, to;
    char line[512], rights[5];
    gpu_memory_addresses(gpu_driver.memory, &first, &window);
    if (end < at || (at < first + window && end > first)) return false;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL) return true; /* it cannot be known */
    while (at < end && fgets(line, sizeof line, maps) != NULL)
        if (sscanf(line, "%llx-%llx %4s", &from, &to, rights) == 3 && from <= at && at < to && rights[0] == 'r' && rights[1] == 'w') at = to;
    fclose(maps);
    return at >= end;
}

CUresult cuMemHostRegister_v2(void *host, size_t bytes, unsigned int flags) {
    CUcontext c;
    if (host == NULL || bytes == 0 || flags > 15) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_capture_stops_unsafe("memory is registered");
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    if (!is_its_own(host, bytes)) return gpu_leave(gpu_refuse(CUDA_ERROR_INVALID_VALUE, "the program has not all of the %zu bytes at %p that it registers, or may not write to them", bytes, host));
    pgd_status status = gpu_memory_register(gpu_driver.memory, host, bytes);
    if (status == PGD_OK) gpu_memory_claim(gpu_driver.memory, (uint64_t)(uintptr_t)host, c->id);
    return gpu_leave(status == PGD_BAD_ARG ? CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED : gpu_result(status));
}

static bool of_host(const gpu_allocation *a) { return a->kind == GPU_MEMORY_PINNED || a->kind == GPU_MEMORY_REGISTERED; }

CUresult cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *host, unsigned int flags) {
    CUcontext c;
    gpu_allocation a;
    if (address == NULL || flags != 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (gpu_memory_at(gpu_driver.memory, (uint64_t)(uintptr_t)host, 1, &a) == NULL || !of_host(&a)) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    *address = (CUdeviceptr)(uintptr_t)host;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuMemHostGetFlags(unsigned int *flags, void *host) {
    CUcontext c;
    gpu_allocation a;
    if (flags == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (gpu_memory_at(gpu_driver.memory, (uint64_t)(uintptr_t)host, 1, &a) == NULL || a.kind != GPU_MEMORY_PINNED) return gpu_leave(CUDA_ERROR_INVALID_VALUE);
    *flags = CU_MEMHOSTALLOC_PORTABLE | CU_MEMHOSTALLOC_DEVICEMAP; /* what all of it is */
    return gpu_leave(CUDA_SUCCESS);
}

/* ---- managed memory: at one place for all -------------------------------------------------------------------------------------------------------------------------- */

CUresult cuMemAllocManaged(CUdeviceptr *address, size_t bytes, unsigned int flags) {
    CUcontext c;
    uint64_t at = 0;
    if (address == NULL || (flags != CU_MEM_ATTACH_GLOBAL && flags != CU_MEM_ATTACH_HOST)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = allocate(c, GPU_MEMORY_MANAGED, GPU_HOST, bytes, &at);
    *address = at;
    return gpu_leave(result);
}

static CUresult check_managed(CUdeviceptr address, size_t bytes, CUstream stream) {
    CUcontext c;
    CUstream s;
    gpu_allocation a;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_stream_find(stream, &s);
    if (result == CUDA_SUCCESS && (gpu_memory_at(gpu_driver.memory, address, bytes, &a) == NULL || a.kind != GPU_MEMORY_MANAGED)) result = CUDA_ERROR_INVALID_VALUE;
    return gpu_leave(result);
}

/* It has nowhere to go. */
CUresult cuMemPrefetchAsync(CUdeviceptr address, size_t bytes, CUdevice device, CUstream stream) { return device < -1 || device >= gpu_driver.settings.devices ? CUDA_ERROR_INVALID_DEVICE : check_managed(address, bytes, stream); }
CUresult cuMemPrefetchAsync_v2(CUdeviceptr address, size_t bytes, CUmemLocation location, unsigned int flags, CUstream stream) {
    return flags != 0 || (location.type == CU_MEM_LOCATION_TYPE_DEVICE && (location.id < 0 || location.id >= gpu_driver.settings.devices)) ? CUDA_ERROR_INVALID_VALUE : check_managed(address, bytes, stream);
}
CUresult cuMemAdvise(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUdevice device) { return (void)device, (int)advice < 1 || (int)advice > 6 ? CUDA_ERROR_INVALID_VALUE : check_managed(address, bytes, NULL); }
CUresult cuMemAdvise_v2(CUdeviceptr address, size_t bytes, CUmem_advise advice, CUmemLocation location) { return cuMemAdvise(address, bytes, advice, location.id); }

/* ---- what a pointer is --------------------------------------------------------------------------------------------------------------------------------------------- */

static CUcontext context_of(uint64_t claim) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        if (c->id == claim) return c;
    return NULL;
}

/* NOT_SUPPORTED: an attribute that is not built. */
static CUresult attribute_of(const gpu_allocation *a, CUdeviceptr address, CUpointer_attribute attribute, void *value) {
    bool host = of_host(a);
    switch (attribute) {
    case CU_POINTER_ATTRIBUTE_CONTEXT: *(CUcontext *)value = context_of(a->claim); return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MEMORY_TYPE: *(unsigned int *)value = host ? CU_MEMORYTYPE_HOST : CU_MEMORYTYPE_DEVICE; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_POINTER: *(CUdeviceptr *)value = address; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_HOST_POINTER:
        if (!host && a->kind != GPU_MEMORY_MANAGED) return CUDA_ERROR_INVALID_VALUE;
        *(void **)value = (void *)(uintptr_t)address;
        return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_SYNC_MEMOPS: *(unsigned int *)value = 0; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_BUFFER_ID: *(unsigned long long *)value = a->address; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_MANAGED: *(unsigned int *)value = a->kind == GPU_MEMORY_MANAGED; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL: *(int *)value = a->owner >= 0 ? a->owner : context_of(a->claim) != NULL ? context_of(a->claim)->device : 0; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_IS_LEGACY_CUDA_IPC_CAPABLE: *(unsigned int *)value = 0; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_START_ADDR: *(CUdeviceptr *)value = a->address; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_RANGE_SIZE: *(size_t *)value = (size_t)a->bytes; return CUDA_SUCCESS;
    case CU_POINTER_ATTRIBUTE_MAPPED: *(unsigned int *)value = 1; return CUDA_SUCCESS;
    default: return CUDA_ERROR_NOT_SUPPORTED;
    }
}

CUresult cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    gpu_allocation a;
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_leave(gpu_memory_at(gpu_driver.memory, address, 1, &a) == NULL ? CUDA_ERROR_INVALID_VALUE : attribute_of(&a, address, attribute, value));
}

/* What does not hold for a pointer is set to 0, and that is no error. */
CUresult cuPointerGetAttributes(unsigned int count, CUpointer_attribute *attributes, void **values, CUdeviceptr address) {
    gpu_allocation a;
    if (attributes == NULL || values == NULL || count == 0) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    bool known = gpu_memory_at(gpu_driver.memory, address, 1, &a) != NULL;
    for (unsigned int i = 0; i < count; i++) {
        if (known && attribute_of(&a, address, attributes[i], values[i]) == CUDA_SUCCESS) continue;
        static const unsigned char bytes[32] = {[1] = 8, [3] = 8, [4] = 8, [5] = 16, [7] = 8, [11] = 8, [12] = 8, [14] = 8, [17] = 8, [18] = 8, [19] = 8, [20] = 8}; /* by attribute; others have 4 */
        memset(values[i], 0, (unsigned int)attributes[i] < 32 && bytes[attributes[i]] > 0 ? bytes[attributes[i]] : 4);
        if (attributes[i] == CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL) *(int *)values[i] = -2;
    }
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuPointerSetAttribute(const void *value, CUpointer_attribute attribute, CUdeviceptr address) {
    if (value == NULL || attribute != CU_POINTER_ATTRIBUTE_SYNC_MEMOPS) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    return gpu_leave(gpu_memory_at(gpu_driver.memory, address, 1, NULL) == NULL ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS);
}

CUresult cuMemHostRegister(void *host, size_t bytes, unsigned int flags) { return cuMemHostRegister_v2(host, bytes, flags); }
