/* SPDX-License-Identifier: Apache-2.0
 * Decoding: a function becomes an array of steps, each with its handler and the places of its operands; basic blocks are numbered in reverse postorder. */
#include "vector_warp.h"

#include "vector_select.h"

#include <stdlib.h>

/* ---- registers and constants ------------------------------------------------------------------------------------------------------------------------------------------ */

static const uint32_t slot_bytes[] = {[VEC_PREDICATE] = 64, [VEC_32] = 64 + 4 * VEC_LANES, [VEC_64] = 64 + 8 * VEC_LANES, [VEC_128] = 64 + 16 * VEC_LANES};

enum { CONSTANTS_MAX = 4096 }; /* of a body; what uses further ones goes the slow way */

uint32_t vec_body_constant(vec_body *b, uint64_t value, vec_width width) {
    for (uint32_t k = 0; k < b->constant_count; k++)
        if (b->constants[k] == value && b->constant_widths[k] == width) return b->offsets[b->register_count + k];
    if (b->constant_count == b->constant_capacity) return UINT32_MAX;
    uint32_t k = b->constant_count++, at = b->register_bytes;
    b->constants[k] = value;
    b->constant_widths[k] = (uint8_t)width;
    b->offsets[b->register_count + k] = at;
    b->register_bytes += slot_bytes[width];
    return at;
}

static void use(vec_body *b, int32_t number) {
    if (number >= 0) b->registers[number].at = 1;
}

static void use_operand(vec_body *b, const ptx_operand *o) {
    if (o->kind == PTX_REGISTER || o->kind == PTX_MEMORY) use(b, o->number);
    for (int32_t k = 0; o->kind == PTX_VECTOR && k < o->count; k++) use_operand(b, &o->items[k]);
}

static void use_instruction(vec_body *b, const ptx_instruction *i) {
    if (i->guarded) use(b, i->guard);
    if (i->paired) use(b, i->pair);
    for (int32_t k = 0; k < i->operand_count; k++) use_operand(b, &i->operands[k]);
    if (i->call == NULL) return;
    use_operand(b, &i->call->callee);
    for (int32_t k = 0; k < i->call->result_count; k++) use_operand(b, &i->call->results[k]);
    for (int32_t k = 0; k < i->call->argument_count; k++) use_operand(b, &i->call->arguments[k]);
}

/* Only registers that an instruction names have slots. */
static void place_registers(vec_body *b) {
    const ptx_function *f = b->function;
    for (int32_t k = 0; k < f->instruction_count; k++) use_instruction(b, &f->instructions[k]);
    b->register_bytes = VEC_FIRST_SLOT;
    for (int32_t k = 0; k < f->register_count; k++) {
        vec_register *r = &b->registers[k];
        ptx_type type = f->registers[k].type;
        r->type = (uint8_t)type;
        r->width = type == PTX_pred ? VEC_PREDICATE : ptx_types[type].bits <= 32 ? VEC_32 : ptx_types[type].bits == 64 ? VEC_64 : VEC_128;
        if (r->at == 0) {
            r->at = VEC_TRASH;
            continue;
        }
        r->at = b->register_bytes;
        b->offsets[b->register_count++] = r->at;
        b->register_bytes += slot_bytes[r->width];
    }
}

/* ---- basic blocks ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef struct flow {
    const ptx_function *f;
    bool *leads;      /* by instruction: a basic block begins there */
    int32_t *block;   /* by instruction */
    int32_t *begin;   /* by block: its first instruction */
    int32_t *place;   /* by block: in reverse postorder; -1: not seen yet */
    int32_t *stack;   /* blocks, each with the number of its successor that is next */
    int32_t **targets; /* by list of targets: the blocks, sorted; NULL: not wanted yet */
    int32_t count;
    bool no_memory;
} flow;

static bool ends_block(const ptx_instruction *i) {
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_BRA: case PTX_FORM_BRX: case PTX_FORM_CALL: case PTX_FORM_RET: case PTX_FORM_EXIT: return true;
    default: return vec_is_wait(i) || vec_is_barrier(i);
    }
}

