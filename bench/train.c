/* SPDX-License-Identifier: Apache-2.0
 * Our side of the training comparison: one network, trained on data that lie in memory, a number of steps at a time as bench/peers/train.py asks for.
 *
 *   bench_train NET FOLDER [THREADS]    mlp, cnn, resnet or gpt; writes start.safetensors, data.bin to FOLDER, then serves (serve.h); a step's value is its loss
 *
 * The data are BATCHES batches that come round and round; both sides see the same ones in the same order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "serve.h"

enum { BATCHES = 8, CONTEXT = 128, GPT_WIDTH = 256, GPT_LAYERS = 4, GPT_HEADS = 4, SYMBOLS = 256 };

/* ---- networks, named as PyTorch's ------------------------------------------------------------------------------------------------------------------ */

static pgd_layer *chain(pgd_layer *const *layers, int count) { return pgd_layer_named("", pgd_layer_sequential(layers, count)); }
#define CHAIN(...) chain((pgd_layer *[]){__VA_ARGS__}, sizeof((pgd_layer *[]){__VA_ARGS__}) / sizeof(pgd_layer *))

static pgd_layer *conv(const char *name, int64_t in, int64_t out, int32_t kernel, int32_t stride) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.stride = stride, o.padding = kernel / 2, o.bias = false;
    return pgd_layer_named(name, pgd_layer_conv2d(in, out, kernel, &o));
}

static pgd_layer *norm(const char *name, int64_t channels) { return pgd_layer_named(name, pgd_layer_batch_norm(channels, 1e-5, 0.1)); }
static pgd_layer *linear(const char *name, int64_t in, int64_t out) { return pgd_layer_named(name, pgd_layer_linear(in, out, true)); }

static pgd_layer *mlp(void) { return CHAIN(pgd_layer_flatten(), linear("fc1", 784, 512), pgd_layer_relu(), linear("fc2", 512, 512), pgd_layer_relu(), linear("fc3", 512, 10)); }

static pgd_layer *cnn(void) {
    return CHAIN(conv("conv1", 1, 32, 3, 1), norm("bn1", 32), pgd_layer_relu(), pgd_layer_max_pool(2, 2, 0), conv("conv2", 32, 64, 3, 1), norm("bn2", 64), pgd_layer_relu(), conv("conv3", 64, 64, 3, 1), norm("bn3", 64),
                 pgd_layer_relu(), pgd_layer_max_pool(2, 2, 0), pgd_layer_flatten(), linear("fc1", 64 * 49, 128), pgd_layer_relu(), linear("fc2", 128, 10));
}

/* torchvision's BasicBlock */
static pgd_layer *basic_block(const char *name, int64_t in, int64_t out, int32_t stride) {
    pgd_layer *body = CHAIN(conv("conv1", in, out, 3, stride), norm("bn1", out), pgd_layer_relu(), conv("conv2", out, out, 3, 1), norm("bn2", out));
    pgd_layer *shortcut = in == out && stride == 1 ? pgd_layer_identity() : pgd_layer_named("downsample", pgd_layer_sequential((pgd_layer *[]){conv("0", in, out, 1, stride), norm("1", out)}, 2));
    return pgd_layer_named(name, pgd_layer_residual(body, shortcut));
}

/* ResNet-18 as it is usual for 32x32 pictures: no stride and no pooling before the first stage. */
static pgd_layer *resnet(void) {
    pgd_layer *stages[4];
    static const char *const names[4] = {"layer1", "layer2", "layer3", "layer4"};
    for (int i = 0, in = 64, out = 64; i < 4; i++, in = out, out *= 2)
        stages[i] = pgd_layer_named(names[i], pgd_layer_sequential((pgd_layer *[]){basic_block("0", in, i == 0 ? 64 : in * 2, i == 0 ? 1 : 2), basic_block("1", i == 0 ? 64 : in * 2, i == 0 ? 64 : in * 2, 1)}, 2)), out = i == 0 ? 64 : in * 2;
    return CHAIN(conv("conv1", 3, 64, 3, 1), norm("bn1", 64), pgd_layer_relu(), stages[0], stages[1], stages[2], stages[3], pgd_layer_global_avg_pool(), linear("fc", 512, 10));
}

