/* SPDX-License-Identifier: Apache-2.0 */
#include "picture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "picture_jpeg.h"
#include "picture_png.h"

#define FILE_BYTES_MAX ((size_t)1 << 29)
#define FIRST_GROWTH ((size_t)1 << 16)

void picture_deinit(struct picture *picture)
{
    free(picture->pixels);
    memset(picture, 0, sizeof *picture);
}

bool picture_size_check(const char *name, uint64_t height, uint64_t width, struct cli_error *error)
{
    if (height < 1 || width < 1 || height > PICTURE_SIDE_MAX || width > PICTURE_SIDE_MAX ||
        height * width > PICTURE_PIXELS_MAX)
        return cli_fail(error,
                        "%s: a picture of %llux%llu pixels; sides of 1 to %d and at most %llu pixels in all are "
                        "supported, scale it",
                        name, (unsigned long long)width, (unsigned long long)height, (int)PICTURE_SIDE_MAX,
                        (unsigned long long)PICTURE_PIXELS_MAX);
    return true;
}

bool picture_make(const char *name, int channels, uint64_t height, uint64_t width, struct picture *out,
                  struct cli_error *error)
{
    out->pixels = malloc((size_t)channels * (size_t)(height * width));
    if (out->pixels == NULL)
        return cli_fail(error, "%s: no memory for %llux%llu pixels; scale it", name, (unsigned long long)width,
                        (unsigned long long)height);
    out->channels = channels;
    out->height = (int)height;
    out->width = (int)width;
    return true;
}

/* ---- colours ---- */

bool picture_has_colour(const struct picture *picture)
{
    const size_t plane = (size_t)picture->height * (size_t)picture->width;
    const uint8_t *pixels = picture->pixels;
    return picture->channels == 3 &&
           (memcmp(pixels, pixels + plane, plane) != 0 || memcmp(pixels, pixels + 2 * plane, plane) != 0);
}

void picture_grey_planes(uint8_t *planes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        planes[i] = (uint8_t)((299u * planes[i] + 587u * planes[count + i] + 114u * planes[2 * count + i] + 500) / 1000);
}

void picture_make_grey(struct picture *picture)
{
    if (picture->channels == 3)
        picture_grey_planes(picture->pixels, (size_t)picture->height * (size_t)picture->width);
    picture->channels = 1;
}

/* ---- PGM and PPM ---- */

struct pgm {
    const char *name;
    const char *kind; /* "PGM", "PPM" */
    int channels;
    const uint8_t *next, *end;
    struct cli_error *error;
};

static bool pgm_is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void pgm_skip(struct pgm *pgm)
{
    while (pgm->next < pgm->end && (pgm_is_space(*pgm->next) || *pgm->next == '#')) {
        if (*pgm->next == '#')
            while (pgm->next < pgm->end && *pgm->next != '\n' && *pgm->next != '\r')
                pgm->next++;
        else
            pgm->next++;
    }
}

/* A decimal number of at most 9 digits behind blanks and comments; `what` names it in the sentence. */
static bool pgm_number(struct pgm *pgm, const char *what, uint32_t *out)
{
    pgm_skip(pgm);
    if (pgm->next == pgm->end)
        return cli_fail(pgm->error, "%s: the %s is truncated where %s is expected; save or download the picture again",
                        pgm->name, pgm->kind, what);
    uint32_t value = 0;
    int digits = 0;
    for (; pgm->next < pgm->end && *pgm->next >= '0' && *pgm->next <= '9' && digits < 10; pgm->next++, digits++)
        value = value * 10 + (uint32_t)(*pgm->next - '0');
    if (digits == 0 || digits == 10)
        return cli_fail(pgm->error,
                        "%s: no number of 1 to 9 digits where the %s should give %s; save the picture again",
                        pgm->name, pgm->kind, what);
    *out = value;
    return true;
}

static uint8_t pgm_scale(uint32_t sample, uint32_t maxval)
{
    return (uint8_t)((sample * 255u + maxval / 2) / maxval);
}

/* Sample i of the file, where a pixel's channels stand side by side, in its plane. */
static bool pgm_put(struct pgm *pgm, size_t i, uint32_t sample, uint32_t maxval, struct picture *out)
{
    const size_t channels = (size_t)pgm->channels, plane = (size_t)out->height * (size_t)out->width;
    if (sample > maxval)
        return cli_fail(pgm->error, "%s: pixel %zu is %u, above the maximum %u of its header; save the picture again",
                        pgm->name, i / channels, sample, maxval);
    out->pixels[i % channels * plane + i / channels] = pgm_scale(sample, maxval);
    return true;
}

static bool pgm_plain(struct pgm *pgm, size_t count, uint32_t maxval, struct picture *out)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t sample;
        if (!pgm_number(pgm, "a pixel", &sample) || !pgm_put(pgm, i, sample, maxval, out))
            return false;
    }
    return true;
}

static bool pgm_binary(struct pgm *pgm, size_t count, uint32_t maxval, struct picture *out)
{
    const size_t sample_bytes = maxval > 255 ? 2 : 1;
    for (size_t i = 0; i < count; i++, pgm->next += sample_bytes) {
        const uint32_t sample = sample_bytes == 2 ? (uint32_t)pgm->next[0] << 8 | pgm->next[1] : pgm->next[0];
        if (!pgm_put(pgm, i, sample, maxval, out))
            return false;
    }
    return true;
}

