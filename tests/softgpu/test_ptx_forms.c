/* SPDX-License-Identifier: Apache-2.0
 * The table of forms against the reader: each row, with each of its words and types, is written as PTX, read, and printed; what is printed reads as the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ptx/forms.h"

static const char *const head = ".version 9.0\n.target sm_100a\n.address_size 64\n.func fun;\n.global .b32 there;\n.visible .entry k(.param .u64 in)\n{\n";

static const char *register_type(ptx_type type) {
    return type == PTX_tf32 ? "b32" : ptx_types[type].bits >= 8 || type == PTX_pred ? ptx_types[type].name : "b8";
}

static void declare_all(pgd_text *text) {
    for (int32_t t = 1; t < PTX_TYPE_COUNT; t++)
        if (strcmp(register_type((ptx_type)t), ptx_types[t].name) == 0) pgd_text_add(text, "    .reg .%s %%%s_<9>;\n", ptx_types[t].name, ptx_types[t].name);
    pgd_text_add(text, "    TT: .branchtargets L, L;\n");
}

static void write_words(const ptx_form *form, const int32_t *picks, const bool *there, pgd_text *text) {
    pgd_text_add(text, "    %s", form->opcode);
    for (int32_t i = 0; i < form->modifier_count; i++) {
        const ptx_modifier *m = &form->modifiers[i];
        if (!there[i]) continue;
        pgd_text_add(text, ".%s", m->kind == PTX_SLOT_TYPE ? ptx_types[m->choices[picks[i]]].name : ptx_word_text(m->choices[picks[i]]));
    }
}

/* The instruction as the words make it, for the questions that operands ask. */
static ptx_instruction filled(const ptx_form *form, const int32_t *picks, const bool *there) {
    ptx_instruction i = {0};
    for (int32_t k = 0; k < form->modifier_count; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        if (!there[k]) continue;
        if (m->kind == PTX_SLOT_WORD) i.slots[m->slot] = m->choices[picks[k]];
        if (m->kind == PTX_SLOT_TYPE) i.types[m->slot] = m->choices[picks[k]];
    }
    return i;
}

static void write_operand(const ptx_operand_rule *rule, const ptx_instruction *i, int32_t number, pgd_text *text) {
    ptx_type type = ptx_rule_type(rule, i, 64);
    int32_t count = ptx_rule_count(rule, i);
    switch (rule->role) {
    case PTX_ROLE_MEMORY: pgd_text_add(text, "[%%b64_%d+-4]", number); return;
    case PTX_ROLE_NUMBER: pgd_text_add(text, "%d", number); return;
    case PTX_ROLE_LABEL: pgd_text_add(text, "L"); return;
    case PTX_ROLE_TARGETS: pgd_text_add(text, "TT"); return;
    case PTX_ROLE_CALL: pgd_text_add(text, "fun"); return;
    default: break;
    }
    if (rule->elements == PTX_COUNT_OF_WIDTH) {
        const char *half = ptx_types[type].bits == 128 ? "b64" : ptx_types[type].bits == 64 ? "b32" : ptx_types[type].bits == 32 ? "b16" : "b8";
        pgd_text_add(text, "{%%%s_1, %%%s_2}", half, half);
    } else if (count > 1 || rule->elements == PTX_FIXED_COUNT) {
        for (int32_t k = 0; k < count; k++) pgd_text_add(text, "%s%%%s_%d", k == 0 ? "{" : ", ", register_type(type), k);
        pgd_text_add(text, "}");
    } else {
        pgd_text_add(text, "%%%s_%d", register_type(type), number);
    }
    if (rule->pair > 0) pgd_text_add(text, "|%%pred_8");
}

static void write_module(const ptx_form *form, const int32_t *picks, const bool *there, int32_t operands, pgd_text *text) {
    ptx_instruction i = filled(form, picks, there);
    pgd_text_add(text, "%s", head);
    declare_all(text);
    write_words(form, picks, there, text);
    for (int32_t k = 0; k < operands; k++) {
        pgd_text_add(text, k == 0 ? " " : ", ");
        write_operand(&form->operands[k], &i, k, text);
    }
    pgd_text_add(text, ";\nL:\n    ret;\n}\n");
}

