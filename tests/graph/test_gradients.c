/* SPDX-License-Identifier: Apache-2.0
 * The gradient of every operation against central finite differences in float64; and every operation that can be written with simpler ones
 * against that form. */
#include <math.h>
#include <pagoda/engine.h>

#include "reference.h"

enum { CASE_INPUTS = 3, CASE_OUTPUTS = 3 };
#define STEP 1e-6
#define TOLERANCE 3e-6

typedef struct gradient_case {
    const char *name;
    pgd_op op;
    double lo, hi; /* the inputs' range */
    int32_t input_count;
    pgd_symshape inputs[CASE_INPUTS];
    int32_t (*build)(pgd_graph *g, pgd_op op, const int64_t *options, pgd_value **x, pgd_value **y); /* returns the number of outputs */
    int64_t options[10];
} gradient_case;

/* ---- builders: y from x ------------------------------------------------------------------------------------------------------------------- */

#define BUILD(name) static int32_t name(pgd_graph *g, pgd_op op, const int64_t *o, pgd_value **x, pgd_value **y)
static pgd_value *number(pgd_graph *g, double value) { return pgd_scalar(g, PGD_F64, value); }
static pgd_value *double_of(pgd_graph *g, pgd_value *v) { return pgd_cast(g, v, PGD_F64); }
static pgd_symshape square3(void) { return pgd_symshape_of(2, 3, 4); }
static pgd_value *random_key(pgd_graph *g) { return pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){7, 3}); }

