/* SPDX-License-Identifier: Apache-2.0
 * Conversions: to integers and from them by the host's rint, casts and clamps; between floats through double, rounded once. */
#include "expect.h"

#include <fenv.h>

static int32_t width(ptx_type t) { return ptx_types[t].bits; }
static __int128 lowest(ptx_type t) { return ptx_types[t].kind == PTX_SIGNED ? -((__int128)1 << (width(t) - 1)) : 0; }
static __int128 highest(ptx_type t) { return ptx_types[t].kind == PTX_SIGNED ? ((__int128)1 << (width(t) - 1)) - 1 : ((__int128)1 << width(t)) - 1; }

static __int128 integer_of(ptx_type t, uint64_t bits) {
    int32_t unused = 64 - width(t);
    return ptx_types[t].kind == PTX_SIGNED ? (__int128)((int64_t)(bits << unused) >> unused) : (__int128)(bits << unused >> unused);
}

/* Its lowest bits as a number of the type, which has a sign in registers that are wider. */
static golden_expected as_stored(const golden_case *c, ptx_type t, __int128 value) {
    return golden_bits((uint64_t)integer_of(t, (uint64_t)value) & (UINT64_MAX >> (64 - ptx_types[c->outputs[0].type].bits)));
}

/* NaN: zero, but where the source has 64 bits or the result has, then the highest bit alone. */
static golden_expected to_integer(const golden_case *c, ptx_type to, ptx_type from, double v) {
    double low = (double)lowest(to), high = ldexp(1, width(to) - (ptx_types[to].kind == PTX_SIGNED)); /* one above the highest */
    if (isnan(v)) return as_stored(c, to, from == PTX_f64 || width(to) == 64 ? (__int128)1 << (width(to) - 1) : 0);
    golden_direction(c->words.slots[PTX_SLOT_round]);
    v = rint(v);
    fesetround(FE_TONEAREST);
    return as_stored(c, to, v >= high ? highest(to) : v <= low ? lowest(to) : (__int128)v);
}

static double flat(double v, ptx_type t) { return fabs(v) < golden_least_normal(t) ? copysign(0, v) : v; }

static golden_lane finished(const golden_case *c, ptx_type to, uint64_t bits) {
    double v = golden_double(to, bits);
    if (golden_has(c, PTX_SLOT_sat)) {
        if (isnan(v)) return (golden_lane){.how = GOLDEN_BITS, .bits = 0};
        if (v <= 0) return (golden_lane){.how = GOLDEN_ZERO};
        if (v > 1) return golden_number(golden_rounded(to, 1));
    }
    if (golden_has(c, PTX_SLOT_relu) && v <= 0) return (golden_lane){.how = GOLDEN_ZERO};
    return golden_number(bits);
}

/* A double, exact or rounded to odd, as the type has it. satfinite: e4m3 and e5m2 keep to their greatest number; their NaN is 0x7f. */
static golden_lane to_float(const golden_case *c, ptx_type to, double v) {
    const int32_t word = c->words.slots[PTX_SLOT_round];
    bool eight = to == PTX_e4m3 || to == PTX_e5m2;
    double most = to == PTX_e4m3 ? 448 : 57344;
    if (eight && isnan(v)) return (golden_lane){.how = GOLDEN_BITS, .bits = 0x7f};
    if (eight && fabs(v) > most) v = copysign(most, v);
    golden_direction(word);
    uint64_t bits;
    if (word == PTX_WORD_rna) { /* tf32: the eleventh digit and the half of the next */
        int32_t e;
        frexp(v, &e);
        int32_t unit = (e - 11 > -136 ? e - 11 : -136);
        bits = golden_rounded(to, isfinite(v) ? ldexp(round(ldexp(v, -unit)), unit) : v);
    } else {
        bits = golden_rounded(to, v);
    }
    fesetround(FE_TONEAREST);
    if (golden_has(c, PTX_SLOT_ftz) && to == PTX_f32 && fabs(golden_double(to, bits)) < golden_least_normal(to)) bits &= 0x80000000u;
    return finished(c, to, bits);
}

