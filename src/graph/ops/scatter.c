/* SPDX-License-Identifier: Apache-2.0
 * Reading and writing single elements, or slices, at positions that are data. -n .. -1 count from the end.
 *   gather_elements   x, indices of x's rank -> of the indices' shape: y[..i..] = x[..indices[..i..]..] along `axis`; all other extents agree.
 *   scatter_elements  x, indices, updates -> x with the updates brought in at those positions.
 *   gather_nd         x, indices [.., k] -> [.., rest of x]: each row of indices names a slice of x by its first k coordinates.
 *   scatter_nd        x, indices [.., k], updates [.., rest of x] -> x with the updates brought in.
 * Reading outside gives NaN, or 0 where the dtype has none or zero_outside is set; writing outside is dropped. Updates come in row-major order: of those that
 * are set at one place the last stays. */
#include <math.h>

#include "ops_internal.h"

enum { AXIS, MODE }; /* of the elements; gather_nd and scatter_nd have no axis */

static bool is_index(const pgd_value *v) { return v->dtype == PGD_I32 || v->dtype == PGD_I64; }

static int64_t resolve(int64_t index, int64_t n) {
    if (index < 0) index += n;
    return index >= 0 && index < n ? index : -1;
}

static int64_t mode_of(pgd_op op, const pgd_attrs *attrs) { return attrs->ints[op == PGD_OP_SCATTER_ND ? 0 : MODE]; }

static pgd_status check_mode(const pgd_node *node, pgd_dtype dtype) {
    int64_t mode = mode_of(node->op, &node->attrs), most = node->op == PGD_OP_SCATTER_ND ? PGD_SCATTER_ADD : PGD_SCATTER_MAX;
    if (mode < 0 || mode > most) return pgd_fail(PGD_BAD_ARG, "%s: mode %lld; it takes 0 to %lld", pgd_op_name(node->op), (long long)mode, (long long)most);
    if (mode != PGD_SCATTER_SET && dtype == PGD_BOOL) return pgd_fail(PGD_BAD_ARG, "%s: bools can only be set; cast first", pgd_op_name(node->op));
    return PGD_OK;
}

/* ---- one element of the result: what is there, with one more update -------------------------------------------------------------------------------- */

typedef struct place {
    double f;
    int64_t i;
} place;

static place read_place(const pgd_tensor *t, int64_t at) { return pgd_is_float(t->dtype) ? (place){pgd_tensor_get(t, at), 0} : (place){0, pgd_tensor_get_int(t, at)}; }

static void write_place(const pgd_tensor *t, int64_t at, place p) {
    if (pgd_is_float(t->dtype))
        pgd_tensor_set(t, at, p.f);
    else
        pgd_tensor_set_int(t, at, p.i);
}

static place bring_in(int64_t mode, place old, place update) {
    static const pgd_op ops[] = {[PGD_SCATTER_ADD] = PGD_OP_ADD, [PGD_SCATTER_MIN] = PGD_OP_MIN, [PGD_SCATTER_MAX] = PGD_OP_MAX};
    if (mode == PGD_SCATTER_SET) return update;
    return (place){pgd_scalar_float(ops[mode], old.f, update.f, 0), pgd_scalar_int(ops[mode], old.i, update.i, 0)};
}

/* ---- elements along an axis ---------------------------------------------------------------------------------------------------------------------------- */

static pgd_status elements_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *indices = node->inputs[1];
    int64_t axis = node->attrs.ints[AXIS];
    bool scatter = node->op == PGD_OP_SCATTER_ELEMENTS, fits = axis >= 0 && axis < x->shape.rank && indices->shape.rank == x->shape.rank;
    char tx[128], ti[128];
    if (!is_index(indices)) return pgd_fail(PGD_BAD_ARG, "%s: the indices are %s; they must be i32 or i64", pgd_op_name(node->op), pgd_dtype_name(indices->dtype));
    for (int32_t i = 0; fits && i < x->shape.rank; i++) fits = i == axis || indices->shape.dims[i] == x->shape.dims[i];
    if (!fits)
        return pgd_fail(PGD_BAD_ARG, "%s: x %s and indices %s; they must have one rank and agree everywhere but on axis %lld", pgd_op_name(node->op), pgd_symshape_text(graph, x->shape, tx, sizeof tx),
                        pgd_symshape_text(graph, indices->shape, ti, sizeof ti), (long long)axis);
    if (scatter && (node->inputs[2]->dtype != x->dtype || !pgd_symshape_equal(node->inputs[2]->shape, indices->shape))) return pgd_fail(PGD_BAD_ARG, "scatter_elements: the updates must have the shape of the indices and the dtype of x");
    if (scatter) PGD_TRY(check_mode(node, x->dtype));
    outputs[0].dtype = x->dtype;
    outputs[0].shape = scatter ? x->shape : indices->shape;
    return PGD_OK;
}

