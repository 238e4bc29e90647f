/* SPDX-License-Identifier: Apache-2.0
 * The graph itself: nodes in creation order, leaves by name, outputs and updates, the first error. */
#include <graph_share.h>
#include <stdio.h>
#include <string.h>

pgd_status pgd_graph_create(pgd_graph **out) {
    PGD_NEED(out);
    *out = pgd_mem_zalloc(sizeof **out);
    return *out == NULL ? pgd_fail_memory(sizeof **out) : PGD_OK;
}

void pgd_graph_destroy(pgd_graph *graph) {
    if (graph == NULL) return;
    pgd_arena_deinit(&graph->arena);
    pgd_mem_free(graph->nodes);
    pgd_mem_free(graph->outputs);
    pgd_mem_free(graph->updates);
    pgd_mem_free(graph->symbols);
    pgd_mem_free(graph->exprs);
    pgd_mem_free(graph);
}

void *pgd_graph_fail(pgd_graph *graph, pgd_status status, const char *format, ...) {
    char text[sizeof graph->error];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (graph->status == PGD_OK) {
        graph->status = status;
        memcpy(graph->error, text, sizeof text);
    }
    pgd_fail(status, "%s", text);
    return NULL;
}

bool pgd_graph_lacks(pgd_graph *graph, const char *function, const char *names, const void *const *pointers, size_t count) {
    if (graph != NULL && graph->status != PGD_OK) return true;
    if (!pgd_lacks(function, names, pointers, count)) return false;
    if (graph != NULL) (void)pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    return true;
}

pgd_status pgd_graph_status(const pgd_graph *graph) {
    PGD_NEED(graph);
    return graph->status == PGD_OK ? PGD_OK : pgd_fail(graph->status, "%s", graph->error);
}

pgd_dtype pgd_value_dtype(const pgd_value *value) { return PGD_LACKS(value) ? (pgd_dtype)0 : value->dtype; }
pgd_symshape pgd_value_shape(const pgd_value *value) { return PGD_LACKS(value) ? (pgd_symshape){0} : value->shape; }

static const struct {
    const char *name;
    int inputs, outputs;
} op_rows[] = {
#define PGD_OP_ROW(NAME, name, inputs, outputs) {#name, inputs, outputs},
    PGD_OP_LIST
#undef PGD_OP_ROW
};

const char *pgd_op_name(pgd_op op) { return (unsigned)op < PGD_OP_COUNT ? op_rows[op].name : "?"; }

int32_t pgd_op_find(const char *name) {
    for (int32_t op = 0; op < PGD_OP_COUNT; op++)
        if (strcmp(op_rows[op].name, name) == 0) return op;
    return -1;
}

int32_t pgd_operation_count(void) { return PGD_OP_PROGRAM; } /* it and what follows are made by the engine and by other programs */

/* What the definition says; elementwise operations and reductions are asked through their own inference. */
static uint32_t accepted_dtypes(pgd_op op) {
    uint32_t accepted = 0;
    if ((pgd_op_defs[op]->flags & (PGD_OPF_ELEMENTWISE | PGD_OPF_REDUCTION)) == 0) return pgd_op_defs[op]->dtypes != 0 ? pgd_op_defs[op]->dtypes : 1u << PGD_F32 | 1u << PGD_F64 | 1u << PGD_F16 | 1u << PGD_BF16;
    for (int d = 0; d < PGD_DTYPE_COUNT; d++) {
        pgd_graph none = {0};
        pgd_value in[3] = {{.dtype = (pgd_dtype)d}, {.dtype = (pgd_dtype)d}, {.dtype = (pgd_dtype)d}}, out = {0}, *inputs[3] = {&in[0], &in[1], &in[2]};
        if (op == PGD_OP_WHERE) in[0].dtype = PGD_BOOL;
        pgd_node node = {.op = op, .input_count = op_rows[op].inputs, .inputs = inputs};
        if (pgd_op_defs[op]->infer(&none, &node, &out) == PGD_OK) accepted |= 1u << d;
    }
    return accepted;
}

pgd_status pgd_operation_info_get(int32_t index, pgd_operation_info *out) {
    PGD_NEED(out);
    memset(out, 0, sizeof *out);
    if (index < 0 || index >= pgd_operation_count()) return pgd_fail(PGD_BAD_ARG, "there is no operation %d; there are %d", index, pgd_operation_count());
    const pgd_op_def *def = pgd_op_defs[index];
    *out = (pgd_operation_info){op_rows[index].name, (def->flags & (PGD_OPF_ELEMENTWISE | PGD_OPF_REDUCTION | PGD_OPF_RANDOM)) != 0, def->grad != NULL, accepted_dtypes((pgd_op)index)};
    return PGD_OK;
}

