/* SPDX-License-Identifier: Apache-2.0
 * A thread: its registers, operands, calls, and one step. */
#include "gpu_waits.h"
#include "reference_thread.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "gpu_syscalls.h"
#include "number.h"

bool gpu_thread_fault(gpu_thread *t, gpu_fault_kind kind, const ptx_instruction *i, const char *format, ...) {
    gpu_fault *f = t->block->fault;
    char what[GPU_WHAT_BYTES];
    va_list arguments;
    if (f->kind != GPU_NO_FAULT) return false;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    memcpy(f->block, t->block->index, sizeof f->block);
    memcpy(f->thread, t->index, sizeof f->thread);
    gpu_fault_say(f, kind, t->block->launch->program->module, gpu_thread_frame(t)->function, i, what);
    return false;
}

static bool no_memory(gpu_thread *t) {
    t->block->no_memory = true;
    return false;
}

/* ---- stacks -------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Zeroed room on top, aligned to 16; false: no memory, or too much of it. */
static bool push(gpu_block *b, gpu_stack *s, uint64_t bytes, uint64_t *at, bool *too_much) {
    uint64_t start = (s->count + 15) & ~UINT64_C(15), end = start + bytes;
    *too_much = bytes > GPU_STACK_BYTES || end > GPU_STACK_BYTES;
    if (*too_much) return false;
    if (end > s->capacity) {
        uint64_t capacity = end < GPU_STACK_BYTES / 2 ? end * 2 : GPU_STACK_BYTES;
        *too_much = !gpu_room_take(&b->room, capacity - s->capacity);
        if (*too_much) return false;
        char *grown = pgd_mem_resize(s->bytes, (size_t)capacity);
        if (grown == NULL) return false;
        s->bytes = grown;
        s->capacity = capacity;
    }
    if (end > s->count) memset(s->bytes + s->count, 0, (size_t)(end - s->count));
    *at = start;
    s->count = end;
    return true;
}

static bool reserve_registers(gpu_thread *t, int32_t more, bool *too_much) {
    int64_t wanted = (int64_t)t->register_count + more, capacity = 2 * wanted;
    if (wanted <= t->register_capacity) return true;
    *too_much = capacity > INT32_MAX || !gpu_room_take(&t->block->room, sizeof *t->registers * (uint64_t)(capacity - t->register_capacity));
    if (*too_much) return false;
    ptx_bits *grown = pgd_mem_resize(t->registers, sizeof *grown * (size_t)capacity);
    if (grown == NULL) return false;
    t->registers = grown;
    t->register_capacity = (int32_t)capacity;
    return true;
}

static bool push_frame(gpu_thread *t, const ptx_function *f, const ptx_call *call, const ptx_instruction *i) {
    gpu_block *b = t->block;
    gpu_frame frame = {.function = f, .call = call, .registers = t->register_count};
    bool too_much = t->depth >= GPU_CALLS_MAX;
    if (too_much || !push(b, &t->param, (uint64_t)f->parameter_bytes, &frame.parameters, &too_much) || !push(b, &t->param, (uint64_t)f->frame_param_bytes, &frame.own_parameters, &too_much) || !push(b, &t->local, (uint64_t)f->local_bytes, &frame.locals, &too_much) || !reserve_registers(t, f->register_count, &too_much))
        return !too_much || t->depth == 0 ? no_memory(t) : gpu_thread_fault(t, GPU_FAULT_STACK, i, GPU_TOO_DEEP_TEXT, f->name, GPU_CALLS_MAX, GPU_STACK_BYTES, (unsigned long long)b->room.most >> 20);
    if (f->register_count > 0) memset(t->registers + t->register_count, 0, sizeof *t->registers * (size_t)f->register_count);
    t->register_count += f->register_count;
    if (!pgd_grow(&t->frames, &t->frame_capacity, t->depth, sizeof *t->frames)) return no_memory(t);
    t->frames[t->depth++] = frame;
    return true;
}

bool gpu_thread_start(gpu_thread *t) {
    const ptx_function *kernel = t->block->launch->kernel;
    if (!push_frame(t, kernel, NULL, NULL)) return false;
    if (kernel->parameter_bytes > 0) memcpy(t->param.bytes, t->block->launch->parameters, (size_t)kernel->parameter_bytes);
    return true;
}

