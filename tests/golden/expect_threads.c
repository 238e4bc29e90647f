/* SPDX-License-Identifier: Apache-2.0
 * What threads give each other, after the manual's pseudo-code; and control, by following what the kernels of case_threads.c do. */
#include "expect.h"

/* One case as these look at it. */
typedef struct sight {
    const golden_case *c;
    const uint64_t *inputs;
    golden_expected *want;
} sight;

static uint64_t in(const sight *s, int32_t column, int32_t thread) { return s->inputs[column * s->c->threads + thread]; }
static void put(const sight *s, int32_t column, int32_t thread, uint64_t bits) { s->want[column * s->c->threads + thread] = golden_bits(bits); }

/* ---- warps --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const uint32_t masks[] = {0xffffffff, 0x55555555, 0x001ffff8};

static void shuffle(const sight *s, int32_t warp, int32_t part) {
    for (int32_t lane = 0; lane < 32; lane++) {
        int32_t t = 32 * warp + lane, b = (int32_t)in(s, 1 + part, t) & 31, segment = (int32_t)(in(s, 3, t) >> 8) & 31, clamp = (int32_t)in(s, 3, t) & 31;
        int32_t most = (lane & segment) | (clamp & ~segment), least = lane & segment, j;
        bool p;
        switch (s->c->words.slots[PTX_SLOT_mode]) {
        case PTX_WORD_up: j = lane - b, p = j >= most; break;
        case PTX_WORD_down: j = lane + b, p = j <= most; break;
        case PTX_WORD_bfly: j = lane ^ b, p = j <= most; break;
        default: j = least | (b & ~segment), p = j <= most; break;
        }
        bool takes_part = (masks[part] >> lane & 1) != 0;
        put(s, 2 * part, t, takes_part ? in(s, 0, 32 * warp + (p ? j : lane)) : 77);
        put(s, 2 * part + 1, t, takes_part && p);
    }
}

static uint32_t truths(const sight *s, int32_t warp, uint32_t mask) {
    uint32_t bits = 0;
    for (int32_t k = 0; k < 32; k++) bits |= (uint32_t)in(s, 0, 32 * warp + k) << k;
    return bits & mask;
}

static uint64_t voted(const sight *s, uint32_t bits, uint32_t mask) {
    switch (s->c->words.slots[PTX_SLOT_mode]) {
    case PTX_WORD_all: return bits == mask;
    case PTX_WORD_any: return bits != 0;
    case PTX_WORD_uni: return bits == mask || bits == 0;
    default: return bits;
    }
}

static uint32_t equal_to(const sight *s, int32_t warp, uint32_t mask, uint64_t value) {
    uint32_t bits = 0;
    for (int32_t k = 0; k < 32; k++) bits |= (uint32_t)(in(s, 0, 32 * warp + k) == value) << k;
    return bits & mask;
}

static uint64_t reduced(const sight *s, int32_t warp, uint32_t mask) {
    bool sign = s->c->words.types[0] == PTX_s32, first = true;
    int64_t y = 0;
    for (int32_t k = 0; k < 32; k++) {
        if ((mask >> k & 1) == 0) continue;
        int64_t x = sign ? (int32_t)in(s, 0, 32 * warp + k) : (int64_t)in(s, 0, 32 * warp + k);
        switch (s->c->words.slots[PTX_SLOT_op]) {
        case PTX_WORD_add: y += x; break;
        case PTX_WORD_min: y = first || x < y ? x : y; break;
        case PTX_WORD_max: y = first || x > y ? x : y; break;
        case PTX_WORD_and: y = first ? x : y & x; break;
        case PTX_WORD_or: y |= x; break;
        default: y ^= x; break;
        }
        first = false;
    }
    return (uint32_t)y;
}

/* What a lane that takes part gets: a result, and a predicate where the form has one. */
static void lane_gets(const sight *s, int32_t warp, int32_t part, int32_t lane, uint64_t *d, uint64_t *q) {
    uint32_t mask = masks[part], same;
    switch ((ptx_form_name)s->c->form) {
    case PTX_FORM_MATCH_ANY: *d = equal_to(s, warp, mask, in(s, 0, 32 * warp + lane)); break;
    case PTX_FORM_MATCH_ALL:
        same = equal_to(s, warp, mask, in(s, 0, 32 * warp + lane));
        *d = same == mask ? mask : 0;
        *q = same == mask;
        break;
    case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: *d = reduced(s, warp, mask); break;
    case PTX_FORM_ELECT: /* the manual promises one leader; that it is the lowest is what devices do */
        *d = (uint64_t)__builtin_ctz(mask);
        *q = lane == __builtin_ctz(mask);
        break;
    case PTX_FORM_ACTIVEMASK: *d = mask; break;
    default: *d = voted(s, truths(s, warp, mask), mask); break;
    }
}

static bool warps(const sight *s) {
    const int32_t form = s->c->form;
    bool pair = form == PTX_FORM_MATCH_ALL || form == PTX_FORM_ELECT, shuffles = form == PTX_FORM_SHFL_SYNC || form == PTX_FORM_SHFL;
    if (form == PTX_FORM_BAR_WARP) {
        for (int32_t t = 0; t < s->c->threads; t++) put(s, 0, t, in(s, 0, t ^ 9));
        return true;
    }
    switch ((ptx_form_name)form) {
    case PTX_FORM_SHFL_SYNC: case PTX_FORM_SHFL: case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL:
    case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: case PTX_FORM_ELECT: case PTX_FORM_ACTIVEMASK: break;
    default: return false;
    }
    for (int32_t warp = 0; warp < s->c->threads / 32; warp++)
        for (int32_t part = 0; part < s->c->output_count / (pair || shuffles ? 2 : 1); part++) {
            if (shuffles) shuffle(s, warp, part);
            for (int32_t lane = 0; lane < 32 && !shuffles; lane++) {
                uint64_t d = s->c->outputs[part].type == PTX_pred && !pair ? 0 : 77, q = 0; /* of those that jump over it */
                if ((masks[part] >> lane & 1) != 0) lane_gets(s, warp, part, lane, &d, &q);
                put(s, pair ? 2 * part : part, 32 * warp + lane, d);
                if (pair) put(s, 2 * part + 1, 32 * warp + lane, q);
            }
        }
    return true;
}

