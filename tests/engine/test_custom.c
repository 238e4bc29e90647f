/* SPDX-License-Identifier: Apache-2.0
 * Operations of the program's own: values, pieces, gradients, sizes, and everything that may be wrong with a table. */
#include <pagoda/engine.h>
#include <math.h>

#include "check.h"

static pgd_device *device;
static pgd_graph *g;

static int set_up(void **state) {
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    o.threads = 2;
    ok(pgd_device_open("cpu", &o, &device));
    ok(pgd_graph_create(&g));
    return 0;
}

static int tear_down(void **state) {
    pgd_graph_destroy(g);
    pgd_device_close(device);
    return 0;
}

/* ---- a x^2 + b rows, in pieces of rows; a is user's, b an input [D] ---------------------------------------------------------------------------------- */

static int64_t piece_rows(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y) {
    assert_null(in[0].data);
    return (y->shape.dims[0] + 2) / 3;
}

static void square_rows(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y, int64_t piece, int64_t pieces) {
    int64_t rows = y->shape.dims[0], width = y->shape.dims[1], first = rows * piece / pieces, end = rows * (piece + 1) / pieces;
    const float *x = in[0].data, *b = in[1].data, a = *(const float *)user;
    for (int64_t i = first * width; i < end * width; i++) ((float *)y->data)[i] = a * x[i] * x[i] + b[i % width];
}

static void square_gradient(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_value *y, pgd_value *dy, pgd_value **dx) {
    dx[0] = pgd_mul(graph, dy, pgd_mul(graph, in[0], pgd_scalar(graph, PGD_F32, 2 * (double)*(const float *)user)));
    dx[1] = pgd_reshape(graph, pgd_sum(graph, dy, (int32_t[]){0}, 1), pgd_value_shape(in[1]));
}

static const char *square_infer(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_dtype *dtype, pgd_symshape *shape) {
    if (count != 2 || *dtype != PGD_F32 || shape->rank != 2) return "it takes x f32 [N,D] and b [D]";
    return NULL;
}

static float two = 2, three = 3;
#define TABLE(user_) {.struct_bytes = sizeof(pgd_custom_op), .name = "square_rows", .user = user_, .infer = square_infer, .pieces = piece_rows, .run = square_rows, .gradient = square_gradient}
static const pgd_custom_op doubled = TABLE(&two), tripled = TABLE(&three);

static void a_table_computes_at_every_size_and_has_a_gradient(void **unused) {
    enum { D = 5, MOST = 40 };
    float x[MOST * D], b[D] = {1, 2, 3, 4, 5}, y[MOST * D], z[MOST * D], dx[MOST * D], db[D];
    pgd_plan *plan;
    pgd_run *run;
    pgd_dim N = pgd_graph_symbol(g, "N", 1, MOST);
    pgd_value *xs = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, N, D)), *bs = pgd_input(g, "b", PGD_F32, pgd_symshape_of(1, D)), *in[2] = {pgd_relu(g, xs), bs}, *d[2];
    pgd_value *twice = pgd_custom(g, &doubled, in, 2), *thrice = pgd_custom(g, &tripled, in, 2);
    ok(pgd_gradients(g, pgd_sum(g, pgd_mul(g, twice, thrice), (int32_t[]){0, 1}, 2), (pgd_value *[]){xs, bs}, 2, d));
    pgd_output(g, "y", pgd_tanh(g, twice));
    pgd_output(g, "z", thrice);
    pgd_output(g, "dx", d[0]);
    pgd_output(g, "db", d[1]);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    for (int64_t n = 1; n <= MOST; n += 13) {
        double sums[D] = {0};
        for (int64_t i = 0; i < n * D; i++) x[i] = (float)((i * 7 + n) % 11) / 8 - 0.5f;
        ok(pgd_run_set(run, "x", pgd_shape_of(2, n, D), x));
        ok(pgd_run_set(run, "b", pgd_shape_of(1, D), b));
        ok(pgd_run_execute(run));
        ok(pgd_run_get(run, "y", y, (size_t)(n * D) * sizeof *y));
        ok(pgd_run_get(run, "z", z, (size_t)(n * D) * sizeof *z));
        ok(pgd_run_get(run, "dx", dx, (size_t)(n * D) * sizeof *dx));
        ok(pgd_run_get(run, "db", db, sizeof db));
        for (int64_t i = 0; i < n * D; i++) {
            double r = x[i] > 0 ? (double)x[i] : 0, p = 2 * r * r + (double)b[i % D], q = 3 * r * r + (double)b[i % D];
            check(fabs((double)y[i] - tanh(p)) < 1e-6 && fabs((double)z[i] - q) < 1e-5, "element %lld of %lld rows: %g and %g, not %g and %g", (long long)i, (long long)n, (double)y[i], (double)z[i], tanh(p), q);
            double want = r > 0 ? q * 4 * r + p * 6 * r : 0;
            check(fabs((double)dx[i] - want) < 1e-4, "gradient %lld of %lld rows: %g, not %g", (long long)i, (long long)n, (double)dx[i], want);
            sums[i % D] += p + q;
        }
        for (int i = 0; i < D; i++) check(fabs((double)db[i] - sums[i]) < 1e-3, "db[%d] is %g, not %g", i, (double)db[i], sums[i]);
    }
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
}

