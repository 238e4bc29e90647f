/* SPDX-License-Identifier: Apache-2.0
 * Comparisons: integers in 128 bits, floats as doubles, by the operators of C. */
#include "expect.h"

static bool floats(int32_t word, double a, double b) {
    bool none = isnan(a) || isnan(b);
    switch (word) {
    case PTX_WORD_eq: return a == b;
    case PTX_WORD_ne: return !none && a != b;
    case PTX_WORD_lt: return a < b;
    case PTX_WORD_le: return a <= b;
    case PTX_WORD_gt: return a > b;
    case PTX_WORD_ge: return a >= b;
    case PTX_WORD_equ: return none || a == b;
    case PTX_WORD_neu: return none || a != b;
    case PTX_WORD_ltu: return none || a < b;
    case PTX_WORD_leu: return none || a <= b;
    case PTX_WORD_gtu: return none || a > b;
    case PTX_WORD_geu: return none || a >= b;
    case PTX_WORD_num: return !none;
    default: return none; /* nan */
    }
}

static bool integers(int32_t word, __int128 a, __int128 b) {
    switch (word) {
    case PTX_WORD_eq: return a == b;
    case PTX_WORD_ne: return a != b;
    case PTX_WORD_lt: case PTX_WORD_lo: return a < b;
    case PTX_WORD_le: case PTX_WORD_ls: return a <= b;
    case PTX_WORD_gt: case PTX_WORD_hi: return a > b;
    default: return a >= b; /* ge, hs */
    }
}

static double flat(const golden_case *c, ptx_type t, uint64_t bits) {
    double v = golden_double(t, bits);
    return golden_has(c, PTX_SLOT_ftz) && fabs(v) < golden_least_normal(t) ? copysign(0, v) : v;
}

static bool holds(const golden_case *c, ptx_type t, uint64_t a, uint64_t b) {
    int32_t word = c->words.slots[PTX_SLOT_cmp], unused = 64 - ptx_types[t].bits;
    if (ptx_types[t].kind == PTX_FLOAT) return floats(word, flat(c, t, a), flat(c, t, b));
    if (ptx_types[t].kind == PTX_SIGNED) return integers(word, (int64_t)(a << unused) >> unused, (int64_t)(b << unused) >> unused);
    return integers(word, a, b);
}

static bool joined(const golden_case *c, bool verdict, uint64_t other) {
    switch (c->words.slots[PTX_SLOT_bool]) {
    case PTX_WORD_and: return verdict & other;
    case PTX_WORD_or: return verdict | other;
    case PTX_WORD_xor: return verdict ^ other;
    default: return verdict;
    }
}

static uint64_t written(ptx_type t, bool verdict) {
    if (!verdict) return 0;
    return ptx_types[t].kind == PTX_FLOAT ? golden_rounded(t, 1) : UINT64_MAX >> (64 - ptx_types[t].bits);
}

bool golden_expect_compare(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0], u = (ptx_type)c->words.types[1];
    if (c->form == PTX_FORM_SLCT_F32) {
        out[0] = golden_bits(flat(c, PTX_f32, in[2]) >= 0 ? in[0] : in[1]);
    } else if (c->form >= PTX_FORM_SETP_BITS && c->form <= PTX_FORM_SETP_PAIR_BOOL) {
        ptx_type half = golden_half(t);
        bool first = half == PTX_NO_TYPE ? holds(c, t, in[0], in[1]) : holds(c, half, in[0] & 0xffff, in[1] & 0xffff), second = half == PTX_NO_TYPE ? !first : holds(c, half, in[0] >> 16, in[1] >> 16);
        out[0] = golden_bits(joined(c, first, in[2]));
        out[1] = golden_bits(joined(c, second, in[2]));
    } else if (c->form == PTX_FORM_SET_PAIR || c->form == PTX_FORM_SET_PAIR_BOOL) { /* an integer gets 16 bits for each half */
        ptx_type half = golden_half(u), to = ptx_types[t].kind == PTX_FLOAT ? golden_half(t) : PTX_u16;
        out[0] = golden_bits(written(to, joined(c, holds(c, half, in[0] & 0xffff, in[1] & 0xffff), in[2])) | written(to, joined(c, holds(c, half, in[0] >> 16, in[1] >> 16), in[2])) << 16);
    } else if (c->form >= PTX_FORM_SET_BITS && c->form <= PTX_FORM_SET_PAIR_BOOL) {
        out[0] = golden_bits(written(t, joined(c, holds(c, u, in[0], in[1]), in[2])));
    } else {
        return false;
    }
    return true;
}
