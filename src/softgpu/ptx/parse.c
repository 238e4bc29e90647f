/* SPDX-License-Identifier: Apache-2.0
 * Reads a module: the tokens under the reader's finger, mistakes, and the directives outside functions. */
#include "parser.h"

#include <string.h>

/* ---- mistakes ------------------------------------------------------------------------------------------------------------------------------------------ */

static void note(ptx_parser *p, pgd_status status, ptx_place place, const char *format, va_list arguments) {
    if (p->status == PGD_OK) p->status = status;
    if (p->mistakes++ >= PTX_MISTAKES_MAX) return;
    pgd_text_add(p->log, "line %d, column %d: ", place.line, place.column);
    pgd_text_addv(p->log, format, arguments);
    pgd_text_add(p->log, "\n");
}

static void note_wrong_token(ptx_parser *p, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    note(p, PGD_CORRUPT, p->token.place, format, arguments);
    va_end(arguments);
}

bool ptx_mistake(ptx_parser *p, ptx_place place, const char *format, ...) {
    va_list arguments;
    bool here = p->token.kind == PTX_WRONG && place.line == p->token.place.line && place.column == p->token.place.column;
    if (here) { /* whatever was wanted, this is no token */
        note_wrong_token(p, "%s", p->token.text);
        return false;
    }
    va_start(arguments, format);
    note(p, PGD_CORRUPT, place, format, arguments);
    va_end(arguments);
    return false;
}

bool ptx_missing(ptx_parser *p, ptx_place place, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    note(p, PGD_UNSUPPORTED, place, format, arguments);
    va_end(arguments);
    return false;
}

bool ptx_no_memory(ptx_parser *p) {
    p->status = PGD_NO_MEMORY;
    p->mistakes = PTX_MISTAKES_MAX;
    return false;
}

void *ptx_room(ptx_parser *p, size_t bytes) {
    void *room = pgd_arena_alloc(&p->module->arena, bytes == 0 ? 1 : bytes);
    if (room == NULL) ptx_no_memory(p);
    return room;
}

/* ---- tokens -------------------------------------------------------------------------------------------------------------------------------------------- */

void ptx_step(ptx_parser *p) {
    p->token = p->ahead;
    if (p->ahead.kind != PTX_END && p->ahead.kind != PTX_WRONG) p->ahead = ptx_lexer_next(&p->lexer);
}

bool ptx_at(const ptx_parser *p, int32_t mark) { return p->token.kind == PTX_MARK && p->token.mark == mark; }

bool ptx_accept(ptx_parser *p, int32_t mark) {
    if (!ptx_at(p, mark)) return false;
    ptx_step(p);
    return true;
}

/* What the token is, for a sentence. */
static const char *token_text(const ptx_token *t, char *text, size_t bytes) {
    const char *end = t->kind == PTX_END ? "the end of the text" : t->kind == PTX_WRONG ? t->text : NULL;
    if (end != NULL) return end;
    size_t count = t->kind == PTX_MARK ? (t->mark > 255 ? 2 : 1) : t->kind == PTX_WHOLE || t->kind == PTX_SINGLE || t->kind == PTX_DOUBLE ? 0 : t->count;
    if (count == 0) return "a number";
    if (count > bytes - 8) count = bytes - 8;
    char *at = text;
    *at++ = '"';
    if (t->kind == PTX_DOTTED) *at++ = '.';
    memcpy(at, t->text, count);
    at[count] = '"';
    at[count + 1] = '\0';
    return text;
}

bool ptx_expect(ptx_parser *p, int32_t mark, const char *where) {
    char text[64];
    if (ptx_accept(p, mark)) return true;
    return ptx_mistake(p, p->token.place, "\"%c\" is needed %s, not %s", mark, where, token_text(&p->token, text, sizeof text));
}

static bool is(const ptx_token *t, ptx_token_kind kind, const char *word) { return t->kind == kind && strlen(word) == t->count && memcmp(t->text, word, t->count) == 0; }

bool ptx_at_dotted(const ptx_parser *p, const char *word) { return is(&p->token, PTX_DOTTED, word); }

bool ptx_accept_dotted(ptx_parser *p, const char *word) {
    if (!ptx_at_dotted(p, word)) return false;
    ptx_step(p);
    return true;
}

const char *ptx_token_name(ptx_parser *p) {
    ptx_name *name = ptx_names_intern(&p->names, p->token.text, p->token.count);
    if (name != NULL) return name->text;
    ptx_no_memory(p);
    return NULL;
}

void ptx_skip_statement(ptx_parser *p) {
    int32_t depth = 0;
    while (p->token.kind != PTX_END && p->token.kind != PTX_WRONG) {
        if (depth == 0 && ptx_at(p, '}')) return;
        if (depth == 0 && ptx_accept(p, ';')) return;
        depth += ptx_at(p, '{') ? 1 : ptx_at(p, '}') ? -1 : 0;
        ptx_step(p);
    }
}

/* ---- directives ---------------------------------------------------------------------------------------------------------------------------------------- */

