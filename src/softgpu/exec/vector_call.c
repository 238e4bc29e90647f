/* SPDX-License-Identifier: Apache-2.0
 * Calls: lanes that call together share a frame, with registers of its own, and addresses of .local and .param memory that are the same for all of them. */
#include "gpu_syscalls.h"
#include "vector_warp.h"

/* ---- memory of lanes ------------------------------------------------------------------------------------------------------------------------------------------------------ */

bool vec_reserve(vec_warp *w, char **bytes, uint64_t *capacity, uint64_t top, bool *too_much) {
    *too_much = false;
    if (top <= *capacity) return true;
    uint64_t more = *capacity == 0 ? top : top + top / 2;
    more = ((more < GPU_STACK_BYTES ? more : GPU_STACK_BYTES) + 63) & ~UINT64_C(63);
    *too_much = !gpu_room_take(&w->block->room, (more - *capacity) * VEC_LANES);
    if (*too_much) return false;
    char *grown = pgd_mem_zalloc((size_t)(more * VEC_LANES));
    if (grown == NULL) return false;
    for (uint32_t k = 0; *capacity > 0 && k < VEC_LANES; k++) memcpy(grown + k * more, *bytes + k * *capacity, (size_t)*capacity);
    pgd_mem_free(*bytes);
    *bytes = grown;
    *capacity = more;
    return true;
}

/* Room on top, aligned to 16. */
static bool stack(uint64_t *top, uint64_t bytes, uint64_t *at, bool *too_much) {
    uint64_t start = (*top + 15) & ~UINT64_C(15), end = start + bytes;
    *too_much = bytes > GPU_STACK_BYTES || end > GPU_STACK_BYTES;
    if (*too_much) return false;
    *at = start;
    *top = end;
    return true;
}

static void clear(char *bytes, uint64_t capacity, uint32_t mask, uint64_t from, uint64_t to) {
    for (uint32_t rest = mask; from < to && rest != 0; rest &= rest - 1) memset(bytes + (uint64_t)__builtin_ctz(rest) * capacity + from, 0, (size_t)(to - from));
}

/* Gives the frame memory behind that of its parent, zeroed for the lanes of the mask, and registers that are zero. A kernel's parameters are the launch's. */
bool vec_push(vec_warp *w, vec_frame *f, uint32_t mask, bool *too_much) {
    const ptx_function *function = f->body->function;
    uint64_t param_before = f->parent == NULL ? 0 : f->parent->param_top, local_before = f->parent == NULL ? 0 : f->parent->local_top, after_parameters;
    f->param_top = param_before, f->local_top = local_before;
    *too_much = f->depth > GPU_CALLS_MAX;
    if (*too_much || !stack(&f->param_top, (uint64_t)function->parameter_bytes, &f->parameters, too_much)) return false;
    after_parameters = f->param_top;
    if (!stack(&f->param_top, (uint64_t)function->frame_param_bytes, &f->own_parameters, too_much) || !stack(&f->local_top, (uint64_t)function->local_bytes, &f->locals, too_much)) return false;
    bool own = f->parent != NULL || f->param_top > after_parameters;
    if ((own && !vec_reserve(w, &w->param, &w->param_capacity, f->param_top, too_much)) || !vec_reserve(w, &w->local, &w->local_capacity, f->local_top, too_much)) return false;
    if (own) clear(w->param, w->param_capacity, mask, f->parent == NULL ? after_parameters : param_before, f->param_top);
    clear(w->local, w->local_capacity, mask, local_before, f->local_top);
    const vec_body *b = f->body;
    f->row_shift = w->row_shift;
    for (uint32_t k = 0; k < b->register_count; k++) {
        vec_slot *s = (vec_slot *)(void *)(f->registers + b->offsets[k]);
        s->base = 0, s->state = VEC_SCALAR;
    }
    for (uint32_t k = 0; k < b->constant_count; k++) {
        vec_slot *s = (vec_slot *)(void *)(f->registers + b->offsets[b->register_count + k]);
        s->base = b->constants[k], s->state = VEC_SCALAR;
    }
    return true;
}

