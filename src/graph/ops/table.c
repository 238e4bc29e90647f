/* SPDX-License-Identifier: Apache-2.0
 * The table of operations: the row `name` of ops.def is pgd_def_<name>, defined in the file of its family. */
#include "ops_internal.h"

const pgd_op_def *const pgd_op_defs[PGD_OP_COUNT] = {
#define PGD_OP_ROW(NAME, name, inputs, outputs) &pgd_def_##name,
    PGD_OP_LIST
#undef PGD_OP_ROW
};
