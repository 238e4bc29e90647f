/* SPDX-License-Identifier: Apache-2.0
 * A graph and its state as an ONNX model, opset 18. Operations that ONNX has are written as they are, the others by their expansion; parameters
 * become initializers under their names. Extents stay symbolic: named ones are dim_param of the inputs, and where an operator wants them as numbers they are
 * read from the shape of an input when the model runs. A number, an iota or a broadcast is written only where ONNX's own broadcasting does not do. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine_internal.h"
#include "onnx_wire.h"
#include "passes.h"

enum { OPSET = 18, IR_VERSION = 8, NAME_BYTES = 256 };
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_VERSION = 2 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4 };

typedef struct initializer {
    pgd_wire head;       /* TensorProto up to its contents */
    const void *contents;
    uint64_t bytes;
} initializer;

typedef struct exporter {
    const pgd_graph *g;
    const pgd_state *state;
    pgd_arena arena;        /* names, contents */
    pgd_wire nodes;         /* of GraphProto */
    initializer *initializers;
    int32_t initializer_count, initializer_capacity;
    const char **full;      /* per value: the tensor with all of its extents; NULL: not written yet */
    const char **thin;      /* per value: one that broadcasts to it */
    const char **dims;      /* per expression: an i64 [1] */
    int32_t fresh;          /* names given so far */
    pgd_status status;      /* the first failure */
} exporter;

static size_t index_of(const pgd_value *v) { return (size_t)v->node->id * PGD_MAX_OUTPUTS + (size_t)v->output; }

static void fail(exporter *e, pgd_status status) {
    if (e->status == PGD_OK) e->status = status;
}

static const char *keep_name(exporter *e, const char *name) {
    const char *copy = pgd_arena_strdup(&e->arena, name);
    if (copy == NULL) fail(e, pgd_fail_memory(strlen(name)));
    return copy != NULL ? copy : "";
}

static const char *fresh_name(exporter *e, const char *what) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s_%d", what, e->fresh++);
    return keep_name(e, name);
}

/* ---- nodes and initializers ------------------------------------------------------------------------------------------------------------------------- */

static void open_node(exporter *e, pgd_wire *node, const char *type, const char *const *inputs, int32_t input_count, const char *const *outputs, int32_t output_count) {
    char name[NAME_BYTES];
    *node = (pgd_wire){0};
    for (int32_t i = 0; i < input_count; i++) pgd_wire_string(node, NODE_INPUT, inputs[i]);
    for (int32_t i = 0; i < output_count; i++) pgd_wire_string(node, NODE_OUTPUT, outputs[i]);
    snprintf(name, sizeof name, "%s_%d", type, e->fresh++);
    pgd_wire_string(node, NODE_NAME, name);
    pgd_wire_string(node, NODE_TYPE, type);
}

static void close_node(exporter *e, pgd_wire *node) {
    pgd_wire_message(&e->nodes, GRAPH_NODE, node);
    pgd_wire_deinit(node);
}

/* A node of one result and no attributes. */
static const char *simple(exporter *e, const char *type, const char *const *inputs, int32_t count) {
    pgd_wire node;
    const char *out = fresh_name(e, type);
    open_node(e, &node, type, inputs, count, &out, 1);
    close_node(e, &node);
    return out;
}

static const char *with_int(exporter *e, const char *type, const char *input, const char *attribute, int64_t value) {
    pgd_wire node;
    const char *out = fresh_name(e, type);
    open_node(e, &node, type, &input, 1, &out, 1);
    pgd_onnx_int(&node, attribute, value);
    close_node(e, &node);
    return out;
}

/* contents stay the caller's and must outlive the exporter. */
static void add_initializer(exporter *e, const char *name, pgd_dtype dtype, const int64_t *dims, int32_t rank, const void *contents) {
    if (!pgd_grow(&e->initializers, &e->initializer_capacity, e->initializer_count, sizeof *e->initializers)) {
        fail(e, pgd_fail_memory(sizeof *e->initializers));
        return;
    }
    initializer *i = &e->initializers[e->initializer_count++];
    *i = (initializer){.contents = contents, .bytes = pgd_dtype_bytes(dtype)};
    for (int32_t d = 0; d < rank; d++) i->bytes *= (uint64_t)dims[d];
    pgd_onnx_tensor_head(&i->head, name, dtype, dims, rank, i->bytes);
}

