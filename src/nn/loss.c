/* SPDX-License-Identifier: Apache-2.0
 * Losses, as graph values of rank 0; what comes in 16 bits is taken as f32. */
#include "layer.h"

static pgd_value *mean_of_all(pgd_graph *graph, pgd_value *x) {
    int32_t axes[PGD_MAX_RANK] = {0, 1, 2, 3, 4, 5};
    return x == NULL ? NULL : pgd_reshape(graph, pgd_mean(graph, x, axes, x->shape.rank), (pgd_symshape){0});
}

static pgd_value *in_f32(pgd_graph *graph, pgd_value *x) { return x->dtype == PGD_F16 || x->dtype == PGD_BF16 ? pgd_cast(graph, x, PGD_F32) : x; }

pgd_value *pgd_loss_cross_entropy(pgd_graph *graph, pgd_value *logits, pgd_value *labels, double smoothing) {
    return PGD_GRAPH_LACKS(graph, logits, labels) ? NULL : mean_of_all(graph, pgd_softmax_xent(graph, in_f32(graph, logits), labels, smoothing));
}

pgd_value *pgd_loss_mse(pgd_graph *graph, pgd_value *prediction, pgd_value *target) {
    if (PGD_GRAPH_LACKS(graph, prediction, target)) return NULL;
    if (!pgd_symshape_equal(prediction->shape, target->shape)) return pgd_graph_fail(graph, PGD_BAD_ARG, "mse: prediction and target have different shapes; reshape one");
    pgd_value *error = pgd_sub(graph, in_f32(graph, prediction), in_f32(graph, target));
    return error == NULL ? NULL : mean_of_all(graph, pgd_mul(graph, error, error));
}
