/* SPDX-License-Identifier: Apache-2.0
 * A step before each instruction of code that is observed: it tells which lanes execute it, and what they access. */
#include "gpu_observer.h"
#include "vector_warp.h"

/* The operand that is an address, and how many bytes a lane accesses there; 0: it accesses no memory. cp.async: what it reads. */
static uint32_t access_of(const ptx_instruction *i, const ptx_operand **address) {
    const ptx_form *form = ptx_form_get(i->form);
    bool copies = i->form == PTX_FORM_CP_ASYNC || i->form == PTX_FORM_CP_ASYNC_IGNORE;
    int32_t at = -1, value = -1;
    if (i->form == PTX_FORM_PREFETCH || i->form == PTX_FORM_PREFETCHU) return 0;
    for (int32_t k = 0; k < i->operand_count; k++) {
        if (form->operands[k].role == PTX_ROLE_MEMORY) at = k;
        else value = value < 0 ? k : value;
    }
    if (at < 0) return 0;
    *address = &i->operands[at];
    if (copies) return (uint32_t)i->operands[2].bits;
    if (i->form == PTX_FORM_LDMATRIX) return 16;
    int32_t count = value >= 0 && i->operands[value].kind == PTX_VECTOR ? i->operands[value].count : 1;
    return (uint32_t)(ptx_types[i->types[0]].bits / 8 * count);
}

static ptx_space space_of(const ptx_instruction *i) {
    if (i->form == PTX_FORM_LDMATRIX) return PTX_SPACE_shared;
    return i->form == PTX_FORM_LDU || i->form == PTX_FORM_CP_ASYNC || i->form == PTX_FORM_CP_ASYNC_IGNORE ? PTX_SPACE_global : ptx_instruction_space(i);
}

const vec_step *vec_run_observe(vec_warp *w, const vec_step *s) {
    const gpu_observer *o = w->worker->launch->observer;
    const ptx_operand *address = NULL;
    uint32_t truths = s->guard == VEC_TRASH ? UINT32_MAX : (uint32_t)vec_at(w, s->guard)->base;
    if (o == NULL) VEC_NEXT(w, s);
    gpu_warp_step e = {.function = w->frame->body->function, .instruction = s->i, .warp = w->number, .lanes = w->mask & (s->negated ? ~truths : truths), .running = w->mask, .alive = w->alive, .bytes = access_of(s->i, &address)};
    memcpy(e.block, w->block->index, sizeof e.block);
    for (uint32_t rest = e.bytes == 0 ? 0 : e.lanes; rest != 0; rest &= rest - 1) {
        int32_t lane = __builtin_ctz(rest);
        e.spaces[lane] = space_of(s->i);
        e.addresses[lane] = vec_operand_address(w, w->frame, lane, address, &e.spaces[lane]);
        if (e.spaces[lane] == PTX_SPACE_generic) e.spaces[lane] = gpu_space_of(e.addresses[lane], &e.addresses[lane]);
    }
    o->step(o->user, &e);
    VEC_NEXT(w, s);
}
