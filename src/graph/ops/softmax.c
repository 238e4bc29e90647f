/* SPDX-License-Identifier: Apache-2.0
 * Softmax over the last axis, its logarithm, and cross-entropy with integer labels. The row's maximum is subtracted first. */
#include <math.h>

#include "ops_internal.h"

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    if (!pgd_is_float(x->dtype) || x->shape.rank < 1) return pgd_fail(PGD_BAD_ARG, "%s needs a float tensor of rank 1 or more", pgd_op_name(node->op));
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    return PGD_OK;
}

static double row_log_sum(const pgd_tensor *x, int64_t first, int64_t width) {
    double most = -INFINITY, total = 0;
    for (int64_t i = 0; i < width; i++) most = pgd_scalar_float(PGD_OP_MAX, most, pgd_tensor_get(x, first + i), 0);
    for (int64_t i = 0; i < width; i++) total += exp(pgd_tensor_get(x, first + i) - most);
    return most + log(total);
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t width = x->shape.dims[x->shape.rank - 1], elems = pgd_shape_elems(x->shape);
    for (int64_t first = 0; first < elems; first += width) {
        double log_sum = row_log_sum(x, first, width);
        for (int64_t i = first; i < first + width; i++) {
            double value = pgd_tensor_get(x, i) - log_sum;
            pgd_tensor_set(y, i, a->op == PGD_OP_SOFTMAX ? exp(value) : value);
        }
    }
}

static pgd_value *row_sum(pgd_graph *g, pgd_value *v) { return pgd_sum(g, v, (int32_t[]){-1}, 1); }

static void softmax_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *y = (pgd_value *)&n->outputs[0];
    dx[0] = pgd_mul(g, y, pgd_sub(g, dy[0], row_sum(g, pgd_mul(g, dy[0], y))));
}

static void log_softmax_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    dx[0] = pgd_sub(g, dy[0], pgd_mul(g, pgd_exp(g, (pgd_value *)&n->outputs[0]), row_sum(g, dy[0])));
}

static void log_softmax_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *centred = pgd_sub(g, x, pgd_reduce_max(g, x, (int32_t[]){-1}, 1));
    outputs[0] = pgd_sub(g, centred, pgd_log(g, row_sum(g, pgd_exp(g, centred))));
}

static void softmax_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *e = pgd_exp(g, pgd_sub(g, x, pgd_reduce_max(g, x, (int32_t[]){-1}, 1)));
    outputs[0] = pgd_div(g, e, row_sum(g, e));
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 5.0 * (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_softmax = {.infer = infer, .eval = eval, .grad = softmax_grad, .expand = softmax_expand, .flops = flops};
const pgd_op_def pgd_def_log_softmax = {.infer = infer, .eval = eval, .grad = log_softmax_grad, .expand = log_softmax_expand, .flops = flops};

/* ---- softmax_xent: logits [N,C], labels i32 [N] -> [N].  softmax_xent_d: logits, labels, dloss [N] -> [N,C] --------------------------------------------- */

static pgd_status xent_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *logits = node->inputs[0], *labels = node->inputs[1];
    char left[128], right[128];
    if (!pgd_is_float(logits->dtype) || logits->shape.rank != 2 || labels->dtype != PGD_I32 || labels->shape.rank != 1 || labels->shape.dims[0] != logits->shape.dims[0])
        return pgd_fail(PGD_BAD_ARG, "%s: logits %s%s and labels %s%s; floats [N,C] and i32 [N] are needed", pgd_op_name(node->op), pgd_dtype_name(logits->dtype),
                        pgd_symshape_text(graph, logits->shape, left, sizeof left), pgd_dtype_name(labels->dtype), pgd_symshape_text(graph, labels->shape, right, sizeof right));
    if (!(node->attrs.floats[0] >= 0 && node->attrs.floats[0] < 1)) return pgd_fail(PGD_BAD_ARG, "%s: smoothing is %g; use 0 up to below 1", pgd_op_name(node->op), node->attrs.floats[0]);
    outputs[0].dtype = logits->dtype;
    outputs[0].shape = logits->shape;
    if (node->op == PGD_OP_SOFTMAX_XENT) outputs[0].shape.rank = 1;
    return PGD_OK;
}

