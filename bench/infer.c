/* SPDX-License-Identifier: Apache-2.0
 * Our side of the inference comparison: one well-known network, built with nn, one sample at a time.
 *
 *   bench_infer NET FOLDER [THREADS]    resnet50, mobilenet, bert or vit; writes net.onnx, input.bin and, made by this program, output.bin to FOLDER, then serves (serve.h)
 *
 * Weights are random, scaled so that values neither fade nor grow; running statistics are those of such values. */
#include <graph_share.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "serve.h"

static pgd_layer *chain(pgd_layer *const *layers, int count) { return pgd_layer_sequential(layers, count); }
#define CHAIN(...) chain((pgd_layer *[]){__VA_ARGS__}, sizeof((pgd_layer *[]){__VA_ARGS__}) / sizeof(pgd_layer *))

static pgd_layer *conv(int64_t in, int64_t out, int32_t kernel, int32_t stride, int64_t groups) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.stride = stride, o.padding = kernel / 2, o.bias = false, o.groups = (int32_t)groups;
    return pgd_layer_conv2d(in, out, kernel, &o);
}

static pgd_layer *norm(int64_t channels) { return pgd_layer_batch_norm(channels, 1e-5, 0.1); }

/* ---- ResNet-50 (He et al. 2015, stride in the 3x3) ---------------------------------------------------------------------------------------------------- */

static pgd_layer *bottleneck(int64_t in, int64_t width, int32_t stride) {
    pgd_layer *body = CHAIN(conv(in, width, 1, 1, 1), norm(width), pgd_layer_relu(), conv(width, width, 3, stride, 1), norm(width), pgd_layer_relu(), conv(width, 4 * width, 1, 1, 1), norm(4 * width));
    return pgd_layer_residual(body, in == 4 * width && stride == 1 ? pgd_layer_identity() : CHAIN(conv(in, 4 * width, 1, stride, 1), norm(4 * width)));
}

static pgd_layer *resnet50(void) {
    static const int counts[4] = {3, 4, 6, 3};
    pgd_layer *layers[32] = {conv(3, 64, 7, 2, 1), norm(64), pgd_layer_relu(), pgd_layer_max_pool(3, 2, 1)};
    int n = 4;
    for (int64_t stage = 0, in = 64, width = 64; stage < 4; stage++, width *= 2)
        for (int i = 0; i < counts[stage]; i++, in = 4 * width) layers[n++] = bottleneck(in, width, i == 0 && stage > 0 ? 2 : 1);
    layers[n++] = pgd_layer_global_avg_pool();
    layers[n++] = pgd_layer_linear(2048, 1000, true);
    return chain(layers, n);
}

/* ---- MobileNetV2 (Sandler et al. 2018) ------------------------------------------------------------------------------------------------------------------- */

static pgd_layer *inverted(int64_t in, int64_t out, int64_t expansion, int32_t stride) {
    int64_t width = in * expansion;
    pgd_layer *spatial[] = {conv(width, width, 3, stride, width), norm(width), pgd_layer_relu6(), conv(width, out, 1, 1, 1), norm(out)};
    pgd_layer *body = expansion == 1 ? chain(spatial, 5) : CHAIN(conv(in, width, 1, 1, 1), norm(width), pgd_layer_relu6(), chain(spatial, 5));
    return in == out && stride == 1 ? pgd_layer_skip(body) : body;
}

