/* SPDX-License-Identifier: Apache-2.0
 * Mean and variance, and batch normalisation (Ioffe and Szegedy, 2015) with statistics of the batch. Variances are biased. */
#include <math.h>

#include "ops_internal.h"

static pgd_shape outside(pgd_shape shape, int64_t axes) { /* extents of the axes not in the mask */
    for (int32_t i = 0; i < shape.rank; i++)
        if ((axes >> i & 1) != 0) shape.dims[i] = 1;
    return shape;
}

/* Two-pass mean and biased variance of the slice at `where`. */
static void moments_at(const pgd_tensor *x, int64_t axes, const int64_t *where, double *mean, double *variance) {
    pgd_shape part = outside(x->shape, ~axes);
    double count = (double)pgd_shape_elems(part), total = 0, squares = 0;
    for (int pass = 0; pass < 2 && count > 0; pass++) {
        int64_t at[PGD_MAX_RANK] = {0};
        do {
            int64_t full[PGD_MAX_RANK];
            for (int32_t i = 0; i < x->shape.rank; i++) full[i] = where[i] + at[i];
            double value = pgd_tensor_get(x, pgd_flat(&x->shape, full));
            if (pass == 0)
                total += value;
            else
                squares += (value - total / count) * (value - total / count);
        } while (pgd_step(&part, at));
    }
    *mean = total / count;
    *variance = squares / count;
}

static void moments_eval(const pgd_eval_args *a) {
    pgd_shape kept = a->outputs[0].shape;
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(kept) == 0) return;
    do {
        double mean, variance;
        moments_at(&a->inputs[0], a->attrs->ints[0], at, &mean, &variance);
        pgd_tensor_set(&a->outputs[0], i, mean);
        pgd_tensor_set(&a->outputs[1], i++, variance);
    } while (pgd_step(&kept, at));
}

static pgd_status moments_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    if (!pgd_is_float(x->dtype)) return pgd_fail(PGD_BAD_ARG, "moments does not take %s; cast first", pgd_dtype_name(x->dtype));
    if (node->attrs.ints[0] < 0 || node->attrs.ints[0] >> x->shape.rank != 0) return pgd_fail(PGD_BAD_ARG, "moments: an axis is outside rank %d", x->shape.rank);
    for (int k = 0; k < 2; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = x->shape;
        for (int32_t i = 0; i < x->shape.rank; i++)
            if ((node->attrs.ints[0] >> i & 1) != 0) outputs[k].shape.dims[i] = 1;
    }
    return PGD_OK;
}

static pgd_value *reduced_count(pgd_graph *g, const pgd_value *x, int64_t axes) {
    pgd_symshape reduced = {0};
    for (int32_t i = 0; i < x->shape.rank; i++)
        if ((axes >> i & 1) != 0) reduced.dims[reduced.rank++] = x->shape.dims[i];
    return pgd_dim_size(g, x->dtype, reduced);
}

/* d mean / dx = 1/n;  d variance / dx = 2 (x - mean) / n */
static void moments_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0], *mean = (pgd_value *)&n->outputs[0], *count = reduced_count(g, x, n->attrs.ints[0]), *total = NULL;
    if (dy[0] != NULL) total = pgd_broadcast(g, pgd_div(g, dy[0], count), x->shape);
    if (dy[1] != NULL) {
        pgd_value *centred = pgd_mul(g, pgd_sub(g, x, mean), pgd_mul(g, pgd_div(g, dy[1], count), pgd_scalar(g, x->dtype, 2)));
        total = total == NULL ? centred : pgd_add(g, total, centred);
    }
    dx[0] = total;
}

