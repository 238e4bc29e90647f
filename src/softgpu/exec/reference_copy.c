/* SPDX-License-Identifier: Apache-2.0
 * cp.async in the reference executor (manual: Data Movement: Asynchronous copy). */
#include <string.h>

#include "reference_thread.h"

static void tell_begun(const gpu_thread *t, const gpu_copy *c) {
    const gpu_listener *l = t->block->launch->listener;
    if (l == NULL) return;
    gpu_access a = {.launch = t->block->launch, .function = gpu_thread_frame(t)->function, .instruction = c->instruction, .block = {t->block->index[0], t->block->index[1], t->block->index[2]},
                    .thread = {t->index[0], t->index[1], t->index[2]}, .block_number = t->block->number, .thread_number = t->warp * GPU_WARP + t->lane, .space = PTX_SPACE_shared, .address = c->to, .bytes = c->bytes, .kind = GPU_ACCESS_WRITE};
    if (c->space == PTX_SPACE_generic) gpu_space_of(c->to, &a.address);
    l->copy_begun(l->user, &a);
}

static bool happen(gpu_thread *t, const gpu_copy *c) {
    char bytes[16] = {0}, *to;
    if (c->taken > 0) { /* what is not read may be anywhere, but is aligned */
        for (uint64_t at = 0; at < c->taken; at++) {
            const char *from = gpu_thread_bytes(t, c->instruction, PTX_SPACE_global, c->from + at, 1, false);
            if (from == NULL) return false;
            bytes[at] = *from;
        }
    }
    to = gpu_thread_bytes(t, c->instruction, c->space, c->to, c->bytes, true);
    if (to == NULL) return false;
    if (c->taken > 0) gpu_thread_tell(t, c->instruction, PTX_SPACE_global, c->from, c->taken, GPU_ACCESS_READ, bytes, NULL);
    gpu_thread_tell(t, c->instruction, c->space, c->to, c->bytes, GPU_ACCESS_WRITE, to, bytes);
    memcpy(to, bytes, (size_t)c->bytes);
    return true;
}

/* Lets the first of them happen; groups rise, so the rest stands behind. */
static bool let_happen(gpu_thread *t, int32_t count) {
    const gpu_listener *l = t->block->launch->listener;
    if (l != NULL) l->copies_done(l->user, t->block->number, t->warp * GPU_WARP + t->lane, (uint32_t)(t->copy_count - count));
    for (int32_t k = 0; k < count; k++)
        if (!happen(t, &t->copies[k])) return false;
    t->copy_count -= count;
    if (count > 0) memmove(t->copies, t->copies + count, sizeof *t->copies * (size_t)t->copy_count);
    return true;
}

static bool begin(gpu_thread *t, const ptx_instruction *i) {
    gpu_copy c = {.instruction = i, .space = PTX_SPACE_shared, .bytes = i->operands[2].bits, .group = t->group};
    ptx_space global = PTX_SPACE_global;
    if (c.bytes != 4 && c.bytes != 8 && c.bytes != 16) return gpu_thread_fault(t, GPU_FAULT_ALIGNMENT, i, "copies %llu bytes; cp.async copies 4, 8 or 16", (unsigned long long)c.bytes);
    if (i->slots[PTX_SLOT_cache] == PTX_WORD_cg && c.bytes != 16) return gpu_thread_fault(t, GPU_FAULT_ALIGNMENT, i, "copies %llu bytes; cp.async.cg copies 16", (unsigned long long)c.bytes);
    c.to = gpu_operand_address(t, &i->operands[0], &c.space);
    c.from = gpu_operand_address(t, &i->operands[1], &global);
    c.taken = c.bytes;
    if (i->form == PTX_FORM_CP_ASYNC_IGNORE && gpu_thread_value(t, &i->operands[3], PTX_pred).low != 0) c.taken = 0;
    if (i->form == PTX_FORM_CP_ASYNC && i->operand_count > 3) c.taken = gpu_thread_value(t, &i->operands[3], PTX_u32).low;
    if (c.taken > c.bytes) return gpu_thread_fault(t, GPU_FAULT_ALIGNMENT, i, "reads %llu bytes for a copy of %llu", (unsigned long long)c.taken, (unsigned long long)c.bytes);
    if (t->copy_count == GPU_COPIES_MAX && !let_happen(t, GPU_COPIES_MAX / 2)) return false;
    if (!pgd_grow(&t->copies, &t->copy_capacity, t->copy_count, sizeof *t->copies)) {
        t->block->no_memory = true;
        return false;
    }
    t->copies[t->copy_count++] = c;
    tell_begun(t, &c);
    return true;
}

/* Lets groups up to `last` happen. */
static bool finish(gpu_thread *t, int32_t last) {
    int32_t count = 0;
    while (count < t->copy_count && t->copies[count].group <= last) count++;
    return let_happen(t, count);
}

bool gpu_thread_copy(gpu_thread *t, const ptx_instruction *i, bool *handled) {
    bool fine = true;
    *handled = true;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_CP_ASYNC: case PTX_FORM_CP_ASYNC_IGNORE: fine = begin(t, i); break;
    case PTX_FORM_CP_ASYNC_COMMIT: t->group++; break;
    case PTX_FORM_CP_ASYNC_WAIT: fine = i->operands[0].bits >= (uint64_t)t->group || finish(t, t->group - 1 - (int32_t)i->operands[0].bits); break;
    case PTX_FORM_CP_ASYNC_WAIT_ALL: fine = finish(t, t->group); break;
    default: *handled = false; return true;
    }
    if (fine) gpu_thread_frame(t)->pc++;
    return fine;
}
