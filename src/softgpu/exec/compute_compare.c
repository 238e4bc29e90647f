/* SPDX-License-Identifier: Apache-2.0
 * Comparisons (manual: Comparison and Selection Instructions; Half Precision Comparison Instructions). */
#include "compute.h"

/* order: -1, 0, 1, or 2 where one is no number. */
static bool compare_floats(int32_t op, int32_t order) {
    bool unordered = order == 2;
    switch (op) {
    case PTX_WORD_eq: return order == 0;
    case PTX_WORD_ne: return !unordered && order != 0;
    case PTX_WORD_lt: return order == -1;
    case PTX_WORD_le: return order <= 0;
    case PTX_WORD_gt: return order == 1;
    case PTX_WORD_ge: return order == 0 || order == 1;
    case PTX_WORD_num: return !unordered;
    case PTX_WORD_nan: return unordered;
    case PTX_WORD_equ: return unordered || order == 0;
    case PTX_WORD_neu: return order != 0;
    case PTX_WORD_ltu: return unordered || order == -1;
    case PTX_WORD_leu: return unordered || order <= 0;
    case PTX_WORD_gtu: return order > 0;
    default: return order >= 0; /* geu */
    }
}

static bool compare_integers(int32_t op, ptx_type t, uint64_t a, uint64_t b) {
    bool below = ptx_is_signed(t) ? ptx_signed(t, a) < ptx_signed(t, b) : a < b;
    switch (op) {
    case PTX_WORD_eq: return a == b;
    case PTX_WORD_ne: return a != b;
    case PTX_WORD_lt:
    case PTX_WORD_lo: return below;
    case PTX_WORD_le:
    case PTX_WORD_ls: return below || a == b;
    case PTX_WORD_gt:
    case PTX_WORD_hi: return !below && a != b;
    default: return !below; /* ge, hs */
    }
}

static bool compare(const ptx_instruction *i, ptx_type t, uint64_t a, uint64_t b) {
    int32_t op = i->slots[PTX_SLOT_cmp];
    bool ftz = i->slots[PTX_SLOT_ftz] != PTX_NO_WORD;
    return ptx_types[t].kind == PTX_FLOAT ? compare_floats(op, ptx_number_compare(ptx_number_read(t, a, ftz), ptx_number_read(t, b, ftz))) : compare_integers(op, t, a, b);
}

static bool join(const ptx_instruction *i, bool first, bool second) {
    switch (i->slots[PTX_SLOT_bool]) {
    case PTX_WORD_and: return first && second;
    case PTX_WORD_or: return first || second;
    case PTX_WORD_xor: return first != second;
    default: return first;
    }
}

/* True and false as set writes them: all ones or 1.0, and zero. */
static uint64_t truth(ptx_type t, bool value) {
    if (!value) return 0;
    switch (t) {
    case PTX_f32: return 0x3f800000;
    case PTX_f16: return 0x3c00;
    case PTX_bf16: return 0x3f80;
    default: return ptx_trim(t, ~UINT64_C(0));
    }
}

static void set_pair(const ptx_instruction *i, ptx_given *g, uint64_t a, uint64_t b, bool c) {
    ptx_type half = ptx_lane_type((ptx_type)i->types[1]), to = (ptx_type)i->types[0];
    bool low = join(i, compare(i, half, a & 0xffff, b & 0xffff), c), high = join(i, compare(i, half, a >> 16, b >> 16), c);
    bool floats = to == PTX_f16x2 || to == PTX_bf16x2;
    g->out.low = floats ? truth(ptx_lane_type(to), low) | truth(ptx_lane_type(to), high) << 16 : (low ? 0xffffu : 0u) | (high ? 0xffff0000u : 0u);
}

bool ptx_compute_compare(const ptx_instruction *i, ptx_given *g) {
    const uint64_t a = g->in[1].low, b = g->in[2].low, c = g->in[3].low;
    const ptx_type t = (ptx_type)i->types[0], u = (ptx_type)i->types[1];
    bool first;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_SETP_BITS: case PTX_FORM_SETP_UNSIGNED: case PTX_FORM_SETP_SIGNED: case PTX_FORM_SETP_FLOAT:
    case PTX_FORM_SETP_BITS_BOOL: case PTX_FORM_SETP_UNSIGNED_BOOL: case PTX_FORM_SETP_SIGNED_BOOL: case PTX_FORM_SETP_FLOAT_BOOL:
        first = compare(i, t, a, b);
        g->out.low = join(i, first, c != 0);
        g->second = join(i, !first, c != 0);
        return true;
    case PTX_FORM_SETP_PAIR: case PTX_FORM_SETP_PAIR_BOOL:
        g->out.low = join(i, compare(i, ptx_lane_type(t), a & 0xffff, b & 0xffff), c != 0);
        g->second = join(i, compare(i, ptx_lane_type(t), a >> 16, b >> 16), c != 0);
        return true;
    case PTX_FORM_SET_BITS: case PTX_FORM_SET_UNSIGNED: case PTX_FORM_SET_SIGNED: case PTX_FORM_SET_FLOAT: case PTX_FORM_SET_HALF:
    case PTX_FORM_SET_BITS_BOOL: case PTX_FORM_SET_UNSIGNED_BOOL: case PTX_FORM_SET_SIGNED_BOOL: case PTX_FORM_SET_FLOAT_BOOL: case PTX_FORM_SET_HALF_BOOL:
        g->out.low = truth(t, join(i, compare(i, u, a, b), c != 0));
        return true;
    case PTX_FORM_SET_PAIR: case PTX_FORM_SET_PAIR_BOOL: set_pair(i, g, a, b, c != 0); return true;
    case PTX_FORM_SLCT_F32: g->out = compare_floats(PTX_WORD_ge, ptx_number_compare(ptx_number_read(PTX_f32, c, i->slots[PTX_SLOT_ftz] != PTX_NO_WORD), (ptx_number){0})) ? g->in[1] : g->in[2]; return true;
    default: return false;
    }
}
