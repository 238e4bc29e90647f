/* SPDX-License-Identifier: Apache-2.0
 * graph: what is to be computed. Values are made by builder functions; each operation means the same on every device (numerics.md).
 *
 * Errors: a builder that is given something wrong, NULL included, returns NULL, and from then on the graph builds nothing more; it keeps the first
 * sentence. So a whole network is written without a check per line, and pgd_graph_status (or compiling) tells the truth at the end.
 * Ownership: values belong to their graph and die with it. Threads: a graph belongs to one thread at a time.
 *
 * Letters: N batch, C channels, H height, W width, K filters, R x S filter extent, P x Q output extent, M rows, D features. */
#ifndef PAGODA_GRAPH_H
#define PAGODA_GRAPH_H

#include <pagoda/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgd_graph pgd_graph;
typedef struct pgd_value pgd_value;

/* One extent: a plain number, or (negative) a name or expression of names made by pgd_graph_symbol and the builders. */
typedef int64_t pgd_dim;

typedef struct pgd_symshape {
    int32_t rank;
    pgd_dim dims[PGD_MAX_RANK];
} pgd_symshape;

PGD_API PGD_MUST_USE pgd_status pgd_graph_create(pgd_graph **out);
PGD_API void pgd_graph_destroy(pgd_graph *graph); /* NULL is fine */

/* PGD_OK, or the first thing that went wrong while building; pgd_error_text() then has its sentence. */
PGD_API PGD_MUST_USE pgd_status pgd_graph_status(const pgd_graph *graph);

/* An extent that is known only when running: between lo and hi, both at least 0. The same name gives the same extent. */
PGD_API pgd_dim pgd_graph_symbol(pgd_graph *graph, const char *name, int64_t lo, int64_t hi);

/* What pgd_symshape_of stands for, as pgd_shape_make. pgd_symshape_of(2, n, 784): the rank, then as many extents, symbols or integers of any type. */
PGD_API pgd_symshape pgd_symshape_make(const pgd_dim *list, int32_t count);
#ifndef __cplusplus
#define pgd_symshape_of(...) pgd_symshape_make(PGD_INTS(__VA_ARGS__))
#endif

/* ---- where values come from and go to ----------------------------------------------------------------------------------------------- */

/* A tensor bound by name at each run. */
PGD_API pgd_value *pgd_input(pgd_graph *graph, const char *name, pgd_dtype dtype, pgd_symshape shape);

/* A named tensor of the state the plan runs on. The same name gives the same value. Shape must not be symbolic. */
PGD_API pgd_value *pgd_param(pgd_graph *graph, const char *name, pgd_dtype dtype, pgd_symshape shape);

/* A tensor of the graph itself; bytes are copied. */
PGD_API pgd_value *pgd_constant(pgd_graph *graph, pgd_dtype dtype, pgd_shape shape, const void *bytes);
PGD_API pgd_value *pgd_scalar(pgd_graph *graph, pgd_dtype dtype, double value); /* rank 0 */

/* Names a result of the graph; every run delivers it. */
PGD_API void pgd_output(pgd_graph *graph, const char *name, pgd_value *value);

/* At the end of a run the state tensor `name` takes this value; all reads of the run see the old one. At most one per name. */
PGD_API void pgd_update(pgd_graph *graph, const char *name, pgd_value *value);

PGD_API pgd_dtype pgd_value_dtype(const pgd_value *value);
PGD_API pgd_symshape pgd_value_shape(const pgd_value *value);

/* ---- elementwise ---------------------------------------------------------------------------------------------------------------------
 * Operands of two- and three-operand functions are broadcast as NumPy does (shapes aligned at the right, extents equal or 1); dtypes must be equal. Comparisons give
 * bool. There is no promotion: use pgd_cast.
 * round: to the nearest whole number, halves to the even one. gelu: x Phi(x), the exact form, Phi(x) = (1 + erf(x/sqrt 2)) / 2; gelu_slope: its derivative. isnan, isinf: bool.
 * mod: a - b floor(a/b), with the sign of b, as Python and NumPy have it, of integers and floats; of integers by 0: 0. not, and, or, xor: of bool. */

