/* SPDX-License-Identifier: Apache-2.0 */
/* Packers for strided matrices. A is packed k-major in panels of at most TILE_ROWS rows, B k-major in panels of NR columns. */

/* dst[k][rows] from rows that are contiguous in k, TB x TB elements at a time. Every step stores TB floats where
 * only `rows` belong to it; the next k overwrites the surplus, the last one lands in the slack. */
static void pack_rows_transposed(const float *src, int64_t row, float *dst, int64_t rows, int64_t kc)
{
    int64_t k = 0;
    for (; k + TB <= kc; k += TB, src += TB) {
        vt r[TB];
        UNROLL for (int i = 0; i < TB; i++) r[i] = t_load(src + MIN(i, rows - 1) * row);
        v_transpose(r);
        UNROLL for (int i = 0; i < TB; i++, dst += rows) t_store(dst, r[i]);
    }
    for (; k < kc; k++, src++) {
        for (int64_t i = 0; i < rows; i++) *dst++ = src[i * row];
    }
}

static void pack_a_matrix(const void *a, float *dst, int64_t row, int64_t rows, int64_t k0, int64_t kc)
{
    const struct matrix *m = a;
    const float *src = m->at + row * m->row + k0 * m->col;
    if (m->col == 1) {
        pack_rows_transposed(src, m->row, dst, rows, kc);
    } else {
        for (int64_t k = 0; k < kc; k++, src += m->col) {
            for (int64_t i = 0; i < rows; i++) *dst++ = src[i * m->row];
        }
    }
}

/* Of a matrix whose columns are contiguous: long pieces of each, as every k may lie in a page of its own. */
static void pack_a_columns(const void *a, float *dst, int64_t row, int64_t panels, int64_t k0, int64_t kc)
{
    const struct matrix *m = a;
    const float *src = m->at + row + k0 * m->col;
    for (int64_t k = 0; k < kc; k++, src += m->col, dst += TILE_ROWS) {
        for (int64_t panel = 0; panel < panels; panel++) {
            UNROLL for (int i = 0; i < TILE_ROWS; i++) dst[panel * kc * TILE_ROWS + i] = src[panel * TILE_ROWS + i];
        }
    }
}

/* One panel of a matrix whose rows are not contiguous: dst[k][width], of whose columns `cols` exist. */
static void pack_b_panel(const struct matrix *m, const float *src, float *dst, int64_t width, int64_t cols, int64_t kc)
{
    int64_t j = 0;
    if (m->row == 1) {
        for (; j + TB <= cols; j += TB) {
            const float *s = src + j * m->col;
            int64_t k = 0;
            for (; k + TB <= kc; k += TB) {
                vt r[TB];
                UNROLL for (int i = 0; i < TB; i++) r[i] = t_load(s + i * m->col + k);
                v_transpose(r);
                UNROLL for (int i = 0; i < TB; i++) t_store(dst + (k + i) * width + j, r[i]);
            }
            for (; k < kc; k++) {
                for (int i = 0; i < TB; i++) dst[k * width + j + i] = s[i * m->col + k];
            }
        }
    }
    for (; j < width; j++) {
        for (int64_t k = 0; k < kc; k++) dst[k * width + j] = j < cols ? src[j * m->col + k * m->row] : 0.0f;
    }
}

/* Rows that are contiguous are read whole, one after the other. */
static void pack_b_rows(const struct matrix *m, const float *src, float *dst, int64_t cols, int64_t kc)
{
    int64_t whole = cols / NR * NR, rest = cols - whole, width = round_up(rest, VL);
    for (int64_t k = 0; k < kc; k++, src += m->row) {
        float *to = dst + k * NR;
        for (int64_t col = 0; col < whole; col += NR, to += NR * kc) {
            UNROLL for (int v = 0; v < TILE_VECS; v++) v_store(to + v * VL, v_load(src + col + v * VL));
        }
        to += k * (width - NR);
        int64_t j = 0;
        for (; j + VL <= rest; j += VL) v_store(to + j, v_load(src + whole + j));
        if (j < rest) v_store(to + j, v_load_part(src + whole + j, rest - j));
    }
}

static void pack_b_matrix(const void *b, float *dst, int64_t cols, int64_t k0, int64_t kc)
{
    const struct matrix *m = b;
    if (m->col == 1) {
        pack_b_rows(m, m->at + k0 * m->row, dst, cols, kc);
        return;
    }
    for (int64_t col = 0; col < cols; col += NR) {
        int64_t n = MIN(NR, cols - col);
        pack_b_panel(m, m->at + k0 * m->row + col * m->col, dst + col * kc, round_up(n, VL), n, kc);
    }
}
