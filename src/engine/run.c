/* SPDX-License-Identifier: Apache-2.0
 * Runs: symbols bound from input shapes, places resolved against this run's buffers, steps sent down a stream. */
#include <string.h>

#include "engine_internal.h"

typedef struct run_input {
    pgd_shape shape;
    pgd_buffer *buffer;
    bool set, borrowed;
} run_input;

struct pgd_run {
    pgd_plan *plan;
    pgd_state *state;
    pgd_stream *stream;
    run_input *inputs;
    pgd_buffer **outputs, **params; /* params are borrowed from the state */
    pgd_buffer *workspace;
    pgd_instance *instance;         /* held; NULL before the first execute */
    pgd_buffer_span *spans;         /* operands of all steps, one after the other */
    bool stale;                     /* a shape or buffer changed since spans were resolved */
    bool executed;
    pgd_profile profile;
};

/* ---- making ------------------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status find_params(pgd_run *run) {
    for (int32_t i = 0; i < run->plan->param_count; i++) {
        const pgd_value *wanted = &run->plan->params[i]->outputs[0];
        const char *name = run->plan->params[i]->name;
        int32_t index = run->state == NULL ? -1 : pgd_state_find(run->state, name);
        if (run->state == NULL) return pgd_fail(PGD_BAD_ARG, "the plan reads \"%s\" from a state and was given none; pass the state that holds its parameters", name);
        if (index < 0) return pgd_fail(PGD_BAD_ARG, "the state has no tensor \"%s\"; set it with pgd_layer_init, pgd_state_load or pgd_state_set", name);
        const struct pgd_state_tensor *t = &run->state->tensors[index];
        if (t->dtype != wanted->dtype || !pgd_symshape_equal(pgd_symshape_from(t->shape), wanted->shape)) {
            char want[128], got[128];
            return pgd_fail(PGD_BAD_ARG, "state tensor \"%s\" is %s%s, the plan wants %s%s", name, pgd_dtype_name(t->dtype), pgd_symshape_text(run->plan->graph, pgd_symshape_from(t->shape), got, sizeof got),
                            pgd_dtype_name(wanted->dtype), pgd_symshape_text(run->plan->graph, wanted->shape, want, sizeof want));
        }
        run->params[i] = t->buffer;
    }
    return PGD_OK;
}

static pgd_status make(pgd_run *run) {
    PGD_TRY(pgd_stream_create(run->plan->device, &run->stream));
    run->inputs = pgd_mem_zalloc(sizeof *run->inputs * (size_t)(run->plan->input_count + 1));
    run->params = pgd_mem_zalloc(sizeof *run->params * (size_t)(run->plan->param_count + 1));
    run->outputs = pgd_mem_zalloc(sizeof *run->outputs * (size_t)(run->plan->graph->output_count + 1));
    if (run->inputs == NULL || run->params == NULL || run->outputs == NULL) return pgd_fail_memory(sizeof *run->inputs);
    if (run->state != NULL && run->state->device != run->plan->device) return pgd_fail(PGD_BAD_ARG, "the state was made on another device than the plan; make both on one");
    return find_params(run);
}

pgd_status pgd_run_create(pgd_plan *plan, pgd_state *state, pgd_run **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(plan);
    pgd_run *run = pgd_mem_zalloc(sizeof *run);
    if (run == NULL) return pgd_fail_memory(sizeof *run);
    run->plan = plan;
    run->state = state;
    run->stale = true;
    pgd_status status = make(run);
    if (status != PGD_OK) {
        pgd_run_destroy(run);
        return status;
    }
    *out = run;
    return PGD_OK;
}

void pgd_run_destroy(pgd_run *run) {
    if (run == NULL) return;
    for (int32_t i = 0; run->inputs != NULL && i < run->plan->input_count; i++)
        if (!run->inputs[i].borrowed) pgd_buffer_destroy(run->inputs[i].buffer);
    for (int32_t i = 0; run->outputs != NULL && i < run->plan->graph->output_count; i++) pgd_buffer_destroy(run->outputs[i]);
    pgd_buffer_destroy(run->workspace);
    pgd_instance_release(run->plan, run->instance);
    pgd_stream_destroy(run->stream);
    pgd_mem_free(run->inputs);
    pgd_mem_free(run->params);
    pgd_mem_free(run->outputs);
    pgd_mem_free(run->spans);
    pgd_profile_clear(&run->profile);
    pgd_mem_free(run);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status find_input(pgd_run *run, const char *name, pgd_shape shape, int32_t *index, uint64_t *bytes) {
    for (int32_t i = 0; i < run->plan->input_count; i++) {
        const pgd_node *node = run->plan->inputs[i];
        if (strcmp(node->name, name) != 0) continue;
        const pgd_value *v = &node->outputs[0];
        char want[128], got[128];
        if (!pgd_shape_valid(shape)) return pgd_fail(PGD_BAD_ARG, "input \"%s\": the shape given is none; its rank must be 0 to %d, its extents at least 0", name, PGD_MAX_RANK);
        bool fits = shape.rank == v->shape.rank;
        for (int32_t d = 0; fits && d < shape.rank; d++) {
            int64_t lo, hi;
            pgd_dim_range(run->plan->graph, v->shape.dims[d], &lo, &hi);
            fits = shape.dims[d] >= lo && shape.dims[d] <= hi;
        }
        if (!fits)
            return pgd_fail(PGD_BAD_ARG, "input \"%s\" is declared %s%s, given %s", name, pgd_dtype_name(v->dtype), pgd_symshape_text(run->plan->graph, v->shape, want, sizeof want),
                            pgd_symshape_text(run->plan->graph, pgd_symshape_from(shape), got, sizeof got));
        *index = i;
        *bytes = (uint64_t)pgd_shape_elems(shape) * pgd_dtype_bytes(v->dtype);
        return PGD_OK;
    }
    return pgd_fail(PGD_BAD_ARG, "the plan has no input \"%s\"; either it was misspelt or nothing the plan computes needs it", name);
}

bool pgd_run_wants(const pgd_run *run, const char *name) {
    if (PGD_LACKS(run, name)) return false;
    for (int32_t i = 0; i < run->plan->input_count; i++)
        if (strcmp(run->plan->inputs[i]->name, name) == 0) return true;
    return false;
}

pgd_status pgd_run_set(pgd_run *run, const char *name, pgd_shape shape, const void *bytes) {
    int32_t index;
    uint64_t count;
    PGD_NEED(run, name);
    PGD_TRY(find_input(run, name, shape, &index, &count));
    if (count > 0) PGD_NEED(bytes);
    run_input *input = &run->inputs[index];
    if (input->borrowed) input->buffer = NULL, input->borrowed = false;
    if (input->buffer == NULL || pgd_buffer_bytes(input->buffer) < count) {
        pgd_buffer_destroy(input->buffer);
        input->buffer = NULL;
        input->set = false;
        run->stale = true;
        PGD_TRY(pgd_buffer_create(run->plan->device, count, &input->buffer));
    }
    if (!input->set || !pgd_shape_equal(input->shape, shape)) run->stale = true;
    input->shape = shape;
    input->set = true;
    return pgd_buffer_write(input->buffer, 0, bytes, count);
}

pgd_status pgd_run_bind(pgd_run *run, const char *name, pgd_shape shape, pgd_buffer *buffer) {
    int32_t index;
    uint64_t count;
    PGD_NEED(run, name, buffer);
    PGD_TRY(find_input(run, name, shape, &index, &count));
    if (pgd_buffer_device(buffer) != run->plan->device) return pgd_fail(PGD_BAD_ARG, "input \"%s\": the buffer was made on another device than the plan", name);
    if (pgd_buffer_bytes(buffer) < count) return pgd_fail(PGD_BAD_ARG, "input \"%s\": the buffer has %llu bytes, %llu are needed", name, (unsigned long long)pgd_buffer_bytes(buffer), (unsigned long long)count);
    run_input *input = &run->inputs[index];
    if (!input->borrowed) pgd_buffer_destroy(input->buffer);
    *input = (run_input){.shape = shape, .buffer = buffer, .set = true, .borrowed = true};
    run->stale = true;
    return PGD_OK;
}

/* A plain symbol takes its value from the first input that has it; everything else must then agree. */
static pgd_status bind_symbols(const pgd_run *run, int64_t *symbols) {
    const pgd_graph *g = run->plan->graph;
    for (int32_t i = 0; i < g->symbol_count; i++) symbols[i] = -1;
    for (int32_t i = 0; i < run->plan->input_count; i++) {
        const pgd_symshape *declared = &run->plan->inputs[i]->outputs[0].shape;
        if (!run->inputs[i].set) return pgd_fail(PGD_BAD_STATE, "input \"%s\" was never set", run->plan->inputs[i]->name);
        for (int32_t d = 0; d < declared->rank; d++) {
            const pgd_dim_expr *e = declared->dims[d] < 0 ? &g->exprs[-1 - declared->dims[d]] : NULL;
            if (e != NULL && e->kind == PGD_DIM_SYMBOL && symbols[e->a] < 0) symbols[e->a] = run->inputs[i].shape.dims[d];
        }
    }
    for (int32_t i = 0; i < g->symbol_count; i++)
        if (symbols[i] < 0) symbols[i] = g->symbols[i].lo; /* nothing in this plan has it */
    for (int32_t i = 0; i < run->plan->input_count; i++) {
        pgd_shape expected;
        char want[128], got[128];
        PGD_TRY(pgd_symshape_eval(g, run->plan->inputs[i]->outputs[0].shape, symbols, &expected));
        if (!pgd_shape_equal(expected, run->inputs[i].shape))
            return pgd_fail(PGD_BAD_ARG, "input \"%s\" is %s, but the other inputs make it %s", run->plan->inputs[i]->name, pgd_symshape_text(g, pgd_symshape_from(run->inputs[i].shape), got, sizeof got),
                            pgd_symshape_text(g, pgd_symshape_from(expected), want, sizeof want));
    }
    return PGD_OK;
}

