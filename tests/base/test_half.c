/* SPDX-License-Identifier: Apache-2.0
 * 16-bit floats: every value there and back, and rounding against the compiler's own half type. */
#include <base_share.h>
#include <math.h>

#include "check.h"

static void every_half_comes_back(void **unused) {
    for (uint32_t i = 0; i < 65536; i++) {
        float f16 = pgd_float_of_f16((uint16_t)i), bf16 = pgd_float_of_bf16((uint16_t)i);
        if ((i & 0x7fff) <= 0x7c00) check(pgd_f16_of_float(f16) == i, "f16 %04x is %g, which is %04x", i, (double)f16, pgd_f16_of_float(f16));
        if ((i & 0x7fff) > 0x7c00) check(f16 != f16 && pgd_float_of_f16(pgd_f16_of_float(f16)) != f16, "f16 NaN %04x", i);
        if ((i & 0x7fff) <= 0x7f80) check(pgd_bf16_of_float(bf16) == i, "bf16 %04x is %g", i, (double)bf16);
        if ((i & 0x7fff) > 0x7f80) check(bf16 != bf16 && (pgd_bf16_of_float(bf16) & 0x7fff) > 0x7f80, "bf16 NaN %04x", i);
    }
    assert_true(pgd_float_of_f16(0x3c00) == 1 && pgd_float_of_f16(0xc000) == -2 && pgd_float_of_f16(1) == 0x1p-24f && pgd_float_of_f16(0x7bff) == 65504 && isinf(pgd_float_of_f16(0xfc00)));
    assert_true(pgd_float_of_bf16(0x3f80) == 1 && pgd_float_of_bf16(0x4049) == 3.140625f);
}

/* The nearest of two neighbours, the even one of equals: bf16 is the upper half of the bits. */
static uint16_t nearest_bf16(float x) {
    uint32_t bits = pgd_float_bits(x), low = bits >> 16, rest = bits & 0xffff;
    return (uint16_t)(rest > 0x8000 || (rest == 0x8000 && (low & 1) != 0) ? low + 1 : low);
}

static void floats_round_to_the_nearest_even(void **unused) {
    uint64_t rolled = 3;
    for (int i = 0; i < 2000000; i++) {
        rolled = rolled * 6364136223846793005u + 1442695040888963407u;
        uint32_t bits = (uint32_t)(rolled >> 32);
        if (i % 4 == 1) bits = (bits & 0x807fffff) | (0x33000000 + (bits >> 8 & 0x0f) * 0x00800000); /* f16's subnormals and least normals */
        if (i % 4 == 2) bits &= 0xfffff000;                                                          /* exactly between two */
        float x = pgd_float_of_bits(bits);
        if (x != x) continue;
        check(pgd_bf16_of_float(x) == nearest_bf16(x), "bf16 of %a is %04x, not %04x", (double)x, pgd_bf16_of_float(x), nearest_bf16(x));
#if defined(__FLT16_MAX__)
        _Float16 half = (_Float16)x;
        uint16_t want;
        memcpy(&want, &half, sizeof want);
        check(pgd_f16_of_float(x) == want, "f16 of %a is %04x, not %04x", (double)x, pgd_f16_of_float(x), want);
#endif
    }
    assert_int_equal(pgd_f16_of_float(65519.996f), 0x7bff);
    assert_int_equal(pgd_f16_of_float(65520), 0x7c00);
    assert_int_equal(pgd_f16_of_float(-1e-8f), 0x8000);
    assert_int_equal(pgd_f16_of_float(0x1.8p-24f), 2); /* between 1 and 2 */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_half_comes_back), cmocka_unit_test(floats_round_to_the_nearest_even)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
