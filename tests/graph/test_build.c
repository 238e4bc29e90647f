/* SPDX-License-Identifier: Apache-2.0
 * Builders: the shape of every result, symbolic extents included; and for everything wrong NULL and a sentence. */
#include <graph_share.h>

#include "check.h"

static pgd_graph *g;
static pgd_dim N;

static int set_up(void **unused) {
    ok(pgd_graph_create(&g));
    N = pgd_graph_symbol(g, "N", 1, 64);
    return 0;
}

static int tear_down(void **unused) {
    pgd_graph_destroy(g);
    return 0;
}

#define D(...) (pgd_symshape) { sizeof((pgd_dim[]){__VA_ARGS__}) / sizeof(pgd_dim), { __VA_ARGS__ } }
static const pgd_symshape scalar;

static pgd_value *input(pgd_dtype dtype, pgd_symshape shape) {
    static int number;
    char name[32];
    snprintf(name, sizeof name, "input %d", number++);
    return pgd_input(g, name, dtype, shape);
}
static pgd_value *f32(pgd_symshape shape) { return input(PGD_F32, shape); }

/* The value is there, and its type is written like this. */
static void is(const pgd_value *v, const char *want) {
    char text[256], whole[300];
    ok(pgd_graph_status(g));
    assert_non_null(v);
    snprintf(whole, sizeof whole, "%s%s", pgd_dtype_name(v->dtype), pgd_symshape_text(g, v->shape, text, sizeof text));
    assert_string_equal(whole, want);
}

static void elementwise_results_are_broadcast(void **unused) {
    pgd_value *x = f32(D(N, 3, 1)), *y = f32(D(3, 4)), *i = input(PGD_I32, D(4));
    is(pgd_add(g, x, y), "f32[N,3,4]");
    is(pgd_mul(g, x, pgd_scalar(g, PGD_F32, 2)), "f32[N,3,1]");
    is(pgd_lt(g, i, i), "bool[4]");
    is(pgd_where(g, pgd_lt(g, x, x), y, x), "f32[N,3,4]");
    is(pgd_cast(g, x, PGD_U8), "u8[N,3,1]");
    assert_ptr_equal(pgd_cast(g, x, PGD_F32), x);
    is(pgd_not(g, pgd_eq(g, i, i)), "bool[4]");
}

static void creations_have_the_shape_asked_for(void **unused) {
    pgd_value *key = pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){1, 2});
    is(pgd_fill(g, PGD_I64, D(2, N), 3), "i64[2,N]");
    is(pgd_iota(g, PGD_I32, D(2, 5), 1), "i32[2,5]");
    is(pgd_dim_size(g, PGD_F32, D(N, 3)), "f32[]");
    is(pgd_uniform(g, key, D(N, 3)), "f32[N,3]");
    pgd_value *n = pgd_normal(g, key, D(3));
    is(n, "f32[3]");
    assert_int_equal(n->node->attrs.ints[0], 1); /* a stream of its own */
}

static void reductions_keep_axes_with_extent_one(void **unused) {
    pgd_value *x = f32(D(N, 3, 4));
    is(pgd_sum(g, x, (int32_t[]){0, -1}, 2), "f32[1,3,1]");
    is(pgd_mean(g, x, NULL, 0), "f32[N,3,4]");
    is(pgd_reduce_max(g, x, (int32_t[]){1}, 1), "f32[N,1,4]");
    is(pgd_argmax(g, x, -1), "i32[N,3,1]");
    pgd_value *mean, *variance;
    pgd_moments(g, x, (int32_t[]){0, 2}, 2, &mean, &variance);
    is(variance, "f32[1,3,1]");
}

static void movements_move(void **unused) {
    pgd_value *x = f32(D(N, 6, 4)), *h = f32(D(pgd_graph_symbol(g, "H", 4, 99), 2));
    is(pgd_reshape(g, x, D(N, 3, PGD_DIM_REST)), "f32[N,3,8]");
    is(pgd_reshape(g, x, D(PGD_DIM_REST, 4)), "f32[(N*6),4]");
    is(pgd_flatten(g, x, 1), "f32[N,24]");
    is(pgd_flatten(g, x, 0), "f32[(N*24)]");
    is(pgd_transpose(g, x, (int32_t[]){2, 0, 1}), "f32[4,N,6]");
    assert_ptr_equal(pgd_transpose(g, x, (int32_t[]){0, 1, 2}), x);
    is(pgd_broadcast(g, f32(D(6, 1)), D(N, 6, 4)), "f32[N,6,4]");
    is(pgd_slice(g, x, 1, 2, 3), "f32[N,3,4]");
    is(pgd_pad(g, h, 0, 1, 2, 0), "f32[(H+3),2]");
    is(pgd_concat(g, (pgd_value *[]){x, x}, 2, 0), "f32[(N*2),6,4]");
    is(pgd_concat(g, (pgd_value *[]){x, f32(D(N, 1, 4))}, 2, 1), "f32[N,7,4]");
}

