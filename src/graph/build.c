/* SPDX-License-Identifier: Apache-2.0
 * The public builders: they turn friendly arguments (broadcasting, axis lists, options) into nodes, which know no such comfort. */
#include <graph_share.h>

/* ---- elementwise ----------------------------------------------------------------------------------------------------------------------- */

static bool broadcast_shape(pgd_graph *graph, pgd_symshape a, pgd_symshape b, pgd_symshape *out) {
    *out = (pgd_symshape){.rank = a.rank > b.rank ? a.rank : b.rank};
    for (int32_t i = 0; i < out->rank; i++) {
        int32_t ia = i - (out->rank - a.rank), ib = i - (out->rank - b.rank);
        pgd_dim da = ia < 0 ? 1 : a.dims[ia], db = ib < 0 ? 1 : b.dims[ib];
        if (da != db && da != 1 && db != 1) {
            char ta[128], tb[128];
            pgd_graph_fail(graph, PGD_BAD_ARG, "shapes %s and %s do not broadcast: axis %d", pgd_symshape_text(graph, a, ta, sizeof ta), pgd_symshape_text(graph, b, tb, sizeof tb), i);
            return false;
        }
        out->dims[i] = da == 1 ? db : da;
    }
    return true;
}

static pgd_value *elementwise(pgd_graph *graph, pgd_op op, pgd_value *const *inputs, int32_t count) {
    pgd_value *same[3];
    pgd_symshape shape = inputs[0]->shape;
    for (int32_t i = 1; i < count; i++)
        if (!broadcast_shape(graph, shape, inputs[i]->shape, &shape)) return NULL;
    for (int32_t i = 0; i < count; i++) same[i] = pgd_broadcast(graph, inputs[i], shape);
    return pgd_graph_op(graph, op, NULL, same, count);
}

#define X(NAME, name) \
    pgd_value *pgd_##name(pgd_graph *graph, pgd_value *x) { return PGD_GRAPH_LACKS(graph, x) ? NULL : elementwise(graph, PGD_OP_##NAME, &x, 1); }
PGD_UNARY_LIST(X)
#undef X
#define X(NAME, name)                                                                                             \
    pgd_value *pgd_##name(pgd_graph *graph, pgd_value *a, pgd_value *b) {                                         \
        return PGD_GRAPH_LACKS(graph, a, b) ? NULL : elementwise(graph, PGD_OP_##NAME, (pgd_value *[]){a, b}, 2); \
    }
PGD_BINARY_LIST(X)
#undef X

pgd_value *pgd_where(pgd_graph *graph, pgd_value *condition, pgd_value *a, pgd_value *b) {
    return PGD_GRAPH_LACKS(graph, condition, a, b) ? NULL : elementwise(graph, PGD_OP_WHERE, (pgd_value *[]){condition, a, b}, 3);
}

pgd_value *pgd_cast(pgd_graph *graph, pgd_value *x, pgd_dtype dtype) {
    if (PGD_GRAPH_LACKS(graph, x)) return NULL;
    if (x->dtype == dtype) return x;
    return pgd_graph_op(graph, PGD_OP_CAST, &(pgd_attrs){.ints = {dtype}}, &x, 1);
}

/* ---- creation and random ----------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_fill(pgd_graph *graph, pgd_dtype dtype, pgd_symshape shape, double value) {
    return PGD_GRAPH_LACKS(graph) ? NULL : pgd_graph_op(graph, PGD_OP_FILL, &(pgd_attrs){.ints = {dtype}, .floats = {value}, .dims = shape}, NULL, 0);
}

pgd_value *pgd_iota(pgd_graph *graph, pgd_dtype dtype, pgd_symshape shape, int32_t axis) {
    return PGD_GRAPH_LACKS(graph) ? NULL : pgd_graph_op(graph, PGD_OP_IOTA, &(pgd_attrs){.ints = {dtype, axis}, .dims = shape}, NULL, 0);
}

pgd_value *pgd_dim_size(pgd_graph *graph, pgd_dtype dtype, pgd_symshape dims) {
    return PGD_GRAPH_LACKS(graph) ? NULL : pgd_graph_op(graph, PGD_OP_DIM_SIZE, &(pgd_attrs){.ints = {dtype}, .dims = dims}, NULL, 0);
}

static pgd_value *random_value(pgd_graph *graph, pgd_op op, pgd_value *key, pgd_symshape shape) {
    return pgd_graph_op(graph, op, &(pgd_attrs){.ints = {graph->random_streams++}, .dims = shape}, &key, 1);
}

pgd_value *pgd_uniform(pgd_graph *graph, pgd_value *key, pgd_symshape shape) { return PGD_GRAPH_LACKS(graph, key) ? NULL : random_value(graph, PGD_OP_UNIFORM, key, shape); }
pgd_value *pgd_normal(pgd_graph *graph, pgd_value *key, pgd_symshape shape) { return PGD_GRAPH_LACKS(graph, key) ? NULL : random_value(graph, PGD_OP_NORMAL, key, shape); }

/* ---- reductions ---------------------------------------------------------------------------------------------------------------------------- */

