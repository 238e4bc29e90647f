/* SPDX-License-Identifier: Apache-2.0
 * Reading and writing at positions that are data.
 *   gather        x [..,n,..], indices i32 or i64 of any shape -> x with `axis` replaced by the shape of the indices. -n .. -1 count from the end; an index
 *                 outside gives NaN, or 0 where the dtype has none or zero_outside is set.
 *   gather_d      dy, indices -> the gradient of gather: dims is the shape of x; what was read several times adds up, indices outside give nothing.
 *   update_slice  x, part, start i32 [] -> x with `part` written over it from `start` along `axis`; what would lie outside is dropped. */
#include <math.h>
#include <string.h>

#include "ops_internal.h"

static bool is_index(const pgd_value *v) { return v->dtype == PGD_I32 || v->dtype == PGD_I64; }

/* x as [outer, n, inner] around an axis. */
static void split(const pgd_shape *x, int64_t axis, int64_t *outer, int64_t *n, int64_t *inner) {
    *outer = *inner = 1;
    for (int32_t i = 0; i < x->rank; i++) *(i < axis ? outer : i > axis ? inner : n) = i == axis ? x->dims[i] : *(i < axis ? outer : inner) * x->dims[i];
}

/* The element meant, or -1. */
static int64_t resolve(int64_t index, int64_t n) {
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

/* ---- gather ------------------------------------------------------------------------------------------------------------------------------------------ */

static bool gathered_shape(const pgd_symshape *x, int64_t axis, const pgd_symshape *indices, pgd_symshape *out) {
    *out = (pgd_symshape){.rank = x->rank - 1 + indices->rank};
    if (axis < 0 || axis >= x->rank || out->rank > PGD_MAX_RANK) return false;
    for (int32_t i = 0; i < out->rank; i++) out->dims[i] = i < axis ? x->dims[i] : i < axis + indices->rank ? indices->dims[i - axis] : x->dims[i - indices->rank + 1];
    return true;
}

static pgd_status gather_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *indices = node->inputs[1];
    (void)graph;
    if (!is_index(indices)) return pgd_fail(PGD_BAD_ARG, "gather: the indices are %s; they must be i32 or i64", pgd_dtype_name(indices->dtype));
    if (!gathered_shape(&x->shape, node->attrs.ints[0], &indices->shape, &outputs[0].shape))
        return pgd_fail(PGD_BAD_ARG, "gather: axis %lld of rank %d with indices of rank %d; the axis must exist and the result have rank %d or less", (long long)node->attrs.ints[0], x->shape.rank, indices->shape.rank, PGD_MAX_RANK);
    outputs[0].dtype = x->dtype;
    return PGD_OK;
}

static void gather_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *indices = &a->inputs[1], *y = &a->outputs[0];
    int64_t outer, n, inner, count = pgd_shape_elems(indices->shape);
    size_t bytes = pgd_dtype_bytes(x->dtype);
    split(&x->shape, a->attrs->ints[0], &outer, &n, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < count; i++) {
            int64_t from = resolve(pgd_tensor_get_int(indices, i), n), to = (o * count + i) * inner;
            for (int64_t k = 0; k < inner && from < 0; k++) pgd_tensor_set(y, to + k, a->attrs->ints[1] != 0 ? 0 : NAN);
            if (from >= 0 && inner > 0) memcpy((char *)y->data + (size_t)to * bytes, (const char *)x->data + (size_t)((o * n + from) * inner) * bytes, (size_t)inner * bytes);
        }
}

static void gather_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = {.ints = {n->attrs.ints[0]}, .dims = n->inputs[0]->shape};
    dx[0] = pgd_graph_op(g, PGD_OP_GATHER_D, &attrs, (pgd_value *[]){dy[0], n->inputs[1]}, 2);
}

static pgd_status gather_d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *dy = node->inputs[0], *indices = node->inputs[1];
    pgd_symshape expected;
    (void)graph;
    if (!pgd_is_float(dy->dtype) || !is_index(indices) || !gathered_shape(&node->attrs.dims, node->attrs.ints[0], &indices->shape, &expected) || !pgd_symshape_equal(expected, dy->shape))
        return pgd_fail(PGD_BAD_ARG, "gather_d: dy must be what gather gives for dims, a float tensor");
    outputs[0].dtype = dy->dtype;
    outputs[0].shape = node->attrs.dims;
    return PGD_OK;
}

