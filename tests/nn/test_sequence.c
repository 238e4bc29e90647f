/* SPDX-License-Identifier: Apache-2.0
 * Layers of sequences: names as PyTorch's, and generation with a cache gives what the whole sequence gives at once. */
#include <pagoda/nn.h>

#include "check.h"

enum { VOCABULARY = 11, FEATURES = 12, LENGTH = 9, BATCH = 2 };

static pgd_layer *attention(int32_t heads, int32_t groups) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    o.causal = true;
    o.groups = groups;
    return pgd_layer_attention(FEATURES, heads, &o);
}

/* A small GPT whose blocks are named as PyTorch's TransformerEncoderLayer. */
static pgd_layer *transformer(int32_t groups) {
    pgd_layer *block[] = {
        pgd_layer_named("", pgd_layer_skip(pgd_layer_named("", pgd_layer_sequential((pgd_layer *[]){pgd_layer_named("norm1", pgd_layer_layer_norm(FEATURES, 1e-5)), pgd_layer_named("self_attn", attention(4, groups))}, 2)))),
        pgd_layer_named("", pgd_layer_skip(pgd_layer_named("", pgd_layer_sequential((pgd_layer *[]){pgd_layer_named("norm2", pgd_layer_rms_norm(FEATURES, 1e-6)), pgd_layer_named("linear1", pgd_layer_linear(FEATURES, 20, true)),
                                                                                                   pgd_layer_gelu(), pgd_layer_silu(), pgd_layer_named("linear2", pgd_layer_linear(20, FEATURES, true))}, 5))))};
    pgd_layer *layers[] = {pgd_layer_named("tokens", pgd_layer_embedding(VOCABULARY, FEATURES)), pgd_layer_named("positions", pgd_layer_positions(LENGTH, FEATURES)),
                           pgd_layer_named("block", pgd_layer_sequential(block, 2)), pgd_layer_named("head", pgd_layer_linear(FEATURES, VOCABULARY, false))};
    pgd_layer *layer = pgd_layer_sequential(layers, 4);
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
    for (int32_t groups = 1; groups <= 4; groups *= 2) {
        pgd_state *state;
        pgd_layer *layer = transformer(groups);
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
    pgd_layer *inner = pgd_layer_relu(), *outer = pgd_layer_sequential(&inner, 1);
    assert_null(pgd_layer_named("late", inner));
    assert_non_null(strstr(pgd_error_text(), "in a container already"));
    pgd_layer_destroy(outer);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_have_the_names_given), cmocka_unit_test(a_sequence_in_pieces_gives_what_it_gives_at_once), cmocka_unit_test(what_makes_no_layer_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
