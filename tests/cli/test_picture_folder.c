/* SPDX-License-Identifier: Apache-2.0
 * Folders of one's own pictures become sets: which pictures, in which order, in which colours. */
#include "test_files.h"

#include "picture_folder.h"

static const char *root; /* of the test under way */
static char root_path[256];

static void begin(const char *name) {
    snprintf(root_path, sizeof root_path, "%s", test_path(name));
    root = root_path;
    mkdir(root, 0777);
}

/* Writes `root/path`, making the folders on the way. */
static void put(const char *path, const void *bytes, size_t byte_count) {
    char full[512];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    test_write(full, bytes, byte_count);
}

/* A picture of one colour. */
static void put_colour(const char *path, uint8_t r, uint8_t g, uint8_t b) {
    uint8_t ppm[11 + 12] = "P6 2 2 255\n";
    for (int i = 0; i < 4; i++) ppm[11 + 3 * i] = r, ppm[12 + 3 * i] = g, ppm[13 + 3 * i] = b;
    put(path, ppm, sizeof ppm);
}

static void put_grey(const char *path, uint8_t value) {
    uint8_t pgm[] = {'P', '5', ' ', '1', ' ', '1', ' ', '2', '5', '5', '\n', value};
    put(path, pgm, sizeof pgm);
}

static void load(const struct image_form *form, enum image_split split, struct image_set *set) {
    struct cli_error error = {""};
    if (!image_set_load(root, form, split, set, &error)) fail_msg("%s", error.text);
}

static void expect_error(enum image_split split, const char *part) {
    struct image_set set;
    struct cli_error error = {""};
    assert_false(image_set_load(root, NULL, split, &set, &error));
    assert_null(set.pixels);
    assert_null(set.class_names);
    test_says(error.text, part);
}

static void folders_are_classes_and_one_colour_makes_all_colour(void **unused) {
    struct image_set set;
    const struct image_form form = {0, 4, 6, false};
    begin("apart");
    put_grey("train/grey/a.pgm", 10);
    put_colour("train/grey/b.PPM", 20, 20, 20);
    put_colour("train/red/c.ppm", 200, 0, 50);
    put_grey("test/red/d.pgm", 70);
    put("train/red/notes.txt", "x", 1);
    put("train/.hidden/x.pgm", "x", 1);
    load(&form, IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.kind, IMAGE_PICTURES);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.channels, 3);
    assert_int_equal(set.height, 4);
    assert_int_equal(set.width, 6);
    assert_int_equal(set.class_count, 2);
    assert_string_equal(set.class_names[0], "grey");
    assert_string_equal(set.class_names[1], "red");
    int seen = 0;
    for (int i = 0; i < 3; i++) {
        const uint8_t *p = set.pixels + i * 72;
        assert_int_equal(set.labels[i], p[0] == 200);
        for (int k = 0; k < 24; k++) {
            assert_int_equal(p[k], p[0]);
            assert_int_equal(p[24 + k], p[0] == 200 ? 0 : p[0]);
            assert_int_equal(p[48 + k], p[0] == 200 ? 50 : p[0]);
        }
        seen |= p[0] == 10 ? 1 : p[0] == 20 ? 2 : 4;
    }
    assert_int_equal(seen, 7);
    assert_string_equal(set.remark, "files that are no pictures: 1, left out");
    image_set_deinit(&set);
    load(NULL, IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.height, 32);
    assert_int_equal(set.labels[0], 1); /* "red", as in train/ */
    assert_string_equal(set.remark, "");
    image_set_deinit(&set);
}

static void grey_pictures_make_a_grey_set_unless_colour_is_wanted(void **unused) {
    struct image_set set;
    const struct image_form form = {3, 0, 0, false};
    begin("grey");
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s/%d.ppm", i % 2 == 0 ? "a" : "b", i);
        put_colour(name, (uint8_t)(i + 1), (uint8_t)(i + 1), (uint8_t)(i + 1));
    }
    load(NULL, IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.channels, 1);
    assert_int_equal(set.count, 2);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 1024; k++) assert_int_equal(set.pixels[i * 1024 + k], set.pixels[i * 1024]);
    assert_int_equal((set.pixels[0] - 1) % 2, set.labels[0]);
    assert_int_equal((set.pixels[1024] - 1) % 2, set.labels[1]);
    image_set_deinit(&set);
    load(&form, IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.channels, 3);
    image_set_deinit(&set);
}

