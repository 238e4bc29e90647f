/* SPDX-License-Identifier: Apache-2.0
 * Operations that treat every element alike. Inputs have equal shapes (builders insert broadcasts). */
#include <math.h>

#include "ops_internal.h"

enum { FLOATS = 1, NUMBERS = 2, BOOLS = 4 }; /* which dtypes an op takes */

static bool dtype_allowed(pgd_dtype dtype, int allowed) {
    return dtype == PGD_BOOL ? (allowed & BOOLS) != 0 : pgd_is_float(dtype) ? (allowed & FLOATS) != 0 : (allowed & NUMBERS) != 0;
}

static pgd_status infer_like(const pgd_node *node, int allowed, int32_t first, pgd_dtype result, pgd_value *outputs) {
    pgd_dtype dtype = node->inputs[first]->dtype;
    if (!dtype_allowed(dtype, allowed)) return pgd_fail(PGD_BAD_ARG, "%s does not take %s; cast first", pgd_op_name(node->op), pgd_dtype_name(dtype));
    for (int32_t i = 0; i < node->input_count; i++) {
        if (i >= first && node->inputs[i]->dtype != dtype)
            return pgd_fail(PGD_BAD_ARG, "%s: dtypes %s and %s differ; cast one", pgd_op_name(node->op), pgd_dtype_name(dtype), pgd_dtype_name(node->inputs[i]->dtype));
        if (!pgd_symshape_equal(node->inputs[i]->shape, node->inputs[0]->shape)) return pgd_fail(PGD_BAD_ARG, "%s: shapes differ", pgd_op_name(node->op));
    }
    outputs[0].dtype = result == PGD_DTYPE_COUNT ? dtype : result;
    outputs[0].shape = node->inputs[0]->shape;
    return PGD_OK;
}

static pgd_status infer_float(pgd_graph *g, const pgd_node *n, pgd_value *out) { return infer_like(n, FLOATS, 0, PGD_DTYPE_COUNT, out); }
static pgd_status infer_number(pgd_graph *g, const pgd_node *n, pgd_value *out) { return infer_like(n, FLOATS | NUMBERS, 0, PGD_DTYPE_COUNT, out); }
static pgd_status infer_logic(pgd_graph *g, const pgd_node *n, pgd_value *out) { return infer_like(n, BOOLS, 0, PGD_BOOL, out); }
static pgd_status infer_compare(pgd_graph *g, const pgd_node *n, pgd_value *out) { return infer_like(n, FLOATS | NUMBERS | BOOLS, 0, PGD_BOOL, out); }

static pgd_status infer_test(pgd_graph *g, const pgd_node *n, pgd_value *out) { return infer_like(n, FLOATS, 0, PGD_BOOL, out); }

static pgd_status infer_where(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    if (node->inputs[0]->dtype != PGD_BOOL) return pgd_fail(PGD_BAD_ARG, "where: the condition is %s; use a comparison or cast to bool", pgd_dtype_name(node->inputs[0]->dtype));
    return infer_like(node, FLOATS | NUMBERS | BOOLS, 1, PGD_DTYPE_COUNT, outputs);
}

static pgd_status infer_cast(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    if ((uint64_t)node->attrs.ints[0] >= PGD_DTYPE_COUNT) return pgd_fail(PGD_BAD_ARG, "cast: %lld is no element type", (long long)node->attrs.ints[0]);
    outputs[0].dtype = (pgd_dtype)node->attrs.ints[0];
    outputs[0].shape = node->inputs[0]->shape;
    return PGD_OK;
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = a->inputs, *y = &a->outputs[0];
    bool integer = !pgd_is_float(x[a->input_count - 1].dtype);
    for (int64_t i = 0, n = pgd_shape_elems(y->shape); i < n; i++) {
        if (integer && (a->op != PGD_OP_CAST || !pgd_is_float(y->dtype)))
            pgd_tensor_set_int(y, i, pgd_scalar_int(a->op, pgd_tensor_get_int(&x[0], i), a->input_count > 1 ? pgd_tensor_get_int(&x[1], i) : 0, a->input_count > 2 ? pgd_tensor_get_int(&x[2], i) : 0));
        else
            pgd_tensor_set(y, i, pgd_scalar_float(a->op, pgd_tensor_get(&x[0], i), a->input_count > 1 ? pgd_tensor_get(&x[1], i) : 0, a->input_count > 2 ? pgd_tensor_get(&x[2], i) : 0));
    }
}

