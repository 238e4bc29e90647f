/* SPDX-License-Identifier: Apache-2.0
 * Declares every row of kernels.def, and what rows share. */
#ifndef PGD_ROWS_H
#define PGD_ROWS_H

#include <dnn_share.h>

#define PGD_KERNEL(OP, row) extern const pgd_kernel_row pgd_row_##row;
#include "kernels.def"
#undef PGD_KERNEL
extern const pgd_kernel_row pgd_row_reference;

const struct pgd_host_kernels *pgd_host_kernels_for(pgd_isa isa); /* host/levels.c */
const struct pgd_gemm_kernels *pgd_gemm_kernels_for(pgd_isa isa);

/* Are all inputs and outputs f32? The sentence names the one that is not. */
const char *pgd_reject_unless_f32(const pgd_problem *problem);

/* Adds the problem's inputs, then its outputs, as operands of a job. */
void pgd_emit_all_operands(pgd_job *job, const pgd_problem *problem);

/* One job over all operands: what most rows emit. */
pgd_status pgd_emit_simple(pgd_emitter *emitter, const pgd_problem *problem, pgd_chunk_fn *function, const void *params, size_t bytes, int64_t chunks);

#endif
