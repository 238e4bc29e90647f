/* SPDX-License-Identifier: Apache-2.0
 * A program that is run with the software GPU: the options that may stand before it, and its start, once or with one seed after the other. */
#ifndef GPU_PROGRAM_H
#define GPU_PROGRAM_H

#include <stdio.h>

#include "cli.h"

struct gpu_program {
    bool checks, profiles, timeline; /* what the verb is about; none: it just runs */
    int64_t devices, memory, limit, timeout, seed, schedules; /* -1: as the environment says */
    const char *capability, *executor, *fault;
    bool force, synchronous, uninitialised;
    const char *kernel, *folder; /* of a timeline */
    int status;                  /* out: the exit status of the program */
    int64_t ran;                 /* out: schedules */
    int first_status;            /* out: of the first of them */
    int findings, unfinished;    /* out: of a check; processes that did not end by themselves */
    long long launches;          /* out: of a check: kernels, as far as the program told when it ended */
};

struct gpu_program gpu_program_of(bool checks, bool profiles, bool timeline);

/* Takes options and program out of the words and runs it. *file: what was found or counted, to be closed; NULL for other verbs. False: *code is to be returned. */
bool gpu_program_run(struct cli *cli, struct gpu_program *program, FILE **file, int *code);

/* The exit status of the command: a program that fails under some schedules only has failed. */
int gpu_program_verdict(const struct gpu_program *program);
bool gpu_program_interrupted(const struct gpu_program *program); /* by ^C, or told to end */

/* What was found or counted, JSON objects with commas between them. */
void gpu_program_print_objects(FILE *file);
#endif