static void gather_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *indices = &a->inputs[1], *dx = &a->outputs[0];
    int64_t outer, n, inner, count = pgd_shape_elems(indices->shape);
    split(&dx->shape, a->attrs->ints[0], &outer, &n, &inner);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t row = 0; row < n; row++)
            for (int64_t k = 0; k < inner; k++) {
                double total = 0;
                for (int64_t i = 0; i < count; i++)
                    if (resolve(pgd_tensor_get_int(indices, i), n) == row) total += pgd_tensor_get(dy, (o * count + i) * inner + k);
                pgd_tensor_set(dx, (o * n + row) * inner + k, total);
            }
}

static void gather_d_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = {.ints = {n->attrs.ints[0], true}};
    dx[0] = pgd_graph_op(g, PGD_OP_GATHER, &attrs, (pgd_value *[]){dy[0], n->inputs[1]}, 2);
}

static double no_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 0; }
static double d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_gather = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis zero_outside", .infer = gather_infer, .eval = gather_eval, .grad = gather_grad, .flops = no_flops};
const pgd_op_def pgd_def_gather_d = {.int_names = "axis", .has_dims = true, .infer = gather_d_infer, .eval = gather_d_eval, .grad = gather_d_grad, .flops = d_flops};

/* ---- update_slice -------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status update_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *part = node->inputs[1], *start = node->inputs[2];
    int64_t axis = node->attrs.ints[0];
    char whole[128], piece[128];
    bool fits = axis >= 0 && axis < x->shape.rank && part->dtype == x->dtype && part->shape.rank == x->shape.rank;
    for (int32_t i = 0; fits && i < x->shape.rank; i++) fits = i == axis || part->shape.dims[i] == x->shape.dims[i];
    if (!fits)
        return pgd_fail(PGD_BAD_ARG, "update_slice: %s%s into %s%s along axis %lld; all other extents and the dtype must agree", pgd_dtype_name(part->dtype), pgd_symshape_text(graph, part->shape, piece, sizeof piece),
                        pgd_dtype_name(x->dtype), pgd_symshape_text(graph, x->shape, whole, sizeof whole), (long long)axis);
    if (start->dtype != PGD_I32 || start->shape.rank != 0) return pgd_fail(PGD_BAD_ARG, "update_slice: start must be i32 of rank 0");
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    return PGD_OK;
}

static void update_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *part = &a->inputs[1], *y = &a->outputs[0];
    int64_t outer, n, inner, count = part->shape.dims[a->attrs->ints[0]], start = pgd_tensor_get_int(&a->inputs[2], 0);
    size_t bytes = pgd_dtype_bytes(x->dtype), all = (size_t)pgd_shape_elems(y->shape) * bytes;
    split(&x->shape, a->attrs->ints[0], &outer, &n, &inner);
    if (all == 0) return;
    memcpy(y->data, x->data, all);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < count; i++) {
            size_t to = (size_t)((o * n + start + i) * inner) * bytes, from = (size_t)((o * count + i) * inner) * bytes;
            if (start + i >= 0 && start + i < n) memcpy((char *)y->data + to, (const char *)part->data + from, (size_t)inner * bytes);
        }
}

static void update_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0], *part = n->inputs[1], *start = n->inputs[2];
    int32_t axis = (int32_t)n->attrs.ints[0];
    pgd_value *zeros = pgd_fill(g, part->dtype, part->shape, 0);
    dx[0] = pgd_graph_op(g, PGD_OP_UPDATE_SLICE, &n->attrs, (pgd_value *[]){dy[0], zeros, start}, 3);
    pgd_value *at = pgd_add(g, pgd_iota(g, PGD_I32, (pgd_symshape){1, {part->shape.dims[axis]}}, 0), start);
    pgd_value *size = pgd_dim_size(g, PGD_I32, (pgd_symshape){1, {x->shape.dims[axis]}});
    pgd_value *inside = pgd_and(g, pgd_le(g, pgd_scalar(g, PGD_I32, 0), at), pgd_lt(g, at, size));
    pgd_value *read = pgd_graph_op(g, PGD_OP_GATHER, &n->attrs, (pgd_value *[]){dy[0], at}, 2);
    pgd_symshape along = {.rank = x->shape.rank};
    for (int32_t i = 0; i < along.rank; i++) along.dims[i] = i == axis ? part->shape.dims[axis] : 1;
    dx[1] = pgd_where(g, pgd_reshape(g, inside, along), read, zeros);
}

const pgd_op_def pgd_def_update_slice = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis", .infer = update_infer, .eval = update_eval, .grad = update_grad, .flops = no_flops};
