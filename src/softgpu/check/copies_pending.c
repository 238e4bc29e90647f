/* SPDX-License-Identifier: Apache-2.0
 * A list for each thread, in the order of their beginning; and for each piece of shared memory how many are about it, for nearly all accesses touch none. */
#include "copies_pending.h"

#include <string.h>

enum { PIECE = 16, THREADS = 1024 };

typedef struct pending_list {
    gpu_access *copies;
    int32_t count, capacity;
} pending_list;

typedef struct pending_block {
    uint32_t number;
    uint32_t *about; /* by piece of shared memory */
    uint64_t pieces;
    pending_list *threads;
} pending_block;

static void forget(pending_block *b) {
    for (int32_t k = 0; b->threads != NULL && k < THREADS; k++) pgd_mem_free(b->threads[k].copies);
    pgd_mem_free(b->threads);
    pgd_mem_free(b->about);
}

void gpu_pending_deinit(gpu_pending *p) {
    for (int32_t i = 0; i < p->count; i++) forget(&p->blocks[i]);
    pgd_mem_free(p->blocks);
    *p = (gpu_pending){.findings = p->findings};
}

static pending_block *find(const gpu_pending *p, uint32_t number) {
    for (int32_t i = p->count - 1; i >= 0; i--)
        if (p->blocks[i].number == number) return &p->blocks[i];
    return NULL;
}

static pending_block *make(gpu_pending *p, const gpu_access *a) {
    pending_block b = {.number = a->block_number, .pieces = gpu_launch_shared_bytes(a->launch) / PIECE + 1};
    b.about = pgd_mem_zalloc(sizeof *b.about * b.pieces);
    b.threads = pgd_mem_zalloc(sizeof *b.threads * THREADS);
    if (b.about != NULL && b.threads != NULL && pgd_grow(&p->blocks, &p->capacity, p->count, sizeof *p->blocks)) {
        p->blocks[p->count] = b;
        return &p->blocks[p->count++];
    }
    forget(&b);
    return NULL;
}

/* Of a copy that goes beyond all shared memory nothing is counted. */
static void count_pieces(pending_block *b, const gpu_access *copy, uint32_t by) {
    for (uint64_t k = copy->address / PIECE; k < b->pieces && k * PIECE < copy->address + copy->bytes; k++) b->about[k] += by;
}

void gpu_pending_begun(gpu_pending *p, const gpu_access *write) {
    pending_block *b = find(p, write->block_number);
    if (b == NULL) b = make(p, write);
    pending_list *list = b == NULL ? NULL : &b->threads[write->thread_number];
    if (list == NULL || !pgd_grow(&list->copies, &list->capacity, list->count, sizeof *list->copies)) {
        gpu_findings_incomplete(p->findings, GPU_CHECK_NO_MEMORY);
        return;
    }
    list->copies[list->count++] = *write;
    count_pieces(b, write, 1);
}

void gpu_pending_done(gpu_pending *p, uint32_t block, uint32_t thread, uint32_t left) {
    pending_block *b = find(p, block);
    pending_list *list = b == NULL ? NULL : &b->threads[thread];
    int32_t done = list == NULL ? 0 : list->count - (int32_t)left;
    for (int32_t i = 0; i < done; i++) count_pieces(b, &list->copies[i], UINT32_MAX);
    if (done <= 0) return;
    list->count -= done;
    memmove(list->copies, list->copies + done, sizeof *list->copies * (size_t)list->count);
}

void gpu_pending_end_block(gpu_pending *p, uint32_t block) {
    pending_block *b = find(p, block);
    if (b == NULL) return;
    forget(b);
    *b = p->blocks[--p->count];
}

static const gpu_access *copy_about(const pending_block *b, const gpu_access *a) {
    bool some = false;
    for (uint64_t k = a->address / PIECE; k < b->pieces && k * PIECE < a->address + a->bytes; k++) some = some || b->about[k] != 0;
    for (int32_t t = 0; some && t < THREADS; t++)
        for (int32_t i = 0; i < b->threads[t].count; i++) {
            const gpu_access *c = &b->threads[t].copies[i];
            if (a->address < c->address + c->bytes && c->address < a->address + a->bytes) return c;
        }
    return NULL;
}

void gpu_pending_access(const gpu_pending *p, const gpu_access *a) {
    const pending_block *b = a->space == PTX_SPACE_shared ? find(p, a->block_number) : NULL;
    const gpu_access *c = b == NULL ? NULL : copy_about(b, a);
    if (c == NULL) return;
    gpu_findings_add(p->findings, "unfinished copy", a, c->instruction, "%s %llu bytes of .shared memory at 0x%llx, which cp.async at line %d of thread (%u,%u,%u) is still to write; wait for it with cp.async.wait_group, and with a barrier for those of others",
                     a->kind == GPU_ACCESS_READ ? "reads" : "writes", (unsigned long long)a->bytes, (unsigned long long)a->address, c->instruction->place.line, c->thread[0], c->thread[1], c->thread[2]);
}
