/* SPDX-License-Identifier: Apache-2.0
 * What a process is told of its software GPUs: PAGODA_SOFTGPU_* of the environment, set by `pagoda gpu`. The only place that reads it. */
#ifndef PGD_SOFTGPU_SETTINGS_H
#define PGD_SOFTGPU_SETTINGS_H

#include <base_share.h>

typedef struct gpu_settings {
    int32_t devices;            /* DEVICES: how many, 1 to 16 */
    int32_t capability;         /* CAPABILITY: 9.0 is 90 */
    int32_t processors;         /* PROCESSORS: streaming multiprocessors of a device */
    uint64_t memory_bytes;      /* MEMORY: of a device, in MiB */
    int32_t workers;            /* WORKERS: threads that run blocks; 0: as many as there are cores */
    bool synchronous;           /* SYNCHRONOUS=1: each call returns when its work is done */
    bool reference;             /* EXECUTOR=reference: the slow one */
    uint64_t seed;              /* SEED: of the order in which tasks, blocks, warps and threads run; 0: the natural one */
    uint64_t instruction_limit; /* LIMIT: of one launch, in millions of instructions of threads */
    int32_t timeout_s;          /* TIMEOUT: seconds that a launch may take; 0: as long as it likes */
    int32_t patience_s;         /* PATIENCE: seconds after which a launch is said to run for long; 0: never */
    int32_t driver_version;     /* VERSION: what cuDriverGetVersion says; an old driver, say */
    bool check, check_races, check_uninitialised; /* CHECK: a list of memory, races, uninitialised */
    char findings[4096];        /* FINDINGS: a file that gets what is found, a JSON object a line; "": none */
    int64_t fail_allocation, fail_launch, slow_ms; /* FAULT: a list of oom@N, lost@N, slow@MS; 0: none */
    char profile[4096];         /* PROFILE: a file that gets what was counted, when the process ends; "": none */
    bool profile_json;          /* PROFILE_JSON=1 */
    char timeline[4096];        /* TIMELINE: a folder that gets the timeline of one launch; "": none */
    char timeline_kernel[256];  /* TIMELINE_KERNEL: of which kernel; "": the first */
    char report[4096];          /* REPORT: a file that lines are added to; "": none */
} gpu_settings;

/* BAD_ARG: a value that is no number or out of its range; the sentence names it. */
pgd_status gpu_settings_read(gpu_settings *settings);
#endif
