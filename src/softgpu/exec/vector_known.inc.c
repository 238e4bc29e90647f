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
#undef X

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

/* To a register itself, steady or uniform: it stays so, but lanes that were made are old. */
HANDLER(add64_constant_self) {
    vec_slot *d = vec_at(w, s->d);
    d->base += CONSTANT_64;
    d->state &= VEC_STRIDED;
    VEC_NEXT(w, s);
}

/* ---- loads ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Do so many numbers begin there? The lowest bits of what is not aligned, turned to the top, make a great number. */
INLINE bool reaches(const vec_near *n, uint64_t from, int32_t bytes, int32_t count) {
    if (bytes == 8) return (from >> 3 | from << 61) < (count == 1 ? n->doubles : n->doubles32);
    return (from >> 2 | from << 62) < (count == 1 ? n->words : count <= 16 ? n->words16 : n->words32);
}
INLINE const vec_near *near_of(const vec_warp *w, const vec_step *s, bool shared) { return shared ? &w->block->near : s->near; }

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
    if (a->stride != bytes || !reaches(n, from, bytes, VEC_LANES)) GENERAL(w, s);
    copy_pieces((char *)out32(vec_at(w, s->d)), n->host + from, bytes * VEC_LANES);
    VEC_NEXT(w, s);
}
/* Rows, each one number after the other, or all of it one number. */
INLINE const vec_step *known_load_rows(vec_warp *w, const vec_step *s, bool shared, int32_t across) {
    const vec_slot *a = vec_at(w, s->a);
    const vec_near *n = near_of(w, s, shared);
    uint64_t from = a->base + (uint64_t)s->offset - n->address, rise = (uint64_t)a->rise;
    if (!reaches(n, from, 4, across) || !reaches(n, from + rise * (uint64_t)(VEC_LANES / across - 1), 4, across) || ((rise & 3) | ((uint64_t)a->stride & ~UINT64_C(4))) != 0) GENERAL(w, s);
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

/* ---- comparisons -------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Both are steady, by the same steps: lane 0 tells of equality for all, and of order where neither runs over its end. */
INLINE bool same_steps(const vec_slot *a, const vec_slot *b) { return ((a->stride ^ b->stride) | (a->rise ^ b->rise)) == 0; }
HANDLER(setp_equal_steady) {
    const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (!same_steps(a, b)) GENERAL(w, s);
    return put_truths(w, s, (a->base == b->base) == (s->elems == VEC_EQ) ? UINT32_MAX : 0);
}
#define SETP_STEADY(name, type, end)                                                                                                         HANDLER(setp_##name##_steady) {                                                                                                              const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                                                                               int64_t p = (type)a->base, q = (type)b->base, greater = p > q ? p : q;                                                                   int64_t span = a->stride * ((1 << w->row_shift) - 1) + a->rise * ((VEC_LANES >> w->row_shift) - 1);                                      if (!same_steps(a, b) || (a->stride | a->rise) < 0 || greater + span > (end)) GENERAL(w, s);                                              return put_truths(w, s, truth_of(s->elems, p >= q, p > q));                                                                          }
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

/* ---- tables ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

#define ROW2(name) [VEC_KNOWN_##name] = {name##_known0, name##_known1, name##_known2, name##_known3},
#define ROW3(name) [VEC_KNOWN_##name] = {name##_known0, name##_known1, name##_known2, name##_known3, name##_known4, name##_known5, name##_known6, name##_known7},
vec_fn *const VEC_KNOWN_TABLE[VEC_KNOWN_COUNT][8] = {
#define X(name, bits, operands) ROW##operands(name)
    VEC_KNOWN_LIST(X)
#undef X
};
vec_fn *const VEC_KNOWN_ONE_TABLE[VEC_KNOWN_ONE_COUNT] = {
#define X(name) name,
    VEC_KNOWN_ONE_LIST(X)
#undef X
#define X(name, type, sign) setp_bra_##name##_known,
    SETP_BRA_LIST(X)
#undef X
#define X(name, type, sign) add_setp_bra_##name##_known,
    SETP_BRA_LIST32(X)
#undef X
};
