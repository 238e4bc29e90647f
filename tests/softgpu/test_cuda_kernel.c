/* SPDX-License-Identifier: Apache-2.0
 * pagoda/cuda_kernel.h: kernels/header.cu uses each of its functions, and here the host computes the same: exactly where CUDA is exact, with the C library's long double and errors in units of
 * the last place elsewhere. The bounds are those that cuda_kernel_math.h promises. */
#include <fenv.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "exec/gpu_heap.h"
#include "exec/vector.h"
#include "marked_line.h"
#include "program_fixture.h"

static pgd_pool *pool;
static gpu_heap heap;
static char said[4096];
static size_t said_bytes;

static void say(void *unused, const char *text, size_t bytes) {
    if (said_bytes + bytes < sizeof said) memcpy(said + said_bytes, text, bytes), said_bytes += bytes;
}

static int begin(void **unused) {
    load_file("header.ptx", 1 << 28);
    heap = (gpu_heap){.memory = memory, .claim = 7, .bytes = 65536};
    return pool == NULL && pgd_pool_create(2, &pool) != PGD_OK ? -1 : 0;
}

static int tear_down(void **unused) {
    pgd_pool_destroy(pool);
    return 0;
}

static pgd_status launch(const char *kernel, const uint32_t *grid, const uint32_t *block, const void *parameters, uint32_t shared_bytes) {
    gpu_services services = {.print = say, .heap = &heap};
    gpu_launch l = {.program = &program, .kernel = ptx_function_find(module, kernel), .grid = {grid[0], grid[1], grid[2]}, .block = {block[0], block[1], block[2]}, .parameters = parameters, .dynamic_shared_bytes = shared_bytes, .instruction_limit = UINT64_C(20000000000), .services = &services};
    if (l.kernel == NULL) fail_msg("no kernel %s", kernel);
    return gpu_vector_run(&l, pool, &fault);
}

static void runs(const char *kernel, uint32_t blocks, uint32_t threads, const void *parameters) {
    if (launch(kernel, (uint32_t[3]){blocks, 1, 1}, (uint32_t[3]){threads, 1, 1}, parameters, 0) != PGD_OK) fail_msg("%s: %s", kernel, pgd_error_text());
}

static uint64_t random_state = 1;
static uint64_t random_bits(void) { /* xorshift64* */
    random_state ^= random_state >> 12, random_state ^= random_state << 25, random_state ^= random_state >> 27;
    return random_state * UINT64_C(2685821657736338717);
}
static double random_between(double low, double high) { return low + (high - low) * (double)(random_bits() >> 11) * 0x1p-53; }

/* ---- functions of numbers -------------------------------------------------------------------------------------------------------------------------------------------------- */

static const long double pi = 3.14159265358979323846264338327950288L;
static long double rsqrt_of(long double x) { return 1 / sqrtl(x); }
static long double rcbrt_of(long double x) { return 1 / cbrtl(x); }
static long double sine_of_turns(long double x) { /* sin(pi x) */
    long double r = fmodl(x, 2), a = fabsl(r);
    if (a == rintl(a)) return copysignl(0, x);
    if (a > 1) return (a > 1.5L ? sinl((a - 2) * pi) : -sinl((a - 1) * pi)) * (x < 0 ? -1 : 1);
    return (a > 0.5L ? sinl((1 - a) * pi) : sinl(a * pi)) * (x < 0 ? -1 : 1);
}
static long double cosine_of_turns(long double x) {
    long double a = fabsl(fmodl(x, 2));
    if (a > 1) a = 2 - a;
    if (a == 0.5L) return 0;
    return a < 0.25L ? cosl(a * pi) : a > 0.75L ? -cosl((1 - a) * pi) : sinl((0.5L - a) * pi);
}
static long double power_of(long double x, long double y) { return isinf(x) ? pow((double)x, (double)y) : powl(x, y); } /* glibc 2.36: powl(-INFINITY, -0x1p63) is infinite */
static long double quotient_of(long double x, long double y) { return x / y; }

/* name, of the host, bound for float, bound for double, arguments that deserve more of them */
#define FUNCTION_LIST(X)                                                                                                                                                 \
    X(sqrt, sqrtl, 0.5, 0.5, 0, 2) X(fabs, fabsl, 0, 0, -2, 2) X(floor, floorl, 0, 0, -9, 9) X(ceil, ceill, 0, 0, -9, 9) X(trunc, truncl, 0, 0, -9, 9)                   \
    X(rint, rintl, 0, 0, -9, 9) X(nearbyint, nearbyintl, 0, 0, -9, 9) X(round, roundl, 0, 0, -9, 9)                                                                      \
    X(exp, expl, 1, 1, -750, 710) X(exp2, exp2l, 1, 1, -1080, 1025) X(exp10, exp10l, 2, 1, -325, 309) X(expm1, expm1l, 0.51, 1, -2, 2)                                   \
    X(sinh, sinhl, 0.51, 2, -3, 3) X(cosh, coshl, 0.51, 2, -3, 3) X(tanh, tanhl, 2, 2, -3, 3)                                                                            \
    X(log, logl, 1, 1, 0.5, 2) X(log2, log2l, 0.51, 1, 0.5, 2) X(log10, log10l, 0.51, 1, 0.5, 2) X(log1p, log1pl, 0.51, 1, -1, 3)                                        \
    X(cbrt, cbrtl, 0.51, 0.6, -9, 9) X(rcbrt, rcbrt_of, 0.51, 2, -9, 9) X(rsqrt, rsqrt_of, 2, 1, 0, 9)                                                                   \
    X(sin, sinl, 0.51, 1, -99, 99) X(cos, cosl, 0.51, 1, -99, 99) X(tan, tanl, 0.51, 1, -99, 99)                                                                         \
    X(sinpi, sine_of_turns, 0.51, 1, -9, 9) X(cospi, cosine_of_turns, 0.51, 1, -9, 9)                                                                                    \
    X(asin, asinl, 0.51, 2, -1, 1) X(acos, acosl, 0.51, 2, -1, 1) X(atan, atanl, 0.51, 2, -9, 9)                                                                         \
    X(asinh, asinhl, 0.51, 2, -9, 9) X(acosh, acoshl, 0.51, 2, 1, 9) X(atanh, atanhl, 0.51, 2, -1, 1)                                                                    \
    X(erf, erfl, 0.51, 2, -6, 6) X(erfc, erfcl, 0.51, 4, -3, 28)
