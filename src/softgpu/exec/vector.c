/* SPDX-License-Identifier: Apache-2.0
 * A launch: workers take blocks one after the other; in a block each warp runs for a while, then the next. Blocks of a cooperative launch are all there at once, and workers
 * take turns with them, so that each may wait for all others. A launch with a seed has one worker; some of its blocks are there at once, who comes next is drawn, and for how long. */
#include "vector.h"

#include <fenv.h>
#include <stdio.h>

#include "gpu_listener.h"
#include "vector_select.h"
#include "vector_warp.h"

/* ---- memory of blocks, kept from launch to launch ------------------------------------------------------------------------------------------------------------------------- */

static void warp_deinit(vec_warp *w) {
    pgd_mem_free(w->root.registers);
    pgd_mem_free(w->local);
    pgd_mem_free(w->param);
    pgd_mem_free(w->copies);
}

static void block_deinit(vec_block *b) {
    for (uint32_t k = 0; b->warps != NULL && k < b->warp_capacity; k++) warp_deinit(&b->warps[k]);
    pgd_mem_free(b->warps);
    pgd_mem_free(b->shared);
    *b = (vec_block){0};
}

static uint64_t warps_of(const gpu_launch *l) { return ((uint64_t)l->block[0] * l->block[1] * l->block[2] + VEC_LANES - 1) / VEC_LANES; }

/* What a block has before its threads ask for more. */
static uint64_t block_bytes(const gpu_vector_code *code, const gpu_launch *l) { return gpu_launch_shared_bytes(l) + warps_of(l) * (sizeof(vec_warp) + code->kernel->register_bytes); }

/* Room for the warps and the shared memory of a block of the launch. */
static bool block_init(vec_block *b, const vec_launch *run) {
    const gpu_vector_code *code = run->code;
    const gpu_launch *l = run->launch;
    b->thread_count = l->block[0] * l->block[1] * l->block[2];
    b->warp_count = (b->thread_count + VEC_LANES - 1) / VEC_LANES;
    b->shared_bytes = gpu_launch_shared_bytes(l);
    b->room.most = run->room;
    if (b->shared == NULL || b->shared_capacity < b->shared_bytes) {
        pgd_mem_free(b->shared);
        b->shared_capacity = b->shared_bytes;
        b->shared = pgd_mem_alloc((size_t)b->shared_bytes + 16);
        if (b->shared == NULL) return false;
    }
    b->near = vec_near_make(0, b->shared_bytes, b->shared);
    if (b->warp_capacity < b->warp_count) {
        vec_warp *warps = pgd_mem_zalloc(sizeof *warps * b->warp_count);
        if (warps == NULL) return false;
        if (b->warp_capacity > 0) memcpy(warps, b->warps, sizeof *warps * b->warp_capacity);
        pgd_mem_free(b->warps);
        b->warps = warps;
        b->warp_capacity = b->warp_count;
    }
    for (uint32_t k = 0; k < b->warp_count; k++) {
        vec_warp *w = &b->warps[k];
        w->root.body = code->kernel;
        if (w->root.registers == NULL) w->root.registers = pgd_mem_zalloc(code->kernel->register_bytes);
        if (w->root.registers == NULL) return false;
    }
    return true;
}

/* What a warp's stacks grew to is kept for the next block, if it is not very much. */
static void trim_stacks(vec_warp *w) {
    enum { KEPT = 32 << 10 };
    if (w->local_capacity + w->param_capacity <= KEPT) return;
    pgd_mem_free(w->local);
    pgd_mem_free(w->param);
    w->local = w->param = NULL;
    w->local_capacity = w->param_capacity = 0;
}

static void block_belongs(vec_block *b, vec_worker *worker) {
    for (uint32_t k = 0; k < b->warp_count; k++) b->warps[k].worker = worker, b->warps[k].block = b;
}

