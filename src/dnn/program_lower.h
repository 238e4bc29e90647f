/* SPDX-License-Identifier: Apache-2.0
 * From a program with concrete shapes to the parameter block of the tile interpreter. */
#ifndef PGD_PROGRAM_LOWER_H
#define PGD_PROGRAM_LOWER_H

#include "host/host_kernels.h"
#include "rows.h"

/* NULL, or why the interpreter cannot run it. */
const char *pgd_program_lower(const pgd_problem *problem, pgd_host_program *out);

/* The epilogue of MATMUL or CONV over the result viewed as [batch, rows, cols]. */
const char *pgd_epilogue_lower(const pgd_problem *problem, int64_t batch, int64_t rows, int64_t cols, pgd_host_program *out);

#endif
