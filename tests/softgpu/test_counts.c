/* SPDX-License-Identifier: Apache-2.0
 * Counts of small kernels, worked out by hand; occupancy by the published tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exec/vector.h"
#include "program_fixture.h"
#include "timing/line_counts.h"
#include "timing/occupancy.h"
#include "timing/registers.h"

static gpu_launch_counts counts;

/* Runs a kernel k(out) of 32 threads by `warps`, whose body has %t, the thread, and %o, the buffer's address. */
static void run(const char *body, uint32_t warps) {
    char text[4096];
    gpu_vector_code *code;
    snprintf(text, sizeof text, ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %%o, %%a;\n.reg .u32 %%t, %%x, %%s;\n.reg .f32 %%f;\n.reg .pred %%p;\n.shared .align 16 .b8 room[8192];\n"
             "ld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\n%s\nret;\n}\n", body);
    load_text(text, strlen(text), 1 << 26);
    uint64_t out = device(NULL, 1 << 16);
    assert_int_equal(gpu_vector_prepare_observed(&program, ptx_function_find(module, "k"), &code), PGD_OK);
    memset(&counts, 0, sizeof counts);
    gpu_observer observer = gpu_counter(&counts);
    gpu_launch launch = {.program = &program, .kernel = ptx_function_find(module, "k"), .grid = {1, 1, 1}, .block = {32 * warps, 1, 1}, .parameters = &out, .observer = &observer};
    pgd_status status = gpu_vector_launch(code, &launch, NULL, &fault, NULL);
    if (status != PGD_OK) print_message("%s\n", fault.text);
    assert_int_equal(status, PGD_OK);
    gpu_vector_code_destroy(code);
    unload(NULL);
}

static void instructions_are_counted_by_class(void **unused) {
    run("add.u32 %x, %t, 1;\nmul.lo.u32 %x, %x, 3;\ncvt.rn.f32.u32 %f, %x;\nfma.rn.f32 %f, %f, %f, %f;\nex2.approx.f32 %f, %f;\nbar.sync 0;\nst.global.f32 [%o], %f;", 3);
    assert_int_equal(counts.warp_instructions, 3 * 10);
    assert_int_equal(counts.thread_instructions, 32 * 3 * 10);
    assert_int_equal(counts.by_class[GPU_CLASS_INTEGER], 3 * 2);
    assert_int_equal(counts.by_class[GPU_CLASS_CONVERT], 3);
    assert_int_equal(counts.by_class[GPU_CLASS_F32], 3);
    assert_int_equal(counts.by_class[GPU_CLASS_SPECIAL], 3);
    assert_int_equal(counts.by_class[GPU_CLASS_BARRIER], 3);
    assert_int_equal(counts.by_class[GPU_CLASS_LOAD], 0);
    assert_int_equal(counts.by_class[GPU_CLASS_STORE], 3);
    assert_int_equal(counts.by_class[GPU_CLASS_MOVE], 3 * 2); /* one of them takes the parameter */
    assert_int_equal(counts.by_class[GPU_CLASS_CONTROL], 3);
}

static void loads_of(const char *address, const char *load, uint64_t sectors, uint64_t ideal) {
    char body[512];
    snprintf(body, sizeof body, "%s\ncvt.u64.u32 %%a, %%x;\nadd.u64 %%a, %%a, %%o;\n%s", address, load);
    run(body, 1);
    assert_int_equal(counts.global_loads, 1);
    assert_int_equal(counts.load_sectors, sectors);
    assert_int_equal(counts.ideal_load_sectors, ideal);
}

static void sectors_of_global_memory(void **unused) {
    loads_of("shl.b32 %x, %t, 2;", "ld.global.u32 %s, [%a];", 4, 4);           /* 128 bytes side by side */
    loads_of("shl.b32 %x, %t, 2;", "ld.global.u32 %s, [%a+4];", 5, 4);         /* shifted by one: a fifth sector */
    loads_of("shl.b32 %x, %t, 3;", "ld.global.u32 %s, [%a];", 8, 4);           /* every other word */
    loads_of("shl.b32 %x, %t, 7;", "ld.global.u32 %s, [%a];", 32, 4);          /* a sector each */
    loads_of("mov.u32 %x, 64;", "ld.global.u32 %s, [%a];", 1, 1);              /* all at one place */
    loads_of("shl.b32 %x, %t, 3;", "ld.global.u64 %a, [%a];", 8, 8);           /* two half warps of 4 sectors */
    loads_of("and.b32 %x, %t, 15;\nshl.b32 %x, %x, 3;", "ld.global.u64 %a, [%a];", 4, 4); /* both halves of the warp at the same places */
    loads_of("mov.u32 %x, %t;", "ld.global.u8 %s, [%a];", 1, 1);               /* 32 bytes */
    loads_of("setp.lt.u32 %p, %t, 8;\nshl.b32 %x, %t, 2;", "@%p ld.global.u32 %s, [%a];", 1, 1); /* a quarter of the lanes */
}

