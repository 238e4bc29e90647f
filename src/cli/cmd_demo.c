/* SPDX-License-Identifier: Apache-2.0
 * pagoda demo: the main job from end to end, and where its time went, storey by storey. It leaves no file behind. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "digits.h"
#include "term_progress.h"
#include "vision.h"

enum { BATCH = 128, TRAIN_DIGITS = 156 * BATCH, TEST_DIGITS = 5000, EPOCHS = 2, SHOWN = 4 };

struct demo {
    struct cli *cli;
    bool show; /* to a person: what is done, pictures, what to do next */
    char folder[4096], file[4200]; /* a temporary one, and the model in it; empty while not there */
    struct vision_model model;
    pgd_device *device;
    pgd_state *state;
    pgd_layer *layer;
    pgd_trainer *trainer;
    struct image_set train_set, test_set;
    struct vision_data train_data;
    double accuracy;
    uint64_t draw_ns, compile_ns, train_ns, kernel_ns, evaluate_ns, save_ns, load_ns, classify_ns;
    double kernel_flops;
};

static bool library(struct demo *d, pgd_status status) { return status == PGD_OK || cli_fail_library(&d->cli->error); }

static bool draw(struct demo *d) {
    uint64_t start = term_now_ns();
    bool fine = image_set_draw(1, 0, TRAIN_DIGITS, &d->train_set, &d->cli->error) && image_set_draw(2, 0, TEST_DIGITS, &d->test_set, &d->cli->error);
    d->draw_ns = term_now_ns() - start;
    return fine;
}

static bool compile(struct demo *d) {
    pgd_classifier_options images;
    pgd_training_options o;
    pgd_optimizer_options optimizer;
    pgd_schedule schedule;
    uint64_t start = term_now_ns();
    vision_describe(&d->model, "cnn", &d->train_set);
    vision_options(&d->model, &images);
    pgd_training_options_init(&o, sizeof o);
    o.strict = d->cli->strict;
    o.epochs = EPOCHS;
    o.batch = BATCH;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, PGD_OPTIMIZER_SGD);
    optimizer.nesterov = true;
    pgd_schedule_init(&schedule, sizeof schedule);
    schedule.final_fraction = 0.01;
    o.optimizer = &optimizer, o.schedule = &schedule;
    d->train_data = (struct vision_data){.set = &d->train_set, .count = d->train_set.count};
    pgd_dataset dataset = vision_dataset(&d->train_data);
    if ((d->layer = vision_net(&d->model, &d->cli->error)) == NULL || !library(d, pgd_state_create(d->device, &d->state)) ||
        !library(d, pgd_trainer_create(d->device, d->layer, d->state, &dataset, pgd_classifier_loss, &images, &o, &d->trainer)))
        return false;
    d->compile_ns = term_now_ns() - start;
    return true;
}

static void read_profile(struct demo *d) {
    pgd_run *run = pgd_trainer_run(d->trainer);
    for (int32_t i = 0; i < pgd_run_step_count(run); i++) {
        pgd_step_profile profile;
        if (pgd_run_step(run, i, &profile) != PGD_OK) continue;
        d->kernel_ns += profile.ns;
        d->kernel_flops += profile.flops * (double)profile.calls;
    }
}

static bool steps(struct demo *d, struct term_progress *progress) {
    pgd_trainer_step step;
    bool done = false;
    double loss = NAN, accuracy = NAN;
    pgd_run_profile(pgd_trainer_run(d->trainer), true);
    for (;;) {
        if (!library(d, pgd_trainer_advance(d->trainer, &step, &done))) return false;
        if (done) return true;
        loss = isnan(loss) ? step.loss : loss + 0.05 * (step.loss - loss);
        accuracy = isnan(accuracy) ? step.accuracy : accuracy + 0.05 * (step.accuracy - accuracy);
        if (!d->cli->quiet) term_progress_step(progress, &(struct term_step){(uint64_t)step.samples, loss, accuracy}, term_now_ns());
    }
}

static bool train(struct demo *d) {
    struct term term = term_open(stderr);
    struct term_progress progress;
    uint64_t start = term_now_ns();
    term_progress_start(&progress, &term, EPOCHS, d->train_set.count, 0, start);
    d->cli->progress = &progress;
    bool fine = steps(d, &progress);
    term_progress_finish(&progress);
    d->cli->progress = NULL;
    d->train_ns = term_now_ns() - start;
    read_profile(d);
    return fine;
}

/* A place of its own for the model. */
static bool make_folder(struct demo *d) {
    const char *place = getenv("TMPDIR");
    snprintf(d->folder, sizeof d->folder, "%.4000s/pagoda-demo-XXXXXX", place != NULL && place[0] != '\0' ? place : "/tmp");
    if (mkdtemp(d->folder) == NULL) {
        cli_fail(&d->cli->error, "%s: cannot make a folder: %s; set TMPDIR to a folder that is yours", d->folder, strerror(errno));
        d->folder[0] = '\0';
        return false;
    }
    snprintf(d->file, sizeof d->file, "%s/digits.safetensors", d->folder);
    return true;
}

static void remove_folder(struct demo *d) {
    if (d->folder[0] == '\0') return;
    unlink(d->file);
    rmdir(d->folder);
    d->folder[0] = '\0';
}