static pgd_status xent_d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(xent_infer(graph, node, outputs));
    if (!pgd_symshape_equal(node->inputs[2]->shape, node->inputs[1]->shape) || node->inputs[2]->dtype != outputs[0].dtype) return pgd_fail(PGD_BAD_ARG, "softmax_xent_d: dloss must be [N]");
    return PGD_OK;
}

static void xent_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0];
    int64_t N = x->shape.dims[0], C = x->shape.dims[1];
    double smoothing = a->attrs->floats[0];
    for (int64_t n = 0; n < N; n++) {
        int32_t label = ((const int32_t *)a->inputs[1].data)[n];
        double log_sum = row_log_sum(x, n * C, C), mean = 0;
        for (int64_t c = 0; c < C; c++) mean += pgd_tensor_get(x, n * C + c) / (double)C;
        bool known = label >= 0 && label < C;
        double hit = known ? pgd_tensor_get(x, n * C + label) : NAN;
        pgd_tensor_set(&a->outputs[0], n, log_sum - (1 - smoothing) * hit - (smoothing == 0 ? 0 : smoothing * mean));
    }
}

/* d = dloss (softmax - target); target = (1 - smoothing) at the label plus smoothing / C everywhere. */
static void xent_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0];
    int64_t N = x->shape.dims[0], C = x->shape.dims[1];
    double smoothing = a->attrs->floats[0];
    for (int64_t n = 0; n < N; n++) {
        int32_t label = ((const int32_t *)a->inputs[1].data)[n];
        double log_sum = row_log_sum(x, n * C, C), d = label >= 0 && label < C ? pgd_tensor_get(&a->inputs[2], n) : NAN;
        for (int64_t c = 0; c < C; c++)
            pgd_tensor_set(&a->outputs[0], n * C + c, d * (exp(pgd_tensor_get(x, n * C + c) - log_sum) - smoothing / (double)C - (c == label ? 1 - smoothing : 0)));
    }
}

static void xent_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    dx[0] = pgd_graph_op(g, PGD_OP_SOFTMAX_XENT_D, &n->attrs, (pgd_value *[]){n->inputs[0], n->inputs[1], dy[0]}, 3);
}

/* The label's logit is picked by comparing with an iota. An unknown label gives no hit, hence no NaN: this form serves tests with known labels. */
static void xent_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *log_p = pgd_log_softmax(g, x);
    pgd_value *label = pgd_broadcast(g, pgd_reshape(g, n->inputs[1], pgd_symshape_of(2, x->shape.dims[0], 1)), x->shape);
    pgd_value *hit = pgd_eq(g, pgd_iota(g, PGD_I32, x->shape, 1), label);
    pgd_value *smooth = pgd_div(g, pgd_scalar(g, x->dtype, n->attrs.floats[0]), pgd_dim_size(g, x->dtype, pgd_symshape_of(1, x->shape.dims[1])));
    pgd_value *target = pgd_add(g, pgd_where(g, hit, pgd_scalar(g, x->dtype, 1 - n->attrs.floats[0]), pgd_scalar(g, x->dtype, 0)), smooth);
    outputs[0] = pgd_reshape(g, pgd_neg(g, row_sum(g, pgd_mul(g, log_p, target))), n->outputs[0].shape);
}

const pgd_op_def pgd_def_softmax_xent = {.float_names = "smoothing", .infer = xent_infer, .eval = xent_eval, .grad = xent_grad, .expand = xent_expand, .flops = flops};
const pgd_op_def pgd_def_softmax_xent_d = {.float_names = "smoothing", .infer = xent_d_infer, .eval = xent_d_eval, .flops = flops};
