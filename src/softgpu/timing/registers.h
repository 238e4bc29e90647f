/* SPDX-License-Identifier: Apache-2.0
 * How many registers a compiler would need, estimated: PTX names as many as it likes. */
#ifndef PGD_SOFTGPU_REGISTERS_H
#define PGD_SOFTGPU_REGISTERS_H

#include <ptx/ptx.h>

/* The most 32-bit registers that hold values still needed at one place of the function; calls not followed; 8 at least, and 255 or what .maxnreg says at most, or where a function is too large to look at, or there is no memory. What a
 * compiler adds for addresses or saves by computing again is not in it. */
int32_t gpu_registers_of(const ptx_function *function);
#endif
