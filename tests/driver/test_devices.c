/* SPDX-License-Identifier: Apache-2.0
 * The list of devices, instruction set levels, and what every backend must do with memory and launches. */
#include <driver_share.h>

#include "check.h"

static void the_list_has_cpu_and_null(void **unused) {
    pgd_device_info info;
    bool cpu = false, null = false;
    assert_true(pgd_device_count() >= 2);
    for (int32_t i = 0; i < pgd_device_count(); i++) {
        ok(pgd_device_info_get(i, &info));
        assert_true(info.usable && info.name[0] != '\0');
        if (strcmp(info.id, "cpu") == 0) {
            cpu = true;
            assert_string_equal(info.kind, "host");
            assert_string_equal(info.isa, pgd_isa_name(pgd_isa_best()));
            assert_true(info.threads >= 1 && info.memory_bytes > 1 << 20);
        }
        null = null || strcmp(info.id, "null") == 0;
    }
    assert_true(cpu && null);
    fails(PGD_BAD_ARG, "there is no device", pgd_device_info_get(pgd_device_count(), &info));
    fails(PGD_BAD_ARG, "there is no device", pgd_device_info_get(-1, &info));
}

static void levels_have_names_and_portable_always_works(void **unused) {
    assert_true(pgd_isa_usable(PGD_ISA_PORTABLE) && pgd_isa_usable(pgd_isa_best()));
    for (int isa = 0; isa < (int)pgd_isa_best(); isa++) assert_false(pgd_isa_usable((pgd_isa)isa));
    assert_string_equal(pgd_isa_name(PGD_ISA_AVX2), "avx2");
    assert_string_equal(pgd_isa_name((pgd_isa)77), "?");
}

static void devices_are_found_by_id(void **unused) {
    const pgd_drv_backend *backend;
    int32_t index;
    ok(pgd_drv_find("cpu", &backend, &index));
    assert_string_equal(backend->kind, "host");
    ok(pgd_drv_find("auto", &backend, &index));
    ok(pgd_drv_find("null", &backend, &index));
    assert_string_equal(backend->kind, "null");
    fails(PGD_BAD_ARG, "there is no device \"gpu7\"", pgd_drv_find("gpu7", &backend, &index));
}

static void add_one(const void *params, char *const *mem, int64_t chunk, void *scratch) { ((int32_t *)(void *)mem[1])[chunk] = ((int32_t *)(void *)mem[0])[chunk] + *(const int32_t *)params; }

static void memory_and_launches(const char *id, bool computes) {
    const pgd_drv_backend *b;
    int32_t index, got[8] = {9, 9, 9, 9, 9, 9, 9, 9}, numbers[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    pgd_drv_device *device;
    pgd_drv_buffer *from, *to, *none;
    ok(pgd_drv_find(id, &b, &index));
    ok(b->open(index, &(pgd_drv_options){.threads = 2}, &device));
    assert_ptr_equal(device->backend, b);
    ok(b->buffer_create(device, 32, &from));
    ok(b->buffer_create(device, 32, &to));
    ok(b->buffer_create(device, 0, &none));
    assert_int_equal(from->bytes, 32);
    ok(b->write(device, (pgd_mem){from, 0}, numbers, 32));
    ok(b->fill(device, (pgd_mem){to, 0}, 0, 32));
    ok(b->launch(device, &(pgd_drv_launch){add_one, &(int32_t){100}, 7}, (pgd_mem[]){{from, 4}, {to, 0}}, 2));
    ok(b->sync(device));
    ok(b->read(device, got, (pgd_mem){to, 0}, 32));
    for (int i = 0; i < 8; i++) assert_int_equal(got[i], computes && i < 7 ? 101 + i : 0);
    ok(b->copy(device, (pgd_mem){to, 0}, (pgd_mem){from, 8}, 24));
    ok(b->read(device, got, (pgd_mem){to, 20}, 4));
    assert_int_equal(got[0], computes ? 7 : 0);
    ok(b->read(device, NULL, (pgd_mem){none, 0}, 0));
    fails(PGD_BAD_ARG, "write: 5 bytes at offset 28 lie outside the buffer of 32 bytes", b->write(device, (pgd_mem){to, 28}, numbers, 5));
    fails(PGD_BAD_ARG, "read: ", b->read(device, got, (pgd_mem){to, 33}, 0));
    fails(PGD_BAD_ARG, "fill: ", b->fill(device, (pgd_mem){to, UINT64_MAX}, 1, 2)); /* the sum would wrap around */
    fails(PGD_BAD_ARG, "copy: ", b->copy(device, (pgd_mem){to, 0}, (pgd_mem){from, 4}, 32));
    fails(PGD_BAD_ARG, "copy: ", b->copy(device, (pgd_mem){none, 0}, (pgd_mem){from, 0}, 1));
    b->buffer_destroy(device, from);
    b->buffer_destroy(device, to);
    b->buffer_destroy(device, none);
    b->close(device);
}

static void the_host_keeps_memory_and_computes(void **unused) { memory_and_launches("cpu", true); }
static void null_checks_and_computes_nothing(void **unused) { memory_and_launches("null", false); }

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_list_has_cpu_and_null), cmocka_unit_test(levels_have_names_and_portable_always_works), cmocka_unit_test(devices_are_found_by_id),
                                       cmocka_unit_test(the_host_keeps_memory_and_computes), cmocka_unit_test(null_checks_and_computes_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
