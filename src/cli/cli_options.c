/* SPDX-License-Identifier: Apache-2.0
 * Options of verbs, and what all verbs share. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

int cli_report(const struct cli *cli, int code) {
    fprintf(stderr, "pagoda: %s\n", cli->error.text);
    return code;
}

bool cli_fail_library(struct cli_error *error) { return cli_fail(error, "%s", pgd_error_text()); }

static bool take_integer(struct cli *cli, const struct cli_option *option, const char *text) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0) return cli_fail(&cli->error, "%s: \"%s\" is no whole number", option->name, text);
    if (value < option->lo || value > option->hi)
        return cli_fail(&cli->error, "%s: %lld is outside %lld to %lld", option->name, value, (long long)option->lo, (long long)option->hi);
    *(int64_t *)option->to = value;
    return true;
}

static bool take_number(struct cli *cli, const struct cli_option *option, const char *text) {
    char *end;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !isfinite(value)) return cli_fail(&cli->error, "%s: \"%s\" is no number", option->name, text);
    *(double *)option->to = value;
    return true;
}

static bool take_option(struct cli *cli, const struct cli_option *option, int *at) {
    const char *value = NULL;
    if (option->given != NULL) *option->given = true;
    if (option->kind != CLI_FLAG) {
        if (*at + 1 >= cli->word_count) return cli_fail(&cli->error, "%s needs a value", option->name);
        value = cli->words[++*at];
    }
    switch (option->kind) {
    case CLI_FLAG: *(bool *)option->to = true; return true;
    case CLI_TEXT: *(const char **)option->to = value; return true;
    case CLI_INTEGER: return take_integer(cli, option, value);
    default: return take_number(cli, option, value);
    }
}

bool cli_options(struct cli *cli, const struct cli_option *options, int option_count) {
    int kept = 0;
    for (int i = 0; i < cli->word_count; i++) {
        int k = 0;
        if (strncmp(cli->words[i], "--", 2) != 0) {
            cli->words[kept++] = cli->words[i];
            continue;
        }
        while (k < option_count && strcmp(cli->words[i], options[k].name) != 0) k++;
        if (k == option_count) return cli_fail(&cli->error, "there is no option \"%s\" here; see `pagoda help VERB`", cli->words[i]);
        if (!take_option(cli, &options[k], &i)) return false;
    }
    cli->word_count = kept;
    return true;
}

bool cli_open_device(struct cli *cli, pgd_device **out) {
    pgd_device_options options;
    if (strcmp(cli->device, "null") == 0) return cli_fail(&cli->error, "--device: null computes nothing and is for planning in programs; use cpu");
    pgd_device_options_init(&options, sizeof options);
    options.threads = cli->threads;
    return pgd_device_open(cli->device, &options, out) == PGD_OK || cli_fail_library(&cli->error);
}
