/* SPDX-License-Identifier: Apache-2.0
 * Words of memory that were accessed, and by whom last. */
#ifndef PGD_SOFTGPU_WORDS_H
#define PGD_SOFTGPU_WORDS_H

#include <ptx/ptx.h>

enum { GPU_WORD = 4, GPU_WORD_READERS = 3, GPU_WORD_WRITERS = 3 };

/* An access that may still race with later ones. */
typedef struct gpu_mark {
    uint64_t time; /* 0: there is none */
    uint32_t block;
    uint16_t thread;
    uint8_t bytes; /* a bit for each of the word */
    bool strong, of_block; /* of_block: strong for threads of its block alone */
    bool changes;          /* a write of a warp that had read the word: x += 1 */
    const ptx_instruction *instruction;
    const ptx_function *function;
} gpu_mark;

typedef struct gpu_word {
    uint64_t key; /* address / 4 + 1; 0: the place is free */
    gpu_mark writer, readers[GPU_WORD_READERS]; /* the last; the last few */
    gpu_mark *writers;                          /* NULL, or those before, of bytes that were not written since */
} gpu_word;

enum { GPU_WORD_GROUP = 8 };

/* A zeroed one is empty. Words that follow each other lie together, for they are accessed together. */
typedef struct gpu_words {
    gpu_word *words;   /* GPU_WORD_GROUP for each group */
    uint64_t *groups;  /* address / 32 + 1; 0: the place is free */
    size_t count, capacity; /* of groups */
} gpu_words;
static inline size_t gpu_words_places(const gpu_words *words) { return words->capacity * GPU_WORD_GROUP; } /* of which those are words that have a key */

void gpu_words_deinit(gpu_words *words);
gpu_word *gpu_words_at(gpu_words *words, uint64_t address); /* that the address lies in; NULL: no memory. Good until the next is asked for */
/* mark->bytes are those of the word that were accessed. */
void gpu_word_read(gpu_word *word, const gpu_mark *mark);
bool gpu_word_written(gpu_word *word, const gpu_mark *mark); /* false: no memory */
#endif
