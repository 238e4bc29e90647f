/* SPDX-License-Identifier: Apache-2.0
 * Layers of sequences: embeddings of symbols and positions, and attention with a cache for generation. Names and shapes are those of PyTorch's Embedding and
 * MultiheadAttention. */
#include <math.h>

#include "layer.h"

/* ---- embedding: i32 [..] -> [..,features] ----------------------------------------------------------------------------------------------------------- */

static pgd_shape table_shape(const pgd_layer *layer) { return (pgd_shape){2, {layer->in, layer->out}}; }

static pgd_value *embedding_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    return pgd_gather(f->graph, pgd_layer_param(f->graph, prefix, "weight", PGD_F32, table_shape(layer)), x, 0);
}

static pgd_status table_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "weight", name), PGD_F32, table_shape(layer), true}, layer->number[0], 0});
}

static const pgd_layer_kind embedding_kind = {"embedding", embedding_forward, table_visit, NULL};

/* ---- positions: x [B,T,features] -> x + the rows of its positions ------------------------------------------------------------------------------------- */

static pgd_value *positions_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *g = f->graph;
    pgd_value *table = pgd_layer_param(g, prefix, "weight", PGD_F32, table_shape(layer));
    if (table == NULL) return NULL;
    if (x->shape.rank != 3) return pgd_graph_fail(g, PGD_BAD_ARG, "positions: x has rank %d; [B,T,features] is needed", x->shape.rank);
    if (f->start == NULL) return pgd_add(g, x, pgd_slice(g, table, 0, 0, x->shape.dims[1]));
    return pgd_add(g, x, pgd_gather(g, table, pgd_add(g, pgd_iota(g, PGD_I32, (pgd_symshape){1, {x->shape.dims[1]}}, 0), f->start), 0));
}

static const pgd_layer_kind positions_kind = {"positions", positions_forward, table_visit, NULL};

/* Rows begin uniform with the variance of GPT-2's, 0.02 squared. */
static pgd_layer *table(const pgd_layer_kind *kind, int64_t count, int64_t features) {
    if (count < 1 || features < 1) {
        (void)pgd_fail(PGD_BAD_ARG, "%s: %lld rows of %lld features; both must be at least 1", kind->name, (long long)count, (long long)features);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(kind);
    if (layer != NULL) layer->in = count, layer->out = features, layer->number[0] = 0.02 * sqrt(3);
    return layer;
}

pgd_layer *pgd_layer_embedding(int64_t count, int64_t features) { return table(&embedding_kind, count, features); }
pgd_layer *pgd_layer_positions(int64_t count, int64_t features) { return table(&positions_kind, count, features); }

/* ---- attention: x [B,T,features] -> the same ---------------------------------------------------------------------------------------------------------------
 * in: features, out: heads * features of a head; heads read `groups` groups of keys and values. */

static int64_t head_features(const pgd_layer *layer) { return layer->out / layer->heads; }
static int64_t projected(const pgd_layer *layer) { return layer->out + 2 * layer->groups * head_features(layer); }

static pgd_value *project(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix, const char *weight, const char *bias, int64_t in, int64_t out) {
    pgd_value *y = pgd_matmul(f->graph, pgd_layer_narrow(f, x), pgd_layer_narrow(f, pgd_layer_param(f->graph, prefix, weight, PGD_F32, (pgd_shape){2, {out, in}})), false, true);
    return layer->bias ? pgd_add(f->graph, y, pgd_layer_narrow(f, pgd_layer_param(f->graph, prefix, bias, PGD_F32, (pgd_shape){1, {out}}))) : y;
}

static pgd_value *heads_of(const pgd_layer *layer, const pgd_forward *f, pgd_value *all, int64_t first, int64_t heads) {
    if (all == NULL) return NULL;
    pgd_value *part = pgd_slice(f->graph, all, 2, first, heads * head_features(layer));
    return pgd_reshape(f->graph, part, (pgd_symshape){4, {all->shape.dims[0], all->shape.dims[1], heads, head_features(layer)}});
}

static pgd_shape cache_shape(const pgd_layer *layer, int64_t batch, int64_t positions) { return (pgd_shape){4, {batch, positions, layer->groups, head_features(layer)}}; }

/* What came before and what comes now, as far as there is room. */
static pgd_value *with_cache(const pgd_layer *layer, const pgd_forward *f, pgd_value *now, const char *prefix, const char *name) {
    char in_cache[PGD_NAME_BYTES], full[PGD_NAME_BYTES];
    if (now == NULL) return NULL;
    if (now->shape.dims[0] < 1) return pgd_graph_fail(f->graph, PGD_BAD_ARG, "attention: a cache needs a batch of a fixed size");
    pgd_layer_name("cache", prefix, in_cache);
    pgd_value *all = pgd_update_slice(f->graph, pgd_layer_param(f->graph, in_cache, name, PGD_F32, cache_shape(layer, now->shape.dims[0], f->cache_positions)), pgd_cast(f->graph, now, PGD_F32), f->start, 1);
    pgd_update(f->graph, pgd_layer_name(in_cache, name, full), all);
    return all;
}

static pgd_value *attention_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *g = f->graph;
    pgd_attention_options o;
    pgd_attention_options_init(&o, sizeof o);
    o.causal = layer->causal;
    if (x->shape.rank != 3) return pgd_graph_fail(g, PGD_BAD_ARG, "attention: x has rank %d; [B,T,features] is needed", x->shape.rank);
    pgd_value *all = project(layer, f, x, prefix, "in_proj_weight", "in_proj_bias", layer->in, projected(layer));
    int64_t keys = layer->out, values = keys + layer->groups * head_features(layer);
    pgd_value *q = heads_of(layer, f, all, 0, layer->heads), *k = heads_of(layer, f, all, keys, layer->groups), *v = heads_of(layer, f, all, values, layer->groups);
    if (layer->number[0] > 0) {
        pgd_value *start = f->start == NULL ? NULL : pgd_broadcast(g, f->start, (pgd_symshape){1, {x->shape.dims[0]}});
        q = pgd_rope(g, q, start, layer->number[0]);
        k = pgd_rope(g, k, start, layer->number[0]);
    }
    if (f->cache_positions > 0) {
        k = with_cache(layer, f, k, prefix, "k");
        v = with_cache(layer, f, v, prefix, "v");
        q = pgd_cast(g, q, PGD_F32); /* as the caches */
        o.start = pgd_broadcast(g, f->start, (pgd_symshape){1, {x->shape.dims[0]}});
    }
    pgd_value *y = pgd_attention(g, q, k, v, &o);
    if (y == NULL) return NULL;
    char out[PGD_NAME_BYTES];
    return project(layer, f, pgd_reshape(g, y, (pgd_symshape){3, {x->shape.dims[0], x->shape.dims[1], layer->out}}), pgd_layer_name(prefix, "out_proj", out), "weight", "bias", layer->out, layer->in);
}

