/* SPDX-License-Identifier: Apache-2.0
 * A hash table by address; marks of a word. */
#include "words.h"

#include <base_share.h>

void gpu_words_deinit(gpu_words *t) {
    for (size_t i = 0; i < t->capacity; i++) pgd_mem_free(t->words[i].writers);
    pgd_mem_free(t->words);
    *t = (gpu_words){0};
}

static size_t place(uint64_t key, size_t capacity) { return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (capacity - 1); }

static bool grow(gpu_words *t) {
    size_t capacity = t->capacity == 0 ? 1024 : t->capacity * 2;
    gpu_word *words = pgd_mem_zalloc(sizeof *words * capacity);
    if (words == NULL) return false;
    for (size_t i = 0; i < t->capacity; i++) {
        if (t->words[i].key == 0) continue;
        size_t at = place(t->words[i].key, capacity);
        while (words[at].key != 0) at = (at + 1) & (capacity - 1);
        words[at] = t->words[i];
    }
    pgd_mem_free(t->words);
    t->words = words;
    t->capacity = capacity;
    return true;
}

gpu_word *gpu_words_at(gpu_words *t, uint64_t address) {
    uint64_t key = address / GPU_WORD + 1;
    if (t->count * 4 >= t->capacity * 3 && !grow(t)) return NULL;
    size_t at = place(key, t->capacity);
    while (t->words[at].key != 0 && t->words[at].key != key) at = (at + 1) & (t->capacity - 1);
    if (t->words[at].key == 0) {
        t->words[at].key = key;
        t->count++;
    }
    return &t->words[at];
}

/* The thread's own mark gives way where it tells of no other bytes, else the oldest. */
void gpu_word_read(gpu_word *w, const gpu_mark *m) {
    for (int32_t k = 0; k < GPU_WORD_READERS; k++) {
        gpu_mark *own = &w->readers[k];
        if (own->time == 0 || own->block != m->block || own->thread != m->thread || (own->bytes & ~m->bytes) != 0) continue;
        *own = *m;
        return;
    }
    w->readers[w->next_reader] = *m;
    w->next_reader = (w->next_reader + 1) % GPU_WORD_READERS;
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
