/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGD_SIMD_H
#define PGD_SIMD_H
/* One ISA level as a small vector vocabulary: vf is VL floats. The including file defines exactly one of PGD_ISA_AVX512,
 * PGD_ISA_AVX2, PGD_ISA_NEON, PGD_ISA_PORTABLE and is compiled with that level's flags; everything here is static and inlined, so
 * no symbol of one level can serve another. Partial loads give zero in the lanes they do not read and touch no memory
 * beyond them.
 *   TILE_ROWS x TILE_VECS   accumulators of a micro-kernel
 *   TB                      side of the square block v_transpose handles, TB >= TILE_ROWS */
#include <stdint.h>
#include <string.h>

#define V_INLINE static inline __attribute__((always_inline, unused))
#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* Makes the compiler load a value once and keep it, where it would rather fold the load into every use. */
#if defined(__x86_64__)
#define V_KEEP(v) __asm__("" : "+v"(v))
#elif defined(__aarch64__)
#define V_KEEP(v) __asm__("" : "+w"(v))
#else
#define V_KEEP(v) ((void)(v))
#endif

#if defined(PGD_ISA_AVX512)
#include <immintrin.h>
#define ISA_NAME avx512
enum { VL = 16, TILE_ROWS = 8, TILE_VECS = 3, TB = 8 };
typedef __m512 vf;
typedef __m256 vt;
V_INLINE __mmask16 v_mask(int64_t lanes) { return (__mmask16)((1u << lanes) - 1u); }
V_INLINE vf v_zero(void) { return _mm512_setzero_ps(); }
V_INLINE vf v_set1(float x) { return _mm512_set1_ps(x); }
V_INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
V_INLINE void v_store(float *p, vf v) { _mm512_storeu_ps(p, v); }
V_INLINE vf v_load_part(const float *p, int64_t lanes) { return _mm512_maskz_loadu_ps(v_mask(lanes), p); }
V_INLINE void v_store_part(float *p, vf v, int64_t lanes) { _mm512_mask_storeu_ps(p, v_mask(lanes), v); }
V_INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
V_INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
/* Lanes 0, 2, 4 ... of the 2*VL lanes of lo and hi. */
V_INLINE vf v_even(vf lo, vf hi)
{
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    return _mm512_permutex2var_ps(lo, even, hi);
}
V_INLINE vt v_fold(vf v) { return _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1)); }

#elif defined(PGD_ISA_AVX2)
#include <immintrin.h>
#define ISA_NAME avx2
enum { VL = 8, TILE_ROWS = 6, TILE_VECS = 2, TB = 8 };
typedef __m256 vf;
typedef __m256 vt;
V_INLINE __m256i v_mask(int64_t lanes)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
V_INLINE vf v_zero(void) { return _mm256_setzero_ps(); }
V_INLINE vf v_set1(float x) { return _mm256_set1_ps(x); }
V_INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
V_INLINE void v_store(float *p, vf v) { _mm256_storeu_ps(p, v); }
V_INLINE vf v_load_part(const float *p, int64_t lanes) { return _mm256_maskload_ps(p, v_mask(lanes)); }
V_INLINE void v_store_part(float *p, vf v, int64_t lanes) { _mm256_maskstore_ps(p, v_mask(lanes), v); }
V_INLINE vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
V_INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
V_INLINE vf v_even(vf lo, vf hi)
{
    __m256 x = _mm256_shuffle_ps(lo, hi, 0x88);
    return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(x), 0xd8));
}
V_INLINE vt v_fold(vf v) { return v; }