static void moments_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *mean = pgd_graph_op(g, PGD_OP_MEAN, &n->attrs, &x, 1);
    pgd_value *centred = pgd_sub(g, x, mean), *squares = pgd_mul(g, centred, centred);
    outputs[0] = mean;
    outputs[1] = pgd_graph_op(g, PGD_OP_MEAN, &n->attrs, &squares, 1);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 4.0 * (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_moments = {.int_names = "axes", .infer = moments_infer, .eval = moments_eval, .grad = moments_grad, .expand = moments_expand, .flops = flops};

/* ---- batch_norm: x [N,C,..], gamma [C], beta [C] -> y, mean [1,C,1..], variance [1,C,1..] ------------------------------------------------------------- */

static int64_t batch_axes(int32_t rank) { return ((int64_t)1 << rank) - 1 - 2; }

static pgd_symshape channel_shape(const pgd_value *x) {
    pgd_symshape shape = x->shape;
    for (int32_t i = 0; i < shape.rank; i++)
        if (i != 1) shape.dims[i] = 1;
    return shape;
}

static pgd_status batch_norm_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    char text[128];
    if (!pgd_is_float(x->dtype) || x->shape.rank < 2) return pgd_fail(PGD_BAD_ARG, "batch_norm: x is %s%s; a float tensor of rank 2 or more is needed", pgd_dtype_name(x->dtype), pgd_symshape_text(graph, x->shape, text, sizeof text));
    for (int i = 1; i < 3; i++)
        if (node->inputs[i]->dtype != x->dtype || node->inputs[i]->shape.rank != 1 || node->inputs[i]->shape.dims[0] != x->shape.dims[1])
            return pgd_fail(PGD_BAD_ARG, "batch_norm: gamma and beta must have one element for each of the channels of x %s", pgd_symshape_text(graph, x->shape, text, sizeof text));
    if (!(node->attrs.floats[0] >= 0)) return pgd_fail(PGD_BAD_ARG, "batch_norm: epsilon is %g; use a small positive number", node->attrs.floats[0]);
    for (int k = 0; k < 3; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = k == 0 ? x->shape : channel_shape(x);
    }
    return PGD_OK;
}

static void batch_norm_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    for (int64_t c = 0; c < x->shape.dims[1]; c++) {
        int64_t where[PGD_MAX_RANK] = {0, c};
        double mean, variance;
        moments_at(x, batch_axes(x->shape.rank), where, &mean, &variance);
        pgd_tensor_set(&a->outputs[1], c, mean);
        pgd_tensor_set(&a->outputs[2], c, variance);
    }
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        double mean = pgd_tensor_get(&a->outputs[1], at[1]), variance = pgd_tensor_get(&a->outputs[2], at[1]);
        double hat = (pgd_tensor_get(x, i) - mean) / sqrt(variance + a->attrs->floats[0]);
        pgd_tensor_set(y, i++, hat * pgd_tensor_get(&a->inputs[1], at[1]) + pgd_tensor_get(&a->inputs[2], at[1]));
    } while (pgd_step(&y->shape, at));
}

static void batch_norm_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0];
    pgd_node *moments = pgd_graph_add(g, PGD_OP_MOMENTS, &(pgd_attrs){.ints = {batch_axes(x->shape.rank)}}, &x, 1);
    if (moments == NULL) return;
    outputs[1] = &moments->outputs[0];
    outputs[2] = &moments->outputs[1];
    pgd_value *scale = pgd_mul(g, pgd_rsqrt(g, pgd_add(g, outputs[2], pgd_scalar(g, x->dtype, n->attrs.floats[0]))), pgd_reshape(g, n->inputs[1], channel_shape(x)));
    outputs[0] = pgd_add(g, pgd_mul(g, pgd_sub(g, x, outputs[1]), scale), pgd_reshape(g, n->inputs[2], channel_shape(x)));
}

/* With hat = (x - mean) r, r = 1/sqrt(variance + epsilon), n elements per channel:
 * dbeta = sum dy, dgamma = sum dy hat, dx = gamma r (dy - dbeta/n - hat dgamma/n). Gradients that reach mean and variance themselves are added as for moments. */
