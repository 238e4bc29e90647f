/* SPDX-License-Identifier: Apache-2.0
 * Operands of cases: special values of each type crossed with each other, then random ones, the same everywhere and always. */
#include <string.h>

#include "cases.h"

static uint64_t mixed(uint64_t x) { /* splitmix64's last step */
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* ---- special values ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Of floats: by their format, since all have the same corners. The first ones matter most: they are crossed when there is no room for all. */
typedef struct float_format {
    int32_t fraction, exponent;
    bool no_infinity;
} float_format;

static float_format format_of(ptx_type type) {
    switch (type) {
    case PTX_f64: return (float_format){52, 11, false};
    case PTX_bf16: return (float_format){7, 8, false};
    case PTX_f16: return (float_format){10, 5, false};
    case PTX_e4m3: return (float_format){3, 4, true};
    case PTX_e5m2: return (float_format){2, 5, false};
    default: return (float_format){23, 8, false};
    }
}

enum { FLOAT_SPECIALS = 44 };
static uint64_t special_float(ptx_type type, int32_t k) {
    float_format f = format_of(type);
    uint64_t unit = UINT64_C(1) << f.fraction, top = ((UINT64_C(1) << f.exponent) - 1) << f.fraction, one = (UINT64_C(1) << (f.exponent - 1)) - 1, sign = UINT64_C(1) << (f.fraction + f.exponent);
    uint64_t infinity = f.no_infinity ? top | (unit - 2) : top, nan = f.no_infinity ? top | (unit - 1) : top | unit >> 1, signalling = f.no_infinity ? nan : top | 1;
    uint64_t bits[22] = {0, one << f.fraction, infinity, nan, 1, unit, infinity - 1, (one << f.fraction) + (unit >> 1), (one + 1) << f.fraction, (one << f.fraction) | 1, unit - 1,
                         (one - 1) << f.fraction, signalling, (one << f.fraction) + unit - 1, (one + 1) << f.fraction | unit >> 2, ((one + 2) << f.fraction) | (unit >> 1) | (unit >> 2), (one + 4) << f.fraction, (one + (uint64_t)f.fraction) << f.fraction,
                         ((one + (uint64_t)f.fraction) << f.fraction) + 1, unit + 1, (one - 1) << f.fraction | unit >> 1, ((one + 3) << f.fraction) | (unit - 1)};
    return (bits[k / 2 % 22] & (sign - 1)) | (k % 2 != 0 ? sign : 0); /* fractions of small formats run over: kept out of the sign */
}

/* Values near the limits of conversions, as numbers of the type. */
static uint64_t power_float(ptx_type type, uint64_t random) {
    float_format f = format_of(type);
    uint64_t one = (UINT64_C(1) << (f.exponent - 1)) - 1, exponent = one - 2 + random % 70, fraction = (UINT64_C(1) << f.fraction) - 1, most = (UINT64_C(1) << f.exponent) - 2;
    uint64_t shape = random >> 8 & 7, some = random >> 16 & fraction, low = shape == 0 ? 0 : shape == 1 ? fraction : shape == 2 ? 1 : shape == 3 ? fraction - 1 : shape == 4 ? some & ~(fraction >> (random >> 60)) : shape == 5 ? (fraction + 1) >> 1 : some;
    return (exponent < most ? exponent : most) << f.fraction | low | (random >> 12 & 1) << (f.fraction + f.exponent);
}

/* Digits that end at a random one: halfway between two numbers of some shorter format; or just beside that. */
static uint64_t halfway(uint64_t digits, int32_t count, uint64_t random) {
    int32_t last = (int32_t)(random % (uint64_t)count);
    uint64_t beside = random >> 16 & 7;
    digits = (digits >> last | 1) << last;
    return beside == 0 ? digits + 1 : beside == 1 ? digits - 1 : digits;
}

static uint64_t random_float(ptx_type type, uint64_t random) {
    float_format f = format_of(type);
    int32_t bits = f.fraction + f.exponent + 1;
    uint64_t all = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1, one = (UINT64_C(1) << (f.exponent - 1)) - 1, fraction = mixed(random) & ((UINT64_C(1) << f.fraction) - 1), sign = (random >> 8 & 1) << (bits - 1);
    switch (random & 7) {
    case 0: case 4: return mixed(random) & all; /* any exponent */
    case 1: return power_float(type, mixed(random));
    case 2: case 6: return fraction | (one - 3 + (random >> 4 & 7)) << f.fraction | sign; /* about 1 */
    case 3: return fraction | (random >> 4 & 3) << f.fraction | sign;                     /* about the smallest */
    default: return halfway(fraction | (one + (random >> 4 & 15)) << f.fraction, f.fraction, mixed(random) >> 20) | sign;
    }
}

enum { INTEGER_SPECIALS = 24 };
static uint64_t special_integer(int32_t bits, int32_t k) {
    uint64_t high = UINT64_C(1) << (bits - 1), all = high | (high - 1);
    uint64_t values[INTEGER_SPECIALS] = {0, 1, all, high, high - 1, 2, all - 1, high + 1, 7, 0x5555555555555555u, 0xaaaaaaaaaaaaaaaau, high - 2, 100, all - 99, 3, 31, 32, 0x80, 0x7f, UINT64_C(1) << (bits / 2), (UINT64_C(1) << (bits / 2)) - 1, all ^ ((UINT64_C(1) << (bits / 2)) - 1), 0x0123456789abcdefu, 0xfffffff6u};
    return values[k % INTEGER_SPECIALS] & all;
}

static uint64_t random_integer(int32_t bits, uint64_t random) {
    uint64_t all = bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << bits) - 1, value = mixed(random);
    if ((random & 3) == 1) value >>= 64 - 1 - (random >> 4) % (uint64_t)bits;                                    /* of any length */
    if ((random & 3) == 2) value = ~(value >> (64 - 1 - (random >> 4) % (uint64_t)bits));
    if ((random & 7) == 7) value = halfway(value, bits, random >> 24);
    return value & all;
}