static pgd_layer *mobilenet(void) {
    static const struct {
        int expansion, out, count, stride;
    } table[] = {{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
    pgd_layer *layers[32] = {conv(3, 32, 3, 2, 1), norm(32), pgd_layer_relu6()};
    int n = 3, in = 32;
    for (size_t stage = 0; stage < sizeof table / sizeof table[0]; stage++)
        for (int i = 0; i < table[stage].count; i++, in = table[stage].out) layers[n++] = inverted(in, table[stage].out, table[stage].expansion, i == 0 ? table[stage].stride : 1);
    layers[n++] = CHAIN(conv(320, 1280, 1, 1, 1), norm(1280), pgd_layer_relu6());
    layers[n++] = pgd_layer_global_avg_pool();
    layers[n++] = pgd_layer_linear(1280, 1000, true);
    return chain(layers, n);
}

/* ---- transformers: BERT normalises behind its blocks (Devlin et al. 2018), ViT in front of them (Dosovitskiy et al. 2020) ---------------------------------- */

enum { BERT_LAYERS = 4, BERT_WIDTH = 512, BERT_HEADS = 8, BERT_SYMBOLS = 30522, BERT_POSITIONS = 128, VIT_LAYERS = 12, VIT_WIDTH = 384, VIT_HEADS = 6, VIT_PATCH = 16, VIT_SIDE = 14 };

static pgd_layer *feed(int64_t width) { return CHAIN(pgd_layer_linear(width, 4 * width, true), pgd_layer_gelu(), pgd_layer_linear(4 * width, width, true)); }
static pgd_layer *layer_norm(int64_t width) { return pgd_layer_layer_norm(width, 1e-6); }

static pgd_layer *bert(void) {
    pgd_layer *layers[4 + BERT_LAYERS] = {pgd_layer_embedding(BERT_SYMBOLS, BERT_WIDTH), pgd_layer_positions(BERT_POSITIONS, BERT_WIDTH), layer_norm(BERT_WIDTH)};
    int n = 3;
    for (int i = 0; i < BERT_LAYERS; i++)
        layers[n++] = CHAIN(pgd_layer_skip(pgd_layer_attention(BERT_WIDTH, BERT_HEADS, NULL)), layer_norm(BERT_WIDTH), pgd_layer_skip(feed(BERT_WIDTH)), layer_norm(BERT_WIDTH));
    return chain(layers, n);
}

static pgd_layer *vit_patches(void) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.stride = VIT_PATCH;
    return pgd_layer_conv2d(3, VIT_WIDTH, VIT_PATCH, &o);
}

static pgd_layer *vit_blocks(void) {
    pgd_layer *layers[2 + VIT_LAYERS] = {pgd_layer_positions(VIT_SIDE * VIT_SIDE, VIT_WIDTH)};
    int n = 1;
    for (int i = 0; i < VIT_LAYERS; i++) layers[n++] = CHAIN(pgd_layer_skip(CHAIN(layer_norm(VIT_WIDTH), pgd_layer_attention(VIT_WIDTH, VIT_HEADS, NULL))), pgd_layer_skip(CHAIN(layer_norm(VIT_WIDTH), feed(VIT_WIDTH))));
    layers[n++] = layer_norm(VIT_WIDTH);
    return chain(layers, n);
}

/* ---- a network and its one input ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct net {
    const char *name;
    pgd_layer *parts[3]; /* named "part0" ...; ViT has graph operations between them */
    pgd_dtype dtype;
    pgd_shape x;
} net;

static bool find(const char *name, net *n) {
    const pgd_shape picture = {4, {1, 3, 224, 224}};
    *n = (net){.name = name, .dtype = PGD_F32, .x = picture};
    if (strcmp(name, "resnet50") == 0) return n->parts[0] = resnet50(), true;
    if (strcmp(name, "mobilenet") == 0) return n->parts[0] = mobilenet(), true;
    if (strcmp(name, "vit") == 0) return n->parts[0] = vit_patches(), n->parts[1] = vit_blocks(), n->parts[2] = pgd_layer_linear(VIT_WIDTH, 1000, true), true;
    if (strcmp(name, "bert") == 0) return n->parts[0] = bert(), n->dtype = PGD_I32, n->x = (pgd_shape){2, {1, BERT_POSITIONS}}, true;
    return false;
}

static pgd_value *forward(const net *n, pgd_graph *g, pgd_value *x) {
    x = pgd_layer_forward(n->parts[0], g, x, false, "part0");
    if (n->parts[1] == NULL) return x;
    x = pgd_transpose(g, pgd_reshape(g, x, pgd_symshape_of(3, 1, VIT_WIDTH, VIT_SIDE * VIT_SIDE)), (int32_t[]){0, 2, 1});
    x = pgd_layer_forward(n->parts[1], g, x, false, "part1");
    x = pgd_reshape(g, pgd_mean(g, x, (int32_t[]){1}, 1), pgd_symshape_of(2, 1, VIT_WIDTH));
    return pgd_layer_forward(n->parts[2], g, x, false, "part2");
}

