/* SPDX-License-Identifier: Apache-2.0
 * What stands behind the handles of the driver API, and the one lock that guards all of it. Kernels and copies run without the lock. */
#ifndef PGD_SOFTGPU_DRIVER_STATE_H
#define PGD_SOFTGPU_DRIVER_STATE_H

#include <check/moments.h>
#include <exec/gpu_heap.h>
#include <exec/reference.h>
#include <exec/vector.h>
#include <pthread.h>

#include "calls.h"
#include "kernel_output.h"
#include "refusals.h"
#include "settings.h"

#define GPU_OBJECT_LIST(X)                                                                                                                       \
    X(CONTEXT, "context") X(MODULE, "module") X(FUNCTION, "function") X(LIBRARY, "library") X(KERNEL, "kernel") X(STREAM, "stream") X(EVENT, "event") \
    X(GRAPH, "graph") X(NODE, "node of a graph") X(EXEC, "executable graph") X(LINK, "linker") X(POOL, "memory pool")
typedef enum gpu_object_kind {
    GPU_NO_OBJECT,
#define X(name, text) GPU_##name,
    GPU_OBJECT_LIST(X)
#undef X
} gpu_object_kind;

/* The beginning of everything that has a handle. */
typedef struct gpu_object {
    gpu_object_kind kind;
} gpu_object;

/* ---- operations: what a stream or a graph is asked to do ------------------------------------------------------------------------------------------------------ */

/* A box of bytes: rows of `width`, `pitch` apart; slices `slice` bytes apart. Device memory is where the executors find it. */
typedef struct gpu_box_copy {
    CUdeviceptr to, from; /* addresses, the host's too */
    size_t to_pitch, to_slice, from_pitch, from_slice;
    size_t width, height, depth;
    bool to_host, from_host; /* addresses that are the program's own, not to be looked up */
} gpu_box_copy;

/* The bytes that a box covers from its first to its last; 0 when it has none. */
static inline size_t gpu_box_extent(size_t pitch, size_t slice, const gpu_box_copy *c) { return c->width == 0 || c->height == 0 || c->depth == 0 ? 0 : (c->depth - 1) * slice + (c->height - 1) * pitch + c->width; }

typedef struct gpu_fill {
    CUdeviceptr to;
    size_t pitch, width, height; /* width: in elements */
    uint32_t value, element;     /* bytes: 1, 2 or 4 */
} gpu_fill;

typedef struct gpu_kernel_launch {
    CUfunction function;
    uint32_t grid[3], block[3], shared_bytes;
    int32_t registers; /* of a thread, estimated */
    bool cooperative;
    size_t parameter_bytes;
    unsigned char *parameters; /* of the operation */
    void **pointers;           /* to each of them */
} gpu_kernel_launch;

typedef enum gpu_operation_kind { GPU_OP_EMPTY, GPU_OP_KERNEL, GPU_OP_COPY, GPU_OP_FILL, GPU_OP_HOST, GPU_OP_CALLBACK, GPU_OP_FREE } gpu_operation_kind;

typedef struct gpu_operation {
    int32_t references;
    gpu_operation_kind kind;
    union {
        gpu_kernel_launch kernel;
        gpu_box_copy copy;
        gpu_fill fill;
        struct {
            CUhostFn function;
            CUstreamCallback callback;
            CUstream stream;
            void *data;
        } host;
        CUdeviceptr address; /* to be freed */
    };
} gpu_operation;

gpu_operation *gpu_operation_create(gpu_operation_kind kind); /* NULL: no memory */
gpu_operation *gpu_operation_retain(gpu_operation *operation);
void gpu_operation_release(gpu_operation *operation);
CUresult gpu_operation_run(gpu_operation *operation, CUcontext context, const gpu_moment *moment); /* without the lock; moment: NULL where nobody asks */

/* ---- tasks: operations with what they wait for -------------------------------------------------------------------------------------------------------------- */

typedef struct gpu_task {
    int32_t references, waits; /* waits: tasks that have to be done first */
    int32_t waited_for;        /* by so many calls of the program; counted with a seed alone */
    bool done, guest, counted; /* guest: the stream is of another context; counted: among those that are unfinished */
    CUcontext context;
    unsigned long long stream; /* the id of its stream */
    gpu_operation *operation;
    struct gpu_task **next;    /* tasks that wait for this one */
    int32_t next_count, next_capacity;
    uint64_t done_ns;
    gpu_moment *moment;        /* when it happens; NULL: nobody asks */
    struct gpu_task *queued;   /* the next in the list of those that can run */
} gpu_task;

