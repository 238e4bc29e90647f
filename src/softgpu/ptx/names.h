/* SPDX-License-Identifier: Apache-2.0
 * What names mean while a module is read. A block { } opens a scope; a name means what the innermost scope that declares it says (manual: Scoping).
 * `%r<67>` declares %r0 to %r66 at once and is kept as one meaning of "%r". */
#ifndef PGD_PTX_NAMES_H
#define PGD_PTX_NAMES_H

#include "ptx.h"

typedef enum ptx_meaning_kind { PTX_IS_VARIABLE, PTX_IS_FUNCTION, PTX_IS_REGISTER, PTX_IS_RANGE, PTX_IS_LABEL, PTX_IS_PROTOTYPE, PTX_IS_TARGETS } ptx_meaning_kind;

typedef struct ptx_name ptx_name;
typedef struct ptx_meaning {
    struct ptx_meaning *shadowed, *next; /* of the same name outside; declared before it in the same scope */
    ptx_name *name;
    ptx_meaning_kind kind;
    int32_t scope;
    int32_t number, count; /* register; first register of a range and how many; instruction of a label; list of targets */
    ptx_variable *variable;
    ptx_function *function;
    ptx_prototype *prototype;
} ptx_meaning;

typedef struct ptx_names {
    pgd_arena *arena; /* of the module: names stay */
    ptx_name **buckets;
    int32_t bucket_count, name_count, scope;
    ptx_meaning *declared[PTX_NEST_MAX + 2]; /* per scope */
} ptx_names;

struct ptx_name {
    ptx_name *next;
    const char *text;
    uint64_t hash;
    ptx_meaning *meaning, *range;
    const void *last_body; /* the function in whose body a variable last had it */
};

bool ptx_names_init(ptx_names *names, pgd_arena *arena); /* false: no memory */
void ptx_names_deinit(ptx_names *names);

/* NULL: no memory. */
ptx_name *ptx_names_intern(ptx_names *names, const char *text, size_t count);

/* NULL: nothing is declared under that name here. For a register within a range *number is its own, else that of the meaning. */
const ptx_meaning *ptx_names_find(ptx_names *names, const char *text, size_t count, int32_t *number);

/* Declares a name in the innermost scope, or outside all functions where scope is 0. NULL: no memory, or it is declared there (*again). */
ptx_meaning *ptx_names_declare(ptx_names *names, const char *text, size_t count, ptx_meaning_kind kind, bool *again);

bool ptx_names_open(ptx_names *names); /* false: too deep */
void ptx_names_close(ptx_names *names);
#endif
