/* SPDX-License-Identifier: Apache-2.0
 * Pooling on the host. */
#include "host/host_kernels.h"
#include "product.h"

enum { KERNEL_H, KERNEL_W, STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT };

static pgd_pool_params pool_params(const pgd_problem *problem, const pgd_shape *x, const pgd_shape *y) {
    const int64_t *o = problem->attrs->ints;
    pgd_pool_params p = {.planes = x->dims[0] * x->dims[1], .channels = x->dims[1], .h = x->dims[2], .w = x->dims[3], .p = y->dims[2], .q = y->dims[3], .kernel_h = o[KERNEL_H], .kernel_w = o[KERNEL_W],
                         .stride_h = o[STRIDE_H], .stride_w = o[STRIDE_W], .pad_top = o[PAD_TOP], .pad_left = o[PAD_LEFT]};
    int64_t plane_elems = p.h * p.w + p.p * p.q;
    p.planes_per_chunk = plane_elems >= 65536 ? 1 : 65536 / (plane_elems < 1 ? 1 : plane_elems);
    return p;
}

static int64_t pool_chunks(const pgd_pool_params *p) { return (p->planes + p->planes_per_chunk - 1) / p->planes_per_chunk; }

#define ROW(name_, x_, y_)                                                                                                                                        \
    static pgd_status name_##_emit(const pgd_problem *problem, pgd_emitter *emitter) {                                                                            \
        pgd_pool_params p = pool_params(problem, &(x_)->shape, &(y_)->shape);                                                                                     \
        return pgd_emit_simple(emitter, problem, pgd_host_kernels_for(problem->isa)->name_, &p, sizeof p, pool_chunks(&p));                                       \
    }                                                                                                                                                             \
    const pgd_kernel_row pgd_row_host_##name_ = {.name = "host_" #name_, .device = "host", .reject = pgd_reject_unless_f32, .emit = name_##_emit};

ROW(max_pool, &problem->inputs[0], &problem->outputs[0])
ROW(avg_pool, &problem->inputs[0], &problem->outputs[0])
ROW(avg_pool_d, &problem->outputs[0], &problem->inputs[0])

/* The gradient of a max pool often meets the mask of the relu before it: an epilogue. */
static pgd_status max_pool_d_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *dx = &problem->outputs[0].shape;
    pgd_pool_params p = pool_params(problem, dx, &problem->inputs[0].shape);
    PGD_TRY(pgd_emit_epilogue(problem, emitter, dx->dims[0], dx->dims[1], p.h * p.w, &p.epilogue));
    return pgd_emit_product_operands(pgd_emit(emitter, pgd_host_kernels_for(problem->isa)->max_pool_d, &p, sizeof p, pool_chunks(&p)), problem);
}

const pgd_kernel_row pgd_row_host_max_pool_d = {.name = "host_max_pool_d", .device = "host", .reject = pgd_reject_product, .emit = max_pool_d_emit};
