/* SPDX-License-Identifier: Apache-2.0
 * A library to link with where no driver is: every function of one, each returning CUDA_ERROR_STUB_LIBRARY. A program that was linked with it loads libcuda.so.1. */
enum { STUB_LIBRARY = 34 };
#define CU_DONE(symbol, ...) \
    int symbol(void);        \
    int symbol(void) { return STUB_LIBRARY; }
#define CU_DONE_THREAD CU_DONE
#define CU_NONE CU_DONE
#define CU_NONE_THREAD CU_DONE
#include "functions.def"
