/* SPDX-License-Identifier: Apache-2.0
 * Exact numbers, rounded once, against the processor's own arithmetic in each of its four directions, bit by bit. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "exec/number.h"

enum { TRIES = 200000 };
static const int directions[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
static const ptx_rounding roundings[4] = {PTX_TO_EVEN, PTX_TO_ZERO, PTX_DOWN, PTX_UP};

static uint64_t state = 88172645463325252u;
static uint64_t roll(void) {
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Random bits, of which every other has an exponent near that of one or at an end, or few digits. */
static uint64_t bits_of_a_float(int32_t fraction, int32_t exponent) {
    uint64_t all = (UINT64_C(1) << exponent) - 1, e = roll() & all, f = roll() & ((UINT64_C(1) << fraction) - 1), bias = all >> 1;
    switch (roll() % 8) {
    case 0: e = bias - 3 + roll() % 7; break;
    case 1: e = roll() % 3; break;
    case 2: e = all - roll() % 3; break;
    case 3: f = roll() % 3 == 0 ? 0 : (UINT64_C(1) << (roll() % (uint64_t)fraction)); break;
    case 4: f = ((UINT64_C(1) << fraction) - 1) - roll() % 2; break;
    case 5: e = bias - 3 + roll() % 7, f = roll() % 4; break;
    default: break;
    }
    return ((roll() & 1) << exponent | e) << fraction | f;
}

