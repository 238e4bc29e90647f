/* SPDX-License-Identifier: Apache-2.0
 * What libpagoda-softgpu.so offers besides the CUDA driver API: words for what went wrong, and a look into PTX. Programs that are to run with NVIDIA's driver
 * too find these with dlsym. */
#ifndef PAGODA_SOFTGPU_H
#define PAGODA_SOFTGPU_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of the current context: the sentence that says what a kernel did wrong, with its line, block and thread; "" when none did. Valid until the context is gone. */
const char *pgd_softgpu_error_text(void);

typedef struct pgd_softgpu_kernel_info {
    const char *name;
    int32_t line;            /* of the text */
    int32_t instructions;
    int32_t registers;       /* of a thread, estimated: most that hold values at one place, in units of 32 bits */
    int64_t parameter_bytes;
    int64_t local_bytes;     /* of a thread */
    int64_t shared_bytes;    /* of a block, without what a launch asks for */
} pgd_softgpu_kernel_info;
typedef void pgd_softgpu_kernel_fn(void *user, const pgd_softgpu_kernel_info *kernel);

typedef struct pgd_softgpu_module_info {
    int32_t version, target; /* 78 for .version 7.8, 90 for sm_90 */
    int32_t kernels, functions;
    int64_t shared_bytes, global_bytes, const_bytes;
} pgd_softgpu_module_info;

/* Reads and checks PTX, and calls `each`, which may be NULL, for every kernel. Mistakes go to the log, a line each, cut at its end. Returns 0: it can be loaded, or, where the
 * log has lines, linked with what defines the functions they name; 1: it is no PTX, or not right; 2: it uses something that is not built; 3: no memory. Needs no cuInit. */
int pgd_softgpu_ptx_read(const char *text, size_t bytes, pgd_softgpu_module_info *module, pgd_softgpu_kernel_fn *each, void *user, char *log, size_t log_bytes);

#ifdef __cplusplus
}
#endif
#endif
