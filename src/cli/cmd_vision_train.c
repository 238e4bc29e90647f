/* SPDX-License-Identifier: Apache-2.0
 * pagoda vision train. The checkpoint in OUT.ckpt/ holds everything a step depends on, so a killed run that is resumed ends in the same bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "json_writer.h"
#include "training.h"
#include "vision.h"

enum { NET, EPOCHS, BATCH, SEED, RATE, SHIFT, HOLDOUT, AUGMENT, SIZE, DATA, SETTINGS };
enum { SIDE_LOW = 4, SIDE_HIGH = 512, SHIFT_MAX = 8 };

struct train_options {
    const char *data, *net, *out, *augment, *size;
    int64_t epochs, max_steps, batch, seed, checkpoint_every, holdout, shift, loader_threads;
    double rate;
    bool resume;
    bool given[SETTINGS];
};

struct train {
    struct cli *cli;
    struct train_options o;
    struct checkpoint checkpoint;
    struct checkpoint_setting settings[SETTINGS];
    struct image_form form; /* of one's own pictures */
    unsigned augment;       /* kinds */
    struct image_set set;
    struct vision_data train_data, test_data;
    struct vision_model model;
    int test_height, test_width; /* 0: not looked at */
    char fingerprint[32];  /* of the data: a checkpoint belongs to one set */
    pgd_device *device;
    pgd_layer *layer;
    pgd_state *state;
    pgd_trainer *trainer;
    struct training training;
    double accuracy;
    bool untouched; /* OUT held the model already */
    char sha256[65];
};

/* "32", or "24x32": height and width */
static bool parse_size(const char *text, struct image_form *form, struct cli_error *error) {
    char *end;
    long height = strtol(text, &end, 10), width = height;
    bool fine = end != text && (*end == '\0' || *end == 'x');
    if (fine && *end == 'x') {
        const char *second = end + 1;
        width = strtol(second, &end, 10);
        fine = end != second && *end == '\0';
    }
    if (!fine || height < SIDE_LOW || width < SIDE_LOW || height > SIDE_HIGH || width > SIDE_HIGH) return cli_fail(error, "--size: \"%.40s\"; give N or HxW, each from %d to %d", text, SIDE_LOW, SIDE_HIGH);
    form->height = (int)height, form->width = (int)width;
    return true;
}

static bool parse(struct train *t) {
    struct train_options *o = &t->o;
    *o = (struct train_options){.net = "cnn", .epochs = 8, .batch = 128, .checkpoint_every = 200, .loader_threads = 1, .rate = 0.1};
    const struct cli_option options[] = {
        {"--data", CLI_TEXT, &o->data, 0, 0, NULL},
        {"--net", CLI_TEXT, &o->net, 0, 0, &o->given[NET]},
        {"--epochs", CLI_INTEGER, &o->epochs, 1, 100000, &o->given[EPOCHS]},
        {"--max-steps", CLI_INTEGER, &o->max_steps, 1, INT64_MAX, NULL},
        {"--batch", CLI_INTEGER, &o->batch, 1, 65536, &o->given[BATCH]},
        {"--seed", CLI_INTEGER, &o->seed, 0, INT64_MAX, &o->given[SEED]},
        {"--rate", CLI_NUMBER, &o->rate, 0, 0, &o->given[RATE]},
        {"--shift", CLI_INTEGER, &o->shift, 0, SHIFT_MAX, &o->given[SHIFT]},
        {"--augment", CLI_TEXT, &o->augment, 0, 0, &o->given[AUGMENT]},
        {"--size", CLI_TEXT, &o->size, 0, 0, &o->given[SIZE]},
        {"--loader-threads", CLI_INTEGER, &o->loader_threads, 1, 16, NULL},
        {"--holdout", CLI_INTEGER, &o->holdout, 1, INT64_MAX, &o->given[HOLDOUT]},
        {"--out", CLI_TEXT, &o->out, 0, 0, NULL},
        {"--checkpoint-every", CLI_INTEGER, &o->checkpoint_every, 1, INT64_MAX, NULL},
        {"--resume", CLI_FLAG, &o->resume, 0, 0, NULL},
    };
    if (!cli_options(t->cli, options, sizeof options / sizeof options[0])) return false;
    if (!cli_no_words(t->cli)) return false;
    if (o->data == NULL) return cli_fail(&t->cli->error, "--data is missing; give a folder of IDX files, CIFAR-10 files or pictures, or builtin");
    if (o->resume && o->out == NULL) return cli_fail(&t->cli->error, "--resume needs --out, beside which the checkpoint lies");
    if (o->given[SIZE] && !parse_size(o->size, &t->form, &t->cli->error)) return false;
    if (o->given[AUGMENT] && !augment_parse(o->augment, &t->augment, &t->cli->error)) return false;
    if (!(o->rate > 0)) return cli_fail(&t->cli->error, "--rate: %g is not above 0", o->rate);
    if (strcmp(o->net, "mlp") != 0 && strcmp(o->net, "cnn") != 0 && strcmp(o->net, "resnet") != 0) return cli_fail(&t->cli->error, "--net: there is no network \"%s\"; use mlp, cnn or resnet", o->net);
    return true;
}

