/* SPDX-License-Identifier: Apache-2.0
 * Every long call asks whether to go on; stopped at any of these questions it says so and leaves nothing half done. */
#include <unistd.h>

#include <pagoda/pagoda.h>

#include "check.h"

enum { SAMPLES = 300, SIDE = 3, WIDE = 250000 };

static const char path[] = "test_progress.tmp";
static pgd_device *device;
static pgd_layer *layer;
static pgd_state *state, *other; /* full; empty before each call */
static pgd_classifier *classifier;

static void sample(void *user, int64_t index, uint64_t random, void *const *to) {
    (void)user, (void)random;
    memset(to[0], (int)index, SIDE * SIDE);
    *(int32_t *)to[1] = (int32_t)index % 2;
}
static const pgd_field fields[2] = {{"samples", PGD_U8, {3, {1, SIDE, SIDE}}}, {"labels", PGD_I32, {0}}};
static const pgd_dataset dataset = {.count = SAMPLES, .fields = fields, .field_count = 2, .sample = sample};

static pgd_classifier_options options_with(const pgd_progress *progress) {
    pgd_classifier_options o;
    pgd_classifier_options_init(&o, sizeof o);
    o.channels = 1, o.height = o.width = SIDE;
    o.progress = *progress;
    return o;
}

static int make(void **unused) {
    (void)unused;
    ok(pgd_device_open("cpu", NULL, &device));
    layer = pgd_layer_sequential((pgd_layer *[]){pgd_layer_flatten(), pgd_layer_linear(SIDE * SIDE, WIDE, true), pgd_layer_linear(WIDE, 2, true)}, 3);
    ok(pgd_state_create(device, &state));
    ok(pgd_layer_init(layer, "", 0, state, NULL));
    const pgd_classifier_options o = options_with(&(pgd_progress){0});
    ok(pgd_classifier_create(device, layer, state, &o, &classifier));
    return 0;
}

static int end(void **unused) {
    (void)unused;
    unlink(path);
    pgd_classifier_destroy(classifier);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}

/* Counts the questions; says no to number `stop`. */
typedef struct asked {
    int count, stop;
} asked;

static bool answer(void *user, const char *what, double fraction) {
    asked *a = user;
    check(what[0] != '\0' && fraction >= 0 && fraction <= 1, "%s: fraction %g", what, fraction);
    return a->count++ != a->stop;
}

/* The call with a new empty state `other`. */
static pgd_status stopped_at(int stop, pgd_status (*call)(const pgd_progress *progress), asked *a) {
    *a = (asked){0, stop};
    ok(pgd_state_create(device, &other));
    return call(&(pgd_progress){answer, a});
}

static void stopped_everywhere(pgd_status (*call)(const pgd_progress *progress), void (*nothing_half_done)(void), int questions_at_least) {
    asked a;
    ok(stopped_at(-1, call, &a));
    pgd_state_destroy(other);
    const int questions = a.count;
    check(questions >= questions_at_least, "%d questions, at least %d were expected", questions, questions_at_least);
    for (int stop = 0; stop < questions; stop++) {
        fails(PGD_CANCELLED, "asked to stop", stopped_at(stop, call, &a));
        assert_int_equal(a.count, stop + 1); /* and is not asked again */
        nothing_half_done();
        pgd_state_destroy(other);
    }
}

static void whatever(void) {}
static void nothing_in_the_state(void) { assert_int_equal(pgd_state_count(other), 0); }

static pgd_status init(const pgd_progress *progress) { return pgd_layer_init(layer, "", 1, other, progress); }

static void first_contents(void **unused) {
    (void)unused;
    stopped_everywhere(init, nothing_in_the_state, 40);
}

static void the_old_file_alone(void) {
    char value[8], temporary[64];
    ok(pgd_file_metadata(path, "which", value, sizeof value));
    assert_string_equal(value, "old");
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    assert_int_not_equal(access(temporary, F_OK), 0);
}

static pgd_status save(const pgd_progress *progress) {
    static const pgd_metadata old = {"which", "old"}, new = {"which", "new"};
    ok(pgd_state_save(other, path, &old, 1, NULL, 0, NULL));
    return pgd_state_save(state, path, &new, 1, NULL, 0, progress);
}

