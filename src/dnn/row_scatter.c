/* SPDX-License-Identifier: Apache-2.0
 * Single elements and slices at positions that are data, on the host. Elements: tensors are seen as [outer, n, inner] around the axis, and a chunk holds
 * whole lines along it. Slices: x is seen as [slices, inner], and a chunk that writes holds some columns of all slices. So updates of one place meet in
 * one chunk, in order. */
#include <math.h>
#include <string.h>

#include "rows.h"

typedef struct scatter_params {
    int64_t outer, n, inner, count; /* n: positions of x, count: of the indices */
    int64_t per_chunk, parts;       /* lines of each of so many outer parts; slices: rows read, columns written */
    int64_t coordinates, extents[PGD_MAX_RANK];
    int32_t wide, mode, zero_outside;
    pgd_dtype dtype;
    size_t bytes; /* of an element */
} scatter_params;

static inline int64_t index_at(const char *indices, int64_t i, int64_t n, int wide) {
    int64_t index = wide ? ((const int64_t *)(const void *)indices)[i] : ((const int32_t *)(const void *)indices)[i];
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

static inline void bring_in(const scatter_params *p, char *to, const char *from, size_t bytes) {
    float a, b;
    if (p->mode == PGD_SCATTER_SET) {
        memcpy(to, from, bytes);
        return;
    }
    memcpy(&a, to, sizeof a);
    memcpy(&b, from, sizeof b);
    a = p->mode == PGD_SCATTER_ADD ? a + b : p->mode == PGD_SCATTER_MIN ? (a != a || a < b ? a : b) : (a != a || a > b ? a : b);
    memcpy(to, &a, sizeof a);
}

static void write_missing(const scatter_params *p, char *to) { pgd_tensor_set(&(pgd_tensor){p->dtype, {0}, to}, 0, p->zero_outside ? 0 : NAN); }

static const char *reject(const pgd_problem *problem) {
    bool scatter = problem->op == PGD_OP_SCATTER_ELEMENTS || problem->op == PGD_OP_SCATTER_ND;
    int64_t mode = problem->attrs->ints[problem->op == PGD_OP_SCATTER_ND ? 0 : 1];
    return scatter && mode != PGD_SCATTER_SET && problem->inputs[0].dtype != PGD_F32 ? "the elements are not f32, which alone it adds and compares" : NULL;
}

static uint32_t aliases(const pgd_problem *problem, int32_t output) { return 1; }

/* ---- elements ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Lines [first, end) of the outer parts [outer, outer_end): where lines stand alone, several parts are one chunk. */
typedef struct lines {
    int64_t outer, outer_end, first, end;
} lines;

static lines lines_of(const scatter_params *p, int64_t chunk) {
    int64_t pieces = (p->inner + p->per_chunk - 1) / p->per_chunk, first = chunk % pieces * p->per_chunk;
    int64_t outer = chunk / pieces * p->parts, outer_end = outer + p->parts, end = first + p->per_chunk;
    return (lines){outer, outer_end < p->outer ? outer_end : p->outer, first, end < p->inner ? end : p->inner};
}

/* Called with constant sizes where those are the usual ones. */
static inline void gather_lines(const scatter_params *p, char *const *mem, lines l, const size_t bytes, const int wide) {
    const int64_t n = p->n, count = p->count, inner = p->inner;
    for (int64_t outer = l.outer; outer < l.outer_end; outer++) {
        const char *x = mem[0] + (size_t)(outer * n * inner) * bytes;
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = l.first; k < l.end; k++) {
                int64_t at = (outer * count + i) * inner + k, from = index_at(mem[1], at, n, wide);
                char *to = mem[2] + (size_t)at * bytes;
                if (from < 0)
                    write_missing(p, to);
                else
                    memcpy(to, x + (size_t)(from * inner + k) * bytes, bytes);
            }
    }
}

/* mem: x, indices, y */
static void gather_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const scatter_params *p = params;
    if (p->bytes == 4 && !p->wide)
        gather_lines(p, mem, lines_of(p, chunk), 4, 0);
    else
        gather_lines(p, mem, lines_of(p, chunk), p->bytes, p->wide);
}

static inline void scatter_lines(const scatter_params *p, char *const *mem, lines l, const size_t bytes, const int wide) {
    const int64_t n = p->n, count = p->count, inner = p->inner;
    for (int64_t outer = l.outer; outer < l.outer_end; outer++) {
        char *y = mem[3] + (size_t)(outer * n * inner) * bytes;
        for (int64_t i = 0; i < count; i++)
            for (int64_t k = l.first; k < l.end; k++) {
                int64_t from = (outer * count + i) * inner + k, to = index_at(mem[1], from, n, wide);
                if (to >= 0) bring_in(p, y + (size_t)(to * inner + k) * bytes, mem[2] + (size_t)from * bytes, bytes);
            }
    }
}

/* mem: x, indices, updates, y */
static void scatter_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const scatter_params *p = params;
    lines l = lines_of(p, chunk);
    for (int64_t i = l.outer * p->n; i < l.outer_end * p->n && mem[3] != mem[0]; i++) {
        size_t at = (size_t)(i * p->inner + l.first) * p->bytes;
        memcpy(mem[3] + at, mem[0] + at, (size_t)(l.end - l.first) * p->bytes);
    }
    if (p->bytes == 4 && !p->wide)
        scatter_lines(p, mem, l, 4, 0);
    else
        scatter_lines(p, mem, l, p->bytes, p->wide);
}

