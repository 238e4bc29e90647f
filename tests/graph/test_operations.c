/* SPDX-License-Identifier: Apache-2.0
 * What operations mean, in numbers that come from elsewhere: NumPy, and functions in forty digits. */
#include <math.h>
#include <pagoda/engine.h>

#include "reference.h"

enum { MOST = 8 };

typedef struct known {
    pgd_op op;
    int64_t count;
    double a[MOST], b[MOST], y[MOST];
} known;

static const known elementwise[] = {
    {PGD_OP_GELU, 7, {-30.0, -12.5, -5.0, -1.0, -0.125, 0.5, 3.0}, {0}, {-1.472014178144456e-196, -4.6657053735971418e-35, -1.4332578593959695e-06, -0.15865525393145705, -0.056282721896235885, 0.34573123063700656, 2.9959503059051098}},
    {PGD_OP_GELU_SLOPE, 6, {-12.5, -5.0, -1.0, -0.125, 0.5, 3.0}, {0}, {-5.8316685544801554e-34, -7.1469460017922946e-6, -0.083315470587686298, 0.40078206430179342, 0.86749512465616284, 1.0119456472041839}},
    {PGD_OP_EXPM1, 6, {-20.0, -1.0, -1e-09, 1e-12, 0.25, 3.0}, {0}, {-0.99999999793884642, -0.63212055882855767, -9.9999999949999999e-10, 1.0000000000005e-12, 0.28402541668774151, 19.085536923187668}},
    {PGD_OP_LOG1P, 6, {-0.75, -1e-09, 1e-12, 0.25, 3.0, 1e+20}, {0}, {-1.3862943611198906, -1.0000000005000001e-09, 9.9999999999949996e-13, 0.22314355131420976, 1.3862943611198906, 46.051701859880914}},
    {PGD_OP_TAN, 5, {-1.5, -0.5, 1.0, 4.0, 100000.5}, {0}, {-14.101419947171719, -0.54630248984379048, 1.5574077246549023, 1.1578212823495775, 0.50074519000854567}},
    {PGD_OP_ASIN, 5, {-1.0, -0.75, -0.25, 0.5, 0.999}, {0}, {-1.5707963267948966, -0.848062078981481, -0.25268025514207865, 0.52359877559829893, 1.5260712396261631}},
    {PGD_OP_ACOS, 5, {-1.0, -0.75, -0.25, 0.5, 0.999}, {0}, {3.1415926535897931, 2.4188584057763776, 1.8234765819369754, 1.0471975511965979, 0.044725087168733454}},
    {PGD_OP_ATAN, 5, {-10000000000.0, -1.0, -0.25, 0.5, 3.0}, {0}, {-1.5707963266948965, -0.78539816339744828, -0.24497866312686414, 0.46364760900080609, 1.2490457723982544}},
    {PGD_OP_ROUND, 7, {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.500001}, {0}, {-2, -2, -0, 0, 2, 2, 3}},
    {PGD_OP_TRUNC, 6, {-2.5, -1.999, -0.5, 0.5, 1.999, 2.5}, {0}, {-2, -1, -0, 0, 1, 2}},
    {PGD_OP_MOD, 7, {7.5, -7.5, 7.5, -7.5, -6, 1, -1}, {2, 2, -2, -2, 3, 1e+30, 1e+30}, {1.5, 0.5, -0.5, -1.5, 0, 1, 1e+30}},
};

static void functions_of_one_and_two_numbers(void **unused) {
    for (size_t i = 0; i < sizeof elementwise / sizeof *elementwise; i++)
        for (int64_t k = 0; k < elementwise[i].count; k++) {
            const known *e = &elementwise[i];
            double got = pgd_scalar_float(e->op, e->a[k], e->b[k], 0);
            check(fabs(got - e->y[k]) <= 3e-13 * fabs(e->y[k]), "%s(%.17g, %.17g) is %.17g, not %.17g", pgd_op_name(e->op), e->a[k], e->b[k], got, e->y[k]);
        }
}

