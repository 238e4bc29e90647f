/* SPDX-License-Identifier: Apache-2.0
 * Layer and RMS norm on the host, and their derivatives: one job over the rows, and one that joins the partial sums for gamma and beta. */
#include "host/host_kernels.h"
#include "rows.h"

enum { CHUNKS_MAX = 32, CHUNK_ELEMS = 16384 };

static const char *reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static pgd_row_norm_params read_params(const pgd_problem *problem, const pgd_shape *x) {
    int64_t width = x->dims[x->rank - 1];
    pgd_shape rows = *x;
    rows.dims[x->rank - 1] = 1;
    pgd_row_norm_params p = {.rows = pgd_shape_elems(rows), .width = width, .epsilon = (float)problem->attrs->floats[0],
                             .centred = problem->op == PGD_OP_LAYER_NORM || problem->op == PGD_OP_LAYER_NORM_D};
    int64_t least = width == 0 ? 1 : (CHUNK_ELEMS + width - 1) / width, even = (p.rows + CHUNKS_MAX - 1) / CHUNKS_MAX;
    p.rows_per_chunk = even > least ? even : least;
    p.chunks = (p.rows + p.rows_per_chunk - 1) / p.rows_per_chunk;
    return p;
}

static pgd_status forward_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_row_norm_params p = read_params(problem, &problem->inputs[0].shape);
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->row_norm, &p, sizeof p, p.chunks);
}

static pgd_status add_job(const pgd_problem *problem, pgd_emitter *emitter, pgd_chunk_fn *function, const pgd_row_norm_params *p, int64_t chunks) {
    pgd_job *job = pgd_emit(emitter, function, p, sizeof *p, chunks);
    if (job == NULL) return pgd_fail_memory(sizeof *p);
    pgd_emit_all_operands(job, problem);
    pgd_emit_operand(job, PGD_OPERAND_WORKSPACE, 0, 0);
    return PGD_OK;
}

static pgd_status backward_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_row_norm_params p = read_params(problem, &problem->inputs[1].shape);
    const struct pgd_host_kernels *kernels = pgd_host_kernels_for(problem->isa);
    emitter->workspace_bytes = (uint64_t)p.chunks * 2 * (uint64_t)p.width * sizeof(float);
    PGD_TRY(add_job(problem, emitter, kernels->row_norm_d, &p, p.chunks));
    return add_job(problem, emitter, kernels->row_norm_join, &p, (p.width + PGD_TILE - 1) / PGD_TILE);
}

const pgd_kernel_row pgd_row_host_layer_norm = {.name = "host_layer_norm", .device = "host", .reject = reject, .emit = forward_emit};
const pgd_kernel_row pgd_row_host_layer_norm_d = {.name = "host_layer_norm_d", .device = "host", .reject = reject, .emit = backward_emit};
const pgd_kernel_row pgd_row_host_rms_norm = {.name = "host_rms_norm", .device = "host", .reject = reject, .emit = forward_emit};
const pgd_kernel_row pgd_row_host_rms_norm_d = {.name = "host_rms_norm_d", .device = "host", .reject = reject, .emit = backward_emit};
