/* SPDX-License-Identifier: Apache-2.0
 * Convolution (cross-correlation, NCHW and KCRS) and its two derivatives. Inputs of conv and conv_dinput beyond the second belong to the epilogue program. */
#include "ops_internal.h"

enum { STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT, PAD_BOTTOM, PAD_RIGHT, DILATION_H, DILATION_W, GROUPS };
#define INT_NAMES "stride_h stride_w pad_top pad_left pad_bottom pad_right dilation_h dilation_w groups"

static pgd_status check_attrs(const pgd_node *node) {
    const int64_t *ints = node->attrs.ints;
    for (int i = STRIDE_H; i <= GROUPS; i++) {
        int64_t least = i >= PAD_TOP && i <= PAD_RIGHT ? 0 : 1;
        if (ints[i] < least || ints[i] > 1 << 20)
            return pgd_fail(PGD_BAD_ARG, "%s: option %d is %lld; strides, dilations and groups start at 1, pads at 0", pgd_op_name(node->op), i, (long long)ints[i]);
    }
    return PGD_OK;
}

static pgd_status result_shape(pgd_graph *graph, const pgd_node *node, pgd_symshape x, pgd_symshape w, pgd_symshape *y) {
    const int64_t *o = node->attrs.ints;
    char left[128], right[128];
    if (x.rank != 4 || w.rank != 4 || w.dims[0] < 1 || w.dims[1] < 1 || w.dims[1] > (int64_t)1 << 40 || w.dims[2] < 1 || w.dims[3] < 1 || w.dims[2] > 1 << 20 || w.dims[3] > 1 << 20 || x.dims[1] != w.dims[1] * o[GROUPS] || w.dims[0] % o[GROUPS] != 0)
        return pgd_fail(PGD_BAD_ARG, "%s: x %s and w %s with %lld groups do not fit; x is [N,C,H,W], w [K,C/groups,R,S]", pgd_op_name(node->op),
                        pgd_symshape_text(graph, x, left, sizeof left), pgd_symshape_text(graph, w, right, sizeof right), (long long)o[GROUPS]);
    *y = (pgd_symshape){4, {x.dims[0], w.dims[0], pgd_dim_window(graph, x.dims[2], o[PAD_TOP] + o[PAD_BOTTOM] - o[DILATION_H] * (w.dims[2] - 1) - 1, o[STRIDE_H]),
                            pgd_dim_window(graph, x.dims[3], o[PAD_LEFT] + o[PAD_RIGHT] - o[DILATION_W] * (w.dims[3] - 1) - 1, o[STRIDE_W])}};
    for (int i = 2; i < 4; i++) {
        int64_t lo, hi;
        pgd_dim_range(graph, y->dims[i], &lo, &hi);
        if (hi < 1) return pgd_fail(PGD_BAD_ARG, "%s: the filter is larger than the padded input %s", pgd_op_name(node->op), pgd_symshape_text(graph, x, left, sizeof left));
    }
    return PGD_OK;
}

static pgd_status check_floats(const pgd_node *node) {
    if (!pgd_is_float(node->inputs[0]->dtype) || node->inputs[0]->dtype != node->inputs[1]->dtype)
        return pgd_fail(PGD_BAD_ARG, "%s: inputs are %s and %s; both must be f32 or both f64", pgd_op_name(node->op), pgd_dtype_name(node->inputs[0]->dtype), pgd_dtype_name(node->inputs[1]->dtype));
    return check_attrs(node);
}

static pgd_status conv_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_floats(node));
    outputs[0].dtype = node->inputs[0]->dtype;
    return result_shape(graph, node, node->inputs[0]->shape, node->inputs[1]->shape, &outputs[0].shape);
}

/* conv_dinput: dy, w -> dx of shape dims.  conv_dweight: dy, x -> dw of shape dims. */
static pgd_status derivative_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_floats(node));
    pgd_symshape y, other = node->inputs[1]->shape, dims = node->attrs.dims;
    bool dinput = node->op == PGD_OP_CONV_DINPUT;
    PGD_TRY(result_shape(graph, node, dinput ? dims : other, dinput ? other : dims, &y));
    if (!pgd_symshape_equal(y, node->inputs[0]->shape)) return pgd_fail(PGD_BAD_ARG, "%s: dy does not have the shape of the convolution's result", pgd_op_name(node->op));
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = dims;
    return PGD_OK;
}

/* The three tensors of one convolution: y[n,k,p,q] = sum over c,r,s of x[n,c,p*stride-pad+r*dilation,..] w[k,c,r,s]. */
typedef struct problem {
    const int64_t *o;
    const pgd_tensor *x, *w, *y;
} problem;

static double product(const problem *c, const pgd_tensor *a, const pgd_tensor *b, int64_t n, int64_t k, int64_t ci, int64_t r, int64_t s, int64_t p, int64_t q) {
    const int64_t *X = c->x->shape.dims, *W = c->w->shape.dims, *Y = c->y->shape.dims;
    int64_t h = p * c->o[STRIDE_H] - c->o[PAD_TOP] + r * c->o[DILATION_H], w = q * c->o[STRIDE_W] - c->o[PAD_LEFT] + s * c->o[DILATION_W];
    if (h < 0 || h >= X[2] || w < 0 || w >= X[3]) return 0;
    int64_t group = k / (W[0] / c->o[GROUPS]);
    int64_t xi = ((n * X[1] + group * W[1] + ci) * X[2] + h) * X[3] + w, wi = ((k * W[1] + ci) * W[2] + r) * W[3] + s, yi = ((n * Y[1] + k) * Y[2] + p) * Y[3] + q;
    return pgd_tensor_get(a, a == c->x ? xi : a == c->w ? wi : yi) * pgd_tensor_get(b, b == c->x ? xi : b == c->w ? wi : yi);
}

