/* SPDX-License-Identifier: Apache-2.0
 * How each operation is written in ONNX, opset 18: those that ONNX has as they are, the others by their expansion. */
#include <math.h>
#include <string.h>

#include "onnx_exporter.h"

/* ---- operations ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Elementwise ones under ONNX's own names. */
static const char *elementwise_type(pgd_op op) {
    static const char *const names[PGD_OP_COUNT] = {
        [PGD_OP_NEG] = "Neg", [PGD_OP_ABS] = "Abs", [PGD_OP_SIGN] = "Sign", [PGD_OP_FLOOR] = "Floor", [PGD_OP_CEIL] = "Ceil", [PGD_OP_SQRT] = "Sqrt", [PGD_OP_RECIP] = "Reciprocal", [PGD_OP_EXP] = "Exp", [PGD_OP_LOG] = "Log",
        [PGD_OP_SIN] = "Sin", [PGD_OP_COS] = "Cos", [PGD_OP_TANH] = "Tanh", [PGD_OP_SIGMOID] = "Sigmoid", [PGD_OP_ERF] = "Erf", [PGD_OP_RELU] = "Relu", [PGD_OP_NOT] = "Not", [PGD_OP_ADD] = "Add", [PGD_OP_SUB] = "Sub",
        [PGD_OP_MUL] = "Mul", [PGD_OP_DIV] = "Div", [PGD_OP_POW] = "Pow", [PGD_OP_MIN] = "Min", [PGD_OP_MAX] = "Max", [PGD_OP_EQ] = "Equal", [PGD_OP_LT] = "Less", [PGD_OP_LE] = "LessOrEqual", [PGD_OP_AND] = "And", [PGD_OP_OR] = "Or",
        [PGD_OP_WHERE] = "Where", [PGD_OP_ROUND] = "Round", [PGD_OP_TAN] = "Tan", [PGD_OP_ASIN] = "Asin", [PGD_OP_ACOS] = "Acos", [PGD_OP_ATAN] = "Atan", [PGD_OP_ISNAN] = "IsNaN", [PGD_OP_ISINF] = "IsInf", [PGD_OP_XOR] = "Xor",
        /* composed below */
        [PGD_OP_CAST] = "Cast", [PGD_OP_GELU] = "Gelu", [PGD_OP_GELU_SLOPE] = "GeluSlope", [PGD_OP_RSQRT] = "Rsqrt", [PGD_OP_EXPM1] = "Expm1", [PGD_OP_LOG1P] = "Log1p", [PGD_OP_TRUNC] = "Trunc", [PGD_OP_MOD] = "Mod"};
    return names[op];
}

/* Would thin operands broadcast to the whole result? */
static bool thin_will_do(const pgd_node *node) {
    pgd_symshape result = node->outputs[0].shape;
    for (int32_t d = 0; d < result.rank; d++) {
        bool reached = result.dims[d] == 1;
        for (int32_t i = 0; i < node->input_count; i++) {
            pgd_symshape s = pgd_export_thin_shape(node->inputs[i]);
            reached = reached || (s.rank == result.rank && s.dims[d] == result.dims[d]);
        }
        if (!reached) return false;
    }
    return true;
}

static const char *binary(pgd_exporter *e, const char *type, const char *a, const char *b) { return pgd_export_node(e, type, (const char *[]){a, b}, 2); }
static const char *times(pgd_exporter *e, pgd_dtype dtype, const char *x, double factor) { return binary(e, "Mul", x, pgd_export_scalar(e, dtype, factor)); }

/* Phi(x) = (1 + erf(x/sqrt 2)) / 2 */
static const char *normal_below(pgd_exporter *e, const char *x, pgd_dtype dtype) {
    const char *scaled = times(e, dtype, x, sqrt(0.5)), *erf = pgd_export_node(e, "Erf", &scaled, 1);
    return times(e, dtype, binary(e, "Add", erf, pgd_export_scalar(e, dtype, 1)), 0.5);
}

