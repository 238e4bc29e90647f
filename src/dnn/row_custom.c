/* SPDX-License-Identifier: Apache-2.0
 * Operations of other programs on the host: a chunk is one piece of their work. */
#include <string.h>

#include "rows.h"

typedef struct custom_job {
    const pgd_custom_op *op;
    int32_t input_count;
    int64_t pieces;
    pgd_tensor views[PGD_MAX_INPUTS + 1]; /* the last one in use is the result */
} custom_job;

static void chunk(const void *params, char *const *mem, int64_t piece, void *scratch) {
    const custom_job *job = params;
    pgd_tensor views[PGD_MAX_INPUTS + 1];
    memcpy(views, job->views, sizeof views[0] * (size_t)(job->input_count + 1));
    for (int32_t i = 0; i <= job->input_count; i++) views[i].data = mem[i];
    job->op->run(job->op->user, views, job->input_count, &views[job->input_count], piece, job->pieces);
}

static const char *accept(const pgd_problem *problem) { return NULL; }

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    custom_job job = {.op = problem->attrs->custom, .input_count = problem->input_count};
    for (int32_t i = 0; i <= problem->input_count; i++) {
        const pgd_desc *desc = i < problem->input_count ? &problem->inputs[i] : &problem->outputs[0];
        job.views[i] = (pgd_tensor){desc->dtype, desc->shape, NULL};
    }
    job.pieces = job.op->pieces == NULL ? 1 : job.op->pieces(job.op->user, job.views, job.input_count, &job.views[job.input_count]);
    if (job.pieces < 1) return pgd_fail(PGD_BAD_ARG, "%s: pieces gave %lld; there must be at least one", job.op->name, (long long)job.pieces);
    return pgd_emit_simple(emitter, problem, chunk, &job, sizeof job, job.pieces);
}

const pgd_kernel_row pgd_row_host_custom = {.name = "host_custom", .device = "host", .reject = accept, .emit = emit};
