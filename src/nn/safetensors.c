/* SPDX-License-Identifier: Apache-2.0
 * States as safetensors files: eight bytes of header length, a JSON header with dtype, shape and offsets of every tensor, then the bytes.
 * Reading trusts nothing: the header is walked once to check all of it, and only then is the state touched. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layer.h"

enum { HEADER_LIMIT = 64 << 20, NAME_LIMIT = 512 };
#define FILE_LIMIT ((size_t)1 << 40)

static const char *const type_names[PGD_DTYPE_COUNT] = {[PGD_F32] = "F32", [PGD_F64] = "F64", [PGD_I32] = "I32", [PGD_I64] = "I64", [PGD_U8] = "U8", [PGD_BOOL] = "BOOL", [PGD_F16] = "F16", [PGD_BF16] = "BF16"};

/* ---- writing ---------------------------------------------------------------------------------------------------------------------------------- */

static void add_string(pgd_text *text, const char *string) {
    pgd_text_add(text, "\"");
    for (const char *c = string; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\')
            pgd_text_add(text, "\\%c", *c);
        else if ((unsigned char)*c < 0x20)
            pgd_text_add(text, "\\u%04x", (unsigned)(unsigned char)*c);
        else
            pgd_text_add(text, "%c", *c);
    }
    pgd_text_add(text, "\"");
}

static bool skipped(const char *name, const char *const *skip, int32_t skip_count) {
    for (int32_t i = 0; i < skip_count; i++)
        if (strncmp(name, skip[i], strlen(skip[i])) == 0) return true;
    return false;
}

static void add_header(pgd_text *text, const pgd_state *state, const pgd_metadata *metadata, int32_t metadata_count, const char *const *skip, int32_t skip_count) {
    uint64_t offset = 0;
    pgd_text_add(text, "{\"__metadata__\":{");
    for (int32_t i = 0; i < metadata_count; i++) {
        if (i > 0) pgd_text_add(text, ",");
        add_string(text, metadata[i].key);
        pgd_text_add(text, ":");
        add_string(text, metadata[i].value);
    }
    pgd_text_add(text, "}");
    for (int32_t i = 0; i < pgd_state_count(state); i++) {
        const char *name;
        pgd_dtype dtype;
        pgd_shape shape;
        if (pgd_state_at(state, i, &name, &dtype, &shape) != PGD_OK || skipped(name, skip, skip_count)) continue;
        uint64_t bytes = (uint64_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
        pgd_text_add(text, ",");
        add_string(text, name);
        pgd_text_add(text, ":{\"dtype\":\"%s\",\"shape\":[", type_names[dtype]);
        for (int32_t d = 0; d < shape.rank; d++) pgd_text_add(text, d > 0 ? ",%lld" : "%lld", (long long)shape.dims[d]);
        pgd_text_add(text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)offset, (unsigned long long)(offset + bytes));
        offset += bytes;
    }
    pgd_text_add(text, "}");
    while (text->count % 8 != 0 && !text->failed) pgd_text_add(text, " ");
}

/* Pieces of the file: length, header, then each tensor's bytes, in copies where the device keeps them elsewhere. */
static pgd_status collect_pieces(const pgd_state *state, const char *const *skip, int32_t skip_count, pgd_arena *arena, pgd_piece *pieces, int32_t *count) {
    for (int32_t i = 0; i < pgd_state_count(state); i++) {
        const char *name;
        pgd_dtype dtype;
        pgd_shape shape;
        PGD_TRY(pgd_state_at(state, i, &name, &dtype, &shape));
        if (skipped(name, skip, skip_count)) continue;
        size_t bytes = (size_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
        void *contents = pgd_buffer_address(pgd_state_buffer(state, i));
        if (contents == NULL) {
            contents = pgd_arena_alloc(arena, bytes);
            if (contents == NULL) return pgd_fail_memory(bytes);
            PGD_TRY(pgd_state_get(state, name, contents, bytes));
        }
        pieces[(*count)++] = (pgd_piece){contents, bytes};
    }
    return PGD_OK;
}

pgd_status pgd_state_save(const pgd_state *state, const char *path, const pgd_metadata *metadata, int32_t metadata_count, const char *const *skip, int32_t skip_count, const pgd_progress *progress) {
    pgd_text header = {0};
    pgd_arena arena = {0};
    uint8_t length[8];
    int32_t count = 2;
    PGD_NEED(state, path);
    if (metadata_count > 0) PGD_NEED(metadata);
    if (skip_count > 0) PGD_NEED(skip);
    for (int32_t i = 0; i < metadata_count; i++) PGD_NEED(metadata[i].key, metadata[i].value);
    for (int32_t i = 0; i < skip_count; i++) PGD_NEED(skip[i]);
    add_header(&header, state, metadata, metadata_count, skip, skip_count);
    pgd_piece *pieces = pgd_arena_alloc(&arena, sizeof *pieces * (size_t)(pgd_state_count(state) + 2));
    pgd_status status = header.failed || pieces == NULL ? pgd_fail_memory(header.count) : collect_pieces(state, skip, skip_count, &arena, pieces, &count);
    if (status == PGD_OK) {
        for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)header.count >> (8 * i));
        pieces[0] = (pgd_piece){length, sizeof length};
        pieces[1] = (pgd_piece){header.chars, header.count};
        status = pgd_file_write_atomic(path, pieces, count, progress);
    }
    pgd_mem_free(header.chars);
    pgd_arena_deinit(&arena);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct entry {
    char name[NAME_LIMIT];
    pgd_dtype dtype;
    pgd_shape shape;
    uint64_t begin, end;
} entry;