#elif defined(PGD_ISA_NEON)
#include <arm_neon.h>
#define ISA_NAME neon
enum { VL = 4, TILE_ROWS = 8, TILE_VECS = 3, TB = 8 };
typedef float32x4_t vf;
typedef float vt __attribute__((vector_size(32)));
V_INLINE vf v_zero(void) { return vdupq_n_f32(0); }
V_INLINE vf v_set1(float x) { return vdupq_n_f32(x); }
V_INLINE vf v_load(const float *p) { return vld1q_f32(p); }
V_INLINE void v_store(float *p, vf v) { vst1q_f32(p, v); }
V_INLINE vf v_load_part(const float *p, int64_t lanes)
{
    float part[4] = {0};
    for (int64_t i = 0; i < lanes; i++) part[i] = p[i];
    return vld1q_f32(part);
}
V_INLINE void v_store_part(float *p, vf v, int64_t lanes)
{
    for (int64_t i = 0; i < lanes; i++) p[i] = v[i];
}
V_INLINE vf v_add(vf a, vf b) { return vaddq_f32(a, b); }
V_INLINE vf v_fma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
V_INLINE vf v_even(vf lo, vf hi) { return vuzp1q_f32(lo, hi); }
V_INLINE vt v_fold(vf v) { return (vt){v[0], v[1], v[2], v[3], 0, 0, 0, 0}; }

#elif defined(PGD_ISA_PORTABLE)
#define ISA_NAME portable
enum { VL = 4, TILE_ROWS = 4, TILE_VECS = 2, TB = 4 };
typedef float vf __attribute__((vector_size(16)));
typedef vf vt;
V_INLINE vf v_zero(void) { return (vf){0, 0, 0, 0}; }
V_INLINE vf v_set1(float x) { return (vf){x, x, x, x}; }
V_INLINE vf v_load(const float *p)
{
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}
V_INLINE void v_store(float *p, vf v) { memcpy(p, &v, sizeof v); }
V_INLINE vf v_load_part(const float *p, int64_t lanes)
{
    vf v = v_zero();
    for (int64_t i = 0; i < lanes; i++) v[i] = p[i];
    return v;
}
V_INLINE void v_store_part(float *p, vf v, int64_t lanes)
{
    for (int64_t i = 0; i < lanes; i++) p[i] = v[i];
}
V_INLINE vf v_add(vf a, vf b) { return a + b; }
V_INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
V_INLINE vf v_even(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, 0, 2, 4, 6); }
V_INLINE vt v_fold(vf v) { return v; }
#else
#error "define PGD_ISA_AVX512, PGD_ISA_AVX2, PGD_ISA_NEON or PGD_ISA_PORTABLE"
#endif

/* Comparisons give lanes of all ones or all zeros. */
typedef int32_t vi __attribute__((vector_size(VL * 4)));
V_INLINE vf v_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
V_INLINE vf v_max(vf a, vf b) { return v_select((vi)(a > b) | (vi)(a != a), a, b); } /* a NaN wins */

