/* SPDX-License-Identifier: Apache-2.0
 * Matrix products and convolutions on the host: shapes and strides go into the parameter blocks of gemm_kernels.h. */
#include "program_lower.h"

/* Emits params whose last act is to point at a copy of the epilogue in the emitter's arena. */
static pgd_status lower_epilogue(const pgd_problem *problem, pgd_emitter *emitter, int64_t batch, int64_t rows, int64_t cols, const pgd_epilogue **out) {
    *out = NULL;
    if (problem->program == NULL) return PGD_OK;
    pgd_host_program *program = pgd_arena_alloc(emitter->arena, sizeof *program);
    pgd_epilogue *epilogue = pgd_arena_alloc(emitter->arena, sizeof *epilogue);
    if (program == NULL || epilogue == NULL) return pgd_fail_memory(sizeof *program);
    const char *reason = pgd_epilogue_lower(problem, batch, rows, cols, program);
    if (reason != NULL) return pgd_fail(PGD_UNSUPPORTED, "%s: %s", pgd_op_name(problem->op), reason);
    /* operands: two inputs, the result, then the epilogue's inputs 2, 3 ...: input i is operand i + 1 */
    *epilogue = (pgd_epilogue){pgd_host_kernels_for(problem->isa)->program_epilogue, program, 1};
    *out = epilogue;
    return PGD_OK;
}

static pgd_status add_operands(pgd_job *job, const pgd_problem *problem) {
    if (job == NULL) return pgd_fail_memory(sizeof(pgd_conv_params));
    pgd_emit_operand(job, PGD_OPERAND_INPUT, 0, 0);
    pgd_emit_operand(job, PGD_OPERAND_INPUT, 1, 0);
    pgd_emit_operand(job, PGD_OPERAND_OUTPUT, 0, 0);
    for (int32_t i = 2; i < problem->input_count; i++) pgd_emit_operand(job, PGD_OPERAND_INPUT, i, 0);
    return PGD_OK;
}

/* Epilogue inputs may have other dtypes; the two operands and the result may not. */
static const char *reject(const pgd_problem *problem) {
    pgd_problem core = *problem;
    core.input_count = 2;
    return pgd_reject_unless_f32(&core);
}

static pgd_status matmul_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *a = &problem->inputs[0].shape, *y = &problem->outputs[0].shape;
    bool ta = problem->attrs->ints[0] != 0, tb = problem->attrs->ints[1] != 0;
    int32_t rank = y->rank;
    pgd_gemm_params p = {.batch = 1, .m = y->dims[rank - 2], .n = y->dims[rank - 1], .k = a->dims[rank - (ta ? 2 : 1)]};
    for (int32_t i = 0; i < rank - 2; i++) p.batch *= y->dims[i];
    p.a_batch = p.m * p.k, p.a_row = ta ? 1 : p.k, p.a_col = ta ? p.m : 1;
    p.b_batch = p.k * p.n, p.b_row = tb ? 1 : p.n, p.b_col = tb ? p.k : 1;
    p.c_batch = p.m * p.n, p.c_row = p.n;
    PGD_TRY(lower_epilogue(problem, emitter, p.batch, p.m, p.n, &p.epilogue));
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t chunks = kernels->gemm_plan(&p);
    return add_operands(pgd_emit(emitter, kernels->gemm_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_matmul = {.name = "host_matmul", .device = "host", .reject = reject, .emit = matmul_emit};

enum { STRIDE_H, STRIDE_W, PAD_TOP, PAD_LEFT, PAD_BOTTOM, PAD_RIGHT, DILATION_H, DILATION_W, GROUPS };

static pgd_conv_params conv_params(const pgd_problem *problem, const pgd_shape *x, const pgd_shape *w, const pgd_shape *y) {
    const int64_t *o = problem->attrs->ints;
    return (pgd_conv_params){.n = x->dims[0], .c = x->dims[1], .h = x->dims[2], .w = x->dims[3], .k = w->dims[0], .r = w->dims[2], .s = w->dims[3], .p = y->dims[2], .q = y->dims[3],
                             .groups = o[GROUPS], .stride_h = o[STRIDE_H], .stride_w = o[STRIDE_W], .pad_h = o[PAD_TOP], .pad_w = o[PAD_LEFT], .dilation_h = o[DILATION_H], .dilation_w = o[DILATION_W]};
}

static pgd_status conv_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_conv_params p = conv_params(problem, &problem->inputs[0].shape, &problem->inputs[1].shape, &problem->outputs[0].shape);
    PGD_TRY(lower_epilogue(problem, emitter, p.n, p.k, p.p * p.q, &p.epilogue));
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t chunks = kernels->conv_forward_plan(&p);
    return add_operands(pgd_emit(emitter, kernels->conv_forward_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_conv = {.name = "host_conv", .device = "host", .reject = reject, .emit = conv_emit};

static pgd_status dinput_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_conv_params p = conv_params(problem, &problem->outputs[0].shape, &problem->inputs[1].shape, &problem->inputs[0].shape);
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t chunks = kernels->conv_dgrad_plan(&p);
    return add_operands(pgd_emit(emitter, kernels->conv_dgrad_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_conv_dinput = {.name = "host_conv_dinput", .device = "host", .reject = reject, .emit = dinput_emit};

static pgd_status dweight_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_conv_params p = conv_params(problem, &problem->inputs[1].shape, &problem->outputs[0].shape, &problem->inputs[0].shape);
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t reduce_chunks;
    size_t workspace_bytes;
    int64_t chunks = kernels->conv_wgrad_plan(&p, &reduce_chunks, &workspace_bytes);
    emitter->workspace_bytes = workspace_bytes;
    pgd_job *job = pgd_emit(emitter, kernels->conv_wgrad_chunk, &p, sizeof p, chunks);
    PGD_TRY(add_operands(job, problem));
    pgd_emit_operand(job, PGD_OPERAND_WORKSPACE, 0, 0);
    job = pgd_emit(emitter, kernels->conv_wgrad_reduce_chunk, &p, sizeof p, reduce_chunks);
    PGD_TRY(add_operands(job, problem));
    pgd_emit_operand(job, PGD_OPERAND_WORKSPACE, 0, 0);
    return PGD_OK;
}

const pgd_kernel_row pgd_row_host_conv_dweight = {.name = "host_conv_dweight", .device = "host", .reject = reject, .emit = dweight_emit};