static bool block_start(vec_block *b, vec_worker *worker, uint64_t number) {
    const gpu_launch *l = worker->launch;
    b->index[0] = (uint32_t)(number % l->grid[0]);
    b->index[1] = (uint32_t)(number / l->grid[0] % l->grid[1]);
    b->index[2] = (uint32_t)(number / l->grid[0] / l->grid[1]);
    memset(b->shared, 0, (size_t)b->shared_bytes);
    memset(b->barriers, 0, sizeof b->barriers);
    b->barriers_used = false;
    b->room.taken = block_bytes(worker->code, l);
    block_belongs(b, worker);
    for (uint32_t k = 0; k < b->warp_count; k++) {
        vec_warp *w = &b->warps[k];
        trim_stacks(w);
        w->number = k;
        w->threads = b->thread_count - k * VEC_LANES;
        w->row_shift = l->block[0] <= 16 && (l->block[0] & (l->block[0] - 1)) == 0 ? (uint32_t)__builtin_ctz(l->block[0]) : 5;
        if (!vec_start(w)) {
            worker->no_memory = true;
            return false;
        }
    }
    if (l->listener != NULL) l->listener->begin_block(l->listener->user, (uint32_t)number, b->thread_count, b->shared_bytes);
    return true;
}

static void block_end(const gpu_launch *l, uint64_t number) {
    if (l->listener != NULL) l->listener->end_block(l->listener->user, (uint32_t)number);
}

static void free_frames(vec_worker *worker) {
    for (vec_frame *f = worker->free_frames, *next; f != NULL; f = next) {
        next = f->parent;
        pgd_mem_free(f->registers);
        pgd_mem_free(f);
    }
}

static void worker_destroy(vec_worker *worker) {
    block_deinit(&worker->block);
    free_frames(worker);
    vec_gates_destroy(worker->gates, worker->code->gate_count);
    pgd_mem_free(worker);
}

static vec_worker *make_worker(gpu_vector_code *code) {
    vec_worker *worker = pgd_mem_zalloc(sizeof *worker);
    if (worker == NULL) return NULL;
    worker->code = code;
    worker->gates = code->gate_count > 0 ? pgd_mem_zalloc(sizeof *worker->gates * (size_t)code->gate_count) : NULL;
    if (worker->gates != NULL || code->gate_count == 0) return worker;
    pgd_mem_free(worker);
    return NULL;
}

static vec_worker *take_worker(vec_launch *run) {
    gpu_vector_code *code = run->code;
    while (atomic_flag_test_and_set_explicit(&code->lock, memory_order_acquire)) {}
    vec_worker *worker = code->idle;
    if (worker != NULL) code->idle = worker->next;
    atomic_flag_clear_explicit(&code->lock, memory_order_release);
    if (worker == NULL) worker = make_worker(code);
    if (worker == NULL) return NULL;
    worker->run = run;
    worker->launch = run->launch;
    worker->memory = run->launch->program->memory;
    worker->generation = gpu_memory_generation_place(worker->memory);
    memset(worker->windows, 0, sizeof worker->windows);
    memset(worker->near, 0, sizeof worker->near);
    worker->executed = worker->warp_instructions = 0;
    worker->fault.kind = GPU_NO_FAULT;
    worker->no_memory = false;
    return worker;
}

static void give_worker(vec_worker *worker) {
    gpu_vector_code *code = worker->code;
    while (atomic_flag_test_and_set_explicit(&code->lock, memory_order_acquire)) {}
    worker->next = code->idle;
    code->idle = worker;
    atomic_flag_clear_explicit(&code->lock, memory_order_release);
}

