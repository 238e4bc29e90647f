/* SPDX-License-Identifier: Apache-2.0
 * Layers that are told how to work: computing in 16 bits, frozen, computed again. */
#include <engine_share.h>
#include <graph_share.h>
#include <math.h>
#include <pagoda/nn.h>

#include "check.h"

enum { BATCH = 64, WIDTH = 24, DEPTH = 8 };
static pgd_device *device;

static pgd_layer *deep(pgd_layer *(*each)(pgd_layer *)) {
    pgd_layer *blocks[DEPTH];
    for (int i = 0; i < DEPTH; i++)
        blocks[i] = each(pgd_layer_skip(pgd_layer_sequential((pgd_layer *[]){pgd_layer_layer_norm(WIDTH, 1e-5), pgd_layer_linear(WIDTH, 4 * WIDTH, true), pgd_layer_gelu(), pgd_layer_dropout(0.2), pgd_layer_linear(4 * WIDTH, WIDTH, true)}, 5)));
    pgd_layer *layer = pgd_layer_sequential(blocks, DEPTH);
    check(layer != NULL, "%s", pgd_error_text());
    return layer;
}

static pgd_layer *as_it_is(pgd_layer *layer) { return layer; }
static pgd_layer *in_bf16(pgd_layer *layer) { return pgd_layer_compute(PGD_BF16, layer); }

typedef struct outcome {
    float loss[4], weight[WIDTH * WIDTH * 4];
    uint64_t workspace_bytes;
    int converted; /* values of the plan in 16 bits */
} outcome;

static void train(pgd_layer *layer, outcome *out) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
    float x[BATCH * WIDTH];
    const char *prefix = "";
    for (int i = 0; i < BATCH * WIDTH; i++) x[i] = sinf((float)(i * i));
    ok(pgd_graph_create(&g));
    pgd_value *in = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, BATCH, WIDTH));
    pgd_value *loss = pgd_loss_mse(g, pgd_layer_forward(layer, g, in, true, ""), pgd_mul(g, in, pgd_scalar(g, PGD_F32, -0.5)));
    ok(pgd_optimizer_minimize(g, NULL, (const pgd_layer *const[]){layer}, &prefix, 1, loss, pgd_scalar(g, PGD_F32, 0.01)));
    pgd_value *key = pgd_param(g, "random", PGD_I64, pgd_symshape_of(1, 2));
    pgd_update(g, "random", pgd_add(g, key, pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){0, 1})));
    pgd_output(g, "loss", loss);
    ok(pgd_graph_verify(g));
    out->converted = 0;
    for (int32_t i = 0; i < g->node_count; i++) out->converted += g->nodes[i]->outputs[0].dtype == PGD_BF16;
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_state_create(device, &state));
    ok(pgd_layer_init(layer, "", 2, state, NULL));
    ok(pgd_optimizer_init(NULL, layer, "", false, state));
    ok(pgd_state_set(state, "random", PGD_I64, pgd_shape_of(1, 2), (int64_t[]){9, 0}));
    ok(pgd_run_create(plan, state, &run));
    ok(pgd_run_set(run, "x", pgd_shape_of(2, BATCH, WIDTH), x));
    for (int i = 0; i < 4; i++) {
        ok(pgd_run_execute(run));
        ok(pgd_run_get(run, "loss", &out->loss[i], 4));
    }
    out->workspace_bytes = pgd_run_workspace_bytes(run);
    ok(pgd_state_get(state, "3.body.1.weight", out->weight, sizeof out->weight));
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_layer_destroy(layer);
}

static void what_is_computed_again_is_the_same_and_takes_less_memory(void **unused) {
    static outcome kept, again;
    train(deep(as_it_is), &kept);
    train(deep(pgd_layer_recomputed), &again);
    for (int i = 0; i < 4; i++) check(kept.loss[i] == again.loss[i], "step %d: loss %.9g, not %.9g", i, (double)again.loss[i], (double)kept.loss[i]);
    assert_memory_equal(kept.weight, again.weight, sizeof kept.weight);
    check(again.workspace_bytes < kept.workspace_bytes * 6 / 10, "%llu bytes instead of %llu", (unsigned long long)again.workspace_bytes, (unsigned long long)kept.workspace_bytes);
}

static void mixed_precision_stays_near_f32_and_keeps_weights_in_it(void **unused) {
    static outcome full, mixed;
    train(deep(as_it_is), &full);
    train(deep(in_bf16), &mixed);
    assert_int_equal(full.converted, 0);
    assert_true(mixed.converted > 20);
    for (int i = 0; i < 4; i++) check(fabsf(mixed.loss[i] - full.loss[i]) < 0.02f * full.loss[i], "step %d: loss %g, in f32 %g", i, (double)mixed.loss[i], (double)full.loss[i]);
    assert_true(mixed.loss[3] != full.loss[3] && full.loss[3] < full.loss[0]);
    float most = 0;
    for (int i = 0; i < WIDTH * WIDTH * 4; i++) most = fmaxf(most, fabsf(mixed.weight[i] - full.weight[i]));
    assert_true(most > 0 && most < 2e-3f);
}

static void frozen_layers_stay_as_they_are(void **unused) {
    pgd_layer *blocks[2] = {pgd_layer_frozen(pgd_layer_linear(WIDTH, WIDTH, true)), pgd_layer_linear(WIDTH, WIDTH, true)};
    pgd_layer *layer = pgd_layer_sequential(blocks, 2);
    assert_int_equal(pgd_layer_parameters(layer), WIDTH * WIDTH + WIDTH);
    pgd_graph *g;
    const char *prefix = "";
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, 3, WIDTH)), *y = pgd_layer_forward(layer, g, x, true, "");
    ok(pgd_optimizer_minimize(g, NULL, (const pgd_layer *const[]){layer}, &prefix, 1, pgd_loss_mse(g, y, x), pgd_scalar(g, PGD_F32, 0.1)));
    for (int32_t i = 0; i < g->update_count; i++) check(strstr(g->updates[i].name, "0.weight") == NULL && strstr(g->updates[i].name, "0.bias") == NULL, "%s is updated", g->updates[i].name);
    assert_int_equal(g->update_count, 4); /* weight, bias and their momentum */
    pgd_graph_destroy(g);
    pgd_layer_destroy(layer);
}

static void what_cannot_be_said_is_refused(void **unused) {
    assert_null(pgd_layer_compute(PGD_I32, pgd_layer_relu()));
    assert_non_null(strstr(pgd_error_text(), "i32 is no dtype of products"));
    assert_null(pgd_layer_frozen(NULL));
    pgd_layer *inner = pgd_layer_relu(), *outer = pgd_layer_sequential(&inner, 1);
    assert_null(pgd_layer_recomputed(inner));
    assert_non_null(strstr(pgd_error_text(), "in a container already"));
    pgd_layer_destroy(outer);
}

static int open_device(void **unused) { return pgd_device_open("cpu", NULL, &device) == PGD_OK ? 0 : -1; }
static int close_device(void **unused) { return pgd_device_close(device), 0; }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_computed_again_is_the_same_and_takes_less_memory), cmocka_unit_test(mixed_precision_stays_near_f32_and_keeps_weights_in_it),
                                       cmocka_unit_test(frozen_layers_stay_as_they_are), cmocka_unit_test(what_cannot_be_said_is_refused)};
    return cmocka_run_group_tests(tests, open_device, close_device);
}
