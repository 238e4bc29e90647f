/* SPDX-License-Identifier: Apache-2.0
 * The other functions of one element, straight-line like those of vector_math.inc.c. The polynomials are minimax fits of our own (Remez exchange in 50
 * digits on the reduced function, weighted by the result, then rounded to f32). Where f32 would lose digits before the polynomial - the quarter turn
 * taken off an angle, the logarithm in pow - that step is done in f64, which is vector code at every level. */

/* Adding and subtracting 1.5 * 2^52 rounds to the nearest integer. */
static inline double round_double(double x) { return (x + 6755399441055744.0) - 6755399441055744.0; }

static inline float sign_like(float magnitude, float sign) { return bits_to_float((float_to_bits(magnitude) & 0x7fffffffu) | (float_to_bits(sign) & 0x80000000u)); }

/* Numbers from 2^23 on are whole. Of a number not below 0; comparisons with & and | below keep loops free of branches. */
static inline float round_size(float a) { return a < 8388608.0f ? (a + 8388608.0f) - 8388608.0f : a; }

static inline float round_one(float x) { return sign_like(round_size(__builtin_fabsf(x)), x); }

static inline float trunc_one(float x) {
    float a = __builtin_fabsf(x), whole = round_size(a);
    return sign_like(whole > a ? whole - 1.0f : whole, x);
}

/* ---- angles --------------------------------------------------------------------------------------------------------------------------------------- */

/* Up to here the quarter turns are counted exactly; test_programs.c looks at both sides. */
#define FAR_ANGLE 100000.0f

/* x = quarter pi/2 + r, |r| <= pi/4: pi/2 in two parts of which the first has 33 bits, so that its products are exact (Cody and Waite, 1980). */
static inline float quarter_turns(float x, int32_t *quarter) {
    double n = round_double((double)x * 0.6366197723675814);
    *quarter = (int32_t)n;
    return (float)((double)x - n * 1.5707963267341256 - n * 6.077100506506192e-11);
}

static inline float sin_near(float r) {
    float u = r * r, poly = 2.71830436e-06f;
    poly = poly * u - 0.000198393347f;
    poly = poly * u + 0.00833332911f;
    poly = poly * u - 0.166666672f;
    return r + r * u * poly;
}

static inline float cos_near(float r) {
    float u = r * r, poly = 2.44637667e-05f;
    poly = poly * u - 0.00138876541f;
    poly = poly * u + 0.041666653f;
    return 1.0f - 0.5f * u + u * u * poly;
}

static inline float sin_one(float x) {
    int32_t quarter;
    float r = quarter_turns(x, &quarter), value = (quarter & 1) != 0 ? cos_near(r) : sin_near(r);
    return (quarter & 2) != 0 ? -value : value;
}

static inline float cos_one(float x) {
    int32_t quarter;
    float r = quarter_turns(x, &quarter), value = (quarter & 1) != 0 ? sin_near(r) : cos_near(r);
    return ((quarter + 1) & 2) != 0 ? -value : value;
}

static inline float tan_one(float x) {
    int32_t quarter;
    float r = quarter_turns(x, &quarter), s = sin_near(r), c = cos_near(r);
    return (quarter & 1) != 0 ? -c / s : s / c;
}

/* asin x = x + x^3 P(x^2) up to 1/2; beyond, pi/2 - 2 asin(sqrt((1 - x) / 2)). Gives asin s of that smaller number. */
static inline float asin_near(float s, float z) {
    float poly = 0.0375781693f;
    poly = poly * z + 0.0143937981f;
    poly = poly * z + 0.0318198204f;
    poly = poly * z + 0.0445154719f;
    poly = poly * z + 0.0750051215f;
    poly = poly * z + 0.166666597f;
    return s + s * z * poly;
}

