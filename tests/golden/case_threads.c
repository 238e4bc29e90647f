/* SPDX-License-Identifier: Apache-2.0
 * Cases of control, of warps and of barriers. */
#include <string.h>

#include "case_build.h"

/* ---- warps ------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Every operation three times: by all lanes; by the even ones; by lanes 3 to 20. The others jump over it and keep what they had. */
enum { PARTS = 3 };
static const uint32_t part_masks[PARTS] = {0xffffffff, 0x55555555, 0x001ffff8};

static void enter_part(golden_build *b, int32_t part) {
    if (part == 0) golden_line(b, ".reg .b32 %%lane, %%shape;\n    .reg .pred %%in1, %%in2;\n    and.b32 %%lane, %%t, 31;\n    and.b32 %%shape, %%t, 1;\n    setp.eq.b32 %%in1, %%shape, 0;\n    sub.u32 %%shape, %%lane, 3;\n    setp.lt.u32 %%in2, %%shape, 18;");
    if (part == 1) golden_line(b, "@!%%in1 bra past1;");
    if (part == 2) golden_line(b, "@!%%in2 bra past2;");
}

static void leave_part(golden_build *b, int32_t part) {
    if (part > 0) golden_line(b, "past%d:\n    bar.warp.sync 0xffffffff;", part);
}

static void start_result(golden_build *b, int32_t part, ptx_type type, bool pair) {
    if (type == PTX_pred) golden_line(b, ".reg .pred %%d%d;\n    setp.ne.b32 %%d%d, 0, 0;", part, part);
    else golden_line(b, ".reg .%s %%d%d;\n    mov.%s %%d%d, 77;", golden_register_type(type), part, golden_register_type(type), part);
    if (pair) golden_line(b, ".reg .pred %%q%d;\n    setp.ne.b32 %%q%d, 0, 0;", part, part);
}

static void store_result(golden_build *b, int32_t part, ptx_type type, bool pair) {
    static const char *const d[] = {"%d0", "%d1", "%d2"}, *const q[] = {"%q0", "%q1", "%q2"};
    golden_output(b, type, d[part]);
    if (pair) golden_output(b, PTX_pred, q[part]);
}

/* The operands behind the first, with the mask where the form has one. */
static bool warp_operands(golden_build *b, int32_t part, int32_t shift_of_part, pgd_text *out) {
    uint32_t mask = part_masks[part];
    switch ((ptx_form_name)b->c->form) {
    case PTX_FORM_SHFL_SYNC: pgd_text_add(out, ", %%i0, %%i%d, %%i3, 0x%x", 1 + shift_of_part, mask); return true;
    case PTX_FORM_SHFL: pgd_text_add(out, ", %%i0, %%i1, %%i3"); return part == 0;
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL: case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: pgd_text_add(out, ", %%i0, 0x%x", mask); return true;
    case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: pgd_text_add(out, ", %%i0"); return part == 0;
    case PTX_FORM_ELECT: pgd_text_add(out, ", 0x%x", mask); return true;
    default: return true; /* activemask */
    }
}

static bool warp_columns(golden_build *b) {
    const ptx_type type = (ptx_type)b->c->words.types[0];
    const bool up = b->c->words.slots[PTX_SLOT_mode] == PTX_WORD_up;
    switch ((ptx_form_name)b->c->form) {
    case PTX_FORM_SHFL_SYNC: case PTX_FORM_SHFL: /* lanes that are read take part: even ones for even ones, themselves for the third part */
        golden_input(b, PTX_b32, GOLDEN_ANY);
        golden_input(b, PTX_b32, GOLDEN_LANE);
        golden_input(b, PTX_b32, GOLDEN_LANE_EVEN);
        golden_input(b, PTX_b32, up ? GOLDEN_CLAMP_UP : GOLDEN_CLAMP);
        return true;
    case PTX_FORM_VOTE_SYNC: case PTX_FORM_VOTE_SYNC_BALLOT: case PTX_FORM_VOTE: case PTX_FORM_VOTE_BALLOT: golden_input(b, PTX_pred, GOLDEN_TRUTH); return true;
    case PTX_FORM_MATCH_ANY: case PTX_FORM_MATCH_ALL: golden_input(b, type, GOLDEN_FEW); return true;
    case PTX_FORM_REDUX: case PTX_FORM_REDUX_BITS: golden_input(b, type, GOLDEN_ANY); return true;
    case PTX_FORM_ACTIVEMASK: case PTX_FORM_ELECT: return true;
    default: return false;
    }
}

