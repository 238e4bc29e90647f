/* SPDX-License-Identifier: Apache-2.0
 * Two threads share a plan: compiled once, run by as many threads as there are runs. Each run has inputs and memory of its own and its own stream; weights are read from one state. */
#include <pagoda/pagoda.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 2, ROUNDS = 200, ROWS = 16, WIDTH = 64 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text()); /* the sentence belongs to the thread that failed */
    exit(1);
}

typedef struct worker {
    pgd_plan *plan;
    pgd_state *state;
    int number;
    double sum;
} worker;

static void *work(void *argument) {
    worker *w = argument;
    static float x[THREADS][ROWS * WIDTH], y[THREADS][ROWS * WIDTH];
    pgd_run *run;
    must(pgd_run_create(w->plan, w->state, &run));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < ROWS * WIDTH; i++) x[w->number][i] = (float)((i + round * (w->number + 1)) % 17) / 17;
        must(pgd_run_set(run, "x", pgd_shape_of(2, ROWS, WIDTH), x[w->number]));
        must(pgd_run_execute(run));
        must(pgd_run_get(run, "y", y[w->number], sizeof y[w->number]));
        for (int i = 0; i < ROWS * WIDTH; i++) w->sum += (double)y[w->number][i];
    }
    pgd_run_destroy(run);
    return NULL;
}

int main(void) {
    pgd_device *device;
    pgd_state *state;
    pgd_graph *g;
    pgd_plan *plan;
    pthread_t threads[THREADS];
    worker workers[THREADS], alone;
    pgd_layer *layer = pgd_layer_sequential((pgd_layer *[]){pgd_layer_linear(WIDTH, WIDTH, true), pgd_layer_relu(), pgd_layer_linear(WIDTH, WIDTH, true)}, 3);
    if (layer == NULL) must(PGD_BAD_ARG);
    must(pgd_device_open("auto", NULL, &device));
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(layer, "", 1, state, NULL));
    must(pgd_graph_create(&g));
    pgd_output(g, "y", pgd_layer_forward(layer, g, pgd_input(g, "x", PGD_F32, pgd_symshape_of(2, ROWS, WIDTH)), false, ""));
    must(pgd_plan_compile(device, g, NULL, &plan));

    for (int i = 0; i < THREADS; i++) {
        workers[i] = (worker){plan, state, i, 0};
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) return 1;
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        alone = (worker){plan, state, i, 0};
        work(&alone);
        printf("thread %d: %.6f, alone %.6f: %s\n", i, workers[i].sum, alone.sum, workers[i].sum == alone.sum ? "the same" : "different");
    }
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}
