/* SPDX-License-Identifier: Apache-2.0
 * Conversions (manual: cvt). A number is read from one type, rounded to an integer where that is asked for, and written once into the other. */
#include "compute.h"

/* Without .sat an integer that does not fit loses its upper bits. */
static uint64_t of_integer(const ptx_instruction *i, ptx_type to, ptx_type from, uint64_t a) {
    uint64_t value = ptx_is_signed(from) ? (uint64_t)ptx_signed(from, a) : a;
    if (i->slots[PTX_SLOT_sat] == PTX_NO_WORD) return ptx_trim(to, value);
    return ptx_number_write(to, ptx_number_read(from, a, false), (ptx_fitting){0});
}

/* NaN gives 0 where both sides have at most 32 bits, else the highest bit alone. */
static uint64_t to_integer(ptx_type to, ptx_type from, ptx_number n, ptx_rounding r) {
    bool wide = from == PTX_f64 || ptx_types[to].bits == 64;
    if (n.kind == PTX_NOT_A_NUMBER && wide) return UINT64_C(1) << (ptx_types[to].bits - 1);
    return ptx_number_write(to, n, (ptx_fitting){.rounding = r});
}

/* The first operand goes to the upper half. */
static uint64_t pair_of(ptx_type to, ptx_type from, uint64_t high, uint64_t low, ptx_fitting fitting) {
    return ptx_number_write(to, ptx_number_read(from, high, false), fitting) << ptx_types[to].bits | ptx_number_write(to, ptx_number_read(from, low, false), fitting);
}

static uint64_t pair_of_pair(ptx_type to, ptx_type from, uint64_t a, ptx_fitting fitting) {
    int32_t bits = ptx_types[from].bits;
    return pair_of(to, from, a >> bits & ((UINT64_C(1) << bits) - 1), a & ((UINT64_C(1) << bits) - 1), fitting);
}

/* The second operand at the bottom, the first next to it, the rest behind them; what does not fit is the nearest that does. */
static uint64_t packed(ptx_type to, ptx_type from, uint64_t a, uint64_t b, uint64_t rest) {
    const int32_t bits = ptx_types[to].bits;
    const uint64_t ones = (UINT64_C(1) << bits) - 1;
    uint64_t high = ptx_number_write(to, ptx_number_read(from, a, false), (ptx_fitting){0}) & ones, low = ptx_number_write(to, ptx_number_read(from, b, false), (ptx_fitting){0}) & ones;
    return (rest << 2 * bits | high << bits | low) & UINT32_MAX;
}

bool ptx_compute_convert(const ptx_instruction *i, ptx_given *g) {
    const ptx_type to = (ptx_type)i->types[0], from = (ptx_type)i->types[1];
    const uint64_t a = ptx_trim(from, g->in[1].low), b = g->in[2].low;
    const bool ftz = i->slots[PTX_SLOT_ftz] != PTX_NO_WORD, flush = ftz && from == PTX_f32; /* it speaks of f32 alone */
    const ptx_rounding r = ptx_rounding_of(i);
    ptx_fitting fitting = {r, ftz && to == PTX_f32, i->slots[PTX_SLOT_sat] != PTX_NO_WORD, false, i->slots[PTX_SLOT_relu] != PTX_NO_WORD};
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_CVT_INT: g->out.low = of_integer(i, to, from, a); return true;
    case PTX_FORM_CVT_TO_INT: g->out.low = to_integer(to, from, ptx_number_read(from, a, flush), r); return true;
    case PTX_FORM_CVT_FROM_INT:
    case PTX_FORM_CVT_NARROW_HALF: case PTX_FORM_CVT_NARROW: case PTX_FORM_CVT_WIDEN: case PTX_FORM_CVT_WIDEN_F64: case PTX_FORM_CVT_SAME_HALF: g->out.low = ptx_number_write(to, ptx_number_read(from, a, flush), fitting); return true;
    case PTX_FORM_CVT_TO_WHOLE: g->out.low = ptx_number_write(to, ptx_number_whole(ptx_number_read(from, a, flush), r), fitting); return true;
    case PTX_FORM_CVT_TF32: g->out.low = ptx_number_write(to, ptx_number_read(from, a, false), fitting); return true;
    case PTX_FORM_CVT_PAIR: g->out.low = pair_of(ptx_lane_type(to), from, a, b, fitting); return true;
    case PTX_FORM_CVT_FP8: fitting.finite = true; g->out.low = pair_of(ptx_lane_type(to), from, a, b, fitting); return true;
    case PTX_FORM_CVT_FP8_HALVES: fitting.finite = true; g->out.low = pair_of_pair(ptx_lane_type(to), PTX_f16, a, fitting); return true;
    case PTX_FORM_CVT_FROM_FP8: g->out.low = pair_of_pair(PTX_f16, ptx_lane_type(from), a, fitting); return true;
    case PTX_FORM_CVT_PACK: g->out.low = packed(to, from, a, ptx_trim(from, b), 0); return true;
    case PTX_FORM_CVT_PACK_BEHIND: g->out.low = packed(to, from, a, ptx_trim(from, b), g->in[3].low); return true;
    default: return false;
    }
}
