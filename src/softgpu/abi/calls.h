/* SPDX-License-Identifier: Apache-2.0
 * The functions of the driver as this library's files write and call them. Their symbols begin with gpu_: what programs get stands in calls.c. A name without a version is
 * the oldest function of that name here, and not the newest (PAGODA_CUDA_DRIVER_TYPES_ALONE). */
#ifndef PGD_SOFTGPU_CALLS_H
#define PGD_SOFTGPU_CALLS_H

#include <pagoda/cuda_driver.h>

#define CU_DONE(symbol, name, version, parameters, arguments) CUresult symbol parameters __asm__("gpu_" #symbol);
#define CU_DONE_THREAD CU_DONE
#define CU_NONE(...)
#define CU_NONE_THREAD(...)
#include "functions.def"
#undef CU_DONE
#undef CU_DONE_THREAD
#undef CU_NONE
#undef CU_NONE_THREAD
#endif
