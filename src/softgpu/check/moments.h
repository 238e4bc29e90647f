/* SPDX-License-Identifier: Apache-2.0
 * When operations of streams and graphs happen: what is done for certain before each of them begins. */
#ifndef PGD_SOFTGPU_MOMENTS_H
#define PGD_SOFTGPU_MOMENTS_H

#include "clocks.h"

/* Operations of a chain (a stream) come one after the other, by their numbers, of which no two are the same. An operation of a graph is a chain of its own; whoever
 * knows of something in chain `cover` behind `begun`, where the stream goes on behind the graph, knows that it is done. */
typedef struct gpu_moment {
    uint64_t chain, number;
    uint64_t cover, begun; /* cover 0: none */
    gpu_clock before;
} gpu_moment;

/* Behind what the program knows to be done; which may be NULL. NULL: no memory. */
gpu_moment *gpu_moment_create(uint64_t chain, const gpu_clock *known);
void gpu_moment_destroy(gpu_moment *moment);
/* What is done before `first`, and it itself, is done before this. false: no memory. */
bool gpu_moment_after(gpu_moment *moment, const gpu_moment *first);
/* It is an operation of a graph that the stream began with `start`. */
void gpu_moment_of_graph(gpu_moment *moment, const gpu_moment *start);
/* It is where the stream goes on behind the graph, and covers its operations. */
void gpu_moment_behind_graph(gpu_moment *moment, const gpu_moment *start);
bool gpu_moment_is_before(const gpu_moment *one, const gpu_moment *other);

/* What the program knows: it has waited for this; for everything there was. */
bool gpu_moment_is_known(gpu_clock *known, const gpu_moment *moment); /* false: no memory */
void gpu_moment_all_known(gpu_clock *known);
#endif
