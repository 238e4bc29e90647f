/* SPDX-License-Identifier: Apache-2.0
 * Scaled dot-product attention (Vaswani et al., Attention is all you need, 2017) with grouped heads (Ainslie et al., GQA, 2023).
 *
 * q [B,T,H,D]  k [B,S,G,D]  v [B,S,G,E]  ->  y [B,T,H,E], logsum [B,T,H]. Head h reads the keys and values of group h / (H/G). Positions come
 * before heads, as a linear layer leaves them, so nothing is transposed on the way in or out.
 * score = scale q.k (+ mask);  y = sum softmax(score) v;  logsum = log sum exp(score), which the derivative uses instead of the weights.
 * mask, optional: [B|1, H|1, T|1, S], added. start, optional: i32 [B], the keys that precede query 0. Query t stands at position start + t; keys
 * from start + T on are not there yet. causal: a query sees the keys up to its own position; without start the last query sees all keys.
 * A query that sees nothing gives 0 and logsum -infinity. */
#include <math.h>

#include "ops_internal.h"

enum { CAUSAL, HAS_MASK, HAS_START };

typedef struct heads {
    int64_t B, H, G, T, S, D, E;
    double scale;
    bool causal;
    const pgd_tensor *q, *k, *v, *mask, *start;
} heads;

/* Optional inputs stand behind the `fixed` ones. */
static heads read_heads(const pgd_eval_args *a, int32_t fixed) {
    const int64_t *o = a->attrs->ints;
    const pgd_shape *q = &a->inputs[0].shape, *k = &a->inputs[1].shape;
    heads h = {q->dims[0], q->dims[2], k->dims[2], q->dims[1], k->dims[1], q->dims[3], a->inputs[2].shape.dims[3], a->attrs->floats[0], o[CAUSAL] != 0, &a->inputs[0], &a->inputs[1], &a->inputs[2], NULL, NULL};
    if (o[HAS_MASK] != 0) h.mask = &a->inputs[fixed++];
    if (o[HAS_START] != 0) h.start = &a->inputs[fixed];
    return h;
}

/* How many keys query t of sample b sees. */
static int64_t visible(const heads *h, int64_t b, int64_t t) {
    int64_t start = h->start != NULL ? ((const int32_t *)h->start->data)[b] : h->S - h->T;
    int64_t count = h->causal ? start + t + 1 : h->start != NULL ? start + h->T : h->S;
    return count < 0 ? 0 : count > h->S ? h->S : count;
}

static double dot(const pgd_tensor *x, int64_t i, const pgd_tensor *y, int64_t j, int64_t n) {
    double total = 0;
    for (int64_t d = 0; d < n; d++) total += pgd_tensor_get(x, i * n + d) * pgd_tensor_get(y, j * n + d);
    return total;
}

static int64_t query_row(const heads *h, int64_t b, int64_t head, int64_t t) { return (b * h->T + t) * h->H + head; }
static int64_t key_row(const heads *h, int64_t b, int64_t head, int64_t s) { return (b * h->S + s) * h->G + head / (h->H / h->G); }

static double score(const heads *h, int64_t b, int64_t head, int64_t t, int64_t s) {
    double value = h->scale * dot(h->q, query_row(h, b, head, t), h->k, key_row(h, b, head, s), h->D);
    if (h->mask == NULL) return value;
    return value + pgd_tensor_get(h->mask, pgd_flat(&h->mask->shape, (int64_t[]){b, head, t, s}));
}

static void attend(const heads *h, const pgd_eval_args *a, int64_t b, int64_t head, int64_t t) {
    int64_t row = query_row(h, b, head, t), keys = visible(h, b, t);
    double most = -INFINITY, total = 0;
    for (int64_t s = 0; s < keys; s++) most = pgd_scalar_float(PGD_OP_MAX, most, score(h, b, head, t, s), 0);
    bool nothing = most == -INFINITY;
    for (int64_t s = 0; s < keys && !nothing; s++) total += exp(score(h, b, head, t, s) - most);
    double log_sum = nothing ? -INFINITY : most + log(total);
    for (int64_t e = 0; e < h->E; e++) {
        double y = 0;
        for (int64_t s = 0; s < keys && !nothing; s++) y += exp(score(h, b, head, t, s) - log_sum) * pgd_tensor_get(h->v, key_row(h, b, head, s) * h->E + e);
        pgd_tensor_set(&a->outputs[0], row * h->E + e, y);
    }
    pgd_tensor_set(&a->outputs[1], row, log_sum);
}

