/* SPDX-License-Identifier: Apache-2.0
 * Dropout (Srivastava et al., 2014). Its key is the state tensor "random". */
#include "layer.h"

static pgd_value *dropout_forward(const pgd_layer *layer, const pgd_forward *f, pgd_value *x, const char *prefix) {
    pgd_graph *graph = f->graph;
    double p = layer->number[0];
    if (!f->training || p == 0) return x;
    pgd_value *key = pgd_param(graph, "random", PGD_I64, pgd_symshape_of(1, 2));
    pgd_value *keep = pgd_le(graph, pgd_scalar(graph, PGD_F32, p), pgd_uniform(graph, key, x->shape));
    return pgd_where(graph, keep, pgd_mul(graph, x, pgd_scalar(graph, x->dtype, 1 / (1 - p))), pgd_scalar(graph, x->dtype, 0));
}

static const pgd_layer_kind dropout_kind = {"dropout", dropout_forward, NULL, NULL};

pgd_layer *pgd_layer_dropout(double probability) {
    if (!(probability >= 0 && probability < 1)) {
        (void)pgd_fail(PGD_BAD_ARG, "dropout: probability %g; use 0 up to below 1", probability);
        return NULL;
    }
    pgd_layer *layer = pgd_layer_make(&dropout_kind);
    if (layer != NULL) layer->number[0] = probability;
    return layer;
}
