/* SPDX-License-Identifier: Apache-2.0
 * Two streams work on their own halves, with pinned memory and copies that overlap; events make the second wait for the first, and say how long it took. */
#include <string.h>

#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 40000, THREADS = 128, BLOCKS = (N + THREADS - 1) / THREADS };
    float *host[2], milliseconds;
    double expected[2] = {0, 0}, sums[2] = {0, 0};
    unsigned int seed = 7;

    CUmodule module = example_begin(argc, argv);
    CUfunction scale = example_kernel(module, "scale"), add_into = example_kernel(module, "add_into");
    CUstream streams[2];
    CUevent begun, scaled, done;
    CUdeviceptr x[2];
    CHECK(cuEventCreate(&begun, CU_EVENT_DEFAULT));
    CHECK(cuEventCreate(&scaled, CU_EVENT_DISABLE_TIMING));
    CHECK(cuEventCreate(&done, CU_EVENT_DEFAULT));
    for (int s = 0; s < 2; s++) {
        CHECK(cuStreamCreate(&streams[s], CU_STREAM_NON_BLOCKING));
        CHECK(cuMemHostAlloc((void **)&host[s], N * sizeof(float), 0));
        CHECK(cuMemAlloc(&x[s], N * sizeof(float)));
        for (int i = 0; i < N; i++) host[s][i] = example_random(&seed);
    }
    for (int i = 0; i < N; i++) expected[0] += 3.0 * host[0][i], expected[1] += 5.0 * host[1][i] + 3.0 * host[0][i];

    int n = N;
    float factors[2] = {3, 5};
    CHECK(cuEventRecord(begun, streams[0]));
    for (int s = 0; s < 2; s++) {
        void *of_scale[] = {&x[s], &factors[s], &n};
        CHECK(cuMemcpyHtoDAsync(x[s], host[s], N * sizeof(float), streams[s]));
        CHECK(cuLaunchKernel(scale, BLOCKS, 1, 1, THREADS, 1, 1, 0, streams[s], of_scale, NULL));
    }
    void *of_add[] = {&x[1], &x[0], &n};
    CHECK(cuEventRecord(scaled, streams[0]));
    CHECK(cuStreamWaitEvent(streams[1], scaled, 0));
    CHECK(cuLaunchKernel(add_into, BLOCKS, 1, 1, THREADS, 1, 1, 0, streams[1], of_add, NULL));
    for (int s = 0; s < 2; s++) CHECK(cuMemcpyDtoHAsync(host[s], x[s], N * sizeof(float), streams[s]));
    CHECK(cuEventRecord(done, streams[1]));
    for (int s = 0; s < 2; s++) CHECK(cuStreamSynchronize(streams[s]));
    CHECK(cuEventElapsedTime(&milliseconds, begun, done));
    if (cuEventQuery(done) != CUDA_SUCCESS || !(milliseconds > 0)) return example_end("events", 1, 0);

    for (int s = 0; s < 2; s++) {
        for (int i = 0; i < N; i++) sums[s] += host[s][i];
        CHECK(cuMemFreeHost(host[s]));
        CHECK(cuMemFree(x[s]));
        CHECK(cuStreamDestroy(streams[s]));
    }
    return example_end("streams and events", example_worse(fabs(sums[0] - expected[0]), fabs(sums[1] - expected[1])), 1e-2);
}
