/* SPDX-License-Identifier: Apache-2.0
 * Statistics on the host: x viewed as [outer, channels, inner]. */
#include "host/host_kernels.h"
#include "rows.h"

/* The kept axes must be neighbours: reduced, kept, reduced. */
static bool split(const pgd_shape *x, int64_t axes, pgd_channel_params *p) {
    *p = (pgd_channel_params){.outer = 1, .channels = 1, .inner = 1};
    int stage = 0; /* 0 outer, 1 channels, 2 inner */
    for (int32_t i = 0; i < x->rank; i++) {
        bool reduced = (axes >> i & 1) != 0;
        if (x->dims[i] == 1) continue;
        if (!reduced && stage == 2) return false;
        if (!reduced) stage = 1;
        if (reduced && stage == 1) stage = 2;
        *(stage == 0 ? &p->outer : stage == 1 ? &p->channels : &p->inner) *= x->dims[i];
    }
    return true;
}

static const char *moments_reject(const pgd_problem *problem) {
    pgd_channel_params p;
    if (!split(&problem->inputs[0].shape, problem->attrs->ints[0], &p)) return "the kept axes are not neighbours";
    return pgd_reject_unless_f32(problem);
}

static pgd_status moments_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_channel_params p;
    split(&problem->inputs[0].shape, problem->attrs->ints[0], &p);
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->moments, &p, sizeof p, p.channels);
}

const pgd_kernel_row pgd_row_host_moments = {.name = "host_moments", .device = "host", .reject = moments_reject, .emit = moments_emit};

static const char *batch_norm_d_reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static pgd_status batch_norm_d_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[1].shape;
    pgd_channel_params p = {.outer = x->dims[0], .channels = x->dims[1], .inner = 1, .epsilon = (float)problem->attrs->floats[0]};
    for (int32_t i = 2; i < x->rank; i++) p.inner *= x->dims[i];
    return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->batch_norm_d, &p, sizeof p, p.channels);
}

const pgd_kernel_row pgd_row_host_batch_norm_d = {.name = "host_batch_norm_d", .device = "host", .reject = batch_norm_d_reject, .emit = batch_norm_d_emit};
