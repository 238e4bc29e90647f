/* SPDX-License-Identifier: Apache-2.0
 * Normalisation of rows, over the last axis: layer norm (Ba, Kiros, Hinton, 2016) and RMS norm (Zhang, Sennrich, 2019).
 *   layer_norm: x [..,D], gamma [D], beta [D] -> y, mean [..,1], scale [..,1];   y = (x - mean) scale gamma + beta,  scale = 1/sqrt(variance + epsilon)
 *   rms_norm:   x [..,D], gamma [D]           -> y, scale [..,1];                y = x scale gamma,                  scale = 1/sqrt(mean of squares + epsilon)
 * mean and scale are there for the derivative; gradients do not flow through them. */
#include <math.h>

#include "ops_internal.h"

static bool centred(pgd_op op) { return op == PGD_OP_LAYER_NORM || op == PGD_OP_LAYER_NORM_D; }

static pgd_symshape row_shape(const pgd_value *x) {
    pgd_symshape shape = x->shape;
    shape.dims[shape.rank - 1] = 1;
    return shape;
}

static int64_t row_count(pgd_shape shape) {
    shape.dims[shape.rank - 1] = 1;
    return pgd_shape_elems(shape);
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    char text[128];
    if (!pgd_is_float(x->dtype) || x->shape.rank < 1) return pgd_fail(PGD_BAD_ARG, "%s: x is %s%s; a float tensor of rank 1 or more is needed", pgd_op_name(node->op), pgd_dtype_name(x->dtype), pgd_symshape_text(graph, x->shape, text, sizeof text));
    for (int32_t i = 1; i < node->input_count; i++)
        if (node->inputs[i]->dtype != x->dtype || node->inputs[i]->shape.rank != 1 || node->inputs[i]->shape.dims[0] != x->shape.dims[x->shape.rank - 1])
            return pgd_fail(PGD_BAD_ARG, "%s: gamma and beta must be [D] for x %s", pgd_op_name(node->op), pgd_symshape_text(graph, x->shape, text, sizeof text));
    if (!(node->attrs.floats[0] >= 0)) return pgd_fail(PGD_BAD_ARG, "%s: epsilon is %g; use a small positive number", pgd_op_name(node->op), node->attrs.floats[0]);
    for (int32_t k = 0; k < node->output_count; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = k == 0 ? x->shape : row_shape(x);
    }
    return PGD_OK;
}

/* Two passes, as exact as doubles are. */
static void row_statistics(const pgd_tensor *x, int64_t first, int64_t D, bool subtract, double epsilon, double *mean, double *scale) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < D && subtract; i++) sum += pgd_tensor_get(x, first + i);
    *mean = subtract ? sum / (double)D : 0;
    for (int64_t i = 0; i < D; i++) squares += (pgd_tensor_get(x, first + i) - *mean) * (pgd_tensor_get(x, first + i) - *mean);
    *scale = 1 / sqrt(squares / (double)D + epsilon);
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0];
    bool subtract = centred(a->op);
    int64_t D = x->shape.dims[x->shape.rank - 1], rows = row_count(x->shape);
    for (int64_t r = 0; r < rows; r++) {
        double mean, scale;
        row_statistics(x, r * D, D, subtract, a->attrs->floats[0], &mean, &scale);
        for (int64_t i = 0; i < D; i++)
            pgd_tensor_set(&a->outputs[0], r * D + i, (pgd_tensor_get(x, r * D + i) - mean) * scale * pgd_tensor_get(&a->inputs[1], i) + (subtract ? pgd_tensor_get(&a->inputs[2], i) : 0));
        if (subtract) pgd_tensor_set(&a->outputs[1], r, mean);
        pgd_tensor_set(&a->outputs[subtract ? 2 : 1], r, scale);
    }
}

static void layer_norm_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *variance;
    pgd_moments(g, x, (int32_t[]){-1}, 1, &outputs[1], &variance);
    outputs[2] = pgd_rsqrt(g, pgd_add(g, variance, pgd_scalar(g, x->dtype, n->attrs.floats[0])));
    outputs[0] = pgd_add(g, pgd_mul(g, pgd_mul(g, pgd_sub(g, x, outputs[1]), outputs[2]), n->inputs[1]), n->inputs[2]);
}

static void rms_norm_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *square = pgd_mean(g, pgd_mul(g, x, x), (int32_t[]){-1}, 1);
    outputs[1] = pgd_rsqrt(g, pgd_add(g, square, pgd_scalar(g, x->dtype, n->attrs.floats[0])));
    outputs[0] = pgd_mul(g, pgd_mul(g, x, outputs[1]), n->inputs[1]);
}

