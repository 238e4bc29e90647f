/* SPDX-License-Identifier: Apache-2.0
 * Compares a file of results with what the reference executor gives, or writes one of its own:  compare FILE [--only SUBSTRING],  compare --write FILE */
#include <stdlib.h>
#include <string.h>

#include "check.h"

static int write_own(const golden_results *results, const char *path) {
    golden_writer w;
    if (golden_writer_open(path, "device: reference executor\n", &w) != PGD_OK) return 1;
    for (int32_t k = 0; k < results->list->count; k++) {
        const golden_record *r = &results->records[k];
        if (r->raw != NULL) golden_writer_add(&w, &results->list->cases[k], r->status, r->raw, r->bytes);
    }
    return golden_writer_close(&w) != PGD_OK;
}

static int compare(const golden_results *results, const char *path) {
    golden_file file;
    if (golden_file_read(path, &file) != PGD_OK) return fprintf(stderr, "compare: %s\n", pgd_error_text()), 1;
    printf("%s", file.text);
    golden_verdict v = golden_check_file(results, &file, stdout, INT32_MAX);
    int32_t rows = 0;
    for (int32_t f = 0; f < PTX_FORM_COUNT; f++) rows += v.rows[f];
    printf("%d cases of %d rows, %lld results: %lld differ, %lld are left open by the manual; %d cases have changed since\n", v.cases, rows, (long long)v.cells, (long long)v.differences, (long long)v.open, v.stale);
    golden_file_deinit(&file);
    return v.differences > 0;
}

int main(int count, char **words) {
    const char *path = NULL, *only = NULL;
    bool writes = false;
    for (int k = 1; k < count; k++) {
        if (strcmp(words[k], "--write") == 0) writes = true;
        else if (strcmp(words[k], "--only") == 0 && k + 1 < count) only = words[++k];
        else path = words[k];
    }
    if (path == NULL) return fprintf(stderr, "usage: compare [--write] [--only SUBSTRING] FILE\n"), 1;
    golden_list list;
    golden_results results;
    if (golden_list_create(&list) != PGD_OK || golden_results_create(&list, NULL, only, &results) != PGD_OK) return fprintf(stderr, "compare: %s\n", pgd_error_text()), 1;
    int status = writes ? write_own(&results, path) : compare(&results, path);
    golden_results_destroy(&results);
    golden_list_destroy(&list);
    return status;
}
