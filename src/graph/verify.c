/* SPDX-License-Identifier: Apache-2.0
 * The rules every graph obeys, checked by inferring everything again. The engine runs this between its passes in debug builds. */
#include <graph_share.h>
#include <string.h>

static pgd_status broken(const pgd_node *node, const char *rule) {
    return pgd_fail(PGD_INTERNAL, "graph: node %d (%s) breaks a rule: %s", node->id, pgd_op_name(node->op), rule);
}

static pgd_status verify_program(const pgd_graph *graph, const pgd_node *node) {
    const pgd_program *p = node->program;
    bool epilogue = node->op != PGD_OP_PROGRAM;
    if (p->instr_count < 1 || p->instr_count > PGD_PROGRAM_INSTRS || p->output_count != node->output_count) return broken(node, "a program has 1 to 64 instructions and as many outputs as its node");
    if (p->reduce >= 0 && p->output_count != 1) return broken(node, "a program that reduces has one output");
    for (int32_t i = 0; i < p->instr_count; i++) {
        const pgd_instr *instr = &p->instrs[i];
        bool reads = instr->op == PGD_OP_INPUT || instr->op == PGD_OP_UNIFORM || instr->op == PGD_OP_NORMAL;
        bool leaf = reads || instr->op == PGD_OP_FILL || instr->op == PGD_OP_DIM_SIZE;
        if (!leaf && (pgd_op_defs[instr->op]->flags & PGD_OPF_ELEMENTWISE) == 0) return broken(node, "an instruction is neither a leaf nor elementwise");
        if (reads && !(instr->input == -1 && epilogue && i == 0) && (instr->input < 0 || instr->input >= node->input_count)) return broken(node, "an instruction reads an input that is not there");
        if (instr->op == PGD_OP_CAST && instr->imm != PGD_F32 && instr->imm != PGD_BOOL && instr->imm != PGD_U8 && instr->imm != PGD_F16 && instr->imm != PGD_BF16)
            return broken(node, "a cast inside a program is to f32, f16, bf16, bool or u8");
        for (int32_t k = 0; k < 3 && !leaf; k++)
            if (instr->args[k] >= i) return broken(node, "an argument comes before it is computed");
        if (instr->op != PGD_OP_INPUT || instr->input < 0) continue;
        pgd_symshape shape = node->inputs[instr->input]->shape;
        if (shape.rank != p->space.rank) return broken(node, "an input has another rank than the program's space");
        for (int32_t d = 0; d < shape.rank; d++)
            if (shape.dims[d] != 1 && shape.dims[d] != p->space.dims[d]) return broken(node, "an input does not broadcast to the program's space");
    }
    for (int32_t k = 0; k < p->output_count; k++)
        if (p->outputs[k] < 0 || p->outputs[k] >= p->instr_count) return broken(node, "an output names no register");
    return PGD_OK;
}

static pgd_status verify_inference(pgd_graph *graph, pgd_node *node) {
    pgd_value fresh[PGD_MAX_OUTPUTS] = {0};
    PGD_TRY(pgd_op_defs[node->op]->infer(graph, node, fresh));
    for (int32_t k = 0; k < node->output_count; k++)
        if (fresh[k].dtype != node->outputs[k].dtype || !pgd_symshape_equal(fresh[k].shape, node->outputs[k].shape)) return broken(node, "dtype and shape follow from the inputs");
    return PGD_OK;
}

pgd_status pgd_graph_verify(const pgd_graph *graph) {
    PGD_NEED(graph);
    PGD_TRY(pgd_graph_status(graph));
    for (int32_t i = 0; i < graph->node_count; i++) {
        pgd_node *node = graph->nodes[i];
        if (node->id != i) return broken(node, "ids are positions");
        for (int32_t k = 0; k < node->input_count; k++) {
            const pgd_value *in = node->inputs[k];
            if (in == NULL || in->node->id >= i || graph->nodes[in->node->id] != in->node) return broken(node, "inputs are earlier values of the same graph");
        }
        if (node->program != NULL) PGD_TRY(verify_program(graph, node));
        if (node->program == NULL && (pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) == 0) PGD_TRY(verify_inference((pgd_graph *)(uintptr_t)graph, node));
    }
    return PGD_OK;
}
