/* SPDX-License-Identifier: Apache-2.0
 * The passes: each makes a new graph from an old one and leaves the old one alone. */
#ifndef PGD_PASSES_H
#define PGD_PASSES_H

#include <graph_share.h>

/* Only what outputs and updates need; the operations that `expands` names written with simpler ones; constants folded; common subexpressions merged; x*1 and
 * x+0 gone; neighbouring pads joined. */
pgd_status pgd_pass_simplify(const pgd_graph *from, bool (*expands)(const pgd_node *node), pgd_graph **out);

/* What kernels want expanded. */
bool pgd_expands_for_kernels(const pgd_node *node);

/* Work on 16-bit floats written as work on f32 between casts; is there any? */
pgd_status pgd_pass_widen(const pgd_graph *from, pgd_graph **out);
bool pgd_needs_widening(const pgd_graph *graph);

/* Elementwise and reduction work gathered into programs; what follows a matmul or conv alone becomes its epilogue.
 * alone: every operation is a program of its own. */
pgd_status pgd_pass_fuse(const pgd_graph *from, bool alone, pgd_graph **out);

/* An empty graph with the symbols of `from`, in which extents of `from` mean the same. */
pgd_status pgd_graph_create_like(const pgd_graph *from, pgd_graph **out);

/* Marks the nodes that outputs and updates need, and the inputs that alone show an extent; one flag per node, false before. */
pgd_status pgd_mark_live(const pgd_graph *graph, bool *live);

#endif
