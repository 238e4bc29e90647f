/* SPDX-License-Identifier: Apache-2.0
 * The handlers of one instruction set by their number. */
#include "vector_lanes.inc.c"

#include "vector_integer.inc.c"

#include "vector_float.inc.c"

#include "vector_access.inc.c"

#include "vector_known.inc.c"

vec_fn *const VEC_TABLE[VEC_OP_COUNT] = {
#define X(name) name,
    VEC_OP_LIST(X)
#undef X
#define X(name, type, sign) setp_bra_##name,
    SETP_BRA_LIST(X)
#undef X
#define X(name, type, sign) add_setp_bra_##name,
    SETP_BRA_LIST32(X)
#undef X
};
