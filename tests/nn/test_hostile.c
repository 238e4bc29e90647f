/* SPDX-License-Identifier: Apache-2.0
 * Arguments no careful caller would give: each comes back as a sentence, none as damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pagoda/nn.h>

#include "check.h"

static pgd_device *device;

static pgd_graph *fresh(void) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    return g;
}

static void shapes_that_are_none_are_refused_by_runs(void **unused) {
    static const pgd_shape shapes[] = {{1, {-5}}, {-1, {0}}, {2000, {0}}, {6, {1, 1, 1, 1, 1, 1}}, {1, {(int64_t)1 << 62}}};
    pgd_graph *g = fresh();
    pgd_plan *plan;
    pgd_run *run;
    const float x = 1;
    pgd_output(g, "y", pgd_neg(g, pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, pgd_graph_symbol(g, "N", 0, 10)))));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) fails(PGD_BAD_ARG, "input \"x\"", pgd_run_set(run, "x", shapes[i], &x));
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void shapes_that_are_none_are_refused_by_constants_and_states(void **unused) {
    static const pgd_shape shapes[] = {{100, {0}}, {-1, {0}}, {1, {-1}}, {2, {(int64_t)1 << 48, (int64_t)1 << 48}}, {2, {(int64_t)1 << 31, (int64_t)1 << 31}}};
    const float x = 1;
    pgd_state *state;
    ok(pgd_state_create(device, &state));
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        pgd_graph *g = fresh();
        pgd_graph_symbol(g, "N", 0, 10);
        assert_null(pgd_constant(g, PGD_F32, shapes[i], &x));
        assert_int_equal(pgd_graph_status(g), PGD_BAD_ARG);
        pgd_graph_destroy(g);
        assert_int_equal(pgd_state_set(state, "t", PGD_F32, shapes[i], NULL), PGD_BAD_ARG);
    }
    assert_int_equal(pgd_state_count(state), 0);
    pgd_state_destroy(state);
}

static void values_of_another_graph_are_refused(void **unused) {
    pgd_graph *g = fresh(), *h = fresh();
    pgd_value *a = pgd_input(g, "a", PGD_F32, pgd_symshape_of(1, 2)), *b = NULL, *gradient;
    for (int i = 0; i < 50; i++) b = pgd_add(h, b == NULL ? pgd_input(h, "b", PGD_F32, pgd_symshape_of(1, 2)) : b, pgd_scalar(h, PGD_F32, i));
    assert_int_equal(pgd_gradients(g, b, &a, 1, &gradient), PGD_BAD_ARG);
    assert_null(pgd_add(g, a, b));
    assert_non_null(strstr(pgd_error_text(), "another graph"));
    pgd_graph_destroy(g);
    g = fresh();
    pgd_output(g, "y", b);
    assert_int_equal(pgd_graph_status(g), PGD_BAD_ARG);
    pgd_graph_destroy(g);
    pgd_graph_destroy(h);
}

static void a_slice_at_a_symbol_of_a_constant_waits_for_its_size(void **unused) {
    pgd_graph *g = fresh();
    pgd_plan *plan;
    pgd_run *run;
    const float ten[10] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, three[3] = {0};
    float y[2];
    pgd_dim N = pgd_graph_symbol(g, "N", 0, 8);
    pgd_output(g, "y", pgd_slice(g, pgd_constant(g, PGD_F32, pgd_shape_of(1, 10), ten), 0, N, 2));
    pgd_output(g, "x", pgd_neg(g, pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, N))));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_set(run, "x", pgd_shape_of(1, 3), three));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[0] == 4 && y[1] == 5);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void plans_states_and_buffers_of_different_devices_do_not_meet(void **unused) {
    pgd_device *other;
    pgd_graph *g = fresh();
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
    pgd_buffer *buffer;
    ok(pgd_device_open("null", NULL, &other));
    ok(pgd_state_create(other, &state));
    ok(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(1, 2), NULL));
    pgd_output(g, "y", pgd_add(g, pgd_param(g, "w", PGD_F32, pgd_symshape_of(1, 2)), pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 2))));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    fails(PGD_BAD_ARG, "another device", pgd_run_create(plan, state, &run));
    pgd_state_destroy(state);
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(1, 2), NULL));
    ok(pgd_run_create(plan, state, &run));
    ok(pgd_buffer_create(other, 8, &buffer));
    fails(PGD_BAD_ARG, "another device", pgd_run_bind(run, "x", pgd_shape_of(1, 2), buffer));
    pgd_buffer_destroy(buffer);
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(other);
}

static void pooling_an_empty_plane_reads_and_writes_nothing(void **unused) {
    pgd_graph *g = fresh();
    pgd_plan *plan;
    pgd_run *run;
    float y[15];
    pgd_pool_options o;
    pgd_pool_options_init(&o, sizeof o);
    o.stride_h = o.stride_w = 1, o.pad_top = o.pad_bottom = o.pad_left = o.pad_right = 1;
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(4, 1, 1, 0, 4)), *pooled = pgd_max_pool(g, x, &o), *gradient;
    pgd_output(g, "y", pooled);
    ok(pgd_gradients(g, pooled, &x, 1, &gradient));
    pgd_output(g, "dx", gradient);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_set(run, "x", pgd_shape_of(4, 1, 1, 0, 4), y));
    ok(pgd_run_execute(run));
    pgd_shape shape;
    ok(pgd_run_shape(run, "y", NULL, &shape));
    ok(pgd_run_get(run, "y", y, (uint64_t)pgd_shape_elems(shape) * sizeof *y));
    for (int64_t i = 0; i < pgd_shape_elems(shape); i++) assert_true(y[i] < -1e38f);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void any_byte_but_zero_is_true(void **unused) {
    pgd_graph *g = fresh();
    pgd_plan *plan;
    pgd_run *run;
    const uint8_t bytes[4] = {0, 1, 2, 255};
    float y[4];
    pgd_value *x = pgd_input(g, "x", PGD_BOOL, pgd_symshape_of(1, 4));
    pgd_output(g, "y", pgd_cast(g, pgd_eq(g, x, pgd_fill(g, PGD_BOOL, pgd_symshape_of(1, 4), 7)), PGD_F32));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_run_set(run, "x", pgd_shape_of(1, 4), bytes));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[0] == 0 && y[1] == 1 && y[2] == 1 && y[3] == 1);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void sizes_that_overflow_are_refused_by_loaders_and_classifiers(void **unused) {
    pgd_loader *loader;
    pgd_classifier *classifier;
    pgd_state *state;
    pgd_classifier_options o;
    pgd_layer *layer = pgd_layer_flatten(), *deep = pgd_layer_batch_norm(2, 1e-5, 0.1);
    const pgd_field wide = {"samples", PGD_U8, {2, {1 << 22, 1 << 22}}};
    const pgd_dataset huge = {1 << 20, &wide, 1, (pgd_sample_fn)(uintptr_t)1, NULL};
    pgd_loader_options many;
    pgd_loader_options_init(&many, sizeof many);
    many.batch = 1 << 20;
    assert_int_equal(pgd_loader_create(&huge, &many, &loader), PGD_BAD_ARG);
    ok(pgd_state_create(device, &state));
    pgd_classifier_options_init(&o, sizeof o);
    o.channels = o.height = o.width = (int64_t)1 << 31;
    fails(PGD_BAD_ARG, "fit in memory", pgd_classifier_create(device, layer, state, &o, &classifier));
    for (int i = 0; i < 100; i++) deep = pgd_layer_sequential(&deep, 1);
    fails(PGD_BAD_ARG, "nest layers less deeply", pgd_layer_init(deep, "", 0, state, NULL));
    assert_null(pgd_layer_residual(pgd_layer_relu(), pgd_layer_conv2d(4, 4, 0, NULL)));
    pgd_layer_destroy(deep);
    pgd_layer_destroy(layer);
    pgd_state_destroy(state);
}

/* Whatever was put in is destroyed once, with the container that has it or with the one that failed. */
static void a_layer_belongs_to_one_container(void **unused) {
    uint64_t before, after;
    pgd_memory_in_use(&before, NULL);
    pgd_layer *relu = pgd_layer_relu();
    assert_null(pgd_layer_sequential((pgd_layer *[]){pgd_layer_tanh(), relu, relu}, 3));
    assert_non_null(strstr(pgd_error_text(), "sequential: layer 2, a relu, is in a container already"));
    relu = pgd_layer_relu();
    assert_null(pgd_layer_residual(relu, relu));
    assert_non_null(strstr(pgd_error_text(), "residual: layer 1, a relu, is in a container already"));
    relu = pgd_layer_relu();
    pgd_layer *inner = pgd_layer_sequential(&relu, 1);
    assert_null(pgd_layer_sequential(&relu, 1));
    pgd_layer_destroy(relu); /* it is its container's */
    pgd_layer *outer = pgd_layer_sequential(&inner, 1);
    assert_non_null(outer);
    assert_null(pgd_layer_sequential(&inner, 1));
    pgd_layer_destroy(outer);
    relu = pgd_layer_relu();
    inner = pgd_layer_sequential(&relu, 1);
    assert_null(pgd_layer_sequential((pgd_layer *[]){inner, relu}, 2)); /* a container beside what is in it */
    relu = pgd_layer_relu();
    inner = pgd_layer_sequential(&relu, 1);
    assert_null(pgd_layer_sequential((pgd_layer *[]){relu, inner, NULL}, 3));
    pgd_memory_in_use(&after, NULL);
    assert_true(before == after);
}

