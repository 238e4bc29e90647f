/* SPDX-License-Identifier: Apache-2.0 */
/* 3x3 convolution with stride 1, forward and its gradient by the input, with 16 multiplications for each 2x2 results instead of 36: F(2x2, 3x3) of Winograd (Arithmetic
 * complexity of computations, 1980), in the form of Lavin and Gray (Fast algorithms for convolutional neural networks, 2015).
 *
 *   weights   U[point] = G g G'        once per run, into the workspace:  [block of channels][panel of rows][point][channel][row]
 *   input     V[point] = B' d B        4x4 pixels around each tile of 2x2 results, packed as the micro-kernels want them
 *   product   M[point] = U[point] V[point], points 0 to 15
 *   result    Y = A' M A
 *
 * The 4x4 pixels are a window with stride 2, so that staging a box splits it into the four phases of which every transform is sums. A chunk is (rows of channels, box of tiles).
 * The gradient by the input is the same convolution of dy with filters turned by 180 degrees, rows and channels exchanged. */

enum {
    WINOGRAD_POINTS = 16,
    WINOGRAD_K_MAX = 128,
    WINOGRAD_TILES = 112, /* columns of a chunk with up to half as many channels; with more there are fewer */
    WINOGRAD_POINT_FLOATS = (WINOGRAD_TILES + NR) * WINOGRAD_K_MAX / 2 + (WINOGRAD_TILES / NR + 1) * VL, /* of V, in panels of [channel][NR] and VL, as whole vectors are written */
    WINOGRAD_RESULT_ROW = WINOGRAD_TILES + VL,
    WINOGRAD_RESULT_FLOATS = TILE_ROWS * WINOGRAD_RESULT_ROW + VL, /* of M; points a multiple of 4096 bytes apart would push each other out of L1 */
    WINOGRAD_STAGE_FLOATS = 4096
};

static struct window winograd_window(const pgd_conv_params *p)
{
    return (struct window){
        .image = p->c * p->h * p->w, .h = p->h, .w = p->w, .images = p->n, .grid_h = div_up(p->p, 2), .grid_w = div_up(p->q, 2),
        .step_h = 2, .step_w = 2, .taps_h = 4, .taps_w = 4, .tap_h0 = -p->pad_h, .tap_w0 = -p->pad_w, .tap_dh = 1, .tap_dw = 1,
    };
}

/* The gradient by the input as the convolution it is. */
static void winograd_turn_around(pgd_conv_params *p)
{
    int64_t c = p->c, h = p->h, w = p->w;
    p->c = p->k, p->h = p->p, p->w = p->q;
    p->k = c, p->p = h, p->q = w;
    p->pad_h = 2 - p->pad_h, p->pad_w = 2 - p->pad_w;
    p->turned = true;
}

/* The columns of a chunk whose V, in whole panels, has room and stays in L2. */
static int64_t winograd_columns(int64_t kc)
{
    int64_t room = WINOGRAD_POINT_FLOATS / (NR * kc + VL) * NR, near = MAX(WINOGRAD_TILES * WINOGRAD_K_MAX / 2 / kc / VL * VL, NR);
    return MIN(WINOGRAD_TILES, MIN(room, near));
}

static int64_t winograd_plan(pgd_conv_params *p, bool dgrad, int64_t *weight_chunks, size_t *workspace_bytes)
{
    int64_t *plan = p->plan;
    if (dgrad) winograd_turn_around(p);
    memset(p->plan, 0, sizeof p->plan);
    *weight_chunks = div_up(p->k, TILE_ROWS);
    *workspace_bytes = (size_t)(WINOGRAD_POINTS * p->c * p->k) * sizeof(float);
    if (p->n <= 0 || p->k <= 0 || p->p <= 0 || p->q <= 0) return *weight_chunks = 0;
    struct window win = winograd_window(p);
    plan[CONV_K_BLOCK] = even_block(p->c, WINOGRAD_K_MAX, 1);
    plan_boxes(plan, &win, winograd_columns(MAX(plan[CONV_K_BLOCK], 1)));
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    double madds = (double)WINOGRAD_POINTS * (double)p->k * (double)p->c * (double)win.images * (double)(win.grid_h * win.grid_w);
    int64_t wanted = chunks_wanted(madds), row_block = round_up(p->k, TILE_ROWS);
    while (boxes * div_up(p->k, row_block) < wanted && row_block > 2 * TILE_ROWS) row_block = round_up(div_up(row_block, 2), TILE_ROWS);
    plan[CONV_ROW_BLOCK] = row_block;
    plan[CONV_ROW_BLOCKS] = div_up(p->k, row_block);
    return boxes * plan[CONV_ROW_BLOCKS];
}

