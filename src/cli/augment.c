/* SPDX-License-Identifier: Apache-2.0 */
#include "augment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIDE_MAX = 16384, EMPTY = -1, DEGREES = 15 };

static const char *const words[] = {
#define X(name, word) word,
    AUGMENT_LIST(X)
#undef X
};
enum { KINDS = sizeof words / sizeof words[0] };

bool augment_parse(const char *list, unsigned *kinds, struct cli_error *error) {
    *kinds = 0;
    if (strcmp(list, "none") == 0) return true;
    for (const char *at = list;; at++) {
        size_t length = strcspn(at, ",");
        int k = 0;
        while (k < KINDS && (strlen(words[k]) != length || memcmp(words[k], at, length) != 0)) k++;
        if (k == KINDS && length == 4 && memcmp(at, "none", 4) == 0) return cli_fail(error, "--augment: \"%s\": none stands alone", list);
        if (k == KINDS) return cli_fail(error, "--augment: there is no \"%.*s\"; use none, or some of crop,flip,cutout,rotate", (int)(length < 100 ? length : 100), at);
        *kinds |= 1u << k;
        at += length;
        if (*at == '\0') return true;
    }
}

void augment_name(unsigned kinds, char *out, size_t out_bytes) {
    size_t used = 0;
    snprintf(out, out_bytes, "none");
    for (int k = 0; k < KINDS && used < out_bytes; k++)
        if ((kinds & 1u << k) != 0) used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used > 0 ? "," : "", words[k]);
}

/* What is done to one picture. */
struct fate {
    const struct augment *a;
    int height, width;
    int down, right;     /* of the shift */
    int crop_y, crop_x;  /* where the crop begins */
    bool flip;
    int64_t cosine, sine; /* of the rotation, times 65536; whole numbers give the same bytes everywhere */
    int16_t columns[SIDE_MAX]; /* of the picture (turned, if it is), for every column of the result, or EMPTY */
};

