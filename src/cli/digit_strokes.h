/* SPDX-License-Identifier: Apache-2.0 */
/* How people write the ten digits: pen strokes through a few points, several ways for each digit. */
#ifndef DIGIT_STROKES_H
#define DIGIT_STROKES_H

#include <stdint.h>

enum knot_kind {
    KNOT_DOWN,   /* the pen comes down here: a stroke begins */
    KNOT_SMOOTH, /* the stroke passes through here and keeps its direction */
    KNOT_CORNER, /* the stroke turns sharply here; a hasty hand rounds it */
};

/* A point the pen passes through; x grows to the right and y downwards, both 0..100. */
struct knot {
    uint8_t kind, x, y;
};

enum { DIGIT_KNOTS_MAX = 24 };

struct digit_style {
    uint8_t digit;
    uint8_t weight; /* how common this way of writing is among those of the same digit */
    uint8_t knot_count;
    const struct knot *knots;
};

/* All styles, ordered by digit. */
extern const struct digit_style digit_styles[];
extern const int digit_style_count;

#endif
