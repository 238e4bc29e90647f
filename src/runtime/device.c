/* SPDX-License-Identifier: Apache-2.0
 * Opened devices and their buffers. Freed buffers go to a small cache ordered by age, because training asks for the same sizes again and
 * again; a request takes the smallest cached buffer that is large enough and at most twice as large. */
#include <pthread.h>
#include <runtime_share.h>
#include <string.h>

enum { CACHE_ENTRIES = 64 };

struct pgd_device {
    const pgd_drv_backend *backend;
    pgd_drv_device *driver;
    pgd_isa isa;
    uint64_t cache_limit_bytes, cached_bytes;
    pthread_mutex_t lock; /* guards the cache */
    int32_t cached;
    pgd_drv_buffer *cache[CACHE_ENTRIES]; /* oldest first */
};

struct pgd_buffer {
    pgd_device *device;
    pgd_drv_buffer *driver;
    uint64_t bytes;
    bool wrapped;
};

struct pgd_stream {
    pgd_device *device;
    pgd_status failed; /* sticky */
};

struct pgd_event {
    uint64_t time_ns;
    bool recorded;
};

void pgd_device_options_init(pgd_device_options *options, size_t struct_bytes) {
    const pgd_device_options defaults = {.struct_bytes = (uint32_t)struct_bytes, .cache_bytes = 64u << 20};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

static pgd_status choose_isa(const char *name, pgd_isa *out) {
    *out = pgd_isa_best();
    if (name == NULL) return PGD_OK;
    for (int isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (strcmp(name, pgd_isa_name((pgd_isa)isa)) != 0) continue;
        if (!pgd_isa_usable((pgd_isa)isa))
            return pgd_fail(PGD_DEVICE, "this processor has no %s; its best level is %s", name, pgd_isa_name(*out));
        *out = (pgd_isa)isa;
        return PGD_OK;
    }
    return pgd_fail(PGD_BAD_ARG, "there is no instruction set level \"%s\"; use avx512, avx2, neon or portable", name);
}

pgd_status pgd_device_open(const char *id, const pgd_device_options *options, pgd_device **out) {
    PGD_NEED(out);
    *out = NULL;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_device_options"));
    const pgd_drv_backend *backend;
    int32_t index;
    pgd_isa isa;
    PGD_TRY(pgd_drv_find(id == NULL ? "auto" : id, &backend, &index));
    PGD_TRY(choose_isa(o.isa, &isa));
    pgd_device *device = pgd_mem_zalloc(sizeof *device);
    if (device == NULL) return pgd_fail_memory(sizeof *device);
    pgd_status status = backend->open(index, &(pgd_drv_options){.threads = o.threads}, &device->driver);
    if (status != PGD_OK) {
        pgd_mem_free(device);
        return status;
    }
    device->backend = backend;
    device->isa = isa;
    device->cache_limit_bytes = o.cache_bytes == 0 ? 64u << 20 : o.cache_bytes;
    pthread_mutex_init(&device->lock, NULL);
    *out = device;
    return PGD_OK;
}

void pgd_device_close(pgd_device *device) {
    if (device == NULL) return;
    for (int32_t i = 0; i < device->cached; i++) device->backend->buffer_destroy(device->driver, device->cache[i]);
    device->backend->close(device->driver);
    pthread_mutex_destroy(&device->lock);
    pgd_mem_free(device);
}

pgd_isa pgd_device_isa(const pgd_device *device) { return device->isa; }
const char *pgd_device_kind(const pgd_device *device) { return device->backend->kind; }
int32_t pgd_device_threads(const pgd_device *device) { return device->driver->threads; }

/* ---- buffers --------------------------------------------------------------------------------------------------------------------- */

static pgd_drv_buffer *cache_remove(pgd_device *device, int32_t index) {
    pgd_drv_buffer *buffer = device->cache[index];
    memmove(&device->cache[index], &device->cache[index + 1], sizeof device->cache[0] * (size_t)(device->cached - index - 1));
    device->cached--;
    device->cached_bytes -= buffer->bytes;
    return buffer;
}

static pgd_drv_buffer *cache_take(pgd_device *device, uint64_t bytes) {
    pthread_mutex_lock(&device->lock);
    int32_t best = -1;
    for (int32_t i = 0; i < device->cached; i++)
        if (device->cache[i]->bytes >= bytes && device->cache[i]->bytes / 2 <= bytes && (best < 0 || device->cache[i]->bytes < device->cache[best]->bytes))
            best = i;
    pgd_drv_buffer *buffer = best < 0 ? NULL : cache_remove(device, best);
    pthread_mutex_unlock(&device->lock);
    return buffer;
}

static void cache_give(pgd_device *device, pgd_drv_buffer *buffer) {
    pthread_mutex_lock(&device->lock);
    while (device->cached > 0 && (device->cached == CACHE_ENTRIES || device->cached_bytes + buffer->bytes > device->cache_limit_bytes))
        device->backend->buffer_destroy(device->driver, cache_remove(device, 0));
    bool fits = buffer->bytes <= device->cache_limit_bytes;
    if (fits) {
        device->cache[device->cached++] = buffer;
        device->cached_bytes += buffer->bytes;
    }
    pthread_mutex_unlock(&device->lock);
    if (!fits) device->backend->buffer_destroy(device->driver, buffer);
}

pgd_status pgd_buffer_create(pgd_device *device, uint64_t bytes, pgd_buffer **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    pgd_buffer *buffer = pgd_mem_zalloc(sizeof *buffer);
    if (buffer == NULL) return pgd_fail_memory(sizeof *buffer);
    buffer->device = device;
    buffer->bytes = bytes;
    buffer->driver = cache_take(device, bytes);
    pgd_status status = buffer->driver != NULL ? PGD_OK : device->backend->buffer_create(device->driver, bytes, &buffer->driver);
    if (status != PGD_OK) {
        pgd_mem_free(buffer);
        return status;
    }
    *out = buffer;
    return PGD_OK;
}

pgd_status pgd_buffer_wrap(pgd_device *device, void *bytes, uint64_t count, pgd_buffer **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    if (count > 0) PGD_NEED(bytes);
    if (strcmp(device->backend->kind, "host") != 0)
        return pgd_fail(PGD_UNSUPPORTED, "only the host device can use memory in place; this one is %s", device->backend->kind);
    pgd_buffer *buffer = pgd_mem_zalloc(sizeof *buffer);
    if (buffer == NULL) return pgd_fail_memory(sizeof *buffer);
    buffer->device = device;
    buffer->bytes = count;
    buffer->wrapped = true;
    pgd_status status = pgd_drv_host_wrap(bytes, count, &buffer->driver);
    if (status != PGD_OK) {
        pgd_mem_free(buffer);
        return status;
    }
    *out = buffer;
    return PGD_OK;
}

void pgd_buffer_destroy(pgd_buffer *buffer) {
    if (buffer == NULL) return;
    if (buffer->wrapped)
        buffer->device->backend->buffer_destroy(buffer->device->driver, buffer->driver);
    else
        cache_give(buffer->device, buffer->driver);
    pgd_mem_free(buffer);
}

uint64_t pgd_buffer_bytes(const pgd_buffer *buffer) { return PGD_LACKS(buffer) ? 0 : buffer->bytes; }
void *pgd_buffer_address(pgd_buffer *buffer) { return PGD_LACKS(buffer) ? NULL : buffer->device->backend->buffer_address(buffer->driver); }
pgd_device *pgd_buffer_device(pgd_buffer *buffer) { return buffer->device; }

/* Against the size that was asked for: a buffer from the cache may have more behind it. */
static pgd_status check_range(const pgd_buffer *buffer, uint64_t offset_bytes, uint64_t bytes, const char *what) {
    if (offset_bytes <= buffer->bytes && bytes <= buffer->bytes - offset_bytes) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "%s: %llu bytes at offset %llu lie outside the buffer of %llu bytes", what, (unsigned long long)bytes, (unsigned long long)offset_bytes,
                    (unsigned long long)buffer->bytes);
}

