/* SPDX-License-Identifier: Apache-2.0
 * Modules made of PTX, with the driver's log buffers; their functions and variables. */
#include "checks.h"
#include "modules.h"

#include <exec/gpu_syscalls.h>
#include <stdio.h>
#include <string.h>

/* ---- options ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

gpu_jit_log gpu_jit_log_of(unsigned int count, const CUjit_option *options, void **values) {
    gpu_jit_log log = {0};
    for (unsigned int i = 0; i < count && options != NULL && values != NULL; i++) {
        switch (options[i]) {
        case CU_JIT_ERROR_LOG_BUFFER: log.error = values[i]; break;
        case CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES: log.error_bytes = (unsigned int)(uintptr_t)values[i], log.error_used = &values[i]; break;
        case CU_JIT_INFO_LOG_BUFFER: log.info = values[i]; break;
        case CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES: log.info_bytes = (unsigned int)(uintptr_t)values[i], log.info_used = &values[i]; break;
        default: break;
        }
    }
    return log;
}

/* The size that was given is replaced by how much was filled, as CUDA does. */
static void put(char *buffer, unsigned int bytes, void **used, const char *text) {
    size_t length = buffer == NULL || bytes == 0 ? 0 : strlen(text) < bytes ? strlen(text) : bytes - 1;
    if (buffer != NULL && bytes > 0) {
        memcpy(buffer, text, length);
        buffer[length] = '\0';
    }
    if (used != NULL) *used = (void *)(uintptr_t)length;
}

static void tell(const gpu_jit_log *log, const char *text) {
    put(log->error, log->error_bytes, log->error_used, text == NULL ? "" : text);
    put(log->info, log->info_bytes, log->info_used, "");
}

/* ---- loading ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Reads no further than what differs: images have no length. */
static bool begins(const unsigned char *image, const unsigned char with[4]) { return image[0] == with[0] && image[1] == with[1] && image[2] == with[2] && image[3] == with[3]; }

/* An ELF file says for which machine it is where its header is one of 64 bits, little end first, version 1. */
static bool for_another_machine(const unsigned char *image) {
    enum { CUDA_MACHINE = 190 };
    return image[4] == 2 && image[5] == 1 && image[6] == 1 && (image[18] != CUDA_MACHINE || image[19] != 0);
}

/* What is at the beginning of images that are no PTX: cubin and fatbinary hold code of NVIDIA's machines. NULL: it may be some. */
static const char *why_no_ptx(const unsigned char *image) {
    static const unsigned char elf[] = {0x7f, 'E', 'L', 'F'}, fat[] = {0x50, 0xed, 0x55, 0xba}, wrapper[] = {0xb1, 0x43, 0x62, 0x46};
    if (begins(image, fat) || begins(image, wrapper)) return "the image is a fatbinary; a software GPU runs PTX: compile with -ptx";
    if (!begins(image, elf)) return NULL;
    if (for_another_machine(image)) return "the image is machine code of no GPU; a software GPU runs PTX: compile kernels with -ptx";
    return "the image is a cubin, machine code of one NVIDIA GPU; a software GPU runs PTX: compile with -ptx, or -gencode arch=compute_XX,code=compute_XX";
}

static CUresult check_image(const unsigned char *image, const gpu_jit_log *log) {
    const char *text = why_no_ptx(image);
    if (text == NULL) return CUDA_SUCCESS;
    tell(log, text);
    return gpu_refuse(CUDA_ERROR_NO_BINARY_FOR_GPU, "%s", text);
}

static CUresult result_of_reading(pgd_status status) {
    switch (status) {
    case PGD_OK: return CUDA_SUCCESS;
    case PGD_NO_MEMORY: return CUDA_ERROR_OUT_OF_MEMORY;
    case PGD_UNSUPPORTED: return CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    default: return CUDA_ERROR_INVALID_PTX;
    }
}

