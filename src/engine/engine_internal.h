/* SPDX-License-Identifier: Apache-2.0
 * Plans, instances and steps, shared between the files of engine. */
#ifndef PGD_ENGINE_INTERNAL_H
#define PGD_ENGINE_INTERNAL_H

#include <dnn_share.h>
#include <engine_share.h>
#include <pthread.h>
#include <stdatomic.h>

/* Where a tensor lies. Addresses appear only when a run resolves places against its own buffers. */
typedef enum pgd_segment { PGD_SEGMENT_NONE, PGD_SEGMENT_CONSTANT, PGD_SEGMENT_STATE, PGD_SEGMENT_INPUT, PGD_SEGMENT_OUTPUT, PGD_SEGMENT_WORKSPACE } pgd_segment;

typedef struct pgd_place {
    pgd_segment segment;
    int32_t index; /* CONSTANT 0; STATE, INPUT, OUTPUT: number in the plan's lists */
    uint64_t offset_bytes;
} pgd_place;

#define PGD_STEP_KIND_LIST(X) X(LAUNCH, launch) X(COPY, copy) X(FILL, fill) X(HOST_CALL, host_call) X(COLLECTIVE, collective) X(BRANCH, branch) X(LOOP, loop) X(SHAPE, shape) X(SYNC, sync)
typedef enum pgd_step_kind {
#define X(NAME, name) PGD_STEP_##NAME,
    PGD_STEP_KIND_LIST(X)
#undef X
    PGD_STEP_KIND_COUNT
} pgd_step_kind;

typedef struct pgd_step {
    pgd_step_kind kind;
    int32_t queue;               /* all steps of one queue run in order; there is one queue today */
    int32_t node;                /* of the plan's graph, -1: a copy at the end */
    const pgd_kernel_row *row;
    pgd_drv_launch launch;       /* LAUNCH */
    uint64_t bytes;              /* COPY: operand 0 to, operand 1 from */
    int32_t operand_count;
    pgd_place *operands;
} pgd_step;

/* A plan at concrete extents: offsets, parameters and chunk counts are numbers. Immutable once made. */
typedef struct pgd_instance {
    pgd_arena arena;
    int64_t *symbols;
    pgd_desc *descs;             /* per value: PGD_MAX_OUTPUTS per node */
    pgd_step *steps;
    int32_t step_count, step_capacity;
    uint64_t workspace_bytes;
    int32_t users;               /* runs holding it; under the plan's lock */
    uint64_t last_used;
} pgd_instance;

enum { PGD_MAX_INSTANCES = 256 };

struct pgd_plan {
    pgd_device *device;
    pgd_graph *graph;            /* after all passes */
    bool strict;
    pgd_buffer *constants;
    uint64_t *constant_offsets;  /* per node */
    int32_t *slots;              /* per node: number of an INPUT among inputs, of a PARAM among params; per output: PGD_SEGMENT_OUTPUT is by position */
    const pgd_node **inputs, **params;
    int32_t input_count, param_count;
    pthread_mutex_t lock;        /* guards the instances */
    pgd_instance *instances[PGD_MAX_INSTANCES];
    int32_t instance_count, instance_limit;
    uint64_t clock;
    bool reported[PGD_OP_COUNT]; /* operations said to run on the reference; under lock */
};

struct pgd_state {
    pgd_device *device;
    struct pgd_state_tensor {
        char *name;
        pgd_dtype dtype;
        pgd_shape shape;
        pgd_buffer *buffer;
    } *tensors;
    int32_t count, capacity;
    atomic_int users;            /* runs reading now; -1: one is writing */
};

/* Finds or makes the instance for these symbol values and holds it; given back by release. */
pgd_status pgd_instance_acquire(pgd_plan *plan, const int64_t *symbols, pgd_instance **out);
void pgd_instance_release(pgd_plan *plan, pgd_instance *instance);

/* Binds, chooses kernels, emits, plans memory (instance.c). */
pgd_status pgd_instance_create(pgd_plan *plan, const int64_t *symbols, pgd_instance **out);
void pgd_instance_destroy(pgd_instance *instance);

/* ---- profile.c -------------------------------------------------------------------------------------------------------------------------------- */

typedef struct pgd_profile_line {
    int32_t node;             /* the operation in the plan, all of its jobs; -1: copies at the end */
    const pgd_kernel_row *row;
    uint64_t ns, calls;
    double flops, bytes;      /* of all calls */
} pgd_profile_line;

typedef struct pgd_profile_step {
    int32_t line;
    bool first; /* of its operation's jobs */
    pgd_cost cost;
} pgd_profile_step;

typedef struct pgd_profile {
    bool on;
    pgd_profile_line *lines;
    int32_t line_count, line_capacity;
    const pgd_instance *bound; /* whose steps `steps` describes; NULL: none */
    pgd_profile_step *steps;
} pgd_profile;

/* Finds or adds the lines of an instance's steps. */
pgd_status pgd_profile_bind(pgd_profile *profile, const pgd_graph *graph, const pgd_instance *instance);
void pgd_profile_add(pgd_profile *profile, int32_t step, uint64_t ns);
void pgd_profile_read(const pgd_profile *profile, const pgd_graph *graph, int32_t index, pgd_step_profile *out);
void pgd_profile_clear(pgd_profile *profile); /* off, without lines */

/* ---- memory_plan.c ---------------------------------------------------------------------------------------------------------------------------- */

/* One piece of storage; times are step positions. */
typedef struct pgd_storage {
    uint64_t bytes;
    int32_t born, dies;   /* dies < born: never read */
    int32_t shares;       /* index of the storage this one lies in, or -1 */
    bool fixed;           /* place was decided elsewhere */
    pgd_place place;
} pgd_storage;

/* Gives every storage that is neither fixed nor shared a place in the workspace so that no two alive at one time overlap; returns the workspace's size. */
pgd_status pgd_memory_plan(pgd_storage *storages, int32_t count, uint64_t *workspace_bytes);

#endif
