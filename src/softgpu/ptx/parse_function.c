/* SPDX-License-Identifier: Apache-2.0
 * Functions: their heads, and bodies as nested blocks of declarations, labels and instructions. */
#include "parser.h"

#include <string.h>

/* ---- heads --------------------------------------------------------------------------------------------------------------------------------------------- */

static bool three(ptx_parser *p, const char *what, int32_t out[3]) {
    int64_t value;
    for (int32_t i = 0; i < 3; i++) {
        if (i > 0 && !ptx_accept(p, ',')) {
            out[i] = 1;
            continue;
        }
        if (!ptx_read_small(p, 1, 1 << 30, what, &value)) return false;
        out[i] = (int32_t)value;
    }
    return true;
}

static bool one(ptx_parser *p, const char *what, int32_t *out) {
    int64_t value;
    if (!ptx_read_small(p, 0, 1 << 30, what, &value)) return false;
    *out = (int32_t)value;
    return true;
}

/* Performance-tuning directives. */
static bool tuning(ptx_parser *p, ptx_function *f) {
    int32_t ignored;
    for (;;) {
        bool fine = true;
        if (ptx_accept_dotted(p, "maxntid")) fine = three(p, ".maxntid", f->max_threads);
        else if (ptx_accept_dotted(p, "reqntid")) fine = three(p, ".reqntid", f->required_threads);
        else if (ptx_accept_dotted(p, "reqnctapercluster")) fine = three(p, ".reqnctapercluster", f->required_cluster);
        else if (ptx_accept_dotted(p, "minnctapersm")) fine = one(p, ".minnctapersm", &f->min_blocks);
        else if (ptx_accept_dotted(p, "maxnctapersm") || ptx_accept_dotted(p, "maxclusterrank")) fine = one(p, ".maxnctapersm", &ignored);
        else if (ptx_accept_dotted(p, "maxnreg")) fine = one(p, ".maxnreg", &f->max_registers);
        else if (ptx_accept_dotted(p, "noreturn")) f->no_return = true;
        else if (ptx_accept_dotted(p, "explicitcluster") || ptx_accept_dotted(p, "blocksareclusters")) continue;
        else if (ptx_accept_dotted(p, "pragma")) {
            while (p->token.kind == PTX_STRING || ptx_at(p, ',')) ptx_step(p);
            fine = ptx_expect(p, ';', "after .pragma");
        } else return true;
        if (!fine) return false;
    }
}

/* The function of that name: new, or one that was only declared. */
static ptx_function *find_or_add(ptx_parser *p, ptx_token name, bool entry, ptx_prefix prefix) {
    bool again;
    int32_t ignored;
    const ptx_meaning *known = ptx_names_find(&p->names, name.text, name.count, &ignored);
    if (known != NULL && known->kind == PTX_IS_FUNCTION) {
        if (known->function->entry == entry) return known->function;
        ptx_mistake(p, name.place, "%.*s was declared otherwise, as .%s", (int)name.count, name.text, known->function->entry ? "entry" : "func");
        return NULL;
    }
    if (known != NULL) {
        ptx_mistake(p, name.place, "%.*s is the name of something else already", (int)name.count, name.text);
        return NULL;
    }
    ptx_meaning *meaning = ptx_names_declare(&p->names, name.text, name.count, PTX_IS_FUNCTION, &again);
    ptx_function *f = meaning == NULL ? NULL : ptx_room(p, sizeof *f);
    if (f == NULL) {
        ptx_no_memory(p);
        return NULL;
    }
    *f = (ptx_function){.name = meaning->name->text, .linkage = prefix.linkage, .entry = entry, .place = name.place, .index = p->module->function_count++};
    meaning->function = f;
    *p->functions_end = f;
    p->functions_end = &f->next;
    return f;
}

static bool same_parameters(const ptx_variable *a, const ptx_variable *b) {
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (a->bytes != b->bytes || a->offset != b->offset) return false;
    return a == b;
}

/* ---- labels ---------------------------------------------------------------------------------------------------------------------------------------------- */