static pgd_status find_header(const char *bytes, size_t count, pgd_json *json, const char **data, uint64_t *data_bytes) {
    uint64_t length = 0;
    if (count < 8) return pgd_fail(PGD_CORRUPT, "this is no safetensors file, or a truncated one: it has %zu bytes; give a file that was saved as safetensors", count);
    for (int i = 0; i < 8; i++) length |= (uint64_t)(uint8_t)bytes[i] << (8 * i);
    if (length > HEADER_LIMIT) return pgd_fail(PGD_CORRUPT, "this is no safetensors file, or a damaged one: its header would have %llu bytes, of at most %d; give a file that was saved as safetensors", (unsigned long long)length, HEADER_LIMIT);
    if (length > count - 8)
        return pgd_fail(PGD_CORRUPT, "this is no safetensors file, or a truncated one: its header would have %llu bytes, the file has %zu; give a file that was saved as safetensors", (unsigned long long)length, count);
    *json = (pgd_json){bytes + 8, bytes + 8 + length};
    *data = bytes + 8 + length;
    *data_bytes = count - 8 - length;
    return PGD_OK;
}

static pgd_status broken(const char *name, const char *what) { return pgd_fail(PGD_CORRUPT, "safetensors: header, tensor \"%s\": %s", name, what); }

static pgd_status read_type(pgd_json *json, entry *e) {
    char type[16];
    if (!pgd_json_string(json, type, sizeof type)) return broken(e->name, "dtype is no short string");
    for (int d = 0; d < PGD_DTYPE_COUNT; d++)
        if (strcmp(type, type_names[d]) == 0) {
            e->dtype = (pgd_dtype)d;
            return PGD_OK;
        }
    return pgd_fail(PGD_UNSUPPORTED, "safetensors: tensor \"%s\" has dtype %s, which this version does not read; convert it to F32", e->name, type);
}

static pgd_status read_shape(pgd_json *json, entry *e) {
    if (!pgd_json_expect(json, '[')) return broken(e->name, "shape is no list");
    e->shape = (pgd_shape){0};
    if (pgd_json_expect(json, ']')) return PGD_OK;
    do {
        int64_t extent;
        if (e->shape.rank == PGD_MAX_RANK || !pgd_json_int(json, &extent) || extent < 0 || extent > (int64_t)1 << 40) return broken(e->name, "shape has too many or impossible extents");
        e->shape.dims[e->shape.rank++] = extent;
    } while (pgd_json_expect(json, ','));
    return pgd_json_expect(json, ']') ? PGD_OK : broken(e->name, "shape does not end");
}