/* x Phi(x): Gelu itself came with opset 20. */
static const char *gelu(pgd_exporter *e, const char *x, pgd_dtype dtype) { return binary(e, "Mul", x, normal_below(e, x, dtype)); }

/* Phi(x) + x phi(x) */
static const char *gelu_slope(pgd_exporter *e, const char *x, pgd_dtype dtype) {
    const char *exponent = times(e, dtype, binary(e, "Mul", x, x), -0.5), *density = times(e, dtype, pgd_export_node(e, "Exp", &exponent, 1), 1 / sqrt(2 * 3.14159265358979323846));
    return binary(e, "Add", normal_below(e, x, dtype), binary(e, "Mul", x, density));
}

/* a - b floor(a/b); of integers that is Mod itself. */
static const char *modulo(pgd_exporter *e, pgd_dtype dtype, const char *a, const char *b) {
    if (!pgd_is_float(dtype)) return binary(e, "Mod", a, b);
    return binary(e, "Sub", a, binary(e, "Mul", b, pgd_export_node(e, "Floor", (const char *[]){binary(e, "Div", a, b)}, 1)));
}

static const char *elementwise(pgd_exporter *e, const pgd_node *node) {
    const char *in[3];
    pgd_dtype dtype = node->outputs[0].dtype;
    bool thinly = thin_will_do(node);
    for (int32_t i = 0; i < node->input_count; i++) in[i] = thinly ? pgd_export_thin(e, node->inputs[i]) : pgd_export_full(e, node->inputs[i]);
    switch (node->op) {
    case PGD_OP_CAST: return pgd_export_cast(e, in[0], dtype);
    case PGD_OP_GELU: return gelu(e, in[0], dtype);
    case PGD_OP_GELU_SLOPE: return gelu_slope(e, in[0], dtype);
    case PGD_OP_RSQRT: return pgd_export_node(e, "Reciprocal", (const char *[]){pgd_export_node(e, "Sqrt", in, 1)}, 1);
    case PGD_OP_EXPM1: return binary(e, "Sub", pgd_export_node(e, "Exp", in, 1), pgd_export_scalar(e, dtype, 1));
    case PGD_OP_LOG1P: return pgd_export_node(e, "Log", (const char *[]){binary(e, "Add", in[0], pgd_export_scalar(e, dtype, 1))}, 1);
    case PGD_OP_TRUNC: return binary(e, "Mul", pgd_export_node(e, "Sign", in, 1), pgd_export_node(e, "Floor", (const char *[]){pgd_export_node(e, "Abs", in, 1)}, 1));
    case PGD_OP_MOD: return modulo(e, dtype, in[0], in[1]);
    default: return pgd_export_node(e, elementwise_type(node->op), in, node->input_count);
    }
}

static const char *reduction(pgd_exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    int64_t axes[PGD_MAX_RANK];
    int32_t count = 0;
    for (int32_t i = 0; i < node->inputs[0]->shape.rank; i++)
        if ((node->attrs.ints[0] >> i & 1) != 0) axes[count++] = i;
    if (count == 0) return pgd_export_full(e, node->inputs[0]);
    const char *out = pgd_export_fresh(e, type), *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_integers(e, axes, count)};
    pgd_export_open(e, &wire, type, in, 2, &out, 1);
    pgd_onnx_int(&wire, "keepdims", 1);
    pgd_export_close(e, &wire);
    return out;
}

static const char *argument(pgd_exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    int64_t axis = 0;
    while ((node->attrs.ints[0] >> axis & 1) == 0) axis++;
    const char *out = pgd_export_fresh(e, type), *in = pgd_export_full(e, node->inputs[0]);
    pgd_export_open(e, &wire, type, &in, 1, &out, 1);
    pgd_onnx_int(&wire, "axis", axis);
    pgd_onnx_int(&wire, "keepdims", 1);
    pgd_export_close(e, &wire);
    return pgd_export_cast(e, out, PGD_I32);
}

