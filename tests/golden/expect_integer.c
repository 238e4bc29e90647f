/* SPDX-License-Identifier: Apache-2.0
 * Integers and bits, after the pseudo-code of the manual, in 128 bits. */
#include <string.h>

#include "expect.h"

typedef __int128 big;
typedef unsigned __int128 ubig;

static int32_t width(ptx_type t) { return ptx_types[t].bits; }
static bool is_signed(ptx_type t) { return ptx_types[t].kind == PTX_SIGNED; }
static uint64_t cut(uint64_t bits, int32_t wide) { return wide >= 64 ? bits : bits % (UINT64_C(1) << wide); }

static big number(bool sign, int32_t wide, uint64_t bits) {
    big x = cut(bits, wide);
    return sign && (bits >> (wide - 1) & 1) != 0 ? x - ((big)1 << wide) : x;
}

static big of(ptx_type t, uint64_t bits) { return number(is_signed(t), width(t), bits); }

static uint64_t clamped(big x, ptx_type t) {
    big most = is_signed(t) ? ((big)1 << (width(t) - 1)) - 1 : ((big)1 << width(t)) - 1, least = is_signed(t) ? -most - 1 : 0;
    return cut((uint64_t)(x > most ? most : x < least ? least : x), width(t));
}

/* Arithmetic shift: rounding down. */
static uint64_t upper(ptx_type t, uint64_t a, uint64_t b) {
    ubig p = is_signed(t) ? (ubig)(of(t, a) * of(t, b)) : (ubig)cut(a, width(t)) * cut(b, width(t));
    return cut((uint64_t)(p >> width(t)), width(t));
}

static uint64_t lower(ptx_type t, uint64_t a, uint64_t b) { return cut(a * b, width(t)); }
static uint64_t product(const golden_case *c, ptx_type t, uint64_t a, uint64_t b) { return golden_word(c, PTX_SLOT_part, PTX_WORD_hi) ? upper(t, a, b) : lower(t, a, b); }

static bool carries(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0];
    const int32_t n = width(t);
    ubig sum, base = (ubig)1 << (n & 127); /* of b128, which has no carry, nothing */
    bool borrow = false;
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_ADD_CC: sum = (ubig)in[0] + in[1]; break;
    case PTX_FORM_ADDC: sum = (ubig)in[0] + in[1] + in[2]; break;
    case PTX_FORM_MAD_CC: sum = (ubig)product(c, t, in[0], in[1]) + in[2]; break;
    case PTX_FORM_MADC: sum = (ubig)product(c, t, in[0], in[1]) + in[2] + in[3]; break;
    case PTX_FORM_SUB_CC: sum = base + in[0] - in[1], borrow = true; break;
    case PTX_FORM_SUBC: sum = base + in[0] - in[1] - in[2], borrow = true; break;
    default: return false;
    }
    out[0] = golden_bits(cut((uint64_t)sum, n));
    bool takes = c->form == PTX_FORM_ADDC || c->form == PTX_FORM_SUBC || c->form == PTX_FORM_MADC, gives = !takes || golden_has(c, PTX_SLOT_cc);
    bool after = gives ? (borrow ? sum < base : sum >= base) : in[c->input_count - 1] != 0;
    out[1] = golden_bits(!after ? 0 : borrow ? 0xffffffff : 1); /* as subc and addc of zeros show it */
    return true;
}

static big half_of(ptx_type t, uint64_t a, int32_t k) { return number(is_signed(t), 16, a >> (16 * k)); }
static big least(big a, big b) { return a < b ? a : b; }
static big most(big a, big b) { return a < b ? b : a; }

static bool pairs(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0];
    uint64_t y = 0;
    for (int32_t k = 0; k < 2; k++) {
        big a = half_of(t, in[0], k), b = half_of(t, in[1], k), r;
        switch ((ptx_form_name)c->form) {
        case PTX_FORM_ADD_PAIR: r = a + b; break;
        case PTX_FORM_MIN_PAIR: case PTX_FORM_MIN_S16X2: r = least(a, b); break;
        case PTX_FORM_MAX_PAIR: case PTX_FORM_MAX_S16X2: r = most(a, b); break;
        case PTX_FORM_MIN_RELU: r = most(least(a, b), 0); break;
        case PTX_FORM_MAX_RELU: r = most(most(a, b), 0); break;
        default: return false;
        }
        y |= cut((uint64_t)r, 16) << (16 * k);
    }
    out[0] = golden_bits(y);
    return true;
}

