/* SPDX-License-Identifier: Apache-2.0
 * dnn, for the engine: a problem with concrete shapes goes in, the jobs of the first row that takes it come out. */
#ifndef PGD_DNN_SHARE_H
#define PGD_DNN_SHARE_H

#include <graph_share.h>
#include <pagoda/dnn.h>
#include <runtime_share.h>

typedef struct pgd_desc {
    pgd_dtype dtype;
    pgd_shape shape;
} pgd_desc;

/* One node with everything bound: extents are numbers, DIM_SIZE instructions have become FILL. */
typedef struct pgd_problem {
    pgd_op op;
    const pgd_attrs *attrs;
    const pgd_program *program; /* PROGRAM: the work; MATMUL, CONV and the like: the epilogue or NULL */
    const pgd_desc *inputs, *outputs;
    int32_t input_count, output_count;
    const char *device_kind;
    pgd_isa isa;
    int32_t threads; /* of the device: into how many pieces work is cut where that changes no bit of the result */
} pgd_problem;

/* What a job's operand is before memory is planned. */
typedef enum pgd_operand_kind { PGD_OPERAND_NONE, PGD_OPERAND_INPUT, PGD_OPERAND_OUTPUT, PGD_OPERAND_WORKSPACE } pgd_operand_kind;
typedef struct pgd_operand {
    pgd_operand_kind kind;
    int32_t index;         /* of the input or output */
    uint64_t offset_bytes; /* within the workspace of the node */
} pgd_operand;

typedef struct pgd_job {
    pgd_chunk_fn *function;
    const void *params; /* lives as long as the emitter's arena */
    int64_t chunks;
    int32_t operand_count;
    pgd_operand operands[PGD_MAX_OPERANDS];
} pgd_job;

enum { PGD_MAX_JOBS = 4 };

typedef struct pgd_emitter {
    pgd_arena *arena; /* for params */
    pgd_job jobs[PGD_MAX_JOBS];
    int32_t job_count;
    uint64_t workspace_bytes;
} pgd_emitter;

/* Appends a job whose params are a copy of `bytes` bytes at `params`; returns it for adding operands, NULL without memory. A job of no chunks is dropped by the engine. */
pgd_job *pgd_emit(pgd_emitter *emitter, pgd_chunk_fn *function, const void *params, size_t bytes, int64_t chunks);
void pgd_emit_operand(pgd_job *job, pgd_operand_kind kind, int32_t index, uint64_t offset_bytes);

enum { PGD_ROW_REFERENCE = 1 };

typedef struct pgd_kernel_row {
    const char *name;
    const char *device;
    uint32_t flags;
    const char *(*reject)(const pgd_problem *problem); /* NULL: I can. Else one sentence why not */
    pgd_status (*emit)(const pgd_problem *problem, pgd_emitter *emitter);
    uint32_t (*aliases)(const pgd_problem *problem, int32_t output); /* inputs whose memory this output may take over; NULL: none */
} pgd_kernel_row;

/* The first row that takes the problem. Errors: UNSUPPORTED with every row's reason. */
pgd_status pgd_kernel_pick(const pgd_problem *problem, const pgd_kernel_row **out);

/* Every row for an op, in order of preference: for tests. NULL past the end. */
const pgd_kernel_row *pgd_kernel_row_at(pgd_op op, int32_t index);

#endif
