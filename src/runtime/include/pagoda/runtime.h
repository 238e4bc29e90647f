/* SPDX-License-Identifier: Apache-2.0
 * runtime: opened devices, buffers from a caching pool, streams and events.
 *
 * Threads: a device is thread-safe; a buffer may be read by many threads or written by one; a stream and its events belong to one thread
 * at a time. */
#ifndef PAGODA_RUNTIME_H
#define PAGODA_RUNTIME_H

#include <pagoda/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pgd_device pgd_device;
typedef struct pgd_buffer pgd_buffer;
typedef struct pgd_stream pgd_stream;
typedef struct pgd_event pgd_event;

typedef struct pgd_device_options {
    uint32_t struct_bytes;
    int32_t threads;     /* host: worker threads, the caller counted in; 0: one per processor this process may use */
    const char *isa;     /* host: highest instruction set level to use, "avx512", "avx2" or "portable"; NULL: the best there is */
    uint64_t cache_bytes; /* freed device memory kept for reuse; 0: 64 MiB */
} pgd_device_options;

PGD_API void pgd_device_options_init(pgd_device_options *options, size_t struct_bytes);

/* Opens "cpu", "null" or "auto" (NULL: "auto"). options may be NULL. Errors: BAD_ARG unknown id, threads or isa; DEVICE it cannot be used; NO_MEMORY.
 * Owned by the caller: pgd_device_close after everything made from it is gone. */
PGD_API PGD_MUST_USE pgd_status pgd_device_open(const char *id, const pgd_device_options *options, pgd_device **out);
PGD_API void pgd_device_close(pgd_device *device); /* NULL is fine */

/* Memory of a device; contents undefined until written. The device must outlive it. Zero bytes are allowed. */
PGD_API PGD_MUST_USE pgd_status pgd_buffer_create(pgd_device *device, uint64_t bytes, pgd_buffer **out);

/* Memory the caller keeps alive and owns, used in place. Errors: UNSUPPORTED the device is not the host. */
PGD_API PGD_MUST_USE pgd_status pgd_buffer_wrap(pgd_device *device, void *bytes, uint64_t count, pgd_buffer **out);
PGD_API void pgd_buffer_destroy(pgd_buffer *buffer); /* NULL is fine */
PGD_API uint64_t pgd_buffer_bytes(const pgd_buffer *buffer);

/* The address of a buffer in this process, or NULL where the device keeps it elsewhere. Borrowed. */
PGD_API void *pgd_buffer_address(pgd_buffer *buffer);

/* Copies between host memory and a buffer; done when the call returns. Errors: BAD_ARG the range lies outside; DEVICE. */
PGD_API PGD_MUST_USE pgd_status pgd_buffer_write(pgd_buffer *to, uint64_t offset_bytes, const void *from, uint64_t bytes);
PGD_API PGD_MUST_USE pgd_status pgd_buffer_read(void *to, pgd_buffer *from, uint64_t offset_bytes, uint64_t bytes);

/* An ordered queue of work. On the host, work is done when the call that submits it returns. A failure of the device sticks to the
 * stream and comes back from every later call on it. */
PGD_API PGD_MUST_USE pgd_status pgd_stream_create(pgd_device *device, pgd_stream **out);
PGD_API void pgd_stream_destroy(pgd_stream *stream); /* NULL is fine */
PGD_API PGD_MUST_USE pgd_status pgd_stream_sync(pgd_stream *stream);

/* A point in a stream. elapsed_ns is defined once both were recorded and reached. */
PGD_API PGD_MUST_USE pgd_status pgd_event_create(pgd_device *device, pgd_event **out);
PGD_API void pgd_event_destroy(pgd_event *event); /* NULL is fine */
PGD_API PGD_MUST_USE pgd_status pgd_event_record(pgd_event *event, pgd_stream *stream);
PGD_API PGD_MUST_USE pgd_status pgd_event_elapsed(const pgd_event *from, const pgd_event *to, uint64_t *elapsed_ns);

#ifdef __cplusplus
}
#endif
#endif
