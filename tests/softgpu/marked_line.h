/* SPDX-License-Identifier: Apache-2.0
 * Lines of the kernels' sources that tests speak of, by the comment at their end. */
#ifndef PGD_TESTS_MARKED_LINE_H
#define PGD_TESTS_MARKED_LINE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The number of the line of tests/softgpu/kernels/FILE that ends in "// name". */
static inline int marked_line(const char *file_name, const char *name) {
    char path[4096], line[512], mark[64];
    int number = 0, found = 0;
    snprintf(path, sizeof path, "%s/tests/softgpu/kernels/%s", getenv("PAGODA_SOURCE_DIR"), file_name);
    snprintf(mark, sizeof mark, "// %s\n", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        number++;
        if (strlen(line) > strlen(mark) && strcmp(line + strlen(line) - strlen(mark), mark) == 0) found = number;
    }
    fclose(file);
    assert_true(found > 0);
    return found;
}
#endif
