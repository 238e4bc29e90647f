/* SPDX-License-Identifier: Apache-2.0
 * The arithmetic of cuda_kernel.h, which includes this: conversions and roundings, fast approximations, and the functions of <math.h> for float and double.
 *
 * Errors are in units of the last place (ulp) of the result, over all arguments, subnormal ones and results included; infinities, NaN and signs of zeros are those of C's
 * Annex F. They are measured and not proven: tests/softgpu/test_cuda_kernel.c holds each function to these bounds, which are near those of CUDA's own, at 65,536 arguments
 * chosen by kind (two million were tried). Nothing but the fast approximations and rsqrtf depends on the GPU.
 *
 *     0.5  fma sqrt, and roundings to whole numbers, fmod, fdim, ldexp, frexp, modf, fmin, fmax, of both types: exact or rounded once
 *     float  0.51: all that are not named here (they compute in double)   1: expf exp2f logf   2: exp10f tanhf rsqrtf
 *     double 0.6: cbrt hypot   1: exp exp2 exp10 expm1 log log2 log10 log1p pow sin cos tan sinpi cospi rsqrt
 *            2: tanh asin acos atan atan2 sinh cosh asinh acosh atanh erf rcbrt   4: erfc
 *
 * The polynomials are Chebyshev fits made for these files with 60 digits. */
#ifndef PAGODA_CUDA_KERNEL_MATH_H
#define PAGODA_CUDA_KERNEL_MATH_H

#include <pagoda/cuda_kernel.h>
#ifdef PAGODA_DEVICE
#ifndef PAGODA_SHOW_WARNINGS
#pragma clang system_header
#endif

#define PAGODA_MATH static __inline__ __attribute__((nodebug, device))

#ifndef INFINITY
#define INFINITY __builtin_inff()
#endif
#ifndef NAN
#define NAN __builtin_nanf("")
#endif
#ifndef HUGE_VAL
#define HUGE_VAL __builtin_huge_val()
#define HUGE_VALF __builtin_huge_valf()
#endif
#ifndef M_PI
#define M_E 2.7182818284590452354
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_2_SQRTPI 1.12837916709551257390
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#endif

/* ---- instructions ---------------------------------------------------------------------------------------------------------------------------------------------- */

#define PAGODA_CONVERT(name, to, from, instruction, to_constraint, from_constraint)            \
    PAGODA_DEVICE to name(from x) {                                                            \
        to y;                                                                                  \
        asm(instruction " %0, %1;" : "=" to_constraint(y) : from_constraint(x));               \
        return y;                                                                              \
    }
#define PAGODA_INSTRUCTION_2(name, type, instruction, c)                                       \
    PAGODA_DEVICE type name(type a, type b) {                                                  \
        type d;                                                                                \
        asm(instruction " %0, %1, %2;" : "=" c(d) : c(a), c(b));                               \
        return d;                                                                              \
    }
#define PAGODA_INSTRUCTION_3(name, type, instruction, constraint)                              \
    PAGODA_DEVICE type name(type a, type b, type c) {                                          \
        type d;                                                                                \
        asm(instruction " %0, %1, %2, %3;" : "=" constraint(d) : constraint(a), constraint(b), constraint(c)); \
        return d;                                                                              \
    }

