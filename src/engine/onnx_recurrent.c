/* SPDX-License-Identifier: Apache-2.0
 * LSTM and GRU in ONNX. ONNX multiplies the inputs by weights of its own, which here is done already (graph/ops/recurrent.c): its weights only bring the gates into its order,
 * i o f c for LSTM, z r h for GRU. linear_before_reset is the GRU whose reset comes after the product. */
#include "onnx_exporter.h"

/* x with its rows, `hidden` for each gate, in ONNX's order. */
static const char *reordered(pgd_exporter *e, const pgd_node *node, const char *x) {
    static const int64_t lstm[] = {0, 3, 1, 2}, gru[] = {1, 0, 2};
    int64_t hidden = node->inputs[1]->shape.dims[1], gates = node->op == PGD_OP_LSTM ? 4 : 3;
    int64_t *order = pgd_arena_alloc(&e->arena, sizeof *order * (size_t)(gates * hidden));
    if (order == NULL) {
        pgd_export_fail(e, pgd_fail_memory(sizeof *order * (size_t)(gates * hidden)));
        return "";
    }
    for (int64_t i = 0; i < gates * hidden; i++) order[i] = (node->op == PGD_OP_LSTM ? lstm : gru)[i / hidden] * hidden + i % hidden;
    return pgd_export_node(e, "Gather", (const char *[]){x, pgd_export_integers(e, order, (int32_t)(gates * hidden))}, 2);
}

/* With an axis in front, of one direction. */
static const char *one_direction(pgd_exporter *e, const char *x) { return pgd_export_node(e, "Unsqueeze", (const char *[]){x, pgd_export_integers(e, &(int64_t){0}, 1)}, 2); }

static const char *zeros(pgd_exporter *e, const int64_t *extents, int32_t count) { return pgd_export_node(e, "ConstantOfShape", (const char *[]){pgd_export_integers(e, extents, count)}, 1); }

/* 0 for the product outside, b for the one inside. */
static const char *gru_bias(pgd_exporter *e, const pgd_node *node, int64_t width) {
    pgd_wire wire;
    const char *in[2] = {zeros(e, &width, 1), reordered(e, node, pgd_export_full(e, node->inputs[2]))}, *out = pgd_export_fresh(e, "Concat");
    pgd_export_open(e, &wire, "Concat", in, 2, &out, 1);
    pgd_onnx_int(&wire, "axis", 0);
    pgd_export_close(e, &wire);
    return one_direction(e, out);
}

const char *pgd_export_recurrent(pgd_exporter *e, const pgd_node *node) {
    pgd_wire wire;
    bool lstm = node->op == PGD_OP_LSTM;
    const char *type = lstm ? "LSTM" : "GRU", *out = pgd_export_fresh(e, type);
    int64_t hidden = node->inputs[1]->shape.dims[1], width = (lstm ? 4 : 3) * hidden, square[2] = {width, width};
    if (node->outputs[0].dtype != PGD_F32) {
        pgd_export_fail(e, pgd_fail(PGD_UNSUPPORTED, "ONNX export: %s of %s; only f32 can be written", pgd_op_name(node->op), pgd_dtype_name(node->outputs[0].dtype)));
        return "";
    }
    const char *eye = pgd_export_node(e, "EyeLike", (const char *[]){zeros(e, square, 2)}, 1);
    const char *in[7] = {pgd_export_full(e, node->inputs[0]), one_direction(e, reordered(e, node, eye)), one_direction(e, reordered(e, node, pgd_export_full(e, node->inputs[1]))), "", "",
                         one_direction(e, pgd_export_full(e, node->inputs[lstm ? 2 : 3])), lstm ? one_direction(e, pgd_export_full(e, node->inputs[3])) : ""};
    if (!lstm) in[3] = gru_bias(e, node, width);
    pgd_export_open(e, &wire, type, in, lstm ? 7 : 6, &out, 1);
    pgd_onnx_int(&wire, "hidden_size", hidden);
    if (!lstm) pgd_onnx_int(&wire, "linear_before_reset", 1);
    pgd_export_close(e, &wire);
    return pgd_export_node(e, "Squeeze", (const char *[]){out, pgd_export_integers(e, &(int64_t){1}, 1)}, 2);
}
