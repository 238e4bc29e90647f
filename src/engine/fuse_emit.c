/* SPDX-License-Identifier: Apache-2.0
 * Writing units down: every unit of elementwise work becomes a PROGRAM node, or the epilogue of the matmul, conv or the like in it; all other nodes
 * are copied. Units are emitted as soon as everything they read is there, the one with the smallest node first. */
#include "fuse.h"

#include <string.h>

typedef struct writer {
    const pgd_fusion *f;
    pgd_graph *to;
    pgd_value **map; /* PGD_MAX_OUTPUTS per node */
    bool *done;      /* per node, by unit */
} writer;

/* One program being written. */
typedef struct draft {
    const pgd_fusion *f;
    int32_t unit;
    const pgd_node *core; /* whose epilogue this is, or NULL */
    pgd_program *program; /* PGD_PROGRAM_INSTRS instructions */
    const pgd_value *inputs[PGD_MAX_INPUTS];
    const pgd_value *outputs[PGD_MAX_OUTPUTS];
    int32_t input_count, output_count;
    bool failed; /* a limit was passed */
    int16_t *registers; /* per node of the graph: its register, or -1 */
} draft;

static int16_t input_index(draft *d, const pgd_value *value) {
    int32_t first = d->core == NULL ? 0 : 2;
    for (int32_t i = first; i < d->input_count; i++)
        if (d->inputs[i] == value) return (int16_t)i;
    if (d->input_count == PGD_MAX_INPUTS - 4) { /* operands, outputs and workspace share a launch's table */
        d->failed = true;
        return 0;
    }
    d->inputs[d->input_count] = value;
    return (int16_t)d->input_count++;
}

static int16_t append(draft *d, pgd_instr instr) {
    for (int32_t i = 0; i < d->program->instr_count; i++) { /* the same load or number once */
        const pgd_instr *old = &d->program->instrs[i];
        bool leaf = instr.op == PGD_OP_INPUT || instr.op == PGD_OP_FILL || instr.op == PGD_OP_DIM_SIZE;
        if (leaf && old->op == instr.op && old->input == instr.input && memcmp(&old->imm, &instr.imm, sizeof old->imm) == 0 && pgd_symshape_equal(old->dims, instr.dims)) return (int16_t)i;
    }
    if (d->program->instr_count == PGD_PROGRAM_INSTRS) {
        d->failed = true;
        return 0;
    }
    d->program->instrs[d->program->instr_count] = instr;
    return (int16_t)d->program->instr_count++;
}

static const pgd_instr blank = {.args = {-1, -1, -1}, .input = -1};

/* The register that holds `value` in this program. */
static int16_t operand(draft *d, const pgd_value *value) {
    const pgd_node *node = value->node;
    pgd_instr instr = blank;
    if (d->f->unit[node->id] == d->unit && node != d->core) return d->registers[node->id];
    while (node->op == PGD_OP_BROADCAST && pgd_fuse_inlined(node)) {
        value = node->inputs[0];
        node = value->node;
    }
    instr.op = PGD_OP_INPUT;
    if (pgd_fuse_inlined(node)) { /* a number or an extent */
        instr.op = node->op;
        instr.imm = node->op != PGD_OP_FILL ? 0 : value->dtype == PGD_BOOL ? node->attrs.floats[0] != 0 : node->attrs.floats[0];
        if (node->op == PGD_OP_DIM_SIZE) instr.dims = node->attrs.dims;
    } else if (node == d->core)
        instr.input = -1;
    else
        instr.input = input_index(d, value);
    return append(d, instr);
}

static void write_member(draft *d, const pgd_node *node) {
    pgd_instr instr = blank;
    instr.op = node->op;
    if ((pgd_op_defs[node->op]->flags & PGD_OPF_RANDOM) != 0) {
        instr.input = input_index(d, node->inputs[0]);
        instr.stream = (int32_t)node->attrs.ints[0];
    } else
        for (int32_t k = 0; k < node->input_count; k++) instr.args[k] = operand(d, node->inputs[k]);
    if (node->op == PGD_OP_CAST) instr.imm = (double)node->outputs[0].dtype;
    if ((pgd_op_defs[node->op]->flags & PGD_OPF_REDUCTION) != 0) {
        d->program->reduce = node->op;
        d->program->reduce_axes = (uint32_t)node->attrs.ints[0];
        d->program->space = node->inputs[0]->shape;
        d->registers[node->id] = instr.args[0];
        return;
    }
    d->program->space = node->outputs[0].shape;
    d->registers[node->id] = append(d, instr);
}