#define PGD_UNARY_LIST(X) \
    X(NEG, neg) X(ABS, abs) X(SIGN, sign) X(FLOOR, floor) X(CEIL, ceil) X(SQRT, sqrt) X(RSQRT, rsqrt) X(RECIP, recip) X(EXP, exp) X(LOG, log) \
    X(SIN, sin) X(COS, cos) X(TANH, tanh) X(SIGMOID, sigmoid) X(ERF, erf) X(RELU, relu) X(NOT, not) \
    X(ROUND, round) X(TRUNC, trunc) X(EXPM1, expm1) X(LOG1P, log1p) X(TAN, tan) X(ASIN, asin) X(ACOS, acos) X(ATAN, atan) X(GELU, gelu) X(GELU_SLOPE, gelu_slope) \
    X(ISNAN, isnan) X(ISINF, isinf)
#define PGD_BINARY_LIST(X) \
    X(ADD, add) X(SUB, sub) X(MUL, mul) X(DIV, div) X(POW, pow) X(MIN, min) X(MAX, max) X(EQ, eq) X(LT, lt) X(LE, le) X(AND, and) X(OR, or) \
    X(MOD, mod) X(XOR, xor)

#define X(NAME, name) PGD_API pgd_value *pgd_##name(pgd_graph *graph, pgd_value *x);
PGD_UNARY_LIST(X)
#undef X
#define X(NAME, name) PGD_API pgd_value *pgd_##name(pgd_graph *graph, pgd_value *a, pgd_value *b);
PGD_BINARY_LIST(X)
#undef X
PGD_API pgd_value *pgd_where(pgd_graph *graph, pgd_value *condition, pgd_value *a, pgd_value *b);
PGD_API pgd_value *pgd_cast(pgd_graph *graph, pgd_value *x, pgd_dtype dtype);

/* ---- creation and random ------------------------------------------------------------------------------------------------------------- */

PGD_API pgd_value *pgd_fill(pgd_graph *graph, pgd_dtype dtype, pgd_symshape shape, double value);
PGD_API pgd_value *pgd_iota(pgd_graph *graph, pgd_dtype dtype, pgd_symshape shape, int32_t axis); /* index along axis */
PGD_API pgd_value *pgd_dim_size(pgd_graph *graph, pgd_dtype dtype, pgd_symshape dims);           /* product of the extents, rank 0 */

/* Counter-based random numbers (Philox 4x32-10): a function of key, the graph's own number for this call, and the element index, so results do not depend on
 * device or threads. key is i64 [2]: seed and step; a state tensor that an update increments makes every run different and every resumed run the same.
 * uniform is in [0,1); normal has mean 0 and variance 1. */
PGD_API pgd_value *pgd_uniform(pgd_graph *graph, pgd_value *key, pgd_symshape shape);
PGD_API pgd_value *pgd_normal(pgd_graph *graph, pgd_value *key, pgd_symshape shape);

/* ---- reductions: reduced axes stay, with extent 1. axes is a list of `count` axis numbers, negative counts from the right. -------------- */

PGD_API pgd_value *pgd_sum(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count);
PGD_API pgd_value *pgd_mean(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count);
PGD_API pgd_value *pgd_reduce_max(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count);
PGD_API pgd_value *pgd_reduce_min(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count);
PGD_API pgd_value *pgd_prod(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count);
PGD_API pgd_value *pgd_argmax(pgd_graph *graph, pgd_value *x, int32_t axis); /* i32; the first of equals */
PGD_API pgd_value *pgd_argmin(pgd_graph *graph, pgd_value *x, int32_t axis); /* i32; the first of equals */

/* Running sums and products along an axis, which keeps its extent. exclusive: an element does not count itself, the first result is 0 or 1. reverse: from
 * the end. */
PGD_API pgd_value *pgd_cumsum(pgd_graph *graph, pgd_value *x, int32_t axis, bool reverse, bool exclusive);
PGD_API pgd_value *pgd_cumprod(pgd_graph *graph, pgd_value *x, int32_t axis, bool reverse, bool exclusive);

/* ---- movement -------------------------------------------------------------------------------------------------------------------------- */

PGD_API pgd_value *pgd_reshape(pgd_graph *graph, pgd_value *x, pgd_symshape shape); /* one extent may be PGD_DIM_REST */
#define PGD_DIM_REST INT64_MIN
PGD_API pgd_value *pgd_flatten(pgd_graph *graph, pgd_value *x, int32_t axis); /* axes before `axis` stay; the others become one */
PGD_API pgd_value *pgd_transpose(pgd_graph *graph, pgd_value *x, const int32_t *permutation); /* axis i of the result is axis permutation[i] of x */
PGD_API pgd_value *pgd_broadcast(pgd_graph *graph, pgd_value *x, pgd_symshape shape);
PGD_API pgd_value *pgd_slice(pgd_graph *graph, pgd_value *x, int32_t axis, pgd_dim start, pgd_dim extent);
PGD_API pgd_value *pgd_pad(pgd_graph *graph, pgd_value *x, int32_t axis, pgd_dim before, pgd_dim after, double value);
PGD_API pgd_value *pgd_concat(pgd_graph *graph, pgd_value *const *parts, int32_t count, int32_t axis);

