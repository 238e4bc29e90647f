/* SPDX-License-Identifier: Apache-2.0 */
/* Products with at most THIN rows or columns: every element of the large operand is used a handful of times, so
 * nothing but reading it once, in order, matters. The large operand is seen as `count` vectors of length k, the small one as t <= THIN
 * vectors, packed contiguous into scratch; result (f, t) is a dot product. Two ways, by how the large one lies:
 *   along k          four of its vectors at a time against all small ones, lanes run over k
 *   across vectors   four values of k at a time are added to a row of sums in L1, lanes run over the vectors */

enum {
    THIN = 4,
    THIN_GROUP = 4,
    THIN_BLOCK = 512, /* vectors of the large operand in one chunk, at most */
    THIN_K = 8192,    /* of the small vectors' length at a time */
    THIN_PITCH = THIN_K + 48 /* in scratch, so that they do not meet in one set of the cache */
};

struct thin {
    const float *large, *small_at;
    int64_t count, k, t;
    int64_t large_f, large_k, small_t, small_k; /* strides */
    float *small_packed;                        /* [t][THIN_PITCH] */
    float *sums;                                /* [THIN][THIN_BLOCK] */
};

static void thin_pack(const struct thin *p, int64_t k0, int64_t kc)
{
    for (int64_t t = 0; t < p->t; t++)
        copy_floats(p->small_packed + t * THIN_PITCH, 1, p->small_at + t * p->small_t + k0 * p->small_k, p->small_k, kc);
}

/* sums[t][f..f+group) += dot products over kc values of k. */
V_INLINE void thin_along_body(const float *large, int64_t pitch, const float *small, float *sums, int64_t kc, int64_t group,
                              const int ts)
{
    vf acc[THIN][THIN_GROUP];
    UNROLL for (int t = 0; t < ts; t++) {
        UNROLL for (int f = 0; f < THIN_GROUP; f++) acc[t][f] = v_zero();
    }
    const float *row[THIN_GROUP];
    UNROLL for (int f = 0; f < THIN_GROUP; f++) row[f] = large + MIN(f, group - 1) * pitch;
    int64_t k = 0;
    for (; k + VL <= kc; k += VL) {
        vf s[THIN];
        UNROLL for (int t = 0; t < ts; t++) s[t] = v_load(small + t * THIN_PITCH + k);
        UNROLL for (int f = 0; f < THIN_GROUP; f++) {
            vf v = v_load(row[f] + k);
            V_KEEP(v);
            UNROLL for (int t = 0; t < ts; t++) acc[t][f] = v_fma(v, s[t], acc[t][f]);
        }
    }
    if (k < kc) {
        UNROLL for (int f = 0; f < THIN_GROUP; f++) {
            vf v = v_load_part(row[f] + k, kc - k);
            UNROLL for (int t = 0; t < ts; t++)
                acc[t][f] = v_fma(v, v_load_part(small + t * THIN_PITCH + k, kc - k), acc[t][f]);
        }
    }
    UNROLL for (int t = 0; t < ts; t++) {
        vf v[TB];
        float folded[TB];
        UNROLL for (int f = 0; f < TB; f++) v[f] = acc[t][f % THIN_GROUP];
        t_store(folded, v_sums(v));
        for (int64_t f = 0; f < group; f++) sums[t * THIN_BLOCK + f] += folded[f];
    }
}

/* sums[t][f] += small[t][k..k+rows) . large[k..k+rows)[f] for all f. */
V_INLINE void thin_across_body(const float *large, int64_t pitch, const float *small, float *sums, int64_t count,
                               int64_t rows, const int ts)
{
    vf s[THIN][THIN_GROUP];
    const float *row[THIN_GROUP];
    UNROLL for (int r = 0; r < THIN_GROUP; r++) {
        row[r] = large + MIN(r, rows - 1) * pitch;
        UNROLL for (int t = 0; t < ts; t++) s[t][r] = v_set1(small[t * THIN_PITCH + MIN(r, rows - 1)]);
    }
    if (rows < THIN_GROUP) { /* the last few, one by one: no product may be counted twice or multiplied by a made-up zero */
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t f = 0; f < count; f += VL) {
                int64_t lanes = MIN(VL, count - f);
                vf v = v_load_part(row[r] + f, lanes);
                UNROLL for (int t = 0; t < ts; t++) {
                    float *sum = sums + t * THIN_BLOCK + f;
                    v_store(sum, v_fma(v_set1(small[t * THIN_PITCH + r]), v, v_load(sum)));
                }
            }
        }
        return;
    }
    int64_t f = 0;
    for (; f + VL <= count; f += VL) {
        vf v[THIN_GROUP];
        UNROLL for (int r = 0; r < THIN_GROUP; r++) {
            __builtin_prefetch(row[r] + THIN_GROUP * pitch + f);
            v[r] = v_load(row[r] + f);
        }
        UNROLL for (int t = 0; t < ts; t++) {
            float *sum = sums + t * THIN_BLOCK + f;
            vf even = v_fma(s[t][0], v[0], v_load(sum)), odd = v_fma(s[t][2], v[2], v_zero());
            even = v_fma(s[t][1], v[1], even);
            odd = v_fma(s[t][3], v[3], odd);
            v_store(sum, v_add(even, odd));
        }
    }
    if (f < count) {
        UNROLL for (int t = 0; t < ts; t++) {
            float *sum = sums + t * THIN_BLOCK + f;
            vf total = v_load(sum);
            UNROLL for (int r = 0; r < THIN_GROUP; r++) total = v_fma(s[t][r], v_load_part(row[r] + f, count - f), total);
            v_store(sum, total);
        }
    }
}

