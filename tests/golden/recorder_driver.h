/* SPDX-License-Identifier: Apache-2.0
 * The few functions of NVIDIA's driver API that the recorder calls, declared here so that no header of CUDA is needed. Signatures are those of its manual. */
#ifndef PGD_GOLDEN_RECORDER_DRIVER_H
#define PGD_GOLDEN_RECORDER_DRIVER_H

#include <stddef.h>
#include <stdint.h>

typedef int cu_result;
typedef int cu_device;
typedef uint64_t cu_pointer;
typedef struct cu_context_handle *cu_context;
typedef struct cu_module_handle *cu_module;
typedef struct cu_function_handle *cu_function;

/* result, name in the library, arguments */
#define CU_FUNCTION_LIST(X)                                                                                       \
    X(init, cuInit, (unsigned flags))                                                                             \
    X(driver_version, cuDriverGetVersion, (int *version))                                                         \
    X(device_get, cuDeviceGet, (cu_device * device, int ordinal))                                                 \
    X(device_name, cuDeviceGetName, (char *name, int bytes, cu_device device))                                    \
    X(device_attribute, cuDeviceGetAttribute, (int *value, int attribute, cu_device device))                      \
    X(context_create, cuCtxCreate_v2, (cu_context * context, unsigned flags, cu_device device))                   \
    X(context_destroy, cuCtxDestroy_v2, (cu_context context))                                                     \
    X(synchronize, cuCtxSynchronize, (void))                                                                      \
    X(module_load, cuModuleLoadDataEx, (cu_module * module, const void *image, unsigned count, int *options, void **values)) \
    X(module_unload, cuModuleUnload, (cu_module module))                                                          \
    X(function_get, cuModuleGetFunction, (cu_function * function, cu_module module, const char *name))            \
    X(allocate, cuMemAlloc_v2, (cu_pointer * pointer, size_t bytes))                                              \
    X(to_device, cuMemcpyHtoD_v2, (cu_pointer to, const void *from, size_t bytes))                                \
    X(to_host, cuMemcpyDtoH_v2, (void *to, cu_pointer from, size_t bytes))                                        \
    X(fill, cuMemsetD8_v2, (cu_pointer to, unsigned char value, size_t bytes))                                    \
    X(launch, cuLaunchKernel, (cu_function function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, void *stream, void **parameters, void **extra)) \
    X(error_text, cuGetErrorString, (cu_result error, const char **text))

typedef struct cu_driver {
#define X(member, symbol, arguments) cu_result(*member) arguments;
    CU_FUNCTION_LIST(X)
#undef X
} cu_driver;

enum { CU_MAJOR = 75, CU_MINOR = 76, CU_JIT_LOG = 5, CU_JIT_LOG_BYTES = 6 }; /* of cuDeviceGetAttribute; of cuModuleLoadDataEx */
#endif
