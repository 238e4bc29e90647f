/* SPDX-License-Identifier: Apache-2.0
 * LSTM and GRU steps (src/graph/ops/recurrent.c). A chunk is a block of rows of the batch through all steps, for rows know nothing of each other: per step one
 * small product with weights that a first job packed once, then one loop over the gates. */

/* Rows of a chunk: a sixteenth of the batch, in whole tiles. */
static int64_t recurrent_plan(pgd_recurrent_params *p, int64_t *pack_chunks, size_t *workspace_bytes) {
    p->rows = round_up(div_up(p->batch, 16), TILE_ROWS);
    *pack_chunks = p->batch == 0 ? 0 : div_up(p->k, K_MAX);
    *workspace_bytes = (size_t)(p->k * round_up(p->cols, VL) + PACKED_SLACK) * sizeof(float);
    return p->batch == 0 ? 0 : div_up(p->batch, p->rows);
}

/* A chunk is one block of K. */
static void recurrent_pack(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_recurrent_params *p = params;
    int64_t k0 = chunk * K_MAX;
    struct matrix w = {(const float *)(const void *)mem[p->weights], p->backward ? p->width : 1, p->backward ? 1 : p->width};
    pack_b_matrix(&w, (float *)(void *)mem[p->workspace] + k0 * round_up(p->cols, VL), p->cols, k0, MIN(K_MAX, p->k - k0));
}

struct rows_of_steps {
    int64_t first, count;
    float *packed, *a_packed;
};

static struct rows_of_steps rows_of_chunk(const pgd_recurrent_params *p, char *const *mem, int64_t chunk, void *scratch) {
    struct rows_of_steps r = {chunk * p->rows, 0, (float *)(void *)mem[p->workspace], (float *)(void *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES)};
    r.count = MIN(p->rows, p->batch - r.first);
    return r;
}

/* c[count][cols] (+)= a[count][k] times the packed weights; rows of c are c_row apart. */
static void packed_product(const pgd_recurrent_params *p, const struct rows_of_steps *r, const float *a, float *c, int64_t c_row, int add) {
    struct matrix am = {a, p->k, 1};
    struct run run = {0, p->cols, 1, 0, 0, c};
    struct product product = {.rows = r->count, .cols = p->cols, .k = p->k, .k_block = K_MAX, .a = &am, .a_packed = r->a_packed, .c_row = c_row, .run_count = 1, .runs = &run};
    for (int64_t k0 = 0; k0 < p->k; k0 += K_MAX) {
        int64_t kc = MIN(K_MAX, p->k - k0);
        product.b_packed = r->packed + k0 * round_up(p->cols, VL);
        for (int64_t row = 0; row < r->count; row += TILE_ROWS) {
            int64_t rows = MIN(TILE_ROWS, r->count - row);
            pack_a_matrix(&am, r->a_packed, row, rows, k0, kc);
            product_row_panel(&product, product.a_packed, row, rows, kc, add || k0 > 0, NULL);
        }
    }
}

static float *line_at(char *const *mem, int32_t operand, int64_t row, int64_t width) { return (float *)(void *)mem[operand] + row * width; }

/* The state before step t: the result of the one before, or the first. */
static const float *state_before(const pgd_recurrent_params *p, char *const *mem, int32_t line, int32_t first, int64_t t, int64_t row) {
    return t == 0 ? line_at(mem, first, row, p->width) : line_at(mem, line, (t - 1) * p->batch + row, p->width);
}

#if defined(__clang__)
#define FREE_OF_OVERLAP _Pragma("clang loop vectorize(assume_safety)")
#else
#define FREE_OF_OVERLAP _Pragma("GCC ivdep")
#endif

/* mem: x, w, h0, c0, y, c, gates, workspace */
static void lstm_forward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_recurrent_params *p = params;
    struct rows_of_steps r = rows_of_chunk(p, mem, chunk, scratch);
    int64_t H = p->width;
    for (int64_t t = 0; t < p->steps; t++) {
        int64_t row = t * p->batch + r.first;
        memcpy(line_at(mem, 6, row, 4 * H), line_at(mem, 0, row, 4 * H), (size_t)(r.count * 4 * H) * sizeof(float));
        packed_product(p, &r, state_before(p, mem, 4, 2, t, r.first), line_at(mem, 6, row, 4 * H), 4 * H, 1);
        for (int64_t n = 0; n < r.count; n++) {
            float *i = line_at(mem, 6, row + n, 4 * H), *f = i + H, *g = f + H, *o = g + H, *c = line_at(mem, 5, row + n, H), *y = line_at(mem, 4, row + n, H);
            const float *before = state_before(p, mem, 5, 3, t, r.first + n);
            FREE_OF_OVERLAP for (int64_t j = 0; j < H; j++) {
                float in = sigmoid_one(i[j]), forget = sigmoid_one(f[j]), fresh = tanh_one(g[j]), out = sigmoid_one(o[j]), cell = forget * before[j] + in * fresh;
                i[j] = in, f[j] = forget, g[j] = fresh, o[j] = out;
                c[j] = cell;
                y[j] = out * tanh_one(cell);
            }
        }
    }
}

