/* SPDX-License-Identifier: Apache-2.0
 * Generic addresses: windows for shared, local and parameter memory; all else is global. */
#ifndef PGD_SOFTGPU_SPACES_H
#define PGD_SOFTGPU_SPACES_H

#include "gpu_program.h"

uint64_t gpu_generic(ptx_space space, uint64_t address);
ptx_space gpu_space_of(uint64_t generic, uint64_t *address); /* address: within the space */
static inline ptx_space gpu_resolved_space(ptx_space space, uint64_t address) { return space == PTX_SPACE_generic ? gpu_space_of(address, &address) : space; }
#endif
