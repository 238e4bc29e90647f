/* SPDX-License-Identifier: Apache-2.0
 * What the metadata of a model file say, or why it is none. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "cli.h"

/* Is it a model of this format? `verb` writes such files. */
bool model_file_check(const char *path, const char *format, const char *verb, struct cli_error *error);

bool model_file_text(const char *path, const char *key, char *out, size_t out_bytes, struct cli_error *error);
bool model_file_integer(const char *path, const char *key, int lo, int hi, int *out, struct cli_error *error);

/* Is there a model, of any format, in that file? */
bool model_file_is_one(const char *path);

#endif
