/* SPDX-License-Identifier: Apache-2.0
 * topk on the host: a row's best k so far stand in a heap whose root is the worst of them; then the heap is sorted (Williams, heapsort, 1964). An element
 * is one number of 64 bits - its value as an ordered integer above, its index below - so that ties need no thought. */
#include <string.h>

#include "rows.h"

enum { K, LARGEST, KEPT = PGD_SCRATCH_BYTES / sizeof(uint64_t) };

typedef struct topk_params {
    int64_t rows, n, k, rows_per_chunk;
    int32_t largest;
} topk_params;

/* Less is better. Floats in order as unsigned integers: negative ones with all bits turned, the others with the sign bit set; NaN above infinity. */
static inline uint64_t rank_of(float x, int64_t index, int largest) {
    uint32_t bits;
    x += 0.0f; /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    bits = x != x ? 0xffffffffu : bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
    return (uint64_t)(largest ? ~bits : bits) << 32 | (uint64_t)index;
}

/* Lets the element at `at` sink to its place; the greatest is on top. */
static void sink(uint64_t *heap, int64_t at, int64_t count) {
    uint64_t value = heap[at];
    for (;;) {
        int64_t child = 2 * at + 1;
        if (child >= count) break;
        if (child + 1 < count && heap[child + 1] > heap[child]) child++;
        if (heap[child] <= value) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = value;
}

/* mem: x, values, indices */
static void chunk(const void *params, char *const *mem, int64_t number, void *scratch) {
    const topk_params *p = params;
    uint64_t *heap = scratch;
    int64_t end = (number + 1) * p->rows_per_chunk < p->rows ? (number + 1) * p->rows_per_chunk : p->rows;
    for (int64_t row = number * p->rows_per_chunk; row < end; row++) {
        const float *x = (const float *)(const void *)mem[0] + row * p->n;
        for (int64_t i = 0; i < p->k; i++) heap[i] = rank_of(x[i], i, p->largest);
        for (int64_t i = p->k / 2 - 1; i >= 0; i--) sink(heap, i, p->k);
        for (int64_t i = p->k; i < p->n; i++) {
            uint64_t rank = rank_of(x[i], i, p->largest);
            if (rank >= heap[0]) continue;
            heap[0] = rank;
            sink(heap, 0, p->k);
        }
        for (int64_t left = p->k - 1; left > 0; left--) {
            uint64_t worst = heap[0];
            heap[0] = heap[left];
            heap[left] = worst;
            sink(heap, 0, left);
        }
        for (int64_t i = 0; i < p->k; i++) {
            int64_t index = (int64_t)(heap[i] & 0xffffffffu);
            ((float *)(void *)mem[1])[row * p->k + i] = x[index];
            ((int32_t *)(void *)mem[2])[row * p->k + i] = (int32_t)index;
        }
    }
}

static const char *reject(const pgd_problem *problem) {
    if (problem->inputs[0].dtype != PGD_F32) return "x is not f32";
    return problem->attrs->ints[K] > KEPT ? "k is greater than a worker's scratch" : NULL;
}

static pgd_status emit(const pgd_problem *problem, pgd_emitter *emitter) {
    const pgd_shape *x = &problem->inputs[0].shape;
    topk_params p = {.n = x->dims[x->rank - 1], .k = problem->attrs->ints[K], .largest = problem->attrs->ints[LARGEST] != 0};
    p.rows = p.k == 0 ? 0 : pgd_shape_elems(*x) / p.n;
    p.rows_per_chunk = p.n >= 8192 ? 1 : 8192 / (p.n < 1 ? 1 : p.n);
    return pgd_emit_simple(emitter, problem, chunk, &p, sizeof p, (p.rows + p.rows_per_chunk - 1) / p.rows_per_chunk);
}

const pgd_kernel_row pgd_row_host_topk = {.name = "host_topk", .device = "host", .reject = reject, .emit = emit};