static inline float asin_one(float x) {
    float a = __builtin_fabsf(x), z = a > 0.5f ? (1.0f - a) * 0.5f : x * x;
    float p = asin_near(a > 0.5f ? __builtin_sqrtf(z) : a, z);
    return sign_like(a > 0.5f ? 1.57079637f - (2.0f * p + 4.37113883e-8f) : p, x);
}

static inline float acos_one(float x) {
    float a = __builtin_fabsf(x), z = a > 0.5f ? (1.0f - a) * 0.5f : x * x;
    float p = asin_near(a > 0.5f ? __builtin_sqrtf(z) : x, z);
    float far = x > 0 ? 2.0f * p : 3.14159274f - (2.0f * p + 8.74227766e-8f);
    return a > 0.5f ? far : 1.57079637f - (p + 4.37113883e-8f);
}

static inline float atan_one(float x) {
    float a = __builtin_fabsf(x), t = a > 1.0f ? 1.0f / a : a, u = t * t, poly = 0.00111376517f;
    poly = poly * u - 0.00731784897f;
    poly = poly * u + 0.0225396603f;
    poly = poly * u - 0.0446897261f;
    poly = poly * u + 0.0674158409f;
    poly = poly * u - 0.0881108642f;
    poly = poly * u + 0.110582225f;
    poly = poly * u - 0.142798334f;
    poly = poly * u + 0.19999671f;
    poly = poly * u - 0.333333284f;
    float p = t + t * u * poly;
    return sign_like(a > 1.0f ? 1.57079637f - (p + 4.37113883e-8f) : p, x);
}

/* ---- exponentials and logarithms -------------------------------------------------------------------------------------------------------------------- */

/* 2^n e^r - 1 = 2^n (e^r - 1 + (1 - 2^-n)) */
static inline float expm1_one(float x) {
    float clamped = x < -20.0f ? -20.0f : x > 89.0f ? 89.0f : x;
    float n = round_small(clamped * 1.44269504f);
    float r = clamped - n * 0.693359375f + n * 2.12194440e-4f;
    float poly = 0.00019907704f;
    poly = poly * r + 0.00139486999f;
    poly = poly * r + 0.00833328627f;
    poly = poly * r + 0.0416662395f;
    poly = poly * r + 0.166666672f;
    poly = poly * r + 0.5f;
    float back = n > 60.0f ? 0.0f : power_of_two(n > 60.0f ? 0.0f : -n), half = round_small(n * 0.5f);
    float value = (poly * (r * r) + r + (1.0f - back)) * power_of_two(half) * power_of_two(n - half);
    return x == x && x != 0.0f ? value : x;
}