/* Axis numbers as a bit mask; -1 after an error. */
int64_t pgd_axes_mask(pgd_graph *graph, const pgd_value *x, const int32_t *axes, int32_t count) {
    int64_t mask = 0;
    if (count < 0) {
        pgd_graph_fail(graph, PGD_BAD_ARG, "there cannot be %d axes; give 0 or more", count);
        return -1;
    }
    for (int32_t i = 0; i < count; i++) {
        int32_t axis = axes[i] < 0 ? axes[i] + x->shape.rank : axes[i];
        if (axis < 0 || axis >= x->shape.rank || (mask >> axis & 1) != 0) {
            pgd_graph_fail(graph, PGD_BAD_ARG, "axis %d is outside rank %d, or there twice", axes[i], x->shape.rank);
            return -1;
        }
        mask |= (int64_t)1 << axis;
    }
    return mask;
}

static pgd_value *reduction(pgd_graph *graph, pgd_op op, pgd_value *x, const int32_t *axes, int32_t count) {
    int64_t mask = pgd_axes_mask(graph, x, axes, count);
    return mask < 0 ? NULL : pgd_graph_op(graph, op, &(pgd_attrs){.ints = {mask}}, &x, 1);
}

#define X(NAME, name)                                                                                     \
    pgd_value *pgd_##name(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count) {           \
        if (PGD_GRAPH_LACKS(graph, x) || (count > 0 && PGD_GRAPH_LACKS(axes))) return NULL;               \
        return reduction(graph, PGD_OP_##NAME, x, axes, count);                                           \
    }
X(SUM, sum) X(PROD, prod) X(MEAN, mean) X(REDUCE_MAX, reduce_max) X(REDUCE_MIN, reduce_min)
#undef X

bool pgd_axis_in_rank(pgd_graph *graph, const pgd_value *x, int32_t *axis) {
    if (*axis < 0) *axis += x->shape.rank;
    if (*axis >= 0 && *axis < x->shape.rank) return true;
    pgd_graph_fail(graph, PGD_BAD_ARG, "an axis is outside rank %d", x->shape.rank);
    return false;
}

