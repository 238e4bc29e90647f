/* SPDX-License-Identifier: Apache-2.0
 * A module as PTX again: words in the order of forms.def, registers by their names, labels by the number of their instruction. */
#include "forms.h"

#include <string.h>

/* ---- operands ------------------------------------------------------------------------------------------------------------------------------------------- */

static void print_register(const ptx_function *f, int32_t number, pgd_text *out) {
    if (number < 0)
        pgd_text_add(out, "_");
    else
        pgd_text_add(out, "%%r%d_%s", number, ptx_types[f->registers[number].type].name);
}

static void print_offset(uint64_t bits, pgd_text *out) {
    if (bits != 0) pgd_text_add(out, "+%lld", (long long)bits);
}

/* Names of a body may come again in other blocks; in print there is one block. */
static void print_name(const ptx_variable *v, pgd_text *out) {
    pgd_text_add(out, "%s", v->name);
    if (v->number > 0) pgd_text_add(out, "$%d", v->number);
}

static void print_operand(const ptx_function *f, const ptx_operand *o, pgd_text *out) {
    if (o->negated) pgd_text_add(out, "!");
    switch ((ptx_operand_kind)o->kind) {
    case PTX_REGISTER: print_register(f, o->number, out); break;
    case PTX_INTEGER: pgd_text_add(out, (int64_t)o->bits < 0 ? "%lld" : "%llu", (long long)o->bits); break;
    case PTX_REAL: pgd_text_add(out, o->single ? "0f%08llX" : "0d%016llX", (unsigned long long)o->bits); break;
    case PTX_SPECIAL: pgd_text_add(out, "%s", ptx_specials[o->number].name); break;
    case PTX_ADDRESS_OF:
        if (o->variable != NULL) print_name(o->variable, out);
        else pgd_text_add(out, "%s", o->function->name);
        print_offset(o->bits, out);
        break;
    case PTX_MEMORY:
        pgd_text_add(out, "[");
        if (o->number >= 0) print_register(f, o->number, out);
        else if (o->variable != NULL) print_name(o->variable, out);
        if (o->number >= 0 || o->variable != NULL) print_offset(o->bits, out);
        else pgd_text_add(out, "%llu", (unsigned long long)o->bits);
        pgd_text_add(out, "]");
        break;
    case PTX_VECTOR:
        for (int32_t i = 0; i < o->count; i++) {
            pgd_text_add(out, i == 0 ? "{" : ", ");
            print_operand(f, &o->items[i], out);
        }
        pgd_text_add(out, "}");
        break;
    case PTX_LABEL: pgd_text_add(out, "L%d", o->number); break;
    case PTX_TARGETS: pgd_text_add(out, "T%d", o->number); break;
    case PTX_CALLEE:
    case PTX_ABSENT: break;
    }
}

static void print_list(const ptx_function *f, const ptx_operand *list, int32_t count, pgd_text *out) {
    pgd_text_add(out, "(");
    for (int32_t i = 0; i < count; i++) {
        if (i > 0) pgd_text_add(out, ", ");
        print_operand(f, &list[i], out);
    }
    pgd_text_add(out, ")");
}

static void print_call(const ptx_function *f, const ptx_call *c, pgd_text *out) {
    if (c->result_count > 0) {
        print_list(f, c->results, c->result_count, out);
        pgd_text_add(out, ", ");
    }
    print_operand(f, &c->callee, out);
    if (c->argument_count > 0 || c->prototype != NULL) {
        pgd_text_add(out, ", ");
        print_list(f, c->arguments, c->argument_count, out);
    }
    if (c->prototype != NULL) pgd_text_add(out, ", %s", c->prototype->name);
}

/* ---- instructions ----------------------------------------------------------------------------------------------------------------------------------------- */

static void print_words(const ptx_instruction *i, pgd_text *out) {
    const ptx_form *form = ptx_form_get(i->form);
    pgd_text_add(out, "%s", form->opcode);
    for (int32_t k = 0; k < form->modifier_count; k++) {
        const ptx_modifier *m = &form->modifiers[k];
        if (m->kind == PTX_FIXED_WORD) pgd_text_add(out, ".%s", ptx_word_text(m->choices[0]));
        else if (m->kind == PTX_SLOT_TYPE) pgd_text_add(out, ".%s", ptx_types[i->types[m->slot]].name);
        else if (i->slots[m->slot] != PTX_NO_WORD) pgd_text_add(out, ".%s", ptx_word_text(i->slots[m->slot]));
    }
}