/* ---- frames --------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

enum { FREE_BYTES = 16 << 20 }; /* of frames that a worker keeps */

static uint64_t frame_bytes(const vec_frame *f) { return sizeof *f + f->body->register_bytes; }

static vec_frame *take_frame(vec_warp *w, const vec_body *body, bool *too_much) {
    *too_much = !gpu_room_take(&w->block->room, sizeof(vec_frame) + body->register_bytes);
    if (*too_much) return NULL;
    for (vec_frame **at = &w->worker->free_frames; *at != NULL; at = &(*at)->parent) {
        vec_frame *f = *at;
        if (f->body != body) continue;
        *at = f->parent;
        w->worker->free_bytes -= frame_bytes(f);
        return f;
    }
    vec_frame *f = pgd_mem_zalloc(sizeof *f);
    if (f == NULL) return NULL;
    f->registers = pgd_mem_zalloc(body->register_bytes);
    if (f->registers == NULL) {
        pgd_mem_free(f);
        return NULL;
    }
    f->body = body;
    return f;
}

static void give_frame(vec_warp *w, vec_frame *f) {
    vec_worker *worker = w->worker;
    uint64_t bytes = frame_bytes(f);
    w->block->room.taken -= bytes;
    if (worker->free_bytes + bytes > FREE_BYTES) {
        pgd_mem_free(f->registers);
        pgd_mem_free(f);
        return;
    }
    worker->free_bytes += bytes;
    f->parent = worker->free_frames;
    worker->free_frames = f;
}

void vec_frame_leave(vec_warp *w, vec_frame *f) {
    while (f != NULL && --f->users == 0 && f != &w->root) {
        vec_frame *parent = f->parent;
        give_frame(w, f);
        f = parent;
    }
}

/* ---- arguments ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static char *param_of(const vec_warp *w, int32_t lane, uint64_t at) { return w->param + (uint64_t)lane * w->param_capacity + at; }

/* Between a call's operand and a parameter: both lie in .param memory, or one is a register. */
static void pass(vec_warp *w, const vec_frame *caller, int32_t lane, const ptx_operand *o, const ptx_variable *v, uint64_t at) {
    if (o->variable != NULL) {
        memmove(param_of(w, lane, at), param_of(w, lane, vec_address_of(w, caller, o->variable) + o->bits), (size_t)v->bytes);
    } else {
        ptx_bits value = vec_value(w, caller, lane, o, v->bytes > 8 ? PTX_b128 : ptx_types[v->type].kind == PTX_FLOAT ? v->type : PTX_b64); /* bytes may be declared as an array */
        memcpy(param_of(w, lane, at), &value, (size_t)(v->bytes < 16 ? v->bytes : 16));
    }
}

static bool same_sizes(const ptx_variable *a, const ptx_variable *b) {
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (a->bytes != b->bytes) return false;
    return a == b;
}

static const ptx_function *callee_of(const vec_warp *w, const ptx_call *c, int32_t lane) {
    return c->callee.function != NULL ? c->callee.function : gpu_program_function_at(w->worker->launch->program, vec_value(w, w->frame, lane, &c->callee, PTX_u64).low);
}

static const vec_body *body_of(const vec_warp *w, const ptx_function *f) {
    uint64_t number = (gpu_program_function_address(w->worker->launch->program, f) - GPU_CODE_BASE) / 16;
    return w->worker->code->bodies[number];
}

/* Needs the kernel's own parameters in the lanes' memory where one of them is handed on. */
static bool hands_on_parameters(const vec_warp *w, const ptx_call *c) {
    for (int32_t k = 0; k < c->argument_count; k++)
        if (w->frame == &w->root && c->arguments[k].variable != NULL && c->arguments[k].variable->parameter) return true;
    for (int32_t k = 0; k < c->result_count; k++)
        if (w->frame == &w->root && c->results[k].variable != NULL && c->results[k].variable->parameter) return true;
    return false;
}

