/* SPDX-License-Identifier: Apache-2.0
 * Instructions: a guard, an opcode with its words, operands. What they are is read first; then the rows of forms.def are tried in turn. */
#include "forms.h"
#include "parser.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS_MAX = 8 };

/* ---- operands --------------------------------------------------------------------------------------------------------------------------------------------- */

/* %tid.x is a name and a dotted word behind it; others are names alone. */
static bool special(ptx_parser *p, ptx_operand *out) {
    char text[48];
    bool dotted = p->ahead.kind == PTX_DOTTED && p->ahead.touches;
    if (p->token.text[0] != '%' || p->token.count + p->ahead.count + 2 > sizeof text) return false;
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)p->token.count, p->token.text, dotted ? "." : "", dotted ? (int)p->ahead.count : 0, dotted ? p->ahead.text : "");
    for (int32_t s = 0; s < PTX_SPECIAL_COUNT; s++) {
        if (strcmp(ptx_specials[s].name, text) != 0) continue;
        *out = (ptx_operand){.kind = PTX_SPECIAL, .number = s};
        ptx_step(p);
        if (dotted) ptx_step(p);
        return true;
    }
    return false;
}

/* Does PTX know it? */
static bool special_elsewhere(const ptx_token *name) {
    static const char *const beginnings[] = {"%pm", "%cluster", "%ncluster", "%is_explicit_cluster", "%aggr_smem_size", "%current_graph_exec", "%reserved_smem"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (name->count >= strlen(beginnings[i]) && memcmp(name->text, beginnings[i], strlen(beginnings[i])) == 0) return true;
    return false;
}

static bool offset_behind(ptx_parser *p, uint64_t *bits) {
    *bits = 0;
    if (ptx_accept(p, '+')) return ptx_read_integer(p, bits);
    return !ptx_at(p, '-') || ptx_read_integer(p, bits);
}

/* table[3]: the address of an element, or the element itself where memory is asked for. Nothing where there is no bracket. */
static bool element_behind(ptx_parser *p, const ptx_variable *v, ptx_operand *out) {
    uint64_t index;
    if (!ptx_at(p, '[')) return true;
    ptx_step(p);
    if (p->token.kind == PTX_NAME && p->token.text[0] == '%') return ptx_missing(p, p->token.place, "an index in a register is not built here; write [%s + 4 * index] in instructions of its own", v->name);
    if (!ptx_read_integer(p, &index) || !ptx_expect(p, ']', "after an index")) return false;
    out->bits += index * (uint64_t)(ptx_types[v->type].bits / 8 * v->vector);
    out->single = true;
    return true;
}

/* A register, a special register, the sink, or the address of something. */
static bool named(ptx_parser *p, ptx_operand *out) {
    ptx_token name = p->token;
    int32_t number = -1;
    const ptx_meaning *m = ptx_names_find(&p->names, name.text, name.count, &number);
    *out = (ptx_operand){.kind = PTX_REGISTER, .number = -1};
    if (m == NULL && name.count == 1 && name.text[0] == '_') {
        ptx_step(p);
        return true;
    }
    if (m == NULL && special(p, out)) return true;
    if (m == NULL && special_elsewhere(&name)) return ptx_missing(p, name.place, "the special register %.*s is not built here", (int)name.count, name.text);
    if (m == NULL) return ptx_mistake(p, name.place, "nothing is declared under the name %.*s", (int)name.count, name.text);
    ptx_step(p);
    if (m->kind == PTX_IS_REGISTER || m->kind == PTX_IS_RANGE) {
        out->number = number;
        return true;
    }
    *out = (ptx_operand){.kind = PTX_ADDRESS_OF, .number = -1, .variable = m->variable, .function = m->function};
    if (m->kind == PTX_IS_VARIABLE) return offset_behind(p, &out->bits) && element_behind(p, m->variable, out);
    return m->kind == PTX_IS_FUNCTION || ptx_mistake(p, name.place, "%.*s cannot stand here", (int)name.count, name.text);
}

/* [register + 4], [variable + 4], [4096] */
static bool memory(ptx_parser *p, ptx_operand *out) {
    ptx_step(p);
    *out = (ptx_operand){.kind = PTX_MEMORY, .number = -1};
    if (p->token.kind == PTX_NAME && !(p->token.count == 7 && memcmp(p->token.text, "WARP_SZ", 7) == 0)) {
        ptx_operand base;
        ptx_place place = p->token.place;
        if (!named(p, &base)) return false;
        if (base.kind == PTX_REGISTER ? base.number < 0 : base.kind != PTX_ADDRESS_OF || base.variable == NULL) return ptx_mistake(p, place, "an address is a register or a variable, and an offset");
        out->number = base.number;
        out->variable = base.variable;
        out->bits = base.bits;
        if (base.kind == PTX_REGISTER && !offset_behind(p, &out->bits)) return false;
    } else if (!ptx_read_integer(p, &out->bits)) {
        return false;
    }
    return ptx_expect(p, ']', "after an address");
}

static bool scalar(ptx_parser *p, ptx_operand *out) {
    bool negated = ptx_at(p, '!') && p->ahead.kind == PTX_NAME;
    if (negated) ptx_step(p);
    if (p->token.kind == PTX_NAME && !(p->token.count == 7 && memcmp(p->token.text, "WARP_SZ", 7) == 0)) {
        if (!named(p, out)) return false;
        out->negated = negated;
        return true;
    }
    return ptx_read_constant(p, out);
}

static bool vector(ptx_parser *p, ptx_operand *out) {
    ptx_operand items[ITEMS_MAX], *kept;
    int32_t count = 0;
    ptx_step(p);
    do {
        if (count == ITEMS_MAX) return ptx_mistake(p, p->token.place, "a vector has at most %d elements", (int)ITEMS_MAX);
        if (!scalar(p, &items[count++])) return false;
    } while (ptx_accept(p, ','));
    kept = ptx_room(p, sizeof *kept * (size_t)count);
    if (kept == NULL) return false;
    memcpy(kept, items, sizeof *kept * (size_t)count);
    *out = (ptx_operand){.kind = PTX_VECTOR, .number = -1, .count = count, .items = kept};
    return ptx_expect(p, '}', "after a vector");
}

static bool operand(ptx_parser *p, ptx_operand *out) {
    if (ptx_at(p, '{')) return vector(p, out);
    if (ptx_at(p, '[')) return memory(p, out);
    return scalar(p, out);
}

/* ---- calls --------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool call_list(ptx_parser *p, const ptx_operand **out, int32_t *count) {
    enum { LIST_MAX = 4096 };
    ptx_operand *list = NULL;
    int32_t capacity = 0;
    bool fine = true;
    *count = 0;
    ptx_step(p);
    if (ptx_accept(p, ')')) return true;
    do {
        if (*count == LIST_MAX) fine = ptx_mistake(p, p->token.place, "a call of more than %d operands", (int)LIST_MAX);
        else if (!pgd_grow(&list, &capacity, *count, sizeof *list)) fine = ptx_no_memory(p);
        else fine = scalar(p, &list[(*count)++]);
    } while (fine && ptx_accept(p, ','));
    ptx_operand *kept = fine ? ptx_room(p, sizeof *kept * (size_t)*count) : NULL;
    if (kept != NULL) memcpy(kept, list, sizeof *kept * (size_t)*count);
    pgd_mem_free(list);
    *out = kept;
    return kept != NULL && ptx_expect(p, ')', "after the operands of a call");
}

/* A variable in .param memory as a whole, or a register; to be read also a constant or an address. */
static bool passes(const ptx_operand *o, bool read) {
    if (o->kind == PTX_ADDRESS_OF && o->variable != NULL && o->variable->space == PTX_SPACE_param) return o->bits == 0;
    return !o->negated && (o->kind == PTX_REGISTER || (read && (o->kind == PTX_INTEGER || o->kind == PTX_REAL || (o->kind == PTX_ADDRESS_OF && o->function != NULL))));
}

static bool match_list(ptx_parser *p, ptx_place place, const char *what, const ptx_variable *wanted, const ptx_operand *list, int32_t count) {
    int32_t i = 0;
    bool read = what[0] == 'a';
    for (; wanted != NULL && i < count; i++, wanted = wanted->next) {
        if (!passes(&list[i], read)) return ptx_mistake(p, place, "%s %d of the call must be a .param variable or a register%s", what, i + 1, read ? ", a constant or a function" : "");
        int64_t bytes = list[i].variable != NULL ? list[i].variable->bytes : list[i].kind == PTX_REGISTER && list[i].number >= 0 ? (ptx_types[p->registers[list[i].number].type].bits + 7) / 8 : wanted->bytes;
        if (bytes != wanted->bytes) return ptx_mistake(p, place, "%s %d of the call has %lld bytes, the function's has %lld", what, i + 1, (long long)bytes, (long long)wanted->bytes);
    }
    return (wanted == NULL && i == count) || ptx_mistake(p, place, "this call has %d %ss, which is not what the function has", count, what);
}

/* call (results), callee, (arguments), prototype */
static bool call(ptx_parser *p, ptx_instruction *instruction) {
    ptx_call *c = ptx_room(p, sizeof *c);
    ptx_place place = instruction->place;
    if (c == NULL) return false;
    instruction->call = c;
    if (ptx_at(p, '(') && (!call_list(p, &c->results, &c->result_count) || !ptx_expect(p, ',', "after the results of a call"))) return false;
    if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, "a function, or a register that holds one's address, is needed here");
    if (!named(p, &c->callee)) return false;
    bool direct = c->callee.kind == PTX_ADDRESS_OF && c->callee.function != NULL, indirect = c->callee.kind == PTX_REGISTER && c->callee.number >= 0;
    if (!direct && !indirect) return ptx_mistake(p, place, "only functions can be called");
    if (ptx_accept(p, ',')) {
        if (!ptx_at(p, '(')) return ptx_mistake(p, p->token.place, "\"(\" is needed before the arguments of a call");
        if (!call_list(p, &c->arguments, &c->argument_count)) return false;
    }
    if (ptx_accept(p, ',')) {
        int32_t ignored;
        const ptx_meaning *m = p->token.kind == PTX_NAME ? ptx_names_find(&p->names, p->token.text, p->token.count, &ignored) : NULL;
        if (m == NULL || (m->kind != PTX_IS_PROTOTYPE && m->kind != PTX_IS_FUNCTION)) return ptx_mistake(p, p->token.place, "the prototype of the call is not declared");
        c->prototype = m->prototype;
        ptx_step(p);
    }
    if (indirect && c->prototype == NULL) return ptx_mistake(p, place, "a call through a register needs a .callprototype");
    const ptx_function *f = c->callee.function;
    if (direct && f->entry) return ptx_missing(p, place, "%s is an entry; only functions are called here", f->name);
    return match_list(p, place, "result", direct ? f->results : c->prototype->results, c->results, c->result_count) &&
           match_list(p, place, "argument", direct ? f->parameters : c->prototype->parameters, c->arguments, c->argument_count);
}

