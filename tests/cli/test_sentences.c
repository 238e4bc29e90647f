/* SPDX-License-Identifier: Apache-2.0
 * What is said beside the results: how often, how safely, and whether it helps. */
#include "test_files.h"

#include <fcntl.h>

#include "cli.h"
#include "term_progress.h"

static char said[4096];

static int turn_stderr(const char *path) {
    int kept = dup(2), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(kept >= 0 && file >= 0);
    fflush(stderr);
    dup2(file, 2);
    close(file);
    return kept;
}

static void turn_back(int kept, const char *path) {
    fflush(stderr);
    dup2(kept, 2);
    close(kept);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    said[fread(said, 1, sizeof said - 1, file)] = '\0';
    fclose(file);
}

static void a_notice_is_given_once(void **unused) {
    struct cli cli = {.quiet = false};
    char path[256];
    snprintf(path, sizeof path, "%s", test_path("stderr"));
    int kept = turn_stderr(path);
    for (int i = 0; i < 3; i++) {
        cli_notice(&cli, "warning: %s runs slowly", "eq");
        cli_notice(&cli, "warning: %s runs slowly", "lt");
    }
    turn_back(kept, path);
    assert_string_equal(said, "pagoda: warning: eq runs slowly\npagoda: warning: lt runs slowly\n");
}

static void quiet_gives_none(void **unused) {
    struct cli cli = {.quiet = true};
    char path[256];
    snprintf(path, sizeof path, "%s", test_path("stderr"));
    int kept = turn_stderr(path);
    cli_notice(&cli, "warning: eq runs slowly");
    turn_back(kept, path);
    assert_string_equal(said, "");
}

static void a_sentence_is_one_line_that_no_terminal_obeys(void **unused) {
    struct cli cli = {.device = "auto"};
    char path[256];
    snprintf(path, sizeof path, "%s", test_path("stderr"));
    int kept = turn_stderr(path);
    cli_fail(&cli.error, "evil\x1b[2J\nname\x7f\xc3\xa9: cannot be opened");
    assert_int_equal(cli_report(&cli, CLI_FAILED), CLI_FAILED);
    turn_back(kept, path);
    assert_string_equal(said, "pagoda: evil?[2J?name?\xc3\xa9: cannot be opened\n");
}

static void a_line_of_progress_gives_way(void **unused) {
    struct term term = {.file = stderr, .live = true, .columns = 80};
    struct term_progress progress;
    struct cli cli = {.progress = &progress};
    char path[256];
    snprintf(path, sizeof path, "%s", test_path("stderr"));
    int kept = turn_stderr(path);
    term_progress_start(&progress, &term, 1, 100, 0, 0);
    term_progress_step(&progress, &(struct term_step){50, 0.5, 0.5}, 1000000000);
    int columns = progress.shown_columns;
    cli_notice(&cli, "warning: eq runs slowly");
    turn_back(kept, path);
    assert_true(columns > 20);
    const char *last = strrchr(said, '\r');
    assert_string_equal(last, "\rpagoda: warning: eq runs slowly\n");
    assert_int_equal(last[-1], ' ');
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_notice_is_given_once),
        cmocka_unit_test(quiet_gives_none),
        cmocka_unit_test(a_sentence_is_one_line_that_no_terminal_obeys),
        cmocka_unit_test(a_line_of_progress_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, test_clean);
}
