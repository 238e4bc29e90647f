/* SPDX-License-Identifier: Apache-2.0
 * A text of PTX as tokens. */
#ifndef PGD_PTX_LEXER_H
#define PGD_PTX_LEXER_H

#include "ptx.h"

typedef enum ptx_token_kind {
    PTX_END,
    PTX_NAME,   /* letters, digits, _ and $, beginning with a letter, _, $ or % */
    PTX_DOTTED, /* a name behind a dot, "::" and digits allowed; text is without the dot */
    PTX_WHOLE,  /* an integer */
    PTX_SINGLE, /* a float, its bits */
    PTX_DOUBLE,
    PTX_STRING, /* text is without the quotes */
    PTX_MARK,   /* punctuation: one or two characters in `mark` */
    PTX_WRONG   /* something that is no token; `text` says why */
} ptx_token_kind;

typedef struct ptx_token {
    ptx_token_kind kind;
    const char *text;
    size_t count;
    bool touches; /* nothing between it and the token before */
    bool is_unsigned; /* an integer with U, or one that fits no s64 */
    int32_t mark; /* the character; '<' << 8 | '<' for "<<" and so on */
    uint64_t bits;
    ptx_place place;
} ptx_token;

typedef struct ptx_lexer {
    const char *at, *end, *line_start;
    int32_t line;
} ptx_lexer;

ptx_lexer ptx_lexer_begin(const char *text, size_t bytes);
ptx_token ptx_lexer_next(ptx_lexer *lexer);
#endif