typedef void thin_fn(const float *large, int64_t pitch, const float *small, float *sums, int64_t n, int64_t group);
#define THIN_KERNELS(ts)                                                                                           \
    static void thin_along_##ts(const float *large, int64_t pitch, const float *small, float *sums, int64_t n,     \
                                int64_t group)                                                                     \
    {                                                                                                              \
        thin_along_body(large, pitch, small, sums, n, group, ts);                                                  \
    }                                                                                                              \
    static void thin_across_##ts(const float *large, int64_t pitch, const float *small, float *sums, int64_t n,    \
                                 int64_t group)                                                                    \
    {                                                                                                              \
        thin_across_body(large, pitch, small, sums, n, group, ts);                                                 \
    }
THIN_KERNELS(1) THIN_KERNELS(2) THIN_KERNELS(3) THIN_KERNELS(4)
static thin_fn *const thin_along[THIN] = {thin_along_1, thin_along_2, thin_along_3, thin_along_4};
static thin_fn *const thin_across[THIN] = {thin_across_1, thin_across_2, thin_across_3, thin_across_4};

/* Leaves the results in p->sums. */
static void thin_run(const struct thin *p)
{
    for (int64_t i = 0; i < THIN * THIN_BLOCK; i += VL) v_store(p->sums + i, v_zero());
    for (int64_t k0 = 0; k0 < p->k; k0 += THIN_K) {
        int64_t kc = MIN(THIN_K, p->k - k0);
        const float *large = p->large + k0 * p->large_k;
        thin_pack(p, k0, kc);
        if (p->large_k == 1) {
            for (int64_t f = 0; f < p->count; f += THIN_GROUP)
                thin_along[p->t - 1](large + f * p->large_f, p->large_f, p->small_packed, p->sums + f, kc,
                                     MIN(THIN_GROUP, p->count - f));
        } else {
            for (int64_t k = 0; k < kc; k += THIN_GROUP)
                thin_across[p->t - 1](large + k * p->large_k, p->large_k, p->small_packed + k, p->sums, p->count,
                                      MIN(THIN_GROUP, kc - k));
        }
    }
}

/* ---- as one block of a matrix product ---- */

enum { GEMM_BLOCKED, GEMM_FEW_ROWS, GEMM_FEW_COLS };

static int64_t gemm_way(const pgd_gemm_params *p)
{
    if (p->k == 0) return GEMM_BLOCKED;
    if (p->m <= THIN && (p->b_row == 1 || p->b_col == 1)) return GEMM_FEW_ROWS;
    if (p->n <= THIN && (p->a_row == 1 || p->a_col == 1)) return GEMM_FEW_COLS;
    return GEMM_BLOCKED;
}

/* C(f, t) of one chunk: f from `first`, few rows: f is the column; few columns: f is the row. */
static void gemm_thin(const pgd_gemm_params *p, const float *a, const float *b, float *c, int64_t few_rows, int64_t first,
                      int64_t count, float *room)
{
    struct thin thin = {.count = count, .k = p->k, .small_packed = room, .sums = room + THIN * THIN_PITCH};
    int64_t c_f = few_rows ? 1 : p->c_row, c_t = few_rows ? p->c_row : 1;
    if (few_rows) {
        thin.t = p->m;
        thin.large = b + first * p->b_col, thin.large_f = p->b_col, thin.large_k = p->b_row;
        thin.small_at = a, thin.small_t = p->a_row, thin.small_k = p->a_col;
    } else {
        thin.t = p->n;
        thin.large = a + first * p->a_row, thin.large_f = p->a_row, thin.large_k = p->a_col;
        thin.small_at = b, thin.small_t = p->b_col, thin.small_k = p->b_row;
    }
    thin_run(&thin);
    for (int64_t t = 0; t < thin.t; t++) copy_floats(c + first * c_f + t * c_t, c_f, thin.sums + t * THIN_BLOCK, 1, count);
}
