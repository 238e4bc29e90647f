/* SPDX-License-Identifier: Apache-2.0
 * Builders of operations whose positions are data: gather, scatter, topk; and reverse. */
#include <graph_share.h>

pgd_value *pgd_gather(pgd_graph *graph, pgd_value *x, pgd_value *indices, int32_t axis) {
    if (PGD_GRAPH_LACKS(graph, x, indices) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    return pgd_graph_op(graph, PGD_OP_GATHER, &(pgd_attrs){.ints = {axis}}, (pgd_value *[]){x, indices}, 2);
}

pgd_value *pgd_update_slice(pgd_graph *graph, pgd_value *x, pgd_value *part, pgd_value *start, int32_t axis) {
    if (PGD_GRAPH_LACKS(graph, x, part, start) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    return pgd_graph_op(graph, PGD_OP_UPDATE_SLICE, &(pgd_attrs){.ints = {axis}}, (pgd_value *[]){x, part, start}, 3);
}

pgd_value *pgd_gather_elements(pgd_graph *graph, pgd_value *x, pgd_value *indices, int32_t axis) {
    if (PGD_GRAPH_LACKS(graph, x, indices) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    return pgd_graph_op(graph, PGD_OP_GATHER_ELEMENTS, &(pgd_attrs){.ints = {axis}}, (pgd_value *[]){x, indices}, 2);
}

pgd_value *pgd_scatter_elements(pgd_graph *graph, pgd_value *x, pgd_value *indices, pgd_value *updates, int32_t axis, pgd_scatter_mode mode) {
    if (PGD_GRAPH_LACKS(graph, x, indices, updates) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    return pgd_graph_op(graph, PGD_OP_SCATTER_ELEMENTS, &(pgd_attrs){.ints = {axis, mode}}, (pgd_value *[]){x, indices, updates}, 3);
}

pgd_value *pgd_gather_nd(pgd_graph *graph, pgd_value *x, pgd_value *indices) {
    return PGD_GRAPH_LACKS(graph, x, indices) ? NULL : pgd_graph_op(graph, PGD_OP_GATHER_ND, NULL, (pgd_value *[]){x, indices}, 2);
}

pgd_value *pgd_scatter_nd(pgd_graph *graph, pgd_value *x, pgd_value *indices, pgd_value *updates, pgd_scatter_mode mode) {
    if (PGD_GRAPH_LACKS(graph, x, indices, updates)) return NULL;
    return pgd_graph_op(graph, PGD_OP_SCATTER_ND, &(pgd_attrs){.ints = {mode}}, (pgd_value *[]){x, indices, updates}, 3);
}

pgd_value *pgd_topk(pgd_graph *graph, pgd_value *x, int32_t k, bool largest, pgd_value **indices) {
    if (indices != NULL) *indices = NULL;
    pgd_node *node = PGD_GRAPH_LACKS(graph, x) ? NULL : pgd_graph_add(graph, PGD_OP_TOPK, &(pgd_attrs){.ints = {k, largest}}, &x, 1);
    if (node == NULL) return NULL;
    if (indices != NULL) *indices = &node->outputs[1];
    return &node->outputs[0];
}

pgd_value *pgd_reverse(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count) {
    if (PGD_GRAPH_LACKS(graph, x) || (count > 0 && PGD_GRAPH_LACKS(axes))) return NULL;
    int64_t mask = pgd_axes_mask(graph, x, axes, count);
    if (mask <= 0) return mask < 0 ? NULL : x;
    return pgd_graph_op(graph, PGD_OP_REVERSE, &(pgd_attrs){.ints = {mask}}, &x, 1);
}
