/* SPDX-License-Identifier: Apache-2.0
 * pagoda gpu run, check, profile, timeline, ptx: programs and kernels on a GPU made of software. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pagoda/softgpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "json_writer.h"
#include "soft_gpu.h"
#include "text.h"

struct run_options {
    int64_t devices, memory, limit, seed, schedules;
    const char *capability, *executor, *fault;
    bool force, synchronous;
    bool checks, uninitialised, profiles, timeline;
    const char *kernel, *folder; /* of a timeline */
    const char *file; /* that what is found or counted goes to */
    int64_t ran;      /* schedules */
    int first_status; /* of the first of them */
};

static const struct run_options no_options = {.devices = -1, .memory = -1, .limit = -1, .seed = -1, .schedules = -1};

static bool set(const char *name, const char *value) { return value == NULL || setenv(name, value, 1) == 0; }

static bool set_number(const char *name, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return value < 0 || setenv(name, text, 1) == 0;
}

/* Of two places that say the same, the option wins over what is in the environment already. */
static bool set_environment(struct cli *cli, const struct run_options *o) {
    bool fine = set("PAGODA_SOFTGPU_CAPABILITY", o->capability) && set("PAGODA_SOFTGPU_EXECUTOR", o->executor) && set("PAGODA_SOFTGPU_FAULT", o->fault) && set_number("PAGODA_SOFTGPU_DEVICES", o->devices) && set_number("PAGODA_SOFTGPU_MEMORY", o->memory) && set_number("PAGODA_SOFTGPU_LIMIT", o->limit);
    fine = fine && set_number("PAGODA_SOFTGPU_SEED", o->seed) && (!o->synchronous || set("PAGODA_SOFTGPU_SYNCHRONOUS", "1")) && set_number("PAGODA_SOFTGPU_WORKERS", cli->threads > 0 ? cli->threads : -1);
    if (o->checks) fine = fine && set("PAGODA_SOFTGPU_CHECK", o->uninitialised ? "races,uninitialised" : "races") && set("PAGODA_SOFTGPU_FINDINGS", o->file);
    if (o->timeline) fine = fine && set("PAGODA_SOFTGPU_TIMELINE", o->folder) && set("PAGODA_SOFTGPU_TIMELINE_KERNEL", o->kernel);
    if (o->profiles) fine = fine && set("PAGODA_SOFTGPU_PROFILE", o->file) && set("PAGODA_SOFTGPU_PROFILE_JSON", cli->json ? "1" : "0");
    fine = fine && (getenv("PAGODA_SOFTGPU_REPORT") != NULL || set("PAGODA_SOFTGPU_REPORT", "/dev/stderr"));
    return fine || cli_fail(&cli->error, "the environment cannot be set; there is not enough memory");
}

static bool known(struct cli *cli, const char *option, const char *value, const char *choices) {
    size_t length = value == NULL ? 0 : strlen(value);
    for (const char *at = choices; value != NULL && at != NULL; at = strchr(at, ' ') == NULL ? NULL : strchr(at, ' ') + 1)
        if (strncmp(at, value, length) == 0 && (at[length] == ' ' || at[length] == '\0')) return true;
    return value == NULL || cli_fail(&cli->error, "%s is \"%.40s\"; it must be one of: %s", option, value, choices);
}

/* That of an earlier run must not be taken for this one's. */
static void unlink_summary(const char *folder) {
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/summary.json", folder);
    unlink(path);
}

static bool can_write_report(struct cli *cli) {
    const char *path = getenv("PAGODA_SOFTGPU_REPORT");
    if (path == NULL || path[0] == '\0' || strcmp(path, "/dev/stderr") == 0) return true;
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (file < 0) return errno == ENXIO || cli_fail(&cli->error, "PAGODA_SOFTGPU_REPORT is \"%.200s\", which cannot be written to (%s)", path, strerror(errno)); /* ENXIO: a pipe that nobody reads yet */
    close(file);
    return true;
}

/* Makes the folder of a timeline, or finds it, before the program is started for nothing. */
static bool make_folder(struct cli *cli, const char *folder) {
    struct stat is;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return cli_fail(&cli->error, "--out-dir: the folder %s cannot be made (%s)", folder, strerror(errno));
    if (stat(folder, &is) == 0 && !S_ISDIR(is.st_mode)) return cli_fail(&cli->error, "--out-dir: %s is a file, and a folder is needed", folder);
    if (access(folder, W_OK | X_OK) != 0) return cli_fail(&cli->error, "--out-dir: the folder %s cannot be written to (%s)", folder, strerror(errno));
    unlink_summary(folder);
    return true;
}

