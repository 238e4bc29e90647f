/* SPDX-License-Identifier: Apache-2.0
 * What the files of the vector executor share: decoded code, registers of a warp, its splits and frames, its block, the worker that runs it.
 *
 * A register of a warp is a slot: a number for each lane, or base + x * stride + y * rise as long as it can be told so, where lanes stand in rows as wide as the block where that
 * is 1, 2, 4, 8 or 16 threads wide, else in one; so that addresses, counters and conditions that a warp has in common cost scalar work. Lanes that part become splits, each a mask, a frame and a step; the one that is furthest behind in the flow of
 * control runs, and splits that come to one step become one again. */
#ifndef PGD_SOFTGPU_VECTOR_WARP_H
#define PGD_SOFTGPU_VECTOR_WARP_H

#include <stdatomic.h>
#include <string.h>

#include "compute.h"
#include "gpu_listener.h"
#include "gpu_schedule.h"
#include "gpu_spaces.h"
#include "vector.h"

enum {
    VEC_LANES = 32, VEC_WARPS_MAX = 32, VEC_BARRIERS = 16,
    VEC_SITES = 32,         /* windows of memory that a worker keeps */
    VEC_TURN = 1 << 15,     /* instructions of a warp before the next one has its turn */
    VEC_PATIENCE = 256,     /* backward branches of a split before others of its warp come on, doubled each time */
    VEC_PATIENCE_MAX = 1 << 16
};

typedef struct vec_warp vec_warp;
typedef struct vec_step vec_step;
typedef const vec_step *vec_fn(vec_warp *w, const vec_step *s); /* the step to go on with; NULL: w->stop says why not */

/* ---- registers ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* The base holds it, the same for all lanes; with stride and rise (STRIDED); so do the lanes (MADE); the lanes alone hold it (SPREAD). */
typedef enum vec_state { VEC_SCALAR = 0, VEC_MADE = 1, VEC_SPREAD = 2, VEC_STRIDED = 4 } vec_state;
typedef struct vec_slot {
    _Alignas(64) uint64_t base; /* of a predicate: the mask of lanes where it is true, always scalar */
    int64_t stride, rise;       /* mean something where the state says STRIDED; registers of less than 32 bits are not */
    uint32_t state;
} vec_slot; /* behind it: 32 numbers of 32 bits (also for less), 64 or 128 */

static inline uint32_t *vec_lanes32(const vec_slot *s) { return (uint32_t *)(uintptr_t)(s + 1); }
static inline uint64_t *vec_lanes64(const vec_slot *s) { return (uint64_t *)(uintptr_t)(s + 1); }
static inline ptx_bits *vec_lanes128(const vec_slot *s) { return (ptx_bits *)(uintptr_t)(s + 1); }

typedef enum vec_width { VEC_PREDICATE, VEC_32, VEC_64, VEC_128, VEC_NOTHING } vec_width;
typedef struct vec_register {
    uint32_t at; /* bytes from the beginning of a frame's registers */
    uint8_t width, type;
} vec_register;

/* ---- code ------------------------------------------------------------------------------------------------------------------------------------------------------- */

struct vec_step {
    vec_fn *run;
    union {
        const ptx_instruction *i;
        const vec_step *general; /* of a version's step that asks nothing: the one that does */
    };
    uint32_t d, a, b, c;   /* slots: bytes from the beginning of the frame's registers */
    uint32_t guard, pair;  /* slots of predicates */
    union {
        struct {
            int32_t target; /* a step */
            int32_t count;  /* instructions of the basic block that begins here, or at the target */
        };
        struct vec_near *near; /* of a version's load */
        int64_t other_offset;  /* of a version's pair of sums */
    };
    union {
        int64_t offset;    /* of an address */
        vec_fn *alone;     /* see fused */
        const vec_step *to; /* of a version's branch: where it goes */
    };
    uint8_t width;         /* vec_width of the result */
    uint8_t bytes, elems;  /* of an access */
    uint8_t space, site;
    bool negated;
    uint8_t plain : 1;     /* it heeds no mask and writes d (and pair) of all lanes */
    uint8_t fused : 1;     /* run does the branch behind it as well, alone does not */
    uint8_t is_signed : 1;
};

/* A function decoded. Steps stand twice, first for warps that are whole, then for splits. */
typedef struct vec_body {
    const ptx_function *function;
    vec_step *steps;
    int32_t count;
    uint32_t *order;         /* of each step: its basic block's place in reverse postorder */
    int32_t *first;          /* by instruction: its first step */
    vec_register *registers; /* by number */
    uint32_t register_count, constant_count, constant_capacity;
    uint64_t *constants;
    uint8_t *constant_widths;
    uint32_t register_bytes, sites;
    uint32_t *offsets;       /* of the slots of registers, then of constants */
} vec_body;

