/* SPDX-License-Identifier: Apache-2.0
 * Status names, the error sentence of each thread, the log, version, options. */
#include <base_share.h>
#include <stdio.h>
#include <string.h>

#include "base_internal.h"

static _Thread_local char error_text[1024];

const char *pgd_status_name(pgd_status status) {
    static const char *const names[] = {
#define X(name, text) #name,
        PGD_STATUS_LIST(X)
#undef X
    };
    return (unsigned)status < PGD_STATUS_COUNT ? names[status] : "?";
}

const char *pgd_error_text(void) { return error_text; }

pgd_status pgd_fail(pgd_status status, const char *format, ...) {
    char text[sizeof error_text]; /* the arguments may point into error_text */
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    memcpy(error_text, text, sizeof text);
    return status;
}

pgd_status pgd_fail_memory(size_t bytes) {
    return pgd_fail(PGD_NO_MEMORY, "out of memory: %zu bytes were asked for; use a smaller batch or model", bytes);
}

bool pgd_lacks(const char *function, const char *names, const void *const *pointers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int length = (int)strcspn(names, ",");
        if (pointers[i] == NULL) {
            (void)pgd_fail(PGD_BAD_ARG, "%s: %.*s is NULL and must not be; did the call that should have made it fail?", function, length, names);
            return true;
        }
        names += length + (int)strspn(names + length, ", ");
    }
    return false;
}

const char *pgd_version(void) {
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
    return TEXT(PGD_VERSION_MAJOR) "." TEXT(PGD_VERSION_MINOR) "." TEXT(PGD_VERSION_PATCH);
}

void pgd_init_options_init(pgd_init_options *options, size_t struct_bytes) {
    const pgd_init_options defaults = {.struct_bytes = (uint32_t)struct_bytes};
    if (PGD_LACKS(options)) return;
    memset(options, 0, struct_bytes);
    memcpy(options, &defaults, struct_bytes < sizeof defaults ? struct_bytes : sizeof defaults);
}

pgd_status pgd_options_read(void *into, size_t into_bytes, const void *from, const char *name) {
    uint32_t bytes;
    if (from == NULL) return PGD_OK;
    memcpy(&bytes, from, sizeof bytes);
    if (bytes < sizeof bytes || bytes > 4096)
        return pgd_fail(PGD_BAD_ARG, "%s.struct_bytes is %u; fill the struct with %s_init first", name, bytes, name);
    memcpy(into, from, bytes < into_bytes ? bytes : into_bytes);
    return PGD_OK;
}

pgd_status pgd_init(const pgd_init_options *options) {
    pgd_init_options o = {0};
    PGD_TRY(pgd_options_read(&o, sizeof o, options, "pgd_init_options"));
    uint64_t now_bytes;
    pgd_memory_in_use(&now_bytes, NULL);
    if (now_bytes != 0)
        return pgd_fail(PGD_BAD_STATE, "pgd_init: %llu bytes are in use; call it before anything else", (unsigned long long)now_bytes);
    pgd_process_log = (pgd_process_log_target){o.log, o.log_user};
    pgd_process_allocator = (pgd_process_allocator_source){o.resize, o.resize_user};
    return PGD_OK;
}

pgd_process_log_target pgd_process_log;

void pgd_log_line(pgd_log_level level, const char *format, ...) {
    if (pgd_process_log.function == NULL) return;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pgd_process_log.function(pgd_process_log.user, level, line);
}

pgd_status pgd_progress_report(const pgd_progress *progress, const char *what, double fraction) {
    if (progress == NULL || progress->function == NULL || progress->function(progress->user, what, fraction)) return PGD_OK;
    return pgd_fail(PGD_CANCELLED, "%s: the progress callback asked to stop", what);
}
