/* SPDX-License-Identifier: Apache-2.0
 * Checking, as the settings ask for it: what is found goes to the report and, a JSON object a line, to a file. */
#ifndef PGD_SOFTGPU_CHECKS_H
#define PGD_SOFTGPU_CHECKS_H

#include <check/checker.h>

#include "driver_state.h"

pgd_status gpu_checks_begin(void);
bool gpu_checks_wanted(void);
bool gpu_checks_order(void); /* is it asked which operation is before which? */
/* Runs a launch with the checkers listening; one at a time. moment: NULL where nobody asks. */
pgd_status gpu_checks_run(CUfunction function, gpu_launch *launch, const gpu_moment *moment, gpu_fault *fault);
/* A copy or a fill was done, "a copy" say. The footprint goes over. */
void gpu_checks_done(const gpu_moment *moment, gpu_footprint *footprint);
void gpu_checks_known(const gpu_clock *known); /* to the program, and nothing is still to be done */
/* A fault of a launch that was not run here. */
void gpu_checks_fault(const gpu_launch *launch, const gpu_fault *fault);
/* What a launch is reading of the program's memory, whose pointers may be wrong; kernel NULL: nothing. */
typedef struct gpu_checks_reading {
    const char *kernel;
    const void *at;
    size_t number, count; /* of the parameter, from 1 on; of parameters */
} gpu_checks_reading;
extern _Thread_local gpu_checks_reading gpu_checks_reads;
void gpu_checks_call(const char *name, CUresult result, const char *reason); /* refused; reason: "" where none is known */
void gpu_checks_unwaited(const char *kernel); /* the program ends without having waited for it; NULL: for a copy */
void gpu_checks_end(void); /* the program ends: how many kernels it launched goes to the file */
void gpu_checks_forget(const ptx_module *module); /* instructions: a module is unloaded */
void gpu_checks_allocated(CUdeviceptr address, size_t bytes);
void gpu_checks_written(CUdeviceptr address, size_t bytes);
#endif
