/* SPDX-License-Identifier: Apache-2.0
 * Graphs made at random for comparing plans with references: bounded numbers, no decision that a rounding could turn. */
#ifndef PGD_TEST_RANDOM_GRAPH_H
#define PGD_TEST_RANDOM_GRAPH_H

#include <pagoda/engine.h>

#include "reference.h"

enum { POOL_VALUES = 64, GRAPH_INPUTS = 4, GRAPH_PARAMS = 4 };

typedef struct random_graph {
    pgd_graph *graph;
    pgd_value *values[POOL_VALUES];
    double bounds[POOL_VALUES]; /* |value| is at most about this */
    int32_t count;
    pgd_value *inputs[GRAPH_INPUTS], *params[GRAPH_PARAMS], *key;
    binding bindings[GRAPH_INPUTS + GRAPH_PARAMS + 1]; /* inputs, params, then the key */
    int32_t outputs, updates;
    char names[2 * POOL_VALUES][16];
} random_graph;

static inline void graph_add(random_graph *r, pgd_value *v, double bound) {
    if (v == NULL || r->count == POOL_VALUES) return;
    if (bound > 30) v = pgd_tanh(r->graph, v), bound = 1;
    r->values[r->count] = v;
    r->bounds[r->count++] = bound;
}

static inline int32_t graph_any(random_graph *r, dice *d) { return (int32_t)roll_below(d, r->count); }

static inline bool broadcastable(pgd_symshape a, pgd_symshape b) {
    for (int32_t i = 1; i <= a.rank && i <= b.rank; i++)
        if (a.dims[a.rank - i] != b.dims[b.rank - i] && a.dims[a.rank - i] != 1 && b.dims[b.rank - i] != 1) return false;
    return true;
}

static inline void graph_leaf(random_graph *r, dice *d, int32_t index, bool large) {
    static const char *const names[] = {"x0", "x1", "x2", "x3", "p0", "p1", "p2", "p3"};
    const pgd_shape shapes[] = {{2, {6, 5}}, {4, {2, 3, 6, 5}}, {1, {5}}, {0, {0}}, {2, {6, 5}}, {2, {6, 5}}, {2, {5, 7}}, {4, {4, 3, 3, 3}}}, big = {2, {70, 600}}, big_p = {2, {70, 600}};
    pgd_shape shape = !large ? shapes[index] : index == 0 ? big : index == 4 || index == 5 ? big_p : index == 6 ? (pgd_shape){2, {600, 20}} : index == 2 ? (pgd_shape){1, {600}} : shapes[index];
    pgd_symshape sym = {.rank = shape.rank};
    memcpy(sym.dims, shape.dims, sizeof shape.dims);
    pgd_value *v = index < GRAPH_INPUTS ? pgd_input(r->graph, names[index], PGD_F32, sym) : pgd_param(r->graph, names[index], PGD_F32, sym);
    float *data = malloc(sizeof(float) * (size_t)(pgd_shape_elems(shape) + 1));
    assert_non_null(data);
    for (int64_t i = 0; i < pgd_shape_elems(shape); i++) data[i] = (float)roll_between(d, -2, 2);
    r->bindings[index] = (binding){names[index], {PGD_F32, shape, data}};
    *(index < GRAPH_INPUTS ? &r->inputs[index] : &r->params[index - GRAPH_INPUTS]) = v;
    graph_add(r, v, 2);
}

static inline pgd_value *graph_unary(random_graph *r, dice *d, pgd_value *x, double *bound) {
    pgd_graph *g = r->graph;
    switch (roll_below(d, 10)) {
    case 0: return pgd_neg(g, x);
    case 1: return pgd_abs(g, x);
    case 2: *bound = 1; return pgd_tanh(g, x);
    case 3: *bound = 1; return pgd_sigmoid(g, x);
    case 4: return pgd_relu(g, x);
    case 5: *bound = 3; return pgd_exp(g, pgd_tanh(g, x));
    case 6: return pgd_sqrt(g, pgd_add(g, pgd_abs(g, x), pgd_scalar(g, PGD_F32, 0.5)));
    case 7: *bound = *bound * 0.5 + 1; return pgd_add(g, pgd_mul(g, x, pgd_scalar(g, PGD_F32, 0.5)), pgd_scalar(g, PGD_F32, 1));
    case 8: *bound = 1; return pgd_sin(g, x);
    default: return pgd_log(g, pgd_add(g, pgd_abs(g, x), pgd_scalar(g, PGD_F32, 1)));
    }
}

