/* SPDX-License-Identifier: Apache-2.0
 * The host kernels at level avx2; the compiler flags come from the build. */
#define PGD_ISA_AVX2
#include "host_level.inc.c"
