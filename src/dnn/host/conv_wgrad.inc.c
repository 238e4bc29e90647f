/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient by the weights: dW[k][c,r,s] = sum over pixels of dY[k][pixel] X[c,r,s][pixel].
 * Both operands are contiguous in the reduction, so the micro-kernel keeps a tile of dot products whose lanes run
 * over pixels: no operand is transposed. A chunk owns a block of dW and a share of the boxes of
 * pixels; its sums stay vectors in scratch until the last box. Shares beyond the first are what the reduce job adds up. */

#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
enum { DOT_ROWS = 8, DOT_COLS = 3, WGRAD_COLS_MAX = 72, WGRAD_PIXELS_MAX = 800 };
#elif defined(PGD_ISA_AVX2)
enum { DOT_ROWS = 4, DOT_COLS = 3, WGRAD_COLS_MAX = 96, WGRAD_PIXELS_MAX = 704 };
#else
enum { DOT_ROWS = 4, DOT_COLS = 2, WGRAD_COLS_MAX = 72, WGRAD_PIXELS_MAX = 800 };
#endif

enum {
    DOT_TILE = DOT_ROWS * DOT_COLS,
    WGRAD_ROWS_MAX = 64, /* block of dW: rows; columns and pixels at a time, measured, stand above */
    WGRAD_PITCH = WGRAD_PIXELS_MAX + 16, /* an odd number of cache lines */
    WGRAD_SUM_FLOATS = (WGRAD_ROWS_MAX * WGRAD_COLS_MAX + 2 * DOT_TILE) * VL,
    WGRAD_REDUCE = 16384 /* elements of dW in one chunk of the reduce job */
};
enum {
    WGRAD_ROW_BLOCK = CONV_BOXES_COL + 1, WGRAD_ROW_BLOCKS, WGRAD_COL_BLOCK, WGRAD_COL_BLOCKS, WGRAD_GROUP_BLOCK,
    WGRAD_GROUP_BLOCKS, WGRAD_SHARES
};

/* sum[i][j] (+)= A[i] . B[j] over n floats, lane by lane; rows of A and B are WGRAD_PITCH apart. */
V_INLINE void dot_body(int64_t n, const float *a, const float *b, float *sum, int first, const int rows,
                       const int cols)
{
    vf acc[DOT_ROWS][DOT_COLS];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < cols; j++) acc[i][j] = first ? v_zero() : v_load(sum + (i * DOT_COLS + j) * VL);
    }
    const float *next_sum = sum + DOT_TILE * VL;
    for (; n >= VL; n -= VL, a += VL, b += VL, next_sum += VL) {
        vf bv[DOT_COLS];
        UNROLL for (int j = 0; j < cols; j++) bv[j] = v_load(b + j * WGRAD_PITCH);
        UNROLL for (int j = 0; j < cols; j++) __builtin_prefetch(b + (DOT_COLS + j) * WGRAD_PITCH);
        __builtin_prefetch(next_sum);
        UNROLL for (int i = 0; i < rows; i++) {
            vf av = v_load(a + i * WGRAD_PITCH);
            V_KEEP(av);
            UNROLL for (int j = 0; j < cols; j++) acc[i][j] = v_fma(av, bv[j], acc[i][j]);
        }
    }
    if (n > 0) {
        vf bv[DOT_COLS];
        UNROLL for (int j = 0; j < cols; j++) bv[j] = v_load_part(b + j * WGRAD_PITCH, n);
        UNROLL for (int i = 0; i < rows; i++) {
            vf av = v_load_part(a + i * WGRAD_PITCH, n);
            UNROLL for (int j = 0; j < cols; j++) acc[i][j] = v_fma(av, bv[j], acc[i][j]);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < cols; j++) v_store(sum + (i * DOT_COLS + j) * VL, acc[i][j]);
    }
}

typedef void dot_fn(int64_t n, const float *a, const float *b, float *sum, int first);

#define DOT(rows, cols)                                                                                            \
    static void dot_##rows##x##cols(int64_t n, const float *a, const float *b, float *sum, int first)              \
    {                                                                                                              \
        dot_body(n, a, b, sum, first, rows, cols);                                                                 \
    }
