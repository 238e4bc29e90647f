/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PGD_GEMM_KERNELS_H
#define PGD_GEMM_KERNELS_H
/* Matrix product and convolution on the CPU: one table of host jobs per ISA level.
 * A caller fills a parameter struct, calls the plan function of the table (which fixes the blocking from the shape
 * alone and returns the number of chunks, 0 when nothing is written) and has every chunk executed once, in any order, on any
 * worker, with the chunk function of the same table. Results depend on the shape and the table only.
 * All data is float32 and finite precision is that of fused multiply-add in blocks of the reduction; NaN and Inf propagate.
 * Zero padding takes part in the arithmetic: an infinite or NaN weight meets the padding as w*0 = NaN. */
#include <base_share.h>

/* Called on every finished rectangle of the result, in place, exactly once per element, while it is hot.
 * C is viewed as [batch][row][col]; for convolution forward that is [image n][out channel][pixel p*Q+q]. */
typedef struct pgd_epilogue {
    void (*apply)(const struct pgd_epilogue *self, char *const *mem, float *c, int64_t c_row_stride, int64_t batch,
                  int64_t row, int64_t col, int64_t rows, int64_t cols, void *scratch);
    const void *program;   /* the caller's */
    int32_t first_operand; /* the caller's */
} pgd_epilogue;

/* C[b] = A[b] B[b].  A(i,k) = a[b*a_batch + i*a_row + k*a_col], B(k,j) likewise, C(i,j) = c[b*c_batch + i*c_row + j];
 * strides in elements, >= 0; 0 broadcasts.  Operands: mem[0] a, mem[1] b, mem[2] c (no overlap of c with a or b). */
typedef struct pgd_gemm_params {
    int64_t batch, m, n, k;
    int64_t a_batch, a_row, a_col, b_batch, b_row, b_col, c_batch, c_row;
    const pgd_epilogue *epilogue; /* or NULL */
    int32_t threads;              /* that will share the chunks; any number gives the same bits */
    int64_t plan[8];              /* blocking, filled by gemm_plan */
} pgd_gemm_params;

/* x [N,C,H,W]  w [K,C/groups,R,S]  y [N,K,P,Q], contiguous; cross-correlation, zero padding; bottom and right padding
 * are implied by P and Q.
 *   forward  mem = x, w, y
 *   dgrad    mem = dy, w, dx
 *   winograd mem = x, w, y, .., workspace or dy, w, dx, workspace, the place of which `workspace` says; first the weights' job. 3x3, strides, dilations and groups 1. For dgrad
 *            the plan function turns the sizes into those of the convolution it runs as
 *   wgrad    mem = dy, x, dw, workspace; then the reduce job with the same params and mem, unless its chunk count is 0 */
typedef struct pgd_conv_params {
    int64_t n, c, h, w, k, r, s, p, q, groups, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
    const pgd_epilogue *epilogue; /* forward, and dgrad with strides of 1; or NULL */
    int32_t workspace;            /* winograd: the operand; the others know theirs */
    bool turned;                  /* winograd, filled by its plan function: w is that of the convolution whose gradient this is */
    int64_t plan[16];             /* blocking, filled by the plan function of the direction */
} pgd_conv_params;

/* q [batch, queries, heads, features]  k [batch, keys, groups, features]  v [batch, keys, groups, value_features]  (src/graph/ops/attention.c).
 *   forward   mem = q, k, v, (mask), (start), y, logsum
 *   backward  mem = q, k, v, logsum, delta, dy, (mask), (start), dq, dk, dv; a chunk is one group of one batch */
enum { PGD_ATTENTION_FEATURES = 256 };
typedef struct pgd_attention_params {
    int64_t batch, queries, heads, features, keys, groups, value_features;
    int64_t mask_batch, mask_head, mask_query; /* strides; keys are neighbours */
    int64_t tile;                              /* queries of a chunk, filled by attention_plan */
    float scale;
    int32_t causal, mask, start, output;       /* operands; mask, start: -1 none; output: the first result */
} pgd_attention_params;

/* LSTM and GRU (src/graph/ops/recurrent.c); mem = inputs, outputs, workspace. Per step of a row: [k] times packed weights [k, cols]. */
typedef struct pgd_recurrent_params {
    int64_t steps, batch, width, k, cols;
    int64_t rows;                         /* of a chunk, filled by recurrent_plan */
    int32_t weights, workspace, backward; /* operands; is it the derivative? */
} pgd_recurrent_params;

struct pgd_gemm_kernels {
    const char *isa;
    int64_t (*gemm_plan)(pgd_gemm_params *p);
    pgd_chunk_fn *gemm_chunk;
    int64_t (*conv_forward_plan)(pgd_conv_params *p);
    pgd_chunk_fn *conv_forward_chunk;
    int64_t (*conv_dgrad_plan)(pgd_conv_params *p);
    pgd_chunk_fn *conv_dgrad_chunk;
    int64_t (*direct_forward_plan)(pgd_conv_params *p); /* direct: sums of few products; -1 where they are too long or reach too far. wgrad needs no workspace */
    pgd_chunk_fn *direct_forward_chunk;
    int64_t (*direct_dgrad_plan)(pgd_conv_params *p);
    pgd_chunk_fn *direct_dgrad_chunk;
    int64_t (*direct_wgrad_plan)(pgd_conv_params *p);
    pgd_chunk_fn *direct_wgrad_chunk;
    int64_t (*winograd_plan)(pgd_conv_params *p, bool dgrad, int64_t *weight_chunks, size_t *workspace_bytes);
    pgd_chunk_fn *winograd_weights_chunk, *winograd_chunk;
    int64_t (*winograd_wgrad_plan)(pgd_conv_params *p, int64_t *reduce_chunks, size_t *workspace_bytes);
    pgd_chunk_fn *winograd_wgrad_chunk; /* its reduce job is that of conv_wgrad */
    int64_t (*conv_wgrad_plan)(pgd_conv_params *p, int64_t *reduce_chunks, size_t *workspace_bytes);
    pgd_chunk_fn *conv_wgrad_chunk, *conv_wgrad_reduce_chunk;
    int64_t (*attention_plan)(pgd_attention_params *p);
    pgd_chunk_fn *attention_forward, *attention_backward;
    int64_t (*recurrent_plan)(pgd_recurrent_params *p, int64_t *pack_chunks, size_t *workspace_bytes);
    pgd_chunk_fn *recurrent_pack, *lstm_forward, *lstm_backward, *gru_forward, *gru_backward;
};

extern const struct pgd_gemm_kernels pgd_gemm_kernels_avx512, pgd_gemm_kernels_avx2, pgd_gemm_kernels_portable;
#endif
