/* SPDX-License-Identifier: Apache-2.0
 * How many registers a compiler would need, estimated: PTX names as many as it likes. */
#ifndef PGD_SOFTGPU_REGISTERS_H
#define PGD_SOFTGPU_REGISTERS_H

#include <ptx/ptx.h>

/* The most 32-bit registers that hold values still needed at one place of the function; calls not followed; 8 at least, and 255 or what .maxnreg says at most. What a
 * compiler adds for addresses or saves by computing again is not in it. 64, with which the largest block fits, of a function whose blocks and registers are too many to work it out
 * (2^30 of one times the other), and without memory. */
int32_t gpu_registers_of(const ptx_function *function);
#endif
