/* SPDX-License-Identifier: Apache-2.0
 * The command as a person meets it: exit codes, sentences, JSON; and training that is killed and resumed ends in the same bytes. */
#include "command.h"
#include "digits.h"

enum { TRAIN = 700, TEST = 120 };

/* ---- a small data set ------------------------------------------------------------------------------------------------------------------------------ */

static void write_idx(const char *name, const uint8_t *bytes, uint32_t count, bool pictures) {
    uint8_t header[16] = {0, 0, 8, pictures ? 3 : 1, (uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count, 0, 0, 0, 28, 0, 0, 0, 28};
    FILE *file = fopen(name, "wb");
    assert_non_null(file);
    fwrite(header, 1, pictures ? 16 : 8, file);
    fwrite(bytes, pictures ? 784 : 1, count, file);
    assert_int_equal(fclose(file), 0);
}

static void write_set(const char *where, int bad_label) {
    static uint8_t pixels[TRAIN * 784], labels[TRAIN];
    char name[256];
    mkdir(where, 0777);
    for (int split = 0; split < 2; split++) {
        uint32_t count = split == 0 ? TRAIN : TEST;
        for (uint32_t i = 0; i < count; i++) digits_draw((uint64_t)(50 + split), i, pixels + i * 784, &labels[i]);
        if (bad_label != 0) labels[3] = (uint8_t)bad_label;
        snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte", where, split == 0 ? "train" : "t10k");
        write_idx(name, pixels, count, true);
        snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte", where, split == 0 ? "train" : "t10k");
        write_idx(name, labels, count, false);
    }
}

static int set_up(void **unused) {
    if (enter_folder() != 0) return -1;
    write_set("data", 0);
    write_set("labels", 12);
    return 0;
}

/* ---- tests -------------------------------------------------------------------------------------------------------------------------------------------- */

static void wrong_usage_exits_with_two(void **unused) {
    run("");
    assert_int_equal(last.code, 2);
    expect("fly", 2, "no verb \"fly\"");
    expect("vision", 2, "\"vision\" needs a word behind it; there are \"vision train\", ");
    expect("train --data data", 2, "no verb \"train\"; there are \"vision train\", \"text train\"");
    expect("vision train", 2, "--data is missing");
    expect("vision train --data data --wings 2", 2, "no option \"--wings\"");
    expect("vision train --data data --epochs", 2, "--epochs needs a value");
    expect("vision train --data data --epochs two", 2, "\"two\" is no whole number");
    expect("vision train --data data --epochs 0", 2, "--epochs: 0 is outside 1");
    expect("vision train --data data --batch 0", 2, "--batch: 0 is outside 1");
    expect("vision train --data data --net transformer", 2, "no network \"transformer\"");
    expect("vision train --data data --resume", 2, "--resume needs --out");
    expect("vision train --data data extra", 2, "\"extra\" is not expected");
    expect("version extra", 2, "\"extra\" is not expected");
    expect("help devices extra", 2, "\"extra\" is not expected");
    expect("help vision fly", 2, "no verb \"vision fly\"; there are \"vision train\", ");
    expect("devices --wings", 2, "`pagoda help devices`");
    expect("--wings devices", 2, "no option \"--wings\"");
    expect("-q devices", 2, "no option \"-q\"");
    expect("vision classify --model x -q a.png", 2, "no option \"-q\" here; see `pagoda help vision classify`");
    expect("-- devices", 2, "no verb \"-- devices\"");
    expect("vision train --data data --seed 99999999999999999999", 2, "--seed: 99999999999999999999 is outside 0");
    expect("--threads 0 devices", 2, "--threads: 0 is outside 1");
    expect("devices --threads", 2, "--threads needs a value");
    expect("vision eval --model x", 2, "--data FOLDER");
    expect("vision classify --model x", 2, "at least one picture");
    expect("help fly", 2, "no verb \"fly\"");
}

static void helpful_verbs_answer(void **unused) {
    static const char *const lines[] = {"help", "help vision train", "vision eval --help", "version", "devices", "ops", "devices --json", "--json ops"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        run(lines[i]);
        assert_int_equal(last.code, 0);
        assert_true(strlen(last.out) > 5);
    }
    run("devices --json");
    assert_non_null(strstr(last.out, "\"id\": \"cpu\""));
}

/* What a program reads when it asked for JSON: one object on the last line, which here is the only one. */
static void json_is_given_by_every_verb_that_only_tells(void **unused) {
    static const char *const lines[] = {"help --json", "help vision --json", "help vision train --json", "vision train --help --json", "version --json", "--version --json", "devices --json", "ops --json"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        run(lines[i]);
        assert_int_equal(last.code, 0);
        assert_int_equal(last.out[0], '{');
        assert_string_equal(strchr(last.out, '\n') - 1, "}\n");
    }
    run("--json version");
    assert_non_null(strstr(last.out, "\"version\": \"0."));
    run("--json help vision train");
    assert_non_null(strstr(last.out, "or digits drawn here\", \"--size N|HxW"));
    assert_non_null(strstr(last.out, "none (colour pictures: crop,flip; grey ones: none)\", \"--shift N"));
    run("--json help vision classify");
    assert_non_null(strstr(last.out, "\"options\": [\"--model FILE"));
}

static void help_knows_families_and_itself(void **unused) {
    run("help vision");
    assert_int_equal(last.code, 0);
    assert_non_null(strstr(last.out, "vision train"));
    assert_null(strstr(last.out, "devices"));
    run("vision --help");
    assert_int_equal(last.code, 0);
    run("devices -h");
    assert_non_null(strstr(last.out, "pagoda devices"));
    run("help version");
    assert_int_equal(last.code, 0);
    run("help help");
    assert_int_equal(last.code, 0);
}

static void values_may_stand_behind_an_equals_sign(void **unused) {
    run("--threads=1 --device=cpu vision train --data=data --net=mlp --epochs=2 --max-steps=2 --batch=32 --seed=1 --rate=0.03 --shift=1 --holdout=10 --checkpoint-every=1 --out=e=q.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    assert_int_equal(access("e=q.safetensors", F_OK), 0);
    run("vision eval --model=e=q.safetensors --data=data");
    assert_int_equal(last.code, 0);
    run("vision draw --count=1 --seed=4 --out-dir=--drawn");
    assert_int_equal(last.code, 0);
    assert_int_equal(system("mv -- --drawn/digit-0-*.pgm --drawn.pgm"), 0);
    run("vision classify --model=e=q.safetensors -- --drawn.pgm");
    assert_int_equal(last.code, 0);
    expect("vision train --data=data --resume=yes", 2, "--resume takes no value");
    expect("devices --json=1", 2, "--json takes no value");
    expect("vision train --data=", 2, "--data needs a value");
    expect("vision train --data=data --epochs=two", 2, "--epochs: \"two\" is no whole number");
    expect("vision train --data data --wings=2", 2, "no option \"--wings\" here");
    expect("vision train --data data --out --resume", 2, "--out needs a value, and \"--resume\" looks like an option; write --out=--resume");
}

static void bad_input_exits_with_one_sentence(void **unused) {
    expect("vision train --data nowhere", 1, "nowhere");
    expect("vision train --data labels", 1, "label");
    expect("--device cuda:0 vision train --data data", 1, "no device \"cuda:0\"");
    expect("vision train --data data --holdout 700", 1, "--holdout");
    expect("vision train --data data --out nowhere/m.safetensors", 1, "nowhere/m.safetensors.ckpt");
    expect("vision train --data data --rate 1e30 --epochs 1 --quiet", 1, "the loss became");
    expect("vision eval --model nowhere.safetensors --data data", 1, "nowhere.safetensors");
    expect("vision eval --model data/t10k-labels-idx1-ubyte --data data", 1, "no safetensors file");
    expect("vision classify --model nowhere.safetensors a.png", 1, "nowhere.safetensors");
    mkdir("cut", 0777);
    assert_int_equal(system("cp data/* cut/ && head -c 100000 data/train-images-idx3-ubyte > cut/train-images-idx3-ubyte"), 0);
    expect("vision train --data cut", 1, "truncated");
}

static void train_eval_classify(void **unused) {
    char accuracy[32], sha[80];
    run("vision train --data data --epochs 3 --net mlp --batch 32 --rate 0.03 --out m.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    assert_string_equal(last.err, "");
    json_text("test_accuracy", accuracy, sizeof accuracy);
    json_text("weights_sha256", sha, sizeof sha);
    assert_true(atof(accuracy) > 0.5);
    assert_int_equal(strlen(sha), 64);
    static const char *const keys[] = {"final_loss", "train_images_per_s", "seconds", "peak_rss_bytes"};
    for (int i = 0; i < 4; i++) {
        char value[64];
        json_text(keys[i], value, sizeof value);
        assert_true(atof(value) > 0);
    }
    run("vision eval --model m.safetensors --data data --json");
    assert_int_equal(last.code, 0);
    char again[32];
    json_text("accuracy", again, sizeof again);
    assert_string_equal(again, accuracy);
    run("vision draw --count 2 --out-dir drawn");
    assert_int_equal(last.code, 0);
    assert_int_equal(system("mv drawn/digit-0-*.pgm drawn/a.pgm && mv drawn/digit-1-*.pgm drawn/b.pgm"), 0);
    run("vision classify --model m.safetensors --json drawn/a.pgm drawn/b.pgm");
    assert_int_equal(last.code, 0);
    assert_non_null(strstr(last.out, "\"results\": [{\"file\": \"drawn/"));
    assert_non_null(strstr(last.out, "\"top\": [{\"label\": \""));
    expect("vision classify --model m.safetensors data/t10k-labels-idx1-ubyte", 1, "t10k-labels-idx1-ubyte");
}

static const char *small_model(void) {
    run("vision train --data data --epochs 2 --net mlp --batch 32 --rate 0.03 --seed 9 --out small.safetensors --json --quiet");
    assert_int_equal(last.code, 0);
    run("vision draw --count 2 --out-dir two");
    assert_int_equal(last.code, 0);
    assert_int_equal(system("mv two/digit-0-*.pgm two/a.pgm && mv two/digit-1-*.pgm two/b.pgm && : > two/empty.png"), 0);
    return "vision classify --model small.safetensors two/a.pgm two/empty.png two two/b.pgm";
}

static void a_bad_picture_does_not_keep_the_others_from_being_classified(void **unused) {
    char line[256];
    const char *classify = small_model();
    run(classify);
    assert_int_equal(last.code, 1);
    assert_non_null(strstr(last.out, "two/a.pgm\n"));
    assert_non_null(strstr(last.out, "two/b.pgm\n"));
    assert_string_equal(last.err, "pagoda: two/empty.png: the file is empty; give a PNG, JPEG, PGM or PPM picture\n"
                                  "pagoda: two: cannot be read: Is a directory; give a readable picture file\n");
    snprintf(line, sizeof line, "--json %s", classify);
    run(line);
    assert_int_equal(last.code, 1);
    assert_int_equal(lines_of(last.out), 1);
    assert_non_null(strstr(last.out, "{\"results\": [{\"file\": \"two/a.pgm\", \"top\": [{\"label\""));
    assert_non_null(strstr(last.out, "{\"file\": \"two/empty.png\", \"top\": [], \"error\": \"two/empty.png: the file is empty"));
    assert_non_null(strstr(last.out, "{\"file\": \"two\", \"top\": [], \"error\": \"two: cannot be read"));
    assert_non_null(strstr(last.out, "{\"file\": \"two/b.pgm\", \"top\": [{\"label\""));
}

static void quiet_leaves_the_results_alone(void **unused) {
    small_model();
    run("vision classify --model small.safetensors two/a.pgm two/b.pgm --quiet");
    assert_int_equal(last.code, 0);
    assert_int_equal(lines_of(last.out), 2);
    assert_int_equal(strncmp(last.out, "two/a.pgm: ", 11), 0);
    assert_string_equal(last.err, "");
    run("vision eval --model small.safetensors --data data --quiet");
    assert_non_null(strstr(last.out, " % of 120 images\n"));
    assert_string_equal(last.err, "");
    run("vision train --data data --net mlp --max-steps 2 --out quiet.safetensors --quiet --resume");
    assert_int_equal(strncmp(last.out, "test accuracy ", 14), 0);
    assert_int_equal(lines_of(last.out), 1);
    assert_string_equal(last.err, "");
    run("vision draw --count 1 --out-dir two --quiet");
    assert_string_equal(last.out, "");
}

/* Steps that the set cuts short count as many pictures as they held. */
static void progress_ends_at_a_hundred_percent(void **unused) {
    static const char *const lines[] = {"--batch 4096 --max-steps 1", "--batch 32 --epochs 3 --max-steps 50", "--batch 500 --epochs 2"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[256];
        snprintf(line, sizeof line, "vision train --data data --net mlp %s", lines[i]);
        run(line);
        assert_int_equal(last.code, 0);
        assert_non_null(strstr(last.err, i < 2 ? "epoch 1/1 100 %" : "epoch 2/2 100 %"));
    }
}

static void a_result_that_cannot_be_written_is_a_failure(void **unused) {
    static const char *const lines[] = {"devices", "devices --json", "help", "version", "ops --json"}, *const outputs[] = {">/dev/full", ">&-"};
    char command[4300];
    for (size_t i = 0; i < 10; i++) {
        snprintf(command, sizeof command, "'%s' %s %s 2>stderr.txt", program, lines[i / 2], outputs[i % 2]);
        assert_int_equal(WEXITSTATUS(system(command)), 1);
        read_back("stderr.txt", last.err, sizeof last.err);
        assert_non_null(strstr(last.err, "cannot write the result to standard output"));
    }
}

/* A copy that lies alone, so that nothing can be built or deleted. */
static void the_one_door_refuses_what_it_does_not_take(void **unused) {
    static const char *const lines[][2] = {{"build extra", "build takes nothing, not \"extra\""},
                                           {"clean extra", "clean takes nothing, not \"extra\""},
                                           {"lint extra", "lint takes nothing, not \"extra\""},
                                           {"help extra", "help takes nothing, not \"extra\""},
                                           {"bench kernels extra", "bench takes one argument at most; \"extra\" is too many"},
                                           {"test some", "test takes nothing or \"full\", not \"some\""},
                                           {"fly away", "there is no verb \"fly\""}};
    const char *source = getenv("PAGODA_SOURCE_DIR");
    char command[4300];
    if (source == NULL) skip();
    snprintf(command, sizeof command, "mkdir -p door && cp '%s/run' door/run", source);
    assert_int_equal(system(command), 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        snprintf(command, sizeof command, "door/run %s >stdout.txt 2>stderr.txt", lines[i][0]);
        assert_int_equal(WEXITSTATUS(system(command)), 2);
        read_back("stderr.txt", last.err, sizeof last.err);
        assert_non_null(strstr(last.err, lines[i][1]));
        assert_int_equal(lines_of(last.err), 1);
    }
}

/* Weights of the undisturbed run. */
static void straight(const char *extra, char sha[80]) {
    char line[256];
    snprintf(line, sizeof line, "vision train --data data --epochs 2 --batch 32 --seed 5 --checkpoint-every 1 --json --quiet --out straight.safetensors %s", extra);
    run(line);
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", sha, 80);
}

static void one_and_two_threads_give_the_same_bytes(void **unused) {
    char one[80], two[80];
    straight("--threads 1", one);
    straight("--threads 2", two);
    assert_string_equal(one, two);
}

static void killed_at_any_moment_and_resumed_it_ends_in_the_same_bytes(void **unused) {
    const char *again = "vision train --data data --epochs 2 --batch 32 --seed 5 --checkpoint-every 1 --json --quiet --out killed.safetensors --resume";
    char wanted[80], got[80];
    int rounds = getenv("PAGODA_TEST_FULL") != NULL ? 40 : 4, kills = 0;
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    straight("", wanted);
    clock_gettime(CLOCK_MONOTONIC, &after);
    long whole_us = (after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000;
    srand(1);
    for (int round = 0; round < rounds; round++) {
        assert_int_equal(system("rm -rf killed.safetensors killed.safetensors.ckpt"), 0);
        for (int attempt = 0; attempt < 3; attempt++) {
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
    }
    assert_true(kills > rounds); /* it was really killed, most of the time */
}

static void a_finished_run_is_left_untouched(void **unused) {
    struct stat before, after;
    char sha[80], again[80], loss[64], loss_again[64];
    straight("", sha);
    json_text("final_loss", loss, sizeof loss);
    assert_int_equal(stat("straight.safetensors", &before), 0);
    straight("--resume", again);
    json_text("final_loss", loss_again, sizeof loss_again);
    assert_int_equal(stat("straight.safetensors", &after), 0);
    assert_string_equal(again, sha);
    assert_string_equal(loss_again, loss);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* The file of a shorter run is no result of the longer one. */
static void a_model_of_an_earlier_run_is_not_taken_for_the_new_one(void **unused) {
    const char *line = "vision train --data data --epochs 2 --batch 32 --seed 5 --max-steps %d --json --quiet --out steps.safetensors %s";
    char first[256], second[256], one[80], two[80], again[80];
    snprintf(first, sizeof first, line, 2, "");
    snprintf(second, sizeof second, line, 4, "--resume");
    run(first);
    json_text("weights_sha256", one, sizeof one);
    assert_int_equal(system("cp steps.safetensors short.safetensors"), 0);
    run(second);
    json_text("weights_sha256", two, sizeof two);
    assert_string_not_equal(one, two);
    assert_int_equal(system("cp short.safetensors steps.safetensors"), 0); /* as if killed between checkpoint and file */
    run(second);
    json_text("weights_sha256", again, sizeof again);
    assert_string_equal(again, two);
    assert_int_equal(system("cmp -s short.safetensors steps.safetensors"), 256);
}

static void a_refused_run_leaves_the_checkpoint(void **unused) {
    char sha[80], again[80];
    straight("", sha);
    expect("vision train --data data --out straight.safetensors --holdout 700 --quiet", 1, "--holdout");
    straight("--resume", again);
    assert_string_equal(again, sha);
}

/* Nothing that is not a model of ours is written over, and no model by something else. */
static void a_file_of_another_kind_is_left_alone(void **unused) {
    assert_int_equal(system("echo precious > mine.txt && cp mine.txt mine.copy"), 0);
    expect("vision train --data data --max-steps 1 --out mine.txt", 1, "mine.txt is there and is no model");
    expect("text train --data mine.txt --max-steps 1 --out mine.txt", 1, "mine.txt is there and is no model");
    assert_int_equal(system("cmp -s mine.txt mine.copy && test ! -e mine.txt.ckpt"), 0);
    run("vision train --data data --net mlp --max-steps 1 --out kept.safetensors --quiet");
    assert_int_equal(last.code, 0);
    assert_int_equal(system("cp kept.safetensors kept.copy"), 0);
    expect("vision export --model kept.safetensors --out kept.safetensors", 1, "is a model that would be lost");
    assert_int_equal(system("cmp -s kept.safetensors kept.copy"), 0);
    expect("vision eval --model kept.safetensors.ckpt/state.safetensors --data data", 1, "is the checkpoint of a training, not a model");
}

static void without_resume_the_earlier_checkpoint_is_put_aside(void **unused) {
    run("vision train --data data --net mlp --max-steps 2 --out aside.safetensors --quiet");
    assert_int_equal(system("cp aside.safetensors.ckpt/state.safetensors aside.copy"), 0);
    run("vision train --data data --net mlp --max-steps 1 --out aside.safetensors");
    assert_int_equal(last.code, 0);
    assert_non_null(strstr(last.err, "is kept as aside.safetensors.ckpt/earlier.safetensors"));
    assert_int_equal(system("cmp -s aside.safetensors.ckpt/earlier.safetensors aside.copy && rm aside.safetensors"), 0);
    run("vision train --data data --net mlp --resume --max-steps 1 --out aside.safetensors"); /* the model of what was learnt so far */
    assert_int_equal(last.code, 0);
    assert_int_equal(access("aside.safetensors", F_OK), 0);
}

static void an_interrupted_run_keeps_what_it_learnt(void **unused) {
    char wanted[80], got[80];
    straight("", wanted);
    pid_t child = start("vision train --data data --epochs 2 --batch 32 --seed 5 --json --quiet --out cut.safetensors", 0);
    usleep(60000);
    kill(child, SIGINT);
    finish(child);
    if (last.code == 1) assert_non_null(strstr(last.err, "--resume goes on from there"));
    run("vision train --data data --epochs 2 --batch 32 --seed 5 --json --quiet --out cut.safetensors --resume");
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", got, sizeof got);
    assert_string_equal(got, wanted);
}

static void what_the_end_needs_is_checked_at_the_start(void **unused) {
    assert_int_equal(system("mkdir -p part taken && cp data/train* part/"), 0);
    expect("vision train --data part --quiet", 1, "t10k-images");
    expect("vision train --data data --out taken --quiet", 1, "not a regular file");
    expect("vision train --data data --device null --quiet", 1, "computes nothing");
    assert_int_equal(system("mkdir -p sizes && cp data/* sizes/ && printf '\\0\\0\\10\\3\\0\\0\\0\\170\\0\\0\\0\\10\\0\\0\\0\\7' > sizes/t10k-images-idx3-ubyte && head -c 6720 data/t10k-images-idx3-ubyte >> sizes/t10k-images-idx3-ubyte"), 0);
    expect("vision train --data sizes --quiet", 1, "test pictures of 7 x 8, training pictures of 28 x 28; give files of one set");
}

static void options_that_contradict_the_checkpoint_are_named(void **unused) {
    char sha[80];
    straight("", sha);
    expect("vision train --data data --epochs 3 --out straight.safetensors --resume --quiet", 1, "--epochs contradicts");
    expect("vision train --data data --seed 6 --out straight.safetensors --resume --quiet", 1, "--seed contradicts");
    expect("vision train --data data --net mlp --out straight.safetensors --resume --quiet", 1, "--net contradicts");
    expect("vision train --data builtin --out straight.safetensors --resume --quiet", 1, "--data contradicts the checkpoint: the pictures or labels of builtin are not those it was begun with (fingerprint ");
    expect("vision train --data builtin --out straight.safetensors --resume --quiet", 1, "; give the same data, or leave out --resume to start anew\n");
    expect("vision train --data data --rate 0.2 --out straight.safetensors --resume --quiet", 1, "--rate contradicts the checkpoint: it was begun with 0.1, not 0.2; ");
    run("vision train --data data --out straight.safetensors --resume --json --quiet"); /* what is not said is taken from the checkpoint */
    assert_int_equal(last.code, 0);
    char again[80];
    json_text("weights_sha256", again, sizeof again);
    assert_string_equal(again, sha);
}

static void a_damaged_checkpoint_or_a_full_disk_is_one_sentence(void **unused) {
    char sha[80];
    straight("", sha);
    assert_int_equal(system("head -c 5000 straight.safetensors.ckpt/state.safetensors > t && mv t straight.safetensors.ckpt/state.safetensors"), 0);
    expect("vision train --data data --epochs 2 --out straight.safetensors --resume --quiet", 1, "state.safetensors");
    finish(start("vision train --data data --epochs 1 --net mlp --batch 32 --checkpoint-every 1 --out full.safetensors --quiet", 100000));
    assert_int_equal(last.code, 1);
    assert_non_null(strstr(last.err, "cannot write"));
    assert_int_not_equal(access("full.safetensors", F_OK), 0);
    assert_int_not_equal(access("full.safetensors.ckpt/state.safetensors.tmp", F_OK), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_usage_exits_with_two),
        cmocka_unit_test(helpful_verbs_answer),
        cmocka_unit_test(json_is_given_by_every_verb_that_only_tells),
        cmocka_unit_test(help_knows_families_and_itself),
        cmocka_unit_test(values_may_stand_behind_an_equals_sign),
        cmocka_unit_test(bad_input_exits_with_one_sentence),
        cmocka_unit_test(train_eval_classify),
        cmocka_unit_test(a_bad_picture_does_not_keep_the_others_from_being_classified),
        cmocka_unit_test(quiet_leaves_the_results_alone),
        cmocka_unit_test(progress_ends_at_a_hundred_percent),
        cmocka_unit_test(a_result_that_cannot_be_written_is_a_failure),
        cmocka_unit_test(the_one_door_refuses_what_it_does_not_take),
        cmocka_unit_test(one_and_two_threads_give_the_same_bytes),
        cmocka_unit_test(killed_at_any_moment_and_resumed_it_ends_in_the_same_bytes),
        cmocka_unit_test(a_finished_run_is_left_untouched),
        cmocka_unit_test(a_model_of_an_earlier_run_is_not_taken_for_the_new_one),
        cmocka_unit_test(a_refused_run_leaves_the_checkpoint),
        cmocka_unit_test(a_file_of_another_kind_is_left_alone),
        cmocka_unit_test(without_resume_the_earlier_checkpoint_is_put_aside),
        cmocka_unit_test(an_interrupted_run_keeps_what_it_learnt),
        cmocka_unit_test(what_the_end_needs_is_checked_at_the_start),
        cmocka_unit_test(options_that_contradict_the_checkpoint_are_named),
        cmocka_unit_test(a_damaged_checkpoint_or_a_full_disk_is_one_sentence),
    };
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
