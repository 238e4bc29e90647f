/* SPDX-License-Identifier: Apache-2.0
 * pagoda vision eval, classify, draw: using a trained model, and looking at the built-in digits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digits.h"
#include "json_writer.h"
#include "picture_fit.h"
#include "term.h"
#include "vision.h"

int cli_vision_eval(struct cli *cli) {
    const char *model = NULL, *data = NULL;
    const struct cli_option options[] = {{"--model", CLI_TEXT, &model, 0, 0, NULL}, {"--data", CLI_TEXT, &data, 0, 0, NULL}};
    struct vision_session session;
    struct image_set set;
    double accuracy;
    if (!cli_options(cli, options, 2)) return cli_report(cli, CLI_USAGE);
    if (cli->word_count > 0 || model == NULL || data == NULL) {
        cli_fail(&cli->error, cli->word_count > 0 ? "\"%s\" is not expected here" : "--model FILE and --data FOLDER are needed%.0s", cli->word_count > 0 ? cli->words[0] : "");
        return cli_report(cli, CLI_USAGE);
    }
    if (!vision_session_open(cli, model, &session)) return cli_report(cli, CLI_FAILED);
    bool fine = vision_load(data, IMAGE_SPLIT_TEST, &set, &cli->error);
    if (fine) {
        struct vision_data test = {&set, 0, set.count, 0};
        pgd_dataset dataset = vision_dataset(&test);
        fine = pgd_classifier_accuracy(session.classifier, &dataset, NULL, &accuracy) == PGD_OK || cli_fail_library(&cli->error);
        if (fine && cli->json) {
            struct json_writer json;
            json_start(&json, stdout);
            json_begin_object(&json, NULL);
            json_number(&json, "accuracy", accuracy);
            json_integer(&json, "images", (int64_t)set.count);
            fine = json_finish(&json) || cli_fail(&cli->error, "cannot write to standard output");
        } else if (fine)
            printf("%.2f %% of %zu images\n", 100 * accuracy, set.count);
        image_set_deinit(&set);
    }
    vision_session_close(&session);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}

/* ---- classify -------------------------------------------------------------------------------------------------------------------------------- */

/* The picture as the network wants it. */
static bool read_for(const struct vision_model *m, const char *file, uint8_t *pixels, struct cli_error *error) {
    struct picture picture;
    if (m->channels != 1) return cli_fail(error, "the model wants %d colour channels; classify reads grey pictures", m->channels);
    if (!picture_read(file, &picture, error)) return false;
    bool fine = true;
    if (m->digits)
        fine = picture_as_digit(&picture, file, pixels, error);
    else
        picture_fit(&picture, m->height, m->width, pixels);
    picture_deinit(&picture);
    return fine;
}

static int top_of(const float *p, int classes, int *top, int wanted) {
    int count = wanted < classes ? wanted : classes;
    for (int i = 0; i < count; i++) {
        top[i] = -1;
        for (int c = 0; c < classes; c++) {
            bool taken = false;
            for (int k = 0; k < i; k++) taken = taken || top[k] == c;
            if (!taken && (top[i] < 0 || p[c] > p[top[i]])) top[i] = c;
        }
    }
    return count;
}

static void show(const struct vision_model *m, const char *file, const uint8_t *pixels, const float *p, struct json_writer *json) {
    int top[5], count = top_of(p, m->class_count, top, 5), columns = 0;
    struct term term = term_open(stdout);
    char name[64];
    for (int i = 0; i < count; i++) {
        vision_class_name(m, top[i], name, sizeof name);
        if ((int)strlen(name) > columns) columns = (int)strlen(name);
    }
    if (json != NULL) {
        json_begin_object(json, NULL);
        json_string(json, "file", file);
        json_begin_array(json, "top");
    } else {
        printf("%s\n", file);
        term_picture(&term, pixels, m->height, m->width);
    }
    for (int i = 0; i < count; i++) {
        vision_class_name(m, top[i], name, sizeof name);
        if (json == NULL) {
            term_bar(&term, name, columns, (double)p[top[i]]);
            continue;
        }
        json_begin_object(json, NULL);
        json_string(json, "label", name);
        json_number(json, "p", (double)p[top[i]]);
        json_end(json);
    }
    if (json != NULL) json_end(json), json_end(json);
}