bool ptx_later_label(ptx_parser *p, ptx_operand *operand) {
    if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, "the name of a label is needed here");
    if (!pgd_grow(&p->pending, &p->pending_capacity, p->pending_count, sizeof *p->pending)) return ptx_no_memory(p);
    ptx_name *name = ptx_names_intern(&p->names, p->token.text, p->token.count);
    if (name == NULL) return ptx_no_memory(p);
    *operand = (ptx_operand){.kind = PTX_LABEL, .number = -1};
    p->pending[p->pending_count++] = (ptx_pending){operand, name, p->names.scope, p->token.place};
    ptx_step(p);
    return true;
}

/* At the end of a block: names that it declares are found, the others are looked for around it. */
static void settle_labels(ptx_parser *p) {
    int32_t scope = p->names.scope, kept = p->first_pending[scope];
    for (int32_t i = kept; i < p->pending_count; i++) {
        ptx_pending *w = &p->pending[i];
        const ptx_meaning *m = w->name->meaning;
        if (w->scope == scope && m != NULL && m->scope == scope && m->kind == PTX_IS_LABEL) {
            w->operand->number = m->number;
            continue;
        }
        if (w->scope == scope) w->scope--;
        if (w->scope == 0) {
            ptx_mistake(p, w->place, "there is no label %s where this could jump to", w->name->text);
            continue;
        }
        p->pending[kept++] = *w;
    }
    p->pending_count = kept;
}

static bool declare(ptx_parser *p, ptx_token name, ptx_meaning_kind kind, ptx_meaning **out) {
    bool again;
    *out = ptx_names_declare(&p->names, name.text, name.count, kind, &again);
    if (again) return ptx_mistake(p, name.place, "%.*s is declared here already", (int)name.count, name.text);
    return *out != NULL || ptx_no_memory(p);
}

/* name: .branchtargets L1, L2, L3; */
static bool branch_targets(ptx_parser *p, ptx_token name) {
    enum { TARGETS_MAX = 65536 };
    ptx_meaning *meaning;
    ptx_lexer ahead = p->lexer;
    int32_t count = 1;
    if (!declare(p, name, PTX_IS_TARGETS, &meaning)) return false;
    if (p->ahead.kind == PTX_MARK && p->ahead.mark == ',') count++;
    for (ptx_token t = p->ahead; t.kind != PTX_END && t.kind != PTX_WRONG && !(t.kind == PTX_MARK && t.mark == ';') && count <= TARGETS_MAX;) {
        t = ptx_lexer_next(&ahead);
        count += t.kind == PTX_MARK && t.mark == ',';
    }
    ptx_operand *labels = ptx_room(p, sizeof *labels * (size_t)count);
    if (labels == NULL) return false;
    if (!pgd_grow(&p->targets, &p->target_capacity, p->target_count, sizeof *p->targets)) return ptx_no_memory(p);
    for (int32_t i = 0;; i++) {
        if (i == count) return ptx_mistake(p, p->token.place, "more than %d targets of a branch", (int)TARGETS_MAX);
        if (!ptx_later_label(p, &labels[i])) return false;
        if (ptx_accept(p, ',')) continue;
        meaning->number = p->target_count;
        p->targets[p->target_count++] = (ptx_targets){meaning->name->text, i + 1, labels};
        return ptx_expect(p, ';', "after .branchtargets");
    }
}

/* name: .callprototype (results) _ (parameters); */
static bool call_prototype(ptx_parser *p, ptx_token name) {
    ptx_meaning *meaning;
    int64_t bytes = 0;
    ptx_prototype *made = ptx_room(p, sizeof *made);
    if (made == NULL || !declare(p, name, PTX_IS_PROTOTYPE, &meaning)) return false;
    meaning->prototype = made;
    made->name = meaning->name->text;
    if (!ptx_read_parameters(p, false, &bytes, &made->results)) return false;
    if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, "\"_\" is needed between the results and parameters of a .callprototype");
    ptx_step(p);
    if (!ptx_read_parameters(p, false, &bytes, &made->parameters)) return false;
    ptx_accept_dotted(p, "noreturn");
    return ptx_expect(p, ';', "after .callprototype");
}

