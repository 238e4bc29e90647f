/* SPDX-License-Identifier: Apache-2.0
 * The order that a seed gives: every number once, each order possible, the same on every machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/gpu_schedule.h"

/* The first numbers of SplitMix64 from the seed 1234567, as in the published code of its authors. */
static void numbers_are_those_of_splitmix64(void **unused) {
    static const uint64_t wanted[] = {UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423), UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
    gpu_schedule s = gpu_schedule_of(1234567);
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) assert_true(gpu_schedule_draw(&s) == wanted[k]);
}

static void a_permutation_has_each_number_once(void **unused) {
    static unsigned char seen[2000];
    for (uint64_t count = 1; count <= 2000; count++) {
        gpu_schedule s = gpu_schedule_of(count);
        gpu_permutation p = gpu_permutation_draw(&s, count);
        memset(seen, 0, sizeof seen);
        for (uint64_t k = 0; k < count; k++) {
            uint64_t at = gpu_permutation_at(&p, k);
            assert_true(at < count && seen[at] == 0);
            seen[at] = 1;
        }
    }
}

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of more than anybody could look at: some from the beginning, some from the end; none of them twice, none too large, and not all in one place. */
static void huge_permutations_stay_in_their_range(void **unused) {
    enum { SOME = 4096 };
    static const uint64_t counts[] = {UINT64_C(1) << 40, (UINT64_C(1) << 40) + 1, UINT64_C(2147483647) * 65535 * 65535, UINT64_C(1) << 63, UINT32_MAX, (UINT64_C(1) << 32) + 1};
    static uint64_t got[2 * SOME];
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        gpu_schedule s = gpu_schedule_of(c);
        gpu_permutation p = gpu_permutation_draw(&s, counts[c]);
        int low = 0;
        for (uint64_t k = 0; k < SOME; k++) got[2 * k] = gpu_permutation_at(&p, k), got[2 * k + 1] = gpu_permutation_at(&p, counts[c] - 1 - k);
        for (size_t k = 0; k < 2 * SOME; k++) assert_true(got[k] < counts[c]), low += got[k] < counts[c] / 2;
        qsort(got, 2 * SOME, sizeof got[0], by_value);
        for (size_t k = 1; k < 2 * SOME; k++) assert_true(got[k - 1] != got[k]);
        assert_in_range(low, SOME - 500, SOME + 500);
    }
}

static int number_of(uint64_t a, uint64_t b) { return (int)(2 * a + (b > (a == 0 ? 1 : 0) && !(a == 1 && b == 0) ? 1 : 0)); }

static void each_order_of_three_comes_up(void **unused) {
    int of_permutation[6] = {0}, of_order[6] = {0};
    for (uint64_t seed = 1; seed <= 600; seed++) {
        uint16_t order[3];
        gpu_schedule s = gpu_schedule_of(gpu_schedule_seed(seed, 0));
        gpu_permutation p = gpu_permutation_draw(&s, 3);
        of_permutation[number_of(gpu_permutation_at(&p, 0), gpu_permutation_at(&p, 1))]++;
        gpu_schedule_order(&s, order, 3);
        assert_int_equal((1 << order[0]) + (1 << order[1]) + (1 << order[2]), 7);
        of_order[number_of(order[0], order[1])]++;
    }
    for (int k = 0; k < 6; k++) {
        assert_in_range(of_permutation[k], 50, 160);
        assert_in_range(of_order[k], 60, 140);
    }
}

/* Below 16 about as often as above; sometimes none at all; never too long. */
static void turns_are_short_often_and_long_sometimes(void **unused) {
    int none = 0, small = 0, large = 0;
    gpu_schedule s = gpu_schedule_of(5);
    for (int k = 0; k < 10000; k++) {
        uint32_t turn = gpu_schedule_turn(&s, 12);
        assert_true(turn < 4096);
        none += turn == 0, small += turn < 16, large += turn > 1000;
    }
    assert_in_range(none, 1000, 2000);
    assert_in_range(small, 3500, 5500);
    assert_in_range(large, 700, 1600);
}

static void launches_draw_from_seeds_of_their_own(void **unused) {
    enum { N = 100 };
    static uint64_t got[N * N];
    for (uint64_t seed = 0; seed < N; seed++)
        for (uint64_t number = 0; number < N; number++) got[seed * N + number] = gpu_schedule_seed(seed, number);
    assert_true(got[101] == gpu_schedule_seed(1, 1));
    qsort(got, N * N, sizeof got[0], by_value);
    assert_true(got[0] != 0);
    for (size_t k = 1; k < N * N; k++) assert_true(got[k - 1] != got[k]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_of_splitmix64),       cmocka_unit_test(a_permutation_has_each_number_once), cmocka_unit_test(huge_permutations_stay_in_their_range), cmocka_unit_test(each_order_of_three_comes_up),
        cmocka_unit_test(turns_are_short_often_and_long_sometimes), cmocka_unit_test(launches_draw_from_seeds_of_their_own),
    };
    return cmocka_run_group_tests_name("softgpu/schedule", tests, NULL, NULL);
}
