/* SPDX-License-Identifier: Apache-2.0
 * Cases of memory: loads, stores, atomic operations, addresses. */
#include <string.h>

#include "case_build.h"

/* ---- loads and stores ------------------------------------------------------------------------------------------------------------------------------------------ */

static int32_t vector_of(const golden_build *b) {
    int32_t vec = b->c->words.slots[PTX_SLOT_vec];
    return vec == PTX_WORD_v4 ? 4 : vec == PTX_WORD_v2 ? 2 : 1;
}

/* Registers %p0 to %p3 of the type, and how an instruction names them. */
static void registers_of(golden_build *b, pgd_text *out, const char *prefix) {
    int32_t count = vector_of(b);
    for (int32_t k = 0; k < count; k++) {
        golden_line(b, ".reg .%s %%%s%d;", golden_register_type(golden_wider(b, (ptx_type)b->c->words.types[0])), prefix, k);
        pgd_text_add(out, "%s%%%s%d", count == 1 ? "" : k == 0 ? "{" : ", ", prefix, k);
    }
    if (count > 1) pgd_text_add(out, "}");
}

static const char *space_name(const golden_build *b) {
    switch (b->c->words.slots[PTX_SLOT_space]) {
    case PTX_WORD_shared: case PTX_WORD_shared_cta: return "shared";
    case PTX_WORD_local: return "local";
    case PTX_WORD_const: return "const";
    case PTX_WORD_param: case PTX_WORD_param_entry: case PTX_WORD_param_func: return "param";
    default: return "global";
    }
}

/* 16 bytes of .shared or .local memory for each thread, at %room. */
static void make_room(golden_build *b, const char *space) {
    if (strcmp(space, "shared") == 0) golden_line(b, ".reg .b64 %%room, %%base;\n    mov.u64 %%base, room;\n    mad.wide.u32 %%room, %%t, 16, %%base;");
    else golden_line(b, ".local .align 16 .b8 own[16];\n    .reg .b64 %%room;\n    mov.u64 %%room, own;");
}

static void copy_16(golden_build *b, const char *to_space, const char *to, const char *from_space, const char *from, const char *reg) {
    golden_line(b, ".reg .b64 %%%s0, %%%s1;\n    ld.%s.b64 %%%s0, [%s];\n    ld.%s.b64 %%%s1, [%s+8];\n    st.%s.b64 [%s], %%%s0;\n    st.%s.b64 [%s+8], %%%s1;", reg, reg, from_space, reg, from, from_space, reg, from, to_space, to, reg, to_space, to, reg);
}

/* What was loaded, as the whole of each register. */
static void store_loaded(golden_build *b) {
    static const char *const names[] = {"%p0", "%p1", "%p2", "%p3"};
    for (int32_t k = 0; k < vector_of(b); k++) golden_output(b, golden_wider(b, (ptx_type)b->c->words.types[0]), names[k]);
}

/* A function that is given 16 bytes loads from them and gives 16 bytes back. */
static void function_of(golden_build *b, const char *words, bool stores) {
    pgd_text operand = {0}, kernel = b->body;
    b->body = (pgd_text){0};
    registers_of(b, &operand, "p");
    pgd_text_add(&b->before, ".func (.param .align 16 .b8 r[16]) %s_f(.param .align 16 .b8 x[16])\n{\n%s", b->c->kernel, b->body.chars);
    pgd_mem_free(b->body.chars);
    b->body = kernel;
    const char *type = ptx_types[b->c->words.types[0]].name;
    static const char *const vecs[] = {"", "", ".v2", "", ".v4"};
    if (stores) pgd_text_add(&b->before, "    ld.param%s.%s %s, [x];\n    %s [r], %s;\n", vecs[vector_of(b)], type, operand.chars, words, operand.chars);
    else pgd_text_add(&b->before, "    %s %s, [x];\n    st.param%s.%s [r], %s;\n", words, operand.chars, vecs[vector_of(b)], type, operand.chars);
    pgd_text_add(&b->before, "    ret;\n}\n\n");
    golden_flat(b, 2);
    golden_line(b, ".param .align 16 .b8 px[16], pr[16];\n    .reg .b64 %%x0, %%x1;\n    ld.global.b64 %%x0, [%%inf];\n    ld.global.b64 %%x1, [%%inf+8];\n    st.param.b64 [px], %%x0;\n    st.param.b64 [px+8], %%x1;\n    call (pr), %s_f, (px);", b->c->kernel);
    int32_t bytes = ptx_types[b->c->words.types[0]].bits / 8;
    for (int32_t k = 0; k < vector_of(b); k++) {
        static const char *const names[] = {"%y0", "%y1", "%y2", "%y3"};
        golden_line(b, ".reg .b%d %s;\n    ld.param.b%d %s, [pr+%d];", bytes * 8 > 8 ? bytes * 8 : 16, names[k], bytes * 8, names[k], k * bytes);
        golden_output(b, bytes == 1 ? PTX_b8 : bytes == 2 ? PTX_b16 : bytes == 4 ? PTX_b32 : PTX_b64, names[k]);
    }
    pgd_mem_free(operand.chars);
}

