/* SPDX-License-Identifier: Apache-2.0
 * The thread pool of the host device.
 *
 * A job lives in one of the pool's slots. Its `claim` word holds a generation and the number of chunks nobody has claimed yet; claiming is
 * one compare-and-swap, so a worker that fell asleep between looking and claiming can never touch a later job in the same slot. The
 * caller claims like everybody else and, once nothing is left to claim, waits only for chunks that are being worked on: a worker the
 * operating system has put aside delays a job by at most the chunk it holds, never by chunks it might have taken.
 *
 * Waiting is a short spin, then yielding, then a futex: a static split with spinning barriers collapses beside one busy process. */
#define _GNU_SOURCE
#include <base_share.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { SLOTS = 16, MAX_THREADS = 256, SPIN_LOADS = 100, SPIN_PAUSES = 50, YIELD_NS = 200000 };

typedef struct slot {
    _Alignas(64) atomic_ullong claim; /* generation << 32 | unclaimed chunks */
    atomic_uint pending;              /* chunks not finished; the caller's futex */
    atomic_bool taken;
    pgd_chunk_fn *function;
    const void *params;
    char *const *mem;
    uint32_t chunks;
} slot;

typedef struct scratch_block {
    struct scratch_block *next;
    void *bytes;
} scratch_block;

struct pgd_pool {
    slot slots[SLOTS];
    _Alignas(64) atomic_uint signal; /* changes with every submitted job; the workers' futex */
    atomic_uint sleepers;
    atomic_bool stopping, started;
    int32_t threads;
    int32_t running; /* workers started, under lock */
    pthread_mutex_t lock;
    scratch_block *free_scratch; /* under lock: scratch of callers */
    pthread_t workers[MAX_THREADS];
};