struct gpu_vector_code {
    const gpu_program *program;
    gpu_vector_level level;
    bool observed;           /* a step before each instruction tells of it */
    bool seeded;             /* a step before each access may end the turn */
    bool heard;              /* accesses go lane by lane, and tell of themselves */
    int32_t gate_count;
    vec_body *kernel;
    vec_body **bodies;       /* by the number of the function; NULL: not needed */
    struct vec_worker *idle; /* kept from launch to launch */
    atomic_flag lock;
};

/* The first slots of each frame: what nobody wants is written to the trash, operands that an instruction has not are zero. */
enum { VEC_TRASH = 0, VEC_SCRATCH = 64 + 16 * VEC_LANES, VEC_SCRATCH_PAIR = 2 * (64 + 16 * VEC_LANES), VEC_ZERO = VEC_SCRATCH_PAIR + 64, VEC_FIRST_SLOT = VEC_ZERO + 64 + 16 * VEC_LANES };

/* ---- frames and splits --------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct vec_frame {
    struct vec_frame *parent;
    const vec_body *body;
    const ptx_call *call; /* that made it */
    int32_t return_pc, depth;
    int32_t users;        /* splits that are in it, and frames called from it */
    uint64_t parameters, own_parameters, locals, param_top, local_top; /* the same for all lanes that came here */
    char *registers;
    uint32_t row_shift;   /* the warp's */
} vec_frame;

typedef enum vec_split_state { VEC_RUNNING, VEC_AT_BARRIER, VEC_AT_WARP } vec_split_state;
typedef struct vec_split {
    uint32_t mask;
    int32_t pc;
    vec_frame *frame;
    uint8_t state;
    bool yielded;
    int32_t barrier;
    int32_t patience, limit; /* backward branches before it yields; those of the next time */
    const ptx_instruction *waiting;
} vec_split;

typedef struct vec_copy { /* a cp.async that was begun; see reference_thread.h */
    const ptx_instruction *instruction;
    ptx_space space;
    uint64_t to, from, bytes, taken;
    int32_t group, lane;
} vec_copy;

typedef enum vec_stop { VEC_GO_ON, VEC_TURN_OVER, VEC_FAULTED, VEC_STOPPED } vec_stop; /* GO_ON: the scheduler looks again */

struct vec_warp {
    char *registers; /* of the frame that runs */
    uint32_t mask, alive;
    int64_t left;    /* instructions of this turn */
    uint64_t frontier; /* the least key of the other splits that can run */
    uint64_t key;
    vec_frame *frame;
    struct vec_worker *worker;
    struct vec_block *block;
    int32_t stop, pc; /* where to go on after a stop */
    int32_t current, split_count, patience;
    uint32_t number, threads, carry;
    uint32_t row_shift; /* lanes k with the same k >> row_shift stand in a row */
    bool own_parameters_made; /* lanes have their own kernel parameters, for one was written */
    vec_split splits[VEC_LANES + 1];
    uint32_t wait_mask[VEC_LANES];
    int32_t group[VEC_LANES], pending[VEC_LANES]; /* of copies: the one that is being filled; how many have not happened */
    vec_copy *copies;
    int32_t copy_count, copy_capacity;
    char *local, *param; /* lane k's from k * capacity on */
    uint64_t local_capacity, param_capacity;
    vec_frame root;
    vec_step single[2];
};

/* ---- blocks and workers ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* A piece of memory that a step found last, or a block's shared memory: how many numbers of 4 and of 8 bytes one after the other begin in it from where 1, 16 or 32 of them are in it.
 * All zeros: none. */
typedef struct vec_near {
    uint64_t address; /* of the first, a multiple of 8 */
    char *host;
    uint64_t words, words16, words32, doubles, doubles32;
} vec_near;
static inline uint64_t vec_places(uint64_t bytes, uint64_t size, uint64_t count) { return bytes < size * count ? 0 : bytes / size - count + 1; }
static inline vec_near vec_near_make(uint64_t address, uint64_t bytes, char *host) {
    return (vec_near){address, host, vec_places(bytes, 4, 1), vec_places(bytes, 4, 16), vec_places(bytes, 4, 32), vec_places(bytes, 8, 1), vec_places(bytes, 8, 32)};
}

typedef struct vec_barrier {
    uint32_t lanes[VEC_WARPS_MAX];  /* of each warp: those that arrived */
    uint32_t truths[VEC_WARPS_MAX]; /* of bar.red: those whose predicate is true */
    uint32_t expected;
    bool used;
} vec_barrier;

typedef struct vec_block {
    uint32_t index[3];
    uint32_t warp_count, thread_count;
    vec_warp *warps;
    char *shared;
    uint64_t shared_bytes, shared_capacity;
    gpu_room room; /* for what its threads have */
    vec_near near; /* of shared memory */
    vec_barrier barriers[VEC_BARRIERS];
    uint32_t warp_capacity;
    bool barriers_used;
} vec_block;