#define X(NAME, name)                                                                                   \
    pgd_value *pgd_##name(pgd_graph *graph, pgd_value *x, int32_t axis) {                               \
        if (PGD_GRAPH_LACKS(graph, x) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;                   \
        return pgd_graph_op(graph, PGD_OP_##NAME, &(pgd_attrs){.ints = {(int64_t)1 << axis}}, &x, 1);   \
    }
X(ARGMAX, argmax) X(ARGMIN, argmin)
#undef X

#define X(NAME, name)                                                                                           \
    pgd_value *pgd_##name(pgd_graph *graph, pgd_value *x, int32_t axis, bool reverse, bool exclusive) {         \
        if (PGD_GRAPH_LACKS(graph, x) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;                           \
        return pgd_graph_op(graph, PGD_OP_##NAME, &(pgd_attrs){.ints = {axis, reverse, exclusive}}, &x, 1);     \
    }
X(CUMSUM, cumsum) X(CUMPROD, cumprod)
#undef X

/* ---- movement -------------------------------------------------------------------------------------------------------------------------------- */

/* A symbolic extent as something symbolic times a number. */
static pgd_dim without_factor(const pgd_graph *graph, pgd_dim dim, int64_t *factor) {
    const pgd_dim_expr *e = &graph->exprs[-1 - dim];
    bool times = e->kind == PGD_DIM_MUL && e->b > 0;
    *factor = times ? e->b : 1;
    return times ? e->a : dim;
}

static bool resolve_rest(pgd_graph *graph, const pgd_value *x, pgd_symshape *shape) {
    pgd_dim known = 1;
    int32_t rest = -1;
    pgd_symshape checked = *shape;
    for (int32_t i = 0; i < shape->rank && i < PGD_MAX_RANK; i++)
        if (shape->dims[i] == PGD_DIM_REST) checked.dims[i] = 1;
    if (!pgd_symshape_check(graph, "reshape", checked)) return false;
    for (int32_t i = 0; i < shape->rank; i++) {
        if (shape->dims[i] != PGD_DIM_REST)
            known = pgd_dim_mul(graph, known, shape->dims[i]);
        else if (rest < 0)
            rest = i;
        else
            return pgd_graph_fail(graph, PGD_BAD_ARG, "reshape: only one extent may be PGD_DIM_REST"), false;
    }
    if (rest < 0) return true;
    pgd_dim all = pgd_symshape_elems(graph, x->shape);
    if (known > 0 && (all < 0 || all % known == 0)) {
        shape->dims[rest] = pgd_dim_floordiv(graph, all, known);
        return true;
    }
    int64_t all_factor, known_factor;
    if (known < 0 && all < 0 && without_factor(graph, all, &all_factor) == without_factor(graph, known, &known_factor) && all_factor % known_factor == 0) {
        shape->dims[rest] = all_factor / known_factor;
        return true;
    }
    for (int32_t i = 0; i < x->shape.rank; i++) /* a symbolic extent that both sides share */
        if (known < 0 && pgd_dim_mul(graph, x->shape.dims[i], 1) == known) {
            pgd_dim others = 1;
            for (int32_t j = 0; j < x->shape.rank; j++)
                if (j != i) others = pgd_dim_mul(graph, others, x->shape.dims[j]);
            shape->dims[rest] = others;
            return true;
        }
    return pgd_graph_fail(graph, PGD_BAD_ARG, "reshape: PGD_DIM_REST cannot be found from these extents; write it out"), false;
}

pgd_value *pgd_reshape(pgd_graph *graph, pgd_value *x, pgd_symshape shape) {
    if (PGD_GRAPH_LACKS(graph, x) || !resolve_rest(graph, x, &shape)) return NULL;
    if (pgd_symshape_equal(x->shape, shape)) return x;
    return pgd_graph_op(graph, PGD_OP_RESHAPE, &(pgd_attrs){.dims = shape}, &x, 1);
}

pgd_value *pgd_flatten(pgd_graph *graph, pgd_value *x, int32_t axis) {
    if (PGD_GRAPH_LACKS(graph, x)) return NULL;
    if (axis < 0) axis += x->shape.rank;
    if (axis < 0 || axis > x->shape.rank || axis + 1 > PGD_MAX_RANK) return pgd_graph_fail(graph, PGD_BAD_ARG, "flatten: axis %d is outside rank %d", axis, x->shape.rank);
    pgd_symshape shape = {.rank = axis + 1};
    pgd_dim rest = 1;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        if (i < axis)
            shape.dims[i] = x->shape.dims[i];
        else
            rest = pgd_dim_mul(graph, rest, x->shape.dims[i]);
    }
    shape.dims[axis] = rest;
    return pgd_reshape(graph, x, shape);
}

pgd_value *pgd_transpose(pgd_graph *graph, pgd_value *x, const int32_t *permutation) {
    if (PGD_GRAPH_LACKS(graph, x)) return NULL;
    if (x->shape.rank > 0 && PGD_GRAPH_LACKS(permutation)) return NULL;
    pgd_attrs attrs = {0};
    bool moves = false;
    for (int32_t i = 0; i < x->shape.rank; i++) {
        attrs.ints[i] = permutation[i];
        moves = moves || permutation[i] != i;
    }
    return moves ? pgd_graph_op(graph, PGD_OP_TRANSPOSE, &attrs, &x, 1) : x;
}

pgd_value *pgd_broadcast(pgd_graph *graph, pgd_value *x, pgd_symshape shape) {
    if (PGD_GRAPH_LACKS(graph, x) || !pgd_symshape_check(graph, "broadcast", shape)) return NULL;
    if (pgd_symshape_equal(x->shape, shape)) return x;
    if (shape.rank > x->shape.rank) { /* missing axes come in front, with extent 1 */
        pgd_symshape full = {.rank = shape.rank};
        for (int32_t i = 0; i < shape.rank; i++) {
            int32_t from = i - (shape.rank - x->shape.rank);
            full.dims[i] = from < 0 ? 1 : x->shape.dims[from];
        }
        x = pgd_reshape(graph, x, full);
        if (x == NULL || pgd_symshape_equal(full, shape)) return x;
    }
    return pgd_graph_op(graph, PGD_OP_BROADCAST, &(pgd_attrs){.dims = shape}, &x, 1);
}

pgd_value *pgd_slice(pgd_graph *graph, pgd_value *x, int32_t axis, pgd_dim start, pgd_dim extent) {
    if (PGD_GRAPH_LACKS(graph, x) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    return pgd_graph_op(graph, PGD_OP_SLICE, &(pgd_attrs){.ints = {axis}, .dims = {2, {start, extent}}}, &x, 1);
}

pgd_value *pgd_pad(pgd_graph *graph, pgd_value *x, int32_t axis, pgd_dim before, pgd_dim after, double value) {
    if (PGD_GRAPH_LACKS(graph, x) || !pgd_axis_in_rank(graph, x, &axis)) return NULL;
    if (before == 0 && after == 0) return x;
    return pgd_graph_op(graph, PGD_OP_PAD, &(pgd_attrs){.ints = {axis}, .floats = {value}, .dims = {2, {before, after}}}, &x, 1);
}

pgd_value *pgd_concat(pgd_graph *graph, pgd_value *const *parts, int32_t count, int32_t axis) {
    if (PGD_GRAPH_LACKS(graph, parts)) return NULL;
    if (count < 1 || count > PGD_MAX_INPUTS) return pgd_graph_fail(graph, PGD_BAD_ARG, "concat: %d parts; use 1 to %d", count, PGD_MAX_INPUTS);
    for (int32_t i = 0; i < count; i++)
        if (PGD_GRAPH_LACKS(parts[i])) return NULL;
    if (!pgd_axis_in_rank(graph, parts[0], &axis)) return NULL;
    return count == 1 ? parts[0] : pgd_graph_op(graph, PGD_OP_CONCAT, &(pgd_attrs){.ints = {axis}}, parts, count);
}

/* ---- linear ------------------------------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_matmul(pgd_graph *graph, pgd_value *a, pgd_value *b, bool transpose_a, bool transpose_b) {
    if (PGD_GRAPH_LACKS(graph, a, b)) return NULL;
    if (a->shape.rank > 2 && b->shape.rank == 2 && !transpose_a) { /* [..,M,K] x [K,N]: one tall matrix */
        pgd_symshape full = a->shape;
        pgd_value *tall = pgd_reshape(graph, a, pgd_symshape_of(2, PGD_DIM_REST, a->shape.dims[a->shape.rank - 1]));
        pgd_value *result = pgd_matmul(graph, tall, b, false, transpose_b);
        if (result == NULL) return NULL;
        full.dims[full.rank - 1] = result->shape.dims[1];
        return pgd_reshape(graph, result, full);
    }
    return pgd_graph_op(graph, PGD_OP_MATMUL, &(pgd_attrs){.ints = {transpose_a, transpose_b}}, (pgd_value *[]){a, b}, 2);
}

/* ---- operations of other programs ---------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_custom(pgd_graph *graph, const pgd_custom_op *op, pgd_value *const *inputs, int32_t count) {
    if (PGD_GRAPH_LACKS(graph, op, inputs)) return NULL;
    if (count < 1 || count > 16) return pgd_graph_fail(graph, PGD_BAD_ARG, "custom: %d inputs; use 1 to 16", count);
    if (op->struct_bytes < offsetof(pgd_custom_op, gradient) + sizeof op->gradient || op->name == NULL || op->run == NULL) return pgd_graph_fail(graph, PGD_BAD_ARG, "custom: the table must have struct_bytes, a name and a function run");
    return pgd_graph_op(graph, PGD_OP_CUSTOM, &(pgd_attrs){.custom = op}, inputs, count);
}
