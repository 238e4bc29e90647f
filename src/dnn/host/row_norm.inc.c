/* SPDX-License-Identifier: Apache-2.0
 * Layer and RMS norm of rows. A chunk is a number of rows; sums for gamma and beta leave it as partial sums, which a second job joins. */

static float row_product(const float *a, const float *b, int64_t n) {
    float part[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) part[k] += a[i + k] * b[i + k];
    for (int k = 0; i < n; i++, k++) part[k] += a[i] * b[i];
    return sum_run(part, 16);
}

static int64_t norm_end(const pgd_row_norm_params *p, int64_t chunk) { return (chunk + 1) * p->rows_per_chunk < p->rows ? (chunk + 1) * p->rows_per_chunk : p->rows; }

/* mem: x, gamma, (beta), y, (mean), scale */
static void row_norm(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_norm_params *p = params;
    int32_t out = p->centred ? 3 : 2;
    const float *gamma = (const float *)(const void *)mem[1], *beta = (const float *)(const void *)mem[2];
    float *means = (float *)(void *)mem[out + 1], *scales = (float *)(void *)mem[p->centred ? out + 2 : out + 1];
    for (int64_t row = chunk * p->rows_per_chunk; row < norm_end(p, chunk); row++) {
        const float *x = (const float *)(const void *)mem[0] + row * p->width;
        float *y = (float *)(void *)mem[out] + row * p->width, n = (float)p->width;
        float mean = p->centred ? sum_run(x, p->width) / n : 0.0f;
        float squares = p->centred ? centred_squares(x, p->width, mean) : row_product(x, x, p->width);
        float scale = 1.0f / __builtin_sqrtf(squares / n + p->epsilon);
        if (p->centred) {
            for (int64_t i = 0; i < p->width; i++) y[i] = (x[i] - mean) * scale * gamma[i] + beta[i];
            means[row] = mean;
        } else
            for (int64_t i = 0; i < p->width; i++) y[i] = x[i] * scale * gamma[i];
        scales[row] = scale;
    }
}

/* Sums of dy gamma and of dy gamma (x - mean). */
static void row_sums(const float *dy, const float *gamma, const float *x, float mean, int64_t n, float *sum, float *product) {
    vf s = v_zero(), t = v_zero();
    float lanes_of_s[VL], lanes_of_t[VL];
    for (int64_t i = 0; i < n; i += VL) {
        int64_t lanes = n - i < VL ? n - i : VL;
        vf w = v_load_part(dy + i, lanes) * v_load_part(gamma + i, lanes);
        s += w;
        t += w * (v_load_part(x + i, lanes) - mean);
    }
    v_store(lanes_of_s, s);
    v_store(lanes_of_t, t);
    *sum = sum_run(lanes_of_s, VL);
    *product = sum_run(lanes_of_t, VL);
}

/* mem: dy, x, gamma, (mean), scale, dx, dgamma, (dbeta), workspace [chunks][2][width] */
static void row_norm_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_norm_params *p = params;
    int32_t statistics = p->centred ? 4 : 3, results = statistics + 1;
    const float *gamma = (const float *)(const void *)mem[2], *means = (const float *)(const void *)mem[3], *scales = (const float *)(const void *)mem[statistics];
    float *dgamma = (float *)(void *)mem[p->centred ? results + 3 : results + 2] + chunk * 2 * p->width, *dbeta = dgamma + p->width;
    if (p->width > 0) memset(dgamma, 0, 2 * (size_t)p->width * sizeof *dgamma);
    for (int64_t row = chunk * p->rows_per_chunk; row < norm_end(p, chunk); row++) {
        const float *dy = (const float *)(const void *)mem[0] + row * p->width, *x = (const float *)(const void *)mem[1] + row * p->width;
        float mean = p->centred ? means[row] : 0.0f, w_sum, product;
        row_sums(dy, gamma, x, mean, p->width, &w_sum, &product);
        float n = (float)p->width, w_mean = p->centred ? w_sum / n : 0.0f, hat_mean = product * scales[row] / n;
        for (int64_t i = 0; i < p->width; i += VL) {
            int64_t lanes = p->width - i < VL ? p->width - i : VL;
            vf d = v_load_part(dy + i, lanes), hat = (v_load_part(x + i, lanes) - mean) * scales[row];
            v_store_part((float *)(void *)mem[results] + row * p->width + i, (d * v_load_part(gamma + i, lanes) - w_mean - hat * hat_mean) * scales[row], lanes);
            v_store_part(dgamma + i, v_load_part(dgamma + i, lanes) + d * hat, lanes);
            v_store_part(dbeta + i, v_load_part(dbeta + i, lanes) + d, lanes);
        }
    }
}

/* A chunk is PGD_TILE columns. mem as for row_norm_d. */
static void row_norm_join(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_norm_params *p = params;
    int32_t results = p->centred ? 5 : 4, workspace = p->centred ? results + 3 : results + 2;
    int64_t end = (chunk + 1) * PGD_TILE < p->width ? (chunk + 1) * PGD_TILE : p->width;
    for (int32_t which = 0; which < (p->centred ? 2 : 1); which++)
        for (int64_t i = chunk * PGD_TILE; i < end; i++) {
            double total = 0;
            for (int64_t c = 0; c < p->chunks; c++) total += (double)((const float *)(const void *)mem[workspace])[(c * 2 + which) * p->width + i];
            ((float *)(void *)mem[results + 1 + which])[i] = (float)total;
        }
}
