/* SPDX-License-Identifier: Apache-2.0
 * Lowering a program: strides of every load, merging axes that all loads walk alike, and a buffer for every register that needs one. */
#include "program_lower.h"

#include <string.h>

static const char *lower_instr(const pgd_problem *problem, const pgd_instr *instr, pgd_host_instr *to) {
    *to = (pgd_host_instr){.op = (int16_t)instr->op, .args = {instr->args[0], instr->args[1], instr->args[2]}, .buffer = -1, .operand = instr->input, .store = -1, .stream = instr->stream, .imm = (float)instr->imm};
    if (instr->op == PGD_OP_DIM_SIZE) return "an extent was not bound";
    if (instr->op == PGD_OP_FILL) to->load = PGD_LOAD_ONCE;
    if (instr->op == PGD_OP_CAST) to->dtype = (int16_t)instr->imm;
    if (instr->op != PGD_OP_INPUT) return NULL;
    to->load = PGD_LOAD_RUNS;
    to->dtype = PGD_F32;
    if (instr->input < 0) return NULL;
    to->dtype = (int16_t)problem->inputs[instr->input].dtype;
    return to->dtype == PGD_F64 || to->dtype == PGD_I64 ? "it reads 64-bit elements, which tiles do not hold" : NULL;
}

/* Strides of an input inside a space of the same rank: 0 where it has extent 1. */
static void input_strides(const pgd_shape *shape, int64_t *strides) {
    int64_t stride = 1;
    for (int32_t d = shape->rank - 1; d >= 0; d--) {
        strides[d] = shape->dims[d] == 1 ? 0 : stride;
        stride *= shape->dims[d];
    }
}

static bool same_walk(const pgd_host_program *p, int32_t d) { /* may axes d and d + 1 become one? */
    if ((p->reduced >> d & 1) != (p->reduced >> (d + 1) & 1)) return false;
    for (int32_t i = 0; i < p->instr_count; i++)
        if (p->instrs[i].load == PGD_LOAD_RUNS && p->instrs[i].strides[d] != p->instrs[i].strides[d + 1] * p->dims[d + 1]) return false;
    return true;
}

static void remove_axis(pgd_host_program *p, int32_t axis) {
    uint32_t low = p->reduced & ((1u << axis) - 1), high = p->reduced >> (axis + 1) << axis;
    p->reduced = low | high;
    for (int32_t d = axis; d + 1 < p->rank; d++) {
        p->dims[d] = p->dims[d + 1];
        for (int32_t i = 0; i < p->instr_count; i++) p->instrs[i].strides[d] = p->instrs[i].strides[d + 1];
    }
    p->rank--;
}

static void collapse(pgd_host_program *p) {
    for (int32_t d = p->rank - 1; d >= 0; d--)
        if (p->dims[d] == 1) remove_axis(p, d);
    for (int32_t d = p->rank - 2; d >= 0; d--) {
        if (!same_walk(p, d)) continue;
        p->dims[d + 1] *= p->dims[d];
        remove_axis(p, d);
    }
    if (p->rank == 0) {
        p->rank = 1;
        p->dims[0] = 1;
        for (int32_t i = 0; i < p->instr_count; i++) p->instrs[i].strides[0] = 0;
    }
}

static void classify_loads(pgd_host_program *p) {
    for (int32_t i = 0; i < p->instr_count; i++) {
        pgd_host_instr *instr = &p->instrs[i];
        int64_t stride = 1;
        bool direct = instr->dtype == PGD_F32, once = true;
        if (instr->load != PGD_LOAD_RUNS) continue;
        for (int32_t d = p->rank - 1; d >= 0; d--) {
            direct = direct && (instr->strides[d] == stride || p->dims[d] == 1);
            once = once && instr->strides[d] == 0;
            stride *= p->dims[d];
        }
        instr->load = instr->operand < 0 || (direct && !once) ? PGD_LOAD_DIRECT : once ? PGD_LOAD_ONCE : PGD_LOAD_RUNS;
    }
}

/* Linear scan: a buffer is free again after the last use of its register. What is spread once, and what is stored at the end, is never freed. */
static const char *assign_buffers(pgd_host_program *p) {
    int32_t last_use[PGD_PROGRAM_INSTRS], owner[PGD_PROGRAM_INSTRS];
    for (int32_t i = 0; i < p->instr_count; i++) {
        last_use[i] = p->instrs[i].load == PGD_LOAD_ONCE ? PGD_PROGRAM_INSTRS : i;
        owner[i] = -1;
        for (int32_t k = 0; k < 3 && p->instrs[i].args[k] >= 0 && p->instrs[i].load == PGD_LOAD_NONE && p->instrs[i].op != PGD_OP_UNIFORM && p->instrs[i].op != PGD_OP_NORMAL; k++)
            if (last_use[p->instrs[i].args[k]] < i) last_use[p->instrs[i].args[k]] = i;
    }
    for (int32_t k = 0; k < p->output_count; k++) last_use[p->outputs[k]] = PGD_PROGRAM_INSTRS;
    for (int32_t i = 0; i < p->instr_count; i++) /* those spread once first: they are filled before the first tile */
        if (p->instrs[i].load == PGD_LOAD_ONCE)
            for (int32_t b = 0; b < PGD_PROGRAM_INSTRS; b++)
                if (owner[b] < 0) {
                    owner[b] = i;
                    p->instrs[i].buffer = (int16_t)b;
                    break;
                }
    for (int32_t i = 0; i < p->instr_count; i++) {
        if (p->instrs[i].load == PGD_LOAD_ONCE || p->instrs[i].load == PGD_LOAD_DIRECT || p->instrs[i].store >= 0) continue;
        int32_t b = 0;
        while (b < PGD_PROGRAM_INSTRS && owner[b] >= 0 && last_use[owner[b]] > i) b++;
        /* a register whose last use is this very instruction may give its buffer to the result: loops read and write the same place */
        if (b == PGD_PROGRAM_INSTRS) return "it needs more tile buffers than there are";
        owner[b] = i;
        p->instrs[i].buffer = (int16_t)b;
    }
    return NULL;
}

