/* SPDX-License-Identifier: Apache-2.0
 * What makes PTX hard to read, one test each; and mistakes, each with its place and sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ptx/forms.h"

#define HEAD ".version 8.0\n.target sm_90\n.address_size 64\n"
#define BODY HEAD ".visible .entry k(.param .u64 in, .param .u32 n)\n{\n"

static ptx_module *module;
static pgd_text log_text;

static const ptx_function *read(const char *text) {
    ptx_module_destroy(module);
    pgd_mem_free(log_text.chars);
    log_text = (pgd_text){0};
    pgd_status status = ptx_parse(text, strlen(text), &log_text, &module);
    if (status != PGD_OK) print_message("%s", log_text.chars);
    assert_int_equal(status, PGD_OK);
    return ptx_function_find(module, "k");
}

static void refused(const char *text, pgd_status status, const char *sentence) {
    ptx_module_destroy(module);
    pgd_mem_free(log_text.chars);
    log_text = (pgd_text){0};
    pgd_status got = ptx_parse(text, strlen(text), &log_text, &module);
    if (got != status || log_text.chars == NULL || strstr(log_text.chars, sentence) == NULL) print_message("%s\nsays %s\nnot %s\n", text, log_text.chars == NULL ? "nothing" : log_text.chars, sentence);
    assert_int_equal(got, status);
    assert_null(module);
    assert_non_null(strstr(log_text.chars, sentence));
}

static int tear_down(void **unused) {
    ptx_module_destroy(module);
    pgd_mem_free(log_text.chars);
    module = NULL;
    log_text = (pgd_text){0};
    return 0;
}

/* ---- names ---------------------------------------------------------------------------------------------------------------------------------------------- */

static void blocks_have_registers_and_labels_of_their_own(void **unused) {
    const ptx_function *f = read(BODY ".reg .u32 %x;\n.reg .pred %p;\nAGAIN: mov.u32 %x, 1;\n"
                                      "{ .reg .u32 %x; AGAIN: mov.u32 %x, 2; @%p bra AGAIN; { @%p bra AGAIN; @%p bra OUT; } }\n"
                                      "@%p bra AGAIN;\nOUT: ret;\n}\n");
    assert_int_equal(f->instructions[0].operands[0].number, 0); /* the outer %x */
    assert_int_equal(f->instructions[1].operands[0].number, 2); /* the inner one, declared after %p */
    assert_int_equal(f->instructions[2].operands[0].number, 1); /* to the inner AGAIN */
    assert_int_equal(f->instructions[3].operands[0].number, 1); /* from further inside as well */
    assert_int_equal(f->instructions[4].operands[0].number, 6); /* OUT lies outside and ahead */
    assert_int_equal(f->instructions[5].operands[0].number, 0);
    refused(BODY "{ IN: ret; }\nbra IN;\n}\n", PGD_CORRUPT, "there is no label IN");
    refused(BODY ".reg .u32 %x;\n.reg .u32 %x;\n}\n", PGD_CORRUPT, "line 7, column 11: %x is declared here already");
}

static void a_range_declares_many_registers(void **unused) {
    const ptx_function *f = read(BODY ".reg .b32 %r<67>;\n.reg .b32 %r_<3>, r07;\n.reg .b64 %rd<2>;\nmov.b32 %r66, %r0;\nmov.b32 %r_2, r07;\nret;\n}\n");
    assert_int_equal(f->register_count, 67 + 3 + 1 + 2);
    assert_int_equal(f->instructions[0].operands[0].number, 66);
    assert_int_equal(f->instructions[1].operands[0].number, 69);
    assert_int_equal(f->instructions[1].operands[1].number, 70);
    refused(BODY ".reg .b32 %r<67>;\nmov.b32 %r67, %r0;\n}\n", PGD_CORRUPT, "nothing is declared under the name %r67");
    refused(BODY ".reg .b32 %r<67>;\nmov.b32 %r07, %r0;\n}\n", PGD_CORRUPT, "the name %r07");
    refused(BODY ".reg .b32 %r<0>;\n}\n", PGD_CORRUPT, "must be 1 to");
    refused(BODY ".reg .b32 %r<1048576>;\n.reg .b32 %s<2>;\n}\n", PGD_CORRUPT, "more than 1048576 registers");
}

