/* SPDX-License-Identifier: Apache-2.0
 * Inclusive sums of a vector: within blocks, of the blocks' sums, and both together; three launches in one stream. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 30000, THREADS = 256, BLOCKS = (N + THREADS - 1) / THREADS };
    static int x[N], y[N];
    unsigned int seed = 4;
    for (int i = 0; i < N; i++) x[i] = (int)(1000 * example_random(&seed));

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr dx = example_buffer(x, sizeof x), dy = example_buffer(NULL, sizeof y), dsums = example_buffer(NULL, BLOCKS * sizeof(int)), dunused = example_buffer(NULL, sizeof(int));
    CUfunction scan_blocks = example_kernel(module, "scan_blocks");
    int n = N, blocks = BLOCKS;
    void *of_blocks[] = {&dx, &dy, &dsums, &n}, *of_sums[] = {&dsums, &dsums, &dunused, &blocks}, *together[] = {&dy, &dsums, &n};
    CHECK(cuLaunchKernel(scan_blocks, BLOCKS, 1, 1, THREADS, 1, 1, 0, NULL, of_blocks, NULL));
    CHECK(cuLaunchKernel(scan_blocks, 1, 1, 1, 1024, 1, 1, 0, NULL, of_sums, NULL)); /* there are fewer blocks than that */
    CHECK(cuLaunchKernel(example_kernel(module, "add_offsets"), BLOCKS, 1, 1, THREADS, 1, 1, 0, NULL, together, NULL));
    CHECK(cuMemcpyDtoH(y, dy, sizeof y));

    double worst = 0, sum = 0;
    for (int i = 0; i < N; i++) worst = example_worse(worst, fabs((sum += x[i]) - y[i]));
    return example_end("scan", worst, 0);
}
