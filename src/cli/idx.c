/* SPDX-License-Identifier: Apache-2.0 */
#include "idx.h"

#include <stdlib.h>
#include <string.h>

#include "byte_source.h"

enum { TYPE_BYTES = 0x08 };
#define FIRST_GROWTH ((size_t)1 << 20)

static const char *idx_unit(const struct idx *idx)
{
    return idx->rank == 1 ? "label" : "pixel";
}

/* magic, then the dimensions; fills rank, dims and byte_count */
static bool idx_read_header(struct byte_source *source, struct idx *idx, struct cli_error *error)
{
    uint8_t head[4 + 4 * IDX_RANK_MAX];
    size_t found;
    if (!byte_source_read(source, head, 4, &found, error))
        return false;
    if (found == 0)
        return cli_fail(error, "%s: the file is empty; download it again", source->name);
    if (found < 4 || head[0] != 0 || head[1] != 0)
        return cli_fail(
            error,
            "%s: not an IDX file: it does not begin with two zero bytes and a type; give an IDX file, plain or .gz",
            source->name);
    if (head[2] != TYPE_BYTES)
        return cli_fail(error,
                        "%s: IDX element type 0x%02x is not supported; store the elements as unsigned bytes (0x08)",
                        source->name, head[2]);
    if (head[3] < 1 || head[3] > IDX_RANK_MAX)
        return cli_fail(error,
                        "%s: IDX rank %d is not supported; store labels with rank 1 and grey pictures with rank 3",
                        source->name, head[3]);
    idx->rank = head[3];
    const size_t dim_bytes = 4 * (size_t)idx->rank;
    if (!byte_source_read(source, head + 4, dim_bytes, &found, error))
        return false;
    if (found < dim_bytes)
        return cli_fail(error, "%s: truncated inside its header: %zu bytes expected, %zu found; download it again",
                        source->name, 4 + dim_bytes, 4 + found);
    uint64_t product = 1;
    for (int axis = 0; axis < IDX_RANK_MAX; axis++) {
        const uint8_t *b = head + 4 + 4 * axis;
        idx->dims[axis] =
            axis >= idx->rank ? 1 : (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (idx->dims[axis] == 0)
            return cli_fail(error, "%s: dimension %d is 0, so it holds nothing; download it again", source->name, axis);
        product *= idx->dims[axis]; /* at most 2^31 * 2^32: no overflow */
        if (product > IDX_BYTES_MAX)
            return cli_fail(
                error,
                "%s: its header promises more than the %llu bytes that are supported; download it again or split it",
                source->name, (unsigned long long)IDX_BYTES_MAX);
    }
    idx->byte_count = (size_t)product;
    return true;
}

/* Reads byte_count bytes into a buffer that at most doubles what was found. */
static bool idx_read_data(struct byte_source *source, struct idx *idx, struct cli_error *error)
{
    size_t have = 0;
    while (have < idx->byte_count) {
        size_t room = have == 0 ? FIRST_GROWTH : 2 * have;
        room = room > idx->byte_count ? idx->byte_count : room;
        uint8_t *grown = realloc(idx->data, room);
        if (grown == NULL)
            return cli_fail(error, "%s: no memory for its %zu bytes; free some memory or use a smaller set",
                            source->name, idx->byte_count);
        idx->data = grown;
        size_t found;
        if (!byte_source_read(source, idx->data + have, room - have, &found, error))
            return false;
        have += found;
        if (have < room)
            return cli_fail(error, "%s: truncated: %zu %s bytes expected, %zu found; download it again", source->name,
                            idx->byte_count, idx_unit(idx), have);
    }
    uint8_t beyond;
    size_t found;
    if (!byte_source_read(source, &beyond, 1, &found, error))
        return false;
    if (found != 0)
        return cli_fail(error,
                        "%s: too long: more bytes follow the %zu %s bytes its header promises; download it again",
                        source->name, idx->byte_count, idx_unit(idx));
    return true;
}

static bool idx_take(struct byte_source *source, struct idx *out, struct cli_error *error)
{
    const bool good = idx_read_header(source, out, error) && idx_read_data(source, out, error);
    byte_source_close(source);
    if (!good)
        idx_deinit(out);
    return good;
}

bool idx_read(const char *path, struct idx *out, struct cli_error *error)
{
    struct byte_source source;
    memset(out, 0, sizeof *out);
    return byte_source_open_file(&source, path, error) && idx_take(&source, out, error);
}

bool idx_parse(const uint8_t *bytes, size_t byte_count, const char *name, struct idx *out, struct cli_error *error)
{
    struct byte_source source;
    memset(out, 0, sizeof *out);
    return byte_source_open_memory(&source, bytes, byte_count, name, error) && idx_take(&source, out, error);
}

void idx_deinit(struct idx *idx)
{
    free(idx->data);
    memset(idx, 0, sizeof *idx);
}
