/* SPDX-License-Identifier: Apache-2.0 */
/* Gradient by the weights of a 3x3 convolution with stride 1: the transpose of F(2x2, 3x3), with 16 multiplications for 4 pixels instead of 36 (see winograd.inc.c).
 *
 *   D[point] = sum over tiles of (A dY A')[point][k] (B' x B)[point][c]        dW = G' D G
 *
 * A chunk owns a block of rows k and columns c at all points, and a share of the boxes of tiles; D stays in scratch until the last box. Transforms run along tiles, products along
 * channels, so that what is transformed is turned on the way. Shares beyond the first are what conv_wgrad_reduce_chunk adds up. */

enum {
    WINOGRAD_D_ROWS = 64 / TILE_ROWS * TILE_ROWS,
    WINOGRAD_D_COLS = 64, /* block of D */
    WINOGRAD_D_TILES = 56,
    WINOGRAD_D_PITCH = WINOGRAD_D_TILES + VL,
    WINOGRAD_D_FLOATS = WINOGRAD_POINTS * WINOGRAD_D_ROWS * WINOGRAD_D_COLS,
    WINOGRAD_D_A_FLOATS = WINOGRAD_POINTS * TILE_ROWS * WINOGRAD_D_TILES + TB, /* one panel of rows */
    WINOGRAD_D_B_FLOATS = WINOGRAD_POINTS * WINOGRAD_D_COLS * WINOGRAD_D_TILES + TB
};

static struct window winograd_dy_window(const pgd_conv_params *p)
{
    return (struct window){
        .image = p->k * p->p * p->q, .h = p->p, .w = p->q, .images = p->n, .grid_h = div_up(p->p, 2), .grid_w = div_up(p->q, 2),
        .step_h = 2, .step_w = 2, .taps_h = 2, .taps_w = 2, .tap_dh = 1, .tap_dw = 1,
    };
}

static int64_t winograd_wgrad_plan(pgd_conv_params *p, int64_t *reduce_chunks, size_t *workspace_bytes)
{
    int64_t *plan = p->plan, elems = p->k * p->c * 9;
    memset(p->plan, 0, sizeof p->plan);
    *reduce_chunks = 0;
    *workspace_bytes = 0;
    if (p->k <= 0 || p->c <= 0) return 0;
    struct window win = winograd_window(p);
    if (p->n > 0) plan_boxes(plan, &win, WINOGRAD_D_TILES); /* else there are no boxes, and every sum is 0 */
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    plan[WGRAD_ROW_BLOCK] = even_block(p->k, WINOGRAD_D_ROWS, TILE_ROWS);
    plan[WGRAD_COL_BLOCK] = even_block(p->c, WINOGRAD_D_COLS, VL);
    plan[WGRAD_ROW_BLOCKS] = div_up(p->k, plan[WGRAD_ROW_BLOCK]);
    plan[WGRAD_COL_BLOCKS] = div_up(p->c, plan[WGRAD_COL_BLOCK]);
    int64_t blocks = plan[WGRAD_ROW_BLOCKS] * plan[WGRAD_COL_BLOCKS];
    double madds = (double)WINOGRAD_POINTS * (double)p->k * (double)p->c * (double)win.images * (double)(win.grid_h * win.grid_w);
    int64_t shares = MAX(MIN(div_up(chunks_wanted(madds), blocks), boxes), 1);
    plan[WGRAD_SHARES] = shares;
    if (shares > 1) {
        *reduce_chunks = div_up(elems, WGRAD_REDUCE);
        *workspace_bytes = (size_t)(shares * elems) * sizeof(float);
    }
    return blocks * shares;
}

/* ---- transforms ---- */