static void find_leaders(flow *fl) {
    const ptx_function *f = fl->f;
    fl->leads[0] = fl->leads[f->instruction_count] = true;
    for (int32_t k = 0; k < f->instruction_count; k++) {
        const ptx_instruction *i = &f->instructions[k];
        if (ends_block(i)) fl->leads[k + 1] = true;
        if (i->form == PTX_FORM_BRA) fl->leads[i->operands[0].number] = true;
        if (i->form == PTX_FORM_BRX)
            for (int32_t t = 0; t < f->targets[i->operands[1].number].count; t++) fl->leads[f->targets[i->operands[1].number].labels[t].number] = true;
    }
    for (int32_t k = 0; k <= f->instruction_count; k++) {
        if (fl->leads[k]) fl->begin[fl->count++] = k;
        fl->block[k] = fl->count - 1;
    }
}

static int by_number(const void *a, const void *b) { return *(const int32_t *)a < *(const int32_t *)b ? -1 : *(const int32_t *)a > *(const int32_t *)b; }

/* The last block of a list of targets below `limit`; -1: none. */
static int32_t target_below(flow *fl, int32_t list, int32_t limit) {
    const ptx_targets *t = &fl->f->targets[list];
    int32_t *sorted = fl->targets[list], low = 0, high = t->count;
    if (sorted == NULL) {
        sorted = fl->targets[list] = pgd_mem_alloc(sizeof *sorted * (size_t)(t->count + 1));
        fl->no_memory = fl->no_memory || sorted == NULL;
        if (sorted == NULL) return -1;
        for (int32_t k = 0; k < t->count; k++) sorted[k] = fl->block[t->labels[k].number];
        qsort(sorted, (size_t)t->count, sizeof *sorted, by_number);
    }
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (sorted[middle] < limit) low = middle + 1;
        else high = middle;
    }
    return low == 0 ? -1 : sorted[low - 1];
}

/* The successor of a block that stands furthest behind in the text, below `limit`; -1: no more. So loops come before what follows them. */
static int32_t successor(flow *fl, int32_t block, int32_t limit) {
    int32_t end = block + 1 < fl->count ? fl->begin[block + 1] : fl->f->instruction_count, best = -1;
    const ptx_instruction *i = end > fl->begin[block] ? &fl->f->instructions[end - 1] : NULL;
    bool goes_on = block + 1 < fl->count && !(i != NULL && !i->guarded && (i->form == PTX_FORM_BRA || i->form == PTX_FORM_BRX || i->form == PTX_FORM_RET || i->form == PTX_FORM_EXIT));
    if (goes_on && block + 1 < limit) best = block + 1;
    if (i != NULL && i->form == PTX_FORM_BRA && fl->block[i->operands[0].number] < limit && fl->block[i->operands[0].number] > best) best = fl->block[i->operands[0].number];
    int32_t target = i != NULL && i->form == PTX_FORM_BRX ? target_below(fl, i->operands[1].number, limit) : -1;
    return target > best ? target : best;
}

static void number_blocks(flow *fl) {
    int32_t depth = 0, next = fl->count;
    for (int32_t k = 0; k < fl->count; k++) fl->place[k] = -1;
    for (int32_t root = 0; root < fl->count; root++) { /* the first reaches most; what is left cannot be reached */
        if (fl->place[root] >= 0) continue;
        fl->place[root] = 0;
        fl->stack[0] = root, fl->stack[1] = fl->count;
        for (depth = 1; depth > 0;) {
            int32_t *top = &fl->stack[2 * (depth - 1)], to = successor(fl, top[0], top[1]);
            if (to < 0) {
                fl->place[top[0]] = --next;
                depth--;
                continue;
            }
            top[1] = to;
            if (fl->place[to] >= 0) continue;
            fl->place[to] = 0;
            fl->stack[2 * depth] = to, fl->stack[2 * depth + 1] = fl->count;
            depth++;
        }
    }
}