pgd_cost pgd_op_cost(const pgd_attrs *attrs, pgd_op op, const pgd_tensor *inputs, int32_t input_count, const pgd_tensor *outputs, int32_t output_count) {
    pgd_cost cost = {0};
    pgd_shape in[PGD_MAX_INPUTS] = {0}, out[PGD_MAX_OUTPUTS] = {0};
    for (int32_t i = 0; i < input_count && i < PGD_MAX_INPUTS; i++) {
        in[i] = inputs[i].shape;
        cost.bytes += (double)pgd_shape_elems(in[i]) * (double)pgd_dtype_bytes(inputs[i].dtype);
    }
    for (int32_t i = 0; i < output_count && i < PGD_MAX_OUTPUTS; i++) {
        out[i] = outputs[i].shape;
        cost.bytes += (double)pgd_shape_elems(out[i]) * (double)pgd_dtype_bytes(outputs[i].dtype);
    }
    cost.flops = pgd_op_defs[op]->flops != NULL ? pgd_op_defs[op]->flops(attrs, in, out) : (double)pgd_shape_elems(out[0]);
    return cost;
}

void pgd_recompute_begin(pgd_graph *graph) {
    if (PGD_LACKS(graph)) return;
    if (graph->stretch == 0) graph->stretch = ++graph->stretches;
}

void pgd_recompute_end(pgd_graph *graph) {
    if (!PGD_LACKS(graph)) graph->stretch = 0;
}

static pgd_node *node_create(pgd_graph *graph, pgd_op op, pgd_value *const *inputs, int32_t input_count, int32_t output_count) {
    pgd_node *node = pgd_arena_alloc(&graph->arena, sizeof *node);
    if (node == NULL) return pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while building the graph");
    node->op = op;
    node->stretch = graph->stretch;
    node->inputs = pgd_arena_alloc(&graph->arena, sizeof *node->inputs * (size_t)(input_count + 1));
    node->outputs = pgd_arena_alloc(&graph->arena, sizeof *node->outputs * (size_t)output_count);
    if (node->inputs == NULL || node->outputs == NULL) return pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while building the graph");
    for (int32_t i = 0; i < input_count; i++) node->inputs[i] = inputs[i];
    node->input_count = input_count;
    node->output_count = output_count;
    for (int32_t i = 0; i < output_count; i++) node->outputs[i] = (pgd_value){.node = node, .output = i};
    return node;
}

static pgd_node *node_append(pgd_graph *graph, pgd_node *node) {
    if (!pgd_grow(&graph->nodes, &graph->node_capacity, graph->node_count, sizeof *graph->nodes))
        return pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while building the graph");
    node->id = graph->node_count;
    graph->nodes[graph->node_count++] = node;
    return node;
}