/* ---- code ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static pgd_status prepare(gpu_vector_code *code, const ptx_function *kernel) {
    const gpu_program *p = code->program;
    PGD_TRY(vec_body_make(code, kernel, &code->kernel));
    code->bodies = pgd_mem_zalloc(sizeof *code->bodies * (size_t)(p->function_count + 1));
    if (code->bodies == NULL) return pgd_fail_memory(sizeof *code->bodies * (size_t)p->function_count);
    bool *reached;
    pgd_status status = gpu_program_reached(p, kernel, &reached);
    for (int32_t k = 0; status == PGD_OK && k < p->function_count; k++)
        if (reached[k] && p->functions[k]->defined && !p->functions[k]->entry) status = vec_body_make(code, p->functions[k], &code->bodies[k]);
    pgd_mem_free(reached);
    return status;
}

static pgd_status create(const gpu_program *program, const ptx_function *kernel, bool observed, bool heard, bool seeded, gpu_vector_code **out) {
    *out = NULL;
    if (kernel == NULL || !kernel->entry || !kernel->defined) return pgd_fail(PGD_BAD_ARG, "what is launched is no kernel with a body");
    gpu_vector_code *code = pgd_mem_zalloc(sizeof *code);
    if (code == NULL) return pgd_fail_memory(sizeof *code);
    code->program = program;
    code->level = vec_level_in_force();
    code->observed = observed;
    code->seeded = seeded;
    code->heard = heard;
    atomic_flag_clear(&code->lock);
    pgd_status status = prepare(code, kernel);
    if (status != PGD_OK) gpu_vector_code_destroy(code);
    else *out = code;
    return status;
}

pgd_status gpu_vector_prepare(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out) { return create(program, kernel, false, false, false, out); }
pgd_status gpu_vector_prepare_observed(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out) { return create(program, kernel, true, false, false, out); }
pgd_status gpu_vector_prepare_heard(const gpu_program *program, const ptx_function *kernel, gpu_vector_code **out) { return create(program, kernel, false, true, false, out); }
pgd_status gpu_vector_prepare_seeded(const gpu_program *program, const ptx_function *kernel, bool heard, gpu_vector_code **out) { return create(program, kernel, false, heard, true, out); }

void gpu_vector_code_destroy(gpu_vector_code *code) {
    if (code == NULL) return;
    for (vec_worker *w = code->idle, *next; w != NULL; w = next) {
        next = w->next;
        worker_destroy(w);
    }
    for (int32_t k = 0; code->bodies != NULL && k < code->program->function_count; k++) vec_body_destroy(code->bodies[k]);
    pgd_mem_free(code->bodies);
    vec_body_destroy(code->kernel);
    pgd_mem_free(code);
}

/* ---- blocks ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Where somebody else waits than at this instruction; "": nobody. */
static void find_elsewhere(const vec_block *b, const ptx_instruction *here, char *text, size_t bytes) {
    const gpu_launch *l = b->warps[0].worker->launch;
    text[0] = '\0';
    for (uint32_t w = 0; w < b->warp_count; w++)
        for (int32_t k = 0; k < b->warps[w].split_count; k++) {
            const vec_split *s = &b->warps[w].splits[k];
            uint32_t number = w * VEC_LANES + (uint32_t)__builtin_ctz(s->mask), thread[3] = {number % l->block[0], number / l->block[0] % l->block[1], number / l->block[0] / l->block[1]};
            if (s->waiting == here || s->waiting == NULL) continue;
            gpu_waiting_say(l->program->module, s->waiting, thread, text, bytes);
            return;
        }
}

