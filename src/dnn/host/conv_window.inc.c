/* SPDX-License-Identifier: Apache-2.0 */
/* The sliding window shared by all convolution directions: B(kk, column) of a product, where kk = (channel, tap) and a
 * column is a point of a grid laid over every image.
 *
 *   source row of grid row u under tap i  =  u*step_h + tap_h0 + i*tap_dh        (columns likewise; outside: zero)
 *
 * A box of the grid is copied once per channel into a staged map that is zero-padded and split by the remainder modulo the step, so that
 * under every tap the pixels of a grid row are neighbours in memory at a constant distance from those of any other tap.
 * What is left of im2col is a short list of vector copies per panel, the same for all taps and channels. */

struct window {
    const float *x;                              /* first channel of the group in image 0; channels are h*w apart */
    int64_t image, h, w;                         /* floats between images; size of a map */
    int64_t images, grid_h, grid_w, step_h, step_w;
    int64_t taps_h, taps_w, tap_h0, tap_w0, tap_dh, tap_dw;
};

struct box {
    int64_t image, images, u, rows, v, cols;
};

enum {
    STAGE_FLOATS = 96 * 1024,
    COPIES_MAX = 2 * COLS_MAX
};

struct copy {
    int32_t to, from;
};

struct stage {
    const struct window *win;
    struct box box;
    int64_t low_h, low_w;       /* source coordinates of staged (0, 0) */
    int64_t phases_h, phases_w; /* remainders modulo the step that some tap needs */
    int64_t rows, width;        /* of one phase in one image */
    int64_t image_floats, channel_floats;
    int plain;           /* one tap, step 1, no padding, one image: B is a matrix as it lies, and nothing is staged */
    struct matrix matrix; /* this one */
    float *maps;         /* STAGE_FLOATS */
    struct copy *copies; /* COPIES_MAX */
    int32_t *panel_end;  /* COLS_MAX/NR: end of each panel's share of copies */
    int32_t *taps;       /* K_MAX: where each kk of the current block starts in maps */
};

V_INLINE int64_t tap_shift(int64_t i, int64_t taps, int64_t d) { return d >= 0 ? i * d : (taps - 1 - i) * -d; }
V_INLINE int64_t tap_span(int64_t taps, int64_t d) { return (taps - 1) * (d >= 0 ? d : -d); }

/* Geometry only; panel_cols is the width of a destination panel. */
static void stage_init(struct stage *s, const struct window *win, const struct box *box)
{
    int64_t span_h = tap_span(win->taps_h, win->tap_dh), span_w = tap_span(win->taps_w, win->tap_dw);
    s->win = win;
    s->box = *box;
    s->low_h = box->u * win->step_h + win->tap_h0 - (win->tap_dh < 0 ? span_h : 0);
    s->low_w = box->v * win->step_w + win->tap_w0 - (win->tap_dw < 0 ? span_w : 0);
    s->phases_h = MIN(win->step_h, span_h + 1);
    s->phases_w = MIN(win->step_w, span_w + 1);
    s->rows = box->rows + span_h / win->step_h;
    s->width = box->cols + span_w / win->step_w;
    s->image_floats = s->phases_h * s->phases_w * s->rows * s->width;
    s->channel_floats = s->image_floats * box->images;
    s->plain = win->taps_h == 1 && win->taps_w == 1 && win->step_h == 1 && win->step_w == 1 && win->tap_h0 == 0 &&
               win->tap_w0 == 0 && win->grid_h <= win->h && win->grid_w == win->w && box->images == 1;
}

