/* SPDX-License-Identifier: Apache-2.0
 * The counts of a launch by line: of the source where the module has .loc, else of the PTX. */
#ifndef PGD_SOFTGPU_LINE_COUNTS_H
#define PGD_SOFTGPU_LINE_COUNTS_H

#include "counts.h"

/* As in gpu_launch_counts; sectors and wavefronts of loads and stores together. */
typedef struct gpu_line_counts {
    uint64_t warp_instructions, thread_instructions;
    uint64_t sectors, ideal_sectors, wavefronts, ideal_wavefronts, parted;
} gpu_line_counts;

typedef struct gpu_line {
    char source[64]; /* the end of the file's name, '?' for what JSON would have to quote; "": the PTX */
    int32_t number;
    gpu_line_counts counts;
} gpu_line;

/* Sorted by name and number. */
typedef struct gpu_lines {
    gpu_line *list;
    int32_t count, capacity;
    bool incomplete; /* there was no memory for all */
} gpu_lines;

void gpu_lines_deinit(gpu_lines *lines);

/* While a launch runs: a number of each instruction. It counts the launch as a whole as gpu_counter does. */
typedef struct gpu_line_counter {
    gpu_launch_counts *whole;
    struct function_counts *functions;
    int32_t count, capacity, latest;
    bool incomplete;
} gpu_line_counter;

gpu_observer gpu_line_counter_begin(gpu_line_counter *counter, gpu_launch_counts *whole);
void gpu_line_counter_end(gpu_line_counter *counter, const ptx_module *module, gpu_lines *lines); /* adds to the lines */
#endif
