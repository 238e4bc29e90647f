/* SPDX-License-Identifier: Apache-2.0
 * Cases on an executor of softgpu, without a driver between. */
#ifndef PGD_GOLDEN_RUN_REFERENCE_H
#define PGD_GOLDEN_RUN_REFERENCE_H

#include <exec/reference.h>

#include "cases.h"

typedef struct golden_machine {
    gpu_memory *memory;
    ptx_module *module;
    gpu_program program;
    bool loaded;
    uint64_t in, out; /* room for the greatest case */
    pgd_status (*run)(const gpu_launch *launch, gpu_fault *fault);
} golden_machine;

/* Errors: NO_MEMORY. */
pgd_status golden_machine_create(golden_machine *out);
void golden_machine_destroy(golden_machine *m);

/* Loads a module of cases in place of the one before. Errors: those of ptx_parse and gpu_program_load. */
pgd_status golden_machine_load(golden_machine *m, const golden_case *cases, int32_t count);

/* inputs: what golden_inputs gave. cells: golden_output_bytes. Errors: DEVICE the kernel did wrong, see fault. */
pgd_status golden_machine_run(golden_machine *m, const golden_case *c, const uint64_t *inputs, uint64_t *cells, gpu_fault *fault);
#endif
