/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures brought to the size, and digits to the looks, that a network was trained on. */
#ifndef PICTURE_FIT_H
#define PICTURE_FIT_H

#include "digit_place.h"
#include "picture.h"

/* Resizes to out [channels,height,width] by averaging areas; the aspect ratio stays, and what is left free on two sides
 * takes the mean of the picture's border.  height and width 1..PICTURE_SIDE_MAX. */
void picture_fit(const struct picture *picture, int height, int width, uint8_t *out);

/* The same to the given number of channels, 1 or 3: colours become grey where the picture lies, grey becomes three equal planes. */
void picture_fit_channels(struct picture *picture, int channels, int height, int width, uint8_t *out);

/* The conventions of MNIST: bright ink on dark (inverted when the border is bright), the ink scaled to fit 20x20,
 * its centre of mass at the centre of 28x28.  A 28x28 picture with a dark border is copied as it is.
 * The picture is grey.  Fails when it shows no ink. */
bool picture_as_digit(const struct picture *picture, const char *name, uint8_t out[DIGIT_PIXELS],
                      struct cli_error *error);

#endif
