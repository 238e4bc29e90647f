/* SPDX-License-Identifier: Apache-2.0
 * From an instruction set level to its tables of kernels. */
#include "../rows.h"
#include "host_kernels.h"

const struct pgd_host_kernels *pgd_host_kernels_for(pgd_isa isa) {
#if defined(__x86_64__)
    if (isa == PGD_ISA_AVX512) return &pgd_host_kernels_avx512;
    if (isa == PGD_ISA_AVX2) return &pgd_host_kernels_avx2;
#elif defined(__aarch64__)
    if (isa == PGD_ISA_NEON) return &pgd_host_kernels_neon;
#endif
    return &pgd_host_kernels_portable;
}

const struct pgd_gemm_kernels *pgd_gemm_kernels_for(pgd_isa isa) {
#if defined(__x86_64__)
    if (isa == PGD_ISA_AVX512) return &pgd_gemm_kernels_avx512;
    if (isa == PGD_ISA_AVX2) return &pgd_gemm_kernels_avx2;
#elif defined(__aarch64__)
    if (isa == PGD_ISA_NEON) return &pgd_gemm_kernels_neon;
#endif
    return &pgd_gemm_kernels_portable;
}
