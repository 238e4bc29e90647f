/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_jpeg.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jerror.h>
#include <jpeglib.h>

#include "exif.h"
#include "picture_png.h"

/* An 8x8 block of Huffman-coded data takes at least a bit, and a component at least a block of every 32x32 pixels; so a
 * header that promises more pixels for a byte is a lie, which we see before anything is allocated.  A file may repeat
 * the work of decoding with every scan; no encoder makes more than a dozen. */
enum { PIXELS_A_BYTE_MAX = 8192, SCANS_MAX = 64 };
#define WORK_BYTES_MAX (1L << 30)

struct jpeg_job {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_progress_mgr progress;
    jmp_buf back;
    const char *name;
    const uint8_t *bytes;
    size_t byte_count;
    JSAMPLE *row; /* [1,W,C] */
    struct picture *out;
    size_t first, right, below; /* where the file's first pixel goes, and how much further its neighbours go; modulo 2^64 */
    bool told; /* the sentence in error is ours already */
    struct cli_error *error;
};

bool picture_is_jpeg(const uint8_t *bytes, size_t byte_count)
{
    return byte_count >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

/* libjpeg calls it and must not get control back. */
static void job_fail(j_common_ptr common)
{
    struct jpeg_job *job = common->client_data;
    char reason[JMSG_LENGTH_MAX];
    if (!job->told) {
        common->err->format_message(common, reason);
        cli_fail(job->error, "%s: the JPEG data are damaged (%s); save or download the picture again", job->name, reason);
    }
    longjmp(job->back, 1);
}

static bool is_damage(int code)
{
    return code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE || code == JWRN_MUST_RESYNC;
}

/* Warnings have a negative level.  Those about strange but whole files are left alone. */
static void job_message(j_common_ptr common, int level)
{
    struct jpeg_job *job = common->client_data;
    if (level >= 0 || !is_damage(common->err->msg_code))
        return;
    if (common->err->msg_code == JWRN_JPEG_EOF) {
        job->told = true;
        cli_fail(job->error, "%s: the JPEG is truncated after %zu bytes; save or download the picture again", job->name,
                 job->byte_count);
    }
    job_fail(common);
}

static void job_ignore(j_common_ptr common)
{
    (void)common;
}

static void job_watch(j_common_ptr common)
{
    struct jpeg_job *job = common->client_data;
    if (job->jpeg.input_scan_number <= SCANS_MAX)
        return;
    job->told = true;
    cli_fail(job->error, "%s: a JPEG of more than %d scans, which would keep us busy; save the picture again", job->name,
             (int)SCANS_MAX);
    job_fail(common);
}

static void job_refuse(struct jpeg_job *job)
{
    job->told = true;
    job_fail((j_common_ptr)&job->jpeg);
}

/* Where the pixel (x,y) of the file goes in a plane of out, so that the picture stands upright: of the eight orientations
 * the last four lie on a side, the others are mirrored or not, and turned upside down or not. */
static size_t place(const struct jpeg_job *job, int orientation, size_t x, size_t y)
{
    const size_t height = job->jpeg.image_height, width = job->jpeg.image_width;
    const bool lies = orientation > 4;
    static const bool mirrored[9] = {false, false, true, true, false, false, false, true, true};
    static const bool upside_down[9] = {false, false, false, true, true, false, true, true, false};
    x = mirrored[orientation] ? width - 1 - x : x;
    y = upside_down[orientation] ? height - 1 - y : y;
    return lies ? x * height + y : y * width + x;
}

static int find_orientation(const struct jpeg_job *job)
{
    for (jpeg_saved_marker_ptr marker = job->jpeg.marker_list; marker != NULL; marker = marker->next) {
        const int orientation = exif_orientation(marker->data, marker->data_length);
        if (orientation != 1)
            return orientation;
    }
    return 1;
}

static void job_orient(struct jpeg_job *job, int orientation)
{
    job->first = place(job, orientation, 0, 0);
    job->right = place(job, orientation, 1, 0) - job->first;
    job->below = place(job, orientation, 0, 1) - job->first;
}

/* Header, sizes and the colours that are asked for. */
static void job_prepare(struct jpeg_job *job)
{
    j_decompress_ptr jpeg = &job->jpeg;
    jpeg_create_decompress(jpeg);
    jpeg->client_data = job;
    jpeg->progress = &job->progress;
    jpeg->mem->max_memory_to_use = WORK_BYTES_MAX;
    jpeg_mem_src(jpeg, job->bytes, (unsigned long)job->byte_count);
    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
    jpeg_read_header(jpeg, TRUE);
    const uint64_t width = jpeg->image_width, height = jpeg->image_height;
    if (!picture_size_check(job->name, height, width, job->error))
        job_refuse(job);
    if (!jpeg->arith_code && height * width / PIXELS_A_BYTE_MAX > job->byte_count) {
        cli_fail(
            job->error,
            "%s: a JPEG of %zu bytes cannot hold the %llux%llu pixels its header promises; save or download it again",
            job->name, job->byte_count, (unsigned long long)width, (unsigned long long)height);
        job_refuse(job);
    }
    const bool grey = jpeg->jpeg_color_space == JCS_GRAYSCALE, four = jpeg->num_components == 4;
    jpeg->out_color_space = grey ? JCS_GRAYSCALE : four ? JCS_CMYK : JCS_RGB;
    const int orientation = find_orientation(job);
    const bool lies = orientation > 4;
    if (!picture_make(job->name, grey ? 1 : 3, lies ? width : height, lies ? height : width, job->out, job->error))
        job_refuse(job);
    job_orient(job, orientation);
}

/* row [W,C], the row y of the file, to where it belongs in out; four channels are inks, which Adobe's files keep inverted */
static void row_to_planes(const struct jpeg_job *job, size_t y)
{
    const struct picture *out = job->out;
    const size_t width = job->jpeg.output_width, plane = (size_t)out->height * (size_t)out->width;
    const size_t channels = (size_t)job->jpeg.output_components;
    const unsigned flip = job->jpeg.saw_Adobe_marker ? 0 : 255;
    for (size_t x = 0; x < width; x++)
        for (size_t c = 0; c < (size_t)out->channels; c++) {
            const unsigned value = job->row[x * channels + c];
            const unsigned light = channels == 4 ? ((value ^ flip) * (job->row[x * 4 + 3] ^ flip) + 127) / 255 : value;
            out->pixels[c * plane + job->first + x * job->right + y * job->below] = (uint8_t)light;
        }
}

static void job_decode(struct jpeg_job *job)
{
    job_prepare(job);
    jpeg_start_decompress(&job->jpeg);
    job->row = malloc((size_t)job->jpeg.output_width * (size_t)job->jpeg.output_components);
    if (job->row == NULL) {
        cli_fail(job->error, "%s: no memory for a row of %u pixels; scale it", job->name, job->jpeg.output_width);
        job_refuse(job);
    }
    while (job->jpeg.output_scanline < job->jpeg.output_height) {
        const size_t y = job->jpeg.output_scanline;
        if (jpeg_read_scanlines(&job->jpeg, &job->row, 1) == 1)
            row_to_planes(job, y);
    }
    jpeg_finish_decompress(&job->jpeg);
}

/* The one frame that the longjmp returns to; it has no locals for the jump to spoil. */
static bool job_run(struct jpeg_job *job)
{
    if (setjmp(job->back) != 0)
        return false;
    job_decode(job);
    return true;
}

bool picture_parse_jpeg(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                        struct cli_error *error)
{
    struct jpeg_job job = {.name = name, .bytes = bytes, .byte_count = byte_count, .out = out, .error = error};
    memset(out, 0, sizeof *out);
    job.jpeg.err = jpeg_std_error(&job.errors);
    job.jpeg.client_data = &job;
    job.errors.error_exit = job_fail;
    job.errors.emit_message = job_message;
    job.errors.output_message = job_ignore;
    job.progress.progress_monitor = job_watch;
    const bool good = job_run(&job);
    jpeg_destroy_decompress(&job.jpeg);
    free(job.row);
    if (!good)
        picture_deinit(out);
    return good;
}
