/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution forward and its gradient by the input, both as products over a sliding window:
 *   forward  Y[k][n,p,q] = W[k][c,r,s] X[c,r,s][n,p,q]
 *   dgrad    one product per remainder (h mod stride_h, w mod stride_w), over exactly those taps that reach these pixels:
 *            dX[c][n,u,v] = W^T[c][k,taps] dY[k,taps][n,u,v],  h = remainder + stride_h*u
 * A chunk is (remainder, groups, rows of channels, box of the grid). */

enum {
    CONV_ROW_BLOCK, CONV_ROW_BLOCKS, CONV_IMAGES, CONV_ROWS, CONV_COLS, CONV_BOXES_IMAGE, CONV_BOXES_ROW, CONV_BOXES_COL,
    CONV_GROUP_BLOCK, CONV_GROUP_BLOCKS, CONV_K_BLOCK
};

/* Boxes of at most `most` columns: part of a grid row, whole rows, or whole images. */
static void plan_boxes(int64_t *plan, const struct window *win, int64_t most)
{
    int64_t images = 1, rows = 1, cols = win->grid_w;
    if (win->grid_w > most) {
        cols = even_block(win->grid_w, most, VL);
    } else if (win->grid_h * win->grid_w > most) {
        rows = even_block(win->grid_h, most / win->grid_w, 1);
    } else {
        rows = win->grid_h;
        images = even_block(win->images, most / (win->grid_h * win->grid_w), 1);
    }
    plan[CONV_IMAGES] = images;
    plan[CONV_ROWS] = rows;
    plan[CONV_COLS] = cols;
    plan[CONV_BOXES_IMAGE] = div_up(win->images, images);
    plan[CONV_BOXES_ROW] = div_up(win->grid_h, rows);
    plan[CONV_BOXES_COL] = div_up(win->grid_w, cols);
}

/* Chunks of one remainder class: rows of C per group, channels to reduce over. */
static int64_t plan_window(int64_t *plan, const struct window *win, int64_t groups, int64_t rows, int64_t channels,
                           int64_t classes)
{
    int64_t area = MAX(win->taps_h * win->taps_w, 1), most = COLS_MAX, boxes;
    double group_madds = (double)rows * (double)MAX(channels, 1) * (double)area * (double)win->images *
                         (double)(win->grid_h * win->grid_w);
    int64_t wanted = chunks_wanted(group_madds * (double)groups * (double)classes);
    int64_t row_block = even_block(rows, 256, TILE_ROWS);
    for (;;) {
        plan_boxes(plan, win, most);
        boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
        if (classes * groups * boxes * div_up(rows, row_block) >= wanted) break;
        if (most >= 256)
            most -= 96;
        else if (row_block > 2 * TILE_ROWS)
            row_block = round_up(div_up(row_block, 2), TILE_ROWS);
        else
            break;
    }
    plan[CONV_ROW_BLOCK] = row_block;
    plan[CONV_ROW_BLOCKS] = div_up(rows, row_block);
    double small = 2e6 * (double)boxes * (double)plan[CONV_ROW_BLOCKS] / group_madds;
    plan[CONV_GROUP_BLOCK] = small > 1 ? MIN(groups, (int64_t)MIN(small, 1e6)) : 1;
    plan[CONV_GROUP_BLOCKS] = div_up(groups, plan[CONV_GROUP_BLOCK]);
    struct box box = {0, plan[CONV_IMAGES], 0, plan[CONV_ROWS], 0, plan[CONV_COLS]};
    struct stage stage;
    stage_init(&stage, win, &box);
    int64_t together = stage.plain && classes == 1 ? long_k_max(box.rows * box.cols) : MIN(K_MAX / area, (STAGE_FLOATS - VL) / MAX(stage.channel_floats, 1));
    plan[CONV_K_BLOCK] = together > 0 ? even_block(MAX(channels, 1), together, 1) * area : MIN(area, K_MAX);
    return classes * plan[CONV_GROUP_BLOCKS] * plan[CONV_ROW_BLOCKS] * boxes;
}

