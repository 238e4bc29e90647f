/* SPDX-License-Identifier: Apache-2.0
 * Matrix product of the last two axes, batched over the others. Inputs beyond the second belong to the epilogue program. */
#include "ops_internal.h"

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *a = node->inputs[0], *b = node->inputs[1];
    int32_t rank = a->shape.rank;
    char left[128], right[128];
    if (!pgd_is_float(a->dtype) || a->dtype != b->dtype) return pgd_fail(PGD_BAD_ARG, "matmul of %s and %s; both must be of one float dtype", pgd_dtype_name(a->dtype), pgd_dtype_name(b->dtype));
    bool fits = rank >= 2 && b->shape.rank == rank;
    bool ta = node->attrs.ints[0] != 0, tb = node->attrs.ints[1] != 0;
    for (int32_t i = 0; fits && i < rank - 2; i++) fits = a->shape.dims[i] == b->shape.dims[i];
    if (!fits || a->shape.dims[rank - (ta ? 2 : 1)] != b->shape.dims[rank - (tb ? 1 : 2)])
        return pgd_fail(PGD_BAD_ARG, "matmul: %s%s and %s%s do not fit", pgd_symshape_text(graph, a->shape, left, sizeof left), ta ? " transposed" : "",
                        pgd_symshape_text(graph, b->shape, right, sizeof right), tb ? " transposed" : "");
    outputs[0].dtype = a->dtype;
    outputs[0].shape = a->shape;
    outputs[0].shape.dims[rank - 2] = a->shape.dims[rank - (ta ? 1 : 2)];
    outputs[0].shape.dims[rank - 1] = b->shape.dims[rank - (tb ? 2 : 1)];
    return PGD_OK;
}

static void eval(const pgd_eval_args *args) {
    const pgd_tensor *a = &args->inputs[0], *b = &args->inputs[1], *y = &args->outputs[0];
    int32_t rank = y->shape.rank;
    bool ta = args->attrs->ints[0] != 0, tb = args->attrs->ints[1] != 0;
    int64_t M = y->shape.dims[rank - 2], N = y->shape.dims[rank - 1], K = a->shape.dims[rank - (ta ? 2 : 1)], batch = 1;
    for (int32_t i = 0; i < rank - 2; i++) batch *= y->shape.dims[i];
    for (int64_t t = 0; t < batch; t++)
        for (int64_t m = 0; m < M; m++)
            for (int64_t n = 0; n < N; n++) {
                double total = 0;
                for (int64_t k = 0; k < K; k++)
                    total += pgd_tensor_get(a, t * M * K + (ta ? k * M + m : m * K + k)) * pgd_tensor_get(b, t * K * N + (tb ? n * K + k : k * N + n));
                pgd_tensor_set(y, (t * M + m) * N + n, total);
            }
}

/* C = A B: dA = dC B', dB = A' dC; with A transposed, dA = B dC', and so on. */
static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *a = n->inputs[0], *b = n->inputs[1];
    bool ta = n->attrs.ints[0] != 0, tb = n->attrs.ints[1] != 0;
    dx[0] = ta ? pgd_matmul(g, b, dy[0], tb, true) : pgd_matmul(g, dy[0], b, false, !tb);
    dx[1] = tb ? pgd_matmul(g, dy[0], a, true, ta) : pgd_matmul(g, a, dy[0], !ta, false);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) {
    return 2.0 * (double)pgd_shape_elems(out[0]) * (double)in[0].dims[in[0].rank - (attrs->ints[0] != 0 ? 2 : 1)];
}

const pgd_op_def pgd_def_matmul = {.int_names = "transpose_a transpose_b", .infer = infer, .eval = eval, .grad = grad, .flops = flops};
