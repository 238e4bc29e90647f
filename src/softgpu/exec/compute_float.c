/* SPDX-License-Identifier: Apache-2.0
 * Floating-point arithmetic of all widths (manual: Floating Point Instructions; Half Precision; Mixed Precision). What IEEE 754 fixes is exact (number.h). What PTX
 * bounds only - .approx - comes out of the C library in double and is rounded once, which is closer than any bound. */
#include "compute.h"

#include <math.h>
#include <string.h>

/* One instruction on one lane. */
typedef struct lane {
    const ptx_instruction *i;
    ptx_type type;
    ptx_fitting fitting;
    bool flush;
} lane;

static ptx_number read(const lane *l, uint64_t bits) { return ptx_number_read(l->type, bits, l->flush); }
static uint64_t write(const lane *l, ptx_number n) { return ptx_number_write(l->type, n, l->fitting); }

static uint64_t sign_bit(ptx_type t) { return UINT64_C(1) << (ptx_types[t].bits - 1); }

static ptx_number one(void) { return ptx_number_read(PTX_f32, 0x3f800000, false); }

static double as_double(const lane *l, uint64_t bits) {
    uint64_t wide = ptx_number_write(PTX_f64, read(l, bits), (ptx_fitting){0});
    double value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static uint64_t of_double(const lane *l, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return write(l, ptx_number_read(PTX_f64, bits, false));
}

/* Flushed subnormals keep their sign; the bits of anything else stay. */
static uint64_t flushed(const lane *l, uint64_t bits) { return l->flush && read(l, bits).kind == PTX_ZERO ? bits & sign_bit(l->type) : bits; }

/* The smaller or greater of two, -0 below +0; one NaN gives the other number unless .NaN is there; .xorsign.abs: of magnitudes, with the product's sign. */
static uint64_t extreme(const lane *l, bool greatest, uint64_t a, uint64_t b) {
    bool magnitudes = l->i->slots[PTX_SLOT_xorsign] != PTX_NO_WORD, nan_wins = l->i->slots[PTX_SLOT_nan] != PTX_NO_WORD;
    uint64_t sign = sign_bit(l->type), signs = (a ^ b) & sign;
    if (magnitudes) a &= ~sign, b &= ~sign;
    ptx_number x = read(l, a), y = read(l, b);
    bool x_nan = x.kind == PTX_NOT_A_NUMBER, y_nan = y.kind == PTX_NOT_A_NUMBER;
    if ((x_nan && y_nan) || (nan_wins && (x_nan || y_nan))) return ptx_number_write(l->type, (ptx_number){.kind = PTX_NOT_A_NUMBER}, (ptx_fitting){0});
    int32_t order = ptx_number_compare(x, y);
    bool first = x_nan ? false : y_nan ? true : order == 0 ? x.negative != greatest : (order < 0) != greatest;
    uint64_t y_bits = flushed(l, first ? a : b);
    return magnitudes ? y_bits | signs : y_bits;
}

/* Results of these end in 32 zeros: the processor looks at the upper half of an f64 alone. */
static uint64_t gross(const lane *l, bool root, uint64_t a) {
    lane upper = *l;
    upper.flush = upper.fitting.flush = true;
    double x = as_double(&upper, a & ~UINT64_C(0xffffffff));
    return of_double(&upper, root ? 1 / sqrt(x) : 1 / x) & ~UINT64_C(0xffffffff);
}

/* Divisors above 2^126 give 0, infinite dividends then NaN. */
static uint64_t approximate_quotient(const lane *l, uint64_t a, uint64_t b) {
    ptx_number x = read(l, a), y = read(l, b);
    bool great = y.kind == PTX_FINITE && y.exponent >= 0 && !(y.exponent == 0 && y.digits == (unsigned __int128)1 << 126) && l->i->slots[PTX_SLOT_mode] == PTX_WORD_approx;
    if (!great) return write(l, ptx_number_divide(x, y));
    if (x.kind == PTX_INFINITE || x.kind == PTX_NOT_A_NUMBER) return write(l, (ptx_number){.kind = PTX_NOT_A_NUMBER});
    return x.negative != y.negative ? sign_bit(l->type) : 0;
}

static uint64_t compute(const lane *l, uint64_t a, uint64_t b, uint64_t c) {
    ptx_rounding r = l->fitting.rounding;
    switch ((ptx_form_name)l->i->form) {
    case PTX_FORM_ADD_F32: case PTX_FORM_ADD_F64: case PTX_FORM_ADD_F16: case PTX_FORM_ADD_BF16: return write(l, ptx_number_add(read(l, a), read(l, b), r));
    case PTX_FORM_SUB_F32: case PTX_FORM_SUB_F64: case PTX_FORM_SUB_F16: case PTX_FORM_SUB_BF16: return write(l, ptx_number_add(read(l, a), ptx_number_negate(read(l, b)), r));
    case PTX_FORM_MUL_F32: case PTX_FORM_MUL_F64: case PTX_FORM_MUL_F16: case PTX_FORM_MUL_BF16: return write(l, ptx_number_multiply(read(l, a), read(l, b)));
    case PTX_FORM_FMA_F32: case PTX_FORM_FMA_F64: case PTX_FORM_FMA_F16: case PTX_FORM_FMA_BF16: case PTX_FORM_MAD_F32: case PTX_FORM_MAD_F64:
        return write(l, ptx_number_add(ptx_number_multiply(read(l, a), read(l, b)), read(l, c), r));
    case PTX_FORM_DIV_F32: case PTX_FORM_DIV_F64: return write(l, ptx_number_divide(read(l, a), read(l, b)));
    case PTX_FORM_DIV_APPROX: return approximate_quotient(l, a, b);
    case PTX_FORM_RCP_F32: case PTX_FORM_RCP_F64: case PTX_FORM_RCP_APPROX: return write(l, ptx_number_divide(one(), read(l, a)));
    case PTX_FORM_RCP_APPROX_F64: return gross(l, false, a);
    case PTX_FORM_SQRT_F32: case PTX_FORM_SQRT_F64: case PTX_FORM_SQRT_APPROX: return write(l, ptx_number_root(read(l, a)));
    case PTX_FORM_RSQRT_APPROX: return l->type == PTX_f64 && l->flush ? gross(l, true, a) : write(l, ptx_number_divide(one(), ptx_number_root(read(l, a))));
    case PTX_FORM_ABS_F32: case PTX_FORM_ABS_F64: return flushed(l, a) & ~sign_bit(l->type);
    case PTX_FORM_NEG_F32: case PTX_FORM_NEG_F64: return flushed(l, a) ^ sign_bit(l->type);
    case PTX_FORM_MIN_F32: case PTX_FORM_MIN_F64: case PTX_FORM_MIN_BF16: return extreme(l, false, a, b);
    case PTX_FORM_MAX_F32: case PTX_FORM_MAX_F64: case PTX_FORM_MAX_BF16: return extreme(l, true, a, b);
    case PTX_FORM_SIN: return of_double(l, sin(as_double(l, a)));
    case PTX_FORM_COS: return of_double(l, cos(as_double(l, a)));
    case PTX_FORM_LG2: return of_double(l, log2(as_double(l, a)));
    case PTX_FORM_EX2: case PTX_FORM_EX2_F16: case PTX_FORM_EX2_BF16: return of_double(l, exp2(as_double(l, a)));
    case PTX_FORM_TANH: case PTX_FORM_TANH_BF16: return of_double(l, tanh(as_double(l, a)));
    case PTX_FORM_COPYSIGN: return (a & sign_bit(l->type)) | (b & ~sign_bit(l->type));
    default: return 0;
    }
}

static bool computes(int32_t form) { return (form >= PTX_FORM_ADD_F32 && form <= PTX_FORM_TANH_BF16) || form == PTX_FORM_COPYSIGN; }

static bool test(const ptx_instruction *i, ptx_type t, uint64_t bits) {
    ptx_number n = ptx_number_read(t, bits, false), flat = ptx_number_read(t, bits, true);
    bool subnormal = n.kind == PTX_FINITE && flat.kind == PTX_ZERO;
    switch (i->slots[PTX_SLOT_test]) {
    case PTX_WORD_finite: return n.kind == PTX_FINITE || n.kind == PTX_ZERO;
    case PTX_WORD_infinite: return n.kind == PTX_INFINITE;
    case PTX_WORD_number: return n.kind != PTX_NOT_A_NUMBER;
    case PTX_WORD_notanumber: return n.kind == PTX_NOT_A_NUMBER;
    case PTX_WORD_normal: return n.kind == PTX_FINITE && !subnormal;
    default: return subnormal;
    }
}

bool ptx_compute_float(const ptx_instruction *i, ptx_given *g) {
    const ptx_type t = (ptx_type)i->types[0];
    const uint64_t a = g->in[1].low, b = g->in[2].low, c = g->in[3].low;
    const bool flush = i->slots[PTX_SLOT_ftz] != PTX_NO_WORD || i->form == PTX_FORM_EX2_BF16;
    if (i->form == PTX_FORM_TESTP) {
        g->out.low = test(i, t, a);
        return true;
    }
    if (!computes(i->form)) return false;
    lane l = {i, t, {ptx_rounding_of(i), flush, i->slots[PTX_SLOT_sat] != PTX_NO_WORD, false, i->slots[PTX_SLOT_relu] != PTX_NO_WORD}, flush};
    if (ptx_types[t].lanes == 1) {
        g->out.low = compute(&l, a, b, c);
        return true;
    }
    l.type = ptx_lane_type(t);
    g->out.low = compute(&l, a & 0xffff, b & 0xffff, c & 0xffff) | compute(&l, a >> 16 & 0xffff, b >> 16 & 0xffff, c >> 16 & 0xffff) << 16;
    return true;
}
