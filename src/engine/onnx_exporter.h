/* SPDX-License-Identifier: Apache-2.0
 * The parts of the ONNX exporter. Data flow one way: onnx_export.c walks the graph, onnx_operations.c says how each operation is written, onnx_values.c what their operands are
 * called, onnx_writer.c turns it into nodes, initializers and a file. A failure is kept in the exporter; after it everything may still be called and gives "". */
#ifndef PGD_ONNX_EXPORTER_H
#define PGD_ONNX_EXPORTER_H

#include "engine_internal.h"
#include "onnx_wire.h"

typedef struct pgd_initializer {
    pgd_wire head;        /* TensorProto up to its contents */
    const void *contents;
    uint64_t bytes;
} pgd_initializer;

typedef struct pgd_exporter {
    pgd_graph *g;
    const pgd_state *state;
    pgd_arena arena;      /* names, contents */
    pgd_wire nodes;       /* of GraphProto */
    pgd_initializer *initializers;
    int32_t initializer_count, initializer_capacity;
    const char **full;    /* per value: the tensor with all of its extents; NULL: not written yet */
    const char **thin;    /* per value: one that broadcasts to it */
    const char **dims;    /* per expression: an i64 [1] */
    int32_t fresh;        /* names given so far */
    pgd_status status;    /* the first failure */
} pgd_exporter;

static inline size_t pgd_export_index(const pgd_value *v) { return (size_t)v->node->id * PGD_MAX_OUTPUTS + (size_t)v->output; }

/* ---- onnx_writer.c: names of results are made up, unless said; attributes are written between open and close ------------------------------------------------ */

enum { PGD_ONNX_GRAPH_NODE = 1, PGD_ONNX_GRAPH_NAME = 2, PGD_ONNX_GRAPH_INITIALIZER = 5, PGD_ONNX_GRAPH_INPUT = 11, PGD_ONNX_GRAPH_OUTPUT = 12 };

void pgd_export_fail(pgd_exporter *e, pgd_status status);
const char *pgd_export_name(pgd_exporter *e, const char *name);  /* a copy */
const char *pgd_export_fresh(pgd_exporter *e, const char *what); /* a name nobody has */
void pgd_export_open(pgd_exporter *e, pgd_wire *node, const char *type, const char *const *inputs, int32_t input_count, const char *const *outputs, int32_t output_count);
void pgd_export_close(pgd_exporter *e, pgd_wire *node);
const char *pgd_export_node(pgd_exporter *e, const char *type, const char *const *inputs, int32_t count); /* of one result and no attributes */
const char *pgd_export_node_int(pgd_exporter *e, const char *type, const char *input, const char *attribute, int64_t value);
const char *pgd_export_cast(pgd_exporter *e, const char *x, pgd_dtype dtype);
void pgd_export_initializer(pgd_exporter *e, const char *name, pgd_dtype dtype, const int64_t *dims, int32_t rank, const void *contents); /* contents must outlive the exporter */
const char *pgd_export_integers(pgd_exporter *e, const int64_t *values, int32_t count);                                                  /* i64 [count] */
const char *pgd_export_scalar(pgd_exporter *e, pgd_dtype dtype, double value);
pgd_status pgd_export_file(pgd_exporter *e, pgd_wire *graph, const char *path, const pgd_progress *progress);

/* ---- onnx_values.c ------------------------------------------------------------------------------------------------------------------------------------------------ */

const char *pgd_export_extent(pgd_exporter *e, pgd_dim dim);                         /* i64 [1] */
const char *pgd_export_extents(pgd_exporter *e, const pgd_dim *dims, int32_t count); /* i64 [count] */
const char *pgd_export_reshaped(pgd_exporter *e, const char *x, pgd_symshape shape);
const char *pgd_export_thin(pgd_exporter *e, const pgd_value *v); /* broadcasts to what is meant */
pgd_symshape pgd_export_thin_shape(const pgd_value *v);           /* the extents that a thin tensor really has */
const char *pgd_export_full(pgd_exporter *e, const pgd_value *v);

/* ---- onnx_operations.c -------------------------------------------------------------------------------------------------------------------------------------------- */

bool pgd_export_expands(const pgd_node *node);                    /* is it written as its expansion? */
void pgd_export_operation(pgd_exporter *e, const pgd_node *node); /* writes it and names its results */

/* ---- onnx_recurrent.c: lstm and gru; the name of their first result, the only one there is ------------------------------------------------------------------------- */

const char *pgd_export_recurrent(pgd_exporter *e, const pgd_node *node);
#endif
