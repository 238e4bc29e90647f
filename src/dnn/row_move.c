/* SPDX-License-Identifier: Apache-2.0
 * Moving elements on the host: every operation of the movement family is one or more copies of a box between two strided places. */
#include <string.h>

#include "rows.h"

typedef struct copy_params {
    int32_t rank, elem_bytes;
    int64_t dims[PGD_MAX_RANK];         /* of the box; innermost last */
    int64_t from_strides[PGD_MAX_RANK]; /* bytes */
    int64_t to_strides[PGD_MAX_RANK];
    int64_t from_offset, to_offset;     /* bytes */
    int64_t rows, rows_per_chunk;       /* rows are runs of the innermost axis */
} copy_params;

static void copy_run(char *to, const char *from, const copy_params *p) {
    int32_t inner = p->rank - 1;
    int64_t n = p->dims[inner], to_step = p->to_strides[inner], from_step = p->from_strides[inner];
    if (to_step == p->elem_bytes && from_step == p->elem_bytes)
        memcpy(to, from, (size_t)(n * p->elem_bytes));
    else if (p->elem_bytes == 4)
        for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, 4);
    else
        for (int64_t i = 0; i < n; i++) memcpy(to + i * to_step, from + i * from_step, (size_t)p->elem_bytes);
}

/* mem: from, to */
static void copy_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const copy_params *p = params;
    int64_t end = (chunk + 1) * p->rows_per_chunk < p->rows ? (chunk + 1) * p->rows_per_chunk : p->rows;
    for (int64_t row = chunk * p->rows_per_chunk; row < end; row++) {
        int64_t rest = row, from = p->from_offset, to = p->to_offset;
        for (int32_t d = p->rank - 2; d >= 0; d--) {
            int64_t at = rest % p->dims[d];
            rest /= p->dims[d];
            from += at * p->from_strides[d];
            to += at * p->to_strides[d];
        }
        copy_run(mem[1] + to, mem[0] + from, p);
    }
}

static void row_major_strides(const pgd_shape *shape, int64_t elem_bytes, int64_t *strides) {
    for (int32_t d = shape->rank - 1; d >= 0; d--) {
        strides[d] = elem_bytes;
        elem_bytes *= shape->dims[d];
    }
}

static pgd_status emit_copy(pgd_emitter *emitter, const pgd_problem *problem, int32_t input, copy_params p) {
    if (p.rank == 0) p.rank = 1, p.dims[0] = 1, p.from_strides[0] = p.to_strides[0] = p.elem_bytes;
    p.rows = 1;
    for (int32_t d = 0; d < p.rank - 1; d++) p.rows *= p.dims[d];
    int64_t inner = p.dims[p.rank - 1];
    p.rows_per_chunk = inner >= 32768 ? 1 : 32768 / (inner < 1 ? 1 : inner);
    pgd_job *job = pgd_emit(emitter, copy_chunk, &p, sizeof p, inner == 0 ? 0 : (p.rows + p.rows_per_chunk - 1) / p.rows_per_chunk);
    if (job == NULL) return pgd_fail_memory(sizeof p);
    pgd_emit_operand(job, PGD_OPERAND_INPUT, input, 0);
    pgd_emit_operand(job, PGD_OPERAND_OUTPUT, 0, 0);
    return PGD_OK;
}

static const char *accept(const pgd_problem *problem) { return NULL; }