/* All pictures are read before the first is shown: a bad one spoils nothing. */
static bool classify(struct cli *cli, const struct vision_session *s, uint8_t *pixels, float *p) {
    int count = cli->word_count;
    size_t bytes = (size_t)(s->model.channels * s->model.height * s->model.width);
    struct json_writer json;
    for (int i = 0; i < count; i++)
        if (!read_for(&s->model, cli->words[i], pixels + (size_t)i * bytes, &cli->error)) return false;
    if (pgd_classifier_predict(s->classifier, pixels, count, NULL, p) != PGD_OK) return cli_fail_library(&cli->error);
    json_start(&json, stdout);
    if (cli->json) json_begin_object(&json, NULL), json_begin_array(&json, "results");
    for (int i = 0; i < count; i++) show(&s->model, cli->words[i], pixels + (size_t)i * bytes, p + (size_t)i * (size_t)s->model.class_count, cli->json ? &json : NULL);
    return !cli->json || json_finish(&json) || cli_fail(&cli->error, "cannot write to standard output");
}

int cli_vision_classify(struct cli *cli) {
    const char *model = NULL;
    const struct cli_option options[] = {{"--model", CLI_TEXT, &model, 0, 0, NULL}};
    struct vision_session session;
    if (!cli_options(cli, options, 1)) return cli_report(cli, CLI_USAGE);
    if (model == NULL || cli->word_count == 0) {
        cli_fail(&cli->error, "--model FILE and at least one picture are needed");
        return cli_report(cli, CLI_USAGE);
    }
    if (!vision_session_open(cli, model, &session)) return cli_report(cli, CLI_FAILED);
    size_t count = (size_t)cli->word_count, bytes = (size_t)(session.model.channels * session.model.height * session.model.width);
    uint8_t *pixels = malloc(count * bytes);
    float *p = malloc(count * (size_t)session.model.class_count * sizeof *p);
    bool fine = pixels != NULL && p != NULL ? classify(cli, &session, pixels, p) : cli_fail(&cli->error, "out of memory for %zu pictures; give fewer at once", count);
    free(pixels);
    free(p);
    vision_session_close(&session);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}

/* ---- draw ------------------------------------------------------------------------------------------------------------------------------------ */

int cli_vision_draw(struct cli *cli) {
    int64_t seed = 3, count = 10;
    const char *folder = NULL;
    const struct cli_option options[] = {{"--seed", CLI_INTEGER, &seed, 0, INT64_MAX, NULL}, {"--count", CLI_INTEGER, &count, 1, 100000, NULL}, {"--out-dir", CLI_TEXT, &folder, 0, 0, NULL}};
    if (!cli_options(cli, options, 3)) return cli_report(cli, CLI_USAGE);
    if (folder == NULL || cli->word_count > 0) {
        cli_fail(&cli->error, "--out-dir FOLDER is needed, and nothing but options");
        return cli_report(cli, CLI_USAGE);
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_fail(&cli->error, "%s: cannot make the folder: %s", folder, strerror(errno));
        return cli_report(cli, CLI_FAILED);
    }
    for (int64_t i = 0; i < count; i++) {
        uint8_t pixels[DIGIT_PIXELS], label;
        char path[4200];
        digits_draw((uint64_t)seed, (uint64_t)i, pixels, &label);
        snprintf(path, sizeof path, "%.4000s/digit-%lld-%d.pgm", folder, (long long)i, label);
        if (!picture_write_pgm(path, &(struct picture){28, 28, pixels}, &cli->error)) return cli_report(cli, CLI_FAILED);
    }
    if (!cli->quiet && !cli->json) printf("%lld pictures in %s\n", (long long)count, folder);
    if (cli->json) printf("{\"pictures\":%lld}\n", (long long)count);
    return CLI_DONE;
}
