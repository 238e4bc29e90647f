/* SPDX-License-Identifier: Apache-2.0
 * Values that come from outside the computation (input, param, constant), from numbers (fill, iota, dim_size), and fused programs, whose
 * nodes are made whole by pgd_graph_add_program. */
#include "ops_internal.h"

static pgd_status leaf_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph, (void)outputs;
    return pgd_fail(PGD_INTERNAL, "%s is not made by pgd_graph_add", pgd_op_name(node->op));
}

const pgd_op_def pgd_def_input = {.dtypes = PGD_DTYPES_ANY, .flags = PGD_OPF_LEAF, .infer = leaf_infer};
const pgd_op_def pgd_def_param = {.dtypes = PGD_DTYPES_ANY, .flags = PGD_OPF_LEAF, .infer = leaf_infer};
const pgd_op_def pgd_def_constant = {.dtypes = PGD_DTYPES_ANY, .flags = PGD_OPF_LEAF, .infer = leaf_infer};
const pgd_op_def pgd_def_program = {.dtypes = PGD_DTYPES_ANY, .infer = leaf_infer};

static pgd_status check_shape(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_symshape *dims = &node->attrs.dims;
    if ((uint64_t)node->attrs.ints[0] >= PGD_DTYPE_COUNT) return pgd_fail(PGD_BAD_ARG, "%s: %lld is no element type", pgd_op_name(node->op), (long long)node->attrs.ints[0]);
    outputs[0].dtype = (pgd_dtype)node->attrs.ints[0];
    outputs[0].shape = *dims;
    return PGD_OK;
}

static void fill_eval(const pgd_eval_args *a) {
    for (int64_t i = 0, n = pgd_shape_elems(a->outputs[0].shape); i < n; i++) pgd_tensor_set(&a->outputs[0], i, a->attrs->floats[0]);
}

static void no_grad(pgd_graph *graph, const pgd_node *node, pgd_value *const *dy, pgd_value **dx) { (void)graph, (void)node, (void)dy, (void)dx; }

const pgd_op_def pgd_def_fill = {.dtypes = PGD_DTYPES_ANY, .int_names = "dtype", .float_names = "value", .has_dims = true, .infer = check_shape, .eval = fill_eval, .grad = no_grad};

static pgd_status iota_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_shape(graph, node, outputs));
    if (node->attrs.ints[1] < 0 || node->attrs.ints[1] >= node->attrs.dims.rank)
        return pgd_fail(PGD_BAD_ARG, "iota: axis %lld is outside rank %d", (long long)node->attrs.ints[1], node->attrs.dims.rank);
    return PGD_OK;
}

static void iota_eval(const pgd_eval_args *a) {
    const pgd_tensor *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do pgd_tensor_set(y, i++, (double)at[a->attrs->ints[1]]);
    while (pgd_step(&y->shape, at));
}

const pgd_op_def pgd_def_iota = {.dtypes = PGD_DTYPES_ANY, .int_names = "dtype axis", .has_dims = true, .infer = iota_infer, .eval = iota_eval, .grad = no_grad};

static pgd_status dim_size_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_shape(graph, node, outputs));
    outputs[0].shape = (pgd_symshape){0};
    return PGD_OK;
}

static void dim_size_eval(const pgd_eval_args *a) {
    double product = 1;
    for (int32_t i = 0; i < a->attrs->dims.rank; i++) product *= (double)a->attrs->dims.dims[i];
    pgd_tensor_set(&a->outputs[0], 0, product);
}

const pgd_op_def pgd_def_dim_size = {.dtypes = PGD_DTYPES_ANY, .int_names = "dtype", .has_dims = true, .infer = dim_size_infer, .eval = dim_size_eval, .grad = no_grad};
