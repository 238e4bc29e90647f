/* SPDX-License-Identifier: Apache-2.0
 * Launches with a seed, by both executors: a kernel that is right stays right whatever the order is; one that is not shows it under some, and again under the same seed. */
#include "executor.inc.c"

#include "exec/reference.h"
#include "exec/vector.h"

enum { SEEDS = 50 };
#ifdef PAGODA_EMULATED /* an emulator keeps account of each page, and forgets none */
enum { SEEDS_OF_ALL = 5 };
#else
enum { SEEDS_OF_ALL = SEEDS };
#endif
static uint64_t seed;
static bool by_vector, cooperative, whole;
static pgd_pool *pool;

static pgd_status execute(const gpu_launch *launch, gpu_fault *f) {
    gpu_launch l = *launch;
    l.seed = seed;
    l.cooperative = cooperative;
    return by_vector ? gpu_vector_run(&l, seed == 0 ? NULL : pool, f) : gpu_reference_run(&l, f);
}

/* Which seed it was, when a test did not come to its end. */
static int end(void **unused) {
    if (!whole) print_message("with the %s executor and seed %llu\n", by_vector ? "vector" : "reference", (unsigned long long)seed);
    if (module != NULL) unload(NULL);
    cooperative = false;
    return 0;
}

static int begin(void **unused) {
    whole = false;
    return 0;
}

/* ---- right kernels ----------------------------------------------------------------------------------------------------------------------------------------------------- */

static void right_kernels_stay_right(void **unused) {
    static const struct CMUnitTest each[] = {EXECUTOR_TESTS};
    for (int executor = 0; executor < 2; executor++)
        for (seed = 1; seed <= SEEDS_OF_ALL; seed++)
            for (size_t k = 0; k < sizeof each / sizeof each[0]; k++) {
                by_vector = executor == 1;
                if (each[k].test_func == atomic_operations_give_the_old_value || each[k].test_func == barriers_reduce_over_those_they_let_go || each[k].test_func == planted_faults_are_told_with_their_place || each[k].test_func == blocks_have_room_for_so_much) continue; /* whose order matters; which take long, or are cooperative */
                each[k].test_func(NULL);
                if (module != NULL) unload(NULL);
            }
    whole = true;
}

static void a_right_body(const char *body, uint32_t blocks, uint32_t threads, uint32_t at, uint32_t wanted) {
    uint32_t got[64];
    load_body(body);
    for (int executor = 0; executor < 2; executor++)
        for (seed = 1; seed <= SEEDS; seed++) {
            by_vector = executor == 1;
            uint64_t out = device(NULL, sizeof got);
            memset(gpu_memory_at(memory, out, sizeof got, NULL), 0, sizeof got);
            runs("k", blocks, 1, threads, 1, &out);
            host(got, out, sizeof got);
            assert_int_equal(got[at], wanted);
        }
    whole = true;
}

/* A counter that nothing guards but a lock, which lanes, warps and blocks all want. */
static void locks_are_held_by_one_thread_of_all(void **unused) {
    a_right_body("AGAIN: atom.global.cas.b32 %x, [%o], 0, 1;\nsetp.ne.u32 %p, %x, 0;\n@%p bra AGAIN;\nfence.acq_rel.gpu;\nld.volatile.global.u32 %y, [%o+4];\nadd.u32 %y, %y, 1;\nst.volatile.global.u32 [%o+4], %y;\nfence.acq_rel.gpu;\n"
                 "atom.global.exch.b32 %x, [%o], 0;", 5, 40, 1, 200);
}

static void blocks_wait_for_each_other(void **unused) {
    cooperative = true;
    a_right_body("mov.u32 %z, %nctaid.x;\nbar.sync 0;\nsetp.ne.u32 %p, %t, 0;\n@%p bra MET;\natom.global.add.u32 %x, [%o], 1;\nSPIN: ld.acquire.gpu.global.u32 %x, [%o];\nsetp.lt.u32 %p, %x, %z;\n@%p bra SPIN;\nMET: bar.sync 0;\n"
                 "shl.b32 %z, %z, 1;\nsetp.ne.u32 %p, %t, 0;\n@%p bra MET2;\natom.global.add.u32 %x, [%o], 1;\nSPIN2: ld.acquire.gpu.global.u32 %x, [%o];\nsetp.lt.u32 %p, %x, %z;\n@%p bra SPIN2;\nMET2: bar.sync 0;\nred.global.add.u32 [%o+4], %z;",
                 20, 64, 1, 20 * 64 * 40);
}

