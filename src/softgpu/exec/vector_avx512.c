/* SPDX-License-Identifier: Apache-2.0 */
#define VEC_TABLE vec_handlers_avx512
#define VEC_KNOWN_TABLE vec_known_avx512
#define VEC_KNOWN_ONE_TABLE vec_known_one_avx512
#define VEC_DOTS vec_dots_avx512
#include "vector_table.inc.c"