pgd_status pgd_buffer_write(pgd_buffer *to, uint64_t offset_bytes, const void *from, uint64_t bytes) {
    PGD_NEED(to);
    if (bytes > 0) PGD_NEED(from);
    PGD_TRY(check_range(to, offset_bytes, bytes, "write"));
    return to->device->backend->write(to->device->driver, (pgd_mem){to->driver, offset_bytes}, from, bytes);
}

pgd_status pgd_buffer_read(void *to, pgd_buffer *from, uint64_t offset_bytes, uint64_t bytes) {
    PGD_NEED(from);
    if (bytes > 0) PGD_NEED(to);
    PGD_TRY(check_range(from, offset_bytes, bytes, "read"));
    return from->device->backend->read(from->device->driver, to, (pgd_mem){from->driver, offset_bytes}, bytes);
}

/* ---- streams and events ---------------------------------------------------------------------------------------------------------- */

pgd_status pgd_stream_create(pgd_device *device, pgd_stream **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    *out = pgd_mem_zalloc(sizeof **out);
    if (*out == NULL) return pgd_fail_memory(sizeof **out);
    (*out)->device = device;
    return PGD_OK;
}

void pgd_stream_destroy(pgd_stream *stream) { pgd_mem_free(stream); }
pgd_device *pgd_stream_device(pgd_stream *stream) { return stream->device; }

