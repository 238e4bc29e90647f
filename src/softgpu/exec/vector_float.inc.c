/* SPDX-License-Identifier: Apache-2.0
 * Floating point, all lanes at once, as IEEE 754 has it and the host computes it: to nearest even, NaN in one form; .ftz makes subnormal operands and results zeros. What the
 * host does not round as is asked for stays with the reference's arithmetic (vec_run_any). */

enum { NAN32 = 0x7fffffff };

INLINE float float_of(uint32_t bits) { return pgd_float_of_bits(bits); }
INLINE uint32_t bits_of(float value) { return value != value ? NAN32 : pgd_float_bits(value); }
INLINE double double_of(uint64_t bits) {
    union { uint64_t u; double d; } both = {bits};
    return both.d;
}
INLINE uint64_t bits_of_double(double value) {
    union { double d; uint64_t u; } both = {value};
    return value != value ? UINT64_C(0x7ff8000000000000) : both.u;
}
INLINE uint32_t flushed(uint32_t bits) { return (bits & 0x7f800000u) == 0 ? bits & 0x80000000u : bits; }

/* ---- binary32 ------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef float float1(float a, float b, float c);

INLINE uint32_t one_float(float1 *of, bool flush, uint32_t a, uint32_t b, uint32_t c) {
    if (flush) a = flushed(a), b = flushed(b), c = flushed(c);
    uint32_t y = bits_of(of(float_of(a), float_of(b), float_of(c)));
    return flush ? flushed(y) : y;
}

INLINE float sum_of(float a, float b, float c) { return a + b; }
INLINE float difference_of(float a, float b, float c) { return a - b; }
INLINE float product_of(float a, float b, float c) { return a * b; }
INLINE float fused_of(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
INLINE float quotient_of(float a, float b, float c) { return a / b; }
INLINE float reciprocal_of(float a, float b, float c) { return 1.0f / a; }
INLINE float root_of(float a, float b, float c) { return __builtin_sqrtf(a); }
/* Divisors above 2^126 give 0, infinite dividends then NaN. */
INLINE float near_quotient_of(float a, float b, float c) {
    float magnitude = __builtin_fabsf(b), sign = __builtin_copysignf(1.0f, a) * __builtin_copysignf(1.0f, b);
    bool great = magnitude > 0x1p126f && magnitude < INFINITY;
    float tiny = __builtin_fabsf(a) < INFINITY ? __builtin_copysignf(0.0f, sign) : NAN;
    return great ? tiny : a / b;
}

/* name, function, are subnormals zeros */
#define FLOAT_LIST(X)                                                                                                                             \
    X(add_f32, sum_of, false) X(sub_f32, difference_of, false) X(mul_f32, product_of, false) X(fused_f32, fused_of, false)                        \
    X(add_ftz, sum_of, true) X(sub_ftz, difference_of, true) X(mul_ftz, product_of, true) X(fma_ftz, fused_of, true)                              \
    X(div_f32, quotient_of, false) X(div_ftz, quotient_of, true) X(div_approx, near_quotient_of, false) X(div_approx_ftz, near_quotient_of, true) \
    X(rcp_f32, reciprocal_of, false) X(rcp_ftz, reciprocal_of, true) X(sqrt_f32, root_of, false) X(sqrt_ftz, root_of, true)