/* transpose, broadcast, slice, reshape, reverse: the result whole, from a strided view of the input */
static pgd_status move_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape, *y = &problem->outputs[0].shape;
    int64_t bytes = (int64_t)pgd_dtype_bytes(problem->inputs[0].dtype), strides[PGD_MAX_RANK];
    copy_params p = {.rank = y->rank, .elem_bytes = (int32_t)bytes};
    memcpy(p.dims, y->dims, sizeof p.dims);
    row_major_strides(y, bytes, p.to_strides);
    row_major_strides(x, bytes, strides);
    if (problem->op == PGD_OP_RESHAPE) memcpy(p.from_strides, p.to_strides, sizeof p.to_strides);
    for (int32_t d = 0; d < y->rank && problem->op != PGD_OP_RESHAPE; d++)
        p.from_strides[d] = problem->op == PGD_OP_TRANSPOSE ? strides[problem->attrs->ints[d]] : problem->op == PGD_OP_BROADCAST && x->dims[d] == 1 ? 0 : strides[d];
    for (int32_t d = 0; d < y->rank && problem->op == PGD_OP_REVERSE; d++)
        if ((problem->attrs->ints[0] >> d & 1) != 0 && x->dims[d] > 0) {
            p.from_offset += (x->dims[d] - 1) * strides[d];
            p.from_strides[d] = -strides[d];
        }
    if (problem->op == PGD_OP_SLICE) {
        int64_t axis = problem->attrs->ints[0], start = problem->attrs->dims.dims[0];
        if (start + y->dims[axis] > x->dims[axis]) return pgd_fail(PGD_BAD_ARG, "slice: %lld elements from %lld lie outside an extent of %lld", (long long)y->dims[axis], (long long)start, (long long)x->dims[axis]);
        p.from_offset = start * strides[axis];
    }
    return emit_copy(emitter, problem, 0, p);
}

const pgd_kernel_row pgd_row_host_move = {.name = "host_move", .device = "host", .reject = accept, .emit = move_emit};

/* Input `input` into the box of the result that begins `start` along `axis`. */
static pgd_status emit_into(pgd_emitter *emitter, const pgd_problem *problem, int32_t input, int64_t axis, int64_t start) {
    const pgd_shape *x = &problem->inputs[input].shape;
    int64_t bytes = (int64_t)pgd_dtype_bytes(problem->inputs[input].dtype);
    copy_params p = {.rank = x->rank, .elem_bytes = (int32_t)bytes};
    memcpy(p.dims, x->dims, sizeof p.dims);
    row_major_strides(x, bytes, p.from_strides);
    row_major_strides(&problem->outputs[0].shape, bytes, p.to_strides);
    p.to_offset = start * p.to_strides[axis];
    return emit_copy(emitter, problem, input, p);
}

static const char *concat_reject(const pgd_problem *problem) { return problem->input_count > PGD_MAX_JOBS ? "it has more parts than jobs fit in a step" : NULL; }

static pgd_status concat_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    int64_t axis = problem->attrs->ints[0], start = 0;
    for (int32_t i = 0; i < problem->input_count; i++) {
        PGD_TRY(emit_into(emitter, problem, i, axis, start));
        start += problem->inputs[i].shape.dims[axis];
    }
    return PGD_OK;
}

const pgd_kernel_row pgd_row_host_concat = {.name = "host_concat", .device = "host", .reject = concat_reject, .emit = concat_emit};

typedef struct fill_params {
    int64_t elems, elem_bytes, per_chunk;
    char value[8];
} fill_params;

/* mem: to */
static void fill_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const fill_params *p = params;
    int64_t end = (chunk + 1) * p->per_chunk < p->elems ? (chunk + 1) * p->per_chunk : p->elems;
    for (int64_t i = chunk * p->per_chunk; i < end; i++) memcpy(mem[0] + i * p->elem_bytes, p->value, (size_t)p->elem_bytes);
}

static pgd_status pad_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_desc *y = &problem->outputs[0];
    fill_params p = {.elems = pgd_shape_elems(y->shape), .elem_bytes = (int64_t)pgd_dtype_bytes(y->dtype), .per_chunk = 65536};
    pgd_tensor_set(&(pgd_tensor){y->dtype, {0}, p.value}, 0, problem->attrs->floats[0]);
    pgd_job *job = pgd_emit(emitter, fill_chunk, &p, sizeof p, (p.elems + p.per_chunk - 1) / p.per_chunk);
    if (job == NULL) return pgd_fail_memory(sizeof p);
    pgd_emit_operand(job, PGD_OPERAND_OUTPUT, 0, 0);
    return emit_into(emitter, problem, 0, problem->attrs->ints[0], problem->attrs->dims.dims[0]);
}

const pgd_kernel_row pgd_row_host_pad = {.name = "host_pad", .device = "host", .reject = accept, .emit = pad_emit};
