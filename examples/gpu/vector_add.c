/* SPDX-License-Identifier: Apache-2.0
 * c = a + b: the smallest whole program. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 100003, THREADS = 256 };
    static float a[N], b[N], c[N];
    unsigned int seed = 1;
    for (int i = 0; i < N; i++) a[i] = example_random(&seed), b[i] = example_random(&seed);

    CUmodule module = example_begin(argc, argv);
    CUfunction vector_add = example_kernel(module, "vector_add");
    CUdeviceptr da = example_buffer(a, sizeof a), db = example_buffer(b, sizeof b), dc = example_buffer(NULL, sizeof c);
    int n = N;
    void *parameters[] = {&da, &db, &dc, &n};
    CHECK(cuLaunchKernel(vector_add, (N + THREADS - 1) / THREADS, 1, 1, THREADS, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(c, dc, sizeof c));

    double worst = 0;
    for (int i = 0; i < N; i++) worst = example_worse(worst, fabs((double)a[i] + b[i] - c[i]));
    return example_end("vector add", worst, 1.2e-7);
}
