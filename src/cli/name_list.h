/* SPDX-License-Identifier: Apache-2.0
 * The names in a folder, sorted byte by byte, so that every machine sees one order. */
#ifndef NAME_LIST_H
#define NAME_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "cli_error.h"

struct name_list {
    char **names;
    size_t count;
    size_t refused; /* that accept did not take */
};

/* Whether the name belongs into the list; path is folder/name. */
typedef bool name_accept_fn(const char *path, const char *name);

/* Names that begin with a dot are passed over. Owns: out, name_list_deinit it; zeroed on failure. */
bool name_list_read(const char *folder, name_accept_fn *accept, struct name_list *out, struct cli_error *error);
bool name_list_has(const struct name_list *list, const char *name);
void name_list_deinit(struct name_list *list);

/* To accept: folders, links to them included. */
bool name_is_folder(const char *path, const char *name);

/* folder/name, malloced; NULL with a sentence. */
char *name_join(const char *folder, const char *name, struct cli_error *error);

#endif
