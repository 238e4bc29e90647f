/* SPDX-License-Identifier: Apache-2.0 */
#include "serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "measure.h"

static int by_time(const void *a, const void *b) {
    const pgd_step_profile *x = a, *y = b;
    return (x->ns < y->ns) - (x->ns > y->ns);
}

/* Sums up operations of one kind on one kernel; gives how many are left. */
static int32_t by_kind(pgd_step_profile *lines, int32_t count) {
    int32_t kinds = 0;
    for (int32_t i = 0; i < count; i++) {
        int32_t k = 0;
        while (k < kinds && (strcmp(lines[k].kernel, lines[i].kernel) != 0 || strcmp(lines[k].operation, lines[i].operation) != 0)) k++;
        if (k == kinds) {
            lines[kinds++] = lines[i];
            continue;
        }
        double calls = (double)(lines[k].calls + lines[i].calls), before = (double)lines[k].calls / calls, now = (double)lines[i].calls / calls;
        lines[k].flops = lines[k].flops * before + lines[i].flops * now;
        lines[k].bytes = lines[k].bytes * before + lines[i].bytes * now;
        lines[k].calls += lines[i].calls;
        lines[k].ns += lines[i].ns;
    }
    qsort(lines, (size_t)kinds, sizeof *lines, by_time);
    return kinds;
}

static void print_lines(const pgd_step_profile *lines, int32_t count, uint64_t all) {
    printf("%6s %8s %6s %8s %8s  kernel\n", "calls", "us", "%", "GF/s", "GB/s");
    for (int32_t i = 0; i < count && i < 60; i++) {
        double ns = (double)lines[i].ns / (double)lines[i].calls;
        printf("%6llu %8.0f %6.2f %8.1f %8.1f  %s %s\n", (unsigned long long)lines[i].calls, ns / 1e3, 100 * (double)lines[i].ns / (double)all, lines[i].flops / ns, lines[i].bytes / ns, lines[i].kernel, lines[i].operation);
    }
}

static void profile(pgd_run *run, double (*step)(void *user), void *user, int steps) {
    pgd_run_profile(run, true);
    for (int i = 0; i < steps; i++) step(user);
    int32_t count = pgd_run_step_count(run);
    pgd_step_profile *lines = bench_alloc(sizeof *lines * (size_t)(count + 1));
    uint64_t all = 0;
    for (int32_t i = 0; i < count; i++) {
        bench_must(pgd_run_step(run, i, &lines[i]), "profile");
        all += lines[i].ns;
    }
    qsort(lines, (size_t)count, sizeof *lines, by_time);
    printf("%.2f ms a step, %d operations\n", (double)all / 1e6 / steps, count);
    print_lines(lines, count, all);
    printf("\n");
    print_lines(lines, by_kind(lines, count), all);
    pgd_run_profile(run, false);
    free(lines);
}

void bench_serve(pgd_run *run, double (*step)(void *user), void *user) {
    char word[32];
    int n;
    printf("ready\n");
    fflush(stdout);
    while (scanf("%31s", word) == 1) {
        if (strcmp(word, "peak") == 0) {
            struct rusage usage;
            getrusage(RUSAGE_SELF, &usage);
            printf("%lld\n", (long long)usage.ru_maxrss * 1024);
        } else if (scanf("%d", &n) != 1) {
            break;
        } else if (strcmp(word, "run") == 0) {
            double value = 0, start = bench_seconds();
            for (int i = 0; i < n; i++) value = step(user);
            printf("%.6f %.6f\n", bench_seconds() - start, value);
        } else if (strcmp(word, "values") == 0) {
            for (int i = 0; i < n; i++) printf("%.7f ", step(user));
            printf("\n");
        } else if (strcmp(word, "profile") == 0)
            profile(run, step, user, n);
        fflush(stdout);
    }
}