/* x with `axis` replaced by the shape of indices (i32 or i64): the elements of x at those positions. -n .. -1 count from the end; an index outside gives
 * NaN, or 0 where the dtype has none. */
PGD_API pgd_value *pgd_gather(pgd_graph *graph, pgd_value *x, pgd_value *indices, int32_t axis);

/* Of the indices' shape: y[..i..] = x[..indices[..i..]..] along axis; x and indices (i32 or i64) have one rank and agree elsewhere. Indices as for gather. */
PGD_API pgd_value *pgd_gather_elements(pgd_graph *graph, pgd_value *x, pgd_value *indices, int32_t axis);

/* How an update meets what is there. Of several updates of one place: set, the last in row-major order stays; the others all count. */
typedef enum pgd_scatter_mode { PGD_SCATTER_SET, PGD_SCATTER_ADD, PGD_SCATTER_MIN, PGD_SCATTER_MAX } pgd_scatter_mode;

/* x with updates brought in at the positions that gather_elements would read; updates has the shape of indices. What would lie outside is dropped. */
PGD_API pgd_value *pgd_scatter_elements(pgd_graph *graph, pgd_value *x, pgd_value *indices, pgd_value *updates, int32_t axis, pgd_scatter_mode mode);

/* Slices of x by their first k coordinates. indices [..,k]  result [.., the other extents of x]. An index outside gives NaN, or 0 where the dtype has none. */
PGD_API pgd_value *pgd_gather_nd(pgd_graph *graph, pgd_value *x, pgd_value *indices);

/* x with updates [.., the other extents of x] brought in at those places; mode is SET or ADD. What would lie outside is dropped. */
PGD_API pgd_value *pgd_scatter_nd(pgd_graph *graph, pgd_value *x, pgd_value *indices, pgd_value *updates, pgd_scatter_mode mode);

/* The k greatest (else least) of each row, in order; equals keep the lower index first; NaN counts as the greatest. x [..,n]  result [..,k], indices i32
 * [..,k]; indices may be NULL. */
PGD_API pgd_value *pgd_topk(pgd_graph *graph, pgd_value *x, int32_t k, bool largest, pgd_value **indices);

PGD_API pgd_value *pgd_reverse(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count); /* those axes run backwards */

/* x with part written over it along `axis`, from start (i32, rank 0) on; what would lie outside is dropped. */
PGD_API pgd_value *pgd_update_slice(pgd_graph *graph, pgd_value *x, pgd_value *part, pgd_value *start, int32_t axis);

/* ---- linear ------------------------------------------------------------------------------------------------------------------------------ */

/* op(a) op(b), op transposing the last two axes where asked. a [..,M,K]  b [..,K,N] or [K,N]  result [..,M,N]. */
PGD_API pgd_value *pgd_matmul(pgd_graph *graph, pgd_value *a, pgd_value *b, bool transpose_a, bool transpose_b);

typedef struct pgd_conv_options {
    uint32_t struct_bytes;
    int32_t stride_h, stride_w;                          /* default 1 */
    int32_t pad_top, pad_left, pad_bottom, pad_right;    /* zeros around; default 0 */
    int32_t dilation_h, dilation_w;                      /* default 1 */
    int32_t groups;                                      /* default 1 */
} pgd_conv_options;
PGD_API void pgd_conv_options_init(pgd_conv_options *options, size_t struct_bytes);

/* Cross-correlation. x [N,C,H,W]  w [K,C/groups,R,S]  result [N,K,P,Q]. options may be NULL. */
PGD_API pgd_value *pgd_conv(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv_options *options);

/* The same over one axis of positions. x [N,C,L]  w [K,C/groups,R]  result [N,K,P]. */
typedef struct pgd_conv1d_options {
    uint32_t struct_bytes;
    int32_t stride, pad_before, pad_after, dilation, groups; /* default 1, 0, 0, 1, 1 */
} pgd_conv1d_options;
PGD_API void pgd_conv1d_options_init(pgd_conv1d_options *options, size_t struct_bytes);
PGD_API pgd_value *pgd_conv1d(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv1d_options *options);

