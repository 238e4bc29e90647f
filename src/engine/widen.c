/* SPDX-License-Identifier: Apache-2.0
 * 16-bit floats are for storing: whatever computes with them does so in f32, between casts, and rounds each result once. What only moves elements is left alone.
 * The casts become part of fused programs. */
#include <string.h>

#include "passes.h"

static bool narrow(pgd_dtype dtype) { return dtype == PGD_F16 || dtype == PGD_BF16; }

/* Takes any dtype, because it never looks into an element or, being of another program, knows what it does; padding and filling write numbers. */
static bool moves(const pgd_node *node) { return pgd_op_defs[node->op]->dtypes == PGD_DTYPES_ANY && node->op != PGD_OP_PAD && node->op != PGD_OP_FILL; }

static bool widens(const pgd_node *node) {
    bool touched = false;
    if (moves(node) || node->op == PGD_OP_CAST) return false;
    for (int32_t i = 0; i < node->input_count; i++) touched = touched || narrow(node->inputs[i]->dtype);
    for (int32_t k = 0; k < node->output_count; k++) touched = touched || narrow(node->outputs[k].dtype);
    return touched;
}

static pgd_value **mapped(pgd_value **map, const pgd_value *value) { return &map[value->node->id * PGD_MAX_OUTPUTS + value->output]; }

static pgd_status copy_leaf(pgd_graph *to, const pgd_node *node, pgd_value **map) {
    const pgd_value *v = &node->outputs[0];
    *mapped(map, v) = node->op == PGD_OP_INPUT   ? pgd_input(to, node->name, v->dtype, v->shape)
                      : node->op == PGD_OP_PARAM ? pgd_param(to, node->name, v->dtype, v->shape)
                                                 : pgd_graph_leaf(to, PGD_OP_CONSTANT, NULL, v->dtype, v->shape, node->bytes);
    return pgd_graph_status(to);
}

static pgd_status copy_node(pgd_graph *to, const pgd_node *node, pgd_value **map) {
    pgd_value *inputs[PGD_MAX_INPUTS];
    bool wide = widens(node);
    pgd_attrs attrs = node->attrs;
    for (int32_t i = 0; i < node->input_count; i++) {
        inputs[i] = *mapped(map, node->inputs[i]);
        if (wide && narrow(inputs[i]->dtype)) inputs[i] = pgd_cast(to, inputs[i], PGD_F32);
    }
    if (wide && node->op == PGD_OP_FILL) attrs.ints[0] = PGD_F32;
    if (wide && (node->op == PGD_OP_IOTA || node->op == PGD_OP_DIM_SIZE)) attrs.ints[0] = PGD_F32;
    const pgd_node *copy = pgd_graph_add(to, node->op, &attrs, inputs, node->input_count);
    if (copy == NULL) return pgd_graph_status(to);
    for (int32_t k = 0; k < node->output_count; k++) *mapped(map, &node->outputs[k]) = pgd_cast(to, &copy->outputs[k], node->outputs[k].dtype);
    return pgd_graph_status(to);
}

static pgd_status copy_all(const pgd_graph *from, pgd_graph *to, pgd_value **map, bool *live) {
    PGD_TRY(pgd_mark_live(from, live));
    for (int32_t i = 0; i < from->node_count; i++) {
        const pgd_node *node = from->nodes[i];
        if (live[i]) PGD_TRY((pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0 ? copy_leaf(to, node, map) : copy_node(to, node, map));
    }
    for (int32_t i = 0; i < from->output_count; i++) pgd_output(to, from->outputs[i].name, *mapped(map, from->outputs[i].value));
    for (int32_t i = 0; i < from->update_count; i++) {
        const pgd_value *v = from->updates[i].value;
        if (pgd_param(to, from->updates[i].name, v->dtype, v->shape) != NULL) pgd_update(to, from->updates[i].name, *mapped(map, v));
    }
    return pgd_graph_status(to);
}

bool pgd_needs_widening(const pgd_graph *graph) {
    for (int32_t i = 0; i < graph->node_count; i++)
        if (widens(graph->nodes[i])) return true;
    return false;
}

pgd_status pgd_pass_widen(const pgd_graph *from, pgd_graph **out) {
    PGD_TRY(pgd_graph_create_like(from, out));
    size_t count = (size_t)from->node_count + 1;
    pgd_value **map = pgd_mem_zalloc(count * PGD_MAX_OUTPUTS * sizeof *map);
    bool *live = pgd_mem_zalloc(count);
    pgd_status status = map == NULL || live == NULL ? pgd_fail_memory(count) : copy_all(from, *out, map, live);
    pgd_mem_free(map);
    pgd_mem_free(live);
    if (status == PGD_OK) return PGD_OK;
    pgd_graph_destroy(*out);
    *out = NULL;
    return status;
}
