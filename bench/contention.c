/* SPDX-License-Identifier: Apache-2.0
 * A training step on one thread and on two, alone and beside one process that never sleeps.
 *
 * The step is one plan: two convolutions with pooling, two linear layers, cross-entropy, gradients and the descent. In each round the four
 * measurements follow each other, in turned order every second time; what counts is the ratio of two threads to one within a round. A
 * round is discarded when processes other than ours and our spinner used more than a tenth of a processor.
 * Markdown on stdout; its last line is the same as one JSON object. */
#include <math.h>
#include <pagoda/engine.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

enum { BATCH = 64, PARAMS = 4, ROUNDS = 20, ROUNDS_MAX = 40, THREADS_MAX = 2 };
static const double sample_seconds = 0.25, foreign_limit = 0.10, target_ratio = 1.15;

/* ---- the step --------------------------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    pgd_shape shape;
} params[PARAMS] = {
    {"conv1.weight", {4, {32, 1, 3, 3}}},
    {"conv2.weight", {4, {64, 32, 3, 3}}},
    {"fc1.weight", {2, {128, 64 * 7 * 7}}},
    {"fc2.weight", {2, {10, 128}}},
};

static pgd_symshape symshape(pgd_shape shape) {
    pgd_symshape s = {.rank = shape.rank};
    for (int32_t i = 0; i < shape.rank; i++) s.dims[i] = shape.dims[i];
    return s;
}

static pgd_graph *step_graph(void) {
    pgd_graph *g;
    bench_must(pgd_graph_create(&g), "graph");
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(4, BATCH, 1, 28, 28));
    pgd_value *labels = pgd_input(g, "labels", PGD_I32, pgd_symshape_of(1, BATCH)), *w[PARAMS], *dw[PARAMS];
    for (int i = 0; i < PARAMS; i++) w[i] = pgd_param(g, params[i].name, PGD_F32, symshape(params[i].shape));
    pgd_conv_options same;
    pgd_conv_options_init(&same, sizeof same);
    same.pad_top = same.pad_left = same.pad_bottom = same.pad_right = 1;
    pgd_value *h = pgd_max_pool(g, pgd_relu(g, pgd_conv(g, x, w[0], &same)), NULL);
    h = pgd_max_pool(g, pgd_relu(g, pgd_conv(g, h, w[1], &same)), NULL);
    h = pgd_relu(g, pgd_matmul(g, pgd_flatten(g, h, 1), w[2], false, true));
    pgd_value *loss = pgd_mean(g, pgd_softmax_xent(g, pgd_matmul(g, h, w[3], false, true), labels, 0), (int32_t[]){0}, 1);
    bench_must(pgd_gradients(g, loss, w, PARAMS, dw), "gradients");
    for (int i = 0; i < PARAMS; i++) pgd_update(g, params[i].name, pgd_sub(g, w[i], pgd_mul(g, dw[i], pgd_scalar(g, PGD_F32, 0.01))));
    pgd_output(g, "loss", loss);
    return g;
}

typedef struct trainer {
    pgd_device *device;
    pgd_plan *plan;
    pgd_state *state;
    pgd_run *run;
} trainer;

/* The same numbers for every trainer, small and of both signs. */
static float *numbers(int64_t count, float scale) {
    float *f = bench_alloc((size_t)count * sizeof *f);
    for (int64_t i = 0; i < count; i++) f[i] = scale * ((float)(i * 7919 % 1000) / 500.0f - 1.0f);
    return f;
}

static trainer trainer_create(int threads) {
    trainer t;
    pgd_device_options options;
    pgd_device_options_init(&options, sizeof options);
    options.threads = threads;
    bench_must(pgd_device_open("cpu", &options, &t.device), "device");
    pgd_graph *graph = step_graph();
    bench_must(pgd_plan_compile(t.device, graph, NULL, &t.plan), "compile");
    pgd_graph_destroy(graph);
    bench_must(pgd_state_create(t.device, &t.state), "state");
    for (int i = 0; i < PARAMS; i++) {
        int64_t count = pgd_shape_elems(params[i].shape);
        float *f = numbers(count, sqrtf(6.0f / (float)(count / params[i].shape.dims[0])));
        bench_must(pgd_state_set(t.state, params[i].name, PGD_F32, params[i].shape, f), params[i].name);
        free(f);
    }
    bench_must(pgd_run_create(t.plan, t.state, &t.run), "run");
    float *x = numbers(BATCH * 28 * 28, 1);
    int32_t labels[BATCH];
    for (int i = 0; i < BATCH; i++) labels[i] = i % 10;
    bench_must(pgd_run_set(t.run, "x", pgd_shape_of(4, BATCH, 1, 28, 28), x), "x");
    bench_must(pgd_run_set(t.run, "labels", pgd_shape_of(1, BATCH), labels), "labels");
    free(x);
    return t;
}