/* Lanes 0 to 15 meet by themselves while the others go round until they have. */
static void lanes_that_wait_for_other_lanes(void **unused) {
    a_right_body("setp.ge.u32 %p, %t, 16;\n@%p bra SPIN;\nshfl.sync.bfly.b32 %x, %t, 1, 31, 0xffff;\nred.shared.add.u32 [room], 1;\nred.shared.add.u32 [room+4], %x;\nbra OUT;\n"
                 "SPIN: ld.volatile.shared.u32 %y, [room];\nsetp.lt.u32 %q, %y, 16;\n@%q bra SPIN;\nOUT: bar.sync 0;\nld.shared.u32 %y, [room+4];\nst.global.u32 [%a], %y;", 1, 32, 20, 120);
}

/* All blocks, once each, however many are there at once. */
static void each_block_runs_once(void **unused) { a_right_body("setp.eq.u32 %p, %t, 0;\nmov.u32 %x, %ctaid.x;\nadd.u32 %x, %x, 1;\n@%p red.global.add.u32 [%o], %x;\n@%p red.global.add.u32 [%o+4], 1;\n@%p red.global.add.u32 [%o+8], 1;", 1000, 3, 0, 500500); }

/* ---- wrong kernels ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static uint32_t result_of(uint32_t blocks, uint32_t threads, uint64_t out, uint32_t at) {
    uint32_t got[64];
    memset(gpu_memory_at(memory, out, sizeof got, NULL), 0, sizeof got);
    runs("k", blocks, 1, threads, 1, &out);
    host(got, out, sizeof got);
    return got[at];
}

/* What the natural order of the executors gives each time; with seeds, each twice, at least so many different results among SEEDS. */
static void a_wrong_body(const char *body, uint32_t blocks, uint32_t threads, uint32_t of_reference, uint32_t of_vector, int different) {
    load_body(body);
    uint64_t out = device(NULL, 256);
    for (int executor = 0; executor < 2; executor++) {
        uint32_t all[SEEDS];
        int count = 0;
        by_vector = executor == 1;
        seed = 0;
        for (int k = 0; k < 3; k++) assert_int_equal(result_of(blocks, threads, out, 0), by_vector ? of_vector : of_reference);
        for (seed = 1; seed <= SEEDS; seed++) {
            uint32_t got = result_of(blocks, threads, out, 0);
            bool known = false;
            assert_int_equal(result_of(blocks, threads, out, 0), got);
            for (int k = 0; k < count; k++) known = known || all[k] == got;
            if (!known) all[count++] = got;
        }
        if (count < different) print_message("%d different results\n", count);
        assert_true(count >= different);
    }
    whole = true;
}

static void the_last_block_that_writes_wins(void **unused) { a_wrong_body("mov.u32 %x, %ctaid.x;\nst.global.u32 [%o], %x;", 100, 32, 99, 99, 25); }
static void the_last_warp_that_writes_wins(void **unused) { a_wrong_body("mov.u32 %x, %warpid;\nst.global.u32 [%o], %x;", 1, 1024, 31, 31, 18); }
static void the_last_block_of_a_cooperative_launch_wins(void **unused) {
    cooperative = true;
    a_wrong_body("mov.u32 %x, %ctaid.x;\nst.global.u32 [%o], %x;", 50, 32, 49, 49, 12);
}
/* One thread of each warp, and of each block, adds to a counter in three steps: the natural order never comes between them. */
static void sums_that_are_not_atomic_lose_some(void **unused) {
    static const char body[] = "and.b32 %x, %t, 31;\nsetp.ne.u32 %p, %x, 0;\n@%p bra OUT;\nld.global.u32 %y, [%o];\nadd.u32 %y, %y, 1;\nst.global.u32 [%o], %y;\nOUT:";
    a_wrong_body(body, 1, 1024, 32, 32, 8);
    unload(NULL);
    a_wrong_body(body, 100, 32, 100, 100, 8);
}

/* What lies in shared memory is read by the next warp with no barrier between: the natural order hides it. */
static void a_missing_barrier_is_found_and_replayed(void **unused) {
    load_body("add.u32 %x, %t, 1;\nshl.b32 %y, %t, 2;\nmov.u32 %z, room;\nadd.u32 %y, %y, %z;\nst.shared.u32 [%y], %x;\nsetp.lt.u32 %p, %t, 32;\n@%p bra OUT;\nld.shared.u32 %x, [%y-128];\nred.global.add.u32 [%o], %x;\nOUT:");
    uint64_t out = device(NULL, 256);
    for (int executor = 0; executor < 2; executor++) {
        by_vector = executor == 1;
        seed = 0;
        assert_int_equal(result_of(1, 64, out, 0), 32 * 33 / 2);
        for (seed = 1; seed <= 20 && result_of(1, 64, out, 0) == 32 * 33 / 2; seed++) {}
        assert_true(seed <= 20);
        uint32_t wrong = result_of(1, 64, out, 0);
        assert_true(wrong != 32 * 33 / 2);
        for (int k = 0; k < 5; k++) assert_int_equal(result_of(1, 64, out, 0), wrong);
    }
    whole = true;
}