/* One schedule after the other, each of the next seed, until something is found or the program ends otherwise than the first time. */
static bool start_each(struct cli *cli, struct run_options *o, const char *folder, int *status) {
    enum { INTERRUPTED = 130 };
    struct stat found = {.st_size = 0};
    if (o->schedules > 0 && o->seed < 0) o->seed = 1;
    for (int64_t k = 0, first = o->seed; k == 0 || k < o->schedules; k++) {
        if (o->seed >= 0) o->seed = first + k;
        if (!set_environment(cli, o) || !soft_gpu_start(cli, folder, cli->words, status)) return false;
        if (k == 0) o->first_status = *status;
        o->ran = k + 1;
        if (*status != o->first_status || *status == INTERRUPTED || (o->checks && stat(o->file, &found) == 0 && found.st_size > 0)) break;
    }
    return true;
}

/* Takes the options, all of which may stand before a program, and starts it. *code: what to return when it did not come to that. */
static bool start(struct cli *cli, struct run_options *o, int *status, int *code) {
    const int64_t seeds_most = INT64_MAX / 2, limit_most = 1 << 30;
    const struct cli_option options[] = {
        {"--devices", CLI_INTEGER, &o->devices, 1, 16, NULL},     {"--memory", CLI_INTEGER, &o->memory, 1, 1 << 20, NULL},     {"--capability", CLI_TEXT, &o->capability, 0, 0, NULL},
        {"--synchronous", CLI_FLAG, &o->synchronous, 0, 0, NULL}, {"--force", CLI_FLAG, &o->force, 0, 0, NULL},
        {"--fault", CLI_TEXT, &o->fault, 0, 0, NULL},             {"--limit", CLI_INTEGER, &o->limit, 1, limit_most, NULL},     {"--seed", CLI_INTEGER, &o->seed, 0, seeds_most, NULL},       {"--schedules", CLI_INTEGER, &o->schedules, 1, 1000000, NULL},
        {"--executor", CLI_TEXT, &o->executor, 0, 0, NULL},       {"--uninitialised", CLI_FLAG, &o->uninitialised, 0, 0, NULL},
    };
    const struct cli_option of_timeline[] = {{"--kernel", CLI_TEXT, &o->kernel, 0, 0, NULL}, {"--out-dir", CLI_TEXT, &o->folder, 0, 0, NULL}};
    int count = (int)(sizeof options / sizeof options[0]) - (o->profiles || o->timeline ? 4 : o->checks ? 0 : 1); /* the last are not of these */
    char folder[PATH_MAX];
    *code = CLI_USAGE;
    if (o->timeline && !cli_global_options(cli, of_timeline, 2)) return false;
    if (!cli_options(cli, options, count)) return false;
    if (o->timeline && o->folder == NULL) return cli_fail(&cli->error, "--out-dir FOLDER is missing: where the timeline goes");
    if (!known(cli, "--capability", o->capability, "7.5 8.0 8.6 8.7 8.9 9.0") || !known(cli, "--executor", o->executor, "vector reference")) return false;
    if (o->fault != NULL && strspn(o->fault, "abcdefghijklmnopqrstuvwxyz@0123456789,") != strlen(o->fault)) return cli_fail(&cli->error, "--fault is \"%.40s\"; it must be a list of oom@N, lost@N and slow@MS", o->fault);
    if (cli->word_count == 0) return cli_fail(&cli->error, "a program is needed: pagoda %s -- PROGRAM [ARGUMENT]...", cli->verb);
    *code = CLI_FAILED;
    if (!soft_gpu_folder(cli, folder, sizeof folder)) return false;
    if (!o->force && soft_gpu_real_driver()) return cli_fail(&cli->error, "this machine has a GPU whose driver answers, and the program would not see it; say --force to run it with the software GPU all the same");
    cli->words[cli->word_count] = NULL; /* there was a NULL behind them, or words that were taken out */
    if (!can_write_report(cli) || (o->timeline && !make_folder(cli, o->folder))) return false;
    return start_each(cli, o, folder, status);
}

/* A program that fails under some schedules only has failed. */
static int verdict(const struct run_options *o, int status) { return status == 0 ? o->first_status : status; }

/* What the schedules came to, and how it comes again. */
static void tell_schedules(const struct cli *cli, const struct run_options *o, int status, int found) {
    long long seed = o->seed, first = seed - o->ran + 1;
    if (cli->quiet || o->schedules < 1) return;
    if (found > 0) fprintf(stderr, "%d found with seed %lld; replay with --seed %lld\n", found, seed, seed);
    else if (status != o->first_status) fprintf(stderr, "exit status %d with seed %lld, and %d with seed %lld; replay with --seed %lld\n", status, seed, o->first_status, first, status == 0 ? first : seed);
    else fprintf(stderr, "%s, exit status %d: %lld schedules, seeds %lld to %lld\n", o->checks ? "nothing was found" : "the same end each time (what was printed is not compared)", status, (long long)o->ran, first, seed);
}

