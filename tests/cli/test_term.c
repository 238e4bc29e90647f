/* SPDX-License-Identifier: Apache-2.0 */
#include "test_files.h"

#include <math.h>

#include "term.h"
#include "term_progress.h"

#define SECOND UINT64_C(1000000000)

static char *text;
static size_t text_bytes;

static struct term terminal(bool live, bool blocks, enum term_colour colour, int columns)
{
    struct term term = {.live = live, .blocks = blocks, .colour = colour, .columns = columns};
    term.file = open_memstream(&text, &text_bytes);
    assert_non_null(term.file);
    return term;
}

static void expect(const struct term *term, const char *wanted)
{
    fclose(term->file);
    assert_string_equal(text, wanted);
    free(text);
    text = NULL;
}

static void a_file_gets_no_colour(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    setenv("TERM", "xterm-256color", 1);
    const struct term term = term_open(file);
    assert_false(term.live);
    assert_false(term.blocks);
    assert_int_equal(term.colour, TERM_COLOUR_NONE);
    assert_int_equal(term.columns, 80);
    fclose(file);
}

static void on_a_terminal_the_environment_decides(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/ptmx", "r+");
    if (file == NULL || !isatty(fileno(file))) {
        if (file != NULL)
            fclose(file);
        skip();
    }
    setenv("TERM", "xterm-256color", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    setenv("COLUMNS", "91", 1);
    unsetenv("NO_COLOR");
    unsetenv("COLORTERM");
    struct term term = term_open(file);
    assert_true(term.live);
    assert_true(term.blocks);
    assert_int_equal(term.colour, TERM_COLOUR_256);
    assert_int_equal(term.columns, 91);
    setenv("COLORTERM", "truecolor", 1);
    assert_int_equal(term_open(file).colour, TERM_COLOUR_TRUE);
    setenv("NO_COLOR", "1", 1);
    assert_int_equal(term_open(file).colour, TERM_COLOUR_NONE);
    unsetenv("NO_COLOR");
    setenv("LC_ALL", "C", 1);
    assert_false(term_open(file).blocks);
    setenv("TERM", "dumb", 1);
    term = term_open(file);
    assert_false(term.live);
    assert_int_equal(term.colour, TERM_COLOUR_NONE);
    fclose(file);
}

static void a_picture_is_half_blocks_or_ascii(void **state)
{
    (void)state;
    const uint8_t pixels[] = {0, 255, 128, 128, 255, 0};
    struct term term = terminal(false, false, TERM_COLOUR_NONE, 80);
    term_picture(&term, pixels, 3, 2);
    expect(&term, ":#\n@ \n");
    term = terminal(true, true, TERM_COLOUR_TRUE, 80);
    term_picture(&term, pixels, 2, 2);
    expect(&term, "\x1b[38;2;0;0;0m\x1b[48;2;128;128;128m\xe2\x96\x80\x1b[38;2;255;255;255m\xe2\x96\x80\x1b[0m\n");
    term = terminal(true, true, TERM_COLOUR_256, 80);
    term_picture(&term, pixels, 2, 2);
    expect(&term, "\x1b[38;5;16m\x1b[48;5;244m\xe2\x96\x80\x1b[38;5;231m\xe2\x96\x80\x1b[0m\n");
    term = terminal(false, false, TERM_COLOUR_NONE, 1);
    term_picture(&term, pixels, 2, 2);
    expect(&term, ":\n");
}

static void blank_rows_above_and_below_are_left_out(void **state)
{
    (void)state;
    const uint8_t pixels[9] = {0, 0, 20, 0, 255, 0, 25, 24, 0};
    struct term term = terminal(false, false, TERM_COLOUR_NONE, 80);
    term_picture(&term, pixels, 9, 1);
    expect(&term, "=\n");
    term = terminal(true, true, TERM_COLOUR_TRUE, 80);
    term_picture(&term, pixels, 9, 1);
    expect(&term, "\x1b[38;2;255;255;255m\x1b[48;2;0;0;0m\xe2\x96\x80\x1b[0m\n");
    const uint8_t inner[] = {255, 255, 0, 0, 255, 255};
    term = terminal(false, false, TERM_COLOUR_NONE, 80);
    term_picture(&term, inner, 6, 1);
    term_picture(&term, pixels, 2, 1); /* all of it blank: one line stays */
    expect(&term, "@\n \n@\n \n");
}

static void on_a_narrow_terminal_the_bar_shrinks(void **state)
{
    (void)state;
    struct term term = terminal(false, false, TERM_COLOUR_NONE, 20);
    term_bar(&term, "7", 1, 1.0);
    term_bar(&term, "Ankle boot", 10, 1.0);
    expect(&term, "7  ######### 100.0 %\nAnkle boot   100.0 %\n");
}

static void a_bar_shows_eighths(void **state)
{
    (void)state;
    struct term term = terminal(true, true, TERM_COLOUR_NONE, 80);
    term_bar(&term, "7", 2, 0.125 + 0.01875);
    expect(&term, "7   \xe2\x96\x88\xe2\x96\x88\xe2\x96\x89                   14.4 %\n");
    term = terminal(false, false, TERM_COLOUR_NONE, 80);
    term_bar(&term, "Bag", 3, 1.0);
    term_bar(&term, "7", 1, 0.5);
    term_bar(&term, "7", 1, (double)NAN);
    expect(&term,
           "Bag  #################### 100.0 %\n7  ##########            50.0 %\n7                         0.0 %\n");
}

static void elsewhere_progress_is_a_line_each_five_seconds_or_epoch(void **state)
{
    (void)state;
    struct term term = terminal(false, false, TERM_COLOUR_NONE, 80);
    struct term_progress progress;
    term_progress_start(&progress, &term, 2, 100000, 0, SECOND);
    term_progress_step(&progress, &(struct term_step){20000, 1.5, (double)NAN}, 3 * SECOND);
    term_progress_step(&progress, &(struct term_step){61000, 0.08342, 0.9742}, 6 * SECOND);
    term_progress_step(&progress, &(struct term_step){100000, 0.05, 0.98}, 7 * SECOND);
    term_progress_finish(&progress);
    expect(&term, "epoch 1/2 61 %  loss 0.0834  accuracy 97.42 %  12.2k images/s  00:11 left\n"
                  "epoch 1/2 100 %  loss 0.0500  accuracy 98.00 %  25.6k images/s  00:06 left\n");
}

static void on_a_terminal_the_line_is_rewritten_ten_times_a_second(void **state)
{
    (void)state;
    struct term term = terminal(true, true, TERM_COLOUR_NONE, 100);
    struct term_progress progress;
    term_progress_start(&progress, &term, 5, 1000, 1000, 0);
    term_progress_step(&progress, &(struct term_step){1500, 0.5, 0.9}, SECOND / 2);
    term_progress_step(&progress, &(struct term_step){1510, 0.5, 0.9}, SECOND / 2 + SECOND / 20);
    term_progress_step(&progress, &(struct term_step){1600, 0.5, (double)NAN}, SECOND * 6 / 10);
    term_progress_clear(&progress);
    term_progress_clear(&progress);
    term_progress_step(&progress, &(struct term_step){2000, (double)NAN, (double)NAN}, SECOND);
    term_progress_finish(&progress);
    expect(&term, "\repoch 2/5 [\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88   "
                  "    ] 50 %  loss 0.5000  accuracy "
                  "90.00 %  1.0k images/s  00:04 left"
                  "\repoch 2/5 "
                  "[\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                  "\xe2\x96\x8d     ] 60 %  loss "
                  "0.5000  1.0k images/s  00:03 left                  "
                  "\r                                                                       \r"
                  "\repoch 2/5 "
                  "[\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88"
                  "\xe2\x96\x88\xe2\x96\x88\xe2\x96"
                  "\x88\xe2\x96\x88\xe2\x96\x88\xe2\x96\x88] 100 %  1.0k images/s  00:03 left\n");
}

