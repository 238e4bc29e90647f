/* SPDX-License-Identifier: Apache-2.0
 * What the operands of ONNX nodes are called. Extents stay symbolic: where an operator wants them as numbers they are read from the shape of an input when the model runs. A number,
 * an iota or a broadcast is written only where ONNX's own broadcasting does not do. */
#include "onnx_exporter.h"

/* ---- extents ---------------------------------------------------------------------------------------------------------------------------------------- */

/* A symbol is the extent of the first input that has it. */
static const char *symbol_extent(pgd_exporter *e, pgd_dim dim) {
    const pgd_graph *g = e->g;
    for (int32_t i = 0; i < g->node_count; i++)
        for (int32_t d = 0; g->nodes[i]->op == PGD_OP_INPUT && d < g->nodes[i]->outputs[0].shape.rank; d++) {
            if (g->nodes[i]->outputs[0].shape.dims[d] != dim) continue;
            pgd_wire node;
            const char *out = pgd_export_fresh(e, "extent");
            pgd_export_open(e, &node, "Shape", &g->nodes[i]->name, 1, &out, 1);
            pgd_onnx_int(&node, "start", d);
            pgd_onnx_int(&node, "end", d + 1);
            pgd_export_close(e, &node);
            return out;
        }
    pgd_export_fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: no input shows the extent \"%s\"", g->symbols[g->exprs[-1 - dim].a].name));
    return "";
}

/* i64 [1] */
const char *pgd_export_extent(pgd_exporter *e, pgd_dim dim) {
    if (dim >= 0) return pgd_export_integers(e, &dim, 1);
    const pgd_dim_expr *x = &e->g->exprs[-1 - dim];
    const char **known = &e->dims[-1 - dim];
    if (*known != NULL) return *known;
    if (x->kind == PGD_DIM_SYMBOL) return *known = symbol_extent(e, dim);
    int64_t offset = x->b;
    const char *parts[2] = {pgd_export_extent(e, x->a), x->kind == PGD_DIM_OFFSET ? pgd_export_integers(e, &offset, 1) : pgd_export_extent(e, x->b)};
    return *known = pgd_export_node(e, x->kind == PGD_DIM_MUL ? "Mul" : x->kind == PGD_DIM_FLOORDIV ? "Div" : "Add", parts, 2);
}

/* i64 [count] */
const char *pgd_export_extents(pgd_exporter *e, const pgd_dim *dims, int32_t count) {
    const char *parts[PGD_MAX_RANK];
    bool known = true;
    for (int32_t i = 0; i < count; i++) known = known && dims[i] >= 0;
    if (known) return pgd_export_integers(e, dims, count);
    for (int32_t i = 0; i < count; i++) parts[i] = pgd_export_extent(e, dims[i]);
    if (count == 1) return parts[0];
    pgd_wire node;
    const char *out = pgd_export_fresh(e, "shape");
    pgd_export_open(e, &node, "Concat", parts, count, &out, 1);
    pgd_onnx_int(&node, "axis", 0);
    pgd_export_close(e, &node);
    return out;
}

/* Of a reshape: one extent may be left for ONNX to find. */
static const char *reshape_extents(pgd_exporter *e, pgd_symshape shape) {
    int32_t unknown = 0, at = 0;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] < 0) unknown++, at = i;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] == 0) unknown = 2; /* -1 beside 0 has no answer, and 0 itself would mean "as before" */
    if (unknown != 1) return pgd_export_extents(e, shape.dims, shape.rank);
    shape.dims[at] = -1;
    return pgd_export_integers(e, shape.dims, shape.rank);
}

const char *pgd_export_reshaped(pgd_exporter *e, const char *x, pgd_symshape shape) {
    pgd_wire node;
    const char *out = pgd_export_fresh(e, "Reshape"), *in[2] = {x, reshape_extents(e, shape)};
    pgd_export_open(e, &node, "Reshape", in, 2, &out, 1);
    pgd_onnx_int(&node, "allowzero", 1);
    pgd_export_close(e, &node);
    return out;
}

/* ---- values: thin ones broadcast to what is meant --------------------------------------------------------------------------------------------------------- */

