/* SPDX-License-Identifier: Apache-2.0
 * Handlers of versions of blocks: they ask for no kinds of registers, for those are known. Compiled for each instruction set (vector_known.inc.c); vector_versions.c says which step takes which. */
#ifndef PGD_SOFTGPU_VECTOR_VERSIONS_H
#define PGD_SOFTGPU_VECTOR_VERSIONS_H

#include "vector_select.h"

/* name, bits, operands: one handler for each choice of operands that are uniform (bit 0: a, bit 1: b, bit 2: c), of which the others are held by their lanes. */
#define VEC_KNOWN_LIST(X)                                                                                                                      \
    X(add32, 32, 2) X(sub32, 32, 2) X(mul32, 32, 2) X(and32, 32, 2) X(or32, 32, 2) X(xor32, 32, 2) X(shl32, 32, 2) X(shr_u32, 32, 2) X(shr_s32, 32, 2) \
    X(min_u32, 32, 2) X(max_u32, 32, 2) X(min_s32, 32, 2) X(max_s32, 32, 2) X(mad32, 32, 3)                                                      \
    X(add64, 64, 2) X(sub64, 64, 2) X(mul64, 64, 2) X(and64, 64, 2) X(or64, 64, 2) X(xor64, 64, 2) X(mad64, 64, 3)                             \
    X(min_f32, 32, 2) X(max_f32, 32, 2) \
    X(add_ftz, 32, 2) X(sub_ftz, 32, 2) X(mul_ftz, 32, 2) X(fma_ftz, 32, 3)                                                                     \
    X(add_f64, 64, 2) X(sub_f64, 64, 2) X(mul_f64, 64, 2) X(fma_f64, 64, 3)

/* Written for instruction sets, where they have them. */
#define VEC_KNOWN_FLOAT_LIST(X) X(add_f32, 32, 2) X(sub_f32, 32, 2) X(mul_f32, 32, 2) X(fma_f32, 32, 3)

/* name: of one kind alone. Steady registers are base, stride and rise. */
#define VEC_KNOWN_ONE_LIST(X)                                                                                                                  \
    X(add32_steady) X(sub32_steady) X(add64_steady) X(sub64_steady)                                                                              \
    X(add32_constant_uniform) X(add32_constant_steady) X(add32_constant_each) X(add64_constant_uniform) X(add64_constant_steady) X(add64_constant_each)\
    X(load32_global_uniform) X(load32_global_line) X(load32_global_rows16) X(load32_global_rows8) X(load64_global_uniform) X(load64_global_line)  \
    X(load32_shared_uniform) X(load32_shared_line) X(load32_shared_rows16) X(load32_shared_rows8) X(load64_shared_uniform) X(load64_shared_line)  \
    X(raise64_constant) X(raise64_constant_constant) X(raise64_constant_uniform) X(raise64_uniform) X(raise64_uniform_constant) X(raise64_uniform_uniform)      \
    X(raise32_constant) X(raise32_constant_constant) X(raise32_constant_uniform) X(raise32_uniform) X(raise32_uniform_constant) X(raise32_uniform_uniform)      \
    X(setp_equal_steady) X(setp_u32_steady) X(setp_s32_steady) X(setp_bra_equal_steady) X(setp_bra_u32_steady) X(setp_bra_s32_steady)

/* Loads with the fma behind them, where the instruction set has them; in the order of the loads and their kinds. */
#define VEC_KNOWN_LOAD_FMA_LIST(X)                                                                                                             \
    X(load_fma_global_line_uniform) X(load_fma_global_line_each) X(load_fma_global_rows16_uniform) X(load_fma_global_rows16_each)                \
    X(load_fma_shared_line_uniform) X(load_fma_shared_line_each) X(load_fma_shared_rows16_uniform) X(load_fma_shared_rows16_each)

typedef enum vec_known {
#define X(name, bits, operands) VEC_KNOWN_##name,
    VEC_KNOWN_LIST(X)
    VEC_KNOWN_FLOAT_LIST(X)
#undef X
    VEC_KNOWN_COUNT
} vec_known;

typedef enum vec_known_one {
#define X(name) VEC_KNOWN_##name,
    VEC_KNOWN_ONE_LIST(X)
    VEC_KNOWN_LOAD_FMA_LIST(X)
#undef X
#define X(name, type, sign) VEC_KNOWN_setp_bra_##name,
    SETP_BRA_LIST(X)
#undef X
#define X(name, type, sign) VEC_KNOWN_add_setp_bra_##name,
    SETP_BRA_LIST32(X)
#undef X
    VEC_KNOWN_ONE_COUNT
} vec_known_one;

extern vec_fn *const vec_known_portable[VEC_KNOWN_COUNT][8], *const vec_known_one_portable[VEC_KNOWN_ONE_COUNT];
#if defined(__x86_64__)
extern vec_fn *const vec_known_avx2[VEC_KNOWN_COUNT][8], *const vec_known_one_avx2[VEC_KNOWN_ONE_COUNT];
extern vec_fn *const vec_known_avx512[VEC_KNOWN_COUNT][8], *const vec_known_one_avx512[VEC_KNOWN_ONE_COUNT];
#endif
#endif
