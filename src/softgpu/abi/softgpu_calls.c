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

int pgd_softgpu_ptx_read(const char *text, size_t bytes, pgd_softgpu_module_info *module, pgd_softgpu_kernel_fn *each, void *user, char *log, size_t log_bytes) {
    pgd_text mistakes = {0};
    ptx_module *ptx;
    pgd_status status = text == NULL ? PGD_CORRUPT : ptx_parse(text, bytes, &mistakes, &ptx);
    if (status == PGD_OK) (void)!gpu_syscalls_resolve(ptx, &mistakes); /* another module may define it */
    if (log != NULL && log_bytes > 0) snprintf(log, log_bytes, "%s", mistakes.chars == NULL ? "" : mistakes.chars);
    pgd_mem_free(mistakes.chars);
    if (status != PGD_OK) return status == PGD_NO_MEMORY ? 3 : status == PGD_UNSUPPORTED ? 2 : 1;
    if (module != NULL) describe(ptx, module);
    for (const ptx_function *f = ptx->functions; f != NULL && each != NULL; f = f->next) {
        if (!f->entry || !f->defined) continue;
        pgd_softgpu_kernel_info info = {f->name, f->place.line, f->instruction_count, gpu_registers_of(f), f->parameter_bytes, f->local_bytes};
        each(user, &info);
    }
    ptx_module_destroy(ptx);
    return 0;
}
