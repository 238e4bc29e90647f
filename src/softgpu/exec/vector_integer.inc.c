/* SPDX-License-Identifier: Apache-2.0
 * Integers, logic, moves, selection and comparisons, all lanes at once. */

/* ---- moves and selection -------------------------------------------------------------------------------------------------------------------------------------------- */

INLINE void copy32(vec_slot *d, const vec_slot *a) {
    if (scalar(a)) copy_scalar(d, a);
    else if (d != a) memcpy(out32(d), vec_lanes32(a), 4 * VEC_LANES);
}
INLINE void copy64(vec_slot *d, const vec_slot *a) {
    if (scalar(a)) copy_scalar(d, a);
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
    const uint32_t *size = w->worker->launch->block;
    uint32_t first = w->number * VEC_LANES, last = first + VEC_LANES - 1;
    bool one_row = first / size[0] == last / size[0], one_plane = first / (size[0] * size[1]) == last / (size[0] * size[1]);
    bool threads = o->kind == PTX_SPECIAL && o->number <= PTX_SPECIAL_TID_Z, lanes = o->kind == PTX_SPECIAL && o->number >= PTX_SPECIAL_LANEMASK_EQ && o->number <= PTX_SPECIAL_LANEMASK_GT;
    uint64_t values[VEC_LANES];
    bool numbers = o->kind == PTX_SPECIAL && ptx_types[type].bits >= 32, rows = w->row_shift < 5;
    uint32_t y = rows ? first >> w->row_shift : 0;
    if (numbers && o->number == PTX_SPECIAL_LANEID) {
        set_strided(d, 0, 1, UINT64_C(1) << w->row_shift);
    } else if (numbers && o->number == PTX_SPECIAL_TID_X && (rows || one_row)) {
        set_strided(d, vec_special(w, 0, o->number), 1, 0);
    } else if (numbers && o->number == PTX_SPECIAL_TID_Y && rows && y / size[1] == (y + (VEC_LANES >> w->row_shift) - 1) / size[1]) {
        set_strided(d, y % size[1], 0, 1);
    } else if ((threads && !(o->number == PTX_SPECIAL_TID_Y && one_row) && !(o->number == PTX_SPECIAL_TID_Z && one_plane)) || lanes || (o->kind == PTX_SPECIAL && o->number == PTX_SPECIAL_LANEID)) {
        for (int32_t k = 0; k < VEC_LANES; k++) values[k] = vec_value(w, w->frame, k, o, type).low;
        if (s->width == VEC_64) memcpy(out64(d), values, sizeof values);
        for (int32_t k = 0; s->width != VEC_64 && k < VEC_LANES; k++) out32(d)[k] = (uint32_t)values[k];
    } else { /* the same in all lanes */
        set_uniform(d, vec_value(w, w->frame, 0, o, type).low);
    }
}
HANDLER(mov_any) {
    put_any(w, s);
    VEC_NEXT(w, s);
}

LANES(selp32_lanes) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    const uint32_t *x = in32(w, vec_at(w, s->a)), *y = in32(w, vec_at(w, s->b));
    blend32(out32(vec_at(w, s->d)), x, y, mask);
    VEC_NEXT(w, s);
}
HANDLER(selp32) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if ((mask & w->mask) == w->mask) copy32(d, a);
    else if ((mask & w->mask) == 0) copy32(d, b);
    else return selp32_lanes(w, s);
    VEC_NEXT(w, s);
}
LANES(selp64_lanes) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    const uint64_t *x = in64(w, vec_at(w, s->a)), *y = in64(w, vec_at(w, s->b));
    blend64(out64(vec_at(w, s->d)), x, y, mask);
    VEC_NEXT(w, s);
}
HANDLER(selp64) {
    uint32_t mask = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a), *b = vec_at(w, s->b);
    if ((mask & w->mask) == w->mask) copy64(d, a);
    else if ((mask & w->mask) == 0) copy64(d, b);
    else return selp64_lanes(w, s);
    VEC_NEXT(w, s);
}

