/* SPDX-License-Identifier: Apache-2.0
 * Libraries, which become a module in each context that uses them. */
#include <string.h>

#include "modules.h"

/* ---- libraries -------------------------------------------------------------------------------------------------------------------------------------------------------- */

CUresult gpu_library_module(CUlibrary library, CUcontext c, CUmodule *out) {
    static const gpu_jit_log silent;
    for (CUmodule m = c->modules; m != NULL; m = m->next)
        if (m->library == library) {
            *out = m;
            return CUDA_SUCCESS;
        }
    CUresult result = gpu_module_create(c, library->image, library->bytes, &silent, out);
    if (result == CUDA_SUCCESS) (*out)->library = library;
    return result;
}

CUresult cuLibraryLoadData(CUlibrary *library, const void *code, CUjit_option *jit_options, void **jit_values, unsigned int jit_count, CUlibraryOption *options, void **values, unsigned int count) {
    ptx_module *ptx;
    (void)options, (void)values, (void)count; /* about copies of the image and tables of the host: no difference here */
    if (library == NULL || code == NULL || (jit_count > 0 && (jit_options == NULL || jit_values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    *library = NULL;
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    gpu_jit_log log = gpu_jit_log_of(jit_count, jit_options, jit_values);
    result = gpu_module_parse(code, strlen(code), true, &log, &ptx);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    CUlibrary l = pgd_mem_zalloc(sizeof *l);
    if (l != NULL) *l = (struct CUlib_st){.image = pgd_mem_strdup(code), .bytes = strlen(code), .ptx = ptx, .sizes = {.ptx = ptx}};
    pgd_status status = l == NULL || l->image == NULL ? PGD_NO_MEMORY : gpu_program_load(ptx, NULL, 0, &l->sizes.program);
    if (status == PGD_OK && !gpu_object_add(l, GPU_LIBRARY)) status = PGD_NO_MEMORY;
    if (status != PGD_OK) {
        if (l != NULL) pgd_mem_free(l->image), gpu_program_unload(&l->sizes.program);
        pgd_mem_free(l);
        ptx_module_destroy(ptx);
        return gpu_leave(gpu_program_refused(status, &log));
    }
    *library = l;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuLibraryLoadFromFile(CUlibrary *library, const char *path, CUjit_option *jit_options, void **jit_values, unsigned int jit_count, CUlibraryOption *options, void **values, unsigned int count) {
    char *bytes;
    size_t length;
    if (library == NULL || path == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (pgd_file_read(path, PTX_TEXT_MAX, NULL, &bytes, &length) != PGD_OK) return gpu_refuse(CUDA_ERROR_FILE_NOT_FOUND, "%s", pgd_error_text());
    CUresult result = cuLibraryLoadData(library, bytes, jit_options, jit_values, jit_count, options, values, count);
    pgd_mem_free(bytes);
    return result;
}

static CUresult enter_library(CUlibrary library, CUcontext *c) {
    CUresult result = gpu_enter(c);
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(library, GPU_LIBRARY) ? CUDA_SUCCESS : gpu_leave(gpu_object_refuse(library, GPU_LIBRARY, CUDA_ERROR_INVALID_HANDLE));
}

static CUmodule module_of(CUlibrary library) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUmodule m = c->modules; m != NULL; m = m->next)
            if (m->library == library) return m;
    return NULL;
}

CUresult cuLibraryUnload(CUlibrary library) {
    CUresult result = gpu_enter_object(library, GPU_LIBRARY, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    gpu_contexts_drain();
    if (!gpu_object_is(library, GPU_LIBRARY)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE); /* somebody else was faster */
    for (CUmodule m = module_of(library); m != NULL; m = module_of(library)) gpu_module_destroy(m);
    while (library->kernels != NULL) {
        CUkernel k = library->kernels;
        library->kernels = k->next;
        gpu_object_remove(k);
        pgd_mem_free(k->name);
        pgd_mem_free(k);
    }
    gpu_object_remove(library);
    gpu_program_unload(&library->sizes.program);
    ptx_module_destroy(library->ptx);
    pgd_mem_free(library->image);
    pgd_mem_free(library);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuLibraryGetModule(CUmodule *module, CUlibrary library) {
    CUcontext c;
    if (module == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_library(library, &c);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_library_module(library, c, module));
}

CUresult cuLibraryGetGlobal(CUdeviceptr *address, size_t *bytes, CUlibrary library, const char *name) {
    CUcontext c;
    CUmodule m;
    if (name == NULL || (address == NULL && bytes == NULL)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_library(library, &c);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_library_module(library, c, &m);
    return gpu_leave(result == CUDA_SUCCESS ? gpu_module_variable(m, name, address, bytes) : result);
}

static CUkernel kernel_of(CUlibrary library, const ptx_function *ptx) {
    for (CUkernel k = library->kernels; k != NULL; k = k->next)
        if (strcmp(k->name, ptx->name) == 0) return k;
    CUkernel k = pgd_mem_zalloc(sizeof *k);
    if (k == NULL) return NULL;
    k->library = library;
    k->name = pgd_mem_strdup(ptx->name);
    for (int32_t d = 0; d < GPU_DEVICES_MAX; d++) gpu_function_init(&k->on[d], &library->sizes, ptx);
    if (k->name == NULL || !gpu_object_add(k, GPU_KERNEL)) {
        pgd_mem_free(k->name);
        pgd_mem_free(k);
        return NULL;
    }
    k->next = library->kernels;
    library->kernels = k;
    return k;
}

CUresult cuLibraryGetKernel(CUkernel *kernel, CUlibrary library, const char *name) {
    if (kernel == NULL || name == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter_object(library, GPU_LIBRARY, CUDA_ERROR_INVALID_HANDLE);
    if (result != CUDA_SUCCESS) return result;
    const ptx_function *f = gpu_kernel_named(library->ptx, name);
    if (f == NULL) return gpu_leave(CUDA_ERROR_NOT_FOUND);
    *kernel = kernel_of(library, f);
    return gpu_leave(*kernel == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

/* ---- kernels of libraries ------------------------------------------------------------------------------------------------------------------------------------------------ */

CUresult gpu_function_find(CUfunction handle, CUcontext c, CUfunction *out) {
    CUmodule m;
    if (c == NULL) c = gpu_current();
    *out = handle;
    if (gpu_object_is(handle, GPU_FUNCTION)) return CUDA_SUCCESS;
    if (!gpu_object_is(handle, GPU_KERNEL)) return gpu_object_refuse(handle, GPU_KERNEL, CUDA_ERROR_INVALID_HANDLE);
    if (c == NULL) return CUDA_ERROR_INVALID_CONTEXT;
    CUkernel k = (CUkernel)(void *)handle;
    CUresult result = gpu_library_module(k->library, c, &m);
    return result == CUDA_SUCCESS ? gpu_module_function(m, k->name, out) : result;
}

CUresult cuKernelGetFunction(CUfunction *function, CUkernel kernel) {
    CUcontext c;
    if (function == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    return gpu_leave(gpu_object_is(kernel, GPU_KERNEL) ? gpu_function_find((CUfunction)(void *)kernel, NULL, function) : CUDA_ERROR_INVALID_HANDLE);
}

static CUresult enter_kernel(CUkernel kernel, CUdevice device) {
    CUresult result = gpu_enter_device(device);
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(kernel, GPU_KERNEL) ? CUDA_SUCCESS : gpu_leave(gpu_object_refuse(kernel, GPU_KERNEL, CUDA_ERROR_INVALID_HANDLE));
}

CUresult cuKernelGetAttribute(int *value, CUfunction_attribute attribute, CUkernel kernel, CUdevice device) {
    if (value == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_kernel(kernel, device);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_function_attribute(&kernel->on[device], attribute, value));
}

/* For its function in all contexts of the device, those to come too. */
CUresult cuKernelSetAttribute(CUfunction_attribute attribute, int value, CUkernel kernel, CUdevice device) {
    CUresult result = enter_kernel(kernel, device);
    if (result != CUDA_SUCCESS) return result;
    result = gpu_function_set_attribute(&kernel->on[device], attribute, value);
    for (CUcontext c = gpu_driver.contexts; c != NULL && result == CUDA_SUCCESS; c = c->next)
        for (CUmodule m = c->device == device ? c->modules : NULL; m != NULL; m = m->next)
            for (CUfunction f = m->library == kernel->library ? m->functions : NULL; f != NULL; f = f->next)
                if (strcmp(f->ptx->name, kernel->name) == 0) (void)gpu_function_set_attribute(f, attribute, value);
    return gpu_leave(result);
}

CUresult cuKernelGetName(const char **name, CUkernel kernel) { return cuFuncGetName(name, (CUfunction)(void *)kernel); }
CUresult cuKernelGetParamInfo(CUkernel kernel, size_t number, size_t *offset, size_t *bytes) { return cuFuncGetParamInfo((CUfunction)(void *)kernel, number, offset, bytes); }