/* log u for u = 1 + x rounded, with what rounding took away put back at f, where the polynomial of log_one begins. */
static inline float log1p_one(float x) {
    float u = 1.0f + x, lost = x >= 1.0f ? 1.0f - (u - x) : x - (u - 1.0f);
    uint32_t bits = float_to_bits(u) - 0x3f3504f3u;
    int32_t whole = (int32_t)bits >> 23;
    float e = (float)whole, f = bits_to_float((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
    f += x < 1e8f ? lost * power_of_two(x < 1e8f ? -e : 0.0f) : 0.0f;
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
    value = x == INFINITY || x == 0.0f ? x : value;
    value = x == -1.0f ? -INFINITY : value;
    return x < -1.0f || x != x ? NAN : value;
}

/* e^t from t in f64, as mantissa and the two factors of 2^n. */
typedef struct scaled_exp {
    double mantissa;
    float first, second;
} scaled_exp;

static inline scaled_exp exp_scaled(double t) {
    double n = round_double(t * 1.4426950408889634);
    float r = (float)(t - n * 0.6931471805599453), whole = (float)n, half = round_small(whole * 0.5f);
    return (scaled_exp){1.0 + (double)exp_rise(r), power_of_two(half), power_of_two(whole - half)};
}

/* log of a positive number, to 36 bits. */
static inline double log_wide(float x) {
    float scaled = x < 1.17549435e-38f ? x * 8388608.0f : x;
    uint32_t bits = float_to_bits(scaled) - 0x3f3504f3u;
    double e = (double)((int32_t)bits >> 23) + (x < 1.17549435e-38f ? -23.0 : 0.0);
    double f = (double)bits_to_float((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    double poly = 0.05362903951703529;
    poly = poly * f - 0.09900872618841051;
    poly = poly * f + 0.10033201738919582;
    poly = poly * f - 0.09922848757835552;
    poly = poly * f + 0.11005083148975293;
    poly = poly * f - 0.12497485418758839;
    poly = poly * f + 0.1429098699102465;
    poly = poly * f - 0.16666943375391838;
    poly = poly * f + 0.19999881142502007;
    poly = poly * f - 0.24999994081025273;
    poly = poly * f + 0.33333333333759174;
    poly = poly * f - 0.5000000002940673;
    poly = poly * f + 0.999999999985958;
    return e * 0.6931471805599453 + f * poly;
}

/* e^(y log |x|), and what C says of signs, zeros and infinities. */
static inline float pow_one(float x, float y) {
    float a = __builtin_fabsf(x), size = __builtin_fabsf(y);
    int whole = round_size(size) == size, odd = whole & (round_size(size * 0.5f) != size * 0.5f), below = float_to_bits(x) >> 31 != 0;
    double log_a = log_wide(a);
    log_a = a == 0.0f ? -(double)INFINITY : log_a;
    log_a = a == INFINITY ? (double)INFINITY : log_a;
    double t = (double)y * log_a;
    t = t < -104.0 ? -104.0 : t;
    t = t > 89.0 ? 89.0 : t;
    scaled_exp e = exp_scaled(t);
    float value = (float)e.mantissa * e.first * e.second;
    value = (odd & below) != 0 ? -value : value;
    value = ((x < 0.0f) & (x > -INFINITY) & (whole == 0)) != 0 ? NAN : value;
    value = ((x != x) | (y != y)) != 0 ? NAN : value;
    return ((y == 0.0f) | (x == 1.0f) | ((x == -1.0f) & (size == INFINITY))) != 0 ? 1.0f : value;
}

/* ---- the error function --------------------------------------------------------------------------------------------------------------------------- */

/* x + x P(x^2) below 0.9; beyond, 1 - e^P(x), where e^P is the complement. */
static inline float erf_one(float x) {
    float a = __builtin_fabsf(x), u = x * x, z = a < 4.0f ? a : 4.0f;
    float near = 8.51310542e-05f;
    near = near * u - 0.000817563967f;
    near = near * u + 0.00520385941f;
    near = near * u - 0.0268605091f;
    near = near * u + 0.112837151f;
    near = near * u - 0.376126349f;
    near = near * u + 0.128379166f;
    float far = -7.48602702e-07f;
    far = far * z - 1.11569561e-05f;
    far = far * z + 0.00037793527f;
    far = far * z - 0.00399107579f;
    far = far * z + 0.0247683953f;
    far = far * z - 0.10785047f;
    far = far * z - 0.633669317f;
    far = far * z - 1.12937915f;
    far = far * z + 0.000150130698f;
    float value = a < 0.9f ? x + x * near : sign_like(1.0f - exp_one(far), x);
    return x == x ? value : x;
}

/* e^(-u^2/2) for u from 0 to 15 as (1 + rise) power 2^-64. It keeps its digits down to the subnormals: u is cut in two, of which the higher has 12 bits and an exact square. */
typedef struct density {
    float rise, power;
} density;

static inline density density_of(float u) {
    float high = bits_to_float(float_to_bits(u) & 0xfffff000u), square = high * high, rest = (u - high) * (u + high);
    float shifted = square * -0.72134752f + ROUNDING, n = shifted - ROUNDING;
    float r = square * -0.5f - n * 0.693359375f + (n * 2.12194440e-4f - rest * 0.5f);
    return (density){exp_rise(r), power_of_rounded(shifted, 64)};
}

/* x Phi(x) = -g(-x) below 0 and x - g(x) above, with g(u) = u Phi(-u): u (1/2 - u P(u^2)) below 1; beyond, e^(-u^2/2) P((u - 3) / (u + 3)) with a flat polynomial. */
static inline float gelu_one(float x) {
    float a = __builtin_fabsf(x), u = a < 15.0f ? a : 15.0f, t = (u - 3.0f) / (u + 3.0f);
    density e = density_of(u);
    float far = -0.000542005349f;
    far = far * t - 4.12637673e-05f;
    far = far * t + 0.00396349793f;
    far = far * t - 0.0017373272f;
    far = far * t - 0.0288579017f;
    far = far * t + 0.0913766474f;
    far = far * t - 0.139657378f;
    far = far * t + 0.109875873f;
    far = far * t + 0.364541858f;
    far = (far + far * e.rise) * e.power * 0x1p-64f;
    float v = u * u, near = -7.46289516e-06f;
    near = near * v + 0.000112952177f;
    near = near * v - 0.00118578493f;
    near = near * v + 0.00997307803f;
    near = near * v - 0.0664903149f;
    near = near * v + 0.398942292f;
    near = u * (0.5f - u * near);
    float g = a < 1.0f ? near : far;
    return x < 0 ? -g : x - g;
}

/* Phi(x) + x phi(x) = s(-x) below 0 and 1 - s(x) above, with s(u) = Phi(-u) - u phi(u): (u - u0) P(u) below 1, where u0 is its root; beyond, with t = (u - 1) / (u + 3),
 * -e^(-u^2/2) (u + 3) P(t), which is -e^(-u^2/2) ((u - 1) P(t) + 4 P(0)) with the first coefficient taken out of t's way. */
static inline float gelu_slope_one(float x) {
    float a = __builtin_fabsf(x), u = a > 15.0f ? 15.0f : a, t = (u - 1.0f) / (u + 3.0f);
    density e = density_of(u);
    float far = -0.00158513733f;
    far = far * t + 0.00251584034f;
    far = far * t + 0.00637819618f;
    far = far * t - 0.0112687983f;
    far = far * t - 0.0379025973f;
    far = far * t + 0.152921095f;
    far = far * t - 0.248427197f;
    far = far * t + 0.536306221f;
    far = -0.137363985f - (u - 1.0f) * far;
    far = (far + far * e.rise) * e.power * 0x1p-64f;
    float near = -0.0029592861f;
    near = near * u + 0.0108247055f;
    near = near * u + 0.00576319406f;
    near = near * u - 0.0546245985f;
    near = near * u - 0.0412193164f;
    near = near * u + 0.23497206f;
    near = near * u + 0.176653937f;
    near = near * u - 0.665077984f;
    near = ((u - 0.751791537f) + 1.21144499e-08f) * near;
    float s = a < 1.0f ? near : far;
    return x < 0 ? s : 1.0f - s;
}

/* ---- floor modulus -------------------------------------------------------------------------------------------------------------------------------------- */

static inline float mod_finish(double rest, double b) {
    double moved = ((rest < 0) ^ (b < 0)) != 0 ? rest + b : rest, zero = b < 0 ? -0.0 : 0.0;
    return (float)(rest == 0 ? zero : moved);
}

/* For |a| < 2^27 |b|: the quotient's whole part and its product with b are exact in f64. */
static inline float mod_one(float a, float b) {
    double x = (double)a, y = (double)b, quotient = x / y, size = __builtin_fabs(quotient), whole = round_double(size);
    whole = whole > size ? whole - 1.0 : whole;
    whole = quotient < 0 ? -whole : whole;
    double rest = whole == 0 ? x : x - whole * y;
    return mod_finish(rest, y);
}

static float mod_far(float a, float b) { return mod_finish((double)fmodf(a, b), (double)b); }
