/* SPDX-License-Identifier: Apache-2.0 */
#include "picture_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "idx.h"
#include "name_list.h"
#include "picture_fit.h"

enum { HELD_OUT = 5 }; /* one of so many */

/* ---- where the pictures are ------------------------------------------------------------------------------------------------------------------------- */

struct layout {
    char *classes_from;  /* the folder whose folders are the classes */
    char *pictures_from; /* the same for the pictures of this split */
    bool apart;          /* training and test pictures have folders of their own */
};

bool picture_folder_is_one(const char *folder) {
    struct name_list list;
    bool there = name_list_read(folder, name_is_folder, &list, NULL) && list.count > 0;
    name_list_deinit(&list);
    return there;
}

/* folder/name, if there are folders in it; else NULL. */
static char *find_part(const char *folder, const char *name) {
    char *path = name_join(folder, name, NULL);
    if (path != NULL && picture_folder_is_one(path)) return path;
    free(path);
    return NULL;
}

static void layout_deinit(struct layout *layout) {
    if (layout->pictures_from != layout->classes_from) free(layout->pictures_from);
    free(layout->classes_from);
}

static bool find_layout(const char *folder, enum image_split split, struct layout *out, struct cli_error *error) {
    char *train = find_part(folder, "train"), *test = find_part(folder, "test");
    if (test == NULL) test = find_part(folder, "val");
    out->apart = test != NULL;
    if (train == NULL && test == NULL) {
        out->classes_from = out->pictures_from = strdup(folder);
        return out->classes_from != NULL || cli_fail(error, "%s: no memory for its name; free some memory", folder);
    }
    out->classes_from = train != NULL ? train : test;
    out->pictures_from = split == IMAGE_SPLIT_TEST && test != NULL ? test : out->classes_from;
    if (test != NULL && test != out->classes_from && test != out->pictures_from) free(test);
    return train != NULL || split == IMAGE_SPLIT_TEST || cli_fail(error, "%s: there are test pictures, but no train/ with a folder for each class; put the training pictures there", folder);
}

/* ---- which pictures ----------------------------------------------------------------------------------------------------------------------------------- */

struct entry {
    uint64_t digest;
    char *path;
    uint8_t label;
};

struct entries {
    struct entry *list;
    size_t count, room, held_out, left_out;
};

static void entries_deinit(struct entries *all) {
    for (size_t i = 0; i < all->count; i++) free(all->list[i].path);
    free(all->list);
}

