/* SPDX-License-Identifier: Apache-2.0
 * runtime, for the storeys above: launching on a stream, and what a kernel row may know of a device. */
#ifndef PGD_RUNTIME_SHARE_H
#define PGD_RUNTIME_SHARE_H

#include <base_share.h>
#include <driver_share.h>
#include <pagoda/runtime.h>

typedef struct pgd_buffer_span {
    pgd_buffer *buffer;
    uint64_t offset_bytes;
} pgd_buffer_span;

pgd_isa pgd_device_isa(const pgd_device *device); /* the level chosen at open */
const char *pgd_device_kind(const pgd_device *device);
int32_t pgd_device_threads(const pgd_device *device); /* workers that share a launch */
pgd_device *pgd_stream_device(pgd_stream *stream);
pgd_device *pgd_buffer_device(pgd_buffer *buffer);

pgd_status pgd_stream_launch(pgd_stream *stream, const pgd_drv_launch *launch, const pgd_buffer_span *operands, int32_t operand_count);
pgd_status pgd_stream_copy(pgd_stream *stream, pgd_buffer_span to, pgd_buffer_span from, uint64_t bytes);
pgd_status pgd_stream_fill(pgd_stream *stream, pgd_buffer_span to, uint8_t value, uint64_t bytes);

#endif
