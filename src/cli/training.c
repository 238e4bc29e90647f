/* SPDX-License-Identifier: Apache-2.0 */
#include "training.h"

#include <math.h>
#include <signal.h>

#include "term_progress.h"

static volatile sig_atomic_t interrupted;

static void interrupt(int number) { interrupted = number; }

static bool save(const struct training *t) { return checkpoint_save(t->cli, t->checkpoint, t->settings, t->setting_count, t->state, t->final_loss); }

/* Keeps what was learnt; the run goes on with --resume. */
static bool stop_here(const struct training *t, int64_t step) {
    if (!save(t)) return false;
    return cli_fail(&t->cli->error, t->checkpoint->path[0] != '\0' ? "interrupted after step %lld; the same command with --resume goes on from there" : "interrupted after step %lld", (long long)step);
}

/* Samples seen after so many steps; the last batch of an epoch may be smaller. */
static int64_t samples_after(const struct training *t, int64_t steps) {
    int64_t batch = t->batch < t->samples ? t->batch : t->samples, per_epoch = (t->samples + batch - 1) / batch;
    return steps / per_epoch * t->samples + steps % per_epoch * batch;
}

static void show_first(const struct training *t, struct term_progress *progress, const pgd_trainer_step *step, uint64_t start_ns) {
    struct term term = term_open(stderr);
    int64_t all = samples_after(t, step->steps);
    bool cut = all < t->epochs * t->samples;
    term_progress_start(progress, &term, cut ? 1 : (int)t->epochs, (uint64_t)(cut ? all : t->samples), (uint64_t)samples_after(t, step->step - 1), start_ns);
    progress->unit = t->unit;
    progress->units_per_sample = (double)t->units_per_sample;
}

static bool steps(struct training *t, struct term_progress *progress) {
    pgd_trainer_step step;
    bool done = false, started = false;
    double loss = NAN, accuracy = NAN;
    uint64_t start_ns = term_now_ns();
    int64_t first_sample = 0, saved = -1, last = 0;
    for (;;) {
        if (pgd_trainer_advance(t->trainer, &step, &done) != PGD_OK) return cli_fail_library(&t->cli->error);
        if (done) break;
        if (!started) {
            show_first(t, progress, &step, start_ns);
            first_sample = samples_after(t, step.step - 1);
            started = true;
        }
        t->final_loss = step.loss;
        loss = isnan(loss) ? step.loss : loss + 0.05 * (step.loss - loss);
        accuracy = isnan(accuracy) ? step.accuracy : accuracy + 0.05 * (step.accuracy - accuracy);
        last = step.samples;
        if (!t->cli->quiet) term_progress_step(progress, &(struct term_step){(uint64_t)step.samples, loss, accuracy}, term_now_ns());
        if (interrupted != 0) return stop_here(t, step.step);
        if (step.step % t->checkpoint_every == 0) {
            if (!save(t)) return false;
            saved = step.step;
        }
    }
    t->seconds = (double)(term_now_ns() - start_ns) / 1e9;
    t->units_per_s = started ? (double)((last - first_sample) * t->units_per_sample) / t->seconds : 0;
    t->finished_before = !started;
    return !started || saved == step.step || save(t);
}

bool training_run(struct training *t) {
    struct term_progress progress = {0};
    if (t->checkpoint->out == NULL) cli_notice(t->cli, "without --out the network is not kept");
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    t->cli->progress = &progress;
    bool fine = steps(t, &progress);
    term_progress_finish(&progress);
    t->cli->progress = NULL;
    signal(SIGINT, SIG_DFL); /* the checkpoint is written */
    signal(SIGTERM, SIG_DFL);
    return fine;
}
