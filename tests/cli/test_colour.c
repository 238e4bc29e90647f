/* SPDX-License-Identifier: Apache-2.0
 * The vision verbs on colour data: CIFAR-10 files, folders of pictures, augmentation, and models that know channels. */
#include "command.h"

enum { TRAIN = 200, TEST = 50, RECORD = 3073 };

/* ---- small data sets ----------------------------------------------------------------------------------------------------------------------------------- */

static uint32_t noise(uint32_t *state) { return *state = *state * 1664525u + 1013904223u, *state >> 24; }

/* Pictures of class c are of a colour of their own, with grain and a dark corner. */
static void draw(int c, uint32_t seed, uint8_t planes[3072]) {
    uint32_t state = seed * 2654435761u + 1;
    for (int k = 0; k < 3; k++)
        for (int p = 0; p < 1024; p++) planes[k * 1024 + p] = (uint8_t)((p % 32 < c && p / 32 < 8 ? 0 : (c * (37 + 40 * k)) % 180) + (int)(noise(&state) % 60));
}

static void write_cifar(const char *where) {
    char name[256];
    mkdir(where, 0777);
    for (int file = 0; file < 3; file++) {
        snprintf(name, sizeof name, file < 2 ? "%s/data_batch_%d.bin" : "%s/test_batch.bin", where, file + 1);
        FILE *out = fopen(name, "wb");
        assert_non_null(out);
        for (int i = 0; i < (file < 2 ? TRAIN / 2 : TEST); i++) {
            uint8_t record[RECORD] = {(uint8_t)(i % 10)};
            draw(i % 10, (uint32_t)(file * 1000 + i), record + 1);
            fwrite(record, 1, RECORD, out);
        }
        assert_int_equal(fclose(out), 0);
    }
}

/* A picture as PPM, or its red plane as PGM. */
static void write_picture(const char *path, int c, uint32_t seed, bool grey) {
    uint8_t planes[3072];
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    draw(c, seed, planes);
    fprintf(out, "P%d 32 32 255\n", grey ? 5 : 6);
    for (int p = 0; p < 1024; p++)
        for (int k = 0; k < (grey ? 1 : 3); k++) fputc(planes[k * 1024 + p], out);
    assert_int_equal(fclose(out), 0);
}

static void write_folder(const char *where, bool grey) {
    static const char *const names[] = {"apple", "plum", "sea"};
    char path[256];
    mkdir(where, 0777);
    for (int c = 0; c < 3; c++) {
        snprintf(path, sizeof path, "%s/%s", where, names[c]);
        mkdir(path, 0777);
        for (int i = 0; i < 20; i++) {
            snprintf(path, sizeof path, "%s/%s/%d.%s", where, names[c], i, grey ? "pgm" : "ppm");
            write_picture(path, 3 * c + 1, (uint32_t)(c * 100 + i), grey);
        }
    }
}

/* The blue of every pixel is 33, whose squares, summed up, round to a variance below 0. */
static void write_even_folder(void) {
    char path[64];
    mkdir("even", 0777);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof path, "even/%s", i % 2 == 0 ? "dark" : "light");
        mkdir(path, 0777);
        snprintf(path, sizeof path, "even/%s/%d.ppm", i % 2 == 0 ? "dark" : "light", i);
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fprintf(out, "P6 16 16 255\n");
        for (int p = 0; p < 256; p++) fprintf(out, "%c%c!", 40 + 20 * (i % 2) + p % 7, 50 + p % 11);
        assert_int_equal(fclose(out), 0);
    }
}

static void a_channel_of_one_value_is_taken_as_it_is(void **unused) {
    write_even_folder();
    run("vision train --data even --size 16 --max-steps 2 --quiet");
    if (last.code != 0) print_message("%s", last.err);
    assert_int_equal(last.code, 0);
}

