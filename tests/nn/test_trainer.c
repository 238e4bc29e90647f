/* SPDX-License-Identifier: Apache-2.0
 * Training is a function of seed and data: the same bits for any number of threads, and through any saving and loading on the way. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pagoda/nn.h>

enum { SIDE = 8, SAMPLES = 150, CLASSES = 4, STEPS = 14 };

/* Class k has a bright quarter k; the rest is noise. */
static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    uint8_t *to = fields[0];
    int32_t *label = fields[1];
    *label = (int32_t)(index % CLASSES);
    for (int i = 0; i < SIDE * SIDE; i++) {
        int quarter = i / SIDE / (SIDE / 2) * 2 + i % SIDE / (SIDE / 2);
        random = random * 6364136223846793005u + 1442695040888963407u;
        to[i] = (uint8_t)((random >> 60) * 6 + (quarter == *label ? 120 : 0));
    }
    if (user != NULL) *label = *(const int32_t *)user;
}

static void narrow_sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    memset(fields[0], (int)(random >> 56), SIDE);
    *(int32_t *)fields[1] = (int32_t)(index % CLASSES);
}

static pgd_layer *net(void) {
    pgd_layer_conv_options o;
    pgd_layer_conv_options_init(&o, sizeof o);
    o.padding = 1;
    pgd_layer *inner[] = {pgd_layer_conv2d(6, 6, 3, &o), pgd_layer_batch_norm(6, 1e-5, 0.1)};
    pgd_layer *layers[] = {pgd_layer_conv2d(1, 6, 3, &o), pgd_layer_batch_norm(6, 1e-5, 0.1), pgd_layer_relu(), pgd_layer_residual(pgd_layer_sequential(inner, 2), pgd_layer_identity()), pgd_layer_max_pool(2, 2, 0),
                           pgd_layer_flatten(), pgd_layer_dropout(0.25), pgd_layer_linear(6 * 16, CLASSES, true)};
    pgd_layer *whole = pgd_layer_sequential(layers, 8);
    assert_non_null(whole);
    return whole;
}

static const pgd_field fields[2] = {{"samples", PGD_U8, {3, {1, SIDE, SIDE}}}, {"labels", PGD_I32, {0}}};

static pgd_classifier_options images(void) {
    pgd_classifier_options o;
    pgd_classifier_options_init(&o, sizeof o);
    o.channels = 1, o.height = o.width = SIDE, o.batch = 32;
    return o;
}

static pgd_training_options options(void) {
    pgd_training_options o;
    pgd_training_options_init(&o, sizeof o);
    o.batch = 32, o.epochs = 5, o.max_steps = STEPS, o.seed = 11;
    return o;
}

/* Trains on `threads` threads, going through a file and everything anew before step `stop` (0: never); copies all tensors out. */
static size_t train(int threads, int64_t stop, pgd_optimizer_kind kind, char *out) {
    pgd_device_options device_options;
    pgd_device_options_init(&device_options, sizeof device_options);
    device_options.threads = threads;
    pgd_device *device;
    pgd_layer *layer = net();
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_trainer_step step;
    bool done = false;
    pgd_dataset data = {SAMPLES, fields, 2, sample, NULL};
    pgd_classifier_options seen = images();
    pgd_training_options o = options();
    pgd_optimizer_options optimizer;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, kind);
    o.optimizer = &optimizer;
    assert_int_equal(pgd_device_open("cpu", &device_options, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_OK);
    while (!done) {
        assert_int_equal(pgd_trainer_advance(trainer, &step, &done), PGD_OK);
        if (done || step.step != stop) continue;
        pgd_trainer_destroy(trainer);
        assert_int_equal(pgd_state_save(state, "test_trainer.tmp", NULL, 0, NULL, 0, NULL), PGD_OK);
        pgd_state_destroy(state);
        assert_int_equal(pgd_state_create(device, &state), PGD_OK);
        assert_int_equal(pgd_state_load(state, "test_trainer.tmp", NULL), PGD_OK);
        assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_OK);
    }
    assert_int_equal(step.step, STEPS);
    size_t used = 0;
    for (int32_t i = 0; i < pgd_state_count(state); i++) {
        const char *name;
        pgd_dtype dtype;
        pgd_shape shape;
        assert_int_equal(pgd_state_at(state, i, &name, &dtype, &shape), PGD_OK);
        size_t bytes = (size_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype);
        assert_int_equal(pgd_state_get(state, name, out + used, bytes), PGD_OK);
        used += bytes;
    }
    unlink("test_trainer.tmp");
    pgd_trainer_destroy(trainer);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return used;
}

static void threads_and_interruptions_do_not_change_a_bit(void **unused) {
    static char whole[1 << 16], other[1 << 16];
    for (int kind = 0; kind <= PGD_OPTIMIZER_MUON; kind++) {
        size_t bytes = train(1, 0, (pgd_optimizer_kind)kind, whole);
        assert_int_equal(train(2, 0, (pgd_optimizer_kind)kind, other), bytes);
        assert_memory_equal(whole, other, bytes);
        for (int64_t stop = 1; stop < STEPS; stop += 3) {
            assert_int_equal(train(2, stop, (pgd_optimizer_kind)kind, other), bytes);
            assert_memory_equal(whole, other, bytes);
        }
    }
}