static void names_may_hold_dollars_and_be_shadowed_per_call(void **unused) {
    const ptx_function *f = read(HEAD ".func (.param .b32 out) $f$1(.param .b32 a, .param .b64 b)\n{ .reg .b32 %r; ld.param.b32 %r, [a]; st.param.b32 [out], %r; ret; }\n"
                                      ".visible .entry k()\n{\n.reg .b32 %r<3>;\n.reg .b64 %d;\n"
                                      "{ .param .b32 param0; .param .b64 param1; .param .b32 got;\n st.param.b32 [param0], %r1; st.param.b64 [param1+0], %d;\n call.uni (got), $f$1, (param0, param1);\n ld.param.b32 %r1, [got]; }\n"
                                      "{ .param .b32 param0; .param .b64 param1; .param .b32 got;\n call (got), $f$1, (param0, param1); }\nret;\n}\n");
    const ptx_call *call = f->instructions[2].call;
    assert_true(call->result_count == 1 && call->argument_count == 2 && call->prototype == NULL);
    assert_string_equal(call->callee.function->name, "$f$1");
    assert_ptr_not_equal(call->arguments[0].variable, f->instructions[4].call->arguments[0].variable);
    assert_int_equal(f->frame_param_bytes, 36); /* 4, 8 and 4 bytes twice, each where its alignment wants it */
    const ptx_function *callee = ptx_function_find(module, "$f$1");
    assert_true(callee->results->offset == 0 && callee->parameters->offset == 4 && callee->parameters->next->offset == 8 && callee->parameter_bytes == 16);
    refused(HEAD ".func f(.param .b32 a) { ret; }\n.entry k() { .reg .b64 %d; call f, (%d); }\n", PGD_CORRUPT, "argument 1 of the call has 8 bytes, the function's has 4");
    refused(HEAD ".func f(.param .b32 a) { ret; }\n.entry k() { call f; }\n", PGD_CORRUPT, "this call has 0 arguments");
    refused(HEAD ".global .b32 g;\n.func f(.param .b32 a) { ret; }\n.entry k() { call f, (g); }\n", PGD_CORRUPT, "argument 1 of the call must be a .param variable");
    refused(HEAD ".func (.param .b32 r) f { ret; }\n.entry k() { call (%tid.x), f; }\n", PGD_CORRUPT, "result 1 of the call must be a .param variable or a register");
    refused(HEAD ".func (.param .b32 r) f { ret; }\n.entry k() { .param .b32 p; call (p+4), f; }\n", PGD_CORRUPT, "result 1 of the call must be");
}

static void a_call_through_a_register_has_a_prototype(void **unused) {
    const ptx_function *f = read(BODY ".reg .b64 %rd<2>;\n.param .b32 a;\n.param .b32 r;\nproto: .callprototype (.param .b32 _) _ (.param .b32 _);\ncall (r), %rd1, (a), proto;\nret;\n}\n");
    assert_non_null(f->instructions[0].call->prototype);
    assert_int_equal(f->instructions[0].call->callee.number, 1);
    refused(BODY ".reg .b64 %rd<2>;\ncall %rd1;\n}\n", PGD_CORRUPT, "needs a .callprototype");
}

