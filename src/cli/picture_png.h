/* SPDX-License-Identifier: Apache-2.0 */
/* PNG through libpng, its errors turned into sentences; and what the parts of picture.c share. */
#ifndef PICTURE_PNG_H
#define PICTURE_PNG_H

#include "picture.h"

bool picture_is_png(const uint8_t *bytes, size_t byte_count);
bool picture_parse_png(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                       struct cli_error *error);

/* Whether pictures of these sizes are read, or a sentence that names them and the limits. */
bool picture_size_check(const char *name, uint64_t height, uint64_t width, struct cli_error *error);

/* Allocates channels x height x width pixels of checked sizes, or says that there is no memory. */
bool picture_make(const char *name, int channels, uint64_t height, uint64_t width, struct picture *out, struct cli_error *error);

#endif
