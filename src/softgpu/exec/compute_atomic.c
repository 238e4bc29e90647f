/* SPDX-License-Identifier: Apache-2.0
 * What atomic operations leave behind (manual: atom, red). */
#include "compute.h"

static uint64_t sum(ptx_type t, bool flush, uint64_t a, uint64_t b) {
    if (ptx_types[t].kind != PTX_FLOAT) return a + b;
    return ptx_number_write(t, ptx_number_add(ptx_number_read(t, a, flush), ptx_number_read(t, b, flush), PTX_TO_EVEN), (ptx_fitting){.flush = flush});
}

static uint64_t sum_of_pairs(ptx_type t, uint64_t a, uint64_t b) {
    ptx_type half = ptx_lane_type(t);
    return sum(half, false, a & 0xffff, b & 0xffff) | sum(half, false, a >> 16, b >> 16) << 16;
}

uint64_t ptx_atomic(const ptx_instruction *i, bool global, uint64_t old, uint64_t b, uint64_t c) {
    ptx_type t = (ptx_type)i->types[0];
    bool below = ptx_is_signed(t) ? ptx_signed(t, old) < ptx_signed(t, b) : old < b;
    switch (i->slots[PTX_SLOT_op]) {
    case PTX_WORD_and: return old & b;
    case PTX_WORD_or: return old | b;
    case PTX_WORD_xor: return old ^ b;
    case PTX_WORD_exch: return b;
    case PTX_WORD_cas: return old == b ? c : old;
    case PTX_WORD_inc: return old >= b ? 0 : old + 1;
    case PTX_WORD_dec: return old == 0 || old > b ? b : old - 1;
    case PTX_WORD_min: return below ? old : b;
    case PTX_WORD_max: return below ? b : old;
    default: return ptx_types[t].lanes == 2 ? sum_of_pairs(t, old, b) : sum(t, global && t == PTX_f32, old, b);
    }
}
