/* SPDX-License-Identifier: Apache-2.0
 * pagoda vision train. The checkpoint in OUT.ckpt/ holds everything a step depends on, so a killed run that is resumed ends in the same bytes. */
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_writer.h"
#include "term_progress.h"
#include "vision.h"

struct train_options {
    const char *data, *net, *out;
    int64_t epochs, max_steps, batch, seed, checkpoint_every, holdout, shift;
    double rate;
    bool resume;
    bool net_given, epochs_given, batch_given, seed_given, holdout_given, shift_given, rate_given;
};

struct train {
    struct cli *cli;
    struct train_options o;
    char checkpoint[4096]; /* path, empty without --out */
    struct image_set set;
    struct vision_data train_data, test_data;
    struct vision_model model;
    int test_height, test_width; /* 0: not looked at */
    char fingerprint[32];  /* of the data: a checkpoint belongs to one set */
    pgd_device *device;
    pgd_layer *layer;
    pgd_state *state;
    pgd_trainer *trainer;
    double final_loss, images_per_s, seconds, accuracy;
    bool finished_before, untouched; /* training was done already; OUT held the model already */
    char sha256[65];
};

static bool parse(struct train *t) {
    struct train_options *o = &t->o;
    *o = (struct train_options){.net = "cnn", .epochs = 8, .batch = 128, .checkpoint_every = 200, .shift = 2, .rate = 0.1};
    const struct cli_option options[] = {
        {"--data", CLI_TEXT, &o->data, 0, 0, NULL},
        {"--net", CLI_TEXT, &o->net, 0, 0, &o->net_given},
        {"--epochs", CLI_INTEGER, &o->epochs, 1, 100000, &o->epochs_given},
        {"--max-steps", CLI_INTEGER, &o->max_steps, 1, INT64_MAX, NULL},
        {"--batch", CLI_INTEGER, &o->batch, 1, 65536, &o->batch_given},
        {"--seed", CLI_INTEGER, &o->seed, 0, INT64_MAX, &o->seed_given},
        {"--rate", CLI_NUMBER, &o->rate, 0, 0, &o->rate_given},
        {"--shift", CLI_INTEGER, &o->shift, 0, 8, &o->shift_given},
        {"--holdout", CLI_INTEGER, &o->holdout, 1, INT64_MAX, &o->holdout_given},
        {"--out", CLI_TEXT, &o->out, 0, 0, NULL},
        {"--checkpoint-every", CLI_INTEGER, &o->checkpoint_every, 1, INT64_MAX, NULL},
        {"--resume", CLI_FLAG, &o->resume, 0, 0, NULL},
    };
    if (!cli_options(t->cli, options, sizeof options / sizeof options[0])) return false;
    if (!cli_no_words(t->cli)) return false;
    if (o->data == NULL) return cli_fail(&t->cli->error, "--data is missing; give a folder of IDX files, or builtin");
    if (o->resume && o->out == NULL) return cli_fail(&t->cli->error, "--resume needs --out, beside which the checkpoint lies");
    if (!(o->rate > 0)) return cli_fail(&t->cli->error, "--rate: %g is not above 0", o->rate);
    if (strcmp(o->net, "mlp") != 0 && strcmp(o->net, "cnn") != 0 && strcmp(o->net, "resnet") != 0) return cli_fail(&t->cli->error, "--net: there is no network \"%s\"; use mlp, cnn or resnet", o->net);
    return true;
}

/* ---- the checkpoint ---------------------------------------------------------------------------------------------------------------------------- */

struct setting {
    const char *key, *option;
    char value[64];
    bool given;
};
enum { SETTINGS = 8 };

/* The shortest text that reads as the same number: what was typed. */
static void shortest(double number, char *out, size_t out_bytes) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(out, out_bytes, "%.*g", digits, number);
        if (strtod(out, NULL) == number) return;
    }
}

