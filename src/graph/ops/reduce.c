/* SPDX-License-Identifier: Apache-2.0
 * Reductions over a set of axes, which stay with extent 1. Empty reductions: sum 0, mean NaN, product 1, max -infinity, min +infinity, argmax
 * and argmin 0. */
#include <math.h>

#include "ops_internal.h"

static pgd_status infer_axes(const pgd_node *node, pgd_dtype dtype, pgd_value *output) {
    const pgd_value *x = node->inputs[0];
    if (node->attrs.ints[0] < 0 || node->attrs.ints[0] >> x->shape.rank != 0) return pgd_fail(PGD_BAD_ARG, "%s: an axis is outside rank %d", pgd_op_name(node->op), x->shape.rank);
    output->dtype = dtype;
    output->shape = x->shape;
    for (int32_t i = 0; i < x->shape.rank; i++)
        if ((node->attrs.ints[0] >> i & 1) != 0) output->shape.dims[i] = 1;
    return PGD_OK;
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    pgd_dtype dtype = node->inputs[0]->dtype;
    if (dtype == PGD_BOOL || (node->op == PGD_OP_MEAN && !pgd_is_float(dtype))) return pgd_fail(PGD_BAD_ARG, "%s does not take %s; cast first", pgd_op_name(node->op), pgd_dtype_name(dtype));
    return infer_axes(node, dtype, outputs);
}

static pgd_status infer_argmax(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    int64_t axes = node->attrs.ints[0];
    if (axes == 0 || (axes & (axes - 1)) != 0) return pgd_fail(PGD_BAD_ARG, "%s takes one axis", pgd_op_name(node->op));
    return infer_axes(node, PGD_I32, outputs);
}

static double start_float(pgd_op op) { return op == PGD_OP_REDUCE_MAX ? -INFINITY : op == PGD_OP_REDUCE_MIN ? INFINITY : op == PGD_OP_PROD ? 1 : 0; }

static int64_t start_int(pgd_op op) { return op == PGD_OP_REDUCE_MAX ? INT64_MIN : op == PGD_OP_REDUCE_MIN ? INT64_MAX : op == PGD_OP_PROD ? 1 : 0; }

static pgd_op combining(pgd_op op) { return op == PGD_OP_REDUCE_MAX ? PGD_OP_MAX : op == PGD_OP_REDUCE_MIN ? PGD_OP_MIN : op == PGD_OP_PROD ? PGD_OP_MUL : PGD_OP_ADD; }

/* The shape of the reduced part alone: extents of the axes in the mask, 1 elsewhere. */
static pgd_shape reduced_part(pgd_shape shape, int64_t axes) {
    for (int32_t i = 0; i < shape.rank; i++)
        if ((axes >> i & 1) == 0) shape.dims[i] = 1;
    return shape;
}

typedef struct total {
    double f;     /* of floats */
    int64_t i;    /* of integers: sums wrap, numerics.md */
    int64_t seen, where; /* argmax, argmin */
} total;

static bool picks(pgd_op op) { return op == PGD_OP_ARGMAX || op == PGD_OP_ARGMIN; }

static void take(pgd_op op, bool integer, const pgd_tensor *x, int64_t at, total *t) {
    double f = integer ? 0 : pgd_tensor_get(x, at);
    int64_t i = integer ? pgd_tensor_get_int(x, at) : 0;
    if (!picks(op)) {
        if (integer)
            t->i = pgd_scalar_int(combining(op), t->i, i, 0);
        else
            t->f = pgd_scalar_float(combining(op), t->f, f, 0);
        return;
    }
    bool least = op == PGD_OP_ARGMIN, better = integer ? (least ? i < t->i : i > t->i) : t->f == t->f && ((least ? f < t->f : f > t->f) || f != f);
    if (t->seen == 0 || better) *t = (total){f, i, t->seen, t->seen};
    t->seen++;
}

static void give(const pgd_eval_args *a, bool integer, int64_t at, int64_t count, const total *t) {
    const pgd_tensor *y = &a->outputs[0];
    if (picks(a->op))
        pgd_tensor_set_int(y, at, t->where);
    else if (!integer)
        pgd_tensor_set(y, at, a->op == PGD_OP_MEAN ? t->f / (double)count : t->f);
    else if (count == 0 && a->op != PGD_OP_SUM && a->op != PGD_OP_PROD)
        pgd_tensor_set(y, at, start_float(a->op)); /* saturates */
    else
        pgd_tensor_set_int(y, at, t->i);
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    bool integer = !pgd_is_float(x->dtype);
    pgd_shape part = reduced_part(x->shape, a->attrs->ints[0]);
    int64_t count = pgd_shape_elems(part), out_at[PGD_MAX_RANK] = {0}, out = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        int64_t at[PGD_MAX_RANK] = {0};
        total t = {start_float(a->op), start_int(a->op), 0, 0};
        if (count > 0) do {
                int64_t full[PGD_MAX_RANK];
                for (int32_t i = 0; i < x->shape.rank; i++) full[i] = out_at[i] + at[i];
                take(a->op, integer, x, pgd_flat(&x->shape, full), &t);
            } while (pgd_step(&part, at));
        give(a, integer, out++, count, &t);
    } while (pgd_step(&y->shape, out_at));
}