static CUresult read_image(const char *image, size_t bytes, bool whole, pgd_text *text, ptx_module **out) {
    CUresult result = result_of_reading(ptx_parse(image, bytes, text, out));
    if (result != CUDA_SUCCESS) return result;
    if ((*out)->target > gpu_driver.settings.capability) {
        pgd_text_add(text, ".target sm_%d%s: this device has compute capability %d.%d; compile for that, or choose another: pagoda gpu run --capability, PAGODA_SOFTGPU_CAPABILITY\n", (*out)->target, (*out)->arch_specific ? "a" : "",
                     gpu_driver.settings.capability / 10, gpu_driver.settings.capability % 10);
        return CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    return whole && gpu_syscalls_resolve(*out, text) != PGD_OK ? CUDA_ERROR_INVALID_PTX : CUDA_SUCCESS;
}

CUresult gpu_module_parse(const char *image, size_t bytes, bool whole, const gpu_jit_log *log, ptx_module **out) {
    pgd_text text = {0};
    *out = NULL;
    CUresult result = check_image((const unsigned char *)image, log);
    if (result != CUDA_SUCCESS) return result;
    result = read_image(image, bytes, whole, &text, out);
    tell(log, text.chars);
    if (result != CUDA_SUCCESS) {
        if (text.count > 0) text.chars[text.count - 1] = '\0'; /* the report ends lines itself */
        gpu_refuse(result, "PTX%s%s refused: %s", log->name == NULL ? "" : " of ", log->name == NULL ? "" : log->name, text.chars == NULL ? "there is not enough memory" : text.chars);
        ptx_module_destroy(*out);
        *out = NULL;
    }
    pgd_mem_free(text.chars);
    return result;
}

CUresult gpu_program_refused(pgd_status status, const gpu_jit_log *log) {
    if (status != PGD_UNSUPPORTED && status != PGD_CORRUPT) return gpu_result(status);
    tell(log, pgd_error_text());
    return gpu_refuse(status == PGD_CORRUPT ? CUDA_ERROR_INVALID_PTX : CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND, "%s", pgd_error_text());
}

CUresult gpu_module_create(CUcontext c, const char *image, size_t bytes, const gpu_jit_log *log, CUmodule *out) {
    ptx_module *ptx;
    *out = NULL;
    gpu_output_flush(&c->output);
    CUresult result = gpu_module_parse(image, bytes, true, log, &ptx);
    if (result != CUDA_SUCCESS) return result;
    CUmodule m = pgd_mem_zalloc(sizeof *m);
    pgd_status status = m == NULL ? PGD_NO_MEMORY : gpu_program_load(ptx, gpu_driver.memory, c->device, &m->program);
    if (status == PGD_OK && !gpu_object_add(m, GPU_MODULE)) {
        gpu_program_unload(&m->program);
        status = PGD_NO_MEMORY;
    }
    if (status != PGD_OK) {
        ptx_module_destroy(ptx);
        pgd_mem_free(m);
        return gpu_program_refused(status, log);
    }
    m->context = c;
    m->ptx = ptx;
    m->next = c->modules;
    c->modules = m;
    *out = m;
    return CUDA_SUCCESS;
}

void gpu_module_destroy(CUmodule m) {
    gpu_output_flush(&m->context->output);
    for (CUmodule *at = &m->context->modules; *at != NULL; at = &(*at)->next)
        if (*at == m) {
            *at = m->next;
            break;
        }
    while (m->functions != NULL) {
        CUfunction f = m->functions;
        m->functions = f->next;
        gpu_object_remove(f);
        gpu_vector_code_destroy(f->code);
        gpu_vector_code_destroy(f->observed);
        gpu_vector_code_destroy(f->heard);
        pgd_mem_free(f);
    }
    gpu_object_remove(m);
    gpu_checks_forget(m->ptx);
    gpu_program_unload(&m->program);
    ptx_module_destroy(m->ptx);
    pgd_mem_free(m);
}

static CUresult load(CUmodule *module, const char *image, const char *name, unsigned int option_count, CUjit_option *options, void **values) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    gpu_jit_log log = gpu_jit_log_of(option_count, options, values);
    log.name = name;
    return gpu_leave(gpu_module_create(c, image, strlen(image), &log, module));
}

CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned int option_count, CUjit_option *options, void **values) {
    if (module == NULL || image == NULL || (option_count > 0 && (options == NULL || values == NULL))) return CUDA_ERROR_INVALID_VALUE;
    return load(module, image, NULL, option_count, options, values);
}

CUresult cuModuleLoadData(CUmodule *module, const void *image) { return cuModuleLoadDataEx(module, image, 0, NULL, NULL); }

CUresult cuModuleLoad(CUmodule *module, const char *path) {
    char *bytes;
    size_t count;
    if (module == NULL || path == NULL) return CUDA_ERROR_INVALID_VALUE;
    if (pgd_file_read(path, PTX_TEXT_MAX, NULL, &bytes, &count) != PGD_OK) return gpu_refuse(CUDA_ERROR_FILE_NOT_FOUND, "%s", pgd_error_text());
    CUresult result = load(module, bytes, path, 0, NULL, NULL);
    pgd_mem_free(bytes);
    return result;
}

static CUresult enter_module(CUmodule m) {
    CUcontext c;
    CUresult result = gpu_enter(&c);
    if (result != CUDA_SUCCESS) return result;
    return gpu_object_is(m, GPU_MODULE) ? CUDA_SUCCESS : gpu_leave(gpu_object_refuse(m, GPU_MODULE, CUDA_ERROR_INVALID_HANDLE));
}

CUresult cuModuleUnload(CUmodule module) {
    CUresult result = gpu_enter_process();
    if (result != CUDA_SUCCESS) return result;
    if (!gpu_object_is(module, GPU_MODULE) || module->library != NULL) return gpu_leave(gpu_object_refuse(module, GPU_MODULE, CUDA_ERROR_INVALID_HANDLE));
    gpu_contexts_drain(); /* graphs of other contexts may run its kernels */
    if (!gpu_object_is(module, GPU_MODULE)) return gpu_leave(CUDA_ERROR_INVALID_HANDLE); /* somebody else was faster */
    gpu_module_destroy(module);
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuModuleGetLoadingMode(CUmoduleLoadingMode *mode) {
    if (mode == NULL) return CUDA_ERROR_INVALID_VALUE;
    *mode = CU_MODULE_EAGER_LOADING;
    return CUDA_SUCCESS;
}

/* ---- what is in it --------------------------------------------------------------------------------------------------------------------------------------------------------- */

void gpu_function_init(CUfunction f, CUmodule m, const ptx_function *ptx) {
    f->module = m;
    f->ptx = ptx;
    f->dynamic_shared_max = GPU_SHARED_UNASKED;
    f->carveout = -1;
}

/* A library's begins as its kernel was told to be on this device. */
static void take_over(CUfunction f) {
    for (CUkernel k = f->module->library == NULL ? NULL : f->module->library->kernels; k != NULL; k = k->next) {
        if (strcmp(k->name, f->ptx->name) != 0) continue;
        f->dynamic_shared_max = k->on[f->module->context->device].dynamic_shared_max;
        f->carveout = k->on[f->module->context->device].carveout;
    }
}

static CUfunction function_of(CUmodule m, const ptx_function *ptx) {
    for (CUfunction f = m->functions; f != NULL; f = f->next)
        if (f->ptx == ptx) return f;
    CUfunction f = pgd_mem_zalloc(sizeof *f);
    if (f == NULL || !gpu_object_add(f, GPU_FUNCTION)) {
        pgd_mem_free(f);
        return NULL;
    }
    gpu_function_init(f, m, ptx);
    take_over(f);
    f->syscalls = gpu_syscalls_reached(&m->program, ptx);
    f->next = m->functions;
    m->functions = f;
    return f;
}

const ptx_function *gpu_kernel_named(const ptx_module *m, const char *name) {
    enum { LISTED_MAX = 10 };
    pgd_text known = {0};
    const ptx_function *wanted = ptx_function_find(m, name);
    if (wanted != NULL && wanted->entry && wanted->defined) return wanted;
    const char *longer = NULL; /* a name that C++ made of it */
    int32_t count = 0;
    for (const ptx_function *f = m->functions; f != NULL; f = f->next) {
        if (!f->entry || !f->defined) continue;
        if (longer == NULL && name[0] != '\0' && strstr(f->name, name) != NULL) longer = f->name;
        if (++count <= LISTED_MAX) pgd_text_add(&known, "%s%s", count == 1 ? "" : ", ", f->name);
    }
    if (count > LISTED_MAX) pgd_text_add(&known, " and %d more", count - LISTED_MAX);
    if (longer != NULL) gpu_refuse(CUDA_ERROR_NOT_FOUND, "there is no kernel %.100s in this module; is it %.200s? (C++ makes such names where there is no extern \"C\")", name, longer);
    else gpu_refuse(CUDA_ERROR_NOT_FOUND, "there is no kernel %.100s in this module, which has %s", name, known.count == 0 ? "none" : known.chars);
    pgd_mem_free(known.chars);
    return NULL;
}

CUresult gpu_module_function(CUmodule m, const char *name, CUfunction *out) {
    const ptx_function *f = gpu_kernel_named(m->ptx, name);
    *out = NULL;
    if (f == NULL) return CUDA_ERROR_NOT_FOUND;
    *out = function_of(m, f);
    return *out == NULL ? CUDA_ERROR_OUT_OF_MEMORY : CUDA_SUCCESS;
}

CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    if (function == NULL || name == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_module(module);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_module_function(module, name, function));
}