static bool leaves_unit(const pgd_fusion *f, const pgd_node *node) {
    if (f->kept[node->id]) return true;
    for (int32_t u = 0; u < f->user_count[node->id]; u++)
        if (f->unit[f->users[node->id][u]] != f->unit[node->id]) return true;
    return false;
}

static void write_unit(draft *d) {
    const pgd_graph *g = d->f->graph;
    d->program->reduce = -1;
    for (int32_t i = d->f->first[d->unit]; i >= 0; i = d->f->next[i])
        if (pgd_fuse_takes_epilogue(g->nodes[i])) d->core = g->nodes[i];
    if (d->core != NULL) {
        d->inputs[0] = d->core->inputs[0];
        d->inputs[1] = d->core->inputs[1];
        d->input_count = 2;
        operand(d, &d->core->outputs[0]);
    }
    for (int32_t i = d->f->first[d->unit]; i >= 0 && !d->failed; i = d->f->next[i]) {
        const pgd_node *node = g->nodes[i];
        if (node == d->core) continue;
        write_member(d, node);
        if (!leaves_unit(d->f, node)) continue;
        if (d->output_count == PGD_MAX_OUTPUTS) {
            d->failed = true;
            return;
        }
        d->program->outputs[d->output_count] = d->registers[i];
        d->outputs[d->output_count++] = &node->outputs[0];
    }
    d->program->output_count = d->output_count;
}

/* Drafts into the fusion's own program and registers, so that trying a unit cannot run out of memory. */
static void draft_unit(const pgd_fusion *f, int32_t unit, draft *d) {
    *d = (draft){.f = f, .unit = unit, .program = f->draft, .registers = f->registers};
    memset(d->program, 0, sizeof *d->program);
    write_unit(d);
}

bool pgd_fuse_fits(const pgd_fusion *f, int32_t unit) {
    draft d;
    draft_unit(f, unit, &d);
    return !d.failed;
}

/* ---- the new graph ------------------------------------------------------------------------------------------------------------------------------ */

static pgd_value **mapped(writer *w, const pgd_value *value) { return &w->map[value->node->id * PGD_MAX_OUTPUTS + value->output]; }

static pgd_status emit_program(writer *w, int32_t unit) {
    draft d;
    pgd_value *inputs[PGD_MAX_INPUTS];
    draft_unit(w->f, unit, &d);
    if (d.failed) return pgd_fail(PGD_INTERNAL, "fusion: unit %d does not fit a program", unit);
    size_t bytes = sizeof *d.program + (size_t)d.program->instr_count * sizeof(pgd_instr);
    pgd_program *program = pgd_arena_alloc(&w->to->arena, bytes);
    if (program == NULL) return pgd_fail_memory(bytes);
    memcpy(program, d.program, bytes);
    for (int32_t i = 0; i < d.input_count; i++) inputs[i] = *mapped(w, d.inputs[i]);
    pgd_node *node;
    if (d.core == NULL) {
        pgd_value outputs[PGD_MAX_OUTPUTS];
        for (int32_t k = 0; k < d.output_count; k++) outputs[k] = *d.outputs[k];
        node = pgd_graph_add_program(w->to, program, inputs, d.input_count, outputs, d.output_count);
    } else {
        node = pgd_graph_add_finished(w->to, d.core->op, &d.core->attrs, program, inputs, d.input_count);
    }
    if (node == NULL) return pgd_graph_status(w->to);
    for (int32_t k = 0; k < d.output_count; k++) *mapped(w, d.outputs[k]) = &node->outputs[k];
    return PGD_OK;
}

