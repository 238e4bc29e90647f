/* SPDX-License-Identifier: Apache-2.0
 * A hash table by address; marks of a word. */
#include "words.h"

#include <base_share.h>
#include <string.h>

void gpu_words_deinit(gpu_words *t) {
    for (size_t i = 0; i < gpu_words_places(t); i++) pgd_mem_free(t->words[i].writers);
    pgd_mem_free(t->words);
    pgd_mem_free(t->groups);
    *t = (gpu_words){0};
}

/* Where the group is, or may be put. */
static size_t place(const uint64_t *groups, size_t capacity, uint64_t group) {
    size_t at = (size_t)(group * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1);
    while (groups[at] != 0 && groups[at] != group) at = (at + 1) & (capacity - 1);
    return at;
}

static bool grow(gpu_words *t) {
    gpu_words more = {.count = t->count, .capacity = t->capacity == 0 ? 128 : t->capacity * 2};
    more.words = pgd_mem_zalloc(sizeof *more.words * gpu_words_places(&more));
    more.groups = pgd_mem_zalloc(sizeof *more.groups * more.capacity);
    if (more.words == NULL || more.groups == NULL) {
        pgd_mem_free(more.words);
        pgd_mem_free(more.groups);
        return false;
    }
    for (size_t i = 0; i < t->capacity; i++) {
        if (t->groups[i] == 0) continue;
        size_t at = place(more.groups, more.capacity, t->groups[i]);
        more.groups[at] = t->groups[i];
        memcpy(&more.words[at * GPU_WORD_GROUP], &t->words[i * GPU_WORD_GROUP], sizeof *more.words * GPU_WORD_GROUP);
    }
    pgd_mem_free(t->words);
    pgd_mem_free(t->groups);
    *t = more;
    return true;
}

gpu_word *gpu_words_at(gpu_words *t, uint64_t address) {
    uint64_t number = address / GPU_WORD, group = number / GPU_WORD_GROUP + 1;
    if (t->count * 4 >= t->capacity * 3 && !grow(t)) return NULL;
    size_t at = place(t->groups, t->capacity, group);
    if (t->groups[at] == 0) t->groups[at] = group, t->count++;
    gpu_word *w = &t->words[at * GPU_WORD_GROUP + number % GPU_WORD_GROUP];
    w->key = number + 1;
    return w;
}

static bool of_one_warp(const gpu_mark *a, const gpu_mark *b) { return a->block == b->block && a->thread / 32 == b->thread / 32; }

/* So that readers of several warps stay known: a free place; the older of two of one warp; one of its own warp; the oldest. */
static int32_t reader_to_replace(const gpu_word *w, const gpu_mark *m) {
    int32_t best = -1, oldest = 0;
    for (int32_t k = 0; k < GPU_WORD_READERS; k++) {
        if (w->readers[k].time == 0) return k;
        if (w->readers[k].time < w->readers[oldest].time) oldest = k;
        for (int32_t j = 0; j < GPU_WORD_READERS; j++)
            if (w->readers[j].time > w->readers[k].time && of_one_warp(&w->readers[j], &w->readers[k])) best = k;
    }
    for (int32_t k = 0; k < GPU_WORD_READERS && best < 0; k++)
        if (of_one_warp(&w->readers[k], m)) best = k;
    return best < 0 ? oldest : best;
}

/* The thread's own mark gives way where it tells of no other bytes. */
void gpu_word_read(gpu_word *w, const gpu_mark *m) {
    for (int32_t k = 0; k < GPU_WORD_READERS; k++) {
        gpu_mark *own = &w->readers[k];
        if (own->time == 0 || own->block != m->block || own->thread != m->thread || (own->bytes & ~m->bytes) != 0) continue;
        *own = *m;
        return;
    }
    w->readers[reader_to_replace(w, m)] = *m;
}

/* Who accessed these bytes before is forgotten. */
static void clear(gpu_mark *marks, int32_t count, uint8_t bytes) {
    for (int32_t k = 0; marks != NULL && k < count; k++) {
        marks[k].bytes &= (uint8_t)~bytes;
        if (marks[k].bytes == 0) marks[k].time = 0;
    }
}

bool gpu_word_written(gpu_word *w, const gpu_mark *m) {
    clear(w->readers, GPU_WORD_READERS, m->bytes);
    clear(w->writers, GPU_WORD_WRITERS, m->bytes);
    clear(&w->writer, 1, m->bytes);
    if (w->writer.time != 0 && w->writers == NULL) w->writers = pgd_mem_zalloc(sizeof *w->writers * GPU_WORD_WRITERS);
    if (w->writer.time != 0 && w->writers == NULL) return false;
    for (int32_t k = 0; w->writer.time != 0; k++) { /* a word has four bytes, so that one of these is free */
        if (w->writers[k].time != 0) continue;
        w->writers[k] = w->writer;
        w->writer.time = 0;
    }
    w->writer = *m;
    return true;
}