static void tests_and_whole_numbers(void **unused) {
    static const int64_t mod[][3] = {{7, 3, 1}, {-7, 3, 2}, {7, -3, -2}, {-7, -3, -1}, {6, 3, 0}, {-6, 3, 0}, {5, 0, 0}, {INT64_MIN, -1, 0}}; /* NumPy */
    for (size_t i = 0; i < sizeof mod / sizeof *mod; i++) assert_true(pgd_scalar_int(PGD_OP_MOD, mod[i][0], mod[i][1], 0) == mod[i][2]);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) assert_true(pgd_scalar_int(PGD_OP_XOR, a, b, 0) == (a != b));
    assert_true(pgd_scalar_float(PGD_OP_ISNAN, NAN, 0, 0) == 1 && pgd_scalar_float(PGD_OP_ISNAN, INFINITY, 0, 0) == 0);
    assert_true(pgd_scalar_float(PGD_OP_ISINF, -INFINITY, 0, 0) == 1 && pgd_scalar_float(PGD_OP_ISINF, NAN, 0, 0) == 0 && pgd_scalar_float(PGD_OP_ISINF, 3, 0, 0) == 0);
    assert_true(pgd_scalar_float(PGD_OP_MOD, -1, INFINITY, 0) == INFINITY && isnan(pgd_scalar_float(PGD_OP_MOD, 1, 0, 0)));
    assert_true(signbit(pgd_scalar_float(PGD_OP_MOD, 6, -3, 0)) && !signbit(pgd_scalar_float(PGD_OP_MOD, -6, 3, 0)));
    assert_true(pgd_scalar_float(PGD_OP_GELU, -INFINITY, 0, 0) == 0 && pgd_scalar_float(PGD_OP_GELU, INFINITY, 0, 0) == INFINITY);
}

/* ---- graphs of one input in f32, run by a plan and by the references -------------------------------------------------------------------------------- */

static pgd_device *device;
static pgd_graph *g;

static int open_device(void **unused) {
    ok(pgd_device_open("cpu", NULL, &device));
    return 0;
}

static int close_device(void **unused) {
    pgd_device_close(device);
    return 0;
}

static pgd_value *begin(pgd_symshape shape) {
    ok(pgd_graph_create(&g));
    return pgd_input(g, "x", PGD_F32, shape);
}

static pgd_value *gradient_of(pgd_value *y, pgd_value *x) {
    pgd_value *dx;
    ok(pgd_graph_status(g));
    ok(pgd_gradients(g, y, &x, 1, &dx));
    return dx;
}

/* y, of f32 or i32, holds these numbers; NaN is NaN. */
static void gives(pgd_value *y, const char *what, const float *x, const double *want, int64_t count, double tolerance) {
    pgd_plan *plan;
    pgd_run *run;
    pgd_tensor in = {PGD_F32, {0}, (void *)(uintptr_t)x};
    ok(pgd_graph_status(g));
    pgd_value *leaf = g->nodes[0]->outputs;
    in.shape.rank = leaf->shape.rank;
    memcpy(in.shape.dims, leaf->shape.dims, sizeof in.shape.dims);
    pgd_output(g, "y", y);
    pgd_output(g, "kept", leaf);
    reference r = reference_run(g, NULL, &(binding){"x", in}, 1);
    const pgd_tensor *by_reference = reference_of(&r, y);
    check(pgd_shape_elems(by_reference->shape) == count, "%s: %lld elements, not %lld", what, (long long)pgd_shape_elems(by_reference->shape), (long long)count);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_set(run, "x", in.shape, x));
    ok(pgd_run_execute(run));
    pgd_tensor by_plan = *by_reference;
    by_plan.data = malloc(tensor_bytes(by_reference) + 1);
    assert_non_null(by_plan.data);
    ok(pgd_run_get(run, "y", by_plan.data, tensor_bytes(&by_plan)));
    for (int64_t i = 0; i < count; i++) {
        double a = pgd_tensor_get(by_reference, i), b = pgd_tensor_get(&by_plan, i);
        check(near(a, want[i], tolerance), "%s: element %lld of the reference is %.9g, not %.9g", what, (long long)i, a, want[i]);
        check(near(b, want[i], tolerance), "%s: element %lld of the plan is %.9g, not %.9g", what, (long long)i, b, want[i]);
    }
    free(by_plan.data);
    reference_free(&r);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}
#define D(...) (pgd_symshape) { sizeof((pgd_dim[]){__VA_ARGS__}) / sizeof(pgd_dim), { __VA_ARGS__ } }
#define GIVES(y, x, tolerance, ...) gives(y, #y, x, (double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double), tolerance)

static void the_gradient_of_gelu_is_one_fused_program(void **unused) {
    static const float values[64] = {1, -2};
    pgd_plan *plan;
    pgd_run *run;
    pgd_step_profile step;
    pgd_value *x = begin(D(64));
    pgd_output(g, "dx", gradient_of(pgd_gelu(g, x), x));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_set(run, "x", pgd_shape_of(1, 64), values));
    pgd_run_profile(run, true);
    ok(pgd_run_execute(run));
    assert_int_equal(pgd_run_step_count(run), 1);
    ok(pgd_run_step(run, 0, &step));
    assert_string_equal(step.operation, "program");
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