/* Bits 47 to 16, or 31 to 0. */
static uint64_t product24(const golden_case *c, ptx_type t, uint64_t a, uint64_t b) {
    big p = number(is_signed(t), 24, a) * number(is_signed(t), 24, b);
    return golden_word(c, PTX_SLOT_part, PTX_WORD_lo) ? cut((uint64_t)p, 32) : cut((uint64_t)(p >> 16), 32);
}

static uint64_t dot(const golden_case *c, const uint64_t *in, int32_t count, int32_t a_bits) {
    big sum = in[2];
    int32_t from = c->form == PTX_FORM_DP2A && golden_word(c, PTX_SLOT_part, PTX_WORD_hi) ? 2 : 0;
    for (int32_t k = 0; k < count; k++) sum += number(is_signed(c->words.types[0]), a_bits, in[0] >> (a_bits * k)) * number(is_signed(c->words.types[1]), 8, in[1] >> (8 * (k + from)));
    return cut((uint64_t)sum, 32);
}

static bool arithmetic(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0];
    const int32_t n = width(t);
    const big a = of(t, in[0]), b = of(t, in[1]), d = of(t, in[2]);
    uint64_t y;
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_ADD: y = (uint64_t)(a + b); break;
    case PTX_FORM_SUB: y = (uint64_t)(a - b); break;
    case PTX_FORM_ADD_SAT: y = clamped(a + b, t); break;
    case PTX_FORM_SUB_SAT: y = clamped(a - b, t); break;
    case PTX_FORM_MUL: y = product(c, t, in[0], in[1]); break;
    case PTX_FORM_MAD: y = product(c, t, in[0], in[1]) + in[2]; break;
    case PTX_FORM_MUL_WIDE: out[0] = golden_bits(cut((uint64_t)(a * b), 2 * n)); return true;
    case PTX_FORM_MAD_WIDE: out[0] = golden_bits(cut((uint64_t)(a * b) + in[2], 2 * n)); return true;
    case PTX_FORM_MAD_SAT: y = clamped(of(t, upper(t, in[0], in[1])) + d, t); break;
    case PTX_FORM_MUL24: y = product24(c, t, in[0], in[1]); break;
    case PTX_FORM_MAD24: y = product24(c, t, in[0], in[1]) + in[2]; break;
    case PTX_FORM_MAD24_SAT: y = clamped(of(t, product24(c, t, in[0], in[1])) + d, t); break;
    case PTX_FORM_SAD: y = (uint64_t)(d + (a < b ? b - a : a - b)); break;
    case PTX_FORM_DIV:
        if (b == 0 || (a / b != of(t, (uint64_t)(a / b)))) return true; /* left open */
        y = (uint64_t)(a / b);
        break;
    case PTX_FORM_REM:
        if (b == 0) return true;
        y = (uint64_t)(a % b);
        break;
    case PTX_FORM_ABS: y = (uint64_t)(a < 0 ? -a : a); break;
    case PTX_FORM_NEG: y = (uint64_t)-a; break;
    case PTX_FORM_MIN: y = (uint64_t)least(a, b); break;
    case PTX_FORM_MAX: y = (uint64_t)most(a, b); break;
    case PTX_FORM_MIN_RELU: if (t != PTX_s32) return false; y = (uint64_t)most(least(a, b), 0); break;
    case PTX_FORM_MAX_RELU: if (t != PTX_s32) return false; y = (uint64_t)most(most(a, b), 0); break;
    case PTX_FORM_DP4A: out[0] = golden_bits(dot(c, in, 4, 8)); return true;
    case PTX_FORM_DP2A: out[0] = golden_bits(dot(c, in, 2, 16)); return true;
    default: return false;
    }
    out[0] = golden_bits(cut(y, n));
    return true;
}

