/* SPDX-License-Identifier: Apache-2.0 */
#include "image_set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cifar.h"
#include "digits.h"
#include "idx.h"
#include "picture.h"
#include "picture_folder.h"

enum { CLASS_COUNT = 10, SIDE_MAX = 16384 };

static const char *const digit_names[CLASS_COUNT] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const char *const fashion_names[CLASS_COUNT] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

static bool path_mentions_fashion(const char *path)
{
    static const char word[] = "fashion";
    for (; *path != '\0'; path++) {
        size_t i = 0;
        while (word[i] != '\0' && tolower((unsigned char)path[i]) == word[i])
            i++;
        if (word[i] == '\0')
            return true;
    }
    return false;
}

/* The existing one among the spellings of folder/train-images-idx3-ubyte, malloced, or NULL with a sentence. */
static char *find_file(const char *folder, const char *prefix, const char *kind, int rank, struct cli_error *error)
{
    static const char *const marks[] = {"-", "."}, *const endings[] = {"", ".gz"};
    const size_t room = strlen(folder) + 64;
    char *path = malloc(room);
    if (path == NULL) {
        cli_fail(error, "%s: no memory for a path of %zu bytes; free some memory", folder, room);
        return NULL;
    }
    for (int i = 0; i < 4; i++) {
        struct stat there;
        snprintf(path, room, "%s/%s-%s%sidx%d-ubyte%s", folder, prefix, kind, marks[i / 2], rank, endings[i % 2]);
        if (stat(path, &there) == 0)
            return path;
    }
    cli_fail(
        error,
        "%s: no %s-%s-idx%d-ubyte or %s-%s-idx%d-ubyte.gz in it; download the IDX files into it, or use --data builtin",
        folder, prefix, kind, rank, prefix, kind, rank);
    free(path);
    return NULL;
}

static bool check_folder(const char *folder, struct cli_error *error)
{
    struct stat there;
    if (stat(folder, &there) != 0)
        return cli_fail(error, "%s: cannot be opened: %s; give a folder with data, or --data builtin", folder,
                        strerror(errno));
    if (!S_ISDIR(there.st_mode))
        return cli_fail(error, "%s: is not a folder; give the folder that holds the data", folder);
    return true;
}

static bool take_images(const char *path, struct image_set *set, struct cli_error *error)
{
    struct idx images;
    if (!idx_read(path, &images, error))
        return false;
    if (images.rank != 3 || images.dims[1] > SIDE_MAX || images.dims[2] > SIDE_MAX) {
        cli_fail(error,
                 "%s: rank 3 and pictures of at most %dx%d expected, rank %d with %ux%u found; is it the images file?",
                 path, (int)SIDE_MAX, (int)SIDE_MAX, images.rank, images.dims[1], images.dims[2]);
        idx_deinit(&images);
        return false;
    }
    set->count = images.dims[0];
    set->channels = 1;
    set->height = (int)images.dims[1];
    set->width = (int)images.dims[2];
    set->pixels = images.data;
    return true;
}

static bool take_labels(const char *path, const char *images_path, struct image_set *set, struct cli_error *error)
{
    struct idx labels;
    if (!idx_read(path, &labels, error))
        return false;
    set->labels = labels.data;
    if (labels.rank != 1)
        return cli_fail(error, "%s: rank 1 expected, rank %d found; is it the labels file?", path, labels.rank);
    if (labels.byte_count != set->count)
        return cli_fail(
            error,
            "%s: %zu labels, but %zu pictures in %s; the two files belong to different sets, download both again", path,
            labels.byte_count, set->count, images_path);
    for (size_t i = 0; i < set->count; i++)
        if (set->labels[i] >= CLASS_COUNT)
            return cli_fail(error, "%s: label %d of picture %zu is above %d; download it again", path, set->labels[i],
                            i, CLASS_COUNT - 1);
    return true;
}

static bool load_idx(const char *folder, enum image_split split, struct image_set *out, struct cli_error *error)
{
    const char *prefix = split == IMAGE_SPLIT_TRAIN ? "train" : "t10k";
    char *images_path = find_file(folder, prefix, "images", 3, error);
    char *labels_path = images_path != NULL ? find_file(folder, prefix, "labels", 1, error) : NULL;
    out->kind = IMAGE_IDX;
    const bool good =
        labels_path != NULL && take_images(images_path, out, error) &&
        take_labels(labels_path, images_path, out, error) &&
        image_set_name_classes(out, path_mentions_fashion(folder) ? fashion_names : digit_names, CLASS_COUNT, error);
    free(images_path);
    free(labels_path);
    if (!good)
        image_set_deinit(out);
    return good;
}

/* Any of the four files, in any spelling. */
static bool idx_is_there(const char *folder)
{
    static const char *const kinds[][2] = {{"train", "images"}, {"train", "labels"}, {"t10k", "images"}, {"t10k", "labels"}};
    for (int i = 0; i < 4; i++) {
        char *path = find_file(folder, kinds[i][0], kinds[i][1], i % 2 == 0 ? 3 : 1, NULL);
        free(path);
        if (path != NULL)
            return true;
    }
    return false;
}