#define FUNCTION_2_LIST(X)                                                                                                                                               \
    X(fmin, fminl, 0, 0, -9, 9) X(fmax, fmaxl, 0, 0, -9, 9) X(copysign, copysignl, 0, 0, -9, 9) X(fdim, fdiml, 0.5, 0.5, -9, 9) X(fmod, fmodl, 0, 0, -99, 99)            \
    X(pow, power_of, 0.51, 1, 0, 40) X(hypot, hypotl, 0.51, 0.6, -9, 9) X(atan2, atan2l, 0.51, 2, -9, 9)

typedef struct function {
    const char *name;
    long double (*one)(long double);
    long double (*two)(long double, long double);
    double bounds[2]; /* of float, of double */
    double low, high;
} function;
#define ONE(name, host, bound_32, bound_64, low, high) {#name, host, NULL, {bound_32, bound_64}, low, high},
#define TWO(name, host, bound_32, bound_64, low, high) {#name, NULL, host, {bound_32, bound_64}, low, high},
static const function functions[] = {FUNCTION_LIST(ONE) FUNCTION_2_LIST(TWO){"fdivide", NULL, quotient_of, {0.5, -1}, -9, 9}};

/* Distance from what it should be, in units of the last place there. */
static double error_of(double got, long double wanted, bool wide) {
    int digits = wide ? 53 : 24, least = wide ? -1074 : -149, exponent;
    long double most = wide ? DBL_MAX : FLT_MAX, beyond = ldexpl(1, wide ? 1024 : 128);
    if (isnan(wanted) || isnan(got)) return isnan(wanted) && isnan(got) ? 0 : INFINITY;
    if (wanted == 0 && got == 0) return !signbit(wanted) == !signbit(got) ? 0 : INFINITY;
    if (isinf(wanted)) return got == wanted ? 0 : INFINITY;
    if (isinf(got) && fabsl(wanted) > most - ldexpl(most, -digits) && !signbit(got) == !signbit(wanted)) return (double)((beyond - fminl(fabsl(wanted), beyond)) / ldexpl(beyond, -digits));
    if (fabsl(wanted) >= beyond) return INFINITY;
    (void)frexpl(wanted, &exponent);
    int place = wanted == 0 || exponent - digits < least ? least : exponent - digits;
    return (double)(fabsl(got - wanted) / ldexpl(1, place));
}

enum { COUNT = 1 << 16 };
static double arguments[2][COUNT], results[COUNT];
static float narrow[COUNT];
static const double special[] = {0, 1, 2, 3, 0.5, 1.5, 2.5, 4, 10, 0.25, 0.75, 22, 64, 88.72283, 88.72284, 103.97, 104, 126, 127, 128, 149, 150, 709.78271289, 709.782712893, 745.13, 745.14, 1023, 1024, 1074, 1075,
                                 16777216, 16777217, 4503599627370497.0, 9007199254740993.0, 0x1p31, 0x1p32, 0x1p63, 0x1p64, 1e10, 1e22, 1e38, 1e300, 0x1p-126, 0x1p-127, 0x1p-149, 0x1p-1022, 0x1p-1074, 0x1.fffffep127,
                                 DBL_MAX, 0x1.921fb54442d18p+0, 0x1.921fb54442d18p+1, 0x1.6ac5b262ca1ffp+849, 6381956970095103.0 * 0x1p797, 0x1.921fb6p0, 0.999999940395355, 1 - 0x1p-53, 1 + 0x1p-52, 1.00000011920929,
                                 0x1.39c6fd67805a7p+19, 0x1.d12ed0af1a27fp-1, 1e-5, 1e-10, 1e-20, 1e-40, 1e-310, INFINITY, NAN};
#define SPECIALS (sizeof special / sizeof special[0])

/* Each special number with both signs (each with each, for two arguments); then bits at random, numbers of the usual sizes, numbers where the function is at home, near whole quarters of pi, near one. */
static double argument(const function *f, bool wide, int i, int which) {
    size_t n = 2 * SPECIALS, k = (size_t)i;
    double x;
    if (f->two != NULL && k < n * n) k = which == 0 ? k % n : k / n;
    if (f->two == NULL ? k < n : (size_t)i < n * n) x = k % 2 == 0 ? special[k / 2] : -special[k / 2];
    else if (i % 8 == 0) {
        uint64_t bits = random_bits();
        uint32_t half = (uint32_t)bits;
        float y;
        memcpy(&x, &bits, 8);
        memcpy(&y, &half, 4);
        if (!wide) x = y;
    } else if (i % 8 == 1) x = ldexp(random_between(-2, 2), (int)(random_bits() % 40) - 20);
    else if (i % 8 == 2) x = (double)(int)(random_bits() % 100000) * 0x1.921fb54442d18p+0 * (1 + random_between(-1, 1) * 0x1p-45);
    else if (i % 8 == 3) x = 1 + random_between(-0.1, 0.1);
    else x = random_between(f->low, f->high);
    return wide ? x : (double)(float)x;
}

