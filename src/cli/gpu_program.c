/* SPDX-License-Identifier: Apache-2.0
 * What the driver is told stands in the environment of the program. */
#include "gpu_program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "soft_gpu.h"

enum { CHECK_TIMEOUT = 600 }; /* seconds of a launch, where nobody may be there to end it */

struct gpu_program gpu_program_of(bool checks, bool profiles, bool timeline) {
    return (struct gpu_program){.checks = checks, .profiles = profiles, .timeline = timeline, .devices = -1, .memory = -1, .limit = -1, .timeout = -1, .seed = -1, .schedules = -1};
}

/* ---- the environment ----------------------------------------------------------------------------------------------------------------------------------------------- */

static bool set(const char *name, const char *value) { return value == NULL || setenv(name, value, 1) == 0; }

static bool set_number(const char *name, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return value < 0 || setenv(name, text, 1) == 0;
}

/* Of two places that say the same, the option wins over what is in the environment already. */
static bool set_environment(struct cli *cli, const struct gpu_program *p, const char *file) {
    bool fine = set("PAGODA_SOFTGPU_CAPABILITY", p->capability) && set("PAGODA_SOFTGPU_EXECUTOR", p->executor) && set("PAGODA_SOFTGPU_FAULT", p->fault) && set_number("PAGODA_SOFTGPU_DEVICES", p->devices) && set_number("PAGODA_SOFTGPU_MEMORY", p->memory);
    fine = fine && set_number("PAGODA_SOFTGPU_LIMIT", p->limit) && set_number("PAGODA_SOFTGPU_TIMEOUT", p->timeout >= 0 || !p->checks || getenv("PAGODA_SOFTGPU_TIMEOUT") != NULL ? p->timeout : CHECK_TIMEOUT);
    fine = fine && set_number("PAGODA_SOFTGPU_SEED", p->seed) && (!p->synchronous || set("PAGODA_SOFTGPU_SYNCHRONOUS", "1")) && set_number("PAGODA_SOFTGPU_WORKERS", cli->threads > 0 ? cli->threads : -1);
    if (p->checks) fine = fine && set("PAGODA_SOFTGPU_CHECK", p->uninitialised ? "races,uninitialised" : "races") && set("PAGODA_SOFTGPU_FINDINGS", file);
    if (p->timeline) fine = fine && set("PAGODA_SOFTGPU_TIMELINE", p->folder) && set("PAGODA_SOFTGPU_TIMELINE_KERNEL", p->kernel);
    if (p->profiles) fine = fine && set("PAGODA_SOFTGPU_PROFILE", file) && set("PAGODA_SOFTGPU_PROFILE_JSON", cli->json ? "1" : "0");
    fine = fine && (!cli->quiet || getenv("PAGODA_SOFTGPU_PATIENCE") != NULL || set("PAGODA_SOFTGPU_PATIENCE", "0")) && (getenv("PAGODA_SOFTGPU_REPORT") != NULL || set("PAGODA_SOFTGPU_REPORT", "/dev/stderr"));
    return fine || cli_fail(&cli->error, "the environment cannot be set; there is not enough memory");
}

/* ---- options --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool known(struct cli *cli, const char *option, const char *value, const char *choices) {
    size_t length = value == NULL ? 0 : strlen(value);
    for (const char *at = choices; value != NULL && at != NULL; at = strchr(at, ' ') == NULL ? NULL : strchr(at, ' ') + 1)
        if (strncmp(at, value, length) == 0 && (at[length] == ' ' || at[length] == '\0')) return true;
    return value == NULL || cli_fail(&cli->error, "%s is \"%.40s\"; it must be one of: %s", option, value, choices);
}

/* A list of name@number. */
static bool known_faults(struct cli *cli, const char *list) {
    static const char *const names[] = {"oom@", "lost@", "slow@"};
    for (const char *at = list; at != NULL; at = strchr(at, ',') == NULL ? NULL : strchr(at, ',') + 1) {
        char *end = NULL;
        for (size_t k = 0; k < sizeof names / sizeof names[0] && end == NULL; k++)
            if (strncmp(at, names[k], strlen(names[k])) == 0 && strtoll(at + strlen(names[k]), &end, 10) < 1) end = NULL;
        if (end == NULL || (*end != ',' && *end != '\0')) return cli_fail(&cli->error, "--fault is \"%.60s\"; it must be a list of oom@N, lost@N and slow@MS, with numbers from 1 on", list);
    }
    return true;
}

