/* SPDX-License-Identifier: Apache-2.0 */
/* Convolution whose sums are short: few channels in a group times few taps, as in depthwise convolution and where pictures enter a network. Packing for a product would
 * cost as much as the product, so the staged maps (conv_window.inc.c) are read where they lie.
 *
 *   forward, gradient by the input    a staged map is one long line: under every tap the results of all its rows are neighbours. Some of them lie between two rows and are dropped.
 *   gradient by the weights           the taps' sums run along the rows of dy; those of a box are added to the total in double.
 *
 * "Sources" are the maps of a group that are read, "results" those that are written. */

enum {
    DIRECT_DEPTH = 32, /* sources of a group times taps */
    DIRECT_COLS = 1024,
    DIRECT_STAGE_FLOATS = 64 * 1024,
    DIRECT_LINE_FLOATS = 4 * DIRECT_COLS, /* a box's results, gaps included */
    DIRECT_RESULTS = 4, DIRECT_RESULT_VECS = 3, DIRECT_ALONE_VECS = 4,
    DIRECT_LINE_PITCH = DIRECT_LINE_FLOATS + DIRECT_ALONE_VECS * VL,
    DIRECT_SUMS = 9, /* taps at a time in the gradient by the weights */
    DIRECT_D_RESULTS = 8 /* of a group; where there are more, a product is faster */
};

/* One direction. A weight lies at w + (group * group_weights) + result * result_weights + source * source_weights + its place in the filter. */
struct direct {
    struct window win;
    struct axis_taps h, v;
    int64_t sources, results, group_weights, result_weights, source_weights, filter_width;
    struct grid_out out; /* base: result 0 of group 0 in image 0 */
};

static int64_t direct_depth(const struct direct *d) { return d->sources * d->win.taps_h * d->win.taps_w; }

static struct direct direct_forward(const pgd_conv_params *p)
{
    int64_t sources = p->c / p->groups, results = p->k / p->groups, area = p->r * p->s;
    return (struct direct){
        .win = forward_window(p), .h = {0, 1, p->r, 0, 0}, .v = {0, 1, p->s, 0, 0}, .sources = sources, .results = results, .group_weights = results * sources * area,
        .result_weights = sources * area, .source_weights = area, .filter_width = p->s, .out = {NULL, p->k * p->p * p->q, p->p * p->q, p->q, 1},
    };
}

static struct direct direct_dgrad(const pgd_conv_params *p, int64_t rem_h, int64_t rem_w)
{
    int64_t sources = p->k / p->groups, results = p->c / p->groups, area = p->r * p->s;
    struct direct d = {
        .sources = sources, .results = results, .group_weights = sources * results * area, .result_weights = area, .source_weights = results * area, .filter_width = p->s,
        .out = {NULL, p->c * p->h * p->w, p->h * p->w, p->stride_h * p->w, p->stride_w},
    };
    d.win = dgrad_window(p, rem_h, rem_w, &d.h, &d.v);
    return d;
}

/* Boxes that fit the scratch; false where windows reach too far. */
static int direct_boxes(int64_t *plan, const struct window *win, int64_t sources)
{
    for (int64_t most = DIRECT_COLS;; most = MAX(most / 2, VL)) {
        struct stage stage;
        plan_boxes(plan, win, most);
        struct box box = {0, plan[CONV_IMAGES], 0, plan[CONV_ROWS], 0, plan[CONV_COLS]};
        stage_init(&stage, win, &box);
        if (sources * stage.channel_floats <= DIRECT_STAGE_FLOATS && box.rows * stage.width <= DIRECT_LINE_FLOATS) return 1;
        if (most == VL) return 0;
    }
}

static int64_t direct_plan(int64_t *plan, const struct direct *d, const struct window *widest, int64_t groups, int64_t classes)
{
    if (direct_depth(d) > DIRECT_DEPTH || !direct_boxes(plan, widest, d->sources)) return -1;
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    double group_madds = (double)d->results * (double)MAX(direct_depth(d), 1) * (double)widest->images * (double)(widest->grid_h * widest->grid_w);
    int64_t wanted = chunks_wanted(group_madds * (double)groups * (double)classes), group_block = groups, row_block = d->results;
    double small = 2e5 * (double)boxes / MAX(group_madds, 1); /* chunks that are worth a turn of the pool */
    while (classes * boxes * div_up(groups, group_block) < 4 * wanted && group_block > MAX(small, 1)) group_block = div_up(group_block, 2);
    while (group_block == 1 && classes * boxes * groups * div_up(d->results, row_block) < wanted && row_block > DIRECT_RESULTS) row_block = round_up(div_up(row_block, 2), DIRECT_RESULTS);
    plan[CONV_GROUP_BLOCK] = group_block;
    plan[CONV_GROUP_BLOCKS] = div_up(groups, group_block);
    plan[CONV_ROW_BLOCK] = row_block;
    plan[CONV_ROW_BLOCKS] = div_up(d->results, row_block);
    return classes * boxes * plan[CONV_GROUP_BLOCKS] * plan[CONV_ROW_BLOCKS];
}

