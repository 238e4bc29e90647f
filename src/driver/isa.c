/* SPDX-License-Identifier: Apache-2.0
 * Which instruction set levels this processor, and the operating system's saving of registers, offer. */
#include <driver_share.h>

const char *pgd_isa_name(pgd_isa isa) {
    static const char *const names[] = {
#define X(name, text) #text,
        PGD_ISA_LIST(X)
#undef X
    };
    return (unsigned)isa < PGD_ISA_COUNT ? names[isa] : "?";
}

bool pgd_isa_usable(pgd_isa isa) {
#if defined(__x86_64__)
    __builtin_cpu_init(); /* asks CPUID and XGETBV */
    if (isa == PGD_ISA_AVX512)
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma");
    if (isa == PGD_ISA_AVX2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#elif defined(__aarch64__)
    if (isa == PGD_ISA_NEON) return true; /* part of the architecture */
#endif
    return isa == PGD_ISA_PORTABLE;
}

pgd_isa pgd_isa_best(void) {
    int isa = 0;
    while (!pgd_isa_usable((pgd_isa)isa)) isa++;
    return (pgd_isa)isa;
}
