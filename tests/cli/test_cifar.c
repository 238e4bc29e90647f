/* SPDX-License-Identifier: Apache-2.0
 * The binary files of CIFAR-10: what they mean, and a sentence for each way they can be wrong. */
#include "test_files.h"

#include <math.h>

#include "cifar.h"

enum { RECORD = 3073 };

static uint8_t records[12 * RECORD];

/* Record i has the label i % 10 and bytes that follow from its place. */
static int set_up(void **unused) {
    for (size_t i = 0; i < sizeof records; i++) records[i] = (uint8_t)(i * 7 + i / RECORD);
    for (int i = 0; i < 12; i++) records[i * RECORD] = (uint8_t)(i % 10);
    return 0;
}

static const char *in(const char *folder, const char *name) {
    char path[128];
    mkdir(test_path(folder), 0777);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return test_path(path);
}

static void put(const char *folder, const char *name, int first, int count) { test_write(in(folder, name), records + first * RECORD, (size_t)count * RECORD); }

static void put_packed(const char *folder, const char *name, int first, int count) {
    static uint8_t packed[2 * sizeof records];
    size_t bytes = test_gzip(records + first * RECORD, (size_t)count * RECORD, packed, sizeof packed);
    test_write(in(folder, name), packed, bytes);
}

static void load(const char *folder, enum image_split split, struct image_set *set) {
    struct cli_error error = {""};
    if (!image_set_load(test_path(folder), NULL, split, set, &error)) fail_msg("%s", error.text);
}

static void expect_error(const char *folder, enum image_split split, const char *part) {
    struct image_set set;
    struct cli_error error = {""};
    assert_false(image_set_load(test_path(folder), NULL, split, &set, &error));
    assert_null(set.pixels);
    assert_null(set.labels);
    assert_null(set.class_names);
    test_says(error.text, part);
}

static void batches_are_read_in_the_order_of_their_numbers(void **unused) {
    struct image_set set;
    put("good", "data_batch_10.bin", 9, 2);
    put("good", "data_batch_1.bin", 0, 3);
    put("good", "data_batch_2.bin", 3, 6);
    put("good", "test_batch.bin", 11, 1);
    load("good", IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.kind, IMAGE_CIFAR);
    assert_int_equal(set.count, 11);
    assert_int_equal(set.channels, 3);
    assert_int_equal(set.height, 32);
    assert_int_equal(set.width, 32);
    assert_int_equal(set.class_count, 10);
    assert_string_equal(set.class_names[3], "cat");
    for (int i = 0; i < 11; i++) {
        assert_int_equal(set.labels[i], i % 10);
        assert_memory_equal(set.pixels + i * 3072, records + i * RECORD + 1, 3072);
    }
    image_set_deinit(&set);
    load("good", IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.count, 1);
    assert_memory_equal(set.pixels, records + 11 * RECORD + 1, 3072);
    image_set_deinit(&set);
}

static void packed_files_are_read_and_not_twice(void **unused) {
    struct image_set set;
    put_packed("packed", "data_batch_1.bin.gz", 0, 2);
    put_packed("packed", "data_batch_2.bin.gz", 2, 2);
    put("packed", "data_batch_2.bin", 2, 2);
    put_packed("packed", "test_batch.bin.gz", 4, 3);
    load("packed", IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.count, 4);
    assert_memory_equal(set.pixels + 3 * 3072, records + 3 * RECORD + 1, 3072);
    image_set_deinit(&set);
    load("packed", IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.count, 3);
    image_set_deinit(&set);
}