static pgd_layer *gpt_block(const char *name) {
    pgd_layer_attention_options causal;
    pgd_layer_attention_options_init(&causal, sizeof causal);
    causal.causal = true;
    pgd_layer *attention = CHAIN(pgd_layer_named("norm1", pgd_layer_layer_norm(GPT_WIDTH, 1e-5)), pgd_layer_named("self_attn", pgd_layer_attention(GPT_WIDTH, GPT_HEADS, &causal)));
    pgd_layer *feed = CHAIN(pgd_layer_named("norm2", pgd_layer_layer_norm(GPT_WIDTH, 1e-5)), linear("linear1", GPT_WIDTH, 4 * GPT_WIDTH), pgd_layer_gelu(), linear("linear2", 4 * GPT_WIDTH, GPT_WIDTH));
    return pgd_layer_named(name, pgd_layer_sequential((pgd_layer *[]){pgd_layer_named("", pgd_layer_skip(attention)), pgd_layer_named("", pgd_layer_skip(feed))}, 2));
}

static pgd_layer *gpt(void) {
    return CHAIN(pgd_layer_named("tokens", pgd_layer_embedding(SYMBOLS, GPT_WIDTH)), pgd_layer_named("positions", pgd_layer_positions(CONTEXT, GPT_WIDTH)), gpt_block("layers.0"), gpt_block("layers.1"), gpt_block("layers.2"),
                 gpt_block("layers.3"), pgd_layer_named("norm", pgd_layer_layer_norm(GPT_WIDTH, 1e-5)), pgd_layer_named("head", pgd_layer_linear(GPT_WIDTH, SYMBOLS, false)));
}

typedef struct net {
    const char *name;
    pgd_layer *(*make)(void);
    pgd_shape x;          /* of one sample */
    pgd_dtype dtype;
    int32_t label_rank;   /* 0: a class; 1: the next symbol at every position */
    int64_t batch;
    pgd_optimizer_kind optimizer;
    double rate;
} net;

/* Rates at which PyTorch agrees with itself, contiguous and channels_last, well within the bound for curves; above them training is chaotic, and any two orders of summation part. */
static const net nets[] = {
    {"mlp", mlp, {3, {1, 28, 28}}, PGD_F32, 0, 128, PGD_OPTIMIZER_SGD, 0.01},
    {"cnn", cnn, {3, {1, 28, 28}}, PGD_F32, 0, 128, PGD_OPTIMIZER_SGD, 0.0002},
    {"resnet", resnet, {3, {3, 32, 32}}, PGD_F32, 0, 128, PGD_OPTIMIZER_SGD, 0.0001},
    {"gpt", gpt, {1, {CONTEXT}}, PGD_I32, 1, 16, PGD_OPTIMIZER_ADAMW, 3e-4},
};

/* ---- data: blobs of the class's own, or a text that repeats itself in its own way -------------------------------------------------------------------- */

typedef struct bench_data {
    char *x;                     /* all samples, then all labels */
    int32_t *labels;
    size_t x_bytes, label_count; /* of one batch */
    size_t bytes;                /* of everything */
} bench_data;

static void fill(const net *n, bench_data *d) {
    int64_t elems = pgd_shape_elems(n->x);
    d->x_bytes = (size_t)(n->batch * elems) * 4;
    d->label_count = (size_t)(n->batch * (n->label_rank == 0 ? 1 : CONTEXT));
    d->bytes = (d->x_bytes + d->label_count * sizeof *d->labels) * BATCHES;
    d->x = bench_alloc(d->bytes);
    d->labels = (int32_t *)(void *)(d->x + d->x_bytes * BATCHES);
    for (int64_t s = 0; s < n->batch * BATCHES; s++) {
        if (n->label_rank == 0) {
            int32_t label = (int32_t)(bench_roll() % 10);
            d->labels[s] = bench_roll() % 2 == 0 ? label : (int32_t)(bench_roll() % 10); /* half of them say nothing, so that the loss stays well above 0 */
            float *x = (float *)(void *)d->x + s * elems;
            for (int64_t i = 0; i < elems; i++) x[i] = (float)(bench_roll() % 2001) / 1000 - 1 + ((i / 7 + label * 13) % 10 == 0 ? 1.5f : 0);
        } else {
            int32_t *x = (int32_t *)(void *)d->x + s * elems, *labels = d->labels + s * CONTEXT, at = (int32_t)(bench_roll() % SYMBOLS);
            for (int64_t i = 0; i < elems; i++) {
                x[i] = at;
                at = labels[i] = bench_roll() % 4 == 0 ? (int32_t)(bench_roll() % SYMBOLS) : (at * 5 + 17) % SYMBOLS;
            }
        }
    }
}

