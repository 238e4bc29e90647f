/* SPDX-License-Identifier: Apache-2.0
 * What a case must give, from outside of src/softgpu: the host processor's arithmetic, plain C, and the manual's own formulas, written a second time. */
#ifndef PGD_GOLDEN_EXPECT_H
#define PGD_GOLDEN_EXPECT_H

#include <float.h>
#include <math.h>

#include "cases.h"

typedef enum golden_how {
    GOLDEN_OPEN,   /* the manual leaves it open */
    GOLDEN_BITS,
    GOLDEN_NUMBER, /* these bits; where they are a NaN, any */
    GOLDEN_ZERO,   /* a zero of either sign */
    GOLDEN_NEAR    /* the manual bounds the error only */
} golden_how;

typedef struct golden_lane {
    golden_how how;
    uint64_t bits;
    double value, error; /* how is NEAR; a NaN value: a NaN */
} golden_lane;

/* Of a cell: the whole, or the lower and the upper half of a packed pair. */
typedef struct golden_expected {
    golden_lane lanes[2];
    bool packed;
} golden_expected;

/* want: threads for each output column, column by column; inputs: what golden_inputs gave. False: nothing outside is known of this case. */
bool golden_expect(const golden_case *c, const uint64_t *inputs, golden_expected *want);
bool golden_agrees(ptx_type type, const golden_expected *want, uint64_t got);

/* ---- by kind, one thread alone: in and out are those of one thread; false: another kind ---- */
bool golden_expect_integer(const golden_case *c, const uint64_t *in, golden_expected *out);
bool golden_expect_float(const golden_case *c, const uint64_t *in, golden_expected *out);
bool golden_expect_compare(const golden_case *c, const uint64_t *in, golden_expected *out);
bool golden_expect_convert(const golden_case *c, const uint64_t *in, golden_expected *out);
/* ---- and many together, as golden_expect ---- */
bool golden_expect_threads(const golden_case *c, const uint64_t *inputs, golden_expected *want);
bool golden_expect_memory(const golden_case *c, const uint64_t *inputs, golden_expected *want);
bool golden_expect_matrix(const golden_case *c, const uint64_t *inputs, golden_expected *want);

/* ---- floats of all formats as doubles, expect_float.c ---- */
double golden_double(ptx_type type, uint64_t bits);              /* exact */
uint64_t golden_rounded(ptx_type type, double value);            /* in the direction that fesetround set */
bool golden_nan(ptx_type type, uint64_t bits);
double golden_least_normal(ptx_type type);
int32_t golden_digits(ptx_type type);                            /* of the fraction, the first one included */
ptx_type golden_half(ptx_type packed);
void golden_direction(int32_t word);                             /* fesetround by rn, rz, rm, rp and their kind; 0: to nearest */

static inline golden_lane golden_number(uint64_t bits) { return (golden_lane){.how = GOLDEN_NUMBER, .bits = bits}; }
static inline golden_lane golden_near(double value, double error) { return (golden_lane){.how = GOLDEN_NEAR, .value = value, .error = error}; }
static inline golden_expected golden_whole(golden_lane lane) { return (golden_expected){{lane}, false}; }
static inline golden_expected golden_pair(golden_lane low, golden_lane high) { return (golden_expected){{low, high}, true}; }
static inline golden_expected golden_bits(uint64_t bits) { return golden_whole((golden_lane){.how = GOLDEN_BITS, .bits = bits}); }
static inline bool golden_word(const golden_case *c, ptx_slot slot, ptx_word word) { return c->words.slots[slot] == word; }
static inline bool golden_has(const golden_case *c, ptx_slot slot) { return c->words.slots[slot] != PTX_NO_WORD; }
#endif
