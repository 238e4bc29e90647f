/* SPDX-License-Identifier: Apache-2.0
 * Floats: f32 and f64 by the host processor in the direction that is asked for, halves in double and rounded once, approximations by the C library in double within the
 * error that the manual states. */
#include "expect.h"

#include <fenv.h>
#include <string.h>

/* ---- formats --------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct shape {
    int32_t digits, least; /* of the fraction with the first one; exponent of the least normal number */
    int32_t fraction, exponent;
} shape;

static shape shape_of(ptx_type t) {
    switch (t) {
    case PTX_f64: return (shape){53, -1022, 52, 11};
    case PTX_f16: return (shape){11, -14, 10, 5};
    case PTX_bf16: return (shape){8, -126, 7, 8};
    case PTX_tf32: return (shape){11, -126, 10, 8};
    case PTX_e4m3: return (shape){4, -6, 3, 4};
    case PTX_e5m2: return (shape){3, -14, 2, 5};
    default: return (shape){24, -126, 23, 8};
    }
}

int32_t golden_digits(ptx_type t) { return shape_of(t).digits; }
double golden_least_normal(ptx_type t) { return ldexp(1, shape_of(t).least); }
ptx_type golden_half(ptx_type t) { return t == PTX_f16x2 ? PTX_f16 : t == PTX_bf16x2 ? PTX_bf16 : t == PTX_e4m3x2 ? PTX_e4m3 : t == PTX_e5m2x2 ? PTX_e5m2 : PTX_NO_TYPE; }

double golden_double(ptx_type t, uint64_t bits) {
    shape s = shape_of(t);
    if (t == PTX_tf32) bits >>= 13;
    int32_t field = (int32_t)(bits >> s.fraction) & ((1 << s.exponent) - 1), top = (1 << s.exponent) - 1;
    double fraction = (double)(bits & ((UINT64_C(1) << s.fraction) - 1)), sign = (bits >> (s.fraction + s.exponent) & 1) != 0 ? -1 : 1;
    if (field == top && t == PTX_e4m3 && fraction == 7) return NAN;
    if (field == top && t != PTX_e4m3) return fraction == 0 ? sign * INFINITY : NAN;
    if (field == 0) return sign * ldexp(fraction, s.least - s.fraction);
    return sign * ldexp(fraction + ldexp(1, s.fraction), s.least + field - 1 - s.fraction);
}

bool golden_nan(ptx_type t, uint64_t bits) { return ptx_types[t].kind == PTX_FLOAT && isnan(golden_double(t, bits)); }

static double greatest(ptx_type t) {
    if (t == PTX_e4m3) return 448;
    shape s = shape_of(t);
    return ldexp(2 - ldexp(1, 1 - s.digits), -s.least + 1);
}

/* Of a number that the format has. */
static uint64_t encoded(ptx_type t, double r) {
    shape s = shape_of(t);
    uint64_t sign = (uint64_t)(signbit(r) != 0) << (s.fraction + s.exponent), top = (UINT64_C(1) << s.exponent) - 1, bits;
    int32_t e;
    double m = fabs(r);
    if (isnan(r)) return t == PTX_tf32 ? 0x7fffe000 : t == PTX_e4m3 ? 0x7f : (top << s.fraction) | ((UINT64_C(1) << s.fraction) - 1);
    if (isinf(r)) bits = top << s.fraction;
    else if (m < golden_least_normal(t)) bits = (uint64_t)ldexp(m, s.fraction - s.least);
    else {
        double f = frexp(m, &e);
        bits = ((uint64_t)(e - 1 - s.least) << s.fraction) + (uint64_t)ldexp(f, s.digits);
    }
    return t == PTX_tf32 ? (sign | bits) << 13 : sign | bits;
}

uint64_t golden_rounded(ptx_type t, double v) {
    shape s = shape_of(t);
    int32_t e = 0, unit, direction = fegetround();
    if (isnan(v) || isinf(v) || v == 0) return encoded(t, v);
    frexp(v, &e);
    unit = e - s.digits > s.least - s.fraction ? e - s.digits : s.least - s.fraction;
    double r = copysign(ldexp(rint(ldexp(v, -unit)), unit), v);
    bool inwards = direction == FE_TOWARDZERO || (direction == FE_UPWARD && v < 0) || (direction == FE_DOWNWARD && v > 0);
    if (fabs(r) > greatest(t)) r = copysign(inwards ? greatest(t) : t == PTX_e4m3 ? NAN : INFINITY, v);
    return encoded(t, r);
}

