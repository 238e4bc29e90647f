/* SPDX-License-Identifier: Apache-2.0 */
/* What a person sees in a terminal: pictures, bars of probability, a line of progress.  Plain text elsewhere. */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum term_colour {
    TERM_COLOUR_NONE,
    TERM_COLOUR_256,
    TERM_COLOUR_TRUE, /* 24 bits */
};

struct term {
    FILE *file;  /* borrowed */
    bool live;   /* a terminal: lines may be rewritten */
    bool blocks; /* it shows the block characters of Unicode */
    enum term_colour colour;
    int columns;
};

/* Looks at the file and at NO_COLOR, TERM, COLORTERM, COLUMNS, LC_ALL, LC_CTYPE and LANG. */
struct term term_open(FILE *file);

/* Grey pixels [height,width]: two rows a line as half blocks with colour, else as ten grades of ASCII.  What is
 * wider than the terminal is cut, and blank lines above and below are left out. */
void term_picture(const struct term *term, const uint8_t *pixels, int height, int width);

/* One line such as `7  ############     98.2 %`; the name is padded to name_columns, share is 0..1.
 * The meter shrinks on a narrow terminal. */
void term_bar(const struct term *term, const char *name, int name_columns, double share);

#endif
