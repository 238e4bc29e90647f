/* SPDX-License-Identifier: Apache-2.0 */
#include "cli_error.h"

#include <stdarg.h>
#include <stdio.h>

bool cli_fail(struct cli_error *error, const char *format, ...)
{
    if (error == NULL)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}
