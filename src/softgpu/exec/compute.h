/* SPDX-License-Identifier: Apache-2.0
 * What one instruction gives one thread, in plain C: the oracle that faster executors are held against. Nothing here knows of threads, memory or time. */
#ifndef PGD_SOFTGPU_COMPUTE_H
#define PGD_SOFTGPU_COMPUTE_H

#include <ptx/forms.h>

#include "number.h"

/* Raw bits of an operand, zero above its width; high: the upper half of a b128. A predicate is 0 or 1. */
typedef struct ptx_bits {
    uint64_t low, high;
} ptx_bits;

typedef struct ptx_given {
    ptx_bits in[PTX_OPERANDS_MAX]; /* sources by the number of their operand; those of {} stand in parts */
    ptx_bits parts[8];             /* elements of a vector operand: read by pack, written by unpack */
    bool carry;                    /* the thread's condition code, in and out */
    ptx_bits out;                  /* the result */
    bool second;                   /* the predicate behind "|" */
} ptx_given;

/* What atom and red leave in memory where `old` was, with their further operands; c is that of cas. */
uint64_t ptx_atomic(const ptx_instruction *instruction, bool global, uint64_t old, uint64_t b, uint64_t c); /* global: f32 sums in global memory flush subnormals, others do not */

/* Computes an instruction that reads registers and writes registers. False: it is of another kind (memory, control, other threads). */
bool ptx_compute(const ptx_instruction *instruction, ptx_given *given);

/* The direction that slot round names; to even where it names none. */
ptx_rounding ptx_rounding_of(const ptx_instruction *instruction);
/* The type of each element of a packed pair. */
ptx_type ptx_lane_type(ptx_type pair);

/* ---- the families, by file ---- */
bool ptx_compute_integer(const ptx_instruction *instruction, ptx_given *given);
bool ptx_compute_bits(const ptx_instruction *instruction, ptx_given *given);
bool ptx_compute_float(const ptx_instruction *instruction, ptx_given *given);
bool ptx_compute_compare(const ptx_instruction *instruction, ptx_given *given);
bool ptx_compute_convert(const ptx_instruction *instruction, ptx_given *given);

/* ---- numbers of a type ---- */
static inline uint64_t ptx_trim(ptx_type type, uint64_t bits) { return ptx_types[type].bits >= 64 ? bits : bits & ((UINT64_C(1) << ptx_types[type].bits) - 1); }
static inline int64_t ptx_signed(ptx_type type, uint64_t bits) {
    int32_t unused = 64 - ptx_types[type].bits;
    return unused <= 0 ? (int64_t)bits : (int64_t)(bits << unused) >> unused;
}
static inline bool ptx_is_signed(ptx_type type) { return ptx_types[type].kind == PTX_SIGNED; }
#endif