typedef struct vec_launch {
    const gpu_launch *launch;
    gpu_vector_code *code;
    _Atomic uint64_t next, executed, warp_instructions;
    _Atomic int stop, failed; /* failed: 1 a fault is being written, 2 there is no memory */
    gpu_fault *fault;
    uint64_t blocks;
    struct vec_resident *resident; /* of a launch that is cooperative or has a seed */
    uint64_t resident_count;
    uint64_t room;                 /* bytes that a block may have */
    gpu_schedule drawn;            /* of a launch with a seed */
    uint32_t accesses;             /* that are left of the turn */
} vec_launch;

/* A stretch of steps for warps of 32 lanes that live, made for the kinds that its registers had: handlers that do not ask for them. */
typedef enum vec_kind { VEC_UNIFORM = 0, VEC_EACH = VEC_SPREAD, VEC_STEADY = VEC_STRIDED, VEC_ANY_KIND = VEC_SPREAD | VEC_STRIDED, VEC_UNSEEN = 7 } vec_kind;
typedef struct vec_condition {
    uint32_t at, kind;
} vec_condition;
typedef struct vec_version {
    vec_step *steps;
    vec_condition *conditions;
    uint32_t condition_count, row_shift;
} vec_version;
enum { VEC_VERSIONS = 3, VEC_GATED = 3 /* instructions of a basic block that has a gate */ };
/* Where versions begin: behind the head of a basic block. */
typedef struct vec_gate {
    int32_t count, passes; /* passes: without a version that fits */
    bool closed;           /* versions would not be faster, or there are enough */
    vec_version versions[VEC_VERSIONS];
} vec_gate;

typedef struct vec_worker {
    vec_near near[VEC_SITES];
    struct vec_worker *next;
    gpu_vector_code *code;
    vec_launch *run;
    const gpu_launch *launch;
    gpu_memory *memory;
    const _Atomic uint64_t *generation; /* of the memory */
    uint64_t seen_generation;           /* that the windows are of; looked at when a warp's turn begins */
    gpu_memory_window windows[VEC_SITES];
    bool asks;                     /* whether it may go on, when the turn is over, however short that was */
    uint64_t executed, warp_instructions; /* not yet told to the launch */
    gpu_fault fault;
    bool no_memory;
    vec_block block;
    vec_frame *free_frames;
    uint64_t free_bytes;
    vec_gate *gates; /* NULL: there are none */
} vec_worker;

/* ---- going on ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Where tail calls are sure, each handler jumps to the next; else a loop calls them. */
#if defined(__OPTIMIZE__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && defined(VEC_TAIL_CALLS)
#define VEC_NEXT(w, s) return (s)[1].run(w, (s) + 1)
#define VEC_JUMP(w, s) return (s)->run(w, s)
#else
#define VEC_NEXT(w, s) return (s) + 1
#define VEC_JUMP(w, s) return (s)
#endif

_Static_assert(sizeof(vec_step) == 64, "a step is a cache line");
static inline uint64_t vec_counted(const vec_slot *s, uint32_t lane, uint32_t row_shift) {
    if ((s->state & VEC_STRIDED) == 0) return s->base;
    return s->base + (lane & ((1u << row_shift) - 1)) * (uint64_t)s->stride + (lane >> row_shift) * (uint64_t)s->rise;
}
static inline bool vec_scalar(const vec_slot *s) { return (s->state & VEC_SPREAD) == 0; }
static inline vec_slot *vec_at(const vec_warp *w, uint32_t at) { return (vec_slot *)(void *)(w->registers + at); }
static inline uint32_t vec_block_number(const vec_warp *w) {
    const uint32_t *index = w->block->index, *grid = w->worker->launch->grid;
    return index[0] + grid[0] * (index[1] + grid[1] * index[2]);
}
static inline bool vec_whole(const vec_warp *w) { return w->mask == w->alive; }

/* ---- vector_lane.c: one lane ---- */
PGD_PRINTF(5, 6) const vec_step *vec_fault(vec_warp *w, int32_t lane, gpu_fault_kind kind, const ptx_instruction *i, const char *format, ...);
const vec_step *vec_no_memory(vec_warp *w);
ptx_bits vec_value(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_type type);
void vec_write(const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_type type, ptx_bits value);
void vec_write_pair(const vec_frame *f, int32_t lane, const ptx_instruction *i, bool value);
void vec_spread(vec_slot *s, uint32_t width, uint32_t row_shift); /* the lanes alone hold it from now on */
void vec_fill(vec_slot *s, uint32_t width, uint32_t row_shift);   /* the lanes hold it as well */
uint64_t vec_address_of(const vec_warp *w, const vec_frame *f, const ptx_variable *v);
uint64_t vec_special(const vec_warp *w, int32_t lane, int32_t number);
uint64_t vec_constant(const ptx_operand *o, ptx_type type);
vec_fn vec_run_any, vec_run_single_masked;
bool vec_run_plain_masked(vec_warp *w, const vec_step *s, uint32_t mask); /* s: of the first half of the steps */

