/* SPDX-License-Identifier: Apache-2.0
 * A launch of the vector executor in which the n-th allocation fails, for every n until none does: NO_MEMORY or what the kernel gives, nothing lost, nothing touched that is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exec/vector.h"
#include "failing_memory.h"
#include "program_fixture.h"

/* Calls, local memory, copies that are not waited for, a loop that is worth a version; with `trap` it ends in a fault within the call. */
static const char kernel[] =
    ".version 8.0\n.target sm_90\n.address_size 64\n.shared .align 16 .b8 room[512];\n"
    ".func (.param .u32 r) twice(.param .u32 a)\n{\n.reg .u32 %%x;\n.local .align 4 .b8 own[64];\nld.param.u32 %%x, [a];\nst.local.u32 [own], %%x;\nadd.u32 %%x, %%x, %%x;\n%s\nst.param.u32 [r], %%x;\nret;\n}\n"
    ".visible .entry k(.param .u64 out)\n{\n.reg .u64 %%o, %%a;\n.reg .u32 %%t, %%x, %%k, %%r;\n.reg .pred %%p;\nld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\nmad.wide.u32 %%a, %%t, 4, %%o;\nmov.u32 %%r, room;\nmad.lo.u32 %%r, %%t, 4, %%r;\n"
    "cp.async.ca.shared.global [%%r], [%%a], 4;\nmov.u32 %%k, 0;\nmov.u32 %%x, %%t;\nAGAIN:\nadd.u32 %%x, %%x, 3;\nadd.u32 %%x, %%x, %%k;\nadd.u32 %%k, %%k, 1;\nsetp.lt.u32 %%p, %%k, 20;\n@%%p bra AGAIN;\n"
    "{\n.param .u32 in;\n.param .u32 back;\nst.param.u32 [in], %%x;\ncall (back), twice, (in);\nld.param.u32 %%x, [back];\n}\nbar.sync 0;\nst.global.u32 [%%a], %%x;\nret;\n}\n";

static uint64_t out;

static void load(bool trap) {
    char text[4096];
    snprintf(text, sizeof text, kernel, trap ? "trap;" : "");
    load_text(text, strlen(text), 1 << 20);
    out = device(NULL, 512);
}

/* Runs it with one failure; true when nothing failed any more. */
static bool round_with(bool trap, uint64_t seed, bool cooperative, int64_t failure, bool for_good, int64_t *count) {
    failing_memory m = {.until_failure = failure, .for_good = for_good, .off = true};
    failing_memory_use(&m);
    load(trap);
    gpu_launch l = {.program = &program, .kernel = ptx_function_find(module, "k"), .grid = {3, 1, 1}, .block = {64, 1, 1}, .parameters = &out, .seed = seed, .cooperative = cooperative};
    m.off = false;
    pgd_status status = gpu_vector_run(&l, NULL, &fault);
    m.off = true;
    unload(NULL);
    assert_int_equal(m.blocks, 0);
    if (m.failed) assert_true(status == PGD_NO_MEMORY || status == (trap ? PGD_DEVICE : PGD_OK)); /* a version that finds no memory is not made */
    else assert_int_equal(status, trap ? PGD_DEVICE : PGD_OK);
    *count = m.count;
    return !m.failed;
}

static void fail_each(bool for_good) {
    gpu_vector_versions_after(1);
    for (int way = 0; way < 8; way++) {
        int64_t total, ignored, failure = 0;
        bool trap = (way & 1) != 0, cooperative = (way & 4) != 0;
        uint64_t seed = (way & 2) != 0 ? 77 : 0;
        assert_true(round_with(trap, seed, cooperative, -1, for_good, &total));
        while (!round_with(trap, seed, cooperative, failure, for_good, &ignored)) failure++;
        assert_int_equal(failure, total);
        assert_true(total > 15);
    }
    gpu_vector_versions_after(8);
}

static void every_allocation_may_fail_once(void **unused) { fail_each(false); }
static void memory_may_run_out_at_any_moment(void **unused) { fail_each(true); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail_once), cmocka_unit_test(memory_may_run_out_at_any_moment)};
    return cmocka_run_group_tests_name("softgpu/vector_memory", tests, NULL, NULL);
}