/* ---- reductions and scans --------------------------------------------------------------------------------------------------------------------------- */

static void products_and_running_sums(void **unused) {
    static const float x[6] = {1, 2, -3, 4, 0.5f, 6}, holes[12] = {2, 0, 3, 4, 0, 5, 0, 7, 1, 2, 3, 4}, nan[4] = {3, NAN, 1, NAN};
    pgd_value *v;
    v = begin(D(2, 3)); GIVES(pgd_prod(g, v, (int32_t[]){1}, 1), x, 0, -6, 12);
    v = begin(D(2, 3)); GIVES(pgd_prod(g, v, (int32_t[]){0}, 1), x, 0, 4, 1, -18);
    v = begin(D(2, 3)); GIVES(pgd_cumsum(g, v, 1, false, false), x, 0, 1, 3, 0, 4, 4.5, 10.5);
    v = begin(D(2, 3)); GIVES(pgd_cumsum(g, v, 0, true, false), x, 0, 5, 2.5, 3, 4, 0.5, 6);
    v = begin(D(2, 3)); GIVES(pgd_cumsum(g, v, 1, false, true), x, 0, 0, 1, 3, 0, 4, 4.5);
    v = begin(D(2, 3)); GIVES(pgd_cumprod(g, v, -1, true, true), x, 0, -6, -3, 1, 3, 6, 1);
    v = begin(D(2, 3)); GIVES(pgd_argmin(g, v, 1), x, 0, 2, 1);
    v = begin(D(4)); GIVES(pgd_argmin(g, v, 0), nan, 0, 1);
    v = begin(D(3, 4)); GIVES(gradient_of(pgd_prod(g, v, (int32_t[]){1}, 1), v), holes, 0, 0, 24, 0, 0, 0, 0, 0, 0, 24, 12, 8, 6);
    v = begin(D(3, 4)); GIVES(gradient_of(pgd_cumprod(g, v, 1, false, false), v), holes, 0, 1, 32, 0, 0, 6, 0, 0, 0, 33, 16, 10, 6);
}

/* ---- positions as data -------------------------------------------------------------------------------------------------------------------------------- */

static pgd_value *whole(pgd_shape shape, const int32_t *values) { return pgd_constant(g, PGD_I32, shape, values); }
static pgd_value *numbers(pgd_shape shape, const float *values) { return pgd_constant(g, PGD_F32, shape, values); }

static void elements_and_slices_at_positions(void **unused) {
    static const float x[12] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, updates[6] = {10, 20, 30, 40, 50, 60};
    static const int32_t columns[6] = {0, -1, 3, 1, 2, 2}, rows[4] = {2, 0, 1, -1}, pairs[6] = {0, 2, 1, 1, 0, 2}, outside[3] = {1, 7, -5};
    const pgd_shape s32 = {2, {3, 2}}, s14 = {2, {1, 4}}, s3 = {1, {3}};
    pgd_value *v;
    v = begin(D(3, 4)); GIVES(pgd_gather_elements(g, v, whole(s32, columns), 1), x, 0, 3, 1, 6, 9, 5, 5);
    v = begin(D(3, 4)); GIVES(pgd_gather_elements(g, v, whole(s14, rows), 0), x, 0, 5, 1, 2, 8);
    v = begin(D(4)); GIVES(pgd_gather_elements(g, v, whole(s3, outside), 0), x, 0, 1, (double)NAN, (double)NAN);
    v = begin(D(3, 4)); GIVES(pgd_scatter_elements(g, v, whole(s32, columns), numbers(s32, updates), 1, PGD_SCATTER_SET), x, 0, 10, 1, 4, 20, 5, 40, 2, 30, 5, 3, 60, 8);
    v = begin(D(4)); GIVES(pgd_scatter_elements(g, v, whole(s3, outside), numbers(s3, updates), 0, PGD_SCATTER_SET), x, 0, 3, 10, 4, 1);
    v = begin(D(4)); GIVES(pgd_scatter_elements(g, v, whole(s3, (int32_t[]){0, 0, 3}), numbers(s3, (float[]){2, 7, 9}), 0, PGD_SCATTER_MIN), x, 0, 2, 1, 4, 1);
    v = begin(D(4)); GIVES(pgd_scatter_elements(g, v, whole(s3, (int32_t[]){0, 0, 3}), numbers(s3, (float[]){2, 7, 9}), 0, PGD_SCATTER_MAX), x, 0, 7, 1, 4, 9);
    v = begin(D(3, 4)); GIVES(pgd_scatter_nd(g, v, whole(s32, pairs), numbers(s3, (float[]){1, 2, 3}), PGD_SCATTER_ADD), x, 0, 3, 1, 8, 1, 5, 11, 2, 6, 5, 3, 5, 8);
    v = begin(D(3, 4)); GIVES(pgd_scatter_nd(g, v, whole(s32, pairs), numbers(s3, (float[]){1, 2, 3}), PGD_SCATTER_SET), x, 0, 3, 1, 3, 1, 5, 2, 2, 6, 5, 3, 5, 8);
    v = begin(D(3, 4)); GIVES(pgd_gather_nd(g, v, whole(s32, pairs)), x, 0, 4, 9, 4);
    v = begin(D(3, 4)); GIVES(pgd_gather_nd(g, v, whole((pgd_shape){2, {2, 1}}, (int32_t[]){2, 0})), x, 0, 5, 3, 5, 8, 3, 1, 4, 1);
    v = begin(D(3, 4)); GIVES(pgd_reverse(g, v, (int32_t[]){0, 1}, 2), x, 0, 8, 5, 3, 5, 6, 2, 9, 5, 1, 4, 1, 3);
}

