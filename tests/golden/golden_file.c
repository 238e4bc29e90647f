/* SPDX-License-Identifier: Apache-2.0
 * Files of results, written and read. */
#include "golden_file.h"

#include <string.h>

static const char magic[] = "pagoda golden 1\n";

/* ---- results ------------------------------------------------------------------------------------------------------------------------------------------------------ */

size_t golden_raw_bytes(const golden_case *c) {
    size_t bytes = 0;
    for (int32_t k = 0; k < c->output_count; k++) bytes += (size_t)golden_column_bytes(&c->outputs[k]) * (size_t)c->threads;
    return bytes;
}

bool golden_raw(const golden_case *c, const uint64_t *cells, unsigned char *raw) {
    bool clean = true;
    for (int32_t k = 0; k < c->output_count; k++) {
        size_t wide = (size_t)golden_column_bytes(&c->outputs[k]);
        for (int32_t e = 0; e < c->threads; e++, cells++, raw += wide) {
            unsigned char bytes[8];
            memcpy(bytes, cells, 8);
            memcpy(raw, bytes, wide);
            for (size_t b = wide; b < 8; b++) clean = clean && bytes[b] == GOLDEN_UNTOUCHED;
        }
    }
    return clean;
}

uint64_t golden_raw_value(const golden_case *c, const unsigned char *raw, int32_t column, int32_t element) {
    uint64_t value = 0;
    for (int32_t k = 0; k < column; k++) raw += golden_column_bytes(&c->outputs[k]) * c->threads;
    size_t wide = (size_t)golden_column_bytes(&c->outputs[column]);
    memcpy(&value, raw + wide * (size_t)element, wide);
    return value;
}

/* ---- writing -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void put(golden_writer *w, const void *bytes, size_t count) {
    w->failed = w->failed || fwrite(bytes, 1, count, w->out) != count;
    w->written += count;
}

/* The last results of that length; NULL: there is no memory. */
static unsigned char *last_of(golden_record **last, int32_t *count, int32_t *capacity, size_t bytes) {
    for (int32_t k = 0; k < *count; k++)
        if ((*last)[k].bytes == bytes) return (*last)[k].raw;
    if (!pgd_grow(last, capacity, *count, sizeof **last)) return NULL;
    golden_record fresh = {.bytes = bytes, .raw = pgd_mem_zalloc(bytes + 1)};
    if (fresh.raw == NULL) return NULL;
    (*last)[(*count)++] = fresh;
    return fresh.raw;
}

static void free_records(golden_record *records, int32_t count) {
    for (int32_t k = 0; k < count; k++) pgd_mem_free(records[k].raw);
    pgd_mem_free(records);
}

/* How many of them are zeros, or are none (a single zero among others counts as one of those), at most 127. */
static size_t run(const unsigned char *bytes, size_t count, bool zeros) {
    size_t n = 0;
    while (n < count && n < 127 && (zeros ? bytes[n] == 0 : !(bytes[n] == 0 && (n + 1 >= count || bytes[n + 1] == 0)))) n++;
    return n;
}

static size_t coded(const unsigned char *bytes, size_t count, unsigned char *out) {
    size_t at = 0, made = 0;
    while (at < count) {
        size_t zeros = run(bytes + at, count - at, true), others = zeros > 0 ? 0 : run(bytes + at, count - at, false);
        out[made++] = (unsigned char)(zeros > 0 ? 128 + zeros : others);
        memcpy(out + made, bytes + at, others);
        made += others;
        at += zeros + others;
    }
    return made;
}

pgd_status golden_writer_open(const char *path, const char *header, golden_writer *out) {
    *out = (golden_writer){.out = fopen(path, "wb")};
    if (out->out == NULL) return pgd_fail(PGD_IO, "%s cannot be written", path);
    put(out, magic, strlen(magic));
    put(out, header, strlen(header));
    put(out, "\n", 1);
    return PGD_OK;
}

