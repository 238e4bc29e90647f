/* SPDX-License-Identifier: Apache-2.0
 * Numbers as integers times powers of two: every float and integer type of PTX is read into one, computed with exactly (or with a last bit that says
 * "and a little more"), and rounded once, in any direction, into any type. It owes nothing to the processor's own floating point, which is what tests
 * hold it against. */
#ifndef PGD_SOFTGPU_NUMBER_H
#define PGD_SOFTGPU_NUMBER_H

#include <ptx/ptx.h>

typedef enum ptx_number_kind { PTX_ZERO, PTX_FINITE, PTX_INFINITE, PTX_NOT_A_NUMBER } ptx_number_kind;

/* digits * 2^exponent; the highest digit of a finite number is bit 126. Bit 0 is also set where lower digits were lost. */
typedef struct ptx_number {
    ptx_number_kind kind;
    bool negative;
    int32_t exponent;
    unsigned __int128 digits;
} ptx_number;

typedef enum ptx_rounding { PTX_TO_EVEN, PTX_TO_ZERO, PTX_DOWN, PTX_UP, PTX_TIES_AWAY } ptx_rounding;

/* What a number may become besides being rounded. */
typedef struct ptx_fitting {
    ptx_rounding rounding;
    bool flush;      /* subnormal results become zeros */
    bool saturate;   /* into [0, 1], NaN to 0; of integers, into the type's range anyway */
    bool finite;     /* beyond the greatest finite number comes that number (satfinite) */
    bool not_below_zero; /* relu: negative numbers become 0 */
} ptx_fitting;

/* type: f64, f32, f16, bf16, tf32, e4m3, e5m2, or an integer. flush: subnormals are read as zeros. */
ptx_number ptx_number_read(ptx_type type, uint64_t bits, bool flush);
uint64_t ptx_number_write(ptx_type type, ptx_number number, ptx_fitting fitting);

ptx_number ptx_number_add(ptx_number a, ptx_number b, ptx_rounding rounding); /* of zeros of two signs: -0 only when rounding down */
ptx_number ptx_number_multiply(ptx_number a, ptx_number b);
ptx_number ptx_number_divide(ptx_number a, ptx_number b);
ptx_number ptx_number_root(ptx_number a);
ptx_number ptx_number_whole(ptx_number a, ptx_rounding rounding); /* rounded to an integer, the sign kept */
ptx_number ptx_number_negate(ptx_number a);
int32_t ptx_number_compare(ptx_number a, ptx_number b); /* -1, 0, 1; 2: one is NaN. Zeros are equal. */
#endif