/* Nobody can run any more: says of one of them what it waits for, and of how many the same holds. */
static void deadlock(vec_block *b) {
    uint32_t waiting = 0;
    vec_warp *first = NULL;
    for (uint32_t k = 0; k < b->warp_count; k++) {
        waiting += (uint32_t)__builtin_popcount(b->warps[k].alive);
        if (first == NULL && b->warps[k].alive != 0) first = &b->warps[k];
    }
    int32_t lane = __builtin_ctz(first->alive), number = 0;
    while ((first->splits[number].mask >> lane & 1) == 0) number++;
    const vec_split *split = &first->splits[number];
    char elsewhere[160];
    first->frame = split->frame;
    find_elsewhere(b, split->waiting, elsewhere, sizeof elsewhere);
    if (split->state == VEC_AT_BARRIER) {
        const vec_barrier *at = &b->barriers[split->barrier];
        uint32_t threads, alive;
        vec_barrier_arrived(b, at, &threads, &alive);
        vec_fault(first, lane, GPU_FAULT_DEADLOCK, split->waiting, "%u threads wait for ever; this one at barrier %d, which %u of %u reached%s", waiting, split->barrier, threads, at->expected == 0 ? waiting : at->expected, elsewhere);
    } else {
        vec_fault(first, lane, GPU_FAULT_DEADLOCK, split->waiting, "%u threads wait for ever; this one for lanes of its warp, mask 0x%x%s", waiting, first->wait_mask[lane], elsewhere);
    }
}

/* Where a warp stands between two turns, and a lane that is there. Its frame is that of the place from then on. */
static const ptx_instruction *place_of(vec_warp *w, int32_t *lane) {
    const ptx_function *kernel = w->worker->launch->kernel;
    *lane = 0;
    w->frame = &w->root;
    if (w->split_count > 0) {
        const vec_split *split = &w->splits[w->current < w->split_count ? w->current : 0];
        const vec_step *at = &split->frame->body->steps[split->pc];
        w->frame = split->frame;
        *lane = __builtin_ctz(split->mask);
        if (at->i != NULL) return at->i;
    }
    return kernel->instruction_count == 0 ? NULL : &kernel->instructions[kernel->instruction_count - 1];
}

static void say_where(vec_warp *w) {
    const gpu_launch *l = w->worker->launch;
    const uint32_t *size = l->block;
    char text[sizeof w->worker->fault.text];
    vec_frame *frame = w->frame;
    int32_t lane;
    const ptx_instruction *i = place_of(w, &lane);
    uint32_t number = w->number * VEC_LANES + (uint32_t)lane, thread[3] = {number % size[0], number / size[0] % size[1], number / size[0] / size[1]};
    gpu_place_say(l->program->module, w->frame->body->function, i, w->block->index, thread, text, sizeof text);
    w->frame = frame;
    l->services->where(l->services->user, text);
}

/* Tells the launch what was executed since, and hears whether it may go on; now: asks in any case. A block counts for the limit, too. */
static bool may_go_on(vec_worker *worker, vec_warp *w, bool now) {
    uint64_t limit = worker->launch->instruction_limit, mine = worker->executed, all;
    int32_t lane;
    if (mine == 0 && !now) return true;
    worker->executed = 0;
    worker->asks = false;
    all = atomic_fetch_add_explicit(&worker->run->executed, mine, memory_order_relaxed) + mine;
    gpu_order order = gpu_launch_look(worker->launch, all, now ? UINT64_MAX : mine);
    all += atomic_load_explicit(&worker->run->next, memory_order_relaxed);
    if (order == GPU_SAY_WHERE) say_where(w);
    if ((limit == 0 || all <= limit) && order < GPU_TOO_LONG) return true;
    const ptx_instruction *i = place_of(w, &lane);
    if (order == GPU_INTERRUPT) vec_fault(w, lane, GPU_FAULT_INTERRUPTED, i, GPU_INTERRUPTED_TEXT);
    else if (order == GPU_TOO_LONG) vec_fault(w, lane, GPU_FAULT_LIMIT, i, GPU_TOO_LONG_TEXT, gpu_launch_how_long(worker->launch));
    else vec_fault(w, lane, GPU_FAULT_LIMIT, i, "%llu instructions were executed, and no more are allowed", (unsigned long long)limit);
    return false;
}

/* Of kernels that have nothing to do there may be very many. */
static bool begin_block(vec_worker *worker, vec_block *b, uint64_t number) {
    enum { BLOCKS_A_LOOK = 256 };
    return block_start(b, worker, number) && (number % BLOCKS_A_LOOK != BLOCKS_A_LOOK - 1 || may_go_on(worker, &b->warps[0], true));
}

