/* SPDX-License-Identifier: Apache-2.0
 * Growing strings, and the JSON reader on good and bad text. */
#include "check.h"

static void text_grows_and_stays_terminated(void **unused) {
    pgd_text text = {0};
    for (int i = 0; i < 1000; i++) pgd_text_add(&text, "%d,", i);
    assert_false(text.failed);
    assert_int_equal(strlen(text.chars), text.count);
    assert_int_equal(text.count, 10 * 2 + 90 * 3 + 900 * 4);
    assert_true(strncmp(text.chars, "0,1,2,", 6) == 0 && strcmp(text.chars + text.count - 4, "999,") == 0);
    pgd_mem_free(text.chars);
}

static void hashes_differ_with_seed_and_bytes(void **unused) {
    assert_true(pgd_hash_bytes("abc", 3, 0) == pgd_hash_bytes("abc", 3, 0));
    assert_true(pgd_hash_bytes("abc", 3, 0) != pgd_hash_bytes("abd", 3, 0));
    assert_true(pgd_hash_bytes("abc", 3, 0) != pgd_hash_bytes("abc", 3, 1));
    assert_true(pgd_hash_bytes("abc", 3, 0) != pgd_hash_bytes("abc", 2, 0));
}

/* The bytes after the text are not part of it: it lies at the very end of a block of its own. */
static pgd_json json_of(const char *text, char **block) {
    size_t count = strlen(text);
    *block = malloc(count + 1);
    memcpy(*block, text, count);
    return (pgd_json){*block, *block + count};
}

static void a_header_is_read(void **unused) {
    char *block, name[32], dtype[8];
    int64_t first = 0, second = 0;
    pgd_json j = json_of(" {\"w\" : {\"dtype\":\"F32\", \"shape\":[2,-3], \"other\": {\"a\":[1,{\"b\":null}]}} , \"x\":1}", &block);
    assert_true(pgd_json_expect(&j, '{') && pgd_json_string(&j, name, sizeof name) && pgd_json_expect(&j, ':') && pgd_json_expect(&j, '{'));
    assert_string_equal(name, "w");
    assert_true(pgd_json_string(&j, name, sizeof name) && pgd_json_expect(&j, ':') && pgd_json_string(&j, dtype, sizeof dtype) && pgd_json_expect(&j, ','));
    assert_string_equal(dtype, "F32");
    assert_true(pgd_json_string(&j, name, sizeof name) && pgd_json_expect(&j, ':') && pgd_json_expect(&j, '[') && pgd_json_int(&j, &first) && pgd_json_expect(&j, ',') && pgd_json_int(&j, &second));
    assert_true(first == 2 && second == -3 && !pgd_json_peek(&j, ',') && pgd_json_expect(&j, ']') && pgd_json_expect(&j, ','));
    assert_true(pgd_json_string(&j, name, sizeof name) && pgd_json_expect(&j, ':') && pgd_json_skip(&j, 0) && pgd_json_expect(&j, '}') && pgd_json_peek(&j, ','));
    free(block);
}

static void strings_are_decoded_to_utf8(void **unused) {
    static const struct {
        const char *text, *want;
    } good[] = {{"\"\"", ""}, {"\"a\\\"b\\\\c\\/\"", "a\"b\\c/"}, {"\"\\n\\t\\r\\b\\f\"", "\n\t\r\b\f"}, {"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac"}, {"\"\\u07ff\\u0800\\uffff\"", "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"}, {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80"}, {"\"\xc3\xa9\"", "\xc3\xa9"}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *block, out[32];
        pgd_json j = json_of(good[i].text, &block);
        check(pgd_json_string(&j, out, sizeof out) && strcmp(out, good[i].want) == 0 && j.at == j.end, "%s was not read as %s", good[i].text, good[i].want);
        free(block);
    }
}

static void bad_strings_are_refused(void **unused) {
    static const char *const bad[] = {"", "a", "\"", "\"a", "\"a\\\"", "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"a\nb\"", "\"\\ud83d\\", "\"12345678901234567890\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *block, out[16];
        pgd_json j = json_of(bad[i], &block);
        check(!pgd_json_string(&j, out, sizeof out), "<%s> was read as a string", bad[i]);
        free(block);
    }
    char *block, out[4];
    pgd_json j = json_of("\"abc\"", &block);
    assert_true(pgd_json_string(&j, out, 4)); /* just fits with its NUL */
    j = (pgd_json){block, block + 5};
    assert_false(pgd_json_string(&j, out, 3));
    free(block);
}

static void whole_numbers_are_read_exactly_or_not_at_all(void **unused) {
    static const struct {
        const char *text;
        int64_t want;
    } good[] = {{"0", 0}, {" 17,", 17}, {"-5]", -5}, {"9223372036854775807", INT64_MAX}, {"-9223372036854775807", -INT64_MAX}};
    static const char *const bad[] = {"", "-", "x", "1.5", "1e3", "1E3", "9223372036854775808", "99999999999999999999999", "--1", "+1"};
    int64_t got;
    char *block;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        pgd_json j = json_of(good[i].text, &block);
        check(pgd_json_int(&j, &got) && got == good[i].want, "%s was not read", good[i].text);
        free(block);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pgd_json j = json_of(bad[i], &block);
        check(!pgd_json_int(&j, &got), "<%s> was read as %lld", bad[i], (long long)got);
        free(block);
    }
}

static void any_value_can_be_skipped_but_nothing_broken(void **unused) {
    static const char *const good[] = {"1", "-1.5e+7", "true", "null", "\"a\\\"]\"", "[]", "{}", "[1,[2,[3]],{\"a\":\"}\"}]", "{\"a\":1, \"b\" : [ ] }", "[[[[[[]]]]]]"};
    static const char *const bad[] = {"", "[", "{", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "\"a", "\"a\\\"", "[1 2]", "{\"a\" 1}", "]"};
    char *block;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        pgd_json j = json_of(good[i], &block);
        check(pgd_json_skip(&j, 0) && j.at == j.end, "%s was not skipped", good[i]);
        free(block);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        pgd_json j = json_of(bad[i], &block);
        check(!pgd_json_skip(&j, 0), "<%s> was skipped", bad[i]);
        free(block);
    }
    char deep[200001];
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    pgd_json j = {deep, deep + 200000};
    assert_false(pgd_json_skip(&j, 0)); /* and the stack is whole */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(text_grows_and_stays_terminated), cmocka_unit_test(hashes_differ_with_seed_and_bytes), cmocka_unit_test(a_header_is_read), cmocka_unit_test(strings_are_decoded_to_utf8),
                                       cmocka_unit_test(bad_strings_are_refused), cmocka_unit_test(whole_numbers_are_read_exactly_or_not_at_all), cmocka_unit_test(any_value_can_be_skipped_but_nothing_broken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
