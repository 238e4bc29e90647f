/* SPDX-License-Identifier: Apache-2.0 */
#include "text_sample.h"

#include <math.h>

#include "text.h"

/* Likeliest first; of equals the lower symbol. */
static void rank(const float *logits, int *order) {
    for (int i = 0; i < TEXT_SYMBOLS; i++) {
        int at = i;
        for (; at > 0 && logits[order[at - 1]] < logits[i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

int text_choose(const struct text_choice *c, const float *logits, double draw) {
    int order[TEXT_SYMBOLS], count = c->top_k > 0 && c->top_k < TEXT_SYMBOLS ? c->top_k : TEXT_SYMBOLS;
    double weight[TEXT_SYMBOLS], total = 0, kept = 0;
    rank(logits, order);
    if (c->temperature <= 0) return order[0];
    for (int i = 0; i < count; i++) total += weight[i] = exp(((double)logits[order[i]] - (double)logits[order[0]]) / c->temperature);
    for (int i = 0; i < count; i++) { /* as many as it takes to reach p; at least one */
        kept += weight[i];
        if (kept >= c->top_p * total) count = i + 1;
    }
    draw *= kept;
    for (int i = 0; i < count - 1; i++)
        if ((draw -= weight[i]) < 0) return order[i];
    return order[count - 1];
}

/* splitmix64 (Steele, Lea, Flood, 2014) */
double text_draw(uint64_t seed, uint64_t position) {
    uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + (position + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}
