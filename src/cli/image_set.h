/* SPDX-License-Identifier: Apache-2.0 */
/* A labelled set of small pictures in memory: from the IDX files of a folder, or drawn by digits.h. */
#ifndef IMAGE_SET_H
#define IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"

enum image_split {
    IMAGE_SPLIT_TRAIN, /* train-images-idx3-ubyte, train-labels-idx1-ubyte */
    IMAGE_SPLIT_TEST,  /* t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte */
};

struct image_set {
    size_t count; /* N, at least 1 */
    int channels, height, width;
    uint8_t *pixels; /* [N,C,H,W] */
    uint8_t *labels; /* [N], each below class_count */
    int class_count;
    const char *const *class_names; /* [class_count], static */
};

/* Loads one split from a folder; each file may end in .gz and may be spelt train-images.idx3-ubyte.  The classes are
 * the ten digits, or the ten garments when the path contains "fashion".
 * Fails when a file is missing or damaged, counts disagree or a label is above 9.  Owns: out; zeroed on failure. */
bool image_set_load(const char *folder, enum image_split split, struct image_set *out, struct cli_error *error);

/* Draws pictures first .. first + count - 1 of the endless built-in set seed.  Owns: out; zeroed on failure. */
bool image_set_draw(uint64_t seed, uint64_t first, size_t count, struct image_set *out, struct cli_error *error);

void image_set_deinit(struct image_set *set);

#endif
