/* SPDX-License-Identifier: Apache-2.0
 * Training a classifier. One plan is one step: forward, loss, gradients, optimiser, running statistics, the random counter, the step
 * counter. Everything a step depends on is in the state or follows from (seed, step), so a saved state continues to the same bits. */
#include <math.h>
#include <string.h>

#include "classifier.h"

struct pgd_trainer {
    pgd_classifier_options options;
    pgd_optimizer_options optimizer;
    pgd_schedule schedule;
    pgd_loader *loader;
    pgd_state *state;
    pgd_plan *plan;
    pgd_run *run;
    int64_t step, steps, samples; /* samples in one epoch */
};

/* ---- the state ------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status add_missing(void *user, const pgd_parameter *tensor) {
    pgd_state *state = user;
    if (pgd_state_find(state, tensor->name) >= 0) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "trainer: the state has some of the network's tensors but not \"%s\"; is it a file of another network?", tensor->name);
}

static pgd_status count_present(void *user, const pgd_parameter *tensor) {
    int32_t *present = ((int32_t **)user)[0];
    const pgd_state *state = ((const pgd_state **)user)[1];
    *present += pgd_state_find(state, tensor->name) >= 0;
    return PGD_OK;
}

static pgd_status complete_state(const pgd_trainer *t, const pgd_layer *layer) {
    pgd_state *state = t->state;
    int32_t present = 0;
    void *both[2] = {&present, state};
    PGD_TRY(pgd_layer_each(layer, "", count_present, both));
    PGD_TRY(present == 0 ? pgd_layer_init(layer, "", t->options.seed, state, &t->options.progress) : pgd_layer_each(layer, "", add_missing, state));
    PGD_TRY(pgd_optimizer_init(&t->optimizer, layer, "", state));
    if (pgd_state_find(state, "random") < 0) PGD_TRY(pgd_state_set(state, "random", PGD_I64, (pgd_shape){1, {2}}, (int64_t[]){(int64_t)t->options.seed, 0}));
    if (pgd_state_find(state, "trainer.step") < 0) PGD_TRY(pgd_state_set(state, "trainer.step", PGD_I64, (pgd_shape){0}, NULL));
    return PGD_OK;
}

/* ---- the step as a graph ------------------------------------------------------------------------------------------------------------------------- */

/* The share of rows whose greatest logit is the label's. */
static pgd_value *batch_accuracy(pgd_graph *g, pgd_value *logits, pgd_value *labels) {
    pgd_value *guess = pgd_flatten(g, pgd_argmax(g, logits, 1), 0);
    pgd_value *hit = pgd_cast(g, pgd_eq(g, guess, labels), PGD_F32);
    return hit == NULL ? NULL : pgd_reshape(g, pgd_mean(g, hit, (int32_t[]){0}, 1), (pgd_symshape){0});
}

static void count_up(pgd_graph *g, const char *name, pgd_shape shape, const int64_t *by) {
    pgd_value *old = pgd_param(g, name, PGD_I64, pgd_symshape_from(shape));
    pgd_update(g, name, pgd_add(g, old, pgd_constant(g, PGD_I64, shape, by)));
}

static pgd_status build_step(const pgd_trainer *t, const pgd_layer *layer, pgd_graph *g) {
    pgd_value *logits = pgd_classifier_logits(g, layer, &t->options, true);
    PGD_TRY(pgd_graph_status(g));
    pgd_value *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, logits->shape.dims[0]));
    pgd_value *rate = pgd_input(g, "learning_rate", PGD_F32, (pgd_symshape){0});
    pgd_value *loss = pgd_loss_cross_entropy(g, logits, labels, t->options.label_smoothing);
    PGD_TRY(pgd_optimizer_minimize(g, &t->optimizer, &layer, &(const char *){""}, 1, loss, rate));
    pgd_output(g, "loss", loss);
    pgd_output(g, "accuracy", batch_accuracy(g, logits, labels));
    count_up(g, "random", (pgd_shape){1, {2}}, (int64_t[]){0, 1});
    count_up(g, "trainer.step", (pgd_shape){0}, (int64_t[]){1});
    return pgd_graph_status(g);
}

static pgd_status compile_step(pgd_trainer *t, pgd_device *device, const pgd_layer *layer) {
    pgd_graph *graph;
    pgd_plan_options plan_options;
    PGD_TRY(pgd_graph_create(&graph));
    pgd_status status = build_step(t, layer, graph);
    pgd_plan_options_init(&plan_options, sizeof plan_options);
    plan_options.strict = t->options.strict;
    plan_options.progress = t->options.progress;
    if (status == PGD_OK) status = pgd_plan_compile(device, graph, &plan_options, &t->plan);
    pgd_graph_destroy(graph);
    return status;
}

static pgd_status read_options(pgd_trainer *t, const pgd_classifier_options *options) {
    PGD_TRY(pgd_classifier_options_check(options, &t->options));
    pgd_optimizer_options_init(&t->optimizer, sizeof t->optimizer, PGD_OPTIMIZER_SGD);
    PGD_TRY(pgd_options_read(&t->optimizer, sizeof t->optimizer, t->options.optimizer, "pgd_optimizer_options"));
    pgd_schedule_init(&t->schedule, sizeof t->schedule);
    PGD_TRY(pgd_options_read(&t->schedule, sizeof t->schedule, t->options.schedule, "pgd_schedule"));
    t->options.optimizer = NULL; /* the caller's */
    t->options.schedule = NULL;
    return t->schedule.rate > 0 ? PGD_OK : pgd_fail(PGD_BAD_ARG, "trainer: the learning rate is %g; it must be above 0", t->schedule.rate);
}