void ptx_print_instruction(const ptx_function *f, const ptx_instruction *i, pgd_text *out) {
    if (i->guarded) {
        pgd_text_add(out, i->guard_negated ? "@!" : "@");
        print_register(f, i->guard, out);
        pgd_text_add(out, " ");
    }
    print_words(i, out);
    for (int32_t k = 0; k < i->operand_count; k++) {
        pgd_text_add(out, k == 0 ? " " : ", ");
        print_operand(f, &i->operands[k], out);
        if (k == 0 && i->paired) {
            pgd_text_add(out, "|");
            print_register(f, i->pair, out);
        }
    }
    if (i->call != NULL) print_call(f, i->call, out);
    pgd_text_add(out, ";");
}

/* ---- declarations ------------------------------------------------------------------------------------------------------------------------------------------ */

static const char *const linkages[] = {"", ".visible ", ".extern ", ".weak ", ".common "};

static void print_reference(const ptx_reference *r, pgd_text *out) {
    if (r->shift > 0 || r->bytes < 8) pgd_text_add(out, "0x%llX(", (unsigned long long)(UINT64_C(0xff) << r->shift));
    pgd_text_add(out, r->generic ? "generic(%s)" : "%s", r->variable != NULL ? r->variable->name : r->function->name);
    if (r->addend != 0) pgd_text_add(out, "+%lld", (long long)r->addend);
    if (r->shift > 0 || r->bytes < 8) pgd_text_add(out, ")");
}

/* What is behind the last byte that is not 0 is not written. */
static void print_initial(const ptx_variable *v, pgd_text *out) {
    int64_t bytes = ptx_types[v->type].bits / 8, end = v->bytes, last = 0; /* last: of the elements that are written, the first always */
    const ptx_reference *r = v->references;
    while (end > 0 && v->initial[end - 1] == 0) end--;
    if (end > 0) last = (end - 1) / bytes * bytes;
    for (; r != NULL; r = r->next)
        if (r->offset > last) last = r->offset;
    pgd_text_add(out, " = {");
    r = v->references;
    for (int64_t at = 0; at <= last && at < v->bytes; at += bytes) {
        uint64_t bits = 0;
        for (int64_t i = 0; i < bytes && i < 8; i++) bits |= (uint64_t)v->initial[at + i] << (8 * i);
        if (at > 0) pgd_text_add(out, ", ");
        if (r != NULL && r->offset == at) print_reference(r, out), r = r->next;
        else if (ptx_types[v->type].kind == PTX_FLOAT) pgd_text_add(out, bytes == 4 ? "0f%08llX" : bytes == 8 ? "0d%016llX" : "0x%04llX", (unsigned long long)bits);
        else pgd_text_add(out, "%llu", (unsigned long long)bits);
    }
    pgd_text_add(out, "}");
}

static void print_variable(const ptx_variable *v, pgd_text *out) {
    pgd_text_add(out, "%s.%s .align %lld ", linkages[v->linkage], ptx_space_names[v->space], (long long)v->align);
    if (v->managed) pgd_text_add(out, ".attribute(.managed) ");
    if (v->vector > 1) pgd_text_add(out, ".v%d ", v->vector);
    pgd_text_add(out, ".%s ", ptx_types[v->type].name);
    print_name(v, out);
    if (v->unsized) pgd_text_add(out, "[]");
    else if (v->elems != 1) pgd_text_add(out, "[%lld]", (long long)v->elems);
    if (v->initial != NULL) print_initial(v, out);
}

static void print_declaration(const ptx_variable *v, pgd_text *out) {
    print_variable(v, out);
    pgd_text_add(out, ";\n");
}

static void print_parameters(const ptx_variable *list, pgd_text *out) {
    pgd_text_add(out, "(");
    for (const ptx_variable *v = list; v != NULL; v = v->next) {
        print_variable(v, out);
        if (v->next != NULL) pgd_text_add(out, ", ");
    }
    pgd_text_add(out, ")");
}

static void print_three(const char *word, const int32_t three[3], pgd_text *out) {
    if (three[0] != 0) pgd_text_add(out, "\n.%s %d, %d, %d", word, three[0], three[1], three[2]);
}

/* Which instructions something jumps to. NULL: no memory. */
static bool *targets_of(const ptx_function *f) {
    bool *is_target = pgd_mem_zalloc((size_t)f->instruction_count + 1);
    if (is_target == NULL) return NULL;
    for (int32_t i = 0; i < f->instruction_count; i++)
        if (f->instructions[i].operand_count > 0 && f->instructions[i].operands[0].kind == PTX_LABEL) is_target[f->instructions[i].operands[0].number] = true;
    for (int32_t t = 0; t < f->target_count; t++)
        for (int32_t k = 0; k < f->targets[t].count; k++) is_target[f->targets[t].labels[k].number] = true;
    return is_target;
}

