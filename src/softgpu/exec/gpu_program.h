/* SPDX-License-Identifier: Apache-2.0
 * A PTX module brought into memory: its variables have addresses and first contents, its functions have addresses to be called at. */
#ifndef PGD_SOFTGPU_PROGRAM_H
#define PGD_SOFTGPU_PROGRAM_H

#include <ptx/ptx.h>

#include "gpu_memory.h"

enum { GPU_SHARED_MAX = 227 << 10 }; /* bytes of shared memory that a block may have */

typedef struct gpu_program {
    const ptx_module *module;
    gpu_memory *memory;
    int32_t device;          /* whose memory the variables are in */
    const ptx_variable **variables; /* by their index: those of .global, .const and .shared memory, function bodies included; NULL: another */
    uint64_t *addresses;     /* by their index; of .shared ones the offset within a block's memory, UINT64_MAX: behind all others */
    int32_t variable_count;
    const ptx_function **functions; /* by number */
    int32_t function_count;
    uint64_t shared_bytes, dynamic_align; /* behind the last .shared variable of known size; of those of unknown size */
    uint64_t *kernel_shared_bytes;        /* by the number of a function: what a block of that kernel needs */
    int32_t *users;          /* by index, of .shared variables: the number of the one kernel that uses it; below 0: several, or nobody does */
} gpu_program;

/* Errors: NO_MEMORY; UNSUPPORTED an .extern variable that nothing here defines; CORRUPT a kernel with more shared memory than a block may have. The module and the memory must outlive the program. memory NULL: a program to be asked
 * about shared memory and not to be run; variables of .global and .const memory have no place. */
pgd_status gpu_program_load(const ptx_module *module, gpu_memory *memory, int32_t device, gpu_program *out);
void gpu_program_unload(gpu_program *program);

/* The address of a variable; false: it is none of this program. */
bool gpu_program_address(const gpu_program *program, const ptx_variable *variable, uint64_t *address);
/* Of the .shared variables of known size that a kernel can reach. Those that one kernel alone uses share their place with those of others. */
uint64_t gpu_program_shared_bytes(const gpu_program *program, const ptx_function *kernel);
/* May this .shared variable be what the kernel finds at its place? */
bool gpu_program_may_use(const gpu_program *program, const ptx_function *kernel, const ptx_variable *variable);
uint64_t gpu_program_function_address(const gpu_program *program, const ptx_function *function);
/* Which functions a kernel may come to by calls: *reached[number], to be freed with pgd_mem_free; the kernel itself where something calls it. A call by address may come to any. Errors: NO_MEMORY. */
pgd_status gpu_program_reached(const gpu_program *program, const ptx_function *kernel, bool **reached);
const ptx_function *gpu_program_function_at(const gpu_program *program, uint64_t address); /* NULL: none */
#endif