static void the_second_derivative_of_gelu_ends_in_zero(void **unused) {
    static const float x[5] = {-INFINITY, -1e30f, 0, 1e30f, INFINITY};
    pgd_value *v = begin(D(5));
    GIVES(gradient_of(pgd_gelu_slope(g, v), v), x, 1e-6, 0, 0, 0.797884561, 0, 0);
}

static void greatest_and_least_keep_the_order_of_equals(void **unused) {
    static const float x[12] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, odd[5] = {1, NAN, -0.0f, 0, NAN};
    pgd_value *v, *at;
    v = begin(D(3, 4)); GIVES((pgd_topk(g, v, 3, true, &at), at), x, 0, 2, 0, 1, 1, 3, 0, 3, 0, 2);
    v = begin(D(3, 4)); GIVES((pgd_topk(g, v, 3, false, &at), at), x, 0, 1, 3, 0, 2, 0, 3, 1, 0, 2);
    v = begin(D(3, 4)); GIVES((pgd_topk(g, v, 2, true, NULL)), x, 0, 4, 3, 9, 6, 8, 5);
    v = begin(D(5)); GIVES((pgd_topk(g, v, 5, true, &at), at), odd, 0, 1, 4, 0, 2, 3);
    v = begin(D(5)); GIVES((pgd_topk(g, v, 5, false, &at), at), odd, 0, 2, 3, 0, 1, 4);
}

static void positions_are_checked(void **unused) {
#define WRONG(sentence, ...)                                  \
    do {                                                      \
        pgd_value *v = begin(D(3, 4));                        \
        assert_null(__VA_ARGS__);                             \
        fails(PGD_BAD_ARG, sentence, pgd_graph_status(g));    \
        pgd_graph_destroy(g);                                 \
    } while (0)
    const pgd_shape s3 = {1, {3}}, s23 = {2, {2, 3}};
    static const int32_t at[6] = {0};
    WRONG("must be i32 or i64", pgd_gather_elements(g, v, v, 0));
    WRONG("agree everywhere but on axis 0", pgd_gather_elements(g, v, whole(s23, at), 0));
    WRONG("one rank", pgd_gather_elements(g, v, whole(s3, at), 0));
    WRONG("the shape of the indices", pgd_scatter_elements(g, v, whole((pgd_shape){2, {3, 2}}, at), v, 1, PGD_SCATTER_ADD));
    WRONG("mode 4", pgd_scatter_elements(g, v, whole((pgd_shape){2, {3, 4}}, (int32_t[12]){0}), v, 1, (pgd_scatter_mode)4));
    WRONG("how many coordinates", pgd_gather_nd(g, v, whole(s23, at)));
    WRONG("mode 2", pgd_scatter_nd(g, v, whole((pgd_shape){2, {3, 1}}, at), v, PGD_SCATTER_MIN));
    WRONG("the updates must be [2,4]", pgd_scatter_nd(g, v, whole((pgd_shape){2, {2, 1}}, at), v, PGD_SCATTER_SET));
    WRONG("topk: 5 of rows of 4", pgd_topk(g, v, 5, true, NULL));
    WRONG("cumsum: axis", pgd_graph_op(g, PGD_OP_CUMSUM, &(pgd_attrs){.ints = {2}}, &v, 1));
    WRONG("outside rank 2", pgd_reverse(g, v, (int32_t[]){2}, 1));
}