/* ---- operands ---------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t value_of(const char *constant, const char *type) {
    char text[512];
    snprintf(text, sizeof text, BODY ".reg .%s %%d;\nmov.%s %%d, %s;\n}\n", type, type, constant);
    return read(text)->instructions[0].operands[1].bits;
}

static void constants_come_in_many_shapes(void **unused) {
    assert_true(value_of("0x1F", "u32") == 31 && value_of("017", "u32") == 15 && value_of("0b101", "u32") == 5 && value_of("42U", "u32") == 42);
    assert_true(value_of("-1", "s32") == UINT64_MAX && value_of("~0", "b64") == UINT64_MAX && value_of("0xFFFFFFFFFFFFFFFF", "b64") == UINT64_MAX);
    assert_true(value_of("1 + 2 * 3", "u32") == 7 && value_of("(1 + 2) * 3", "u32") == 9 && value_of("1 << 4 | 1", "u32") == 17 && value_of("7 / 2 - 8 % 3", "s32") == 1);
    assert_true(value_of("-8 >> 1", "s64") == (uint64_t)-4 && value_of("0xF000000000000000 >> 60", "u64") == 15 && value_of("1 ? 5 : 6", "u32") == 5 && value_of("(.u64)-1 > 0", "u32") == 1);
    assert_true(value_of("WARP_SZ", "u32") == 32 && value_of("WARP_SZ - 1", "u32") == 31 && value_of("3 == 3 && 2 < 1 || !0", "u32") == 1);
    assert_true(value_of("0f3F800000", "f32") == 0x3F800000 && value_of("0d3FF0000000000000", "f64") == UINT64_C(0x3FF0000000000000) && value_of("1.5", "f64") == UINT64_C(0x3FF8000000000000));
    assert_true(value_of("-2.5e-1", "f64") == UINT64_C(0xBFD0000000000000) && value_of("-0f3F800000", "f32") == 0xBF800000 && value_of("0f7F800000", "b32") == 0x7F800000);
    refused(BODY ".reg .f32 %f; mov.f32 %f, 1; }\n", PGD_CORRUPT, "write it as a real");
    refused(BODY ".reg .u32 %f; mov.u32 %f, 1.5; }\n", PGD_CORRUPT, "a real cannot stand where .u32 is needed");
    refused(BODY ".reg .u32 %f; mov.u32 %f, 1/0; }\n", PGD_CORRUPT, "divided by 0");
    refused(BODY ".reg .u32 %f; mov.u32 %f, 0f3F8; }\n", PGD_CORRUPT, "0f takes 8 hexadecimal digits");
    refused(BODY ".reg .u32 %f; mov.u32 %f, 99999999999999999999; }\n", PGD_CORRUPT, "no integer of 64 bits");
}

static void addresses_have_registers_names_and_offsets(void **unused) {
    const ptx_function *f = read(HEAD ".global .align 8 .b8 there[64];\n.extern .shared .align 16 .b8 dyn[];\n.visible .entry k(.param .align 128 .b8 big[1024])\n{\n.reg .b64 %a;\n.reg .b32 %s, %v<4>;\n"
                                      "ld.global.u32 %v0, [%a];\nld.global.u32 %v0, [%a+16];\nld.global.u32 %v0, [%a+-4];\nld.global.u32 %v0, [%a-4];\nld.global.u32 %v0, [there+8];\nld.u32 %v0, [4096];\n"
                                      "ld.param.u32 %v0, [big+1020];\nld.shared.u32 %v0, [%s+4];\nld.shared.v4.u32 {%v0, _, %v2, %v3}, [dyn];\nst.global.v2.u32 [%a], {%v0, 7};\nmov.u64 %a, there+4;\nmov.u64 %a, big;\n}\n");
    const ptx_instruction *i = f->instructions;
    assert_true(i[0].operands[1].number == 0 && i[0].operands[1].bits == 0 && i[1].operands[1].bits == 16 && (int64_t)i[2].operands[1].bits == -4 && (int64_t)i[3].operands[1].bits == -4);
    assert_true(i[4].operands[1].number == -1 && i[4].operands[1].bits == 8 && strcmp(i[4].operands[1].variable->name, "there") == 0);
    assert_true(i[5].operands[1].variable == NULL && i[5].operands[1].bits == 4096 && i[6].operands[1].variable == f->parameters && f->parameters->align == 128);
    assert_true(i[8].operands[0].kind == PTX_VECTOR && i[8].operands[0].count == 4 && i[8].operands[0].items[1].number == -1);
    assert_true(i[9].operands[1].items[1].kind == PTX_INTEGER && i[10].operands[1].kind == PTX_ADDRESS_OF && i[10].operands[1].bits == 4);
    refused(BODY ".reg .b32 %s; ld.global.u32 %s, [%s]; }\n", PGD_CORRUPT, "cannot hold this address");
    refused(HEAD ".shared .b32 s;\n.entry k() { .reg .b32 %r; ld.global.u32 %r, [s]; }\n", PGD_CORRUPT, "s lies in .shared memory");
    refused(BODY ".reg .b32 %r; .reg .b64 %a; ld.global.v2.u32 %r, [%a]; }\n", PGD_CORRUPT, "a vector of 2 registers is needed");
}

static void vectors_pack_and_unpack(void **unused) {
    const ptx_function *f = read(BODY ".reg .b16 %h<4>;\n.reg .b32 %r<2>;\n.reg .b64 %d;\nmov.b32 %r0, {%h0, %h1};\nmov.b64 {%h0, %h1, %h2, _}, %d;\nmov.b64 {%r0, %r1}, %d;\nmov.b64 %d, %d;\n}\n");
    assert_true(f->instructions[0].form == PTX_FORM_MOV_PACK && f->instructions[1].form == PTX_FORM_MOV_UNPACK && f->instructions[3].form == PTX_FORM_MOV);
    refused(BODY ".reg .b16 %h<4>;\n.reg .b64 %d;\nmov.b64 %d, {%h0, %h1};\n}\n", PGD_CORRUPT, "is .b16, and .b32 is needed");
}

static void a_guard_may_be_negated_and_a_comparison_have_two_results(void **unused) {
    const ptx_function *f = read(BODY ".reg .pred %p, %q, %r;\n.reg .s32 %a;\n@!%p setp.lt.and.s32 %q|%r, %a, 3, !%p;\nsetp.ge.s32 _|%q, %a, %a;\n@%q exit;\n}\n");
    const ptx_instruction *i = &f->instructions[0];
    assert_true(i->guarded && i->guard_negated && i->guard == 0 && i->paired && i->pair == 2 && i->operands[3].negated);
    assert_true(i->slots[PTX_SLOT_cmp] == PTX_WORD_lt && i->slots[PTX_SLOT_bool] == PTX_WORD_and);
    assert_true(f->instructions[1].operands[0].number == -1 && f->instructions[1].pair == 1);
    refused(BODY ".reg .s32 %a;\n@%a exit;\n}\n", PGD_CORRUPT, "behind @ is no predicate");
    refused(BODY ".reg .s32 %a;\n.reg .pred %p;\nadd.s32 %a|%p, %a, %a;\n}\n", PGD_CORRUPT, "no predicate can stand behind the result");
}

static void registers_have_the_type_the_instruction_wants(void **unused) {
    read(BODY ".reg .b32 %b;\n.reg .s32 %s;\n.reg .u32 %u;\n.reg .f32 %f;\n.reg .b16 %h;\n.reg .u64 %d;\nadd.u32 %s, %u, %b;\nmul.f32 %b, %f, %f;\nld.global.u8 %s, [%d];\nst.global.u8 [%d], %d;\n"
              "cvt.u16.u32 %u, %d;\ncvt.f32.f16 %f, %h;\nadd.f16 %h, %h, %h;\nmov.u32 %u, %tid.x;\ncvt.u64.u32 %d, %ctaid.y;\n}\n");
    refused(BODY ".reg .f32 %f;\nadd.u32 %f, %f, %f;\n}\n", PGD_CORRUPT, "line 7, column 1: add.u32: register %f is .f32, and .u32 is needed");
    refused(BODY ".reg .b64 %f;\nadd.u32 %f, %f, %f;\n}\n", PGD_CORRUPT, "is .b64, and .u32 is needed");
    refused(BODY ".reg .u32 %u;\nadd.u32 %u, %tid.x, %u;\n}\n", PGD_CORRUPT, "%tid.x can only be read by mov and cvt");
    refused(BODY ".reg .u32 %u;\nadd.u32 %u, _, %u;\n}\n", PGD_CORRUPT, "can only be written to");
    refused(BODY ".reg .u32 %u;\nadd.u32 %u, %u;\n}\n", PGD_CORRUPT, "2 operands, where 3 are needed");
    refused(BODY ".reg .u32 %u;\nadd.u32 3, %u, %u;\n}\n", PGD_CORRUPT, "the result must go to a register");
}

/* ---- modules ------------------------------------------------------------------------------------------------------------------------------------------------- */

