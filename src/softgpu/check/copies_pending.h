/* SPDX-License-Identifier: Apache-2.0
 * cp.async that was begun and not waited for: its bytes must not be touched. */
#ifndef PGD_SOFTGPU_COPIES_PENDING_H
#define PGD_SOFTGPU_COPIES_PENDING_H

#include "findings.h"

typedef struct gpu_pending {
    gpu_findings *findings;
    struct pending_block *blocks; /* those that have begun copies */
    int32_t count, capacity;
} gpu_pending;

void gpu_pending_deinit(gpu_pending *pending); /* forgets all; it can be used on */
void gpu_pending_begun(gpu_pending *pending, const gpu_access *write);
void gpu_pending_done(gpu_pending *pending, uint32_t block, uint32_t thread, uint32_t left); /* all of that thread but its last `left` */
void gpu_pending_end_block(gpu_pending *pending, uint32_t block);
void gpu_pending_access(const gpu_pending *pending, const gpu_access *access);
#endif