static void check_function(const function *f, bool wide) {
    char kernel[64];
    double worst = 0;
    int worst_at = 0;
    bool either_zero = strcmp(f->name, "fmin") == 0 || strcmp(f->name, "fmax") == 0; /* of 0 and -0 they may give any */
    size_t bytes = (wide ? sizeof(double) : sizeof(float)) * COUNT;
    uint64_t places[3];
    snprintf(kernel, sizeof kernel, "%s_%s", wide ? "f64" : "f32", f->name);
    for (int which = 0; which < (f->two == NULL ? 1 : 2); which++) {
        for (int i = 0; i < COUNT; i++) arguments[which][i] = argument(f, wide, i, which), narrow[i] = (float)arguments[which][i];
        places[which] = device(wide ? (void *)arguments[which] : narrow, bytes);
    }
    places[2] = device(NULL, bytes);
    struct { uint64_t x, y; int32_t n; } one = {places[0], places[2], COUNT};
    struct { uint64_t x, z, y; int32_t n; } two = {places[0], places[1], places[2], COUNT};
    runs(kernel, COUNT / 256, 256, f->two == NULL ? (void *)&one : &two);
    host(wide ? (void *)results : narrow, places[2], bytes);
    for (int i = 0; i < COUNT; i++) {
        double x = arguments[0][i], z = arguments[1][i], got = wide ? results[i] : (double)narrow[i];
        long double wanted = f->two == NULL ? f->one(x) : f->two(x, z);
        double error = error_of(got, wanted, wide);
        if (either_zero && got == 0 && wanted == 0) error = 0;
        if (error > worst) worst = error, worst_at = i;
    }
    if (getenv("PAGODA_SHOW_ERRORS") != NULL) print_message("%-14s %.4f at %a %a\n", kernel, worst, arguments[0][worst_at], f->two == NULL ? 0 : arguments[1][worst_at]);
    if (worst > f->bounds[wide]) fail_msg("%s(%a, %a) is %a: %.3f units of the last place wrong", kernel, arguments[0][worst_at], arguments[1][worst_at], wide ? results[worst_at] : (double)narrow[worst_at], worst);
    for (int i = 0; i < 3; i++)
        if (i != 1 || f->two != NULL) assert_int_equal(gpu_memory_free(memory, places[i]), PGD_OK);
}

static void functions_of_float_keep_their_bounds(void **unused) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) check_function(&functions[i], false);
}
static void functions_of_double_keep_their_bounds(void **unused) {
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        if (functions[i].bounds[1] >= 0) check_function(&functions[i], true);
}

/* Bits of doubles that are numbers of all sizes and both signs. */
static void fill(double *x, int n, double low, double high) {
    for (int i = 0; i < n; i++) x[i] = i < (int)(2 * SPECIALS - 4) ? (i % 2 == 0 ? special[i / 2] : -special[i / 2]) : i % 3 == 0 ? ldexp(random_between(-2, 2), (int)(random_bits() % 200) - 100) : random_between(low, high);
}

static void check_parts(bool wide) {
    enum { N = 4096 };
    static double x[N], y[6 * N], row[6];
    static float f[6 * N];
    static int32_t by[N], exponents[N];
    int exponent;
    fill(x, N, -100, 100);
    for (int i = 0; i < N; i++) {
        by[i] = i % 5 == 0 ? (int)random_bits() : (int)(random_bits() % 2400) - 1200;
        f[i] = (float)x[i];
        if (!wide) x[i] = f[i];
        if (i % 4 == 0) x[i] = f[i] = (float)ldexp(random_between(1, 2), -(int)(random_bits() % 24)), by[i] = -(wide ? 1023 : 127) - (int)(random_bits() % 4); /* becomes subnormal */
        if (i % 4 == 0 && wide) x[i] = ldexp(random_between(1, 2), -(int)(random_bits() % 40));
    }
    size_t bytes = wide ? sizeof(double) : sizeof(float);
    struct { uint64_t x, by, y, exponents; int32_t n; } p = {device(wide ? (void *)x : f, bytes * N), device(by, sizeof by), device(NULL, 6 * bytes * N), device(NULL, sizeof exponents), N};
    runs(wide ? "f64_parts" : "f32_parts", N / 64, 64, &p);
    host(wide ? (void *)y : f, p.y, 6 * bytes * N);
    host(exponents, p.exponents, sizeof exponents);
    for (int i = 0; i < N; i++) {
        float whole;
        for (int k = 0; k < 6; k++) row[k] = wide ? y[6 * i + k] : (double)f[6 * i + k];
        assert_true(error_of(row[0], sinl(x[i]), wide) <= (wide ? 1 : 0.51));
        assert_true(error_of(row[1], cosl(x[i]), wide) <= (wide ? 1 : 0.51));
        double expected = wide ? ldexp(x[i], by[i]) : (double)ldexpf((float)x[i], by[i]), rest;
        assert_true(error_of(row[5], expected, true) == 0);
        rest = modf(x[i], &expected);
        if (!wide) rest = modff((float)x[i], &whole), expected = whole;
        assert_true(error_of(row[2], rest, true) == 0);
        assert_true(error_of(row[3], expected, true) == 0);
        assert_true(error_of(row[4], frexp(x[i], &exponent), true) == 0);
        assert_int_equal(exponents[i], isfinite(x[i]) ? exponent : 0);
    }
}
static void parts_of_numbers_are_those_of_c(void **unused) { check_parts(false), check_parts(true); }