static uint64_t specific(uint64_t address) {
    uint64_t within;
    return address >= GPU_SHARED_BASE && gpu_space_of(address, &within) != PTX_SPACE_global ? within : address;
}
static void put_specific(const vec_warp *w, vec_slot *d, vec_slot *a) {
    const uint64_t *x = in64(w, a);
    uint64_t *y = out64(d);
    for (int32_t k = 0; k < VEC_LANES; k++) y[k] = specific(x[k]);
}

/* Addresses without a window are their own generic ones. offset: what is added to come from one space to the generic one; -1: back. */
HANDLER(cvta) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    if (s->offset >= 0) {
        if (scalar(a)) {
            copy_scalar(d, a);
            d->base += (uint64_t)s->offset;
        } else {
            const uint64_t *x = in64(w, a);
            uint64_t *y = out64(d);
            EACH_LANE(k) y[k] = x[k] + (uint64_t)s->offset;
        }
        VEC_NEXT(w, s);
    }
    if (uniform(a)) set_uniform(d, specific(a->base));
    else if (scalar(a) && a->base < GPU_SHARED_BASE && counts_within(w, a, (int64_t)a->base, 0, (int64_t)GPU_SHARED_BASE - 1)) copy_scalar(d, a);
    else put_specific(w, d, a);
    VEC_NEXT(w, s);
}

/* ---- arithmetic that keeps base and stride --------------------------------------------------------------------------------------------------------------------------- */

/* name, width, are there three operands, when base, stride and rise tell the result, each of them from those of the operands (F), how they are multiplied (M), a lane of it. Of products one factor must be
 * the same in all lanes. */
#define ONE_STEADY (scalar2(a, b) && scalar(c) && (uniform(a) || uniform(b)))
#define STRAIGHT_LIST(X)                                                                                                                \
    X(add32, 32, false, scalar2(a, b), a->base + b->base, OF(a) + OF(b), a + b)                                                          \
    X(sub32, 32, false, scalar2(a, b), a->base - b->base, OF(a) - OF(b), a - b)                                                          \
    X(mul32, 32, false, ONE_STEADY, a->base * b->base, OF(a) * b->base + OF(b) * a->base, a * b)                                         \
    X(mad32, 32, true, ONE_STEADY, a->base * b->base + c->base, OF(a) * b->base + OF(b) * a->base + OF(c), a * b + c)                \
    X(add64, 64, false, scalar2(a, b), a->base + b->base, OF(a) + OF(b), a + b)                                                          \
    X(sub64, 64, false, scalar2(a, b), a->base - b->base, OF(a) - OF(b), a - b)                                                          \
    X(mul64, 64, false, ONE_STEADY, a->base * b->base, OF(a) * b->base + OF(b) * a->base, a * b)                                         \
    X(mad64, 64, true, ONE_STEADY, a->base * b->base + c->base, OF(a) * b->base + OF(b) * a->base + OF(c), a * b + c)
