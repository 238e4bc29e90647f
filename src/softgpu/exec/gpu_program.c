/* SPDX-License-Identifier: Apache-2.0
 * Loading: places for variables, then their contents, in which addresses of others may stand. */
#include "gpu_program.h"

#include <string.h>

/* All variables of known places: the module's own, and those of function bodies in .shared memory. */
typedef struct walk {
    const ptx_variable *variable;
    const ptx_function *function; /* in whose body it stands; NULL: in none */
} walk;

static walk first(const ptx_module *m) { return (walk){m->variables, NULL}; }

static void settle(const ptx_module *m, walk *w) {
    while (w->variable == NULL) {
        w->function = w->function == NULL ? m->functions : w->function->next;
        if (w->function == NULL) return;
        w->variable = w->function->locals;
    }
}

static bool placed(const ptx_variable *v) { return v->space == PTX_SPACE_global || v->space == PTX_SPACE_const || v->space == PTX_SPACE_shared; }

/* Calls `each` for every variable that has a place of its own in the program, in a fixed order. */
static pgd_status for_each(gpu_program *p, pgd_status (*each)(gpu_program *p, const ptx_variable *v, int32_t number)) {
    walk w = first(p->module);
    for (settle(p->module, &w); w.variable != NULL; w.variable = w.variable->next, settle(p->module, &w))
        if (placed(w.variable)) PGD_TRY(each(p, w.variable, w.variable->index));
    return PGD_OK;
}

/* Of unknown size, x[]: what a launch asks for behind all others. */
static pgd_status place(gpu_program *p, const ptx_variable *v, int32_t number) {
    p->variables[number] = v;
    if (v->space != PTX_SPACE_shared) {
        if (p->memory == NULL) return PGD_OK;
        if (v->linkage == PTX_EXTERN) return pgd_fail(PGD_UNSUPPORTED, "PTX: .extern variable %s is defined nowhere; define it in this module", v->name);
        return gpu_memory_allocate(p->memory, v->space == PTX_SPACE_const ? GPU_MEMORY_CONSTANT : v->managed ? GPU_MEMORY_MANAGED : GPU_MEMORY_DEVICE, p->device, (uint64_t)v->bytes, (uint64_t)v->align, v->name, &p->addresses[number]);
    }
    if (v->unsized || v->linkage == PTX_EXTERN) {
        p->addresses[number] = UINT64_MAX; /* see gpu_program_address */
        if ((uint64_t)v->align > p->dynamic_align) p->dynamic_align = (uint64_t)v->align;
        return PGD_OK;
    }
    return PGD_OK; /* later: see place_shared */
}

/* ---- shared memory ---------------------------------------------------------------------------------------------------------------------------------------------------- */

enum { NOBODYS = -1, EVERYBODYS = -2 }; /* who uses a variable; else the number of the one kernel that does */

static void use(int32_t *users, const ptx_variable *v, int32_t who) {
    if (v == NULL || v->space != PTX_SPACE_shared || v->parameter) return;
    users[v->index] = users[v->index] == NOBODYS || users[v->index] == who ? who : EVERYBODYS;
}

static void use_operand(int32_t *users, const ptx_operand *o, int32_t who) {
    use(users, o->variable, who);
    for (int32_t k = 0; o->kind == PTX_VECTOR && k < o->count; k++) use_operand(users, &o->items[k], who);
}

/* A function that is no kernel may be called by any. */
static void find_users(const gpu_program *p, int32_t *users) {
    for (int32_t f = 0; f < p->function_count; f++) {
        int32_t who = p->functions[f]->entry ? f : EVERYBODYS;
        for (int32_t i = 0; i < p->functions[f]->instruction_count; i++) {
            const ptx_instruction *at = &p->functions[f]->instructions[i];
            for (int32_t k = 0; k < at->operand_count; k++) use_operand(users, &at->operands[k], who);
            for (int32_t k = 0; at->call != NULL && k < at->call->argument_count; k++) use_operand(users, &at->call->arguments[k], who);
        }
    }
    for (int32_t i = 0; i < p->variable_count; i++)
        for (const ptx_reference *r = p->variables[i] == NULL ? NULL : p->variables[i]->references; r != NULL; r = r->next) use(users, r->variable, EVERYBODYS);
}

