/* SPDX-License-Identifier: Apache-2.0
 * For programs that say #include <cuda.h>, where no CUDA toolkit is: this folder is given to the compiler by a -I of its own, which programs that have a toolkit leave out. */
#ifndef PAGODA_TOOLKIT_CUDA_H
#define PAGODA_TOOLKIT_CUDA_H
#include <pagoda/cuda_driver.h>
#endif
