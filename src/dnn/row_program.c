/* SPDX-License-Identifier: Apache-2.0
 * Fused programs on the host: one job for the tile interpreter. */
#include "program_lower.h"

enum { CHUNK_ELEMS = 32 * PGD_TILE };

static const char *reject(const pgd_problem *problem) {
    pgd_host_program lowered;
    return pgd_program_lower(problem, &lowered);
}

/* Chunks of the reductions hold about CHUNK_ELEMS input elements; the split follows from the shape alone. */
static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    pgd_host_program p;
    const struct pgd_host_kernels *kernels = pgd_host_kernels_for(problem->isa);
    const char *reason = pgd_program_lower(problem, &p);
    if (reason != NULL) return pgd_fail(PGD_UNSUPPORTED, "host_program: %s", reason);
    pgd_chunk_fn *function = kernels->program_map;
    int64_t chunks;
    if (p.reduce < 0) {
        p.chunk_elems = CHUNK_ELEMS;
        chunks = (p.elems + p.chunk_elems - 1) / p.chunk_elems;
    } else if ((p.reduced >> (p.rank - 1) & 1) != 0) {
        function = kernels->program_reduce_rows;
        p.chunk_elems = p.reduced_elems >= CHUNK_ELEMS ? 1 : CHUNK_ELEMS / (p.reduced_elems < 1 ? 1 : p.reduced_elems);
        chunks = (p.kept_elems + p.chunk_elems - 1) / p.chunk_elems;
    } else {
        int64_t inner = p.dims[p.rank - 1];
        function = kernels->program_reduce_columns;
        p.chunk_elems = p.reduced_elems > 64 ? 128 : PGD_TILE;
        chunks = inner == 0 ? 0 : p.kept_elems / inner * ((inner + p.chunk_elems - 1) / p.chunk_elems);
    }
    return pgd_emit_simple(emitter, problem, function, &p, sizeof p, chunks);
}

/* An output may take over an input that lies exactly like it, is read only at or before the instruction that writes the output, and is not itself
 * an output. */
static uint32_t aliases(const pgd_problem *problem, int32_t output) {
    pgd_host_program p;
    uint32_t result = 0;
    if (pgd_program_lower(problem, &p) != NULL || p.reduce >= 0 || p.instrs[p.outputs[output]].store != output) return 0;
    for (int32_t input = 0; input < problem->input_count; input++) {
        bool fits = problem->inputs[input].dtype == PGD_F32 && pgd_shape_equal(problem->inputs[input].shape, problem->outputs[output].shape);
        for (int32_t i = 0; fits && i < p.instr_count; i++) {
            const pgd_host_instr *instr = &p.instrs[i];
            bool random = instr->op == PGD_OP_UNIFORM || instr->op == PGD_OP_NORMAL;
            if ((instr->op == PGD_OP_INPUT || random) && instr->operand == input) {
                fits = instr->load == PGD_LOAD_DIRECT && i < p.outputs[output];
                for (int32_t k = 0; k < p.output_count; k++) fits = fits && p.outputs[k] != i;
            }
            for (int32_t k = 0; k < 3 && instr->load == PGD_LOAD_NONE && !random && instr->args[k] >= 0; k++) {
                const pgd_host_instr *source = &p.instrs[instr->args[k]];
                if (source->op == PGD_OP_INPUT && source->operand == input && i > p.outputs[output]) fits = false;
            }
        }
        if (fits) result |= 1u << input;
    }
    return result;
}

const pgd_kernel_row pgd_row_host_program = {.name = "host_program", .device = "host", .reject = reject, .emit = emit, .aliases = aliases};
