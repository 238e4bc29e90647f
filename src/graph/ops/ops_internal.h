/* SPDX-License-Identifier: Apache-2.0
 * The rows that the files of this folder contribute to the table of operations (table.c), and the little they share. */
#ifndef PGD_OPS_INTERNAL_H
#define PGD_OPS_INTERNAL_H

#include <graph_share.h>

#define PGD_OP_ROW(NAME, name, inputs, outputs) extern const pgd_op_def pgd_def_##name;
PGD_OP_LIST
#undef PGD_OP_ROW


/* Row-major position of multi-index `at` in a shape, extents of 1 counting as broadcast. */
static inline int64_t pgd_flat(const pgd_shape *shape, const int64_t *at) {
    int64_t flat = 0;
    for (int32_t i = 0; i < shape->rank; i++) flat = flat * shape->dims[i] + (shape->dims[i] == 1 ? 0 : at[i]);
    return flat;
}

/* Steps a multi-index through a shape in row-major order; false after the last. */
static inline bool pgd_step(const pgd_shape *shape, int64_t *at) {
    for (int32_t i = shape->rank - 1; i >= 0; i--) {
        if (++at[i] < shape->dims[i]) return true;
        at[i] = 0;
    }
    return false;
}

/* d of a broadcast: sums dy over what was repeated, so that it has the shape of `like`. */
pgd_value *pgd_unbroadcast(pgd_graph *graph, pgd_value *dy, pgd_symshape like);

#endif
