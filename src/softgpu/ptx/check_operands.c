/* SPDX-License-Identifier: Apache-2.0
 * Do operands fit a row of forms.def? (manual: Operand Type Checking.) A register fits a type of its own size when one of the two is untyped bits, both are
 * integers, or both are the same kind of float; ld, st and cvt take wider registers as well. */
#include "forms.h"
#include "parser.h"

#include <stdarg.h>
#include <stdio.h>

typedef struct checking {
    const ptx_parser *p;
    const ptx_instruction *instruction;
    char *why;
    size_t why_bytes;
} checking;

PGD_PRINTF(2, 3) static bool wrong(const checking *c, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->why, c->why_bytes, format, arguments);
    va_end(arguments);
    return false;
}

static bool is_integer(ptx_kind kind) { return kind == PTX_UNSIGNED || kind == PTX_SIGNED; }

/* Halves and narrower floats live in untyped registers, and in registers of any type of their size. */
static bool agree(ptx_type wanted, ptx_type has, bool wider) {
    const ptx_type_info *w = &ptx_types[wanted], *h = &ptx_types[has];
    if (wanted == PTX_pred || has == PTX_pred) return wanted == has;
    bool both_integers = is_integer(w->kind) && is_integer(h->kind), untyped = w->kind == PTX_BITS || h->kind == PTX_BITS;
    if (wider && h->bits > w->bits) return w->kind != PTX_FLOAT && (both_integers || untyped);
    if (w->bits != h->bits) return false;
    return untyped || both_integers || wanted == has || (w->bits == 16 && w->kind == PTX_FLOAT && is_integer(h->kind));
}

static bool fits_register(const checking *c, const ptx_operand *o, ptx_type wanted, bool wider) {
    if (o->number < 0) return true; /* the sink, or what a sink gives */
    const ptx_register *r = &c->p->registers[o->number];
    if (agree(wanted, r->type, wider)) return true;
    char number[16] = "";
    if (r->index >= 0) snprintf(number, sizeof number, "%d", r->index);
    return wrong(c, "register %s%s is .%s, and .%s is needed", r->name, number, ptx_types[r->type].name, ptx_types[wanted].name);
}

static bool fits_constant(const checking *c, const ptx_operand *o, ptx_type wanted) {
    ptx_kind kind = ptx_types[wanted].kind;
    if (o->kind == PTX_INTEGER) return kind != PTX_FLOAT || ptx_types[wanted].bits == 16 || wrong(c, "an integer cannot stand where .%s is needed; write it as a real", ptx_types[wanted].name);
    if (kind == PTX_BITS) return ptx_types[wanted].bits == (o->single ? 32 : 64) || wrong(c, "a real of %d bits does not fit .%s", o->single ? 32 : 64, ptx_types[wanted].name);
    return (kind == PTX_FLOAT && (wanted == PTX_f32 || wanted == PTX_f64)) || wrong(c, "a real cannot stand where .%s is needed", ptx_types[wanted].name);
}

/* Addresses as values: of variables and functions, by mov and cvta. */
static bool fits_address(const checking *c, ptx_type wanted) {
    const ptx_type_info *t = &ptx_types[wanted];
    return (t->kind != PTX_FLOAT && t->kind != PTX_PREDICATE && (t->bits == 64 || t->bits == 32)) || wrong(c, "an address does not fit .%s", t->name);
}

static bool fits_special(const checking *c, const ptx_operand *o, ptx_type wanted, bool wider) {
    ptx_type has = ptx_specials[o->number].type;
    bool part = has == PTX_u32 && !wider && (wanted == PTX_u16 || wanted == PTX_b16); /* as old compilers wrote */
    return agree(wanted, has, wider) || part || wrong(c, "%s is .%s, which is no .%s", ptx_specials[o->number].name, ptx_types[has].name, ptx_types[wanted].name);
}

static bool fits_source(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, ptx_type wanted) {
    bool any = rule->role == PTX_ROLE_ANY_SOURCE || c->instruction->form == PTX_FORM_CVT_INT || c->instruction->form == PTX_FORM_CVT_FROM_INT;
    if (o->negated && wanted != PTX_pred) return wrong(c, "only predicates can be negated with \"!\"");
    switch (o->kind) {
    case PTX_REGISTER: return o->number >= 0 ? fits_register(c, o, wanted, rule->wider) : wrong(c, "\"_\" can only be written to");
    case PTX_INTEGER:
    case PTX_REAL: return fits_constant(c, o, wanted);
    case PTX_SPECIAL: return any ? fits_special(c, o, wanted, rule->wider) : wrong(c, "%s can only be read by mov and cvt", ptx_specials[o->number].name);
    case PTX_ADDRESS_OF: return any ? fits_address(c, wanted) : wrong(c, "an address can only be taken by mov and cvta");
    default: return wrong(c, "a register or a constant is needed as a source");
    }
}

static bool fits_destination(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, ptx_type wanted) {
    if (o->kind != PTX_REGISTER || o->negated) return wrong(c, "the result must go to a register");
    return fits_register(c, o, wanted, rule->wider);
}

