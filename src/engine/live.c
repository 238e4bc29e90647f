/* SPDX-License-Identifier: Apache-2.0
 * Which nodes of a graph are needed: those that outputs and updates depend on, and the inputs that tell a run how large things are. */
#include "passes.h"

/* The symbol that an extent is; -1: it is a number or more than a symbol. */
static int32_t symbol_of(const pgd_graph *graph, pgd_dim dim) {
    return dim < 0 && graph->exprs[-1 - dim].kind == PGD_DIM_SYMBOL ? (int32_t)graph->exprs[-1 - dim].a : -1;
}

/* Marks the expressions that a shape is made of; the parts of one stand before it. */
static void note_extents(pgd_symshape shape, bool *used) {
    for (int32_t d = 0; d < shape.rank; d++)
        if (shape.dims[d] < 0) used[-1 - shape.dims[d]] = true;
}

static void note_parts(const pgd_graph *graph, bool *used) {
    for (int32_t e = graph->expr_count - 1; e >= 0; e--) {
        const pgd_dim_expr *expr = &graph->exprs[e];
        if (!used[e] || expr->kind == PGD_DIM_SYMBOL) continue;
        if (expr->a < 0) used[-1 - expr->a] = true;
        if (expr->b < 0 && expr->kind != PGD_DIM_OFFSET) used[-1 - expr->b] = true;
    }
}

static bool shows(const pgd_graph *graph, const pgd_node *input, int32_t symbol) {
    for (int32_t d = 0; d < input->outputs[0].shape.rank; d++)
        if (symbol_of(graph, input->outputs[0].shape.dims[d]) == symbol) return true;
    return false;
}

/* A run learns what a symbol is from an input that has it: where none is left, the first one that has it stays though nothing reads it. */
static void keep_input_that_shows(const pgd_graph *graph, int32_t symbol, bool *live) {
    int32_t first = -1;
    for (int32_t i = graph->node_count - 1; i >= 0; i--) {
        if (graph->nodes[i]->op != PGD_OP_INPUT || !shows(graph, graph->nodes[i], symbol)) continue;
        if (live[i]) return;
        first = i;
    }
    if (first >= 0) live[first] = true;
}

pgd_status pgd_mark_live(const pgd_graph *graph, bool *live) {
    for (int32_t i = 0; i < graph->output_count; i++) live[graph->outputs[i].value->node->id] = true;
    for (int32_t i = 0; i < graph->update_count; i++) live[graph->updates[i].value->node->id] = true;
    for (int32_t i = graph->node_count - 1; i >= 0; i--)
        for (int32_t k = 0; live[i] && k < graph->nodes[i]->input_count; k++) live[graph->nodes[i]->inputs[k]->node->id] = true;
    if (graph->expr_count == 0) return PGD_OK;
    bool *used = pgd_mem_zalloc((size_t)graph->expr_count);
    if (used == NULL) return pgd_fail_memory((size_t)graph->expr_count);
    for (int32_t i = 0; i < graph->node_count; i++) {
        if (!live[i]) continue;
        note_extents(graph->nodes[i]->attrs.dims, used);
        for (int32_t k = 0; k < graph->nodes[i]->output_count; k++) note_extents(graph->nodes[i]->outputs[k].shape, used);
    }
    note_parts(graph, used);
    for (int32_t e = 0; e < graph->expr_count; e++)
        if (used[e] && graph->exprs[e].kind == PGD_DIM_SYMBOL) keep_input_that_shows(graph, (int32_t)graph->exprs[e].a, live);
    pgd_mem_free(used);
    return PGD_OK;
}
