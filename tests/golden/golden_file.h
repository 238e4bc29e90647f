/* SPDX-License-Identifier: Apache-2.0
 * A file of results: what a device, or something that stands for one, gave for each case.
 *
 *     pagoda golden 1\n   then lines "key: value\n" (device, capability, driver, cases), an empty line, and for each case
 *     NAME STATUS DIGEST RAW CODED\n   then CODED bytes;   at the end "end 0 0 0 0\n"
 *
 * DIGEST is golden_case_digest in hexadecimal: results of a case that has become another are of no use. STATUS is ok, refused:CODE (the module or kernel), fault:CODE, slow, or wide (something was written beside a result's width). RAW bytes are the output columns
 * one after the other, each value as wide as its type, predicates a byte. They are coded as the difference (xor) to the RAW bytes of the last case that had as
 * many, zeros before the first: a byte 1 to 127 is followed by so many bytes, 128 + n stands for n zeros. */
#ifndef PGD_GOLDEN_FILE_H
#define PGD_GOLDEN_FILE_H

#include <stdio.h>

#include "cases.h"

typedef struct golden_record {
    char name[GOLDEN_NAME_MAX], status[32];
    uint32_t digest;
    unsigned char *raw; /* NULL: none */
    size_t bytes;
} golden_record;

typedef struct golden_file {
    char *text;         /* the header as it stands */
    golden_record *records;
    int32_t count, capacity;
} golden_file;

/* Errors: IO, CORRUPT, NO_MEMORY. */
pgd_status golden_file_read(const char *path, golden_file *out);
void golden_file_deinit(golden_file *file);
const golden_record *golden_file_find(const golden_file *file, const char *name); /* NULL: none */

typedef struct golden_writer {
    FILE *out;
    golden_record *last; /* one for each length that was met */
    int32_t count, capacity;
    size_t written;
    bool failed;
} golden_writer;

/* header: lines "key: value\n". close says whether everything was written. */
pgd_status golden_writer_open(const char *path, const char *header, golden_writer *out);
void golden_writer_add(golden_writer *w, const golden_case *c, const char *status, const unsigned char *raw, size_t bytes);
pgd_status golden_writer_close(golden_writer *w);

/* Cells of a case as raw bytes; false: beside a result something was written. raw: golden_raw_bytes of them. */
size_t golden_raw_bytes(const golden_case *c);
bool golden_raw(const golden_case *c, const uint64_t *cells, unsigned char *raw);
uint64_t golden_raw_value(const golden_case *c, const unsigned char *raw, int32_t column, int32_t element);
#endif
