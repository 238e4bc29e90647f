/* SPDX-License-Identifier: Apache-2.0
 * pagoda text train: a small GPT on bytes. The last tenth of the text is never trained on; the loss on it is the result. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "json_writer.h"
#include "text.h"
#include "training.h"

struct train_options {
    const char *data, *optimizer, *out;
    int64_t layers, width, heads, context, batch, epochs, max_steps, seed, checkpoint_every;
    double rate, dropout;
    bool resume;
    bool given[10]; /* by the settings below */
};

enum { LAYERS, WIDTH, HEADS, CONTEXT, BATCH, EPOCHS, SEED, RATE, DROPOUT, OPTIMIZER, DATA, SETTINGS };

struct train {
    struct cli *cli;
    struct train_options o;
    struct checkpoint checkpoint;
    struct checkpoint_setting settings[SETTINGS];
    struct training training;
    struct text_bytes text;
    size_t train_count;     /* bytes that are trained on */
    struct text_data data;
    struct text_model model;
    pgd_device *device;
    pgd_layer *layer;
    pgd_state *state;
    double loss;            /* nats per byte of the last tenth */
    bool untouched;
    char sha256[65];
};

static bool parse(struct train *t) {
    struct train_options *o = &t->o;
    *o = (struct train_options){.optimizer = "adamw", .layers = 4, .width = 256, .heads = 4, .context = 128, .batch = 16, .epochs = 6, .checkpoint_every = 200, .rate = 1e-3};
    const struct cli_option options[] = {
        {"--data", CLI_TEXT, &o->data, 0, 0, NULL},
        {"--layers", CLI_INTEGER, &o->layers, 1, 64, &o->given[LAYERS]},
        {"--width", CLI_INTEGER, &o->width, 1, 65536, &o->given[WIDTH]},
        {"--heads", CLI_INTEGER, &o->heads, 1, 1024, &o->given[HEADS]},
        {"--context", CLI_INTEGER, &o->context, 2, 1 << 20, &o->given[CONTEXT]},
        {"--batch", CLI_INTEGER, &o->batch, 1, 65536, &o->given[BATCH]},
        {"--epochs", CLI_INTEGER, &o->epochs, 1, 100000, &o->given[EPOCHS]},
        {"--max-steps", CLI_INTEGER, &o->max_steps, 1, INT64_MAX, NULL},
        {"--seed", CLI_INTEGER, &o->seed, 0, INT64_MAX, &o->given[SEED]},
        {"--rate", CLI_NUMBER, &o->rate, 0, 0, &o->given[RATE]},
        {"--dropout", CLI_NUMBER, &o->dropout, 0, 0, &o->given[DROPOUT]},
        {"--optimizer", CLI_TEXT, &o->optimizer, 0, 0, &o->given[OPTIMIZER]},
        {"--out", CLI_TEXT, &o->out, 0, 0, NULL},
        {"--checkpoint-every", CLI_INTEGER, &o->checkpoint_every, 1, INT64_MAX, NULL},
        {"--resume", CLI_FLAG, &o->resume, 0, 0, NULL},
    };
    if (!cli_options(t->cli, options, sizeof options / sizeof options[0]) || !cli_no_words(t->cli)) return false;
    if (o->data == NULL) return cli_fail(&t->cli->error, "--data is missing; give a text file, plain or .gz");
    if (o->resume && o->out == NULL) return cli_fail(&t->cli->error, "--resume needs --out, beside which the checkpoint lies");
    if (!o->resume && o->width % o->heads != 0) return cli_fail(&t->cli->error, "--width: %lld is no multiple of the %lld heads; change --width or --heads", (long long)o->width, (long long)o->heads);
    if (!(o->rate > 0)) return cli_fail(&t->cli->error, "--rate: %g is not above 0", o->rate);
    if (!(o->dropout >= 0 && o->dropout < 1)) return cli_fail(&t->cli->error, "--dropout: %g; use 0 up to below 1", o->dropout);
    if (strcmp(o->optimizer, "adamw") != 0 && strcmp(o->optimizer, "muon") != 0 && strcmp(o->optimizer, "lion") != 0) return cli_fail(&t->cli->error, "--optimizer: there is no \"%s\"; use adamw, muon or lion", o->optimizer);
    return true;
}

