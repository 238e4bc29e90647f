/* SPDX-License-Identifier: Apache-2.0
 * Builders over windows of positions: convolutions in one, two and three dimensions, their transpose, pools, resize. */
#include <graph_share.h>
#include <string.h>

void pgd_conv_options_init(pgd_conv_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_conv_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

pgd_value *pgd_conv(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv_options *options) {
    pgd_conv_options o;
    pgd_conv_options_init(&o, sizeof o);
    if (PGD_GRAPH_LACKS(graph, x, w)) return NULL;
    if (pgd_options_read(&o, sizeof o, options, "pgd_conv_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_attrs attrs = {.ints = {o.stride_h, o.stride_w, o.pad_top, o.pad_left, o.pad_bottom, o.pad_right, o.dilation_h, o.dilation_w, o.groups}};
    return pgd_graph_op(graph, PGD_OP_CONV, &attrs, (pgd_value *[]){x, w}, 2);
}

void pgd_pool_options_init(pgd_pool_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_pool_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .kernel_h = 2, .kernel_w = 2};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

static pgd_value *pool(pgd_graph *graph, pgd_op op, pgd_value *x, const pgd_pool_options *options) {
    pgd_pool_options o;
    pgd_pool_options_init(&o, sizeof o);
    if (pgd_options_read(&o, sizeof o, options, "pgd_pool_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_attrs attrs = {.ints = {o.kernel_h, o.kernel_w, o.stride_h == 0 ? o.kernel_h : o.stride_h, o.stride_w == 0 ? o.kernel_w : o.stride_w, o.pad_top, o.pad_left, o.pad_bottom, o.pad_right}};
    return pgd_graph_op(graph, op, &attrs, &x, 1);
}

pgd_value *pgd_max_pool(pgd_graph *graph, pgd_value *x, const pgd_pool_options *options) { return PGD_GRAPH_LACKS(graph, x) ? NULL : pool(graph, PGD_OP_MAX_POOL, x, options); }
pgd_value *pgd_avg_pool(pgd_graph *graph, pgd_value *x, const pgd_pool_options *options) { return PGD_GRAPH_LACKS(graph, x) ? NULL : pool(graph, PGD_OP_AVG_POOL, x, options); }

/* ---- one dimension: [N,C,L] is [N,C,1,L] ---------------------------------------------------------------------------------------------------------------- */

static pgd_value *as_plane(pgd_graph *graph, const char *what, pgd_value *x) {
    char text[128];
    if (x->shape.rank != 3) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s is %s; it must have rank 3", what, pgd_symshape_text(graph, x->shape, text, sizeof text));
    return pgd_reshape(graph, x, (pgd_symshape){4, {x->shape.dims[0], x->shape.dims[1], 1, x->shape.dims[2]}});
}

static pgd_value *as_line(pgd_graph *graph, pgd_value *y) { return y == NULL ? NULL : pgd_reshape(graph, y, (pgd_symshape){3, {y->shape.dims[0], y->shape.dims[1], y->shape.dims[3]}}); }

void pgd_conv1d_options_init(pgd_conv1d_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_conv1d_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .stride = 1, .dilation = 1, .groups = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

pgd_value *pgd_conv1d(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv1d_options *options) {
    pgd_conv1d_options o;
    pgd_conv1d_options_init(&o, sizeof o);
    if (PGD_GRAPH_LACKS(graph, x, w)) return NULL;
    if (pgd_options_read(&o, sizeof o, options, "pgd_conv1d_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    pgd_attrs attrs = {.ints = {1, o.stride, 0, o.pad_before, 0, o.pad_after, 1, o.dilation, o.groups}};
    pgd_value *plane = as_plane(graph, "conv1d: x", x), *filters = plane == NULL ? NULL : as_plane(graph, "conv1d: w", w);
    return filters == NULL ? NULL : as_line(graph, pgd_graph_op(graph, PGD_OP_CONV, &attrs, (pgd_value *[]){plane, filters}, 2));
}

static pgd_value *pool1d(pgd_graph *graph, pgd_op op, pgd_value *x, int32_t kernel, int32_t stride, int32_t pad) {
    pgd_value *plane = as_plane(graph, op == PGD_OP_MAX_POOL ? "max_pool1d: x" : "avg_pool1d: x", x);
    return plane == NULL ? NULL : as_line(graph, pgd_graph_op(graph, op, &(pgd_attrs){.ints = {1, kernel, 1, stride == 0 ? kernel : stride, 0, pad, 0, pad}}, &plane, 1));
}

pgd_value *pgd_max_pool1d(pgd_graph *graph, pgd_value *x, int32_t kernel, int32_t stride, int32_t pad) {
    return PGD_GRAPH_LACKS(graph, x) ? NULL : pool1d(graph, PGD_OP_MAX_POOL, x, kernel, stride, pad);
}
pgd_value *pgd_avg_pool1d(pgd_graph *graph, pgd_value *x, int32_t kernel, int32_t stride, int32_t pad) {
    return PGD_GRAPH_LACKS(graph, x) ? NULL : pool1d(graph, PGD_OP_AVG_POOL, x, kernel, stride, pad);
}

/* ---- three dimensions: the depths that one result depth sees become channels -------------------------------------------------------------------------- */

void pgd_conv3d_options_init(pgd_conv3d_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_conv3d_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .stride_d = 1, .stride_h = 1, .stride_w = 1, .dilation_d = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

/* i32 [P,T]: which depth tap t of result p reads */
static pgd_value *depths_read(pgd_graph *graph, pgd_dim P, pgd_dim T, int32_t stride, int32_t dilation) {
    pgd_symshape grid = {2, {P, T}};
    pgd_value *first = pgd_mul(graph, pgd_iota(graph, PGD_I32, grid, 0), pgd_scalar(graph, PGD_I32, stride));
    return pgd_add(graph, first, pgd_mul(graph, pgd_iota(graph, PGD_I32, grid, 1), pgd_scalar(graph, PGD_I32, dilation)));
}

static pgd_value *conv3d(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv3d_options *o) {
    const pgd_dim *W = w->shape.dims;
    pgd_dim P = pgd_dim_window(graph, x->shape.dims[2], o->pad_front + o->pad_back - (int64_t)o->dilation_d * (W[2] - 1) - 1, o->stride_d);
    int64_t lo, hi;
    pgd_dim_range(graph, P, &lo, &hi);
    if (hi < 1) return pgd_graph_fail(graph, PGD_BAD_ARG, "conv3d: the filter is deeper than the padded input");
    x = pgd_pad(graph, x, 2, o->pad_front, o->pad_back, 0);
    x = x == NULL ? NULL : pgd_gather(graph, x, depths_read(graph, P, W[2], o->stride_d, o->dilation_d), 2); /* [N,C,P,T,H,W] */
    if (x == NULL) return NULL;
    const pgd_symshape six = x->shape;
    x = pgd_transpose(graph, x, (int32_t[]){0, 2, 1, 3, 4, 5});
    x = pgd_reshape(graph, x, (pgd_symshape){4, {pgd_dim_mul(graph, six.dims[0], P), pgd_dim_mul(graph, six.dims[1], W[2]), six.dims[4], six.dims[5]}});
    w = pgd_reshape(graph, w, (pgd_symshape){4, {W[0], W[1] * W[2], W[3], W[4]}});
    pgd_attrs attrs = {.ints = {o->stride_h, o->stride_w, o->pad_top, o->pad_left, o->pad_bottom, o->pad_right, o->dilation_h, o->dilation_w, o->groups}};
    pgd_value *y = pgd_graph_op(graph, PGD_OP_CONV, &attrs, (pgd_value *[]){x, w}, 2);
    if (y == NULL) return NULL;
    y = pgd_reshape(graph, y, (pgd_symshape){5, {six.dims[0], P, y->shape.dims[1], y->shape.dims[2], y->shape.dims[3]}});
    return y == NULL ? NULL : pgd_transpose(graph, y, (int32_t[]){0, 2, 1, 3, 4});
}

pgd_value *pgd_conv3d(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv3d_options *options) {
    pgd_conv3d_options o;
    char tx[128], tw[128];
    pgd_conv3d_options_init(&o, sizeof o);
    if (PGD_GRAPH_LACKS(graph, x, w)) return NULL;
    if (pgd_options_read(&o, sizeof o, options, "pgd_conv3d_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    bool fits = x->shape.rank == 5 && w->shape.rank == 5;
    for (int32_t i = 0; fits && i < 5; i++) fits = w->shape.dims[i] > 0 && w->shape.dims[i] <= 1 << 20;
    if (!fits || x->shape.dims[1] != w->shape.dims[1] * o.groups)
        return pgd_graph_fail(graph, PGD_BAD_ARG, "conv3d: x %s and w %s with %d groups do not fit; x is [N,C,D,H,W], w [K,C/groups,T,R,S]", pgd_symshape_text(graph, x->shape, tx, sizeof tx),
                              pgd_symshape_text(graph, w->shape, tw, sizeof tw), o.groups);
    if (o.stride_d < 1 || o.dilation_d < 1 || o.stride_d > 1 << 20 || o.dilation_d > 1 << 20 || o.pad_front < 0 || o.pad_back < 0)
        return pgd_graph_fail(graph, PGD_BAD_ARG, "conv3d: stride_d %d, dilation_d %d, pads %d and %d; strides and dilations start at 1, pads at 0", o.stride_d, o.dilation_d, o.pad_front, o.pad_back);
    return conv3d(graph, x, w, &o);
}

/* ---- transposed: what the derivative of a convolution does to its result ------------------------------------------------------------------------------ */

void pgd_conv_transpose_options_init(pgd_conv_transpose_options *options, size_t struct_bytes) {
    if (PGD_LACKS(options)) return;
    const pgd_conv_transpose_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .stride_h = 1, .stride_w = 1, .dilation_h = 1, .dilation_w = 1, .groups = 1};
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

/* (in - 1) stride + dilation (filter - 1) + 1 + output_pad - pads */
static pgd_dim spread_extent(pgd_graph *graph, pgd_dim in, int64_t stride, int64_t dilation, int64_t filter, int64_t output_pad, int64_t pads) {
    return pgd_dim_offset(graph, pgd_dim_mul(graph, in, stride), dilation * (filter - 1) + 1 + output_pad - pads - stride);
}

pgd_value *pgd_conv_transpose(pgd_graph *graph, pgd_value *x, pgd_value *w, const pgd_conv_transpose_options *options) {
    pgd_conv_transpose_options o;
    char tx[128], tw[128];
    pgd_conv_transpose_options_init(&o, sizeof o);
    if (PGD_GRAPH_LACKS(graph, x, w)) return NULL;
    if (pgd_options_read(&o, sizeof o, options, "pgd_conv_transpose_options") != PGD_OK) return pgd_graph_fail(graph, PGD_BAD_ARG, "%s", pgd_error_text());
    const int32_t ones[] = {o.stride_h, o.stride_w, o.dilation_h, o.dilation_w, o.groups};
    bool fits = x->shape.rank == 4 && w->shape.rank == 4 && x->shape.dims[1] == w->shape.dims[0];
    for (int32_t i = 0; fits && i < 4; i++) fits = w->shape.dims[i] > 0 && w->shape.dims[i] <= 1 << 20;
    if (!fits)
        return pgd_graph_fail(graph, PGD_BAD_ARG, "conv_transpose: x %s and w %s do not fit; x is [N,C,H,W], w [C,K/groups,R,S]", pgd_symshape_text(graph, x->shape, tx, sizeof tx),
                              pgd_symshape_text(graph, w->shape, tw, sizeof tw));
    for (int i = 0; i < 5; i++)
        if (ones[i] < 1 || ones[i] > 1 << 20) return pgd_graph_fail(graph, PGD_BAD_ARG, "conv_transpose: a stride, dilation or group count is %d; they start at 1", ones[i]);
    if (o.output_pad_h < 0 || o.output_pad_h >= o.stride_h || o.output_pad_w < 0 || o.output_pad_w >= o.stride_w)
        return pgd_graph_fail(graph, PGD_BAD_ARG, "conv_transpose: output pads %d and %d with strides %d and %d; they must be smaller than the strides", o.output_pad_h, o.output_pad_w, o.stride_h, o.stride_w);
    pgd_attrs attrs = {.ints = {o.stride_h, o.stride_w, o.pad_top, o.pad_left, o.pad_bottom, o.pad_right, o.dilation_h, o.dilation_w, o.groups}};
    attrs.dims = (pgd_symshape){4, {x->shape.dims[0], w->shape.dims[1] * o.groups, spread_extent(graph, x->shape.dims[2], o.stride_h, o.dilation_h, w->shape.dims[2], o.output_pad_h, (int64_t)o.pad_top + o.pad_bottom),
                                    spread_extent(graph, x->shape.dims[3], o.stride_w, o.dilation_w, w->shape.dims[3], o.output_pad_w, (int64_t)o.pad_left + o.pad_right)}};
    return pgd_graph_op(graph, PGD_OP_CONV_DINPUT, &attrs, (pgd_value *[]){x, w}, 2);
}

/* ---- resize ---------------------------------------------------------------------------------------------------------------------------------------------- */

pgd_value *pgd_resize(pgd_graph *graph, pgd_value *x, pgd_dim height, pgd_dim width, pgd_resize_mode mode, pgd_resize_grid grid) {
    return PGD_GRAPH_LACKS(graph, x) ? NULL : pgd_graph_op(graph, PGD_OP_RESIZE, &(pgd_attrs){.ints = {mode, grid}, .dims = {2, {height, width}}}, &x, 1);
}
