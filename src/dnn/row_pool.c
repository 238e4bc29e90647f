/* SPDX-License-Identifier: Apache-2.0
 * Pooling on the host. */
#include "host/host_kernels.h"
#include "rows.h"

enum { KERNEL_H, KERNEL_W, STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT };

static const char *reject(const pgd_problem *problem) { return pgd_reject_unless_f32(problem); }

static pgd_status emit_pool(const pgd_problem *problem, pgd_emitter *emitter, const pgd_shape *x, const pgd_shape *y, pgd_chunk_fn *function) {
    const int64_t *o = problem->attrs->ints;
    pgd_pool_params p = {.planes = x->dims[0] * x->dims[1], .h = x->dims[2], .w = x->dims[3], .p = y->dims[2], .q = y->dims[3], .kernel_h = o[KERNEL_H], .kernel_w = o[KERNEL_W],
                         .stride_h = o[STRIDE_H], .stride_w = o[STRIDE_W], .pad_top = o[PAD_TOP], .pad_left = o[PAD_LEFT]};
    int64_t plane_elems = p.h * p.w + p.p * p.q;
    p.planes_per_chunk = plane_elems >= 65536 ? 1 : 65536 / (plane_elems < 1 ? 1 : plane_elems);
    return pgd_emit_simple(emitter, problem, function, &p, sizeof p, (p.planes + p.planes_per_chunk - 1) / p.planes_per_chunk);
}

#define ROW(name_, x_, y_)                                                                                       \
    static pgd_status name_##_emit(const pgd_problem *problem, pgd_emitter *emitter) {                           \
        return emit_pool(problem, emitter, &(x_)->shape, &(y_)->shape, pgd_host_kernels_for(problem->isa)->name_); \
    }                                                                                                            \
    const pgd_kernel_row pgd_row_host_##name_ = {.name = "host_" #name_, .device = "host", .reject = reject, .emit = name_##_emit};

ROW(max_pool, &problem->inputs[0], &problem->outputs[0])
ROW(max_pool_d, &problem->inputs[1], &problem->inputs[0])
ROW(avg_pool, &problem->inputs[0], &problem->outputs[0])
ROW(avg_pool_d, &problem->outputs[0], &problem->inputs[0])