static void stage_plan_copies(struct stage *s, int64_t panel_cols)
{
    int32_t n = 0, panel = 0;
    int64_t col = 0;
    for (int64_t image = 0; image < s->box.images; image++) {
        for (int64_t row = 0; row < s->box.rows; row++) {
            int64_t from = image * s->image_floats + row * s->width;
            for (int64_t done = 0; done < s->box.cols;) {
                int64_t lane = col % panel_cols, cols = MIN(panel_cols - lane, s->box.cols - done);
                for (int64_t i = 0; i < cols; i += VL)
                    s->copies[n++] = (struct copy){(int32_t)(lane + i), (int32_t)(from + done + i)};
                done += cols;
                col += cols;
                if (col % panel_cols == 0) s->panel_end[panel++] = n;
            }
        }
    }
    s->panel_end[panel] = n;
}

V_INLINE void store_zeros(float *to, int64_t n)
{
    for (int64_t i = 0; i < n; i += VL) v_store(to + i, v_zero());
}

/* One phase of one staged row: source columns low, low+step, ... Whole vectors only; what is written beyond the row is overwritten
 * by the next one or lies in the slack. */
static void stage_row(float *to, int64_t width, const float *row, int64_t w, int64_t low, int64_t step)
{
    if (step == 1) {
        for (int64_t i = 0; i < width; i += VL) v_store(to + i, v_load_range(row, low + i, w));
    } else if (step == 2) {
        for (int64_t i = 0; i < width; i += VL) v_store(to + i, v_even(v_load_range(row, low + 2 * i, w), v_load_range(row, low + 2 * i + VL, w)));
    } else {
        for (int64_t i = 0, at = low; i < width; i++, at += step) to[i] = at >= 0 && at < w ? row[at] : 0.0f;
    }
}

/* Both phases at step 2; the next row of `odd` may have been written already, but nothing from `end` on, where the first row of odd lies. */
static void stage_row_pair(float *even, const float *end, float *odd, int64_t width, const float *row, int64_t w, int64_t low)
{
    for (int64_t i = 0; i < width; i += VL, low += 2 * VL) {
        vf a = v_load_range(row, low, w), b = v_load_range(row, low + VL, w), part = v_even(a, b);
        if (end - even - i >= VL)
            v_store(even + i, part);
        else
            v_store_part(even + i, part, end - even - i);
        v_store(odd + i, v_odd(a, b));
    }
}

/* The rows of one phase, or of both phases that columns have at step 2, from source row h on. */
static float *stage_phase(const struct stage *s, const float *map, int64_t h, int64_t low_w, bool pair, float *to)
{
    const struct window *win = s->win;
    float *end = to + s->rows * s->width, *odd = pair ? end : NULL;
    for (int64_t row = 0; row < s->rows; row++, h += win->step_h, to += s->width) {
        bool outside = h < 0 || h >= win->h;
        const float *from = outside ? map : map + h * win->w; /* none of it is read outside, but an address must lie in memory to be cheap */
        if (pair)
            stage_row_pair(to, end, odd + row * s->width, s->width, from, outside ? 0 : win->w, low_w);
        else if (outside)
            store_zeros(to, s->width);
        else
            stage_row(to, s->width, from, win->w, low_w, win->step_w);
    }
    return pair ? end + s->rows * s->width : end;
}

static void stage_channel(const struct stage *s, int64_t channel, float *to)
{
    const struct window *win = s->win;
    bool pair = win->step_w == 2 && s->phases_w == 2;
    for (int64_t image = s->box.image; image < s->box.image + s->box.images; image++) {
        const float *map = win->x + image * win->image + channel * win->h * win->w;
        for (int64_t phase_h = 0; phase_h < s->phases_h; phase_h++) {
            for (int64_t phase_w = 0; phase_w < s->phases_w; phase_w += pair ? 2 : 1) to = stage_phase(s, map, s->low_h + phase_h, s->low_w + phase_w, pair, to);
        }
    }
}

