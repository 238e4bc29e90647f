/* SPDX-License-Identifier: Apache-2.0
 * Safetensors bytes from anywhere: a state takes them whole or not at all, and gives back what it took. */
#include <pagoda/nn.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static pgd_device *device;
    pgd_state *state;
    if (device == NULL && pgd_device_open("cpu", NULL, &device) != PGD_OK) abort();
    if (pgd_state_create(device, &state) != PGD_OK) return 0;
    pgd_status status = pgd_state_load_memory(state, (const char *)bytes, count, NULL);
    if (status != PGD_OK && pgd_state_count(state) != 0) abort();
    for (int32_t i = 0; i < pgd_state_count(state); i++) {
        const char *name;
        pgd_dtype dtype;
        pgd_shape shape;
        if (pgd_state_at(state, i, &name, &dtype, &shape) != PGD_OK) abort();
        if ((uint64_t)pgd_shape_elems(shape) * pgd_dtype_bytes(dtype) > count) abort();
    }
    pgd_state_destroy(state);
    return 0;
}
