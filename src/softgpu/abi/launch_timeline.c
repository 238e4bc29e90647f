/* SPDX-License-Identifier: Apache-2.0
 * Recording while the launch runs, replaying with ever more blocks, writing timeline.json, timeline.svg and a line of JSON about them. */
#include "launch_timeline.h"

#include <stdio.h>
#include <string.h>
#include <timing/occupancy.h>
#include <timing/timeline_files.h>

enum { ISSUES_KEPT = 20000, POINTS = 16 };

/* What was launched instead of the kernel that is to be drawn. */
static struct {
    pthread_mutex_t lock;
    char names[8][100];
    int count;
    bool drawn, more;
} seen = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void keep_name(const char *name) {
    int k = 0;
    while (k < seen.count && strncmp(seen.names[k], name, sizeof seen.names[k] - 1) != 0) k++;
    if (k < seen.count) return;
    if (k == (int)(sizeof seen.names / sizeof seen.names[0])) seen.more = true;
    else snprintf(seen.names[seen.count++], sizeof seen.names[k], "%s", name);
}

bool gpu_timeline_wanted(const gpu_launch *l) {
    const gpu_settings *s = &gpu_driver.settings;
    if (s->timeline[0] == '\0') return false;
    pthread_mutex_lock(&seen.lock);
    bool wanted = !seen.drawn && (s->timeline_kernel[0] == '\0' || strcmp(s->timeline_kernel, l->kernel->name) == 0);
    if (wanted) seen.drawn = true;
    else if (!seen.drawn) keep_name(l->kernel->name);
    pthread_mutex_unlock(&seen.lock);
    return wanted;
}

void gpu_timeline_end(void) {
    pgd_text names = {0};
    if (seen.drawn || seen.count == 0) return;
    for (int k = 0; k < seen.count; k++) pgd_text_add(&names, "%s%s", k == 0 ? "" : ", ", seen.names[k]);
    gpu_report("no kernel %s was launched; there were %s%s", gpu_driver.settings.timeline_kernel, names.failed ? "others" : names.chars, seen.more ? " and more" : "");
    pgd_mem_free(names.chars);
}

static pgd_status write_file(const char *name, const pgd_text *text) {
    char path[sizeof gpu_driver.settings.timeline + 64];
    if (text->failed) return pgd_fail_memory(text->count);
    snprintf(path, sizeof path, "%s/%s", gpu_driver.settings.timeline, name);
    return pgd_file_write_atomic(path, &(pgd_piece){text->chars, text->count}, 1, NULL);
}

static pgd_status write_files(const gpu_replay *replay, const char *kernel, int32_t warps, const gpu_throughput *points, int32_t count, bool cut) {
    pgd_text perfetto = {0}, picture = {0}, summary = {0};
    gpu_timeline_perfetto(replay, kernel, warps, &perfetto);
    gpu_timeline_svg(replay, kernel, warps, points, count, cut, &picture);
    pgd_text_add(&summary, "{\"kernel\": \"%s\", \"calibrated\": false, \"warps\": %d, \"cycles\": %lld, \"instructions\": %lld, \"cut\": %s, \"throughput\": [", kernel, warps, (long long)replay->cycles, (long long)replay->instructions, cut ? "true" : "false");
    for (int32_t k = 0; k < count; k++)
        pgd_text_add(&summary, "%s{\"warps\": %d, \"instructions_per_cycle\": %.4f}", k == 0 ? "" : ", ", points[k].warps, points[k].cycles == 0 ? 0 : (double)points[k].instructions / (double)points[k].cycles);
    pgd_text_add(&summary, "]}\n");
    pgd_status status = write_file("timeline.json", &perfetto);
    if (status == PGD_OK) status = write_file("timeline.svg", &picture);
    if (status == PGD_OK) status = write_file("summary.json", &summary);
    pgd_mem_free(perfetto.chars);
    pgd_mem_free(picture.chars);
    pgd_mem_free(summary.chars);
    return status;
}

/* With one block, two, four ... and as many as are resident. */
static pgd_status tell(const gpu_recording *r, const ptx_function *kernel) {
    gpu_throughput points[POINTS];
    gpu_replay replay = {0};
    pgd_status status = PGD_OK;
    int32_t count = 0;
    for (int32_t blocks = 1; status == PGD_OK && count < POINTS; blocks *= 2) {
        bool last = blocks >= r->blocks;
        if (last) blocks = r->blocks;
        gpu_replay_deinit(&replay);
        status = gpu_replay_run(r, kernel, blocks, last ? ISSUES_KEPT : 0, &replay);
        points[count++] = (gpu_throughput){blocks * r->warps_of_block, replay.cycles, replay.instructions};
        if (last) break;
    }
    if (status == PGD_OK) status = write_files(&replay, kernel->name, r->warp_count, points, count, r->cut);
    gpu_replay_deinit(&replay);
    return status;
}

static pgd_status run(CUfunction f, gpu_recording *r, gpu_launch *launch, gpu_fault *fault) {
    gpu_observer observer = gpu_recorder(r);
    gpu_vector_code *code;
    PGD_TRY(gpu_vector_prepare_observed(&f->module->program, f->ptx, &code));
    launch->observer = &observer;
    pgd_status status = gpu_vector_launch(code, launch, NULL, fault, NULL);
    gpu_vector_code_destroy(code);
    return status;
}

pgd_status gpu_timeline_run(CUfunction f, int32_t registers, gpu_launch *launch, gpu_fault *fault) {
    gpu_recording r;
    uint64_t shared = gpu_program_shared_bytes(launch->program, launch->kernel) + launch->dynamic_shared_bytes;
    gpu_occupancy o = gpu_occupancy_of(gpu_architecture_of(gpu_driver.settings.capability), (int32_t)(launch->block[0] * launch->block[1] * launch->block[2]), registers, shared);
    PGD_TRY(gpu_recording_init(&r, launch, o.blocks < 1 ? 1 : o.blocks));
    pgd_status status = run(f, &r, launch, fault);
    if (status == PGD_OK && tell(&r, f->ptx) != PGD_OK) gpu_complain("the timeline could not be written: %s", pgd_error_text());
    gpu_recording_deinit(&r);
    return status;
}
