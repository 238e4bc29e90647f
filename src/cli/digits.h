/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in data set: an endless supply of handwritten-looking digits, drawn rather than stored. */
#ifndef DIGITS_H
#define DIGITS_H

#include <stdint.h>

#include "digit_place.h"

/* Draws picture number index of the endless set seed: bright ink on dark, 28x28, placed as MNIST places it, and
 * its label 0..9.  A pure function: the same bytes on every machine.  Each ten pictures from a multiple of ten
 * on hold every digit once.  Cost: some 10 microseconds, no memory. */
void digits_draw(uint64_t seed, uint64_t index, uint8_t out[DIGIT_PIXELS], uint8_t *label);

#endif
