/* SPDX-License-Identifier: Apache-2.0
 * Exact numbers; formats as IEEE 754 and the manual (Fundamental Types; Alternate Floating-Point Data Formats) lay them out. */
#include "number.h"

typedef unsigned __int128 wide;
enum { TOP = 126 };

/* ---- formats ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Bits of the fraction and of the exponent. e4m3 has no infinity: its exponent of all ones is an ordinary one, but for the NaN. tf32 is an f32 whose lower 13 bits are 0. */
typedef struct format {
    int32_t fraction, exponent;
    bool no_infinity;
} format;

static format format_of(ptx_type type) {
    switch (type) {
    case PTX_f64: return (format){52, 11, false};
    case PTX_f32: return (format){23, 8, false};
    case PTX_tf32: return (format){10, 8, false};
    case PTX_bf16: return (format){7, 8, false};
    case PTX_e4m3: return (format){3, 4, true};
    case PTX_e5m2: return (format){2, 5, false};
    default: return (format){10, 5, false}; /* f16 */
    }
}

static int32_t bias_of(format f) { return (1 << (f.exponent - 1)) - 1; }

static ptx_number normal(bool negative, int32_t exponent, wide digits) {
    if (digits == 0) return (ptx_number){.kind = PTX_ZERO, .negative = negative};
    int32_t top = digits >> 64 != 0 ? 127 - __builtin_clzll((uint64_t)(digits >> 64)) : 63 - __builtin_clzll((uint64_t)digits);
    if (top > TOP) return (ptx_number){PTX_FINITE, negative, exponent + 1, digits >> 1 | (digits & 1)};
    return (ptx_number){PTX_FINITE, negative, exponent - (TOP - top), digits << (TOP - top)};
}

static ptx_number read_integer(ptx_type type, uint64_t bits) {
    int32_t unused = 64 - ptx_types[type].bits;
    bool negative = ptx_types[type].kind == PTX_SIGNED && (bits >> (63 - unused) & 1) != 0;
    uint64_t value = bits << unused >> unused;
    if (negative) value = (0 - (bits << unused)) >> unused;
    ptx_number n = normal(negative, 0, value);
    if (n.kind == PTX_ZERO) n.negative = false;
    return n;
}

ptx_number ptx_number_read(ptx_type type, uint64_t bits, bool flush) {
    if (ptx_types[type].kind != PTX_FLOAT) return read_integer(type, bits);
    format f = format_of(type);
    if (type == PTX_tf32) bits >>= 13;
    uint64_t fraction = bits & ((UINT64_C(1) << f.fraction) - 1);
    int32_t exponent = (int32_t)(bits >> f.fraction & ((UINT64_C(1) << f.exponent) - 1)), last = (1 << f.exponent) - 1;
    bool negative = (bits >> (f.fraction + f.exponent) & 1) != 0;
    if (exponent == last && (f.no_infinity ? fraction == (UINT64_C(1) << f.fraction) - 1 : fraction != 0)) return (ptx_number){.kind = PTX_NOT_A_NUMBER};
    if (exponent == last && !f.no_infinity) return (ptx_number){.kind = PTX_INFINITE, .negative = negative};
    if (exponent == 0 && flush) fraction = 0;
    if (exponent > 0) fraction |= UINT64_C(1) << f.fraction;
    return normal(negative, (exponent > 0 ? exponent : 1) - bias_of(f) - f.fraction, fraction);
}

/* ---- rounding ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Drops the lowest `count` digits, and adds one to the rest where the direction says so. */
static wide dropped(wide digits, int32_t count, bool negative, ptx_rounding rounding) {
    if (count <= 0) return digits << -count;
    wide rest = count > 127 ? digits : digits & (((wide)1 << count) - 1), half = count > 127 ? 0 : (wide)1 << (count - 1), kept = count > 127 ? 0 : digits >> count;
    bool up = false;
    switch (rounding) {
    case PTX_TO_EVEN: up = half != 0 && (rest > half || (rest == half && (kept & 1) != 0)); break;
    case PTX_TIES_AWAY: up = half != 0 && rest >= half; break;
    case PTX_UP: up = !negative && rest != 0; break;
    case PTX_DOWN: up = negative && rest != 0; break;
    case PTX_TO_ZERO: break;
    }
    return kept + up;
}

/* What stands in for numbers too great: infinity, or the greatest number where rounding goes inwards. */
static uint64_t beyond(format f, bool negative, ptx_fitting fitting) {
    uint64_t infinity = (((UINT64_C(1) << f.exponent) - 1) << f.fraction), greatest = f.no_infinity ? infinity | ((UINT64_C(1) << f.fraction) - 2) : infinity - 1;
    bool inwards = fitting.rounding == PTX_TO_ZERO || (fitting.rounding == PTX_DOWN && !negative) || (fitting.rounding == PTX_UP && negative);
    if (inwards || fitting.finite) return greatest;
    return f.no_infinity ? infinity | ((UINT64_C(1) << f.fraction) - 1) : infinity;
}

