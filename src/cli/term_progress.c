/* SPDX-License-Identifier: Apache-2.0 */
#include "term_progress.h"

#include <math.h>
#include <time.h>

#include "term_text.h"

#define LIVE_NS UINT64_C(100000000)
#define PLAIN_NS UINT64_C(5000000000)

enum { METER_CELLS = 14, LINE_BREATH = 1 };

uint64_t term_now_ns(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        return 0;
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

void term_progress_start(struct term_progress *progress, const struct term *term, int epochs, uint64_t images_per_epoch,
                         uint64_t images_done, uint64_t now_ns)
{
    *progress = (struct term_progress){
        .term = *term,
        .epochs = epochs,
        .images_per_epoch = images_per_epoch > 0 ? images_per_epoch : 1,
        .start_ns = now_ns,
        .start_images = images_done,
        .shown_ns = now_ns,
        .shown_images = images_done,
        .unit = "images",
        .units_per_sample = 1,
    };
    progress->shown_epoch = (int)(images_done / progress->images_per_epoch);
}

/* ---- the pieces of the line ---- */

static void add_rate(struct term_text *line, double per_s, const char *unit)
{
    if (per_s >= 999500)
        term_text_add(line, "  %.1fM %s/s", per_s / 1e6, unit);
    else if (per_s >= 999.5)
        term_text_add(line, "  %.1fk %s/s", per_s / 1e3, unit);
    else
        term_text_add(line, "  %.0f %s/s", per_s, unit);
}

static void add_time_left(struct term_text *line, const struct term_progress *progress, uint64_t images_done,
                          uint64_t now_ns)
{
    const uint64_t all = (uint64_t)(progress->epochs > 0 ? progress->epochs : 1) * progress->images_per_epoch;
    const uint64_t fresh = images_done - progress->start_images;
    const double elapsed = (double)(now_ns - progress->start_ns) * 1e-9;
    double seconds = all > images_done && fresh > 0 ? elapsed * (double)(all - images_done) / (double)fresh : 0;
    seconds = seconds > 3.5e6 ? 3.5e6 : seconds;
    const int s = (int)(seconds + 0.5);
    if (s >= 3600)
        term_text_add(line, "  %d:%02d:%02d left", s / 3600, s / 60 % 60, s % 60);
    else
        term_text_add(line, "  %02d:%02d left", s / 60, s % 60);
}

/* At the end of an epoch it is that epoch that is shown, full. */
static void add_epoch(struct term_text *line, const struct term_progress *progress, uint64_t images_done, bool meter)
{
    const uint64_t each = progress->images_per_epoch;
    const uint64_t epoch = images_done > 0 ? (images_done - 1) / each : 0;
    const double share = (double)(images_done - epoch * each) / (double)each;
    term_text_add(line, "epoch %llu/%d", (unsigned long long)epoch + 1, progress->epochs);
    if (meter) {
        term_text_add(line, " [");
        term_text_meter(line, progress->term.blocks, share, METER_CELLS);
        term_text_add(line, "]");
    }
    term_text_add(line, " %.0f %%", floor(share * 100));
}

/* The line with as many details as fit: from level 0, all of it, to level 4, the epoch alone. */
static void make_line(struct term_text *line, const struct term_progress *progress, const struct term_step *step,
                      uint64_t now_ns, int level)
{
    term_text_start(line);
    add_epoch(line, progress, step->images_done, progress->term.live && level < 1);
    if (!isnan(step->loss) && level < 4)
        term_text_add(line, "  loss %.4f", step->loss);
    if (!isnan(step->accuracy) && level < 3)
        term_text_add(line, "  accuracy %.2f %%", 100 * step->accuracy);
    if (level < 2)
        add_rate(line, progress->images_per_s * progress->units_per_sample, progress->unit);
    if (level < 4)
        add_time_left(line, progress, step->images_done, now_ns);
}

static void measure_rate(struct term_progress *progress, uint64_t images_done, uint64_t now_ns)
{
    if (now_ns <= progress->shown_ns || images_done < progress->shown_images)
        return;
    const double seconds = (double)(now_ns - progress->shown_ns) * 1e-9;
    const double rate = (double)(images_done - progress->shown_images) / seconds;
    const double share = progress->images_per_s > 0 ? seconds / (seconds + 1) : 1; /* about the last second counts */
    progress->images_per_s += share * (rate - progress->images_per_s);
}

void term_progress_step(struct term_progress *progress, const struct term_step *step, uint64_t now_ns)
{
    const int epoch = (int)(step->images_done / progress->images_per_epoch);
    const uint64_t pause = progress->term.live ? LIVE_NS : PLAIN_NS;
    if (epoch == progress->shown_epoch && now_ns - progress->shown_ns < pause)
        return;
    measure_rate(progress, step->images_done, now_ns);
    struct term_text line;
    int level = 0;
    do
        make_line(&line, progress, step, now_ns, level);
    while (progress->term.live && line.columns > progress->term.columns - LINE_BREATH && ++level <= 4);
    if (progress->term.live) {
        const int columns = line.columns;
        term_text_pad(&line, progress->shown_columns); /* over the rest of a longer line before */
        fprintf(progress->term.file, "\r%s", line.bytes);
        progress->shown_columns = columns;
    } else {
        fprintf(progress->term.file, "%s\n", line.bytes);
    }
    fflush(progress->term.file);
    progress->shown_ns = now_ns;
    progress->shown_images = step->images_done;
    progress->shown_epoch = epoch;
}

void term_progress_clear(struct term_progress *progress)
{
    if (progress->shown_columns > 0) {
        fprintf(progress->term.file, "\r%*s\r", progress->shown_columns, "");
        fflush(progress->term.file);
    }
    progress->shown_columns = 0;
}

void term_progress_finish(struct term_progress *progress)
{
    if (progress->shown_columns > 0) {
        fputc('\n', progress->term.file);
        fflush(progress->term.file);
    }
    progress->shown_columns = 0;
}
