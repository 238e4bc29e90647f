/* SPDX-License-Identifier: Apache-2.0
 * A whole simulation in one cooperative launch: all blocks are there at once and wait for each other after every step. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 2000, STEPS = 20, THREADS = 128 };
    static float now[N];
    static double expected[2][N];
    unsigned int seed = 6;
    for (int i = 0; i < N; i++) expected[0][i] = now[i] = example_random(&seed);

    CUmodule module = example_begin(argc, argv);
    CUfunction heat = example_kernel(module, "heat");
    int processors, blocks;
    CHECK(cuDeviceGetAttribute(&processors, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT, 0));
    CHECK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, heat, THREADS, 0));
    printf("%d multiprocessors with %d blocks each\n", processors, blocks);
    if (blocks > 2) blocks = 2; /* more than there is to do */
    CUdeviceptr a = example_buffer(now, sizeof now), b = example_buffer(NULL, sizeof now), arrived = example_buffer(NULL, sizeof(int));
    int n = N, steps = STEPS;
    void *parameters[] = {&a, &b, &n, &steps, &arrived};
    CHECK(cuLaunchCooperativeKernel(heat, (unsigned int)(blocks * processors < 16 ? blocks * processors : 16), 1, 1, THREADS, 1, 1, 0, NULL, parameters));
    CHECK(cuMemcpyDtoH(now, STEPS % 2 == 0 ? a : b, sizeof now));

    for (int s = 0; s < STEPS; s++) {
        const double *from = expected[s % 2];
        for (int i = 0; i < N; i++) expected[1 - s % 2][i] = i == 0 || i == N - 1 ? from[i] : from[i] + 0.25 * (from[i - 1] - 2 * from[i] + from[i + 1]);
    }
    double worst = 0;
    for (int i = 0; i < N; i++) worst = example_worse(worst, fabs(expected[STEPS % 2][i] - now[i]));
    return example_end("heat, with the grid's barrier", worst, 2e-6);
}
