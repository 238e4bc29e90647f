/* SPDX-License-Identifier: Apache-2.0
 * Binding extents: every value gets a concrete shape, every node a kernel whose jobs become steps, every piece of storage a place.
 *
 * Storage: a value lies in the storage of its root (a reshape in that of its input). Leaves lie in their segments; a named output in its
 * output buffer; an updated state tensor directly in the state, when no one reads the old contents later; the rest in the workspace, where
 * an elementwise result takes over the memory of an input that dies with it. */
#include <string.h>

#include "engine_internal.h"

typedef struct node_emission {
    const pgd_kernel_row *row;
    pgd_emitter emitter;
    pgd_problem problem;
    int32_t workspace; /* storage, -1: none */
} node_emission;

typedef struct binding {
    pgd_plan *plan;
    const pgd_graph *graph;
    pgd_instance *instance;
    node_emission *emissions;  /* per node */
    int32_t *root;             /* per value: its storage */
    pgd_storage *storages;     /* values first (same numbers), then workspaces, then temporaries of state copies */
    int32_t storage_count;
    int32_t end;               /* time after the last node */
} binding;

static int32_t value_index(const pgd_value *value) { return value->node->id * PGD_MAX_OUTPUTS + value->output; }

static uint64_t desc_bytes(const pgd_desc *desc) { return (uint64_t)pgd_shape_elems(desc->shape) * pgd_dtype_bytes(desc->dtype); }

/* ---- kernels ------------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status bind_attrs(binding *b, const pgd_node *node, pgd_attrs **out) {
    pgd_attrs *attrs = *out = pgd_arena_alloc(&b->instance->arena, sizeof *attrs);
    if (attrs == NULL) return pgd_fail_memory(sizeof *attrs);
    pgd_shape dims;
    *attrs = node->attrs;
    PGD_TRY(pgd_symshape_eval(b->graph, node->attrs.dims, b->instance->symbols, &dims));
    attrs->dims = pgd_symshape_from(dims);
    return PGD_OK;
}

static pgd_status bind_program(binding *b, const pgd_node *node, const pgd_program **out) {
    *out = NULL;
    if (node->program == NULL) return PGD_OK;
    size_t bytes = sizeof(pgd_program) + (size_t)node->program->instr_count * sizeof(pgd_instr);
    pgd_program *program = pgd_arena_alloc(&b->instance->arena, bytes);
    if (program == NULL) return pgd_fail_memory(bytes);
    memcpy(program, node->program, bytes);
    pgd_shape dims;
    PGD_TRY(pgd_symshape_eval(b->graph, program->space, b->instance->symbols, &dims));
    program->space = pgd_symshape_from(dims);
    for (int32_t i = 0; i < program->instr_count; i++) {
        pgd_instr *instr = &program->instrs[i];
        if (instr->op != PGD_OP_DIM_SIZE) continue;
        PGD_TRY(pgd_symshape_eval(b->graph, instr->dims, b->instance->symbols, &dims));
        instr->op = PGD_OP_FILL;
        instr->imm = (double)pgd_shape_elems(dims);
    }
    *out = program;
    return PGD_OK;
}

/* Each operation of a plan once. */
static void report_reference(pgd_plan *plan, pgd_op op) {
    if (plan->reported[op]) return;
    plan->reported[op] = true;
    pgd_log_line(PGD_LOG_WARNING, "no fast kernel takes this %s, so its plain reference runs: right, but many times slower", pgd_op_name(op));
}

/* Warnings are for work that takes time: a few thousand numbers are soon done by any code. */
static bool takes_time(const pgd_problem *p) {
    pgd_tensor inputs[PGD_MAX_INPUTS] = {0}, outputs[PGD_MAX_OUTPUTS] = {0};
    for (int32_t i = 0; i < p->input_count; i++) inputs[i] = (pgd_tensor){p->inputs[i].dtype, p->inputs[i].shape, NULL};
    for (int32_t i = 0; i < p->output_count; i++) outputs[i] = (pgd_tensor){p->outputs[i].dtype, p->outputs[i].shape, NULL};
    pgd_cost cost = pgd_op_cost(p->attrs, p->op, inputs, p->input_count, outputs, p->output_count);
    return cost.flops > 16384 || cost.bytes > 65536;
}

