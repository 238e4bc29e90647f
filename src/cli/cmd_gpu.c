/* SPDX-License-Identifier: Apache-2.0
 * pagoda gpu run, check, profile, timeline: programs on a GPU made of software. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "gpu_program.h"
#include "json_writer.h"

/* The program may have left one open, and JSON is a line of its own. */
static void end_line(void) { putchar('\n'); }

/* ---- pagoda gpu run ------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* What the schedules came to, and how it comes again. */
static void tell_schedules(const struct cli *cli, const struct gpu_program *p) {
    long long seed = p->seed, first = seed - p->ran + 1;
    if (cli->quiet || p->schedules < 1) return;
    if (p->findings > 0) fprintf(stderr, "%d found with seed %lld; replay with --seed %lld\n", p->findings, seed, seed);
    else if (gpu_program_interrupted(p)) fprintf(stderr, "ended by a signal with seed %lld, after %lld schedule%s\n", seed, (long long)p->ran - 1, p->ran == 2 ? "" : "s");
    else if (p->status != p->first_status) fprintf(stderr, "exit status %d with seed %lld, and %d with seed %lld; replay with --seed %lld\n", p->status, seed, p->first_status, first, p->status == 0 ? first : seed);
    else fprintf(stderr, "%s, exit status %d: %lld schedules, seeds %lld to %lld\n", p->checks ? "nothing was found" : "the same end each time (what was printed is not compared)", p->status, (long long)p->ran, first, seed);
}

int cli_gpu_run(struct cli *cli) {
    struct gpu_program p = gpu_program_of(false, false, false);
    FILE *none;
    int code;
    if (!gpu_program_run(cli, &p, &none, &code)) return code;
    tell_schedules(cli, &p);
    if (cli->json) {
        struct json_writer json;
        end_line();
        json_start(&json, stdout);
        json_begin_object(&json, NULL);
        json_integer(&json, "exit_status", p.status);
        if (p.seed >= 0) json_integer(&json, "seed", p.seed);
        if (p.schedules > 0) json_integer(&json, "schedules", p.ran);
        json_finish(&json);
    }
    return gpu_program_verdict(&p);
}

/* ---- pagoda gpu check ---------------------------------------------------------------------------------------------------------------------------------------------------- */

/* A check that saw nothing must not be taken for a clean one. */
static void tell_check(const struct gpu_program *p) {
    if (p->findings > 0) fprintf(stderr, "%d found\n", p->findings);
    else if (p->status > 128) fprintf(stderr, "nothing was found before the program was ended by a signal\n");
    else if (p->unfinished > 0) fprintf(stderr, "nothing was found; but the program ended at once (_exit, say), and what was not done by then was not checked\n");
    else if (p->launches == 0) fprintf(stderr, "nothing was found, and nothing checked: no kernel was launched\n");
    else fprintf(stderr, "nothing was found in %lld launch%s%s\n", p->launches, p->launches == 1 ? "" : "es", p->uninitialised ? "" : "; --uninitialised looks for reads of what nobody wrote, too");
}

int cli_gpu_check(struct cli *cli) {
    struct gpu_program p = gpu_program_of(true, false, false);
    FILE *file;
    int code;
    if (!gpu_program_run(cli, &p, &file, &code)) return code;
    if (cli->json) {
        end_line();
        printf("{\"findings\": [");
        gpu_program_print_objects(file);
        printf("], \"exit_status\": %d, \"launches\": %lld", p.status, p.launches);
        if (p.seed >= 0) printf(", \"seed\": %lld", (long long)p.seed);
        if (p.schedules > 0) printf(", \"schedules\": %lld", (long long)p.ran);
        printf("}\n");
    } else if (!cli->quiet && p.schedules < 1) {
        tell_check(&p);
    }
    tell_schedules(cli, &p);
    fclose(file);
    return p.findings > 0 ? CLI_FAILED : gpu_program_verdict(&p);
}

/* ---- pagoda gpu profile -------------------------------------------------------------------------------------------------------------------------------------------------- */

int cli_gpu_profile(struct cli *cli) {
    struct gpu_program p = gpu_program_of(false, true, false);
    FILE *file;
    int code;
    if (!gpu_program_run(cli, &p, &file, &code)) return code;
    if (cli->json) {
        end_line();
        printf("{\"kernels\": [");
        gpu_program_print_objects(file);
        printf("], \"exit_status\": %d}\n", p.status);
    } else {
        int c = fgetc(file);
        if (c == EOF && !cli->quiet) fprintf(stderr, "nothing was counted: no kernel was launched, or the program ended at once (a signal, _exit)\n");
        for (; c != EOF; c = fgetc(file)) putchar(c);
    }
    fclose(file);
    return p.status;
}

/* ---- pagoda gpu timeline ----------------------------------------------------------------------------------------------------------------------------------------------- */

static void print_timeline(struct cli *cli, const struct gpu_program *p, const char *summary) {
    if (cli->json) {
        end_line();
        printf("{\"files\": [\"timeline.json\", \"timeline.svg\", \"summary.json\"], \"timeline\": %.*s, \"exit_status\": %d}\n", (int)strcspn(summary, "\n"), summary, p->status);
        return;
    }
    printf("%s/timeline.svg, timeline.json for Perfetto, summary.json with the throughput: a model that is not calibrated\n", p->folder);
    if (strstr(summary, "\"cut\": true") != NULL) printf("the recording was cut: the launch is longer than what is kept, and its beginning alone is shown\n");
}

int cli_gpu_timeline(struct cli *cli) {
    struct gpu_program p = gpu_program_of(false, false, true);
    char path[PATH_MAX], summary[4096];
    FILE *none;
    int code;
    if (!gpu_program_run(cli, &p, &none, &code)) return code;
    snprintf(path, sizeof path, "%s/summary.json", p.folder);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        if (p.kernel == NULL) cli_fail(&cli->error, "there is no timeline: no kernel was launched and ended well");
        else cli_fail(&cli->error, "there is no timeline: no kernel %s was launched and ended well", p.kernel);
        return cli_report(cli, CLI_FAILED);
    }
    summary[fread(summary, 1, sizeof summary - 1, file)] = '\0';
    fclose(file);
    print_timeline(cli, &p, summary);
    return p.status;
}
