/* SPDX-License-Identifier: Apache-2.0 */
/* One sentence that says what went wrong in the command, with the value and the remedy. */
#ifndef CLI_ERROR_H
#define CLI_ERROR_H

#include <stdbool.h>

struct cli_error {
    char text[512];
};

/* Writes the sentence (cut at the end of text when longer) and returns false, so that a failing function reads
 * `return cli_fail(error, ...)`.  error may be NULL. */
bool cli_fail(struct cli_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
