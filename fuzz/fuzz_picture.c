/* SPDX-License-Identifier: Apache-2.0 */
/* picture_parse takes any bytes; PNG, JPEG, PGM, PPM; what it accepts can be fitted and made a digit. */
#include <stdlib.h>
#include <string.h>

#include "picture_fit.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct picture picture;
    struct cli_error error = {""};
    if (!picture_parse(bytes, byte_count, "fuzz", &picture, &error)) {
        if (picture.pixels != NULL || strncmp(error.text, "fuzz: ", 6) != 0)
            abort();
        return 0;
    }
    uint8_t fitted[3 * 32 * 32], digit[DIGIT_PIXELS];
    if (picture.channels != 1 && picture.channels != 3)
        abort();
    if ((uint64_t)picture.height * (uint64_t)picture.width < 1u << 20) {
        picture_fit(&picture, 1, 7, fitted);
        picture_fit_channels(&picture, 3, 32, 32, fitted);
        picture_fit_channels(&picture, 1, 32, 32, fitted);
        if (!picture_as_digit(&picture, "fuzz", digit, &error) && strncmp(error.text, "fuzz: ", 6) != 0)
            abort();
    }
    picture_deinit(&picture);
    return 0;
}