#define X(name, of, flush)                                                                                               \
    INLINE uint32_t one_##name(uint32_t a, uint32_t b, uint32_t c) { return one_float(of, flush, a, b, c); }            \
    LANES(name##_lanes) {                                                                                                \
        SLOTS;                                                                                                           \
        LANES32;                                                                                                         \
        if (unmade(a, b, c)) return again32(w, s);                                                                       \
        uint32_t *z = out32(d);                                                                                          \
        EACH_LANE(k) z[k] = one_##name(x[k], y[k], v[k]);                                                                \
        VEC_NEXT(w, s);                                                                                                  \
    }                                                                                                                    \
    LANES(name) {                                                                                                        \
        SLOTS;                                                                                                           \
        if (!uniform2(a, b) || !uniform(c)) return name##_lanes(w, s);                                                   \
        set_uniform(d, one_##name((uint32_t)a->base, (uint32_t)b->base, (uint32_t)c->base));                             \
        VEC_NEXT(w, s);                                                                                                  \
    }
FLOAT_LIST(X)
#undef X

LANES(fma_f32_other) {
    SLOTS;
    (void)d;
    return (a->state & b->state & c->state & VEC_SPREAD) != 0 ? fused_f32_lanes(w, s) : fused_f32(w, s);
}
INLINE uint32_t one_fma_f32(uint32_t a, uint32_t b, uint32_t c) { return one_fused_f32(a, b, c); }
/* One factor is often the same in all lanes. */
HANDLER(fma_f32) {
    SLOTS;
    if (!uniform(a) || (b->state & c->state & VEC_SPREAD) == 0) return fma_f32_other(w, s);
    const uint32_t *y = vec_lanes32(b), *v = vec_lanes32(c);
    float factor = float_of((uint32_t)a->base);
    uint32_t *z = out32(d);
    EACH_LANE(k) z[k] = bits_of(__builtin_fmaf(factor, float_of(y[k]), float_of(v[k])));
    VEC_NEXT(w, s);
}

/* Signs alone: NaN stays what it is. */
#define SIGN_LIST(X) X(neg_f32, a ^ 0x80000000u) X(abs_f32, a & 0x7fffffffu)
SIGN_LIST(EACH32_HANDLERS)

/* -0 is below +0; one NaN gives the other number. */
INLINE uint32_t extreme(uint32_t a, uint32_t b, bool greatest) {
    uint32_t order_a = (a & 0x80000000u) != 0 ? ~a : a | 0x80000000u, order_b = (b & 0x80000000u) != 0 ? ~b : b | 0x80000000u;
    bool a_nan = (a & 0x7fffffffu) > 0x7f800000u, b_nan = (b & 0x7fffffffu) > 0x7f800000u, first = greatest ? order_a > order_b : order_a < order_b;
    uint32_t y = b_nan ? a : a_nan ? b : first ? a : b;
    return a_nan && b_nan ? NAN32 : y;
}
#define EXTREME_LIST(X) X(min_f32, extreme(a, b, false)) X(max_f32, extreme(a, b, true))
EXTREME_LIST(EACH32_HANDLERS)

/* ---- functions that are not exact: the C library's double, rounded once, lane by lane ------------------------------------------------------------------------------------ */

typedef double function1(double a);

INLINE const vec_step *each_function(vec_warp *w, const vec_step *s, function1 *of, bool flush) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    if (uniform(a)) {
        uint32_t x = flush ? flushed((uint32_t)a->base) : (uint32_t)a->base, y = bits_of((float)of((double)float_of(x)));
        set_uniform(d, flush ? flushed(y) : y);
    } else {
        const uint32_t *x = in32(w, a);
        uint32_t *z = out32(d), mask = w->mask;
#if defined(__AVX2__)
        _mm256_zeroupper(); /* the C library may be older */
#endif
        for (int32_t k = 0; k < VEC_LANES; k++) {
            if ((mask >> k & 1) == 0) continue;
            uint32_t y = bits_of((float)of((double)float_of(flush ? flushed(x[k]) : x[k])));
            z[k] = flush ? flushed(y) : y;
        }
    }
    VEC_NEXT(w, s);
}

HANDLER(ex2_f32) { return each_function(w, s, exp2, false); }
HANDLER(ex2_ftz) { return each_function(w, s, exp2, true); }
HANDLER(lg2_f32) { return each_function(w, s, log2, false); }
HANDLER(lg2_ftz) { return each_function(w, s, log2, true); }
HANDLER(sin_f32) { return each_function(w, s, sin, false); }
HANDLER(cos_f32) { return each_function(w, s, cos, false); }
HANDLER(tanh_f32) { return each_function(w, s, tanh, false); }