/* .version 7.8, which a lexer reads as a real. */
static bool version(ptx_parser *p) {
    double value;
    if (p->token.kind != PTX_DOUBLE) return ptx_mistake(p, p->token.place, ".version needs a number like 7.8");
    memcpy(&value, &p->token.bits, sizeof value);
    if (!(value >= 1 && value < 10)) return ptx_mistake(p, p->token.place, ".version is beyond all that were ever published");
    p->module->version = (int32_t)(value * 10 + 0.5);
    ptx_step(p);
    return true;
}

static bool is_architecture(int32_t number) {
    static const uint8_t known[] = {10, 11, 12, 13, 20, 21, 30, 32, 35, 37, 50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 88, 89, 90, 100, 101, 103, 110, 120, 121};
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (known[k] == number) return true;
    return false;
}

/* .target sm_90a, texmode_independent, debug ... */
static bool target(ptx_parser *p) {
    do {
        if (p->token.kind != PTX_NAME) return ptx_mistake(p, p->token.place, ".target needs a name like sm_90");
        if (p->token.count > 3 && memcmp(p->token.text, "sm_", 3) == 0) {
            int32_t number = 0;
            size_t i = 3;
            for (; i < p->token.count && p->token.text[i] >= '0' && p->token.text[i] <= '9' && number < 1000; i++) number = number * 10 + (p->token.text[i] - '0');
            p->module->arch_specific = i + 1 == p->token.count && (p->token.text[i] == 'a' || p->token.text[i] == 'f');
            if (!is_architecture(number) || i + (size_t)p->module->arch_specific != p->token.count) return ptx_mistake(p, p->token.place, ".target: no architecture of this name is known; there are sm_50 to sm_121");
            p->module->target = number;
        } else if (!is(&p->token, PTX_NAME, "debug") && !is(&p->token, PTX_NAME, "texmode_independent") && !is(&p->token, PTX_NAME, "texmode_unified") && !is(&p->token, PTX_NAME, "map_f64_to_f32")) {
            return ptx_mistake(p, p->token.place, ".target: nothing of this name is known");
        }
        ptx_step(p);
    } while (ptx_accept(p, ','));
    if (p->module->target == 0) return ptx_mistake(p, p->token.place, ".target names no sm_ architecture");
    return true;
}

static bool address_size(ptx_parser *p) {
    int64_t bits;
    if (!ptx_read_small(p, 32, 64, ".address_size", &bits)) return false;
    if (bits == 32) return ptx_missing(p, p->token.place, ".address_size 32: only modules with addresses of 64 bits are run");
    p->module->wide = true;
    return true;
}

/* .file N "name" (, time, size) */
static bool file(ptx_parser *p) {
    int64_t number, ignored;
    if (!ptx_read_small(p, 0, 1 << 16, ".file", &number)) return false;
    if (p->token.kind != PTX_STRING) return ptx_mistake(p, p->token.place, ".file needs a name in quotes");
    if (number >= p->module->file_count) {
        const char **files = ptx_room(p, sizeof *files * (size_t)(2 * number + 8));
        if (files == NULL) return false;
        if (p->module->file_count > 0) memcpy(files, p->module->files, sizeof *files * (size_t)p->module->file_count);
        p->module->files = files;
        p->module->file_count = (int32_t)(2 * number + 8);
    }
    p->module->files[number] = ptx_token_name(p);
    if (p->module->files[number] == NULL) return false;
    ptx_step(p);
    while (ptx_accept(p, ','))
        if (!ptx_read_small(p, 0, INT64_MAX, ".file", &ignored)) return false;
    return true;
}

/* .section .debug_info { ... }: for debuggers. */
static bool section(ptx_parser *p) {
    int32_t depth = 0;
    ptx_step(p);
    if (!ptx_at(p, '{')) return ptx_mistake(p, p->token.place, "\"{\" is needed after the name of a .section");
    do {
        depth += ptx_at(p, '{') ? 1 : ptx_at(p, '}') ? -1 : 0;
        ptx_step(p);
    } while (depth > 0 && p->token.kind != PTX_END && p->token.kind != PTX_WRONG);
    return depth == 0 || ptx_mistake(p, p->token.place, "this .section never ends");
}

static bool pragma(ptx_parser *p) {
    while (p->token.kind == PTX_STRING || ptx_at(p, ',')) ptx_step(p);
    return ptx_expect(p, ';', "after .pragma");
}

static ptx_prefix prefix(ptx_parser *p) {
    ptx_prefix found = {PTX_INTERNAL, p->token.place};
    for (;; ptx_step(p)) {
        if (ptx_at_dotted(p, "visible")) found.linkage = PTX_VISIBLE;
        else if (ptx_at_dotted(p, "extern")) found.linkage = PTX_EXTERN;
        else if (ptx_at_dotted(p, "weak")) found.linkage = PTX_WEAK;
        else if (ptx_at_dotted(p, "common")) found.linkage = PTX_COMMON;
        else return found;
    }
}

