/* SPDX-License-Identifier: Apache-2.0
 * Running sums and products along one axis, in double. Lines beside each other go together, so that where the axis is not the last one loops over them are
 * vector code. */

/* Lines [first, first + count) of the tensor, and how far line k lies from the first. */
typedef struct scan_lines {
    int64_t at, count, apart, step;
} scan_lines;

static scan_lines lines_of(const pgd_scan_params *p, int64_t chunk) {
    int64_t together = p->inner == 1 ? p->outer : p->inner, pieces = (together + p->lines_per_chunk - 1) / p->lines_per_chunk;
    int64_t part = chunk / pieces, first = chunk % pieces * p->lines_per_chunk, count = together - first < p->lines_per_chunk ? together - first : p->lines_per_chunk;
    scan_lines l = {part * p->n * p->inner + first * (p->inner == 1 ? p->n : 1), count, p->inner == 1 ? p->n : 1, p->inner};
    if (p->reverse) l.at += (p->n - 1) * p->inner, l.step = -p->inner;
    return l;
}

/* One line by itself: the next addition waits for the last, but memory is walked in order. */
static void scan_line(const pgd_scan_params *p, const float *x, float *y, int64_t step) {
    double total = p->product;
    for (int64_t i = 0; i < p->n; i++) {
        double before = total, value = (double)x[i * step];
        total = p->product ? total * value : total + value;
        y[i * step] = (float)(p->exclusive ? before : total);
    }
}

static void scan_step(const pgd_scan_params *p, double *total, const float *x, float *y, int64_t count) {
    if (p->exclusive)
        for (int64_t k = 0; k < count; k++) {
            float value = x[k];
            y[k] = (float)total[k];
            total[k] = p->product ? total[k] * (double)value : total[k] + (double)value;
        }
    else
        for (int64_t k = 0; k < count; k++) {
            total[k] = p->product ? total[k] * (double)x[k] : total[k] + (double)x[k];
            y[k] = (float)total[k];
        }
}

/* mem: x, y */
static void scan(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_scan_params *p = params;
    double total[PGD_TILE];
    scan_lines l = lines_of(p, chunk);
    const float *x = (const float *)(const void *)mem[0] + l.at;
    float *y = (float *)(void *)mem[1] + l.at;
    for (int64_t k = 0; k < l.count && p->inner == 1; k++) scan_line(p, x + k * l.apart, y + k * l.apart, l.step);
    if (p->inner == 1) return;
    for (int64_t k = 0; k < l.count; k++) total[k] = p->product;
    for (int64_t i = 0; i < p->n; i++) scan_step(p, total, x + i * l.step, y + i * l.step, l.count);
}

/* mem: dy, x, dx. y[j] is x[0] .. x[j] (exclusive: x[j-1]), so dx[i] = (x[0] .. x[i-1]) s[i] with s[i] = dy[i] + x[i+1] s[i+1] (exclusive: s[i] = dy[i+1] + x[i+1] s[i+1]).
 * The products in front are kept in scratch, the sums come back from the end. */
static void scan_product_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_scan_params *p = params;
    double sum[PGD_TILE], front[PGD_TILE], *before = scratch;
    scan_lines l = lines_of(p, chunk);
    const float *dy = (const float *)(const void *)mem[0] + l.at, *x = (const float *)(const void *)mem[1] + l.at;
    float *dx = (float *)(void *)mem[2] + l.at;
    for (int64_t k = 0; k < l.count; k++) front[k] = 1, sum[k] = 0;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t k = 0; k < l.count; k++) {
            before[i * l.count + k] = front[k];
            front[k] *= (double)x[i * l.step + k * l.apart];
        }
    for (int64_t i = p->n - 1; i >= 0; i--) {
        const float *d = dy + i * l.step, *factor = x + i * l.step;
        for (int64_t k = 0; k < l.count; k++) {
            double own = (double)d[k * l.apart], value = p->exclusive ? sum[k] : own + sum[k];
            dx[i * l.step + k * l.apart] = (float)(before[i * l.count + k] * value);
            sum[k] = p->exclusive ? own + (double)factor[k * l.apart] * value : (double)factor[k * l.apart] * value;
        }
    }
}