static const char *integers(exporter *e, const int64_t *values, int32_t count) {
    int64_t *copy = pgd_arena_alloc(&e->arena, sizeof *copy * (size_t)(count + 1)), dims[1] = {count};
    const char *name = fresh_name(e, "shape");
    if (copy == NULL) {
        fail(e, pgd_fail_memory(sizeof *copy));
        return "";
    }
    memcpy(copy, values, sizeof *copy * (size_t)count);
    add_initializer(e, name, PGD_I64, dims, 1, copy);
    return name;
}

static const char *scalar(exporter *e, pgd_dtype dtype, double value) {
    void *copy = pgd_arena_alloc(&e->arena, 8);
    const char *name = fresh_name(e, "number");
    if (copy == NULL) {
        fail(e, pgd_fail_memory(8));
        return "";
    }
    pgd_tensor_set(&(pgd_tensor){dtype, {0}, copy}, 0, value);
    add_initializer(e, name, dtype, NULL, 0, copy);
    return name;
}

/* ---- extents ---------------------------------------------------------------------------------------------------------------------------------------- */

static const char *cast_to(exporter *e, const char *x, pgd_dtype dtype) { return with_int(e, "Cast", x, "to", pgd_onnx_dtype(dtype)); }

/* A symbol is the extent of the first input that has it. */
static const char *symbol_extent(exporter *e, pgd_dim dim) {
    const pgd_graph *g = e->g;
    for (int32_t i = 0; i < g->node_count; i++)
        for (int32_t d = 0; g->nodes[i]->op == PGD_OP_INPUT && d < g->nodes[i]->outputs[0].shape.rank; d++) {
            if (g->nodes[i]->outputs[0].shape.dims[d] != dim) continue;
            pgd_wire node;
            const char *out = fresh_name(e, "extent");
            open_node(e, &node, "Shape", &g->nodes[i]->name, 1, &out, 1);
            pgd_onnx_int(&node, "start", d);
            pgd_onnx_int(&node, "end", d + 1);
            close_node(e, &node);
            return out;
        }
    fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: no input shows the extent \"%s\"", g->symbols[g->exprs[-1 - dim].a].name));
    return "";
}

/* i64 [1] */
static const char *extent(exporter *e, pgd_dim dim) {
    if (dim >= 0) return integers(e, &dim, 1);
    const pgd_dim_expr *x = &e->g->exprs[-1 - dim];
    const char **known = &e->dims[-1 - dim];
    if (*known != NULL) return *known;
    if (x->kind == PGD_DIM_SYMBOL) return *known = symbol_extent(e, dim);
    int64_t offset = x->b;
    const char *parts[2] = {extent(e, x->a), x->kind == PGD_DIM_OFFSET ? integers(e, &offset, 1) : extent(e, x->b)};
    return *known = simple(e, x->kind == PGD_DIM_MUL ? "Mul" : x->kind == PGD_DIM_FLOORDIV ? "Div" : "Add", parts, 2);
}

/* i64 [count] */
static const char *extents(exporter *e, const pgd_dim *dims, int32_t count) {
    const char *parts[PGD_MAX_RANK];
    bool known = true;
    for (int32_t i = 0; i < count; i++) known = known && dims[i] >= 0;
    if (known) return integers(e, dims, count);
    for (int32_t i = 0; i < count; i++) parts[i] = extent(e, dims[i]);
    if (count == 1) return parts[0];
    pgd_wire node;
    const char *out = fresh_name(e, "shape");
    open_node(e, &node, "Concat", parts, count, &out, 1);
    pgd_onnx_int(&node, "axis", 0);
    close_node(e, &node);
    return out;
}

/* Of a reshape: one extent may be left for ONNX to find. */
static const char *reshape_extents(exporter *e, pgd_symshape shape) {
    int32_t unknown = 0, at = 0;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] < 0) unknown++, at = i;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] == 0) unknown = 2; /* -1 beside 0 has no answer, and 0 itself would mean "as before" */
    if (unknown != 1) return extents(e, shape.dims, shape.rank);
    shape.dims[at] = -1;
    return integers(e, shape.dims, shape.rank);
}

