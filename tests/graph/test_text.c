/* SPDX-License-Identifier: Apache-2.0
 * The text of a graph reads back to the same text, whatever operations are in it; broken text is refused with its place. */
#include <graph_share.h>
#include <math.h>

#include "check.h"

#define D(...) (pgd_symshape) { sizeof((pgd_dim[]){__VA_ARGS__}) / sizeof(pgd_dim), { __VA_ARGS__ } }

/* Uses every operation there is but PROGRAM, with symbols wherever they may stand. */
static pgd_graph *everything(void) {
    pgd_graph *g;
    ok(pgd_graph_create(&g));
    pgd_dim N = pgd_graph_symbol(g, "N", 1, 64), H = pgd_graph_symbol(g, "H_2", 6, 90);
    pgd_value *x = pgd_input(g, "the input", PGD_F32, D(N, 2, H, 6)), *w = pgd_param(g, "conv.weight", PGD_F32, D(4, 2, 3, 3)), *flat = pgd_input(g, "flat", PGD_F32, D(N, 8)), *d[3];
    pgd_value *labels = pgd_input(g, "labels", PGD_I32, D(N)), *key = pgd_param(g, "key", PGD_I64, D(2)), *sum = pgd_abs(g, flat), *mean, *variance;
    pgd_value *same[2] = {sum, pgd_constant(g, PGD_F32, pgd_shape_of(1, 8), (float[]){0.1f, -0.0f, 1e-42f, 3e38f, 1.0f / 3, INFINITY, -INFINITY, NAN})};
#define X(NAME, name) \
    if (PGD_OP_##NAME != PGD_OP_NOT && PGD_OP_##NAME != PGD_OP_ISNAN && PGD_OP_##NAME != PGD_OP_ISINF) sum = pgd_add(g, sum, pgd_##name(g, flat));
    PGD_UNARY_LIST(X)
#undef X
    pgd_value *flag = pgd_or(g, pgd_and(g, pgd_lt(g, flat, sum), pgd_not(g, pgd_eq(g, flat, sum))), pgd_le(g, flat, same[1]));
    flag = pgd_xor(g, flag, pgd_and(g, pgd_isnan(g, flat), pgd_isinf(g, pgd_mod(g, flat, same[1]))));
    sum = pgd_where(g, flag, pgd_min(g, pgd_sub(g, sum, flat), pgd_max(g, sum, pgd_div(g, flat, sum))), pgd_pow(g, pgd_mul(g, sum, flat), same[1]));
    sum = pgd_add(g, sum, pgd_cast(g, pgd_iota(g, PGD_I32, D(N, 8), 1), PGD_F32));
    sum = pgd_add(g, pgd_uniform(g, key, D(N, 8)), pgd_mul(g, sum, pgd_normal(g, key, D(N, 8))));
    sum = pgd_div(g, sum, pgd_dim_size(g, PGD_F32, D(N, H)));
    sum = pgd_add(g, pgd_reduce_max(g, sum, (int32_t[]){1}, 1), pgd_mul(g, pgd_reduce_min(g, sum, (int32_t[]){0}, 1), pgd_mean(g, sum, (int32_t[]){0}, 1)));
    sum = pgd_add(g, pgd_cumsum(g, sum, 1, true, false), pgd_mul(g, pgd_cumprod(g, sum, 1, false, true), pgd_prod(g, sum, (int32_t[]){1}, 1)));
    pgd_value *best, *at, *where = pgd_constant(g, PGD_I32, pgd_shape_of(2, 2, 1), (int32_t[]){1, 0});
    best = pgd_reverse(g, pgd_topk(g, sum, 3, true, &at), (int32_t[]){1}, 1);
    sum = pgd_scatter_elements(g, sum, at, pgd_add(g, best, pgd_gather_elements(g, sum, at, 1)), 1, PGD_SCATTER_ADD);
    sum = pgd_scatter_nd(g, sum, where, pgd_gather_nd(g, sum, where), PGD_SCATTER_SET);
    pgd_value *y = pgd_conv(g, x, w, NULL), *pooled = pgd_add(g, pgd_max_pool(g, y, NULL), pgd_avg_pool(g, y, NULL));
    y = pgd_batch_norm(g, pooled, pgd_param(g, "gamma", PGD_F32, D(4)), pgd_param(g, "beta", PGD_F32, D(4)), 1e-5, &mean, &variance);
    y = pgd_resize(g, y, pgd_dim_mul(g, 2, y->shape.dims[2]), 5, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL);
    y = pgd_slice(g, pgd_pad(g, pgd_transpose(g, y, (int32_t[]){0, 1, 3, 2}), 1, 1, 2, -0.5), 1, 2, 3);
    y = pgd_mul(g, pgd_concat(g, (pgd_value *[]){y, y}, 2, 0), pgd_scalar(g, PGD_F32, 0.3));
    pgd_moments(g, y, (int32_t[]){0, 2, 3}, 3, &mean, &variance);
    pgd_value *logits = pgd_matmul(g, sum, pgd_param(g, "weight", PGD_F32, D(5, 8)), false, true);
    pgd_value *loss = pgd_add(g, pgd_mean(g, pgd_softmax_xent(g, logits, labels, 0.1), (int32_t[]){0}, 1), pgd_reshape(g, pgd_sum(g, variance, (int32_t[]){0, 1, 2, 3}, 4), D(1)));
    pgd_value *rows = pgd_layer_norm(g, pgd_rms_norm(g, flat, same[1], 1e-5), same[1], same[1], 1e-5), *part = pgd_slice(g, rows, 1, 3, 2);
    rows = pgd_gather(g, pgd_update_slice(g, rows, part, pgd_scalar(g, PGD_I32, 1), 1), pgd_constant(g, PGD_I32, pgd_shape_of(1, 8), (int32_t[]){0, 1, 2, 3, 3, -1, 9, 7}), 1);
    pgd_value *zero = pgd_fill(g, PGD_F32, D(3, 2), 0), *w8 = pgd_fill(g, PGD_F32, D(8, 2), 0.5), *w6 = pgd_fill(g, PGD_F32, D(6, 2), 0.25), *b6 = pgd_fill(g, PGD_F32, D(6), 1);
    pgd_value *steps = pgd_lstm(g, pgd_broadcast(g, pgd_reshape(g, flat, D(N, 1, 8)), D(N, 3, 8)), w8, zero, zero, NULL);
    steps = pgd_gru(g, pgd_concat(g, (pgd_value *[]){steps, steps, steps}, 3, 2), w6, b6, zero);
    loss = pgd_add(g, loss, pgd_reshape(g, pgd_sum(g, steps, (int32_t[]){0, 1, 2}, 3), D(1)));
    pgd_value *heads = pgd_reshape(g, rows, D(1, N, 2, 4)), *seen = pgd_constant(g, PGD_BOOL, pgd_shape_of(4, 1, 1, 1, 1), (uint8_t[]){1});
    heads = pgd_rope(g, heads, NULL, 10000);
    pgd_attention_options attention = {sizeof attention, .causal = true, .start = pgd_constant(g, PGD_I32, pgd_shape_of(1, 1), (int32_t[]){0}), .mask = pgd_broadcast(g, seen, D(1, 1, 1, N))};
    loss = pgd_add(g, loss, pgd_reshape(g, pgd_sum(g, pgd_attention(g, heads, heads, heads, &attention), (int32_t[]){0, 1, 2, 3}, 4), D(1)));
    pgd_recompute_begin(g);
    loss = pgd_add(g, loss, pgd_reshape(g, pgd_sum(g, pgd_exp(g, pgd_neg(g, flat)), (int32_t[]){0, 1}, 2), D(1)));
    pgd_recompute_end(g);
    ok(pgd_gradients(g, loss, (pgd_value *[]){w, x, flat}, 3, d)); /* the dedicated derivatives */
    pgd_output(g, "loss", loss);
    pgd_output(g, "softmax", pgd_softmax(g, pgd_log_softmax(g, logits)));
    pgd_output(g, "class", pgd_sub(g, pgd_argmax(g, logits, 1), pgd_argmin(g, logits, 1)));
    pgd_output(g, "dx", d[1]);
    pgd_output(g, "dflat", d[2]);
    pgd_output(g, "whole numbers", pgd_constant(g, PGD_I64, pgd_shape_of(1, 3), (int64_t[]){INT64_MAX, INT64_MIN, -1}));
    pgd_output(g, "bytes", pgd_constant(g, PGD_U8, pgd_shape_of(2, 1, 3), (uint8_t[]){0, 255, 7}));
    pgd_output(g, "nothing", pgd_constant(g, PGD_F64, pgd_shape_of(1, 0), ""));
    pgd_output(g, "avg", pgd_graph_op(g, PGD_OP_AVG_POOL_D, &(pgd_attrs){.ints = {2, 2, 2, 2}, .dims = D(1, 1, 4, 4)}, (pgd_value *[]){pgd_fill(g, PGD_F32, D(1, 1, 2, 2), 1)}, 1));
    pgd_update(g, "conv.weight", pgd_sub(g, w, d[0]));
    pgd_update(g, "key", pgd_add(g, key, pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){0, 1})));
    ok(pgd_graph_status(g));
    return g;
}