bool pgd_symshape_check(pgd_graph *graph, const char *what, pgd_symshape shape) {
    if (shape.rank == -1) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s: rank -1; pgd_symshape_of and pgd_shape_of take the rank, at most %d, and then as many extents", what, PGD_MAX_RANK), false;
    if (shape.rank < 0 || shape.rank > PGD_MAX_RANK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s: rank %d; use 0 to %d", what, shape.rank, PGD_MAX_RANK), false;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] < -graph->expr_count || shape.dims[i] > (int64_t)1 << 48)
            return pgd_graph_fail(graph, PGD_BAD_ARG, "%s: extent %lld is neither a size nor a symbol of this graph", what, (long long)shape.dims[i]), false;
    return true;
}

bool pgd_graph_owns(const pgd_graph *graph, const pgd_value *value) { return value->node->id < graph->node_count && graph->nodes[value->node->id] == value->node; }

pgd_node *pgd_graph_add_finished(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, const pgd_program *epilogue, pgd_value *const *inputs, int32_t input_count) {
    if (graph->status != PGD_OK) return NULL;
    int32_t own = op_rows[op].inputs;
    if (input_count > PGD_MAX_INPUTS || (own >= 0 && (epilogue == NULL ? input_count != own : input_count < own)))
        return pgd_graph_fail(graph, PGD_BAD_ARG, "%s takes %d inputs, not %d", op_rows[op].name, op_rows[op].inputs, input_count);
    for (int32_t i = 0; i < input_count; i++)
        if (inputs[i] == NULL || !pgd_graph_owns(graph, inputs[i]))
            return pgd_graph_fail(graph, PGD_BAD_ARG, inputs[i] == NULL ? "%s: input %d is NULL" : "%s: input %d is a value of another graph", op_rows[op].name, i);
    if (attrs != NULL && pgd_op_defs[op]->has_dims && !pgd_symshape_check(graph, op_rows[op].name, attrs->dims)) return NULL;
    pgd_node *node = node_create(graph, op, inputs, input_count, op_rows[op].outputs);
    if (node == NULL) return NULL;
    if (attrs != NULL) node->attrs = *attrs;
    node->program = epilogue;
    pgd_status status = pgd_op_defs[op]->infer(graph, node, node->outputs);
    if (status != PGD_OK) return pgd_graph_fail(graph, status, "%s", pgd_error_text());
    return node_append(graph, node);
}

pgd_node *pgd_graph_add(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t input_count) { return pgd_graph_add_finished(graph, op, attrs, NULL, inputs, input_count); }

pgd_value *pgd_graph_op(pgd_graph *graph, pgd_op op, const pgd_attrs *attrs, pgd_value *const *inputs, int32_t input_count) {
    pgd_node *node = pgd_graph_add(graph, op, attrs, inputs, input_count);
    return node == NULL ? NULL : &node->outputs[0];
}

pgd_node *pgd_graph_add_program(pgd_graph *graph, const pgd_program *program, pgd_value *const *inputs, int32_t input_count, const pgd_value *outputs, int32_t output_count) {
    if (graph->status != PGD_OK) return NULL;
    pgd_node *node = node_create(graph, PGD_OP_PROGRAM, inputs, input_count, output_count);
    if (node == NULL) return NULL;
    node->program = program;
    for (int32_t i = 0; i < output_count; i++) {
        node->outputs[i].dtype = outputs[i].dtype;
        node->outputs[i].shape = outputs[i].shape;
    }
    return node_append(graph, node);
}

pgd_value *pgd_graph_leaf(pgd_graph *graph, pgd_op op, const char *name, pgd_dtype dtype, pgd_symshape shape, const void *bytes) {
    if (graph->status != PGD_OK) return NULL;
    if (!pgd_symshape_check(graph, name == NULL ? pgd_op_name(op) : name, shape)) return NULL;
    if ((unsigned)dtype >= PGD_DTYPE_COUNT) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s: %d is no element type", pgd_op_name(op), (int)dtype);
    pgd_node *node = node_create(graph, op, NULL, 0, 1);
    if (node == NULL) return NULL;
    node->outputs[0].dtype = dtype;
    node->outputs[0].shape = shape;
    if (name != NULL && (node->name = pgd_arena_strdup(&graph->arena, name)) == NULL)
        return pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while naming \"%s\"", name);
    if (bytes != NULL) {
        size_t count = (size_t)pgd_symshape_elems(graph, shape) * pgd_dtype_bytes(dtype);
        void *copy = pgd_arena_alloc(&graph->arena, count);
        if (copy == NULL) return pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory: a constant of %zu bytes", count);
        if (count > 0) memcpy(copy, bytes, count);
        node->bytes = copy;
    }
    return node_append(graph, node) == NULL ? NULL : &node->outputs[0];
}

/* Names are shown in the text form, which quotes them. */
static bool name_fits(const char *name) {
    if (name[0] == '\0' || strlen(name) > 200) return false;
    for (const char *c = name; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < 0x20) return false;
    return true;
}

static pgd_value *named_leaf(pgd_graph *graph, pgd_op op, const char *name, pgd_dtype dtype, pgd_symshape shape) {
    if (!name_fits(name))
        return pgd_graph_fail(graph, PGD_BAD_ARG, "%s: a name has 1 to 200 characters without quotes, backslashes and control characters", pgd_op_name(op));
    for (int32_t i = 0; i < graph->node_count; i++) {
        pgd_node *node = graph->nodes[i];
        if (node->op != op || strcmp(node->name, name) != 0) continue;
        if (node->outputs[0].dtype != dtype || !pgd_symshape_equal(node->outputs[0].shape, shape))
            return pgd_graph_fail(graph, PGD_BAD_ARG, "%s \"%s\" exists with another dtype or shape", pgd_op_name(op), name);
        return &node->outputs[0];
    }
    return pgd_graph_leaf(graph, op, name, dtype, shape, NULL);
}