static void initial_values_hold_numbers_addresses_and_masked_bytes(void **unused) {
    read(HEAD ".global .u32 table[2][2] = {{1, 2}, {-3, 0x10}};\n.const .f32 halves[3] = {0f3F000000, 0.5};\n.global .b8 text[] = {104, 105, 0};\n"
              ".func f { ret; }\n.global .u64 places[3] = {table, generic(table)+4, f};\n.global .b8 bytes[4] = {0xFF(table), 0xFF00(table), 0xFF0000(table+8), 7};\n.global .v4 .f32 four = {1.0, 2.0, 3.0, 4.0};\n");
    const ptx_variable *table = ptx_variable_find(module, "table"), *halves = ptx_variable_find(module, "halves"), *text = ptx_variable_find(module, "text"), *places = ptx_variable_find(module, "places");
    const ptx_variable *bytes = ptx_variable_find(module, "bytes"), *four = ptx_variable_find(module, "four");
    assert_true(table->bytes == 16 && table->initial[0] == 1 && table->initial[8] == 0xfd && table->initial[12] == 16);
    assert_true(halves->bytes == 12 && halves->initial[3] == 0x3f && halves->initial[7] == 0x3f && halves->initial[11] == 0);
    assert_true(text->bytes == 3 && text->elems == 3 && !text->unsized && text->initial[1] == 105);
    const ptx_reference *first = places->references, *third = bytes->references->next->next;
    assert_true(first->variable == table && first->next->generic && first->next->addend == 4 && first->next->next->offset == 16 && first->next->next->function != NULL);
    assert_true(third->shift == 16 && third->addend == 8 && bytes->initial[3] == 7 && third->bytes == 1 && third->next == NULL);
    assert_true(four->bytes == 16 && four->align == 16 && four->initial[15] == 0x40);
    refused(HEAD ".global .u32 x[2] = {1, 2, 3};\n", PGD_CORRUPT, "more initial values than elements");
    refused(HEAD ".global .u32 x = nowhere;\n", PGD_CORRUPT, "no variable or function that was declared before");
    refused(HEAD ".shared .u32 x = 3;\n", PGD_CORRUPT, "only .global and .const");
    read(HEAD ".global .u32 rows[][2] = {{1, 2}, {3}, {5, 6}};\n.global .u32 flat[][2] = {1, 2, 3, 4, 5};\n.global .b128 wide = 5;\n");
    assert_true(ptx_variable_find(module, "rows")->elems == 6 && ptx_variable_find(module, "flat")->elems == 6 && ptx_variable_find(module, "wide")->initial[0] == 5);
    read(HEAD ".global .f16 small[3] = {0.5, 0f3F000000, 0x3C00};\n");
    const unsigned char *small = ptx_variable_find(module, "small")->initial;
    assert_true(small[1] == 0x38 && small[3] == 0x38 && small[5] == 0x3c); /* reals are rounded, integers are bits */
    refused(HEAD ".global .e4m3 x;\n", PGD_CORRUPT, "a variable cannot be of type .e4m3");
    refused(HEAD ".global .b32 y;\n.global .b128 x = y;\n", PGD_CORRUPT, "an address does not fill an element of x");
    refused(HEAD ".global .v4 .b64 a[][34359738368] = {1};\n", PGD_CORRUPT, "more than");
    refused(HEAD ".entry k() { .local .b8 l[16000000]; ret; }\n", PGD_CORRUPT, "its .local memory has more than 524288 bytes");
    refused(HEAD ".global .u32 x[];\n", PGD_CORRUPT, "has no size");
    refused(HEAD ".global .u32 x[1099511627776][1099511627776];\n", PGD_CORRUPT, "would have more than");
}

