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
        if (v->linkage == PTX_EXTERN) return pgd_fail(PGD_UNSUPPORTED, "PTX: .extern variable %s is defined nowhere; define it in this module", v->name);
        return gpu_memory_allocate(p->memory, v->space == PTX_SPACE_const ? GPU_MEMORY_CONSTANT : v->managed ? GPU_MEMORY_MANAGED : GPU_MEMORY_DEVICE, p->device, (uint64_t)v->bytes, (uint64_t)v->align, v->name, &p->addresses[number]);
    }
    if (v->unsized || v->linkage == PTX_EXTERN) {
        p->addresses[number] = UINT64_MAX; /* see gpu_program_address */
        if ((uint64_t)v->align > p->dynamic_align) p->dynamic_align = (uint64_t)v->align;
        return PGD_OK;
    }
    p->addresses[number] = (p->shared_bytes + (uint64_t)v->align - 1) & -(uint64_t)v->align;
    p->shared_bytes = p->addresses[number] + (uint64_t)v->bytes;
    return PGD_OK;
}

bool gpu_program_address(const gpu_program *p, const ptx_variable *variable, uint64_t *address) {
    if (!placed(variable) || variable->parameter) return false;
    *address = p->addresses[variable->index] != UINT64_MAX ? p->addresses[variable->index] : (p->shared_bytes + p->dynamic_align - 1) & -p->dynamic_align;
    return true;
}

uint64_t gpu_program_function_address(const gpu_program *p, const ptx_function *function) {
    for (int32_t i = 0; i < p->function_count; i++)
        if (p->functions[i] == function) return GPU_CODE_BASE + 16 * (uint64_t)i;
    return 0;
}

const ptx_function *gpu_program_function_at(const gpu_program *p, uint64_t address) {
    uint64_t i = (address - GPU_CODE_BASE) / 16;
    return address >= GPU_CODE_BASE && address % 16 == 0 && i < (uint64_t)p->function_count ? p->functions[i] : NULL;
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
    if (p->addresses == NULL || p->variables == NULL || p->functions == NULL) return pgd_fail_memory(sizeof *p->addresses * (size_t)(p->variable_count + p->function_count));
    p->dynamic_align = 16;
    int32_t i = 0;
    for (const ptx_function *f = p->module->functions; f != NULL; f = f->next) p->functions[i++] = f;
    PGD_TRY(for_each(p, place));
    return for_each(p, fill);
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
    *p = (gpu_program){0};
}
