/* SPDX-License-Identifier: Apache-2.0
 * The products that softgpu.c measures, as plain C: what a compiler makes of the loop that each thread of the kernel runs, and of the order of loops that suits a processor. */
#include "softgpu_loops.h"

#include <math.h>

void loops_dot(const float *a, const float *b, float *c, int n, int first, int last) {
    for (int i = first; i < last; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int k = 0; k < n; k++) sum = fmaf(a[i * n + k], b[k * n + j], sum);
            c[i * n + j] = sum;
        }
}

void loops_rows(const float *a, const float *b, float *c, int n, int first, int last) {
    for (int i = first; i < last; i++) {
        for (int j = 0; j < n; j++) c[i * n + j] = 0;
        for (int k = 0; k < n; k++)
            for (int j = 0; j < n; j++) c[i * n + j] += a[i * n + k] * b[k * n + j];
    }
}
