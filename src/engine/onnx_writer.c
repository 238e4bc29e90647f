/* SPDX-License-Identifier: Apache-2.0
 * Nodes, initializers and the file of an ONNX model. */
#include <stdio.h>
#include <string.h>

#include "onnx_exporter.h"

enum { OPSET = 18, IR_VERSION = 8, NAME_BYTES = 256 };
enum { MODEL_IR_VERSION = 1, MODEL_PRODUCER = 2, MODEL_PRODUCER_VERSION = 3, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_VERSION = 2 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4 };

void pgd_export_fail(pgd_exporter *e, pgd_status status) {
    if (e->status == PGD_OK) e->status = status;
}

const char *pgd_export_name(pgd_exporter *e, const char *name) {
    const char *copy = pgd_arena_strdup(&e->arena, name);
    if (copy == NULL) pgd_export_fail(e, pgd_fail_memory(strlen(name)));
    return copy != NULL ? copy : "";
}

static bool is_taken(const pgd_graph *g, const char *name) {
    for (int32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i]->name != NULL && strcmp(g->nodes[i]->name, name) == 0) return true;
    for (int32_t i = 0; i < g->output_count; i++)
        if (strcmp(g->outputs[i].name, name) == 0) return true;
    return false;
}

const char *pgd_export_fresh(pgd_exporter *e, const char *what) {
    char name[NAME_BYTES];
    do snprintf(name, sizeof name, "%s_%d", what, e->fresh++);
    while (is_taken(e->g, name));
    return pgd_export_name(e, name);
}

/* ---- nodes and initializers ------------------------------------------------------------------------------------------------------------------------- */

void pgd_export_open(pgd_exporter *e, pgd_wire *node, const char *type, const char *const *inputs, int32_t input_count, const char *const *outputs, int32_t output_count) {
    char name[NAME_BYTES];
    *node = (pgd_wire){0};
    for (int32_t i = 0; i < input_count; i++) pgd_wire_string(node, NODE_INPUT, inputs[i]);
    for (int32_t i = 0; i < output_count; i++) pgd_wire_string(node, NODE_OUTPUT, outputs[i]);
    snprintf(name, sizeof name, "%s_%d", type, e->fresh++);
    pgd_wire_string(node, NODE_NAME, name);
    pgd_wire_string(node, NODE_TYPE, type);
}

void pgd_export_close(pgd_exporter *e, pgd_wire *node) {
    pgd_wire_message(&e->nodes, PGD_ONNX_GRAPH_NODE, node);
    pgd_wire_deinit(node);
}

/* A node of one result and no attributes. */
const char *pgd_export_node(pgd_exporter *e, const char *type, const char *const *inputs, int32_t count) {
    pgd_wire node;
    const char *out = pgd_export_fresh(e, type);
    pgd_export_open(e, &node, type, inputs, count, &out, 1);
    pgd_export_close(e, &node);
    return out;
}

const char *pgd_export_node_int(pgd_exporter *e, const char *type, const char *input, const char *attribute, int64_t value) {
    pgd_wire node;
    const char *out = pgd_export_fresh(e, type);
    pgd_export_open(e, &node, type, &input, 1, &out, 1);
    pgd_onnx_int(&node, attribute, value);
    pgd_export_close(e, &node);
    return out;
}

/* contents stay the caller's and must outlive the exporter. */
void pgd_export_initializer(pgd_exporter *e, const char *name, pgd_dtype dtype, const int64_t *dims, int32_t rank, const void *contents) {
    if (!pgd_grow(&e->initializers, &e->initializer_capacity, e->initializer_count, sizeof *e->initializers)) {
        pgd_export_fail(e, pgd_fail_memory(sizeof *e->initializers));
        return;
    }
    pgd_initializer *i = &e->initializers[e->initializer_count++];
    *i = (pgd_initializer){.contents = contents, .bytes = pgd_dtype_bytes(dtype)};
    for (int32_t d = 0; d < rank; d++) i->bytes *= (uint64_t)dims[d];
    pgd_onnx_tensor_head(&i->head, name, dtype, dims, rank, i->bytes);
}

