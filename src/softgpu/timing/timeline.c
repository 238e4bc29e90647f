/* SPDX-License-Identifier: Apache-2.0
 * Recording and replay. Latencies in cycles: arithmetic 4, double 8, special functions 23, matrices 24, shared memory 29 (Accel-Sim's configuration of the H200), global
 * memory 281 (L2 of a GH200 as measured by markdewing/AI_kernels). A scheduler issues one instruction a cycle; its pipes take as many as the throughput table of NVIDIA's
 * programming guide for 9.0 says: f32 one a cycle, integers and f64 one in 2, special functions one in 8; matrices one in 8 (Accel-Sim). The multiprocessor moves one
 * wavefront of shared memory and two sectors a cycle. */
#include "timeline.h"

#include <ptx/forms.h>
#include <string.h>

#include "counts.h"

enum { STEPS_MAX = 1 << 17, SCHEDULERS = 4, REGISTERS_OF_STEP = 24 };
typedef enum pipe { PIPE_F32, PIPE_INTEGER, PIPE_F64, PIPE_SPECIAL, PIPE_MATRIX, PIPE_OTHER, PIPES } pipe;
enum { LATENCY_ARITHMETIC = 4, LATENCY_DOUBLE = 8, LATENCY_SPECIAL = 23, LATENCY_MATRIX = 24, LATENCY_SHARED = 29, LATENCY_GLOBAL = 281, LATENCY_BARRIER = 20 };

const char *const gpu_wait_names[GPU_WAITS] = {"nothing", "a result", "memory", "shared memory", "a pipe", "a barrier", "its turn"};

/* ---- recording ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

pgd_status gpu_recording_init(gpu_recording *r, const gpu_launch *l, int32_t blocks) {
    uint64_t all = (uint64_t)l->grid[0] * l->grid[1] * l->grid[2];
    if ((uint64_t)blocks > all) blocks = (int32_t)all;
    *r = (gpu_recording){.blocks = blocks, .warps_of_block = (int32_t)((l->block[0] * l->block[1] * l->block[2] + GPU_LANES - 1) / GPU_LANES), .grid = {l->grid[0], l->grid[1], l->grid[2]}};
    r->warp_count = r->blocks * r->warps_of_block;
    r->warps = pgd_mem_zalloc(sizeof *r->warps * (size_t)(r->warp_count + 1));
    for (int32_t w = 0; r->warps != NULL && w < r->warp_count; w++) r->warps[w].block = w / r->warps_of_block;
    return r->warps == NULL ? pgd_fail_memory(sizeof *r->warps * (size_t)r->warp_count) : PGD_OK;
}

void gpu_recording_deinit(gpu_recording *r) {
    for (int32_t w = 0; r->warps != NULL && w < r->warp_count; w++) pgd_mem_free(r->warps[w].steps);
    pgd_mem_free(r->warps);
    *r = (gpu_recording){0};
}

static void record(void *user, const gpu_warp_step *e) {
    gpu_recording *r = user;
    uint64_t block = ((uint64_t)e->block[2] * r->grid[1] + e->block[1]) * r->grid[0] + e->block[0];
    if (block >= (uint64_t)r->blocks) return;
    gpu_trace *t = &r->warps[(int32_t)block * r->warps_of_block + (int32_t)e->warp];
    gpu_launch_counts c = {0};
    if (r->steps >= STEPS_MAX || !pgd_grow(&t->steps, &t->capacity, t->count, sizeof *t->steps)) {
        r->cut = true;
        return;
    }
    if (e->bytes > 0) gpu_counter(&c).step(&c, e);
    t->steps[t->count++] = (gpu_trace_step){e->instruction, (uint16_t)(c.load_sectors + c.store_sectors), (uint16_t)c.shared_wavefronts};
    r->steps++;
}

gpu_observer gpu_recorder(gpu_recording *r) { return (gpu_observer){r, record}; }

/* ---- replay ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct warp_state {
    const gpu_trace *trace;
    int32_t at;
    int64_t *ready;       /* by register: when its value is there */
    uint8_t *after;       /* by register: a gpu_wait, what who needs it waits for */
    int64_t last, barrier; /* of the last issue; when the barrier it waits at opens: -1 it is not known yet, 0 it waits at none */
} warp_state;

typedef struct machine {
    warp_state *warps;
    int32_t count, register_count, warps_of_block;
    int64_t pipes[SCHEDULERS][PIPES], shared, global; /* free from then on */
} machine;

typedef struct operands {
    int32_t read[REGISTERS_OF_STEP], written[REGISTERS_OF_STEP], reads, writes;
} operands;