static bool label(ptx_parser *p) {
    ptx_token name = p->token;
    ptx_meaning *meaning;
    ptx_step(p);
    ptx_step(p);
    if (ptx_accept_dotted(p, "branchtargets")) return branch_targets(p, name);
    if (ptx_accept_dotted(p, "callprototype")) return call_prototype(p, name);
    if (ptx_at_dotted(p, "calltargets")) { /* what an indirect call may reach is not needed to make it */
        ptx_skip_statement(p);
        return true;
    }
    if (!declare(p, name, PTX_IS_LABEL, &meaning)) return false;
    meaning->number = p->instruction_count;
    return true;
}

/* ---- bodies ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* .loc file line column (, function_name name (+ offset), inlined_at file line column) */
static bool location(ptx_parser *p) {
    int64_t file, line, column;
    if (!ptx_read_small(p, 0, INT32_MAX, ".loc", &file) || !ptx_read_small(p, 0, INT32_MAX, ".loc", &line) || !ptx_read_small(p, 0, INT32_MAX, ".loc", &column)) return false;
    if (line > 0) p->file = (int32_t)file, p->source_line = (int32_t)line; /* of line 0 is what compilers add: the line before is near */
    while (ptx_accept(p, ',')) {
        bool inlined = p->token.count == 10 && p->token.kind == PTX_NAME && memcmp(p->token.text, "inlined_at", 10) == 0;
        if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, ".loc: function_name or inlined_at is needed behind the comma");
        ptx_step(p);
        for (int32_t i = 0; inlined && i < 3; i++)
            if (!ptx_read_small(p, 0, INT32_MAX, ".loc", &column)) return false;
        if (!inlined) ptx_step(p);
        if (!inlined && ptx_accept(p, '+') && !ptx_read_small(p, 0, INT32_MAX, ".loc", &column)) return false;
    }
    ptx_accept(p, ';');
    return true;
}

static bool statement(ptx_parser *p) {
    ptx_prefix internal = {PTX_INTERNAL, p->token.place};
    if (p->token.kind == PTX_NAME && p->ahead.kind == PTX_MARK && p->ahead.mark == ':') return label(p);
    if (p->token.kind == PTX_NAME || ptx_at(p, '@')) return ptx_read_instruction(p);
    if (ptx_accept_dotted(p, "reg")) return ptx_read_registers(p);
    if (ptx_accept_dotted(p, "local")) return ptx_read_variables(p, PTX_SPACE_local, internal);
    if (ptx_accept_dotted(p, "shared")) return ptx_read_variables(p, PTX_SPACE_shared, internal);
    if (ptx_accept_dotted(p, "param")) return ptx_read_variables(p, PTX_SPACE_param, internal);
    if (ptx_accept_dotted(p, "global")) return ptx_read_variables(p, PTX_SPACE_global, internal);
    if (ptx_accept_dotted(p, "const")) return ptx_read_variables(p, PTX_SPACE_const, internal);
    if (ptx_accept_dotted(p, "loc")) return location(p);
    if (ptx_accept(p, ';')) return true;
    if (ptx_at_dotted(p, "pragma") || ptx_at_dotted(p, "file")) {
        while (!ptx_at(p, ';') && p->token.kind != PTX_END && p->token.kind != PTX_WRONG && !ptx_at(p, '}')) ptx_step(p);
        return ptx_expect(p, ';', "after a directive");
    }
    if (p->token.kind == PTX_WRONG) return ptx_mistake(p, p->token.place, "%s", p->token.text);
    return ptx_mistake(p, p->token.place, "a declaration, a label or an instruction is needed here");
}

/* After "{". A loop over depths, so that nothing depends on how deep a text goes. */
static bool blocks(ptx_parser *p) {
    int32_t depth = 1;
    while (depth > 0) {
        if (p->token.kind == PTX_END || p->mistakes >= PTX_MISTAKES_MAX) return ptx_mistake(p, p->token.place, "the text ends within the function %s", p->function->name);
        if (ptx_at(p, '{')) {
            if (!ptx_names_open(&p->names)) return ptx_mistake(p, p->token.place, "blocks stand deeper than %d in one another", (int)PTX_NEST_MAX);
            p->first_pending[p->names.scope] = p->pending_count;
            ptx_step(p);
            depth++;
        } else if (ptx_at(p, '}')) {
            settle_labels(p);
            if (--depth > 0) ptx_names_close(&p->names);
            ptx_step(p);
        } else if (!statement(p)) {
            if (p->token.kind == PTX_WRONG) return false;
            ptx_skip_statement(p);
        }
    }
    return true;
}

