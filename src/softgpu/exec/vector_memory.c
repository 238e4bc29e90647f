/* SPDX-License-Identifier: Apache-2.0
 * Memory as lanes of a warp see it: addresses, lookups, and the slow way of loads and stores, lane by lane; atomic operations, which are atomic between the cores; cp.async. */
#include "vector_warp.h"

/* ---- addresses ------------------------------------------------------------------------------------------------------------------------------------------------------ */

uint64_t vec_address_of(const vec_warp *w, const vec_frame *f, const ptx_variable *v) {
    uint64_t address = 0;
    if (v->parameter) return f->parameters + (uint64_t)v->offset;
    if (v->space == PTX_SPACE_param) return f->own_parameters + (uint64_t)v->offset;
    if (v->space == PTX_SPACE_local) return f->locals + (uint64_t)v->offset;
    gpu_program_address(w->worker->launch->program, v, &address);
    return address;
}

uint64_t vec_operand_address(const vec_warp *w, const vec_frame *f, int32_t lane, const ptx_operand *o, ptx_space *space) {
    if (o->number >= 0) return vec_value(w, f, lane, &(ptx_operand){.kind = PTX_REGISTER, .number = o->number}, PTX_b64).low + o->bits;
    if (o->variable == NULL) return o->bits;
    if (*space == PTX_SPACE_generic) *space = o->variable->space;
    return vec_address_of(w, f, o->variable) + o->bits;
}

/* ---- access ----------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef unsigned long long ull;

static char *outside(vec_warp *w, int32_t lane, const ptx_instruction *i, ptx_space space, uint64_t address, uint64_t bytes, bool write, uint64_t room) {
    gpu_fault *f = &w->worker->fault;
    char what[GPU_WHAT_BYTES];
    gpu_outside_say(w->worker->launch, space, address, bytes, write, room, what, sizeof what);
    vec_fault(w, lane, GPU_FAULT_ADDRESS, i, "%s", what);
    f->address = address;
    f->bytes = bytes;
    return NULL;
}

static char *global_bytes(vec_warp *w, int32_t lane, const ptx_instruction *i, uint32_t site, ptx_space space, uint64_t address, uint64_t bytes, bool write) {
    gpu_memory_window *window = &w->worker->windows[site % VEC_SITES];
    gpu_allocation nearest;
    char *host = gpu_memory_look(w->worker->memory, window, w->worker->launch->barred, address, bytes);
    if (host != NULL && !(write && window->constant)) return host;
    if (host == NULL) return outside(w, lane, i, space, address, bytes, write, 0);
    (void)gpu_memory_at(w->worker->memory, address, bytes, &nearest);
    vec_fault(w, lane, GPU_FAULT_READ_ONLY, i, "writes to %s, which is .const", nearest.name[0] != '\0' ? nearest.name : "memory");
    return NULL;
}

bool vec_make_parameters(vec_warp *w) {
    uint64_t bytes = (uint64_t)w->root.body->function->parameter_bytes;
    bool too_much;
    if (w->own_parameters_made) return true;
    if (!vec_reserve(w, &w->param, &w->param_capacity, bytes, &too_much)) return false;
    for (uint32_t k = 0; bytes > 0 && k < VEC_LANES; k++) memcpy(w->param + k * w->param_capacity, w->worker->launch->parameters, (size_t)bytes);
    w->own_parameters_made = true;
    return true;
}

/* What no lane has written yet is the launch's own. */
static char *parameter_bytes(vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, uint64_t address, uint64_t bytes, bool write) {
    uint64_t shared = (uint64_t)w->root.body->function->parameter_bytes;
    if (bytes > f->param_top || address > f->param_top - bytes) return outside(w, lane, i, PTX_SPACE_param, address, bytes, write, f->param_top);
    if (!w->own_parameters_made && address < shared) {
        if (!write && address + bytes <= shared) return (char *)(uintptr_t)w->worker->launch->parameters + address;
        if (!vec_make_parameters(w)) return vec_no_memory(w), NULL;
    }
    return w->param + (uint64_t)lane * w->param_capacity + address;
}

char *vec_bytes(vec_warp *w, const vec_frame *f, int32_t lane, const ptx_instruction *i, uint32_t site, ptx_space space, uint64_t address, uint64_t bytes, bool write) {
    vec_block *b = w->block;
    if (space == PTX_SPACE_generic) space = gpu_space_of(address, &address);
    if (address % bytes != 0) {
        vec_fault(w, lane, GPU_FAULT_ALIGNMENT, i, "%s %llu bytes at 0x%llx of .%s memory, which is no multiple of them", write ? "writes" : "reads", (ull)bytes, (ull)address, ptx_space_names[space]);
        return NULL;
    }
    switch (space) {
    case PTX_SPACE_shared: return bytes <= b->shared_bytes && address <= b->shared_bytes - bytes ? b->shared + address : outside(w, lane, i, space, address, bytes, write, b->shared_bytes);
    case PTX_SPACE_local: return bytes <= f->local_top && address <= f->local_top - bytes ? w->local + (uint64_t)lane * w->local_capacity + address : outside(w, lane, i, space, address, bytes, write, f->local_top);
    case PTX_SPACE_param: return parameter_bytes(w, f, lane, i, address, bytes, write);
    default: return global_bytes(w, lane, i, site, space, address, bytes, write);
    }
}

