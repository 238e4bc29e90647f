/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of a training: one line that is rewritten on a terminal, a line now and then elsewhere. */
#ifndef TERM_PROGRESS_H
#define TERM_PROGRESS_H

#include <stdint.h>

#include "term.h"

/* What is known after a step; loss and accuracy (0..1) may be NaN while unknown. */
struct term_step {
    uint64_t images_done; /* in the whole run, over all epochs */
    double loss, accuracy;
};

struct term_progress {
    struct term term;
    int epochs;
    uint64_t images_per_epoch;
    uint64_t start_ns, start_images; /* where this run began; a resumed one does not begin at 0 */
    uint64_t shown_ns, shown_images; /* at the last line */
    double images_per_s;             /* smoothed */
    int shown_columns;               /* of the line that stands on the terminal, 0: none */
    int shown_epoch;                 /* epochs finished at the last line */
    const char *unit;                /* of the rate: "images"; start sets it, and the number below to 1 */
    double units_per_sample;
};

uint64_t term_now_ns(void);

/* images_done: how many a resumed run has behind it. */
void term_progress_start(struct term_progress *progress, const struct term *term, int epochs, uint64_t images_per_epoch,
                         uint64_t images_done, uint64_t now_ns);

/* Shows a step unless a line was shown too recently: 0.1 s on a terminal, else 5 s; the end of an epoch is shown
 * always. */
void term_progress_step(struct term_progress *progress, const struct term_step *step, uint64_t now_ns);

/* Takes the line away so that something else can be printed; the next step draws it again. */
void term_progress_clear(struct term_progress *progress);

/* Ends the line and leaves it standing. */
void term_progress_finish(struct term_progress *progress);

#endif
