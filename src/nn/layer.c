/* SPDX-License-Identifier: Apache-2.0
 * What all layers share: making, naming, visiting, first contents; and the two containers. */
#include "layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

pgd_layer *pgd_layer_make(const pgd_layer_kind *kind) {
    pgd_layer *layer = pgd_mem_zalloc(sizeof *layer);
    if (layer == NULL) {
        (void)pgd_fail_memory(sizeof *layer);
        return NULL;
    }
    layer->kind = kind;
    return layer;
}

static void give_back(pgd_layer *child) {
    child->owned = false;
    pgd_layer_destroy(child);
}

void pgd_layer_destroy(pgd_layer *layer) {
    if (layer == NULL || layer->owned) return;
    for (int32_t i = 0; i < layer->child_count; i++) give_back(layer->children[i]);
    pgd_mem_free(layer->children);
    pgd_mem_free(layer->name);
    pgd_mem_free(layer);
}

pgd_layer *pgd_layer_named(const char *name, pgd_layer *layer) {
    if (layer == NULL) return NULL;
    char *copy = PGD_LACKS(name) ? NULL : pgd_mem_strdup(name);
    if (copy == NULL || layer->owned) {
        if (name != NULL) (void)(layer->owned ? pgd_fail(PGD_BAD_ARG, "named: the layer is in a container already; name it before") : pgd_fail_memory(strlen(name)));
        pgd_mem_free(copy);
        pgd_layer_destroy(layer);
        return NULL;
    }
    pgd_mem_free(layer->name);
    layer->name = copy;
    return layer;
}

/* Marks a layer that is still free; an error destroys it. */
static pgd_layer *still_free(pgd_layer *layer, const char *what) {
    if (layer == NULL || !layer->owned) return layer;
    (void)pgd_fail(PGD_BAD_ARG, "%s: the layer is in a container already; say it before", what);
    return NULL;
}

pgd_layer *pgd_layer_compute(pgd_dtype dtype, pgd_layer *layer) {
    if ((layer = still_free(layer, "compute")) == NULL) return NULL;
    if (dtype != PGD_F32 && dtype != PGD_F16 && dtype != PGD_BF16) {
        (void)pgd_fail(PGD_BAD_ARG, "compute: %s is no dtype of products; use f32, f16 or bf16", pgd_dtype_name(dtype));
        pgd_layer_destroy(layer);
        return NULL;
    }
    layer->computes = true;
    layer->compute = dtype;
    return layer;
}

pgd_layer *pgd_layer_recomputed(pgd_layer *layer) {
    if ((layer = still_free(layer, "recomputed")) != NULL) layer->recomputed = true;
    return layer;
}

pgd_layer *pgd_layer_frozen(pgd_layer *layer) {
    if ((layer = still_free(layer, "frozen")) != NULL) layer->frozen = true;
    return layer;
}

const char *pgd_layer_name(const char *prefix, const char *name, char out[PGD_NAME_BYTES]) {
    snprintf(out, PGD_NAME_BYTES, prefix[0] == '\0' || name[0] == '\0' ? "%s%s" : "%s.%s", prefix, name);
    return out;
}

/* Names that had to be cut could be equal: no network has them. */
static bool too_long(const char *prefix, const char *name) { return strlen(prefix) + 1 + strlen(name) >= PGD_NAME_BYTES - sizeof "optimizer.momentum."; }

pgd_value *pgd_layer_param(pgd_graph *graph, const char *prefix, const char *name, pgd_dtype dtype, pgd_shape shape) {
    char full[PGD_NAME_BYTES];
    if (too_long(prefix, name)) return pgd_graph_fail(graph, PGD_BAD_ARG, "the name of a parameter would be longer than %d bytes; nest layers less deeply", PGD_NAME_BYTES - 20);
    return pgd_param(graph, pgd_layer_name(prefix, name, full), dtype, pgd_symshape_from(shape));
}

