/* SPDX-License-Identifier: Apache-2.0
 * Handlers of versions: the kinds of their operands are known, and all 32 lanes live. What they find otherwise than it was when the version was made - other memory, another
 * stride - they leave to the step that asks (general), at which the warp goes on. */
#include "vector_versions.h"

#define GENERAL(w, s) return (s)->general->run(w, (s)->general)

/* ---- results of each lane ----------------------------------------------------------------------------------------------------------------------------------------------- */

/* number: which operands are uniform; operands: how many there are. */
#define KNOWN(name, bits, operands, number)                                                                                           \
    HANDLER(name##_known##number) {                                                                                                   \
        SLOTS;                                                                                                                        \
        LANES##bits;                                                                                                                  \
        uint##bits##_t p = (uint##bits##_t)a->base, q = (uint##bits##_t)b->base, r = (uint##bits##_t)c->base;                         \
        (void)r, (void)v;                                                                                                             \
        if ((number) == (1 << (operands)) - 1) {                                                                                      \
            set_uniform(d, one_##name(p, q, r));                                                                                      \
        } else {                                                                                                                      \
            uint##bits##_t *z = out##bits(d);                                                                                         \
            EACH_LANE(k) z[k] = one_##name((number) & 1 ? p : x[k], (number) & 2 ? q : y[k], (operands) < 3 ? 0 : (number) & 4 ? r : v[k]); \
        }                                                                                                                             \
        VEC_NEXT(w, s);                                                                                                               \
    }
#define KNOWN2(name, bits, operands) KNOWN(name, bits, operands, 0) KNOWN(name, bits, operands, 1) KNOWN(name, bits, operands, 2) KNOWN(name, bits, operands, 3)
#define KNOWN3(name, bits, operands) KNOWN2(name, bits, operands) KNOWN(name, bits, operands, 4) KNOWN(name, bits, operands, 5) KNOWN(name, bits, operands, 6) KNOWN(name, bits, operands, 7)
#define X(name, bits, operands) KNOWN##operands(name, bits, operands)
VEC_KNOWN_LIST(X)
#if !defined(__AVX2__)
VEC_KNOWN_FLOAT_LIST(X)
#endif
#undef X

/* ---- floats ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Sums and products with no step between them and memory: whether a result is NaN, which has one form, is looked at beside, so that what waits for them need not wait for that. */
#if defined(__AVX512DQ__)
#define FLOATS(of) _mm512_##of
typedef __m512 floats;
enum { ACROSS = 16 };
INLINE uint32_t nans(floats x) { return _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q); }
INLINE floats one_nan(floats x) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), x, _mm512_castsi512_ps(_mm512_set1_epi32(NAN32))); }
#elif defined(__AVX2__)
#define FLOATS(of) _mm256_##of
typedef __m256 floats;
enum { ACROSS = 8 };
INLINE uint32_t nans(floats x) { return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(x, x, _CMP_UNORD_Q)); }
INLINE floats one_nan(floats x) { return _mm256_blendv_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(NAN32)), _mm256_cmp_ps(x, x, _CMP_UNORD_Q)); }
#endif
#if defined(__AVX2__)
#define FLOAT(name, number, of, ...)                                                                                                  \
    HANDLER(name##_known##number) {                                                                                                   \
        const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b), *c = vec_at(w, s->c);                                              \
        const float *x = (const float *)(const void *)vec_lanes32(a), *y = (const float *)(const void *)vec_lanes32(b), *v = (const float *)(const void *)vec_lanes32(c); \
        floats p = FLOATS(set1_ps)(float_of((uint32_t)a->base)), q = FLOATS(set1_ps)(float_of((uint32_t)b->base)), r = FLOATS(set1_ps)(float_of((uint32_t)c->base)), z[VEC_LANES / ACROSS]; \
        uint32_t odd = 0;                                                                                                             \
        for (int32_t k = 0; k < VEC_LANES / ACROSS; k++) {                                                                            \
            floats i = (number) & 1 ? p : FLOATS(loadu_ps)(x + ACROSS * k), j = (number) & 2 ? q : FLOATS(loadu_ps)(y + ACROSS * k);  \
            floats l = (number) & 4 ? r : FLOATS(loadu_ps)(v + ACROSS * k);                                                           \
            (void)l;                                                                                                                  \
            z[k] = FLOATS(of)(__VA_ARGS__);                                                                                           \
            odd |= nans(z[k]);                                                                                                        \
        }                                                                                                                             \
        for (int32_t k = 0; k < VEC_LANES / ACROSS && __builtin_expect(odd != 0, 0); k++) z[k] = one_nan(z[k]);                        \
        float *d = (float *)(void *)out32(vec_at(w, s->d));                                                                           \
        for (int32_t k = 0; k < VEC_LANES / ACROSS; k++) FLOATS(storeu_ps)(d + ACROSS * k, z[k]);                                     \
        VEC_NEXT(w, s);                                                                                                               \
    }