/* ---- bits -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool bit(uint64_t x, int32_t k) { return (x >> k & 1) != 0; }

static uint64_t found(const golden_case *c, ptx_type t, uint64_t a) {
    int32_t msb = width(t) - 1, d = -1;
    if (is_signed(t) && bit(a, msb)) a = ~a;
    for (int32_t k = msb; k >= 0 && d < 0; k--) d = bit(a, k) ? k : d;
    return d < 0 ? 0xffffffff : (uint64_t)(golden_word(c, PTX_SLOT_mode, PTX_WORD_shiftamt) ? msb - d : d);
}

static uint64_t nth(uint64_t mask, int32_t base, int32_t offset) {
    int32_t left = (offset < 0 ? -offset : offset) - 1, step = offset < 0 ? -1 : 1;
    if (offset == 0) return bit(mask, base) ? (uint64_t)base : 0xffffffff;
    for (int32_t k = base; k >= 0 && k < 32; k += step) {
        if (!bit(mask, k)) continue;
        if (left-- == 0) return (uint64_t)k;
    }
    return 0xffffffff;
}

static uint64_t field(ptx_type t, uint64_t a, int32_t position, int32_t length) {
    int32_t msb = width(t) - 1, last = position + length - 1 < msb ? position + length - 1 : msb;
    bool sign = is_signed(t) && length != 0 && bit(a, last);
    uint64_t d = 0;
    for (int32_t k = 0; k <= msb; k++) d |= (uint64_t)(k < length && position + k <= msb ? bit(a, position + k) : sign) << k;
    return d;
}

static uint64_t insert(uint64_t a, uint64_t into, int32_t position, int32_t length, int32_t wide) {
    for (int32_t k = 0; k < length && position + k < wide; k++) {
        into &= ~(UINT64_C(1) << (position + k));
        into |= (uint64_t)bit(a, k) << (position + k);
    }
    return into;
}

static uint64_t extend(const golden_case *c, bool sign, uint32_t a, uint32_t b) {
    uint32_t b1 = b & 31, mask;
    bool too_large = b >= 32 && golden_word(c, PTX_SLOT_mode, PTX_WORD_clamp);
    mask = too_large ? 0 : ~UINT32_C(0) << b1;
    bool set = b1 != 0 && !too_large && sign && bit(a, (int32_t)((b1 - 1) & 31));
    return (a & ~mask) | (set ? mask : 0);
}

static uint64_t mask_of(const golden_case *c, uint32_t a, uint32_t b) {
    uint32_t a1 = a & 31, b1 = b & 31, sum = a1 + b1, mask0 = ~UINT32_C(0) << a1, mask1 = sum >= 32 ? 0 : ~UINT32_C(0) << sum;
    bool clamp = golden_word(c, PTX_SLOT_mode, PTX_WORD_clamp);
    if (clamp && a >= 32) mask0 = 0;
    if (clamp && b >= 32) mask1 = 0;
    return mask0 & ~mask1;
}

static uint64_t permuted(const golden_case *c, uint64_t a, uint64_t b, uint32_t select) {
    static const uint8_t f4e[4][4] = {{3, 2, 1, 0}, {4, 3, 2, 1}, {5, 4, 3, 2}, {6, 5, 4, 3}}, b4e[4][4] = {{5, 6, 7, 0}, {6, 7, 0, 1}, {7, 0, 1, 2}, {0, 1, 2, 3}}, rc8[4][4] = {{0, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 3, 3, 3}};
    static const uint8_t ecl[4][4] = {{3, 2, 1, 0}, {3, 2, 1, 1}, {3, 2, 2, 2}, {3, 3, 3, 3}}, ecr[4][4] = {{0, 0, 0, 0}, {1, 1, 1, 0}, {2, 2, 1, 0}, {3, 2, 1, 0}}, rc16[4][4] = {{1, 0, 1, 0}, {3, 2, 3, 2}, {1, 0, 1, 0}, {3, 2, 3, 2}};
    const uint8_t(*table)[4] = golden_word(c, PTX_SLOT_mode, PTX_WORD_f4e) ? f4e : golden_word(c, PTX_SLOT_mode, PTX_WORD_b4e) ? b4e : golden_word(c, PTX_SLOT_mode, PTX_WORD_rc8) ? rc8 : golden_word(c, PTX_SLOT_mode, PTX_WORD_ecl) ? ecl : golden_word(c, PTX_SLOT_mode, PTX_WORD_ecr) ? ecr : rc16;
    uint64_t d = 0;
    for (int32_t k = 0; k < 4; k++) {
        uint32_t pick = golden_has(c, PTX_SLOT_mode) ? table[select & 3][3 - k] : select >> (4 * k) & 15, from = pick & 7;
        uint64_t byte = (from < 4 ? a >> (8 * from) : b >> (8 * (from - 4))) & 255;
        if ((pick & 8) != 0) byte = byte >= 128 ? 255 : 0;
        d |= byte << (8 * k);
    }
    return d;
}

static uint64_t funnel(const golden_case *c, uint64_t a, uint64_t b, uint64_t shift) {
    uint64_t n = golden_word(c, PTX_SLOT_mode, PTX_WORD_clamp) ? (shift < 32 ? shift : 32) : shift % 32;
    return cut(golden_word(c, PTX_SLOT_part, PTX_WORD_l) ? b << n | a >> (32 - n) : b << (32 - n) | a >> n, 32);
}

static uint64_t table_of(const golden_case *c, const uint64_t *in) {
    uint64_t d = 0, ta = 0xf0, tb = 0xcc, tc = 0xaa;
    for (int32_t k = 0; k < 32; k++) {
        for (int32_t row = 0; row < 8; row++) /* the row of the table where a, b and c are as they are */
            if (bit(in[0], k) == bit(ta, row) && bit(in[1], k) == bit(tb, row) && bit(in[2], k) == bit(tc, row)) d |= (uint64_t)bit(golden_table(c->variant), row) << k;
    }
    return d;
}