/* ---- gradients. In each, x and w are the inputs, y the result, dy its gradient. ---------------------------------------------------------- */

#define GRAD(name) static void grad_##name(pgd_graph *g, const pgd_node *n, pgd_value *const *dys, pgd_value **dx)
#define x n->inputs[0]
#define w n->inputs[1]
#define y (&n->outputs[0])
#define dy dys[0]
static pgd_value *number(pgd_graph *g, const pgd_value *like, double value) { return pgd_scalar(g, like->dtype, value); }
static pgd_value *mask(pgd_graph *g, pgd_value *condition, pgd_value *value) { return pgd_where(g, condition, value, number(g, value, 0)); }
static pgd_value *square(pgd_graph *g, pgd_value *v) { return pgd_mul(g, v, v); }

GRAD(zero) { (void)g, (void)n, (void)dys, (void)dx; }
GRAD(neg) { dx[0] = pgd_neg(g, dy); }
GRAD(abs) { dx[0] = pgd_mul(g, dy, pgd_sign(g, x)); }
GRAD(sqrt) { dx[0] = pgd_div(g, dy, pgd_mul(g, y, number(g, y, 2))); }
GRAD(rsqrt) { dx[0] = pgd_mul(g, dy, pgd_mul(g, pgd_mul(g, y, square(g, y)), number(g, y, -0.5))); }
GRAD(recip) { dx[0] = pgd_neg(g, pgd_mul(g, dy, square(g, y))); }
GRAD(exp) { dx[0] = pgd_mul(g, dy, y); }
GRAD(log) { dx[0] = pgd_div(g, dy, x); }
GRAD(sin) { dx[0] = pgd_mul(g, dy, pgd_cos(g, x)); }
GRAD(cos) { dx[0] = pgd_neg(g, pgd_mul(g, dy, pgd_sin(g, x))); }
GRAD(tanh) { dx[0] = pgd_mul(g, dy, pgd_sub(g, number(g, y, 1), square(g, y))); }
GRAD(sigmoid) { dx[0] = pgd_mul(g, dy, pgd_mul(g, y, pgd_sub(g, number(g, y, 1), y))); }
GRAD(erf) { dx[0] = pgd_mul(g, dy, pgd_mul(g, pgd_exp(g, pgd_neg(g, square(g, x))), number(g, x, 2 / sqrt(3.14159265358979323846)))); }
GRAD(relu) { dx[0] = mask(g, pgd_lt(g, number(g, y, 0), y), dy); } /* from y, so that x need not be kept */
GRAD(expm1) { dx[0] = pgd_mul(g, dy, pgd_add(g, y, number(g, y, 1))); }
GRAD(log1p) { dx[0] = pgd_div(g, dy, pgd_add(g, x, number(g, x, 1))); }
GRAD(tan) { dx[0] = pgd_mul(g, dy, pgd_add(g, square(g, y), number(g, y, 1))); }
GRAD(asin) { dx[0] = pgd_mul(g, dy, pgd_rsqrt(g, pgd_sub(g, number(g, x, 1), square(g, x)))); }
GRAD(acos) { dx[0] = pgd_neg(g, pgd_mul(g, dy, pgd_rsqrt(g, pgd_sub(g, number(g, x, 1), square(g, x))))); }
GRAD(atan) { dx[0] = pgd_div(g, dy, pgd_add(g, square(g, x), number(g, x, 1))); }
GRAD(gelu) { dx[0] = pgd_mul(g, dy, pgd_gelu_slope(g, x)); }
GRAD(gelu_slope) { /* (2 - x^2) phi(x), which has long been 0 where x^2 could overflow */
    pgd_value *near = pgd_max(g, pgd_min(g, x, number(g, x, 100)), number(g, x, -100)), *squared = square(g, near), *density = pgd_mul(g, pgd_exp(g, pgd_mul(g, squared, number(g, x, -0.5))), number(g, x, 1 / sqrt(2 * 3.14159265358979323846)));
    dx[0] = pgd_mul(g, dy, pgd_mul(g, pgd_sub(g, number(g, x, 2), squared), density));
}
GRAD(mod) {
    if (!pgd_is_float(x->dtype)) return;
    dx[0] = dy, dx[1] = pgd_neg(g, pgd_mul(g, dy, pgd_floor(g, pgd_div(g, x, w))));
}
GRAD(add) { dx[0] = dx[1] = dy; (void)g, (void)n; }
GRAD(sub) { dx[0] = dy, dx[1] = pgd_neg(g, dy), (void)n; }
GRAD(mul) { dx[0] = pgd_mul(g, dy, w), dx[1] = pgd_mul(g, dy, x); }
GRAD(div) { dx[0] = pgd_div(g, dy, w), dx[1] = pgd_neg(g, pgd_div(g, pgd_mul(g, dy, y), w)); }
GRAD(pow) { /* an exponent of 0 gives 0, at x = 0 as well, where x to the -1 is infinite */
    dx[0] = pgd_mul(g, dy, mask(g, pgd_not(g, pgd_eq(g, w, number(g, w, 0))), pgd_mul(g, w, pgd_pow(g, x, pgd_sub(g, w, number(g, w, 1))))));
    dx[1] = pgd_mul(g, dy, pgd_mul(g, y, mask(g, pgd_lt(g, number(g, x, 0), x), pgd_log(g, x))));
}
GRAD(min) { /* ties give everything to the first */
    pgd_value *first = pgd_le(g, x, w);
    dx[0] = mask(g, first, dy), dx[1] = mask(g, pgd_not(g, first), dy);
}
GRAD(max) {
    pgd_value *first = pgd_le(g, w, x);
    dx[0] = mask(g, first, dy), dx[1] = mask(g, pgd_not(g, first), dy);
}
GRAD(where) { dx[1] = mask(g, x, dy), dx[2] = mask(g, pgd_not(g, x), dy); }
GRAD(cast) {
    if (pgd_is_float(x->dtype)) dx[0] = pgd_cast(g, dy, x->dtype);
}
#undef x
#undef w
#undef y
#undef dy

