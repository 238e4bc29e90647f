/* SPDX-License-Identifier: Apache-2.0
 * Resizing of planes: down first, which is a vector loop over whole rows, then across through a table of columns. Weights of 0 read nothing. */

typedef struct columns {
    int32_t *first, *second; /* [out_w] */
    float *weight;
    float *row;              /* [in_w] */
} columns;

static columns columns_of(const pgd_resize_params *p, void *scratch) {
    columns c = {.first = scratch};
    c.second = c.first + p->out_w;
    c.weight = (float *)(void *)(c.second + p->out_w);
    c.row = c.weight + p->out_w;
    for (int64_t j = 0; j < p->out_w; j++) {
        pgd_resize_place at = pgd_resize_at(p->mode, p->grid, j, p->in_w, p->out_w);
        c.first[j] = (int32_t)at.first, c.second[j] = (int32_t)at.second, c.weight[j] = (float)at.weight;
    }
    return c;
}

/* mem: x, y */
static void resize(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_resize_params *p = params;
    columns c = columns_of(p, scratch);
    int64_t pieces = (p->out_h + p->rows_per_chunk - 1) / p->rows_per_chunk, plane = chunk / pieces, row = chunk % pieces * p->rows_per_chunk;
    int64_t end = row + p->rows_per_chunk < p->out_h ? row + p->rows_per_chunk : p->out_h;
    const float *x = (const float *)(const void *)mem[0] + plane * p->in_h * p->in_w;
    float *y = (float *)(void *)mem[1] + plane * p->out_h * p->out_w;
    for (; row < end; row++) {
        pgd_resize_place at = pgd_resize_at(p->mode, p->grid, row, p->in_h, p->out_h);
        const float *above = x + at.first * p->in_w, *below = x + at.second * p->in_w, *from = above;
        float *to = y + row * p->out_w, weight = (float)at.weight;
        if (weight != 0) {
            for (int64_t i = 0; i < p->in_w; i++) c.row[i] = above[i] * (1.0f - weight) + below[i] * weight;
            from = c.row;
        }
        if (p->mode == PGD_RESIZE_NEAREST)
            for (int64_t j = 0; j < p->out_w; j++) to[j] = from[c.first[j]];
        else
            for (int64_t j = 0; j < p->out_w; j++) {
                float left = from[c.first[j]], right = from[c.second[j]], w = c.weight[j], mixed = left * (1.0f - w) + right * w;
                to[j] = w == 0 ? left : mixed;
            }
    }
}

/* mem: dy, dx */
static void resize_d(const void *params, char *const *mem, int64_t plane, void *scratch) {
    const pgd_resize_params *p = params;
    columns c = columns_of(p, scratch);
    const float *dy = (const float *)(const void *)mem[0] + plane * p->out_h * p->out_w;
    float *dx = (float *)(void *)mem[1] + plane * p->in_h * p->in_w;
    memset(dx, 0, (size_t)(p->in_h * p->in_w) * sizeof *dx);
    for (int64_t row = 0; row < p->out_h; row++, dy += p->out_w) {
        pgd_resize_place at = pgd_resize_at(p->mode, p->grid, row, p->in_h, p->out_h);
        float *above = dx + at.first * p->in_w, *below = dx + at.second * p->in_w, weight = (float)at.weight;
        memset(c.row, 0, (size_t)p->in_w * sizeof *c.row);
        for (int64_t j = 0; j < p->out_w; j++) {
            float w = c.weight[j];
            c.row[c.first[j]] += dy[j] * (1.0f - w);
            if (w != 0) c.row[c.second[j]] += dy[j] * w;
        }
        for (int64_t i = 0; i < p->in_w; i++) above[i] += c.row[i] * (1.0f - weight);
        for (int64_t i = 0; i < p->in_w && weight != 0; i++) below[i] += c.row[i] * weight;
    }
}
