/* SPDX-License-Identifier: Apache-2.0
 * Each allocation of a whole training - build, compile, train, save, load, predict - fails once: every failure is reported as such, nothing
 * leaks, nothing crashes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pagoda/nn.h>

enum { SIDE = 4, SAMPLES = 6, CLASSES = 2 };

static atomic_long countdown; /* allocations until one fails; below zero: none does */
static atomic_long failed;

static void *resize(void *user, void *pointer, size_t old_bytes, size_t new_bytes, size_t alignment) {
    void *fresh = NULL;
    if (new_bytes == 0) {
        free(pointer);
        return NULL;
    }
    if (atomic_fetch_sub(&countdown, 1) == 0) {
        atomic_fetch_add(&failed, 1);
        return NULL;
    }
    if (posix_memalign(&fresh, alignment, new_bytes) != 0) return NULL;
    if (pointer != NULL) {
        memcpy(fresh, pointer, old_bytes < new_bytes ? old_bytes : new_bytes);
        free(pointer);
    }
    return fresh;
}

static void sample(void *user, int64_t index, uint64_t random, void *const *fields) {
    uint8_t *to = fields[0];
    int32_t *label = fields[1];
    *label = (int32_t)(index % CLASSES);
    for (int i = 0; i < SIDE * SIDE; i++) to[i] = (uint8_t)(index * 40 + i);
}

#define TRY(call)                               \
    do {                                        \
        if ((status = (call)) != PGD_OK) goto end; \
    } while (0)

static pgd_layer *net(void) {
    pgd_layer *body[] = {pgd_layer_conv2d(2, 2, 1, NULL), pgd_layer_batch_norm(2, 1e-5, 0.1)};
    pgd_layer *layers[] = {pgd_layer_conv2d(1, 2, 1, NULL), pgd_layer_residual(pgd_layer_sequential(body, 2), pgd_layer_identity()), pgd_layer_max_pool(2, 2, 0), pgd_layer_flatten(), pgd_layer_dropout(0.5), pgd_layer_linear(8, CLASSES, true)};
    return pgd_layer_sequential(layers, 6);
}

static pgd_status whole_life(void) {
    pgd_status status = PGD_NO_MEMORY;
    pgd_device_options device_options;
    pgd_device *device = NULL;
    pgd_state *state = NULL, *loaded = NULL;
    pgd_trainer *trainer = NULL;
    pgd_classifier *classifier = NULL;
    pgd_trainer_step step;
    bool done = false;
    uint8_t pixels[SIDE * SIDE] = {0};
    float probabilities[CLASSES];
    char value[16];
    const pgd_field fields[2] = {{"samples", PGD_U8, {3, {1, SIDE, SIDE}}}, {"labels", PGD_I32, {0}}};
    pgd_dataset data = {SAMPLES, fields, 2, sample, NULL};
    pgd_classifier_options images;
    pgd_training_options o;
    const pgd_metadata metadata = {"key", "value"};
    pgd_classifier_options_init(&images, sizeof images);
    pgd_training_options_init(&o, sizeof o);
    pgd_device_options_init(&device_options, sizeof device_options);
    device_options.threads = 2;
    images.channels = 1, images.height = images.width = SIDE;
    o.batch = 2, o.accumulate = 2, o.epochs = 2, o.loader_threads = 2;
    pgd_optimizer_options optimizer;
    pgd_optimizer_options_init(&optimizer, sizeof optimizer, PGD_OPTIMIZER_MUON);
    optimizer.clip_norm = 1, optimizer.average_decay = 0.9;
    o.optimizer = &optimizer;
    pgd_layer *layer = net();
    if (layer == NULL) goto end;
    TRY(pgd_device_open("cpu", &device_options, &device));
    TRY(pgd_state_create(device, &state));
    TRY(pgd_trainer_create(device, layer, state, &data, pgd_classifier_loss, &images, &o, &trainer));
    while (!done) TRY(pgd_trainer_advance(trainer, &step, &done));
    TRY(pgd_state_save(state, "test_allocations.tmp", &metadata, 1, NULL, 0, NULL));
    TRY(pgd_file_metadata("test_allocations.tmp", "key", value, sizeof value));
    TRY(pgd_state_create(device, &loaded));
    TRY(pgd_state_load(loaded, "test_allocations.tmp", NULL));
    TRY(pgd_classifier_create(device, layer, loaded, &images, &classifier));
    TRY(pgd_classifier_predict(classifier, pixels, 1, NULL, probabilities));
end:
    pgd_classifier_destroy(classifier);
    pgd_trainer_destroy(trainer);
    pgd_state_destroy(loaded);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return status;
}