/* VL tiles at once; points of the result are `point` floats apart. */
V_INLINE void winograd_d_result(const float *map, const int32_t taps[4], float *to, int64_t point)
{
    vf t[4][2];
    UNROLL for (int j = 0; j < 2; j++) {
        vf upper = v_load(map + taps[j]), lower = v_load(map + taps[2 + j]);
        t[0][j] = upper;
        t[1][j] = upper + lower;
        t[2][j] = upper - lower;
        t[3][j] = v_zero() - lower;
    }
    UNROLL for (int i = 0; i < 4; i++, to += 4 * point) {
        v_store(to, t[i][0]);
        v_store(to + point, t[i][0] + t[i][1]);
        v_store(to + 2 * point, t[i][0] - t[i][1]);
        v_store(to + 3 * point, v_zero() - t[i][1]);
    }
}

/* Channels `first` to `first + count`, at most TB, of a box of n tiles. lines: room for points [TB][PITCH]. Then points go, `point` floats apart, to [tile][width],
 * `whole` floats of each tile: TB where what is written too much belongs to the next tile. */
static void winograd_turn(const struct stage *s, int result, int64_t first, int64_t count, int64_t n, float *lines, float *to, int64_t width, int64_t whole, int64_t point)
{
    stage_taps(s, 0, result ? 4 : WINOGRAD_POINTS);
    for (int64_t i = 0; i < count; i++) {
        float *line = lines + i * WINOGRAD_D_PITCH;
        stage_channel(s, first + i, s->maps);
        for (const struct copy *c = s->copies, *end = s->copies + s->panel_end[0]; c < end; c++) {
            if (result)
                winograd_d_result(s->maps + c->from, s->taps, line + c->to, TB * WINOGRAD_D_PITCH);
            else
                winograd_input(s->maps + c->from, s->taps, line + c->to, TB * WINOGRAD_D_PITCH);
        }
    }
    for (int64_t k = 0; k < WINOGRAD_POINTS; k++, lines += TB * WINOGRAD_D_PITCH, to += point) {
        for (int64_t tile = 0; tile < n; tile += TB) {
            vt r[TB];
            UNROLL for (int i = 0; i < TB; i++) r[i] = t_load(lines + MIN(i, count - 1) * WINOGRAD_D_PITCH + tile);
            v_transpose(r);
            int64_t here = MIN(TB, n - tile);
            if (whole < TB) {
                for (int64_t i = 0; i < here; i++) memcpy(to + (tile + i) * width, &r[i], (size_t)whole * sizeof *to);
            } else if (here == TB) {
                UNROLL for (int i = 0; i < TB; i++) t_store(to + (tile + i) * width, r[i]);
            } else {
                for (int64_t i = 0; i < here; i++) t_store(to + (tile + i) * width, r[i]);
            }
        }
    }
}

/* ---- a chunk ---- */

struct winograd_block {
    int64_t row, rows, col, cols, pitch; /* of D */
    float *d, *a, *b, *lines;
};

static void winograd_box(const struct winograd_block *g, const struct stage *x, const struct stage *dy, int accumulate)
{
    int64_t n = x->box.images * x->box.rows * x->box.cols, point = n * g->pitch;
    for (int64_t panel = 0; panel < g->pitch; panel += NR) {
        int64_t width = MIN(NR, g->pitch - panel);
        for (int64_t col = panel; col < MIN(panel + width, g->cols); col += TB) {
            int64_t whole = MIN(TB, panel + width - col); /* a panel may end inside a block of TB */
            winograd_turn(x, 0, g->col + col, MIN(whole, g->cols - col), n, g->lines, g->b + panel * n + col - panel, width, whole, point);
        }
    }
    for (int64_t row = 0; row < g->rows; row += TILE_ROWS) {
        int64_t rows = MIN(TILE_ROWS, g->rows - row);
        winograd_turn(dy, 1, g->row + row, rows, n, g->lines, g->a, rows, TB, rows * n);
        for (int64_t k = 0; k < WINOGRAD_POINTS; k++) {
            float *d = g->d + (k * WINOGRAD_D_ROWS + row) * g->pitch;
            for (int64_t col = 0; col < g->cols; col += NR) {
                int64_t vecs = MIN(TILE_VECS, (g->pitch - col) / VL);
                tiles[rows - 1][vecs - 1](n, g->a + k * rows * n, g->b + k * point + col * n, d + col, g->pitch, VL, accumulate, NULL);
            }
        }
    }
}

