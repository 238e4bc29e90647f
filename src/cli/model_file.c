/* SPDX-License-Identifier: Apache-2.0 */
#include "model_file.h"

#include <stdlib.h>
#include <string.h>

bool model_file_text(const char *path, const char *key, char *out, size_t out_bytes, struct cli_error *error) {
    return pgd_file_metadata(path, key, out, out_bytes) == PGD_OK || cli_fail_library(error);
}

bool model_file_integer(const char *path, const char *key, int lo, int hi, int *out, struct cli_error *error) {
    char text[32], *end;
    if (!model_file_text(path, key, text, sizeof text, error)) return false;
    long value = strtol(text, &end, 10);
    if (text[0] == '\0' || *end != '\0' || value < lo || value > hi) return cli_fail(error, "%s: metadata \"%s\" is \"%s\"; a number from %d to %d was expected", path, key, text, lo, hi);
    *out = (int)value;
    return true;
}

/* A checkpoint has a loss where a model has a format. */
bool model_file_check(const char *path, const char *format, const char *verb, struct cli_error *error) {
    char found[64], loss[64];
    pgd_status status = pgd_file_metadata(path, "format", found, sizeof found);
    if (status == PGD_BAD_ARG && pgd_file_metadata(path, "loss", loss, sizeof loss) == PGD_OK)
        return cli_fail(error, "%s: is the checkpoint of a training, not a model; the command that trained, with --resume, goes on to the model", path);
    if (status == PGD_BAD_ARG) return cli_fail(error, "%s: is no model, its metadata have no \"format\"; give a file that `pagoda %s` wrote", path, verb);
    if (status != PGD_OK) return cli_fail_library(error);
    return strcmp(found, format) == 0 || cli_fail(error, "%s: its format is \"%s\"; `pagoda %s` writes \"%s\"", path, found, verb, format);
}

bool model_file_is_one(const char *path) {
    char found[64];
    return pgd_file_metadata(path, "format", found, sizeof found) == PGD_OK;
}