static const char *reshaped(exporter *e, const char *x, pgd_symshape shape) {
    pgd_wire node;
    const char *out = fresh_name(e, "Reshape"), *in[2] = {x, reshape_extents(e, shape)};
    open_node(e, &node, "Reshape", in, 2, &out, 1);
    pgd_onnx_int(&node, "allowzero", 1);
    close_node(e, &node);
    return out;
}

/* ---- values: thin ones broadcast to what is meant --------------------------------------------------------------------------------------------------------- */

static const char *full(exporter *e, const pgd_value *v);

/* Index along one axis, shaped so that it broadcasts. */
static const char *thin_iota(exporter *e, const pgd_node *node) {
    pgd_dtype dtype = node->outputs[0].dtype;
    pgd_symshape along = {.rank = node->outputs[0].shape.rank};
    int64_t axis = node->attrs.ints[1];
    for (int32_t i = 0; i < along.rank; i++) along.dims[i] = i == axis ? node->outputs[0].shape.dims[i] : 1;
    const char *count = reshaped(e, extent(e, along.dims[axis]), (pgd_symshape){0}), *in[3] = {scalar(e, PGD_I64, 0), count, scalar(e, PGD_I64, 1)};
    return reshaped(e, cast_to(e, simple(e, "Range", in, 3), dtype), along);
}

static const char *product_of_extents(exporter *e, const pgd_node *node) {
    const char *product = integers(e, &(int64_t){1}, 1);
    for (int32_t i = 0; i < node->attrs.dims.rank; i++) product = simple(e, "Mul", (const char *[]){product, extent(e, node->attrs.dims.dims[i])}, 2);
    return reshaped(e, cast_to(e, product, node->outputs[0].dtype), (pgd_symshape){0});
}

static const char *thin(exporter *e, const pgd_value *v) {
    const pgd_node *node = v->node;
    const char **known = &e->thin[index_of(v)];
    if (*known != NULL) return *known;
    if (e->full[index_of(v)] != NULL) return e->full[index_of(v)];
    switch (node->op) {
    case PGD_OP_FILL: return *known = scalar(e, v->dtype, node->attrs.floats[0]);
    case PGD_OP_IOTA: return *known = thin_iota(e, node);
    case PGD_OP_DIM_SIZE: return *known = product_of_extents(e, node);
    case PGD_OP_BROADCAST: return *known = thin(e, node->inputs[0]);
    default: return full(e, v);
    }
}

/* The extents that a thin tensor really has. */
static pgd_symshape thin_shape(const pgd_value *v) {
    pgd_symshape shape = v->shape;
    if (v->node->op == PGD_OP_FILL || v->node->op == PGD_OP_DIM_SIZE)
        for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = 1;
    if (v->node->op == PGD_OP_IOTA)
        for (int32_t i = 0; i < shape.rank; i++) shape.dims[i] = i == v->node->attrs.ints[1] ? shape.dims[i] : 1;
    if (v->node->op == PGD_OP_BROADCAST) return thin_shape(v->node->inputs[0]);
    return shape;
}

static const char *expanded(exporter *e, const char *x, pgd_symshape shape) {
    const char *in[2] = {x, extents(e, shape.dims, shape.rank)};
    return simple(e, "Expand", in, 2);
}

static const char *constant(exporter *e, const pgd_node *node) {
    int64_t dims[PGD_MAX_RANK];
    const char *name = fresh_name(e, "constant");
    for (int32_t i = 0; i < node->outputs[0].shape.rank; i++) dims[i] = node->outputs[0].shape.dims[i];
    add_initializer(e, name, node->outputs[0].dtype, dims, node->outputs[0].shape.rank, node->bytes);
    return name;
}

static const char *full(exporter *e, const pgd_value *v) {
    const char **known = &e->full[index_of(v)];
    if (*known != NULL) return *known;
    if (v->node->op == PGD_OP_CONSTANT) return *known = constant(e, v->node);
    if (v->node->op != PGD_OP_FILL && v->node->op != PGD_OP_IOTA && v->node->op != PGD_OP_DIM_SIZE && v->node->op != PGD_OP_BROADCAST) {
        fail(e, pgd_fail(PGD_INTERNAL, "ONNX export: %s is used before it is written", pgd_op_name(v->node->op)));
        return "";
    }
    const char *x = thin(e, v);
    return *known = v->shape.rank == 0 ? x : expanded(e, x, v->shape);
}