static bool directive(ptx_parser *p) {
    char text[64];
    ptx_prefix found = prefix(p);
    if (ptx_accept_dotted(p, "version")) return version(p);
    if (ptx_accept_dotted(p, "target")) return target(p);
    if (ptx_accept_dotted(p, "address_size")) return address_size(p);
    if (ptx_accept_dotted(p, "file")) return file(p);
    if (ptx_accept_dotted(p, "section")) return section(p);
    if (ptx_accept_dotted(p, "pragma")) return pragma(p);
    if (p->module->version == 0 || p->module->target == 0) return ptx_mistake(p, p->token.place, ".version and .target must stand before everything else");
    if (ptx_accept_dotted(p, "entry")) return ptx_read_function(p, true, found);
    if (ptx_accept_dotted(p, "func")) return ptx_read_function(p, false, found);
    if (ptx_accept_dotted(p, "global")) return ptx_read_variables(p, PTX_SPACE_global, found);
    if (ptx_accept_dotted(p, "const")) return ptx_read_variables(p, PTX_SPACE_const, found);
    if (ptx_accept_dotted(p, "shared")) return ptx_read_variables(p, PTX_SPACE_shared, found);
    if (ptx_accept(p, ';')) return true;
    if (ptx_at_dotted(p, "tex") || ptx_at_dotted(p, "alias")) return ptx_missing(p, p->token.place, ".%.*s is not built here", (int)p->token.count, p->token.text);
    return ptx_mistake(p, p->token.place, "a directive is needed here, not %s", token_text(&p->token, text, sizeof text));
}

/* ---- the module ---------------------------------------------------------------------------------------------------------------------------------------- */

static void read_all(ptx_parser *p) {
    p->ahead = ptx_lexer_next(&p->lexer);
    ptx_step(p);
    while (p->token.kind != PTX_END && p->mistakes < PTX_MISTAKES_MAX) {
        int32_t before = p->mistakes;
        if (directive(p)) continue;
        if (p->mistakes == before || p->token.kind == PTX_WRONG) break;
        while (p->token.kind != PTX_END && p->token.kind != PTX_WRONG && !(p->token.kind == PTX_DOTTED && (ptx_at_dotted(p, "visible") || ptx_at_dotted(p, "entry") || ptx_at_dotted(p, "func")))) ptx_step(p);
    }
    if (p->token.kind == PTX_WRONG && p->mistakes == 0) ptx_mistake(p, p->token.place, "%s", p->token.text);
    if (p->mistakes == 0 && p->module->version == 0) ptx_mistake(p, p->token.place, "this text holds no PTX module: .version is missing");
    if (p->mistakes == 0 && p->module->target == 0) ptx_mistake(p, p->token.place, "this module does not say which architecture it is for: .target is missing");
    if (p->mistakes == 0 && !p->module->wide) ptx_missing(p, p->token.place, ".address_size 64 is missing: only modules with addresses of 64 bits are run");
}

pgd_status ptx_parse(const char *text, size_t bytes, pgd_text *log, ptx_module **out) {
    *out = NULL;
    if (bytes > PTX_TEXT_MAX) return pgd_fail(PGD_BAD_ARG, "PTX of %zu bytes; at most %d are read", bytes, (int)PTX_TEXT_MAX);
    ptx_module *module = pgd_mem_zalloc(sizeof *module);
    if (module == NULL) return pgd_fail_memory(sizeof *module);
    ptx_parser p = {.module = module, .lexer = ptx_lexer_begin(text, bytes), .log = log, .variables_end = &module->variables, .functions_end = &module->functions};
    if (!ptx_names_init(&p.names, &module->arena)) {
        pgd_mem_free(module);
        return pgd_fail_memory(sizeof(ptx_name *) * 1024);
    }
    read_all(&p);
    pgd_mem_free(p.registers);
    pgd_mem_free(p.instructions);
    pgd_mem_free(p.targets);
    pgd_mem_free(p.pending);
    ptx_names_deinit(&p.names);
    if (p.status == PGD_OK) {
        *out = module;
        return PGD_OK;
    }
    ptx_module_destroy(module);
    if (p.status == PGD_NO_MEMORY) return pgd_fail_memory(bytes);
    return pgd_fail(p.status, "PTX: %.*s", log->chars == NULL ? 0 : (int)strcspn(log->chars, "\n"), log->chars == NULL ? "" : log->chars);
}

void ptx_module_destroy(ptx_module *module) {
    if (module == NULL) return;
    pgd_arena_deinit(&module->arena);
    pgd_mem_free(module);
}

const char *ptx_source_file(const ptx_module *m, const ptx_instruction *i) {
    const char *path = i->source_line > 0 && i->file >= 0 && i->file < m->file_count ? m->files[i->file] : NULL, *slash = path == NULL ? NULL : strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

ptx_variable *ptx_variable_find(const ptx_module *module, const char *name) {
    for (ptx_variable *v = module->variables; v != NULL; v = v->next)
        if (strcmp(v->name, name) == 0) return v;
    return NULL;
}

ptx_function *ptx_function_find(const ptx_module *module, const char *name) {
    for (ptx_function *f = module->functions; f != NULL; f = f->next)
        if (strcmp(f->name, name) == 0) return f;
    return NULL;
}
