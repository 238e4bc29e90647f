/* SPDX-License-Identifier: Apache-2.0
 * Recurrent layers: LSTM (Hochreiter, Schmidhuber, 1997; forget gates of Gers et al., 2000) and GRU (Cho et al., 2014, with PyTorch's place of the reset gate).
 * x [B,T,in] -> [B,T,hidden], or [B,T,2 hidden] both ways. Names and shapes are PyTorch's with batch_first. in: inputs, out: hidden units, heads: levels. */
#include <math.h>
#include <stdio.h>

#include "layer.h"

static const pgd_layer_kind lstm_kind, gru_kind;

static bool is_lstm(const pgd_layer *layer) { return layer->kind == &lstm_kind; }
static int64_t gates(const pgd_layer *layer) { return (is_lstm(layer) ? 4 : 3) * layer->out; }
static int32_t directions(const pgd_layer *layer) { return layer->both_ways ? 2 : 1; }
static int64_t inputs(const pgd_layer *layer, int32_t level) { return level == 0 ? layer->in : layer->out * directions(layer); }

/* One level in one direction, and the name of a tensor of it. */
typedef struct place {
    const pgd_layer *layer;
    const pgd_forward *f;
    const char *prefix;
    int32_t level;
    bool backwards;
} place;

static const char *name_of(const place *p, const char *what, char out[PGD_NAME_BYTES]) {
    snprintf(out, PGD_NAME_BYTES, "%s_l%d%s", what, p->level, p->backwards ? "_reverse" : "");
    return out;
}

static pgd_value *tensor(const place *p, const char *what, pgd_shape shape) {
    char name[PGD_NAME_BYTES];
    return pgd_layer_param(p->f->graph, p->prefix, name_of(p, what, name), PGD_F32, shape);
}

static pgd_shape kept_shape(const pgd_layer *layer, int64_t batch) { return (pgd_shape){2, {batch, layer->out}}; }

/* What the steps begin with: zeros, or what the last piece of the sequence ended with. */
static pgd_value *before(const place *p, const char *what, pgd_dim batch) {
    pgd_graph *g = p->f->graph;
    char in_cache[PGD_NAME_BYTES], name[PGD_NAME_BYTES];
    pgd_value *zeros = pgd_fill(g, PGD_F32, (pgd_symshape){2, {batch, p->layer->out}}, 0);
    if (p->f->cache_positions == 0) return zeros;
    if (batch < 1) return pgd_graph_fail(g, PGD_BAD_ARG, "%s: a cache needs a batch of a fixed size", p->layer->kind->name);
    pgd_value *kept = pgd_layer_param(g, pgd_layer_name("cache", p->prefix, in_cache), name_of(p, what, name), PGD_F32, kept_shape(p->layer, batch));
    return pgd_where(g, pgd_eq(g, p->f->start, pgd_scalar(g, PGD_I32, 0)), zeros, kept);
}

static void keep(const place *p, const char *what, pgd_value *steps) {
    pgd_graph *g = p->f->graph;
    char in_cache[PGD_NAME_BYTES], name[PGD_NAME_BYTES], full[PGD_NAME_BYTES];
    if (p->f->cache_positions == 0 || steps == NULL) return;
    pgd_value *last = pgd_slice(g, steps, 0, pgd_dim_offset(g, steps->shape.dims[0], -1), 1);
    pgd_update(g, pgd_layer_name(pgd_layer_name("cache", p->prefix, in_cache), name_of(p, what, name), full), pgd_reshape(g, last, pgd_symshape_of(2, last == NULL ? 1 : last->shape.dims[1], p->layer->out)));
}

/* x [T,B,in] -> [T,B,hidden]. The inputs of all steps are one product. */
static pgd_value *steps(const place *p, pgd_value *x) {
    const pgd_layer *layer = p->layer;
    pgd_graph *g = p->f->graph;
    if (x == NULL) return NULL;
    pgd_value *weight = pgd_layer_narrow(p->f, tensor(p, "weight_ih", (pgd_shape){2, {gates(layer), inputs(layer, p->level)}}));
    pgd_value *w = tensor(p, "weight_hh", (pgd_shape){2, {gates(layer), layer->out}}), *cells = NULL, *y;
    pgd_value *b = layer->bias ? tensor(p, "bias_hh", (pgd_shape){1, {gates(layer)}}) : pgd_fill(g, PGD_F32, pgd_symshape_of(1, gates(layer)), 0);
    pgd_value *all = pgd_cast(g, pgd_matmul(g, pgd_layer_narrow(p->f, x), weight, false, true), PGD_F32);
    if (layer->bias) all = pgd_add(g, all, tensor(p, "bias_ih", (pgd_shape){1, {gates(layer)}}));
    if (is_lstm(layer) && layer->bias) all = pgd_add(g, all, b);
    if (p->backwards) all = pgd_reverse(g, all, (int32_t[]){0}, 1);
    pgd_value *h0 = before(p, "h", x->shape.dims[1]);
    if (is_lstm(layer)) {
        y = pgd_lstm(g, all, w, h0, before(p, "c", x->shape.dims[1]), &cells);
        keep(p, "c", cells);
    } else y = pgd_gru(g, all, w, b, h0);
    keep(p, "h", y);
    return p->backwards ? pgd_reverse(g, y, (int32_t[]){0}, 1) : y;
}