/* ---- the form ------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool read_mnemonic(ptx_parser *p, ptx_mnemonic *m) {
    *m = (ptx_mnemonic){.opcode = p->token.text, .opcode_count = p->token.count};
    ptx_step(p);
    while (p->token.kind == PTX_DOTTED) {
        if (m->count == PTX_SLOTS_MAX) return ptx_mistake(p, p->token.place, "no instruction has more than %d words behind its opcode", (int)PTX_SLOTS_MAX);
        m->words[m->count].text = p->token.text;
        m->words[m->count++].count = p->token.count;
        bool joins = p->token.count == 7 && memcmp(p->token.text, "xorsign", 7) == 0 && p->ahead.kind == PTX_DOTTED && p->ahead.touches;
        if (joins) { /* two words that mean nothing alone */
            ptx_step(p);
            m->words[m->count - 1].count += 1 + p->token.count;
        }
        ptx_step(p);
    }
    return true;
}

static bool no_form(ptx_parser *p, const ptx_instruction *i, const ptx_mnemonic *m, const char *why, bool known) {
    int32_t count = (int32_t)(m->count > 0 ? m->words[m->count - 1].text + m->words[m->count - 1].count - m->opcode : (long)m->opcode_count);
    if (why[0] != '\0') return ptx_mistake(p, i->place, "%.*s: %s", count, m->opcode, why);
    if (ptx_opcode_known(m->opcode, m->opcode_count)) return ptx_missing(p, i->place, "%.*s is not built into the software GPU", count, m->opcode);
    if (!known) return ptx_mistake(p, i->place, "there is no instruction %.*s", (int)m->opcode_count, m->opcode);
    for (int32_t k = 0; k < m->count; k++)
        if (ptx_word_find(m->words[k].text, m->words[k].count) == PTX_NO_WORD && ptx_type_find(m->words[k].text, m->words[k].count) == PTX_NO_TYPE)
            return ptx_missing(p, i->place, "%.*s: .%.*s is no word that is known here; is it mistyped, or newer?", count, m->opcode, (int)m->words[k].count, m->words[k].text);
    return ptx_missing(p, i->place, "%.*s: no form of %.*s that is built here has these words", count, m->opcode, (int)m->opcode_count, m->opcode);
}

