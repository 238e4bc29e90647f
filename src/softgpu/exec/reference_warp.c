/* SPDX-License-Identifier: Apache-2.0
 * What threads do together in the reference executor: operations of a warp, which happen when all lanes of their mask have come to one of the same words, and
 * barriers of a block. */
#include <string.h>

#include "gpu_waits.h"
#include "reference_thread.h"

/* ---- beginning to wait -------------------------------------------------------------------------------------------------------------------------------------- */

static bool reach_barrier(gpu_thread *t, const ptx_instruction *i, gpu_arrival how, int32_t number, int32_t count, int32_t predicate) {
    uint64_t id = gpu_thread_value(t, &i->operands[number], PTX_u32).low, wanted = count < 0 ? 0 : gpu_thread_value(t, &i->operands[count], PTX_u32).low;
    if (id >= GPU_BARRIERS) return gpu_thread_fault(t, GPU_FAULT_BARRIER, i, "barrier %llu; a block has barriers 0 to %d", (unsigned long long)id, GPU_BARRIERS - 1);
    if (count >= 0 && (wanted == 0 || wanted % GPU_WARP != 0)) return gpu_thread_fault(t, GPU_FAULT_BARRIER, i, "barrier %llu for %llu threads; their number must be a multiple of %d", (unsigned long long)id, (unsigned long long)wanted, GPU_WARP);
    gpu_barrier *b = &t->block->barriers[id];
    if (b->used && b->expected != wanted) return gpu_thread_fault(t, GPU_FAULT_BARRIER, i, "barrier %llu is waited at for %u threads and for %llu", (unsigned long long)id, b->expected, (unsigned long long)wanted);
    b->used = true;
    b->expected = (uint32_t)wanted;
    b->lanes[t->warp] |= UINT32_C(1) << t->lane;
    b->truths[t->warp] |= (uint32_t)(predicate >= 0 && gpu_thread_value(t, &i->operands[predicate], PTX_pred).low != 0) << t->lane;
    const gpu_listener *l = t->block->launch->listener;
    if (how == GPU_ARRIVES) {
        if (l != NULL) l->arrived(l->user, t->block->number, (int32_t)id, t->warp);
        gpu_thread_frame(t)->pc++;
        return true;
    }
    t->barrier = (int32_t)id;
    t->waiting = i;
    t->state = GPU_AT_BARRIER;
    return true;
}

bool gpu_thread_wait(gpu_thread *t, const ptx_instruction *i, bool *handled) {
    int32_t number, count, predicate, mask = gpu_mask_operand(i);
    gpu_arrival how = gpu_barrier_operands(i, &number, &count, &predicate);
    *handled = how != GPU_NO_BARRIER || mask != GPU_NO_WARP_OPERATION;
    if (how != GPU_NO_BARRIER) return reach_barrier(t, i, how, number, count, predicate);
    if (mask == GPU_NO_WARP_OPERATION) return true;
    t->mask = mask == GPU_WHOLE_WARP ? UINT32_MAX : mask < 0 ? 0 : (uint32_t)gpu_thread_value(t, &i->operands[mask], PTX_b32).low;
    if (mask >= 0 && (t->mask >> t->lane & 1) == 0) return gpu_thread_fault(t, GPU_FAULT_MASK, i, "lane %u is not in the mask 0x%x it waits with", t->lane, t->mask);
    t->waiting = i;
    t->rounds = 0;
    t->state = GPU_AT_WARP;
    return true;
}

/* ---- operations of a warp -------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct warp {
    gpu_thread *lanes[GPU_WARP]; /* NULL: it takes no part */
    const ptx_instruction *i;
    uint32_t members;
} warp;

/* Lanes may have come to different instructions of one form: each reads and writes its own operands. */
static const ptx_operand *own(const warp *w, int32_t lane, int32_t operand) { return &w->lanes[lane]->waiting->operands[operand]; }

static gpu_access access_of(const gpu_thread *t) {
    const gpu_block *b = t->block;
    return (gpu_access){.launch = b->launch, .function = gpu_thread_frame(t)->function, .instruction = t->waiting, .block = {b->index[0], b->index[1], b->index[2]}, .thread = {t->index[0], t->index[1], t->index[2]}, .block_number = b->number, .thread_number = t->warp * GPU_WARP + t->lane};
}

static void tell_absent(const gpu_thread *t, int32_t from) {
    const gpu_listener *l = t->block->launch->listener;
    gpu_access a = access_of(t);
    if (l != NULL) l->absent(l->user, &a, from);
}