#define TRIM_32(x) ((uint32_t)(x))
#define TRIM_64(x) (x)
#define STEP_32(x) ((uint64_t)(int32_t)(uint32_t)(x))
#define STEP_64(x) (x)
INLINE uint64_t which_of(bool rise, const vec_slot *a) { return rise ? rise_of(a) : stride_of(a); }
#define OF(a) which_of(rise, a)
/* Behind the bases comes the rest of the work: steps, or lanes. */
#define X(name, bits, ternary, when, base_, step, lane)                                                   \
    INLINE uint##bits##_t one_##name(uint##bits##_t a, uint##bits##_t b, uint##bits##_t c) { return lane; } \
    INLINE uint64_t name##_step(const vec_slot *a, const vec_slot *b, const vec_slot *c, bool rise) { return step; } \
    LANES(name##_lanes) {                                                                        \
        SLOTS;                                                                                   \
        LANES##bits;                                                                             \
        if (unmade(a, b, c)) return again##bits(w, s);                                           \
        uint##bits##_t *z = out##bits(d);                                                        \
        EACH_LANE(k) z[k] = one_##name(x[k], y[k], v[k]);                                                              \
        VEC_NEXT(w, s);                                                                          \
    }                                                                                            \
    LANES(name##_strided) {                                                                      \
        SLOTS;                                                                                   \
        if (!(when)) return name##_lanes(w, s);                                                  \
        uint64_t along = name##_step(a, b, c, false), down = name##_step(a, b, c, true);         \
        set_strided(d, TRIM_##bits(base_), STEP_##bits(along), STEP_##bits(down));               \
        VEC_NEXT(w, s);                                                                          \
    }                                                                                            \
    HANDLER(name) {                                                                              \
        SLOTS;                                                                                   \
        UNUSED;                                                                                  \
        if (!uniform2(a, b) || (ternary && !uniform(c))) return name##_strided(w, s);            \
        set_uniform(d, TRIM_##bits(base_));                                                      \
        VEC_NEXT(w, s);                                                                          \
    }
STRAIGHT_LIST(X)
#undef X
#undef OF

/* The constant stands in the step, of 32 bits in c, of 64 in offset. */
#define CONSTANT_32 ((uint64_t)(int64_t)(int32_t)s->c)
#define CONSTANT_64 ((uint64_t)s->offset)
#define CONSTANT_LIST(X) X(add32_constant, 32) X(add64_constant, 64)
#define X(name, bits)                                                                    \
    LANES(name##_lanes) {                                                                \
        vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);                             \
        const uint##bits##_t *x = vec_lanes##bits(a), constant = (uint##bits##_t)CONSTANT_##bits; \
        uint##bits##_t *z = out##bits(d);                                                \
        EACH_LANE(k) z[k] = x[k] + constant;                                             \
        VEC_NEXT(w, s);                                                                  \
    }                                                                                    \
    LANES(name##_scalar) {                                                               \
        vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);                             \
        if (!scalar(a)) return name##_lanes(w, s);                                       \
        copy_scalar(d, a);                                                               \
        d->base = TRIM_##bits(d->base + CONSTANT_##bits);                                \
        VEC_NEXT(w, s);                                                                  \
    }                                                                                    \
    HANDLER(name) {                                                                      \
        vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);                             \
        if (!uniform(a)) return name##_scalar(w, s);                                     \
        set_uniform(d, TRIM_##bits(a->base + CONSTANT_##bits));                          \
        VEC_NEXT(w, s);                                                                  \
    }
CONSTANT_LIST(X)
#undef X

