/* SPDX-License-Identifier: Apache-2.0
 * Layers with a loss of one's own: an auto-encoder squeezes points of a circle in eight dimensions through two numbers and unfolds them again.
 * The loss is written as values - squared error, and a little weight on large codes - and pgd_optimizer_minimize adds a whole AdamW step. */
#include <math.h>
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>

enum { POINTS = 64, WIDTH = 8, STEPS = 600 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

static pgd_status show(void *user, const pgd_parameter *p) {
    (void)user;
    printf("  %s, %d dimensions\n", p->name, p->shape.rank);
    return PGD_OK;
}

static pgd_plan *training_step(pgd_device *device, const pgd_layer *encoder, const pgd_layer *decoder, const pgd_optimizer_options *adamw) {
    pgd_graph *g;
    pgd_plan *plan;
    must(pgd_graph_create(&g));
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, POINTS, WIDTH)), *rate = pgd_scalar(g, PGD_F32, 0.01);
    pgd_value *code = pgd_layer_forward(encoder, g, x, true, "encoder"), *again = pgd_layer_forward(decoder, g, code, true, "decoder");
    pgd_value *zero = pgd_mul(g, code, pgd_scalar(g, PGD_F32, 0));
    pgd_value *loss = pgd_add(g, pgd_loss_mse(g, again, x), pgd_mul(g, pgd_loss_mse(g, code, zero), pgd_scalar(g, PGD_F32, 1e-5)));
    const pgd_layer *both[] = {encoder, decoder};
    const char *const names[] = {"encoder", "decoder"};
    must(pgd_optimizer_minimize(g, adamw, both, names, 2, loss, rate));
    pgd_output(g, "loss", loss);
    must(pgd_plan_compile(device, g, NULL, &plan));
    pgd_graph_destroy(g);
    return plan;
}

int main(void) {
    static float x[POINTS][WIDTH];
    for (int i = 0; i < POINTS; i++)
        for (int d = 0; d < WIDTH; d++) x[i][d] = sinf(6.2831853f * (float)i / POINTS + (float)(d * d));
    pgd_layer *encoder = pgd_layer_sequential((pgd_layer *[]){pgd_layer_linear(WIDTH, 16, true), pgd_layer_tanh(), pgd_layer_linear(16, 2, true)}, 3);
    pgd_layer *decoder = pgd_layer_sequential((pgd_layer *[]){pgd_layer_linear(2, 16, true), pgd_layer_tanh(), pgd_layer_linear(16, WIDTH, true)}, 3);
    if (encoder == NULL || decoder == NULL) must(PGD_BAD_ARG);
    puts("trained:");
    must(pgd_layer_each(encoder, "encoder", show, NULL));
    must(pgd_layer_each(decoder, "decoder", show, NULL));

    pgd_device *device;
    pgd_state *state;
    pgd_run *run;
    pgd_optimizer_options adamw;
    float loss;
    pgd_optimizer_options_init(&adamw, sizeof adamw, PGD_OPTIMIZER_ADAMW);
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(encoder, "encoder", 1, state, NULL));
    must(pgd_layer_init(decoder, "decoder", 1, state, NULL));
    must(pgd_optimizer_init(&adamw, encoder, "encoder", false, state));
    must(pgd_optimizer_init(&adamw, decoder, "decoder", false, state));
    pgd_plan *plan = training_step(device, encoder, decoder, &adamw);
    must(pgd_run_create(plan, state, &run));
    must(pgd_run_set(run, "x", pgd_shape_of(2, POINTS, WIDTH), x));
    for (int step = 1; step <= STEPS; step++) {
        must(pgd_run_execute(run));
        must(pgd_run_get(run, "loss", &loss, sizeof loss));
        if (step == 1 || step == STEPS) printf("step %d: loss %.6f\n", step, (double)loss);
    }
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_state_destroy(state);
    pgd_layer_destroy(encoder);
    pgd_layer_destroy(decoder);
    pgd_device_close(device);
    return 0;
}