BUILD(plain_op) {
    pgd_value *in[CASE_INPUTS];
    int32_t count = 0;
    while (count < CASE_INPUTS && x[count] != NULL) in[count] = x[count], count++;
    pgd_symshape widest = x[0]->shape;
    for (int32_t i = 1; i < count; i++)
        if (in[i]->shape.rank > widest.rank || pgd_symshape_elems(g, in[i]->shape) > pgd_symshape_elems(g, widest)) widest = in[i]->shape;
    for (int32_t i = 0; i < count; i++) in[i] = pgd_broadcast(g, in[i], widest);
    y[0] = pgd_graph_op(g, op, NULL, in, count);
    return 1;
}
BUILD(through_mul) { y[0] = pgd_mul(g, x[0], x[1]); return 1; } /* the public builder broadcasts both */
BUILD(compare) { /* no gradient flows through the comparison itself */
    pgd_value *yes = pgd_graph_op(g, op, NULL, (pgd_value *[]){x[0], x[1]}, 2);
    y[0] = pgd_where(g, yes, pgd_mul(g, x[0], x[0]), pgd_mul(g, x[1], number(g, 3)));
    y[1] = pgd_mul(g, double_of(g, yes), x[0]);
    return 2;
}
BUILD(logic) {
    pgd_value *a = pgd_lt(g, x[0], x[1]), *b = pgd_lt(g, number(g, 0), x[0]);
    pgd_value *both = op == PGD_OP_NOT ? pgd_not(g, a) : pgd_graph_op(g, op, NULL, (pgd_value *[]){a, b}, 2);
    y[0] = pgd_where(g, both, pgd_mul(g, x[0], x[1]), pgd_exp(g, x[1]));
    return 1;
}
BUILD(number_test) { /* no gradient flows through it */
    pgd_value *yes = pgd_graph_op(g, op, NULL, x, 1);
    y[0] = pgd_where(g, yes, x[0], pgd_mul(g, x[0], x[0]));
    return 1;
}
BUILD(choose) { y[0] = pgd_where(g, pgd_lt(g, x[0], number(g, 0.1)), x[1], pgd_mul(g, x[2], x[0])); return 1; }
BUILD(convert) { /* to f64 and from f64 to f64 through an integer, which stops the gradient */
    y[0] = pgd_mul(g, pgd_graph_op(g, PGD_OP_CAST, &(pgd_attrs){.ints = {PGD_F64}}, x, 1), x[0]);
    y[1] = pgd_mul(g, double_of(g, pgd_cast(g, x[0], PGD_I32)), x[0]);
    return 2;
}
BUILD(creation) {
    pgd_value *made = op == PGD_OP_FILL     ? pgd_fill(g, PGD_F64, square3(), 1.75)
                      : op == PGD_OP_IOTA   ? pgd_iota(g, PGD_F64, square3(), (int32_t)o[0])
                                            : pgd_dim_size(g, PGD_F64, square3());
    y[0] = pgd_mul(g, x[0], made);
    return 1;
}
BUILD(randomness) {
    pgd_value *r = op == PGD_OP_UNIFORM ? pgd_uniform(g, random_key(g), square3()) : pgd_normal(g, random_key(g), square3());
    y[0] = pgd_mul(g, x[0], double_of(g, r));
    return 1;
}
BUILD(reduction) { y[0] = pgd_graph_op(g, op, &(pgd_attrs){.ints = {o[0]}}, x, 1); return 1; }
BUILD(argument) { y[0] = pgd_mul(g, double_of(g, (op == PGD_OP_ARGMIN ? pgd_argmin : pgd_argmax)(g, x[0], (int32_t)o[0])), pgd_sum(g, x[0], (int32_t[]){(int32_t)o[0]}, 1)); return 1; }
BUILD(scan) { y[0] = pgd_graph_op(g, op, &(pgd_attrs){.ints = {o[0], o[1], o[2]}}, x, 1); return 1; }
BUILD(reshape) { y[0] = pgd_reshape(g, x[0], pgd_symshape_of(3, 2, PGD_DIM_REST, 3)); return 1; }
BUILD(barrier) {
    y[0] = pgd_mul(g, pgd_graph_op(g, PGD_OP_BARRIER, &(pgd_attrs){.ints = {1}}, (pgd_value *[]){x[0], x[1]}, 2), x[0]);
    return 1;
}
/* The same through values that are computed again: an exponential inside, one that goes in twice, and random numbers that must come again. */
BUILD(stretch) {
    pgd_recompute_begin(g);
    pgd_value *inner = pgd_exp(g, pgd_mul(g, x[0], pgd_tanh(g, x[1])));
    inner = pgd_mul(g, inner, double_of(g, pgd_uniform(g, random_key(g), square3())));
    y[0] = pgd_mul(g, inner, pgd_sin(g, inner));
    pgd_recompute_end(g);
    y[1] = pgd_mul(g, y[0], x[0]);
    return 2;
}
BUILD(transpose) {
    pgd_attrs attrs = {0};
    memcpy(attrs.ints, o, sizeof attrs.ints);
    y[0] = pgd_graph_op(g, op, &attrs, x, 1);
    return 1;
}
BUILD(broadcast) { y[0] = pgd_broadcast(g, x[0], pgd_symshape_of(4, 2, 3, 4, 2)); return 1; }
BUILD(slice) { y[0] = pgd_slice(g, x[0], (int32_t)o[0], o[1], o[2]); return 1; }
BUILD(pad) { y[0] = pgd_pad(g, x[0], (int32_t)o[0], o[1], o[2], -2.5); return 1; }
BUILD(concat) { y[0] = pgd_concat(g, (pgd_value *[]){x[0], x[1], x[0]}, 3, (int32_t)o[0]); return 1; }
BUILD(matmul) { y[0] = pgd_matmul(g, x[0], x[1], o[0] != 0, o[1] != 0); return 1; }
BUILD(conv) {
    pgd_attrs attrs = {0};
    memcpy(attrs.ints, o, sizeof *o * 9);
    y[0] = pgd_graph_op(g, PGD_OP_CONV, &attrs, x, 2);
    return 1;
}
/* The derivatives of a convolution as operations of their own: options as conv, inputs dy and w (or x); the result's shape is that of x[2]. */
BUILD(conv_derivative) {
    pgd_attrs attrs = {.dims = x[2]->shape};
    memcpy(attrs.ints, o, sizeof *o * 9);
    y[0] = pgd_mul(g, x[2], pgd_graph_op(g, op, &attrs, x, 2));
    return 1;
}
BUILD(pool) {
    pgd_attrs attrs = {0};
    memcpy(attrs.ints, o, sizeof *o * 8);
    y[0] = pgd_graph_op(g, op, &attrs, x, 1);
    return 1;
}
BUILD(pool_derivative) {
    pgd_attrs attrs = {.dims = x[1]->shape};
    memcpy(attrs.ints, o, sizeof *o * 8);
    y[0] = pgd_mul(g, x[1], pgd_graph_op(g, PGD_OP_AVG_POOL_D, &attrs, x, 1));
    return 1;
}
BUILD(resize) { y[0] = pgd_resize(g, x[0], o[2], o[3], (pgd_resize_mode)o[0], (pgd_resize_grid)o[1]); return 1; }
BUILD(resize_derivative) {
    pgd_attrs attrs = {.ints = {o[0], o[1]}, .dims = x[1]->shape};
    y[0] = pgd_mul(g, x[1], pgd_graph_op(g, op, &attrs, x, 1));
    return 1;
}
BUILD(conv1d) {
    y[0] = pgd_conv1d(g, x[0], x[1], &(pgd_conv1d_options){sizeof(pgd_conv1d_options), 2, 1, 0, 2, 1});
    y[1] = pgd_max_pool1d(g, x[0], 3, 2, 1);
    return 2;
}
BUILD(conv3d) {
    pgd_conv3d_options options;
    pgd_conv3d_options_init(&options, sizeof options);
    options.stride_d = (int32_t)o[0], options.pad_front = (int32_t)o[1], options.dilation_d = (int32_t)o[2], options.groups = (int32_t)o[3], options.pad_left = 1;
    y[0] = pgd_conv3d(g, x[0], x[1], &options);
    return 1;
}
BUILD(conv_transpose) {
    y[0] = pgd_conv_transpose(g, x[0], x[1], &(pgd_conv_transpose_options){sizeof(pgd_conv_transpose_options), 2, 3, 1, 0, 0, 1, 1, 2, (int32_t)o[0], 1, 2});
    return 1;
}
BUILD(moments) {
    pgd_node *node = pgd_graph_add(g, PGD_OP_MOMENTS, &(pgd_attrs){.ints = {o[0]}}, x, 1);
    for (int32_t i = 0; i < 2 && node != NULL; i++) y[i] = &node->outputs[i];
    if (o[1] != 0) y[0] = y[o[1] - 1]; /* one of the two alone */
    return o[1] != 0 ? 1 : 2;
}
BUILD(batch_norm) {
    y[0] = pgd_batch_norm(g, x[0], x[1], x[2], 1e-2, &y[1], &y[2]);
    return o[0] != 0 ? 3 : 1; /* statistics too */
}
BUILD(batch_norm_d) {
    pgd_value *mean, *variance;
    pgd_moments(g, x[0], (int32_t[]){0, 2}, 2, &mean, &variance);
    pgd_node *node = pgd_graph_add(g, op, &(pgd_attrs){.floats = {1e-2}}, (pgd_value *[]){x[1], x[0], mean, variance}, 4);
    for (int32_t i = 0; i < 2 && node != NULL; i++) y[i] = &node->outputs[i];
    return 2;
}
BUILD(gather) { /* an index twice, one from the end; as a vector and as a matrix */
    pgd_value *vector = pgd_constant(g, PGD_I32, pgd_shape_of(1, 3), (int32_t[]){2, 0, 2}), *matrix = pgd_constant(g, PGD_I64, pgd_shape_of(2, 2, 2), (int64_t[]){1, 1, -1, 0});
    y[0] = pgd_graph_op(g, PGD_OP_GATHER, &(pgd_attrs){.ints = {o[0]}}, (pgd_value *[]){x[0], vector}, 2);
    y[1] = pgd_graph_op(g, PGD_OP_GATHER, &(pgd_attrs){.ints = {o[0]}}, (pgd_value *[]){x[0], matrix}, 2);
    return 2;
}
BUILD(gather_derivative) {
    pgd_value *at = pgd_constant(g, PGD_I32, pgd_shape_of(1, 4), (int32_t[]){2, 0, 2, 9}); /* 9 lies outside */
    y[0] = pgd_graph_op(g, PGD_OP_GATHER_D, &(pgd_attrs){.ints = {1}, .dims = pgd_symshape_of(3, (pgd_dim)2, (pgd_dim)3, (pgd_dim)2)}, (pgd_value *[]){x[0], at}, 2);
    y[0] = pgd_mul(g, y[0], y[0]);
    return 1;
}
BUILD(gather_elements) {
    pgd_value *at = pgd_constant(g, PGD_I32, pgd_shape_of(2, 3, 2), (int32_t[]){2, 2, -1, 0, 1, 3});
    y[0] = pgd_gather_elements(g, x[0], at, 1);
    return 1;
}
BUILD(scatter_elements) { /* one place twice, one outside */
    pgd_value *at = pgd_constant(g, PGD_I64, pgd_shape_of(2, 3, 3), (int64_t[]){2, 2, 0, -1, 0, 9, 1, 3, 1});
    y[0] = pgd_graph_op(g, op, &(pgd_attrs){.ints = {1, o[0]}}, (pgd_value *[]){x[0], at, x[1]}, 3);
    return 1;
}
BUILD(gather_nd) {
    pgd_value *at = pgd_constant(g, PGD_I32, pgd_shape_of(2, 3, 2), (int32_t[]){1, 2, 0, -1, 1, 2}), *row = pgd_constant(g, PGD_I32, pgd_shape_of(3, 1, 2, 1), (int32_t[]){1, 1});
    y[0] = pgd_graph_op(g, op, NULL, (pgd_value *[]){x[0], at}, 2);
    y[1] = pgd_graph_op(g, op, NULL, (pgd_value *[]){x[0], row}, 2);
    return 2;
}
BUILD(scatter_nd) { /* one slice twice, one outside */
    pgd_value *at = pgd_constant(g, PGD_I32, pgd_shape_of(2, 4, 2), (int32_t[]){1, 2, 0, -1, 1, 2, 2, 0});
    y[0] = pgd_graph_op(g, op, &(pgd_attrs){.ints = {o[0]}}, (pgd_value *[]){x[0], at, x[1]}, 3);
    return 1;
}
BUILD(topk) { y[0] = pgd_topk(g, x[0], 3, o[0] != 0, NULL); return 1; }
BUILD(reverse) { y[0] = pgd_graph_op(g, op, &(pgd_attrs){.ints = {o[0]}}, x, 1); return 1; }
BUILD(update_slice) {
    pgd_value *start = pgd_constant(g, PGD_I32, (pgd_shape){0}, (int32_t[]){(int32_t)o[0]});
    y[0] = pgd_graph_op(g, PGD_OP_UPDATE_SLICE, &(pgd_attrs){.ints = {1}}, (pgd_value *[]){x[0], x[1], start}, 3);
    return 1;
}
BUILD(row_norm) {
    pgd_node *node = pgd_graph_add(g, op, &(pgd_attrs){.floats = {1e-2}}, x, op == PGD_OP_LAYER_NORM ? 3 : 2);
    y[0] = node == NULL ? NULL : &node->outputs[0];
    return 1;
}
/* options: causal, with a mask, start (-1: none); both results */
BUILD(attention) {
    pgd_value *in[5] = {x[0], x[1], x[2]};
    int32_t count = 3, start[2] = {(int32_t)o[2], (int32_t)o[2] + 1};
    double mask[12];
    for (int i = 0; i < 12; i++) mask[i] = i % 5 - 2;
    if (o[1] != 0) in[count++] = pgd_constant(g, PGD_F64, pgd_shape_of(4, 1, 1, 3, 4), mask);
    if (o[2] >= 0) in[count++] = pgd_constant(g, PGD_I32, pgd_shape_of(1, 2), start);
    pgd_node *node = pgd_graph_add(g, op, &(pgd_attrs){.ints = {o[0], o[1], o[2] >= 0}, .floats = {0.7}}, in, count);
    for (int32_t i = 0; i < 2 && node != NULL; i++) y[i] = &node->outputs[i];
    return 2;
}
/* x: gates, weights, states. options: which outputs */
BUILD(lstm) {
    pgd_value *cells, *h0 = pgd_slice(g, x[2], 0, 0, 2), *c0 = pgd_slice(g, x[2], 0, 2, 2), *line = pgd_lstm(g, x[0], x[1], h0, c0, &cells);
    y[0] = (o[0] & 1) != 0 ? line : cells;
    y[1] = cells;
    return o[0] == 3 ? 2 : 1;
}
BUILD(gru) { y[0] = pgd_gru(g, x[0], x[1], pgd_reshape(g, pgd_slice(g, x[2], 0, 2, 3), pgd_symshape_of(1, 6)), pgd_slice(g, x[2], 0, 0, 2)); return 1; }
BUILD(rope) { y[0] = pgd_rope(g, x[0], o[0] == 0 ? NULL : pgd_constant(g, PGD_I32, pgd_shape_of(1, 2), (int32_t[]){5, -3}), 100); return 1; }
BUILD(softmax_along) { y[0] = (o[1] == 0 ? pgd_softmax_along : pgd_log_softmax_along)(g, x[0], (int32_t)o[0]); return 1; }
BUILD(xent) {
    pgd_value *labels = pgd_constant(g, PGD_I32, pgd_shape_of(1, 3), (int32_t[]){2, 0, 4});
    y[0] = pgd_softmax_xent(g, x[0], labels, (double)o[0] / 100);
    return 1;
}

