/* SPDX-License-Identifier: Apache-2.0 */
/* The blocked product every matrix and convolution job ends in.
 *
 *   for each block of the reduction          B block packed once:  [panel of NR columns][k][NR], resident in L2
 *     for each panel of TILE_ROWS rows       A panel packed:       [k][rows], resident in L1
 *       for each panel of B                  micro-kernel: a tile of C in registers, B streams from L2
 *
 * The last panel of B is only as many whole vectors wide as it needs; its unused lanes hold anything, since a column of C
 * depends on its own column of B alone and unused columns are never stored. Rows are exact: one micro-kernel
 * per row count. The reduction is summed in order, block by block, in C itself. What will be packed next is asked for while the
 * tiles compute (gemm_ahead.inc.c). */

enum {
    NR = VL * TILE_VECS,
    COLS_MAX = 480 / NR * NR, /* columns of C in one chunk: a B block of COLS_MAX x K_MAX stays in L2 */
    K_MAX = 256, /* products summed up in registers */
    LONG_K_MAX = 1024, /* of a block of B that is a matrix: fewer passes over C, narrower chunks */
    HOT_ELEMS = 16384, /* finished elements of C handed to the epilogue at a time */
    PACKED_SLACK = 2 * VL, /* floats a packer may write past its block */
    B_FLOATS = COLS_MAX * K_MAX + PACKED_SLACK,
    LONG_B_FLOATS = (VL == 16 ? 176 : 120) * LONG_K_MAX + PACKED_SLACK, /* processors with AVX-512 have 1 MB of L2 and more */
    A_PANELS = 8, /* of K_MAX; packed at a time where columns of A are contiguous */
    A_FLOATS = A_PANELS * TILE_ROWS * K_MAX + 2 * TB * TILE_ROWS
};

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

V_INLINE int64_t div_up(int64_t a, int64_t b) { return (a + b - 1) / b; }
V_INLINE int64_t round_up(int64_t a, int64_t b) { return div_up(a, b) * b; }
/* The block size that cuts `total` into equal parts of at most `most`, rounded up to a multiple of `unit`. */
V_INLINE int64_t even_block(int64_t total, int64_t most, int64_t unit)
{
    return MIN(round_up(div_up(total, div_up(total, most)), unit), MAX(most, unit));
}

/* A block of B that is a matrix: the steps of K it may have with so many columns, and the columns with so many steps. */
V_INLINE int64_t long_k_max(int64_t cols) { return MIN(LONG_K_MAX, (LONG_B_FLOATS - PACKED_SLACK) / round_up(cols, VL)); }
V_INLINE int64_t long_cols_max(int64_t k) { return MIN(COLS_MAX, (LONG_B_FLOATS - PACKED_SLACK) / k / VL * VL); }

#include "gemm_ahead.inc.c"

/* ---- micro-kernels ---- */

/* C[rows][vecs*VL] (+)= A[k][rows]^T B[k][vecs*VL]; `lanes` of the last vector exist in C; soon may be NULL. */
V_INLINE void tile_body(int64_t k, const float *a, const float *b, float *c, int64_t c_row, int64_t lanes,
                        int accumulate, struct soon *soon, const int rows, const int vecs)
{
    vf acc[TILE_ROWS][TILE_VECS];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = v_zero();
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < vecs; j++) __builtin_prefetch(c + i * c_row + j * VL, 1);
    }
    while (k > 0) {
        int64_t steps = MIN(k, AHEAD_STEPS);
        if (soon) {
            ahead_go(&soon->a);
            ahead_go(&soon->b);
        }
        for (k -= steps; steps > 0; steps--, a += rows, b += vecs * VL) {
            vf bv[TILE_VECS];
            UNROLL for (int j = 0; j < vecs; j++) bv[j] = v_load(b + j * VL);
            UNROLL for (int i = 0; i < rows; i++) {
                vf av = v_set1(a[i]);
                UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = v_fma(av, bv[j], acc[i][j]);
            }
        }
    }
    UNROLL for (int i = 0; i < rows; i++, c += c_row) {
        UNROLL for (int j = 0; j < vecs; j++) {
            if (j + 1 < vecs || lanes == VL) {
                if (accumulate) acc[i][j] = v_add(acc[i][j], v_load(c + j * VL));
                v_store(c + j * VL, acc[i][j]);
            } else {
                if (accumulate) acc[i][j] = v_add(acc[i][j], v_load_part(c + j * VL, lanes));
                v_store_part(c + j * VL, acc[i][j], lanes);
            }
        }
    }
}

typedef void tile_fn(int64_t k, const float *a, const float *b, float *c, int64_t c_row, int64_t lanes, int accumulate, struct soon *soon);

