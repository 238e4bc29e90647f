/* SPDX-License-Identifier: Apache-2.0
 * Every word that was accessed remembers its last writers and a few readers (words.c); every warp knows up to what time it has seen the accesses of other warps, every lane
 * those of other lanes (vector clocks, after Flanagan and Freund's FastTrack, with time counted for all together). */
#include "races.h"

#include <stdio.h>
#include <string.h>

#include "clocks.h"
#include "place_names.h"
#include "words.h"

enum { WARP = 32, WARPS = 32, BARRIERS = 16, BUCKETS = 1 << 16 };

/* What was published at an address by an atomic or volatile write with a fence before it: for all, and, with fences of the block, for threads of the block that did so last. */
typedef struct release {
    uint64_t address;
    bool shared;
    uint32_t block; /* of shared memory */
    uint32_t of_block;
    gpu_clock clock, clock_of_block;
} release;

typedef struct block_state {
    uint32_t number, threads;
    uint64_t seen[WARPS][WARPS];             /* by a warp, of another of this block */
    uint64_t lane_seen[WARPS][WARP][WARP];   /* by a lane, of another of its warp */
    gpu_clock known[WARPS];                  /* by a warp, of warps of other blocks */
    uint64_t arrived[BARRIERS][WARPS];       /* when a warp last arrived at a barrier without waiting there */
    uint64_t fenced[WARPS * WARP], fenced_of_block[WARPS * WARP]; /* when each thread last fenced, for all, and at least for its block; 0: never */
    gpu_clock pending[WARPS * WARP];          /* what each thread has read the sign of, and has not fenced since */
    gpu_clock pending_of_block[WARPS * WARP]; /* of that, what threads of its block published for it */
    gpu_words shared;
} block_state;

struct gpu_races {
    gpu_findings *findings;
    uint64_t now;
    gpu_words global;
    release *releases;
    int32_t release_count, release_capacity;
    int32_t *buckets, *chains; /* the first release of a hash, and the one behind each: numbers + 1 */
    int32_t chain_capacity;
    block_state **blocks; /* that have begun, and not ended */
    int32_t block_count, block_capacity, last;
    bool no_memory;       /* from then on nothing is told */
};

/* ---- life ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void keep(gpu_races *r, bool kept) {
    if (kept) return;
    r->no_memory = true;
    gpu_findings_incomplete(r->findings, GPU_CHECK_NO_MEMORY);
}

static void destroy_block(block_state *b) {
    for (int32_t i = 0; i < WARPS; i++) gpu_clock_deinit(&b->known[i]);
    for (int32_t i = 0; i < WARPS * WARP; i++) gpu_clock_deinit(&b->pending[i]), gpu_clock_deinit(&b->pending_of_block[i]);
    gpu_words_deinit(&b->shared);
    pgd_mem_free(b);
}

static void forget(gpu_races *r) {
    for (int32_t i = 0; i < r->block_count; i++) destroy_block(r->blocks[i]);
    for (int32_t i = 0; i < r->release_count; i++) gpu_clock_deinit(&r->releases[i].clock), gpu_clock_deinit(&r->releases[i].clock_of_block);
    if (r->buckets != NULL && r->release_count > 0) memset(r->buckets, 0, sizeof *r->buckets * BUCKETS);
    r->block_count = r->release_count = r->last = 0;
    gpu_words_deinit(&r->global);
}

gpu_races *gpu_races_create(gpu_findings *findings) {
    gpu_races *r = pgd_mem_zalloc(sizeof *r);
    if (r != NULL) r->findings = findings;
    return r;
}

void gpu_races_destroy(gpu_races *r) {
    if (r == NULL) return;
    forget(r);
    pgd_mem_free(r->releases);
    pgd_mem_free(r->buckets);
    pgd_mem_free(r->chains);
    pgd_mem_free(r->blocks);
    pgd_mem_free(r);
}

/* One launch is over before the next begins. */
void gpu_races_begin_launch(gpu_races *r) {
    forget(r);
    r->now = 1;
}

