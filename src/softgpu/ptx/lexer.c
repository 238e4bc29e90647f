/* SPDX-License-Identifier: Apache-2.0
 * Cuts a text of PTX into tokens (manual: Syntax). */
#define _GNU_SOURCE
#include "lexer.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool follows(char c) { return is_letter(c) || is_digit(c) || c == '_' || c == '$'; }

ptx_lexer ptx_lexer_begin(const char *text, size_t bytes) {
    const char *nul = memchr(text, '\0', bytes);
    return (ptx_lexer){text, nul == NULL ? text + bytes : nul, text, 1};
}

static void new_line(ptx_lexer *l) {
    l->line++;
    l->line_start = l->at + 1;
}

/* Skips blanks and comments; false at a comment that never ends. */
static bool skip(ptx_lexer *l) {
    while (l->at < l->end) {
        if (*l->at == '\n') new_line(l);
        if (*l->at == ' ' || *l->at == '\t' || *l->at == '\r' || *l->at == '\n' || *l->at == '\f' || *l->at == '\v') {
            l->at++;
        } else if (l->end - l->at >= 2 && l->at[0] == '/' && l->at[1] == '/') {
            while (l->at < l->end && *l->at != '\n') l->at++;
        } else if (l->end - l->at >= 2 && l->at[0] == '/' && l->at[1] == '*') {
            for (l->at += 2; l->end - l->at >= 2 && !(l->at[0] == '*' && l->at[1] == '/'); l->at++)
                if (*l->at == '\n') new_line(l);
            if (l->end - l->at < 2) return false;
            l->at += 2;
        } else {
            return true;
        }
    }
    return true;
}

static ptx_token wrong(ptx_token t, const char *why) {
    t.kind = PTX_WRONG;
    t.text = why;
    return t;
}

static int32_t digit_value(char c) { return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99; }

/* Digits of a base; false where there are none or their value is beyond 64 bits. */
static bool digits(ptx_lexer *l, int32_t base, uint64_t *out) {
    const char *start = l->at;
    uint64_t value = 0;
    for (; l->at < l->end && digit_value(*l->at) < base; l->at++) {
        uint64_t next = value * (uint64_t)base + (uint64_t)digit_value(*l->at);
        if (value > (UINT64_MAX - (uint64_t)digit_value(*l->at)) / (uint64_t)base) return false;
        value = next;
    }
    *out = value;
    return l->at > start;
}

/* 0fXXXXXXXX and 0dXXXXXXXXXXXXXXXX. */
static ptx_token float_bits(ptx_lexer *l, ptx_token t, int32_t wanted) {
    const char *start = l->at += 2;
    if (!digits(l, 16, &t.bits) || l->at - start != wanted) return wrong(t, wanted == 8 ? "0f takes 8 hexadecimal digits" : "0d takes 16 hexadecimal digits");
    t.kind = wanted == 8 ? PTX_SINGLE : PTX_DOUBLE;
    return t;
}

static bool looks_real(const ptx_lexer *l) {
    const char *at = l->at;
    while (at < l->end && is_digit(*at)) at++;
    return at < l->end && (*at == '.' || *at == 'e' || *at == 'E') && !(*at == '.' && at + 1 < l->end && is_letter(at[1]) && at[1] != 'e' && at[1] != 'E');
}

/* A program that speaks another language still writes PTX with points. */
static locale_t c_locale;
static void make_c_locale(void) { c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0); }

static double decimal(const char *text, char **stop) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_c_locale);
    return c_locale != (locale_t)0 ? strtod_l(text, stop, c_locale) : strtod(text, stop);
}

static ptx_token real(ptx_lexer *l, ptx_token t) {
    char text[128], *stop;
    size_t count = 0;
    while (l->at < l->end && count + 1 < sizeof text && (is_digit(*l->at) || *l->at == '.' || *l->at == 'e' || *l->at == 'E' || ((*l->at == '-' || *l->at == '+') && (l->at[-1] == 'e' || l->at[-1] == 'E')))) text[count++] = *l->at++;
    text[count] = '\0';
    double value = decimal(text, &stop);
    if (*stop != '\0' || count + 1 == sizeof text) return wrong(t, "this is no number");
    memcpy(&t.bits, &value, sizeof value);
    t.kind = PTX_DOUBLE;
    return t;
}

