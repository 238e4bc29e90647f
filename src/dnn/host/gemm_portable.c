/* SPDX-License-Identifier: Apache-2.0 */
#define PGD_ISA_PORTABLE
#include "gemm_table.inc.c"