pgd_value *pgd_layer_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix) {
    if (layer == NULL && graph != NULL) return pgd_graph_fail(graph, PGD_BAD_ARG, "pgd_layer_forward: layer is NULL; %s", pgd_error_text());
    if (PGD_GRAPH_LACKS(graph, layer, x, prefix)) return NULL;
    return pgd_layer_build(layer, &(pgd_forward){.graph = graph, .training = training, .compute = PGD_F32}, x, prefix);
}

pgd_value *pgd_layer_continue(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, pgd_value *start, int64_t positions, const char *prefix) {
    if (layer == NULL && graph != NULL) return pgd_graph_fail(graph, PGD_BAD_ARG, "pgd_layer_continue: layer is NULL; %s", pgd_error_text());
    if (PGD_GRAPH_LACKS(graph, layer, x, start, prefix)) return NULL;
    if (positions < 1) return pgd_graph_fail(graph, PGD_BAD_ARG, "pgd_layer_continue: room for %lld positions; give at least 1", (long long)positions);
    return pgd_layer_build(layer, &(pgd_forward){.graph = graph, .start = start, .cache_positions = positions, .compute = PGD_F32}, x, prefix);
}

pgd_value *pgd_layer_build(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_forward own = *f;
    if (layer->computes) own.compute = layer->compute;
    if (x == NULL) return NULL;
    bool again = layer->recomputed && f->training && f->graph->stretch == 0;
    if (again) pgd_recompute_begin(f->graph);
    pgd_value *y = layer->kind->forward(layer, &own, x, prefix);
    if (again) pgd_recompute_end(f->graph);
    return y;
}

pgd_value *pgd_layer_narrow(const pgd_forward *f, pgd_value *x) {
    bool number = x != NULL && (x->dtype == PGD_F32 || x->dtype == PGD_F16 || x->dtype == PGD_BF16);
    return number ? pgd_cast(f->graph, x, f->compute) : x;
}

/* ---- containers ------------------------------------------------------------------------------------------------------------------------------ */

/* A chain of the children that are free to be taken; *whole: they all were. */
static pgd_layer *take(const pgd_layer_kind *kind, pgd_layer *const *children, int32_t count, bool *whole) {
    pgd_layer *first = NULL, **end = &first;
    *whole = true;
    for (int32_t i = 0; i < count; i++) {
        pgd_layer *child = children[i];
        if (child != NULL && !child->owned) {
            child->owned = true;
            *end = child;
            end = &child->next;
            continue;
        }
        if (*whole && child == NULL) (void)pgd_fail(PGD_BAD_ARG, "%s: layer %d is NULL; %s", kind->name, i, pgd_error_text());
        if (*whole && child != NULL) (void)pgd_fail(PGD_BAD_ARG, "%s: layer %d, a %s, is in a container already; make a second one", kind->name, i, child->kind->name);
        *whole = false;
    }
    return first;
}

static pgd_layer *container(const pgd_layer_kind *kind, pgd_layer *const *children, int32_t count) {
    bool whole;
    pgd_layer *child = take(kind, children, count, &whole), *next;
    pgd_layer *layer = whole ? pgd_layer_make(kind) : NULL;
    if (layer != NULL && (layer->children = pgd_mem_zalloc(sizeof *layer->children * (size_t)(count + 1))) == NULL) {
        (void)pgd_fail_memory(sizeof *layer->children * (size_t)count);
        pgd_layer_destroy(layer);
        layer = NULL;
    }
    for (; child != NULL; child = next) {
        next = child->next;
        if (layer == NULL)
            give_back(child);
        else
            layer->children[layer->child_count++] = child;
    }
    return layer;
}

/* The name of child `index` under prefix. */
static const char *child_prefix(const pgd_layer *layer, int32_t index, const char *prefix, char out[PGD_NAME_BYTES]);

static pgd_status container_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char full[PGD_NAME_BYTES];
    for (int32_t i = 0; i < layer->child_count; i++) PGD_TRY(pgd_layer_visit(layer->children[i], child_prefix(layer, i, prefix, full), visit, user));
    return PGD_OK;
}

