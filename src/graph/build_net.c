/* SPDX-License-Identifier: Apache-2.0
 * Builders of what networks are made of beside plain algebra: normalisation, attention, softmax, losses. */
#include <graph_share.h>
#include <math.h>
#include <string.h>

/* ---- normalisation -------------------------------------------------------------------------------------------------------------------------------- */

void pgd_moments(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count, pgd_value **mean, pgd_value **variance) {
    if (mean != NULL) *mean = NULL;
    if (variance != NULL) *variance = NULL;
    int64_t mask = PGD_GRAPH_LACKS(graph, x) || (count > 0 && PGD_GRAPH_LACKS(axes)) ? -1 : pgd_axes_mask(graph, x, axes, count);
    pgd_node *node = mask < 0 ? NULL : pgd_graph_add(graph, PGD_OP_MOMENTS, &(pgd_attrs){.ints = {mask}}, &x, 1);
    if (node == NULL) return;
    if (mean != NULL) *mean = &node->outputs[0];
    if (variance != NULL) *variance = &node->outputs[1];
}

pgd_value *pgd_batch_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, pgd_value *beta, double epsilon, pgd_value **mean, pgd_value **variance) {
    if (mean != NULL) *mean = NULL;
    if (variance != NULL) *variance = NULL;
    if (PGD_GRAPH_LACKS(graph, x, gamma, beta)) return NULL;
    pgd_node *node = pgd_graph_add(graph, PGD_OP_BATCH_NORM, &(pgd_attrs){.floats = {epsilon}}, (pgd_value *[]){x, gamma, beta}, 3);
    if (node == NULL) return NULL;
    if (mean != NULL) *mean = &node->outputs[1];
    if (variance != NULL) *variance = &node->outputs[2];
    return &node->outputs[0];
}

static pgd_value *row_norm(pgd_graph *graph, pgd_op op, pgd_value *x, pgd_value *gamma, pgd_value *beta, double epsilon) {
    return pgd_graph_op(graph, op, &(pgd_attrs){.floats = {epsilon}}, (pgd_value *[]){x, gamma, beta}, beta == NULL ? 2 : 3);
}

pgd_value *pgd_layer_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, pgd_value *beta, double epsilon) {
    return PGD_GRAPH_LACKS(graph, x, gamma, beta) ? NULL : row_norm(graph, PGD_OP_LAYER_NORM, x, gamma, beta, epsilon);
}

pgd_value *pgd_rms_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, double epsilon) { return PGD_GRAPH_LACKS(graph, x, gamma) ? NULL : row_norm(graph, PGD_OP_RMS_NORM, x, gamma, NULL, epsilon); }

/* Statistics over a group of channels and all positions: rows of x seen as [N, groups, C/groups * positions]. */
pgd_value *pgd_group_norm(pgd_graph *graph, pgd_value *x, int32_t groups, pgd_value *gamma, pgd_value *beta, double epsilon) {
    if (PGD_GRAPH_LACKS(graph, x, gamma, beta)) return NULL;
    int64_t channels = x->shape.rank < 2 ? -1 : x->shape.dims[1];
    if (groups < 1 || channels < 0 || channels % groups != 0) return pgd_graph_fail(graph, PGD_BAD_ARG, "group_norm: %d groups of %lld channels; the channels [N,C,..] must divide into the groups", groups, (long long)channels);
    pgd_value *mean, *variance, *rows = pgd_reshape(graph, x, (pgd_symshape){3, {x->shape.dims[0], groups, PGD_DIM_REST}});
    pgd_symshape by_channel = {.rank = x->shape.rank};
    for (int32_t i = 0; i < by_channel.rank; i++) by_channel.dims[i] = i == 1 ? channels : 1;
    pgd_moments(graph, rows, (int32_t[]){2}, 1, &mean, &variance);
    pgd_value *hat = pgd_mul(graph, pgd_sub(graph, rows, mean), pgd_rsqrt(graph, pgd_add(graph, variance, pgd_scalar(graph, x->dtype, epsilon))));
    return pgd_add(graph, pgd_mul(graph, pgd_reshape(graph, hat, x->shape), pgd_reshape(graph, gamma, by_channel)), pgd_reshape(graph, beta, by_channel));
}

/* ---- attention ------------------------------------------------------------------------------------------------------------------------------------------ */

