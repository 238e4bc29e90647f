/* SPDX-License-Identifier: Apache-2.0
 * Cases of matrices and of copies beside the threads. */
#include "case_build.h"

/* Eight warps: four multiply small integers, four any numbers between -2 and 2. */
static void multiply(golden_build *b, const char *words) {
    const ptx_form *form = ptx_form_get(b->c->form);
    pgd_text operands = {0};
    golden_threads(b, 256);
    for (int32_t k = 0; k < form->operand_count; k++) {
        const ptx_operand_rule *rule = &form->operands[k];
        ptx_type type = ptx_rule_type(rule, &b->c->words, 64), matrix = (ptx_type)b->c->words.types[k];
        if (type == PTX_b32) type = matrix == PTX_bf16 ? PTX_bf16x2 : matrix == PTX_tf32 ? PTX_tf32 : PTX_b32;
        int32_t count = ptx_rule_count(rule, &b->c->words);
        for (int32_t r = 0; r < count; r++) {
            pgd_text_add(&operands, "%s", k > 0 && r == 0 ? ", {" : r == 0 ? "{" : ", ");
            if (k == 0) golden_line(b, ".reg .%s %%d%d;", golden_register_type(type), r);
            if (k == 0) pgd_text_add(&operands, "%%d%d", r);
            else pgd_text_add(&operands, "%%i%d", golden_input(b, type, GOLDEN_TILE));
        }
        pgd_text_add(&operands, "}");
    }
    golden_line(b, "%s %s;", words, operands.chars);
    for (int32_t r = 0; r < ptx_rule_count(&form->operands[0], &b->c->words); r++) {
        char d[4] = {'%', 'd', (char)('0' + r), '\0'};
        golden_output(b, ptx_rule_type(&form->operands[0], &b->c->words, 64), d);
    }
    pgd_mem_free(operands.chars);
}

/* Each warp has 512 bytes: row (5 lane + 3) % 32 is what a lane points at. */
static void load_matrix(golden_build *b, const char *words) {
    const int32_t count = ptx_rule_count(&ptx_form_get(b->c->form)->operands[0], &b->c->words);
    const bool generic = b->c->words.slots[PTX_SLOT_space] == PTX_NO_WORD;
    golden_threads(b, 64);
    golden_flat(b, 2);
    golden_line(b, ".reg .b64 %%x0, %%x1, %%base, %%a;\n    .reg .b32 %%lane, %%first;\n    mov.u64 %%base, room;\n    mad.wide.u32 %%a, %%t, 16, %%base;\n    ld.global.b64 %%x0, [%%inf];\n    ld.global.b64 %%x1, [%%inf+8];\n    st.shared.b64 [%%a], %%x0;\n    st.shared.b64 [%%a+8], %%x1;\n    bar.warp.sync 0xffffffff;");
    golden_line(b, "and.b32 %%lane, %%t, 31;\n    sub.u32 %%first, %%t, %%lane;\n    mad.lo.u32 %%lane, %%lane, 5, 3;\n    and.b32 %%lane, %%lane, 31;\n    add.u32 %%lane, %%lane, %%first;\n    mad.wide.u32 %%a, %%lane, 16, %%base;");
    if (generic) golden_line(b, "cvta.shared.u64 %%a, %%a;");
    for (int32_t r = 0; r < count; r++) golden_line(b, ".reg .b32 %%d%d;", r);
    golden_line(b, "%s %s, [%%a];", words, count == 4 ? "{%d0, %d1, %d2, %d3}" : count == 2 ? "{%d0, %d1}" : "{%d0}");
    for (int32_t r = 0; r < count; r++) {
        char d[4] = {'%', 'd', (char)('0' + r), '\0'};
        golden_output(b, PTX_b32, d);
    }
}

/* 16 bytes of .shared memory to a thread, filled with something else; a copy goes there and is waited for, each way once. */
static bool copy(golden_build *b, const char *words) {
    const int32_t form = b->c->form, bytes = form == PTX_FORM_CP_ASYNC || form == PTX_FORM_CP_ASYNC_IGNORE ? 4 << b->c->variant : 16;
    if (b->c->words.slots[PTX_SLOT_cache] == PTX_WORD_cg && bytes != 16) return false;
    golden_flat(b, 2);
    golden_line(b, ".reg .b64 %%x0, %%x1, %%base, %%a;\n    mov.u64 %%base, room;\n    mad.wide.u32 %%a, %%t, 16, %%base;\n    mov.u64 %%x0, 0x1234567812345678;\n    st.shared.b64 [%%a], %%x0;\n    st.shared.b64 [%%a+8], %%x0;");
    const char *plain = "cp.async.ca.shared.global";
    if (form == PTX_FORM_CP_ASYNC && b->c->operand_count == 4) {
        golden_line(b, ".reg .b32 %%some;\n    rem.u32 %%some, %%t, %d;\n    %s [%%a], [%%inf], %d, %%some;\n    cp.async.wait_all;", bytes + 1, words, bytes);
    } else if (form == PTX_FORM_CP_ASYNC) {
        golden_line(b, "%s [%%a], [%%inf], %d;\n    cp.async.wait_all;", words, bytes);
    } else if (form == PTX_FORM_CP_ASYNC_IGNORE) {
        golden_line(b, ".reg .b32 %%some;\n    .reg .pred %%p;\n    and.b32 %%some, %%t, 3;\n    setp.eq.b32 %%p, %%some, 0;\n    %s [%%a], [%%inf], %d, %%p;\n    cp.async.wait_all;", words, bytes);
    } else if (form == PTX_FORM_CP_ASYNC_COMMIT) {
        golden_line(b, "%s [%%a], [%%inf], 8;\n    %s;\n    %s [%%a+8], [%%inf+8], 8;\n    %s;\n    cp.async.wait_group 0;", plain, words, plain, words);
    } else if (form == PTX_FORM_CP_ASYNC_WAIT) { /* only what has surely arrived is read */
        golden_line(b, "%s [%%a], [%%inf], 8;\n    cp.async.commit_group;\n    %s [%%a+8], [%%inf+8], 8;\n    cp.async.commit_group;\n    %s %d;", plain, plain, words, b->c->variant);
        if (b->c->variant > 0) golden_line(b, "ld.shared.b64 %%x1, [%%a];");
        if (b->c->variant > 1) golden_line(b, "cp.async.wait_group 0;");
        if (b->c->variant == 1) golden_line(b, "cp.async.wait_all;\n    st.shared.b64 [%%a], %%x1;");
    } else {
        golden_line(b, "%s [%%a], [%%inf], 8;\n    %s [%%a+8], [%%inf+8], 8;\n    %s;", plain, plain, words);
    }
    golden_line(b, "ld.shared.b64 %%x0, [%%a];\n    ld.shared.b64 %%x1, [%%a+8];\n    st.global.b64 [%%of], %%x0;\n    st.global.b64 [%%of+8], %%x1;");
    golden_flat_output(b, 2);
    return true;
}

bool golden_build_matrix(golden_build *b) {
    pgd_text words = {0};
    const int32_t form = b->c->form;
    bool fine = true;
    golden_mnemonic(b, &words);
    if (form == PTX_FORM_LDMATRIX) load_matrix(b, words.chars);
    else if (form >= PTX_FORM_MMA_F16_K8_F16 && form <= PTX_FORM_MMA_S8_K32) multiply(b, words.chars);
    else if (form >= PTX_FORM_CP_ASYNC && form <= PTX_FORM_CP_ASYNC_WAIT_ALL) fine = copy(b, words.chars);
    else fine = false;
    pgd_mem_free(words.chars);
    return fine;
}
