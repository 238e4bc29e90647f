/* SPDX-License-Identifier: Apache-2.0
 * The checkers that listen to an executor: races, reads of what nobody wrote, copies that were not waited for. */
#ifndef PGD_SOFTGPU_CHECKER_H
#define PGD_SOFTGPU_CHECKER_H

#include "findings.h"
#include "footprint.h"
#include "moments.h"

/* What is looked for; bounds, alignment, barriers and the like are always. */
typedef struct gpu_check_options {
    bool races, uninitialised;
} gpu_check_options;

typedef struct gpu_checker gpu_checker;

/* Errors: NO_MEMORY. The findings outlive it. */
pgd_status gpu_checker_create(gpu_memory *memory, const gpu_check_options *options, gpu_findings *findings, gpu_checker **out);
void gpu_checker_destroy(gpu_checker *checker);
const gpu_listener *gpu_checker_listener(gpu_checker *checker);

/* Operations that are done, where races are looked for. A kernel's is asked for before the next launch begins; another one's has its spans, and goes over. */
void gpu_checker_kernel_done(gpu_checker *checker, const gpu_launch *launch, const gpu_moment *moment);
void gpu_checker_operation_done(gpu_checker *checker, const gpu_moment *moment, gpu_footprint *footprint);
void gpu_checker_known(gpu_checker *checker, const gpu_clock *known); /* to the program; see gpu_stream_races_known */
void gpu_checker_forget(gpu_checker *checker);                        /* instructions: a module is unloaded */

/* Global memory as the host changes it: new, and nothing in it yet; or written. */
void gpu_checker_allocated(gpu_checker *checker, uint64_t address, uint64_t bytes);
void gpu_checker_written(gpu_checker *checker, uint64_t address, uint64_t bytes);
#endif
