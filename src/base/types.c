/* SPDX-License-Identifier: Apache-2.0
 * Element types, concrete shapes, hashing, time. */
#define _POSIX_C_SOURCE 200809L
#include <base_share.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *name;
    size_t bytes;
} dtypes[] = {
#define X(name, text, bytes) {#text, bytes},
    PGD_DTYPE_LIST(X)
#undef X
};

const char *pgd_dtype_name(pgd_dtype dtype) { return (unsigned)dtype < PGD_DTYPE_COUNT ? dtypes[dtype].name : "?"; }
size_t pgd_dtype_bytes(pgd_dtype dtype) { return (unsigned)dtype < PGD_DTYPE_COUNT ? dtypes[dtype].bytes : 0; }

pgd_shape pgd_shape_make(const int64_t *list, int32_t count) {
    pgd_shape shape = {.rank = -1};
    if (PGD_LACKS(list)) return shape;
    if (count < 1 || count > PGD_MAX_RANK + 1 || list[0] != count - 1) {
        (void)pgd_fail(PGD_BAD_ARG, "shape: %d extents and a rank of %lld; give as many extents as the rank says, 0 to %d", count - 1, count < 1 ? 0 : (long long)list[0], PGD_MAX_RANK);
        return shape;
    }
    shape.rank = count - 1;
    memcpy(shape.dims, list + 1, sizeof *list * (size_t)shape.rank);
    return shape;
}

int64_t pgd_shape_elems(pgd_shape shape) {
    int64_t elems = shape.rank < 0 || shape.rank > PGD_MAX_RANK ? 0 : 1;
    for (int32_t i = 0; i < shape.rank && elems != 0; i++) elems *= shape.dims[i];
    return elems;
}

bool pgd_shape_valid(pgd_shape shape) {
    int64_t elems = 1;
    if (shape.rank < 0 || shape.rank > PGD_MAX_RANK) return false;
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] < 0 || __builtin_mul_overflow(elems, shape.dims[i] == 0 ? 1 : shape.dims[i], &elems) || elems >= (int64_t)1 << 48) return false;
    return true;
}

bool pgd_shape_equal(pgd_shape a, pgd_shape b) {
    if (a.rank != b.rank) return false;
    for (int32_t i = 0; i < a.rank && i < PGD_MAX_RANK; i++)
        if (a.dims[i] != b.dims[i]) return false;
    return true;
}

/* FNV-1a over bytes with a final avalanche; for hash tables and cache keys, not for security. */
uint64_t pgd_hash_bytes(const void *bytes, size_t count, uint64_t seed) {
    const unsigned char *at = bytes;
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (size_t i = 0; i < count; i++) hash = (hash ^ at[i]) * 0x100000001b3u;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93u;
    return hash ^ (hash >> 32);
}

uint64_t pgd_time_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
