/* SPDX-License-Identifier: Apache-2.0
 * Modules, for the files that load them in their own ways. */
#ifndef PGD_SOFTGPU_MODULES_H
#define PGD_SOFTGPU_MODULES_H

#include "driver_state.h"

enum { GPU_SHARED_UNASKED = 48 << 10 }; /* bytes of shared memory that a block may have without asking for more */

/* Where a program wants to read what is wrong with its PTX. */
typedef struct gpu_jit_log {
    char *error, *info;
    unsigned int error_bytes, info_bytes;
    void **error_used, **info_used;
    const char *name; /* what the report calls it; NULL: nothing */
} gpu_jit_log;
gpu_jit_log gpu_jit_log_of(unsigned int count, const CUjit_option *options, void **values);

/* Reads PTX that this device can run; mistakes go to the log and the report. whole: what it uses must be defined in it. */
CUresult gpu_module_parse(const char *image, size_t bytes, bool whole, const gpu_jit_log *log, ptx_module **out);
/* What gpu_program_load did not take, with its sentence. */
CUresult gpu_program_refused(pgd_status status, const gpu_jit_log *log);
CUresult gpu_module_create(CUcontext context, const char *image, size_t bytes, const gpu_jit_log *log, CUmodule *out);
const ptx_function *gpu_kernel_named(const ptx_module *module, const char *name); /* NULL: refused, with the names there are */
CUresult gpu_module_function(CUmodule module, const char *name, CUfunction *out);
CUresult gpu_module_variable(CUmodule module, const char *name, CUdeviceptr *address, size_t *bytes);
void gpu_function_init(CUfunction function, CUmodule module, const ptx_function *ptx); /* as nobody has asked anything of it yet */
CUresult gpu_function_attribute(CUfunction function, CUfunction_attribute attribute, int *value);
CUresult gpu_function_set_attribute(CUfunction function, CUfunction_attribute attribute, int value);
CUresult gpu_library_module(CUlibrary library, CUcontext context, CUmodule *out); /* loads it where it was not */
#endif