/* ---- operations ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Elementwise ones under ONNX's own names. */
static const char *elementwise_type(pgd_op op) {
    static const char *const names[PGD_OP_COUNT] = {
        [PGD_OP_NEG] = "Neg", [PGD_OP_ABS] = "Abs", [PGD_OP_SIGN] = "Sign", [PGD_OP_FLOOR] = "Floor", [PGD_OP_CEIL] = "Ceil", [PGD_OP_SQRT] = "Sqrt", [PGD_OP_RECIP] = "Reciprocal", [PGD_OP_EXP] = "Exp", [PGD_OP_LOG] = "Log",
        [PGD_OP_SIN] = "Sin", [PGD_OP_COS] = "Cos", [PGD_OP_TANH] = "Tanh", [PGD_OP_SIGMOID] = "Sigmoid", [PGD_OP_ERF] = "Erf", [PGD_OP_RELU] = "Relu", [PGD_OP_NOT] = "Not", [PGD_OP_ADD] = "Add", [PGD_OP_SUB] = "Sub",
        [PGD_OP_MUL] = "Mul", [PGD_OP_DIV] = "Div", [PGD_OP_POW] = "Pow", [PGD_OP_MIN] = "Min", [PGD_OP_MAX] = "Max", [PGD_OP_EQ] = "Equal", [PGD_OP_LT] = "Less", [PGD_OP_LE] = "LessOrEqual", [PGD_OP_AND] = "And", [PGD_OP_OR] = "Or",
        [PGD_OP_WHERE] = "Where", [PGD_OP_ROUND] = "Round", [PGD_OP_TAN] = "Tan", [PGD_OP_ASIN] = "Asin", [PGD_OP_ACOS] = "Acos", [PGD_OP_ATAN] = "Atan", [PGD_OP_ISNAN] = "IsNaN", [PGD_OP_ISINF] = "IsInf", [PGD_OP_XOR] = "Xor"};
    return names[op];
}

/* Would thin operands broadcast to the whole result? */
static bool thin_will_do(const pgd_node *node) {
    pgd_symshape result = node->outputs[0].shape;
    for (int32_t d = 0; d < result.rank; d++) {
        bool reached = result.dims[d] == 1;
        for (int32_t i = 0; i < node->input_count; i++) {
            pgd_symshape s = thin_shape(node->inputs[i]);
            reached = reached || (s.rank == result.rank && s.dims[d] == result.dims[d]);
        }
        if (!reached) return false;
    }
    return true;
}

/* x/2 (1 + erf(x/sqrt 2)): Gelu itself came with opset 20. */
static const char *gelu(exporter *e, const char *x, pgd_dtype dtype) {
    const char *scaled = simple(e, "Mul", (const char *[]){x, scalar(e, dtype, sqrt(0.5))}, 2), *half = simple(e, "Mul", (const char *[]){x, scalar(e, dtype, 0.5)}, 2);
    const char *erf = simple(e, "Erf", &scaled, 1), *part = simple(e, "Add", (const char *[]){erf, scalar(e, dtype, 1)}, 2);
    return simple(e, "Mul", (const char *[]){half, part}, 2);
}

static const char *elementwise(exporter *e, const pgd_node *node) {
    const char *in[3];
    bool thinly = thin_will_do(node);
    for (int32_t i = 0; i < node->input_count; i++) in[i] = thinly ? thin(e, node->inputs[i]) : full(e, node->inputs[i]);
    if (node->op == PGD_OP_CAST) return cast_to(e, in[0], node->outputs[0].dtype);
    if (node->op == PGD_OP_GELU) return gelu(e, in[0], node->outputs[0].dtype);
    if (node->op == PGD_OP_RSQRT) return simple(e, "Reciprocal", (const char *[]){simple(e, "Sqrt", in, 1)}, 1);
    return simple(e, elementwise_type(node->op), in, node->input_count);
}

static const char *reduction(exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    int64_t axes[PGD_MAX_RANK];
    int32_t count = 0;
    for (int32_t i = 0; i < node->inputs[0]->shape.rank; i++)
        if ((node->attrs.ints[0] >> i & 1) != 0) axes[count++] = i;
    if (count == 0) return full(e, node->inputs[0]);
    const char *out = fresh_name(e, type), *in[2] = {full(e, node->inputs[0]), integers(e, axes, count)};
    open_node(e, &wire, type, in, 2, &out, 1);
    pgd_onnx_int(&wire, "keepdims", 1);
    close_node(e, &wire);
    return out;
}