/* 48 pictures to train on: batches of 8, a rate as much lower, 60 passes; what is given stays. */
static void few_pictures_are_trained_in_small_steps(void **unused) {
    write_folder("few", false);
    run("vision train --data few --max-steps 1 --out few.safetensors --quiet");
    assert_int_equal(last.code, 0);
    static const char *const settings[] = {"\"batch\":\"8\"", "\"rate\":\"0.00625\"", "\"epochs\":\"60\""}, *const given[] = {"\"batch\":\"16\"", "\"rate\":\"0.05\"", "\"epochs\":\"2\""};
    char command[128];
    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "grep -a -q '%s' few.safetensors.ckpt/state.safetensors", settings[i]);
        assert_int_equal(system(command), 0);
    }
    run("vision train --data few --max-steps 1 --batch 16 --rate 0.05 --epochs 2 --out given.safetensors --quiet");
    for (int i = 0; i < 3; i++) {
        snprintf(command, sizeof command, "grep -a -q '%s' given.safetensors.ckpt/state.safetensors", given[i]);
        assert_int_equal(system(command), 0);
    }
}

static int set_up(void **unused) {
    if (enter_folder() != 0) return -1;
    write_cifar("cifar");
    write_folder("fruit", false);
    write_folder("shades", true);
    return 0;
}

/* ---- tests ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void wrong_usage_is_told_apart(void **unused) {
    expect("vision train --data cifar --augment flap", 2, "--augment: there is no \"flap\"; use none, or some of crop,flip,cutout,rotate");
    expect("vision train --data cifar --augment none,flip", 2, "none stands alone");
    static const char *const sizes[] = {"3", "513", "8x", "x8", "8x3", "8x600", "8x8x8", "big", "-8", "99999999999999999999"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char line[128], words[128];
        snprintf(line, sizeof line, "vision train --data fruit --size %s", sizes[i]);
        snprintf(words, sizeof words, "--size: \"%s\"; give N or HxW, each from 4 to 512", sizes[i]);
        expect(line, 2, words);
    }
    expect("vision train --data cifar --loader-threads 0", 2, "--loader-threads: 0 is outside 1 to 16");
}

static void bad_data_leave_nothing_behind(void **unused) {
    assert_int_equal(system("mkdir -p bad && cp cifar/* bad/ && head -c 100000 cifar/data_batch_1.bin > bad/data_batch_2.bin"), 0);
    expect("vision train --data bad --out never.safetensors", 1, "data_batch_2.bin: truncated: picture 32 should have 3072 bytes, 1663 found");
    expect("vision train --data cifar --size 32 --out never.safetensors --quiet", 1, "--size: the pictures of cifar are 32 x 32; leave it out");
    expect("vision train --data fruit --size 6 --net resnet --out never.safetensors --quiet", 1, "pictures of 6 x 6 are too small for net resnet; 8 x 8 is the least");
    assert_int_equal(system("rm bad/test_batch.bin && cp cifar/data_batch_2.bin bad/"), 0);
    expect("vision train --data bad --out never.safetensors", 1, "bad: no test_batch.bin in it");
    assert_int_equal(system("mkdir -p torn && cp -r fruit/* torn/ && head -c 900 fruit/plum/3.ppm > torn/plum/3.ppm"), 0);
    expect("vision train --data torn --out never.safetensors --quiet", 1, "torn/plum/3.ppm: the PPM is truncated: 3072 pixel bytes expected, 887 found");
    assert_int_not_equal(access("never.safetensors", F_OK), 0);
    assert_int_not_equal(access("never.safetensors.ckpt", F_OK), 0);
}

static void every_net_learns_colours_and_is_loaded_again(void **unused) {
    static const char *const nets[] = {"mlp", "cnn", "resnet"}, *const how_long[] = {"--epochs 4", "--epochs 3", "--max-steps 3"};
    for (int i = 0; i < 3; i++) {
        char line[256], accuracy[32], again[32];
        snprintf(line, sizeof line, "vision train --data cifar --net %s %s --batch 20 --rate 0.03 --out %s.safetensors --json --quiet", nets[i], how_long[i], nets[i]);
        run(line);
        assert_int_equal(last.code, 0);
        assert_string_equal(last.err, "");
        json_text("test_accuracy", accuracy, sizeof accuracy);
        assert_true(i == 2 || atof(accuracy) > 0.4);
        snprintf(line, sizeof line, "vision eval --model %s.safetensors --data cifar --json", nets[i]);
        run(line);
        assert_int_equal(last.code, 0);
        json_text("accuracy", again, sizeof again);
        assert_string_equal(again, accuracy);
    }
    write_picture("seven.ppm", 7, 99999, false);
    run("vision classify --model resnet.safetensors seven.ppm");
    assert_int_equal(last.code, 0);
    assert_int_equal(strncmp(last.out, "seven.ppm\n", 10), 0);
    run("vision classify --model resnet.safetensors --json seven.ppm");
    assert_non_null(strstr(last.out, "\"top\": [{\"label\": \"")); /* an official name */
}