static void a_function_may_be_declared_first(void **unused) {
    read(HEAD ".extern .func (.param .b32 r) vprintf(.param .b64 a, .param .b64 b);\n.func later(.param .b32 x);\n.entry k() { .param .b32 x; call later, (x); ret; }\n.func later(.param .b32 y) { ret; }\n");
    assert_true(ptx_function_find(module, "later")->defined && !ptx_function_find(module, "vprintf")->defined);
    refused(HEAD ".func f(.param .b32 x);\n.func f(.param .b64 x) { ret; }\n", PGD_CORRUPT, "f was declared with other parameters");
    refused(HEAD ".func f { ret; }\n.func f { ret; }\n", PGD_CORRUPT, "f has a body already");
    refused(HEAD ".global .u32 f;\n.func f { ret; }\n", PGD_CORRUPT, "the name of something else");
}

static void prints_the_same_again(void) {
    pgd_text once = {0}, twice = {0};
    ptx_print(module, &once);
    read(once.chars);
    ptx_print(module, &twice);
    assert_string_equal(once.chars, twice.chars);
    pgd_mem_free(once.chars);
    pgd_mem_free(twice.chars);
}

static void a_variable_may_be_extern_first(void **unused) {
    read(HEAD ".extern .global .align 8 .u64 x[];\n.global .align 8 .u64 y = x;\n.visible .global .align 8 .u64 x[3] = {y, 2};\n.extern .global .align 8 .u64 x[3];\n.visible .entry k()\n{\nret;\n}\n");
    ptx_variable *x = ptx_variable_find(module, "x"), *y = ptx_variable_find(module, "y");
    assert_true(x->linkage == PTX_VISIBLE && x->elems == 3 && x->initial[8] == 2 && module->variable_count == 2);
    assert_true(y->references->variable == x && x->references->variable == y);
    prints_the_same_again();
    refused(HEAD ".extern .global .u32 x;\n.global .f32 x;\n", PGD_CORRUPT, "line 5, column 14: x is declared with another type or size at line 4");
    refused(HEAD ".extern .global .u32 x[2];\n.global .u32 x[3];\n", PGD_CORRUPT, "another type or size");
    refused(HEAD ".extern .global .u32 x[];\n.global .u32 x[];\n", PGD_CORRUPT, "x has no size");
    refused(HEAD ".global .u32 x;\n.global .u32 x;\n", PGD_CORRUPT, "x is declared here already");
}

