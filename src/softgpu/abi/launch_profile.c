/* SPDX-License-Identifier: Apache-2.0
 * Entries by kernel, grid, block and shared memory; written as JSON, an object a line, or as text. */
#include "launch_profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <timing/line_counts.h>
#include <timing/occupancy.h>
#include <unistd.h>

typedef struct entry {
    char *kernel;
    uint32_t grid[3], block[3];
    uint64_t shared_bytes, launches, failed;
    int32_t registers;
    gpu_launch_counts counts;
    gpu_lines lines;
} entry;

static struct {
    pthread_mutex_t kernels; /* one at a time */
    pthread_mutex_t lock;    /* of the list, for moments */
    entry *list;
    int32_t count, capacity;
} profile = {.kernels = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};

bool gpu_profile_wanted(void) { return gpu_driver.settings.profile[0] != '\0'; }

static entry *entry_of(const gpu_launch *l, int32_t registers) {
    uint64_t shared = gpu_program_shared_bytes(l->program, l->kernel) + l->dynamic_shared_bytes;
    for (int32_t i = 0; i < profile.count; i++) {
        entry *e = &profile.list[i];
        if (strcmp(e->kernel, l->kernel->name) == 0 && memcmp(e->grid, l->grid, sizeof e->grid) == 0 && memcmp(e->block, l->block, sizeof e->block) == 0 && e->shared_bytes == shared) return e;
    }
    if (!pgd_grow(&profile.list, &profile.capacity, profile.count, sizeof *profile.list)) return NULL;
    char *name = pgd_mem_strdup(l->kernel->name);
    if (name == NULL) return NULL;
    entry *e = &profile.list[profile.count++];
    *e = (entry){.kernel = name, .shared_bytes = shared, .registers = registers};
    memcpy(e->grid, l->grid, sizeof e->grid);
    memcpy(e->block, l->block, sizeof e->block);
    return e;
}

static pgd_status run(CUfunction f, gpu_launch *launch, gpu_fault *fault, gpu_line_counter *counter, gpu_launch_counts *counts) {
    gpu_observer observer = gpu_line_counter_begin(counter, counts);
    if (f->observed == NULL) PGD_TRY(gpu_vector_prepare_observed(&f->module->program, f->ptx, &f->observed));
    launch->observer = &observer;
    return gpu_vector_launch(f->observed, launch, NULL, fault, NULL);
}

/* They are numbers of 64 bits and nothing else. */
static void add(gpu_launch_counts *to, const gpu_launch_counts *from) {
    uint64_t sum[sizeof *to / sizeof(uint64_t)], more[sizeof *to / sizeof(uint64_t)];
    memcpy(sum, to, sizeof sum);
    memcpy(more, from, sizeof more);
    for (size_t k = 0; k < sizeof sum / sizeof sum[0]; k++) sum[k] += more[k];
    memcpy(to, sum, sizeof sum);
}

pgd_status gpu_profile_run(CUfunction f, int32_t registers, gpu_launch *launch, gpu_fault *fault) {
    gpu_launch_counts counts = {0};
    gpu_line_counter counter;
    gpu_lines dropped = {0};
    pthread_mutex_lock(&profile.kernels);
    pgd_status status = run(f, launch, fault, &counter, &counts);
    pthread_mutex_unlock(&profile.kernels);
    pthread_mutex_lock(&profile.lock);
    entry *e = entry_of(launch, registers);
    if (e != NULL) add(&e->counts, &counts), e->launches++, e->failed += status != PGD_OK;
    gpu_line_counter_end(&counter, f->module->program.module, e == NULL ? &dropped : &e->lines);
    pthread_mutex_unlock(&profile.lock);
    gpu_lines_deinit(&dropped);
    return e == NULL && status == PGD_OK ? pgd_fail_memory(sizeof *e) : status;
}