static const char *argument(exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    int64_t axis = 0;
    while ((node->attrs.ints[0] >> axis & 1) == 0) axis++;
    const char *out = fresh_name(e, type), *in = full(e, node->inputs[0]);
    open_node(e, &wire, type, &in, 1, &out, 1);
    pgd_onnx_int(&wire, "axis", axis);
    pgd_onnx_int(&wire, "keepdims", 1);
    close_node(e, &wire);
    return cast_to(e, out, PGD_I32);
}

static const char *permuted(exporter *e, const char *x, const int64_t *permutation, int32_t rank) {
    pgd_wire wire;
    const char *out = fresh_name(e, "Transpose");
    open_node(e, &wire, "Transpose", &x, 1, &out, 1);
    pgd_onnx_ints(&wire, "perm", permutation, rank);
    close_node(e, &wire);
    return out;
}

static const char *with_last_axes_swapped(exporter *e, const char *x, int32_t rank) {
    int64_t permutation[PGD_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) permutation[i] = i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2;
    return permuted(e, x, permutation, rank);
}

static const char *matmul(exporter *e, const pgd_node *node) {
    pgd_wire wire;
    bool ta = node->attrs.ints[0] != 0, tb = node->attrs.ints[1] != 0;
    int32_t rank = node->inputs[0]->shape.rank;
    const char *in[2] = {full(e, node->inputs[0]), full(e, node->inputs[1])};
    if (rank == 2) {
        const char *out = fresh_name(e, "Gemm");
        open_node(e, &wire, "Gemm", in, 2, &out, 1);
        pgd_onnx_int(&wire, "transA", ta);
        pgd_onnx_int(&wire, "transB", tb);
        close_node(e, &wire);
        return out;
    }
    if (ta) in[0] = with_last_axes_swapped(e, in[0], rank);
    if (tb) in[1] = with_last_axes_swapped(e, in[1], rank);
    return simple(e, "MatMul", in, 2);
}

static const char *slice(exporter *e, const pgd_node *node) {
    const pgd_dim *d = node->attrs.dims.dims;
    const char *start = extent(e, d[0]), *end = simple(e, "Add", (const char *[]){start, extent(e, d[1])}, 2);
    if (d[0] >= 0 && d[1] >= 0) end = integers(e, &(int64_t){d[0] + d[1]}, 1);
    return simple(e, "Slice", (const char *[]){full(e, node->inputs[0]), start, end, integers(e, node->attrs.ints, 1)}, 4);
}

static const char *pad(exporter *e, const pgd_node *node) {
    const char *in[4] = {full(e, node->inputs[0]), extents(e, node->attrs.dims.dims, 2), scalar(e, node->outputs[0].dtype, node->attrs.floats[0]), integers(e, node->attrs.ints, 1)};
    return simple(e, "Pad", in, 4);
}

static const char *concat(exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[PGD_MAX_INPUTS], *out = fresh_name(e, "Concat");
    for (int32_t i = 0; i < node->input_count; i++) in[i] = full(e, node->inputs[i]);
    open_node(e, &wire, "Concat", in, node->input_count, &out, 1);
    pgd_onnx_int(&wire, "axis", node->attrs.ints[0]);
    close_node(e, &wire);
    return out;
}

static const char *conv(exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const char *in[2] = {full(e, node->inputs[0]), full(e, node->inputs[1])}, *out = fresh_name(e, "Conv");
    open_node(e, &wire, "Conv", in, 2, &out, 1);
    pgd_onnx_ints(&wire, "strides", o, 2);
    pgd_onnx_ints(&wire, "pads", o + 2, 4);
    pgd_onnx_ints(&wire, "dilations", o + 6, 2);
    pgd_onnx_int(&wire, "group", o[8]);
    close_node(e, &wire);
    return out;
}

static const char *pool(exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const char *in = full(e, node->inputs[0]), *out = fresh_name(e, type);
    open_node(e, &wire, type, &in, 1, &out, 1);
    pgd_onnx_ints(&wire, "kernel_shape", o, 2);
    pgd_onnx_ints(&wire, "strides", o + 2, 2);
    pgd_onnx_ints(&wire, "pads", o + 4, 4);
    close_node(e, &wire);
    return out;
}

