/* SPDX-License-Identifier: Apache-2.0
 * The host kernels at level portable; the compiler flags come from the build. */
#define PGD_ISA_PORTABLE
#include "host_level.inc.c"