static void grad_sum(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) { dx[0] = pgd_broadcast(g, dy[0], n->inputs[0]->shape); }

/* How many elements of x go into one of y, as a value: extents may be symbolic. */
static pgd_value *count_of(pgd_graph *g, const pgd_node *n) {
    const pgd_value *x = n->inputs[0];
    pgd_symshape reduced = {0};
    for (int32_t i = 0; i < x->shape.rank; i++)
        if ((n->attrs.ints[0] >> i & 1) != 0) reduced.dims[reduced.rank++] = x->shape.dims[i];
    return pgd_dim_size(g, x->dtype, reduced);
}

static void grad_mean(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    dx[0] = pgd_broadcast(g, pgd_div(g, dy[0], count_of(g, n)), n->inputs[0]->shape);
}

static void expand_mean(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *sum = pgd_graph_op(g, PGD_OP_SUM, &n->attrs, n->inputs, 1);
    outputs[0] = pgd_div(g, sum, count_of(g, n));
}

/* Equal extremes share the gradient. */
static void grad_extreme(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0], *one = pgd_scalar(g, x->dtype, 1), *zero = pgd_scalar(g, x->dtype, 0);
    pgd_value *hit = pgd_where(g, pgd_eq(g, x, pgd_broadcast(g, (pgd_value *)&n->outputs[0], x->shape)), one, zero);
    pgd_value *hits = pgd_graph_op(g, PGD_OP_SUM, &n->attrs, &hit, 1);
    dx[0] = pgd_mul(g, hit, pgd_div(g, dy[0], hits));
}

/* The product of all the others, before and behind, so that zeros do no harm. Several axes become one at the end. */
static void grad_prod(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0];
    int32_t order[PGD_MAX_RANK], inverse[PGD_MAX_RANK], count = 0;
    pgd_symshape rows = {.rank = 0}, moved = {.rank = x->shape.rank};
    pgd_dim along = 1;
    for (int part = 0; part < 2; part++)
        for (int32_t i = 0; i < x->shape.rank; i++) {
            if ((n->attrs.ints[0] >> i & 1) != part) continue;
            moved.dims[count] = x->shape.dims[i];
            inverse[i] = count;
            order[count++] = i;
            if (part == 0) rows.dims[rows.rank++] = x->shape.dims[i];
            if (part == 1) along = pgd_dim_mul(g, along, x->shape.dims[i]);
        }
    if (n->attrs.ints[0] == 0) {
        dx[0] = dy[0];
        return;
    }
    rows.dims[rows.rank++] = along;
    pgd_value *row = pgd_reshape(g, pgd_transpose(g, x, order), rows);
    pgd_value *others = pgd_mul(g, pgd_cumprod(g, row, -1, false, true), pgd_cumprod(g, row, -1, true, true));
    dx[0] = pgd_mul(g, pgd_transpose(g, pgd_reshape(g, others, moved), inverse), dy[0]);
}

pgd_value *pgd_unbroadcast(pgd_graph *graph, pgd_value *dy, pgd_symshape like) {
    int32_t axes[PGD_MAX_RANK], count = 0;
    if (dy == NULL) return NULL;
    for (int32_t i = 0; i < like.rank; i++)
        if (like.dims[i] == 1 && dy->shape.dims[i] != 1) axes[count++] = i;
    return count == 0 ? dy : pgd_sum(graph, dy, axes, count);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return (void)attrs, (void)out, (double)pgd_shape_elems(in[0]); }

static void no_grad(pgd_graph *graph, const pgd_node *node, pgd_value *const *dy, pgd_value **dx) { (void)graph, (void)node, (void)dy, (void)dx; }

const pgd_op_def pgd_def_sum = {.flags = PGD_OPF_REDUCTION, .int_names = "axes", .infer = infer, .eval = eval, .grad = grad_sum, .flops = flops};
const pgd_op_def pgd_def_mean = {.int_names = "axes", .infer = infer, .eval = eval, .grad = grad_mean, .expand = expand_mean, .flops = flops};
const pgd_op_def pgd_def_reduce_max = {.flags = PGD_OPF_REDUCTION, .int_names = "axes", .infer = infer, .eval = eval, .grad = grad_extreme, .flops = flops};
const pgd_op_def pgd_def_reduce_min = {.flags = PGD_OPF_REDUCTION, .int_names = "axes", .infer = infer, .eval = eval, .grad = grad_extreme, .flops = flops};
const pgd_op_def pgd_def_prod = {.flags = PGD_OPF_REDUCTION, .int_names = "axes", .infer = infer, .eval = eval, .grad = grad_prod, .flops = flops};
const pgd_op_def pgd_def_argmin = {.int_names = "axes", .infer = infer_argmax, .eval = eval, .grad = no_grad, .flops = flops};
const pgd_op_def pgd_def_argmax = {.int_names = "axes", .infer = infer_argmax, .eval = eval, .grad = no_grad, .flops = flops};