/* Lanes 1, 3, 5 ... of the 2*VL lanes of lo and hi; lanes of a and b by turns, from their lower or upper halves; neighbours change places; each of the lower half of the lanes twice. */
#if defined(PGD_ISA_AVX512)
V_INLINE vf v_odd(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31); }
V_INLINE vf v_zip_low(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23); }
V_INLINE vf v_zip_high(vf a, vf b) { return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31); }
V_INLINE vf v_swap(vf v) { return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14); }
V_INLINE vf v_twice_low(vf v) { return __builtin_shufflevector(v, v, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7); }
V_INLINE vi v_odd_lanes(void) { return (vi){0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1}; }
#elif defined(PGD_ISA_AVX2)
V_INLINE vf v_odd(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, 1, 3, 5, 7, 9, 11, 13, 15); }
V_INLINE vf v_zip_low(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
V_INLINE vf v_zip_high(vf a, vf b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
V_INLINE vf v_swap(vf v) { return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6); }
V_INLINE vf v_twice_low(vf v) { return __builtin_shufflevector(v, v, 0, 0, 1, 1, 2, 2, 3, 3); }
V_INLINE vi v_odd_lanes(void) { return (vi){0, -1, 0, -1, 0, -1, 0, -1}; }
#else
V_INLINE vf v_odd(vf lo, vf hi) { return __builtin_shufflevector(lo, hi, 1, 3, 5, 7); }
V_INLINE vf v_zip_low(vf a, vf b) { return __builtin_shufflevector(a, b, 0, 4, 1, 5); }
V_INLINE vf v_zip_high(vf a, vf b) { return __builtin_shufflevector(a, b, 2, 6, 3, 7); }
V_INLINE vf v_swap(vf v) { return __builtin_shufflevector(v, v, 1, 0, 3, 2); }
V_INLINE vf v_twice_low(vf v) { return __builtin_shufflevector(v, v, 0, 0, 1, 1); }
V_INLINE vi v_odd_lanes(void) { return (vi){0, -1, 0, -1}; }
#endif

V_INLINE float v_greatest(vf v)
{
    UNROLL for (int lanes = VL; lanes > 1; lanes /= 2) v = v_max(v_even(v, v), v_odd(v, v));
    return v[0];
}

/* Lane i is row[at + i] where that lies in 0 to n - 1, else zero; no other memory is touched. */
V_INLINE vf v_load_range(const float *row, int64_t at, int64_t n)
{
    if (at >= 0 && at + VL <= n) return v_load(row + at);
#if defined(PGD_ISA_AVX512)
    int64_t first = at >= 0 ? 0 : -at < VL ? -at : VL, end = n - at < VL ? n - at < 0 ? 0 : n - at : VL;
    __mmask16 mask = (__mmask16)(((1u << end) - 1u) & (0xffffu << first));
    return _mm512_maskz_loadu_ps(mask, (const float *)((uintptr_t)row + (uintptr_t)(at * 4)));
#elif defined(PGD_ISA_AVX2)
    __m256i lane = _mm256_add_epi32(_mm256_set1_epi32((int)at), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    __m256i mask = _mm256_andnot_si256(_mm256_cmpgt_epi32(_mm256_setzero_si256(), lane), _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane));
    return _mm256_maskload_ps((const float *)((uintptr_t)row + (uintptr_t)(at * 4)), mask);
#else
    float lanes[VL];
    for (int64_t i = 0; i < VL; i++) lanes[i] = at + i >= 0 && at + i < n ? row[at + i] : 0.0f;
    return v_load(lanes);
#endif
}

V_INLINE vt t_load(const float *p)
{
    vt v;
    memcpy(&v, p, sizeof v);
    return v;
}
V_INLINE void t_store(float *p, vt v) { memcpy(p, &v, sizeof v); }

/* Transposes TB vectors of TB floats in place. */
#if defined(PGD_ISA_PORTABLE)
V_INLINE void v_transpose(vt r[TB])
{
    vt a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5), b = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5);
    vt c = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7), d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}
#elif defined(PGD_ISA_NEON)
V_INLINE void v_transpose(vt r[TB])
{
    vt pair[TB], quad[TB];
    UNROLL for (int i = 0; i < TB; i += 2) {
        pair[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        pair[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    UNROLL for (int i = 0; i < TB; i += 4) {
        for (int k = 0; k < 2; k++) {
            quad[i + k] = __builtin_shufflevector(pair[i + k], pair[i + k + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            quad[i + k + 2] = __builtin_shufflevector(pair[i + k], pair[i + k + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(quad[i], quad[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(quad[i], quad[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
#else
V_INLINE void v_transpose(vt r[TB])
{
    vt pair[TB], quad[TB];
    UNROLL for (int i = 0; i < TB; i += 2) {
        pair[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL for (int i = 0; i < TB; i += 4) {
        quad[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
        quad[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xee);
        quad[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
        quad[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xee);
    }
    UNROLL for (int i = 0; i < 4; i++) {
        r[i] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20);
        r[i + 4] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31);
    }
}
#endif

/* The sums of TB vectors, one per lane: sum[i] = all lanes of v[i]. */
V_INLINE vt v_sums(const vf v[TB])
{
    vt r[TB];
    UNROLL for (int i = 0; i < TB; i++) r[i] = v_fold(v[i]);
    v_transpose(r);
    UNROLL for (int step = TB / 2; step > 0; step /= 2) {
        UNROLL for (int i = 0; i < step; i++) r[i] = r[i] + r[i + step];
    }
    return r[0];
}
#endif
