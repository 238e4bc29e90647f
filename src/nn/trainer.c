/* SPDX-License-Identifier: Apache-2.0
 * Training. One plan is one step: forward, loss, gradients, optimiser, running statistics, the random counter, the step counter; with accumulation a second plan only adds
 * gradients up. Everything a step depends on is in the state or follows from (seed, step), so a saved state continues to the same bits. */
#include <math.h>
#include <string.h>

#include "layer.h"

struct pgd_trainer {
    pgd_training_options options;
    pgd_optimizer_options optimizer;
    pgd_schedule schedule;
    pgd_dataset data;
    pgd_field fields[PGD_MAX_FIELDS];
    pgd_loader *loader;
    pgd_state *state;
    pgd_plan *plan, *part_plan;
    pgd_run *run, *part;        /* part: a batch that only accumulates */
    bool has_accuracy;
    int64_t step, steps;
    int32_t done;               /* batches of the step under way that are in `accumulated.*` already */
    double loss, accuracy;      /* of them */
};

void pgd_training_options_init(pgd_training_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_training_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .batch = 128, .epochs = 1, .accumulate = 1, .loader_threads = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

/* ---- the state ------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status refuse_missing(void *user, const pgd_parameter *p) {
    pgd_state *state = user;
    if (pgd_state_find(state, p->name) >= 0) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "trainer: the state has some of the network's tensors but not \"%s\"; is it a file of another network?", p->name);
}

typedef struct presence {
    const pgd_state *state;
    int32_t count;
} presence;

static pgd_status count_present(void *user, const pgd_parameter *p) {
    presence *present = user;
    present->count += pgd_state_find(present->state, p->name) >= 0;
    return PGD_OK;
}

static pgd_status complete_state(const pgd_trainer *t, const pgd_layer *layer) {
    pgd_state *state = t->state;
    presence present = {state, 0};
    PGD_TRY(pgd_layer_each(layer, "", count_present, &present));
    PGD_TRY(present.count == 0 ? pgd_layer_init(layer, "", t->options.seed, state, &t->options.progress) : pgd_layer_each(layer, "", refuse_missing, state));
    PGD_TRY(pgd_optimizer_init(&t->optimizer, layer, "", t->options.accumulate > 1, state));
    if (pgd_state_find(state, "random") < 0) PGD_TRY(pgd_state_set(state, "random", PGD_I64, (pgd_shape){1, {2}}, (int64_t[]){(int64_t)t->options.seed, 0}));
    if (pgd_state_find(state, "trainer.step") < 0) PGD_TRY(pgd_state_set(state, "trainer.step", PGD_I64, (pgd_shape){0}, NULL));
    return PGD_OK;
}

/* ---- a step as a graph --------------------------------------------------------------------------------------------------------------------------- */

/* What is asked for while plans are made, and then forgotten. */
typedef struct making {
    pgd_device *device;
    const pgd_layer *layer;
    pgd_loss_fn loss;
    void *user;
} making;

static void count_up(pgd_graph *g, const char *name, pgd_shape shape, const int64_t *by) {
    pgd_value *old = pgd_param(g, name, PGD_I64, pgd_symshape_from(shape));
    pgd_update(g, name, pgd_add(g, old, pgd_constant(g, PGD_I64, shape, by)));
}

static pgd_value *build_loss(const pgd_trainer *t, const making *m, pgd_graph *g) {
    pgd_value *fields[PGD_MAX_FIELDS];
    pgd_dim N = pgd_graph_symbol(g, "N", 1, t->options.batch);
    for (int32_t i = 0; i < t->data.field_count; i++) {
        pgd_symshape shape = {.rank = t->fields[i].shape.rank + 1, .dims = {N}};
        for (int32_t d = 1; d < shape.rank; d++) shape.dims[d] = t->fields[i].shape.dims[d - 1];
        fields[i] = pgd_input(g, t->fields[i].name, t->fields[i].dtype, shape);
    }
    if (pgd_graph_status(g) != PGD_OK) return NULL;
    pgd_value *loss = m->loss(m->user, g, m->layer, fields, true);
    if (loss == NULL) return pgd_graph_status(g) != PGD_OK ? NULL : pgd_graph_fail(g, PGD_BAD_ARG, "trainer: the loss function gave NULL");
    if (loss->shape.rank != 0 || loss->dtype != PGD_F32) return pgd_graph_fail(g, PGD_BAD_ARG, "trainer: the loss has rank %d and dtype %s; it must be f32 of rank 0", loss->shape.rank, pgd_dtype_name(loss->dtype));
    pgd_output(g, "loss", loss);
    return loss;
}

static bool names_accuracy(const pgd_graph *g) {
    for (int32_t i = 0; i < g->output_count; i++)
        if (strcmp(g->outputs[i].name, "accuracy") == 0 && g->outputs[i].value->dtype == PGD_F32 && g->outputs[i].value->shape.rank == 0) return true;
    return false;
}

static pgd_status build(pgd_trainer *t, const making *m, bool part, pgd_graph *g) {
    double share = 1.0 / t->options.accumulate;
    const pgd_layer *const *layers = &m->layer;
    const char *const prefixes[] = {""};
    pgd_value *loss = build_loss(t, m, g);
    PGD_TRY(pgd_graph_status(g));
    t->has_accuracy = names_accuracy(g);
    count_up(g, "random", (pgd_shape){1, {2}}, (int64_t[]){0, 1});
    if (part) return pgd_optimizer_accumulate(g, layers, prefixes, 1, loss, share);
    pgd_value *rate = pgd_input(g, "learning_rate", PGD_F32, (pgd_symshape){0});
    count_up(g, "trainer.step", (pgd_shape){0}, (int64_t[]){1});
    if (t->options.accumulate == 1) return pgd_optimizer_minimize(g, &t->optimizer, layers, prefixes, 1, loss, rate);
    return pgd_optimizer_minimize_accumulated(g, &t->optimizer, layers, prefixes, 1, loss, share, rate);
}

static pgd_status compile(pgd_trainer *t, const making *m, bool part, pgd_plan **plan, pgd_run **run) {
    pgd_graph *graph;
    pgd_plan_options plan_options;
    PGD_TRY(pgd_graph_create(&graph));
    pgd_status status = build(t, m, part, graph);
    pgd_plan_options_init(&plan_options, sizeof plan_options);
    plan_options.strict = t->options.strict;
    plan_options.progress = t->options.progress;
    if (status == PGD_OK) status = pgd_plan_compile(m->device, graph, &plan_options, plan);
    pgd_graph_destroy(graph);
    return status == PGD_OK ? pgd_run_create(*plan, t->state, run) : status;
}

/* ---- making ----------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status read_options(pgd_trainer *t, const pgd_training_options *options) {
    pgd_training_options *o = &t->options;
    pgd_training_options_init(o, sizeof *o);
    PGD_TRY(pgd_options_read(o, sizeof *o, options, "pgd_training_options"));
    if (o->batch < 1 || o->batch > 65536 || o->epochs < 1 || o->epochs > 1 << 24 || o->max_steps < 0)
        return pgd_fail(PGD_BAD_ARG, "trainer: batch %lld, epochs %lld, max_steps %lld; batch 1 to 65536, epochs 1 to 16777216, max_steps from 0", (long long)o->batch, (long long)o->epochs, (long long)o->max_steps);
    if (o->accumulate < 1 || o->accumulate > 65536) return pgd_fail(PGD_BAD_ARG, "trainer: %d batches to a step; use 1 to 65536", o->accumulate);
    pgd_optimizer_options_init(&t->optimizer, sizeof t->optimizer, PGD_OPTIMIZER_SGD);
    PGD_TRY(pgd_options_read(&t->optimizer, sizeof t->optimizer, o->optimizer, "pgd_optimizer_options"));
    pgd_schedule_init(&t->schedule, sizeof t->schedule);
    PGD_TRY(pgd_options_read(&t->schedule, sizeof t->schedule, o->schedule, "pgd_schedule"));
    o->optimizer = NULL; /* the caller's */
    o->schedule = NULL;
    return t->schedule.rate > 0 ? PGD_OK : pgd_fail(PGD_BAD_ARG, "trainer: the learning rate is %g; it must be above 0", t->schedule.rate);
}

