/* SPDX-License-Identifier: Apache-2.0
 * Running sums and products along one axis, which keeps its extent. exclusive: an element does not count itself, so that the first result is 0 or 1;
 * reverse: from the end.
 *   cumsum, cumprod  x -> y
 *   cumprod_d        dy, x -> dx; right where x holds zeros, too */
#include "ops_internal.h"

enum { AXIS, REVERSE, EXCLUSIVE };
#define INT_NAMES "axis reverse exclusive"

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[node->input_count - 1];
    const int64_t *o = node->attrs.ints;
    (void)graph;
    bool derivative = node->op == PGD_OP_CUMPROD_D;
    if (x->dtype == PGD_BOOL || (derivative && !pgd_is_float(x->dtype))) return pgd_fail(PGD_BAD_ARG, "%s does not take %s; cast first", pgd_op_name(node->op), pgd_dtype_name(x->dtype));
    if (o[AXIS] < 0 || o[AXIS] >= x->shape.rank) return pgd_fail(PGD_BAD_ARG, "%s: axis %lld is outside rank %d", pgd_op_name(node->op), (long long)o[AXIS], x->shape.rank);
    if ((o[REVERSE] | o[EXCLUSIVE]) >> 1 != 0) return pgd_fail(PGD_BAD_ARG, "%s: reverse and exclusive are 0 or 1", pgd_op_name(node->op));
    if (derivative && (node->inputs[0]->dtype != x->dtype || !pgd_symshape_equal(node->inputs[0]->shape, x->shape))) return pgd_fail(PGD_BAD_ARG, "cumprod_d: dy and x must agree in dtype and shape");
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    return PGD_OK;
}

/* One line of a tensor: element i, counted in the direction of the scan, is at first + i * step. */
typedef struct line {
    int64_t first, step, n;
} line;

static int64_t line_count(const pgd_shape *x, int64_t axis) {
    int64_t count = 1;
    for (int32_t i = 0; i < x->rank; i++) count *= i == axis ? 1 : x->dims[i];
    return count;
}

static line line_at(const pgd_shape *x, const int64_t *o, int64_t number) {
    int64_t inner = 1, n = x->dims[o[AXIS]];
    for (int32_t i = (int32_t)o[AXIS] + 1; i < x->rank; i++) inner *= x->dims[i];
    line l = {number / inner * n * inner + number % inner, inner, n};
    if (o[REVERSE] != 0) l = (line){l.first + (n - 1) * inner, -inner, n};
    return l;
}

static int64_t at(const line *l, int64_t i) { return l->first + i * l->step; }

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    bool integer = !pgd_is_float(x->dtype), exclusive = a->attrs->ints[EXCLUSIVE] != 0;
    pgd_op op = a->op == PGD_OP_CUMSUM ? PGD_OP_ADD : PGD_OP_MUL;
    if (pgd_shape_elems(x->shape) == 0) return;
    for (int64_t number = 0, lines = line_count(&x->shape, a->attrs->ints[AXIS]); number < lines; number++) {
        line l = line_at(&x->shape, a->attrs->ints, number);
        double total = op == PGD_OP_MUL;
        int64_t whole = op == PGD_OP_MUL;
        for (int64_t i = 0; i < l.n; i++) {
            double before = total;
            int64_t whole_before = whole;
            if (integer)
                whole = pgd_scalar_int(op, whole, pgd_tensor_get_int(x, at(&l, i)), 0);
            else
                total = pgd_scalar_float(op, total, pgd_tensor_get(x, at(&l, i)), 0);
            if (integer)
                pgd_tensor_set_int(y, at(&l, i), exclusive ? whole_before : whole);
            else
                pgd_tensor_set(y, at(&l, i), exclusive ? before : total);
        }
    }
}

/* dx[i]: the sum over all y[j] that have x[i] as a factor, of dy[j] times the other factors. */
static void d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *x = &a->inputs[1];
    int64_t late = a->attrs->ints[EXCLUSIVE];
    if (pgd_shape_elems(x->shape) == 0) return;
    for (int64_t number = 0, lines = line_count(&x->shape, a->attrs->ints[AXIS]); number < lines; number++) {
        line l = line_at(&x->shape, a->attrs->ints, number);
        double before = 1;
        for (int64_t i = 0; i < l.n; i++) {
            double total = 0, others = before;
            for (int64_t j = i; j < l.n; j++) {
                if (j > i && late == 0) others *= pgd_tensor_get(x, at(&l, j));
                if (j > i || late == 0) total += pgd_tensor_get(dy, at(&l, j)) * others;
                if (j > i && late != 0) others *= pgd_tensor_get(x, at(&l, j));
            }
            pgd_tensor_set(&a->outputs[0], at(&l, i), total);
            before *= pgd_tensor_get(x, at(&l, i));
        }
    }
}

static void cumsum_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    if (pgd_is_float(n->inputs[0]->dtype)) dx[0] = pgd_cumsum(g, dy[0], (int32_t)n->attrs.ints[AXIS], n->attrs.ints[REVERSE] == 0, n->attrs.ints[EXCLUSIVE] != 0);
}

static void cumprod_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    if (pgd_is_float(n->inputs[0]->dtype)) dx[0] = pgd_graph_op(g, PGD_OP_CUMPROD_D, &n->attrs, (pgd_value *[]){dy[0], n->inputs[0]}, 2);
}

static double d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 4 * (double)pgd_shape_elems(in[0]); }

enum { NUMBERS = PGD_DTYPES_ANY & ~(1 << PGD_BOOL) };

const pgd_op_def pgd_def_cumsum = {.dtypes = NUMBERS, .int_names = INT_NAMES, .infer = infer, .eval = eval, .grad = cumsum_grad};
const pgd_op_def pgd_def_cumprod = {.dtypes = NUMBERS, .int_names = INT_NAMES, .infer = infer, .eval = eval, .grad = cumprod_grad};
const pgd_op_def pgd_def_cumprod_d = {.int_names = INT_NAMES, .infer = infer, .eval = d_eval, .flops = d_flops};