void gpu_thread_deinit(gpu_thread *t) {
    pgd_mem_free(t->registers);
    pgd_mem_free(t->frames);
    pgd_mem_free(t->copies);
    pgd_mem_free(t->local.bytes);
    pgd_mem_free(t->param.bytes);
}

/* ---- operands --------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t special(const gpu_thread *t, int32_t number) {
    const gpu_launch *l = t->block->launch;
    uint32_t lane = t->lane;
    switch ((ptx_special)number) {
    case PTX_SPECIAL_TID_X: case PTX_SPECIAL_TID_Y: case PTX_SPECIAL_TID_Z: return t->index[number - PTX_SPECIAL_TID_X];
    case PTX_SPECIAL_NTID_X: case PTX_SPECIAL_NTID_Y: case PTX_SPECIAL_NTID_Z: return l->block[number - PTX_SPECIAL_NTID_X];
    case PTX_SPECIAL_CTAID_X: case PTX_SPECIAL_CTAID_Y: case PTX_SPECIAL_CTAID_Z: return t->block->index[number - PTX_SPECIAL_CTAID_X];
    case PTX_SPECIAL_NCTAID_X: case PTX_SPECIAL_NCTAID_Y: case PTX_SPECIAL_NCTAID_Z: return l->grid[number - PTX_SPECIAL_NCTAID_X];
    case PTX_SPECIAL_LANEID: return lane;
    case PTX_SPECIAL_WARPID: return t->warp;
    case PTX_SPECIAL_NWARPID: return (t->block->thread_count + GPU_WARP - 1) / GPU_WARP;
    case PTX_SPECIAL_NSMID: return 1;
    case PTX_SPECIAL_LANEMASK_EQ: return UINT64_C(1) << lane;
    case PTX_SPECIAL_LANEMASK_LE: return (UINT64_C(2) << lane) - 1;
    case PTX_SPECIAL_LANEMASK_LT: return (UINT64_C(1) << lane) - 1;
    case PTX_SPECIAL_LANEMASK_GE: return UINT64_C(0xffffffff) & ~((UINT64_C(1) << lane) - 1);
    case PTX_SPECIAL_LANEMASK_GT: return UINT64_C(0xffffffff) & ~((UINT64_C(2) << lane) - 1);
    case PTX_SPECIAL_CLOCK: case PTX_SPECIAL_GLOBALTIMER_LO: return *t->block->executed & 0xffffffff;
    case PTX_SPECIAL_CLOCK_HI: case PTX_SPECIAL_GLOBALTIMER_HI: return *t->block->executed >> 32;
    case PTX_SPECIAL_CLOCK64: case PTX_SPECIAL_GLOBALTIMER: return *t->block->executed;
    case PTX_SPECIAL_TOTAL_SMEM_SIZE: return t->block->shared_bytes;
    case PTX_SPECIAL_DYNAMIC_SMEM_SIZE: return l->dynamic_shared_bytes;
    default: return 0; /* %smid, %gridid */
    }
}

/* A real that was written out, in the width that is wanted. */
static uint64_t real(const ptx_operand *o, ptx_type type) {
    ptx_type written = o->single ? PTX_f32 : PTX_f64;
    if (ptx_types[type].kind != PTX_FLOAT || type == written) return o->bits;
    return ptx_number_write(type, ptx_number_read(written, o->bits, false), (ptx_fitting){0});
}

ptx_bits gpu_thread_value(const gpu_thread *t, const ptx_operand *o, ptx_type type) {
    ptx_bits v = {0, 0};
    switch ((ptx_operand_kind)o->kind) {
    case PTX_REGISTER: v = o->number < 0 ? v : t->registers[gpu_thread_frame(t)->registers + o->number]; break;
    case PTX_INTEGER: v.low = o->bits; break;
    case PTX_REAL: v.low = real(o, type); break;
    case PTX_SPECIAL: v.low = special(t, o->number); break;
    case PTX_ADDRESS_OF: v.low = o->variable != NULL ? gpu_thread_address(t, o->variable) + o->bits : gpu_program_function_address(t->block->launch->program, o->function); break;
    default: break;
    }
    if (type == PTX_pred) v.low = (v.low & 1) ^ o->negated;
    v.low = ptx_trim(type, v.low);
    if (ptx_types[type].bits <= 64) v.high = 0;
    return v;
}