static bool warp(golden_build *b) {
    const ptx_form *form = ptx_form_get(b->c->form);
    if (b->c->form == PTX_FORM_BAR_WARP) {
        int32_t k = golden_input(b, PTX_b32, GOLDEN_ANY);
        golden_line(b, ".reg .b32 %%a, %%d, %%s;\n    mov.u32 %%s, room;\n    mad.lo.u32 %%a, %%t, 4, %%s;\n    st.shared.b32 [%%a], %%i%d;\n    bar.warp.sync 0xffffffff;\n    xor.b32 %%a, %%t, 9;\n    mad.lo.u32 %%a, %%a, 4, %%s;\n    ld.shared.b32 %%d, [%%a];", k);
        golden_output(b, PTX_b32, "%d");
        return true;
    }
    if (!warp_columns(b)) return false;
    ptx_type type = ptx_rule_type(&form->operands[0], &b->c->words, 64);
    bool pair = form->operands[0].pair > 0;
    pgd_text words = {0};
    golden_mnemonic(b, &words);
    int32_t parts = b->c->form == PTX_FORM_SHFL_SYNC ? 2 : PARTS;
    for (int32_t p = 0; p < parts; p++) {
        pgd_text operands = {0};
        if (warp_operands(b, p, p == 0 ? 0 : b->c->form == PTX_FORM_SHFL_SYNC ? 1 : 0, &operands)) {
            start_result(b, p, type, pair);
            enter_part(b, p);
            golden_line(b, "bar.warp.sync 0x%x;\n    %s %%d%d%s%s;", part_masks[p], words.chars, p, pair ? (p == 0 ? "|%q0" : p == 1 ? "|%q1" : "|%q2") : "", operands.chars == NULL ? "" : operands.chars);
            leave_part(b, p);
            store_result(b, p, type, pair);
        }
        pgd_mem_free(operands.chars);
    }
    pgd_mem_free(words.chars);
    return true;
}

/* ---- barriers ------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* A thread's value goes to .shared memory; behind the barrier it reads that of a thread of another warp. `group`: threads that meet. */
static void exchange(golden_build *b, const char *barrier, int32_t group) {
    golden_line(b, "mov.u32 %%s, room;\n    mad.lo.u32 %%a, %%t, 4, %%s;\n    st.shared.b32 [%%a], %%i0;\n    %s\n    xor.b32 %%a, %%t, %d;\n    mad.lo.u32 %%a, %%a, 4, %%s;\n    ld.shared.b32 %%d, [%%a];", barrier, group / 2 + 5);
    golden_output(b, PTX_b32, "%d");
}

static void first_half(golden_build *b) { golden_line(b, ".reg .pred %%half;\n    setp.lt.u32 %%half, %%t, %d;", b->c->threads / 2); }

/* Threads of the first half write and arrive; those of the second wait and read. */
static void arrive(golden_build *b, const char *words) {
    bool bar = b->c->form == PTX_FORM_BAR_ARRIVE;
    golden_line(b, "mov.u32 %%s, room;\n    mad.lo.u32 %%a, %%t, 4, %%s;\n    mov.b32 %%d, 77;\n    @!%%half bra wait;\n    st.shared.b32 [%%a], %%i0;\n    %s 1, %d;\n    bra past;\nwait:\n    %s 1, %d;\n    ld.shared.b32 %%d, [%%a+-%d];\npast:", words, b->c->threads, bar ? "bar.sync" : "barrier.sync", b->c->threads, b->c->threads / 2 * 4);
    golden_output(b, PTX_b32, "%d");
}

