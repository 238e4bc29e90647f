/* SPDX-License-Identifier: Apache-2.0
 * Recurrent nets over T steps: LSTM (Hochreiter, Schmidhuber, 1997; with forget gate: Gers et al., 2000) and GRU (Cho et al., 2014, in the form whose reset
 * comes after the product). What the inputs contribute to all gates of all steps is one matrix product outside; here is what needs the step before.
 *   lstm    x [T,N,4H], w [4H,H], h0 [N,H], c0 [N,H] -> y [T,N,H], c [T,N,H], gates [T,N,4H]
 *           i, f, o = sigmoid(x + w h), g = tanh(x + w h), in the order i f g o;  c' = f c + i g;  h' = o tanh(c')
 *   lstm_d  dy, dc, gates, c, c0, w -> dx [T,N,4H], dh0, dc0
 *   gru     x [T,N,3H], w [3H,H], b [3H], h0 [N,H] -> y [T,N,H], gates [T,N,4H]
 *           r, z = sigmoid(x + w h + b), q = w h + b, n = tanh(x + r q);  h' = (1 - z) n + z h;  gates holds r z n q
 *   gru_d   dy, gates, y, h0, w -> dx [T,N,3H], dq [T,N,3H], dh0;  dq is the derivative by w h + b
 * gates is there for the derivative; gradients do not flow through it. */
#include <math.h>

#include "ops_internal.h"

static bool is_lstm(pgd_op op) { return op == PGD_OP_LSTM || op == PGD_OP_LSTM_D; }

static pgd_symshape steps(pgd_symshape first, pgd_dim width) { return (pgd_symshape){3, {first.dims[0], first.dims[1], width}}; }

static bool has_shape(const pgd_value *v, pgd_dtype dtype, pgd_symshape shape) { return v->dtype == dtype && pgd_symshape_equal(v->shape, shape); }

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    const pgd_value *x = node->inputs[0], *w = node->inputs[1];
    bool lstm = is_lstm(node->op);
    pgd_dim H = w->shape.rank == 2 ? w->shape.dims[1] : -1, all = (lstm ? 4 : 3) * H;
    char tx[128], tw[128];
    int64_t lo = 0, hi;
    bool fits = pgd_is_float(x->dtype) && x->shape.rank == 3 && H > 0 && H < 1 << 20 && has_shape(w, x->dtype, (pgd_symshape){2, {all, H}}) && x->shape.dims[2] == all;
    for (int32_t i = 2; fits && i < 4; i++) fits = has_shape(node->inputs[i], x->dtype, !lstm && i == 2 ? (pgd_symshape){1, {all}} : (pgd_symshape){2, {x->shape.dims[1], H}});
    if (!fits)
        return pgd_fail(PGD_BAD_ARG, lstm ? "lstm: x %s and w %s do not fit; x is [T,N,4H], w [4H,H], h0 and c0 [N,H], of one float dtype" : "gru: x %s and w %s do not fit; x is [T,N,3H], w [3H,H], b [3H], h0 [N,H], of one float dtype",
                        pgd_symshape_text(graph, x->shape, tx, sizeof tx), pgd_symshape_text(graph, w->shape, tw, sizeof tw));
    pgd_dim_range(graph, x->shape.dims[0], &lo, &hi);
    if (lo < 1) return pgd_fail(PGD_BAD_ARG, "%s: x %s may have no steps", pgd_op_name(node->op), pgd_symshape_text(graph, x->shape, tx, sizeof tx));
    for (int32_t k = 0; k < node->output_count; k++) {
        outputs[k].dtype = x->dtype;
        outputs[k].shape = steps(x->shape, k == node->output_count - 1 ? 4 * H : H);
    }
    return PGD_OK;
}

