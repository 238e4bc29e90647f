/* SPDX-License-Identifier: Apache-2.0
 * A graph and its state as an ONNX model: parameters become initializers under their names, named extents dim_param of the inputs. */
#include <string.h>

#include "onnx_exporter.h"
#include "passes.h"

/* ---- leaves, inputs, outputs ------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status add_param(pgd_exporter *e, const pgd_node *node) {
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
    e->full[pgd_export_index(v)] = pgd_export_name(e, node->name);
    pgd_export_initializer(e, node->name, dtype, shape.dims, shape.rank, contents);
    return PGD_OK;
}

/* ValueInfoProto */
static void add_value_info(pgd_exporter *e, pgd_wire *graph, int32_t field, const char *name, const pgd_value *v) {
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

static pgd_status write_nodes(pgd_exporter *e) {
    const pgd_graph *g = e->g;
    for (int32_t i = 0; i < g->node_count && e->status == PGD_OK; i++) {
        const pgd_node *node = g->nodes[i];
        if (node->op == PGD_OP_INPUT) e->full[pgd_export_index(&node->outputs[0])] = node->name;
        if (node->op == PGD_OP_PARAM) PGD_TRY(add_param(e, node));
        if ((pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0 || node->op == PGD_OP_FILL || node->op == PGD_OP_IOTA || node->op == PGD_OP_DIM_SIZE || node->op == PGD_OP_BROADCAST) continue; /* when somebody wants them */
        pgd_export_operation(e, node);
    }
    return e->status;
}

/* Outputs have names of their own, whatever their value is called inside. */
static pgd_status write_outputs(pgd_exporter *e, pgd_wire *graph) {
    for (int32_t i = 0; i < e->g->output_count && e->status == PGD_OK; i++) {
        pgd_wire node;
        const char *in = pgd_export_full(e, e->g->outputs[i].value), *out = e->g->outputs[i].name;
        pgd_export_open(e, &node, "Identity", &in, 1, &out, 1);
        pgd_export_close(e, &node);
        add_value_info(e, graph, PGD_ONNX_GRAPH_OUTPUT, out, e->g->outputs[i].value);
    }
    return e->status;
}

static pgd_status write_model(pgd_exporter *e, const char *path, const pgd_progress *progress) {
    const pgd_graph *g = e->g;
    pgd_wire graph = {0};
    size_t values = ((size_t)g->node_count + 1) * PGD_MAX_OUTPUTS;
    e->full = pgd_arena_alloc(&e->arena, sizeof *e->full * values);
    e->thin = pgd_arena_alloc(&e->arena, sizeof *e->thin * values);
    e->dims = pgd_arena_alloc(&e->arena, sizeof *e->dims * (size_t)(g->expr_count + 1));
    if (e->full == NULL || e->thin == NULL || e->dims == NULL) return pgd_fail_memory(sizeof *e->full * values);
    pgd_wire_string(&graph, PGD_ONNX_GRAPH_NAME, "pagoda");
    for (int32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i]->op == PGD_OP_INPUT) add_value_info(e, &graph, PGD_ONNX_GRAPH_INPUT, g->nodes[i]->name, &g->nodes[i]->outputs[0]);
    pgd_status status = write_nodes(e);
    if (status == PGD_OK) status = write_outputs(e, &graph);
    if (status == PGD_OK) status = pgd_export_file(e, &graph, path, progress);
    pgd_wire_deinit(&graph);
    return status;
}

static pgd_status check_names(const pgd_graph *g) {
    for (int32_t i = 0; i < g->output_count; i++)
        for (int32_t n = 0; n < g->node_count; n++)
            if (g->nodes[n]->name != NULL && strcmp(g->nodes[n]->name, g->outputs[i].name) == 0)
                return pgd_fail(PGD_BAD_ARG, "ONNX export: \"%s\" names an output and an input or parameter; in an ONNX model that is one value", g->outputs[i].name);
    for (int32_t i = 0; i < g->node_count; i++)
        for (int32_t n = 0; n < i; n++)
            if (g->nodes[i]->name != NULL && g->nodes[n]->name != NULL && strcmp(g->nodes[i]->name, g->nodes[n]->name) == 0)
                return pgd_fail(PGD_BAD_ARG, "ONNX export: \"%s\" names an input and a parameter; in an ONNX model that is one value", g->nodes[i]->name);
    return PGD_OK;
}

pgd_status pgd_onnx_save(const pgd_graph *graph, const pgd_state *state, const char *path, const pgd_progress *progress) {
    pgd_graph *prepared;
    PGD_NEED(graph, path);
    PGD_TRY(pgd_graph_status(graph));
    if (graph->output_count == 0) return pgd_fail(PGD_BAD_ARG, "ONNX export: the graph has no outputs; name one with pgd_output");
    if (graph->update_count > 0) return pgd_fail(PGD_UNSUPPORTED, "ONNX export: the graph updates the state tensor \"%s\", and an ONNX model has no state; export the graph of inference", graph->updates[0].name);
    PGD_TRY(check_names(graph));
    PGD_TRY(pgd_pass_simplify(graph, pgd_export_expands, &prepared));
    pgd_exporter e = {.g = prepared, .state = state};
    pgd_status status = write_model(&e, path, progress);
    for (int32_t i = 0; i < e.initializer_count; i++) pgd_wire_deinit(&e.initializers[i].head);
    pgd_mem_free(e.initializers);
    pgd_wire_deinit(&e.nodes);
    pgd_arena_deinit(&e.arena);
    pgd_graph_destroy(prepared);
    return status;
}
