/* SPDX-License-Identifier: Apache-2.0 */
#include "digits.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "digit_strokes.h"

/* The same bytes everywhere need plain IEEE single precision: no fused multiply-add (-std=c17 of gcc leaves it out
 * by itself), no libm function but sqrtf, which is exactly rounded. */
#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif
#ifdef __FAST_MATH__
#error "digits.c must not be compiled with -ffast-math: its pictures are fixed to the last bit"
#endif

enum {
    SPAN_STEPS = 6,
    TRACE_MAX = DIGIT_KNOTS_MAX * SPAN_STEPS,
};

/* ---- random numbers: draw n of picture (seed, index) is a hash of the three ---- */

struct dice {
    uint64_t state;
};

/* The finaliser of splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t scramble(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static struct dice dice_make(uint64_t seed, uint64_t purpose, uint64_t index)
{
    return (struct dice){scramble(scramble(seed + UINT64_C(0x9e3779b97f4a7c15) * (purpose + 1)) ^ scramble(index))};
}

static uint32_t dice_bits(struct dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(scramble(dice->state) >> 32);
}

/* 0..count-1 */
static int dice_choice(struct dice *dice, int count)
{
    return (int)(((uint64_t)dice_bits(dice) * (uint64_t)count) >> 32);
}

static float dice_between(struct dice *dice, float low, float high)
{
    return low + (high - low) * ((float)(dice_bits(dice) >> 8) * (1.0f / 16777216.0f));
}

/* Nearly normal, mean 0 and deviation 1, never beyond 3.5: the sum of four uniform numbers of 16 bits. */
static float dice_normal(struct dice *dice)
{
    const uint32_t a = dice_bits(dice), b = dice_bits(dice);
    const int32_t sum = (int32_t)((a & 0xffff) + (a >> 16) + (b & 0xffff) + (b >> 16)) - 131070;
    return (float)sum * (1.7320508f / 65535.0f);
}

/* sin(2 pi turns) to about 1e-3, from + and * alone: a parabola per half wave, then one correcting step. */
static float wave(float turns)
{
    float t = turns - (float)(int)turns;
    t = t < 0 ? t + 1 : t;
    const float half = t < 0.5f ? t : t - 0.5f;
    const float arch = 16 * half * (0.5f - half);
    const float height = arch + 0.225f * (arch * arch - arch);
    return t < 0.5f ? height : -height;
}

/* ---- one person's hand on one occasion ---- */

struct hand {
    float wobble;                  /* how far knots stray, in units of the digit's height */
    float haste;                   /* 0..1: how far a corner is rounded */
    float roundness;               /* length of the Bezier handles over the chord; 0.37 draws circles */
    float slant, turn, aspect;     /* shear, rotation and width */
    float lean, belly;             /* vertical balance, top wider than bottom */
    float warp[2][3];              /* per axis: amplitude, frequency, phase of a slow wave */
    float pen, pressure, press_at; /* radius in pixels, its swing along the stroke, where it is strongest */
    float softness;                /* width of the edge in pixels */
};

static struct hand hand_make(struct dice *dice)
{
    struct hand h;
    h.wobble = 0.012f + 0.045f * dice_between(dice, 0.0f, 1.0f) * dice_between(dice, 0.0f, 1.0f);
    h.haste = dice_between(dice, -0.5f, 1.0f);
    h.haste = h.haste < 0 ? 0 : h.haste;
    h.roundness = dice_between(dice, 0.30f, 0.42f);
    h.slant = 0.12f + 0.26f * dice_normal(dice);
    h.turn = 0.13f * dice_normal(dice);
    h.aspect = dice_between(dice, 0.50f, 1.05f) * dice_between(dice, 0.9f, 1.7f);
    h.lean = dice_between(dice, -0.5f, 0.5f);
    h.belly = dice_between(dice, -0.5f, 0.5f);
    for (int axis = 0; axis < 2; axis++) {
        h.warp[axis][0] = dice_between(dice, 0.0f, 0.12f);
        h.warp[axis][1] = dice_between(dice, 0.4f, 1.4f);
        h.warp[axis][2] = dice_between(dice, 0.0f, 1.0f);
    }
    const float weight = dice_between(dice, 0.0f, 1.0f);
    h.pen = 0.65f + 1.9f * weight * weight + 0.45f * dice_between(dice, 0.0f, 1.0f);
    h.pressure = dice_between(dice, 0.0f, 0.25f);
    h.press_at = dice_between(dice, 0.0f, 1.0f);
    h.softness = dice_between(dice, 0.9f, 1.4f);
    return h;
}

