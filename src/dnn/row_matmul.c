/* SPDX-License-Identifier: Apache-2.0
 * Matrix products on the host, and what they share with convolutions: two operands, a result, and an epilogue. */
#include "product.h"

pgd_status pgd_emit_epilogue(const pgd_problem *problem, pgd_emitter *emitter, int64_t batch, int64_t rows, int64_t cols, const pgd_epilogue **out) {
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

pgd_status pgd_emit_product_operands(pgd_job *job, const pgd_problem *problem) {
    if (job == NULL) return pgd_fail_memory(sizeof(pgd_conv_params));
    pgd_emit_operand(job, PGD_OPERAND_INPUT, 0, 0);
    pgd_emit_operand(job, PGD_OPERAND_INPUT, 1, 0);
    pgd_emit_operand(job, PGD_OPERAND_OUTPUT, 0, 0);
    for (int32_t i = 2; i < problem->input_count; i++) pgd_emit_operand(job, PGD_OPERAND_INPUT, i, 0);
    return PGD_OK;
}

const char *pgd_reject_product(const pgd_problem *problem) {
    pgd_problem core = *problem;
    core.input_count = 2;
    return pgd_reject_unless_f32(&core);
}

static pgd_status matmul_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *a = &problem->inputs[0].shape, *y = &problem->outputs[0].shape;
    bool ta = problem->attrs->ints[0] != 0, tb = problem->attrs->ints[1] != 0;
    int32_t rank = y->rank;
    pgd_gemm_params p = {.batch = 1, .m = y->dims[rank - 2], .n = y->dims[rank - 1], .k = a->dims[rank - (ta ? 2 : 1)], .threads = problem->threads};
    for (int32_t i = 0; i < rank - 2; i++) p.batch *= y->dims[i];
    p.a_batch = p.m * p.k, p.a_row = ta ? 1 : p.k, p.a_col = ta ? p.m : 1;
    p.b_batch = p.k * p.n, p.b_row = tb ? 1 : p.n, p.b_col = tb ? p.k : 1;
    p.c_batch = p.m * p.n, p.c_row = p.n;
    PGD_TRY(pgd_emit_epilogue(problem, emitter, p.batch, p.m, p.n, &p.epilogue));
    const struct pgd_gemm_kernels *kernels = pgd_gemm_kernels_for(problem->isa);
    int64_t chunks = kernels->gemm_plan(&p);
    return pgd_emit_product_operands(pgd_emit(emitter, kernels->gemm_chunk, &p, sizeof p, chunks), problem);
}

const pgd_kernel_row pgd_row_host_matmul = {.name = "host_matmul", .device = "host", .reject = pgd_reject_product, .emit = matmul_emit};
