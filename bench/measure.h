/* SPDX-License-Identifier: Apache-2.0
 * What the benchmarks share: time, how much other processes were in the way, order statistics, and the peak of the machine. */
#ifndef BENCH_MEASURE_H
#define BENCH_MEASURE_H

#include <runtime_share.h>
#include <sys/types.h>

/* Ends the program with the library's sentence unless the call succeeded. */
void bench_must(pgd_status status, const char *what);
void *bench_alloc(size_t bytes); /* zeroed, 64-byte aligned; never NULL */

pgd_device *bench_device(const char *threads); /* the CPU's with so many threads; NULL: as many as it has cores */

/* Writes FOLDER/NAME; ends the program where it cannot. */
void bench_write_file(const char *folder, const char *name, const void *bytes, size_t count);

uint32_t bench_roll(void); /* 31 random bits; the same sequence in every run */

double bench_seconds(void); /* monotonic */

/* How long the threads of this process were ready to run but waited for a processor; 0 where the system does not say. */
double bench_waited_seconds(void);

/* Processor time used so far: by everybody on this machine (in steps of 10 ms), by this process, by another one. */
double bench_machine_busy_seconds(void);
double bench_own_busy_seconds(void);
double bench_process_busy_seconds(pid_t process);

typedef struct bench_spread {
    int count;
    double median, p10, p90, best; /* best: the largest */
} bench_spread;

/* Sorts the values. No values: all zero. */
bench_spread bench_spread_of(double *values, int count);

/* 95 % interval of the median by 2000 resamples with a fixed seed. */
void bench_median_interval(const double *values, int count, double *low, double *high);

/* GF/s of a few milliseconds of independent multiply-adds at the device's instruction set level, on all of its threads. */
double bench_peak_gflops(pgd_device *device, pgd_stream *stream);

/* Writes the text as a JSON string. */
void bench_print_json_string(const char *text);

#endif