static void every_failing_allocation_is_survived(void **unused) {
    pgd_init_options options;
    pgd_init_options_init(&options, sizeof options);
    options.resize = resize;
    long n = 0, survived = 0;
    for (;; n++) {
        uint64_t in_use;
        assert_int_equal(pgd_init(&options), PGD_OK);
        atomic_store(&failed, 0);
        atomic_store(&countdown, n);
        pgd_status status = whole_life();
        atomic_store(&countdown, -1);
        pgd_memory_in_use(&in_use, NULL);
        assert_int_equal(in_use, 0);
        if (atomic_load(&failed) == 0) {
            assert_int_equal(status, PGD_OK);
            break;
        }
        if (status == PGD_OK) { /* what only makes things faster may be done without: the second thread, common subexpressions */
            survived++;
            continue;
        }
        if (status != PGD_NO_MEMORY) print_message("allocation %ld: %s: %s\n", n, pgd_status_name(status), pgd_error_text());
        assert_int_equal(status, PGD_NO_MEMORY);
    }
    unlink("test_allocations.tmp");
    assert_true(n > 300);
    if (survived >= n / 50) print_message("%ld of %ld survived\n", survived, n);
    assert_true(survived < n / 50);
}

static void two_numbers(void *user, int64_t index, uint64_t random, void *const *fields) {
    float *x = fields[0], *y = fields[1];
    x[0] = (float)index * 0.1f, x[1] = 1, *y = (float)(index % 3);
}

static pgd_value *squares(void *user, pgd_graph *graph, const pgd_layer *layer, pgd_value *const *fields, bool training) {
    return pgd_loss_mse(graph, pgd_layer_forward(layer, graph, fields[0], training, ""), fields[1]);
}

/* One step of two batches; when its n-th allocation fails it is tried again. False: none failed. */
static bool step_again(long n, float weights[2]) {
    pgd_device *device;
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_trainer_step step;
    pgd_training_options o;
    bool done;
    const pgd_field fields[2] = {{"x", PGD_F32, {1, {2}}}, {"y", PGD_F32, {1, {1}}}};
    pgd_dataset data = {8, fields, 2, two_numbers, NULL};
    pgd_training_options_init(&o, sizeof o);
    o.batch = 4, o.epochs = 1, o.accumulate = 2, o.seed = 3;
    assert_int_equal(pgd_device_open("cpu", NULL, &device), PGD_OK);
    assert_int_equal(pgd_state_create(device, &state), PGD_OK);
    pgd_layer *layer = pgd_layer_linear(2, 1, false);
    assert_int_equal(pgd_trainer_create(device, layer, state, &data, squares, NULL, &o, &trainer), PGD_OK);
    atomic_store(&failed, 0);
    atomic_store(&countdown, n);
    pgd_status status = pgd_trainer_advance(trainer, &step, &done);
    atomic_store(&countdown, -1);
    if (status != PGD_OK) assert_int_equal(pgd_trainer_advance(trainer, &step, &done), PGD_OK);
    assert_int_equal(pgd_state_get(state, "weight", weights, 2 * sizeof *weights), PGD_OK);
    pgd_trainer_destroy(trainer);
    pgd_layer_destroy(layer);
    pgd_state_destroy(state);
    pgd_device_close(device);
    return atomic_load(&failed) != 0;
}

static void a_step_that_ran_out_of_memory_can_be_tried_again(void **unused) {
    pgd_init_options options;
    float wanted[2], got[2];
    long n = 0;
    pgd_init_options_init(&options, sizeof options);
    options.resize = resize;
    assert_int_equal(pgd_init(&options), PGD_OK);
    step_again(-1, wanted);
    for (; step_again(n, got); n++) assert_memory_equal(got, wanted, sizeof got);
    assert_true(n > 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_failing_allocation_is_survived), cmocka_unit_test(a_step_that_ran_out_of_memory_can_be_tried_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