/* Where lane reads from, within its segment (manual: shfl). */
static void shuffle(const warp *w) {
    uint64_t values[GPU_WARP] = {0};
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) values[k] = gpu_thread_value(w->lanes[k], own(w, k, 1), PTX_b32).low;
    for (int32_t k = 0; k < GPU_WARP; k++) {
        gpu_thread *t = w->lanes[k];
        if (t == NULL) continue;
        int32_t b = (int32_t)(gpu_thread_value(t, own(w, k, 2), PTX_b32).low & 31), c = (int32_t)gpu_thread_value(t, own(w, k, 3), PTX_b32).low;
        int32_t clamp = c & 31, segment = c >> 8 & 31, most = (k & segment) | (clamp & ~segment), least = k & segment, from;
        bool inside;
        switch (w->i->slots[PTX_SLOT_mode]) {
        case PTX_WORD_up: from = k - b, inside = from >= most; break;
        case PTX_WORD_down: from = k + b, inside = from <= most; break;
        case PTX_WORD_bfly: from = k ^ b, inside = from <= most; break;
        default: from = least | (b & ~segment), inside = from <= most; break;
        }
        if (!inside) from = k;
        bool there = from >= 0 && from < GPU_WARP && w->lanes[from] != NULL;
        if (!there) tell_absent(t, from);
        gpu_thread_write(t, own(w, k, 0), PTX_b32, (ptx_bits){values[there ? from : k], 0}); /* from a lane that takes no part comes anything */
        gpu_thread_write_pair(t, t->waiting, inside);
    }
}

static void vote(const warp *w) {
    uint32_t truths = 0;
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) truths |= (uint32_t)gpu_thread_value(w->lanes[k], own(w, k, 1), PTX_pred).low << k;
    int32_t mode = w->i->slots[PTX_SLOT_mode];
    bool verdict = mode == PTX_WORD_all ? truths == w->members : mode == PTX_WORD_any ? truths != 0 : truths == 0 || truths == w->members;
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) gpu_thread_write(w->lanes[k], own(w, k, 0), mode == PTX_WORD_ballot ? PTX_b32 : PTX_pred, (ptx_bits){mode == PTX_WORD_ballot ? truths : verdict, 0});
}

static void match(const warp *w) {
    ptx_type type = (ptx_type)w->i->types[0];
    uint64_t values[GPU_WARP] = {0};
    uint32_t equal[GPU_WARP] = {0};
    bool all = w->i->form == PTX_FORM_MATCH_ALL, same = true;
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) values[k] = gpu_thread_value(w->lanes[k], own(w, k, 1), type).low;
    for (int32_t k = 0; k < GPU_WARP; k++)
        for (int32_t j = 0; w->lanes[k] != NULL && j < GPU_WARP; j++)
            if (w->lanes[j] != NULL && values[j] == values[k]) equal[k] |= UINT32_C(1) << j;
    for (int32_t k = 0; k < GPU_WARP; k++) same = same && (w->lanes[k] == NULL || equal[k] == w->members);
    for (int32_t k = 0; k < GPU_WARP; k++) {
        if (w->lanes[k] == NULL) continue;
        gpu_thread_write(w->lanes[k], own(w, k, 0), PTX_b32, (ptx_bits){all ? (same ? w->members : 0) : equal[k], 0});
        gpu_thread_write_pair(w->lanes[k], w->lanes[k]->waiting, same);
    }
}

static void reduce(const warp *w) {
    ptx_type type = (ptx_type)w->i->types[0];
    uint64_t total = 0;
    bool first = true;
    for (int32_t k = 0; k < GPU_WARP; k++) {
        if (w->lanes[k] == NULL) continue;
        uint64_t a = gpu_thread_value(w->lanes[k], own(w, k, 1), type).low;
        bool below = ptx_is_signed(type) ? ptx_signed(type, a) < ptx_signed(type, total) : a < total;
        switch (w->i->slots[PTX_SLOT_op]) {
        case PTX_WORD_min: total = first || below ? a : total; break;
        case PTX_WORD_max: total = first || !below ? a : total; break;
        case PTX_WORD_and: total = first ? a : total & a; break;
        case PTX_WORD_or: total |= a; break;
        case PTX_WORD_xor: total ^= a; break;
        default: total = ptx_trim(type, total + a); break;
        }
        first = false;
    }
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) gpu_thread_write(w->lanes[k], own(w, k, 0), type, (ptx_bits){total, 0});
}