static void load(golden_build *b, const char *words) {
    const char *space = space_name(b);
    const int32_t bytes = ptx_types[b->c->words.types[0]].bits / 8 * vector_of(b), slot = b->c->words.slots[PTX_SLOT_space];
    pgd_text operand = {0};
    if (slot == PTX_WORD_param_func) {
        function_of(b, words, false);
        return;
    }
    registers_of(b, &operand, "p");
    if (strcmp(space, "const") == 0) {
        pgd_text_add(&b->before, ".const .align 16 .b8 %s_c[64] = {", b->c->kernel);
        for (int32_t k = 0; k < GOLDEN_DATA_BYTES; k++) pgd_text_add(&b->before, "%s%d", k == 0 ? "" : ", ", golden_data()[k]);
        pgd_text_add(&b->before, "};\n\n");
        golden_line(b, ".reg .b64 %%a, %%base;\n    .reg .b32 %%k;\n    and.b32 %%k, %%t, %d;\n    mov.u64 %%base, %s_c;\n    mad.wide.u32 %%a, %%k, %d, %%base;\n    %s %s, [%%a+16];", bytes == 16 ? 1 : 16 / bytes - 1, b->c->kernel, bytes, words, operand.chars);
    } else if (strcmp(space, "param") == 0) {
        golden_line(b, "%s %s, [data+%d];", words, operand.chars, 16 + 2 * bytes);
    } else {
        golden_flat(b, 2);
        const char *address = "%inf";
        if (strcmp(space, "global") != 0) {
            address = "%room";
            make_room(b, space);
            copy_16(b, space, "%room", "global", "%inf", "x");
        }
        golden_line(b, "%s %s, [%s%s];", words, operand.chars, address, bytes <= 8 ? "+8" : "");
    }
    store_loaded(b);
    pgd_mem_free(operand.chars);
}

static void store(golden_build *b, const char *words) {
    const char *space = space_name(b);
    const int32_t slot = b->c->words.slots[PTX_SLOT_space], bytes = ptx_types[b->c->words.types[0]].bits / 8 * vector_of(b);
    pgd_text operand = {0};
    static const char *const vecs[] = {"", "", ".v2", "", ".v4"};
    if (slot == PTX_WORD_param || slot == PTX_WORD_param_func) {
        function_of(b, words, true);
        return;
    }
    golden_flat(b, 2);
    registers_of(b, &operand, "p");
    golden_line(b, "ld.global%s.%s %s, [%%inf];", vecs[vector_of(b)], ptx_types[b->c->words.types[0]].name, operand.chars);
    const char *to = "%of";
    if (strcmp(space, "global") != 0) {
        to = "%room";
        make_room(b, space);
        golden_line(b, ".reg .b64 %%zero;\n    mov.u64 %%zero, 0x%x;\n    st.%s.b64 [%%room], %%zero;\n    st.%s.b64 [%%room+8], %%zero;", 0x77777777, space, space);
    }
    golden_line(b, "%s [%s%s], %s;", words, to, bytes <= 8 ? "+8" : "", operand.chars);
    if (strcmp(space, "global") != 0) copy_16(b, "global", "%of", space, "%room", "x");
    golden_flat_output(b, 2);
    pgd_mem_free(operand.chars);
}

/* Hints: what is read afterwards is what was there. */
static void prefetch(golden_build *b, const char *words) {
    golden_input(b, PTX_u32, GOLDEN_ANY);
    if (strcmp(space_name(b), "local") == 0) {
        make_room(b, "local");
        golden_line(b, ".reg .b32 %%d;\n    st.local.b32 [%%room], %%i0;\n    %s [%%room];\n    ld.local.b32 %%d, [%%room];", words);
    } else {
        golden_line(b, ".reg .b32 %%d;\n    %s [%%in];\n    ld.global.b32 %%d, [%%in];", words);
    }
    golden_output(b, PTX_u32, "%d");
}

/* ---- atomic operations ------------------------------------------------------------------------------------------------------------------------------------------------ */

/* The whole of the operation's operands behind the address. */
static void atomic_line(golden_build *b, const char *words, bool gives, const char *address, int32_t operand, int32_t compare) {
    if (compare >= 0) golden_line(b, "%s %s[%s], %%i%d, %%i%d;", words, gives ? "%old, " : "", address, compare, operand);
    else golden_line(b, "%s %s[%s], %%i%d;", words, gives ? "%old, " : "", address, operand);
}

