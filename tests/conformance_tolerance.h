/* SPDX-License-Identifier: Apache-2.0
 * How far a kernel may be from the reference, per class of operation: |got - want| <= relative * (MAGNITUDE: the same sum over absolute values;
 * VALUE: max(|want|, floor)).  EXACT: equal bits, NaN equal to any NaN. */
#ifndef PGD_CONFORMANCE_TOLERANCE_H
#define PGD_CONFORMANCE_TOLERANCE_H

#include <graph_share.h>

typedef enum tolerance_kind { TOLERANCE_EXACT, TOLERANCE_VALUE, TOLERANCE_MAGNITUDE } tolerance_kind;

typedef struct tolerance {
    pgd_op op;
    tolerance_kind kind;
    double relative, floor;
} tolerance;

static const tolerance tolerances[] = {
    /* sums of products in f32: a few roundings of each partial sum */
    {PGD_OP_MATMUL, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_CONV, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_CONV_DINPUT, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_CONV_DWEIGHT, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_SUM, TOLERANCE_MAGNITUDE, 2e-6, 0},
    {PGD_OP_AVG_POOL, TOLERANCE_MAGNITUDE, 1e-6, 0},
    {PGD_OP_AVG_POOL_D, TOLERANCE_MAGNITUDE, 1e-6, 0},
    {PGD_OP_MAX_POOL_D, TOLERANCE_MAGNITUDE, 1e-6, 0},
    {PGD_OP_RESIZE, TOLERANCE_VALUE, 1e-6, 1}, /* 1 - weight is exact to a unit of 1 */
    {PGD_OP_RESIZE_D, TOLERANCE_VALUE, 4e-6, 1},
    {PGD_OP_CUMSUM, TOLERANCE_MAGNITUDE, 2e-7, 0},
    {PGD_OP_CUMPROD, TOLERANCE_MAGNITUDE, 2e-7, 0},
    {PGD_OP_CUMPROD_D, TOLERANCE_MAGNITUDE, 2e-7, 0},
    /* differences of sums: absolute against values of about 1 */
    {PGD_OP_MOMENTS, TOLERANCE_VALUE, 4e-6, 1},
    {PGD_OP_BATCH_NORM_D, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_LAYER_NORM, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_LAYER_NORM_D, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_RMS_NORM, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_RMS_NORM_D, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_ATTENTION, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_ATTENTION_D, TOLERANCE_VALUE, 4e-5, 1},
    {PGD_OP_ROPE, TOLERANCE_VALUE, 1e-6, 1},
    {PGD_OP_LSTM, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_LSTM_D, TOLERANCE_VALUE, 4e-5, 1},
    {PGD_OP_GRU, TOLERANCE_VALUE, 2e-5, 1},
    {PGD_OP_GRU_D, TOLERANCE_VALUE, 4e-5, 1},
    {PGD_OP_SOFTMAX, TOLERANCE_VALUE, 4e-6, 1e-30},
    {PGD_OP_LOG_SOFTMAX, TOLERANCE_VALUE, 4e-6, 1},
    {PGD_OP_SOFTMAX_XENT, TOLERANCE_VALUE, 4e-6, 1},
    {PGD_OP_SOFTMAX_XENT_D, TOLERANCE_VALUE, 4e-6, 1},
    {PGD_OP_GATHER_D, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_SCATTER_ELEMENTS, TOLERANCE_MAGNITUDE, 4e-6, 0},
    {PGD_OP_SCATTER_ND, TOLERANCE_MAGNITUDE, 4e-6, 0},
    /* choosing and moving */
    {PGD_OP_GATHER_ELEMENTS, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_GATHER_ND, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_TOPK, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_REVERSE, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_GATHER, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_UPDATE_SLICE, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_MAX_POOL, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_ARGMAX, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_ARGMIN, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_TRANSPOSE, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_BROADCAST, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_SLICE, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_RESHAPE, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_PAD, TOLERANCE_EXACT, 0, 0},
    {PGD_OP_CONCAT, TOLERANCE_EXACT, 0, 0},
};

/* Instructions of programs that round more than once. */
enum { ULP_TRANSCENDENTAL = 4, ULP_POWER = 8 };

#endif
