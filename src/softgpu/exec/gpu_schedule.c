/* SPDX-License-Identifier: Apache-2.0
 * Numbers come from SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014). A permutation is a Feistel network of four rounds over the least
 * even number of bits that holds all numbers; what comes out too large goes through once more until it fits (cycle walking: Black, Rogaway, "Ciphers with Arbitrary Finite Domains",
 * CT-RSA 2002). */
#include "gpu_schedule.h"

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

gpu_schedule gpu_schedule_of(uint64_t seed) { return (gpu_schedule){seed}; }

uint64_t gpu_schedule_seed(uint64_t seed, uint64_t number) {
    uint64_t own = mix(mix(seed + golden) + golden * (number + 1));
    return own == 0 ? 1 : own;
}

uint64_t gpu_schedule_draw(gpu_schedule *s) { return mix(s->state += golden); }

uint32_t gpu_schedule_below(gpu_schedule *s, uint32_t count) { return (uint32_t)((gpu_schedule_draw(s) >> 32) * count >> 32); }

uint32_t gpu_schedule_turn(gpu_schedule *s, uint32_t bits) { return gpu_schedule_below(s, UINT32_C(1) << gpu_schedule_below(s, bits + 1)); }

void gpu_schedule_order(gpu_schedule *s, uint16_t *order, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) { /* Fisher and Yates, as Durstenfeld wrote it, inside out */
        uint32_t at = gpu_schedule_below(s, k + 1);
        order[k] = order[at];
        order[at] = (uint16_t)k;
    }
}

uint32_t gpu_schedule_residents(gpu_schedule *s, uint64_t blocks, bool cooperative) {
    enum { MOST = 8 };
    uint32_t there = 1 + gpu_schedule_below(s, MOST);
    return cooperative || blocks < there ? (uint32_t)blocks : there;
}

gpu_permutation gpu_permutation_draw(gpu_schedule *s, uint64_t count) {
    gpu_permutation p = {.count = count, .bits = 1};
    while (p.bits < 32 && ((count - 1) >> 2 * p.bits) != 0) p.bits++;
    for (int k = 0; k < 4; k++) p.keys[k] = gpu_schedule_draw(s);
    return p;
}

uint64_t gpu_permutation_at(const gpu_permutation *p, uint64_t k) {
    uint64_t mask = (UINT64_C(1) << p->bits) - 1;
    do {
        uint64_t left = k >> p->bits, right = k & mask;
        for (int round = 0; round < 4; round++) {
            uint64_t before = right;
            right = left ^ (mix(right + p->keys[round]) & mask);
            left = before;
        }
        k = left << p->bits | right;
    } while (k >= p->count);
    return k;
}
