/* SPDX-License-Identifier: Apache-2.0
 * What calls of the driver's functions do to a thread; text and memory go through the launch's services. */
#include "gpu_syscalls.h"

#include <stdio.h>
#include <string.h>

#include "gpu_heap.h"

typedef unsigned long long ull;

/* ---- which one ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int64_t bytes[1 + GPU_SYSCALL_PARAMETERS];
} known[] = {
#define X(name, ...) {#name, {__VA_ARGS__}},
    GPU_SYSCALL_LIST(X)
#undef X
};

static bool fits(const ptx_variable *v, const int64_t *bytes, int32_t most) {
    int32_t k = 0;
    for (; v != NULL && k < most; v = v->next, k++)
        if (v->bytes != bytes[k]) return false;
    return v == NULL && (k == most || bytes[k] == 0);
}

gpu_syscall gpu_syscall_of(const ptx_function *f) {
    int32_t k = 0;
    if (f->defined || f->entry) return GPU_SYSCALL_COUNT;
    while (k < GPU_SYSCALL_COUNT && strcmp(known[k].name, f->name) != 0) k++;
    if (k < GPU_SYSCALL_COUNT && (!fits(f->results, known[k].bytes, 1) || !fits(f->parameters, known[k].bytes + 1, GPU_SYSCALL_PARAMETERS))) return GPU_SYSCALL_COUNT;
    return (gpu_syscall)k;
}

uint32_t gpu_syscalls_reached(const gpu_program *p, const ptx_function *kernel) {
    uint32_t found = 0;
    bool *reached;
    if (gpu_program_reached(p, kernel, &reached) != PGD_OK) return UINT32_MAX;
    for (int32_t k = 0; k < p->function_count; k++) {
        gpu_syscall which = reached[k] ? gpu_syscall_of(p->functions[k]) : GPU_SYSCALL_COUNT;
        if (which != GPU_SYSCALL_COUNT) found |= UINT32_C(1) << which;
    }
    pgd_mem_free(reached);
    return found;
}

/* ---- what nothing defines ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool undefined(const ptx_function *f) { return f != NULL && !f->defined && gpu_syscall_of(f) == GPU_SYSCALL_COUNT; }

static bool tell_undefined(const ptx_function *f, ptx_place place, pgd_text *log) {
    if (!undefined(f)) return true;
    bool of_libdevice = strncmp(f->name, "__nv_", 5) == 0, other = false;
    for (int32_t k = 0; k < GPU_SYSCALL_COUNT; k++) other = other || strcmp(known[k].name, f->name) == 0;
    pgd_text_add(log, "line %d, column %d: %s is used here, and nothing defines it; %s\n", place.line, place.column, f->name,
                 of_libdevice ? "it is of libdevice, which nvcc has with it, and clang where it finds the CUDA toolkit; pagoda/cuda_kernel.h has its own" : other ? "a driver supplies one with other parameters" : "link what does, or compile it into this module");
    return false;
}

static bool operand_is_defined(const ptx_operand *o, ptx_place place, pgd_text *log) {
    bool fine = tell_undefined(o->function, place, log);
    for (int32_t k = 0; o->kind == PTX_VECTOR && k < o->count; k++) fine = operand_is_defined(&o->items[k], place, log) && fine;
    return fine;
}

pgd_status gpu_syscalls_resolve(const ptx_module *m, pgd_text *log) {
    bool fine = true;
    for (const ptx_function *f = m->functions; f != NULL; f = f->next)
        for (int32_t k = 0; k < f->instruction_count; k++) {
            const ptx_instruction *i = &f->instructions[k];
            for (int32_t n = 0; n < i->operand_count; n++) fine = operand_is_defined(&i->operands[n], i->place, log) && fine;
            if (i->call != NULL) fine = tell_undefined(i->call->callee.function, i->place, log) && fine;
        }
    for (const ptx_variable *v = m->variables; v != NULL; v = v->next)
        for (const ptx_reference *r = v->references; r != NULL; r = r->next) fine = tell_undefined(r->function, v->place, log) && fine;
    return fine ? PGD_OK : pgd_fail(PGD_UNSUPPORTED, "PTX uses functions that nothing defines");
}

/* ---- vprintf ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool print(const gpu_caller *c, const uint64_t *parameters, uint64_t *result) {
    const gpu_services *s = c->launch->services;
    pgd_text text = {0};
    int32_t taken;
    bool fine = gpu_printf(c, parameters[0], parameters[1], &text, &taken);
    if (fine && s != NULL && s->print != NULL && text.count > 0) s->print(s->user, text.chars, text.count);
    pgd_mem_free(text.chars);
    *result = (uint32_t)taken;
    return fine;
}

/* ---- __assertfail ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const char *shown(const pgd_text *t) { return t->chars == NULL || t->chars[0] == '\0' ? "?" : t->chars; }

/* message, file, line, function, bytes of a character. CUDA writes a line for each thread whose assertion fails; here the first ends the launch. */
static bool fail_assertion(const gpu_caller *c, const uint64_t *parameters) {
    enum { STRING_MAX = 200 };
    static const int32_t strings[] = {0, 1, 3};
    pgd_text text[3] = {{0}};
    bool fine = true, first = c->told->kind == GPU_NO_FAULT;
    char what[400];
    for (int32_t k = 0; k < 3 && fine; k++) fine = parameters[strings[k]] == 0 || parameters[4] != 1 || gpu_printf_string(c, parameters[strings[k]], STRING_MAX, &text[k]);
    if (fine) {
        snprintf(what, sizeof what, "assertion `%s` failed (%s:%u)", shown(&text[0]), shown(&text[1]), (uint32_t)parameters[2]);
        c->fault(c->user, GPU_FAULT_ASSERT, what);
        const uint32_t *b = c->told->block, *t = c->told->thread;
        if (first)
            snprintf(c->told->assertion, sizeof c->told->assertion, "%s:%u: %s: block: [%u,%u,%u], thread: [%u,%u,%u] Assertion `%s` failed.", shown(&text[1]), (uint32_t)parameters[2], shown(&text[2]), b[0], b[1], b[2], t[0],
                     t[1], t[2], shown(&text[0]));
    }
    for (int32_t k = 0; k < 3; k++) pgd_mem_free(text[k].chars);
    return false;
}