static pgd_status d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    bool lstm = is_lstm(node->op);
    const pgd_value *dy = node->inputs[0], *w = node->inputs[node->input_count - 1];
    pgd_dim H = dy->shape.rank == 3 ? dy->shape.dims[2] : -1, all = (lstm ? 4 : 3) * H;
    (void)graph;
    bool fits = pgd_is_float(dy->dtype) && H > 0 && H < 1 << 20 && has_shape(w, dy->dtype, (pgd_symshape){2, {all, H}});
    const pgd_symshape state = {2, {dy->shape.dims[1], H}}, line = dy->shape, wide = steps(line, 4 * H);
    const pgd_symshape lstm_shapes[] = {line, line, wide, line, state}, gru_shapes[] = {line, wide, line, state};
    for (int32_t i = 0; fits && i < node->input_count - 1; i++) fits = has_shape(node->inputs[i], dy->dtype, lstm ? lstm_shapes[i] : gru_shapes[i]);
    if (!fits) return pgd_fail(PGD_BAD_ARG, "%s: dy must be [T,N,H], gates [T,N,4H], states [N,H], w as in the forward direction", pgd_op_name(node->op));
    for (int32_t k = 0; k < 3; k++) {
        outputs[k].dtype = dy->dtype;
        outputs[k].shape = k == 0 || (k == 1 && !lstm) ? steps(line, all) : state;
    }
    return PGD_OK;
}

/* ---- reference ---------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct extents {
    int64_t T, N, H;
} extents;

static double sigmoid(double x) { return pgd_scalar_float(PGD_OP_SIGMOID, x, 0, 0); }

/* Unit j of row n before step t. */
static double before(const extents *e, const pgd_tensor *first, const pgd_tensor *line, int64_t t, int64_t n, int64_t j) {
    return t == 0 ? pgd_tensor_get(first, n * e->H + j) : pgd_tensor_get(line, ((t - 1) * e->N + n) * e->H + j);
}

/* Row `unit` of w times the state before step t. */
static double recurrence(const extents *e, const pgd_tensor *w, const pgd_tensor *h0, const pgd_tensor *y, int64_t t, int64_t n, int64_t unit) {
    double total = 0;
    for (int64_t j = 0; j < e->H; j++) total += pgd_tensor_get(w, unit * e->H + j) * before(e, h0, y, t, n, j);
    return total;
}

static void lstm_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *w = &a->inputs[1], *h0 = &a->inputs[2], *c0 = &a->inputs[3], *y = &a->outputs[0], *c = &a->outputs[1], *gates = &a->outputs[2];
    extents e = {x->shape.dims[0], x->shape.dims[1], w->shape.dims[1]};
    for (int64_t t = 0; t < e.T; t++)
        for (int64_t n = 0; n < e.N; n++)
            for (int64_t j = 0; j < e.H; j++) {
                int64_t row = t * e.N + n;
                double gate[4];
                for (int64_t k = 0; k < 4; k++) {
                    double sum = pgd_tensor_get(x, row * 4 * e.H + k * e.H + j) + recurrence(&e, w, h0, y, t, n, k * e.H + j);
                    gate[k] = k == 2 ? tanh(sum) : sigmoid(sum);
                    pgd_tensor_set(gates, row * 4 * e.H + k * e.H + j, gate[k]);
                }
                double cell = gate[1] * before(&e, c0, c, t, n, j) + gate[0] * gate[2];
                pgd_tensor_set(c, row * e.H + j, cell);
                pgd_tensor_set(y, row * e.H + j, gate[3] * tanh(cell));
            }
}

static void gru_eval(const pgd_eval_args *a) {
    const pgd_tensor *x = &a->inputs[0], *w = &a->inputs[1], *b = &a->inputs[2], *h0 = &a->inputs[3], *y = &a->outputs[0], *gates = &a->outputs[1];
    extents e = {x->shape.dims[0], x->shape.dims[1], w->shape.dims[1]};
    for (int64_t t = 0; t < e.T; t++)
        for (int64_t n = 0; n < e.N; n++)
            for (int64_t j = 0; j < e.H; j++) {
                int64_t row = t * e.N + n;
                double in[3], hidden[3];
                for (int64_t k = 0; k < 3; k++) {
                    in[k] = pgd_tensor_get(x, row * 3 * e.H + k * e.H + j);
                    hidden[k] = recurrence(&e, w, h0, y, t, n, k * e.H + j) + pgd_tensor_get(b, k * e.H + j);
                }
                double r = sigmoid(in[0] + hidden[0]), z = sigmoid(in[1] + hidden[1]), fresh = tanh(in[2] + r * hidden[2]);
                const double kept[4] = {r, z, fresh, hidden[2]};
                for (int64_t k = 0; k < 4; k++) pgd_tensor_set(gates, row * 4 * e.H + k * e.H + j, kept[k]);
                pgd_tensor_set(y, row * e.H + j, (1 - z) * fresh + z * before(&e, h0, y, t, n, j));
            }
}