/* ---- the checkpoint ---------------------------------------------------------------------------------------------------------------------------- */

static void describe_run(struct train *t) {
    static const char *const keys[SETTINGS] = {"net", "epochs", "batch", "seed", "rate", "shift", "holdout", "augment", "size", "data"};
    static const char *const options[SETTINGS] = {"--net", "--epochs", "--batch", "--seed", "--rate", "--shift", "--holdout", "--augment", "--size", "--data"};
    const struct train_options *o = &t->o;
    struct checkpoint_setting *s = t->settings;
    for (int i = 0; i < SETTINGS; i++) s[i] = (struct checkpoint_setting){.key = keys[i], .option = options[i], .given = i == DATA || o->given[i]};
    s[AUGMENT].absent = "none", s[SIZE].absent = "of the files"; /* checkpoints once had neither */
    snprintf(s[NET].value, sizeof s->value, "%s", o->net);
    snprintf(s[EPOCHS].value, sizeof s->value, "%lld", (long long)o->epochs);
    snprintf(s[BATCH].value, sizeof s->value, "%lld", (long long)o->batch);
    snprintf(s[SEED].value, sizeof s->value, "%lld", (long long)o->seed);
    checkpoint_number(&s[RATE], o->rate);
    snprintf(s[SHIFT].value, sizeof s->value, "%lld", (long long)o->shift);
    snprintf(s[HOLDOUT].value, sizeof s->value, "%lld", (long long)o->holdout);
    augment_name(t->augment, s[AUGMENT].value, sizeof s->value);
    snprintf(s[SIZE].value, sizeof s->value, "%s", "of the files");
    if (t->set.kind == IMAGE_PICTURES) snprintf(s[SIZE].value, sizeof s->value, "%dx%d", t->set.height, t->set.width);
    snprintf(s[DATA].value, sizeof s->value, "%s", t->fingerprint);
}

/* Where nothing was said, the checkpoint's own settings hold. */
static bool adopt(struct train *t) {
    struct train_options *o = &t->o;
    const struct checkpoint_setting *s = t->settings;
    o->net = s[NET].value;
    o->epochs = strtoll(s[EPOCHS].value, NULL, 10);
    o->batch = strtoll(s[BATCH].value, NULL, 10);
    o->seed = strtoll(s[SEED].value, NULL, 10);
    o->rate = strtod(s[RATE].value, NULL);
    o->shift = strtoll(s[SHIFT].value, NULL, 10);
    o->holdout = strtoll(s[HOLDOUT].value, NULL, 10);
    bool fine = augment_parse(s[AUGMENT].value, &t->augment, NULL);
    return (fine && o->epochs >= 1 && o->batch >= 1 && o->rate > 0 && o->shift >= 0 && o->shift <= SHIFT_MAX && o->holdout >= 0) || cli_fail(&t->cli->error, "%s: its settings are damaged; delete it to start anew", t->checkpoint.path);
}

static bool prepare_checkpoint(struct train *t) {
    bool found;
    describe_run(t);
    if (!checkpoint_prepare(t->cli, &t->checkpoint, &found)) return false;
    return !found || (checkpoint_load(t->cli, &t->checkpoint, t->settings, SETTINGS, t->o.data, "pictures or labels", t->state, &t->training.final_loss) && adopt(t));
}