static void numbers_are_told_apart(void **unused) {
    enum { N = 256 };
    double x[N];
    float f[N];
    int32_t y[N];
    fill(x, N, -2, 2);
    x[200] = NAN, x[201] = INFINITY, x[202] = -INFINITY, x[203] = -0.0;
    for (int i = 0; i < N; i++) f[i] = (float)x[i];
    struct { uint64_t f, x, y; int32_t n; } p = {device(f, sizeof f), device(x, sizeof x), device(NULL, sizeof y), N};
    runs("classes", N / 64, 64, &p);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++)
        assert_int_equal(y[i], (isnan(f[i]) ? 1 : 0) + (isinf(f[i]) ? 2 : 0) + (isfinite(f[i]) ? 4 : 0) + (signbit(f[i]) ? 8 : 0) + (isnan(x[i]) ? 16 : 0) + (isinf(x[i]) ? 32 : 0) + (isfinite(x[i]) ? 64 : 0) + (signbit(x[i]) ? 128 : 0));
}

static void whole_numbers_are_rounded_as_c_does(void **unused) {
    enum { N = 1024 };
    double x[N];
    float f[N];
    int64_t y[8 * N];
    for (int i = 0; i < N; i++) x[i] = i < 64 ? (i - 32) * 0.5 : ldexp(random_between(-2, 2), (int)(random_bits() % 60)), f[i] = (float)x[i];
    struct { uint64_t f, x, y; int32_t n; } p = {device(f, sizeof f), device(x, sizeof x), device(NULL, sizeof y), N};
    runs("whole_numbers", N / 64, 64, &p);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++) {
        const int64_t expected[8] = {lrintf(f[i]), llrintf(f[i]), lroundf(f[i]), llroundf(f[i]), lrint(x[i]), llrint(x[i]), lround(x[i]), llround(x[i])};
        assert_memory_equal(&y[8 * i], expected, sizeof expected);
    }
}

static void approximations_are_near(void **unused) {
    enum { N = 1024, FAST = 14 };
    float x[N], z[N], y[FAST * N];
    for (int i = 0; i < N; i++) x[i] = (float)random_between(-3, 3), z[i] = (float)random_between(0.01, 9);
    struct { uint64_t x, z, y; int32_t n; } p = {device(x, sizeof x), device(z, sizeof z), device(NULL, sizeof y), N};
    runs("fast", N / 64, 64, &p);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++) {
        double a = x[i], b = z[i];
        const double expected[FAST] = {exp(a), pow(10, a), log(b), log2(b), log10(b), sin(a), cos(a), tan(a), pow(b, a), a / b, fmin(fmax(a, 0), 1), 1 / sqrt(b), sin(a), cos(a)};
        for (int k = 0; k < FAST; k++)
            if (!(fabs(y[FAST * i + k] - expected[k]) <= 2e-6 * fmax(1, fabs(expected[k])) * (k == 7 ? fmax(1, fabs(expected[k])) : 1))) fail_msg("number %d of (%a, %a): %g is not %g", k, a, b, y[FAST * i + k], expected[k]);
    }
}