/* FNV-1a, its bits mixed (Stafford's variant 13), as FNV alone leaves names that differ at their end side by side. */
static uint64_t digest(const char *class_name, const char *name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = class_name; *c != '\0'; c++) hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    hash = (hash ^ '/') * UINT64_C(0x100000001b3);
    for (const char *c = name; *c != '\0'; c++) hash = (hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

static int by_digest(const void *a, const void *b) {
    const struct entry *x = a, *y = b;
    if (x->digest != y->digest) return x->digest < y->digest ? -1 : 1;
    return strcmp(x->path, y->path);
}

static bool is_picture(const char *path, const char *name) {
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".pgm", ".ppm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static bool add(struct entries *all, struct entry entry) {
    if (all->count == all->room) {
        size_t room = all->room == 0 ? 64 : 2 * all->room;
        struct entry *grown = realloc(all->list, room * sizeof *grown);
        if (grown == NULL) return false;
        all->list = grown, all->room = room;
    }
    all->list[all->count++] = entry;
    return true;
}

/* Of a class's pictures, those of the split: the fifth with the smallest digests is kept for tests, but never all there are. */
static void choose(struct entries *all, size_t first, enum image_split split) {
    size_t count = all->count - first, held = count < 2 ? 0 : count < HELD_OUT ? 1 : (count + HELD_OUT / 2) / HELD_OUT;
    struct entry *list = all->list + first;
    if (count > 1) qsort(list, count, sizeof *list, by_digest);
    size_t from = split == IMAGE_SPLIT_TEST ? 0 : held, to = split == IMAGE_SPLIT_TEST ? held : count;
    for (size_t i = 0; i < count; i++)
        if (i < from || i >= to) free(list[i].path);
    if (to > from) memmove(list, list + from, (to - from) * sizeof *list);
    all->count = first + to - from;
    all->held_out += held;
}

static bool add_class(struct entries *all, const char *folder, const char *class_name, uint8_t label, struct cli_error *error) {
    struct name_list files;
    char *path = name_join(folder, class_name, error);
    bool fine = path != NULL && name_list_read(path, is_picture, &files, error);
    if (fine) {
        for (size_t i = 0; i < files.count && fine; i++) {
            struct entry entry = {digest(class_name, files.names[i]), name_join(path, files.names[i], error), label};
            fine = entry.path != NULL && (add(all, entry) || cli_fail(error, "%s: no memory for the names of its pictures; free some memory", path));
            if (!fine) free(entry.path);
        }
        all->left_out += files.refused;
        if (fine && files.count == 0) fine = cli_fail(error, "%s: no picture in this folder, and each one in %s should be a class; give the folder whose folders hold PNG, JPEG, PGM or PPM pictures", path, folder);
        name_list_deinit(&files);
    }
    free(path);
    return fine;
}

static bool check_classes(const char *folder, const struct name_list *classes, struct cli_error *error) {
    if (classes->count < 2 || classes->count > IMAGE_CLASSES_MAX)
        return cli_fail(error, "%s: %zu folder%s in it; 2 to %d are supported, one for each class", folder, classes->count, classes->count == 1 ? "" : "s", IMAGE_CLASSES_MAX);
    for (size_t i = 0; i < classes->count; i++)
        if (!image_class_name_check(folder, classes->names[i], error)) return false;
    return true;
}

/* Every folder with pictures must be a class that is known. */
static bool check_part(const char *folder, const struct name_list *classes, const struct name_list *part, const char *classes_from, struct cli_error *error) {
    for (size_t i = 0; i < part->count; i++)
        if (!name_list_has(classes, part->names[i])) return cli_fail(error, "%s/%s: a class that %s does not have; rename or remove it", folder, part->names[i], classes_from);
    return true;
}

static bool collect(const struct layout *layout, enum image_split split, const struct name_list *classes, struct entries *all, struct cli_error *error) {
    struct name_list part;
    if (!name_list_read(layout->pictures_from, name_is_folder, &part, error)) return false;
    bool fine = check_part(layout->pictures_from, classes, &part, layout->classes_from, error);
    for (size_t i = 0; i < classes->count && fine; i++) {
        size_t first = all->count;
        if (!name_list_has(&part, classes->names[i])) continue;
        fine = add_class(all, layout->pictures_from, classes->names[i], (uint8_t)i, error);
        if (fine && !layout->apart) choose(all, first, split);
    }
    name_list_deinit(&part);
    if (fine && all->count == 0) fine = cli_fail(error, "%s: too few pictures to keep some for tests; give at least two of a class", layout->pictures_from);
    if (fine) qsort(all->list, all->count, sizeof *all->list, by_digest);
    return fine;
}

/* ---- their pixels -------------------------------------------------------------------------------------------------------------------------------------- */

/* Only where no picture has colour are three planes for one a waste. */
static void drop_colours(struct image_set *set) {
    size_t plane = (size_t)set->height * (size_t)set->width;
    for (size_t i = 0; i < set->count; i++) memmove(set->pixels + i * plane, set->pixels + 3 * i * plane, plane);
    set->channels = 1;
    uint8_t *less = realloc(set->pixels, set->count * plane);
    if (less != NULL) set->pixels = less;
}

static bool fit(struct picture *picture, const struct image_form *form, const char *path, const struct image_set *set, uint8_t *to, struct cli_error *error) {
    if (form->digits) {
        picture_make_grey(picture);
        return picture_as_digit(picture, path, to, error);
    }
    picture_fit_channels(picture, set->channels, set->height, set->width, to);
    return true;
}

static bool read_pixels(const char *folder, const struct entries *all, const struct image_form *form, struct image_set *set, struct cli_error *error) {
    bool colour = false;
    set->count = all->count;
    set->channels = form->channels == 0 ? 3 : form->channels;
    set->height = form->height > 0 ? form->height : PICTURE_FOLDER_SIDE, set->width = form->width > 0 ? form->width : PICTURE_FOLDER_SIDE;
    size_t bytes = (size_t)(set->channels * set->height * set->width);
    if (set->count > IDX_BYTES_MAX / bytes)
        return cli_fail(error, "%s: %zu pictures of %d x %d need more than the %llu bytes that are supported; use a smaller --size", folder, set->count, set->height, set->width, (unsigned long long)IDX_BYTES_MAX);
    set->pixels = malloc(set->count * bytes);
    set->labels = malloc(set->count);
    if (set->pixels == NULL || set->labels == NULL) return cli_fail(error, "%s: no memory for %zu pictures of %d x %d; use a smaller --size", folder, set->count, set->height, set->width);
    for (size_t i = 0; i < set->count; i++) {
        struct picture picture;
        if (!picture_read(all->list[i].path, &picture, error)) return false;
        colour = colour || picture_has_colour(&picture);
        bool fine = fit(&picture, form, all->list[i].path, set, set->pixels + i * bytes, error);
        picture_deinit(&picture);
        if (!fine) return false;
        set->labels[i] = all->list[i].label;
    }
    if (form->channels == 0 && !colour) drop_colours(set);
    return true;
}

static void remark(const char *folder, const struct layout *layout, enum image_split split, const struct entries *all, struct image_set *set) {
    int used = 0;
    size_t others = split == IMAGE_SPLIT_TEST ? 0 : all->held_out;
    if (!layout->apart && split == IMAGE_SPLIT_TEST)
        used = snprintf(set->remark, sizeof set->remark, "%.200s: the test pictures are the %zu kept from training, a fifth of each class chosen by file names", folder, all->count);
    else if (!layout->apart)
        used = snprintf(set->remark, sizeof set->remark, "%.200s: %zu of %zu pictures, a fifth of each class chosen by file names, are kept for tests", folder, others, others + all->count);
    if (all->left_out > 0)
        snprintf(set->remark + used, sizeof set->remark - (size_t)used, used > 0 ? "; files that are no pictures: %zu, left out" : "files that are no pictures: %zu, left out", all->left_out);
}

bool picture_folder_load(const char *folder, const struct image_form *form, enum image_split split, struct image_set *out, struct cli_error *error) {
    static const struct image_form plain;
    struct layout layout = {0};
    struct name_list classes = {0};
    struct entries all = {0};
    memset(out, 0, sizeof *out);
    bool good = find_layout(folder, split, &layout, error) && name_list_read(layout.classes_from, name_is_folder, &classes, error) && check_classes(layout.classes_from, &classes, error) &&
                collect(&layout, split, &classes, &all, error) && read_pixels(folder, &all, form != NULL ? form : &plain, out, error) &&
                image_set_name_classes(out, (const char *const *)classes.names, (int)classes.count, error);
    if (good) {
        out->kind = IMAGE_PICTURES;
        remark(folder, &layout, split, &all, out);
    } else
        image_set_deinit(out);
    entries_deinit(&all);
    name_list_deinit(&classes);
    layout_deinit(&layout);
    return good;
}
