/* SPDX-License-Identifier: Apache-2.0
 * Bits: counting, fields, logic, shifts, permuted bytes, moves (manual: Logic and Shift Instructions; Data Movement). */
#include "compute.h"

static uint64_t reversed(uint64_t a, int32_t bits) {
    uint64_t y = 0;
    for (int32_t k = 0; k < bits; k++) y |= (a >> k & 1) << (bits - 1 - k);
    return y;
}

static int32_t leading_zeros(uint64_t a, int32_t bits) { return a == 0 ? bits : __builtin_clzll(a) - (64 - bits); }

/* The highest bit that differs from the sign, or is set in an unsigned number; all ones where there is none. */
static uint64_t highest(const ptx_instruction *i, ptx_type t, uint64_t a) {
    int32_t bits = ptx_types[t].bits;
    if (ptx_is_signed(t) && ptx_signed(t, a) < 0) a = ptx_trim(t, ~a);
    if (a == 0) return 0xffffffff;
    int32_t place = 63 - __builtin_clzll(a);
    return (uint64_t)(i->slots[PTX_SLOT_mode] == PTX_WORD_shiftamt ? bits - 1 - place : place);
}

/* The n-th set bit of a from `base` on, upwards or downwards (fns). */
static uint64_t nth_set(uint32_t mask, uint32_t base, int32_t offset) {
    int32_t step = offset < 0 ? -1 : 1;
    int64_t left = offset < 0 ? -(int64_t)offset : offset;
    if (base > 31) return 0xffffffff;
    if (offset == 0) return (mask >> base & 1) != 0 ? base : 0xffffffff;
    for (int32_t at = (int32_t)base; at >= 0 && at < 32; at += step)
        if ((mask >> at & 1) != 0 && --left == 0) return (uint64_t)at;
    return 0xffffffff;
}

static uint64_t extracted(ptx_type t, uint64_t a, uint32_t position, uint32_t length) {
    uint32_t bits = (uint32_t)ptx_types[t].bits, last = position + length - 1 < bits - 1 ? position + length - 1 : bits - 1;
    if (length == 0) return 0;
    bool sign = ptx_is_signed(t) && (a >> last & 1) != 0;
    uint64_t y = 0;
    for (uint32_t k = 0; k < bits; k++) {
        bool bit = k < length && position + k < bits ? (a >> (position + k) & 1) != 0 : sign;
        y |= (uint64_t)bit << k;
    }
    return y;
}

static uint64_t inserted(uint64_t a, uint64_t into, uint32_t position, uint32_t length, uint32_t bits) {
    for (uint32_t k = 0; k < length && position + k < bits; k++) into = (into & ~(UINT64_C(1) << (position + k))) | (a >> k & 1) << (position + k);
    return into;
}

static uint64_t by_table(uint64_t a, uint64_t b, uint64_t c, uint32_t table) {
    uint64_t y = 0;
    for (int32_t k = 0; k < 32; k++) y |= (uint64_t)(table >> ((a >> k & 1) << 2 | (b >> k & 1) << 1 | (c >> k & 1)) & 1) << k;
    return y;
}

/* 64 bits b:a, shifted; the upper or lower word. */
static uint64_t funnel(const ptx_instruction *i, uint64_t a, uint64_t b, uint32_t shift) {
    uint64_t both = b << 32 | a;
    shift = i->slots[PTX_SLOT_mode] == PTX_WORD_wrap ? shift & 31 : shift < 32 ? shift : 32;
    return i->slots[PTX_SLOT_part] == PTX_WORD_l ? (shift == 32 ? a : both << shift >> 32) : both >> shift & 0xffffffff;
}

static uint64_t shifted_right(ptx_type t, uint64_t a, uint32_t shift) {
    uint32_t bits = (uint32_t)ptx_types[t].bits;
    if (ptx_is_signed(t)) return (uint64_t)(ptx_signed(t, a) >> (shift < bits ? shift : bits - 1));
    return shift < bits ? a >> shift : 0;
}

/* Four bytes out of eight; bit 3 of a selector copies the byte's sign all over it. */
static uint64_t permuted(uint64_t a, uint64_t b, uint32_t selector) {
    uint64_t both = b << 32 | a, y = 0;
    for (int32_t k = 0; k < 4; k++) {
        uint32_t pick = selector >> (4 * k) & 15, byte = (uint32_t)(both >> (8 * (pick & 7)) & 0xff);
        y |= (uint64_t)((pick & 8) == 0 ? byte : (byte & 0x80) != 0 ? 0xff : 0) << (8 * k);
    }
    return y;
}

/* The modes of prmt are fixed selectors, chosen by the lowest two bits of c. */
static uint32_t selector_of(int32_t mode, uint32_t c) {
    static const uint32_t forward[4] = {0x3210, 0x4321, 0x5432, 0x6543}, backward[4] = {0x5670, 0x6701, 0x7012, 0x0123}, byte[4] = {0x0000, 0x1111, 0x2222, 0x3333};
    static const uint32_t clamp_left[4] = {0x3210, 0x3211, 0x3222, 0x3333}, clamp_right[4] = {0x0000, 0x1110, 0x2210, 0x3210}, half[4] = {0x1010, 0x3232, 0x1010, 0x3232};
    const uint32_t *table = mode == PTX_WORD_f4e ? forward : mode == PTX_WORD_b4e ? backward : mode == PTX_WORD_rc8 ? byte : mode == PTX_WORD_ecl ? clamp_left : mode == PTX_WORD_ecr ? clamp_right : half;
    return mode == PTX_NO_WORD ? c & 0xffff : table[c & 3];
}