static void print_prototypes(const ptx_function *f, pgd_text *out) {
    for (int32_t i = 0; i < f->instruction_count; i++) {
        const ptx_prototype *p = f->instructions[i].call != NULL ? f->instructions[i].call->prototype : NULL;
        bool first = p != NULL;
        for (int32_t k = 0; first && k < i; k++) first = f->instructions[k].call == NULL || f->instructions[k].call->prototype != p;
        if (!first) continue;
        pgd_text_add(out, "    %s: .callprototype ", p->name);
        print_parameters(p->results, out);
        pgd_text_add(out, " _ ");
        print_parameters(p->parameters, out);
        pgd_text_add(out, ";\n");
    }
}

static void print_body(const ptx_function *f, pgd_text *out) {
    bool *is_target = targets_of(f);
    if (is_target == NULL) {
        out->failed = true;
        return;
    }
    pgd_text_add(out, "\n{\n");
    for (int32_t r = 0; r < f->register_count; r++) pgd_text_add(out, "    .reg .%s %%r%d_%s;\n", ptx_types[f->registers[r].type].name, r, ptx_types[f->registers[r].type].name);
    for (const ptx_variable *v = f->locals; v != NULL; v = v->next) {
        pgd_text_add(out, "    ");
        print_declaration(v, out);
    }
    print_prototypes(f, out);
    for (int32_t t = 0; t < f->target_count; t++) {
        pgd_text_add(out, "    T%d: .branchtargets ", t);
        for (int32_t k = 0; k < f->targets[t].count; k++) pgd_text_add(out, k == 0 ? "L%d" : ", L%d", f->targets[t].labels[k].number);
        pgd_text_add(out, ";\n");
    }
    for (int32_t i = 0; i <= f->instruction_count; i++) {
        if (is_target[i]) pgd_text_add(out, "L%d:\n", i);
        if (i == f->instruction_count) break;
        pgd_text_add(out, "    ");
        ptx_print_instruction(f, &f->instructions[i], out);
        pgd_text_add(out, "\n");
    }
    pgd_text_add(out, "}\n");
    pgd_mem_free(is_target);
}

static void print_head(const ptx_function *f, pgd_text *out) {
    pgd_text_add(out, "%s.%s ", linkages[f->linkage], f->entry ? "entry" : "func");
    if (f->results != NULL) print_parameters(f->results, out), pgd_text_add(out, " ");
    pgd_text_add(out, "%s", f->name);
    print_parameters(f->parameters, out);
    if (f->no_return) pgd_text_add(out, "\n.noreturn");
}

static void print_definition(const ptx_function *f, pgd_text *out) {
    print_head(f, out);
    print_three("maxntid", f->max_threads, out);
    print_three("reqntid", f->required_threads, out);
    print_three("reqnctapercluster", f->required_cluster, out);
    if (f->min_blocks != 0) pgd_text_add(out, "\n.minnctapersm %d", f->min_blocks);
    if (f->max_registers != 0) pgd_text_add(out, "\n.maxnreg %d", f->max_registers);
    print_body(f, out);
}

void ptx_print(const ptx_module *m, pgd_text *out) {
    pgd_text_add(out, ".version %d.%d\n.target sm_%d%s\n.address_size 64\n", m->version / 10, m->version % 10, m->target, m->arch_specific ? "a" : "");
    for (const ptx_function *f = m->functions; f != NULL; f = f->next) { /* variables and calls may name any of them */
        if (f->entry && f->defined) continue;
        print_head(f, out);
        pgd_text_add(out, ";\n");
    }
    for (const ptx_variable *v = m->variables; v != NULL; v = v->next) {
        ptx_variable declaration = *v;
        declaration.linkage = PTX_EXTERN;
        declaration.initial = NULL;
        if (v->forward) print_declaration(&declaration, out);
    }
    for (const ptx_variable *v = m->variables; v != NULL; v = v->next)
        if (!v->forward) print_declaration(v, out);
    for (const ptx_variable *v = m->variables; v != NULL; v = v->next)
        if (v->forward) print_declaration(v, out);
    for (const ptx_function *f = m->functions; f != NULL; f = f->next)
        if (f->defined) print_definition(f, out);
}
