/* SPDX-License-Identifier: Apache-2.0
 * Layers that behave differently while training: batch normalisation (Ioffe and Szegedy, 2015) and dropout (Srivastava et al., 2014). */
#include "layer.h"

static pgd_symshape along_channels(const pgd_value *x) {
    pgd_symshape shape = {.rank = x->shape.rank};
    for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = i == 1 ? x->shape.dims[1] : 1;
    return shape;
}

/* running = (1 - momentum) running + momentum batch; the running variance is the unbiased one, as in PyTorch. */
static void update_running(const pgd_layer *layer, pgd_graph *graph, const char *prefix, const char *name, pgd_value *running, pgd_value *batch) {
    char full[PGD_NAME_BYTES];
    pgd_value *momentum = pgd_scalar(graph, PGD_F32, layer->number[1]), *keep = pgd_scalar(graph, PGD_F32, 1 - layer->number[1]);
    batch = batch == NULL ? NULL : pgd_reshape(graph, batch, running->shape);
    pgd_update(graph, pgd_layer_name(prefix, name, full), pgd_add(graph, pgd_mul(graph, running, keep), pgd_mul(graph, batch, momentum)));
}

static pgd_value *unbiased(pgd_graph *graph, const pgd_value *x, pgd_value *variance) {
    pgd_symshape others = x->shape;
    others.dims[1] = 1;
    pgd_value *count = pgd_dim_size(graph, PGD_F32, others);
    pgd_value *less = pgd_max(graph, pgd_sub(graph, count, pgd_scalar(graph, PGD_F32, 1)), pgd_scalar(graph, PGD_F32, 1));
    return pgd_mul(graph, variance, pgd_div(graph, count, less));
}

static pgd_value *batch_norm_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix) {
    pgd_shape channels = {1, {layer->out}};
    pgd_value *gamma = pgd_layer_param(graph, prefix, "weight", PGD_F32, channels), *beta = pgd_layer_param(graph, prefix, "bias", PGD_F32, channels);
    pgd_value *mean = pgd_layer_param(graph, prefix, "running_mean", PGD_F32, channels), *variance = pgd_layer_param(graph, prefix, "running_var", PGD_F32, channels);
    pgd_value *batch_mean, *batch_variance;
    char full[PGD_NAME_BYTES];
    if (gamma == NULL || beta == NULL || mean == NULL || variance == NULL) return NULL;
    if (x->shape.rank < 2) return pgd_graph_fail(graph, PGD_BAD_ARG, "batch_norm: x has rank %d; [N,C,..] is needed", x->shape.rank);
    if (training) {
        pgd_value *y = pgd_batch_norm(graph, x, gamma, beta, layer->number[0], &batch_mean, &batch_variance);
        if (y == NULL) return NULL;
        update_running(layer, graph, prefix, "running_mean", mean, batch_mean);
        update_running(layer, graph, prefix, "running_var", variance, unbiased(graph, x, batch_variance));
        pgd_value *seen = pgd_layer_param(graph, prefix, "num_batches_tracked", PGD_I64, (pgd_shape){0});
        pgd_update(graph, pgd_layer_name(prefix, "num_batches_tracked", full), pgd_add(graph, seen, pgd_scalar(graph, PGD_I64, 1)));
        return y;
    }
    pgd_value *scale = pgd_mul(graph, gamma, pgd_rsqrt(graph, pgd_add(graph, variance, pgd_scalar(graph, PGD_F32, layer->number[0]))));
    pgd_value *shift = pgd_sub(graph, beta, pgd_mul(graph, mean, scale));
    return pgd_add(graph, pgd_mul(graph, x, pgd_reshape(graph, scale, along_channels(x))), pgd_reshape(graph, shift, along_channels(x)));
}

static pgd_status batch_norm_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    pgd_shape channels = {1, {layer->out}};
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "weight", name), PGD_F32, channels, true}, 0, 1}));
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "bias", name), PGD_F32, channels, true}, 0, 0}));
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "running_mean", name), PGD_F32, channels, false}, 0, 0}));
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "running_var", name), PGD_F32, channels, false}, 0, 1}));
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "num_batches_tracked", name), PGD_I64, {0}, false}, 0, 0});
}

static const pgd_layer_kind batch_norm_kind = {"batch_norm", batch_norm_forward, batch_norm_visit};

pgd_layer *pgd_layer_batch_norm(int64_t channels, double epsilon, double momentum) {
    if (channels < 1 || !(epsilon >= 0) || !(momentum >= 0 && momentum <= 1)) {
        (void)pgd_fail(PGD_BAD_ARG, "batch_norm: %lld channels, epsilon %g, momentum %g; at least one channel, epsilon >= 0, momentum 0 to 1", (long long)channels, epsilon, momentum);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&batch_norm_kind);
    if (layer != NULL) layer->in = layer->out = channels, layer->number[0] = epsilon, layer->number[1] = momentum;
    return layer;
}

static pgd_value *dropout_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix) {
    double p = layer->number[0];
    if (!training || p == 0) return x;
    pgd_value *key = pgd_param(graph, "random", PGD_I64, pgd_symshape_of(1, 2));
    pgd_value *keep = pgd_le(graph, pgd_scalar(graph, PGD_F32, p), pgd_uniform(graph, key, x->shape));
    return pgd_where(graph, keep, pgd_mul(graph, x, pgd_scalar(graph, PGD_F32, 1 / (1 - p))), pgd_scalar(graph, PGD_F32, 0));
}

static const pgd_layer_kind dropout_kind = {"dropout", dropout_forward, NULL};

pgd_layer *pgd_layer_dropout(double probability) {
    if (!(probability >= 0 && probability < 1)) {
        (void)pgd_fail(PGD_BAD_ARG, "dropout: probability %g; use 0 up to below 1", probability);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&dropout_kind);
    if (layer != NULL) layer->number[0] = probability;
    return layer;
}