static void layer_norm(exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[3] = {full(e, node->inputs[0]), full(e, node->inputs[1]), full(e, node->inputs[2])}, *out[3];
    for (int32_t k = 0; k < 3; k++) out[k] = e->full[index_of(&node->outputs[k])] = fresh_name(e, "LayerNormalization");
    open_node(e, &wire, "LayerNormalization", in, 3, out, 3);
    pgd_onnx_float(&wire, "epsilon", node->attrs.floats[0]);
    close_node(e, &wire);
}

/* The expansions of everything that has no ONNX operator of its own. */
static bool expands(const pgd_node *node) {
    switch (node->op) {
    case PGD_OP_MOMENTS:
    case PGD_OP_BATCH_NORM:
    case PGD_OP_SOFTMAX_XENT:
    case PGD_OP_RMS_NORM:
    case PGD_OP_ATTENTION: return true;
    default: return false;
    }
}

static const char *single_result(exporter *e, const pgd_node *node) {
    if (elementwise_type(node->op) != NULL || node->op == PGD_OP_CAST || node->op == PGD_OP_RSQRT || node->op == PGD_OP_GELU) return elementwise(e, node);
    switch (node->op) {
    case PGD_OP_SUM: return reduction(e, node, "ReduceSum");
    case PGD_OP_MEAN: return reduction(e, node, "ReduceMean");
    case PGD_OP_REDUCE_MAX: return reduction(e, node, "ReduceMax");
    case PGD_OP_REDUCE_MIN: return reduction(e, node, "ReduceMin");
    case PGD_OP_PROD: return reduction(e, node, "ReduceProd");
    case PGD_OP_ARGMAX: return argument(e, node, "ArgMax");
    case PGD_OP_ARGMIN: return argument(e, node, "ArgMin");
    case PGD_OP_BARRIER: return full(e, node->inputs[0]);
    case PGD_OP_RESHAPE: return reshaped(e, full(e, node->inputs[0]), node->outputs[0].shape);
    case PGD_OP_TRANSPOSE: return permuted(e, full(e, node->inputs[0]), node->attrs.ints, node->inputs[0]->shape.rank);
    case PGD_OP_SLICE: return slice(e, node);
    case PGD_OP_PAD: return pad(e, node);
    case PGD_OP_CONCAT: return concat(e, node);
    case PGD_OP_MATMUL: return matmul(e, node);
    case PGD_OP_CONV: return conv(e, node);
    case PGD_OP_MAX_POOL: return pool(e, node, "MaxPool");
    case PGD_OP_AVG_POOL: return pool(e, node, "AveragePool");
    case PGD_OP_SOFTMAX: return with_int(e, "Softmax", full(e, node->inputs[0]), "axis", -1);
    case PGD_OP_LOG_SOFTMAX: return with_int(e, "LogSoftmax", full(e, node->inputs[0]), "axis", -1);
    case PGD_OP_GATHER: {
        pgd_wire wire;
        const char *in[2] = {full(e, node->inputs[0]), full(e, node->inputs[1])}, *out = fresh_name(e, "Gather");
        open_node(e, &wire, "Gather", in, 2, &out, 1);
        pgd_onnx_int(&wire, "axis", node->attrs.ints[0]);
        close_node(e, &wire);
        return out;
    }
    default: break;
    }
    fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: %s cannot be written; export the graph of inference, without caches, gradients and random numbers", pgd_op_name(node->op)));
    return "";
}