static void train_with(const char *extra, const char *out, char sha[80]) {
    char line[512];
    snprintf(line, sizeof line, "vision train --data cifar --net mlp --epochs 2 --batch 32 --seed 5 --checkpoint-every 1 --json --quiet --out %s %s", out, extra);
    run(line);
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", sha, 80);
}

static void any_number_of_loader_threads_gives_the_same_bytes(void **unused) {
    char one[80], four[80], plain[80], other[80];
    train_with("--augment crop,flip,cutout,rotate --loader-threads 1", "a.safetensors", one);
    train_with("--augment rotate,cutout,flip,crop --loader-threads 4", "a.safetensors", four);
    assert_string_equal(one, four);
    train_with("--augment none", "a.safetensors", plain);
    assert_string_not_equal(one, plain);
    train_with("", "a.safetensors", one);
    train_with("--augment crop,flip --shift 0 --loader-threads 3", "a.safetensors", other); /* what colour pictures get by themselves */
    assert_string_equal(one, other);
    assert_string_not_equal(one, plain);
}

static void killed_while_augmenting_and_resumed_it_ends_in_the_same_bytes(void **unused) {
    const char *again = "vision train --data cifar --net mlp --epochs 2 --batch 32 --seed 5 --checkpoint-every 1 --json --quiet --out killed.safetensors --augment crop,flip,cutout,rotate --loader-threads 2 --resume";
    char wanted[80], got[80];
    int kills = 0;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    train_with("--augment crop,flip,cutout,rotate", "whole.safetensors", wanted);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long whole_us = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    srand(2);
    for (int attempt = 0; attempt < 6; attempt++) {
        pid_t child = start(again, 0);
        usleep((useconds_t)(rand() % (int)(whole_us / 2 + 1)));
        kill(child, SIGKILL);
        finish(child);
        kills += last.code == -SIGKILL;
    }
    run(again);
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", got, sizeof got);
    assert_string_equal(got, wanted);
    assert_true(kills > 0);
}

static void options_that_contradict_the_checkpoint_are_named(void **unused) {
    char sha[80], again[80];
    train_with("--augment flip,crop", "kept.safetensors", sha);
    expect("vision train --data cifar --augment flip --out kept.safetensors --resume --quiet", 1, "--augment contradicts the checkpoint: it was begun with crop,flip, not flip; ");
    expect("vision train --data cifar --shift 3 --out kept.safetensors --resume --quiet", 1, "--shift contradicts the checkpoint: it was begun with 0, not 3; ");
    train_with("--resume", "kept.safetensors", again);
    assert_string_equal(again, sha);
    run("vision train --data fruit --size 8x12 --net mlp --max-steps 3 --out sized.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", sha, sizeof sha);
    expect("vision train --data fruit --size 12x8 --out sized.safetensors --resume --quiet", 1, "--size contradicts the checkpoint: it was begun with 8x12, not 12x8; ");
    run("vision train --data fruit --out sized.safetensors --resume --max-steps 3 --json --quiet"); /* the size is the checkpoint's */
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", again, sizeof again);
    assert_string_equal(again, sha);
}