static bool fits_one(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, ptx_type wanted) {
    return rule->role == PTX_ROLE_WRITTEN ? fits_destination(c, o, rule, wanted) : fits_source(c, o, rule, wanted);
}

/* mov.b64 %rd, {%r1, %r2}: as many parts as together have the size. */
static bool fits_parts(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, ptx_type whole) {
    int32_t bits = o->kind == PTX_VECTOR ? ptx_types[whole].bits / o->count : 0;
    ptx_type part = bits == 8 ? PTX_b8 : bits == 16 ? PTX_b16 : bits == 32 ? PTX_b32 : bits == 64 ? PTX_b64 : PTX_NO_TYPE;
    if (o->kind != PTX_VECTOR || part == PTX_NO_TYPE || (o->count != 2 && o->count != 4)) return wrong(c, "a vector of 2 or 4 parts is needed");
    for (int32_t i = 0; i < o->count; i++)
        if (!fits_one(c, &o->items[i], rule, part)) return false;
    return true;
}

static bool fits_vector(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, ptx_type wanted) {
    int32_t count = ptx_rule_count(rule, c->instruction);
    if (rule->elements == PTX_COUNT_OF_WIDTH) return fits_parts(c, o, rule, wanted);
    if (o->kind != PTX_VECTOR) return count == 1 ? fits_one(c, o, rule, wanted) : wrong(c, "a vector of %d registers is needed", count);
    if (o->count != count || rule->elements == PTX_ONE) return wrong(c, "a vector of %d stands where %d %s needed", o->count, count, count == 1 ? "is" : "are");
    for (int32_t i = 0; i < count; i++)
        if (!fits_one(c, &o->items[i], rule, wanted)) return false;
    return true;
}

static bool fits_memory(const checking *c, const ptx_operand *o, bool second) {
    ptx_space space = second ? PTX_SPACE_global : ptx_instruction_space(c->instruction);
    if (o->kind != PTX_MEMORY && !ptx_is_element(o)) return wrong(c, "an address in brackets is needed");
    if (o->number >= 0) {
        const ptx_type_info *t = &ptx_types[c->p->registers[o->number].type];
        bool narrow = t->bits == 32 && (space == PTX_SPACE_shared || space == PTX_SPACE_local || space == PTX_SPACE_const || space == PTX_SPACE_param);
        return (t->kind != PTX_FLOAT && t->kind != PTX_PREDICATE && (t->bits == 64 || narrow)) || wrong(c, "a register of type .%s cannot hold this address", t->name);
    }
    if (o->variable == NULL || space == PTX_SPACE_generic || o->variable->space == space) return true;
    return wrong(c, "%s lies in .%s memory", o->variable->name, ptx_space_names[o->variable->space]);
}

static bool fits_rule(const checking *c, const ptx_operand *o, const ptx_operand_rule *rule, bool second_memory) {
    ptx_type wanted = ptx_rule_type(rule, c->instruction, 64);
    switch (rule->role) {
    case PTX_ROLE_MEMORY: return fits_memory(c, o, second_memory);
    case PTX_ROLE_NUMBER: return o->kind == PTX_INTEGER || wrong(c, "an integer that is written out is needed");
    case PTX_ROLE_LABEL: return o->kind == PTX_LABEL || wrong(c, "a label is needed");
    case PTX_ROLE_TARGETS: return o->kind == PTX_TARGETS || wrong(c, "a list of targets is needed");
    case PTX_ROLE_CALL: return o->kind == PTX_CALLEE || wrong(c, "a function is needed");
    default: return rule->elements == PTX_ONE && o->kind != PTX_VECTOR ? fits_one(c, o, rule, wanted) : fits_vector(c, o, rule, wanted);
    }
}

bool ptx_operands_fit(const ptx_parser *p, const ptx_instruction *instruction, const ptx_operand *operands, int32_t count, int32_t *fitting, char *why, size_t why_bytes) {
    const ptx_form *form = ptx_form_get(instruction->form);
    checking c = {p, instruction, why, why_bytes};
    int32_t memories = 0;
    *fitting = 0;
    if (count < form->operands_needed || count > form->operand_count)
        return wrong(&c, "%d operands, where %d are needed%s", count, form->operands_needed, form->operands_needed == form->operand_count ? "" : " at least, or one more");
    for (int32_t i = 0; i < count; i++) {
        const ptx_operand_rule *rule = &form->operands[i];
        if (!fits_rule(&c, &operands[i], rule, memories > 0)) return false;
        *fitting = i + 1;
        memories += rule->role == PTX_ROLE_MEMORY;
    }
    uint8_t pairs = form->operand_count > 0 ? form->operands[0].pair : 0;
    if (instruction->paired && pairs == 0) return wrong(&c, "no predicate can stand behind the result");
    return instruction->paired || pairs < 2 || wrong(&c, "a predicate is needed behind the result, d|p");
}
