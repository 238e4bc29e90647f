/* SPDX-License-Identifier: Apache-2.0
 * Exact counts of what a launch did: instructions by class, lanes at work, sectors of global memory, bank conflicts of shared memory. They depend on the kernel and its
 * data alone, on no machine's time. */
#ifndef PGD_SOFTGPU_COUNTS_H
#define PGD_SOFTGPU_COUNTS_H

#include <exec/gpu_observer.h>

#define GPU_CLASS_LIST(X)                                                                                              \
    X(INTEGER, "integer") X(F32, "f32") X(F64, "f64") X(HALF, "half") X(SPECIAL, "special function") X(CONVERT, "convert") \
    X(MOVE, "move, select") X(COMPARE, "compare") X(LOAD, "load") X(STORE, "store") X(ATOMIC, "atomic") X(CONTROL, "control") \
    X(BARRIER, "barrier, fence") X(WARP, "between lanes") X(MATRIX, "matrix") X(COPY, "cp.async")
typedef enum gpu_class {
#define X(name, text) GPU_CLASS_##name,
    GPU_CLASS_LIST(X)
#undef X
    GPU_CLASS_COUNT
} gpu_class;
extern const char *const gpu_class_names[GPU_CLASS_COUNT];
gpu_class gpu_class_of(const ptx_instruction *instruction);

typedef struct gpu_launch_counts {
    uint64_t warp_instructions, thread_instructions, lanes_alive; /* lanes_alive: of all instructions; with thread_instructions, how well warps are filled */
    uint64_t by_class[GPU_CLASS_COUNT];                           /* instructions of warps */
    uint64_t branches, parted;                                    /* conditional ones; those where lanes of a warp went both ways */
    uint64_t global_loads, global_stores;                         /* requests: instructions of warps, at least one lane of which */
    uint64_t load_sectors, store_sectors;                         /* of 32 bytes, distinct within a request */
    uint64_t ideal_load_sectors, ideal_store_sectors;             /* if the same distinct bytes lay side by side */
    uint64_t shared_requests, shared_wavefronts;                  /* wavefronts: one, and one more for each conflict */
    uint64_t ideal_shared_wavefronts;
    uint64_t local_requests, atomic_requests;
} gpu_launch_counts;

/* An observer that adds to the counts. */
gpu_observer gpu_counter(gpu_launch_counts *counts);
#endif
