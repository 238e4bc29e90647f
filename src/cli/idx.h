/* SPDX-License-Identifier: Apache-2.0 */
/* IDX files: the format of MNIST and its kin, plain or packed with gzip.
 * A header of 4 + 4 * rank bytes (two zeros, the type 0x08 for bytes, the rank, then big-endian dimensions), and the
 * bytes themselves, row-major. */
#ifndef IDX_H
#define IDX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"

enum { IDX_RANK_MAX = 3 };
#define IDX_BYTES_MAX ((uint64_t)1 << 31)

struct idx {
    int rank;                    /* 1..IDX_RANK_MAX */
    uint32_t dims[IDX_RANK_MAX]; /* each at least 1; 1 beyond the rank */
    size_t byte_count;           /* their product */
    uint8_t *data;               /* [byte_count] */
};

/* Reads a whole file; whether it is packed is seen from its content.  Memory grows with the data that are really
 * there, whatever the header claims.
 * Fails on anything but bytes of rank 1..3 in exactly the promised number.  Owns: out, idx_deinit it; zeroed on
 * failure. */
bool idx_read(const char *path, struct idx *out, struct cli_error *error);

/* The same from memory; name stands for the file in the sentences. */
bool idx_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct idx *out, struct cli_error *error);

void idx_deinit(struct idx *idx);

#endif
