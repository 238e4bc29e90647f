/* SPDX-License-Identifier: Apache-2.0
 * dnn: the kernels. Which rows exist, for listings; the engine chooses among them. Threads: thread-safe. */
#ifndef PAGODA_DNN_H
#define PAGODA_DNN_H

#include <pagoda/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgd_kernel_info {
    const char *name;      /* "host_matmul" */
    const char *operation; /* "matmul"; "*" for the reference, which runs every operation */
    const char *device;    /* "host" */
} pgd_kernel_info;

PGD_API int32_t pgd_kernel_count(void);

/* Errors: BAD_ARG index. Strings are static. */
PGD_API PGD_MUST_USE pgd_status pgd_kernel_info_get(int32_t index, pgd_kernel_info *out);

#ifdef __cplusplus
}
#endif
#endif