void pgd_attention_options_init(pgd_attention_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_attention_options defaults = {.struct_bytes = (uint32_t)struct_bytes};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

static double default_scale(const pgd_value *q) { return q->shape.rank == 4 && q->shape.dims[3] > 0 ? 1 / sqrt((double)q->shape.dims[3]) : 1; }

pgd_value *pgd_attention(pgd_graph *graph, pgd_value *q, pgd_value *k, pgd_value *v, const pgd_attention_options *options) {
    pgd_attention_options o;
    pgd_attention_options_init(&o, sizeof o);
    if (PGD_GRAPH_LACKS(graph, q, k, v)) return NULL;
    if (pgd_options_read(&o, sizeof o, options, "pgd_attention_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_value *in[5] = {q, k, v}, *mask = o.mask;
    int32_t count = 3;
    if (mask != NULL && mask->dtype == PGD_BOOL) mask = pgd_where(graph, mask, pgd_scalar(graph, q->dtype, 0), pgd_scalar(graph, q->dtype, -INFINITY));
    if (mask != NULL) in[count++] = mask;
    if (o.start != NULL) in[count++] = o.start;
    pgd_attrs attrs = {.ints = {o.causal, mask != NULL, o.start != NULL}, .floats = {o.scale != 0 ? o.scale : default_scale(q)}};
    return pgd_graph_op(graph, PGD_OP_ATTENTION, &attrs, in, count);
}

/* Where each row stands: [B,T] as given, the first position [B] of each sample, or from 0 on. */
static pgd_value *positions_of(pgd_graph *graph, const pgd_value *x, pgd_value *positions) {
    const pgd_symshape all = {2, {x->shape.dims[0], x->shape.dims[1]}};
    if (positions != NULL && positions->shape.rank != 1) return positions;
    pgd_value *step = pgd_iota(graph, PGD_I32, (pgd_symshape){2, {1, all.dims[1]}}, 1);
    if (positions != NULL && step != NULL) step = pgd_add(graph, pgd_reshape(graph, positions, (pgd_symshape){2, {positions->shape.dims[0], 1}}), step);
    return step == NULL ? NULL : pgd_broadcast(graph, step, all);
}

pgd_value *pgd_rope(pgd_graph *graph, pgd_value *x, pgd_value *positions, double base) {
    char text[128];
    if (PGD_GRAPH_LACKS(graph, x)) return NULL;
    if (x->shape.rank != 4) return pgd_graph_fail(graph, PGD_BAD_ARG, "rope: x is %s; it must be [B,T,H,D]", pgd_symshape_text(graph, x->shape, text, sizeof text));
    pgd_value *at = positions_of(graph, x, positions);
    return at == NULL ? NULL : pgd_graph_op(graph, PGD_OP_ROPE, &(pgd_attrs){.floats = {base}}, (pgd_value *[]){x, at}, 2);
}

/* ---- recurrent ------------------------------------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_lstm(pgd_graph *graph, pgd_value *x, pgd_value *w, pgd_value *h0, pgd_value *c0, pgd_value **cells) {
    if (cells != NULL) *cells = NULL;
    pgd_node *node = PGD_GRAPH_LACKS(graph, x, w, h0, c0) ? NULL : pgd_graph_add(graph, PGD_OP_LSTM, NULL, (pgd_value *[]){x, w, h0, c0}, 4);
    if (node == NULL) return NULL;
    if (cells != NULL) *cells = &node->outputs[1];
    return &node->outputs[0];
}

pgd_value *pgd_gru(pgd_graph *graph, pgd_value *x, pgd_value *w, pgd_value *b, pgd_value *h0) {
    return PGD_GRAPH_LACKS(graph, x, w, b, h0) ? NULL : pgd_graph_op(graph, PGD_OP_GRU, NULL, (pgd_value *[]){x, w, b, h0}, 4);
}

/* ---- softmax, losses -------------------------------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_softmax(pgd_graph *graph, pgd_value *x) { return PGD_GRAPH_LACKS(graph, x) ? NULL : pgd_graph_op(graph, PGD_OP_SOFTMAX, NULL, &x, 1); }
pgd_value *pgd_log_softmax(pgd_graph *graph, pgd_value *x) { return PGD_GRAPH_LACKS(graph, x) ? NULL : pgd_graph_op(graph, PGD_OP_LOG_SOFTMAX, NULL, &x, 1); }

/* Over another axis: it is moved to the end and back. */
static pgd_value *along(pgd_graph *graph, pgd_op op, pgd_value *x, int32_t axis) {
    int32_t swap[PGD_MAX_RANK];
    if (!pgd_axis_in_rank(graph, x, &axis)) return NULL;
    for (int32_t i = 0; i < x->shape.rank; i++) swap[i] = i == axis ? x->shape.rank - 1 : i == x->shape.rank - 1 ? axis : i;
    pgd_value *moved = pgd_transpose(graph, x, swap), *y = moved == NULL ? NULL : pgd_graph_op(graph, op, NULL, &moved, 1);
    return y == NULL ? NULL : pgd_transpose(graph, y, swap);
}

pgd_value *pgd_softmax_along(pgd_graph *graph, pgd_value *x, int32_t axis) { return PGD_GRAPH_LACKS(graph, x) ? NULL : along(graph, PGD_OP_SOFTMAX, x, axis); }
pgd_value *pgd_log_softmax_along(pgd_graph *graph, pgd_value *x, int32_t axis) { return PGD_GRAPH_LACKS(graph, x) ? NULL : along(graph, PGD_OP_LOG_SOFTMAX, x, axis); }

pgd_value *pgd_softmax_xent(pgd_graph *graph, pgd_value *logits, pgd_value *labels, double smoothing) {
    if (PGD_GRAPH_LACKS(graph, logits, labels)) return NULL;
    return pgd_graph_op(graph, PGD_OP_SOFTMAX_XENT, &(pgd_attrs){.floats = {smoothing}}, (pgd_value *[]){logits, labels}, 2);
}
