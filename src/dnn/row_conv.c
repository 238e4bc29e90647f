/* SPDX-License-Identifier: Apache-2.0
 * Convolutions on the host, in three ways: by transforms, directly, and in general as products. Shapes and strides go into the parameter block of gemm_kernels.h. */
#include "product.h"

enum { STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT, PAD_BOTTOM, PAD_RIGHT, DILATION_H, DILATION_W, GROUPS };

/* Of a convolution x, w -> y, whichever of the three the operation computes from the others. */
static pgd_conv_params conv_params(const pgd_problem *problem) {
    const int64_t *o = problem->attrs->ints;
    const pgd_shape *result = &problem->outputs[0].shape, *a = &problem->inputs[0].shape, *b = &problem->inputs[1].shape;
    const pgd_shape *x = problem->op == PGD_OP_CONV ? a : problem->op == PGD_OP_CONV_DINPUT ? result : b, *w = problem->op == PGD_OP_CONV_DWEIGHT ? result : b, *y = problem->op == PGD_OP_CONV ? result : a;
    return (pgd_conv_params){.n = x->dims[0], .c = x->dims[1], .h = x->dims[2], .w = x->dims[3], .k = w->dims[0], .r = w->dims[2], .s = w->dims[3], .p = y->dims[2], .q = y->dims[3],
                             .groups = o[GROUPS], .stride_h = o[STRIDE_H], .stride_w = o[STRIDE_W], .pad_h = o[PAD_TOP], .pad_w = o[PAD_LEFT], .dilation_h = o[DILATION_H], .dilation_w = o[DILATION_W]};
}

/* Of the result, which is maps in all directions but the weights'; those never have one. */
static pgd_status emit_epilogue(const pgd_problem *problem, pgd_emitter *emitter, pgd_conv_params *p) {
    const int64_t *y = problem->outputs[0].shape.dims;
    return pgd_emit_epilogue(problem, emitter, y[0], y[1], y[2] * y[3], &p->epilogue);
}

/* A job, and one that goes on with what it left in the workspace. */
static pgd_status emit_two(const pgd_problem *problem, pgd_emitter *emitter, const pgd_conv_params *p, size_t workspace_bytes, pgd_chunk_fn *first, int64_t first_chunks, pgd_chunk_fn *second, int64_t second_chunks) {
    emitter->workspace_bytes = workspace_bytes;
    for (int i = 0; i < 2; i++) {
        pgd_job *job = pgd_emit(emitter, i == 0 ? first : second, p, sizeof *p, i == 0 ? first_chunks : second_chunks);
        PGD_TRY(pgd_emit_product_operands(job, problem));
        pgd_emit_operand(job, PGD_OPERAND_WORKSPACE, 0, 0);
    }
    return PGD_OK;
}

/* ---- by transforms ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Sixteen products instead of thirty-six pay off where channels outweigh the transforms. */
static const char *winograd_reject(const pgd_problem *problem) {
    enum { FEWEST = 16, SMALLEST = 4, MOST_PAD = 2 };
    const int64_t *o = problem->attrs->ints;
    const char *reason = pgd_reject_product(problem);
    pgd_conv_params p = conv_params(problem);
    if (reason != NULL) return reason;
    if (p.r != 3 || p.s != 3) return "the filter is not 3x3";
    if (p.stride_h != 1 || p.stride_w != 1) return "its stride is not 1";
    if (p.dilation_h != 1 || p.dilation_w != 1) return "it is dilated";
    if (p.groups != 1) return "it has groups";
    for (int i = PAD_TOP; i <= PAD_RIGHT; i++)
        if (o[i] > MOST_PAD) return "it is padded by more than 2";
    if (p.c < FEWEST || p.k < FEWEST) return "it has fewer than 16 channels";
    if (p.h < SMALLEST || p.w < SMALLEST || p.p < SMALLEST || p.q < SMALLEST) return "its pictures are smaller than 4x4";
    return problem->input_count + 2 > PGD_MAX_OPERANDS ? "its epilogue has too many inputs" : NULL;
}