/* ---- loads and stores --------------------------------------------------------------------------------------------------------------------------------------------------- */

static const ptx_operand *element(const ptx_operand *o, int32_t k) { return o->kind == PTX_VECTOR ? &o->items[k] : o; }

/* Whole elements, so that other cores see no half of one. */
static uint64_t fetch(const char *from, int32_t bytes) {
    switch (bytes) {
    case 1: return __atomic_load_n((const uint8_t *)from, __ATOMIC_ACQUIRE);
    case 2: return __atomic_load_n((const uint16_t *)(const void *)from, __ATOMIC_ACQUIRE);
    case 4: return __atomic_load_n((const uint32_t *)(const void *)from, __ATOMIC_ACQUIRE);
    default: return __atomic_load_n((const uint64_t *)(const void *)from, __ATOMIC_ACQUIRE);
    }
}

static void put(char *to, int32_t bytes, uint64_t value) {
    switch (bytes) {
    case 1: __atomic_store_n((uint8_t *)to, (uint8_t)value, __ATOMIC_RELEASE); return;
    case 2: __atomic_store_n((uint16_t *)(void *)to, (uint16_t)value, __ATOMIC_RELEASE); return;
    case 4: __atomic_store_n((uint32_t *)(void *)to, (uint32_t)value, __ATOMIC_RELEASE); return;
    default: __atomic_store_n((uint64_t *)(void *)to, value, __ATOMIC_RELEASE); return;
    }
}

static bool load_lane(vec_warp *w, const vec_step *s, int32_t lane) {
    const ptx_instruction *i = s->i;
    ptx_space space = i->form == PTX_FORM_LDU ? PTX_SPACE_global : ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    int32_t bytes = ptx_types[type].bits / 8, count = i->operands[0].kind == PTX_VECTOR ? i->operands[0].count : 1;
    uint64_t address = vec_operand_address(w, w->frame, lane, &i->operands[1], &space), values[4];
    const char *from = vec_bytes(w, w->frame, lane, i, s->site, space, address, (uint64_t)(bytes * count), false);
    if (from == NULL) return false;
    vec_tell(w, w->frame, lane, i, space, address, (uint64_t)(bytes * count), GPU_ACCESS_READ, from, NULL);
    for (int32_t k = 0; k < count; k++) values[k] = fetch(from + k * bytes, bytes);
    for (int32_t k = 0; k < count; k++) vec_write(w->frame, lane, element(&i->operands[0], k), type, (ptx_bits){values[k], 0});
    return true;
}

static bool store_lane(vec_warp *w, const vec_step *s, int32_t lane) {
    const ptx_instruction *i = s->i;
    ptx_space space = ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    int32_t bytes = ptx_types[type].bits / 8, count = i->operands[1].kind == PTX_VECTOR ? i->operands[1].count : 1;
    uint64_t address = vec_operand_address(w, w->frame, lane, &i->operands[0], &space);
    char *to = vec_bytes(w, w->frame, lane, i, s->site, space, address, (uint64_t)(bytes * count), true), fresh[32];
    uint64_t values[4];
    if (to == NULL) return false;
    for (int32_t k = 0; k < count; k++) {
        values[k] = vec_value(w, w->frame, lane, element(&i->operands[1], k), type).low;
        memcpy(fresh + k * bytes, &values[k], (size_t)bytes);
    }
    vec_tell(w, w->frame, lane, i, space, address, (uint64_t)(bytes * count), GPU_ACCESS_WRITE, to, fresh);
    for (int32_t k = 0; k < count; k++) put(to + k * bytes, bytes, values[k]);
    return true;
}

const vec_step *vec_run_load(vec_warp *w, const vec_step *s) {
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        if (!load_lane(w, s, __builtin_ctz(rest))) return NULL;
    VEC_NEXT(w, s);
}

const vec_step *vec_run_store(vec_warp *w, const vec_step *s) {
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        if (!store_lane(w, s, __builtin_ctz(rest))) return NULL;
    VEC_NEXT(w, s);
}

