/* SPDX-License-Identifier: Apache-2.0 */
/* The built command, run in a folder of its own: what it says, and with which code it ends. */
#ifndef COMMAND_H
#define COMMAND_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 32 };

static char folder[] = "/tmp/pagoda-test-command-XXXXXX";
static char program[4096];

/* ---- running the command ------------------------------------------------------------------------------------------------------------------------- */

struct outcome {
    int code; /* exit code, or -signal */
    char out[65536], err[65536];
};
static struct outcome last;

static inline void read_back(const char *name, char *to, size_t room) {
    FILE *file = fopen(name, "rb");
    size_t count = file == NULL ? 0 : fread(to, 1, room - 1, file);
    to[count] = '\0';
    if (file != NULL) fclose(file);
}

static inline pid_t start(const char *line, long file_limit) {
    static char text[4096];
    char *words[WORDS] = {program};
    int count = 1;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word != NULL && count < WORDS - 1; word = strtok(NULL, " ")) words[count++] = word;
    pid_t child = fork();
    if (child != 0) return child;
    int out = open("stdout.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666), err = open("stderr.txt", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(out, 1);
    dup2(err, 2);
    if (file_limit > 0) { /* writing beyond fails as on a full disk */
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)file_limit, (rlim_t)file_limit});
    }
    execv(program, words);
    _exit(127);
}

static inline void finish(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    last.code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    read_back("stdout.txt", last.out, sizeof last.out);
    read_back("stderr.txt", last.err, sizeof last.err);
}

static inline void run(const char *line) { finish(start(line, 0)); }

/* One clear sentence: the program's name, no more than one line, and the words that matter. */
static inline void expect(const char *line, int code, const char *words) {
    run(line);
    if (last.code != code || strstr(last.err, words) == NULL) print_message("%s\n  code %d, %s", line, last.code, last.err);
    assert_int_equal(last.code, code);
    assert_non_null(strstr(last.err, words));
    assert_int_equal(strncmp(last.err, "pagoda: ", 8), 0);
    assert_ptr_equal(strchr(last.err, '\n'), last.err + strlen(last.err) - 1);
}

static inline void json_text(const char *key, char *to, size_t room) {
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    const char *at = strstr(last.out, pattern);
    assert_non_null(at);
    at += strlen(pattern);
    at += strspn(at, " \"");
    size_t count = strcspn(at, "\",}");
    assert_true(count > 0 && count < room);
    memcpy(to, at, count);
    to[count] = '\0';
}

static inline int lines_of(const char *text) {
    int count = 0;
    for (; *text != '\0'; text++) count += *text == '\n';
    return count;
}

/* The folder to run in; the command built beside these tests. */
static inline int enter_folder(void) {
    const char *build = getenv("PAGODA_BUILD_DIR");
    snprintf(program, sizeof program, "%s/pagoda", build != NULL ? build : ".");
    return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static inline int leave_folder(void **unused) {
    char command[128];
    if (chdir("/") != 0) return -1;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

#endif