static uint64_t not_a_number(ptx_type type) {
    switch (type) { /* what GPUs give */
    case PTX_f64: return UINT64_C(0x7ff8000000000000);
    case PTX_f32: return 0x7fffffff;
    case PTX_tf32: return 0x7fffe000;
    default: return ptx_types[type].bits == 8 ? 0x7f : 0x7fff;
    }
}

static uint64_t write_finite(format f, ptx_number n, ptx_fitting fitting) {
    int32_t bias = bias_of(f), exponent = n.exponent + TOP + bias; /* as the format would write it */
    int32_t drop = TOP - f.fraction + (exponent < 1 ? 1 - exponent : 0);
    uint64_t digits = (uint64_t)dropped(n.digits, drop, n.negative, fitting.rounding), last = (UINT64_C(1) << f.exponent) - 1;
    if (exponent < 1) { /* subnormal, unless rounding carried it up */
        if (fitting.flush && (digits >> f.fraction) == 0) return 0;
        return digits;
    }
    if (digits >> (f.fraction + 1) != 0) digits >>= 1, exponent++;
    uint64_t bits = ((uint64_t)exponent << f.fraction) + (digits - (UINT64_C(1) << f.fraction));
    bool too_great = (uint64_t)exponent > last || (f.no_infinity ? bits > ((last << f.fraction) | ((UINT64_C(1) << f.fraction) - 2)) : (uint64_t)exponent == last);
    return too_great ? beyond(f, n.negative, fitting) : bits;
}

static uint64_t write_float(ptx_type type, ptx_number n, ptx_fitting fitting) {
    format f = format_of(type);
    uint64_t sign = (uint64_t)n.negative << (f.fraction + f.exponent), bits = 0;
    const ptx_number one = ptx_number_read(PTX_f32, 0x3f800000, false);
    if (fitting.not_below_zero && n.negative && n.kind != PTX_NOT_A_NUMBER) return 0;
    if (fitting.saturate && (n.kind == PTX_NOT_A_NUMBER || n.negative)) return 0;
    if (fitting.saturate && ptx_number_compare(n, one) > 0) n = one, sign = 0;
    if (n.kind == PTX_NOT_A_NUMBER) return not_a_number(type);
    if (n.kind == PTX_INFINITE) bits = fitting.finite || f.no_infinity ? beyond(f, n.negative, (ptx_fitting){.finite = fitting.finite}) : ((UINT64_C(1) << f.exponent) - 1) << f.fraction;
    if (n.kind == PTX_FINITE) bits = write_finite(f, n, fitting);
    return type == PTX_tf32 ? (sign | bits) << 13 : sign | bits;
}

/* Beyond the range of the type comes its nearest end; NaN gives 0. */
static uint64_t write_integer(ptx_type type, ptx_number n, ptx_rounding rounding) {
    int32_t bits = ptx_types[type].bits;
    bool is_signed = ptx_types[type].kind == PTX_SIGNED;
    uint64_t most = is_signed ? (UINT64_C(1) << (bits - 1)) - 1 : ~UINT64_C(0) >> (64 - bits), least = is_signed ? most + 1 : 0; /* magnitudes */
    if (n.kind == PTX_NOT_A_NUMBER || n.kind == PTX_ZERO) return 0;
    wide magnitude = n.kind == PTX_INFINITE || n.exponent + TOP > 70 ? (wide)1 << 100 : dropped(n.digits, -n.exponent, n.negative, rounding);
    uint64_t end = n.negative ? least : most, value = magnitude > end ? end : (uint64_t)magnitude;
    return (n.negative ? 0 - value : value) & (~UINT64_C(0) >> (64 - bits));
}

uint64_t ptx_number_write(ptx_type type, ptx_number n, ptx_fitting fitting) { return ptx_types[type].kind == PTX_FLOAT ? write_float(type, n, fitting) : write_integer(type, n, fitting.rounding); }

ptx_number ptx_number_whole(ptx_number a, ptx_rounding rounding) {
    if (a.kind != PTX_FINITE || a.exponent >= 0) return a;
    return normal(a.negative, 0, dropped(a.digits, -a.exponent, a.negative, rounding));
}

/* ---- arithmetic -------------------------------------------------------------------------------------------------------------------------------------------- */

static const ptx_number nan_number = {.kind = PTX_NOT_A_NUMBER};

ptx_number ptx_number_negate(ptx_number a) {
    a.negative = !a.negative;
    return a;
}

/* Digits shifted to the right; what is lost leaves a mark in the last one. */
static wide lowered(wide digits, int32_t count) {
    if (count > 126) return digits != 0;
    return digits >> count | ((digits & (((wide)1 << count) - 1)) != 0);
}

