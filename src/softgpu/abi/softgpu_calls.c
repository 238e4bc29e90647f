/* SPDX-License-Identifier: Apache-2.0
 * Behind pagoda/softgpu.h. */
#include <pagoda/softgpu.h>
#include <stdio.h>
#include <string.h>
#include <timing/registers.h>

#include <exec/gpu_syscalls.h>

#include "driver_state.h"

const char *pgd_softgpu_error_text(void) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return "";
    CUcontext c = gpu_current();
    gpu_leave(CUDA_SUCCESS);
    return c == NULL ? "" : c->error_text;
}

static void describe(const ptx_module *ptx, pgd_softgpu_module_info *m) {
    *m = (pgd_softgpu_module_info){.version = ptx->version, .target = ptx->target};
    for (const ptx_function *f = ptx->functions; f != NULL; f = f->next) {
        m->kernels += f->entry && f->defined;
        m->functions += !f->entry && f->defined;
        for (const ptx_variable *v = f->locals; v != NULL; v = v->next) m->shared_bytes += v->space == PTX_SPACE_shared ? v->bytes : 0;
    }
    for (const ptx_variable *v = ptx->variables; v != NULL; v = v->next)
        *(v->space == PTX_SPACE_shared ? &m->shared_bytes : v->space == PTX_SPACE_const ? &m->const_bytes : &m->global_bytes) += v->bytes;
}

static void each_kernel(const ptx_module *ptx, const gpu_program *program, pgd_softgpu_kernel_fn *each, void *user) {
    for (const ptx_function *f = ptx->functions; f != NULL; f = f->next) {
        if (!f->entry || !f->defined) continue;
        pgd_softgpu_kernel_info info = {f->name, f->place.line, f->instruction_count, gpu_registers_of(f), f->parameter_bytes, f->local_bytes, (int64_t)gpu_program_shared_bytes(program, f)};
        each(user, &info);
    }
}

int pgd_softgpu_ptx_read(const char *text, size_t bytes, pgd_softgpu_module_info *module, pgd_softgpu_kernel_fn *each, void *user, char *log, size_t log_bytes) {
    pgd_text mistakes = {0};
    gpu_program program = {0};
    ptx_module *ptx = NULL;
    pgd_status status = text == NULL ? PGD_CORRUPT : ptx_parse(text, bytes, &mistakes, &ptx);
    if (status == PGD_OK) {
        status = gpu_program_load(ptx, NULL, 0, &program);
        if (status != PGD_OK) pgd_text_add(&mistakes, "%s\n", pgd_error_text());
    }
    if (status == PGD_OK) (void)!gpu_syscalls_resolve(ptx, &mistakes); /* another module may define it */
    if (log != NULL && log_bytes > 0) snprintf(log, log_bytes, "%s", mistakes.chars == NULL ? "" : mistakes.chars);
    pgd_mem_free(mistakes.chars);
    if (status == PGD_OK && module != NULL) describe(ptx, module);
    if (status == PGD_OK && each != NULL) each_kernel(ptx, &program, each, user);
    gpu_program_unload(&program);
    ptx_module_destroy(ptx);
    return status == PGD_OK ? 0 : status == PGD_NO_MEMORY ? 3 : status == PGD_UNSUPPORTED ? 2 : 1;
}