int cli_gpu_run(struct cli *cli) {
    struct run_options o = no_options;
    int status, code;
    if (!start(cli, &o, &status, &code)) return cli_report(cli, code);
    tell_schedules(cli, &o, status, 0);
    if (cli->json) {
        struct json_writer json;
        json_start(&json, stdout);
        json_begin_object(&json, NULL);
        json_integer(&json, "exit_status", status);
        if (o.seed >= 0) json_integer(&json, "seed", o.seed);
        if (o.schedules > 0) json_integer(&json, "schedules", o.ran);
        json_finish(&json);
    }
    return verdict(&o, status);
}

/* ---- pagoda gpu check, pagoda gpu profile -------------------------------------------------------------------------------------------------------------------------------- */

/* The lines of the file, each a JSON object, as elements of an array or not at all; returns how many. */
static int pass_on(FILE *file, bool print) {
    int lines = 0, last = '\n';
    for (int c = fgetc(file); c != EOF; last = c, c = fgetc(file)) {
        if (last == '\n' && lines++ > 0 && print) printf(", ");
        if (c != '\n' && print) putchar(c);
    }
    return lines;
}

/* Starts a program that writes to a file, which is gone afterwards and can still be read; NULL: *code is to be returned. */
static FILE *start_with_file(struct cli *cli, struct run_options *o, int *status, int *code) {
    char path[] = "/tmp/pagoda_gpu_XXXXXX";
    int descriptor = mkstemp(path);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    if (file == NULL) return cli_fail(&cli->error, "a file cannot be made in /tmp (%s)", strerror(errno)), *code = cli_report(cli, CLI_FAILED), NULL;
    o->file = path;
    bool started = start(cli, o, status, code);
    unlink(path);
    if (started) return file;
    fclose(file);
    *code = cli_report(cli, *code);
    return NULL;
}

int cli_gpu_check(struct cli *cli) {
    struct run_options o = no_options;
    int status, code;
    o.checks = true;
    FILE *file = start_with_file(cli, &o, &status, &code);
    if (file == NULL) return code;
    if (cli->json) printf("{\"findings\": [");
    int count = pass_on(file, cli->json);
    if (cli->json) printf("], \"exit_status\": %d", status);
    if (cli->json && o.seed >= 0) printf(", \"seed\": %lld", (long long)o.seed);
    if (cli->json && o.schedules > 0) printf(", \"schedules\": %lld", (long long)o.ran);
    if (cli->json) printf("}\n");
    else if (!cli->quiet && o.schedules < 1) fprintf(stderr, count > 0 ? "%d found\n" : status > 128 ? "nothing was found before the program was ended\n" : "nothing was found\n", count);
    tell_schedules(cli, &o, status, count);
    fclose(file);
    return count > 0 ? CLI_FAILED : verdict(&o, status);
}

int cli_gpu_profile(struct cli *cli) {
    struct run_options o = no_options;
    int status, code;
    o.profiles = true;
    FILE *file = start_with_file(cli, &o, &status, &code);
    if (file == NULL) return code;
    if (cli->json) {
        printf("{\"kernels\": [");
        pass_on(file, true);
        printf("], \"exit_status\": %d}\n", status);
    } else {
        for (int c = fgetc(file); c != EOF; c = fgetc(file)) putchar(c);
    }
    fclose(file);
    return status;
}

/* ---- pagoda gpu timeline ----------------------------------------------------------------------------------------------------------------------------------------------- */

static bool was_cut(FILE *summary) {
    char line[4096];
    size_t count = fread(line, 1, sizeof line - 1, summary);
    line[count] = '\0';
    rewind(summary);
    return strstr(line, "\"cut\": true") != NULL;
}

int cli_gpu_timeline(struct cli *cli) {
    struct run_options o = no_options;
    char path[PATH_MAX];
    int status, code;
    o.timeline = true;
    if (!start(cli, &o, &status, &code)) return cli_report(cli, code);
    snprintf(path, sizeof path, "%s/summary.json", o.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) return cli_fail(&cli->error, "%s was not written: the program launched no kernel%s%s that ended well, or the folder cannot be written to", path, o.kernel == NULL ? "" : " ", o.kernel == NULL ? "" : o.kernel), cli_report(cli, CLI_FAILED);
    if (cli->json) {
        printf("{\"files\": [\"timeline.json\", \"timeline.svg\"], \"timeline\": ");
        pass_on(file, true);
        printf(", \"exit_status\": %d}\n", status);
    } else {
        printf("%s/timeline.svg, and timeline.json for Perfetto: a model that is not calibrated\n", o.folder);
        if (was_cut(file)) printf("the recording was cut: the launch is longer than what is kept, and its beginning alone is shown\n");
    }
    fclose(file);
    return status;
}