/* Each thread on a word of its own: the old value, the new one. Then all on one word, where the order does not show: its last value, read by all. */
static void atomic(golden_build *b, const char *words, bool gives) {
    const char *space = space_name(b);
    const ptx_type type = (ptx_type)b->c->words.types[0];
    const int32_t op = b->c->words.slots[PTX_SLOT_op], bits = ptx_types[type].bits;
    const bool shared = strcmp(space, "shared") == 0, together = op != PTX_WORD_exch && op != PTX_WORD_cas, sums = op == PTX_WORD_add && ptx_types[type].kind == PTX_FLOAT;
    golden_threads(b, 256);
    int32_t first = golden_input(b, type, GOLDEN_ANY), second = golden_input(b, type, GOLDEN_ANY), third = op == PTX_WORD_cas ? golden_input(b, type, GOLDEN_ANY) : -1;
    golden_line(b, ".reg .b%d %%old, %%new, %%start;\n    .reg .b64 %%a, %%one;", bits);
    if (shared) golden_line(b, ".reg .b64 %%base;\n    mov.u64 %%base, room;\n    mad.wide.u32 %%a, %%t, 8, %%base;\n    mov.u64 %%one, single;\n    st.shared.b%d [%%a], %%i%d;", bits, first);
    else golden_line(b, "mov.u64 %%a, %%in;");
    if (op == PTX_WORD_cas) { /* half of the threads compare with what is there */
        golden_line(b, ".reg .pred %%even;\n    .reg .b32 %%parity;\n    and.b32 %%parity, %%t, 1;\n    setp.eq.b32 %%even, %%parity, 0;\n    selp.b%d %%i%d, %%i%d, %%i%d, %%even;", bits, second, first, second);
        atomic_line(b, words, gives, "%a", third, second);
    } else {
        atomic_line(b, words, gives, "%a", second, -1);
    }
    golden_line(b, "ld.%s.b%d %%new, [%%a];", space, bits);
    if (gives) golden_output(b, type, "%old");
    golden_output(b, type, "%new");
    if (!together) return;
    int32_t many = golden_input(b, type, sums ? GOLDEN_SMALL : GOLDEN_ANY), start = golden_input(b, type, sums ? GOLDEN_SMALL : GOLDEN_ANY);
    if (op == PTX_WORD_inc || op == PTX_WORD_dec) golden_line(b, "mov.b32 %%i%d, 100;\n    mov.b32 %%i%d, 7;", many, start);
    if (shared) {
        golden_line(b, "mov.b%d %%start, %%i%d;\n    st.shared.b%d [%%one], %%start;\n    bar.sync 0;", bits, start, bits);
        golden_line(b, ".reg .pred %%leads;\n    setp.eq.u32 %%leads, %%t, 0;\n    @%%leads st.shared.b%d [%%one], %%start;\n    bar.sync 0;", bits);
    } else { /* the last column's first cell */
        golden_line(b, "ld.param.u64 %%one, [in];\n    add.u64 %%one, %%one, %lld;", 8ll * start * b->c->threads);
        if (op == PTX_WORD_inc || op == PTX_WORD_dec) golden_line(b, "st.global.b%d [%%one], %%i%d;", bits, start);
        golden_line(b, "bar.sync 0;");
    }
    atomic_line(b, words, gives, "%one", many, -1);
    golden_line(b, "bar.sync 0;\n    ld.volatile.%s.b%d %%new, [%%one];", space, bits);
    golden_output(b, type, "%new");
}

/* ---- addresses ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Of one variable in each space its generic address. */
static void addresses(golden_build *b, bool param) {
    pgd_text_add(&b->before, ".global .align 16 .b8 %s_g[16];\n.const .align 16 .b8 %s_c[16] = {1, 2, 3, 4, 5, 6, 7, 8};\n\n", b->c->kernel, b->c->kernel);
    golden_line(b, ".local .align 16 .b8 own[16];\n    .reg .b64 %%s, %%l, %%g, %%c, %%r;\n    mov.u64 %%s, room;\n    cvta.shared.u64 %%s, %%s;\n    mov.u64 %%l, own;\n    cvta.local.u64 %%l, %%l;\n    mov.u64 %%g, %s_g;\n    cvta.global.u64 %%g, %%g;\n    mov.u64 %%c, %s_c;\n    cvta.const.u64 %%c, %%c;", b->c->kernel, b->c->kernel);
    if (param) golden_line(b, "mov.b64 %%r, data;\n    cvta.param.u64 %%r, %%r;");
}

