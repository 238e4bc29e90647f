/* SPDX-License-Identifier: Apache-2.0
 * What pgd_init sets once for the process, shared between the files of base. */
#ifndef PGD_BASE_INTERNAL_H
#define PGD_BASE_INTERNAL_H

#include <pagoda/base.h>

typedef struct {
    pgd_log_fn function;
    void *user;
} pgd_process_log_target;

typedef struct {
    pgd_resize_fn resize;
    void *user;
} pgd_process_allocator_source;

extern pgd_process_log_target pgd_process_log;
extern pgd_process_allocator_source pgd_process_allocator;

#endif