#define ROW(name, infer_, grad_) const pgd_op_def pgd_def_##name = {.flags = PGD_OPF_ELEMENTWISE, .infer = infer_, .eval = eval, .grad = grad_};
ROW(neg, infer_number, grad_neg)
ROW(abs, infer_number, grad_abs)
ROW(sign, infer_number, grad_zero)
ROW(floor, infer_float, grad_zero)
ROW(ceil, infer_float, grad_zero)
ROW(sqrt, infer_float, grad_sqrt)
ROW(rsqrt, infer_float, grad_rsqrt)
ROW(recip, infer_float, grad_recip)
ROW(exp, infer_float, grad_exp)
ROW(log, infer_float, grad_log)
ROW(sin, infer_float, grad_sin)
ROW(cos, infer_float, grad_cos)
ROW(tanh, infer_float, grad_tanh)
ROW(sigmoid, infer_float, grad_sigmoid)
ROW(erf, infer_float, grad_erf)
ROW(relu, infer_number, grad_relu)
ROW(not, infer_logic, grad_zero)
ROW(round, infer_float, grad_zero)
ROW(trunc, infer_float, grad_zero)
ROW(expm1, infer_float, grad_expm1)
ROW(log1p, infer_float, grad_log1p)
ROW(tan, infer_float, grad_tan)
ROW(asin, infer_float, grad_asin)
ROW(acos, infer_float, grad_acos)
ROW(atan, infer_float, grad_atan)
ROW(gelu, infer_float, grad_gelu)
ROW(gelu_slope, infer_float, grad_gelu_slope)
ROW(isnan, infer_test, grad_zero)
ROW(isinf, infer_test, grad_zero)
ROW(add, infer_number, grad_add)
ROW(sub, infer_number, grad_sub)
ROW(mul, infer_number, grad_mul)
ROW(div, infer_number, grad_div)
ROW(pow, infer_number, grad_pow)
ROW(min, infer_number, grad_min)
ROW(max, infer_number, grad_max)
ROW(eq, infer_compare, grad_zero)
ROW(lt, infer_compare, grad_zero)
ROW(le, infer_compare, grad_zero)
ROW(and, infer_logic, grad_zero)
ROW(or, infer_logic, grad_zero)
ROW(mod, infer_number, grad_mod)
ROW(xor, infer_logic, grad_zero)
ROW(where, infer_where, grad_where)
const pgd_op_def pgd_def_cast = {.flags = PGD_OPF_ELEMENTWISE, .int_names = "dtype", .infer = infer_cast, .eval = eval, .grad = grad_cast};