/* Where each kk in [k0, k0+kc) starts in the maps, of which the first is that of k0's channel. */
static void stage_taps(const struct stage *s, int64_t k0, int64_t kc)
{
    const struct window *win = s->win;
    int64_t area = win->taps_h * win->taps_w, base = 0, i = k0 % area / win->taps_w, j = k0 % win->taps_w;
    for (int64_t k = 0; k < kc;) {
        int64_t dh = tap_shift(i, win->taps_h, win->tap_dh), dw = tap_shift(j, win->taps_w, win->tap_dw);
        int64_t row = (dh % win->step_h * s->phases_w * s->rows + dh / win->step_h) * s->width;
        if (win->step_w == 1) {
            int64_t end = MIN(kc, k + win->taps_w - j), d = win->taps_w > 1 ? win->tap_dw : 0;
            for (; k < end; k++, j++, dw += d) s->taps[k] = (int32_t)(base + row + dw);
        } else {
            s->taps[k++] = (int32_t)(base + row + dw % win->step_w * s->rows * s->width + dw / win->step_w);
            j++;
        }
        if (j == win->taps_w) {
            j = 0;
            if (++i == win->taps_h) {
                i = 0;
                base += s->channel_floats;
            }
        }
    }
}

/* Fills maps and taps for kk in [k0, k0+kc). False when the maps would not fit. */
static int stage_fill(const struct stage *s, int64_t k0, int64_t kc)
{
    int64_t area = s->win->taps_h * s->win->taps_w, first = k0 / area, channels = (k0 + kc - 1) / area - first + 1;
    if (s->channel_floats > (STAGE_FLOATS - VL) / channels) return 0;
    for (int64_t c = 0; c < channels; c++) stage_channel(s, first + c, s->maps + c * s->channel_floats);
    stage_taps(s, k0, kc);
    return 1;
}

/* dst[kk][pitch]: the columns of one panel for all kk of the block. Copies are whole vectors in ascending order: what one
 * writes too much belongs to a later one, to a later kk, to unused lanes or to the slack behind the block. */
static void stage_panel(const struct stage *s, int64_t panel, float *dst, int64_t pitch, int64_t kc)
{
    const struct copy *first = s->copies + (panel > 0 ? s->panel_end[panel - 1] : 0);
    const struct copy *end = s->copies + s->panel_end[panel];
    for (int64_t k = 0; k < kc; k++, dst += pitch) {
        const float *map = s->maps + s->taps[k];
        for (const struct copy *c = first; c < end; c++) v_store(dst + c->to, v_load(map + c->from));
    }
}

/* One element of B straight from the source: for windows too wide to stage. */
static float window_at(const struct window *win, const struct box *box, int64_t kk, int64_t col)
{
    int64_t area = win->taps_h * win->taps_w, tap = kk % area, channel = kk / area;
    int64_t v = box->v + col % box->cols, rest = col / box->cols;
    int64_t u = box->u + rest % box->rows, image = box->image + rest / box->rows;
    int64_t h = u * win->step_h + win->tap_h0 + tap / win->taps_w * win->tap_dh;
    int64_t w = v * win->step_w + win->tap_w0 + tap % win->taps_w * win->tap_dw;
    if (h < 0 || h >= win->h || w < 0 || w >= win->w) return 0.0f;
    return win->x[image * win->image + (channel * win->h + h) * win->w + w];
}

static void pack_b_window(const void *b, float *dst, int64_t cols, int64_t k0, int64_t kc)
{
    const struct stage *s = b;
    const struct window *win = s->win;
    if (s->plain) { /* every column is a pixel of the source, and neighbours are neighbours there */
        pack_b_matrix(&s->matrix, dst, cols, k0, kc);
        return;
    }
    int staged = stage_fill(s, k0, kc);
    for (int64_t col = 0; col < cols; col += NR) {
        int64_t width = MIN(NR, round_up(cols - col, VL));
        float *panel = dst + col * kc;
        if (staged) {
            stage_panel(s, col / NR, panel, width, kc);
            continue;
        }
        for (int64_t k = 0; k < kc; k++) {
            for (int64_t j = 0; j < width; j++)
                panel[k * width + j] = col + j < cols ? window_at(win, &s->box, k0 + k, col + j) : 0.0f;
        }
    }
}
