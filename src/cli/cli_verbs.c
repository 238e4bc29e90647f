/* SPDX-License-Identifier: Apache-2.0
 * The verbs as a table, and which of them words name. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

const struct cli_verb cli_verbs[CLI_VERBS] = {
#define X(function, words, line, options, examples) {words, line, options, examples, cli_##function},
    CLI_VERB_LIST(X)
#undef X
};

/* Number of words of `verb` that the words begin with; 0 when it does not match whole. */
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

const struct cli_verb *cli_verb_find(char **words, int count, int *used) {
    for (int i = 0; i < CLI_VERBS; i++)
        if ((*used = matches(cli_verbs[i].words, words, count)) > 0) return &cli_verbs[i];
    return NULL;
}

bool cli_verb_family(const char *word) {
    size_t length = strlen(word);
    for (int i = 0; i < CLI_VERBS; i++)
        if (strncmp(cli_verbs[i].words, word, length) == 0 && cli_verbs[i].words[length] == ' ') return true;
    return false;
}

/* The verbs that begin with a word, or end with it, as a list: "vision train", "text train". */
static int like(const char *word, bool first, char *out, size_t out_bytes) {
    size_t length = strlen(word), used = 0;
    int count = 0;
    for (int i = 0; i < CLI_VERBS; i++) {
        const char *verb = cli_verbs[i].words, *last = strrchr(verb, ' ');
        bool fits = first ? strncmp(verb, word, length) == 0 && verb[length] == ' ' : last != NULL && strcmp(last + 1, word) == 0;
        if (!fits || used >= out_bytes) continue;
        used += (size_t)snprintf(out + used, out_bytes - used, "%s\"%s\"", count++ > 0 ? ", " : "", verb);
    }
    return count;
}

bool cli_verb_missing(struct cli *cli) {
    const char *first = cli->words[0], *second = cli->word_count > 1 && cli->words[1][0] != '-' ? cli->words[1] : NULL;
    char list[256];
    if (like(first, true, list, sizeof list) > 0) {
        if (second == NULL) return cli_fail(&cli->error, "\"%s\" needs a word behind it; there are %s", first, list);
        return cli_fail(&cli->error, "there is no verb \"%s %s\"; there are %s", first, second, list);
    }
    if (like(first, false, list, sizeof list) > 0) return cli_fail(&cli->error, "there is no verb \"%s\"; there are %s", first, list);
    return cli_fail(&cli->error, "there is no verb \"%s%s%s\"; `pagoda help` lists them", first, second != NULL ? " " : "", second != NULL ? second : "");
}
