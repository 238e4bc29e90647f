/* SPDX-License-Identifier: Apache-2.0
 * Plans mean what their graphs mean: fused, unfused and node by node; whatever the sizes, threads, order of runs and place in memory. */
#include <math.h>
#include <pthread.h>

#include "engine_internal.h"
#include "random_graph.h"

enum { LEAVES = GRAPH_INPUTS + GRAPH_PARAMS + 1 };
#define TOLERANCE 2e-4

static pgd_device *open_cpu(int32_t threads, const char *isa) {
    pgd_device *device;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    o.threads = threads;
    o.isa = isa;
    ok(pgd_device_open("cpu", &o, &device));
    return device;
}

/* ---- random graphs ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct results {
    pgd_tensor outputs[2][POOL_VALUES]; /* of two executions */
    pgd_tensor params[2][GRAPH_PARAMS + 1];
    int32_t output_count;
} results;

static pgd_tensor tensor_copy(const pgd_tensor *from) {
    pgd_tensor t = *from;
    t.data = malloc(tensor_bytes(from) + 1);
    assert_non_null(t.data);
    memcpy(t.data, from->data, tensor_bytes(from));
    return t;
}

static void results_free(results *r) {
    for (int round = 0; round < 2; round++) {
        for (int32_t i = 0; i < r->output_count; i++) free(r->outputs[round][i].data);
        for (int32_t i = 0; i <= GRAPH_PARAMS; i++) free(r->params[round][i].data);
    }
}

static results by_reference(const random_graph *r) {
    results out = {.output_count = r->graph->output_count};
    binding bindings[LEAVES];
    for (int32_t i = 0; i < LEAVES; i++) bindings[i] = (binding){r->bindings[i].name, tensor_copy(&r->bindings[i].tensor)};
    for (int round = 0; round < 2; round++) {
        reference ref = reference_run(r->graph, NULL, bindings, LEAVES);
        for (int32_t i = 0; i < out.output_count; i++) out.outputs[round][i] = tensor_copy(reference_of(&ref, r->graph->outputs[i].value));
        for (int32_t u = 0; u < r->graph->update_count; u++)
            for (int32_t i = 0; i < LEAVES; i++)
                if (strcmp(bindings[i].name, r->graph->updates[u].name) == 0) memcpy(bindings[i].tensor.data, reference_of(&ref, r->graph->updates[u].value)->data, tensor_bytes(&bindings[i].tensor));
        for (int32_t i = 0; i <= GRAPH_PARAMS; i++) out.params[round][i] = tensor_copy(&bindings[GRAPH_INPUTS + i].tensor);
        reference_free(&ref);
    }
    for (int32_t i = 0; i < LEAVES; i++) free(bindings[i].tensor.data);
    return out;
}

static results by_plan(const random_graph *r, pgd_device *device, bool no_fusion) {
    results out = {.output_count = r->graph->output_count};
    pgd_plan_options o;
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
    pgd_plan_options_init(&o, sizeof o);
    o.no_fusion = no_fusion;
    ok(pgd_plan_compile(device, r->graph, &o, &plan));
    ok(pgd_state_create(device, &state));
    for (int32_t i = GRAPH_INPUTS; i < LEAVES; i++) ok(pgd_state_set(state, r->bindings[i].name, r->bindings[i].tensor.dtype, r->bindings[i].tensor.shape, r->bindings[i].tensor.data));
    ok(pgd_run_create(plan, state, &run));
    for (int32_t i = 0; i < GRAPH_INPUTS; i++) {
        pgd_status status = pgd_run_set(run, r->bindings[i].name, r->bindings[i].tensor.shape, r->bindings[i].tensor.data);
        check(status == PGD_OK || strstr(pgd_error_text(), "nothing the plan computes needs it") != NULL, "%s", pgd_error_text());
    }
    for (int round = 0; round < 2; round++) {
        ok(pgd_run_execute(run));
        for (int32_t i = 0; i < out.output_count; i++) {
            pgd_tensor *t = &out.outputs[round][i];
            ok(pgd_run_shape(run, r->graph->outputs[i].name, &t->dtype, &t->shape));
            t->data = malloc(tensor_bytes(t) + 1);
            ok(pgd_run_get(run, r->graph->outputs[i].name, t->data, tensor_bytes(t)));
        }
        for (int32_t i = 0; i <= GRAPH_PARAMS; i++) {
            out.params[round][i] = tensor_copy(&r->bindings[GRAPH_INPUTS + i].tensor);
            ok(pgd_state_get(state, r->bindings[GRAPH_INPUTS + i].name, out.params[round][i].data, tensor_bytes(&out.params[round][i])));
        }
    }
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    return out;
}

static void compare_tensor(uint64_t seed, const char *how, int round, const char *name, const pgd_tensor *got, const pgd_tensor *want) {
    check(got->dtype == want->dtype && pgd_shape_equal(got->shape, want->shape), "graph %llu %s: %s has another type", (unsigned long long)seed, how, name);
    for (int64_t i = 0; i < pgd_shape_elems(want->shape); i++)
        check(near(pgd_tensor_get(got, i), pgd_tensor_get(want, i), TOLERANCE), "graph %llu %s, run %d: %s[%lld] is %.9g, not %.9g", (unsigned long long)seed, how, round, name, (long long)i,
              pgd_tensor_get(got, i), pgd_tensor_get(want, i));
}