/* ---- steps --------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static vec_fn *handler_of(const ptx_instruction *i) {
    switch ((ptx_form_name)i->form) {
    case PTX_FORM_BRA: return vec_run_bra;
    case PTX_FORM_BRX: return vec_run_brx;
    case PTX_FORM_CALL: return vec_run_call;
    case PTX_FORM_RET: return vec_run_ret;
    case PTX_FORM_EXIT: return vec_run_exit;
    case PTX_FORM_TRAP: return vec_run_trap;
    case PTX_FORM_BRKPT: case PTX_FORM_NANOSLEEP: case PTX_FORM_PMEVENT: case PTX_FORM_MEMBAR: case PTX_FORM_FENCE: case PTX_FORM_PREFETCH: case PTX_FORM_PREFETCHU: return vec_run_nothing;
    case PTX_FORM_LD: case PTX_FORM_LDU: return vec_run_load;
    case PTX_FORM_ST: return vec_run_store;
    case PTX_FORM_CVTA: return vec_run_cvta;
    case PTX_FORM_ISSPACEP: return vec_run_isspacep;
    default: break;
    }
    if (i->form >= PTX_FORM_ATOM_BITS && i->form <= PTX_FORM_RED_ORDER) return vec_run_atomic;
    if (i->form >= PTX_FORM_CP_ASYNC && i->form <= PTX_FORM_CP_ASYNC_WAIT_ALL) return vec_run_copy;
    return vec_is_wait(i) ? vec_run_wait : vec_is_barrier(i) ? vec_run_barrier : vec_run_any;
}

static bool guards_itself(const ptx_instruction *i) { return i->form == PTX_FORM_BRA || i->form == PTX_FORM_EXIT; }

static vec_step *add_step(vec_body *b, vec_fn *run, const ptx_instruction *i) {
    vec_step *s = &b->steps[b->count++];
    *s = (vec_step){.run = run, .i = i, .d = VEC_TRASH, .a = VEC_ZERO, .b = VEC_ZERO, .c = VEC_ZERO, .pair = VEC_TRASH, .guard = VEC_TRASH, .width = VEC_NOTHING};
    return s;
}

static void add_instruction(vec_body *b, gpu_vector_code *code, const ptx_instruction *i) {
    if (code->observed) {
        vec_step *o = add_step(b, vec_run_observe, i);
        if (i->guarded) o->guard = b->registers[i->guard].at, o->negated = i->guard_negated;
    }
    if (code->seeded && vec_may_pause(i)) add_step(b, vec_run_pause, i);
    if (i->guarded && !guards_itself(i)) {
        vec_step *g = add_step(b, ends_block(i) ? vec_run_guard_part : vec_run_guard, i);
        g->guard = b->registers[i->guard].at;
        g->negated = i->guard_negated;
    }
    vec_step *s = add_step(b, handler_of(i), i);
    if (s->run == vec_run_load || s->run == vec_run_store || s->run == vec_run_atomic) s->site = (uint8_t)(b->sites++ % VEC_SITES);
    if (i->guarded && guards_itself(i)) s->guard = b->registers[i->guard].at, s->negated = i->guard_negated;
    bool accesses = s->run == vec_run_load || s->run == vec_run_store || s->run == vec_run_atomic;
    if (s->run == vec_run_any || s->run == vec_run_cvta || (accesses && !code->heard)) vec_select(b, code, i, s);
}

static void add_head(vec_body *b, gpu_vector_code *code, const ptx_instruction *i, int32_t count) {
    add_step(b, vec_run_head, i)->count = count;
    if (count >= VEC_GATED && !code->observed && !code->seeded) add_step(b, vec_run_gate, i)->target = code->gate_count++;
}

static bool make_steps(vec_body *b, gpu_vector_code *code, const flow *fl) {
    const ptx_function *f = b->function;
    for (int32_t k = 0; k <= f->instruction_count; k++) {
        const ptx_instruction *i = k < f->instruction_count ? &f->instructions[k] : NULL;
        int32_t from = b->count, block = fl->block[k];
        b->first[k] = b->count;
        if (fl->leads[k]) add_head(b, code, i, (block + 1 < fl->count ? fl->begin[block + 1] : f->instruction_count) - k);
        if (i != NULL) add_instruction(b, code, i);
        else add_step(b, vec_run_ret, NULL);
        for (; from < b->count; from++) b->order[from] = (uint32_t)fl->place[block];
    }
    for (int32_t k = 0; k < b->count; k++) {
        vec_step *s = &b->steps[k];
        if (s->run != vec_run_bra) continue;
        int32_t to = b->first[s->i->operands[0].number];
        s->target = to - k;
        s->count = b->steps[to].count;
        if (k > 0) vec_fuse(s - 1, k < 2);
    }
    for (int32_t k = 0; k < b->count; k++) {
        vec_step *s = &b->steps[k], *split = &b->steps[b->count + k];
        *split = *s;
        if (s->plain) split->run = vec_run_single_masked;
        if (s->run == vec_run_head) split->run = vec_run_head_split;
        if (s->run == vec_run_gate) split->run = vec_run_pass;
        split->run = vec_masked(split->run);
        if (s->run == vec_run_bra) split->run = vec_run_bra_split;
    }
    return true;
}

static bool make(vec_body *b, gpu_vector_code *code) {
    const ptx_function *f = b->function;
    size_t n = (size_t)f->instruction_count + 1;
    flow fl = {.f = f, .leads = pgd_mem_zalloc(n), .block = pgd_mem_zalloc(sizeof(int32_t) * n), .begin = pgd_mem_zalloc(sizeof(int32_t) * n), .place = pgd_mem_zalloc(sizeof(int32_t) * n), .stack = pgd_mem_zalloc(2 * sizeof(int32_t) * n), .targets = pgd_mem_zalloc(sizeof(int32_t *) * (size_t)(f->target_count + 1))};
    b->constant_capacity = n < CONSTANTS_MAX / 4 ? (uint32_t)(4 * n) : CONSTANTS_MAX;
    b->registers = pgd_mem_zalloc(sizeof *b->registers * (size_t)(f->register_count + 1));
    b->offsets = pgd_mem_zalloc(sizeof *b->offsets * ((size_t)f->register_count + b->constant_capacity + 1));
    b->constants = pgd_mem_zalloc(sizeof *b->constants * b->constant_capacity);
    b->constant_widths = pgd_mem_zalloc(b->constant_capacity);
    b->steps = pgd_mem_zalloc(sizeof *b->steps * 8 * n);
    b->order = pgd_mem_zalloc(sizeof *b->order * 4 * n);
    b->first = pgd_mem_zalloc(sizeof *b->first * n);
    bool fine = fl.leads != NULL && fl.block != NULL && fl.begin != NULL && fl.place != NULL && fl.stack != NULL && fl.targets != NULL && b->registers != NULL && b->offsets != NULL && b->constants != NULL && b->constant_widths != NULL && b->steps != NULL && b->order != NULL && b->first != NULL;
    if (fine) {
        find_leaders(&fl);
        number_blocks(&fl);
        place_registers(b);
        make_steps(b, code, &fl);
        fine = !fl.no_memory;
    }
    for (int32_t k = 0; fl.targets != NULL && k < f->target_count; k++) pgd_mem_free(fl.targets[k]);
    pgd_mem_free(fl.targets);
    pgd_mem_free(fl.leads), pgd_mem_free(fl.block), pgd_mem_free(fl.begin), pgd_mem_free(fl.place), pgd_mem_free(fl.stack);
    return fine;
}

pgd_status vec_body_make(gpu_vector_code *code, const ptx_function *function, vec_body **out) {
    vec_body *b = pgd_mem_zalloc(sizeof *b);
    if (b == NULL) return pgd_fail_memory(sizeof *b);
    b->function = function;
    if (!make(b, code)) {
        vec_body_destroy(b);
        return pgd_fail_memory(sizeof *b->steps * 8 * (size_t)function->instruction_count);
    }
    *out = b;
    return PGD_OK;
}

void vec_body_destroy(vec_body *b) {
    if (b == NULL) return;
    pgd_mem_free(b->steps);
    pgd_mem_free(b->order);
    pgd_mem_free(b->first);
    pgd_mem_free(b->registers);
    pgd_mem_free(b->offsets);
    pgd_mem_free(b->constants);
    pgd_mem_free(b->constant_widths);
    pgd_mem_free(b);
}