/* ---- training -------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct session {
    const net *net;
    bench_data data;
    pgd_run *run;
    int64_t step;
} session;

static pgd_plan *compile(const net *n, pgd_device *device, pgd_state *state, const char *folder) {
    char path[4096];
    pgd_graph *g;
    pgd_plan *plan;
    pgd_optimizer_options o;
    pgd_symshape x_shape = {.rank = n->x.rank + 1, .dims = {n->batch}};
    for (int32_t i = 1; i < x_shape.rank; i++) x_shape.dims[i] = n->x.dims[i - 1];
    const pgd_layer *layer = n->make();
    const char *prefix = "";
    if (layer == NULL) bench_must(PGD_BAD_ARG, n->name);
    bench_must(pgd_graph_create(&g), "graph");
    pgd_value *x = pgd_input(g, "x", n->dtype, x_shape), *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, n->batch * (n->label_rank == 0 ? 1 : CONTEXT)));
    pgd_value *logits = pgd_layer_forward(layer, g, x, true, "");
    if (n->label_rank == 1) logits = pgd_reshape(g, logits, pgd_symshape_of(2, PGD_DIM_REST, SYMBOLS));
    pgd_value *loss = pgd_loss_cross_entropy(g, logits, labels, 0);
    pgd_optimizer_options_init(&o, sizeof o, n->optimizer);
    if (n->optimizer == PGD_OPTIMIZER_ADAMW) o.weight_decay = 0.01;
    bench_must(pgd_optimizer_minimize(g, &o, &layer, &prefix, 1, loss, pgd_scalar(g, PGD_F32, n->rate)), "minimize");
    pgd_output(g, "loss", loss);
    bench_must(pgd_layer_init(layer, "", 1, state, NULL), "init");
    snprintf(path, sizeof path, "%s/start.safetensors", folder);
    bench_must(pgd_state_save(state, path, NULL, 0, NULL, 0, NULL), path);
    bench_must(pgd_optimizer_init(&o, layer, "", false, state), "moments");
    bench_must(pgd_plan_compile(device, g, NULL, &plan), "compile");
    pgd_graph_destroy(g);
    return plan;
}

static double one_step(void *user) {
    session *s = user;
    const net *n = s->net;
    float loss;
    int64_t at = s->step++ % BATCHES;
    pgd_shape x = {.rank = n->x.rank + 1, .dims = {n->batch}};
    memcpy(x.dims + 1, n->x.dims, (size_t)n->x.rank * sizeof *x.dims);
    bench_must(pgd_run_set(s->run, "x", x, s->data.x + (size_t)at * s->data.x_bytes), "x");
    bench_must(pgd_run_set(s->run, "labels", pgd_shape_of(1, s->data.label_count), s->data.labels + (size_t)at * s->data.label_count), "labels");
    bench_must(pgd_run_execute(s->run), "step");
    bench_must(pgd_run_get(s->run, "loss", &loss, sizeof loss), "loss");
    return (double)loss;
}

int main(int argc, char **argv) {
    session s = {0};
    pgd_state *state;
    for (size_t i = 0; i < sizeof nets / sizeof nets[0]; i++)
        if (argc > 2 && strcmp(nets[i].name, argv[1]) == 0) s.net = &nets[i];
    if (s.net == NULL) {
        fprintf(stderr, "usage: bench_train mlp|cnn|resnet|gpt FOLDER [THREADS]\n");
        return 2;
    }
    pgd_device *device = bench_device(argc > 3 ? argv[3] : NULL);
    bench_must(pgd_state_create(device, &state), "state");
    fill(s.net, &s.data);
    bench_write_file(argv[2], "data.bin", s.data.x, s.data.bytes);
    pgd_plan *plan = compile(s.net, device, state, argv[2]);
    bench_must(pgd_run_create(plan, state, &s.run), "run");
    bench_serve(s.run, one_step, &s);
    pgd_run_destroy(s.run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    pgd_device_close(device);
    return 0;
}
