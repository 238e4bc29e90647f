/* SPDX-License-Identifier: Apache-2.0
 * The sum of a long vector: shuffles within warps, shared memory within blocks, atomic additions between them. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 200001 };
    static float x[N];
    float total;
    double sum = 0;
    unsigned int seed = 3;
    for (int i = 0; i < N; i++) sum += x[i] = example_random(&seed);

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr dx = example_buffer(x, sizeof x), dtotal = example_buffer(NULL, sizeof total);
    int n = N;
    void *parameters[] = {&dx, &dtotal, &n};
    CHECK(cuLaunchKernel(example_kernel(module, "reduce"), 16, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(&total, dtotal, sizeof total));
    return example_end("reduction", fabs(sum - total), 1e-3);
}
