/* SPDX-License-Identifier: Apache-2.0 */
#define VEC_TABLE vec_handlers_portable
#define VEC_KNOWN_TABLE vec_known_portable
#define VEC_KNOWN_ONE_TABLE vec_known_one_portable
#define VEC_DOTS vec_dots_portable
#include "vector_table.inc.c"
