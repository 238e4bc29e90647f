/* SPDX-License-Identifier: Apache-2.0
 * Operations of other programs: tables of C functions (pgd_custom_op). They have no reference: what they compute is known to their table alone, and dnn/row_custom.c runs it. */
#include "ops_internal.h"

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_custom_op *op = node->attrs.custom;
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = node->inputs[0]->shape;
    const char *wrong = op->infer == NULL ? NULL : op->infer(op->user, graph, node->inputs, node->input_count, &outputs[0].dtype, &outputs[0].shape);
    if (wrong != NULL) return pgd_fail(PGD_BAD_ARG, "%s: %s", op->name, wrong);
    if ((unsigned)outputs[0].dtype >= PGD_DTYPE_COUNT) return pgd_fail(PGD_BAD_ARG, "%s: infer gave %d, which is no element type", op->name, (int)outputs[0].dtype);
    return pgd_symshape_check(graph, op->name, outputs[0].shape) ? PGD_OK : pgd_graph_status(graph);
}

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    const pgd_custom_op *op = n->attrs.custom;
    if (op->gradient != NULL) op->gradient(op->user, g, n->inputs, n->input_count, &n->outputs[0], dy[0], dx);
    for (int32_t i = 0; i < n->input_count; i++) {
        bool owned = dx[i] == NULL || pgd_graph_owns(g, dx[i]);
        if (!owned) (void)pgd_graph_fail(g, PGD_BAD_ARG, "%s: the gradient of input %d is a value of another graph", op->name, i), dx[i] = NULL;
        if (dx[i] == NULL || (dx[i]->dtype == n->inputs[i]->dtype && pgd_symshape_equal(dx[i]->shape, n->inputs[i]->shape))) continue;
        (void)pgd_graph_fail(g, PGD_BAD_ARG, "%s: the gradient of input %d has another dtype or shape than the input", op->name, i);
        dx[i] = NULL;
    }
}

const pgd_op_def pgd_def_custom = {.dtypes = PGD_DTYPES_ANY, .infer = infer, .grad = grad};