/* Products of 32 bits in 64: only while the count of neither factor runs over. */
INLINE const vec_step *wide_product(vec_warp *w, const vec_step *s, bool is_signed, vec_fn *lanes) {
    SLOTS;
    bool steady = ONE_STEADY && (is_signed ? counts_s32(w, a) && counts_s32(w, b) : counts_u32(w, a) && counts_u32(w, b));
    if (!steady) return lanes(w, s);
    uint64_t x = is_signed ? (uint64_t)(int32_t)a->base : (uint32_t)a->base, y = is_signed ? (uint64_t)(int32_t)b->base : (uint32_t)b->base;
    uint64_t base = x * y + c->base, along = stride_of(a) * y + stride_of(b) * x + stride_of(c), down = rise_of(a) * y + rise_of(b) * x + rise_of(c);
    if (uniform2(a, b) && uniform(c)) set_uniform(d, base);
    else set_strided(d, base, along, down);
    VEC_NEXT(w, s);
}
#define WIDE_LIST(X) X(wide_u32, false, (uint64_t)x[k] * y[k] + v[k]) X(wide_s32, true, (uint64_t)((int64_t)(int32_t)x[k] * (int32_t)y[k]) + v[k])
#define X(name, is_signed, lane)                                       \
    LANES(name##_lanes) {                                              \
        SLOTS;                                                         \
        const uint32_t *x = vec_lanes32(a), *y = vec_lanes32(b);       \
        const uint64_t *v = vec_lanes64(c);                            \
        if (unmade(a, b, c)) return again_wide(w, s);                  \
        uint64_t *z = out64(d);                                        \
        EACH_LANE(k) z[k] = lane;                                      \
        VEC_NEXT(w, s);                                                \
    }                                                                  \
    HANDLER(mad_##name) { return wide_product(w, s, is_signed, name##_lanes); }
WIDE_LIST(X)
#undef X

/* A shift to the left by as much in all lanes is a product. */
INLINE uint32_t one_shl32(uint32_t a, uint32_t b, uint32_t c) { return b > 31 ? 0 : a << (b & 31); }
LANES(shl32_lanes) {
    SLOTS;
    LANES32;
    if (unmade(a, b, c)) return again32(w, s);
    uint32_t *z = out32(d);
    EACH_LANE(k) z[k] = one_shl32(x[k], y[k], v[k]);
    VEC_NEXT(w, s);
}
HANDLER(shl32) {
    SLOTS;
    UNUSED;
    if (!scalar(a) || !uniform(b)) return shl32_lanes(w, s);
    uint32_t n = (uint32_t)b->base;
    if (n > 31) set_uniform(d, 0);
    else if (uniform(a)) set_uniform(d, (uint32_t)a->base << n);
    else set_strided(d, (uint32_t)a->base << n, STEP_32((uint32_t)a->stride << n), STEP_32((uint32_t)a->rise << n));
    VEC_NEXT(w, s);
}
#define SHIFT64_LIST(X) X(shl64, y[k] > 63 ? 0 : x[k] << (y[k] & 63)) X(shr_u64, y[k] > 63 ? 0 : x[k] >> (y[k] & 63)) X(shr_s64, (uint64_t)((int64_t)x[k] >> (y[k] > 63 ? 63 : y[k])))
#define X(name, lane)                                    \
    LANES(name##_lanes) {                                \
        SLOTS;                                           \
        UNUSED;                                          \
        const uint64_t *x = vec_lanes64(a);              \
        const uint32_t *y = vec_lanes32(b);              \
        if (unmade(a, b, b)) return again_shift64(w, s); \
        uint64_t *z = out64(d);                          \
        EACH_LANE(k) z[k] = lane;                        \
        VEC_NEXT(w, s);                                  \
    }
SHIFT64_LIST(X)
#undef X
HANDLER(shl64) {
    SLOTS;
    UNUSED;
    if (!scalar(a) || !uniform(b)) return shl64_lanes(w, s);
    uint32_t n = (uint32_t)b->base;
    if (n > 63) set_uniform(d, 0);
    else if (uniform(a)) set_uniform(d, a->base << n);
    else set_strided(d, a->base << n, (uint64_t)a->stride << n, (uint64_t)a->rise << n);
    VEC_NEXT(w, s);
}
HANDLER(shr_u64) {
    SLOTS;
    UNUSED;
    if (!uniform2(a, b)) return shr_u64_lanes(w, s);
    set_uniform(d, (uint32_t)b->base > 63 ? 0 : a->base >> (b->base & 63));
    VEC_NEXT(w, s);
}
HANDLER(shr_s64) {
    SLOTS;
    UNUSED;
    if (!uniform2(a, b)) return shr_s64_lanes(w, s);
    set_uniform(d, (uint64_t)((int64_t)a->base >> ((uint32_t)b->base > 63 ? 63 : b->base & 63)));
    VEC_NEXT(w, s);
}

/* ---- arithmetic on each lane -------------------------------------------------------------------------------------------------------------------------------------------- */

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

/* name, what it gives of a, b, c */
#define EACH32_LIST(X)                                                                                                                                                   \
    X(and32, a & b) X(or32, a | b) X(xor32, a ^ b) X(not32, ~a)                                                                                              \
    X(shr_u32, b > 31 ? 0 : a >> (b & 31)) X(shr_s32, (uint32_t)((int32_t)a >> (b > 31 ? 31 : b)))                                                                 \
    X(mul_hi_u32, (uint32_t)((uint64_t)a * b >> 32)) X(mul_hi_s32, (uint32_t)((int64_t)(int32_t)a * (int32_t)b >> 32))                                             \
    X(min_u32, a < b ? a : b) X(max_u32, a > b ? a : b) X(min_s32, (int32_t)a < (int32_t)b ? a : b) X(max_s32, (int32_t)a > (int32_t)b ? a : b)              \
    X(neg32, 0 - a) X(abs32, (int32_t)a < 0 ? 0 - a : a) X(popc32, counted(a)) X(clz32, a == 0 ? 32 : (uint32_t)__builtin_clz(a)) X(brev32, reversed(a))  \
    X(shf_l, (c & 31) == 0 ? b : b << (c & 31) | a >> (32 - (c & 31))) X(shf_r, (c & 31) == 0 ? a : a >> (c & 31) | b << (32 - (c & 31)))                          \
    X(bfe_u32, extracted_u(a, b, c)) X(bfe_s32, extracted_s(a, b, c)) X(prmt, permuted(a, b, c))                                                                \
    X(div_u32, b == 0 ? UINT32_MAX : a / b) X(rem_u32, b == 0 ? a : a % b)                                                                                         \
    X(div_s32, b == 0 ? UINT32_MAX : b == UINT32_MAX ? 0 - a : (uint32_t)((int32_t)a / (int32_t)b)) X(rem_s32, b == 0 ? a : b == UINT32_MAX ? 0 : (uint32_t)((int32_t)a % (int32_t)b))
/* Of registers that are uniform once. Operands that an instruction has not are VEC_ZERO, which is uniform. */
#define EACH32_HANDLERS(name, value)                                                             \
    INLINE uint32_t one_##name(uint32_t a, uint32_t b, uint32_t c) { return value; }             \
    LANES(name##_lanes) {                                                                        \
        SLOTS;                                                                                   \
        LANES32;                                                                                 \
        if (unmade(a, b, c)) return again32(w, s);                                               \
        uint32_t *z = out32(d);                                                                  \
        EACH_LANE(k) z[k] = one_##name(x[k], y[k], v[k]);                                        \
        VEC_NEXT(w, s);                                                                          \
    }                                                                                            \
    HANDLER(name) {                                                                              \
        SLOTS;                                                                                   \
        if (!uniform2(a, b) || !uniform(c)) return name##_lanes(w, s);                           \
        set_uniform(d, one_##name((uint32_t)a->base, (uint32_t)b->base, (uint32_t)c->base));        \
        VEC_NEXT(w, s);                                                                          \
    }
EACH32_LIST(EACH32_HANDLERS)

#define EACH64_HANDLERS(name, value)                                                             \
    INLINE uint64_t one_##name(uint64_t a, uint64_t b, uint64_t c) { return value; }             \
    LANES(name##_lanes) {                                                                        \
        SLOTS;                                                                                   \
        LANES64;                                                                                 \
        if (unmade(a, b, c)) return again64(w, s);                                               \
        uint64_t *z = out64(d);                                                                  \
        EACH_LANE(k) z[k] = one_##name(x[k], y[k], v[k]);                                        \
        VEC_NEXT(w, s);                                                                          \
    }                                                                                            \
    HANDLER(name) {                                                                              \
        SLOTS;                                                                                   \
        if (!uniform2(a, b) || !uniform(c)) return name##_lanes(w, s);                           \
        set_uniform(d, one_##name(a->base, b->base, c->base));                                 \
        VEC_NEXT(w, s);                                                                          \
    }
#define EACH64_LIST(X)                                                                                                                             \
    X(and64, a & b) X(or64, a | b) X(xor64, a ^ b) X(not64, ~a) X(neg64, 0 - a)                                                                    \
    X(min_u64, a < b ? a : b) X(max_u64, a > b ? a : b) X(min_s64, (int64_t)a < (int64_t)b ? a : b) X(max_s64, (int64_t)a > (int64_t)b ? a : b)
EACH64_LIST(EACH64_HANDLERS)

/* Any function of three bits: the table is the sum of its products. */
INLINE uint32_t by_table(uint32_t a, uint32_t b, uint32_t c, uint32_t table) {
    uint32_t y = 0;
    for (uint32_t k = 0; k < 8; k++) y |= ((k & 4) != 0 ? a : ~a) & ((k & 2) != 0 ? b : ~b) & ((k & 1) != 0 ? c : ~c) & (0 - (table >> k & 1));
    return y;
}
LANES(lop3_lanes) {
    SLOTS;
    LANES32;
    uint32_t table = (uint32_t)s->offset;
    if (unmade(a, b, c)) return again32(w, s);
    uint32_t *z = out32(d);
    EACH_LANE(k) z[k] = by_table(x[k], y[k], v[k], table);
    VEC_NEXT(w, s);
}
HANDLER(lop3) {
    SLOTS;
    if (!uniform2(a, b) || !uniform(c)) return lop3_lanes(w, s);
    set_uniform(d, by_table((uint32_t)a->base, (uint32_t)b->base, (uint32_t)c->base, (uint32_t)s->offset));
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
LANES(cvt_int_lanes) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    uint32_t from = 8u * s->bytes, to = 8u * s->elems, has = 8u * s->space;
    bool from_signed = (s->offset & 1) != 0, to_signed = (s->offset & 2) != 0, wide = (s->offset & 4) != 0; /* wide: the source's register has 64 bits */
    if (s->width == VEC_64 && wide) {
        const uint64_t *x = in64(w, a);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = converted(x[k], from, to, has, from_signed, to_signed);
    } else if (s->width == VEC_64) {
        const uint32_t *x = in32(w, a);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = converted(x[k], from, to, has, from_signed, to_signed);
    } else if (wide) {
        const uint64_t *x = in64(w, a);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = (uint32_t)converted(x[k], from, to, has, from_signed, to_signed);
    } else {
        const uint32_t *x = in32(w, a);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = (uint32_t)converted(x[k], from, to, has, from_signed, to_signed);
    }
    VEC_NEXT(w, s);
}

HANDLER(cvt_int) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    uint32_t from = 8u * s->bytes, to = 8u * s->elems, has = 8u * s->space;
    bool from_signed = (s->offset & 1) != 0, wide = (s->offset & 4) != 0;
    if (!scalar(a)) return cvt_int_lanes(w, s);
    if (uniform(a)) set_uniform(d, converted(a->base, from, to, has, from_signed, (s->offset & 2) != 0));
    else if (from == 32 && to == 64 && !wide && (from_signed ? counts_s32(w, a) : counts_u32(w, a))) set_strided(d, from_signed ? (uint64_t)(int32_t)a->base : (uint32_t)a->base, (uint64_t)a->stride, (uint64_t)a->rise);
    else if (from == 64 && has == 32 && to == 32) set_strided(d, (uint32_t)a->base, STEP_32(a->stride), STEP_32(a->rise));
    else if (from == 32 && to == 32 && has == 32 && !wide) copy_scalar(d, a);
    else return cvt_int_lanes(w, s);
    VEC_NEXT(w, s);
}

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Writes what a comparison gave, joined with the predicate c where the step says so, and its opposite. */
INLINE const vec_step *put_truths(vec_warp *w, const vec_step *s, uint32_t first) {
    uint32_t second = ~first, c = (uint32_t)vec_at(w, s->c)->base ^ (s->negated ? UINT32_MAX : 0);
    if (s->space == VEC_ALONE) {
        vec_at(w, s->d)->base = first;
        vec_at(w, s->pair)->base = second;
        VEC_NEXT(w, s);
    }
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

/* Bit 0: smaller, bit 1: equal, bit 2: greater. */
INLINE uint32_t truth_of(int32_t how, bool not_smaller, bool greater) {
    static const uint8_t patterns[] = {[VEC_EQ] = 2, [VEC_NE] = 5, [VEC_LT] = 1, [VEC_LE] = 3, [VEC_GT] = 4, [VEC_GE] = 6};
    return 0 - ((uint32_t)patterns[how] >> ((uint32_t)not_smaller + greater) & 1);
}

/* Do both count by the same steps, and neither over its end? Then lane 0 tells for all. */
INLINE bool alike(const vec_slot *a, const vec_slot *b) { return scalar2(a, b) && stride_of(a) == stride_of(b) && rise_of(a) == rise_of(b); }
INLINE bool counts_alike_u32(const vec_warp *w, const vec_slot *a, const vec_slot *b) { return alike(a, b) && counts_u32(w, a) && counts_u32(w, b); }
INLINE bool counts_alike_s32(const vec_warp *w, const vec_slot *a, const vec_slot *b) { return alike(a, b) && counts_s32(w, a) && counts_s32(w, b); }
INLINE bool counts_alike_u64(const vec_warp *w, const vec_slot *a, const vec_slot *b) { return uniform2(a, b); }
INLINE bool counts_alike_s64(const vec_warp *w, const vec_slot *a, const vec_slot *b) { return uniform2(a, b); }

#define INTEGER_COMPARISONS(X) X(VEC_EQ, ==) X(VEC_NE, !=) X(VEC_LT, <) X(VEC_LE, <=) X(VEC_GT, >) X(VEC_GE, >=)
#define COMPARE_ALL(how, sign) \
    case how: EACH_LANE(k) truths[k] = x[k] sign y[k] ? UINT32_MAX : 0; break;
/* type, of the lanes, lanes */
#define SETP_LIST(X) X(u32, uint32_t, in32) X(s32, int32_t, in32) X(u64, uint64_t, in64) X(s64, int64_t, in64)
#define X(name, type, lanes)                                                                    \
    static uint32_t compare_##name(int32_t how, const type *x, const type *y) {                 \
        _Alignas(64) uint32_t truths[VEC_LANES];                                                \
        switch (how) {                                                                          \
            INTEGER_COMPARISONS(COMPARE_ALL)                                                    \
        default: return 0;                                                                      \
        }                                                                                       \
        return mask_of(truths);                                                                 \
    }                                                                                           \
    LANES(setp_##name##_lanes) {                                                                \
        const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                              \
        if (counts_alike_##name(w, a, b)) {                                                     \
            type p = (type)a->base, q = (type)b->base;                                          \
            return put_truths(w, s, truth_of(s->elems, p >= q, p > q));                         \
        }                                                                                       \
        const type *x = (const type *)lanes(w, vec_at(w, s->a)), *y = (const type *)lanes(w, vec_at(w, s->b)); \
        return put_truths(w, s, compare_##name(s->elems, x, y));                                \
    }                                                                                           \
    HANDLER(setp_##name) {                                                                      \
        vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                                    \
        if (!uniform2(a, b)) return setp_##name##_lanes(w, s);                                  \
        type x = (type)a->base, y = (type)b->base;                                              \
        return put_truths(w, s, truth_of(s->elems, x >= y, x > y));                             \
    }
SETP_LIST(X)
#undef X

/* With the branch behind it, where all lanes take the same way. */
#define SETP_BRA(name, type, sign)                                                                       \
    HANDLER(setp_bra_##name) {                                                                           \
        const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                                       \
        if (!uniform2(a, b)) return s->alone(w, s);                                                      \
        if ((type)a->base sign (type)b->base) {                                                          \
            vec_at(w, s->d)->base = UINT32_MAX;                                                          \
            if (w->left < s->count) VEC_NEXT(w, s); /* the turn is over: the branch says so */           \
            w->left -= s->count;                                                                         \
            VEC_NEXT(w, s + s->target);                                                                  \
        }                                                                                                \
        vec_at(w, s->d)->base = 0;                                                                       \
        VEC_NEXT(w, s + 1);                                                                              \
    }
SETP_BRA_LIST(SETP_BRA)

/* The end of a loop: a constant is added (c), the sum compared (with b) and the branch taken or not (by guard). */
#define ADD_SETP_BRA(name, type, sign)                                                                   \
    HANDLER(add_setp_bra_##name) {                                                                       \
        vec_slot *d = vec_at(w, s->d);                                                                   \
        const vec_slot *a = vec_at(w, s->a), *b = vec_at(w, s->b);                                       \
        if (!uniform2(a, b)) return s->alone(w, s);                                                      \
        uint32_t sum = (uint32_t)a->base + s->c;                                                         \
        bool truth = (type)sum sign (type)b->base;                                                       \
        set_uniform(d, sum);                                                                             \
        if (truth) {                                                                                     \
            vec_at(w, s->guard)->base = UINT32_MAX;                                                      \
            if (w->left < s->count) VEC_NEXT(w, s + 1); /* the branch alone */                           \
            w->left -= s->count;                                                                         \
            VEC_NEXT(w, s + s->target);                                                                  \
        }                                                                                                \
        vec_at(w, s->guard)->base = 0;                                                                   \
        VEC_NEXT(w, s + 2);                                                                              \
    }
SETP_BRA_LIST32(ADD_SETP_BRA)