/* ---- functions that the driver supplies --------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct asking {
    vec_warp *warp;
    const vec_step *step;
    int32_t lane;
} asking;

static bool read_for(void *user, uint64_t address, void *to, uint64_t bytes) {
    const asking *a = user;
    const char *from = vec_bytes(a->warp, a->warp->frame, a->lane, a->step->i, a->step->site, PTX_SPACE_generic, address, bytes, false);
    if (from == NULL) return false;
    vec_tell(a->warp, a->warp->frame, a->lane, a->step->i, PTX_SPACE_generic, address, bytes, GPU_ACCESS_READ, from, NULL);
    memcpy(to, from, (size_t)bytes);
    return true;
}

static bool fault_for(void *user, gpu_fault_kind kind, const char *what) {
    const asking *a = user;
    return vec_fault(a->warp, a->lane, kind, a->step->i, "%s", what) != NULL;
}

static bool system_call_of(vec_warp *w, const vec_step *s, int32_t lane, const ptx_function *f, gpu_syscall which) {
    const ptx_call *c = s->i->call;
    asking user = {w, s, lane};
    gpu_caller caller = {.launch = w->worker->launch, .told = &w->worker->fault, .user = &user, .read = read_for, .fault = fault_for};
    uint64_t parameters[GPU_SYSCALL_PARAMETERS] = {0}, result;
    const ptx_variable *v = f->parameters;
    for (int32_t k = 0; k < c->argument_count && v != NULL; k++, v = v->next) {
        const ptx_operand *o = &c->arguments[k];
        if (o->variable != NULL) memcpy(&parameters[k], param_of(w, lane, vec_address_of(w, w->frame, o->variable) + o->bits), (size_t)v->bytes);
        else parameters[k] = ptx_trim(v->bytes == 4 ? PTX_b32 : PTX_b64, vec_value(w, w->frame, lane, o, PTX_b64).low);
    }
    if (!gpu_syscall_run(&caller, which, parameters, &result)) return false;
    if (c->result_count == 0) return true;
    const ptx_operand *o = &c->results[0];
    if (o->variable != NULL) memcpy(param_of(w, lane, vec_address_of(w, w->frame, o->variable) + o->bits), &result, (size_t)f->results->bytes);
    else vec_write(w->frame, lane, o, PTX_b64, (ptx_bits){result, 0});
    return true;
}

/* Lane after lane. What was found of memory is forgotten when some of it may be freed now. */
static const vec_step *system_call(vec_warp *w, const vec_step *s, const ptx_function *f, gpu_syscall which, int32_t pc) {
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
        if (!system_call_of(w, s, __builtin_ctz(rest), f, which)) return NULL;
    if (which == GPU_SYSCALL_free) {
        memset(w->worker->windows, 0, sizeof w->worker->windows);
        memset(w->worker->near, 0, sizeof w->worker->near);
    }
    w->splits[w->current].pc = pc + 1;
    w->stop = VEC_TURN_OVER; /* it may have taken long */
    w->worker->asks = true;
    return NULL;
}

static const vec_step *too_deep(vec_warp *w, const ptx_instruction *i, const ptx_function *f) {
    return vec_fault(w, __builtin_ctz(w->mask), GPU_FAULT_STACK, i, GPU_TOO_DEEP_TEXT, f->name, GPU_CALLS_MAX, GPU_STACK_BYTES, (unsigned long long)w->block->room.most >> 20);
}