/* Where the grid's results go: base + image*image_floats + row*c_row + u*pitch + v*step. */
struct grid_out {
    float *base;
    int64_t image_floats, c_row, pitch, step;
};

/* One run per grid row, neighbours joined. */
static int64_t grid_runs(struct run *runs, const struct grid_out *out, const struct box *box, int64_t grid_w)
{
    int64_t n = 0, col = 0;
    for (int64_t image = box->image; image < box->image + box->images; image++) {
        for (int64_t u = box->u; u < box->u + box->rows; u++, col += box->cols) {
            float *c = out->base + image * out->image_floats + u * out->pitch + box->v * out->step;
            if (u > box->u && out->step == 1 && runs[n - 1].c + runs[n - 1].cols == c)
                runs[n - 1].cols += box->cols;
            else
                runs[n++] = (struct run){col, box->cols, out->step, image, u * grid_w + box->v, c};
        }
    }
    return n;
}

/* The part of a chunk number that counts boxes; false when the class's own grid does not reach that box. */
static int chunk_box(struct box *box, const int64_t *plan, const struct window *win, int64_t *chunk)
{
    int64_t i = *chunk;
    box->v = i % plan[CONV_BOXES_COL] * plan[CONV_COLS];
    i /= plan[CONV_BOXES_COL];
    box->u = i % plan[CONV_BOXES_ROW] * plan[CONV_ROWS];
    i /= plan[CONV_BOXES_ROW];
    box->image = i % plan[CONV_BOXES_IMAGE] * plan[CONV_IMAGES];
    *chunk = i / plan[CONV_BOXES_IMAGE];
    box->images = MIN(plan[CONV_IMAGES], win->images - box->image);
    box->rows = MIN(plan[CONV_ROWS], win->grid_h - box->u);
    box->cols = MIN(plan[CONV_COLS], win->grid_w - box->v);
    return box->images > 0 && box->rows > 0 && box->cols > 0;
}

/* Hands a box of finished results, maps of neighbours, to the epilogue: channels `channel` on, of some images, rows u to u_end, columns v to v_end. */
static void finish_box(const pgd_epilogue *epilogue, const struct grid_out *out, char *const *mem, const struct box *images, int64_t channel, int64_t channels, int64_t u, int64_t u_end, int64_t v, int64_t v_end,
                       void *scratch)
{
    int64_t step = v_end - v == out->pitch ? u_end - u : 1; /* whole rows together */
    if (!epilogue) return;
    for (int64_t image = images->image; image < images->image + images->images; image++) {
        for (int64_t row = u; row < u_end; row += step) {
            float *y = out->base + image * out->image_floats + channel * out->c_row + row * out->pitch + v;
            epilogue->apply(epilogue, mem, y, out->c_row, image, channel, row * out->pitch + v, channels, step * (v_end - v), scratch);
        }
    }
}