bool image_set_load(const char *folder, const struct image_form *form, enum image_split split, struct image_set *out,
                    struct cli_error *error)
{
    memset(out, 0, sizeof *out);
    if (!check_folder(folder, error))
        return false;
    if (idx_is_there(folder))
        return load_idx(folder, split, out, error);
    if (cifar_is_there(folder))
        return cifar_load(folder, split, out, error);
    if (picture_folder_is_one(folder))
        return picture_folder_load(folder, form, split, out, error);
    return cli_fail(error,
                    "%s: no data in it; IDX files such as train-images-idx3-ubyte, CIFAR-10's data_batch_1.bin, or a "
                    "folder of pictures for each class were expected, or use --data builtin",
                    folder);
}

bool image_set_draw(uint64_t seed, uint64_t first, size_t count, struct image_set *out, struct cli_error *error)
{
    memset(out, 0, sizeof *out);
    if (count < 1 || count > IDX_BYTES_MAX / DIGIT_PIXELS)
        return cli_fail(error, "%zu built-in digits cannot be drawn at once; ask for 1 to %llu", count,
                        (unsigned long long)(IDX_BYTES_MAX / DIGIT_PIXELS));
    out->pixels = malloc(count * DIGIT_PIXELS);
    out->labels = malloc(count);
    if (out->pixels == NULL || out->labels == NULL) {
        image_set_deinit(out);
        return cli_fail(error, "no memory for %zu built-in digits of %d bytes; ask for fewer", count,
                        (int)DIGIT_PIXELS);
    }
    for (size_t i = 0; i < count; i++)
        digits_draw(seed, first + i, out->pixels + i * DIGIT_PIXELS, out->labels + i);
    out->count = count;
    out->channels = 1;
    out->height = out->width = DIGIT_SIDE;
    out->kind = IMAGE_DIGITS;
    if (image_set_name_classes(out, digit_names, CLASS_COUNT, error))
        return true;
    image_set_deinit(out);
    return false;
}

/* ---- classes and channels ---- */

bool image_set_name_classes(struct image_set *set, const char *const *names, int count, struct cli_error *error)
{
    size_t bytes = (size_t)count * sizeof *names;
    for (int i = 0; i < count; i++)
        bytes += strlen(names[i]) + 1;
    const char **own = malloc(bytes);
    if (own == NULL)
        return cli_fail(error, "no memory for the names of %d classes; free some memory", count);
    char *text = (char *)(own + count);
    for (int i = 0; i < count; i++) {
        own[i] = text;
        text = stpcpy(text, names[i]) + 1;
    }
    free((void *)set->class_names);
    set->class_names = own;
    set->class_count = count;
    return true;
}

/* Bytes of the well-formed UTF-8 character at text, or 0 (Unicode, table 3-7). */
static int utf8_bytes(const uint8_t *text)
{
    const uint8_t a = text[0];
    if (a < 0x80)
        return 1;
    const int count = a >= 0xc2 && a < 0xe0 ? 2 : a >= 0xe0 && a < 0xf0 ? 3 : a >= 0xf0 && a < 0xf5 ? 4 : 0;
    const uint8_t low = a == 0xe0 ? 0xa0 : a == 0xf0 ? 0x90 : 0x80, high = a == 0xed ? 0x9f : a == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i < count; i++)
        if (text[i] < (i == 1 ? low : 0x80) || text[i] > (i == 1 ? high : 0xbf))
            return 0;
    return count;
}

bool image_class_name_check(const char *where, const char *name, struct cli_error *error)
{
    if (name[0] == '\0' || strlen(name) > IMAGE_CLASS_NAME_BYTES_MAX)
        return cli_fail(error, "%s: the class name \"%.80s\" has %zu bytes; 1 to %d are supported, rename it", where, name,
                        strlen(name), IMAGE_CLASS_NAME_BYTES_MAX);
    for (const uint8_t *at = (const uint8_t *)name; *at != '\0';) {
        const int bytes = utf8_bytes(at);
        if (bytes == 0 || *at < 0x20 || *at == 0x7f || *at == '|')
            return cli_fail(error,
                            "%s: the class name \"%s\" holds the byte 0x%02x; UTF-8 without control characters and '|' "
                            "is supported, rename it",
                            where, name, *at);
        at += bytes;
    }
    return true;
}

static bool spread_to_colours(struct image_set *set, struct cli_error *error)
{
    const size_t plane = (size_t)set->height * (size_t)set->width;
    uint8_t *pixels = realloc(set->pixels, 3 * set->count * plane);
    if (pixels == NULL)
        return cli_fail(error, "no memory for %zu pictures in colour; use fewer", set->count);
    set->pixels = pixels;
    for (size_t i = set->count; i-- > 0;) /* from the last on: what is overwritten was read */
        for (size_t c = 3; c-- > 0;)
            memmove(pixels + (3 * i + c) * plane, pixels + i * plane, plane);
    return true;
}

bool image_set_convert(struct image_set *set, int channels, struct cli_error *error)
{
    const size_t plane = (size_t)set->height * (size_t)set->width;
    if (set->channels == channels)
        return true;
    if (channels == 3 && !spread_to_colours(set, error))
        return false;
    for (size_t i = 0; i < set->count && channels == 1; i++) {
        picture_grey_planes(set->pixels + 3 * i * plane, plane);
        memmove(set->pixels + i * plane, set->pixels + 3 * i * plane, plane);
    }
    set->channels = channels;
    return true;
}

void image_set_deinit(struct image_set *set)
{
    free(set->pixels);
    free(set->labels);
    free((void *)set->class_names);
    memset(set, 0, sizeof *set);
}