pgd_value *pgd_input(pgd_graph *graph, const char *name, pgd_dtype dtype, pgd_symshape shape) {
    return PGD_GRAPH_LACKS(graph, name) ? NULL : named_leaf(graph, PGD_OP_INPUT, name, dtype, shape);
}

pgd_value *pgd_param(pgd_graph *graph, const char *name, pgd_dtype dtype, pgd_symshape shape) {
    if (PGD_GRAPH_LACKS(graph, name)) return NULL;
    if (!pgd_symshape_constant(shape)) return pgd_graph_fail(graph, PGD_BAD_ARG, "param \"%s\": the shape of a state tensor cannot be symbolic", name);
    return named_leaf(graph, PGD_OP_PARAM, name, dtype, shape);
}

pgd_value *pgd_constant(pgd_graph *graph, pgd_dtype dtype, pgd_shape shape, const void *bytes) {
    if (PGD_GRAPH_LACKS(graph, bytes)) return NULL;
    if (!pgd_shape_valid(shape)) return pgd_graph_fail(graph, PGD_BAD_ARG, "constant: this is no shape; rank 0 to %d, extents at least 0, fewer than 2^48 elements", PGD_MAX_RANK);
    return pgd_graph_leaf(graph, PGD_OP_CONSTANT, NULL, dtype, pgd_symshape_from(shape), bytes);
}

pgd_value *pgd_scalar(pgd_graph *graph, pgd_dtype dtype, double value) { return PGD_GRAPH_LACKS(graph) ? NULL : pgd_fill(graph, dtype, (pgd_symshape){0}, value); }

static void add_named(pgd_graph *graph, pgd_named **list, int32_t *count, int32_t *capacity, const char *what, const char *name, pgd_value *value) {
    if (!pgd_graph_owns(graph, value)) {
        pgd_graph_fail(graph, PGD_BAD_ARG, "%s \"%s\" is a value of another graph", what, name);
        return;
    }
    if (!name_fits(name)) {
        pgd_graph_fail(graph, PGD_BAD_ARG, "%s: a name has 1 to 200 characters without quotes, backslashes and control characters", what);
        return;
    }
    for (int32_t i = 0; i < *count; i++)
        if (strcmp((*list)[i].name, name) == 0) {
            pgd_graph_fail(graph, PGD_BAD_ARG, "%s \"%s\" exists already; give each its own name", what, name);
            return;
        }
    char *copy = pgd_arena_strdup(&graph->arena, name);
    if (copy == NULL || !pgd_grow(list, capacity, *count, sizeof **list)) {
        pgd_graph_fail(graph, PGD_NO_MEMORY, "out of memory while naming \"%s\"", name);
        return;
    }
    (*list)[(*count)++] = (pgd_named){copy, value};
}

void pgd_output(pgd_graph *graph, const char *name, pgd_value *value) {
    if (PGD_GRAPH_LACKS(graph, name, value)) return;
    add_named(graph, &graph->outputs, &graph->output_count, &graph->output_capacity, "output", name, value);
}

void pgd_update(pgd_graph *graph, const char *name, pgd_value *value) {
    if (PGD_GRAPH_LACKS(graph, name, value)) return;
    for (int32_t i = 0; i < graph->node_count; i++) {
        const pgd_node *node = graph->nodes[i];
        if (node->op != PGD_OP_PARAM || strcmp(node->name, name) != 0) continue;
        if (node->outputs[0].dtype == value->dtype && pgd_symshape_equal(node->outputs[0].shape, value->shape)) {
            add_named(graph, &graph->updates, &graph->update_count, &graph->update_capacity, "update", name, value);
            return;
        }
        char want[128], got[128];
        pgd_graph_fail(graph, PGD_BAD_ARG, "update \"%s\": the state tensor is %s%s, the value %s%s", name, pgd_dtype_name(node->outputs[0].dtype),
                       pgd_symshape_text(graph, node->outputs[0].shape, want, sizeof want), pgd_dtype_name(value->dtype), pgd_symshape_text(graph, value->shape, got, sizeof got));
        return;
    }
    pgd_graph_fail(graph, PGD_BAD_ARG, "update \"%s\": no param of that name was made in this graph", name);
}

void pgd_text_free(char *text) { pgd_mem_free(text); }
