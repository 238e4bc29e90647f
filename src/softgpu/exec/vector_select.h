/* SPDX-License-Identifier: Apache-2.0
 * The list of handlers that are compiled for each instruction set, and which instructions they are for. */
#ifndef PGD_SOFTGPU_VECTOR_SELECT_H
#define PGD_SOFTGPU_VECTOR_SELECT_H

#include "vector_warp.h"

/* Gives the step a handler that does all lanes at once, where there is one for the instruction. */
void vec_select(vec_body *b, const gpu_vector_code *code, const ptx_instruction *i, vec_step *s);
#endif
