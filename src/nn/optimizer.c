/* SPDX-License-Identifier: Apache-2.0
 * Optimisers as graph values: one step's updates of parameters and moments. */
#include <string.h>

#include "layer.h"

void pgd_optimizer_options_init(pgd_optimizer_options *options, size_t struct_bytes, pgd_optimizer_kind kind) {
    const pgd_optimizer_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .kind = kind, .momentum = 0.9, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

typedef struct step {
    pgd_graph *g;
    const pgd_optimizer_options *o;
    pgd_value *rate;
    pgd_value *rate1, *root2; /* AdamW: rate / (1 - beta1^t), 1 / sqrt(1 - beta2^t) */
} step;

static pgd_value *number(const step *s, double value) { return pgd_scalar(s->g, PGD_F32, value); }

static pgd_value *moment(const step *s, const char *which, const char *name, const pgd_value *x, char full[PGD_NAME_BYTES]) {
    char prefix[64] = "optimizer.";
    strncat(prefix, which, sizeof prefix - strlen(prefix) - 1);
    return pgd_param(s->g, pgd_layer_name(prefix, name, full), x->dtype, x->shape);
}

/* m = momentum m + g;  x = x - rate (nesterov ? g + momentum m : m), g with the decay of L2 regularisation */
static void sgd(const step *s, const char *name, pgd_value *x, pgd_value *gradient) {
    char full[PGD_NAME_BYTES];
    if (s->o->weight_decay != 0 && x->shape.rank > 1) gradient = pgd_add(s->g, gradient, pgd_mul(s->g, x, number(s, s->o->weight_decay)));
    pgd_value *direction = gradient;
    if (s->o->momentum != 0) {
        pgd_value *m = moment(s, "momentum", name, x, full);
        direction = m == NULL ? NULL : pgd_add(s->g, pgd_mul(s->g, m, number(s, s->o->momentum)), gradient);
        pgd_update(s->g, full, direction);
        if (s->o->nesterov) direction = pgd_add(s->g, gradient, pgd_mul(s->g, direction, number(s, s->o->momentum)));
    }
    pgd_update(s->g, name, pgd_sub(s->g, x, pgd_mul(s->g, direction, s->rate)));
}

/* Loshchilov and Hutter, Decoupled weight decay regularization, 2019. */
static void adamw(const step *s, const char *name, pgd_value *x, pgd_value *gradient) {
    char m_name[PGD_NAME_BYTES], v_name[PGD_NAME_BYTES];
    pgd_value *m = moment(s, "m", name, x, m_name), *v = moment(s, "v", name, x, v_name);
    if (m == NULL || v == NULL) return;
    m = pgd_add(s->g, pgd_mul(s->g, m, number(s, s->o->beta1)), pgd_mul(s->g, gradient, number(s, 1 - s->o->beta1)));
    v = pgd_add(s->g, pgd_mul(s->g, v, number(s, s->o->beta2)), pgd_mul(s->g, pgd_mul(s->g, gradient, gradient), number(s, 1 - s->o->beta2)));
    pgd_value *spread = pgd_add(s->g, pgd_mul(s->g, pgd_sqrt(s->g, v), s->root2), number(s, s->o->epsilon));
    pgd_value *decayed = s->o->weight_decay != 0 && x->shape.rank > 1 ? pgd_mul(s->g, x, pgd_sub(s->g, number(s, 1), pgd_mul(s->g, s->rate, number(s, s->o->weight_decay)))) : x;
    pgd_update(s->g, m_name, m);
    pgd_update(s->g, v_name, v);
    pgd_update(s->g, name, pgd_sub(s->g, decayed, pgd_div(s->g, pgd_mul(s->g, m, s->rate1), spread)));
}

static void begin_adamw(step *s) {
    pgd_value *t = pgd_param(s->g, "optimizer.step", PGD_F32, (pgd_symshape){0});
    pgd_value *now = pgd_add(s->g, t, number(s, 1));
    pgd_update(s->g, "optimizer.step", now);
    s->rate1 = pgd_div(s->g, s->rate, pgd_sub(s->g, number(s, 1), pgd_pow(s->g, number(s, s->o->beta1), now)));
    s->root2 = pgd_rsqrt(s->g, pgd_sub(s->g, number(s, 1), pgd_pow(s->g, number(s, s->o->beta2), now)));
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
    if (learning_rate->shape.rank != 0 || learning_rate->dtype != PGD_F32) return pgd_fail(PGD_BAD_ARG, "optimizer: the learning rate must be an f32 value of rank 0");
    if (o.kind == PGD_OPTIMIZER_ADAMW) begin_adamw(&s);
    for (int32_t i = 0; i < count; i++) {
        if (names[i] == NULL || x[i] == NULL || gradients[i] == NULL) return pgd_fail(PGD_BAD_ARG, "optimizer: parameter %d, its name or its gradient is NULL", i);
        if (o.kind == PGD_OPTIMIZER_ADAMW)
            adamw(&s, names[i], x[i], gradients[i]);
        else
            sgd(&s, names[i], x[i], gradients[i]);
    }
    return pgd_graph_status(graph);
}

/* ---- of a layer ---------------------------------------------------------------------------------------------------------------------------------- */

typedef struct trainable {
    pgd_graph *graph;
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

pgd_status pgd_optimizer_minimize(pgd_graph *graph, const pgd_optimizer_options *options, const pgd_layer *const *layers, const char *const *prefixes, int32_t layer_count, pgd_value *loss, pgd_value *learning_rate) {
    int32_t count = 0;
    pgd_arena arena = {0};
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(loss, learning_rate);
    if (layer_count > 0) PGD_NEED(layers, prefixes);
    PGD_TRY(each(layers, prefixes, layer_count, count_trainable, &count));
    size_t bytes = sizeof(void *) * (size_t)(count + 1);
    trainable t = {graph, pgd_arena_alloc(&arena, bytes), pgd_arena_alloc(&arena, bytes), pgd_arena_alloc(&arena, bytes), 0};
    pgd_status status = t.names == NULL || t.values == NULL || t.gradients == NULL ? pgd_fail_memory(bytes) : PGD_OK;
    if (status == PGD_OK) status = each(layers, prefixes, layer_count, add_trainable, &t);
    if (status == PGD_OK) status = pgd_gradients(graph, loss, t.values, t.count, t.gradients);
    if (status == PGD_OK) status = pgd_optimizer_apply(graph, options, learning_rate, t.names, t.values, t.gradients, t.count);
    pgd_arena_deinit(&arena);
    return status;
}

typedef struct moments_of {
    const pgd_optimizer_options *o;
    pgd_state *state;
} moments_of;

static pgd_status add_moment(pgd_state *state, const char *which, const pgd_parameter *tensor) {
    char full[PGD_NAME_BYTES];
    pgd_layer_name(which, tensor->name, full);
    return pgd_state_find(state, full) >= 0 ? PGD_OK : pgd_state_set(state, full, tensor->dtype, tensor->shape, NULL);
}

static pgd_status add_moments(void *user, const pgd_parameter *tensor) {
    const moments_of *m = user;
    if (!tensor->trainable) return PGD_OK;
    if (m->o->kind == PGD_OPTIMIZER_SGD) return m->o->momentum == 0 ? PGD_OK : add_moment(m->state, "optimizer.momentum", tensor);
    PGD_TRY(add_moment(m->state, "optimizer.m", tensor));
    return add_moment(m->state, "optimizer.v", tensor);
}

pgd_status pgd_optimizer_init(const pgd_optimizer_options *options, const pgd_layer *layer, const char *prefix, pgd_state *state) {
    pgd_optimizer_options o;
    PGD_NEED(layer, prefix, state);
    pgd_optimizer_options_init(&o, sizeof o, PGD_OPTIMIZER_SGD);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_optimizer_options"));
    moments_of m = {&o, state};
    if (o.kind == PGD_OPTIMIZER_ADAMW && pgd_state_find(state, "optimizer.step") < 0) PGD_TRY(pgd_state_set(state, "optimizer.step", PGD_F32, (pgd_shape){0}, NULL));
    return pgd_layer_each(layer, prefix, add_moments, &m);
}