/* ---- the checkpoint --------------------------------------------------------------------------------------------------------------------------------- */

static void describe_run(struct train *t) {
    static const char *const keys[SETTINGS] = {"layers", "width", "heads", "context", "batch", "epochs", "seed", "rate", "dropout", "optimizer", "data"};
    static const char *const options[SETTINGS] = {"--layers", "--width", "--heads", "--context", "--batch", "--epochs", "--seed", "--rate", "--dropout", "--optimizer", "--data"};
    const struct train_options *o = &t->o;
    const int64_t integers[] = {o->layers, o->width, o->heads, o->context, o->batch, o->epochs, o->seed};
    struct checkpoint_setting *s = t->settings;
    for (int i = 0; i < SETTINGS; i++) s[i] = (struct checkpoint_setting){.key = keys[i], .option = options[i], .given = i == DATA || o->given[i]};
    for (int i = LAYERS; i <= SEED; i++) snprintf(s[i].value, sizeof s->value, "%lld", (long long)integers[i]);
    checkpoint_number(&s[RATE], o->rate);
    checkpoint_number(&s[DROPOUT], o->dropout);
    snprintf(s[OPTIMIZER].value, sizeof s->value, "%s", o->optimizer);
    snprintf(s[DATA].value, sizeof s->value, "%016llx", (unsigned long long)checkpoint_hash(CHECKPOINT_HASH, t->text.bytes, t->text.count));
}

/* Where nothing was said, the checkpoint's own settings hold. */
static bool adopt(struct train *t) {
    struct train_options *o = &t->o;
    const struct checkpoint_setting *s = t->settings;
    int64_t *const integers[] = {&o->layers, &o->width, &o->heads, &o->context, &o->batch, &o->epochs, &o->seed};
    bool fine = true;
    for (int i = LAYERS; i <= SEED; i++) {
        *integers[i] = strtoll(s[i].value, NULL, 10);
        fine = fine && *integers[i] >= (i == SEED ? 0 : 1) && (i == SEED || *integers[i] <= 1 << 24);
    }
    o->rate = strtod(s[RATE].value, NULL);
    o->dropout = strtod(s[DROPOUT].value, NULL);
    o->optimizer = s[OPTIMIZER].value;
    return (fine && o->rate > 0 && o->dropout >= 0 && o->dropout < 1) || cli_fail(&t->cli->error, "%s: its settings are damaged; delete it to start anew", t->checkpoint.path);
}

static bool prepare_checkpoint(struct train *t) {
    bool found;
    describe_run(t);
    if (!checkpoint_prepare(t->cli, &t->checkpoint, &found)) return false;
    return !found || (checkpoint_load(t->cli, &t->checkpoint, t->settings, SETTINGS, t->o.data, "bytes", t->state, &t->training.final_loss) && adopt(t));
}

/* ---- training ----------------------------------------------------------------------------------------------------------------------------------------- */

static bool split(struct train *t) {
    t->train_count = t->text.count - t->text.count / 10;
    if (t->train_count <= (size_t)t->o.context || t->text.count - t->train_count < 2)
        return cli_fail(&t->cli->error, "%s: %zu bytes are too few for a context of %lld; nine tenths must hold more than one window", t->o.data, t->text.count, (long long)t->o.context);
    t->data = (struct text_data){.bytes = t->text.bytes, .count = t->train_count, .context = (int)t->o.context};
    t->model = (struct text_model){(int)t->o.layers, (int)t->o.width, (int)t->o.heads, (int)t->o.context, t->o.dropout};
    return true;
}

static pgd_optimizer_kind optimizer_kind(const char *name) { return strcmp(name, "muon") == 0 ? PGD_OPTIMIZER_MUON : strcmp(name, "lion") == 0 ? PGD_OPTIMIZER_LION : PGD_OPTIMIZER_ADAMW; }