static bool can_run(const vec_warp *w) {
    for (int32_t k = 0; k < w->split_count; k++)
        if (w->splits[k].state == VEC_RUNNING) return true;
    return false;
}

static bool waits(const vec_warp *w) {
    for (int32_t k = 0; k < w->split_count; k++)
        if (w->splits[k].state == VEC_AT_WARP) return true;
    return false;
}

static bool run_warp(vec_worker *worker, vec_warp *w, gpu_schedule *drawn, bool *moved) {
    enum { ACCESS_BITS = 8 };
    bool over = false;
    if (can_run(w)) {
        *moved = true;
        if (drawn != NULL) worker->run->accesses = gpu_schedule_turn(drawn, ACCESS_BITS);
        vec_turn(w);
        if (w->stop == VEC_FAULTED || !may_go_on(worker, w, worker->asks)) return false;
        over = w->stop == VEC_TURN_OVER;
        if (over && drawn == NULL) return true;
    }
    if (waits(w)) {
        vec_warp_settle(w, over, moved);
        if (w->stop == VEC_FAULTED) return false;
    }
    return true;
}

/* Each warp has its turn. False: a fault, or no memory. *alive: it is not over. */
static bool run_round(vec_worker *worker, vec_block *b, bool *alive) {
    bool moved = false;
    gpu_schedule *drawn = vec_drawn(worker);
    uint16_t order[VEC_WARPS_MAX];
    if (drawn != NULL) gpu_schedule_order(drawn, order, b->warp_count);
    *alive = false;
    for (uint32_t k = 0; k < b->warp_count; k++) {
        vec_warp *w = &b->warps[drawn == NULL ? k : order[k]];
        if (w->alive != 0 && !run_warp(worker, w, drawn, &moved)) return false;
    }
    vec_barriers_settle(worker, b, &moved);
    for (uint32_t k = 0; k < b->warp_count && !*alive; k++) *alive = b->warps[k].alive != 0;
    if (*alive && !moved) {
        deadlock(b);
        return false;
    }
    return true;
}

static void fail(vec_worker *worker) {
    vec_launch *run = worker->run;
    int none = 0;
    if (atomic_compare_exchange_strong(&run->failed, &none, worker->no_memory ? 2 : 1) && !worker->no_memory) *run->fault = worker->fault;
    atomic_store(&run->stop, 1);
}

static bool stopped(const vec_launch *run) { return atomic_load_explicit(&run->stop, memory_order_relaxed) != 0; }

/* Frames of calls that were given up go back. */
static void leave_frames(vec_block *b) {
    for (uint32_t k = 0; k < b->warp_count; k++)
        while (b->warps[k].split_count > 0) vec_forget_split(&b->warps[k], b->warps[k].split_count - 1);
}

static void run_blocks(vec_worker *worker) {
    vec_launch *run = worker->run;
    vec_block *b = &worker->block;
    if (!block_init(b, run)) {
        worker->no_memory = true;
        fail(worker);
        return;
    }
    for (;;) {
        uint64_t number = atomic_fetch_add_explicit(&run->next, 1, memory_order_relaxed);
        bool alive = true, fine = true;
        if (number >= run->blocks || stopped(run)) return;
        fine = begin_block(worker, b, number);
        while (fine && alive && !stopped(run)) fine = run_round(worker, b, &alive);
        if (!fine) fail(worker);
        if (!fine || alive) leave_frames(b);
        block_end(run->launch, number);
    }
}

/* ---- cooperative launches ------------------------------------------------------------------------------------------------------------------------------------------------- */

enum { RESIDENT_MAX = 4096 };

typedef struct vec_resident {
    vec_block block;
    uint64_t number;
    atomic_flag taken;
    bool started, over;
} vec_resident;