/* The reference rounds the quotient of 1 and a root of 64 digits. In double it is right to 2^-51, so the same float comes out unless it lies that near to the middle of two. */
HANDLER(rsqrt_f32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    const uint32_t *x = in32(w, a);
    uint32_t *z = out32(d), mask = w->mask;
    for (int32_t k = 0; k < VEC_LANES; k++) {
        if ((mask >> k & 1) == 0) continue;
        double value = 1.0 / __builtin_sqrt((double)float_of(x[k]));
        uint64_t bits = bits_of_double(value), low = bits & ((UINT64_C(1) << 29) - 1), middle = UINT64_C(1) << 28;
        if (value == value && low - (middle - 16) < 32) {
            ptx_number one = ptx_number_read(PTX_f32, 0x3f800000, false);
            z[k] = (uint32_t)ptx_number_write(PTX_f32, ptx_number_divide(one, ptx_number_root(ptx_number_read(PTX_f32, x[k], false))), (ptx_fitting){0});
        } else {
            z[k] = bits_of((float)value);
        }
    }
    VEC_NEXT(w, s);
}

/* ---- binary64 -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

typedef double double1(double a, double b, double c);

INLINE double sum64_of(double a, double b, double c) { return a + b; }
INLINE double difference64_of(double a, double b, double c) { return a - b; }
INLINE double product64_of(double a, double b, double c) { return a * b; }
INLINE double fused64_of(double a, double b, double c) { return __builtin_fma(a, b, c); }
INLINE double quotient64_of(double a, double b, double c) { return a / b; }
INLINE double root64_of(double a, double b, double c) { return __builtin_sqrt(a); }
#define DOUBLE_LIST(X) X(add_f64, sum64_of) X(sub_f64, difference64_of) X(mul_f64, product64_of) X(fma_f64, fused64_of) X(div_f64, quotient64_of) X(sqrt_f64, root64_of)
#define X(name, of)                                                                                                             \
    INLINE uint64_t one_##name(uint64_t a, uint64_t b, uint64_t c) { return bits_of_double(of(double_of(a), double_of(b), double_of(c))); } \
    LANES(name##_lanes) {                                                                                                       \
        SLOTS;                                                                                                                  \
        LANES64;                                                                                                                \
        if (unmade(a, b, c)) return again64(w, s);                                                                              \
        uint64_t *z = out64(d);                                                                                                 \
        EACH_LANE(k) z[k] = one_##name(x[k], y[k], v[k]);                                                                       \
        VEC_NEXT(w, s);                                                                                                         \
    }                                                                                                                           \
    HANDLER(name) {                                                                                                             \
        SLOTS;                                                                                                                  \
        if (!uniform2(a, b) || !uniform(c)) return name##_lanes(w, s);                                                          \
        set_uniform(d, one_##name(a->base, b->base, c->base));                                                                  \
        VEC_NEXT(w, s);                                                                                                         \
    }
DOUBLE_LIST(X)
#undef X

/* ---- comparisons ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* What each comparison says where neither is NaN, and where one is. */
#define FLOAT_COMPARISONS(X)                                                                                                                                                  \
    X(VEC_EQ, x == y) X(VEC_NE, (x < y) | (x > y)) X(VEC_LT, x < y) X(VEC_LE, x <= y) X(VEC_GT, x > y) X(VEC_GE, x >= y) X(VEC_NUM, (x == x) & (y == y)) X(VEC_NAN, (x != x) | (y != y)) \
    X(VEC_EQU, !((x < y) | (x > y))) X(VEC_NEU, x != y) X(VEC_LTU, !(x >= y)) X(VEC_LEU, !(x > y)) X(VEC_GTU, !(x <= y)) X(VEC_GEU, !(x < y))
#define COMPARE_F32(how, truth) \
    case how: EACH_LANE(k) { float x = float_of(a[k]), y = float_of(b[k]); truths[k] = (truth) ? UINT32_MAX : 0; } break;
#define COMPARE_F64(how, truth) \
    case how: EACH_LANE(k) { double x = double_of(a[k]), y = double_of(b[k]); truths[k] = (truth) ? UINT32_MAX : 0; } break;

static uint32_t compare_f32(int32_t how, const uint32_t *a, const uint32_t *b) {
    _Alignas(64) uint32_t truths[VEC_LANES];
    switch (how) {
        FLOAT_COMPARISONS(COMPARE_F32)
    default: return 0;
    }
    return mask_of(truths);
}
static uint32_t compare_f64(int32_t how, const uint64_t *a, const uint64_t *b) {
    _Alignas(64) uint32_t truths[VEC_LANES];
    switch (how) {
        FLOAT_COMPARISONS(COMPARE_F64)
    default: return 0;
    }
    return mask_of(truths);
}

