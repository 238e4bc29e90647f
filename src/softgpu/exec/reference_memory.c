/* SPDX-License-Identifier: Apache-2.0
 * Loads, stores, atomic operations and addresses in the reference executor (manual: Data Movement and Conversion; Parallel Synchronization). */
#include <string.h>

#include "gpu_waits.h"
#include "reference_thread.h"

/* ---- addresses ---------------------------------------------------------------------------------------------------------------------------------------------- */

uint64_t gpu_thread_address(const gpu_thread *t, const ptx_variable *v) {
    const gpu_frame *frame = gpu_thread_frame(t);
    uint64_t address = 0;
    if (v->parameter) return frame->parameters + (uint64_t)v->offset;
    if (v->space == PTX_SPACE_param) return frame->own_parameters + (uint64_t)v->offset;
    if (v->space == PTX_SPACE_local) return frame->locals + (uint64_t)v->offset;
    gpu_program_address(t->block->launch->program, v, &address);
    return address;
}

/* ---- access --------------------------------------------------------------------------------------------------------------------------------------------------- */

static char *outside(gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, bool write, uint64_t room) {
    gpu_fault *f = t->block->fault;
    char what[GPU_WHAT_BYTES];
    gpu_outside_say(t->block->launch, space, address, bytes, write, room, what, sizeof what);
    gpu_thread_fault(t, GPU_FAULT_ADDRESS, i, "%s", what);
    f->address = address;
    f->bytes = bytes;
    return NULL;
}

static char *within(gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, bool write, char *memory, uint64_t count) {
    return bytes <= count && address <= count - bytes ? memory + address : outside(t, i, space, address, bytes, write, count);
}

char *gpu_thread_bytes(gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, bool write) {
    gpu_block *b = t->block;
    gpu_allocation nearest;
    if (space == PTX_SPACE_generic) space = gpu_space_of(address, &address);
    if (address % bytes != 0) {
        gpu_thread_fault(t, GPU_FAULT_ALIGNMENT, i, "%s %llu bytes at 0x%llx of .%s memory, which is no multiple of them", write ? "writes" : "reads", (unsigned long long)bytes, (unsigned long long)address, ptx_space_names[space]);
        return NULL;
    }
    if (space == PTX_SPACE_shared) return within(t, i, space, address, bytes, write, b->shared, b->shared_bytes);
    if (space == PTX_SPACE_local) return within(t, i, space, address, bytes, write, t->local.bytes, t->local.count);
    if (space == PTX_SPACE_param) return within(t, i, space, address, bytes, write, t->param.bytes, t->param.count);
    char *host = gpu_memory_look(b->launch->program->memory, &b->window, b->launch->barred, address, bytes);
    if (host != NULL && !(write && b->window.constant)) return host;
    if (host == NULL) return outside(t, i, space, address, bytes, write, 0);
    (void)gpu_memory_at(b->launch->program->memory, address, bytes, &nearest);
    gpu_thread_fault(t, GPU_FAULT_READ_ONLY, i, "writes to %s, which is .const", nearest.name[0] != '\0' ? nearest.name : "memory");
    return NULL;
}

void gpu_thread_tell(const gpu_thread *t, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, gpu_access_kind kind, const char *before, const char *value) {
    const gpu_listener *l = t->block->launch->listener;
    if (l == NULL) return;
    if (space == PTX_SPACE_generic) space = gpu_space_of(address, &address);
    if (space == PTX_SPACE_param) return;
    int32_t sem = i->slots[PTX_SLOT_sem];
    gpu_access a = {.launch = t->block->launch, .function = gpu_thread_frame(t)->function, .instruction = i, .block = {t->block->index[0], t->block->index[1], t->block->index[2]}, .thread = {t->index[0], t->index[1], t->index[2]},
                    .block_number = t->block->number, .thread_number = t->warp * GPU_WARP + t->lane, .space = space, .address = address, .bytes = bytes, .kind = kind,
                    .strong = kind == GPU_ACCESS_ATOMIC || (sem != PTX_NO_WORD && sem != PTX_WORD_weak), .of_block = gpu_orders_block_alone(i), .before = before, .value = value};
    l->access(l->user, &a);
}

/* [register + 4]: narrow registers count up from 0. */
uint64_t gpu_operand_address(const gpu_thread *t, const ptx_operand *o, ptx_space *space) {
    if (o->number >= 0) return gpu_thread_value(t, &(ptx_operand){.kind = PTX_REGISTER, .number = o->number}, PTX_b64).low + o->bits;
    if (o->variable == NULL) return o->bits;
    if (*space == PTX_SPACE_generic) *space = o->variable->space;
    return gpu_thread_address(t, o->variable) + o->bits;
}

static const ptx_operand *element(const ptx_operand *o, int32_t k) { return o->kind == PTX_VECTOR ? &o->items[k] : o; }

