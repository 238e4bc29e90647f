/* SPDX-License-Identifier: Apache-2.0
 * Images as bytes: the loss that trains a classifier of them, and inference, bytes in and class probabilities out, one plan for every number of samples. */
#include "layer.h"

#include <string.h>

struct pgd_classifier {
    pgd_classifier_options options;
    int64_t classes;
    pgd_plan *plan;
    pgd_run *run;
};

void pgd_classifier_options_init(pgd_classifier_options *options, size_t struct_bytes) {
    const pgd_classifier_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .batch = 128, .deviation = {1, 1, 1, 1}};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

static pgd_status read_options(const pgd_classifier_options *options, pgd_classifier_options *out) {
    pgd_classifier_options_init(out, sizeof *out);
    PGD_TRY(pgd_options_read(out, sizeof *out, options, "pgd_classifier_options"));
    if (!pgd_shape_valid((pgd_shape){4, {out->batch, out->channels, out->height, out->width}}) || out->channels < 1 || out->height < 1 || out->width < 1)
        return pgd_fail(PGD_BAD_ARG, "classifier: samples of %lld channels, %lld x %lld; each must be at least 1, and a batch of them fit in memory", (long long)out->channels, (long long)out->height, (long long)out->width);
    if (out->batch < 1 || out->batch > 65536) return pgd_fail(PGD_BAD_ARG, "classifier: batches of %lld; use 1 to 65536", (long long)out->batch);
    for (int i = 0; i < 4; i++)
        if (!(out->deviation[i] > 0)) return pgd_fail(PGD_BAD_ARG, "classifier: the deviation of channel %d is %g; it must be above 0", i, out->deviation[i]);
    return PGD_OK;
}

pgd_status pgd_classifier_fields(const pgd_classifier_options *options, pgd_field fields[2]) {
    pgd_classifier_options o;
    PGD_NEED(options, fields);
    PGD_TRY(read_options(options, &o));
    fields[0] = (pgd_field){"samples", PGD_U8, {3, {o.channels, o.height, o.width}}};
    fields[1] = (pgd_field){"labels", PGD_I32, {0}};
    return PGD_OK;
}

/* A number for each channel, as a value that broadcasts; one number where all are equal. */
static pgd_value *per_channel(pgd_graph *g, const double numbers[4], int64_t channels) {
    float list[4];
    bool equal = true;
    for (int i = 0; i < 4; i++) list[i] = (float)numbers[i], equal = equal && (i >= channels || numbers[i] == numbers[0]);
    if (equal) return pgd_scalar(g, PGD_F32, numbers[0]);
    int64_t own = channels < 4 ? channels : 4;
    pgd_value *first = pgd_constant(g, PGD_F32, (pgd_shape){4, {1, own, 1, 1}}, list), *rest = pgd_fill(g, PGD_F32, (pgd_symshape){4, {1, channels - own, 1, 1}}, numbers[3]);
    return channels > 4 ? pgd_concat(g, (pgd_value *[]){first, rest}, 2, 1) : first;
}

/* Logits [N,classes] of samples u8 [N,C,H,W]. */
static pgd_value *logits_of(pgd_graph *graph, const pgd_layer *layer, const pgd_classifier_options *o, pgd_value *samples, bool training) {
    double scale[4], shift[4];
    for (int i = 0; i < 4; i++) scale[i] = 1 / (255 * o->deviation[i]), shift[i] = -o->mean[i] / o->deviation[i];
    pgd_value *x = pgd_add(graph, pgd_mul(graph, pgd_cast(graph, samples, PGD_F32), per_channel(graph, scale, o->channels)), per_channel(graph, shift, o->channels));
    pgd_value *logits = pgd_layer_forward(layer, graph, x, training, "");
    if (logits != NULL && (logits->shape.rank != 2 || logits->shape.dims[1] < 1)) return pgd_graph_fail(graph, PGD_BAD_ARG, "classifier: the layer gives rank %d; [N,classes] is needed", logits->shape.rank);
    return logits;
}

/* ---- training ---------------------------------------------------------------------------------------------------------------------------------------- */

