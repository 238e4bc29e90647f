/* SPDX-License-Identifier: Apache-2.0
 * Layers without tensors: pooling, activations, flatten. */
#include "layer.h"

static pgd_pool_options pool_options(const pgd_layer *layer) {
    pgd_pool_options o;
    pgd_pool_options_init(&o, sizeof o);
    o.kernel_h = o.kernel_w = layer->kernel;
    o.stride_h = o.stride_w = layer->stride;
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = layer->padding;
    return o;
}

static pgd_value *max_pool_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    pgd_pool_options o = pool_options(layer);
    return pgd_max_pool(graph, x, &o);
}

static pgd_value *avg_pool_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    pgd_pool_options o = pool_options(layer);
    return pgd_avg_pool(graph, x, &o);
}

static const pgd_layer_kind max_pool_kind = {"max_pool", max_pool_forward, NULL, NULL};
static const pgd_layer_kind avg_pool_kind = {"avg_pool", avg_pool_forward, NULL, NULL};

static pgd_layer *pool(const pgd_layer_kind *kind, int32_t kernel, int32_t stride, int32_t padding) {
    if (kernel < 1 || stride < 1 || padding < 0 || padding >= kernel) {
        (void)pgd_fail(PGD_BAD_ARG, "%s: kernel %d, stride %d, padding %d; kernel and stride at least 1, padding below the kernel", kind->name, kernel, stride, padding);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(kind);
    if (layer != NULL) layer->kernel = kernel, layer->stride = stride, layer->padding = padding;
    return layer;
}

pgd_layer *pgd_layer_max_pool(int32_t kernel, int32_t stride, int32_t padding) { return pool(&max_pool_kind, kernel, stride, padding); }
pgd_layer *pgd_layer_avg_pool(int32_t kernel, int32_t stride, int32_t padding) { return pool(&avg_pool_kind, kernel, stride, padding); }

static pgd_value *global_avg_pool_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    if (x->shape.rank != 4) return pgd_graph_fail(graph, PGD_BAD_ARG, "global_avg_pool: x has rank %d; [N,C,H,W] is needed", x->shape.rank);
    return pgd_flatten(graph, pgd_mean(graph, x, (int32_t[]){2, 3}, 2), 1);
}

static pgd_value *relu_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_relu(f->graph, x); }
static pgd_value *relu6_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    return x == NULL ? NULL : pgd_min(f->graph, pgd_relu(f->graph, x), pgd_scalar(f->graph, x->dtype, 6));
}
static pgd_value *sigmoid_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_sigmoid(f->graph, x); }
/* x P(X <= x) for normal X (Hendrycks, Gimpel, Gaussian error linear units, 2016). */
static pgd_value *gelu_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_gelu(f->graph, x); }
static pgd_value *silu_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_mul(f->graph, x, pgd_sigmoid(f->graph, x)); }
static pgd_value *tanh_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_tanh(f->graph, x); }
static pgd_value *identity_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return x; }
static pgd_value *flatten_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) { return pgd_flatten(f->graph, x, 1); }

#define PLAIN(name_)                                                                      \
    static const pgd_layer_kind name_##_kind = {#name_, name_##_forward, NULL, NULL};           \
    pgd_layer *pgd_layer_##name_(void) { return pgd_layer_make(&name_##_kind); }
PLAIN(global_avg_pool)
PLAIN(relu)
PLAIN(relu6)
PLAIN(sigmoid)
PLAIN(tanh)
PLAIN(gelu)
PLAIN(silu)
PLAIN(flatten)
PLAIN(identity)