/* dstate[n][j] (+)= sum over units of d[row][unit] w[unit][j] */
static void send_back(const extents *e, const pgd_tensor *d, const pgd_tensor *w, int64_t t, int64_t n, const pgd_tensor *dstate, bool add) {
    int64_t units = w->shape.dims[0];
    for (int64_t j = 0; j < e->H; j++) {
        double total = add ? pgd_tensor_get(dstate, n * e->H + j) : 0;
        for (int64_t u = 0; u < units; u++) total += pgd_tensor_get(d, (t * e->N + n) * units + u) * pgd_tensor_get(w, u * e->H + j);
        pgd_tensor_set(dstate, n * e->H + j, total);
    }
}

static void clear(const pgd_tensor *t) {
    for (int64_t i = 0, n = pgd_shape_elems(t->shape); i < n; i++) pgd_tensor_set(t, i, 0);
}

static void lstm_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *dcells = &a->inputs[1], *gates = &a->inputs[2], *c = &a->inputs[3], *c0 = &a->inputs[4], *w = &a->inputs[5], *dx = &a->outputs[0], *dh = &a->outputs[1], *dc = &a->outputs[2];
    extents e = {dy->shape.dims[0], dy->shape.dims[1], dy->shape.dims[2]};
    clear(dh);
    clear(dc);
    for (int64_t t = e.T - 1; t >= 0; t--)
        for (int64_t n = 0; n < e.N; n++) {
            int64_t row = t * e.N + n;
            for (int64_t j = 0; j < e.H; j++) {
                double gate[4], cell = tanh(pgd_tensor_get(c, row * e.H + j)), d = pgd_tensor_get(dy, row * e.H + j) + pgd_tensor_get(dh, n * e.H + j);
                for (int64_t k = 0; k < 4; k++) gate[k] = pgd_tensor_get(gates, row * 4 * e.H + k * e.H + j);
                double dcell = pgd_tensor_get(dc, n * e.H + j) + pgd_tensor_get(dcells, row * e.H + j) + d * gate[3] * (1 - cell * cell);
                const double back[4] = {dcell * gate[2] * gate[0] * (1 - gate[0]), dcell * before(&e, c0, c, t, n, j) * gate[1] * (1 - gate[1]), dcell * gate[0] * (1 - gate[2] * gate[2]), d * cell * gate[3] * (1 - gate[3])};
                for (int64_t k = 0; k < 4; k++) pgd_tensor_set(dx, row * 4 * e.H + k * e.H + j, back[k]);
                pgd_tensor_set(dc, n * e.H + j, dcell * gate[1]);
            }
            send_back(&e, dx, w, t, n, dh, false);
        }
}

static void gru_d_eval(const pgd_eval_args *a) {
    const pgd_tensor *dy = &a->inputs[0], *gates = &a->inputs[1], *y = &a->inputs[2], *h0 = &a->inputs[3], *w = &a->inputs[4], *dx = &a->outputs[0], *dq = &a->outputs[1], *dh = &a->outputs[2];
    extents e = {dy->shape.dims[0], dy->shape.dims[1], dy->shape.dims[2]};
    clear(dh);
    for (int64_t t = e.T - 1; t >= 0; t--)
        for (int64_t n = 0; n < e.N; n++) {
            int64_t row = t * e.N + n;
            for (int64_t j = 0; j < e.H; j++) {
                double gate[4], d = pgd_tensor_get(dy, row * e.H + j) + pgd_tensor_get(dh, n * e.H + j);
                for (int64_t k = 0; k < 4; k++) gate[k] = pgd_tensor_get(gates, row * 4 * e.H + k * e.H + j);
                double fresh = d * (1 - gate[1]) * (1 - gate[2] * gate[2]), z = d * (before(&e, h0, y, t, n, j) - gate[2]) * gate[1] * (1 - gate[1]), r = fresh * gate[3] * gate[0] * (1 - gate[0]);
                const double in[3] = {r, z, fresh}, hidden[3] = {r, z, fresh * gate[0]};
                for (int64_t k = 0; k < 3; k++) {
                    pgd_tensor_set(dx, row * 3 * e.H + k * e.H + j, in[k]);
                    pgd_tensor_set(dq, row * 3 * e.H + k * e.H + j, hidden[k]);
                }
                pgd_tensor_set(dh, n * e.H + j, d * gate[1]);
            }
            send_back(&e, dq, w, t, n, dh, true);
        }
}

