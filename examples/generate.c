/* SPDX-License-Identifier: Apache-2.0
 * Generation with a cache: a small transformer learns a rhyme by heart, byte by byte, and says it again. pgd_layer_continue builds the graph of the next positions; what later ones
 * need of earlier ones stays in the state, so that every symbol costs the same. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS = 128, WIDTH = 48, HEADS = 4, CONTEXT = 64, STEPS = 250, BEGINNING = 12 };

static const char rhyme[CONTEXT + 2] = "One, two, buckle my shoe. Three, four, knock at the door. Five, \n";

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

static pgd_layer *block(void) {
    pgd_layer_attention_options causal;
    pgd_layer_attention_options_init(&causal, sizeof causal);
    causal.causal = true;
    pgd_layer *look[] = {pgd_layer_layer_norm(WIDTH, 1e-5), pgd_layer_attention(WIDTH, HEADS, &causal)};
    pgd_layer *think[] = {pgd_layer_layer_norm(WIDTH, 1e-5), pgd_layer_linear(WIDTH, 4 * WIDTH, true), pgd_layer_gelu(), pgd_layer_linear(4 * WIDTH, WIDTH, true)};
    pgd_layer *both[] = {pgd_layer_skip(pgd_layer_sequential(look, 2)), pgd_layer_skip(pgd_layer_sequential(think, 4))};
    return pgd_layer_sequential(both, 2);
}

static pgd_layer *network(void) {
    pgd_layer *layers[] = {pgd_layer_embedding(SYMBOLS, WIDTH), pgd_layer_positions(CONTEXT, WIDTH), block(), block(), pgd_layer_layer_norm(WIDTH, 1e-5), pgd_layer_linear(WIDTH, SYMBOLS, false)};
    return pgd_layer_sequential(layers, 6);
}

static void learn(pgd_device *device, const pgd_layer *layer, pgd_state *state) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    pgd_optimizer_options adam;
    int32_t x[CONTEXT], next[CONTEXT];
    float loss;
    for (int i = 0; i < CONTEXT; i++) x[i] = rhyme[i], next[i] = rhyme[i + 1];
    must(pgd_graph_create(&g));
    pgd_value *symbols = pgd_input(g, "x", PGD_I32, pgd_symshape_of(2, 1, CONTEXT)), *labels = pgd_input(g, "next", PGD_I32, pgd_symshape_of(1, CONTEXT));
    pgd_value *logits = pgd_reshape(g, pgd_layer_forward(layer, g, symbols, true, ""), pgd_symshape_of(2, CONTEXT, SYMBOLS)), *mean = pgd_loss_cross_entropy(g, logits, labels, 0);
    pgd_optimizer_options_init(&adam, sizeof adam, PGD_OPTIMIZER_ADAM);
    must(pgd_optimizer_init(&adam, layer, "", false, state));
    must(pgd_optimizer_minimize(g, &adam, &layer, (const char *const[]){""}, 1, mean, pgd_scalar(g, PGD_F32, 0.003)));
    pgd_output(g, "loss", mean);
    must(pgd_plan_compile(device, g, NULL, &plan));
    must(pgd_run_create(plan, state, &run));
    must(pgd_run_set(run, "x", pgd_shape_of(2, 1, CONTEXT), x));
    must(pgd_run_set(run, "next", pgd_shape_of(1, CONTEXT), next));
    for (int step = 0; step < STEPS; step++) must(pgd_run_execute(run));
    must(pgd_run_get(run, "loss", &loss, sizeof loss));
    printf("learnt with a loss of %.3f\n", (double)loss);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

/* The plan takes any number of symbols that follow `start` others: first all of the beginning, then one at a time. */
static void generate(pgd_device *device, const pgd_layer *layer, pgd_state *state) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    int32_t x[CONTEXT], start = 0, count = BEGINNING;
    for (int i = 0; i < BEGINNING; i++) x[i] = rhyme[i];
    must(pgd_layer_cache(layer, "", 1, CONTEXT, state));
    must(pgd_graph_create(&g));
    pgd_dim T = pgd_graph_symbol(g, "T", 1, CONTEXT);
    pgd_value *symbols = pgd_input(g, "x", PGD_I32, pgd_symshape_of(2, 1, T)), *first = pgd_input(g, "start", PGD_I32, (pgd_symshape){0});
    pgd_value *logits = pgd_layer_continue(layer, g, symbols, first, CONTEXT, "");
    pgd_output(g, "symbols", pgd_argmax(g, logits, 2)); /* what should follow each */
    must(pgd_plan_compile(device, g, NULL, &plan));
    must(pgd_run_create(plan, state, &run));
    printf("%.*s|", BEGINNING, rhyme);
    while (start + count < CONTEXT) {
        must(pgd_run_set(run, "x", pgd_shape_of(2, 1, count), x));
        must(pgd_run_set(run, "start", (pgd_shape){0}, &start));
        must(pgd_run_execute(run));
        must(pgd_run_get(run, "symbols", x, sizeof x[0] * (size_t)count));
        x[0] = x[count - 1];
        putchar(x[0]);
        start += count;
        count = 1;
    }
    putchar('\n');
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
}

int main(void) {
    pgd_device *device;
    pgd_state *state;
    pgd_layer *layer = network();
    if (layer == NULL) must(PGD_BAD_ARG);
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(layer, "", 1, state, NULL));
    learn(device, layer, state);
    generate(device, layer, state);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}
