/* SPDX-License-Identifier: Apache-2.0
 * Where the time of a run goes. A line per operation of the plan and kernel, that lasts while shapes change: another size adds to the same line, unless
 * another kernel takes it. */
#include <string.h>

#include "engine_internal.h"

/* Of the whole operation. */
static pgd_cost cost_of(const pgd_graph *graph, const pgd_instance *instance, const pgd_step *step) {
    if (step->node < 0) return (pgd_cost){.bytes = 2.0 * (double)step->bytes};
    const pgd_node *node = graph->nodes[step->node];
    pgd_tensor inputs[PGD_MAX_INPUTS] = {0}, outputs[PGD_MAX_OUTPUTS] = {0};
    for (int32_t i = 0; i < node->input_count; i++) {
        const pgd_desc *desc = &instance->descs[node->inputs[i]->node->id * PGD_MAX_OUTPUTS + node->inputs[i]->output];
        inputs[i] = (pgd_tensor){desc->dtype, desc->shape, NULL};
    }
    for (int32_t i = 0; i < node->output_count; i++) {
        const pgd_desc *desc = &instance->descs[node->id * PGD_MAX_OUTPUTS + i];
        outputs[i] = (pgd_tensor){desc->dtype, desc->shape, NULL};
    }
    pgd_cost cost = pgd_op_cost(&node->attrs, node->op, inputs, node->input_count, outputs, node->output_count);
    if (node->op == PGD_OP_PROGRAM) cost.flops *= (double)node->program->instr_count;
    return cost;
}

static pgd_profile_line *line_of(pgd_profile *profile, const pgd_step *step) {
    for (int32_t i = 0; i < profile->line_count; i++) {
        pgd_profile_line *line = &profile->lines[i];
        if (line->node == step->node && line->row == step->row) return line;
    }
    if (!pgd_grow(&profile->lines, &profile->line_capacity, profile->line_count, sizeof *profile->lines)) return NULL;
    pgd_profile_line *line = &profile->lines[profile->line_count++];
    *line = (pgd_profile_line){.node = step->node, .row = step->row};
    return line;
}

pgd_status pgd_profile_bind(pgd_profile *profile, const pgd_graph *graph, const pgd_instance *instance) {
    profile->bound = NULL;
    size_t bytes = sizeof *profile->steps * (size_t)(instance->step_count + 1);
    pgd_profile_step *steps = pgd_mem_resize(profile->steps, bytes);
    if (steps == NULL) return pgd_fail_memory(bytes);
    profile->steps = steps;
    for (int32_t i = 0; i < instance->step_count; i++) {
        const pgd_step *step = &instance->steps[i];
        pgd_profile_line *line = line_of(profile, step);
        if (line == NULL) return pgd_fail_memory(sizeof *line);
        bool first = i == 0 || instance->steps[i - 1].node != step->node;
        steps[i] = (pgd_profile_step){(int32_t)(line - profile->lines), first, first || step->node < 0 ? cost_of(graph, instance, step) : (pgd_cost){0}};
    }
    profile->bound = instance;
    return PGD_OK;
}

void pgd_profile_add(pgd_profile *profile, int32_t step, uint64_t ns) {
    pgd_profile_line *line = &profile->lines[profile->steps[step].line];
    line->ns += ns;
    line->calls += profile->steps[step].first;
    line->flops += profile->steps[step].cost.flops;
    line->bytes += profile->steps[step].cost.bytes;
}

void pgd_profile_read(const pgd_profile *profile, const pgd_graph *graph, int32_t index, pgd_step_profile *out) {
    const pgd_profile_line *line = &profile->lines[index];
    double calls = line->calls == 0 ? 1 : (double)line->calls;
    *out = (pgd_step_profile){.operation = "copy", .kernel = "copy", .ns = line->ns, .calls = line->calls, .flops = line->flops / calls, .bytes = line->bytes / calls};
    if (line->node < 0) return;
    out->operation = pgd_op_name(graph->nodes[line->node]->op);
    out->kernel = line->row->name;
}

void pgd_profile_clear(pgd_profile *profile) {
    pgd_mem_free(profile->lines);
    pgd_mem_free(profile->steps);
    *profile = (pgd_profile){0};
}