/* A register that is wider than the type takes the number: signed ones with their sign. */
void gpu_thread_write(gpu_thread *t, const ptx_operand *o, ptx_type type, ptx_bits value) {
    gpu_frame *frame = gpu_thread_frame(t);
    if (o->kind != PTX_REGISTER || o->number < 0) return;
    ptx_type has = frame->function->registers[o->number].type;
    if (ptx_is_signed(type) && ptx_types[has].bits > ptx_types[type].bits) value.low = (uint64_t)ptx_signed(type, value.low);
    value.low = ptx_trim(has, value.low);
    t->registers[frame->registers + o->number] = value;
}

void gpu_thread_write_pair(gpu_thread *t, const ptx_instruction *i, bool value) {
    if (i->paired && i->pair >= 0) t->registers[gpu_thread_frame(t)->registers + i->pair] = (ptx_bits){value, 0};
}

/* ---- calls -------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Between a call's operand and a parameter: both lie in .param memory, or one is a register. */
static void pass(gpu_thread *t, const ptx_operand *o, const ptx_variable *v, uint64_t at) {
    if (o->variable != NULL) {
        memmove(t->param.bytes + at, t->param.bytes + gpu_thread_address(t, o->variable) + o->bits, (size_t)v->bytes);
    } else {
        ptx_bits value = gpu_thread_value(t, o, v->bytes > 8 ? PTX_b128 : ptx_types[v->type].kind == PTX_FLOAT ? v->type : PTX_b64); /* bytes may be declared as an array */
        memcpy(t->param.bytes + at, &value, (size_t)(v->bytes < 16 ? v->bytes : 16));
    }
}

static bool same_sizes(const ptx_variable *a, const ptx_variable *b) {
    for (; a != NULL && b != NULL; a = a->next, b = b->next)
        if (a->bytes != b->bytes) return false;
    return a == b;
}

typedef struct asking {
    gpu_thread *thread;
    const ptx_instruction *instruction;
} asking;

static bool read_for(void *user, uint64_t address, void *to, uint64_t bytes) {
    const asking *a = user;
    const char *from = gpu_thread_bytes(a->thread, a->instruction, PTX_SPACE_generic, address, bytes, false);
    if (from == NULL) return false;
    gpu_thread_tell(a->thread, a->instruction, PTX_SPACE_generic, address, bytes, GPU_ACCESS_READ, from, NULL);
    memcpy(to, from, (size_t)bytes);
    return true;
}

static bool fault_for(void *user, gpu_fault_kind kind, const char *what) {
    const asking *a = user;
    return gpu_thread_fault(a->thread, kind, a->instruction, "%s", what);
}

static bool hear(gpu_thread *t, const ptx_instruction *i, gpu_order order) {
    const gpu_launch *l = t->block->launch;
    char text[sizeof t->block->fault->text];
    switch (order) {
    case GPU_INTERRUPT: return gpu_thread_fault(t, GPU_FAULT_INTERRUPTED, i, GPU_INTERRUPTED_TEXT);
    case GPU_TOO_LONG: return gpu_thread_fault(t, GPU_FAULT_LIMIT, i, GPU_TOO_LONG_TEXT, gpu_launch_how_long(l));
    case GPU_SAY_WHERE:
        gpu_place_say(l->program->module, gpu_thread_frame(t)->function, i, t->block->index, t->index, text, sizeof text);
        l->services->where(l->services->user, text);
        return true;
    default: return true;
    }
}

bool gpu_thread_may_go_on(gpu_thread *t, const ptx_instruction *i) {
    const gpu_launch *l = t->block->launch;
    uint64_t limit = l->instruction_limit;
    const ptx_function *f = gpu_thread_frame(t)->function;
    if (i == NULL && f->instruction_count > 0) i = &f->instructions[0];
    if (limit != 0 && *t->block->executed >= limit) return gpu_thread_fault(t, GPU_FAULT_LIMIT, i, "%llu instructions were executed, and no more are allowed", (unsigned long long)limit);
    return hear(t, i, gpu_launch_look(l, ++*t->block->executed, 1));
}

