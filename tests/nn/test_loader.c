/* SPDX-License-Identifier: Apache-2.0
 * The loader shows every sample once per epoch, in an order that follows from the seed, and can be entered anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pagoda/nn.h>

enum { SAMPLES = 103, BATCH = 10 };

static void sample(void *user, int64_t index, uint64_t random, uint8_t *to, int32_t *label) {
    memcpy(to, &random, 8);
    *label = (int32_t)index;
}

static pgd_loader *make(uint64_t seed, bool shuffle) {
    pgd_loader *loader;
    pgd_dataset data = {SAMPLES, 8, sample, NULL};
    assert_int_equal(pgd_loader_create(&data, BATCH, seed, shuffle, &loader), PGD_OK);
    return loader;
}

static int64_t next(pgd_loader *loader, int32_t *labels, uint64_t *random) {
    const uint8_t *samples;
    const int32_t *lent;
    int64_t count;
    assert_int_equal(pgd_loader_next(loader, &samples, &lent, &count), PGD_OK);
    memcpy(labels, lent, (size_t)count * sizeof *labels);
    memcpy(random, samples, (size_t)count * 8);
    return count;
}

static void every_sample_comes_once_per_epoch(void **unused) {
    pgd_loader *loader = make(7, true);
    int32_t labels[BATCH], first_of_epoch[2] = {0};
    uint64_t random[BATCH];
    assert_int_equal(pgd_loader_batches(loader), 11);
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[SAMPLES] = {0};
        for (int b = 0; b < 11; b++) {
            int64_t count = next(loader, labels, random);
            assert_int_equal(count, b < 10 ? BATCH : 3);
            if (b == 0) first_of_epoch[epoch] = labels[0] * 1000 + labels[1];
            for (int64_t i = 0; i < count; i++) seen[labels[i]]++;
        }
        for (int i = 0; i < SAMPLES; i++) assert_int_equal(seen[i], 1);
    }
    assert_int_not_equal(first_of_epoch[0], first_of_epoch[1]);
    pgd_loader_destroy(loader);
}

static void the_order_follows_from_the_seed_alone(void **unused) {
    pgd_loader *a = make(7, true), *b = make(7, true), *c = make(8, true), *d = make(8, false);
    int32_t la[BATCH], lb[BATCH], lc[BATCH], ld[BATCH];
    uint64_t ra[BATCH], rb[BATCH], rc[BATCH], rd[BATCH];
    int different = 0;
    for (int i = 0; i < 25; i++) {
        int64_t count = next(a, la, ra);
        assert_int_equal(next(b, lb, rb), count);
        next(c, lc, rc);
        next(d, ld, rd);
        assert_memory_equal(la, lb, (size_t)count * sizeof *la);
        assert_memory_equal(ra, rb, (size_t)count * 8);
        different += memcmp(la, lc, (size_t)count * sizeof *la) != 0;
        assert_int_equal(ld[0], i % 11 * BATCH);
    }
    assert_true(different > 20);
    pgd_loader_destroy(a);
    pgd_loader_destroy(b);
    pgd_loader_destroy(c);
    pgd_loader_destroy(d);
}

static void any_position_can_be_entered(void **unused) {
    pgd_loader *straight = make(3, true), *jumper = make(3, true);
    int32_t labels[40][BATCH], other[BATCH];
    uint64_t random[40][BATCH], other_random[BATCH];
    for (int i = 0; i < 40; i++) next(straight, labels[i], random[i]);
    static const int places[] = {39, 0, 17, 18, 11, 10, 5};
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        pgd_loader_seek(jumper, places[k]);
        int64_t count = next(jumper, other, other_random);
        assert_memory_equal(labels[places[k]], other, (size_t)count * sizeof *other);
        assert_memory_equal(random[places[k]], other_random, (size_t)count * 8);
    }
    pgd_loader_destroy(straight);
    pgd_loader_destroy(jumper);
}

static void empty_sets_and_batches_are_refused(void **unused) {
    pgd_loader *loader;
    pgd_dataset none = {0, 8, sample, NULL}, some = {3, 8, sample, NULL};
    assert_int_equal(pgd_loader_create(&none, 1, 0, true, &loader), PGD_BAD_ARG);
    assert_null(loader);
    assert_int_equal(pgd_loader_create(&some, 0, 0, true, &loader), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "at least 1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_once_per_epoch),
        cmocka_unit_test(the_order_follows_from_the_seed_alone),
        cmocka_unit_test(any_position_can_be_entered),
        cmocka_unit_test(empty_sets_and_batches_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
