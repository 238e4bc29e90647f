/* SPDX-License-Identifier: Apache-2.0
 * Sectors are distinct within a request. Wavefronts of shared memory: an access of 8 bytes a lane is made for half a warp at a time, of 16 for a quarter; 32 banks of 4
 * bytes; lanes that read the same word do not conflict (NVIDIA's programming guide, compute capability 5.0 and up). Atomic operations count as stores, cp.async as loads. */
#include "counts.h"

#include <pthread.h>
#include <ptx/forms.h>
#include <stdlib.h>
#include <string.h>

const char *const gpu_class_names[GPU_CLASS_COUNT] = {
#define X(name, text) text,
    GPU_CLASS_LIST(X)
#undef X
};

/* ---- classes ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool is(const char *opcode, const char *words) {
    size_t length = strlen(opcode);
    for (const char *at = words; *at != '\0'; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == length && strncmp(at, opcode, length) == 0) return true;
    return false;
}

static gpu_class of_type(ptx_type t) {
    if (ptx_types[t].kind != PTX_FLOAT) return GPU_CLASS_INTEGER;
    return t == PTX_f32 ? GPU_CLASS_F32 : t == PTX_f64 ? GPU_CLASS_F64 : GPU_CLASS_HALF;
}

enum { BY_TYPE = GPU_CLASS_COUNT };
static uint8_t of_form[PTX_FORM_COUNT]; /* a gpu_class, or BY_TYPE: as the type of the instruction says */

static uint8_t class_of_opcode(const char *opcode) {
    static const struct {
        const char *words;
        gpu_class class;
    } known[] = {
        {"ld ldu", GPU_CLASS_LOAD}, {"st", GPU_CLASS_STORE}, {"atom red", GPU_CLASS_ATOMIC}, {"mov selp slct cvta isspacep prmt", GPU_CLASS_MOVE}, {"setp set testp", GPU_CLASS_COMPARE}, {"cvt", GPU_CLASS_CONVERT},
        {"bra brx call ret exit trap brkpt nanosleep pmevent", GPU_CLASS_CONTROL}, {"bar barrier membar fence", GPU_CLASS_BARRIER}, {"shfl vote match activemask redux elect", GPU_CLASS_WARP}, {"mma ldmatrix", GPU_CLASS_MATRIX},
        {"cp prefetch prefetchu", GPU_CLASS_COPY}, {"ex2 lg2 sin cos tanh rcp rsqrt sqrt", GPU_CLASS_SPECIAL},
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
        if (is(opcode, known[k].words)) return (uint8_t)known[k].class;
    return BY_TYPE;
}

static void fill(void) {
    for (int32_t f = 0; f < PTX_FORM_COUNT; f++) of_form[f] = class_of_opcode(ptx_form_get(f)->opcode);
}

gpu_class gpu_class_of(const ptx_instruction *i) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill);
    uint8_t class = of_form[i->form];
    if (class == BY_TYPE) return of_type((ptx_type)i->types[0]);
    if ((class == GPU_CLASS_LOAD || class == GPU_CLASS_STORE) && ptx_instruction_space(i) == PTX_SPACE_param) return GPU_CLASS_MOVE; /* compilers make it an operand, or a register */
    return (gpu_class)class;
}

/* ---- memory --------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static int32_t distinct(uint64_t *list, int32_t count) {
    int32_t kept = 0, rising = 1;
    while (rising < count && list[rising - 1] <= list[rising]) rising++;
    if (rising < count) qsort(list, (size_t)count, sizeof *list, by_value);
    for (int32_t k = 0; k < count; k++)
        if (kept == 0 || list[kept - 1] != list[k]) list[kept++] = list[k];
    return kept;
}

/* Lanes that are served together: those of whole, half or quarter warps. */
static int32_t group_of(uint32_t bytes) { return bytes <= 4 ? 32 : bytes == 8 ? 16 : 8; }

