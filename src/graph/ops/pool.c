/* SPDX-License-Identifier: Apache-2.0
 * Pooling over windows of [N,C,H,W]. Max: pads are -infinity, the first of equals wins, NaN wins. Average: pads are not counted. */
#include <math.h>

#include "ops_internal.h"

enum { KERNEL_H, KERNEL_W, STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT, PAD_BOTTOM, PAD_RIGHT };
#define INT_NAMES "kernel_h kernel_w stride_h stride_w pad_top pad_left pad_bottom pad_right"

static pgd_status pooled_shape(pgd_graph *graph, const pgd_node *node, pgd_symshape x, pgd_symshape *y) {
    const int64_t *o = node->attrs.ints;
    char text[128];
    if (x.rank != 4) return pgd_fail(PGD_BAD_ARG, "%s: x %s must be [N,C,H,W]", pgd_op_name(node->op), pgd_symshape_text(graph, x, text, sizeof text));
    for (int i = 0; i <= PAD_RIGHT; i++)
        if (o[i] < (i >= PAD_TOP ? 0 : 1) || o[i] > 1 << 20) return pgd_fail(PGD_BAD_ARG, "%s: option %d is %lld; kernels and strides start at 1, pads at 0", pgd_op_name(node->op), i, (long long)o[i]);
    if (o[PAD_TOP] >= o[KERNEL_H] || o[PAD_BOTTOM] >= o[KERNEL_H] || o[PAD_LEFT] >= o[KERNEL_W] || o[PAD_RIGHT] >= o[KERNEL_W])
        return pgd_fail(PGD_BAD_ARG, "%s: a pad is not smaller than the kernel; windows of padding alone have no value", pgd_op_name(node->op));
    *y = x;
    y->dims[2] = pgd_dim_window(graph, x.dims[2], o[PAD_TOP] + o[PAD_BOTTOM] - o[KERNEL_H], o[STRIDE_H]);
    y->dims[3] = pgd_dim_window(graph, x.dims[3], o[PAD_LEFT] + o[PAD_RIGHT] - o[KERNEL_W], o[STRIDE_W]);
    for (int i = 2; i < 4; i++) {
        int64_t lo, hi;
        pgd_dim_range(graph, y->dims[i], &lo, &hi);
        if (hi < 1) return pgd_fail(PGD_BAD_ARG, "%s: the kernel is larger than the padded input %s", pgd_op_name(node->op), pgd_symshape_text(graph, x, text, sizeof text));
    }
    return PGD_OK;
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    if (!pgd_is_float(node->inputs[0]->dtype)) return pgd_fail(PGD_BAD_ARG, "%s does not take %s; cast first", pgd_op_name(node->op), pgd_dtype_name(node->inputs[0]->dtype));
    outputs[0].dtype = node->inputs[0]->dtype;
    return pooled_shape(graph, node, node->inputs[0]->shape, &outputs[0].shape);
}

typedef struct window {
    int64_t h0, h1, w0, w1;
} window;

static window window_of(const int64_t *o, const pgd_shape *x, const int64_t *at) {
    window v = {at[2] * o[STRIDE_H] - o[PAD_TOP], 0, at[3] * o[STRIDE_W] - o[PAD_LEFT], 0};
    v.h1 = v.h0 + o[KERNEL_H] < x->dims[2] ? v.h0 + o[KERNEL_H] : x->dims[2];
    v.w1 = v.w0 + o[KERNEL_W] < x->dims[3] ? v.w0 + o[KERNEL_W] : x->dims[3];
    if (v.h0 < 0) v.h0 = 0;
    if (v.w0 < 0) v.w0 = 0;
    return v;
}

/* Index of the greatest element of a window. */
static int64_t greatest(const pgd_tensor *x, int64_t plane, window v) {
    int64_t best = -1;
    double most = -INFINITY;
    for (int64_t h = v.h0; h < v.h1; h++)
        for (int64_t w = v.w0; w < v.w1; w++) {
            int64_t i = (plane * x->shape.dims[2] + h) * x->shape.dims[3] + w;
            double value = pgd_tensor_get(x, i);
            if (best < 0 || (most == most && (value > most || value != value))) best = i, most = value;
        }
    return best;
}

static void max_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        int64_t best = greatest(x, at[0] * x->shape.dims[1] + at[1], window_of(a->attrs->ints, &x->shape, at));
        pgd_tensor_set(y, i++, best < 0 ? -INFINITY : pgd_tensor_get(x, best));
    } while (pgd_step(&y->shape, at));
}