static ptx_token number(ptx_lexer *l, ptx_token t) {
    char second = l->end - l->at >= 2 ? l->at[1] : '\0';
    bool fits;
    if (l->at[0] == '0' && (second == 'f' || second == 'F')) return float_bits(l, t, 8);
    if (l->at[0] == '0' && (second == 'd' || second == 'D')) return float_bits(l, t, 16);
    t.kind = PTX_WHOLE;
    if (l->at[0] == '0' && (second == 'x' || second == 'X')) {
        l->at += 2;
        fits = digits(l, 16, &t.bits);
    } else if (l->at[0] == '0' && (second == 'b' || second == 'B')) {
        l->at += 2;
        fits = digits(l, 2, &t.bits);
    } else if (looks_real(l)) {
        return real(l, t);
    } else {
        fits = digits(l, l->at[0] == '0' && is_digit(second) ? 8 : 10, &t.bits);
    }
    if (!fits) return wrong(t, "this is no integer of 64 bits");
    t.is_unsigned = t.bits > INT64_MAX;
    if (l->at < l->end && *l->at == 'U') t.is_unsigned = true, l->at++;
    if (l->at < l->end && follows(*l->at)) return wrong(t, "letters stand right behind this number");
    return t;
}

static ptx_token dotted(ptx_lexer *l, ptx_token t) {
    t.kind = PTX_DOTTED;
    t.text = ++l->at;
    while (l->at < l->end && (follows(*l->at) || (l->end - l->at >= 3 && l->at[0] == ':' && l->at[1] == ':' && follows(l->at[2])))) l->at += *l->at == ':' ? 2 : 1;
    t.count = (size_t)(l->at - t.text);
    return t;
}

static ptx_token string(ptx_lexer *l, ptx_token t) {
    t.kind = PTX_STRING;
    t.text = ++l->at;
    while (l->at < l->end && *l->at != '"' && *l->at != '\n') l->at++;
    t.count = (size_t)(l->at - t.text);
    if (l->at == l->end || *l->at != '"') return wrong(t, "this text in quotes never ends");
    l->at++;
    return t;
}

static ptx_token mark(ptx_lexer *l, ptx_token t) {
    static const char *const twos[] = {"<<", ">>", "==", "!=", "<=", ">=", "&&", "||"};
    t.kind = PTX_MARK;
    for (size_t i = 0; i < sizeof twos / sizeof *twos && l->end - l->at >= 2; i++)
        if (memcmp(l->at, twos[i], 2) == 0) {
            t.mark = twos[i][0] << 8 | twos[i][1];
            l->at += 2;
            return t;
        }
    if (strchr("{}()[],;:@!|=+-*/%<>&^~?.", *l->at) == NULL) return wrong(t, "no token of PTX begins like this");
    t.mark = *l->at++;
    return t;
}

ptx_token ptx_lexer_next(ptx_lexer *l) {
    const char *before = l->at;
    ptx_token t = {.kind = PTX_END};
    bool whole = skip(l);
    t.place = (ptx_place){l->line, (int32_t)(l->at - l->line_start) + 1};
    t.touches = l->at == before;
    t.text = l->at;
    if (!whole) return wrong(t, "this comment never ends");
    if (l->at == l->end) return t;
    char c = *l->at, next = l->end - l->at >= 2 ? l->at[1] : '\0';
    if (is_letter(c) || c == '_' || c == '$' || (c == '%' && follows(next) && !is_digit(next))) {
        for (l->at++; l->at < l->end && follows(*l->at);) l->at++;
        t.kind = PTX_NAME;
        t.count = (size_t)(l->at - t.text);
        return t;
    }
    if (is_digit(c)) return number(l, t);
    if (c == '.' && (follows(next))) return dotted(l, t);
    return c == '"' ? string(l, t) : mark(l, t);
}
