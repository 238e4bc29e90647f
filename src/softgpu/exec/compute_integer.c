/* SPDX-License-Identifier: Apache-2.0
 * Integer arithmetic (manual: Integer Arithmetic Instructions; Extended-Precision Integer Arithmetic Instructions). */
#include "compute.h"

typedef unsigned __int128 wide;
typedef __int128 wide_signed;

static wide product(ptx_type t, uint64_t a, uint64_t b) {
    return ptx_is_signed(t) ? (wide)((wide_signed)ptx_signed(t, a) * ptx_signed(t, b)) : (wide)a * b;
}

/* part: hi, lo, or the whole product. */
static uint64_t part_of(wide p, int32_t part, int32_t bits) { return (uint64_t)(part == PTX_WORD_hi ? p >> bits : p); }

static uint64_t saturated(int64_t value) { return (uint32_t)(value > INT32_MAX ? INT32_MAX : value < INT32_MIN ? INT32_MIN : value); }

static bool less(ptx_type t, uint64_t a, uint64_t b) { return ptx_is_signed(t) ? ptx_signed(t, a) < ptx_signed(t, b) : a < b; }

/* Division by zero gives all ones, its remainder the dividend, as GPUs do; the manual leaves both open. */
static uint64_t divide(ptx_type t, uint64_t a, uint64_t b, bool remainder) {
    if (b == 0) return remainder ? a : ~UINT64_C(0);
    if (!ptx_is_signed(t)) return remainder ? a % b : a / b;
    int64_t x = ptx_signed(t, a), y = ptx_signed(t, b);
    if (y == -1) return remainder ? 0 : 0 - (uint64_t)x;
    return (uint64_t)(remainder ? x % y : x / y);
}

/* 24 bits of each, of which the upper or lower 32 of 48 are wanted. */
static uint64_t product24(ptx_type t, uint64_t a, uint64_t b, int32_t part) {
    int64_t x = ptx_is_signed(t) ? (int64_t)(a << 40) >> 40 : (int64_t)(a & 0xffffff), y = ptx_is_signed(t) ? (int64_t)(b << 40) >> 40 : (int64_t)(b & 0xffffff);
    uint64_t p = (uint64_t)(x * y);
    return part == PTX_WORD_hi ? (p >> 16) & 0xffffffff : p & 0xffffffff;
}

/* a + b + carry of one width; the carry out goes to the condition code where it is asked for. */
static uint64_t add_carry(ptx_type t, uint64_t a, uint64_t b, bool carry_in, bool keep, bool *carry) {
    wide sum = (wide)a + b + carry_in;
    if (keep) *carry = (sum >> ptx_types[t].bits & 1) != 0;
    return (uint64_t)sum;
}

/* The condition code of a subtraction is its borrow. */
static uint64_t sub_borrow(ptx_type t, uint64_t a, uint64_t b, bool borrow_in, bool keep, bool *carry) {
    wide difference = (wide)a - b - borrow_in;
    if (keep) *carry = (difference >> ptx_types[t].bits & 1) != 0;
    return (uint64_t)difference;
}

static uint64_t sum_of_bytes(const ptx_instruction *i, uint64_t a, uint64_t b, uint64_t c) {
    uint32_t total = (uint32_t)c;
    for (int32_t k = 0; k < 4; k++) {
        ptx_type x = i->types[0] == PTX_s32 ? PTX_s8 : PTX_u8, y = i->types[1] == PTX_s32 ? PTX_s8 : PTX_u8;
        int64_t p = x == PTX_s8 ? ptx_signed(x, a >> (8 * k) & 0xff) : (int64_t)(a >> (8 * k) & 0xff), q = y == PTX_s8 ? ptx_signed(y, b >> (8 * k) & 0xff) : (int64_t)(b >> (8 * k) & 0xff);
        total += (uint32_t)(p * q);
    }
    return total;
}

/* Two halves of a with the lower or upper two bytes of b. */
static uint64_t sum_of_halves(const ptx_instruction *i, uint64_t a, uint64_t b, uint64_t c) {
    uint32_t total = (uint32_t)c, from = i->slots[PTX_SLOT_part] == PTX_WORD_hi ? 16 : 0;
    for (uint32_t k = 0; k < 2; k++) {
        uint64_t half = a >> (16 * k) & 0xffff, byte = b >> (from + 8 * k) & 0xff;
        int64_t p = i->types[0] == PTX_s32 ? ptx_signed(PTX_s16, half) : (int64_t)half, q = i->types[1] == PTX_s32 ? ptx_signed(PTX_s8, byte) : (int64_t)byte;
        total += (uint32_t)(p * q);
    }
    return total;
}

/* The same for both halves of a word. */
static uint64_t each_half(ptx_type t, uint64_t a, uint64_t b, uint64_t (*of)(ptx_type t, uint64_t a, uint64_t b)) {
    ptx_type half = ptx_is_signed(t) ? PTX_s16 : PTX_u16;
    return ptx_trim(half, of(half, a & 0xffff, b & 0xffff)) | ptx_trim(half, of(half, a >> 16 & 0xffff, b >> 16 & 0xffff)) << 16;
}

