/* SPDX-License-Identifier: Apache-2.0
 * Reverse-mode differentiation as a graph transform: walks the nodes between y and x backwards and lets each op build its derivative. */
#include <graph_share.h>
#include <string.h>

pgd_value pgd_no_gradient;

/* Which nodes depend on one of the x, and gradients collected so far, per value. */
typedef struct reverse {
    pgd_graph *graph;
    int32_t node_count;     /* nodes there when we began; derivatives come behind them */
    bool *depends;          /* per node */
    pgd_value **gradients;  /* PGD_MAX_OUTPUTS per node */
    const pgd_node **again; /* per node of a stretch: the node that computes it a second time; NULL: not yet */
    pgd_value **entries;    /* PGD_MAX_OUTPUTS per node: what enters the present stretch, behind a barrier */
    int32_t barriers;
} reverse;

static pgd_value **slot(reverse *r, const pgd_value *value) { return &r->gradients[value->node->id * PGD_MAX_OUTPUTS + value->output]; }

static void collect(reverse *r, const pgd_value *value, pgd_value *gradient) {
    if (gradient == NULL || value->node->id >= r->node_count || !r->depends[value->node->id]) return;
    pgd_value **sum = slot(r, value);
    *sum = *sum == NULL ? gradient : pgd_add(r->graph, *sum, gradient);
}

static void mark_dependent(reverse *r, pgd_value *const *x, int32_t count) {
    for (int32_t i = 0; i < count; i++) r->depends[x[i]->node->id] = true;
    for (int32_t i = 0; i < r->node_count; i++) {
        const pgd_node *node = r->graph->nodes[i];
        for (int32_t k = 0; k < node->input_count; k++) r->depends[i] = r->depends[i] || r->depends[node->inputs[k]->node->id];
    }
}

/* ---- computing again ------------------------------------------------------------------------------------------------------------------------------- */

/* A value as the second computation of a stretch sees it. Parameters are there anyway; everything else that comes from outside passes a barrier, which waits for the
 * gradient that asks for it. */
static pgd_value *entering(reverse *r, const pgd_value *value, int32_t stretch, pgd_value *asked) {
    pgd_node *node = value->node;
    pgd_value **entry = &r->entries[node->id * PGD_MAX_OUTPUTS + value->output];
    if (node->stretch == stretch) return r->again[node->id] == NULL ? NULL : &r->again[node->id]->outputs[value->output];
    if (node->op == PGD_OP_PARAM || node->op == PGD_OP_CONSTANT) return (pgd_value *)value;
    if (*entry == NULL) *entry = pgd_graph_op(r->graph, PGD_OP_BARRIER, &(pgd_attrs){.ints = {++r->barriers}}, (pgd_value *[]){(pgd_value *)value, asked}, 2);
    return *entry;
}

