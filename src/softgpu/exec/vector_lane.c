/* SPDX-License-Identifier: Apache-2.0
 * One lane of a warp: what an operand is worth to it, where a result goes; faults; and the slow way of everything that computes, lane by lane as the reference does it. */
#undef VEC_TAIL_CALLS /* addresses of locals are taken here */
#include <stdarg.h>
#include <stdio.h>

#include "number.h"
#include "vector_warp.h"

/* ---- faults ------------------------------------------------------------------------------------------------------------------------------------------------------ */

const vec_step *vec_fault(vec_warp *w, int32_t lane, gpu_fault_kind kind, const ptx_instruction *i, const char *format, ...) {
    gpu_fault *f = &w->worker->fault;
    const uint32_t *size = w->worker->launch->block;
    uint32_t thread = w->number * VEC_LANES + (uint32_t)lane;
    char what[GPU_WHAT_BYTES];
    va_list arguments;
    w->stop = VEC_FAULTED;
    if (f->kind != GPU_NO_FAULT) return NULL;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    memcpy(f->block, w->block->index, sizeof f->block);
    f->thread[0] = thread % size[0], f->thread[1] = thread / size[0] % size[1], f->thread[2] = thread / size[0] / size[1];
    gpu_fault_say(f, kind, w->worker->launch->program->module, w->frame->body->function, i, what);
    return NULL;
}

const vec_step *vec_no_memory(vec_warp *w) {
    w->worker->no_memory = true;
    w->stop = VEC_FAULTED;
    return NULL;
}

/* ---- registers --------------------------------------------------------------------------------------------------------------------------------------------------- */

void vec_fill(vec_slot *s, uint32_t width, uint32_t row_shift) {
    if ((s->state & (VEC_MADE | VEC_SPREAD)) != 0) return;
    for (uint32_t k = 0; k < VEC_LANES; k++) {
        uint64_t value = vec_counted(s, k, row_shift);
        if (width == VEC_32) vec_lanes32(s)[k] = (uint32_t)value;
        else if (width == VEC_64) vec_lanes64(s)[k] = value;
        else vec_lanes128(s)[k] = (ptx_bits){value, 0};
    }
    s->state |= VEC_MADE;
}

void vec_spread(vec_slot *s, uint32_t width, uint32_t row_shift) {
    vec_fill(s, width, row_shift);
    s->state = VEC_SPREAD;
}

static ptx_bits read_slot(const vec_slot *s, uint32_t width, int32_t lane, uint32_t row_shift) {
    if (width == VEC_PREDICATE) return (ptx_bits){s->base >> lane & 1, 0};
    if (vec_scalar(s)) return (ptx_bits){width == VEC_32 ? (uint32_t)vec_counted(s, (uint32_t)lane, row_shift) : vec_counted(s, (uint32_t)lane, row_shift), 0};
    return width == VEC_32 ? (ptx_bits){vec_lanes32(s)[lane], 0} : width == VEC_64 ? (ptx_bits){vec_lanes64(s)[lane], 0} : vec_lanes128(s)[lane];
}

static void write_slot(vec_slot *s, uint32_t width, int32_t lane, uint32_t row_shift, ptx_bits value) {
    if (width == VEC_PREDICATE) {
        s->base = (s->base & ~(UINT64_C(1) << lane)) | (value.low & 1) << lane;
        return;
    }
    vec_spread(s, width, row_shift);
    if (width == VEC_32) vec_lanes32(s)[lane] = (uint32_t)value.low;
    else if (width == VEC_64) vec_lanes64(s)[lane] = value.low;
    else vec_lanes128(s)[lane] = value;
}

static vec_slot *slot_of(const vec_frame *f, int32_t number) { return (vec_slot *)(void *)(f->registers + f->body->registers[number].at); }

/* ---- operands ------------------------------------------------------------------------------------------------------------------------------------------------------- */

