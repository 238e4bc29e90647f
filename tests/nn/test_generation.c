/* SPDX-License-Identifier: Apache-2.0
 * Generation with a cache: after a prompt and one more symbol nothing is compiled and nothing allocated, however many symbols follow. */
#include <stdatomic.h>
#include <pagoda/nn.h>

#include "check.h"

enum { VOCABULARY = 17, FEATURES = 16, CONTEXT = 64, PROMPT = 5, SYMBOLS = 512 };

static atomic_long allocations;

static void *resize(void *user, void *pointer, size_t old_bytes, size_t new_bytes, size_t alignment) {
    void *fresh = NULL;
    if (new_bytes > 0) {
        atomic_fetch_add(&allocations, 1);
        if (posix_memalign(&fresh, alignment, new_bytes) != 0) return NULL;
        if (pointer != NULL) memcpy(fresh, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
    }
    free(pointer);
    return fresh;
}

static pgd_layer *gpt(void) {
    pgd_layer_attention_options o;
    pgd_layer_attention_options_init(&o, sizeof o);
    o.causal = true;
    pgd_layer *attention[] = {pgd_layer_layer_norm(FEATURES, 1e-5), pgd_layer_attention(FEATURES, 4, &o)};
    pgd_layer *layers[] = {pgd_layer_embedding(VOCABULARY, FEATURES), pgd_layer_positions(CONTEXT, FEATURES), pgd_layer_skip(pgd_layer_sequential(attention, 2)),
                           pgd_layer_lstm(FEATURES, FEATURES, NULL), pgd_layer_linear(FEATURES, VOCABULARY, false)};
    return pgd_layer_sequential(layers, 5);
}

static int32_t best_of(const float *logits) {
    int32_t best = 0;
    for (int32_t i = 1; i < VOCABULARY; i++) best = logits[i] > logits[best] ? i : best;
    return best;
}

static void nothing_is_compiled_or_allocated_on_the_way(void **unused) {
    pgd_device *device;
    pgd_state *state;
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    pgd_layer *layer = gpt();
    int32_t symbols[PROMPT] = {3, 1, 4, 1, 5}, changes = 0, before = -1;
    static float logits[PROMPT * VOCABULARY];
    long settled = 0;
    check(layer != NULL, "%s", pgd_error_text());
    ok(pgd_device_open("cpu", NULL, &device));
    ok(pgd_state_create(device, &state));
    ok(pgd_layer_init(layer, "", 5, state, NULL));
    ok(pgd_layer_cache(layer, "", 1, CONTEXT, state));
    ok(pgd_graph_create(&g));
    pgd_dim T = pgd_graph_symbol(g, "T", 1, CONTEXT);
    pgd_output(g, "logits", pgd_layer_continue(layer, g, pgd_input(g, "symbols", PGD_I32, pgd_symshape_of(2, 1, T)), pgd_input(g, "start", PGD_I32, (pgd_symshape){0}), CONTEXT, ""));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_run_create(plan, state, &run));
    for (int32_t i = 0, start = 0, length = PROMPT; i < SYMBOLS; i++, start += length, length = 1) {
        if (start + length > CONTEXT) start = 0; /* begins anew */
        ok(pgd_run_set(run, "symbols", pgd_shape_of(2, 1, length), symbols));
        ok(pgd_run_set(run, "start", (pgd_shape){0}, &start));
        ok(pgd_run_execute(run));
        ok(pgd_run_get(run, "logits", logits, (uint64_t)length * VOCABULARY * sizeof *logits));
        symbols[0] = best_of(logits + (length - 1) * VOCABULARY);
        changes += symbols[0] != before;
        before = symbols[0];
        if (i == 1) settled = atomic_load(&allocations);
    }
    check(settled > 0 && atomic_load(&allocations) == settled, "%ld allocations after the second symbol", atomic_load(&allocations) - settled);
    check(changes > 1, "the symbols never change");
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
}

int main(void) {
    pgd_init_options o;
    pgd_init_options_init(&o, sizeof o);
    o.resize = resize;
    if (pgd_init(&o) != PGD_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_compiled_or_allocated_on_the_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
