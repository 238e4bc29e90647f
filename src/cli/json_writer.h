/* SPDX-License-Identifier: Apache-2.0 */
/* Writes one JSON value on one line, piece by piece: the last line of a command with --json. */
#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH_MAX = 32 };

struct json_writer {
    FILE *file; /* borrowed */
    int depth;
    bool filled[JSON_DEPTH_MAX + 1];  /* by depth: something was written there, a comma comes before the next */
    char closing[JSON_DEPTH_MAX + 1]; /* by depth: '}' or ']' */
};

void json_start(struct json_writer *json, FILE *file);

/* In all of these: key names the value inside an object and is NULL in an array or at the top. */
void json_begin_object(struct json_writer *json, const char *key);
void json_begin_array(struct json_writer *json, const char *key);
void json_end(struct json_writer *json); /* of the innermost object or array */

void json_string(struct json_writer *json, const char *key,
                 const char *value);                                       /* bad UTF-8 becomes U+FFFD; NULL null */
void json_number(struct json_writer *json, const char *key, double value); /* %.9g; NaN and infinities null */
void json_integer(struct json_writer *json, const char *key, int64_t value);
void json_bool(struct json_writer *json, const char *key, bool value);
void json_null(struct json_writer *json, const char *key);

/* Closes what is open, ends the line and flushes; false when anything could not be written. */
bool json_finish(struct json_writer *json);

#endif