static bool load(gpu_thread *t, const ptx_instruction *i) {
    ptx_space space = i->form == PTX_FORM_LDU ? PTX_SPACE_global : ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    int32_t bytes = ptx_types[type].bits / 8, count = i->operands[0].kind == PTX_VECTOR ? i->operands[0].count : 1;
    uint64_t address = gpu_operand_address(t, &i->operands[1], &space);
    const char *from = gpu_thread_bytes(t, i, space, address, (uint64_t)(bytes * count), false);
    if (from == NULL) return false;
    gpu_thread_tell(t, i, space, address, (uint64_t)(bytes * count), GPU_ACCESS_READ, from, NULL);
    ptx_bits values[4] = {{0, 0}};
    for (int32_t k = 0; k < count; k++) memcpy(&values[k], from + k * bytes, (size_t)bytes);
    for (int32_t k = 0; k < count; k++) gpu_thread_write(t, element(&i->operands[0], k), type, values[k]);
    return true;
}

static bool store(gpu_thread *t, const ptx_instruction *i) {
    ptx_space space = ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    int32_t bytes = ptx_types[type].bits / 8, count = i->operands[1].kind == PTX_VECTOR ? i->operands[1].count : 1;
    uint64_t address = gpu_operand_address(t, &i->operands[0], &space);
    char *to = gpu_thread_bytes(t, i, space, address, (uint64_t)(bytes * count), true), fresh[32];
    if (to == NULL) return false;
    for (int32_t k = 0; k < count; k++) {
        ptx_bits value = gpu_thread_value(t, element(&i->operands[1], k), type);
        memcpy(fresh + k * bytes, &value, (size_t)bytes);
    }
    gpu_thread_tell(t, i, space, address, (uint64_t)(bytes * count), GPU_ACCESS_WRITE, to, fresh);
    memcpy(to, fresh, (size_t)(bytes * count));
    return true;
}

/* ---- atomic operations ------------------------------------------------------------------------------------------------------------------------------------------ */

/* atom gives the old value; red does not. */
static bool atomic(gpu_thread *t, const ptx_instruction *i, bool gives) {
    ptx_space space = ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    size_t bytes = (size_t)ptx_types[type].bits / 8;
    const ptx_operand *rest = i->operands + gives;
    uint64_t address = gpu_operand_address(t, &rest[0], &space);
    char *at = gpu_thread_bytes(t, i, space, address, bytes, true);
    if (at == NULL) return false;
    uint64_t b = gpu_thread_value(t, &rest[1], type).low, c = i->operand_count > gives + 2 ? gpu_thread_value(t, &rest[2], type).low : 0, fresh;
    ptx_bits old = {0, 0};
    gpu_thread_tell(t, i, space, address, bytes, GPU_ACCESS_ATOMIC, at, NULL);
    memcpy(&old, at, bytes);
    fresh = ptx_atomic(i, gpu_resolved_space(space, address) == PTX_SPACE_global, old.low, b, c);
    memcpy(at, &fresh, bytes);
    if (gives) gpu_thread_write(t, &i->operands[0], type, old);
    return true;
}

/* ---- addresses as values ------------------------------------------------------------------------------------------------------------------------------------------ */

static void convert_address(gpu_thread *t, const ptx_instruction *i) {
    ptx_type type = (ptx_type)i->types[0];
    ptx_bits a = gpu_thread_value(t, &i->operands[1], type);
    uint64_t within;
    if (i->slots[PTX_SLOT_to] == PTX_NO_WORD)
        a.low = gpu_generic(ptx_instruction_space(i), a.low);
    else if (gpu_space_of(a.low, &within) != PTX_SPACE_global)
        a.low = within;
    gpu_thread_write(t, &i->operands[0], type, a);
}

static void ask_space(gpu_thread *t, const ptx_instruction *i) {
    uint64_t within;
    ptx_space asked = ptx_instruction_space(i), is = gpu_space_of(gpu_thread_value(t, &i->operands[1], PTX_u64).low, &within);
    bool constant = false;
    if (is == PTX_SPACE_global) {
        gpu_allocation nearest;
        constant = gpu_memory_at(t->block->launch->program->memory, within, 1, &nearest) != NULL && nearest.kind == GPU_MEMORY_CONSTANT;
    }
    gpu_thread_write(t, &i->operands[0], PTX_pred, (ptx_bits){asked == PTX_SPACE_const ? constant : asked == is && !constant, 0});
}

bool gpu_thread_memory(gpu_thread *t, const ptx_instruction *i, bool *handled) {
    bool fine = true;
    *handled = true;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_LD: case PTX_FORM_LDU: fine = load(t, i); break;
    case PTX_FORM_ST: fine = store(t, i); break;
    case PTX_FORM_ATOM_BITS: case PTX_FORM_ATOM_CAS: case PTX_FORM_ATOM_WRAP: case PTX_FORM_ATOM_ADD: case PTX_FORM_ATOM_ADD_HALF: case PTX_FORM_ATOM_ORDER: fine = atomic(t, i, true); break;
    case PTX_FORM_RED_BITS: case PTX_FORM_RED_WRAP: case PTX_FORM_RED_ADD: case PTX_FORM_RED_ADD_HALF: case PTX_FORM_RED_ORDER: fine = atomic(t, i, false); break;
    case PTX_FORM_CVTA: convert_address(t, i); break;
    case PTX_FORM_ISSPACEP: ask_space(t, i); break;
    default: *handled = false; return true;
    }
    if (fine) gpu_thread_frame(t)->pc++;
    return fine;
}