void gpu_races_begin_block(gpu_races *r, uint32_t number, uint32_t threads, uint64_t shared_bytes) {
    block_state *b = pgd_mem_zalloc(sizeof *b);
    keep(r, b != NULL && pgd_grow(&r->blocks, &r->block_capacity, r->block_count, sizeof *r->blocks));
    if (r->no_memory) {
        pgd_mem_free(b);
        return;
    }
    b->number = number;
    b->threads = threads;
    r->blocks[r->block_count++] = b;
    r->last = r->block_count - 1;
}

static block_state *block_of(gpu_races *r, uint32_t number) {
    if (r->no_memory || r->block_count == 0) return NULL;
    for (int32_t k = 0; r->blocks[r->last]->number != number && k < r->block_count; k++) r->last = (r->last + 1) % r->block_count;
    return r->blocks[r->last]->number == number ? r->blocks[r->last] : NULL;
}

void gpu_races_end_block(gpu_races *r, uint32_t number) {
    block_state *b = block_of(r, number);
    if (b == NULL) return;
    destroy_block(b);
    r->blocks[r->last] = r->blocks[--r->block_count];
    r->last = 0;
}

/* ---- what is before what -------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t warp_number(uint32_t block, uint32_t warp) { return (uint64_t)block * WARPS + warp; }

/* Has the thread of this access seen what the mark stands for? */
static bool ordered(const block_state *b, const gpu_access *a, const gpu_mark *m) {
    uint32_t warp = a->thread_number / WARP, other = m->thread / WARP;
    if (m->block != a->block_number) return gpu_clock_get(&b->known[warp], warp_number(m->block, other)) >= m->time;
    if (m->thread == a->thread_number) return true;
    if (b->seen[warp][other] >= m->time) return true;
    return warp == other && b->lane_seen[warp][a->thread_number % WARP][m->thread % WARP] >= m->time;
}

/* What lanes of a warp have read the signs of, joined; and back to lanes. */
static void gather_pending(gpu_races *r, block_state *b, uint32_t warp, uint32_t lanes, gpu_clock *pending, gpu_clock *of_block) {
    for (uint32_t thread = warp * WARP, rest = lanes; rest != 0; thread++, rest >>= 1) {
        if ((rest & 1) == 0) continue;
        if (b->pending[thread].count > 0) keep(r, gpu_clock_join(pending, &b->pending[thread]));
        if (b->pending_of_block[thread].count > 0) keep(r, gpu_clock_join(of_block, &b->pending_of_block[thread]));
    }
}
static void spread_pending(gpu_races *r, block_state *b, uint32_t warp, uint32_t lanes, const gpu_clock *pending, const gpu_clock *of_block) {
    for (uint32_t thread = warp * WARP, rest = pending->count + of_block->count > 0 ? lanes : 0; rest != 0; thread++, rest >>= 1) {
        if ((rest & 1) == 0) continue;
        if (pending->count > 0) keep(r, gpu_clock_join(&b->pending[thread], pending));
        if (of_block->count > 0) keep(r, gpu_clock_join(&b->pending_of_block[thread], of_block));
    }
}

/* What everyone that came had seen, all that go on have seen too: and what those did that came. */
void gpu_races_arrived(gpu_races *r, uint32_t number, int32_t barrier, uint32_t warp) {
    block_state *b = block_of(r, number);
    if (b != NULL) b->arrived[barrier][warp] = r->now++; /* what it does from now on is behind the barrier */
}

void gpu_races_barrier(gpu_races *r, uint32_t number, int32_t barrier, const uint32_t *came, const uint32_t *go, uint32_t warps) {
    block_state *b = block_of(r, number);
    uint64_t together[WARPS] = {0};
    gpu_clock known = {0}, pending = {0}, of_block = {0};
    if (b == NULL) return;
    for (uint32_t w = 0; w < warps; w++) {
        if (came[w] == 0) continue;
        uint64_t until = go[w] != 0 || b->arrived[barrier][w] == 0 ? r->now : b->arrived[barrier][w];
        if (until > together[w]) together[w] = until;
        for (uint32_t x = 0; x < warps; x++)
            if (b->seen[w][x] > together[x]) together[x] = b->seen[w][x];
        keep(r, gpu_clock_join(&known, &b->known[w]));
        gather_pending(r, b, w, UINT32_MAX, &pending, &of_block);
    }
    for (uint32_t w = 0; w < warps; w++) {
        if (go[w] == 0) continue;
        spread_pending(r, b, w, go[w], &pending, &of_block); /* a fence behind the barrier makes use of it */
        for (uint32_t x = 0; x < warps; x++)
            if (together[x] > b->seen[w][x]) b->seen[w][x] = together[x];
        keep(r, gpu_clock_join(&b->known[w], &known));
    }
    gpu_clock_deinit(&known);
    gpu_clock_deinit(&pending);
    gpu_clock_deinit(&of_block);
    r->now++;
}