/* To and from integers, with the four roundings: nearest even, towards zero, down, up. What is too large gives the largest. */
#define PAGODA_TO_INTEGER(name, to, from, ptx, to_c, from_c)                    \
    PAGODA_CONVERT(name##_rn, to, from, "cvt.rni." ptx, to_c, from_c)           \
    PAGODA_CONVERT(name##_rz, to, from, "cvt.rzi." ptx, to_c, from_c)           \
    PAGODA_CONVERT(name##_rd, to, from, "cvt.rmi." ptx, to_c, from_c)           \
    PAGODA_CONVERT(name##_ru, to, from, "cvt.rpi." ptx, to_c, from_c)
#define PAGODA_ROUNDED(name, to, from, ptx, to_c, from_c)                       \
    PAGODA_CONVERT(name##_rn, to, from, "cvt.rn." ptx, to_c, from_c)            \
    PAGODA_CONVERT(name##_rz, to, from, "cvt.rz." ptx, to_c, from_c)            \
    PAGODA_CONVERT(name##_rd, to, from, "cvt.rm." ptx, to_c, from_c)            \
    PAGODA_CONVERT(name##_ru, to, from, "cvt.rp." ptx, to_c, from_c)
PAGODA_TO_INTEGER(__float2int, int, float, "s32.f32", "r", "f")
PAGODA_TO_INTEGER(__float2uint, unsigned int, float, "u32.f32", "r", "f")
PAGODA_TO_INTEGER(__float2ll, long long, float, "s64.f32", "l", "f")
PAGODA_TO_INTEGER(__float2ull, unsigned long long, float, "u64.f32", "l", "f")
PAGODA_TO_INTEGER(__double2int, int, double, "s32.f64", "r", "d")
PAGODA_TO_INTEGER(__double2uint, unsigned int, double, "u32.f64", "r", "d")
PAGODA_TO_INTEGER(__double2ll, long long, double, "s64.f64", "l", "d")
PAGODA_TO_INTEGER(__double2ull, unsigned long long, double, "u64.f64", "l", "d")
PAGODA_ROUNDED(__int2float, float, int, "f32.s32", "f", "r")
PAGODA_ROUNDED(__uint2float, float, unsigned int, "f32.u32", "f", "r")
PAGODA_ROUNDED(__ll2float, float, long long, "f32.s64", "f", "l")
PAGODA_ROUNDED(__ull2float, float, unsigned long long, "f32.u64", "f", "l")
PAGODA_ROUNDED(__ll2double, double, long long, "f64.s64", "d", "l")
PAGODA_ROUNDED(__ull2double, double, unsigned long long, "f64.u64", "d", "l")
PAGODA_ROUNDED(__double2float, float, double, "f32.f64", "f", "d")
PAGODA_DEVICE double __int2double_rn(int x) { return x; }
PAGODA_DEVICE double __uint2double_rn(unsigned int x) { return x; }

/* Arithmetic with a rounding that is said; no compiler makes an fma of it. */
#define PAGODA_ROUNDING(suffix, round)                                                  \
    PAGODA_INSTRUCTION_2(__fadd_##suffix, float, "add." round ".f32", "f")              \
    PAGODA_INSTRUCTION_2(__fsub_##suffix, float, "sub." round ".f32", "f")              \
    PAGODA_INSTRUCTION_2(__fmul_##suffix, float, "mul." round ".f32", "f")              \
    PAGODA_INSTRUCTION_2(__fdiv_##suffix, float, "div." round ".f32", "f")              \
    PAGODA_INSTRUCTION_3(__fmaf_##suffix, float, "fma." round ".f32", "f")              \
    PAGODA_CONVERT(__frcp_##suffix, float, float, "rcp." round ".f32", "f", "f")        \
    PAGODA_CONVERT(__fsqrt_##suffix, float, float, "sqrt." round ".f32", "f", "f")      \
    PAGODA_INSTRUCTION_2(__dadd_##suffix, double, "add." round ".f64", "d")             \
    PAGODA_INSTRUCTION_2(__dsub_##suffix, double, "sub." round ".f64", "d")             \
    PAGODA_INSTRUCTION_2(__dmul_##suffix, double, "mul." round ".f64", "d")             \
    PAGODA_INSTRUCTION_2(__ddiv_##suffix, double, "div." round ".f64", "d")             \
    PAGODA_INSTRUCTION_3(__fma_##suffix, double, "fma." round ".f64", "d")              \
    PAGODA_CONVERT(__drcp_##suffix, double, double, "rcp." round ".f64", "d", "d")      \
    PAGODA_CONVERT(__dsqrt_##suffix, double, double, "sqrt." round ".f64", "d", "d")
PAGODA_ROUNDING(rn, "rn")
PAGODA_ROUNDING(rz, "rz")
PAGODA_ROUNDING(rd, "rm")
PAGODA_ROUNDING(ru, "rp")

/* Fast approximations: the instructions of that name, and what follows from them. Their errors are absolute and the GPU's. */
PAGODA_CONVERT(pagoda_ex2, float, float, "ex2.approx.f32", "f", "f")
PAGODA_CONVERT(__log2f, float, float, "lg2.approx.f32", "f", "f")
PAGODA_CONVERT(__sinf, float, float, "sin.approx.f32", "f", "f")
PAGODA_CONVERT(__cosf, float, float, "cos.approx.f32", "f", "f")
PAGODA_CONVERT(__saturatef, float, float, "cvt.sat.f32.f32", "f", "f")
PAGODA_CONVERT(__frsqrt_rn, float, float, "rsqrt.approx.f32", "f", "f")
PAGODA_INSTRUCTION_2(__fdividef, float, "div.approx.f32", "f")
PAGODA_DEVICE float __expf(float x) { return pagoda_ex2(x * 0x1.715476p0f); }
PAGODA_DEVICE float __exp10f(float x) { return pagoda_ex2(x * 0x1.a934fp1f); }
PAGODA_DEVICE float __logf(float x) { return __log2f(x) * 0x1.62e43p-1f; }
PAGODA_DEVICE float __log10f(float x) { return __log2f(x) * 0x1.344136p-2f; }
PAGODA_DEVICE float __tanf(float x) { return __fdividef(__sinf(x), __cosf(x)); }
PAGODA_DEVICE float __powf(float x, float y) { return pagoda_ex2(y * __log2f(x)); }
PAGODA_DEVICE void __sincosf(float x, float *sine, float *cosine) { *sine = __sinf(x), *cosine = __cosf(x); }

/* ---- what compilers know ------------------------------------------------------------------------------------------------------------------------------------------ */

#define PAGODA_BUILTIN_1(name)                                                          \
    PAGODA_DEVICE double name(double x) { return __builtin_##name(x); }                 \
    PAGODA_DEVICE float name##f(float x) { return __builtin_##name##f(x); }
#define PAGODA_BUILTIN_2(name)                                                          \
    PAGODA_DEVICE double name(double x, double y) { return __builtin_##name(x, y); }    \
    PAGODA_DEVICE float name##f(float x, float y) { return __builtin_##name##f(x, y); }
PAGODA_BUILTIN_1(sqrt)
PAGODA_BUILTIN_1(fabs)
PAGODA_BUILTIN_1(floor)
PAGODA_BUILTIN_1(ceil)
PAGODA_BUILTIN_1(trunc)
PAGODA_BUILTIN_1(rint)
PAGODA_BUILTIN_1(nearbyint)
PAGODA_BUILTIN_2(fmin)
PAGODA_BUILTIN_2(fmax)
PAGODA_BUILTIN_2(copysign)
PAGODA_DEVICE double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
PAGODA_DEVICE float fmaf(float x, float y, float z) { return __builtin_fmaf(x, y, z); }

#define PAGODA_CLASS(type, as_integer)                                                                         \
    PAGODA_DEVICE bool isnan(type x) { return x != x; }                                                        \
    PAGODA_DEVICE bool isinf(type x) { return fabs(x) == (type)INFINITY; }                                     \
    PAGODA_DEVICE bool isfinite(type x) { return fabs(x) < (type)INFINITY; }                                   \
    PAGODA_DEVICE bool signbit(type x) { return as_integer(x) < 0; }
PAGODA_DEVICE float fabs(float x) { return fabsf(x); }
PAGODA_CLASS(float, __float_as_int)
PAGODA_CLASS(double, __double_as_longlong)

/* Halves go away from zero. */
PAGODA_DEVICE float roundf(float x) {
    float whole = truncf(x);
    return copysignf(whole + (fabsf(x - whole) >= 0.5f ? 1.0f : 0.0f) * copysignf(1.0f, x), x);
}
PAGODA_DEVICE double round(double x) {
    double whole = trunc(x);
    return copysign(whole + (fabs(x - whole) >= 0.5 ? 1.0 : 0.0) * copysign(1.0, x), x);
}
PAGODA_DEVICE long lrint(double x) { return __double2ll_rn(x); }
PAGODA_DEVICE long lrintf(float x) { return __float2ll_rn(x); }
PAGODA_DEVICE long long llrint(double x) { return __double2ll_rn(x); }
PAGODA_DEVICE long long llrintf(float x) { return __float2ll_rn(x); }
PAGODA_DEVICE long lround(double x) { return __double2ll_rz(round(x)); }
PAGODA_DEVICE long lroundf(float x) { return __float2ll_rz(roundf(x)); }
PAGODA_DEVICE long long llround(double x) { return __double2ll_rz(round(x)); }
PAGODA_DEVICE long long llroundf(float x) { return __float2ll_rz(roundf(x)); }
PAGODA_DEVICE double fdim(double x, double y) { return x <= y ? 0.0 : x - y; }
PAGODA_DEVICE float fdimf(float x, float y) { return x <= y ? 0.0f : x - y; }
PAGODA_DEVICE float fdividef(float x, float y) { return x / y; }

/* The smaller and the larger one, of one type or of the mixtures that CUDA has. */
#define PAGODA_MIN_MAX(type, type_1, type_2)                                                                       \
    PAGODA_BOTH type min(type_1 a, type_2 b) { return (type)a < (type)b ? (type)a : (type)b; }                     \
    PAGODA_BOTH type max(type_1 a, type_2 b) { return (type)a > (type)b ? (type)a : (type)b; }
#define PAGODA_MIN_MAX_INTEGERS(type)                           \
    PAGODA_MIN_MAX(type, type, type)                            \
    PAGODA_MIN_MAX(unsigned type, unsigned type, unsigned type) \
    PAGODA_MIN_MAX(unsigned type, unsigned type, type)          \
    PAGODA_MIN_MAX(unsigned type, type, unsigned type)
PAGODA_MIN_MAX_INTEGERS(int)
PAGODA_MIN_MAX_INTEGERS(long)
PAGODA_MIN_MAX_INTEGERS(long long)
PAGODA_DEVICE float min(float a, float b) { return fminf(a, b); }
PAGODA_DEVICE float max(float a, float b) { return fmaxf(a, b); }
PAGODA_DEVICE double min(double a, double b) { return fmin(a, b); }
PAGODA_DEVICE double max(double a, double b) { return fmax(a, b); }
PAGODA_DEVICE double min(float a, double b) { return fmin(a, b); }
PAGODA_DEVICE double max(float a, double b) { return fmax(a, b); }
PAGODA_DEVICE double min(double a, float b) { return fmin(a, b); }
PAGODA_DEVICE double max(double a, float b) { return fmax(a, b); }
PAGODA_DEVICE int abs(int x) { return x < 0 ? -x : x; }
PAGODA_DEVICE long abs(long x) { return x < 0 ? -x : x; }
PAGODA_DEVICE long labs(long x) { return x < 0 ? -x : x; }
PAGODA_DEVICE long long abs(long long x) { return x < 0 ? -x : x; }
PAGODA_DEVICE long long llabs(long long x) { return x < 0 ? -x : x; }
PAGODA_DEVICE float abs(float x) { return fabsf(x); }
PAGODA_DEVICE double abs(double x) { return fabs(x); }

/* c0 + c1 x + c2 x^2 ... */
template <typename T> PAGODA_DEVICE T pagoda_polynomial(T, T c) { return c; }
template <typename T, typename... More> PAGODA_DEVICE T pagoda_polynomial(T x, T c, More... more) {
    T rest = pagoda_polynomial(x, more...);
    return sizeof(T) == 4 ? (T)__builtin_fmaf((float)rest, (float)x, (float)c) : (T)__builtin_fma(rest, x, c);
}

/* ---- exponents ------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* x 2^n, rounded once. Steps down leave 53 digits until the last one, so that what is subnormal is rounded there alone. */
PAGODA_MATH double ldexp(double x, int n) {
    n = n < -2200 ? -2200 : n > 2200 ? 2200 : n;
    while (n > 1023) x *= 0x1p1023, n -= 1023;
    while (n < -1022) x *= 0x1p-969, n += 969;
    return x * __longlong_as_double((long long)(1023 + n) << 52);
}
PAGODA_MATH float ldexpf(float x, int n) { return (float)ldexp((double)x, n < -400 ? -400 : n > 400 ? 400 : n); }
PAGODA_MATH double scalbn(double x, int n) { return ldexp(x, n); }
PAGODA_MATH float scalbnf(float x, int n) { return ldexpf(x, n); }

PAGODA_MATH double frexp(double x, int *exponent) {
    int bias = 1022;
    *exponent = 0;
    if (x == 0 || !isfinite(x)) return x;
    if (fabs(x) < DBL_MIN) x *= 0x1p54, bias += 54;
    long long bits = __double_as_longlong(x);
    *exponent = (int)(bits >> 52 & 0x7ff) - bias;
    return __longlong_as_double((bits & ~(0x7ffll << 52)) | 1022ll << 52);
}
PAGODA_MATH float frexpf(float x, int *exponent) { return (float)frexp((double)x, exponent); }
PAGODA_MATH double modf(double x, double *whole) {
    *whole = trunc(x);
    return copysign(isinf(x) ? 0.0 : x - *whole, x);
}
PAGODA_MATH float modff(float x, float *whole) {
    *whole = truncf(x);
    return copysignf(isinf(x) ? 0.0f : x - *whole, x);
}

/* What is left of x when y was taken away as often as it goes: integers, eleven binary digits at a time. */
PAGODA_MATH double fmod(double x, double y) {
    int x_exponent, y_exponent;
    if (isnan(x) || isnan(y) || isinf(x) || y == 0) return NAN;
    if (fabs(x) < fabs(y) || x == 0) return x;
    unsigned long long left = (unsigned long long)ldexp(frexp(fabs(x), &x_exponent), 53), by = (unsigned long long)ldexp(frexp(fabs(y), &y_exponent), 53);
    left %= by;
    for (int n = x_exponent - y_exponent; n > 0 && left != 0; n -= 11) left = (left << (n < 11 ? n : 11)) % by;
    return copysign(ldexp((double)left, y_exponent - 53), x);
}
PAGODA_MATH float fmodf(float x, float y) { return (float)fmod((double)x, (double)y); }

/* ---- exponential functions ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* e^x = (1 + tail) 2^n with -0.3 < tail < 0.42, for x + low where low is small against x, and |x| < 750. n ln 2 is taken away in two parts, the first of 32 digits. */
struct pagoda_power {
    double tail;
    int n;
};
PAGODA_DEVICE double pagoda_exp_polynomial(double x) { /* (e^x - 1 - x) / x^2 for |x| <= 0.5 */
    return pagoda_polynomial(x, 0x1p-1, 0x1.5555555555555p-3, 0x1.5555555555591p-5, 0x1.1111111111121p-7, 0x1.6c16c16c0153ap-10, 0x1.a01a01a00e94fp-13, 0x1.a01a01faca4dbp-16,
                             0x1.71de3a85c63fp-19, 0x1.27e44e028d127p-22, 0x1.ae639d8886d33p-26, 0x1.201f4798b4e48p-29, 0x1.626a6820214p-33);
}
PAGODA_MATH pagoda_power pagoda_exp(double x, double low) {
    double n = rint(x * 0x1.71547652b82fep+0);
    double high = fma(n, -0x1.62e42ffp-1, x);
    low = fma(n, 0x1.718432a1b0e26p-35, low);
    double r = high + low, rest = (high - r) + low;
    return {r + fma(r * r, pagoda_exp_polynomial(r), rest), (int)n};
}
PAGODA_DEVICE double pagoda_power_value(pagoda_power p) { return ldexp(1.0 + p.tail, p.n); }

PAGODA_MATH double exp(double x) {
    if (!(fabs(x) < 746)) return x > 0 ? INFINITY : x < 0 ? 0.0 : x;
    return pagoda_power_value(pagoda_exp(x, 0));
}
PAGODA_MATH double exp2(double x) {
    if (!(fabs(x) < 1076)) return x > 0 ? INFINITY : x < 0 ? 0.0 : x;
    double n = rint(x), r = x - n, t = __dmul_rn(r, 0x1.62e42fefa39efp-1);
    double low = fma(r, 0x1.62e42fefa39efp-1, -t) + r * 0x1.abc9e3b39803fp-56;
    return ldexp(1.0 + (t + fma(t * t, pagoda_exp_polynomial(t), low)), (int)n);
}
PAGODA_MATH double exp10(double x) {
    if (!(fabs(x) < 325)) return x > 0 ? INFINITY : x < 0 ? 0.0 : x;
    double n = rint(x * 0x1.a934f0979a371p+1), r = fma(n, -0x1.3441350ap-2, x), low = n * 0x1.0c0219dc1da99p-39; /* n log10(2) in two parts */
    double t = __dmul_rn(r, 0x1.26bb1bbb55516p+1), rest = fma(r, 0x1.26bb1bbb55516p+1, -t) + fma(low, 0x1.26bb1bbb55516p+1, -r * 0x1.f48ad494ea3e9p-53);
    double u = t + rest;
    rest = (t - u) + rest;
    return ldexp(1.0 + (u + fma(u * u, pagoda_exp_polynomial(u), rest)), (int)n);
}
PAGODA_MATH double expm1(double x) {
    if (fabs(x) < 0.5) return x == 0 ? x : x + x * x * pagoda_exp_polynomial(x);
    if (!(x < 710)) return x > 0 ? INFINITY : x;
    if (x < -40) return -1;
    pagoda_power p = pagoda_exp(x, 0);
    double minus = -ldexp(1.0, -p.n);
    return ldexp(p.n > 10 ? 1.0 + (minus + p.tail) : (1.0 + minus) + p.tail, p.n);
}
PAGODA_MATH double sinh(double x) {
    double a = fabs(x);
    if (!(a < 720)) return x * INFINITY;
    if (a >= 30) {
        pagoda_power p = pagoda_exp(a, 0);
        p.n--;
        return copysign(pagoda_power_value(p), x);
    }
    double e = expm1(a);
    return copysign(a < 1 ? e - 0.5 * e * e / (e + 1) : 0.5 * (e + e / (e + 1)), x);
}
PAGODA_MATH double cosh(double x) {
    double a = fabs(x);
    if (!(a < 720)) return a * INFINITY;
    pagoda_power p = pagoda_exp(a, 0);
    p.n--;
    double half = pagoda_power_value(p);
    return a >= 30 ? half : half + 0.25 / half;
}
PAGODA_MATH double tanh(double x) {
    double a = fabs(x), z = x * x;
    if (a < 0.55) {
        double p = pagoda_polynomial(z, -0x1.5555555555555p-2, 0x1.1111111111109p-3, -0x1.ba1ba1ba1a723p-5, 0x1.664f48822e32fp-6, -0x1.226e3539a2567p-7, 0x1.d6d3c5fa306d8p-9, -0x1.7da25d2dc94ddp-10, 0x1.3547b99663ef6p-11,
                                     -0x1.f41cac23a5451p-13, 0x1.8c91aa027e00fp-14, -0x1.1ad8e00df097cp-15, 0x1.08286da59d447p-17);
        return x == 0 ? x : x + x * z * p;
    }
    return isnan(x) ? x : copysign(a > 22 ? 1.0 : 1.0 - 2.0 / (expm1(2.0 * a) + 2.0), x);
}

/* Those of float that programs use most stay in float. */
PAGODA_DEVICE float pagoda_expf(float r, float low, float n) { /* e^(r + low) 2^n */
    float q = pagoda_polynomial(r, 0x1p-1f, 0x1.555556p-3f, 0x1.5554e8p-5f, 0x1.1110ep-7f, 0x1.6d459p-10f, 0x1.a12718p-13f), y = 1.0f + (r + fmaf(r * r, q, low));
    int whole = (int)n, half = whole / 2;
    return y * __int_as_float((127 + half) << 23) * __int_as_float((127 + whole - half) << 23);
}
PAGODA_MATH float expf(float x) {
    if (!(fabsf(x) < 105)) return x > 0 ? INFINITY : x < 0 ? 0.0f : x;
    float n = rintf(x * 0x1.715476p0f), high = fmaf(n, -0x1.62e4p-1f, x);
    return pagoda_expf(fmaf(n, -0x1.7f7d1cp-20f, high), 0, n);
}
PAGODA_MATH float exp2f(float x) {
    if (!(fabsf(x) < 151)) return x > 0 ? INFINITY : x < 0 ? 0.0f : x;
    float n = rintf(x), r = x - n, t = __fmul_rn(r, 0x1.62e43p-1f);
    return pagoda_expf(t, fmaf(r, 0x1.62e43p-1f, -t) - r * 0x1.05c61p-29f, n);
}
PAGODA_MATH float exp10f(float x) {
    if (!(fabsf(x) < 46)) return x > 0 ? INFINITY : x < 0 ? 0.0f : x;
    float n = rintf(x * 0x1.a934fp1f), r = fmaf(n, -0x1.344p-2f, x); /* n log10(2) in two parts */
    r = fmaf(n, -0x1.3509f8p-18f, r);
    float t = __fmul_rn(r, 0x1.26bb1cp1f);
    return pagoda_expf(t, fmaf(r, 0x1.26bb1cp1f, -t) - r * 0x1.12aabap-25f, n);
}
PAGODA_MATH float tanhf(float x) {
    float a = fabsf(x), z = x * x;
    if (a < 0.55f) return x == 0 ? x : fmaf(x * z, pagoda_polynomial(z, -0x1.555554p-2f, 0x1.110feap-3f, -0x1.b9a028p-5f, 0x1.5d20bp-6f, -0x1.b12aecp-8f), x);
    return isnan(x) ? x : copysignf(a > 10 ? 1.0f : 1.0f - 2.0f / (expf(2 * a) + 1.0f), x);
}

/* ---- logarithms ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* x = 2^n (1 + f) with sqrt(1/2) <= 1 + f < sqrt(2), for x positive and finite. */
PAGODA_DEVICE double pagoda_split(double x, int *n) {
    const long long root = 0x3fe6a09e667f3bcd; /* sqrt(1/2) */
    int small = x < DBL_MIN ? 54 : 0;
    long long bits = __double_as_longlong(small ? x * 0x1p54 : x) - root;
    *n = (int)(bits >> 52) - small;
    return __longlong_as_double((bits & 0xfffffffffffff) + root) - 1.0;
}
/* log(1 + f) = f - f^2/2 + s (f^2/2 + s^2 p(s^2)) with s = f / (2 + f), since it is 2 atanh(s): what follows f - f^2/2 */
PAGODA_DEVICE double pagoda_log_tail(double f, double half_square) {
    double s = f / (2.0 + f), z = s * s;
    double p = pagoda_polynomial(z, 0x1.5555555555555p-1, 0x1.9999999999a42p-2, 0x1.2492492475444p-2, 0x1.c71c72040d1cdp-3, 0x1.745cf7e4fccffp-3, 0x1.3b1c722e2b32bp-3, 0x1.0fb84017ed703p-3,
                                 0x1.0c45910d13931p-3);
    return s * fma(z, p, half_square);
}
/* The logarithm where it is no number: of 0, of less, of infinity, of NaN. */
PAGODA_DEVICE bool pagoda_log_ends(double x) { return !(x > 0 && x < (double)INFINITY); }
PAGODA_DEVICE double pagoda_log_end(double x) { return x == 0 ? -INFINITY : x < 0 ? NAN : x; }

PAGODA_MATH double log(double x) {
    int n;
    if (pagoda_log_ends(x)) return pagoda_log_end(x);
    double f = pagoda_split(x, &n), h = 0.5 * f * f;
    return n * 0x1.62e42ffp-1 - ((h - (pagoda_log_tail(f, h) - n * 0x1.718432a1b0e26p-35)) - f);
}
PAGODA_MATH double log1p(double x) {
    int n = 0;
    double f = x, lost = 0;
    if (x == 0 || x == (double)INFINITY || !(x > -1)) return x == -1 ? -INFINITY : x < -1 ? NAN : x;
    if (x < -0.29 || x > 0.41) { /* 1 + x, and what it lost */
        double y = 1.0 + x;
        lost = (x > 1 ? 1.0 - (y - x) : x - (y - 1.0)) / y;
        f = pagoda_split(y, &n);
    }
    double h = 0.5 * f * f;
    return n * 0x1.62e42ffp-1 - ((h - (pagoda_log_tail(f, h) + (lost - n * 0x1.718432a1b0e26p-35))) - f);
}
/* log(x) factor + n step: the logarithm times a factor of two parts, with n of the split beside it in two parts. */
PAGODA_MATH double pagoda_log_times(double x, double factor, double factor_low, double step, double step_low) {
    int n;
    double f = pagoda_split(x, &n), h = __dmul_rn(0.5 * f, f), h_low = fma(0.5 * f, f, -h);
    double high = f - h, low = ((f - high) - h) - h_low + pagoda_log_tail(f, h);
    double y = __dmul_rn(high, factor), y_low = fma(high, factor, -y) + fma(low, factor, high * factor_low) + n * step_low;
    double whole = n * step, sum = whole + y;
    return sum + (((whole - sum) + y) + y_low);
}
PAGODA_MATH double log2(double x) { return pagoda_log_ends(x) ? pagoda_log_end(x) : pagoda_log_times(x, 0x1.71547652b82fep+0, 0x1.777d0ffda0d24p-56, 1, 0); }
PAGODA_MATH double log10(double x) {
    return pagoda_log_ends(x) ? pagoda_log_end(x) : pagoda_log_times(x, 0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57, 0x1.3441350ap-2, -0x1.0c0219dc1da99p-39);
}
PAGODA_MATH float logf(float x) {
    if (pagoda_log_ends(x)) return (float)pagoda_log_end(x);
    int small = x < FLT_MIN ? 24 : 0, bits = __float_as_int(small ? x * 0x1p24f : x) - 0x3f2aaaab; /* 2/3 <= 1 + f < 4/3 */
    float n = (float)((bits >> 23) - small), f = __int_as_float((bits & 0x7fffff) + 0x3f2aaaab) - 1.0f;
    float p = pagoda_polynomial(f, 0x1.555556p-2f, -0x1.ffffb4p-3f, 0x1.999954p-3f, -0x1.5578a6p-3f, 0x1.24b2f6p-3f, -0x1.f744f8p-4f, 0x1.bf08c6p-4f, -0x1.fd462ap-4f, 0x1.d0876p-4f);
    float tail = fmaf(f * f, fmaf(f, p, -0.5f), n * 0x1.7f7d1cp-20f);
    return fmaf(n, 0x1.62e4p-1f, f + tail);
}

/* ---- powers and roots ------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* log(x) in two parts, to 2^-65 of it: the quotient s, s^2 and 2/3 of the series of atanh have two parts. */
PAGODA_MATH double pagoda_log_long(double x, double *low_part) {
    int n;
    double f = pagoda_split(x, &n), by = 2.0 + f, by_low = f - (by - 2.0);
    double s = f / by, s_low = (fma(-s, by, f) - s * by_low) / by;
    double z = __dmul_rn(s, s), z_low = fma(s, s, -z) + 2.0 * s * s_low;
    double rest = __dmul_rn(z, pagoda_polynomial(z, 0x1.999999999999ap-2, 0x1.249249249252bp-2, 0x1.c71c71c6e7e1dp-3, 0x1.745d177d01f5bp-3, 0x1.3b1394d07ed9bp-3, 0x1.1118fe612646cp-3,
                                                 0x1.df716fa0911ddp-4, 0x1.e0a496c5b36c8p-4));
    double c = 0x1.5555555555555p-1 + rest, c_low = (0x1.5555555555555p-1 - c) + rest + 0x1.5555555555555p-55;
    double w = __dmul_rn(z, c), w_low = fma(z, c, -w) + fma(z, c_low, z_low * c);
    double v = __dmul_rn(s, w), v_low = fma(s, w, -v) + fma(s, w_low, s_low * w);
    double high = 2.0 * s + v, low = (2.0 * s - high) + v + fma(2.0, s_low, v_low);
    double whole = n * 0x1.62e42ffp-1, sum = whole + high;
    low = ((whole - sum) + high) + (low - n * 0x1.718432a1b0e26p-35);
    high = sum + low;
    *low_part = (sum - high) + low;
    return high;
}
PAGODA_MATH double pow(double x, double y) {
    double a = fabs(x), low, sign = 1;
    if (y == 0 || x == 1) return 1;
    if (isnan(x) || isnan(y)) return x + y;
    bool whole = rint(y) == y, odd = whole && fabs(y) < 0x1p53 && ((long long)y & 1) != 0;
    if (isinf(y)) return a == 1 ? 1.0 : (a > 1) == (y > 0) ? INFINITY : 0.0;
    if (signbit(x) && odd) sign = -1;
    if (a == 0 || isinf(x)) return sign * ((a == 0) == (y > 0) ? 0.0 : (double)INFINITY);
    if (x < 0 && !whole) return NAN;
    double l = pagoda_log_long(a, &low), p = __dmul_rn(y, l);
    if (!(fabs(p) < 750)) return sign * (p > 0 ? (double)INFINITY : 0.0);
    return sign * pagoda_power_value(pagoda_exp(p, fma(y, l, -p) + y * low));
}

/* From a first guess by a polynomial for 1/8 <= m < 1 two steps of Halley, the last with what is missing of m computed twice as long. */
PAGODA_MATH double cbrt(double x) {
    int exponent;
    if (x == 0 || !isfinite(x)) return x;
    double m = frexp(fabs(x), &exponent);
    int third = (exponent + 1200 + 2) / 3 - 400;
    m = ldexp(m, exponent - 3 * third);
    double y = pagoda_polynomial(m, 0x1.4ecb7ee28e2bbp-2, 0x1.a612e6bf7887cp+0, -0x1.166aa5a8ad33cp+1, 0x1.ca0ace5bab84ep+0, -0x1.2e387317adddep-1), cube = y * y * y;
    y = y * (cube + 2 * m) / (2 * cube + m);
    double square = __dmul_rn(y, y), square_low = fma(y, y, -square), missing = fma(-square, y, m) - square_low * y;
    return copysign(ldexp(y + y * missing / (2 * square * y + m), third), x);
}
PAGODA_MATH double rcbrt(double x) { return 1.0 / cbrt(x); }
PAGODA_MATH double rsqrt(double x) {
    double y = 1.0 / sqrt(x);
    if (!(x >= DBL_MIN && x < (double)INFINITY)) return y;
    double h = __dmul_rn(x, y), missing = fma(-h, y, 1.0) - fma(x, y, -h) * y;
    return fma(0.5 * y, missing, y);
}
PAGODA_CONVERT(rsqrtf, float, float, "rsqrt.approx.f32", "f", "f")
PAGODA_MATH double hypot(double x, double y) {
    double a = fmax(fabs(x), fabs(y)), b = fmin(fabs(x), fabs(y)), scale = 1;
    if (isinf(x) || isinf(y)) return INFINITY;
    if (isnan(x) || isnan(y)) return x + y;
    if (a == 0) return 0;
    if (a > 0x1p500) a *= 0x1p-600, b *= 0x1p-600, scale = 0x1p600;
    if (a < 0x1p-400) a *= 0x1p600, b *= 0x1p600, scale = 0x1p-600;
    double aa = __dmul_rn(a, a), bb = __dmul_rn(b, b), sum = aa + bb, low = ((aa - sum) + bb) + (fma(a, a, -aa) + fma(b, b, -bb)), h = sqrt(sum);
    return (h + (fma(-h, h, sum) + low) / (2 * h)) * scale;
}

/* ---- angles --------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* 64 zeros, then the first 1216 binary digits of 2/pi. */
static const __constant__ unsigned long long pagoda_two_over_pi[20] = {
    0,                     0xa2f9836e4e441529ull, 0xfc2757d1f534ddc0ull, 0xdb6295993c439041ull, 0xfe5163abdebbc561ull, 0xb7246e3a424dd2e0ull, 0x06492eea09d1921cull,
    0xfe1deb1cb129a73eull, 0xe88235f52ebb4484ull, 0xe99c7026b45f7e41ull, 0x3991d639835339f4ull, 0x9c845f8bbdf9283bull, 0x1ff897ffde05980full, 0xef2f118b5a0a6d1full,
    0x6d367ecf27cb09b7ull, 0x4f463f669e5fea2dull, 0x7527bac7ebe5f17bull, 0x3d0739f78a5292eaull, 0x6bfb5fb11f8d5d08ull, 0x56033046fc7b6babull};

/* x = quarters pi/2 + high + low with |high| <= pi/4, quarters modulo 4. */
struct pagoda_angle {
    double high, low;
    int quarters;
};
/* For |x| > 2^-10: x is an integer times 2^e. Digits of 2/pi that stand for multiples of 4 are left out, and 192 of those behind them used (Payne and Hanek). */
static __device__ __attribute__((noinline, nodebug)) pagoda_angle pagoda_reduce_large(double x) {
    unsigned long long bits = (unsigned long long)__double_as_longlong(x), m = (bits & 0xfffffffffffff) | 1ull << 52, w[3];
    int e = (int)(bits >> 52 & 0x7ff) - 1075, first = e - 2 + 64;
    for (int i = 0; i < 3; i++) {
        unsigned long long high = pagoda_two_over_pi[first / 64 + i], low = first / 64 + i + 1 < 20 ? pagoda_two_over_pi[first / 64 + i + 1] : 0;
        w[i] = first % 64 == 0 ? high : high << first % 64 | low >> (64 - first % 64);
    }
    unsigned long long r2 = m * w[2], r1 = m * w[1], carry = __umul64hi(m, w[2]);
    r1 += carry;
    unsigned long long r0 = m * w[0] + __umul64hi(m, w[1]) + (r1 < carry); /* r0, r1, r2: the product modulo 4, as a fraction of 4 */
    int quarters = (int)(r0 >> 62);
    bool negative = (r0 >> 61 & 1) != 0; /* beyond half a quarter: from the next one back */
    r0 = r0 << 2 | r1 >> 62, r1 = r1 << 2 | r2 >> 62, r2 <<= 2;
    if (negative) r0 = ~r0, r1 = ~r1, r2 = ~r2, quarters++;
    int zeros = __clzll((long long)r0);
    if (zeros > 0) r0 = r0 << zeros | r1 >> (64 - zeros), r1 = r1 << zeros | r2 >> (64 - zeros);
    double scale = __longlong_as_double((long long)(1023 - zeros) << 52);
    double high = (double)(r0 >> 11) * 0x1p-53 * scale, low = (double)((r0 & 0x7ff) << 53 | r1 >> 11) * 0x1p-117 * scale;
    double p = __dmul_rn(high, 0x1.921fb54442d18p+0), p_low = fma(high, 0x1.921fb54442d18p+0, -p) + fma(high, 0x1.1a62633145c07p-54, low * 0x1.921fb54442d18p+0);
    if (negative != (x < 0)) p = -p, p_low = -p_low;
    return {p, p_low, (x < 0 ? -quarters : quarters) & 3};
}
/* pi/2 in three parts, the first two of 33 digits; where nearly all of x cancels, the long way. */
PAGODA_MATH pagoda_angle pagoda_reduce(double x) {
    if (fabs(x) <= 0x1.921fb54442d18p-1) return {x, 0, 0};
    if (!isfinite(x)) return {NAN, NAN, 0};
    if (fabs(x) > 0x1p20) return pagoda_reduce_large(x);
    double n = rint(x * 0x1.45f306dc9c883p-1), a = fma(n, -0x1.921fb544p+0, x), b = n * 0x1.0b4611a6p-34;
    double high = a - b, low = ((a - high) - b) - n * 0x1.3198a2e037073p-69, sum = high + low;
    if (fabs(sum) < 0x1p-30) return pagoda_reduce_large(x);
    return {sum, (high - sum) + low, (int)n & 3};
}
/* For |x| <= pi/4: sin(x + low) - x; cos(x + low) - whole, where whole is nearly 1 - x^2/2. */
PAGODA_DEVICE double pagoda_sine_tail(double x, double low) {
    double z = x * x;
    double p = pagoda_polynomial(z, -0x1.5555555555555p-3, 0x1.111111111111p-7, -0x1.a01a01a019933p-13, 0x1.71de3a545ffa4p-19, -0x1.ae645411b788bp-26, 0x1.61217e35b462cp-33, -0x1.ab175606bdb81p-41);
    return fma(x * z, p, low - 0.5 * z * low);
}
PAGODA_DEVICE double pagoda_cosine_tail(double x, double low, double *whole) {
    double z = __dmul_rn(x, x), h = 0.5 * z;
    double p = pagoda_polynomial(z, 0x1.5555555555555p-5, -0x1.6c16c16c16c16p-10, 0x1.a01a01a019d08p-16, -0x1.27e4fb7712913p-22, 0x1.1eed8deb1fa3fp-29, -0x1.9394b94ea76bp-37, 0x1.ab77eaec5d573p-45);
    *whole = 1.0 - h;
    return ((1.0 - *whole) - h) + fma(z * z, p, -x * low);
}
PAGODA_DEVICE double pagoda_sine_of(pagoda_angle a) {
    double whole = a.high, tail = a.quarters & 1 ? pagoda_cosine_tail(a.high, a.low, &whole) : pagoda_sine_tail(a.high, a.low), y = whole == 0 ? whole : whole + tail;
    return a.quarters & 2 ? -y : y;
}
PAGODA_MATH double sin(double x) { return pagoda_sine_of(pagoda_reduce(x)); }
PAGODA_MATH double cos(double x) {
    pagoda_angle a = pagoda_reduce(x);
    a.quarters++;
    return pagoda_sine_of(a);
}
PAGODA_MATH void sincos(double x, double *sine, double *cosine) {
    pagoda_angle a = pagoda_reduce(x);
    *sine = pagoda_sine_of(a);
    a.quarters++;
    *cosine = pagoda_sine_of(a);
}
PAGODA_MATH double tan(double x) {
    pagoda_angle a = pagoda_reduce(x);
    double whole, s_tail = pagoda_sine_tail(a.high, a.low), c_tail = pagoda_cosine_tail(a.high, a.low, &whole);
    double s = a.high + s_tail, s_low = (a.high - s) + s_tail, c = whole + c_tail, c_low = (whole - c) + c_tail;
    if (x == 0) return x;
    double up = a.quarters & 1 ? -c : s, up_low = a.quarters & 1 ? -c_low : s_low, down = a.quarters & 1 ? s : c, down_low = a.quarters & 1 ? s_low : c_low;
    double q = up / down;
    return q + ((fma(-q, down, up) + up_low) - q * down_low) / down;
}
PAGODA_MATH pagoda_angle pagoda_reduce_half_turns(double x) { /* pi x */
    if (!isfinite(x)) return {NAN, NAN, 0};
    x = fma(-2.0, rint(0.5 * x), x);
    double n = rint(2 * x), r = fma(n, -0.5, x), p = __dmul_rn(r, 0x1.921fb54442d18p+1);
    return {p, fma(r, 0x1.921fb54442d18p+1, -p) + r * 0x1.1a62633145c07p-53, (int)n & 3};
}
PAGODA_MATH double sinpi(double x) { return rint(x) == x && isfinite(x) ? copysign(0.0, x) : pagoda_sine_of(pagoda_reduce_half_turns(x)); }
PAGODA_MATH double cospi(double x) {
    pagoda_angle a = pagoda_reduce_half_turns(x);
    a.quarters++;
    return fabs(a.high) == 0 && (a.quarters & 1) == 0 ? 0.0 : pagoda_sine_of(a);
}

PAGODA_DEVICE double pagoda_arcsine_tail(double x, double z) { /* asin(x) - x, |x| <= 0.5, z = x^2 */
    return x * z * pagoda_polynomial(z, 0x1.5555555555555p-3, 0x1.3333333333388p-4, 0x1.6db6db6dac1ep-5, 0x1.f1c71c7a52ba3p-6, 0x1.6e8ba123e494cp-6, 0x1.1c4efce23019fp-6, 0x1.c990ad3d8fdcap-7,
                                     0x1.7b027ee1dd585p-7, 0x1.3b49de7121487p-7, 0x1.31622469ce5adp-7, 0x1.8f193743418ffp-9, 0x1.406192d124629p-6, -0x1.3b416bb7d9257p-6, 0x1.e529c6fce9bb4p-6);
}
PAGODA_DEVICE double pagoda_arccosine_near_one(double x) { /* acos(x) / 2 for 0.5 <= x <= 1 */
    double z = 0.5 * (1.0 - x), s = sqrt(z), low = s > 0 ? fma(-s, s, z) / (2.0 * s) : 0.0;
    return s + (low + pagoda_arcsine_tail(s, z));
}
PAGODA_MATH double asin(double x) {
    double a = fabs(x);
    if (!(a <= 1)) return NAN;
    if (a <= 0.5) return x + pagoda_arcsine_tail(x, x * x);
    return copysign(0x1.921fb54442d18p+0 - (2.0 * pagoda_arccosine_near_one(a) - 0x1.1a62633145c07p-54), x);
}
PAGODA_MATH double acos(double x) {
    if (!(fabs(x) <= 1)) return NAN;
    if (x > 0.5) return 2.0 * pagoda_arccosine_near_one(x);
    if (x < -0.5) return 2.0 * (0x1.921fb54442d18p+0 - (pagoda_arccosine_near_one(-x) - 0x1.1a62633145c07p-54));
    return 0x1.921fb54442d18p+0 - (x + (pagoda_arcsine_tail(x, x * x) - 0x1.1a62633145c07p-54));
}
/* atan(x + low), x >= 0: by atan of (x - 1) / (x + 1) or -1 / x, which is less than tan(pi/8) */
PAGODA_DEVICE double pagoda_arctangent(double x, double low) {
    double add = 0, add_low = 0, t = x;
    if (x > 0x1.3504f333f9de6p+1) add = 0x1.921fb54442d18p+0, add_low = 0x1.1a62633145c07p-54, t = -1.0 / x, low = low / x / x;
    else if (x > 0x1.a827999fcef32p-2) add = 0x1.921fb54442d18p-1, add_low = 0x1.1a62633145c07p-55, t = (x - 1.0) / (x + 1.0), low = 2.0 * low / ((x + 1.0) * (x + 1.0));
    double z = t * t;
    double p = pagoda_polynomial(z, -0x1.5555555555555p-2, 0x1.9999999999953p-3, -0x1.249249248d7e6p-3, 0x1.c71c71c3045bap-4, -0x1.745d165de250bp-4, 0x1.3b1392d7e8f74p-4, -0x1.110e87e6a8722p-4,
                                 0x1.e19a10824a50bp-5, -0x1.ac7a7bd8f05cp-5, 0x1.74dd67f0d3109p-5, -0x1.1b32a3266af2ep-5, 0x1.0ad10221730d6p-6);
    return add + (t + fma(t * z, p, low + add_low));
}
PAGODA_MATH double atan(double x) { return isinf(x) ? copysign(0x1.921fb54442d18p+0, x) : copysign(pagoda_arctangent(fabs(x), 0), x); }
PAGODA_MATH double atan2(double y, double x) {
    double a = fabs(y), b = fabs(x), angle;
    if (isnan(x) || isnan(y)) return x + y;
    if (a == b && (a == 0 || isinf(a))) angle = a == 0 ? 0.0 : 0x1.921fb54442d18p-1;
    else if (a == 0 || isinf(b)) angle = 0;
    else if (b == 0 || isinf(a)) angle = 0x1.921fb54442d18p+0;
    else {
        double q = a / b;
        bool exact = a > 0x1p-900 && b > 0x1p-900 && a < 0x1p900 && b < 0x1p900 && q > 0x1p-60 && q < 0x1p60; /* so is the remainder */
        angle = q > 0x1p900 ? 0x1.921fb54442d18p+0 : pagoda_arctangent(q, exact ? fma(-q, b, a) / b : 0.0);
        if (!signbit(x) && q < 0x1p-60) angle = q;
    }
    if (signbit(x)) angle = 0x1.921fb54442d18p+1 - (angle - 0x1.1a62633145c07p-53);
    return copysign(angle, y);
}
PAGODA_MATH double asinh(double x) {
    double a = fabs(x), square = a * a, y;
    if (!isfinite(x) || a < 0x1p-28) return x;
    if (a > 0x1p28) y = log(a) + M_LN2;
    else if (a > 2) y = log(2 * a + 1 / (sqrt(square + 1) + a));
    else y = log1p(a + square / (1 + sqrt(1 + square)));
    return copysign(y, x);
}
PAGODA_MATH double acosh(double x) {
    double t = x - 1;
    if (!(x >= 1)) return NAN;
    if (x > 0x1p28) return log(x) + M_LN2;
    if (x > 2) return log(2 * x - 1 / (x + sqrt(x * x - 1)));
    double square = fma(t, t, 2 * t), s = sqrt(square), u = s + t, lost = ((s - u) + t) + (s > 0 ? fma(-s, s, square) / (2 * s) : 0.0);
    return log1p(u) + lost / (1 + u);
}
PAGODA_MATH double atanh(double x) {
    double a = fabs(x), t = 2 * a;
    if (!(a < 1)) return a == 1 ? x * INFINITY : (double)NAN;
    if (a < 0x1p-28) return x;
    return copysign(0.5 * log1p(a < 0.5 ? t + t * a / (1 - a) : t / (1 - a)), x);
}

/* ---- the error function ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* erfc(x) for 0.5 <= x < 28: e^(-x^2) times a function that changes slowly, which is fitted in (x - 4) / (x + 4) and times 1 + 2x. */
PAGODA_MATH double pagoda_erfc_tail(double x) {
    double square = __dmul_rn(x, x), t = (x - 4) / (x + 4);
    double p = pagoda_polynomial(t, 0x1.3ba5916e9fd7fp+0, -0x1.1df1ad154a28ep-3, 0x1.f7f5df66fd7bdp-7, 0x1.16ecefcfa538fp-4, -0x1.9ddb23c3e9102p-4, 0x1.7fee004e12699p-4, -0x1.0fb06dfe48b83p-4,
                                 0x1.3079edf67eac7p-5, -0x1.096238854587cp-6, 0x1.49c67287cd78p-8, -0x1.8d4a999793f82p-11, -0x1.a1df2700ba0f5p-13, 0x1.3be033da16434p-13, -0x1.995908b0dceadp-16,
                                 -0x1.7881e1d93db4p-17, 0x1.7f25faa75280fp-18, 0x1.3882d52779189p-22, -0x1.baebd1c29825p-21, 0x1.519d69686adfdp-24, 0x1.d801da29c9359p-24, -0x1.703e02038f771p-26,
                                 -0x1.e908a1deb1de4p-27, 0x1.e7156c1e5c943p-29, 0x1.7a20c27250ef7p-30, -0x1.6d1335059ce1ep-32);
    pagoda_power e = pagoda_exp(-square, -fma(x, x, -square));
    return ldexp((1.0 + e.tail) * p / fma(2.0, x, 1.0), e.n);
}
PAGODA_MATH double erf(double x) {
    double a = fabs(x), z = x * x;
    if (a >= 1) return copysign(a > 6 ? 1.0 : 1.0 - pagoda_erfc_tail(a), x);
    double p = pagoda_polynomial(z, -0x1.812746b0379e7p-2, 0x1.ce2f21a042be1p-4, -0x1.b82ce31288b2p-6, 0x1.565bcd0e6947fp-8, -0x1.c02db3ffe0c21p-11, 0x1.f9a326e5405bcp-14, -0x1.f4d2596fb33ap-17,
                                 0x1.b9e687c3e0abbp-20, -0x1.5f70026e262cep-23, 0x1.fc686faf628abp-27, -0x1.4f16018750568p-30, 0x1.830ed95421e6p-34, -0x1.33d62c94107ddp-38);
    return x + x * fma(z, p, 0x1.06eba8214db69p-3);
}
PAGODA_MATH double erfc(double x) {
    if (!(x >= 0.5)) return 1.0 - erf(x);
    return x > 28 ? 0.0 : pagoda_erfc_tail(x);
}

/* ---- float through double, and names for every type ---------------------------------------------------------------------------------------------------------------------------------- */

#define PAGODA_FLOAT_1(name) PAGODA_MATH float name##f(float x) { return (float)name((double)x); }
#define PAGODA_FLOAT_2(name) PAGODA_MATH float name##f(float x, float y) { return (float)name((double)x, (double)y); }
PAGODA_FLOAT_1(expm1)
PAGODA_FLOAT_1(sinh)
PAGODA_FLOAT_1(cosh)
PAGODA_FLOAT_1(log1p)
PAGODA_FLOAT_1(log2)
PAGODA_FLOAT_1(log10)
PAGODA_FLOAT_1(cbrt)
PAGODA_FLOAT_1(rcbrt)
PAGODA_FLOAT_1(sin)
PAGODA_FLOAT_1(cos)
PAGODA_FLOAT_1(tan)
PAGODA_FLOAT_1(sinpi)
PAGODA_FLOAT_1(cospi)
PAGODA_FLOAT_1(asin)
PAGODA_FLOAT_1(acos)
PAGODA_FLOAT_1(atan)
PAGODA_FLOAT_1(asinh)
PAGODA_FLOAT_1(acosh)
PAGODA_FLOAT_1(atanh)
PAGODA_FLOAT_1(erf)
PAGODA_FLOAT_1(erfc)
PAGODA_FLOAT_2(pow)
PAGODA_FLOAT_2(hypot)
PAGODA_FLOAT_2(atan2)
PAGODA_MATH void sincosf(float x, float *sine, float *cosine) {
    pagoda_angle a = pagoda_reduce(x);
    *sine = (float)pagoda_sine_of(a);
    a.quarters++;
    *cosine = (float)pagoda_sine_of(a);
}

/* As C++ has it: a function of float gives a float, one of whole numbers or of mixtures computes in double. */
template <typename T> struct pagoda_whole {};
template <typename T> struct pagoda_number : pagoda_whole<T> {};
#define PAGODA_IS_WHOLE(T) template <> struct pagoda_whole<T> { typedef double type; };
PAGODA_IS_WHOLE(char)
PAGODA_IS_WHOLE(signed char)
PAGODA_IS_WHOLE(unsigned char)
PAGODA_IS_WHOLE(short)
PAGODA_IS_WHOLE(unsigned short)
PAGODA_IS_WHOLE(int)
PAGODA_IS_WHOLE(unsigned int)
PAGODA_IS_WHOLE(long)
PAGODA_IS_WHOLE(unsigned long)
PAGODA_IS_WHOLE(long long)
PAGODA_IS_WHOLE(unsigned long long)
template <> struct pagoda_number<float> { typedef double type; };
template <> struct pagoda_number<double> { typedef double type; };
#define PAGODA_ANY_WHOLE_1(name) template <typename T> PAGODA_DEVICE typename pagoda_whole<T>::type name(T x) { return name((double)x); }
#define PAGODA_ANY_1(name)                                           \
    PAGODA_DEVICE float name(float x) { return name##f(x); }         \
    PAGODA_ANY_WHOLE_1(name)
#define PAGODA_ANY_2(name)                                                                                                                                       \
    PAGODA_DEVICE float name(float x, float y) { return name##f(x, y); }                                                                                         \
    template <typename T, typename U> PAGODA_DEVICE decltype(typename pagoda_number<T>::type() + typename pagoda_number<U>::type()) name(T x, U y) {             \
        return name((double)x, (double)y);                                                                                                                       \
    }
PAGODA_ANY_WHOLE_1(fabs)
PAGODA_ANY_1(sqrt)
PAGODA_ANY_1(floor)
PAGODA_ANY_1(ceil)
PAGODA_ANY_1(trunc)
PAGODA_ANY_1(rint)
PAGODA_ANY_1(nearbyint)
PAGODA_ANY_1(round)
PAGODA_ANY_1(exp)
PAGODA_ANY_1(exp2)
PAGODA_ANY_1(expm1)
PAGODA_ANY_1(sinh)
PAGODA_ANY_1(cosh)
PAGODA_ANY_1(tanh)
PAGODA_ANY_1(log)
PAGODA_ANY_1(log2)
PAGODA_ANY_1(log10)
PAGODA_ANY_1(log1p)
PAGODA_ANY_1(cbrt)
PAGODA_ANY_1(rsqrt)
PAGODA_ANY_1(sin)
PAGODA_ANY_1(cos)
PAGODA_ANY_1(tan)
PAGODA_ANY_1(asin)
PAGODA_ANY_1(acos)
PAGODA_ANY_1(atan)
PAGODA_ANY_1(asinh)
PAGODA_ANY_1(acosh)
PAGODA_ANY_1(atanh)
PAGODA_ANY_1(erf)
PAGODA_ANY_1(erfc)
PAGODA_ANY_2(fmin)
PAGODA_ANY_2(fmax)
PAGODA_ANY_2(copysign)
PAGODA_ANY_2(fdim)
PAGODA_ANY_2(fmod)
PAGODA_ANY_2(pow)
PAGODA_ANY_2(hypot)
PAGODA_ANY_2(atan2)
PAGODA_DEVICE float fma(float x, float y, float z) { return fmaf(x, y, z); }
PAGODA_DEVICE float ldexp(float x, int n) { return ldexpf(x, n); }
PAGODA_DEVICE float frexp(float x, int *exponent) { return frexpf(x, exponent); }
PAGODA_DEVICE float modf(float x, float *whole) { return modff(x, whole); }

#endif
#endif