static bool has_place(const gpu_program *p, int32_t number) {
    const ptx_variable *v = p->variables[number];
    return v != NULL && v->space == PTX_SPACE_shared && p->addresses[number] != UINT64_MAX;
}

static void place_at(gpu_program *p, int32_t number, uint64_t *end) {
    const ptx_variable *v = p->variables[number];
    p->addresses[number] = (*end + (uint64_t)v->align - 1) & -(uint64_t)v->align;
    *end = p->addresses[number] + (uint64_t)v->bytes;
}

/* First what several use, then behind it for each kernel what it uses alone. */
static pgd_status place_shared(gpu_program *p) {
    int32_t *users = p->users = pgd_mem_alloc(sizeof *users * (size_t)(p->variable_count + 1));
    uint64_t common = 0;
    if (users == NULL) return pgd_fail_memory(sizeof *users * (size_t)p->variable_count);
    for (int32_t i = 0; i < p->variable_count; i++) users[i] = NOBODYS;
    find_users(p, users);
    for (int32_t i = 0; i < p->variable_count; i++)
        if (has_place(p, i) && users[i] == EVERYBODYS) place_at(p, i, &common);
    for (int32_t i = 0; i < p->variable_count; i++)
        if (has_place(p, i) && users[i] == NOBODYS) place_at(p, i, &common); /* unless by numbers for addresses */
    for (int32_t f = 0; f < p->function_count; f++) p->kernel_shared_bytes[f] = common;
    for (int32_t i = 0; i < p->variable_count; i++)
        if (has_place(p, i) && users[i] >= 0) place_at(p, i, &p->kernel_shared_bytes[users[i]]);
    p->shared_bytes = common;
    for (int32_t f = 0; f < p->function_count; f++) {
        if (p->kernel_shared_bytes[f] > GPU_SHARED_MAX) return pgd_fail(PGD_CORRUPT, "PTX: %s has variables of %llu bytes in shared memory; a block has %d", p->functions[f]->name, (unsigned long long)p->kernel_shared_bytes[f], GPU_SHARED_MAX);
        if (p->kernel_shared_bytes[f] > p->shared_bytes) p->shared_bytes = p->kernel_shared_bytes[f];
    }
    return PGD_OK;
}

bool gpu_program_may_use(const gpu_program *p, const ptx_function *kernel, const ptx_variable *v) {
    return p->users[v->index] < 0 || p->functions[p->users[v->index]] == kernel;
}

uint64_t gpu_program_shared_bytes(const gpu_program *p, const ptx_function *kernel) {
    return kernel != NULL && kernel->index < p->function_count && p->functions[kernel->index] == kernel ? p->kernel_shared_bytes[kernel->index] : p->shared_bytes;
}

bool gpu_program_address(const gpu_program *p, const ptx_variable *variable, uint64_t *address) {
    if (!placed(variable) || variable->parameter) return false;
    *address = p->addresses[variable->index] != UINT64_MAX ? p->addresses[variable->index] : (p->shared_bytes + p->dynamic_align - 1) & -p->dynamic_align;
    return true;
}

uint64_t gpu_program_function_address(const gpu_program *p, const ptx_function *function) {
    bool own = function != NULL && function->index < p->function_count && p->functions[function->index] == function;
    return own ? GPU_CODE_BASE + 16 * (uint64_t)function->index : 0;
}

const ptx_function *gpu_program_function_at(const gpu_program *p, uint64_t address) {
    uint64_t i = (address - GPU_CODE_BASE) / 16;
    return address >= GPU_CODE_BASE && address % 16 == 0 && i < (uint64_t)p->function_count ? p->functions[i] : NULL;
}

/* ---- calls ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Marks what one function calls, and lists what is to be looked at next. *any: a call by address has been seen, and all are marked. */
static void follow(const gpu_program *p, const ptx_function *f, bool *reached, bool *any, int32_t *list, int32_t *count) {
    bool before = *any;
    for (int32_t i = 0; i < f->instruction_count; i++) {
        const ptx_call *c = f->instructions[i].call;
        int32_t to = c == NULL || c->callee.function == NULL ? -1 : c->callee.function->index;
        *any = *any || (c != NULL && to < 0);
        if (to < 0 || reached[to]) continue;
        reached[to] = true;
        list[(*count)++] = to;
    }
    for (int32_t k = 0; *any && !before && k < p->function_count; k++) {
        if (reached[k] || p->functions[k]->entry) continue;
        reached[k] = true;
        list[(*count)++] = k;
    }
}

