/* SPDX-License-Identifier: Apache-2.0 */
#include "digit_place.h"

#include <string.h>

/* The first row (or column) that brings the centre of mass to 13.5..14.5 counted in pixels' indices, as in MNIST. */
static int box_start(uint64_t moment, uint64_t mass, int extent)
{
    const int slack = DIGIT_SIDE - extent;
    if (mass == 0)
        return slack / 2;
    if (2 * moment >= 27 * mass)
        return 0;
    const int start = (int)((29 * mass - 2 * moment - 1) / (2 * mass)); /* ceil(13.5 - moment / mass) */
    return start > slack ? slack : start;
}

void digit_place(const uint8_t *box, int height, int width, uint8_t out[DIGIT_PIXELS])
{
    uint64_t mass = 0, moment_y = 0, moment_x = 0;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const uint64_t ink = box[y * width + x];
            mass += ink;
            moment_y += ink * (uint64_t)y;
            moment_x += ink * (uint64_t)x;
        }
    const int top = box_start(moment_y, mass, height), left = box_start(moment_x, mass, width);
    memset(out, 0, DIGIT_PIXELS);
    for (int y = 0; y < height; y++)
        memcpy(out + (top + y) * DIGIT_SIDE + left, box + y * width, (size_t)width);
}
