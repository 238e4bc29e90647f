/* SPDX-License-Identifier: Apache-2.0
 * Row kernels: softmax, cross-entropy with labels, argmax. A chunk is a number of rows. */

/* log of the sum of exponentials, the maximum subtracted first; *most is that maximum. */
static float row_log_sum(const float *x, int64_t n, float *most) {
    float part[256];
    double total = 0;
    *most = max_run(x, n);
    for (int64_t first = 0; first < n; first += 256) {
        int64_t count = n - first < 256 ? n - first : 256;
        for (int64_t i = 0; i < count; i++) part[i] = exp_one(x[first + i] - *most);
        total += (double)sum_run(part, count);
    }
    return log_one((float)total);
}

static int64_t last_row(const pgd_row_params *p, int64_t chunk) { return (chunk + 1) * p->rows_per_chunk < p->rows ? (chunk + 1) * p->rows_per_chunk : p->rows; }

static void softmax(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_params *p = params;
    for (int64_t row = chunk * p->rows_per_chunk; row < last_row(p, chunk); row++) {
        const float *x = FLOATS(0) + row * p->width;
        float *y = FLOATS(1) + row * p->width, most, log_sum = row_log_sum(x, p->width, &most);
        if (p->logarithm)
            for (int64_t i = 0; i < p->width; i++) y[i] = x[i] - most - log_sum;
        else
            for (int64_t i = 0; i < p->width; i++) y[i] = exp_one(x[i] - most - log_sum);
    }
}

/* mem: logits, labels, loss */
static void softmax_xent(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_params *p = params;
    const int32_t *labels = (const int32_t *)(const void *)mem[1];
    for (int64_t row = chunk * p->rows_per_chunk; row < last_row(p, chunk); row++) {
        const float *x = FLOATS(0) + row * p->width;
        float most, log_sum = row_log_sum(x, p->width, &most);
        int32_t label = labels[row];
        float hit = label >= 0 && label < p->width ? x[label] - most : NAN;
        float loss = log_sum - (1 - p->smoothing) * hit;
        if (p->smoothing != 0) loss -= p->smoothing * (sum_run(x, p->width) / (float)p->width - most);
        FLOATS(2)[row] = loss;
    }
}

/* mem: logits, labels, dloss, dlogits */
static void softmax_xent_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_params *p = params;
    const int32_t *labels = (const int32_t *)(const void *)mem[1];
    for (int64_t row = chunk * p->rows_per_chunk; row < last_row(p, chunk); row++) {
        const float *x = FLOATS(0) + row * p->width;
        float *y = FLOATS(3) + row * p->width, most, log_sum = row_log_sum(x, p->width, &most);
        int32_t label = labels[row];
        bool known = label >= 0 && label < p->width;
        float d = known ? FLOATS(2)[row] : NAN, spread = p->smoothing / (float)p->width;
        for (int64_t i = 0; i < p->width; i++) y[i] = d * (exp_one(x[i] - most - log_sum) - spread);
        if (known) y[label] -= d * (1 - p->smoothing);
    }
}

/* x [rows, width, inner] -> i32 [rows, inner]; of the least: the greatest of what is negated */
static void argmax(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_row_params *p = params;
    for (int64_t row = chunk * p->rows_per_chunk; row < last_row(p, chunk); row++)
        for (int64_t j = 0; j < p->inner; j++) {
            const float *x = FLOATS(0) + row * p->width * p->inner + j;
            int64_t best = 0;
            for (int64_t i = 1; i < p->width; i++) {
                float most = x[best * p->inner], value = x[i * p->inner];
                if (p->least) most = -most, value = -value;
                if (most == most && (value > most || value != value)) best = i;
            }
            ((int32_t *)(void *)mem[1])[row * p->inner + j] = (int32_t)best;
        }
}
#undef FLOATS