/* ---- windows: SciPy's correlate and convolve2d, NumPy's interp ------------------------------------------------------------------------------------------ */

static void convolutions_in_one_and_three_dimensions(void **unused) {
    static const float line[12] = {2, -3, -2, -2, -2, 2, 3, 1, -3, -3, -1, 0}, filters[12] = {1, 0, -1, -2, 1, 1, -2, -2, 0, -1, 2, 0}, pair[4] = {0, 0, 1, 0};
    static const float block[144] = {-2, 2, 2, 3, 2, -2, -1, 1, 1, 1, 3, -1, 3, -3, -3, 3, 3, -1, -3, -1, -3, 3, 1, 1, -2, 0, -2, 2, 0, -3, -2, 1, 0, -1, -2, -3, 1, 1, 0, 3, 3, -2, 1, 1, -2, -1, 0, 2, -1, 2, 1, -2, -1, 2, 2, 1, -3, 1, -2, 2, 3, 0, 3, 2, -1, 3, -1, -3, 1, 2, 1, -1, 3, 0, -1, -2, -2, 1, 2, -1, 1, 3, -2, -2, 0, 0, -1, -1, -3, 1, 3, -2, 2, -2, -3, 2, -2, 2, -1, 0, 3, 3, 0, -2, -2, 2, 1, -2, 3, 3, 3, 1, 3, 1, 0, 3, 1, 2, -1, 2, 3, -3, 0, -1, -3, -3, -2, -2, 2, -2, 1, 3, 0, -3, -3, -1, -1, 0, -1, 2, 0, 3, 3, 1};
    static const float taps[32] = {-2, -1, 1, 0, 2, 1, 2, -2, -1, 1, 1, -1, -2, 0, -2, 1, 2, 1, -2, 0, -1, 0, 1, -2, -2, 0, 1, -2, 2, 0, 2, 0};
    pgd_conv1d_options strided = {sizeof strided, .stride = 2, .pad_before = 1, .dilation = 1, .groups = 1}, apart = {sizeof apart, .stride = 1, .dilation = 2, .groups = 2};
    pgd_conv3d_options o;
    pgd_value *v;
    v = begin(D(1, 2, 6)); GIVES(pgd_conv1d(g, v, numbers((pgd_shape){3, {2, 2, 3}}, filters), &strided), line, 0, 7, -9, 1, 2, 3, 9);
    v = begin(D(1, 2, 6)); GIVES(pgd_conv1d(g, v, numbers((pgd_shape){3, {2, 1, 2}}, pair), &apart), line, 0, 0, 0, 0, 0, 3, 1, -3, -3);
    pgd_conv3d_options_init(&o, sizeof o);
    o.stride_d = 2, o.pad_front = o.pad_back = o.pad_right = 1;
    v = begin(D(2, 2, 4, 3, 3));
    GIVES(pgd_conv3d(g, v, numbers((pgd_shape){5, {2, 2, 2, 2, 2}}, taps), &o), block, 0, -5, 4, 4, -3, -8, 6, -15, -6, -4, -3, 22, -6, -7, 4, 4, 1, 2, -5, 9, 12, -8, 2, 5, -5, 6, 9, 3, 2, -25, 3, 9, -8, -11, 1, 15, 3, 1, -18, -8, 1, -18, 0, 14, -1, -1, -19, 4, 2, -6, -8, -8, 7, 7, 3, 7, 8, 10, 8, 11, 4, 2, -14, 4, -7, 17, -10, 0, 17, 10, -7, -11, 1);
    v = begin(D(1, 1, 5)); GIVES(pgd_max_pool1d(g, v, 2, 0, 1), line, 0, 2, -2, -2);
    v = begin(D(1, 1, 4)); GIVES(pgd_avg_pool1d(g, v, 2, 1, 0), line, 0, -0.5, -2.5, -2);
}

