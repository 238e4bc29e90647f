/* SPDX-License-Identifier: Apache-2.0
 * Writing the protobuf wire format, and the few messages of ONNX that a model consists of (onnx.proto3, IR version 8). */
#ifndef PGD_ONNX_WIRE_H
#define PGD_ONNX_WIRE_H

#include <base_share.h>

/* A growing run of bytes; zeroed is empty. After `failed` nothing is added any more. */
typedef struct pgd_wire {
    char *bytes;
    size_t count, capacity;
    bool failed;
} pgd_wire;
void pgd_wire_deinit(pgd_wire *wire);

void pgd_wire_varint(pgd_wire *wire, int32_t field, int64_t value);
void pgd_wire_float(pgd_wire *wire, int32_t field, float value);
void pgd_wire_bytes(pgd_wire *wire, int32_t field, const void *bytes, size_t count);
void pgd_wire_string(pgd_wire *wire, int32_t field, const char *text);
void pgd_wire_message(pgd_wire *wire, int32_t field, const pgd_wire *message);

/* Tag and length of bytes that follow elsewhere. */
void pgd_wire_head(pgd_wire *wire, int32_t field, uint64_t count);

/* TensorProto.DataType; 0 when ONNX has none. */
int32_t pgd_onnx_dtype(pgd_dtype dtype);

/* ---- AttributeProto, appended to a NodeProto ------------------------------------------------------------------------------------------------------- */

void pgd_onnx_int(pgd_wire *node, const char *name, int64_t value);
void pgd_onnx_float(pgd_wire *node, const char *name, double value);
void pgd_onnx_string(pgd_wire *node, const char *name, const char *value);
void pgd_onnx_ints(pgd_wire *node, const char *name, const int64_t *values, int32_t count);

/* TensorProto without its contents, which `raw_bytes` bytes in little-endian order follow as field raw_data. */
void pgd_onnx_tensor_head(pgd_wire *tensor, const char *name, pgd_dtype dtype, const int64_t *dims, int32_t rank, uint64_t raw_bytes);

#endif
