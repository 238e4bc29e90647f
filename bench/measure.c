/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

void bench_must(pgd_status status, const char *what) {
    if (status == PGD_OK) return;
    fprintf(stderr, "bench: %s: %s\n", what, pgd_error_text());
    exit(1);
}

void *bench_alloc(size_t bytes) {
    void *block = aligned_alloc(64, (bytes + 127) / 64 * 64);
    if (block == NULL) {
        fprintf(stderr, "bench: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    return memset(block, 0, (bytes + 127) / 64 * 64);
}

pgd_device *bench_device(const char *threads) {
    pgd_device *device;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    o.threads = threads == NULL ? 0 : atoi(threads);
    bench_must(pgd_device_open("cpu", &o, &device), "device");
    return device;
}

void bench_write_file(const char *folder, const char *name, const void *bytes, size_t count) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(bytes, 1, count, file) == count;
    if (file == NULL || fclose(file) != 0 || !written) {
        fprintf(stderr, "bench: %s: %zu bytes could not be written; is the folder there, and the disk not full?\n", path, count);
        exit(1);
    }
}

uint32_t bench_roll(void) {
    static uint64_t state = 1;
    return (uint32_t)((state = state * 6364136223846793005u + 1442695040888963407u) >> 33);
}

double bench_seconds(void) { return 1e-9 * (double)pgd_time_ns(); }

double bench_waited_seconds(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return 0;
    double sum = 0;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        char path[300];
        unsigned long long ran, waited;
        if (task->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL) continue;
        if (fscanf(file, "%llu %llu", &ran, &waited) == 2) sum += 1e-9 * (double)waited;
        fclose(file);
    }
    closedir(tasks);
    return sum;
}

double bench_machine_busy_seconds(void) {
    FILE *file = fopen("/proc/stat", "r");
    if (file == NULL) return 0;
    double user, nice_user, system, idle, waiting, irq, soft_irq, stolen, busy = 0;
    if (fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &user, &nice_user, &system, &idle, &waiting, &irq, &soft_irq, &stolen) == 8)
        busy = user + nice_user + system + irq + soft_irq + stolen;
    fclose(file);
    return busy / (double)sysconf(_SC_CLK_TCK);
}

static double clock_seconds(clockid_t clock) {
    struct timespec t;
    return clock_gettime(clock, &t) == 0 ? (double)t.tv_sec + 1e-9 * (double)t.tv_nsec : 0;
}

double bench_own_busy_seconds(void) { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID); }

double bench_process_busy_seconds(pid_t process) {
    clockid_t clock;
    return clock_getcpuclockid(process, &clock) == 0 ? clock_seconds(clock) : 0;
}

/* ---- statistics ------------------------------------------------------------------------------------------------------------------------ */

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted values, between neighbours in proportion. */
static double quantile(const double *sorted, int count, double q) {
    double place = q * (count - 1);
    int below = (int)place;
    if (below >= count - 1) return sorted[count - 1];
    return sorted[below] + (place - below) * (sorted[below + 1] - sorted[below]);
}

bench_spread bench_spread_of(double *values, int count) {
    if (count == 0) return (bench_spread){0};
    qsort(values, (size_t)count, sizeof *values, ascending);
    return (bench_spread){count, quantile(values, count, 0.5), quantile(values, count, 0.1), quantile(values, count, 0.9), values[count - 1]};
}

void bench_median_interval(const double *values, int count, double *low, double *high) {
    enum { RESAMPLES = 2000 };
    static double medians[RESAMPLES];
    double *sample = bench_alloc(sizeof *sample * (size_t)(count + 1));
    uint64_t state = 88172645463325252u;
    *low = *high = 0;
    for (int r = 0; count > 0 && r < RESAMPLES; r++) {
        for (int i = 0; i < count; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            sample[i] = values[state % (uint64_t)count];
        }
        medians[r] = bench_spread_of(sample, count).median;
    }
    if (count > 0) {
        qsort(medians, RESAMPLES, sizeof *medians, ascending);
        *low = quantile(medians, RESAMPLES, 0.025);
        *high = quantile(medians, RESAMPLES, 0.975);
    }
    free(sample);
}

void bench_print_json_string(const char *text) {
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        if ((unsigned char)*text >= 0x20) putchar(*text);
    }
    putchar('"');
}