static pgd_status choose_and_emit(binding *b, const pgd_node *node) {
    node_emission *e = &b->emissions[node->id];
    pgd_desc *inputs = pgd_arena_alloc(&b->instance->arena, sizeof *inputs * (size_t)(node->input_count + 1));
    pgd_attrs *attrs;
    if (inputs == NULL) return pgd_fail_memory(sizeof *inputs);
    for (int32_t i = 0; i < node->input_count; i++) inputs[i] = b->instance->descs[value_index(node->inputs[i])];
    e->problem = (pgd_problem){.op = node->op, .inputs = inputs, .input_count = node->input_count, .outputs = &b->instance->descs[node->id * PGD_MAX_OUTPUTS], .output_count = node->output_count,
                               .device_kind = pgd_device_kind(b->plan->device), .isa = pgd_device_isa(b->plan->device), .threads = pgd_device_threads(b->plan->device)};
    PGD_TRY(bind_attrs(b, node, &attrs));
    e->problem.attrs = attrs;
    PGD_TRY(bind_program(b, node, &e->problem.program));
    PGD_TRY(pgd_kernel_pick(&e->problem, &e->row));
    if ((e->row->flags & PGD_ROW_REFERENCE) != 0 && takes_time(&e->problem)) {
        if (b->plan->strict) return pgd_fail(PGD_UNSUPPORTED, "strict: %s would run on the slow reference, because no kernel takes it", pgd_op_name(node->op));
        report_reference(b->plan, node->op);
    }
    e->emitter.arena = &b->instance->arena;
    return e->row->emit(&e->problem, &e->emitter);
}

/* ---- storage -------------------------------------------------------------------------------------------------------------------------------------- */

static void fix(binding *b, int32_t storage, pgd_segment segment, int32_t index, uint64_t offset_bytes) {
    b->storages[storage].fixed = true;
    b->storages[storage].place = (pgd_place){segment, index, offset_bytes};
}

static bool lies_in_its_input(const pgd_node *node) { return node->op == PGD_OP_RESHAPE || node->op == PGD_OP_BARRIER; }

static void add_values(binding *b) {
    for (int32_t i = 0; i < b->graph->node_count; i++) {
        const pgd_node *node = b->graph->nodes[i];
        for (int32_t k = 0; k < node->output_count; k++) {
            int32_t v = i * PGD_MAX_OUTPUTS + k;
            b->root[v] = lies_in_its_input(node) ? b->root[value_index(node->inputs[0])] : v;
            b->storages[v] = (pgd_storage){.bytes = desc_bytes(&b->instance->descs[v]), .born = i, .dies = -1, .shares = -1};
        }
        if (node->op == PGD_OP_INPUT) fix(b, i * PGD_MAX_OUTPUTS, PGD_SEGMENT_INPUT, b->plan->slots[i], 0);
        if (node->op == PGD_OP_PARAM) fix(b, i * PGD_MAX_OUTPUTS, PGD_SEGMENT_STATE, b->plan->slots[i], 0);
        if (node->op == PGD_OP_CONSTANT) fix(b, i * PGD_MAX_OUTPUTS, PGD_SEGMENT_CONSTANT, 0, b->plan->constant_offsets[i]);
        if (lies_in_its_input(node)) b->storages[i * PGD_MAX_OUTPUTS].fixed = true; /* never placed itself */
        for (int32_t k = 0; k < node->input_count; k++) {
            pgd_storage *s = &b->storages[b->root[value_index(node->inputs[k])]];
            if (s->dies < i) s->dies = i;
        }
        if (b->emissions[i].emitter.workspace_bytes > 0) {
            b->emissions[i].workspace = b->storage_count;
            b->storages[b->storage_count++] = (pgd_storage){.bytes = b->emissions[i].emitter.workspace_bytes, .born = i, .dies = i, .shares = -1};
        }
    }
}

