/* SPDX-License-Identifier: Apache-2.0
 * A training smoke run in which the n-th allocation fails, for every n until none does: NO_MEMORY each time, nothing lost, nothing broken. */
#include <pagoda/engine.h>

#include "check.h"
#include "failing_memory.h"

typedef struct smoke {
    pgd_device *device;
    pgd_graph *graph, *parsed;
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
    pgd_evaluator *evaluator;
    char *text;
} smoke;

static const struct {
    const char *name;
    pgd_shape shape;
} params[] = {{"conv", {4, {3, 1, 3, 3}}}, {"gamma", {1, {3}}}, {"beta", {1, {3}}}, {"weight", {2, {4, 27}}}, {"bias", {1, {4}}}};
enum { PARAMS = sizeof params / sizeof params[0], BATCH = 3 };

static pgd_status build(smoke *s) {
    PGD_TRY(pgd_graph_create(&s->graph));
    pgd_graph *g = s->graph;
    pgd_dim N = pgd_graph_symbol(g, "N", 1, 8);
    pgd_value *x = pgd_input(g, "x", PGD_U8, pgd_symshape_of(4, N, 1, 8, 8)), *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, N)), *p[PARAMS], *d[PARAMS];
    for (int i = 0; i < PARAMS; i++) {
        pgd_symshape shape = {.rank = params[i].shape.rank};
        memcpy(shape.dims, params[i].shape.dims, sizeof shape.dims);
        p[i] = pgd_param(g, params[i].name, PGD_F32, shape);
    }
    pgd_value *key = pgd_param(g, "key", PGD_I64, pgd_symshape_of(1, 2));
    pgd_value *h = pgd_mul(g, pgd_cast(g, x, PGD_F32), pgd_scalar(g, PGD_F32, 1.0 / 255));
    h = pgd_max_pool(g, pgd_relu(g, pgd_batch_norm(g, pgd_conv(g, h, p[0], NULL), p[1], p[2], 1e-5, NULL, NULL)), NULL);
    h = h == NULL ? NULL : pgd_mul(g, h, pgd_cast(g, pgd_lt(g, pgd_uniform(g, key, pgd_symshape_of(4, N, 3, 3, 3)), pgd_scalar(g, PGD_F32, 0.9)), PGD_F32));
    pgd_value *logits = pgd_add(g, pgd_matmul(g, pgd_flatten(g, h, 1), p[3], false, true), p[4]);
    pgd_value *loss = pgd_reshape(g, pgd_mean(g, pgd_softmax_xent(g, logits, labels, 0.1), (int32_t[]){0}, 1), (pgd_symshape){0});
    PGD_TRY(pgd_graph_status(g));
    PGD_TRY(pgd_gradients(g, loss, p, PARAMS, d));
    for (int i = 0; i < PARAMS; i++) pgd_update(g, params[i].name, pgd_sub(g, p[i], pgd_mul(g, d[i], pgd_scalar(g, PGD_F32, 0.1))));
    pgd_update(g, "key", pgd_add(g, key, pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){0, 1})));
    pgd_output(g, "loss", loss);
    return pgd_graph_status(g);
}

static pgd_status fill_state(smoke *s) {
    PGD_TRY(pgd_state_create(s->device, &s->state));
    float values[108];
    for (int i = 0; i < 108; i++) values[i] = (float)(i % 7 - 3) * 0.1f;
    for (int i = 0; i < PARAMS; i++) PGD_TRY(pgd_state_set(s->state, params[i].name, PGD_F32, params[i].shape, values));
    return pgd_state_set(s->state, "key", PGD_I64, pgd_shape_of(1, 2), NULL);
}

