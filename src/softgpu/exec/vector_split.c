/* SPDX-License-Identifier: Apache-2.0
 * The flow of control of a warp: its splits, which of them runs, and the steps that jump, part and end.
 *
 * The split whose basic block comes first in reverse postorder runs, in the deepest frame first, so that the others are caught up with where ways meet (thread frontiers:
 * Diamos et al., "SIMD Re-convergence at Thread Frontiers", MICRO 2011). A split that only goes round and round lets the others pass after a while, for it may wait for them. */
#include "vector_select.h"
#include "vector_warp.h"

static uint64_t key_of(const vec_frame *f, int32_t pc) { return (uint64_t)(GPU_CALLS_MAX + 1 - f->depth) << 32 | f->body->order[pc]; }
static int32_t place_of(const vec_warp *w, const vec_step *s) {
    const vec_body *b = w->frame->body;
    int32_t at = (int32_t)(s - b->steps);
    return at < b->count ? at : at - b->count;
}

/* ---- splits ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

vec_split *vec_part(vec_warp *w, uint32_t mask, int32_t pc) {
    vec_split *from = &w->splits[w->current], *to = &w->splits[w->split_count++];
    from->mask &= ~mask;
    *to = (vec_split){.mask = mask, .pc = pc, .frame = from->frame, .state = VEC_RUNNING, .patience = VEC_PATIENCE, .limit = VEC_PATIENCE};
    from->frame->users++;
    return to;
}

void vec_forget_split(vec_warp *w, int32_t number) {
    vec_frame_leave(w, w->splits[number].frame);
    w->splits[number] = w->splits[--w->split_count];
}

static void merge(vec_warp *w) {
    for (int32_t i = 0; i < w->split_count; i++)
        for (int32_t k = w->split_count - 1; k > i; k--) {
            vec_split *a = &w->splits[i], *b = &w->splits[k];
            if (a->pc != b->pc || a->frame != b->frame || a->state != VEC_RUNNING || b->state != VEC_RUNNING) continue;
            a->mask |= b->mask;
            a->yielded = a->yielded && b->yielded;
            if (b->patience > a->patience) a->patience = b->patience;
            vec_forget_split(w, k);
        }
}

/* The split that runs next; -1: none can. */
static int32_t choose(vec_warp *w) {
    int32_t best = -1;
    uint64_t best_key = UINT64_MAX;
    bool yielded = false;
    w->frontier = UINT64_MAX;
    for (int32_t k = 0; k < w->split_count; k++) {
        vec_split *s = &w->splits[k];
        if (s->state != VEC_RUNNING) continue;
        yielded = yielded || s->yielded;
        if (s->yielded) continue;
        uint64_t key = key_of(s->frame, s->pc);
        if (best < 0 || key < best_key) {
            w->frontier = best_key;
            best_key = key;
            best = k;
        } else if (key < w->frontier) {
            w->frontier = key;
        }
    }
    for (int32_t k = 0; best < 0 && yielded && k < w->split_count; k++) w->splits[k].yielded = false;
    return best;
}

static void run_split(vec_warp *w, int32_t number) {
    vec_split *split = &w->splits[number];
    const vec_body *b = split->frame->body;
    bool whole = split->mask == w->alive;
    uint32_t lanes = (uint32_t)__builtin_popcount(split->mask);
    int64_t before = w->left;
    w->current = number;
    w->mask = split->mask;
    w->frame = split->frame;
    w->registers = split->frame->registers;
    w->key = key_of(split->frame, split->pc);
    w->patience = split->patience;
    w->stop = VEC_GO_ON;
    const vec_step *s = &b->steps[split->pc + (whole ? 0 : b->count)];
    if (s->run == vec_run_head || s->run == vec_run_head_split) { /* here without asking whether the turn is over, or long blocks would never run */
        w->left -= s->count;
        s++;
    }
    while (s != NULL) s = s->run(w, s);
#if defined(__x86_64__)
    if (w->worker->code->level != GPU_VECTOR_PORTABLE) vec_clear_upper();
#endif
    w->worker->warp_instructions += (uint64_t)(before - w->left);
    w->worker->executed += (uint64_t)(before - w->left) * lanes;
}