pgd_status gpu_program_reached(const gpu_program *p, const ptx_function *kernel, bool **reached) {
    int32_t count = 0, *list = pgd_mem_alloc(sizeof *list * (size_t)(p->function_count + 1));
    bool any = false;
    *reached = pgd_mem_zalloc(sizeof **reached * (size_t)(p->function_count + 1));
    if (list == NULL || *reached == NULL) {
        pgd_mem_free(list);
        pgd_mem_free(*reached);
        *reached = NULL;
        return pgd_fail_memory(sizeof *list * (size_t)p->function_count);
    }
    follow(p, kernel, *reached, &any, list, &count);
    while (count > 0) follow(p, p->functions[list[--count]], *reached, &any, list, &count);
    pgd_mem_free(list);
    return PGD_OK;
}

static pgd_status fill(gpu_program *p, const ptx_variable *v, int32_t number) {
    char *host = v->space == PTX_SPACE_shared || v->bytes == 0 ? NULL : gpu_memory_at(p->memory, p->addresses[number], (uint64_t)v->bytes, NULL);
    if (host == NULL || v->initial == NULL) return PGD_OK;
    memcpy(host, v->initial, (size_t)v->bytes);
    for (const ptx_reference *r = v->references; r != NULL; r = r->next) {
        uint64_t address = 0;
        if (r->function != NULL) address = gpu_program_function_address(p, r->function);
        else if (gpu_program_address(p, r->variable, &address) && r->generic && r->variable->space == PTX_SPACE_shared) address += GPU_SHARED_BASE;
        address = (address + (uint64_t)r->addend) >> r->shift;
        memcpy(host + r->offset, &address, (size_t)r->bytes);
    }
    return PGD_OK;
}

static pgd_status load(gpu_program *p) {
    for (const ptx_function *f = p->module->functions; f != NULL; f = f->next) p->function_count++;
    p->variable_count = p->module->variable_count;
    p->addresses = pgd_mem_zalloc(sizeof *p->addresses * (size_t)(p->variable_count + 1));
    p->variables = pgd_mem_zalloc(sizeof *p->variables * (size_t)(p->variable_count + 1));
    p->functions = pgd_mem_zalloc(sizeof *p->functions * (size_t)(p->function_count + 1));
    p->kernel_shared_bytes = pgd_mem_zalloc(sizeof *p->kernel_shared_bytes * (size_t)(p->function_count + 1));
    if (p->addresses == NULL || p->variables == NULL || p->functions == NULL || p->kernel_shared_bytes == NULL) return pgd_fail_memory(sizeof *p->addresses * (size_t)(p->variable_count + p->function_count));
    p->dynamic_align = 16;
    int32_t i = 0;
    for (const ptx_function *f = p->module->functions; f != NULL; f = f->next) p->functions[i++] = f;
    PGD_TRY(for_each(p, place));
    PGD_TRY(place_shared(p));
    return p->memory == NULL ? PGD_OK : for_each(p, fill);
}

pgd_status gpu_program_load(const ptx_module *module, gpu_memory *memory, int32_t device, gpu_program *out) {
    *out = (gpu_program){.module = module, .memory = memory, .device = device};
    pgd_status status = load(out);
    if (status != PGD_OK) gpu_program_unload(out);
    return status;
}

void gpu_program_unload(gpu_program *p) {
    for (int32_t i = 0; p->variables != NULL && p->addresses != NULL && i < p->variable_count; i++)
        if (p->variables[i] != NULL && p->variables[i]->space != PTX_SPACE_shared && p->addresses[i] != 0) (void)!gpu_memory_free(p->memory, p->addresses[i]);
    pgd_mem_free(p->addresses);
    pgd_mem_free(p->variables);
    pgd_mem_free(p->functions);
    pgd_mem_free(p->kernel_shared_bytes);
    pgd_mem_free(p->users);
    *p = (gpu_program){0};
}
