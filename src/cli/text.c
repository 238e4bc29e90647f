/* SPDX-License-Identifier: Apache-2.0
 * The network of the text verbs, texts as data, and how well one predicts the other. */
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "byte_source.h"

/* ---- the network ---------------------------------------------------------------------------------------------------------------------------------- */

static pgd_layer *chain(pgd_layer *const *layers, int count) { return pgd_layer_named("", pgd_layer_sequential(layers, count)); }
static pgd_layer *skip(pgd_layer *body) { return pgd_layer_named("", pgd_layer_skip(body)); }

static pgd_layer *block(const struct text_model *m, int index) {
    char name[24];
    pgd_layer_attention_options causal;
    pgd_layer_attention_options_init(&causal, sizeof causal);
    causal.causal = true;
    pgd_layer *attention[] = {pgd_layer_named("norm1", pgd_layer_layer_norm(m->width, 1e-5)), pgd_layer_named("self_attn", pgd_layer_attention(m->width, m->heads, &causal)), pgd_layer_dropout(m->dropout)};
    pgd_layer *feed[] = {pgd_layer_named("norm2", pgd_layer_layer_norm(m->width, 1e-5)), pgd_layer_named("linear1", pgd_layer_linear(m->width, 4 * (int64_t)m->width, true)), pgd_layer_gelu(),
                         pgd_layer_named("linear2", pgd_layer_linear(4 * (int64_t)m->width, m->width, true)), pgd_layer_dropout(m->dropout)};
    pgd_layer *both[] = {skip(chain(attention, 3)), skip(chain(feed, 5))};
    snprintf(name, sizeof name, "layers.%d", index);
    return pgd_layer_named(name, pgd_layer_sequential(both, 2));
}

pgd_layer *text_net(const struct text_model *m, struct cli_error *error) {
    enum { LAYERS_MAX = 64 };
    pgd_layer *layers[LAYERS_MAX + 5];
    int count = 0;
    if (m->layers < 1 || m->layers > LAYERS_MAX || m->width < 1 || m->heads < 1 || m->width % m->heads != 0 || m->context < 2) {
        cli_fail(error, "%d layers, %d wide, %d heads, context %d do not make a network; use 1 to %d layers, a width that the heads divide, a context of at least 2", m->layers, m->width, m->heads, m->context, LAYERS_MAX);
        return NULL;
    }
    layers[count++] = pgd_layer_named("tokens", pgd_layer_embedding(TEXT_SYMBOLS, m->width));
    layers[count++] = pgd_layer_named("positions", pgd_layer_positions(m->context, m->width));
    layers[count++] = pgd_layer_dropout(m->dropout);
    for (int i = 0; i < m->layers; i++) layers[count++] = block(m, i);
    layers[count++] = pgd_layer_named("norm", pgd_layer_layer_norm(m->width, 1e-5));
    layers[count++] = pgd_layer_named("head", pgd_layer_linear(m->width, TEXT_SYMBOLS, false));
    pgd_layer *net = pgd_layer_sequential(layers, count);
    if (net == NULL) cli_fail_library(error);
    return net;
}

/* ---- texts ------------------------------------------------------------------------------------------------------------------------------------------ */

static bool read_all(struct byte_source *source, struct text_bytes *out, struct cli_error *error) {
    size_t room = 0, found;
    do {
        if (out->count == room) {
            uint8_t *more = realloc(out->bytes, room = room == 0 ? 1 << 20 : 2 * room);
            if (more == NULL) return cli_fail(error, "%s: no memory for %zu bytes", source->name, room);
            out->bytes = more;
        }
        if (!byte_source_read(source, out->bytes + out->count, room - out->count, &found, error)) return false;
        out->count += found;
    } while (out->count == room);
    return true;
}

bool text_read(const char *path, struct text_bytes *out, struct cli_error *error) {
    struct byte_source source;
    struct stat info;
    char inside[4096];
    *out = (struct text_bytes){0};
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        if (snprintf(inside, sizeof inside, "%s/input.txt", path) >= (int)sizeof inside - 4) return cli_fail(error, "%s: the path is too long", path);
        if (access(inside, F_OK) != 0) strcat(inside, ".gz");
        if (access(inside, F_OK) != 0) return cli_fail(error, "%s: there is no input.txt or input.txt.gz in that folder; give a file", path);
        path = inside;
    }
    if (!byte_source_open_file(&source, path, error)) return false;
    bool fine = read_all(&source, out, error);
    byte_source_close(&source);
    if (fine && out->count < 2) fine = cli_fail(error, "%s: %zu bytes are no text; give a file of at least 2", path, out->count);
    if (!fine) text_free(out);
    return fine;
}

void text_free(struct text_bytes *text) {
    free(text->bytes);
    *text = (struct text_bytes){0};
}