/* What a checkpoint remembers and a resumed run must agree with. */
static void settings_of(const struct train *t, struct setting *s) {
    const struct train_options *o = &t->o;
    const struct setting list[SETTINGS] = {{"net", "--net", "", o->net_given},       {"epochs", "--epochs", "", o->epochs_given},    {"batch", "--batch", "", o->batch_given}, {"seed", "--seed", "", o->seed_given},
                                           {"rate", "--rate", "", o->rate_given}, {"shift", "--shift", "", o->shift_given}, {"holdout", "--holdout", "", o->holdout_given}, {"data", "--data", "", true}};
    memcpy(s, list, sizeof list);
    snprintf(s[0].value, sizeof s[0].value, "%s", o->net);
    snprintf(s[1].value, sizeof s[1].value, "%lld", (long long)o->epochs);
    snprintf(s[2].value, sizeof s[2].value, "%lld", (long long)o->batch);
    snprintf(s[3].value, sizeof s[3].value, "%lld", (long long)o->seed);
    shortest(o->rate, s[4].value, sizeof s[4].value);
    snprintf(s[5].value, sizeof s[5].value, "%lld", (long long)o->shift);
    snprintf(s[6].value, sizeof s[6].value, "%lld", (long long)o->holdout);
    snprintf(s[7].value, sizeof s[7].value, "%s", t->fingerprint);
}

/* Where nothing was said, the checkpoint's own settings hold. */
static bool adopt(struct train *t, char values[SETTINGS][64]) {
    struct train_options *o = &t->o;
    static char net[16];
    snprintf(net, sizeof net, "%.15s", values[0]);
    o->net = net;
    o->epochs = strtoll(values[1], NULL, 10);
    o->batch = strtoll(values[2], NULL, 10);
    o->seed = strtoll(values[3], NULL, 10);
    o->rate = strtod(values[4], NULL);
    o->shift = strtoll(values[5], NULL, 10);
    o->holdout = strtoll(values[6], NULL, 10);
    return (o->epochs >= 1 && o->batch >= 1 && o->rate > 0 && o->shift >= 0 && o->holdout >= 0) || cli_fail(&t->cli->error, "%s: its settings are damaged; delete it to start anew", t->checkpoint);
}

/* The data have no value to show but the digest of their bytes. */
static bool contradict(struct train *t, const struct setting *setting, const char *begun_with) {
    if (strcmp(setting->key, "data") == 0)
        return cli_fail(&t->cli->error,
                        "--data contradicts the checkpoint: the pictures or labels of %s are not those it was begun with (fingerprint %s, not %s); give the same data, or leave out --resume to "
                        "start anew",
                        t->o.data, setting->value, begun_with);
    return cli_fail(&t->cli->error, "%s contradicts the checkpoint: it was begun with %s, not %s; use the same, or leave out --resume to start anew", setting->option, begun_with, setting->value);
}

static bool load_checkpoint(struct train *t) {
    struct setting settings[SETTINGS];
    char values[SETTINGS][64], loss[64];
    settings_of(t, settings);
    for (int i = 0; i < SETTINGS; i++) {
        if (pgd_file_metadata(t->checkpoint, settings[i].key, values[i], sizeof values[i]) != PGD_OK) return cli_fail_library(&t->cli->error);
        if (settings[i].given && strcmp(values[i], settings[i].value) != 0) return contradict(t, &settings[i], values[i]);
    }
    if (!adopt(t, values)) return false;
    if (pgd_file_metadata(t->checkpoint, "loss", loss, sizeof loss) != PGD_OK) return cli_fail_library(&t->cli->error);
    t->final_loss = strtod(loss, NULL);
    return pgd_state_load(t->state, t->checkpoint, NULL) == PGD_OK || cli_fail_library(&t->cli->error);
}

static bool save_checkpoint(struct train *t) {
    struct setting settings[SETTINGS];
    pgd_metadata metadata[SETTINGS + 1];
    char loss[64];
    if (t->checkpoint[0] == '\0') return true;
    settings_of(t, settings);
    for (int i = 0; i < SETTINGS; i++) metadata[i] = (pgd_metadata){settings[i].key, settings[i].value};
    snprintf(loss, sizeof loss, "%.17g", t->final_loss);
    metadata[SETTINGS] = (pgd_metadata){"loss", loss};
    return pgd_state_save(t->state, t->checkpoint, metadata, SETTINGS + 1, NULL, 0, NULL) == PGD_OK || cli_fail_library(&t->cli->error);
}