static void a_narrow_terminal_gets_fewer_details(void **state)
{
    (void)state;
    const char *lines[] = {"\repoch 1/1 50 %  loss 0.5000  accuracy 90.00 %  00:01 left\n",
                           "\repoch 1/1 50 %  loss 0.5000  00:01 left\n", "\repoch 1/1 50 %\n"};
    const int columns[] = {60, 41, 20};
    for (int i = 0; i < 3; i++) {
        struct term term = terminal(true, true, TERM_COLOUR_NONE, columns[i]);
        struct term_progress progress;
        term_progress_start(&progress, &term, 1, 1000, 0, 0);
        term_progress_step(&progress, &(struct term_step){500, 0.5, 0.9}, SECOND);
        term_progress_finish(&progress);
        expect(&term, lines[i]);
    }
}

static void the_clock_runs(void **state)
{
    (void)state;
    const uint64_t first = term_now_ns();
    assert_true(first > 0);
    assert_true(term_now_ns() >= first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gets_no_colour),
        cmocka_unit_test(on_a_terminal_the_environment_decides),
        cmocka_unit_test(a_picture_is_half_blocks_or_ascii),
        cmocka_unit_test(blank_rows_above_and_below_are_left_out),
        cmocka_unit_test(a_bar_shows_eighths),
        cmocka_unit_test(on_a_narrow_terminal_the_bar_shrinks),
        cmocka_unit_test(elsewhere_progress_is_a_line_each_five_seconds_or_epoch),
        cmocka_unit_test(on_a_terminal_the_line_is_rewritten_ten_times_a_second),
        cmocka_unit_test(a_narrow_terminal_gets_fewer_details),
        cmocka_unit_test(the_clock_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
