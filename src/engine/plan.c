/* SPDX-License-Identifier: Apache-2.0
 * Compiling: passes over the graph, constants onto the device, numbers for inputs and params; and the bounded cache of instances. */
#include <string.h>

#include "engine_internal.h"
#include "passes.h"

void pgd_plan_options_init(pgd_plan_options *options, size_t struct_bytes) {
    const pgd_plan_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .instances = 16};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

static pgd_status run_passes(const pgd_graph *graph, const pgd_plan_options *o, pgd_graph **out) {
    pgd_graph *wide = NULL, *simple = NULL;
    PGD_TRY(pgd_progress_report(&o->progress, "simplifying", 0));
    if (pgd_needs_widening(graph)) PGD_TRY(pgd_pass_widen(graph, &wide));
    pgd_status status = pgd_pass_simplify(wide != NULL ? wide : graph, pgd_expands_for_kernels, &simple);
    pgd_graph_destroy(wide);
    PGD_TRY(status);
    status = pgd_progress_report(&o->progress, "fusing", 0.3);
    if (status == PGD_OK) status = pgd_graph_verify(simple);
    if (status == PGD_OK) status = pgd_pass_fuse(simple, o->no_fusion, out);
    pgd_graph_destroy(simple);
    if (status != PGD_OK) return status;
    status = pgd_graph_verify(*out);
    if (status == PGD_OK) status = pgd_progress_report(&o->progress, "placing constants", 0.8);
    return status;
}

static pgd_status number_leaves(pgd_plan *plan) {
    const pgd_graph *g = plan->graph;
    size_t count = (size_t)g->node_count + 1;
    plan->slots = pgd_mem_zalloc(count * sizeof *plan->slots);
    plan->inputs = pgd_mem_zalloc(count * sizeof *plan->inputs);
    plan->params = pgd_mem_zalloc(count * sizeof *plan->params);
    plan->constant_offsets = pgd_mem_zalloc(count * sizeof *plan->constant_offsets);
    if (plan->slots == NULL || plan->inputs == NULL || plan->params == NULL || plan->constant_offsets == NULL) return pgd_fail_memory(count * 32);
    for (int32_t i = 0; i < g->node_count; i++) {
        if (g->nodes[i]->op == PGD_OP_INPUT) plan->slots[i] = plan->input_count, plan->inputs[plan->input_count++] = g->nodes[i];
        if (g->nodes[i]->op == PGD_OP_PARAM) plan->slots[i] = plan->param_count, plan->params[plan->param_count++] = g->nodes[i];
    }
    return PGD_OK;
}

static uint64_t constant_bytes(const pgd_node *node) {
    uint64_t bytes = pgd_dtype_bytes(node->outputs[0].dtype);
    for (int32_t d = 0; d < node->outputs[0].shape.rank; d++) bytes *= (uint64_t)node->outputs[0].shape.dims[d];
    return bytes;
}

static pgd_status place_constants(pgd_plan *plan) {
    const pgd_graph *g = plan->graph;
    uint64_t total = 0;
    for (int32_t i = 0; i < g->node_count; i++) {
        if (g->nodes[i]->op != PGD_OP_CONSTANT) continue;
        plan->constant_offsets[i] = total;
        total += (constant_bytes(g->nodes[i]) + 63) / 64 * 64;
    }
    if (total == 0) return PGD_OK;
    PGD_TRY(pgd_buffer_create(plan->device, total, &plan->constants));
    for (int32_t i = 0; i < g->node_count; i++)
        if (g->nodes[i]->op == PGD_OP_CONSTANT) PGD_TRY(pgd_buffer_write(plan->constants, plan->constant_offsets[i], g->nodes[i]->bytes, constant_bytes(g->nodes[i])));
    return PGD_OK;
}

static pgd_status compile(pgd_plan *plan, const pgd_graph *graph, const pgd_plan_options *o) {
    PGD_TRY(run_passes(graph, o, &plan->graph));
    PGD_TRY(number_leaves(plan));
    PGD_TRY(place_constants(plan));
    /* without symbols the one instance is made now, so that missing kernels show at once */
    if (plan->graph->symbol_count > 0) return PGD_OK;
    pgd_instance *instance;
    PGD_TRY(pgd_instance_acquire(plan, NULL, &instance));
    pgd_instance_release(plan, instance);
    return PGD_OK;
}

pgd_status pgd_plan_compile(pgd_device *device, const pgd_graph *graph, const pgd_plan_options *options, pgd_plan **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device, graph);
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_plan_options"));
    PGD_TRY(pgd_graph_status(graph));
    if (graph->output_count == 0 && graph->update_count == 0) return pgd_fail(PGD_BAD_ARG, "the graph has no outputs and no updates; name one with pgd_output");
    pgd_plan *plan = pgd_mem_zalloc(sizeof *plan);
    if (plan == NULL) return pgd_fail_memory(sizeof *plan);
    plan->device = device;
    plan->strict = o.strict;
    plan->instance_limit = o.instances <= 0 ? 16 : o.instances > PGD_MAX_INSTANCES ? PGD_MAX_INSTANCES : o.instances;
    pthread_mutex_init(&plan->lock, NULL);
    pgd_status status = compile(plan, graph, &o);
    if (status != PGD_OK) {
        pgd_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return PGD_OK;
}