const char *pgd_export_integers(pgd_exporter *e, const int64_t *values, int32_t count) {
    int64_t *copy = pgd_arena_alloc(&e->arena, sizeof *copy * (size_t)(count + 1)), dims[1] = {count};
    const char *name = pgd_export_fresh(e, "shape");
    if (copy == NULL) {
        pgd_export_fail(e, pgd_fail_memory(sizeof *copy));
        return "";
    }
    memcpy(copy, values, sizeof *copy * (size_t)count);
    pgd_export_initializer(e, name, PGD_I64, dims, 1, copy);
    return name;
}

const char *pgd_export_scalar(pgd_exporter *e, pgd_dtype dtype, double value) {
    void *copy = pgd_arena_alloc(&e->arena, 8);
    const char *name = pgd_export_fresh(e, "number");
    if (copy == NULL) {
        pgd_export_fail(e, pgd_fail_memory(8));
        return "";
    }
    pgd_tensor_set(&(pgd_tensor){dtype, {0}, copy}, 0, value);
    pgd_export_initializer(e, name, dtype, NULL, 0, copy);
    return name;
}

const char *pgd_export_cast(pgd_exporter *e, const char *x, pgd_dtype dtype) { return pgd_export_node_int(e, "Cast", x, "to", pgd_onnx_dtype(dtype)); }

/* ---- the file ------------------------------------------------------------------------------------------------------------------------------------------------------- */

pgd_status pgd_export_file(pgd_exporter *e, pgd_wire *graph, const char *path, const pgd_progress *progress) {
    pgd_wire model = {0}, opset = {0}, *heads = pgd_arena_alloc(&e->arena, sizeof *heads * (size_t)(e->initializer_count + 1));
    pgd_piece *pieces = pgd_arena_alloc(&e->arena, sizeof *pieces * (size_t)(3 * e->initializer_count + 3));
    uint64_t graph_bytes = e->nodes.count + graph->count;
    int32_t count = 0;
    bool failed = heads == NULL || pieces == NULL || graph->failed || e->nodes.failed;
    for (int32_t i = 0; i < e->initializer_count && !failed; i++) {
        const pgd_initializer *t = &e->initializers[i];
        pgd_wire_head(&heads[i], PGD_ONNX_GRAPH_INITIALIZER, t->head.count + t->bytes);
        graph_bytes += heads[i].count + t->head.count + t->bytes;
        failed = heads[i].failed || t->head.failed;
    }
    pgd_wire_varint(&opset, OPSET_VERSION, OPSET);
    pgd_wire_varint(&model, MODEL_IR_VERSION, IR_VERSION);
    pgd_wire_string(&model, MODEL_PRODUCER, "pagoda");
    pgd_wire_string(&model, MODEL_PRODUCER_VERSION, pgd_version());
    pgd_wire_message(&model, MODEL_OPSET, &opset);
    pgd_wire_head(&model, MODEL_GRAPH, graph_bytes);
    pgd_status status = failed || model.failed ? pgd_fail_memory(model.count + graph->count) : PGD_OK;
    if (status == PGD_OK && graph_bytes >= UINT64_C(1) << 31) status = pgd_fail(PGD_UNSUPPORTED, "ONNX export: %llu bytes of model; a protobuf file holds less than 2 GiB", (unsigned long long)graph_bytes);
    if (status == PGD_OK) {
        pieces[count++] = (pgd_piece){model.bytes, model.count};
        pieces[count++] = (pgd_piece){graph->bytes, graph->count};
        pieces[count++] = (pgd_piece){e->nodes.bytes, e->nodes.count};
        for (int32_t i = 0; i < e->initializer_count; i++) {
            pieces[count++] = (pgd_piece){heads[i].bytes, heads[i].count};
            pieces[count++] = (pgd_piece){e->initializers[i].head.bytes, e->initializers[i].head.count};
            pieces[count++] = (pgd_piece){e->initializers[i].contents, (size_t)e->initializers[i].bytes};
        }
        status = pgd_file_write_atomic(path, pieces, count, progress);
    }
    for (int32_t i = 0; heads != NULL && i < e->initializer_count; i++) pgd_wire_deinit(&heads[i]);
    pgd_wire_deinit(&opset);
    pgd_wire_deinit(&model);
    return status;
}