/* ---- roundings ------------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static const int directions[4] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};

static void arithmetic_is_rounded_as_it_says(void **unused) {
    enum { N = 512 };
    double x[N], y[28 * N];
    float f[N], g[28 * N];
    for (int i = 0; i < N; i++) x[i] = ldexp(random_between(-2, 2), (int)(random_bits() % 12)), f[i] = (float)x[i];
    struct { uint64_t f, x, g, y; int32_t n; } p = {device(f, sizeof f), device(x, sizeof x), device(NULL, sizeof g), device(NULL, sizeof y), N};
    runs("rounded", N / 64, 64, &p);
    host(g, p.g, sizeof g);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++) {
        volatile float a = f[i], b = f[(i + 1) % N], c = f[(i + 2) % N], one = 1;
        volatile double q = x[i], r = x[(i + 1) % N], s = x[(i + 2) % N];
        for (int k = 0; k < 4; k++) {
            fesetround(directions[k]);
            const float wanted[7] = {a + b, a - b, a * b, a / b, fmaf(a, b, c), one / a, sqrtf(fabsf(a))};
            const double longer[7] = {q + r, q - r, q * r, q / r, fma(q, r, s), one / q, sqrt(fabs(q))};
            fesetround(FE_TONEAREST);
            assert_memory_equal(&g[28 * i + 7 * k], wanted, sizeof wanted);
            assert_memory_equal(&y[28 * i + 7 * k], longer, sizeof longer);
        }
    }
}

static int64_t clamped(long double x, long double low, long double high) { return x <= low ? (int64_t)low : x >= high ? (int64_t)(uint64_t)high : x < 0 ? (int64_t)x : (int64_t)(uint64_t)x; }

static void conversions_are_rounded_as_they_say(void **unused) {
    enum { N = 512 };
    double x[N], real[28 * N];
    int64_t l[N], whole[32 * N];
    for (int i = 0; i < N; i++) x[i] = i < 40 ? (i - 20) * 0.5 : ldexp(random_between(-2, 2), (int)(random_bits() % 66)), l[i] = (int64_t)random_bits() >> random_bits() % 64;
    struct { uint64_t x, l, whole, real; int32_t n; } p = {device(x, sizeof x), device(l, sizeof l), device(NULL, sizeof whole), device(NULL, sizeof real), N};
    runs("converted", N / 64, 64, &p);
    host(whole, p.whole, sizeof whole);
    host(real, p.real, sizeof real);
    for (int i = 0; i < N; i++) {
        volatile double d = x[i];
        volatile float f = (float)d;
        volatile int64_t v = l[i];
        for (int k = 0; k < 4; k++) {
            fesetround(directions[k]);
            volatile long double short_one = nearbyintl(f), long_one = nearbyintl(d);
            const double from[7] = {(float)(int32_t)v, (float)(uint32_t)v, (float)v, (float)(uint64_t)v, (double)v, (double)(uint64_t)v, (float)d};
            fesetround(FE_TONEAREST);
            for (int m = 0; m < 2; m++) {
                long double r = m == 0 ? short_one : long_one;
                const int64_t to[4] = {clamped(r, INT32_MIN, INT32_MAX), clamped(r, 0, UINT32_MAX), clamped(r, (long double)INT64_MIN, (long double)INT64_MAX), clamped(r, 0, (long double)UINT64_MAX)};
                assert_memory_equal(&whole[32 * i + 8 * k + 4 * m], to, sizeof to);
            }
            assert_memory_equal(&real[28 * i + 7 * k], from, sizeof from);
        }
    }
}

/* ---- bits ------------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static uint64_t reversed(uint64_t x, int bits) {
    uint64_t y = 0;
    for (int i = 0; i < bits; i++) y |= (x >> i & 1) << (bits - 1 - i);
    return y;
}
static uint32_t permuted(uint32_t a, uint32_t b, uint32_t selector) {
    uint64_t both = (uint64_t)b << 32 | a;
    uint32_t y = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t s = selector >> 4 * i & 15, byte = (uint32_t)(both >> 8 * (s & 7)) & 255;
        y |= (s & 8 ? (byte & 128 ? 255u : 0) : byte) << 8 * i;
    }
    return y;
}
static int32_t low_24(int32_t x) { return (int32_t)((uint32_t)x << 8) >> 8; }

static void bits_are_counted_and_moved(void **unused) {
    enum { N = 256, ROW = 36 };
    int64_t x[N], y[ROW * N];
    for (int i = 0; i < N; i++) x[i] = i < 2 ? -i : (int64_t)random_bits() >> random_bits() % 64;
    struct { uint64_t x, y; int32_t n; } p = {device(x, sizeof x), device(NULL, sizeof y), N};
    runs("bits", N / 64, 64, &p);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++) {
        int64_t l = x[i], m = x[(i + 1) % N];
        int32_t a = (int32_t)l, b = (int32_t)m;
        uint32_t u = (uint32_t)a, v = (uint32_t)b, w = (uint32_t)x[(i + 2) % N];
        uint64_t pair = (uint64_t)v << 32 | u;
        int32_t dots = (int32_t)w;
        uint32_t unsigned_dots = w;
        for (int k = 0; k < 4; k++) dots = (int32_t)((uint32_t)dots + (uint32_t)((int8_t)(a >> 8 * k) * (int8_t)(b >> 8 * k))), unsigned_dots += (u >> 8 * k & 255) * (v >> 8 * k & 255);
        const int64_t expected[ROW] = {
            __builtin_popcount(u), __builtin_popcountll((uint64_t)l), u == 0 ? 32 : __builtin_clz(u), l == 0 ? 64 : __builtin_clzll((uint64_t)l), __builtin_ffs(a), __builtin_ffsll(l), (int64_t)reversed(u, 32), (int64_t)reversed((uint64_t)l, 64),
            (int32_t)((int64_t)low_24(a) * low_24(b)), (uint32_t)((uint64_t)(u & 0xffffff) * (v & 0xffffff)), (int32_t)((int64_t)a * b >> 32), (int64_t)((uint64_t)u * v >> 32), (int64_t)((__int128)l * m >> 64),
            (int64_t)((unsigned __int128)(uint64_t)l * (uint64_t)m >> 64), permuted(u, v, w), (uint32_t)(llabs((int64_t)a - b) + w), (uint32_t)((u > v ? u - v : v - u) + w), (uint32_t)(pair << w % 32 >> 32), (uint32_t)(pair >> w % 32),
            w >= 32 ? u : (uint32_t)(pair << w >> 32), w >= 32 ? v : (uint32_t)(pair >> w), dots, unsigned_dots, a, u, l, (int32_t)(l >> 32), a, (int64_t)((uint64_t)u << 32 | v), a < b ? a : b, a > b ? a : b, u < v ? u : v, l > m ? l : m,
            u > v ? u : v, abs(a), labs(l) ^ llabs(m) ^ llabs(m)};
        for (int k = 0; k < ROW; k++)
            if (y[ROW * i + k] != expected[k]) fail_msg("number %d of %llx, %llx, %x: %llx is not %llx", k, (long long)l, (long long)m, w, (long long)y[ROW * i + k], (long long)expected[k]);
    }
}

/* ---- types, places, memory --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void overloads_give_what_c_plus_plus_gives(void **unused) {
    float f = 2.75f;
    double d = -1.25, y[32];
    struct { uint64_t y; float f; double d; int32_t i; } p = {device(NULL, sizeof y), f, d, 5};
    runs("overloads", 1, 1, &p);
    host(y, p.y, sizeof y);
    const double expected[32] = {sqrt(5), pow(f, 5), sqrtf(f), 125, f, f, fmaf(f, f, f), fmaf(f, f, 1), fma(d, d, d), 2.75, 1.25, 22, d, 1.5, d, f, 0.75, 2, 0.6875, 2, INFINITY, NAN, 3.14159265358979323846, FLT_MAX, DBL_EPSILON, 2147483647.0, INFINITY, 12, INFINITY, 3, 15, 16};
    for (int k = 0; k < 32; k++)
        if (error_of(y[k], expected[k], true) > 1) fail_msg("number %d: %a is not %a", k, y[k], expected[k]);
}

static void vectors_lie_as_cuda_says(void **unused) {
    static const int kinds[12][3] = {{1, 2, 4}, {1, 2, 4}, {2, 4, 8}, {2, 4, 8}, {4, 8, 16}, {4, 8, 16}, {8, 16, 16}, {8, 16, 16}, {8, 16, 16}, {8, 16, 16}, {4, 8, 16}, {8, 16, 16}}; /* an element; aligned: two, four */
    int32_t y[62];
    uint64_t at = device(NULL, sizeof y);
    runs("vectors", 1, 1, &at);
    host(y, at, sizeof y);
    for (int k = 0; k < 12; k++) {
        int one = kinds[k][0];
        const int32_t expected[5] = {one | one << 8, 2 * one | kinds[k][1] << 8, 3 * one | one << 8, 4 * one | kinds[k][2] << 8, 1 + 20 + 300 + 42};
        assert_memory_equal(&y[5 * k], expected, sizeof expected);
    }
    assert_int_equal(y[60], 2 * (1 + 2 + 4 + 8) + 8 + 8 + 8);
    assert_int_equal(y[61], 4 + 2 + 8);
}