static void every_operation_reads_back_to_the_same_text(void **unused) {
    pgd_graph *g = everything(), *again;
    char *first, *second;
    bool seen[PGD_OP_COUNT] = {false};
    for (int32_t i = 0; i < g->node_count; i++) seen[g->nodes[i]->op] = true;
    for (int32_t op = 0; op < PGD_OP_COUNT; op++) check(seen[op] || op >= PGD_OP_PROGRAM, "the graph of this test lacks %s", pgd_op_name((pgd_op)op));
    ok(pgd_graph_print(g, &first));
    ok(pgd_graph_parse(first, strlen(first), &again));
    ok(pgd_graph_verify(again));
    ok(pgd_graph_print(again, &second));
    assert_string_equal(first, second);
    assert_int_equal(again->random_streams, g->random_streams);
    for (int32_t i = 0; i < g->node_count; i++) {
        const pgd_node *a = g->nodes[i], *b = again->nodes[i];
        assert_true(a->op == b->op && a->input_count == b->input_count && memcmp(a->attrs.floats, b->attrs.floats, sizeof a->attrs.floats) == 0);
        int64_t elems = 1;
        for (int32_t k = 0; a->op == PGD_OP_CONSTANT && k < a->outputs[0].shape.rank; k++) elems *= a->outputs[0].shape.dims[k];
        if (a->op != PGD_OP_CONSTANT || elems == 0) continue;
        for (int64_t e = 0; e < elems; e++) { /* NaN may change its sign bit, nothing else anything */
            pgd_tensor ta = {a->outputs[0].dtype, {1, {elems}}, (void *)(uintptr_t)a->bytes}, tb = {b->outputs[0].dtype, {1, {elems}}, (void *)(uintptr_t)b->bytes};
            double va = pgd_tensor_get(&ta, e), vb = pgd_tensor_get(&tb, e);
            assert_true((va == vb && signbit(va) == signbit(vb)) || (va != va && vb != vb));
        }
    }
    pgd_text_free(first);
    pgd_text_free(second);
    pgd_graph_destroy(g);
    pgd_graph_destroy(again);
}

