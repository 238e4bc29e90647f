/* SPDX-License-Identifier: Apache-2.0
 * Pooling. A chunk is a number of [h,w] planes. */

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

static int64_t planes_end(const pgd_pool_params *o, int64_t chunk) { return (chunk + 1) * o->planes_per_chunk < o->planes ? (chunk + 1) * o->planes_per_chunk : o->planes; }

static void each_plane(const pgd_pool_params *o, int64_t chunk, plane_fn *plane, const float *a, int64_t a_elems, const float *b, int64_t b_elems, float *y, int64_t y_elems) {
    for (int64_t i = chunk * o->planes_per_chunk, end = planes_end(o, chunk); i < end; i++) plane(o, a + i * a_elems, b == NULL ? NULL : b + i * b_elems, y + i * y_elems);
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

/* ---- forward: the rows of a window are joined into one line with room on both sides, then neighbours along the line ------------------------------- */

enum { LINE = 1024 };

/* The results of a row that one line serves, q0 to q1; their windows begin at column `left` of the plane. */
typedef struct pool_span {
    int64_t q0, q1, left, columns;
} pool_span;

static pool_span span_from(const pgd_pool_params *o, int64_t q0) {
    int64_t room = (LINE - o->kernel_w) / o->stride_w + 1;
    int64_t q1 = o->q - q0 > room ? q0 + room : o->q;
    return (pool_span){q0, q1, q0 * o->stride_w - o->pad_left, (q1 - 1 - q0) * o->stride_w + o->kernel_w};
}

V_INLINE vf join(bool greatest, vf a, vf b)
{
    if (greatest) return v_max(a, b);
    return a + b;
}
V_INLINE float join_one(bool greatest, float a, float b) { return greatest ? max_one(a, b) : a + b; }

/* Columns of the span, over the rows of the window; beside the plane nothing counts. */
V_INLINE void fill_line(bool greatest, const pgd_pool_params *o, const float *x, int64_t h0, int64_t h1, pool_span s, float *line)
{
    const vf none = v_set1(greatest ? -INFINITY : 0);
    int64_t end = s.columns + 2 * VL; /* whole vectors are read behind the last window */
    int64_t c0 = s.left < 0 ? -s.left : 0, c1 = o->w - s.left < s.columns ? o->w - s.left : s.columns;
    for (int64_t c = 0; c < c0; c += VL) v_store(line + c, none);
    for (int64_t c = c0; c < c1; c += VL) {
        int64_t lanes = c1 - c < VL ? c1 - c : VL;
        vf v = none;
        for (int64_t h = h0; h < h1; h++) {
            vf row = v_load_part(x + h * o->w + s.left + c, lanes);
            v = h == h0 ? row : join(greatest, v, row);
        }
        v_store(line + c, v);
    }
    for (int64_t c = c1 < c0 ? c0 : c1; c < end; c += VL) v_store(line + c, none);
}

V_INLINE void join_line(bool greatest, const pgd_pool_params *o, const float *line, int64_t n, float *y) {
    int64_t stride = o->stride_w;
    for (int64_t i = 0; i < n; i += VL) {
        const float *at = line + i * stride;
        int64_t lanes = n - i < VL ? n - i : VL;
        vf v;
        if (stride == 1 || stride == 2) {
            v = stride == 1 ? v_load(at) : v_even(v_load(at), v_load(at + VL));
            for (int64_t k = 1; k < o->kernel_w; k++) v = join(greatest, v, stride == 1 ? v_load(at + k) : v_even(v_load(at + k), v_load(at + k + VL)));
        } else {
            v = v_zero();
            for (int64_t lane = 0; lane < lanes; lane++) {
                float one = at[lane * stride];
                for (int64_t k = 1; k < o->kernel_w; k++) one = join_one(greatest, one, at[lane * stride + k]);
                v[lane] = one;
            }
        }
        v_store_part(y + i, v, lanes);
    }
}

V_INLINE void pool_plane(bool greatest, const pgd_pool_params *o, const float *x, float *y) {
    float line[LINE + 4 * VL];
    for (int64_t p = 0; p < o->p; p++) {
        for (pool_span s = span_from(o, 0);; s = span_from(o, s.q1)) {
            pool_window rows = window_at(o, p, 0);
            fill_line(greatest, o, x, rows.h0, rows.h1, s, line);
            join_line(greatest, o, line, s.q1 - s.q0, y + p * o->q + s.q0);
            if (!greatest)
                for (int64_t q = s.q0; q < s.q1; q++) {
                    pool_window v = window_at(o, p, q);
                    y[p * o->q + q] /= (float)((v.h1 - v.h0) * (v.w1 - v.w0));
                }
            if (s.q1 == o->q) break;
        }
    }
}

/* Windows wider than a line. */
static void wide_max_plane(const pgd_pool_params *o, const float *x, float *y) {
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) {
            int64_t best = greatest_in(o, x, window_at(o, p, q));
            y[p * o->q + q] = best < 0 ? -INFINITY : x[best];
        }
}

