/* SPDX-License-Identifier: Apache-2.0 */
#define VEC_TABLE vec_handlers_avx2
#define VEC_KNOWN_TABLE vec_known_avx2
#define VEC_KNOWN_ONE_TABLE vec_known_one_avx2
#define VEC_DOTS vec_dots_avx2
#include "vector_table.inc.c"

void vec_clear_upper(void) { _mm256_zeroupper(); }