static void linear_and_pooling_results(void **unused) {
    pgd_conv_options c;
    pgd_pool_options p;
    pgd_conv_options_init(&c, sizeof c);
    pgd_pool_options_init(&p, sizeof p);
    pgd_dim H = pgd_graph_symbol(g, "H", 8, 99);
    is(pgd_matmul(g, f32(D(N, 4)), f32(D(5, 4)), false, true), "f32[N,5]");
    is(pgd_matmul(g, f32(D(2, 4, N)), f32(D(2, 4, 5)), true, false), "f32[2,N,5]");
    is(pgd_matmul(g, f32(D(N, 3, 4)), f32(D(4, 5)), false, false), "f32[N,3,5]");
    is(pgd_conv(g, f32(D(N, 3, 8, 9)), f32(D(4, 3, 3, 2)), NULL), "f32[N,4,6,8]");
    c.stride_h = 2, c.pad_left = 1, c.dilation_w = 2, c.groups = 3;
    is(pgd_conv(g, f32(D(N, 3, 8, 9)), f32(D(6, 1, 3, 2)), &c), "f32[N,6,3,8]");
    pgd_value *y = pgd_conv(g, f32(D(N, 3, H, 9)), f32(D(6, 1, 3, 2)), &c);
    ok(pgd_graph_status(g));
    assert_int_equal(pgd_dim_eval(g, y->shape.dims[2], (int64_t[]){1, 11}), 5);
    is(pgd_max_pool(g, f32(D(N, 3, 8, 9)), NULL), "f32[N,3,4,4]");
    p.kernel_h = 3, p.stride_w = 1, p.pad_top = 1;
    is(pgd_avg_pool(g, f32(D(N, 3, 8, 9)), &p), "f32[N,3,3,8]");
    is(pgd_softmax_xent(g, f32(D(N, 10)), input(PGD_I32, D(N)), 0), "f32[N]");
    pgd_value *mean;
    is(pgd_batch_norm(g, f32(D(N, 3, 8, 8)), f32(D(3)), f32(D(3)), 1e-5, &mean, NULL), "f32[N,3,8,8]");
    is(mean, "f32[1,3,1,1]");
}

/* ---- what is wrong --------------------------------------------------------------------------------------------------------------------------------- */

/* Each wrong call in a graph of its own. */
#define WRONG(part, call)                                                                       \
    do {                                                                                        \
        pgd_graph_destroy(g);                                                                   \
        ok(pgd_graph_create(&g));                                                               \
        N = pgd_graph_symbol(g, "N", 1, 64);                                                    \
        assert_null(call);                                                                      \
        fails(PGD_BAD_ARG, part, pgd_graph_status(g));                                          \
        assert_null(f32(D(1))); /* a broken graph builds nothing more, */                       \
        fails(PGD_BAD_ARG, part, pgd_graph_status(g)); /* and keeps its first sentence */       \
    } while (0)

static pgd_value *nothing(pgd_graph *graph) { return graph == NULL ? (pgd_value *)1 : NULL; }
static pgd_value *output_twice(void) {
    pgd_output(g, "y", f32(D(1)));
    pgd_output(g, "y", f32(D(1)));
    return nothing(g);
}
static pgd_value *named(const char *name) {
    pgd_output(g, name, f32(D(1)));
    return nothing(g);
}
static pgd_value *update(const char *name, pgd_symshape shape, pgd_dtype dtype) {
    pgd_param(g, "p", PGD_F32, D(3));
    pgd_update(g, name, input(dtype, shape));
    return nothing(g);
}
static pgd_value *conv_with(int32_t member, int32_t value, pgd_symshape x, pgd_symshape w) {
    pgd_conv_options o;
    pgd_conv_options_init(&o, sizeof o);
    (&o.stride_h)[member] = value;
    return pgd_conv(g, f32(x), f32(w), &o);
}
static pgd_value *pool_with(int32_t member, int32_t value, pgd_symshape x) {
    pgd_pool_options o;
    pgd_pool_options_init(&o, sizeof o);
    (&o.kernel_h)[member] = value;
    return pgd_max_pool(g, f32(x), &o);
}
static pgd_value *moments_of(pgd_value *x, int32_t axis) {
    pgd_value *mean, *variance;
    pgd_moments(g, x, &axis, 1, &mean, &variance);
    assert_null(variance);
    return mean;
}