static ptx_module *must_read(const char *text) {
    pgd_text log = {0};
    ptx_module *m = NULL;
    if (ptx_parse(text, strlen(text), &log, &m) != PGD_OK) print_message("%s\n%s", text, log.chars == NULL ? "no sentence" : log.chars);
    assert_non_null(m);
    pgd_mem_free(log.chars);
    return m;
}

static void round_trip(const ptx_module *m) {
    pgd_text once = {0}, twice = {0};
    ptx_print(m, &once);
    ptx_module *again = must_read(once.chars);
    ptx_print(again, &twice);
    assert_string_equal(once.chars, twice.chars);
    ptx_module_destroy(again);
    pgd_mem_free(once.chars);
    pgd_mem_free(twice.chars);
}

static void try_one(int32_t number, const int32_t *picks, const bool *there, int32_t operands) {
    const ptx_form *form = ptx_form_get(number);
    pgd_text text = {0};
    write_module(form, picks, there, operands, &text);
    ptx_module *m = must_read(text.chars);
    const ptx_function *f = ptx_function_find(m, "k");
    assert_int_equal(f->instruction_count, 2);
    if (f->instructions[0].form != number) print_message("%s\nread as %s, not %s\n", text.chars, ptx_form_get(f->instructions[0].form)->name, form->name);
    assert_int_equal(f->instructions[0].form, number);
    ptx_instruction wanted = filled(form, picks, there);
    assert_memory_equal(f->instructions[0].slots, wanted.slots, sizeof wanted.slots);
    assert_memory_equal(f->instructions[0].types, wanted.types, sizeof wanted.types);
    round_trip(m);
    ptx_module_destroy(m);
    pgd_mem_free(text.chars);
}

static void each_row_with_each_word_is_read_and_printed(void **unused) {
    assert_true(ptx_forms_sound());
    for (int32_t number = 0; number < PTX_FORM_COUNT; number++) {
        const ptx_form *form = ptx_form_get(number);
        for (int32_t changed = -1; changed < form->modifier_count; changed++) {
            int32_t choices = changed < 0 ? 1 : form->modifiers[changed].count + (form->modifiers[changed].optional ? 1 : 0);
            for (int32_t c = 0; c < choices; c++) {
                int32_t picks[PTX_MODIFIERS_MAX] = {0};
                bool there[PTX_MODIFIERS_MAX];
                for (int32_t i = 0; i < form->modifier_count; i++) there[i] = !form->modifiers[i].optional || (i == changed && c < form->modifiers[i].count);
                if (changed >= 0 && c < form->modifiers[changed].count) picks[changed] = c;
                for (int32_t operands = form->operands_needed; operands <= form->operand_count; operands++) try_one(number, picks, there, operands);
            }
        }
    }
}

/* All optional words at once, written from the last to the first. */
static void words_may_stand_in_any_order(void **unused) {
    for (int32_t number = 0; number < PTX_FORM_COUNT; number++) {
        const ptx_form *form = ptx_form_get(number);
        int32_t picks[PTX_MODIFIERS_MAX] = {0};
        bool there[PTX_MODIFIERS_MAX];
        pgd_text forward = {0}, words = {0}, text = {0};
        for (int32_t i = 0; i < form->modifier_count; i++) there[i] = !form->modifiers[i].optional;
        write_module(form, picks, there, form->operands_needed, &forward);
        write_words(form, picks, there, &words);
        pgd_text_add(&text, "%.*s    %s", (int)(strstr(forward.chars, words.chars) - forward.chars), forward.chars, form->opcode);
        for (int32_t i = form->modifier_count - 1; i >= 0; i--) /* types keep their order */
            if (there[i] && form->modifiers[i].kind != PTX_SLOT_TYPE) pgd_text_add(&text, ".%s", ptx_word_text(form->modifiers[i].choices[0]));
        for (int32_t i = 0; i < form->modifier_count; i++)
            if (there[i] && form->modifiers[i].kind == PTX_SLOT_TYPE) pgd_text_add(&text, ".%s", ptx_types[form->modifiers[i].choices[0]].name);
        pgd_text_add(&text, "%s", strstr(forward.chars, words.chars) + words.count);
        ptx_module *m = must_read(text.chars);
        assert_int_equal(ptx_function_find(m, "k")->instructions[0].form, number);
        ptx_module_destroy(m);
        pgd_mem_free(forward.chars);
        pgd_mem_free(words.chars);
        pgd_mem_free(text.chars);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_row_with_each_word_is_read_and_printed), cmocka_unit_test(words_may_stand_in_any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
