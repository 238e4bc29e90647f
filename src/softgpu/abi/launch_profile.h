/* SPDX-License-Identifier: Apache-2.0
 * Profiling, as the settings ask for it: counts of all launches, by kernel and sizes, are written to a file when the process ends. */
#ifndef PGD_SOFTGPU_LAUNCH_PROFILE_H
#define PGD_SOFTGPU_LAUNCH_PROFILE_H

#include "driver_state.h"

bool gpu_profile_wanted(void);
void gpu_profile_end(void); /* the program ends: writes all */
pgd_status gpu_profile_run(CUfunction function, int32_t registers, gpu_launch *launch, gpu_fault *fault); /* one launch at a time */
#endif