/* Zeros behind the last value are not written, and names among many values are not looked for from the beginning each time. */
static void large_arrays_are_printed_as_short_as_they_were_written(void **unused) {
    pgd_text text = {0}, printed = {0};
    read(HEAD ".global .align 4 .u32 x[15000000] = {7};\n.global .align 8 .u64 y[1000] = {0, x, 0, x+4};\n.global .f32 z[2] = {0f00000000, 0f00000000};\n.global .align 8 .b8 w[16] = {1, 0, 0xFF(x), 0xFF00(x)};\n.visible .entry k()\n{\nret;\n}\n");
    ptx_print(module, &printed);
    assert_non_null(strstr(printed.chars, "x[15000000] = {7};"));
    assert_non_null(strstr(printed.chars, "y[1000] = {0, x, 0, x+4};"));
    assert_non_null(strstr(printed.chars, "z[2] = {0f00000000};"));
    assert_true(printed.count < 1000);
    pgd_mem_free(printed.chars);
    prints_the_same_again();
    pgd_text_add(&text, "%s.global .u32 x;\n.global .align 8 .u64 y[300000] = {", HEAD);
    for (int i = 0; i < 300000; i++) pgd_text_add(&text, i == 0 ? "x" : ", x+%d", i);
    pgd_text_add(&text, "};\n");
    read(text.chars);
    assert_int_equal(ptx_variable_find(module, "y")->references->offset, 0);
    prints_the_same_again();
    pgd_mem_free(text.chars);
}

static void jumps_through_a_table(void **unused) {
    const ptx_function *f = read(BODY ".reg .u32 %i;\ntable: .branchtargets A, B, A;\nbrx.idx %i, table;\nA: exit;\nB: ret;\n}\n");
    assert_true(f->target_count == 1 && f->targets[0].count == 3 && f->targets[0].labels[1].number == 2 && f->targets[0].labels[2].number == 1);
    assert_int_equal(f->instructions[0].operands[1].number, 0);
}

