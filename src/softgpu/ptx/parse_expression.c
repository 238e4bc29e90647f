/* SPDX-License-Identifier: Apache-2.0
 * Constant expressions (manual: Constant Expressions): 64-bit integers with C's operators and precedence, by precedence climbing. Reals are literals
 * with a sign. */
#include "parser.h"

#include <math.h>
#include <string.h>

typedef struct number {
    uint64_t bits;
    bool is_unsigned;
} number;

#define TWO(a, b) ((a) << 8 | (b))

static int32_t precedence(int32_t mark) {
    switch (mark) {
    case '*': case '/': case '%': return 10;
    case '+': case '-': return 9;
    case TWO('<', '<'): case TWO('>', '>'): return 8;
    case '<': case '>': case TWO('<', '='): case TWO('>', '='): return 7;
    case TWO('=', '='): case TWO('!', '='): return 6;
    case '&': return 5;
    case '^': return 4;
    case '|': return 3;
    case TWO('&', '&'): return 2;
    case TWO('|', '|'): return 1;
    default: return 0;
    }
}

static uint64_t less(number a, number b, bool is_unsigned) { return is_unsigned ? a.bits < b.bits : (int64_t)a.bits < (int64_t)b.bits; }

static bool divide(ptx_parser *p, ptx_place place, int32_t mark, number a, number b, bool is_unsigned, uint64_t *out) {
    if (b.bits == 0) return ptx_mistake(p, place, "a constant is divided by 0");
    if (is_unsigned) {
        *out = mark == '/' ? a.bits / b.bits : a.bits % b.bits;
        return true;
    }
    bool overflows = a.bits == (uint64_t)INT64_MIN && (int64_t)b.bits == -1;
    *out = overflows ? (mark == '/' ? a.bits : 0) : (uint64_t)(mark == '/' ? (int64_t)a.bits / (int64_t)b.bits : (int64_t)a.bits % (int64_t)b.bits);
    return true;
}

static bool apply(ptx_parser *p, ptx_place place, int32_t mark, number a, number b, number *out) {
    bool is_unsigned = a.is_unsigned || b.is_unsigned;
    *out = (number){0, is_unsigned};
    switch (mark) {
    case '*': out->bits = a.bits * b.bits; return true;
    case '/': case '%': return divide(p, place, mark, a, b, is_unsigned, &out->bits);
    case '+': out->bits = a.bits + b.bits; return true;
    case '-': out->bits = a.bits - b.bits; return true;
    case '&': out->bits = a.bits & b.bits; return true;
    case '^': out->bits = a.bits ^ b.bits; return true;
    case '|': out->bits = a.bits | b.bits; return true;
    case TWO('<', '<'): *out = (number){b.bits > 63 ? 0 : a.bits << b.bits, a.is_unsigned}; return true;
    case TWO('>', '>'):
        *out = (number){a.is_unsigned ? (b.bits > 63 ? 0 : a.bits >> b.bits) : (uint64_t)((int64_t)a.bits >> (b.bits > 63 ? 63 : b.bits)), a.is_unsigned};
        return true;
    }
    out->is_unsigned = false; /* the rest are truths */
    out->bits = mark == '<'             ? less(a, b, is_unsigned)
                : mark == '>'           ? less(b, a, is_unsigned)
                : mark == TWO('<', '=') ? !less(b, a, is_unsigned)
                : mark == TWO('>', '=') ? !less(a, b, is_unsigned)
                : mark == TWO('=', '=') ? a.bits == b.bits
                : mark == TWO('!', '=') ? a.bits != b.bits
                : mark == TWO('&', '&') ? a.bits != 0 && b.bits != 0
                                        : a.bits != 0 || b.bits != 0;
    return true;
}

static bool expression(ptx_parser *p, int32_t least, int32_t depth, number *out);

/* (.s64) and (.u64) */
static bool cast(ptx_parser *p, bool *is_unsigned) {
    if (!ptx_at(p, '(') || p->ahead.kind != PTX_DOTTED) return false;
    ptx_step(p);
    *is_unsigned = ptx_at_dotted(p, "u64");
    if (!*is_unsigned && !ptx_at_dotted(p, "s64")) return ptx_mistake(p, p->token.place, "a constant can be cast to .s64 and .u64 alone");
    ptx_step(p);
    return ptx_expect(p, ')', "after a cast");
}

