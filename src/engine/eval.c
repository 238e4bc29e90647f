/* SPDX-License-Identifier: Apache-2.0
 * A value at once: what it needs is cut out of its graph with constants turned into inputs, so that its text names its structure alone;
 * plans are kept under that text. */
#include <stdio.h>
#include <string.h>

#include "engine_internal.h"
#include "passes.h"

typedef struct cached_plan {
    char *text;
    pgd_plan *plan;
    uint64_t last_used;
} cached_plan;

struct pgd_evaluator {
    pgd_device *device;
    pgd_progress progress;
    cached_plan *plans;
    int32_t count, limit;
    uint64_t clock, found, compiled;
};

pgd_status pgd_evaluator_create(pgd_device *device, int32_t plans, const pgd_progress *progress, pgd_evaluator **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    pgd_evaluator *e = pgd_mem_zalloc(sizeof *e);
    if (e == NULL) return pgd_fail_memory(sizeof *e);
    e->device = device;
    if (progress != NULL) e->progress = *progress;
    e->limit = plans <= 0 ? 64 : plans;
    e->plans = pgd_mem_zalloc(sizeof *e->plans * (size_t)e->limit);
    if (e->plans == NULL) {
        pgd_mem_free(e);
        return pgd_fail_memory(sizeof *e->plans * (size_t)plans);
    }
    *out = e;
    return PGD_OK;
}

static void forget(cached_plan *p) {
    pgd_mem_free(p->text);
    pgd_plan_destroy(p->plan);
    *p = (cached_plan){0};
}

void pgd_evaluator_destroy(pgd_evaluator *e) {
    if (e == NULL) return;
    for (int32_t i = 0; i < e->count; i++) forget(&e->plans[i]);
    pgd_mem_free(e->plans);
    pgd_mem_free(e);
}

void pgd_evaluator_counts(const pgd_evaluator *evaluator, uint64_t *found, uint64_t *compiled) {
    bool lacks = PGD_LACKS(evaluator);
    if (found != NULL) *found = lacks ? 0 : evaluator->found;
    if (compiled != NULL) *compiled = lacks ? 0 : evaluator->compiled;
}

static pgd_status cut_node(pgd_graph *to, const pgd_node *node, pgd_value **map) {
    pgd_value *inputs[PGD_MAX_INPUTS];
    const pgd_value *v = &node->outputs[0];
    char name[32];
    if (node->op == PGD_OP_INPUT) return pgd_fail(PGD_BAD_ARG, "eval: the value depends on input \"%s\"; evaluate through a plan and a run", node->name);
    if (node->op == PGD_OP_CONSTANT || node->op == PGD_OP_PARAM) {
        snprintf(name, sizeof name, "constant %d", to->node_count);
        map[node->id * PGD_MAX_OUTPUTS] = node->op == PGD_OP_PARAM ? pgd_param(to, node->name, v->dtype, v->shape) : pgd_input(to, name, v->dtype, v->shape);
        return pgd_graph_status(to);
    }
    for (int32_t i = 0; i < node->input_count; i++) inputs[i] = map[node->inputs[i]->node->id * PGD_MAX_OUTPUTS + node->inputs[i]->output];
    pgd_node *copy = pgd_graph_add(to, node->op, &node->attrs, inputs, node->input_count);
    if (copy == NULL) return pgd_graph_status(to);
    for (int32_t k = 0; k < node->output_count; k++) map[node->id * PGD_MAX_OUTPUTS + k] = &copy->outputs[k];
    return PGD_OK;
}

static void mark_needed(const pgd_value *value, bool *live, const pgd_graph *graph) {
    live[value->node->id] = true;
    for (int32_t i = value->node->id; i >= 0; i--)
        for (int32_t k = 0; live[i] && k < graph->nodes[i]->input_count; k++) live[graph->nodes[i]->inputs[k]->node->id] = true;
}

static pgd_status cut(const pgd_graph *graph, const pgd_value *value, const bool *live, pgd_value **map, pgd_graph *to) {
    for (int32_t i = 0; i <= value->node->id; i++)
        if (live[i]) PGD_TRY(cut_node(to, graph->nodes[i], map));
    pgd_output(to, "value", map[value->node->id * PGD_MAX_OUTPUTS + value->output]);
    return pgd_graph_status(to);
}

