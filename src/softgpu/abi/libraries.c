/* SPDX-License-Identifier: Apache-2.0
 * Libraries, which become a module in each context that uses them, and the linker, which makes one PTX text of several. */
#include <ctype.h>
#include <stdio.h>
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
    result = gpu_module_parse(code, strlen(code), &log, &ptx);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    CUlibrary l = pgd_mem_zalloc(sizeof *l);
    if (l != NULL) *l = (struct CUlib_st){.image = pgd_mem_strdup(code), .bytes = strlen(code), .ptx = ptx, .sizes = {.ptx = ptx}};
    if (l == NULL || l->image == NULL || gpu_program_load(ptx, NULL, 0, &l->sizes.program) != PGD_OK || !gpu_object_add(l, GPU_LIBRARY)) {
        if (l != NULL) pgd_mem_free(l->image), gpu_program_unload(&l->sizes.program);
        pgd_mem_free(l);
        ptx_module_destroy(ptx);
        return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
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
    return gpu_object_is(library, GPU_LIBRARY) ? CUDA_SUCCESS : gpu_leave(CUDA_ERROR_INVALID_HANDLE);
}

static CUmodule module_of(CUlibrary library) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUmodule m = c->modules; m != NULL; m = m->next)
            if (m->library == library) return m;
    return NULL;
}

CUresult cuLibraryUnload(CUlibrary library) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(library, GPU_LIBRARY)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE);
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
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(library, GPU_LIBRARY)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE);
    const ptx_function *f = ptx_function_find(library->ptx, name);
    if (f == NULL || !f->entry || !f->defined) return gpu_leave(CUDA_ERROR_NOT_FOUND);
    *kernel = kernel_of(library, f);
    return gpu_leave(*kernel == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS);
}

/* ---- kernels of libraries ------------------------------------------------------------------------------------------------------------------------------------------------ */

CUresult gpu_function_find(CUfunction handle, CUcontext c, CUfunction *out) {
    CUmodule m;
    if (c == NULL) c = gpu_current();
    *out = handle;
    if (gpu_object_is(handle, GPU_FUNCTION)) return CUDA_SUCCESS;
    if (!gpu_object_is(handle, GPU_KERNEL)) return CUDA_ERROR_INVALID_HANDLE;
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
    return gpu_object_is(kernel, GPU_KERNEL) ? CUDA_SUCCESS : gpu_leave(CUDA_ERROR_INVALID_HANDLE);
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

/* ---- linking ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

struct CUlinkState_st {
    gpu_object object;
    pgd_text bodies; /* of all inputs, without their first directives */
    pgd_text image;
    int32_t version, target, inputs;
    bool arch_specific;
    gpu_jit_log log; /* of cuLinkCreate */
};

