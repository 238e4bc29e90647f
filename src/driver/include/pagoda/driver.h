/* SPDX-License-Identifier: Apache-2.0
 * driver: which devices this machine has. Backends: host (the CPU), null (accepts everything, computes nothing: for planning and tests).
 *
 * Threads: thread-safe. Owns: nothing. */
#ifndef PAGODA_DRIVER_H
#define PAGODA_DRIVER_H

#include <pagoda/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgd_device_info {
    char id[16];      /* what pgd_device_open and --device take: "cpu", "null" */
    char kind[16];    /* "host", "null" */
    char name[128];   /* the processor's own name */
    char isa[16];     /* best instruction set level: "avx512", "avx2", "portable"; empty where it means nothing */
    uint64_t memory_bytes;
    int32_t threads;  /* processors this process may use */
    bool usable;
    char reason[128]; /* why not, or empty */
} pgd_device_info;

PGD_API int32_t pgd_device_count(void);

/* Fills *out for device `index` in [0, pgd_device_count()). Errors: BAD_ARG index. */
PGD_API PGD_MUST_USE pgd_status pgd_device_info_get(int32_t index, pgd_device_info *out);

#ifdef __cplusplus
}
#endif
#endif
