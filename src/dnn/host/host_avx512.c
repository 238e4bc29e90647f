/* SPDX-License-Identifier: Apache-2.0
 * The host kernels at level avx512; the compiler flags come from the build. */
#define PGD_ISA_AVX512
#include "host_level.inc.c"
