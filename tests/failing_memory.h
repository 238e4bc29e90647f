/* SPDX-License-Identifier: Apache-2.0
 * Memory for pgd_init whose n-th allocation fails, and that counts what is not given back. Include it behind cmocka.h. */
#ifndef PGD_TESTS_FAILING_MEMORY_H
#define PGD_TESTS_FAILING_MEMORY_H

#include <pagoda/base.h>
#include <stdlib.h>
#include <string.h>

typedef struct failing_memory {
    int64_t until_failure; /* allocations; below zero: never */
    bool for_good;         /* all later ones fail as well */
    bool off;              /* neither counted nor failing now */
    bool failed;
    int64_t blocks, count;
} failing_memory;

static inline void *failing_resize(void *user, void *pointer, size_t old_bytes, size_t new_bytes, size_t alignment) {
    failing_memory *m = user;
    if (new_bytes == 0) {
        m->blocks--;
        free(pointer);
        return NULL;
    }
    if (!m->off) m->count++;
    if (!m->off && m->until_failure == 0) {
        m->failed = true;
        if (!m->for_good) m->until_failure = -1;
        return NULL;
    }
    if (!m->off && m->until_failure > 0) m->until_failure--;
    void *fresh = aligned_alloc(alignment, (new_bytes + alignment - 1) / alignment * alignment);
    assert_non_null(fresh);
    if (pointer != NULL) {
        memcpy(fresh, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(pointer);
    } else {
        m->blocks++;
    }
    return fresh;
}

/* From now on all of the library's memory comes from there. */
static inline void failing_memory_use(failing_memory *m) {
    pgd_init_options o;
    pgd_init_options_init(&o, sizeof o);
    o.resize = failing_resize;
    o.resize_user = m;
    assert_int_equal(pgd_init(&o), PGD_OK);
}
#endif
