/* SPDX-License-Identifier: Apache-2.0
 * Layers with weights that multiply: linear and conv2d. Weights and biases begin uniform within 1/sqrt(fan-in). */
#include <math.h>

#include "layer.h"

static pgd_status visit_weights(const pgd_layer *layer, const char *prefix, pgd_shape weight, int64_t fan_in, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    double bound = 1 / sqrt((double)fan_in);
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "weight", name), PGD_F32, weight, true}, bound, 0}));
    if (!layer->bias) return PGD_OK;
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "bias", name), PGD_F32, {1, {layer->out}}, true}, bound, 0});
}

static pgd_shape linear_shape(const pgd_layer *layer) { return (pgd_shape){2, {layer->out, layer->in}}; }

static pgd_value *linear_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    pgd_value *y = pgd_matmul(graph, pgd_layer_narrow(f, x), pgd_layer_narrow(f, pgd_layer_param(graph, prefix, "weight", PGD_F32, linear_shape(layer))), false, true);
    return layer->bias ? pgd_add(graph, y, pgd_layer_narrow(f, pgd_layer_param(graph, prefix, "bias", PGD_F32, (pgd_shape){1, {layer->out}}))) : y;
}

static pgd_status linear_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    return visit_weights(layer, prefix, linear_shape(layer), layer->in, visit, user);
}

static const pgd_layer_kind linear_kind = {"linear", linear_forward, linear_visit, NULL};

pgd_layer *pgd_layer_linear(int64_t in, int64_t out, bool bias) {
    if (in < 1 || out < 1) {
        (void)pgd_fail(PGD_BAD_ARG, "linear: %lld inputs and %lld outputs; both must be at least 1", (long long)in, (long long)out);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&linear_kind);
    if (layer != NULL) layer->in = in, layer->out = out, layer->bias = bias;
    return layer;
}

static pgd_shape conv_shape(const pgd_layer *layer) { return (pgd_shape){4, {layer->out, layer->in / layer->groups, layer->kernel, layer->kernel}}; }

static pgd_value *conv_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    pgd_conv_options o;
    pgd_conv_options_init(&o, sizeof o);
    o.stride_h = o.stride_w = layer->stride;
    o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = layer->padding;
    o.dilation_h = o.dilation_w = layer->dilation;
    o.groups = layer->groups;
    pgd_value *y = pgd_conv(graph, pgd_layer_narrow(f, x), pgd_layer_narrow(f, pgd_layer_param(graph, prefix, "weight", PGD_F32, conv_shape(layer))), &o);
    if (!layer->bias) return y;
    pgd_value *bias = pgd_layer_narrow(f, pgd_layer_param(graph, prefix, "bias", PGD_F32, (pgd_shape){1, {layer->out}}));
    return pgd_add(graph, y, pgd_reshape(graph, bias, pgd_symshape_of(4, 1, layer->out, 1, 1)));
}

static pgd_status conv_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    return visit_weights(layer, prefix, conv_shape(layer), layer->in / layer->groups * layer->kernel * layer->kernel, visit, user);
}

static const pgd_layer_kind conv_kind = {"conv2d", conv_forward, conv_visit, NULL};

void pgd_layer_conv_options_init(pgd_layer_conv_options *options, size_t struct_bytes) {
    const pgd_layer_conv_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .stride = 1, .dilation = 1, .groups = 1, .bias = true};
    if (PGD_LACKS(options)) return;
    char *to = (char *)options;
    const char *from = (const char *)&defaults;
    for (size_t i = 0; i < struct_bytes; i++) to[i] = i < sizeof defaults ? from[i] : 0;
}

pgd_layer *pgd_layer_conv2d(int64_t in, int64_t out, int32_t kernel, const pgd_layer_conv_options *options) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    if (pgd_options_read(&o, sizeof o, options, "pgd_layer_conv_options") != PGD_OK) return NULL;
    if (in < 1 || out < 1 || kernel < 1 || o.groups < 1 || in % o.groups != 0 || out % o.groups != 0 || o.stride < 1 || o.dilation < 1 || o.padding < 0) {
        (void)pgd_fail(PGD_BAD_ARG, "conv2d: %lld to %lld channels, kernel %d, stride %d, padding %d, dilation %d, groups %d do not make a convolution", (long long)in, (long long)out, kernel, o.stride,
                       o.padding, o.dilation, o.groups);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&conv_kind);
    if (layer == NULL) return NULL;
    layer->in = in, layer->out = out, layer->kernel = kernel, layer->bias = o.bias;
    layer->stride = o.stride, layer->padding = o.padding, layer->dilation = o.dilation, layer->groups = o.groups;
    return layer;
}
