/* SPDX-License-Identifier: Apache-2.0
 * The one scheduler of streams, events and graphs: a task runs when all that it waits for is done. Workers take tasks that can run; so does who waits for one.
 * A worker may be kept by a host function for as long as that likes, so there are always two at least.
 *
 * With a seed tasks run one at a time and only while the program waits in a call, so that which of them can run depends on its calls and not on time; the next one is drawn. Where that
 * would be for ever, as the program waits for memory that a kernel writes, or a task for another, more is let run after some seconds; then time has a say, and that is reported. */
#include <exec/gpu_schedule.h>
#include <time.h>
#include <unistd.h>

#include "checks.h"

enum { WORKERS_MAX = 64, ANY = 0 };

static struct {
    gpu_task *first, *last; /* that can run */
    pthread_t workers[WORKERS_MAX];
    int32_t count, busy;
    int32_t hosting;        /* of the busy: by functions of the host */
    int32_t unfinished;     /* kernels, copies, fills; without those that come while the program ends */
    bool ending;
    gpu_clock known;        /* what the program knows to be done, */
    bool unordered;         /* until there was no memory for what is before what */
    /* with a seed: */
    gpu_schedule drawn;
    bool begun, told;
    enum { IN_TIME, LATE, STUCK } late; /* LATE: tasks run although nobody waits, STUCK: beside others, until the program calls again */
    int32_t awaited, due;               /* tasks that are waited for; tasks that run because the program asked often */
    int32_t asked;
} scheduler;

gpu_task *gpu_task_retain(gpu_task *t) {
    t->references++;
    return t;
}

void gpu_task_release(gpu_task *t) {
    if (t == NULL || --t->references > 0) return;
    gpu_operation_release(t->operation);
    gpu_moment_destroy(t->moment);
    pgd_mem_free(t->next);
    pgd_mem_free(t);
}

static bool works(const gpu_operation *o) { return o != NULL && (o->kind == GPU_OP_KERNEL || o->kind == GPU_OP_COPY || o->kind == GPU_OP_FILL); }

static void queue(gpu_task *t) {
    t->queued = NULL;
    if (scheduler.last == NULL) scheduler.first = t;
    else scheduler.last->queued = t;
    scheduler.last = t;
    pthread_cond_broadcast(&gpu_driver.changed);
}

/* Marks it done and lets go what waited for it; tasks that have nothing to do are done at once. */
static void finish(gpu_task *t) {
    gpu_task *list = t; /* linked by `queued` */
    t->queued = NULL;
    while (list != NULL) {
        gpu_task *done = list;
        list = done->queued;
        done->done = true;
        scheduler.awaited -= done->waited_for;
        done->waited_for = 0;
        done->done_ns = pgd_time_ns();
        if (done->guest) done->context->guests--;
        for (int32_t i = 0; i < done->next_count; i++) {
            gpu_task *next = done->next[i];
            if (--next->waits > 0) continue;
            if (next->operation != NULL) queue(next);
            else next->queued = list, list = next;
        }
        done->next_count = 0;
        scheduler.unfinished -= done->counted;
        gpu_operation_release(done->operation);
        done->operation = NULL;
        gpu_task_release(done); /* that of the scheduler */
    }
    pthread_cond_broadcast(&gpu_driver.changed);
}

static bool calls_back(const gpu_task *t) { return t->operation->kind == GPU_OP_HOST || t->operation->kind == GPU_OP_CALLBACK; }

/* The first that can run. Who waits in a call of the program takes those of the stream it waits for alone: others may be waiting for the program to go on; and no
 * host functions, which may need what its caller holds. */
static gpu_task *take(unsigned long long of_stream) {
    gpu_task *before = NULL;
    for (gpu_task *t = scheduler.first; t != NULL; before = t, t = t->queued) {
        if (of_stream != ANY && (t->stream != of_stream || calls_back(t))) continue;
        if (before == NULL) scheduler.first = t->queued;
        else before->queued = t->queued;
        if (scheduler.last == t) scheduler.last = before;
        return t;
    }
    return NULL;
}

