/* SPDX-License-Identifier: Apache-2.0
 * By instruction while the launch runs, by line when it is over. */
#include "line_counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct function_counts {
    const ptx_function *function;
    gpu_line_counts *instructions;
} function_counts;

void gpu_lines_deinit(gpu_lines *l) {
    pgd_mem_free(l->list);
    *l = (gpu_lines){0};
}

/* ---- while it runs ------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* NULL: no memory. */
static gpu_line_counts *counts_of(gpu_line_counter *c, const ptx_function *f) {
    if (c->latest < c->count && c->functions[c->latest].function == f) return c->functions[c->latest].instructions;
    for (c->latest = 0; c->latest < c->count; c->latest++)
        if (c->functions[c->latest].function == f) return c->functions[c->latest].instructions;
    gpu_line_counts *made = pgd_mem_zalloc(sizeof *made * (size_t)(f->instruction_count + 1));
    if (made == NULL || !pgd_grow(&c->functions, &c->capacity, c->count, sizeof *c->functions)) {
        pgd_mem_free(made);
        c->incomplete = true;
        return NULL;
    }
    c->functions[c->count++] = (function_counts){f, made};
    return made;
}

static void count(void *user, const gpu_warp_step *step) {
    gpu_line_counter *c = user;
    gpu_launch_counts *w = c->whole, before = *w;
    gpu_line_counts *line = counts_of(c, step->function);
    gpu_observer whole = gpu_counter(w);
    whole.step(whole.user, step);
    if (line == NULL) return;
    line += step->instruction - step->function->instructions;
    line->warp_instructions++;
    line->thread_instructions += w->thread_instructions - before.thread_instructions;
    line->sectors += w->load_sectors - before.load_sectors + w->store_sectors - before.store_sectors;
    line->ideal_sectors += w->ideal_load_sectors - before.ideal_load_sectors + w->ideal_store_sectors - before.ideal_store_sectors;
    line->wavefronts += w->shared_wavefronts - before.shared_wavefronts;
    line->ideal_wavefronts += w->ideal_shared_wavefronts - before.ideal_shared_wavefronts;
    line->parted += w->parted - before.parted;
}

gpu_observer gpu_line_counter_begin(gpu_line_counter *c, gpu_launch_counts *whole) {
    *c = (gpu_line_counter){.whole = whole};
    return (gpu_observer){c, count};
}

/* ---- when it is over ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void name(gpu_line *l, const ptx_module *module, const ptx_instruction *i) {
    const char *file = ptx_source_file(module, i);
    size_t length = file == NULL ? 0 : strlen(file), most = sizeof l->source - 1;
    l->number = file == NULL ? i->place.line : i->source_line;
    if (file != NULL) snprintf(l->source, sizeof l->source, "%s", length > most ? file + length - most : file);
    for (char *at = l->source; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || (unsigned char)*at >= 0x7f || *at == '"' || *at == '\\') *at = '?';
}

static int by_place(const void *a, const void *b) {
    const gpu_line *x = a, *y = b;
    int names = strcmp(x->source, y->source);
    return names != 0 ? names : (x->number > y->number) - (x->number < y->number);
}

static void add(gpu_line_counts *to, const gpu_line_counts *more) {
    to->warp_instructions += more->warp_instructions, to->thread_instructions += more->thread_instructions;
    to->sectors += more->sectors, to->ideal_sectors += more->ideal_sectors;
    to->wavefronts += more->wavefronts, to->ideal_wavefronts += more->ideal_wavefronts;
    to->parted += more->parted;
}

static void merge(gpu_lines *l) {
    int32_t kept = 0;
    if (l->count > 0) qsort(l->list, (size_t)l->count, sizeof *l->list, by_place);
    for (int32_t i = 0; i < l->count; i++) {
        gpu_line *to = kept == 0 ? NULL : &l->list[kept - 1], more = l->list[i];
        if (to != NULL && by_place(to, &more) == 0) add(&to->counts, &more.counts);
        else l->list[kept++] = more;
    }
    l->count = kept;
}

void gpu_line_counter_end(gpu_line_counter *c, const ptx_module *module, gpu_lines *l) {
    for (int32_t f = 0; f < c->count; f++) {
        const function_counts *of = &c->functions[f];
        for (int32_t i = 0; i < of->function->instruction_count; i++) {
            if (of->instructions[i].warp_instructions == 0) continue;
            if (!pgd_grow(&l->list, &l->capacity, l->count, sizeof *l->list)) {
                c->incomplete = true;
                break;
            }
            l->list[l->count] = (gpu_line){.counts = of->instructions[i]};
            name(&l->list[l->count++], module, &of->function->instructions[i]);
        }
        pgd_mem_free(of->instructions);
    }
    merge(l);
    l->incomplete = l->incomplete || c->incomplete;
    pgd_mem_free(c->functions);
    *c = (gpu_line_counter){0};
}