static bool pgm_pixels(struct pgm *pgm, bool plain, struct picture *out)
{
    uint32_t width, height, maxval;
    if (!pgm_number(pgm, "the width", &width) || !pgm_number(pgm, "the height", &height) ||
        !picture_size_check(pgm->name, height, width, pgm->error) || !pgm_number(pgm, "the maximum", &maxval))
        return false;
    if (maxval < 1 || maxval > 65535)
        return cli_fail(pgm->error, "%s: the %s's maximum is %u; 1 to 65535 is allowed, save the picture again",
                        pgm->name, pgm->kind, maxval);
    if (!plain && (pgm->next == pgm->end || !pgm_is_space(*pgm->next++)))
        return cli_fail(pgm->error, "%s: no blank between the %s's maximum and its pixels; save the picture again",
                        pgm->name, pgm->kind);
    /* a plain sample takes a digit and, but for the last, a blank: what cannot be there is not allocated */
    const uint64_t samples = (uint64_t)width * height * (uint64_t)pgm->channels, left = (uint64_t)(pgm->end - pgm->next);
    const uint64_t needed = plain ? 2 * samples - 1 : samples * (maxval > 255 ? 2 : 1);
    if (needed > left)
        return cli_fail(
            pgm->error,
            "%s: the %s is truncated: %llu pixel bytes expected, %llu found; save or download the picture again",
            pgm->name, pgm->kind, (unsigned long long)needed, (unsigned long long)left);
    if (!picture_make(pgm->name, pgm->channels, height, width, out, pgm->error))
        return false;
    if (!(plain ? pgm_plain(pgm, (size_t)samples, maxval, out) : pgm_binary(pgm, (size_t)samples, maxval, out)))
        return false;
    while (pgm->next < pgm->end && pgm_is_space(*pgm->next))
        pgm->next++;
    if (pgm->next < pgm->end)
        return cli_fail(pgm->error, "%s: %zu bytes follow the last pixel; keep one picture a file", pgm->name,
                        (size_t)(pgm->end - pgm->next));
    return true;
}

bool picture_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct picture *out,
                   struct cli_error *error)
{
    memset(out, 0, sizeof *out);
    if (byte_count == 0)
        return cli_fail(error, "%s: the file is empty; give a PNG, JPEG, PGM or PPM picture", name);
    if (picture_is_png(bytes, byte_count))
        return picture_parse_png(bytes, byte_count, name, out, error);
    if (picture_is_jpeg(bytes, byte_count))
        return picture_parse_jpeg(bytes, byte_count, name, out, error);
    const char kind = byte_count >= 3 && bytes[0] == 'P' && (pgm_is_space(bytes[2]) || bytes[2] == '#') ? (char)bytes[1] : '\0';
    if (kind != '2' && kind != '3' && kind != '5' && kind != '6')
        return cli_fail(error, "%s: neither a PNG, a JPEG, a PGM (P2 or P5) nor a PPM (P3 or P6); convert the picture to one of them", name);
    const bool colour = kind == '3' || kind == '6';
    struct pgm pgm = {name, colour ? "PPM" : "PGM", colour ? 3 : 1, bytes + 2, bytes + byte_count, error};
    if (pgm_pixels(&pgm, kind < '5', out))
        return true;
    picture_deinit(out);
    return false;
}

/* ---- files ---- */

/* The whole rest of a file in *bytes, malloced even when empty. */
static bool read_all(FILE *file, const char *path, uint8_t **bytes, size_t *byte_count, struct cli_error *error)
{
    size_t room = FIRST_GROWTH;
    for (*byte_count = 0;; room *= 2) {
        uint8_t *grown = realloc(*bytes, room);
        if (grown == NULL)
            return cli_fail(error, "%s: no memory for %zu bytes to read it; scale the picture", path, room);
        *bytes = grown;
        *byte_count += fread(grown + *byte_count, 1, room - *byte_count, file);
        if (ferror(file))
            return cli_fail(error, "%s: cannot be read: %s; give a readable picture file", path, strerror(errno));
        if (*byte_count < room)
            return true;
        if (room >= FILE_BYTES_MAX)
            return cli_fail(error, "%s: longer than %zu bytes, the most a picture file may have; scale the picture",
                            path, FILE_BYTES_MAX);
    }
}

bool picture_read(const char *path, struct picture *out, struct cli_error *error)
{
    memset(out, 0, sizeof *out);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return cli_fail(error, "%s: cannot be opened: %s; check the path", path, strerror(errno));
    uint8_t *bytes = NULL;
    size_t byte_count;
    const bool good =
        read_all(file, path, &bytes, &byte_count, error) && picture_parse(bytes, byte_count, path, out, error);
    free(bytes);
    fclose(file);
    return good;
}

static bool write_and_sync(const char *path, const struct picture *picture)
{
    const int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (descriptor < 0)
        return false;
    FILE *file = fdopen(descriptor, "wb");
    if (file == NULL) {
        close(descriptor);
        return false;
    }
    const size_t count = (size_t)picture->height * (size_t)picture->width;
    const bool written = fprintf(file, "P5\n%d %d\n255\n", picture->width, picture->height) > 0 &&
                         fwrite(picture->pixels, 1, count, file) == count && fflush(file) == 0 &&
                         fsync(descriptor) == 0;
    const int reason = errno;
    const bool closed = fclose(file) == 0;
    if (!written)
        errno = reason;
    return written && closed;
}

bool picture_write_pgm(const char *path, const struct picture *picture, struct cli_error *error)
{
    const size_t room = strlen(path) + 32;
    char *temporary = malloc(room);
    if (temporary == NULL)
        return cli_fail(error, "%s: no memory for a path of %zu bytes; free some memory", path, room);
    snprintf(temporary, room, "%s.tmp-%ld", path, (long)getpid());
    const bool good = write_and_sync(temporary, picture) && rename(temporary, path) == 0;
    if (!good) {
        cli_fail(error, "%s: cannot be written: %s; choose a folder that exists, is yours and has room", path,
                 strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return good;
}
