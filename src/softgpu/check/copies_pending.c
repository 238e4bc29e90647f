/* SPDX-License-Identifier: Apache-2.0
 * A list in the order of their beginning. */
#include "copies_pending.h"

void gpu_pending_deinit(gpu_pending *p) {
    pgd_mem_free(p->list);
    p->list = NULL;
    p->count = p->capacity = 0;
}

void gpu_pending_begun(gpu_pending *p, const gpu_access *write) {
    if (pgd_grow(&p->list, &p->capacity, p->count, sizeof *p->list)) p->list[p->count++] = *write;
    else gpu_findings_incomplete(p->findings, GPU_CHECK_NO_MEMORY);
}

static bool of(const gpu_access *a, uint32_t block, uint32_t thread) { return a->block_number == block && a->thread_number == thread; }

void gpu_pending_done(gpu_pending *p, uint32_t block, uint32_t thread, uint32_t left) {
    uint32_t all = 0, seen = 0;
    int32_t kept = 0;
    for (int32_t i = 0; i < p->count; i++) all += of(&p->list[i], block, thread);
    for (int32_t i = 0; i < p->count; i++)
        if (!of(&p->list[i], block, thread) || seen++ + left >= all) p->list[kept++] = p->list[i];
    p->count = kept;
}

void gpu_pending_end_block(gpu_pending *p, uint32_t block) {
    int32_t kept = 0;
    for (int32_t i = 0; i < p->count; i++)
        if (p->list[i].block_number != block) p->list[kept++] = p->list[i];
    p->count = kept;
}

void gpu_pending_access(const gpu_pending *p, const gpu_access *a) {
    for (int32_t i = 0; a->space == PTX_SPACE_shared && i < p->count; i++) {
        const gpu_access *c = &p->list[i];
        if (c->block_number != a->block_number || a->address >= c->address + c->bytes || c->address >= a->address + a->bytes) continue;
        gpu_findings_add(p->findings, "unfinished copy", a, c->instruction, "%s %llu bytes of .shared memory at 0x%llx, which cp.async at line %d of thread (%u,%u,%u) is still to write; wait for it with cp.async.wait_group, and with a barrier for those of others",
                         a->kind == GPU_ACCESS_READ ? "reads" : "writes", (unsigned long long)a->bytes, (unsigned long long)a->address, c->instruction->place.line, c->thread[0], c->thread[1], c->thread[2]);
        return;
    }
}