/* ---- from knots to the trace of the pen ---- */

struct spot {
    float x, y;
};

struct trace {
    int count;
    struct {
        float x, y, radius;
        bool down; /* the pen comes down here: no ink between the point before and this one */
    } at[TRACE_MAX];
};

static struct spot spot_unit(float x, float y)
{
    const float length = sqrtf(x * x + y * y);
    if (length < 1e-6f)
        return (struct spot){0, 0};
    return (struct spot){x / length, y / length};
}

/* A direction mirrored at the chord: what an arc of a circle leaves with when it arrives with `direction`. */
static struct spot spot_mirror(struct spot direction, struct spot chord)
{
    const float along = 2 * (direction.x * chord.x + direction.y * chord.y);
    return (struct spot){along * chord.x - direction.x, along * chord.y - direction.y};
}

static struct spot spot_mix(struct spot a, struct spot b, float share)
{
    return spot_unit(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share);
}

/* The direction in which a smooth stroke passes knot i: that of its neighbours' difference. */
static struct spot knot_direction(const struct spot *spots, int i)
{
    return spot_unit(spots[i + 1].x - spots[i - 1].x, spots[i + 1].y - spots[i - 1].y);
}

static void trace_span(struct trace *trace, struct spot a, struct spot b, struct spot leave, struct spot arrive,
                       float handle)
{
    const struct spot c = {a.x + leave.x * handle, a.y + leave.y * handle};
    const struct spot d = {b.x - arrive.x * handle, b.y - arrive.y * handle};
    for (int step = 1; step <= SPAN_STEPS; step++) {
        const float t = (float)step * (1.0f / SPAN_STEPS), u = 1 - t;
        const float ka = u * u * u, kc = 3 * u * u * t, kd = 3 * u * t * t, kb = t * t * t;
        const int n = trace->count++;
        trace->at[n].x = ka * a.x + kc * c.x + kd * d.x + kb * b.x;
        trace->at[n].y = ka * a.y + kc * c.y + kd * d.y + kb * b.y;
        trace->at[n].down = false;
    }
}

/* One stroke through spots[0..count-1] as a chain of cubic Beziers. */
static void trace_stroke(struct trace *trace, const struct knot *knots, const struct spot *spots, int count,
                         const struct hand *hand)
{
    const int first = trace->count++;
    trace->at[first].x = spots[0].x;
    trace->at[first].y = spots[0].y;
    trace->at[first].down = true;
    for (int i = 0; i + 1 < count; i++) {
        const struct spot a = spots[i], b = spots[i + 1];
        const struct spot chord = spot_unit(b.x - a.x, b.y - a.y);
        const bool smooth_a = i > 0, smooth_b = i + 2 < count;
        struct spot leave = smooth_a ? knot_direction(spots, i) : chord;
        struct spot arrive = smooth_b ? knot_direction(spots, i + 1) : chord;
        if (smooth_a && knots[i].kind == KNOT_CORNER)
            leave = spot_mix(chord, leave, hand->haste);
        if (smooth_b && knots[i + 1].kind == KNOT_CORNER)
            arrive = spot_mix(chord, arrive, hand->haste);
        if (!smooth_a && smooth_b)
            leave = spot_mix(chord, spot_mirror(arrive, chord), 0.7f);
        if (!smooth_b && smooth_a)
            arrive = spot_mix(chord, spot_mirror(leave, chord), 0.7f);
        const float dx = b.x - a.x, dy = b.y - a.y;
        trace_span(trace, a, b, leave, arrive, hand->roundness * sqrtf(dx * dx + dy * dy));
    }
}

