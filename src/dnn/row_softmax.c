/* SPDX-License-Identifier: Apache-2.0
 * Softmax, cross-entropy and argmax on the host. */
#include "host/host_kernels.h"
#include "rows.h"

static pgd_status emit_rows(const pgd_problem *problem, pgd_emitter *emitter, pgd_chunk_fn *function, pgd_row_params p) {
    int64_t row_elems = p.width * p.inner;
    p.rows_per_chunk = row_elems >= 8192 ? 1 : 8192 / (row_elems < 1 ? 1 : row_elems);
    return pgd_emit_simple(emitter, problem, function, &p, sizeof p, (p.rows + p.rows_per_chunk - 1) / p.rows_per_chunk);
}

static pgd_row_params last_axis(const pgd_shape *x) {
    int64_t width = x->dims[x->rank - 1];
    return (pgd_row_params){.rows = width == 0 ? 0 : pgd_shape_elems(*x) / width, .width = width, .inner = 1};
}

static const char *softmax_reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static pgd_status softmax_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_row_params p = last_axis(&problem->inputs[0].shape);
    p.logarithm = problem->op == PGD_OP_LOG_SOFTMAX;
    return emit_rows(problem, emitter, pgd_host_kernels_for(problem->isa)->softmax, p);
}

const pgd_kernel_row pgd_row_host_softmax = {.name = "host_softmax", .device = "host", .reject = softmax_reject, .emit = softmax_emit};

static const char *xent_reject(const pgd_problem *problem) {
    if (problem->inputs[0].dtype != PGD_F32) return "the logits are not f32";
    return problem->inputs[0].shape.dims[1] == 0 ? "there are no classes" : NULL;
}

static pgd_status xent_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_row_params p = last_axis(&problem->inputs[0].shape);
    p.smoothing = (float)problem->attrs->floats[0];
    const struct pgd_host_kernels *kernels = pgd_host_kernels_for(problem->isa);
    return emit_rows(problem, emitter, problem->op == PGD_OP_SOFTMAX_XENT ? kernels->softmax_xent : kernels->softmax_xent_d, p);
}

const pgd_kernel_row pgd_row_host_softmax_xent = {.name = "host_softmax_xent", .device = "host", .reject = xent_reject, .emit = xent_emit};
const pgd_kernel_row pgd_row_host_softmax_xent_d = {.name = "host_softmax_xent_d", .device = "host", .reject = xent_reject, .emit = xent_emit};

static const char *argmax_reject(const pgd_problem *problem) { return problem->inputs[0].dtype != PGD_F32 ? "the input is not f32" : NULL; }

static pgd_status argmax_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape;
    pgd_row_params p = {.rows = 1, .width = 1, .inner = 1, .least = problem->op == PGD_OP_ARGMIN};
    int64_t *part = &p.rows;
    for (int32_t i = 0; i < x->rank; i++) {
        if ((problem->attrs->ints[0] >> i & 1) != 0) {
            p.width = x->dims[i];
            part = &p.inner;
        } else
            *part *= x->dims[i];
    }
    return emit_rows(problem, emitter, pgd_host_kernels_for(problem->isa)->argmax, p);
}

const pgd_kernel_row pgd_row_host_argmax = {.name = "host_argmax", .device = "host", .reject = argmax_reject, .emit = argmax_emit};
