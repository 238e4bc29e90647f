/* SPDX-License-Identifier: Apache-2.0
 * Choosing the next symbol from logits: temperature, the k likeliest, the likeliest that make up p together. */
#ifndef TEXT_SAMPLE_H
#define TEXT_SAMPLE_H

#include <stdint.h>

struct text_choice {
    double temperature; /* 0: always the likeliest */
    int top_k;          /* 0: all */
    double top_p;       /* 1: all */
};

/* draw: uniform in [0, 1). logits [256]. */
int text_choose(const struct text_choice *choice, const float *logits, double draw);

/* The draw of position `position`: a function of seed and position. */
double text_draw(uint64_t seed, uint64_t position);

#endif