/* ---- atomic operations ---------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Tries to put `fresh` where *old was seen; *old becomes what is there. */
static bool exchange(char *at, size_t bytes, uint64_t *old, uint64_t fresh) {
    uint16_t seen16 = (uint16_t)*old;
    uint32_t seen32 = (uint32_t)*old;
    bool done;
    switch (bytes) {
    case 2: done = __atomic_compare_exchange_n((uint16_t *)(void *)at, &seen16, (uint16_t)fresh, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); *old = seen16; return done;
    case 4: done = __atomic_compare_exchange_n((uint32_t *)(void *)at, &seen32, (uint32_t)fresh, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); *old = seen32; return done;
    default: return __atomic_compare_exchange_n((uint64_t *)(void *)at, old, fresh, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

static bool atomic_lane(vec_warp *w, const vec_step *s, int32_t lane, bool gives) {
    const ptx_instruction *i = s->i;
    ptx_space space = ptx_instruction_space(i);
    ptx_type type = (ptx_type)i->types[0];
    size_t bytes = (size_t)ptx_types[type].bits / 8;
    const ptx_operand *rest = i->operands + gives;
    uint64_t address = vec_operand_address(w, w->frame, lane, &rest[0], &space);
    char *at = vec_bytes(w, w->frame, lane, i, s->site, space, address, bytes, true);
    if (at == NULL) return false;
    vec_tell(w, w->frame, lane, i, space, address, bytes, GPU_ACCESS_ATOMIC, at, NULL);
    uint64_t b = vec_value(w, w->frame, lane, &rest[1], type).low, c = i->operand_count > gives + 2 ? vec_value(w, w->frame, lane, &rest[2], type).low : 0, old;
    if (i->slots[PTX_SLOT_op] == PTX_WORD_add && ptx_types[type].kind != PTX_FLOAT && bytes == 4) old = __atomic_fetch_add((uint32_t *)(void *)at, (uint32_t)b, __ATOMIC_SEQ_CST);
    else
        for (old = fetch(at, (int32_t)bytes); !exchange(at, bytes, &old, ptx_atomic(i, gpu_resolved_space(space, address) == PTX_SPACE_global, old, b, c));) {}
    if (gives) vec_write(w->frame, lane, &i->operands[0], type, (ptx_bits){old, 0});
    return true;
}

const vec_step *vec_run_atomic(vec_warp *w, const vec_step *s) {
    bool gives = ptx_form_get(s->i->form)->operands[0].role == PTX_ROLE_WRITTEN;
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        if (!atomic_lane(w, s, __builtin_ctz(rest), gives)) return NULL;
    VEC_NEXT(w, s);
}

/* ---- addresses as values ----------------------------------------------------------------------------------------------------------------------------------------------------- */

const vec_step *vec_run_cvta(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    ptx_type type = (ptx_type)i->types[0];
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t lane = __builtin_ctz(rest);
        ptx_bits a = vec_value(w, w->frame, lane, &i->operands[1], type);
        uint64_t within;
        if (i->slots[PTX_SLOT_to] == PTX_NO_WORD) a.low = gpu_generic(ptx_instruction_space(i), a.low);
        else if (gpu_space_of(a.low, &within) != PTX_SPACE_global) a.low = within;
        vec_write(w->frame, lane, &i->operands[0], type, a);
    }
    VEC_NEXT(w, s);
}

const vec_step *vec_run_isspacep(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        int32_t lane = __builtin_ctz(rest);
        uint64_t within;
        ptx_space asked = ptx_instruction_space(i), is = gpu_space_of(vec_value(w, w->frame, lane, &i->operands[1], PTX_u64).low, &within);
        gpu_allocation nearest;
        bool constant = is == PTX_SPACE_global && gpu_memory_at(w->worker->memory, within, 1, &nearest) != NULL && nearest.kind == GPU_MEMORY_CONSTANT;
        vec_write(w->frame, lane, &i->operands[0], PTX_pred, (ptx_bits){asked == PTX_SPACE_const ? constant : asked == is && !constant, 0});
    }
    VEC_NEXT(w, s);
}

/* ---- cp.async: as in reference_copy.c ------------------------------------------------------------------------------------------------------------------------------------------ */

static bool happen(vec_warp *w, const vec_copy *c) {
    char bytes[16] = {0}, *to;
    w->pending[c->lane]--;
    for (uint64_t at = 0; at < c->taken; at++) { /* what is not read may be anywhere, but is aligned */
        const char *from = vec_bytes(w, w->frame, c->lane, c->instruction, 0, PTX_SPACE_global, c->from + at, 1, false);
        if (from == NULL) return false;
        bytes[at] = *from;
    }
    to = vec_bytes(w, w->frame, c->lane, c->instruction, 1, c->space, c->to, c->bytes, true);
    if (to == NULL) return false;
    if (c->taken > 0) vec_tell(w, w->frame, c->lane, c->instruction, PTX_SPACE_global, c->from, c->taken, GPU_ACCESS_READ, bytes, NULL);
    vec_tell(w, w->frame, c->lane, c->instruction, c->space, c->to, c->bytes, GPU_ACCESS_WRITE, to, bytes);
    memcpy(to, bytes, (size_t)c->bytes);
    return true;
}

/* Lets the older half of a lane's copies happen. */
static bool make_room(vec_warp *w, int32_t lane) {
    int32_t kept = 0;
    vec_tell_copies_done(w, lane, GPU_COPIES_MAX / 2);
    for (int32_t k = 0; k < w->copy_count; k++) {
        const vec_copy c = w->copies[k];
        if (c.lane != lane || w->pending[lane] == GPU_COPIES_MAX / 2) w->copies[kept++] = c;
        else if (!happen(w, &c)) return false;
    }
    w->copy_count = kept;
    return true;
}

static bool begin(vec_warp *w, const ptx_instruction *i, int32_t lane) {
    vec_copy c = {.instruction = i, .space = PTX_SPACE_shared, .bytes = i->operands[2].bits, .group = w->group[lane], .lane = lane};
    ptx_space global = PTX_SPACE_global;
    if (c.bytes != 4 && c.bytes != 8 && c.bytes != 16) return vec_fault(w, lane, GPU_FAULT_ALIGNMENT, i, "copies %llu bytes; cp.async copies 4, 8 or 16", (ull)c.bytes) != NULL;
    if (i->slots[PTX_SLOT_cache] == PTX_WORD_cg && c.bytes != 16) return vec_fault(w, lane, GPU_FAULT_ALIGNMENT, i, "copies %llu bytes; cp.async.cg copies 16", (ull)c.bytes) != NULL;
    c.to = vec_operand_address(w, w->frame, lane, &i->operands[0], &c.space);
    c.from = vec_operand_address(w, w->frame, lane, &i->operands[1], &global);
    c.taken = c.bytes;
    if (i->form == PTX_FORM_CP_ASYNC_IGNORE && vec_value(w, w->frame, lane, &i->operands[3], PTX_pred).low != 0) c.taken = 0;
    if (i->form == PTX_FORM_CP_ASYNC && i->operand_count > 3) c.taken = vec_value(w, w->frame, lane, &i->operands[3], PTX_u32).low;
    if (c.taken > c.bytes) return vec_fault(w, lane, GPU_FAULT_ALIGNMENT, i, "reads %llu bytes for a copy of %llu", (ull)c.taken, (ull)c.bytes) != NULL;
    if (w->pending[lane] == GPU_COPIES_MAX && !make_room(w, lane)) return false;
    w->pending[lane]++;
    if (!pgd_grow(&w->copies, &w->copy_capacity, w->copy_count, sizeof *w->copies)) return vec_no_memory(w) != NULL;
    w->copies[w->copy_count++] = c;
    vec_tell_copy(w, &c);
    return true;
}

/* Is it of a lane of the split, and of a group that is waited for? All are where the count is negative. */
static bool due(const vec_warp *w, const vec_copy *c, int64_t wait_for) {
    return (w->mask >> c->lane & 1) != 0 && (wait_for < 0 || (wait_for < w->group[c->lane] && c->group <= w->group[c->lane] - 1 - wait_for));
}

static void tell_done(const vec_warp *w, int64_t wait_for) {
    uint32_t left[VEC_LANES] = {0};
    for (int32_t k = 0; k < w->copy_count; k++) left[w->copies[k].lane] += !due(w, &w->copies[k], wait_for);
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) vec_tell_copies_done(w, __builtin_ctz(rest), left[__builtin_ctz(rest)]);
}

/* Lets them happen. */
static bool finish(vec_warp *w, int64_t wait_for) {
    int32_t kept = 0;
    if (w->worker->launch->listener != NULL) tell_done(w, wait_for);
    for (int32_t k = 0; k < w->copy_count; k++) {
        const vec_copy c = w->copies[k];
        if (!due(w, &c, wait_for)) w->copies[kept++] = c;
        else if (!happen(w, &c)) return false;
    }
    w->copy_count = kept;
    return true;
}

const vec_step *vec_run_copy(vec_warp *w, const vec_step *s) {
    const ptx_instruction *i = s->i;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_CP_ASYNC_COMMIT:
        for (int32_t k = 0; k < VEC_LANES; k++) w->group[k] += (int32_t)(w->mask >> k & 1);
        break;
    case PTX_FORM_CP_ASYNC_WAIT:
        if (!finish(w, i->operands[0].bits > INT32_MAX ? INT32_MAX : (int64_t)i->operands[0].bits)) return NULL;
        break;
    case PTX_FORM_CP_ASYNC_WAIT_ALL:
        if (!finish(w, -1)) return NULL;
        break;
    default:
        for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
            if (!begin(w, i, __builtin_ctz(rest))) return NULL;
    }
    VEC_NEXT(w, s);
}
