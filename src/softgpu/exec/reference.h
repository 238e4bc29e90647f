/* SPDX-License-Identifier: Apache-2.0
 * The slow executor that is meant to be obviously right: one thread at a time, each with registers, memory and a stack of calls of its own; threads wait
 * for each other where PTX says so. It stays as the oracle of the fast ones. */
#ifndef PGD_SOFTGPU_REFERENCE_H
#define PGD_SOFTGPU_REFERENCE_H

#include "gpu_launch.h"

/* Runs all blocks, one after the other. Errors: BAD_ARG sizes that no device takes; DEVICE the kernel did wrong, and *fault says what; NO_MEMORY. */
pgd_status gpu_reference_run(const gpu_launch *launch, gpu_fault *fault);
#endif