/* ---- weights ---- */

static void winograd_filter(const float *taps, int64_t rows, int turned, float *to, int64_t point_floats)
{
    vt g[3][3], half[4][3], u[4][4];
    UNROLL for (int i = 0; i < 9; i++) g[i / 3][i % 3] = t_load(taps + (turned ? 8 - i : i) * rows);
    UNROLL for (int j = 0; j < 3; j++) {
        vt outer = g[0][j] + g[2][j];
        half[0][j] = g[0][j];
        half[1][j] = (outer + g[1][j]) * 0.5f;
        half[2][j] = (outer - g[1][j]) * 0.5f;
        half[3][j] = g[2][j];
    }
    UNROLL for (int i = 0; i < 4; i++) {
        vt outer = half[i][0] + half[i][2];
        u[i][0] = half[i][0];
        u[i][1] = (outer + half[i][1]) * 0.5f;
        u[i][2] = (outer - half[i][1]) * 0.5f;
        u[i][3] = half[i][2];
    }
    UNROLL for (int i = 0; i < WINOGRAD_POINTS; i++, to += point_floats) {
        if (rows == TB)
            t_store(to, u[i / 4][i % 4]);
        else
            memcpy(to, &u[i / 4][i % 4], (size_t)rows * sizeof *to);
    }
}

/* mem: the workspace is the last operand. A chunk is a panel of rows. */
static void winograd_weights_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const float *w = (const float *)(void *)mem[1];
    float *taps = scratch, *u = (float *)(void *)mem[p->workspace];
    int64_t row = chunk * TILE_ROWS, rows = MIN(TILE_ROWS, p->k - row), kc;
    for (int64_t c0 = 0; c0 < p->c; c0 += kc) {
        kc = MIN(p->plan[CONV_K_BLOCK], p->c - c0);
        float *to = u + WINOGRAD_POINTS * (c0 * p->k + row * kc);
        if (p->turned) {
            for (int64_t c = 0; c < kc; c++) pack_rows_transposed(w + ((c0 + c) * p->k + row) * 9, 9, taps + c * 9 * rows, rows, 9);
        } else {
            pack_rows_transposed(w + (row * p->c + c0) * 9, p->c * 9, taps, rows, kc * 9);
        }
        for (int64_t c = 0; c < kc; c++) winograd_filter(taps + c * 9 * rows, rows, p->turned, to + c * rows, kc * rows);
    }
}

/* ---- input ---- */

/* VL tiles at once; points of the result are `point` floats apart. */
V_INLINE void winograd_input(const float *map, const int32_t taps[WINOGRAD_POINTS], float *to, int64_t point)
{
    vf d[4][4], t[4][4];
    UNROLL for (int i = 0; i < 4; i++) {
        UNROLL for (int j = 0; j < 4; j++) d[i][j] = v_load(map + taps[4 * i + j]);
    }
    UNROLL for (int j = 0; j < 4; j++) {
        t[0][j] = d[0][j] - d[2][j];
        t[1][j] = d[1][j] + d[2][j];
        t[2][j] = d[2][j] - d[1][j];
        t[3][j] = d[1][j] - d[3][j];
    }
    UNROLL for (int i = 0; i < 4; i++, to += 4 * point) {
        v_store(to, t[i][0] - t[i][2]);
        v_store(to + point, t[i][1] + t[i][2]);
        v_store(to + 2 * point, t[i][2] - t[i][1]);
        v_store(to + 3 * point, t[i][1] - t[i][3]);
    }
}

