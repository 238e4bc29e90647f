/* SPDX-License-Identifier: Apache-2.0
 * Whole files: what was written is read back; what cannot be written leaves the old file and nothing beside it. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

static char folder[] = "/tmp/pagoda_test_file_XXXXXX", path[256];

static int set_up(void **unused) {
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/file", folder);
    return 0;
}

static int tear_down(void **unused) {
    unlink(path);
    chmod(folder, 0700);
    return rmdir(folder); /* fails when something was left beside the file */
}

static pgd_status write_text(const char *to, const char *text) { return pgd_file_write_atomic(to, &(pgd_piece){text, strlen(text)}, 1, NULL); }

static void expect_contents(const char *want) {
    char *got;
    size_t bytes;
    ok(pgd_file_read(path, 1 << 20, NULL, &got, &bytes));
    assert_int_equal(bytes, strlen(want));
    assert_string_equal(got, want);
    pgd_mem_free(got);
}

static void what_was_written_is_read_back(void **unused) {
    const pgd_piece pieces[] = {{"one ", 4}, {NULL, 0}, {"two ", 4}, {"three", 5}};
    ok(pgd_file_write_atomic(path, pieces, 4, NULL));
    expect_contents("one two three");
    ok(write_text(path, "new"));
    expect_contents("new");
    ok(pgd_file_write_atomic(path, NULL, 0, NULL));
    expect_contents("");
}

static void reading_is_bounded_and_wants_a_regular_file(void **unused) {
    char *bytes;
    size_t count;
    ok(write_text(path, "12345"));
    fails(PGD_CORRUPT, "has 5 bytes, more than the 4 allowed here", pgd_file_read(path, 4, NULL, &bytes, &count));
    assert_null(bytes);
    fails(PGD_IO, "is not a regular file", pgd_file_read(folder, 100, NULL, &bytes, &count));
    fails(PGD_IO, "is not a regular file", pgd_file_read("/dev/zero", 100, NULL, &bytes, &count));
    fails(PGD_IO, "No such file", pgd_file_read("/nowhere/at/all", 100, NULL, &bytes, &count));
}

static void the_head_of_a_file_is_no_longer_than_the_file(void **unused) {
    char *bytes;
    size_t count;
    ok(write_text(path, "12345"));
    ok(pgd_file_read_head(path, 3, &bytes, &count));
    assert_int_equal(count, 3);
    assert_string_equal(bytes, "123");
    pgd_mem_free(bytes);
    ok(pgd_file_read_head(path, 100, &bytes, &count));
    assert_int_equal(count, 5);
    pgd_mem_free(bytes);
}

/* Goes on `left` times more. */
static bool count_down(void *left, const char *what, double fraction) {
    check(fraction >= 0 && fraction < 1, "%s: fraction %g", what, fraction);
    return (*(int *)left)-- > 0;
}

static void a_stop_leaves_the_old_file_and_nothing_read(void **unused) {
    enum { BYTES = 10 << 20 };
    char *big = calloc(1, BYTES), *bytes;
    size_t count;
    int left = 1;
    const pgd_progress progress = {count_down, &left};
    ok(write_text(path, "old"));
    fails(PGD_CANCELLED, "writing", pgd_file_write_atomic(path, &(pgd_piece){big, BYTES}, 1, &progress));
    expect_contents("old");
    left = 3;
    ok(pgd_file_write_atomic(path, &(pgd_piece){big, BYTES}, 1, &progress));
    assert_int_equal(left, 0);
    left = 2;
    fails(PGD_CANCELLED, "reading", pgd_file_read(path, BYTES, &progress, &bytes, &count));
    assert_null(bytes);
    free(big);
}

static void a_folder_that_cannot_be_written_is_named(void **unused) {
    char inside[300];
    fails(PGD_IO, "cannot create", write_text("/nowhere/at/all", "x"));
    fails(PGD_IO, "cannot create", write_text("/proc/pagoda", "x"));
    ok(write_text(path, "old"));
    if (geteuid() != 0) { /* root may write everywhere */
        assert_int_equal(chmod(folder, 0500), 0);
        fails(PGD_IO, "Permission denied", write_text(path, "new"));
        chmod(folder, 0700);
    }
    expect_contents("old");
    snprintf(inside, sizeof inside, "%s/file/deeper", folder);
    fails(PGD_IO, "Not a directory", write_text(inside, "x"));
    fails(PGD_IO, "is no regular file", write_text(folder, "a folder is in the way"));
    char temporary[300];
    snprintf(temporary, sizeof temporary, "%s.tmp", folder);
    assert_int_equal(access(temporary, F_OK), -1);
}

static void a_path_that_is_too_long_is_refused(void **unused) {
    char *name = malloc(6000);
    memset(name, 'x', 5999);
    name[5999] = '\0';
    fails(PGD_BAD_ARG, "use a shorter one", write_text(name, "x"));
    free(name);
}

/* A disk that fills: the system stops the writes of a child after 4096 bytes of any file. */
static void a_full_disk_leaves_the_old_file_and_no_other(void **unused) {
    ok(write_text(path, "old"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        static char big[100000];
        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, 4096}) != 0) _exit(3);
        pgd_status status = pgd_file_write_atomic(path, &(pgd_piece){big, sizeof big}, 1, NULL);
        _exit(status == PGD_IO && strstr(pgd_error_text(), "cannot write: File too large") != NULL ? 0 : 4);
    }
    int result;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    expect_contents("old"); /* and tear_down finds nothing else */
}

static void a_link_to_a_full_device_is_an_error(void **unused) {
    char temporary[300];
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (access("/dev/full", W_OK) != 0) skip();
    assert_int_equal(symlink("/dev/full", temporary), 0); /* the temporary file ends on a device without room */
    fails(PGD_IO, "No space left on device", write_text(path, "some text"));
    assert_int_equal(access(path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {TEST(what_was_written_is_read_back), TEST(reading_is_bounded_and_wants_a_regular_file), TEST(the_head_of_a_file_is_no_longer_than_the_file), TEST(a_stop_leaves_the_old_file_and_nothing_read), TEST(a_folder_that_cannot_be_written_is_named), TEST(a_path_that_is_too_long_is_refused),
                                       TEST(a_full_disk_leaves_the_old_file_and_no_other), TEST(a_link_to_a_full_device_is_an_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