/* Places of the frame's own variables. */
static bool lay_out_frame(ptx_parser *p, ptx_function *f) {
    for (ptx_variable *v = f->locals; v != NULL; v = v->next) {
        int64_t *bytes = v->space == PTX_SPACE_local ? &f->local_bytes : v->space == PTX_SPACE_param ? &f->frame_param_bytes : NULL;
        if (bytes == NULL) continue;
        *bytes = (*bytes + v->align - 1) & -v->align;
        v->offset = *bytes;
        *bytes += v->bytes < PTX_LOCAL_MAX ? v->bytes : PTX_LOCAL_MAX + 1;
        int32_t most = v->space == PTX_SPACE_local ? PTX_LOCAL_MAX : PTX_PARAMETERS_MAX;
        if (*bytes > most) return ptx_mistake(p, v->place, "%s: with %s its .%s memory has more than %d bytes", f->name, v->name, ptx_space_names[v->space], most);
    }
    return true;
}

static void *keep(ptx_parser *p, const void *from, size_t bytes) {
    void *to = ptx_room(p, bytes);
    if (to != NULL && bytes > 0) memcpy(to, from, bytes);
    return to;
}

static bool body(ptx_parser *p, ptx_function *f) {
    if (f->defined) return ptx_mistake(p, p->token.place, "%s has a body already", f->name);
    p->function = f;
    p->locals_end = &f->locals;
    p->local_count = p->register_count = p->instruction_count = p->target_count = p->pending_count = 0;
    p->file = p->source_line = 0;
    p->first_pending[p->names.scope] = 0;
    ptx_step(p);
    int32_t before = p->mistakes;
    bool fine = blocks(p) && p->mistakes == before;
    p->function = NULL;
    if (!fine) return false;
    if (!lay_out_frame(p, f)) return false;
    f->defined = true;
    f->register_count = p->register_count, f->instruction_count = p->instruction_count, f->target_count = p->target_count;
    f->registers = keep(p, p->registers, sizeof *p->registers * (size_t)p->register_count);
    f->instructions = keep(p, p->instructions, sizeof *p->instructions * (size_t)p->instruction_count);
    f->targets = keep(p, p->targets, sizeof *p->targets * (size_t)p->target_count);
    return f->registers != NULL && f->instructions != NULL && f->targets != NULL;
}

/* (results) name (parameters) tuning, then ";" or a body. */
bool ptx_read_function(ptx_parser *p, bool entry, ptx_prefix prefix) {
    ptx_variable *results = NULL, *parameters = NULL;
    int64_t bytes = 0;
    int32_t scope = p->names.scope;
    ptx_token name;
    if (!ptx_names_open(&p->names)) return ptx_mistake(p, p->token.place, "blocks stand too deep");
    bool fine = entry || ptx_read_parameters(p, true, &bytes, &results);
    name = p->token;
    if (fine && name.kind != PTX_NAME) fine = ptx_mistake(p, name.place, "the name of a function is needed here");
    if (fine) {
        ptx_step(p);
        fine = ptx_read_parameters(p, true, &bytes, &parameters);
    }
    p->names.scope = scope; /* the function itself is known outside */
    ptx_function *f = fine ? find_or_add(p, name, entry, prefix) : NULL;
    p->names.scope = scope + 1;
    if (f != NULL && (f->parameters != NULL || f->results != NULL) && (!same_parameters(f->parameters, parameters) || !same_parameters(f->results, results)))
        fine = ptx_mistake(p, name.place, "%s was declared with other parameters", f->name);
    fine = fine && f != NULL;
    if (fine) {
        if (f->linkage == PTX_EXTERN || prefix.linkage == PTX_VISIBLE) f->linkage = prefix.linkage;
        f->results = results, f->parameters = parameters, f->parameter_bytes = bytes;
        fine = tuning(p, f) && (ptx_accept(p, ';') || (ptx_at(p, '{') ? body(p, f) : ptx_expect(p, '{', "before the body of a function")));
    }
    while (p->names.scope > scope) ptx_names_close(&p->names);
    return fine;
}