static void compare_results(uint64_t seed, const char *how, const random_graph *r, const results *got, const results *want) {
    for (int round = 0; round < 2; round++) {
        for (int32_t i = 0; i < want->output_count; i++) compare_tensor(seed, how, round, r->graph->outputs[i].name, &got->outputs[round][i], &want->outputs[round][i]);
        for (int32_t i = 0; i <= GRAPH_PARAMS; i++) compare_tensor(seed, how, round, r->bindings[GRAPH_INPUTS + i].name, &got->params[round][i], &want->params[round][i]);
    }
}

static void same_bits(uint64_t seed, const results *a, const results *b) {
    for (int round = 0; round < 2; round++) {
        for (int32_t i = 0; i < a->output_count; i++)
            check(memcmp(a->outputs[round][i].data, b->outputs[round][i].data, tensor_bytes(&a->outputs[round][i])) == 0, "graph %llu: output %d differs between 1 and 2 threads", (unsigned long long)seed, i);
        for (int32_t i = 0; i <= GRAPH_PARAMS; i++)
            check(memcmp(a->params[round][i].data, b->params[round][i].data, tensor_bytes(&a->params[round][i])) == 0, "graph %llu: param %d differs between 1 and 2 threads", (unsigned long long)seed, i);
    }
}

static void random_graphs_mean_the_same_fused_unfused_and_node_by_node(void **unused) {
    pgd_device *one = open_cpu(1, NULL), *two = open_cpu(2, NULL), *portable = open_cpu(1, "portable");
    for (uint64_t seed = 0; seed < 240; seed++) {
        random_graph r = random_graph_create(seed);
        results want = by_reference(&r), fused = by_plan(&r, one, false), threads = by_plan(&r, two, false), unfused = by_plan(&r, one, true), plain = by_plan(&r, portable, false);
        compare_results(seed, "fused", &r, &fused, &want);
        compare_results(seed, "not fused", &r, &unfused, &want);
        compare_results(seed, "at portable", &r, &plain, &want);
        same_bits(seed, &fused, &threads);
        results_free(&want), results_free(&fused), results_free(&threads), results_free(&unfused), results_free(&plain);
        random_graph_free(&r);
    }
    pgd_device_close(one);
    pgd_device_close(two);
    pgd_device_close(portable);
}

/* ---- fusion is there at all ------------------------------------------------------------------------------------------------------------------------ */

static int32_t steps_of(pgd_device *device, const pgd_graph *g, bool no_fusion) {
    pgd_plan_options o;
    pgd_plan *plan;
    pgd_plan_options_init(&o, sizeof o);
    o.no_fusion = no_fusion;
    ok(pgd_plan_compile(device, g, &o, &plan));
    int32_t steps = plan->instances[0]->step_count;
    pgd_plan_destroy(plan);
    return steps;
}

static void a_chain_is_one_step_and_follows_its_matmul_as_epilogue(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, 8, 4)), *w = pgd_input(g, "w", PGD_F32, pgd_symshape_of(2, 4, 6));
    pgd_value *b = pgd_input(g, "b", PGD_F32, pgd_symshape_of(1, 6));
    pgd_output(g, "y", pgd_relu(g, pgd_add(g, pgd_matmul(g, x, w, false, false), b)));
    assert_int_equal(steps_of(device, g, false), 1);
    assert_true(steps_of(device, g, true) >= 3);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* ---- symbolic sizes --------------------------------------------------------------------------------------------------------------------------------- */

/* A small training step; n is the batch, a number or a symbol. */
static void training_graph(pgd_graph *g, pgd_dim n) {
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(4, n, 1, 8, 8)), *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, n));
    pgd_value *p[5] = {pgd_param(g, "conv", PGD_F32, pgd_symshape_of(4, 4, 1, 3, 3)), pgd_param(g, "gamma", PGD_F32, pgd_symshape_of(1, 4)),
                       pgd_param(g, "beta", PGD_F32, pgd_symshape_of(1, 4)), pgd_param(g, "weight", PGD_F32, pgd_symshape_of(2, 5, 36)), pgd_param(g, "bias", PGD_F32, pgd_symshape_of(1, 5))};
    static const char *const names[5] = {"conv", "gamma", "beta", "weight", "bias"};
    pgd_value *h = pgd_max_pool(g, pgd_relu(g, pgd_batch_norm(g, pgd_conv(g, x, p[0], NULL), p[1], p[2], 1e-5, NULL, NULL)), NULL), *d[5];
    pgd_value *logits = pgd_add(g, pgd_matmul(g, pgd_flatten(g, h, 1), p[3], false, true), p[4]);
    pgd_value *loss = pgd_reshape(g, pgd_mean(g, pgd_softmax_xent(g, logits, labels, 0.1), (int32_t[]){0}, 1), (pgd_symshape){0});
    ok(pgd_gradients(g, loss, p, 5, d));
    for (int i = 0; i < 5; i++) pgd_update(g, names[i], pgd_sub(g, p[i], pgd_mul(g, d[i], pgd_scalar(g, PGD_F32, 0.1))));
    pgd_output(g, "loss", loss);
    pgd_output(g, "logits", logits);
    ok(pgd_graph_status(g));
}

