/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG through libjpeg-turbo, its errors turned into sentences.  A part of picture.c. */
#ifndef PICTURE_JPEG_H
#define PICTURE_JPEG_H

#include "picture.h"

bool picture_is_jpeg(const uint8_t *bytes, size_t byte_count);

/* Grey stays grey; everything else becomes RGB, CMYK included.  Exif's orientation is followed.  A file that is cut off or has damaged data is an error,
 * though libjpeg would fill in what is missing. */
bool picture_parse_jpeg(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                        struct cli_error *error);

#endif
