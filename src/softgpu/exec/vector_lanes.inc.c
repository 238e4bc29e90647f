/* SPDX-License-Identifier: Apache-2.0
 * What handlers of one instruction set share: registers as 32 numbers, bits of a mask from and to lanes. Loops over lanes become vector code; a result may stand in the place
 * of its operand. Included by vector_portable.c, vector_avx2.c, vector_avx512.c. */
#include <math.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "number.h"
#include "vector_select.h"
#include "vector_warp.h"

/* A handler does what costs scalar work, and leaves the rest to one of LANES, so that it needs no stack. */
#define HANDLER(name) static const vec_step *name(vec_warp *w, const vec_step *s)
#define LANES(name) static __attribute__((noinline)) const vec_step *name(vec_warp *w, const vec_step *s)
#if defined(__clang__)
#define EACH_LANE(k) _Pragma("clang loop vectorize(assume_safety)") for (int32_t k = 0; k < VEC_LANES; k++)
#else
#define EACH_LANE(k) _Pragma("GCC ivdep") for (int32_t k = 0; k < VEC_LANES; k++)
#endif
#define INLINE static inline __attribute__((always_inline))

/* ---- registers ------------------------------------------------------------------------------------------------------------------------------------------------------ */

#define SLOTS vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b), *c = vec_at(w, s->c)
#define LANES32 const uint32_t *x = vec_lanes32(a), *y = vec_lanes32(b), *v = vec_lanes32(c)
#define LANES64 const uint64_t *x = vec_lanes64(a), *y = vec_lanes64(b), *v = vec_lanes64(c)
#define UNUSED (void)d, (void)a, (void)b, (void)c

INLINE bool scalar(const vec_slot *a) { return vec_scalar(a); }
INLINE bool uniform(const vec_slot *a) { return (a->state & (VEC_SPREAD | VEC_STRIDED)) == 0; }
INLINE bool scalar2(const vec_slot *a, const vec_slot *b) { return ((a->state | b->state) & VEC_SPREAD) == 0; }
INLINE bool uniform2(const vec_slot *a, const vec_slot *b) { return ((a->state | b->state) & (VEC_SPREAD | VEC_STRIDED)) == 0; }
INLINE bool made(const vec_slot *a) { return (a->state & (VEC_MADE | VEC_SPREAD)) != 0; }

INLINE void set_uniform(vec_slot *d, uint64_t base) {
    d->base = base;
    d->state = VEC_SCALAR;
}
INLINE void set_strided(vec_slot *d, uint64_t base, uint64_t stride, uint64_t rise) {
    d->base = base;
    d->stride = (int64_t)stride;
    d->rise = (int64_t)rise;
    d->state = VEC_STRIDED;
}
INLINE void copy_scalar(vec_slot *d, const vec_slot *a) {
    d->base = a->base;
    d->stride = a->stride;
    d->rise = a->rise;
    d->state = a->state & VEC_STRIDED;
}
INLINE uint64_t stride_of(const vec_slot *a) { return (a->state & VEC_STRIDED) != 0 ? (uint64_t)a->stride : 0; }
INLINE uint64_t rise_of(const vec_slot *a) { return (a->state & VEC_STRIDED) != 0 ? (uint64_t)a->rise : 0; }

/* The lanes of a register, made where base, stride and rise tell them. */
INLINE const uint32_t *in32(const vec_warp *w, vec_slot *a) {
    uint32_t *to = vec_lanes32(a), base = (uint32_t)a->base, stride = (uint32_t)stride_of(a), rise = (uint32_t)rise_of(a), shift = w->row_shift, last = (1u << shift) - 1;
    if (made(a)) return to;
    if (uniform(a)) EACH_LANE(k) to[k] = base;
    else EACH_LANE(k) to[k] = base + ((uint32_t)k & last) * stride + ((uint32_t)k >> shift) * rise;
    a->state |= VEC_MADE;
    return to;
}
INLINE const uint64_t *in64(const vec_warp *w, vec_slot *a) {
    uint64_t *to = vec_lanes64(a), base = a->base, stride = stride_of(a), rise = rise_of(a);
    uint32_t shift = w->row_shift, last = (1u << shift) - 1;
    if (made(a)) return to;
    if (uniform(a)) EACH_LANE(k) to[k] = base;
    else EACH_LANE(k) to[k] = base + ((uint32_t)k & last) * stride + ((uint32_t)k >> shift) * rise;
    a->state |= VEC_MADE;
    return to;
}
INLINE uint32_t *out32(vec_slot *d) {
    d->state = VEC_SPREAD;
    return vec_lanes32(d);
}
INLINE uint64_t *out64(vec_slot *d) {
    d->state = VEC_SPREAD;
    return vec_lanes64(d);
}

/* Some operand has no lanes yet: makes them, and does the step again. By width of a and b, and of c. */
INLINE bool unmade(const vec_slot *a, const vec_slot *b, const vec_slot *c) { return !made(a) || !made(b) || !made(c); }
LANES(again32) {
    in32(w, vec_at(w, s->a)), in32(w, vec_at(w, s->b)), in32(w, vec_at(w, s->c));
    VEC_JUMP(w, s);
}
LANES(again64) {
    in64(w, vec_at(w, s->a)), in64(w, vec_at(w, s->b)), in64(w, vec_at(w, s->c));
    VEC_JUMP(w, s);
}
LANES(again_wide) {
    in32(w, vec_at(w, s->a)), in32(w, vec_at(w, s->b)), in64(w, vec_at(w, s->c));
    VEC_JUMP(w, s);
}
LANES(again_shift64) {
    in64(w, vec_at(w, s->a)), in32(w, vec_at(w, s->b));
    VEC_JUMP(w, s);
}