static pgd_state *training_state(pgd_device *device) {
    static const struct {
        const char *name;
        pgd_shape shape;
    } tensors[] = {{"conv", {4, {4, 1, 3, 3}}}, {"gamma", {1, {4}}}, {"beta", {1, {4}}}, {"weight", {2, {5, 36}}}, {"bias", {1, {5}}}};
    pgd_state *state;
    dice d = {5};
    ok(pgd_state_create(device, &state));
    for (int i = 0; i < 5; i++) {
        float values[180];
        for (int64_t k = 0; k < pgd_shape_elems(tensors[i].shape); k++) values[k] = (float)roll_between(&d, -0.5, 0.5);
        ok(pgd_state_set(state, tensors[i].name, PGD_F32, tensors[i].shape, values));
    }
    return state;
}

static void training_inputs(pgd_run *run, int64_t n) {
    static float x[64 * 64];
    int32_t labels[64];
    dice d = {(uint64_t)n};
    for (int64_t i = 0; i < n * 64; i++) x[i] = (float)roll_between(&d, -1, 1);
    for (int64_t i = 0; i < n; i++) labels[i] = (int32_t)roll_below(&d, 5);
    ok(pgd_run_set(run, "x", pgd_shape_of(4, n, 1, 8, 8), x));
    ok(pgd_run_set(run, "labels", pgd_shape_of(1, n), labels));
}

static void one_symbolic_plan_equals_a_plan_per_size(void **unused) {
    static const int64_t sizes[] = {1, 2, 7, 16, 3, 2, 33, 64, 1};
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    ok(pgd_graph_create(&g));
    training_graph(g, pgd_graph_symbol(g, "N", 1, 64));
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    o.instances = 3;
    ok(pgd_plan_compile(device, g, &o, &plan));
    pgd_state *state = training_state(device), *other = training_state(device);
    pgd_run *run;
    ok(pgd_run_create(plan, state, &run));
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        pgd_graph *fixed;
        pgd_plan *fixed_plan;
        pgd_run *fixed_run;
        float loss[2], weight[2][180], logits[2][64 * 5];
        ok(pgd_graph_create(&fixed));
        training_graph(fixed, sizes[i]);
        ok(pgd_plan_compile(device, fixed, NULL, &fixed_plan));
        ok(pgd_run_create(fixed_plan, other, &fixed_run));
        training_inputs(run, sizes[i]);
        training_inputs(fixed_run, sizes[i]);
        ok(pgd_run_execute(run));
        ok(pgd_run_execute(fixed_run));
        ok(pgd_run_get(run, "loss", &loss[0], 4));
        ok(pgd_run_get(fixed_run, "loss", &loss[1], 4));
        ok(pgd_run_get(run, "logits", logits[0], (uint64_t)sizes[i] * 20));
        ok(pgd_run_get(fixed_run, "logits", logits[1], (uint64_t)sizes[i] * 20));
        ok(pgd_state_get(state, "weight", weight[0], sizeof weight[0]));
        ok(pgd_state_get(other, "weight", weight[1], sizeof weight[1]));
        assert_true(isfinite(loss[0]));
        assert_memory_equal(&loss[0], &loss[1], 4);
        assert_memory_equal(logits[0], logits[1], (size_t)sizes[i] * 20);
        assert_memory_equal(weight[0], weight[1], sizeof weight[0]);
        check(plan->instance_count <= 3, "%d instances are kept, 3 were allowed", plan->instance_count);
        pgd_run_destroy(fixed_run);
        pgd_plan_destroy(fixed_plan);
        pgd_graph_destroy(fixed);
    }
    assert_int_equal(plan->instance_count, 3);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    pgd_state_destroy(other);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static void sizes_that_disagree_or_leave_their_range_are_refused(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    float x[5 * 64] = {0};
    int32_t labels[5] = {0};
    ok(pgd_graph_create(&g));
    training_graph(g, pgd_graph_symbol(g, "N", 1, 4));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    pgd_state *state = training_state(device);
    ok(pgd_run_create(plan, state, &run));
    fails(PGD_BAD_STATE, "never set", pgd_run_execute(run));
    fails(PGD_BAD_ARG, "input \"x\" is declared f32[N,1,8,8], given [5,1,8,8]", pgd_run_set(run, "x", pgd_shape_of(4, 5, 1, 8, 8), x));
    fails(PGD_BAD_ARG, "given [0,1,8,8]", pgd_run_set(run, "x", pgd_shape_of(4, 0, 1, 8, 8), x));
    fails(PGD_BAD_ARG, "given [1,64]", pgd_run_set(run, "x", pgd_shape_of(2, 1, 64), x));
    fails(PGD_BAD_ARG, "no input \"y\"", pgd_run_set(run, "y", pgd_shape_of(1, 1), x));
    ok(pgd_run_set(run, "x", pgd_shape_of(4, 3, 1, 8, 8), x));
    fails(PGD_BAD_STATE, "\"labels\" was never set", pgd_run_execute(run));
    ok(pgd_run_set(run, "labels", pgd_shape_of(1, 2), labels));
    fails(PGD_BAD_ARG, "the other inputs make it", pgd_run_execute(run));
    ok(pgd_run_set(run, "labels", pgd_shape_of(1, 3), labels));
    float loss;
    fails(PGD_BAD_STATE, "nothing was executed", pgd_run_get(run, "loss", &loss, 4));
    ok(pgd_run_execute(run));
    fails(PGD_BAD_ARG, "\"loss\" has 4 bytes, room was given for 8", pgd_run_get(run, "loss", &loss, 8));
    fails(PGD_BAD_ARG, "no output \"lost\"", pgd_run_get(run, "lost", &loss, 4));
    ok(pgd_run_get(run, "loss", &loss, 4));
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* A broadcast that is ready early is read by a slice, which no program takes in, before its source is. */
static void a_broadcast_read_by_work_that_is_no_program_waits_for_its_source(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    ok(pgd_graph_create(&g));
    pgd_value *b = pgd_input(g, "b", PGD_F32, pgd_symshape_of(2, 1, 6)), *sine = pgd_sin(g, b), *wide = pgd_broadcast(g, sine, pgd_symshape_of(2, 4, 6));
    pgd_output(g, "sum", pgd_add(g, sine, pgd_reverse(g, b, (int32_t[]){1}, 1)));
    pgd_output(g, "part", pgd_slice(g, wide, 1, 0, 3));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* The gradient of a mean reads nothing of x but how much of it there is. */
static void an_input_that_alone_shows_an_extent_is_wanted(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    float y[12], x[12] = {0};
    ok(pgd_graph_create(&g));
    pgd_value *in = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, pgd_graph_symbol(g, "N", 1, 64), 3)), *dx;
    ok(pgd_gradients(g, pgd_reshape(g, pgd_mean(g, in, (int32_t[]){0, 1}, 2), (pgd_symshape){0}), &in, 1, &dx));
    pgd_output(g, "dx", dx);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    assert_true(pgd_run_wants(run, "x"));
    ok(pgd_run_set(run, "x", pgd_shape_of(2, 4, 3), x));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "dx", y, sizeof y));
    for (int i = 0; i < 12; i++) assert_true(y[i] == (float)(1 / 12.0));
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* ---- states ---------------------------------------------------------------------------------------------------------------------------------------- */