void golden_writer_add(golden_writer *w, const golden_case *c, const char *status, const unsigned char *raw, size_t bytes) {
    unsigned char *last = bytes > 0 ? last_of(&w->last, &w->count, &w->capacity, bytes) : NULL, *room = pgd_mem_alloc(3 * bytes + 16);
    char line[GOLDEN_NAME_MAX + 80];
    size_t count = 0;
    w->failed = w->failed || room == NULL || (bytes > 0 && last == NULL);
    if (!w->failed && bytes > 0) {
        for (size_t k = 0; k < bytes; k++) last[k] ^= raw[k];
        count = coded(last, bytes, room);
        memcpy(last, raw, bytes);
    }
    snprintf(line, sizeof line, "%s %s %08x %zu %zu\n", c->name, status, golden_case_digest(c), bytes, count);
    put(w, line, strlen(line));
    if (room != NULL) put(w, room, count);
    pgd_mem_free(room);
}

pgd_status golden_writer_close(golden_writer *w) {
    static const char end[] = "end 0 0 0 0\n";
    put(w, end, strlen(end));
    bool failed = fclose(w->out) != 0 || w->failed;
    free_records(w->last, w->count);
    *w = (golden_writer){0};
    return failed ? pgd_fail(PGD_IO, "the results could not be written whole") : PGD_OK;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static bool decode(const unsigned char *from, size_t count, unsigned char *last, size_t bytes) {
    size_t at = 0;
    for (size_t k = 0; k < count;) {
        size_t n = from[k] & 127;
        bool zeros = from[k] > 127;
        k++;
        if (n == 0 || n > bytes - at || (!zeros && n > count - k)) return false;
        for (size_t j = 0; !zeros && j < n; j++) last[at + j] ^= from[k + j];
        at += n;
        k += zeros ? 0 : n;
    }
    return at == bytes;
}

static pgd_status read_records(const char *text, const char *end, golden_file *out) {
    golden_record *last = NULL;
    int32_t count = 0, capacity = 0;
    pgd_status status = pgd_fail(PGD_CORRUPT, "a golden file ends too early");
    while (text < end) {
        golden_record r = {.raw = NULL};
        char line[GOLDEN_NAME_MAX + 128] = "";
        size_t codes, length = 0;
        while (length < sizeof line - 1 && text + length < end && text[length] != '\n') line[length] = text[length], length++;
        status = pgd_fail(PGD_CORRUPT, "a golden file has no such line as \"%.60s\"", line);
        if (sscanf(line, "%95s %31s %x %zu %zu", r.name, r.status, &r.digest, &r.bytes, &codes) != 5 || text + length >= end || r.bytes > 1u << 24) break;
        text += length + 1;
        status = PGD_OK;
        if (strcmp(r.name, "end") == 0) break;
        unsigned char *before = last_of(&last, &count, &capacity, r.bytes);
        r.raw = pgd_mem_alloc(r.bytes + 1);
        bool room = before != NULL && r.raw != NULL && pgd_grow(&out->records, &out->capacity, out->count, sizeof r);
        if (!room) status = pgd_fail_memory(r.bytes);
        else if (codes > (size_t)(end - text) || !decode((const unsigned char *)text, codes, before, codes == 0 ? 0 : r.bytes)) status = pgd_fail(PGD_CORRUPT, "the results of %s are not coded rightly", r.name);
        if (status != PGD_OK) {
            pgd_mem_free(r.raw);
            break;
        }
        memcpy(r.raw, before, r.bytes);
        out->records[out->count++] = r;
        text += codes;
        status = PGD_CORRUPT;
    }
    free_records(last, count);
    return status;
}

pgd_status golden_file_read(const char *path, golden_file *out) {
    char *text;
    size_t bytes;
    *out = (golden_file){0};
    PGD_TRY(pgd_file_read(path, 64u << 20, NULL, &text, &bytes));
    const char *blank = strncmp(text, magic, strlen(magic)) == 0 ? strstr(text, "\n\n") : NULL;
    pgd_status status = blank == NULL ? pgd_fail(PGD_CORRUPT, "%s is no golden file", path) : read_records(blank + 2, text + bytes, out);
    if (blank != NULL) {
        text[blank + 1 - text] = '\0';
        out->text = pgd_mem_strdup(text + strlen(magic));
    }
    pgd_mem_free(text);
    if (status != PGD_OK) golden_file_deinit(out);
    return status;
}

void golden_file_deinit(golden_file *file) {
    free_records(file->records, file->count);
    pgd_mem_free(file->text);
    *file = (golden_file){0};
}

const golden_record *golden_file_find(const golden_file *file, const char *name) {
    for (int32_t k = 0; k < file->count; k++)
        if (strcmp(file->records[k].name, name) == 0) return &file->records[k];
    return NULL;
}