static pgd_status plan_for(pgd_evaluator *e, const pgd_graph *graph, char *text, pgd_plan **out) {
    for (int32_t i = 0; i < e->count; i++)
        if (strcmp(e->plans[i].text, text) == 0) {
            e->found++;
            e->plans[i].last_used = ++e->clock;
            *out = e->plans[i].plan;
            pgd_text_free(text);
            return PGD_OK;
        }
    pgd_plan *plan;
    pgd_plan_options options;
    pgd_plan_options_init(&options, sizeof options);
    options.progress = e->progress;
    pgd_status status = pgd_plan_compile(e->device, graph, &options, &plan);
    if (status != PGD_OK) {
        pgd_text_free(text);
        return status;
    }
    int32_t slot = e->count;
    if (slot == e->limit) {
        slot = 0;
        for (int32_t i = 1; i < e->count; i++)
            if (e->plans[i].last_used < e->plans[slot].last_used) slot = i;
        forget(&e->plans[slot]);
    } else
        e->count++;
    e->plans[slot] = (cached_plan){text, plan, ++e->clock};
    e->compiled++;
    *out = plan;
    return PGD_OK;
}

static pgd_status run_value(pgd_plan *plan, const pgd_graph *graph, const bool *live, pgd_value *const *map, pgd_state *state, void *to, uint64_t bytes) {
    pgd_run *run;
    PGD_TRY(pgd_run_create(plan, state, &run));
    pgd_status status = PGD_OK;
    for (int32_t i = 0; status == PGD_OK && i < graph->node_count; i++) {
        const pgd_node *node = graph->nodes[i];
        if (!live[i] || node->op != PGD_OP_CONSTANT) continue;
        const pgd_value *input = map[i * PGD_MAX_OUTPUTS];
        pgd_shape shape = {.rank = input->shape.rank};
        memcpy(shape.dims, input->shape.dims, sizeof shape.dims);
        bool needed = false; /* simplification may have found that it is not */
        for (int32_t k = 0; k < plan->input_count; k++) needed = needed || strcmp(plan->inputs[k]->name, input->node->name) == 0;
        if (needed) status = pgd_run_set(run, input->node->name, shape, node->bytes);
    }
    if (status == PGD_OK) status = pgd_run_execute(run);
    if (status == PGD_OK) status = pgd_run_get(run, "value", to, bytes);
    pgd_run_destroy(run);
    return status;
}

pgd_status pgd_eval(pgd_evaluator *evaluator, const pgd_graph *graph, const pgd_value *value, pgd_state *state, void *to, uint64_t bytes) {
    pgd_graph *part = NULL;
    pgd_plan *plan;
    char *text;
    PGD_NEED(evaluator, graph);
    PGD_TRY(pgd_graph_status(graph));
    PGD_NEED(value);
    if (bytes > 0) PGD_NEED(to);
    if (!pgd_graph_owns(graph, value)) return pgd_fail(PGD_BAD_ARG, "eval: the value is one of another graph");
    if (!pgd_symshape_constant(value->shape)) return pgd_fail(PGD_BAD_ARG, "eval: the value has symbolic extents; evaluate through a plan and a run");
    bool *live = pgd_mem_zalloc((size_t)graph->node_count + 1);
    pgd_value **map = pgd_mem_zalloc((size_t)(graph->node_count + 1) * PGD_MAX_OUTPUTS * sizeof *map);
    pgd_status status = live == NULL || map == NULL ? pgd_fail_memory((size_t)graph->node_count) : pgd_graph_create_like(graph, &part);
    if (status == PGD_OK) {
        mark_needed(value, live, graph);
        status = cut(graph, value, live, map, part);
    }
    if (status == PGD_OK) status = pgd_graph_print(part, &text);
    if (status == PGD_OK) status = plan_for(evaluator, part, text, &plan);
    if (status == PGD_OK) status = run_value(plan, graph, live, map, state, to, bytes);
    pgd_graph_destroy(part);
    pgd_mem_free(live);
    pgd_mem_free(map);
    return status;
}
