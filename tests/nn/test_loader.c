/* SPDX-License-Identifier: Apache-2.0
 * The loader shows every sample once per epoch, in an order that follows from the seed, and can be entered anywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <pagoda/nn.h>

enum { SAMPLES = 103, BATCH = 10 };

static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    memcpy(fields[0], &random, 8);
    *(int32_t *)fields[1] = (int32_t)index;
}

static const pgd_field fields[2] = {{"random", PGD_U8, {1, {8}}}, {"labels", PGD_I32, {0}}};
static int32_t threads = 1;

static pgd_loader *make(uint64_t seed, bool shuffle) {
    pgd_loader *loader;
    pgd_dataset data = {SAMPLES, fields, 2, sample, NULL};
    pgd_loader_options o;
    pgd_loader_options_init(&o, sizeof o);
    o.batch = BATCH, o.seed = seed, o.shuffle = shuffle, o.threads = threads;
    assert_int_equal(pgd_loader_create(&data, &o, &loader), PGD_OK);
    return loader;
}

static int64_t next(pgd_loader *loader, int32_t *labels, uint64_t *random) {
    const void *const *lent;
    int64_t count;
    assert_int_equal(pgd_loader_next(loader, &lent, &count), PGD_OK);
    memcpy(labels, lent[1], (size_t)count * sizeof *labels);
    memcpy(random, lent[0], (size_t)count * 8);
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
    pgd_dataset none = {0, fields, 2, sample, NULL}, some = {3, fields, 2, sample, NULL}, plain = {3, fields, 0, sample, NULL};
    pgd_loader_options o;
    pgd_loader_options_init(&o, sizeof o);
    assert_int_equal(pgd_loader_create(&none, NULL, &loader), PGD_BAD_ARG);
    assert_null(loader);
    o.batch = 0;
    assert_int_equal(pgd_loader_create(&some, &o, &loader), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "at least one"));
    o.batch = 1, o.threads = 0;
    assert_int_equal(pgd_loader_create(&some, &o, &loader), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "0 threads"));
    assert_int_equal(pgd_loader_create(&plain, NULL, &loader), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "0 fields"));
    some.sample = NULL;
    assert_int_equal(pgd_loader_create(&some, NULL, &loader), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "sample is NULL; set it to the function"));
}

static void more_threads_give_the_same_batches(void **unused) {
    pgd_loader *one = make(5, true);
    threads = 4;
    pgd_loader *four = make(5, true);
    threads = 1;
    for (int i = 0; i < 60; i++) {
        int32_t la[BATCH], lb[BATCH];
        uint64_t ra[BATCH], rb[BATCH];
        if (i % 7 == 3) pgd_loader_seek(one, i * 5), pgd_loader_seek(four, i * 5);
        int64_t count = next(one, la, ra);
        assert_int_equal(next(four, lb, rb), count);
        assert_memory_equal(la, lb, (size_t)count * sizeof *la);
        assert_memory_equal(ra, rb, (size_t)count * sizeof *ra);
    }
    pgd_loader_destroy(one);
    pgd_loader_destroy(four);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_once_per_epoch),
        cmocka_unit_test(the_order_follows_from_the_seed_alone),
        cmocka_unit_test(any_position_can_be_entered),
        cmocka_unit_test(empty_sets_and_batches_are_refused),
        cmocka_unit_test(more_threads_give_the_same_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
