/* SPDX-License-Identifier: Apache-2.0
 * Rotary embedding: sines and cosines of one position serve all heads. Angles are f64, so that far positions turn as exactly as near ones. */

/* mem: x, positions, y */
static void rope(const void *params, char *const *mem, int64_t chunk, void *scratch) {
    const pgd_rope_params *p = params;
    float *c = scratch, *s = c + p->half;
    int64_t end = (chunk + 1) * p->rows_per_chunk < p->rows ? (chunk + 1) * p->rows_per_chunk : p->rows;
    for (int64_t row = chunk * p->rows_per_chunk; row < end; row++) {
        double position = (double)((const int32_t *)(const void *)mem[1])[row];
        for (int64_t i = 0; i < p->half; i++) {
            double angle = position * p->frequencies[i], n = round_double(angle * 0.6366197723675814);
            int32_t quarter = (int32_t)n;
            float r = (float)(angle - n * 1.5707963267341256 - n * 6.077100506506192e-11), near_sin = sin_near(r), near_cos = cos_near(r);
            float sine = (quarter & 1) != 0 ? near_cos : near_sin, cosine = (quarter & 1) != 0 ? near_sin : near_cos;
            s[i] = ((quarter & 2) != 0) != (p->inverse != 0) ? -sine : sine;
            c[i] = ((quarter + 1) & 2) != 0 ? -cosine : cosine;
        }
        for (int64_t h = 0; h < p->heads; h++) {
            const float *x = (const float *)(const void *)mem[0] + (row * p->heads + h) * 2 * p->half, *other = x + p->half;
            float *y = (float *)(void *)mem[2] + (row * p->heads + h) * 2 * p->half, *y_other = y + p->half;
            for (int64_t i = 0; i < p->half; i++) {
                float a = x[i], b = other[i];
                y[i] = a * c[i] - b * s[i];
                y_other[i] = b * c[i] + a * s[i];
            }
        }
    }
}
