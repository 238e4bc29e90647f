/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures of any size from PNG, JPEG, PGM and PPM files. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"

enum { PICTURE_SIDE_MAX = 16384 };
#define PICTURE_PIXELS_MAX ((uint64_t)1 << 26)

struct picture {
    int channels;    /* 1 grey, 3 red, green and blue */
    int height, width;
    uint8_t *pixels; /* [channels,height,width], 0 black .. 255 white */
};

/* Reads a PNG (transparency becomes white), a JPEG, a PGM (P2 or P5) or a PPM (P3 or P6; both with any maxval); which one
 * is seen from the content.  As many channels as the file keeps.  Sides of at most PICTURE_SIDE_MAX, at most
 * PICTURE_PIXELS_MAX in all.  Owns: out, picture_deinit it; zeroed on failure. */
bool picture_read(const char *path, struct picture *out, struct cli_error *error);

/* The same from memory; name stands for the file in the sentences. */
bool picture_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                   struct cli_error *error);

/* Whether a pixel is anything but grey. */
bool picture_has_colour(const struct picture *picture);

/* Makes it grey where it lies, with the weights of ITU-R BT.601. */
void picture_make_grey(struct picture *picture);

/* The same for planes [3,count] of any kind; the grey ones take the place of the red. */
void picture_grey_planes(uint8_t *planes, size_t count);

/* Writes a grey picture as binary PGM: the path holds either the old content or the whole new one, even after a power cut. */
bool picture_write_pgm(const char *path, const struct picture *picture, struct cli_error *error);

void picture_deinit(struct picture *picture);

#endif