/* ---- no infer, no gradient, no pieces; one that changes dtype and extents ------------------------------------------------------------------------------ */

static int64_t calls;

static void count_calls(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y, int64_t piece, int64_t pieces) {
    assert_true(piece == 0 && pieces == 1);
    calls++;
    memcpy(y->data, in[0].data, (size_t)pgd_shape_elems(y->shape) * sizeof(float));
}

static const char *length_infer(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_dtype *dtype, pgd_symshape *shape) {
    *dtype = PGD_I64;
    *shape = pgd_symshape_of(1, 2);
    return NULL;
}

static void lengths(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y, int64_t piece, int64_t pieces) {
    ((int64_t *)y->data)[0] = pgd_shape_elems(in[0].shape);
    ((int64_t *)y->data)[1] = count;
}

static void the_least_table_and_another_shape(void **unused) {
    static const pgd_custom_op copy = {.struct_bytes = sizeof copy, .name = "copy", .run = count_calls}, length = {.struct_bytes = sizeof length, .name = "length", .infer = length_infer, .run = lengths};
    pgd_evaluator *evaluator;
    float y[3];
    int64_t n[2];
    char *text;
    ok(pgd_evaluator_create(device, 4, NULL, &evaluator));
    pgd_value *x = pgd_constant(g, PGD_F32, pgd_shape_of(1, 3), (float[]){4, 5, 6}), *halves = pgd_cast(g, x, PGD_F16), *c = pgd_custom(g, &copy, &x, 1), *d[1];
    calls = 0;
    ok(pgd_eval(evaluator, g, c, NULL, y, sizeof y));
    assert_true(y[0] == 4 && y[2] == 6 && calls > 0);
    ok(pgd_eval(evaluator, g, pgd_custom(g, &length, (pgd_value *[]){halves, x}, 2), NULL, n, sizeof n)); /* 16-bit values come as they are */
    assert_true(n[0] == 3 && n[1] == 2);
    ok(pgd_eval(evaluator, g, pgd_custom(g, &length, &x, 1), NULL, n, sizeof n));
    assert_true(n[0] == 3 && n[1] == 1);
    ok(pgd_gradients(g, pgd_sum(g, c, (int32_t[]){0}, 1), &x, 1, d)); /* nothing flows */
    ok(pgd_eval(evaluator, g, d[0], NULL, y, sizeof y));
    assert_true(y[0] == 0 && y[1] == 0 && y[2] == 0);
    ok(pgd_graph_print(g, &text));
    assert_non_null(strstr(text, "custom \"copy\" table="));
    pgd_graph *again;
    assert_int_equal(pgd_graph_parse(text, strlen(text), &again), PGD_CORRUPT);
    assert_non_null(strstr(pgd_error_text(), "known only to the program that made it"));
    pgd_text_free(text);
    pgd_evaluator_destroy(evaluator);
}

/* Only its own piece; work on constants is not done while compiling. */
static int64_t each_element(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y) { return pgd_shape_elems(y->shape); }
static void one_element(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y, int64_t piece, int64_t pieces) { ((float *)y->data)[piece] = ((const float *)in[0].data)[piece] + 1; }

static void constants_are_computed_in_pieces_too(void **unused) {
    static const pgd_custom_op next = {.struct_bytes = sizeof next, .name = "next", .pieces = each_element, .run = one_element};
    pgd_plan *plan;
    pgd_run *run;
    float y[4];
    pgd_value *x = pgd_constant(g, PGD_F32, pgd_shape_of(1, 4), (float[]){1, 2, 3, 4});
    pgd_output(g, "y", pgd_custom(g, &next, &x, 1));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[0] == 2 && y[1] == 3 && y[2] == 4 && y[3] == 5);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
}

/* ---- mistakes ---------------------------------------------------------------------------------------------------------------------------------------------- */

