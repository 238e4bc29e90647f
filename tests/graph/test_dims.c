/* SPDX-License-Identifier: Apache-2.0
 * Symbolic extents: equal extents are equal numbers, ranges hold, evaluation agrees with arithmetic. */
#include <graph_share.h>

#include "check.h"

static pgd_graph *g;
static pgd_dim N, M;

static int set_up(void **unused) {
    ok(pgd_graph_create(&g));
    N = pgd_graph_symbol(g, "N", 1, 100);
    M = pgd_graph_symbol(g, "M", 0, 7);
    return 0;
}

static int tear_down(void **unused) {
    pgd_graph_destroy(g);
    return 0;
}

static void expect_text(pgd_dim dim, const char *want) {
    pgd_text text = {0};
    pgd_dim_print(g, dim, &text);
    assert_string_equal(text.chars, want);
    pgd_mem_free(text.chars);
}

static void the_same_name_is_the_same_extent(void **unused) {
    assert_true(N < 0 && M < 0 && N != M);
    assert_int_equal(pgd_graph_symbol(g, "N", 1, 100), N);
    expect_text(N, "N");
    expect_text(17, "17");
}

static void equal_extents_are_equal_numbers(void **unused) {
    assert_int_equal(pgd_dim_add(g, N, M), pgd_dim_add(g, M, N));
    assert_int_equal(pgd_dim_mul(g, N, M), pgd_dim_mul(g, M, N));
    assert_int_equal(pgd_dim_add(g, N, 0), N);
    assert_int_equal(pgd_dim_mul(g, 1, N), N);
    assert_int_equal(pgd_dim_mul(g, N, 0), 0);
    assert_int_equal(pgd_dim_add(g, N, N), pgd_dim_mul(g, 2, N));
    assert_int_equal(pgd_dim_add(g, pgd_dim_add(g, N, 3), pgd_dim_add(g, M, 4)), pgd_dim_add(g, pgd_dim_add(g, N, M), 7));
    assert_int_equal(pgd_dim_offset(g, pgd_dim_offset(g, N, 5), -5), N);
    assert_int_equal(pgd_dim_mul(g, pgd_dim_mul(g, N, 3), 4), pgd_dim_mul(g, 12, N));
    assert_int_equal(pgd_dim_mul(g, pgd_dim_mul(g, N, 3), M), pgd_dim_mul(g, pgd_dim_mul(g, M, N), 3));
    assert_int_equal(pgd_dim_floordiv(g, pgd_dim_mul(g, N, 12), 4), pgd_dim_mul(g, N, 3));
    assert_int_equal(pgd_dim_floordiv(g, N, 1), N);
    assert_int_equal(pgd_dim_floordiv(g, 17, 5), 3);
    assert_int_equal(pgd_symshape_elems(g, pgd_symshape_of(3, N, 2, 3)), pgd_dim_mul(g, 6, N));
    assert_int_equal(pgd_dim_offset(g, 3, -5), 0);
}

static void windows_count_positions(void **unused) {
    for (int64_t in = 0; in < 12; in++)
        for (int64_t kernel = 1; kernel < 5; kernel++)
            for (int64_t stride = 1; stride < 4; stride++) {
                int64_t count = 0;
                for (int64_t at = 0; at + kernel <= in; at += stride) count++;
                assert_int_equal(pgd_dim_window(g, in, -kernel, stride), count);
                if (in >= kernel) assert_int_equal(pgd_dim_eval(g, pgd_dim_window(g, N, -kernel, stride), (int64_t[]){in, 0}), count);
            }
}

/* Random expressions built twice: as extents and as plain numbers. */
static void evaluation_agrees_with_arithmetic_and_ranges_hold(void **unused) {
    for (uint64_t seed = 0; seed < 300; seed++) {
        dice d = {seed};
        int64_t symbols[2] = {1 + roll_below(&d, 100), roll_below(&d, 8)}, values[40], lo, hi;
        pgd_dim dims[40];
        dims[0] = N, dims[1] = M, dims[2] = 3;
        values[0] = symbols[0], values[1] = symbols[1], values[2] = 3;
        for (int i = 3; i < 40; i++) {
            int a = (int)roll_below(&d, i), b = (int)roll_below(&d, i), k = (int)(1 + roll_below(&d, 9));
            switch (roll_below(&d, 4)) {
            case 0: dims[i] = pgd_dim_add(g, dims[a], dims[b]), values[i] = values[a] + values[b]; break;
            case 1: dims[i] = pgd_dim_mul(g, dims[a], dims[b]), values[i] = values[a] * values[b]; break;
            case 2: dims[i] = pgd_dim_floordiv(g, dims[a], k), values[i] = values[a] / k; break;
            default: dims[i] = pgd_dim_offset(g, dims[a], k), values[i] = values[a] + k; break;
            }
            if (values[i] > 1 << 20) dims[i] = dims[0], values[i] = values[0];
            check(pgd_dim_eval(g, dims[i], symbols) == values[i], "seed %llu: expression %d is %lld, not %lld", (unsigned long long)seed, i, (long long)pgd_dim_eval(g, dims[i], symbols), (long long)values[i]);
            pgd_dim_range(g, dims[i], &lo, &hi);
            assert_true(lo <= values[i] && values[i] <= hi);
        }
        ok(pgd_graph_status(g));
    }
}

