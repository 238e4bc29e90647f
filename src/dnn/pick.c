/* SPDX-License-Identifier: Apache-2.0
 * Choosing a row, and what all rows share. */
#include <string.h>

#include "rows.h"

static const struct {
    pgd_op op;
    const pgd_kernel_row *row;
} rows[] = {
#define PGD_KERNEL(OP, row) {PGD_OP_##OP, &pgd_row_##row},
#include "kernels.def"
#undef PGD_KERNEL
};
enum { ROWS = sizeof rows / sizeof rows[0] };

int32_t pgd_kernel_count(void) { return ROWS + 1; }

pgd_status pgd_kernel_info_get(int32_t index, pgd_kernel_info *out) {
    PGD_NEED(out);
    memset(out, 0, sizeof *out);
    if (index < 0 || index > ROWS) return pgd_fail(PGD_BAD_ARG, "there is no kernel %d; there are %d", index, ROWS + 1);
    const pgd_kernel_row *row = index < ROWS ? rows[index].row : &pgd_row_reference;
    *out = (pgd_kernel_info){row->name, index < ROWS ? pgd_op_name(rows[index].op) : "*", row->device};
    return PGD_OK;
}

const pgd_kernel_row *pgd_kernel_row_at(pgd_op op, int32_t index) {
    for (int i = 0; i < ROWS; i++)
        if (rows[i].op == op && index-- == 0) return rows[i].row;
    return index == 0 && op != PGD_OP_PROGRAM ? &pgd_row_reference : NULL;
}

static const char *rejection(const pgd_kernel_row *row, const pgd_problem *problem) {
    bool elsewhere = strcmp(row->device, problem->device_kind) != 0 && strcmp(problem->device_kind, "null") != 0;
    return elsewhere ? "is for another kind of device" : row->reject(problem);
}

static pgd_status fail_with_reasons(const pgd_problem *problem) {
    pgd_text reasons = {0};
    const pgd_kernel_row *row;
    for (int32_t i = 0; (row = pgd_kernel_row_at(problem->op, i)) != NULL; i++) pgd_text_add(&reasons, "%s %s: %s", i > 0 ? ";" : "", row->name, rejection(row, problem));
    pgd_status status = pgd_fail(PGD_UNSUPPORTED, "no kernel for %s on a %s device:%s", pgd_op_name(problem->op), problem->device_kind, reasons.chars == NULL ? " none is written" : reasons.chars);
    pgd_mem_free(reasons.chars);
    return status;
}

pgd_status pgd_kernel_pick(const pgd_problem *problem, const pgd_kernel_row **out) {
    const pgd_kernel_row *row;
    *out = NULL;
    for (int32_t i = 0; (row = pgd_kernel_row_at(problem->op, i)) != NULL; i++)
        if (rejection(row, problem) == NULL) {
            *out = row;
            return PGD_OK;
        }
    return fail_with_reasons(problem);
}

pgd_job *pgd_emit(pgd_emitter *emitter, pgd_chunk_fn *function, const void *params, size_t bytes, int64_t chunks) {
    void *copy = pgd_arena_alloc(emitter->arena, bytes);
    if (copy == NULL || emitter->job_count == PGD_MAX_JOBS) return NULL;
    memcpy(copy, params, bytes);
    pgd_job *job = &emitter->jobs[emitter->job_count++];
    *job = (pgd_job){.function = function, .params = copy, .chunks = chunks};
    return job;
}

void pgd_emit_operand(pgd_job *job, pgd_operand_kind kind, int32_t index, uint64_t offset_bytes) {
    job->operands[job->operand_count++] = (pgd_operand){kind, index, offset_bytes};
}

void pgd_emit_all_operands(pgd_job *job, const pgd_problem *problem) {
    for (int32_t i = 0; i < problem->input_count; i++) pgd_emit_operand(job, PGD_OPERAND_INPUT, i, 0);
    for (int32_t i = 0; i < problem->output_count; i++) pgd_emit_operand(job, PGD_OPERAND_OUTPUT, i, 0);
}

pgd_status pgd_emit_simple(pgd_emitter *emitter, const pgd_problem *problem, pgd_chunk_fn *function, const void *params, size_t bytes, int64_t chunks) {
    pgd_job *job = pgd_emit(emitter, function, params, bytes, chunks);
    if (job == NULL) return pgd_fail_memory(bytes);
    pgd_emit_all_operands(job, problem);
    return PGD_OK;
}

const char *pgd_reject_unless_f32(const pgd_problem *problem) {
    for (int32_t i = 0; i < problem->input_count; i++)
        if (problem->inputs[i].dtype != PGD_F32) return "an input is not f32";
    for (int32_t i = 0; i < problem->output_count; i++)
        if (problem->outputs[i].dtype != PGD_F32) return "an output is not f32";
    return NULL;
}