/* With a seed: any that can run, if one may. */
static gpu_task *draw(void) {
    gpu_task *t = scheduler.first, *before = NULL;
    uint32_t count = 0;
    if (scheduler.late == IN_TIME && (scheduler.busy > 0 || (scheduler.awaited == 0 && scheduler.due == 0))) return NULL;
    if (scheduler.late != STUCK && scheduler.busy > scheduler.hosting) return NULL;
    if (!scheduler.begun) scheduler.drawn = gpu_schedule_of(gpu_schedule_seed(gpu_driver.settings.seed, UINT64_MAX)); /* no launch has this number */
    scheduler.begun = true;
    for (gpu_task *k = t; k != NULL; k = k->queued) count++;
    if (count == 0) return NULL;
    for (uint32_t k = gpu_schedule_below(&scheduler.drawn, count); k > 0; k--) before = t, t = t->queued;
    if (before == NULL) scheduler.first = t->queued;
    else before->queued = t->queued;
    if (scheduler.last == t) scheduler.last = before;
    return t;
}

static void run(gpu_task *t) {
    CUcontext context = t->context;
    bool hosts = calls_back(t);
    CUresult result = CUDA_SUCCESS;
    bool lost = context->error != CUDA_SUCCESS;
    const gpu_moment *moment = scheduler.unordered ? NULL : t->moment;
    scheduler.hosting += hosts;
    if (hosts) gpu_task_known(t); /* the program hears of it */
    if (!lost || t->operation->kind == GPU_OP_CALLBACK) {
        pthread_mutex_unlock(&gpu_driver.lock);
        result = gpu_operation_run(t->operation, context, moment);
        pthread_mutex_lock(&gpu_driver.lock);
    }
    scheduler.hosting -= hosts;
    if (!lost && result != CUDA_SUCCESS) context->error = result;
    finish(t);
}

static void run_drawn(gpu_task *t) {
    scheduler.busy++;
    run(t);
    scheduler.busy--;
    if (scheduler.due > 0) scheduler.due--;
    pthread_cond_broadcast(&gpu_driver.changed);
}

/* False: nothing changed for so long. */
static bool wait_for_change(long nanoseconds) {
    enum { SECOND_NS = 1000000000 };
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += nanoseconds % SECOND_NS;
    until.tv_sec += nanoseconds / SECOND_NS;
    if (until.tv_nsec >= SECOND_NS) until.tv_nsec -= SECOND_NS, until.tv_sec++;
    return pthread_cond_timedwait(&gpu_driver.changed, &gpu_driver.lock, &until) == 0;
}

enum { LATE_NS = 1000000000 };

static void tell_late(void) {
    if (!scheduler.told) gpu_report("work that nobody waits for, or that other work or the program seems to wait for, goes on after some seconds; PAGODA_SOFTGPU_SEED may not give this order again");
    scheduler.told = true;
}

/* For long: what can run is let run. */
static void wait_to_draw(void) {
    bool alone = scheduler.busy == scheduler.hosting;
    if (scheduler.first == NULL) {
        pthread_cond_wait(&gpu_driver.changed, &gpu_driver.lock);
        return;
    }
    if (wait_for_change(alone ? LATE_NS : 10L * LATE_NS) || scheduler.first == NULL || alone != (scheduler.busy == scheduler.hosting)) return;
    scheduler.late = alone ? LATE : STUCK;
    tell_late();
}

static void *work_drawn(void *unused) {
    (void)unused;
    pthread_mutex_lock(&gpu_driver.lock);
    for (;;) {
        gpu_task *t = draw();
        if (t != NULL) run_drawn(t);
        else wait_to_draw();
    }
    return NULL;
}

/* For ever: the library is never unloaded (-z nodelete). */
static void *work(void *unused) {
    (void)unused;
    pthread_mutex_lock(&gpu_driver.lock);
    for (;;) {
        gpu_task *t = take(ANY);
        if (t != NULL) {
            scheduler.busy++;
            run(t);
            scheduler.busy--;
            continue;
        }
        pthread_cond_wait(&gpu_driver.changed, &gpu_driver.lock);
    }
    return NULL;
}

