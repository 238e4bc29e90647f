/* SPDX-License-Identifier: Apache-2.0
 * A timeline of one launch, as the settings ask for it: the first of the kernel that is named, or the first of all. */
#ifndef PGD_SOFTGPU_LAUNCH_TIMELINE_H
#define PGD_SOFTGPU_LAUNCH_TIMELINE_H

#include "driver_state.h"

bool gpu_timeline_wanted(const gpu_launch *launch); /* of this launch? Says yes once. */
pgd_status gpu_timeline_run(CUfunction function, int32_t registers, gpu_launch *launch, gpu_fault *fault);
void gpu_timeline_end(void); /* the program ends: says what was launched where nothing was drawn */
#endif