#define D2(a, b) {2, {a, b}}
#define D3(a, b, c) {3, {a, b, c}}
#define D4(a, b, c, d) {4, {a, b, c, d}}
#define D5(a, b, c, d, e) {5, {a, b, c, d, e}}
#define UNARY(NAME, lo, hi) {#NAME, PGD_OP_##NAME, lo, hi, 1, {D2(3, 4)}, plain_op, {0}}
#define BINARY(NAME, lo, hi) {#NAME, PGD_OP_##NAME, lo, hi, 2, {D2(3, 4), D2(3, 4)}, plain_op, {0}}

static const gradient_case cases[] = {
    UNARY(NEG, -2, 2), UNARY(ABS, -2, 2), UNARY(SIGN, -2, 2), UNARY(FLOOR, -3, 3), UNARY(CEIL, -3, 3), UNARY(SQRT, 0.3, 3), UNARY(RSQRT, 0.3, 3),
    UNARY(RECIP, 0.4, 3), {"RECIP of negatives", PGD_OP_RECIP, -3, -0.4, 1, {D2(3, 4)}, plain_op, {0}}, UNARY(EXP, -2, 2), UNARY(LOG, 0.3, 3), UNARY(SIN, -4, 4),
    UNARY(COS, -4, 4), UNARY(TANH, -2, 2), UNARY(SIGMOID, -4, 4), UNARY(ERF, -2, 2), UNARY(RELU, -2, 2), UNARY(SOFTMAX, -2, 2), UNARY(LOG_SOFTMAX, -2, 2),
    BINARY(ADD, -2, 2), BINARY(SUB, -2, 2), BINARY(MUL, -2, 2), BINARY(DIV, 0.5, 3), BINARY(POW, 0.4, 2.5), BINARY(MIN, -2, 2), BINARY(MAX, -2, 2),
    UNARY(ROUND, -3, 3), UNARY(TRUNC, -3, 3), UNARY(EXPM1, -2, 2), UNARY(LOG1P, -0.7, 3), UNARY(TAN, -1.3, 1.3), UNARY(ASIN, -0.9, 0.9), UNARY(ACOS, -0.9, 0.9), UNARY(ATAN, -3, 3), UNARY(GELU, -4, 4), UNARY(GELU_SLOPE, -4, 4),
    {"ISNAN", PGD_OP_ISNAN, -2, 2, 1, {D2(3, 4)}, number_test, {0}}, {"ISINF", PGD_OP_ISINF, -2, 2, 1, {D2(3, 4)}, number_test, {0}},
    BINARY(MOD, 0.5, 3), {"MOD by negatives", PGD_OP_MOD, -3, -0.5, 2, {D2(3, 4), D2(3, 4)}, plain_op, {0}}, {"XOR", PGD_OP_XOR, -2, 2, 2, {D2(3, 4), D2(3, 4)}, logic, {0}},
    {"DIV by negatives", PGD_OP_DIV, -3, -0.5, 2, {D2(3, 4), D2(3, 4)}, plain_op, {0}},
    {"MUL of column and row", PGD_OP_MUL, -2, 2, 2, {D2(3, 1), D2(1, 4)}, through_mul, {0}},
    {"MUL of scalar", PGD_OP_MUL, -2, 2, 2, {D3(2, 3, 2), {0, {0}}}, through_mul, {0}},
    {"MUL of missing axes", PGD_OP_MUL, -2, 2, 2, {D3(2, 3, 4), D2(3, 1)}, through_mul, {0}},
    {"EQ", PGD_OP_EQ, -2, 2, 2, {D2(3, 4), D2(3, 4)}, compare, {0}},
    {"LT", PGD_OP_LT, -2, 2, 2, {D2(3, 4), D2(3, 4)}, compare, {0}},
    {"LE", PGD_OP_LE, -2, 2, 2, {D2(3, 4), D2(3, 4)}, compare, {0}},
    {"NOT", PGD_OP_NOT, -2, 2, 2, {D2(3, 4), D2(3, 4)}, logic, {0}},
    {"AND", PGD_OP_AND, -2, 2, 2, {D2(3, 4), D2(3, 4)}, logic, {0}},
    {"OR", PGD_OP_OR, -2, 2, 2, {D2(3, 4), D2(3, 4)}, logic, {0}},
    {"WHERE", PGD_OP_WHERE, -2, 2, 3, {D2(3, 4), D2(3, 4), D2(3, 4)}, choose, {0}},
    {"WHERE broadcast", PGD_OP_WHERE, -2, 2, 3, {D2(3, 1), D2(1, 4), D2(3, 4)}, choose, {0}},
    {"CAST", PGD_OP_CAST, 0.6, 3.4, 1, {D2(3, 4)}, convert, {0}},
    {"FILL", PGD_OP_FILL, -2, 2, 1, {D2(3, 4)}, creation, {0}},
    {"IOTA", PGD_OP_IOTA, -2, 2, 1, {D2(3, 4)}, creation, {1}},
    {"DIM_SIZE", PGD_OP_DIM_SIZE, -2, 2, 1, {D2(3, 4)}, creation, {0}},
    {"UNIFORM", PGD_OP_UNIFORM, -2, 2, 1, {D2(3, 4)}, randomness, {0}},
    {"NORMAL", PGD_OP_NORMAL, -2, 2, 1, {D2(3, 4)}, randomness, {0}},
    {"SUM of rows", PGD_OP_SUM, -2, 2, 1, {D3(2, 3, 4)}, reduction, {4}},
    {"SUM of outer and inner", PGD_OP_SUM, -2, 2, 1, {D3(2, 3, 4)}, reduction, {5}},
    {"SUM of all", PGD_OP_SUM, -2, 2, 1, {D3(2, 3, 4)}, reduction, {7}},
    {"SUM over no axis", PGD_OP_SUM, -2, 2, 1, {D3(2, 3, 4)}, reduction, {0}},
    {"MEAN of columns", PGD_OP_MEAN, -2, 2, 1, {D3(2, 3, 4)}, reduction, {3}},
    {"MEAN of all", PGD_OP_MEAN, -2, 2, 1, {D3(2, 3, 4)}, reduction, {7}},
    {"REDUCE_MAX of rows", PGD_OP_REDUCE_MAX, -2, 2, 1, {D3(2, 3, 4)}, reduction, {4}},
    {"REDUCE_MAX of two axes", PGD_OP_REDUCE_MAX, -2, 2, 1, {D3(2, 3, 4)}, reduction, {6}},
    {"REDUCE_MIN of columns", PGD_OP_REDUCE_MIN, -2, 2, 1, {D3(2, 3, 4)}, reduction, {1}},
    {"REDUCE_MIN of all", PGD_OP_REDUCE_MIN, -2, 2, 1, {D3(2, 3, 4)}, reduction, {7}},
    {"ARGMAX", PGD_OP_ARGMAX, -2, 2, 1, {D2(3, 4)}, argument, {1}},
    {"ARGMIN", PGD_OP_ARGMIN, -2, 2, 1, {D2(3, 4)}, argument, {1}},
    {"PROD of rows", PGD_OP_PROD, -2, 2, 1, {D3(2, 3, 4)}, reduction, {4}}, {"PROD of outer and inner", PGD_OP_PROD, -2, 2, 1, {D3(2, 3, 4)}, reduction, {5}},
    {"PROD of all", PGD_OP_PROD, 0.5, 1.5, 1, {D3(2, 3, 4)}, reduction, {7}}, {"PROD over no axis", PGD_OP_PROD, -2, 2, 1, {D3(2, 3, 4)}, reduction, {0}},
    {"CUMSUM", PGD_OP_CUMSUM, -2, 2, 1, {D3(2, 3, 4)}, scan, {1, 0, 0}}, {"CUMSUM reverse", PGD_OP_CUMSUM, -2, 2, 1, {D3(2, 3, 4)}, scan, {2, 1, 0}},
    {"CUMSUM exclusive", PGD_OP_CUMSUM, -2, 2, 1, {D3(2, 3, 4)}, scan, {0, 0, 1}}, {"CUMSUM both", PGD_OP_CUMSUM, -2, 2, 1, {D3(2, 3, 4)}, scan, {2, 1, 1}},
    {"CUMPROD", PGD_OP_CUMPROD, -2, 2, 1, {D3(2, 3, 4)}, scan, {1, 0, 0}}, {"CUMPROD reverse", PGD_OP_CUMPROD, -2, 2, 1, {D3(2, 3, 4)}, scan, {2, 1, 0}},
    {"CUMPROD exclusive", PGD_OP_CUMPROD, -2, 2, 1, {D3(2, 3, 4)}, scan, {0, 0, 1}}, {"CUMPROD both", PGD_OP_CUMPROD, -2, 2, 1, {D3(2, 3, 4)}, scan, {2, 1, 1}},
    {"RESHAPE", PGD_OP_RESHAPE, -2, 2, 1, {D2(3, 4)}, reshape, {0}},
    {"BARRIER", PGD_OP_BARRIER, -2, 2, 2, {D2(3, 4), D2(2, 2)}, barrier, {0}},
    {"EXP computed again", PGD_OP_EXP, -1, 1, 2, {D2(3, 4), D2(3, 4)}, stretch, {0}},
    {"TRANSPOSE", PGD_OP_TRANSPOSE, -2, 2, 1, {D3(2, 3, 4)}, transpose, {2, 0, 1}},
    {"TRANSPOSE of four axes", PGD_OP_TRANSPOSE, -2, 2, 1, {D4(2, 3, 1, 4)}, transpose, {3, 1, 0, 2}},
    {"BROADCAST", PGD_OP_BROADCAST, -2, 2, 1, {D3(3, 1, 2)}, broadcast, {0}},
    {"BROADCAST of a vector", PGD_OP_BROADCAST, -2, 2, 1, {{1, {2}}}, broadcast, {0}},
    {"SLICE", PGD_OP_SLICE, -2, 2, 1, {D3(2, 5, 2)}, slice, {1, 1, 3}},
    {"SLICE at the end", PGD_OP_SLICE, -2, 2, 1, {D2(3, 4)}, slice, {-1, 3, 1}},
    {"PAD", PGD_OP_PAD, -2, 2, 1, {D3(2, 3, 2)}, pad, {1, 2, 1}},
    {"PAD after", PGD_OP_PAD, -2, 2, 1, {D2(3, 4)}, pad, {0, 0, 2}},
    {"CONCAT", PGD_OP_CONCAT, -2, 2, 2, {D3(2, 3, 2), D3(2, 1, 2)}, concat, {1}},
    {"CONCAT of rows", PGD_OP_CONCAT, -2, 2, 2, {D2(1, 3), D2(2, 3)}, concat, {0}},
    {"MATMUL", PGD_OP_MATMUL, -2, 2, 2, {D2(3, 4), D2(4, 2)}, matmul, {0, 0}},
    {"MATMUL a transposed", PGD_OP_MATMUL, -2, 2, 2, {D2(4, 3), D2(4, 2)}, matmul, {1, 0}},
    {"MATMUL b transposed", PGD_OP_MATMUL, -2, 2, 2, {D2(3, 4), D2(2, 4)}, matmul, {0, 1}},
    {"MATMUL both transposed", PGD_OP_MATMUL, -2, 2, 2, {D2(4, 3), D2(2, 4)}, matmul, {1, 1}},
    {"MATMUL batched", PGD_OP_MATMUL, -2, 2, 2, {D3(2, 3, 4), D3(2, 4, 2)}, matmul, {0, 0}},
    {"MATMUL batched, a transposed", PGD_OP_MATMUL, -2, 2, 2, {D4(2, 2, 4, 3), D4(2, 2, 4, 2)}, matmul, {1, 0}},
    {"MATMUL batched, b transposed", PGD_OP_MATMUL, -2, 2, 2, {D3(2, 3, 4), D3(2, 2, 4)}, matmul, {0, 1}},
    {"MATMUL batched, both transposed", PGD_OP_MATMUL, -2, 2, 2, {D3(2, 4, 3), D3(2, 2, 4)}, matmul, {1, 1}},
    {"MATMUL of batch and matrix", PGD_OP_MATMUL, -2, 2, 2, {D3(2, 3, 4), D2(4, 2)}, matmul, {0, 0}},
    /*                                                                            stride  pad t l b r  dilation groups */
    {"CONV", PGD_OP_CONV, -2, 2, 2, {D4(2, 2, 4, 5), D4(3, 2, 3, 3)}, conv, {1, 1, 0, 0, 0, 0, 1, 1, 1}},
    {"CONV padded", PGD_OP_CONV, -2, 2, 2, {D4(1, 2, 4, 3), D4(2, 2, 3, 3)}, conv, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    {"CONV strided", PGD_OP_CONV, -2, 2, 2, {D4(1, 2, 6, 5), D4(2, 2, 3, 2)}, conv, {2, 3, 1, 0, 0, 1, 1, 1, 1}},
    {"CONV dilated", PGD_OP_CONV, -2, 2, 2, {D4(1, 1, 6, 7), D4(2, 1, 2, 3)}, conv, {1, 1, 0, 1, 2, 0, 2, 3, 1}},
    {"CONV in groups", PGD_OP_CONV, -2, 2, 2, {D4(2, 4, 4, 3), D4(6, 2, 2, 2)}, conv, {1, 1, 0, 0, 0, 0, 1, 1, 2}},
    {"CONV depthwise, strided, dilated", PGD_OP_CONV, -2, 2, 2, {D4(1, 3, 7, 6), D4(3, 1, 2, 2)}, conv, {2, 1, 1, 0, 2, 1, 2, 2, 3}},
    {"CONV 1x1", PGD_OP_CONV, -2, 2, 2, {D4(2, 3, 2, 2), D4(4, 3, 1, 1)}, conv, {1, 1, 0, 0, 0, 0, 1, 1, 1}},
    {"CONV of lines", PGD_OP_CONV, -2, 2, 2, {D3(2, 2, 7), D3(3, 2, 3)}, conv1d, {0}},
    {"CONV of blocks", PGD_OP_CONV, -2, 2, 2, {D5(1, 2, 4, 3, 2), D5(2, 2, 2, 2, 2)}, conv3d, {1, 0, 1, 1}},
    {"CONV of blocks, strided, padded, dilated, in groups", PGD_OP_CONV, -2, 2, 2, {D5(2, 2, 5, 2, 2), D5(4, 1, 2, 2, 2)}, conv3d, {2, 1, 2, 2}},
    {"CONV_DINPUT as a transposed convolution", PGD_OP_CONV_DINPUT, -2, 2, 2, {D4(2, 2, 3, 2), D4(2, 3, 2, 2)}, conv_transpose, {1}},
    {"CONV_DINPUT as a transposed convolution in groups", PGD_OP_CONV_DINPUT, -2, 2, 2, {D4(1, 4, 2, 2), D4(4, 2, 2, 2)}, conv_transpose, {2}},
    {"RESIZE nearest", PGD_OP_RESIZE, -2, 2, 1, {D4(2, 2, 3, 2)}, resize, {0, 0, 5, 4}}, {"RESIZE nearest, smaller", PGD_OP_RESIZE, -2, 2, 1, {D4(1, 2, 5, 4)}, resize, {0, 2, 2, 3}},
    {"RESIZE linear", PGD_OP_RESIZE, -2, 2, 1, {D4(2, 2, 3, 2)}, resize, {1, 0, 5, 4}}, {"RESIZE linear, corners", PGD_OP_RESIZE, -2, 2, 1, {D4(1, 2, 4, 3)}, resize, {1, 1, 3, 7}},
    {"RESIZE linear, asymmetric", PGD_OP_RESIZE, -2, 2, 1, {D4(1, 2, 4, 3)}, resize, {1, 2, 3, 7}},
    {"RESIZE_D", PGD_OP_RESIZE_D, -2, 2, 2, {D4(1, 2, 5, 4), D4(1, 2, 3, 3)}, resize_derivative, {1, 0}},
    {"CONV_DINPUT", PGD_OP_CONV_DINPUT, -2, 2, 3, {D4(1, 2, 3, 2), D4(2, 2, 3, 2), D4(1, 2, 6, 5)}, conv_derivative, {2, 3, 1, 0, 0, 1, 1, 1, 1}},
    {"CONV_DINPUT in groups", PGD_OP_CONV_DINPUT, -2, 2, 3, {D4(1, 4, 2, 3), D4(4, 1, 2, 2), D4(1, 2, 3, 5)}, conv_derivative, {1, 1, 0, 0, 0, 0, 1, 2, 2}},
    {"CONV_DWEIGHT", PGD_OP_CONV_DWEIGHT, -2, 2, 3, {D4(1, 2, 3, 2), D4(1, 2, 6, 5), D4(2, 2, 3, 2)}, conv_derivative, {2, 3, 1, 0, 0, 1, 1, 1, 1}},
    {"CONV_DWEIGHT in groups", PGD_OP_CONV_DWEIGHT, -2, 2, 3, {D4(1, 4, 2, 3), D4(1, 2, 3, 5), D4(4, 1, 2, 2)}, conv_derivative, {1, 1, 0, 0, 0, 0, 1, 2, 2}},
    /*                                                                kernel stride  pad t l b r */
    {"MAX_POOL", PGD_OP_MAX_POOL, -2, 2, 1, {D4(2, 2, 4, 4)}, pool, {2, 2, 2, 2, 0, 0, 0, 0}},
    {"MAX_POOL overlapping, padded", PGD_OP_MAX_POOL, -2, 2, 1, {D4(1, 2, 5, 4)}, pool, {3, 3, 2, 1, 1, 1, 1, 2}},
    {"MAX_POOL odd extents", PGD_OP_MAX_POOL, -2, 2, 1, {D4(1, 2, 5, 3)}, pool, {2, 2, 2, 2, 0, 0, 0, 0}},
    {"AVG_POOL", PGD_OP_AVG_POOL, -2, 2, 1, {D4(2, 2, 4, 4)}, pool, {2, 2, 2, 2, 0, 0, 0, 0}},
    {"AVG_POOL overlapping, padded", PGD_OP_AVG_POOL, -2, 2, 1, {D4(1, 2, 5, 4)}, pool, {3, 2, 2, 1, 2, 1, 1, 0}},
    {"AVG_POOL_D", PGD_OP_AVG_POOL_D, -2, 2, 2, {D4(1, 2, 3, 4), D4(1, 2, 5, 4)}, pool_derivative, {3, 2, 2, 1, 1, 1, 1, 0}},
    {"MOMENTS", PGD_OP_MOMENTS, -2, 2, 1, {D3(2, 3, 4)}, moments, {5, 0}},
    {"MOMENTS of all", PGD_OP_MOMENTS, -2, 2, 1, {D3(2, 3, 4)}, moments, {7, 0}},
    {"MOMENTS, mean alone", PGD_OP_MOMENTS, -2, 2, 1, {D3(2, 3, 4)}, moments, {4, 1}},
    {"MOMENTS, variance alone", PGD_OP_MOMENTS, -2, 2, 1, {D3(2, 3, 4)}, moments, {4, 2}},
    {"BATCH_NORM", PGD_OP_BATCH_NORM, -2, 2, 3, {D4(2, 3, 2, 2), {1, {3}}, {1, {3}}}, batch_norm, {0}},
    {"BATCH_NORM and its statistics", PGD_OP_BATCH_NORM, -2, 2, 3, {D4(2, 3, 2, 2), {1, {3}}, {1, {3}}}, batch_norm, {1}},
    {"BATCH_NORM of a matrix", PGD_OP_BATCH_NORM, -2, 2, 3, {D2(5, 3), {1, {3}}, {1, {3}}}, batch_norm, {0}},
    {"BATCH_NORM_D", PGD_OP_BATCH_NORM_D, -2, 2, 2, {D3(2, 3, 4), D3(2, 3, 4)}, batch_norm_d, {0}},
    {"GATHER of rows", PGD_OP_GATHER, -2, 2, 1, {D2(3, 4)}, gather, {0}},
    {"GATHER of the middle", PGD_OP_GATHER, -2, 2, 1, {D3(2, 3, 2)}, gather, {1}},
    {"GATHER_D", PGD_OP_GATHER_D, -2, 2, 1, {D3(2, 4, 2)}, gather_derivative, {0}},
    {"GATHER_ELEMENTS", PGD_OP_GATHER_ELEMENTS, -2, 2, 1, {D2(3, 4)}, gather_elements, {0}},
    {"SCATTER_ELEMENTS set", PGD_OP_SCATTER_ELEMENTS, -2, 2, 2, {D2(3, 4), D2(3, 3)}, scatter_elements, {PGD_SCATTER_SET}},
    {"SCATTER_ELEMENTS add", PGD_OP_SCATTER_ELEMENTS, -2, 2, 2, {D2(3, 4), D2(3, 3)}, scatter_elements, {PGD_SCATTER_ADD}},
    {"SCATTER_ELEMENTS min", PGD_OP_SCATTER_ELEMENTS, -2, 2, 2, {D2(3, 4), D2(3, 3)}, scatter_elements, {PGD_SCATTER_MIN}},
    {"SCATTER_ELEMENTS max", PGD_OP_SCATTER_ELEMENTS, -2, 2, 2, {D2(3, 4), D2(3, 3)}, scatter_elements, {PGD_SCATTER_MAX}},
    {"GATHER_ND", PGD_OP_GATHER_ND, -2, 2, 1, {D3(2, 3, 2)}, gather_nd, {0}},
    {"SCATTER_ND set", PGD_OP_SCATTER_ND, -2, 2, 2, {D3(2, 3, 2), D2(4, 2)}, scatter_nd, {PGD_SCATTER_SET}},
    {"SCATTER_ND add", PGD_OP_SCATTER_ND, -2, 2, 2, {D3(2, 3, 2), D2(4, 2)}, scatter_nd, {PGD_SCATTER_ADD}},
    {"TOPK of the greatest", PGD_OP_TOPK, -2, 2, 1, {D2(3, 5)}, topk, {1}}, {"TOPK of the least", PGD_OP_TOPK, -2, 2, 1, {D2(3, 5)}, topk, {0}},
    {"REVERSE", PGD_OP_REVERSE, -2, 2, 1, {D3(2, 3, 2)}, reverse, {5}},
    {"UPDATE_SLICE", PGD_OP_UPDATE_SLICE, -2, 2, 2, {D3(2, 5, 2), D3(2, 2, 2)}, update_slice, {1}},
    {"UPDATE_SLICE over the end", PGD_OP_UPDATE_SLICE, -2, 2, 2, {D3(2, 5, 2), D3(2, 2, 2)}, update_slice, {4}},
    {"UPDATE_SLICE before the start", PGD_OP_UPDATE_SLICE, -2, 2, 2, {D3(2, 5, 2), D3(2, 2, 2)}, update_slice, {-1}},
    {"LAYER_NORM", PGD_OP_LAYER_NORM, -2, 2, 3, {D3(2, 3, 4), {1, {4}}, {1, {4}}}, row_norm, {0}},
    {"RMS_NORM", PGD_OP_RMS_NORM, -2, 2, 2, {D3(2, 3, 4), {1, {4}}}, row_norm, {0}},
    {"ATTENTION", PGD_OP_ATTENTION, -2, 2, 3, {D4(2, 3, 2, 3), D4(2, 4, 2, 3), D4(2, 4, 2, 2)}, attention, {0, 0, -1}},
    {"ATTENTION, causal, two heads a group", PGD_OP_ATTENTION, -2, 2, 3, {D4(2, 3, 4, 2), D4(2, 4, 2, 2), D4(2, 4, 2, 3)}, attention, {1, 0, -1}},
    {"ATTENTION with a mask", PGD_OP_ATTENTION, -2, 2, 3, {D4(2, 3, 2, 2), D4(2, 4, 1, 2), D4(2, 4, 1, 2)}, attention, {0, 1, -1}},
    {"ATTENTION from a start", PGD_OP_ATTENTION, -2, 2, 3, {D4(2, 2, 2, 2), D4(2, 5, 1, 2), D4(2, 5, 1, 2)}, attention, {0, 0, 1}},
    {"ATTENTION, causal from a start with a mask", PGD_OP_ATTENTION, -2, 2, 3, {D4(2, 3, 2, 2), D4(2, 4, 1, 2), D4(2, 4, 1, 2)}, attention, {1, 1, 0}},
    {"LSTM", PGD_OP_LSTM, -1, 1, 3, {D3(3, 2, 8), D2(8, 2), D2(4, 2)}, lstm, {3}}, {"LSTM states", PGD_OP_LSTM, -1, 1, 3, {D3(2, 2, 8), D2(8, 2), D2(4, 2)}, lstm, {1}},
    {"LSTM cells", PGD_OP_LSTM, -1, 1, 3, {D3(2, 2, 8), D2(8, 2), D2(4, 2)}, lstm, {2}}, {"LSTM, one step", PGD_OP_LSTM, -1, 1, 3, {D3(1, 2, 8), D2(8, 2), D2(4, 2)}, lstm, {3}},
    {"GRU", PGD_OP_GRU, -1, 1, 3, {D3(3, 2, 6), D2(6, 2), D2(5, 2)}, gru, {0}}, {"GRU, one step", PGD_OP_GRU, -1, 1, 3, {D3(1, 2, 6), D2(6, 2), D2(5, 2)}, gru, {0}},
    {"ROPE", PGD_OP_ROPE, -2, 2, 1, {D4(2, 3, 2, 4)}, rope, {0}}, {"ROPE from a start", PGD_OP_ROPE, -2, 2, 1, {D4(2, 3, 2, 4)}, rope, {1}},
    {"TRANSPOSE around softmax of the first axis", PGD_OP_TRANSPOSE, -2, 2, 1, {D3(3, 2, 4)}, softmax_along, {0}}, {"TRANSPOSE around log softmax of the middle", PGD_OP_TRANSPOSE, -2, 2, 1, {D3(2, 3, 2)}, softmax_along, {1, 1}},
    {"SOFTMAX of three axes", PGD_OP_SOFTMAX, -3, 3, 1, {D3(2, 2, 5)}, plain_op, {0}},
    {"LOG_SOFTMAX of three axes", PGD_OP_LOG_SOFTMAX, -3, 3, 1, {D3(2, 2, 5)}, plain_op, {0}},
    {"SOFTMAX_XENT", PGD_OP_SOFTMAX_XENT, -3, 3, 1, {D2(3, 5)}, xent, {0}},
    {"SOFTMAX_XENT smoothed", PGD_OP_SOFTMAX_XENT, -3, 3, 1, {D2(3, 5)}, xent, {15}},
};
enum { CASES = sizeof cases / sizeof cases[0] };

/* ---- one case ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct built {
    pgd_graph *graph;
    pgd_value *x[CASE_INPUTS + 1], *y[CASE_OUTPUTS];
    int32_t outputs;
} built;

static const char *const input_names[CASE_INPUTS] = {"x0", "x1", "x2"};
static const char *const gradient_names[CASE_INPUTS] = {"d0", "d1", "d2"};

/* sum over outputs of random weights times output */
static pgd_value *weighted(pgd_graph *g, pgd_value *const *y, int32_t count) {
    dice d = {99};
    pgd_value *loss = NULL;
    for (int32_t k = 0; k < count; k++) {
        pgd_shape shape = {.rank = y[k]->shape.rank};
        int32_t axes[PGD_MAX_RANK] = {0, 1, 2, 3, 4, 5};
        memcpy(shape.dims, y[k]->shape.dims, sizeof shape.dims);
        double weights[512];
        assert_true(pgd_shape_elems(shape) <= 512);
        for (int64_t i = 0; i < pgd_shape_elems(shape); i++) weights[i] = roll_between(&d, 0.5, 2) * ((roll(&d) & 1) != 0 ? 1 : -1);
        pgd_value *part = pgd_reshape(g, pgd_sum(g, pgd_mul(g, y[k], pgd_constant(g, PGD_F64, shape, weights)), axes, shape.rank), (pgd_symshape){0});
        loss = loss == NULL ? part : pgd_add(g, loss, part);
    }
    return loss;
}

static built build(const gradient_case *c) {
    built b = {0};
    ok(pgd_graph_create(&b.graph));
    for (int32_t i = 0; i < c->input_count; i++) b.x[i] = pgd_input(b.graph, input_names[i], PGD_F64, c->inputs[i]);
    b.outputs = c->build(b.graph, c->op, c->options, b.x, b.y);
    ok(pgd_graph_status(b.graph));
    return b;
}

/* Distinct numbers all over the range, so that no kink or tie is within a step. */
static void fill_inputs(const gradient_case *c, pgd_tensor *x) {
    dice d = {(uint64_t)c->op * 7919 + 1};
    for (int32_t k = 0; k < c->input_count; k++) {
        x[k] = (pgd_tensor){PGD_F64, {.rank = c->inputs[k].rank}, NULL};
        memcpy(x[k].shape.dims, c->inputs[k].dims, sizeof x[k].shape.dims);
        int64_t n = pgd_shape_elems(x[k].shape);
        double *values = x[k].data = malloc(sizeof(double) * (size_t)n);
        assert_non_null(values);
        for (int64_t i = 0; i < n; i++) values[i] = c->lo + (c->hi - c->lo) * ((double)i + 0.25 + 0.5 * roll_unit(&d)) / (double)n;
        for (int64_t i = n - 1; i > 0; i--) {
            int64_t j = roll_below(&d, i + 1);
            double kept = values[i];
            values[i] = values[j], values[j] = kept;
        }
    }
}

static void run_plan(pgd_device *device, pgd_graph *g, const gradient_case *c, const pgd_tensor *x, pgd_plan **plan, pgd_run **run) {
    ok(pgd_plan_compile(device, g, NULL, plan));
    ok(pgd_run_create(*plan, NULL, run));
    for (int32_t k = 0; k < c->input_count; k++) ok(pgd_run_set(*run, input_names[k], x[k].shape, x[k].data));
}

static double loss_at(pgd_run *run, const char *name, const pgd_tensor *x) {
    double loss;
    ok(pgd_run_set(run, name, x->shape, x->data));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "loss", &loss, sizeof loss));
    return loss;
}

