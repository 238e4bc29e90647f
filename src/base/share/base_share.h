/* SPDX-License-Identifier: Apache-2.0
 * base, for the storeys above: raising errors, memory, arenas, text buffers, the bounded reader, the thread pool. Never installed. */
#ifndef PGD_BASE_SHARE_H
#define PGD_BASE_SHARE_H

#include <pagoda/base.h>
#include <stdarg.h>

/* ---- errors ---------------------------------------------------------------------------------------------------------------------- */

/* Stores the sentence for pgd_error_text() and returns `status`. */
PGD_PRINTF(2, 3) pgd_status pgd_fail(pgd_status status, const char *format, ...);
pgd_status pgd_fail_memory(size_t bytes);

#define PGD_TRY(call)                              \
    do {                                           \
        pgd_status try_status_ = (call);           \
        if (try_status_ != PGD_OK) return try_status_; \
    } while (0)

/* Is one of the pointers that a public function needs NULL? Then the sentence names the function and the argument. `names`: between commas. */
bool pgd_lacks(const char *function, const char *names, const void *const *pointers, size_t count);

#define PGD_POINTERS(...) (const void *const[]){__VA_ARGS__}, sizeof((const void *const[]){__VA_ARGS__}) / sizeof(void *)
#define PGD_LACKS(...) pgd_lacks(__func__, #__VA_ARGS__, PGD_POINTERS(__VA_ARGS__))
#define PGD_NEED(...)                                  \
    do {                                               \
        if (PGD_LACKS(__VA_ARGS__)) return PGD_BAD_ARG; \
    } while (0)

PGD_PRINTF(2, 3) void pgd_log_line(pgd_log_level level, const char *format, ...);

/* Asks the callback whether to go on. */
pgd_status pgd_progress_report(const pgd_progress *progress, const char *what, double fraction);

/* Reads the first struct_bytes of an options struct over defaults already in `into`; zero fields keep... the caller's zero. */
pgd_status pgd_options_read(void *into, size_t into_bytes, const void *from, const char *name);

/* ---- memory ---------------------------------------------------------------------------------------------------------------------- */

/* 64-byte aligned blocks from the process allocator; NULL when there is none (the caller raises pgd_fail_memory). free(NULL) is fine. */
void *pgd_mem_alloc(size_t bytes);
void *pgd_mem_zalloc(size_t bytes);
void *pgd_mem_resize(void *pointer, size_t bytes); /* NULL leaves the old block valid */
void pgd_mem_free(void *pointer);
char *pgd_mem_strdup(const char *text);

/* Bump allocator: everything dies at once. One thread at a time. A zeroed struct is an empty arena. */
typedef struct pgd_arena {
    struct pgd_arena_block *head;
} pgd_arena;
void *pgd_arena_alloc(pgd_arena *arena, size_t bytes); /* zeroed, 64-byte aligned above 256 bytes, else 16; NULL when there is no memory */
char *pgd_arena_strdup(pgd_arena *arena, const char *text);
void pgd_arena_deinit(pgd_arena *arena);

/* Makes room for one more element in a growing array; false when there is no memory. */
bool pgd_grow(void *array_pointer, int32_t *capacity, int32_t count, size_t elem_bytes);

/* ---- text ------------------------------------------------------------------------------------------------------------------------ */

/* A growing string; `failed` is sticky. */
typedef struct pgd_text {
    char *chars; /* NUL-terminated once anything was added; owned; free with pgd_mem_free */
    size_t count, capacity;
    bool failed;
} pgd_text;
PGD_PRINTF(2, 3) void pgd_text_add(pgd_text *text, const char *format, ...);
void pgd_text_addv(pgd_text *text, const char *format, va_list arguments);

/* Is this a shape: rank 0 to PGD_MAX_RANK, extents of at least 0, and fewer than 2^48 elements? */
bool pgd_shape_valid(pgd_shape shape);

uint64_t pgd_hash_bytes(const void *bytes, size_t count, uint64_t seed);

/* ---- JSON, read only, bounded ---------------------------------------------------------------------------------------------------- */

/* A cursor over JSON text for headers of safetensors and the like. Depth is bounded; nothing is allocated. */
typedef struct pgd_json {
    const char *at, *end;
} pgd_json;
bool pgd_json_expect(pgd_json *json, char token);            /* skips blanks, consumes `token` */
bool pgd_json_peek(pgd_json *json, char token);              /* is `token` next? */
bool pgd_json_string(pgd_json *json, char *out, size_t out_bytes); /* decodes escapes to UTF-8; false when too long or malformed */
bool pgd_json_int(pgd_json *json, int64_t *out);
bool pgd_json_skip(pgd_json *json, int depth);               /* any value */

