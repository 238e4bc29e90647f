/* SPDX-License-Identifier: Apache-2.0
 * What the rows with two inputs and an epilogue - matrix products, convolutions, the gradient of max pooling - share (row_matmul.c). */
#ifndef PGD_PRODUCT_H
#define PGD_PRODUCT_H

#include "program_lower.h"

/* The problem's program as an epilogue in the emitter's arena; NULL where there is none. */
pgd_status pgd_emit_epilogue(const pgd_problem *problem, pgd_emitter *emitter, int64_t batch, int64_t rows, int64_t cols, const pgd_epilogue **out);

/* Two inputs, the result, then the epilogue's inputs; job NULL: there was no memory for it. */
pgd_status pgd_emit_product_operands(pgd_job *job, const pgd_problem *problem);

/* Epilogue inputs may have any dtype; the two operands and the result must be f32. */
const char *pgd_reject_product(const pgd_problem *problem);

#endif