#define TILE(rows, vecs)                                                                                           \
    static void tile_##rows##x##vecs(int64_t k, const float *a, const float *b, float *c, int64_t c_row,           \
                                     int64_t lanes, int accumulate, struct soon *soon)                             \
    {                                                                                                              \
        tile_body(k, a, b, c, c_row, lanes, accumulate, soon, rows, vecs);                                         \
    }
#define TILE_NAME(rows, vecs) tile_##rows##x##vecs
#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
#define TILE_LINE(X, rows) X(rows, 1) X(rows, 2) X(rows, 3)
#define TILE_NAMES(rows) {TILE_NAME(rows, 1), TILE_NAME(rows, 2), TILE_NAME(rows, 3)}
#else
#define TILE_LINE(X, rows) X(rows, 1) X(rows, 2)
#define TILE_NAMES(rows) {TILE_NAME(rows, 1), TILE_NAME(rows, 2)}
#endif
TILE_LINE(TILE, 1) TILE_LINE(TILE, 2) TILE_LINE(TILE, 3) TILE_LINE(TILE, 4)
#if !defined(PGD_ISA_PORTABLE)
TILE_LINE(TILE, 5) TILE_LINE(TILE, 6)
#endif
#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
TILE_LINE(TILE, 7) TILE_LINE(TILE, 8)
#endif
static tile_fn *const tiles[TILE_ROWS][TILE_VECS] = {
    TILE_NAMES(1), TILE_NAMES(2), TILE_NAMES(3), TILE_NAMES(4),
#if !defined(PGD_ISA_PORTABLE)
    TILE_NAMES(5), TILE_NAMES(6),
#endif
#if defined(PGD_ISA_AVX512) || defined(PGD_ISA_NEON)
    TILE_NAMES(7), TILE_NAMES(8),
#endif
};

/* ---- the product of one chunk ---- */

/* Columns [col, col+cols) of the chunk live at c[row*c_row + i*step]; for the epilogue they are columns
 * out_col... of batch `batch`. Runs are in column order and cover all columns. */
struct run {
    int64_t col, cols, step, batch, out_col;
    float *c;
};

struct product {
    int64_t rows, cols, k, k_block;
    int add; /* to what C holds */
    /* dst[k][rows] = A(row.., k0..);  dst[panel][k][width] = B(k0.., all columns) */
    void (*pack_a)(const void *a, float *dst, int64_t row, int64_t rows, int64_t k0, int64_t kc);
    void (*pack_a_panels)(const void *a, float *dst, int64_t row, int64_t panels, int64_t k0, int64_t kc); /* whole ones, one behind the other; or NULL */
    void (*pack_b)(const void *b, float *dst, int64_t cols, int64_t k0, int64_t kc);
    const void *a, *b;
    const struct matrix *a_matrix, *b_matrix; /* the same where they are packed from a matrix, to ask for it early; or NULL */
    float *a_packed, *b_packed; /* room for A_FLOATS, and for k_block * cols and PACKED_SLACK */
    int64_t c_row, run_count;
    const struct run *runs;
    int64_t first_row; /* of the rows, as the epilogue counts them */
    const pgd_epilogue *epilogue;
    char *const *mem;
    void *epilogue_scratch;
};

V_INLINE void copy_floats(float *to, int64_t to_step, const float *from, int64_t from_step, int64_t n)
{
    if (to_step == 1 && from_step == 1) {
        for (; n >= VL; n -= VL, to += VL, from += VL) v_store(to, v_load(from));
        if (n > 0) v_store_part(to, v_load_part(from, n), n);
        return;
    }
    for (int64_t i = 0; i < n; i++) to[i * to_step] = from[i * from_step];
}

/* Moves a tile of C that crosses runs, or whose columns are not neighbours, from or to memory. */
static void tile_move(float *tile, const struct run *r, int64_t c_offset, int64_t c_row, int64_t col, int64_t rows,
                      int64_t cols, int to_c)
{
    for (int64_t j = 0; j < cols; r++) {
        int64_t skip = col + j - r->col, n = MIN(r->cols - skip, cols - j);
        for (int64_t i = 0; i < rows; i++) {
            float *c = r->c + c_offset + i * c_row + skip * r->step, *t = tile + i * NR + j;
            if (to_c)
                copy_floats(c, r->step, t, 1, n);
            else
                copy_floats(t, 1, c, r->step, n);
        }
        j += n;
    }
}

