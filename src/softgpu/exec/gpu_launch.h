/* SPDX-License-Identifier: Apache-2.0
 * What executors are given, a launch, and what they tell when a kernel does wrong, a fault. */
#ifndef PGD_SOFTGPU_LAUNCH_H
#define PGD_SOFTGPU_LAUNCH_H

#include "gpu_program.h"

/* Name; what findings call it. */
#define GPU_FAULT_LIST(X)                                                                                   \
    X(ADDRESS, "address")           /* an access to memory that is not allocated */                         \
    X(ALIGNMENT, "alignment")       /* an access at an address that is not aligned */                       \
    X(READ_ONLY, "read only")       /* a write to memory that is only to be read */                         \
    X(DEADLOCK, "deadlock")         /* threads that wait for each other for ever */                         \
    X(BARRIER, "barrier")           /* a barrier that is used wrongly */                                    \
    X(MASK, "mask")                 /* an operation of a warp by a lane that its mask leaves out */         \
    X(TRAP, "trap")                 /* the kernel trapped */                                                \
    X(LIMIT, "limit")               /* more instructions or time than is allowed */                         \
    X(INTERRUPTED, "interrupted")   /* the launch was told to end */                                        \
    X(CALL, "call")                 /* a call of something that cannot be called */                         \
    X(STACK, "stack")               /* more memory for calls than a thread or its block may have */         \
    X(ASSERT, "assertion")          /* an assertion that failed */                                          \
    X(FREE, "free")                 /* a free of what malloc did not give, or of what is freed */
typedef enum gpu_fault_kind {
    GPU_NO_FAULT,
#define X(name, said) GPU_FAULT_##name,
    GPU_FAULT_LIST(X)
#undef X
} gpu_fault_kind;

enum { GPU_WHAT_BYTES = 320 }; /* of a sentence without the place */
typedef struct gpu_fault {
    gpu_fault_kind kind;
    uint32_t block[3], thread[3];
    const ptx_function *function;
    const ptx_instruction *instruction;
    uint64_t address, bytes; /* of an access */
    char text[640];          /* one sentence */
    char assertion[700];     /* of an ASSERT: the line that CUDA writes for it */
} gpu_fault;

struct gpu_launch;

/* Where an instruction stands: "kernel, PTX line 13 (matmul.cu:12), block (0,0,0), thread (1,0,0)"; the source where the module has .loc lines. instruction NULL: a function without any. */
void gpu_place_say(const ptx_module *module, const ptx_function *function, const ptx_instruction *instruction, const uint32_t block[3], const uint32_t thread[3], char *text, size_t text_bytes);
/* Of a deadlock: "; thread (16,0,0) waits at PTX line 9 (scan.cu:14)", which is another place than that of the fault. */
void gpu_waiting_say(const ptx_module *module, const ptx_instruction *instruction, const uint32_t thread[3], char *text, size_t text_bytes);
/* Fills a fault in which nothing but block and thread stands yet. */
void gpu_fault_say(gpu_fault *fault, gpu_fault_kind kind, const ptx_module *module, const ptx_function *function, const ptx_instruction *instruction, const char *what);

/* What an access outside of all memory does: "writes 4 bytes at 0x2000, just past the end of an allocation of 4096 bytes". room: of .shared memory, or a thread's. */
void gpu_outside_say(const struct gpu_launch *launch, ptx_space space, uint64_t address, uint64_t bytes, bool write, uint64_t room, char *text, size_t text_bytes);

typedef enum gpu_order { GPU_GO_ON, GPU_SAY_WHERE, GPU_TOO_LONG, GPU_INTERRUPT } gpu_order;

