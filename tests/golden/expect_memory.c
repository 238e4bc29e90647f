/* SPDX-License-Identifier: Apache-2.0
 * Loads, stores, atomic operations and copies: bytes that come back, and plain C on them. */
#include <fenv.h>
#include <string.h>

#include "expect.h"

typedef struct sight {
    const golden_case *c;
    const uint64_t *inputs;
    golden_expected *want;
} sight;

static uint64_t in(const sight *s, int32_t column, int32_t thread) { return s->inputs[column * s->c->threads + thread]; }
static void put(const sight *s, int32_t column, int32_t thread, uint64_t bits) { s->want[column * s->c->threads + thread] = golden_bits(bits); }
static ptx_type type_of(const sight *s) { return (ptx_type)s->c->words.types[0]; }

static int32_t count_of(const sight *s) { return golden_word(s->c, PTX_SLOT_vec, PTX_WORD_v4) ? 4 : golden_word(s->c, PTX_SLOT_vec, PTX_WORD_v2) ? 2 : 1; }

/* 16 bytes of a thread in the flat view. */
static void flat(const sight *s, int32_t thread, unsigned char *bytes) { memcpy(bytes, (const unsigned char *)s->inputs + 16 * thread, 16); }

static void put_flat(const sight *s, int32_t thread, const unsigned char *bytes) {
    uint64_t cells[2];
    memcpy(cells, bytes, 16);
    for (int32_t k = 0; k < 2; k++) s->want[2 * thread + k] = golden_bits(cells[k]); /* columns of 8 bytes one after the other */
}

static bool parameter_of_function(const sight *s) { return golden_word(s->c, PTX_SLOT_space, PTX_WORD_param_func) || (s->c->form == PTX_FORM_ST && golden_word(s->c, PTX_SLOT_space, PTX_WORD_param)); }

/* Columns of registers: signed values come with their sign where the register is wider. */
static void put_values(const sight *s, int32_t thread, const unsigned char *from, bool extended) {
    int32_t bytes = ptx_types[type_of(s)].bits / 8;
    for (int32_t k = 0; k < count_of(s); k++) {
        uint64_t value = 0;
        memcpy(&value, from + k * bytes, (size_t)bytes);
        if (extended && ptx_types[type_of(s)].kind == PTX_SIGNED) value = (uint64_t)((int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes)) & (UINT64_MAX >> (64 - ptx_types[s->c->outputs[k].type].bits));
        put(s, k, thread, value);
    }
}

static void loads(const sight *s) {
    const int32_t bytes = ptx_types[type_of(s)].bits / 8 * count_of(s), space = s->c->words.slots[PTX_SLOT_space];
    for (int32_t t = 0; t < s->c->threads; t++) {
        unsigned char own[16];
        const unsigned char *from = own;
        if (s->c->input_count > 0) flat(s, t, own);
        if (parameter_of_function(s)) from = own;
        else if (space == PTX_WORD_const) from = golden_data() + 16 + bytes * (t & (bytes == 16 ? 1 : 16 / bytes - 1));
        else if (space == PTX_WORD_param || space == PTX_WORD_param_entry) from = golden_data() + 16 + 2 * bytes;
        else from = own + (bytes <= 8 ? 8 : 0);
        put_values(s, t, from, !parameter_of_function(s));
    }
}

static void stores(const sight *s) {
    const int32_t bytes = ptx_types[type_of(s)].bits / 8 * count_of(s), space = s->c->words.slots[PTX_SLOT_space];
    for (int32_t t = 0; t < s->c->threads; t++) {
        unsigned char own[16], to[16];
        uint64_t before = 0x77777777;
        flat(s, t, own);
        if (parameter_of_function(s)) {
            put_values(s, t, own, false);
            continue;
        }
        memset(to, GOLDEN_UNTOUCHED, sizeof to);
        if (space != PTX_NO_WORD && space != PTX_WORD_global) memcpy(to, &before, 8), memcpy(to + 8, &before, 8);
        memcpy(to + (bytes <= 8 ? 8 : 0), own, (size_t)bytes);
        put_flat(s, t, to);
    }
}

/* ---- atomic operations ------------------------------------------------------------------------------------------------------------------------------------------------ */

static uint64_t sum(ptx_type t, uint64_t a, uint64_t b) {
    ptx_type half = golden_half(t);
    float x, y;
    if (half != PTX_NO_TYPE) return sum(half, a & 0xffff, b & 0xffff) | sum(half, a >> 16, b >> 16) << 16;
    if (ptx_types[t].kind != PTX_FLOAT) return a + b;
    if (t != PTX_f32) return golden_rounded(t, golden_double(t, a) + golden_double(t, b)); /* of halves, a double's sum is exact or rounds innocently */
    x = (float)golden_double(t, a);
    y = (float)golden_double(t, b);
    return golden_rounded(t, (double)(x + y));
}

/* Of an f32: subnormals are zeros of their sign. So the manual has it (atom, red) of sums in global memory, where those in shared memory keep them. */
static uint64_t flushed(uint64_t bits) { return (bits & 0x7f800000) == 0 ? bits & 0x80000000 : bits; }