static pgd_status emit_copy(writer *w, const pgd_node *node) {
    const pgd_value *v = &node->outputs[0];
    pgd_value *inputs[PGD_MAX_INPUTS];
    if (node->op == PGD_OP_INPUT || node->op == PGD_OP_PARAM || node->op == PGD_OP_CONSTANT) {
        *mapped(w, v) = node->op == PGD_OP_INPUT   ? pgd_input(w->to, node->name, v->dtype, v->shape)
                        : node->op == PGD_OP_PARAM ? pgd_param(w->to, node->name, v->dtype, v->shape)
                                                   : pgd_graph_leaf(w->to, PGD_OP_CONSTANT, NULL, v->dtype, v->shape, node->bytes);
        return pgd_graph_status(w->to);
    }
    for (int32_t i = 0; i < node->input_count; i++) inputs[i] = *mapped(w, node->inputs[i]);
    pgd_node *copy = pgd_graph_add(w->to, node->op, &node->attrs, inputs, node->input_count);
    if (copy == NULL) return pgd_graph_status(w->to);
    for (int32_t k = 0; k < node->output_count; k++) *mapped(w, &node->outputs[k]) = &copy->outputs[k];
    return PGD_OK;
}

/* A number or an extent that must lie in memory: a program of one instruction. */
static pgd_status emit_number(writer *w, const pgd_node *node) {
    pgd_program *program = pgd_arena_alloc(&w->to->arena, sizeof *program + sizeof(pgd_instr));
    if (program == NULL) return pgd_fail_memory(sizeof *program);
    program->instr_count = program->output_count = 1;
    program->reduce = -1;
    program->space = node->outputs[0].shape;
    program->instrs[0] = blank;
    program->instrs[0].op = node->op;
    program->instrs[0].imm = node->attrs.floats[0];
    program->instrs[0].dims = node->attrs.dims;
    pgd_node *copy = pgd_graph_add_program(w->to, program, NULL, 0, node->outputs, 1);
    if (copy == NULL) return pgd_graph_status(w->to);
    *mapped(w, &node->outputs[0]) = &copy->outputs[0];
    return PGD_OK;
}

/* An inlined value that something outside programs reads gets a node after all. */
static bool needs_memory(const pgd_fusion *f, const pgd_node *node) {
    if (f->kept[node->id]) return true;
    for (int32_t u = 0; u < f->user_count[node->id]; u++) {
        const pgd_node *user = f->graph->nodes[f->users[node->id][u]];
        if (pgd_fuse_core(user)) continue;
        if (!pgd_fuse_inlined(user) || needs_memory(f, user)) return true;
    }
    return false;
}

static bool ready(writer *w, int32_t unit) {
    const pgd_graph *g = w->f->graph;
    for (int32_t i = w->f->first[unit]; i >= 0; i = w->f->next[i])
        for (int32_t k = 0; k < g->nodes[i]->input_count; k++) {
            const pgd_value *in = g->nodes[i]->inputs[k];
            if (w->f->unit[in->node->id] == unit) continue;
            while (pgd_fuse_core(g->nodes[i]) && pgd_fuse_inlined(in->node) && in->node->op == PGD_OP_BROADCAST && *mapped(w, in) == NULL) in = in->node->inputs[0];
            if (*mapped(w, in) == NULL && !pgd_fuse_inlined(in->node)) return false;
            if (*mapped(w, in) == NULL && !pgd_fuse_core(g->nodes[i])) return false;
        }
    return true;
}

static pgd_status emit_unit(writer *w, int32_t unit) {
    const pgd_node *first = w->f->graph->nodes[w->f->first[unit]];
    bool single = !pgd_fuse_core(first) && w->f->next[first->id] < 0;
    for (int32_t j = w->f->first[unit]; j >= 0; j = w->f->next[j]) w->done[j] = true;
    return single ? emit_copy(w, first) : emit_program(w, unit);
}

/* ---- updates as soon as they can be ------------------------------------------------------------------------------------------------------------------- */

/* Does nothing but give new contents to the state? */
static bool only_updates(const pgd_fusion *f, int32_t unit) {
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i])
        for (int32_t u = 0; u < f->user_count[i]; u++)
            if (f->unit[f->users[i][u]] != unit) return false;
    return true;
}

/* Once it runs, nobody else may want the old contents: then the new ones can be written over them. */
static bool old_contents_read(const writer *w, int32_t unit) {
    const pgd_fusion *f = w->f;
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i])
        for (int32_t k = 0; k < f->graph->nodes[i]->input_count; k++) {
            const pgd_node *param = f->graph->nodes[i]->inputs[k]->node;
            for (int32_t u = 0; param->op == PGD_OP_PARAM && u < f->user_count[param->id]; u++) {
                int32_t reader = f->users[param->id][u];
                if (f->unit[reader] != unit && !w->done[reader]) return false;
            }
        }
    return true;
}