/* Weights of convolutions and products: uniform with variance 2 / fan-in, so that depth changes little. */
static pgd_status scale(void *user, const pgd_parameter *p) {
    int64_t count = pgd_shape_elems(p->shape), fan = p->shape.rank < 2 ? 0 : count / p->shape.dims[0];
    if (fan == 0 || p->shape.dims[0] == BERT_SYMBOLS) return PGD_OK;
    float *values = bench_alloc((size_t)count * sizeof *values), bound = sqrtf(6.0f / (float)fan);
    for (int64_t i = 0; i < count; i++) values[i] = ((float)(bench_roll() % 20001) / 10000 - 1) * bound;
    pgd_status status = pgd_state_set(user, p->name, p->dtype, p->shape, values);
    free(values);
    return status;
}

static void *make_input(const net *n, size_t *bytes) {
    int64_t count = pgd_shape_elems(n->x);
    *bytes = (size_t)count * 4;
    void *x = bench_alloc(*bytes);
    for (int64_t i = 0; i < count; i++) {
        if (n->dtype == PGD_F32) ((float *)x)[i] = (float)(bench_roll() % 4001) / 1000 - 2;
        if (n->dtype == PGD_I32) ((int32_t *)x)[i] = (int32_t)(bench_roll() % BERT_SYMBOLS);
    }
    return x;
}

typedef struct session {
    pgd_run *run;
    pgd_shape x;
    const void *input;
    float *output;
    size_t output_bytes;
} session;

static double one_run(void *user) {
    session *s = user;
    bench_must(pgd_run_set(s->run, "x", s->x, s->input), "x");
    bench_must(pgd_run_execute(s->run), "run");
    bench_must(pgd_run_get(s->run, "y", s->output, s->output_bytes), "y");
    return (double)s->output[0];
}

int main(int argc, char **argv) {
    net n;
    pgd_state *state;
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    pgd_dtype dtype;
    pgd_shape shape;
    char path[4096];
    size_t bytes;
    if (argc < 3 || !find(argv[1], &n)) {
        fprintf(stderr, "usage: bench_infer resnet50|mobilenet|bert|vit FOLDER [THREADS]\n");
        return 2;
    }
    pgd_device *device = bench_device(argc > 3 ? argv[3] : NULL);
    bench_must(pgd_state_create(device, &state), "state");
    bench_must(pgd_graph_create(&g), "graph");
    for (int i = 0; i < 3 && n.parts[i] != NULL; i++) {
        char prefix[8];
        snprintf(prefix, sizeof prefix, "part%d", i);
        bench_must(pgd_layer_init(n.parts[i], prefix, 1, state, NULL), "init");
        bench_must(pgd_layer_each(n.parts[i], prefix, scale, state), "weights");
    }
    pgd_output(g, "y", forward(&n, g, pgd_input(g, "x", n.dtype, pgd_symshape_from(n.x))));
    bench_must(pgd_plan_compile(device, g, NULL, &plan), "compile");
    snprintf(path, sizeof path, "%s/net.onnx", argv[2]);
    bench_must(pgd_onnx_save(g, state, path, NULL), path);
    bench_must(pgd_run_create(plan, state, &run), "run");
    session s = {.run = run, .x = n.x, .input = make_input(&n, &bytes)};
    bench_write_file(argv[2], "input.bin", s.input, bytes);
    bench_must(pgd_run_set(run, "x", s.x, s.input), "x");
    bench_must(pgd_run_execute(run), "run");
    bench_must(pgd_run_shape(run, "y", &dtype, &shape), "shape");
    s.output_bytes = (size_t)pgd_shape_elems(shape) * sizeof *s.output;
    s.output = bench_alloc(s.output_bytes);
    one_run(&s);
    bench_write_file(argv[2], "output.bin", s.output, s.output_bytes);
    bench_serve(run, one_run, &s);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    for (int i = 0; i < 3; i++) pgd_layer_destroy(n.parts[i]);
    pgd_state_destroy(state);
    pgd_device_close(device);
    return 0;
}
