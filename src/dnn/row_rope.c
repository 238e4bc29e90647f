/* SPDX-License-Identifier: Apache-2.0
 * Rotary embedding on the host. */
#include <math.h>

#include "host/host_kernels.h"
#include "rows.h"

enum { HALF_MAX = PGD_SCRATCH_BYTES / sizeof(float) / 2 };

static const char *reject(const pgd_problem *problem) {
    if (problem->inputs[0].dtype != PGD_F32) return "x is not f32";
    return problem->inputs[0].shape.dims[3] / 2 > HALF_MAX ? "a head has more features than a worker's scratch holds" : NULL;
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape;
    int64_t half = x->dims[3] / 2, elems = x->dims[2] * x->dims[3];
    size_t bytes = sizeof(pgd_rope_params) + (size_t)half * sizeof(double);
    pgd_rope_params *p = pgd_arena_alloc(emitter->arena, bytes);
    if (p == NULL) return pgd_fail_memory(bytes);
    *p = (pgd_rope_params){.rows = x->dims[0] * x->dims[1], .heads = x->dims[2], .half = half, .inverse = problem->attrs->ints[0] != 0, .rows_per_chunk = elems >= 16384 ? 1 : 16384 / (elems < 1 ? 1 : elems)};
    for (int64_t i = 0; i < half; i++) p->frequencies[i] = pow(problem->attrs->floats[0], -2 * (double)i / (double)x->dims[3]);
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->rope, p, bytes, elems == 0 ? 0 : (p->rows + p->rows_per_chunk - 1) / p->rows_per_chunk);
}

static uint32_t aliases(const pgd_problem *problem, int32_t output) { return 1; }

const pgd_kernel_row pgd_row_host_rope = {.name = "host_rope", .device = "host", .reject = reject, .emit = emit, .aliases = aliases};
