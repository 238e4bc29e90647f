/* SPDX-License-Identifier: Apache-2.0
 * Model files of the text verbs: safetensors whose metadata describes the network. Nothing in them depends on time, host or path. */
#include <string.h>

#include "model_file.h"
#include "text.h"

#define FORMAT "pagoda-text-1"

bool text_save(const char *path, const struct text_model *m, const pgd_state *state, struct cli_error *error) {
    static const char *const skip[] = {"optimizer.", "trainer.", "random", "cache.", "average."};
    char numbers[4][16];
    const int values[4] = {m->layers, m->width, m->heads, m->context};
    for (int i = 0; i < 4; i++) snprintf(numbers[i], sizeof numbers[i], "%d", values[i]);
    const pgd_metadata metadata[] = {{"format", FORMAT}, {"layers", numbers[0]}, {"width", numbers[1]}, {"heads", numbers[2]}, {"context", numbers[3]}, {"symbols", "bytes"}};
    return pgd_state_save(state, path, metadata, sizeof metadata / sizeof metadata[0], skip, sizeof skip / sizeof skip[0], NULL) == PGD_OK || cli_fail_library(error);
}

static bool describe(const char *path, struct text_model *m, struct cli_error *error) {
    *m = (struct text_model){0};
    if (!model_file_check(path, FORMAT, "text train", error)) return false;
    return model_file_integer(path, "layers", 1, 64, &m->layers, error) && model_file_integer(path, "width", 1, 65536, &m->width, error) && model_file_integer(path, "heads", 1, 1024, &m->heads, error) &&
           model_file_integer(path, "context", 1, 1 << 20, &m->context, error);
}

bool text_session_open(struct cli *cli, const char *path, struct text_session *s) {
    memset(s, 0, sizeof *s);
    bool fine = describe(path, &s->model, &cli->error) && cli_open_device(cli, &s->device) && (pgd_state_create(s->device, &s->state) == PGD_OK || cli_fail_library(&cli->error)) &&
                (pgd_state_load(s->state, path, NULL) == PGD_OK || cli_fail_library(&cli->error)) && (s->layer = text_net(&s->model, &cli->error)) != NULL;
    if (!fine) text_session_close(s);
    return fine;
}

void text_session_close(struct text_session *s) {
    pgd_layer_destroy(s->layer);
    pgd_state_destroy(s->state);
    pgd_device_close(s->device);
    memset(s, 0, sizeof *s);
}
