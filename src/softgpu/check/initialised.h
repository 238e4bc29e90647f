/* SPDX-License-Identifier: Apache-2.0
 * Which bytes of global and shared memory hold something: a bit for each. */
#ifndef PGD_SOFTGPU_INITIALISED_H
#define PGD_SOFTGPU_INITIALISED_H

#include "findings.h"

typedef struct gpu_initialised gpu_initialised;
gpu_initialised *gpu_initialised_create(gpu_memory *memory, gpu_findings *findings); /* NULL: no memory */
void gpu_initialised_destroy(gpu_initialised *state);
void gpu_initialised_begin_block(gpu_initialised *state, uint32_t block, uint64_t shared_bytes);
void gpu_initialised_end_block(gpu_initialised *state, uint32_t block);
void gpu_initialised_access(gpu_initialised *state, const gpu_access *access);
void gpu_initialised_mark(gpu_initialised *state, uint64_t address, uint64_t bytes, bool written);
#endif
