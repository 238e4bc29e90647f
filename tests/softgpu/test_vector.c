/* SPDX-License-Identifier: Apache-2.0
 * The vector executor does what every executor must do, at each level that this machine has, and the same as the reference executor. */
#include "executor.inc.c"

#include "exec/reference.h"
#include "exec/vector.h"

static pgd_pool *pool;

static pgd_status execute(const gpu_launch *l, gpu_fault *f) { return gpu_vector_run(l, pool, f); }

int main(void) {
    const struct CMUnitTest tests[] = {EXECUTOR_TESTS};
    int failed = 0;
    for (int level = 0; level < GPU_VECTOR_LEVELS; level++)
        if (gpu_vector_force((gpu_vector_level)level) == PGD_OK) failed += cmocka_run_group_tests(tests, NULL, NULL);
    if (pgd_pool_create(2, &pool) != PGD_OK) return 1;
    failed += cmocka_run_group_tests_name("with a pool", tests, NULL, NULL);
    pgd_pool_destroy(pool);
    return failed;
}
