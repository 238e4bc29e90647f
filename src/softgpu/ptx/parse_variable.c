/* SPDX-License-Identifier: Apache-2.0
 * Declarations: variables with their initial values, registers, parameters (manual: Variables; Kernel Function Parameters). */
#include "parser.h"

#include <string.h>

/* ---- what all declarations begin with ---------------------------------------------------------------------------------------------------------------- */

static bool alignment(ptx_parser *p, int64_t *align) {
    ptx_place place = p->token.place;
    if (!ptx_read_small(p, 1, 1 << 20, ".align", align)) return false;
    return (*align & (*align - 1)) == 0 || ptx_mistake(p, place, ".align: %lld is no power of two", (long long)*align);
}

/* .attribute(.managed) */
static bool attribute(ptx_parser *p, ptx_variable *v) {
    if (!ptx_expect(p, '(', "after .attribute")) return false;
    do {
        if (ptx_accept_dotted(p, "managed"))
            v->managed = true;
        else
            return ptx_missing(p, p->token.place, "of the attributes only .managed is built here");
    } while (ptx_accept(p, ','));
    return ptx_expect(p, ')', "after .attribute");
}

/* What .ptr says of the memory that a pointer points to is a hint. */
static bool pointer_hint(ptx_parser *p) {
    int64_t ignored;
    for (;;) {
        if (ptx_accept_dotted(p, "align")) {
            if (!alignment(p, &ignored)) return false;
        } else if (!ptx_accept_dotted(p, "global") && !ptx_accept_dotted(p, "shared") && !ptx_accept_dotted(p, "local") && !ptx_accept_dotted(p, "const") && !ptx_accept_dotted(p, "param")) {
            return true;
        }
    }
}

static bool read_type(ptx_parser *p, ptx_type *type) {
    *type = p->token.kind == PTX_DOTTED ? ptx_type_find(p->token.text, p->token.count) : PTX_NO_TYPE;
    if (*type == PTX_NO_TYPE) return p->token.kind == PTX_DOTTED ? ptx_mistake(p, p->token.place, ".%.*s is no type", (int)p->token.count, p->token.text) : ptx_mistake(p, p->token.place, "a type is needed here");
    ptx_step(p);
    return true;
}

/* Alignment, attributes, vector and type, in any order but the type last. */
static bool qualifiers(ptx_parser *p, ptx_variable *v) {
    v->vector = 1;
    for (;;) {
        if (ptx_accept_dotted(p, "align")) {
            if (!alignment(p, &v->align)) return false;
        } else if (ptx_accept_dotted(p, "attribute")) {
            if (!attribute(p, v)) return false;
        } else if (ptx_accept_dotted(p, "v2")) {
            v->vector = 2;
        } else if (ptx_accept_dotted(p, "v4")) {
            v->vector = 4;
        } else {
            break;
        }
    }
    ptx_place place = p->token.place;
    if (!read_type(p, &v->type)) return false;
    if (v->type != PTX_pred && v->type != PTX_tf32 && v->type != PTX_e4m3 && v->type != PTX_e5m2 && ptx_types[v->type].bits >= 8 && ptx_types[v->type].lanes == 1) return !ptx_accept_dotted(p, "ptr") || pointer_hint(p);
    return ptx_mistake(p, place, "a variable cannot be of type .%s", ptx_types[v->type].name);
}

/* name[3][4], or name[] */
static bool extents(ptx_parser *p, ptx_variable *v) {
    int64_t bytes = ptx_types[v->type].bits / 8 * v->vector, extent;
    if (v->align == 0) v->align = bytes;
    v->elems = 1;
    for (bool first = true; ptx_accept(p, '['); first = false) {
        if (first && ptx_accept(p, ']')) {
            v->unsized = true;
            continue;
        }
        if (!ptx_read_small(p, 1, PTX_BYTES_MAX, "the size of an array", &extent) || !ptx_expect(p, ']', "after the size of an array")) return false;
        if (__builtin_mul_overflow(v->elems, extent, &v->elems) || v->elems > PTX_BYTES_MAX / bytes) return ptx_mistake(p, v->place, "%s would have more than %lld bytes", v->name, PTX_BYTES_MAX);
    }
    v->bytes = v->elems * bytes;
    return true;
}