/* ---- resolving ------------------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status ensure_buffer(pgd_device *device, pgd_buffer **buffer, uint64_t bytes) {
    if (*buffer != NULL && pgd_buffer_bytes(*buffer) >= bytes) return PGD_OK;
    pgd_buffer_destroy(*buffer);
    *buffer = NULL;
    return pgd_buffer_create(device, bytes, buffer);
}

static pgd_desc *output_desc(const pgd_run *run, int32_t index) {
    const pgd_value *value = run->plan->graph->outputs[index].value;
    return &run->instance->descs[value->node->id * PGD_MAX_OUTPUTS + value->output];
}

static pgd_buffer_span resolve(const pgd_run *run, pgd_place place) {
    pgd_buffer *buffer = place.segment == PGD_SEGMENT_CONSTANT    ? run->plan->constants
                         : place.segment == PGD_SEGMENT_STATE     ? run->params[place.index]
                         : place.segment == PGD_SEGMENT_INPUT     ? run->inputs[place.index].buffer
                         : place.segment == PGD_SEGMENT_OUTPUT    ? run->outputs[place.index]
                         : place.segment == PGD_SEGMENT_WORKSPACE ? run->workspace
                                                                  : NULL;
    return (pgd_buffer_span){buffer, place.offset_bytes};
}

static pgd_status resolve_all(pgd_run *run) {
    const pgd_instance *instance = run->instance;
    size_t count = 0;
    PGD_TRY(ensure_buffer(run->plan->device, &run->workspace, instance->workspace_bytes));
    for (int32_t i = 0; i < run->plan->graph->output_count; i++) {
        const pgd_desc *desc = output_desc(run, i);
        PGD_TRY(ensure_buffer(run->plan->device, &run->outputs[i], (uint64_t)pgd_shape_elems(desc->shape) * pgd_dtype_bytes(desc->dtype)));
    }
    for (int32_t i = 0; i < instance->step_count; i++) count += (size_t)instance->steps[i].operand_count;
    pgd_buffer_span *spans = pgd_mem_resize(run->spans, sizeof *spans * (count + 1));
    if (spans == NULL) return pgd_fail_memory(sizeof *spans * count);
    run->spans = spans;
    for (int32_t i = 0; i < instance->step_count; i++)
        for (int32_t k = 0; k < instance->steps[i].operand_count; k++) *spans++ = resolve(run, instance->steps[i].operands[k]);
    return PGD_OK;
}

static pgd_status prepare(pgd_run *run) {
    if (!run->stale) return PGD_OK;
    int64_t *symbols = pgd_mem_alloc(sizeof *symbols * (size_t)(run->plan->graph->symbol_count + 1));
    pgd_instance *instance = NULL;
    if (symbols == NULL) return pgd_fail_memory(sizeof *symbols);
    pgd_status status = bind_symbols(run, symbols);
    if (status == PGD_OK) status = pgd_instance_acquire(run->plan, symbols, &instance);
    pgd_mem_free(symbols);
    PGD_TRY(status);
    pgd_instance_release(run->plan, run->instance);
    run->instance = instance;
    run->executed = false;
    run->profile.bound = NULL;
    PGD_TRY(resolve_all(run));
    run->stale = false;
    return PGD_OK;
}

/* ---- executing -------------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status run_step(pgd_run *run, const pgd_step *step, const pgd_buffer_span *spans) {
    switch (step->kind) {
    case PGD_STEP_LAUNCH: return pgd_stream_launch(run->stream, &step->launch, spans, step->operand_count);
    case PGD_STEP_COPY: return pgd_stream_copy(run->stream, spans[0], spans[1], step->bytes);
    default: return pgd_fail(PGD_INTERNAL, "run: a step of kind %d", (int)step->kind);
    }
}

static pgd_status run_steps(pgd_run *run) {
    const pgd_buffer_span *spans = run->spans;
    for (int32_t i = 0; i < run->instance->step_count; i++) {
        const pgd_step *step = &run->instance->steps[i];
        uint64_t start = run->profile.on ? pgd_time_ns() : 0;
        PGD_TRY(run_step(run, step, spans));
        spans += step->operand_count;
        if (run->profile.on) pgd_profile_add(&run->profile, i, pgd_time_ns() - start);
    }
    return pgd_stream_sync(run->stream);
}

/* Readers count up from 0; a writer needs 0 and leaves -1. */
static pgd_status state_enter(pgd_state *state, bool writes) {
    if (state == NULL) return PGD_OK;
    int users = atomic_load(&state->users);
    do {
        if (users < 0 || (writes && users > 0)) return pgd_fail(PGD_BAD_STATE, "the state is in use by another run; a run that updates it must be alone");
    } while (!atomic_compare_exchange_weak(&state->users, &users, writes ? -1 : users + 1));
    return PGD_OK;
}

