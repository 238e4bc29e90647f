/* SPDX-License-Identifier: Apache-2.0
 * Operations that move elements without computing. */
#include <string.h>

#include "ops_internal.h"

static size_t elem_bytes(const pgd_tensor *t) { return pgd_dtype_bytes(t->dtype); }

static void copy_elem(const pgd_tensor *to, int64_t to_index, const pgd_tensor *from, int64_t from_index) {
    size_t bytes = elem_bytes(to);
    memcpy((char *)to->data + (size_t)to_index * bytes, (const char *)from->data + (size_t)from_index * bytes, bytes);
}

/* ---- reshape -------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status reshape_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    char from[128], to[128];
    if (pgd_symshape_elems(graph, x->shape) != pgd_symshape_elems(graph, node->attrs.dims))
        return pgd_fail(PGD_BAD_ARG, "reshape: %s and %s have different numbers of elements", pgd_symshape_text(graph, x->shape, from, sizeof from),
                        pgd_symshape_text(graph, node->attrs.dims, to, sizeof to));
    outputs[0].dtype = x->dtype;
    outputs[0].shape = node->attrs.dims;
    return PGD_OK;
}

static void reshape_eval(const pgd_eval_args *a) {
    size_t bytes = (size_t)pgd_shape_elems(a->outputs[0].shape) * elem_bytes(&a->outputs[0]);
    if (bytes > 0) memcpy(a->outputs[0].data, a->inputs[0].data, bytes);
}

static void reshape_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) { dx[0] = pgd_reshape(g, dy[0], n->inputs[0]->shape); }
static double no_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 0; }

const pgd_op_def pgd_def_reshape = {.dtypes = PGD_DTYPES_ANY, .has_dims = true, .infer = reshape_infer, .eval = reshape_eval, .grad = reshape_grad, .flops = no_flops};

/* ---- barrier: x, after -> x, but not before `after` is there. Barriers of different numbers are different, so that what is computed twice on purpose is
 * not merged again. ----------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status barrier_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    outputs[0].dtype = node->inputs[0]->dtype;
    outputs[0].shape = node->inputs[0]->shape;
    return PGD_OK;
}

static void barrier_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) { (void)g, (void)n, dx[0] = dy[0]; }

const pgd_op_def pgd_def_barrier = {.dtypes = PGD_DTYPES_ANY, .int_names = "number", .infer = barrier_infer, .eval = reshape_eval, .grad = barrier_grad, .flops = no_flops};

/* ---- transpose: output axis i is input axis ints[i] -------------------------------------------------------------------------------------------- */

static pgd_status transpose_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    uint32_t seen = 0;
    outputs[0].dtype = x->dtype;
    outputs[0].shape.rank = x->shape.rank;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        int64_t from = node->attrs.ints[i];
        if (from < 0 || from >= x->shape.rank || (seen >> from & 1) != 0) return pgd_fail(PGD_BAD_ARG, "transpose: entry %d is %lld; a permutation names every axis once", i, (long long)from);
        seen |= 1u << from;
        outputs[0].shape.dims[i] = x->shape.dims[from];
    }
    return PGD_OK;
}

static void transpose_eval(const pgd_eval_args *a) {
    const pgd_tensor *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        int64_t from[PGD_MAX_RANK] = {0};
        for (int32_t axis = 0; axis < y->shape.rank; axis++) from[a->attrs->ints[axis]] = at[axis];
        copy_elem(y, i++, &a->inputs[0], pgd_flat(&a->inputs[0].shape, from));
    } while (pgd_step(&y->shape, at));
}

static void transpose_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    int32_t inverse[PGD_MAX_RANK];
    for (int32_t i = 0; i < n->inputs[0]->shape.rank; i++) inverse[n->attrs.ints[i]] = i;
    dx[0] = pgd_transpose(g, dy[0], inverse);
}

const pgd_op_def pgd_def_transpose = {.dtypes = PGD_DTYPES_ANY, .int_names = "a0 a1 a2 a3 a4 a5", .infer = transpose_infer, .eval = transpose_eval, .grad = transpose_grad, .flops = no_flops};

/* ---- broadcast: equal rank, extents equal or 1 ---------------------------------------------------------------------------------------------------- */

static pgd_status broadcast_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    bool fits = x->shape.rank == node->attrs.dims.rank;
    for (int32_t i = 0; fits && i < x->shape.rank; i++) fits = x->shape.dims[i] == 1 || x->shape.dims[i] == node->attrs.dims.dims[i];
    char from[128], to[128];
    if (!fits)
        return pgd_fail(PGD_BAD_ARG, "broadcast: %s does not become %s; extents must be equal or 1", pgd_symshape_text(graph, x->shape, from, sizeof from),
                        pgd_symshape_text(graph, node->attrs.dims, to, sizeof to));
    outputs[0].dtype = x->dtype;
    outputs[0].shape = node->attrs.dims;
    return PGD_OK;
}