static void elect(const warp *w) {
    int32_t leader = __builtin_ctz(w->members);
    for (int32_t k = 0; k < GPU_WARP; k++) {
        if (w->lanes[k] == NULL) continue;
        gpu_thread_write(w->lanes[k], own(w, k, 0), PTX_b32, (ptx_bits){(uint64_t)leader, 0});
        gpu_thread_write_pair(w->lanes[k], w->lanes[k]->waiting, k == leader);
    }
}

static void tell_warp_barrier(const warp *w) {
    const gpu_thread *t = w->lanes[__builtin_ctz(w->members)];
    const gpu_listener *l = t->block->launch->listener;
    if (l != NULL && w->i->form == PTX_FORM_BAR_WARP) l->warp_barrier(l->user, t->block->number, t->warp, w->members);
}

static bool perform(const warp *w) {
    if (gpu_mask_operand(w->i) == GPU_WHOLE_WARP) {
        gpu_thread *t = w->lanes[__builtin_ctz(w->members)];
        if (w->members != UINT32_MAX) return gpu_thread_fault(t, GPU_FAULT_MASK, w->i, "a matrix needs all 32 lanes, and only those of 0x%x are there", w->members);
        if (w->i->form == PTX_FORM_LDMATRIX && !gpu_warp_load_matrix(w->lanes, w->i)) return false;
        if (w->i->form != PTX_FORM_LDMATRIX) gpu_warp_multiply(w->lanes, w->i);
    }
    switch ((ptx_form_name)w->i->form) {
    case PTX_FORM_SHFL_SYNC: case PTX_FORM_SHFL: shuffle(w); break;
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: vote(w); break;
    case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL: match(w); break;
    case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: reduce(w); break;
    case PTX_FORM_ELECT: elect(w); break;
    case PTX_FORM_ACTIVEMASK:
        for (int32_t k = 0; k < GPU_WARP; k++)
            if (w->lanes[k] != NULL) gpu_thread_write(w->lanes[k], own(w, k, 0), PTX_b32, (ptx_bits){w->members, 0});
        break;
    default: tell_warp_barrier(w); break; /* bar.warp.sync */
    }
    for (int32_t k = 0; k < GPU_WARP; k++)
        if (w->lanes[k] != NULL) gpu_thread_go_on(w->lanes[k]);
    return true;
}

/* Lanes that wait with the lane; false: some of its mask are still to come. Operations without a mask have those that are there; with a seed, which gives lanes that have not parted turns
 * of different lengths, they wait for a while for those that run. */
static bool gather(gpu_block *b, uint32_t first, gpu_thread *t, warp *w) {
    enum { ROUNDS = 64 };
    bool early = b->drawn != NULL && t->mask == 0 && t->rounds++ < ROUNDS;
    uint32_t alive = 0;
    *w = (warp){.i = t->waiting};
    for (uint32_t k = 0; k < GPU_WARP && first + k < b->thread_count; k++) {
        gpu_thread *other = &b->threads[first + k];
        if (early && other->state == GPU_RUNNING) return false;
        if (other->state != GPU_EXITED) alive |= UINT32_C(1) << k;
        if (other->state != GPU_AT_WARP || other->mask != t->mask || !gpu_waits_meet(other->waiting, t->waiting)) continue;
        w->lanes[k] = other;
        w->members |= UINT32_C(1) << k;
    }
    return t->mask == 0 || w->members == (t->mask & alive); /* lanes that have exited are not waited for */
}

bool gpu_warp_settle(gpu_block *b, uint32_t number, bool *moved) {
    uint32_t first = number * GPU_WARP;
    for (uint32_t k = 0; k < GPU_WARP && first + k < b->thread_count; k++) {
        warp w;
        if (b->threads[first + k].state != GPU_AT_WARP || !gather(b, first, &b->threads[first + k], &w)) continue;
        if (!perform(&w)) return false;
        *moved = true;
    }
    return true;
}

