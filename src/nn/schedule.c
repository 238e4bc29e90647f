/* SPDX-License-Identifier: Apache-2.0
 * Learning rates over the steps of a training. */
#include <math.h>
#include <string.h>

#include "layer.h"

void pgd_schedule_init(pgd_schedule *schedule, size_t struct_bytes) {
    const pgd_schedule defaults = {.struct_bytes = (uint32_t)struct_bytes, .kind = PGD_SCHEDULE_COSINE, .rate = 0.05, .warmup_fraction = 0.1};
    if (PGD_LACKS(schedule)) return;
    memset(schedule, 0, struct_bytes);
    memcpy(schedule, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

double pgd_schedule_rate(const pgd_schedule *schedule, int64_t step_number, int64_t total) {
    if (PGD_LACKS(schedule)) return 0;
    const pgd_schedule *s = schedule;
    double warmup = s->warmup_fraction * (double)total, at = (double)step_number;
    if (at < warmup) return s->rate * (0.04 + 0.96 * at / warmup);
    if (s->kind == PGD_SCHEDULE_CONSTANT || (double)total <= warmup) return s->rate;
    double done = (at - warmup) / ((double)total - warmup), last = s->rate * s->final_fraction;
    if (s->kind == PGD_SCHEDULE_COSINE) return last + (s->rate - last) * 0.5 * (1 + cos(3.14159265358979323846 * done));
    return s->rate + (last - s->rate) * done; /* one cycle: a straight line up, a straight line down */
}
