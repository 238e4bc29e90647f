/* SPDX-License-Identifier: Apache-2.0
 * The jobs of the host device other than matrix products and convolutions (gemm_kernels.h): parameter blocks, and the table that every
 * instruction set level fills from the same sources (*.inc.c). Operands: inputs, then outputs, in the order of the operation. */
#ifndef PGD_HOST_KERNELS_H
#define PGD_HOST_KERNELS_H

#include <base_share.h>
#include <graph_share.h>

#include "gemm_kernels.h"

/* ---- fused programs (program.inc.c) ---------------------------------------------------------------------------------------------------- */

enum { PGD_TILE = 512, PGD_COLLAPSED_RANK = PGD_MAX_RANK };

typedef enum pgd_load_kind { PGD_LOAD_NONE, PGD_LOAD_DIRECT, PGD_LOAD_ONCE, PGD_LOAD_RUNS } pgd_load_kind;

typedef struct pgd_host_instr {
    int16_t op;       /* pgd_op */
    int16_t args[3];
    int16_t buffer;   /* tile buffer this register uses; -1: it points into memory */
    int16_t operand;  /* INPUT, UNIFORM, NORMAL: index into mem; -1: the element being finished (epilogue) */
    int16_t load;     /* pgd_load_kind */
    int16_t dtype;    /* of the loaded operand; CAST: to which */
    int16_t store;    /* this register is stored straight to output `store`; -1: no */
    int32_t stream;
    float imm;
    int64_t strides[PGD_COLLAPSED_RANK]; /* elements, per collapsed axis; 0 broadcasts */
} pgd_host_instr;

typedef struct pgd_host_program {
    int32_t instr_count, output_count, rank;
    int32_t first_output;                  /* position of output 0 in mem */
    int64_t dims[PGD_COLLAPSED_RANK];      /* collapsed iteration space, innermost last */
    int64_t elems, chunk_elems;
    int16_t outputs[PGD_MAX_OUTPUTS];      /* registers */
    int16_t output_dtypes[PGD_MAX_OUTPUTS];
    /* reduction: which collapsed axes go away, and the op; -1: none */
    int32_t reduce;
    uint32_t reduced;                      /* bit per collapsed axis */
    int64_t kept_elems, reduced_elems;
    pgd_host_instr instrs[PGD_PROGRAM_INSTRS];
} pgd_host_program;

/* ---- the others ---------------------------------------------------------------------------------------------------------------------------- */

/* x viewed as [outer, channels, inner]; statistics per channel. */
typedef struct pgd_channel_params {
    int64_t outer, channels, inner;
    float epsilon;
} pgd_channel_params;

typedef struct pgd_pool_params {
    int64_t planes, channels, h, w, p, q;
    int64_t kernel_h, kernel_w, stride_h, stride_w, pad_top, pad_left;
    int64_t planes_per_chunk;
    const pgd_epilogue *epilogue; /* max_pool_d: of [image, channel, pixel]; or NULL */
} pgd_pool_params;

/* rows of `width` elements; stride_inner > 1 only for argmax, which then reads [outer, width, inner] */
typedef struct pgd_row_params {
    int64_t rows, width, inner;
    int64_t rows_per_chunk;
    float smoothing;
    int32_t logarithm; /* softmax: give the logarithm */
    int32_t least;     /* argmin */
} pgd_row_params;

/* rows of `width` elements, normalised each by itself */
typedef struct pgd_row_norm_params {
    int64_t rows, width, rows_per_chunk, chunks;
    float epsilon;
    int32_t centred; /* layer norm: the mean is subtracted, beta is there */
} pgd_row_norm_params;

/* x [outer, n, inner], scanned along n; a chunk is lines_per_chunk lines of one outer part, or, where inner is 1, of all */
typedef struct pgd_scan_params {
    int64_t outer, n, inner, lines_per_chunk;
    int32_t reverse, exclusive, product;
} pgd_scan_params;

/* planes [in_h, in_w] become planes [out_h, out_w]; the derivative takes them back. A chunk is rows_per_chunk rows of one result plane; of the derivative a
 * plane. */
typedef struct pgd_resize_params {
    int64_t planes, in_h, in_w, out_h, out_w, mode, grid, rows_per_chunk;
} pgd_resize_params;

/* rows of [heads, 2 half] */
typedef struct pgd_rope_params {
    int64_t rows, heads, half, rows_per_chunk;
    int32_t inverse;
    double frequencies[]; /* [half] */
} pgd_rope_params;

struct pgd_host_kernels {
    const char *isa;
    pgd_chunk_fn *program_map, *program_reduce_rows, *program_reduce_columns;
    void (*program_epilogue)(const pgd_epilogue *self, char *const *mem, float *c, int64_t c_row_stride, int64_t batch, int64_t row, int64_t col, int64_t rows, int64_t cols,
                             void *scratch);
    pgd_chunk_fn *moments, *batch_norm_d;                 /* one chunk per channel */
    pgd_chunk_fn *row_norm, *row_norm_d, *row_norm_join;
    pgd_chunk_fn *max_pool, *max_pool_d, *avg_pool, *avg_pool_d;
    pgd_chunk_fn *softmax, *softmax_xent, *softmax_xent_d, *argmax;
    pgd_chunk_fn *scan, *scan_product_d;
    pgd_chunk_fn *resize, *resize_d;
    pgd_chunk_fn *rope;
};

#define PGD_LEVEL(name) extern const struct pgd_host_kernels pgd_host_kernels_##name; extern const struct pgd_gemm_kernels pgd_gemm_kernels_##name;
#if defined(__x86_64__)
PGD_LEVEL(avx512)
PGD_LEVEL(avx2)
#elif defined(__aarch64__)
PGD_LEVEL(neon)
#endif
PGD_LEVEL(portable)
#undef PGD_LEVEL

#endif
