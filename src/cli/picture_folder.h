/* SPDX-License-Identifier: Apache-2.0
 * Sets of one's own pictures: a folder for every class, in train/ and test/ (or val/), or side by side. */
#ifndef PICTURE_FOLDER_H
#define PICTURE_FOLDER_H

#include "image_set.h"

enum { PICTURE_FOLDER_SIDE = 32 }; /* what pictures are brought to when nothing is said */

/* Whether there are folders in it. */
bool picture_folder_is_one(const char *folder);

/* Loads the PNG, JPEG, PGM and PPM files of one split, brought to the form; classes are the names of the folders, in the order of their bytes. Without channels in the form the pictures
 * are grey when all of them are. Where no test pictures stand apart, a fifth of each class is kept for that, chosen by a digest of class and file name. Samples stand in the order
 * of these digests, so that any stretch of them is a fair draw. Owns: out; zeroed on failure. */
bool picture_folder_load(const char *folder, const struct image_form *form, enum image_split split, struct image_set *out, struct cli_error *error);

#endif