/* The share of rows whose greatest logit is the label's. */
static pgd_value *batch_accuracy(pgd_graph *g, pgd_value *logits, pgd_value *labels) {
    pgd_value *guess = pgd_flatten(g, pgd_argmax(g, logits, 1), 0);
    pgd_value *hit = pgd_cast(g, pgd_eq(g, guess, labels), PGD_F32);
    return hit == NULL ? NULL : pgd_reshape(g, pgd_mean(g, hit, (int32_t[]){0}, 1), (pgd_symshape){0});
}

pgd_value *pgd_classifier_loss(void *options, pgd_graph *graph, const pgd_layer *layer, pgd_value *const *fields, bool training) {
    pgd_classifier_options o;
    if (PGD_GRAPH_LACKS(graph, options, layer, fields)) return NULL;
    if (read_options(options, &o) != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_symshape x = fields[0]->shape;
    if (fields[0]->dtype != PGD_U8 || x.rank != 4 || x.dims[1] != o.channels || x.dims[2] != o.height || x.dims[3] != o.width)
        return pgd_graph_fail(graph, PGD_BAD_ARG, "classifier: the dataset's first field is not u8 [%lld,%lld,%lld]; make the fields with pgd_classifier_fields", (long long)o.channels, (long long)o.height, (long long)o.width);
    pgd_value *logits = logits_of(graph, layer, &o, fields[0], training);
    if (logits == NULL) return NULL;
    pgd_output(graph, "accuracy", batch_accuracy(graph, logits, fields[1]));
    return pgd_loss_cross_entropy(graph, logits, fields[1], o.label_smoothing);
}

/* ---- inference --------------------------------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_classifier_build(const pgd_classifier_options *options, pgd_graph *graph, const pgd_layer *layer) {
    pgd_classifier_options o;
    if (PGD_GRAPH_LACKS(graph, options, layer)) return NULL;
    if (read_options(options, &o) != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_value *samples = pgd_input(graph, "samples", PGD_U8, (pgd_symshape){4, {pgd_graph_symbol(graph, "N", 1, 65536), o.channels, o.height, o.width}});
    pgd_value *probabilities = pgd_softmax(graph, pgd_cast(graph, logits_of(graph, layer, &o, samples, false), PGD_F32));
    pgd_output(graph, "probabilities", probabilities);
    return probabilities;
}

static pgd_status build(pgd_classifier *c, pgd_device *device, const pgd_layer *layer, pgd_state *state, pgd_graph *graph) {
    pgd_value *probabilities = pgd_classifier_build(&c->options, graph, layer);
    PGD_TRY(pgd_graph_status(graph));
    c->classes = probabilities->shape.dims[1];
    pgd_plan_options plan_options;
    pgd_plan_options_init(&plan_options, sizeof plan_options);
    plan_options.strict = c->options.strict;
    plan_options.progress = c->options.progress;
    PGD_TRY(pgd_plan_compile(device, graph, &plan_options, &c->plan));
    return pgd_run_create(c->plan, state, &c->run);
}

pgd_status pgd_classifier_create(pgd_device *device, const pgd_layer *layer, pgd_state *state, const pgd_classifier_options *options, pgd_classifier **out) {
    pgd_graph *graph;
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device, layer, state, options);
    pgd_classifier *c = pgd_mem_zalloc(sizeof *c);
    if (c == NULL) return pgd_fail_memory(sizeof *c);
    pgd_status status = read_options(options, &c->options);
    if (status == PGD_OK && (status = pgd_graph_create(&graph)) == PGD_OK) {
        status = build(c, device, layer, state, graph);
        pgd_graph_destroy(graph);
    }
    if (status != PGD_OK) {
        pgd_classifier_destroy(c);
        return status;
    }
    *out = c;
    return PGD_OK;
}

void pgd_classifier_destroy(pgd_classifier *c) {
    if (c == NULL) return;
    pgd_run_destroy(c->run);
    pgd_plan_destroy(c->plan);
    pgd_mem_free(c);
}

int64_t pgd_classifier_classes(const pgd_classifier *classifier) { return PGD_LACKS(classifier) ? 0 : classifier->classes; }

pgd_status pgd_classifier_predict(pgd_classifier *classifier, const uint8_t *samples, int64_t count, const pgd_progress *progress, float *probabilities) {
    PGD_NEED(classifier, samples, probabilities);
    pgd_classifier *c = classifier;
    if (count < 1) return pgd_fail(PGD_BAD_ARG, "predict: %lld samples; give at least one", (long long)count);
    int64_t sample_bytes = c->options.channels * c->options.height * c->options.width;
    for (int64_t first = 0; first < count; first += c->options.batch) {
        int64_t n = count - first < c->options.batch ? count - first : c->options.batch;
        PGD_TRY(pgd_progress_report(progress, "classifying", (double)first / (double)count));
        PGD_TRY(pgd_run_set(c->run, "samples", (pgd_shape){4, {n, c->options.channels, c->options.height, c->options.width}}, samples + first * sample_bytes));
        PGD_TRY(pgd_run_execute(c->run));
        PGD_TRY(pgd_run_get(c->run, "probabilities", probabilities + first * c->classes, (uint64_t)(n * c->classes) * sizeof(float)));
    }
    return PGD_OK;
}

static int64_t count_hits(const float *probabilities, const int32_t *labels, int64_t count, int64_t classes) {
    int64_t hits = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t best = 0;
        for (int64_t c = 1; c < classes; c++)
            if (probabilities[i * classes + c] > probabilities[i * classes + best]) best = c;
        hits += best == labels[i];
    }
    return hits;
}

static pgd_status measure(pgd_classifier *c, const pgd_dataset *dataset, const pgd_progress *progress, uint8_t *samples, int32_t *labels, float *probabilities, double *accuracy) {
    int64_t hits = 0, sample_bytes = c->options.channels * c->options.height * c->options.width;
    for (int64_t first = 0; first < dataset->count; first += c->options.batch) {
        int64_t n = dataset->count - first < c->options.batch ? dataset->count - first : c->options.batch;
        PGD_TRY(pgd_progress_report(progress, "evaluating", (double)first / (double)dataset->count));
        for (int64_t i = 0; i < n; i++) dataset->sample(dataset->user, first + i, 0, (void *[]){samples + i * sample_bytes, &labels[i]});
        PGD_TRY(pgd_classifier_predict(c, samples, n, NULL, probabilities));
        hits += count_hits(probabilities, labels, n, c->classes);
    }
    *accuracy = (double)hits / (double)dataset->count;
    return PGD_OK;
}

pgd_status pgd_classifier_accuracy(pgd_classifier *classifier, const pgd_dataset *dataset, const pgd_progress *progress, double *accuracy) {
    PGD_NEED(accuracy);
    *accuracy = 0;
    PGD_NEED(classifier, dataset);
    pgd_classifier *c = classifier;
    PGD_TRY(pgd_dataset_check(dataset, "accuracy"));
    const pgd_field *f = dataset->fields;
    pgd_shape wanted = {3, {c->options.channels, c->options.height, c->options.width}};
    if (dataset->field_count != 2 || f[0].dtype != PGD_U8 || !pgd_shape_equal(f[0].shape, wanted) || f[1].dtype != PGD_I32 || f[1].shape.rank != 0)
        return pgd_fail(PGD_BAD_ARG, "accuracy: the dataset's fields are not those of this classifier, u8 [%lld,%lld,%lld] and i32; make them with pgd_classifier_fields", (long long)wanted.dims[0], (long long)wanted.dims[1], (long long)wanted.dims[2]);
    size_t bytes = (size_t)(c->options.batch * pgd_shape_elems(wanted));
    uint8_t *samples = pgd_mem_alloc(bytes);
    int32_t *labels = pgd_mem_alloc((size_t)c->options.batch * sizeof *labels);
    float *probabilities = pgd_mem_alloc((size_t)(c->options.batch * c->classes) * sizeof *probabilities);
    pgd_status status = samples == NULL || labels == NULL || probabilities == NULL ? pgd_fail_memory(bytes)
                                                                                   : measure(c, dataset, progress, samples, labels, probabilities, accuracy);
    pgd_mem_free(samples);
    pgd_mem_free(labels);
    pgd_mem_free(probabilities);
    return status;
}
