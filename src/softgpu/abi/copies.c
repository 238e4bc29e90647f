/* SPDX-License-Identifier: Apache-2.0
 * Copies and fills. Every one is a box of bytes; what is asked for is checked against the allocations before it is put into a stream. */
#include <string.h>

#include "capture.h"
#include "copies.h"

/* ---- copies --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult check_kind(const gpu_allocation *a, size_t bytes, const char *what, const char *where, CUdeviceptr address) {
    return a->kind != GPU_MEMORY_HEAP ? CUDA_SUCCESS : gpu_refuse(CUDA_ERROR_INVALID_VALUE, "%s %zu bytes %s 0x%llx, which a kernel's malloc gave: that is for kernels alone", what, bytes, where, address);
}

/* One side of a copy: device memory must be allocated there; elsewhere the host's own is meant. */
static CUresult check_side(CUdeviceptr address, size_t bytes, bool host, bool *is_host, const char *what) {
    gpu_allocation a = {0};
    uint64_t first, all;
    *is_host = false;
    if (bytes == 0) return CUDA_SUCCESS;
    if (gpu_memory_at(gpu_driver.memory, address, bytes, &a) != NULL) return check_kind(&a, bytes, "a copy of", what, address);
    bool begins_inside = a.address != 0 && !a.freed && address >= a.address && address - a.address < a.bytes;
    gpu_memory_addresses(gpu_driver.memory, &first, &all);
    bool of_device = address >= first && address - first < all; /* and so never the host's own, what has been freed neither */
    if (host && !of_device && address != 0) {
        *is_host = true;
        return CUDA_SUCCESS;
    }
    if (begins_inside) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a copy of %zu bytes %s 0x%llx, where an allocation of %llu bytes has %llu left", bytes, what, address, (unsigned long long)a.bytes, (unsigned long long)(a.bytes - (address - a.address)));
    return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a copy of %zu bytes %s 0x%llx, which is no device memory%s", bytes, what, address, a.freed && address >= a.address && address - a.address < a.bytes ? " any more: it was freed" : "");
}

/* to_host, from_host come in as "may be the host's" and go out as "is". */
static CUresult check_copy(gpu_box_copy *c) {
    CUresult result = check_side(c->to, gpu_box_extent(c->to_pitch, c->to_slice, c), c->to_host, &c->to_host, "to");
    return result == CUDA_SUCCESS ? check_side(c->from, gpu_box_extent(c->from_pitch, c->from_slice, c), c->from_host, &c->from_host, "from") : result;
}