static pgd_status emit_updates_among(writer *w, const pgd_node *node) {
    const pgd_fusion *f = w->f;
    for (int32_t u = 0; u < f->user_count[node->id]; u++) {
        int32_t unit = f->unit[f->users[node->id][u]];
        if (unit < 0 || w->done[f->first[unit]] || !only_updates(f, unit) || !ready(w, unit) || !old_contents_read(w, unit)) continue;
        PGD_TRY(emit_unit(w, unit));
    }
    return PGD_OK;
}

/* What `unit` gave, or was the last to read, may complete an update: made now, its gradient need not wait in memory for the end of the step. */
static pgd_status emit_updates_after(writer *w, int32_t unit) {
    const pgd_fusion *f = w->f;
    for (int32_t i = f->first[unit]; i >= 0; i = f->next[i]) {
        PGD_TRY(emit_updates_among(w, f->graph->nodes[i]));
        for (int32_t k = 0; k < f->graph->nodes[i]->input_count; k++)
            if (f->graph->nodes[i]->inputs[k]->node->op == PGD_OP_PARAM) PGD_TRY(emit_updates_among(w, f->graph->nodes[i]->inputs[k]->node));
    }
    return PGD_OK;
}

/* Rounds over the nodes; each emits the first unit that is ready. Every round makes progress because units have no cycles. */
static pgd_status emit_units(writer *w) {
    const pgd_graph *g = w->f->graph;
    for (int32_t i = 0; i < g->node_count; i++) /* no update shall wait for what is there from the beginning */
        if (g->nodes[i]->op == PGD_OP_PARAM && w->f->live[i]) PGD_TRY(emit_unit(w, w->f->unit[i]));
    for (int32_t first = 0; first < g->node_count;) {
        bool progress = false, waiting = false;
        for (int32_t i = first; i < g->node_count; i++) {
            const pgd_node *node = g->nodes[i];
            if (w->done[i] || !w->f->live[i]) {
                if (!waiting) first = i + 1;
                continue;
            }
            if (w->f->unit[i] < 0) { /* inlined */
                bool source = node->input_count == 0 || *mapped(w, node->inputs[0]) != NULL;
                if (needs_memory(w->f, node) && !source) {
                    waiting = true;
                    continue;
                }
                if (needs_memory(w->f, node)) PGD_TRY(node->op == PGD_OP_BROADCAST ? emit_copy(w, node) : emit_number(w, node));
                w->done[i] = progress = true;
                continue;
            }
            if (!ready(w, w->f->unit[i])) {
                waiting = true;
                continue;
            }
            PGD_TRY(emit_unit(w, w->f->unit[i]));
            PGD_TRY(emit_updates_after(w, w->f->unit[i]));
            progress = true;
        }
        if (!progress && waiting) return pgd_fail(PGD_INTERNAL, "fusion: units wait for each other");
        if (!waiting) break;
    }
    return PGD_OK;
}

static pgd_status emit_all(writer *w) {
    const pgd_graph *g = w->f->graph;
    PGD_TRY(emit_units(w));
    for (int32_t i = 0; i < g->output_count; i++) pgd_output(w->to, g->outputs[i].name, *mapped(w, g->outputs[i].value));
    for (int32_t i = 0; i < g->update_count; i++) {
        const pgd_value *v = g->updates[i].value;
        if (pgd_param(w->to, g->updates[i].name, v->dtype, v->shape) != NULL) pgd_update(w->to, g->updates[i].name, *mapped(w, v));
    }
    return pgd_graph_status(w->to);
}

pgd_status pgd_fuse_emit(const pgd_fusion *f, pgd_graph **out) {
    writer w = {.f = f};
    size_t count = (size_t)f->graph->node_count + 1;
    PGD_TRY(pgd_graph_create_like(f->graph, &w.to));
    w.map = pgd_mem_zalloc(count * PGD_MAX_OUTPUTS * sizeof(pgd_value *));
    w.done = pgd_mem_zalloc(count);
    pgd_status status = w.map == NULL || w.done == NULL ? pgd_fail_memory(count) : emit_all(&w);
    pgd_mem_free(w.map);
    pgd_mem_free(w.done);
    if (status != PGD_OK) {
        pgd_graph_destroy(w.to);
        return status;
    }
    *out = w.to;
    return PGD_OK;
}
