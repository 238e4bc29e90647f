/* SPDX-License-Identifier: Apache-2.0
 * The reference as a kernel row: every operation, every dtype, one chunk, slow. The engine reports its use. */
#include <string.h>

#include "rows.h"

typedef struct reference_job {
    pgd_op op;
    int32_t input_count, output_count;
    pgd_attrs attrs;
    pgd_desc descs[PGD_MAX_INPUTS + PGD_MAX_OUTPUTS];
} reference_job;

static void chunk(const void *params, char *const *mem, int64_t index, void *scratch) {
    const reference_job *job = params;
    pgd_tensor tensors[PGD_MAX_INPUTS + PGD_MAX_OUTPUTS];
    int32_t count = job->input_count + job->output_count;
    for (int32_t i = 0; i < count; i++) tensors[i] = (pgd_tensor){job->descs[i].dtype, job->descs[i].shape, mem[i]};
    pgd_op_defs[job->op]->eval(&(pgd_eval_args){job->op, &job->attrs, tensors, job->input_count, tensors + job->input_count});
}

static const char *reject(const pgd_problem *problem) {
    if (problem->program != NULL) return "the reference runs single operations, not fused programs";
    return pgd_op_defs[problem->op]->eval == NULL ? "the operation has no value of its own" : NULL;
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    reference_job job = {.op = problem->op, .input_count = problem->input_count, .output_count = problem->output_count, .attrs = *problem->attrs};
    memcpy(job.descs, problem->inputs, sizeof job.descs[0] * (size_t)problem->input_count);
    memcpy(job.descs + problem->input_count, problem->outputs, sizeof job.descs[0] * (size_t)problem->output_count);
    return pgd_emit_simple(emitter, problem, chunk, &job, sizeof job, 1);
}

const pgd_kernel_row pgd_row_reference = {.name = "reference", .device = "host", .flags = PGD_ROW_REFERENCE, .reject = reject, .emit = emit};