static void refused(const pgd_custom_op *op, int32_t count, const char *sentence) {
    pgd_graph *graph;
    pgd_value *in[17];
    ok(pgd_graph_create(&graph));
    for (int i = 0; i < 17; i++) in[i] = pgd_input(graph, "x", PGD_F32, pgd_symshape_of(1, 3));
    assert_null(pgd_custom(graph, op, in, count));
    assert_int_equal(pgd_graph_status(graph), PGD_BAD_ARG);
    check(strstr(pgd_error_text(), sentence) != NULL, "\"%s\" does not say \"%s\"", pgd_error_text(), sentence);
    pgd_graph_destroy(graph);
}

static const char *no_dtype(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_dtype *dtype, pgd_symshape *shape) {
    *dtype = (pgd_dtype)99;
    return NULL;
}

static const char *no_shape(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_dtype *dtype, pgd_symshape *shape) {
    shape->rank = 77;
    return NULL;
}

static int64_t no_pieces(void *user, const pgd_tensor_view *in, int32_t count, const pgd_tensor_view *y) { return 0; }

static void wide_gradient(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_value *y, pgd_value *dy, pgd_value **dx) { dx[0] = pgd_sum(graph, dy, (int32_t[]){0}, 1); }

static pgd_value *stranger;
static void foreign_gradient(void *user, pgd_graph *graph, pgd_value *const *in, int32_t count, pgd_value *y, pgd_value *dy, pgd_value **dx) { dx[0] = stranger; }

static void mistakes_are_named(void **unused) {
    refused(NULL, 1, "op is NULL");
    refused(&doubled, 0, "custom: 0 inputs; use 1 to 16");
    refused(&doubled, 17, "custom: 17 inputs; use 1 to 16");
    refused(&doubled, 2, "square_rows: it takes x f32 [N,D] and b [D]");
    refused(&(pgd_custom_op){.name = "n", .run = lengths}, 1, "struct_bytes");
    refused(&(pgd_custom_op){.struct_bytes = sizeof doubled, .run = lengths}, 1, "a name");
    refused(&(pgd_custom_op){.struct_bytes = sizeof doubled, .name = "n"}, 1, "a function run");
    refused(&(pgd_custom_op){.struct_bytes = sizeof doubled, .name = "n", .run = lengths, .infer = no_dtype}, 1, "n: infer gave 99, which is no element type");
    refused(&(pgd_custom_op){.struct_bytes = sizeof doubled, .name = "n", .run = lengths, .infer = no_shape}, 1, "n: rank 77");
    static const pgd_custom_op idle = {.struct_bytes = sizeof idle, .name = "idle", .pieces = no_pieces, .run = lengths}, wide = {.struct_bytes = sizeof wide, .name = "wide", .run = lengths, .gradient = wide_gradient},
                               foreign = {.struct_bytes = sizeof foreign, .name = "foreign", .run = lengths, .gradient = foreign_gradient};
    pgd_plan *plan;
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 3)), *d[1];
    pgd_output(g, "y", pgd_custom(g, &idle, &x, 1));
    assert_int_equal(pgd_plan_compile(device, g, NULL, &plan), PGD_BAD_ARG); /* all sizes are known: they are looked at early */
    assert_non_null(strstr(pgd_error_text(), "idle: pieces gave 0"));
    assert_int_equal(pgd_onnx_save(g, NULL, "never.onnx", NULL), PGD_UNSUPPORTED);
    assert_non_null(strstr(pgd_error_text(), "custom cannot be written"));
    assert_int_equal(pgd_gradients(g, pgd_custom(g, &wide, &x, 1), &x, 1, d), PGD_BAD_ARG);
    pgd_graph *here, *there;
    ok(pgd_graph_create(&here));
    ok(pgd_graph_create(&there));
    x = pgd_input(here, "x", PGD_F32, pgd_symshape_of(1, 3));
    stranger = pgd_input(there, "x", PGD_F32, pgd_symshape_of(1, 3));
    assert_int_equal(pgd_gradients(here, pgd_custom(here, &foreign, &x, 1), &x, 1, d), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "foreign: the gradient of input 0 is a value of another graph"));
    pgd_graph_destroy(here);
    pgd_graph_destroy(there);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(a_table_computes_at_every_size_and_has_a_gradient, set_up, tear_down), cmocka_unit_test_setup_teardown(the_least_table_and_another_shape, set_up, tear_down), cmocka_unit_test_setup_teardown(constants_are_computed_in_pieces_too, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(mistakes_are_named, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
