/* SPDX-License-Identifier: Apache-2.0
 * A list without doubles: the same instruction, or pair of instructions, is told of once and counted. */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FINDINGS_MAX = 1000, KEYS_MAX = 8192 };

void gpu_findings_deinit(gpu_findings *f) {
    pgd_mem_free(f->list);
    pgd_mem_free(f->keys);
    *f = (gpu_findings){0};
}

void gpu_findings_forget(gpu_findings *f, const ptx_module *module) {
    int32_t kept = 0;
    for (int32_t i = 0; i < f->key_count; i++)
        if (f->keys[i].module != module) f->keys[kept++] = f->keys[i];
    f->key_count = kept;
}

void gpu_findings_incomplete(gpu_findings *f, const char *why) {
    gpu_finding n = {.kind = "incomplete", .times = 1};
    if (f->incomplete) return;
    f->incomplete = true;
    snprintf(n.message, sizeof n.message, "%s", why);
    if (f->added != NULL) f->added(f->user, &n);
}

bool gpu_findings_again(gpu_findings *f, const char *kind, const void *one, const void *other) {
    for (int32_t i = 0; i < f->key_count; i++) {
        const gpu_finding_key *k = &f->keys[i];
        if (f->list[k->finding].kind != kind || !((k->one == one && k->other == other) || (k->one == other && k->other == one))) continue;
        f->list[k->finding].times++;
        return true;
    }
    return false;
}

/* Is the same known of the same two lines of the source, in a module that is there? -1: no. */
static int32_t known_by_lines(const gpu_findings *f, const gpu_finding *n, const ptx_module *module) {
    for (int32_t i = 0; i < f->key_count && n->source_line > 0 && n->other_source_line > 0; i++) {
        const gpu_finding *k = &f->list[f->keys[i].finding];
        if (f->keys[i].module != module || k->kind != n->kind || strcmp(k->kernel, n->kernel) != 0 || strcmp(k->source, n->source) != 0) continue;
        if ((k->source_line == n->source_line && k->other_source_line == n->other_source_line) || (k->source_line == n->other_source_line && k->other_source_line == n->source_line)) return f->keys[i].finding;
    }
    return -1;
}

static bool full(gpu_findings *f, int32_t count, int32_t most) {
    if (count == most) gpu_findings_incomplete(f, "so much was found that further things are not listed; mend some of it and run again");
    return count == most;
}

static bool keep(gpu_findings *f, bool room) {
    if (!room) gpu_findings_incomplete(f, GPU_CHECK_NO_MEMORY);
    return room;
}

/* false: no room. */
static bool add_key(gpu_findings *f, const void *one, const void *other, const ptx_module *module, int32_t finding) {
    if (full(f, f->key_count, KEYS_MAX) || !keep(f, pgd_grow(&f->keys, &f->key_capacity, f->key_count, sizeof *f->keys))) return false;
    f->keys[f->key_count++] = (gpu_finding_key){one, other, module, finding};
    return true;
}

/* A copy of it, which is told; NULL: no room. */
static gpu_finding *add(gpu_findings *f, const gpu_finding *told) {
    if (full(f, f->count, FINDINGS_MAX) || !keep(f, pgd_grow(&f->list, &f->capacity, f->count, sizeof *f->list))) return NULL;
    f->list[f->count] = *told;
    return &f->list[f->count++];
}

/* The first time. */
static void tell(gpu_findings *f, const gpu_finding *n, const void *one, const void *other, const ptx_module *module) {
    const gpu_finding *added = add(f, n);
    if (added == NULL) return;
    if (!add_key(f, one, other, module, f->count - 1)) f->count--;
    else if (f->added != NULL) f->added(f->user, added);
}

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
    const void *other = key != NULL ? (const void *)key : name;
    gpu_finding n = {.kind = kind, .times = 1, .other_source_line = key == NULL ? 0 : key->source_line};
    if (gpu_findings_again(f, kind, p->instruction, other)) return;
    place(&n, p->module, p->function, p->instruction, p->block, p->thread);
    int32_t same = known_by_lines(f, &n, p->module);
    if (same >= 0) {
        f->list[same].times++;
        (void)add_key(f, p->instruction, other, p->module, same);
        return;
    }
    gpu_place_say(p->module, p->function, p->instruction, p->block, p->thread, n.message, sizeof n.message);
    size_t length = strlen(n.message);
    length += (size_t)snprintf(n.message + length, sizeof n.message - length, ": ");
    vsnprintf(n.message + length, sizeof n.message - length, what, arguments);
    tell(f, &n, p->instruction, other, p->module);
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
    gpu_finding *n = add(f, &told);
    if (n != NULL && f->added != NULL) f->added(f->user, n);
}

const char *gpu_fault_name(gpu_fault_kind kind) {
    static const char *const names[] = {
        "",
#define X(name, said) said,
        GPU_FAULT_LIST(X)
#undef X
    };
    return names[kind];
}

void gpu_findings_add_fault(gpu_findings *f, const gpu_launch *launch, const gpu_fault *fault) {
    gpu_finding n = {.kind = gpu_fault_name(fault->kind), .times = 1};
    if (gpu_findings_again(f, n.kind, fault->instruction, NULL)) return;
    place(&n, launch->program->module, fault->function, fault->instruction, fault->block, fault->thread);
    snprintf(n.message, sizeof n.message, "%s", fault->text);
    tell(f, &n, fault->instruction, NULL, launch->program->module);
}
