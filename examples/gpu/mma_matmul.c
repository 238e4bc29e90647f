/* SPDX-License-Identifier: Apache-2.0
 * c = a b on tensor cores: mma.sync with f16 inputs and f32 sums, tiles brought by cp.async and ldmatrix. */
#include <string.h>

#include "gpu_example.h"

/* Half a number in 11 digits, exactly what f16 holds; then its bits. */
static unsigned short half_bits(float value) {
    unsigned int bits;
    memcpy(&bits, &value, sizeof bits);
    return (unsigned short)((bits >> 16 & 0x8000) | (value == 0 ? 0 : ((bits >> 23 & 255) - 112) << 10 | (bits >> 13 & 1023)));
}

static float short_number(unsigned int *seed) { return (float)(int)(example_random(seed) * 512) / 512; }

int main(int argc, char **argv) {
    enum { M = 64, N = 128, K = 96 };
    static float a[M * K], b[K * N], c[M * N];
    static unsigned short ha[M * K], hb[K * N];
    unsigned int seed = 9;
    for (int i = 0; i < M * K; i++) ha[i] = half_bits(a[i] = short_number(&seed));
    for (int i = 0; i < K * N; i++) hb[i] = half_bits(b[i] = short_number(&seed));

    CUmodule module = example_begin(argc, argv);
    CUdeviceptr da = example_buffer(ha, sizeof ha), db = example_buffer(hb, sizeof hb), dc = example_buffer(NULL, sizeof c);
    int n = N, k = K;
    void *parameters[] = {&da, &db, &dc, &n, &k};
    CHECK(cuLaunchKernel(example_kernel(module, "mma_matmul"), N / 64, M / 64, 1, 128, 1, 1, 0, NULL, parameters, NULL));
    CHECK(cuMemcpyDtoH(c, dc, sizeof c));

    double worst = 0;
    for (int y = 0; y < M; y++)
        for (int x = 0; x < N; x++) {
            double sum = 0;
            for (int i = 0; i < K; i++) sum += (double)a[y * K + i] * b[i * N + x];
            worst = example_worse(worst, fabs(sum - c[y * N + x]));
        }
    return example_end("matmul on tensor cores", worst, 1e-5);
}