/* results x vecs accumulators; to: lines DIRECT_LINE_PITCH apart. */
V_INLINE void direct_body(const float *map, const int32_t *taps, int64_t depth, const float *w, float *to, int64_t positions, const int results, const int vecs)
{
    for (int64_t at = 0; at < positions; at += vecs * VL) {
        vf acc[DIRECT_RESULTS][DIRECT_ALONE_VECS];
        UNROLL for (int i = 0; i < results; i++) {
            UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = v_zero();
        }
        for (int64_t t = 0; t < depth; t++) {
            const float *from = map + taps[t] + at;
            vf pixels[DIRECT_ALONE_VECS];
            UNROLL for (int j = 0; j < vecs; j++) pixels[j] = v_load(from + j * VL);
            UNROLL for (int i = 0; i < results; i++) {
                vf weight = v_set1(w[t * DIRECT_RESULTS + i]);
                UNROLL for (int j = 0; j < vecs; j++) acc[i][j] = v_fma(weight, pixels[j], acc[i][j]);
            }
        }
        UNROLL for (int i = 0; i < results; i++) {
            UNROLL for (int j = 0; j < vecs; j++) v_store(to + i * DIRECT_LINE_PITCH + at + j * VL, acc[i][j]);
        }
    }
}

static void direct_together(const float *map, const int32_t *taps, int64_t depth, const float *w, float *to, int64_t positions) { direct_body(map, taps, depth, w, to, positions, DIRECT_RESULTS, DIRECT_RESULT_VECS); }
static void direct_alone(const float *map, const int32_t *taps, int64_t depth, const float *w, float *to, int64_t positions) { direct_body(map, taps, depth, w, to, positions, 1, DIRECT_ALONE_VECS); }

/* to: [depth][DIRECT_RESULTS] */
static void direct_weights(const struct direct *d, const float *w, int64_t results, float *to)
{
    for (int64_t source = 0; source < d->sources; source++) {
        for (int64_t i = 0; i < d->h.count; i++) {
            for (int64_t j = 0; j < d->v.count; j++, to += DIRECT_RESULTS) {
                const float *from = w + source * d->source_weights + (d->h.first + i * d->h.step) * d->filter_width + d->v.first + j * d->v.step;
                for (int64_t r = 0; r < results; r++) to[r] = from[r * d->result_weights];
            }
        }
    }
}

static void direct_store(const struct stage *s, const float *line, float *to, const struct grid_out *out)
{
    for (int64_t row = 0; row < s->box.rows; row++, line += s->width, to += out->pitch) {
        if (out->step == 1) {
            int64_t i = 0;
            for (; i + VL <= s->box.cols; i += VL) v_store(to + i, v_load(line + i));
            if (i < s->box.cols) v_store_part(to + i, v_load(line + i), s->box.cols - i);
        } else {
            for (int64_t i = 0; i < s->box.cols; i++) to[i * out->step] = line[i];
        }
    }
}

/* The scratch of a chunk, and the stage laid over it. */
struct direct_room {
    float *line, *weights, *maps;
    struct stage stage;
    int32_t taps[DIRECT_DEPTH];
};

static void direct_enter(struct direct_room *room, const struct window *win, const struct box *box, int64_t depth, void *scratch)
{
    room->line = (float *)(void *)((char *)scratch + PGD_EPILOGUE_SCRATCH_BYTES);
    room->weights = room->line + DIRECT_RESULTS * DIRECT_LINE_PITCH;
    room->maps = room->weights + DIRECT_DEPTH * DIRECT_RESULTS;
    stage_init(&room->stage, win, box);
    room->stage.taps = room->taps;
    if (depth > 0) stage_taps(&room->stage, 0, depth);
}

/* Rows first to last of the results of a group; the maps are staged. */
static void direct_group(const struct direct *d, const struct direct_room *room, const float *w, float *y, int64_t first, int64_t last)
{
    const struct stage *s = &room->stage;
    int64_t positions = (s->box.rows - 1) * s->width + s->box.cols, depth = direct_depth(d), n;
    for (int64_t row = first; row < last; row += n) {
        n = last - row >= DIRECT_RESULTS ? DIRECT_RESULTS : 1;
        direct_weights(d, w + row * d->result_weights, n, room->weights);
        for (int64_t image = 0; image < s->box.images; image++) {
            float *to = y + (s->box.image + image) * d->out.image_floats + row * d->out.c_row + s->box.u * d->out.pitch + s->box.v * d->out.step;
            (n == 1 ? direct_alone : direct_together)(room->maps + image * s->image_floats, room->taps, depth, room->weights, room->line, positions);
            for (int64_t i = 0; i < n; i++) direct_store(s, room->line + i * DIRECT_LINE_PITCH, to + i * d->out.c_row, &d->out);
        }
    }
}