static pgd_status compute_again(reverse *r, int32_t stretch, pgd_value *asked) {
    memset(r->entries, 0, (size_t)r->node_count * PGD_MAX_OUTPUTS * sizeof *r->entries);
    for (int32_t i = 0; i < r->node_count; i++) {
        const pgd_node *node = r->graph->nodes[i];
        pgd_value *inputs[PGD_MAX_INPUTS];
        if (node->stretch != stretch) continue;
        if ((pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0) {
            r->again[i] = node;
            continue;
        }
        for (int32_t k = 0; k < node->input_count; k++) inputs[k] = entering(r, node->inputs[k], stretch, asked);
        r->again[i] = pgd_graph_add(r->graph, node->op, &node->attrs, inputs, node->input_count);
        if (r->again[i] == NULL) return pgd_graph_status(r->graph);
    }
    return PGD_OK;
}

/* ---- backwards --------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status step_back(reverse *r, const pgd_node *node) {
    pgd_value *dx[PGD_MAX_INPUTS] = {0}, *const *dy = &r->gradients[node->id * PGD_MAX_OUTPUTS], *first = NULL;
    bool wanted = false;
    for (int32_t k = 0; k < node->output_count; k++) first = first != NULL ? first : dy[k];
    for (int32_t k = 0; k < node->input_count; k++) wanted = wanted || r->depends[node->inputs[k]->node->id];
    if (first == NULL || !wanted) return PGD_OK;
    if (pgd_op_defs[node->op]->grad == NULL) {
        pgd_graph_fail(r->graph, PGD_UNSUPPORTED, "%s has no gradient", pgd_op_name(node->op));
        return r->graph->status;
    }
    if (node->stretch != 0 && r->again[node->id] == NULL) PGD_TRY(compute_again(r, node->stretch, first));
    pgd_op_defs[node->op]->grad(r->graph, node->stretch != 0 ? r->again[node->id] : node, dy, dx);
    for (int32_t k = 0; k < node->input_count; k++) {
        if (dx[k] == PGD_NO_GRADIENT && r->depends[node->inputs[k]->node->id]) pgd_graph_fail(r->graph, PGD_UNSUPPORTED, "%s has no gradient for its input %d", pgd_op_name(node->op), k);
        if (dx[k] != PGD_NO_GRADIENT) collect(r, node->inputs[k], dx[k]);
    }
    return pgd_graph_status(r->graph);
}

static pgd_status run(reverse *r, pgd_value *y, pgd_value *const *x, int32_t count, pgd_value **gradients) {
    mark_dependent(r, x, count);
    collect(r, y, pgd_fill(r->graph, y->dtype, y->shape, 1));
    for (int32_t i = r->node_count - 1; i >= 0; i--)
        if (r->depends[i]) PGD_TRY(step_back(r, r->graph->nodes[i]));
    for (int32_t i = 0; i < count; i++) {
        pgd_value *gradient = *slot(r, x[i]);
        gradients[i] = gradient != NULL ? gradient : pgd_fill(r->graph, x[i]->dtype, x[i]->shape, 0);
    }
    return pgd_graph_status(r->graph);
}

pgd_status pgd_gradients(pgd_graph *graph, pgd_value *y, pgd_value *const *x, int32_t count, pgd_value **gradients) {
    if (count > 0) PGD_NEED(gradients);
    for (int32_t i = 0; i < count; i++) gradients[i] = NULL;
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(y);
    if (count > 0) PGD_NEED(x);
    if (y->dtype != PGD_F32 && y->dtype != PGD_F64 && y->dtype != PGD_F16 && y->dtype != PGD_BF16) return pgd_fail(PGD_BAD_ARG, "gradients: y must be a value of a float dtype");
    if (!pgd_graph_owns(graph, y)) return pgd_fail(PGD_BAD_ARG, "gradients: y is a value of another graph");
    for (int32_t i = 0; i < count; i++)
        if (x[i] == NULL || !pgd_graph_owns(graph, x[i])) return pgd_fail(PGD_BAD_ARG, x[i] == NULL ? "gradients: x[%d] is NULL" : "gradients: x[%d] is a value of another graph", i);
    reverse r = {.graph = graph, .node_count = graph->node_count};
    int32_t stretch = graph->stretch;
    r.depends = pgd_mem_zalloc((size_t)r.node_count * sizeof *r.depends);
    r.gradients = pgd_mem_zalloc((size_t)r.node_count * PGD_MAX_OUTPUTS * sizeof(pgd_value *));
    r.again = pgd_mem_zalloc((size_t)r.node_count * sizeof *r.again);
    r.entries = pgd_mem_zalloc((size_t)r.node_count * PGD_MAX_OUTPUTS * sizeof *r.entries);
    for (int32_t i = 0; i < r.node_count; i++)
        if (graph->nodes[i]->op == PGD_OP_BARRIER && graph->nodes[i]->attrs.ints[0] > r.barriers) r.barriers = (int32_t)graph->nodes[i]->attrs.ints[0];
    graph->stretch = 0; /* derivatives are kept */
    bool room = r.depends != NULL && r.gradients != NULL && r.again != NULL && r.entries != NULL;
    pgd_status status = room ? run(&r, y, x, count, gradients) : pgd_fail_memory((size_t)r.node_count * 73);
    graph->stretch = stretch;
    pgd_mem_free(r.depends);
    pgd_mem_free(r.gradients);
    pgd_mem_free(r.again);
    pgd_mem_free(r.entries);
    return status;
}
