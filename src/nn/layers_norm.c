/* SPDX-License-Identifier: Apache-2.0
 * Normalisation: of channels over the batch (Ioffe and Szegedy, 2015), and of each sample by itself. */
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

static pgd_value *batch_norm_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    pgd_shape channels = {1, {layer->out}};
    pgd_value *gamma = pgd_layer_param(graph, prefix, "weight", PGD_F32, channels), *beta = pgd_layer_param(graph, prefix, "bias", PGD_F32, channels);
    pgd_value *mean = pgd_layer_param(graph, prefix, "running_mean", PGD_F32, channels), *variance = pgd_layer_param(graph, prefix, "running_var", PGD_F32, channels);
    pgd_value *batch_mean, *batch_variance;
    char full[PGD_NAME_BYTES];
    if (gamma == NULL || beta == NULL || mean == NULL || variance == NULL) return NULL;
    x = pgd_cast(graph, x, PGD_F32); /* statistics are not for 16 bits */
    if (x->shape.rank < 2) return pgd_graph_fail(graph, PGD_BAD_ARG, "batch_norm: x has rank %d; [N,C,..] is needed", x->shape.rank);
    if (f->training) {
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

static const pgd_layer_kind batch_norm_kind = {"batch_norm", batch_norm_forward, batch_norm_visit, NULL};

pgd_layer *pgd_layer_batch_norm(int64_t channels, double epsilon, double momentum) {
    if (channels < 1 || !(epsilon >= 0) || !(momentum >= 0 && momentum <= 1)) {
        (void)pgd_fail(PGD_BAD_ARG, "batch_norm: %lld channels, epsilon %g, momentum %g; at least one channel, epsilon >= 0, momentum 0 to 1", (long long)channels, epsilon, momentum);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&batch_norm_kind);
    if (layer != NULL) layer->in = layer->out = channels, layer->number[0] = epsilon, layer->number[1] = momentum;
    return layer;
}

/* ---- of each sample ------------------------------------------------------------------------------------------------------------------------------ */

static pgd_value *scale_param(const pgd_layer *layer, const pgd_forward *f, const char *prefix, const char *name) { return pgd_layer_param(f->graph, prefix, name, PGD_F32, (pgd_shape){1, {layer->out}}); }

static pgd_value *layer_norm_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    return pgd_layer_norm(f->graph, pgd_cast(f->graph, x, PGD_F32), scale_param(layer, f, prefix, "weight"), scale_param(layer, f, prefix, "bias"), layer->number[0]);
}

static pgd_value *rms_norm_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_rms_norm(f->graph, pgd_cast(f->graph, x, PGD_F32), scale_param(layer, f, prefix, "weight"), layer->number[0]); }

static pgd_value *group_norm_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    return pgd_group_norm(f->graph, pgd_cast(f->graph, x, PGD_F32), layer->groups, scale_param(layer, f, prefix, "weight"), scale_param(layer, f, prefix, "bias"), layer->number[0]);
}

static pgd_status rms_norm_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "weight", name), PGD_F32, {1, {layer->out}}, true}, 0, 1});
}

static pgd_status affine_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    PGD_TRY(rms_norm_visit(layer, prefix, visit, user));
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "bias", name), PGD_F32, {1, {layer->out}}, true}, 0, 0});
}

static const pgd_layer_kind layer_norm_kind = {"layer_norm", layer_norm_forward, affine_visit, NULL};
static const pgd_layer_kind rms_norm_kind = {"rms_norm", rms_norm_forward, rms_norm_visit, NULL};
static const pgd_layer_kind group_norm_kind = {"group_norm", group_norm_forward, affine_visit, NULL};

static pgd_layer *sample_norm(const pgd_layer_kind *kind, int64_t features, int32_t groups, double epsilon) {
    if (features < 1 || groups < 1 || features % groups != 0 || !(epsilon >= 0)) {
        (void)pgd_fail(PGD_BAD_ARG, "%s: %lld features in %d groups, epsilon %g; at least one feature, a number that the groups divide, epsilon >= 0", kind->name, (long long)features, groups, epsilon);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(kind);
    if (layer != NULL) layer->in = layer->out = features, layer->groups = groups, layer->number[0] = epsilon;
    return layer;
}

pgd_layer *pgd_layer_layer_norm(int64_t features, double epsilon) { return sample_norm(&layer_norm_kind, features, 1, epsilon); }
pgd_layer *pgd_layer_rms_norm(int64_t features, double epsilon) { return sample_norm(&rms_norm_kind, features, 1, epsilon); }
pgd_layer *pgd_layer_group_norm(int32_t groups, int64_t channels, double epsilon) { return sample_norm(&group_norm_kind, channels, groups, epsilon); }