static const struct digit_style *style_choose(int digit, struct dice *dice)
{
    int first = 0, total = 0;
    while (digit_styles[first].digit != digit)
        first++;
    for (int i = first; i < digit_style_count && digit_styles[i].digit == digit; i++)
        total += digit_styles[i].weight;
    int ticket = dice_choice(dice, total);
    while (ticket >= digit_styles[first].weight)
        ticket -= digit_styles[first++].weight;
    return &digit_styles[first];
}

static void trace_write(struct trace *trace, const struct digit_style *style, const struct hand *hand,
                        struct dice *dice)
{
    struct spot spots[DIGIT_KNOTS_MAX];
    for (int i = 0; i < style->knot_count; i++) {
        spots[i].x = ((float)style->knots[i].x - 50) * 0.01f + hand->wobble * dice_normal(dice);
        spots[i].y = ((float)style->knots[i].y - 50) * 0.01f + hand->wobble * dice_normal(dice);
    }
    trace->count = 0;
    for (int i = 0; i < style->knot_count;) {
        int end = i + 1;
        while (end < style->knot_count && style->knots[end].kind != KNOT_DOWN)
            end++;
        trace_stroke(trace, style->knots + i, spots + i, end - i, hand);
        i = end;
    }
}

/* ---- the hand's shear, turn, warp and pressure over the whole digit ---- */

/* Sets point i to (x,y), turned.  Both lines add: of a sum beside a difference gcc 12 makes a fused vfmaddsub even
 * where contraction is off, and the pictures would differ on machines that have it. */
static void trace_turn(struct trace *trace, int i, float x, float y, float cosine, float sine)
{
    const float minus_y = -y;
    trace->at[i].x = cosine * x + sine * minus_y;
    trace->at[i].y = sine * x + cosine * y;
}

static void trace_bend(struct trace *trace, const struct hand *hand)
{
    const float sine = wave(hand->turn * 0.15915494f), cosine = wave(hand->turn * 0.15915494f + 0.25f);
    for (int i = 0; i < trace->count; i++) {
        float x = trace->at[i].x, y = trace->at[i].y;
        y += hand->lean * (0.25f - y * y);
        x *= hand->aspect * (1 + hand->belly * y * 2);
        const float wx = hand->warp[0][0] * wave(hand->warp[0][1] * y + hand->warp[0][2]);
        const float wy = hand->warp[1][0] * wave(hand->warp[1][1] * x + hand->warp[1][2]);
        x += wx - hand->slant * y;
        y += wy;
        trace_turn(trace, i, x, y, cosine, sine);
        const float along = (float)i / (float)trace->count;
        trace->at[i].radius = hand->pen * (1 + hand->pressure * wave(along + hand->press_at));
    }
}

/* Scales the trace so that its ink just fills the 20x20 box, and says how large the inked box is. */
static void trace_fit(struct trace *trace, int *height, int *width)
{
    float left = 1e9f, right = -1e9f, top = 1e9f, bottom = -1e9f, radius = 0;
    for (int i = 0; i < trace->count; i++) {
        left = trace->at[i].x < left ? trace->at[i].x : left;
        right = trace->at[i].x > right ? trace->at[i].x : right;
        top = trace->at[i].y < top ? trace->at[i].y : top;
        bottom = trace->at[i].y > bottom ? trace->at[i].y : bottom;
        radius = trace->at[i].radius > radius ? trace->at[i].radius : radius;
    }
    const float wide = right - left, high = bottom - top, longest = wide > high ? wide : high;
    const float scale = ((float)DIGIT_BOX - 2 * radius) / (longest > 1e-3f ? longest : 1e-3f);
    for (int i = 0; i < trace->count; i++) {
        trace->at[i].x = (trace->at[i].x - left) * scale + radius;
        trace->at[i].y = (trace->at[i].y - top) * scale + radius;
    }
    *width = (int)(wide * scale + 2 * radius + 0.999f);
    *height = (int)(high * scale + 2 * radius + 0.999f);
    *width = *width > DIGIT_BOX ? DIGIT_BOX : *width;
    *height = *height > DIGIT_BOX ? DIGIT_BOX : *height;
}