static void take(operands *o, const ptx_operand *x, bool written) {
    for (int32_t k = 0; x->kind == PTX_VECTOR && k < x->count; k++) take(o, &x->items[k], written);
    if ((x->kind != PTX_REGISTER && x->kind != PTX_MEMORY) || x->number < 0) return;
    if (written && x->kind == PTX_REGISTER && o->writes < REGISTERS_OF_STEP) o->written[o->writes++] = x->number;
    else if (o->reads < REGISTERS_OF_STEP) o->read[o->reads++] = x->number;
}

static operands operands_of(const ptx_instruction *i) {
    const ptx_form *form = ptx_form_get(i->form);
    operands o = {.reads = 0};
    for (int32_t k = 0; k < i->operand_count; k++) take(&o, &i->operands[k], form->operands[k].role == PTX_ROLE_WRITTEN);
    if (i->guarded && o.reads < REGISTERS_OF_STEP) o.read[o.reads++] = i->guard;
    if (i->paired && i->pair >= 0 && o.writes < REGISTERS_OF_STEP) o.written[o.writes++] = i->pair;
    return o;
}

static bool is_barrier(const ptx_instruction *i) { return i->form >= PTX_FORM_BAR_SYNC && i->form <= PTX_FORM_BARRIER_RED_PART && i->form != PTX_FORM_BAR_WARP; }

/* The pipe of a scheduler that an instruction needs, and for how many cycles. */
static pipe pipe_of(gpu_class class, int32_t *interval) {
    static const int32_t intervals[PIPES] = {1, 2, 2, 8, 8, 1};
    pipe p = PIPE_OTHER;
    switch (class) {
    case GPU_CLASS_F32: case GPU_CLASS_HALF: p = PIPE_F32; break;
    case GPU_CLASS_INTEGER: case GPU_CLASS_COMPARE: case GPU_CLASS_MOVE: case GPU_CLASS_CONVERT: p = PIPE_INTEGER; break;
    case GPU_CLASS_F64: p = PIPE_F64; break;
    case GPU_CLASS_SPECIAL: p = PIPE_SPECIAL; break;
    case GPU_CLASS_MATRIX: p = PIPE_MATRIX; break;
    default: break;
    }
    *interval = intervals[p];
    return p;
}

/* When the next instruction of a warp can be issued, and what it waits for until then. */
static int64_t earliest(const machine *m, const warp_state *w, int32_t scheduler, gpu_wait *why) {
    const ptx_instruction *i = w->trace->steps[w->at].instruction;
    operands o = operands_of(i);
    int32_t interval;
    pipe needed = pipe_of(gpu_class_of(i), &interval);
    int64_t when = w->last + 1;
    *why = GPU_WAIT_NONE;
    for (int32_t k = 0; k < o.reads + o.writes; k++) {
        int32_t r = k < o.reads ? o.read[k] : o.written[k - o.reads];
        if (r >= m->register_count || w->ready[r] <= when) continue;
        when = w->ready[r];
        *why = (gpu_wait)w->after[r];
    }
    if (w->barrier > when) when = w->barrier, *why = GPU_WAIT_BARRIER;
    if (m->pipes[scheduler][needed] > when) when = m->pipes[scheduler][needed], *why = GPU_WAIT_PIPE;
    return when;
}

/* All warps of its block that go on are there: the barrier opens for them. */
static void arrive(machine *m, int32_t number, int64_t now) {
    int32_t first = number / m->warps_of_block * m->warps_of_block, waiting = 0, alive = 0;
    m->warps[number].barrier = -1;
    for (int32_t w = first; w < first + m->warps_of_block && w < m->count; w++) {
        alive += m->warps[w].at < m->warps[w].trace->count || m->warps[w].barrier == -1;
        waiting += m->warps[w].barrier == -1;
    }
    for (int32_t w = first; waiting == alive && w < first + m->warps_of_block && w < m->count; w++)
        if (m->warps[w].barrier == -1) m->warps[w].barrier = now + LATENCY_BARRIER;
}

