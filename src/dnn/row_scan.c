/* SPDX-License-Identifier: Apache-2.0
 * Running sums and products on the host. */
#include "host/host_kernels.h"
#include "rows.h"

enum { AXIS, REVERSE, EXCLUSIVE, CHUNK_ELEMS = 16384, KEPT = PGD_SCRATCH_BYTES / sizeof(double) };

static const char *reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static const char *derivative_reject(const pgd_problem *problem) {
    if (problem->inputs[1].shape.dims[problem->attrs->ints[AXIS]] > KEPT) return "the axis is longer than a worker's scratch";
    return pgd_reject_unless_f32(problem);
}

static pgd_scan_params read_params(const pgd_problem *problem, int64_t *chunks) {
    const pgd_shape *x = &problem->inputs[0].shape;
    const int64_t *o = problem->attrs->ints;
    pgd_scan_params p = {.outer = 1, .n = 1, .inner = 1, .reverse = o[REVERSE] != 0, .exclusive = o[EXCLUSIVE] != 0, .product = problem->op != PGD_OP_CUMSUM};
    for (int32_t i = 0; i < x->rank; i++) *(i < o[AXIS] ? &p.outer : i > o[AXIS] ? &p.inner : &p.n) *= x->dims[i];
    int64_t most = problem->op == PGD_OP_CUMPROD_D && p.n > 0 && KEPT / p.n < PGD_TILE ? KEPT / p.n : PGD_TILE, together = p.inner == 1 ? p.outer : p.inner;
    p.lines_per_chunk = p.n < 1 || CHUNK_ELEMS / p.n > most ? most : CHUNK_ELEMS / p.n;
    if (p.lines_per_chunk < 16) p.lines_per_chunk = most < 16 ? most : 16;
    *chunks = p.n == 0 ? 0 : (p.inner == 1 ? 1 : p.outer) * ((together + p.lines_per_chunk - 1) / p.lines_per_chunk);
    return p;
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    int64_t chunks;
    pgd_scan_params p = read_params(problem, &chunks);
    const struct pgd_host_kernels *kernels = pgd_host_kernels_for(problem->isa);
    return pgd_emit_simple(emitter, problem, problem->op == PGD_OP_CUMPROD_D ? kernels->scan_product_d : kernels->scan, &p, sizeof p, chunks);
}

const pgd_kernel_row pgd_row_host_scan = {.name = "host_scan", .device = "host", .reject = reject, .emit = emit};
const pgd_kernel_row pgd_row_host_cumprod_d = {.name = "host_cumprod_d", .device = "host", .reject = derivative_reject, .emit = emit};
