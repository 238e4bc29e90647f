/* SPDX-License-Identifier: Apache-2.0
 * What lanes do together: operations of a warp, at once where all of it is there, else when all lanes of their mask have come to one of the same words; barriers of a block. */
#include "gpu_waits.h"
#include "vector_warp.h"

bool vec_is_wait(const ptx_instruction *i) { return gpu_mask_operand(i) != GPU_NO_WARP_OPERATION; }

/* ---- lanes that meet ------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct meeting {
    vec_warp *w;
    const ptx_instruction *i;
    const ptx_instruction *own[VEC_LANES]; /* of the same words, with operands of its own */
    vec_frame *frames[VEC_LANES];          /* NULL: it takes no part */
    uint32_t members;
} meeting;

static ptx_bits value(const meeting *m, int32_t lane, int32_t operand, ptx_type type) { return vec_value(m->w, m->frames[lane], lane, &m->own[lane]->operands[operand], type); }
static void give(const meeting *m, int32_t lane, ptx_type type, uint64_t bits) { vec_write(m->frames[lane], lane, &m->own[lane]->operands[0], type, (ptx_bits){bits, 0}); }

/* Where lane reads from, within its segment (manual: shfl). */
static void shuffle(const meeting *m) {
    uint64_t values[VEC_LANES] = {0};
    for (int32_t k = 0; k < VEC_LANES; k++)
        if (m->frames[k] != NULL) values[k] = value(m, k, 1, PTX_b32).low;
    for (int32_t k = 0; k < VEC_LANES; k++) {
        if (m->frames[k] == NULL) continue;
        int32_t b = (int32_t)(value(m, k, 2, PTX_b32).low & 31), c = (int32_t)value(m, k, 3, PTX_b32).low;
        int32_t clamp = c & 31, segment = c >> 8 & 31, most = (k & segment) | (clamp & ~segment), least = k & segment, from;
        bool inside;
        switch (m->i->slots[PTX_SLOT_mode]) {
        case PTX_WORD_up: from = k - b, inside = from >= most; break;
        case PTX_WORD_down: from = k + b, inside = from <= most; break;
        case PTX_WORD_bfly: from = k ^ b, inside = from <= most; break;
        default: from = least | (b & ~segment), inside = from <= most; break;
        }
        if (!inside) from = k;
        bool there = from >= 0 && from < VEC_LANES && m->frames[from] != NULL;
        if (!there) vec_tell_absent(m->w, m->frames[k], k, m->own[k], from);
        give(m, k, PTX_b32, values[there ? from : k]); /* from a lane that takes no part comes anything */
        vec_write_pair(m->frames[k], k, m->own[k], inside);
    }
}

static void vote(const meeting *m) {
    uint32_t truths = 0;
    for (int32_t k = 0; k < VEC_LANES; k++)
        if (m->frames[k] != NULL) truths |= (uint32_t)value(m, k, 1, PTX_pred).low << k;
    int32_t mode = m->i->slots[PTX_SLOT_mode];
    bool verdict = mode == PTX_WORD_all ? truths == m->members : mode == PTX_WORD_any ? truths != 0 : truths == 0 || truths == m->members;
    for (int32_t k = 0; k < VEC_LANES; k++)
        if (m->frames[k] != NULL) give(m, k, mode == PTX_WORD_ballot ? PTX_b32 : PTX_pred, mode == PTX_WORD_ballot ? truths : verdict);
}

static void match(const meeting *m) {
    ptx_type type = (ptx_type)m->i->types[0];
    uint64_t values[VEC_LANES] = {0};
    uint32_t equal[VEC_LANES] = {0};
    bool all = m->i->form == PTX_FORM_MATCH_ALL, same = true;
    for (int32_t k = 0; k < VEC_LANES; k++)
        if (m->frames[k] != NULL) values[k] = value(m, k, 1, type).low;
    for (int32_t k = 0; k < VEC_LANES; k++)
        for (int32_t j = 0; m->frames[k] != NULL && j < VEC_LANES; j++)
            if (m->frames[j] != NULL && values[j] == values[k]) equal[k] |= UINT32_C(1) << j;
    for (int32_t k = 0; k < VEC_LANES; k++) same = same && (m->frames[k] == NULL || equal[k] == m->members);
    for (int32_t k = 0; k < VEC_LANES; k++) {
        if (m->frames[k] == NULL) continue;
        give(m, k, PTX_b32, all ? (same ? m->members : 0) : equal[k]);
        vec_write_pair(m->frames[k], k, m->own[k], same);
    }
}