static void trainer_destroy(trainer *t) {
    pgd_run_destroy(t->run);
    pgd_state_destroy(t->state);
    pgd_plan_destroy(t->plan);
    pgd_device_close(t->device);
}

/* Both trainers have made as many steps: do they hold the same bits? */
static bool same_weights(const trainer *a, const trainer *b) {
    bool same = true;
    for (int i = 0; i < PARAMS; i++) {
        size_t bytes = (size_t)pgd_shape_elems(params[i].shape) * sizeof(float);
        void *x = bench_alloc(bytes), *y = bench_alloc(bytes);
        bench_must(pgd_state_get(a->state, params[i].name, x, bytes), params[i].name);
        bench_must(pgd_state_get(b->state, params[i].name, y, bytes), params[i].name);
        same = same && memcmp(x, y, bytes) == 0;
        free(x), free(y);
    }
    return same;
}

static double seconds_per_step(const trainer *t) {
    double start = bench_seconds(), elapsed;
    int steps = 0;
    do {
        bench_must(pgd_run_execute(t->run), "step");
        steps++;
        elapsed = bench_seconds() - start;
    } while (elapsed < sample_seconds);
    return elapsed / steps;
}

/* ---- the neighbour -------------------------------------------------------------------------------------------------------------------------- */

static pid_t spinner_start(void) {
    pid_t pid = fork();
    if (pid < 0) bench_must(PGD_IO, "fork");
    if (pid > 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (volatile unsigned long n = 0;; n++) continue;
}

static void spinner_set(pid_t spinner, bool running) {
    kill(spinner, running ? SIGCONT : SIGSTOP);
    usleep(20000); /* until the system has moved everybody */
}

/* ---- rounds ----------------------------------------------------------------------------------------------------------------------------------- */

typedef struct round_result {
    double seconds[2][THREADS_MAX]; /* alone, contended; per step */
    double foreign;                 /* processors used by others */
} round_result;

static round_result round_run(trainer *trainers, pid_t spinner, bool turned) {
    round_result r = {0};
    double start = bench_seconds(), busy = bench_machine_busy_seconds(), own = bench_own_busy_seconds(), spun = bench_process_busy_seconds(spinner);
    for (int contended = 0; contended < 2; contended++) {
        spinner_set(spinner, contended != 0);
        for (int i = 0; i < THREADS_MAX; i++) {
            int t = turned ? THREADS_MAX - 1 - i : i;
            r.seconds[contended][t] = seconds_per_step(&trainers[t]);
        }
    }
    spinner_set(spinner, false);
    double others = bench_machine_busy_seconds() - busy - (bench_own_busy_seconds() - own) - (bench_process_busy_seconds(spinner) - spun);
    r.foreign = others / (bench_seconds() - start);
    return r;
}

typedef struct result {
    int rounds, discarded;
    bench_spread ms[2][THREADS_MAX], ratio[2]; /* ratio: two threads over one, alone and contended */
    double low[2], high[2];
} result;

static result measure(trainer *trainers) {
    static double ms[2][THREADS_MAX][ROUNDS_MAX], ratio[2][ROUNDS_MAX];
    result out = {0};
    pid_t spinner = spinner_start();
    spinner_set(spinner, false);
    for (int i = 0; i < ROUNDS_MAX && out.rounds < ROUNDS; i++) {
        round_result r = round_run(trainers, spinner, (i & 1) != 0);
        fprintf(stderr, "\rround %d, %d of %d count, others used %.2f processors ", i + 1, out.rounds, ROUNDS, r.foreign);
        if (r.foreign > foreign_limit) {
            out.discarded++;
            continue;
        }
        for (int c = 0; c < 2; c++) {
            for (int t = 0; t < THREADS_MAX; t++) ms[c][t][out.rounds] = 1e3 * r.seconds[c][t];
            ratio[c][out.rounds] = r.seconds[c][1] / r.seconds[c][0];
        }
        out.rounds++;
    }
    fprintf(stderr, "\n");
    kill(spinner, SIGKILL);
    waitpid(spinner, NULL, 0);
    for (int c = 0; c < 2; c++) {
        bench_median_interval(ratio[c], out.rounds, &out.low[c], &out.high[c]);
        out.ratio[c] = bench_spread_of(ratio[c], out.rounds);
        for (int t = 0; t < THREADS_MAX; t++) out.ms[c][t] = bench_spread_of(ms[c][t], out.rounds);
    }
    return out;
}

static void print_markdown(const pgd_device_info *info, const result *r, bool same) {
    static const char *const words[] = {"alone", "beside one busy process"};
    printf("# One and two threads beside a busy process, on %s, %s\n\n", info->name, info->isa);
    printf("A training step of a small network (batch %d, two convolutions, two linear layers, gradients, descent) as one plan. %d rounds count, %d were\n"
           "discarded because other processes were running. Weights after equal numbers of steps are %s on one thread and on two.\n"
           "Times are medians [10th-90th percentile]; ratios are medians of pairs [95 %% interval]. Target beside a busy process: at most %.2f.\n\n",
           BATCH, r->rounds, r->discarded, same ? "the same bytes" : "DIFFERENT", target_ratio);
    printf("| | 1 thread, ms per step | 2 threads, ms per step | time with 2 / with 1 | speed-up |\n|---|---|---|---|---|\n");
    for (int c = 0; c < 2; c++)
        printf("| %s | %.2f [%.2f-%.2f] | %.2f [%.2f-%.2f] | %.3f [%.3f-%.3f] | %.2f |\n", words[c], r->ms[c][0].median, r->ms[c][0].p10, r->ms[c][0].p90, r->ms[c][1].median,
               r->ms[c][1].p10, r->ms[c][1].p90, r->ratio[c].median, r->low[c], r->high[c], 1 / r->ratio[c].median);
}

static void print_json(const pgd_device_info *info, const result *r, bool same) {
    static const char *const words[] = {"alone", "contended"};
    printf("{\"bench\":\"contention\",\"processor\":");
    bench_print_json_string(info->name);
    printf(",\"isa\":\"%s\",\"version\":\"%s\",\"batch\":%d,\"rounds\":%d,\"rounds_discarded\":%d,\"same_bytes\":%s,\"target_ratio\":%.2f", info->isa, pgd_version(), BATCH, r->rounds,
           r->discarded, same ? "true" : "false", target_ratio);
    for (int c = 0; c < 2; c++)
        printf(",\"%s\":{\"one_thread_ms\":%.3f,\"two_threads_ms\":%.3f,\"ratio\":%.4f,\"ratio_low\":%.4f,\"ratio_high\":%.4f}", words[c], r->ms[c][0].median, r->ms[c][1].median,
               r->ratio[c].median, r->low[c], r->high[c]);
    printf("}\n");
}

int main(void) {
    pgd_device_info info;
    bench_must(pgd_device_info_get(0, &info), "device");
    trainer trainers[THREADS_MAX] = {trainer_create(1), trainer_create(2)};
    for (int step = 0; step < 5; step++)
        for (int t = 0; t < THREADS_MAX; t++) bench_must(pgd_run_execute(trainers[t].run), "step");
    bool same = same_weights(&trainers[0], &trainers[1]);
    result r = measure(trainers);
    if (r.rounds == 0) {
        fprintf(stderr, "bench: in every round other processes used more than %.0f %% of a processor; try again when the machine is quiet\n", 100 * foreign_limit);
        return 1;
    }
    print_markdown(&info, &r, same);
    print_json(&info, &r, same);
    for (int t = 0; t < THREADS_MAX; t++) trainer_destroy(&trainers[t]);
    return same ? 0 : 1;
}