static pgd_status make_loader(pgd_trainer *t) {
    pgd_loader_options o;
    pgd_loader_options_init(&o, sizeof o);
    o.batch = t->options.batch;
    o.seed = t->options.seed;
    o.threads = t->options.loader_threads;
    return pgd_loader_create(&t->data, &o, &t->loader);
}

/* Of an epoch; the batches left over when they do not divide into steps wait for the next. */
static int64_t total_steps(const pgd_trainer *t) { return t->options.epochs * pgd_loader_batches(t->loader) / t->options.accumulate; }

static pgd_status make(pgd_trainer *t, const making *m, const pgd_dataset *dataset, const pgd_training_options *options) {
    PGD_TRY(read_options(t, options));
    PGD_TRY(pgd_dataset_check(dataset, "trainer"));
    t->data = *dataset;
    memcpy(t->fields, dataset->fields, (size_t)dataset->field_count * sizeof *t->fields);
    t->data.fields = t->fields;
    PGD_TRY(make_loader(t));
    if (total_steps(t) < 1) return pgd_fail(PGD_BAD_ARG, "trainer: %lld batches in all do not make one step of %d; accumulate less or train for more epochs", (long long)(t->options.epochs * pgd_loader_batches(t->loader)), t->options.accumulate);
    PGD_TRY(complete_state(t, m->layer));
    if (t->options.accumulate > 1) PGD_TRY(compile(t, m, true, &t->part_plan, &t->part));
    PGD_TRY(compile(t, m, false, &t->plan, &t->run));
    PGD_TRY(pgd_state_get(t->state, "trainer.step", &t->step, sizeof t->step));
    t->steps = total_steps(t);
    if (t->options.max_steps > 0 && t->options.max_steps < t->steps) t->steps = t->options.max_steps;
    pgd_loader_seek(t->loader, t->step * t->options.accumulate);
    return PGD_OK;
}