static void state_leave(pgd_state *state, bool writes) {
    if (state == NULL) return;
    if (writes)
        atomic_store(&state->users, 0);
    else
        atomic_fetch_sub(&state->users, 1);
}

pgd_status pgd_run_execute(pgd_run *run) {
    PGD_NEED(run);
    bool writes = run->plan->graph->update_count > 0;
    PGD_TRY(prepare(run));
    if (run->profile.on && run->profile.bound == NULL) PGD_TRY(pgd_profile_bind(&run->profile, run->plan->graph, run->instance));
    PGD_TRY(state_enter(run->state, writes));
    pgd_status status = run_steps(run);
    state_leave(run->state, writes);
    run->executed = status == PGD_OK;
    return status;
}

static pgd_status find_output(const pgd_run *run, const char *name, int32_t *index) {
    if (run->instance == NULL || !run->executed) return pgd_fail(PGD_BAD_STATE, "output \"%s\": nothing was executed yet", name);
    for (*index = 0; *index < run->plan->graph->output_count; (*index)++)
        if (strcmp(run->plan->graph->outputs[*index].name, name) == 0) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "the plan has no output \"%s\"", name);
}

pgd_status pgd_run_get(pgd_run *run, const char *name, void *to, uint64_t bytes) {
    int32_t index;
    PGD_NEED(run, name);
    if (bytes > 0) PGD_NEED(to);
    PGD_TRY(find_output(run, name, &index));
    const pgd_desc *desc = output_desc(run, index);
    uint64_t have = (uint64_t)pgd_shape_elems(desc->shape) * pgd_dtype_bytes(desc->dtype);
    if (have != bytes) return pgd_fail(PGD_BAD_ARG, "output \"%s\" has %llu bytes, room was given for %llu", name, (unsigned long long)have, (unsigned long long)bytes);
    return pgd_buffer_read(to, run->outputs[index], 0, bytes);
}