#define DOT_NAME(rows, cols) dot_##rows##x##cols
#if defined(PGD_ISA_PORTABLE)
#define DOT_LINE(rows) DOT(rows, 1) DOT(rows, 2)
#define DOT_NAMES(rows) {DOT_NAME(rows, 1), DOT_NAME(rows, 2)}
#else
#define DOT_LINE(rows) DOT(rows, 1) DOT(rows, 2) DOT(rows, 3)
#define DOT_NAMES(rows) {DOT_NAME(rows, 1), DOT_NAME(rows, 2), DOT_NAME(rows, 3)}
#endif
DOT_LINE(1) DOT_LINE(2) DOT_LINE(3) DOT_LINE(4)
#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
DOT_LINE(5) DOT_LINE(6) DOT_LINE(7) DOT_LINE(8)
#endif
static dot_fn *const dots[DOT_ROWS][DOT_COLS] = {
    DOT_NAMES(1), DOT_NAMES(2), DOT_NAMES(3), DOT_NAMES(4),
#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
    DOT_NAMES(5), DOT_NAMES(6), DOT_NAMES(7), DOT_NAMES(8),
#endif
};

static int64_t conv_wgrad_plan(pgd_conv_params *p, int64_t *reduce_chunks, size_t *workspace_bytes)
{
    int64_t *plan = p->plan;
    memset(p->plan, 0, sizeof p->plan);
    *reduce_chunks = 0;
    *workspace_bytes = 0;
    if (p->k <= 0 || p->c <= 0 || p->r <= 0 || p->s <= 0) return 0;
    struct window win = forward_window(p);
    int64_t filters = p->k / p->groups, depth = p->c / p->groups * p->r * p->s, boxes = 0;
    if (p->n > 0 && p->p > 0 && p->q > 0) {
        plan_boxes(plan, &win, WGRAD_PIXELS_MAX);
        boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    }
    double group_madds = (double)filters * (double)depth * (double)p->n * (double)(p->p * p->q);
    plan[WGRAD_ROW_BLOCK] = even_block(filters, WGRAD_ROWS_MAX, DOT_ROWS);
    plan[WGRAD_COL_BLOCK] = even_block(depth, WGRAD_COLS_MAX, DOT_COLS);
    plan[WGRAD_ROW_BLOCKS] = div_up(filters, plan[WGRAD_ROW_BLOCK]);
    plan[WGRAD_COL_BLOCKS] = div_up(depth, plan[WGRAD_COL_BLOCK]);
    int64_t blocks = plan[WGRAD_ROW_BLOCKS] * plan[WGRAD_COL_BLOCKS];
    double small = 2e6 * (double)blocks / (group_madds + 1);
    plan[WGRAD_GROUP_BLOCK] = small > 1 ? MIN(p->groups, (int64_t)MIN(small, 1e6)) : 1;
    plan[WGRAD_GROUP_BLOCKS] = div_up(p->groups, plan[WGRAD_GROUP_BLOCK]);
    blocks *= plan[WGRAD_GROUP_BLOCKS];
    int64_t wanted = chunks_wanted(group_madds * (double)p->groups);
    int64_t shares = MAX(MIN(div_up(wanted, blocks), boxes), 1);
    plan[WGRAD_SHARES] = shares;
    if (shares > 1) {
        *reduce_chunks = div_up(p->k * depth, WGRAD_REDUCE);
        *workspace_bytes = (size_t)(shares * p->k * depth) * sizeof(float);
    }
    return blocks * shares;
}

struct wgrad_block {
    int64_t rows, cols, row, col; /* block of the group's dW */
    int64_t pixels;               /* P*Q: between rows of dY */
    const float *dy;              /* the group's first filter in image 0 */
    int64_t dy_image;             /* floats between images */
    float *sums, *b_packed, *a_packed;
};

/* Adds the products of one box of pixels to the sums. */
static void wgrad_box(const struct wgrad_block *g, struct stage *s, int64_t grid_w, int first)
{
    const struct box *box = &s->box;
    int64_t map_pixels = box->rows * box->cols, n = box->images * map_pixels;
    int64_t at = box->image * g->dy_image + box->u * grid_w + box->v, i_step = DOT_ROWS, j_step = DOT_COLS;
    stage_plan_copies(s, WGRAD_PITCH);
    if (stage_fill(s, g->col, g->cols)) {
        stage_panel(s, 0, g->b_packed, WGRAD_PITCH, g->cols);
    } else {
        for (int64_t j = 0; j < g->cols; j++) {
            for (int64_t i = 0; i < n; i++) g->b_packed[j * WGRAD_PITCH + i] = window_at(s->win, box, g->col + j, i);
        }
    }
    float *sum = g->sums;
    for (int64_t i = 0; i < g->rows; i += i_step) {
        int64_t rows = MIN(i_step, g->rows - i);
        const float *dy = g->dy + at + (g->row + i) * g->pixels;
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t image = 0; image < box->images; image++)
                copy_floats(g->a_packed + r * WGRAD_PITCH + image * map_pixels, 1, dy + r * g->pixels + image * g->dy_image,
                            1, map_pixels);
        }
        for (int64_t j = 0; j < g->cols; j += j_step, sum += DOT_TILE * VL) {
            int64_t cols = MIN(j_step, g->cols - j);
            dots[rows - 1][cols - 1](n, g->a_packed, g->b_packed + j * WGRAD_PITCH, sum, first);
        }
    }
}

