/* SPDX-License-Identifier: Apache-2.0
 * What the text verbs share: the network, texts as data, and model files. A symbol is a byte. */
#ifndef TEXT_H
#define TEXT_H

#include "cli.h"

enum { TEXT_SYMBOLS = 256 };

/* What a model file says of itself; enough to rebuild the network around its tensors. */
struct text_model {
    int layers, width, heads, context;
    double dropout; /* while training */
};

/* A GPT (Radford et al., 2019) whose blocks have the names of PyTorch's TransformerEncoderLayer with norm_first. NULL with a sentence for extents that make none. */
pgd_layer *text_net(const struct text_model *model, struct cli_error *error);

/* Reads a whole file, plain or gzip; of a folder its input.txt or input.txt.gz. */
struct text_bytes {
    uint8_t *bytes;
    size_t count;
};
bool text_read(const char *path, struct text_bytes *out, struct cli_error *error);
void text_free(struct text_bytes *text);

/* Windows of a text at random places, as many an epoch as fit side by side: fields "symbols" and "next", i32 [context]. */
struct text_data {
    const uint8_t *bytes;
    size_t count;       /* above context */
    int context;
    pgd_field fields[2];
};
pgd_dataset text_dataset(struct text_data *data);

/* The loss of a batch of windows; user is not read. */
pgd_value *text_loss(void *user, pgd_graph *graph, const pgd_layer *layer, pgd_value *const *fields, bool training);

/* Mean loss in nats per byte over all of a text but its first byte, in windows of the context side by side. */
bool text_measure(struct cli *cli, pgd_device *device, const struct text_model *model, const pgd_layer *layer, pgd_state *state, const uint8_t *bytes, size_t count, double *loss);

/* ---- files -------------------------------------------------------------------------------------------------------------------------------------- */

bool text_save(const char *path, const struct text_model *model, const pgd_state *state, struct cli_error *error);

/* A model opened for use. */
struct text_session {
    struct text_model model;
    pgd_device *device;
    pgd_state *state;
    pgd_layer *layer;
};
bool text_session_open(struct cli *cli, const char *path, struct text_session *out);
void text_session_close(struct text_session *session);

#endif