static bool declare(ptx_parser *p, ptx_variable *v, ptx_token name) {
    bool again;
    ptx_meaning *meaning = ptx_names_declare(&p->names, name.text, name.count, PTX_IS_VARIABLE, &again);
    if (again) return ptx_mistake(p, name.place, "%.*s is declared here already", (int)name.count, name.text);
    if (meaning == NULL) return ptx_no_memory(p);
    meaning->variable = v;
    if (p->function != NULL && meaning->name->last_body == p->function) v->number = ++p->local_count;
    meaning->name->last_body = p->function;
    v->name = meaning->name->text;
    v->place = name.place;
    return true;
}

/* ---- initial values ------------------------------------------------------------------------------------------------------------------------------------ */

static void store(ptx_variable *v, int64_t offset, uint64_t bits, int32_t bytes) {
    for (int32_t i = 0; i < bytes; i++) v->initial[offset + i] = (unsigned char)(i < 8 ? bits >> (8 * i) : 0);
}

static uint64_t real_bits(const ptx_operand *real, ptx_type type) {
    double value = 0;
    uint64_t bits = real->bits;
    if (real->single) {
        value = (double)pgd_float_of_bits((uint32_t)real->bits);
        if (type == PTX_f16 || type == PTX_bf16) return type == PTX_f16 ? pgd_f16_of_float((float)value) : pgd_bf16_of_float((float)value);
        if (type != PTX_f64) return bits;
        memcpy(&bits, &value, sizeof bits);
        return bits;
    }
    memcpy(&value, &real->bits, sizeof value);
    return type == PTX_f32 ? pgd_float_bits((float)value) : type == PTX_f16 ? pgd_f16_of_float((float)value) : type == PTX_bf16 ? pgd_bf16_of_float((float)value) : bits;
}

/* A mask 0xFF, 0xFF00 ... picks the byte of an address that is stored. */
static bool mask_shift(ptx_parser *p, ptx_place place, uint64_t mask, int32_t *shift) {
    for (*shift = 0; *shift < 64; *shift += 8)
        if (mask == UINT64_C(0xff) << *shift) return true;
    return ptx_mistake(p, place, "a mask over an address must be one whole byte, 0xFF, 0xFF00 and so on");
}

/* name, name + 4, generic(name), 0xFF00(name) */
static bool reference(ptx_parser *p, ptx_variable *v, int64_t offset, int32_t bytes, int32_t shift) {
    ptx_reference *r = ptx_room(p, sizeof *r);
    int32_t ignored;
    uint64_t addend;
    if (r == NULL) return false;
    if (bytes > 8) return ptx_mistake(p, p->token.place, "an address does not fill an element of %s", v->name);
    *r = (ptx_reference){.next = v->references, .offset = offset, .bytes = bytes, .shift = shift};
    if (p->token.kind == PTX_NAME && p->token.count == 7 && memcmp(p->token.text, "generic", 7) == 0 && p->ahead.kind == PTX_MARK && p->ahead.mark == '(') {
        r->generic = true;
        ptx_step(p);
        ptx_step(p);
    }
    const ptx_meaning *found = p->token.kind == PTX_NAME ? ptx_names_find(&p->names, p->token.text, p->token.count, &ignored) : NULL;
    if (found == NULL || (found->kind != PTX_IS_VARIABLE && found->kind != PTX_IS_FUNCTION)) return ptx_mistake(p, p->token.place, "the initial value of %s names no variable or function that was declared before", v->name);
    r->variable = found->variable, r->function = found->function;
    ptx_step(p);
    if (r->generic && !ptx_expect(p, ')', "after generic(")) return false;
    if (ptx_at(p, '+') || ptx_at(p, '-')) {
        if (!ptx_read_integer(p, &addend)) return false;
        r->addend = (int64_t)addend;
    }
    v->references = r;
    return true;
}