uint64_t vec_special(const vec_warp *w, int32_t at, int32_t number) {
    const gpu_launch *l = w->worker->launch;
    uint32_t lane = (uint32_t)at, thread = w->number * VEC_LANES + lane;
    switch ((ptx_special)number) {
    case PTX_SPECIAL_TID_X: return thread % l->block[0];
    case PTX_SPECIAL_TID_Y: return thread / l->block[0] % l->block[1];
    case PTX_SPECIAL_TID_Z: return thread / l->block[0] / l->block[1];
    case PTX_SPECIAL_NTID_X: case PTX_SPECIAL_NTID_Y: case PTX_SPECIAL_NTID_Z: return l->block[number - PTX_SPECIAL_NTID_X];
    case PTX_SPECIAL_CTAID_X: case PTX_SPECIAL_CTAID_Y: case PTX_SPECIAL_CTAID_Z: return w->block->index[number - PTX_SPECIAL_CTAID_X];
    case PTX_SPECIAL_NCTAID_X: case PTX_SPECIAL_NCTAID_Y: case PTX_SPECIAL_NCTAID_Z: return l->grid[number - PTX_SPECIAL_NCTAID_X];
    case PTX_SPECIAL_LANEID: return lane;
    case PTX_SPECIAL_WARPID: return w->number;
    case PTX_SPECIAL_NWARPID: return w->block->warp_count;
    case PTX_SPECIAL_NSMID: return 1;
    case PTX_SPECIAL_LANEMASK_EQ: return UINT64_C(1) << lane;
    case PTX_SPECIAL_LANEMASK_LE: return (UINT64_C(2) << lane) - 1;
    case PTX_SPECIAL_LANEMASK_LT: return (UINT64_C(1) << lane) - 1;
    case PTX_SPECIAL_LANEMASK_GE: return UINT64_C(0xffffffff) & ~((UINT64_C(1) << lane) - 1);
    case PTX_SPECIAL_LANEMASK_GT: return UINT64_C(0xffffffff) & ~((UINT64_C(2) << lane) - 1);
    case PTX_SPECIAL_CLOCK: case PTX_SPECIAL_GLOBALTIMER_LO: return (uint32_t)(w->worker->warp_instructions + (uint64_t)(VEC_TURN - w->left));
    case PTX_SPECIAL_CLOCK_HI: case PTX_SPECIAL_GLOBALTIMER_HI: return (w->worker->warp_instructions + (uint64_t)(VEC_TURN - w->left)) >> 32;
    case PTX_SPECIAL_CLOCK64: case PTX_SPECIAL_GLOBALTIMER: return w->worker->warp_instructions + (uint64_t)(VEC_TURN - w->left);
    case PTX_SPECIAL_TOTAL_SMEM_SIZE: return w->block->shared_bytes;
    case PTX_SPECIAL_DYNAMIC_SMEM_SIZE: return l->dynamic_shared_bytes;
    default: return 0; /* %smid, %gridid */
    }
}

/* A constant as an operand of a type sees it. */
uint64_t vec_constant(const ptx_operand *o, ptx_type type) {
    uint64_t value = o->bits;
    if (o->kind == PTX_REAL) {
        ptx_type written = o->single ? PTX_f32 : PTX_f64;
        if (ptx_types[type].kind == PTX_FLOAT && type != written) value = ptx_number_write(type, ptx_number_read(written, o->bits, false), (ptx_fitting){0});
    }
    if (type == PTX_pred) value = (value & 1) ^ o->negated;
    return ptx_trim(type, value);
}

ptx_bits vec_value(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_type type) {
    ptx_bits v = {0, 0};
    switch ((ptx_operand_kind)o->kind) {
    case PTX_REGISTER:
        if (o->number >= 0) v = read_slot(slot_of(f, o->number), f->body->registers[o->number].width, lane, f->row_shift);
        break;
    case PTX_INTEGER: case PTX_REAL: return (ptx_bits){vec_constant(o, type), 0};
    case PTX_SPECIAL: v.low = vec_special(w, lane, o->number); break;
    case PTX_ADDRESS_OF: v.low = o->variable != NULL ? vec_address_of(w, f, o->variable) + o->bits : gpu_program_function_address(w->worker->launch->program, o->function); break;
    default: break;
    }
    if (type == PTX_pred) v.low = (v.low & 1) ^ o->negated;
    v.low = ptx_trim(type, v.low);
    if (ptx_types[type].bits <= 64) v.high = 0;
    return v;
}

/* A register that is wider than the type takes the number: signed ones with their sign. */
void vec_write(const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_type type, ptx_bits value) {
    if (o->kind != PTX_REGISTER || o->number < 0) return;
    const vec_register *r = &f->body->registers[o->number];
    ptx_type has = (ptx_type)r->type;
    if (ptx_is_signed(type) && ptx_types[has].bits > ptx_types[type].bits) value.low = (uint64_t)ptx_signed(type, value.low);
    value.low = ptx_trim(has, value.low);
    write_slot(slot_of(f, o->number), r->width, lane, f->row_shift, value);
}

