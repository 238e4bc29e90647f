/* SPDX-License-Identifier: Apache-2.0
 * Rotary position embedding (Su et al., RoFormer, 2021), in the form that pairs feature i with feature i + D/2.
 * x [B,T,H,D], positions i32 [B,T] -> y: each pair turned by the angle position / base^(2i/D); inverse: turned back, which is the gradient. */
#include <math.h>

#include "ops_internal.h"

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *positions = node->inputs[1];
    char tx[128], tp[128];
    bool fits = pgd_is_float(x->dtype) && x->shape.rank == 4 && x->shape.dims[3] > 0 && x->shape.dims[3] % 2 == 0 && positions->dtype == PGD_I32 && positions->shape.rank == 2;
    if (!fits || positions->shape.dims[0] != x->shape.dims[0] || positions->shape.dims[1] != x->shape.dims[1])
        return pgd_fail(PGD_BAD_ARG, "rope: x %s, positions %s; they must be floats [B,T,H,D] with even D, and i32 [B,T]", pgd_symshape_text(graph, x->shape, tx, sizeof tx), pgd_symshape_text(graph, positions->shape, tp, sizeof tp));
    if (!(node->attrs.floats[0] > 0) || node->attrs.ints[0] >> 1 != 0) return pgd_fail(PGD_BAD_ARG, "rope: base %g, inverse %lld; a positive number, 0 or 1", node->attrs.floats[0], (long long)node->attrs.ints[0]);
    outputs[0].dtype = x->dtype;
    outputs[0].shape = x->shape;
    return PGD_OK;
}

static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *y = &a->outputs[0];
    int64_t heads = x->shape.dims[2], D = x->shape.dims[3], half = D / 2;
    for (int64_t row = 0, rows = x->shape.dims[0] * x->shape.dims[1]; row < rows; row++)
        for (int64_t h = 0; h < heads; h++)
            for (int64_t i = 0; i < half; i++) {
                int64_t first = (row * heads + h) * D + i;
                double angle = pgd_tensor_get(&a->inputs[1], row) * pow(a->attrs->floats[0], -2 * (double)i / (double)D), c = cos(angle), s = a->attrs->ints[0] != 0 ? -sin(angle) : sin(angle);
                double p = pgd_tensor_get(x, first), q = pgd_tensor_get(x, first + half);
                pgd_tensor_set(y, first, p * c - q * s);
                pgd_tensor_set(y, first + half, q * c + p * s);
            }
}

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_attrs attrs = n->attrs;
    attrs.ints[0] = !attrs.ints[0];
    dx[0] = pgd_graph_op(g, PGD_OP_ROPE, &attrs, (pgd_value *[]){dy[0], n->inputs[1]}, 2);
}

/* Of 16-bit values in f32, as the angles want it. */
static void expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *x = n->inputs[0], *positions = n->inputs[1];
    pgd_dtype dtype = x->dtype == PGD_F64 ? PGD_F64 : PGD_F32;
    pgd_dim half = x->shape.dims[3] / 2;
    pgd_value *feature = pgd_iota(g, dtype, (pgd_symshape){4, {1, 1, 1, half}}, 3), *position = pgd_reshape(g, pgd_cast(g, positions, dtype), (pgd_symshape){4, {positions->shape.dims[0], positions->shape.dims[1], 1, 1}});
    pgd_value *angle = pgd_mul(g, position, pgd_exp(g, pgd_mul(g, feature, pgd_scalar(g, dtype, -log(n->attrs.floats[0]) / (double)half))));
    pgd_value *c = pgd_cos(g, angle), *s = pgd_sin(g, angle), *wide = pgd_cast(g, x, dtype), *p = pgd_slice(g, wide, 3, 0, half), *q = pgd_slice(g, wide, 3, half, half);
    if (n->attrs.ints[0] != 0) s = pgd_neg(g, s);
    pgd_value *turned[2] = {pgd_sub(g, pgd_mul(g, p, c), pgd_mul(g, q, s)), pgd_add(g, pgd_mul(g, q, c), pgd_mul(g, p, s))};
    outputs[0] = pgd_cast(g, pgd_concat(g, turned, 2, 3), x->dtype);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 3 * (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_rope = {.int_names = "inverse", .float_names = "base", .infer = infer, .eval = eval, .grad = grad, .expand = expand, .flops = flops};