/* ---- pagoda gpu ptx -------------------------------------------------------------------------------------------------------------------------------------------------- */

struct listing {
    struct json_writer *json; /* NULL: words */
};

static void list_kernel(void *user, const pgd_softgpu_kernel_info *k) {
    struct listing *l = user;
    if (l->json == NULL) {
        printf("  line %-6d %-40s %6d instructions, about %3d registers, %lld bytes of parameters, %lld of local memory\n", k->line, k->name, k->instructions, k->registers, (long long)k->parameter_bytes, (long long)k->local_bytes);
        return;
    }
    json_begin_object(l->json, NULL);
    json_string(l->json, "name", k->name);
    json_integer(l->json, "line", k->line);
    json_integer(l->json, "instructions", k->instructions);
    json_integer(l->json, "registers", k->registers);
    json_integer(l->json, "parameter_bytes", k->parameter_bytes);
    json_integer(l->json, "local_bytes", k->local_bytes);
    json_end(l->json);
}

typedef int read_fn(const char *text, size_t bytes, pgd_softgpu_module_info *module, pgd_softgpu_kernel_fn *each, void *user, char *log, size_t log_bytes);

static read_fn *find_reader(struct cli *cli) {
    char folder[PATH_MAX], file[PATH_MAX + 32];
    read_fn *read;
    if (!soft_gpu_folder(cli, folder, sizeof folder)) return NULL;
    snprintf(file, sizeof file, "%s/libcuda.so.1", folder);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    *(void **)&read = library == NULL ? NULL : dlsym(library, "pgd_softgpu_ptx_read");
    if (read == NULL) cli_fail(&cli->error, "%s cannot be loaded (%s); build or install Pagoda whole", file, dlerror());
    return read;
}

static void say_json(read_fn *read, const char *text, size_t bytes, const pgd_softgpu_module_info *m) {
    struct json_writer json;
    struct listing listing = {&json};
    json_start(&json, stdout);
    json_begin_object(&json, NULL);
    json_integer(&json, "version", m->version);
    json_integer(&json, "target", m->target);
    json_integer(&json, "shared_bytes", m->shared_bytes);
    json_integer(&json, "global_bytes", m->global_bytes);
    json_integer(&json, "const_bytes", m->const_bytes);
    json_begin_array(&json, "kernels");
    read(text, bytes, NULL, list_kernel, &listing, NULL, 0);
    json_finish(&json);
}

int cli_gpu_ptx(struct cli *cli) {
    pgd_softgpu_module_info m;
    struct text_bytes file;
    char log[4096];
    if (!cli_options(cli, NULL, 0)) return cli_report(cli, CLI_USAGE);
    if (cli->word_count != 1) return cli_fail(&cli->error, "one file of PTX is needed: pagoda gpu ptx kernels.ptx"), cli_report(cli, CLI_USAGE);
    read_fn *read = find_reader(cli);
    if (read == NULL || !text_read(cli->words[0], &file, &cli->error)) return cli_report(cli, CLI_FAILED);
    const char *text = (const char *)file.bytes;
    int result = read(text, file.count, &m, NULL, NULL, log, sizeof log);
    if (result != 0) {
        fprintf(stderr, "%s", log);
        cli_fail(&cli->error, result == 3 ? "there is not enough memory for %s" : result == 2 ? "%s uses what the software GPU has not got; the lines above say where" : "%s is not right; the lines above say where", cli->words[0]);
    } else if (cli->json) {
        say_json(read, text, file.count, &m);
    } else {
        struct listing listing = {NULL};
        printf("%s: PTX %d.%d for sm_%d; %d kernels, %d functions; %lld bytes of shared, %lld of global, %lld of constant memory\n", cli->words[0], m.version / 10, m.version % 10, m.target, m.kernels, m.functions, (long long)m.shared_bytes,
               (long long)m.global_bytes, (long long)m.const_bytes);
        read(text, file.count, NULL, list_kernel, &listing, NULL, 0);
    }
    text_free(&file);
    return result == 0 ? CLI_DONE : cli_report(cli, CLI_FAILED);
}