static void reductions(golden_build *b, const char *words, bool part, ptx_type type) {
    int32_t columns[] = {golden_input(b, PTX_pred, GOLDEN_TRUTH), golden_input(b, PTX_pred, GOLDEN_TRUE), golden_input(b, PTX_pred, GOLDEN_FALSE)};
    static const char *const d[] = {"%d0", "%d1", "%d2"};
    for (int32_t k = 0; k < 3; k++) {
        golden_line(b, ".reg .%s %%d%d;", golden_register_type(type), k);
        if (part) golden_line(b, "@!%%half bra other%d;\n    %s %%d%d, 1, %d, %%i%d;\n    bra past%d;\nother%d:\n    %s %%d%d, 2, %d, %%i%d;\npast%d:", k, words, k, b->c->threads / 2, columns[k], k, k, words, k, b->c->threads / 2, columns[k], k);
        else golden_line(b, "%s %%d%d, %d, %%i%d;", words, k, k, columns[k]);
        golden_output(b, type, d[k]);
    }
}

static bool barrier(golden_build *b) {
    const int32_t form = b->c->form;
    pgd_text words = {0}, text = {0};
    if (form < PTX_FORM_BAR_SYNC || form > PTX_FORM_BARRIER_RED_PART || form == PTX_FORM_BAR_WARP) return false;
    golden_threads(b, 256);
    golden_mnemonic(b, &words);
    first_half(b);
    bool reduces = form != PTX_FORM_BAR_SYNC && form != PTX_FORM_BAR_ARRIVE && form != PTX_FORM_BARRIER_SYNC && form != PTX_FORM_BARRIER_ARRIVE;
    if (reduces) {
        bool part = form == PTX_FORM_BAR_RED_POPC_PART || form == PTX_FORM_BAR_RED_PART || form == PTX_FORM_BARRIER_RED_POPC_PART || form == PTX_FORM_BARRIER_RED_PART;
        reductions(b, words.chars, part, (ptx_type)b->c->words.types[0]);
    } else {
        golden_input(b, PTX_b32, GOLDEN_ANY);
        golden_line(b, ".reg .b32 %%a, %%d, %%s;");
        if (form == PTX_FORM_BAR_ARRIVE || form == PTX_FORM_BARRIER_ARRIVE) {
            arrive(b, words.chars);
        } else if (b->c->operand_count == 1) {
            pgd_text_add(&text, "%s 3;", words.chars);
            exchange(b, text.chars, b->c->threads);
        } else {
            pgd_text_add(&text, "@!%%half bra other;\n    %s 1, %d;\n    bra past;\nother:\n    %s 2, %d;\npast:", words.chars, b->c->threads / 2, words.chars, b->c->threads / 2);
            exchange(b, text.chars, b->c->threads / 2);
        }
    }
    pgd_mem_free(words.chars);
    pgd_mem_free(text.chars);
    return true;
}

/* ---- control --------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* 3 x + 1 of odd numbers, half of even ones, until 1 or 20 times: bra. */
static void branch(golden_build *b, const char *words, bool uniform) {
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b32 %%d, %%n0, %%o;\n    .reg .pred %%p;\n    mov.b32 %%d, %%i0;\n    mov.u32 %%n0, 0;");
    if (uniform) {
        golden_line(b, "%s there;\n    add.u32 %%d, %%d, 5;\nthere:\n    add.u32 %%d, %%d, 1;\n    add.u32 %%n0, %%n0, 1;\n    setp.lt.u32 %%p, %%n0, 3;\n    @%%p %s there;", words, words);
    } else {
        golden_line(b, "again:\n    setp.ge.u32 %%p, %%n0, 20;\n    @%%p %s done;\n    add.u32 %%n0, %%n0, 1;\n    setp.le.u32 %%p, %%d, 1;\n    @%%p %s done;\n    and.b32 %%o, %%d, 1;\n    setp.ne.b32 %%p, %%o, 0;\n    @%%p %s odd;\n    shr.u32 %%d, %%d, 1;\n    %s again;\nodd:\n    mad.lo.u32 %%d, %%d, 3, 1;\n    %s again;\ndone:", words, words, words, words, words);
    }
    golden_output(b, PTX_u32, "%d");
    golden_output(b, PTX_u32, "%n0");
}