static void a_run_wants_the_state_its_plan_was_made_for(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    pgd_state *state;
    ok(pgd_graph_create(&g));
    training_graph(g, 2);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    fails(PGD_BAD_ARG, "from a state and was given none", pgd_run_create(plan, NULL, &run));
    assert_null(run);
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "conv", PGD_F32, pgd_shape_of(4, 4, 1, 3, 3), NULL));
    ok(pgd_state_set(state, "gamma", PGD_F32, pgd_shape_of(1, 5), NULL));
    ok(pgd_state_set(state, "beta", PGD_F32, pgd_shape_of(1, 4), NULL));
    ok(pgd_state_set(state, "weight", PGD_F32, pgd_shape_of(2, 5, 36), NULL));
    ok(pgd_state_set(state, "bias", PGD_F32, pgd_shape_of(1, 5), NULL));
    fails(PGD_BAD_ARG, "state tensor \"gamma\" is f32[5], the plan wants f32[4]", pgd_run_create(plan, state, &run));
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static void states_keep_named_tensors(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_state *state;
    float values[3] = {1, 2, 3}, got[3];
    const char *name;
    pgd_dtype dtype;
    pgd_shape shape;
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "a", PGD_F32, pgd_shape_of(1, 3), values));
    ok(pgd_state_set(state, "nothing", PGD_F32, pgd_shape_of(2, 0, 3), NULL));
    ok(pgd_state_set(state, "zeros", PGD_I32, pgd_shape_of(1, 3), NULL));
    ok(pgd_state_get(state, "a", got, sizeof got));
    assert_memory_equal(got, values, sizeof got);
    ok(pgd_state_get(state, "zeros", got, sizeof got));
    assert_true(got[0] == 0 && got[2] == 0);
    ok(pgd_state_get(state, "nothing", got, 0));
    values[1] = 7;
    ok(pgd_state_set(state, "a", PGD_F32, pgd_shape_of(1, 3), values)); /* new contents */
    ok(pgd_state_get(state, "a", got, sizeof got));
    assert_true(got[1] == 7);
    assert_int_equal(pgd_state_count(state), 3);
    ok(pgd_state_at(state, 2, &name, &dtype, &shape));
    assert_string_equal(name, "zeros");
    assert_true(dtype == PGD_I32 && shape.rank == 1 && shape.dims[0] == 3);
    assert_int_equal(pgd_state_find(state, "zeros"), 2);
    assert_int_equal(pgd_state_find(state, "ones"), -1);
    fails(PGD_BAD_ARG, "another dtype or shape", pgd_state_set(state, "a", PGD_F32, pgd_shape_of(1, 4), NULL));
    fails(PGD_BAD_ARG, "another dtype or shape", pgd_state_set(state, "a", PGD_I32, pgd_shape_of(1, 3), NULL));
    fails(PGD_BAD_ARG, "needs a name", pgd_state_set(state, "", PGD_F32, pgd_shape_of(1, 4), NULL));
    fails(PGD_BAD_ARG, "extent of -1", pgd_state_set(state, "b", PGD_F32, pgd_shape_of(1, -1), NULL));
    fails(PGD_BAD_ARG, "no tensor \"b\"", pgd_state_get(state, "b", got, sizeof got));
    fails(PGD_BAD_ARG, "has 12 bytes, room was given for 8", pgd_state_get(state, "a", got, 8));
    fails(PGD_BAD_ARG, "no tensor 3", pgd_state_at(state, 3, NULL, NULL, NULL));
    pgd_state_destroy(state);
    pgd_device_close(device);
}