static uint64_t sum(ptx_type t, uint64_t a, uint64_t b) { return a + b; }
static uint64_t least(ptx_type t, uint64_t a, uint64_t b) { return less(t, b, a) ? b : a; }
static uint64_t greatest(ptx_type t, uint64_t a, uint64_t b) { return less(t, a, b) ? b : a; }
static uint64_t not_below_zero(ptx_type t, uint64_t a, uint64_t b) { return ptx_signed(t, a) < 0 ? 0 : a; }

bool ptx_compute_integer(const ptx_instruction *i, ptx_given *g) {
    const ptx_type t = (ptx_type)i->types[0];
    const int32_t bits = ptx_types[t].bits, part = i->slots[PTX_SLOT_part];
    const uint64_t a = g->in[1].low, b = g->in[2].low, c = g->in[3].low;
    const bool keep = i->slots[PTX_SLOT_cc] != PTX_NO_WORD;
    uint64_t y;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_ADD: y = a + b; break;
    case PTX_FORM_SUB: y = a - b; break;
    case PTX_FORM_ADD_SAT: y = saturated(ptx_signed(t, a) + ptx_signed(t, b)); break;
    case PTX_FORM_SUB_SAT: y = saturated(ptx_signed(t, a) - ptx_signed(t, b)); break;
    case PTX_FORM_ADD_PAIR: y = each_half(t, a, b, sum); break;
    case PTX_FORM_ADD_CC: y = add_carry(t, a, b, false, true, &g->carry); break;
    case PTX_FORM_ADDC: y = add_carry(t, a, b, g->carry, keep, &g->carry); break;
    case PTX_FORM_SUB_CC: y = sub_borrow(t, a, b, false, true, &g->carry); break;
    case PTX_FORM_SUBC: y = sub_borrow(t, a, b, g->carry, keep, &g->carry); break;
    case PTX_FORM_MUL: y = part_of(product(t, a, b), part, bits); break;
    case PTX_FORM_MUL_WIDE: y = (uint64_t)product(t, a, b); g->out.low = bits == 32 ? y : y & 0xffffffff; return true;
    case PTX_FORM_MAD: y = part_of(product(t, a, b), part, bits) + c; break;
    case PTX_FORM_MAD_WIDE: y = (uint64_t)product(t, a, b) + c; g->out.low = bits == 32 ? y : y & 0xffffffff; return true;
    case PTX_FORM_MAD_SAT: y = saturated(ptx_signed(t, ptx_trim(t, part_of(product(t, a, b), PTX_WORD_hi, bits))) + ptx_signed(t, c)); break;
    case PTX_FORM_MAD_CC: y = add_carry(t, ptx_trim(t, part_of(product(t, a, b), part, bits)), c, false, true, &g->carry); break;
    case PTX_FORM_MADC: y = add_carry(t, ptx_trim(t, part_of(product(t, a, b), part, bits)), c, g->carry, keep, &g->carry); break;
    case PTX_FORM_MUL24: y = product24(t, a, b, part); break;
    case PTX_FORM_MAD24: y = product24(t, a, b, part) + c; break;
    case PTX_FORM_MAD24_SAT: y = saturated(ptx_signed(t, product24(t, a, b, PTX_WORD_hi)) + ptx_signed(t, c)); break;
    case PTX_FORM_SAD: y = c + (less(t, a, b) ? b - a : a - b); break;
    case PTX_FORM_DIV: y = divide(t, a, b, false); break;
    case PTX_FORM_REM: y = divide(t, a, b, true); break;
    case PTX_FORM_ABS: y = ptx_signed(t, a) < 0 ? 0 - a : a; break;
    case PTX_FORM_NEG: y = 0 - a; break;
    case PTX_FORM_MIN: y = least(t, a, b); break;
    case PTX_FORM_MAX: y = greatest(t, a, b); break;
    case PTX_FORM_MIN_PAIR:
    case PTX_FORM_MIN_S16X2: y = each_half(t, a, b, least); break;
    case PTX_FORM_MAX_PAIR:
    case PTX_FORM_MAX_S16X2: y = each_half(t, a, b, greatest); break;
    case PTX_FORM_MIN_RELU: y = t == PTX_s32 ? not_below_zero(t, least(t, a, b), 0) : each_half(t, each_half(t, a, b, least), 0, not_below_zero); break;
    case PTX_FORM_MAX_RELU: y = t == PTX_s32 ? not_below_zero(t, greatest(t, a, b), 0) : each_half(t, each_half(t, a, b, greatest), 0, not_below_zero); break;
    case PTX_FORM_DP4A: g->out.low = sum_of_bytes(i, a, b, c); return true;
    case PTX_FORM_DP2A: g->out.low = sum_of_halves(i, a, b, c); return true;
    default: return false;
    }
    g->out.low = ptx_trim(t, y);
    return true;
}