/* dy, x -> dx: each dy goes to the element its window took. Inputs beyond the second belong to the epilogue program. */
static pgd_status max_d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    pgd_symshape y;
    PGD_TRY(pooled_shape(graph, node, node->inputs[1]->shape, &y));
    if (!pgd_symshape_equal(y, node->inputs[0]->shape)) return pgd_fail(PGD_BAD_ARG, "max_pool_d: dy does not have the shape of the pooled x");
    outputs[0].dtype = node->inputs[1]->dtype;
    outputs[0].shape = node->inputs[1]->shape;
    return PGD_OK;
}

static void max_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *x = &a->inputs[1], *dx = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    for (int64_t j = 0, n = pgd_shape_elems(dx->shape); j < n; j++) pgd_tensor_set(dx, j, 0);
    if (pgd_shape_elems(dy->shape) == 0) return;
    do {
        int64_t best = greatest(x, at[0] * x->shape.dims[1] + at[1], window_of(a->attrs->ints, &x->shape, at));
        if (best >= 0) pgd_tensor_set(dx, best, pgd_tensor_get(dx, best) + pgd_tensor_get(dy, i));
        i++;
    } while (pgd_step(&dy->shape, at));
}

static void max_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    dx[0] = pgd_graph_op(g, PGD_OP_MAX_POOL_D, &n->attrs, (pgd_value *[]){dy[0], n->inputs[0]}, 2);
}

static void avg_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        window v = window_of(a->attrs->ints, &x->shape, at);
        double total = 0;
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++) total += pgd_tensor_get(x, ((at[0] * x->shape.dims[1] + at[1]) * x->shape.dims[2] + h) * x->shape.dims[3] + w);
        pgd_tensor_set(y, i++, total / (double)((v.h1 - v.h0) * (v.w1 - v.w0)));
    } while (pgd_step(&y->shape, at));
}

/* dy -> dx of shape dims: each dy is spread evenly over its window. */
static pgd_status avg_d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    pgd_symshape y;
    PGD_TRY(pooled_shape(graph, node, node->attrs.dims, &y));
    if (!pgd_symshape_equal(y, node->inputs[0]->shape)) return pgd_fail(PGD_BAD_ARG, "avg_pool_d: dy does not have the shape of the pooled x");
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = node->attrs.dims;
    return PGD_OK;
}

static void avg_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *dx = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    for (int64_t j = 0, n = pgd_shape_elems(dx->shape); j < n; j++) pgd_tensor_set(dx, j, 0);
    if (pgd_shape_elems(dy->shape) == 0) return;
    do {
        window v = window_of(a->attrs->ints, &dx->shape, at);
        double share = pgd_tensor_get(dy, i++) / (double)((v.h1 - v.h0) * (v.w1 - v.w0));
        for (int64_t h = v.h0; h < v.h1; h++)
            for (int64_t w = v.w0; w < v.w1; w++) {
                int64_t j = ((at[0] * dx->shape.dims[1] + at[1]) * dx->shape.dims[2] + h) * dx->shape.dims[3] + w;
                pgd_tensor_set(dx, j, pgd_tensor_get(dx, j) + share);
            }
    } while (pgd_step(&dy->shape, at));
}

static void avg_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = n->inputs[0]->shape;
    dx[0] = pgd_graph_op(g, PGD_OP_AVG_POOL_D, &attrs, dy, 1);
}

static void avg_d_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = (pgd_symshape){0};
    dx[0] = pgd_graph_op(g, PGD_OP_AVG_POOL, &attrs, dy, 1);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) {
    return (double)pgd_shape_elems(out[0]) * (double)(attrs->ints[KERNEL_H] * attrs->ints[KERNEL_W]);
}
static double flops_d(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops(attrs, out, in); }

const pgd_op_def pgd_def_max_pool = {.int_names = INT_NAMES, .infer = infer, .eval = max_eval, .grad = max_grad, .flops = flops};
const pgd_op_def pgd_def_max_pool_d = {.int_names = INT_NAMES, .infer = max_d_infer, .eval = max_d_eval, .flops = flops_d};
const pgd_op_def pgd_def_avg_pool = {.int_names = INT_NAMES, .infer = infer, .eval = avg_eval, .grad = avg_grad, .flops = flops};
const pgd_op_def pgd_def_avg_pool_d = {.int_names = INT_NAMES, .has_dims = true, .infer = avg_d_infer, .eval = avg_d_eval, .grad = avg_d_grad, .flops = flops_d};