pgd_status pgd_trainer_create(pgd_device *device, const pgd_layer *layer, pgd_state *state, const pgd_dataset *dataset, pgd_loss_fn loss, void *user, const pgd_training_options *options, pgd_trainer **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device, layer, state, dataset);
    if (loss == NULL) return pgd_fail(PGD_BAD_ARG, "%s: loss is NULL; give the function that builds it, for images pgd_classifier_loss", __func__);
    pgd_trainer *t = pgd_mem_zalloc(sizeof *t);
    if (t == NULL) return pgd_fail_memory(sizeof *t);
    t->state = state;
    int32_t before = pgd_state_count(state);
    pgd_status status = make(t, &(making){device, layer, loss, user}, dataset, options);
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
    pgd_run_destroy(t->part);
    pgd_plan_destroy(t->plan);
    pgd_plan_destroy(t->part_plan);
    pgd_mem_free(t);
}

pgd_run *pgd_trainer_run(pgd_trainer *trainer) { return PGD_LACKS(trainer) ? NULL : trainer->run; }

/* ---- stepping ---------------------------------------------------------------------------------------------------------------------------------------- */

/* The schedule runs over the steps the epochs make, whatever max_steps cuts off: a shorter run is the beginning of the longer one. */
static double rate_now(const pgd_trainer *t) { return pgd_schedule_rate(&t->schedule, t->step, total_steps(t)); }

/* Samples in the first `step` steps: the last batch of an epoch may be smaller. */
static int64_t samples_before(const pgd_trainer *t, int64_t step) {
    int64_t batches = pgd_loader_batches(t->loader), seen = step * t->options.accumulate, part = seen % batches * t->options.batch;
    return seen / batches * t->data.count + (part < t->data.count ? part : t->data.count);
}

static pgd_status run_batch(pgd_trainer *t, pgd_run *run) {
    const void *const *fields;
    int64_t count;
    float one_loss, one_accuracy = NAN;
    PGD_TRY(pgd_loader_next(t->loader, &fields, &count));
    for (int32_t i = 0; i < t->data.field_count; i++) {
        pgd_shape shape = {.rank = t->fields[i].shape.rank + 1, .dims = {count}};
        memcpy(shape.dims + 1, t->fields[i].shape.dims, (size_t)t->fields[i].shape.rank * sizeof *shape.dims);
        if (pgd_run_wants(run, t->fields[i].name)) PGD_TRY(pgd_run_set(run, t->fields[i].name, shape, fields[i]));
    }
    PGD_TRY(pgd_run_execute(run));
    PGD_TRY(pgd_run_get(run, "loss", &one_loss, sizeof one_loss));
    if (t->has_accuracy) PGD_TRY(pgd_run_get(run, "accuracy", &one_accuracy, sizeof one_accuracy));
    t->loss += (double)one_loss / t->options.accumulate;
    t->accuracy += (double)one_accuracy / t->options.accumulate;
    t->done++;
    return PGD_OK;
}

static pgd_status run_batches(pgd_trainer *t, float rate) {
    if (t->done == 0) t->loss = t->accuracy = 0;
    while (t->done < t->options.accumulate - 1) PGD_TRY(run_batch(t, t->part));
    PGD_TRY(pgd_run_set(t->run, "learning_rate", (pgd_shape){0}, &rate));
    return run_batch(t, t->run);
}

static pgd_status one_step(pgd_trainer *t, pgd_trainer_step *out) {
    float rate = (float)rate_now(t);
    pgd_status status = run_batches(t, rate);
    if (status != PGD_OK) { /* the batch that failed again, should the caller try once more */
        pgd_loader_seek(t->loader, t->step * t->options.accumulate + t->done);
        return status;
    }
    double loss = t->loss, accuracy = t->accuracy;
    t->done = 0;
    if (!isfinite(loss))
        return pgd_fail(PGD_BAD_STATE, "training: the loss became %s at step %lld with learning rate %g; use a lower rate, or look for wrong labels and data", isnan(loss) ? "not a number" : "infinite", (long long)(t->step + 1), (double)rate);
    t->step++;
    int64_t epoch = (t->step * t->options.accumulate - 1) / pgd_loader_batches(t->loader) + 1;
    *out = (pgd_trainer_step){.step = t->step, .steps = t->steps, .epoch = epoch, .epochs = t->options.epochs, .loss = loss, .accuracy = accuracy, .samples = samples_before(t, t->step), .learning_rate = (double)rate};
    return PGD_OK;
}

pgd_status pgd_trainer_advance(pgd_trainer *trainer, pgd_trainer_step *out, bool *done) {
    PGD_NEED(trainer, out, done);
    pgd_trainer *t = trainer;
    *done = t->step >= t->steps;
    *out = (pgd_trainer_step){.step = t->step, .steps = t->steps, .epochs = t->options.epochs};
    return *done ? PGD_OK : one_step(t, out);
}