/* A sign or zero extension from the b-th bit on (szext), and a mask of b bits from a on (bmsk). */
static uint64_t extended(const ptx_instruction *i, ptx_type t, uint64_t a, uint32_t count) {
    if (i->slots[PTX_SLOT_mode] == PTX_WORD_wrap) count &= 31;
    if (count >= 32) return a;
    if (count == 0) return 0;
    return ptx_is_signed(t) ? ptx_trim(t, (uint64_t)((int64_t)(a << (64 - count)) >> (64 - count))) : a & ((UINT64_C(1) << count) - 1);
}

static uint64_t mask_of(const ptx_instruction *i, uint32_t first, uint32_t count) {
    if (i->slots[PTX_SLOT_mode] == PTX_WORD_wrap) first &= 31, count &= 31;
    if (first >= 32) return 0;
    return (count >= 32 ? UINT64_C(0xffffffff) : (UINT64_C(1) << count) - 1) << first & 0xffffffff;
}

static void pack(ptx_type t, ptx_given *g, int32_t count) {
    int32_t bits = ptx_types[t].bits / count;
    g->out = (ptx_bits){0, 0};
    for (int32_t k = 0; k < count; k++) {
        uint64_t part = bits == 64 ? g->parts[k].low : g->parts[k].low & ((UINT64_C(1) << bits) - 1);
        if (bits * k >= 64) g->out.high |= part << (bits * k - 64);
        else g->out.low |= part << (bits * k);
    }
}

static void unpack(ptx_type t, ptx_given *g, int32_t count) {
    int32_t bits = ptx_types[t].bits / count;
    for (int32_t k = 0; k < count; k++) {
        uint64_t part = bits * k >= 64 ? g->in[1].high >> (bits * k - 64) : g->in[1].low >> (bits * k);
        g->parts[k] = (ptx_bits){bits == 64 ? part : part & ((UINT64_C(1) << bits) - 1), 0};
    }
}

bool ptx_compute_bits(const ptx_instruction *i, ptx_given *g) {
    const ptx_type t = (ptx_type)i->types[0];
    const int32_t bits = ptx_types[t].bits;
    const uint64_t a = g->in[1].low, b = g->in[2].low, c = g->in[3].low;
    uint64_t y;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_POPC: g->out.low = (uint64_t)__builtin_popcountll(a); return true;
    case PTX_FORM_CLZ: g->out.low = (uint64_t)leading_zeros(a, bits); return true;
    case PTX_FORM_BFIND: g->out.low = highest(i, t, a); return true;
    case PTX_FORM_FNS: y = nth_set((uint32_t)a, (uint32_t)b, (int32_t)c); break;
    case PTX_FORM_BREV: y = reversed(a, bits); break;
    case PTX_FORM_BFE: y = extracted(t, a, b & 0xff, c & 0xff); break;
    case PTX_FORM_BFI: y = inserted(a, b, c & 0xff, g->in[4].low & 0xff, (uint32_t)bits); break;
    case PTX_FORM_SZEXT: y = extended(i, t, a, (uint32_t)b); break;
    case PTX_FORM_BMSK: y = mask_of(i, (uint32_t)a, (uint32_t)b); break;
    case PTX_FORM_AND: y = a & b; break;
    case PTX_FORM_OR: y = a | b; break;
    case PTX_FORM_XOR: y = a ^ b; break;
    case PTX_FORM_NOT: y = ~a; break;
    case PTX_FORM_CNOT: y = a == 0; break;
    case PTX_FORM_LOP3: y = by_table(a, b, c, (uint32_t)g->in[4].low); break;
    case PTX_FORM_LOP3_BOOL:
        y = by_table(a, b, c, (uint32_t)g->in[4].low);
        g->second = i->slots[PTX_SLOT_bool] == PTX_WORD_or ? y != 0 || g->in[5].low != 0 : y != 0 && g->in[5].low != 0;
        break;
    case PTX_FORM_SHF: y = funnel(i, a, b, (uint32_t)c); break;
    case PTX_FORM_SHL: y = (uint32_t)b < (uint32_t)bits ? a << (uint32_t)b : 0; break;
    case PTX_FORM_SHR: y = shifted_right(t, a, (uint32_t)b); break;
    case PTX_FORM_PRMT: y = permuted(a, b, selector_of(i->slots[PTX_SLOT_mode], (uint32_t)c)); break;
    case PTX_FORM_MOV: g->out = g->in[1]; return true;
    case PTX_FORM_MOV_PACK: pack(t, g, i->operands[1].count); return true;
    case PTX_FORM_MOV_UNPACK: unpack(t, g, i->operands[0].count); return true;
    case PTX_FORM_SELP: g->out = c != 0 ? g->in[1] : g->in[2]; return true;
    case PTX_FORM_SLCT: y = ptx_signed(PTX_s32, c) >= 0 ? a : b; break;
    default: return false;
    }
    g->out.low = ptx_trim(t, y);
    return true;
}