/* The forward graph alone, run at two neighbours of every element. */
static void differences(pgd_device *device, const gradient_case *c, pgd_tensor *x, double **expected) {
    built b = build(c);
    pgd_plan *plan;
    pgd_run *run;
    for (int32_t k = 0; k < c->input_count; k++) pgd_output(b.graph, gradient_names[k], b.x[k]); /* keeps inputs that the loss does not need */
    pgd_output(b.graph, "loss", weighted(b.graph, b.y, b.outputs));
    run_plan(device, b.graph, c, x, &plan, &run);
    for (int32_t k = 0; k < c->input_count; k++) {
        double *values = x[k].data;
        for (int64_t i = 0; i < pgd_shape_elems(x[k].shape); i++) {
            double at = values[i], above, below;
            values[i] = at + STEP;
            above = loss_at(run, input_names[k], &x[k]);
            values[i] = at - STEP;
            below = loss_at(run, input_names[k], &x[k]);
            values[i] = at;
            expected[k][i] = (above - below) / (2 * STEP);
        }
        ok(pgd_run_set(run, input_names[k], x[k].shape, x[k].data));
    }
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(b.graph);
}

static void compare_gradients(const gradient_case *c, const char *how, const pgd_tensor *x, double *const *expected, int32_t k, const double *got, double tolerance) {
    for (int64_t i = 0; i < pgd_shape_elems(x[k].shape); i++)
        check(near(got[i], expected[k][i], tolerance), "%s: d/d x%d[%lld] %s is %.12g, not %.12g", c->name, k, (long long)i, how, got[i], expected[k][i]);
}