static void wrong_leaves(void **unused) {
    WRONG("rank 7", pgd_input(g, "x", PGD_F32, (pgd_symshape){.rank = 7}));
    WRONG("rank -1", pgd_input(g, "x", PGD_F32, (pgd_symshape){.rank = -1}));
    WRONG("extent -77", pgd_input(g, "x", PGD_F32, D(-77)));
    WRONG("no element type", pgd_input(g, "x", (pgd_dtype)99, D(1)));
    WRONG("a name has 1 to 200", pgd_input(g, "", PGD_F32, D(1)));
    WRONG("a name has 1 to 200", pgd_input(g, "a\"b", PGD_F32, D(1)));
    WRONG("pgd_param: name is NULL", pgd_param(g, NULL, PGD_F32, D(1)));
    WRONG("cannot be symbolic", pgd_param(g, "p", PGD_F32, D(N)));
    WRONG("bytes is NULL", pgd_constant(g, PGD_F32, pgd_shape_of(1, 1), NULL));
    WRONG("no element type", pgd_fill(g, (pgd_dtype)-1, D(1), 0));
    WRONG("rank 9", pgd_fill(g, PGD_F32, (pgd_symshape){.rank = 9}, 0));
    WRONG("extent -77", pgd_fill(g, PGD_F32, D(-77), 0));
    WRONG("axis 2 is outside rank 2", pgd_iota(g, PGD_I32, D(2, 2), 2));
    WRONG("i64 [2]", pgd_uniform(g, f32(D(2)), D(2)));
    WRONG("i64 [2]", pgd_normal(g, input(PGD_I64, D(3)), D(2)));
    WRONG("exists already", output_twice());
    WRONG("output: a name", named(""));
    WRONG("no param of that name", update("q", D(3), PGD_F32));
    WRONG("the state tensor is f32[3], the value f32[4]", update("p", D(4), PGD_F32));
    WRONG("the value i32[3]", update("p", D(3), PGD_I32));
}

static void wrong_elementwise_arguments(void **unused) {
    WRONG("do not broadcast", pgd_add(g, f32(D(3)), f32(D(4))));
    WRONG("do not broadcast", pgd_where(g, input(PGD_BOOL, D(2)), f32(D(3)), f32(D(3))));
    WRONG("dtypes f32 and i32 differ", pgd_mul(g, f32(D(3)), input(PGD_I32, D(3))));
    WRONG("does not take bool", pgd_add(g, input(PGD_BOOL, D(3)), input(PGD_BOOL, D(3))));
    WRONG("does not take i32", pgd_exp(g, input(PGD_I32, D(3))));
    WRONG("does not take f32", pgd_and(g, f32(D(3)), f32(D(3))));
    WRONG("does not take f32", pgd_not(g, f32(D(3))));
    WRONG("the condition is f32", pgd_where(g, f32(D(3)), f32(D(3)), f32(D(3))));
    WRONG("no element type", pgd_cast(g, f32(D(3)), (pgd_dtype)50));
}

static void wrong_reductions(void **unused) {
    WRONG("axis 2 is outside rank 2", pgd_sum(g, f32(D(3, 4)), (int32_t[]){2}, 1));
    WRONG("axis -3 is outside rank 2", pgd_sum(g, f32(D(3, 4)), (int32_t[]){-3}, 1));
    WRONG("there cannot be -1 axes", pgd_reduce_max(g, f32(D(3, 4)), (int32_t[]){0}, -1));
    WRONG("axes is NULL", pgd_sum(g, f32(D(3, 4)), NULL, 2));
    WRONG("or there twice", pgd_mean(g, f32(D(3, 4)), (int32_t[]){1, -1}, 2));
    WRONG("does not take bool", pgd_sum(g, input(PGD_BOOL, D(3)), (int32_t[]){0}, 1));
    WRONG("does not take i32", pgd_mean(g, input(PGD_I32, D(3)), (int32_t[]){0}, 1));
    WRONG("an axis is outside rank", pgd_argmax(g, f32(D(3)), 1));
    WRONG("argmax takes one axis", pgd_graph_op(g, PGD_OP_ARGMAX, &(pgd_attrs){.ints = {3}}, (pgd_value *[]){f32(D(3, 3))}, 1));
    WRONG("an axis is outside rank", pgd_graph_op(g, PGD_OP_SUM, &(pgd_attrs){.ints = {8}}, (pgd_value *[]){f32(D(3, 3))}, 1));
    WRONG("does not take i32", moments_of(input(PGD_I32, D(3)), 0));
    WRONG("is outside rank", moments_of(f32(D(3)), 4));
}

