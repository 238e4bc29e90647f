/* SPDX-License-Identifier: Apache-2.0 */
#include "test_files.h"

#include <sys/resource.h>

#include "idx.h"
#include "image_set.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static const uint8_t two_pictures[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                                       0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
static const uint8_t two_labels[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 9};

static void expect_idx_error(const uint8_t *bytes, size_t byte_count, const char *part)
{
    struct idx idx;
    struct cli_error error = {""};
    assert_false(idx_parse(bytes, byte_count, "some-file", &idx, &error));
    assert_null(idx.data);
    test_says(error.text, part);
    test_says(error.text, "some-file: ");
    const char *path = test_path("bad-idx");
    test_write(path, bytes, byte_count);
    assert_false(idx_read(path, &idx, &error));
    test_says(error.text, part);
}

static void a_plain_file_is_read(void **state)
{
    (void)state;
    struct idx idx;
    struct cli_error error;
    const char *path = test_path("plain");
    test_write(path, two_pictures, sizeof two_pictures);
    assert_true(idx_read(path, &idx, &error));
    assert_int_equal(idx.rank, 3);
    assert_int_equal(idx.dims[0], 2);
    assert_int_equal(idx.dims[1], 2);
    assert_int_equal(idx.dims[2], 3);
    assert_int_equal(idx.byte_count, 12);
    assert_memory_equal(idx.data, two_pictures + 16, 12);
    idx_deinit(&idx);
    assert_null(idx.data);
}

static void gzip_is_seen_from_the_content_and_may_have_members(void **state)
{
    (void)state;
    uint8_t packed[256];
    size_t n = test_gzip(two_pictures, 20, packed, sizeof packed);
    n += test_gzip(two_pictures + 20, sizeof two_pictures - 20, packed + n, sizeof packed - n);
    struct idx idx;
    struct cli_error error;
    const char *path = test_path("no-gz-in-the-name");
    test_write(path, packed, n);
    assert_true(idx_read(path, &idx, &error));
    assert_memory_equal(idx.data, two_pictures + 16, 12);
    idx_deinit(&idx);
    assert_true(idx_parse(packed, n, "memory", &idx, &error));
    assert_memory_equal(idx.data, two_pictures + 16, 12);
    idx_deinit(&idx);
}

/* more than a chunk and more than the first growth */
static void a_large_file_is_read_whole(void **state)
{
    (void)state;
    const size_t count = 3000000;
    uint8_t *bytes = malloc(8 + count), *packed = malloc(8 + count);
    assert_non_null(bytes);
    assert_non_null(packed);
    memcpy(bytes, "\0\0\x08\x01\x00\x2d\xc6\xc0", 8);
    for (size_t i = 0; i < count; i++)
        bytes[8 + i] = (uint8_t)(i * i >> 7);
    struct idx idx;
    struct cli_error error;
    assert_true(idx_parse(bytes, 8 + count, "memory", &idx, &error));
    assert_memory_equal(idx.data, bytes + 8, count);
    idx_deinit(&idx);
    const size_t n = test_gzip(bytes, 8 + count, packed, 8 + count);
    const char *path = test_path("large");
    test_write(path, packed, n);
    assert_true(idx_read(path, &idx, &error));
    assert_memory_equal(idx.data, bytes + 8, count);
    idx_deinit(&idx);
    free(bytes);
    free(packed);
}

static void every_cut_of_a_file_is_an_error(void **state)
{
    (void)state;
    struct idx idx;
    struct cli_error error;
    uint8_t packed[256];
    const size_t n = test_gzip(two_pictures, sizeof two_pictures, packed, sizeof packed);
    for (size_t i = 0; i < sizeof two_pictures; i++)
        assert_false(idx_parse(two_pictures, i, "cut", &idx, &error));
    for (size_t i = 0; i < n; i++)
        assert_false(idx_parse(packed, i, "cut", &idx, &error));
    assert_true(idx_parse(packed, n, "whole", &idx, &error));
    idx_deinit(&idx);
}

