/* SPDX-License-Identifier: Apache-2.0
 * What a layer is inside nn: a table of functions and its numbers. */
#ifndef PGD_LAYER_H
#define PGD_LAYER_H

#include <engine_share.h>
#include <graph_share.h>
#include <pagoda/nn.h>

enum { PGD_NAME_BYTES = 192 };

/* A tensor of a layer and how it begins. */
typedef struct pgd_layer_tensor {
    pgd_parameter parameter;
    double bound; /* uniform in [-bound, bound]; 0: every element is `value` */
    double value;
} pgd_layer_tensor;

typedef pgd_status (*pgd_layer_visit_fn)(void *user, const pgd_layer_tensor *tensor);

/* How values are being built. */
typedef struct pgd_forward {
    pgd_graph *graph;
    bool training;
    pgd_value *start;        /* i32 []: positions that precede those of x; NULL: none do */
    int64_t cache_positions; /* that a cache has room for; 0: nothing is cached */
    pgd_dtype compute;       /* of products; weights are kept in f32 and converted on the way */
} pgd_forward;

/* The size of what a layer keeps between the steps of a generation. */
typedef struct pgd_cache_extent {
    int64_t batch, positions;
} pgd_cache_extent;

typedef struct pgd_layer_kind {
    const char *name;
    pgd_value *(*forward)(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix);
    pgd_status (*visit)(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user);                                /* NULL: no tensors */
    pgd_status (*visit_cache)(const pgd_layer *layer, const char *prefix, pgd_cache_extent extent, pgd_layer_visit_fn visit, void *user); /* NULL: keeps nothing */
} pgd_layer_kind;

struct pgd_layer {
    const pgd_layer_kind *kind;
    int64_t in, out;
    int32_t kernel, stride, padding, dilation, groups;
    int32_t heads;        /* of attention; levels of recurrent layers */
    bool bias, causal, both_ways;
    bool recomputed;      /* while training, what is inside is computed again for its gradients */
    bool frozen;          /* the optimiser leaves what is in it alone */
    bool computes;        /* in `compute`, whatever the container does */
    pgd_dtype compute;
    char *name;           /* given by pgd_layer_named; NULL: the container's choice */
    double number[2];     /* epsilon and momentum, a probability, or the base of turning positions */
    pgd_layer **children;
    int32_t child_count;
    bool owned;           /* by a container */
    pgd_layer *next;      /* while a container takes its children */
};

pgd_layer *pgd_layer_make(const pgd_layer_kind *kind);

/* "prefix.name", or "name" when prefix is empty. */
const char *pgd_layer_name(const char *prefix, const char *name, char out[PGD_NAME_BYTES]);

/* Is it one that can be read? The sentence begins with `who`. */
pgd_status pgd_dataset_check(const pgd_dataset *dataset, const char *who);

/* Builds the layer's value in the same way as the rest. */
pgd_value *pgd_layer_build(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix);

/* Calls visit for every tensor of the layer and its children, in order. */
pgd_status pgd_layer_visit(const pgd_layer *layer, const char *prefix, pgd_layer_visit_fn visit, void *user);

/* A float in the dtype of products. */
pgd_value *pgd_layer_narrow(const pgd_forward *f, pgd_value *x);

/* The state tensor of a layer as a value. */
pgd_value *pgd_layer_param(pgd_graph *graph, const char *prefix, const char *name, pgd_dtype dtype, pgd_shape shape);

#endif