static const char *permuted(pgd_exporter *e, const char *x, const int64_t *permutation, int32_t rank) {
    pgd_wire wire;
    const char *out = pgd_export_fresh(e, "Transpose");
    pgd_export_open(e, &wire, "Transpose", &x, 1, &out, 1);
    pgd_onnx_ints(&wire, "perm", permutation, rank);
    pgd_export_close(e, &wire);
    return out;
}

static const char *with_last_axes_swapped(pgd_exporter *e, const char *x, int32_t rank) {
    int64_t permutation[PGD_MAX_RANK];
    for (int32_t i = 0; i < rank; i++) permutation[i] = i < rank - 2 ? i : i == rank - 2 ? rank - 1 : rank - 2;
    return permuted(e, x, permutation, rank);
}

static const char *matmul(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    bool ta = node->attrs.ints[0] != 0, tb = node->attrs.ints[1] != 0;
    int32_t rank = node->inputs[0]->shape.rank;
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_full(e, node->inputs[1])};
    if (rank == 2) {
        const char *out = pgd_export_fresh(e, "Gemm");
        pgd_export_open(e, &wire, "Gemm", in, 2, &out, 1);
        pgd_onnx_int(&wire, "transA", ta);
        pgd_onnx_int(&wire, "transB", tb);
        pgd_export_close(e, &wire);
        return out;
    }
    if (ta) in[0] = with_last_axes_swapped(e, in[0], rank);
    if (tb) in[1] = with_last_axes_swapped(e, in[1], rank);
    return pgd_export_node(e, "MatMul", in, 2);
}

static const char *slice(pgd_exporter *e, const pgd_node *node) {
    const pgd_dim *d = node->attrs.dims.dims;
    const char *start = pgd_export_extent(e, d[0]), *end = pgd_export_node(e, "Add", (const char *[]){start, pgd_export_extent(e, d[1])}, 2);
    if (d[0] >= 0 && d[1] >= 0) end = pgd_export_integers(e, &(int64_t){d[0] + d[1]}, 1);
    return pgd_export_node(e, "Slice", (const char *[]){pgd_export_full(e, node->inputs[0]), start, end, pgd_export_integers(e, node->attrs.ints, 1)}, 4);
}

static const char *pad(pgd_exporter *e, const pgd_node *node) {
    const char *in[4] = {pgd_export_full(e, node->inputs[0]), pgd_export_extents(e, node->attrs.dims.dims, 2), pgd_export_scalar(e, node->outputs[0].dtype, node->attrs.floats[0]), pgd_export_integers(e, node->attrs.ints, 1)};
    return pgd_export_node(e, "Pad", in, 4);
}

static const char *concat(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[PGD_MAX_INPUTS], *out = pgd_export_fresh(e, "Concat");
    for (int32_t i = 0; i < node->input_count; i++) in[i] = pgd_export_full(e, node->inputs[i]);
    pgd_export_open(e, &wire, "Concat", in, node->input_count, &out, 1);
    pgd_onnx_int(&wire, "axis", node->attrs.ints[0]);
    pgd_export_close(e, &wire);
    return out;
}

static const char *conv(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_full(e, node->inputs[1])}, *out = pgd_export_fresh(e, "Conv");
    pgd_export_open(e, &wire, "Conv", in, 2, &out, 1);
    pgd_onnx_ints(&wire, "strides", o, 2);
    pgd_onnx_ints(&wire, "pads", o + 2, 4);
    pgd_onnx_ints(&wire, "dilations", o + 6, 2);
    pgd_onnx_int(&wire, "group", o[8]);
    pgd_export_close(e, &wire);
    return out;
}

