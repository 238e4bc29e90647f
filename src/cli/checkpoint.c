/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint.h"

#include <errno.h>
#include <sha256.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model_file.h"

enum { SETTINGS_MAX = 24 };

void checkpoint_number(struct checkpoint_setting *setting, double number) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(setting->value, sizeof setting->value, "%.*g", digits, number);
        if (strtod(setting->value, NULL) == number) return;
    }
}

bool checkpoint_prepare(struct cli *cli, struct checkpoint *c, bool *found) {
    char folder[4096];
    struct stat info;
    *found = false;
    c->path[0] = '\0';
    if (c->out == NULL) return true;
    if (c->out[0] == '\0' || (stat(c->out, &info) == 0 && !S_ISREG(info.st_mode))) return cli_fail(&cli->error, "--out: \"%s\" is not a regular file; give the path of one, there already or not", c->out);
    if (stat(c->out, &info) == 0 && info.st_size > 0 && !model_file_is_one(c->out)) return cli_fail(&cli->error, "--out: %s is there and is no model, so it is left alone; give another path, or remove it first", c->out);
    if ((size_t)snprintf(folder, sizeof folder, "%s.ckpt", c->out) >= sizeof folder - 32) return cli_fail(&cli->error, "--out: the path is too long");
    c->made = mkdir(folder, 0777) == 0;
    if (!c->made && errno != EEXIST) return cli_fail(&cli->error, "%s: cannot make the folder for checkpoints: %s; give --out a place in a folder that exists and is yours", folder, strerror(errno));
    if (access(folder, W_OK) != 0) return cli_fail(&cli->error, "%s: cannot write there: %s; give --out a place in a folder that is yours", folder, strerror(errno));
    snprintf(c->path, sizeof c->path, "%.4000s/state.safetensors", folder);
    *found = c->resume && access(c->path, F_OK) == 0;
    if (c->resume && !*found) cli_notice(cli, "there is no checkpoint in %s; starting anew", folder);
    return true;
}

void checkpoint_abandon(const struct checkpoint *c) {
    char folder[sizeof c->path];
    if (c->path[0] == '\0' || !c->made) return;
    snprintf(folder, sizeof folder, "%s", c->path);
    *strrchr(folder, '/') = '\0';
    rmdir(folder);
}

bool checkpoint_peek(const struct checkpoint *c, const char *key, char *value, size_t value_bytes) {
    char path[4200];
    if (c->out == NULL || !c->resume || (size_t)snprintf(path, sizeof path, "%s.ckpt/state.safetensors", c->out) >= sizeof path) return false;
    return access(path, F_OK) == 0 && pgd_file_metadata(path, key, value, value_bytes) == PGD_OK;
}

/* The data have no value to show but the digest of their bytes. */
static bool contradict(struct cli *cli, const struct checkpoint_setting *setting, const char *begun_with, const char *data, const char *what) {
    if (strcmp(setting->key, "data") == 0)
        return cli_fail(&cli->error, "--data contradicts the checkpoint: the %s of %s are not those it was begun with (fingerprint %s, not %s); give the same data, or leave out --resume to start anew", what, data,
                        setting->value, begun_with);
    return cli_fail(&cli->error, "%s contradicts the checkpoint: it was begun with %s, not %s; use the same, or leave out --resume to start anew", setting->option, begun_with, setting->value);
}

static bool cannot_resume(struct cli *cli) { return cli_fail(&cli->error, "%s; leave out --resume to start anew", pgd_error_text()); }

bool checkpoint_load(struct cli *cli, const struct checkpoint *c, struct checkpoint_setting *settings, int count, const char *data, const char *what, pgd_state *state, double *loss) {
    char text[64];
    for (int i = 0; i < count; i++) {
        pgd_status status = pgd_file_metadata(c->path, settings[i].key, text, sizeof text);
        if (status == PGD_BAD_ARG && settings[i].absent != NULL)
            snprintf(text, sizeof text, "%s", settings[i].absent);
        else if (status != PGD_OK)
            return status == PGD_BAD_ARG ? cli_fail(&cli->error, "%s: is the checkpoint of another kind of training, it does not say \"%s\"; give another --out, or leave out --resume to start anew", c->path, settings[i].key)
                                         : cannot_resume(cli);
        if (settings[i].given && strcmp(text, settings[i].value) != 0) return contradict(cli, &settings[i], text, data, what);
        memcpy(settings[i].value, text, sizeof text);
    }
    if (pgd_file_metadata(c->path, "loss", text, sizeof text) != PGD_OK) return cli_fail_library(&cli->error);
    *loss = strtod(text, NULL);
    return pgd_state_load(state, c->path, NULL) == PGD_OK || cannot_resume(cli);
}

bool checkpoint_save(struct cli *cli, const struct checkpoint *c, const struct checkpoint_setting *settings, int count, const pgd_state *state, double loss) {
    pgd_metadata metadata[SETTINGS_MAX + 1];
    char text[64];
    if (c->path[0] == '\0') return true;
    for (int i = 0; i < count && i < SETTINGS_MAX; i++) metadata[i] = (pgd_metadata){settings[i].key, settings[i].value};
    snprintf(text, sizeof text, "%.17g", loss);
    metadata[count] = (pgd_metadata){"loss", text};
    return pgd_state_save(state, c->path, metadata, count + 1, NULL, 0, NULL) == PGD_OK || cli_fail_library(&cli->error);
}

bool checkpoint_discard(struct cli *cli, const struct checkpoint *c) {
    char kept[4200];
    if (c->path[0] == '\0' || c->resume || access(c->path, F_OK) != 0) return true;
    if ((size_t)snprintf(kept, sizeof kept, "%s.ckpt/earlier.safetensors", c->out) >= sizeof kept) return cli_fail(&cli->error, "--out: the path is too long");
    if (rename(c->path, kept) != 0) return cli_fail(&cli->error, "%s: cannot put the old checkpoint aside: %s; make its folder yours to write in", c->path, strerror(errno));
    cli_notice(cli, "without --resume training starts anew; the checkpoint of the run before is kept as %s", kept);
    return true;
}

bool checkpoint_fresh_path(struct cli *cli, const struct checkpoint *c, char *out, size_t out_bytes) {
    return (size_t)snprintf(out, out_bytes, "%s.ckpt/model.safetensors", c->out) < out_bytes || cli_fail(&cli->error, "--out: the path is too long");
}

bool checkpoint_publish(struct cli *cli, const struct checkpoint *c, const char *fresh, char sha256[65], bool *untouched) {
    char old_sha256[65] = "";
    if (!checkpoint_sha256(fresh, sha256, &cli->error)) return false;
    if (access(c->out, R_OK) == 0 && !checkpoint_sha256(c->out, old_sha256, &cli->error)) return false;
    *untouched = strcmp(old_sha256, sha256) == 0;
    if ((*untouched ? unlink(fresh) : rename(fresh, c->out)) == 0) return true;
    cli_fail(&cli->error, "%s: cannot put the model there: %s", c->out, strerror(errno));
    unlink(fresh);
    return false;
}

bool checkpoint_sha256(const char *path, char out[65], struct cli_error *error) { return SHA256File(path, out) != NULL || cli_fail(error, "%s: cannot read: %s", path, strerror(errno)); }

uint64_t checkpoint_hash(uint64_t hash, const uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}