static void with_gradients(pgd_device *device, const gradient_case *c, pgd_tensor *x, double *const *expected) {
    built b = build(c);
    pgd_value *dx[CASE_INPUTS];
    pgd_plan *plan;
    pgd_run *run;
    bool holds = false;
    for (int32_t i = 0; i < b.graph->node_count; i++) holds = holds || b.graph->nodes[i]->op == c->op;
    check(holds, "the case %s has no %s in it", c->name, pgd_op_name(c->op));
    ok(pgd_gradients(b.graph, weighted(b.graph, b.y, b.outputs), b.x, c->input_count, dx));
    ok(pgd_graph_verify(b.graph));
    for (int32_t k = 0; k < c->input_count; k++) {
        pgd_output(b.graph, gradient_names[k], dx[k]);
        pgd_output(b.graph, input_names[k], b.x[k]);
    }
    run_plan(device, b.graph, c, x, &plan, &run);
    ok(pgd_run_execute(run));
    binding bindings[CASE_INPUTS];
    for (int32_t k = 0; k < c->input_count; k++) bindings[k] = (binding){input_names[k], x[k]};
    reference r = reference_run(b.graph, NULL, bindings, c->input_count);
    for (int32_t k = 0; k < c->input_count; k++) {
        double got[512];
        assert_true(tensor_bytes(&x[k]) <= sizeof got);
        assert_true(pgd_symshape_equal(dx[k]->shape, b.x[k]->shape) && dx[k]->dtype == PGD_F64);
        ok(pgd_run_get(run, gradient_names[k], got, tensor_bytes(&x[k])));
        compare_gradients(c, "by the plan", x, expected, k, got, TOLERANCE);
        compare_gradients(c, "by the references", x, expected, k, reference_of(&r, dx[k])->data, TOLERANCE);
    }
    reference_free(&r);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(b.graph);
}

