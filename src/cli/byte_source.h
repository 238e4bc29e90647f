/* SPDX-License-Identifier: Apache-2.0 */
/* A run of bytes from a file or from memory, unpacked on the way when it is gzip. */
#ifndef BYTE_SOURCE_H
#define BYTE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <zlib.h>

#include "cli_error.h"

struct byte_source {
    const char *name; /* for the sentences; borrowed */
    FILE *file;       /* NULL: memory */
    bool packed;      /* gzip, known from the first two bytes */
    bool ended;       /* nothing comes any more */
    z_stream unpack;
    uint8_t *chunk; /* what was read from the file and is not used yet lies at unpack.next_in */
    const uint8_t *memory;
    size_t memory_left;
};

/* Opens a file, or bytes that stay the caller's.  byte_source_close is to be called after success only. */
bool byte_source_open_file(struct byte_source *source, const char *path, struct cli_error *error);
bool byte_source_open_memory(struct byte_source *source, const uint8_t *bytes, size_t byte_count, const char *name,
                             struct cli_error *error);
void byte_source_close(struct byte_source *source);

/* Reads up to wanted bytes; *found < wanted says that the end was reached, and the gzip check sums were right.
 * Fails when the file cannot be read or the gzip data are damaged or cut short. */
bool byte_source_read(struct byte_source *source, uint8_t *out, size_t wanted, size_t *found, struct cli_error *error);

#endif