static void threads_know_their_places(void **unused) {
    const uint32_t grid[3] = {3, 4, 2}, block[3] = {5, 2, 3};
    int32_t y[2 * 24 * 30];
    uint64_t at = device(NULL, sizeof y);
    assert_int_equal(launch("places", grid, block, &at, 0), PGD_OK);
    host(y, at, sizeof y);
    for (int i = 0; i < 24 * 30; i++) {
        int t = i % 30, b = i / 30;
        assert_int_equal(y[2 * i], t % 5 | t / 5 % 2 << 4 | t / 10 << 8 | b % 3 << 12 | b / 3 % 4 << 16 | b / 12 << 20 | 32 << 24);
        assert_int_equal(y[2 * i + 1], 5 | 2 << 4 | 3 << 8 | 3 << 12 | 4 << 16 | 2 << 20 | 3 << 24 | 1 << 28);
    }
}

static void memory_is_where_it_was_declared(void **unused) {
    enum { N = 64 };
    static const int table[4] = {2, 3, 5, 7};
    const uint32_t one[3] = {1, 1, 1}, threads[3] = {N, 1, 1};
    int32_t x[N], y[N + 1];
    for (int i = 0; i < N; i++) x[i] = i + 100;
    struct { uint64_t x, y; int32_t n; } p = {device(x, sizeof x), device(NULL, sizeof y), N};
    assert_int_equal(launch("spaces", one, threads, &p, 4 * N), PGD_OK);
    host(y, p.y, sizeof y);
    for (int i = 0; i < N; i++) assert_int_equal(y[i], x[N - 1 - i] + 1000 * x[i] + 1000000 * table[i % 4]);
    assert_int_equal(y[N], 6);
}

static void bytes_are_copied_and_filled(void **unused) {
    enum { N = 100 };
    char from[2 * N], to[4 * N] = {0}, expected[4 * N] = {0};
    for (int i = 0; i < 2 * N; i++) from[i] = (char)i;
    for (int i = 0; i < 4 * N; i++) to[i] = expected[i] = (char)(3 * i);
    struct { uint64_t to, from; int32_t n; } p = {device(to, sizeof to), device(from, sizeof from), N};
    runs("bytes", 1, 1, &p);
    memcpy(expected, from, N);
    memmove(expected + N + 3, expected + N, N);
    memset(expected + 3 * N, N, N);
    host(to, p.to, sizeof to);
    assert_memory_equal(to, expected, sizeof to);
}

