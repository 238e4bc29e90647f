/* SPDX-License-Identifier: Apache-2.0 */
/* idx_parse takes any bytes: a good set or one sentence, nothing else. */
#include <stdlib.h>
#include <string.h>

#include "idx.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct idx idx;
    struct cli_error error = {""};
    if (idx_parse(bytes, byte_count, "fuzz", &idx, &error)) {
        if (idx.data == NULL || idx.byte_count != (uint64_t)idx.dims[0] * idx.dims[1] * idx.dims[2])
            abort();
    } else if (idx.data != NULL || strncmp(error.text, "fuzz: ", 6) != 0) {
        abort();
    }
    idx_deinit(&idx);
    return 0;
}
