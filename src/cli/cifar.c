/* SPDX-License-Identifier: Apache-2.0 */
#include "cifar.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byte_source.h"
#include "idx.h"
#include "name_list.h"

enum { SIDE = 32, CHANNELS = 3, PICTURE_BYTES = CHANNELS * SIDE * SIDE, FIRST_ROOM = 256, NAMES_BYTES_MAX = 4096 };

static const char *const official[CIFAR_CLASSES] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

/* ---- records ---------------------------------------------------------------------------------------------------------------------------------------- */

/* Memory at most doubles what was found. */
static bool make_room(struct image_set *set, size_t *room, size_t wanted, const char *name, struct cli_error *error) {
    uint8_t *pixels = realloc(set->pixels, wanted * PICTURE_BYTES);
    if (pixels != NULL) set->pixels = pixels;
    uint8_t *labels = pixels == NULL ? NULL : realloc(set->labels, wanted);
    if (labels == NULL) return cli_fail(error, "%s: no memory for %zu pictures; free some memory or use a smaller set", name, wanted);
    set->labels = labels;
    *room = wanted;
    return true;
}

/* Adds the records of one file, of which there must be at least one. */
static bool take(struct byte_source *source, struct image_set *set, size_t *room, struct cli_error *error) {
    for (size_t record = 0;; record++) {
        uint8_t label;
        size_t found;
        if (!byte_source_read(source, &label, 1, &found, error)) return false;
        if (found == 0) return record > 0 || cli_fail(error, "%s: the file is empty; download it again", source->name);
        if (label >= CIFAR_CLASSES) return cli_fail(error, "%s: label %d of picture %zu is above %d; give the binary files of CIFAR-10, or download it again", source->name, label, record, CIFAR_CLASSES - 1);
        if ((set->count + 1) * PICTURE_BYTES > IDX_BYTES_MAX) return cli_fail(error, "%s: more pictures than the %llu bytes that are supported; use fewer files", source->name, (unsigned long long)IDX_BYTES_MAX);
        if (set->count == *room && !make_room(set, room, *room == 0 ? FIRST_ROOM : 2 * *room, source->name, error)) return false;
        if (!byte_source_read(source, set->pixels + set->count * PICTURE_BYTES, PICTURE_BYTES, &found, error)) return false;
        if (found < PICTURE_BYTES) return cli_fail(error, "%s: truncated: picture %zu should have %d bytes, %zu found; download it again", source->name, record, PICTURE_BYTES, found);
        set->labels[set->count++] = label;
    }
}

static bool complete(struct image_set *set, size_t *room, const char *const *names, const char *where, struct cli_error *error) {
    set->channels = CHANNELS;
    set->height = set->width = SIDE;
    set->kind = IMAGE_CIFAR;
    return make_room(set, room, set->count, where, error) && image_set_name_classes(set, names, CIFAR_CLASSES, error);
}

bool cifar_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct image_set *out, struct cli_error *error) {
    struct byte_source source;
    size_t room = 0;
    memset(out, 0, sizeof *out);
    if (!byte_source_open_memory(&source, bytes, byte_count, name, error)) return false;
    bool good = take(&source, out, &room, error) && complete(out, &room, official, name, error);
    byte_source_close(&source);
    if (!good) image_set_deinit(out);
    return good;
}

/* ---- the names of the classes --------------------------------------------------------------------------------------------------------------------------- */

bool cifar_parse_names(char *text, const char *name, const char *names[CIFAR_CLASSES], struct cli_error *error) {
    int count = 0;
    for (char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        while (length > 0 && isspace((unsigned char)line[length - 1])) length--;
        line[length] = '\0';
        if (length > 0 && count == CIFAR_CLASSES) return cli_fail(error, "%s: more than %d names; give one line for each class", name, CIFAR_CLASSES);
        if (length > 0) {
            if (!image_class_name_check(name, line, error)) return false;
            names[count++] = line;
        }
        line = next;
    }
    return count == CIFAR_CLASSES || cli_fail(error, "%s: %d names found, %d expected; give one line for each class, or remove the file", name, count, CIFAR_CLASSES);
}

