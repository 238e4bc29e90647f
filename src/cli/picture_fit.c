/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_fit.h"

#include <stdlib.h>
#include <string.h>

/* A rectangle of a picture. */
struct view {
    const uint8_t *pixels; /* of its top left corner */
    size_t stride;
    int height, width;
};

static int int_min(int a, int b)
{
    return a < b ? a : b;
}

/* How much of [a0,a1) lies in [b0,b1). */
static int64_t overlap(int64_t a0, int64_t a1, int64_t b0, int64_t b1)
{
    const int64_t low = a0 > b0 ? a0 : b0, high = a1 < b1 ? a1 : b1;
    return high > low ? high - low : 0;
}

/* The exact mean over one output pixel's area.  On a ruler where a source pixel is `width` long, an output pixel is
 * view.width long: all in whole numbers, at most 2^14 * 2^14 * 255. */
static uint8_t area_mean(const struct view *view, int y, int x, int height, int width)
{
    const int64_t y0 = (int64_t)y * view->height, y1 = y0 + view->height;
    const int64_t x0 = (int64_t)x * view->width, x1 = x0 + view->width;
    int64_t sum = 0;
    for (int64_t sy = y0 / height; sy * height < y1; sy++) {
        const uint8_t *row = view->pixels + (size_t)sy * view->stride;
        int64_t row_sum = 0;
        for (int64_t sx = x0 / width; sx * width < x1; sx++)
            row_sum += overlap(x0, x1, sx * width, (sx + 1) * width) * row[sx];
        sum += row_sum * overlap(y0, y1, sy * height, (sy + 1) * height);
    }
    const int64_t area = (int64_t)view->height * view->width;
    return (uint8_t)((sum + area / 2) / area);
}

/* The largest height x width of the view's aspect ratio inside a box, each at least 1. */
static void fit_sides(const struct view *view, int box_height, int box_width, int *height, int *width)
{
    const int64_t h = view->height, w = view->width;
    if (h * box_width > w * box_height) {
        *height = box_height;
        *width = (int)((w * box_height + h / 2) / h);
    } else {
        *width = box_width;
        *height = (int)((h * box_width + w / 2) / w);
    }
    *height = *height < 1 ? 1 : *height;
    *width = *width < 1 ? 1 : *width;
}

/* Counts the values of the outermost pixels; returns how many there are. */
static uint32_t border_histogram(const struct view *view, uint32_t counts[256])
{
    const int h = view->height, w = view->width;
    memset(counts, 0, 256 * sizeof counts[0]);
    uint32_t total = 0;
    for (int y = 0; y < h; y++) {
        const uint8_t *row = view->pixels + (size_t)y * view->stride;
        const int step = y == 0 || y == h - 1 || w == 1 ? 1 : w - 1;
        for (int x = 0; x < w; x += step, total++)
            counts[row[x]]++;
    }
    return total;
}

static uint8_t border_mean(const struct view *view)
{
    uint32_t counts[256];
    const uint32_t total = border_histogram(view, counts);
    uint64_t sum = total / 2;
    for (uint32_t value = 0; value < 256; value++)
        sum += (uint64_t)value * counts[value];
    return (uint8_t)(sum / total);
}

static int border_median(const struct view *view)
{
    uint32_t counts[256];
    const uint32_t total = border_histogram(view, counts);
    uint32_t seen = 0;
    int value = 0;
    while (seen + counts[value] <= total / 2)
        seen += counts[value++];
    return value;
}

static struct view whole(const struct picture *picture, int channel)
{
    const size_t width = (size_t)picture->width, plane = (size_t)picture->height * width;
    return (struct view){picture->pixels + (size_t)channel * plane, width, picture->height, picture->width};
}

static void fit_plane(const struct view *view, int height, int width, uint8_t *out)
{
    int inner_height, inner_width;
    fit_sides(view, height, width, &inner_height, &inner_width);
    memset(out, border_mean(view), (size_t)height * (size_t)width);
    const int top = (height - inner_height) / 2, left = (width - inner_width) / 2;
    for (int y = 0; y < inner_height; y++)
        for (int x = 0; x < inner_width; x++)
            out[(size_t)(top + y) * (size_t)width + (size_t)(left + x)] =
                area_mean(view, y, x, inner_height, inner_width);
}

