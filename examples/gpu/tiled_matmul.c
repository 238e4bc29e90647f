/* SPDX-License-Identifier: Apache-2.0
 * c = a b with tiles in shared memory. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 128 };
    static float a[N * N], b[N * N], c[N * N];
    unsigned int seed = 2;
    for (int i = 0; i < N * N; i++) a[i] = example_random(&seed), b[i] = example_random(&seed);

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr da = example_buffer(a, sizeof a), db = example_buffer(b, sizeof b), dc = example_buffer(NULL, sizeof c);
    int n = N;
    void *parameters[] = {&da, &db, &dc, &n};
    CHECK(cuLaunchKernel(example_kernel(module, "tiled_matmul"), N / 16, N / 16, 1, 16, 16, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(c, dc, sizeof c));

    double worst = 0;
    for (int y = 0; y < N; y++)
        for (int x = 0; x < N; x++) {
            double sum = 0;
            for (int k = 0; k < N; k++) sum += (double)a[y * N + k] * b[k * N + x];
            worst = example_worse(worst, fabs(sum - c[y * N + x]));
        }
    return example_end("tiled matmul", worst, 2e-5);
}