/* Folds the lanes and writes the block of dW. */
static void wgrad_store(const struct wgrad_block *g, float *dw, int64_t dw_row)
{
    int64_t tiles_across = div_up(g->cols, DOT_COLS), sums = div_up(g->rows, DOT_ROWS) * tiles_across * DOT_TILE;
    for (int64_t i = 0; i < sums; i += TB) { /* in place: sum i is written below the vectors still to be read */
        vf v[TB];
        UNROLL for (int t = 0; t < TB; t++) v[t] = v_load(g->sums + (i + t) * VL);
        t_store(g->sums + i, v_sums(v));
    }
    for (int64_t i = 0; i < g->rows; i++) {
        const float *tile = g->sums + i / DOT_ROWS * tiles_across * DOT_TILE + i % DOT_ROWS * DOT_COLS;
        for (int64_t j = 0; j < g->cols; j++)
            dw[(g->row + i) * dw_row + g->col + j] = tile[j / DOT_COLS * DOT_TILE + j % DOT_COLS];
    }
}

static void conv_wgrad_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    int64_t filters = p->k / p->groups, channels = p->c / p->groups, depth = channels * p->r * p->s;
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    struct window win = forward_window(p);
    struct wgrad_block g = {.pixels = p->p * p->q, .dy_image = p->k * p->p * p->q};
    struct stage stage;
    int64_t share = chunk % plan[WGRAD_SHARES];
    chunk /= plan[WGRAD_SHARES];
    g.col = chunk % plan[WGRAD_COL_BLOCKS] * plan[WGRAD_COL_BLOCK];
    chunk /= plan[WGRAD_COL_BLOCKS];
    g.row = chunk % plan[WGRAD_ROW_BLOCKS] * plan[WGRAD_ROW_BLOCK];
    int64_t group = chunk / plan[WGRAD_ROW_BLOCKS] * plan[WGRAD_GROUP_BLOCK];
    int64_t group_end = MIN(p->groups, group + plan[WGRAD_GROUP_BLOCK]);
    g.rows = MIN(plan[WGRAD_ROW_BLOCK], filters - g.row);
    g.cols = MIN(plan[WGRAD_COL_BLOCK], depth - g.col);
    g.sums = (float *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    g.b_packed = g.sums + WGRAD_SUM_FLOATS;
    g.a_packed = g.b_packed + WGRAD_COLS_MAX * WGRAD_PITCH + VL;
    stage.maps = g.a_packed + DOT_ROWS * WGRAD_PITCH;
    stage.copies = (struct copy *)(void *)(stage.maps + STAGE_FLOATS);
    stage.panel_end = (int32_t *)(void *)(stage.copies + COPIES_MAX);
    stage.taps = stage.panel_end + COLS_MAX / NR + 1;
    float *dw = (float *)mem[plan[WGRAD_SHARES] > 1 ? 3 : 2] + (plan[WGRAD_SHARES] > 1 ? share * p->k * depth : 0);
    int64_t first = share * boxes / plan[WGRAD_SHARES], end = (share + 1) * boxes / plan[WGRAD_SHARES];
    for (; group < group_end; group++) {
        g.dy = (const float *)mem[0] + group * filters * g.pixels;
        win.x = (const float *)mem[1] + group * channels * p->h * p->w;
        if (first == end) memset(g.sums, 0, WGRAD_SUM_FLOATS * sizeof *g.sums);
        for (int64_t i = first; i < end; i++) {
            struct box box;
            int64_t number = i;
            chunk_box(&box, plan, &win, &number);
            stage_init(&stage, &win, &box);
            wgrad_box(&g, &stage, p->q, i == first);
        }
        wgrad_store(&g, dw + group * filters * depth, depth);
    }
}

static void conv_wgrad_reduce_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    int64_t elems = p->k * (p->c / p->groups) * p->r * p->s, shares = p->plan[WGRAD_SHARES];
    int64_t first = chunk * WGRAD_REDUCE, end = MIN(elems, first + WGRAD_REDUCE), i = first;
    float *dw = (float *)mem[2];
    const float *partial = (const float *)mem[3];
    (void)scratch;
    for (; i < end; i += VL) {
        int64_t lanes = MIN(VL, end - i);
        vf sum = v_load_part(partial + i, lanes);
        for (int64_t s = 1; s < shares; s++) sum = v_add(sum, v_load_part(partial + s * elems + i, lanes));
        v_store_part(dw + i, sum, lanes);
    }
}