/* ---- gradients: the weights' are one product over all steps ---------------------------------------------------------------------------------------------- */

/* d [T,N,units] with the states before each step [T,N,H] -> [units,H] */
static pgd_value *weight_gradient(pgd_graph *g, pgd_value *d, pgd_value *h0, pgd_value *y) {
    if (d == NULL) return NULL;
    pgd_dim T = y->shape.dims[0], H = y->shape.dims[2], rows = pgd_dim_mul(g, T, y->shape.dims[1]);
    pgd_value *first = pgd_reshape(g, h0, (pgd_symshape){3, {1, h0->shape.dims[0], H}});
    pgd_value *states = T == 1 ? first : pgd_concat(g, (pgd_value *[]){first, pgd_slice(g, y, 0, 0, pgd_dim_offset(g, T, -1))}, 2, 0);
    return pgd_matmul(g, pgd_reshape(g, d, (pgd_symshape){2, {rows, d->shape.dims[2]}}), pgd_reshape(g, states, (pgd_symshape){2, {rows, H}}), true, false);
}

static bool unsupported(pgd_graph *g, const pgd_node *n, pgd_value *const *dy) {
    if (dy[n->output_count - 1] == NULL) return false;
    pgd_graph_fail(g, PGD_UNSUPPORTED, "%s has no gradient through its gates", pgd_op_name(n->op));
    return true;
}

static pgd_value *or_zeros(pgd_graph *g, pgd_value *d, const pgd_value *like) { return d != NULL ? d : pgd_fill(g, like->dtype, like->shape, 0); }

static void lstm_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *y = (pgd_value *)&n->outputs[0], *c = (pgd_value *)&n->outputs[1], *gates = (pgd_value *)&n->outputs[2];
    if (unsupported(g, n, dy)) return;
    pgd_node *d = pgd_graph_add(g, PGD_OP_LSTM_D, NULL, (pgd_value *[]){or_zeros(g, dy[0], y), or_zeros(g, dy[1], c), gates, c, n->inputs[3], n->inputs[1]}, 6);
    if (d == NULL) return;
    dx[0] = &d->outputs[0];
    dx[1] = weight_gradient(g, dx[0], n->inputs[2], y);
    dx[2] = &d->outputs[1];
    dx[3] = &d->outputs[2];
}

static void gru_grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *y = (pgd_value *)&n->outputs[0], *gates = (pgd_value *)&n->outputs[1];
    if (unsupported(g, n, dy)) return;
    pgd_node *d = pgd_graph_add(g, PGD_OP_GRU_D, NULL, (pgd_value *[]){or_zeros(g, dy[0], y), gates, y, n->inputs[3], n->inputs[1]}, 5);
    if (d == NULL) return;
    dx[0] = &d->outputs[0];
    dx[1] = weight_gradient(g, &d->outputs[1], n->inputs[3], y);
    dx[2] = pgd_reshape(g, pgd_sum(g, &d->outputs[1], (int32_t[]){0, 1}, 2), n->inputs[2]->shape);
    dx[3] = &d->outputs[2];
}

/* The products, and about thirty for the gates of one unit. */
static double steps_flops(const pgd_shape *line, double gates) { return (double)(line->dims[0] * line->dims[1]) * (double)line->dims[2] * (2 * gates * (double)line->dims[2] + 30); }
static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return steps_flops(&out[0], (double)in[1].dims[0] / (double)in[1].dims[1]); }
static double lstm_d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return steps_flops(&in[0], 4); }
static double gru_d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return steps_flops(&in[0], 3); }

const pgd_op_def pgd_def_lstm = {.infer = infer, .eval = lstm_eval, .grad = lstm_grad, .flops = flops};
const pgd_op_def pgd_def_lstm_d = {.infer = d_infer, .eval = lstm_d_eval, .flops = lstm_d_flops};
const pgd_op_def pgd_def_gru = {.infer = infer, .eval = gru_eval, .grad = gru_grad, .flops = flops};
const pgd_op_def pgd_def_gru_d = {.infer = d_infer, .eval = gru_d_eval, .flops = gru_d_flops};
