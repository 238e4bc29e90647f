/* SPDX-License-Identifier: Apache-2.0
 * pagoda text generate: continues a prompt, byte by byte as they come. Keys and values of what was read stay in the state, so a new symbol costs one
 * position; when the context is full, its second half is read again as the beginning of a new one. Both sizes of runs are prepared before the first byte. */
#include <stdlib.h>
#include <string.h>

#include "json_writer.h"
#include "term_progress.h"
#include "text.h"
#include "text_sample.h"

struct generate {
    struct cli *cli;
    const char *model, *prompt;
    int64_t length, seed, top_k;
    struct text_choice choice;
    struct text_session session;
    pgd_plan *plan;
    pgd_run *run;
    uint8_t *text;            /* prompt and what follows */
    size_t count, prompt_count;
    int32_t *symbols;         /* of one run */
    size_t read, first;       /* bytes of text in the cache are [first, read) */
    float logits[TEXT_SYMBOLS];
    double seconds;
};

static bool parse(struct generate *t) {
    *t = (struct generate){.cli = t->cli, .prompt = "\n", .length = 500, .choice = {.temperature = 0.8, .top_p = 1}};
    const struct cli_option options[] = {
        {"--model", CLI_TEXT, &t->model, 0, 0, NULL},
        {"--prompt", CLI_TEXT, &t->prompt, 0, 0, NULL},
        {"--length", CLI_INTEGER, &t->length, 1, 1 << 30, NULL},
        {"--temperature", CLI_NUMBER, &t->choice.temperature, 0, 0, NULL},
        {"--top-k", CLI_INTEGER, &t->top_k, 1, TEXT_SYMBOLS, NULL},
        {"--top-p", CLI_NUMBER, &t->choice.top_p, 0, 0, NULL},
        {"--seed", CLI_INTEGER, &t->seed, 0, INT64_MAX, NULL},
    };
    if (!cli_options(t->cli, options, sizeof options / sizeof options[0]) || !cli_no_words(t->cli)) return false;
    t->choice.top_k = (int)t->top_k;
    if (t->model == NULL) return cli_fail(&t->cli->error, "--model is missing; give a file that text train wrote");
    if (t->prompt[0] == '\0') return cli_fail(&t->cli->error, "--prompt: it is empty; give at least one character, or leave the option out");
    if (!(t->choice.temperature >= 0 && t->choice.temperature <= 100)) return cli_fail(&t->cli->error, "--temperature: %g; use 0 to 100", t->choice.temperature);
    if (!(t->choice.top_p > 0 && t->choice.top_p <= 1)) return cli_fail(&t->cli->error, "--top-p: %g; use above 0 up to 1", t->choice.top_p);
    return true;
}

static pgd_status compile(struct generate *t) {
    pgd_graph *g;
    pgd_plan_options o;
    int64_t context = t->session.model.context;
    pgd_plan_options_init(&o, sizeof o);
    o.strict = t->cli->strict;
    if (pgd_graph_create(&g) != PGD_OK) return PGD_NO_MEMORY;
    pgd_dim T = pgd_graph_symbol(g, "T", 1, context);
    pgd_value *x = pgd_input(g, "symbols", PGD_I32, pgd_symshape_of(2, 1, T)), *start = pgd_input(g, "start", PGD_I32, (pgd_symshape){0});
    pgd_output(g, "logits", pgd_layer_continue(t->session.layer, g, x, start, context, ""));
    pgd_status status = pgd_plan_compile(t->session.device, g, &o, &t->plan);
    pgd_graph_destroy(g);
    if (status == PGD_OK) status = pgd_layer_cache(t->session.layer, "", 1, context, t->session.state);
    return status == PGD_OK ? pgd_run_create(t->plan, t->session.state, &t->run) : status;
}