/* ---- threads together ---------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void blocks_count_their_votes(void **unused) {
    enum { N = 40, BLOCKS = 4 };
    int32_t x[N * BLOCKS], y[3 * N * BLOCKS];
    for (int i = 0; i < N * BLOCKS; i++) x[i] = (int)(random_bits() % 4) | (i / N == 1 ? 2 : 0);
    x[2 * N + 7] = 4 * N + 7;
    struct { uint64_t x, y; } p = {device(x, sizeof x), device(NULL, sizeof y)};
    runs("blocks_vote", BLOCKS, N, &p);
    host(y, p.y, sizeof y);
    for (int b = 0; b < BLOCKS; b++) {
        int count = 0;
        for (int t = 0; t < N; t++) count += x[b * N + t] & 1;
        for (int t = 0; t < N; t++) {
            assert_int_equal(y[3 * (b * N + t)], count);
            assert_int_equal(y[3 * (b * N + t) + 1], b == 1);
            assert_int_equal(y[3 * (b * N + t) + 2], b == 2);
        }
    }
}

static void lanes_get_what_others_have(void **unused) {
    int64_t x[32], y[64 * 32];
    for (int t = 0; t < 32; t++) x[t] = (int64_t)random_bits();
    struct { uint64_t x, y; } p = {device(x, sizeof x), device(NULL, sizeof y)};
    runs("shuffles", 1, 32, &p);
    host(y, p.y, sizeof y);
    for (int t = 0; t < 32; t++) {
        const int from[8] = {t * 5 % 37 % 32, t / 8 * 8 + (t + 3) % 8, t < 3 ? t : t - 3, t % 16 < 1 ? t : t - 1, t + 5 > 31 ? t : t + 5, t % 4 > 1 ? t : t + 2, t ^ 9, t ^ 6};
        for (int k = 0; k < 8; k++) {
            int64_t v = x[from[k]];
            float f = (float)v;
            double d = (double)v;
            int32_t f_bits;
            int64_t d_bits;
            memcpy(&f_bits, &f, 4), memcpy(&d_bits, &d, 8);
            const int64_t expected[8] = {(int32_t)v, (uint32_t)v, v, v, v, v, f_bits, d_bits};
            for (int type = 0; type < 8; type++) assert_int_equal(y[64 * t + 8 * type + k], expected[type]);
        }
    }
}

static void warps_vote_match_and_reduce(void **unused) {
    int32_t x[32], y[24 * 32];
    uint32_t ballots[2] = {0, 0}, sum = 0, both = ~0u, any = 0, odd = 0;
    int least = 99, most = -99;
    for (int t = 0; t < 32; t++) {
        x[t] = t < 8 ? 7 : (int)(random_bits() % 7) - (t == 20 ? 9 : 0);
        if (x[t] > 2) ballots[t >= 8] |= 1u << t;
        sum += (uint32_t)x[t], both &= (uint32_t)x[t], any |= (uint32_t)x[t], odd ^= (uint32_t)x[t];
        least = x[t] < least ? x[t] : least, most = x[t] > most ? x[t] : most;
    }
    struct { uint64_t x, y; } p = {device(x, sizeof x), device(NULL, sizeof y)};
    runs("votes", 1, 32, &p);
    host(y, p.y, sizeof y);
    for (int t = 0; t < 32; t++) {
        uint32_t mask = t < 8 ? 0xff : 0xffffff00, ballot = ballots[t >= 8], same = 0;
        for (int k = 0; k < 32; k++) same |= (uint32_t)(x[k] == x[t]) << k;
        const int32_t expected[24] = {ballot == mask, ballot != 0, ballot == mask || ballot == 0, (int32_t)ballot, (int32_t)mask, (int32_t)same, (int32_t)same, (int32_t)same, (int32_t)same, (int32_t)same, (int32_t)same, (int32_t)same, (int32_t)same,
                                      0, 2, (int32_t)sum, (int32_t)sum, least, 0, most, least, (int32_t)both, (int32_t)any, (int32_t)odd};
        for (int k = 0; k < 24; k++) {
            int32_t e = expected[k];
            if (k == 18 || k == 20) { /* as unsigned numbers */
                uint32_t extreme = (uint32_t)x[0];
                for (int j = 0; j < 32; j++) extreme = (k == 18) == ((uint32_t)x[j] < extreme) && (uint32_t)x[j] != extreme ? (uint32_t)x[j] : extreme;
                e = (int32_t)extreme;
            }
            if (y[24 * t + k] != e) fail_msg("number %d of lane %d: %x is not %x", k, t, y[24 * t + k], e);
        }
    }
}

static void fences_and_clocks_are_there(void **unused) {
    int32_t data[4], flag[4];
    int64_t y[2 * 4 * 32];
    struct { uint64_t data, flag, y; } p = {device(NULL, sizeof data), device(NULL, sizeof flag), device(NULL, sizeof y)};
    runs("fences", 4, 32, &p);
    host(data, p.data, sizeof data), host(flag, p.flag, sizeof flag), host(y, p.y, sizeof y);
    for (int b = 0; b < 4; b++) assert_true(data[b] == 42 + b && flag[b] == 1);
    for (int i = 0; i < 256; i++) assert_true(y[i] > 0 && y[i] < INT64_C(1) << 32);
}

/* ---- atomic operations ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef enum atomic { ADD, SUB, EXCH, AND, OR, XOR, MIN, MAX, INC, DEC } atomic;
typedef enum kind { I32, U32, U64, I64 } kind;

static uint64_t cut(kind k, uint64_t x) { return k == I32 ? (uint64_t)(int64_t)(int32_t)x : k == U32 ? (uint32_t)x : x; }
static uint64_t done(atomic op, kind k, uint64_t old, uint64_t x) {
    bool less = k == I32 || k == I64 ? (int64_t)old < (int64_t)x : old < x;
    switch (op) {
    case ADD: return cut(k, old + x);
    case SUB: return cut(k, old - x);
    case EXCH: return x;
    case AND: return old & x;
    case OR: return old | x;
    case XOR: return old ^ x;
    case MIN: return less ? old : x;
    case MAX: return less ? x : old;
    case INC: return old >= x ? 0 : old + 1;
    default: return old == 0 || old > x ? x : old - 1;
    }
}

static void atomics_give_what_was_there(void **unused) {
    static const struct { atomic op; kind kind; } rows[] = {
        {ADD, I32}, {ADD, U32}, {ADD, U64}, {SUB, I32}, {SUB, U32}, {EXCH, I32}, {EXCH, U32}, {EXCH, U64}, {AND, I32}, {AND, U32}, {AND, U64}, {OR, I32}, {OR, U32}, {OR, U64}, {XOR, I32}, {XOR, U32}, {XOR, U64},
        {MIN, I32}, {MIN, U32}, {MIN, U64}, {MIN, I64}, {MAX, I32}, {MAX, U32}, {MAX, U64}, {MAX, I64}, {INC, U32}, {DEC, U32}};
    enum { ROWS = sizeof rows / sizeof rows[0] };
    for (int round = 0; round < 64; round++) {
        int64_t y[4 * ROWS + 16 + 12], memory_word = (int64_t)random_bits();
        uint64_t a = random_bits() >> random_bits() % 64, b = random_bits() >> random_bits() % 64, word_now = (uint64_t)memory_word;
        if (round % 4 == 0) b = 0 - b;
        struct { uint64_t p, y, a, b; } p = {device(&memory_word, 8), device(NULL, sizeof y), a, b};
        runs("atomics", 1, 1, &p);
        host(y, p.y, sizeof y);
        const int64_t *at = y;
        for (int r = 0; r < ROWS; r++) {
            kind k = rows[r].kind;
            uint64_t first = cut(k, k == I64 ? b : a), second = cut(k, k == I64 ? a : b), now = cut(k, word_now);
            for (int step = 0; step < 3; step++) {
                if ((uint64_t)*at != now) fail_msg("row %d, step %d: %llx is not %llx", r, step, (long long)*at, (long long)now);
                at++;
                now = done(rows[r].op, k, now, step == 1 ? second : first);
            }
            assert_true((uint64_t)*at++ == now);
            word_now = k == U64 || k == I64 ? now : (word_now & ~UINT64_C(0xffffffff)) | (uint32_t)now;
        }
        for (int type = 0; type < 4; type++) { /* int, unsigned, 64 bits, 16 bits: a is found and becomes b; a is looked for; b becomes 3 */
            uint64_t cut_a = type == 3 ? (uint16_t)a : cut((kind)type, a), cut_b = type == 3 ? (uint16_t)b : cut((kind)type, b), now = cut_b == cut_a ? 1 : cut_b;
            const uint64_t expected[4] = {cut_a, cut_b, now, now == cut_b ? 3 : now};
            for (int k = 0; k < 4; k++) assert_true((uint64_t)*at++ == expected[k]);
        }
        const int64_t real[12] = {0, 1, 4, 5, 5, 7, 8, 7, 0, 1, 4, 5}; /* 0, 1.5, 4, 5.5; 5.5, 7.5, 8.5, 7.5; as whole numbers */
        assert_memory_equal(at, real, sizeof real);
    }
}

