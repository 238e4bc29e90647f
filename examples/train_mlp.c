/* SPDX-License-Identifier: Apache-2.0
 * Train an MLP: two spirals wind around each other, and the network learns which of them a point of the plane lies on. One training step - forward, backward, Adam - is one plan; what is
 * learnt is saved as FOLDER/spirals.safetensors, which run_saved.c uses. */
#include <math.h>
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 400, HIDDEN = 32, STEPS = 1500 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

static pgd_layer *network(void) {
    pgd_layer *layers[] = {pgd_layer_linear(2, HIDDEN, true), pgd_layer_tanh(), pgd_layer_linear(HIDDEN, HIDDEN, true), pgd_layer_tanh(), pgd_layer_linear(HIDDEN, 2, true)};
    return pgd_layer_sequential(layers, 5);
}

static pgd_plan *training_step(pgd_device *device, const pgd_layer *layer, const pgd_optimizer_options *adam) {
    pgd_graph *g;
    pgd_plan *plan;
    must(pgd_graph_create(&g));
    pgd_dim N = pgd_graph_symbol(g, "N", 1, POINTS); /* any number of points */
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, N, 2)), *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, N));
    pgd_value *logits = pgd_layer_forward(layer, g, x, true, ""), *loss = pgd_loss_cross_entropy(g, logits, labels, 0);
    must(pgd_optimizer_minimize(g, adam, &layer, (const char *const[]){""}, 1, loss, pgd_scalar(g, PGD_F32, 0.01)));
    pgd_value *right = pgd_eq(g, pgd_flatten(g, pgd_argmax(g, logits, 1), 0), labels);
    pgd_output(g, "loss", loss);
    pgd_output(g, "accuracy", pgd_mean(g, pgd_cast(g, right, PGD_F32), (int32_t[]){0}, 1));
    must(pgd_plan_compile(device, g, NULL, &plan));
    pgd_graph_destroy(g);
    return plan;
}

int main(int argc, char **argv) {
    static float x[POINTS][2];
    static int32_t labels[POINTS];
    for (int i = 0; i < POINTS; i++) {
        float along = (float)(i / 2 + 20) / (POINTS / 2 + 20), turn = 9 * along + (i % 2 == 0 ? 0 : 3.14159265f);
        x[i][0] = along * cosf(turn), x[i][1] = along * sinf(turn);
        labels[i] = i % 2;
    }
    pgd_device *device;
    pgd_state *state;
    pgd_run *run;
    pgd_optimizer_options adam;
    float loss = 0, accuracy = 0;
    pgd_layer *layer = network();
    if (layer == NULL) must(PGD_BAD_ARG);
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(layer, "", 1, state, NULL));
    pgd_optimizer_options_init(&adam, sizeof adam, PGD_OPTIMIZER_ADAM);
    must(pgd_optimizer_init(&adam, layer, "", false, state));
    pgd_plan *plan = training_step(device, layer, &adam);
    must(pgd_run_create(plan, state, &run));
    must(pgd_run_set(run, "x", pgd_shape_of(2, POINTS, 2), x));
    must(pgd_run_set(run, "labels", pgd_shape_of(1, POINTS), labels));
    for (int step = 1; step <= STEPS; step++) {
        must(pgd_run_execute(run));
        if (step % 500 != 0) continue;
        must(pgd_run_get(run, "loss", &loss, sizeof loss));
        must(pgd_run_get(run, "accuracy", &accuracy, sizeof accuracy));
        printf("step %d: loss %.4f, %.1f %% right\n", step, (double)loss, 100 * (double)accuracy);
    }
    char path[1024];
    const char *const not_weights[] = {"optimizer."};
    snprintf(path, sizeof path, "%s/spirals.safetensors", argc > 1 ? argv[1] : ".");
    must(pgd_state_save(state, path, NULL, 0, not_weights, 1, NULL));
    printf("saved %s\n", path);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}