static int32_t special_count(ptx_type type) { return ptx_types[type].kind == PTX_FLOAT ? FLOAT_SPECIALS : INTEGER_SPECIALS; }
static uint64_t special(ptx_type type, int32_t k) { return ptx_types[type].kind == PTX_FLOAT ? special_float(type, k) : special_integer(ptx_types[type].bits, k); }
static uint64_t random_of(ptx_type type, uint64_t random) { return ptx_types[type].kind == PTX_FLOAT ? random_float(type, random) : random_integer(ptx_types[type].bits, random); }

/* ---- elements ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* The first specials of all operands crossed, as many as fit into three quarters; then one that is special and one that is not, in turns; then random ones. */
static uint64_t any(const golden_case *c, int32_t column, int32_t operands, int32_t nth, int32_t element, ptx_type type, int32_t lane) {
    int32_t room = (c->uniform ? 512 : c->threads) * 3 / 4, each = operands <= 1 ? room : operands == 2 ? 18 : operands == 3 ? 7 : 4, crossed = 1;
    uint64_t random = mixed(((uint64_t)column << 40) + ((uint64_t)lane << 32) + (uint64_t)element + 0x5851f42d4c957f2du), other = mixed(((uint64_t)lane << 32) + (uint64_t)element + 0x5851f42d4c957f2du);
    if (operands == 1) each = special_count(type);
    for (int32_t k = 0; k < operands && crossed <= room; k++) crossed *= each;
    int32_t digit = element;
    for (int32_t k = 0; k < nth; k++) digit /= each;
    if (lane == 0 && element < crossed && crossed <= room) return special(type, digit % each);
    if (element % 8 == nth % 8) return special(type, (int32_t)(random % (uint64_t)special_count(type)));
    if (nth > 0 && element % 8 >= 6) { /* the same number as the first operand's, or a neighbour of it, or its negative */
        uint64_t first = random_of(type, other), sign = UINT64_C(1) << (ptx_types[type].bits - 1);
        return (first + random % 3 - 1) ^ ((random >> 8 & 1) != 0 ? sign : 0);
    }
    return random_of(type, nth == 0 ? other : random);
}