static void the_folder_may_name_the_classes(void **unused) {
    struct image_set set;
    const char names[] = "zero\r\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nb\xc3\xa4r\n\n";
    put("named", "data_batch_1.bin", 0, 1);
    test_write(in("named", "batches.meta.txt"), names, sizeof names - 1);
    load("named", IMAGE_SPLIT_TRAIN, &set);
    assert_string_equal(set.class_names[0], "zero");
    assert_string_equal(set.class_names[9], "b\xc3\xa4r");
    image_set_deinit(&set);
    const struct {
        const char *text, *says;
    } bad[] = {{"one\ntwo\n", "2 names found, 10 expected"},
               {"0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", "more than 10 names"},
               {"0\n1\n2\n3\n4\n5\n6\n7\n8|9\n9\n", "holds the byte 0x7c"},
               {"0\n1\n2\n3\n4\n5\n6\n7\n\xff\n9\n", "holds the byte 0xff"},
               {"0\n1\n2\n3\n4\n5\n6\n7\n\x1b[2J\n9\n", "holds the byte 0x1b"},
               {"1234567890123456789012345678901234567890123456789012345678901234\n", "has 64 bytes; 1 to 63 are supported"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        test_write(in("named", "batches.meta.txt"), bad[i].text, strlen(bad[i].text));
        expect_error("named", IMAGE_SPLIT_TRAIN, "batches.meta.txt: ");
        expect_error("named", IMAGE_SPLIT_TRAIN, bad[i].says);
    }
    test_write(in("named", "batches.meta.txt"), "a\0b", 3);
    expect_error("named", IMAGE_SPLIT_TRAIN, "a zero byte in the text");
}

static void every_damage_has_its_sentence(void **unused) {
    struct image_set set;
    struct cli_error error;
    put("bad", "data_batch_1.bin", 0, 2);
    expect_error("bad", IMAGE_SPLIT_TEST, "bad: no test_batch.bin in it; download");
    test_write(in("bad", "data_batch_2.bin"), records, 0);
    expect_error("bad", IMAGE_SPLIT_TRAIN, "data_batch_2.bin: the file is empty; download it again");
    test_write(in("bad", "data_batch_2.bin"), records, 2 * RECORD - 1);
    expect_error("bad", IMAGE_SPLIT_TRAIN, "data_batch_2.bin: truncated: picture 1 should have 3072 bytes, 3071 found; download it again");
    uint8_t high[RECORD];
    memcpy(high, records, RECORD);
    high[0] = 10;
    test_write(in("bad", "data_batch_2.bin"), high, RECORD);
    expect_error("bad", IMAGE_SPLIT_TRAIN, "data_batch_2.bin: label 10 of picture 0 is above 9; give the binary files of CIFAR-10");
    put_packed("bad", "data_batch_2.bin", 0, 2);
    assert_int_equal(truncate(in("bad", "data_batch_2.bin"), 40), 0);
    expect_error("bad", IMAGE_SPLIT_TRAIN, "data_batch_2.bin: the gzip data end too early");
    for (size_t cut = 0; cut < 2 * RECORD; cut += cut % RECORD < 3 ? 1 : 511)
        if (cut % RECORD != 0 || cut == 0) assert_false(cifar_parse(records, cut, "cut", &set, &error));
    assert_true(cifar_parse(records, 2 * RECORD, "whole", &set, &error));
    assert_int_equal(set.count, 2);
    image_set_deinit(&set);
}

/* PAGODA_CIFAR10_DIR names a folder with the official files. */
static void the_real_set_has_its_well_known_means(void **unused) {
    static const double means[3] = {0.4914, 0.4822, 0.4465};
    const char *folder = getenv("PAGODA_CIFAR10_DIR");
    struct image_set set;
    struct cli_error error = {""};
    if (folder == NULL) skip();
    if (!image_set_load(folder, NULL, IMAGE_SPLIT_TRAIN, &set, &error)) fail_msg("%s", error.text);
    assert_int_equal(set.count, 50000);
    for (int c = 0; c < 3; c++) {
        double sum = 0;
        for (size_t i = 0; i < set.count; i++)
            for (int p = 0; p < 1024; p++) sum += set.pixels[i * 3072 + (size_t)(c * 1024 + p)];
        assert_true(fabs(sum / 255 / 1024 / 50000 - means[c]) < 1e-4);
    }
    image_set_deinit(&set);
    if (!image_set_load(folder, NULL, IMAGE_SPLIT_TEST, &set, &error)) fail_msg("%s", error.text);
    assert_int_equal(set.count, 10000);
    image_set_deinit(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_read_in_the_order_of_their_numbers), cmocka_unit_test(packed_files_are_read_and_not_twice),
        cmocka_unit_test(the_folder_may_name_the_classes),                cmocka_unit_test(every_damage_has_its_sentence),
        cmocka_unit_test(the_real_set_has_its_well_known_means),
    };
    return cmocka_run_group_tests(tests, set_up, test_clean);
}
