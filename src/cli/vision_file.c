/* SPDX-License-Identifier: Apache-2.0
 * Model files: safetensors whose metadata describes the network. Nothing in them depends on time, host or path. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model_file.h"
#include "vision.h"

#define FORMAT "pagoda-vision-1"

/* "0.4914,0.4822,0.4465"; a grey one is a number alone */
static void join(const double *numbers, int count, char *out, size_t out_bytes) {
    size_t used = 0;
    for (int i = 0; i < count && used < out_bytes; i++) used += (size_t)snprintf(out + used, out_bytes - used, "%s%.4f", i > 0 ? "," : "", numbers[i]);
}

bool vision_save(const char *path, const struct vision_model *m, const pgd_state *state, struct cli_error *error) {
    char numbers[4][32], mean[64], deviation[64];
    static const char *const skip[] = {"optimizer.", "trainer.", "random"};
    const int values[4] = {m->channels, m->height, m->width, m->class_count};
    for (int i = 0; i < 4; i++) snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    join(m->mean, m->channels, mean, sizeof mean);
    join(m->deviation, m->channels, deviation, sizeof deviation);
    const pgd_metadata metadata[] = {{"format", FORMAT},        {"net", m->net},          {"channels", numbers[0]},    {"height", numbers[1]},
                                     {"width", numbers[2]},     {"mean", mean},           {"deviation", deviation},    {"class_count", numbers[3]},
                                     {"classes", m->class_names}, {"pictures", m->digits ? "digits" : "plain"}};
    return pgd_state_save(state, path, metadata, sizeof metadata / sizeof metadata[0], skip, 3, NULL) == PGD_OK || cli_fail_library(error);
}

/* One number for each channel, or one for all. */
static bool numbers_of(const char *path, const char *key, int channels, double out[3], struct cli_error *error) {
    char text[128], *at = text;
    int count = 0;
    if (!model_file_text(path, key, text, sizeof text, error)) return false;
    for (;; at++) {
        char *end;
        double number = strtod(at, &end);
        if (end == at || (*end != ',' && *end != '\0') || !(number > -1e6 && number < 1e6) || count == 3) break;
        out[count++] = number;
        at = end;
        if (*at != '\0') continue;
        for (int i = 1; i < channels && count == 1; i++) out[i] = out[0];
        if (count == 1 || count == channels) return true;
        break;
    }
    return cli_fail(error, "%s: metadata \"%s\" is \"%s\"; %s expected", path, key, text, channels == 1 ? "one number was" : "three numbers with commas between them, or one for all channels, were");
}

static bool describe(const char *path, struct vision_model *m, struct cli_error *error) {
    char pictures[16];
    memset(m, 0, sizeof *m);
    if (!model_file_check(path, FORMAT, "vision train", error)) return false;
    if (!model_file_text(path, "net", m->net, sizeof m->net, error) || !model_file_integer(path, "channels", 1, 16, &m->channels, error) || !model_file_integer(path, "height", 4, 4096, &m->height, error) ||
        !model_file_integer(path, "width", 4, 4096, &m->width, error) || !model_file_integer(path, "class_count", 1, IMAGE_CLASSES_MAX, &m->class_count, error) || !model_file_text(path, "classes", m->class_names, sizeof m->class_names, error) || !model_file_text(path, "pictures", pictures, sizeof pictures, error))
        return false;
    for (const char *c = m->class_names; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) return cli_fail(error, "%s: metadata \"classes\" holds control characters, which a terminal would obey; the file is damaged or made to deceive", path);
    if (m->channels != 1 && m->channels != 3) return cli_fail(error, "%s: metadata \"channels\" is %d; 1 (grey) or 3 (red, green and blue) was expected", path, m->channels);
    if (!numbers_of(path, "mean", m->channels, m->mean, error) || !numbers_of(path, "deviation", m->channels, m->deviation, error)) return false;
    for (int c = 0; c < m->channels; c++)
        if (!(m->deviation[c] > 0)) return cli_fail(error, "%s: metadata \"deviation\" is %g; it must be above 0", path, m->deviation[c]);
    m->digits = strcmp(pictures, "digits") == 0;
    if (m->digits && (m->channels != 1 || m->height != 28 || m->width != 28)) return cli_fail(error, "%s: digits must be 1 x 28 x 28, the file says %d x %d x %d", path, m->channels, m->height, m->width);
    return true;
}

bool vision_open(const char *path, struct vision_model *m, pgd_state *state, struct cli_error *error) {
    if (!describe(path, m, error)) return false;
    return pgd_state_load(state, path, NULL) == PGD_OK || cli_fail_library(error);
}

bool vision_session_open(struct cli *cli, const char *path, struct vision_session *s) {
    pgd_classifier_options options;
    memset(s, 0, sizeof *s);
    bool fine = cli_open_device(cli, &s->device) && (pgd_state_create(s->device, &s->state) == PGD_OK || cli_fail_library(&cli->error)) &&
                vision_open(path, &s->model, s->state, &cli->error) && (s->layer = vision_net(&s->model, &cli->error)) != NULL;
    if (fine) {
        vision_options(&s->model, &options);
        options.strict = cli->strict;
        fine = pgd_classifier_create(s->device, s->layer, s->state, &options, &s->classifier) == PGD_OK || cli_fail_library(&cli->error);
    }
    if (!fine) vision_session_close(s);
    return fine;
}

void vision_session_close(struct vision_session *s) {
    pgd_classifier_destroy(s->classifier);
    pgd_layer_destroy(s->layer);
    pgd_state_destroy(s->state);
    pgd_device_close(s->device);
    memset(s, 0, sizeof *s);
}