static void six_axes_cannot_be_flattened_into_seven(void **unused) {
    pgd_graph *g = fresh();
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(6, 1, 1, 1, 1, 1, 1));
    assert_null(pgd_flatten(g, x, 6));
    assert_int_equal(pgd_graph_status(g), PGD_BAD_ARG);
    pgd_graph_destroy(g);
}

static int open_device(void **unused) { return pgd_device_open(NULL, NULL, &device) == PGD_OK ? 0 : -1; }

static int close_device(void **unused) {
    pgd_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_that_are_none_are_refused_by_runs),
        cmocka_unit_test(shapes_that_are_none_are_refused_by_constants_and_states),
        cmocka_unit_test(values_of_another_graph_are_refused),
        cmocka_unit_test(a_slice_at_a_symbol_of_a_constant_waits_for_its_size),
        cmocka_unit_test(plans_states_and_buffers_of_different_devices_do_not_meet),
        cmocka_unit_test(pooling_an_empty_plane_reads_and_writes_nothing),
        cmocka_unit_test(any_byte_but_zero_is_true),
        cmocka_unit_test(sizes_that_overflow_are_refused_by_loaders_and_classifiers),
        cmocka_unit_test(a_layer_belongs_to_one_container),
        cmocka_unit_test(six_axes_cannot_be_flattened_into_seven),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
