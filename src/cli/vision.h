/* SPDX-License-Identifier: Apache-2.0
 * What the vision verbs share: networks by name, image sets as data for training, and the files they are kept in. */
#ifndef VISION_H
#define VISION_H

#include "augment.h"
#include "cli.h"
#include "image_set.h"

/* What a model file says of itself; enough to rebuild the network around its tensors. */
struct vision_model {
    char net[16];            /* "mlp", "cnn", "resnet" */
    int channels, height, width, class_count; /* 1 or 3 channels */
    double mean[3], deviation[3]; /* of bytes / 255, per channel */
    bool digits;             /* pictures are brought to MNIST's looks before they are shown to the network */
    char class_names[IMAGE_CLASSES_MAX * (IMAGE_CLASS_NAME_BYTES_MAX + 1)]; /* joined by '|' */
};

/* NULL with a sentence for an unknown name or sizes the network cannot take. */
pgd_layer *vision_net(const struct vision_model *model, struct cli_error *error);

/* Sizes, names, mean and deviation of a training set. */
void vision_describe(struct vision_model *model, const char *net, const struct image_set *set);

/* Copies the name of class `index`. */
void vision_class_name(const struct vision_model *model, int index, char *out, size_t out_bytes);

/* As options of nn. */
void vision_options(const struct vision_model *model, pgd_classifier_options *out);

/* A set as a data set of nn. */
struct vision_data {
    const struct image_set *set;
    size_t first, count;
    struct augment augment; /* zeros: pictures are shown as they are */
    pgd_field fields[2]; /* filled by vision_dataset */
};
pgd_dataset vision_dataset(struct vision_data *data);

/* Loads "builtin" or a folder; form is for folders of pictures and may be NULL. */
bool vision_load(const char *name, const struct image_form *form, enum image_split split, struct image_set *out, struct cli_error *error);

/* Brings a set to what the model takes: grey to colour or the reverse, and labels of one's own pictures, which are known by name, to the model's. */
bool vision_match(const struct vision_model *model, const char *name, struct image_set *set, struct cli_error *error);

/* ---- files -------------------------------------------------------------------------------------------------------------------------------- */

bool vision_save(const char *path, const struct vision_model *model, const pgd_state *state, struct cli_error *error);
bool vision_open(const char *path, struct vision_model *model, pgd_state *state, struct cli_error *error);

/* A model opened for inference. */
struct vision_session {
    struct vision_model model;
    pgd_device *device;
    pgd_state *state;
    pgd_layer *layer;
    pgd_classifier *classifier;
};
bool vision_session_open(struct cli *cli, const char *path, struct vision_session *out);
void vision_session_close(struct vision_session *session);

#endif
