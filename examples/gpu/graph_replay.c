/* SPDX-License-Identifier: Apache-2.0
 * A graph captured from a stream and replayed many times, then changed: one of its kernels gets other parameters. */
#include "gpu_example.h"

int main(int argc, char **argv) {
    enum { N = 3000, THREADS = 128, BLOCKS = (N + THREADS - 1) / THREADS, TIMES = 10 };
    static float x[N], y[N];
    static double expected[N];
    unsigned int seed = 8;
    for (int i = 0; i < N; i++) x[i] = example_random(&seed);

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr dx = example_buffer(x, sizeof x), dy = example_buffer(NULL, sizeof y);
    CUfunction scale = example_kernel(module, "scale"), add_into = example_kernel(module, "add_into");
    CUstream stream;
    CUgraph graph;
    CUgraphExec ready;
    CUgraphNode nodes[8];
    size_t count = 8;
    int n = N;
    float factor = 0.5f, other = 2.0f;
    void *of_scale[] = {&dy, &factor, &n}, *of_add[] = {&dy, &dx, &n}, *changed[] = {&dy, &other, &n};
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    CHECK(cuStreamBeginCapture(stream, CU_STREAM_CAPTURE_MODE_GLOBAL));
    CHECK(cuLaunchKernel(scale, BLOCKS, 1, 1, THREADS, 1, 1, 0, stream, of_scale, NULL)); /* y = y / 2 */
    CHECK(cuLaunchKernel(add_into, BLOCKS, 1, 1, THREADS, 1, 1, 0, stream, of_add, NULL)); /* y = y + x */
    CHECK(cuStreamEndCapture(stream, &graph));
    CHECK(cuGraphGetNodes(graph, nodes, &count));
    printf("%d nodes were captured\n", (int)count);
    CHECK(cuGraphInstantiate(&ready, graph, 0));
    for (int t = 0; t < TIMES; t++) CHECK(cuGraphLaunch(ready, stream));

    CUDA_KERNEL_NODE_PARAMS parameters;
    CHECK(cuGraphKernelNodeGetParams(nodes[0], &parameters));
    parameters.kernelParams = changed;
    CHECK(cuGraphExecKernelNodeSetParams(ready, nodes[0], &parameters));
    CHECK(cuGraphLaunch(ready, stream)); /* y = 2 y + x */
    CHECK(cuStreamSynchronize(stream));
    CHECK(cuMemcpyDtoH(y, dy, sizeof y));
    CHECK(cuGraphExecDestroy(ready));
    CHECK(cuGraphDestroy(graph));

    double worst = count == 2 ? 0 : 1;
    for (int i = 0; i < N; i++) {
        for (int t = 0; t < TIMES; t++) expected[i] = expected[i] * 0.5 + x[i];
        worst = example_worse(worst, fabs(2 * expected[i] + x[i] - y[i]));
    }
    return example_end("graph", worst, 2e-6);
}