void golden_direction(int32_t word) {
    switch (word) {
    case PTX_WORD_rz: case PTX_WORD_rzi: fesetround(FE_TOWARDZERO); break;
    case PTX_WORD_rm: case PTX_WORD_rmi: fesetround(FE_DOWNWARD); break;
    case PTX_WORD_rp: case PTX_WORD_rpi: fesetround(FE_UPWARD); break;
    default: fesetround(FE_TONEAREST); break;
    }
}

/* ---- arithmetic ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static float as_float(uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float f;
    memcpy(&f, &low, 4);
    return f;
}

static uint64_t float_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, 4);
    return bits;
}

static uint64_t double_bits(double d) {
    uint64_t bits;
    memcpy(&bits, &d, 8);
    return bits;
}

typedef enum operation { NO_OPERATION, ADD, SUBTRACT, MULTIPLY, FUSED, DIVIDE, RECIPROCAL, ROOT } operation;

static operation operation_of(int32_t form) {
    switch ((ptx_form_name)form) {
    case PTX_FORM_ADD_F32: case PTX_FORM_ADD_F64: case PTX_FORM_ADD_F16: case PTX_FORM_ADD_BF16: return ADD;
    case PTX_FORM_SUB_F32: case PTX_FORM_SUB_F64: case PTX_FORM_SUB_F16: case PTX_FORM_SUB_BF16: return SUBTRACT;
    case PTX_FORM_MUL_F32: case PTX_FORM_MUL_F64: case PTX_FORM_MUL_F16: case PTX_FORM_MUL_BF16: return MULTIPLY;
    case PTX_FORM_FMA_F32: case PTX_FORM_FMA_F64: case PTX_FORM_FMA_F16: case PTX_FORM_FMA_BF16: case PTX_FORM_MAD_F32: case PTX_FORM_MAD_F64: return FUSED;
    case PTX_FORM_DIV_F32: case PTX_FORM_DIV_F64: return DIVIDE;
    case PTX_FORM_RCP_F32: case PTX_FORM_RCP_F64: return RECIPROCAL;
    case PTX_FORM_SQRT_F32: case PTX_FORM_SQRT_F64: return ROOT;
    default: return NO_OPERATION;
    }
}

static float in_float(operation o, volatile float a, volatile float b, volatile float c) {
    switch (o) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case FUSED: return fmaf(a, b, c);
    case DIVIDE: return a / b;
    case RECIPROCAL: return 1 / a;
    default: return sqrtf(a);
    }
}

static double in_double(operation o, volatile double a, volatile double b, volatile double c) {
    switch (o) {
    case ADD: return a + b;
    case SUBTRACT: return a - b;
    case MULTIPLY: return a * b;
    case FUSED: return fma(a, b, c);
    case DIVIDE: return a / b;
    case RECIPROCAL: return 1 / a;
    default: return sqrt(a);
    }
}

/* Rounded to odd: rounding once more, to far fewer digits, then goes as if it were the first time. */
static double to_odd(operation o, double a, double b, double c) {
    fesetround(FE_TOWARDZERO);
    feclearexcept(FE_ALL_EXCEPT);
    double r = in_double(o, a, b, c);
    uint64_t bits = double_bits(r);
    if (fetestexcept(FE_INEXACT) && isfinite(r)) bits |= 1;
    memcpy(&r, &bits, 8);
    fesetround(FE_TONEAREST);
    return a == 0 || b == 0 || r == 0 ? in_double(o, a, b, c) : r; /* of zeros the sign is that of rounding to nearest */
}

/* A result below the least normal number, with ftz. */
static uint64_t flushed(ptx_type t, bool ftz, uint64_t bits) {
    return ftz && fabs(golden_double(t, bits)) < golden_least_normal(t) ? bits & UINT64_C(1) << (ptx_types[t].bits - 1) : bits;
}

static golden_lane clamped(const golden_case *c, ptx_type t, uint64_t bits) {
    double v = golden_double(t, bits);
    if (golden_has(c, PTX_SLOT_sat)) {
        if (isnan(v)) return (golden_lane){.how = GOLDEN_BITS, .bits = 0};
        if (v <= 0) return (golden_lane){.how = GOLDEN_ZERO};
        return golden_number(v > 1 ? golden_rounded(t, 1) : bits);
    }
    if (golden_has(c, PTX_SLOT_relu) && v <= 0) return (golden_lane){.how = GOLDEN_ZERO};
    return golden_number(bits);
}

