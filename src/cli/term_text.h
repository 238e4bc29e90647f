/* SPDX-License-Identifier: Apache-2.0 */
/* A line under construction that knows how many columns of a terminal it takes. */
#ifndef TERM_TEXT_H
#define TERM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { TERM_TEXT_BYTES = 1024 };

struct term_text {
    char bytes[TERM_TEXT_BYTES]; /* a string; what does not fit is left out */
    size_t length;
    int columns; /* each UTF-8 character counts as one */
};

void term_text_start(struct term_text *text);
void term_text_add(struct term_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void term_text_pad(struct term_text *text, int columns);

/* A meter of `cells` columns filled to share: eighths of a block, or whole # without blocks. */
void term_text_meter(struct term_text *text, bool blocks, double share, int cells);

/* share in 0..1; 0 for NaN */
double term_share(double share);

#endif