/* Two lanes of a warp that have parted: one leaves a sign that the other looks for once. Either may be first. */
static void lanes_that_have_parted_come_in_any_order(void **unused) {
    a_wrong_body("setp.eq.u32 %p, %t, 0;\n@%p bra FIRST;\nsetp.ne.u32 %q, %t, 1;\n@%q bra OUT;\nld.volatile.shared.u32 %x, [room];\nst.global.u32 [%o], %x;\nbra OUT;\nFIRST: mov.u32 %x, 7;\nst.volatile.shared.u32 [room], %x;\nOUT:", 1, 32,
                 7, 0, 2);
}

static void faults_are_the_same_again(void **unused) {
    load_body("mov.u32 %x, %ctaid.x;\nmad.lo.u32 %x, %x, 64, %t;\nrem.u32 %x, %x, 7;\nsetp.eq.u32 %p, %x, 3;\n@%p st.global.u32 [%o+2], %x;");
    uint64_t out = device(NULL, 256);
    for (int executor = 0; executor < 2; executor++) {
        int different = 0;
        char first[sizeof fault.text] = "";
        for (seed = 1; seed <= 20; seed++) {
            char told[sizeof fault.text];
            by_vector = executor == 1;
            assert_int_equal(launch("k", 20, 1, 64, 1, &out), PGD_DEVICE);
            assert_int_equal(fault.kind, GPU_FAULT_ALIGNMENT);
            snprintf(told, sizeof told, "%s", fault.text);
            assert_int_equal(launch("k", 20, 1, 64, 1, &out), PGD_DEVICE);
            assert_string_equal(fault.text, told);
            if (seed == 1) snprintf(first, sizeof first, "%s", told);
            different += strcmp(first, told) != 0;
        }
        assert_true(different > 5);
    }
    whole = true;
}

static void deadlocks_and_endless_loops_are_still_told(void **unused) {
    for (int executor = 0; executor < 2; executor++)
        for (seed = 1; seed <= 10; seed++) {
            by_vector = executor == 1;
            load_body("setp.lt.u32 %p, %t, 16;\n@%p bar.sync 0;\n@!%p bar.sync 1;");
            fails(32, device(NULL, 256), GPU_FAULT_DEADLOCK, "wait for ever");
            unload(NULL);
            load_body("setp.ne.u32 %p, %t, 5;\n@%p exit;\nAGAIN: ld.volatile.global.u32 %x, [%o];\nsetp.eq.u32 %q, %x, 0;\n@%q bra AGAIN;");
            gpu_launch l = {&program, ptx_function_find(module, "k"), {3, 1, 1}, {64, 1, 1}, 0, &(uint64_t){device(NULL, 256)}, 20000, .seed = 0};
            assert_int_equal(execute(&l, &fault), PGD_DEVICE);
            assert_int_equal(fault.kind, GPU_FAULT_LIMIT);
            unload(NULL);
        }
    whole = true;
}

#define EACH(name) cmocka_unit_test_setup_teardown(name, begin, end)
int main(void) {
    if (pgd_pool_create(3, &pool) != PGD_OK) return 1; /* a launch with a seed makes no use of it */
    const struct CMUnitTest tests[] = {
        EACH(right_kernels_stay_right), EACH(locks_are_held_by_one_thread_of_all), EACH(blocks_wait_for_each_other), EACH(lanes_that_wait_for_other_lanes), EACH(each_block_runs_once), EACH(the_last_block_that_writes_wins),
        EACH(the_last_warp_that_writes_wins), EACH(the_last_block_of_a_cooperative_launch_wins), EACH(sums_that_are_not_atomic_lose_some), EACH(a_missing_barrier_is_found_and_replayed), EACH(lanes_that_have_parted_come_in_any_order),
        EACH(faults_are_the_same_again), EACH(deadlocks_and_endless_loops_are_still_told),
    };
    int failed = cmocka_run_group_tests_name("softgpu/seed", tests, NULL, NULL);
    pgd_pool_destroy(pool);
    return failed;
}