/* Elements of packed types one by one. */
static uint64_t any_packed(const golden_case *c, int32_t column, int32_t operands, int32_t nth, int32_t element, ptx_type type) {
    static const ptx_type halves[PTX_TYPE_COUNT] = {[PTX_f16x2] = PTX_f16, [PTX_bf16x2] = PTX_bf16, [PTX_u16x2] = PTX_u16, [PTX_s16x2] = PTX_s16, [PTX_e4m3x2] = PTX_e4m3, [PTX_e5m2x2] = PTX_e5m2};
    ptx_type half = halves[type];
    if (half == PTX_NO_TYPE) return any(c, column, operands, nth, element, type, 0);
    int32_t bits = ptx_types[half].bits;
    uint64_t all = (UINT64_C(1) << bits) - 1;
    return (any(c, column, operands, nth, element, half, 0) & all) | (any(c, column, operands, nth, element, half, 1) & all) << bits;
}

/* A small integer as a number of the type; of packed types, two or more of them. */
static uint64_t number_of(ptx_type type, const int32_t *value) {
    if (type == PTX_f16x2) return number_of(PTX_f16, value) | number_of(PTX_f16, value + 1) << 16;
    if (type == PTX_bf16x2) return number_of(PTX_bf16, value) | number_of(PTX_bf16, value + 1) << 16;
    if (ptx_types[type].kind != PTX_FLOAT) return (uint64_t)(int64_t)*value & (ptx_types[type].bits == 64 ? ~UINT64_C(0) : (UINT64_C(1) << ptx_types[type].bits) - 1);
    float_format f = format_of(type);
    uint64_t magnitude = (uint64_t)(*value < 0 ? -*value : *value), sign = (uint64_t)(*value < 0) << (f.fraction + f.exponent), one = (UINT64_C(1) << (f.exponent - 1)) - 1;
    if (magnitude == 0) return 0;
    int32_t log = 63 - __builtin_clzll(magnitude);
    return sign | (one + (uint64_t)log) << f.fraction | (log > f.fraction ? 0 : (magnitude << (f.fraction - log)) & ((UINT64_C(1) << f.fraction) - 1));
}

/* Between -2 and 2, with all digits of the type. */
static uint64_t moderate(ptx_type type, uint64_t random) {
    if (type == PTX_f16x2) return moderate(PTX_f16, random) | moderate(PTX_f16, mixed(random)) << 16;
    if (type == PTX_bf16x2) return moderate(PTX_bf16, random) | moderate(PTX_bf16, mixed(random)) << 16;
    if (ptx_types[type].kind != PTX_FLOAT) return random & (UINT64_MAX >> (64 - ptx_types[type].bits));
    float_format f = format_of(type);
    uint64_t one = (UINT64_C(1) << (f.exponent - 1)) - 1, low = mixed(random) & ((UINT64_C(1) << f.fraction) - 1);
    if (type == PTX_tf32) low &= ~UINT64_C(0x1fff);
    return low | (one - (random & 3)) << f.fraction | (random >> 8 & 1) << (f.fraction + f.exponent);
}

static uint64_t tile(const golden_case *c, golden_column column, int32_t element, uint64_t random) {
    int32_t pair[2] = {(int32_t)(random % 7) - 3, (int32_t)(random >> 8) % 4};
    if (element >= c->threads / 2) return column.type == PTX_s32 && (random & 1) != 0 ? (random & 2) != 0 ? INT32_MAX - (random >> 8) % 50000 : 0x80000000u + (random >> 8) % 50000 : moderate(column.type, random); /* sums that saturate */
    if (column.type == PTX_b32) { /* four bytes */
        uint64_t bytes = 0;
        for (int32_t e = 0; e < 4; e++) bytes |= (((random >> (8 * e)) % 7 - 3) & 0xff) << (8 * e);
        return bytes;
    }
    return number_of(column.type, pair);
}

static bool truth(int32_t element, uint64_t random) {
    switch (element / 32 % 4) {
    case 0: return random & 1;
    case 1: return true;
    case 2: return false;
    default: return element % 32 == element / 32 % 32 || (random & 15) == 0;
    }
}

/* One of a few, by the row and the type. */
uint64_t golden_constant(const golden_case *c, golden_column column) {
    static const int32_t numbers[] = {-3, 5, 1, 0, 64, -1}, counts[] = {3, 17, 0, 31, 35, 64};
    int32_t pick = (c->form + c->words.types[0] + c->words.slots[PTX_SLOT_cmp]) % 6;
    if (column.values == GOLDEN_CONSTANT_COUNT) return (uint64_t)counts[pick];
    return number_of(column.type, &numbers[pick]);
}