static void transposed_convolutions(void **unused) {
    static const float x[12] = {2, 2, 0, -1, 1, -3, 1, 0, -2, -2, -3, 2}, w[24] = {1, -1, 2, -1, -1, 2, -2, -1, -2, -1, 1, -1, 0, 0, -2, -2, -1, 0, -2, 2, 2, 0, 1, 1};
    pgd_conv_transpose_options o;
    pgd_conv_transpose_options_init(&o, sizeof o);
    o.stride_h = 2, o.pad_top = 1, o.pad_right = 1, o.output_pad_h = 1;
    pgd_value *v = begin(D(1, 2, 2, 3));
    GIVES(pgd_conv_transpose(g, v, numbers((pgd_shape){4, {2, 2, 2, 3}}, w), &o), x, 0, -4, -5, 6, 6, -1, 2, -2, 11, 5, 8, -1, 3, 0, 0, 0, 0, -2, 1, 1, -4, 6, 1, -7, -1, 1, -4, 0, -5, 0, 0, 0, 0);
    ok(pgd_graph_create(&g)); /* of any height */
    pgd_dim H = pgd_graph_symbol(g, "H", 1, 99);
    v = pgd_conv_transpose(g, pgd_input(g, "x", PGD_F32, D(1, 2, H, 3)), pgd_input(g, "w", PGD_F32, D(2, 1, 3, 3)), &(pgd_conv_transpose_options){sizeof o, 2, 1, 1, 1, 1, 1, 1, 1, 2, 1, 0});
    ok(pgd_graph_status(g));
    assert_true(pgd_dim_eval(g, v->shape.dims[2], (int64_t[]){7}) == 14 && v->shape.dims[1] == 2);
    pgd_graph_destroy(g);
}