static bool element(ptx_parser *p, ptx_variable *v, int64_t index) {
    int32_t bytes = ptx_types[v->type].bits / 8, shift;
    ptx_operand value;
    ptx_place place = p->token.place;
    if (index >= v->elems * v->vector) return ptx_mistake(p, place, "%s has more initial values than elements", v->name);
    if (p->token.kind == PTX_NAME && !(p->token.count == 7 && memcmp(p->token.text, "WARP_SZ", 7) == 0)) return reference(p, v, index * bytes, bytes, 0);
    if (p->token.kind == PTX_WHOLE && p->ahead.kind == PTX_MARK && p->ahead.mark == '(') {
        uint64_t mask = p->token.bits;
        ptx_step(p);
        ptx_step(p);
        return mask_shift(p, place, mask, &shift) && reference(p, v, index * bytes, bytes, shift) && ptx_expect(p, ')', "after the masked name");
    }
    if (!ptx_read_constant(p, &value)) return false;
    bool is_float = ptx_types[v->type].kind == PTX_FLOAT;
    if (value.kind == PTX_REAL && !is_float && ptx_types[v->type].kind != PTX_BITS) return ptx_mistake(p, place, "%s holds integers, this is a real", v->name);
    if (value.kind == PTX_INTEGER && is_float && bytes != 2) return ptx_mistake(p, place, "%s holds reals, this is an integer", v->name);
    store(v, index * bytes, value.kind == PTX_REAL ? real_bits(&value, v->type) : value.bits, bytes);
    return true;
}

/* { 1, 2, { 3, 4 } }: braces show rows, of which we need to know nothing but where they are closed. */
static bool elements(ptx_parser *p, ptx_variable *v, int64_t *index, int32_t depth) {
    if (depth > PTX_NEST_MAX) return ptx_mistake(p, p->token.place, "these braces are too deep");
    if (!ptx_accept(p, '{')) return element(p, v, (*index)++);
    if (ptx_accept(p, '}')) return true;
    do {
        if (!elements(p, v, index, depth + 1)) return false;
    } while (ptx_accept(p, ','));
    return ptx_expect(p, '}', "after initial values");
}

/* How many elements of the first extent the values make: rows where braces show them, else values of `inner` each. A value without braces is one. */
static int64_t count_rows(const ptx_parser *p, int64_t inner) {
    ptx_lexer lexer = p->lexer;
    ptx_token t = p->ahead;
    int64_t values = 1;
    bool rows = false;
    if (!ptx_at(p, '{')) return 1;
    for (int32_t depth = 1; depth > 0 && t.kind != PTX_END && t.kind != PTX_WRONG; t = ptx_lexer_next(&lexer)) {
        bool opens = t.kind == PTX_MARK && t.mark == '{';
        rows = rows || opens;
        depth += opens ? 1 : t.kind == PTX_MARK && t.mark == '}' ? -1 : 0;
        values += t.kind == PTX_MARK && t.mark == ',' && depth == 1;
    }
    return rows ? values : (values + inner - 1) / inner;
}

/* They were put before each other. */
static void order_references(ptx_variable *v) {
    ptx_reference *ordered = NULL;
    for (ptx_reference *r = v->references, *next; r != NULL; ordered = r, r = next) {
        next = r->next;
        r->next = ordered;
    }
    v->references = ordered;
}

static bool initial(ptx_parser *p, ptx_variable *v) {
    int64_t index = 0;
    if (v->space != PTX_SPACE_global && v->space != PTX_SPACE_const) return ptx_mistake(p, p->token.place, "%s: only .global and .const variables have initial values", v->name);
    if (v->unsized) {
        int64_t each = ptx_types[v->type].bits / 8 * v->vector;
        if (__builtin_mul_overflow(v->elems, count_rows(p, v->elems * v->vector), &v->elems) || v->elems > PTX_BYTES_MAX / each) return ptx_mistake(p, v->place, "%s would have more than %lld bytes", v->name, PTX_BYTES_MAX);
        v->bytes = v->elems * each;
        v->unsized = false;
    }
    if (v->bytes > PTX_TEXT_MAX - p->initial_bytes) return ptx_mistake(p, p->token.place, "%s: with it the initial values of the module would have more than %d bytes", v->name, (int)PTX_TEXT_MAX);
    p->initial_bytes += v->bytes;
    v->initial = ptx_room(p, (size_t)v->bytes);
    bool fine = v->initial != NULL && elements(p, v, &index, 0);
    order_references(v);
    return fine;
}