static pgd_status read_entry(pgd_json *json, entry *e) {
    bool seen[3] = {false};
    char key[32];
    int64_t begin, end;
    if (!pgd_json_expect(json, '{')) return broken(e->name, "is no object");
    do {
        if (!pgd_json_string(json, key, sizeof key) || !pgd_json_expect(json, ':')) return broken(e->name, "a key was expected");
        if (strcmp(key, "dtype") == 0) {
            PGD_TRY(read_type(json, e));
            seen[0] = true;
        } else if (strcmp(key, "shape") == 0) {
            PGD_TRY(read_shape(json, e));
            seen[1] = true;
        } else if (strcmp(key, "data_offsets") == 0) {
            if (!pgd_json_expect(json, '[') || !pgd_json_int(json, &begin) || !pgd_json_expect(json, ',') || !pgd_json_int(json, &end) || !pgd_json_expect(json, ']') || begin < 0 || end < begin)
                return broken(e->name, "data_offsets are not two rising numbers");
            e->begin = (uint64_t)begin, e->end = (uint64_t)end, seen[2] = true;
        } else if (!pgd_json_skip(json, 0))
            return broken(e->name, "a value does not end");
    } while (pgd_json_expect(json, ','));
    return !pgd_json_expect(json, '}') ? broken(e->name, "does not end") : !seen[0] || !seen[1] || !seen[2] ? broken(e->name, "lacks dtype, shape or data_offsets") : PGD_OK;
}

static pgd_status check_entry(const entry *e, uint64_t data_bytes) {
    uint64_t bytes = pgd_dtype_bytes(e->dtype);
    if (!pgd_shape_valid(e->shape)) return broken(e->name, "has a shape of 2^48 elements or more");
    for (int32_t d = 0; d < e->shape.rank; d++)
        if (__builtin_mul_overflow(bytes, (uint64_t)e->shape.dims[d], &bytes)) return broken(e->name, "its size overflows");
    if (e->end > data_bytes || e->end - e->begin != bytes)
        return pgd_fail(PGD_CORRUPT, "safetensors: tensor \"%s\" needs %llu bytes at %llu, the file has %llu of data; it is truncated or its header lies", e->name, (unsigned long long)bytes,
                        (unsigned long long)e->begin, (unsigned long long)data_bytes);
    return PGD_OK;
}

/* Does the entry agree with what the state has? */
static pgd_status check_state(const pgd_state *state, const entry *e) {
    pgd_dtype dtype;
    pgd_shape shape;
    int32_t index = pgd_state_find(state, e->name);
    if (index < 0) return PGD_OK;
    PGD_TRY(pgd_state_at(state, index, NULL, &dtype, &shape));
    if (dtype == e->dtype && pgd_shape_equal(shape, e->shape)) return PGD_OK;
    return pgd_fail(PGD_BAD_ARG, "safetensors: tensor \"%s\" has another dtype or shape than the network's; is it a file of another network?", e->name);
}

/* Names seen while checking: one that comes twice would be taken in half. */
typedef struct names {
    pgd_arena arena;
    char **list;
    int32_t count, capacity;
} names;

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static pgd_status add_name(names *n, const char *name) {
    char *copy = pgd_arena_strdup(&n->arena, name);
    if (copy == NULL || !pgd_grow(&n->list, &n->capacity, n->count, sizeof *n->list)) return pgd_fail_memory(strlen(name));
    n->list[n->count++] = copy;
    return PGD_OK;
}

static pgd_status check_names(names *n) {
    if (n->count > 0) qsort(n->list, (size_t)n->count, sizeof *n->list, by_text);
    for (int32_t i = 1; i < n->count; i++)
        if (strcmp(n->list[i - 1], n->list[i]) == 0) return broken(n->list[i], "comes twice");
    return PGD_OK;
}

/* Walks the header: with `seen` it checks everything, without it gives the tensors to the state. */
static pgd_status walk(pgd_json json, const char *data, uint64_t data_bytes, pgd_state *state, names *seen, const pgd_progress *progress) {
    entry place, *e = &place;
    double all = (double)(json.end - json.at);
    if (!pgd_json_expect(&json, '{')) return pgd_fail(PGD_CORRUPT, "safetensors: the header is no JSON object; the file is damaged or of another kind");
    if (!pgd_json_peek(&json, '}')) do {
            if (!pgd_json_string(&json, e->name, sizeof e->name) || e->name[0] == '\0' || !pgd_json_expect(&json, ':')) return pgd_fail(PGD_CORRUPT, "safetensors: a tensor name of 1 to %d bytes was expected in the header", NAME_LIMIT - 1);
            if (strcmp(e->name, "__metadata__") == 0) {
                if (!pgd_json_skip(&json, 0)) return broken(e->name, "does not end");
                continue;
            }
            PGD_TRY(pgd_progress_report(progress, seen != NULL ? "checking" : "taking tensors in", 1 - (double)(json.end - json.at) / all));
            PGD_TRY(read_entry(&json, e));
            PGD_TRY(check_entry(e, data_bytes));
            PGD_TRY(check_state(state, e));
            PGD_TRY(seen != NULL ? add_name(seen, e->name) : pgd_state_set(state, e->name, e->dtype, e->shape, data + e->begin));
        } while (pgd_json_expect(&json, ','));
    if (!pgd_json_expect(&json, '}')) return pgd_fail(PGD_CORRUPT, "safetensors: the header does not end; the file is damaged");
    return seen != NULL ? check_names(seen) : PGD_OK;
}

