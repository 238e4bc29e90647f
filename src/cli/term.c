/* SPDX-License-Identifier: Apache-2.0 */
#include "term.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "term_text.h"

enum { COLUMNS_UNKNOWN = 80, COLUMNS_MIN = 20, COLUMNS_MAX = 1000, BAR_CELLS = 20, BAR_FRAME = 10 };

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : "";
}

/* The locale that POSIX lets decide about characters. */
static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = environment(names[i]);
        if (value[0] != '\0') {
            const char *dot = strchr(value, '.');
            return dot != NULL && (strncasecmp(dot, ".utf-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
        }
    }
    return false;
}

static enum term_colour terminal_colour(void)
{
    const char *kind = environment("TERM"), *depth = environment("COLORTERM");
    if (environment("NO_COLOR")[0] != '\0' || kind[0] == '\0' || strcmp(kind, "dumb") == 0)
        return TERM_COLOUR_NONE;
    if (strcmp(depth, "truecolor") == 0 || strcmp(depth, "24bit") == 0 || strstr(kind, "direct") != NULL)
        return TERM_COLOUR_TRUE;
    return strstr(kind, "256") != NULL ? TERM_COLOUR_256 : TERM_COLOUR_NONE;
}

static int terminal_columns(int descriptor)
{
    struct winsize size;
    long columns = 0;
    if (ioctl(descriptor, TIOCGWINSZ, &size) == 0)
        columns = size.ws_col;
    if (columns == 0)
        columns = strtol(environment("COLUMNS"), NULL, 10);
    if (columns <= 0)
        return COLUMNS_UNKNOWN;
    return columns < COLUMNS_MIN ? COLUMNS_MIN : columns > COLUMNS_MAX ? COLUMNS_MAX : (int)columns;
}

struct term term_open(FILE *file)
{
    struct term term = {.file = file, .columns = COLUMNS_UNKNOWN};
    const int descriptor = fileno(file);
    if (descriptor < 0 || !isatty(descriptor))
        return term;
    term.live = strcmp(environment("TERM"), "dumb") != 0;
    term.colour = terminal_colour();
    term.blocks = locale_is_utf8();
    term.columns = terminal_columns(descriptor);
    return term;
}

/* ---- pictures ---- */

/* xterm's colours 232..255 are a ramp of grey from 8 to 238; 16 is black and 231 white. */
static int grey_of_256(uint8_t grey)
{
    if (grey < 4)
        return 16;
    if (grey > 246)
        return 231;
    const int step = (grey - 8 + 5) / 10;
    return 232 + (step < 0 ? 0 : step > 23 ? 23 : step);
}

static void set_grey(const struct term *term, int plane, uint8_t grey)
{
    if (term->colour == TERM_COLOUR_TRUE)
        fprintf(term->file, "\x1b[%d;2;%d;%d;%dm", plane, grey, grey, grey);
    else
        fprintf(term->file, "\x1b[%d;5;%dm", plane, grey_of_256(grey));
}

/* An upper half block: the upper pixel is its foreground, the lower one its background. */
static void picture_line_blocks(const struct term *term, const uint8_t *upper, const uint8_t *lower, int width)
{
    for (int x = 0; x < width; x++) {
        const uint8_t below = lower != NULL ? lower[x] : 0;
        if (x == 0 || upper[x] != upper[x - 1])
            set_grey(term, 38, upper[x]);
        if (x == 0 || (lower != NULL && below != lower[x - 1]))
            set_grey(term, 48, below);
        fputs("\xe2\x96\x80", term->file);
    }
    fputs("\x1b[0m\n", term->file);
}

/* 0 black .. 9 white */
static int grade_of(const uint8_t *upper, const uint8_t *lower, int x)
{
    const int grey = lower != NULL ? (upper[x] + lower[x]) / 2 : upper[x];
    return grey * 10 / 256;
}

static void picture_line_ascii(const struct term *term, const uint8_t *upper, const uint8_t *lower, int width)
{
    for (int x = 0; x < width; x++)
        fputc(" .:-=+*#%@"[grade_of(upper, lower, x)], term->file);
    fputc('\n', term->file);
}

/* Whether nothing is to be seen in rows y and y + 1. */
static bool line_is_blank(const uint8_t *pixels, int y, int height, int width, int shown)
{
    const uint8_t *upper = pixels + (size_t)y * (size_t)width;
    for (int x = 0; x < shown; x++)
        if (grade_of(upper, y + 1 < height ? upper + width : NULL, x) > 0)
            return false;
    return true;
}

void term_picture(const struct term *term, const uint8_t *pixels, int height, int width)
{
    const int shown = width < term->columns ? width : term->columns;
    const bool blocks = term->blocks && term->colour != TERM_COLOUR_NONE;
    int first = 0, last = (height - 1) / 2 * 2;
    while (first < last && line_is_blank(pixels, first, height, width, shown))
        first += 2;
    while (last > first && line_is_blank(pixels, last, height, width, shown))
        last -= 2;
    for (int y = first; y <= last; y += 2) {
        const uint8_t *upper = pixels + (size_t)y * (size_t)width;
        const uint8_t *lower = y + 1 < height ? upper + width : NULL;
        if (blocks)
            picture_line_blocks(term, upper, lower, shown);
        else
            picture_line_ascii(term, upper, lower, shown);
    }
}

/* ---- bars ---- */

void term_bar(const struct term *term, const char *name, int name_columns, double share)
{
    struct term_text line;
    const int room = term->columns - name_columns - BAR_FRAME, cells = room < BAR_CELLS ? room : BAR_CELLS;
    term_text_start(&line);
    term_text_add(&line, "%s", name);
    term_text_pad(&line, name_columns);
    term_text_add(&line, "  ");
    if (cells > 0)
        term_text_meter(&line, term->blocks, share, cells);
    term_text_add(&line, " %5.1f %%", 100 * term_share(share));
    fprintf(term->file, "%s\n", line.bytes);
}