static golden_lane exactly(const golden_case *c, operation o, ptx_type t, const uint64_t *in) {
    uint64_t bits;
    golden_direction(c->words.slots[PTX_SLOT_round]);
    if (t == PTX_f32) bits = float_bits(in_float(o, as_float(in[0]), as_float(in[1]), as_float(in[2])));
    else if (t == PTX_f64) bits = double_bits(in_double(o, golden_double(t, in[0]), golden_double(t, in[1]), golden_double(t, in[2])));
    else bits = golden_rounded(t, to_odd(o, golden_double(t, in[0]), golden_double(t, in[1]), golden_double(t, in[2])));
    fesetround(FE_TONEAREST);
    return clamped(c, t, flushed(t, golden_has(c, PTX_SLOT_ftz), bits));
}

/* -0 counts as less than +0. */
static golden_lane extreme(const golden_case *c, bool most, ptx_type t, uint64_t a, uint64_t b) {
    const uint64_t sign = UINT64_C(1) << (ptx_types[t].bits - 1);
    const bool magnitudes = golden_has(c, PTX_SLOT_xorsign);
    uint64_t signs = magnitudes ? (a ^ b) & sign : 0, y;
    if (magnitudes) a &= ~sign, b &= ~sign;
    double x = golden_double(t, a), z = golden_double(t, b);
    if ((isnan(x) && isnan(z)) || (golden_has(c, PTX_SLOT_nan) && (isnan(x) || isnan(z)))) return golden_number(encoded(t, NAN));
    if (isnan(x)) y = b;
    else if (isnan(z)) y = a;
    else if (x == z) y = most ? a & b : a | b; /* equal, or zeros of two signs */
    else y = (x < z) != most ? a : b;
    return golden_number(y | signs);
}

/* ---- approximations ------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Two rows have the word always. */
static bool flushes(const golden_case *c) { return golden_has(c, PTX_SLOT_ftz) || c->form == PTX_FORM_EX2_BF16 || c->form == PTX_FORM_RCP_APPROX_F64; }

/* So many units in the last place of a number. */
static double units(ptx_type t, double value, double count) {
    int32_t e = 0;
    shape s = shape_of(t);
    frexp(value, &e);
    return count * ldexp(1, (e > s.least + 1 ? e : s.least + 1) - s.digits);
}

/* Within an error, to which a result that is flushed, or is about to be, adds its own size; numbers too great for the type are infinities. */
static golden_lane about(const golden_case *c, ptx_type t, double value, double error) {
    const double least = golden_least_normal(t);
    if (flushes(c) && fabs(value) < least * 1.001) error += fabs(value);
    if (isfinite(value) && fabs(value) > greatest(t) * (1 + ldexp(1, -golden_digits(t)))) value = copysign(INFINITY, value);
    else if (isfinite(value) && fabs(value) > greatest(t) * (1 - ldexp(4, -golden_digits(t)))) return (golden_lane){.how = GOLDEN_OPEN};
    if (error > 0 && !isinf(value) && !isnan(value)) error += units(t, value, 0.5); /* the result is one of the type's numbers */
    return golden_near(value, error);
}

static golden_lane quotient(const golden_case *c, double a, double b) {
    double size = fabs(b);
    if (golden_word(c, PTX_SLOT_mode, PTX_WORD_approx)) {
        if (size > 0x1p126 && isfinite(b)) return isinf(a) || isnan(a) ? golden_near(NAN, 0) : (golden_lane){.how = GOLDEN_ZERO};
        if (size != 0 && size < 0x1p-126) return (golden_lane){.how = GOLDEN_OPEN};
    }
    return about(c, PTX_f32, a / b, units(PTX_f32, a / b, 2));
}

/* The upper 20 digits of an f64 alone are looked at and given, subnormal numbers count as zeros. */
static golden_lane gross(double value) {
    if (fabs(value) < DBL_MIN * 1.001) return golden_near(value, fabs(value) + DBL_MIN);
    return golden_near(value, fabs(value) * 0x1p-19);
}