/* dW = G' D G */
static void winograd_filters(const struct winograd_block *g, float *dw, int64_t channels)
{
    for (int64_t row = 0; row < g->rows; row++) {
        for (int64_t col = 0; col < g->cols; col += VL) {
            float part[9][VL];
            vf d[4][4], t[3][4];
            UNROLL for (int i = 0; i < WINOGRAD_POINTS; i++) d[i / 4][i % 4] = v_load(g->d + (i * WINOGRAD_D_ROWS + row) * g->pitch + col);
            UNROLL for (int j = 0; j < 4; j++) {
                vf sum = (d[1][j] + d[2][j]) * 0.5f;
                t[0][j] = d[0][j] + sum;
                t[1][j] = (d[1][j] - d[2][j]) * 0.5f;
                t[2][j] = sum + d[3][j];
            }
            UNROLL for (int i = 0; i < 3; i++) {
                vf sum = (t[i][1] + t[i][2]) * 0.5f;
                v_store(part[3 * i], t[i][0] + sum);
                v_store(part[3 * i + 1], (t[i][1] - t[i][2]) * 0.5f);
                v_store(part[3 * i + 2], sum + t[i][3]);
            }
            float *to = dw + ((g->row + row) * channels + g->col + col) * 9;
            for (int64_t lane = 0, lanes = MIN(VL, g->cols - col); lane < lanes; lane++, to += 9) {
                for (int i = 0; i < 9; i++) to[i] = part[i][lane];
            }
        }
    }
}

static void winograd_wgrad_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL], shares = plan[WGRAD_SHARES], share = chunk % shares;
    struct window x_window = winograd_window(p), dy_window = winograd_dy_window(p);
    struct winograd_block g;
    struct stage x, dy;
    int32_t taps[WINOGRAD_POINTS];
    dy_window.x = (const float *)(void *)mem[0];
    x_window.x = (const float *)(void *)mem[1];
    chunk /= shares;
    g.col = chunk % plan[WGRAD_COL_BLOCKS] * plan[WGRAD_COL_BLOCK];
    g.row = chunk / plan[WGRAD_COL_BLOCKS] * plan[WGRAD_ROW_BLOCK];
    g.rows = MIN(plan[WGRAD_ROW_BLOCK], p->k - g.row);
    g.cols = MIN(plan[WGRAD_COL_BLOCK], p->c - g.col);
    g.pitch = round_up(g.cols, VL);
    g.d = (float *)(void *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    g.a = g.d + WINOGRAD_D_FLOATS;
    g.b = g.a + WINOGRAD_D_A_FLOATS;
    g.lines = g.b + WINOGRAD_D_B_FLOATS;
    x.maps = dy.maps = g.lines + WINOGRAD_POINTS * TB * WINOGRAD_D_PITCH;
    x.copies = (struct copy *)(void *)(x.maps + WINOGRAD_STAGE_FLOATS);
    dy.copies = x.copies + COPIES_MAX;
    x.panel_end = (int32_t *)(void *)(dy.copies + COPIES_MAX);
    dy.panel_end = x.panel_end + 2;
    x.taps = dy.taps = taps;
    float *dw = shares > 1 ? (float *)(void *)mem[3] + share * p->k * p->c * 9 : (float *)(void *)mem[2];
    int64_t first = share * boxes / shares, end = (share + 1) * boxes / shares;
    if (first == end) memset(g.d, 0, WINOGRAD_D_FLOATS * sizeof *g.d);
    for (int64_t i = first; i < end; i++) {
        struct box box;
        int64_t number = i;
        chunk_box(&box, plan, &x_window, &number);
        stage_init(&x, &x_window, &box);
        stage_init(&dy, &dy_window, &box);
        stage_plan_copies(&x, WINOGRAD_D_PITCH);
        stage_plan_copies(&dy, WINOGRAD_D_PITCH);
        winograd_box(&g, &x, &dy, i > first);
    }
    winograd_filters(&g, dw, p->c);
}