static void saving(void **unused) {
    (void)unused;
    stopped_everywhere(save, the_old_file_alone, 6);
}

static pgd_status load(const pgd_progress *progress) { return pgd_state_load(other, path, progress); }

static void loading(void **unused) {
    (void)unused;
    ok(pgd_state_save(state, path, NULL, 0, NULL, 0, NULL));
    stopped_everywhere(load, nothing_in_the_state, 2 + 4 + 4);
}

/* A tensor that was there, all zeros, keeps its contents. */
static void loading_over_another_state(void **unused) {
    static float now[WIDE];
    pgd_status status;
    asked a;
    (void)unused;
    ok(pgd_state_save(state, path, NULL, 0, NULL, 0, NULL));
    for (int stop = 0;; stop++) {
        a = (asked){0, stop};
        ok(pgd_state_create(device, &other));
        ok(pgd_state_set(other, "1.bias", PGD_F32, pgd_shape_of(1, WIDE), NULL));
        status = pgd_state_load(other, path, &(pgd_progress){answer, &a});
        ok(pgd_state_get(other, "1.bias", now, sizeof now));
        assert_int_equal(pgd_state_count(other), status == PGD_OK ? 4 : 1);
        assert_true((now[0] != 0) == (status == PGD_OK));
        pgd_state_destroy(other);
        if (status == PGD_OK) break;
        assert_int_equal(status, PGD_CANCELLED);
    }
}

static pgd_status create_trainer(const pgd_progress *progress) {
    pgd_classifier_options images = options_with(progress);
    pgd_training_options o;
    pgd_trainer *trainer;
    pgd_training_options_init(&o, sizeof o);
    o.progress = *progress;
    pgd_status status = pgd_trainer_create(device, layer, other, &dataset, pgd_classifier_loss, &images, &o, &trainer);
    assert_true((status == PGD_OK) == (trainer != NULL));
    pgd_trainer_destroy(trainer);
    return status;
}

static void making_a_trainer(void **unused) {
    (void)unused;
    stopped_everywhere(create_trainer, nothing_in_the_state, 40);
}

static pgd_status create_classifier(const pgd_progress *progress) {
    const pgd_classifier_options o = options_with(progress);
    pgd_classifier *c;
    pgd_status status = pgd_classifier_create(device, layer, state, &o, &c);
    assert_true((status == PGD_OK) == (c != NULL));
    pgd_classifier_destroy(c);
    return status;
}

static void making_a_classifier(void **unused) {
    (void)unused;
    stopped_everywhere(create_classifier, whatever, 3);
}

static pgd_status predict(const pgd_progress *progress) {
    static uint8_t samples[SAMPLES][SIDE * SIDE];
    static float probabilities[SAMPLES][2];
    return pgd_classifier_predict(classifier, samples[0], SAMPLES, progress, probabilities[0]);
}

static pgd_status measure(const pgd_progress *progress) {
    double accuracy;
    return pgd_classifier_accuracy(classifier, &dataset, progress, &accuracy);
}

static void classifying(void **unused) {
    (void)unused;
    stopped_everywhere(predict, whatever, 3); /* batches of 128 */
    stopped_everywhere(measure, whatever, 3);
}

static pgd_status evaluate(const pgd_progress *progress) {
    pgd_evaluator *evaluator;
    pgd_graph *g;
    float y;
    ok(pgd_graph_create(&g));
    ok(pgd_evaluator_create(device, 0, progress, &evaluator));
    pgd_status status = pgd_eval(evaluator, g, pgd_exp(g, pgd_scalar(g, PGD_F32, 1)), NULL, &y, sizeof y);
    pgd_evaluator_destroy(evaluator);
    pgd_graph_destroy(g);
    return status;
}

static void evaluating(void **unused) {
    (void)unused;
    stopped_everywhere(evaluate, whatever, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(first_contents),      cmocka_unit_test(saving),      cmocka_unit_test(loading),    cmocka_unit_test(loading_over_another_state), cmocka_unit_test(making_a_trainer),
                                       cmocka_unit_test(making_a_classifier), cmocka_unit_test(classifying), cmocka_unit_test(evaluating)};
    return cmocka_run_group_tests(tests, make, end);
}