/* And over three. x [N,C,D,H,W]  w [K,C/groups,T,R,S]  result [N,K,O,P,Q]. Composed: the depths that a result sees become channels of one convolution, which
 * costs a copy of T times x. */
typedef struct pgd_conv3d_options {
    uint32_t struct_bytes;
    int32_t stride_d, stride_h, stride_w;                                           /* default 1 */
    int32_t pad_front, pad_top, pad_left, pad_back, pad_bottom, pad_right;          /* default 0 */
    int32_t dilation_d, dilation_h, dilation_w;                                     /* default 1 */
    int32_t groups;                                                                 /* default 1 */
} pgd_conv3d_options;
PGD_API void pgd_conv3d_options_init(pgd_conv3d_options *options, size_t struct_bytes);
PGD_API pgd_value *pgd_conv3d(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv3d_options *options);

/* Transposed: each element of x spreads a filter over the result, `stride` apart. x [N,C,H,W]  w [C,K/groups,R,S]  result [N,K,P,Q] with
 * P = (H - 1) stride + dilation (R - 1) + 1 + output_pad - pads. output_pad is smaller than the stride. */
typedef struct pgd_conv_transpose_options {
    uint32_t struct_bytes;
    int32_t stride_h, stride_w;                          /* default 1 */
    int32_t pad_top, pad_left, pad_bottom, pad_right;    /* taken off the result; default 0 */
    int32_t dilation_h, dilation_w;                      /* default 1 */
    int32_t groups;                                      /* default 1 */
    int32_t output_pad_h, output_pad_w;                  /* added at the end; default 0 */
} pgd_conv_transpose_options;
PGD_API void pgd_conv_transpose_options_init(pgd_conv_transpose_options *options, size_t struct_bytes);
PGD_API pgd_value *pgd_conv_transpose(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv_transpose_options *options);

/* ---- pooling, x [N,C,H,W]; options may be NULL ----------------------------------------------------------------------------------------------- */

typedef struct pgd_pool_options {
    uint32_t struct_bytes;
    int32_t kernel_h, kernel_w;                          /* default 2 */
    int32_t stride_h, stride_w;                          /* default: the kernel */
    int32_t pad_top, pad_left, pad_bottom, pad_right;    /* max: -infinity, average: not counted; default 0 */
} pgd_pool_options;
PGD_API void pgd_pool_options_init(pgd_pool_options *options, size_t struct_bytes);

PGD_API pgd_value *pgd_max_pool(pgd_graph *graph, pgd_value *x, const pgd_pool_options *options);
PGD_API pgd_value *pgd_avg_pool(pgd_graph *graph, pgd_value *x, const pgd_pool_options *options);

/* Over one axis, x [N,C,L]; stride 0: the kernel; pad on both sides. */
PGD_API pgd_value *pgd_max_pool1d(pgd_graph *graph, pgd_value *x, int32_t kernel, int32_t stride, int32_t pad);
PGD_API pgd_value *pgd_avg_pool1d(pgd_graph *graph, pgd_value *x, int32_t kernel, int32_t stride, int32_t pad);

/* ---- resize ------------------------------------------------------------------------------------------------------------------------------------------------ */

typedef enum pgd_resize_mode { PGD_RESIZE_NEAREST, PGD_RESIZE_LINEAR } pgd_resize_mode;

/* Where result o of `out` lies among `in` positions: HALF_PIXEL (o + 1/2) in/out - 1/2, ALIGN_CORNERS o (in-1)/(out-1), ASYMMETRIC o in/out; kept inside.
 * nearest takes the nearest position, of two the later one; with ASYMMETRIC the one below. */
typedef enum pgd_resize_grid { PGD_RESIZE_HALF_PIXEL, PGD_RESIZE_ALIGN_CORNERS, PGD_RESIZE_ASYMMETRIC } pgd_resize_grid;

/* x [N,C,H,W]  result [N,C,height,width]; linear: bilinear. */
PGD_API pgd_value *pgd_resize(pgd_graph *graph, pgd_value *x, pgd_dim height, pgd_dim width, pgd_resize_mode mode, pgd_resize_grid grid);

/* ---- normalisation, attention, recurrence, softmax, losses ------------------------------------------------------------------------------------------------------------ */

/* Mean and biased variance over the axes; both keep the rank, either may be NULL. */
PGD_API void pgd_moments(pgd_graph *graph, pgd_value *x, const int32_t *axes, int32_t count, pgd_value **mean, pgd_value **variance);