/* Do stride and rise fit in 32 bits, so that nothing that lanes count to wraps round a space of 64? */
INLINE bool steps_are_small(const vec_slot *a) { return a->stride == (int32_t)a->stride && a->rise == (int32_t)a->rise; }

/* Does what base, stride and rise of a 32-bit register count to stay a number of 32 bits in all lanes, so that a wider register may count on? */
INLINE bool counts_within(const vec_warp *w, const vec_slot *a, int64_t first, int64_t least, int64_t most) {
    if (uniform(a)) return true;
    if (!steps_are_small(a)) return false;
    int64_t x = a->stride * ((1 << w->row_shift) - 1), y = a->rise * ((VEC_LANES >> w->row_shift) - 1);
    return first + (x < 0 ? x : 0) + (y < 0 ? y : 0) >= least && first + (x > 0 ? x : 0) + (y > 0 ? y : 0) <= most;
}
INLINE bool counts_s32(const vec_warp *w, const vec_slot *a) { return counts_within(w, a, (int32_t)a->base, INT32_MIN, INT32_MAX); }
INLINE bool counts_u32(const vec_warp *w, const vec_slot *a) { return counts_within(w, a, (uint32_t)a->base, 0, UINT32_MAX); }
/* Does it count from lane to lane by `step`, over the ends of rows as well? */
INLINE bool counts_by(const vec_warp *w, const vec_slot *a, int64_t step) { return (a->state & VEC_STRIDED) != 0 && a->stride == step && (w->row_shift == 5 || a->rise == step << w->row_shift); }

/* ---- pieces of memory ------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Stored in pieces as wide as what loads them next: processors hand on what is on its way to memory only to loads that are no wider. */
#if defined(__AVX512F__)
enum { PIECE = 64 };
#elif defined(__AVX2__)
enum { PIECE = 32 };
#else
enum { PIECE = 16 };
#endif
typedef uint32_t piece __attribute__((vector_size(PIECE), aligned(4), may_alias));
typedef uint32_t half_piece __attribute__((vector_size(PIECE / 2), aligned(4), may_alias));

INLINE void copy_pieces(char *to, const char *from, int32_t bytes) {
    if (bytes < PIECE) *(half_piece *)(void *)to = *(const half_piece *)(const void *)from;
    else
        for (int32_t k = 0; k < bytes; k += PIECE) *(piece *)(void *)(to + k) = *(const piece *)(const void *)(from + k);
}
INLINE void spread_pieces(char *to, uint32_t value, int32_t bytes) {
    if (bytes < PIECE) *(half_piece *)(void *)to = (half_piece){0} + value;
    else
        for (int32_t k = 0; k < bytes; k += PIECE) *(piece *)(void *)(to + k) = (piece){0} + value;
}

/* ---- masks ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Bit k: is number k not 0? They are 0 or all ones. */
INLINE uint32_t mask_of(const uint32_t *truths) {
#if defined(__AVX512DQ__)
    return (uint32_t)_mm512_movepi32_mask(_mm512_loadu_si512(truths)) | (uint32_t)_mm512_movepi32_mask(_mm512_loadu_si512(truths + 16)) << 16;
#elif defined(__AVX2__)
    uint32_t mask = 0;
    for (int32_t k = 0; k < 4; k++) mask |= (uint32_t)_mm256_movemask_ps(_mm256_loadu_ps((const float *)(const void *)(truths + 8 * k))) << (8 * k);
    return mask;
#else
    uint32_t mask = 0;
    for (int32_t k = 0; k < VEC_LANES; k++) mask |= (truths[k] & 1) << k;
    return mask;
#endif
}

/* Lane k of a where bit k is set, else of b. */
INLINE void blend32(uint32_t *to, const uint32_t *a, const uint32_t *b, uint32_t mask) {
#if defined(__AVX512DQ__)
    _mm512_storeu_si512(to, _mm512_mask_blend_epi32((__mmask16)mask, _mm512_loadu_si512(b), _mm512_loadu_si512(a)));
    _mm512_storeu_si512(to + 16, _mm512_mask_blend_epi32((__mmask16)(mask >> 16), _mm512_loadu_si512(b + 16), _mm512_loadu_si512(a + 16)));
#else
    static const uint32_t bits[VEC_LANES] = {1u << 0,  1u << 1,  1u << 2,  1u << 3,  1u << 4,  1u << 5,  1u << 6,  1u << 7,  1u << 8,  1u << 9,  1u << 10, 1u << 11, 1u << 12, 1u << 13, 1u << 14, 1u << 15,
                                             1u << 16, 1u << 17, 1u << 18, 1u << 19, 1u << 20, 1u << 21, 1u << 22, 1u << 23, 1u << 24, 1u << 25, 1u << 26, 1u << 27, 1u << 28, 1u << 29, 1u << 30, 1u << 31};
    EACH_LANE(k) to[k] = (mask & bits[k]) != 0 ? a[k] : b[k];
#endif
}
INLINE void blend64(uint64_t *to, const uint64_t *a, const uint64_t *b, uint32_t mask) {
#if defined(__AVX512DQ__)
    for (int32_t k = 0; k < 4; k++) _mm512_storeu_si512(to + 8 * k, _mm512_mask_blend_epi64((__mmask8)(mask >> (8 * k)), _mm512_loadu_si512(b + 8 * k), _mm512_loadu_si512(a + 8 * k)));
#else
    for (int32_t k = 0; k < VEC_LANES; k++) to[k] = (mask >> k & 1) != 0 ? a[k] : b[k];
#endif
}