/* mem: dy, dc, gates, c, c0, w, dx, dh0, dc0, workspace. dh0 and dc0 hold what comes back from the step behind. */
static void lstm_backward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_recurrent_params *p = params;
    struct rows_of_steps r = rows_of_chunk(p, mem, chunk, scratch);
    int64_t H = p->width;
    for (int32_t k = 7; k < 9; k++) memset(line_at(mem, k, r.first, H), 0, (size_t)(r.count * H) * sizeof(float));
    for (int64_t t = p->steps - 1; t >= 0; t--) {
        int64_t row = t * p->batch + r.first;
        for (int64_t n = 0; n < r.count; n++) {
            const float *i = line_at(mem, 2, row + n, 4 * H), *f = i + H, *g = f + H, *o = g + H, *c = line_at(mem, 3, row + n, H), *before = state_before(p, mem, 3, 4, t, r.first + n);
            const float *dy = line_at(mem, 0, row + n, H), *dcells = line_at(mem, 1, row + n, H), *dh = line_at(mem, 7, r.first + n, H);
            float *dc = line_at(mem, 8, r.first + n, H), *di = line_at(mem, 6, row + n, 4 * H), *df = di + H, *dg = df + H, *d_o = dg + H;
            FREE_OF_OVERLAP for (int64_t j = 0; j < H; j++) {
                float cell = tanh_one(c[j]), d = dy[j] + dh[j], dcell = dc[j] + dcells[j] + d * o[j] * (1.0f - cell * cell);
                di[j] = dcell * g[j] * i[j] * (1.0f - i[j]);
                df[j] = dcell * before[j] * f[j] * (1.0f - f[j]);
                dg[j] = dcell * i[j] * (1.0f - g[j] * g[j]);
                d_o[j] = d * cell * o[j] * (1.0f - o[j]);
                dc[j] = dcell * f[j];
            }
        }
        packed_product(p, &r, line_at(mem, 6, row, 4 * H), line_at(mem, 7, r.first, H), H, 0);
    }
}

/* mem: x, w, b, h0, y, gates, workspace */
static void gru_forward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_recurrent_params *p = params;
    struct rows_of_steps rows = rows_of_chunk(p, mem, chunk, scratch);
    int64_t H = p->width;
    const float *b = line_at(mem, 2, 0, 0);
    for (int64_t t = 0; t < p->steps; t++) {
        int64_t row = t * p->batch + rows.first;
        packed_product(p, &rows, state_before(p, mem, 4, 3, t, rows.first), line_at(mem, 5, row, 4 * H), 4 * H, 0);
        for (int64_t k = 0; k < rows.count; k++) {
            float *r = line_at(mem, 5, row + k, 4 * H), *z = r + H, *n = z + H, *q = n + H, *y = line_at(mem, 4, row + k, H);
            const float *x = line_at(mem, 0, row + k, 3 * H), *before = state_before(p, mem, 4, 3, t, rows.first + k);
            FREE_OF_OVERLAP for (int64_t j = 0; j < H; j++) {
                float hidden = n[j] + b[2 * H + j], reset = sigmoid_one(x[j] + (r[j] + b[j])), keep = sigmoid_one(x[H + j] + (z[j] + b[H + j])), fresh = tanh_one(x[2 * H + j] + reset * hidden);
                r[j] = reset, z[j] = keep, n[j] = fresh, q[j] = hidden;
                y[j] = (1.0f - keep) * fresh + keep * before[j];
            }
        }
    }
}

/* mem: dy, gates, y, h0, w, dx, dq, dh0, workspace */
static void gru_backward(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_recurrent_params *p = params;
    struct rows_of_steps rows = rows_of_chunk(p, mem, chunk, scratch);
    int64_t H = p->width;
    memset(line_at(mem, 7, rows.first, H), 0, (size_t)(rows.count * H) * sizeof(float));
    for (int64_t t = p->steps - 1; t >= 0; t--) {
        int64_t row = t * p->batch + rows.first;
        for (int64_t k = 0; k < rows.count; k++) {
            const float *r = line_at(mem, 1, row + k, 4 * H), *z = r + H, *n = z + H, *q = n + H, *before = state_before(p, mem, 2, 3, t, rows.first + k), *dy = line_at(mem, 0, row + k, H);
            float *dh = line_at(mem, 7, rows.first + k, H), *dx = line_at(mem, 5, row + k, 3 * H), *dq = line_at(mem, 6, row + k, 3 * H);
            FREE_OF_OVERLAP for (int64_t j = 0; j < H; j++) {
                float d = dy[j] + dh[j], fresh = d * (1.0f - z[j]) * (1.0f - n[j] * n[j]), keep = d * (before[j] - n[j]) * z[j] * (1.0f - z[j]), reset = fresh * q[j] * r[j] * (1.0f - r[j]);
                dx[j] = dq[j] = reset;
                dx[H + j] = dq[H + j] = keep;
                dx[2 * H + j] = fresh;
                dq[2 * H + j] = fresh * r[j];
                dh[j] = d * z[j];
            }
        }
        packed_product(p, &rows, line_at(mem, 6, row, 3 * H), line_at(mem, 7, rows.first, H), H, 1);
    }
}
#undef FREE_OF_OVERLAP
