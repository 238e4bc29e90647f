/* SPDX-License-Identifier: Apache-2.0
 * What is told while kernels run: to observers, by a step before each instruction, which lanes execute it and what they access; to listeners, each access of each lane, and where lanes wait for each other. */
#include "gpu_listener.h"
#include "gpu_observer.h"
#include "gpu_waits.h"
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

/* ---- listeners ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static gpu_access access_by(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i) {
    const gpu_launch *l = w->worker->launch;
    const uint32_t *block = w->block->index, *size = l->block;
    uint32_t thread = w->number * VEC_LANES + (uint32_t)lane;
    return (gpu_access){.launch = l, .function = f->body->function, .instruction = i, .block = {block[0], block[1], block[2]}, .thread = {thread % size[0], thread / size[0] % size[1], thread / size[0] / size[1]},
                        .block_number = vec_block_number(w), .thread_number = thread};
}

void vec_tell(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, gpu_access_kind kind, const char *before, const char *value) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l == NULL) return;
    if (space == PTX_SPACE_generic) space = gpu_space_of(address, &address);
    if (space == PTX_SPACE_param) return;
    int32_t sem = i->slots[PTX_SLOT_sem];
    gpu_access a = access_by(w, f, lane, i);
    a.space = space, a.address = address, a.bytes = bytes, a.kind = kind, a.before = before, a.value = value;
    a.strong = kind == GPU_ACCESS_ATOMIC || (sem != PTX_NO_WORD && sem != PTX_WORD_weak);
    a.of_block = gpu_orders_block_alone(i);
    l->access(l->user, &a);
}

void vec_tell_copy(const vec_warp *w, const vec_copy *c) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l == NULL) return;
    gpu_access a = access_by(w, w->frame, c->lane, c->instruction);
    a.space = PTX_SPACE_shared, a.address = c->to, a.bytes = c->bytes, a.kind = GPU_ACCESS_WRITE;
    if (c->space == PTX_SPACE_generic) gpu_space_of(c->to, &a.address);
    l->copy_begun(l->user, &a);
}

void vec_tell_copies_done(const vec_warp *w, int32_t lane, uint32_t left) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l != NULL) l->copies_done(l->user, vec_block_number(w), w->number * VEC_LANES + (uint32_t)lane, left);
}

void vec_tell_fence(const vec_warp *w, const ptx_instruction *i) {
    const gpu_listener *l = w->worker->launch->listener;
    for (uint32_t rest = l == NULL ? 0 : w->mask; rest != 0; rest &= rest - 1) l->fence(l->user, vec_block_number(w), w->number * VEC_LANES + (uint32_t)__builtin_ctz(rest), gpu_orders_block_alone(i));
}

void vec_tell_absent(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, int32_t from) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l == NULL) return;
    gpu_access a = access_by(w, f, lane, i);
    l->absent(l->user, &a, from);
}

void vec_tell_warp_barrier(const vec_warp *w, uint32_t lanes) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l != NULL) l->warp_barrier(l->user, vec_block_number(w), w->number, lanes);
}

/* Of a warp that is about to go on: do all of its lanes wait at one instruction? */
void vec_tell_divergence(const vec_warp *w, int32_t barrier) {
    const gpu_listener *l = w->worker->launch->listener;
    const vec_split *first = NULL;
    for (int32_t lane = 0; l != NULL && lane < VEC_LANES; lane++) {
        const vec_split *own = NULL;
        for (int32_t k = 0; k < w->split_count && own == NULL; k++)
            if ((w->splits[k].mask >> lane & 1) != 0) own = &w->splits[k];
        if (own == NULL || own->state != VEC_AT_BARRIER || own->barrier != barrier) continue;
        if (first == NULL) first = own;
        if (own->waiting == first->waiting || !gpu_waits_whole_warps(own->waiting)) continue;
        gpu_access a = access_by(w, own->frame, lane, own->waiting);
        l->divergent(l->user, &a, first->waiting);
        return;
    }
}

/* Of a barrier of the whole block that is about to open, to which so many threads came. */
void vec_tell_skipping(const vec_block *b, int32_t barrier, uint32_t came) {
    const gpu_launch *launch = b->warps[0].worker->launch;
    const gpu_listener *l = launch->listener;
    uint32_t threads = launch->block[0] * launch->block[1] * launch->block[2];
    for (uint32_t w = 0; l != NULL && came < threads && w < b->warp_count; w++)
        for (int32_t k = 0; k < b->warps[w].split_count; k++) {
            const vec_split *split = &b->warps[w].splits[k];
            if (split->state != VEC_AT_BARRIER || split->barrier != barrier) continue;
            gpu_access a = access_by(&b->warps[w], split->frame, __builtin_ctz(split->mask), split->waiting);
            l->skipped(l->user, &a, came, threads);
            return;
        }
}

void vec_tell_arrived(const vec_warp *w, int32_t barrier) {
    const gpu_listener *l = w->worker->launch->listener;
    if (l != NULL) l->arrived(l->user, vec_block_number(w), barrier, w->number);
}

void vec_tell_barrier(const vec_block *b, int32_t barrier, const uint32_t *came, const uint32_t *go) {
    const gpu_listener *l = b->warps[0].worker->launch->listener;
    if (l != NULL) l->barrier(l->user, vec_block_number(&b->warps[0]), barrier, came, go, b->warp_count);
}