CUresult cuLinkCreate_v2(unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state) {
    CUcontext c;
    if (state == NULL || (option_count > 0 && (options == NULL || values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    CUlinkState l = pgd_mem_zalloc(sizeof *l);
    if (l == NULL || !gpu_object_add(l, GPU_LINK)) {
        pgd_mem_free(l);
        return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    l->log = gpu_jit_log_of(option_count, options, values);
    *state = l;
    return gpu_leave(CUDA_SUCCESS);
}

static const char *skip_blanks(const char *at) {
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        const char *end = at[0] != '/' ? NULL : at[1] == '/' ? strchr(at, '\n') : at[1] == '*' ? strstr(at + 2, "*/") : NULL;
        if (end == NULL) return at;
        at = end + (at[1] == '/' ? 1 : 2);
    }
}

/* Behind .version, .target and .address_size: their arguments are words and commas. */
static const char *body_of(const char *text) {
    static const char *const first[] = {".version", ".target", ".address_size"};
    const char *at = skip_blanks(text);
    for (size_t k = 0; k < 3; k++) {
        if (strncmp(at, first[k], strlen(first[k])) != 0) continue;
        at = skip_blanks(at + strlen(first[k]));
        for (bool more = true; more;) {
            while (isalnum((unsigned char)*at) || *at == '_' || (*at == '.' && k == 0)) at++;
            at = skip_blanks(at);
            more = *at == ',';
            if (more) at = skip_blanks(at + 1);
        }
        k = (size_t)-1; /* they come in any order */
    }
    return at;
}

static CUresult add(CUlinkState l, const char *text, size_t bytes, const gpu_jit_log *log) {
    ptx_module *ptx;
    CUresult result = gpu_module_parse(text, bytes, log, &ptx);
    if (result != CUDA_SUCCESS) return result;
    if (ptx->version > l->version) l->version = ptx->version;
    if (ptx->target >= l->target) l->target = ptx->target, l->arch_specific = ptx->arch_specific;
    ptx_module_destroy(ptx);
    l->inputs++;
    const char *body = body_of(text);
    pgd_text_add(&l->bodies, "%.*s\n", (int)(text + bytes - body), body);
    return l->bodies.failed ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult cuLinkAddData_v2(CUlinkState state, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int option_count, CUjit_option *options, void **values) {
    CUcontext c;
    (void)name;
    if (data == NULL || (option_count > 0 && (options == NULL || values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(state, GPU_LINK)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE);
    if (type != CU_JIT_INPUT_PTX) return gpu_leave(gpu_refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "cuLinkAddData: input of type %d; a software GPU links PTX (%d) alone", (int)type, (int)CU_JIT_INPUT_PTX));
    gpu_jit_log log = option_count > 0 ? gpu_jit_log_of(option_count, options, values) : state->log;
    char *text = pgd_mem_alloc(bytes + 1); /* what is given need not end with a NUL */
    if (text == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    memcpy(text, data, bytes);
    text[bytes] = '\0';
    result = add(state, text, strlen(text), &log);
    pgd_mem_free(text);
    return gpu_leave(result);
}

CUresult cuLinkAddFile_v2(CUlinkState state, CUjitInputType type, const char *path, unsigned int option_count, CUjit_option *options, void **values) {
    char *bytes;
    size_t count;
    if (path == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (pgd_file_read(path, PTX_TEXT_MAX, NULL, &bytes, &count) != PGD_OK) return gpu_refuse(CUDA_ERROR_FILE_NOT_FOUND, "%s", pgd_error_text());
    CUresult result = cuLinkAddData_v2(state, type, bytes, count, path, option_count, options, values);
    pgd_mem_free(bytes);
    return result;
}

CUresult cuLinkComplete(CUlinkState state, void **image, size_t *bytes) {
    CUcontext c;
    ptx_module *ptx;
    if (image == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(state, GPU_LINK)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE);
    if (state->inputs == 0) return gpu_leave(CUDA_ERROR_INVALID_IMAGE);
    pgd_mem_free(state->image.chars);
    state->image = (pgd_text){0};
    pgd_text_add(&state->image, ".version %d.%d\n.target sm_%d%s\n.address_size 64\n", state->version / 10, state->version % 10, state->target, state->arch_specific ? "a" : "");
    pgd_text_add(&state->image, "%s", state->bodies.chars);
    if (state->image.failed) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    result = gpu_module_parse(state->image.chars, state->image.count, &state->log, &ptx);
    if (result != CUDA_SUCCESS) return gpu_leave(result);
    ptx_module_destroy(ptx);
    *image = state->image.chars;
    if (bytes != NULL) *bytes = state->image.count + 1;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuLinkDestroy(CUlinkState state) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(state, GPU_LINK)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE);
    gpu_object_remove(state);
    pgd_mem_free(state->bodies.chars);
    pgd_mem_free(state->image.chars);
    pgd_mem_free(state);
    return gpu_leave(CUDA_SUCCESS);
}

#undef cuLinkCreate
#undef cuLinkAddData
#undef cuLinkAddFile
CUresult cuLinkCreate(unsigned int option_count, CUjit_option *options, void **values, CUlinkState *state) { return cuLinkCreate_v2(option_count, options, values, state); }
CUresult cuLinkAddData(CUlinkState state, CUjitInputType type, void *data, size_t bytes, const char *name, unsigned int option_count, CUjit_option *options, void **values) {
    return cuLinkAddData_v2(state, type, data, bytes, name, option_count, options, values);
}
CUresult cuLinkAddFile(CUlinkState state, CUjitInputType type, const char *path, unsigned int option_count, CUjit_option *options, void **values) { return cuLinkAddFile_v2(state, type, path, option_count, options, values); }