/* ---- leaves, inputs, outputs ------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status add_param(exporter *e, const pgd_node *node) {
    const pgd_value *v = &node->outputs[0];
    pgd_dtype dtype;
    pgd_shape shape;
    int32_t at = e->state == NULL ? -1 : pgd_state_find(e->state, node->name);
    if (at < 0) return pgd_fail(PGD_BAD_ARG, "ONNX export: the state has no tensor \"%s\"", node->name);
    PGD_TRY(pgd_state_at(e->state, at, NULL, &dtype, &shape));
    if (dtype != v->dtype || !pgd_symshape_equal(pgd_symshape_from(shape), v->shape)) return pgd_fail(PGD_BAD_ARG, "ONNX export: tensor \"%s\" of the state has another dtype or shape than the graph wants", node->name);
    size_t bytes = (size_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
    void *contents = pgd_arena_alloc(&e->arena, bytes + 1);
    if (contents == NULL) return pgd_fail_memory(bytes);
    PGD_TRY(pgd_state_get(e->state, node->name, contents, bytes));
    e->full[index_of(v)] = keep_name(e, node->name);
    add_initializer(e, node->name, dtype, shape.dims, shape.rank, contents);
    return PGD_OK;
}

/* ValueInfoProto */
static void add_value_info(exporter *e, pgd_wire *graph, int32_t field, const char *name, const pgd_value *v) {
    enum { NAME = 1, TYPE = 2, TENSOR_TYPE = 1, ELEM_TYPE = 1, SHAPE = 2, DIM = 1, DIM_VALUE = 1, DIM_PARAM = 2 };
    pgd_wire info = {0}, type = {0}, tensor = {0}, shape = {0};
    for (int32_t i = 0; i < v->shape.rank; i++) {
        pgd_wire dim = {0};
        pgd_text text = {0};
        if (v->shape.dims[i] >= 0)
            pgd_wire_varint(&dim, DIM_VALUE, v->shape.dims[i]);
        else {
            pgd_dim_print(e->g, v->shape.dims[i], &text);
            if (text.failed || text.chars == NULL)
                dim.failed = true;
            else
                pgd_wire_bytes(&dim, DIM_PARAM, text.chars, text.count);
            pgd_mem_free(text.chars);
        }
        pgd_wire_message(&shape, DIM, &dim);
        pgd_wire_deinit(&dim);
    }
    pgd_wire_varint(&tensor, ELEM_TYPE, pgd_onnx_dtype(v->dtype));
    pgd_wire_message(&tensor, SHAPE, &shape);
    pgd_wire_message(&type, TENSOR_TYPE, &tensor);
    pgd_wire_string(&info, NAME, name);
    pgd_wire_message(&info, TYPE, &type);
    pgd_wire_message(graph, field, &info);
    pgd_wire_deinit(&shape);
    pgd_wire_deinit(&tensor);
    pgd_wire_deinit(&type);
    pgd_wire_deinit(&info);
}