void pgd_plan_destroy(pgd_plan *plan) {
    if (plan == NULL) return;
    for (int32_t i = 0; i < plan->instance_count; i++) pgd_instance_destroy(plan->instances[i]);
    pgd_buffer_destroy(plan->constants);
    pgd_mem_free(plan->slots);
    pgd_mem_free(plan->inputs);
    pgd_mem_free(plan->params);
    pgd_mem_free(plan->constant_offsets);
    pgd_graph_destroy(plan->graph);
    pthread_mutex_destroy(&plan->lock);
    pgd_mem_free(plan);
}

/* ---- instances: a bounded cache, least recently used first out; those in use stay ---------------------------------------------------------------- */

static pgd_instance *find(pgd_plan *plan, const int64_t *symbols) {
    size_t bytes = sizeof *symbols * (size_t)plan->graph->symbol_count;
    for (int32_t i = 0; i < plan->instance_count; i++)
        if (bytes == 0 || memcmp(plan->instances[i]->symbols, symbols, bytes) == 0) return plan->instances[i];
    return NULL;
}

static void evict(pgd_plan *plan) {
    while (plan->instance_count >= plan->instance_limit) {
        int32_t oldest = -1;
        for (int32_t i = 0; i < plan->instance_count; i++)
            if (plan->instances[i]->users == 0 && (oldest < 0 || plan->instances[i]->last_used < plan->instances[oldest]->last_used)) oldest = i;
        if (oldest < 0) return;
        pgd_instance_destroy(plan->instances[oldest]);
        plan->instances[oldest] = plan->instances[--plan->instance_count];
    }
}

static pgd_status acquire(pgd_plan *plan, const int64_t *symbols, pgd_instance **out) {
    pgd_instance *instance = find(plan, symbols);
    if (instance == NULL) {
        evict(plan);
        if (plan->instance_count == PGD_MAX_INSTANCES) return pgd_fail(PGD_BAD_STATE, "%d shapes of one plan are in use at once; destroy some runs", PGD_MAX_INSTANCES);
        PGD_TRY(pgd_instance_create(plan, symbols, &instance));
        plan->instances[plan->instance_count++] = instance;
    }
    instance->users++;
    instance->last_used = ++plan->clock;
    *out = instance;
    return PGD_OK;
}

pgd_status pgd_instance_acquire(pgd_plan *plan, const int64_t *symbols, pgd_instance **out) {
    *out = NULL;
    pthread_mutex_lock(&plan->lock);
    pgd_status status = acquire(plan, symbols, out);
    pthread_mutex_unlock(&plan->lock);
    return status;
}

void pgd_instance_release(pgd_plan *plan, pgd_instance *instance) {
    if (instance == NULL) return;
    pthread_mutex_lock(&plan->lock);
    instance->users--;
    pthread_mutex_unlock(&plan->lock);
}

/* ---- printing -------------------------------------------------------------------------------------------------------------------------------------- */

static const char *const segment_names[] = {"-", "constant", "state", "input", "output", "work"};
static const char *const step_names[] = {
#define X(NAME, name) #name,
    PGD_STEP_KIND_LIST(X)
#undef X
};

static void print_instance(const pgd_plan *plan, const pgd_instance *instance, pgd_text *text) {
    pgd_text_add(text, "\ninstance");
    for (int32_t i = 0; i < plan->graph->symbol_count; i++) pgd_text_add(text, " %s=%lld", plan->graph->symbols[i].name, (long long)instance->symbols[i]);
    pgd_text_add(text, ": %d steps, %llu bytes of workspace\n", instance->step_count, (unsigned long long)instance->workspace_bytes);
    for (int32_t i = 0; i < instance->step_count; i++) {
        const pgd_step *step = &instance->steps[i];
        pgd_text_add(text, "  %3d queue %d %s %s %s", i, step->queue, step_names[step->kind], step->node < 0 ? "" : pgd_op_name(plan->graph->nodes[step->node]->op), step->row == NULL ? "" : step->row->name);
        if (step->kind == PGD_STEP_LAUNCH) pgd_text_add(text, " x%lld", (long long)step->launch.chunks);
        for (int32_t k = 0; k < step->operand_count; k++)
            pgd_text_add(text, " %s%d+%llu", segment_names[step->operands[k].segment], step->operands[k].index, (unsigned long long)step->operands[k].offset_bytes);
        pgd_text_add(text, "\n");
    }
}

pgd_status pgd_plan_print(pgd_plan *plan, char **out) {
    pgd_text text = {0};
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(plan);
    pthread_mutex_lock(&plan->lock); /* printing numbers the values of the graph, which all threads share */
    pgd_status status = pgd_graph_print(plan->graph, out);
    if (status != PGD_OK) {
        pthread_mutex_unlock(&plan->lock);
        return status;
    }
    pgd_text_add(&text, "%s", *out);
    pgd_text_free(*out);
    *out = NULL;
    for (int32_t i = 0; i < plan->instance_count; i++) print_instance(plan, plan->instances[i], &text);
    pthread_mutex_unlock(&plan->lock);
    if (text.failed) {
        pgd_mem_free(text.chars);
        return pgd_fail_memory(text.capacity);
    }
    *out = text.chars;
    return PGD_OK;
}
