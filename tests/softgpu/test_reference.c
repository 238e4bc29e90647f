/* SPDX-License-Identifier: Apache-2.0
 * The reference executor does what every executor must do. */
#include "executor.inc.c"

#include "exec/reference.h"

static pgd_status execute(const gpu_launch *l, gpu_fault *f) { return gpu_reference_run(l, f); }

int main(void) {
    const struct CMUnitTest tests[] = {EXECUTOR_TESTS};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