static void reduce(const meeting *m) {
    ptx_type type = (ptx_type)m->i->types[0];
    uint64_t total = 0;
    bool first = true;
    for (int32_t k = 0; k < VEC_LANES; k++) {
        if (m->frames[k] == NULL) continue;
        uint64_t a = value(m, k, 1, type).low;
        bool below = ptx_is_signed(type) ? ptx_signed(type, a) < ptx_signed(type, total) : a < total;
        switch (m->i->slots[PTX_SLOT_op]) {
        case PTX_WORD_min: total = first || below ? a : total; break;
        case PTX_WORD_max: total = first || !below ? a : total; break;
        case PTX_WORD_and: total = first ? a : total & a; break;
        case PTX_WORD_or: total |= a; break;
        case PTX_WORD_xor: total ^= a; break;
        default: total = ptx_trim(type, total + a); break;
        }
        first = false;
    }
    for (int32_t k = 0; k < VEC_LANES; k++)
        if (m->frames[k] != NULL) give(m, k, type, total);
}

static void elect(const meeting *m) {
    int32_t leader = __builtin_ctz(m->members);
    for (int32_t k = 0; k < VEC_LANES; k++) {
        if (m->frames[k] == NULL) continue;
        give(m, k, PTX_b32, (uint64_t)leader);
        vec_write_pair(m->frames[k], k, m->own[k], k == leader);
    }
}

static bool perform(const meeting *m) {
    if (gpu_mask_operand(m->i) == GPU_WHOLE_WARP) {
        if (m->members != UINT32_MAX) return vec_fault(m->w, __builtin_ctz(m->members), GPU_FAULT_MASK, m->i, "a matrix needs all 32 lanes, and only those of 0x%x are there", m->members) != NULL;
        if (m->i->form == PTX_FORM_LDMATRIX) return vec_warp_load_matrix(m->w, m->frames, m->i);
        vec_warp_multiply(m->w, m->frames, m->i);
        return true;
    }
    switch ((ptx_form_name)m->i->form) {
    case PTX_FORM_SHFL_SYNC: case PTX_FORM_SHFL: shuffle(m); break;
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: vote(m); break;
    case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL: match(m); break;
    case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: reduce(m); break;
    case PTX_FORM_ELECT: elect(m); break;
    case PTX_FORM_ACTIVEMASK:
        for (int32_t k = 0; k < VEC_LANES; k++)
            if (m->frames[k] != NULL) give(m, k, PTX_b32, m->members);
        break;
    case PTX_FORM_BAR_WARP: vec_tell_warp_barrier(m->w, m->members); break;
    default: break;
    }
    return true;
}

/* ---- the common ones: all of the warp is there, and its mask is written out ------------------------------------------------------------------------------------------- */

static vec_slot *register_slot(const vec_warp *w, const ptx_operand *o, vec_width width) {
    if (o->kind != PTX_REGISTER || o->number < 0 || w->frame->body->registers[o->number].width != width || o->negated) return NULL;
    return vec_at(w, w->frame->body->registers[o->number].at);
}

/* Both the same in all lanes. */
static bool steady(const vec_warp *w, const ptx_operand *o, int32_t *value_) {
    const vec_slot *slot = o->kind == PTX_REGISTER ? register_slot(w, o, VEC_32) : NULL;
    if (o->kind != PTX_INTEGER && (slot == NULL || (slot->state & (VEC_SPREAD | VEC_STRIDED)) != 0)) return false;
    *value_ = (int32_t)(uint32_t)(slot != NULL ? slot->base : o->bits);
    return true;
}

static bool shuffle_whole(vec_warp *w, const ptx_instruction *i) {
    vec_slot *d = register_slot(w, &i->operands[0], VEC_32), *a = register_slot(w, &i->operands[1], VEC_32);
    int32_t b, c, mode = i->slots[PTX_SLOT_mode];
    if (d == NULL || a == NULL || w->mask != UINT32_MAX || !steady(w, &i->operands[2], &b) || !steady(w, &i->operands[3], &c)) return false;
    int32_t clamp = c & 31, segment = c >> 8 & 31;
    uint32_t values[VEC_LANES], inside_of = 0;
    vec_fill(a, VEC_32, w->row_shift);
    memcpy(values, vec_lanes32(a), sizeof values);
    b &= 31;
    d->state = VEC_SPREAD;
    for (int32_t k = 0; k < VEC_LANES; k++) {
        int32_t most = (k & segment) | (clamp & ~segment), from = mode == PTX_WORD_up ? k - b : mode == PTX_WORD_down ? k + b : mode == PTX_WORD_bfly ? k ^ b : (k & segment) | (b & ~segment);
        bool inside = mode == PTX_WORD_up ? from >= most : from <= most;
        inside_of |= (uint32_t)inside << k;
        vec_lanes32(d)[k] = values[inside && from >= 0 && from < VEC_LANES ? from : k];
    }
    if (i->paired && i->pair >= 0) vec_at(w, w->frame->body->registers[i->pair].at)->base = inside_of;
    return true;
}

