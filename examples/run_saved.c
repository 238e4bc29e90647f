/* SPDX-License-Identifier: Apache-2.0
 * Run a saved net: FOLDER/spirals.safetensors, which train_mlp.c wrote, colours the plane. The state takes its tensors from the file; the same layers, built again, say what they mean. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 21, COLS = 43, HIDDEN = 32 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

int main(int argc, char **argv) {
    static float x[ROWS * COLS][2], p[ROWS * COLS][2];
    char path[1024];
    pgd_device *device;
    pgd_state *state;
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    snprintf(path, sizeof path, "%s/spirals.safetensors", argc > 1 ? argv[1] : ".");
    pgd_layer *layers[] = {pgd_layer_linear(2, HIDDEN, true), pgd_layer_tanh(), pgd_layer_linear(HIDDEN, HIDDEN, true), pgd_layer_tanh(), pgd_layer_linear(HIDDEN, 2, true)};
    pgd_layer *layer = pgd_layer_sequential(layers, 5);
    if (layer == NULL) must(PGD_BAD_ARG);
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_state_load(state, path, NULL));

    must(pgd_graph_create(&g));
    pgd_value *points = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, ROWS * COLS, 2));
    pgd_output(g, "p", pgd_softmax(g, pgd_layer_forward(layer, g, points, false, "")));
    must(pgd_plan_compile(device, g, NULL, &plan));
    must(pgd_run_create(plan, state, &run));

    for (int i = 0; i < ROWS * COLS; i++) x[i][0] = (float)(i % COLS) / (COLS / 2) - 1, x[i][1] = 1 - (float)(i / COLS) / (ROWS / 2);
    must(pgd_run_set(run, "x", pgd_shape_of(2, ROWS * COLS, 2), x));
    must(pgd_run_execute(run));
    must(pgd_run_get(run, "p", p, sizeof p));
    for (int i = 0; i < ROWS * COLS; i++) {
        putchar(p[i][1] > 0.9f ? '#' : p[i][1] > 0.5f ? '+' : p[i][1] > 0.1f ? '-' : ' ');
        if (i % COLS == COLS - 1) putchar('\n');
    }
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}
