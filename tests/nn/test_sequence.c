/* SPDX-License-Identifier: Apache-2.0
 * Layers of sequences: names as PyTorch's, and generation with a cache gives what the whole sequence gives at once. */
#include <pagoda/nn.h>

#include "check.h"

enum { VOCABULARY = 11, FEATURES = 12, LENGTH = 9, BATCH = 2 };

static pgd_layer *attention(int32_t heads, int32_t groups, double rope_base) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    o.causal = true;
    o.groups = groups;
    o.rope_base = rope_base;
    o.head_features = rope_base > 0 ? 4 : 0;
    return pgd_layer_attention(FEATURES, heads, &o);
}

/* A small GPT whose blocks are named as PyTorch's TransformerEncoderLayer. */
static pgd_layer *transformer(int32_t groups) {
    pgd_layer *block[] = {
        pgd_layer_named("", pgd_layer_skip(pgd_layer_named("", pgd_layer_sequential((pgd_layer *[]){pgd_layer_named("norm1", pgd_layer_layer_norm(FEATURES, 1e-5)), pgd_layer_named("self_attn", attention(4, groups, 0))}, 2)))),
        pgd_layer_named("", pgd_layer_skip(pgd_layer_named("", pgd_layer_sequential((pgd_layer *[]){pgd_layer_named("norm2", pgd_layer_rms_norm(FEATURES, 1e-6)), pgd_layer_named("linear1", pgd_layer_linear(FEATURES, 20, true)),
                                                                                                   pgd_layer_gelu(), pgd_layer_silu(), pgd_layer_named("linear2", pgd_layer_linear(20, FEATURES, true))}, 5))))};
    pgd_layer *layers[] = {pgd_layer_named("tokens", pgd_layer_embedding(VOCABULARY, FEATURES)), pgd_layer_named("positions", pgd_layer_positions(LENGTH, FEATURES)),
                           pgd_layer_named("block", pgd_layer_sequential(block, 2)), pgd_layer_named("head", pgd_layer_linear(FEATURES, VOCABULARY, false))};
    pgd_layer *layer = pgd_layer_sequential(layers, 4);
    check(layer != NULL, "%s", pgd_error_text());
    return layer;
}

/* A stack of everything that remembers by other means than positions of its own. */
static pgd_layer *recurrent(void) {
    pgd_layer_recurrent_options o;
    pgd_layer_recurrent_options_init(&o, sizeof o);
    o.levels = 2;
    pgd_layer *layers[] = {pgd_layer_embedding(VOCABULARY, FEATURES), pgd_layer_named("lstm", pgd_layer_lstm(FEATURES, 7, &o)), pgd_layer_named("gru", pgd_layer_gru(7, FEATURES, NULL)),
                           pgd_layer_skip(attention(2, 1, 10000)), pgd_layer_linear(FEATURES, VOCABULARY, false)};
    pgd_layer *layer = pgd_layer_sequential(layers, 5);
    check(layer != NULL, "%s", pgd_error_text());
    return layer;
}

static pgd_status collect(void *user, const pgd_parameter *p) {
    char *names = user;
    strcat(strcat(names, p->name), " ");
    return PGD_OK;
}

static void tensors_have_the_names_given(void **unused) {
    char names[1024] = "";
    pgd_layer *layer = transformer(4);
    ok(pgd_layer_each(layer, "", collect, names));
    assert_string_equal(names, "tokens.weight positions.weight block.norm1.weight block.norm1.bias block.self_attn.in_proj_weight block.self_attn.in_proj_bias block.self_attn.out_proj.weight "
                               "block.self_attn.out_proj.bias block.norm2.weight block.linear1.weight block.linear1.bias block.linear2.weight block.linear2.bias head.weight ");
    pgd_layer_destroy(layer);
}

static void recurrent_tensors_have_the_names_of_pytorch(void **unused) {
    char names[1024] = "";
    pgd_layer_recurrent_options o;
    pgd_layer_recurrent_options_init(&o, sizeof o);
    o.levels = 2, o.both_ways = true;
    pgd_layer *layer = pgd_layer_lstm(3, 5, &o);
    ok(pgd_layer_each(layer, "", collect, names));
    assert_string_equal(names, "weight_ih_l0 weight_hh_l0 bias_ih_l0 bias_hh_l0 weight_ih_l0_reverse weight_hh_l0_reverse bias_ih_l0_reverse bias_hh_l0_reverse "
                               "weight_ih_l1 weight_hh_l1 bias_ih_l1 bias_hh_l1 weight_ih_l1_reverse weight_hh_l1_reverse bias_ih_l1_reverse bias_hh_l1_reverse ");
    pgd_layer_destroy(layer);
}

