/* SPDX-License-Identifier: Apache-2.0
 * Integers, logic, moves, selection and comparisons, all lanes at once. */

/* ---- moves and selection -------------------------------------------------------------------------------------------------------------------------------------------- */

INLINE void copy32(vec_slot *d, const vec_slot *a) {
    if (a->state != VEC_SPREAD) set_scalar(d, a->base, a->stride);
    else if (d != a) memcpy(out32(d), vec_lanes32(a), 4 * VEC_LANES);
}
INLINE void copy64(vec_slot *d, const vec_slot *a) {
    if (a->state != VEC_SPREAD) set_scalar(d, a->base, a->stride);
    else if (d != a) memcpy(out64(d), vec_lanes64(a), 8 * VEC_LANES);
}

HANDLER(mov32) {
    copy32(vec_at(w, s->d), vec_at(w, s->a));
    VEC_NEXT(w, s);
}
HANDLER(mov64) {
    copy64(vec_at(w, s->d), vec_at(w, s->a));
    VEC_NEXT(w, s);
}
HANDLER(mov_pred) {
    vec_at(w, s->d)->base = s->negated ? ~vec_at(w, s->a)->base : vec_at(w, s->a)->base;
    VEC_NEXT(w, s);
}

/* Special registers and addresses: kept as base and stride where they can be. */
static void put_any(vec_warp *w, const vec_step *s) {
    const ptx_operand *o = &s->i->operands[1];
    ptx_type type = (ptx_type)s->i->types[0];
    vec_slot *d = vec_at(w, s->d);
    uint64_t values[VEC_LANES];
    bool straight = true;
    for (int32_t k = 0; k < VEC_LANES; k++) values[k] = vec_value(w, w->frame, k, o, type).low;
    int64_t stride = (int64_t)(values[1] - values[0]);
    for (int32_t k = 1; k < VEC_LANES; k++) straight = straight && values[k] - values[k - 1] == (uint64_t)stride;
    if (straight && (stride == 0 || ptx_types[type].bits >= 32)) set_scalar(d, values[0], s->width == VEC_32 ? (int32_t)stride : stride);
    else if (s->width == VEC_64) memcpy(out64(d), values, sizeof values);
    else
        for (int32_t k = 0; k < VEC_LANES; k++) out32(d)[k] = (uint32_t)values[k];
}
HANDLER(mov_any) {
    put_any(w, s);
    VEC_NEXT(w, s);
}

HANDLER(selp32) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if ((mask & w->mask) == w->mask) copy32(d, a);
    else if ((mask & w->mask) == 0) copy32(d, b);
    else {
        const uint32_t *x = in32(a), *y = in32(b);
        blend32(out32(d), x, y, mask);
    }
    VEC_NEXT(w, s);
}
HANDLER(selp64) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if ((mask & w->mask) == w->mask) copy64(d, a);
    else if ((mask & w->mask) == 0) copy64(d, b);
    else {
        const uint64_t *x = in64(a), *y = in64(b);
        blend64(out64(d), x, y, mask);
    }
    VEC_NEXT(w, s);
}

static void put_specific(vec_slot *d, vec_slot *a) {
    const uint64_t *x = in64(a);
    uint64_t *y = out64(d);
    for (int32_t k = 0; k < VEC_LANES; k++) {
        uint64_t within;
        y[k] = x[k] >= GPU_SHARED_BASE && vec_space_of(x[k], &within) != PTX_SPACE_global ? within : x[k];
    }
}

/* Addresses without a window are their own generic ones. offset: what is added to come from one space to the generic one; -1: back. */
HANDLER(cvta) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    if (s->offset >= 0) {
        if (scalar(a)) set_scalar(d, a->base + (uint64_t)s->offset, a->stride);
        else {
            const uint64_t *x = in64(a);
            uint64_t *y = out64(d);
            EACH_LANE(k) y[k] = x[k] + (uint64_t)s->offset;
        }
        VEC_NEXT(w, s);
    }
    if (scalar(a) && (a->base | (a->base + 31 * (uint64_t)a->stride)) < GPU_SHARED_BASE) set_scalar(d, a->base, a->stride);
    else put_specific(d, a);
    VEC_NEXT(w, s);
}

/* ---- arithmetic that keeps base and stride --------------------------------------------------------------------------------------------------------------------------- */

