/* SPDX-License-Identifier: Apache-2.0
 * What is not listed is told, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "check/findings.h"

static int32_t told, incomplete;

static void hear(void *unused, const gpu_finding *n) {
    (void)unused;
    told++;
    if (strcmp(n->kind, "incomplete") != 0) return;
    incomplete++;
    assert_non_null(strstr(n->message, "run again"));
}

static void the_list_is_full(void **unused) {
    static ptx_instruction instructions[1003];
    ptx_module module = {0};
    gpu_program program = {.module = &module};
    gpu_launch launch = {.program = &program};
    gpu_findings f = {.added = hear};
    told = incomplete = 0;
    for (int32_t i = 0; i < 1003; i++) {
        gpu_fault fault = {.kind = GPU_FAULT_ADDRESS, .instruction = &instructions[i]};
        gpu_findings_add_fault(&f, &launch, &fault);
        assert_int_equal(incomplete, i < 1000 ? 0 : 1);
    }
    assert_int_equal(f.count, 1000);
    assert_int_equal(told, 1001);
    gpu_findings_deinit(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_list_is_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