static void every_gradient_equals_finite_differences(void **unused) {
    pgd_device *device;
    ok(pgd_device_open("cpu", &(pgd_device_options){.struct_bytes = sizeof(pgd_device_options), .threads = 1}, &device));
    for (int32_t n = 0; n < CASES; n++) {
        if (pgd_op_defs[cases[n].op]->grad == NULL) continue;
        pgd_tensor x[CASE_INPUTS];
        double *expected[CASE_INPUTS];
        fill_inputs(&cases[n], x);
        for (int32_t k = 0; k < cases[n].input_count; k++) assert_non_null(expected[k] = calloc(512, sizeof(double)));
        differences(device, &cases[n], x, expected);
        with_gradients(device, &cases[n], x, expected);
        for (int32_t k = 0; k < cases[n].input_count; k++) {
            free(expected[k]);
            free(x[k].data);
        }
    }
    pgd_device_close(device);
}

static void every_operation_with_a_gradient_has_a_case(void **unused) {
    for (int32_t op = 0; op < PGD_OP_COUNT; op++) {
        bool found = (pgd_op_defs[op]->grad == NULL && pgd_op_defs[op]->expand == NULL) || op == PGD_OP_CUSTOM; /* that one: tests/engine/test_custom.c */
        for (int32_t n = 0; n < CASES; n++) found = found || cases[n].op == (pgd_op)op;
        check(found, "%s has a gradient or an expansion and no case here", pgd_op_name((pgd_op)op));
    }
}

