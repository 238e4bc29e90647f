/* SPDX-License-Identifier: Apache-2.0
 * Networks by name. */
#include <string.h>

#include "vision.h"

static pgd_layer *mlp(const struct vision_model *m) {
    pgd_layer *layers[] = {pgd_layer_flatten(), pgd_layer_linear((int64_t)m->channels * m->height * m->width, 512, true), pgd_layer_relu(), pgd_layer_dropout(0.2),
                           pgd_layer_linear(512, 512, true), pgd_layer_relu(), pgd_layer_dropout(0.2), pgd_layer_linear(512, m->class_count, true)};
    return pgd_layer_sequential(layers, sizeof layers / sizeof layers[0]);
}

static pgd_layer *conv(int64_t in, int64_t out, int kernel, int stride) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.stride = stride;
    o.padding = kernel / 2;
    o.bias = false; /* batch normalisation follows */
    return pgd_layer_conv2d(in, out, kernel, &o);
}

static pgd_layer *norm(int64_t channels) { return pgd_layer_batch_norm(channels, 1e-5, 0.1); }

static pgd_layer *cnn(const struct vision_model *m) {
    int64_t features = (int64_t)64 * (m->height / 4) * (m->width / 4);
    pgd_layer *layers[] = {conv(m->channels, 32, 3, 1), norm(32), pgd_layer_relu(), pgd_layer_max_pool(2, 2, 0), conv(32, 64, 3, 1), norm(64), pgd_layer_relu(), conv(64, 64, 3, 1), norm(64), pgd_layer_relu(),
                           pgd_layer_max_pool(2, 2, 0), pgd_layer_flatten(), pgd_layer_dropout(0.3), pgd_layer_linear(features, 128, true), pgd_layer_relu(), pgd_layer_dropout(0.3), pgd_layer_linear(128, m->class_count, true)};
    return pgd_layer_sequential(layers, sizeof layers / sizeof layers[0]);
}

/* Half the extent, other channels: what is pooled first need not be normalised. */
static pgd_layer *narrower(int64_t in, int64_t out) {
    pgd_layer *layers[] = {conv(in, out, 3, 1), pgd_layer_max_pool(2, 2, 0), norm(out), pgd_layer_relu()};
    return pgd_layer_sequential(layers, 4);
}

static pgd_layer *block(int64_t channels) {
    pgd_layer *body[] = {conv(channels, channels, 3, 1), norm(channels), pgd_layer_relu(), conv(channels, channels, 3, 1), norm(channels)};
    return pgd_layer_residual(pgd_layer_sequential(body, 5), pgd_layer_identity());
}

/* Few layers, wide where maps are small: learns much in few passes. */
static pgd_layer *resnet(const struct vision_model *m) {
    pgd_layer *layers[] = {conv(m->channels, 32, 3, 1), norm(32), pgd_layer_relu(), narrower(32, 48), block(48), narrower(48, 96), block(96), narrower(96, 192), block(192), pgd_layer_global_avg_pool(), pgd_layer_linear(192, m->class_count, true)};
    return pgd_layer_sequential(layers, sizeof layers / sizeof layers[0]);
}

pgd_layer *vision_net(const struct vision_model *m, struct cli_error *error) {
    static const struct {
        const char *name;
        pgd_layer *(*make)(const struct vision_model *m);
    } nets[] = {{"mlp", mlp}, {"cnn", cnn}, {"resnet", resnet}};
    int least = strcmp(m->net, "resnet") == 0 ? 8 : 4;
    if (m->height < least || m->width < least) {
        cli_fail(error, "pictures of %d x %d are too small for net %s; %d x %d is the least", m->height, m->width, m->net, least, least);
        return NULL;
    }
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++) {
        if (strcmp(nets[i].name, m->net) != 0) continue;
        pgd_layer *layer = nets[i].make(m);
        if (layer == NULL) cli_fail_library(error);
        return layer;
    }
    cli_fail(error, "--net: there is no network \"%s\"; use mlp, cnn or resnet", m->net);
    return NULL;
}
