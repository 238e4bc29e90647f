/* SPDX-License-Identifier: Apache-2.0
 * Optimisers follow their published formulas, computed here in double; schedules have the shape they promise. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pagoda/nn.h>

enum { ROWS = 3, COLUMNS = 5, COUNT = ROWS * COLUMNS, STEPS = 12 };

static pgd_device *device;

/* Runs STEPS steps on x with gradient = 2 x + k, at rate 0.1 / (step + 1). */
static void run_optimizer(const pgd_optimizer_options *o, float *x) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
    const char *names[] = {"w"}, *which[] = {"optimizer.momentum.w", "optimizer.m.w", "optimizer.v.w"};
    assert_int_equal(pgd_graph_create(&g), PGD_OK);
    pgd_value *w = pgd_param(g, "w", PGD_F32, pgd_symshape_of(2, ROWS, COLUMNS)), *rate = pgd_input(g, "rate", PGD_F32, (pgd_symshape){0});
    pgd_value *gradient = pgd_add(g, pgd_mul(g, w, pgd_scalar(g, PGD_F32, 2)), pgd_iota(g, PGD_F32, pgd_value_shape(w), 1));
    assert_int_equal(pgd_optimizer_apply(g, o, rate, names, &w, &gradient, 1), PGD_OK);
    assert_int_equal(pgd_plan_compile(device, g, NULL, &plan), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(2, ROWS, COLUMNS), x), PGD_OK);
    assert_int_equal(pgd_state_set(state, "average.w", PGD_F32, pgd_shape_of(2, ROWS, COLUMNS), x), PGD_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(pgd_state_set(state, which[i], PGD_F32, pgd_shape_of(2, ROWS, COLUMNS), NULL), PGD_OK);
    assert_int_equal(pgd_state_set(state, "optimizer.step", PGD_F32, pgd_shape_of(0), NULL), PGD_OK);
    assert_int_equal(pgd_run_create(plan, state, &run), PGD_OK);
    for (int t = 0; t < STEPS; t++) {
        float value = 0.1f / (float)(t + 1);
        assert_int_equal(pgd_run_set(run, "rate", pgd_shape_of(0), &value), PGD_OK);
        assert_int_equal(pgd_run_execute(run), PGD_OK);
    }
    assert_int_equal(pgd_state_get(state, o->average_decay != 0 ? "average.w" : "w", x, COUNT * sizeof *x), PGD_OK);
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void start(float *x, double *expected) {
    for (int i = 0; i < COUNT; i++) expected[i] = (double)(x[i] = (float)(i * 37 % 11) / 5 - 1);
}

static void compare(const float *x, const double *expected) {
    for (int i = 0; i < COUNT; i++) assert_true(fabs((double)x[i] - expected[i]) <= 2e-6 * (1 + fabs(expected[i])));
}

static void sgd_with_momentum_decay_and_nesterov(void **unused) {
    for (int nesterov = 0; nesterov < 2; nesterov++) {
        float x[COUNT];
        double w[COUNT], m[COUNT] = {0};
        pgd_optimizer_options o;
        pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_SGD);
        o.nesterov = nesterov == 1;
        o.weight_decay = 0.05;
        start(x, w);
        for (int t = 0; t < STEPS; t++)
            for (int i = 0; i < COUNT; i++) {
                double g = 2 * w[i] + i % COLUMNS + 0.05 * w[i];
                m[i] = 0.9 * m[i] + g;
                w[i] -= 0.1 / (t + 1) * (nesterov == 1 ? g + 0.9 * m[i] : m[i]);
            }
        run_optimizer(&o, x);
        compare(x, w);
    }
}

/* 1 - 0.999 loses digits in f32 */
static void compare_roughly(const float *x, const double *expected) {
    for (int i = 0; i < COUNT; i++) assert_true(fabs((double)x[i] - expected[i]) <= 5e-5 * (1 + fabs(expected[i])));
}

static void adam_and_adamw_with_decay(void **unused) {
    for (int decoupled = 0; decoupled < 2; decoupled++) {
        float x[COUNT];
        double w[COUNT], m[COUNT] = {0}, v[COUNT] = {0};
        pgd_optimizer_options o;
        pgd_optimizer_options_init(&o, sizeof o, decoupled ? PGD_OPTIMIZER_ADAMW : PGD_OPTIMIZER_ADAM);
        o.weight_decay = 0.05;
        start(x, w);
        for (int t = 1; t <= STEPS; t++)
            for (int i = 0; i < COUNT; i++) {
                double g = 2 * w[i] + i % COLUMNS + (decoupled ? 0 : 0.05 * w[i]), rate = 0.1 / t;
                m[i] = 0.9 * m[i] + 0.1 * g;
                v[i] = 0.999 * v[i] + 0.001 * g * g;
                w[i] = w[i] * (1 - (decoupled ? rate * 0.05 : 0)) - rate * (m[i] / (1 - pow(0.9, t))) / (sqrt(v[i] / (1 - pow(0.999, t))) + 1e-8);
            }
        run_optimizer(&o, x);
        compare_roughly(x, w);
    }
}

