/* SPDX-License-Identifier: Apache-2.0
 * What PTX asks of combinations of words beyond what their row says: which ones there are, and from which version and target on (manual: the notes on each
 * instruction; held against NVIDIA's assembler). */
#include <string.h>

#include "case_build.h"

static bool has(const ptx_instruction *i, ptx_slot slot) { return i->slots[slot] != PTX_NO_WORD; }

static bool in_space(const ptx_instruction *i, int32_t a, int32_t b, int32_t c) {
    int32_t space = i->slots[PTX_SLOT_space];
    return space != PTX_NO_WORD && (space == a || space == b || space == c);
}

/* ---- which there are ------------------------------------------------------------------------------------------------------------------------------------------- */

/* A scope goes with an order between threads, and such an order with a scope; hints of caches with neither. */
static bool access_possible(const ptx_instruction *i) {
    const int32_t sem = i->slots[PTX_SLOT_sem], vec = i->slots[PTX_SLOT_vec], bits = ptx_types[i->types[0]].bits;
    const bool ordered = sem == PTX_WORD_relaxed || sem == PTX_WORD_acquire || sem == PTX_WORD_release, own = in_space(i, PTX_WORD_local, PTX_WORD_const, PTX_WORD_param) || in_space(i, PTX_WORD_param_entry, PTX_WORD_param_func, 0);
    const bool hints = has(i, PTX_SLOT_cache), evicts = has(i, PTX_SLOT_evict), fetches = has(i, PTX_SLOT_prefetch), global = i->slots[PTX_SLOT_space] == PTX_WORD_global, generic = !has(i, PTX_SLOT_space);
    if (vec == PTX_WORD_v4 && bits == 64) return false;
    if (ordered != has(i, PTX_SLOT_scope)) return false;
    if ((ordered || sem == PTX_WORD_volatile) && (hints || has(i, PTX_SLOT_nc))) return false;
    if ((ordered || sem == PTX_WORD_volatile) && own) return false;
    if (has(i, PTX_SLOT_nc) && (!global || sem == PTX_WORD_weak || (hints && i->slots[PTX_SLOT_cache] != PTX_WORD_ca && i->slots[PTX_SLOT_cache] != PTX_WORD_cg && i->slots[PTX_SLOT_cache] != PTX_WORD_cs))) return false;
    if ((evicts || fetches) && (hints || !(global || generic))) return false;
    if (evicts && sem == PTX_WORD_volatile) return false;
    return true;
}

static bool half(int32_t type) { return type == PTX_f16 || type == PTX_bf16; }

static bool conversion_possible(int32_t form, const ptx_instruction *i) {
    const int32_t to = i->types[0], from = i->types[1];
    const bool ftz = has(i, PTX_SLOT_ftz), sat = has(i, PTX_SLOT_sat), relu = has(i, PTX_SLOT_relu), to_nearest = i->slots[PTX_SLOT_round] == PTX_WORD_rn || i->slots[PTX_SLOT_round] == PTX_WORD_rz;
    const bool brain = to == PTX_bf16 || from == PTX_bf16, byte = ptx_types[to].bits == 8 || ptx_types[from].bits == 8;
    if (ftz && to != PTX_f32 && from != PTX_f32) return false;
    if (brain && (sat || byte)) return false;
    switch ((ptx_form_name)form) {
    case PTX_FORM_CVT_INT: { /* .sat only where something may not fit */
        int32_t a = ptx_types[from].bits - (ptx_types[from].kind == PTX_SIGNED), b = ptx_types[to].bits - (ptx_types[to].kind == PTX_SIGNED);
        return !sat || a > b || (ptx_types[from].kind == PTX_SIGNED && ptx_types[to].kind == PTX_UNSIGNED);
    }
    case PTX_FORM_CVT_TO_WHOLE: return to == from;
    case PTX_FORM_CVT_NARROW_HALF:
        if (to == from) return false;
        if (relu) return from == PTX_f32 && to_nearest && !ftz && !sat;
        return true;
    case PTX_FORM_CVT_TF32: return !(relu && i->slots[PTX_SLOT_round] == PTX_WORD_rna);
    default: return true;
    }
}

bool golden_possible(const ptx_form *form, const ptx_instruction *i) {
    if (strcmp(form->opcode, "cvt") == 0) return conversion_possible(i->form, i);
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_LD: case PTX_FORM_LDU: case PTX_FORM_ST: return access_possible(i);
    case PTX_FORM_CVTA: return i->types[0] == PTX_u64; /* modules here have addresses of 64 bits */
    case PTX_FORM_SETP_FLOAT: case PTX_FORM_SETP_FLOAT_BOOL: return !(has(i, PTX_SLOT_ftz) && (i->types[0] == PTX_f64 || i->types[0] == PTX_bf16));
    case PTX_FORM_SETP_PAIR: case PTX_FORM_SETP_PAIR_BOOL: return !(has(i, PTX_SLOT_ftz) && i->types[0] == PTX_bf16x2);
    case PTX_FORM_SET_FLOAT: case PTX_FORM_SET_FLOAT_BOOL: return !(has(i, PTX_SLOT_ftz) && (i->types[1] == PTX_f64 || i->types[1] == PTX_bf16)) && !(half(i->types[1]) && i->types[0] == PTX_f32);
    case PTX_FORM_SET_HALF: case PTX_FORM_SET_HALF_BOOL: return !(has(i, PTX_SLOT_ftz) && (i->types[0] == PTX_bf16 || i->types[1] == PTX_bf16)) && (i->types[0] == i->types[1] || i->types[0] != PTX_f16);
    case PTX_FORM_SET_PAIR: case PTX_FORM_SET_PAIR_BOOL: return !(has(i, PTX_SLOT_ftz) && i->types[1] == PTX_bf16x2) && (i->types[0] == i->types[1] || ptx_types[i->types[0]].kind != PTX_FLOAT);
    case PTX_FORM_FMA_F16: return !(has(i, PTX_SLOT_sat) && has(i, PTX_SLOT_relu));
    case PTX_FORM_PREFETCH: return !(i->slots[PTX_SLOT_space] == PTX_WORD_local && (i->slots[PTX_SLOT_mode] == PTX_WORD_l2_last || i->slots[PTX_SLOT_mode] == PTX_WORD_l2_normal));
    default: return true;
    }
}

