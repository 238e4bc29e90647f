/* SPDX-License-Identifier: Apache-2.0
 * CIFAR-10 in its binary form: records of a label byte and the planes of 32x32 red, green and blue bytes, plain or packed with gzip. */
#ifndef CIFAR_H
#define CIFAR_H

#include "image_set.h"

/* Whether the folder holds data_batch_*.bin or test_batch.bin, with .gz or not. */
bool cifar_is_there(const char *folder);

/* All data_batch_*.bin of the folder in the order of their numbers, or test_batch.bin. Classes are the lines of batches.meta.txt, else the official ten. Fails when a file is
 * missing, cut off or damaged, or a label is above 9. Owns: out; zeroed on failure. */
bool cifar_load(const char *folder, enum image_split split, struct image_set *out, struct cli_error *error);

/* One file from memory; name stands for it in the sentences. */
bool cifar_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct image_set *out, struct cli_error *error);

/* The text of a batches.meta.txt: ten names, one a line. Changes text; names points into it. */
enum { CIFAR_CLASSES = 10 };
bool cifar_parse_names(char *text, const char *name, const char *names[CIFAR_CLASSES], struct cli_error *error);

#endif
