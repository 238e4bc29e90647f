/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_png.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* Deflate makes at most 1032 bytes out of one: a header that promises more than the file can hold is a lie, which
 * we see before we allocate anything. */
enum { DEFLATE_BEST = 1032, CHUNK_BYTES_MAX = 8 << 20, CHUNKS_MAX = 128, LONGEST_REASON = 120 };

struct png_job {
    const char *name;
    const uint8_t *bytes; /* what is not read yet */
    size_t left;
    size_t byte_count;
    png_structp png;
    png_infop info;
    png_bytep rows; /* [1,W,C], or [H,W,C] when interlaced */
    struct picture *out;
    bool told; /* the sentence in error is ours already */
    struct cli_error *error;
};

bool picture_is_png(const uint8_t *bytes, size_t byte_count)
{
    return byte_count >= 8 && png_sig_cmp(bytes, 0, 8) == 0;
}

static void job_fail(png_structp png, png_const_charp reason)
{
    struct png_job *job = png_get_error_ptr(png);
    if (!job->told)
        cli_fail(job->error, "%s: the PNG data are damaged (%.*s); save or download the picture again", job->name,
                 (int)LONGEST_REASON, reason);
    png_longjmp(png, 1);
}

static void job_ignore(png_structp png, png_const_charp warning)
{
    (void)png;
    (void)warning;
}

static void job_read(png_structp png, png_bytep out, size_t wanted)
{
    struct png_job *job = png_get_io_ptr(png);
    if (wanted > job->left) {
        job->told = true;
        cli_fail(job->error, "%s: the PNG is truncated after %zu bytes; save or download the picture again", job->name,
                 job->byte_count);
        png_error(png, "truncated");
    }
    memcpy(out, job->bytes, wanted);
    job->bytes += wanted;
    job->left -= wanted;
}

static uint8_t over_white(unsigned value, unsigned alpha)
{
    return (uint8_t)((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

/* row [W,C] to the row y of out; C is 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha */
static void row_to_planes(const uint8_t *row, int channels, int y, struct picture *out)
{
    const size_t width = (size_t)out->width, plane = (size_t)out->height * width;
    uint8_t *to = out->pixels + (size_t)y * width;
    for (size_t x = 0; x < width; x++, row += channels) {
        const unsigned alpha = channels == 2 ? row[1] : channels == 4 ? row[3] : 255;
        for (int c = 0; c < out->channels; c++)
            to[(size_t)c * plane + x] = over_white(row[c], alpha);
    }
}

/* Header, sizes and the transformations that leave 8 bits a channel without a palette. */
static void job_prepare(struct png_job *job)
{
    png_structp png = job->png;
    png_set_read_fn(png, job, job_read);
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are looked at below, with a sentence of ours */
    png_set_chunk_malloc_max(png, CHUNK_BYTES_MAX);
    png_set_chunk_cache_max(png, CHUNKS_MAX);
    png_read_info(png, job->info);
    const uint64_t width = png_get_image_width(png, job->info), height = png_get_image_height(png, job->info);
    if (!picture_size_check(job->name, height, width, job->error)) {
        job->told = true;
        png_error(png, "too large");
    }
    const uint64_t raw_bytes = (uint64_t)png_get_rowbytes(png, job->info) * height;
    if (raw_bytes / DEFLATE_BEST > job->byte_count) {
        job->told = true;
        cli_fail(
            job->error,
            "%s: a PNG of %zu bytes cannot hold the %llux%llu pixels its header promises; save or download it again",
            job->name, job->byte_count, (unsigned long long)width, (unsigned long long)height);
        png_error(png, "lying header");
    }
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, job->info);
    if (!picture_make(job->name, png_get_channels(png, job->info) < 3 ? 1 : 3, height, width, job->out, job->error)) {
        job->told = true;
        png_error(png, "no memory");
    }
}

static void job_decode(struct png_job *job)
{
    job_prepare(job);
    const int channels = png_get_channels(job->png, job->info);
    const size_t row_bytes = png_get_rowbytes(job->png, job->info);
    const bool interlaced = png_get_interlace_type(job->png, job->info) != PNG_INTERLACE_NONE;
    const int height = job->out->height, passes = interlaced ? 7 : 1;
    job->rows = png_calloc(job->png, row_bytes * (interlaced ? (size_t)height : 1));
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < height; y++) {
            png_bytep row = interlaced ? job->rows + (size_t)y * row_bytes : job->rows;
            png_read_row(job->png, row, NULL);
            if (pass == passes - 1)
                row_to_planes(row, channels, y, job->out);
        }
    png_read_end(job->png, NULL);
}

/* The one frame that libpng's longjmp returns to; it has no locals for the jump to spoil. */
static bool job_run(struct png_job *job)
{
    if (setjmp(png_jmpbuf(job->png)) != 0)
        return false;
    job_decode(job);
    return true;
}

bool picture_parse_png(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                       struct cli_error *error)
{
    struct png_job job = {
        .name = name, .bytes = bytes, .left = byte_count, .byte_count = byte_count, .out = out, .error = error};
    memset(out, 0, sizeof *out);
    job.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &job, job_fail, job_ignore);
    if (job.png != NULL)
        job.info = png_create_info_struct(job.png);
    bool good = false;
    if (job.info == NULL)
        cli_fail(error, "%s: libpng %s cannot start: out of memory, or another version than %s is installed", name,
                 png_get_libpng_ver(NULL), PNG_LIBPNG_VER_STRING);
    else
        good = job_run(&job);
    if (job.png != NULL)
        png_free(job.png, job.rows);
    png_destroy_read_struct(&job.png, &job.info, NULL);
    if (!good)
        picture_deinit(out);
    return good;
}