/* The size must be known before the pictures are read: where it was not said, that of the checkpoint. */
static bool find_size(struct train *t) {
    char text[64];
    if (t->o.given[SIZE] || !checkpoint_peek(&t->checkpoint, "size", text, sizeof text)) return true;
    return strchr(text, ' ') != NULL || parse_size(text, &t->form, NULL) || cli_fail(&t->cli->error, "%s.ckpt: its settings are damaged; delete it to start anew", t->o.out);
}

/* ---- training ------------------------------------------------------------------------------------------------------------------------------------ */

/* What is needed only at the end is looked at before the hours of work. */
static bool check_ahead(struct train *t) {
    struct image_set test;
    if (t->o.holdout > 0 || strcmp(t->o.data, "builtin") == 0) return true;
    if (!vision_load(t->o.data, &t->form, IMAGE_SPLIT_TEST, &test, &t->cli->error)) return false;
    t->test_height = test.height, t->test_width = test.width;
    image_set_deinit(&test);
    return true;
}

/* What was not said follows from the pictures: grey ones are moved a little, colour ones cropped and flipped. */
static void choose_augmentation(struct train *t) {
    bool colour = t->set.channels == 3;
    if (!t->o.given[SHIFT]) t->o.shift = colour || t->o.given[AUGMENT] ? 0 : 2;
    if (!t->o.given[AUGMENT]) t->augment = colour ? AUGMENT_CROP | AUGMENT_FLIP : 0;
}

/* What was not said about one's own pictures follows from their number: small steps, and enough of them, where pictures are few. */
static void choose_steps(struct train *t) {
    enum { STEPS_OF_EPOCH = 32, STEPS = 800, EPOCHS_MAX = 60 };
    int64_t samples = (int64_t)t->set.count - t->o.holdout, batch = samples / STEPS_OF_EPOCH;
    if (t->set.kind != IMAGE_PICTURES || samples < 1) return;
    if (!t->o.given[BATCH] && batch < t->o.batch) t->o.batch = batch > 8 ? batch : 8;
    if (!t->o.given[RATE] && t->o.batch < 128) t->o.rate *= (double)t->o.batch / 128;
    int64_t per_epoch = (samples + t->o.batch - 1) / t->o.batch, epochs = (STEPS + per_epoch - 1) / per_epoch;
    if (!t->o.given[EPOCHS] && epochs > t->o.epochs) t->o.epochs = epochs < EPOCHS_MAX ? epochs : EPOCHS_MAX;
}

static bool load_data(struct train *t) {
    if (!vision_load(t->o.data, &t->form, IMAGE_SPLIT_TRAIN, &t->set, &t->cli->error)) return false;
    if (t->set.remark[0] != '\0') cli_notice(t->cli, "%s", t->set.remark);
    if (t->o.given[SIZE] && t->set.kind != IMAGE_PICTURES) return cli_fail(&t->cli->error, "--size: the pictures of %s are %d x %d; leave it out, or give folders of pictures", t->o.data, t->set.width, t->set.height);
    choose_augmentation(t);
    choose_steps(t);
    if (t->test_height > 0 && (t->test_height != t->set.height || t->test_width != t->set.width))
        return cli_fail(&t->cli->error, "%s: test pictures of %d x %d, training pictures of %d x %d; give files of one set", t->o.data, t->test_width, t->test_height, t->set.width, t->set.height);
    size_t pixels = t->set.count * (size_t)(t->set.channels * t->set.height * t->set.width);
    uint64_t hash = checkpoint_hash(checkpoint_hash(CHECKPOINT_HASH, t->set.labels, t->set.count), t->set.pixels, pixels);
    snprintf(t->fingerprint, sizeof t->fingerprint, "%016llx", (unsigned long long)hash);
    return true;
}