/* Makes the folder now, so that an unwritable place is known before hours of training. */
static bool prepare_checkpoint(struct train *t) {
    char folder[4096];
    if (t->o.out == NULL) return true;
    if ((size_t)snprintf(folder, sizeof folder, "%s.ckpt", t->o.out) >= sizeof folder - 32) return cli_fail(&t->cli->error, "--out: the path is too long");
    snprintf(t->checkpoint, sizeof t->checkpoint, "%.4000s/state.safetensors", folder);
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return cli_fail(&t->cli->error, "%s: cannot make the folder for checkpoints: %s; give --out a place in a folder that exists and is yours", folder, strerror(errno));
    if (access(folder, W_OK) != 0) return cli_fail(&t->cli->error, "%s: cannot write there: %s; give --out a place in a folder that is yours", folder, strerror(errno));
    if (t->o.resume && access(t->checkpoint, F_OK) == 0) return load_checkpoint(t);
    if (t->o.resume) cli_notice(t->cli, "there is no checkpoint in %s; starting anew", folder);
    return true;
}

/* Once everything else has been found right, a run from the start takes the place of an earlier one. */
static bool discard_checkpoint(struct train *t) {
    if (t->checkpoint[0] == '\0' || t->o.resume || access(t->checkpoint, F_OK) != 0) return true;
    cli_notice(t->cli, "the checkpoint of an earlier run in %s.ckpt is replaced", t->o.out);
    return unlink(t->checkpoint) == 0 || cli_fail(&t->cli->error, "%s: cannot remove the old checkpoint: %s", t->checkpoint, strerror(errno));
}

/* ---- training ------------------------------------------------------------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t hash, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    return hash;
}

/* What is needed only at the end is looked at before the hours of work. */
static bool check_ahead(struct train *t) {
    struct image_set test;
    struct stat info;
    if (t->o.out != NULL && (t->o.out[0] == '\0' || (stat(t->o.out, &info) == 0 && !S_ISREG(info.st_mode))))
        return cli_fail(&t->cli->error, "--out: \"%s\" is not a regular file; give the path of one, there already or not", t->o.out);
    if (t->o.holdout > 0 || strcmp(t->o.data, "builtin") == 0) return true;
    if (!vision_load(t->o.data, IMAGE_SPLIT_TEST, &test, &t->cli->error)) return false;
    t->test_height = test.height, t->test_width = test.width;
    image_set_deinit(&test);
    return true;
}

static bool load_data(struct train *t) {
    if (!vision_load(t->o.data, IMAGE_SPLIT_TRAIN, &t->set, &t->cli->error)) return false;
    if (t->test_height > 0 && (t->test_height != t->set.height || t->test_width != t->set.width))
        return cli_fail(&t->cli->error, "%s: test pictures of %d x %d, training pictures of %d x %d; give files of one set", t->o.data, t->test_width, t->test_height, t->set.width, t->set.height);
    size_t pixels = t->set.count * (size_t)(t->set.channels * t->set.height * t->set.width);
    uint64_t hash = mix(mix(0xcbf29ce484222325u, t->set.labels, t->set.count), t->set.pixels, pixels);
    snprintf(t->fingerprint, sizeof t->fingerprint, "%016llx", (unsigned long long)hash);
    return true;
}

static bool split_data(struct train *t) {
    if (t->o.holdout >= (int64_t)t->set.count) return cli_fail(&t->cli->error, "--holdout: %lld of %zu pictures leaves none for training", (long long)t->o.holdout, t->set.count);
    size_t count = t->set.count - (size_t)t->o.holdout;
    t->train_data = (struct vision_data){.set = &t->set, .count = count, .shift = (int)t->o.shift};
    t->test_data = (struct vision_data){.set = &t->set, .first = count, .count = (size_t)t->o.holdout};
    vision_describe(&t->model, t->o.net, &t->set);
    return true;
}

