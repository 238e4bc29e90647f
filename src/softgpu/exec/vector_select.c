/* SPDX-License-Identifier: Apache-2.0 */
#include "vector_select.h"

void vec_select(vec_body *b, const gpu_vector_code *code, const ptx_instruction *i, vec_step *s) {}
pgd_status gpu_vector_force(gpu_vector_level level) { return PGD_OK; }
gpu_vector_level gpu_vector_best(void) { return GPU_VECTOR_PORTABLE; }
