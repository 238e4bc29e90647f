/* SPDX-License-Identifier: Apache-2.0 */
#define VEC_TABLE vec_handlers_portable
#define VEC_DOTS vec_dots_portable
#include "vector_table.inc.c"