/* As PyTorch: the first projection uniform within sqrt(6 / (rows + columns)) (Glorot, Bengio, 2010), the second as a linear layer, biases 0. */
static pgd_status attention_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[PGD_NAME_BYTES];
    int64_t rows = projected(layer);
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "in_proj_weight", name), PGD_F32, {2, {rows, layer->in}}, true}, sqrt(6.0 / (double)(rows + layer->in)), 0}));
    if (layer->bias) PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "in_proj_bias", name), PGD_F32, {1, {rows}}, true}, 0, 0}));
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "out_proj.weight", name), PGD_F32, {2, {layer->in, layer->out}}, true}, 1 / sqrt((double)layer->out), 0}));
    return layer->bias ? visit(user, &(pgd_layer_tensor){{pgd_layer_name(prefix, "out_proj.bias", name), PGD_F32, {1, {layer->in}}, true}, 0, 0}) : PGD_OK;
}

static pgd_status attention_visit_cache(const pgd_layer *layer, const char *prefix, pgd_cache_extent extent, pgd_layer_visit_fn visit, void *user) {
    char in_cache[PGD_NAME_BYTES], name[PGD_NAME_BYTES];
    pgd_shape shape = cache_shape(layer, extent.batch, extent.positions);
    pgd_layer_name("cache", prefix, in_cache);
    PGD_TRY(visit(user, &(pgd_layer_tensor){{pgd_layer_name(in_cache, "k", name), PGD_F32, shape, false}, 0, 0}));
    return visit(user, &(pgd_layer_tensor){{pgd_layer_name(in_cache, "v", name), PGD_F32, shape, false}, 0, 0});
}

static const pgd_layer_kind attention_kind = {"attention", attention_forward, attention_visit, attention_visit_cache};

void pgd_layer_attention_options_init(pgd_layer_attention_options *options, size_t struct_bytes) {
    const pgd_layer_attention_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .bias = true};
    if (PGD_LACKS(options)) return;
    char *to = (char *)options;
    const char *from = (const char *)&defaults;
    for (size_t i = 0; i < struct_bytes; i++) to[i] = i < sizeof defaults ? from[i] : 0;
}

pgd_layer *pgd_layer_attention(int64_t features, int32_t heads, const pgd_layer_attention_options *options) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    if (pgd_options_read(&o, sizeof o, options, "pgd_layer_attention_options") != PGD_OK) return NULL;
    int32_t groups = o.groups == 0 ? heads : o.groups;
    int64_t each = o.head_features != 0 ? o.head_features : heads > 0 ? features / heads : 0;
    if (features < 1 || heads < 1 || groups < 1 || heads % groups != 0 || each < 1 || (o.head_features == 0 && features % heads != 0)) {
        (void)pgd_fail(PGD_BAD_ARG, "attention: %lld features, %d heads in %d groups; heads must divide into features and groups into heads", (long long)features, heads, groups);
        return NULL;
    }
    if (!(o.rope_base >= 0) || (o.rope_base > 0 && each % 2 != 0)) {
        (void)pgd_fail(PGD_BAD_ARG, "attention: rope_base %g with %lld features in a head; the base must be above 0, or 0 for none, and the features even", o.rope_base, (long long)each);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&attention_kind);
    if (layer == NULL) return NULL;
    layer->number[0] = o.rope_base;
    layer->in = features, layer->out = each * heads, layer->heads = heads, layer->groups = groups;
    layer->bias = o.bias, layer->causal = o.causal;
    return layer;
}
