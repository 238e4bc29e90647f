/* SPDX-License-Identifier: Apache-2.0
 * The list of copies and fills as programs call them: each as it is, and with the thread's own stream as the default one. */
#include "copies.h"

/* `stream` stands for the default stream in what is called at once, and for the last parameter in what is asynchronous. */
#define AT_ONCE(name, parameters, call)                                       \
    CUresult name parameters {                                                \
        CUstream stream = CU_STREAM_LEGACY;                                   \
        return call;                                                          \
    }                                                                         \
    CUresult name##_ptds parameters {                                         \
        CUstream stream = CU_STREAM_PER_THREAD;                               \
        return call;                                                          \
    }
#define LATER(name, parameters, call)                                         \
    CUresult name parameters { return call; }                                 \
    CUresult name##_ptsz parameters {                                         \
        if (stream == NULL) stream = CU_STREAM_PER_THREAD;                    \
        return call;                                                          \
    }

AT_ONCE(cuMemcpy, (CUdeviceptr to, CUdeviceptr from, size_t bytes), gpu_copy_any(to, from, bytes, stream, true))
AT_ONCE(cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t bytes), gpu_copy_in(to, from, bytes, stream, true))
AT_ONCE(cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes), gpu_copy_out(to, from, bytes, stream, true))
AT_ONCE(cuMemcpyDtoD_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes), gpu_copy_within(to, from, bytes, stream, false))
AT_ONCE(cuMemcpyPeer, (CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t bytes), ((void)to_context, (void)from_context, gpu_copy_within(to, from, bytes, stream, true)))
AT_ONCE(cuMemcpy2D_v2, (const CUDA_MEMCPY2D *copy), gpu_copy_rectangle(copy, stream, true))
AT_ONCE(cuMemcpy2DUnaligned_v2, (const CUDA_MEMCPY2D *copy), gpu_copy_rectangle(copy, stream, true))
AT_ONCE(cuMemcpy3D_v2, (const CUDA_MEMCPY3D *copy), gpu_copy_box(copy, stream, true))
LATER(cuMemcpyAsync, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream), gpu_copy_any(to, from, bytes, stream, false))
LATER(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream stream), gpu_copy_in(to, from, bytes, stream, false))
LATER(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream stream), gpu_copy_out(to, from, bytes, stream, false))
LATER(cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream), gpu_copy_within(to, from, bytes, stream, false))
LATER(cuMemcpyPeerAsync, (CUdeviceptr to, CUcontext to_context, CUdeviceptr from, CUcontext from_context, size_t bytes, CUstream stream), ((void)to_context, (void)from_context, gpu_copy_within(to, from, bytes, stream, false)))
LATER(cuMemcpy2DAsync_v2, (const CUDA_MEMCPY2D *copy, CUstream stream), gpu_copy_rectangle(copy, stream, false))
LATER(cuMemcpy3DAsync_v2, (const CUDA_MEMCPY3D *copy, CUstream stream), gpu_copy_box(copy, stream, false))

AT_ONCE(cuMemsetD8_v2, (CUdeviceptr to, unsigned char value, size_t count), gpu_fill_rows(to, 0, value, 1, count, 1, stream, false))
AT_ONCE(cuMemsetD16_v2, (CUdeviceptr to, unsigned short value, size_t count), gpu_fill_rows(to, 0, value, 2, count, 1, stream, false))
AT_ONCE(cuMemsetD32_v2, (CUdeviceptr to, unsigned int value, size_t count), gpu_fill_rows(to, 0, value, 4, count, 1, stream, false))
AT_ONCE(cuMemsetD2D8_v2, (CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height), gpu_fill_rows(to, pitch, value, 1, width, height, stream, false))
AT_ONCE(cuMemsetD2D16_v2, (CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height), gpu_fill_rows(to, pitch, value, 2, width, height, stream, false))
AT_ONCE(cuMemsetD2D32_v2, (CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height), gpu_fill_rows(to, pitch, value, 4, width, height, stream, false))
LATER(cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t count, CUstream stream), gpu_fill_rows(to, 0, value, 1, count, 1, stream, false))
LATER(cuMemsetD16Async, (CUdeviceptr to, unsigned short value, size_t count, CUstream stream), gpu_fill_rows(to, 0, value, 2, count, 1, stream, false))
LATER(cuMemsetD32Async, (CUdeviceptr to, unsigned int value, size_t count, CUstream stream), gpu_fill_rows(to, 0, value, 4, count, 1, stream, false))
LATER(cuMemsetD2D8Async, (CUdeviceptr to, size_t pitch, unsigned char value, size_t width, size_t height, CUstream stream), gpu_fill_rows(to, pitch, value, 1, width, height, stream, false))
LATER(cuMemsetD2D16Async, (CUdeviceptr to, size_t pitch, unsigned short value, size_t width, size_t height, CUstream stream), gpu_fill_rows(to, pitch, value, 2, width, height, stream, false))
LATER(cuMemsetD2D32Async, (CUdeviceptr to, size_t pitch, unsigned int value, size_t width, size_t height, CUstream stream), gpu_fill_rows(to, pitch, value, 4, width, height, stream, false))