static void branch_by_index(golden_build *b, const char *words, bool uniform) {
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b32 %%d, %%k;\n    and.b32 %%k, %%i0, 3;");
    if (uniform) golden_line(b, "mov.u32 %%k, 2;");
    golden_line(b, "list: .branchtargets l0, l1, l2, l3;\n    %s %%k, list;\nl0:\n    add.u32 %%d, %%i0, 10;\n    bra done;\nl1:\n    xor.b32 %%d, %%i0, 20;\n    bra done;\nl2:\n    sub.u32 %%d, %%i0, 30;\n    bra done;\nl3:\n    mul.lo.u32 %%d, %%i0, 40;\ndone:", words);
    golden_output(b, PTX_u32, "%d");
}

/* A function of two registers' numbers in .param memory; called by name, and through a register. */
static void call(golden_build *b, const char *words) {
    const char *name = b->c->kernel;
    pgd_text_add(&b->before, ".func (.param .b32 r) %s_f(.param .b32 x, .param .b32 y)\n{\n    .reg .b32 %%x, %%y;\n    ld.param.b32 %%x, [x];\n    ld.param.b32 %%y, [y];\n    mad.lo.u32 %%x, %%x, 7, %%y;\n    st.param.b32 [r], %%x;\n    ret;\n}\n\n", name);
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b32 %%d;\n    .param .b32 pr, px, py;\n    st.param.b32 [px], %%i0;\n    st.param.b32 [py], %%i1;");
    if (b->c->variant == 0) golden_line(b, "%s (pr), %s_f, (px, py);", words, name);
    else golden_line(b, ".reg .b64 %%f;\n    mov.u64 %%f, %s_f;\n    kind: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 _);\n    %s (pr), %%f, (px, py), kind;", name, words);
    golden_line(b, "ld.param.b32 %%d, [pr];");
    golden_output(b, PTX_u32, "%d");
}

/* Something is stored before; what comes after is not reached, by odd threads or by all. */
static void stop(golden_build *b, const char *words, bool all) {
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b32 %%d;\n    .reg .pred %%p;\n    and.b32 %%d, %%t, 1;\n    setp.ne.b32 %%p, %%d, 0;");
    golden_output(b, PTX_u32, "%i0");
    golden_line(b, "%s%s;", all ? "" : "@%p ", words);
    golden_output(b, PTX_u32, "%i0");
}

/* What must change nothing: the value goes on. */
static void pass(golden_build *b, const char *instruction, bool never) {
    golden_input(b, PTX_u32, GOLDEN_ANY);
    golden_line(b, ".reg .b32 %%d;\n    .reg .pred %%p;\n    setp.gt.u32 %%p, %%t, 100000;\n    st.global.b32 [%%out], %%i0;\n    %s%s;\n    ld.global.b32 %%d, [%%out];", never ? "@%p " : "", instruction);
    golden_output(b, PTX_u32, "%i0");
    golden_output(b, PTX_u32, "%d");
}

static bool control(golden_build *b) {
    pgd_text words = {0};
    const bool uniform = b->c->words.slots[PTX_SLOT_uni] != PTX_NO_WORD;
    bool fine = true;
    golden_mnemonic(b, &words);
    switch ((ptx_form_name)b->c->form) {
    case PTX_FORM_BRA: branch(b, words.chars, uniform); break;
    case PTX_FORM_BRX: branch_by_index(b, words.chars, uniform); break;
    case PTX_FORM_CALL: call(b, words.chars); break;
    case PTX_FORM_RET: case PTX_FORM_EXIT: stop(b, words.chars, uniform); break;
    case PTX_FORM_TRAP: b->c->faults = b->c->variant != 0; pass(b, words.chars, b->c->variant == 0); break;
    case PTX_FORM_BRKPT: pass(b, words.chars, true); break;
    case PTX_FORM_NANOSLEEP: pgd_text_add(&words, " 100"); pass(b, words.chars, false); break;
    case PTX_FORM_PMEVENT: pgd_text_add(&words, " 3"); pass(b, words.chars, false); break;
    case PTX_FORM_MEMBAR: case PTX_FORM_FENCE: pass(b, words.chars, false); break;
    default: fine = false; break;
    }
    pgd_mem_free(words.chars);
    return fine;
}

bool golden_build_threads(golden_build *b) { return warp(b) || barrier(b) || control(b); }