void gpu_races_warp_barrier(gpu_races *r, uint32_t number, uint32_t warp, uint32_t lanes) {
    block_state *b = block_of(r, number);
    uint64_t together[WARP] = {0};
    if (b == NULL) return;
    for (uint32_t k = 0; k < WARP; k++) {
        if ((lanes >> k & 1) == 0) continue;
        together[k] = r->now;
        for (uint32_t x = 0; x < WARP; x++)
            if (b->lane_seen[warp][k][x] > together[x]) together[x] = b->lane_seen[warp][k][x];
    }
    gpu_clock pending = {0}, of_block = {0};
    for (uint32_t k = 0; k < WARP; k++)
        if ((lanes >> k & 1) != 0) memcpy(b->lane_seen[warp][k], together, sizeof together);
    gather_pending(r, b, warp, lanes, &pending, &of_block);
    spread_pending(r, b, warp, lanes, &pending, &of_block);
    gpu_clock_deinit(&pending);
    gpu_clock_deinit(&of_block);
    r->now++;
}

/* ---- signs across blocks ----------------------------------------------------------------------------------------------------------------------------------------------------- */

static release *release_at(gpu_races *r, const gpu_access *a, bool make) {
    bool shared = a->space == PTX_SPACE_shared;
    if (r->buckets == NULL) r->buckets = pgd_mem_zalloc(sizeof *r->buckets * BUCKETS);
    keep(r, r->buckets != NULL);
    if (r->buckets == NULL) return NULL;
    int32_t *bucket = &r->buckets[(a->address * UINT64_C(0x9e3779b97f4a7c15) >> 32) % BUCKETS];
    for (int32_t i = *bucket - 1; i >= 0; i = r->chains[i] - 1)
        if (r->releases[i].address == a->address && r->releases[i].shared == shared && (!shared || r->releases[i].block == a->block_number)) return &r->releases[i];
    if (!make || !pgd_grow(&r->releases, &r->release_capacity, r->release_count, sizeof *r->releases)) return NULL;
    if (!pgd_grow(&r->chains, &r->chain_capacity, r->release_count, sizeof *r->chains)) return NULL;
    r->chains[r->release_count] = *bucket;
    *bucket = r->release_count + 1;
    r->releases[r->release_count] = (release){.address = a->address, .shared = shared, .block = a->block_number};
    return &r->releases[r->release_count++];
}

static void learn(gpu_races *r, block_state *b, uint32_t warp, const gpu_clock *clock) {
    for (int32_t i = 0; i < clock->count; i++)
        if (clock->list[i].whose / WARPS == b->number) {
            uint64_t *seen = &b->seen[warp][clock->list[i].whose % WARPS];
            if (clock->list[i].time > *seen) *seen = clock->list[i].time;
        }
    keep(r, gpu_clock_join(&b->known[warp], clock));
}

static bool has_words(const gpu_access *a, int32_t one, int32_t other) { return a->instruction->slots[PTX_SLOT_sem] == one || a->instruction->slots[PTX_SLOT_sem] == other; }

