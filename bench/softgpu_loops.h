/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BENCH_SOFTGPU_LOOPS_H
#define BENCH_SOFTGPU_LOOPS_H

/* c = a b, rows first to last - 1, all matrices [n,n]. dot: one element after the other, each a sum of fused products, as the kernel does it. rows: rows of b are added up. */
void loops_dot(const float *a, const float *b, float *c, int n, int first, int last);
void loops_rows(const float *a, const float *b, float *c, int n, int first, int last);
#endif