static void shared_by(const char *access, const char *address, uint64_t wavefronts) {
    char body[512];
    snprintf(body, sizeof body, "%s\nmov.u32 %%s, room;\nadd.u32 %%x, %%x, %%s;\n%s", address, access);
    run(body, 1);
    assert_int_equal(counts.shared_requests, 1);
    assert_int_equal(counts.shared_wavefronts, wavefronts);
}

static void shared_of(const char *address, uint64_t wavefronts) { shared_by("ld.shared.u32 %s, [%x];", address, wavefronts); }

static void conflicts_of_banks(void **unused) {
    shared_of("shl.b32 %x, %t, 2;", 1);                   /* each lane its bank */
    shared_of("shl.b32 %x, %t, 3;", 2);                   /* every other bank twice */
    shared_of("shl.b32 %x, %t, 7;", 32);                  /* all in one bank */
    shared_of("mul.lo.u32 %x, %t, 132;", 1);              /* rows padded by a word */
    shared_of("mov.u32 %x, 0;", 1);                       /* the same word for all */
    shared_of("and.b32 %x, %t, 1;\nshl.b32 %x, %x, 7;", 2); /* two words of one bank */
    shared_by("atom.shared.add.u32 %s, [%x], 1;", "mov.u32 %x, 0;", 32);        /* one after the other */
    shared_by("red.shared.add.u32 [%x], 1;", "and.b32 %x, %t, 7;\nshl.b32 %x, %x, 2;", 4);
    shared_by("atom.shared.add.u32 %s, [%x], 1;", "shl.b32 %x, %t, 2;", 1);
}

static void lanes_that_part(void **unused) {
    run("setp.lt.u32 %p, %t, 8;\n@%p bra low;\nadd.u32 %x, %t, 1;\nadd.u32 %x, %x, 1;\nlow: st.global.u32 [%o], %t;", 1);
    assert_int_equal(counts.branches, 1);
    assert_int_equal(counts.parted, 1);
    assert_int_equal(counts.warp_instructions, 8);
    assert_int_equal(counts.thread_instructions, 4 * 32 + 2 * 24 + 2 * 32); /* the branch is of all, whether they take it or not */
    run("setp.lt.u32 %p, %t, 99;\n@%p bra low;\nadd.u32 %x, %t, 1;\nlow: st.global.u32 [%o], %t;", 1);
    assert_int_equal(counts.parted, 0);
}

/* Table of NVIDIA's occupancy calculator for 9.0: threads, registers, shared bytes, blocks. */
static void occupancy_and_what_limits_it(void **unused) {
    static const struct {
        int32_t capability, threads, registers;
        uint64_t shared;
        int32_t blocks;
        gpu_limiter limiter;
    } rows[] = {
        {90, 256, 32, 0, 8, GPU_LIMITED_BY_WARPS},       {90, 32, 16, 0, 32, GPU_LIMITED_BY_BLOCKS},  {90, 256, 64, 0, 4, GPU_LIMITED_BY_REGISTERS}, {90, 256, 255, 0, 1, GPU_LIMITED_BY_REGISTERS},
        {90, 128, 32, 48 << 10, 4, GPU_LIMITED_BY_SHARED}, {90, 1024, 32, 0, 2, GPU_LIMITED_BY_WARPS}, {75, 256, 32, 0, 4, GPU_LIMITED_BY_WARPS},     {86, 1024, 32, 0, 1, GPU_LIMITED_BY_WARPS},
        {80, 96, 40, 0, 16, GPU_LIMITED_BY_REGISTERS},   {90, 128, 128, 227 << 10, 1, GPU_LIMITED_BY_SHARED},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        gpu_occupancy o = gpu_occupancy_of(gpu_architecture_of(rows[k].capability), rows[k].threads, rows[k].registers, rows[k].shared);
        if (o.blocks != rows[k].blocks || o.limiter != rows[k].limiter) print_message("row %zu: %d blocks, limiter %d\n", k, o.blocks, (int)o.limiter);
        assert_true(o.blocks == rows[k].blocks && o.limiter == rows[k].limiter);
    }
}

static void line_is(const gpu_line *l, const char *source, int32_t number, uint64_t instructions, uint64_t sectors, uint64_t ideal, uint64_t parted) {
    assert_string_equal(l->source, source);
    assert_true(l->number == number && l->counts.warp_instructions == instructions && l->counts.sectors == sectors && l->counts.ideal_sectors == ideal && l->counts.parted == parted);
}