/* ---- declarations ---------------------------------------------------------------------------------------------------------------------------------------- */

/* The variable of the module that has this name already, where one of the two is .extern: they are one. NULL: none. */
static ptx_variable *declared_before(ptx_parser *p, const ptx_variable *like, ptx_token name) {
    int32_t ignored;
    const ptx_meaning *found = p->function != NULL || name.kind != PTX_NAME ? NULL : ptx_names_find(&p->names, name.text, name.count, &ignored);
    if (found == NULL || found->kind != PTX_IS_VARIABLE) return NULL;
    return (found->variable->linkage == PTX_EXTERN || like->linkage == PTX_EXTERN) && like->space != PTX_SPACE_shared ? found->variable : NULL;
}

/* What was .extern is what is defined now, for all that named it in between. */
static bool declare_again(ptx_parser *p, ptx_variable *before, ptx_variable *v, ptx_token name) {
    v->name = before->name;
    v->place = name.place;
    if (!extents(p, v) || (ptx_accept(p, '=') && !initial(p, v))) return false;
    bool alike = v->space == before->space && v->type == before->type && v->vector == before->vector && (v->unsized || before->unsized || v->elems == before->elems);
    if (!alike) return ptx_mistake(p, name.place, "%s is declared with another type or size at line %d", v->name, before->place.line);
    if (v->linkage == PTX_EXTERN) return true;
    if (v->unsized) return ptx_mistake(p, name.place, "%s has no size; only .extern variables may have none", v->name);
    v->next = before->next;
    v->index = before->index;
    v->forward = true;
    *before = *v;
    return true;
}

static bool one_variable(ptx_parser *p, const ptx_variable *like) {
    ptx_variable *v = ptx_room(p, sizeof *v), *before;
    ptx_token name = p->token;
    if (v == NULL) return false;
    *v = *like;
    if (name.kind != PTX_NAME) return ptx_mistake(p, name.place, "the name of a variable is needed here");
    ptx_step(p);
    if ((before = declared_before(p, like, name)) != NULL) return declare_again(p, before, v, name);
    if (!declare(p, v, name) || !extents(p, v) || (ptx_accept(p, '=') && !initial(p, v))) return false;
    if (v->unsized && v->linkage != PTX_EXTERN) return ptx_mistake(p, name.place, "%s has no size; only .extern variables may have none", v->name);
    v->index = p->module->variable_count++;
    ptx_variable ***end = p->function != NULL ? &p->locals_end : &p->variables_end;
    **end = v;
    *end = &v->next;
    return true;
}

bool ptx_read_variables(ptx_parser *p, ptx_space space, ptx_prefix prefix) {
    ptx_variable like = {.space = space, .linkage = prefix.linkage};
    int64_t bank;
    if (space == PTX_SPACE_const && ptx_accept(p, '[') && (!ptx_read_small(p, 0, 10, "the bank of .const", &bank) || !ptx_expect(p, ']', "after the bank of .const"))) return false;
    if (!qualifiers(p, &like)) return false;
    do {
        if (!one_variable(p, &like)) return false;
    } while (ptx_accept(p, ','));
    return ptx_expect(p, ';', "after a declaration");
}