#define FLOAT2(name, of) FLOAT(name, 0, of, i, j) FLOAT(name, 1, of, i, j) FLOAT(name, 2, of, i, j) KNOWN(name, 32, 2, 3)
FLOAT2(add_f32, add_ps) FLOAT2(sub_f32, sub_ps) FLOAT2(mul_f32, mul_ps)
#define FLOAT3(name, number) FLOAT(name, number, fmadd_ps, i, j, l)
FLOAT3(fma_f32, 0) FLOAT3(fma_f32, 1) FLOAT3(fma_f32, 2) FLOAT3(fma_f32, 3) FLOAT3(fma_f32, 4) FLOAT3(fma_f32, 5) FLOAT3(fma_f32, 6) KNOWN(fma_f32, 32, 3, 7)
#endif

/* ---- base, stride and rise ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* a is steady, b uniform. */
#define STEADY(name, bits, sign)                                                                       \
    HANDLER(name##_steady) {                                                                           \
        vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);                     \
        set_strided(d, TRIM_##bits(a->base sign b->base), (uint64_t)a->stride, (uint64_t)a->rise);     \
        VEC_NEXT(w, s);                                                                                \
    }
STEADY(add32, 32, +) STEADY(sub32, 32, -) STEADY(add64, 64, +) STEADY(sub64, 64, -)