static void atomics_lose_nothing(void **unused) {
    enum { THREADS = 128, BLOCKS = 50, ALL = THREADS * BLOCKS };
    int32_t i[2] = {0, 0};
    uint32_t u[3] = {0, 0, 0};
    uint64_t l = 0;
    float f = 0;
    double d = 0;
    struct { uint64_t i, u, l, f, d; } p = {device(i, sizeof i), device(u, sizeof u), device(&l, 8), device(&f, 4), device(&d, 8)};
    runs("atomics_together", BLOCKS, THREADS, &p);
    host(i, p.i, sizeof i), host(u, p.u, sizeof u), host(&l, p.l, 8), host(&f, p.f, 4), host(&d, p.d, 8);
    assert_true(i[0] == ALL && i[1] == ALL - 1 && u[0] == ALL && u[1] == ALL % 10 && u[2] == UINT32_MAX && l == (uint64_t)ALL << 33 && f == 0.5f * ALL && d == 0.25 * ALL);
}

static void barriers_hold_reads_back(void **unused) {
    enum { BLOCKS = 4, THREADS = 64 };
    int32_t x[BLOCKS] = {11, 22, 33, 44}, y[BLOCKS * THREADS];
    struct { uint64_t x, y; } p = {device(x, sizeof x), device(NULL, sizeof y)};
    runs("shared_broadcast", BLOCKS, THREADS, &p);
    host(y, p.y, sizeof y);
    for (int k = 0; k < BLOCKS * THREADS; k++) assert_int_equal(y[k], x[k / THREADS]);
}

/* ---- what the driver supplies ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void kernels_print_and_allocate(void **unused) {
    int32_t n = 40;
    said_bytes = 0;
    runs("says", 1, 3, &n);
    said[said_bytes] = '\0';
    assert_string_equal(said, "40 bytes 0.25 b\n");
    assert_int_equal(heap.used, 0);
}

static void assertions_and_traps_end_the_launch(void **unused) {
    static const struct { const char *kernel; gpu_fault_kind kind; } rows[] = {{"asserts", GPU_FAULT_ASSERT}, {"traps", GPU_FAULT_TRAP}};
    const uint32_t one[3] = {1, 1, 1}, threads[3] = {32, 1, 1};
    int32_t x[32] = {0};
    uint64_t at = device(x, sizeof x);
    for (int k = 0; k < 2; k++) runs(rows[k].kernel, 1, 32, &at);
    x[9] = 9;
    at = device(x, sizeof x);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(launch(rows[k].kernel, one, threads, &at, 0), PGD_DEVICE);
        assert_int_equal(fault.kind, rows[k].kind);
        if (k > 0) continue;
        char wanted[128];
        snprintf(wanted, sizeof wanted, "header.cu:%d: asserts: block: [0,0,0], thread: [9,0,0] Assertion `x[threadIdx.x] < 5` failed.", marked_line("header.cu", "assert"));
        assert_string_equal(fault.assertion, wanted);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, unload)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(functions_of_float_keep_their_bounds), TEST(functions_of_double_keep_their_bounds), TEST(parts_of_numbers_are_those_of_c), TEST(numbers_are_told_apart), TEST(whole_numbers_are_rounded_as_c_does),
        TEST(approximations_are_near), TEST(arithmetic_is_rounded_as_it_says), TEST(conversions_are_rounded_as_they_say), TEST(bits_are_counted_and_moved), TEST(overloads_give_what_c_plus_plus_gives),
        TEST(vectors_lie_as_cuda_says), TEST(threads_know_their_places), TEST(memory_is_where_it_was_declared), TEST(bytes_are_copied_and_filled), TEST(blocks_count_their_votes), TEST(lanes_get_what_others_have),
        TEST(warps_vote_match_and_reduce), TEST(fences_and_clocks_are_there), TEST(atomics_give_what_was_there), TEST(atomics_lose_nothing), TEST(barriers_hold_reads_back), TEST(kernels_print_and_allocate), TEST(assertions_and_traps_end_the_launch),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
