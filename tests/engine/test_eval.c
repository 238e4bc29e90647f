/* SPDX-License-Identifier: Apache-2.0
 * Values at once: right results, plans found again by structure, a bounded number of them kept. */
#include "random_graph.h"

static pgd_device *device;
static pgd_evaluator *evaluator;
static pgd_graph *g;

static int set_up(void **state) {
    ok(pgd_device_open("cpu", NULL, &device));
    ok(pgd_evaluator_create(device, 3, NULL, &evaluator));
    ok(pgd_graph_create(&g));
    return 0;
}

static int tear_down(void **state) {
    pgd_graph_destroy(g);
    pgd_evaluator_destroy(evaluator);
    pgd_device_close(device);
    return 0;
}

static pgd_value *vector(const float *values, int64_t n) { return pgd_constant(g, PGD_F32, pgd_shape_of(1, n), values); }

static void expect_counts(uint64_t found, uint64_t compiled) {
    uint64_t f, c;
    pgd_evaluator_counts(evaluator, &f, &c);
    check(f == found && c == compiled, "found %llu and compiled %llu plans, not %llu and %llu", (unsigned long long)f, (unsigned long long)c, (unsigned long long)found, (unsigned long long)compiled);
}

static void a_value_is_computed(void **unused) {
    float y[3];
    ok(pgd_eval(evaluator, g, pgd_add(g, vector((float[]){1, 2, 3}, 3), pgd_scalar(g, PGD_F32, 10)), NULL, y, sizeof y));
    assert_true(y[0] == 11 && y[1] == 12 && y[2] == 13);
    ok(pgd_eval(evaluator, g, vector((float[]){4, 5, 6}, 3), NULL, y, sizeof y)); /* a constant is a value too */
    assert_true(y[0] == 4 && y[2] == 6);
    double number;
    ok(pgd_eval(evaluator, g, pgd_scalar(g, PGD_F64, 2.5), NULL, &number, sizeof number));
    assert_true(number == 2.5);
}

static void every_random_graph_evaluates_as_its_reference(void **unused) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        random_graph r = random_graph_create(seed * 8 + 1); /* small ones, without updates */
        pgd_state *state;
        reference ref = reference_run(r.graph, NULL, r.bindings, GRAPH_INPUTS + GRAPH_PARAMS + 1);
        ok(pgd_state_create(device, &state));
        for (int32_t i = GRAPH_INPUTS; i <= GRAPH_INPUTS + GRAPH_PARAMS; i++) ok(pgd_state_set(state, r.bindings[i].name, r.bindings[i].tensor.dtype, r.bindings[i].tensor.shape, r.bindings[i].tensor.data));
        for (int32_t i = 0; i < r.count; i++) {
            const pgd_tensor *want = reference_of(&ref, r.values[i]);
            float *got = malloc(tensor_bytes(want) + 1);
            pgd_status status = pgd_eval(evaluator, r.graph, r.values[i], state, got, tensor_bytes(want));
            if (status == PGD_BAD_ARG)
                check(strstr(pgd_error_text(), "depends on input") != NULL, "%s", pgd_error_text());
            else {
                ok(status);
                for (int64_t k = 0; k < pgd_shape_elems(want->shape); k++) check(near((double)got[k], pgd_tensor_get(want, k), 2e-4), "graph %llu: value %d[%lld] is %g, not %g", (unsigned long long)seed, i, (long long)k, (double)got[k], pgd_tensor_get(want, k));
            }
            free(got);
        }
        pgd_state_destroy(state);
        reference_free(&ref);
        random_graph_free(&r);
    }
}

static void integers_keep_every_digit_and_wrap(void **unused) {
    static const int64_t wide[4] = {(INT64_C(1) << 53) + 1, (INT64_C(1) << 53) + 2, 1, -3};
    static const int32_t narrow[3] = {INT32_MAX, 1, 5};
    int32_t axis = 0, i32;
    int64_t i64;
    pgd_value *w = pgd_constant(g, PGD_I64, pgd_shape_of(1, 4), wide), *n = pgd_constant(g, PGD_I32, pgd_shape_of(1, 3), narrow), *none = pgd_constant(g, PGD_I32, pgd_shape_of(1, 0), narrow);
    ok(pgd_eval(evaluator, g, pgd_sum(g, w, &axis, 1), NULL, &i64, 8));
    assert_true(i64 == (INT64_C(1) << 54) + 1);
    ok(pgd_eval(evaluator, g, pgd_reduce_max(g, w, &axis, 1), NULL, &i64, 8));
    assert_true(i64 == wide[1]);
    ok(pgd_eval(evaluator, g, pgd_argmax(g, w, 0), NULL, &i32, 4));
    assert_int_equal(i32, 1);
    ok(pgd_eval(evaluator, g, pgd_sum(g, n, &axis, 1), NULL, &i32, 4));
    assert_int_equal(i32, INT32_MIN + 5);
    ok(pgd_eval(evaluator, g, pgd_reduce_min(g, n, &axis, 1), NULL, &i32, 4));
    assert_int_equal(i32, 1);
    ok(pgd_eval(evaluator, g, pgd_reduce_min(g, none, &axis, 1), NULL, &i32, 4));
    assert_int_equal(i32, INT32_MAX);
    ok(pgd_eval(evaluator, g, pgd_sum(g, none, &axis, 1), NULL, &i32, 4));
    assert_int_equal(i32, 0);
}

