/* SPDX-License-Identifier: Apache-2.0
 * printf of kernels (CUDA C++ Programming Guide, Formatted Output). The format and all it points to come from a kernel: each conversion is read, checked and written alone, and of what
 * comes of a call no more than TEXT_MAX bytes is kept. Arguments lie packed in memory, each aligned to its size: 4 bytes, or 8 for long, pointers and doubles. */
#include <stdio.h>
#include <string.h>

#include "gpu_syscalls.h"

enum { ARGUMENTS_MAX = 32, FIELD_MAX = 4096, TEXT_MAX = 1 << 16 };

typedef struct call {
    const gpu_caller *caller;
    uint64_t arguments, offset; /* offset: behind the last that was taken */
    int32_t count;
    pgd_text *out;
} call;

/* %[flags][width][.precision][size]kind */
typedef struct conversion {
    char flags[8], size, kind; /* size: 'H' is hh, 'L' is ll, 0 none */
    int32_t width, precision;  /* -1: not said */
    bool width_given;          /* by an argument, "*" */
} conversion;

/* ---- reading a format ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Digits, cut at FIELD_MAX. */
static int32_t number(const char **at) {
    int32_t value = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        if (value < FIELD_MAX) value = 10 * value + (**at - '0');
    return value < FIELD_MAX ? value : FIELD_MAX;
}

static char read_size(const char **at) {
    char size = **at;
    if (size == '\0' || strchr("hljzt", size) == NULL) return '\0';
    ++*at;
    if ((size != 'h' && size != 'l') || **at != size) return size;
    ++*at;
    return size == 'h' ? 'H' : 'L';
}

/* Behind "%". What follows the conversion; NULL: it is none. */
static const char *read_conversion(const char *at, conversion *c) {
    *c = (conversion){.width = -1, .precision = -1};
    for (int32_t k = 0; *at != '\0' && strchr("#0- +", *at) != NULL; at++)
        if (strchr(c->flags, *at) == NULL) c->flags[k++] = *at;
    if (*at == '*') c->width_given = true, at++;
    else if (*at >= '0' && *at <= '9') c->width = number(&at);
    if (*at == '.') at++, c->precision = number(&at);
    c->size = read_size(&at);
    c->kind = *at;
    return *at != '\0' && strchr("%cdiouxXpeEfFgGaAs", *at) != NULL ? at + 1 : NULL;
}

/* The same for the C library, with a size of our own. */
static void spell(const conversion *c, const char *size, char spec[32]) {
    size_t count = 0;
    spec[count++] = '%';
    for (const char *f = c->flags; *f != '\0'; f++) spec[count++] = *f;
    if (c->width >= 0) count += (size_t)snprintf(spec + count, 32 - count, "%d", c->width);
    if (c->precision >= 0) count += (size_t)snprintf(spec + count, 32 - count, ".%d", c->precision);
    snprintf(spec + count, 32 - count, "%s%c", size, c->kind);
}

/* ---- arguments ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool argument(call *p, uint64_t bytes, uint64_t *value) {
    uint64_t at = (p->offset + bytes - 1) & -bytes;
    *value = 0;
    p->offset = at + bytes;
    p->count++;
    return p->caller->read(p->caller->user, p->arguments + at, value, bytes);
}

bool gpu_printf_string(const gpu_caller *caller, uint64_t address, uint64_t most, pgd_text *out) {
    char part[256];
    for (uint64_t at = 0; at < most;) {
        size_t count = 0;
        for (; count < sizeof part && at < most; count++, at++) {
            if (!caller->read(caller->user, address + at, &part[count], 1)) return false;
            if (part[count] == '\0') break;
        }
        pgd_text_add(out, "%.*s", (int)count, part);
        if (count < sizeof part) break;
    }
    return true;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool write_string(call *p, const conversion *c, const char *spec) {
    uint64_t address, most = p->out->count < TEXT_MAX ? TEXT_MAX - p->out->count : 0;
    pgd_text string = {0};
    if (!argument(p, 8, &address)) return false;
    if (c->precision >= 0 && most > (uint64_t)c->precision) most = (uint64_t)c->precision;
    bool fine = address == 0 || gpu_printf_string(p->caller, address, most, &string);
    if (fine) pgd_text_add(p->out, spec, string.chars != NULL ? string.chars : address == 0 ? "(null)" : "");
    p->out->failed = p->out->failed || string.failed;
    pgd_mem_free(string.chars);
    return fine;
}

static bool write_integer(call *p, const conversion *c, bool is_signed) {
    uint64_t v;
    char spec[32];
    bool wide = c->size != '\0' && strchr("lLjzt", c->size) != NULL;
    if (!argument(p, wide ? 8 : 4, &v)) return false;
    spell(c, "ll", spec);
    int32_t unused = c->size == 'H' ? 56 : c->size == 'h' ? 48 : wide ? 0 : 32; /* bits above the number */
    v <<= unused;
    if (is_signed) pgd_text_add(p->out, spec, (long long)((int64_t)v >> unused));
    else pgd_text_add(p->out, spec, (unsigned long long)(v >> unused));
    return true;
}

