/* SPDX-License-Identifier: Apache-2.0
 * A state written as safetensors reads back equal; nothing damaged is ever taken in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pagoda/pagoda.h>

static pgd_device *device;

static pgd_state *fresh(void) {
    pgd_state *state;
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    return state;
}

/* A file of `header` and `data_bytes` bytes of data, loaded into an empty state. */
static pgd_status load(const char *header, size_t data_bytes, int32_t *tensors) {
    size_t length = strlen(header);
    char *bytes = calloc(1, 8 + length + data_bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(length >> (8 * i));
    memcpy(bytes + 8, header, length);
    pgd_state *state = fresh();
    pgd_status status = pgd_state_load_memory(state, bytes, 8 + length + data_bytes, NULL);
    *tensors = pgd_state_count(state);
    pgd_state_destroy(state);
    free(bytes);
    return status;
}

static void a_state_survives_a_file(void **unused) {
    const float weights[6] = {1, -2, 3.5f, 0, -0.0f, 1e-40f};
    const int64_t counter = -5;
    float read[6];
    int64_t read_counter;
    char value[64];
    pgd_state *state = fresh(), *copy = fresh();
    assert_int_equal(pgd_state_set(state, "0.weight", PGD_F32, pgd_shape_of(2, 2, 3), weights), PGD_OK);
    assert_int_equal(pgd_state_set(state, "odd \"name\"\n", PGD_I64, pgd_shape_of(0), &counter), PGD_OK);
    assert_int_equal(pgd_state_set(state, "empty", PGD_U8, pgd_shape_of(1, 0), ""), PGD_OK);
    assert_int_equal(pgd_state_set(state, "optimizer.m", PGD_F32, pgd_shape_of(1, 1), weights), PGD_OK);
    const pgd_metadata metadata[] = {{"net", "cnn"}, {"quote", "a\"b\\c"}};
    assert_int_equal(pgd_state_save(state, "test_safetensors.tmp1", metadata, 2, (const char *[]){"optimizer."}, 1, NULL), PGD_OK);
    assert_int_equal(pgd_state_load(copy, "test_safetensors.tmp1", NULL), PGD_OK);
    assert_int_equal(pgd_state_count(copy), 3);
    assert_int_equal(pgd_state_get(copy, "0.weight", read, sizeof read), PGD_OK);
    assert_memory_equal(read, weights, sizeof read);
    assert_int_equal(pgd_state_get(copy, "odd \"name\"\n", &read_counter, 8), PGD_OK);
    assert_int_equal(read_counter, counter);
    assert_int_equal(pgd_file_metadata("test_safetensors.tmp1", "quote", value, sizeof value), PGD_OK);
    assert_string_equal(value, "a\"b\\c");
    assert_int_equal(pgd_file_metadata("test_safetensors.tmp1", "none", value, sizeof value), PGD_BAD_ARG);
    unlink("test_safetensors.tmp1");
    pgd_state_destroy(state);
    pgd_state_destroy(copy);
}

static void damaged_headers_are_refused_and_change_nothing(void **unused) {
    static const struct {
        const char *header;
        size_t data;
        pgd_status status;
    } cases[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, PGD_OK},
        {"{}", 0, PGD_OK},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, PGD_CORRUPT},                     /* truncated */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, PGD_CORRUPT},                     /* size lies */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1099511627776,1099511627776,1099511627776],\"data_offsets\":[0,8]}}", 8, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 8, PGD_UNSUPPORTED},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}", 8, PGD_CORRUPT},
        {"{\"a\":3}", 8, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"I32\",\"shape\":[2],\"data_offsets\":[0,8]},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8, PGD_CORRUPT}, /* twice */
        {"[1]", 0, PGD_CORRUPT},
        {"", 0, PGD_CORRUPT},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[9],\"data_offsets\":[4,40]}}", 8, PGD_CORRUPT}, /* the second is bad */
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[0,1099511627776,1099511627776],\"data_offsets\":[4,4]}}", 4, PGD_CORRUPT}, /* nothing, but too much of it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t tensors;
        assert_int_equal(load(cases[i].header, cases[i].data, &tensors), cases[i].status);
        if (cases[i].status == PGD_OK) continue;
        assert_int_equal(tensors, 0);
        assert_true(strlen(pgd_error_text()) > 20);
    }
}

static void every_truncation_is_refused(void **unused) {
    const float weights[4] = {1, 2, 3, 4};
    char bytes[4096];
    pgd_state *state = fresh();
    assert_int_equal(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(1, 4), weights), PGD_OK);
    assert_int_equal(pgd_state_save(state, "test_safetensors.tmp2", NULL, 0, NULL, 0, NULL), PGD_OK);
    FILE *file = fopen("test_safetensors.tmp2", "rb");
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    unlink("test_safetensors.tmp2");
    for (size_t n = 0; n < count; n++) {
        pgd_state *other = fresh();
        char *part = malloc(n + 1); /* exactly as long, so that the sanitizer sees a step beyond */
        memcpy(part, bytes, n);
        assert_int_equal(pgd_state_load_memory(other, part, n, NULL), PGD_CORRUPT);
        assert_int_equal(pgd_state_count(other), 0);
        free(part);
        pgd_state_destroy(other);
    }
    pgd_state_destroy(state);
}

static void a_file_of_another_network_is_refused(void **unused) {
    const float weights[4] = {1, 2, 3, 4};
    float read[2];
    pgd_state *state = fresh(), *other = fresh();
    assert_int_equal(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(1, 4), weights), PGD_OK);
    assert_int_equal(pgd_state_set(other, "w", PGD_F32, pgd_shape_of(1, 2), weights + 2), PGD_OK);
    assert_int_equal(pgd_state_save(state, "test_safetensors.tmp3", NULL, 0, NULL, 0, NULL), PGD_OK);
    assert_int_equal(pgd_state_load(other, "test_safetensors.tmp3", NULL), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "another network"));
    assert_int_equal(pgd_state_get(other, "w", read, sizeof read), PGD_OK);
    assert_memory_equal(read, weights + 2, sizeof read);
    unlink("test_safetensors.tmp3");
    pgd_state_destroy(state);
    pgd_state_destroy(other);
}

static void writing_fails_with_a_sentence_and_leaves_the_old_file(void **unused) {
    const float weights[4] = {1, 2, 3, 4};
    pgd_state *state = fresh();
    assert_int_equal(pgd_state_set(state, "w", PGD_F32, pgd_shape_of(1, 4), weights), PGD_OK);
    assert_int_equal(pgd_state_save(state, "/nonexistent-folder/file", NULL, 0, NULL, 0, NULL), PGD_IO);
    assert_non_null(strstr(pgd_error_text(), "/nonexistent-folder/file"));
    assert_int_equal(mkdir("test_safetensors.tmpdir", 0777), 0); /* a folder cannot be renamed over */
    assert_int_equal(pgd_state_save(state, "test_safetensors.tmpdir", NULL, 0, NULL, 0, NULL), PGD_IO);
    assert_int_not_equal(access("test_safetensors.tmpdir.tmp", F_OK), 0);
    assert_int_equal(rmdir("test_safetensors.tmpdir"), 0);
    pgd_state_destroy(state);
}

static int open_device(void **unused) { return pgd_device_open("cpu", NULL, &device) == PGD_OK ? 0 : -1; }

static int close_device(void **unused) {
    pgd_device_close(device);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_state_survives_a_file),
        cmocka_unit_test(damaged_headers_are_refused_and_change_nothing),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(a_file_of_another_network_is_refused),
        cmocka_unit_test(writing_fails_with_a_sentence_and_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, open_device, close_device);
}
