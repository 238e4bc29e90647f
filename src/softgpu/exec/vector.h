/* SPDX-License-Identifier: Apache-2.0
 * The fast executor: a step of a warp at a time for all of its 32 lanes, on as many cores as a pool has. Its results, and what it tells of a kernel that does wrong, are those of the
 * reference executor. */
#ifndef PGD_SOFTGPU_VECTOR_H
#define PGD_SOFTGPU_VECTOR_H

#include "gpu_launch.h"

/* What was executed. An instruction of a warp counts once however many of its lanes take part. */
typedef struct gpu_counts {
    uint64_t warp_instructions, thread_instructions;
} gpu_counts;

/* A kernel decoded, with the memory that its launches use; one may be launched by several threads at once. The program must outlive it. */
typedef struct gpu_vector_code gpu_vector_code;
/* Errors: BAD_ARG the function has no body; NO_MEMORY. */
pgd_status gpu_vector_prepare(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out);
/* The same, and its launches tell launch->observer of every instruction: without a pool, as the observer hears of one at a time. */
pgd_status gpu_vector_prepare_observed(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out);
/* The same, and its launches tell launch->listener of accesses and barriers; they run without a pool. */
pgd_status gpu_vector_prepare_heard(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out);
/* That of gpu_vector_prepare or _heard, for launches with a seed: a warp's turn may end before each access to memory. In other code it ends between basic blocks alone. */
pgd_status gpu_vector_prepare_seeded(const gpu_program *program, const ptx_function *kernel, bool heard, gpu_vector_code **out);
void gpu_vector_code_destroy(gpu_vector_code *code);

/* Runs all blocks of a launch of the kernel, spread over the pool; NULL, or a seed: the calling thread alone. counts may be NULL. Of several blocks that do wrong the first to be
 * seen is told of. Errors: BAD_ARG sizes that no device takes; DEVICE the kernel did wrong, and *fault says what; NO_MEMORY. */
pgd_status gpu_vector_launch(gpu_vector_code *code, const gpu_launch *launch, pgd_pool *pool, gpu_fault *fault, gpu_counts *counts);

/* Prepares and launches once. */
pgd_status gpu_vector_run(const gpu_launch *launch, pgd_pool *pool, gpu_fault *fault);

/* Instruction sets that handlers are compiled for. What is prepared from now on uses the one that is forced, at first the best of this machine. BAD_ARG: it has not that one. */
typedef enum gpu_vector_level { GPU_VECTOR_PORTABLE, GPU_VECTOR_AVX2, GPU_VECTOR_AVX512, GPU_VECTOR_LEVELS } gpu_vector_level;
pgd_status gpu_vector_force(gpu_vector_level level);
gpu_vector_level gpu_vector_best(void);

/* After how many passes through a basic block a version of it is made for the registers as they are then (vector_versions.c); -1: never. Results are the same. At first 8. */
void gpu_vector_versions_after(int passes);
#endif
