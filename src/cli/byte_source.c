/* SPDX-License-Identifier: Apache-2.0 */
#include "byte_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16, GZIP_WINDOW = 15 + 16 };

/* Makes unread input available at unpack.next_in, unless the input has ended. */
static bool source_refill(struct byte_source *source, struct cli_error *error)
{
    if (source->unpack.avail_in > 0)
        return true;
    if (source->file == NULL) {
        const size_t some = source->memory_left < CHUNK_BYTES ? source->memory_left : CHUNK_BYTES;
        source->unpack.next_in = (z_const Bytef *)source->memory;
        source->unpack.avail_in = (uInt)some;
        source->memory += some;
        source->memory_left -= some;
        return true;
    }
    const size_t some = fread(source->chunk, 1, CHUNK_BYTES, source->file);
    if (some == 0 && ferror(source->file))
        return cli_fail(error, "%s: cannot be read: %s; give a readable file", source->name, strerror(errno));
    source->unpack.next_in = source->chunk;
    source->unpack.avail_in = (uInt)some;
    return true;
}

static bool source_at_gzip(const struct byte_source *source)
{
    return source->unpack.avail_in >= 2 && source->unpack.next_in[0] == 0x1f && source->unpack.next_in[1] == 0x8b;
}

static bool source_begin(struct byte_source *source, struct cli_error *error)
{
    if (!source_refill(source, error))
        return false;
    source->packed = source_at_gzip(source);
    if (source->packed && inflateInit2(&source->unpack, GZIP_WINDOW) != Z_OK) {
        source->packed = false;
        return cli_fail(error, "%s: zlib cannot start to unpack it: out of memory; free some memory", source->name);
    }
    return true;
}

bool byte_source_open_file(struct byte_source *source, const char *path, struct cli_error *error)
{
    memset(source, 0, sizeof *source);
    source->name = path;
    source->chunk = malloc(CHUNK_BYTES);
    if (source->chunk == NULL)
        return cli_fail(error, "%s: no memory for %d bytes to read it; free some memory", path, (int)CHUNK_BYTES);
    source->file = fopen(path, "rb");
    if (source->file == NULL)
        cli_fail(error, "%s: cannot be opened: %s; check the path", path, strerror(errno));
    else if (source_begin(source, error))
        return true;
    byte_source_close(source);
    return false;
}

bool byte_source_open_memory(struct byte_source *source, const uint8_t *bytes, size_t byte_count, const char *name,
                             struct cli_error *error)
{
    memset(source, 0, sizeof *source);
    source->name = name;
    source->memory = bytes;
    source->memory_left = byte_count;
    return source_begin(source, error);
}

void byte_source_close(struct byte_source *source)
{
    if (source->packed)
        inflateEnd(&source->unpack);
    if (source->file != NULL)
        fclose(source->file);
    free(source->chunk);
    memset(source, 0, sizeof *source);
}

static bool source_copy(struct byte_source *source, uint8_t *out, size_t wanted, size_t *found, struct cli_error *error)
{
    while (*found < wanted) {
        if (!source_refill(source, error))
            return false;
        if (source->unpack.avail_in == 0) {
            source->ended = true;
            return true;
        }
        const size_t room = wanted - *found, there = source->unpack.avail_in, some = room < there ? room : there;
        memcpy(out + *found, source->unpack.next_in, some);
        source->unpack.next_in += some;
        source->unpack.avail_in -= (uInt)some;
        *found += some;
    }
    return true;
}

/* After the last byte of a gzip member: another member may follow, and nothing else. */
static bool source_next_member(struct byte_source *source, struct cli_error *error)
{
    if (!source_refill(source, error))
        return false;
    if (source->unpack.avail_in == 0) {
        source->ended = true;
        return true;
    }
    if (source->unpack.next_in[0] != 0x1f)
        return cli_fail(error, "%s: stray bytes follow the gzip data; download it again", source->name);
    inflateReset(&source->unpack);
    return true;
}

static bool source_inflate(struct byte_source *source, uint8_t *out, size_t wanted, size_t *found,
                           struct cli_error *error)
{
    while (*found < wanted && !source->ended) {
        if (!source_refill(source, error))
            return false;
        if (source->unpack.avail_in == 0)
            return cli_fail(error, "%s: the gzip data end too early, after %zu unpacked bytes; download it again",
                            source->name, (size_t)source->unpack.total_out);
        const size_t room = wanted - *found;
        source->unpack.next_out = out + *found;
        source->unpack.avail_out = room < CHUNK_BYTES ? (uInt)room : CHUNK_BYTES;
        const uInt offered = source->unpack.avail_out;
        const int status = inflate(&source->unpack, Z_NO_FLUSH);
        *found += offered - source->unpack.avail_out;
        if (status == Z_STREAM_END) {
            if (!source_next_member(source, error))
                return false;
        } else if (status != Z_OK && status != Z_BUF_ERROR) {
            return cli_fail(error, "%s: the gzip data are damaged (%s); download it again", source->name,
                            source->unpack.msg != NULL ? source->unpack.msg : "zlib gives no reason");
        }
    }
    return true;
}

bool byte_source_read(struct byte_source *source, uint8_t *out, size_t wanted, size_t *found, struct cli_error *error)
{
    *found = 0;
    if (source->ended)
        return true;
    return source->packed ? source_inflate(source, out, wanted, found, error)
                          : source_copy(source, out, wanted, found, error);
}