static void eval(const pgd_eval_args *a) {
    heads h = read_heads(a, 3);
    for (int64_t b = 0; b < h.B; b++)
        for (int64_t head = 0; head < h.H; head++)
            for (int64_t t = 0; t < h.T; t++) attend(&h, a, b, head, t);
}

/* ---- inference --------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status check_optional(pgd_graph *graph, const pgd_node *node, int32_t fixed) {
    const pgd_symshape *q = &node->inputs[0]->shape, *k = &node->inputs[1]->shape;
    char text[128];
    int32_t at = fixed, wanted = fixed + (node->attrs.ints[HAS_MASK] != 0) + (node->attrs.ints[HAS_START] != 0);
    if (node->input_count != wanted) return pgd_fail(PGD_BAD_ARG, "%s: %d inputs where its options speak of %d", pgd_op_name(node->op), node->input_count, wanted);
    if (node->attrs.ints[HAS_MASK] != 0) {
        const pgd_value *mask = node->inputs[at++];
        const pgd_dim full[4] = {q->dims[0], q->dims[2], q->dims[1], k->dims[1]};
        bool fits = mask->dtype == node->inputs[0]->dtype && mask->shape.rank == 4 && mask->shape.dims[3] == full[3];
        for (int32_t i = 0; fits && i < 3; i++) fits = mask->shape.dims[i] == full[i] || mask->shape.dims[i] == 1;
        if (!fits) return pgd_fail(PGD_BAD_ARG, "%s: the mask is %s%s; it must be [B|1, H|1, T|1, S] of the queries' dtype", pgd_op_name(node->op), pgd_dtype_name(mask->dtype), pgd_symshape_text(graph, mask->shape, text, sizeof text));
    }
    if (node->attrs.ints[HAS_START] != 0) {
        const pgd_value *start = node->inputs[at];
        if (start->dtype != PGD_I32 || start->shape.rank != 1 || start->shape.dims[0] != q->dims[0]) return pgd_fail(PGD_BAD_ARG, "%s: start must be i32 [B]", pgd_op_name(node->op));
    }
    return PGD_OK;
}

static pgd_status check_heads(pgd_graph *graph, const pgd_node *node, int32_t fixed) {
    char tq[128], tk[128], tv[128];
    if (node->input_count < fixed) return pgd_fail(PGD_BAD_ARG, "%s takes at least %d inputs", pgd_op_name(node->op), fixed);
    const pgd_value *q = node->inputs[0], *k = node->inputs[1], *v = node->inputs[2];
    bool fits = pgd_is_float(q->dtype) && k->dtype == q->dtype && v->dtype == q->dtype && q->shape.rank == 4 && k->shape.rank == 4 && v->shape.rank == 4;
    fits = fits && k->shape.dims[0] == q->shape.dims[0] && v->shape.dims[0] == q->shape.dims[0] && k->shape.dims[3] == q->shape.dims[3];
    fits = fits && v->shape.dims[1] == k->shape.dims[1] && v->shape.dims[2] == k->shape.dims[2];
    fits = fits && q->shape.dims[2] > 0 && k->shape.dims[2] > 0 && q->shape.dims[2] % k->shape.dims[2] == 0;
    if (!fits)
        return pgd_fail(PGD_BAD_ARG, "%s: q %s, k %s, v %s; they must be floats [B,T,H,D], [B,S,G,D], [B,S,G,E] with H a multiple of G", pgd_op_name(node->op), pgd_symshape_text(graph, q->shape, tq, sizeof tq),
                        pgd_symshape_text(graph, k->shape, tk, sizeof tk), pgd_symshape_text(graph, v->shape, tv, sizeof tv));
    return check_optional(graph, node, fixed);
}

static pgd_symshape rows_of(const pgd_value *q) {
    pgd_symshape shape = q->shape;
    shape.rank = 3;
    return shape;
}

static pgd_status infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_heads(graph, node, 3));
    const pgd_value *q = node->inputs[0];
    outputs[0].dtype = outputs[1].dtype = q->dtype;
    outputs[0].shape = q->shape;
    outputs[0].shape.dims[3] = node->inputs[2]->shape.dims[3];
    outputs[1].shape = rows_of(q);
    return PGD_OK;
}

/* ---- the same from simpler operations ------------------------------------------------------------------------------------------------------------------ */

