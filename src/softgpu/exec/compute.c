/* SPDX-License-Identifier: Apache-2.0 */
#include "compute.h"

bool ptx_compute(const ptx_instruction *instruction, ptx_given *given) {
    given->out = (ptx_bits){0, 0};
    return ptx_compute_integer(instruction, given) || ptx_compute_bits(instruction, given) || ptx_compute_compare(instruction, given) || ptx_compute_float(instruction, given) || ptx_compute_convert(instruction, given);
}

ptx_rounding ptx_rounding_of(const ptx_instruction *i) {
    switch (i->slots[PTX_SLOT_round]) {
    case PTX_WORD_rz: case PTX_WORD_rzi: return PTX_TO_ZERO;
    case PTX_WORD_rm: case PTX_WORD_rmi: return PTX_DOWN;
    case PTX_WORD_rp: case PTX_WORD_rpi: return PTX_UP;
    case PTX_WORD_rna: return PTX_TIES_AWAY;
    default: return PTX_TO_EVEN;
    }
}

ptx_type ptx_lane_type(ptx_type pair) { return pair == PTX_e4m3x2 ? PTX_e4m3 : pair == PTX_e5m2x2 ? PTX_e5m2 : pair == PTX_f16x2 ? PTX_f16 : PTX_bf16; }