static uint64_t value(const golden_case *c, int32_t k, int32_t operands, int32_t nth, int32_t element) {
    static const uint32_t counts[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 127, 128, 255, 256, 0x80000000u, 0xffffffffu}, clamps[] = {0x1f, 0x0f, 0, 0x181f, 0x1c1f, 0x100f, 0x1e1f, 0x1003}, clamps_up[] = {0, 0x1800, 0x1c00, 0x1000, 2, 0x1e00};
    const golden_column column = c->inputs[k];
    uint64_t random = mixed(((uint64_t)k << 32) + (uint64_t)element * 3 + 0x2545f4914f6cdd1du);
    switch (column.values) {
    case GOLDEN_ANY: return any_packed(c, k, operands, nth, element, column.type);
    case GOLDEN_COUNT: return nth < operands && element < 18 * 18 && operands == 2 ? counts[(nth == 0 ? element : element / 18) % 21] : (random & 3) != 0 ? random >> 8 & 63 : counts[(random >> 8) % 21];
    case GOLDEN_TRUTH: return truth(element, random);
    case GOLDEN_TRUE: return 1;
    case GOLDEN_FALSE: return 0;
    case GOLDEN_SMALL: return number_of(column.type, (int32_t[]){(int32_t)(random % 3) - 1, (int32_t)(random >> 8) % 2});
    case GOLDEN_TILE: return tile(c, column, element, random);
    case GOLDEN_FEW: return (random % 8 == 7 ? 3 : random % (element / 32 % 4 + 1)) * (column.type == PTX_b64 ? 0x100000001u : 0x10001u);
    case GOLDEN_LANE: return random % 41;
    case GOLDEN_LANE_EVEN: return random % 41 & ~UINT64_C(1);
    case GOLDEN_CLAMP: return clamps[element / 32 % 8];
    case GOLDEN_CLAMP_UP: return clamps_up[element / 32 % 6];
    case GOLDEN_BASE: return random % 32;
    case GOLDEN_FIELD: return random >> 32 & 1 ? random % 81 : counts[random % 17];
    case GOLDEN_CONSTANT: case GOLDEN_CONSTANT_COUNT: return golden_constant(c, column);
    default: return (uint64_t)(uint32_t)((int32_t)(random % 67) - 33);
    }
}

/* Elements of the case that is not uniform: others for each row and its words. */
static int32_t one_of_many(const golden_case *c, int32_t warp) { return (int32_t)(mixed(pgd_hash_bytes(c->name, strlen(c->name), (uint64_t)warp)) % 512); }

void golden_inputs(const golden_case *c, uint64_t *cells) {
    int32_t operands = 0, nth = 0;
    for (int32_t k = 0; k < c->input_count; k++) operands += c->inputs[k].values == GOLDEN_ANY || c->inputs[k].values == GOLDEN_COUNT;
    for (int32_t k = 0; k < c->input_count; k++) {
        uint64_t all = c->inputs[k].type == PTX_pred ? 1 : UINT64_MAX >> (64 - ptx_types[c->inputs[k].type].bits);
        for (int32_t e = 0; e < c->threads; e++) cells[(size_t)k * (size_t)c->threads + (size_t)e] = value(c, k, operands, nth, c->uniform ? one_of_many(c, e / 32) : e) & all;
        nth += c->inputs[k].values == GOLDEN_ANY || c->inputs[k].values == GOLDEN_COUNT;
    }
}

size_t golden_input_bytes(const golden_case *c) { return 8 * (size_t)c->input_count * (size_t)c->threads; }
size_t golden_output_bytes(const golden_case *c) { return 8 * (size_t)c->output_count * (size_t)c->threads; }

const unsigned char *golden_data(void) {
    static unsigned char data[GOLDEN_DATA_BYTES]; /* the same values whoever writes them */
    for (int32_t k = 0; k < GOLDEN_DATA_BYTES; k++) data[k] = (unsigned char)(k * 37 + 11);
    return data;
}