/* One panel of rows against every panel of the B block. */
static void product_row_panel(const struct product *p, const float *a, int64_t row, int64_t rows, int64_t kc, int accumulate, struct soon *soon)
{
    const struct run *r = p->runs;
    int64_t part = even_block(kc, K_MAX, TB); /* long sums in parts, for their accuracy; C is in L1 meanwhile */
    for (int64_t col = 0; col < p->cols; col += NR) {
        int64_t cols = MIN(NR, p->cols - col), vecs = div_up(cols, VL), lanes = cols - (vecs - 1) * VL;
        tile_fn *tile = tiles[rows - 1][vecs - 1];
        const float *b = p->b_packed + col * kc;
        float moved[TILE_ROWS * NR], *c = moved;
        int64_t c_row = NR;
        while (col >= r->col + r->cols) r++;
        int in_place = r->step == 1 && col + cols <= r->col + r->cols;
        if (in_place)
            c = r->c + row * p->c_row + (col - r->col), c_row = p->c_row;
        else if (accumulate)
            tile_move(c, r, row * p->c_row, p->c_row, col, rows, cols, 0);
        for (int64_t k = 0; k < kc; k += part) tile(MIN(part, kc - k), a + k * rows, b + k * vecs * VL, c, c_row, lanes, accumulate || k > 0, soon);
        if (!in_place) tile_move(c, r, row * p->c_row, p->c_row, col, rows, cols, 1);
    }
}

static void product_finish(const struct product *p, int64_t row, int64_t rows)
{
    if (!p->epilogue) return;
    for (int64_t i = 0; i < p->run_count; i++) {
        const struct run *r = &p->runs[i];
        p->epilogue->apply(p->epilogue, p->mem, r->c + row * p->c_row, p->c_row, r->batch, p->first_row + row,
                           r->out_col, rows, r->cols, p->epilogue_scratch);
    }
}

static void product_clear(const struct product *p)
{
    for (int64_t i = 0; i < p->run_count; i++) {
        const struct run *r = &p->runs[i];
        for (int64_t row = 0; row < p->rows; row++) {
            for (int64_t j = 0; j < r->cols; j++) r->c[row * p->c_row + j * r->step] = 0.0f;
        }
    }
    product_finish(p, 0, p->rows);
}

/* How many panels of A are packed at a time, from `row` on. */
static int64_t product_panels(const struct product *p, int64_t row, int64_t kc)
{
    int64_t panels = p->pack_a_panels ? MIN(MIN(A_PANELS, (A_FLOATS - PACKED_SLACK) / (TILE_ROWS * kc)), (p->rows - row) / TILE_ROWS) : 0;
    return MAX(panels, 1);
}

/* What comes after the panels of A at `row`: those below, or the first ones of the next block. */
static struct ahead product_next_a(const struct product *p, int64_t row, int64_t panels, int64_t k0, int64_t kc)
{
    int64_t below = row + panels * TILE_ROWS, steps = panels * div_up(p->cols, NR) * div_up(kc, AHEAD_STEPS);
    if (!p->a_matrix) return (struct ahead){0};
    if (below >= p->rows) below = 0, k0 += kc;
    return ahead_of(p->a_matrix, below, MIN(product_panels(p, below, kc) * TILE_ROWS, p->rows - below), k0, MIN(kc, p->k - k0), steps);
}

static struct ahead product_next_b(const struct product *p, int64_t k0, int64_t kc)
{
    int64_t steps = div_up(p->rows, TILE_ROWS) * div_up(p->cols, NR) * div_up(kc, AHEAD_STEPS), next = k0 + kc;
    return p->b_matrix ? ahead_of(p->b_matrix, next, MIN(p->k_block, p->k - next), 0, p->cols, steps) : (struct ahead){0};
}

static void product_run(const struct product *p)
{
    int64_t done = 0;
    if (p->k == 0) {
        if (!p->add) product_clear(p);
        return;
    }
    for (int64_t k0 = 0; k0 < p->k; k0 += p->k_block) {
        int64_t kc = MIN(p->k_block, p->k - k0);
        struct soon soon = {.b = product_next_b(p, k0, kc)};
        p->pack_b(p->b, p->b_packed, p->cols, k0, kc);
        for (int64_t row = 0, first = 0, packed = 0; row < p->rows; row += TILE_ROWS) {
            int64_t rows = MIN(TILE_ROWS, p->rows - row), end = row + rows;
            if (row == packed) {
                int64_t panels = product_panels(p, row, kc);
                soon.a = product_next_a(p, row, panels, k0, kc);
                if (p->pack_a_panels && rows == TILE_ROWS)
                    p->pack_a_panels(p->a, p->a_packed, row, panels, k0, kc);
                else
                    p->pack_a(p->a, p->a_packed, row, rows, k0, kc);
                first = row;
                packed = row + panels * TILE_ROWS;
            }
            product_row_panel(p, p->a_packed + (row - first) * kc, row, rows, kc, p->add || k0 > 0, &soon);
            if (k0 + kc == p->k && (end == p->rows || (end - done) * p->cols >= HOT_ELEMS)) {
                product_finish(p, done, end - done);
                done = end;
            }
        }
    }
}