/* ---- ink ---- */

/* Inks the piece of stroke from point n-1 to n: coverage falls from 1 to 0 over `softness` pixels at its edge. */
static void ink_piece(float ink[DIGIT_BOX][DIGIT_BOX], const struct trace *trace, int n, float softness)
{
    const int m = trace->at[n].down ? n : n - 1;
    const float ax = trace->at[m].x - 0.5f, ay = trace->at[m].y - 0.5f, ar = trace->at[m].radius;
    const float dx = trace->at[n].x - 0.5f - ax, dy = trace->at[n].y - 0.5f - ay, dr = trace->at[n].radius - ar;
    const float reach = (dr > 0 ? ar + dr : ar) + 0.5f * softness;
    int x0 = (int)((dx < 0 ? ax + dx : ax) - reach), x1 = (int)((dx < 0 ? ax : ax + dx) + reach) + 1;
    int y0 = (int)((dy < 0 ? ay + dy : ay) - reach), y1 = (int)((dy < 0 ? ay : ay + dy) + reach) + 1;
    x0 = x0 < 0 ? 0 : x0, x1 = x1 >= DIGIT_BOX ? DIGIT_BOX - 1 : x1;
    y0 = y0 < 0 ? 0 : y0, y1 = y1 >= DIGIT_BOX ? DIGIT_BOX - 1 : y1;
    const float square = dx * dx + dy * dy, per_square = square > 1e-9f ? 1 / square : 0, sharpness = 1 / softness;
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++) {
            const float px = (float)x - ax, py = (float)y - ay;
            float t = (px * dx + py * dy) * per_square;
            t = t < 0 ? 0 : t > 1 ? 1 : t;
            const float ex = px - t * dx, ey = py - t * dy;
            const float cover = (ar + t * dr - sqrtf(ex * ex + ey * ey)) * sharpness + 0.5f;
            ink[y][x] = cover > ink[y][x] ? cover : ink[y][x];
        }
}

static void ink_box(const struct trace *trace, const struct hand *hand, struct dice *dice, int height, int width,
                    uint8_t *box)
{
    float ink[DIGIT_BOX][DIGIT_BOX];
    memset(ink, 0, sizeof ink);
    for (int n = 0; n < trace->count; n++)
        ink_piece(ink, trace, n, hand->softness);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            float cover = ink[y][x];
            if (cover > 0)
                cover += dice_between(dice, -0.08f, 0.08f);
            cover = cover < 0 ? 0 : cover > 1 ? 1 : cover;
            box[y * width + x] = (uint8_t)(cover * 255 + 0.5f);
        }
}

/* ---- the data set ---- */

/* Place index % 10 of a shuffled 0..9 that each ten pictures share. */
static int label_of(uint64_t seed, uint64_t index)
{
    struct dice dice = dice_make(seed, 0, index / 10);
    int deck[10] = {0};
    for (int i = 0; i < 10; i++) {
        const int j = dice_choice(&dice, i + 1);
        deck[i] = deck[j];
        deck[j] = i;
    }
    return deck[index % 10];
}

void digits_draw(uint64_t seed, uint64_t index, uint8_t out[DIGIT_PIXELS], uint8_t *label)
{
    const int digit = label_of(seed, index);
    struct dice dice = dice_make(seed, 1, index);
    struct hand hand = hand_make(&dice);
    if (digit == 1)
        hand.pen *= dice_between(&dice, 0.9f, 1.6f); /* with its height alone to fill the box, a 1 comes out bolder */
    struct trace trace;
    trace_write(&trace, style_choose(digit, &dice), &hand, &dice);
    trace_bend(&trace, &hand);
    int height, width;
    trace_fit(&trace, &height, &width);
    uint8_t box[DIGIT_BOX * DIGIT_BOX];
    ink_box(&trace, &hand, &dice, height, width, box);
    digit_place(box, height, width, out);
    *label = (uint8_t)digit;
}
