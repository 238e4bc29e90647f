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
    for (int i = 0; i < 4; i++) o->mean[i] = m->mean, o->deviation[i] = m->deviation;
}

/* ---- sets ----------------------------------------------------------------------------------------------------------------------------------------- */

void vision_describe(struct vision_model *m, const char *net, const struct image_set *set) {
    uint64_t sum = 0, squares = 0, pixels = (uint64_t)set->count * (uint64_t)(set->channels * set->height * set->width);
    *m = (struct vision_model){.channels = set->channels, .height = set->height, .width = set->width, .class_count = set->class_count};
    snprintf(m->net, sizeof m->net, "%s", net);
    for (uint64_t i = 0; i < pixels; i++) {
        sum += set->pixels[i];
        squares += (uint64_t)set->pixels[i] * set->pixels[i];
    }
    double mean = (double)sum / (double)pixels / 255, deviation = sqrt((double)squares / (double)pixels / 65025 - mean * mean);
    m->mean = floor(mean * 1e4 + 0.5) / 1e4; /* as many digits as the file shows */
    m->deviation = deviation < 1e-3 ? 1 : floor(deviation * 1e4 + 0.5) / 1e4;
    m->digits = set->height == 28 && set->width == 28 && set->class_count == 10 && strcmp(set->class_names[0], "0") == 0;
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

static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    const struct vision_data *data = user;
    uint8_t *to = fields[0];
    int32_t *label = fields[1];
    const struct image_set *set = data->set;
    size_t at = data->first + (size_t)index;
    int H = set->height, W = set->width, span = 2 * data->shift + 1;
    const uint8_t *from = set->pixels + at * (size_t)(set->channels * H * W);
    *label = set->labels[at];
    if (data->shift == 0) {
        memcpy(to, from, (size_t)(set->channels * H * W));
        return;
    }
    int down = (int)(random % (uint64_t)span) - data->shift, right = (int)((random >> 32) % (uint64_t)span) - data->shift;
    for (int c = 0; c < set->channels; c++)
        for (int y = 0; y < H; y++)
            for (int x = 0; x < W; x++) {
                int sy = y - down, sx = x - right;
                *to++ = sy < 0 || sy >= H || sx < 0 || sx >= W ? 0 : from[(c * H + sy) * W + sx];
            }
}

pgd_dataset vision_dataset(struct vision_data *data) {
    data->fields[0] = (pgd_field){"samples", PGD_U8, pgd_shape_of(3, data->set->channels, data->set->height, data->set->width)};
    data->fields[1] = (pgd_field){"labels", PGD_I32, {0}};
    return (pgd_dataset){.count = (int64_t)data->count, .fields = data->fields, .field_count = 2, .sample = sample, .user = data};
}

/* Test digits are of another seed than training digits. */
bool vision_load(const char *name, enum image_split split, struct image_set *out, struct cli_error *error) {
    if (strcmp(name, "builtin") != 0) return image_set_load(name, split, out, error);
    return split == IMAGE_SPLIT_TRAIN ? image_set_draw(1, 0, BUILTIN_TRAIN, out, error) : image_set_draw(2, 0, BUILTIN_TEST, out, error);
}