static void a_writer_is_alone_and_readers_share(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *writes, *reads;
    pgd_plan *write_plan, *read_plan;
    pgd_run *writer, *reader;
    pgd_state *state;
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "p", PGD_F32, pgd_shape_of(1, 3), NULL));
    ok(pgd_graph_create(&writes));
    ok(pgd_graph_create(&reads));
    pgd_value *p = pgd_param(writes, "p", PGD_F32, pgd_symshape_of(1, 3));
    pgd_update(writes, "p", pgd_add(writes, p, pgd_scalar(writes, PGD_F32, 1)));
    pgd_output(reads, "y", pgd_neg(reads, pgd_param(reads, "p", PGD_F32, pgd_symshape_of(1, 3))));
    ok(pgd_plan_compile(device, writes, NULL, &write_plan));
    ok(pgd_plan_compile(device, reads, NULL, &read_plan));
    ok(pgd_run_create(write_plan, state, &writer));
    ok(pgd_run_create(read_plan, state, &reader));
    atomic_store(&state->users, 1); /* as if a reader were inside */
    fails(PGD_BAD_STATE, "in use by another run", pgd_run_execute(writer));
    ok(pgd_run_execute(reader));
    assert_int_equal(atomic_load(&state->users), 1);
    atomic_store(&state->users, -1); /* as if a writer were inside */
    fails(PGD_BAD_STATE, "in use by another run", pgd_run_execute(writer));
    fails(PGD_BAD_STATE, "in use by another run", pgd_run_execute(reader));
    atomic_store(&state->users, 0);
    ok(pgd_run_execute(writer));
    ok(pgd_run_execute(writer));
    ok(pgd_run_execute(reader));
    float y[3];
    ok(pgd_run_get(reader, "y", y, sizeof y));
    assert_true(y[0] == -2 && y[2] == -2);
    assert_int_equal(atomic_load(&state->users), 0);
    pgd_run_destroy(writer);
    pgd_run_destroy(reader);
    pgd_plan_destroy(write_plan);
    pgd_plan_destroy(read_plan);
    pgd_state_destroy(state);
    pgd_graph_destroy(writes);
    pgd_graph_destroy(reads);
    pgd_device_close(device);
}

/* ---- threads ------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct rider {
    pgd_plan *plan;
    pgd_state *state;
    int64_t base;
    bool right;
} rider;

static void *ride(void *argument) {
    rider *r = argument;
    pgd_run *run;
    float x[40 * 6], p[6], y[40 * 6];
    r->right = false;
    if (pgd_state_get(r->state, "p", p, sizeof p) != PGD_OK || pgd_run_create(r->plan, r->state, &run) != PGD_OK) return NULL;
    r->right = true;
    for (int64_t i = 0; r->right && i < 60; i++) {
        int64_t n = 1 + (i * 7 + r->base) % 40;
        for (int64_t k = 0; k < n * 6; k++) x[k] = (float)(k + r->base * 1000 + i);
        r->right = pgd_run_set(run, "x", pgd_shape_of(2, n, 6), x) == PGD_OK && pgd_run_execute(run) == PGD_OK && pgd_run_get(run, "y", y, (uint64_t)n * 24) == PGD_OK;
        for (int64_t k = 0; r->right && k < n * 6; k++) r->right = y[k] == x[k] * 2 + p[k % 6];
    }
    pgd_run_destroy(run);
    return NULL;
}

static void runs_in_two_threads_share_one_plan_and_one_state(void **unused) {
    pgd_device *device = open_cpu(2, NULL);
    pgd_graph *g;
    pgd_state *state;
    rider riders[2] = {{.base = 1}, {.base = 5}};
    pthread_t threads[2];
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    o.instances = 4; /* instances come and go under both */
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, pgd_graph_symbol(g, "N", 1, 40), 6));
    pgd_output(g, "y", pgd_add(g, pgd_mul(g, x, pgd_scalar(g, PGD_F32, 2)), pgd_param(g, "p", PGD_F32, pgd_symshape_of(1, 6))));
    ok(pgd_state_create(device, &state));
    ok(pgd_state_set(state, "p", PGD_F32, pgd_shape_of(1, 6), (float[]){1, 2, 3, 4, 5, 6}));
    ok(pgd_plan_compile(device, g, &o, &riders[0].plan));
    riders[1].plan = riders[0].plan;
    riders[0].state = riders[1].state = state;
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, ride, &riders[i]), 0);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_true(riders[0].right && riders[1].right);
    pgd_plan_destroy(riders[0].plan);
    pgd_state_destroy(state);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* ---- memory --------------------------------------------------------------------------------------------------------------------------------------------- */

