/* SPDX-License-Identifier: Apache-2.0
 * Optimisers as graph values: one step's updates of parameters and of what is kept about them. */
#include <math.h>
#include <string.h>

#include "layer.h"

void pgd_optimizer_options_init(pgd_optimizer_options *options, size_t struct_bytes, pgd_optimizer_kind kind) {
    if (PGD_LACKS(options)) return;
    bool muon = kind == PGD_OPTIMIZER_MUON;
    const pgd_optimizer_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .kind = kind, .momentum = muon ? 0.95 : 0.9, .nesterov = muon, .beta1 = 0.9, .beta2 = kind == PGD_OPTIMIZER_LION ? 0.99 : 0.999, .epsilon = 1e-8, .adam_rate = 0.1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

typedef struct step {
    pgd_graph *g;
    const pgd_optimizer_options *o;
    pgd_value *rate;
    pgd_value *rate1, *root2; /* of Adam: rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
} step;

/* One parameter on its way. */
typedef struct moving {
    const char *name;
    pgd_value *x, *gradient;
} moving;

static pgd_value *number(const step *s, double value) { return pgd_scalar(s->g, PGD_F32, value); }
static pgd_value *times(const step *s, pgd_value *x, double factor) { return factor == 1 ? x : pgd_mul(s->g, x, number(s, factor)); }
static pgd_value *blend(const step *s, double keep, pgd_value *old, pgd_value *new) { return pgd_add(s->g, times(s, old, keep), times(s, new, 1 - keep)); }

static const char *moment_name(const char *which, const char *name, char full[PGD_NAME_BYTES]) {
    char prefix[64] = "optimizer.";
    strncat(prefix, which, sizeof prefix - strlen(prefix) - 1);
    return pgd_layer_name(prefix, name, full);
}

static pgd_value *moment(const step *s, const char *which, const moving *p) {
    char full[PGD_NAME_BYTES];
    return pgd_param(s->g, moment_name(which, p->name, full), p->x->dtype, p->x->shape);
}

static void keep_moment(const step *s, const char *which, const moving *p, pgd_value *value) {
    char full[PGD_NAME_BYTES];
    pgd_update(s->g, moment_name(which, p->name, full), value);
}

static bool decays(const step *s, const moving *p) { return s->o->weight_decay != 0 && p->x->shape.rank > 1; }

/* The gradient of L2 regularisation. */
static pgd_value *with_decay(const step *s, const moving *p) { return decays(s, p) ? pgd_add(s->g, p->gradient, times(s, p->x, s->o->weight_decay)) : p->gradient; }

/* Weights that shrink by themselves (Loshchilov, Hutter, Decoupled weight decay regularization, 2019). */
static pgd_value *shrunk(const step *s, const moving *p, pgd_value *rate) { return decays(s, p) ? pgd_mul(s->g, p->x, pgd_sub(s->g, number(s, 1), times(s, rate, s->o->weight_decay))) : p->x; }

/* m = momentum m + g; the direction is m, or with Nesterov's look ahead g + momentum m. */
static pgd_value *with_momentum(const step *s, const moving *p, pgd_value *gradient) {
    if (s->o->momentum == 0) return gradient;
    pgd_value *m = pgd_add(s->g, times(s, moment(s, "momentum", p), s->o->momentum), gradient);
    keep_moment(s, "momentum", p, m);
    return s->o->nesterov ? pgd_add(s->g, gradient, times(s, m, s->o->momentum)) : m;
}

static pgd_value *sgd(const step *s, const moving *p) { return pgd_sub(s->g, p->x, pgd_mul(s->g, with_momentum(s, p, with_decay(s, p)), s->rate)); }

/* Kingma, Ba, Adam, 2015. `from`: the weights, shrunk or not. */
static pgd_value *adam(const step *s, const moving *p, pgd_value *from, pgd_value *gradient, double rate) {
    pgd_value *m = blend(s, s->o->beta1, moment(s, "m", p), gradient), *v = blend(s, s->o->beta2, moment(s, "v", p), pgd_mul(s->g, gradient, gradient));
    pgd_value *spread = pgd_add(s->g, pgd_mul(s->g, pgd_sqrt(s->g, v), s->root2), number(s, s->o->epsilon));
    keep_moment(s, "m", p, m);
    keep_moment(s, "v", p, v);
    return pgd_sub(s->g, from, pgd_div(s->g, pgd_mul(s->g, m, times(s, s->rate1, rate)), spread));
}

/* Chen et al., Symbolic discovery of optimization algorithms, 2023: the sign of a blend, another blend is kept. */
static pgd_value *lion(const step *s, const moving *p) {
    pgd_value *m = moment(s, "m", p), *direction = pgd_sign(s->g, blend(s, s->o->beta1, m, p->gradient));
    keep_moment(s, "m", p, blend(s, s->o->beta2, m, p->gradient));
    return pgd_sub(s->g, shrunk(s, p, s->rate), pgd_mul(s->g, direction, s->rate));
}

/* Jordan et al., Muon, 2024: momentum made orthogonal by five Newton-Schulz steps, scaled so that its entries are of the size of Adam's at any shape. */
static pgd_value *orthogonal(const step *s, pgd_value *m) {
    bool tall = m->shape.dims[0] > m->shape.dims[1];
    pgd_value *norm = pgd_sqrt(s->g, pgd_sum(s->g, pgd_mul(s->g, m, m), (int32_t[]){0, 1}, 2)), *y = pgd_div(s->g, m, pgd_add(s->g, norm, number(s, 1e-7)));
    for (int i = 0; i < 5 && y != NULL; i++) {
        pgd_value *square = pgd_matmul(s->g, y, y, tall, !tall); /* of the short side */
        pgd_value *mix = pgd_add(s->g, times(s, square, -4.7750), times(s, pgd_matmul(s->g, square, square, false, false), 2.0315));
        y = pgd_add(s->g, times(s, y, 3.4445), tall ? pgd_matmul(s->g, y, mix, false, false) : pgd_matmul(s->g, mix, y, false, false));
    }
    return y;
}

static bool by_muon(const step *s, const moving *p) { return s->o->kind == PGD_OPTIMIZER_MUON && p->x->shape.rank == 2; }

static pgd_value *muon(const step *s, const moving *p) {
    int64_t rows = p->x->shape.dims[0], columns = p->x->shape.dims[1];
    pgd_value *direction = times(s, orthogonal(s, with_momentum(s, p, p->gradient)), 0.2 * sqrt((double)(rows > columns ? rows : columns)));
    return pgd_sub(s->g, shrunk(s, p, s->rate), pgd_mul(s->g, direction, s->rate));
}

static pgd_value *moved(const step *s, const moving *p) {
    switch (s->o->kind) {
    case PGD_OPTIMIZER_ADAM: return adam(s, p, p->x, with_decay(s, p), 1);
    case PGD_OPTIMIZER_ADAMW: return adam(s, p, shrunk(s, p, s->rate), p->gradient, 1);
    case PGD_OPTIMIZER_LION: return lion(s, p);
    case PGD_OPTIMIZER_MUON: return by_muon(s, p) ? muon(s, p) : adam(s, p, p->x, p->gradient, s->o->adam_rate);
    default: return sgd(s, p);
    }
}

static bool counts_steps(pgd_optimizer_kind kind) { return kind == PGD_OPTIMIZER_ADAM || kind == PGD_OPTIMIZER_ADAMW || kind == PGD_OPTIMIZER_MUON; }

static void count_step(step *s) {
    pgd_value *t = pgd_param(s->g, "optimizer.step", PGD_F32, (pgd_symshape){0});
    pgd_value *now = pgd_add(s->g, t, number(s, 1));
    pgd_update(s->g, "optimizer.step", now);
    s->rate1 = pgd_div(s->g, s->rate, pgd_sub(s->g, number(s, 1), pgd_pow(s->g, number(s, s->o->beta1), now)));
    s->root2 = pgd_rsqrt(s->g, pgd_sub(s->g, number(s, 1), pgd_pow(s->g, number(s, s->o->beta2), now)));
}

/* min(1, clip / norm) over all gradients; NULL: no clipping. */
static pgd_value *clipping(const step *s, pgd_value *const *gradients, int32_t count) {
    pgd_value *total = NULL;
    if (s->o->clip_norm == 0) return NULL;
    for (int32_t i = 0; i < count; i++) {
        static const int32_t axes[PGD_MAX_RANK] = {0, 1, 2, 3, 4, 5};
        pgd_value *squares = pgd_reshape(s->g, pgd_sum(s->g, pgd_mul(s->g, gradients[i], gradients[i]), axes, gradients[i]->shape.rank), (pgd_symshape){0});
        total = total == NULL ? squares : pgd_add(s->g, total, squares);
    }
    return total == NULL ? NULL : pgd_min(s->g, number(s, 1), pgd_div(s->g, number(s, s->o->clip_norm), pgd_add(s->g, pgd_sqrt(s->g, total), number(s, 1e-6))));
}

static void move(const step *s, const moving *p) {
    char full[PGD_NAME_BYTES];
    pgd_value *next = moved(s, p);
    pgd_update(s->g, p->name, next);
    if (s->o->average_decay == 0) return;
    pgd_value *average = pgd_param(s->g, pgd_layer_name("average", p->name, full), p->x->dtype, p->x->shape);
    pgd_update(s->g, full, blend(s, s->o->average_decay, average, next));
}

pgd_status pgd_optimizer_apply(pgd_graph *graph, const pgd_optimizer_options *options, pgd_value *learning_rate, const char *const *names, pgd_value *const *x, pgd_value *const *gradients, int32_t count) {
    pgd_optimizer_options o;
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(learning_rate);
    if (count > 0) PGD_NEED(names, x, gradients);
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_SGD);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_optimizer_options"));
    step s = {.g = graph, .o = &o, .rate = learning_rate};
    if ((unsigned)o.kind > PGD_OPTIMIZER_MUON) return pgd_fail(PGD_BAD_ARG, "optimizer: there is no kind %d", (int)o.kind);
    if (learning_rate->shape.rank != 0 || learning_rate->dtype != PGD_F32) return pgd_fail(PGD_BAD_ARG, "optimizer: the learning rate must be an f32 value of rank 0");
    for (int32_t i = 0; i < count; i++)
        if (names[i] == NULL || x[i] == NULL || gradients[i] == NULL) return pgd_fail(PGD_BAD_ARG, "optimizer: parameter %d, its name or its gradient is NULL", i);
    if (counts_steps(o.kind)) count_step(&s);
    pgd_value *scale = clipping(&s, gradients, count);
    for (int32_t i = 0; i < count && pgd_graph_status(graph) == PGD_OK; i++) move(&s, &(moving){names[i], x[i], scale == NULL ? gradients[i] : pgd_mul(graph, gradients[i], scale)});
    return pgd_graph_status(graph);
}

/* ---- of a layer ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct trainable {
    pgd_graph *graph;
    pgd_arena arena;
    const char **names;
    pgd_value **values, **gradients;
    int32_t count;
} trainable;

static pgd_status count_trainable(void *user, const pgd_parameter *p) {
    *(int32_t *)user += p->trainable;
    return PGD_OK;
}

static pgd_status add_trainable(void *user, const pgd_parameter *p) {
    trainable *t = user;
    if (!p->trainable) return PGD_OK;
    pgd_value *value = pgd_param(t->graph, p->name, p->dtype, pgd_symshape_from(p->shape));
    if (value == NULL) return pgd_graph_status(t->graph);
    t->names[t->count] = value->node->name;
    t->values[t->count++] = value;
    return PGD_OK;
}

static pgd_status each(const pgd_layer *const *layers, const char *const *prefixes, int32_t count, pgd_parameter_fn function, void *user) {
    for (int32_t i = 0; i < count; i++) PGD_TRY(pgd_layer_each(layers[i], prefixes[i], function, user));
    return PGD_OK;
}

/* The parameters and their gradients, times share. */
static pgd_status differentiate(trainable *t, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, double share) {
    int32_t count = 0;
    PGD_TRY(pgd_graph_status(t->graph));
    if (PGD_LACKS(loss)) return PGD_BAD_ARG;
    if (layer_count > 0 && PGD_LACKS(layers, prefixes)) return PGD_BAD_ARG;
    PGD_TRY(each(layers, prefixes, layer_count, count_trainable, &count));
    size_t bytes = sizeof(void *) * (size_t)(count + 1);
    t->names = pgd_arena_alloc(&t->arena, bytes);
    t->values = pgd_arena_alloc(&t->arena, bytes);
    t->gradients = pgd_arena_alloc(&t->arena, bytes);
    if (t->names == NULL || t->values == NULL || t->gradients == NULL) return pgd_fail_memory(bytes);
    PGD_TRY(each(layers, prefixes, layer_count, add_trainable, t));
    PGD_TRY(pgd_gradients(t->graph, loss, t->values, t->count, t->gradients));
    for (int32_t i = 0; i < t->count && share != 1; i++) t->gradients[i] = pgd_mul(t->graph, t->gradients[i], pgd_scalar(t->graph, PGD_F32, share));
    return pgd_graph_status(t->graph);
}

static pgd_value *accumulated(const trainable *t, int32_t i, char full[PGD_NAME_BYTES]) {
    return pgd_param(t->graph, pgd_layer_name("accumulated", t->names[i], full), t->values[i]->dtype, t->values[i]->shape);
}

static pgd_status accumulate(trainable *t) {
    for (int32_t i = 0; i < t->count; i++) {
        char full[PGD_NAME_BYTES];
        pgd_value *old = accumulated(t, i, full);
        pgd_update(t->graph, full, pgd_add(t->graph, old, t->gradients[i]));
    }
    return pgd_graph_status(t->graph);
}

static pgd_status add_accumulated(trainable *t) {
    for (int32_t i = 0; i < t->count; i++) {
        char full[PGD_NAME_BYTES];
        pgd_value *old = accumulated(t, i, full);
        if (old == NULL) break;
        pgd_update(t->graph, full, pgd_fill(t->graph, old->dtype, old->shape, 0));
        t->gradients[i] = pgd_add(t->graph, t->gradients[i], old);
    }
    return pgd_graph_status(t->graph);
}

pgd_status pgd_optimizer_accumulate(pgd_graph *graph, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, double share) {
    PGD_NEED(graph, loss);
    if (layer_count > 0) PGD_NEED(layers, prefixes);
    trainable t = {.graph = graph};
    pgd_status status = differentiate(&t, layers, prefixes, layer_count, loss, share);
    if (status == PGD_OK) status = accumulate(&t);
    pgd_arena_deinit(&t.arena);
    return status;
}

static pgd_status minimize(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, double share, bool add, pgd_value *learning_rate) {
    trainable t = {.graph = graph};
    pgd_status status = differentiate(&t, layers, prefixes, layer_count, loss, share);
    if (status == PGD_OK && add) status = add_accumulated(&t);
    if (status == PGD_OK) status = pgd_optimizer_apply(graph, options, learning_rate, t.names, t.values, t.gradients, t.count);
    pgd_arena_deinit(&t.arena);
    return status;
}

pgd_status pgd_optimizer_minimize(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, pgd_value *learning_rate) {
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(loss, learning_rate);
    if (layer_count > 0) PGD_NEED(layers, prefixes);
    return minimize(graph, options, layers, prefixes, layer_count, loss, 1, false, learning_rate);
}

pgd_status pgd_optimizer_minimize_accumulated(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, double share,
                                              pgd_value *learning_rate) {
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(loss, learning_rate);
    if (layer_count > 0) PGD_NEED(layers, prefixes);
    return minimize(graph, options, layers, prefixes, layer_count, loss, share, true, learning_rate);
}

/* ---- what is kept -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct keeping {
    const pgd_optimizer_options *o;
    bool accumulated;
    pgd_state *state;
} keeping;

static pgd_status add_zeros(pgd_state *state, const char *full, const pgd_parameter *p) { return pgd_state_find(state, full) >= 0 ? PGD_OK : pgd_state_set(state, full, p->dtype, p->shape, NULL); }

static pgd_status add_moment(pgd_state *state, const char *which, const pgd_parameter *p) {
    char full[PGD_NAME_BYTES];
    return add_zeros(state, moment_name(which, p->name, full), p);
}

static pgd_status add_moments(const keeping *k, const pgd_parameter *p) {
    pgd_optimizer_kind kind = k->o->kind;
    bool momentum = kind == PGD_OPTIMIZER_SGD || (kind == PGD_OPTIMIZER_MUON && p->shape.rank == 2);
    if (momentum) return k->o->momentum == 0 ? PGD_OK : add_moment(k->state, "momentum", p);
    PGD_TRY(add_moment(k->state, "m", p));
    return kind == PGD_OPTIMIZER_LION ? PGD_OK : add_moment(k->state, "v", p);
}

static pgd_status copy_tensor(pgd_state *state, const char *to, const char *from, const pgd_parameter *p) {
    size_t bytes = (size_t)pgd_shape_elems(p->shape) * pgd_dtype_bytes(p->dtype);
    void *contents = pgd_mem_alloc(bytes);
    if (contents == NULL) return pgd_fail_memory(bytes);
    pgd_status status = pgd_state_get(state, from, contents, bytes);
    if (status == PGD_OK) status = pgd_state_set(state, to, p->dtype, p->shape, contents);
    pgd_mem_free(contents);
    return status;
}

static pgd_status keep(void *user, const pgd_parameter *p) {
    const keeping *k = user;
    char full[PGD_NAME_BYTES];
    if (!p->trainable) return PGD_OK;
    PGD_TRY(add_moments(k, p));
    if (k->accumulated) PGD_TRY(add_zeros(k->state, pgd_layer_name("accumulated", p->name, full), p));
    if (k->o->average_decay == 0 || pgd_state_find(k->state, pgd_layer_name("average", p->name, full)) >= 0) return PGD_OK;
    return copy_tensor(k->state, full, p->name, p);
}

pgd_status pgd_optimizer_init(const pgd_optimizer_options *options, const pgd_layer *layer, const char *prefix, bool accumulated_too, pgd_state *state) {
    pgd_optimizer_options o;
    PGD_NEED(layer, prefix, state);
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_SGD);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_optimizer_options"));
    keeping k = {&o, accumulated_too, state};
    if (counts_steps(o.kind) && pgd_state_find(state, "optimizer.step") < 0) PGD_TRY(pgd_state_set(state, "optimizer.step", PGD_F32, (pgd_shape){0}, NULL));
    return pgd_layer_each(layer, prefix, keep, &k);
}

static pgd_status take_average(void *user, const pgd_parameter *p) {
    char full[PGD_NAME_BYTES];
    return p->trainable ? copy_tensor(user, p->name, pgd_layer_name("average", p->name, full), p) : PGD_OK;
}

pgd_status pgd_optimizer_take_averages(const pgd_layer *layer, const char *prefix, pgd_state *state) {
    PGD_NEED(layer, prefix, state);
    return pgd_layer_each(layer, prefix, take_average, state);
}