/* *ideal: sectors that the distinct bytes would fill, when lanes begin at the same places or side by side. */
static uint64_t sectors(const gpu_warp_step *e, uint32_t lanes, uint64_t *ideal) {
    uint64_t touched[GPU_LANES * 3], starts[GPU_LANES];
    int32_t count = 0, lanes_here = 0;
    for (int32_t k = 0; k < GPU_LANES; k++) {
        if ((lanes >> k & 1) == 0) continue;
        starts[lanes_here++] = e->addresses[k];
        for (uint64_t at = e->addresses[k] / 32; at <= (e->addresses[k] + e->bytes - 1) / 32 && count < GPU_LANES * 3; at++) touched[count++] = at;
    }
    *ideal = ((uint64_t)distinct(starts, lanes_here) * e->bytes + 31) / 32;
    return (uint64_t)distinct(touched, count);
}

/* The most distinct words that one bank has to give; of atomic operations, which come one after the other at one word, the most lanes that one bank has. */
static uint64_t wavefronts(const gpu_warp_step *e, uint32_t lanes, bool atomic, uint64_t *ideal) {
    uint64_t sum = 0;
    int32_t group = group_of(e->bytes);
    *ideal = 0;
    for (int32_t first = 0; first < GPU_LANES; first += group) {
        uint64_t words[GPU_LANES * 4], most = 0;
        int32_t count = 0, in_bank[32] = {0};
        for (int32_t k = first; k < first + group; k++)
            for (uint64_t at = e->addresses[k] / 4; (lanes >> k & 1) != 0 && at <= (e->addresses[k] + e->bytes - 1) / 4 && count < GPU_LANES * 4; at++) words[count++] = at;
        if (!atomic) count = distinct(words, count);
        for (int32_t k = 0; k < count; k++)
            if ((uint64_t)++in_bank[words[k] % 32] > most) most = (uint64_t)in_bank[words[k] % 32];
        sum += most;
        *ideal += (uint64_t)(count + 31) / 32;
    }
    return sum;
}

static uint32_t lanes_in(const gpu_warp_step *e, ptx_space space) {
    uint32_t lanes = 0;
    for (int32_t k = 0; k < GPU_LANES; k++) lanes |= (uint32_t)((e->lanes >> k & 1) != 0 && e->spaces[k] == space) << k;
    return lanes;
}

static void count_access(gpu_launch_counts *c, const gpu_warp_step *e) {
    gpu_class class = gpu_class_of(e->instruction);
    uint32_t global = lanes_in(e, PTX_SPACE_global), shared = lanes_in(e, PTX_SPACE_shared);
    uint64_t ideal;
    if (class == GPU_CLASS_ATOMIC && e->lanes != 0) c->atomic_requests++;
    if (lanes_in(e, PTX_SPACE_local) != 0) c->local_requests++;
    if (shared != 0) {
        c->shared_requests++;
        c->shared_wavefronts += wavefronts(e, shared, class == GPU_CLASS_ATOMIC, &ideal);
        c->ideal_shared_wavefronts += ideal;
    }
    if (global == 0) return;
    uint64_t count = sectors(e, global, &ideal);
    bool stores = class == GPU_CLASS_STORE || class == GPU_CLASS_ATOMIC;
    *(stores ? &c->global_stores : &c->global_loads) += 1;
    *(stores ? &c->store_sectors : &c->load_sectors) += count;
    *(stores ? &c->ideal_store_sectors : &c->ideal_load_sectors) += ideal;
}

static void count(void *user, const gpu_warp_step *e) {
    gpu_launch_counts *c = user;
    bool branch = e->instruction->form == PTX_FORM_BRA;
    c->warp_instructions++;
    c->thread_instructions += (uint64_t)__builtin_popcount(branch ? e->running : e->lanes); /* not to jump is work of a branch, too */
    c->lanes_alive += (uint64_t)__builtin_popcount(e->alive);
    c->by_class[gpu_class_of(e->instruction)]++;
    if (branch && e->instruction->guarded) c->branches++;
    if (branch && e->instruction->guarded && e->lanes != 0 && e->lanes != e->running) c->parted++;
    if (e->bytes > 0) count_access(c, e);
}

gpu_observer gpu_counter(gpu_launch_counts *counts) { return (gpu_observer){counts, count}; }