static pgd_status container_visit_cache(const pgd_layer *layer, const char *prefix, pgd_cache_extent extent, pgd_layer_visit_fn visit, void *user) {
    char full[PGD_NAME_BYTES];
    for (int32_t i = 0; i < layer->child_count; i++)
        if (layer->children[i]->kind->visit_cache != NULL) PGD_TRY(layer->children[i]->kind->visit_cache(layer->children[i], child_prefix(layer, i, prefix, full), extent, visit, user));
    return PGD_OK;
}

static pgd_value *child_value(const pgd_layer *layer, int32_t index, const pgd_forward *f, pgd_value *x, const char *prefix) {
    char full[PGD_NAME_BYTES];
    return pgd_layer_build(layer->children[index], f, x, child_prefix(layer, index, prefix, full));
}

static pgd_value *sequential_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    for (int32_t i = 0; i < layer->child_count; i++) x = child_value(layer, i, f, x, prefix);
    return x;
}

static pgd_value *residual_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_value *body = child_value(layer, 0, f, x, prefix), *shortcut = child_value(layer, 1, f, x, prefix);
    return body == NULL || shortcut == NULL ? NULL : pgd_relu(f->graph, pgd_add(f->graph, pgd_cast(f->graph, body, shortcut->dtype), shortcut));
}

static pgd_value *skip_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_value *body = child_value(layer, 0, f, x, prefix);
    return body == NULL ? NULL : pgd_add(f->graph, x, pgd_cast(f->graph, body, x->dtype));
}

static const pgd_layer_kind sequential_kind = {"sequential", sequential_forward, container_visit, container_visit_cache};
static const pgd_layer_kind residual_kind = {"residual", residual_forward, container_visit, container_visit_cache};
static const pgd_layer_kind skip_kind = {"skip", skip_forward, container_visit, container_visit_cache};

static const char *child_prefix(const pgd_layer *layer, int32_t index, const char *prefix, char out[PGD_NAME_BYTES]) {
    char number[16];
    snprintf(number, sizeof number, "%d", index);
    const char *own = layer->children[index]->name, *usual = layer->kind == &sequential_kind ? number : index == 0 ? "body" : "shortcut";
    return pgd_layer_name(prefix, own != NULL ? own : usual, out);
}

pgd_layer *pgd_layer_sequential(pgd_layer *const *children, int32_t count) {
    if (count < 0) (void)pgd_fail(PGD_BAD_ARG, "sequential: %d layers; give at least 0", count);
    return count < 0 || (count > 0 && PGD_LACKS(children)) ? NULL : container(&sequential_kind, children, count);
}

pgd_layer *pgd_layer_residual(pgd_layer *body, pgd_layer *shortcut) {
    pgd_layer *children[2] = {body, shortcut};
    return container(&residual_kind, children, 2);
}

pgd_layer *pgd_layer_skip(pgd_layer *body) { return container(&skip_kind, &body, 1); }

/* ---- tensors ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct freezer {
    pgd_layer_visit_fn visit;
    void *user;
} freezer;

static pgd_status visit_frozen(void *user, const pgd_layer_tensor *tensor) {
    const freezer *f = user;
    pgd_layer_tensor still = *tensor;
    still.parameter.trainable = false;
    return f->visit(f->user, &still);
}

pgd_status pgd_layer_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    if (too_long(prefix, "num_batches_tracked")) return pgd_fail(PGD_BAD_ARG, "the name of a parameter would be longer than %d bytes; nest layers less deeply", PGD_NAME_BYTES - 20);
    if (layer->kind->visit == NULL) return PGD_OK;
    freezer f = {visit, user};
    return layer->frozen ? layer->kind->visit(layer, prefix, visit_frozen, &f) : layer->kind->visit(layer, prefix, visit, user);
}

typedef struct first_contents {
    uint64_t seed;
    pgd_state *state;
    const pgd_progress *progress;
    int64_t done, all; /* elements */
} first_contents;