static void gather_elements_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *indices = &a->inputs[1], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0, axis = a->attrs->ints[AXIS], n = x->shape.dims[axis];
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        int64_t from = 0, row = resolve(pgd_tensor_get_int(indices, i), n);
        for (int32_t d = 0; d < x->shape.rank; d++) from = from * x->shape.dims[d] + (d == axis ? row : at[d]);
        if (row < 0)
            pgd_tensor_set(y, i++, a->attrs->ints[1] != 0 ? 0 : NAN);
        else
            write_place(y, i++, read_place(x, from));
    } while (pgd_step(&y->shape, at));
}

static void scatter_elements_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *indices = &a->inputs[1], *y = &a->outputs[0];
    int64_t at[PGD_MAX_RANK] = {0}, i = 0, axis = a->attrs->ints[AXIS], n = x->shape.dims[axis], count = indices->shape.dims[axis];
    if (pgd_shape_elems(y->shape) == 0) return;
    do {
        place value = read_place(x, i);
        for (int64_t k = 0; k < count; k++) {
            int64_t from = 0;
            for (int32_t d = 0; d < x->shape.rank; d++) from = from * indices->shape.dims[d] + (d == axis ? k : at[d]);
            if (resolve(pgd_tensor_get_int(indices, from), n) == at[axis]) value = bring_in(mode_of(a->op, a->attrs), value, read_place(&a->inputs[2], from));
        }
        write_place(y, i++, value);
    } while (pgd_step(&y->shape, at));
}

/* ---- slices by coordinates ------------------------------------------------------------------------------------------------------------------------------ */

static pgd_status nd_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *indices = node->inputs[1];
    char tx[128], ti[128];
    int32_t lead = indices->shape.rank - 1;
    int64_t k = lead < 0 ? -1 : indices->shape.dims[lead];
    if (!is_index(indices)) return pgd_fail(PGD_BAD_ARG, "%s: the indices are %s; they must be i32 or i64", pgd_op_name(node->op), pgd_dtype_name(indices->dtype));
    if (k < 1 || k > x->shape.rank || lead + x->shape.rank - k > PGD_MAX_RANK)
        return pgd_fail(PGD_BAD_ARG, "%s: x %s and indices %s; the last extent of the indices is how many coordinates of x they give, 1 to its rank, and the result has rank %d or less", pgd_op_name(node->op),
                        pgd_symshape_text(graph, x->shape, tx, sizeof tx), pgd_symshape_text(graph, indices->shape, ti, sizeof ti), PGD_MAX_RANK);
    pgd_symshape slices = {.rank = lead};
    for (int32_t i = 0; i < lead; i++) slices.dims[i] = indices->shape.dims[i];
    for (int32_t i = (int32_t)k; i < x->shape.rank; i++) slices.dims[slices.rank++] = x->shape.dims[i];
    outputs[0].dtype = x->dtype;
    outputs[0].shape = node->op == PGD_OP_GATHER_ND ? slices : x->shape;
    if (node->op == PGD_OP_GATHER_ND) return PGD_OK;
    if (node->inputs[2]->dtype != x->dtype || !pgd_symshape_equal(node->inputs[2]->shape, slices))
        return pgd_fail(PGD_BAD_ARG, "scatter_nd: the updates must be %s, of the dtype of x", pgd_symshape_text(graph, slices, tx, sizeof tx));
    return check_mode(node, x->dtype);
}

/* Which slice row `row` of the indices names, or -1. */
static int64_t slice_of(const pgd_tensor *indices, int64_t row, const pgd_shape *x) {
    int64_t k = indices->shape.dims[indices->shape.rank - 1], slice = 0;
    for (int64_t i = 0; i < k; i++) {
        int64_t at = resolve(pgd_tensor_get_int(indices, row * k + i), x->dims[i]);
        if (at < 0) return -1;
        slice = slice * x->dims[i] + at;
    }
    return slice;
}

static int64_t slice_elems(const pgd_tensor *indices, const pgd_shape *x) {
    int64_t elems = 1;
    for (int32_t i = (int32_t)indices->shape.dims[indices->shape.rank - 1]; i < x->rank; i++) elems *= x->dims[i];
    return elems;
}

static int64_t row_count(const pgd_tensor *indices) {
    int64_t rows = 1;
    for (int32_t i = 0; i < indices->shape.rank - 1; i++) rows *= indices->shape.dims[i];
    return rows;
}

static void gather_nd_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *indices = &a->inputs[1], *y = &a->outputs[0];
    int64_t inner = slice_elems(indices, &x->shape), rows = row_count(indices);
    for (int64_t row = 0; row < rows && inner > 0; row++) {
        int64_t slice = slice_of(indices, row, &x->shape);
        for (int64_t e = 0; e < inner; e++) {
            if (slice < 0)
                pgd_tensor_set(y, row * inner + e, a->attrs->ints[0] != 0 ? 0 : NAN);
            else
                write_place(y, row * inner + e, read_place(x, slice * inner + e));
        }
    }
}