static bool vote_whole(vec_warp *w, const ptx_instruction *i) {
    int32_t mode = i->slots[PTX_SLOT_mode];
    vec_slot *d = register_slot(w, &i->operands[0], mode == PTX_WORD_ballot ? VEC_32 : VEC_PREDICATE), *a = register_slot(w, &i->operands[1], VEC_PREDICATE);
    if (d == NULL || a == NULL) return false;
    uint32_t truths = (uint32_t)a->base & w->mask;
    bool verdict = mode == PTX_WORD_all ? truths == w->mask : mode == PTX_WORD_any ? truths != 0 : truths == 0 || truths == w->mask;
    d->base = mode == PTX_WORD_ballot ? truths : verdict ? UINT32_MAX : 0;
    d->state = VEC_SCALAR;
    return true;
}

static bool run_common(vec_warp *w, const ptx_instruction *i, int32_t operand) {
    const ptx_operand *mask = operand >= 0 ? &i->operands[operand] : NULL;
    if (!vec_whole(w) || mask == NULL || mask->kind != PTX_INTEGER || ((uint32_t)mask->bits & w->mask) != w->mask) return false;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_SHFL_SYNC: return shuffle_whole(w, i);
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: return vote_whole(w, i);
    case PTX_FORM_BAR_WARP: vec_tell_warp_barrier(w, w->mask); return true;
    default: return false;
    }
}

/* ---- waiting ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

const vec_step *vec_run_wait(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    int32_t operand = gpu_mask_operand(i);
    bool all = vec_whole(w);
    if (run_common(w, i, operand)) VEC_NEXT(w, s);
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t lane = __builtin_ctz(rest);
        uint32_t mask = operand == GPU_WHOLE_WARP ? UINT32_MAX : operand < 0 ? 0 : (uint32_t)vec_value(w, w->frame, lane, &i->operands[operand], PTX_b32).low;
        if (operand >= 0 && (mask >> lane & 1) == 0) return vec_fault(w, lane, GPU_FAULT_MASK, i, "lane %u is not in the mask 0x%x it waits with", (uint32_t)lane, mask);
        w->wait_mask[lane] = mask;
        all = all && (operand < 0 || (mask & w->alive) == w->alive) && mask == w->wait_mask[__builtin_ctz(w->mask)];
    }
    if (all) {
        meeting m = {.w = w, .i = i, .members = w->mask};
        for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) m.frames[__builtin_ctz(rest)] = w->frame, m.own[__builtin_ctz(rest)] = i;
        if (!perform(&m)) return NULL;
        VEC_NEXT(w, s);
    }
    vec_split *split = &w->splits[w->current];
    split->state = VEC_AT_WARP;
    split->waiting = i;
    split->pc = (int32_t)(s - w->frame->body->steps);
    if (split->pc >= w->frame->body->count) split->pc -= w->frame->body->count;
    w->stop = VEC_GO_ON;
    return NULL;
}

static int32_t split_of(const vec_warp *w, int32_t lane) {
    for (int32_t k = 0; k < w->split_count; k++)
        if ((w->splits[k].mask >> lane & 1) != 0) return k;
    return -1;
}

/* Lanes that wait with the lane; false: some of its mask are still to come. Operations without a mask have those that are there, and do not happen while others are running. */
static bool gather(vec_warp *w, int32_t lane, bool running, meeting *m) {
    const ptx_instruction *i = w->splits[split_of(w, lane)].waiting;
    *m = (meeting){.w = w, .i = i};
    for (int32_t k = 0; k < VEC_LANES; k++) {
        int32_t split = split_of(w, k);
        if (split < 0 || w->splits[split].state != VEC_AT_WARP || w->wait_mask[k] != w->wait_mask[lane] || !gpu_waits_meet(w->splits[split].waiting, i)) continue;
        m->frames[k] = w->splits[split].frame;
        m->own[k] = w->splits[split].waiting;
        m->members |= UINT32_C(1) << k;
    }
    return w->wait_mask[lane] == 0 ? !running : m->members == (w->wait_mask[lane] & w->alive); /* lanes that have exited are not waited for */
}