static bool write_double(call *p, const char *spec) {
    uint64_t v;
    double x;
    if (!argument(p, 8, &v)) return false;
    memcpy(&x, &v, sizeof x);
    pgd_text_add(p->out, spec, x);
    return true;
}

/* "*": a negative one is the flag "-" and a width. */
static bool take_width(call *p, conversion *c) {
    uint64_t v;
    if (!argument(p, 4, &v)) return false;
    int64_t width = (int32_t)v;
    if (width < 0 && strchr(c->flags, '-') == NULL) c->flags[strlen(c->flags)] = '-';
    width = width < 0 ? -width : width;
    c->width = width < FIELD_MAX ? (int32_t)width : FIELD_MAX;
    return true;
}

static bool write_conversion(call *p, conversion *c) {
    char spec[32];
    uint64_t v;
    if (c->width_given && !take_width(p, c)) return false;
    spell(c, "", spec);
    switch (c->kind) {
    case '%': pgd_text_add(p->out, "%%"); return true;
    case 'd': case 'i': return write_integer(p, c, true);
    case 'o': case 'u': case 'x': case 'X': return write_integer(p, c, false);
    case 's': return write_string(p, c, spec);
    case 'c':
        if (!argument(p, 4, &v)) return false;
        pgd_text_add(p->out, spec, (int)(int32_t)v);
        return true;
    case 'p':
        if (!argument(p, 8, &v)) return false;
        pgd_text_add(p->out, spec, (void *)(uintptr_t)v);
        return true;
    default: return write_double(p, spec);
    }
}

/* What is no conversion, and those for which no argument may be taken any more, stand in the text as they are. */
static bool write_all(call *p, const char *format) {
    const char *at = format;
    while (*at != '\0' && p->out->count < TEXT_MAX) {
        conversion c;
        size_t plain = strcspn(at, "%");
        pgd_text_add(p->out, "%.*s", (int)plain, at);
        at += plain;
        if (*at == '\0') break;
        const char *next = read_conversion(at + 1, &c);
        bool known = next != NULL && p->count + c.width_given + (c.kind != '%') <= ARGUMENTS_MAX;
        if (next == NULL) next = at + 1;
        if (known && !write_conversion(p, &c)) return false;
        if (!known) pgd_text_add(p->out, "%.*s", (int)(next - at), at);
        at = next;
    }
    return true;
}

bool gpu_printf(const gpu_caller *caller, uint64_t format, uint64_t arguments, pgd_text *out, int32_t *result) {
    call p = {.caller = caller, .arguments = arguments, .out = out};
    pgd_text text = {0};
    *result = -1;
    if (format == 0) return true;
    bool fine = gpu_printf_string(caller, format, TEXT_MAX, &text), whole = !text.failed && text.count < TEXT_MAX;
    if (fine && whole && text.count > 0) fine = write_all(&p, text.chars);
    pgd_mem_free(text.chars);
    *result = whole && !out->failed ? p.count : -2;
    if (out->failed) out->count = 0;
    if (out->count > TEXT_MAX) out->count = TEXT_MAX;
    return fine;
}