/* Divides the worker's scratch and runs one product over a window. */
static void window_product(struct product *product, const struct window *win, const struct box *box,
                           const struct grid_out *out, void *scratch)
{
    float *room = (float *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    struct stage stage;
    stage_init(&stage, win, box);
    product->a_packed = room;
    product->b_packed = room += A_FLOATS;
    stage.maps = room += B_FLOATS;
    struct run *runs = (struct run *)(void *)(room + STAGE_FLOATS);
    stage.copies = (struct copy *)(void *)(runs + COLS_MAX);
    stage.panel_end = (int32_t *)(void *)(stage.copies + COPIES_MAX);
    stage.taps = stage.panel_end + COLS_MAX / NR + 1;
    product->cols = box->images * box->rows * box->cols;
    stage_plan_copies(&stage, NR);
    product->run_count = grid_runs(runs, out, box, win->grid_w);
    product->runs = runs;
    product->c_row = out->c_row;
    product->pack_b = pack_b_window;
    product->b = &stage;
    if (stage.plain) {
        stage.matrix = (struct matrix){win->x + box->image * win->image + box->u * win->w + box->v, win->h * win->w, 1};
        product->b_matrix = &stage.matrix;
    }
    product->epilogue_scratch = scratch;
    product_run(product);
}

static struct window forward_window(const pgd_conv_params *p)
{
    return (struct window){
        .image = p->c * p->h * p->w, .h = p->h, .w = p->w, .images = p->n, .grid_h = p->p, .grid_w = p->q,
        .step_h = p->stride_h, .step_w = p->stride_w, .taps_h = p->r, .taps_w = p->s,
        .tap_h0 = -p->pad_h, .tap_w0 = -p->pad_w, .tap_dh = p->dilation_h, .tap_dw = p->dilation_w,
    };
}

static int64_t conv_forward_plan(pgd_conv_params *p)
{
    memset(p->plan, 0, sizeof p->plan);
    if (p->n <= 0 || p->k <= 0 || p->p <= 0 || p->q <= 0) return 0;
    struct window win = forward_window(p);
    return plan_window(p->plan, &win, p->groups, p->k / p->groups, p->c / p->groups, 1);
}

static void conv_forward_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    int64_t filters = p->k / p->groups, channels = p->c / p->groups, depth = channels * p->r * p->s, pixels = p->p * p->q;
    struct window win = forward_window(p);
    struct box box;
    if (!chunk_box(&box, plan, &win, &chunk)) return;
    int64_t row = chunk % plan[CONV_ROW_BLOCKS] * plan[CONV_ROW_BLOCK];
    int64_t group = chunk / plan[CONV_ROW_BLOCKS] * plan[CONV_GROUP_BLOCK];
    int64_t group_end = MIN(p->groups, group + plan[CONV_GROUP_BLOCK]);
    for (; group < group_end; group++) {
        int64_t filter = group * filters + row;
        win.x = (const float *)mem[0] + group * channels * p->h * p->w;
        struct grid_out out = {(float *)mem[2] + filter * pixels, p->k * pixels, pixels, p->q, 1};
        struct matrix a = {(const float *)mem[1] + filter * depth, depth, 1};
        struct product product = {
            .rows = MIN(plan[CONV_ROW_BLOCK], filters - row), .k = depth, .k_block = plan[CONV_K_BLOCK],
            .pack_a = pack_a_matrix, .a = &a, .a_matrix = &a, .first_row = filter, .epilogue = p->epilogue, .mem = mem,
        };
        window_product(&product, &win, &box, &out, scratch);
    }
}

/* ---- gradient by the input ---- */

/* The taps along one axis that meet input positions = remainder (mod stride): filter positions first, first+step, ...;
 * tap i reads dy at u + shift + i*dshift. */
struct axis_taps {
    int64_t first, step, count, shift, dshift;
};

static struct axis_taps axis_taps(int64_t remainder, int64_t stride, int64_t pad, int64_t dilation, int64_t taps)
{
    struct axis_taps t = {0, 1, 0, 0, 0};
    for (int64_t i = 0; i < taps; i++) {
        if ((remainder + pad - i * dilation) % stride != 0) continue;
        if (t.count == 0) t.first = i;
        if (t.count == 1) t.step = i - t.first;
        t.count++;
    }
    t.shift = (remainder + pad - t.first * dilation) / stride;
    t.dshift = -(t.step * dilation) / stride;
    if (t.count < 2) t.dshift = 0;
    return t;
}

struct dgrad_weights {
    const float *w; /* first filter of the group, first input channel of the chunk */
    int64_t filter_floats, s, area;
    struct axis_taps h, v;
};

static void pack_a_dgrad(const void *a, float *dst, int64_t row, int64_t rows, int64_t k0, int64_t kc)
{
    const struct dgrad_weights *d = a;
    int64_t taps = d->h.count * d->v.count, tap = k0 % taps;
    const float *filter = d->w + k0 / taps * d->filter_floats + row * d->area;
    if (taps == d->area) { /* every tap: the weights of a filter are contiguous in k */
        for (int64_t k = 0, n; k < kc; k += n, tap = 0, dst += n * rows, filter += d->filter_floats) {
            n = MIN(taps - tap, kc - k);
            pack_rows_transposed(filter + tap, d->area, dst, rows, n);
        }
        return;
    }
    for (int64_t k = 0; k < kc; k++) {
        const float *w = filter + (d->h.first + tap / d->v.count * d->h.step) * d->s + d->v.first +
                         tap % d->v.count * d->v.step;
        for (int64_t i = 0; i < rows; i++) *dst++ = w[i * d->area];
        if (++tap == taps) {
            tap = 0;
            filter += d->filter_floats;
        }
    }
}

