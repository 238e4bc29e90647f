/* SPDX-License-Identifier: Apache-2.0 */
#include "name_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *name_join(const char *folder, const char *name, struct cli_error *error) {
    size_t room = strlen(folder) + strlen(name) + 2;
    char *path = malloc(room);
    if (path == NULL)
        cli_fail(error, "%s: no memory for a path of %zu bytes; free some memory", folder, room);
    else
        snprintf(path, room, "%s/%s", folder, name);
    return path;
}

bool name_is_folder(const char *path, const char *name) {
    struct stat there;
    return stat(path, &there) == 0 && S_ISDIR(there.st_mode);
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool keep(struct name_list *list, const char *name) {
    if ((list->count & (list->count - 1)) == 0) { /* full at the powers of two */
        char **grown = realloc(list->names, (list->count == 0 ? 1 : 2 * list->count) * sizeof *grown);
        if (grown == NULL) return false;
        list->names = grown;
    }
    char *copy = strdup(name);
    if (copy == NULL) return false;
    list->names[list->count++] = copy;
    return true;
}

static bool take(struct name_list *list, const char *folder, const char *name, name_accept_fn *accept, struct cli_error *error) {
    char *path = name_join(folder, name, error);
    if (path == NULL) return false;
    bool wanted = accept(path, name);
    free(path);
    list->refused += !wanted;
    return !wanted || keep(list, name) || cli_fail(error, "%s: no memory for the names of its %zu files; free some memory", folder, list->count);
}

bool name_list_read(const char *folder, name_accept_fn *accept, struct name_list *out, struct cli_error *error) {
    memset(out, 0, sizeof *out);
    DIR *directory = opendir(folder);
    if (directory == NULL) return cli_fail(error, "%s: cannot be read: %s; give a folder that is there and yours", folder, strerror(errno));
    bool fine = true;
    for (;;) {
        errno = 0;
        struct dirent *entry = readdir(directory);
        if (entry == NULL && errno != 0) fine = cli_fail(error, "%s: cannot be read: %s; give a folder that is there and yours", folder, strerror(errno));
        if (entry == NULL) break;
        if (entry->d_name[0] != '.' && !(fine = take(out, folder, entry->d_name, accept, error))) break;
    }
    closedir(directory);
    if (!fine) name_list_deinit(out);
    if (out->count > 1) qsort(out->names, out->count, sizeof *out->names, by_bytes);
    return fine;
}

bool name_list_has(const struct name_list *list, const char *name) { return list->count > 0 && bsearch(&name, list->names, list->count, sizeof *list->names, by_bytes) != NULL; }

void name_list_deinit(struct name_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->names[i]);
    free(list->names);
    memset(list, 0, sizeof *list);
}