/* ---- writing ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef unsigned long long ull;
static const char *const limiters[] = {"warps", "blocks", "registers", "shared memory"};

static double part(uint64_t of, uint64_t all) { return all == 0 ? 1 : (double)of / (double)all; }

static gpu_occupancy occupancy(const entry *e, int32_t *warps, int32_t *most) {
    const gpu_architecture *a = gpu_architecture_of(gpu_driver.settings.capability);
    int32_t threads = (int32_t)(e->block[0] * e->block[1] * e->block[2]);
    gpu_occupancy o = gpu_occupancy_of(a, threads, e->registers, e->shared_bytes);
    *warps = o.blocks * ((threads + 31) / 32);
    *most = a->sm_threads / 32;
    return o;
}

static void write_json(pgd_text *t, const entry *e) {
    const gpu_launch_counts *c = &e->counts;
    int32_t warps, most;
    gpu_occupancy o = occupancy(e, &warps, &most);
    pgd_text_add(t, "{\"kernel\": \"%s\", \"launches\": %llu, \"failed\": %llu, \"grid\": [%u, %u, %u], \"block\": [%u, %u, %u], \"registers_estimate\": %d, \"shared_bytes\": %llu, \"occupancy_warps\": %d, \"occupancy_most\": %d, \"occupancy_limiter\": \"%s\"", e->kernel,
                 (ull)e->launches, (ull)e->failed, e->grid[0], e->grid[1], e->grid[2], e->block[0], e->block[1], e->block[2], e->registers, (ull)e->shared_bytes, warps, most, limiters[o.limiter]);
    pgd_text_add(t, ", \"warp_instructions\": %llu, \"thread_instructions\": %llu, \"lane_use\": %.4f, \"branches\": %llu, \"divergent_branches\": %llu", (ull)c->warp_instructions, (ull)c->thread_instructions, part(c->thread_instructions, 32 * c->warp_instructions),
                 (ull)c->branches, (ull)c->parted);
    pgd_text_add(t, ", \"global_load_requests\": %llu, \"global_load_sectors\": %llu, \"global_load_sectors_ideal\": %llu, \"global_store_requests\": %llu, \"global_store_sectors\": %llu, \"global_store_sectors_ideal\": %llu", (ull)c->global_loads, (ull)c->load_sectors,
                 (ull)c->ideal_load_sectors, (ull)c->global_stores, (ull)c->store_sectors, (ull)c->ideal_store_sectors);
    pgd_text_add(t, ", \"shared_requests\": %llu, \"shared_wavefronts\": %llu, \"shared_wavefronts_ideal\": %llu, \"local_requests\": %llu, \"atomic_requests\": %llu, \"classes\": {", (ull)c->shared_requests, (ull)c->shared_wavefronts, (ull)c->ideal_shared_wavefronts,
                 (ull)c->local_requests, (ull)c->atomic_requests);
    for (int32_t k = 0; k < GPU_CLASS_COUNT; k++) pgd_text_add(t, "%s\"%s\": %llu", k == 0 ? "" : ", ", gpu_class_names[k], (ull)c->by_class[k]);
    pgd_text_add(t, "}, \"lines\": [");
    for (int32_t k = 0; k < e->lines.count; k++) {
        const gpu_line *l = &e->lines.list[k];
        pgd_text_add(t, "%s{\"source\": %s%s%s, \"line\": %d, \"warp_instructions\": %llu, \"thread_instructions\": %llu, \"global_sectors\": %llu, \"global_sectors_ideal\": %llu, \"shared_wavefronts\": %llu, \"shared_wavefronts_ideal\": %llu, \"divergent_branches\": %llu}", k == 0 ? "" : ", ",
                     l->source[0] == '\0' ? "" : "\"", l->source[0] == '\0' ? "null" : l->source, l->source[0] == '\0' ? "" : "\"", l->number, (ull)l->counts.warp_instructions, (ull)l->counts.thread_instructions, (ull)l->counts.sectors, (ull)l->counts.ideal_sectors, (ull)l->counts.wavefronts, (ull)l->counts.ideal_wavefronts, (ull)l->counts.parted);
    }
    pgd_text_add(t, "]}\n");
}

static void write_memory(pgd_text *t, const char *what, uint64_t requests, const char *units, uint64_t count, uint64_t ideal) {
    if (requests > 0) pgd_text_add(t, "  %-15s%12llu requests, %llu %s; %llu would do (%.0f %%)\n", what, (ull)requests, (ull)count, units, (ull)ideal, 100 * part(ideal, count));
}

/* What is worth looking at: where most is executed, and where accesses cost more than they had to, or lanes part. */
static uint64_t weight(const gpu_line *l) { return l->counts.warp_instructions + l->counts.sectors - l->counts.ideal_sectors + l->counts.wavefronts - l->counts.ideal_wavefronts; }

static int by_weight(const void *a, const void *b) {
    const gpu_line *x = *(const gpu_line *const *)a, *y = *(const gpu_line *const *)b;
    if (weight(x) != weight(y)) return weight(x) < weight(y) ? 1 : -1;
    return x < y ? -1 : x > y;
}

static int by_instructions(const void *a, const void *b) {
    const gpu_line *x = *(const gpu_line *const *)a, *y = *(const gpu_line *const *)b;
    if (x->counts.warp_instructions != y->counts.warp_instructions) return x->counts.warp_instructions < y->counts.warp_instructions ? 1 : -1;
    return x < y ? -1 : x > y;
}