void vec_write_pair(const vec_frame *f, int32_t lane, const ptx_instruction *i, bool value) {
    if (i->paired && i->pair >= 0) write_slot(slot_of(f, i->pair), VEC_PREDICATE, lane, f->row_shift, (ptx_bits){value, 0});
}

/* ---- lane by lane ----------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool compute_lane(vec_warp *w, const ptx_form *form, const ptx_instruction *i, int32_t lane) {
    ptx_given g = {.carry = (w->carry >> lane & 1) != 0};
    for (int32_t k = 0; k < i->operand_count; k++) {
        const ptx_operand_rule *rule = &form->operands[k];
        const ptx_operand *o = &i->operands[k];
        if (rule->role == PTX_ROLE_WRITTEN) continue;
        if (o->kind != PTX_VECTOR) g.in[k] = vec_value(w, w->frame, lane, o, ptx_rule_type(rule, i, 64));
        for (int32_t e = 0; o->kind == PTX_VECTOR && e < o->count; e++) g.parts[e] = vec_value(w, w->frame, lane, &o->items[e], PTX_b64);
    }
    if (!ptx_compute(i, &g)) return false;
    const ptx_operand *to = &i->operands[0];
    w->carry = (w->carry & ~(UINT32_C(1) << lane)) | (uint32_t)g.carry << lane;
    if (to->kind != PTX_VECTOR) vec_write(w->frame, lane, to, ptx_rule_type(&form->operands[0], i, 64), g.out);
    for (int32_t e = 0; to->kind == PTX_VECTOR && e < to->count; e++) vec_write(w->frame, lane, &to->items[e], PTX_b64, g.parts[e]);
    vec_write_pair(w->frame, lane, i, g.second);
    return true;
}

const vec_step *vec_run_any(vec_warp *w, const vec_step *s) {
    const ptx_form *form = ptx_form_get(s->i->form);
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        if (!compute_lane(w, form, s->i, __builtin_ctz(rest))) return vec_fault(w, __builtin_ctz(rest), GPU_FAULT_CALL, s->i, "%s is not built into the vector executor", form->opcode);
    VEC_NEXT(w, s);
}

static void take_lanes(vec_slot *to, const vec_slot *from, uint32_t width, uint32_t mask) {
    uint64_t chosen[VEC_LANES];
    for (uint32_t k = 0; k < VEC_LANES; k++) chosen[k] = 0 - (uint64_t)(mask >> k & 1);
    if (width == VEC_32) {
        uint32_t *d = vec_lanes32(to);
        const uint32_t *a = vec_lanes32(from);
        for (uint32_t k = 0; k < VEC_LANES; k++) d[k] = (a[k] & (uint32_t)chosen[k]) | (d[k] & ~(uint32_t)chosen[k]);
    } else {
        uint64_t *d = vec_lanes64(to);
        const uint64_t *a = vec_lanes64(from);
        for (uint32_t k = 0; k < VEC_LANES; k++) d[k] = (a[k] & chosen[k]) | (d[k] & ~chosen[k]);
    }
}

/* A step that would write all lanes writes a place beside, from which those of the mask are taken. Behind it stands vec_run_stop, so that nothing goes on there. */
bool vec_run_plain_masked(vec_warp *w, const vec_step *s, uint32_t mask) {
    vec_step *one = w->single;
    one[0] = *s;
    if (s->fused) one[0].run = s->alone;
    one[0].d = VEC_SCRATCH;
    one[0].pair = VEC_SCRATCH_PAIR;
    const vec_step *at = one;
    while (at == one) at = one->run(w, one); /* it may make its operands' lanes first */
    if (at == NULL) return false;
    vec_slot *from = vec_at(w, VEC_SCRATCH), *to = vec_at(w, s->d);
    uint64_t pair = vec_at(w, VEC_SCRATCH_PAIR)->base;
    if (s->width == VEC_PREDICATE) {
        to->base = (to->base & ~(uint64_t)mask) | (from->base & mask);
    } else if (s->width != VEC_NOTHING) {
        vec_fill(from, s->width, w->row_shift);
        vec_spread(to, s->width, w->row_shift);
        take_lanes(to, from, s->width, mask);
    }
    if (s->pair != VEC_TRASH) {
        vec_slot *second = vec_at(w, s->pair);
        second->base = (second->base & ~(uint64_t)mask) | (pair & mask);
    }
    return true;
}

/* Of the second half of a body's steps: the same step of the first, for the lanes of the split. */
const vec_step *vec_run_single_masked(vec_warp *w, const vec_step *s) { return vec_run_plain_masked(w, s - w->frame->body->count, w->mask) ? s + 1 : NULL; }