static ptx_number add_finite(ptx_number a, ptx_number b, ptx_rounding rounding) {
    if (a.exponent < b.exponent || (a.exponent == b.exponent && a.digits < b.digits)) {
        ptx_number swap = a;
        a = b;
        b = swap;
    }
    wide other = lowered(b.digits, a.exponent - b.exponent);
    wide digits = a.negative == b.negative ? a.digits + other : a.digits - other;
    return digits == 0 ? (ptx_number){.kind = PTX_ZERO, .negative = rounding == PTX_DOWN} : normal(a.negative, a.exponent, digits);
}

ptx_number ptx_number_add(ptx_number a, ptx_number b, ptx_rounding rounding) {
    if (a.kind == PTX_NOT_A_NUMBER || b.kind == PTX_NOT_A_NUMBER) return nan_number;
    if (a.kind == PTX_INFINITE) return b.kind == PTX_INFINITE && a.negative != b.negative ? nan_number : a;
    if (b.kind == PTX_INFINITE) return b;
    if (a.kind == PTX_ZERO && b.kind == PTX_ZERO) {
        if (a.negative != b.negative) a.negative = rounding == PTX_DOWN;
        return a;
    }
    if (a.kind == PTX_ZERO) return b;
    return b.kind == PTX_ZERO ? a : add_finite(a, b, rounding);
}

/* Of at most 64 digits each. */
ptx_number ptx_number_multiply(ptx_number a, ptx_number b) {
    bool negative = a.negative != b.negative;
    if (a.kind == PTX_NOT_A_NUMBER || b.kind == PTX_NOT_A_NUMBER) return nan_number;
    if (a.kind == PTX_INFINITE || b.kind == PTX_INFINITE) return a.kind == PTX_ZERO || b.kind == PTX_ZERO ? nan_number : (ptx_number){.kind = PTX_INFINITE, .negative = negative};
    if (a.kind == PTX_ZERO || b.kind == PTX_ZERO) return (ptx_number){.kind = PTX_ZERO, .negative = negative};
    return normal(negative, a.exponent + b.exponent + 126, (wide)(uint64_t)(a.digits >> 63) * (uint64_t)(b.digits >> 63));
}

ptx_number ptx_number_divide(ptx_number a, ptx_number b) {
    bool negative = a.negative != b.negative;
    if (a.kind == PTX_NOT_A_NUMBER || b.kind == PTX_NOT_A_NUMBER || (a.kind == PTX_ZERO && b.kind == PTX_ZERO) || (a.kind == PTX_INFINITE && b.kind == PTX_INFINITE)) return nan_number;
    if (a.kind == PTX_INFINITE || b.kind == PTX_ZERO) return (ptx_number){.kind = PTX_INFINITE, .negative = negative};
    if (a.kind == PTX_ZERO || b.kind == PTX_INFINITE) return (ptx_number){.kind = PTX_ZERO, .negative = negative};
    wide divisor = b.digits >> 63, quotient = a.digits / divisor; /* 63 digits or 64 */
    return normal(negative, a.exponent - b.exponent - 64, quotient << 1 | (a.digits % divisor != 0));
}

/* The integer square root digit by digit, and whether anything is left. */
ptx_number ptx_number_root(ptx_number a) {
    if (a.kind == PTX_NOT_A_NUMBER || a.kind == PTX_ZERO) return a;
    if (a.negative) return nan_number;
    if (a.kind == PTX_INFINITE) return a;
    wide rest = a.exponent % 2 != 0 ? a.digits >> 1 : a.digits, root = 0; /* at most 64 digits: the last is free */
    int32_t exponent = a.exponent % 2 != 0 ? a.exponent + 1 : a.exponent;
    for (wide bit = (wide)1 << 126; bit != 0; bit >>= 2) {
        if (rest >= root + bit) {
            rest -= root + bit;
            root = (root >> 1) + bit;
        } else {
            root >>= 1;
        }
    }
    return normal(false, exponent / 2 - 1, root << 1 | (rest != 0));
}

static int32_t compare_magnitudes(ptx_number a, ptx_number b) {
    if (a.kind == PTX_ZERO || b.kind == PTX_ZERO || a.kind == PTX_INFINITE || b.kind == PTX_INFINITE) return (int32_t)a.kind < (int32_t)b.kind ? -1 : a.kind > b.kind;
    if (a.exponent != b.exponent) return a.exponent < b.exponent ? -1 : 1;
    return a.digits < b.digits ? -1 : a.digits > b.digits;
}

int32_t ptx_number_compare(ptx_number a, ptx_number b) {
    if (a.kind == PTX_NOT_A_NUMBER || b.kind == PTX_NOT_A_NUMBER) return 2;
    if (a.kind == PTX_ZERO && b.kind == PTX_ZERO) return 0;
    bool below_a = a.negative && a.kind != PTX_ZERO, below_b = b.negative && b.kind != PTX_ZERO;
    if (below_a != below_b) return below_a ? -1 : 1;
    return below_a ? compare_magnitudes(b, a) : compare_magnitudes(a, b);
}