static bool take_options(struct cli *cli, struct gpu_program *p) {
    const int64_t seeds_most = INT64_MAX / 2, limit_most = 1 << 30;
    struct cli_option options[16] = {
        {"--devices", CLI_INTEGER, &p->devices, 1, 16, NULL},     {"--memory", CLI_INTEGER, &p->memory, 1, 1 << 20, NULL},   {"--capability", CLI_TEXT, &p->capability, 0, 0, NULL},
        {"--synchronous", CLI_FLAG, &p->synchronous, 0, 0, NULL}, {"--force", CLI_FLAG, &p->force, 0, 0, NULL},              {"--fault", CLI_TEXT, &p->fault, 0, 0, NULL},
        {"--limit", CLI_INTEGER, &p->limit, 1, limit_most, NULL}, {"--timeout", CLI_INTEGER, &p->timeout, 0, 1000000, NULL},
    };
    const struct cli_option of_order[] = {{"--seed", CLI_INTEGER, &p->seed, 0, seeds_most, NULL}, {"--schedules", CLI_INTEGER, &p->schedules, 1, 1000000, NULL}, {"--executor", CLI_TEXT, &p->executor, 0, 0, NULL}};
    const struct cli_option of_check[] = {{"--uninitialised", CLI_FLAG, &p->uninitialised, 0, 0, NULL}, {"--uninitialized", CLI_FLAG, &p->uninitialised, 0, 0, NULL}};
    const struct cli_option of_timeline[] = {{"--kernel", CLI_TEXT, &p->kernel, 0, 0, NULL}, {"--out-dir", CLI_TEXT, &p->folder, 0, 0, NULL}};
    int count = 8;
    for (size_t k = 0; !p->profiles && !p->timeline && k < sizeof of_order / sizeof of_order[0]; k++) options[count++] = of_order[k];
    for (size_t k = 0; p->checks && k < sizeof of_check / sizeof of_check[0]; k++) options[count++] = of_check[k];
    for (size_t k = 0; p->timeline && k < sizeof of_timeline / sizeof of_timeline[0]; k++) options[count++] = of_timeline[k];
    if (!cli_options(cli, options, count)) return false;
    if (strcmp(cli->device, "auto") != 0 || cli->strict) return cli_fail(&cli->error, "--%s is not for `pagoda %s`: it starts a program, which chooses for itself", cli->strict ? "strict" : "device", cli->verb);
    if (p->timeline && p->folder == NULL) return cli_fail(&cli->error, "--out-dir FOLDER is missing: where the timeline goes");
    if (!known(cli, "--capability", p->capability, "7.5 8.0 8.6 8.7 8.9 9.0") || !known(cli, "--executor", p->executor, "vector reference") || !known_faults(cli, p->fault)) return false;
    return cli->word_count > 0 || cli_fail(&cli->error, "a program is needed: pagoda %s -- PROGRAM [ARGUMENT]...", cli->verb);
}

/* ---- places that are written to: before the program is started for nothing -------------------------------------------------------------------------------------------- */

static bool can_write_report(struct cli *cli) {
    const char *path = getenv("PAGODA_SOFTGPU_REPORT");
    if (path == NULL || path[0] == '\0' || strcmp(path, "/dev/stderr") == 0) return true;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (file < 0) return errno == ENXIO || cli_fail(&cli->error, "PAGODA_SOFTGPU_REPORT is \"%.200s\", which cannot be written to (%s)", path, strerror(errno)); /* ENXIO: a pipe that nobody reads yet */
    close(file);
    return true;
}

/* Makes the folder of a timeline, or finds it; what an earlier run has left must not be taken for this one's. */
static bool make_folder(struct cli *cli, const char *folder) {
    struct stat is;
    static const char *const files[] = {"timeline.svg", "timeline.json", "summary.json"};
    char path[PATH_MAX];
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return cli_fail(&cli->error, "--out-dir: the folder %s cannot be made (%s)", folder, strerror(errno));
    if (stat(folder, &is) == 0 && !S_ISDIR(is.st_mode)) return cli_fail(&cli->error, "--out-dir: %s is a file, and a folder is needed", folder);
    if (access(folder, W_OK | X_OK) != 0) return cli_fail(&cli->error, "--out-dir: the folder %s cannot be written to (%s)", folder, strerror(errno));
    for (size_t k = 0; k < sizeof files / sizeof files[0]; k++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[k]);
        unlink(path);
    }
    return true;
}

