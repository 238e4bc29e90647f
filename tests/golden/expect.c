/* SPDX-License-Identifier: Apache-2.0 */
#include "expect.h"

bool golden_expect(const golden_case *c, const uint64_t *inputs, golden_expected *want) {
    for (int32_t k = 0; k < c->output_count * c->threads; k++) want[k] = (golden_expected){0};
    if (c->faults || golden_expect_threads(c, inputs, want) || golden_expect_memory(c, inputs, want) || golden_expect_matrix(c, inputs, want)) return true;
    for (int32_t e = 0; e < c->threads; e++) {
        uint64_t in[GOLDEN_COLUMNS_MAX] = {0};
        golden_expected out[GOLDEN_COLUMNS_MAX] = {0};
        for (int32_t k = 0; k < c->input_count; k++) in[k] = inputs[k * c->threads + e];
        if (!golden_expect_integer(c, in, out) && !golden_expect_compare(c, in, out) && !golden_expect_convert(c, in, out) && !golden_expect_float(c, in, out)) return false;
        for (int32_t k = 0; k < c->output_count; k++) want[k * c->threads + e] = out[k];
    }
    return true;
}

static bool near(ptx_type type, const golden_lane *want, uint64_t got) {
    double value = golden_double(type, got);
    if (isnan(want->value) || isnan(value)) return isnan(want->value) && isnan(value);
    if (isinf(want->value) || isinf(value)) return want->value == value;
    return fabs(value - want->value) <= want->error;
}

static bool lane_agrees(ptx_type type, const golden_lane *want, uint64_t got) {
    switch (want->how) {
    case GOLDEN_OPEN: return true;
    case GOLDEN_BITS: return want->bits == got;
    case GOLDEN_NUMBER: return want->bits == got || (golden_nan(type, want->bits) && golden_nan(type, got));
    case GOLDEN_ZERO: return (got & ~(UINT64_C(1) << (ptx_types[type].bits - 1))) == 0;
    default: return near(type, want, got);
    }
}

bool golden_agrees(ptx_type type, const golden_expected *want, uint64_t got) {
    if (!want->packed) return lane_agrees(type, &want->lanes[0], got);
    ptx_type half = golden_half(type);
    int32_t bits = ptx_types[type].bits / 2;
    uint64_t all = (UINT64_C(1) << bits) - 1;
    return lane_agrees(half, &want->lanes[0], got & all) && lane_agrees(half, &want->lanes[1], got >> bits & all);
}
