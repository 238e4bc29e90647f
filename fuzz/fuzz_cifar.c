/* SPDX-License-Identifier: Apache-2.0 */
/* cifar_parse takes any bytes: a good set or one sentence; the same for the names of the classes. */
#include <stdlib.h>
#include <string.h>

#include "cifar.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

static void parse_names(const uint8_t *bytes, size_t byte_count)
{
    const char *names[CIFAR_CLASSES];
    struct cli_error error = {""};
    char *text = malloc(byte_count + 1);
    if (text == NULL)
        return;
    memcpy(text, bytes, byte_count);
    text[byte_count] = '\0';
    if (!cifar_parse_names(text, "fuzz", names, &error) && strncmp(error.text, "fuzz: ", 6) != 0)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct image_set set;
    struct cli_error error = {""};
    if (cifar_parse(bytes, byte_count, "fuzz", &set, &error)) {
        for (size_t i = 0; i < set.count; i++)
            if (set.labels[i] >= set.class_count)
                abort();
        if (set.count == 0 || set.channels != 3)
            abort();
    } else if (set.pixels != NULL || set.labels != NULL || strncmp(error.text, "fuzz: ", 6) != 0) {
        abort();
    }
    image_set_deinit(&set);
    parse_names(bytes, byte_count);
    return 0;
}