static pgd_status winograd_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    pgd_conv_params p = conv_params(problem);
    int64_t weight_chunks;
    size_t workspace_bytes;
    PGD_TRY(emit_epilogue(problem, emitter, &p));
    p.workspace = problem->input_count + 1;
    int64_t chunks = kernels->winograd_plan(&p, problem->op == PGD_OP_CONV_DINPUT, &weight_chunks, &workspace_bytes);
    return emit_two(problem, emitter, &p, workspace_bytes, kernels->winograd_weights_chunk, weight_chunks, kernels->winograd_chunk, chunks);
}

const pgd_kernel_row pgd_row_host_winograd = {.name = "host_winograd", .device = "host", .reject = winograd_reject, .emit = winograd_emit};

/* ---- sums of few products ------------------------------------------------------------------------------------------------------------------------------- */

/* Fills *p and gives the number of chunks, -1 where the kernel refuses. */
static int64_t direct_plan(const pgd_problem *problem, pgd_conv_params *p) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    *p = conv_params(problem);
    return problem->op == PGD_OP_CONV ? kernels->direct_forward_plan(p) : problem->op == PGD_OP_CONV_DINPUT ? kernels->direct_dgrad_plan(p) : kernels->direct_wgrad_plan(p);
}

static const char *direct_reject(const pgd_problem *problem) {
    pgd_conv_params p;
    const char *reason = pgd_reject_product(problem);
    if (reason != NULL) return reason;
    return direct_plan(problem, &p) < 0 ? "its sums are long or its windows wide" : NULL;
}

static pgd_status direct_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    pgd_conv_params p;
    int64_t chunks = direct_plan(problem, &p);
    PGD_TRY(emit_epilogue(problem, emitter, &p));
    pgd_chunk_fn *chunk = problem->op == PGD_OP_CONV ? kernels->direct_forward_chunk : problem->op == PGD_OP_CONV_DINPUT ? kernels->direct_dgrad_chunk : kernels->direct_wgrad_chunk;
    return pgd_emit_product_operands(pgd_emit(emitter, chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_direct = {.name = "host_direct", .device = "host", .reject = direct_reject, .emit = direct_emit};

/* ---- the general case ------------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status conv_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_conv_params p = conv_params(problem);
    PGD_TRY(emit_epilogue(problem, emitter, &p));
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t chunks = kernels->conv_forward_plan(&p);
    return pgd_emit_product_operands(pgd_emit(emitter, kernels->conv_forward_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_conv = {.name = "host_conv", .device = "host", .reject = pgd_reject_product, .emit = conv_emit};

static pgd_status dinput_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_conv_params p = conv_params(problem);
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    PGD_TRY(emit_epilogue(problem, emitter, &p));
    int64_t chunks = kernels->conv_dgrad_plan(&p);
    return pgd_emit_product_operands(pgd_emit(emitter, kernels->conv_dgrad_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_conv_dinput = {.name = "host_conv_dinput", .device = "host", .reject = pgd_reject_product, .emit = dinput_emit};

static pgd_status emit_dweight(const pgd_problem *problem, pgd_emitter *emitter, int64_t (*plan)(pgd_conv_params *p, int64_t *reduce_chunks, size_t *workspace_bytes), pgd_chunk_fn *chunk) {
    pgd_conv_params p = conv_params(problem);
    int64_t reduce_chunks;
    size_t workspace_bytes;
    int64_t chunks = plan(&p, &reduce_chunks, &workspace_bytes);
    return emit_two(problem, emitter, &p, workspace_bytes, chunk, chunks, pgd_gemm_kernels_for(problem->isa)->conv_wgrad_reduce_chunk, reduce_chunks);
}

static pgd_status dweight_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    return emit_dweight(problem, emitter, kernels->conv_wgrad_plan, kernels->conv_wgrad_chunk);
}

static pgd_status winograd_dweight_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    return emit_dweight(problem, emitter, kernels->winograd_wgrad_plan, kernels->winograd_wgrad_chunk);
}

const pgd_kernel_row pgd_row_host_winograd_dweight = {.name = "host_winograd", .device = "host", .reject = winograd_reject, .emit = winograd_dweight_emit};
const pgd_kernel_row pgd_row_host_conv_dweight = {.name = "host_conv_dweight", .device = "host", .reject = pgd_reject_product, .emit = dweight_emit};