/* Reads text up to `end` into the cache; the logits are those of what comes next. */
static pgd_status advance(struct generate *t, size_t end) {
    size_t context = (size_t)t->session.model.context;
    if (end - t->first > context) t->first = t->read = end - (context + 1) / 2;
    size_t length = end - t->read;
    int32_t start = (int32_t)(t->read - t->first);
    for (size_t i = 0; i < length; i++) t->symbols[i] = t->text[t->read + i];
    pgd_status status = pgd_run_set(t->run, "symbols", pgd_shape_of(2, 1, length), t->symbols);
    if (status == PGD_OK) status = pgd_run_set(t->run, "start", (pgd_shape){0}, &start);
    if (status == PGD_OK) status = pgd_run_execute(t->run);
    t->read = end;
    float *all = status == PGD_OK ? malloc(length * sizeof t->logits) : NULL;
    if (status == PGD_OK && all == NULL) return PGD_NO_MEMORY;
    if (status == PGD_OK) status = pgd_run_get(t->run, "logits", all, length * sizeof t->logits);
    if (status == PGD_OK) memcpy(t->logits, all + (length - 1) * TEXT_SYMBOLS, sizeof t->logits);
    free(all);
    return status;
}

/* The text will outgrow the context: a run of half of it over what comes to hand makes the plan ready; whatever it leaves in the cache is overwritten before it is seen. */
static bool prepare(struct generate *t) {
    size_t context = (size_t)t->session.model.context, half = (context + 1) / 2;
    int32_t start = 0;
    if (t->count + (size_t)t->length <= context) return true;
    for (size_t i = 0; i < half; i++) t->symbols[i] = 0;
    pgd_status status = pgd_run_set(t->run, "symbols", pgd_shape_of(2, 1, half), t->symbols);
    if (status == PGD_OK) status = pgd_run_set(t->run, "start", (pgd_shape){0}, &start);
    return (status == PGD_OK ? pgd_run_execute(t->run) : status) == PGD_OK || cli_fail_library(&t->cli->error);
}

static bool generate(struct generate *t) {
    bool stream = !t->cli->json;
    uint64_t start_ns = term_now_ns();
    t->prompt_count = t->count = strlen(t->prompt);
    t->text = malloc(t->count + (size_t)t->length);
    t->symbols = malloc(sizeof *t->symbols * (size_t)t->session.model.context);
    if (t->text == NULL || t->symbols == NULL) return cli_fail(&t->cli->error, "no memory for %lld bytes", (long long)t->length);
    memcpy(t->text, t->prompt, t->count);
    if (!prepare(t)) return false;
    if (stream) fwrite(t->text, 1, t->count, stdout);
    for (int64_t i = 0; i < t->length; i++) {
        if (advance(t, t->count) != PGD_OK) return cli_fail_library(&t->cli->error);
        uint8_t next = (uint8_t)text_choose(&t->choice, t->logits, text_draw((uint64_t)t->seed, (uint64_t)i));
        t->text[t->count++] = next;
        if (stream && (fputc(next, stdout) == EOF || fflush(stdout) != 0)) return cli_fail(&t->cli->error, "the text cannot be written: standard output is closed or full");
    }
    t->seconds = (double)(term_now_ns() - start_ns) / 1e9;
    if (stream) fputc('\n', stdout);
    return true;
}

static void report(const struct generate *t) {
    struct json_writer json;
    char *text = malloc(t->count - t->prompt_count + 1);
    if (text == NULL) return;
    memcpy(text, t->text + t->prompt_count, t->count - t->prompt_count);
    text[t->count - t->prompt_count] = '\0';
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_string(&json, "text", text);
    json_number(&json, "tokens_per_s", (double)t->length / t->seconds);
    json_finish(&json);
    free(text);
}

int cli_text_generate(struct cli *cli) {
    struct generate t = {.cli = cli};
    if (!parse(&t)) return cli_report(cli, CLI_USAGE);
    bool fine = text_session_open(cli, t.model, &t.session) && (compile(&t) == PGD_OK || cli_fail_library(&cli->error)) && generate(&t);
    if (fine && cli->json) report(&t);
    pgd_run_destroy(t.run);
    pgd_plan_destroy(t.plan);
    text_session_close(&t.session);
    free(t.text);
    free(t.symbols);
    return fine ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
