/* SPDX-License-Identifier: Apache-2.0
 * Vector clocks, with the chains of operations for threads. Called under the driver's lock, but for gpu_moment_is_before. */
#include "moments.h"

static const uint64_t of_graphs = UINT64_C(1) << 63; /* chains of operations of graphs */
static uint64_t numbers;

gpu_moment *gpu_moment_create(uint64_t chain, const gpu_clock *known) {
    gpu_moment *m = pgd_mem_zalloc(sizeof *m);
    if (m == NULL) return NULL;
    m->chain = chain;
    m->number = ++numbers;
    if (known == NULL || gpu_clock_join(&m->before, known)) return m;
    gpu_moment_destroy(m);
    return NULL;
}

void gpu_moment_destroy(gpu_moment *m) {
    if (m == NULL) return;
    gpu_clock_deinit(&m->before);
    pgd_mem_free(m);
}

bool gpu_moment_after(gpu_moment *m, const gpu_moment *first) { return gpu_clock_join(&m->before, &first->before) && gpu_clock_raise(&m->before, first->chain, first->number); }

void gpu_moment_of_graph(gpu_moment *m, const gpu_moment *start) {
    m->chain = of_graphs | m->number;
    m->cover = start->chain;
    m->begun = start->number;
}

/* Operations of the graph need not be known one by one: clocks would grow with each launch. */
void gpu_moment_behind_graph(gpu_moment *m, const gpu_moment *start) {
    int32_t kept = 0;
    for (int32_t i = 0; i < m->before.count; i++)
        if ((m->before.list[i].whose & of_graphs) == 0 || m->before.list[i].time < start->number) m->before.list[kept++] = m->before.list[i];
    m->before.count = kept;
}

bool gpu_moment_is_before(const gpu_moment *one, const gpu_moment *other) {
    if (gpu_clock_get(&other->before, one->chain) >= one->number) return true;
    return one->cover != 0 && gpu_clock_get(&other->before, one->cover) > one->begun;
}

bool gpu_moment_is_known(gpu_clock *known, const gpu_moment *m) { return gpu_clock_join(known, &m->before) && gpu_clock_raise(known, m->chain, m->number); }

void gpu_moment_all_known(gpu_clock *known) {
    known->count = 0;
    known->everything = numbers;
}