static bool read_names(const char *path, char text[NAMES_BYTES_MAX + 1], const char *names[CIFAR_CLASSES], struct cli_error *error) {
    struct byte_source source;
    size_t found;
    memcpy(names, official, sizeof official);
    if (access(path, F_OK) != 0) return true;
    if (!byte_source_open_file(&source, path, error)) return false;
    bool good = byte_source_read(&source, (uint8_t *)text, NAMES_BYTES_MAX, &found, error);
    byte_source_close(&source);
    if (!good) return false;
    if (found == NAMES_BYTES_MAX) return cli_fail(error, "%s: longer than %d bytes; give one line for each class, or remove the file", path, NAMES_BYTES_MAX);
    text[found] = '\0';
    if (strlen(text) != found) return cli_fail(error, "%s: a zero byte in the text; give one line for each class, or remove the file", path);
    return cifar_parse_names(text, path, names, error);
}

/* ---- folders ----------------------------------------------------------------------------------------------------------------------------------------------- */

static bool is_batch(const char *name, const char *prefix) {
    size_t length = strlen(name), start = strlen(prefix);
    if (length > 3 && strcmp(name + length - 3, ".gz") == 0) length -= 3;
    return strncmp(name, prefix, start) == 0 && length >= start + 4 && memcmp(name + length - 4, ".bin", 4) == 0;
}

static bool is_train(const char *path, const char *name) { return is_batch(name, "data_batch_"); }
static bool is_test(const char *path, const char *name) { return is_batch(name, "test_batch") && strncmp(name, "test_batch.bin", 14) == 0; }
static bool is_either(const char *path, const char *name) { return is_train(path, name) || is_test(path, name); }

bool cifar_is_there(const char *folder) {
    struct name_list list;
    bool there = name_list_read(folder, is_either, &list, NULL) && list.count > 0;
    name_list_deinit(&list);
    return there;
}

/* 2 before 10; a name's length without .gz decides first. */
static int by_number(const void *a, const void *b) {
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    size_t nx = strcspn(x, "."), ny = strcspn(y, ".");
    return nx != ny ? (nx < ny ? -1 : 1) : strcmp(x, y);
}

static bool take_files(const char *folder, const struct name_list *list, struct image_set *set, size_t *room, struct cli_error *error) {
    bool good = true;
    for (size_t i = 0; i < list->count && good; i++) {
        size_t plain = strlen(list->names[i]);
        if (i > 0 && plain > 3 && strncmp(list->names[i], list->names[i - 1], plain - 3) == 0 && strlen(list->names[i - 1]) == plain - 3) continue; /* the same, packed */
        struct byte_source source;
        char *path = name_join(folder, list->names[i], error);
        good = path != NULL && byte_source_open_file(&source, path, error);
        if (good) {
            good = take(&source, set, room, error);
            byte_source_close(&source);
        }
        free(path);
    }
    return good;
}

bool cifar_load(const char *folder, enum image_split split, struct image_set *out, struct cli_error *error) {
    struct name_list list;
    char text[NAMES_BYTES_MAX + 1];
    const char *names[CIFAR_CLASSES];
    size_t room = 0;
    memset(out, 0, sizeof *out);
    if (!name_list_read(folder, split == IMAGE_SPLIT_TRAIN ? is_train : is_test, &list, error)) return false;
    if (list.count > 1) qsort(list.names, list.count, sizeof *list.names, by_number);
    char *path = name_join(folder, "batches.meta.txt", error);
    bool good = path != NULL && (list.count > 0 || cli_fail(error, "%s: no %s in it; download the binary files of CIFAR-10 into it", folder, split == IMAGE_SPLIT_TRAIN ? "data_batch_1.bin" : "test_batch.bin")) &&
                read_names(path, text, names, error) && take_files(folder, &list, out, &room, error) && complete(out, &room, names, folder, error);
    free(path);
    name_list_deinit(&list);
    if (!good) image_set_deinit(out);
    return good;
}