/* The first row that words and operands fit. */
static bool choose_form(ptx_parser *p, ptx_instruction *i, const ptx_mnemonic *m, ptx_operand *operands, int32_t count) {
    char why[160] = "", here[160];
    bool known = false;
    int32_t most = -1, fitting;
    for (int32_t f = ptx_form_next(-1, m->opcode, m->opcode_count); f >= 0; f = ptx_form_next(f, m->opcode, m->opcode_count)) {
        const ptx_form *form = ptx_form_get(f);
        known = true;
        if (!ptx_form_fits(form, m, i)) continue;
        i->form = (uint16_t)f;
        if (!ptx_operands_fit(p, i, operands, count, &fitting, here, sizeof here)) {
            if (fitting >= most) memcpy(why, here, sizeof why), most = fitting;
            continue;
        }
        if (p->module->version < form->version) return ptx_mistake(p, i->place, "%s in this form needs .version %d.%d, the module says %d.%d", form->opcode, form->version / 10, form->version % 10, p->module->version / 10, p->module->version % 10);
        if (p->module->target < form->target) return ptx_mistake(p, i->place, "%s in this form needs .target sm_%d, the module says sm_%d", form->opcode, form->target, p->module->target);
        for (int32_t k = 0; k < count; k++)
            if (form->operands[k].role == PTX_ROLE_MEMORY && ptx_is_element(&operands[k])) operands[k].kind = PTX_MEMORY;
        return true;
    }
    return no_form(p, i, m, why, known);
}

