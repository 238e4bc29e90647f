/* SPDX-License-Identifier: Apache-2.0 */
#include "image_set.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "digits.h"
#include "idx.h"

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
        return cli_fail(error, "%s: cannot be opened: %s; give a folder with the IDX files, or --data builtin", folder,
                        strerror(errno));
    if (!S_ISDIR(there.st_mode))
        return cli_fail(error, "%s: is not a folder; give the folder that holds the IDX files", folder);
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

bool image_set_load(const char *folder, enum image_split split, struct image_set *out, struct cli_error *error)
{
    memset(out, 0, sizeof *out);
    if (!check_folder(folder, error))
        return false;
    const char *prefix = split == IMAGE_SPLIT_TRAIN ? "train" : "t10k";
    char *images_path = find_file(folder, prefix, "images", 3, error);
    char *labels_path = images_path != NULL ? find_file(folder, prefix, "labels", 1, error) : NULL;
    const bool good = labels_path != NULL && take_images(images_path, out, error) &&
                      take_labels(labels_path, images_path, out, error);
    free(images_path);
    free(labels_path);
    if (!good) {
        image_set_deinit(out);
        return false;
    }
    out->class_count = CLASS_COUNT;
    out->class_names = path_mentions_fashion(folder) ? fashion_names : digit_names;
    return true;
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
    out->class_count = CLASS_COUNT;
    out->class_names = digit_names;
    return true;
}

void image_set_deinit(struct image_set *set)
{
    free(set->pixels);
    free(set->labels);
    memset(set, 0, sizeof *set);
}