static void lines_of_the_source_are_kept(void **unused) {
    const ptx_function *f = read(HEAD ".file 1 \"kernel.cu\"\n.file 2 \"other.h\", 1700000000, 1234\n.visible .entry k()\n.maxntid 256\n.minnctapersm 2\n{\n.loc 1 12 3\n.pragma \"nounroll\";\nexit;\n"
                                      ".loc 2 7 1, function_name $L__info_string0, inlined_at 1 14 5\nexit;\n.loc 2 8 1, function_name $L__info_string0+12, inlined_at 1 14 5\nexit;\n}\n.section .debug_str\n{\n$L__info_string0:\n.b8 95, 0\n}\n");
    assert_true(f->instructions[0].file == 1 && f->instructions[0].source_line == 12 && f->instructions[1].file == 2 && f->instructions[2].source_line == 8);
    assert_string_equal(module->files[1], "kernel.cu");
    assert_true(f->max_threads[0] == 256 && f->max_threads[1] == 1 && f->min_blocks == 2);
    assert_int_equal(f->instructions[0].place.line, 12);
    f = read(HEAD ".file 1 \"kernel.cu\"\n.entry k()\n{\nexit;\n.loc 1 5 1\nexit;\n.loc 1 0 0\nexit;\n.loc 1 9 1\nexit;\n}\n.entry other()\n{\nexit;\n}\n"); /* line 0: what compilers add is near the line before; a function begins without one */
    assert_true(f->instructions[0].source_line == 0 && f->instructions[1].source_line == 5 && f->instructions[2].source_line == 5 && f->instructions[3].source_line == 9 && f->next->instructions[0].source_line == 0);
}

static void modules_have_so_many_instructions(void **unused) {
    const size_t count = PTX_INSTRUCTIONS_MAX + 1;
    pgd_text text = {0};
    pgd_text_add(&text, "%s", HEAD ".entry k()\n{\n");
    for (size_t i = 0; i < count / 64; i++) pgd_text_add(&text, "%s", "ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;ret;\n");
    size_t most = text.count;
    pgd_text_add(&text, "}\n");
    assert_int_equal(ptx_parse(text.chars, text.count, &log_text, &module), PGD_OK);
    assert_int_equal(module->functions->instruction_count, PTX_INSTRUCTIONS_MAX);
    ptx_module_destroy(module);
    module = NULL;
    text.count = most;
    pgd_text_add(&text, "ret;\n}\n");
    refused(text.chars, PGD_CORRUPT, "this module has more than 2097152 instructions");
    pgd_mem_free(text.chars);
}

static void a_text_may_end_with_a_nul_or_at_its_size(void **unused) {
    static const char text[] = HEAD ".entry k() { ret; }\n\0this is not read";
    assert_int_equal(ptx_parse(text, sizeof text - 1, &log_text, &module), PGD_OK);
    ptx_module_destroy(module);
    assert_int_equal(ptx_parse(text, strlen(text), &log_text, &module), PGD_OK);
}

static void versions_and_targets_are_asked_for(void **unused) {
    refused(".version 6.0\n.target sm_60\n.address_size 64\n.entry k() { .reg .b32 %r; redux.sync.add.s32 %r, %r, -1; }\n", PGD_CORRUPT, "needs .version 7.0, the module says 6.0");
    refused(".version 7.0\n.target sm_70\n.address_size 64\n.entry k() { .reg .b32 %r; redux.sync.add.s32 %r, %r, -1; }\n", PGD_CORRUPT, "needs .target sm_80, the module says sm_70");
    refused("", PGD_CORRUPT, ".version is missing");
    refused(".version 7.0\n.address_size 64\n", PGD_CORRUPT, ".target is missing");
    refused(".entry k() { ret; }\n", PGD_CORRUPT, ".version and .target must stand before");
    refused(".version 7.0\n.target sm_banana\n", PGD_CORRUPT, "no architecture of this name");
    refused(".version 7.0\n.target sm_70\n.address_size 32\n", PGD_UNSUPPORTED, "addresses of 64 bits");
}

