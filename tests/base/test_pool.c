/* SPDX-License-Identifier: Apache-2.0
 * The pool: every chunk exactly once, any number of callers, scratch of one's own, jobs within jobs. Run under the tsan preset as well. */
#include <pthread.h>
#include <stdatomic.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "check.h"

typedef struct counted {
    atomic_int *times; /* per chunk */
    atomic_int wrong;
    int64_t chunks;
} counted;

static void count_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    counted *c = (counted *)(void *)mem[0];
    if (*(const int64_t *)params != c->chunks || chunk < 0 || chunk >= c->chunks || (uintptr_t)scratch % 64 != 0) {
        atomic_fetch_add(&c->wrong, 1);
        return;
    }
    unsigned char *mine = scratch; /* nobody else may write here meanwhile */
    memset(mine, (int)(chunk & 0xff), 512);
    mine[PGD_SCRATCH_BYTES - 1] = (unsigned char)chunk;
    for (int i = 0; i < 512; i++)
        if (mine[i] != (chunk & 0xff)) atomic_fetch_add(&c->wrong, 1);
    if (mine[PGD_SCRATCH_BYTES - 1] != (unsigned char)chunk) atomic_fetch_add(&c->wrong, 1);
    atomic_fetch_add(&c->times[chunk], 1);
}

static void run_counted(pgd_pool *pool, int64_t chunks) {
    counted c = {calloc((size_t)chunks + 1, sizeof(atomic_int)), 0, chunks};
    char *mem[1] = {(char *)&c};
    ok(pgd_pool_run(pool, count_chunk, &chunks, mem, chunks));
    check(atomic_load(&c.wrong) == 0, "%d of %lld chunks met a wrong job or another's scratch", atomic_load(&c.wrong), (long long)chunks);
    for (int64_t i = 0; i < chunks; i++) check(atomic_load(&c.times[i]) == 1, "chunk %lld of %lld ran %d times", (long long)i, (long long)chunks, atomic_load(&c.times[i]));
    free(c.times);
}

static void every_chunk_runs_exactly_once(void **unused) {
    static const int64_t sizes[] = {0, 1, 2, 3, 7, 100, 5000};
    for (int32_t threads = 1; threads <= 5; threads++) {
        pgd_pool *pool;
        ok(pgd_pool_create(threads, &pool));
        assert_int_equal(pgd_pool_threads(pool), threads);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) run_counted(pool, sizes[i]);
        for (int i = 0; i < 500; i++) run_counted(pool, 1 + i % 9);
        pgd_pool_destroy(pool);
    }
}

static void *many_jobs(void *pool) {
    for (int i = 0; i < 150; i++) run_counted(pool, 1 + i * 13 % 40);
    return NULL;
}

/* More callers than the pool has slots: nobody waits for ever and nobody runs another's chunk twice. */
static void many_callers_submit_at_once(void **unused) {
    enum { CALLERS = 24 };
    pthread_t callers[CALLERS];
    pgd_pool *pool;
    ok(pgd_pool_create(3, &pool));
    for (int i = 0; i < CALLERS; i++) assert_int_equal(pthread_create(&callers[i], NULL, many_jobs, pool), 0);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
    pgd_pool_destroy(pool);
}

static void nest(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    pgd_pool *pool = (pgd_pool *)(void *)mem[0];
    int64_t chunks = 3 + chunk;
    counted c = {calloc((size_t)chunks, sizeof(atomic_int)), 0, chunks};
    char *inner[1] = {(char *)&c};
    bool right = pgd_pool_run(pool, count_chunk, &chunks, inner, chunks) == PGD_OK && atomic_load(&c.wrong) == 0;
    for (int64_t i = 0; i < chunks; i++) right = right && atomic_load(&c.times[i]) == 1;
    if (right) atomic_fetch_add((atomic_int *)(void *)mem[1], 1);
    free(c.times);
}

static void a_chunk_may_submit_jobs_itself(void **unused) {
    pgd_pool *pool;
    atomic_int right = 0;
    ok(pgd_pool_create(3, &pool));
    char *mem[2] = {(char *)pool, (char *)&right};
    for (int i = 0; i < 20; i++) ok(pgd_pool_run(pool, nest, NULL, mem, 30));
    assert_int_equal(atomic_load(&right), 600);
    pgd_pool_destroy(pool);
}

static void pools_that_never_worked_or_worked_once_end(void **unused) {
    for (int i = 0; i < 50; i++) {
        pgd_pool *pool;
        ok(pgd_pool_create(4, &pool));
        if (i % 2 == 0) run_counted(pool, 8);
        pgd_pool_destroy(pool);
    }
    pgd_pool_destroy(NULL);
}

static void wrong_thread_counts_are_refused(void **unused) {
    pgd_pool *pool;
    fails(PGD_BAD_ARG, "thread", pgd_pool_create(0, &pool));
    fails(PGD_BAD_ARG, "thread", pgd_pool_create(-3, &pool));
    fails(PGD_BAD_ARG, "thread", pgd_pool_create(100000, &pool));
}

#if defined(__x86_64__)
static void read_mode(const void *params, char *const *mem, int64_t chunk, void *scratch) { ((unsigned *)(void *)mem[0])[chunk] = _mm_getcsr() & 0xffc0u; }

static void kernels_keep_subnormals_whatever_the_caller_set(void **unused) {
    pgd_pool *pool;
    unsigned modes[40], before = _mm_getcsr();
    char *mem[1] = {(char *)modes};
    ok(pgd_pool_create(2, &pool));
    _mm_setcsr(before | 0x8040); /* flush to zero, subnormals are zero */
    for (int64_t chunks = 1; chunks <= 40; chunks += 13) {
        memset(modes, 0, sizeof modes);
        ok(pgd_pool_run(pool, read_mode, NULL, mem, chunks));
        for (int64_t i = 0; i < chunks; i++) assert_int_equal(modes[i], 0x1f80);
        assert_int_equal(_mm_getcsr() & 0x8040u, 0x8040); /* the caller's own is put back */
    }
    _mm_setcsr(before);
    pgd_pool_destroy(pool);
}
#else
static void kernels_keep_subnormals_whatever_the_caller_set(void **unused) {}
#endif

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_chunk_runs_exactly_once), cmocka_unit_test(many_callers_submit_at_once), cmocka_unit_test(a_chunk_may_submit_jobs_itself),
                                       cmocka_unit_test(pools_that_never_worked_or_worked_once_end), cmocka_unit_test(wrong_thread_counts_are_refused), cmocka_unit_test(kernels_keep_subnormals_whatever_the_caller_set)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