static void batch_norm_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0], *mean = (pgd_value *)&n->outputs[1], *variance = (pgd_value *)&n->outputs[2], *total = NULL;
    pgd_value *count = reduced_count(g, x, batch_axes(x->shape.rank));
    if (dy[0] != NULL) {
        pgd_node *sums = pgd_graph_add(g, PGD_OP_BATCH_NORM_D, &n->attrs, (pgd_value *[]){dy[0], x, mean, variance}, 4);
        if (sums == NULL) return;
        pgd_value *dbeta = &sums->outputs[0], *dgamma = &sums->outputs[1];
        pgd_value *r = pgd_rsqrt(g, pgd_add(g, variance, pgd_scalar(g, x->dtype, n->attrs.floats[0])));
        pgd_value *gamma_r = pgd_mul(g, r, pgd_reshape(g, n->inputs[1], channel_shape(x)));
        /* one multiply-add per tensor: dx = a dy + b x + c with per-channel a, b, c */
        pgd_value *b = pgd_neg(g, pgd_mul(g, gamma_r, pgd_mul(g, r, pgd_div(g, dgamma, count))));
        pgd_value *c = pgd_sub(g, pgd_neg(g, pgd_mul(g, b, mean)), pgd_mul(g, gamma_r, pgd_div(g, dbeta, count)));
        total = pgd_add(g, pgd_add(g, pgd_mul(g, dy[0], gamma_r), pgd_mul(g, x, b)), c);
        dx[1] = pgd_reshape(g, dgamma, n->inputs[1]->shape);
        dx[2] = pgd_reshape(g, dbeta, n->inputs[2]->shape);
    }
    if (dy[1] != NULL) {
        pgd_value *part = pgd_broadcast(g, pgd_div(g, dy[1], count), x->shape);
        total = total == NULL ? part : pgd_add(g, total, part);
    }
    if (dy[2] != NULL) {
        pgd_value *part = pgd_mul(g, pgd_sub(g, x, mean), pgd_mul(g, pgd_div(g, dy[2], count), pgd_scalar(g, x->dtype, 2)));
        total = total == NULL ? part : pgd_add(g, total, part);
    }
    dx[0] = total;
}

const pgd_op_def pgd_def_batch_norm = {.float_names = "epsilon", .infer = batch_norm_infer, .eval = batch_norm_eval, .grad = batch_norm_grad, .expand = batch_norm_expand, .flops = flops};

/* ---- batch_norm_d: dy, x, mean, variance -> sum dy, sum dy hat, each [1,C,1..] -------------------------------------------------------------------------- */

static pgd_status batch_norm_d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[1];
    if (!pgd_symshape_equal(x->shape, node->inputs[0]->shape) || x->shape.rank < 2) return pgd_fail(PGD_BAD_ARG, "batch_norm_d: dy and x must have one shape");
    for (int i = 2; i < 4; i++)
        if (!pgd_symshape_equal(node->inputs[i]->shape, channel_shape(x))) return pgd_fail(PGD_BAD_ARG, "batch_norm_d: mean and variance must be [1,C,1..]");
    for (int k = 0; k < 2; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = channel_shape(x);
    }
    return PGD_OK;
}

static void batch_norm_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *x = &a->inputs[1];
    int64_t C = x->shape.dims[1], inner = 1;
    for (int32_t i = 2; i < x->shape.rank; i++) inner *= x->shape.dims[i];
    for (int64_t c = 0; c < C; c++) {
        double mean = pgd_tensor_get(&a->inputs[2], c), r = 1 / sqrt(pgd_tensor_get(&a->inputs[3], c) + a->attrs->floats[0]), sum = 0, sum_hat = 0;
        for (int64_t n = 0; n < x->shape.dims[0]; n++)
            for (int64_t i = 0; i < inner; i++) {
                int64_t at = (n * C + c) * inner + i;
                sum += pgd_tensor_get(dy, at);
                sum_hat += pgd_tensor_get(dy, at) * (pgd_tensor_get(x, at) - mean) * r;
            }
        pgd_tensor_set(&a->outputs[0], c, sum);
        pgd_tensor_set(&a->outputs[1], c, sum_hat);
    }
}

static void batch_norm_d_expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *dy = n->inputs[0], *x = n->inputs[1];
    pgd_attrs axes = {.ints = {batch_axes(x->shape.rank)}};
    pgd_value *r = pgd_rsqrt(g, pgd_add(g, n->inputs[3], pgd_scalar(g, x->dtype, n->attrs.floats[0])));
    pgd_value *product = pgd_mul(g, dy, pgd_mul(g, pgd_sub(g, x, n->inputs[2]), r));
    outputs[0] = pgd_graph_op(g, PGD_OP_SUM, &axes, &dy, 1);
    outputs[1] = pgd_graph_op(g, PGD_OP_SUM, &axes, &product, 1);
}

const pgd_op_def pgd_def_batch_norm_d = {.float_names = "epsilon", .infer = batch_norm_d_infer, .eval = batch_norm_d_eval, .expand = batch_norm_d_expand, .flops = flops};