/* V of channels c0 to c0 + kc for all tiles of the box. */
static void winograd_inputs(const struct stage *s, int64_t cols, int64_t c0, int64_t kc, float *v, int64_t panel, int64_t point)
{
    stage_taps(s, 0, WINOGRAD_POINTS);
    for (int64_t c = 0; c < kc; c++) {
        const struct copy *copy = s->copies;
        stage_channel(s, c0 + c, s->maps);
        for (int64_t col = 0; col < cols; col += NR) {
            float *to = v + col / NR * panel + c * MIN(NR, round_up(cols - col, VL));
            for (const struct copy *end = s->copies + s->panel_end[col / NR]; copy < end; copy++) winograd_input(s->maps + copy->from, s->taps, to + copy->to, point);
        }
    }
}

/* ---- result ---- */

/* What a panel of rows gives: two rows of results for each row of tiles. */
struct winograd_result {
    const pgd_conv_params *p;
    struct box box;
    int64_t pitch; /* columns of the product from one row of tiles to the next */
    float *y;      /* of the first row in image 0 */
    int64_t rows;
    int add;
};

/* Where half a vector of tiles leaves its results: a row of them, and the row below where there is one. */
struct winograd_place {
    float *y;
    int64_t lanes;
    int below;
};

V_INLINE void winograd_store(float *to, vf v, int64_t lanes, int add)
{
    if (lanes >= VL)
        v_store(to, add ? v_add(v, v_load(to)) : v);
    else if (lanes > 0)
        v_store_part(to, add ? v_add(v, v_load_part(to, lanes)) : v, lanes);
}

V_INLINE void winograd_tiles(const float *m, struct winograd_place low, struct winograd_place high, int64_t pitch, int add)
{
    vf s[4][4], even[2], odd[2];
    UNROLL for (int i = 0; i < 4; i++) {
        UNROLL for (int j = 0; j < 4; j++) s[i][j] = v_load(m + (4 * i + j) * WINOGRAD_RESULT_FLOATS);
    }
    UNROLL for (int i = 0; i < 2; i++) {
        vf t[4];
        UNROLL for (int j = 0; j < 4; j++) t[j] = i == 0 ? s[0][j] + s[1][j] + s[2][j] : s[1][j] - s[2][j] - s[3][j];
        even[i] = t[0] + t[1] + t[2];
        odd[i] = t[1] - t[2] - t[3];
    }
    winograd_store(low.y, v_zip_low(even[0], odd[0]), low.lanes, add);
    winograd_store(high.y, v_zip_high(even[0], odd[0]), high.lanes, add);
    if (low.below) winograd_store(low.y + pitch, v_zip_low(even[1], odd[1]), low.lanes, add);
    if (high.below) winograd_store(high.y + pitch, v_zip_high(even[1], odd[1]), high.lanes, add);
}

/* One row of tiles. */
static void winograd_result_row(const struct winograd_result *r, const float *m, float *y, int64_t u)
{
    const pgd_conv_params *p = r->p;
    int below = 2 * u + 1 < p->p;
    for (int64_t i = 0; i < r->box.cols; i += VL, m += VL, y += 2 * VL) {
        int64_t lanes = MIN(2 * MIN(VL, r->box.cols - i), p->q - 2 * (r->box.v + i));
        winograd_tiles(m, (struct winograd_place){y, lanes, below}, (struct winograd_place){y + VL, lanes - VL, below && lanes > VL}, p->q, r->add);
    }
}

static void winograd_results(const struct winograd_result *r, const float *m)
{
    const pgd_conv_params *p = r->p;
    int64_t lanes = MIN(2 * r->box.cols, p->q - 2 * r->box.v), end = r->box.u + r->box.rows;
    for (int64_t image = r->box.image; image < r->box.image + r->box.images; image++, m += r->box.rows * r->pitch) {
        for (int64_t row = 0; row < r->rows; row++) {
            const float *from = m + row * WINOGRAD_RESULT_ROW;
            float *y = r->y + ((image * p->k + row) * p->p + 2 * r->box.u) * p->q + 2 * r->box.v;
            int64_t u = r->box.u;
            if (2 * r->pitch == VL) { /* two rows in a vector */
                for (; u + 2 <= end; u += 2, from += VL, y += 4 * p->q)
                    winograd_tiles(from, (struct winograd_place){y, lanes, 1}, (struct winograd_place){y + 2 * p->q, lanes, 2 * u + 3 < p->p}, p->q, r->add);
            }
            for (; u < end; u++, from += r->pitch, y += 2 * p->q) winograd_result_row(r, from, y, u);
        }
    }
}

