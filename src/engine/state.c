/* SPDX-License-Identifier: Apache-2.0
 * States: named tensors in device memory. */
#include <string.h>

#include "engine_internal.h"

pgd_status pgd_state_create(pgd_device *device, pgd_state **out) {
    PGD_NEED(out);
    *out = NULL;
    PGD_NEED(device);
    *out = pgd_mem_zalloc(sizeof **out);
    if (*out == NULL) return pgd_fail_memory(sizeof **out);
    (*out)->device = device;
    return PGD_OK;
}

void pgd_state_shrink(pgd_state *state, int32_t count) {
    while (state->count > count) {
        struct pgd_state_tensor *last = &state->tensors[--state->count];
        pgd_mem_free(last->name);
        pgd_buffer_destroy(last->buffer);
    }
}

void pgd_state_destroy(pgd_state *state) {
    if (state == NULL) return;
    pgd_state_shrink(state, 0);
    pgd_mem_free(state->tensors);
    pgd_mem_free(state);
}

int32_t pgd_state_count(const pgd_state *state) { return PGD_LACKS(state) ? 0 : state->count; }

int32_t pgd_state_find(const pgd_state *state, const char *name) {
    if (PGD_LACKS(state, name)) return -1;
    for (int32_t i = 0; i < state->count; i++)
        if (strcmp(state->tensors[i].name, name) == 0) return i;
    return -1;
}

static uint64_t tensor_bytes(const struct pgd_state_tensor *t) { return (uint64_t)pgd_shape_elems(t->shape) * pgd_dtype_bytes(t->dtype); }

static pgd_status write_contents(struct pgd_state_tensor *t, pgd_device *device, const void *bytes) {
    if (bytes != NULL) return pgd_buffer_write(t->buffer, 0, bytes, tensor_bytes(t));
    pgd_stream *stream;
    PGD_TRY(pgd_stream_create(device, &stream));
    pgd_status status = pgd_stream_fill(stream, (pgd_buffer_span){t->buffer, 0}, 0, tensor_bytes(t));
    if (status == PGD_OK) status = pgd_stream_sync(stream);
    pgd_stream_destroy(stream);
    return status;
}

static pgd_status add(pgd_state *state, const char *name, pgd_dtype dtype, pgd_shape shape, const void *bytes) {
    struct pgd_state_tensor t = {.dtype = dtype, .shape = shape};
    if (!pgd_grow(&state->tensors, &state->capacity, state->count, sizeof *state->tensors)) return pgd_fail_memory(sizeof t);
    if ((t.name = pgd_mem_strdup(name)) == NULL) return pgd_fail_memory(strlen(name));
    pgd_status status = pgd_buffer_create(state->device, tensor_bytes(&t), &t.buffer);
    if (status == PGD_OK) status = write_contents(&t, state->device, bytes);
    if (status != PGD_OK) {
        pgd_buffer_destroy(t.buffer);
        pgd_mem_free(t.name);
        return status;
    }
    state->tensors[state->count++] = t;
    return PGD_OK;
}

pgd_status pgd_state_set(pgd_state *state, const char *name, pgd_dtype dtype, pgd_shape shape, const void *bytes) {
    PGD_NEED(state, name);
    if (name[0] == '\0' || (unsigned)dtype >= PGD_DTYPE_COUNT || shape.rank < 0 || shape.rank > PGD_MAX_RANK)
        return pgd_fail(PGD_BAD_ARG, "state: a tensor needs a name, a dtype and a shape of rank 0 to %d", PGD_MAX_RANK);
    if (strlen(name) > PGD_STATE_NAME_MAX || strcmp(name, "__metadata__") == 0)
        return pgd_fail(PGD_BAD_ARG, "state: a tensor cannot be named \"%.40s\"; use at most %d bytes, and not \"__metadata__\", which means something else in a file", name, PGD_STATE_NAME_MAX);
    for (int32_t i = 0; i < shape.rank; i++)
        if (shape.dims[i] < 0) return pgd_fail(PGD_BAD_ARG, "state: \"%s\" has an extent of %lld", name, (long long)shape.dims[i]);
    if (!pgd_shape_valid(shape)) return pgd_fail(PGD_BAD_ARG, "state: \"%s\" would have 2^48 elements or more", name);
    int32_t index = pgd_state_find(state, name);
    if (index < 0) return add(state, name, dtype, shape, bytes);
    struct pgd_state_tensor *t = &state->tensors[index];
    if (t->dtype != dtype || !pgd_shape_equal(t->shape, shape)) return pgd_fail(PGD_BAD_ARG, "state: \"%s\" exists with another dtype or shape", name);
    return write_contents(t, state->device, bytes);
}

pgd_status pgd_state_get(const pgd_state *state, const char *name, void *to, uint64_t bytes) {
    PGD_NEED(state, name);
    if (bytes > 0) PGD_NEED(to);
    int32_t index = pgd_state_find(state, name);
    if (index < 0) return pgd_fail(PGD_BAD_ARG, "state: there is no tensor \"%s\"", name);
    if (tensor_bytes(&state->tensors[index]) != bytes)
        return pgd_fail(PGD_BAD_ARG, "state: \"%s\" has %llu bytes, room was given for %llu", name, (unsigned long long)tensor_bytes(&state->tensors[index]), (unsigned long long)bytes);
    return pgd_buffer_read(to, state->tensors[index].buffer, 0, bytes);
}

pgd_status pgd_state_at(const pgd_state *state, int32_t index, const char **name, pgd_dtype *dtype, pgd_shape *shape) {
    PGD_NEED(state);
    if (index < 0 || index >= state->count) return pgd_fail(PGD_BAD_ARG, "state: there is no tensor %d; there are %d", index, state->count);
    if (name != NULL) *name = state->tensors[index].name;
    if (dtype != NULL) *dtype = state->tensors[index].dtype;
    if (shape != NULL) *shape = state->tensors[index].shape;
    return PGD_OK;
}

pgd_buffer *pgd_state_buffer(const pgd_state *state, int32_t index) { return state->tensors[index].buffer; }
