/* SPDX-License-Identifier: Apache-2.0
 * Inference: bytes in, class probabilities out, one plan for every number of samples. */
#include "classifier.h"

#include <string.h>

struct pgd_classifier {
    pgd_classifier_options options;
    int64_t classes;
    pgd_plan *plan;
    pgd_run *run;
};

void pgd_classifier_options_init(pgd_classifier_options *options, size_t struct_bytes) {
    const pgd_classifier_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .batch = 128, .epochs = 1, .deviation = 1};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

pgd_status pgd_classifier_options_check(const pgd_classifier_options *options, pgd_classifier_options *out) {
    pgd_classifier_options_init(out, sizeof *out);
    PGD_TRY(pgd_options_read(out, sizeof *out, options, "pgd_classifier_options"));
    if (!pgd_shape_valid((pgd_shape){4, {out->batch, out->channels, out->height, out->width}}) || out->channels < 1 || out->height < 1 || out->width < 1)
        return pgd_fail(PGD_BAD_ARG, "classifier: samples of %lld channels, %lld x %lld; each must be at least 1, and a batch of them fit in memory", (long long)out->channels, (long long)out->height, (long long)out->width);
    if (out->batch < 1 || out->batch > 65536 || out->epochs < 1 || out->epochs > 1 << 24 || out->max_steps < 0)
        return pgd_fail(PGD_BAD_ARG, "classifier: batch %lld, epochs %lld, max_steps %lld; batch 1 to 65536, epochs 1 to 16777216, max_steps from 0", (long long)out->batch, (long long)out->epochs, (long long)out->max_steps);
    if (!(out->deviation > 0)) return pgd_fail(PGD_BAD_ARG, "classifier: deviation is %g; it must be above 0", out->deviation);
    return PGD_OK;
}

pgd_value *pgd_classifier_logits(pgd_graph *graph, const pgd_layer *layer, const pgd_classifier_options *o, bool training) {
    pgd_dim N = pgd_graph_symbol(graph, "N", 1, 65536);
    pgd_value *samples = pgd_input(graph, "samples", PGD_U8, pgd_symshape_of(4, N, o->channels, o->height, o->width));
    double scale = 1 / (255 * o->deviation), shift = -o->mean / o->deviation;
    pgd_value *x = pgd_add(graph, pgd_mul(graph, pgd_cast(graph, samples, PGD_F32), pgd_scalar(graph, PGD_F32, scale)), pgd_scalar(graph, PGD_F32, shift));
    pgd_value *logits = pgd_layer_forward(layer, graph, x, training, "");
    if (logits != NULL && (logits->shape.rank != 2 || logits->shape.dims[1] < 1)) return pgd_graph_fail(graph, PGD_BAD_ARG, "classifier: the layer gives rank %d; [N,classes] is needed", logits->shape.rank);
    return logits;
}

static pgd_status build(pgd_classifier *c, pgd_device *device, const pgd_layer *layer, pgd_state *state, pgd_graph *graph) {
    pgd_value *logits = pgd_classifier_logits(graph, layer, &c->options, false);
    pgd_output(graph, "probabilities", pgd_softmax(graph, logits));
    PGD_TRY(pgd_graph_status(graph));
    c->classes = logits->shape.dims[1];
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
    pgd_status status = pgd_classifier_options_check(options, &c->options);
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
    int64_t hits = 0;
    for (int64_t first = 0; first < dataset->count; first += c->options.batch) {
        int64_t n = dataset->count - first < c->options.batch ? dataset->count - first : c->options.batch;
        PGD_TRY(pgd_progress_report(progress, "evaluating", (double)first / (double)dataset->count));
        for (int64_t i = 0; i < n; i++) dataset->sample(dataset->user, first + i, 0, samples + i * dataset->sample_bytes, &labels[i]);
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
    if (dataset->count < 1 || dataset->sample == NULL) return pgd_fail(PGD_BAD_ARG, "accuracy: the data set is empty, or has no function that gives samples");
    if (dataset->sample_bytes != c->options.channels * c->options.height * c->options.width) return pgd_fail(PGD_BAD_ARG, "accuracy: samples have %lld bytes, the network wants %lld", (long long)dataset->sample_bytes, (long long)(c->options.channels * c->options.height * c->options.width));
    uint8_t *samples = pgd_mem_alloc((size_t)(c->options.batch * dataset->sample_bytes));
    int32_t *labels = pgd_mem_alloc((size_t)c->options.batch * sizeof *labels);
    float *probabilities = pgd_mem_alloc((size_t)(c->options.batch * c->classes) * sizeof *probabilities);
    pgd_status status = samples == NULL || labels == NULL || probabilities == NULL ? pgd_fail_memory((size_t)(c->options.batch * dataset->sample_bytes))
                                                                                   : measure(c, dataset, progress, samples, labels, probabilities, accuracy);
    pgd_mem_free(samples);
    pgd_mem_free(labels);
    pgd_mem_free(probabilities);
    return status;
}