/* Members go on, apart from lanes of their splits that waited with another mask. */
static void let_go(vec_warp *w, uint32_t members) {
    for (int32_t k = 0, count = w->split_count; k < count; k++) {
        uint32_t going = w->splits[k].mask & members;
        if (going == 0) continue;
        vec_split *split = &w->splits[k];
        if (going != split->mask) {
            w->current = k;
            split = vec_part(w, going, split->pc);
        }
        split->pc++;
        split->state = VEC_RUNNING;
        split->waiting = NULL;
    }
}

void vec_warp_settle(vec_warp *w, bool running, bool *moved) {
    for (int32_t lane = 0; lane < VEC_LANES; lane++) {
        meeting m;
        int32_t split = split_of(w, lane);
        if (split < 0 || w->splits[split].state != VEC_AT_WARP || !gather(w, lane, running, &m)) continue;
        w->frame = w->splits[split].frame;
        w->registers = w->frame->registers;
        w->mask = m.members;
        w->stop = VEC_GO_ON;
        if (!perform(&m)) return;
        let_go(w, m.members);
        *moved = true;
    }
}

/* ---- barriers -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

bool vec_is_barrier(const ptx_instruction *i) {
    int32_t number, count, predicate;
    return gpu_barrier_operands(i, &number, &count, &predicate) != GPU_NO_BARRIER;
}

static void park(vec_split *split, const ptx_instruction *i, int32_t id, int32_t pc) {
    split->barrier = id;
    split->waiting = i;
    split->pc = pc;
    split->state = VEC_AT_BARRIER;
}

/* The common one: a barrier of the whole block whose number is written out. */
static bool reach_common(vec_warp *w, const ptx_instruction *i, int32_t pc) {
    const ptx_operand *o = &i->operands[0];
    bool common = (i->form == PTX_FORM_BAR_SYNC || i->form == PTX_FORM_BARRIER_SYNC) && i->operand_count == 1 && o->kind == PTX_INTEGER && o->bits < VEC_BARRIERS;
    vec_barrier *b = common ? &w->block->barriers[o->bits] : NULL;
    if (!common || (b->used && b->expected != 0)) return false;
    b->used = w->block->barriers_used = true;
    b->expected = 0;
    b->lanes[w->number] |= w->mask;
    park(&w->splits[w->current], i, (int32_t)o->bits, pc);
    w->stop = VEC_GO_ON;
    return true;
}

/* Lanes of one split that come to several barriers part. */
const vec_step *vec_run_barrier(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    int32_t number, count, predicate, pc = (int32_t)(s - w->frame->body->steps);
    gpu_arrival how = gpu_barrier_operands(i, &number, &count, &predicate);
    if (pc >= w->frame->body->count) pc -= w->frame->body->count;
    if (reach_common(w, i, pc)) return NULL;
    for (uint32_t left = w->mask; left != 0;) {
        int32_t first = __builtin_ctz(left);
        uint64_t id = vec_value(w, w->frame, first, &i->operands[number], PTX_u32).low;
        uint32_t same = 0;
        for (uint32_t rest = left; rest != 0; rest &= rest - 1) {
            int32_t lane = __builtin_ctz(rest);
            if (vec_value(w, w->frame, lane, &i->operands[number], PTX_u32).low != id) continue;
            uint64_t wanted = count < 0 ? 0 : vec_value(w, w->frame, lane, &i->operands[count], PTX_u32).low;
            if (id >= VEC_BARRIERS) return vec_fault(w, lane, GPU_FAULT_BARRIER, i, "barrier %llu; a block has barriers 0 to %d", (unsigned long long)id, VEC_BARRIERS - 1);
            if (count >= 0 && (wanted == 0 || wanted % VEC_LANES != 0)) return vec_fault(w, lane, GPU_FAULT_BARRIER, i, "barrier %llu for %llu threads; their number must be a multiple of %d", (unsigned long long)id, (unsigned long long)wanted, VEC_LANES);
            vec_barrier *b = &w->block->barriers[id];
            if (b->used && b->expected != wanted) return vec_fault(w, lane, GPU_FAULT_BARRIER, i, "barrier %llu is waited at for %u threads and for %llu", (unsigned long long)id, b->expected, (unsigned long long)wanted);
            b->used = w->block->barriers_used = true;
            b->expected = (uint32_t)wanted;
            b->lanes[w->number] |= UINT32_C(1) << lane;
            b->truths[w->number] |= (uint32_t)(predicate >= 0 && vec_value(w, w->frame, lane, &i->operands[predicate], PTX_pred).low != 0) << lane;
            same |= rest & -rest;
        }
        left &= ~same;
        if (how == GPU_ARRIVES) {
            vec_tell_arrived(w, (int32_t)id);
            continue;
        }
        park(left != 0 ? vec_part(w, same, pc) : &w->splits[w->current], i, (int32_t)id, pc);
    }
    if (how == GPU_ARRIVES) VEC_NEXT(w, s);
    w->stop = VEC_GO_ON;
    return NULL;
}

