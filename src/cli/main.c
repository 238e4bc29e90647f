/* SPDX-License-Identifier: Apache-2.0
 * pagoda: finds the verb, takes the global options, runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct {
    const char *words, *line, *options, *examples;
    cli_verb_fn *run;
} verbs[] = {
#define X(function, words, line, options, examples) {words, line, options, examples, cli_##function},
    CLI_VERB_LIST(X)
#undef X
};
enum { VERBS = sizeof verbs / sizeof verbs[0] };

static void log_line(void *user, pgd_log_level level, const char *line) {
    const struct cli *cli = user;
    if (!cli->quiet && level >= PGD_LOG_WARNING) fprintf(stderr, "pagoda: %s\n", line);
}

static void print_overview(FILE *file) {
    fprintf(file, "pagoda %s: the GPU AI stack in one library and one command\n\n", pgd_version());
    fprintf(file, "pagoda [--device auto|cpu] [--threads N] [--strict] [--json] [--quiet] VERB ...\n\n");
    for (int i = 0; i < VERBS; i++) fprintf(file, "  %-16s %s\n", verbs[i].words, verbs[i].line);
    fprintf(file, "  %-16s %s\n  %-16s %s\n", "help VERB", "show the options of a verb and two examples", "version", "print the version");
    fprintf(file, "\n  --device ID  where to compute (auto)          --threads N  of the CPU (all)\n  --strict     nothing may run on the slow reference\n"
                  "  --json       the last line of the output is one JSON object\n  --quiet      no progress and no notices\n");
}

/* Number of words of `verb` that argv begins with; 0 when it does not match whole. */
static int matches(const char *verb, char **words, int count) {
    int used = 0;
    while (*verb != '\0') {
        size_t length = strcspn(verb, " ");
        if (used == count || strlen(words[used]) != length || memcmp(words[used], verb, length) != 0) return 0;
        used++;
        verb += length;
        while (*verb == ' ') verb++;
    }
    return used;
}

static int find_verb(char **words, int count, int *used) {
    for (int i = 0; i < VERBS; i++)
        if ((*used = matches(verbs[i].words, words, count)) > 0) return i;
    return -1;
}

static int help(struct cli *cli, char **words, int count) {
    int used, verb = find_verb(words, count, &used);
    if (count == 0) {
        print_overview(stdout);
        return CLI_DONE;
    }
    if (verb < 0) {
        cli_fail(&cli->error, "there is no verb \"%s\"; `pagoda help` lists them", words[0]);
        return cli_report(cli, CLI_USAGE);
    }
    printf("pagoda %s: %s\n\n%s%s%s\n", verbs[verb].words, verbs[verb].line, verbs[verb].options, verbs[verb].options[0] != '\0' ? "\n" : "", verbs[verb].examples);
    return CLI_DONE;
}

static int run(struct cli *cli, char **words, int count) {
    int used, verb;
    if (count == 0) {
        print_overview(stderr);
        return CLI_USAGE;
    }
    if (strcmp(words[0], "help") == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) return help(cli, words + 1, count - 1);
    if (strcmp(words[0], "version") == 0 || strcmp(words[0], "--version") == 0) {
        printf("pagoda %s\n", pgd_version());
        return CLI_DONE;
    }
    verb = find_verb(words, count, &used);
    if (verb < 0) {
        cli_fail(&cli->error, "there is no verb \"%s%s%s\"; `pagoda help` lists them", words[0], count > 1 ? " " : "", count > 1 ? words[1] : "");
        return cli_report(cli, CLI_USAGE);
    }
    for (int i = used; i < count; i++)
        if (strcmp(words[i], "--help") == 0) return help(cli, words, used);
    cli->words = words + used;
    cli->word_count = count - used;
    return verbs[verb].run(cli);
}

/* Takes the global options out of the words, wherever they stand. */
static bool take_globals(struct cli *cli, char **words, int *count) {
    int64_t threads = 0;
    const struct cli_option globals[] = {
        {"--device", CLI_TEXT, &cli->device, 0, 0, NULL}, {"--threads", CLI_INTEGER, &threads, 1, 256, NULL}, {"--strict", CLI_FLAG, &cli->strict, 0, 0, NULL},
        {"--json", CLI_FLAG, &cli->json, 0, 0, NULL},     {"--quiet", CLI_FLAG, &cli->quiet, 0, 0, NULL},
    };
    int kept = 0;
    for (int i = 0; i < *count; i++) {
        size_t g = 0;
        while (g < 5 && strcmp(words[i], globals[g].name) != 0) g++;
        if (g == 5) {
            words[kept++] = words[i];
            continue;
        }
        struct cli one = {.words = words + i, .word_count = globals[g].kind == CLI_FLAG || i + 1 == *count ? 1 : 2};
        if (globals[g].kind != CLI_FLAG) i++;
        if (!cli_options(&one, &globals[g], 1)) {
            cli->error = one.error;
            return false;
        }
    }
    *count = kept;
    cli->threads = (int)threads;
    return true;
}

int main(int argc, char **argv) {
    struct cli cli = {.device = "auto"};
    int count = argc - 1;
    char **words = argv + 1;
    pgd_init_options options;
    pgd_init_options_init(&options, sizeof options);
    options.log = log_line;
    options.log_user = &cli;
    if (pgd_init(&options) != PGD_OK) {
        cli_fail_library(&cli.error);
        return cli_report(&cli, CLI_FAILED);
    }
    if (!take_globals(&cli, words, &count)) return cli_report(&cli, CLI_USAGE);
    return run(&cli, words, count);
}