void picture_fit(const struct picture *picture, int height, int width, uint8_t *out)
{
    for (int c = 0; c < picture->channels; c++) {
        const struct view view = whole(picture, c);
        fit_plane(&view, height, width, out + (size_t)c * (size_t)height * (size_t)width);
    }
}

void picture_fit_channels(struct picture *picture, int channels, int height, int width, uint8_t *out)
{
    const size_t plane = (size_t)height * (size_t)width;
    if (channels == 1)
        picture_make_grey(picture);
    picture_fit(picture, height, width, out);
    for (int c = picture->channels; c < channels; c++)
        memcpy(out + (size_t)c * plane, out, plane);
}

/* ---- a digit ---- */

/* How dark or bright the paper is, and which values are ink on it. */
struct ink {
    int paper;    /* the border's median */
    int strength; /* the largest distance from the paper towards the ink's side */
    bool dark;    /* ink darker than the paper */
};

static struct ink ink_find(const struct picture *picture)
{
    const size_t count = (size_t)picture->height * (size_t)picture->width;
    int low = 255, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = picture->pixels[i] < low ? picture->pixels[i] : low;
        high = picture->pixels[i] > high ? picture->pixels[i] : high;
    }
    const struct view view = whole(picture, 0);
    struct ink ink = {.paper = border_median(&view)};
    ink.dark = 2 * ink.paper > low + high;
    ink.strength = ink.dark ? ink.paper - low : high - ink.paper;
    return ink;
}

/* 0..255: how much ink a value is; the eighth next to the paper's value counts as paper, for its grain. */
static uint8_t ink_amount(const struct ink *ink, uint8_t value)
{
    const int distance = ink->dark ? ink->paper - value : value - ink->paper;
    const int amount = (8 * distance - ink->strength) * 255 / (7 * ink->strength);
    return (uint8_t)(amount < 0 ? 0 : amount);
}

/* The smallest rectangle with all pixels that are at least a quarter ink; the strongest one is always there. */
static struct view ink_box(const uint8_t *ink, int height, int width)
{
    int top = height, bottom = -1, left = width, right = -1;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (ink[(size_t)y * (size_t)width + (size_t)x] >= 64) {
                top = int_min(top, y);
                left = int_min(left, x);
                bottom = y;
                right = x > right ? x : right;
            }
    return (struct view){ink + (size_t)top * (size_t)width + (size_t)left, (size_t)width, bottom - top + 1,
                         right - left + 1};
}

/* Thin lines fade when a large picture shrinks; MNIST's do not. */
static void stretch_to_full(uint8_t *pixels, int count)
{
    int peak = 1;
    for (int i = 0; i < count; i++)
        peak = pixels[i] > peak ? pixels[i] : peak;
    for (int i = 0; i < count; i++)
        pixels[i] = (uint8_t)(pixels[i] * 255 / peak);
}

bool picture_as_digit(const struct picture *picture, const char *name, uint8_t out[DIGIT_PIXELS],
                      struct cli_error *error)
{
    const struct ink ink = ink_find(picture);
    if (picture->height == DIGIT_SIDE && picture->width == DIGIT_SIDE && !ink.dark && ink.paper < 128) {
        memcpy(out, picture->pixels, DIGIT_PIXELS);
        return true;
    }
    if (ink.strength < 8)
        return cli_fail(error, "%s: no ink to be seen: all pixels have about the value %d; give a picture of a digit",
                        name, ink.paper);
    const size_t count = (size_t)picture->height * (size_t)picture->width;
    uint8_t *amounts = malloc(count);
    if (amounts == NULL)
        return cli_fail(error, "%s: no memory for %zu pixels; scale the picture", name, count);
    for (size_t i = 0; i < count; i++)
        amounts[i] = ink_amount(&ink, picture->pixels[i]);
    const struct view view = ink_box(amounts, picture->height, picture->width);
    uint8_t box[DIGIT_BOX * DIGIT_BOX];
    int height, width;
    fit_sides(&view, DIGIT_BOX, DIGIT_BOX, &height, &width);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            box[y * width + x] = area_mean(&view, y, x, height, width);
    free(amounts);
    stretch_to_full(box, height * width);
    digit_place(box, height, width, out);
    return true;
}
