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

static pgd_status step_back(reverse *r, const pgd_node *node) {
    pgd_value *dx[PGD_MAX_INPUTS] = {0}, *const *dy = &r->gradients[node->id * PGD_MAX_OUTPUTS];
    bool reached = false, wanted = false;
    for (int32_t k = 0; k < node->output_count; k++) reached = reached || dy[k] != NULL;
    for (int32_t k = 0; k < node->input_count; k++) wanted = wanted || r->depends[node->inputs[k]->node->id];
    if (!reached || !wanted) return PGD_OK;
    if (pgd_op_defs[node->op]->grad == NULL) {
        pgd_graph_fail(r->graph, PGD_UNSUPPORTED, "%s has no gradient", pgd_op_name(node->op));
        return r->graph->status;
    }
    pgd_op_defs[node->op]->grad(r->graph, node, dy, dx);
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
    reverse r = {graph, graph->node_count, NULL, NULL};
    r.depends = pgd_mem_zalloc((size_t)r.node_count * sizeof *r.depends);
    r.gradients = pgd_mem_zalloc((size_t)r.node_count * PGD_MAX_OUTPUTS * sizeof(pgd_value *));
    pgd_status status = r.depends == NULL || r.gradients == NULL ? pgd_fail_memory((size_t)r.node_count * 33) : run(&r, y, x, count, gradients);
    pgd_mem_free(r.depends);
    pgd_mem_free(r.gradients);
    return status;
}
