/* SPDX-License-Identifier: Apache-2.0 */
/* The gzip path: the first byte chooses.  0: the rest is IDX, packed here, so that the fuzzer reaches what lies
 * behind the check sums.  1: the same, then one packed byte changed.  Else: the rest is the packed stream itself. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static uint8_t *pack(const uint8_t *bytes, size_t byte_count, size_t *packed_bytes)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    const size_t room = deflateBound(&z, (uLong)byte_count);
    uint8_t *packed = malloc(room);
    if (packed == NULL)
        abort();
    z.next_in = (z_const Bytef *)bytes;
    z.avail_in = (uInt)byte_count;
    z.next_out = packed;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    *packed_bytes = room - z.avail_out;
    deflateEnd(&z);
    return packed;
}

static bool parse(const uint8_t *bytes, size_t byte_count, struct idx *idx)
{
    struct cli_error error = {""};
    const bool good = idx_parse(bytes, byte_count, "fuzz", idx, &error);
    if (!good && (idx->data != NULL || strncmp(error.text, "fuzz: ", 6) != 0))
        abort();
    return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    if (byte_count < 4)
        return 0;
    struct idx plain, idx;
    if (bytes[0] > 1) {
        parse(bytes + 1, byte_count - 1, &idx);
        idx_deinit(&idx);
        return 0;
    }
    size_t packed_bytes;
    uint8_t *packed = pack(bytes + 3, byte_count - 3, &packed_bytes);
    if (bytes[0] == 1)
        packed[((size_t)bytes[1] << 4 ^ bytes[2]) % packed_bytes] ^= (uint8_t)(1 + bytes[2]);
    const bool good = parse(packed, packed_bytes, &idx);
    const bool nested = bytes[3] == 0x1f; /* gzip within gzip is not unpacked twice */
    if (bytes[0] == 0 && !nested) {
        if (parse(bytes + 3, byte_count - 3, &plain) != good)
            abort(); /* packed or plain must not matter */
        if (good && memcmp(plain.data, idx.data, idx.byte_count) != 0)
            abort();
        idx_deinit(&plain);
    }
    idx_deinit(&idx);
    free(packed);
    return 0;
}