static bool train(struct train *t) {
    pgd_training_options o;
    pgd_optimizer_options optimizer;
    pgd_schedule schedule;
    pgd_trainer *trainer;
    pgd_dataset dataset = text_dataset(&t->data);
    pgd_training_options_init(&o, sizeof o);
    o.batch = t->o.batch, o.epochs = t->o.epochs, o.max_steps = t->o.max_steps, o.seed = (uint64_t)t->o.seed;
    o.strict = t->cli->strict;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, optimizer_kind(t->o.optimizer));
    optimizer.beta2 = 0.99;
    optimizer.weight_decay = 0.1;
    optimizer.clip_norm = 1;
    pgd_schedule_init(&schedule, sizeof schedule);
    schedule.rate = t->o.rate, schedule.final_fraction = 0.05, schedule.warmup_fraction = 0.05;
    o.optimizer = &optimizer, o.schedule = &schedule;
    if (pgd_trainer_create(t->device, t->layer, t->state, &dataset, text_loss, NULL, &o, &trainer) != PGD_OK) return cli_fail_library(&t->cli->error);
    t->training = (struct training){.cli = t->cli, .checkpoint = &t->checkpoint, .settings = t->settings, .setting_count = SETTINGS, .trainer = trainer, .state = t->state, .epochs = t->o.epochs, .batch = t->o.batch,
                                    .samples = dataset.count, .checkpoint_every = t->o.checkpoint_every, .unit = "tokens", .units_per_sample = t->o.context, .final_loss = t->training.final_loss};
    bool fine = checkpoint_discard(t->cli, &t->checkpoint) && training_run(&t->training);
    pgd_trainer_destroy(trainer);
    return fine;
}

static bool measure(struct train *t) { return text_measure(t->cli, t->device, &t->model, t->layer, t->state, t->text.bytes + t->train_count, t->text.count - t->train_count, &t->loss); }

static bool save_model(struct train *t) {
    char fresh[4200];
    if (t->o.out == NULL) return true;
    return checkpoint_fresh_path(t->cli, &t->checkpoint, fresh, sizeof fresh) && text_save(fresh, &t->model, t->state, &t->cli->error) &&
           checkpoint_publish(t->cli, &t->checkpoint, fresh, t->sha256, &t->untouched);
}

static int report(struct train *t) {
    struct json_writer json;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    if (!t->cli->json) {
        printf("loss on the last tenth %.4f nats per byte", t->loss);
        if (t->training.finished_before)
            printf(", training was finished before\n");
        else
            printf(", %.0f tokens/s, %.1f s\n", t->training.units_per_s, t->training.seconds);
        if (t->o.out != NULL && !t->cli->quiet) printf(t->untouched ? "%s is as it was\n" : "saved %s\n", t->o.out);
        return CLI_DONE;
    }
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_number(&json, "loss", t->loss);
    json_number(&json, "train_loss", t->training.final_loss);
    json_number(&json, "tokens_per_s", t->training.units_per_s);
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

int cli_text_train(struct cli *cli) {
    struct train t = {.cli = cli};
    if (!parse(&t)) return cli_report(cli, CLI_USAGE);
    t.checkpoint = (struct checkpoint){.out = t.o.out, .resume = t.o.resume};
    bool fine = text_read(t.o.data, &t.text, &cli->error) && cli_open_device(cli, &t.device) && (pgd_state_create(t.device, &t.state) == PGD_OK || cli_fail_library(&cli->error)) && prepare_checkpoint(&t) && split(&t) &&
                (t.layer = text_net(&t.model, &cli->error)) != NULL && train(&t) && measure(&t) && save_model(&t);
    if (!fine) checkpoint_abandon(&t.checkpoint);
    int code = fine ? report(&t) : cli_report(cli, CLI_FAILED);
    pgd_layer_destroy(t.layer);
    pgd_state_destroy(t.state);
    pgd_device_close(t.device);
    text_free(&t.text);
    return code;
}