static pgd_status train(smoke *s) {
    uint8_t x[BATCH * 64];
    int32_t labels[BATCH] = {0, 3, 1};
    float loss;
    for (int i = 0; i < BATCH * 64; i++) x[i] = (uint8_t)(i * 37);
    PGD_TRY(pgd_run_create(s->plan, s->state, &s->run));
    for (int64_t n = BATCH; n > 0; n--) { /* two sizes more than the plan keeps */
        PGD_TRY(pgd_run_set(s->run, "x", (pgd_shape){4, {n, 1, 8, 8}}, x));
        PGD_TRY(pgd_run_set(s->run, "labels", (pgd_shape){1, {n}}, labels));
        PGD_TRY(pgd_run_execute(s->run));
        PGD_TRY(pgd_run_execute(s->run));
    }
    PGD_TRY(pgd_run_get(s->run, "loss", &loss, sizeof loss));
    assert_true(loss > 0 && loss < 100);
    return PGD_OK;
}

static pgd_status evaluate(smoke *s) {
    float y[3];
    PGD_TRY(pgd_evaluator_create(s->device, 1, NULL, &s->evaluator));
    pgd_value *v = pgd_constant(s->graph, PGD_F32, pgd_shape_of(1, 3), (float[]){1, 2, 3}), *sum = pgd_add(s->graph, v, pgd_scalar(s->graph, PGD_F32, 1)), *exp = pgd_exp(s->graph, v);
    PGD_TRY(pgd_graph_status(s->graph));
    PGD_TRY(pgd_eval(s->evaluator, s->graph, sum, NULL, y, sizeof y));
    assert_true(y[2] == 4);
    return pgd_eval(s->evaluator, s->graph, exp, NULL, y, sizeof y); /* the first plan must go */
}

static pgd_status all(smoke *s) {
    pgd_device_options device;
    pgd_plan_options plan;
    pgd_device_options_init(&device, sizeof device);
    pgd_plan_options_init(&plan, sizeof plan);
    device.threads = 1;
    plan.instances = 2;
    PGD_TRY(pgd_device_open("cpu", &device, &s->device));
    PGD_TRY(build(s));
    PGD_TRY(pgd_graph_verify(s->graph));
    PGD_TRY(pgd_graph_print(s->graph, &s->text));
    PGD_TRY(pgd_graph_parse(s->text, strlen(s->text), &s->parsed));
    pgd_text_free(s->text);
    s->text = NULL;
    PGD_TRY(pgd_plan_compile(s->device, s->parsed, &plan, &s->plan));
    PGD_TRY(fill_state(s));
    PGD_TRY(train(s));
    PGD_TRY(pgd_plan_print(s->plan, &s->text));
    return evaluate(s);
}

static void end(smoke *s) {
    pgd_text_free(s->text);
    pgd_evaluator_destroy(s->evaluator);
    pgd_run_destroy(s->run);
    pgd_plan_destroy(s->plan);
    pgd_state_destroy(s->state);
    pgd_graph_destroy(s->parsed);
    pgd_graph_destroy(s->graph);
    pgd_device_close(s->device);
}

/* Runs it with one failure; true when nothing failed any more. */
static bool round_with(int64_t failure, bool for_good, int64_t *allocations) {
    failing_memory m = {.until_failure = failure, .for_good = for_good};
    smoke s = {0};
    failing_memory_use(&m);
    pgd_status status = all(&s);
    check(status == (m.failed ? PGD_NO_MEMORY : PGD_OK), "allocation %lld of the smoke run failed, and it gave %s: %s", (long long)failure, pgd_status_name(status), pgd_error_text());
    end(&s);
    check(m.blocks == 0, "allocation %lld failed, and %lld blocks were lost", (long long)failure, (long long)m.blocks);
    *allocations = m.count;
    return !m.failed;
}

static void fail_each(bool for_good) {
    int64_t total, ignored, failure = 0;
    assert_true(round_with(-1, for_good, &total));
    while (!round_with(failure, for_good, &ignored)) failure++;
    print_message("  %lld allocations failed, one after the other\n", (long long)failure);
    assert_int_equal(failure, total);
    assert_true(total > 100);
}

static void every_allocation_may_fail_once(void **unused) { fail_each(false); }
static void memory_may_run_out_at_any_moment(void **unused) { fail_each(true); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail_once), cmocka_unit_test(memory_may_run_out_at_any_moment)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
