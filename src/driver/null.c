/* SPDX-License-Identifier: Apache-2.0
 * The null backend: buffers have a size but no memory, launches are checked and dropped. It plans and counts at any scale on any
 * machine; reading gives zeros. */
#include <driver_share.h>
#include <stdio.h>
#include <string.h>

#include "backends.h"

static int32_t null_count(void) { return 1; }

static pgd_status null_describe(int32_t index, pgd_device_info *out) {
    (void)index;
    snprintf(out->id, sizeof out->id, "null");
    snprintf(out->kind, sizeof out->kind, "null");
    snprintf(out->name, sizeof out->name, "computes nothing, for planning and tests");
    out->usable = true;
    return PGD_OK;
}

static pgd_status null_open(int32_t index, const pgd_drv_options *options, pgd_drv_device **out) {
    (void)index, (void)options;
    *out = pgd_mem_zalloc(sizeof **out);
    if (*out == NULL) return pgd_fail_memory(sizeof **out);
    (*out)->backend = &pgd_drv_null;
    (*out)->threads = 1;
    return PGD_OK;
}

static void null_close(pgd_drv_device *device) { pgd_mem_free(device); }

static pgd_status null_buffer_create(pgd_drv_device *device, uint64_t bytes, pgd_drv_buffer **out) {
    (void)device;
    *out = pgd_mem_zalloc(sizeof **out);
    if (*out == NULL) return pgd_fail_memory(sizeof **out);
    (*out)->bytes = bytes;
    return PGD_OK;
}

static void null_buffer_destroy(pgd_drv_device *device, pgd_drv_buffer *buffer) {
    (void)device;
    pgd_mem_free(buffer);
}

static void *null_buffer_address(pgd_drv_buffer *buffer) {
    (void)buffer;
    return NULL;
}

static pgd_status null_write(pgd_drv_device *device, pgd_mem to, const void *from, uint64_t bytes) {
    (void)device, (void)from;
    return pgd_drv_check_range(to, bytes, "write");
}

static pgd_status null_read(pgd_drv_device *device, void *to, pgd_mem from, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(from, bytes, "read"));
    if (bytes != 0) memset(to, 0, bytes);
    return PGD_OK;
}

static pgd_status null_copy(pgd_drv_device *device, pgd_mem to, pgd_mem from, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(to, bytes, "copy"));
    return pgd_drv_check_range(from, bytes, "copy");
}

static pgd_status null_fill(pgd_drv_device *device, pgd_mem to, uint8_t value, uint64_t bytes) {
    (void)device, (void)value;
    return pgd_drv_check_range(to, bytes, "fill");
}

static pgd_status null_launch(pgd_drv_device *device, const pgd_drv_launch *launch, const pgd_mem *operands, int32_t operand_count) {
    (void)device, (void)launch;
    for (int32_t i = 0; i < operand_count; i++)
        if (operands[i].buffer != NULL) PGD_TRY(pgd_drv_check_range(operands[i], 0, "launch"));
    return PGD_OK;
}

static pgd_status null_sync(pgd_drv_device *device) {
    (void)device;
    return PGD_OK;
}

const pgd_drv_backend pgd_drv_null = {
    .kind = "null",
    .count = null_count,
    .describe = null_describe,
    .open = null_open,
    .close = null_close,
    .buffer_create = null_buffer_create,
    .buffer_destroy = null_buffer_destroy,
    .buffer_address = null_buffer_address,
    .write = null_write,
    .read = null_read,
    .copy = null_copy,
    .fill = null_fill,
    .launch = null_launch,
    .sync = null_sync,
};