/* ---- barriers --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void reductions(const sight *s, bool halves) {
    const int32_t n = s->c->threads, op = s->c->words.slots[PTX_SLOT_op];
    for (int32_t k = 0; k < 3; k++)
        for (int32_t from = 0; from < n; from += halves ? n / 2 : n) {
            int32_t to = from + (halves ? n / 2 : n), sum = 0;
            for (int32_t t = from; t < to; t++) sum += (int32_t)in(s, k, t);
            for (int32_t t = from; t < to; t++) put(s, k, t, (uint64_t)(op == PTX_WORD_popc ? sum : op == PTX_WORD_and ? sum == to - from : sum > 0));
        }
}

static bool barriers(const sight *s) {
    const int32_t n = s->c->threads;
    switch ((ptx_form_name)s->c->form) {
    case PTX_FORM_BAR_SYNC: case PTX_FORM_BARRIER_SYNC:
        for (int32_t t = 0; t < n; t++) put(s, 0, t, in(s, 0, t ^ (n / (s->c->operand_count == 1 ? 2 : 4) + 5)));
        return true;
    case PTX_FORM_BAR_ARRIVE: case PTX_FORM_BARRIER_ARRIVE:
        for (int32_t t = 0; t < n; t++) put(s, 0, t, t < n / 2 ? 77 : in(s, 0, t - n / 2));
        return true;
    case PTX_FORM_BAR_RED: case PTX_FORM_BAR_RED_POPC: case PTX_FORM_BARRIER_RED: case PTX_FORM_BARRIER_RED_POPC: reductions(s, false); return true;
    case PTX_FORM_BAR_RED_PART: case PTX_FORM_BAR_RED_POPC_PART: case PTX_FORM_BARRIER_RED_PART: case PTX_FORM_BARRIER_RED_POPC_PART: reductions(s, true); return true;
    default: return false;
    }
}

/* ---- control ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void branches(const sight *s, int32_t t) {
    uint32_t d = (uint32_t)in(s, 0, t), n = 0;
    if (golden_has(s->c, PTX_SLOT_uni)) {
        d += 3, n = 3;
    } else {
        for (; n < 20; d = d % 2 != 0 ? 3 * d + 1 : d / 2) {
            n++;
            if (d <= 1) break;
        }
    }
    put(s, 0, t, d);
    put(s, 1, t, n);
}

static uint64_t by_index(const sight *s, uint32_t x) {
    switch (golden_has(s->c, PTX_SLOT_uni) ? 2 : x % 4) {
    case 0: return x + 10;
    case 1: return x ^ 20;
    case 2: return x - 30;
    default: return x * 40;
    }
}

static bool controls(const sight *s) {
    const uint64_t untouched = GOLDEN_UNTOUCHED * UINT64_C(0x01010101);
    for (int32_t t = 0; t < s->c->threads; t++) {
        uint32_t x = s->c->input_count > 0 ? (uint32_t)in(s, 0, t) : 0;
        switch ((ptx_form_name)s->c->form) {
        case PTX_FORM_BRA: branches(s, t); break;
        case PTX_FORM_BRX: put(s, 0, t, (uint32_t)by_index(s, x)); break;
        case PTX_FORM_CALL: put(s, 0, t, (uint32_t)(x * 7 + in(s, 1, t))); break;
        case PTX_FORM_RET: case PTX_FORM_EXIT:
            put(s, 0, t, x);
            put(s, 1, t, golden_has(s->c, PTX_SLOT_uni) || t % 2 != 0 ? untouched : x);
            break;
        case PTX_FORM_TRAP: case PTX_FORM_BRKPT: case PTX_FORM_NANOSLEEP: case PTX_FORM_PMEVENT: case PTX_FORM_MEMBAR: case PTX_FORM_FENCE:
            put(s, 0, t, x);
            put(s, 1, t, x);
            break;
        default: return false;
        }
    }
    return true;
}

/* A grid of 2 x 3 x 2 blocks of 8 x 3 x 2 threads; the order of threads is that of the columns. */
static bool specials(const sight *s) {
    if (s->c->form != PTX_FORM_MOV || s->c->variant == 0) return false;
    for (int32_t t = 0; t < s->c->threads; t++) {
        uint32_t thread = (uint32_t)t % 48, block = (uint32_t)t / 48, lane = thread % 32, own = 1u << lane;
        const uint32_t places[] = {thread % 8, thread / 8 % 3, thread / 24, 8, 3, 2, block % 2, block / 2 % 3, block / 6, 2, 3, 2, lane, 0}, sets[] = {own, own | (own - 1), own - 1, ~(own - 1), ~(own | (own - 1)), lane, thread % 8};
        for (int32_t k = 0; k < s->c->output_count; k++) put(s, k, t, s->c->words.types[0] == PTX_u32 ? places[k] : sets[k]);
    }
    return true;
}

bool golden_expect_threads(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    sight s = {c, inputs, want};
    return warps(&s) || barriers(&s) || specials(&s) || controls(&s);
}