/* ---- from when on ------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct need {
    int32_t version, target;
} need;

static need both(need a, need b) { return (need){a.version > b.version ? a.version : b.version, a.target > b.target ? a.target : b.target}; }

static need of_word(int32_t form, int32_t slot, int32_t word) {
    switch (word) {
    case PTX_WORD_cluster: return (need){78, 90};
    case PTX_WORD_shared_cta: return (need){78, 75};
    case PTX_WORD_param_entry: case PTX_WORD_param_func: return (need){83, 75};
    case PTX_WORD_xorsign_abs: return (need){72, 86};
    case PTX_WORD_NaN: return (need){70, 80};
    case PTX_WORD_relu: return (need){70, 80};
    case PTX_WORD_l2_last: case PTX_WORD_l2_normal: return (need){74, 80};
    case PTX_WORD_cta: return slot == PTX_SLOT_cta ? (need){78, 75} : (need){0, 0};
    case PTX_WORD_acquire: case PTX_WORD_release: return form == PTX_FORM_FENCE ? (need){86, 90} : (need){0, 0};
    case PTX_WORD_l2_256: return (need){74, 80};
    case PTX_WORD_param: return form == PTX_FORM_CVTA || form == PTX_FORM_ISSPACEP ? (need){77, 75} : (need){0, 0};
    default: return slot == PTX_SLOT_evict || slot == PTX_SLOT_prefetch ? (need){74, 75} : (need){0, 0};
    }
}

static need of_type(int32_t form, int32_t type) {
    bool f16 = type == PTX_f16 || type == PTX_f16x2, bf16 = type == PTX_bf16 || type == PTX_bf16x2;
    switch ((ptx_form_name)form) {
    case PTX_FORM_ABS_F32: case PTX_FORM_NEG_F32: return f16 ? (need){65, 75} : (need){0, 0};
    case PTX_FORM_MIN_F32: case PTX_FORM_MAX_F32: return f16 ? (need){70, 80} : (need){0, 0};
    case PTX_FORM_ABS_F64: case PTX_FORM_NEG_F64: return bf16 ? (need){70, 80} : (need){0, 0};
    case PTX_FORM_SET_FLOAT: case PTX_FORM_SET_FLOAT_BOOL: case PTX_FORM_SET_HALF: case PTX_FORM_SET_HALF_BOOL: case PTX_FORM_SET_PAIR: case PTX_FORM_SET_PAIR_BOOL: return bf16 ? (need){78, 90} : (need){65, 75};
    case PTX_FORM_SETP_FLOAT: case PTX_FORM_SETP_FLOAT_BOOL: case PTX_FORM_SETP_PAIR: case PTX_FORM_SETP_PAIR_BOOL: case PTX_FORM_ATOM_ADD_HALF: case PTX_FORM_RED_ADD_HALF: return bf16 ? (need){78, 90} : (need){0, 0};
    case PTX_FORM_CVT_FP8: case PTX_FORM_CVT_FP8_HALVES: case PTX_FORM_CVT_FROM_FP8: return (need){81, 89};
    case PTX_FORM_CVT_PACK_BEHIND: return type == PTX_u4 || type == PTX_s4 ? (need){65, 75} : (need){0, 0};
    case PTX_FORM_CVT_TO_INT: case PTX_FORM_CVT_FROM_INT: case PTX_FORM_CVT_TO_WHOLE: case PTX_FORM_CVT_NARROW_HALF: case PTX_FORM_CVT_WIDEN: case PTX_FORM_CVT_WIDEN_F64: return bf16 ? (need){78, 90} : (need){0, 0};
    default: return type == PTX_b128 ? (need){83, 75} : (need){0, 0};
    }
}

void golden_need(int32_t form, const ptx_instruction *i, int32_t *version, int32_t *target) {
    const ptx_form *f = ptx_form_get(form);
    need all = {f->version, f->target};
    for (int32_t s = 0; s < PTX_SLOT_COUNT; s++)
        if (i->slots[s] != PTX_NO_WORD) all = both(all, of_word(form, s, i->slots[s]));
    for (int32_t t = 0; t < 4; t++)
        if (i->types[t] != PTX_NO_TYPE) all = both(all, of_type(form, i->types[t]));
    if (form == PTX_FORM_CVT_TF32 && i->slots[PTX_SLOT_round] != PTX_WORD_rna) all = both(all, (need){78, 90});
    if (all.target < 75) all.target = 75; /* the least that today's assembler builds for */
    all = both(all, (need){all.target >= 89 ? 78 : all.target >= 86 ? 71 : all.target >= 80 ? 70 : 63, 0});
    *version = all.version;
    *target = all.target;
}
