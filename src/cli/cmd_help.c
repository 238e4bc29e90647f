/* SPDX-License-Identifier: Apache-2.0
 * pagoda help, pagoda version. */
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "json_writer.h"

static void list_verbs(FILE *file, const char *family) {
    size_t length = strlen(family);
    for (int i = 0; i < CLI_VERBS; i++)
        if (strncmp(cli_verbs[i].words, family, length) == 0) fprintf(file, "  %-16s %s\n", cli_verbs[i].words, cli_verbs[i].line);
}

static const char global_options[] = "  --device ID  where to compute (auto)          --threads N  of the CPU (all)\n"
                                     "  --strict     fail, rather than warn, where work is slow because it has no kernel of its own\n"
                                     "  --json       when the verb succeeds, the last line of the output is one JSON object\n"
                                     "  --quiet      results alone: no progress, no notices, no pictures\n";

/* Of programs that are started, which choose for themselves where they compute. */
static const char options_of_programs[] = "  --threads N  that run kernels (all)\n"
                                          "  --json       when the verb succeeds, the last line of the output is one JSON object\n"
                                          "  --quiet      results alone: no notices\n";

void cli_overview(FILE *file) {
    fprintf(file, "pagoda %s: the GPU AI stack in one library and one command\n\n", pgd_version());
    fprintf(file, "pagoda [--device auto|cpu] [--threads N] [--strict] [--json] [--quiet] VERB ...\n\n");
    list_verbs(file, "");
    fprintf(file, "\n%s", global_options);
}

/* The lines of a text as an array of strings; one that is set far in goes on with the one before. */
static void json_lines(struct json_writer *json, const char *key, const char *text) {
    json_begin_array(json, key);
    while (*text != '\0') {
        char line[512];
        size_t used = 0;
        do {
            text += strspn(text, " ");
            size_t length = strcspn(text, "\n");
            used += (size_t)snprintf(line + used, sizeof line - used, "%s%.*s", used > 0 ? " " : "", (int)length, text);
            text += length + (text[length] == '\n');
        } while (strncmp(text, "   ", 3) == 0 && used < sizeof line);
        json_string(json, NULL, line);
    }
    json_end(json);
}

static void json_verb(struct json_writer *json, const struct cli_verb *verb) {
    json_string(json, "verb", verb->words);
    json_string(json, "does", verb->line);
    json_lines(json, "options", verb->options);
    json_lines(json, "examples", verb->examples);
}

static int show_family(const struct cli *cli, const char *family) {
    struct json_writer json;
    if (!cli->json) {
        if (family[0] == '\0')
            cli_overview(stdout);
        else
            list_verbs(stdout, family);
        return CLI_DONE;
    }
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_begin_array(&json, "verbs");
    for (int i = 0; i < CLI_VERBS; i++) {
        if (strncmp(cli_verbs[i].words, family, strlen(family)) != 0) continue;
        json_begin_object(&json, NULL);
        json_verb(&json, &cli_verbs[i]);
        json_end(&json);
    }
    json_finish(&json);
    return CLI_DONE;
}

static int show_verb(const struct cli *cli, const struct cli_verb *verb) {
    struct json_writer json;
    if (!cli->json) {
        printf("pagoda %s: %s\n\n%s%s%s\n\n", verb->words, verb->line, verb->options, verb->options[0] != '\0' ? "\n" : "", verb->examples);
        fputs(strncmp(verb->words, "gpu ", 4) == 0 ? options_of_programs : global_options, stdout);
        return CLI_DONE;
    }
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_verb(&json, verb);
    json_finish(&json);
    return CLI_DONE;
}

int cli_help(struct cli *cli) {
    int used;
    char family[64];
    if (!cli_options(cli, NULL, 0)) return cli_report(cli, CLI_USAGE);
    if (cli->word_count == 0) return show_family(cli, "");
    const struct cli_verb *verb = cli_verb_find(cli->words, cli->word_count, &used);
    if (verb == NULL && cli->word_count == 1 && cli_verb_family(cli->words[0])) {
        snprintf(family, sizeof family, "%s ", cli->words[0]);
        return show_family(cli, family);
    }
    if (verb == NULL) {
        cli_verb_missing(cli);
        return cli_report(cli, CLI_USAGE);
    }
    cli->words += used, cli->word_count -= used;
    cli->verb = verb->words;
    return cli_no_words(cli) ? show_verb(cli, verb) : cli_report(cli, CLI_USAGE);
}

int cli_version(struct cli *cli) {
    struct json_writer json;
    if (!cli_options(cli, NULL, 0) || !cli_no_words(cli)) return cli_report(cli, CLI_USAGE);
    if (!cli->json) {
        printf("pagoda %s\n", pgd_version());
        return CLI_DONE;
    }
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_string(&json, "version", pgd_version());
    json_finish(&json);
    return CLI_DONE;
}
