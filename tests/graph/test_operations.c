/* SPDX-License-Identifier: Apache-2.0
 * What operations mean, in numbers that come from elsewhere: NumPy, and functions in forty digits. */
#include <math.h>
#include <pagoda/engine.h>

#include "reference.h"

enum { MOST = 8 };

typedef struct known {
    pgd_op op;
    int64_t count;
    double a[MOST], b[MOST], y[MOST];
} known;

static const known elementwise[] = {
    {PGD_OP_GELU, 7, {-30.0, -12.5, -5.0, -1.0, -0.125, 0.5, 3.0}, {0}, {-1.472014178144456e-196, -4.6657053735971418e-35, -1.4332578593959695e-06, -0.15865525393145705, -0.056282721896235885, 0.34573123063700656, 2.9959503059051098}},
    {PGD_OP_EXPM1, 6, {-20.0, -1.0, -1e-09, 1e-12, 0.25, 3.0}, {0}, {-0.99999999793884642, -0.63212055882855767, -9.9999999949999999e-10, 1.0000000000005e-12, 0.28402541668774151, 19.085536923187668}},
    {PGD_OP_LOG1P, 6, {-0.75, -1e-09, 1e-12, 0.25, 3.0, 1e+20}, {0}, {-1.3862943611198906, -1.0000000005000001e-09, 9.9999999999949996e-13, 0.22314355131420976, 1.3862943611198906, 46.051701859880914}},
    {PGD_OP_TAN, 5, {-1.5, -0.5, 1.0, 4.0, 100000.5}, {0}, {-14.101419947171719, -0.54630248984379048, 1.5574077246549023, 1.1578212823495775, 0.50074519000854567}},
    {PGD_OP_ASIN, 5, {-1.0, -0.75, -0.25, 0.5, 0.999}, {0}, {-1.5707963267948966, -0.848062078981481, -0.25268025514207865, 0.52359877559829893, 1.5260712396261631}},
    {PGD_OP_ACOS, 5, {-1.0, -0.75, -0.25, 0.5, 0.999}, {0}, {3.1415926535897931, 2.4188584057763776, 1.8234765819369754, 1.0471975511965979, 0.044725087168733454}},
    {PGD_OP_ATAN, 5, {-10000000000.0, -1.0, -0.25, 0.5, 3.0}, {0}, {-1.5707963266948965, -0.78539816339744828, -0.24497866312686414, 0.46364760900080609, 1.2490457723982544}},
    {PGD_OP_ROUND, 7, {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.500001}, {0}, {-2, -2, -0, 0, 2, 2, 3}},
    {PGD_OP_TRUNC, 6, {-2.5, -1.999, -0.5, 0.5, 1.999, 2.5}, {0}, {-2, -1, -0, 0, 1, 2}},
    {PGD_OP_MOD, 7, {7.5, -7.5, 7.5, -7.5, -6, 1, -1}, {2, 2, -2, -2, 3, 1e+30, 1e+30}, {1.5, 0.5, -0.5, -1.5, 0, 1, 1e+30}},
};

static void functions_of_one_and_two_numbers(void **unused) {
    for (size_t i = 0; i < sizeof elementwise / sizeof *elementwise; i++)
        for (int64_t k = 0; k < elementwise[i].count; k++) {
            const known *e = &elementwise[i];
            double got = pgd_scalar_float(e->op, e->a[k], e->b[k], 0);
            check(fabs(got - e->y[k]) <= 3e-13 * fabs(e->y[k]), "%s(%.17g, %.17g) is %.17g, not %.17g", pgd_op_name(e->op), e->a[k], e->b[k], got, e->y[k]);
        }
}

static void tests_and_whole_numbers(void **unused) {
    static const int64_t mod[][3] = {{7, 3, 1}, {-7, 3, 2}, {7, -3, -2}, {-7, -3, -1}, {6, 3, 0}, {-6, 3, 0}, {5, 0, 0}, {INT64_MIN, -1, 0}}; /* NumPy */
    for (size_t i = 0; i < sizeof mod / sizeof *mod; i++) assert_true(pgd_scalar_int(PGD_OP_MOD, mod[i][0], mod[i][1], 0) == mod[i][2]);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 2; b++) assert_true(pgd_scalar_int(PGD_OP_XOR, a, b, 0) == (a != b));
    assert_true(pgd_scalar_float(PGD_OP_ISNAN, NAN, 0, 0) == 1 && pgd_scalar_float(PGD_OP_ISNAN, INFINITY, 0, 0) == 0);
    assert_true(pgd_scalar_float(PGD_OP_ISINF, -INFINITY, 0, 0) == 1 && pgd_scalar_float(PGD_OP_ISINF, NAN, 0, 0) == 0 && pgd_scalar_float(PGD_OP_ISINF, 3, 0, 0) == 0);
    assert_true(pgd_scalar_float(PGD_OP_MOD, -1, INFINITY, 0) == INFINITY && isnan(pgd_scalar_float(PGD_OP_MOD, 1, 0, 0)));
    assert_true(signbit(pgd_scalar_float(PGD_OP_MOD, 6, -3, 0)) && !signbit(pgd_scalar_float(PGD_OP_MOD, -6, 3, 0)));
    assert_true(pgd_scalar_float(PGD_OP_GELU, -INFINITY, 0, 0) == 0 && pgd_scalar_float(PGD_OP_GELU, INFINITY, 0, 0) == INFINITY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_of_one_and_two_numbers), cmocka_unit_test(tests_and_whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
