/* SPDX-License-Identifier: Apache-2.0
 * Statistics per channel of x viewed as [outer, channels, inner]; a chunk is a channel. Each run of `inner` is read twice while it lies in
 * L1; runs are joined with Chan, Golub and LeVeque's update (1979), so that no digits are lost to a large mean. */

static float centred_squares(const float *x, int64_t n, float mean) {
    float part[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) part[k] += (x[i + k] - mean) * (x[i + k] - mean);
    for (int k = 0; i < n; i++, k++) part[k] += (x[i] - mean) * (x[i] - mean);
    return sum_run(part, 16);
}

/* mem: x, mean, variance */
static void moments(const void *params, char *const *mem, int64_t channel, void *scratch) {
    const pgd_channel_params *p = params;
    const float *x = (const float *)(const void *)mem[0];
    double count = 0, sum = 0, squares = 0;
    for (int64_t n = 0; n < p->outer; n++)
        for (int64_t i = 0; i < p->inner; i += 2048) {
            const float *run = x + (n * p->channels + channel) * p->inner + i;
            int64_t width = p->inner - i < 2048 ? p->inner - i : 2048;
            float run_sum = sum_run(run, width), run_mean = run_sum / (float)width;
            double delta = count == 0 ? 0 : (double)run_mean - sum / count, total = count + (double)width;
            squares += (double)centred_squares(run, width, run_mean) + delta * delta * count * (double)width / total;
            sum += (double)run_sum; /* not a mean moved by each run's difference: that makes NaN of an infinite mean */
            count = total;
        }
    ((float *)(void *)mem[1])[channel] = count == 0 ? NAN : (float)(sum / count);
    ((float *)(void *)mem[2])[channel] = count == 0 ? NAN : (float)(squares / count);
}

static float product_run(const float *dy, const float *x, float mean, int64_t n) {
    float part[16] = {0};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        for (int k = 0; k < 16; k++) part[k] += dy[i + k] * (x[i + k] - mean);
    for (int k = 0; i < n; i++, k++) part[k] += dy[i] * (x[i] - mean);
    return sum_run(part, 16);
}

/* mem: dy, x, mean, variance, sum dy, sum dy hat */
static void batch_norm_d(const void *params, char *const *mem, int64_t channel, void *scratch) {
    const pgd_channel_params *p = params;
    const float *dy = (const float *)(const void *)mem[0], *x = (const float *)(const void *)mem[1];
    float mean = ((const float *)(const void *)mem[2])[channel], r = 1.0f / __builtin_sqrtf(((const float *)(const void *)mem[3])[channel] + p->epsilon);
    double sum = 0, product = 0;
    for (int64_t n = 0; n < p->outer; n++)
        for (int64_t i = 0; i < p->inner; i += 2048) {
            int64_t at = (n * p->channels + channel) * p->inner + i, width = p->inner - i < 2048 ? p->inner - i : 2048;
            sum += (double)sum_run(dy + at, width);
            product += (double)product_run(dy + at, x + at, mean, width);
        }
    ((float *)(void *)mem[4])[channel] = (float)sum;
    ((float *)(void *)mem[5])[channel] = (float)(product * (double)r);
}
