/* SPDX-License-Identifier: Apache-2.0
 * A list without doubles: the same instruction, or pair of instructions, is told of once and counted. */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 1000 };

void gpu_findings_deinit(gpu_findings *f) {
    pgd_mem_free(f->list);
    pgd_mem_free(f->keys);
    *f = (gpu_findings){0};
}

void gpu_findings_forget(gpu_findings *f) {
    for (int32_t i = 0; i < f->count; i++)
        if (f->list[i].kernel[0] != '\0') f->keys[2 * i] = f->keys[2 * i + 1] = NULL;
}

void gpu_findings_incomplete(gpu_findings *f, const char *why) {
    gpu_finding n = {.kind = "incomplete", .times = 1};
    if (f->incomplete) return;
    f->incomplete = true;
    snprintf(n.message, sizeof n.message, "%s", why);
    if (f->added != NULL) f->added(f->user, &n);
}

static gpu_finding *known(gpu_findings *f, const char *kind, const void *one, const void *other) {
    for (int32_t i = 0; i < f->count; i++) {
        const void *const *keys = f->keys + 2 * i;
        if (f->list[i].kind == kind && ((keys[0] == one && keys[1] == other) || (keys[0] == other && keys[1] == one))) return &f->list[i];
    }
    return NULL;
}

bool gpu_findings_again(gpu_findings *f, const char *kind, const ptx_instruction *one, const ptx_instruction *other) {
    gpu_finding *before = known(f, kind, one, other);
    if (before != NULL) before->times++;
    return before != NULL;
}

/* Is the same known of the same two lines of the source? Those of modules that are gone are others. */
static bool known_by_lines(const gpu_findings *f, const gpu_finding *n) {
    for (int32_t i = 0; i < f->count; i++) {
        const gpu_finding *k = &f->list[i];
        if (k == n || f->keys[2 * i] == NULL || k->kind != n->kind || k->source_line == 0 || k->other_source_line == 0 || strcmp(k->kernel, n->kernel) != 0 || strcmp(k->source, n->source) != 0) continue;
        if ((k->source_line == n->source_line && k->other_source_line == n->other_source_line) || (k->source_line == n->other_source_line && k->other_source_line == n->source_line)) return true;
    }
    return false;
}

static gpu_finding *make(gpu_findings *f, const char *kind, const void *one, const void *other) {
    if (f->count == FINDINGS_MAX) {
        gpu_findings_incomplete(f, "1000 different things were found, and further ones are not listed; mend some of them and run again");
        return NULL;
    }
    bool room = pgd_grow(&f->list, &f->capacity, f->count, sizeof *f->list);
    while (room && f->key_capacity < 2 * (f->count + 1)) room = pgd_grow(&f->keys, &f->key_capacity, f->key_capacity, sizeof *f->keys);
    if (!room) {
        gpu_findings_incomplete(f, GPU_CHECK_NO_MEMORY);
        return NULL;
    }
    f->keys[2 * f->count] = one;
    f->keys[2 * f->count + 1] = other;
    f->list[f->count] = (gpu_finding){.kind = kind, .times = 1};
    return &f->list[f->count++];
}

static gpu_finding *add(gpu_findings *f, const char *kind, const void *one, const void *other) { return gpu_findings_again(f, kind, one, other) ? NULL : make(f, kind, one, other); }

static void place(gpu_finding *n, const ptx_module *module, const ptx_function *function, const ptx_instruction *i, const uint32_t block[3], const uint32_t thread[3]) {
    const char *source = i == NULL ? NULL : ptx_source_file(module, i);
    snprintf(n->kernel, sizeof n->kernel, "%s", function == NULL ? "" : function->name);
    snprintf(n->source, sizeof n->source, "%s", source == NULL ? "" : source);
    memcpy(n->block, block, sizeof n->block);
    memcpy(n->thread, thread, sizeof n->thread);
    n->line = i == NULL ? 0 : i->place.line;
    n->source_line = source == NULL ? 0 : i->source_line;
}

static void add_at(gpu_findings *f, const char *kind, const gpu_findings_place *p, const ptx_instruction *key, const char *name, const char *what, va_list arguments) {
    gpu_finding *n = add(f, kind, p->instruction, key != NULL ? (const void *)key : name);
    if (n == NULL) return;
    place(n, p->module, p->function, p->instruction, p->block, p->thread);
    n->other_source_line = key == NULL ? 0 : key->source_line;
    if (known_by_lines(f, n)) return; /* these instructions are known now, too */
    gpu_place_say(p->module, p->function, p->instruction, p->block, p->thread, n->message, sizeof n->message);
    size_t length = strlen(n->message);
    length += (size_t)snprintf(n->message + length, sizeof n->message - length, ": ");
    vsnprintf(n->message + length, sizeof n->message - length, what, arguments);
    if (f->added != NULL) f->added(f->user, n);
}

void gpu_findings_add(gpu_findings *f, const char *kind, const gpu_access *a, const ptx_instruction *key, const char *what, ...) {
    const gpu_findings_place p = {a->launch->program->module, a->function, a->instruction, a->block, a->thread};
    va_list arguments;
    va_start(arguments, what);
    add_at(f, kind, &p, key, NULL, what, arguments);
    va_end(arguments);
}

void gpu_findings_add_at(gpu_findings *f, const char *kind, const gpu_findings_place *p, const ptx_instruction *key, const char *name, const char *what, ...) {
    va_list arguments;
    va_start(arguments, what);
    add_at(f, kind, p, key, name, what, arguments);
    va_end(arguments);
}

/* Of one sentence only one. */
void gpu_findings_add_call(gpu_findings *f, const char *kind, const char *what, ...) {
    gpu_finding told = {.kind = kind, .times = 1};
    va_list arguments;
    va_start(arguments, what);
    vsnprintf(told.message, sizeof told.message, what, arguments);
    va_end(arguments);
    for (int32_t i = 0; i < f->count; i++) {
        if (f->list[i].kind != kind || strcmp(f->list[i].message, told.message) != 0) continue;
        f->list[i].times++;
        return;
    }
    gpu_finding *n = make(f, kind, NULL, NULL);
    if (n == NULL) return;
    *n = told;
    if (f->added != NULL) f->added(f->user, n);
}

const char *gpu_fault_name(gpu_fault_kind kind) {
    static const char *const names[] = {
        "",
#define X(name, text) #name,
        GPU_FAULT_LIST(X)
#undef X
    };
    return names[kind];
}

void gpu_findings_add_fault(gpu_findings *f, const gpu_launch *launch, const gpu_fault *fault) {
    gpu_finding *n = add(f, gpu_fault_name(fault->kind), fault->instruction, NULL);
    if (n == NULL) return;
    place(n, launch->program->module, fault->function, fault->instruction, fault->block, fault->thread);
    snprintf(n->message, sizeof n->message, "%s", fault->text);
    if (f->added != NULL) f->added(f->user, n);
}
