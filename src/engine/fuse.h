/* SPDX-License-Identifier: Apache-2.0
 * Between choosing what runs together (fuse.c) and writing it down as programs (fuse_emit.c). */
#ifndef PGD_FUSE_H
#define PGD_FUSE_H

#include "passes.h"

typedef struct pgd_fusion {
    const pgd_graph *graph;
    int32_t *unit; /* per node: the unit it runs in, named by one of its members; programs, epilogues and single nodes are units. -1: inlined or dead */
    int32_t *first; /* per unit: its least member, -1: none */
    int32_t *next;  /* per node: the next member of its unit, -1: the last */
    bool *live;
    int32_t **users;      /* per node: ids of live nodes that read it */
    int32_t *user_count;
    bool *kept;           /* per node: an output or update needs it in memory */
    pgd_program *draft;   /* room for one program and the registers of all nodes */
    int16_t *registers;
} pgd_fusion;

/* No value of its own: written into every program that uses it (numbers, extents, broadcasts). */
bool pgd_fuse_inlined(const pgd_node *node);

/* Part of programs: elementwise work, random numbers, reductions on dtypes that tiles hold. */
bool pgd_fuse_core(const pgd_node *node);

/* Can finish its result, of two inputs, with a program. */
bool pgd_fuse_takes_epilogue(const pgd_node *node);

/* Writes the fused graph. */
pgd_status pgd_fuse_emit(const pgd_fusion *fusion, pgd_graph **out);

/* Counts what a program for the members of `unit` would need; false when over a limit. */
bool pgd_fuse_fits(const pgd_fusion *fusion, int32_t unit);

#endif
