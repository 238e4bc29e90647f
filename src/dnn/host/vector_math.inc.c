/* SPDX-License-Identifier: Apache-2.0
 * exp, log, tanh, sigmoid in straight-line arithmetic, so that loops over them become vector code at every level. NaN in gives NaN out.
 * The polynomials are Chebyshev fits of our own to the reduced functions; errors (vector_math tests) stay below 4 units in the last place. */

static inline float bits_to_float(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t float_to_bits(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* Adding and subtracting 1.5 * 2^23 rounds to the nearest integer. */
static inline float round_small(float x) { return (x + 12582912.0f) - 12582912.0f; }

/* 2^n for integers in [-126, 127] held in a float. */
static inline float power_of_two(float n) { return bits_to_float((uint32_t)((int32_t)n + 127) << 23); }

/* Adding 1.5 * 2^23 leaves the nearest integer n in the low bits; these are the bits of 2^(n + away), which must be a normal number. */
#define ROUNDING 12582912.0f
static inline float power_of_rounded(float shifted, int32_t away) { return bits_to_float((float_to_bits(shifted) + (uint32_t)(127 + away)) << 23); }

/* e^r - 1 for |r| <= ln2 / 2 */
static inline float exp_rise(float r) {
    float poly = 0.00139337336f;
    poly = poly * r + 0.00836323574f;
    poly = poly * r + 0.0416664630f;
    poly = poly * r + 0.166665763f;
    poly = poly * r + 0.5f;
    return poly * (r * r) + r;
}

/* e^x = 2^n e^r with |r| <= ln2 / 2; 2^n in two factors, so that results down to the subnormals are right. NaN takes part in every step. */
static inline float exp_one(float x) {
    float clamped = x < -104.0f ? -104.0f : x > 89.0f ? 89.0f : x;
    float shifted = clamped * 1.44269504f + ROUNDING, n = shifted - ROUNDING;
    float r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
    return (exp_rise(r) + 1.0f) * power_of_rounded(shifted, x < 0 ? 64 : -64) * (x < 0 ? 0x1p-64f : 0x1p64f);
}

/* log x = e ln2 + log(1 + f), 1 + f in [sqrt(1/2), sqrt(2)). */
static inline float log_one(float x) {
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    float adjust = x < 1.17549435e-38f ? -23.0f : 0.0f;
    uint32_t bits = float_to_bits(scaled) - 0x3f3504f3u;
    float e = (float)((int32_t)bits >> 23) + adjust;
    float f = bits_to_float((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    float poly = 0.0714975372f;
    poly = poly * f - 0.115712009f;
    poly = poly * f + 0.116615117f;
    poly = poly * f - 0.124110505f;
    poly = poly * f + 0.142499372f;
    poly = poly * f - 0.166684806f;
    poly = poly * f + 0.200007081f;
    poly = poly * f - 0.249999896f;
    poly = poly * f + 0.333333313f;
    float value = f * f * (f * poly - 0.5f) + e * -2.12194440e-4f + f + e * 0.693359375f;
    value = x == INFINITY ? x : value;
    value = x == 0.0f ? -INFINITY : value;
    return x < 0.0f || x != x ? NAN : value;
}

static inline float tanh_one(float x) {
    float a = x < 0 ? -x : x, u = x * x;
    float poly = -0.00610493543f;
    poly = poly * u + 0.0210036300f;
    poly = poly * u - 0.0538524948f;
    poly = poly * u + 0.133327827f;
    poly = poly * u - 0.333333284f;
    float small = x + x * u * poly;
    float large = 1.0f - 2.0f / (exp_one(2.0f * a) + 1.0f);
    large = x < 0 ? -large : large;
    return a < 0.625f ? small : large;
}

/* From e^-|x|, which cannot overflow, so that small results keep their digits. */
static inline float sigmoid_one(float x) {
    float e = exp_one(x < 0 ? x : -x);
    return (x < 0 ? e : 1.0f) / (1.0f + e);
}

static inline float max_one(float a, float b) { return a != a || a > b ? a : b; }
static inline float min_one(float a, float b) { return a != a || a < b ? a : b; }

/* Sum of a run in sixteen interleaved partial sums: a fixed order that every vector width can follow. */
static inline float sum_run(const float *x, int64_t n) {
    float part[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) part[k] += x[i + k];
    for (int k = 0; i < n; i++, k++) part[k] += x[i];
    for (int k = 0; k < 8; k++) part[k] += part[k + 8];
    for (int k = 0; k < 4; k++) part[k] += part[k + 4];
    for (int k = 0; k < 2; k++) part[k] += part[k + 2];
    return part[0] + part[1];
}

/* Greatest of a run, -infinity where it is empty; a NaN wins. */
static inline float max_run(const float *x, int64_t n) {
    vf most = v_set1(-INFINITY);
    int64_t i = 0;
    for (; i + VL <= n; i += VL) most = v_max(most, v_load(x + i));
    float greatest = v_greatest(most);
    for (; i < n; i++) greatest = max_one(greatest, x[i]);
    return greatest;
}
