/* SPDX-License-Identifier: Apache-2.0 */
/* The last step of how MNIST was made: the inked box goes into 28x28 so that its centre of mass is at the centre. */
#ifndef DIGIT_PLACE_H
#define DIGIT_PLACE_H

#include <stdint.h>

enum { DIGIT_SIDE = 28, DIGIT_PIXELS = DIGIT_SIDE * DIGIT_SIDE, DIGIT_BOX = 20 };

/* box [height,width], bright ink on dark, height and width 1..28; out [28,28].  The shift is whole pixels and the
 * box always stays inside, even when that keeps its centre of mass off the centre. */
void digit_place(const uint8_t *box, int height, int width, uint8_t out[DIGIT_PIXELS]);

#endif