static pgd_status keep(pgd_stream *stream, pgd_status status) {
    if (status == PGD_DEVICE) stream->failed = status;
    return status;
}

static pgd_status check(const pgd_stream *stream) {
    return stream->failed == PGD_OK ? PGD_OK : pgd_fail(stream->failed, "the stream's device failed earlier; close the device and open it again");
}

pgd_status pgd_stream_sync(pgd_stream *stream) {
    PGD_NEED(stream);
    PGD_TRY(check(stream));
    return keep(stream, stream->device->backend->sync(stream->device->driver));
}

static pgd_mem lower(pgd_buffer_span span) { return (pgd_mem){span.buffer == NULL ? NULL : span.buffer->driver, span.offset_bytes}; }

pgd_status pgd_stream_launch(pgd_stream *stream, const pgd_drv_launch *launch, const pgd_buffer_span *operands, int32_t operand_count) {
    pgd_mem lowered[PGD_MAX_OPERANDS];
    PGD_TRY(check(stream));
    if (operand_count > PGD_MAX_OPERANDS) return pgd_fail(PGD_INTERNAL, "launch: %d operands", operand_count);
    for (int32_t i = 0; i < operand_count; i++) lowered[i] = lower(operands[i]);
    return keep(stream, stream->device->backend->launch(stream->device->driver, launch, lowered, operand_count));
}

pgd_status pgd_stream_copy(pgd_stream *stream, pgd_buffer_span to, pgd_buffer_span from, uint64_t bytes) {
    PGD_TRY(check(stream));
    PGD_TRY(check_range(to.buffer, to.offset_bytes, bytes, "copy"));
    PGD_TRY(check_range(from.buffer, from.offset_bytes, bytes, "copy"));
    return keep(stream, stream->device->backend->copy(stream->device->driver, lower(to), lower(from), bytes));
}

pgd_status pgd_stream_fill(pgd_stream *stream, pgd_buffer_span to, uint8_t value, uint64_t bytes) {
    PGD_TRY(check(stream));
    PGD_TRY(check_range(to.buffer, to.offset_bytes, bytes, "fill"));
    return keep(stream, stream->device->backend->fill(stream->device->driver, lower(to), value, bytes));
}

pgd_status pgd_event_create(pgd_device *device, pgd_event **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    *out = pgd_mem_zalloc(sizeof **out);
    return *out == NULL ? pgd_fail_memory(sizeof **out) : PGD_OK;
}

void pgd_event_destroy(pgd_event *event) { pgd_mem_free(event); }

pgd_status pgd_event_record(pgd_event *event, pgd_stream *stream) {
    PGD_NEED(event, stream);
    PGD_TRY(pgd_stream_sync(stream));
    event->time_ns = pgd_time_ns();
    event->recorded = true;
    return PGD_OK;
}

pgd_status pgd_event_elapsed(const pgd_event *from, const pgd_event *to, uint64_t *elapsed_ns) {
    PGD_NEED(elapsed_ns);
    *elapsed_ns = 0;
    PGD_NEED(from, to);
    if (!from->recorded || !to->recorded) return pgd_fail(PGD_BAD_STATE, "elapsed: both events must have been recorded");
    *elapsed_ns = to->time_ns > from->time_ns ? to->time_ns - from->time_ns : 0;
    return PGD_OK;
}