static bool split_data(struct train *t) {
    if (t->o.holdout >= (int64_t)t->set.count) return cli_fail(&t->cli->error, "--holdout: %lld of %zu pictures leaves none for training", (long long)t->o.holdout, t->set.count);
    size_t count = t->set.count - (size_t)t->o.holdout;
    vision_describe(&t->model, t->o.net, &t->set);
    t->train_data = (struct vision_data){.set = &t->set, .count = count, .augment = {.kinds = t->augment, .shift = (int)t->o.shift}};
    for (int c = 0; c < t->model.channels; c++) t->train_data.augment.fill[c] = (uint8_t)(t->model.mean[c] * 255 + 0.5);
    t->test_data = (struct vision_data){.set = &t->set, .first = count, .count = (size_t)t->o.holdout};
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
    o.loader_threads = (int32_t)t->o.loader_threads;
    o.strict = t->cli->strict;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, PGD_OPTIMIZER_SGD);
    optimizer.nesterov = true;
    optimizer.weight_decay = 5e-4;
    pgd_schedule_init(&schedule, sizeof schedule);
    schedule.rate = t->o.rate, schedule.final_fraction = 0.002;
    o.optimizer = &optimizer, o.schedule = &schedule;
    return pgd_trainer_create(t->device, t->layer, t->state, &dataset, pgd_classifier_loss, &images, &o, &t->trainer) == PGD_OK || cli_fail_library(&t->cli->error);
}

static bool train(struct train *t) {
    t->training = (struct training){.cli = t->cli, .checkpoint = &t->checkpoint, .settings = t->settings, .setting_count = SETTINGS, .trainer = t->trainer, .state = t->state, .epochs = t->o.epochs, .batch = t->o.batch,
                                    .samples = (int64_t)t->train_data.count, .checkpoint_every = t->o.checkpoint_every, .unit = "images", .units_per_sample = 1, .final_loss = t->training.final_loss};
    return training_run(&t->training);
}

static bool evaluate(struct train *t) {
    pgd_classifier_options o;
    pgd_classifier *classifier;
    struct image_set test = {0};
    pgd_trainer_destroy(t->trainer); /* its memory is needed no more */
    t->trainer = NULL;
    if (t->o.holdout == 0) {
        const struct image_form form = {t->model.channels, t->model.height, t->model.width, false};
        image_set_deinit(&t->set);
        if (!vision_load(t->o.data, &form, IMAGE_SPLIT_TEST, &test, &t->cli->error)) return false;
        if (test.height != t->model.height || test.width != t->model.width) {
            image_set_deinit(&test);
            return cli_fail(&t->cli->error, "%s: its test pictures changed their size while training ran; put them back and use --resume", t->o.data);
        }
        if (!vision_match(&t->model, t->o.data, &test, &t->cli->error)) {
            image_set_deinit(&test);
            return false;
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

static bool save_model(struct train *t) {
    char fresh[4200];
    if (t->o.out == NULL) return true;
    return checkpoint_fresh_path(t->cli, &t->checkpoint, fresh, sizeof fresh) && vision_save(fresh, &t->model, t->state, &t->cli->error) &&
           checkpoint_publish(t->cli, &t->checkpoint, fresh, t->sha256, &t->untouched);
}

static int report(struct train *t) {
    struct json_writer json;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!t->cli->json) {
        printf("%s accuracy %.2f %%", t->o.holdout > 0 ? "held-out" : "test", 100 * t->accuracy);
        if (t->training.finished_before)
            printf(", training was finished before\n");
        else
            printf(", %.0f images/s, %.1f s\n", t->training.units_per_s, t->training.seconds);
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
    json_number(&json, "final_loss", t->training.final_loss);
    json_number(&json, "train_images_per_s", t->training.units_per_s);
    json_number(&json, "seconds", t->training.seconds);
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
    t.checkpoint = (struct checkpoint){.out = t.o.out, .resume = t.o.resume};
    bool fine = find_size(&t) && check_ahead(&t) && load_data(&t) && cli_open_device(cli, &t.device) && (pgd_state_create(t.device, &t.state) == PGD_OK || cli_fail_library(&cli->error)) && prepare_checkpoint(&t) && split_data(&t) &&
                make_trainer(&t) && checkpoint_discard(cli, &t.checkpoint) && train(&t) && evaluate(&t) && save_model(&t);
    if (!fine) checkpoint_abandon(&t.checkpoint);
    int code = fine ? report(&t) : cli_report(cli, CLI_FAILED);
    pgd_trainer_destroy(t.trainer);
    pgd_layer_destroy(t.layer);
    pgd_state_destroy(t.state);
    pgd_device_close(t.device);
    image_set_deinit(&t.set);
    return code;
}