static pgd_value *recurrent_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *g = f->graph;
    if (x->shape.rank != 3) return pgd_graph_fail(g, PGD_BAD_ARG, "%s: x has rank %d; [B,T,in] is needed", layer->kind->name, x->shape.rank);
    if (f->start != NULL && layer->both_ways) return pgd_graph_fail(g, PGD_BAD_ARG, "%s: a sequence that comes in pieces cannot be read from its end; use one direction", layer->kind->name);
    const int32_t time_first[] = {1, 0, 2};
    x = pgd_transpose(g, x, time_first);
    for (int32_t level = 0; level < layer->heads; level++) {
        pgd_value *ways[2] = {0};
        for (int32_t d = 0; d < directions(layer); d++) ways[d] = steps(&(place){layer, f, prefix, level, d == 1}, x);
        x = layer->both_ways ? pgd_concat(g, ways, 2, 2) : ways[0];
    }
    return pgd_transpose(g, x, time_first);
}

/* As PyTorch: everything uniform within 1/sqrt(hidden). */
static pgd_status recurrent_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES], full[PGD_NAME_BYTES];
    for (int32_t level = 0; level < layer->heads; level++) {
        for (int32_t d = 0; d < directions(layer); d++) {
            const struct {
                const char *name;
                pgd_shape shape;
            } tensors[] = {{"weight_ih", {2, {gates(layer), inputs(layer, level)}}}, {"weight_hh", {2, {gates(layer), layer->out}}}, {"bias_ih", {1, {gates(layer)}}}, {"bias_hh", {1, {gates(layer)}}}};
            for (int i = 0; i < (layer->bias ? 4 : 2); i++) {
                name_of(&(place){.level = level, .backwards = d == 1}, tensors[i].name, name);
                PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, name, full), PGD_F32, tensors[i].shape, true}, 1 / sqrt((double)layer->out), 0}));
            }
        }
    }
    return PGD_OK;
}

static pgd_status recurrent_visit_cache(const pgd_layer *layer, const char *prefix, pgd_cache_extent extent, pgd_layer_visit_fn visit, void *user) {
    char in_cache[PGD_NAME_BYTES], name[PGD_NAME_BYTES], full[PGD_NAME_BYTES];
    pgd_layer_name("cache", prefix, in_cache);
    for (int32_t level = 0; level < layer->heads; level++)
        for (int32_t i = 0; i < (is_lstm(layer) ? 2 : 1); i++) {
            name_of(&(place){.level = level}, i == 0 ? "h" : "c", name);
            PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(in_cache, name, full), PGD_F32, kept_shape(layer, extent.batch), false}, 0, 0}));
        }
    return PGD_OK;
}

static const pgd_layer_kind lstm_kind = {"lstm", recurrent_forward, recurrent_visit, recurrent_visit_cache};
static const pgd_layer_kind gru_kind = {"gru", recurrent_forward, recurrent_visit, recurrent_visit_cache};

void pgd_layer_recurrent_options_init(pgd_layer_recurrent_options *options, size_t struct_bytes) {
    const pgd_layer_recurrent_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .levels = 1, .bias = true};
    if (PGD_LACKS(options)) return;
    char *to = (char *)options;
    const char *from = (const char *)&defaults;
    for (size_t i = 0; i < struct_bytes; i++) to[i] = i < sizeof defaults ? from[i] : 0;
}

static pgd_layer *recurrent(const pgd_layer_kind *kind, int64_t in, int64_t hidden, const pgd_layer_recurrent_options *options) {
    pgd_layer_recurrent_options o;
    pgd_layer_recurrent_options_init(&o, sizeof o);
    if (pgd_options_read(&o, sizeof o, options, "pgd_layer_recurrent_options") != PGD_OK) return NULL;
    if (in < 1 || hidden < 1 || o.levels < 1) {
        (void)pgd_fail(PGD_BAD_ARG, "%s: %lld inputs, %lld hidden units, %d levels; each must be at least 1", kind->name, (long long)in, (long long)hidden, o.levels);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(kind);
    if (layer != NULL) layer->in = in, layer->out = hidden, layer->heads = o.levels, layer->bias = o.bias, layer->both_ways = o.both_ways;
    return layer;
}

pgd_layer *pgd_layer_lstm(int64_t in, int64_t hidden, const pgd_layer_recurrent_options *options) { return recurrent(&lstm_kind, in, hidden, options); }
pgd_layer *pgd_layer_gru(int64_t in, int64_t hidden, const pgd_layer_recurrent_options *options) { return recurrent(&gru_kind, in, hidden, options); }