static void storages_alive_together_never_overlap(void **unused) {
    for (uint64_t seed = 0; seed < 400; seed++) {
        dice d = {seed};
        pgd_storage s[60];
        int32_t count = 1 + (int32_t)roll_below(&d, 60);
        uint64_t workspace, total = 0;
        for (int32_t i = 0; i < count; i++) {
            s[i] = (pgd_storage){.bytes = (uint64_t)roll_below(&d, 5000) * (roll_below(&d, 8) != 0), .born = (int32_t)roll_below(&d, 30), .shares = -1};
            s[i].dies = s[i].born - 1 + (int32_t)roll_below(&d, 9);
            if (i > 0 && roll_below(&d, 9) == 0) s[i].shares = (int32_t)roll_below(&d, i);
            if (roll_below(&d, 9) == 0) s[i].fixed = true, s[i].place = (pgd_place){PGD_SEGMENT_STATE, i, 77};
            total += (s[i].bytes + 63) / 64 * 64;
        }
        ok(pgd_memory_plan(s, count, &workspace));
        assert_true(workspace <= total);
        for (int32_t i = 0; i < count; i++) {
            if (s[i].fixed) assert_true(s[i].place.segment == PGD_SEGMENT_STATE && s[i].place.offset_bytes == 77);
            if (s[i].fixed || s[i].shares >= 0 || s[i].bytes == 0) continue;
            assert_int_equal(s[i].place.segment, PGD_SEGMENT_WORKSPACE);
            assert_int_equal(s[i].place.offset_bytes % 64, 0);
            assert_true(s[i].place.offset_bytes + s[i].bytes <= workspace);
            for (int32_t j = 0; j < i; j++) {
                if (s[j].fixed || s[j].shares >= 0 || s[j].bytes == 0) continue;
                int32_t i_dies = s[i].dies < s[i].born ? s[i].born : s[i].dies, j_dies = s[j].dies < s[j].born ? s[j].born : s[j].dies;
                bool together = s[i].born <= j_dies && s[j].born <= i_dies;
                bool overlap = s[i].place.offset_bytes < s[j].place.offset_bytes + s[j].bytes && s[j].place.offset_bytes < s[i].place.offset_bytes + s[i].bytes;
                check(!together || !overlap, "plan %llu: storages %d and %d are alive together and overlap", (unsigned long long)seed, i, j);
            }
        }
    }
}

static void storages_that_follow_each_other_share_memory(void **unused) {
    pgd_storage s[3] = {{.bytes = 1000, .born = 0, .dies = 1, .shares = -1}, {.bytes = 1000, .born = 2, .dies = 3, .shares = -1}, {.bytes = 600, .born = 4, .dies = 5, .shares = -1}};
    uint64_t workspace;
    ok(pgd_memory_plan(s, 3, &workspace));
    assert_int_equal(workspace, 1000);
}

/* ---- other devices, options, reports ----------------------------------------------------------------------------------------------------------------------- */

static void the_null_device_plans_and_runs_everything(void **unused) {
    pgd_device *device;
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    char *text;
    float loss;
    ok(pgd_device_open("null", NULL, &device));
    ok(pgd_graph_create(&g));
    training_graph(g, 3);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    pgd_state *state = training_state(device);
    ok(pgd_run_create(plan, state, &run));
    training_inputs(run, 3);
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "loss", &loss, 4));
    ok(pgd_plan_print(plan, &text));
    assert_non_null(strstr(text, "host_direct"));
    pgd_text_free(text);
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static void inputs_can_be_used_in_place(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    pgd_buffer *buffer;
    float x[4] = {1, 2, 3, 4}, y[4];
    ok(pgd_graph_create(&g));
    pgd_value *in = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 4));
    pgd_output(g, "y", pgd_mul(g, in, in));
    pgd_output(g, "same", in);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, NULL, &run));
    ok(pgd_buffer_wrap(device, x, sizeof x, &buffer));
    ok(pgd_run_bind(run, "x", pgd_shape_of(1, 4), buffer));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[3] == 16 && x[3] == 4);
    x[3] = 5; /* seen by the next run, without setting it again */
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[3] == 25);
    ok(pgd_run_get(run, "same", y, sizeof y));
    assert_true(y[3] == 5);
    ok(pgd_run_set(run, "x", pgd_shape_of(1, 4), (float[]){2, 2, 2, 2})); /* a copy again; the bound memory stays as it is */
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "y", y, sizeof y));
    assert_true(y[3] == 4 && x[0] == 1);
    pgd_buffer *small;
    ok(pgd_buffer_create(device, 8, &small));
    fails(PGD_BAD_ARG, "the buffer has 8 bytes, 16 are needed", pgd_run_bind(run, "x", pgd_shape_of(1, 4), small));
    pgd_run_destroy(run);
    pgd_buffer_destroy(small);
    pgd_buffer_destroy(buffer);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static bool stop_at_fusing(void *user, const char *what, double fraction) {
    (*(int *)user)++;
    return strcmp(what, "fusing") != 0;
}