/* ---- a chunk ---- */

/* Narrow rows of tiles leave lanes idle. Staged rows are a column longer and lie one behind the other: taking that column for a tile, whose results are dropped, makes one
 * row of all, where that needs no more vectors. Gives the columns from one row to the next. */
static int64_t winograd_join_rows(struct stage *s)
{
    struct box *box = &s->box;
    int64_t pitch = box->cols, rows = box->images * box->rows;
    if (round_up(rows * s->width, VL) > round_up(rows * pitch, VL)) return pitch;
    pitch = s->width;
    box->cols = box->rows * pitch;
    box->rows = 1;
    return pitch;
}

static void winograd_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    struct window win = winograd_window(p);
    struct winograd_result r = {.p = p};
    struct stage stage;
    int32_t taps[WINOGRAD_POINTS];
    if (!chunk_box(&r.box, plan, &win, &chunk)) return;
    win.x = (const float *)(void *)mem[0];
    stage_init(&stage, &win, &r.box);
    float *v = (float *)(void *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES), *m = v + WINOGRAD_POINTS * WINOGRAD_POINT_FLOATS;
    stage.maps = m + WINOGRAD_POINTS * WINOGRAD_RESULT_FLOATS;
    stage.copies = (struct copy *)(void *)(stage.maps + WINOGRAD_STAGE_FLOATS);
    stage.panel_end = (int32_t *)(void *)(stage.copies + COPIES_MAX);
    stage.taps = taps;
    r.pitch = winograd_join_rows(&stage);
    stage_plan_copies(&stage, NR);
    int64_t cols = r.box.images * r.box.rows * r.pitch, first = chunk * plan[CONV_ROW_BLOCK], last = MIN(first + plan[CONV_ROW_BLOCK], p->k), kc, panel_floats, point_floats;
    for (int64_t c0 = 0; c0 < p->c; c0 += kc) {
        const float *u = (const float *)(void *)mem[p->workspace] + WINOGRAD_POINTS * c0 * p->k;
        int64_t done = first;
        kc = MIN(plan[CONV_K_BLOCK], p->c - c0);
        panel_floats = NR * kc + VL;
        point_floats = div_up(cols, NR) * panel_floats;
        winograd_inputs(&stage, cols, c0, kc, v, panel_floats, point_floats);
        for (int64_t row = first; row < last; row += TILE_ROWS) {
            r.rows = MIN(TILE_ROWS, last - row);
            for (int64_t point = 0; point < WINOGRAD_POINTS; point++) {
                const float *a = u + (WINOGRAD_POINTS * row + point * r.rows) * kc, *b = v + point * point_floats;
                float *to = m + point * WINOGRAD_RESULT_FLOATS;
                for (int64_t col = 0; col < cols; col += NR) tiles[r.rows - 1][div_up(MIN(NR, cols - col), VL) - 1](kc, a, b + col / NR * panel_floats, to + col, WINOGRAD_RESULT_ROW, VL, 0, NULL);
            }
            r.y = (float *)(void *)mem[2] + row * p->p * p->q;
            r.add = c0 > 0;
            winograd_results(&r, m);
            if (c0 + kc == p->c && (row + r.rows == last || (row + r.rows - done) * cols * 4 >= HOT_ELEMS)) {
                finish_box(p->epilogue, &(struct grid_out){(float *)(void *)mem[2], p->k * p->p * p->q, p->p * p->q, p->q, 1}, mem, &r.box, done, row + r.rows - done, 2 * r.box.u, MIN(2 * (r.box.u + r.box.rows), p->p), 2 * r.box.v, MIN(2 * (r.box.v + r.box.cols), p->q), scratch);
                done = row + r.rows;
            }
        }
    }
}
