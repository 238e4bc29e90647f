/* SPDX-License-Identifier: Apache-2.0
 * Pooling. A chunk is a number of [h,w] planes. The 2x2 window with stride 2, which nearly every small network uses, has its own loops. */

typedef struct pool_window {
    int64_t h0, h1, w0, w1;
} pool_window;

static pool_window window_at(const pgd_pool_params *o, int64_t p, int64_t q) {
    pool_window v = {p * o->stride_h - o->pad_top, 0, q * o->stride_w - o->pad_left, 0};
    v.h1 = v.h0 + o->kernel_h < o->h ? v.h0 + o->kernel_h : o->h;
    v.w1 = v.w0 + o->kernel_w < o->w ? v.w0 + o->kernel_w : o->w;
    v.h0 = v.h0 < 0 ? 0 : v.h0;
    v.w0 = v.w0 < 0 ? 0 : v.w0;
    return v;
}

static bool is_two_by_two(const pgd_pool_params *o) {
    return o->kernel_h == 2 && o->kernel_w == 2 && o->stride_h == 2 && o->stride_w == 2 && o->pad_top == 0 && o->pad_left == 0 && o->p * 2 <= o->h && o->q * 2 <= o->w;
}

typedef void plane_fn(const pgd_pool_params *o, const float *a, const float *b, float *y);

static void each_plane(const pgd_pool_params *o, int64_t chunk, plane_fn *plane, const float *a, int64_t a_elems, const float *b, int64_t b_elems, float *y, int64_t y_elems) {
    int64_t end = (chunk + 1) * o->planes_per_chunk < o->planes ? (chunk + 1) * o->planes_per_chunk : o->planes;
    for (int64_t i = chunk * o->planes_per_chunk; i < end; i++) plane(o, a + i * a_elems, b == NULL ? NULL : b + i * b_elems, y + i * y_elems);
}

static int64_t greatest_in(const pgd_pool_params *o, const float *x, pool_window v) {
    int64_t best = v.h0 * o->w + v.w0;
    for (int64_t h = v.h0; h < v.h1; h++)
        for (int64_t w = v.w0; w < v.w1; w++) {
            float most = x[best], value = x[h * o->w + w];
            if (most == most && (value > most || value != value)) best = h * o->w + w;
        }
    return best;
}

static void max_plane(const pgd_pool_params *o, const float *x, const float *none, float *y) {
    if (is_two_by_two(o)) {
        for (int64_t p = 0; p < o->p; p++) {
            const float *r0 = x + 2 * p * o->w, *r1 = r0 + o->w;
            for (int64_t q = 0; q < o->q; q++) y[p * o->q + q] = max_one(max_one(r0[2 * q], r0[2 * q + 1]), max_one(r1[2 * q], r1[2 * q + 1]));
        }
        return;
    }
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) y[p * o->q + q] = x[greatest_in(o, x, window_at(o, p, q))];
}

/* The first of equals takes the gradient: a later element must be greater, or the first NaN. */
static void max_d_two_by_two(const pgd_pool_params *o, const float *dy, const float *x, float *dx) {
    if ((o->q * 2 < o->w) | (o->p * 2 < o->h)) memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
    for (int64_t p = 0; p < o->p; p++) {
        const float *r0 = x + 2 * p * o->w, *r1 = r0 + o->w, *d = dy + p * o->q;
        float *d0 = dx + 2 * p * o->w, *d1 = d0 + o->w;
        for (int64_t q = 0; q < o->q; q++) {
            float a = r0[2 * q], b = r0[2 * q + 1], c = r1[2 * q], e = r1[2 * q + 1];
            float top = max_one(a, b), all = max_one(max_one(top, c), e);
            float left = d[q];
            /* bit patterns of the winner agree with `all`; NaN is found by x != x */
            int wa = a == all || a != a, wb = !wa && (b == all || b != b), wc = !wa && !wb && (c == all || c != c), we = !wa && !wb && !wc;
            d0[2 * q] = wa ? left : 0.0f;
            d0[2 * q + 1] = wb ? left : 0.0f;
            d1[2 * q] = wc ? left : 0.0f;
            d1[2 * q + 1] = we ? left : 0.0f;
        }
    }
}

static void max_d_plane(const pgd_pool_params *o, const float *dy, const float *x, float *dx) {
    if (is_two_by_two(o)) {
        max_d_two_by_two(o, dy, x, dx);
        return;
    }
    memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) dx[greatest_in(o, x, window_at(o, p, q))] += dy[p * o->q + q];
}

static void avg_plane(const pgd_pool_params *o, const float *x, const float *none, float *y) {
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) {
            pool_window v = window_at(o, p, q);
            float total = 0;
            for (int64_t h = v.h0; h < v.h1; h++) total += sum_run(x + h * o->w + v.w0, v.w1 - v.w0);
            y[p * o->q + q] = total / (float)((v.h1 - v.h0) * (v.w1 - v.w0));
        }
}

static void avg_d_plane(const pgd_pool_params *o, const float *dy, const float *none, float *dx) {
    memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) {
            pool_window v = window_at(o, p, q);
            float share = dy[p * o->q + q] / (float)((v.h1 - v.h0) * (v.w1 - v.w0));
            for (int64_t h = v.h0; h < v.h1; h++)
                for (int64_t w = v.w0; w < v.w1; w++) dx[h * o->w + w] += share;
        }
}

#define FLOATS(k) ((float *)(void *)mem[k])

static void max_pool(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_pool_params *o = params;
    each_plane(o, chunk, max_plane, FLOATS(0), o->h * o->w, NULL, 0, FLOATS(1), o->p * o->q);
}

/* mem: dy, x, dx */
static void max_pool_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_pool_params *o = params;
    each_plane(o, chunk, max_d_plane, FLOATS(0), o->p * o->q, FLOATS(1), o->h * o->w, FLOATS(2), o->h * o->w);
}

static void avg_pool(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_pool_params *o = params;
    each_plane(o, chunk, avg_plane, FLOATS(0), o->h * o->w, NULL, 0, FLOATS(1), o->p * o->q);
}

/* mem: dy, dx */
static void avg_pool_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_pool_params *o = params;
    each_plane(o, chunk, avg_d_plane, FLOATS(0), o->p * o->q, NULL, 0, FLOATS(1), o->h * o->w);
}
