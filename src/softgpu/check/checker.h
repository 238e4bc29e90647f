/* SPDX-License-Identifier: Apache-2.0
 * The checkers that listen to an executor: races, reads of what nobody wrote, copies that were not waited for. */
#ifndef PGD_SOFTGPU_CHECKER_H
#define PGD_SOFTGPU_CHECKER_H

#include "findings.h"

/* What is looked for; bounds, alignment, barriers and the like are always. */
typedef struct gpu_check_options {
    bool races, uninitialised;
} gpu_check_options;

typedef struct gpu_checker gpu_checker;

/* Errors: NO_MEMORY. The findings outlive it. */
pgd_status gpu_checker_create(gpu_memory *memory, const gpu_check_options *options, gpu_findings *findings, gpu_checker **out);
void gpu_checker_destroy(gpu_checker *checker);
const gpu_listener *gpu_checker_listener(gpu_checker *checker);

/* Global memory as the host changes it: new, and nothing in it yet; or written. */
void gpu_checker_allocated(gpu_checker *checker, uint64_t address, uint64_t bytes);
void gpu_checker_written(gpu_checker *checker, uint64_t address, uint64_t bytes);
#endif
