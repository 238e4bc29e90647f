/* SPDX-License-Identifier: Apache-2.0
 * Gather, its derivative, and update_slice on the host. Tensors are seen as [outer, n, inner] around the axis. */
#include <math.h>
#include <string.h>

#include "rows.h"

typedef struct gather_params {
    int64_t outer, n, inner, count; /* count: indices, or positions of the part */
    int64_t per_chunk;              /* rows of the result; of the derivative: columns */
    int32_t wide;                   /* indices are i64 */
    int32_t zero_outside;
    pgd_dtype dtype;
} gather_params;

static gather_params around(const pgd_problem *problem, const pgd_shape *x, int64_t count) {
    gather_params p = {.outer = 1, .n = 1, .inner = 1, .count = count, .wide = problem->inputs[1].dtype == PGD_I64, .zero_outside = problem->op == PGD_OP_GATHER && problem->attrs->ints[1] != 0, .dtype = problem->inputs[0].dtype};
    for (int32_t i = 0; i < x->rank; i++) *(i < problem->attrs->ints[0] ? &p.outer : i > problem->attrs->ints[0] ? &p.inner : &p.n) *= x->dims[i];
    return p;
}

static int64_t index_at(const gather_params *p, const char *indices, int64_t i) {
    int64_t index = p->wide ? ((const int64_t *)(const void *)indices)[i] : ((const int32_t *)(const void *)indices)[i];
    if (index < 0) index += p->n;
    return index >= 0 && index < p->n ? index : -1;
}

static void fill_missing(const gather_params *p, char *to) {
    for (int64_t i = 0; i < p->inner; i++) pgd_tensor_set(&(pgd_tensor){p->dtype, {1, {p->inner}}, to}, i, p->zero_outside ? 0 : NAN);
}

/* mem: x, indices, y */
static void gather_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const gather_params *p = params;
    int64_t rows = p->outer * p->count, end = (chunk + 1) * p->per_chunk < rows ? (chunk + 1) * p->per_chunk : rows;
    size_t bytes = (size_t)p->inner * pgd_dtype_bytes(p->dtype);
    for (int64_t row = chunk * p->per_chunk; row < end; row++) {
        int64_t from = index_at(p, mem[1], row % p->count);
        char *to = mem[2] + (size_t)row * bytes;
        if (from < 0)
            fill_missing(p, to);
        else
            memcpy(to, mem[0] + (size_t)(row / p->count * p->n + from) * bytes, bytes);
    }
}

static const char *accept(const pgd_problem *problem) { return NULL; }

static pgd_status gather_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    gather_params p = around(problem, &problem->inputs[0].shape, pgd_shape_elems(problem->inputs[1].shape));
    p.per_chunk = p.inner >= 16384 ? 1 : 16384 / (p.inner < 1 ? 1 : p.inner);
    return pgd_emit_simple(emitter, problem, gather_chunk, &p, sizeof p, p.inner == 0 ? 0 : (p.outer * p.count + p.per_chunk - 1) / p.per_chunk);
}

const pgd_kernel_row pgd_row_host_gather = {.name = "host_gather", .device = "host", .reject = accept, .emit = gather_emit};

/* mem: dy, indices, dx. A chunk is some columns of one outer part, so that every sum has one order. */
static void gather_d_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const gather_params *p = params;
    int64_t pieces = (p->inner + p->per_chunk - 1) / p->per_chunk, outer = chunk / pieces, first = chunk % pieces * p->per_chunk;
    int64_t columns = p->inner - first < p->per_chunk ? p->inner - first : p->per_chunk;
    float *dx = (float *)(void *)mem[2] + outer * p->n * p->inner + first;
    const float *dy = (const float *)(const void *)mem[0] + outer * p->count * p->inner + first;
    for (int64_t row = 0; row < p->n; row++) memset(dx + row * p->inner, 0, (size_t)columns * sizeof *dx);
    for (int64_t i = 0; i < p->count; i++) {
        int64_t row = index_at(p, mem[1], i);
        if (row < 0) continue;
        float *to = dx + row * p->inner;
        const float *from = dy + i * p->inner;
        for (int64_t k = 0; k < columns; k++) to[k] += from[k];
    }
}

static const char *gather_d_reject(const pgd_problem *problem) { return problem->inputs[0].dtype != PGD_F32 ? "dy is not f32" : NULL; }

static pgd_status gather_d_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    gather_params p = around(problem, &problem->outputs[0].shape, pgd_shape_elems(problem->inputs[1].shape));
    p.per_chunk = 64;
    return pgd_emit_simple(emitter, problem, gather_d_chunk, &p, sizeof p, p.n == 0 ? 0 : p.outer * ((p.inner + p.per_chunk - 1) / p.per_chunk));
}

const pgd_kernel_row pgd_row_host_gather_d = {.name = "host_gather_d", .device = "host", .reject = gather_d_reject, .emit = gather_d_emit};

/* mem: x, part, start, y; nothing to do where y lies over x. */
static void keep_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const gather_params *p = params;
    int64_t rows = p->outer * p->n, first = chunk * p->per_chunk, count = rows - first < p->per_chunk ? rows - first : p->per_chunk;
    size_t bytes = (size_t)p->inner * pgd_dtype_bytes(p->dtype);
    if (mem[3] != mem[0]) memcpy(mem[3] + (size_t)first * bytes, mem[0] + (size_t)first * bytes, (size_t)count * bytes);
}

static void update_chunk(const void *params, char *const *mem, int64_t outer, void *scratch) {
    const gather_params *p = params;
    int64_t start = *(const int32_t *)(const void *)mem[2];
    size_t bytes = (size_t)p->inner * pgd_dtype_bytes(p->dtype);
    for (int64_t i = 0; i < p->count; i++)
        if (start + i >= 0 && start + i < p->n) memcpy(mem[3] + (size_t)(outer * p->n + start + i) * bytes, mem[1] + (size_t)(outer * p->count + i) * bytes, bytes);
}

static pgd_status update_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    gather_params p = around(problem, &problem->inputs[0].shape, problem->inputs[1].shape.dims[problem->attrs->ints[0]]);
    p.per_chunk = p.inner >= 16384 ? 1 : 16384 / (p.inner < 1 ? 1 : p.inner);
    PGD_TRY(pgd_emit_simple(emitter, problem, keep_chunk, &p, sizeof p, p.inner == 0 ? 0 : (p.outer * p.n + p.per_chunk - 1) / p.per_chunk));
    return pgd_emit_simple(emitter, problem, update_chunk, &p, sizeof p, p.inner == 0 ? 0 : p.outer);
}

static uint32_t update_aliases(const pgd_problem *problem, int32_t output) { return 1; }

const pgd_kernel_row pgd_row_host_update_slice = {.name = "host_update_slice", .device = "host", .reject = accept, .emit = update_emit, .aliases = update_aliases};
