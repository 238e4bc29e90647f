/* SPDX-License-Identifier: Apache-2.0
 * Exif 2.32: "Exif", two zeros, then a TIFF: byte order, 42, where the first directory is; directories are a count and entries of tag, type, count, value. */
#include "exif.h"

#include <stdbool.h>
#include <string.h>

enum { HEAD = 6, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3 };

static uint32_t number(const uint8_t *at, int bytes, bool big) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | at[big ? i : bytes - 1 - i];
    return value;
}

int exif_orientation(const uint8_t *bytes, size_t byte_count) {
    if (byte_count < HEAD + 8 || memcmp(bytes, "Exif\0\0", HEAD) != 0) return 1;
    const uint8_t *tiff = bytes + HEAD;
    size_t count = byte_count - HEAD;
    bool big = tiff[0] == 'M';
    if (tiff[0] != tiff[1] || (tiff[0] != 'M' && tiff[0] != 'I') || number(tiff + 2, 2, big) != 42) return 1;
    size_t at = number(tiff + 4, 4, big);
    if (at > count || count - at < 2) return 1;
    size_t entries = number(tiff + at, 2, big);
    for (at += 2; entries > 0 && count - at >= ENTRY; entries--, at += ENTRY) {
        if (number(tiff + at, 2, big) != TAG_ORIENTATION || number(tiff + at + 2, 2, big) != TYPE_SHORT) continue;
        uint32_t value = number(tiff + at + 8, 2, big);
        return value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