static pgd_value *distance(const float *a, const float *b) {
    pgd_value *d = pgd_sub(g, vector(a, 2), vector(b, 2));
    return pgd_sqrt(g, pgd_sum(g, pgd_mul(g, d, d), (int32_t[]){0}, 1));
}

static void a_plan_is_found_again_whatever_its_constants(void **unused) {
    float y;
    ok(pgd_eval(evaluator, g, distance((float[]){0, 0}, (float[]){3, 4}), NULL, &y, 4));
    assert_true(y == 5);
    expect_counts(0, 1);
    for (int i = 1; i <= 5; i++) {
        ok(pgd_eval(evaluator, g, distance((float[]){0, (float)i}, (float[]){0, (float)(3 * i)}), NULL, &y, 4));
        assert_true(y == (float)(2 * i));
        expect_counts((uint64_t)i, 1);
    }
    ok(pgd_eval(evaluator, g, pgd_neg(g, distance((float[]){0, 0}, (float[]){3, 4})), NULL, &y, 4)); /* another structure */
    assert_true(y == -5);
    expect_counts(5, 2);
}

static void the_least_recently_used_plan_goes_first(void **unused) {
    float y[4] = {0}, x[4] = {1, 2, 3, 4};
    for (int64_t n = 1; n <= 3; n++) ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, n)), NULL, y, (uint64_t)n * 4)); /* three plans: the limit */
    expect_counts(0, 3);
    ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, 1)), NULL, y, 4)); /* 2 is now the oldest */
    expect_counts(1, 3);
    ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, 4)), NULL, y, 16)); /* and goes */
    expect_counts(1, 4);
    ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, 1)), NULL, y, 4));
    ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, 3)), NULL, y, 12));
    expect_counts(3, 4);
    ok(pgd_eval(evaluator, g, pgd_neg(g, vector(x, 2)), NULL, y, 8));
    expect_counts(3, 5);
    assert_true(y[0] == -1 && y[1] == -2);
}

static void values_read_the_state(void **unused) {
    pgd_state *state;
    float y;
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "p", PGD_F32, pgd_shape_of(0), (float[]){4}));
    pgd_value *v = pgd_sqrt(g, pgd_param(g, "p", PGD_F32, pgd_symshape_of(0)));
    ok(pgd_eval(evaluator, g, v, state, &y, 4));
    assert_true(y == 2);
    ok(pgd_state_set(state, "p", PGD_F32, pgd_shape_of(0), (float[]){9}));
    ok(pgd_eval(evaluator, g, v, state, &y, 4));
    assert_true(y == 3);
    expect_counts(1, 1);
    fails(PGD_BAD_ARG, "reads \"p\" from a state and was given none", pgd_eval(evaluator, g, v, NULL, &y, 4));
    pgd_state_destroy(state);
}

static void what_cannot_be_evaluated_is_refused_with_the_reason(void **unused) {
    float y[3];
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 3)), *s = pgd_fill(g, PGD_F32, pgd_symshape_of(1, pgd_graph_symbol(g, "N", 1, 3)), 1);
    fails(PGD_BAD_ARG, "depends on input \"x\"", pgd_eval(evaluator, g, pgd_neg(g, x), NULL, y, sizeof y));
    fails(PGD_BAD_ARG, "symbolic extents", pgd_eval(evaluator, g, s, NULL, y, sizeof y));
    fails(PGD_BAD_ARG, "NULL", pgd_eval(evaluator, g, NULL, NULL, y, sizeof y));
    fails(PGD_BAD_ARG, "has 12 bytes, room was given for 8", pgd_eval(evaluator, g, pgd_neg(g, vector((float[]){1, 2, 3}, 3)), NULL, y, 8));
    assert_null(pgd_neg(g, pgd_add(g, x, vector(y, 2))));
    fails(PGD_BAD_ARG, "do not broadcast", pgd_eval(evaluator, g, x, NULL, y, sizeof y)); /* the graph is broken */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_computed), TEST(integers_keep_every_digit_and_wrap), TEST(every_random_graph_evaluates_as_its_reference), TEST(a_plan_is_found_again_whatever_its_constants), TEST(the_least_recently_used_plan_goes_first),
        TEST(values_read_the_state), TEST(what_cannot_be_evaluated_is_refused_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
