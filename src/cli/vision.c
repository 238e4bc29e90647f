/* SPDX-License-Identifier: Apache-2.0
 * Image sets as data for training, and what a model says of itself. */
#include "vision.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BUILTIN_TRAIN = 60000, BUILTIN_TEST = 10000 };

void vision_options(const struct vision_model *m, pgd_classifier_options *o) {
    pgd_classifier_options_init(o, sizeof *o);
    o->channels = m->channels, o->height = m->height, o->width = m->width;
    for (int i = 0; i < 4; i++) o->mean[i] = m->mean[i < m->channels ? i : 0], o->deviation[i] = m->deviation[i < m->channels ? i : 0];
}

/* ---- sets ----------------------------------------------------------------------------------------------------------------------------------------- */

static void describe_channel(struct vision_model *m, const struct image_set *set, int channel) {
    uint64_t sum = 0, squares = 0, plane = (uint64_t)(set->height * set->width), pixels = (uint64_t)set->count * plane;
    for (size_t n = 0; n < set->count; n++) {
        const uint8_t *at = set->pixels + (n * (size_t)set->channels + (size_t)channel) * plane;
        for (uint64_t i = 0; i < plane; i++) {
            sum += at[i];
            squares += (uint64_t)at[i] * at[i];
        }
    }
    double mean = (double)sum / (double)pixels / 255, deviation = sqrt((double)squares / (double)pixels / 65025 - mean * mean);
    m->mean[channel] = floor(mean * 1e4 + 0.5) / 1e4; /* as many digits as the file shows */
    m->deviation[channel] = !(deviation >= 1e-3) ? 1 : floor(deviation * 1e4 + 0.5) / 1e4;
}

void vision_describe(struct vision_model *m, const char *net, const struct image_set *set) {
    *m = (struct vision_model){.channels = set->channels, .height = set->height, .width = set->width, .class_count = set->class_count};
    snprintf(m->net, sizeof m->net, "%s", net);
    for (int c = 0; c < set->channels; c++) describe_channel(m, set, c);
    m->digits = (set->kind == IMAGE_DIGITS || set->kind == IMAGE_IDX) && set->channels == 1 && set->height == 28 && set->width == 28 && set->class_count == 10 && strcmp(set->class_names[0], "0") == 0;
    for (int i = 0; i < set->class_count; i++) {
        size_t used = strlen(m->class_names);
        snprintf(m->class_names + used, sizeof m->class_names - used, "%s%s", i > 0 ? "|" : "", set->class_names[i]);
    }
}

void vision_class_name(const struct vision_model *m, int index, char *out, size_t out_bytes) {
    const char *at = m->class_names;
    for (int i = 0; i < index && *at != '\0'; i++) {
        at += strcspn(at, "|");
        if (*at == '|') at++;
    }
    snprintf(out, out_bytes, "%.*s", (int)strcspn(at, "|"), at);
}

bool vision_match(const struct vision_model *m, const char *name, struct image_set *set, struct cli_error *error) {
    uint8_t index[IMAGE_CLASSES_MAX];
    if (set->height != m->height || set->width != m->width)
        return cli_fail(error, "%s: pictures of %d x %d, but the model was trained on %d x %d; give data of the same kind", name, set->width, set->height, m->width, m->height);
    for (int i = 0; i < set->class_count && set->kind == IMAGE_PICTURES; i++) {
        char known[64];
        int k = 0;
        while (k < m->class_count && (vision_class_name(m, k, known, sizeof known), strcmp(known, set->class_names[i]) != 0)) k++;
        if (k == m->class_count) return cli_fail(error, "%s: the model knows no class \"%s\"; remove it, or give the data it was trained for", name, set->class_names[i]);
        index[i] = (uint8_t)k;
    }
    for (size_t i = 0; i < set->count && set->kind == IMAGE_PICTURES; i++) set->labels[i] = index[set->labels[i]];
    return image_set_convert(set, m->channels, error);
}

static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    const struct vision_data *data = user;
    const struct image_set *set = data->set;
    size_t at = data->first + (size_t)index;
    augment_picture(&data->augment, set->channels, set->height, set->width, set->pixels + at * (size_t)(set->channels * set->height * set->width), random, fields[0]);
    *(int32_t *)fields[1] = set->labels[at];
}

pgd_dataset vision_dataset(struct vision_data *data) {
    data->fields[0] = (pgd_field){"samples", PGD_U8, pgd_shape_of(3, data->set->channels, data->set->height, data->set->width)};
    data->fields[1] = (pgd_field){"labels", PGD_I32, {0}};
    return (pgd_dataset){.count = (int64_t)data->count, .fields = data->fields, .field_count = 2, .sample = sample, .user = data};
}

/* Test digits are of another seed than training digits. */
bool vision_load(const char *name, const struct image_form *form, enum image_split split, struct image_set *out, struct cli_error *error) {
    if (strcmp(name, "builtin") != 0) return image_set_load(name, form, split, out, error);
    return split == IMAGE_SPLIT_TRAIN ? image_set_draw(1, 0, BUILTIN_TRAIN, out, error) : image_set_draw(2, 0, BUILTIN_TEST, out, error);
}