/* ---- operations that can be written with simpler ones ------------------------------------------------------------------------------------------ */

static void check_expansion(const gradient_case *c) {
    pgd_tensor x[CASE_INPUTS];
    binding bindings[CASE_INPUTS];
    pgd_value *simple[PGD_MAX_OUTPUTS] = {0};
    built b = build(c);
    const pgd_node *node = NULL;
    for (int32_t i = 0; i < b.graph->node_count; i++)
        if (b.graph->nodes[i]->op == c->op) node = b.graph->nodes[i];
    assert_non_null(node);
    pgd_op_defs[c->op]->expand(b.graph, node, simple);
    ok(pgd_graph_status(b.graph));
    fill_inputs(c, x);
    for (int32_t k = 0; k < c->input_count; k++) bindings[k] = (binding){input_names[k], x[k]};
    reference r = reference_run(b.graph, NULL, bindings, c->input_count);
    for (int32_t k = 0; k < node->output_count; k++) {
        const pgd_tensor *whole = reference_of(&r, &node->outputs[k]), *composed = reference_of(&r, simple[k]);
        assert_ptr_not_equal(simple[k]->node, node);
        check(whole->dtype == composed->dtype && pgd_shape_equal(whole->shape, composed->shape), "%s: output %d of the expansion has another type", c->name, k);
        for (int64_t i = 0; i < pgd_shape_elems(whole->shape); i++)
            check(near(pgd_tensor_get(composed, i), pgd_tensor_get(whole, i), 1e-12), "%s: output %d[%lld] is %.17g, composed %.17g", c->name, k, (long long)i,
                  pgd_tensor_get(whole, i), pgd_tensor_get(composed, i));
    }
    reference_free(&r);
    for (int32_t k = 0; k < c->input_count; k++) free(x[k].data);
    pgd_graph_destroy(b.graph);
}