HANDLER(setp_f32) { return put_truths(w, s, compare_f32(s->elems, in32(w, vec_at(w, s->a)), in32(w, vec_at(w, s->b)))); }
HANDLER(setp_f64) { return put_truths(w, s, compare_f64(s->elems, in64(w, vec_at(w, s->a)), in64(w, vec_at(w, s->b)))); }

/* ---- conversions -------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Beyond the range comes its nearest end, of NaN 0. */
INLINE uint32_t to_s32(uint32_t a) {
    float x = float_of(a);
    bool inside = x >= -0x1p31f && x < 0x1p31f;
    int32_t y = (int32_t)(inside ? x : 0.0f);
    return inside ? (uint32_t)y : x > 0 ? INT32_MAX : x < 0 ? (uint32_t)INT32_MIN : 0;
}
INLINE uint32_t to_u32(uint32_t a) {
    float x = float_of(a);
    bool inside = x > 0 && x < 0x1p32f;
    uint32_t y = (uint32_t)(int64_t)(inside ? x : 0.0f);
    return inside ? y : x > 0 ? UINT32_MAX : 0;
}
INLINE uint32_t to_bf16(uint32_t a) { return (a & 0x7fffffffu) > 0x7f800000u ? 0x7fff : (a + 0x7fffu + (a >> 16 & 1)) >> 16; }
INLINE uint32_t to_f16(uint32_t a) { return (a & 0x7fffffffu) > 0x7f800000u ? 0x7fff : pgd_f16_of_float(float_of(a)); }
#define CONVERT_LIST(X)                                                                                                                                 \
    X(cvt_s32_f32, to_s32(a)) X(cvt_u32_f32, to_u32(a)) X(cvt_f32_s32, pgd_float_bits((float)(int32_t)a)) X(cvt_f32_u32, pgd_float_bits((float)a))     \
    X(cvt_f32_f16, bits_of(pgd_float_of_f16((uint16_t)a))) X(cvt_f16_f32, to_f16(a)) X(cvt_f32_bf16, bits_of(float_of(a << 16))) X(cvt_bf16_f32, to_bf16(a))
CONVERT_LIST(EACH32_HANDLERS)

HANDLER(cvt_f64_f32) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    if (uniform(a)) set_uniform(d, bits_of_double((double)float_of((uint32_t)a->base)));
    else {
        const uint32_t *x = in32(w, a);
        uint64_t *z = out64(d);
        EACH_LANE(k) z[k] = bits_of_double((double)float_of(x[k]));
    }
    VEC_NEXT(w, s);
}
HANDLER(cvt_f32_f64) {
    vec_slot *d = vec_at(w, s->d), *a = vec_at(w, s->a);
    if (uniform(a)) set_uniform(d, bits_of((float)double_of(a->base)));
    else {
        const uint64_t *x = in64(w, a);
        uint32_t *z = out32(d);
        EACH_LANE(k) z[k] = bits_of((float)double_of(x[k]));
    }
    VEC_NEXT(w, s);
}

/* ---- matrices ------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Products of two numbers of at most 26 digits are exact, and so are the sums as long as none of them leaves a rest. */
void VEC_DOTS(const double *a, const double *b, double *sums, int32_t rows, int32_t depth, bool *exact) {
    for (int32_t i = 0; i < rows; i++) {
        double rests[8] = {0}, *sum = sums + 8 * i;
        for (int32_t n = 0; n < depth; n++) {
            double factor = a[i * depth + n];
            for (int32_t j = 0; j < 8; j++) {
                double product = factor * b[n * 8 + j], total = sum[j] + product, taken = total - sum[j];
                rests[j] += __builtin_fabs(sum[j] - (total - taken)) + __builtin_fabs(product - taken);
                sum[j] = total;
            }
        }
        for (int32_t j = 0; j < 8; j++) exact[8 * i + j] = rests[j] == 0;
    }
}