static void wrong_movements(void **unused) {
    WRONG("different numbers of elements", pgd_reshape(g, f32(D(3, 4)), D(5)));
    WRONG("only one extent", pgd_reshape(g, f32(D(3, 4)), D(PGD_DIM_REST, PGD_DIM_REST)));
    WRONG("cannot be found", pgd_reshape(g, f32(D(3, 4)), D(PGD_DIM_REST, 5)));
    WRONG("rank 7", pgd_reshape(g, f32(D(3, 4)), (pgd_symshape){.rank = 7}));
    WRONG("rank -2", pgd_reshape(g, f32(D(3, 4)), (pgd_symshape){.rank = -2}));
    WRONG("-99", pgd_reshape(g, f32(D(3, 4)), D(-99, 12)));
    WRONG("axis 5", pgd_flatten(g, f32(D(3, 4)), 5));
    WRONG("names every axis once", pgd_transpose(g, f32(D(3, 4)), (int32_t[]){0, 0}));
    WRONG("names every axis once", pgd_transpose(g, f32(D(3, 4)), (int32_t[]){0, 2}));
    WRONG("entry 1 is -1", pgd_transpose(g, f32(D(3, 4)), (int32_t[]){0, -1}));
    WRONG("axis -1 is outside rank 2", pgd_iota(g, PGD_I32, D(2, 2), -1));
    WRONG("axis -1 is outside rank 2", pgd_flatten(g, f32(D(3, 4)), -3));
    WRONG("an axis is outside rank", pgd_argmax(g, f32(D(3, 4)), -3));
    WRONG("does not become", pgd_broadcast(g, f32(D(3, 4)), D(3, 5)));
    WRONG("does not become", pgd_broadcast(g, f32(D(3, 4)), D(4)));
    WRONG("rank 8", pgd_broadcast(g, f32(D(3, 4)), (pgd_symshape){.rank = 8}));
    WRONG("-99", pgd_broadcast(g, f32(D(1)), D(-99)));
    WRONG("lie outside an extent of 4", pgd_slice(g, f32(D(3, 4)), 1, 2, 3));
    WRONG("-3", pgd_slice(g, f32(D(3, 4)), 1, -3, 1));
    WRONG("an axis is outside rank", pgd_slice(g, f32(D(3, 4)), 2, 0, 1));
    WRONG("before and after", pgd_pad(g, f32(D(3)), 0, N, 1, 0));
    WRONG("an axis is outside rank", pgd_pad(g, f32(D(3)), -2, 1, 1, 0));
    WRONG("0 parts", pgd_concat(g, (pgd_value *[]){f32(D(3))}, 0, 0));
    WRONG("part 1 has another rank", pgd_concat(g, (pgd_value *[]){f32(D(3)), f32(D(3, 1))}, 2, 0));
    WRONG("part 1 has another rank or dtype", pgd_concat(g, (pgd_value *[]){f32(D(3)), input(PGD_I32, D(3))}, 2, 0));
    WRONG("part 1 differs from part 0", pgd_concat(g, (pgd_value *[]){f32(D(3, 2)), f32(D(4, 2))}, 2, 1));
    WRONG("an axis is outside rank", pgd_concat(g, (pgd_value *[]){f32(D(3)), f32(D(3))}, 2, 1));
}