static void huge_extents_are_refused_not_wrapped(void **unused) {
    pgd_dim big = pgd_graph_symbol(g, "big", 0, INT64_MAX), square = pgd_dim_mul(g, big, big), more = pgd_dim_offset(g, pgd_dim_offset(g, big, INT64_MAX), INT64_MAX);
    int64_t symbols[3] = {1, 1, INT64_MAX};
    pgd_shape shape;
    assert_int_equal(pgd_dim_eval(g, square, symbols), INT64_MIN);
    assert_int_equal(pgd_dim_eval(g, more, symbols), INT64_MIN);
    fails(PGD_BAD_ARG, "use other sizes", pgd_symshape_eval(g, pgd_symshape_of(1, square), symbols, &shape));
    fails(PGD_BAD_ARG, "use other sizes", pgd_symshape_eval(g, pgd_symshape_of(2, (pgd_dim)1 << 40, (pgd_dim)1 << 40), symbols, &shape));
    fails(PGD_BAD_ARG, "use other sizes", pgd_symshape_eval(g, pgd_symshape_of(1, pgd_dim_offset(g, N, -5)), (int64_t[]){2, 0, 0}, &shape)); /* comes out negative */
    assert_int_equal(pgd_dim_mul(g, (pgd_dim)1 << 40, (pgd_dim)1 << 40), INT64_MAX);
    pgd_dim_mul(g, pgd_dim_mul(g, N, INT64_MAX), INT64_MAX);
    ok(pgd_graph_status(g));
}

/* 0 <= N - 5 <= 5 where it is an extent at all, but its range begins below 0. */
static void products_of_extents_have_their_true_range(void **unused) {
    int64_t lo, hi;
    pgd_dim n = pgd_graph_symbol(g, "few", 0, 10), shorter = pgd_dim_offset(g, n, -5);
    pgd_dim_range(g, pgd_dim_mul(g, shorter, shorter), &lo, &hi);
    assert_true(lo == 0 && hi == 25);
    pgd_dim_range(g, pgd_dim_mul(g, shorter, n), &lo, &hi);
    assert_true(lo == 0 && hi == 50);
    pgd_dim_range(g, pgd_dim_mul(g, pgd_dim_offset(g, n, 2), n), &lo, &hi);
    assert_true(lo == 0 && hi == 120);
}

static void shapes_take_symbols_and_integers_of_any_type(void **unused) {
    pgd_symshape shape = pgd_symshape_of(3, N, 2, (int64_t)1 << 33);
    assert_true(shape.rank == 3 && shape.dims[0] == N && shape.dims[1] == 2 && shape.dims[2] == (int64_t)1 << 33);
    assert_null(pgd_input(g, "x", PGD_F32, pgd_symshape_of(3, N, 2)));
    fails(PGD_BAD_ARG, "rank -1", pgd_graph_status(g));
}

static void wrong_symbols_are_refused(void **unused) {
    static const char *const names[] = {"", "3", "a b", "a\n", "(", "ninechars ninechars", NULL};
    for (int i = 0; i < 7; i++) {
        pgd_graph *h;
        ok(pgd_graph_create(&h));
        pgd_graph_symbol(h, names[i], 1, 2);
        fails(PGD_BAD_ARG, "symbol", pgd_graph_status(h));
        pgd_graph_destroy(h);
    }
    pgd_graph_symbol(g, "K", 5, 4);
    fails(PGD_BAD_ARG, "range 5 to 4", pgd_graph_status(g));
    pgd_graph *h;
    ok(pgd_graph_create(&h));
    pgd_graph_symbol(h, "K", 1, 4);
    pgd_graph_symbol(h, "K", 1, 5);
    fails(PGD_BAD_ARG, "use the same range again", pgd_graph_status(h));
    pgd_graph_destroy(h);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(the_same_name_is_the_same_extent), TEST(equal_extents_are_equal_numbers), TEST(windows_count_positions), TEST(evaluation_agrees_with_arithmetic_and_ranges_hold),
                                       TEST(huge_extents_are_refused_not_wrapped), TEST(products_of_extents_have_their_true_range), TEST(shapes_take_symbols_and_integers_of_any_type), TEST(wrong_symbols_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
