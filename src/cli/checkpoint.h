/* SPDX-License-Identifier: Apache-2.0
 * Checkpoints of trainings: OUT.ckpt/state.safetensors holds everything a step depends on, and the settings that a resumed run must agree with. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "cli.h"

struct checkpoint {
    const char *out;  /* where the model will go; NULL: nothing is kept */
    char path[4096];  /* empty when nothing is kept */
    bool resume, made; /* made: by this run */
};

struct checkpoint_setting {
    const char *key, *option;
    char value[64];
    bool given; /* on the command line; otherwise the checkpoint's own value holds */
    const char *absent; /* what a checkpoint without the key was begun with; NULL: each has it */
};

/* A number as the shortest text that reads as the same: what was typed. */
void checkpoint_number(struct checkpoint_setting *setting, double number);

/* Makes the folder now, so that an unwritable place is known before hours of training, and looks whether OUT can be written. *found: there is a
 * checkpoint to go on from. */
bool checkpoint_prepare(struct cli *cli, struct checkpoint *checkpoint, bool *found);

/* After a failure: takes the folder away again that this run made, where nothing has come into it. */
void checkpoint_abandon(const struct checkpoint *checkpoint);

/* One setting of the checkpoint that will be gone on from. False when there is none, or none of that name. */
bool checkpoint_peek(const struct checkpoint *checkpoint, const char *key, char *value, size_t value_bytes);

/* Compares the settings given with those of the checkpoint, fills in the others, and loads the state. The setting "data" is a fingerprint; `data` is what
 * the user called it, `what` what it consists of ("pictures or labels"). */
bool checkpoint_load(struct cli *cli, const struct checkpoint *checkpoint, struct checkpoint_setting *settings, int count, const char *data, const char *what, pgd_state *state, double *loss);
bool checkpoint_save(struct cli *cli, const struct checkpoint *checkpoint, const struct checkpoint_setting *settings, int count, const pgd_state *state, double loss);

/* Once everything else has been found right, a run from the start takes the place of an earlier one, whose checkpoint is put aside. */
bool checkpoint_discard(struct cli *cli, const struct checkpoint *checkpoint);

/* Puts a model that was written to `fresh`, beside the checkpoint, in its place. A run that had finished before leaves its file alone; one that was killed
 * between checkpoint and file puts it there now. Which of the two it was, the bytes tell: *untouched. */
bool checkpoint_fresh_path(struct cli *cli, const struct checkpoint *checkpoint, char *out, size_t out_bytes);
bool checkpoint_publish(struct cli *cli, const struct checkpoint *checkpoint, const char *fresh, char sha256[65], bool *untouched);

/* SHA-256 of a file's bytes in hexadecimal. */
bool checkpoint_sha256(const char *path, char out[65], struct cli_error *error);

/* FNV-1a over more bytes: for fingerprints. Begin with CHECKPOINT_HASH. */
#define CHECKPOINT_HASH UINT64_C(0xcbf29ce484222325)
uint64_t checkpoint_hash(uint64_t hash, const uint8_t *bytes, size_t count);

#endif
