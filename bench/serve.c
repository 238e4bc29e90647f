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
    printf("%.2f ms a step, %d operations\n%8s %6s %8s %8s  kernel\n", (double)all / 1e6 / steps, count, "us", "%", "GF/s", "GB/s");
    for (int32_t i = 0; i < count && i < 60; i++) {
        double ns = (double)lines[i].ns / (double)lines[i].calls;
        printf("%8.0f %6.2f %8.1f %8.1f  %s %s\n", ns / 1e3, 100 * (double)lines[i].ns / (double)all, lines[i].flops / ns, lines[i].bytes / ns, lines[i].kernel, lines[i].operation);
    }
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