static void start_workers(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    int32_t wanted = gpu_driver.settings.workers > 0 ? gpu_driver.settings.workers : (int32_t)cores;
    wanted = wanted < 2 || gpu_driver.settings.seed != 0 ? 2 : wanted > WORKERS_MAX ? WORKERS_MAX : wanted;
    while (scheduler.count < wanted && pthread_create(&scheduler.workers[scheduler.count], NULL, gpu_driver.settings.seed == 0 ? work : work_drawn, NULL) == 0) scheduler.count++;
}

static bool wait_for(gpu_task *t, gpu_task *first) {
    if (first == NULL || first->done) return true;
    if (!pgd_grow(&first->next, &first->next_capacity, first->next_count, sizeof *first->next)) return false;
    first->next[first->next_count++] = t;
    t->waits++;
    return true;
}

/* ---- what is before what: for checks alone --------------------------------------------------------------------------------------------------------------------------- */

/* Without memory nothing is compared any more. */
static void keep_order(bool fine) {
    if (fine || scheduler.unordered) return;
    scheduler.unordered = true;
    gpu_report("%s", GPU_CHECK_NO_MEMORY);
}

static void order(gpu_task *t, gpu_task *const *first, int32_t count) {
    if (!gpu_checks_order() || scheduler.unordered) return;
    t->moment = gpu_moment_create(t->stream, &scheduler.known);
    keep_order(t->moment != NULL);
    for (int32_t i = 0; i < count && t->moment != NULL; i++)
        if (first[i] != NULL && first[i]->moment != NULL) keep_order(gpu_moment_after(t->moment, first[i]->moment));
}

/* What the program has to wait for, that it has something of it. */
static void note_work(CUstream s, const gpu_task *t) {
    const gpu_operation *o = t->operation;
    if (t->moment == NULL || o == NULL || (o->kind != GPU_OP_KERNEL && o->kind != GPU_OP_COPY)) return;
    s->work = t->moment->number;
    s->work_name = o->kind == GPU_OP_KERNEL ? o->kernel.function->ptx->name : NULL;
}

/* Whether it was done by then is a matter of time; whether it was waited for is not. Of a context with a fault that is told, and it may have been why the program ended. */
static void tell_unwaited(void) {
    for (CUcontext c = gpu_driver.contexts; c != NULL; c = c->next)
        for (CUstream s = c->error == CUDA_SUCCESS ? c->streams : NULL; s != NULL; s = s->next)
            if (s->work > gpu_clock_get(&scheduler.known, s->id)) gpu_checks_unwaited(s->work_name);
}

void gpu_task_in_graph(gpu_task *t, const gpu_task *start) {
    if (t->moment != NULL && start->moment != NULL) gpu_moment_of_graph(t->moment, start->moment);
}

void gpu_task_behind_graph(gpu_task *t, const gpu_task *start) {
    if (t->moment != NULL && start->moment != NULL) gpu_moment_behind_graph(t->moment, start->moment);
}

void gpu_task_known(gpu_task *t) {
    if (t == NULL || t->moment == NULL || scheduler.unordered) return;
    keep_order(gpu_moment_is_known(&scheduler.known, t->moment));
    if (scheduler.unfinished == 0) gpu_checks_known(&scheduler.known);
}

void gpu_tasks_all_known(void) {
    if (!gpu_checks_order() || scheduler.unordered) return;
    gpu_moment_all_known(&scheduler.known);
    if (scheduler.unfinished == 0) gpu_checks_known(&scheduler.known);
}

/* ---- submitting ------------------------------------------------------------------------------------------------------------------------------------------------------- */

gpu_task *gpu_task_submit(CUstream stream, gpu_operation *operation, gpu_task *const *first, int32_t count) {
    gpu_task *t = pgd_mem_zalloc(sizeof *t);
    if (t == NULL) {
        gpu_operation_release(operation);
        return NULL;
    }
    *t = (gpu_task){.references = 2, .waits = 1, .context = stream->context, .stream = stream->id, .operation = operation}; /* the caller's and the scheduler's; itself, until it is whole */
    bool fine = true;
    order(t, first, count);
    note_work(stream, t);
    for (int32_t i = 0; i < count && fine; i++) fine = wait_for(t, first[i]);
    if (!fine) { /* what was registered already still lets go of it, as of something empty */
        gpu_operation_release(operation);
        t->operation = NULL;
    }
    t->counted = works(t->operation) && !scheduler.ending;
    scheduler.unfinished += t->counted;
    if (scheduler.count == 0 && operation != NULL) start_workers();
    scheduler.late = IN_TIME;
    scheduler.asked = 0;
    if (--t->waits == 0) {
        if (t->operation != NULL) queue(t);
        else finish(t);
    }
    if (!fine) {
        gpu_task_release(t);
        return NULL;
    }
    return t;
}