static void futex_wait(atomic_uint *word, unsigned seen) { syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0); }
static void futex_wake(atomic_uint *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

static void pause_briefly(void) {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Kernels run with subnormals kept and round-to-nearest whatever the program around us has set. */
static unsigned float_mode_enter(void) {
#if defined(__x86_64__)
    unsigned old = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return old;
#else
    return 0;
#endif
}

static void float_mode_leave(unsigned old) {
#if defined(__x86_64__)
    _mm_setcsr(old);
#else
    (void)old;
#endif
}

/* Works on one slot until nothing is unclaimed. Fields are read only after a successful claim: the job cannot end before that chunk. */
static void work_on(slot *s, void *scratch) {
    unsigned long long seen = atomic_load_explicit(&s->claim, memory_order_acquire);
    while ((uint32_t)seen != 0) {
        if (!atomic_compare_exchange_weak_explicit(&s->claim, &seen, seen - 1, memory_order_acq_rel, memory_order_acquire)) continue;
        s->function(s->params, s->mem, s->chunks - (uint32_t)seen, scratch);
        if (atomic_fetch_sub_explicit(&s->pending, 1, memory_order_acq_rel) == 1) futex_wake(&s->pending);
        seen = atomic_load_explicit(&s->claim, memory_order_acquire);
    }
}

static bool work_left(pgd_pool *pool) {
    for (int i = 0; i < SLOTS; i++)
        if ((uint32_t)atomic_load_explicit(&pool->slots[i].claim, memory_order_acquire) != 0) return true;
    return false;
}

static void idle(pgd_pool *pool, unsigned signal) {
    for (int i = 0; i < SPIN_LOADS + SPIN_PAUSES; i++) {
        if (atomic_load_explicit(&pool->signal, memory_order_acquire) != signal) return;
        if (i >= SPIN_LOADS) pause_briefly();
    }
    uint64_t start = pgd_time_ns();
    while (pgd_time_ns() - start < YIELD_NS) {
        if (atomic_load_explicit(&pool->signal, memory_order_acquire) != signal) return;
        sched_yield();
    }
    atomic_fetch_add(&pool->sleepers, 1);
    if (atomic_load(&pool->signal) == signal && !work_left(pool)) futex_wait(&pool->signal, signal);
    atomic_fetch_sub(&pool->sleepers, 1);
}

typedef struct worker_start {
    pgd_pool *pool;
    void *scratch;
} worker_start;

static void *worker(void *argument) {
    worker_start *start = argument;
    pgd_pool *pool = start->pool;
    float_mode_enter();
    for (;;) {
        unsigned signal = atomic_load_explicit(&pool->signal, memory_order_acquire);
        if (atomic_load(&pool->stopping)) break;
        bool worked = false;
        for (int i = 0; i < SLOTS; i++)
            if ((uint32_t)atomic_load_explicit(&pool->slots[i].claim, memory_order_acquire) != 0) {
                work_on(&pool->slots[i], start->scratch);
                worked = true;
            }
        if (!worked) idle(pool, signal);
    }
    pgd_mem_free(start->scratch);
    pgd_mem_free(start);
    return NULL;
}

/* Starts the workers with the first job that has work for them. A worker that cannot be started is a notice, not an error: the caller
 * does the work itself. */
static void start_workers(pgd_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    while (!atomic_load(&pool->started) && pool->running < pool->threads - 1) {
        worker_start *start = pgd_mem_zalloc(sizeof *start);
        if (start != NULL) start->scratch = pgd_mem_alloc(PGD_SCRATCH_BYTES);
        if (start == NULL || start->scratch == NULL || (start->pool = pool, pthread_create(&pool->workers[pool->running], NULL, worker, start) != 0)) {
            pgd_log_line(PGD_LOG_WARNING, "pool: only %d of %d threads could be started", pool->running + 1, pool->threads);
            if (start != NULL) pgd_mem_free(start->scratch);
            pgd_mem_free(start);
            break;
        }
        pool->running++;
    }
    atomic_store(&pool->started, true);
    pthread_mutex_unlock(&pool->lock);
}

static scratch_block *scratch_take(pgd_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    scratch_block *block = pool->free_scratch;
    if (block != NULL) pool->free_scratch = block->next;
    pthread_mutex_unlock(&pool->lock);
    if (block != NULL) return block;
    block = pgd_mem_alloc(sizeof *block);
    if (block == NULL) return NULL;
    block->bytes = pgd_mem_alloc(PGD_SCRATCH_BYTES);
    if (block->bytes != NULL) return block;
    pgd_mem_free(block);
    return NULL;
}

static void scratch_give(pgd_pool *pool, scratch_block *block) {
    pthread_mutex_lock(&pool->lock);
    block->next = pool->free_scratch;
    pool->free_scratch = block;
    pthread_mutex_unlock(&pool->lock);
}

static slot *slot_take(pgd_pool *pool) {
    for (int i = 0; i < SLOTS; i++) {
        bool expected = false;
        if (atomic_compare_exchange_strong(&pool->slots[i].taken, &expected, true)) return &pool->slots[i];
    }
    return NULL;
}

static void wait_finished(slot *s) {
    for (int i = 0; i < SPIN_LOADS + SPIN_PAUSES; i++) {
        if (atomic_load_explicit(&s->pending, memory_order_acquire) == 0) return;
        if (i >= SPIN_LOADS) pause_briefly();
    }
    uint64_t start = pgd_time_ns();
    unsigned pending;
    while ((pending = atomic_load_explicit(&s->pending, memory_order_acquire)) != 0) {
        if (pgd_time_ns() - start < YIELD_NS)
            sched_yield();
        else
            futex_wait(&s->pending, pending);
    }
}

static void run_shared(pgd_pool *pool, slot *s, pgd_chunk_fn *function, const void *params, char *const *mem, uint32_t chunks, void *scratch) {
    s->function = function;
    s->params = params;
    s->mem = mem;
    s->chunks = chunks;
    atomic_store_explicit(&s->pending, chunks, memory_order_relaxed);
    unsigned long long generation = (atomic_load_explicit(&s->claim, memory_order_relaxed) >> 32) + 1;
    atomic_store_explicit(&s->claim, generation << 32 | chunks, memory_order_release);
    atomic_fetch_add(&pool->signal, 1);
    if (atomic_load(&pool->sleepers) != 0) futex_wake(&pool->signal);
    work_on(s, scratch);
    wait_finished(s);
    atomic_store(&s->taken, false);
}

pgd_status pgd_pool_run(pgd_pool *pool, pgd_chunk_fn *function, const void *params, char *const *mem, int64_t chunks) {
    if (chunks <= 0) return PGD_OK;
    if (chunks > INT32_MAX) return pgd_fail(PGD_INTERNAL, "pool: %lld chunks in one job", (long long)chunks);
    scratch_block *scratch = scratch_take(pool);
    if (scratch == NULL) return pgd_fail_memory(PGD_SCRATCH_BYTES);
    unsigned mode = float_mode_enter();
    slot *s = NULL;
    if (chunks > 1 && pool->threads > 1) {
        if (!atomic_load_explicit(&pool->started, memory_order_acquire)) start_workers(pool);
        s = slot_take(pool);
    }
    if (s != NULL)
        run_shared(pool, s, function, params, mem, (uint32_t)chunks, scratch->bytes);
    else
        for (int64_t i = 0; i < chunks; i++) function(params, mem, i, scratch->bytes);
    float_mode_leave(mode);
    scratch_give(pool, scratch);
    return PGD_OK;
}

pgd_status pgd_pool_create(int32_t threads, pgd_pool **out) {
    *out = NULL;
    if (threads < 1 || threads > MAX_THREADS)
        return pgd_fail(PGD_BAD_ARG, "threads is %d; use 1 to %d", threads, MAX_THREADS);
    pgd_pool *pool = pgd_mem_zalloc(sizeof *pool);
    if (pool == NULL) return pgd_fail_memory(sizeof *pool);
    pool->threads = threads;
    pthread_mutex_init(&pool->lock, NULL);
    *out = pool;
    return PGD_OK;
}

int32_t pgd_pool_threads(const pgd_pool *pool) { return pool->threads; }

void pgd_pool_destroy(pgd_pool *pool) {
    if (pool == NULL) return;
    atomic_store(&pool->stopping, true);
    atomic_fetch_add(&pool->signal, 1);
    futex_wake(&pool->signal);
    for (int32_t i = 0; i < pool->running; i++) pthread_join(pool->workers[i], NULL);
    while (pool->free_scratch != NULL) {
        scratch_block *next = pool->free_scratch->next;
        pgd_mem_free(pool->free_scratch->bytes);
        pgd_mem_free(pool->free_scratch);
        pool->free_scratch = next;
    }
    pthread_mutex_destroy(&pool->lock);
    pgd_mem_free(pool);
}
