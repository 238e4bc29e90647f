/* SPDX-License-Identifier: Apache-2.0
 * The host backend: memory is memory, a launch is a job of the thread pool, and everything is done when its call returns. */
#define _GNU_SOURCE
#include <driver_share.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends.h"

typedef struct host_device {
    pgd_drv_device base;
    pgd_pool *pool;
} host_device;

typedef struct host_buffer {
    pgd_drv_buffer base;
    char *bytes;
    bool owned;
} host_buffer;

static int32_t usable_processors(void) {
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > 256 ? 256 : count;
}

static int32_t host_count(void) { return 1; }

static void processor_name(char *out, size_t out_bytes) {
    snprintf(out, out_bytes, "unnamed processor");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL) return;
    char line[256];
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "model name", 10) != 0 || strchr(line, ':') == NULL) continue;
        char *name = strchr(line, ':') + 1;
        while (*name == ' ') name++;
        name[strcspn(name, "\n")] = '\0';
        snprintf(out, out_bytes, "%.100s", name);
        break;
    }
    fclose(file);
}

static pgd_status host_describe(int32_t index, pgd_device_info *out) {
    (void)index;
    snprintf(out->id, sizeof out->id, "cpu");
    snprintf(out->kind, sizeof out->kind, "host");
    snprintf(out->isa, sizeof out->isa, "%s", pgd_isa_name(pgd_isa_best()));
    processor_name(out->name, sizeof out->name);
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
    out->memory_bytes = pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : 0;
    out->threads = usable_processors();
    out->usable = true;
    return PGD_OK;
}

static pgd_status host_open(int32_t index, const pgd_drv_options *options, pgd_drv_device **out) {
    (void)index;
    *out = NULL;
    host_device *device = pgd_mem_zalloc(sizeof *device);
    if (device == NULL) return pgd_fail_memory(sizeof *device);
    pgd_status status = pgd_pool_create(options->threads == 0 ? usable_processors() : options->threads, &device->pool);
    if (status != PGD_OK) {
        pgd_mem_free(device);
        return status;
    }
    device->base.backend = &pgd_drv_host;
    device->base.threads = pgd_pool_threads(device->pool);
    *out = &device->base;
    return PGD_OK;
}

static void host_close(pgd_drv_device *device) {
    pgd_pool_destroy(((host_device *)device)->pool);
    pgd_mem_free(device);
}

static pgd_status host_buffer_create(pgd_drv_device *device, uint64_t bytes, pgd_drv_buffer **out) {
    (void)device;
    *out = NULL;
    host_buffer *buffer = pgd_mem_zalloc(sizeof *buffer);
    if (buffer == NULL) return pgd_fail_memory(sizeof *buffer);
    buffer->bytes = pgd_mem_alloc((size_t)bytes);
    if (buffer->bytes == NULL) {
        pgd_mem_free(buffer);
        return pgd_fail_memory((size_t)bytes);
    }
    buffer->base.bytes = bytes;
    buffer->owned = true;
    *out = &buffer->base;
    return PGD_OK;
}

pgd_status pgd_drv_host_wrap(void *bytes, uint64_t count, pgd_drv_buffer **out) {
    *out = NULL;
    host_buffer *buffer = pgd_mem_zalloc(sizeof *buffer);
    if (buffer == NULL) return pgd_fail_memory(sizeof *buffer);
    buffer->base.bytes = count;
    buffer->bytes = bytes;
    *out = &buffer->base;
    return PGD_OK;
}

static void host_buffer_destroy(pgd_drv_device *device, pgd_drv_buffer *buffer) {
    (void)device;
    if (buffer == NULL) return;
    if (((host_buffer *)buffer)->owned) pgd_mem_free(((host_buffer *)buffer)->bytes);
    pgd_mem_free(buffer);
}

static void *host_buffer_address(pgd_drv_buffer *buffer) { return ((host_buffer *)buffer)->bytes; }

static char *address(pgd_mem mem) { return mem.buffer == NULL ? NULL : ((host_buffer *)mem.buffer)->bytes + mem.offset_bytes; }

pgd_status pgd_drv_check_range(pgd_mem mem, uint64_t bytes, const char *what) {
    if (mem.buffer != NULL && mem.offset_bytes <= mem.buffer->bytes && bytes <= mem.buffer->bytes - mem.offset_bytes) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "%s: %llu bytes at offset %llu lie outside the buffer of %llu bytes", what, (unsigned long long)bytes,
                    (unsigned long long)mem.offset_bytes, (unsigned long long)(mem.buffer == NULL ? 0 : mem.buffer->bytes));
}

static pgd_status host_write(pgd_drv_device *device, pgd_mem to, const void *from, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(to, bytes, "write"));
    if (bytes != 0) memcpy(address(to), from, bytes);
    return PGD_OK;
}

static pgd_status host_read(pgd_drv_device *device, void *to, pgd_mem from, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(from, bytes, "read"));
    if (bytes != 0) memcpy(to, address(from), bytes);
    return PGD_OK;
}

static pgd_status host_copy(pgd_drv_device *device, pgd_mem to, pgd_mem from, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(to, bytes, "copy"));
    PGD_TRY(pgd_drv_check_range(from, bytes, "copy"));
    if (bytes != 0) memmove(address(to), address(from), bytes);
    return PGD_OK;
}

static pgd_status host_fill(pgd_drv_device *device, pgd_mem to, uint8_t value, uint64_t bytes) {
    (void)device;
    PGD_TRY(pgd_drv_check_range(to, bytes, "fill"));
    if (bytes != 0) memset(address(to), value, bytes);
    return PGD_OK;
}

static pgd_status host_launch(pgd_drv_device *device, const pgd_drv_launch *launch, const pgd_mem *operands, int32_t operand_count) {
    char *resolved[PGD_MAX_OPERANDS];
    if (operand_count > PGD_MAX_OPERANDS) return pgd_fail(PGD_INTERNAL, "launch: %d operands", operand_count);
    for (int32_t i = 0; i < operand_count; i++) resolved[i] = address(operands[i]);
    return pgd_pool_run(((host_device *)device)->pool, launch->function, launch->params, resolved, launch->chunks);
}

static pgd_status host_sync(pgd_drv_device *device) {
    (void)device;
    return PGD_OK;
}

const pgd_drv_backend pgd_drv_host = {
    .kind = "host",
    .count = host_count,
    .describe = host_describe,
    .open = host_open,
    .close = host_close,
    .buffer_create = host_buffer_create,
    .buffer_destroy = host_buffer_destroy,
    .buffer_address = host_buffer_address,
    .write = host_write,
    .read = host_read,
    .copy = host_copy,
    .fill = host_fill,
    .launch = host_launch,
    .sync = host_sync,
};
