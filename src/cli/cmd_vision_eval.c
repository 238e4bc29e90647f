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
    if (!cli_options(cli, options, 2) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    if (model == NULL || data == NULL) {
        cli_fail(&cli->error, "--model FILE and --data FOLDER are needed");
        return cli_report(cli, CLI_USAGE);
    }
    if (!vision_session_open(cli, model, &session)) return cli_report(cli, CLI_FAILED);
    const struct image_form form = {session.model.channels, session.model.height, session.model.width, session.model.digits};
    bool fine = vision_load(data, &form, IMAGE_SPLIT_TEST, &set, &cli->error);
    if (fine) {
        if (set.remark[0] != '\0') cli_notice(cli, "%s", set.remark);
        struct vision_data test = {.set = &set, .count = set.count};
        fine = vision_match(&session.model, data, &set, &cli->error);
        pgd_dataset dataset = vision_dataset(&test);
        fine = fine && (pgd_classifier_accuracy(session.classifier, &dataset, NULL, &accuracy) == PGD_OK || cli_fail_library(&cli->error));
        if (fine && cli->json) {
            struct json_writer json;
            json_start(&json, stdout);
            json_begin_object(&json, NULL);
            json_number(&json, "accuracy", accuracy);
            json_integer(&json, "images", (int64_t)set.count);
            json_finish(&json);
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
    if (!picture_read(file, &picture, error)) return false;
    bool fine = true;
    if (m->digits) {
        picture_make_grey(&picture);
        fine = picture_as_digit(&picture, file, pixels, error);
    } else
        picture_fit_channels(&picture, m->channels, m->height, m->width, pixels);
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

static void show_json(const struct vision_model *m, const char *file, const char *error, const float *p, struct json_writer *json) {
    int top[5], count = error[0] == '\0' ? top_of(p, m->class_count, top, 5) : 0;
    json_begin_object(json, NULL);
    json_string(json, "file", file);
    json_begin_array(json, "top");
    for (int i = 0; i < count; i++) {
        char name[64];
        vision_class_name(m, top[i], name, sizeof name);
        json_begin_object(json, NULL);
        json_string(json, "label", name);
        json_number(json, "p", (double)p[top[i]]);
        json_end(json);
    }
    json_end(json);
    if (error[0] != '\0') json_string(json, "error", error);
    json_end(json);
}

static void show(const struct vision_model *m, const char *file, const uint8_t *pixels, const float *p, bool quiet) {
    int top[5], count = top_of(p, m->class_count, top, 5), columns = 0;
    struct term term = term_open(stdout);
    char names[5][64];
    for (int i = 0; i < count; i++) {
        vision_class_name(m, top[i], names[i], sizeof names[i]);
        if ((int)strlen(names[i]) > columns) columns = (int)strlen(names[i]);
    }
    if (quiet) {
        printf("%s: %s %.1f %%\n", file, names[0], 100 * (double)p[top[0]]);
        return;
    }
    printf("%s\n", file);
    term_picture(&term, pixels, m->height, m->width);
    for (int i = 0; i < count; i++) term_bar(&term, names[i], columns, (double)p[top[i]]);
}

/* What is known of each of the pictures; a bad one has a sentence, and zeros for pixels. */
struct pictures {
    size_t count, bytes_each;
    uint8_t *pixels;
    float *p;
    struct cli_error *errors;
};

static bool pictures_init(struct pictures *all, size_t count, const struct vision_model *m, struct cli_error *error) {
    *all = (struct pictures){.count = count, .bytes_each = (size_t)(m->channels * m->height * m->width)};
    all->pixels = calloc(count, all->bytes_each);
    all->p = calloc(count, (size_t)m->class_count * sizeof *all->p);
    all->errors = calloc(count, sizeof *all->errors);
    return (all->pixels != NULL && all->p != NULL && all->errors != NULL) || cli_fail(error, "out of memory for %zu pictures; give fewer at once", count);
}

static void pictures_deinit(struct pictures *all) {
    free(all->pixels);
    free(all->p);
    free(all->errors);
}

/* A bad picture gets its sentence and spoils nothing for the others; *all_good says whether there was none. */
static bool classify(struct cli *cli, const struct vision_session *s, struct pictures *all, bool *all_good) {
    const struct vision_model *m = &s->model;
    struct json_writer json;
    *all_good = true;
    for (size_t i = 0; i < all->count; i++) {
        if (read_for(m, cli->words[i], all->pixels + i * all->bytes_each, &all->errors[i])) continue;
        cli->error = all->errors[i];
        cli_report(cli, CLI_FAILED);
        *all_good = false;
    }
    if (pgd_classifier_predict(s->classifier, all->pixels, (int64_t)all->count, NULL, all->p) != PGD_OK) return cli_fail_library(&cli->error);
    json_start(&json, stdout);
    if (cli->json) json_begin_object(&json, NULL), json_begin_array(&json, "results");
    for (size_t i = 0; i < all->count; i++) {
        const char *error = all->errors[i].text;
        const float *p = all->p + i * (size_t)m->class_count;
        if (cli->json)
            show_json(m, cli->words[i], error, p, &json);
        else if (error[0] == '\0') {
            if (m->channels == 3) picture_grey_planes(all->pixels + i * all->bytes_each, all->bytes_each / 3); /* the terminal's are grey */
            show(m, cli->words[i], all->pixels + i * all->bytes_each, p, cli->quiet);
        }
    }
    if (cli->json) json_finish(&json);
    return true;
}

int cli_vision_classify(struct cli *cli) {
    const char *model = NULL;
    const struct cli_option options[] = {{"--model", CLI_TEXT, &model, 0, 0, NULL}};
    struct vision_session session;
    struct pictures all;
    bool all_good;
    if (!cli_options(cli, options, 1)) return cli_report(cli, CLI_USAGE);
    if (model == NULL || cli->word_count == 0) {
        cli_fail(&cli->error, "--model FILE and at least one picture are needed");
        return cli_report(cli, CLI_USAGE);
    }
    if (!vision_session_open(cli, model, &session)) return cli_report(cli, CLI_FAILED);
    bool fine = pictures_init(&all, (size_t)cli->word_count, &session.model, &cli->error) && classify(cli, &session, &all, &all_good);
    pictures_deinit(&all);
    vision_session_close(&session);
    if (!fine) return cli_report(cli, CLI_FAILED);
    return all_good ? CLI_DONE : CLI_FAILED;
}

/* ---- draw ------------------------------------------------------------------------------------------------------------------------------------ */

int cli_vision_draw(struct cli *cli) {
    int64_t seed = 3, count = 10;
    const char *folder = NULL;
    const struct cli_option options[] = {{"--seed", CLI_INTEGER, &seed, 0, INT64_MAX, NULL}, {"--count", CLI_INTEGER, &count, 1, 100000, NULL}, {"--out-dir", CLI_TEXT, &folder, 0, 0, NULL}};
    if (!cli_options(cli, options, 3) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    if (folder == NULL) {
        cli_fail(&cli->error, "--out-dir FOLDER is needed");
        return cli_report(cli, CLI_USAGE);
    }
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
        cli_fail(&cli->error, "%s: cannot make the folder: %s; give one in a folder that exists and is yours", folder, strerror(errno));
        return cli_report(cli, CLI_FAILED);
    }
    for (int64_t i = 0; i < count; i++) {
        uint8_t pixels[DIGIT_PIXELS], label;
        char path[4200];
        digits_draw((uint64_t)seed, (uint64_t)i, pixels, &label);
        snprintf(path, sizeof path, "%.4000s/digit-%lld-%d.pgm", folder, (long long)i, label);
        if (!picture_write_pgm(path, &(struct picture){1, 28, 28, pixels}, &cli->error)) return cli_report(cli, CLI_FAILED);
    }
    if (!cli->quiet && !cli->json) printf("%lld pictures in %s\n", (long long)count, folder);
    if (cli->json) printf("{\"pictures\": %lld}\n", (long long)count);
    return CLI_DONE;
}
