/* SPDX-License-Identifier: Apache-2.0
 * The host kernels at level neon; the compiler flags come from the build. */
#define PGD_ISA_NEON
#include "host_level.inc.c"
