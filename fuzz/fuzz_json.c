/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader on any bytes: it stays inside them, and what it hands out is terminated. The first byte chooses the call. */
#include <base_share.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

/* A walk as a header reader makes it: objects of names and values, integers read, all else skipped. */
static bool walk(pgd_json *json)
{
    char name[64];
    int64_t number;
    if (!pgd_json_expect(json, '{'))
        return false;
    if (pgd_json_expect(json, '}'))
        return true;
    do {
        memset(name, 0x7f, sizeof name);
        if (!pgd_json_string(json, name, sizeof name) || strlen(name) >= sizeof name || !pgd_json_expect(json, ':'))
            return false;
        pgd_json copy = *json;
        if (!pgd_json_int(json, &number)) {
            *json = copy;
            if (!pgd_json_skip(json, 0))
                return false;
        }
    } while (pgd_json_expect(json, ','));
    return pgd_json_expect(json, '}');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    if (byte_count == 0)
        return 0;
    pgd_json json = {(const char *)bytes + 1, (const char *)bytes + byte_count};
    if (bytes[0] % 2 == 0)
        walk(&json);
    else
        pgd_json_skip(&json, 0);
    if (json.at < (const char *)bytes + 1 || json.at > json.end)
        abort();
    return 0;
}
