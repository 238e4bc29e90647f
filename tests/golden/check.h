/* SPDX-License-Identifier: Apache-2.0
 * Results of an executor, held against what must come and against a file of what came elsewhere. Each difference is a line: case, column, element, operands,
 * what was expected, what came. */
#ifndef PGD_GOLDEN_CHECK_H
#define PGD_GOLDEN_CHECK_H

#include "expect.h"
#include "golden_file.h"
#include "run_reference.h"

typedef struct golden_results {
    const golden_list *list;
    golden_record *records; /* one for each case */
} golden_results;

/* Runs all cases whose name has `only` in it, or all. Errors: those of loading a module; a kernel that does wrong is a result. */
pgd_status golden_results_create(const golden_list *list, pgd_status (*run)(const gpu_launch *launch, gpu_fault *fault), const char *only, golden_results *out);
void golden_results_destroy(golden_results *results);

typedef struct golden_verdict {
    int64_t cells, open, differences; /* open: those of which nothing is promised */
    int32_t cases, without, stale;    /* without: cases that the other side does not know; stale: that have changed since */
    bool rows[PTX_FORM_COUNT];        /* that took part, with cells that are not open */
} golden_verdict;

/* Lines go to `out`, at most `limit` of them, and three of a case. */
golden_verdict golden_check_expected(const golden_results *results, FILE *out, int32_t limit);
golden_verdict golden_check_file(const golden_results *results, const golden_file *file, FILE *out, int32_t limit);
#endif
