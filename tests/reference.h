/* SPDX-License-Identifier: Apache-2.0
 * Evaluates a graph node by node with the reference of every operation: what plans, passes and kernels are compared with. */
#ifndef PGD_TEST_REFERENCE_H
#define PGD_TEST_REFERENCE_H

#include <graph_share.h>

#include "check.h"

/* A value for an input or param of that name. */
typedef struct binding {
    const char *name;
    pgd_tensor tensor;
} binding;

typedef struct reference {
    const pgd_graph *graph;
    pgd_tensor *tensors; /* PGD_MAX_OUTPUTS per node */
} reference;

static inline size_t tensor_bytes(const pgd_tensor *t) { return (size_t)pgd_shape_elems(t->shape) * pgd_dtype_bytes(t->dtype); }

static inline pgd_tensor *reference_of(const reference *r, const pgd_value *v) { return &r->tensors[v->node->id * PGD_MAX_OUTPUTS + v->output]; }

static inline void reference_leaf(const pgd_node *node, const binding *bindings, int32_t count, pgd_tensor *out) {
    const void *from = node->bytes;
    for (int32_t i = 0; i < count && node->name != NULL; i++)
        if (strcmp(bindings[i].name, node->name) == 0) {
            from = bindings[i].tensor.data;
            check(tensor_bytes(&bindings[i].tensor) == tensor_bytes(out), "\"%s\" is bound to another size", node->name);
        }
    check(from != NULL || tensor_bytes(out) == 0, "\"%s\" is not bound", node->name == NULL ? "constant" : node->name);
    if (tensor_bytes(out) > 0) memcpy(out->data, from, tensor_bytes(out));
}

/* symbols in the order of the graph's table; NULL when it has none. */
static inline reference reference_run(const pgd_graph *graph, const int64_t *symbols, const binding *bindings, int32_t count) {
    reference r = {graph, calloc((size_t)graph->node_count * PGD_MAX_OUTPUTS, sizeof(pgd_tensor))};
    assert_non_null(r.tensors);
    for (int32_t i = 0; i < graph->node_count; i++) {
        const pgd_node *node = graph->nodes[i];
        pgd_tensor inputs[PGD_MAX_INPUTS], *outputs = &r.tensors[i * PGD_MAX_OUTPUTS];
        for (int32_t k = 0; k < node->input_count; k++) inputs[k] = *reference_of(&r, node->inputs[k]);
        for (int32_t k = 0; k < node->output_count; k++) {
            outputs[k].dtype = node->outputs[k].dtype;
            ok(pgd_symshape_eval(graph, node->outputs[k].shape, symbols, &outputs[k].shape));
            outputs[k].data = malloc(tensor_bytes(&outputs[k]) + 1);
            assert_non_null(outputs[k].data);
        }
        if (node->op == PGD_OP_INPUT || node->op == PGD_OP_PARAM || node->op == PGD_OP_CONSTANT) {
            reference_leaf(node, bindings, count, outputs);
            continue;
        }
        pgd_attrs attrs = node->attrs;
        for (int32_t d = 0; d < attrs.dims.rank; d++) attrs.dims.dims[d] = pgd_dim_eval(graph, attrs.dims.dims[d], symbols);
        pgd_op_defs[node->op]->eval(&(pgd_eval_args){node->op, &attrs, inputs, node->input_count, outputs});
    }
    return r;
}

static inline void reference_free(reference *r) {
    for (int32_t i = 0; i < r->graph->node_count * PGD_MAX_OUTPUTS; i++) free(r->tensors[i].data);
    free(r->tensors);
}

/* |a - b| within tolerance of the greater of 1 and |b|; equal infinities and NaN with NaN count as equal. */
static inline bool near(double a, double b, double tolerance) {
    if (a == b || (a != a && b != b)) return true;
    double scale = b < 0 ? -b : b, gap = a - b < 0 ? b - a : a - b;
    return gap <= tolerance * (scale > 1 ? scale : 1);
}

#endif