static void lion_with_decay(void **unused) {
    float x[COUNT];
    double w[COUNT], m[COUNT] = {0};
    pgd_optimizer_options o;
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_LION);
    o.weight_decay = 0.05;
    start(x, w);
    for (int t = 1; t <= STEPS; t++)
        for (int i = 0; i < COUNT; i++) {
            double g = 2 * w[i] + i % COLUMNS, c = 0.9 * m[i] + 0.1 * g, rate = 0.1 / t;
            m[i] = 0.99 * m[i] + 0.01 * g;
            w[i] = w[i] * (1 - rate * 0.05) - rate * (c > 0 ? 1 : c < 0 ? -1 : 0);
        }
    run_optimizer(&o, x);
    compare(x, w);
}

/* c = a b, or a b' where the second is given transposed; a [n][k] */
static void product(int n, int m, int k, const double *a, int a_row, int a_col, const double *b, int b_row, int b_col, double *c) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < m; j++) {
            c[i * m + j] = 0;
            for (int l = 0; l < k; l++) c[i * m + j] += a[i * a_row + l * a_col] * b[l * b_row + j * b_col];
        }
}

static void muon_with_decay(void **unused) {
    float x[COUNT];
    double w[COUNT], m[COUNT] = {0};
    pgd_optimizer_options o;
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_MUON);
    o.weight_decay = 0.05;
    start(x, w);
    for (int t = 1; t <= STEPS; t++) {
        double y[COUNT], square[ROWS * ROWS], fourth[ROWS * ROWS], next[COUNT], norm = 0, rate = 0.1 / t;
        for (int i = 0; i < COUNT; i++) {
            double g = 2 * w[i] + i % COLUMNS;
            m[i] = 0.95 * m[i] + g;
            y[i] = g + 0.95 * m[i];
            norm += y[i] * y[i];
        }
        for (int i = 0; i < COUNT; i++) y[i] /= sqrt(norm) + 1e-7;
        for (int k = 0; k < 5; k++) {
            product(ROWS, ROWS, COLUMNS, y, COLUMNS, 1, y, 1, COLUMNS, square);
            product(ROWS, ROWS, ROWS, square, ROWS, 1, square, ROWS, 1, fourth);
            for (int i = 0; i < ROWS * ROWS; i++) fourth[i] = -4.7750 * square[i] + 2.0315 * fourth[i];
            product(ROWS, COLUMNS, ROWS, fourth, ROWS, 1, y, COLUMNS, 1, next);
            for (int i = 0; i < COUNT; i++) y[i] = 3.4445 * y[i] + next[i];
        }
        for (int i = 0; i < COUNT; i++) w[i] = w[i] * (1 - rate * 0.05) - rate * 0.2 * sqrt(COLUMNS) * y[i];
    }
    run_optimizer(&o, x);
    compare_roughly(x, w);
}

static void gradients_are_clipped_and_weights_averaged(void **unused) {
    float x[COUNT];
    double w[COUNT], average[COUNT];
    pgd_optimizer_options o;
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_SGD);
    o.momentum = 0;
    o.clip_norm = 1.5;
    o.average_decay = 0.8;
    start(x, w);
    memcpy(average, w, sizeof w);
    for (int t = 1; t <= STEPS; t++) {
        double norm = 0, scale;
        for (int i = 0; i < COUNT; i++) norm += (2 * w[i] + i % COLUMNS) * (2 * w[i] + i % COLUMNS);
        scale = fmin(1, 1.5 / (sqrt(norm) + 1e-6));
        assert_true(scale < 1);
        for (int i = 0; i < COUNT; i++) {
            w[i] -= 0.1 / t * scale * (2 * w[i] + i % COLUMNS);
            average[i] = 0.8 * average[i] + 0.2 * w[i];
        }
    }
    run_optimizer(&o, x);
    compare(x, average);
}

static void schedules_begin_peak_and_end_where_they_say(void **unused) {
    pgd_schedule s = {sizeof s, PGD_SCHEDULE_COSINE, 0.5, 0.01, 0.1};
    assert_true(fabs(pgd_schedule_rate(&s, 0, 1000) - 0.5 * 0.04) < 1e-9);
    assert_true(fabs(pgd_schedule_rate(&s, 100, 1000) - 0.5) < 1e-9);
    assert_true(fabs(pgd_schedule_rate(&s, 550, 1000) - (0.005 + 0.495 / 2)) < 1e-9);
    assert_true(fabs(pgd_schedule_rate(&s, 1000, 1000) - 0.005) < 1e-9);
    s.kind = PGD_SCHEDULE_ONE_CYCLE;
    assert_true(fabs(pgd_schedule_rate(&s, 550, 1000) - 0.5 * 0.505) < 1e-9);
    s.kind = PGD_SCHEDULE_CONSTANT;
    assert_true(fabs(pgd_schedule_rate(&s, 900, 1000) - 0.5) < 1e-9);
}

static int open_device(void **unused) { return pgd_device_open("cpu", NULL, &device) == PGD_OK ? 0 : -1; }

static int close_device(void **unused) {
    pgd_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sgd_with_momentum_decay_and_nesterov),
        cmocka_unit_test(adam_and_adamw_with_decay),
        cmocka_unit_test(lion_with_decay),
        cmocka_unit_test(muon_with_decay),
        cmocka_unit_test(gradients_are_clipped_and_weights_averaged),
        cmocka_unit_test(schedules_begin_peak_and_end_where_they_say),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