static void ask_space(golden_build *b, const char *words) {
    static const char *const regs[] = {"%s", "%l", "%g", "%c", "%r"};
    const int32_t slot = b->c->words.slots[PTX_SLOT_space];
    bool param = slot == PTX_WORD_param || slot == PTX_WORD_param_entry;
    addresses(b, param);
    for (int32_t k = 0; k < (param ? 5 : 4); k++) {
        char d[8] = {'%', 'd', (char)('0' + k), '\0'};
        golden_line(b, ".reg .pred %s;\n    %s %s, %s;", d, words, d, regs[k]);
        golden_output(b, PTX_pred, d);
    }
}

/* There and back; a value stored through one address is loaded through the other. */
static void convert_address(golden_build *b, const char *words) {
    const char *space = space_name(b);
    const bool to = b->c->words.slots[PTX_SLOT_to] != PTX_NO_WORD, fixed = strcmp(space, "const") == 0 || strcmp(space, "param") == 0;
    const char *word = ptx_word_text(b->c->words.slots[PTX_SLOT_space]);
    char forth[48] = "cvta.", back[48] = "cvta.to.";
    strcat(forth, word);
    strcat(forth, ".u64");
    strcat(back, word);
    strcat(back, ".u64");
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b64 %%plain, %%generic, %%again;\n    .reg .b32 %%d, %%e;\n    .reg .pred %%p;");
    if (strcmp(space, "global") == 0) {
        golden_line(b, "mov.u64 %%plain, %%in;");
    } else if (strcmp(space, "const") == 0) {
        pgd_text_add(&b->before, ".const .align 16 .b8 %s_c[16] = {1, 2, 3, 4, 5, 6, 7, 8};\n\n", b->c->kernel);
        golden_line(b, "mov.u64 %%plain, %s_c;", b->c->kernel);
    } else if (strcmp(space, "param") == 0) {
        golden_line(b, "mov.b64 %%plain, data;");
    } else {
        make_room(b, space);
        golden_line(b, "mov.u64 %%plain, %%room;");
    }
    golden_line(b, "%s %%generic, %%plain;\n    %s %%again, %%generic;\n    setp.eq.u64 %%p, %%again, %%plain;", to ? forth : words, to ? words : back);
    if (!fixed) golden_line(b, "st.%s.b32 [%%again], %%i0;", space);
    golden_line(b, "ld.b32 %%d, [%%generic];");
    if (!fixed) golden_line(b, "add.u32 %%e, %%d, 1;\n    st.b32 [%%generic], %%e;");
    golden_line(b, "ld.%s.b32 %%e, [%%again];", space);
    golden_output(b, PTX_pred, "%p");
    golden_output(b, PTX_u32, "%d");
    golden_output(b, PTX_u32, "%e");
}

/* Registers of 64 bits: for integers that have fewer, and without hints, of which there are enough cases. */
static bool too_wide(const golden_case *c) {
    const ptx_instruction *i = &c->words;
    return golden_is_wide(c) && (ptx_types[i->types[0]].bits == 64 || ptx_types[i->types[0]].kind == PTX_FLOAT || i->slots[PTX_SLOT_cache] != PTX_NO_WORD || i->slots[PTX_SLOT_evict] != PTX_NO_WORD || i->slots[PTX_SLOT_prefetch] != PTX_NO_WORD);
}

bool golden_build_memory(golden_build *b) {
    pgd_text words = {0};
    bool fine = true;
    if (too_wide(b->c)) return false;
    golden_mnemonic(b, &words);
    switch ((ptx_form_name)b->c->form) {
    case PTX_FORM_LD: case PTX_FORM_LDU: load(b, words.chars); break;
    case PTX_FORM_ST: store(b, words.chars); break;
    case PTX_FORM_PREFETCH: case PTX_FORM_PREFETCHU: prefetch(b, words.chars); break;
    case PTX_FORM_ATOM_BITS: case PTX_FORM_ATOM_CAS: case PTX_FORM_ATOM_WRAP: case PTX_FORM_ATOM_ADD: case PTX_FORM_ATOM_ADD_HALF: case PTX_FORM_ATOM_ORDER: atomic(b, words.chars, true); break;
    case PTX_FORM_RED_BITS: case PTX_FORM_RED_WRAP: case PTX_FORM_RED_ADD: case PTX_FORM_RED_ADD_HALF: case PTX_FORM_RED_ORDER: atomic(b, words.chars, false); break;
    case PTX_FORM_ISSPACEP: ask_space(b, words.chars); break;
    case PTX_FORM_CVTA: convert_address(b, words.chars); break;
    default: fine = false; break;
    }
    pgd_mem_free(words.chars);
    return fine;
}
