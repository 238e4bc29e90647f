/* SPDX-License-Identifier: Apache-2.0
 * Copies and fills behind their many names. wait: return when it is done. */
#ifndef PGD_SOFTGPU_COPIES_H
#define PGD_SOFTGPU_COPIES_H

#include "driver_state.h"

CUresult gpu_copy_any(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait); /* each side the host's or a device's */
CUresult gpu_copy_in(CUdeviceptr to, const void *from, size_t bytes, CUstream stream, bool wait);
CUresult gpu_copy_out(void *to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait);
CUresult gpu_copy_within(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream, bool wait);
CUresult gpu_copy_rectangle(const CUDA_MEMCPY2D *copy, CUstream stream, bool wait);
CUresult gpu_copy_box(const CUDA_MEMCPY3D *copy, CUstream stream, bool wait);
CUresult gpu_fill_rows(CUdeviceptr to, size_t pitch, uint32_t value, uint32_t element, size_t width, size_t height, CUstream stream, bool wait);
#endif
