/* SPDX-License-Identifier: Apache-2.0
 * The one interface every backend implements. Raw addresses exist only behind it: above, memory is a buffer and an offset.
 *
 * Threads: an opened device is thread-safe; a queue belongs to one thread at a time. */
#ifndef PGD_DRIVER_SHARE_H
#define PGD_DRIVER_SHARE_H

#include <base_share.h>
#include <pagoda/driver.h>

/* Instruction set levels of the host, best first. A level is usable when the processor and the operating system have it. */
#define PGD_ISA_LIST(X) \
    X(AVX512, avx512)   \
    X(AVX2, avx2)       \
    X(NEON, neon)       \
    X(PORTABLE, portable)

typedef enum pgd_isa {
#define X(name, text) PGD_ISA_##name,
    PGD_ISA_LIST(X)
#undef X
    PGD_ISA_COUNT
} pgd_isa;

const char *pgd_isa_name(pgd_isa isa);
bool pgd_isa_usable(pgd_isa isa);
pgd_isa pgd_isa_best(void);

typedef struct pgd_drv_buffer pgd_drv_buffer;
typedef struct pgd_drv_device pgd_drv_device;

typedef struct pgd_mem {
    pgd_drv_buffer *buffer;
    uint64_t offset_bytes;
} pgd_mem;

/* What a kernel row emits for a device of this kind. Operands are resolved by the backend when the launch runs. */
typedef struct pgd_drv_launch {
    pgd_chunk_fn *function; /* host */
    const void *params;
    int64_t chunks;
} pgd_drv_launch;

enum { PGD_MAX_OPERANDS = 24 };

typedef struct pgd_drv_options {
    int32_t threads; /* 0: as many as the process may use */
} pgd_drv_options;

typedef struct pgd_drv_backend {
    const char *kind;
    int32_t (*count)(void);
    pgd_status (*describe)(int32_t index, pgd_device_info *out);
    pgd_status (*open)(int32_t index, const pgd_drv_options *options, pgd_drv_device **out);
    void (*close)(pgd_drv_device *device);

    pgd_status (*buffer_create)(pgd_drv_device *device, uint64_t bytes, pgd_drv_buffer **out); /* contents undefined */
    void (*buffer_destroy)(pgd_drv_device *device, pgd_drv_buffer *buffer);
    void *(*buffer_address)(pgd_drv_buffer *buffer); /* host-visible address, or NULL where there is none */

    /* Work goes into a queue in order; on the host it is done when the call returns. */
    pgd_status (*write)(pgd_drv_device *device, pgd_mem to, const void *from, uint64_t bytes);
    pgd_status (*read)(pgd_drv_device *device, void *to, pgd_mem from, uint64_t bytes);
    pgd_status (*copy)(pgd_drv_device *device, pgd_mem to, pgd_mem from, uint64_t bytes);
    pgd_status (*fill)(pgd_drv_device *device, pgd_mem to, uint8_t value, uint64_t bytes);
    pgd_status (*launch)(pgd_drv_device *device, const pgd_drv_launch *launch, const pgd_mem *operands, int32_t operand_count);
    pgd_status (*sync)(pgd_drv_device *device);
} pgd_drv_backend;

struct pgd_drv_device {
    const pgd_drv_backend *backend;
    int32_t threads; /* workers that share a launch */
};

struct pgd_drv_buffer {
    uint64_t bytes;
};

/* Finds the backend and index of a device by its id, "auto" for the best usable one. */
pgd_status pgd_drv_find(const char *id, const pgd_drv_backend **backend, int32_t *index);

/* Wraps memory the caller keeps alive and owns as a buffer of the host device: zero copies in and out. */
pgd_status pgd_drv_host_wrap(void *bytes, uint64_t count, pgd_drv_buffer **out);

#endif