static const vec_step *call(vec_warp *w, const vec_step *s, const ptx_function *f, int32_t pc) {
    const ptx_instruction *i = s->i;
    const ptx_call *c = i->call;
    int32_t first = __builtin_ctz(w->mask);
    bool too_much;
    if (f == NULL || f->entry) return vec_fault(w, first, GPU_FAULT_CALL, i, "the register of this call holds the address of no function");
    if (c->prototype != NULL && (!same_sizes(c->prototype->parameters, f->parameters) || !same_sizes(c->prototype->results, f->results))) return vec_fault(w, first, GPU_FAULT_CALL, i, "%s has other parameters than the prototype of this call", f->name);
    gpu_syscall which = gpu_syscall_of(f);
    if (!f->defined && which == GPU_SYSCALL_COUNT) return vec_fault(w, first, GPU_FAULT_CALL, i, "%s is called and has no body; link what defines it", f->name);
    if (hands_on_parameters(w, c) && !vec_make_parameters(w)) return vec_no_memory(w);
    if (which != GPU_SYSCALL_COUNT) return system_call(w, s, f, which, pc);
    vec_frame *caller = w->frame, *frame = take_frame(w, body_of(w, f), &too_much);
    if (frame == NULL) return too_much ? too_deep(w, i, f) : vec_no_memory(w);
    frame->parent = caller;
    frame->call = c;
    frame->return_pc = pc + 1;
    frame->depth = caller->depth + 1;
    frame->users = 1;
    if (!vec_push(w, frame, w->mask, &too_much)) {
        give_frame(w, frame);
        return too_much ? too_deep(w, i, f) : vec_no_memory(w);
    }
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) {
        const ptx_variable *v = f->parameters;
        for (int32_t k = 0; k < c->argument_count && v != NULL; k++, v = v->next) pass(w, caller, __builtin_ctz(rest), &c->arguments[k], v, frame->parameters + (uint64_t)v->offset);
    }
    w->splits[w->current].frame = frame; /* the split's hold on the caller becomes the frame's */
    w->splits[w->current].pc = 0;
    w->stop = VEC_GO_ON;
    return NULL;
}

const vec_step *vec_run_call(vec_warp *w, const vec_step *s) {
    int32_t pc = (int32_t)(s - w->frame->body->steps);
    if (pc >= w->frame->body->count) pc -= w->frame->body->count;
    const ptx_function *f = callee_of(w, s->i->call, __builtin_ctz(w->mask));
    if (s->i->call->callee.function == NULL) { /* lanes that call another function do so after those of the first */
        uint32_t others = 0;
        for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1)
            if (callee_of(w, s->i->call, __builtin_ctz(rest)) != f) others |= rest & -rest;
        if (others != 0) vec_part(w, others, pc);
        w->mask &= ~others;
    }
    return call(w, s, f, pc);
}

/* ---- returns ---------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void give_results(vec_warp *w, const vec_frame *callee, int32_t lane) {
    const ptx_variable *v = callee->body->function->results;
    for (int32_t k = 0; k < callee->call->result_count && v != NULL; k++, v = v->next) {
        const ptx_operand *o = &callee->call->results[k];
        const char *from = param_of(w, lane, callee->parameters + (uint64_t)v->offset);
        if (o->variable != NULL) {
            memmove(param_of(w, lane, vec_address_of(w, callee->parent, o->variable) + o->bits), from, (size_t)v->bytes);
        } else {
            ptx_bits value = {0, 0};
            memcpy(&value, from, (size_t)(v->bytes < 16 ? v->bytes : 16));
            vec_write(callee->parent, lane, o, v->bytes > 8 ? PTX_b128 : PTX_b64, value);
        }
    }
}

const vec_step *vec_run_ret(vec_warp *w, const vec_step *s) {
    vec_frame *callee = w->frame;
    if (callee->parent == NULL) return vec_leave(w, w->mask, 0);
    for (uint32_t rest = w->mask; rest != 0; rest &= rest - 1) give_results(w, callee, __builtin_ctz(rest));
    vec_split *split = &w->splits[w->current];
    split->frame = callee->parent;
    split->pc = callee->return_pc;
    callee->parent->users++;
    vec_frame_leave(w, callee);
    w->stop = VEC_GO_ON;
    return NULL;
}
