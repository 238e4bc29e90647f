/* SPDX-License-Identifier: Apache-2.0 */
#include "onnx_wire.h"

#include <string.h>

enum { VARINT = 0, LENGTH = 2, FIXED32 = 5 };

/* Numbers of fields in onnx.proto3 that stand in more than one place here. */
enum { NODE_ATTRIBUTE = 5, ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_INTS = 7 };

void pgd_wire_deinit(pgd_wire *wire) {
    pgd_mem_free(wire->bytes);
    *wire = (pgd_wire){0};
}

static void append(pgd_wire *w, const void *bytes, size_t count) {
    if (w->failed || count == 0) return;
    if (w->count + count > w->capacity) {
        size_t capacity = w->capacity == 0 ? 256 : w->capacity;
        while (capacity < w->count + count) capacity *= 2;
        char *more = pgd_mem_resize(w->bytes, capacity);
        if (more == NULL) {
            w->failed = true;
            return;
        }
        w->bytes = more;
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->count, bytes, count);
    w->count += count;
}

static void number(pgd_wire *w, uint64_t value) {
    uint8_t bytes[10];
    size_t count = 0;
    do {
        bytes[count] = (uint8_t)(value & 127);
        value >>= 7;
        if (value != 0) bytes[count] |= 128;
        count++;
    } while (value != 0);
    append(w, bytes, count);
}

static void tag(pgd_wire *w, int32_t field, int kind) { number(w, (uint64_t)field << 3 | (uint64_t)kind); }

void pgd_wire_varint(pgd_wire *w, int32_t field, int64_t value) {
    tag(w, field, VARINT);
    number(w, (uint64_t)value);
}

void pgd_wire_float(pgd_wire *w, int32_t field, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint8_t bytes[4] = {(uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    tag(w, field, FIXED32);
    append(w, bytes, sizeof bytes);
}

void pgd_wire_head(pgd_wire *w, int32_t field, uint64_t count) {
    tag(w, field, LENGTH);
    number(w, count);
}

void pgd_wire_bytes(pgd_wire *w, int32_t field, const void *bytes, size_t count) {
    pgd_wire_head(w, field, count);
    append(w, bytes, count);
}

void pgd_wire_string(pgd_wire *w, int32_t field, const char *text) { pgd_wire_bytes(w, field, text, strlen(text)); }

void pgd_wire_message(pgd_wire *w, int32_t field, const pgd_wire *message) {
    pgd_wire_bytes(w, field, message->bytes, message->count);
    w->failed = w->failed || message->failed;
}

int32_t pgd_onnx_dtype(pgd_dtype dtype) {
    switch (dtype) {
    case PGD_F32: return 1;
    case PGD_U8: return 2;
    case PGD_I32: return 6;
    case PGD_I64: return 7;
    case PGD_BOOL: return 9;
    case PGD_F16: return 10;
    case PGD_F64: return 11;
    case PGD_BF16: return 16;
    default: return 0;
    }
}

/* ---- attributes ------------------------------------------------------------------------------------------------------------------------------------ */

static void close_attribute(pgd_wire *node, pgd_wire *attribute, int type) {
    pgd_wire_varint(attribute, ATTRIBUTE_TYPE, type);
    pgd_wire_message(node, NODE_ATTRIBUTE, attribute);
    pgd_wire_deinit(attribute);
}

void pgd_onnx_int(pgd_wire *node, const char *name, int64_t value) {
    pgd_wire a = {0};
    pgd_wire_string(&a, ATTRIBUTE_NAME, name);
    pgd_wire_varint(&a, ATTRIBUTE_I, value);
    close_attribute(node, &a, TYPE_INT);
}

void pgd_onnx_float(pgd_wire *node, const char *name, double value) {
    pgd_wire a = {0};
    pgd_wire_string(&a, ATTRIBUTE_NAME, name);
    pgd_wire_float(&a, ATTRIBUTE_F, (float)value);
    close_attribute(node, &a, TYPE_FLOAT);
}

void pgd_onnx_string(pgd_wire *node, const char *name, const char *value) {
    pgd_wire a = {0};
    pgd_wire_string(&a, ATTRIBUTE_NAME, name);
    pgd_wire_string(&a, ATTRIBUTE_S, value);
    close_attribute(node, &a, TYPE_STRING);
}

void pgd_onnx_ints(pgd_wire *node, const char *name, const int64_t *values, int32_t count) {
    pgd_wire a = {0};
    pgd_wire_string(&a, ATTRIBUTE_NAME, name);
    for (int32_t i = 0; i < count; i++) pgd_wire_varint(&a, ATTRIBUTE_INTS, values[i]);
    close_attribute(node, &a, TYPE_INTS);
}

void pgd_onnx_tensor_head(pgd_wire *tensor, const char *name, pgd_dtype dtype, const int64_t *dims, int32_t rank, uint64_t raw_bytes) {
    enum { DIMS = 1, DATA_TYPE = 2, NAME = 8, RAW_DATA = 9 };
    for (int32_t i = 0; i < rank; i++) pgd_wire_varint(tensor, DIMS, dims[i]);
    pgd_wire_varint(tensor, DATA_TYPE, pgd_onnx_dtype(dtype));
    pgd_wire_string(tensor, NAME, name);
    pgd_wire_head(tensor, RAW_DATA, raw_bytes);
}