/* Two instructions of one line, one of them in a function; a line of PTX that no .loc is about; two launches add up. */
static void counts_by_line(void **unused) {
    static const char ptx[] = ".version 8.0\n.target sm_80\n.address_size 64\n.file 1 \"over/there/\\odd.cu\"\n.func f()\n{\n.reg .u32 %x;\n.loc 1 7 1\nmov.u32 %x, 5;\nret;\n}\n"
                              ".visible .entry k(.param .u64 out)\n{\n.reg .u64 %o, %a;\n.reg .u32 %t;\n.reg .pred %p;\nld.param.u64 %o, [out];\n.loc 1 9 1\nmov.u32 %t, %tid.x;\nmad.wide.u32 %a, %t, 8, %o;\nst.global.u32 [%a], %t;\ncall f;\n"
                              "setp.lt.u32 %p, %t, 3;\n@%p bra there;\nthere: .loc 1 7 1\nret;\n}\n";
    gpu_vector_code *code;
    gpu_lines lines = {0};
    load_text(ptx, sizeof ptx - 1, 1 << 26);
    uint64_t out = device(NULL, 1024);
    assert_int_equal(gpu_vector_prepare_observed(&program, ptx_function_find(module, "k"), &code), PGD_OK);
    memset(&counts, 0, sizeof counts);
    for (uint64_t k = 1; k <= 2; k++) {
        gpu_line_counter counter;
        gpu_observer observer = gpu_line_counter_begin(&counter, &counts);
        gpu_launch launch = {.program = &program, .kernel = ptx_function_find(module, "k"), .grid = {1, 1, 1}, .block = {32, 1, 1}, .parameters = &out, .observer = &observer};
        assert_int_equal(gpu_vector_launch(code, &launch, NULL, &fault, NULL), PGD_OK);
        gpu_line_counter_end(&counter, module, &lines);
        assert_false(lines.incomplete);
        assert_int_equal(lines.count, 3);
        line_is(&lines.list[0], "", 17, k, 0, 0, 0);
        line_is(&lines.list[1], "?odd.cu", 7, 3 * k, 0, 0, 0);
        line_is(&lines.list[2], "?odd.cu", 9, 6 * k, 8 * k, 4 * k, k);
        assert_int_equal(counts.warp_instructions, 10 * k);
    }
    gpu_lines_deinit(&lines);
    gpu_vector_code_destroy(code);
    unload(NULL);
}

/* %r0 to %r19 are loaded, and then used in that order; what stands between the two is `between`, and `behind` comes last. */
static int32_t registers_with(const char *directive, const char *between, const char *behind) {
    pgd_text text = {0}, log = {0};
    ptx_module *parsed;
    pgd_text_add(&text, ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out) %s\n{\n.reg .u64 %%o, %%w, %%z;\n.reg .u32 %%r<20>, %%x;\n.reg .pred %%p<9>;\nld.param.u64 %%o, [out];\n", directive);
    for (int k = 0; k < 20; k++) pgd_text_add(&text, "ld.global.u32 %%r%d, [%%o+%d];\n", k, 4 * k);
    pgd_text_add(&text, "%s\n", between);
    for (int k = 0; k < 20; k++) pgd_text_add(&text, "st.global.u32 [%%o+%d], %%r%d;\n", 4 * k, k);
    pgd_text_add(&text, "%s\nret;\n}\n", behind);
    assert_int_equal(ptx_parse(text.chars, text.count, &log, &parsed), PGD_OK);
    int32_t registers = gpu_registers_of(ptx_function_find(parsed, "k"));
    ptx_module_destroy(parsed);
    pgd_mem_free(text.chars);
    pgd_mem_free(log.chars);
    return registers;
}

/* The pointer is two, and is needed with all twenty. */
static void registers_that_are_needed_at_once(void **unused) {
    assert_int_equal(registers_with("", "", ""), 22);
    assert_int_equal(registers_with("", "setp.eq.u32 %p0, %r0, 1;", "@%p0 st.global.u32 [%o], 1;"), 22);         /* predicates are none */
    assert_int_equal(registers_with("", "mov.u64 %w, 5;", "st.global.u64 [%o], %w;"), 24);                       /* 64 bits are two */
    assert_int_equal(registers_with("", "mov.u64 %w, 5;\nst.global.u64 [%o], %w;\nmov.u64 %w, 6;", "st.global.u64 [%o], %w;"), 24);
    assert_int_equal(registers_with("", "mov.u64 %w, 5;", ""), 22);                                             /* nobody reads it */
    assert_int_equal(registers_with("", "mov.u32 %x, 9;\nagain: add.u32 %x, %x, -1;\nsetp.ne.u32 %p0, %x, 0;\n@%p0 bra again;", ""), 23);
    assert_int_equal(registers_with("", "mov.u64 %w, 5;\nmov.u64 %z, 6;\nagain:", "st.global.u64 [%o], %w;\nsetp.ne.u64 %p0, %w, 0;\n@%p0 bra again;"), 24); /* round the loop; %z is not read */
    assert_int_equal(registers_with("", "setp.eq.u32 %p0, %r0, 1;\nmov.u32 %x, 1;\n@%p0 mov.u32 %x, 2;", "st.global.u32 [%o], %x;"), 23); /* a guard leaves what was there */
    assert_int_equal(registers_with(".maxnreg 16", "", ""), 16);
    assert_int_equal(registers_with("", "ret;", ""), 22); /* what nobody comes to is looked at all the same */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instructions_are_counted_by_class), cmocka_unit_test(sectors_of_global_memory), cmocka_unit_test(conflicts_of_banks),
        cmocka_unit_test(lanes_that_part),                   cmocka_unit_test(counts_by_line), cmocka_unit_test(occupancy_and_what_limits_it), cmocka_unit_test(registers_that_are_needed_at_once),
    };
    return cmocka_run_group_tests_name("softgpu/counts", tests, NULL, NULL);
}
