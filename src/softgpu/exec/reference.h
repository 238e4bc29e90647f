/* SPDX-License-Identifier: Apache-2.0
 * The slow executor that is meant to be obviously right: one thread at a time, each with registers, memory and a stack of calls of its own; threads wait
 * for each other where PTX says so. It stays as the oracle of the fast ones. */
#ifndef PGD_SOFTGPU_REFERENCE_H
#define PGD_SOFTGPU_REFERENCE_H

#include "gpu_program.h"

#define GPU_FAULT_LIST(X)                                                    \
    X(ADDRESS, "an access to memory that is not allocated")                  \
    X(ALIGNMENT, "an access at an address that is not aligned")              \
    X(READ_ONLY, "a write to memory that is only to be read")                \
    X(DEADLOCK, "threads that wait for each other for ever")                 \
    X(BARRIER, "a barrier that is used wrongly")                             \
    X(MASK, "an operation of a warp by a lane that its mask leaves out")     \
    X(TRAP, "the kernel trapped")                                            \
    X(LIMIT, "more instructions than the limit allows")                      \
    X(CALL, "a call of something that cannot be called")                     \
    X(STACK, "more memory for calls than a thread may have")
typedef enum gpu_fault_kind {
    GPU_NO_FAULT,
#define X(name, text) GPU_FAULT_##name,
    GPU_FAULT_LIST(X)
#undef X
} gpu_fault_kind;

typedef struct gpu_fault {
    gpu_fault_kind kind;
    uint32_t block[3], thread[3];
    const ptx_function *function;
    const ptx_instruction *instruction;
    uint64_t address, bytes; /* of an access */
    char text[320];          /* one sentence */
} gpu_fault;

typedef struct gpu_launch {
    const gpu_program *program;
    const ptx_function *kernel;
    uint32_t grid[3], block[3];
    uint64_t dynamic_shared_bytes;
    const void *parameters;      /* parameter_bytes of the kernel, as they lie in .param memory */
    uint64_t instruction_limit;  /* of all threads together; 0: none */
} gpu_launch;

/* Runs all blocks, one after the other. Errors: BAD_ARG sizes that no device takes; DEVICE the kernel did wrong, and *fault says what; NO_MEMORY. */
pgd_status gpu_reference_run(const gpu_launch *launch, gpu_fault *fault);
#endif