/* Comparisons read leaves alone, whose bits no plan changes. */
static inline pgd_value *graph_choice(random_graph *r, dice *d, pgd_value *a, pgd_value *b, double *bound) {
    pgd_graph *g = r->graph;
    pgd_value *flag = pgd_lt(g, r->inputs[roll_below(d, 2) * 3], pgd_scalar(g, PGD_F32, roll_between(d, -1, 1)));
    if (roll_below(d, 4) == 0) flag = pgd_lt(g, pgd_uniform(g, r->key, a->shape), pgd_scalar(g, PGD_F32, 0.5));
    if (roll_below(d, 3) == 0) flag = pgd_not(g, flag);
    switch (roll_below(d, 4)) {
    case 0: return broadcastable(flag->shape, a->shape) ? pgd_mul(g, a, pgd_cast(g, flag, PGD_F32)) : NULL;
    case 1: /* through a byte: truncated, then brought back */
        *bound = 255 + *bound;
        flag = pgd_cast(g, pgd_cast(g, pgd_mul(g, r->inputs[0], pgd_scalar(g, PGD_F32, 60)), PGD_U8), PGD_F32);
        return broadcastable(flag->shape, a->shape) ? pgd_add(g, a, flag) : NULL;
    default:
        if (!broadcastable(flag->shape, a->shape) || !broadcastable(a->shape, b->shape) || !broadcastable(flag->shape, b->shape)) return NULL;
        return pgd_where(g, flag, a, b);
    }
}

static const int32_t zeros[300000];

static inline pgd_shape concrete(pgd_symshape from) {
    pgd_shape shape = {.rank = from.rank};
    memcpy(shape.dims, from.dims, sizeof shape.dims);
    return shape;
}

static inline pgd_value *graph_movement(random_graph *r, dice *d, pgd_value *x) {
    pgd_graph *g = r->graph;
    int32_t rank = x->shape.rank, swapped[PGD_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) swapped[i] = rank - 1 - i;
    switch (roll_below(d, 8)) {
    case 5: return rank == 0 ? NULL : pgd_reverse(g, x, (int32_t[]){rank - 1}, 1);
    case 6: return rank == 0 ? NULL : pgd_update_slice(g, x, roll_below(d, 2) == 0 ? x : pgd_slice(g, x, 0, 0, (x->shape.dims[0] + 1) / 2), pgd_constant(g, PGD_I32, pgd_shape_of(0), &(int32_t){1}), 0);
    case 7: return rank == 0 ? NULL : pgd_scatter_elements(g, x, pgd_constant(g, PGD_I32, concrete(x->shape), zeros), x, 0, PGD_SCATTER_MAX);
    case 0: return pgd_reshape(g, x, pgd_symshape_of(2, 1, PGD_DIM_REST));
    case 1: return pgd_transpose(g, x, swapped);
    case 2: return rank == 0 ? NULL : pgd_slice(g, x, 0, 0, (x->shape.dims[0] + 1) / 2);
    case 3: return rank == 0 ? NULL : pgd_pad(g, x, -1, 1, 2, 0.25);
    default: return rank == 0 ? NULL : pgd_concat(g, (pgd_value *[]){x, x}, 2, -1);
    }
}

static inline void graph_step(random_graph *r, dice *d, bool large) {
    pgd_graph *g = r->graph;
    int32_t a = graph_any(r, d), b = graph_any(r, d);
    pgd_value *x = r->values[a], *y = r->values[b], *v = NULL;
    double bound = r->bounds[a] > r->bounds[b] ? r->bounds[a] : r->bounds[b];
    int32_t rank = x->shape.rank, axes[PGD_MAX_RANK] = {0, 1, 2, 3, 4, 5}, some = rank == 0 ? 0 : (int32_t)roll_below(d, rank + 1);
    switch (roll_below(d, 14)) {
    case 0: case 1: case 2: bound = r->bounds[a]; v = graph_unary(r, d, x, &bound); break;
    case 3: if (broadcastable(x->shape, y->shape)) v = pgd_add(g, x, y), bound *= 2; break;
    case 4: if (broadcastable(x->shape, y->shape)) v = pgd_sub(g, x, y), bound *= 2; break;
    case 5: if (broadcastable(x->shape, y->shape)) v = pgd_mul(g, x, y), bound *= bound; break;
    case 6: if (broadcastable(x->shape, y->shape)) v = pgd_div(g, x, pgd_add(g, pgd_abs(g, y), pgd_scalar(g, PGD_F32, 1))); break;
    case 7: v = graph_choice(r, d, x, y, &bound); break;
    case 8: v = pgd_mean(g, x, axes + (rank - some) * (int32_t)roll_below(d, 2), some); break;
    case 9: v = pgd_sum(g, pgd_mul(g, x, pgd_scalar(g, PGD_F32, 0.125)), axes, some), bound *= 10; break;
    case 10: v = graph_movement(r, d, x); break;
    case 11:
        if (rank == 2 && x->shape.dims[1] == r->params[2]->shape.dims[0]) v = pgd_matmul(g, x, r->params[2], false, false), bound *= 14;
        else if (rank == 2 && y->shape.rank == 2 && x->shape.dims[0] == y->shape.dims[0] && !large) v = pgd_matmul(g, x, y, true, false), bound = 40;
        break;
    case 12:
        if (rank == 4 && x->shape.dims[1] == 3 && x->shape.dims[2] > 2 && x->shape.dims[3] > 2) {
            pgd_conv_options o;
            pgd_conv_options_init(&o, sizeof o);
            o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = (int32_t)roll_below(d, 2);
            v = pgd_conv(g, x, r->params[3], &o), bound = 40;
        } else if (rank == 4 && x->shape.dims[2] > 1 && x->shape.dims[3] > 1)
            v = pgd_avg_pool(g, x, NULL);
        break;
    default:
        if (rank >= 1) v = roll_below(d, 2) == 0 ? pgd_softmax(g, x) : pgd_log_softmax(g, x), bound = 2 * bound + 5;
        break;
    }
    if (v != NULL && !(v->shape.rank == 2 && v->shape.dims[0] * v->shape.dims[1] > 200000)) graph_add(r, v, bound);
}