static void acquire(gpu_races *r, block_state *b, const gpu_access *a) {
    const release *sign = release_at(r, a, false);
    if (sign == NULL) return;
    bool at_once = has_words(a, PTX_WORD_acquire, PTX_WORD_acq_rel), same_block = sign->of_block == b->number; /* of the block alone and across blocks: that is a race itself */
    keep(r, gpu_clock_join(&b->pending[a->thread_number], &sign->clock));
    if (same_block) keep(r, gpu_clock_join(&b->pending_of_block[a->thread_number], &sign->clock_of_block));
    for (int32_t i = 0; i < sign->clock.count; i++) /* what threads of the block published for all, though others have used the place since */
        if (sign->clock.list[i].whose / WARPS == b->number) keep(r, gpu_clock_raise(&b->pending_of_block[a->thread_number], sign->clock.list[i].whose, sign->clock.list[i].time));
    if (at_once) learn(r, b, a->thread_number / WARP, &sign->clock);
    if (at_once && same_block) learn(r, b, a->thread_number / WARP, &sign->clock_of_block);
}

/* What the warp did up to `own`, and all that it had seen by then. */
static bool add_own(gpu_clock *clock, const block_state *b, uint32_t warp, uint64_t own) {
    bool fine = gpu_clock_raise(clock, warp_number(b->number, warp), own) && gpu_clock_join(clock, &b->known[warp]);
    for (uint32_t x = 0; x * WARP < b->threads && fine; x++) /* of its own warp too: what all of it did before a barrier */
        if (b->seen[warp][x] > 0) fine = gpu_clock_raise(clock, warp_number(b->number, x), b->seen[warp][x]);
    return fine;
}

/* An atomic operation that follows others at its address hands on what they published. */
static void publish(gpu_races *r, block_state *b, const gpu_access *a) {
    uint32_t warp = a->thread_number / WARP;
    bool at_once = has_words(a, PTX_WORD_release, PTX_WORD_acq_rel);
    uint64_t for_all = at_once ? r->now : b->fenced[a->thread_number], for_block = at_once ? r->now : b->fenced_of_block[a->thread_number];
    release *sign = for_block == 0 ? NULL : release_at(r, a, true);
    keep(r, for_block == 0 || sign != NULL);
    if (sign == NULL) return;
    if (for_all > 0) keep(r, add_own(&sign->clock, b, warp, for_all));
    if (sign->of_block != b->number) gpu_clock_deinit(&sign->clock_of_block);
    sign->of_block = b->number;
    keep(r, add_own(&sign->clock_of_block, b, warp, for_block));
}

void gpu_races_fence(gpu_races *r, uint32_t number, uint32_t thread, bool of_block) {
    block_state *b = block_of(r, number);
    if (b == NULL) return;
    b->fenced_of_block[thread] = r->now;
    learn(r, b, thread / WARP, &b->pending_of_block[thread]);
    gpu_clock_deinit(&b->pending_of_block[thread]);
    if (!of_block) {
        b->fenced[thread] = r->now;
        learn(r, b, thread / WARP, &b->pending[thread]);
        gpu_clock_deinit(&b->pending[thread]);
    }
    r->now++;
}

/* ---- accesses ------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const char *verb(gpu_access_kind kind) { return kind == GPU_ACCESS_READ ? "reads" : kind == GPU_ACCESS_WRITE ? "writes" : "changes atomically"; }

/* What would put the two in order. changes: one of them writes what it has read, as x += 1 does. signed_for: one has read the sign of the other. */
static const char *what_is_missing(bool same_block, bool same_warp, bool changes, bool mixed, bool signed_for) {
    if (signed_for) return "the one has seen a sign of the other (an atomic or volatile access), and a fence is missing between that and this (__threadfence)";
    if (mixed) return "one of the two alone is atomic or volatile";
    if (changes) return same_block ? "an atomic operation is missing, or a barrier, or, under a lock, fences (__threadfence) behind taking it and before giving it back" : "an atomic operation is missing, or, under a lock, fences (__threadfence) behind taking it and before giving it back";
    if (same_warp) return "a barrier of the warp is missing (__syncwarp), or of the block";
    if (same_block) return "a barrier is missing";
    return "blocks are ordered by fences and atomic operations of the device (.gl, .gpu) alone; or do both take the same index by mistake?";
}

/* One side of a race. */
typedef struct side {
    const ptx_function *function;
    const ptx_instruction *instruction;
    uint32_t block[3], thread[3];
    const char *does;
} side;

