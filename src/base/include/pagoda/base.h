/* SPDX-License-Identifier: Apache-2.0
 * base: what every storey of Pagoda speaks in - status, errors, allocator, log, progress, element types and shapes.
 *
 * Pointers: none may be NULL unless the function says that it may; an array of no elements may. NULL where it may not be is refused: with BAD_ARG, or
 * where there is no status by doing nothing and giving NULL or 0, and a sentence that names the function and the argument.
 *
 * Threads: every function here may be called from any thread at any time, except pgd_init, which must come before the first other call
 * (or never: the defaults are malloc and silence). Fork: a child may call nothing of Pagoda on handles made before the fork. */
#ifndef PAGODA_BASE_H
#define PAGODA_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PGD_VERSION_MAJOR 0
#define PGD_VERSION_MINOR 1
#define PGD_VERSION_PATCH 0

#if defined(__GNUC__)
#define PGD_API __attribute__((visibility("default")))
#define PGD_MUST_USE __attribute__((warn_unused_result))
#define PGD_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define PGD_API
#define PGD_MUST_USE
#define PGD_PRINTF(format, first)
#endif

/* ---- status -------------------------------------------------------------------------------------------------------------------- */

#define PGD_STATUS_LIST(X)                                                                  \
    X(OK, "success")                                                                        \
    X(BAD_ARG, "an argument is wrong")                                                      \
    X(UNSUPPORTED, "valid, but nothing here implements it")                                 \
    X(NO_MEMORY, "the allocator returned nothing")                                          \
    X(BAD_STATE, "the object is not in a state that allows this call")                      \
    X(IO, "the operating system refused to read or write")                                  \
    X(CORRUPT, "a file or buffer is not what it claims to be")                              \
    X(DEVICE, "the device failed")                                                          \
    X(TIMEOUT, "the time given ran out")                                                    \
    X(CANCELLED, "the progress callback asked to stop")                                     \
    X(INTERNAL, "a mistake in Pagoda itself")

typedef enum pgd_status {
#define X(name, text) PGD_##name,
    PGD_STATUS_LIST(X)
#undef X
    PGD_STATUS_COUNT
} pgd_status;

/* "BAD_ARG" for PGD_BAD_ARG; "?" for a number outside the list. */
PGD_API const char *pgd_status_name(pgd_status status);

/* The sentence that belongs to the last failing call of this thread: cause, value, remedy. Never NULL; valid until the thread's next
 * failing call. */
PGD_API const char *pgd_error_text(void);

/* ---- version ------------------------------------------------------------------------------------------------------------------- */

/* "0.1.0". ABI rule: while the major number is 0 the minor number is part of the soname; afterwards the major number alone. Structs that
 * cross the interface begin with struct_bytes and only ever grow at the end. */
PGD_API const char *pgd_version(void);

/* ---- allocator, log, init ------------------------------------------------------------------------------------------------------ */

/* One function allocates (pointer NULL, old_bytes 0), resizes and frees (new_bytes 0, returns NULL). Results are aligned to `alignment`, a power
 * of two of at most 64. Returns NULL when there is no memory; the old block then stays valid. Must be thread-safe. */
typedef void *(*pgd_resize_fn)(void *user, void *pointer, size_t old_bytes, size_t new_bytes, size_t alignment);

typedef enum pgd_log_level { PGD_LOG_DEBUG, PGD_LOG_INFO, PGD_LOG_WARNING, PGD_LOG_ERROR } pgd_log_level;

/* Receives one line without newline; may be called from any thread. */
typedef void (*pgd_log_fn)(void *user, pgd_log_level level, const char *line);

typedef struct pgd_init_options {
    uint32_t struct_bytes;
    pgd_resize_fn resize; /* NULL: malloc */
    void *resize_user;
    pgd_log_fn log; /* NULL: silence */
    void *log_user;
} pgd_init_options;

PGD_API void pgd_init_options_init(pgd_init_options *options, size_t struct_bytes);

/* Sets allocator and log for the whole process; options NULL: the defaults. Errors: BAD_ARG struct_bytes is unknown; BAD_STATE memory of Pagoda is in use. */
PGD_API PGD_MUST_USE pgd_status pgd_init(const pgd_init_options *options);

/* Bytes that Pagoda holds from its allocator now, and the most it ever held. Either may be NULL. */
PGD_API void pgd_memory_in_use(uint64_t *now_bytes, uint64_t *peak_bytes);

/* ---- progress and cancelling ----------------------------------------------------------------------------------------------------- */

/* Given to every call whose time grows with a network, a file or a data set and can pass 100 ms; not to those that only copy or clear memory, nor to
 * a single step (pgd_run_execute, pgd_trainer_advance), between which the caller stops by itself. `fraction` is in [0,1], or negative when unknown.
 * Return false to stop: the call then returns PGD_CANCELLED and leaves nothing half done. */
typedef bool (*pgd_progress_fn)(void *user, const char *what, double fraction);

typedef struct pgd_progress {
    pgd_progress_fn function; /* NULL: none */
    void *user;
} pgd_progress;

/* ---- element types and shapes ---------------------------------------------------------------------------------------------------- */

#define PGD_DTYPE_LIST(X) \
    X(F32, f32, 4)        \
    X(F64, f64, 8)        \
    X(I32, i32, 4)        \
    X(I64, i64, 8)        \
    X(U8, u8, 1)          \
    X(BOOL, bool, 1)      \
    X(F16, f16, 2)        \
    X(BF16, bf16, 2)

typedef enum pgd_dtype {
#define X(name, text, bytes) PGD_##name,
    PGD_DTYPE_LIST(X)
#undef X
    PGD_DTYPE_COUNT
} pgd_dtype;

/* "f32" for PGD_F32; "?" outside the list. Bytes of one element; 0 outside the list. */
PGD_API const char *pgd_dtype_name(pgd_dtype dtype);
PGD_API size_t pgd_dtype_bytes(pgd_dtype dtype);

#define PGD_MAX_RANK 6

/* Concrete extents, outermost first; row-major. Rank 0 is a scalar of one element. */
typedef struct pgd_shape {
    int32_t rank;
    int64_t dims[PGD_MAX_RANK];
} pgd_shape;

/* What pgd_shape_of stands for: list[0] is the rank, the extents follow. Unless they are `count` numbers in all, the rank becomes -1, which every
 * function refuses. */
PGD_API pgd_shape pgd_shape_make(const int64_t *list, int32_t count);

/* Elements; 0 when the rank is none. */
PGD_API int64_t pgd_shape_elems(pgd_shape shape);
PGD_API bool pgd_shape_equal(pgd_shape a, pgd_shape b);

#ifdef __cplusplus
}
#endif

/* pgd_shape_of(2, 3, 4) is the 3 by 4 matrix: the rank, then as many extents, integers of any type. */
#ifdef __cplusplus
template <class... Extents> inline pgd_shape pgd_shape_of(int32_t rank, Extents... extents) {
    const int64_t list[] = {rank, static_cast<int64_t>(extents)...};
    return pgd_shape_make(list, static_cast<int32_t>(sizeof list / sizeof *list));
}
#else
#define PGD_INTS(...) (const int64_t[]){__VA_ARGS__}, (int32_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define pgd_shape_of(...) pgd_shape_make(PGD_INTS(__VA_ARGS__))
#endif
#endif