static double y_at(const problem *c, const int64_t *at) {
    const int64_t *W = c->w->shape.dims;
    double total = 0;
    for (int64_t ci = 0; ci < W[1]; ci++)
        for (int64_t r = 0; r < W[2]; r++)
            for (int64_t s = 0; s < W[3]; s++) total += product(c, c->x, c->w, at[0], at[1], ci, r, s, at[2], at[3]);
    return total;
}

/* Output position p with p*stride - pad + r*dilation == h, or -1. */
static int64_t meets(int64_t h, int64_t r, int64_t stride, int64_t pad, int64_t dilation, int64_t extent) {
    int64_t from = h + pad - r * dilation;
    return from >= 0 && from % stride == 0 && from / stride < extent ? from / stride : -1;
}

static double x_at(const problem *c, const int64_t *at) {
    const int64_t *W = c->w->shape.dims, *Y = c->y->shape.dims, *o = c->o;
    int64_t group = at[1] / W[1], filters = W[0] / o[GROUPS];
    double total = 0;
    for (int64_t k = group * filters; k < (group + 1) * filters; k++)
        for (int64_t r = 0; r < W[2]; r++)
            for (int64_t s = 0; s < W[3]; s++) {
                int64_t p = meets(at[2], r, o[STRIDE_H], o[PAD_TOP], o[DILATION_H], Y[2]), q = meets(at[3], s, o[STRIDE_W], o[PAD_LEFT], o[DILATION_W], Y[3]);
                if (p >= 0 && q >= 0) total += product(c, c->y, c->w, at[0], k, at[1] % W[1], r, s, p, q);
            }
    return total;
}

static double w_at(const problem *c, const int64_t *at) {
    const int64_t *Y = c->y->shape.dims;
    double total = 0;
    for (int64_t n = 0; n < Y[0]; n++)
        for (int64_t p = 0; p < Y[2]; p++)
            for (int64_t q = 0; q < Y[3]; q++) total += product(c, c->y, c->x, n, at[0], at[1], at[2], at[3], p, q);
    return total;
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *out = &a->outputs[0], *first = &a->inputs[0], *second = &a->inputs[1];
    problem c = {a->attrs->ints, first, second, out};
    if (a->op == PGD_OP_CONV_DINPUT) c = (problem){a->attrs->ints, out, second, first};
    if (a->op == PGD_OP_CONV_DWEIGHT) c = (problem){a->attrs->ints, second, out, first};
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(out->shape) == 0) return;
    do pgd_tensor_set(out, i++, a->op == PGD_OP_CONV ? y_at(&c, at) : a->op == PGD_OP_CONV_DINPUT ? x_at(&c, at) : w_at(&c, at));
    while (pgd_step(&out->shape, at));
}

static pgd_value *derivative(pgd_graph *g, pgd_op op, const pgd_node *n, pgd_value *dy, pgd_value *other, pgd_symshape shape) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = shape;
    return pgd_graph_op(g, op, &attrs, (pgd_value *[]){dy, other}, 2);
}

static pgd_value *conv_like(pgd_graph *g, const pgd_node *n, pgd_value *x, pgd_value *w) {
    pgd_attrs attrs = n->attrs;
    attrs.dims = (pgd_symshape){0};
    return pgd_graph_op(g, PGD_OP_CONV, &attrs, (pgd_value *[]){x, w}, 2);
}

static void conv_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    dx[0] = derivative(g, PGD_OP_CONV_DINPUT, n, dy[0], n->inputs[1], n->inputs[0]->shape);
    dx[1] = derivative(g, PGD_OP_CONV_DWEIGHT, n, dy[0], n->inputs[0], n->inputs[1]->shape);
}

/* Each is linear in both inputs, so second derivatives are the same three operations again. */
static void dinput_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *d, pgd_value **dx) {
    dx[0] = conv_like(g, n, d[0], n->inputs[1]);
    dx[1] = derivative(g, PGD_OP_CONV_DWEIGHT, n, n->inputs[0], d[0], n->inputs[1]->shape);
}

static void dweight_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *d, pgd_value **dx) {
    dx[0] = conv_like(g, n, n->inputs[1], d[0]);
    dx[1] = derivative(g, PGD_OP_CONV_DINPUT, n, n->inputs[0], d[0], n->inputs[1]->shape);
}

/* 2 R S C/groups per element of y, whichever of the three tensors is the result. */
static double flops_of(double y_elems, const pgd_shape *w) { return 2 * y_elems * (double)(w->dims[1] * w->dims[2] * w->dims[3]); }
static double conv_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops_of((double)pgd_shape_elems(out[0]), &in[1]); }
static double dinput_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops_of((double)pgd_shape_elems(in[0]), &in[1]); }
static double dweight_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return flops_of((double)pgd_shape_elems(in[0]), &out[0]); }

const pgd_op_def pgd_def_conv = {.int_names = INT_NAMES, .infer = conv_infer, .eval = eval, .grad = conv_grad, .flops = conv_flops};
const pgd_op_def pgd_def_conv_dinput = {.int_names = INT_NAMES, .has_dims = true, .infer = derivative_infer, .eval = eval, .grad = dinput_grad, .flops = dinput_flops};
const pgd_op_def pgd_def_conv_dweight = {.int_names = INT_NAMES, .has_dims = true, .infer = derivative_infer, .eval = eval, .grad = dweight_grad, .flops = dweight_flops};