/* Twelve and three pictures of two classes; each has its own grey. */
static void fill_two_classes(void) {
    for (int i = 0; i < 15; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s/picture-%02d.pgm", i < 12 ? "many" : "few", i);
        put_grey(name, (uint8_t)(10 + i));
    }
}

static void a_fifth_of_each_class_is_kept_for_tests(void **unused) {
    struct image_set train, test, again;
    int seen[32] = {0}, held[2] = {0};
    begin("side-by-side");
    fill_two_classes();
    load(NULL, IMAGE_SPLIT_TRAIN, &train);
    load(NULL, IMAGE_SPLIT_TEST, &test);
    load(NULL, IMAGE_SPLIT_TEST, &again);
    assert_int_equal(train.count, 12);
    assert_int_equal(test.count, 3);
    for (int i = 0; i < 12; i++) seen[train.pixels[i * 1024] - 10]++, assert_int_equal(train.labels[i], train.pixels[i * 1024] < 22);
    for (int i = 0; i < 3; i++) seen[test.pixels[i * 1024] - 10]++, held[test.labels[i]]++;
    for (int i = 0; i < 15; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(held[0], 1); /* of three in "few" */
    assert_int_equal(held[1], 2); /* of twelve in "many" */
    assert_memory_equal(test.pixels, again.pixels, 3 * 1024);
    test_says(train.remark, "side-by-side: 3 of 15 pictures, a fifth of each class chosen by file names, are kept for tests");
    test_says(test.remark, "the test pictures are the 3 kept from training");
    int changes = 0; /* classes are mixed, so that the last pictures are a fair draw */
    for (int i = 1; i < 12; i++) changes += train.labels[i] != train.labels[i - 1];
    assert_true(changes > 1);
    image_set_deinit(&train);
    image_set_deinit(&test);
    image_set_deinit(&again);
}

/* The same files elsewhere are the same set. */
static void the_choice_follows_from_names_alone(void **unused) {
    struct image_set here, there;
    begin("here");
    fill_two_classes();
    load(NULL, IMAGE_SPLIT_TRAIN, &here);
    begin("there");
    put("train/x", "", 0);
    for (int i = 14; i >= 0; i--) {
        char name[64];
        snprintf(name, sizeof name, "train/%s/picture-%02d.pgm", i < 12 ? "many" : "few", i);
        put_grey(name, (uint8_t)(10 + i));
    }
    load(NULL, IMAGE_SPLIT_TRAIN, &there); /* train/ alone: a fifth of it is kept, too */
    assert_int_equal(here.count, there.count);
    assert_memory_equal(here.pixels, there.pixels, here.count * 1024);
    assert_memory_equal(here.labels, there.labels, here.count);
    image_set_deinit(&here);
    image_set_deinit(&there);
}

static void val_serves_where_there_is_no_test(void **unused) {
    struct image_set set;
    begin("val");
    put_grey("train/a/1.pgm", 1);
    put_grey("train/b/2.pgm", 2);
    put_grey("val/b/3.pgm", 3);
    load(NULL, IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.count, 1);
    assert_int_equal(set.pixels[0], 3);
    image_set_deinit(&set);
    put_grey("test/a/4.pgm", 4);
    load(NULL, IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.pixels[0], 4);
    image_set_deinit(&set);
}

/* A class may be called "train". */
static void a_train_among_the_classes_is_a_class(void **unused) {
    struct image_set set;
    begin("vehicles");
    put_grey("car/1.pgm", 1);
    put_grey("car/2.pgm", 2);
    put_grey("train/3.pgm", 3);
    load(NULL, IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.count, 2);
    assert_string_equal(set.class_names[1], "train");
    image_set_deinit(&set);
}

static void each_bad_folder_has_its_sentence(void **unused) {
    begin("one-class");
    put_grey("only/1.pgm", 1);
    expect_error(IMAGE_SPLIT_TRAIN, "one-class: 1 folder in it; 2 to 256 are supported, one for each class");
    put("second/notes.txt", "x", 1);
    expect_error(IMAGE_SPLIT_TRAIN, "one-class/second: no picture in this folder");
    put("second/2.png", "x", 1);
    expect_error(IMAGE_SPLIT_TRAIN, "one-class/second/2.png: neither a PNG, a JPEG,");
    put_grey("second/2.png", 2); /* the content counts */
    expect_error(IMAGE_SPLIT_TEST, "too few pictures to keep some for tests; give at least two of a class");
    begin("strange");
    put_grey("train/a/1.pgm", 1);
    put_grey("train/b/1.pgm", 1);
    put_grey("test/c/1.pgm", 1);
    expect_error(IMAGE_SPLIT_TEST, "test/c: a class that ");
    begin("tests-alone");
    put_grey("test/a/1.pgm", 1);
    put_grey("test/b/1.pgm", 1);
    expect_error(IMAGE_SPLIT_TRAIN, "there are test pictures, but no train/");
    begin("names");
    put_grey("good/1.pgm", 1);
    put_grey("ba|d/1.pgm", 1);
    expect_error(IMAGE_SPLIT_TRAIN, "the class name \"ba|d\" holds the byte 0x7c");
    begin("crowd");
    for (int i = 0; i < 257; i++) {
        char name[32];
        snprintf(name, sizeof name, "%03d/1.pgm", i);
        put_grey(name, 1);
    }
    expect_error(IMAGE_SPLIT_TRAIN, "crowd: 257 folders in it; 2 to 256 are supported");
}

static void digits_are_brought_to_the_looks_of_mnist(void **unused) {
    struct image_set set;
    const struct image_form form = {1, 28, 28, true};
    uint8_t paper[13 + 40 * 40] = "P5 40 40 255\n";
    memset(paper + 13, 250, 1600);
    for (int y = 5; y < 35; y++) memset(paper + 13 + 40 * y + 18, 20, 4); /* a stroke of dark ink */
    begin("digits");
    put("test/1/a.pgm", paper, sizeof paper);
    put_grey("test/7/b.pgm", 3);
    struct cli_error error;
    assert_false(image_set_load(root, &form, IMAGE_SPLIT_TEST, &set, &error));
    test_says(error.text, "b.pgm: no ink to be seen");
    put("test/7/b.pgm", paper, sizeof paper);
    load(&form, IMAGE_SPLIT_TEST, &set);
    assert_int_equal(set.pixels[0], 0);
    assert_int_equal(set.pixels[14 * 28 + 14], 255);
    image_set_deinit(&set);
}

static void channels_of_a_set_are_converted(void **unused) {
    struct image_set set;
    struct cli_error error;
    begin("convert");
    put_colour("a/1.ppm", 200, 100, 0);
    put_colour("a/2.ppm", 200, 100, 0);
    put_colour("b/3.ppm", 10, 10, 10);
    load(NULL, IMAGE_SPLIT_TRAIN, &set);
    assert_int_equal(set.channels, 3);
    assert_true(image_set_convert(&set, 1, &error));
    assert_int_equal(set.channels, 1);
    for (int i = 0; i < 2; i++) assert_int_equal(set.pixels[i * 1024 + 1023], set.labels[i] == 0 ? 119 : 10);
    assert_true(image_set_convert(&set, 3, &error));
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < 3072; k++) assert_int_equal(set.pixels[i * 3072 + k], set.labels[i] == 0 ? 119 : 10);
    image_set_deinit(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_classes_and_one_colour_makes_all_colour),
        cmocka_unit_test(grey_pictures_make_a_grey_set_unless_colour_is_wanted),
        cmocka_unit_test(a_fifth_of_each_class_is_kept_for_tests),
        cmocka_unit_test(the_choice_follows_from_names_alone),
        cmocka_unit_test(val_serves_where_there_is_no_test),
        cmocka_unit_test(a_train_among_the_classes_is_a_class),
        cmocka_unit_test(each_bad_folder_has_its_sentence),
        cmocka_unit_test(digits_are_brought_to_the_looks_of_mnist),
        cmocka_unit_test(channels_of_a_set_are_converted),
    };
    return cmocka_run_group_tests(tests, NULL, test_clean);
}