/* Of a function that the driver supplies. */
static bool system_call(gpu_thread *t, const ptx_instruction *i, const ptx_function *f, gpu_syscall which) {
    asking user = {t, i};
    gpu_caller caller = {.launch = t->block->launch, .told = t->block->fault, .user = &user, .read = read_for, .fault = fault_for};
    uint64_t parameters[GPU_SYSCALL_PARAMETERS] = {0}, result;
    const ptx_variable *v = f->parameters;
    for (int32_t k = 0; k < i->call->argument_count && v != NULL; k++, v = v->next) {
        const ptx_operand *o = &i->call->arguments[k];
        if (o->variable != NULL) memcpy(&parameters[k], t->param.bytes + gpu_thread_address(t, o->variable) + o->bits, (size_t)v->bytes);
        else parameters[k] = ptx_trim(v->bytes == 4 ? PTX_b32 : PTX_b64, gpu_thread_value(t, o, PTX_b64).low);
    }
    if (!gpu_syscall_run(&caller, which, parameters, &result)) return false;
    if (i->call->result_count > 0) {
        const ptx_operand *o = &i->call->results[0];
        if (o->variable != NULL) memcpy(t->param.bytes + gpu_thread_address(t, o->variable) + o->bits, &result, (size_t)f->results->bytes);
        else gpu_thread_write(t, o, PTX_b64, (ptx_bits){result, 0});
    }
    gpu_thread_frame(t)->pc++;
    return hear(t, i, gpu_launch_look(t->block->launch, 0, UINT64_MAX)); /* it may have taken long */
}

static bool call(gpu_thread *t, const ptx_instruction *i) {
    const ptx_call *c = i->call;
    const ptx_function *f = c->callee.function;
    if (f == NULL) f = gpu_program_function_at(t->block->launch->program, gpu_thread_value(t, &c->callee, PTX_u64).low);
    if (f == NULL || f->entry) return gpu_thread_fault(t, GPU_FAULT_CALL, i, "the register of this call holds the address of no function");
    if (c->prototype != NULL && (!same_sizes(c->prototype->parameters, f->parameters) || !same_sizes(c->prototype->results, f->results))) return gpu_thread_fault(t, GPU_FAULT_CALL, i, "%s has other parameters than the prototype of this call", f->name);
    gpu_syscall which = gpu_syscall_of(f);
    if (which != GPU_SYSCALL_COUNT) return system_call(t, i, f, which);
    if (!f->defined) return gpu_thread_fault(t, GPU_FAULT_CALL, i, "%s is called and has no body; link what defines it", f->name);
    if (!push_frame(t, f, c, i)) return false;
    gpu_frame callee = *gpu_thread_frame(t);
    t->depth--; /* operands are the caller's */
    const ptx_variable *v = f->parameters;
    for (int32_t k = 0; k < c->argument_count && v != NULL; k++, v = v->next) pass(t, &c->arguments[k], v, callee.parameters + (uint64_t)v->offset);
    t->depth++;
    return true;
}

static void leave(gpu_thread *t) {
    gpu_frame callee = *gpu_thread_frame(t);
    if (t->depth == 1) {
        t->state = GPU_EXITED;
        return;
    }
    t->depth--;
    const ptx_variable *v = callee.function->results;
    for (int32_t k = 0; k < callee.call->result_count && v != NULL; k++, v = v->next) {
        const ptx_operand *o = &callee.call->results[k];
        const char *from = t->param.bytes + callee.parameters + v->offset;
        if (o->variable != NULL) {
            memmove(t->param.bytes + gpu_thread_address(t, o->variable) + o->bits, from, (size_t)v->bytes);
        } else {
            ptx_bits value = {0, 0};
            memcpy(&value, from, (size_t)(v->bytes < 16 ? v->bytes : 16));
            gpu_thread_write(t, o, v->bytes > 8 ? PTX_b128 : PTX_b64, value);
        }
    }
    t->register_count = callee.registers;
    t->param.count = callee.parameters;
    t->local.count = callee.locals;
    gpu_thread_frame(t)->pc++;
}