static pgd_status elements_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape;
    int64_t axis = problem->attrs->ints[0], option = problem->attrs->ints[1];
    bool scatter = problem->op == PGD_OP_SCATTER_ELEMENTS;
    scatter_params p = {.outer = 1, .n = 1, .inner = 1, .count = problem->inputs[1].shape.dims[axis], .wide = problem->inputs[1].dtype == PGD_I64, .mode = scatter ? (int32_t)option : 0,
                        .zero_outside = !scatter && option != 0, .dtype = problem->inputs[0].dtype, .bytes = pgd_dtype_bytes(problem->inputs[0].dtype)};
    for (int32_t i = 0; i < x->rank; i++) *(i < axis ? &p.outer : i > axis ? &p.inner : &p.n) *= x->dims[i];
    int64_t line = p.n + p.count;
    p.per_chunk = line >= 1024 ? 16 : 16384 / (line < 1 ? 1 : line);
    p.parts = p.inner == 1 ? p.per_chunk : 1;
    int64_t chunks = p.inner == 0 ? 0 : (p.outer + p.parts - 1) / p.parts * ((p.inner + p.per_chunk - 1) / p.per_chunk);
    return pgd_emit_simple(emitter, problem, scatter ? scatter_chunk : gather_chunk, &p, sizeof p, chunks);
}

const pgd_kernel_row pgd_row_host_gather_elements = {.name = "host_gather_elements", .device = "host", .reject = reject, .emit = elements_emit};
const pgd_kernel_row pgd_row_host_scatter_elements = {.name = "host_scatter_elements", .device = "host", .reject = reject, .emit = elements_emit, .aliases = aliases};

/* ---- slices ------------------------------------------------------------------------------------------------------------------------------------------------ */

static int64_t slice_at(const scatter_params *p, const char *indices, int64_t row) {
    int64_t slice = 0;
    for (int64_t i = 0; i < p->coordinates; i++) {
        int64_t at = index_at(indices, row * p->coordinates + i, p->extents[i], p->wide);
        if (at < 0) return -1;
        slice = slice * p->extents[i] + at;
    }
    return slice;
}

/* mem: x, indices, y */
static void gather_nd_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const scatter_params *p = params;
    int64_t end = (chunk + 1) * p->per_chunk < p->count ? (chunk + 1) * p->per_chunk : p->count;
    size_t run = (size_t)p->inner * p->bytes;
    for (int64_t row = chunk * p->per_chunk; row < end; row++) {
        int64_t slice = slice_at(p, mem[1], row);
        char *to = mem[2] + (size_t)row * run;
        for (int64_t e = 0; e < p->inner && slice < 0; e++) write_missing(p, to + (size_t)e * p->bytes);
        if (slice >= 0) memcpy(to, mem[0] + (size_t)slice * run, run);
    }
}

/* mem: x, indices, updates, y */
static void scatter_nd_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const scatter_params *p = params;
    int64_t first = chunk * p->per_chunk, columns = p->inner - first < p->per_chunk ? p->inner - first : p->per_chunk;
    size_t row_bytes = (size_t)p->inner * p->bytes, skip = (size_t)first * p->bytes, run = (size_t)columns * p->bytes;
    for (int64_t i = 0; i < p->n && mem[3] != mem[0]; i++) memcpy(mem[3] + (size_t)i * row_bytes + skip, mem[0] + (size_t)i * row_bytes + skip, run);
    for (int64_t row = 0; row < p->count; row++) {
        int64_t slice = slice_at(p, mem[1], row);
        if (slice < 0) continue;
        char *to = mem[3] + (size_t)slice * row_bytes + skip;
        const char *from = mem[2] + (size_t)row * row_bytes + skip;
        if (p->mode == PGD_SCATTER_SET)
            memcpy(to, from, run);
        else
            for (int64_t e = 0; e < columns; e++) ((float *)(void *)to)[e] += ((const float *)(const void *)from)[e];
    }
}

static pgd_status nd_emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape, *indices = &problem->inputs[1].shape;
    bool scatter = problem->op == PGD_OP_SCATTER_ND;
    scatter_params p = {.n = 1, .inner = 1, .count = 1, .coordinates = indices->dims[indices->rank - 1], .wide = problem->inputs[1].dtype == PGD_I64, .mode = scatter ? (int32_t)problem->attrs->ints[0] : 0,
                        .zero_outside = !scatter && problem->attrs->ints[0] != 0, .dtype = problem->inputs[0].dtype, .bytes = pgd_dtype_bytes(problem->inputs[0].dtype)};
    memcpy(p.extents, x->dims, sizeof p.extents);
    for (int32_t i = 0; i < x->rank; i++) *(i < p.coordinates ? &p.n : &p.inner) *= x->dims[i];
    for (int32_t i = 0; i < indices->rank - 1; i++) p.count *= indices->dims[i];
    p.per_chunk = scatter ? 1024 : p.inner >= 16384 ? 1 : 16384 / (p.inner < 1 ? 1 : p.inner);
    int64_t parts = scatter ? p.inner : p.count, chunks = p.inner == 0 ? 0 : (parts + p.per_chunk - 1) / p.per_chunk;
    return pgd_emit_simple(emitter, problem, scatter ? scatter_nd_chunk : gather_nd_chunk, &p, sizeof p, chunks);
}

const pgd_kernel_row pgd_row_host_gather_nd = {.name = "host_gather_nd", .device = "host", .reject = reject, .emit = nd_emit};
const pgd_kernel_row pgd_row_host_scatter_nd = {.name = "host_scatter_nd", .device = "host", .reject = reject, .emit = nd_emit, .aliases = aliases};
