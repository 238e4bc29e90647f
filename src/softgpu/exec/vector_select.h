/* SPDX-License-Identifier: Apache-2.0
 * The list of handlers that do all lanes at once. They are compiled for each instruction set; vector_select.c says which instruction takes which. */
#ifndef PGD_SOFTGPU_VECTOR_SELECT_H
#define PGD_SOFTGPU_VECTOR_SELECT_H

#include "vector_warp.h"

#define VEC_OP_LIST(X)                                                                                                                                \
    X(mov32) X(mov64) X(mov_any) X(mov_pred) X(selp32) X(selp64) X(cvta)                                                                              \
    X(add32_constant) X(add64_constant) X(add32) X(sub32) X(mul32) X(mad32) X(add64) X(sub64) X(mul64) X(mad64)                                                                           \
    X(mad_wide_u32) X(mad_wide_s32) X(mul_hi_u32) X(mul_hi_s32)                                                       \
    X(and32) X(or32) X(xor32) X(not32) X(and64) X(or64) X(xor64) X(not64) X(and_pred) X(or_pred) X(xor_pred) X(not_pred) X(lop3)                      \
    X(shl32) X(shr_u32) X(shr_s32) X(shl64) X(shr_u64) X(shr_s64) X(shf_l) X(shf_r) X(bfe_u32) X(bfe_s32) X(prmt) X(popc32) X(clz32) X(brev32)        \
    X(min_u32) X(max_u32) X(min_s32) X(max_s32) X(min_u64) X(max_u64) X(min_s64) X(max_s64) X(neg32) X(abs32) X(neg64)                                \
    X(div_u32) X(rem_u32) X(div_s32) X(rem_s32)                                                                                                       \
    X(setp_u32) X(setp_s32) X(setp_u64) X(setp_s64) X(setp_f32) X(setp_f64)                                                                            \
    X(add_f32) X(sub_f32) X(mul_f32) X(fma_f32) X(add_ftz) X(sub_ftz) X(mul_ftz) X(fma_ftz)                                                           \
    X(add_f64) X(sub_f64) X(mul_f64) X(fma_f64) X(div_f64) X(sqrt_f64)                                                                                \
    X(div_f32) X(div_approx) X(rcp_f32) X(sqrt_f32) X(rsqrt_f32) X(ex2_f32) X(lg2_f32) X(sin_f32) X(cos_f32) X(tanh_f32) X(neg_f32) X(abs_f32)        \
    X(min_f32) X(max_f32) X(div_ftz) X(div_approx_ftz) X(rcp_ftz) X(sqrt_ftz) X(ex2_ftz) X(lg2_ftz)                                                   \
    X(cvt_int) X(cvt_s32_f32) X(cvt_u32_f32) X(cvt_f32_s32) X(cvt_f32_u32) X(cvt_f64_f32) X(cvt_f32_f64) X(cvt_f32_f16) X(cvt_f16_f32)                \
    X(cvt_f32_bf16) X(cvt_bf16_f32)                                                                                                                   \
    X(load) X(load32) X(load64) X(load32_global) X(load64_global) X(load32_shared) X(load64_shared) X(store) X(store32) X(store64) X(atomic32) X(atomic64)

/* Comparisons together with the branch behind them: name, type, sign; in the order of vec_comparison. */
#define SETP_BRA_ROW(X, name, type) X(name##_eq, type, ==) X(name##_ne, type, !=) X(name##_lt, type, <) X(name##_le, type, <=) X(name##_gt, type, >) X(name##_ge, type, >=)
#define SETP_BRA_LIST32(X) SETP_BRA_ROW(X, u32, uint32_t) SETP_BRA_ROW(X, s32, int32_t)
#define SETP_BRA_LIST(X) SETP_BRA_LIST32(X) SETP_BRA_ROW(X, u64, uint64_t) SETP_BRA_ROW(X, s64, int64_t)

typedef enum vec_op {
#define X(name) VEC_OP_##name,
    VEC_OP_LIST(X)
#undef X
#define X(name, type, sign) VEC_OP_setp_bra_##name,
    SETP_BRA_LIST(X)
#undef X
#define X(name, type, sign) VEC_OP_add_setp_bra_##name,
    SETP_BRA_LIST32(X)
#undef X
    VEC_OP_COUNT
} vec_op;

/* Adds products of a [rows, depth] and b [depth, 8] to sums [rows, 8]; exact: nothing was rounded, and all numbers are finite. */
typedef void vec_dots_fn(const double *a, const double *b, double *sums, int32_t rows, int32_t depth, bool *exact);
vec_dots_fn *vec_dots(void); /* of the level that is in force */

extern vec_fn *const vec_handlers_portable[VEC_OP_COUNT];
vec_dots_fn vec_dots_portable;
#if defined(__x86_64__)
vec_dots_fn vec_dots_avx2, vec_dots_avx512;
void vec_clear_upper(void); /* behind the last handler of a turn: code for older instruction sets is slow, on some processors, while upper halves of registers are in use */
extern vec_fn *const vec_handlers_avx2[VEC_OP_COUNT];
extern vec_fn *const vec_handlers_avx512[VEC_OP_COUNT];
#endif

gpu_vector_level vec_level_in_force(void);
vec_fn *vec_handler(gpu_vector_level level, vec_op op);

/* What the handlers of comparisons find in a step. */
typedef enum vec_comparison { VEC_EQ, VEC_NE, VEC_LT, VEC_LE, VEC_GT, VEC_GE, VEC_NUM, VEC_NAN, VEC_EQU, VEC_NEU, VEC_LTU, VEC_LEU, VEC_GTU, VEC_GEU } vec_comparison;
typedef enum vec_join { VEC_ALONE, VEC_AND, VEC_OR, VEC_XOR } vec_join;
typedef enum vec_atom { VEC_ATOM_ADD, VEC_ATOM_ADD_FLOAT, VEC_ATOM_AND, VEC_ATOM_OR, VEC_ATOM_XOR, VEC_ATOM_EXCHANGE, VEC_ATOM_CAS, VEC_ATOM_MIN, VEC_ATOM_MAX } vec_atom;
/* What an address is counted from, besides its register and offset. */
typedef enum vec_origin { VEC_ABSOLUTE, VEC_PARAMETERS, VEC_OWN_PARAMETERS, VEC_LOCALS } vec_origin;

/* What a split runs instead of a handler that is for warps that are whole; else the handler itself. */
vec_fn *vec_masked(vec_fn *run);
/* Gives a comparison, s, a handler that does the branch behind it as well, where it can; and the addition before it one that does both. first: no step is before s. */
void vec_fuse(vec_step *s, bool first);
/* Gives the step a handler that does all lanes at once, where there is one for the instruction. */
void vec_select(vec_body *b, const gpu_vector_code *code, const ptx_instruction *i, vec_step *s);
#endif