static const char *pool(pgd_exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const char *in = pgd_export_full(e, node->inputs[0]), *out = pgd_export_fresh(e, type);
    pgd_export_open(e, &wire, type, &in, 1, &out, 1);
    pgd_onnx_ints(&wire, "kernel_shape", o, 2);
    pgd_onnx_ints(&wire, "strides", o + 2, 2);
    pgd_onnx_ints(&wire, "pads", o + 4, 4);
    pgd_export_close(e, &wire);
    return out;
}

/* One axis is what is said of it. */
static const char *along(pgd_exporter *e, const pgd_node *node, const char *type) {
    pgd_wire wire;
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_full(e, node->inputs[1])}, *out = pgd_export_fresh(e, type);
    pgd_export_open(e, &wire, type, in, 2, &out, 1);
    pgd_onnx_int(&wire, "axis", node->attrs.ints[0]);
    pgd_export_close(e, &wire);
    return out;
}

static const char *gather_nd(pgd_exporter *e, const pgd_node *node) { return binary(e, "GatherND", pgd_export_full(e, node->inputs[0]), pgd_export_cast(e, pgd_export_full(e, node->inputs[1]), PGD_I64)); }

static const char *scatter(pgd_exporter *e, const pgd_node *node) {
    static const char *const modes[] = {[PGD_SCATTER_SET] = "none", [PGD_SCATTER_ADD] = "add", [PGD_SCATTER_MIN] = "min", [PGD_SCATTER_MAX] = "max"};
    pgd_wire wire;
    bool elements = node->op == PGD_OP_SCATTER_ELEMENTS;
    const char *type = elements ? "ScatterElements" : "ScatterND", *out = pgd_export_fresh(e, type);
    const char *in[3] = {pgd_export_full(e, node->inputs[0]), pgd_export_cast(e, pgd_export_full(e, node->inputs[1]), PGD_I64), pgd_export_full(e, node->inputs[2])};
    pgd_export_open(e, &wire, type, in, 3, &out, 1);
    if (elements) pgd_onnx_int(&wire, "axis", node->attrs.ints[0]);
    pgd_onnx_string(&wire, "reduction", modes[node->attrs.ints[elements ? 1 : 0]]);
    pgd_export_close(e, &wire);
    return out;
}

static const char *cumsum(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_scalar(e, PGD_I64, (double)node->attrs.ints[0])}, *out = pgd_export_fresh(e, "CumSum");
    pgd_export_open(e, &wire, "CumSum", in, 2, &out, 1);
    pgd_onnx_int(&wire, "reverse", node->attrs.ints[1]);
    pgd_onnx_int(&wire, "exclusive", node->attrs.ints[2]);
    pgd_export_close(e, &wire);
    return out;
}

/* Slices with steps of -1, from the last to before the first. */
static const char *reverse(pgd_exporter *e, const pgd_node *node) {
    int64_t from[PGD_MAX_RANK], to[PGD_MAX_RANK], axes[PGD_MAX_RANK];
    int32_t count = 0;
    for (int32_t i = 0; i < node->inputs[0]->shape.rank; i++)
        if ((node->attrs.ints[0] >> i & 1) != 0) from[count] = -1, to[count] = INT64_MIN, axes[count++] = i;
    if (count == 0) return pgd_export_full(e, node->inputs[0]);
    const char *back = pgd_export_integers(e, from, count);
    return pgd_export_node(e, "Slice", (const char *[]){pgd_export_full(e, node->inputs[0]), back, pgd_export_integers(e, to, count), pgd_export_integers(e, axes, count), back}, 5);
}