static side side_of_mark(const gpu_launch *l, const gpu_mark *m, const char *does) {
    const uint32_t *size = l->block, *grid = l->grid;
    return (side){m->function, m->instruction, {m->block % grid[0], m->block / grid[0] % grid[1], m->block / grid[0] / grid[1]}, {m->thread % size[0], m->thread / size[0] % size[1], m->thread / size[0] / size[1]}, does};
}

static side side_of_access(const gpu_access *a) { return (side){a->function, a->instruction, {a->block[0], a->block[1], a->block[2]}, {a->thread[0], a->thread[1], a->thread[2]}, verb(a->kind)}; }

/* Which one happened first says nothing; the one further down in the text is told first, so that it is always the same. changes: the warp that writes has read the word before. */
static void tell(gpu_races *r, const block_state *b, const gpu_access *a, const gpu_mark *m, const char *does, bool changes) {
    const char *kind = a->space == PTX_SPACE_shared ? "shared race" : "global race";
    if (gpu_findings_again(r->findings, kind, a->instruction, m->instruction)) return;
    side one = side_of_access(a), other = side_of_mark(a->launch, m, does);
    bool one_line = one.function == other.function && one.instruction != other.instruction && one.instruction->source_line > 0 && one.instruction->source_line == other.instruction->source_line; /* a read and a write */
    if (one.function == other.function && other.instruction->place.line > one.instruction->place.line) {
        side first = one;
        one = other, other = first;
    }
    bool signed_for = m->block != a->block_number && gpu_clock_get(&b->pending[a->thread_number], warp_number(m->block, m->thread / WARP)) >= m->time;
    gpu_access told = *a;
    char where[160], place[300];
    told.function = one.function, told.instruction = one.instruction;
    memcpy(told.block, one.block, sizeof told.block);
    memcpy(told.thread, one.thread, sizeof told.thread);
    gpu_place_name(a, where, sizeof where);
    gpu_place_say(a->launch->program->module, other.function, other.instruction, other.block, other.thread, place, sizeof place);
    gpu_findings_add(r->findings, kind, &told, other.instruction, "%s %llu bytes of .%s memory at 0x%llx%s, which another thread %s, and nothing orders the two: %s; %s", one.does, (unsigned long long)a->bytes,
                     ptx_space_names[a->space], (unsigned long long)a->address, where, other.does, place, what_is_missing(m->block == a->block_number, m->block == a->block_number && m->thread / WARP == a->thread_number / WARP, changes || m->changes || one_line, a->strong != m->strong, signed_for));
}

/* The same value written twice is harmless, and common. */
static bool same_value(const gpu_access *a) { return a->kind == GPU_ACCESS_WRITE && a->value != NULL && memcmp(a->before, a->value, (size_t)a->bytes) == 0; }

/* Does it race with what the mark stands for? Both strong, for each other, is none. */
static bool races_with(const block_state *b, const gpu_access *a, const gpu_mark *m, uint8_t bytes) {
    bool strong = m->strong && a->strong && (m->block == a->block_number || !(m->of_block || a->of_block));
    return m->time != 0 && (m->bytes & bytes) != 0 && !strong && !same_value(a) && !ordered(b, a, m);
}

/* Of a warp whose lanes all read a word the last few alone are known. */
static bool has_read(const gpu_word *w, const gpu_access *a) {
    for (int32_t k = 0; k < GPU_WORD_READERS; k++)
        if (w->readers[k].time != 0 && w->readers[k].block == a->block_number && w->readers[k].thread / WARP == a->thread_number / WARP && w->readers[k].function == a->function) return true;
    return false;
}