/* ---- derivatives: dy, x, gamma, (mean), scale -> dx, dgamma, (dbeta) --------------------------------------------------------------------------------
 * With hat = (x - mean) scale and w = dy gamma:  dx = scale (w - mean of w - hat mean of (w hat)); rms_norm lacks the middle term. */

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    bool layer = n->op == PGD_OP_LAYER_NORM;
    if (dy[0] == NULL || dy[1] != NULL || (layer && dy[2] != NULL)) {
        pgd_graph_fail(g, PGD_UNSUPPORTED, "%s has no gradient through its mean and scale", pgd_op_name(n->op));
        return;
    }
    pgd_value *in[5] = {dy[0], n->inputs[0], n->inputs[1], (pgd_value *)&n->outputs[1], (pgd_value *)&n->outputs[2]};
    pgd_node *node = pgd_graph_add(g, layer ? PGD_OP_LAYER_NORM_D : PGD_OP_RMS_NORM_D, &n->attrs, in, layer ? 5 : 4);
    for (int32_t i = 0; node != NULL && i < node->output_count; i++) dx[i] = &node->outputs[i];
}

static pgd_status d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[1], *gamma = node->inputs[2];
    bool fits = pgd_is_float(x->dtype) && x->shape.rank >= 1 && pgd_symshape_equal(node->inputs[0]->shape, x->shape) && gamma->shape.rank == 1 && gamma->shape.dims[0] == x->shape.dims[x->shape.rank - 1];
    for (int32_t i = 3; fits && i < node->input_count; i++) fits = pgd_symshape_equal(node->inputs[i]->shape, row_shape(x));
    for (int32_t i = 0; fits && i < node->input_count; i++) fits = node->inputs[i]->dtype == x->dtype;
    if (!fits) return pgd_fail(PGD_BAD_ARG, "%s: dy and x must have one shape [..,D], gamma [D], statistics [..,1]", pgd_op_name(node->op));
    for (int32_t k = 0; k < node->output_count; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = k == 0 ? x->shape : gamma->shape;
    }
    return PGD_OK;
}

static void d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *x = &a->inputs[1], *gamma = &a->inputs[2];
    bool subtract = centred(a->op);
    int64_t D = x->shape.dims[x->shape.rank - 1], rows = row_count(x->shape);
    for (int64_t r = 0; r < rows; r++) {
        double mean = subtract ? pgd_tensor_get(&a->inputs[3], r) : 0, scale = pgd_tensor_get(&a->inputs[subtract ? 4 : 3], r), w_mean = 0, hat_mean = 0;
        for (int64_t i = 0; i < D; i++) {
            double w = pgd_tensor_get(dy, r * D + i) * pgd_tensor_get(gamma, i);
            w_mean += subtract ? w / (double)D : 0;
            hat_mean += w * (pgd_tensor_get(x, r * D + i) - mean) * scale / (double)D;
        }
        for (int64_t i = 0; i < D; i++) {
            double hat = (pgd_tensor_get(x, r * D + i) - mean) * scale;
            pgd_tensor_set(&a->outputs[0], r * D + i, scale * (pgd_tensor_get(dy, r * D + i) * pgd_tensor_get(gamma, i) - w_mean - hat * hat_mean));
        }
    }
    for (int64_t i = 0; i < D; i++) {
        double dgamma = 0, dbeta = 0;
        for (int64_t r = 0; r < rows; r++) {
            double mean = subtract ? pgd_tensor_get(&a->inputs[3], r) : 0, scale = pgd_tensor_get(&a->inputs[subtract ? 4 : 3], r), d = pgd_tensor_get(dy, r * D + i);
            dgamma += d * (pgd_tensor_get(x, r * D + i) - mean) * scale;
            dbeta += d;
        }
        pgd_tensor_set(&a->outputs[1], i, dgamma);
        if (subtract) pgd_tensor_set(&a->outputs[2], i, dbeta);
    }
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 8.0 * (double)pgd_shape_elems(in[0]); }
static double d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 14.0 * (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_layer_norm = {.float_names = "epsilon", .infer = infer, .eval = eval, .grad = grad, .expand = layer_norm_expand, .flops = flops};
const pgd_op_def pgd_def_rms_norm = {.float_names = "epsilon", .infer = infer, .eval = eval, .grad = grad, .expand = rms_norm_expand, .flops = flops};
const pgd_op_def pgd_def_layer_norm_d = {.float_names = "epsilon", .infer = d_infer, .eval = d_eval, .flops = d_flops};
const pgd_op_def pgd_def_rms_norm_d = {.float_names = "epsilon", .infer = d_infer, .eval = d_eval, .flops = d_flops};