static void what_is_not_built_is_named(void **unused) {
    refused(BODY ".reg .b32 %r;\nwgmma.fence.sync.aligned;\n}\n", PGD_UNSUPPORTED, "wgmma.fence.sync.aligned is not built into the software GPU");
    refused(BODY ".reg .b32 %r;\nmov.u32 %r, %pm1;\n}\n", PGD_UNSUPPORTED, "the special register %pm1 is not built here");
    refused(BODY ".reg .b32 %r;\nmov.u32 %r, %envreg32;\n}\n", PGD_CORRUPT, "%envreg32");
    refused(BODY ".reg .b16 %h;\n.reg .f32 %f;\ncvt.f16.f32 %h, %f;\n}\n", PGD_UNSUPPORTED, "no form of cvt");
    refused(BODY ".reg .u64 %d;\nmov.u64 %d, %tid.x;\n}\n", PGD_CORRUPT, "%tid.x is .u32, which is no .u64");
    refused(BODY ".reg .b32 %r;\nfrobnicate.b32 %r;\n}\n", PGD_CORRUPT, "there is no instruction frobnicate");
    refused(BODY ".reg .b32 %r;\nadd.purple.u32 %r, %r, %r;\n}\n", PGD_UNSUPPORTED, ".purple is no word that is known here; is it mistyped, or newer?");
    refused(BODY ".reg .b32 %r;\nadd.wide.u32 %r, %r, %r;\n}\n", PGD_UNSUPPORTED, "no form of add that is built here has these words");
}

/* Several mistakes are told in one go, each at its place. */
static void each_mistake_has_its_line_and_column(void **unused) {
    refused(BODY ".reg .u32 %u;\nadd.u32 %u, %u;\nmov.u32 %u, %nothing;\n  sub.u32 %u, %u, 1;\n bra NOWHERE;\n}\n", PGD_CORRUPT, "line 7, column 1: add.u32: 2 operands");
    assert_non_null(strstr(log_text.chars, "line 8, column 13: nothing is declared under the name %nothing"));
    assert_non_null(strstr(log_text.chars, "line 10, column 6: there is no label NOWHERE"));
    assert_null(strstr(log_text.chars, "line 9"));
    assert_non_null(strstr(pgd_error_text(), "line 7, column 1"));
    refused(BODY "{{{ ret;\n", PGD_CORRUPT, "the text ends within the function k");
    refused(BODY "/* never closed", PGD_CORRUPT, "this comment never ends");
    refused(BODY "\"never closed\n}", PGD_CORRUPT, "in quotes never ends");
}

/* Nothing in a text decides how deep the reader goes. */
static void deep_texts_are_refused(void **unused) {
    pgd_text text = {0};
    pgd_text_add(&text, "%s", BODY);
    for (int i = 0; i < 100000; i++) pgd_text_add(&text, "{");
    refused(text.chars, PGD_CORRUPT, "deeper than");
    pgd_mem_free(text.chars);
    text = (pgd_text){0};
    pgd_text_add(&text, "%s.reg .u32 %%u; mov.u32 %%u, ", BODY);
    for (int i = 0; i < 100000; i++) pgd_text_add(&text, i % 2 == 0 ? "(" : "-");
    refused(text.chars, PGD_CORRUPT, "brackets in one another");
    pgd_mem_free(text.chars);
}

#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(blocks_have_registers_and_labels_of_their_own), TEST(a_range_declares_many_registers), TEST(names_may_hold_dollars_and_be_shadowed_per_call), TEST(a_call_through_a_register_has_a_prototype),
        TEST(constants_come_in_many_shapes), TEST(addresses_have_registers_names_and_offsets), TEST(vectors_pack_and_unpack), TEST(a_guard_may_be_negated_and_a_comparison_have_two_results),
        TEST(registers_have_the_type_the_instruction_wants), TEST(initial_values_hold_numbers_addresses_and_masked_bytes), TEST(a_function_may_be_declared_first),
        TEST(a_variable_may_be_extern_first), TEST(large_arrays_are_printed_as_short_as_they_were_written), TEST(jumps_through_a_table),
        TEST(lines_of_the_source_are_kept), TEST(modules_have_so_many_instructions), TEST(a_text_may_end_with_a_nul_or_at_its_size), TEST(versions_and_targets_are_asked_for), TEST(what_is_not_built_is_named),
        TEST(each_mistake_has_its_line_and_column), TEST(deep_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