static void resized_axes(void **unused) {
    static const float x[5] = {1, 4, 2, 8, 5};
    static const struct {
        pgd_resize_mode mode;
        pgd_resize_grid grid;
        int64_t width;
        double y[8];
    } cases[] = {
        {PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL, 3, {2, 2, 6}},
        {PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL, 8, {1, 2.3125, 3.875, 2.625, 3.875, 7.625, 6.3125, 5}},
        {PGD_RESIZE_LINEAR, PGD_RESIZE_ALIGN_CORNERS, 3, {1, 2, 5}},
        {PGD_RESIZE_LINEAR, PGD_RESIZE_ALIGN_CORNERS, 8, {1, 2.71428571, 3.71428571, 2.57142857, 3.71428571, 7.14285714, 6.71428571, 5}},
        {PGD_RESIZE_LINEAR, PGD_RESIZE_ASYMMETRIC, 3, {1, 2.66666667, 7}},
        {PGD_RESIZE_LINEAR, PGD_RESIZE_ASYMMETRIC, 8, {1, 2.875, 3.5, 2.25, 5, 7.625, 5.75, 5}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_HALF_PIXEL, 3, {1, 2, 5}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_HALF_PIXEL, 8, {1, 1, 4, 2, 2, 8, 5, 5}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_ALIGN_CORNERS, 3, {1, 2, 5}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_ALIGN_CORNERS, 8, {1, 4, 4, 2, 2, 8, 8, 5}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_ASYMMETRIC, 3, {1, 4, 8}},
        {PGD_RESIZE_NEAREST, PGD_RESIZE_ASYMMETRIC, 8, {1, 1, 4, 4, 2, 8, 8, 5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int down = 0; down < 2; down++) {
            pgd_value *v = down ? begin(D(1, 1, 5, 1)) : begin(D(1, 1, 1, 5));
            gives(pgd_resize(g, v, down ? cases[i].width : 1, down ? 1 : cases[i].width, cases[i].mode, cases[i].grid), "resize", x, cases[i].y, cases[i].width, 1e-6);
        }
}

static void windows_are_checked(void **unused) {
    const pgd_shape cube = {5, {1, 1, 1, 1, 1}}, square = {4, {4, 1, 1, 1}};
    pgd_conv_transpose_options o;
    pgd_conv_transpose_options_init(&o, sizeof o);
    o.output_pad_w = 1;
    static const float one[4] = {1};
    WRONG("conv1d: x is [3,4]", pgd_conv1d(g, v, v, NULL));
    WRONG("conv3d: x [3,4]", pgd_conv3d(g, v, numbers(cube, one), NULL));
    WRONG("conv_transpose: x [3,4]", pgd_conv_transpose(g, v, numbers(square, one), NULL));
    WRONG("smaller than the strides", pgd_conv_transpose(g, pgd_reshape(g, v, D(1, 4, 1, 3)), numbers(square, one), &o));
    WRONG("max_pool1d: x is [3,4]", pgd_max_pool1d(g, v, 2, 2, 0));
    WRONG("floats [N,C,H,W]", pgd_resize(g, v, 2, 2, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL));
    WRONG("no positions", pgd_resize(g, pgd_reshape(g, pgd_slice(g, v, 0, 0, 0), D(1, 1, 0, 4)), 2, 2, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL));
    WRONG("no mode 7", pgd_resize(g, pgd_reshape(g, v, D(1, 1, 3, 4)), 2, 2, (pgd_resize_mode)7, PGD_RESIZE_HALF_PIXEL));
}

/* ---- recurrent: a loop over the steps in NumPy ------------------------------------------------------------------------------------------------------------ */

static void recurrent_steps(void **unused) {
    static const float x4[48] = {0.921875, 0.921875, 0.046875, -0.640625, -1.34375, -0.34375, -0.28125, -1.359375, -1.359375, 1.5, 0.453125, -0.796875, -0.1875, 1.421875, 1.1875, 1.03125, -0.328125, -0.015625, 0.53125, -1.3125, 0.171875, -0.6875, 1.140625, -1.3125, 0.53125, 1.109375, -0.8125, 1.1875, 1.109375, -1.4375, 0.625, -1.5, 0.015625, -0.1875, -0.890625, -0.53125, 0.921875, -0.546875, -1.046875, 0.59375, -0.15625, 0.890625, -0.796875, -0.546875, 0.90625, 0.015625, 0.015625, -0.796875};
    static const float w4[16] = {-1.453125, 1.296875, -1.25, 1.03125, -0.390625, 1.359375, -0.296875, 1.3125, 0.171875, -0.78125, 0.71875, 0.515625, 0.546875, -0.109375, -0.828125, 0.421875}, h0[4] = {-1.171875, 0.578125, 0.40625, -0.375}, c0[4] = {0.890625, -0.921875, -0.328125, 0.890625};
    static const float x3[36] = {-0.359375, 0.640625, 0.34375, 1.328125, 1.46875, 0.671875, 0.921875, -1.046875, 0.640625, 1.046875, -0.296875, 0.15625, -0.0625, 1.375, -0.546875, -0.296875, -1.5, -0.234375, 0.390625, 1.3125, 1.265625, -0.515625, 1.46875, -0.9375, 0.96875, -1.03125, -0.28125, -1.28125, 1.078125, 0.984375, -1.078125, 0.078125, -0.71875, -0.03125, 0.15625, -1.1875};
    static const float w3[12] = {1.09375, -0.65625, -0.15625, -1.328125, -1.484375, -0.921875, -0.46875, 1.28125, 1.171875, -0.0625, -0.140625, 0.5}, b[6] = {1.078125, -0.484375, 0.875, -0.296875, 0.28125, 0.71875};
    const pgd_shape state = {2, {2, 2}};
    pgd_value *x, *cells;
    x = begin(D(3, 2, 8));
    GIVES(pgd_lstm(g, x, numbers((pgd_shape){2, {8, 2}}, w4), numbers(state, h0), numbers(state, c0), NULL), x4, 2e-6, -0.0623278515, -0.392469977, -0.106718229, 0.405544459, 0.016953957, -0.0862822506, 0.260394336, -0.0168667658, 0.091452533, -0.233200544, 0.203980895, 0.0252549729);
    x = begin(D(3, 2, 8));
    GIVES((pgd_lstm(g, x, numbers((pgd_shape){2, {8, 2}}, w4), numbers(state, h0), numbers(state, c0), &cells), cells), x4, 2e-6, -0.233438672, -1.24257944, -0.132504114, 0.762717221, 0.0223287815, -0.479140533, 0.441456783, -0.075325113, 0.362197032, -0.386858393, 0.397518893, 0.0955557822);
    x = begin(D(3, 2, 6));
    GIVES(pgd_gru(g, x, numbers((pgd_shape){2, {6, 2}}, w3), numbers((pgd_shape){1, {6}}, b), numbers(state, h0)), x3, 2e-6, -1.01012521, 0.599075873, 0.40683398, -0.0661000402, -0.997556472, 0.529255085, 0.502041136, -0.360484039, -0.752062589, 0.696147247, 0.583416549, -0.641059533);
    WRONG("lstm: x [3,4]", pgd_lstm(g, v, v, v, v, NULL));
    WRONG("gru: x [3,4]", pgd_gru(g, v, v, v, v));
    x = begin(D(2, 1, 4)); /* nothing comes back through what is kept for the derivative */
    pgd_node *node = pgd_graph_add(g, PGD_OP_LSTM, NULL, (pgd_value *[]){x, numbers((pgd_shape){2, {4, 1}}, w4), numbers((pgd_shape){2, {1, 1}}, h0), numbers((pgd_shape){2, {1, 1}}, c0)}, 4);
    pgd_value *dx;
    assert_non_null(node);
    fails(PGD_UNSUPPORTED, "through its gates", pgd_gradients(g, &node->outputs[2], &x, 1, &dx));
    pgd_graph_destroy(g);
}

/* ---- rotary embedding, softmax along an axis: NumPy --------------------------------------------------------------------------------------------------------- */

static void rotated_pairs(void **unused) {
    static const float x[16] = {1, 2, 3, 4, 0.5, -1, 2, 0.25, -2, 1, 0, 3, 1, 1, 1, 1};
    pgd_value *y;
    y = begin(D(1, 2, 2, 4)); GIVES(pgd_rope(g, y, whole((pgd_shape){2, {1, 2}}, (int32_t[]){3, 100000}), 10000), x, 1e-6, -1.41335252, 1.87911807, -2.82885748, 4.05819114, -0.777236264, -1.00704891, -1.90942499, 0.219892008, 1.99872161, -1.91825955, -0.0714975959, 2.51401677, -1.03510961, -0.264500464, -0.963612009, 1.38925862);
    y = begin(D(1, 2, 2, 4)); GIVES(pgd_rope(g, y, whole((pgd_shape){1, {1}}, (int32_t[]){7}), 500), x, 1e-6, -1.21705754, 0.67095224, 2.91869336, 4.42151819, -0.93702207, -1.0283892, 1.83629781, -0.0701116553, 0.291000068, -0.11388163, -1.97871649, 3.16022641, -1.13485828, 0.586492631, 0.843858213, 1.28686689);
    y = begin(D(1, 2, 2, 4)); GIVES(pgd_rope(g, y, NULL, 10000), x, 1e-6, 1, 2, 3, 4, 0.5, -1, 2, 0.25, -1.08060461, 0.9699505, -1.68294197, 3.00984983, -0.301168679, 0.989950167, 1.38177329, 1.00994983);
    WRONG("it must be [B,T,H,D]", pgd_rope(g, v, NULL, 10000));
    WRONG("with even D", pgd_rope(g, pgd_reshape(g, v, D(1, 4, 1, 3)), NULL, 10000));
    WRONG("base 0", pgd_rope(g, pgd_reshape(g, v, D(1, 3, 1, 4)), NULL, 0));
}

static void softmax_along_an_axis(void **unused) {
    static const float x[6] = {1, 2, 3, 2, 0, -1};
    pgd_value *y;
    y = begin(D(2, 3)); GIVES(pgd_softmax_along(g, y, 0), x, 1e-6, 0.268941421, 0.880797078, 0.98201379, 0.731058579, 0.119202922, 0.01798621);
    y = begin(D(2, 3)); GIVES(pgd_log_softmax_along(g, y, -2), x, 1e-6, -1.31326169, -0.126928011, -0.0181499279, -0.313261688, -2.12692801, -4.01814993);
    y = begin(D(1, 2, 3)); GIVES(pgd_softmax_along(g, y, 1), x, 1e-6, 0.268941421, 0.880797078, 0.98201379, 0.731058579, 0.119202922, 0.01798621);
    y = begin(D(2, 3, 1)); GIVES(pgd_softmax_along(g, y, 0), x, 1e-6, 0.268941421, 0.880797078, 0.98201379, 0.731058579, 0.119202922, 0.01798621);
    WRONG("outside rank 2", pgd_softmax_along(g, v, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_and_two_numbers), cmocka_unit_test(tests_and_whole_numbers), cmocka_unit_test(the_gradient_of_gelu_is_one_fused_program), cmocka_unit_test(products_and_running_sums), cmocka_unit_test(elements_and_slices_at_positions),
        cmocka_unit_test(the_second_derivative_of_gelu_ends_in_zero), cmocka_unit_test(greatest_and_least_keep_the_order_of_equals), cmocka_unit_test(positions_are_checked), cmocka_unit_test(convolutions_in_one_and_three_dimensions),
        cmocka_unit_test(transposed_convolutions), cmocka_unit_test(resized_axes), cmocka_unit_test(windows_are_checked), cmocka_unit_test(recurrent_steps),
        cmocka_unit_test(rotated_pairs), cmocka_unit_test(softmax_along_an_axis),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