static void compiling_can_be_cancelled_and_refuses_what_is_wrong(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    int reports = 0;
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    o.progress = (pgd_progress){stop_at_fusing, &reports};
    ok(pgd_graph_create(&g));
    fails(PGD_BAD_ARG, "no outputs and no updates", pgd_plan_compile(device, g, NULL, &plan));
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 4));
    pgd_output(g, "y", pgd_neg(g, x));
    assert_int_equal(pgd_plan_compile(device, g, &o, &plan), PGD_CANCELLED);
    assert_null(plan);
    assert_int_equal(reports, 2);
    o.struct_bytes = 3;
    fails(PGD_BAD_ARG, "pgd_plan_options", pgd_plan_compile(device, g, &o, &plan));
    assert_null(pgd_add(g, x, pgd_input(g, "z", PGD_F32, pgd_symshape_of(1, 3))));
    fails(PGD_BAD_ARG, "do not broadcast", pgd_plan_compile(device, g, NULL, &plan)); /* the graph's own first error */
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static void gradients_of_neighbouring_slices_are_one_concatenation(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    char *text;
    float x[2 * 9], y[2 * 9];
    ok(pgd_graph_create(&g));
    pgd_value *in = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, 2, 9)), *dx;
    pgd_value *q = pgd_slice(g, in, 1, 2, 3), *k = pgd_slice(g, in, 1, 5, 1), *v = pgd_slice(g, in, 1, 6, 2);
    pgd_value *loss = pgd_sum(g, pgd_mul(g, q, pgd_mul(g, q, pgd_mul(g, k, pgd_sum(g, v, (int32_t[]){1}, 1)))), (int32_t[]){0, 1}, 2);
    ok(pgd_gradients(g, loss, &in, 1, &dx));
    pgd_output(g, "dx", dx);
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_plan_print(plan, &text));
    int pads = 0, concats = 0;
    for (const char *at = text; (at = strstr(at, " = pad ")) != NULL; at++) pads++;
    for (const char *at = text; (at = strstr(at, " = concat ")) != NULL; at++) concats++;
    check(pads == 1 && concats == 1, "%d pads and %d concats:\n%s", pads, concats, text);
    ok(pgd_run_create(plan, NULL, &run));
    for (int i = 0; i < 18; i++) x[i] = (float)(i % 5) + 1;
    ok(pgd_run_set(run, "x", pgd_shape_of(2, 2, 9), x));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "dx", y, sizeof y));
    for (int r = 0; r < 2; r++) {
        const float *a = x + r * 9;
        float squares = a[2] * a[2] + a[3] * a[3] + a[4] * a[4], values = a[6] + a[7], want[9] = {0, 0, 2 * a[2] * a[5] * values, 2 * a[3] * a[5] * values, 2 * a[4] * a[5] * values, squares * values, squares * a[5], squares * a[5], 0};
        for (int i = 0; i < 9; i++) check(y[r * 9 + i] == want[i], "dx[%d,%d] is %g, not %g", r, i, (double)y[r * 9 + i], (double)want[i]);
    }
    pgd_text_free(text);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

/* Plans of 16-bit floats against references that round every result; the two may fall on either side of a tie. */
static void sixteen_bit_floats_are_computed_in_f32(void **unused) {
    static const pgd_dtype dtypes[] = {PGD_BF16, PGD_F16};
    pgd_device *device = open_cpu(2, NULL);
    for (int t = 0; t < 2; t++) {
        pgd_dtype h = dtypes[t];
        double ulp = h == PGD_BF16 ? 0x1p-8 : 0x1p-11;
        uint16_t x[6 * 8], w[8 * 8], gamma[8], y[64];
        pgd_graph *g;
        pgd_plan *plan;
        pgd_run *run;
        dice d = {5};
        for (int i = 0; i < 64; i++) {
            pgd_tensor_set(&(pgd_tensor){h, {0}, &w[i]}, 0, roll_between(&d, -1, 1));
            if (i < 48) pgd_tensor_set(&(pgd_tensor){h, {0}, &x[i]}, 0, roll_between(&d, -1, 1));
            if (i < 8) pgd_tensor_set(&(pgd_tensor){h, {0}, &gamma[i]}, 0, roll_between(&d, 0.5, 1));
        }
        ok(pgd_graph_create(&g));
        pgd_value *vx = pgd_input(g, "x", h, pgd_symshape_of(2, 6, 8)), *vw = pgd_input(g, "w", h, pgd_symshape_of(2, 8, 8)), *vg = pgd_input(g, "gamma", h, pgd_symshape_of(1, 8)), *dw;
        pgd_value *a = pgd_gelu(g, pgd_add(g, pgd_matmul(g, vx, vw, false, true), pgd_scalar(g, h, 0.25))), *n = pgd_layer_norm(g, a, vg, vg, 1e-5);
        pgd_value *s = pgd_softmax(g, pgd_concat(g, (pgd_value *[]){pgd_slice(g, n, 1, 4, 4), pgd_slice(g, n, 1, 0, 4)}, 2, 1));
        pgd_value *m = pgd_mean(g, pgd_mul(g, s, pgd_pad(g, pgd_slice(g, vx, 1, 2, 5), 1, 1, 2, 0.5)), (int32_t[]){0}, 1);
        ok(pgd_gradients(g, pgd_reshape(g, pgd_sum(g, a, (int32_t[]){0, 1}, 2), (pgd_symshape){0}), &vw, 1, &dw));
        const char *const names[] = {"a", "n", "s", "m", "dw", "wide"};
        pgd_value *outputs[] = {a, n, s, m, dw, pgd_cast(g, a, PGD_F32)};
        for (int i = 0; i < 6; i++) pgd_output(g, names[i], outputs[i]);
        ok(pgd_plan_compile(device, g, NULL, &plan));
        ok(pgd_run_create(plan, NULL, &run));
        ok(pgd_run_set(run, "x", pgd_shape_of(2, 6, 8), x));
        ok(pgd_run_set(run, "w", pgd_shape_of(2, 8, 8), w));
        ok(pgd_run_set(run, "gamma", pgd_shape_of(1, 8), gamma));
        ok(pgd_run_execute(run));
        const binding bindings[] = {{"x", {h, {2, {6, 8}}, x}}, {"w", {h, {2, {8, 8}}, w}}, {"gamma", {h, {1, {8}}, gamma}}};
        reference r = reference_run(g, NULL, bindings, 3);
        for (int i = 0; i < 6; i++) {
            const pgd_tensor *want = reference_of(&r, outputs[i]);
            float wide[64];
            void *got = i == 5 ? (void *)wide : (void *)y;
            assert_int_equal(want->dtype, i == 5 ? PGD_F32 : h);
            ok(pgd_run_get(run, names[i], got, tensor_bytes(want)));
            for (int64_t k = 0; k < pgd_shape_elems(want->shape); k++) {
                double p = pgd_tensor_get(&(pgd_tensor){want->dtype, want->shape, got}, k), q = pgd_tensor_get(want, k);
                check(near(p, q, 8 * ulp), "%s %s[%lld] is %g, not %g", pgd_dtype_name(h), names[i], (long long)k, p, q);
            }
        }
        reference_free(&r);
        pgd_run_destroy(run);
        pgd_plan_destroy(plan);
        pgd_graph_destroy(g);
    }
    pgd_device_close(device);
}