/* An integer as a double, with an odd last digit where it does not fit. */
static double odd_double(__int128 x) {
    bool negative = x < 0;
    unsigned __int128 m = negative ? -(unsigned __int128)x : (unsigned __int128)x;
    bool lost = m >> 53 != 0 && (m & 0xfff) != 0; /* at most 64 digits */
    if (m >> 53 != 0) m = (m >> 12 | lost) << 12;
    return negative ? -(double)(uint64_t)m : (double)(uint64_t)m;
}

static golden_expected from_integer(const golden_case *c, ptx_type to, __int128 x) {
    golden_direction(c->words.slots[PTX_SLOT_round]);
    volatile __int128 given = x; /* the compiler's own conversion, in that direction */
    double d = given < 0 ? (double)(int64_t)given : (double)(uint64_t)given;
    float f = given < 0 ? (float)(int64_t)given : (float)(uint64_t)given;
    fesetround(FE_TONEAREST);
    if (to == PTX_f64 || to == PTX_f32) return golden_whole(finished(c, to, golden_rounded(to, to == PTX_f64 ? d : (double)f)));
    return golden_whole(to_float(c, to, odd_double(x)));
}

static golden_expected to_whole(const golden_case *c, ptx_type t, double v) {
    golden_direction(c->words.slots[PTX_SLOT_round]);
    v = copysign(rint(v), v);
    fesetround(FE_TONEAREST);
    return golden_whole(finished(c, t, golden_rounded(t, v)));
}

static uint64_t clamped(ptx_type to, __int128 x) { return (uint64_t)(x < lowest(to) ? lowest(to) : x > highest(to) ? highest(to) : x) & (uint64_t)(((__int128)1 << width(to)) - 1); }

bool golden_expect_convert(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type to = (ptx_type)c->words.types[0], from = (ptx_type)c->words.types[1], half = golden_half(to), other = golden_half(from);
    double v = ptx_types[from].kind == PTX_FLOAT && other == PTX_NO_TYPE ? golden_double(from, in[0]) : 0;
    if (golden_has(c, PTX_SLOT_ftz) && from == PTX_f32) v = flat(v, from);
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_CVT_INT: {
        __int128 x = integer_of(from, in[0]);
        if (golden_has(c, PTX_SLOT_sat)) x = x < lowest(to) ? lowest(to) : x > highest(to) ? highest(to) : x;
        out[0] = as_stored(c, to, x);
        return true;
    }
    case PTX_FORM_CVT_TO_INT: out[0] = to_integer(c, to, from, v); return true;
    case PTX_FORM_CVT_FROM_INT: out[0] = from_integer(c, to, integer_of(from, in[0])); return true;
    case PTX_FORM_CVT_TO_WHOLE: out[0] = to_whole(c, to, v); return true;
    case PTX_FORM_CVT_NARROW_HALF: case PTX_FORM_CVT_NARROW: case PTX_FORM_CVT_WIDEN: case PTX_FORM_CVT_WIDEN_F64: case PTX_FORM_CVT_SAME_HALF: case PTX_FORM_CVT_TF32: out[0] = golden_whole(to_float(c, to, v)); return true;
    case PTX_FORM_CVT_PAIR: case PTX_FORM_CVT_FP8: out[0] = golden_pair(to_float(c, half, golden_double(from, in[1])), to_float(c, half, v)); return true; /* the first operand goes to the upper half */
    case PTX_FORM_CVT_FP8_HALVES: out[0] = golden_pair(to_float(c, half, golden_double(other, in[0] & 0xffff)), to_float(c, half, golden_double(other, in[0] >> 16))); return true;
    case PTX_FORM_CVT_FROM_FP8: out[0] = golden_pair(to_float(c, half, golden_double(other, in[0] & 0xff)), to_float(c, half, golden_double(other, in[0] >> 8 & 0xff))); return true;
    case PTX_FORM_CVT_PACK: case PTX_FORM_CVT_PACK_BEHIND: { /* b at the bottom, a behind it, the lowest bits of c behind both */
        uint64_t c_bits = c->form == PTX_FORM_CVT_PACK ? 0 : in[2];
        out[0] = golden_bits((c_bits << 2 * width(to) | clamped(to, integer_of(from, in[0])) << width(to) | clamped(to, integer_of(from, in[1]))) & 0xffffffffu);
        return true;
    }
    default: return false;
    }
}
