/* SPDX-License-Identifier: Apache-2.0
 * engine: from a graph to a plan, from a plan and a state to results.
 *
 *   plan    code only: immutable, shared by any number of threads and runs
 *   state   named tensors that outlive a run: parameters, moments, statistics, counters; a checkpoint is a state
 *   run     one plan bound to one state, with inputs, outputs and workspace of its own; one thread at a time
 *
 * Several runs may read one state at once; a run whose plan updates it must be alone (else BAD_STATE). */
#ifndef PAGODA_ENGINE_H
#define PAGODA_ENGINE_H

#include <pagoda/graph.h>
#include <pagoda/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgd_plan pgd_plan;
typedef struct pgd_state pgd_state;
typedef struct pgd_run pgd_run;
typedef struct pgd_evaluator pgd_evaluator;

/* ---- plans -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct pgd_plan_options {
    uint32_t struct_bytes;
    bool strict;           /* an operation that only the slow reference can run is an error instead of a warning in the log */
    bool no_fusion;        /* leave every operation alone: for finding faults */
    int32_t instances;     /* shapes kept ready at once; 0: 16 */
    pgd_progress progress;
} pgd_plan_options;
PGD_API void pgd_plan_options_init(pgd_plan_options *options, size_t struct_bytes);

/* Compiles what the graph's outputs and updates need. The graph is not changed and may die afterwards; the device must outlive the plan. options may be NULL.
 * Errors: the graph's own first error; BAD_ARG nothing is asked for; UNSUPPORTED no kernel (with the reasons); NO_MEMORY; CANCELLED. */
PGD_API PGD_MUST_USE pgd_status pgd_plan_compile(pgd_device *device, const pgd_graph *graph, const pgd_plan_options *options, pgd_plan **out);
PGD_API void pgd_plan_destroy(pgd_plan *plan); /* after its runs; NULL is fine */

/* The optimised graph as text; for every shape in use also the steps with kernels and memory. *out: pgd_text_free. */
PGD_API PGD_MUST_USE pgd_status pgd_plan_print(pgd_plan *plan, char **out);

/* ---- states -------------------------------------------------------------------------------------------------------------------------------- */

PGD_API PGD_MUST_USE pgd_status pgd_state_create(pgd_device *device, pgd_state **out);
PGD_API void pgd_state_destroy(pgd_state *state); /* NULL is fine */

#define PGD_STATE_NAME_MAX 511 /* bytes of a tensor's name */

/* Adds a tensor, or gives an existing one of that dtype and shape new contents. bytes NULL: zeros. Errors: BAD_ARG it exists otherwise, or has a name that a file
 * could not hold: a longer one, or "__metadata__". */
PGD_API PGD_MUST_USE pgd_status pgd_state_set(pgd_state *state, const char *name, pgd_dtype dtype, pgd_shape shape, const void *bytes);

/* Copies a tensor out; `bytes` must be its size. Errors: BAD_ARG no such tensor, or another size. */
PGD_API PGD_MUST_USE pgd_status pgd_state_get(const pgd_state *state, const char *name, void *to, uint64_t bytes);

/* Tensors are numbered in the order they were added. name is borrowed until the state dies. Any of the last three may be NULL. Errors: BAD_ARG index. */
PGD_API int32_t pgd_state_count(const pgd_state *state);
PGD_API PGD_MUST_USE pgd_status pgd_state_at(const pgd_state *state, int32_t index, const char **name, pgd_dtype *dtype, pgd_shape *shape);
PGD_API int32_t pgd_state_find(const pgd_state *state, const char *name); /* -1: none */

/* ---- runs ---------------------------------------------------------------------------------------------------------------------------------- */

/* state may be NULL when the graph has no params. Plan and state must outlive the run. Errors: BAD_ARG names the state tensor that is missing or differs. */
PGD_API PGD_MUST_USE pgd_status pgd_run_create(pgd_plan *plan, pgd_state *state, pgd_run **out);
PGD_API void pgd_run_destroy(pgd_run *run); /* NULL is fine */

/* Copies an input in. Its shape binds the graph's symbols. Errors: BAD_ARG no such input, or the shape does not fit its declaration. */
PGD_API PGD_MUST_USE pgd_status pgd_run_set(pgd_run *run, const char *name, pgd_shape shape, const void *bytes);

