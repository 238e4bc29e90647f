/* SPDX-License-Identifier: Apache-2.0 */
#include "test_files.h"

#include <math.h>

#include "json_writer.h"

static char *text;
static size_t text_bytes;

static void start(struct json_writer *json)
{
    FILE *file = open_memstream(&text, &text_bytes);
    assert_non_null(file);
    json_start(json, file);
}

static void expect(struct json_writer *json, const char *line)
{
    assert_true(json_finish(json));
    fclose(json->file);
    assert_string_equal(text, line);
    free(text);
    text = NULL;
}

static void expect_text(const char *value, const char *line)
{
    struct json_writer json;
    start(&json);
    json_string(&json, NULL, value);
    expect(&json, line);
}

static void objects_and_arrays_nest(void **state)
{
    (void)state;
    struct json_writer json;
    start(&json);
    json_begin_object(&json, NULL);
    json_string(&json, "file", "a.png");
    json_begin_array(&json, "top");
    for (int i = 0; i < 2; i++) {
        json_begin_object(&json, NULL);
        json_integer(&json, "label", i);
        json_number(&json, "p", 0.25);
        json_end(&json);
    }
    json_end(&json);
    json_begin_array(&json, "none");
    json_end(&json);
    json_bool(&json, "ok", true);
    json_null(&json, "reason");
    expect(&json, "{\"file\": \"a.png\", \"top\": [{\"label\": 0, \"p\": 0.25}, {\"label\": 1, \"p\": 0.25}], "
                  "\"none\": [], \"ok\": true, "
                  "\"reason\": null}\n");
}

static void numbers_have_nine_digits_and_nan_is_null(void **state)
{
    (void)state;
    struct json_writer json;
    start(&json);
    json_begin_array(&json, NULL);
    json_number(&json, NULL, 1.0 / 3);
    json_number(&json, NULL, 6.25e-20);
    json_number(&json, NULL, (double)NAN);
    json_number(&json, NULL, -(double)INFINITY);
    json_integer(&json, NULL, INT64_MIN);
    json_bool(&json, NULL, false);
    json_string(&json, NULL, NULL);
    expect(&json, "[0.333333333, 6.25e-20, null, null, -9223372036854775808, false, null]\n");
}

static void strings_are_escaped(void **state)
{
    (void)state;
    expect_text("", "\"\"\n");
    expect_text("a\"b\\c/\b\f\n\r\t\x01\x1f\x7f", "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"\n");
    expect_text("\xc3\xa9 \xe2\x96\x80 \xf0\x9f\x97\xbc", "\"\xc3\xa9 \xe2\x96\x80 \xf0\x9f\x97\xbc\"\n");
}

static void invalid_utf8_is_replaced(void **state)
{
    (void)state;
    expect_text("a\x80z", "\"a\\ufffdz\"\n");
    expect_text("\xc0\xaf", "\"\\ufffd\\ufffd\"\n");            /* overlong */
    expect_text("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"\n"); /* a surrogate */
    expect_text("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"\n");
    expect_text("\xf0\x9f\x97", "\"\\ufffd\"\n"); /* cut short: one mark */
    expect_text("\xe2\x96q", "\"\\ufffdq\"\n");
    expect_text("\xff\xfe", "\"\\ufffd\\ufffd\"\n");
}

static void a_key_is_escaped_too(void **state)
{
    (void)state;
    struct json_writer json;
    start(&json);
    json_begin_object(&json, NULL);
    json_bool(&json, "a\"\n", true);
    expect(&json, "{\"a\\\"\\n\": true}\n");
}

static void a_full_disk_is_noticed(void **state)
{
    (void)state;
    FILE *file = fopen("/dev/full", "w");
    if (file == NULL)
        skip();
    struct json_writer json;
    json_start(&json, file);
    json_begin_object(&json, NULL);
    assert_false(json_finish(&json));
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_and_arrays_nest), cmocka_unit_test(numbers_have_nine_digits_and_nan_is_null),
        cmocka_unit_test(strings_are_escaped),     cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(a_key_is_escaped_too),    cmocka_unit_test(a_full_disk_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
