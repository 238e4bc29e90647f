/* SPDX-License-Identifier: Apache-2.0
 * The text verbs: a small GPT learns a text, continues it, and is measured on it; sampling follows its options. */
#include "command.h"
#include "text_sample.h"

#define SMALL "--layers 1 --width 16 --heads 2 --context 16 --batch 4 --dropout 0.1"

static int set_up(void **unused) {
    if (enter_folder() != 0) return -1;
    FILE *file = fopen("rhyme.txt", "wb");
    for (int i = 0; i < 200; i++) fputs(i % 2 == 0 ? "the cat sat on the mat. " : "the dog dug in the fog. ", file);
    return fclose(file);
}

static double number(const char *key) {
    char text[64];
    json_text(key, text, sizeof text);
    return strtod(text, NULL);
}

static void it_learns_is_measured_and_continues(void **unused) {
    char text[512], again[512];
    run("text train --data rhyme.txt " SMALL " --epochs 6 --rate 0.01 --out rhyme.safetensors --quiet --json");
    assert_int_equal(last.code, 0);
    double loss = number("loss");
    assert_true(loss > 0 && loss < 1.2); /* a guess among 256 would be 5.5, the frequencies of letters alone 2.6 */
    assert_true(number("tokens_per_s") > 0 && number("parameters") > 1000);
    run("text eval --model rhyme.safetensors --data rhyme.txt --json");
    assert_int_equal(last.code, 0);
    assert_true(number("loss") < 1.2 && number("bytes") == 4800);
    run("text generate --model rhyme.safetensors --prompt the --length 100 --temperature 0 --json");
    assert_int_equal(last.code, 0);
    json_text("text", text, sizeof text);
    assert_true(strlen(text) == 100 || strlen(text) == 99); /* json_text leaves a blank at the beginning out */
    assert_true(strstr(text, "the ") != NULL);
    run("text generate --model rhyme.safetensors --prompt the --length 100 --temperature 0.9 --seed 4 --json");
    json_text("text", text, sizeof text);
    run("text generate --model rhyme.safetensors --prompt the --length 100 --temperature 0.9 --seed 4 --json");
    json_text("text", again, sizeof again);
    assert_string_equal(text, again);
    run("text generate --model rhyme.safetensors --prompt the --length 100 --temperature 0.9 --seed 5 --json");
    json_text("text", again, sizeof again);
    assert_string_not_equal(text, again);
    run("text generate --model rhyme.safetensors --prompt the --length 40");
    assert_int_equal(last.code, 0);
    assert_int_equal(strncmp(last.out, "the", 3), 0);
    assert_int_equal(strlen(last.out), 3 + 40 + 1);
}

static void killed_and_resumed_it_ends_in_the_same_bytes(void **unused) {
    char whole[80], resumed[80];
    run("text train --data rhyme.txt " SMALL " --epochs 2 --seed 123456789 --out whole.safetensors --quiet --json --threads 1");
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", whole, sizeof whole);
    run("text train --data rhyme.txt " SMALL " --epochs 2 --seed 123456789 --max-steps 40 --checkpoint-every 7 --out parts.safetensors --quiet");
    assert_int_equal(last.code, 0);
    run("text train --data rhyme.txt --resume --out parts.safetensors --quiet --json");
    assert_int_equal(last.code, 0);
    json_text("weights_sha256", resumed, sizeof resumed);
    assert_string_equal(whole, resumed);
    expect("text train --data rhyme.txt --resume --width 32 --out parts.safetensors", 1, "--width contradicts the checkpoint: it was begun with 16, not 32");
}

static void bad_input_is_one_sentence(void **unused) {
    FILE *file = fopen("tiny.txt", "wb");
    fputs("abc", file);
    fclose(file);
    expect("text train", 2, "--data is missing");
    expect("text train --data rhyme.txt --optimizer sgd", 2, "adamw, muon or lion");
    expect("text train --data rhyme.txt --dropout 1", 2, "--dropout");
    expect("text train --data rhyme.txt --rate 0", 2, "--rate");
    expect("text train --data rhyme.txt --resume", 2, "--resume needs --out");
    expect("text train --data nothing.txt", 1, "nothing.txt");
    expect("text train --data .", 1, "no input.txt");
    expect("text train --data tiny.txt --out never.safetensors", 1, "too few");
    expect("text train --data rhyme.txt --width 10 --heads 3 --out never.safetensors", 2, "--width: 10 is no multiple of the 3 heads");
    assert_int_not_equal(access("never.safetensors.ckpt", F_OK), 0);
    expect("text generate", 2, "--model is missing");
    expect("text generate --model rhyme.txt", 1, "rhyme.txt");
    expect("text generate --model rhyme.safetensors --top-p 0", 2, "--top-p");
    expect("text generate --model rhyme.safetensors --temperature -1", 2, "--temperature");
    expect("text eval --model rhyme.safetensors", 2, "--data is missing");
    expect("text eval --model rhyme.txt --data rhyme.txt", 1, "rhyme.txt");
}

/* ---- sampling ------------------------------------------------------------------------------------------------------------------------------------- */

static void symbols_are_drawn_as_the_options_say(void **unused) {
    static float logits[256];
    int seen[256] = {0};
    for (int i = 0; i < 256; i++) logits[i] = -50;
    logits[65] = 1.0986123f, logits[66] = 0.6931472f, logits[67] = 0; /* 3 : 2 : 1 */
    struct text_choice c = {1, 0, 1};
    for (int i = 0; i < 60000; i++) seen[text_choose(&c, logits, text_draw(7, (uint64_t)i))]++;
    assert_true(abs(seen[65] - 30000) < 700 && abs(seen[66] - 20000) < 700 && abs(seen[67] - 10000) < 700);
    c.top_k = 2;
    assert_int_equal(text_choose(&c, logits, 0.999999), 66);
    assert_int_equal(text_choose(&c, logits, 0.59), 65);
    assert_int_equal(text_choose(&c, logits, 0.61), 66);
    c = (struct text_choice){1, 0, 0.5}; /* the first alone makes up half */
    assert_int_equal(text_choose(&c, logits, 0.999999), 65);
    c.top_p = 0.51;
    assert_int_equal(text_choose(&c, logits, 0.999999), 66);
    c = (struct text_choice){0, 0, 1};
    assert_int_equal(text_choose(&c, logits, 0.999999), 65);
    c = (struct text_choice){0.5, 0, 1}; /* 9 : 4 : 1 */
    assert_int_equal(text_choose(&c, logits, 9.0 / 14 - 0.001), 65);
    assert_int_equal(text_choose(&c, logits, 13.0 / 14 + 0.001), 67);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_learns_is_measured_and_continues), cmocka_unit_test(killed_and_resumed_it_ends_in_the_same_bytes), cmocka_unit_test(bad_input_is_one_sentence),
                                       cmocka_unit_test(symbols_are_drawn_as_the_options_say)};
    return cmocka_run_group_tests(tests, set_up, leave_folder);
}
