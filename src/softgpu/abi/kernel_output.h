/* SPDX-License-Identifier: Apache-2.0
 * What kernels of a context print, until the program hears of it: records of one call of printf each, never torn. When they are more than the limit the oldest go. */
#ifndef PGD_SOFTGPU_KERNEL_OUTPUT_H
#define PGD_SOFTGPU_KERNEL_OUTPUT_H

#include <base_share.h>
#include <pthread.h>
#include <stdatomic.h>

typedef struct gpu_output {
    pthread_mutex_t lock;       /* taken by kernels while they print, and while it is written */
    char *ring;                 /* capacity bytes, from the first print on */
    size_t capacity, first, count;
    _Atomic bool waiting;       /* there is something */
    uint64_t lost;              /* bytes that went */
    char assertion[700];        /* to be written to stderr; "": none */
} gpu_output;

void gpu_output_init(gpu_output *output, size_t capacity);
void gpu_output_deinit(gpu_output *output);
void gpu_output_add(gpu_output *output, const char *text, size_t bytes);
void gpu_output_assert(gpu_output *output, const char *line);
/* For the program: this thread writes it when it leaves the driver. Without memory it is lost, and that is reported. */
void gpu_output_flush(gpu_output *output);
/* To the program's stdout and stderr, where its own text stands in stdio's buffers; without the driver's lock. */
void gpu_output_write(void);
#endif