static bool add_registers(ptx_parser *p, ptx_token name, ptx_type type, int64_t count, bool range) {
    bool again;
    p->registers_declared += count;
    if (p->registers_declared > 4 * (int64_t)PTX_REGISTERS_MAX) return ptx_mistake(p, name.place, "this module declares more than %d registers", 4 * (int)PTX_REGISTERS_MAX);
    if (p->register_count + count > PTX_REGISTERS_MAX) return ptx_mistake(p, name.place, "this function has more than %d registers", (int)PTX_REGISTERS_MAX);
    ptx_meaning *meaning = ptx_names_declare(&p->names, name.text, name.count, range ? PTX_IS_RANGE : PTX_IS_REGISTER, &again);
    if (again) return ptx_mistake(p, name.place, "%.*s is declared here already", (int)name.count, name.text);
    if (meaning == NULL) return ptx_no_memory(p);
    meaning->number = p->register_count;
    meaning->count = (int32_t)count;
    for (int64_t i = 0; i < count; i++) {
        if (!pgd_grow(&p->registers, &p->register_capacity, p->register_count, sizeof *p->registers)) return ptx_no_memory(p);
        p->registers[p->register_count++] = (ptx_register){meaning->name->text, range ? (int32_t)i : -1, type};
    }
    return true;
}

bool ptx_read_registers(ptx_parser *p) {
    ptx_type type;
    if (ptx_at_dotted(p, "v2") || ptx_at_dotted(p, "v4")) return ptx_missing(p, p->token.place, "registers that are vectors are not built here; declare one for each element");
    if (!read_type(p, &type)) return false;
    if (type != PTX_pred && (ptx_types[type].bits < 8 || type == PTX_tf32)) return ptx_mistake(p, p->token.place, "a register cannot be of type .%s", ptx_types[type].name);
    do {
        ptx_token name = p->token;
        int64_t count = 1;
        bool range = false;
        if (name.kind != PTX_NAME) return ptx_mistake(p, name.place, "the name of a register is needed here");
        ptx_step(p);
        if (ptx_accept(p, '<')) {
            range = true;
            if (p->token.kind != PTX_WHOLE || p->token.bits < 1 || p->token.bits > PTX_REGISTERS_MAX) return ptx_mistake(p, p->token.place, "the number of registers must be 1 to %d", (int)PTX_REGISTERS_MAX);
            count = (int64_t)p->token.bits;
            ptx_step(p);
            if (!ptx_expect(p, '>', "after the number of registers")) return false;
        }
        if (!add_registers(p, name, type, count, range)) return false;
    } while (ptx_accept(p, ','));
    return ptx_expect(p, ';', "after a declaration");
}

/* One parameter of an entry or function, in .param memory behind those before it. */
static bool one_parameter(ptx_parser *p, bool named, int64_t *offset, ptx_variable **out) {
    ptx_variable *v = ptx_room(p, sizeof *v);
    if (v == NULL) return false;
    *v = (ptx_variable){.space = PTX_SPACE_param, .parameter = true, .name = "_", .place = p->token.place};
    if (ptx_at_dotted(p, "reg")) return ptx_missing(p, p->token.place, "parameters in registers are not built here; declare them .param");
    if (!ptx_accept_dotted(p, "param")) return ptx_mistake(p, p->token.place, "a parameter begins with .param");
    if (!qualifiers(p, v)) return false;
    ptx_token name = p->token;
    if (name.kind != PTX_NAME) return ptx_mistake(p, name.place, "the name of a parameter is needed here");
    ptx_step(p);
    if (named ? !declare(p, v, name) : false) return false;
    if (!extents(p, v)) return false;
    *offset = (*offset + v->align - 1) & -v->align;
    v->offset = *offset;
    *offset += v->bytes;
    if (v->bytes > PTX_PARAMETERS_MAX || *offset > PTX_PARAMETERS_MAX) return ptx_mistake(p, name.place, "these parameters have more than %d bytes", (int)PTX_PARAMETERS_MAX);
    *out = v;
    return true;
}

bool ptx_read_parameters(ptx_parser *p, bool named, int64_t *offset, ptx_variable **out) {
    ptx_variable **end = out;
    *out = NULL;
    if (!ptx_accept(p, '(')) return true;
    if (ptx_accept(p, ')')) return true;
    do {
        if (!one_parameter(p, named, offset, end)) return false;
        end = &(*end)->next;
    } while (ptx_accept(p, ','));
    return ptx_expect(p, ')', "after the parameters");
}