static void broadcast_eval(const pgd_eval_args *a) {
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(a->outputs[0].shape) == 0) return;
    do copy_elem(&a->outputs[0], i++, &a->inputs[0], pgd_flat(&a->inputs[0].shape, at));
    while (pgd_step(&a->outputs[0].shape, at));
}

static void broadcast_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) { dx[0] = pgd_unbroadcast(g, dy[0], n->inputs[0]->shape); }

const pgd_op_def pgd_def_broadcast = {.dtypes = PGD_DTYPES_ANY, .has_dims = true, .infer = broadcast_infer, .eval = broadcast_eval, .grad = broadcast_grad, .flops = no_flops};

/* ---- slice and pad along one axis; each is the other's gradient. dims: slice {start, extent}, pad {before, after} --------------------------------- */

static pgd_status slice_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    int64_t axis = node->attrs.ints[0], lo, hi, start_lo, start_hi, whole_lo, whole_hi;
    if (axis < 0 || axis >= x->shape.rank || node->attrs.dims.rank != 2) return pgd_fail(PGD_BAD_ARG, "slice: axis %lld is outside rank %d", (long long)axis, x->shape.rank);
    pgd_dim_range(graph, node->attrs.dims.dims[0], &start_lo, &start_hi);
    pgd_dim_range(graph, node->attrs.dims.dims[1], &lo, &hi);
    pgd_dim_range(graph, x->shape.dims[axis], &whole_lo, &whole_hi);
    if (start_lo < 0 || lo < 0 || lo > whole_hi || start_lo > whole_hi - lo)
        return pgd_fail(PGD_BAD_ARG, "slice: %lld elements from %lld lie outside an extent of %lld", (long long)lo, (long long)start_lo, (long long)whole_hi);
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    outputs[0].shape.dims[axis] = node->attrs.dims.dims[1];
    return PGD_OK;
}

static void slice_eval(const pgd_eval_args *a) {
    int64_t at[PGD_MAX_RANK] = {0}, i = 0, axis = a->attrs->ints[0], start = a->attrs->dims.dims[0];
    if (pgd_shape_elems(a->outputs[0].shape) == 0) return;
    do {
        int64_t from[PGD_MAX_RANK];
        memcpy(from, at, sizeof from);
        from[axis] += start;
        int64_t flat = 0;
        for (int32_t d = 0; d < a->inputs[0].shape.rank; d++) flat = flat * a->inputs[0].shape.dims[d] + from[d];
        copy_elem(&a->outputs[0], i++, &a->inputs[0], flat);
    } while (pgd_step(&a->outputs[0].shape, at));
}

static void slice_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    int32_t axis = (int32_t)n->attrs.ints[0];
    pgd_dim whole = n->inputs[0]->shape.dims[axis], start = n->attrs.dims.dims[0], extent = n->attrs.dims.dims[1];
    if (whole < 0 || start < 0 || extent < 0) {
        pgd_graph_fail(g, PGD_UNSUPPORTED, "slice: no gradient for symbolic extents along the sliced axis");
        return;
    }
    dx[0] = pgd_pad(g, dy[0], axis, start, whole - start - extent, 0);
}

const pgd_op_def pgd_def_slice = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis", .has_dims = true, .infer = slice_infer, .eval = slice_eval, .grad = slice_grad, .flops = no_flops};

static pgd_status pad_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    int64_t axis = node->attrs.ints[0];
    if (axis < 0 || axis >= x->shape.rank || node->attrs.dims.rank != 2) return pgd_fail(PGD_BAD_ARG, "pad: axis %lld is outside rank %d", (long long)axis, x->shape.rank);
    if (node->attrs.dims.dims[0] < 0 || node->attrs.dims.dims[1] < 0) return pgd_fail(PGD_BAD_ARG, "pad: before and after must be constants of at least 0");
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    outputs[0].shape.dims[axis] = pgd_dim_add(graph, x->shape.dims[axis], node->attrs.dims.dims[0] + node->attrs.dims.dims[1]);
    return PGD_OK;
}

static void pad_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0, axis = a->attrs->ints[0], before = a->attrs->dims.dims[0];
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        int64_t along = at[axis] - before, flat = 0;
        for (int32_t d = 0; d < x->shape.rank; d++) flat = flat * x->shape.dims[d] + (d == axis ? along : at[d]);
        if (along >= 0 && along < x->shape.dims[axis])
            copy_elem(y, i++, x, flat);
        else
            pgd_tensor_set(y, i++, a->attrs->floats[0]);
    } while (pgd_step(&y->shape, at));
}