static void every_damage_of_a_plain_file_has_its_sentence(void **state)
{
    (void)state;
    expect_idx_error(two_pictures, 0, "the file is empty; download it again");
    expect_idx_error(two_pictures, 3, "not an IDX file");
    expect_idx_error(two_pictures, 10, "truncated inside its header: 16 bytes expected, 10 found");
    expect_idx_error(two_pictures, 21, "truncated: 12 pixel bytes expected, 5 found; download it again");
    expect_idx_error(two_labels, 9, "truncated: 2 label bytes expected, 1 found");
    uint8_t bad[64];
    memcpy(bad, two_pictures, sizeof two_pictures);
    expect_idx_error(bad, sizeof two_pictures + 1, "too long: more bytes follow the 12 pixel bytes");
    bad[0] = 1;
    expect_idx_error(bad, sizeof two_pictures, "not an IDX file");
    bad[0] = 0, bad[2] = 0x0d;
    expect_idx_error(bad, sizeof two_pictures, "IDX element type 0x0d is not supported");
    bad[2] = 8, bad[3] = 4;
    expect_idx_error(bad, sizeof two_pictures, "IDX rank 4 is not supported");
    bad[3] = 0;
    expect_idx_error(bad, sizeof two_pictures, "IDX rank 0 is not supported");
    bad[3] = 3, bad[7] = 0;
    expect_idx_error(bad, sizeof two_pictures, "dimension 0 is 0");
    memset(bad + 4, 0xff, 12);
    expect_idx_error(bad, sizeof two_pictures, "promises more than the 2147483648 bytes");
}

/* Under the limit an allocation of 2 GiB fails with another sentence; AddressSanitizer's own memory leaves no room
 * for a limit. */
static void a_lying_header_costs_no_memory(void **state)
{
    (void)state;
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    low = old;
    low.rlim_cur = SANITIZED ? old.rlim_cur : (rlim_t)1 << 30;
    assert_int_equal(setrlimit(RLIMIT_AS, &low), 0);
    uint8_t lie[20] = {0, 0, 8, 3, 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4};
    expect_idx_error(lie, sizeof lie, "truncated: 2147483647 pixel bytes expected, 4 found");
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
}

static void every_damage_of_a_gzip_file_has_its_sentence(void **state)
{
    (void)state;
    uint8_t packed[256];
    const size_t n = test_gzip(two_pictures, sizeof two_pictures, packed, sizeof packed);
    expect_idx_error(packed, n - 4, "the gzip data end too early");
    expect_idx_error(packed, 5, "the gzip data end too early");
    packed[n] = 'x';
    expect_idx_error(packed, n + 1, "stray bytes follow the gzip data");
    packed[n - 6] ^= 1;
    expect_idx_error(packed, n, "the gzip data are damaged (incorrect data check)");
    packed[n - 6] ^= 1, packed[2] = 9;
    expect_idx_error(packed, n, "the gzip data are damaged (unknown compression method)");
}

static void a_folder_or_nothing_instead_of_a_file_is_an_error(void **state)
{
    (void)state;
    struct idx idx;
    struct cli_error error;
    assert_false(idx_read("/tmp", &idx, &error));
    test_says(error.text, "/tmp: cannot be read: Is a directory");
    assert_false(idx_read(test_path("absent"), &idx, &error));
    test_says(error.text, "absent: cannot be opened: No such file or directory");
}

/* ---- sets ---- */

static const char *make_set(const char *folder, const char *images_name, const char *labels_name, const uint8_t *labels,
                            size_t label_bytes)
{
    char name[128];
    mkdir(test_path(folder), 0777);
    snprintf(name, sizeof name, "%s/%s", folder, images_name);
    test_write(test_path(name), two_pictures, sizeof two_pictures);
    snprintf(name, sizeof name, "%s/%s", folder, labels_name);
    test_write(test_path(name), labels, label_bytes);
    return test_path(folder);
}

static void expect_set_error(const char *folder, const char *part)
{
    struct image_set set;
    struct cli_error error = {""};
    assert_false(image_set_load(folder, NULL, IMAGE_SPLIT_TRAIN, &set, &error));
    assert_null(set.pixels);
    assert_null(set.labels);
    test_says(error.text, part);
}

