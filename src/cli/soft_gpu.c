/* SPDX-License-Identifier: Apache-2.0
 * Finding the software GPU, and starting one process with it. The system's own driver is never touched. */
#include "soft_gpu.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef PAGODA_LIBDIR
#define PAGODA_LIBDIR "lib"
#endif

bool soft_gpu_folder(struct cli *cli, char *path, size_t path_bytes) {
    static const char *const places[] = {"softgpu", "../" PAGODA_LIBDIR "/pagoda/softgpu"};
    char own[PATH_MAX], file[PATH_MAX + 64];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length <= 0) return cli_fail(&cli->error, "cannot find out where this command lies (%s)", strerror(errno));
    own[length] = '\0';
    char *slash = strrchr(own, '/');
    if (slash != NULL) *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(path, path_bytes, "%s/%s", own, places[i]);
        snprintf(file, sizeof file, "%s/libcuda.so.1", path);
        if (access(file, R_OK) == 0) return true;
    }
    return cli_fail(&cli->error, "there is no software GPU beside this command: %s/%s/libcuda.so.1 cannot be read; build or install Pagoda whole", own, places[0]);
}

bool soft_gpu_real_driver(void) {
    void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    int count = 0;
    if (library == NULL) return false;
    int (*init)(unsigned int), (*count_devices)(int *);
    *(void **)&init = dlsym(library, "cuInit");
    *(void **)&count_devices = dlsym(library, "cuDeviceGetCount");
    bool soft = dlsym(library, "pgd_softgpu_error_text") != NULL;
    return !soft && init != NULL && count_devices != NULL && init(0) == 0 && count_devices(&count) == 0 && count > 0;
}

static bool prepend(const char *name, const char *folder) {
    const char *before = getenv(name);
    size_t bytes = strlen(folder) + (before == NULL ? 0 : strlen(before)) + 2;
    char *both = malloc(bytes);
    if (both == NULL) return false;
    snprintf(both, bytes, "%s%s%s", folder, before == NULL || before[0] == '\0' ? "" : ":", before == NULL ? "" : before);
    bool set = setenv(name, both, 1) == 0;
    free(both);
    return set;
}

static volatile sig_atomic_t started; /* the program */

/* A terminal has told the program as well; somebody who sends a signal has told this process alone. */
static void pass_on(int number, siginfo_t *info, void *context) {
    int before = errno; /* of what was interrupted */
    (void)context;
    if (info->si_code == SI_USER && started > 0) kill((pid_t)started, number);
    errno = before;
}

/* What the program does on ^C is its own affair; this one waits to hear. */
static int wait_for(pid_t child, const char *program, bool quiet) {
    int how;
    struct sigaction waits = {.sa_sigaction = pass_on, .sa_flags = SA_SIGINFO | SA_RESTART}, before[2];
    started = child;
    sigaction(SIGINT, &waits, &before[0]);
    sigaction(SIGQUIT, &waits, &before[1]);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR) {}
    sigaction(SIGINT, &before[0], NULL);
    sigaction(SIGQUIT, &before[1], NULL);
    if (WIFSIGNALED(how) && !quiet) fprintf(stderr, "%s was ended by signal %d (%s)\n", program, WTERMSIG(how), strsignal(WTERMSIG(how)));
    return WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
}

/* As shells have it. */
enum { CANNOT_RUN = 126, NOT_FOUND = 127 };

bool soft_gpu_start(struct cli *cli, const char *folder, char **words, int *status, int *code) {
    int ends[2], why = 0;
    fflush(NULL);
    if (pipe(ends) != 0) return cli_fail(&cli->error, "cannot make a pipe (%s)", strerror(errno));
    pid_t own = getpid(), child = fork();
    if (child == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGTERM); /* whoever ends this command, ends the program */
        if (getppid() != own) _exit(NOT_FOUND);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        if (prepend("LD_LIBRARY_PATH", folder)) execvp(words[0], words);
        why = errno;
        (void)!write(ends[1], &why, sizeof why);
        _exit(NOT_FOUND);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return cli_fail(&cli->error, "cannot start a process (%s)", strerror(errno));
    }
    bool failed = read(ends[0], &why, sizeof why) == (ssize_t)sizeof why;
    close(ends[0]);
    *status = wait_for(child, words[0], cli->quiet || failed);
    if (failed) *code = why == ENOENT ? NOT_FOUND : CANNOT_RUN;
    bool here = why == ENOENT && strchr(words[0], '/') == NULL && access(words[0], X_OK) == 0;
    if (failed && here) return cli_fail(&cli->error, "cannot start %s (%s); programs of this folder are called ./%s", words[0], strerror(why), words[0]);
    return !failed || cli_fail(&cli->error, "cannot start %s (%s); is it a program, and is its path right?", words[0], strerror(why));
}
