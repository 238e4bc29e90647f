/* SPDX-License-Identifier: Apache-2.0
 * Status codes and their sentences, types and shapes, the log, options and progress. */
#include <pthread.h>

#include "check.h"

static void names_are_those_of_the_list(void **unused) {
    assert_string_equal(pgd_status_name(PGD_OK), "OK");
    assert_string_equal(pgd_status_name(PGD_NO_MEMORY), "NO_MEMORY");
    assert_string_equal(pgd_status_name(PGD_INTERNAL), "INTERNAL");
    assert_string_equal(pgd_status_name((pgd_status)PGD_STATUS_COUNT), "?");
    assert_string_equal(pgd_status_name((pgd_status)-1), "?");
    assert_string_equal(pgd_version(), "0.1.0");
}

static void *fail_elsewhere(void *unused) {
    assert_non_null(pgd_error_text());
    return (void *)(uintptr_t)(pgd_fail(PGD_IO, "elsewhere") == PGD_IO && strcmp(pgd_error_text(), "elsewhere") == 0);
}

static void the_sentence_belongs_to_the_thread(void **unused) {
    pthread_t thread;
    void *right;
    assert_int_equal(pgd_fail(PGD_BAD_ARG, "%d is not %s", 3, "four"), PGD_BAD_ARG);
    assert_string_equal(pgd_error_text(), "3 is not four");
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    pthread_join(thread, &right);
    assert_non_null(right);
    assert_string_equal(pgd_error_text(), "3 is not four");
}

static void a_long_sentence_is_cut_not_overrun(void **unused) {
    char *text = malloc(100000);
    memset(text, 'x', 99999);
    text[99999] = '\0';
    assert_int_equal(pgd_fail(PGD_BAD_ARG, "%s", text), PGD_BAD_ARG);
    assert_true(strlen(pgd_error_text()) < 99999 && strlen(pgd_error_text()) > 100);
    assert_int_equal(pgd_fail_memory(12345), PGD_NO_MEMORY);
    assert_non_null(strstr(pgd_error_text(), "12345"));
    free(text);
}

static void dtypes_have_names_and_sizes(void **unused) {
    assert_string_equal(pgd_dtype_name(PGD_F32), "f32");
    assert_string_equal(pgd_dtype_name(PGD_BOOL), "bool");
    assert_string_equal(pgd_dtype_name((pgd_dtype)PGD_DTYPE_COUNT), "?");
    assert_int_equal(pgd_dtype_bytes(PGD_F64), 8);
    assert_int_equal(pgd_dtype_bytes(PGD_U8), 1);
    assert_int_equal(pgd_dtype_bytes((pgd_dtype)99), 0);
}

static void shapes_count_and_compare(void **unused) {
    pgd_shape a = pgd_shape_of(3, 2, 3, 4), b = a;
    assert_int_equal(pgd_shape_elems(a), 24);
    assert_int_equal(pgd_shape_elems(pgd_shape_of(0)), 1);
    assert_int_equal(pgd_shape_elems(pgd_shape_of(2, 5, 0)), 0);
    b.dims[5] = 9; /* beyond the rank: of no meaning */
    assert_true(pgd_shape_equal(a, b));
    b.dims[2] = 5;
    assert_false(pgd_shape_equal(a, b));
    b.rank = 2;
    assert_false(pgd_shape_equal(a, b));
}

static void shapes_take_integers_of_any_type(void **unused) {
    const int64_t wide = (int64_t)1 << 33;
    const uint8_t narrow = 3;
    int calls = 0;
    pgd_shape shape = pgd_shape_of(4, narrow, wide, 5, (size_t)7);
    assert_true(shape.rank == 4 && shape.dims[0] == 3 && shape.dims[1] == wide && shape.dims[2] == 5 && shape.dims[3] == 7);
    assert_int_equal(pgd_shape_of(1, ++calls).dims[0], 1);
    assert_int_equal(calls, 1);
}