static void a_set_is_loaded_under_each_spelling(void **state)
{
    (void)state;
    struct image_set set;
    struct cli_error error;
    const char *folder =
        make_set("digits", "train-images-idx3-ubyte", "train-labels.idx1-ubyte.gz", two_labels, sizeof two_labels);
    assert_true(image_set_load(folder, NULL, IMAGE_SPLIT_TRAIN, &set, &error));
    assert_int_equal(set.count, 2);
    assert_int_equal(set.channels, 1);
    assert_int_equal(set.height, 2);
    assert_int_equal(set.width, 3);
    assert_int_equal(set.labels[1], 9);
    assert_int_equal(set.pixels[11], 12);
    assert_int_equal(set.class_count, 10);
    assert_string_equal(set.class_names[9], "9");
    image_set_deinit(&set);
    folder = make_set("Fashion", "t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz", two_labels, sizeof two_labels);
    assert_true(image_set_load(folder, NULL, IMAGE_SPLIT_TEST, &set, &error));
    assert_string_equal(set.class_names[9], "Ankle boot");
    assert_string_equal(set.class_names[0], "T-shirt/top");
    image_set_deinit(&set);
}

static void each_bad_set_has_its_sentence(void **state)
{
    (void)state;
    expect_set_error(test_path("nowhere"), "nowhere: cannot be opened: No such file or directory; give a folder");
    expect_set_error("/etc/passwd", "/etc/passwd: is not a folder");
    mkdir(test_path("empty"), 0777);
    expect_set_error(test_path("empty"),
                     "empty: no data in it; IDX files such as train-images-idx3-ubyte, ");
    const uint8_t high[] = {0, 0, 8, 1, 0, 0, 0, 2, 7, 10}, three[] = {0, 0, 8, 1, 0, 0, 0, 3, 7, 1, 1};
    const char *images = "train-images-idx3-ubyte", *labels = "train-labels-idx1-ubyte";
    expect_set_error(make_set("high", images, labels, high, sizeof high),
                     "labels-idx1-ubyte: label 10 of picture 1 is above 9");
    expect_set_error(make_set("three", images, labels, three, sizeof three),
                     "labels-idx1-ubyte: 3 labels, but 2 pictures in ");
    expect_set_error(make_set("mixed", images, labels, two_pictures, sizeof two_pictures),
                     "rank 1 expected, rank 3 found; is it the labels file?");
    expect_set_error(make_set("swapped", labels, images, two_labels, sizeof two_labels),
                     "rank 3 and pictures of at most 16384x16384 expected");
    expect_set_error(make_set("cut", images, labels, two_labels, 9), "truncated: 2 label bytes expected, 1 found");
    expect_set_error(make_set("alone", images, "labels", two_labels, 10), "no train-labels-idx1-ubyte or");
}

static void the_built_in_set_is_drawn(void **state)
{
    (void)state;
    struct image_set set;
    struct cli_error error;
    assert_true(image_set_draw(3, 10, 20, &set, &error));
    assert_int_equal(set.count, 20);
    assert_int_equal(set.height, 28);
    int seen[10] = {0};
    for (int i = 0; i < 20; i++)
        seen[set.labels[i]]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(seen[i], 2);
    image_set_deinit(&set);
    assert_false(image_set_draw(3, 0, 0, &set, &error));
    test_says(error.text, "0 built-in digits cannot be drawn at once; ask for 1 to");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_file_is_read),
        cmocka_unit_test(gzip_is_seen_from_the_content_and_may_have_members),
        cmocka_unit_test(a_large_file_is_read_whole),
        cmocka_unit_test(every_cut_of_a_file_is_an_error),
        cmocka_unit_test(every_damage_of_a_plain_file_has_its_sentence),
        cmocka_unit_test(a_lying_header_costs_no_memory),
        cmocka_unit_test(every_damage_of_a_gzip_file_has_its_sentence),
        cmocka_unit_test(a_folder_or_nothing_instead_of_a_file_is_an_error),
        cmocka_unit_test(a_set_is_loaded_under_each_spelling),
        cmocka_unit_test(each_bad_set_has_its_sentence),
        cmocka_unit_test(the_built_in_set_is_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, test_clean);
}
