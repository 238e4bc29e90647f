/* SPDX-License-Identifier: Apache-2.0
 * One thread of the reference executor, and the block it belongs to. */
#ifndef PGD_SOFTGPU_REFERENCE_THREAD_H
#define PGD_SOFTGPU_REFERENCE_THREAD_H

#include "compute.h"
#include "gpu_listener.h"
#include "gpu_schedule.h"
#include "gpu_spaces.h"
#include "reference.h"

enum { GPU_WARP = 32, GPU_WARPS_MAX = 32, GPU_BARRIERS = 16 };

typedef struct gpu_frame {
    const ptx_function *function;
    const ptx_call *call;    /* that made it; NULL: the kernel's own */
    int32_t pc;
    int32_t registers;       /* the first, in the thread's array */
    uint64_t parameters, own_parameters, locals; /* addresses in .param and .local memory */
} gpu_frame;

/* Memory that grows with calls and shrinks with returns. */
typedef struct gpu_stack {
    char *bytes;
    uint64_t count, capacity;
} gpu_stack;

/* A cp.async that was begun: it happens when its group is waited for, and no sooner, so that a wait that is missing shows. */
typedef struct gpu_copy {
    const ptx_instruction *instruction;
    ptx_space space;         /* it goes to */
    uint64_t to, from, bytes, taken; /* taken: bytes that are read; the others become 0 */
    int32_t group;
} gpu_copy;

typedef enum gpu_thread_state { GPU_RUNNING, GPU_AT_BARRIER, GPU_AT_WARP, GPU_EXITED } gpu_thread_state;

typedef struct gpu_thread {
    struct gpu_block *block;
    uint32_t index[3], lane, warp;
    gpu_thread_state state;
    ptx_bits *registers;
    int32_t register_count, register_capacity;
    gpu_frame *frames;
    int32_t depth, frame_capacity;
    gpu_stack local, param;
    bool carry;
    gpu_copy *copies;
    int32_t copy_count, copy_capacity, group; /* group: the one that is being filled */
    const ptx_instruction *waiting; /* at a barrier or an operation of the warp */
    uint32_t mask;                  /* the lanes it waits for; 0: those that are there */
    int32_t rounds;                 /* that it has waited for those, with a seed */
    int32_t barrier;
} gpu_thread;

typedef struct gpu_barrier {
    uint32_t lanes[GPU_WARPS_MAX];  /* of each warp: those that arrived */
    uint32_t truths[GPU_WARPS_MAX]; /* of bar.red: those whose predicate is true */
    uint32_t expected;             /* 32 for each warp; 0: all threads that have not exited */
    bool used;
} gpu_barrier;

typedef struct gpu_block {
    const gpu_launch *launch;
    gpu_fault *fault;
    uint32_t index[3], number;
    gpu_thread *threads;
    uint32_t thread_count;
    char *shared;
    uint64_t shared_bytes;
    gpu_barrier barriers[GPU_BARRIERS];
    uint64_t *executed; /* instructions of the launch */
    gpu_memory_window window;
    gpu_room room; /* for what its threads have */
    bool no_memory;
    bool there;          /* it has begun, and has not ended */
    gpu_schedule *drawn; /* NULL: the natural order */
} gpu_block;

/* Everything that can go wrong returns false; the block's fault or no_memory says why. */
PGD_PRINTF(4, 5) bool gpu_thread_fault(gpu_thread *t, gpu_fault_kind kind, const ptx_instruction *i, const char *format, ...);

bool gpu_thread_start(gpu_thread *t);
void gpu_thread_deinit(gpu_thread *t);
/* Counts an instruction, NULL for the beginning of a block, and hears whether the launch may go on; false: a fault. */
bool gpu_thread_may_go_on(gpu_thread *t, const ptx_instruction *i);
bool gpu_thread_step(gpu_thread *t);                                                    /* one instruction, or the beginning of a wait */

ptx_bits gpu_thread_value(const gpu_thread *t, const ptx_operand *o, ptx_type type);
void gpu_thread_write(gpu_thread *t, const ptx_operand *o, ptx_type type, ptx_bits value);
void gpu_thread_write_pair(gpu_thread *t, const ptx_instruction *i, bool value);
static inline gpu_frame *gpu_thread_frame(const gpu_thread *t) { return &t->frames[t->depth - 1]; }
static inline void gpu_thread_go_on(gpu_thread *t) { gpu_thread_frame(t)->pc++, t->state = GPU_RUNNING, t->waiting = NULL; }

/* ---- reference_memory.c ---- */
/* The address of a variable within its own space. */
uint64_t gpu_thread_address(const gpu_thread *t, const ptx_variable *v);
char *gpu_thread_bytes(gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, bool write); /* NULL: a fault */
/* To the launch's listener, if there is one. */
void gpu_thread_tell(const gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, gpu_access_kind kind, const char *before, const char *value);
bool gpu_thread_memory(gpu_thread *t, const ptx_instruction *i, bool *handled);          /* ld, st, atom, red, cvta, isspacep */

/* Of a memory operand; *space is set to the variable's own where it was generic. */
uint64_t gpu_operand_address(const gpu_thread *t, const ptx_operand *o, ptx_space *space);

/* ---- reference_matrix.c: all 32 lanes are there ---- */
void gpu_warp_multiply(gpu_thread *const lanes[GPU_WARP], const ptx_instruction *i);
bool gpu_warp_load_matrix(gpu_thread *const lanes[GPU_WARP], const ptx_instruction *i); /* false: a fault */

/* ---- reference_copy.c: cp.async ---- */
bool gpu_thread_copy(gpu_thread *t, const ptx_instruction *i, bool *handled);

/* ---- reference_warp.c ---- */
bool gpu_thread_wait(gpu_thread *t, const ptx_instruction *i, bool *handled);            /* begins to wait where the instruction is one of a warp or block */
bool gpu_warp_settle(gpu_block *b, uint32_t warp, bool *moved);
uint32_t gpu_barrier_arrived(const gpu_block *b, const gpu_barrier *at, uint32_t *threads, uint32_t *alive); /* warps that are there whole */
void gpu_barriers_settle(gpu_block *b, bool *moved);
#endif
