/* SPDX-License-Identifier: Apache-2.0 */
/* Every kernel of one ISA level and the table that exports them. */
#include <math.h>

#include "gemm_kernels.h"
#include "simd.h"

#include "gemm_core.inc.c"
#include "gemm_pack.inc.c"
#include "gemm_thin.inc.c"
#include "gemm.inc.c"
#include "conv_window.inc.c"
#include "conv.inc.c"
#include "conv_direct.inc.c"
#include "winograd.inc.c"
#include "conv_wgrad.inc.c"
#include "winograd_wgrad.inc.c"
#include "vector_math.inc.c"
#include "attention.inc.c"
#include "recurrent.inc.c"

_Static_assert((A_FLOATS + LONG_B_FLOATS) * sizeof(float) <= PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES && LONG_B_FLOATS <= B_FLOATS + STAGE_FLOATS && A_FLOATS >= LONG_K_MAX * TILE_ROWS + PACKED_SLACK,
               "matrix products must fit the worker's scratch, and where nothing is staged those of convolutions too");
_Static_assert((A_FLOATS + B_FLOATS + STAGE_FLOATS) * sizeof(float) + COLS_MAX * sizeof(struct run) +
                       COPIES_MAX * sizeof(struct copy) + (COLS_MAX / NR + 1 + K_MAX) * sizeof(int32_t) <=
                   PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES,
               "convolution forward and dgrad must fit the worker's scratch");
_Static_assert((WGRAD_SUM_FLOATS + WGRAD_COLS_MAX * WGRAD_PITCH + VL + DOT_ROWS * WGRAD_PITCH + STAGE_FLOATS) *
                               sizeof(float) +
                       COPIES_MAX * sizeof(struct copy) + (COLS_MAX / NR + 1 + K_MAX) * sizeof(int32_t) <=
                   PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES,
               "convolution wgrad must fit the worker's scratch");
_Static_assert((DIRECT_RESULTS * DIRECT_LINE_PITCH + DIRECT_DEPTH * DIRECT_RESULTS + DIRECT_STAGE_FLOATS + DIRECT_ALONE_VECS * VL + 2 * VL) * sizeof(float) <= PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES,
               "convolution of short sums must fit the worker's scratch");
_Static_assert(WINOGRAD_POINT_FLOATS >= NR * WINOGRAD_K_MAX + VL, "a panel of V must have room");
_Static_assert((WINOGRAD_POINTS * (WINOGRAD_POINT_FLOATS + WINOGRAD_RESULT_FLOATS) + WINOGRAD_STAGE_FLOATS) * sizeof(float) +
                       COPIES_MAX * sizeof(struct copy) + (COLS_MAX / NR + 1) * sizeof(int32_t) <=
                   PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES,
               "convolution by transforms must fit the worker's scratch");
_Static_assert((WINOGRAD_D_FLOATS + WINOGRAD_D_A_FLOATS + WINOGRAD_D_B_FLOATS + WINOGRAD_POINTS * TB * WINOGRAD_D_PITCH + WINOGRAD_STAGE_FLOATS) * sizeof(float) +
                       2 * COPIES_MAX * sizeof(struct copy) + 4 * sizeof(int32_t) <=
                   PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES,
               "convolution wgrad by transforms must fit the worker's scratch");
_Static_assert(ATTENTION_FLOATS * sizeof(float) <= PGD_SCRATCH_BYTES - PGD_EPILOGUE_SCRATCH_BYTES, "attention must fit the worker's scratch");

#define TABLE_JOIN(prefix, isa) prefix##isa
#define TABLE_NAME(isa) TABLE_JOIN(pgd_gemm_kernels_, isa)
#define TABLE_TEXT_OF(isa) #isa
#define TABLE_TEXT(isa) TABLE_TEXT_OF(isa)

const struct pgd_gemm_kernels TABLE_NAME(ISA_NAME) = {
    .isa = TABLE_TEXT(ISA_NAME),
    .gemm_plan = gemm_plan,
    .gemm_chunk = gemm_chunk,
    .conv_forward_plan = conv_forward_plan,
    .conv_forward_chunk = conv_forward_chunk,
    .conv_dgrad_plan = conv_dgrad_plan,
    .conv_dgrad_chunk = conv_dgrad_chunk,
    .direct_forward_plan = direct_forward_plan,
    .direct_forward_chunk = direct_forward_chunk,
    .direct_dgrad_plan = direct_dgrad_plan,
    .direct_dgrad_chunk = direct_dgrad_chunk,
    .direct_wgrad_plan = direct_wgrad_plan,
    .direct_wgrad_chunk = direct_wgrad_chunk,
    .winograd_plan = winograd_plan,
    .winograd_weights_chunk = winograd_weights_chunk,
    .winograd_chunk = winograd_chunk,
    .winograd_wgrad_plan = winograd_wgrad_plan,
    .winograd_wgrad_chunk = winograd_wgrad_chunk,
    .conv_wgrad_plan = conv_wgrad_plan,
    .conv_wgrad_chunk = conv_wgrad_chunk,
    .conv_wgrad_reduce_chunk = conv_wgrad_reduce_chunk,
    .attention_plan = attention_plan,
    .attention_forward = attention_forward,
    .attention_backward = attention_backward,
    .recurrent_plan = recurrent_plan,
    .recurrent_pack = recurrent_pack,
    .lstm_forward = lstm_forward,
    .lstm_backward = lstm_backward,
    .gru_forward = gru_forward,
    .gru_backward = gru_backward,
};
