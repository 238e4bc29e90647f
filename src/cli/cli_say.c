/* SPDX-License-Identifier: Apache-2.0
 * What the command says beside its results. */
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "term_progress.h"

/* One line whatever the text holds: names and messages come from files too, and what a terminal would obey is shown as '?'. A line of progress
 * gives way, and results printed before come before. */
static void say(const struct cli *cli, const char *text) {
    char line[sizeof cli->error.text];
    snprintf(line, sizeof line, "%s", text);
    for (char *c = line; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
    if (cli->progress != NULL) term_progress_clear(cli->progress);
    fflush(stdout);
    fprintf(stderr, "pagoda: %s\n", line);
}

int cli_report(const struct cli *cli, int code) {
    say(cli, cli->error.text);
    return code;
}

/* FNV-1a, for telling notices apart. */
static uint64_t digest(const char *text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static bool is_new(struct cli *cli, uint64_t hash) {
    for (int i = 0; i < cli->notice_count; i++)
        if (cli->noticed[i] == hash) return false;
    if (cli->notice_count < CLI_NOTICES) cli->noticed[cli->notice_count++] = hash;
    return true;
}

void cli_notice(struct cli *cli, const char *format, ...) {
    char text[sizeof cli->error.text];
    va_list arguments;
    if (cli->quiet) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    flockfile(stderr); /* the library may give a warning from any thread */
    if (is_new(cli, digest(text))) say(cli, text);
    funlockfile(stderr);
}

bool cli_fail_library(struct cli_error *error) { return cli_fail(error, "%s", pgd_error_text()); }
