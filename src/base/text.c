/* SPDX-License-Identifier: Apache-2.0
 * A growing string, and a bounded JSON reader for file headers. */
#include <base_share.h>
#include <stdio.h>
#include <string.h>

void pgd_text_addv(pgd_text *text, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int wanted = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (wanted < 0 || text->failed) {
        text->failed = true;
        return;
    }
    if (text->count + (size_t)wanted + 1 > text->capacity) {
        size_t capacity = (text->count + (size_t)wanted + 1) * 2;
        char *chars = pgd_mem_resize(text->chars, capacity);
        if (chars == NULL) {
            text->failed = true;
            return;
        }
        text->chars = chars;
        text->capacity = capacity;
    }
    vsnprintf(text->chars + text->count, (size_t)wanted + 1, format, arguments);
    text->count += (size_t)wanted;
}

void pgd_text_add(pgd_text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pgd_text_addv(text, format, arguments);
    va_end(arguments);
}

static void skip_blanks(pgd_json *json) {
    while (json->at < json->end && (*json->at == ' ' || *json->at == '\n' || *json->at == '\t' || *json->at == '\r')) json->at++;
}

bool pgd_json_peek(pgd_json *json, char token) {
    skip_blanks(json);
    return json->at < json->end && *json->at == token;
}

bool pgd_json_expect(pgd_json *json, char token) {
    if (!pgd_json_peek(json, token)) return false;
    json->at++;
    return true;
}

static bool hex4(pgd_json *json, uint32_t *out) {
    if (json->end - json->at < 4) return false;
    *out = 0;
    for (int i = 0; i < 4; i++) {
        char c = *json->at++;
        uint32_t digit = c >= '0' && c <= '9' ? (uint32_t)(c - '0') : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10) : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10) : 16;
        if (digit > 15) return false;
        *out = *out * 16 + digit;
    }
    return true;
}

static size_t utf8(uint32_t code, char out[4]) {
    if (code < 0x80) return out[0] = (char)code, 1;
    if (code < 0x800) return out[0] = (char)(0xc0 | code >> 6), out[1] = (char)(0x80 | (code & 63)), 2;
    if (code < 0x10000) return out[0] = (char)(0xe0 | code >> 12), out[1] = (char)(0x80 | (code >> 6 & 63)), out[2] = (char)(0x80 | (code & 63)), 3;
    out[0] = (char)(0xf0 | code >> 18), out[1] = (char)(0x80 | (code >> 12 & 63)), out[2] = (char)(0x80 | (code >> 6 & 63)), out[3] = (char)(0x80 | (code & 63));
    return 4;
}

/* One escape after the backslash, as UTF-8; 0 when malformed. A lone surrogate or an embedded NUL is malformed. */
static size_t escape(pgd_json *json, char out[4]) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (json->at >= json->end) return 0;
    char kind = *json->at++;
    const char *known = kind == '\0' ? NULL : strchr(from, kind);
    if (known != NULL) return out[0] = to[known - from], 1;
    uint32_t code, low;
    if (kind != 'u' || !hex4(json, &code) || code == 0) return 0;
    if (code >= 0xdc00 && code < 0xe000) return 0;
    if (code >= 0xd800 && code < 0xdc00) {
        if (json->end - json->at < 2 || json->at[0] != '\\' || json->at[1] != 'u') return 0;
        json->at += 2;
        if (!hex4(json, &low) || low < 0xdc00 || low >= 0xe000) return 0;
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    return utf8(code, out);
}

bool pgd_json_string(pgd_json *json, char *out, size_t out_bytes) {
    size_t count = 0;
    if (out_bytes == 0 || !pgd_json_expect(json, '"')) return false;
    while (json->at < json->end && *json->at != '"') {
        char piece[4] = {*json->at++};
        size_t piece_bytes = 1;
        if ((unsigned char)piece[0] < 0x20) return false;
        if (piece[0] == '\\' && (piece_bytes = escape(json, piece)) == 0) return false;
        if (count + piece_bytes >= out_bytes) return false;
        memcpy(out + count, piece, piece_bytes);
        count += piece_bytes;
    }
    if (json->at >= json->end) return false;
    json->at++;
    out[count] = '\0';
    return true;
}

bool pgd_json_int(pgd_json *json, int64_t *out) {
    skip_blanks(json);
    bool negative = json->at < json->end && *json->at == '-';
    if (negative) json->at++;
    const char *first = json->at;
    int64_t value = 0;
    while (json->at < json->end && *json->at >= '0' && *json->at <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, *json->at - '0', &value)) return false;
        json->at++;
    }
    if (json->at == first || (json->at < json->end && (*json->at == '.' || *json->at == 'e' || *json->at == 'E'))) return false;
    *out = negative ? -value : value;
    return true;
}

static bool skip_string(pgd_json *json) {
    json->at++;
    while (json->at < json->end && *json->at != '"') json->at += *json->at == '\\' && json->end - json->at > 1 ? 2 : 1;
    if (json->at >= json->end) return false;
    json->at++;
    return true;
}

bool pgd_json_skip(pgd_json *json, int depth) {
    skip_blanks(json);
    if (json->at >= json->end || depth > 32) return false;
    char open = *json->at;
    if (open == '"') return skip_string(json);
    if (open != '{' && open != '[') { /* number, true, false, null */
        const char *first = json->at;
        while (json->at < json->end && strchr(",]} \n\t\r", *json->at) == NULL) json->at++;
        return json->at > first;
    }
    char close = open == '{' ? '}' : ']';
    json->at++;
    if (pgd_json_expect(json, close)) return true;
    do {
        if (open == '{' && (!pgd_json_peek(json, '"') || !skip_string(json) || !pgd_json_expect(json, ':'))) return false;
        if (!pgd_json_skip(json, depth + 1)) return false;
    } while (pgd_json_expect(json, ','));
    return pgd_json_expect(json, close);
}