static void scatter_nd_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *indices = &a->inputs[1], *y = &a->outputs[0];
    int64_t inner = slice_elems(indices, &x->shape), rows = row_count(indices);
    for (int64_t i = 0, n = pgd_shape_elems(y->shape); i < n; i++) {
        place value = read_place(x, i);
        for (int64_t row = 0; row < rows; row++)
            if (slice_of(indices, row, &x->shape) == i / inner) value = bring_in(mode_of(a->op, a->attrs), value, read_place(&a->inputs[2], row * inner + i % inner));
        write_place(y, i, value);
    }
}

/* ---- gradients. Both kinds read and write alike, so they share them. ------------------------------------------------------------------------------------ */

static pgd_value *read_at(pgd_graph *g, const pgd_node *n, pgd_value *from) {
    bool nd = n->op == PGD_OP_GATHER_ND || n->op == PGD_OP_SCATTER_ND;
    pgd_attrs attrs = {.ints = {nd ? true : n->attrs.ints[AXIS], !nd}};
    return pgd_graph_op(g, nd ? PGD_OP_GATHER_ND : PGD_OP_GATHER_ELEMENTS, &attrs, (pgd_value *[]){from, n->inputs[1]}, 2);
}

static pgd_value *write_at(pgd_graph *g, const pgd_node *n, int64_t mode, pgd_value *to, pgd_value *updates) {
    bool nd = n->op == PGD_OP_GATHER_ND || n->op == PGD_OP_SCATTER_ND;
    pgd_attrs attrs = {.ints = {nd ? mode : n->attrs.ints[AXIS], nd ? 0 : mode}};
    return pgd_graph_op(g, nd ? PGD_OP_SCATTER_ND : PGD_OP_SCATTER_ELEMENTS, &attrs, (pgd_value *[]){to, n->inputs[1], updates}, 3);
}

static void gather_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    const pgd_value *x = n->inputs[0];
    dx[0] = write_at(g, n, PGD_SCATTER_ADD, pgd_fill(g, x->dtype, x->shape, 0), dy[0]);
}

/* Of updates set at one place only the last has a gradient: each writes its number, and who reads its own back was last. */
static pgd_value *stayed(pgd_graph *g, const pgd_node *n) {
    const pgd_value *x = n->inputs[0], *updates = n->inputs[2];
    pgd_value *number = pgd_reshape(g, pgd_iota(g, PGD_I32, (pgd_symshape){1, {pgd_symshape_elems(g, updates->shape)}}, 0), updates->shape);
    return pgd_eq(g, read_at(g, n, write_at(g, n, PGD_SCATTER_SET, pgd_fill(g, PGD_I32, x->shape, -1), number)), number);
}

/* What equals the result there shares the gradient. */
static void extreme_grad(pgd_graph *g, const pgd_node *n, pgd_value *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0], *updates = n->inputs[2], *y = (pgd_value *)&n->outputs[0], *one = pgd_scalar(g, x->dtype, 1), *zero = pgd_scalar(g, x->dtype, 0);
    pgd_value *own = pgd_where(g, pgd_eq(g, x, y), one, zero), *theirs = pgd_where(g, pgd_eq(g, updates, read_at(g, n, y)), one, zero);
    pgd_value *share = pgd_div(g, dy, write_at(g, n, PGD_SCATTER_ADD, own, theirs));
    dx[0] = pgd_mul(g, own, share);
    dx[2] = pgd_mul(g, theirs, read_at(g, n, share));
}

static void scatter_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    const pgd_value *updates = n->inputs[2];
    int64_t mode = mode_of(n->op, &n->attrs);
    if (mode == PGD_SCATTER_ADD) {
        dx[0] = dy[0];
        dx[2] = read_at(g, n, dy[0]);
    } else if (mode == PGD_SCATTER_SET) {
        dx[0] = write_at(g, n, PGD_SCATTER_SET, dy[0], pgd_fill(g, updates->dtype, updates->shape, 0));
        dx[2] = pgd_where(g, stayed(g, n), read_at(g, n, dy[0]), pgd_scalar(g, updates->dtype, 0));
    } else
        extreme_grad(g, n, dy[0], dx);
}

static double no_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 0; }
static double update_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return (double)pgd_shape_elems(in[2]); }

const pgd_op_def pgd_def_gather_elements = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis zero_outside", .infer = elements_infer, .eval = gather_elements_eval, .grad = gather_grad, .flops = no_flops};
const pgd_op_def pgd_def_scatter_elements = {.dtypes = PGD_DTYPES_ANY, .int_names = "axis mode", .infer = elements_infer, .eval = scatter_elements_eval, .grad = scatter_grad, .flops = update_flops};
const pgd_op_def pgd_def_gather_nd = {.dtypes = PGD_DTYPES_ANY, .int_names = "zero_outside", .infer = nd_infer, .eval = gather_nd_eval, .grad = gather_grad, .flops = no_flops};
const pgd_op_def pgd_def_scatter_nd = {.dtypes = PGD_DTYPES_ANY, .int_names = "mode", .infer = nd_infer, .eval = scatter_nd_eval, .grad = scatter_grad, .flops = update_flops};