static void strict_plans_refuse_the_slow_reference(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F64, pgd_symshape_of(2, 80, 80));
    pgd_output(g, "y", pgd_matmul(g, x, x, false, false));
    ok(pgd_plan_compile(device, g, &o, &plan));
    pgd_plan_destroy(plan);
    o.strict = true;
    fails(PGD_UNSUPPORTED, "strict: matmul would run on the slow reference", pgd_plan_compile(device, g, &o, &plan));
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

static void a_profile_counts_every_step(void **unused) {
    pgd_device *device = open_cpu(1, NULL);
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    ok(pgd_graph_create(&g));
    training_graph(g, pgd_graph_symbol(g, "N", 1, 64));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    pgd_state *state = training_state(device);
    ok(pgd_run_create(plan, state, &run));
    training_inputs(run, 3);
    assert_int_equal(pgd_run_step_count(run), 0);
    ok(pgd_run_execute(run));
    pgd_run_profile(run, true);
    for (int i = 0; i < 4; i++) ok(pgd_run_execute(run));
    bool conv = false;
    pgd_step_profile step;
    for (int32_t i = 0; i < pgd_run_step_count(run); i++) {
        ok(pgd_run_step(run, i, &step));
        assert_int_equal(step.calls, 4);
        if (strcmp(step.operation, "conv") == 0) {
            conv = true;
            assert_true(step.flops == 2.0 * 3 * 4 * 6 * 6 * 9);
        }
    }
    assert_true(conv);
    assert_true(pgd_run_workspace_bytes(run) > 0);
    fails(PGD_BAD_ARG, "there is no step", pgd_run_step(run, pgd_run_step_count(run), &step));
    int32_t lines = pgd_run_step_count(run);
    training_inputs(run, 5); /* other shapes add to the same lines */
    for (int i = 0; i < 4; i++) ok(pgd_run_execute(run));
    assert_int_equal(pgd_run_step_count(run), lines);
    for (int32_t i = 0; i < lines; i++) {
        ok(pgd_run_step(run, i, &step));
        assert_int_equal(step.calls, 8);
        if (strcmp(step.operation, "conv") == 0) assert_true(step.flops == 2.0 * 4 * 4 * 6 * 6 * 9);
    }
    pgd_run_profile(run, false);
    assert_int_equal(pgd_run_step_count(run), 0);
    fails(PGD_BAD_STATE, "not being profiled", pgd_run_step(run, 0, &step));
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_graphs_mean_the_same_fused_unfused_and_node_by_node), cmocka_unit_test(a_chain_is_one_step_and_follows_its_matmul_as_epilogue),
        cmocka_unit_test(one_symbolic_plan_equals_a_plan_per_size), cmocka_unit_test(sizes_that_disagree_or_leave_their_range_are_refused),
        cmocka_unit_test(a_broadcast_read_by_work_that_is_no_program_waits_for_its_source),
        cmocka_unit_test(an_input_that_alone_shows_an_extent_is_wanted),
        cmocka_unit_test(a_run_wants_the_state_its_plan_was_made_for), cmocka_unit_test(states_keep_named_tensors), cmocka_unit_test(a_writer_is_alone_and_readers_share),
        cmocka_unit_test(runs_in_two_threads_share_one_plan_and_one_state), cmocka_unit_test(storages_alive_together_never_overlap),
        cmocka_unit_test(storages_that_follow_each_other_share_memory), cmocka_unit_test(the_null_device_plans_and_runs_everything), cmocka_unit_test(inputs_can_be_used_in_place),
        cmocka_unit_test(compiling_can_be_cancelled_and_refuses_what_is_wrong), cmocka_unit_test(gradients_of_neighbouring_slices_are_one_concatenation), cmocka_unit_test(sixteen_bit_floats_are_computed_in_f32), cmocka_unit_test(strict_plans_refuse_the_slow_reference), cmocka_unit_test(a_profile_counts_every_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