gpu_task *gpu_task_retain(gpu_task *task);
void gpu_task_release(gpu_task *task);
/* Takes a reference of the operation, which may be NULL; waits for `count` tasks, of which some may be NULL. NULL: no memory. */
gpu_task *gpu_task_submit(CUstream stream, gpu_operation *operation, gpu_task *const *first, int32_t count);
void gpu_task_in_graph(gpu_task *task, const gpu_task *start);     /* it is of a graph that the stream began with `start` */
void gpu_task_behind_graph(gpu_task *task, const gpu_task *start); /* it is where the stream goes on */
void gpu_task_known(gpu_task *task); /* the program has been told that it is done; NULL: nothing */
void gpu_tasks_all_known(void);
void gpu_task_wait(gpu_task *task); /* gives the lock away while it waits, and does what it waits for itself where it can */
void gpu_tasks_end(bool finish);    /* the program ends: says what is left, and does it if that is wanted; gives the lock away meanwhile */
void gpu_task_asked(void);          /* the program was told that something is not done; gives the lock away */

/* ---- objects ------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct gpu_device {
    int32_t number;
    CUcontext primary;           /* one handle for ever */
    bool active, dying;          /* is it a context now? is it being destroyed? */
    int32_t primary_users;
    unsigned int primary_flags;
    CUmemoryPool own_pool, pool; /* its default one, and the one in use */
} gpu_device;

struct CUctx_st {
    gpu_object object;
    CUdevice device;
    unsigned int flags;
    unsigned long long id;
    bool primary;
    CUresult error;           /* of a kernel: nothing works any more */
    char error_text[640];
    CUstream legacy, streams; /* streams: all of them, linked; the legacy one and those of threads too */
    CUmodule modules;
    CUevent events;           /* and linkers: all of them, linked both ways */
    CUlinkState linkers;
    int32_t guests;           /* tasks in streams of others, graphs, whose kernels are of this one */
    uint64_t peers;           /* a bit for each device that may be reached */
    size_t limits[3];
    gpu_heap heap;
    gpu_output output;
    uint32_t syscalls;        /* a bit for each that kernels which were launched may come to */
    CUfunc_cache cache;
    int32_t captures;         /* that are under way */
    CUcontext next;           /* of all that live */
};

struct CUmod_st {
    gpu_object object;
    CUcontext context;
    ptx_module *ptx;
    gpu_program program;
    CUfunction functions; /* those that were asked for */
    CUmodule next;
    CUlibrary library;    /* it stands for; NULL: it was loaded by itself */
};

struct CUfunc_st {
    gpu_object object;
    CUmodule module;
    const ptx_function *ptx;
    gpu_vector_code *code, *observed, *heard; /* once it was launched */
    int32_t dynamic_shared_max, registers, carveout;
    uint32_t syscalls;                /* a bit for each that it may come to */
    CUfunction next;
};

/* A library is a module that is loaded in each context where it is used. */
struct CUlib_st {
    gpu_object object;
    ptx_module *ptx; /* to look names up in */
    struct CUmod_st sizes; /* the same in no context's memory, for what is asked of its kernels by device; no handle */
    char *image;
    size_t bytes;
    CUkernel kernels;
};
struct CUkern_st {
    gpu_object object;
    CUlibrary library;
    char *name;
    struct CUfunc_st on[GPU_DEVICES_MAX]; /* its attributes on each device, which functions of that device's contexts begin with; no handles */
    CUkernel next;
};

typedef struct gpu_node_list {
    CUgraphNode *nodes;
    int32_t count, capacity;
} gpu_node_list;

struct CUstream_st {
    gpu_object object;
    CUcontext context;
    unsigned int flags;
    unsigned long long id;
    gpu_task *tail;          /* the last that was submitted; NULL: nothing yet */
    uint64_t work;           /* the number of the last kernel or copy, where it is asked what is before what; 0: none */
    const char *work_name;   /* of the kernel; NULL: a copy */
    unsigned long long thread; /* whose own it is; 0: nobody's */
    bool orphan;             /* destroyed, but not done yet */
    struct gpu_capture *capture; /* NULL: none */
    gpu_node_list frontier;      /* what the next captured node waits for */
    CUstream next;
};

struct CUevent_st {
    gpu_object object;
    CUcontext context;
    unsigned int flags;
    gpu_task *task;              /* that it was recorded behind; NULL: never */
    unsigned long long capture_id; /* of the capture it was recorded in, with what was before it there; 0: in none */
    gpu_node_list frontier;
    CUevent next, *at;           /* at: what points to it */
};

struct CUmemPoolHandle_st {
    gpu_object object;
    CUdevice device;
    uint64_t used, used_high, threshold;
    int reuse[3];
    uint64_t access; /* a bit for each device */
    bool own;        /* of the device: not to be destroyed */
};