uint32_t vec_barrier_arrived(const vec_block *b, const vec_barrier *at, uint32_t *threads, uint32_t *alive) {
    uint32_t warps = 0;
    *threads = *alive = 0;
    for (uint32_t w = 0; w < b->warp_count; w++) {
        uint32_t there = b->warps[w].alive;
        *threads += (uint32_t)__builtin_popcount(at->lanes[w]);
        *alive += (uint32_t)__builtin_popcount(there);
        warps += at->lanes[w] != 0 && (there & ~at->lanes[w]) == 0;
    }
    return warps;
}

static void give_verdict(const vec_split *split, uint32_t truths, uint32_t arrived) {
    int32_t number, count, predicate, op = split->waiting->slots[PTX_SLOT_op];
    gpu_barrier_operands(split->waiting, &number, &count, &predicate);
    if (predicate < 0) return;
    uint64_t verdict = op == PTX_WORD_popc ? truths : op == PTX_WORD_and ? truths == arrived : truths != 0;
    for (uint32_t rest = split->mask; rest != 0; rest &= rest - 1) vec_write(split->frame, __builtin_ctz(rest), &split->waiting->operands[0], op == PTX_WORD_popc ? PTX_u32 : PTX_pred, (ptx_bits){verdict, 0});
}

/* Lets `warps` warps of those that are there go on; the others stay for the next time. */
static void release(vec_block *b, int32_t id, uint32_t warps) {
    vec_barrier *at = &b->barriers[id];
    uint32_t came[VEC_WARPS_MAX] = {0}, go[VEC_WARPS_MAX] = {0}, arrived = 0, truths = 0;
    for (uint32_t w = 0; w < b->warp_count; w++) {
        if (at->lanes[w] == 0 || (b->warps[w].alive & ~at->lanes[w]) != 0 || warps == 0) continue;
        warps--;
        came[w] = at->lanes[w];
        arrived += (uint32_t)__builtin_popcount(at->lanes[w]);
        truths += (uint32_t)__builtin_popcount(at->truths[w]);
        at->lanes[w] = at->truths[w] = 0;
    }
    for (uint32_t w = 0; w < b->warp_count; w++) {
        vec_warp *warp = &b->warps[w];
        if (came[w] == 0) continue;
        vec_tell_divergence(warp, id);
        for (int32_t k = 0; k < warp->split_count; k++) {
            vec_split *split = &warp->splits[k];
            if (split->state != VEC_AT_BARRIER || split->barrier != id) continue;
            give_verdict(split, truths, arrived);
            split->state = VEC_RUNNING;
            split->pc++;
            go[w] |= split->mask;
        }
    }
    vec_tell_barrier(b, id, came, go);
    at->used = false;
    for (uint32_t w = 0; w < VEC_WARPS_MAX; w++) at->used = at->used || at->lanes[w] != 0;
}

/* A warp counts when all of it that lives is there; without a number all of the block is waited for. */
void vec_barriers_settle(vec_worker *worker, vec_block *b, bool *moved) {
    if (!b->barriers_used) return;
    b->barriers_used = false;
    for (int32_t id = 0; id < VEC_BARRIERS; id++) {
        vec_barrier *at = &b->barriers[id];
        if (!at->used) continue;
        uint32_t threads, alive, warps = vec_barrier_arrived(b, at, &threads, &alive);
        if (at->expected == 0 ? threads >= alive : warps * VEC_LANES >= at->expected) {
            if (at->expected == 0) vec_tell_skipping(b, id, threads);
            release(b, id, at->expected == 0 ? VEC_WARPS_MAX : at->expected / VEC_LANES);
            *moved = true;
        }
        b->barriers_used = b->barriers_used || at->used;
    }
}