static bool guard(ptx_parser *p, ptx_instruction *i) {
    ptx_operand predicate;
    if (!ptx_accept(p, '@')) return true;
    i->guarded = true;
    i->guard_negated = ptx_accept(p, '!');
    ptx_place place = p->token.place;
    if (p->token.kind != PTX_NAME || !named(p, &predicate)) return p->token.kind == PTX_NAME ? false : ptx_mistake(p, place, "a predicate is needed behind @");
    if (predicate.kind != PTX_REGISTER || predicate.number < 0 || p->registers[predicate.number].type != PTX_pred) return ptx_mistake(p, place, "what stands behind @ is no predicate");
    i->guard = predicate.number;
    return p->token.kind == PTX_NAME || ptx_mistake(p, p->token.place, "an instruction is needed behind its guard");
}

static bool is(const ptx_mnemonic *m, const char *opcode) { return strlen(opcode) == m->opcode_count && memcmp(opcode, m->opcode, m->opcode_count) == 0; }

/* d|p: the predicate goes into the instruction. */
static bool pair(ptx_parser *p, ptx_instruction *i) {
    ptx_operand second;
    ptx_place place = p->token.place;
    if (!ptx_accept(p, '|')) return true;
    if (p->token.kind != PTX_NAME) return ptx_mistake(p, place, "a predicate is needed behind \"|\"");
    if (!named(p, &second)) return false;
    if (second.kind != PTX_REGISTER || (second.number >= 0 && p->registers[second.number].type != PTX_pred)) return ptx_mistake(p, place, "what stands behind \"|\" is no predicate");
    i->pair = second.number;
    i->paired = true;
    return true;
}

