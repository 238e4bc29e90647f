/* SPDX-License-Identifier: Apache-2.0
 * Learning without the layers of nn: a forward pass, its gradients and the descent are values of one graph, a training step is one plan, and
 * what is learnt lives in a state that a second plan then reads. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 4, HIDDEN = 8, PARAMS = 4, STEPS = 2000 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

/* p = sigmoid(tanh(x w1^T + b1) w2^T + b2): the probability that the answer is 1.   x [4,2]  p [4,1] */
static pgd_value *network(pgd_graph *g, pgd_value *w[PARAMS]) {
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, ROWS, 2));
    w[0] = pgd_param(g, "fc1.weight", PGD_F32, pgd_symshape_of(2, HIDDEN, 2));
    w[1] = pgd_param(g, "fc1.bias", PGD_F32, pgd_symshape_of(1, HIDDEN));
    w[2] = pgd_param(g, "fc2.weight", PGD_F32, pgd_symshape_of(2, 1, HIDDEN));
    w[3] = pgd_param(g, "fc2.bias", PGD_F32, pgd_symshape_of(1, 1));
    pgd_value *h = pgd_tanh(g, pgd_add(g, pgd_matmul(g, x, w[0], false, true), w[1]));
    return pgd_sigmoid(g, pgd_add(g, pgd_matmul(g, h, w[2], false, true), w[3]));
}

static pgd_plan *training_plan(pgd_device *device) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_value *w[PARAMS], *dw[PARAMS];
    must(pgd_graph_create(&g));
    pgd_value *p = network(g, w), *wanted = pgd_input(g, "wanted", PGD_F32, pgd_symshape_of(2, ROWS, 1));
    pgd_value *error = pgd_sub(g, p, wanted), *loss = pgd_mean(g, pgd_mul(g, error, error), (int32_t[]){0, 1}, 2);
    must(pgd_gradients(g, loss, w, PARAMS, dw));
    const char *const names[PARAMS] = {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
    for (int i = 0; i < PARAMS; i++) pgd_update(g, names[i], pgd_sub(g, w[i], pgd_mul(g, dw[i], pgd_scalar(g, PGD_F32, 2.0))));
    pgd_output(g, "loss", loss);
    must(pgd_plan_compile(device, g, NULL, &plan));
    pgd_graph_destroy(g);
    return plan;
}

static pgd_plan *asking_plan(pgd_device *device) {
    pgd_graph *g;
    pgd_plan *plan;
    pgd_value *w[PARAMS];
    must(pgd_graph_create(&g));
    pgd_output(g, "p", network(g, w));
    must(pgd_plan_compile(device, g, NULL, &plan));
    pgd_graph_destroy(g);
    return plan;
}

int main(void) {
    const float x[ROWS][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, wanted[ROWS] = {0, 1, 1, 0};
    float w1[HIDDEN][2], w2[HIDDEN], p[ROWS], loss = 0;
    for (int i = 0; i < HIDDEN; i++) {
        w1[i][0] = (i & 1) != 0 ? 1.0f : -1.0f;
        w1[i][1] = (i & 2) != 0 ? 0.8f : -0.8f;
        w2[i] = (float)(i * 5 % 8) / 8 - 0.5f;
    }
    pgd_device *device;
    pgd_state *state;
    pgd_run *training, *asking;
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_state_set(state, "fc1.weight", PGD_F32, pgd_shape_of(2, HIDDEN, 2), w1));
    must(pgd_state_set(state, "fc1.bias", PGD_F32, pgd_shape_of(1, HIDDEN), NULL));
    must(pgd_state_set(state, "fc2.weight", PGD_F32, pgd_shape_of(2, 1, HIDDEN), w2));
    must(pgd_state_set(state, "fc2.bias", PGD_F32, pgd_shape_of(1, 1), NULL));

    pgd_plan *learn = training_plan(device), *ask = asking_plan(device);
    must(pgd_run_create(learn, state, &training));
    must(pgd_run_set(training, "x", pgd_shape_of(2, ROWS, 2), x));
    must(pgd_run_set(training, "wanted", pgd_shape_of(2, ROWS, 1), wanted));
    for (int step = 0; step < STEPS; step++) must(pgd_run_execute(training));
    must(pgd_run_get(training, "loss", &loss, sizeof loss));
    printf("loss after %d steps: %.5f\n", STEPS, (double)loss);

    must(pgd_run_create(ask, state, &asking));
    must(pgd_run_set(asking, "x", pgd_shape_of(2, ROWS, 2), x));
    must(pgd_run_execute(asking));
    must(pgd_run_get(asking, "p", p, sizeof p));
    for (int i = 0; i < ROWS; i++) printf("%g xor %g = %.2f\n", (double)x[i][0], (double)x[i][1], (double)p[i]);

    pgd_run_destroy(asking);
    pgd_run_destroy(training);
    pgd_plan_destroy(ask);
    pgd_plan_destroy(learn);
    pgd_state_destroy(state);
    pgd_device_close(device);
    return 0;
}
