/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the lower storeys share: cmocka, calls that must succeed or fail in a certain way, and repeatable numbers. */
#ifndef PGD_TEST_CHECK_H
#define PGD_TEST_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <base_share.h>

#define ok(call)                                                                                                                \
    do {                                                                                                                        \
        pgd_status ok_status_ = (call);                                                                                         \
        if (ok_status_ != PGD_OK) fail_msg("%s gave %s: %s", #call, pgd_status_name(ok_status_), pgd_error_text());              \
    } while (0)

/* The call fails with that status, and its sentence holds `part`. */
#define fails(status, part, call)                                                                                               \
    do {                                                                                                                        \
        pgd_status got_status_ = (call);                                                                                        \
        if (got_status_ != (status)) fail_msg("%s gave %s, not %s", #call, pgd_status_name(got_status_), pgd_status_name(status)); \
        if (strstr(pgd_error_text(), part) == NULL) fail_msg("%s says \"%s\", without \"%s\"", #call, pgd_error_text(), part);   \
    } while (0)

#define check(condition, ...)                       \
    do {                                            \
        if (!(condition)) fail_msg(__VA_ARGS__);    \
    } while (0)

/* SplitMix64 (Steele, Lea, Flood, 2014). */
typedef struct dice {
    uint64_t state;
} dice;

static inline uint64_t roll(dice *d) {
    uint64_t z = (d->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline int64_t roll_below(dice *d, int64_t bound) { return (int64_t)(roll(d) % (uint64_t)bound); }
static inline double roll_unit(dice *d) { return (double)(roll(d) >> 11) * 0x1p-53; }
static inline double roll_between(dice *d, double lo, double hi) { return lo + (hi - lo) * roll_unit(d); }

#endif