/* A register that is one f32 output and no load is computed straight into the output. */
static void mark_stores(pgd_host_program *p) {
    for (int32_t k = 0; k < p->output_count; k++) {
        pgd_host_instr *instr = &p->instrs[p->outputs[k]];
        if (instr->load == PGD_LOAD_NONE && instr->store < 0 && p->output_dtypes[k] == PGD_F32) instr->store = (int16_t)k;
    }
}

static const char *lower_all(const pgd_problem *problem, pgd_host_program *p) {
    const pgd_program *program = problem->program;
    p->instr_count = program->instr_count;
    p->output_count = program->output_count;
    p->reduce = program->reduce;
    for (int32_t i = 0; i < program->instr_count; i++) {
        const char *reason = lower_instr(problem, &program->instrs[i], &p->instrs[i]);
        if (reason != NULL) return reason;
    }
    for (int32_t k = 0; k < p->output_count; k++) {
        p->outputs[k] = program->outputs[k];
        p->output_dtypes[k] = (int16_t)problem->outputs[k].dtype;
        if (p->output_dtypes[k] == PGD_F64 || p->output_dtypes[k] == PGD_I64) return "it writes 64-bit elements, which tiles do not hold";
    }
    return NULL;
}

const char *pgd_program_lower(const pgd_problem *problem, pgd_host_program *p) {
    memset(p, 0, sizeof *p);
    const char *reason = lower_all(problem, p);
    if (reason != NULL) return reason;
    p->rank = problem->program->space.rank;
    p->reduced = problem->program->reduce >= 0 ? problem->program->reduce_axes : 0;
    p->first_output = problem->input_count;
    p->elems = p->kept_elems = p->reduced_elems = 1;
    for (int32_t d = 0; d < p->rank; d++) p->dims[d] = problem->program->space.dims[d];
    for (int32_t i = 0; i < p->instr_count; i++)
        if (p->instrs[i].load == PGD_LOAD_RUNS) input_strides(&problem->inputs[p->instrs[i].operand].shape, p->instrs[i].strides);
    collapse(p);
    for (int32_t d = 0; d < p->rank; d++) {
        p->elems *= p->dims[d];
        *((p->reduced >> d & 1) != 0 ? &p->reduced_elems : &p->kept_elems) *= p->dims[d];
    }
    if (p->reduced == 0) p->reduce = -1; /* only extents of 1 go away: nothing to add up */
    classify_loads(p);
    if (p->reduce < 0) mark_stores(p);
    return assign_buffers(p);
}

const char *pgd_epilogue_lower(const pgd_problem *problem, int64_t batch, int64_t rows, int64_t cols, pgd_host_program *p) {
    memset(p, 0, sizeof *p);
    const char *reason = lower_all(problem, p);
    if (reason != NULL) return reason;
    int64_t result_dims[3] = {batch, rows, cols};
    p->rank = 3;
    memcpy(p->dims, result_dims, sizeof result_dims);
    p->elems = batch * rows * cols;
    for (int32_t i = 0; i < p->instr_count; i++) {
        if (p->instrs[i].load != PGD_LOAD_RUNS || p->instrs[i].operand < 0) continue;
        /* split the input's axes into the groups batch, row, col: each must be whole or absent */
        const pgd_shape *shape = &problem->inputs[p->instrs[i].operand].shape;
        int32_t col_axes = problem->op == PGD_OP_MATMUL ? 1 : 2, group_end[3] = {shape->rank - col_axes - 1, shape->rank - col_axes, shape->rank};
        int64_t stride = 1;
        for (int32_t g = 2; g >= 0; g--) {
            int64_t extent = 1;
            for (int32_t d = g == 0 ? 0 : group_end[g - 1]; d < group_end[g]; d++) extent *= shape->dims[d];
            if (extent != 1 && extent != result_dims[g]) return "an epilogue input covers only some axes of a group";
            p->instrs[i].strides[g] = extent == 1 ? 0 : stride;
            stride *= extent;
        }
    }
    classify_loads(p);
    mark_stores(p);
    return assign_buffers(p);
}