static pgd_status make(pgd_trainer *t, pgd_device *device, const pgd_layer *layer, const pgd_dataset *dataset, const pgd_classifier_options *options) {
    PGD_TRY(read_options(t, options));
    if (dataset->sample_bytes != t->options.channels * t->options.height * t->options.width)
        return pgd_fail(PGD_BAD_ARG, "trainer: samples have %lld bytes, channels x height x width is %lld", (long long)dataset->sample_bytes, (long long)(t->options.channels * t->options.height * t->options.width));
    t->samples = dataset->count;
    PGD_TRY(complete_state(t, layer));
    PGD_TRY(compile_step(t, device, layer));
    PGD_TRY(pgd_run_create(t->plan, t->state, &t->run));
    PGD_TRY(pgd_loader_create(dataset, t->options.batch, t->options.seed, true, &t->loader));
    PGD_TRY(pgd_state_get(t->state, "trainer.step", &t->step, sizeof t->step));
    t->steps = t->options.epochs * pgd_loader_batches(t->loader);
    if (t->options.max_steps > 0 && t->options.max_steps < t->steps) t->steps = t->options.max_steps;
    pgd_loader_seek(t->loader, t->step);
    return PGD_OK;
}

pgd_status pgd_trainer_create(pgd_device *device, const pgd_layer *layer, pgd_state *state, const pgd_dataset *dataset, const pgd_classifier_options *options, pgd_trainer **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device, layer, state, dataset, options);
    pgd_trainer *t = pgd_mem_zalloc(sizeof *t);
    if (t == NULL) return pgd_fail_memory(sizeof *t);
    t->state = state;
    int32_t before = pgd_state_count(state);
    pgd_status status = make(t, device, layer, dataset, options);
    if (status != PGD_OK) {
        pgd_trainer_destroy(t);
        pgd_state_shrink(state, before);
        return status;
    }
    *out = t;
    return PGD_OK;
}

void pgd_trainer_destroy(pgd_trainer *t) {
    if (t == NULL) return;
    pgd_loader_destroy(t->loader);
    pgd_run_destroy(t->run);
    pgd_plan_destroy(t->plan);
    pgd_mem_free(t);
}

pgd_run *pgd_trainer_run(pgd_trainer *trainer) { return PGD_LACKS(trainer) ? NULL : trainer->run; }

/* The schedule runs over the steps the epochs make, whatever max_steps cuts off: a shorter run is the beginning of the longer one. */
static double rate_now(const pgd_trainer *t) { return pgd_schedule_rate(&t->schedule, t->step, t->options.epochs * pgd_loader_batches(t->loader)); }

/* Samples in the first `step` steps: the last batch of an epoch may be smaller. */
static int64_t samples_before(const pgd_trainer *t, int64_t step) {
    int64_t batches = pgd_loader_batches(t->loader), part = step % batches * t->options.batch;
    return step / batches * t->samples + (part < t->samples ? part : t->samples);
}

static pgd_status run_batch(pgd_trainer *t, float rate, float *loss, float *accuracy) {
    const uint8_t *samples;
    const int32_t *labels;
    int64_t count;
    PGD_TRY(pgd_loader_next(t->loader, &samples, &labels, &count));
    PGD_TRY(pgd_run_set(t->run, "samples", (pgd_shape){4, {count, t->options.channels, t->options.height, t->options.width}}, samples));
    PGD_TRY(pgd_run_set(t->run, "labels", (pgd_shape){1, {count}}, labels));
    PGD_TRY(pgd_run_set(t->run, "learning_rate", (pgd_shape){0}, &rate));
    PGD_TRY(pgd_run_execute(t->run));
    PGD_TRY(pgd_run_get(t->run, "loss", loss, sizeof *loss));
    return pgd_run_get(t->run, "accuracy", accuracy, sizeof *accuracy);
}

static pgd_status one_step(pgd_trainer *t, pgd_trainer_step *out) {
    int64_t batches = pgd_loader_batches(t->loader);
    float loss, accuracy, rate = (float)rate_now(t);
    pgd_status status = run_batch(t, rate, &loss, &accuracy);
    if (status != PGD_OK) { /* the same batch again, should the caller try once more */
        pgd_loader_seek(t->loader, t->step);
        return status;
    }
    if (!isfinite(loss))
        return pgd_fail(PGD_BAD_STATE, "training: the loss became %s at step %lld with learning rate %g; use a lower rate, or look for wrong labels and data", isnan(loss) ? "not a number" : "infinite", (long long)(t->step + 1), (double)rate);
    t->step++;
    *out = (pgd_trainer_step){.step = t->step, .steps = t->steps, .epoch = (t->step - 1) / batches + 1, .epochs = t->options.epochs, .loss = (double)loss, .accuracy = (double)accuracy, .samples = samples_before(t, t->step), .learning_rate = (double)rate};
    return PGD_OK;
}

pgd_status pgd_trainer_advance(pgd_trainer *trainer, pgd_trainer_step *out, bool *done) {
    PGD_NEED(trainer, out, done);
    pgd_trainer *t = trainer;
    *done = t->step >= t->steps;
    *out = (pgd_trainer_step){.step = t->step, .steps = t->steps, .epochs = t->options.epochs};
    return *done ? PGD_OK : one_step(t, out);
}