/* A number of its own for each kind, so that one more kind changes nothing in the others: splitmix64 (Steele et al. 2014). */
static uint64_t draw(uint64_t random, int which) {
    uint64_t z = random + UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(which + 1);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* lo..hi of the upper or lower half of a random number */
static int between(uint64_t half, int lo, int hi) { return lo + (int)((half & 0xffffffff) * (uint64_t)(hi - lo + 1) >> 32); }

/* 0 1 2 3 -> .. 2 1 [0 1 2 3] 2 1 .. */
static int mirror(int64_t i, int n) {
    if (n == 1) return 0;
    while (i < 0 || i >= n) i = i < 0 ? -i : 2 * (int64_t)n - 2 - i;
    return (int)i;
}

static int shorter(const struct fate *f) { return f->height < f->width ? f->height : f->width; }

static void decide(struct fate *f, uint64_t random) {
    const struct augment *a = f->a;
    uint64_t span = 2 * (uint64_t)a->shift + 1;
    f->down = (int)(random % span) - a->shift, f->right = (int)((random >> 32) % span) - a->shift;
    if ((a->kinds & AUGMENT_CROP) != 0) {
        uint64_t r = draw(random, AUGMENT_ORDER_CROP);
        int pad = (shorter(f) + 4) / 8;
        f->crop_y = between(r, -pad, pad), f->crop_x = between(r >> 32, -pad, pad);
    }
    f->cosine = 65536, f->sine = 0;
    f->flip = (a->kinds & AUGMENT_FLIP) != 0 && draw(random, AUGMENT_ORDER_FLIP) >> 63 != 0;
    if ((a->kinds & AUGMENT_ROTATE) != 0) {
        int steps = between(draw(random, AUGMENT_ORDER_ROTATE), -1024, 1024);
        double angle = steps * (DEGREES * 3.14159265358979323846 / 180 / 1024);
        f->cosine = llround(cos(angle) * 65536), f->sine = llround(sin(angle) * 65536);
    }
}

/* The row that a row of the result shows, or EMPTY; the same for columns. */
static int row_of(const struct fate *f, int y) {
    int at = mirror((int64_t)y + f->crop_y, f->height) - f->down;
    return at < 0 || at >= f->height ? EMPTY : at;
}

static int column_of(const struct fate *f, int x) {
    int at = mirror((int64_t)(f->flip ? f->width - 1 - x : x) + f->crop_x, f->width) - f->right;
    return at < 0 || at >= f->width ? EMPTY : at;
}

static void copy_row(const struct fate *f, const uint8_t *plane, int row, uint8_t *to) {
    const uint8_t *from = plane + (size_t)row * (size_t)f->width;
    for (int x = 0; x < f->width; x++) to[x] = f->columns[x] == EMPTY ? 0 : from[f->columns[x]];
}

/* Between which four pixels of a plane the turned pixel (y,x) lies, and how far below and right of the first, in 256ths. Positions count half pixels from the centre,
 * in 65536ths. */
struct corners {
    size_t at[4];
    int64_t down, right;
};

static struct corners find_corners(const struct fate *f, int y, int x) {
    int64_t dy = 2 * (int64_t)y - (f->height - 1), dx = 2 * (int64_t)x - (f->width - 1);
    int64_t sy = (f->cosine * dy - f->sine * dx + (int64_t)(f->height - 1) * 65536) / 2 + 128, sx = (f->cosine * dx + f->sine * dy + (int64_t)(f->width - 1) * 65536) / 2 + 128;
    int64_t top = sy >> 16, left = sx >> 16;
    size_t upper = (size_t)mirror(top, f->height) * (size_t)f->width, lower = (size_t)mirror(top + 1, f->height) * (size_t)f->width;
    size_t l = (size_t)mirror(left, f->width), r = (size_t)mirror(left + 1, f->width);
    return (struct corners){{upper + l, upper + r, lower + l, lower + r}, sy >> 8 & 255, sx >> 8 & 255};
}

static uint8_t blend(const struct corners *k, const uint8_t *plane) {
    int64_t upper = plane[k->at[0]] * (256 - k->right) + plane[k->at[1]] * k->right, lower = plane[k->at[2]] * (256 - k->right) + plane[k->at[3]] * k->right;
    return (uint8_t)((upper * (256 - k->down) + lower * k->down + 32768) >> 16);
}

static void turn_row(const struct fate *f, const uint8_t *from, int channels, int row, uint8_t *to) {
    size_t plane = (size_t)f->height * (size_t)f->width;
    for (int x = 0; x < f->width; x++) {
        struct corners k = {0};
        if (f->columns[x] != EMPTY) k = find_corners(f, row, f->columns[x]);
        for (int c = 0; c < channels; c++) to[(size_t)c * plane + (size_t)x] = f->columns[x] == EMPTY ? 0 : blend(&k, from + (size_t)c * plane);
    }
}

static void cut_out(const struct fate *f, int channels, uint64_t random, uint8_t *to) {
    int side = (shorter(f) + 2) / 4, top = between(random, 0, f->height - 1) - side / 2, left = between(random >> 32, 0, f->width - 1) - side / 2;
    int bottom = top + side < f->height ? top + side : f->height, right = left + side < f->width ? left + side : f->width;
    top = top < 0 ? 0 : top, left = left < 0 ? 0 : left;
    for (int c = 0; c < channels; c++)
        for (int y = top; y < bottom; y++)
            if (right > left) memset(to + ((size_t)c * (size_t)f->height + (size_t)y) * (size_t)f->width + left, f->a->fill[c], (size_t)(right - left));
}

void augment_picture(const struct augment *a, int channels, int height, int width, const uint8_t *from, uint64_t random, uint8_t *to) {
    struct fate f;
    size_t plane = (size_t)height * (size_t)width;
    if (a->kinds == 0 && a->shift == 0) {
        memcpy(to, from, (size_t)channels * plane);
        return;
    }
    f.a = a, f.height = height, f.width = width, f.crop_y = f.crop_x = 0; /* all but the columns, which are many */
    decide(&f, random);
    for (int x = 0; x < width; x++) f.columns[x] = (int16_t)column_of(&f, x);
    for (int y = 0; y < height; y++) {
        int row = row_of(&f, y);
        uint8_t *out = to + (size_t)y * (size_t)width;
        if (row != EMPTY && (a->kinds & AUGMENT_ROTATE) != 0) {
            turn_row(&f, from, channels, row, out);
            continue;
        }
        for (int c = 0; c < channels; c++) {
            if (row == EMPTY)
                memset(out + (size_t)c * plane, 0, (size_t)width);
            else
                copy_row(&f, from + (size_t)c * plane, row, out + (size_t)c * plane);
        }
    }
    if ((a->kinds & AUGMENT_CUTOUT) != 0) cut_out(&f, channels, draw(random, AUGMENT_ORDER_CUTOUT), to);
}