static pgd_value *swapped(pgd_graph *g, pgd_value *x) { return pgd_transpose(g, x, (int32_t[]){0, 2, 1, 3}); }

/* [B,H,T,X] as [B,G,H/G*T,X]: heads of one group are neighbours, so this moves nothing. */
static pgd_value *by_group(pgd_graph *g, pgd_value *x, pgd_dim groups) {
    if (x == NULL) return NULL;
    pgd_dim per_group = x->shape.dims[1] / groups;
    return pgd_reshape(g, x, (pgd_symshape){4, {x->shape.dims[0], groups, pgd_dim_mul(g, per_group, x->shape.dims[2]), x->shape.dims[3]}});
}

/* [B,H,T,S] */
static pgd_value *scores(pgd_graph *g, const pgd_node *n) {
    pgd_value *q = n->inputs[0], *k = n->inputs[1];
    pgd_symshape full = {4, {q->shape.dims[0], q->shape.dims[2], q->shape.dims[1], k->shape.dims[1]}};
    pgd_value *s = pgd_reshape(g, pgd_matmul(g, by_group(g, swapped(g, q), k->shape.dims[2]), swapped(g, k), false, true), full);
    s = pgd_mul(g, s, pgd_scalar(g, q->dtype, n->attrs.floats[0]));
    return n->attrs.ints[HAS_MASK] != 0 ? pgd_add(g, s, n->inputs[n->input_count - 1 - (n->attrs.ints[HAS_START] != 0)]) : s;
}

/* Where query t sees key s: s < end(b, t). NULL: everywhere. */
static pgd_value *seen(pgd_graph *g, const pgd_node *n) {
    pgd_dim T = n->inputs[0]->shape.dims[1], S = n->inputs[1]->shape.dims[1];
    bool causal = n->attrs.ints[CAUSAL] != 0, has_start = n->attrs.ints[HAS_START] != 0;
    if (!causal && !has_start) return NULL;
    pgd_value *key = pgd_iota(g, PGD_I32, (pgd_symshape){4, {1, 1, 1, S}}, 3), *query = pgd_iota(g, PGD_I32, (pgd_symshape){4, {1, 1, T, 1}}, 2);
    pgd_value *rows = pgd_dim_size(g, PGD_I32, (pgd_symshape){1, {T}}), *keys = pgd_dim_size(g, PGD_I32, (pgd_symshape){1, {S}});
    pgd_value *start = has_start ? pgd_reshape(g, n->inputs[n->input_count - 1], (pgd_symshape){4, {n->inputs[0]->shape.dims[0], 1, 1, 1}}) : pgd_sub(g, keys, rows);
    return causal ? pgd_le(g, key, pgd_add(g, query, start)) : pgd_lt(g, key, pgd_add(g, start, rows));
}

static void expand(pgd_graph *g, const pgd_node *n, pgd_value **outputs) {
    pgd_value *s = scores(g, n), *where = seen(g, n), *v = n->inputs[2];
    if (s == NULL) return;
    if (where != NULL) s = pgd_where(g, where, s, pgd_scalar(g, s->dtype, -INFINITY));
    pgd_value *most = pgd_reduce_max(g, s, (int32_t[]){3}, 1);
    pgd_value *e = pgd_exp(g, pgd_sub(g, s, most)), *total = pgd_sum(g, e, (int32_t[]){3}, 1);
    pgd_value *y = pgd_matmul(g, by_group(g, pgd_div(g, e, total), v->shape.dims[2]), swapped(g, v), false, false);
    pgd_symshape by_head = s->shape;
    by_head.dims[3] = v->shape.dims[3];
    outputs[0] = swapped(g, pgd_reshape(g, y, by_head));
    outputs[1] = pgd_reshape(g, swapped(g, pgd_add(g, most, pgd_log(g, total))), n->outputs[1].shape);
}

/* ---- derivative: q, k, v, logsum, delta [B,T,H], dy, (mask), (start) -> dq, dk, dv -----------------------------------------------------------------
 * With weights p = exp(score - logsum), dp = dy.v and delta = sum dy y - dlogsum:  dscore = p (dp - delta). */

