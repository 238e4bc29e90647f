/* SPDX-License-Identifier: Apache-2.0
 * How often each byte occurs: atomic additions in shared memory, then in global memory. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 150000 };
    static unsigned char x[N];
    int counts[256], expected[256] = {0};
    unsigned int seed = 5;
    for (int i = 0; i < N; i++) expected[x[i] = (unsigned char)(127 * example_random(&seed) * example_random(&seed) + 128)]++;

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr dx = example_buffer(x, sizeof x), dcounts = example_buffer(NULL, sizeof counts);
    int n = N;
    void *parameters[] = {&dx, &dcounts, &n};
    CHECK(cuLaunchKernel(example_kernel(module, "histogram"), 8, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(counts, dcounts, sizeof counts));

    double worst = 0;
    for (int i = 0; i < 256; i++) worst = example_worse(worst, abs(counts[i] - expected[i]));
    return example_end("histogram", worst, 0);
}
