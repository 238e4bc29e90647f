/* SPDX-License-Identifier: Apache-2.0
 * Resizing of the positions of [N,C,H,W], each axis by itself (pgd_resize_at says where it reads).
 *   resize    x -> [N,C, dims]
 *   resize_d  dy -> dx of shape dims: each dy goes back to where it was read */
#include "ops_internal.h"

enum { MODE, GRID };

static pgd_status check(pgd_graph *graph, const pgd_node *node, pgd_symshape x) {
    const int64_t *o = node->attrs.ints;
    char text[128];
    if (!pgd_is_float(node->inputs[0]->dtype) || x.rank != 4) return pgd_fail(PGD_BAD_ARG, "%s: x is %s%s; floats [N,C,H,W] are needed", pgd_op_name(node->op), pgd_dtype_name(node->inputs[0]->dtype), pgd_symshape_text(graph, x, text, sizeof text));
    if (o[MODE] < 0 || o[MODE] > PGD_RESIZE_LINEAR || o[GRID] < 0 || o[GRID] > PGD_RESIZE_ASYMMETRIC) return pgd_fail(PGD_BAD_ARG, "%s: there is no mode %lld with grid %lld", pgd_op_name(node->op), (long long)o[MODE], (long long)o[GRID]);
    for (int32_t i = 2; i < 4; i++) {
        int64_t lo, hi;
        pgd_dim_range(graph, x.dims[i], &lo, &hi);
        if (lo < 1) return pgd_fail(PGD_BAD_ARG, "%s: x %s may have no positions to read", pgd_op_name(node->op), pgd_symshape_text(graph, x, text, sizeof text));
    }
    return PGD_OK;
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_symshape x = node->inputs[0]->shape, size = node->attrs.dims;
    PGD_TRY(check(graph, node, x));
    if (size.rank != 2) return pgd_fail(PGD_BAD_ARG, "resize: dims are height and width");
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = (pgd_symshape){4, {x.dims[0], x.dims[1], size.dims[0], size.dims[1]}};
    return PGD_OK;
}

static pgd_status d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_symshape x = node->attrs.dims, dy = node->inputs[0]->shape;
    PGD_TRY(check(graph, node, x));
    if (dy.rank != 4 || dy.dims[0] != x.dims[0] || dy.dims[1] != x.dims[1]) return pgd_fail(PGD_BAD_ARG, "resize_d: dy and dims must be [N,C,..] alike");
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = x;
    return PGD_OK;
}

/* The four elements of x behind one of y, those with weight 0 left out. */
typedef struct corners {
    int64_t at[4];
    double weight[4];
    int count;
} corners;

static corners corners_of(const int64_t *o, const pgd_shape *x, const pgd_shape *y, const int64_t *at) {
    pgd_resize_place h = pgd_resize_at(o[MODE], o[GRID], at[2], x->dims[2], y->dims[2]), w = pgd_resize_at(o[MODE], o[GRID], at[3], x->dims[3], y->dims[3]);
    corners c = {.count = 0};
    for (int i = 0; i < 4; i++) {
        double weight = ((i & 2) != 0 ? h.weight : 1 - h.weight) * ((i & 1) != 0 ? w.weight : 1 - w.weight);
        if (weight == 0) continue;
        c.at[c.count] = ((at[0] * x->dims[1] + at[1]) * x->dims[2] + ((i & 2) != 0 ? h.second : h.first)) * x->dims[3] + ((i & 1) != 0 ? w.second : w.first);
        c.weight[c.count++] = weight;
    }
    return c;
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        corners c = corners_of(a->attrs->ints, &x->shape, &y->shape, at);
        double total = 0;
        for (int k = 0; k < c.count; k++) total += c.weight[k] * pgd_tensor_get(x, c.at[k]);
        pgd_tensor_set(y, i++, total);
    } while (pgd_step(&y->shape, at));
}

static void d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *dx = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    for (int64_t j = 0, n = pgd_shape_elems(dx->shape); j < n; j++) pgd_tensor_set(dx, j, 0);
    if (pgd_shape_elems(dy->shape) == 0) return;
    do {
        corners c = corners_of(a->attrs->ints, &dx->shape, &dy->shape, at);
        double d = pgd_tensor_get(dy, i++);
        for (int k = 0; k < c.count; k++) pgd_tensor_set(dx, c.at[k], pgd_tensor_get(dx, c.at[k]) + c.weight[k] * d);
    } while (pgd_step(&dy->shape, at));
}

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = n->inputs[0]->shape;
    dx[0] = pgd_graph_op(g, PGD_OP_RESIZE_D, &attrs, dy, 1);
}

static void d_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *d, pgd_value **dx) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = (pgd_symshape){2, {n->inputs[0]->shape.dims[2], n->inputs[0]->shape.dims[3]}};
    dx[0] = pgd_graph_op(g, PGD_OP_RESIZE, &attrs, d, 1);
}

static double flops_of(const pgd_attrs *attrs, const pgd_shape *y) { return (attrs->ints[MODE] == PGD_RESIZE_LINEAR ? 7.0 : 0.0) * (double)pgd_shape_elems(*y); }
static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops_of(attrs, &out[0]); }
static double d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops_of(attrs, &in[0]); }

const pgd_op_def pgd_def_resize = {.int_names = "mode grid", .has_dims = true, .infer = infer, .eval = eval, .grad = grad, .flops = flops};
const pgd_op_def pgd_def_resize_d = {.int_names = "mode grid", .has_dims = true, .infer = d_infer, .eval = d_eval, .grad = d_grad, .flops = d_flops};
