/* SPDX-License-Identifier: Apache-2.0
 * engine, for the storeys above. */
#ifndef PGD_ENGINE_SHARE_H
#define PGD_ENGINE_SHARE_H

#include <pagoda/engine.h>

/* The buffer of a state tensor, borrowed. */
pgd_buffer *pgd_state_buffer(const pgd_state *state, int32_t index);

/* Takes away all tensors but the first `count`: those that a call added before it failed. */
void pgd_state_shrink(pgd_state *state, int32_t count);

#endif