static void wide_avg_plane(const pgd_pool_params *o, const float *x, float *y) {
    for (int64_t p = 0; p < o->p; p++)
        for (int64_t q = 0; q < o->q; q++) {
            pool_window v = window_at(o, p, q);
            float total = 0;
            for (int64_t h = v.h0; h < v.h1; h++) total += sum_run(x + h * o->w + v.w0, v.w1 - v.w0);
            y[p * o->q + q] = total / (float)((v.h1 - v.h0) * (v.w1 - v.w0));
        }
}

/* One row of 2x2 windows with stride 2, n of them. */
static void max_row(const float *r0, const float *r1, float *y, int64_t n) {
    for (int64_t i = 0; i < n; i += VL) {
        int64_t results = n - i < VL ? n - i : VL, low = 2 * results < VL ? 2 * results : VL, high = 2 * results - low;
        vf lo = v_max(v_load_part(r0 + 2 * i, low), v_load_part(r1 + 2 * i, low)), hi = lo;
        if (high > 0) hi = v_max(v_load_part(r0 + 2 * i + VL, high), v_load_part(r1 + 2 * i + VL, high));
        v_store_part(y + i, v_max(v_even(lo, hi), v_odd(lo, hi)), results);
    }
}

static void max_plane(const pgd_pool_params *o, const float *x, const float *none, float *y) {
    if (is_two_by_two(o)) {
        for (int64_t p = 0; p < o->p; p++) max_row(x + 2 * p * o->w, x + (2 * p + 1) * o->w, y + p * o->q, o->q);
        return;
    }
    if (o->kernel_w > LINE / 2) wide_max_plane(o, x, y);
    else if (o->q > 0) pool_plane(true, o, x, y);
}

static void avg_plane(const pgd_pool_params *o, const float *x, const float *none, float *y) {
    if (o->kernel_w > LINE / 2) wide_avg_plane(o, x, y);
    else if (o->q > 0) pool_plane(false, o, x, y);
}

/* ---- derivatives -------------------------------------------------------------------------------------------------------------------------------------- */

/* One row of 2x2 windows, VL columns at a time. The first of equals takes the gradient, and the first NaN before all. */
static void max_d_row(const float *r0, const float *r1, const float *gradient, float *d0, float *d1, int64_t n) {
    for (int64_t i = 0; i < 2 * n; i += VL) {
        int64_t lanes = 2 * n - i < VL ? 2 * n - i : VL;
        vf a = v_load_part(r0 + i, lanes), b = v_load_part(r1 + i, lanes), g = v_twice_low(v_load_part(gradient + i / 2, lanes / 2));
        vf column = v_max(a, b), most = v_max(column, v_swap(column));
        vi upper = (vi)(a == most) | (vi)(a != a), lower = (vi)(b == most) | (vi)(b != b); /* could win */
        vi upper_swapped = (vi)v_swap((vf)upper), lower_swapped = (vi)v_swap((vf)lower);
        vi first = upper & ~(upper_swapped & v_odd_lanes());
        vi second = lower & ~(lower_swapped & v_odd_lanes()) & ~(upper | upper_swapped);
        v_store_part(d0 + i, (vf)((vi)g & first), lanes);
        v_store_part(d1 + i, (vf)((vi)g & second), lanes);
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

static void avg_d_plane(const pgd_pool_params *o, const float *dy, const float *none, float *dx) {
    if (o->h * o->w > 0) memset(dx, 0, (size_t)(o->h * o->w) * sizeof *dx);
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

/* mem: dy, x, dx, and what the epilogue reads. It finishes a plane while the plane is hot in cache. */
static void max_pool_d(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_pool_params *o = params;
    int64_t pixels = o->h * o->w;
    for (int64_t i = chunk * o->planes_per_chunk, end = planes_end(o, chunk); i < end; i++) {
        float *dx = FLOATS(2) + i * pixels;
        max_d_plane(o, FLOATS(0) + i * o->p * o->q, FLOATS(1) + i * pixels, dx);
        if (o->epilogue != NULL) o->epilogue->apply(o->epilogue, mem, dx, pixels, i / o->channels, i % o->channels, 0, 1, pixels, scratch);
    }
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