static void window(const uint8_t *from, int64_t count, int32_t *symbols, int32_t *next) {
    for (int64_t i = 0; i < count; i++) symbols[i] = from[i], next[i] = from[i + 1];
}

static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    const struct text_data *data = user;
    (void)index;
    window(data->bytes + random % (data->count - (size_t)data->context), data->context, fields[0], fields[1]);
}

pgd_dataset text_dataset(struct text_data *data) {
    data->fields[0] = (pgd_field){"symbols", PGD_I32, pgd_shape_of(1, data->context)};
    data->fields[1] = (pgd_field){"next", PGD_I32, pgd_shape_of(1, data->context)};
    return (pgd_dataset){.count = (int64_t)((data->count - 1) / (size_t)data->context), .fields = data->fields, .field_count = 2, .sample = sample, .user = data};
}

/* ---- the loss ----------------------------------------------------------------------------------------------------------------------------------------- */

/* Of each position, [N*T]. */
static pgd_value *losses(pgd_graph *g, const pgd_layer *layer, pgd_value *symbols, pgd_value *next, bool training) {
    pgd_value *logits = pgd_layer_forward(layer, g, symbols, training, "");
    if (logits == NULL || next == NULL) return NULL;
    return pgd_softmax_xent(g, pgd_reshape(g, logits, pgd_symshape_of(2, PGD_DIM_REST, TEXT_SYMBOLS)), pgd_flatten(g, next, 0), 0);
}

pgd_value *text_loss(void *user, pgd_graph *g, const pgd_layer *layer, pgd_value *const *fields, bool training) {
    (void)user;
    pgd_value *each = losses(g, layer, fields[0], fields[1], training);
    return each == NULL ? NULL : pgd_reshape(g, pgd_mean(g, each, (int32_t[]){0}, 1), (pgd_symshape){0});
}

enum { MEASURE_BATCH = 16 };

static pgd_status measure_plan(pgd_device *device, const struct text_model *m, const pgd_layer *layer, bool strict, pgd_plan **plan) {
    pgd_graph *g;
    pgd_plan_options o;
    pgd_plan_options_init(&o, sizeof o);
    o.strict = strict;
    if (pgd_graph_create(&g) != PGD_OK) return PGD_NO_MEMORY;
    pgd_symshape shape = pgd_symshape_of(2, pgd_graph_symbol(g, "N", 1, MEASURE_BATCH), pgd_graph_symbol(g, "T", 1, m->context));
    pgd_value *symbols = pgd_input(g, "symbols", PGD_I32, shape), *next = pgd_input(g, "next", PGD_I32, shape);
    pgd_output(g, "loss", pgd_sum(g, losses(g, layer, symbols, next, false), (int32_t[]){0}, 1));
    pgd_status status = pgd_plan_compile(device, g, &o, plan);
    pgd_graph_destroy(g);
    return status;
}

static pgd_status add_windows(pgd_run *run, const uint8_t *from, int64_t windows, int64_t length, int32_t *room, double *total) {
    float loss;
    int32_t *next = room + windows * length;
    for (int64_t i = 0; i < windows; i++) window(from + i * length, length, room + i * length, next + i * length);
    pgd_status status = pgd_run_set(run, "symbols", pgd_shape_of(2, windows, length), room);
    if (status == PGD_OK) status = pgd_run_set(run, "next", pgd_shape_of(2, windows, length), next);
    if (status == PGD_OK) status = pgd_run_execute(run);
    if (status == PGD_OK) status = pgd_run_get(run, "loss", &loss, sizeof loss);
    if (status == PGD_OK) *total += (double)loss;
    return status;
}

bool text_measure(struct cli *cli, pgd_device *device, const struct text_model *m, const pgd_layer *layer, pgd_state *state, const uint8_t *bytes, size_t count, double *loss) {
    pgd_plan *plan = NULL;
    pgd_run *run = NULL;
    double total = 0;
    int32_t *room = malloc(sizeof *room * 2 * MEASURE_BATCH * (size_t)m->context);
    if (room == NULL) return cli_fail(&cli->error, "no memory for windows of %d bytes", m->context);
    pgd_status status = measure_plan(device, m, layer, cli->strict, &plan);
    if (status == PGD_OK) status = pgd_run_create(plan, state, &run);
    for (size_t at = 0; status == PGD_OK && at + 1 < count;) {
        size_t left = count - 1 - at, length = left < (size_t)m->context ? left : (size_t)m->context, windows = left / length;
        if (windows > MEASURE_BATCH) windows = MEASURE_BATCH;
        status = add_windows(run, bytes + at, (int64_t)windows, (int64_t)length, room, &total);
        at += windows * length;
    }
    *loss = total / (double)(count - 1);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    free(room);
    return status == PGD_OK || cli_fail_library(&cli->error);
}
