/* SPDX-License-Identifier: Apache-2.0
 * By the forms of the table (manual: Parallel Synchronization and Communication Instructions). */
#include "gpu_waits.h"

#include <string.h>

int32_t gpu_mask_operand(const ptx_instruction *i) {
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_SHFL_SYNC: return 4;
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL: case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: return 2;
    case PTX_FORM_ELECT: return 1;
    case PTX_FORM_BAR_WARP: return 0;
    case PTX_FORM_SHFL: case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: case PTX_FORM_ACTIVEMASK: return GPU_THOSE_THERE;
    case PTX_FORM_LDMATRIX: return GPU_WHOLE_WARP;
    default: return i->form >= PTX_FORM_MMA_F16_K8_F16 && i->form <= PTX_FORM_MMA_S8_K32 ? GPU_WHOLE_WARP : GPU_NO_WARP_OPERATION;
    }
}

bool gpu_waits_meet(const ptx_instruction *x, const ptx_instruction *y) {
    return x == y || (gpu_mask_operand(x) >= 0 && x->form == y->form && memcmp(x->slots, y->slots, sizeof x->slots) == 0 && memcmp(x->types, y->types, sizeof x->types) == 0);
}

gpu_arrival gpu_barrier_operands(const ptx_instruction *i, int32_t *number, int32_t *count, int32_t *predicate) {
    *number = 0, *count = *predicate = -1;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_BAR_SYNC: case PTX_FORM_BARRIER_SYNC: *count = i->operand_count > 1 ? 1 : -1; return GPU_WAITS;
    case PTX_FORM_BAR_ARRIVE: case PTX_FORM_BARRIER_ARRIVE: *count = 1; return GPU_ARRIVES;
    case PTX_FORM_BAR_RED: case PTX_FORM_BAR_RED_POPC: case PTX_FORM_BARRIER_RED: case PTX_FORM_BARRIER_RED_POPC: *number = 1, *predicate = 2; return GPU_WAITS;
    case PTX_FORM_BAR_RED_PART: case PTX_FORM_BAR_RED_POPC_PART: case PTX_FORM_BARRIER_RED_PART: case PTX_FORM_BARRIER_RED_POPC_PART: *number = 1, *count = 2, *predicate = 3; return GPU_WAITS;
    default: return GPU_NO_BARRIER;
    }
}

bool gpu_waits_whole_warps(const ptx_instruction *i) { return i->form < PTX_FORM_BARRIER_SYNC || i->form > PTX_FORM_BARRIER_RED_PART || i->slots[PTX_SLOT_aligned] != PTX_NO_WORD; }

bool gpu_orders_block_alone(const ptx_instruction *i) { return i->slots[PTX_SLOT_scope] == PTX_WORD_cta || i->slots[PTX_SLOT_scope] == PTX_WORD_cluster; }
