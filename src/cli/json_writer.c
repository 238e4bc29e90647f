/* SPDX-License-Identifier: Apache-2.0 */
#include "json_writer.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* ---- strings ---- */

/* The bytes of the well-formed UTF-8 character at s, or 0; *bad is then how many bytes one U+FFFD replaces (the
 * maximal subpart of Unicode's chapter 3).  A NUL ends s and is never read beyond. */
static int utf8_length(const unsigned char *s, int *bad)
{
    *bad = 1;
    if (s[0] < 0x80)
        return 1;
    const int length = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
                       : (s[0] & 0xf0) == 0xe0        ? 3
                       : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                      : 0;
    if (length == 0)
        return 0;
    const unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80; /* no overlong forms */
    const unsigned char high = s[0] == 0xed   ? 0x9f
                               : s[0] == 0xf4 ? 0x8f
                                              : 0xbf; /* no surrogates, nothing above U+10FFFF */
    if (s[1] < low || s[1] > high)
        return 0;
    for (*bad = 2; *bad < length; ++*bad)
        if ((s[*bad] & 0xc0) != 0x80)
            return 0;
    return length;
}

static void write_escaped(FILE *file, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    const char *found = strchr(plain, c);
    if (found != NULL)
        fprintf(file, "\\%c", letters[found - plain]);
    else if (c < 0x20 || c == 0x7f)
        fprintf(file, "\\u%04x", c);
    else
        fputc(c, file);
}

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *s = (const unsigned char *)text; *s != '\0';) {
        int bad;
        const int length = utf8_length(s, &bad);
        if (length == 1)
            write_escaped(file, *s);
        else if (length > 1)
            fwrite(s, 1, (size_t)length, file);
        else
            fputs("\\ufffd", file);
        s += length > 0 ? length : bad;
    }
    fputc('"', file);
}

/* ---- structure ---- */

void json_start(struct json_writer *json, FILE *file)
{
    memset(json, 0, sizeof *json);
    json->file = file;
}

static void write_key(struct json_writer *json, const char *key)
{
    assert((key != NULL) == (json->closing[json->depth] == '}'));
    if (json->filled[json->depth])
        fputs(", ", json->file);
    json->filled[json->depth] = true;
    if (key != NULL) {
        write_string(json->file, key);
        fputs(": ", json->file);
    }
}

static void begin(struct json_writer *json, const char *key, char opening, char closing)
{
    assert(json->depth < JSON_DEPTH_MAX);
    write_key(json, key);
    fputc(opening, json->file);
    json->depth++;
    json->filled[json->depth] = false;
    json->closing[json->depth] = closing;
}

void json_begin_object(struct json_writer *json, const char *key)
{
    begin(json, key, '{', '}');
}

void json_begin_array(struct json_writer *json, const char *key)
{
    begin(json, key, '[', ']');
}

void json_end(struct json_writer *json)
{
    assert(json->depth > 0);
    fputc(json->closing[json->depth--], json->file);
}

bool json_finish(struct json_writer *json)
{
    while (json->depth > 0)
        json_end(json);
    fputc('\n', json->file);
    return fflush(json->file) == 0 && !ferror(json->file);
}

/* ---- values ---- */

void json_string(struct json_writer *json, const char *key, const char *value)
{
    if (value == NULL) {
        json_null(json, key);
        return;
    }
    write_key(json, key);
    write_string(json->file, value);
}

void json_number(struct json_writer *json, const char *key, double value)
{
    if (!isfinite(value)) {
        json_null(json, key);
        return;
    }
    char text[40];
    snprintf(text, sizeof text, "%.9g", value);
    for (char *c = text; *c != '\0'; c++)
        if (strchr("0123456789+-e", *c) == NULL)
            *c = '.'; /* the decimal comma of some locales */
    write_key(json, key);
    fputs(text, json->file);
}

void json_integer(struct json_writer *json, const char *key, int64_t value)
{
    write_key(json, key);
    fprintf(json->file, "%" PRId64, value);
}

void json_bool(struct json_writer *json, const char *key, bool value)
{
    write_key(json, key);
    fputs(value ? "true" : "false", json->file);
}

void json_null(struct json_writer *json, const char *key)
{
    write_key(json, key);
    fputs("null", json->file);
}