/* y = (x - mean) / sqrt(variance + epsilon) * gamma + beta with statistics of this batch over all axes but 1; gamma, beta [C]; mean, variance (biased)
 * [1,C,1,..] may be NULL. */
PGD_API pgd_value *pgd_batch_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, pgd_value *beta, double epsilon, pgd_value **mean, pgd_value **variance);

/* Normalisation of rows, over the last axis. x [..,D]  gamma, beta [D].
 * layer: (x - mean) / sqrt(variance + epsilon) * gamma + beta.  rms: x / sqrt(mean of squares + epsilon) * gamma. */
PGD_API pgd_value *pgd_layer_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, pgd_value *beta, double epsilon);
PGD_API pgd_value *pgd_rms_norm(pgd_graph *graph, pgd_value *x, pgd_value *gamma, double epsilon);

/* The same with statistics of each sample over groups of C/groups channels and all positions. x [N,C,..]  gamma, beta [C]. groups = C is instance norm. */
PGD_API pgd_value *pgd_group_norm(pgd_graph *graph, pgd_value *x, int32_t groups, pgd_value *gamma, pgd_value *beta, double epsilon);

typedef struct pgd_attention_options {
    uint32_t struct_bytes;
    bool causal;      /* a query sees the keys up to its own position */
    double scale;     /* of the scores; 0: 1/sqrt(D) */
    pgd_value *mask;  /* added to the scores, [B|1, H|1, T|1, S], or bool: true where a query sees a key; no gradient flows to it; NULL: none */
    pgd_value *start; /* i32 [B]: the keys that precede query 0, and so those that exist: start + T; NULL: the last query is the last key */
} pgd_attention_options;
PGD_API void pgd_attention_options_init(pgd_attention_options *options, size_t struct_bytes);

/* softmax(scale q k^T + mask) v per head. q [B,T,H,D]  k [B,S,G,D]  v [B,S,G,E]  result [B,T,H,E]; H a multiple of G, head h reads group h/(H/G). A query that
 * sees no key gives 0. options may be NULL. */
PGD_API pgd_value *pgd_attention(pgd_graph *graph, pgd_value *q, pgd_value *k, pgd_value *v, const pgd_attention_options *options);

/* Rotary position embedding: features i and i + D/2 turn together by position / base^(2i/D); base is 10000 as a rule. x [B,T,H,D]  positions i32 [B,T], or
 * [B]: the position of each sample's first row, or NULL: 0, 1, 2 .. */
PGD_API pgd_value *pgd_rope(pgd_graph *graph, pgd_value *x, pgd_value *positions, double base);

/* T steps of a recurrent layer with H units. x is what the inputs and biases contribute to every gate, one matrix product for all steps: [T,N,4H] in the order
 * input, forget, cell, output, or [T,N,3H] in the order reset, update, new (PyTorch's). w [4H,H], [3H,H]  b [3H]  h0, c0 [N,H]  result [T,N,H], the states
 * after each step; cells [T,N,H] may be NULL.
 * lstm: c' = f c + i g, h' = o tanh(c').  gru: n = tanh(x_n + r (w_n h + b_n)), h' = (1 - z) n + z h. */
PGD_API pgd_value *pgd_lstm(pgd_graph *graph, pgd_value *x, pgd_value *w, pgd_value *h0, pgd_value *c0, pgd_value **cells);
PGD_API pgd_value *pgd_gru(pgd_graph *graph, pgd_value *x, pgd_value *w, pgd_value *b, pgd_value *h0);

PGD_API pgd_value *pgd_softmax(pgd_graph *graph, pgd_value *x);     /* over the last axis */
PGD_API pgd_value *pgd_log_softmax(pgd_graph *graph, pgd_value *x); /* over the last axis */

/* Over any axis; one that is not the last costs two transposes. */
PGD_API pgd_value *pgd_softmax_along(pgd_graph *graph, pgd_value *x, int32_t axis);
PGD_API pgd_value *pgd_log_softmax_along(pgd_graph *graph, pgd_value *x, int32_t axis);

/* -log softmax(logits)[label] per row. logits [N,C]  labels i32 [N]  result [N]; a label outside [0,C) gives NaN. smoothing in [0,1) spreads that much
 * of the target evenly over all classes. */
PGD_API pgd_value *pgd_softmax_xent(pgd_graph *graph, pgd_value *logits, pgd_value *labels, double smoothing);