pgd_status pgd_state_load_memory(pgd_state *state, const char *bytes, size_t count, const pgd_progress *progress) {
    pgd_json json;
    const char *data;
    uint64_t data_bytes;
    names seen = {0};
    PGD_NEED(state, bytes);
    PGD_TRY(find_header(bytes, count, &json, &data, &data_bytes));
    int32_t before = pgd_state_count(state);
    pgd_status status = walk(json, data, data_bytes, state, &seen, progress);
    if (status == PGD_OK && (status = walk(json, data, data_bytes, state, NULL, before == 0 ? progress : NULL)) != PGD_OK) pgd_state_shrink(state, before);
    pgd_arena_deinit(&seen.arena);
    pgd_mem_free(seen.list);
    return status;
}

/* Puts the path in front of the sentence. */
static pgd_status with_path(pgd_status status, const char *path) {
    char text[900];
    if (status == PGD_OK) return status;
    snprintf(text, sizeof text, "%s", pgd_error_text());
    return strncmp(text, path, strlen(path)) == 0 ? status : pgd_fail(status, "%s: %s", path, text);
}

pgd_status pgd_state_load(pgd_state *state, const char *path, const pgd_progress *progress) {
    char *bytes;
    size_t count;
    PGD_NEED(state, path);
    PGD_TRY(pgd_file_read(path, FILE_LIMIT, progress, &bytes, &count));
    pgd_status status = with_path(pgd_state_load_memory(state, bytes, count, progress), path);
    pgd_mem_free(bytes);
    return status;
}

static pgd_status find_metadata(pgd_json json, const char *key, char *value, size_t value_bytes) {
    char name[NAME_LIMIT];
    if (!pgd_json_expect(&json, '{')) return pgd_fail(PGD_CORRUPT, "safetensors: the header is no JSON object; the file is damaged or of another kind");
    do {
        if (!pgd_json_string(&json, name, sizeof name) || !pgd_json_expect(&json, ':')) break;
        if (strcmp(name, "__metadata__") != 0) {
            if (!pgd_json_skip(&json, 0)) break;
            continue;
        }
        if (!pgd_json_expect(&json, '{')) break;
        do {
            if (!pgd_json_string(&json, name, sizeof name) || !pgd_json_expect(&json, ':')) break;
            if (strcmp(name, key) == 0) return pgd_json_string(&json, value, value_bytes) ? PGD_OK : pgd_fail(PGD_CORRUPT, "safetensors: metadata \"%s\" is no string of fewer than %zu bytes", key, value_bytes);
            if (!pgd_json_skip(&json, 0)) break;
        } while (pgd_json_expect(&json, ','));
        break;
    } while (pgd_json_expect(&json, ','));
    return pgd_fail(PGD_BAD_ARG, "safetensors: there is no metadata \"%s\"; was the file written by another program?", key);
}

/* The file up to the end of its header, which its first eight bytes give; the tensors may be many and are not wanted. */
static pgd_status read_header(const char *path, char **bytes, size_t *count) {
    uint64_t length = 0;
    PGD_TRY(pgd_file_read_head(path, 8, bytes, count));
    for (size_t i = 0; i < *count; i++) length |= (uint64_t)(uint8_t)(*bytes)[i] << (8 * i);
    if (*count < 8 || length > HEADER_LIMIT) return PGD_OK;
    pgd_mem_free(*bytes);
    return pgd_file_read_head(path, 8 + (size_t)length, bytes, count);
}

pgd_status pgd_file_metadata(const char *path, const char *key, char *value, size_t value_bytes) {
    char *bytes;
    size_t count;
    pgd_json json;
    const char *data;
    uint64_t data_bytes;
    PGD_NEED(path, key, value);
    PGD_TRY(read_header(path, &bytes, &count));
    pgd_status status = find_header(bytes, count, &json, &data, &data_bytes);
    if (status == PGD_OK) status = find_metadata(json, key, value, value_bytes);
    pgd_mem_free(bytes);
    return with_path(status, path);
}
