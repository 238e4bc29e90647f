/* SPDX-License-Identifier: Apache-2.0
 * Random numbers as operations; the generator, pgd_philox, stands in graph_share.h because kernels use it too. */
#include <math.h>

#include "ops_internal.h"

/* Box and Muller, 1958; the first word is shifted off zero. */
double pgd_normal_from(uint32_t first, uint32_t second) {
    double u = ((double)(first >> 8) + 0.5) * 0x1p-24, v = (double)(second >> 8) * 0x1p-24;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    (void)graph;
    const pgd_value *key = node->inputs[0];
    if (key->dtype != PGD_I64 || key->shape.rank != 1 || key->shape.dims[0] != 2)
        return pgd_fail(PGD_BAD_ARG, "%s: the key must be i64 [2]: seed and step", pgd_op_name(node->op));
    outputs[0].dtype = PGD_F32;
    outputs[0].shape = node->attrs.dims;
    return PGD_OK;
}

static void eval(const pgd_eval_args *a) {
    const int64_t *key = a->inputs[0].data;
    for (int64_t i = 0, n = pgd_shape_elems(a->outputs[0].shape); i < n; i++) {
        uint32_t words[4];
        pgd_philox((uint64_t)key[0], (uint64_t)key[1], (uint32_t)a->attrs->ints[0], (uint64_t)i, words);
        pgd_tensor_set(&a->outputs[0], i, a->op == PGD_OP_UNIFORM ? (double)pgd_uniform_from(words[0]) : pgd_normal_from(words[0], words[1]));
    }
}

static void no_grad(pgd_graph *graph, const pgd_node *node, pgd_value *const *dy, pgd_value **dx) { (void)graph, (void)node, (void)dy, (void)dx; }

const pgd_op_def pgd_def_uniform = {.dtypes = 1 << PGD_I64, .flags = PGD_OPF_RANDOM, .int_names = "stream", .has_dims = true, .infer = infer, .eval = eval, .grad = no_grad};
const pgd_op_def pgd_def_normal = {.dtypes = 1 << PGD_I64, .flags = PGD_OPF_RANDOM, .int_names = "stream", .has_dims = true, .infer = infer, .eval = eval, .grad = no_grad};
