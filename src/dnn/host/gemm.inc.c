/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product jobs: a chunk is a block of C, or several whole small products of the batch. */

enum { GEMM_M_BLOCK, GEMM_N_BLOCK, GEMM_K_BLOCK, GEMM_M_BLOCKS, GEMM_N_BLOCKS, GEMM_BATCH_BLOCK, GEMM_WAY };

/* How many chunks a job of so many multiply-adds is worth: pieces of a millisecond or less in big jobs, not less
 * than about twenty microseconds in small ones. */
static int64_t chunks_up_to(double madds, int64_t most)
{
    double coarse = madds / 12e6, fine = MIN(madds / 1e6, 4);
    double wanted = MIN(MAX(coarse, fine), (double)most);
    return wanted < 1 ? 1 : (int64_t)wanted;
}

static int64_t chunks_wanted(double madds) { return chunks_up_to(madds, 16); }

/* The block size, smaller in any case, for the next even number of equal blocks: an odd one out would keep a pair of threads waiting. */
static int64_t more_blocks(int64_t total, int64_t block, int64_t unit)
{
    return MIN(round_up(div_up(total, (div_up(total, block) / 2 + 1) * 2), unit), block - unit);
}

static int64_t gemm_plan(pgd_gemm_params *p)
{
    int64_t *plan = p->plan;
    memset(p->plan, 0, sizeof p->plan);
    if (p->batch <= 0 || p->m <= 0 || p->n <= 0) return 0;
    double madds = (double)p->m * (double)p->n * (double)MAX(p->k, 1);
    int64_t wanted = chunks_up_to(madds * (double)p->batch, 4 * MAX(p->threads, 2)); /* blocks of rows and columns change no sum */
    int64_t k_most = p->a_col == 1 ? LONG_K_MAX : LONG_K_MAX / 2; /* where every k of A is a page of its own, fewer pages and more panels at a time */
    int64_t k_block = p->k > 0 ? even_block(p->k, k_most, TB) : TB;
    int64_t m_block = even_block(p->m, 512, TILE_ROWS), n_block = even_block(p->n, long_cols_max(k_block), VL);
    while (p->batch * div_up(p->m, m_block) * div_up(p->n, n_block) < wanted) {
        if (n_block >= m_block && n_block > NR)
            n_block = more_blocks(p->n, n_block, VL);
        else if (m_block > 2 * TILE_ROWS)
            m_block = more_blocks(p->m, m_block, TILE_ROWS);
        else
            break;
    }
    plan[GEMM_WAY] = gemm_way(p);
    if (plan[GEMM_WAY] != GEMM_BLOCKED) { /* bound by memory: pieces of a quarter of a megabyte, rows of 2 KB */
        int64_t few_rows = plan[GEMM_WAY] == GEMM_FEW_ROWS, count = few_rows ? p->n : p->m;
        int64_t along = (few_rows ? p->b_row : p->a_col) == 1, least = along ? 64 : THIN_BLOCK;
        int64_t block = even_block(count, MIN(MAX(65536 / p->k, least), THIN_BLOCK), VL);
        m_block = few_rows ? p->m : block;
        n_block = few_rows ? block : p->n;
    }
    plan[GEMM_M_BLOCK] = m_block;
    plan[GEMM_N_BLOCK] = n_block;
    plan[GEMM_K_BLOCK] = k_block;
    plan[GEMM_M_BLOCKS] = div_up(p->m, m_block);
    plan[GEMM_N_BLOCKS] = div_up(p->n, n_block);
    plan[GEMM_BATCH_BLOCK] = 1;
    if (plan[GEMM_M_BLOCKS] * plan[GEMM_N_BLOCKS] == 1) {
        double small = 2e6 / madds;
        plan[GEMM_BATCH_BLOCK] = small > 1 ? MIN(p->batch, (int64_t)MIN(small, 1e6)) : 1;
    }
    return div_up(p->batch, plan[GEMM_BATCH_BLOCK]) * plan[GEMM_M_BLOCKS] * plan[GEMM_N_BLOCKS];
}

static void gemm_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_gemm_params *p = params;
    const int64_t *plan = p->plan;
    int64_t n0 = chunk % plan[GEMM_N_BLOCKS] * plan[GEMM_N_BLOCK];
    int64_t rest = chunk / plan[GEMM_N_BLOCKS];
    int64_t m0 = rest % plan[GEMM_M_BLOCKS] * plan[GEMM_M_BLOCK];
    int64_t batch = rest / plan[GEMM_M_BLOCKS] * plan[GEMM_BATCH_BLOCK];
    int64_t batch_end = MIN(p->batch, batch + plan[GEMM_BATCH_BLOCK]);
    float *room = (float *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    int64_t cols = MIN(plan[GEMM_N_BLOCK], p->n - n0);
    int64_t rows = MIN(plan[GEMM_M_BLOCK], p->m - m0);
    for (; batch < batch_end; batch++) {
        const float *a_at = (const float *)mem[0] + batch * p->a_batch, *b_at = (const float *)mem[1] + batch * p->b_batch;
        float *c_at = (float *)mem[2] + batch * p->c_batch;
        struct matrix a = {a_at + m0 * p->a_row, p->a_row, p->a_col};
        struct matrix b = {b_at + n0 * p->b_col, p->b_row, p->b_col};
        struct run run = {0, cols, 1, batch, n0, c_at + m0 * p->c_row + n0};
        struct product product = {
            .rows = rows, .cols = cols, .k = p->k, .k_block = plan[GEMM_K_BLOCK],
            .pack_a = pack_a_matrix, .pack_b = pack_b_matrix, .a = &a, .b = &b, .a_matrix = &a, .b_matrix = &b,
            .a_packed = room, .b_packed = room + A_FLOATS, .c_row = p->c_row, .run_count = 1, .runs = &run,
            .pack_a_panels = a.row == 1 && a.col != 1 ? pack_a_columns : NULL, .first_row = m0, .epilogue = p->epilogue, .mem = mem, .epilogue_scratch = scratch,
        };
        if (plan[GEMM_WAY] == GEMM_BLOCKED) {
            product_run(&product);
            continue;
        }
        int few_rows = plan[GEMM_WAY] == GEMM_FEW_ROWS;
        gemm_thin(p, a_at, b_at, c_at, few_rows, few_rows ? n0 : m0, few_rows ? cols : rows, room);
        product_finish(&product, 0, rows);
    }
}