static bool make_trainer(struct train *t) {
    pgd_classifier_options images;
    pgd_training_options o;
    pgd_optimizer_options optimizer;
    pgd_schedule schedule;
    pgd_dataset dataset = vision_dataset(&t->train_data);
    if ((t->layer = vision_net(&t->model, &t->cli->error)) == NULL) return false;
    vision_options(&t->model, &images);
    images.label_smoothing = 0.05;
    pgd_training_options_init(&o, sizeof o);
    o.batch = t->o.batch, o.epochs = t->o.epochs, o.max_steps = t->o.max_steps, o.seed = (uint64_t)t->o.seed;
    o.strict = t->cli->strict;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, PGD_OPTIMIZER_SGD);
    optimizer.nesterov = true;
    optimizer.weight_decay = 5e-4;
    pgd_schedule_init(&schedule, sizeof schedule);
    schedule.rate = t->o.rate, schedule.final_fraction = 0.002;
    o.optimizer = &optimizer, o.schedule = &schedule;
    return pgd_trainer_create(t->device, t->layer, t->state, &dataset, pgd_classifier_loss, &images, &o, &t->trainer) == PGD_OK || cli_fail_library(&t->cli->error);
}

static volatile sig_atomic_t interrupted;

static void interrupt(int number) { interrupted = number; }

/* Keeps what was learnt; the run goes on with --resume. */
static bool stop_here(struct train *t, int64_t step) {
    if (!save_checkpoint(t)) return false;
    return cli_fail(&t->cli->error, t->checkpoint[0] != '\0' ? "interrupted after step %lld; the same command with --resume goes on from there" : "interrupted after step %lld", (long long)step);
}

/* Pictures seen after so many steps; the last batch of an epoch may be smaller. */
static int64_t images_after(const struct train *t, int64_t steps) {
    int64_t count = (int64_t)t->train_data.count, batch = t->o.batch < count ? t->o.batch : count, per_epoch = (count + batch - 1) / batch;
    return steps / per_epoch * count + steps % per_epoch * batch;
}

static bool steps(struct train *t, struct term_progress *progress) {
    struct term term = term_open(stderr);
    pgd_trainer_step step;
    bool done = false, started = false;
    double loss = NAN, accuracy = NAN;
    uint64_t start_ns = term_now_ns();
    int64_t first_sample = 0, saved = -1, last = 0;
    for (;;) {
        if (pgd_trainer_advance(t->trainer, &step, &done) != PGD_OK) return cli_fail_library(&t->cli->error);
        if (done) break;
        if (!started) {
            int64_t all = images_after(t, step.steps);
            bool cut = all < t->o.epochs * (int64_t)t->train_data.count;
            first_sample = images_after(t, step.step - 1);
            term_progress_start(progress, &term, cut ? 1 : (int)t->o.epochs, cut ? (uint64_t)all : t->train_data.count, (uint64_t)first_sample, start_ns);
            started = true;
        }
        t->final_loss = step.loss;
        loss = isnan(loss) ? step.loss : loss + 0.05 * (step.loss - loss);
        accuracy = isnan(accuracy) ? step.accuracy : accuracy + 0.05 * (step.accuracy - accuracy);
        last = step.samples;
        if (!t->cli->quiet) term_progress_step(progress, &(struct term_step){(uint64_t)step.samples, loss, accuracy}, term_now_ns());
        if (interrupted != 0) return stop_here(t, step.step);
        if (step.step % t->o.checkpoint_every == 0) {
            if (!save_checkpoint(t)) return false;
            saved = step.step;
        }
    }
    t->seconds = (double)(term_now_ns() - start_ns) / 1e9;
    t->images_per_s = started ? (double)(last - first_sample) / t->seconds : 0;
    t->finished_before = !started;
    return !started || saved == step.step || save_checkpoint(t);
}