/* ---- one step ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool jump_by_index(gpu_thread *t, const ptx_instruction *i) {
    gpu_frame *frame = gpu_thread_frame(t);
    const ptx_targets *targets = &frame->function->targets[i->operands[1].number];
    uint64_t index = gpu_thread_value(t, &i->operands[0], PTX_u32).low;
    if (index >= (uint64_t)targets->count) return gpu_thread_fault(t, GPU_FAULT_CALL, i, "a jump to target %llu of %d", (unsigned long long)index, targets->count);
    frame->pc = targets->labels[index].number;
    return true;
}

static void fence(gpu_thread *t, const ptx_instruction *i) {
    const gpu_listener *l = t->block->launch->listener;
    if (l != NULL) l->fence(l->user, t->block->number, t->warp * GPU_WARP + t->lane, gpu_orders_block_alone(i));
    gpu_thread_frame(t)->pc++;
}

static bool control(gpu_thread *t, const ptx_instruction *i, bool *handled) {
    *handled = true;
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_BRA: gpu_thread_frame(t)->pc = i->operands[0].number; return true;
    case PTX_FORM_BRX: return jump_by_index(t, i);
    case PTX_FORM_CALL: return call(t, i);
    case PTX_FORM_RET: leave(t); return true;
    case PTX_FORM_EXIT: t->state = GPU_EXITED; return true;
    case PTX_FORM_TRAP: return gpu_thread_fault(t, GPU_FAULT_TRAP, i, "the kernel trapped");
    case PTX_FORM_BRKPT: case PTX_FORM_NANOSLEEP: case PTX_FORM_PMEVENT: case PTX_FORM_PREFETCH: case PTX_FORM_PREFETCHU: gpu_thread_frame(t)->pc++; return true;
    case PTX_FORM_MEMBAR: case PTX_FORM_FENCE: fence(t, i); return true;
    default: *handled = false; return true;
    }
}

/* Reads what the form says is read, computes, writes what it says is written. */
static bool arithmetic(gpu_thread *t, const ptx_instruction *i) {
    const ptx_form *form = ptx_form_get(i->form);
    ptx_given g = {.carry = t->carry};
    for (int32_t k = 0; k < i->operand_count; k++) {
        const ptx_operand_rule *rule = &form->operands[k];
        const ptx_operand *o = &i->operands[k];
        if (rule->role == PTX_ROLE_WRITTEN) continue;
        if (o->kind != PTX_VECTOR) g.in[k] = gpu_thread_value(t, o, ptx_rule_type(rule, i, 64));
        for (int32_t e = 0; o->kind == PTX_VECTOR && e < o->count; e++) g.parts[e] = gpu_thread_value(t, &o->items[e], PTX_b64);
    }
    if (!ptx_compute(i, &g)) return gpu_thread_fault(t, GPU_FAULT_CALL, i, "%s is not built into the reference executor", form->opcode);
    const ptx_operand *to = &i->operands[0];
    t->carry = g.carry;
    if (to->kind != PTX_VECTOR) gpu_thread_write(t, to, ptx_rule_type(&form->operands[0], i, 64), g.out);
    for (int32_t e = 0; to->kind == PTX_VECTOR && e < to->count; e++) gpu_thread_write(t, &to->items[e], PTX_b64, g.parts[e]);
    gpu_thread_write_pair(t, i, g.second);
    gpu_thread_frame(t)->pc++;
    return true;
}

bool gpu_thread_step(gpu_thread *t) {
    gpu_frame *frame = gpu_thread_frame(t);
    bool handled;
    if (frame->pc >= frame->function->instruction_count) { /* a body that ends without ret */
        leave(t);
        return true;
    }
    const ptx_instruction *i = &frame->function->instructions[frame->pc];
    if (!gpu_thread_may_go_on(t, i)) return false;
    if (i->guarded && ((t->registers[frame->registers + i->guard].low & 1) != 0) == i->guard_negated) {
        frame->pc++;
        return true;
    }
    if (!control(t, i, &handled) || handled) return t->block->fault->kind == GPU_NO_FAULT && !t->block->no_memory;
    if (!gpu_thread_memory(t, i, &handled) || handled) return t->block->fault->kind == GPU_NO_FAULT;
    if (!gpu_thread_copy(t, i, &handled) || handled) return t->block->fault->kind == GPU_NO_FAULT && !t->block->no_memory;
    if (!gpu_thread_wait(t, i, &handled) || handled) return t->block->fault->kind == GPU_NO_FAULT;
    return arithmetic(t, i);
}