#define ADD_CONSTANT(bits)                                                                             \
    HANDLER(add##bits##_constant_uniform) {                                                            \
        set_uniform(vec_at(w, s->d), TRIM_##bits(vec_at(w, s->a)->base + CONSTANT_##bits));            \
        VEC_NEXT(w, s);                                                                                \
    }                                                                                                  \
    HANDLER(add##bits##_constant_steady) {                                                             \
        const vec_slot *a = vec_at(w, s->a);                                                           \
        set_strided(vec_at(w, s->d), TRIM_##bits(a->base + CONSTANT_##bits), (uint64_t)a->stride, (uint64_t)a->rise); \
        VEC_NEXT(w, s);                                                                                \
    }                                                                                                  \
    HANDLER(add##bits##_constant_each) {                                                               \
        const uint##bits##_t *x = vec_lanes##bits(vec_at(w, s->a)), constant = (uint##bits##_t)CONSTANT_##bits; \
        uint##bits##_t *z = out##bits(vec_at(w, s->d));                                                \
        EACH_LANE(k) z[k] = x[k] + constant;                                                           \
        VEC_NEXT(w, s);                                                                                \
    }
ADD_CONSTANT(32)
ADD_CONSTANT(64)

/* What is added to a register itself, which is steady or uniform and stays so; but lanes that were made are old. Two of them are one step: to d the constant in offset or what is in b, to a that in
 * other_offset or what is in c. */
INLINE void raise64(vec_slot *d, uint64_t by) {
    d->base += by;
    d->state &= VEC_STRIDED;
}
INLINE void raise32(vec_slot *d, uint64_t by) {
    d->base = (uint32_t)(d->base + by);
    d->state &= VEC_STRIDED;
}
#define RAISE(bits, name, first)                                             \
    HANDLER(raise##bits##_##name) {                                          \
        raise##bits(vec_at(w, s->d), (uint64_t)(first));                     \
        VEC_NEXT(w, s);                                                      \
    }                                                                        \
    HANDLER(raise##bits##_##name##_constant) {                               \
        raise##bits(vec_at(w, s->d), (uint64_t)(first));                     \
        raise##bits(vec_at(w, s->a), (uint64_t)s->other_offset);             \
        VEC_NEXT(w, s);                                                      \
    }                                                                        \
    HANDLER(raise##bits##_##name##_uniform) {                                \
        raise##bits(vec_at(w, s->d), (uint64_t)(first));                     \
        raise##bits(vec_at(w, s->a), vec_at(w, s->c)->base);                 \
        VEC_NEXT(w, s);                                                      \
    }
RAISE(64, constant, s->offset) RAISE(64, uniform, vec_at(w, s->b)->base)
RAISE(32, constant, s->offset) RAISE(32, uniform, vec_at(w, s->b)->base)

/* ---- loads ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Do so many numbers begin there? The lowest bits of what is not aligned, turned to the top, make a great number. */
INLINE bool reaches(const vec_near *n, uint64_t from, int32_t bytes, int32_t count) {
    if (bytes == 8) return (from >> 3 | from << 61) < (count == 1 ? n->doubles : n->doubles32);
    return (from >> 2 | from << 62) < (count == 1 ? n->words : count <= 16 ? n->words16 : n->words32);
}
/* Do addresses in 32 bits stay in them from the first row, whose lanes count up by a number each, to the last? */
INLINE bool stays_straight(const vec_step *s, uint64_t first, uint64_t last) { return s->width != VEC_32 || (first <= UINT32_MAX - 4 * VEC_LANES && last <= UINT32_MAX - 4 * VEC_LANES); }
INLINE const vec_near *near_of(const vec_warp *w, const vec_step *s, bool shared) { return shared ? &w->block->near : s->near; }

/* Do all lanes find their numbers one after the other from the first on? from: the first, counted from the near memory. */
INLINE bool line_reaches(const vec_step *s, const vec_slot *a, const vec_near *n, bool shared, uint64_t from, int32_t bytes) {
    return a->stride == bytes && reaches(n, from, bytes, VEC_LANES) && (!shared || stays_straight(s, a->base, a->base + (uint64_t)(bytes * VEC_LANES)));
}
/* Do all rows, each of numbers of four bytes one after the other, or of one number? Between the first and the last lie the others, for rise is small. */
INLINE bool rows_reach(const vec_step *s, const vec_slot *a, const vec_near *n, bool shared, uint64_t from, int32_t across) {
    uint64_t rise = (uint64_t)a->rise, to_last = rise * (uint64_t)(VEC_LANES / across - 1);
    if (!steps_are_small(a) || ((rise & 3) | ((uint64_t)a->stride & ~UINT64_C(4))) != 0) return false;
    return reaches(n, from, 4, across) && reaches(n, from + to_last, 4, across) && (!shared || stays_straight(s, a->base, a->base + to_last));
}

INLINE const vec_step *known_load_uniform(vec_warp *w, const vec_step *s, bool shared, int32_t bytes) {
    const vec_near *n = near_of(w, s, shared);
    uint64_t from = vec_at(w, s->a)->base + (uint64_t)s->offset - n->address;
    if (!reaches(n, from, bytes, 1)) GENERAL(w, s);
    set_uniform(vec_at(w, s->d), fetched(n->host + from, bytes, false));
    VEC_NEXT(w, s);
}
/* Lanes stand in one row, and load one number after the other. */
INLINE const vec_step *known_load_line(vec_warp *w, const vec_step *s, bool shared, int32_t bytes) {
    const vec_slot *a = vec_at(w, s->a);
    const vec_near *n = near_of(w, s, shared);
    uint64_t from = a->base + (uint64_t)s->offset - n->address;
    if (!line_reaches(s, a, n, shared, from, bytes)) GENERAL(w, s);
    copy_pieces((char *)out32(vec_at(w, s->d)), n->host + from, bytes * VEC_LANES);
    VEC_NEXT(w, s);
}
/* Rows, each one number after the other, or all of it one number. */
INLINE const vec_step *known_load_rows(vec_warp *w, const vec_step *s, bool shared, int32_t across) {
    const vec_slot *a = vec_at(w, s->a);
    const vec_near *n = near_of(w, s, shared);
    uint64_t from = a->base + (uint64_t)s->offset - n->address, rise = (uint64_t)a->rise;
    if (!rows_reach(s, a, n, shared, from, across)) GENERAL(w, s);
    const char *row = n->host + from;
    char *to = (char *)out32(vec_at(w, s->d));
    if (a->stride != 0) {
        for (int32_t k = 0; k < VEC_LANES; k += across, row += rise, to += 4 * across) copy_pieces(to, row, 4 * across);
    } else {
        for (int32_t k = 0; k < VEC_LANES; k += across, row += rise, to += 4 * across) spread_pieces(to, *(const uint32_t *)(const void *)row, 4 * across);
    }
    VEC_NEXT(w, s);
}
HANDLER(load32_global_uniform) { return known_load_uniform(w, s, false, 4); }
HANDLER(load64_global_uniform) { return known_load_uniform(w, s, false, 8); }
HANDLER(load32_shared_uniform) { return known_load_uniform(w, s, true, 4); }
HANDLER(load64_shared_uniform) { return known_load_uniform(w, s, true, 8); }
HANDLER(load32_global_line) { return known_load_line(w, s, false, 4); }
HANDLER(load64_global_line) { return known_load_line(w, s, false, 8); }
HANDLER(load32_shared_line) { return known_load_line(w, s, true, 4); }
HANDLER(load64_shared_line) { return known_load_line(w, s, true, 8); }
HANDLER(load32_global_rows16) { return known_load_rows(w, s, false, 16); }
HANDLER(load32_global_rows8) { return known_load_rows(w, s, false, 8); }
HANDLER(load32_shared_rows16) { return known_load_rows(w, s, true, 16); }
HANDLER(load32_shared_rows8) { return known_load_rows(w, s, true, 8); }

/* A load and the fma behind it that takes what was loaded (to d) times c, which is uniform or not, plus what is in guard, to b: processors need not wait for what they have just stored. */
#if defined(__AVX2__)
INLINE const vec_step *load_fma(vec_warp *w, const vec_step *s, bool shared, bool rows, bool uniform_factor) {
    enum { ROW = 16 };
    const vec_slot *a = vec_at(w, s->a), *factor = vec_at(w, s->c), *addend = vec_at(w, s->guard);
    const vec_near *n = near_of(w, s, shared);
    uint64_t from = a->base + (uint64_t)s->offset - n->address, rise = rows ? (uint64_t)a->rise : 0;
    if (rows ? !rows_reach(s, a, n, shared, from, ROW) : !line_reaches(s, a, n, shared, from, 4)) GENERAL(w, s);
    const float *x = (const float *)(const void *)vec_lanes32(factor), *v = (const float *)(const void *)vec_lanes32(addend);
    float *loaded = (float *)(void *)out32(vec_at(w, s->d));
    floats p = FLOATS(set1_ps)(float_of((uint32_t)factor->base)), z[VEC_LANES / ACROSS];
    bool one = rows && a->stride == 0;
    uint32_t odd = 0;
    for (int32_t k = 0, lane = 0; lane < VEC_LANES; k++, lane += ACROSS) {
        const float *at = (const float *)(const void *)(n->host + from + (rows ? (uint64_t)(lane / ROW) * rise : 0));
        floats y = one ? FLOATS(set1_ps)(*at) : FLOATS(loadu_ps)(at + (rows ? lane % ROW : lane));
        FLOATS(storeu_ps)(loaded + lane, y);
        z[k] = FLOATS(fmadd_ps)(uniform_factor ? p : FLOATS(loadu_ps)(x + lane), y, FLOATS(loadu_ps)(v + lane));
        odd |= nans(z[k]);
    }
    for (int32_t k = 0; k < VEC_LANES / ACROSS && __builtin_expect(odd != 0, 0); k++) z[k] = one_nan(z[k]);
    float *d = (float *)(void *)out32(vec_at(w, s->b));
    for (int32_t k = 0; k < VEC_LANES / ACROSS; k++) FLOATS(storeu_ps)(d + ACROSS * k, z[k]);
    VEC_NEXT(w, s);
}
HANDLER(load_fma_global_line_uniform) { return load_fma(w, s, false, false, true); }
HANDLER(load_fma_global_line_each) { return load_fma(w, s, false, false, false); }
HANDLER(load_fma_global_rows16_uniform) { return load_fma(w, s, false, true, true); }
HANDLER(load_fma_global_rows16_each) { return load_fma(w, s, false, true, false); }
HANDLER(load_fma_shared_line_uniform) { return load_fma(w, s, true, false, true); }
HANDLER(load_fma_shared_line_each) { return load_fma(w, s, true, false, false); }
HANDLER(load_fma_shared_rows16_uniform) { return load_fma(w, s, true, true, true); }
HANDLER(load_fma_shared_rows16_each) { return load_fma(w, s, true, true, false); }
#endif

/* ---- comparisons -------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Both are steady, by the same steps: lane 0 tells of equality for all, and of order where neither runs over its end. */
INLINE bool same_steps(const vec_slot *a, const vec_slot *b) { return ((a->stride ^ b->stride) | (a->rise ^ b->rise)) == 0; }
HANDLER(setp_equal_steady) {
    const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (!same_steps(a, b)) GENERAL(w, s);
    return put_truths(w, s, (a->base == b->base) == (s->elems == VEC_EQ) ? UINT32_MAX : 0);
}
#define SETP_STEADY(name, type, end)                                                                                     \
    INLINE bool ordered_##name(const vec_warp *w, const vec_slot *a, const vec_slot *b, int64_t *p, int64_t *q) {        \
        int64_t span = a->stride * ((1 << w->row_shift) - 1) + a->rise * ((VEC_LANES >> w->row_shift) - 1);              \
        *p = (type)a->base, *q = (type)b->base;                                                                          \
        return same_steps(a, b) && (a->stride | a->rise) >= 0 && (*p > *q ? *p : *q) + span <= (end);                    \
    }                                                                                                                    \
    HANDLER(setp_##name##_steady) {                                                                                      \
        int64_t p, q;                                                                                                    \
        if (!ordered_##name(w, vec_at(w, s->a), vec_at(w, s->b), &p, &q)) GENERAL(w, s);                                 \
        return put_truths(w, s, truth_of(s->elems, p >= q, p > q));                                                      \
    }
SETP_STEADY(u32, uint32_t, UINT32_MAX) SETP_STEADY(s32, int32_t, INT32_MAX)

/* ---- ends of blocks -------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Uniform comparisons with the branch behind them; a turn that is over is left to the general step. */
#define KNOWN_SETP_BRA(name, type, sign)                                                             \
    HANDLER(setp_bra_##name##_known) {                                                               \
        if ((type)vec_at(w, s->a)->base sign (type)vec_at(w, s->b)->base) {                          \
            if (w->left < s->count) GENERAL(w, s);                                                   \
            w->left -= s->count;                                                                     \
            vec_at(w, s->d)->base = UINT32_MAX;                                                      \
            s = s->to;                                                                               \
            VEC_JUMP(w, s);                                                                          \
        }                                                                                            \
        vec_at(w, s->d)->base = 0;                                                                   \
        s = s->general + 2;                                                                          \
        VEC_JUMP(w, s);                                                                              \
    }
SETP_BRA_LIST(KNOWN_SETP_BRA)

#define KNOWN_ADD_SETP_BRA(name, type, sign)                                                         \
    HANDLER(add_setp_bra_##name##_known) {                                                           \
        uint32_t sum = (uint32_t)vec_at(w, s->a)->base + s->c;                                       \
        if ((type)sum sign (type)vec_at(w, s->b)->base) {                                            \
            if (w->left < s->count) GENERAL(w, s);                                                   \
            w->left -= s->count;                                                                     \
            set_uniform(vec_at(w, s->d), sum);                                                       \
            vec_at(w, s->guard)->base = UINT32_MAX;                                                  \
            s = s->to;                                                                               \
            VEC_JUMP(w, s);                                                                          \
        }                                                                                            \
        set_uniform(vec_at(w, s->d), sum);                                                           \
        vec_at(w, s->guard)->base = 0;                                                               \
        s = s->general + 3;                                                                          \
        VEC_JUMP(w, s);                                                                              \
    }
SETP_BRA_LIST32(KNOWN_ADD_SETP_BRA)

/* Comparisons of two that are steady, with the branch. */
#define JUMP_IF(truth)                                    \
    bool jumps = (truth);                                 \
    if (jumps && w->left < s->count) GENERAL(w, s);       \
    vec_at(w, s->d)->base = jumps ? UINT32_MAX : 0;       \
    if (jumps) {                                          \
        w->left -= s->count;                              \
        s = s->to;                                        \
        VEC_JUMP(w, s);                                   \
    }                                                     \
    s = s->general + 2;                                   \
    VEC_JUMP(w, s)
HANDLER(setp_bra_equal_steady) {
    const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (!same_steps(a, b)) GENERAL(w, s);
    JUMP_IF((a->base == b->base) == (s->elems == VEC_EQ));
}
#define SETP_BRA_STEADY(name)                                                                   \
    HANDLER(setp_bra_##name##_steady) {                                                         \
        int64_t p, q;                                                                           \
        if (!ordered_##name(w, vec_at(w, s->a), vec_at(w, s->b), &p, &q)) GENERAL(w, s);        \
        JUMP_IF(truth_of(s->elems, p >= q, p > q) != 0);                                        \
    }
SETP_BRA_STEADY(u32) SETP_BRA_STEADY(s32)

/* ---- tables ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

#define ROW2(name) [VEC_KNOWN_##name] = {name##_known0, name##_known1, name##_known2, name##_known3},
#define ROW3(name) [VEC_KNOWN_##name] = {name##_known0, name##_known1, name##_known2, name##_known3, name##_known4, name##_known5, name##_known6, name##_known7},
vec_fn *const VEC_KNOWN_TABLE[VEC_KNOWN_COUNT][8] = {
#define X(name, bits, operands) ROW##operands(name)
    VEC_KNOWN_LIST(X)
    VEC_KNOWN_FLOAT_LIST(X)
#undef X
};
vec_fn *const VEC_KNOWN_ONE_TABLE[VEC_KNOWN_ONE_COUNT] = {
#define X(name) [VEC_KNOWN_##name] = name,
    VEC_KNOWN_ONE_LIST(X)
#if defined(__AVX2__)
    VEC_KNOWN_LOAD_FMA_LIST(X)
#endif
#undef X
#define X(name, type, sign) [VEC_KNOWN_setp_bra_##name] = setp_bra_##name##_known,
    SETP_BRA_LIST(X)
#undef X
#define X(name, type, sign) [VEC_KNOWN_add_setp_bra_##name] = add_setp_bra_##name##_known,
    SETP_BRA_LIST32(X)
#undef X
};