pgd_status pgd_run_shape(pgd_run *run, const char *name, pgd_dtype *dtype, pgd_shape *shape) {
    int32_t index;
    PGD_NEED(run, name);
    PGD_TRY(find_output(run, name, &index));
    const pgd_desc *desc = output_desc(run, index);
    if (dtype != NULL) *dtype = desc->dtype;
    if (shape != NULL) *shape = desc->shape;
    return PGD_OK;
}

uint64_t pgd_run_workspace_bytes(const pgd_run *run) { return PGD_LACKS(run) || run->instance == NULL ? 0 : run->instance->workspace_bytes; }

/* ---- profile ------------------------------------------------------------------------------------------------------------------------------------------------ */

void pgd_run_profile(pgd_run *run, bool on) {
    if (PGD_LACKS(run)) return;
    pgd_profile_clear(&run->profile);
    run->profile.on = on;
}

int32_t pgd_run_step_count(const pgd_run *run) { return PGD_LACKS(run) ? 0 : run->profile.line_count; }

pgd_status pgd_run_step(const pgd_run *run, int32_t index, pgd_step_profile *out) {
    PGD_NEED(out);
    memset(out, 0, sizeof *out);
    PGD_NEED(run);
    if (!run->profile.on) return pgd_fail(PGD_BAD_STATE, "the run is not being profiled; begin with pgd_run_profile");
    if (index < 0 || index >= run->profile.line_count) return pgd_fail(PGD_BAD_ARG, "there is no step %d; there are %d", index, run->profile.line_count);
    pgd_profile_read(&run->profile, run->plan->graph, index, out);
    return PGD_OK;
}
