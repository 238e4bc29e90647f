/* SPDX-License-Identifier: Apache-2.0
 * The most multiply-adds the processor does at each instruction set level: twelve independent chains, so that two units with a latency of
 * four or five cycles never wait, and no memory at all. */
#include "measure.h"

enum { CHAINS = 12, STEPS = 50000, CHUNKS_PER_THREAD = 24 };

#define PEAK(name, level, bytes, constraint)                                                                                         \
    level static void peak_##name(const void *params, char *const *mem, int64_t chunk, void *scratch) {                              \
        typedef float vec __attribute__((vector_size(bytes)));                                                                       \
        vec m = (vec){0} + 0.999f, c = (vec){0} + 0.001f;                                                                            \
        vec a0 = m, a1 = m, a2 = m, a3 = m, a4 = m, a5 = m, a6 = m, a7 = m, a8 = m, a9 = m, a10 = m, a11 = m;                        \
        (void)params, (void)mem, (void)chunk;                                                                                        \
        for (int s = 0; s < STEPS; s++) {                                                                                            \
            a0 = a0 * m + c, a1 = a1 * m + c, a2 = a2 * m + c, a3 = a3 * m + c;                                                      \
            a4 = a4 * m + c, a5 = a5 * m + c, a6 = a6 * m + c, a7 = a7 * m + c;                                                      \
            a8 = a8 * m + c, a9 = a9 * m + c, a10 = a10 * m + c, a11 = a11 * m + c;                                                  \
            __asm__ volatile("" : constraint(a0), constraint(a1), constraint(a2), constraint(a3), constraint(a4), constraint(a5),    \
                             constraint(a6), constraint(a7), constraint(a8), constraint(a9), constraint(a10), constraint(a11));      \
        }                                                                                                                            \
        vec sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;                                                       \
        *(volatile float *)scratch = sum[0];                                                                                         \
    }
#if defined(__x86_64__)
PEAK(avx512, __attribute__((target("avx512f,avx512vl,fma"))), 64, "+v")
PEAK(avx2, __attribute__((target("avx2,fma"))), 32, "+x")
PEAK(portable, , 16, "+x")
#else
PEAK(portable, , 16, "+w")
#endif

double bench_peak_gflops(pgd_device *device, pgd_stream *stream) {
    pgd_chunk_fn *function = peak_portable;
    int64_t lanes = 4;
#if defined(__x86_64__)
    if (pgd_device_isa(device) == PGD_ISA_AVX512) function = peak_avx512, lanes = 16;
    if (pgd_device_isa(device) == PGD_ISA_AVX2) function = peak_avx2, lanes = 8;
#endif
    int64_t chunks = CHUNKS_PER_THREAD * 2;
    double start = bench_seconds();
    bench_must(pgd_stream_launch(stream, &(pgd_drv_launch){function, NULL, chunks}, NULL, 0), "peak");
    return 1e-9 * 2 * (double)(CHAINS * lanes * STEPS) * (double)chunks / (bench_seconds() - start);
}
