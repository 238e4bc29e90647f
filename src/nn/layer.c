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
    pgd_mem_free(layer);
}

const char *pgd_layer_name(const char *prefix, const char *name, char out[PGD_NAME_BYTES]) {
    snprintf(out, PGD_NAME_BYTES, prefix[0] == '\0' ? "%s%s" : "%s.%s", prefix, name);
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
    return layer->kind->forward(layer, graph, x, training, prefix);
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

static const char *child_name(const pgd_layer *layer, int32_t index, char out[16]);

static pgd_status container_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    char name[16], full[PGD_NAME_BYTES];
    for (int32_t i = 0; i < layer->child_count; i++) PGD_TRY(pgd_layer_visit(layer->children[i], pgd_layer_name(prefix, child_name(layer, i, name), full), visit, user));
    return PGD_OK;
}

static pgd_value *sequential_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix) {
    char name[16], full[PGD_NAME_BYTES];
    for (int32_t i = 0; i < layer->child_count; i++) x = pgd_layer_forward(layer->children[i], graph, x, training, pgd_layer_name(prefix, child_name(layer, i, name), full));
    return x;
}

static pgd_value *residual_forward(const pgd_layer *layer, pgd_graph *graph, pgd_value *x, bool training, const char *prefix) {
    char full[PGD_NAME_BYTES];
    pgd_value *body = pgd_layer_forward(layer->children[0], graph, x, training, pgd_layer_name(prefix, "body", full));
    pgd_value *shortcut = pgd_layer_forward(layer->children[1], graph, x, training, pgd_layer_name(prefix, "shortcut", full));
    return body == NULL || shortcut == NULL ? NULL : pgd_relu(graph, pgd_add(graph, body, shortcut));
}

static const pgd_layer_kind sequential_kind = {"sequential", sequential_forward, container_visit};
static const pgd_layer_kind residual_kind = {"residual", residual_forward, container_visit};

static const char *child_name(const pgd_layer *layer, int32_t index, char out[16]) {
    if (layer->kind == &residual_kind) return index == 0 ? "body" : "shortcut";
    snprintf(out, 16, "%d", index);
    return out;
}

pgd_layer *pgd_layer_sequential(pgd_layer *const *children, int32_t count) {
    if (count < 0) (void)pgd_fail(PGD_BAD_ARG, "sequential: %d layers; give at least 0", count);
    return count < 0 || (count > 0 && PGD_LACKS(children)) ? NULL : container(&sequential_kind, children, count);
}

pgd_layer *pgd_layer_residual(pgd_layer *body, pgd_layer *shortcut) {
    pgd_layer *children[2] = {body, shortcut};
    return container(&residual_kind, children, 2);
}

/* ---- tensors ------------------------------------------------------------------------------------------------------------------------------------ */

pgd_status pgd_layer_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user) {
    if (too_long(prefix, "num_batches_tracked")) return pgd_fail(PGD_BAD_ARG, "the name of a parameter would be longer than %d bytes; nest layers less deeply", PGD_NAME_BYTES - 20);
    return layer->kind->visit == NULL ? PGD_OK : layer->kind->visit(layer, prefix, visit, user);
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
