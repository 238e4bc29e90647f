/* SPDX-License-Identifier: Apache-2.0
 * Functions that a driver supplies to kernels, and compilers call: printf, assert, malloc, free. An executor comes here when what is called has no body. */
#ifndef PGD_SOFTGPU_SYSCALLS_H
#define PGD_SOFTGPU_SYSCALLS_H

#include "gpu_launch.h"

/* Name; bytes of the result, 0: none; of the parameters, 0 behind the last. */
#define GPU_SYSCALL_LIST(X)               \
    X(vprintf, 4, 8, 8, 0, 0, 0)          \
    X(__assertfail, 0, 8, 8, 4, 8, 8)     \
    X(malloc, 8, 8, 0, 0, 0, 0)           \
    X(free, 0, 8, 0, 0, 0, 0)
typedef enum gpu_syscall {
#define X(name, ...) GPU_SYSCALL_##name,
    GPU_SYSCALL_LIST(X)
#undef X
    GPU_SYSCALL_COUNT /* none of them */
} gpu_syscall;
enum { GPU_SYSCALL_PARAMETERS = 5 };

/* A thread that calls one. */
typedef struct gpu_caller {
    const gpu_launch *launch;
    gpu_fault *told;
    void *user; /* of the two: */
    bool (*read)(void *user, uint64_t address, void *to, uint64_t bytes); /* 1, 4 or 8 bytes at a generic address; false: a fault was told */
    bool (*fault)(void *user, gpu_fault_kind kind, const char *what);     /* tells one; gives false */
} gpu_caller;

/* COUNT: it has a body, another name, or other parameters. */
gpu_syscall gpu_syscall_of(const ptx_function *function);
/* Is every function that a module uses defined, or such a one? Else UNSUPPORTED, and a line of the log for each use. */
pgd_status gpu_syscalls_resolve(const ptx_module *module, pgd_text *log);
/* false: a fault was told. */
bool gpu_syscall_run(const gpu_caller *caller, gpu_syscall which, const uint64_t parameters[GPU_SYSCALL_PARAMETERS], uint64_t *result);
/* A bit for each that a kernel may come to; a call through a register may come to all that the module declares. */
uint32_t gpu_syscalls_reached(const gpu_program *program, const ptx_function *kernel);

/* ---- gpu_printf.c ---- */
/* Text of a call of vprintf. *result: how many arguments were taken; -1: there is no format; -2: it is too long, or there is no memory, and there is no text. false: a fault was told. */
bool gpu_printf(const gpu_caller *caller, uint64_t format, uint64_t arguments, pgd_text *out, int32_t *result);
/* Adds a string, up to its end or `most` bytes. */
bool gpu_printf_string(const gpu_caller *caller, uint64_t address, uint64_t most, pgd_text *out);
#endif