static void direct_run(const struct direct *d, const pgd_conv_params *p, const struct box *box, const float *w, int64_t chunk, char *const *mem, void *scratch)
{
    const int64_t *plan = p->plan;
    struct direct_room room;
    int64_t first = chunk % plan[CONV_ROW_BLOCKS] * plan[CONV_ROW_BLOCK], last = MIN(first + plan[CONV_ROW_BLOCK], d->results);
    int64_t group = chunk / plan[CONV_ROW_BLOCKS] * plan[CONV_GROUP_BLOCK], end = MIN(group + plan[CONV_GROUP_BLOCK], p->groups), done = group * d->results + first;
    int64_t cols = box->images * box->rows * box->cols;
    direct_enter(&room, &d->win, box, direct_depth(d), scratch);
    for (; group < end; group++) {
        int64_t row = group * d->results + last;
        for (int64_t i = 0; i < d->sources; i++) stage_channel(&room.stage, group * d->sources + i, room.maps + i * room.stage.channel_floats);
        direct_group(d, &room, w + group * d->group_weights, d->out.base + group * d->results * d->out.c_row, first, last);
        if (group + 1 == end || (row - done) * cols >= HOT_ELEMS) {
            finish_box(p->epilogue, &d->out, mem, box, done, row - done, box->u, box->u + box->rows, box->v, box->v + box->cols, scratch);
            done = row;
        }
    }
}

static int64_t direct_forward_plan(pgd_conv_params *p)
{
    memset(p->plan, 0, sizeof p->plan);
    if (p->n <= 0 || p->k <= 0 || p->p <= 0 || p->q <= 0) return 0;
    struct direct d = direct_forward(p);
    if (p->r * p->s == 1 && d.sources > 1) return -1; /* a product as it lies */
    return direct_plan(p->plan, &d, &d.win, p->groups, 1);
}

static void direct_forward_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    struct direct d = direct_forward(p);
    struct box box;
    if (!chunk_box(&box, p->plan, &d.win, &chunk)) return;
    d.win.x = (const float *)(void *)mem[0];
    d.out.base = (float *)(void *)mem[2];
    direct_run(&d, p, &box, (const float *)(void *)mem[1], chunk, mem, scratch);
}

static int64_t direct_dgrad_plan(pgd_conv_params *p)
{
    memset(p->plan, 0, sizeof p->plan);
    if (p->n <= 0 || p->c <= 0 || p->h <= 0 || p->w <= 0) return 0;
    struct window widest = dgrad_widest(p);
    struct direct d = direct_dgrad(p, 0, 0);
    d.win.taps_h = widest.taps_h, d.win.taps_w = widest.taps_w;
    return direct_plan(p->plan, &d, &widest, p->groups, MIN(p->stride_h, p->h) * MIN(p->stride_w, p->w));
}

static void direct_dgrad_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    const pgd_conv_params *p = params;
    int64_t classes_w = MIN(p->stride_w, p->w), classes = MIN(p->stride_h, p->h) * classes_w, rem_h = chunk % classes / classes_w, rem_w = chunk % classes_w;
    struct direct d = direct_dgrad(p, rem_h, rem_w);
    struct box box;
    chunk /= classes;
    if (!chunk_box(&box, p->plan, &d.win, &chunk)) return;
    d.win.x = (const float *)(void *)mem[0];
    d.out.base = (float *)(void *)mem[2] + rem_h * p->w + rem_w;
    direct_run(&d, p, &box, (const float *)(void *)mem[1], chunk, mem, scratch);
}

/* ---- gradient by the weights: a chunk is some results of a group, all boxes one after the other -------------------------------------------------- */