/* Forgets where memory was when some was freed since. */
static void look_at_memory(vec_worker *worker) {
    uint64_t generation = atomic_load_explicit(worker->generation, memory_order_acquire);
    if (generation == worker->seen_generation) return;
    memset(worker->windows, 0, sizeof worker->windows);
    memset(worker->near, 0, sizeof worker->near);
    worker->seen_generation = generation;
}

void vec_turn(vec_warp *w) {
    look_at_memory(w->worker);
    w->left = VEC_TURN;
    w->stop = VEC_GO_ON;
    while (w->split_count > 0 && w->stop == VEC_GO_ON) {
        if (w->split_count > 1) merge(w);
        int32_t k = choose(w);
        if (k < 0) return;
        if (w->split_count > 1 && vec_drawn(w->worker) != NULL) k = vec_draw_split(w, k);
        run_split(w, k);
        if (w->left <= 0 && w->stop == VEC_GO_ON) w->stop = VEC_TURN_OVER;
    }
}

bool vec_start(vec_warp *w) {
    bool too_much;
    w->alive = w->threads >= VEC_LANES ? UINT32_MAX : (UINT32_C(1) << w->threads) - 1;
    w->root.users = 2; /* it stays when no split is in it */
    w->root.depth = 1;
    w->frame = &w->root;
    w->carry = 0;
    w->copy_count = 0;
    w->own_parameters_made = false;
    w->single[1] = (vec_step){.run = vec_run_stop};
    memset(w->group, 0, sizeof w->group);
    memset(w->pending, 0, sizeof w->pending);
    w->splits[0] = (vec_split){.mask = w->alive, .pc = 0, .frame = &w->root, .state = VEC_RUNNING, .patience = VEC_PATIENCE, .limit = VEC_PATIENCE};
    w->split_count = 1;
    return vec_push(w, &w->root, w->alive, &too_much);
}

/* ---- basic blocks ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const vec_step *stop_at(vec_warp *w, int32_t pc, vec_stop why) {
    w->splits[w->current].pc = pc;
    w->stop = why;
    return NULL;
}

const vec_step *vec_run_stop(vec_warp *w, const vec_step *s) { return s; }

const vec_step *vec_run_head(vec_warp *w, const vec_step *s) {
    w->left -= s->count;
    if (w->left >= 0) VEC_NEXT(w, s);
    w->left += s->count;
    return stop_at(w, place_of(w, s), VEC_TURN_OVER);
}

/* Another split may be here, or further behind. */
const vec_step *vec_run_head_split(vec_warp *w, const vec_step *s) {
    int32_t pc = place_of(w, s);
    uint64_t key = key_of(w->frame, pc);
    vec_split *own = &w->splits[w->current];
    bool met = key > w->frontier;
    for (int32_t k = 0; k < w->split_count && !met; k++) met = k != w->current && w->splits[k].pc == pc && w->splits[k].frame == w->frame && w->splits[k].state == VEC_RUNNING;
    bool tired = key <= w->key && w->split_count > 1 && --w->patience < 0;
    if (tired) {
        own->yielded = true;
        own->limit = own->limit < VEC_PATIENCE_MAX ? 2 * own->limit : VEC_PATIENCE_MAX;
        own->patience = own->limit;
        return stop_at(w, pc, VEC_GO_ON);
    }
    own->patience = w->patience;
    w->key = key;
    if (met) return stop_at(w, pc, VEC_GO_ON);
    if (w->left < s->count) return stop_at(w, pc, VEC_TURN_OVER);
    w->left -= s->count;
    VEC_NEXT(w, s);
}

/* ---- guards ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static uint32_t guarded(const vec_warp *w, const vec_step *s) {
    uint32_t truths = (uint32_t)vec_at(w, s->guard)->base;
    return w->mask & (s->negated ? ~truths : truths);
}

/* Before a step that is guarded: all lanes go on to it, or past it; or some of them do it alone. */
const vec_step *vec_run_guard(vec_warp *w, const vec_step *s) {
    uint32_t mask = guarded(w, s), before = w->mask;
    if (mask == before) VEC_NEXT(w, s);
    if (mask != 0) {
        bool fine;
        w->mask = mask;
        if (s[1].plain) {
            fine = vec_run_plain_masked(w, &w->frame->body->steps[place_of(w, s + 1)], mask);
        } else {
            w->single[0] = w->frame->body->steps[w->frame->body->count + place_of(w, s + 1)];
            fine = w->single->run(w, w->single) != NULL;
        }
        w->mask = before;
        if (!fine) return NULL;
    }
    s += 2;
    VEC_JUMP(w, s);
}