static void write_line(pgd_text *t, const gpu_line *l, uint64_t all) {
    char place[80];
    snprintf(place, sizeof place, "%.60s:%d", l->source[0] == '\0' ? "PTX" : l->source, l->number);
    pgd_text_add(t, "    %-28s %12llu  %4.1f %%", place, (ull)l->counts.warp_instructions, 100 * part(l->counts.warp_instructions, all));
    if (l->counts.thread_instructions < 32 * l->counts.warp_instructions) pgd_text_add(t, ", %.1f of 32 lanes", 32 * part(l->counts.thread_instructions, 32 * l->counts.warp_instructions));
    if (l->counts.sectors > 0) pgd_text_add(t, ", %llu sectors (%llu would do)", (ull)l->counts.sectors, (ull)l->counts.ideal_sectors);
    if (l->counts.wavefronts > 0) pgd_text_add(t, ", %llu wavefronts (%llu)", (ull)l->counts.wavefronts, (ull)l->counts.ideal_wavefronts);
    if (l->counts.parted > 0) pgd_text_add(t, ", %llu branches diverged", (ull)l->counts.parted);
    pgd_text_add(t, "\n");
}

static void write_lines(pgd_text *t, const entry *e) {
    enum { SHOWN = 8 };
    const gpu_line **order = e->lines.count == 0 ? NULL : pgd_mem_alloc(sizeof *order * (size_t)e->lines.count);
    if (e->lines.incomplete || (order == NULL && e->lines.count > 0)) pgd_text_add(t, "  lines: there was not enough memory for all\n");
    if (order == NULL) return;
    for (int32_t k = 0; k < e->lines.count; k++) order[k] = &e->lines.list[k];
    qsort(order, (size_t)e->lines.count, sizeof *order, by_weight);
    if (e->lines.count > SHOWN) qsort(order, SHOWN, sizeof *order, by_instructions);
    pgd_text_add(t, "  lines%s\n", e->lines.count > SHOWN ? ": those with most instructions, and memory traffic that need not be (--json has all)" : "");
    for (int32_t k = 0; k < e->lines.count && k < SHOWN; k++) write_line(t, order[k], e->counts.warp_instructions);
    pgd_mem_free(order);
}

static void write_words(pgd_text *t, const entry *e) {
    const gpu_launch_counts *c = &e->counts;
    int32_t warps, most;
    gpu_occupancy o = occupancy(e, &warps, &most);
    pgd_text_add(t, "%s, grid %u x %u x %u, block %u x %u x %u, launched %llu time%s", e->kernel, e->grid[0], e->grid[1], e->grid[2], e->block[0], e->block[1], e->block[2], (ull)e->launches, e->launches == 1 ? "" : "s");
    if (e->failed > 0) pgd_text_add(t, ", of which %llu failed: counted up to there", (ull)e->failed);
    pgd_text_add(t, "\n");
    pgd_text_add(t, "  occupancy      %12d of %d warps at most, limited by %s (about %d registers, %llu bytes of shared memory)\n", warps, most, limiters[o.limiter], e->registers, (ull)e->shared_bytes);
    pgd_text_add(t, "  instructions   %12llu warp instructions, %.1f of 32 lanes at work", (ull)c->warp_instructions, 32 * part(c->thread_instructions, 32 * c->warp_instructions));
    if (c->branches > 0) pgd_text_add(t, "; %llu of %llu conditional branches diverged", (ull)c->parted, (ull)c->branches);
    pgd_text_add(t, "\n");
    write_memory(t, "global loads", c->global_loads, "sectors of 32 bytes", c->load_sectors, c->ideal_load_sectors);
    write_memory(t, "stores, atomics", c->global_stores, "sectors of 32 bytes", c->store_sectors, c->ideal_store_sectors);
    write_memory(t, "shared memory", c->shared_requests, "wavefronts", c->shared_wavefronts, c->ideal_shared_wavefronts);
    if (c->local_requests > 0) pgd_text_add(t, "  local memory   %12llu requests\n", (ull)c->local_requests);
    for (int32_t k = 0; k < GPU_CLASS_COUNT; k++)
        if (c->by_class[k] > 0) pgd_text_add(t, "    %-28s %12llu  %4.1f %%\n", gpu_class_names[k], (ull)c->by_class[k], 100 * part(c->by_class[k], c->warp_instructions));
    write_lines(t, e);
}

void gpu_profile_end(void) {
    pgd_text text = {0};
    if (!gpu_profile_wanted() || pthread_mutex_trylock(&profile.lock) != 0) return;
    for (int32_t i = 0; i < profile.count; i++) (gpu_driver.settings.profile_json ? write_json : write_words)(&text, &profile.list[i]);
    if (text.chars != NULL && !text.failed) gpu_append(gpu_driver.settings.profile, text.chars);
    pgd_mem_free(text.chars);
    pthread_mutex_unlock(&profile.lock);
}
