/* SPDX-License-Identifier: Apache-2.0
 * Resizing on the host. */
#include "host/host_kernels.h"
#include "rows.h"

enum { MODE, GRID, CHUNK_ELEMS = 16384, KEPT = PGD_SCRATCH_BYTES / sizeof(float) };

static pgd_resize_params read_params(const pgd_problem *problem, const pgd_shape *x, const pgd_shape *y) {
    pgd_resize_params p = {.planes = x->dims[0] * x->dims[1], .in_h = x->dims[2], .in_w = x->dims[3], .out_h = y->dims[2], .out_w = y->dims[3], .mode = problem->attrs->ints[MODE], .grid = problem->attrs->ints[GRID]};
    int64_t row = p.in_w + p.out_w;
    p.rows_per_chunk = row >= CHUNK_ELEMS ? 1 : CHUNK_ELEMS / (row < 1 ? 1 : row);
    return p;
}

static const char *reject(const pgd_problem *problem) {
    if (problem->inputs[0].shape.dims[3] > KEPT / 4 || problem->outputs[0].shape.dims[3] > KEPT / 4) return "a row is longer than a worker's scratch";
    return pgd_reject_unless_f32(problem);
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_resize_params p = read_params(problem, &problem->inputs[0].shape, &problem->outputs[0].shape);
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->resize, &p, sizeof p, p.out_w == 0 ? 0 : p.planes * ((p.out_h + p.rows_per_chunk - 1) / p.rows_per_chunk));
}

static pgd_status d_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_resize_params p = read_params(problem, &problem->outputs[0].shape, &problem->inputs[0].shape);
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->resize_d, &p, sizeof p, p.planes);
}

const pgd_kernel_row pgd_row_host_resize = {.name = "host_resize", .device = "host", .reject = reject, .emit = emit};
const pgd_kernel_row pgd_row_host_resize_d = {.name = "host_resize_d", .device = "host", .reject = reject, .emit = d_emit};
