/* SPDX-License-Identifier: Apache-2.0
 * The demonstration as a person and as a program meet it. It trains for half a minute, so only with PAGODA_TEST_FULL. */
#include "test_files.h"

static char out[65536], err[65536];

static void read_back(const char *path, char *to) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    to[fread(to, 1, sizeof out - 1, file)] = '\0';
    fclose(file);
}

static void demo(const char *options) {
    const char *build = getenv("PAGODA_BUILD_DIR");
    char command[4096];
    if (getenv("PAGODA_TEST_FULL") == NULL) skip();
    mkdir(test_path("tmp"), 0777);
    snprintf(command, sizeof command, "TMPDIR='%s' '%s/pagoda' demo %s >'%s' 2>'%s'", test_path("tmp"), build != NULL ? build : ".", options, test_path("out"), test_path("err"));
    assert_int_equal(system(command), 0);
    read_back(test_path("out"), out);
    read_back(test_path("err"), err);
    assert_int_equal(rmdir(test_path("tmp")), 0); /* nothing is left */
}

static void a_person_is_told_what_to_try_next(void **unused) {
    demo("");
    test_says(out, "digits it never saw");
    test_says(out, "where the time went");
    test_says(out, "/pagoda vision train --data builtin --epochs 1 --out digits.safetensors\n");
    test_says(out, "/pagoda vision classify --model digits.safetensors pictures/*.pgm\n");
    assert_null(strstr(out, "epoch "));
    test_says(err, "epoch 1/2");
}

static void a_program_gets_one_line_of_json(void **unused) {
    demo("--json --quiet");
    assert_int_equal(strncmp(out, "{\"accuracy\": 0.9", 16), 0);
    assert_string_equal(strchr(out, '\n') - 1, "}\n");
    assert_string_equal(err, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_told_what_to_try_next),
        cmocka_unit_test(a_program_gets_one_line_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, test_clean);
}
