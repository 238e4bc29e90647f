/* SPDX-License-Identifier: Apache-2.0
 * How kernels of cases are written: inputs and outputs are columns that come into being as the text asks for them. */
#ifndef PGD_GOLDEN_CASE_BUILD_H
#define PGD_GOLDEN_CASE_BUILD_H

#include "cases.h"

typedef struct golden_build {
    golden_case *c;
    pgd_text before, body; /* functions and variables; the kernel's own */
} golden_build;

/* The kernel runs on so many threads in one block; to be said before columns are. */
void golden_threads(golden_build *b, int32_t threads);
PGD_PRINTF(2, 3) void golden_line(golden_build *b, const char *format, ...);
/* A column that is loaded into register %iK, K being what is returned; and one that only the flat view sees. */
int32_t golden_input(golden_build *b, ptx_type type, golden_values values);
int32_t golden_flat(golden_build *b, int32_t columns);
int32_t golden_column_add(golden_column *columns, int32_t *count, ptx_type type, golden_values values); /* nothing is loaded */
/* A register's value into a column of its own. flat: columns that the text fills itself, through %of, the address of this thread's bytes. */
void golden_output(golden_build *b, ptx_type type, const char *reg);
void golden_flat_output(golden_build *b, int32_t columns);
/* The type that a register has for operands of a type; for operands that may be wider (variants 1 of some rows are: 64 bits); the words of the instruction, "add.rn.f32". */
const char *golden_register_type(ptx_type type);
ptx_type golden_wider(const golden_build *b, ptx_type type);
bool golden_is_wide(const golden_case *c);
void golden_mnemonic(const golden_build *b, pgd_text *out);

/* ---- kinds of forms, by file; each returns false where the form is of another kind ---- */
bool golden_build_memory(golden_build *b);
bool golden_build_threads(golden_build *b);
bool golden_build_matrix(golden_build *b);
bool golden_build_plain(golden_build *b);

int32_t golden_variants(int32_t form); /* how many kernels there are to the same words */
/* Does PTX have that combination of words, which the row does not exclude; and what it needs beyond the row. */
bool golden_possible(const ptx_form *form, const ptx_instruction *words);
void golden_need(int32_t form, const ptx_instruction *words, int32_t *version, int32_t *target);
#endif