static const char *resize(pgd_exporter *e, const pgd_node *node) {
    static const char *const grids[] = {[PGD_RESIZE_HALF_PIXEL] = "half_pixel", [PGD_RESIZE_ALIGN_CORNERS] = "align_corners", [PGD_RESIZE_ASYMMETRIC] = "asymmetric"};
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const char *in[4] = {pgd_export_full(e, node->inputs[0]), "", "", pgd_export_extents(e, node->outputs[0].shape.dims, 4)}, *out = pgd_export_fresh(e, "Resize");
    pgd_export_open(e, &wire, "Resize", in, 4, &out, 1);
    pgd_onnx_string(&wire, "mode", o[0] == PGD_RESIZE_LINEAR ? "linear" : "nearest");
    pgd_onnx_string(&wire, "coordinate_transformation_mode", grids[o[1]]);
    pgd_onnx_string(&wire, "nearest_mode", o[1] == PGD_RESIZE_ASYMMETRIC ? "floor" : "round_prefer_ceil");
    pgd_export_close(e, &wire);
    return out;
}

/* What an extent of the result has beyond (x - 1) stride + dilation (filter - 1) + 1 - pads; below 0 where that is not the same at all sizes. */
static int64_t output_padding(pgd_graph *g, pgd_dim x, pgd_dim y, int64_t stride, int64_t reach, int64_t pads) {
    int64_t least = reach - pads - stride;
    for (int64_t beyond = 0; beyond < stride; beyond++)
        if (y == pgd_dim_offset(g, pgd_dim_mul(g, x, stride), least + beyond)) return beyond;
    return -1;
}

static const char *conv_transpose(pgd_exporter *e, const pgd_node *node) {
    enum { STRIDES = 0, PADS = 2, DILATIONS = 6, GROUPS = 8 };
    pgd_wire wire;
    const int64_t *o = node->attrs.ints;
    const pgd_dim *x = node->inputs[0]->shape.dims, *w = node->inputs[1]->shape.dims, *y = node->outputs[0].shape.dims;
    int64_t beyond[2];
    for (int i = 0; i < 2; i++) {
        beyond[i] = output_padding(e->g, x[2 + i], y[2 + i], o[STRIDES + i], o[DILATIONS + i] * (w[2 + i] - 1) + 1, o[PADS + i] + o[PADS + 2 + i]);
        if (beyond[i] >= 0) continue;
        pgd_export_fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: the result of %s is not that of a transposed convolution at every size; fix the extents of its input", pgd_op_name(node->op)));
        return "";
    }
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_full(e, node->inputs[1])}, *out = pgd_export_fresh(e, "ConvTranspose");
    pgd_export_open(e, &wire, "ConvTranspose", in, 2, &out, 1);
    pgd_onnx_ints(&wire, "strides", o + STRIDES, 2);
    pgd_onnx_ints(&wire, "pads", o + PADS, 4);
    pgd_onnx_ints(&wire, "dilations", o + DILATIONS, 2);
    pgd_onnx_int(&wire, "group", o[GROUPS]);
    pgd_onnx_ints(&wire, "output_padding", beyond, 2);
    pgd_export_close(e, &wire);
    return out;
}

static void topk(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[2] = {pgd_export_full(e, node->inputs[0]), pgd_export_integers(e, node->attrs.ints, 1)}, *out[2] = {pgd_export_fresh(e, "TopK"), pgd_export_fresh(e, "TopK")};
    pgd_export_open(e, &wire, "TopK", in, 2, out, 2);
    pgd_onnx_int(&wire, "axis", -1);
    pgd_onnx_int(&wire, "largest", node->attrs.ints[1]);
    pgd_onnx_int(&wire, "sorted", 1);
    pgd_export_close(e, &wire);
    e->full[pgd_export_index(&node->outputs[0])] = out[0];
    e->full[pgd_export_index(&node->outputs[1])] = pgd_export_cast(e, out[1], PGD_I32);
}

static void layer_norm(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    const char *in[3] = {pgd_export_full(e, node->inputs[0]), pgd_export_full(e, node->inputs[1]), pgd_export_full(e, node->inputs[2])}, *out[3];
    for (int32_t k = 0; k < 3; k++) out[k] = e->full[pgd_export_index(&node->outputs[k])] = pgd_export_fresh(e, "LayerNormalization");
    pgd_export_open(e, &wire, "LayerNormalization", in, 3, out, 3);
    pgd_onnx_float(&wire, "epsilon", node->attrs.floats[0]);
    pgd_export_close(e, &wire);
}