/* One round of a block that no other worker has; false: something went wrong. */
static bool run_resident(vec_worker *worker, vec_resident *r, bool *over) {
    bool fine = true, alive = true;
    if (!r->started) fine = begin_block(worker, &r->block, r->number);
    r->started = true;
    if (fine && !r->over) {
        block_belongs(&r->block, worker);
        fine = run_round(worker, &r->block, &alive);
        r->over = fine && !alive;
        if (r->over) block_end(worker->launch, r->number);
    }
    *over = r->over;
    return fine;
}

static void run_residents(vec_worker *worker) {
    vec_launch *run = worker->run;
    for (bool all = false; !all && !stopped(run);) {
        all = true;
        for (uint64_t k = 0; k < run->blocks && !stopped(run); k++) {
            vec_resident *r = &run->resident[k];
            bool over = false, fine;
            if (atomic_flag_test_and_set_explicit(&r->taken, memory_order_acquire)) {
                all = false;
                continue;
            }
            fine = run_resident(worker, r, &over);
            atomic_flag_clear_explicit(&r->taken, memory_order_release);
            if (!fine) fail(worker);
            all = all && over;
        }
    }
}

static pgd_status residents_create(vec_launch *run) {
    if (run->launch->cooperative && run->blocks > RESIDENT_MAX) return pgd_fail(PGD_BAD_ARG, "a cooperative launch of %llu blocks; at most %d can be there at once", (unsigned long long)run->blocks, RESIDENT_MAX);
    run->resident = pgd_mem_zalloc(sizeof *run->resident * (size_t)run->resident_count);
    for (uint64_t k = 0; run->resident != NULL && k < run->resident_count; k++) {
        atomic_flag_clear(&run->resident[k].taken);
        run->resident[k].number = k;
        if (!block_init(&run->resident[k].block, run)) return pgd_fail_memory(sizeof *run->resident);
    }
    return run->resident != NULL ? PGD_OK : pgd_fail_memory(sizeof *run->resident * (size_t)run->resident_count);
}

static void residents_destroy(vec_launch *run) {
    vec_worker none = {0}; /* takes the frames that are left */
    for (uint64_t k = 0; run->resident != NULL && k < run->resident_count; k++) {
        vec_resident *r = &run->resident[k];
        if (r->started && !r->over) {
            block_belongs(&r->block, &none);
            leave_frames(&r->block);
            block_end(run->launch, r->number);
        }
        block_deinit(&r->block);
    }
    free_frames(&none);
    pgd_mem_free(run->resident);
}

/* ---- launches with a seed --------------------------------------------------------------------------------------------------------------------------------------------------- */

/* A round of the block at a place; where there is none any more, the next one begins. */
static bool run_place(vec_worker *worker, vec_resident *r, const gpu_permutation *numbers) {
    vec_launch *run = worker->run;
    bool over;
    if (r->over || !r->started) {
        if (run->next == run->blocks) return true;
        r->number = gpu_permutation_at(numbers, run->next++);
        r->started = r->over = false;
    }
    return run_resident(worker, r, &over);
}

static void run_drawn(vec_worker *worker) {
    vec_launch *run = worker->run;
    gpu_permutation numbers = gpu_permutation_draw(&run->drawn, run->blocks);
    uint16_t order[RESIDENT_MAX];
    for (bool some = true; some && !stopped(run);) {
        gpu_schedule_order(&run->drawn, order, (uint32_t)run->resident_count);
        for (uint64_t k = 0; k < run->resident_count && !stopped(run); k++)
            if (!run_place(worker, &run->resident[order[k]], &numbers)) fail(worker);
        some = run->next < run->blocks;
        for (uint64_t k = 0; k < run->resident_count && !some; k++) some = !run->resident[k].over;
    }
}

