/* SPDX-License-Identifier: Apache-2.0
 * Calls that the driver refuses: why, for the report; and as findings, where programs are checked. */
#ifndef PGD_SOFTGPU_REFUSALS_H
#define PGD_SOFTGPU_REFUSALS_H

#include <base_share.h>
#include <pagoda/cuda_driver.h>

/* Of each call of the program, around what it does. name: as it stands in programs. */
void gpu_call_begins(void);
CUresult gpu_call_ends(const char *name, CUresult result);

/* Why this call fails; without a call, as in a task, a line of the report. Returns the result. */
PGD_PRINTF(2, 3) CUresult gpu_refuse(CUresult result, const char *format, ...);
#endif
