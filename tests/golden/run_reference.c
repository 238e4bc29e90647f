/* SPDX-License-Identifier: Apache-2.0 */
#include "run_reference.h"

#include <string.h>

enum { ROOM_BYTES = 1 << 18, INSTRUCTIONS = 20000000 };

pgd_status golden_machine_create(golden_machine *out) {
    *out = (golden_machine){.run = gpu_reference_run};
    PGD_TRY(gpu_memory_create(1, 1 << 28, &out->memory));
    PGD_TRY(gpu_memory_allocate(out->memory, GPU_MEMORY_DEVICE, 0, ROOM_BYTES, 256, "in", &out->in));
    return gpu_memory_allocate(out->memory, GPU_MEMORY_DEVICE, 0, ROOM_BYTES, 256, "out", &out->out);
}

static void unload(golden_machine *m) {
    if (m->loaded) gpu_program_unload(&m->program);
    ptx_module_destroy(m->module);
    m->loaded = false;
    m->module = NULL;
}

void golden_machine_destroy(golden_machine *m) {
    unload(m);
    gpu_memory_destroy(m->memory);
    *m = (golden_machine){0};
}

pgd_status golden_machine_load(golden_machine *m, const golden_case *cases, int32_t count) {
    pgd_text text = {0}, log = {0};
    unload(m);
    golden_module_text(cases, count, &text);
    pgd_status status = text.failed ? pgd_fail_memory(text.count) : ptx_parse(text.chars, text.count, &log, &m->module);
    if (status != PGD_OK && log.chars != NULL) status = pgd_fail(status, "%.300s", log.chars);
    pgd_mem_free(text.chars);
    pgd_mem_free(log.chars);
    if (status == PGD_OK) status = gpu_program_load(m->module, m->memory, 0, &m->program);
    m->loaded = status == PGD_OK;
    return status;
}

pgd_status golden_machine_run(golden_machine *m, const golden_case *c, const uint64_t *inputs, uint64_t *cells, gpu_fault *fault) {
    struct {
        uint64_t in, out;
        unsigned char data[GOLDEN_DATA_BYTES];
    } parameters = {.in = m->in, .out = m->out};
    gpu_launch launch = {.program = &m->program, .kernel = ptx_function_find(m->module, c->kernel), .parameters = &parameters, .instruction_limit = INSTRUCTIONS};
    if (golden_input_bytes(c) > ROOM_BYTES || golden_output_bytes(c) > ROOM_BYTES || launch.kernel == NULL) return pgd_fail(PGD_INTERNAL, "%s is not loaded, or has too many columns", c->name);
    memcpy(parameters.data, golden_data(), sizeof parameters.data);
    memcpy(launch.grid, c->grid, sizeof launch.grid);
    memcpy(launch.block, c->block, sizeof launch.block);
    memcpy(gpu_memory_at(m->memory, m->in, ROOM_BYTES, NULL), inputs, golden_input_bytes(c));
    memset(gpu_memory_at(m->memory, m->out, ROOM_BYTES, NULL), GOLDEN_UNTOUCHED, golden_output_bytes(c));
    pgd_status status = m->run(&launch, fault);
    memcpy(cells, gpu_memory_at(m->memory, m->out, ROOM_BYTES, NULL), golden_output_bytes(c));
    return status;
}