static struct window dgrad_window(const pgd_conv_params *p, int64_t rem_h, int64_t rem_w, struct axis_taps *h,
                                  struct axis_taps *v)
{
    *h = axis_taps(rem_h, p->stride_h, p->pad_h, p->dilation_h, p->r);
    *v = axis_taps(rem_w, p->stride_w, p->pad_w, p->dilation_w, p->s);
    return (struct window){
        .image = p->k * p->p * p->q, .h = p->p, .w = p->q, .images = p->n,
        .grid_h = div_up(p->h - rem_h, p->stride_h), .grid_w = div_up(p->w - rem_w, p->stride_w),
        .step_h = 1, .step_w = 1, .taps_h = h->count, .taps_w = v->count,
        .tap_h0 = h->shift, .tap_w0 = v->shift, .tap_dh = h->dshift, .tap_dw = v->dshift,
    };
}

/* With the most taps of any class: it decides for all. */
static struct window dgrad_widest(const pgd_conv_params *p)
{
    struct axis_taps h, v;
    struct window win = dgrad_window(p, 0, 0, &h, &v);
    for (int64_t rem = 1; rem < MAX(p->stride_h, p->stride_w); rem++) {
        struct window other = dgrad_window(p, rem, rem, &h, &v);
        if (rem < p->stride_h && other.taps_h > win.taps_h) win.taps_h = other.taps_h, win.tap_dh = other.tap_dh;
        if (rem < p->stride_w && other.taps_w > win.taps_w) win.taps_w = other.taps_w, win.tap_dw = other.tap_dw;
    }
    return win;
}

static int64_t conv_dgrad_plan(pgd_conv_params *p)
{
    memset(p->plan, 0, sizeof p->plan);
    if (p->n <= 0 || p->c <= 0 || p->h <= 0 || p->w <= 0) return 0;
    struct window win = dgrad_widest(p);
    return plan_window(p->plan, &win, p->groups, p->c / p->groups, p->k / p->groups, MIN(p->stride_h, p->h) * MIN(p->stride_w, p->w));
}

static void conv_dgrad_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    int64_t classes_w = MIN(p->stride_w, p->w), classes = MIN(p->stride_h, p->h) * classes_w, class = chunk % classes;
    int64_t filters = p->k / p->groups, channels = p->c / p->groups, area = p->r * p->s, pixels = p->h * p->w;
    int64_t rem_h = class / classes_w, rem_w = class % classes_w;
    struct dgrad_weights a = {.filter_floats = channels * area, .s = p->s, .area = area};
    struct window win = dgrad_window(p, rem_h, rem_w, &a.h, &a.v);
    struct box box;
    chunk /= classes;
    if (!chunk_box(&box, plan, &win, &chunk)) return;
    int64_t row = chunk % plan[CONV_ROW_BLOCKS] * plan[CONV_ROW_BLOCK];
    int64_t group = chunk / plan[CONV_ROW_BLOCKS] * plan[CONV_GROUP_BLOCK];
    int64_t group_end = MIN(p->groups, group + plan[CONV_GROUP_BLOCK]);
    for (; group < group_end; group++) {
        int64_t channel = group * channels + row;
        win.x = (const float *)mem[0] + group * filters * p->p * p->q;
        a.w = (const float *)mem[1] + group * filters * a.filter_floats + row * area;
        struct grid_out out = {(float *)mem[2] + channel * pixels + rem_h * p->w + rem_w, p->c * pixels, pixels,
                               p->stride_h * p->w, p->stride_w};
        struct product product = {
            .rows = MIN(plan[CONV_ROW_BLOCK], channels - row), .k = filters * win.taps_h * win.taps_w,
            .k_block = plan[CONV_K_BLOCK], .pack_a = pack_a_dgrad, .a = &a, .first_row = channel, .epilogue = p->epilogue, .mem = mem,
        };
        window_product(&product, &win, &box, &out, scratch);
    }
}