static bool unary(ptx_parser *p, int32_t depth, number *out) {
    int32_t before = p->mistakes;
    bool is_unsigned = false;
    if (depth > PTX_NEST_MAX) return ptx_mistake(p, p->token.place, "this constant has more than %d brackets in one another", (int)PTX_NEST_MAX);
    if (cast(p, &is_unsigned)) {
        if (!unary(p, depth + 1, out)) return false;
        out->is_unsigned = is_unsigned;
        return true;
    }
    if (p->mistakes > before) return false;
    if (ptx_accept(p, '(')) return expression(p, 0, depth + 1, out) && ptx_expect(p, ')', "after a constant in brackets");
    if (p->token.kind == PTX_WHOLE) {
        *out = (number){p->token.bits, p->token.is_unsigned};
        ptx_step(p);
        return true;
    }
    if (p->token.kind == PTX_NAME && p->token.count == 7 && memcmp(p->token.text, "WARP_SZ", 7) == 0) {
        *out = (number){32, false};
        ptx_step(p);
        return true;
    }
    int32_t mark = p->token.kind == PTX_MARK ? p->token.mark : 0;
    if (mark != '-' && mark != '+' && mark != '~' && mark != '!') return ptx_mistake(p, p->token.place, "an integer is needed here");
    ptx_step(p);
    if (!unary(p, depth + 1, out)) return false;
    out->bits = mark == '-' ? 0 - out->bits : mark == '~' ? ~out->bits : mark == '!' ? out->bits == 0 : out->bits;
    return true;
}

/* least: operators of that precedence and above are taken in; 0 takes ?: as well. */
static bool expression(ptx_parser *p, int32_t least, int32_t depth, number *out) {
    number right;
    if (!unary(p, depth, out)) return false;
    for (;;) {
        int32_t mark = p->token.kind == PTX_MARK ? p->token.mark : 0, strength = precedence(mark);
        ptx_place place = p->token.place;
        if (least == 0 && mark == '?') {
            number no;
            ptx_step(p);
            if (!expression(p, 0, depth + 1, &right) || !ptx_expect(p, ':', "between the two values of ?") || !expression(p, 0, depth + 1, &no)) return false;
            *out = out->bits != 0 ? right : no;
            return true;
        }
        if (strength == 0 || strength < least) return true;
        ptx_step(p);
        if (!expression(p, strength + 1, depth + 1, &right) || !apply(p, place, mark, *out, right, out)) return false;
    }
}

bool ptx_read_integer(ptx_parser *p, uint64_t *bits) {
    number value;
    if (!expression(p, 0, 0, &value)) return false;
    *bits = value.bits;
    return true;
}

bool ptx_read_small(ptx_parser *p, int64_t least, int64_t most, const char *what, int64_t *out) {
    ptx_place place = p->token.place;
    uint64_t bits;
    if (!ptx_read_integer(p, &bits)) return false;
    *out = (int64_t)bits;
    if (*out >= least && *out <= most) return true;
    return ptx_mistake(p, place, "%s: %lld is outside %lld to %lld", what, (long long)*out, (long long)least, (long long)most);
}

static bool is_real(const ptx_token *t) { return t->kind == PTX_SINGLE || t->kind == PTX_DOUBLE; }

bool ptx_read_constant(ptx_parser *p, ptx_operand *out) {
    bool negative = (ptx_at(p, '-') || ptx_at(p, '+')) && is_real(&p->ahead);
    *out = (ptx_operand){.kind = PTX_INTEGER, .number = -1};
    if (!negative && !is_real(&p->token)) return ptx_read_integer(p, &out->bits);
    if (negative) {
        negative = ptx_at(p, '-');
        ptx_step(p);
    }
    out->kind = PTX_REAL;
    out->single = p->token.kind == PTX_SINGLE;
    out->bits = p->token.bits ^ (negative ? (out->single ? UINT64_C(1) << 31 : UINT64_C(1) << 63) : 0);
    ptx_step(p);
    return true;
}
