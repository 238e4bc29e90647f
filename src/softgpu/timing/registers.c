/* SPDX-License-Identifier: Apache-2.0
 * Liveness by the classic backward data flow: what is live before an instruction is what it reads, and what is live behind it and not written by it. Sets are kept of basic
 * blocks alone; within one they follow from what is live behind it. */
#include "registers.h"

#include <ptx/forms.h>
#include <string.h>

typedef struct flow {
    const ptx_function *function;
    bool *leads;      /* by instruction: a block begins there; one more behind the last */
    int32_t *block;   /* by instruction */
    int32_t *begin;   /* by block: its first instruction */
    int32_t count;    /* of blocks, with an empty one behind the last */
    int32_t words;    /* of a set of registers */
    uint64_t *before; /* one set per block */
    uint64_t *now;
    int32_t weight, most; /* of now, in units of 32 bits; the most there was */
} flow;

/* ---- sets ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static int32_t weight_of(const ptx_function *f, int32_t number) {
    ptx_type type = f->registers[number].type;
    return type == PTX_pred ? 0 : ptx_types[type].bits > 32 ? ptx_types[type].bits / 32 : 1;
}

static void put(flow *f, int32_t number, bool in) {
    if (number < 0 || number >= f->function->register_count) return;
    uint64_t bit = UINT64_C(1) << number % 64, *word = &f->now[number / 64];
    if (((*word & bit) != 0) == in) return;
    *word ^= bit;
    f->weight += in ? weight_of(f->function, number) : -weight_of(f->function, number);
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

static void join(flow *f, int32_t instruction) {
    const uint64_t *set = f->before + (size_t)f->block[instruction] * (size_t)f->words;
    for (int32_t w = 0; w < f->words; w++)
        for (uint64_t more = set[w] & ~f->now[w]; more != 0; more &= more - 1) put(f, 64 * w + __builtin_ctzll(more), true);
}

/* ---- blocks -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool jumps(const ptx_instruction *i) { return i->form == PTX_FORM_BRA || i->form == PTX_FORM_BRX || i->form == PTX_FORM_RET || i->form == PTX_FORM_EXIT || i->form == PTX_FORM_TRAP; }

static void find_blocks(flow *f) {
    const ptx_function *of = f->function;
    f->leads[0] = f->leads[of->instruction_count] = true;
    for (int32_t at = 0; at < of->instruction_count; at++) {
        const ptx_instruction *i = &of->instructions[at];
        if (jumps(i)) f->leads[at + 1] = true;
        if (i->form == PTX_FORM_BRA) f->leads[i->operands[0].number] = true;
        for (int32_t k = 0; i->form == PTX_FORM_BRX && k < of->targets[i->operands[1].number].count; k++) f->leads[of->targets[i->operands[1].number].labels[k].number] = true;
    }
    for (int32_t at = 0; at <= of->instruction_count; at++) {
        if (f->leads[at]) f->begin[f->count++] = at;
        f->block[at] = f->count - 1;
    }
}

/* From behind a block to before it, and whether what was known of that has changed. */
static bool update(flow *f, int32_t block) {
    const ptx_function *of = f->function;
    int32_t end = f->begin[block + 1];
    const ptx_instruction *last = &of->instructions[end - 1];
    memset(f->now, 0, sizeof *f->now * (size_t)f->words);
    f->weight = 0;
    if (!jumps(last) || last->guarded) join(f, end);
    if (last->form == PTX_FORM_BRA) join(f, last->operands[0].number);
    for (int32_t k = 0; last->form == PTX_FORM_BRX && k < of->targets[last->operands[1].number].count; k++) join(f, of->targets[last->operands[1].number].labels[k].number);
    for (int32_t at = end - 1; at >= f->begin[block]; at--) {
        step(f, &of->instructions[at]);
        if (f->weight > f->most) f->most = f->weight;
    }
    uint64_t *before = f->before + (size_t)block * (size_t)f->words;
    if (memcmp(before, f->now, sizeof *before * (size_t)f->words) == 0) return false;
    memcpy(before, f->now, sizeof *before * (size_t)f->words);
    return true;
}

/* Sets only grow, and so does the most. */
static bool work_out(flow *f) {
    enum { WORDS_MAX = 1 << 24 };
    find_blocks(f);
    if ((int64_t)f->words * f->count > WORDS_MAX) return false;
    f->before = pgd_mem_zalloc(sizeof *f->before * (size_t)f->words * (size_t)f->count + 8);
    f->now = pgd_mem_zalloc(sizeof *f->now * (size_t)f->words + 8);
    if (f->before == NULL || f->now == NULL) return false;
    for (bool changed = true; changed;) {
        changed = false;
        for (int32_t block = f->count - 2; block >= 0; block--) changed = update(f, block) || changed;
    }
    return true;
}

int32_t gpu_registers_of(const ptx_function *function) {
    enum { LEAST = 8, UNKNOWN = 64 };
    size_t places = (size_t)function->instruction_count + 1;
    flow f = {.function = function, .words = (function->register_count + 63) / 64, .leads = pgd_mem_zalloc(sizeof *f.leads * places), .block = pgd_mem_alloc(sizeof *f.block * places), .begin = pgd_mem_alloc(sizeof *f.begin * places)};
    int32_t most = function->max_registers > 0 ? function->max_registers : 255;
    int32_t live = f.leads != NULL && f.block != NULL && f.begin != NULL && work_out(&f) ? f.most : UNKNOWN;
    pgd_mem_free(f.leads);
    pgd_mem_free(f.block);
    pgd_mem_free(f.begin);
    pgd_mem_free(f.before);
    pgd_mem_free(f.now);
    return live < LEAST ? LEAST : live > most ? most : live;
}