static void composed_forms_equal_the_whole_operation(void **unused) {
    for (int32_t n = 0; n < CASES; n++)
        if (pgd_op_defs[cases[n].op]->expand != NULL) check_expansion(&cases[n]);
}

/* The gradient of a whole operation against the gradient of its composed form, which never meets the dedicated derivative. */
static void check_composed_gradient(const gradient_case *c) {
    pgd_tensor x[CASE_INPUTS];
    binding bindings[CASE_INPUTS];
    pgd_value *dx[CASE_INPUTS], *composed_dx[CASE_INPUTS], *simple[PGD_MAX_OUTPUTS] = {0};
    built b = build(c);
    const pgd_node *node = b.y[0]->node;
    assert_int_equal(node->op, c->op);
    pgd_op_defs[c->op]->expand(b.graph, node, simple);
    for (int32_t k = 0; k < b.outputs; k++) simple[k] = simple[b.y[k]->output];
    ok(pgd_gradients(b.graph, weighted(b.graph, b.y, b.outputs), b.x, c->input_count, dx));
    ok(pgd_gradients(b.graph, weighted(b.graph, simple, b.outputs), b.x, c->input_count, composed_dx));
    fill_inputs(c, x);
    for (int32_t k = 0; k < c->input_count; k++) bindings[k] = (binding){input_names[k], x[k]};
    reference r = reference_run(b.graph, NULL, bindings, c->input_count);
    for (int32_t k = 0; k < c->input_count; k++) {
        double *expected[CASE_INPUTS] = {NULL};
        expected[k] = reference_of(&r, composed_dx[k])->data;
        compare_gradients(c, "against the composed form", x, expected, k, reference_of(&r, dx[k])->data, 1e-10);
    }
    reference_free(&r);
    for (int32_t k = 0; k < c->input_count; k++) free(x[k].data);
    pgd_graph_destroy(b.graph);
}

static void dedicated_derivatives_equal_those_of_composed_forms(void **unused) {
    for (int32_t n = 0; n < CASES; n++)
        if (pgd_op_defs[cases[n].op]->expand != NULL && pgd_op_defs[cases[n].op]->grad != NULL) check_composed_gradient(&cases[n]);
}

/* ---- the transform ------------------------------------------------------------------------------------------------------------------------------ */

static void what_y_does_not_depend_on_has_gradient_zero(void **unused) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F64, square3()), *other = pgd_input(g, "other", PGD_F64, square3()), *dx[2];
    ok(pgd_gradients(g, pgd_mul(g, x, x), (pgd_value *[]){x, other}, 2, dx));
    assert_int_equal(dx[1]->node->op, PGD_OP_FILL);
    assert_true(dx[1]->node->attrs.floats[0] == 0);
    pgd_graph_destroy(g);
}

static void an_operation_without_gradient_is_named(void **unused) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F64, (pgd_symshape)D4(1, 1, 4, 4)), *once[1], *twice[1];
    ok(pgd_gradients(g, pgd_max_pool(g, pgd_mul(g, x, x), NULL), &x, 1, once));
    fails(PGD_UNSUPPORTED, "max_pool_d has no gradient", pgd_gradients(g, once[0], &x, 1, twice));
    pgd_graph_destroy(g);
}

/* d x^0 / dx is 0 at x = 0 as well, where x to the -1 is infinite; d x^1 / dx is 1 there. */
static void the_power_zero_has_gradient_zero(void **unused) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    const double base[] = {0, 0, 0, -2}, exponent[] = {0, 1, 2, 0}, expected[] = {0, 1, 0, 0};
    pgd_value *x = pgd_input(g, "x", PGD_F64, pgd_symshape_of(1, 4)), *dx;
    ok(pgd_gradients(g, pgd_sum(g, pgd_pow(g, x, pgd_constant(g, PGD_F64, pgd_shape_of(1, 4), exponent)), (int32_t[]){0}, 1), &x, 1, &dx));
    binding b = {"x", {PGD_F64, {1, {4}}, (void *)base}};
    reference r = reference_run(g, NULL, &b, 1);
    for (int i = 0; i < 4; i++) assert_true(((const double *)reference_of(&r, dx)->data)[i] == expected[i]);
    reference_free(&r);
    pgd_graph_destroy(g);
}

static void wrong_arguments_of_gradients_are_refused(void **unused) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F64, square3()), *none = NULL, *dx[1];
    fails(PGD_BAD_ARG, "y is NULL", pgd_gradients(g, NULL, &x, 1, dx));
    fails(PGD_BAD_ARG, "float", pgd_gradients(g, pgd_lt(g, x, x), &x, 1, dx));
    fails(PGD_BAD_ARG, "x[0] is NULL", pgd_gradients(g, x, &none, 1, dx));
    ok(pgd_gradients(g, x, &x, 1, dx)); /* of itself: ones */
    assert_true(dx[0]->node->op == PGD_OP_FILL && dx[0]->node->attrs.floats[0] == 1);
    pgd_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_with_a_gradient_has_a_case),
        cmocka_unit_test(every_gradient_equals_finite_differences),
        cmocka_unit_test(composed_forms_equal_the_whole_operation),
        cmocka_unit_test(dedicated_derivatives_equal_those_of_composed_forms),
        cmocka_unit_test(what_y_does_not_depend_on_has_gradient_zero),
        cmocka_unit_test(an_operation_without_gradient_is_named),
        cmocka_unit_test(the_power_zero_has_gradient_zero),
        cmocka_unit_test(wrong_arguments_of_gradients_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
