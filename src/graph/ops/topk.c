/* SPDX-License-Identifier: Apache-2.0
 * topk: x [..,n] -> values [..,k], indices i32 [..,k]: the k greatest (least) of each row in order, equals by their index. NaN counts as the greatest. */
#include "ops_internal.h"

enum { K, LARGEST };

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0];
    int64_t k = node->attrs.ints[K], lo, hi;
    char text[128];
    if (x->dtype == PGD_BOOL || x->shape.rank < 1) return pgd_fail(PGD_BAD_ARG, "topk: x is %s%s; numbers of rank 1 or more are needed", pgd_dtype_name(x->dtype), pgd_symshape_text(graph, x->shape, text, sizeof text));
    pgd_dim_range(graph, x->shape.dims[x->shape.rank - 1], &lo, &hi);
    if (k < 0 || k > lo || hi > INT32_MAX) return pgd_fail(PGD_BAD_ARG, "topk: %lld of rows of %lld elements (at least); k is 0 to that, and a row shorter than 2^31", (long long)k, (long long)lo);
    for (int32_t i = 0; i < 2; i++) {
        outputs[i].dtype = i == 0 ? x->dtype : PGD_I32;
        outputs[i].shape = x->shape;
        outputs[i].shape.dims[x->shape.rank - 1] = k;
    }
    return PGD_OK;
}

/* Does element i of a row come before element j, apart from their indices? */
static bool before(const pgd_tensor *x, int64_t i, int64_t j, bool largest) {
    if (!pgd_is_float(x->dtype)) return largest ? pgd_tensor_get_int(x, i) > pgd_tensor_get_int(x, j) : pgd_tensor_get_int(x, i) < pgd_tensor_get_int(x, j);
    double a = pgd_tensor_get(x, i), b = pgd_tensor_get(x, j);
    bool a_nan = a != a, b_nan = b != b;
    if (a_nan || b_nan) return largest ? a_nan && !b_nan : b_nan && !a_nan;
    return largest ? a > b : a < b;
}

/* An element's place is how many come before it. */
static void eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0];
    int64_t n = x->shape.dims[x->shape.rank - 1], k = a->attrs->ints[K], rows = n == 0 ? 0 : pgd_shape_elems(x->shape) / n;
    bool largest = a->attrs->ints[LARGEST] != 0;
    for (int64_t row = 0; row < rows; row++)
        for (int64_t i = 0; i < n; i++) {
            int64_t place = 0;
            for (int64_t j = 0; j < n; j++) place += before(x, row * n + j, row * n + i, largest) || (j < i && !before(x, row * n + i, row * n + j, largest));
            if (place >= k) continue;
            if (pgd_is_float(x->dtype))
                pgd_tensor_set(&a->outputs[0], row * k + place, pgd_tensor_get(x, row * n + i));
            else
                pgd_tensor_set_int(&a->outputs[0], row * k + place, pgd_tensor_get_int(x, row * n + i));
            pgd_tensor_set_int(&a->outputs[1], row * k + place, i);
        }
}

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *x = n->inputs[0];
    if (dy[0] == NULL || !pgd_is_float(x->dtype)) return;
    dx[0] = pgd_scatter_elements(g, pgd_fill(g, x->dtype, x->shape, 0), (pgd_value *)&n->outputs[1], dy[0], -1, PGD_SCATTER_ADD);
}

static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return (double)pgd_shape_elems(in[0]); }

const pgd_op_def pgd_def_topk = {.dtypes = PGD_DTYPES_ANY & ~(1 << PGD_BOOL), .int_names = "k largest", .infer = infer, .eval = eval, .grad = grad, .flops = flops};
