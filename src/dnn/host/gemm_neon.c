/* SPDX-License-Identifier: Apache-2.0 */
#define PGD_ISA_NEON
#include "gemm_table.inc.c"