static void a_shape_with_too_few_or_too_many_extents_is_none(void **unused) {
    assert_int_equal(pgd_shape_of(2, 3).rank, -1);
    assert_non_null(strstr(pgd_error_text(), "1 extents and a rank of 2"));
    assert_int_equal(pgd_shape_of(2, 3, 4, 5).rank, -1);
    assert_int_equal(pgd_shape_of(7, 1, 1, 1, 1, 1, 1, 1).rank, -1);
    assert_int_equal(pgd_shape_make((int64_t[]){0}, 0).rank, -1);
    assert_int_equal(pgd_shape_elems(pgd_shape_of(2, 3)), 0);
    assert_int_equal(pgd_shape_elems((pgd_shape){.rank = 1000}), 0);
}

static char logged[256];
static void keep_line(void *user, pgd_log_level level, const char *line) { snprintf(logged, sizeof logged, "%d %d %s", *(int *)user, (int)level, line); }

static void the_log_goes_to_the_callback(void **unused) {
    int user = 7;
    pgd_init_options o;
    pgd_init_options_init(&o, sizeof o);
    o.log = keep_line;
    o.log_user = &user;
    ok(pgd_init(&o));
    pgd_log_line(PGD_LOG_WARNING, "%s is %d", "it", 3);
    assert_string_equal(logged, "7 2 it is 3");
    pgd_init_options_init(&o, sizeof o);
    ok(pgd_init(&o));
    logged[0] = '\0';
    pgd_log_line(PGD_LOG_ERROR, "nobody hears");
    assert_string_equal(logged, "");
}

typedef struct sample_options {
    uint32_t struct_bytes;
    int32_t old_member;
    int32_t new_member;
} sample_options;

static void options_of_an_older_caller_keep_newer_defaults(void **unused) {
    sample_options into = {sizeof into, 1, 2}, from = {offsetof(sample_options, new_member), 5, 99};
    ok(pgd_options_read(&into, sizeof into, &from, "sample_options"));
    assert_int_equal(into.old_member, 5);
    assert_int_equal(into.new_member, 2);
    ok(pgd_options_read(&into, sizeof into, NULL, "sample_options"));
    from.struct_bytes = 0;
    fails(PGD_BAD_ARG, "sample_options", pgd_options_read(&into, sizeof into, &from, "sample_options"));
    struct {
        sample_options known;
        int32_t newer[16];
    } newer = {{sizeof newer, 8, 9}, {0}};
    ok(pgd_options_read(&into, sizeof into, &newer, "sample_options")); /* what a newer caller adds is ignored */
    assert_int_equal(into.new_member, 9);
    from.struct_bytes = 70000; /* never filled by an init */
    fails(PGD_BAD_ARG, "sample_options", pgd_options_read(&into, sizeof into, &from, "sample_options"));
}

static bool decide(void *user, const char *what, double fraction) { return *(bool *)user && strcmp(what, "work") == 0 && fraction == 0.5; }

static void progress_may_cancel(void **unused) {
    bool go_on = true;
    ok(pgd_progress_report(&(pgd_progress){decide, &go_on}, "work", 0.5));
    ok(pgd_progress_report(&(pgd_progress){0}, "work", 0.5));
    go_on = false;
    assert_int_equal(pgd_progress_report(&(pgd_progress){decide, &go_on}, "work", 0.5), PGD_CANCELLED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_list), cmocka_unit_test(the_sentence_belongs_to_the_thread), cmocka_unit_test(a_long_sentence_is_cut_not_overrun), cmocka_unit_test(dtypes_have_names_and_sizes),
        cmocka_unit_test(shapes_count_and_compare), cmocka_unit_test(shapes_take_integers_of_any_type), cmocka_unit_test(a_shape_with_too_few_or_too_many_extents_is_none), cmocka_unit_test(the_log_goes_to_the_callback), cmocka_unit_test(options_of_an_older_caller_keep_newer_defaults), cmocka_unit_test(progress_may_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