static int64_t direct_wgrad_plan(pgd_conv_params *p)
{
    int64_t *plan = p->plan;
    memset(p->plan, 0, sizeof p->plan);
    if (p->k <= 0 || p->c <= 0) return 0;
    struct direct d = direct_forward(p);
    bool empty = p->n <= 0 || p->p <= 0 || p->q <= 0; /* sums of nothing; there are no boxes */
    if (direct_depth(&d) > DIRECT_DEPTH || d.results > DIRECT_D_RESULTS || (!empty && !direct_boxes(plan, &d.win, d.sources))) return -1;
    double madds = (double)p->groups * (double)d.results * (double)direct_depth(&d) * (double)d.win.images * (double)(d.win.grid_h * d.win.grid_w);
    int64_t wanted = chunks_wanted(madds);
    plan[CONV_ROW_BLOCK] = even_block(d.results, MAX(d.results * p->groups / wanted, 1), 1);
    plan[CONV_ROW_BLOCKS] = div_up(d.results, plan[CONV_ROW_BLOCK]);
    return !empty && p->groups * plan[CONV_ROW_BLOCKS] < MIN(wanted, 4) ? -1 : p->groups * plan[CONV_ROW_BLOCKS]; /* chunks are whole sums; where those are few, others share better */
}

/* Adds DIRECT_SUMS taps' sums over one box of one image. */
static void direct_sums(const struct stage *s, const float *map, const int32_t *taps, const float *dy, int64_t pitch, double *sums)
{
    vf acc[DIRECT_SUMS];
    float lanes[DIRECT_SUMS][VL];
    UNROLL for (int t = 0; t < DIRECT_SUMS; t++) acc[t] = v_zero();
    for (int64_t row = 0; row < s->box.rows; row++, map += s->width, dy += pitch) {
        int64_t i = 0;
        for (; i + VL <= s->box.cols; i += VL) {
            vf gradient = v_load(dy + i);
            UNROLL for (int t = 0; t < DIRECT_SUMS; t++) acc[t] = v_fma(gradient, v_load(map + taps[t] + i), acc[t]);
        }
        if (i < s->box.cols) {
            vf gradient = v_load_part(dy + i, s->box.cols - i);
            UNROLL for (int t = 0; t < DIRECT_SUMS; t++) acc[t] = v_fma(gradient, v_load_part(map + taps[t] + i, s->box.cols - i), acc[t]);
        }
    }
    UNROLL for (int t = 0; t < DIRECT_SUMS; t++) v_store(lanes[t], acc[t]);
    for (int t = 0; t < DIRECT_SUMS; t++) {
        for (int i = 0; i < VL; i++) sums[t] += (double)lanes[t][i];
    }
}

/* mem: dy, x, dw */
static void direct_wgrad_chunk(const void *params, char *const *mem, int64_t chunk, void *scratch)
{
    enum { TAPS = (DIRECT_DEPTH + DIRECT_SUMS - 1) / DIRECT_SUMS * DIRECT_SUMS };
    const pgd_conv_params *p = params;
    const int64_t *plan = p->plan;
    struct direct d = direct_forward(p);
    int64_t group = chunk / plan[CONV_ROW_BLOCKS], first = chunk % plan[CONV_ROW_BLOCKS] * plan[CONV_ROW_BLOCK], rows = MIN(plan[CONV_ROW_BLOCK], d.results - first), depth = direct_depth(&d);
    int64_t boxes = plan[CONV_BOXES_IMAGE] * plan[CONV_BOXES_ROW] * plan[CONV_BOXES_COL];
    const float *dy = (const float *)(void *)mem[0] + (group * d.results + first) * d.out.c_row;
    float *dw = (float *)(void *)mem[2] + group * d.group_weights + first * d.result_weights;
    double sums[DIRECT_D_RESULTS][TAPS];
    memset(sums, 0, sizeof sums);
    d.win.x = (const float *)(void *)mem[1];
    for (int64_t b = 0; b < boxes; b++) {
        struct direct_room room;
        struct box box;
        int32_t taps[TAPS];
        int64_t number = b;
        if (!chunk_box(&box, plan, &d.win, &number)) continue;
        direct_enter(&room, &d.win, &box, depth, scratch);
        for (int64_t t = 0; t < TAPS; t++) taps[t] = room.taps[t < depth ? t : 0]; /* those too many are summed in vain */
        for (int64_t i = 0; i < d.sources; i++) stage_channel(&room.stage, group * d.sources + i, room.maps + i * room.stage.channel_floats);
        for (int64_t image = 0; image < box.images; image++) {
            const float *gradient = dy + (box.image + image) * d.out.image_floats + box.u * d.out.pitch + box.v;
            for (int64_t row = 0; row < rows; row++) {
                for (int64_t t = 0; t < depth; t += DIRECT_SUMS)
                    direct_sums(&room.stage, room.maps + image * room.stage.image_floats, taps + t, gradient + row * d.out.c_row, d.out.pitch, sums[row] + t);
            }
        }
    }
    for (int64_t row = 0; row < rows; row++) {
        for (int64_t t = 0; t < depth; t++) dw[row * d.result_weights + t] = (float)sums[row][t];
    }
}
