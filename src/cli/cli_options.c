/* SPDX-License-Identifier: Apache-2.0
 * Options of verbs, and what all verbs share. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool take_integer(struct cli *cli, const struct cli_option *option, const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0') return cli_fail(&cli->error, "%s: \"%s\" is no whole number", option->name, text);
    if (errno != 0 || value < option->lo || value > option->hi)
        return cli_fail(&cli->error, "%s: %s is outside %lld to %lld", option->name, text, (long long)option->lo, (long long)option->hi);
    *(int64_t *)option->to = value;
    return true;
}

static bool take_number(struct cli *cli, const struct cli_option *option, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (*end != '\0' || !isfinite(value)) return cli_fail(&cli->error, "%s: \"%s\" is no number", option->name, text);
    *(double *)option->to = value;
    return true;
}

/* The value of the option at words[*at]: behind its '=', else the next word. NULL with a sentence when there is none. An option is not taken for the
 * value that was forgotten before it. */
static const char *find_value(struct cli *cli, const struct cli_option *option, int *at) {
    const char *equals = strchr(cli->words[*at], '='), *value = NULL;
    if (equals != NULL)
        value = equals + 1;
    else if (*at + 1 < cli->word_count)
        value = cli->words[++*at];
    if (value == NULL || *value == '\0')
        cli_fail(&cli->error, "%s needs a value", option->name);
    else if (equals == NULL && strncmp(value, "--", 2) == 0)
        cli_fail(&cli->error, "%s needs a value, and \"%s\" looks like an option; write %s=%s if it is the value", option->name, value, option->name, value);
    else
        return value;
    return NULL;
}

static bool take_option(struct cli *cli, const struct cli_option *option, int *at) {
    const char *value = NULL;
    if (option->given != NULL) *option->given = true;
    if (option->kind == CLI_FLAG && strchr(cli->words[*at], '=') != NULL) return cli_fail(&cli->error, "%s takes no value; \"%s\" should be %s alone", option->name, cli->words[*at], option->name);
    if (option->kind != CLI_FLAG && (value = find_value(cli, option, at)) == NULL) return false;
    switch (option->kind) {
    case CLI_FLAG: *(bool *)option->to = true; return true;
    case CLI_TEXT: *(const char **)option->to = value; return true;
    case CLI_INTEGER: return take_integer(cli, option, value);
    default: return take_number(cli, option, value);
    }
}

static bool is_named(const char *word, const char *name) {
    size_t length = strcspn(word, "=");
    return strlen(name) == length && memcmp(word, name, length) == 0;
}

/* Words that are not taken move together. Those of an unknown option are an error, or stay with `strangers`. */
static bool take_options(struct cli *cli, const struct cli_option *options, int option_count, bool strangers) {
    int kept = 0, i = 0;
    for (; i < cli->word_count && strcmp(cli->words[i], "--") != 0; i++) {
        int k = 0;
        while (k < option_count && !is_named(cli->words[i], options[k].name)) k++;
        if (k < option_count) {
            if (!take_option(cli, &options[k], &i)) return false;
            continue;
        }
        if (!strangers && cli->words[i][0] == '-' && cli->words[i][1] != '\0')
            return cli_fail(&cli->error, "there is no option \"%.*s\" here; see `pagoda help %s`", (int)strcspn(cli->words[i], "="), cli->words[i], cli->verb);
        cli->words[kept++] = cli->words[i];
    }
    if (!strangers) i++; /* the "--" itself */
    while (i < cli->word_count) cli->words[kept++] = cli->words[i++];
    cli->word_count = kept;
    return true;
}

bool cli_options(struct cli *cli, const struct cli_option *options, int option_count) { return take_options(cli, options, option_count, false); }

bool cli_global_options(struct cli *cli, const struct cli_option *options, int option_count) { return take_options(cli, options, option_count, true); }

bool cli_no_words(struct cli *cli) {
    return cli->word_count == 0 || cli_fail(&cli->error, "\"%s\" is not expected here; `pagoda help %s` shows what is", cli->words[0], cli->verb);
}

bool cli_open_device(struct cli *cli, pgd_device **out) {
    pgd_device_options options;
    if (strcmp(cli->device, "null") == 0) return cli_fail(&cli->error, "--device: null computes nothing and is for planning in programs; use cpu");
    pgd_device_options_init(&options, sizeof options);
    options.threads = cli->threads;
    return pgd_device_open(cli->device, &options, out) == PGD_OK || cli_fail_library(&cli->error);
}