static bool moves(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const int32_t n = width(c->words.types[0]);
    if (c->form == PTX_FORM_MOV && c->variant == 0) {
        out[0] = golden_bits(in[0]);
        if (n == 128) out[1] = golden_bits(in[1]);
    } else if (c->form == PTX_FORM_MOV_PACK) {
        ubig whole = 0;
        for (int32_t k = 0; k < c->input_count; k++) whole |= (ubig)in[k] << (n / c->input_count * k);
        out[0] = golden_bits((uint64_t)whole);
        if (n == 128) out[1] = golden_bits((uint64_t)(whole >> 64));
    } else if (c->form == PTX_FORM_MOV_UNPACK) {
        ubig whole = n == 128 ? (ubig)in[1] << 64 | in[0] : in[0];
        for (int32_t k = 0; k < c->output_count; k++) out[k] = golden_bits(cut((uint64_t)(whole >> (n / c->output_count * k)), n / c->output_count));
    } else {
        return false;
    }
    return true;
}

static bool bits(const golden_case *c, const uint64_t *in, golden_expected *out) {
    const ptx_type t = (ptx_type)c->words.types[0];
    const int32_t n = width(t);
    const uint64_t a = in[0], b = in[1], all = cut(~UINT64_C(0), n == 1 ? 1 : n);
    uint64_t y = 0;
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_POPC: for (int32_t k = 0; k < n; k++) y += bit(a, k); break;
    case PTX_FORM_CLZ: while ((int32_t)y < n && !bit(a, n - 1 - (int32_t)y)) y++; break;
    case PTX_FORM_BFIND: y = found(c, t, a); break;
    case PTX_FORM_FNS: y = nth(a, (int32_t)b, (int32_t)(uint32_t)in[2]); break;
    case PTX_FORM_BREV: for (int32_t k = 0; k < n; k++) y |= (uint64_t)bit(a, n - 1 - k) << k; break;
    case PTX_FORM_BFE: y = field(t, a, b & 255, in[2] & 255); break;
    case PTX_FORM_BFI: y = insert(a, b, in[2] & 255, in[3] & 255, n); break;
    case PTX_FORM_SZEXT: y = extend(c, is_signed(t), (uint32_t)a, (uint32_t)b); break;
    case PTX_FORM_BMSK: y = mask_of(c, (uint32_t)a, (uint32_t)b); break;
    case PTX_FORM_AND: y = a & b; break;
    case PTX_FORM_OR: y = a | b; break;
    case PTX_FORM_XOR: y = a ^ b; break;
    case PTX_FORM_NOT: y = ~a & all; break;
    case PTX_FORM_CNOT: y = a == 0; break;
    case PTX_FORM_LOP3: y = table_of(c, in); break;
    case PTX_FORM_LOP3_BOOL:
        y = table_of(c, in);
        out[1] = golden_bits(golden_word(c, PTX_SLOT_bool, PTX_WORD_or) ? (y != 0) | in[3] : (y != 0) & in[3]);
        break;
    case PTX_FORM_SHF: y = funnel(c, a, b, in[2]); break;
    case PTX_FORM_SHL: y = b >= (uint64_t)n ? 0 : cut(a << b, n); break;
    case PTX_FORM_SHR: y = cut((uint64_t)(of(t, a) >> (b >= (uint64_t)n ? n : (int32_t)b)), n); break;
    case PTX_FORM_PRMT: y = permuted(c, a, b, (uint32_t)in[2]); break;
    case PTX_FORM_SELP: y = in[2] != 0 ? a : b; break;
    case PTX_FORM_SLCT: y = of(PTX_s32, in[2]) >= 0 ? a : b; break;
    default: return false;
    }
    out[0] = golden_bits(y);
    return true;
}

bool golden_expect_integer(const golden_case *c, const uint64_t *in, golden_expected *out) {
    return carries(c, in, out) || (ptx_types[c->words.types[0]].lanes == 2 && ptx_types[c->words.types[0]].kind != PTX_FLOAT && pairs(c, in, out)) || moves(c, in, out) || bits(c, in, out) || (ptx_types[c->words.types[0]].kind != PTX_FLOAT && arithmetic(c, in, out));
}
