/* SPDX-License-Identifier: Apache-2.0 */
#define PGD_ISA_AVX512
#include "gemm_table.inc.c"
