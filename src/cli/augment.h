/* SPDX-License-Identifier: Apache-2.0
 * Training pictures, changed a little every time they are shown. What comes out follows from the picture and one random number alone. */
#ifndef AUGMENT_H
#define AUGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"

/* In the order in which they are applied, but for rotate, which comes first:
 * crop     moved by up to an eighth of the shorter side either way (4 pixels of 32); what comes in at the border is reflected
 * flip     left and right exchanged, in half of the pictures
 * cutout   a square of a quarter of the shorter side (8 pixels of 32), whose centre may be anywhere, is filled
 * rotate   about the centre by up to 15 degrees either way, bilinear, reflected at the border */
#define AUGMENT_LIST(X) X(CROP, "crop") X(FLIP, "flip") X(CUTOUT, "cutout") X(ROTATE, "rotate")

enum augment_order {
#define X(name, word) AUGMENT_ORDER_##name,
    AUGMENT_LIST(X)
#undef X
};
enum augment_kind {
#define X(name, word) AUGMENT_##name = 1 << AUGMENT_ORDER_##name,
    AUGMENT_LIST(X)
#undef X
};

struct augment {
    unsigned kinds;
    int shift;       /* moved by up to so many pixels either way, black coming in */
    uint8_t fill[3]; /* of cutout, per channel */
};

/* "crop,flip" or "none". False with a sentence. */
bool augment_parse(const char *list, unsigned *kinds, struct cli_error *error);

/* The same list in the order above: what is kept. */
void augment_name(unsigned kinds, char *out, size_t out_bytes);

/* from, to [channels,height,width], apart; 1 or 3 channels, sides of at most 16384. */
void augment_picture(const struct augment *augment, int channels, int height, int width, const uint8_t *from, uint64_t random, uint8_t *to);

#endif