/* The second reader sees what the first would see, were the sequence turned round and its weights those of the second. */
static void reading_both_ways_is_reading_twice(void **unused) {
    enum { IN = 3, HIDDEN = 4 };
    static const char *tensors[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh"};
    float x[BATCH * LENGTH * IN], turned[BATCH * LENGTH * IN], both[BATCH * LENGTH * 2 * HIDDEN], one[BATCH * LENGTH * HIDDEN], content[4 * HIDDEN * HIDDEN];
    pgd_layer *(*makers[])(int64_t, int64_t, const pgd_layer_recurrent_options *) = {pgd_layer_lstm, pgd_layer_gru};
    pgd_device *device;
    ok(pgd_device_open("cpu", NULL, &device));
    for (int i = 0; i < BATCH * LENGTH * IN; i++) x[i] = (float)(i * 37 % 19) / 10 - 0.9f;
    for (int b = 0; b < BATCH; b++)
        for (int t = 0; t < LENGTH; t++) memcpy(turned + (b * LENGTH + LENGTH - 1 - t) * IN, x + (b * LENGTH + t) * IN, IN * sizeof *x);
    for (int kind = 0; kind < 2; kind++) {
        int64_t gates = kind == 0 ? 4 : 3;
        const pgd_shape shapes[] = {{2, {gates * HIDDEN, IN}}, {2, {gates * HIDDEN, HIDDEN}}, {1, {gates * HIDDEN}}, {1, {gates * HIDDEN}}};
        pgd_layer_recurrent_options o;
        pgd_layer_recurrent_options_init(&o, sizeof o);
        o.both_ways = true;
        pgd_layer *layers[] = {makers[kind](IN, HIDDEN, &o), makers[kind](IN, HIDDEN, NULL)};
        pgd_state *states[2];
        for (int i = 0; i < 2; i++) {
            ok(pgd_state_create(device, &states[i]));
            ok(pgd_layer_init(layers[i], "", 3, states[i], NULL));
        }
        for (int i = 0; i < 4; i++) {
            char name[64], reverse[64];
            snprintf(name, sizeof name, "%s_l0", tensors[i]);
            snprintf(reverse, sizeof reverse, "%s_l0_reverse", tensors[i]);
            uint64_t bytes = (uint64_t)pgd_shape_elems(shapes[i]) * sizeof(float);
            ok(pgd_state_get(states[0], reverse, content, bytes));
            ok(pgd_state_set(states[1], name, PGD_F32, shapes[i], content));
        }
        for (int i = 0; i < 2; i++) {
            pgd_graph *g;
            pgd_plan *plan;
            pgd_run *run;
            ok(pgd_graph_create(&g));
            pgd_output(g, "y", pgd_layer_forward(layers[i], g, pgd_input(g, "x", PGD_F32, pgd_symshape_of(3, BATCH, LENGTH, IN)), false, ""));
            ok(pgd_plan_compile(device, g, NULL, &plan));
            ok(pgd_run_create(plan, states[i], &run));
            ok(pgd_run_set(run, "x", pgd_shape_of(3, BATCH, LENGTH, IN), i == 0 ? x : turned));
            ok(pgd_run_execute(run));
            ok(pgd_run_get(run, "y", i == 0 ? both : one, i == 0 ? sizeof both : sizeof one));
            pgd_run_destroy(run), pgd_plan_destroy(plan), pgd_graph_destroy(g);
        }
        for (int b = 0; b < BATCH; b++)
            for (int t = 0; t < LENGTH; t++)
                for (int h = 0; h < HIDDEN; h++) {
                    float got = both[(b * LENGTH + t) * 2 * HIDDEN + HIDDEN + h], want = one[(b * LENGTH + LENGTH - 1 - t) * HIDDEN + h];
                    check(got == want && got != 0, "%s, position %d, unit %d: %g, not %g", kind == 0 ? "lstm" : "gru", t, h, (double)got, (double)want);
                }
        for (int i = 0; i < 2; i++) pgd_state_destroy(states[i]), pgd_layer_destroy(layers[i]);
    }
    pgd_device_close(device);
}

static void run_whole(pgd_device *device, pgd_state *state, const pgd_layer *layer, const int32_t *symbols, float *logits) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    ok(pgd_graph_create(&g));
    pgd_output(g, "logits", pgd_layer_forward(layer, g, pgd_input(g, "symbols", PGD_I32, pgd_symshape_of(2, BATCH, LENGTH)), false, ""));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, state, &run));
    ok(pgd_run_set(run, "symbols", pgd_shape_of(2, BATCH, LENGTH), symbols));
    ok(pgd_run_execute(run));
    ok(pgd_run_get(run, "logits", logits, BATCH * LENGTH * VOCABULARY * sizeof *logits));
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void run_pieces(pgd_run *run, const int32_t *symbols, const float *whole, const int64_t *pieces) {
    for (int32_t first = 0, i = 0; first < LENGTH; first += (int32_t)pieces[i++]) {
        int32_t part[BATCH * LENGTH];
        float logits[BATCH * LENGTH * VOCABULARY];
        int64_t n = pieces[i];
        for (int b = 0; b < BATCH; b++) memcpy(part + b * n, symbols + b * LENGTH + first, (size_t)n * sizeof *part);
        ok(pgd_run_set(run, "symbols", pgd_shape_of(2, BATCH, n), part));
        ok(pgd_run_set(run, "start", (pgd_shape){0}, &first));
        ok(pgd_run_execute(run));
        ok(pgd_run_get(run, "logits", logits, (uint64_t)(BATCH * n * VOCABULARY) * sizeof *logits));
        for (int b = 0; b < BATCH; b++)
            for (int64_t t = 0; t < n; t++)
                for (int c = 0; c < VOCABULARY; c++) {
                    double got = (double)logits[(b * n + t) * VOCABULARY + c], want = (double)whole[(b * LENGTH + first + t) * VOCABULARY + c];
                    check(got - want < 1e-5 && want - got < 1e-5, "sequence %d, position %lld, symbol %d: %g in pieces, %g at once", b, (long long)(first + t), c, got, want);
                }
    }
}

