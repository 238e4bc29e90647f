/* SPDX-License-Identifier: Apache-2.0 */
/* A labelled set of small pictures in memory: from IDX files, CIFAR-10 binaries or folders of pictures, or drawn by
 * digits.h. */
#ifndef IMAGE_SET_H
#define IMAGE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli_error.h"

enum image_split {
    IMAGE_SPLIT_TRAIN, /* train-images-idx3-ubyte, data_batch_1.bin, train/ */
    IMAGE_SPLIT_TEST,  /* t10k-images-idx3-ubyte, test_batch.bin, test/ */
};

enum image_kind {
    IMAGE_DIGITS,   /* drawn here */
    IMAGE_IDX,
    IMAGE_CIFAR,
    IMAGE_PICTURES, /* one's own, see picture_folder.h */
};

enum { IMAGE_CLASSES_MAX = 256, IMAGE_CLASS_NAME_BYTES_MAX = 63 };

struct image_set {
    enum image_kind kind;
    size_t count; /* N, at least 1 */
    int channels, height, width;
    uint8_t *pixels; /* [N,C,H,W]; three channels are red, green and blue */
    uint8_t *labels; /* [N], each below class_count */
    int class_count;
    const char *const *class_names; /* [class_count], the set's own */
    char remark[512]; /* what a person should know of how it was made; often empty */
};

/* What one's own pictures are brought to; sets whose files have a size are as they are. */
struct image_form {
    int channels;      /* 1, 3, or 0: as the pictures are */
    int height, width; /* 0: the default */
    bool digits;       /* 28x28 grey: brought to MNIST's looks, see picture_as_digit */
};

/* Loads one split from a folder; what it holds is seen from its names.  IDX: each file may end in .gz and may be spelt
 * train-images.idx3-ubyte; the classes are the ten digits, or the ten garments when the path contains "fashion".
 * CIFAR: see cifar.h.  Folders of pictures: see picture_folder.h; form may be NULL.
 * Fails when a file is missing or damaged, counts disagree or a label is too high.  Owns: out; zeroed on failure. */
bool image_set_load(const char *folder, const struct image_form *form, enum image_split split, struct image_set *out,
                    struct cli_error *error);

/* Draws pictures first .. first + count - 1 of the endless built-in set seed.  Owns: out; zeroed on failure. */
bool image_set_draw(uint64_t seed, uint64_t first, size_t count, struct image_set *out, struct cli_error *error);

/* Makes grey pictures colour ones, of equal planes, or the reverse: 1 or 3 channels. */
bool image_set_convert(struct image_set *set, int channels, struct cli_error *error);

/* Gives the set copies of the names of its classes. */
bool image_set_name_classes(struct image_set *set, const char *const *names, int count, struct cli_error *error);

/* Whether a class can be called that: 1 to 63 bytes of UTF-8 without control characters and '|', which separates names in
 * model files.  where: the file or folder it comes from. */
bool image_class_name_check(const char *where, const char *name, struct cli_error *error);

void image_set_deinit(struct image_set *set);

#endif
