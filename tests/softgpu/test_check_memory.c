/* SPDX-License-Identifier: Apache-2.0
 * Kernels are checked while the n-th allocation of the checkers fails, for every n until none does: it is told, nothing is told that is not so, nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "check/checker.h"
#include "exec/reference.h"
#include "failing_memory.h"
#include "program_fixture.h"

/* What was told, a bit for each kind. */
static const char *const kinds[] = {"incomplete", "shared race", "global race", "unfinished copy", "uninitialised", "divergent barrier", "address", "stream race"};
enum { INCOMPLETE = 1, ALL = (1 << 8) - 1 };

static void hear(void *user, const gpu_finding *n) {
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(n->kind, kinds[k]) == 0) *(uint32_t *)user |= 1u << k;
}

static gpu_checker *checker;
static gpu_findings findings;
static gpu_moment *latest; /* the last launch; NULL: each is in a stream of its own, and nothing orders them */

static void load(bool bug, uint32_t *told) {
    char name[32];
    snprintf(name, sizeof name, "planted_%d.ptx", bug);
    load_file(name, 1 << 20);
    checker = NULL;
    findings = (gpu_findings){.added = hear, .user = told};
}

static void end(void) {
    gpu_moment_destroy(latest);
    latest = NULL;
    gpu_checker_destroy(checker);
    gpu_findings_deinit(&findings);
    unload(NULL);
}

static uint64_t buffer(failing_memory *m, bool written) {
    uint64_t address;
    m->off = true; /* of the program, not of the checkers */
    assert_int_equal(gpu_memory_allocate(memory, GPU_MEMORY_DEVICE, 0, 256, 1, NULL, &address), PGD_OK);
    m->off = false;
    gpu_checker_allocated(checker, address, 256);
    if (written) gpu_checker_written(checker, address, 256);
    return address;
}

/* In one stream, or each in its own. */
static pgd_status done(const gpu_launch *l, bool in_order) {
    static uint64_t streams = 1;
    gpu_moment *m = gpu_moment_create(in_order ? 1 : ++streams, NULL);
    if (m == NULL || (latest != NULL && !gpu_moment_after(m, latest))) {
        gpu_moment_destroy(m);
        return PGD_NO_MEMORY;
    }
    gpu_checker_kernel_done(checker, l, m);
    gpu_moment_destroy(latest);
    latest = in_order ? m : NULL;
    if (!in_order) gpu_moment_destroy(m);
    return PGD_OK;
}

static pgd_status run(bool in_order, const char *kernel, uint32_t blocks, uint32_t threads, const void *parameters) {
    gpu_launch l = {.program = &program, .kernel = ptx_function_find(module, kernel), .grid = {blocks, 1, 1}, .block = {threads, 1, 1}, .parameters = parameters, .instruction_limit = 1000000, .listener = gpu_checker_listener(checker)};
    pgd_status status = gpu_reference_run(&l, &fault);
    if (status == PGD_DEVICE) gpu_findings_add_fault(&findings, &l, &fault);
    return status == PGD_DEVICE || status == PGD_OK ? done(&l, in_order) : status;
}

static pgd_status check_all(failing_memory *m, bool bug) {
    gpu_check_options options = {.races = true, .uninitialised = true};
    PGD_TRY(gpu_checker_create(memory, &options, &findings, &checker));
    uint64_t x = buffer(m, true), y = buffer(m, true), z = buffer(m, true), counter = buffer(m, true), read = buffer(m, !bug);
    PGD_TRY(run(!bug, "missing_barrier", 1, 64, &y));
    PGD_TRY(run(!bug, "same_place", 3, 32, &y));
    PGD_TRY(run(!bug, "global_race", 8, 1, (uint64_t[]){x, counter, z}));
    PGD_TRY(run(!bug, "missing_wait", 1, 32, (uint64_t[]){x, y}));
    PGD_TRY(run(!bug, "parted_barrier", 1, 32, &y));
    PGD_TRY(run(!bug, "uninitialised", 1, 32, (uint64_t[]){read, y, 0}));
    return run(!bug, "off_by_one", 3, 32, (uint64_t[]){y, 64});
}

/* Runs it with one failure; true when nothing failed any more. */
static bool round_with(bool bug, int64_t failure, bool for_good, int64_t *count) {
    failing_memory m = {.until_failure = failure, .for_good = for_good, .off = true};
    uint32_t told = 0;
    failing_memory_use(&m);
    load(bug, &told);
    m.off = false;
    pgd_status status = check_all(&m, bug);
    m.off = true;
    end();
    assert_int_equal(m.blocks, 0);
    assert_true(status == PGD_OK || (status == PGD_NO_MEMORY && m.failed));
    if (m.failed && status == PGD_OK && (told & INCOMPLETE) == 0) fail_msg("allocation %lld failed, and nobody was told", (long long)failure);
    if (!m.failed) assert_int_equal(told, bug ? ALL & ~INCOMPLETE : 0);
    if (!bug) assert_int_equal(told & ~(uint32_t)INCOMPLETE, 0);
    *count = m.count;
    return !m.failed;
}

static void fail_each(bool for_good) {
    for (int32_t bug = 1; bug >= 0; bug--) {
        int64_t total, ignored, failure = 0;
        assert_true(round_with(bug, -1, for_good, &total));
        while (!round_with(bug, failure, for_good, &ignored)) failure++;
        assert_int_equal(failure, total);
        assert_true(total > 50);
    }
}

static void every_allocation_may_fail_once(void **unused) { fail_each(false); }
static void memory_may_run_out_at_any_moment(void **unused) { fail_each(true); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail_once), cmocka_unit_test(memory_may_run_out_at_any_moment)};
    return cmocka_run_group_tests_name("softgpu/check_memory", tests, NULL, NULL);
}
