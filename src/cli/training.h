/* SPDX-License-Identifier: Apache-2.0
 * The steps of a training as a person sees them: progress, checkpoints now and then, an orderly stop on Ctrl-C. */
#ifndef TRAINING_H
#define TRAINING_H

#include "checkpoint.h"

struct training {
    struct cli *cli;
    const struct checkpoint *checkpoint;
    const struct checkpoint_setting *settings;
    int setting_count;
    pgd_trainer *trainer;
    const pgd_state *state;
    int64_t epochs, batch, samples, checkpoint_every; /* samples in an epoch */
    const char *unit;          /* what is counted: "images" */
    int64_t units_per_sample;
    /* results */
    double final_loss, units_per_s, seconds;
    bool finished_before;      /* there was nothing left to do */
};

/* final_loss: of the checkpoint when resuming. */
bool training_run(struct training *training);

#endif