/* ---- findings: JSON objects, a line each; and two of each process: that it has begun, and how many kernels it had launched when it ended------------------------------------------------ */

static const char launches_begin[] = "{\"launches\": ", begun[] = "{\"begun\": ";
static bool begins(const char *line, const char *with) { return strncmp(line, with, strlen(with)) == 0; }

static void count_findings(struct gpu_program *p, FILE *file) {
    char *line = NULL;
    size_t room = 0;
    p->findings = p->unfinished = 0;
    p->launches = 0;
    rewind(file);
    while (getline(&line, &room, file) > 0) {
        if (begins(line, launches_begin)) p->launches += atoll(line + strlen(launches_begin)), p->unfinished--;
        else if (begins(line, begun)) p->unfinished++;
        else p->findings++;
    }
    free(line);
}

void gpu_program_print_objects(FILE *file) {
    char *line = NULL;
    size_t room = 0;
    bool first = true;
    rewind(file);
    for (ssize_t count; (count = getline(&line, &room, file)) > 0;) {
        if (begins(line, launches_begin) || begins(line, begun)) continue;
        printf("%s%.*s", first ? "" : ", ", (int)(line[count - 1] == '\n' ? count - 1 : count), line);
        first = false;
    }
    free(line);
}

/* ---- running ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

bool gpu_program_interrupted(const struct gpu_program *p) { return p->status == 128 + SIGINT || p->status == 128 + SIGTERM; }

/* One schedule after the other, each of the next seed, until something is found or the program ends otherwise than the first time. */
static bool start_each(struct cli *cli, struct gpu_program *p, const char *path, FILE *file, int *code) {
    char folder[PATH_MAX];
    *code = CLI_FAILED;
    if (!soft_gpu_folder(cli, folder, sizeof folder)) return false;
    if (!p->force && soft_gpu_real_driver()) return cli_fail(&cli->error, "this machine has a GPU whose driver answers, and the program would not see it; say --force to run it with the software GPU all the same");
    if (!can_write_report(cli) || (p->timeline && !make_folder(cli, p->folder))) return false;
    if (p->schedules > 0 && p->seed < 0) p->seed = 1;
    cli->words[cli->word_count] = NULL; /* there was a NULL behind them, or words that were taken out */
    for (int64_t k = 0, first = p->seed; k == 0 || k < p->schedules; k++) {
        if (p->seed >= 0) p->seed = first + k;
        if (!set_environment(cli, p, path) || !soft_gpu_start(cli, folder, cli->words, &p->status, code)) return false;
        if (k == 0) p->first_status = p->status;
        p->ran = k + 1;
        if (p->checks) count_findings(p, file);
        if (p->status != p->first_status || gpu_program_interrupted(p) || p->findings > 0) break;
    }
    return true;
}

bool gpu_program_run(struct cli *cli, struct gpu_program *p, FILE **out, int *code) {
    char path[] = "/tmp/pagoda_gpu_XXXXXX";
    *out = NULL;
    *code = CLI_USAGE;
    if (!take_options(cli, p)) return *code = cli_report(cli, *code), false;
    *code = CLI_FAILED;
    if (p->checks || p->profiles) { /* it is gone afterwards and can still be read */
        int descriptor = mkstemp(path);
        *out = descriptor < 0 ? NULL : fdopen(descriptor, "r");
        if (*out == NULL && descriptor >= 0) close(descriptor), unlink(path);
        if (*out == NULL) return cli_fail(&cli->error, "a file cannot be made in /tmp (%s)", strerror(errno)), *code = cli_report(cli, *code), false;
    }
    bool started = start_each(cli, p, path, *out, code);
    if (*out != NULL) unlink(path);
    if (started) return true;
    if (*out != NULL) fclose(*out);
    *code = cli_report(cli, *code);
    return false;
}

int gpu_program_verdict(const struct gpu_program *p) { return p->status == 0 ? p->first_status : p->status; }