/* Cuts `key` and its value out of a file's header: the header keeps its length. */
static void forget(const char *path, const char *key) {
    static char bytes[1 << 24];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    char pattern[64];
    snprintf(pattern, sizeof pattern, ",\"%s\":\"", key);
    char *at = memmem(bytes, count, pattern, strlen(pattern));
    assert_non_null(at);
    char *end = strchr(at + strlen(pattern), '"');
    memset(at, ' ', (size_t)(end + 1 - at));
    file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void a_checkpoint_from_before_augmentation_is_gone_on_from(void **unused) {
    char sha[80], again[80];
    train_with("--augment none", "old.safetensors", sha);
    forget("old.safetensors.ckpt/state.safetensors", "augment");
    forget("old.safetensors.ckpt/state.safetensors", "size");
    expect("vision train --data cifar --augment flip --out old.safetensors --resume --quiet", 1, "it was begun with none, not flip");
    train_with("--resume", "old.safetensors", again);
    assert_string_equal(again, sha);
}

static void folders_of_pictures_are_learnt(void **unused) {
    char accuracy[32], again[32];
    run("vision train --data fruit --net cnn --epochs 10 --batch 8 --rate 0.02 --size 16 --out fruit.safetensors --json");
    assert_int_equal(last.code, 0);
    assert_non_null(strstr(last.err, "pagoda: fruit: 12 of 60 pictures, a fifth of each class chosen by file names, are kept for tests\n"));
    json_text("test_accuracy", accuracy, sizeof accuracy);
    assert_true(atof(accuracy) > 0.6);
    run("vision eval --model fruit.safetensors --data fruit --json");
    assert_non_null(strstr(last.err, "the test pictures are the 12 kept from training"));
    json_text("accuracy", again, sizeof again);
    assert_string_equal(again, accuracy);
    assert_non_null(strstr(last.out, "\"images\": 12"));
    run("vision classify --model fruit.safetensors --json fruit/plum/1.ppm");
    assert_non_null(strstr(last.out, "\"label\": \"plum\""));
    assert_int_equal(system("mkdir -p part && cp -r fruit/plum fruit/sea part/ && mkdir -p part2 && cp -r fruit/plum part2/ && cp -r fruit/sea part2/brick"), 0);
    run("vision eval --model fruit.safetensors --data part --json --quiet"); /* classes are known by name, not by place */
    assert_int_equal(last.code, 0);
    json_text("accuracy", again, sizeof again);
    assert_true(atof(again) > 0.6);
    expect("vision eval --model fruit.safetensors --data part2 --quiet", 1, "part2: the model knows no class \"brick\"");
    expect("vision eval --model fruit.safetensors --data cifar --quiet", 1, "cifar: pictures of 32 x 32, but the model was trained on 16 x 16");
}

/* The probabilities of the only result. */
static void classify(const char *model, const char *file, char *top, size_t room) {
    char line[256];
    snprintf(line, sizeof line, "vision classify --model %s --json %s", model, file);
    run(line);
    assert_int_equal(last.code, 0);
    const char *at = strstr(last.out, "\"top\"");
    assert_non_null(at);
    snprintf(top, room, "%s", at);
}

static void grey_and_colour_meet(void **unused) {
    char colour[1024], grey[1024];
    run("vision train --data shades --net mlp --max-steps 20 --batch 16 --rate 0.02 --out shades.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    run("vision train --data fruit --net mlp --max-steps 20 --batch 16 --rate 0.02 --out colours.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    assert_int_equal(system("grep -q '\"channels\":\"1\"' shades.safetensors && grep -q '\"channels\":\"3\"' colours.safetensors"), 0);
    FILE *ppm = fopen("even.ppm", "wb"), *pgm = fopen("even.pgm", "wb");
    fprintf(ppm, "P3 2 1 255 40 40 40 90 90 90");
    fprintf(pgm, "P2 2 1 255 40 90");
    assert_int_equal(fclose(ppm) | fclose(pgm), 0);
    static const char *const models[] = {"shades.safetensors", "colours.safetensors"};
    for (int i = 0; i < 2; i++) {
        classify(models[i], "even.ppm", colour, sizeof colour);
        classify(models[i], "even.pgm", grey, sizeof grey);
        assert_string_equal(colour, grey);
    }
    ppm = fopen("red.ppm", "wb"), pgm = fopen("red.pgm", "wb");
    fprintf(ppm, "P3 1 1 255 200 100 0");
    fprintf(pgm, "P2 1 1 255 119"); /* its grey */
    assert_int_equal(fclose(ppm) | fclose(pgm), 0);
    classify("shades.safetensors", "red.ppm", colour, sizeof colour);
    classify("shades.safetensors", "red.pgm", grey, sizeof grey);
    assert_string_equal(colour, grey);
    classify("colours.safetensors", "red.ppm", colour, sizeof colour);
    classify("colours.safetensors", "red.pgm", grey, sizeof grey);
    assert_string_not_equal(colour, grey);
    run("vision eval --model shades.safetensors --data fruit --quiet");
    assert_int_equal(last.code, 0);
    run("vision eval --model colours.safetensors --data shades --quiet");
    assert_int_equal(last.code, 0);
}

/* Writes `value` over the metadata's value of the key; what is left over of the old one becomes blanks behind it. */
static void rewrite(const char *path, const char *key, const char *value) {
    static char bytes[1 << 24];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    char pattern[64];
    snprintf(pattern, sizeof pattern, "\"%s\":\"", key);
    char *at = memmem(bytes, count, pattern, strlen(pattern));
    assert_non_null(at);
    at += strlen(pattern);
    size_t room = (size_t)(strchr(at, '"') - at), length = strlen(value);
    assert_true(length <= room);
    memset(at, ' ', room + 1);
    memcpy(at, value, length);
    at[length] = '"';
    file = fopen("other.safetensors", "wb");
    assert_int_equal(fwrite(bytes, 1, count, file), count);
    assert_int_equal(fclose(file), 0);
}

static void metadata_of_models_are_looked_at(void **unused) {
    run("vision train --data fruit --net mlp --max-steps 2 --out m.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    rewrite("m.safetensors", "mean", "0.4914"); /* one for all channels */
    run("vision classify --model other.safetensors fruit/sea/1.ppm --quiet");
    assert_int_equal(last.code, 0);
    static const char *const wrong[] = {"0.1,0.2", "", "0.1,", "0.1,,0.2", "0.1,0.2,x", "1e9", "nan", "1,2,3,4"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        rewrite("m.safetensors", "mean", wrong[i]);
        expect("vision classify --model other.safetensors fruit/sea/1.ppm --quiet", 1, "three numbers with commas between them, or one for all channels, were expected");
    }
    rewrite("m.safetensors", "deviation", "0.2,0.2,0");
    expect("vision classify --model other.safetensors fruit/sea/1.ppm --quiet", 1, "metadata \"deviation\" is 0; it must be above 0");
    rewrite("m.safetensors", "channels", "2");
    expect("vision classify --model other.safetensors fruit/sea/1.ppm --quiet", 1, "metadata \"channels\" is 2; 1 (grey) or 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_is_told_apart),
        cmocka_unit_test(bad_data_leave_nothing_behind),
        cmocka_unit_test(every_net_learns_colours_and_is_loaded_again),
        cmocka_unit_test(any_number_of_loader_threads_gives_the_same_bytes),
        cmocka_unit_test(killed_while_augmenting_and_resumed_it_ends_in_the_same_bytes),
        cmocka_unit_test(options_that_contradict_the_checkpoint_are_named),
        cmocka_unit_test(a_checkpoint_from_before_augmentation_is_gone_on_from),
        cmocka_unit_test(folders_of_pictures_are_learnt),
        cmocka_unit_test(grey_and_colour_meet),
        cmocka_unit_test(few_pictures_are_trained_in_small_steps),
        cmocka_unit_test(a_channel_of_one_value_is_taken_as_it_is),
        cmocka_unit_test(metadata_of_models_are_looked_at),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