/* Pieces of these lengths, one plan for all. */
static void compare_pieces(pgd_device *device, pgd_state *state, const pgd_layer *layer, const int32_t *symbols, const float *whole, const int64_t *pieces) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    ok(pgd_graph_create(&g));
    pgd_dim T = pgd_graph_symbol(g, "T", 1, LENGTH);
    pgd_value *x = pgd_input(g, "symbols", PGD_I32, pgd_symshape_of(2, BATCH, T)), *start = pgd_input(g, "start", PGD_I32, (pgd_symshape){0});
    pgd_output(g, "logits", pgd_layer_continue(layer, g, x, start, LENGTH, ""));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_layer_cache(layer, "", BATCH, LENGTH, state));
    ok(pgd_run_create(plan, state, &run));
    for (int again = 0; again < 2; again++) run_pieces(run, symbols, whole, pieces); /* the second time the caches hold another sequence */
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

static void a_sequence_in_pieces_gives_what_it_gives_at_once(void **unused) {
    static const int64_t pieces[][LENGTH] = {{1, 1, 1, 1, 1, 1, 1, 1, 1}, {4, 1, 3, 1}, {9}};
    static const int32_t symbols[BATCH * LENGTH] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 2, 7, 1, 8, 2, 8, 1, 8, 10};
    float whole[BATCH * LENGTH * VOCABULARY];
    pgd_device *device;
    ok(pgd_device_open("cpu", NULL, &device));
    for (int32_t kind = 0; kind < 4; kind++) {
        pgd_state *state;
        pgd_layer *layer = kind < 3 ? transformer(1 << kind) : recurrent();
        ok(pgd_state_create(device, &state));
        ok(pgd_layer_init(layer, "", 5, state, NULL));
        run_whole(device, state, layer, symbols, whole);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) compare_pieces(device, state, layer, symbols, whole, pieces[i]);
        pgd_state_destroy(state);
        pgd_layer_destroy(layer);
    }
    pgd_device_close(device);
}

static void what_makes_no_layer_is_refused(void **unused) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    assert_null(pgd_layer_attention(10, 3, &o));
    assert_non_null(strstr(pgd_error_text(), "heads must divide"));
    o.groups = 2;
    assert_null(pgd_layer_attention(12, 3, &o));
    assert_null(pgd_layer_embedding(0, 4));
    assert_null(pgd_layer_positions(4, 0));
    assert_null(pgd_layer_group_norm(3, 8, 1e-5));
    assert_null(pgd_layer_named(NULL, pgd_layer_relu()));
    assert_null(pgd_layer_named("x", NULL));
    assert_null(pgd_layer_lstm(0, 4, NULL));
    assert_null(pgd_layer_gru(4, 4, &(pgd_layer_recurrent_options){.struct_bytes = sizeof(pgd_layer_recurrent_options)}));
    assert_non_null(strstr(pgd_error_text(), "0 levels"));
    assert_null(attention(4, 4, -1));
    assert_non_null(strstr(pgd_error_text(), "rope_base -1"));
    pgd_layer *inner = pgd_layer_relu(), *outer = pgd_layer_sequential(&inner, 1);
    assert_null(pgd_layer_named("late", inner));
    assert_non_null(strstr(pgd_error_text(), "in a container already"));
    pgd_layer_destroy(outer);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_have_the_names_given), cmocka_unit_test(recurrent_tensors_have_the_names_of_pytorch), cmocka_unit_test(reading_both_ways_is_reading_twice), cmocka_unit_test(a_sequence_in_pieces_gives_what_it_gives_at_once), cmocka_unit_test(what_makes_no_layer_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