/* ---- the process ----------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct gpu_process {
    pthread_mutex_t lock;
    pthread_cond_t changed;     /* a task is done, or can run */
    bool initialized;
    int pid;
    bool asked; /* cuInit was called, if in vain */
    gpu_settings settings;
    gpu_memory *memory;
    pgd_pool *pool;
    gpu_device devices[GPU_DEVICES_MAX];
    CUcontext contexts;
    unsigned long long ids;
} gpu_process;
extern gpu_process gpu_driver;

/* Takes the lock, unless there is an error to be returned at once. gpu_enter asks for a current context without one. */
extern _Thread_local bool gpu_in_host_function; /* where nothing of the driver may be called */
CUresult gpu_enter_process(void);
CUresult gpu_enter_object(const void *object, gpu_object_kind kind, CUresult otherwise); /* otherwise: what it gives where the handle is none of that kind */
CUresult gpu_enter(CUcontext *current);
CUresult gpu_enter_device(CUdevice device);                      /* that there is */
CUresult gpu_enter_stream(CUstream handle, CUstream *out);       /* see gpu_stream_find */
CUresult gpu_leave(CUresult result);

CUcontext gpu_current(void); /* NULL: none, or it was destroyed */
CUresult gpu_no_context(void); /* why there is none: there never was, or it was destroyed */

bool gpu_object_add(void *object, gpu_object_kind kind); /* false: no memory */
void gpu_object_remove(void *object);
bool gpu_object_is(const void *object, gpu_object_kind kind);
CUresult gpu_object_refuse(const void *object, gpu_object_kind kind, CUresult result); /* because it is not */

/* The status of a storey below as the driver's. */
CUresult gpu_result(pgd_status status);
void gpu_append(const char *path, const char *text); /* to a file; "": to none. That it cannot be written to is told once. */
/* A line in the report; to stderr where there is none, or it cannot be written to. */
void gpu_process_write(void); /* what was found, counted and drawn, once: the program ends */
PGD_PRINTF(1, 2) void gpu_complain(const char *format, ...);
/* A line in the report, if there is one. */
PGD_PRINTF(1, 2) void gpu_report(const char *format, ...);
const char *gpu_error_name(CUresult error, bool name); /* its name, or the sentence for it; NULL: there is none */

/* ---- faults on purpose: faults.c ----------------------------------------------------------------------------------------------------------------------------------------- */

bool gpu_fault_in_allocation(void); /* must this one fail? */
bool gpu_fault_in_launch(void);     /* is the device lost now? Waits, when the device is slow. */

/* ---- between files ------------------------------------------------------------------------------------------------------------------------------------------------ */

CUresult gpu_context_create(CUdevice device, unsigned int flags, CUcontext *out);
void gpu_context_destroy(CUcontext context);
void gpu_context_drain(CUcontext context); /* waits for all of its streams; it may be gone afterwards */
void gpu_contexts_drain(void);             /* of all contexts */
CUresult gpu_context_verdict(CUcontext context); /* after a wait: what its kernels printed is written; its error, or that it was destroyed meanwhile */
static inline CUresult gpu_context_error(CUcontext c) { return c->error == CUDA_SUCCESS ? CUDA_SUCCESS : gpu_context_verdict(c); }

/* A stream by its handle, in which NULL, 1 and 2 have meanings. */
CUresult gpu_stream_find(CUstream handle, CUstream *out);
/* Puts an operation, whose reference is taken, behind what is there; into the graph when it is being captured. */
CUresult gpu_stream_submit(CUstream stream, gpu_operation *operation);
CUresult gpu_stream_submit_and_wait(CUstream stream, gpu_operation *operation);
gpu_task *gpu_stream_append(CUstream stream, gpu_operation *operation, gpu_task *const *also, int32_t count); /* not captured */
void gpu_stream_destroy(CUstream stream);

void gpu_event_destroy(CUevent event);
void gpu_link_destroy(CUlinkState state);
void gpu_module_destroy(CUmodule module);
/* Checked, with copies of what they need. *out: an operation. */
CUresult gpu_kernel_operation_of(const CUDA_KERNEL_NODE_PARAMS *parameters, bool cooperative, gpu_operation **out);
CUresult gpu_copy_operation_of(const CUDA_MEMCPY3D *copy, gpu_operation **out);
CUresult gpu_fill_operation_of(const CUDA_MEMSET_NODE_PARAMS *parameters, gpu_operation **out);

/* What stands in a CUfunction's place: one, or a CUkernel, which becomes that of a context; NULL: of the current one. */
CUresult gpu_function_find(CUfunction handle, CUcontext context, CUfunction *out);
CUresult gpu_memory_release_async(CUdeviceptr address); /* without the lock */
void gpu_pool_forget(CUdeviceptr address);              /* it is freed: its pool has less in use */
CUmemoryPool gpu_pool_create(CUdevice device, bool own);

#endif