/* Values built between begin and end are not kept for their gradients but computed again from what went in, when pgd_gradients comes to them: memory for time (Chen et al.,
 * Training deep nets with sublinear memory cost, 2016). Stretches do not nest: an inner begin or end does nothing. */
PGD_API void pgd_recompute_begin(pgd_graph *graph);
PGD_API void pgd_recompute_end(pgd_graph *graph);

/* ---- transforms ---------------------------------------------------------------------------------------------------------------------------------- */

/* d sum(y) / d x[i] as new values of the same graph, in gradients[i]; zeros where y does not depend on x[i]. Errors: UNSUPPORTED names an operation without
 * gradient on the way; BAD_ARG. */
PGD_API PGD_MUST_USE pgd_status pgd_gradients(pgd_graph *graph, pgd_value *y, pgd_value *const *x, int32_t count, pgd_value **gradients);

/* The graph as text, one value per line; *out is owned by the caller: pgd_text_free. Reads back with pgd_graph_parse to an equal graph. */
PGD_API PGD_MUST_USE pgd_status pgd_graph_print(const pgd_graph *graph, char **out);
PGD_API void pgd_text_free(char *text);

/* Errors: CORRUPT with line and column. */
PGD_API PGD_MUST_USE pgd_status pgd_graph_parse(const char *text, size_t bytes, pgd_graph **out);

/* Checks every rule a graph must obey. Errors: INTERNAL names the value and the rule (builders never let a broken graph arise). */
PGD_API PGD_MUST_USE pgd_status pgd_graph_verify(const pgd_graph *graph);

/* ---- an operation of one's own ------------------------------------------------------------------------------------------------------------------------ */

/* A tensor as a function of the program's own sees it: row-major, without gaps. */
typedef struct pgd_tensor_view {
    pgd_dtype dtype;
    pgd_shape shape;
    void *data; /* of inputs: only to read */
} pgd_tensor_view;

/* An operation as a table of C functions. The table and user must live as long as every graph and plan that has the operation; functions may be called from several threads at once
 * and must give the same for the same inputs. */
typedef struct pgd_custom_op {
    uint32_t struct_bytes; /* sizeof(pgd_custom_op) when the program was compiled */
    const char *name;      /* for messages and printed graphs */
    void *user;            /* handed to every function */

    /* Sets dtype and extents of the result, which are input 0's at first; or a sentence about what is wrong with the inputs. NULL: they stay input 0's. */
    const char *(*infer)(void *user, pgd_graph *graph, pgd_value *const *inputs, int32_t count, pgd_dtype *dtype, pgd_symshape *shape);

    /* Into how many independent pieces the work is cut, at least 1; from the shapes alone (data is NULL). NULL: one. */
    int64_t (*pieces)(void *user, const pgd_tensor_view *inputs, int32_t count, const pgd_tensor_view *result);

    /* Computes one piece of the result on a thread of the device (of this process: CPU devices only). Must not block or call the library. */
    void (*run)(void *user, const pgd_tensor_view *inputs, int32_t count, const pgd_tensor_view *result, int64_t piece, int64_t pieces);

    /* Builds gradients[i], of input i's shape, from dy, the gradient of the result; one that stays NULL is zero. NULL: no gradient flows through. */
    void (*gradient)(void *user, pgd_graph *graph, pgd_value *const *inputs, int32_t count, pgd_value *result, pgd_value *dy, pgd_value **gradients);
} pgd_custom_op;

PGD_API pgd_value *pgd_custom(pgd_graph *graph, const pgd_custom_op *op, pgd_value *const *inputs, int32_t count); /* 1 to 16 inputs */

/* ---- the list of operations ------------------------------------------------------------------------------------------------------------------------- */

typedef struct pgd_operation_info {
    const char *name;    /* static */
    bool fused;          /* runs inside fused programs */
    bool differentiable;
    uint32_t dtypes;     /* bit per pgd_dtype that an input (a result, for sources) may have */
} pgd_operation_info;

PGD_API int32_t pgd_operation_count(void);
PGD_API PGD_MUST_USE pgd_status pgd_operation_info_get(int32_t index, pgd_operation_info *out); /* Errors: BAD_ARG index */

#ifdef __cplusplus
}

template <class... Extents> inline pgd_symshape pgd_symshape_of(int32_t rank, Extents... extents) {
    const pgd_dim list[] = {rank, static_cast<pgd_dim>(extents)...};
    return pgd_symshape_make(list, static_cast<int32_t>(sizeof list / sizeof *list));
}
#endif
#endif