static inline const char *graph_name(random_graph *r, const char *prefix, int32_t index) {
    char *name = r->names[(prefix[0] == 'o' ? 0 : POOL_VALUES) + index];
    snprintf(name, sizeof r->names[0], "%s%d", prefix, index);
    return name;
}

static inline void graph_output(random_graph *r, pgd_value *v) {
    if (r->outputs < POOL_VALUES) pgd_output(r->graph, graph_name(r, "o", r->outputs), v), r->outputs++;
}

/* New contents for p0 and p1: one from the other, or from their own old contents, or from anything of their shape. */
static inline void graph_updates(random_graph *r, dice *d) {
    pgd_graph *g = r->graph;
    pgd_value *p = r->params[0], *q = r->params[1], *mean = pgd_mul(g, pgd_add(g, p, q), pgd_scalar(g, PGD_F32, 0.5));
    switch (roll_below(d, 6)) {
    case 0: pgd_update(g, "p0", q), pgd_update(g, "p1", p); break; /* exchanged */
    case 1: pgd_update(g, "p0", mean), graph_output(r, pgd_sub(g, p, q)); break; /* the old value is read by others */
    case 2: pgd_update(g, "p0", mean), pgd_update(g, "p1", mean); break;
    case 3: pgd_update(g, "p0", pgd_tanh(g, p)), pgd_update(g, "p1", p); break;
    case 4: pgd_update(g, "p1", pgd_sub(g, q, pgd_mul(g, mean, pgd_scalar(g, PGD_F32, 0.125)))), pgd_update(g, "p0", pgd_sub(g, p, q)); break;
    default:
        for (int32_t i = r->count - 1; i >= 0; i--)
            if (pgd_symshape_equal(r->values[i]->shape, p->shape)) {
                pgd_update(g, "p0", r->values[i]);
                break;
            }
    }
    pgd_update(g, "key", pgd_add(g, r->key, pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){0, 1})));
}

static inline random_graph random_graph_create(uint64_t seed) {
    random_graph r = {0};
    dice d = {seed * 0x51ed2701u + 11};
    bool large = seed % 8 == 7;
    ok(pgd_graph_create(&r.graph));
    for (int32_t i = 0; i < GRAPH_INPUTS + GRAPH_PARAMS; i++) graph_leaf(&r, &d, i, large);
    int64_t *key = malloc(16);
    key[0] = (int64_t)seed, key[1] = 0;
    r.key = pgd_param(r.graph, "key", PGD_I64, pgd_symshape_of(1, 2));
    r.bindings[GRAPH_INPUTS + GRAPH_PARAMS] = (binding){"key", {PGD_I64, {1, {2}}, key}};
    bool again = seed % 3 == 0 && seed % 2 == 1; /* some of it is computed again for the gradients */
    for (int64_t all = 5 + roll_below(&d, large ? 10 : 22), i = all; i > 0; i--) {
        if (again && i == all / 2 + 2) pgd_recompute_begin(r.graph);
        graph_step(&r, &d, large);
        if (again && i == all / 4 + 1) pgd_recompute_end(r.graph);
    }
    for (int64_t i = 1 + roll_below(&d, 4); i > 0; i--) graph_output(&r, r.values[roll_below(&d, 2) == 0 ? r.count - 1 : graph_any(&r, &d)]); /* leaves and repetitions too */
    if (seed % 3 == 0) { /* a loss and what it says about the params */
        pgd_value *loss = NULL, *dp[GRAPH_PARAMS];
        for (int32_t i = r.count - 1; i >= 0 && i > r.count - 4; i--) {
            int32_t axes[PGD_MAX_RANK] = {0, 1, 2, 3, 4, 5};
            pgd_value *part = pgd_reshape(r.graph, pgd_mean(r.graph, r.values[i], axes, r.values[i]->shape.rank), (pgd_symshape){0});
            loss = loss == NULL ? part : pgd_add(r.graph, loss, part);
        }
        ok(pgd_gradients(r.graph, loss, r.params, GRAPH_PARAMS, dp));
        graph_output(&r, loss);
        for (int32_t i = 0; i < GRAPH_PARAMS; i++) graph_output(&r, dp[i]);
    }
    if (seed % 2 == 0) graph_updates(&r, &d);
    ok(pgd_graph_status(r.graph));
    return r;
}

static inline void random_graph_free(random_graph *r) {
    for (int32_t i = 0; i <= GRAPH_INPUTS + GRAPH_PARAMS; i++) free(r->bindings[i].tensor.data);
    pgd_graph_destroy(r->graph);
}

#endif
