/* SPDX-License-Identifier: Apache-2.0
 * Blocks, arenas and growing arrays over the caller's allocator, which is always told the truth about sizes. */
#include "check.h"

typedef struct ledger {
    size_t held, calls;
    bool lied;   /* an old size was not what we gave */
    int64_t fail_after; /* allocations until NULL; -1: never */
} ledger;

static void *ledger_resize(void *user, void *pointer, size_t old_bytes, size_t new_bytes, size_t alignment) {
    ledger *l = user;
    size_t *block = pointer == NULL ? NULL : (size_t *)((char *)pointer - 64);
    l->calls++;
    if ((block == NULL) != (old_bytes == 0) || (block != NULL && *block != old_bytes)) l->lied = true;
    if (new_bytes == 0) {
        l->held -= old_bytes;
        free(block);
        return NULL;
    }
    if (l->fail_after == 0) return NULL;
    if (l->fail_after > 0) l->fail_after--;
    char *fresh = aligned_alloc(alignment > 64 ? alignment : 64, (new_bytes + 64 + 63) / 64 * 64);
    assert_non_null(fresh);
    *(size_t *)(void *)fresh = new_bytes;
    if (block != NULL) {
        memcpy(fresh + 64, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(block);
    }
    l->held += new_bytes - old_bytes;
    return fresh + 64;
}

static ledger book;

static int use_ledger(void **unused) {
    pgd_init_options o;
    book = (ledger){.fail_after = -1};
    pgd_init_options_init(&o, sizeof o);
    o.resize = ledger_resize;
    o.resize_user = &book;
    ok(pgd_init(&o));
    return 0;
}

static int ledger_is_balanced(void **unused) {
    uint64_t now;
    pgd_init_options o;
    pgd_memory_in_use(&now, NULL);
    assert_int_equal(now, 0);
    assert_int_equal(book.held, 0);
    assert_false(book.lied);
    pgd_init_options_init(&o, sizeof o);
    ok(pgd_init(&o));
    return 0;
}

static void blocks_are_aligned_kept_and_given_back(void **unused) {
    char *blocks[50];
    for (size_t i = 0; i < 50; i++) {
        assert_non_null(blocks[i] = pgd_mem_alloc(i * 37));
        assert_int_equal((uintptr_t)blocks[i] % 64, 0);
        memset(blocks[i], (int)i, i * 37);
    }
    for (size_t i = 0; i < 50; i++) assert_non_null(blocks[i] = pgd_mem_resize(blocks[i], i % 2 == 0 ? i * 91 : i * 11));
    for (size_t i = 0; i < 50; i++)
        for (size_t k = 0; k < i * (i % 2 == 0 ? 37 : 11); k++) assert_int_equal(blocks[i][k], (char)i);
    assert_true(book.calls >= 100);
    for (size_t i = 0; i < 50; i++) pgd_mem_free(blocks[i]);
    pgd_mem_free(NULL);
    char *zeros = pgd_mem_zalloc(1000), *text = pgd_mem_strdup("pagoda");
    for (int i = 0; i < 1000; i++) assert_int_equal(zeros[i], 0);
    assert_string_equal(text, "pagoda");
    pgd_mem_free(zeros);
    pgd_mem_free(text);
}

static void the_peak_is_remembered(void **unused) {
    uint64_t now, peak, before;
    pgd_memory_in_use(&before, NULL);
    void *big = pgd_mem_alloc(50 << 20);
    pgd_memory_in_use(&now, &peak);
    assert_true(now >= before + (50 << 20) && peak >= now);
    pgd_mem_free(big);
    pgd_memory_in_use(&now, &peak);
    assert_true(now == before && peak >= before + (50 << 20));
    big = pgd_mem_alloc(51 << 20); /* a little more than the old peak is a new one */
    pgd_memory_in_use(&now, &peak);
    assert_true(peak >= now);
    pgd_mem_free(big);
}

static void a_failed_resize_leaves_the_old_block(void **unused) {
    char *block = pgd_mem_alloc(10);
    memcpy(block, "unchanged", 10);
    book.fail_after = 0;
    assert_null(pgd_mem_resize(block, 1000));
    assert_null(pgd_mem_alloc(1));
    assert_null(pgd_mem_zalloc(1));
    assert_null(pgd_mem_strdup("x"));
    assert_null(pgd_mem_resize(NULL, SIZE_MAX - 10));
    book.fail_after = -1;
    assert_null(pgd_mem_alloc(SIZE_MAX - 10)); /* never asked for: it would wrap around */
    assert_string_equal(block, "unchanged");
    pgd_mem_free(block);
}

static void arenas_give_zeroed_apart_and_aligned_pieces(void **unused) {
    pgd_arena arena = {0};
    dice d = {3};
    unsigned char *pieces[300];
    size_t sizes[300];
    for (int i = 0; i < 300; i++) {
        sizes[i] = (size_t)roll_below(&d, roll_below(&d, 20) == 0 ? 60000 : 700);
        pieces[i] = pgd_arena_alloc(&arena, sizes[i]);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % (sizes[i] > 256 ? 64 : 16), 0);
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(pieces[i][k], 0);
        memset(pieces[i], i, sizes[i]);
    }
    for (int i = 0; i < 300; i++)
        for (size_t k = 0; k < sizes[i]; k++) assert_int_equal(pieces[i][k], (unsigned char)i);
    assert_string_equal(pgd_arena_strdup(&arena, "text"), "text");
    book.fail_after = 0;
    assert_null(pgd_arena_alloc(&arena, 100000));
    book.fail_after = -1;
    pgd_arena_deinit(&arena);
    assert_null(arena.head);
    pgd_arena_deinit(&arena);
}

static void arrays_grow(void **unused) {
    int32_t *numbers = NULL, capacity = 0;
    for (int32_t i = 0; i < 1000; i++) {
        assert_true(pgd_grow(&numbers, &capacity, i, sizeof *numbers));
        assert_true(capacity > i);
        numbers[i] = i;
    }
    for (int32_t i = 0; i < 1000; i++) assert_int_equal(numbers[i], i);
    book.fail_after = 0;
    assert_false(pgd_grow(&numbers, &capacity, capacity, sizeof *numbers));
    assert_int_equal(numbers[999], 999);
    book.fail_after = -1;
    pgd_mem_free(numbers);
}

static void the_allocator_cannot_change_while_memory_is_held(void **unused) {
    pgd_init_options o;
    pgd_init_options_init(&o, sizeof o);
    void *block = pgd_mem_alloc(1);
    fails(PGD_BAD_STATE, "", pgd_init(&o));
    pgd_mem_free(block);
    o.struct_bytes = 2;
    fails(PGD_BAD_ARG, "pgd_init_options", pgd_init(&o));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, use_ledger, ledger_is_balanced)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(blocks_are_aligned_kept_and_given_back), TEST(the_peak_is_remembered), TEST(a_failed_resize_leaves_the_old_block), TEST(arenas_give_zeroed_apart_and_aligned_pieces),
                                       TEST(arrays_grow), TEST(the_allocator_cannot_change_while_memory_is_held)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
