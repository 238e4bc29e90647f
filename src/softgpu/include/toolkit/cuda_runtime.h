/* SPDX-License-Identifier: Apache-2.0
 * For files of kernels that say #include <cuda_runtime.h>, where no CUDA toolkit is: what kernels need of it is pagoda/cuda_kernel.h. The functions of the runtime (cudaMalloc ...) are
 * not here; programs use the driver API. */
#ifndef PAGODA_TOOLKIT_CUDA_RUNTIME_H
#define PAGODA_TOOLKIT_CUDA_RUNTIME_H
#ifndef __CUDA__
#error "the CUDA runtime API is not in Pagoda: include <cuda.h>, and use the driver API (cuMemAlloc, cuLaunchKernel ...)"
#endif
#include <pagoda/cuda_kernel.h>
#endif