/* ---- malloc, free ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static uint64_t allocate(const gpu_services *s, uint64_t bytes) {
    uint64_t address = s == NULL || s->heap == NULL ? 0 : gpu_heap_allocate(s->heap, bytes);
    if (address != 0 && s->allocated != NULL) s->allocated(s->user, address, bytes);
    return address;
}

static bool give_back(const gpu_caller *c, uint64_t address) {
    const gpu_services *s = c->launch->services;
    gpu_allocation nearest = {0};
    char what[160];
    if (address == 0 || (s != NULL && s->heap != NULL && gpu_heap_free(s->heap, address, &nearest))) return true;
    bool inside = nearest.kind == GPU_MEMORY_HEAP && nearest.address != 0 && address - nearest.address < nearest.bytes;
    if (inside && nearest.freed) snprintf(what, sizeof what, "frees 0x%llx, in memory that was freed before (0x%llx, %llu bytes)", (ull)address, (ull)nearest.address, (ull)nearest.bytes);
    else if (inside && address != nearest.address) snprintf(what, sizeof what, "frees 0x%llx, %llu bytes behind the beginning of what malloc gave", (ull)address, (ull)(address - nearest.address));
    else snprintf(what, sizeof what, "frees 0x%llx, which no malloc of a kernel of this context gave", (ull)address);
    return c->fault(c->user, GPU_FAULT_FREE, what);
}

bool gpu_syscall_run(const gpu_caller *c, gpu_syscall which, const uint64_t parameters[GPU_SYSCALL_PARAMETERS], uint64_t *result) {
    *result = 0;
    switch (which) {
    case GPU_SYSCALL_vprintf: return print(c, parameters, result);
    case GPU_SYSCALL___assertfail: return fail_assertion(c, parameters);
    case GPU_SYSCALL_malloc: *result = allocate(c->launch->services, parameters[0]); return true;
    case GPU_SYSCALL_free: return give_back(c, parameters[0]);
    default: return true;
    }
}
