/* SPDX-License-Identifier: Apache-2.0
 * One element at a time: reading and writing any dtype, and the meaning of every elementwise operation on a single number (numerics.md). */
#include <math.h>
#include <string.h>

#include "ops_internal.h"

double pgd_tensor_get(const pgd_tensor *tensor, int64_t i) {
    switch (tensor->dtype) {
    case PGD_F32: return ((const float *)tensor->data)[i];
    case PGD_F64: return ((const double *)tensor->data)[i];
    case PGD_I32: return ((const int32_t *)tensor->data)[i];
    case PGD_I64: return (double)((const int64_t *)tensor->data)[i];
    case PGD_U8: return ((const uint8_t *)tensor->data)[i];
    case PGD_BOOL: return ((const uint8_t *)tensor->data)[i] != 0;
    case PGD_F16: return (double)pgd_float_of_f16(((const uint16_t *)tensor->data)[i]);
    case PGD_BF16: return (double)pgd_float_of_bf16(((const uint16_t *)tensor->data)[i]);
    default: return 0;
    }
}

/* Out-of-range conversions saturate; NaN becomes 0. */
static int64_t saturate(double value, int64_t lo, int64_t hi) {
    if (value != value) return 0;
    if (value <= (double)lo) return lo;
    if (value >= (double)hi) return hi;
    return (int64_t)value;
}

void pgd_tensor_set(const pgd_tensor *tensor, int64_t i, double value) {
    switch (tensor->dtype) {
    case PGD_F32: ((float *)tensor->data)[i] = (float)value; break;
    case PGD_F64: ((double *)tensor->data)[i] = value; break;
    case PGD_I32: ((int32_t *)tensor->data)[i] = (int32_t)saturate(value, INT32_MIN, INT32_MAX); break;
    case PGD_I64: ((int64_t *)tensor->data)[i] = saturate(value, INT64_MIN, INT64_MAX); break;
    case PGD_U8: ((uint8_t *)tensor->data)[i] = (uint8_t)saturate(value, 0, 255); break;
    case PGD_BOOL: ((uint8_t *)tensor->data)[i] = value != 0; break;
    case PGD_F16: ((uint16_t *)tensor->data)[i] = pgd_f16_of_float((float)value); break;
    case PGD_BF16: ((uint16_t *)tensor->data)[i] = pgd_bf16_of_float((float)value); break;
    default: break;
    }
}

int64_t pgd_tensor_get_int(const pgd_tensor *tensor, int64_t i) { return tensor->dtype == PGD_I64 ? ((const int64_t *)tensor->data)[i] : (int64_t)pgd_tensor_get(tensor, i); }

/* Integers wrap at their own width. */
void pgd_tensor_set_int(const pgd_tensor *tensor, int64_t i, int64_t value) {
    switch (tensor->dtype) {
    case PGD_I64: ((int64_t *)tensor->data)[i] = value; break;
    case PGD_I32: ((int32_t *)tensor->data)[i] = (int32_t)(uint32_t)(uint64_t)value; break;
    case PGD_U8: ((uint8_t *)tensor->data)[i] = (uint8_t)value; break;
    default: pgd_tensor_set(tensor, i, (double)value); break;
    }
}

