/* SPDX-License-Identifier: Apache-2.0 */
/* Grey pictures of any size from PGM and PNG, made to fit a network's input. */
#ifndef PICTURE_H
#define PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"
#include "digit_place.h"

enum { PICTURE_SIDE_MAX = 16384 };
#define PICTURE_PIXELS_MAX ((uint64_t)1 << 26)

struct picture {
    int height, width;
    uint8_t *pixels; /* [height,width], 0 black .. 255 white */
};

/* Reads a PGM (P2 or P5, any maxval) or a PNG (colours become grey, transparency white); which one is seen from
 * the content.  Sides of at most PICTURE_SIDE_MAX, at most PICTURE_PIXELS_MAX in all.
 * Owns: out, picture_deinit it; zeroed on failure. */
bool picture_read(const char *path, struct picture *out, struct cli_error *error);

/* The same from memory; name stands for the file in the sentences. */
bool picture_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                   struct cli_error *error);

/* Writes a binary PGM: the path holds either the old content or the whole new one, even after a power cut. */
bool picture_write_pgm(const char *path, const struct picture *picture, struct cli_error *error);

void picture_deinit(struct picture *picture);

#endif