static void wrong_linear_and_window_arguments(void **unused) {
    WRONG("do not fit", pgd_matmul(g, f32(D(3, 4)), f32(D(5, 4)), false, false));
    WRONG("do not fit", pgd_matmul(g, f32(D(4)), f32(D(4)), false, false));
    WRONG("do not fit", pgd_matmul(g, f32(D(2, 3, 4)), f32(D(3, 4, 5)), false, false));
    WRONG("both must be of one float dtype", pgd_matmul(g, input(PGD_I32, D(3, 4)), input(PGD_I32, D(4, 5)), false, false));
    WRONG("do not fit", conv_with(0, 1, D(1, 3, 8, 8), D(4, 2, 3, 3)));
    WRONG("do not fit", conv_with(0, 1, D(3, 8, 8), D(4, 3, 3, 3)));
    WRONG("do not fit", conv_with(8, 2, D(1, 4, 8, 8), D(3, 2, 3, 3))); /* 3 filters in 2 groups */
    WRONG("the filter is larger", conv_with(0, 1, D(1, 3, 2, 8), D(4, 3, 3, 3)));
    for (int32_t member = 0; member < 9; member++) WRONG("strides, dilations and groups start at 1", conv_with(member, member >= 2 && member <= 5 ? -1 : 0, D(1, 3, 8, 8), D(4, 3, 3, 3)));
    WRONG("must be [N,C,H,W]", pool_with(0, 2, D(3, 8, 8)));
    WRONG("kernels and strides start at 1", pool_with(0, 0, D(1, 3, 8, 8)));
    WRONG("not smaller than the kernel", pool_with(4, 2, D(1, 3, 8, 8)));
    WRONG("the kernel is larger", pool_with(0, 9, D(1, 3, 8, 8)));
    WRONG("does not take u8", pgd_max_pool(g, input(PGD_U8, D(1, 1, 4, 4)), NULL));
    WRONG("pgd_conv_options", pgd_conv(g, f32(D(1, 3, 8, 8)), f32(D(4, 3, 3, 3)), &(pgd_conv_options){0}));
    WRONG("pgd_pool_options", pgd_max_pool(g, f32(D(1, 3, 8, 8)), &(pgd_pool_options){0}));
    WRONG("rank 2 or more", pgd_batch_norm(g, f32(D(3)), f32(D(3)), f32(D(3)), 1e-5, NULL, NULL));
    WRONG("one element for each of the channels", pgd_batch_norm(g, f32(D(2, 3)), f32(D(4)), f32(D(3)), 1e-5, NULL, NULL));
    WRONG("epsilon", pgd_batch_norm(g, f32(D(2, 3)), f32(D(3)), f32(D(3)), -1, NULL, NULL));
    WRONG("rank 1 or more", pgd_softmax(g, f32(scalar)));
    WRONG("rank 1 or more", pgd_log_softmax(g, input(PGD_I32, D(3))));
    WRONG("floats [N,C] and i32 [N]", pgd_softmax_xent(g, f32(D(3, 4)), f32(D(3)), 0));
    WRONG("floats [N,C] and i32 [N]", pgd_softmax_xent(g, f32(D(3, 4)), input(PGD_I32, D(4)), 0));
    WRONG("smoothing is 1", pgd_softmax_xent(g, f32(D(3, 4)), input(PGD_I32, D(3)), 1));
}

/* The derivatives are made by pgd_gradients; made by hand they check as much. */
static void wrong_derivatives(void **unused) {
    const pgd_attrs conv = {.ints = {1, 1, 0, 0, 0, 0, 1, 1, 1}, .dims = {4, {1, 3, 8, 8}}}, pool = {.ints = {2, 2, 2, 2}, .dims = {4, {1, 3, 8, 8}}};
    WRONG("dy does not have the shape", pgd_graph_op(g, PGD_OP_CONV_DINPUT, &conv, (pgd_value *[]){f32(D(1, 4, 7, 6)), f32(D(4, 3, 3, 3))}, 2));
    WRONG("do not fit", pgd_graph_op(g, PGD_OP_CONV_DWEIGHT, &conv, (pgd_value *[]){f32(D(1, 4, 6, 6)), f32(D(1, 2, 8, 8))}, 2));
    WRONG("dy does not have the shape", pgd_graph_op(g, PGD_OP_MAX_POOL_D, &pool, (pgd_value *[]){f32(D(1, 3, 4, 5)), f32(D(1, 3, 8, 8))}, 2));
    WRONG("dy does not have the shape", pgd_graph_op(g, PGD_OP_AVG_POOL_D, &pool, (pgd_value *[]){f32(D(1, 3, 4, 5))}, 1));
    WRONG("dy and x must have one shape", pgd_graph_op(g, PGD_OP_BATCH_NORM_D, NULL, (pgd_value *[]){f32(D(2, 3)), f32(D(3, 3)), f32(D(1, 3)), f32(D(1, 3))}, 4));
    WRONG("mean and variance", pgd_graph_op(g, PGD_OP_BATCH_NORM_D, NULL, (pgd_value *[]){f32(D(2, 3)), f32(D(2, 3)), f32(D(3)), f32(D(1, 3))}, 4));
    WRONG("dloss must be [N]", pgd_graph_op(g, PGD_OP_SOFTMAX_XENT_D, NULL, (pgd_value *[]){f32(D(2, 3)), input(PGD_I32, D(2)), f32(D(3))}, 3));
    for (int i = 0; i < 4; i++) { /* a third belongs to an epilogue, and there is none */
        static const pgd_op ops[] = {PGD_OP_MATMUL, PGD_OP_CONV, PGD_OP_CONV_DINPUT, PGD_OP_MAX_POOL_D};
        WRONG("takes 2 inputs, not 3", pgd_graph_op(g, ops[i], NULL, (pgd_value *[]){f32(D(2, 2)), f32(D(2, 2)), f32(D(2, 2))}, 3));
        WRONG("takes 2 inputs, not 1", pgd_graph_op(g, ops[i], NULL, (pgd_value *[]){f32(D(2, 2))}, 1));
    }
    WRONG("takes 2 inputs, not 1", pgd_graph_op(g, PGD_OP_ADD, NULL, (pgd_value *[]){f32(D(2))}, 1));
    WRONG("input 1 is NULL", pgd_graph_op(g, PGD_OP_ADD, NULL, (pgd_value *[]){f32(D(2)), NULL}, 2));
    WRONG("rank 7", pgd_graph_op(g, PGD_OP_RESHAPE, &(pgd_attrs){.dims = {.rank = 7}}, (pgd_value *[]){f32(D(2))}, 1));
}