static uint64_t after(const sight *s, bool shared, uint64_t old, uint64_t b, uint64_t swap) {
    ptx_type t = type_of(s);
    int32_t unused = 64 - ptx_types[t].bits;
    bool sign = ptx_types[t].kind == PTX_SIGNED, less = sign ? (int64_t)(old << unused) < (int64_t)(b << unused) : old < b;
    switch (s->c->words.slots[PTX_SLOT_op]) {
    case PTX_WORD_and: return old & b;
    case PTX_WORD_or: return old | b;
    case PTX_WORD_xor: return old ^ b;
    case PTX_WORD_exch: return b;
    case PTX_WORD_cas: return old == b ? swap : old;
    case PTX_WORD_inc: return old >= b ? 0 : old + 1;
    case PTX_WORD_dec: return old == 0 || old > b ? b : old - 1;
    case PTX_WORD_min: return less ? old : b;
    case PTX_WORD_max: return less ? b : old;
    default: return (t == PTX_f32 && !shared ? flushed(sum(t, flushed(old), flushed(b))) : sum(t, old, b)) << unused >> unused;
    }
}

static void put_number(const sight *s, int32_t column, int32_t thread, uint64_t bits) {
    ptx_type half = golden_half(type_of(s));
    s->want[column * s->c->threads + thread] = half == PTX_NO_TYPE ? golden_whole(golden_number(bits)) : golden_pair(golden_number(bits & 0xffff), golden_number(bits >> 16));
}

static void atomics(const sight *s, bool gives) {
    const int32_t n = s->c->threads, op = s->c->words.slots[PTX_SLOT_op], compared = op == PTX_WORD_cas;
    const bool together = op != PTX_WORD_exch && op != PTX_WORD_cas, shared = golden_word(s->c, PTX_SLOT_space, PTX_WORD_shared) || golden_word(s->c, PTX_SLOT_space, PTX_WORD_shared_cta);
    for (int32_t t = 0; t < n; t++) {
        uint64_t a = in(s, 0, t), b = in(s, 1, t), swap = compared ? in(s, 2, t) : 0, y;
        if (compared && t % 2 == 0) b = a;
        y = after(s, shared, a, b, swap);
        if (gives) put(s, 0, t, a);
        put_number(s, gives, t, y);
    }
    if (!together) return;
    uint64_t word = in(s, 3, 0);
    bool steps = op == PTX_WORD_inc || op == PTX_WORD_dec;
    if (steps) word = 7;
    for (int32_t t = 0; t < n; t++) word = after(s, shared, word, steps ? 100 : in(s, 2, t), 0);
    for (int32_t t = 0; t < n; t++) put_number(s, 1 + gives, t, word);
}

/* ---- addresses ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void spaces(const sight *s) {
    static const ptx_word own[] = {PTX_WORD_shared, PTX_WORD_local, PTX_WORD_global, PTX_WORD_const, PTX_WORD_param};
    int32_t asked = s->c->words.slots[PTX_SLOT_space];
    if (asked == PTX_WORD_shared_cta) asked = PTX_WORD_shared;
    if (asked == PTX_WORD_param_entry) asked = PTX_WORD_param;
    for (int32_t t = 0; t < s->c->threads; t++)
        for (int32_t k = 0; k < s->c->output_count; k++) {
            bool overlap = (asked == PTX_WORD_global && k >= 3) || (asked == PTX_WORD_const && (k == 2 || k == 4)) || (asked == PTX_WORD_param && (k == 2 || k == 3)); /* they may lie within .global memory */
            if (!overlap) put(s, k, t, asked == (int32_t)own[k]);
        }
}

static void there_and_back(const sight *s) {
    const int32_t space = s->c->words.slots[PTX_SLOT_space];
    for (int32_t t = 0; t < s->c->threads; t++) {
        uint32_t x = (uint32_t)in(s, 0, t), word;
        memcpy(&word, golden_data(), 4);
        bool constant = space == PTX_WORD_const, parameter = space == PTX_WORD_param || space == PTX_WORD_param_entry;
        put(s, 0, t, 1);
        put(s, 1, t, constant ? 0x04030201 : parameter ? word : x);
        put(s, 2, t, constant ? 0x04030201 : parameter ? word : x + 1);
    }
}

bool golden_expect_memory(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    sight s = {c, inputs, want};
    switch ((ptx_form_name)c->form) {
    case PTX_FORM_LD: case PTX_FORM_LDU: loads(&s); return true;
    case PTX_FORM_ST: stores(&s); return true;
    case PTX_FORM_PREFETCH: case PTX_FORM_PREFETCHU: for (int32_t t = 0; t < c->threads; t++) put(&s, 0, t, in(&s, 0, t)); return true;
    case PTX_FORM_ATOM_BITS: case PTX_FORM_ATOM_CAS: case PTX_FORM_ATOM_WRAP: case PTX_FORM_ATOM_ADD: case PTX_FORM_ATOM_ADD_HALF: case PTX_FORM_ATOM_ORDER: atomics(&s, true); return true;
    case PTX_FORM_RED_BITS: case PTX_FORM_RED_WRAP: case PTX_FORM_RED_ADD: case PTX_FORM_RED_ADD_HALF: case PTX_FORM_RED_ORDER: atomics(&s, false); return true;
    case PTX_FORM_ISSPACEP: spaces(&s); return true;
    case PTX_FORM_CVTA: there_and_back(&s); return true;
    default: return false;
    }
}