/* A result that the caller asked for is computed straight into the output buffer; where that cannot be, it is copied at the end. */
static void place_outputs(binding *b) {
    for (int32_t i = 0; i < b->graph->output_count; i++) {
        int32_t root = b->root[value_index(b->graph->outputs[i].value)];
        b->storages[root].dies = b->end;
        if (!b->storages[root].fixed) fix(b, root, PGD_SEGMENT_OUTPUT, i, 0);
    }
}

static const pgd_node *param_of(const binding *b, const char *name) {
    for (int32_t i = 0; i < b->plan->param_count; i++)
        if (strcmp(b->plan->params[i]->name, name) == 0) return b->plan->params[i];
    return NULL;
}

/* May `value` be written over the state tensor as soon as it is computed? Only after the last read of the old contents, or by a node that may alias that very input. */
static bool may_overwrite(const binding *b, const pgd_value *value, const pgd_node *param) {
    int32_t old = param->id * PGD_MAX_OUTPUTS, root = b->root[value_index(value)], born = b->storages[root].born;
    const pgd_node *maker = b->graph->nodes[born];
    if (b->storages[root].fixed || b->storages[old].dies > born) return false;
    if (b->storages[old].dies < born) return true;
    const node_emission *e = &b->emissions[born];
    uint32_t allowed = e->row->aliases == NULL ? 0 : e->row->aliases(&e->problem, root % PGD_MAX_OUTPUTS);
    for (int32_t k = 0; k < maker->input_count; k++)
        if (b->root[value_index(maker->inputs[k])] == old && (allowed >> k & 1) == 0) return false;
    return true;
}

static void place_updates(binding *b) {
    for (int32_t i = 0; i < b->graph->update_count; i++) /* copies at the end read what they copy */
        if (b->storages[b->root[value_index(b->graph->updates[i].value)]].fixed) b->storages[b->root[value_index(b->graph->updates[i].value)]].dies = b->end;
    for (int32_t i = 0; i < b->graph->update_count; i++) {
        const pgd_value *value = b->graph->updates[i].value;
        const pgd_node *param = param_of(b, b->graph->updates[i].name);
        int32_t root = b->root[value_index(value)];
        if (may_overwrite(b, value, param)) fix(b, root, PGD_SEGMENT_STATE, b->plan->slots[param->id], 0);
        b->storages[root].dies = b->end;
    }
}

static int32_t home_of(const binding *b, int32_t storage) {
    while (b->storages[storage].shares >= 0) storage = b->storages[storage].shares;
    return storage;
}

/* One storage may come in as several inputs, through a barrier for one: all of them must agree to be overwritten. */
static bool all_allow(const binding *b, const pgd_node *node, uint32_t allowed, int32_t storage) {
    for (int32_t k = 0; k < node->input_count; k++)
        if (home_of(b, b->root[value_index(node->inputs[k])]) == storage && (allowed >> k & 1) == 0) return false;
    return true;
}

/* A result takes over the memory of an input that dies with it. */
static void share_in_place(binding *b) {
    for (int32_t i = 0; i < b->graph->node_count; i++) {
        const pgd_node *node = b->graph->nodes[i];
        const node_emission *e = &b->emissions[i];
        if (e->row == NULL || e->row->aliases == NULL) continue;
        for (int32_t k = 0; k < node->output_count; k++) {
            pgd_storage *out = &b->storages[i * PGD_MAX_OUTPUTS + k];
            if (out->fixed || out->bytes == 0) continue;
            uint32_t allowed = e->row->aliases(&e->problem, k);
            for (int32_t j = 0; j < node->input_count; j++) {
                int32_t from = home_of(b, b->root[value_index(node->inputs[j])]);
                pgd_storage *in = &b->storages[from];
                if (in->fixed || in->dies != i || in->bytes != out->bytes || (allowed >> j & 1) == 0 || !all_allow(b, node, allowed, from)) continue;
                out->shares = from;
                in->dies = out->dies < i ? i : out->dies;
                if (in->dies == i) in->dies = i; /* a result nobody reads: the memory is free again after this node */
                break;
            }
        }
    }
}