static void deep_symbolic_extents_read_back(void **unused) {
    pgd_graph *g, *again;
    char *first, *second;
    ok(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F32, D(1, 1, pgd_graph_symbol(g, "H", 4096, 8192), 4096));
    for (int i = 0; i < 8; i++) x = pgd_max_pool(g, pgd_pad(g, x, 2, 1, 0, 0), NULL);
    pgd_output(g, "y", x);
    ok(pgd_graph_print(g, &first));
    ok(pgd_graph_parse(first, strlen(first), &again));
    ok(pgd_graph_print(again, &second));
    assert_string_equal(first, second);
    pgd_text_free(first);
    pgd_text_free(second);
    pgd_graph_destroy(g);
    pgd_graph_destroy(again);
}

#define HEAD "pagoda graph 1\n"
static void broken_text_is_refused_with_its_place(void **unused) {
    static const struct {
        const char *text, *sentence;
    } wrong[] = {
        {"", "line 1, column 1"},
        {"pagoda graph 2\n", "line 1, column 1: \"pagoda graph 1\" was expected"},
        {HEAD "%0 = frobnicate : f32[1]\n", "line 2, column 16: no such operation"},
        {HEAD "%0 = program : f32[1]\n", "no such operation"},
        {HEAD "%1 = input \"x\" : f32[1]\n", "values are numbered in order"},
        {HEAD "%0 = input x : f32[1]\n", "line 2, column 12: a quoted name and a type were expected"},
        {HEAD "%0 = input \"x\" : f33[1]\n", "a quoted name and a type"},
        {HEAD "%0 = input \"x\" : f32[N]\n", "a quoted name and a type"},
        {HEAD "%0 = input \"x\" : f32[1,2,3,4,5,6,7]\n", "a quoted name and a type"},
        {HEAD "%0 = input \"x\" : f32[-1]\n", "a quoted name and a type"},
        {HEAD "%0 = input \"x\" : f32[1] rest\n", "the end of the line was expected"},
        {HEAD "%0 = input \"x\" : f32[2]\n%1 = neg %0 : f32[3]\n", "line 3, column 21: the type is not what the operation gives"},
        {HEAD "%0 = input \"x\" : f32[2]\n%1 = neg %1 : f32[2]\n", "no such value"},
        {HEAD "%0 = input \"x\" : f32[2]\n%1 = sum %0 : f32[1]\n", "the operation's options were expected"},
        {HEAD "%0 = input \"x\" : f32[2]\n%1 = sum %0 {axis=1} : f32[1]\n", "the operation's options were expected"},
        {HEAD "%0 = input \"x\" : f32[2]\n%1, %2 = neg %0 : f32[2]\n", "fewer results"},
        {HEAD "%0 = constant (0x1p+0 0x1p+0) : f32[3]\n", "numbers"},
        {HEAD "%0 = constant (0x1p+0 0x1p+0) : f32[1]\n", "the constant's numbers do not match its shape"},
        {HEAD "%0 = constant (one) : f32[1]\n", "the constant's numbers do not match"},
        {HEAD "%0 = constant (1) : f32[99999999999]\n", "fewer numbers"},
        {HEAD "symbol N 1\n", "symbol NAME LO HI was expected"},
        {HEAD "output \"y\" %0\n", "a quoted name and a value were expected"},
        {HEAD "output \"y %0\n", "a quoted name and a value"},
        {HEAD "nonsense\n", "line 2"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        pgd_graph *g;
        fails(PGD_CORRUPT, wrong[i].sentence, pgd_graph_parse(wrong[i].text, strlen(wrong[i].text), &g));
        assert_null(g);
    }
}

static void what_no_builder_would_make_is_refused_with_the_builders_sentence(void **unused) {
    pgd_graph *g;
    static const char symbol[] = HEAD "symbol N 5 1\n", dtypes[] = HEAD "%0 = input \"x\" : f32[2]\n%1 = input \"i\" : i32[2]\n%2 = add %0 %1 : f32[2]\n", twice[] = HEAD "%0 = input \"x\" : f32[2]\noutput \"y\" %0\noutput \"y\" %0\n";
    fails(PGD_BAD_ARG, "range 5 to 1", pgd_graph_parse(symbol, sizeof symbol - 1, &g));
    fails(PGD_BAD_ARG, "dtypes f32 and i32 differ", pgd_graph_parse(dtypes, sizeof dtypes - 1, &g));
    fails(PGD_BAD_ARG, "exists already", pgd_graph_parse(twice, sizeof twice - 1, &g));
}

/* Cut off anywhere, or with any byte changed, the text is read or refused, and nothing beyond its end is looked at. */
static void damaged_text_never_breaks_the_reader(void **unused) {
    pgd_graph *g = everything(), *again;
    char *text;
    dice d = {1};
    int64_t refused = 0;
    ok(pgd_graph_print(g, &text));
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i += 1 + (size_t)roll_below(&d, 9)) {
        char *cut = malloc(i + 1), *changed = malloc(count);
        memcpy(cut, text, i);
        memcpy(changed, text, count);
        changed[i] = (char)(roll_below(&d, 3) == 0 ? roll(&d) : (uint64_t)"0123456789%\"[](){}=-,\n NHfx"[roll_below(&d, 27)]);
        for (int k = 0; k < 2; k++) {
            pgd_status status = pgd_graph_parse(k == 0 ? cut : changed, k == 0 ? i : count, &again);
            assert_true((status == PGD_OK) == (again != NULL));
            assert_true(status == PGD_OK || pgd_error_text()[0] != '\0');
            if (status == PGD_OK) ok(pgd_graph_verify(again));
            refused += status != PGD_OK;
            pgd_graph_destroy(again);
        }
        free(cut);
        free(changed);
    }
    assert_true(refused > 1000);
    pgd_text_free(text);
    pgd_graph_destroy(g);
}

static void a_broken_graph_is_not_printed(void **unused) {
    pgd_graph *g;
    char *text;
    ok(pgd_graph_create(&g));
    pgd_input(g, "", PGD_F32, D(1));
    fails(PGD_BAD_ARG, "a name", pgd_graph_print(g, &text));
    assert_null(text);
    pgd_graph_destroy(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_operation_reads_back_to_the_same_text), cmocka_unit_test(deep_symbolic_extents_read_back), cmocka_unit_test(broken_text_is_refused_with_its_place),
                                       cmocka_unit_test(what_no_builder_would_make_is_refused_with_the_builders_sentence), cmocka_unit_test(damaged_text_never_breaks_the_reader), cmocka_unit_test(a_broken_graph_is_not_printed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