/* What a launch may reach of its driver: see gpu_syscalls.h. Called by any of the executor's threads. */
typedef struct gpu_services {
    void *user;
    gpu_order (*look)(void *user);                                        /* asked now and then, and when attention is not 0: goes on, says where a thread is, or ends with a fault; NULL: goes on */
    void (*where)(void *user, const char *place);                         /* what a launch says then */
    const _Atomic int *attention;                                         /* where there is a look */
    const char *how_long;                                                 /* ": 5 s, by --timeout"; may be NULL */
    void (*print)(void *user, const char *text, size_t bytes);            /* of one call of printf, never none; NULL: it is dropped */
    struct gpu_heap *heap;                                                /* NULL: malloc has nothing to give */
    void (*allocated)(void *user, uint64_t address, uint64_t bytes);      /* malloc gave it; NULL: nobody asks */
} gpu_services;

typedef struct gpu_launch {
    const gpu_program *program;
    const ptx_function *kernel;
    uint32_t grid[3], block[3];
    uint64_t dynamic_shared_bytes;
    const void *parameters;      /* parameter_bytes of the kernel, as they lie in .param memory */
    uint64_t instruction_limit;  /* of all threads together; 0: none */
    uint64_t barred;             /* a bit for each device whose memory this one may not touch */
    bool cooperative;            /* all blocks are there at once, and may wait for each other */
    const struct gpu_listener *listener; /* hears of accesses and barriers: of the reference executor, and of the vector executor's heard code; NULL: nobody */
    const struct gpu_observer *observer; /* of the vector executor's observed code: hears of instructions; NULL: nobody */
    uint64_t seed;               /* of the order in which blocks, warps and threads run, one worker running all; 0: the natural order (gpu_schedule.h) */
    const gpu_services *services; /* NULL: text of printf is dropped, malloc has nothing to give */
} gpu_launch;

/* What kernels may make grow. Of a thread: .local and .param memory, calls within calls, copies by cp.async that it has not waited for (the older ones happen then). Of a block and of all
 * blocks that are there at once: registers, stacks, shared memory. */
enum { GPU_STACK_BYTES = 1 << 20, GPU_CALLS_MAX = 1024, GPU_COPIES_MAX = 512, GPU_BLOCK_BYTES = 1 << 30 };
#define GPU_BLOCKS_BYTES (UINT64_C(4) << 30)
typedef struct gpu_room {
    uint64_t taken, most;
} gpu_room;
static inline uint64_t gpu_block_room(uint64_t blocks) { return GPU_BLOCKS_BYTES / blocks < GPU_BLOCK_BYTES ? GPU_BLOCKS_BYTES / blocks : GPU_BLOCK_BYTES; } /* of each of so many at once */
static inline bool gpu_room_take(gpu_room *r, uint64_t bytes) {
    bool fits = bytes <= r->most && r->taken <= r->most - bytes;
    if (fits) r->taken += bytes;
    return fits;
}
enum { GPU_LOOK_BITS = 22 }; /* of the number of instructions between two looks */
#define GPU_TOO_DEEP_TEXT "a call of %s goes deeper than %d calls, than %d bytes of a thread, or than %llu MiB of its block"
#define GPU_TOO_LONG_TEXT "the launch has run for as long as one may%s"
#define GPU_INTERRUPTED_TEXT "the launch was told to end"

static inline const char *gpu_launch_how_long(const gpu_launch *l) { return l->services == NULL || l->services->how_long == NULL ? "" : l->services->how_long; }

/* What the driver orders, after `now` instructions of which `more` are new; UINT64_MAX: at once. */
static inline gpu_order gpu_launch_look(const gpu_launch *l, uint64_t now, uint64_t more) {
    const gpu_services *s = l->services;
    if (s == NULL || s->look == NULL || (more != UINT64_MAX && now >> GPU_LOOK_BITS == (now - more) >> GPU_LOOK_BITS && *s->attention == 0)) return GPU_GO_ON;
    return s->look(s->user);
}

/* Errors: BAD_ARG sizes that no device takes. */
pgd_status gpu_launch_check(const gpu_launch *launch);
uint64_t gpu_launch_shared_bytes(const gpu_launch *launch); /* of one block */
#endif
