/* SPDX-License-Identifier: Apache-2.0 */
/* Small help for the tests: a temporary folder, files in it, and whether a sentence says what it should. */
#ifndef TEST_FILES_H
#define TEST_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

/* static storage: valid until the fourth next call */
static inline const char *test_path(const char *name)
{
    static char folder[64], paths[4][256];
    static int turn;
    if (folder[0] == '\0') {
        strcpy(folder, "/tmp/pagoda-test-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static inline void test_write(const char *path, const void *bytes, size_t byte_count)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, byte_count, file), byte_count);
    assert_int_equal(fclose(file), 0);
}

/* bytes packed by gzip into out; returns how many */
static inline size_t test_gzip(const uint8_t *bytes, size_t byte_count, uint8_t *out, size_t room)
{
    z_stream z;
    memset(&z, 0, sizeof z);
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (z_const Bytef *)bytes;
    z.avail_in = (uInt)byte_count;
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return room - z.avail_out;
}

static inline void test_says(const char *sentence, const char *part)
{
    if (strstr(sentence, part) == NULL)
        fail_msg("the sentence \"%s\" does not say \"%s\"", sentence, part);
}

/* removes the files and the folder */
static inline int test_clean(void **state)
{
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", test_path("."));
    command[strlen(command) - 3] = '\0'; /* the folder itself rather than folder/. */
    strcat(command, "'");
    return system(command) == 0 ? 0 : -1;
}

#endif