static void issue(machine *m, int32_t number, int32_t scheduler, int64_t now) {
    warp_state *w = &m->warps[number];
    const gpu_trace_step *s = &w->trace->steps[w->at++];
    gpu_class class = gpu_class_of(s->instruction);
    operands o = operands_of(s->instruction);
    int32_t interval;
    pipe needed = pipe_of(class, &interval);
    int64_t done = now + (class == GPU_CLASS_F64 ? LATENCY_DOUBLE : class == GPU_CLASS_SPECIAL ? LATENCY_SPECIAL : class == GPU_CLASS_MATRIX ? LATENCY_MATRIX : LATENCY_ARITHMETIC);
    m->pipes[scheduler][needed] = now + interval;
    w->last = now;
    if (s->wavefronts > 0) {
        m->shared = (m->shared > now ? m->shared : now) + s->wavefronts;
        done = m->shared + LATENCY_SHARED;
    }
    if (s->sectors > 0) {
        m->global = (m->global > now ? m->global : now) + (s->sectors + 1) / 2;
        done = m->global + LATENCY_GLOBAL;
    }
    for (int32_t k = 0; k < o.writes; k++)
        if (o.written[k] < m->register_count) w->ready[o.written[k]] = done, w->after[o.written[k]] = s->sectors > 0 ? GPU_WAIT_MEMORY : s->wavefronts > 0 ? GPU_WAIT_SHARED : GPU_WAIT_DATA;
    if (w->barrier > 0) w->barrier = 0;
    if (is_barrier(s->instruction)) arrive(m, number, now);
    else if (w->at == w->trace->count && w->barrier == 0) { /* it ends: others may have waited for it alone */
        int32_t first = number / m->warps_of_block * m->warps_of_block;
        for (int32_t k = first; k < first + m->warps_of_block && k < m->count; k++)
            if (m->warps[k].barrier == -1) {
                arrive(m, k, now);
                break;
            }
    }
}

static bool keep_issue(gpu_replay *out, int32_t keep, gpu_issue i) {
    out->instructions++;
    if (out->count >= keep) return true;
    if (!pgd_grow(&out->issues, &out->capacity, out->count, sizeof *out->issues)) return false;
    out->issues[out->count++] = i;
    return true;
}

/* One scheduler in one cycle: of its warps that can issue the one that did so longest ago. *next: when there may be something to do again. */
static bool schedule(machine *m, int32_t scheduler, int64_t now, int32_t keep, gpu_replay *out, int64_t *next) {
    int32_t best = -1;
    gpu_wait why, best_why = GPU_WAIT_NONE;
    int64_t best_when = 0;
    for (int32_t k = scheduler; k < m->count; k += SCHEDULERS) {
        warp_state *w = &m->warps[k];
        if (w->at >= w->trace->count || w->barrier == -1) continue;
        int64_t when = earliest(m, w, scheduler, &why);
        if (when > now) {
            if (when < *next) *next = when;
            continue;
        }
        if (best < 0 || w->last < m->warps[best].last) best = k, best_why = why, best_when = when;
    }
    if (best < 0) return true;
    int64_t waited = now - m->warps[best].last - 1;
    if (best_when < now && waited > 0 && best_why == GPU_WAIT_NONE) best_why = GPU_WAIT_TURN;
    if (m->warps[best].last < 0) waited = now;
    out->waits[best_why] += waited;
    gpu_issue i = {now, waited, best, best_why, m->warps[best].trace->steps[m->warps[best].at].instruction};
    issue(m, best, scheduler, now);
    *next = now + 1;
    return keep_issue(out, keep, i);
}

static bool replay(machine *m, int32_t keep, gpu_replay *out) {
    for (int64_t now = 0, next = 0; next != INT64_MAX; now = next) {
        next = INT64_MAX;
        for (int32_t s = 0; s < SCHEDULERS; s++)
            if (!schedule(m, s, now, keep, out, &next)) return false;
        out->cycles = now + 1;
    }
    return true;
}

pgd_status gpu_replay_run(const gpu_recording *r, const ptx_function *kernel, int32_t blocks, int32_t keep, gpu_replay *out) {
    machine m = {.register_count = kernel->register_count, .warps_of_block = r->warps_of_block};
    *out = (gpu_replay){0};
    m.count = (blocks < r->blocks ? blocks : r->blocks) * r->warps_of_block;
    m.warps = pgd_mem_zalloc(sizeof *m.warps * (size_t)(m.count + 1));
    bool fine = m.warps != NULL;
    for (int32_t w = 0; w < m.count && fine; w++) {
        m.warps[w] = (warp_state){.trace = &r->warps[w], .last = -1, .ready = pgd_mem_zalloc(sizeof(int64_t) * (size_t)(m.register_count + 1)), .after = pgd_mem_zalloc((size_t)(m.register_count + 1))};
        fine = m.warps[w].ready != NULL && m.warps[w].after != NULL;
    }
    fine = fine && replay(&m, keep, out);
    for (int32_t w = 0; m.warps != NULL && w < m.count; w++) {
        pgd_mem_free(m.warps[w].ready);
        pgd_mem_free(m.warps[w].after);
    }
    pgd_mem_free(m.warps);
    if (fine) return PGD_OK;
    gpu_replay_deinit(out);
    return pgd_fail_memory(sizeof *m.warps * (size_t)m.count);
}

void gpu_replay_deinit(gpu_replay *r) {
    pgd_mem_free(r->issues);
    *r = (gpu_replay){0};
}