static void it_learns(void **unused) {
    pgd_device *device;
    pgd_layer *layer = net();
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_classifier *classifier;
    pgd_trainer_step step;
    bool done = false;
    double accuracy, before;
    pgd_dataset data = {SAMPLES, fields, 2, sample, NULL};
    pgd_classifier_options seen = images();
    pgd_training_options o = options();
    o.max_steps = 0, o.epochs = 12;
    assert_int_equal(pgd_device_open("cpu", NULL, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_OK);
    assert_int_equal(pgd_classifier_create(device, layer, state, &seen, &classifier), PGD_OK);
    assert_int_equal(pgd_classifier_classes(classifier), CLASSES);
    assert_int_equal(pgd_classifier_accuracy(classifier, &data, NULL, &before), PGD_OK);
    assert_true(before < 0.7);
    while (!done) assert_int_equal(pgd_trainer_advance(trainer, &step, &done), PGD_OK);
    assert_int_equal(pgd_classifier_accuracy(classifier, &data, NULL, &accuracy), PGD_OK);
    assert_true(accuracy > 0.97);
    pgd_classifier_destroy(classifier);
    pgd_trainer_destroy(trainer);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
}

static void a_loss_that_is_no_number_stops_with_a_sentence(void **unused) {
    pgd_device *device;
    pgd_layer *layer = net();
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_trainer_step step;
    bool done;
    int32_t outside = CLASSES; /* no such class */
    pgd_dataset data = {SAMPLES, fields, 2, sample, &outside};
    pgd_classifier_options seen = images();
    pgd_training_options o = options();
    assert_int_equal(pgd_device_open("cpu", NULL, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_OK);
    assert_int_equal(pgd_trainer_advance(trainer, &step, &done), PGD_BAD_STATE);
    assert_non_null(strstr(pgd_error_text(), "not a number at step 1"));
    pgd_trainer_destroy(trainer);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
}

static void wrong_options_and_states_are_refused(void **unused) {
    pgd_device *device;
    pgd_layer *layer = net();
    pgd_state *state;
    pgd_trainer *trainer;
    const float one = 1;
    const pgd_field narrow[2] = {{"samples", PGD_U8, {1, {SIDE}}}, {"labels", PGD_I32, {0}}};
    pgd_dataset data = {SAMPLES, fields, 2, sample, NULL}, small = {SAMPLES, narrow, 2, narrow_sample, NULL};
    pgd_classifier_options seen = images();
    pgd_training_options o = options();
    assert_int_equal(pgd_device_open("cpu", NULL, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_trainer_create(device, layer, state, &small, pgd_classifier_loss, &seen, &o, &trainer), PGD_BAD_ARG);
    o.batch = 0;
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "batch 0"));
    o = options();
    assert_int_equal(pgd_state_set(state, "0.weight", PGD_F32, pgd_shape_of(1, 1), &one), PGD_OK); /* another network's */
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_BAD_ARG);
    assert_non_null(strstr(pgd_error_text(), "another network"));
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    assert_null(pgd_layer_linear(0, 3, true));
    assert_null(pgd_layer_dropout(1));
    assert_null(pgd_layer_conv2d(3, 4, 3, &(pgd_layer_conv_options){.struct_bytes = sizeof(pgd_layer_conv_options), .stride = 1, .dilation = 1, .groups = 2}));
    assert_null(pgd_layer_sequential((pgd_layer *[]){pgd_layer_relu(), pgd_layer_linear(0, 1, true), pgd_layer_flatten()}, 3));
    assert_non_null(strstr(pgd_error_text(), "linear: 0 inputs"));
    pgd_device_close(device);
}

static void plain_steps(int64_t batch, int32_t accumulate, double *losses, float *weight) {
    pgd_device *device;
    pgd_layer *layer = pgd_layer_sequential((pgd_layer *[]){pgd_layer_flatten(), pgd_layer_linear(SIDE * SIDE, CLASSES, true)}, 2);
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_trainer_step step;
    bool done = false;
    pgd_dataset data = {128, fields, 2, sample, NULL};
    pgd_classifier_options seen = images();
    pgd_training_options o = options();
    o.batch = batch, o.accumulate = accumulate, o.max_steps = 0, o.epochs = 2;
    assert_int_equal(pgd_device_open("cpu", NULL, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &seen, &o, &trainer), PGD_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(pgd_trainer_advance(trainer, &step, &done), PGD_OK);
        assert_int_equal(step.samples, (i + 1) * 32);
        losses[i] = step.loss;
    }
    assert_int_equal(step.steps, 8);
    assert_int_equal(pgd_state_get(state, "1.weight", weight, CLASSES * SIDE * SIDE * sizeof *weight), PGD_OK);
    pgd_trainer_destroy(trainer);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
}

static void accumulated_batches_make_the_step_of_one_large_batch(void **unused) {
    double whole[8], parts[8];
    float a[CLASSES * SIDE * SIDE], b[CLASSES * SIDE * SIDE];
    plain_steps(32, 1, whole, a);
    plain_steps(8, 4, parts, b);
    for (int i = 0; i < 8; i++) assert_true(fabs(whole[i] - parts[i]) < 1e-6);
    for (int i = 0; i < CLASSES * SIDE * SIDE; i++) assert_true(fabsf(a[i] - b[i]) < 1e-6f);
    assert_true(whole[7] < whole[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_and_interruptions_do_not_change_a_bit),
        cmocka_unit_test(it_learns),
        cmocka_unit_test(a_loss_that_is_no_number_stops_with_a_sentence),
        cmocka_unit_test(accumulated_batches_make_the_step_of_one_large_batch),
        cmocka_unit_test(wrong_options_and_states_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