static pgd_status d_infer(pgd_graph *graph, const pgd_node *node, pgd_value *outputs) {
    PGD_TRY(check_heads(graph, node, 6));
    const pgd_value *q = node->inputs[0], *v = node->inputs[2], *dy = node->inputs[5];
    pgd_symshape y = q->shape;
    y.dims[3] = v->shape.dims[3];
    bool fits = pgd_symshape_equal(dy->shape, y) && dy->dtype == q->dtype;
    for (int32_t i = 3; i < 5; i++) fits = fits && pgd_symshape_equal(node->inputs[i]->shape, rows_of(q)) && node->inputs[i]->dtype == q->dtype;
    if (!fits) return pgd_fail(PGD_BAD_ARG, "attention_d: logsum and delta must be [B,T,H], dy [B,T,H,E]");
    for (int32_t i = 0; i < 3; i++) {
        outputs[i].dtype = q->dtype;
        outputs[i].shape = node->inputs[i]->shape;
    }
    return PGD_OK;
}

static void add(const pgd_tensor *t, int64_t at, double value) { pgd_tensor_set(t, at, pgd_tensor_get(t, at) + value); }

static void attend_d(const heads *h, const pgd_eval_args *a, int64_t b, int64_t head, int64_t t) {
    int64_t row = query_row(h, b, head, t), keys = visible(h, b, t);
    double log_sum = pgd_tensor_get(&a->inputs[3], row), delta = pgd_tensor_get(&a->inputs[4], row);
    for (int64_t s = 0; s < keys && log_sum != -INFINITY; s++) {
        int64_t key = key_row(h, b, head, s);
        double p = exp(score(h, b, head, t, s) - log_sum), ds = p * (dot(&a->inputs[5], row, h->v, key, h->E) - delta) * h->scale;
        for (int64_t d = 0; d < h->D; d++) {
            add(&a->outputs[0], row * h->D + d, ds * pgd_tensor_get(h->k, key * h->D + d));
            add(&a->outputs[1], key * h->D + d, ds * pgd_tensor_get(h->q, row * h->D + d));
        }
        for (int64_t e = 0; e < h->E; e++) add(&a->outputs[2], key * h->E + e, p * pgd_tensor_get(&a->inputs[5], row * h->E + e));
    }
}

static void d_eval(const pgd_eval_args *a) {
    heads h = read_heads(a, 6);
    for (int k = 0; k < 3; k++)
        for (int64_t i = 0, n = pgd_shape_elems(a->outputs[k].shape); i < n; i++) pgd_tensor_set(&a->outputs[k], i, 0);
    for (int64_t b = 0; b < h.B; b++)
        for (int64_t head = 0; head < h.H; head++)
            for (int64_t t = 0; t < h.T; t++) attend_d(&h, a, b, head, t);
}

static void grad(pgd_graph *g, const pgd_node *n, pgd_value *const *dy, pgd_value **dx) {
    pgd_value *y = (pgd_value *)&n->outputs[0], *log_sum = (pgd_value *)&n->outputs[1];
    pgd_value *d = dy[0] != NULL ? dy[0] : pgd_fill(g, y->dtype, y->shape, 0);
    pgd_value *delta = pgd_reshape(g, pgd_sum(g, pgd_mul(g, d, y), (int32_t[]){3}, 1), log_sum->shape);
    if (dy[1] != NULL) delta = pgd_sub(g, delta, dy[1]);
    pgd_value *in[8] = {n->inputs[0], n->inputs[1], n->inputs[2], log_sum, delta, d};
    for (int32_t i = 3; i < n->input_count; i++) in[i + 3] = n->inputs[i];
    pgd_node *node = pgd_graph_add(g, PGD_OP_ATTENTION_D, &n->attrs, in, n->input_count + 3);
    for (int32_t i = 0; node != NULL && i < 3; i++) dx[i] = &node->outputs[i];
    if (n->attrs.ints[HAS_MASK] != 0) dx[3] = PGD_NO_GRADIENT;
}

/* Two products of all queries with all keys, five in the derivative; causal attention skips half of square ones, which is not counted. */
static double flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) {
    return 2.0 * (double)in[0].dims[0] * (double)in[0].dims[1] * (double)in[0].dims[2] * (double)in[1].dims[1] * (double)(in[0].dims[3] + in[2].dims[3]);
}
static double d_flops(const pgd_attrs *attrs, const pgd_shape *in, const pgd_shape *out) { return 2.5 * flops(attrs, in, out); }

const pgd_op_def pgd_def_attention = {.int_names = "causal has_mask has_start", .float_names = "scale", .infer = infer, .eval = eval, .grad = grad, .expand = expand, .flops = flops};
const pgd_op_def pgd_def_attention_d = {.int_names = "causal has_mask has_start", .float_names = "scale", .infer = d_infer, .eval = d_eval, .flops = d_flops};