static pgd_place place_of(const binding *b, int32_t storage) {
    return b->storages[home_of(b, storage)].place;
}

/* ---- steps ------------------------------------------------------------------------------------------------------------------------------------------ */

static pgd_step *add_step(binding *b, pgd_step_kind kind, int32_t node, int32_t operand_count) {
    pgd_instance *instance = b->instance;
    pgd_place *operands = pgd_arena_alloc(&instance->arena, sizeof *operands * (size_t)(operand_count + 1));
    if (operands == NULL || !pgd_grow(&instance->steps, &instance->step_capacity, instance->step_count, sizeof *instance->steps)) return NULL;
    pgd_step *step = &instance->steps[instance->step_count++];
    *step = (pgd_step){.kind = kind, .node = node, .operand_count = operand_count, .operands = operands};
    return step;
}

static pgd_status add_node_steps(binding *b, const pgd_node *node) {
    const node_emission *e = &b->emissions[node->id];
    for (int32_t j = 0; j < e->emitter.job_count; j++) {
        const pgd_job *job = &e->emitter.jobs[j];
        if (job->chunks <= 0) continue;
        pgd_step *step = add_step(b, PGD_STEP_LAUNCH, node->id, job->operand_count);
        if (step == NULL) return pgd_fail_memory(sizeof *step);
        step->row = e->row;
        step->launch = (pgd_drv_launch){job->function, job->params, job->chunks};
        for (int32_t k = 0; k < job->operand_count; k++) {
            const pgd_operand *operand = &job->operands[k];
            if (operand->kind == PGD_OPERAND_INPUT) step->operands[k] = place_of(b, b->root[value_index(node->inputs[operand->index])]);
            if (operand->kind == PGD_OPERAND_OUTPUT) step->operands[k] = place_of(b, node->id * PGD_MAX_OUTPUTS + operand->index);
            if (operand->kind == PGD_OPERAND_WORKSPACE && e->workspace >= 0) step->operands[k] = place_of(b, e->workspace);
            step->operands[k].offset_bytes += operand->offset_bytes;
        }
    }
    return PGD_OK;
}

static pgd_status add_copy(binding *b, pgd_place to, pgd_place from, uint64_t bytes) {
    if (bytes == 0 || (to.segment == from.segment && to.index == from.index && to.offset_bytes == from.offset_bytes)) return PGD_OK;
    pgd_step *step = add_step(b, PGD_STEP_COPY, -1, 2);
    if (step == NULL) return pgd_fail_memory(sizeof *step);
    step->operands[0] = to;
    step->operands[1] = from;
    step->bytes = bytes;
    return PGD_OK;
}

/* Outputs first, while the state is old; then updates. One that comes straight from the state goes through a temporary, so that two may change places. */
static pgd_status add_end_copies(binding *b) {
    const pgd_graph *g = b->graph;
    for (int32_t i = 0; i < g->output_count; i++) {
        int32_t v = value_index(g->outputs[i].value);
        PGD_TRY(add_copy(b, (pgd_place){PGD_SEGMENT_OUTPUT, i, 0}, place_of(b, b->root[v]), desc_bytes(&b->instance->descs[v])));
    }
    for (int32_t second = 0; second < 2; second++)
        for (int32_t i = 0; i < g->update_count; i++) {
            int32_t v = value_index(g->updates[i].value), root = b->root[v];
            uint64_t bytes = desc_bytes(&b->instance->descs[v]);
            pgd_place to = {PGD_SEGMENT_STATE, b->plan->slots[param_of(b, g->updates[i].name)->id], 0}, from = place_of(b, root);
            bool through = g->nodes[root / PGD_MAX_OUTPUTS]->op == PGD_OP_PARAM && from.index != to.index;
            if (through && second == 0) PGD_TRY(add_copy(b, place_of(b, b->storage_count - g->update_count + i), from, bytes));
            if (second == 1) PGD_TRY(add_copy(b, to, through ? place_of(b, b->storage_count - g->update_count + i) : from, bytes));
        }
    return PGD_OK;
}