static CUresult make_copy(gpu_box_copy copy, gpu_operation **out) {
    *out = NULL;
    CUresult result = check_copy(&copy);
    if (result != CUDA_SUCCESS) return result;
    *out = gpu_operation_create(GPU_OP_COPY);
    if (*out == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    (*out)->copy = copy;
    return CUDA_SUCCESS;
}

/* A copy with memory of the host that is not pinned returns when it is done, asynchronous or not: the program may use that memory at once. */
static CUresult submit_copy(CUstream stream, gpu_box_copy copy, bool wait) {
    CUstream s;
    gpu_operation *o;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    result = make_copy(copy, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    wait = wait || ((o->copy.to_host || o->copy.from_host) && s->capture == NULL);
    return gpu_leave(wait ? gpu_stream_submit_and_wait(s, o) : gpu_stream_submit(s, o));
}

static gpu_box_copy row(CUdeviceptr to, bool to_host, CUdeviceptr from, bool from_host, size_t bytes) { return (gpu_box_copy){.to = to, .from = from, .width = bytes, .height = 1, .depth = 1, .to_host = to_host, .from_host = from_host}; }
static CUdeviceptr at(const void *host) { return (CUdeviceptr)(uintptr_t)host; }

CUresult gpu_copy_any(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) { return submit_copy(stream, row(to, true, from, true, bytes), wait); }
CUresult gpu_copy_in(CUdeviceptr to, const void *from, size_t bytes, CUstream stream, bool wait) { return from == NULL && bytes > 0 ? gpu_refuse(CUDA_ERROR_INVALID_VALUE, "the pointer to the host's memory is NULL") : submit_copy(stream, row(to, false, at(from), true, bytes), wait); }
CUresult gpu_copy_out(void *to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) { return to == NULL && bytes > 0 ? gpu_refuse(CUDA_ERROR_INVALID_VALUE, "the pointer to the host's memory is NULL") : submit_copy(stream, row(at(to), true, from, false, bytes), wait); }
CUresult gpu_copy_within(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait) { return submit_copy(stream, row(to, false, from, false, bytes), wait); }

static CUresult side_of(CUmemorytype type, const void *host, CUdeviceptr device, CUdeviceptr *address, bool *may_be_host) {
    *may_be_host = type != CU_MEMORYTYPE_DEVICE;
    *address = type == CU_MEMORYTYPE_HOST ? at(host) : device;
    if (type == CU_MEMORYTYPE_ARRAY) return gpu_refuse(CUDA_ERROR_NOT_SUPPORTED, "a copy of a CUDA array; arrays and textures are not built");
    return type == CU_MEMORYTYPE_HOST || type == CU_MEMORYTYPE_DEVICE || type == CU_MEMORYTYPE_UNIFIED ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE;
}

/* A pitch or height of 0 means: no more than what is copied. */
static CUresult box_of(const CUDA_MEMCPY3D *c, gpu_box_copy *out) {
    CUdeviceptr to, from;
    bool to_host, from_host;
    CUresult result = side_of(c->dstMemoryType, c->dstHost, c->dstDevice, &to, &to_host);
    if (result == CUDA_SUCCESS) result = side_of(c->srcMemoryType, c->srcHost, c->srcDevice, &from, &from_host);
    if (result != CUDA_SUCCESS) return result;
    size_t to_pitch = c->dstPitch == 0 ? c->dstXInBytes + c->WidthInBytes : c->dstPitch, from_pitch = c->srcPitch == 0 ? c->srcXInBytes + c->WidthInBytes : c->srcPitch;
    size_t to_height = c->dstHeight == 0 ? c->dstY + c->Height : c->dstHeight, from_height = c->srcHeight == 0 ? c->srcY + c->Height : c->srcHeight;
    if (c->srcLOD != 0 || c->dstLOD != 0) return CUDA_ERROR_INVALID_VALUE;
    if ((c->Height > 1 && (c->dstXInBytes + c->WidthInBytes > to_pitch || c->srcXInBytes + c->WidthInBytes > from_pitch)) || (c->Depth > 1 && (c->dstY + c->Height > to_height || c->srcY + c->Height > from_height)))
        return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a copy of rows of %zu bytes whose pitch is %zu and %zu, or of slices of %zu rows whose height is %zu and %zu", c->WidthInBytes, from_pitch, to_pitch, c->Height, from_height, to_height);
    double most = 0x1p46, to_bytes = (double)to_pitch * (double)to_height * (double)(c->dstZ + c->Depth), from_bytes = (double)from_pitch * (double)from_height * (double)(c->srcZ + c->Depth);
    if (to_bytes + (double)c->dstXInBytes > most || from_bytes + (double)c->srcXInBytes > most) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a copy of a box of more bytes than there are addresses");
    *out = (gpu_box_copy){.to = to + c->dstXInBytes + (c->dstY + c->dstZ * to_height) * to_pitch, .from = from + c->srcXInBytes + (c->srcY + c->srcZ * from_height) * from_pitch, .to_pitch = to_pitch, .to_slice = to_pitch * to_height,
                          .from_pitch = from_pitch, .from_slice = from_pitch * from_height, .width = c->WidthInBytes, .height = c->Height, .depth = c->Depth, .to_host = to_host, .from_host = from_host};
    return CUDA_SUCCESS;
}

CUresult gpu_copy_operation_of(const CUDA_MEMCPY3D *copy, gpu_operation **out) {
    gpu_box_copy box;
    *out = NULL;
    CUresult result = copy == NULL ? CUDA_ERROR_INVALID_VALUE : box_of(copy, &box);
    return result == CUDA_SUCCESS ? make_copy(box, out) : result;
}

CUresult gpu_copy_box(const CUDA_MEMCPY3D *copy, CUstream stream, bool wait) {
    gpu_box_copy box;
    CUresult result = copy == NULL ? CUDA_ERROR_INVALID_VALUE : box_of(copy, &box);
    return result == CUDA_SUCCESS ? submit_copy(stream, box, wait) : result;
}

CUresult gpu_copy_rectangle(const CUDA_MEMCPY2D *c, CUstream stream, bool wait) {
    if (c == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUDA_MEMCPY3D box = {.srcXInBytes = c->srcXInBytes, .srcY = c->srcY, .srcMemoryType = c->srcMemoryType, .srcHost = c->srcHost, .srcDevice = c->srcDevice, .srcPitch = c->srcPitch,
                         .dstXInBytes = c->dstXInBytes, .dstY = c->dstY, .dstMemoryType = c->dstMemoryType, .dstHost = c->dstHost, .dstDevice = c->dstDevice, .dstPitch = c->dstPitch,
                         .WidthInBytes = c->WidthInBytes, .Height = c->Height, .Depth = 1};
    return gpu_copy_box(&box, stream, wait);
}

/* ---- fills ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUresult make_fill(gpu_fill fill, gpu_operation **out) {
    *out = NULL;
    if ((double)fill.width * fill.element + (double)fill.pitch * (double)fill.height > 0x1p46) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a fill of more bytes than there are addresses");
    size_t row_bytes = fill.width * fill.element;
    if (fill.to % fill.element != 0 || (fill.height > 1 && (fill.pitch < row_bytes || fill.pitch % fill.element != 0))) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a fill at 0x%llx with elements of %u bytes and a pitch of %zu: they are multiples of the element", fill.to, fill.element, fill.pitch);
    size_t bytes = row_bytes == 0 || fill.height == 0 ? 0 : (fill.height - 1) * fill.pitch + row_bytes;
    gpu_allocation a = {0};
    if (bytes > 0 && gpu_memory_at(gpu_driver.memory, fill.to, bytes, &a) == NULL) return gpu_refuse(CUDA_ERROR_INVALID_VALUE, "a fill of %zu bytes at 0x%llx, which do not lie in one allocation", bytes, fill.to);
    CUresult result = check_kind(&a, bytes, "a fill of", "at", fill.to);
    if (result != CUDA_SUCCESS) return result;
    *out = gpu_operation_create(GPU_OP_FILL);
    if (*out == NULL) return CUDA_ERROR_OUT_OF_MEMORY;
    (*out)->fill = fill;
    return CUDA_SUCCESS;
}

CUresult gpu_fill_operation_of(const CUDA_MEMSET_NODE_PARAMS *p, gpu_operation **out) {
    *out = NULL;
    if (p == NULL || (p->elementSize != 1 && p->elementSize != 2 && p->elementSize != 4)) return CUDA_ERROR_INVALID_VALUE;
    return make_fill((gpu_fill){p->dst, p->pitch, p->width, p->height, p->value, p->elementSize}, out);
}

CUresult gpu_fill_rows(CUdeviceptr to, size_t pitch, uint32_t value, uint32_t element, size_t width, size_t height, CUstream stream, bool wait) {
    CUstream s;
    gpu_operation *o;
    CUresult result = gpu_enter_stream(stream, &s);
    if (result != CUDA_SUCCESS) return result;
    result = make_fill((gpu_fill){to, pitch, width, height, value, element}, &o);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    return gpu_leave(wait ? gpu_stream_submit_and_wait(s, o) : gpu_stream_submit(s, o));
}