/* ---- launches ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* Computes with the rounding and the subnormals of IEEE 754, whatever the thread had. */
static void work(const void *parameters, char *const *memory, int64_t chunk, void *scratch) {
    vec_launch *run = (vec_launch *)(uintptr_t)parameters;
    vec_worker *worker = take_worker(run);
    fenv_t before;
    if (worker == NULL) {
        atomic_store(&run->failed, 2);
        atomic_store(&run->stop, 1);
        return;
    }
    fegetenv(&before);
    fesetenv(FE_DFL_ENV);
    if (run->launch->seed != 0) run_drawn(worker);
    else if (run->resident != NULL) run_residents(worker);
    else run_blocks(worker);
    fesetenv(&before);
    atomic_fetch_add_explicit(&run->executed, worker->executed, memory_order_relaxed);
    atomic_fetch_add_explicit(&run->warp_instructions, worker->warp_instructions, memory_order_relaxed);
    give_worker(worker);
}

#define NO_ROOM_TEXT "no memory for the registers and the stacks of a block of %u x %u x %u threads, or more than the %llu MiB that one may have; launch smaller blocks, or fewer at once"

static pgd_status run_all(vec_launch *run, pgd_pool *pool) {
    const gpu_launch *l = run->launch;
    int64_t workers = pool == NULL || l->seed != 0 ? 1 : pgd_pool_threads(pool);
    run->drawn = gpu_schedule_of(l->seed);
    run->resident_count = l->seed == 0 ? run->blocks : gpu_schedule_residents(&run->drawn, run->blocks, l->cooperative);
    if (workers > (int64_t)run->blocks) workers = (int64_t)run->blocks;
    while (workers > 1 && block_bytes(run->code, l) + warps_of(l) * VEC_LANES * (uint64_t)l->kernel->local_bytes > gpu_block_room((uint64_t)workers)) workers--;
    run->room = gpu_block_room(l->cooperative || l->seed != 0 ? run->resident_count : (uint64_t)workers);
    if (block_bytes(run->code, l) > run->room) return pgd_fail(PGD_NO_MEMORY, NO_ROOM_TEXT, l->block[0], l->block[1], l->block[2], (unsigned long long)run->room >> 20);
    if (l->cooperative || l->seed != 0) PGD_TRY(residents_create(run));
    if (workers > 1) PGD_TRY(pgd_pool_run(pool, work, run, NULL, workers));
    else work(run, NULL, 0, NULL);
    if (atomic_load(&run->failed) == 2) return pgd_fail(PGD_NO_MEMORY, NO_ROOM_TEXT, l->block[0], l->block[1], l->block[2], (unsigned long long)run->room >> 20);
    return run->fault->kind == GPU_NO_FAULT ? PGD_OK : pgd_fail(PGD_DEVICE, "%s", run->fault->text);
}

pgd_status gpu_vector_launch(gpu_vector_code *code, const gpu_launch *launch, pgd_pool *pool, gpu_fault *fault, gpu_counts *counts) {
    vec_launch run = {.launch = launch, .code = code, .fault = fault, .blocks = (uint64_t)launch->grid[0] * launch->grid[1] * launch->grid[2]};
    *fault = (gpu_fault){0};
    PGD_TRY(gpu_launch_check(launch));
    if (launch->listener != NULL) launch->listener->begin_launch(launch->listener->user, launch);
    pgd_status status = run_all(&run, launch->listener != NULL || launch->observer != NULL ? NULL : pool);
    residents_destroy(&run);
    if (counts != NULL) *counts = (gpu_counts){atomic_load(&run.warp_instructions), atomic_load(&run.executed)};
    return status;
}

pgd_status gpu_vector_run(const gpu_launch *launch, pgd_pool *pool, gpu_fault *fault) {
    gpu_vector_code *code;
    *fault = (gpu_fault){0};
    PGD_TRY(gpu_launch_check(launch));
    PGD_TRY(launch->seed == 0 ? gpu_vector_prepare(launch->program, launch->kernel, &code) : gpu_vector_prepare_seeded(launch->program, launch->kernel, false, &code));
    pgd_status status = gpu_vector_launch(code, launch, pool, fault, NULL);
    gpu_vector_code_destroy(code);
    return status;
}
