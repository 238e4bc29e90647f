/* SPDX-License-Identifier: Apache-2.0
 * Training with layers: a small convolutional network learns to tell rising from falling diagonals in noisy 12x12 pictures, is saved in the
 * safetensors format, and a fresh state that loads the file classifies pictures it has never seen. Takes the folder to write in. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTENT = 12, PIXELS = EXTENT * EXTENT, CLASSES = 2, TRAINING = 4000, TESTING = 1000 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

/* Picture `index` of the set that begins at *first: any noise, and one bright diagonal somewhere. */
static void picture(void *first, int64_t index, uint64_t random, void *const *fields) {
    uint8_t *to = fields[0];
    int32_t *label = fields[1];
    uint64_t state = ((uint64_t)(*(const int64_t *)first + index) + 1) * 0x9e3779b97f4a7c15u;
    (void)random; /* nothing is varied from epoch to epoch */
    for (int i = 0; i < PIXELS; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        to[i] = (uint8_t)(state >> 33) / 2;
    }
    bool rising = (state >> 20 & 1) != 0;
    int length = 5 + (int)(state >> 40) % 5, row = (int)(state >> 45) % (EXTENT - length), col = (int)(state >> 50) % (EXTENT - length);
    for (int i = 0; i < length; i++) to[(row + (rising ? length - 1 - i : i)) * EXTENT + col + i] = (uint8_t)(150 + (state >> (i + 8)) % 100);
    *label = rising ? 1 : 0;
}

static pgd_layer *network(void) {
    pgd_layer_conv_options padded;
    pgd_layer_conv_options_init(&padded, sizeof padded);
    padded.padding = 1;
    pgd_layer *layers[] = {pgd_layer_conv2d(1, 8, 3, &padded), pgd_layer_relu(), pgd_layer_max_pool(2, 2, 0), pgd_layer_flatten(), pgd_layer_linear(8 * PIXELS / 4, CLASSES, true)};
    return pgd_layer_sequential(layers, sizeof layers / sizeof *layers);
}

static void train(pgd_device *device, const pgd_layer *layer, const pgd_classifier_options *options, const char *path) {
    int64_t first = 0;
    pgd_field fields[2];
    pgd_classifier_options images = *options;
    pgd_training_options training;
    must(pgd_classifier_fields(options, fields));
    pgd_dataset set = {.count = TRAINING, .fields = fields, .field_count = 2, .sample = picture, .user = &first};
    pgd_state *state;
    pgd_trainer *trainer;
    pgd_trainer_step step = {0};
    must(pgd_state_create(device, &state));
    must(pgd_layer_init(layer, "", 1, state, NULL));
    pgd_training_options_init(&training, sizeof training);
    training.batch = 50;
    training.epochs = 4;
    must(pgd_trainer_create(device, layer, state, &set, pgd_classifier_loss, &images, &training, &trainer));
    for (bool done = false; !done;) must(pgd_trainer_advance(trainer, &step, &done));
    pgd_trainer_destroy(trainer);
    const char *const not_weights[] = {"optimizer.", "trainer.", "random"};
    must(pgd_state_save(state, path, NULL, 0, not_weights, 3, NULL));
    pgd_state_destroy(state);
}

int main(int argc, char **argv) {
    char path[1024];
    snprintf(path, sizeof path, "%s/diagonals.safetensors", argc > 1 ? argv[1] : ".");
    pgd_device *device;
    pgd_layer *layer = network();
    pgd_classifier_options options;
    must(pgd_device_open("auto", NULL, &device));
    if (layer == NULL) must(PGD_BAD_ARG);
    pgd_classifier_options_init(&options, sizeof options);
    options.channels = 1;
    options.height = options.width = EXTENT;
    train(device, layer, &options, path);

    pgd_state *state;
    pgd_classifier *classifier;
    double accuracy;
    int64_t first = TRAINING;
    pgd_field fields[2];
    must(pgd_classifier_fields(&options, fields));
    pgd_dataset unseen = {.count = TESTING, .fields = fields, .field_count = 2, .sample = picture, .user = &first};
    must(pgd_state_create(device, &state));
    must(pgd_state_load(state, path, NULL));
    must(pgd_classifier_create(device, layer, state, &options, &classifier));
    must(pgd_classifier_accuracy(classifier, &unseen, NULL, &accuracy));
    printf("%d parameters, %.1f %% of %d unseen pictures right\n", (int)pgd_layer_parameters(layer), 100 * accuracy, TESTING);

    pgd_classifier_destroy(classifier);
    pgd_state_destroy(state);
    pgd_layer_destroy(layer);
    pgd_device_close(device);
    return 0;
}