/* kept: it has happened, and is remembered. */
static void check_word(gpu_races *r, block_state *b, const gpu_access *a, gpu_words *t, uint64_t address, uint8_t bytes, bool kept) {
    gpu_word *w = gpu_words_at(t, address);
    gpu_mark m = {r->now, a->block_number, (uint16_t)a->thread_number, bytes, a->strong, a->of_block, false, a->instruction, a->function};
    if (w == NULL) {
        keep(r, false);
        return;
    }
    m.changes = a->kind == GPU_ACCESS_WRITE && has_read(w, a);
    if (races_with(b, a, &w->writer, bytes)) tell(r, b, a, &w->writer, "writes", m.changes);
    for (int32_t k = 0; w->writers != NULL && k < GPU_WORD_WRITERS; k++)
        if (races_with(b, a, &w->writers[k], bytes)) tell(r, b, a, &w->writers[k], "writes", m.changes);
    for (int32_t k = 0; a->kind != GPU_ACCESS_READ && k < GPU_WORD_READERS; k++)
        if (races_with(b, a, &w->readers[k], bytes)) tell(r, b, a, &w->readers[k], "reads", m.changes);
    if (!kept) return;
    if (a->kind == GPU_ACCESS_READ) gpu_word_read(w, &m);
    else keep(r, gpu_word_written(w, &m));
}

static void check_words(gpu_races *r, block_state *b, const gpu_access *a, bool kept) {
    gpu_words *t = a->space == PTX_SPACE_shared ? &b->shared : &r->global;
    for (uint64_t at = a->address & ~UINT64_C(3); at < a->address + a->bytes && !r->no_memory; at += GPU_WORD) {
        uint64_t first = at > a->address ? at : a->address, end = at + GPU_WORD < a->address + a->bytes ? at + GPU_WORD : a->address + a->bytes;
        check_word(r, b, a, t, at, (uint8_t)((1u << (end - at)) - (1u << (first - at))), kept);
    }
}

void gpu_races_begun(gpu_races *r, const gpu_access *write) {
    block_state *b = block_of(r, write->block_number);
    if (b != NULL && write->address + write->bytes <= gpu_launch_shared_bytes(write->launch)) check_words(r, b, write, false); /* one that goes elsewhere is a fault later */
}

void gpu_races_access(gpu_races *r, const gpu_access *a) {
    block_state *b = block_of(r, a->block_number);
    if (b == NULL || (a->space != PTX_SPACE_shared && a->space != PTX_SPACE_global)) return;
    if (a->strong && a->kind != GPU_ACCESS_WRITE) acquire(r, b, a);
    check_words(r, b, a, true);
    if (a->strong && a->kind != GPU_ACCESS_READ) publish(r, b, a);
    r->now++;
}

/* ---- all of a launch --------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* From the first of these bytes to the last. */
static gpu_span span_of(uint64_t word, uint8_t bytes, bool written, bool strong, const gpu_mark *m) {
    uint64_t first = (uint64_t)__builtin_ctz(bytes), end = 32 - (uint64_t)__builtin_clz(bytes);
    return (gpu_span){word + first, word + end, written, strong, m->function, m->instruction, m->block, m->thread};
}

/* Bytes that were written as such, though they were read as well. */
static void add_word(const gpu_word *w, gpu_footprint *f) {
    uint64_t address = (w->key - 1) * GPU_WORD;
    uint8_t written = w->writer.time != 0 ? w->writer.bytes : 0, read = 0;
    bool strong = w->writer.strong && !w->writer.of_block, strong_reads = true;
    const gpu_mark *reader = NULL;
    for (int32_t k = 0; w->writers != NULL && k < GPU_WORD_WRITERS; k++)
        if (w->writers[k].time != 0) written |= w->writers[k].bytes, strong = strong && w->writers[k].strong && !w->writers[k].of_block;
    for (int32_t k = 0; k < GPU_WORD_READERS; k++) {
        const gpu_mark *m = &w->readers[k];
        if (m->time == 0 || (m->bytes & ~written) == 0) continue;
        read |= (uint8_t)(m->bytes & ~written);
        strong_reads = strong_reads && m->strong && !m->of_block;
        reader = m;
    }
    if (written != 0) gpu_footprint_add(f, span_of(address, written, true, strong, &w->writer));
    if (read != 0) gpu_footprint_add(f, span_of(address, read, false, strong_reads, reader));
}

void gpu_races_footprint(const gpu_races *r, gpu_footprint *f) {
    for (size_t i = 0; i < gpu_words_places(&r->global) && !r->no_memory; i++)
        if (r->global.words[i].key != 0) add_word(&r->global.words[i], f);
}
