/* SPDX-License-Identifier: Apache-2.0
 * Kernels of cases: columns, registers, words. */
#include "case_build.h"

/* ---- pieces -------------------------------------------------------------------------------------------------------------------------------------------------- */

void golden_threads(golden_build *b, int32_t threads) {
    b->c->threads = threads;
    b->c->block[0] = (uint32_t)threads;
}

void golden_line(golden_build *b, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pgd_text_add(&b->body, "    ");
    pgd_text_addv(&b->body, format, arguments);
    pgd_text_add(&b->body, "\n");
    va_end(arguments);
}

int32_t golden_column_bytes(const golden_column *column) { return column->type == PTX_pred ? 1 : ptx_types[column->type].bits / 8; }

/* Halves are bits to registers, pairs words. */
const char *golden_register_type(ptx_type type) {
    const ptx_type_info *t = &ptx_types[type];
    if (type == PTX_pred || type == PTX_f32 || type == PTX_f64 || t->kind == PTX_BITS) return t->name;
    if (t->kind == PTX_FLOAT || t->lanes > 1) return t->bits == 16 ? "b16" : "b32";
    return t->bits == 8 ? "b8" : t->name;
}

bool golden_is_wide(const golden_case *c) { return c->variant == 1 && (c->form == PTX_FORM_LD || c->form == PTX_FORM_LDU || c->form == PTX_FORM_ST || c->form == PTX_FORM_CVT_INT); }

/* Of 8 bits there are registers for few instructions only: 32 are taken. */
ptx_type golden_wider(const golden_build *b, ptx_type type) {
    const ptx_type_info *t = &ptx_types[type];
    if (t->kind == PTX_FLOAT || t->kind == PTX_PREDICATE) return type;
    if (golden_is_wide(b->c)) return t->kind == PTX_SIGNED ? PTX_s64 : t->kind == PTX_UNSIGNED ? PTX_u64 : PTX_b64;
    return t->bits > 8 || t->kind == PTX_BITS ? type : t->kind == PTX_SIGNED ? PTX_s32 : PTX_u32;
}

int32_t golden_column_add(golden_column *columns, int32_t *count, ptx_type type, golden_values values) {
    columns[*count] = (golden_column){type, values};
    return (*count)++;
}

int32_t golden_input(golden_build *b, ptx_type type, golden_values values) {
    golden_case *c = b->c;
    int32_t k = golden_column_add(c->inputs, &c->input_count, type, values);
    long long at = 8ll * k * c->threads;
    if (type == PTX_pred) {
        golden_line(b, ".reg .pred %%i%d;\n    .reg .b32 %%w%d;\n    ld.global.u8 %%w%d, [%%in+%lld];\n    setp.ne.b32 %%i%d, %%w%d, 0;", k, k, k, at, k, k);
    } else if (type == PTX_b128) {
        golden_column_add(c->inputs, &c->input_count, PTX_b64, values);
        c->inputs[k].type = PTX_b64;
        golden_line(b, ".reg .b64 %%w%d, %%v%d;\n    .reg .b128 %%i%d;\n    ld.global.b64 %%w%d, [%%in+%lld];\n    ld.global.b64 %%v%d, [%%in+%lld];\n    mov.b128 %%i%d, {%%w%d, %%v%d};", k, k, k, k, at, k, at + 8ll * c->threads, k, k, k);
    } else {
        golden_line(b, ".reg .%s %%i%d;\n    ld.global.b%d %%i%d, [%%in+%lld];", golden_register_type(golden_wider(b, type)), k, ptx_types[type].bits, k, at);
        if (golden_is_wide(b->c)) golden_line(b, "or.b64 %%i%d, %%i%d, 0x5a5a5a0000000000;", k, k); /* not to be looked at */
    }
    return k;
}

int32_t golden_flat(golden_build *b, int32_t columns) {
    int32_t first = b->c->input_count;
    for (int32_t k = 0; k < columns; k++) golden_column_add(b->c->inputs, &b->c->input_count, PTX_b64, GOLDEN_ANY);
    return first;
}

void golden_output(golden_build *b, ptx_type type, const char *reg) {
    golden_case *c = b->c;
    if (type == PTX_b128) {
        int32_t k = golden_column_add(c->outputs, &c->output_count, PTX_b64, GOLDEN_ANY), j = golden_column_add(c->outputs, &c->output_count, PTX_b64, GOLDEN_ANY);
        golden_line(b, ".reg .b64 %%lo%d, %%hi%d;\n    mov.b128 {%%lo%d, %%hi%d}, %s;\n    st.global.b64 [%%out+%lld], %%lo%d;\n    st.global.b64 [%%out+%lld], %%hi%d;", k, k, k, k, reg, 8ll * k * c->threads, k, 8ll * j * c->threads, k);
        return;
    }
    int32_t k = golden_column_add(c->outputs, &c->output_count, type, GOLDEN_ANY);
    long long at = 8ll * k * c->threads;
    if (type == PTX_pred) golden_line(b, ".reg .b32 %%z%d;\n    selp.b32 %%z%d, 1, 0, %s;\n    st.global.b8 [%%out+%lld], %%z%d;", k, k, reg, at, k);
    else golden_line(b, "st.global.b%d [%%out+%lld], %s;", ptx_types[type].bits, at, reg);
}

void golden_flat_output(golden_build *b, int32_t columns) {
    for (int32_t k = 0; k < columns; k++) golden_column_add(b->c->outputs, &b->c->output_count, PTX_b64, GOLDEN_ANY);
}

void golden_mnemonic(const golden_build *b, pgd_text *out) {
    const ptx_form *form = ptx_form_get(b->c->form);
    const ptx_instruction *i = &b->c->words;
    pgd_text_add(out, "%s", form->opcode);
    for (int32_t k = 0; k < form->modifier_count; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        int32_t choice = m->kind == PTX_FIXED_WORD ? m->choices[0] : m->kind == PTX_SLOT_WORD ? i->slots[m->slot] : i->types[m->slot];
        if (choice != 0) pgd_text_add(out, ".%s", m->kind == PTX_SLOT_TYPE ? ptx_types[choice].name : ptx_word_text(choice));
    }
}