HANDLER(add32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b)) set32(d, (uint32_t)(a->base + b->base), (int32_t)(a->stride + b->stride));
    else {
        const uint32_t *x = in32(a), *y = in32(b);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = x[k] + y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(sub32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b)) set32(d, (uint32_t)(a->base - b->base), (int32_t)(a->stride - b->stride));
    else {
        const uint32_t *x = in32(a), *y = in32(b);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = x[k] - y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(mul32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b) && (a->stride == 0 || b->stride == 0)) set32(d, (uint32_t)(a->base * b->base), (int32_t)((uint64_t)a->stride * b->base + (uint64_t)b->stride * a->base));
    else {
        const uint32_t *x = in32(a), *y = in32(b);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = x[k] * y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(mad32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b), *c = vec_at(w, s->c);
    if (scalar2(a, b) && scalar(c) && (a->stride == 0 || b->stride == 0)) set32(d, (uint32_t)(a->base * b->base + c->base), (int32_t)((uint64_t)a->stride * b->base + (uint64_t)b->stride * a->base + (uint64_t)c->stride));
    else {
        const uint32_t *x = in32(a), *y = in32(b), *v = in32(c);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = x[k] * y[k] + v[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(add64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b)) set_scalar(d, a->base + b->base, (int64_t)((uint64_t)a->stride + (uint64_t)b->stride));
    else {
        const uint64_t *x = in64(a), *y = in64(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = x[k] + y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(sub64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b)) set_scalar(d, a->base - b->base, (int64_t)((uint64_t)a->stride - (uint64_t)b->stride));
    else {
        const uint64_t *x = in64(a), *y = in64(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = x[k] - y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(mul64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar2(a, b) && (a->stride == 0 || b->stride == 0)) set_scalar(d, a->base * b->base, (int64_t)((uint64_t)a->stride * b->base + (uint64_t)b->stride * a->base));
    else {
        const uint64_t *x = in64(a), *y = in64(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = x[k] * y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(mad64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b), *c = vec_at(w, s->c);
    if (scalar2(a, b) && scalar(c) && (a->stride == 0 || b->stride == 0)) set_scalar(d, a->base * b->base + c->base, (int64_t)((uint64_t)a->stride * b->base + (uint64_t)b->stride * a->base + (uint64_t)c->stride));
    else {
        const uint64_t *x = in64(a), *y = in64(b), *v = in64(c);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = x[k] * y[k] + v[k];
    }
    VEC_NEXT(w, s);
}

/* Products of 32 bits in 64: only while the count of one factor does not run over. c may be NULL. */
INLINE const vec_step *wide_product(vec_warp *w, const vec_step *s, vec_slot *c, bool is_signed) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    bool straight = scalar2(a, b) && (c == NULL || scalar(c)) && (a->stride == 0 || b->stride == 0) && (is_signed ? counts_s32(a) && counts_s32(b) : counts_u32(a) && counts_u32(b));
    if (straight) {
        uint64_t x = is_signed ? (uint64_t)(int32_t)a->base : (uint32_t)a->base, y = is_signed ? (uint64_t)(int32_t)b->base : (uint32_t)b->base;
        set_scalar(d, x * y + (c != NULL ? c->base : 0), (int64_t)((uint64_t)a->stride * y + (uint64_t)b->stride * x + (c != NULL ? (uint64_t)c->stride : 0)));
    } else {
        const uint32_t *x = in32(a), *y = in32(b);
        const uint64_t *v = c != NULL ? in64(c) : NULL;
        uint64_t *z = out64(d);
        if (is_signed && c != NULL) EACH_LANE(k) z[k] = (uint64_t)((int64_t)(int32_t)x[k] * (int32_t)y[k]) + v[k];
        else if (is_signed) EACH_LANE(k) z[k] = (uint64_t)((int64_t)(int32_t)x[k] * (int32_t)y[k]);
        else if (c != NULL) EACH_LANE(k) z[k] = (uint64_t)x[k] * y[k] + v[k];
        else EACH_LANE(k) z[k] = (uint64_t)x[k] * y[k];
    }
    VEC_NEXT(w, s);
}
HANDLER(mul_wide_u32) { return wide_product(w, s, NULL, false); }
HANDLER(mul_wide_s32) { return wide_product(w, s, NULL, true); }
HANDLER(mad_wide_u32) { return wide_product(w, s, vec_at(w, s->c), false); }
HANDLER(mad_wide_s32) { return wide_product(w, s, vec_at(w, s->c), true); }

/* A shift to the left by as much in all lanes is a product. */
HANDLER(shl32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar(a) && uniform(b)) {
        uint32_t n = (uint32_t)b->base;
        if (n > 31) set32(d, 0, 0);
        else set32(d, (uint32_t)a->base << n, (int32_t)((uint32_t)a->stride << n));
    } else {
        const uint32_t *x = in32(a), *y = in32(b);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = y[k] > 31 ? 0 : x[k] << (y[k] & 31);
    }
    VEC_NEXT(w, s);
}
HANDLER(shl64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (scalar(a) && uniform(b)) {
        uint32_t n = (uint32_t)b->base;
        if (n > 63) set_scalar(d, 0, 0);
        else set_scalar(d, a->base << n, (int64_t)((uint64_t)a->stride << n));
    } else {
        const uint64_t *x = in64(a);
        const uint32_t *y = in32(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = y[k] > 63 ? 0 : x[k] << (y[k] & 63);
    }
    VEC_NEXT(w, s);
}

/* ---- arithmetic on each lane -------------------------------------------------------------------------------------------------------------------------------------------- */

typedef uint32_t one32(uint32_t a, uint32_t b, uint32_t c);
typedef uint64_t one64(uint64_t a, uint64_t b);

/* Of one to three operands of 32 bits; of registers that are uniform once. */
INLINE const vec_step *each32(vec_warp *w, const vec_step *s, one32 *of, int32_t operands) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, operands > 1 ? s->b : s->a), *c = vec_at(w, operands > 2 ? s->c : s->a);
    if (uniform2(a, b) && uniform(c)) set32(d, of((uint32_t)a->base, (uint32_t)b->base, (uint32_t)c->base), 0);
    else {
        const uint32_t *x = in32(a), *y = in32(b), *v = in32(c);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = of(x[k], y[k], v[k]);
    }
    VEC_NEXT(w, s);
}
INLINE const vec_step *each64(vec_warp *w, const vec_step *s, one64 *of, bool two) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, two ? s->b : s->a);
    if (uniform2(a, b)) set_scalar(d, of(a->base, b->base), 0);
    else {
        const uint64_t *x = in64(a), *y = in64(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = of(x[k], y[k]);
    }
    VEC_NEXT(w, s);
}

INLINE uint32_t reversed(uint32_t a) {
    a = (a >> 1 & 0x55555555u) | (a & 0x55555555u) << 1;
    a = (a >> 2 & 0x33333333u) | (a & 0x33333333u) << 2;
    a = (a >> 4 & 0x0f0f0f0fu) | (a & 0x0f0f0f0fu) << 4;
    return __builtin_bswap32(a);
}
INLINE uint32_t counted(uint32_t a) {
    a -= a >> 1 & 0x55555555u;
    a = (a & 0x33333333u) + (a >> 2 & 0x33333333u);
    return ((a + (a >> 4)) & 0x0f0f0f0fu) * 0x01010101u >> 24;
}
INLINE uint32_t extracted_u(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t at = b & 0xff, count = c & 0xff;
    return at > 31 || count == 0 ? 0 : a >> (at & 31) & (count > 31 ? UINT32_MAX : (UINT32_C(1) << (count & 31)) - 1);
}
INLINE uint32_t extracted_s(uint32_t a, uint32_t b, uint32_t c) {
    uint32_t at = b & 0xff, count = c & 0xff, last = at + count - 1 < 31 ? at + count - 1 : 31;
    if (count == 0) return 0;
    if (at > 31) return (uint32_t)((int32_t)a >> 31);
    return (uint32_t)((int32_t)(a << (31 - last)) >> ((31 - last + at) & 31));
}
INLINE uint32_t permuted(uint32_t a, uint32_t b, uint32_t c) {
    uint64_t both = (uint64_t)b << 32 | a;
    uint32_t y = 0;
    for (int32_t k = 0; k < 4; k++) {
        uint32_t pick = c >> (4 * k) & 15, byte = (uint32_t)(both >> (8 * (pick & 7))) & 0xff;
        y |= ((pick & 8) == 0 ? byte : (byte & 0x80) != 0 ? 0xffu : 0) << (8 * k);
    }
    return y;
}

/* name, operands, what it gives of a, b, c */
#define EACH32_LIST(X)                                                                                                                                                   \
    X(and32, 2, a & b) X(or32, 2, a | b) X(xor32, 2, a ^ b) X(not32, 1, ~a)                                                                                              \
    X(shr_u32, 2, b > 31 ? 0 : a >> (b & 31)) X(shr_s32, 2, (uint32_t)((int32_t)a >> (b > 31 ? 31 : b)))                                                                 \
    X(mul_hi_u32, 2, (uint32_t)((uint64_t)a * b >> 32)) X(mul_hi_s32, 2, (uint32_t)((int64_t)(int32_t)a * (int32_t)b >> 32))                                             \
    X(min_u32, 2, a < b ? a : b) X(max_u32, 2, a > b ? a : b) X(min_s32, 2, (int32_t)a < (int32_t)b ? a : b) X(max_s32, 2, (int32_t)a > (int32_t)b ? a : b)              \
    X(neg32, 1, 0 - a) X(abs32, 1, (int32_t)a < 0 ? 0 - a : a) X(popc32, 1, counted(a)) X(clz32, 1, a == 0 ? 32 : (uint32_t)__builtin_clz(a)) X(brev32, 1, reversed(a))  \
    X(shf_l, 3, (c & 31) == 0 ? b : b << (c & 31) | a >> (32 - (c & 31))) X(shf_r, 3, (c & 31) == 0 ? a : a >> (c & 31) | b << (32 - (c & 31)))                          \
    X(bfe_u32, 3, extracted_u(a, b, c)) X(bfe_s32, 3, extracted_s(a, b, c)) X(prmt, 3, permuted(a, b, c))                                                                \
    X(div_u32, 2, b == 0 ? UINT32_MAX : a / b) X(rem_u32, 2, b == 0 ? a : a % b)                                                                                         \
    X(div_s32, 2, b == 0 ? UINT32_MAX : b == UINT32_MAX ? 0 - a : (uint32_t)((int32_t)a / (int32_t)b)) X(rem_s32, 2, b == 0 ? a : b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b))
#define X(name, operands, value)                                                          \
    INLINE uint32_t one_##name(uint32_t a, uint32_t b, uint32_t c) { return value; }      \
    HANDLER(name) { return each32(w, s, one_##name, operands); }
EACH32_LIST(X)
#undef X

#define EACH64_LIST(X)                                                                                                                                                     \
    X(and64, true, a & b) X(or64, true, a | b) X(xor64, true, a ^ b) X(not64, false, ~a) X(neg64, false, 0 - a)                                                            \
    X(min_u64, true, a < b ? a : b) X(max_u64, true, a > b ? a : b) X(min_s64, true, (int64_t)a < (int64_t)b ? a : b) X(max_s64, true, (int64_t)a > (int64_t)b ? a : b)
#define X(name, two, value)                                              \
    INLINE uint64_t one_##name(uint64_t a, uint64_t b) { return value; } \
    HANDLER(name) { return each64(w, s, one_##name, two); }
EACH64_LIST(X)
#undef X

HANDLER(shr_u64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (uniform2(a, b)) set_scalar(d, (uint32_t)b->base > 63 ? 0 : a->base >> (b->base & 63), 0);
    else {
        const uint64_t *x = in64(a);
        const uint32_t *y = in32(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = y[k] > 63 ? 0 : x[k] >> (y[k] & 63);
    }
    VEC_NEXT(w, s);
}
HANDLER(shr_s64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if (uniform2(a, b)) set_scalar(d, (uint64_t)((int64_t)a->base >> ((uint32_t)b->base > 63 ? 63 : b->base & 63)), 0);
    else {
        const uint64_t *x = in64(a);
        const uint32_t *y = in32(b);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = (uint64_t)((int64_t)x[k] >> (y[k] > 63 ? 63 : y[k]));
    }
    VEC_NEXT(w, s);
}

/* Any function of three bits: the table is the sum of its products. */
INLINE uint32_t by_table(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t y = 0;
    for (uint32_t k = 0; k < 8; k++) y |= ((k & 4) != 0 ? a : ~a) & ((k & 2) != 0 ? b : ~b) & ((k & 1) != 0 ? c : ~c) & (0 - (table >> k & 1));
    return y;
}
HANDLER(lop3) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b), *c = vec_at(w, s->c);
    uint32_t table = (uint32_t)s->offset;
    if (uniform2(a, b) && uniform(c)) set32(d, by_table((uint32_t)a->base, (uint32_t)b->base, (uint32_t)c->base, table), 0);
    else {
        const uint32_t *x = in32(a), *y = in32(b), *v = in32(c);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = by_table(x[k], y[k], v[k], table);
    }
    VEC_NEXT(w, s);
}

HANDLER(and_pred) {
    vec_at(w, s->d)->base = vec_at(w, s->a)->base & vec_at(w, s->b)->base;
    VEC_NEXT(w, s);
}
HANDLER(or_pred) {
    vec_at(w, s->d)->base = vec_at(w, s->a)->base | vec_at(w, s->b)->base;
    VEC_NEXT(w, s);
}
HANDLER(xor_pred) {
    vec_at(w, s->d)->base = vec_at(w, s->a)->base ^ vec_at(w, s->b)->base;
    VEC_NEXT(w, s);
}
HANDLER(not_pred) {
    vec_at(w, s->d)->base = ~vec_at(w, s->a)->base;
    VEC_NEXT(w, s);
}

/* Between integers: bytes of the source and of what is wanted, whether they are signed (offset: 1 the source, 2 the result), and the width of the result's register. */
INLINE uint64_t converted(uint64_t a, uint32_t from, uint32_t to, uint32_t has, bool from_signed, bool to_signed) {
    a = from_signed ? (uint64_t)((int64_t)(a << (64 - from)) >> (64 - from)) : a << (64 - from) >> (64 - from);
    a = to_signed ? (uint64_t)((int64_t)(a << (64 - to)) >> (64 - to)) : a << (64 - to) >> (64 - to);
    return a << (64 - has) >> (64 - has);
}
HANDLER(cvt_int) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    uint32_t from = 8u * s->bytes, to = 8u * s->elems, has = 8u * s->space;
    bool from_signed = (s->offset & 1) != 0, to_signed = (s->offset & 2) != 0, wide = (s->offset & 4) != 0; /* wide: the source's register has 64 bits */
    if (scalar(a) && from == 64 && has == 32 && to == 32) set32(d, (uint32_t)a->base, (int32_t)a->stride);
    else if (scalar(a) && from == 32 && to == 64 && !wide && (from_signed ? counts_s32(a) : counts_u32(a))) set_scalar(d, from_signed ? (uint64_t)(int32_t)a->base : (uint32_t)a->base, a->stride);
    else if (scalar(a) && from == 32 && to == 32 && has == 32 && !wide) copy32(d, a);
    else if (uniform(a)) set_scalar(d, converted(a->base, from, to, has, from_signed, to_signed), 0);
    else if (s->width == VEC_64 && wide) {
        const uint64_t *x = in64(a);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = converted(x[k], from, to, has, from_signed, to_signed);
    } else if (s->width == VEC_64) {
        const uint32_t *x = in32(a);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = converted(x[k], from, to, has, from_signed, to_signed);
    } else if (wide) {
        const uint64_t *x = in64(a);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = (uint32_t)converted(x[k], from, to, has, from_signed, to_signed);
    } else {
        const uint32_t *x = in32(a);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = (uint32_t)converted(x[k], from, to, has, from_signed, to_signed);
    }
    VEC_NEXT(w, s);
}

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Writes what a comparison gave, joined with the predicate c where the step says so, and its opposite. */
INLINE const vec_step *put_truths(vec_warp *w, const vec_step *s, uint32_t first) {
    uint32_t second = ~first, c = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    switch (s->space) {
    case VEC_AND: first &= c, second &= c; break;
    case VEC_OR: first |= c, second |= c; break;
    case VEC_XOR: first ^= c, second ^= c; break;
    default: break;
    }
    vec_at(w, s->d)->base = first;
    vec_at(w, s->pair)->base = second;
    VEC_NEXT(w, s);
}

#define INTEGER_COMPARISONS(X) X(VEC_EQ, ==) X(VEC_NE, !=) X(VEC_LT, <) X(VEC_LE, <=) X(VEC_GT, >) X(VEC_GE, >=)
#define COMPARE_ALL(how, sign)                                         \
    case how: EACH_LANE(k) truths[k] = x[k] sign y[k] ? UINT32_MAX : 0; break;
#define COMPARE_ONE(how, sign) case how: return a sign b;
/* type, of the lanes, lanes, width */
#define SETP_LIST(X) X(u32, uint32_t, in32) X(s32, int32_t, in32) X(u64, uint64_t, in64) X(s64, int64_t, in64)
#define X(name, type, lanes)                                                                                      \
    INLINE bool compare_##name(int32_t how, type a, type b) {                                                     \
        switch (how) {                                                                                            \
            INTEGER_COMPARISONS(COMPARE_ONE)                                                                      \
        default: return false;                                                                                    \
        }                                                                                                         \
    }                                                                                                             \
    static uint32_t compare_all_##name(int32_t how, const type *x, const type *y) {                               \
        _Alignas(64) uint32_t truths[VEC_LANES];                                                                  \
        switch (how) {                                                                                            \
            INTEGER_COMPARISONS(COMPARE_ALL)                                                                      \
        default: return 0;                                                                                        \
        }                                                                                                         \
        return mask_of(truths);                                                                                   \
    }                                                                                                             \
    HANDLER(setp_##name) {                                                                                        \
        vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                                                      \
        if (uniform2(a, b)) return put_truths(w, s, compare_##name(s->elems, (type)a->base, (type)b->base) ? UINT32_MAX : 0); \
        return put_truths(w, s, compare_all_##name(s->elems, (const type *)lanes(a), (const type *)lanes(b)));    \
    }
SETP_LIST(X)
#undef X