static void show_digit(const uint8_t *pixels, int label, const float *p) {
    struct term term = term_open(stdout);
    int best = 0;
    term_picture(&term, pixels, 28, 28);
    for (int c = 1; c < 10; c++)
        if (p[c] > p[best]) best = c;
    for (int c = 0; c < 10; c++) {
        char name[2] = {(char)('0' + c), 0};
        if (c == best || p[c] >= 0.01f) term_bar(&term, name, 2, (double)p[c]);
    }
    printf("drawn as %d, read as %d%s\n", label, best, best == label ? "" : "  (wrong)");
}

static bool use(struct demo *d) {
    struct vision_session session;
    uint8_t pixels[SHOWN * DIGIT_PIXELS], labels[SHOWN];
    float p[SHOWN * 10];
    double accuracy;
    uint64_t t0 = term_now_ns();
    if (!make_folder(d) || !vision_save(d->file, &d->model, d->state, &d->cli->error)) return false;
    uint64_t t1 = term_now_ns();
    if (!vision_session_open(d->cli, d->file, &session)) return false;
    remove_folder(d);
    uint64_t t2 = term_now_ns();
    struct vision_data test = {.set = &d->test_set, .count = d->test_set.count};
    pgd_dataset dataset = vision_dataset(&test);
    bool fine = library(d, pgd_classifier_accuracy(session.classifier, &dataset, NULL, &accuracy));
    uint64_t t3 = term_now_ns();
    for (int i = 0; i < SHOWN; i++) digits_draw(99, (uint64_t)(i * 7 + 3), pixels + i * DIGIT_PIXELS, &labels[i]);
    fine = fine && library(d, pgd_classifier_predict(session.classifier, pixels, SHOWN, NULL, p));
    uint64_t t4 = term_now_ns();
    d->save_ns = t1 - t0, d->load_ns = t2 - t1, d->evaluate_ns = t3 - t2, d->classify_ns = t4 - t3;
    vision_session_close(&session);
    if (!fine) return false;
    d->accuracy = accuracy;
    if (d->cli->json) return true;
    printf("%safter saving and loading again: %.2f %% of %d digits it never saw\n", d->show ? "\n" : "", 100 * accuracy, TEST_DIGITS);
    for (int i = 0; i < SHOWN && d->show; i++) show_digit(pixels + i * DIGIT_PIXELS, labels[i], p + i * 10);
    return true;
}

static void row(const char *storey, const char *what, double seconds) { printf("  %-8s %-54s %9.3f s\n", storey, what, seconds); }

static void table(const struct demo *d) {
    double kernels = (double)d->kernel_ns / 1e9;
    char what[96];
    printf("\nwhere the time went\n");
    snprintf(what, sizeof what, "drawing %d digits", TRAIN_DIGITS + TEST_DIGITS);
    row("cli", what, (double)d->draw_ns / 1e9);
    row("engine", "network, gradients and optimiser compiled to one plan", (double)d->compile_ns / 1e9);
    snprintf(what, sizeof what, "kernels of %d training steps (%.0f GFLOP/s)", TRAIN_DIGITS / BATCH * EPOCHS, kernels > 0 ? d->kernel_flops / kernels / 1e9 : 0);
    row("dnn", what, kernels);
    row("nn", "everything else in training: batches, progress", (double)d->train_ns / 1e9 - kernels);
    row("nn", "saving the model (safetensors)", (double)d->save_ns / 1e9);
    row("engine", "loading it, compiling for inference", (double)d->load_ns / 1e9);
    snprintf(what, sizeof what, "reading %d digits it never saw", TEST_DIGITS);
    row("dnn", what, (double)d->evaluate_ns / 1e9);
    row("dnn", "classifying 4 pictures", (double)d->classify_ns / 1e9);
}

/* The model of the demo is gone; these lines make one that stays. */
static void show_next(const char *program) {
    printf("\nnow with your own hands: train on more digits and keep the network (about a minute), draw pictures, have them read\n");
    printf("  %s vision train --data builtin --epochs 1 --out digits.safetensors\n", program);
    printf("  %s vision draw --out-dir pictures\n", program);
    printf("  %s vision classify --model digits.safetensors pictures/*.pgm\n", program);
}

static void introduce(void) {
    pgd_device_info info;
    if (pgd_device_info_get(0, &info) == PGD_OK) printf("Pagoda %s on %s (%s)\n", pgd_version(), info.name, info.isa);
    printf("training a small convolutional network on digits it draws itself\n\n");
    fflush(stdout);
}

int cli_demo(struct cli *cli) {
    struct demo d = {.cli = cli, .show = !cli->json && !cli->quiet};
    if (!cli_options(cli, NULL, 0) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    bool fine = cli_open_device(cli, &d.device);
    if (fine) {
        if (d.show) introduce();
        fine = draw(&d) && compile(&d) && train(&d) && use(&d);
    }
    if (fine && !cli->json) table(&d);
    if (fine && d.show) show_next(cli->program);
    if (fine && cli->json) printf("{\"accuracy\": %.9g, \"train_seconds\": %.9g}\n", d.accuracy, (double)d.train_ns / 1e9);
    remove_folder(&d);
    pgd_trainer_destroy(d.trainer);
    pgd_layer_destroy(d.layer);
    pgd_state_destroy(d.state);
    pgd_device_close(d.device);
    image_set_deinit(&d.train_set);
    image_set_deinit(&d.test_set);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