static void add_temporaries(binding *b) {
    for (int32_t i = 0; i < b->graph->update_count; i++) {
        int32_t v = value_index(b->graph->updates[i].value), root = b->root[v];
        bool through = b->graph->nodes[root / PGD_MAX_OUTPUTS]->op == PGD_OP_PARAM && b->graph->nodes[root / PGD_MAX_OUTPUTS] != param_of(b, b->graph->updates[i].name);
        b->storages[b->storage_count++] = (pgd_storage){.bytes = through ? desc_bytes(&b->instance->descs[v]) : 0, .born = b->end, .dies = b->end, .shares = -1};
    }
}

static pgd_status bind(binding *b) {
    for (int32_t i = 0; i < b->graph->node_count; i++) {
        const pgd_node *node = b->graph->nodes[i];
        b->emissions[i].workspace = -1;
        for (int32_t k = 0; k < node->output_count; k++) {
            pgd_desc *desc = &b->instance->descs[i * PGD_MAX_OUTPUTS + k];
            desc->dtype = node->outputs[k].dtype;
            PGD_TRY(pgd_symshape_eval(b->graph, node->outputs[k].shape, b->instance->symbols, &desc->shape));
        }
        bool leaf = (pgd_op_defs[node->op]->flags & PGD_OPF_LEAF) != 0 && node->op != PGD_OP_PROGRAM;
        if (!leaf && !lies_in_its_input(node)) PGD_TRY(choose_and_emit(b, node));
    }
    add_values(b);
    place_outputs(b);
    place_updates(b);
    share_in_place(b);
    add_temporaries(b);
    PGD_TRY(pgd_memory_plan(b->storages, b->storage_count, &b->instance->workspace_bytes));
    for (int32_t i = 0; i < b->graph->node_count; i++) PGD_TRY(add_node_steps(b, b->graph->nodes[i]));
    return add_end_copies(b);
}

pgd_status pgd_instance_create(pgd_plan *plan, const int64_t *symbols, pgd_instance **out) {
    *out = NULL;
    size_t nodes = (size_t)plan->graph->node_count, values = nodes * PGD_MAX_OUTPUTS + 1;
    pgd_instance *instance = pgd_mem_zalloc(sizeof *instance);
    if (instance == NULL) return pgd_fail_memory(sizeof *instance);
    pgd_arena scratch = {0};
    binding b = {.plan = plan, .graph = plan->graph, .instance = instance, .end = plan->graph->node_count};
    instance->symbols = pgd_arena_alloc(&instance->arena, sizeof *symbols * (size_t)(plan->graph->symbol_count + 1));
    instance->descs = pgd_arena_alloc(&instance->arena, sizeof *instance->descs * values);
    b.emissions = pgd_arena_alloc(&scratch, sizeof *b.emissions * (nodes + 1));
    b.root = pgd_arena_alloc(&scratch, sizeof *b.root * values);
    b.storages = pgd_arena_alloc(&scratch, sizeof *b.storages * (values + nodes + (size_t)plan->graph->update_count));
    b.storage_count = (int32_t)(nodes * PGD_MAX_OUTPUTS);
    pgd_status status = PGD_OK;
    if (instance->symbols == NULL || instance->descs == NULL || b.emissions == NULL || b.root == NULL || b.storages == NULL)
        status = pgd_fail_memory(sizeof *b.storages * values);
    else {
        for (int32_t i = 0; i < b.storage_count; i++) b.storages[i].shares = -1;
        for (int32_t i = 0; i < plan->graph->symbol_count; i++) instance->symbols[i] = symbols[i];
        status = bind(&b);
    }
    pgd_arena_deinit(&scratch);
    if (status != PGD_OK) {
        pgd_instance_destroy(instance);
        return status;
    }
    *out = instance;
    return PGD_OK;
}

void pgd_instance_destroy(pgd_instance *instance) {
    if (instance == NULL) return;
    pgd_arena_deinit(&instance->arena);
    pgd_mem_free(instance->steps);
    pgd_mem_free(instance);
}