/* ---- files ----------------------------------------------------------------------------------------------------------------------- */

/* Reads a whole regular file of at most limit_bytes. *out is owned by the caller (pgd_mem_free), NUL follows the last byte. */
pgd_status pgd_file_read(const char *path, size_t limit_bytes, const pgd_progress *progress, char **out, size_t *out_bytes);

/* The same of a file of any size, of which only the first limit_bytes are read. */
pgd_status pgd_file_read_head(const char *path, size_t limit_bytes, char **out, size_t *out_bytes);

/* Writes pieces to `path`.tmp, fsyncs, renames over `path`, fsyncs the folder: after a crash the old or the new file is there, whole. progress may be
 * NULL; when it stops the writing, the old file is there. */
typedef struct pgd_piece {
    const void *bytes;
    size_t count;
} pgd_piece;
pgd_status pgd_file_write_atomic(const char *path, const pgd_piece *pieces, int32_t piece_count, const pgd_progress *progress);

/* ---- host jobs and the pool ------------------------------------------------------------------------------------------------------ */

/* A host job is a function, a parameter block and a chunk count. Chunks are independent, may run in any order and on any
 * worker; how many there are follows from the shape, or from the number of threads too where it changes no bit of the result.
 *   params   immutable, shared by all chunks
 *   mem      resolved addresses of the operands, in the order the job's parameter struct documents
 *   scratch  PGD_SCRATCH_BYTES of 64-byte aligned memory that belongs to the calling worker for this call; contents undefined */
typedef void pgd_chunk_fn(const void *params, char *const *mem, int64_t chunk, void *scratch);

#define PGD_EPILOGUE_SCRATCH_BYTES (128u << 10)
#define PGD_SCRATCH_BYTES (PGD_EPILOGUE_SCRATCH_BYTES + (1024u << 10))

typedef struct pgd_pool pgd_pool;

/* A pool of `threads` workers, the submitting caller counted in; threads start with the first job that has work for them. */
pgd_status pgd_pool_create(int32_t threads, pgd_pool **out);
void pgd_pool_destroy(pgd_pool *pool);
int32_t pgd_pool_threads(const pgd_pool *pool);

/* Runs all chunks and returns when the last has finished. Any number of threads may call at once. */
pgd_status pgd_pool_run(pgd_pool *pool, pgd_chunk_fn *function, const void *params, char *const *mem, int64_t chunks);

uint64_t pgd_time_ns(void); /* monotonic */

/* ---- 16-bit floats ------------------------------------------------------------------------------------------------------------------
 * Inline and without branches, so that loops over them become vector code. To nearest even; NaN stays NaN. */

static inline uint32_t pgd_float_bits(float value) {
    union { float f; uint32_t u; } both = {value};
    return both.u;
}
static inline float pgd_float_of_bits(uint32_t bits) {
    union { uint32_t u; float f; } both = {bits};
    return both.f;
}

static inline float pgd_float_of_bf16(uint16_t half) { return pgd_float_of_bits((uint32_t)half << 16); }
static inline uint16_t pgd_bf16_of_float(float value) {
    uint32_t bits = pgd_float_bits(value), rounded = (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40 : rounded);
}

/* Exponent and mantissa are moved to their places; a multiplication makes the rest right, subnormals included. */
static inline float pgd_float_of_f16(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, magnitude = half & 0x7fffu;
    float value = pgd_float_of_bits(magnitude << 13) * 0x1p112f;
    uint32_t bits = magnitude >= 0x7c00u ? 0x7f800000u | (magnitude & 0x3ffu) << 13 : pgd_float_bits(value);
    return pgd_float_of_bits(bits | sign);
}

/* Subnormals round by being added to a number whose last digit is theirs. */
static inline uint16_t pgd_f16_of_float(float value) {
    uint32_t bits = pgd_float_bits(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    uint32_t normal = (magnitude - 0x38000000u + 0xfffu + (magnitude >> 13 & 1)) >> 13;
    uint32_t tiny = pgd_float_bits(pgd_float_of_bits(magnitude) + 0.5f) - 0x3f000000u;
    uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t half = magnitude >= 0x477ff000u ? special : magnitude < 0x38800000u ? tiny : normal;
    return (uint16_t)(half | sign);
}

#endif