static void pad_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    int32_t axis = (int32_t)n->attrs.ints[0];
    dx[0] = pgd_slice(g, dy[0], axis, n->attrs.dims.dims[0], n->inputs[0]->shape.dims[axis]);
}

const pgd_op_def pgd_def_pad = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis", .float_names = "value", .has_dims = true, .infer = pad_infer, .eval = pad_eval, .grad = pad_grad, .flops = no_flops};

/* ---- concat along one axis -------------------------------------------------------------------------------------------------------------------------- */

static pgd_status concat_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *first = node->input_count > 0 ? node->inputs[0] : NULL;
    int64_t axis = node->attrs.ints[0];
    if (first == NULL || axis < 0 || axis >= first->shape.rank) return pgd_fail(PGD_BAD_ARG, "concat: needs parts, and an axis inside their rank");
    pgd_dim along = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        pgd_symshape part = node->inputs[i]->shape, like = first->shape;
        if (part.rank != like.rank || node->inputs[i]->dtype != first->dtype) return pgd_fail(PGD_BAD_ARG, "concat: part %d has another rank or dtype than part 0", i);
        along = pgd_dim_add(graph, along, part.dims[axis]);
        part.dims[axis] = like.dims[axis] = 0;
        if (!pgd_symshape_equal(part, like)) return pgd_fail(PGD_BAD_ARG, "concat: part %d differs from part 0 beside axis %lld", i, (long long)axis);
    }
    outputs[0].dtype = first->dtype;
    outputs[0].shape = first->shape;
    outputs[0].shape.dims[axis] = along;
    return PGD_OK;
}

static void concat_eval(const pgd_eval_args *a) {
    const pgd_tensor *y = &a->outputs[0];
    int64_t axis = a->attrs->ints[0], outer = 1, inner = (int64_t)elem_bytes(y), done = 0;
    for (int32_t d = 0; d < y->shape.rank; d++) {
        if (d < axis) outer *= y->shape.dims[d];
        if (d > axis) inner *= y->shape.dims[d];
    }
    for (int32_t p = 0; p < a->input_count; p++) {
        int64_t run = a->inputs[p].shape.dims[axis] * inner;
        for (int64_t o = 0; o < outer && run > 0; o++)
            memcpy((char *)y->data + o * y->shape.dims[axis] * inner + done, (const char *)a->inputs[p].data + o * run, (size_t)run);
        done += run;
    }
}

static void concat_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    int32_t axis = (int32_t)n->attrs.ints[0];
    pgd_dim start = 0;
    for (int32_t i = 0; i < n->input_count; i++) {
        dx[i] = pgd_slice(g, dy[0], axis, start, n->inputs[i]->shape.dims[axis]);
        start = pgd_dim_add(g, start, n->inputs[i]->shape.dims[axis]);
    }
}

const pgd_op_def pgd_def_concat = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis", .infer = concat_infer, .eval = concat_eval, .grad = concat_grad, .flops = no_flops};

/* ---- reverse: ints[0] is a mask of the axes that run backwards ------------------------------------------------------------------------------------------ */

static pgd_status reverse_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    (void)graph;
    if (node->attrs.ints[0] < 0 || node->attrs.ints[0] >> x->shape.rank != 0) return pgd_fail(PGD_BAD_ARG, "reverse: an axis is outside rank %d", x->shape.rank);
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    return PGD_OK;
}

static void reverse_eval(const pgd_eval_args *a) {
    const pgd_shape *shape = &a->outputs[0].shape;
    int64_t at[PGD_MAX_RANK] = {0}, i = 0;
    if (pgd_shape_elems(*shape) == 0) return;
    do {
        int64_t from[PGD_MAX_RANK];
        for (int32_t d = 0; d < shape->rank; d++) from[d] = (a->attrs->ints[0] >> d & 1) != 0 ? shape->dims[d] - 1 - at[d] : at[d];
        copy_elem(&a->outputs[0], i++, &a->inputs[0], pgd_flat(shape, from));
    } while (pgd_step(shape, at));
}

static void reverse_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) { dx[0] = pgd_graph_op(g, PGD_OP_REVERSE, &n->attrs, dy, 1); }

const pgd_op_def pgd_def_reverse = {.dtypes = PGD_DTYPES_ANY, .int_names = "axes", .infer = reverse_infer, .eval = reverse_eval, .grad = reverse_grad, .flops = no_flops};