/* The expansions of everything that has no ONNX operator of its own. */
bool pgd_export_expands(const pgd_node *node) {
    switch (node->op) {
    case PGD_OP_MOMENTS:
    case PGD_OP_BATCH_NORM:
    case PGD_OP_SOFTMAX_XENT:
    case PGD_OP_RMS_NORM:
    case PGD_OP_ROPE:
    case PGD_OP_ATTENTION: return true;
    default: return false;
    }
}

static const char *single_result(pgd_exporter *e, const pgd_node *node) {
    if (elementwise_type(node->op) != NULL) return elementwise(e, node);
    switch (node->op) {
    case PGD_OP_SUM: return reduction(e, node, "ReduceSum");
    case PGD_OP_MEAN: return reduction(e, node, "ReduceMean");
    case PGD_OP_REDUCE_MAX: return reduction(e, node, "ReduceMax");
    case PGD_OP_REDUCE_MIN: return reduction(e, node, "ReduceMin");
    case PGD_OP_PROD: return reduction(e, node, "ReduceProd");
    case PGD_OP_ARGMAX: return argument(e, node, "ArgMax");
    case PGD_OP_ARGMIN: return argument(e, node, "ArgMin");
    case PGD_OP_BARRIER: return pgd_export_full(e, node->inputs[0]);
    case PGD_OP_RESHAPE: return pgd_export_reshaped(e, pgd_export_full(e, node->inputs[0]), node->outputs[0].shape);
    case PGD_OP_TRANSPOSE: return permuted(e, pgd_export_full(e, node->inputs[0]), node->attrs.ints, node->inputs[0]->shape.rank);
    case PGD_OP_SLICE: return slice(e, node);
    case PGD_OP_PAD: return pad(e, node);
    case PGD_OP_CONCAT: return concat(e, node);
    case PGD_OP_MATMUL: return matmul(e, node);
    case PGD_OP_CONV: return conv(e, node);
    case PGD_OP_MAX_POOL: return pool(e, node, "MaxPool");
    case PGD_OP_AVG_POOL: return pool(e, node, "AveragePool");
    case PGD_OP_SOFTMAX: return pgd_export_node_int(e, "Softmax", pgd_export_full(e, node->inputs[0]), "axis", -1);
    case PGD_OP_LOG_SOFTMAX: return pgd_export_node_int(e, "LogSoftmax", pgd_export_full(e, node->inputs[0]), "axis", -1);
    case PGD_OP_GATHER: return along(e, node, "Gather");
    case PGD_OP_GATHER_ELEMENTS: return along(e, node, "GatherElements");
    case PGD_OP_GATHER_ND: return gather_nd(e, node);
    case PGD_OP_SCATTER_ELEMENTS:
    case PGD_OP_SCATTER_ND: return scatter(e, node);
    case PGD_OP_CUMSUM: return cumsum(e, node);
    case PGD_OP_REVERSE: return reverse(e, node);
    case PGD_OP_RESIZE: return resize(e, node);
    case PGD_OP_CONV_DINPUT: return conv_transpose(e, node);
    case PGD_OP_LSTM:
    case PGD_OP_GRU: return pgd_export_recurrent(e, node);
    default: break;
    }
    pgd_export_fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: %s cannot be written; export the graph of inference, without caches, gradients and random numbers", pgd_op_name(node->op)));
    return "";
}

void pgd_export_operation(pgd_exporter *e, const pgd_node *node) {
    if (node->op == PGD_OP_LAYER_NORM)
        layer_norm(e, node);
    else if (node->op == PGD_OP_TOPK)
        topk(e, node);
    else
        e->full[pgd_export_index(&node->outputs[0])] = single_result(e, node);
}
