/* SPDX-License-Identifier: Apache-2.0
 * LSTM and GRU on the host, and their derivatives: a job that packs the weights, then one over blocks of the batch. */
#include "host/gemm_kernels.h"
#include "rows.h"

static const char *reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static pgd_status add_job(const pgd_problem *problem, pgd_emitter *emitter, pgd_chunk_fn *function, const pgd_recurrent_params *p, int64_t chunks) {
    pgd_job *job = pgd_emit(emitter, function, p, sizeof *p, chunks);
    if (job == NULL) return pgd_fail_memory(sizeof *p);
    pgd_emit_all_operands(job, problem);
    pgd_emit_operand(job, PGD_OPERAND_WORKSPACE, 0, 0);
    return PGD_OK;
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    bool lstm = problem->op == PGD_OP_LSTM || problem->op == PGD_OP_LSTM_D, backward = problem->op == PGD_OP_LSTM_D || problem->op == PGD_OP_GRU_D;
    int32_t weights = backward ? problem->input_count - 1 : 1;
    const pgd_shape *line = &problem->inputs[0].shape, *w = &problem->inputs[weights].shape;
    pgd_recurrent_params p = {.steps = line->dims[0], .batch = line->dims[1], .width = w->dims[1], .k = w->dims[backward ? 0 : 1], .cols = w->dims[backward ? 1 : 0], .weights = weights, .workspace = problem->input_count + problem->output_count, .backward = backward};
    int64_t pack_chunks;
    size_t workspace_bytes;
    int64_t chunks = kernels->recurrent_plan(&p, &pack_chunks, &workspace_bytes);
    emitter->workspace_bytes = workspace_bytes;
    PGD_TRY(add_job(problem, emitter, kernels->recurrent_pack, &p, pack_chunks));
    return add_job(problem, emitter, lstm ? (backward ? kernels->lstm_backward : kernels->lstm_forward) : backward ? kernels->gru_backward : kernels->gru_forward, &p, chunks);
}

const pgd_kernel_row pgd_row_host_lstm = {.name = "host_lstm", .device = "host", .reject = reject, .emit = emit};
const pgd_kernel_row pgd_row_host_lstm_d = {.name = "host_lstm_d", .device = "host", .reject = reject, .emit = emit};
const pgd_kernel_row pgd_row_host_gru = {.name = "host_gru", .device = "host", .reject = reject, .emit = emit};
const pgd_kernel_row pgd_row_host_gru_d = {.name = "host_gru_d", .device = "host", .reject = reject, .emit = emit};