/* Does the plan read an input of this name? Inputs that nothing needs are dropped when compiling. */
PGD_API bool pgd_run_wants(const pgd_run *run, const char *name);

/* Uses a buffer of the caller in place as input, from its first byte; it must stay unchanged while the run executes. Errors as for set. */
PGD_API PGD_MUST_USE pgd_status pgd_run_bind(pgd_run *run, const char *name, pgd_shape shape, pgd_buffer *buffer);

/* Executes all steps; on the host device they are done when it returns. Errors: BAD_STATE an input was never set, or the state is being updated elsewhere; BAD_ARG shapes
 * that disagree; UNSUPPORTED; NO_MEMORY; DEVICE. After an error the state may hold some of the
 * updates: load the last checkpoint. */
PGD_API PGD_MUST_USE pgd_status pgd_run_execute(pgd_run *run);

/* Results of the last execute; dtype or shape may be NULL. Errors: BAD_ARG no such output, or another size; BAD_STATE nothing was executed. */
PGD_API PGD_MUST_USE pgd_status pgd_run_get(pgd_run *run, const char *name, void *to, uint64_t bytes);
PGD_API PGD_MUST_USE pgd_status pgd_run_shape(pgd_run *run, const char *name, pgd_dtype *dtype, pgd_shape *shape);

/* Memory the run holds for intermediate values, at its present shapes. */
PGD_API uint64_t pgd_run_workspace_bytes(const pgd_run *run);

/* ---- where the time goes -------------------------------------------------------------------------------------------------------------------- */

typedef struct pgd_step_profile {
    const char *operation; /* "conv" */
    const char *kernel;    /* "host_conv" */
    uint64_t ns, calls;    /* summed since profiling began */
    double flops, bytes;   /* of one call, the mean over all sizes it ran at, from the operation's cost */
} pgd_step_profile;

/* Begins (and resets) or ends timing. A line is an operation with all its jobs; it lasts while shapes change, and one that another kernel takes at other sizes has a line for each. */
PGD_API void pgd_run_profile(pgd_run *run, bool on);
PGD_API int32_t pgd_run_step_count(const pgd_run *run);                                                /* lines so far; 0 before the first execute */
PGD_API PGD_MUST_USE pgd_status pgd_run_step(const pgd_run *run, int32_t index, pgd_step_profile *out); /* Errors: BAD_ARG index; BAD_STATE not profiling */

/* ---- export ------------------------------------------------------------------------------------------------------------------------------------ */

/* Writes the graph, with the state's tensors as initializers, as an ONNX model (opset 18), atomically; state may be NULL when the graph has no params, progress too.
 * Inputs keep names and symbolic extents. Errors: UNSUPPORTED names what ONNX cannot say: updates of a state, random numbers, derivatives, models of 2 GiB;
 * BAD_ARG; IO; CANCELLED. */
PGD_API PGD_MUST_USE pgd_status pgd_onnx_save(const pgd_graph *graph, const pgd_state *state, const char *path, const pgd_progress *progress);

/* ---- at once --------------------------------------------------------------------------------------------------------------------------------- */

/* Evaluates single values through the same compiler; keeps the last `plans` plans (0: 64), found again by the structure of what is asked, whatever the numbers in its
 * constants. progress, or NULL, is asked while a plan is compiled. One thread at a time. */
PGD_API PGD_MUST_USE pgd_status pgd_evaluator_create(pgd_device *device, int32_t plans, const pgd_progress *progress, pgd_evaluator **out);
PGD_API void pgd_evaluator_destroy(pgd_evaluator *evaluator); /* NULL is fine */

/* Copies the value's elements to `to`. state may be NULL. Errors: BAD_ARG the value needs inputs, has symbolic extents, or another size; as for compile and execute. */
PGD_API PGD_MUST_USE pgd_status pgd_eval(pgd_evaluator *evaluator, const pgd_graph *graph, const pgd_value *value, pgd_state *state, void *to, uint64_t bytes);

/* How often a plan was found again, and how often one was compiled. Either may be NULL. */
PGD_API void pgd_evaluator_counts(const pgd_evaluator *evaluator, uint64_t *found, uint64_t *compiled);

#ifdef __cplusplus
}
#endif
#endif
