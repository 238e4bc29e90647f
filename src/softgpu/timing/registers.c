/* SPDX-License-Identifier: Apache-2.0
 * Liveness by the classic backward data flow: what is live before an instruction is what it reads, and what is live behind it and not written by it. */
#include "registers.h"

#include <ptx/forms.h>
#include <string.h>

typedef struct flow {
    const ptx_function *function;
    int32_t words;    /* of a set of registers */
    uint64_t *before; /* one set per instruction, and an empty one behind the last */
    uint64_t *now;
} flow;

static void put(flow *f, int32_t number, bool in) {
    if (number < 0 || number >= f->function->register_count) return;
    uint64_t bit = UINT64_C(1) << number % 64;
    if (in) f->now[number / 64] |= bit;
    else f->now[number / 64] &= ~bit;
}

static void put_operand(flow *f, const ptx_operand *o, bool in) {
    if (o->kind == PTX_REGISTER || o->kind == PTX_MEMORY) put(f, o->number, in);
    for (int32_t k = 0; o->kind == PTX_VECTOR && k < o->count; k++) put_operand(f, &o->items[k], in);
}

/* From behind an instruction to before it. */
static void step(flow *f, const ptx_instruction *i) {
    const ptx_form *form = ptx_form_get(i->form);
    for (int32_t k = 0; k < i->operand_count && !i->guarded; k++)
        if (form->operands[k].role == PTX_ROLE_WRITTEN) put_operand(f, &i->operands[k], false);
    if (i->paired && !i->guarded) put(f, i->pair, false);
    for (int32_t k = 0; i->call != NULL && k < i->call->result_count; k++) put_operand(f, &i->call->results[k], false);
    for (int32_t k = 0; i->call != NULL && k < i->call->argument_count; k++) put_operand(f, &i->call->arguments[k], true);
    if (i->call != NULL) put_operand(f, &i->call->callee, true);
    for (int32_t k = 0; k < i->operand_count; k++)
        if (form->operands[k].role != PTX_ROLE_WRITTEN) put_operand(f, &i->operands[k], true);
    if (i->guarded) put(f, i->guard, true);
}

static void join(flow *f, int32_t successor) {
    for (int32_t w = 0; w < f->words; w++) f->now[w] |= f->before[(size_t)successor * (size_t)f->words + (size_t)w];
}

static bool update(flow *f, int32_t at) {
    const ptx_instruction *i = &f->function->instructions[at];
    memset(f->now, 0, sizeof *f->now * (size_t)f->words);
    bool jumps = i->form == PTX_FORM_BRA || i->form == PTX_FORM_BRX || i->form == PTX_FORM_RET || i->form == PTX_FORM_EXIT || i->form == PTX_FORM_TRAP;
    if (!jumps || i->guarded) join(f, at + 1);
    if (i->form == PTX_FORM_BRA) join(f, i->operands[0].number);
    if (i->form == PTX_FORM_BRX) {
        const ptx_targets *targets = &f->function->targets[i->operands[1].number];
        for (int32_t k = 0; k < targets->count; k++) join(f, targets->labels[k].number);
    }
    step(f, i);
    uint64_t *before = f->before + (size_t)at * (size_t)f->words;
    if (memcmp(before, f->now, sizeof *before * (size_t)f->words) == 0) return false;
    memcpy(before, f->now, sizeof *before * (size_t)f->words);
    return true;
}

static int32_t weight(const ptx_function *f, const uint64_t *set) {
    int32_t sum = 0;
    for (int32_t r = 0; r < f->register_count; r++)
        if ((set[r / 64] >> r % 64 & 1) != 0 && f->registers[r].type != PTX_pred) sum += ptx_types[f->registers[r].type].bits > 32 ? ptx_types[f->registers[r].type].bits / 32 : 1;
    return sum;
}

/* -1: no memory, or the function is so large that it would take too much of it, and too long. */
static int32_t estimate(const ptx_function *function) {
    enum { WORDS_MAX = 1 << 23 };
    if ((int64_t)((function->register_count + 63) / 64) * (function->instruction_count + 1) > WORDS_MAX) return -1;
    flow f = {.function = function, .words = (function->register_count + 63) / 64};
    size_t set_bytes = sizeof *f.before * (size_t)f.words;
    f.before = pgd_mem_zalloc(set_bytes * (size_t)(function->instruction_count + 1) + 8);
    f.now = pgd_mem_zalloc(set_bytes + 8);
    int32_t most = f.before == NULL || f.now == NULL ? -1 : 0;
    for (bool changed = most == 0; changed;) {
        changed = false;
        for (int32_t at = function->instruction_count - 1; at >= 0; at--) changed = update(&f, at) || changed;
    }
    for (int32_t at = 0; most >= 0 && at < function->instruction_count; at++) {
        int32_t live = weight(function, f.before + (size_t)at * (size_t)f.words);
        if (live > most) most = live;
    }
    pgd_mem_free(f.before);
    pgd_mem_free(f.now);
    return most;
}

int32_t gpu_registers_of(const ptx_function *function) {
    int32_t live = estimate(function), most = function->max_registers > 0 ? function->max_registers : 255;
    if (live < 0) return most;
    return live < 8 ? 8 : live > most ? most : live;
}