static float as_float(uint64_t bits) { return pgd_float_of_bits((uint32_t)bits); }
static double as_double(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
static uint64_t of_double(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void same(ptx_type type, const char *what, int32_t direction, uint64_t a, uint64_t b, uint64_t c, uint64_t got, uint64_t wanted) {
    bool nan = type == PTX_f64 ? isnan(as_double(wanted)) : isnan(as_float(wanted));
    uint64_t gpu = type == PTX_f64 ? UINT64_C(0x7ff8000000000000) : 0x7fffffff;
    if (nan) wanted = gpu;
    if (got != wanted) print_message("%s direction %d of %llx %llx %llx is %llx, not %llx\n", what, direction, (unsigned long long)a, (unsigned long long)b, (unsigned long long)c, (unsigned long long)got, (unsigned long long)wanted);
    assert_true(got == wanted);
}

static uint64_t write(ptx_type type, ptx_number n, ptx_rounding rounding) { return ptx_number_write(type, n, (ptx_fitting){.rounding = rounding}); }

static void singles_are_those_of_the_processor(void **unused) {
    for (int32_t i = 0; i < TRIES; i++) {
        uint64_t x = bits_of_a_float(23, 8), y = bits_of_a_float(23, 8), z = bits_of_a_float(23, 8);
        ptx_number a = ptx_number_read(PTX_f32, x, false), b = ptx_number_read(PTX_f32, y, false), c = ptx_number_read(PTX_f32, z, false);
        int32_t d = i % 4;
        volatile float p = as_float(x), q = as_float(y), r = as_float(z), sum, product, fused, quotient, root;
        fesetround(directions[d]);
        sum = p + q, product = p * q, fused = fmaf(p, q, r), quotient = p / q, root = sqrtf(p);
        fesetround(FE_TONEAREST);
        same(PTX_f32, "sum", d, x, y, 0, write(PTX_f32, ptx_number_add(a, b, roundings[d]), roundings[d]), pgd_float_bits(sum));
        same(PTX_f32, "product", d, x, y, 0, write(PTX_f32, ptx_number_multiply(a, b), roundings[d]), pgd_float_bits(product));
        same(PTX_f32, "fma", d, x, y, z, write(PTX_f32, ptx_number_add(ptx_number_multiply(a, b), c, roundings[d]), roundings[d]), pgd_float_bits(fused));
        same(PTX_f32, "quotient", d, x, y, 0, write(PTX_f32, ptx_number_divide(a, b), roundings[d]), pgd_float_bits(quotient));
        same(PTX_f32, "root", d, x, 0, 0, write(PTX_f32, ptx_number_root(a), roundings[d]), pgd_float_bits(root));
        assert_int_equal(ptx_number_compare(a, b), isnan(p) || isnan(q) ? 2 : p < q ? -1 : p > q);
    }
}

static void doubles_are_those_of_the_processor(void **unused) {
    for (int32_t i = 0; i < TRIES; i++) {
        uint64_t x = bits_of_a_float(52, 11), y = bits_of_a_float(52, 11), z = bits_of_a_float(52, 11);
        if (i % 3 == 0) { /* a fused sum that almost vanishes */
            volatile double product = as_double(x) * as_double(y);
            z = of_double(-product) + roll() % 3 - 1;
        }
        ptx_number a = ptx_number_read(PTX_f64, x, false), b = ptx_number_read(PTX_f64, y, false), c = ptx_number_read(PTX_f64, z, false);
        int32_t d = i % 4;
        volatile double p = as_double(x), q = as_double(y), r = as_double(z), sum, product, fused, quotient, root;
        fesetround(directions[d]);
        sum = p + q, product = p * q, fused = fma(p, q, r), quotient = p / q, root = sqrt(p);
        fesetround(FE_TONEAREST);
        same(PTX_f64, "sum", d, x, y, 0, write(PTX_f64, ptx_number_add(a, b, roundings[d]), roundings[d]), of_double(sum));
        same(PTX_f64, "product", d, x, y, 0, write(PTX_f64, ptx_number_multiply(a, b), roundings[d]), of_double(product));
        same(PTX_f64, "fma", d, x, y, z, write(PTX_f64, ptx_number_add(ptx_number_multiply(a, b), c, roundings[d]), roundings[d]), of_double(fused));
        same(PTX_f64, "quotient", d, x, y, 0, write(PTX_f64, ptx_number_divide(a, b), roundings[d]), of_double(quotient));
        same(PTX_f64, "root", d, x, 0, 0, write(PTX_f64, ptx_number_root(a), roundings[d]), of_double(root));
    }
}

static void conversions_are_those_of_the_processor(void **unused) {
    for (int32_t i = 0; i < TRIES; i++) {
        uint64_t x = bits_of_a_float(52, 11), n = roll() >> roll() % 64;
        int32_t d = i % 4;
        volatile double p = as_double(x);
        volatile int64_t whole = (int64_t)n;
        volatile uint64_t natural = n;
        volatile float narrowed, of_whole, of_natural;
        volatile double rounded;
        fesetround(directions[d]);
        narrowed = (float)p, of_whole = (float)whole, of_natural = (float)natural, rounded = rint(p);
        fesetround(FE_TONEAREST);
        same(PTX_f32, "narrowed", d, x, 0, 0, write(PTX_f32, ptx_number_read(PTX_f64, x, false), roundings[d]), pgd_float_bits(narrowed));
        same(PTX_f32, "of s64", d, n, 0, 0, write(PTX_f32, ptx_number_read(PTX_s64, n, false), roundings[d]), pgd_float_bits(of_whole));
        same(PTX_f32, "of u64", d, n, 0, 0, write(PTX_f32, ptx_number_read(PTX_u64, n, false), roundings[d]), pgd_float_bits(of_natural));
        same(PTX_f64, "rounded", d, x, 0, 0, write(PTX_f64, ptx_number_whole(ptx_number_read(PTX_f64, x, false), roundings[d]), roundings[d]), of_double(rounded));
        if (fabs(rounded) < 0x1p31) assert_true((int32_t)write(PTX_s32, ptx_number_read(PTX_f64, x, false), roundings[d]) == (int32_t)rounded);
        if (fabs(rounded) < 0x1p63) assert_true((int64_t)write(PTX_s64, ptx_number_read(PTX_f64, x, false), roundings[d]) == (int64_t)rounded);
    }
}

/* Every half there is, there and back; and every float rounded to one, as the library's own conversion does it. */
static void halves_are_those_of_the_library(void **unused) {
    for (uint32_t h = 0; h < 65536; h++) {
        uint64_t wide_f16 = write(PTX_f32, ptx_number_read(PTX_f16, h, false), PTX_TO_EVEN), wide_bf16 = write(PTX_f32, ptx_number_read(PTX_bf16, h, false), PTX_TO_EVEN);
        same(PTX_f32, "of f16", 0, h, 0, 0, wide_f16, pgd_float_bits(pgd_float_of_f16((uint16_t)h)));
        same(PTX_f32, "of bf16", 0, h, 0, 0, wide_bf16, pgd_float_bits(pgd_float_of_bf16((uint16_t)h)));
    }
    for (int32_t i = 0; i < TRIES; i++) {
        uint64_t x = bits_of_a_float(23, 8);
        if (i % 2 == 0) x = (x & 0x807fffff) | (0x70 - 12 + roll() % 44) << 23; /* where halves are */
        if (isnan(as_float(x))) continue;
        ptx_number n = ptx_number_read(PTX_f32, x, false);
        assert_int_equal(write(PTX_f16, n, PTX_TO_EVEN), pgd_f16_of_float(as_float(x)));
        assert_int_equal(write(PTX_bf16, n, PTX_TO_EVEN), pgd_bf16_of_float(as_float(x)));
    }
}

/* Values typed from the manual and from the OCP specification of 8-bit floats. */
static void what_no_processor_tells(void **unused) {
    static const struct {
        ptx_type from, to;
        uint64_t bits;
        ptx_fitting fitting;
        uint64_t wanted;
    } cases[] = {
        {PTX_f32, PTX_e4m3, 0x43e00000, {.finite = true}, 0x7e},          /* 448, the greatest */
        {PTX_f32, PTX_e4m3, 0x7f800000, {.finite = true}, 0x7e},          /* infinity */
        {PTX_f32, PTX_e4m3, 0x7fc00000, {.finite = true}, 0x7f},          /* NaN */
        {PTX_f32, PTX_e4m3, 0x3b000000, {.finite = true}, 0x01},          /* 2^-9, the least */
        {PTX_f32, PTX_e5m2, 0x47600000, {.finite = true}, 0x7b},          /* 57344 */
        {PTX_f32, PTX_e5m2, 0x7f800000, {.finite = true}, 0x7b},
        {PTX_f32, PTX_e5m2, 0x37800000, {.finite = true}, 0x01},          /* 2^-16 */
        {PTX_f32, PTX_tf32, 0x3f801000, {.rounding = PTX_TIES_AWAY}, 0x3f802000}, /* half of the last digit, away from zero */
        {PTX_f32, PTX_tf32, 0x3f801000, {.rounding = PTX_TO_EVEN}, 0x3f800000},
        {PTX_f32, PTX_f32, 0x40000000, {.saturate = true}, 0x3f800000},   /* 2 becomes 1 */
        {PTX_f32, PTX_f32, 0xbf800000, {.saturate = true}, 0},
        {PTX_f32, PTX_f32, 0x7fc00000, {.saturate = true}, 0},            /* NaN becomes +0 */
        {PTX_f32, PTX_f32, 0x80000001, {.flush = true}, 0x80000000},
        {PTX_f32, PTX_f16, 0xbf800000, {.not_below_zero = true}, 0},
        {PTX_f32, PTX_s32, 0x7fc00000, {.rounding = PTX_TO_ZERO}, 0},     /* NaN */
        {PTX_f32, PTX_s32, 0x4f000000, {.rounding = PTX_TO_ZERO}, 0x7fffffff}, /* 2^31 */
        {PTX_f32, PTX_s32, 0xff800000, {.rounding = PTX_TO_ZERO}, 0x80000000},
        {PTX_f32, PTX_u8, 0x43960000, {.rounding = PTX_TO_ZERO}, 255},    /* 300 */
        {PTX_f32, PTX_u32, 0xbf800000, {.rounding = PTX_TO_ZERO}, 0},
        {PTX_f64, PTX_u64, 0x43f0000000000000, {.rounding = PTX_TO_ZERO}, UINT64_MAX}, /* 2^64 */
        {PTX_e4m3, PTX_f32, 0x7e, {0}, 0x43e00000},
        {PTX_e4m3, PTX_f32, 0x7f, {0}, 0x7fffffff},
        {PTX_e5m2, PTX_f32, 0x7c, {0}, 0x7f800000},
        {PTX_s8, PTX_s32, 0x80, {0}, 0xffffff80},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t got = ptx_number_write(cases[i].to, ptx_number_read(cases[i].from, cases[i].bits, false), cases[i].fitting);
        if (got != cases[i].wanted) print_message("%s %llx as %s is %llx, not %llx\n", ptx_types[cases[i].from].name, (unsigned long long)cases[i].bits, ptx_types[cases[i].to].name, (unsigned long long)got, (unsigned long long)cases[i].wanted);
        assert_true(got == cases[i].wanted);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(singles_are_those_of_the_processor), cmocka_unit_test(doubles_are_those_of_the_processor), cmocka_unit_test(conversions_are_those_of_the_processor),
        cmocka_unit_test(halves_are_those_of_the_library),    cmocka_unit_test(what_no_processor_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