static golden_lane approximately(const golden_case *c, ptx_type t, const uint64_t *in) {
    const double a = golden_double(t, in[0]), b = golden_double(t, in[1]), circle = acos(-1);
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_DIV_APPROX: return quotient(c, a, b);
    case PTX_FORM_RCP_APPROX: return about(c, t, 1 / a, units(t, 1 / a, 1));
    case PTX_FORM_SQRT_APPROX: return about(c, t, sqrt(a), sqrt(a) * 0x1p-23);
    case PTX_FORM_RCP_APPROX_F64: return gross(1 / a);
    case PTX_FORM_RSQRT_APPROX: return t == PTX_f32 ? about(c, t, 1 / sqrt(a), 1 / sqrt(a) * 0x1.12p-23) : gross(1 / sqrt(a));
    case PTX_FORM_SIN: return isfinite(a) && fabs(a) > circle ? (golden_lane){.how = GOLDEN_OPEN} : about(c, t, sin(a), 0x1.6ap-21);
    case PTX_FORM_COS: return isfinite(a) && fabs(a) > circle ? (golden_lane){.how = GOLDEN_OPEN} : about(c, t, cos(a), 0x1.6ap-21);
    case PTX_FORM_LG2: return about(c, t, log2(a), a > 0.5 && a < 2 ? 0x1p-22 : fabs(log2(a)) * 0x1p-22);
    case PTX_FORM_EX2: return about(c, t, exp2(a), exp2(a) * 0x1p-22);
    case PTX_FORM_EX2_F16: return about(c, t, exp2(a), exp2(a) * 0x1.12p-10);
    case PTX_FORM_EX2_BF16: return about(c, t, exp2(a), exp2(a) * 0x1p-7);
    case PTX_FORM_TANH: return about(c, t, tanh(a), t == PTX_f32 ? fabs(tanh(a)) * 0x1p-11 : 0x1.03p-11);
    default: return about(c, t, tanh(a), 0x1p-8); /* TANH_BF16 */
    }
}

/* ---- all --------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool asks(const golden_case *c, ptx_type t, uint64_t bits) {
    double v = golden_double(t, bits);
    switch (c->words.slots[PTX_SLOT_test]) {
    case PTX_WORD_finite: return isfinite(v);
    case PTX_WORD_infinite: return isinf(v);
    case PTX_WORD_number: return !isnan(v);
    case PTX_WORD_notanumber: return isnan(v);
    case PTX_WORD_normal: return isfinite(v) && fabs(v) >= golden_least_normal(t);
    default: return v != 0 && fabs(v) < golden_least_normal(t);
    }
}

static bool lane_of(const golden_case *c, ptx_type t, uint64_t *in, golden_lane *out) {
    const uint64_t sign = UINT64_C(1) << (ptx_types[t].bits - 1);
    const operation o = operation_of(c->form);
    const bool upper = c->form == PTX_FORM_RCP_APPROX_F64 || (c->form == PTX_FORM_RSQRT_APPROX && t == PTX_f64 && flushes(c));
    for (int32_t k = 0; k < 3; k++) in[k] = flushed(t, flushes(c), upper ? in[k] >> 32 << 32 : in[k]);
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_ABS_F32: case PTX_FORM_ABS_F64: *out = golden_number(in[0] & ~sign); return true;
    case PTX_FORM_NEG_F32: case PTX_FORM_NEG_F64: *out = golden_number(in[0] ^ sign); return true;
    case PTX_FORM_MIN_F32: case PTX_FORM_MIN_F64: case PTX_FORM_MIN_BF16: *out = extreme(c, false, t, in[0], in[1]); return true;
    case PTX_FORM_MAX_F32: case PTX_FORM_MAX_F64: case PTX_FORM_MAX_BF16: *out = extreme(c, true, t, in[0], in[1]); return true;
    case PTX_FORM_COPYSIGN: *out = golden_number((in[0] & sign) | (in[1] & ~sign)); return true;
    case PTX_FORM_TESTP: *out = (golden_lane){.how = GOLDEN_BITS, .bits = asks(c, t, in[0])}; return true;
    case PTX_FORM_DIV_APPROX: case PTX_FORM_RCP_APPROX: case PTX_FORM_RCP_APPROX_F64: case PTX_FORM_SQRT_APPROX: case PTX_FORM_RSQRT_APPROX: case PTX_FORM_SIN: case PTX_FORM_COS: case PTX_FORM_LG2:
    case PTX_FORM_EX2: case PTX_FORM_EX2_F16: case PTX_FORM_EX2_BF16: case PTX_FORM_TANH: case PTX_FORM_TANH_BF16: *out = approximately(c, t, in); return true;
    default: break;
    }
    if (o == NO_OPERATION) return false;
    *out = exactly(c, o, t, in);
    return true;
}

bool golden_expect_float(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0], half = golden_half(t);
    uint64_t low[3] = {in[0], in[1], in[2]}, high[3];
    if (ptx_types[t].kind != PTX_FLOAT) return false;
    if (half == PTX_NO_TYPE) return lane_of(c, t, low, &out[0].lanes[0]);
    for (int32_t k = 0; k < 3; k++) low[k] = in[k] & 0xffff, high[k] = in[k] >> 16;
    out[0].packed = true;
    return lane_of(c, half, low, &out[0].lanes[0]) && lane_of(c, half, high, &out[0].lanes[1]);
}