static pgd_status write_nodes(exporter *e) {
    const pgd_graph *g = e->g;
    for (int32_t i = 0; i < g->node_count && e->status == PGD_OK; i++) {
        const pgd_node *node = g->nodes[i];
        if (node->op == PGD_OP_INPUT) e->full[index_of(&node->outputs[0])] = node->name;
        if (node->op == PGD_OP_PARAM) PGD_TRY(add_param(e, node));
        if ((pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0 || node->op == PGD_OP_FILL || node->op == PGD_OP_IOTA || node->op == PGD_OP_DIM_SIZE || node->op == PGD_OP_BROADCAST) continue; /* when somebody wants them */
        if (node->op == PGD_OP_LAYER_NORM)
            layer_norm(e, node);
        else
            e->full[index_of(&node->outputs[0])] = single_result(e, node);
    }
    return e->status;
}

/* Outputs have names of their own, whatever their value is called inside. */
static pgd_status write_outputs(exporter *e, pgd_wire *graph) {
    for (int32_t i = 0; i < e->g->output_count && e->status == PGD_OK; i++) {
        pgd_wire node;
        const char *in = full(e, e->g->outputs[i].value), *out = e->g->outputs[i].name;
        open_node(e, &node, "Identity", &in, 1, &out, 1);
        close_node(e, &node);
        add_value_info(e, graph, GRAPH_OUTPUT, out, e->g->outputs[i].value);
    }
    return e->status;
}

/* ---- the file ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status write_file(exporter *e, pgd_wire *graph, const char *path, const pgd_progress *progress) {
    pgd_wire model = {0}, opset = {0}, *heads = pgd_arena_alloc(&e->arena, sizeof *heads * (size_t)(e->initializer_count + 1));
    pgd_piece *pieces = pgd_arena_alloc(&e->arena, sizeof *pieces * (size_t)(3 * e->initializer_count + 3));
    uint64_t graph_bytes = e->nodes.count + graph->count;
    int32_t count = 0;
    bool failed = heads == NULL || pieces == NULL || graph->failed || e->nodes.failed;
    for (int32_t i = 0; i < e->initializer_count && !failed; i++) {
        const initializer *t = &e->initializers[i];
        pgd_wire_head(&heads[i], GRAPH_INITIALIZER, t->head.count + t->bytes);
        graph_bytes += heads[i].count + t->head.count + t->bytes;
        failed = heads[i].failed || t->head.failed;
    }
    pgd_wire_varint(&opset, OPSET_VERSION, OPSET);
    pgd_wire_varint(&model, MODEL_IR_VERSION, IR_VERSION);
    pgd_wire_string(&model, MODEL_PRODUCER, "pagoda");
    pgd_wire_string(&model, MODEL_PRODUCER_VERSION, pgd_version());
    pgd_wire_message(&model, MODEL_OPSET, &opset);
    pgd_wire_head(&model, MODEL_GRAPH, graph_bytes);
    pgd_status status = failed || model.failed ? pgd_fail_memory(model.count + graph->count) : PGD_OK;
    if (status == PGD_OK && graph_bytes >= UINT64_C(1) << 31) status = pgd_fail(PGD_UNSUPPORTED, "ONNX export: %llu bytes of model; a protobuf file holds less than 2 GiB", (unsigned long long)graph_bytes);
    if (status == PGD_OK) {
        pieces[count++] = (pgd_piece){model.bytes, model.count};
        pieces[count++] = (pgd_piece){graph->bytes, graph->count};
        pieces[count++] = (pgd_piece){e->nodes.bytes, e->nodes.count};
        for (int32_t i = 0; i < e->initializer_count; i++) {
            pieces[count++] = (pgd_piece){heads[i].bytes, heads[i].count};
            pieces[count++] = (pgd_piece){e->initializers[i].head.bytes, e->initializers[i].head.count};
            pieces[count++] = (pgd_piece){e->initializers[i].contents, (size_t)e->initializers[i].bytes};
        }
        status = pgd_file_write_atomic(path, pieces, count, progress);
    }
    for (int32_t i = 0; heads != NULL && i < e->initializer_count; i++) pgd_wire_deinit(&heads[i]);
    pgd_wire_deinit(&opset);
    pgd_wire_deinit(&model);
    return status;
}

static pgd_status write_model(exporter *e, const char *path, const pgd_progress *progress) {
    const pgd_graph *g = e->g;
    pgd_wire graph = {0};
    size_t values = ((size_t)g->node_count + 1) * PGD_MAX_OUTPUTS;
    e->full = pgd_arena_alloc(&e->arena, sizeof *e->full * values);
    e->thin = pgd_arena_alloc(&e->arena, sizeof *e->thin * values);
    e->dims = pgd_arena_alloc(&e->arena, sizeof *e->dims * (size_t)(g->expr_count + 1));
    if (e->full == NULL || e->thin == NULL || e->dims == NULL) return pgd_fail_memory(sizeof *e->full * values);
    pgd_wire_string(&graph, GRAPH_NAME, "pagoda");
    for (int32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i]->op == PGD_OP_INPUT) add_value_info(e, &graph, GRAPH_INPUT, g->nodes[i]->name, &g->nodes[i]->outputs[0]);
    pgd_status status = write_nodes(e);
    if (status == PGD_OK) status = write_outputs(e, &graph);
    if (status == PGD_OK) status = write_file(e, &graph, path, progress);
    pgd_wire_deinit(&graph);
    return status;
}

pgd_status pgd_onnx_save(const pgd_graph *graph, const pgd_state *state, const char *path, const pgd_progress *progress) {
    pgd_graph *prepared;
    PGD_NEED(graph, path);
    PGD_TRY(pgd_graph_status(graph));
    if (graph->output_count == 0) return pgd_fail(PGD_BAD_ARG, "ONNX export: the graph has no outputs; name one with pgd_output");
    if (graph->update_count > 0) return pgd_fail(PGD_UNSUPPORTED, "ONNX export: the graph updates the state tensor \"%s\", and an ONNX model has no state; export the graph of inference", graph->updates[0].name);
    PGD_TRY(pgd_pass_simplify(graph, expands, &prepared));
    exporter e = {.g = prepared, .state = state};
    pgd_status status = write_model(&e, path, progress);
    for (int32_t i = 0; i < e.initializer_count; i++) pgd_wire_deinit(&e.initializers[i].head);
    pgd_mem_free(e.initializers);
    pgd_wire_deinit(&e.nodes);
    pgd_arena_deinit(&e.arena);
    pgd_graph_destroy(prepared);
    return status;
}
