/* SPDX-License-Identifier: Apache-2.0
 * Launches that run for long: that is said once, with the place; one ends after as many seconds as it may have, and when the program is interrupted (^C). */
#ifndef PGD_SOFTGPU_LAUNCH_WATCH_H
#define PGD_SOFTGPU_LAUNCH_WATCH_H

#include <exec/gpu_launch.h>

typedef struct gpu_watch {
    uint64_t begun_ns;
    _Atomic bool said;
} gpu_watch;

void gpu_watch_interrupts(void); /* SIGINT and SIGTERM, unless the program has plans for them */
extern _Atomic int gpu_watch_attention; /* the signal that interrupted the program; 0: none */

/* Around a launch. The end goes on with the signal, where there was one; when the program ends by it, what was found and counted is written before. */
void gpu_watch_begin(gpu_watch *watch);
void gpu_watch_end(void);
gpu_order gpu_watch_look(gpu_watch *watch);
const char *gpu_watch_how_long(void); /* ": 5 s, as --timeout says" */
void gpu_watch_where(const gpu_watch *watch, const char *place);
#endif