/* Index along one axis, shaped so that it broadcasts. */
static const char *thin_iota(pgd_exporter *e, const pgd_node *node) {
    pgd_dtype dtype = node->outputs[0].dtype;
    pgd_symshape along = {.rank = node->outputs[0].shape.rank};
    int64_t axis = node->attrs.ints[1];
    for (int32_t i = 0; i < along.rank; i++) along.dims[i] = i == axis ? node->outputs[0].shape.dims[i] : 1;
    const char *count = pgd_export_reshaped(e, pgd_export_extent(e, along.dims[axis]), (pgd_symshape){0}), *in[3] = {pgd_export_scalar(e, PGD_I64, 0), count, pgd_export_scalar(e, PGD_I64, 1)};
    return pgd_export_reshaped(e, pgd_export_cast(e, pgd_export_node(e, "Range", in, 3), dtype), along);
}

static const char *product_of_extents(pgd_exporter *e, const pgd_node *node) {
    const char *product = pgd_export_integers(e, &(int64_t){1}, 1);
    for (int32_t i = 0; i < node->attrs.dims.rank; i++) product = pgd_export_node(e, "Mul", (const char *[]){product, pgd_export_extent(e, node->attrs.dims.dims[i])}, 2);
    return pgd_export_reshaped(e, pgd_export_cast(e, product, node->outputs[0].dtype), (pgd_symshape){0});
}

const char *pgd_export_thin(pgd_exporter *e, const pgd_value *v) {
    const pgd_node *node = v->node;
    const char **known = &e->thin[pgd_export_index(v)];
    if (*known != NULL) return *known;
    if (e->full[pgd_export_index(v)] != NULL) return e->full[pgd_export_index(v)];
    switch (node->op) {
    case PGD_OP_FILL: return *known = pgd_export_scalar(e, v->dtype, node->attrs.floats[0]);
    case PGD_OP_IOTA: return *known = thin_iota(e, node);
    case PGD_OP_DIM_SIZE: return *known = product_of_extents(e, node);
    case PGD_OP_BROADCAST: return *known = pgd_export_thin(e, node->inputs[0]);
    default: return pgd_export_full(e, v);
    }
}

/* The extents that a thin tensor really has. */
pgd_symshape pgd_export_thin_shape(const pgd_value *v) {
    pgd_symshape shape = v->shape;
    if (v->node->op == PGD_OP_FILL || v->node->op == PGD_OP_DIM_SIZE)
        for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = 1;
    if (v->node->op == PGD_OP_IOTA)
        for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = i == v->node->attrs.ints[1] ? shape.dims[i] : 1;
    if (v->node->op == PGD_OP_BROADCAST) return pgd_export_thin_shape(v->node->inputs[0]);
    return shape;
}

static const char *expanded(pgd_exporter *e, const char *x, pgd_symshape shape) {
    const char *in[2] = {x, pgd_export_extents(e, shape.dims, shape.rank)};
    return pgd_export_node(e, "Expand", in, 2);
}

static const char *constant(pgd_exporter *e, const pgd_node *node) {
    int64_t dims[PGD_MAX_RANK];
    const char *name = pgd_export_fresh(e, "constant");
    for (int32_t i = 0; i < node->outputs[0].shape.rank; i++) dims[i] = node->outputs[0].shape.dims[i];
    pgd_export_initializer(e, name, node->outputs[0].dtype, dims, node->outputs[0].shape.rank, node->bytes);
    return name;
}

const char *pgd_export_full(pgd_exporter *e, const pgd_value *v) {
    const char **known = &e->full[pgd_export_index(v)];
    if (*known != NULL) return *known;
    if (v->node->op == PGD_OP_CONSTANT) return *known = constant(e, v->node);
    if (v->node->op != PGD_OP_FILL && v->node->op != PGD_OP_IOTA && v->node->op != PGD_OP_DIM_SIZE && v->node->op != PGD_OP_BROADCAST) {
        pgd_export_fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: result %d of %s is wanted, and ONNX does not give it", v->output, pgd_op_name(v->node->op)));
        return "";
    }
    const char *x = pgd_export_thin(e, v);
    return *known = v->shape.rank == 0 ? x : expanded(e, x, v->shape);
}