/* brx.idx index, targets */
static bool targets(ptx_parser *p, ptx_operand *out) {
    int32_t ignored;
    const ptx_meaning *m = p->token.kind == PTX_NAME ? ptx_names_find(&p->names, p->token.text, p->token.count, &ignored) : NULL;
    if (m == NULL || m->kind != PTX_IS_TARGETS) return ptx_mistake(p, p->token.place, "the .branchtargets of this jump must be declared before it");
    *out = (ptx_operand){.kind = PTX_TARGETS, .number = m->number};
    ptx_step(p);
    return true;
}

static bool read_operands(ptx_parser *p, ptx_instruction *i, const ptx_mnemonic *m, ptx_operand *operands, int32_t *count) {
    bool jumps = is(m, "bra"), by_index = is(m, "brx");
    *count = 0;
    if (ptx_at(p, ';')) return true;
    do {
        if (*count == PTX_OPERANDS_MAX) return ptx_mistake(p, p->token.place, "no instruction has more than %d operands", (int)PTX_OPERANDS_MAX);
        ptx_operand *to = &operands[(*count)++];
        if (jumps) {
            *to = (ptx_operand){.kind = PTX_LABEL, .number = -1};
            if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, "the name of a label is needed here");
            return true; /* the caller takes it, into its final place */
        }
        if (by_index && *count == 2 ? !targets(p, to) : !operand(p, to)) return false;
        if (*count == 1 && !pair(p, i)) return false;
    } while (ptx_accept(p, ','));
    return true;
}

bool ptx_read_instruction(ptx_parser *p) {
    ptx_instruction i = {.place = p->token.place, .guard = -1, .pair = -1, .file = p->file, .source_line = p->source_line};
    ptx_operand operands[PTX_OPERANDS_MAX], *kept;
    ptx_mnemonic m;
    int32_t count = 0;
    if (++p->instructions_read > PTX_INSTRUCTIONS_MAX) return ptx_mistake(p, p->token.place, "this module has more than %d instructions", (int)PTX_INSTRUCTIONS_MAX);
    if (!guard(p, &i)) return false;
    i.place = p->token.place;
    if (!read_mnemonic(p, &m)) return false;
    bool calls = is(&m, "call");
    if (calls) {
        operands[count++] = (ptx_operand){.kind = PTX_CALLEE, .number = -1};
        if (!call(p, &i)) return false;
    } else if (!read_operands(p, &i, &m, operands, &count)) {
        return false;
    }
    if (!choose_form(p, &i, &m, operands, count)) return false;
    kept = ptx_room(p, sizeof *kept * (size_t)(count + 1));
    if (kept == NULL) return false;
    if (count > 0) memcpy(kept, operands, sizeof *kept * (size_t)count);
    if (count > 0 && kept[0].kind == PTX_LABEL && !ptx_later_label(p, &kept[0])) return false;
    i.operands = kept;
    i.operand_count = (uint8_t)count;
    if (!ptx_expect(p, ';', "after an instruction")) return false;
    if (!pgd_grow(&p->instructions, &p->instruction_capacity, p->instruction_count, sizeof *p->instructions)) return ptx_no_memory(p);
    p->instructions[p->instruction_count++] = i;
    return true;
}