/* What each builder says to NULL is in tests/library/test_null.c. */
static void the_first_null_is_the_one_remembered(void **unused) {
    pgd_value *mean, *variance;
    WRONG("pgd_add: b is NULL", pgd_relu(g, pgd_add(g, f32(D(2)), NULL)));
    WRONG("do not broadcast", pgd_relu(g, pgd_add(g, f32(D(2)), f32(D(3)))));
    WRONG("pgd_moments: x is NULL", (pgd_moments(g, NULL, NULL, 0, &mean, &variance), mean == NULL ? variance : f32(D(1))));
    WRONG("pgd_concat: parts[i] is NULL", pgd_concat(g, (pgd_value *[]){f32(D(2)), NULL}, 2, 0));
}

static void leaves_of_one_name_are_one(void **unused) {
    assert_ptr_equal(pgd_input(g, "x", PGD_F32, D(N, 2)), pgd_input(g, "x", PGD_F32, D(N, 2)));
    assert_ptr_equal(pgd_param(g, "x", PGD_F32, D(2)), pgd_param(g, "x", PGD_F32, D(2)));
    WRONG("exists with another dtype or shape", (pgd_param(g, "p", PGD_F32, D(2)), pgd_param(g, "p", PGD_F32, D(3))));
}

static void a_broken_graph_is_found_by_the_verifier(void **unused) {
    pgd_value *y = pgd_neg(g, f32(D(2, 3)));
    ok(pgd_graph_verify(g));
    y->shape.dims[1] = 4;
    fails(PGD_INTERNAL, "dtype and shape follow from the inputs", pgd_graph_verify(g));
    y->shape.dims[1] = 3;
    y->dtype = PGD_F64;
    fails(PGD_INTERNAL, "dtype and shape follow", pgd_graph_verify(g));
    y->dtype = PGD_F32;
    pgd_value *in = y->node->inputs[0];
    y->node->inputs[0] = y;
    fails(PGD_INTERNAL, "inputs are earlier values", pgd_graph_verify(g));
    y->node->inputs[0] = in;
    y->node->id = 0;
    fails(PGD_INTERNAL, "ids are positions", pgd_graph_verify(g));
    y->node->id = 1;
    ok(pgd_graph_verify(g));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(elementwise_results_are_broadcast), TEST(creations_have_the_shape_asked_for), TEST(reductions_keep_axes_with_extent_one), TEST(movements_move), TEST(linear_and_pooling_results),
                                       TEST(wrong_leaves), TEST(wrong_elementwise_arguments), TEST(wrong_reductions), TEST(wrong_movements), TEST(wrong_linear_and_window_arguments), TEST(wrong_derivatives),
                                       TEST(the_first_null_is_the_one_remembered), TEST(leaves_of_one_name_are_one), TEST(a_broken_graph_is_found_by_the_verifier)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