/* The name is part of the key: adding a layer does not change what the others begin with. */
static pgd_status fill_tensor(const pgd_layer_tensor *tensor, first_contents *f, void *bytes) {
    const pgd_parameter *p = &tensor->parameter;
    pgd_tensor whole = {p->dtype, p->shape, bytes};
    uint64_t key = pgd_hash_bytes(p->name, strlen(p->name), 0);
    for (int64_t i = 0, n = pgd_shape_elems(p->shape); i < n; i++, f->done++) {
        uint32_t words[4];
        double value = tensor->value;
        if (i % 65536 == 0) PGD_TRY(pgd_progress_report(f->progress, "first contents", (double)f->done / (double)f->all));
        if (tensor->bound != 0) {
            pgd_philox(f->seed, key, 0xffffffffu, (uint64_t)i, words);
            value = tensor->bound * (2 * (double)pgd_uniform_from(words[0]) - 1);
        }
        pgd_tensor_set(&whole, i, value);
    }
    return PGD_OK;
}

static pgd_status init_tensor(void *user, const pgd_layer_tensor *tensor) {
    first_contents *f = user;
    const pgd_parameter *p = &tensor->parameter;
    size_t bytes = (size_t)pgd_shape_elems(p->shape) * pgd_dtype_bytes(p->dtype);
    void *contents = pgd_mem_alloc(bytes);
    if (contents == NULL) return pgd_fail_memory(bytes);
    pgd_status status = fill_tensor(tensor, f, contents);
    if (status == PGD_OK) status = pgd_state_set(f->state, p->name, p->dtype, p->shape, contents);
    pgd_mem_free(contents);
    return status;
}

static pgd_status count_elems(void *user, const pgd_layer_tensor *tensor) {
    *(int64_t *)user += pgd_shape_elems(tensor->parameter.shape);
    return PGD_OK;
}

pgd_status pgd_layer_init(const pgd_layer *layer, const char *prefix, uint64_t seed, pgd_state *state, const pgd_progress *progress) {
    first_contents f = {.seed = seed, .state = state, .progress = progress};
    PGD_NEED(layer, prefix, state);
    int32_t before = pgd_state_count(state);
    PGD_TRY(pgd_layer_visit(layer, prefix, count_elems, &f.all));
    pgd_status status = pgd_layer_visit(layer, prefix, init_tensor, &f);
    if (status != PGD_OK) pgd_state_shrink(state, before);
    return status;
}

pgd_status pgd_layer_cache(const pgd_layer *layer, const char *prefix, int64_t batch, int64_t positions, pgd_state *state) {
    PGD_NEED(layer, prefix, state);
    if (batch < 1 || positions < 1) return pgd_fail(PGD_BAD_ARG, "pgd_layer_cache: %lld sequences of %lld positions; both must be at least 1", (long long)batch, (long long)positions);
    first_contents f = {.state = state};
    return layer->kind->visit_cache == NULL ? PGD_OK : layer->kind->visit_cache(layer, prefix, (pgd_cache_extent){batch, positions}, init_tensor, &f);
}

typedef struct listing {
    pgd_parameter_fn function;
    void *user;
} listing;

static pgd_status list_tensor(void *user, const pgd_layer_tensor *tensor) {
    const listing *l = user;
    return l->function(l->user, &tensor->parameter);
}

pgd_status pgd_layer_each(const pgd_layer *layer, const char *prefix, pgd_parameter_fn function, void *user) {
    listing l = {function, user};
    PGD_NEED(layer, prefix);
    if (function == NULL) return pgd_fail(PGD_BAD_ARG, "%s: function is NULL; give one to call for every tensor", __func__);
    return pgd_layer_visit(layer, prefix, list_tensor, &l);
}

static pgd_status count_parameter(void *user, const pgd_parameter *p) {
    if (p->trainable) *(int64_t *)user += pgd_shape_elems(p->shape);
    return PGD_OK;
}

int64_t pgd_layer_parameters(const pgd_layer *layer) {
    int64_t count = 0;
    if (PGD_LACKS(layer)) return 0;
    return pgd_layer_each(layer, "", count_parameter, &count) == PGD_OK ? count : 0;
}