/* All workers may be kept by kernels or functions of the host that wait for something that is still to run: then there is one more. */
static void help(void *(*work_of_it)(void *)) {
    bool stuck = scheduler.first != NULL && scheduler.busy == scheduler.count && scheduler.count < WORKERS_MAX;
    if (stuck && pthread_create(&scheduler.workers[scheduler.count], NULL, work_of_it, NULL) == 0) scheduler.count++;
}

enum { WHILE_NS = 20000000 };

static void wait_drawn(gpu_task *t) {
    scheduler.late = IN_TIME;
    scheduler.asked = 0;
    t->waited_for++;
    scheduler.awaited++;
    pthread_cond_broadcast(&gpu_driver.changed);
    while (!t->done) {
        gpu_task *other = scheduler.count == 0 ? draw() : NULL;
        if (other != NULL) run_drawn(other);
        else if (!wait_for_change(WHILE_NS)) help(work_drawn);
    }
}

void gpu_task_wait(gpu_task *t) {
    if (t == NULL) return;
    gpu_task_retain(t);
    if (gpu_driver.settings.seed != 0 && !t->done) wait_drawn(t);
    while (!t->done) {
        gpu_task *other = take(scheduler.count == 0 ? ANY : t->stream);
        if (other != NULL) run(other);
        else if (!wait_for_change(WHILE_NS)) help(work);
    }
    gpu_task_known(t);
    gpu_task_release(t);
}

/* Who asks again and again waits: each time this often a task runs. Not at once, for a kernel may wait for what the program does next. */
void gpu_task_asked(void) {
    enum { OFTEN = 16 };
    scheduler.late = IN_TIME;
    if (gpu_driver.settings.seed == 0 || ++scheduler.asked < OFTEN) return;
    scheduler.asked = 0;
    scheduler.due = 1;
    pthread_cond_broadcast(&gpu_driver.changed);
    gpu_task *own = scheduler.count == 0 ? draw() : NULL;
    if (own != NULL) run_drawn(own);
    while (scheduler.due > 0 && (scheduler.first != NULL || scheduler.busy > scheduler.hosting))
        if (!wait_for_change(LATE_NS)) { /* what runs may wait for the program itself */
            tell_late();
            break;
        }
    scheduler.due = 0;
}

static void run_what_is_left(void) {
    enum { NOTHING_BUT_HOST_MAX = 50 }; /* times WHILE_NS: functions of the host may wait for the program, which is over */
    scheduler.awaited++;                /* whoever draws may go on */
    pthread_cond_broadcast(&gpu_driver.changed);
    for (int32_t idle = 0; scheduler.unfinished > 0 && idle < NOTHING_BUT_HOST_MAX;) {
        gpu_task *own = scheduler.count > 0 ? NULL : gpu_driver.settings.seed != 0 ? draw() : take(ANY);
        if (own != NULL) (gpu_driver.settings.seed != 0 ? run_drawn : run)(own);
        else if (wait_for_change(WHILE_NS)) idle = 0;
        else help(gpu_driver.settings.seed != 0 ? work_drawn : work), idle = scheduler.busy > scheduler.hosting ? 0 : idle + 1;
    }
}

/* Who looks at a program (checks it, counts, draws) is to see all of it; otherwise what is left is lost, as on a GPU. */
void gpu_tasks_end(bool finish) {
    int32_t left = scheduler.unfinished;
    bool tells = finish && gpu_checks_order() && !scheduler.unordered;
    if (left > 0 && !tells) gpu_report("the program ended before %d of its kernels, copies and fills were done, and %s; wait for them before it ends (cuStreamSynchronize, cuCtxSynchronize)", left, finish ? "they are run now, to look at them: a GPU drops them" : "they are dropped");
    scheduler.ending = true; /* other threads of the program may go on submitting */
    if (left > 0 && finish) run_what_is_left();
    if (tells) tell_unwaited();
}