/* ---- vector_memory.c ---- */
uint64_t vec_operand_address(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_space *space);
/* Where the executor finds bytes that a lane reaches; NULL: a fault. site: whose window of memory is tried first. */
char *vec_bytes(vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, uint32_t site, ptx_space space, uint64_t address, uint64_t bytes, bool write);
bool vec_make_parameters(vec_warp *w); /* gives lanes their own */
vec_fn vec_run_load, vec_run_store, vec_run_atomic, vec_run_cvta, vec_run_isspacep, vec_run_copy;

/* ---- vector_tell.c ---- */
vec_fn vec_run_observe;
void vec_tell(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, gpu_access_kind kind, const char *before, const char *value); /* see gpu_access */
void vec_tell_copy(const vec_warp *w, const vec_copy *c);
void vec_tell_copies_done(const vec_warp *w, int32_t lane, uint32_t left);
void vec_tell_fence(const vec_warp *w, const ptx_instruction *i);
void vec_tell_absent(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, int32_t from);
void vec_tell_warp_barrier(const vec_warp *w, uint32_t lanes);
void vec_tell_skipping(const vec_block *block, int32_t barrier, uint32_t came);
void vec_tell_divergence(const vec_warp *w, int32_t barrier);
void vec_tell_arrived(const vec_warp *w, int32_t barrier);
void vec_tell_barrier(const vec_block *b, int32_t barrier, const uint32_t *came, const uint32_t *go);

/* ---- vector_drawn.c: launches with a seed ---- */
static inline gpu_schedule *vec_drawn(const vec_worker *worker) { return worker->launch->seed == 0 ? NULL : &worker->run->drawn; } /* NULL: the natural order */
bool vec_may_pause(const ptx_instruction *i);
vec_fn vec_run_pause;
int32_t vec_draw_split(vec_warp *w, int32_t chosen); /* that one, or any other that can run */

/* ---- vector_split.c ---- */
vec_split *vec_part(vec_warp *w, uint32_t mask, int32_t pc); /* lanes leave the split that runs */
void vec_turn(vec_warp *w);                                  /* runs the warp until nothing of it can go on, or its turn is over */
bool vec_start(vec_warp *w);                                 /* false: no memory */
void vec_forget_split(vec_warp *w, int32_t number);
const vec_step *vec_leave(vec_warp *w, uint32_t mask, int32_t pc); /* lanes of the split that runs exit; the others go on at pc */
vec_fn vec_run_head, vec_run_head_split, vec_run_guard, vec_run_guard_part, vec_run_bra, vec_run_bra_split, vec_run_brx, vec_run_exit, vec_run_nothing, vec_run_trap, vec_run_stop;

/* ---- vector_versions.c ---- */
vec_fn vec_run_gate, vec_run_pass;
void vec_gates_destroy(vec_gate *gates, int32_t count);

/* ---- vector_call.c ---- */
vec_fn vec_run_call, vec_run_ret;
bool vec_push(vec_warp *w, vec_frame *f, uint32_t mask, bool *too_much);
bool vec_reserve(vec_warp *w, char **stack, uint64_t *capacity, uint64_t top, bool *too_much); /* lanes have so many bytes each; false: no memory, or more than the block may have */
void vec_frame_leave(vec_warp *w, vec_frame *f);

/* ---- vector_together.c: what lanes do together ---- */
vec_fn vec_run_wait, vec_run_barrier;
bool vec_is_wait(const ptx_instruction *i);
bool vec_is_barrier(const ptx_instruction *i);
void vec_warp_settle(vec_warp *w, bool running, bool *moved); /* running: the turn of other lanes was cut short */
void vec_barriers_settle(vec_worker *worker, vec_block *b, bool *moved);
uint32_t vec_barrier_arrived(const vec_block *b, const vec_barrier *at, uint32_t *threads, uint32_t *alive);
void vec_warp_multiply(vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i);
bool vec_warp_load_matrix(vec_warp *w, vec_frame *const frames[VEC_LANES], const ptx_instruction *i);

/* ---- vector_code.c ---- */
pgd_status vec_body_make(gpu_vector_code *code, const ptx_function *function, vec_body **out);
void vec_body_destroy(vec_body *body);
uint32_t vec_body_constant(vec_body *body, uint64_t value, vec_width width); /* the slot of a constant; UINT32_MAX: there are too many */
#endif
