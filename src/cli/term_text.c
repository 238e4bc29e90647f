/* SPDX-License-Identifier: Apache-2.0 */
#include "term_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void term_text_start(struct term_text *text)
{
    text->bytes[0] = '\0';
    text->length = 0;
    text->columns = 0;
}

void term_text_add(struct term_text *text, const char *format, ...)
{
    char piece[TERM_TEXT_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    const size_t length = strlen(piece);
    if (length >= TERM_TEXT_BYTES - text->length)
        return;
    memcpy(text->bytes + text->length, piece, length + 1);
    text->length += length;
    for (size_t i = 0; i < length; i++)
        text->columns += ((unsigned char)piece[i] & 0xc0) != 0x80; /* continuation bytes take no column */
}

void term_text_pad(struct term_text *text, int columns)
{
    const int missing = columns - text->columns;
    if (missing > 0)
        term_text_add(text, "%*s", missing, "");
}

double term_share(double share)
{
    return share > 0 ? share < 1 ? share : 1 : 0;
}

void term_text_meter(struct term_text *text, bool blocks, double share, int cells)
{
    static const char *const eighths[] = {"",
                                          "\xe2\x96\x8f",
                                          "\xe2\x96\x8e",
                                          "\xe2\x96\x8d",
                                          "\xe2\x96\x8c",
                                          "\xe2\x96\x8b",
                                          "\xe2\x96\x8a",
                                          "\xe2\x96\x89"};
    const int end = text->columns + cells;
    const int filled = (int)(term_share(share) * cells * 8 + 0.5);
    for (int i = 0; i < (blocks ? filled / 8 : (filled + 4) / 8); i++)
        term_text_add(text, "%s", blocks ? "\xe2\x96\x88" : "#");
    if (blocks)
        term_text_add(text, "%s", eighths[filled % 8]);
    term_text_pad(text, end);
}
