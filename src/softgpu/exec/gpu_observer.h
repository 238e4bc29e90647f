/* SPDX-License-Identifier: Apache-2.0
 * What the vector executor tells of while it runs, for those who count: every instruction of every warp, before it is executed. One at a time. */
#ifndef PGD_SOFTGPU_OBSERVER_H
#define PGD_SOFTGPU_OBSERVER_H

#include "gpu_launch.h"

enum { GPU_LANES = 32 };

typedef struct gpu_warp_step {
    const ptx_function *function;
    const ptx_instruction *instruction;
    uint32_t block[3], warp;
    uint32_t lanes, running, alive;  /* that execute it; that came to it, with those that its guard leaves out; that have not exited */
    /* of an instruction that accesses memory, else bytes is 0: */
    uint32_t bytes;                  /* of one lane */
    ptx_space spaces[GPU_LANES];     /* where each lane's address is */
    uint64_t addresses[GPU_LANES];   /* within the space; of the lanes that execute it */
} gpu_warp_step;

typedef struct gpu_observer {
    void *user;
    void (*step)(void *user, const gpu_warp_step *step);
} gpu_observer;
#endif