/* ---- barriers ---------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint32_t living(const gpu_block *b, uint32_t number) {
    uint32_t alive = 0;
    for (uint32_t k = 0; k < GPU_WARP && number * GPU_WARP + k < b->thread_count; k++) alive |= (uint32_t)(b->threads[number * GPU_WARP + k].state != GPU_EXITED) << k;
    return alive;
}

uint32_t gpu_barrier_arrived(const gpu_block *b, const gpu_barrier *at, uint32_t *threads, uint32_t *alive) {
    uint32_t warps = 0;
    *threads = *alive = 0;
    for (uint32_t w = 0; w * GPU_WARP < b->thread_count; w++) {
        uint32_t there = living(b, w);
        *threads += (uint32_t)__builtin_popcount(at->lanes[w]);
        *alive += (uint32_t)__builtin_popcount(there);
        warps += at->lanes[w] != 0 && (there & ~at->lanes[w]) == 0;
    }
    return warps;
}

static void give_verdict(gpu_thread *t, uint32_t truths, uint32_t arrived) {
    int32_t number, count, predicate, op = t->waiting->slots[PTX_SLOT_op];
    gpu_barrier_operands(t->waiting, &number, &count, &predicate);
    if (predicate >= 0) gpu_thread_write(t, &t->waiting->operands[0], op == PTX_WORD_popc ? PTX_u32 : PTX_pred, (ptx_bits){op == PTX_WORD_popc ? truths : op == PTX_WORD_and ? truths == arrived : truths != 0, 0});
}

/* Of a warp that goes on: do all of its lanes wait at one instruction? */
static void look_for_divergence(const gpu_block *b, int32_t id, uint32_t number) {
    const gpu_listener *l = b->launch->listener;
    const gpu_thread *first = NULL;
    for (uint32_t k = number * GPU_WARP; l != NULL && k < b->thread_count && k < (number + 1) * GPU_WARP; k++) {
        const gpu_thread *t = &b->threads[k];
        if (t->state != GPU_AT_BARRIER || t->barrier != id) continue;
        if (first == NULL) first = t;
        if (t->waiting == first->waiting || !gpu_waits_whole_warps(t->waiting)) continue;
        gpu_access a = access_of(&b->threads[k]);
        l->divergent(l->user, &a, first->waiting);
        return;
    }
}

/* Of a barrier of the whole block, to which so many threads came. */
static void look_for_skipping(const gpu_block *b, int32_t id, uint32_t came) {
    const gpu_listener *l = b->launch->listener;
    if (l == NULL || came == b->thread_count) return;
    for (uint32_t k = 0; k < b->thread_count; k++) {
        if (b->threads[k].state != GPU_AT_BARRIER || b->threads[k].barrier != id) continue;
        gpu_access a = access_of(&b->threads[k]);
        l->skipped(l->user, &a, came, b->thread_count);
        return;
    }
}

/* Lets `warps` warps of those that are there go on; the others stay for the next time. */
static void release(gpu_block *b, int32_t id, uint32_t warps) {
    gpu_barrier *at = &b->barriers[id];
    const gpu_listener *l = b->launch->listener;
    uint32_t came[GPU_WARPS_MAX] = {0}, go[GPU_WARPS_MAX] = {0}, arrived = 0, truths = 0;
    for (uint32_t w = 0; w * GPU_WARP < b->thread_count; w++) {
        bool whole = at->lanes[w] != 0 && (living(b, w) & ~at->lanes[w]) == 0;
        if (!whole || warps == 0) continue;
        warps--;
        came[w] = at->lanes[w];
        arrived += (uint32_t)__builtin_popcount(at->lanes[w]);
        truths += (uint32_t)__builtin_popcount(at->truths[w]);
        at->lanes[w] = at->truths[w] = 0;
    }
    for (uint32_t w = 0; w * GPU_WARP < b->thread_count; w++) {
        if (came[w] == 0) continue;
        look_for_divergence(b, id, w);
        for (uint32_t k = w * GPU_WARP; k < b->thread_count && k < (w + 1) * GPU_WARP; k++) {
            gpu_thread *t = &b->threads[k];
            if (t->state != GPU_AT_BARRIER || t->barrier != id) continue;
            give_verdict(t, truths, arrived);
            gpu_thread_go_on(t);
            go[w] |= UINT32_C(1) << t->lane;
        }
    }
    if (l != NULL) l->barrier(l->user, b->number, id, came, go, (b->thread_count + GPU_WARP - 1) / GPU_WARP);
    at->used = false;
    for (uint32_t w = 0; w < GPU_WARPS_MAX; w++) at->used = at->used || at->lanes[w] != 0;
}

/* A warp counts when all of it that lives is there; without a number all of the block is waited for. */
void gpu_barriers_settle(gpu_block *b, bool *moved) {
    for (int32_t id = 0; id < GPU_BARRIERS; id++) {
        gpu_barrier *at = &b->barriers[id];
        uint32_t threads, alive, warps = at->used ? gpu_barrier_arrived(b, at, &threads, &alive) : 0;
        if (!at->used || (at->expected == 0 ? threads < alive : warps * GPU_WARP < at->expected)) continue;
        if (at->expected == 0) look_for_skipping(b, id, threads);
        release(b, id, at->expected == 0 ? GPU_WARPS_MAX : at->expected / GPU_WARP);
        *moved = true;
    }
}
