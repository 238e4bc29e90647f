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

/* -1: the window lies in padding alone, which happens only where the plane itself is empty. */
static int64_t greatest_in(const pgd_pool_params *o, const float *x, pool_window v) {
    if (v.h1 <= v.h0 || v.w1 <= v.w0) return -1;
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
        for (int64_t q = 0; q < o->q; q++) {
            int64_t best = greatest_in(o, x, window_at(o, p, q));
            y[p * o->q + q] = best < 0 ? -INFINITY : x[best];
        }
}

/* value where the mask is all ones, 0 where it is zero */
static inline float masked(float value, uint32_t mask) { return bits_to_float(float_to_bits(value) & mask); }

/* One row of 2x2 windows. The first of equals takes the gradient, and the first NaN before all; selections are masks, so that no branch has to be
 * guessed. */
static void max_d_row(const float *restrict r0, const float *restrict r1, const float *restrict gradient, float *restrict d0, float *restrict d1, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float a = r0[2 * i], b = r0[2 * i + 1], c = r1[2 * i], e = r1[2 * i + 1];
        float most = max_one(max_one(max_one(a, b), c), e);
        uint32_t wins_a = 0u - (uint32_t)((a == most) | (a != a)), wins_b = 0u - (uint32_t)((b == most) | (b != b)), wins_c = 0u - (uint32_t)((c == most) | (c != c));
        d0[2 * i] = masked(gradient[i], wins_a);
        d0[2 * i + 1] = masked(gradient[i], ~wins_a & wins_b);
        d1[2 * i] = masked(gradient[i], ~(wins_a | wins_b) & wins_c);
        d1[2 * i + 1] = masked(gradient[i], ~(wins_a | wins_b | wins_c));
    }
}

static void max_d_two_by_two(const pgd_pool_params *o, const float *dy, const float *x, float *dx) {
    if (o->q * 2 < o->w || o->p * 2 < o->h) memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
    for (int64_t p = 0; p < o->p; p++) max_d_row(x + 2 * p * o->w, x + (2 * p + 1) * o->w, dy + p * o->q, dx + 2 * p * o->w, dx + (2 * p + 1) * o->w, o->q);
}

static void max_d_plane(const pgd_pool_params *o, const float *dy, const float *x, float *dx) {
    if (is_two_by_two(o)) {
        max_d_two_by_two(o, dy, x, dx);
        return;
    }
    memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) {
            int64_t best = greatest_in(o, x, window_at(o, p, q));
            if (best >= 0) dx[best] += dy[p * o->q + q];
        }
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
