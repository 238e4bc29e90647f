/* SPDX-License-Identifier: Apache-2.0
 * The text form of a graph, one value per line:
 *
 *   symbol N 1 1024
 *   %0 = input "x" : f32[N,784]
 *   %1 = param "w" : f32[10,784]
 *   %2 = matmul %0 %1 {transpose_a=0 transpose_b=1} : f32[N,10]
 *   output "y" %2
 *
 * Numbers with a fraction are written as hexadecimal floats, so that reading back loses nothing. */
#include <graph_share.h>
#include <string.h>

/* Next name of a blank-separated list; false at its end. */
static bool next_name(const char **list, char *out, size_t out_bytes) {
    while (**list == ' ') (*list)++;
    size_t count = strcspn(*list, " ");
    if (count == 0 || count >= out_bytes) return false;
    memcpy(out, *list, count);
    out[count] = '\0';
    *list += count;
    return true;
}

static void print_attrs(const pgd_graph *graph, const pgd_node *node, pgd_text *text) {
    const pgd_op_def *def = pgd_op_defs[node->op];
    const char *ints = def->int_names != NULL ? def->int_names : "", *floats = def->float_names != NULL ? def->float_names : "";
    char name[32];
    if (def->int_names == NULL && def->float_names == NULL && !def->has_dims) return;
    pgd_text_add(text, " {");
    for (int i = 0; next_name(&ints, name, sizeof name); i++) pgd_text_add(text, "%s%s=%lld", i > 0 ? " " : "", name, (long long)node->attrs.ints[i]);
    for (int i = 0; next_name(&floats, name, sizeof name); i++) pgd_text_add(text, "%s%s=%a", i > 0 || def->int_names != NULL ? " " : "", name, node->attrs.floats[i]);
    if (def->has_dims) {
        pgd_text_add(text, "%sdims=", def->int_names != NULL || def->float_names != NULL ? " " : "");
        pgd_symshape_print(graph, node->attrs.dims, text);
    }
    pgd_text_add(text, "}");
}

static void print_constant(const pgd_graph *graph, const pgd_node *node, pgd_text *text) {
    pgd_tensor tensor = {node->outputs[0].dtype, {.rank = node->outputs[0].shape.rank}, (void *)(uintptr_t)node->bytes};
    memcpy(tensor.shape.dims, node->outputs[0].shape.dims, sizeof tensor.shape.dims);
    pgd_text_add(text, " (");
    for (int64_t i = 0, n = pgd_shape_elems(tensor.shape); i < n; i++) {
        if (tensor.dtype == PGD_I64)
            pgd_text_add(text, "%s%lld", i > 0 ? " " : "", (long long)((const int64_t *)node->bytes)[i]);
        else
            pgd_text_add(text, tensor.dtype == PGD_F32 || tensor.dtype == PGD_F64 || tensor.dtype == PGD_F16 || tensor.dtype == PGD_BF16 ? "%s%a" : "%s%.0f", i > 0 ? " " : "", pgd_tensor_get(&tensor, i));
    }
    pgd_text_add(text, ")");
}

static void print_program(const pgd_graph *graph, const pgd_program *program, pgd_text *text) {
    pgd_text_add(text, " <");
    pgd_symshape_print(graph, program->space, text);
    for (int32_t i = 0; i < program->instr_count; i++) {
        const pgd_instr *instr = &program->instrs[i];
        pgd_text_add(text, " r%d=%s", i, pgd_op_name(instr->op));
        if (instr->op == PGD_OP_INPUT) pgd_text_add(text, " i%d", instr->input);
        if (instr->op == PGD_OP_FILL) pgd_text_add(text, " %g", instr->imm);
        if (instr->op == PGD_OP_CAST) pgd_text_add(text, " %s", pgd_dtype_name((pgd_dtype)instr->imm));
        if (instr->op == PGD_OP_DIM_SIZE) pgd_symshape_print(graph, instr->dims, text);
        if (instr->op == PGD_OP_UNIFORM || instr->op == PGD_OP_NORMAL) pgd_text_add(text, " i%d stream=%d", instr->input, instr->stream);
        for (int32_t k = 0; k < 3 && instr->args[k] >= 0; k++) pgd_text_add(text, " r%d", instr->args[k]);
        pgd_text_add(text, ";");
    }
    if (program->reduce >= 0) pgd_text_add(text, " %s axes=%u", pgd_op_name((pgd_op)program->reduce), program->reduce_axes);
    pgd_text_add(text, " ->");
    for (int32_t i = 0; i < program->output_count; i++) pgd_text_add(text, " r%d", program->outputs[i]);
    pgd_text_add(text, ">");
}

static void print_node(const pgd_graph *graph, const pgd_node *node, int32_t first_id, pgd_text *text) {
    for (int32_t k = 0; k < node->output_count; k++) pgd_text_add(text, "%s%%%d", k > 0 ? ", " : "", first_id + k);
    pgd_text_add(text, " = %s", pgd_op_name(node->op));
    if (node->name != NULL) pgd_text_add(text, " \"%s\"", node->name);
    if (node->op == PGD_OP_CUSTOM) pgd_text_add(text, " \"%s\" table=%p", node->attrs.custom->name, (const void *)node->attrs.custom); /* two of one name are told apart */
    for (int32_t k = 0; k < node->input_count; k++) pgd_text_add(text, " %%%d", node->inputs[k]->id);
    if (node->op == PGD_OP_CONSTANT) print_constant(graph, node, text);
    print_attrs(graph, node, text);
    if (node->program != NULL) print_program(graph, node->program, text);
    for (int32_t k = 0; k < node->output_count; k++) {
        pgd_text_add(text, k == 0 ? " : %s" : ", %s", pgd_dtype_name(node->outputs[k].dtype));
        pgd_symshape_print(graph, node->outputs[k].shape, text);
    }
    pgd_text_add(text, "\n");
}

pgd_status pgd_graph_print(const pgd_graph *graph, char **out) {
    pgd_text text = {0};
    int32_t id = 0;
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    pgd_text_add(&text, "pagoda graph 1\n");
    for (int32_t i = 0; i < graph->symbol_count; i++) pgd_text_add(&text, "symbol %s %lld %lld\n", graph->symbols[i].name, (long long)graph->symbols[i].lo, (long long)graph->symbols[i].hi);
    for (int32_t i = 0; i < graph->node_count; i++) {
        pgd_node *node = graph->nodes[i];
        for (int32_t k = 0; k < node->output_count; k++) node->outputs[k].id = id + k;
        print_node(graph, node, id, &text);
        id += node->output_count;
    }
    for (int32_t i = 0; i < graph->output_count; i++) pgd_text_add(&text, "output \"%s\" %%%d\n", graph->outputs[i].name, graph->outputs[i].value->id);
    for (int32_t i = 0; i < graph->update_count; i++) pgd_text_add(&text, "update \"%s\" %%%d\n", graph->updates[i].name, graph->updates[i].value->id);
    if (text.failed) {
        pgd_mem_free(text.chars);
        return pgd_fail_memory(text.capacity);
    }
    *out = text.chars;
    return PGD_OK;
}