static bool train(struct train *t) {
    struct term_progress progress = {0};
    if (t->o.out == NULL) cli_notice(t->cli, "without --out the network is not kept");
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

static bool evaluate(struct train *t) {
    pgd_classifier_options o;
    pgd_classifier *classifier;
    struct image_set test = {0};
    pgd_trainer_destroy(t->trainer); /* its memory is needed no more */
    t->trainer = NULL;
    if (t->o.holdout == 0) {
        image_set_deinit(&t->set);
        if (!vision_load(t->o.data, IMAGE_SPLIT_TEST, &test, &t->cli->error)) return false;
        if (test.channels != t->model.channels || test.height != t->model.height || test.width != t->model.width) {
            image_set_deinit(&test);
            return cli_fail(&t->cli->error, "%s: its test pictures changed their size while training ran; put them back and use --resume", t->o.data);
        }
        t->test_data = (struct vision_data){.set = &test, .count = test.count};
    }
    vision_options(&t->model, &o);
    o.strict = t->cli->strict;
    pgd_dataset dataset = vision_dataset(&t->test_data);
    bool fine = pgd_classifier_create(t->device, t->layer, t->state, &o, &classifier) == PGD_OK;
    if (fine) {
        fine = pgd_classifier_accuracy(classifier, &dataset, NULL, &t->accuracy) == PGD_OK;
        pgd_classifier_destroy(classifier);
    }
    image_set_deinit(&test);
    return fine || cli_fail_library(&t->cli->error);
}

/* A run that had finished before leaves its file alone; one that was killed between checkpoint and file writes it now. Which of the two it was, the
 * bytes tell. */
static bool save_model(struct train *t) {
    char fresh[4200], old_sha256[65] = "";
    if (t->o.out == NULL) return true;
    snprintf(fresh, sizeof fresh, "%.4000s.ckpt/model.safetensors", t->o.out);
    if (!vision_save(fresh, &t->model, t->state, &t->cli->error) || !vision_sha256(fresh, t->sha256, &t->cli->error)) return false;
    if (access(t->o.out, R_OK) == 0 && !vision_sha256(t->o.out, old_sha256, &t->cli->error)) return false;
    bool same = t->untouched = strcmp(old_sha256, t->sha256) == 0;
    if ((same ? unlink(fresh) : rename(fresh, t->o.out)) == 0) return true;
    cli_fail(&t->cli->error, "%s: cannot put the model there: %s", t->o.out, strerror(errno));
    unlink(fresh);
    return false;
}

static int report(struct train *t) {
    struct json_writer json;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!t->cli->json) {
        printf("%s accuracy %.2f %%", t->o.holdout > 0 ? "held-out" : "test", 100 * t->accuracy);
        if (t->finished_before)
            printf(", training was finished before\n");
        else
            printf(", %.0f images/s, %.1f s\n", t->images_per_s, t->seconds);
        if (t->o.out != NULL && !t->cli->quiet) printf(t->untouched ? "%s is as it was\n" : "saved %s\n", t->o.out);
    }
    if (!t->cli->json) return CLI_DONE;
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    if (t->o.holdout > 0)
        json_null(&json, "test_accuracy"); /* the test pictures were not looked at */
    else
        json_number(&json, "test_accuracy", t->accuracy);
    if (t->o.holdout > 0) json_number(&json, "holdout_accuracy", t->accuracy);
    json_number(&json, "final_loss", t->final_loss);
    json_number(&json, "train_images_per_s", t->images_per_s);
    json_number(&json, "seconds", t->seconds);
    json_integer(&json, "peak_rss_bytes", (int64_t)usage.ru_maxrss * 1024);
    if (t->o.out != NULL)
        json_string(&json, "weights_sha256", t->sha256);
    else
        json_null(&json, "weights_sha256");
    json_integer(&json, "parameters", pgd_layer_parameters(t->layer));
    json_finish(&json);
    return CLI_DONE;
}

int cli_vision_train(struct cli *cli) {
    struct train t = {.cli = cli};
    if (!parse(&t)) return cli_report(cli, CLI_USAGE);
    bool fine = check_ahead(&t) && load_data(&t) && cli_open_device(cli, &t.device) && (pgd_state_create(t.device, &t.state) == PGD_OK || cli_fail_library(&cli->error)) && prepare_checkpoint(&t) && split_data(&t) &&
                make_trainer(&t) && discard_checkpoint(&t) && train(&t) && evaluate(&t) && save_model(&t);
    int code = fine ? report(&t) : cli_report(cli, CLI_FAILED);
    pgd_trainer_destroy(t.trainer);
    pgd_layer_destroy(t.layer);
    pgd_state_destroy(t.state);
    pgd_device_close(t.device);
    image_set_deinit(&t.set);
    return code;
}