/* Floor modulus: what fmod leaves, moved to the divisor's side of 0. */
static double modulus(double a, double b) {
    double rest = fmod(a, b);
    if (rest == 0) return copysign(0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
}

/* Phi(a) + a phi(a) */
static double gelu_slope(double a) { return a == INFINITY ? 1 : a == -INFINITY ? -0.0 : 0.5 * erfc(-a / sqrt(2)) + a * exp(-0.5 * a * a) / sqrt(2 * 3.14159265358979323846); }

/* The complement keeps the digits of the negative tail; -infinity gives the limit. */
static double gelu(double a) { return a == -INFINITY ? -0.0 : 0.5 * a * erfc(-a / sqrt(2)); }

double pgd_scalar_float(pgd_op op, double a, double b, double c) {
    switch (op) {
    case PGD_OP_NEG: return -a;
    case PGD_OP_ABS: return fabs(a);
    case PGD_OP_SIGN: return a > 0 ? 1 : a < 0 ? -1 : a;
    case PGD_OP_FLOOR: return floor(a);
    case PGD_OP_CEIL: return ceil(a);
    case PGD_OP_SQRT: return sqrt(a);
    case PGD_OP_RSQRT: return 1 / sqrt(a);
    case PGD_OP_RECIP: return 1 / a;
    case PGD_OP_EXP: return exp(a);
    case PGD_OP_LOG: return log(a);
    case PGD_OP_SIN: return sin(a);
    case PGD_OP_COS: return cos(a);
    case PGD_OP_TANH: return tanh(a);
    case PGD_OP_SIGMOID: return 1 / (1 + exp(-a));
    case PGD_OP_ERF: return erf(a);
    case PGD_OP_RELU: return a > 0 || a != a ? a : 0;
    case PGD_OP_NOT: return a == 0;
    case PGD_OP_ROUND: return rint(a); /* halves to even: the rounding mode is never changed */
    case PGD_OP_TRUNC: return trunc(a);
    case PGD_OP_EXPM1: return expm1(a);
    case PGD_OP_LOG1P: return log1p(a);
    case PGD_OP_TAN: return tan(a);
    case PGD_OP_ASIN: return asin(a);
    case PGD_OP_ACOS: return acos(a);
    case PGD_OP_ATAN: return atan(a);
    case PGD_OP_GELU: return gelu(a);
    case PGD_OP_GELU_SLOPE: return gelu_slope(a);
    case PGD_OP_ISNAN: return a != a;
    case PGD_OP_ISINF: return fabs(a) == INFINITY;
    case PGD_OP_MOD: return modulus(a, b);
    case PGD_OP_XOR: return (a != 0) != (b != 0);
    case PGD_OP_ADD: return a + b;
    case PGD_OP_SUB: return a - b;
    case PGD_OP_MUL: return a * b;
    case PGD_OP_DIV: return a / b;
    case PGD_OP_POW: return pow(a, b);
    case PGD_OP_MIN: return a != a || a < b ? a : b;
    case PGD_OP_MAX: return a != a || a > b ? a : b;
    case PGD_OP_EQ: return a == b;
    case PGD_OP_LT: return a < b;
    case PGD_OP_LE: return a <= b;
    case PGD_OP_AND: return a != 0 && b != 0;
    case PGD_OP_OR: return a != 0 || b != 0;
    case PGD_OP_WHERE: return a != 0 ? b : c;
    default: return a; /* CAST: the conversion is in storing */
    }
}

static int64_t whole_modulus(int64_t a, int64_t b) {
    if (b == 0 || b == -1) return 0;
    int64_t rest = a % b;
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static int64_t power(int64_t base, int64_t exponent) {
    uint64_t result = 1, factor = (uint64_t)base;
    if (exponent < 0) return base == 1 ? 1 : base == -1 ? (exponent % 2 == 0 ? 1 : -1) : 0;
    for (; exponent > 0; exponent >>= 1, factor *= factor)
        if ((exponent & 1) != 0) result *= factor;
    return (int64_t)result;
}

/* Addition and its like wrap; division truncates, by zero gives 0, and the one overflow wraps. */
int64_t pgd_scalar_int(pgd_op op, int64_t a, int64_t b, int64_t c) {
    switch (op) {
    case PGD_OP_NEG: return (int64_t)(0 - (uint64_t)a);
    case PGD_OP_ABS: return a < 0 ? (int64_t)(0 - (uint64_t)a) : a;
    case PGD_OP_SIGN: return (a > 0) - (a < 0);
    case PGD_OP_RELU: return a > 0 ? a : 0;
    case PGD_OP_NOT: return a == 0;
    case PGD_OP_ADD: return (int64_t)((uint64_t)a + (uint64_t)b);
    case PGD_OP_SUB: return (int64_t)((uint64_t)a - (uint64_t)b);
    case PGD_OP_MUL: return (int64_t)((uint64_t)a * (uint64_t)b);
    case PGD_OP_DIV: return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case PGD_OP_POW: return power(a, b);
    case PGD_OP_MIN: return a < b ? a : b;
    case PGD_OP_MAX: return a > b ? a : b;
    case PGD_OP_EQ: return a == b;
    case PGD_OP_LT: return a < b;
    case PGD_OP_LE: return a <= b;
    case PGD_OP_AND: return a != 0 && b != 0;
    case PGD_OP_OR: return a != 0 || b != 0;
    case PGD_OP_XOR: return (a != 0) != (b != 0);
    case PGD_OP_MOD: return whole_modulus(a, b);
    case PGD_OP_WHERE: return a != 0 ? b : c;
    default: return a;
    }
}
