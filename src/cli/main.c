/* SPDX-License-Identifier: Apache-2.0
 * pagoda: takes the global options, finds the verb, runs it. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void log_line(void *user, pgd_log_level level, const char *line) {
    if (level >= PGD_LOG_WARNING) cli_notice(user, "warning: %s", line);
}

/* `pagoda gpu help`, too; `pagoda help gpu` is a verb. */
static bool is_help(const struct cli *cli, int at) {
    int used;
    if (strcmp(cli->words[at], "--help") == 0 || strcmp(cli->words[at], "-h") == 0) return true;
    return at == 1 && strcmp(cli->words[at], "help") == 0 && cli_verb_find(cli->words, 1, &used) == NULL;
}

/* Takes --help, -h and help out of the words and leaves those that may name a verb. */
static bool asks_for_help(struct cli *cli) {
    int at = 0, kept = 0, used;
    while (at < cli->word_count && strcmp(cli->words[at], "--") != 0 && !is_help(cli, at)) at++;
    if (at == cli->word_count || strcmp(cli->words[at], "--") == 0) return false;
    for (int i = 0; i < cli->word_count; i++)
        if (i != at) cli->words[kept++] = cli->words[i];
    cli->word_count = cli_verb_find(cli->words, kept, &used) != NULL ? used : kept;
    return true;
}

static int run(struct cli *cli) {
    int used;
    if (cli->word_count == 0) {
        cli_overview(stderr);
        return CLI_USAGE;
    }
    if (asks_for_help(cli)) return cli_help(cli);
    if (strcmp(cli->words[0], "--version") == 0) {
        cli->words++, cli->word_count--;
        cli->verb = "version";
        return cli_version(cli);
    }
    const struct cli_verb *verb = cli_verb_find(cli->words, cli->word_count, &used);
    if (verb == NULL) {
        if (cli->words[0][0] == '-' && strcmp(cli->words[0], "--") != 0)
            cli_options(cli, NULL, 0); /* says that there is no such option */
        else
            cli_verb_missing(cli);
        return cli_report(cli, CLI_USAGE);
    }
    cli->verb = verb->words;
    cli->words += used, cli->word_count -= used;
    return verb->run(cli);
}

static bool take_globals(struct cli *cli) {
    int64_t threads = 0;
    const struct cli_option globals[] = {
        {"--device", CLI_TEXT, &cli->device, 0, 0, NULL}, {"--threads", CLI_INTEGER, &threads, 1, 256, NULL}, {"--strict", CLI_FLAG, &cli->strict, 0, 0, NULL},
        {"--json", CLI_FLAG, &cli->json, 0, 0, NULL},     {"--quiet", CLI_FLAG, &cli->quiet, 0, 0, NULL},
    };
    if (!cli_global_options(cli, globals, sizeof globals / sizeof globals[0])) return false;
    cli->threads = (int)threads;
    return true;
}

/* A closed standard stream must not become the next file that is opened; reading and writing /dev/null the wrong way fails as a closed one does. */
static void keep_standard_streams(void) {
    int descriptor;
    do descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (descriptor >= 0 && descriptor <= STDERR_FILENO);
    if (descriptor >= 0) close(descriptor);
}

int main(int argc, char **argv) {
    struct cli cli = {.program = argc > 0 ? argv[0] : "pagoda", .device = "auto", .verb = "VERB", .words = argv + 1, .word_count = argc > 0 ? argc - 1 : 0};
    pgd_init_options options;
    keep_standard_streams();
    pgd_init_options_init(&options, sizeof options);
    options.log = log_line;
    options.log_user = &cli;
    if (pgd_init(&options) != PGD_OK) {
        cli_fail_library(&cli.error);
        return cli_report(&cli, CLI_FAILED);
    }
    int code = take_globals(&cli) ? run(&cli) : cli_report(&cli, CLI_USAGE);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE) { /* a result that nobody got is none */
        cli_fail(&cli.error, "cannot write the result to standard output; is the disk full or the output closed?");
        return cli_report(&cli, CLI_FAILED);
    }
    return code;
}