/* The same before a step that splits may wait at or leave: lanes part. */
const vec_step *vec_run_guard_part(vec_warp *w, const vec_step *s) {
    uint32_t mask = guarded(w, s);
    if (mask == w->mask) VEC_NEXT(w, s);
    if (mask != 0) {
        vec_part(w, w->mask & ~mask, place_of(w, s + 2));
        return stop_at(w, place_of(w, s + 1), VEC_GO_ON);
    }
    s += 2;
    VEC_JUMP(w, s);
}

/* ---- jumps --------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* In a warp that is whole the beginning of the block at the target is passed over. */
const vec_step *vec_run_bra(vec_warp *w, const vec_step *s) {
    uint32_t mask = s->guard == VEC_TRASH ? w->mask : guarded(w, s);
    if (mask == w->mask) {
        const vec_step *to = s + s->target;
        w->left -= s->count;
        if (w->left >= 0) VEC_NEXT(w, to);
        w->left += s->count;
        return stop_at(w, place_of(w, to), VEC_TURN_OVER);
    }
    if (mask == 0) VEC_NEXT(w, s);
    vec_part(w, mask, place_of(w, s + s->target));
    return stop_at(w, place_of(w, s + 1), VEC_GO_ON);
}

const vec_step *vec_run_bra_split(vec_warp *w, const vec_step *s) {
    uint32_t mask = s->guard == VEC_TRASH ? w->mask : guarded(w, s);
    if (mask == w->mask) {
        s += s->target;
        VEC_JUMP(w, s);
    }
    if (mask == 0) VEC_NEXT(w, s);
    vec_part(w, mask, place_of(w, s + s->target));
    return stop_at(w, place_of(w, s + 1), VEC_GO_ON);
}

const vec_step *vec_run_brx(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    const ptx_targets *targets = &w->frame->body->function->targets[i->operands[1].number];
    uint64_t index[VEC_LANES];
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t lane = __builtin_ctz(rest);
        index[lane] = vec_value(w, w->frame, lane, &i->operands[0], PTX_u32).low;
        if (index[lane] >= (uint64_t)targets->count) return vec_fault(w, lane, GPU_FAULT_CALL, i, "a jump to target %llu of %d", (unsigned long long)index[lane], targets->count);
    }
    for (uint32_t rest = w->mask; rest != 0;) {
        uint32_t same = 0;
        int32_t to = w->frame->body->first[targets->labels[index[__builtin_ctz(rest)]].number];
        for (uint32_t left = rest; left != 0; left &= left - 1)
            if (w->frame->body->first[targets->labels[index[__builtin_ctz(left)]].number] == to) same |= left & -left;
        rest &= ~same;
        if (rest != 0) vec_part(w, same, to);
        else stop_at(w, to, VEC_GO_ON);
    }
    return NULL;
}

/* ---- ends ------------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

const vec_step *vec_leave(vec_warp *w, uint32_t mask, int32_t pc) {
    vec_split *split = &w->splits[w->current];
    w->alive &= ~mask;
    split->mask &= ~mask;
    split->pc = pc;
    if (split->mask == 0) vec_forget_split(w, w->current);
    w->stop = VEC_GO_ON;
    return NULL;
}

const vec_step *vec_run_exit(vec_warp *w, const vec_step *s) {
    uint32_t mask = s->guard == VEC_TRASH ? w->mask : guarded(w, s);
    if (mask == 0) VEC_NEXT(w, s);
    return vec_leave(w, mask, place_of(w, s + 1));
}

const vec_step *vec_run_trap(vec_warp *w, const vec_step *s) { return vec_fault(w, __builtin_ctz(w->mask), GPU_FAULT_TRAP, s->i, "the kernel trapped"); }

const vec_step *vec_run_nothing(vec_warp *w, const vec_step *s) {
    if (s->i->form == PTX_FORM_MEMBAR || s->i->form == PTX_FORM_FENCE) {
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        vec_tell_fence(w, s->i);
    }
    VEC_NEXT(w, s);
}