CUresult cuModuleGetFunctionCount(unsigned int *count, CUmodule module) {
    if (count == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_module(module);
    if (result != CUDA_SUCCESS) return result;
    *count = 0;
    for (const ptx_function *f = module->ptx->functions; f != NULL; f = f->next) *count += f->entry && f->defined;
    return gpu_leave(CUDA_SUCCESS);
}

CUresult cuModuleEnumerateFunctions(CUfunction *functions, unsigned int count, CUmodule module) {
    if (functions == NULL) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_module(module);
    if (result != CUDA_SUCCESS) return result;
    unsigned int found = 0;
    for (const ptx_function *f = module->ptx->functions; f != NULL && found < count; f = f->next) {
        if (!f->entry || !f->defined) continue;
        functions[found] = function_of(module, f);
        if (functions[found++] == NULL) return gpu_leave(CUDA_ERROR_OUT_OF_MEMORY);
    }
    return gpu_leave(CUDA_SUCCESS);
}

CUresult gpu_module_variable(CUmodule m, const char *name, CUdeviceptr *address, size_t *bytes) {
    const ptx_variable *v = ptx_variable_find(m->ptx, name);
    uint64_t at;
    if (v == NULL || (v->space != PTX_SPACE_global && v->space != PTX_SPACE_const) || !gpu_program_address(&m->program, v, &at)) return gpu_refuse(CUDA_ERROR_NOT_FOUND, "there is no variable %.100s of global or constant memory in this module", name);
    if (address != NULL) *address = at;
    if (bytes != NULL) *bytes = (size_t)v->bytes;
    return CUDA_SUCCESS;
}

CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *bytes, CUmodule module, const char *name) {
    if (name == NULL || (address == NULL && bytes == NULL)) return CUDA_ERROR_INVALID_VALUE;
    CUresult result = enter_module(module);
    return result != CUDA_SUCCESS ? result : gpu_leave(gpu_module_variable(module, name, address, bytes));
}
