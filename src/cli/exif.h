/* SPDX-License-Identifier: Apache-2.0
 * The one thing of a photograph's Exif data that changes what it shows: which way up it was taken. */
#ifndef EXIF_H
#define EXIF_H

#include <stddef.h>
#include <stdint.h>

/* 1..8 as in the Exif standard (tag 0x0112 of its first directory), of the content of an APP1 marker; 1, upright, when it says nothing or is damaged. */
int exif_orientation(const uint8_t *bytes, size_t byte_count);

#endif
