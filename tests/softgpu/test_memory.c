/* SPDX-License-Identifier: Apache-2.0
 * Device memory: addresses, limits, what the host may read, and what is told of a wrong access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "exec/gpu_memory.h"

static gpu_memory *memory;

static int set_up(void **unused) {
    assert_int_equal(gpu_memory_create(2, 1 << 20, &memory), PGD_OK);
    return 0;
}
static int tear_down(void **unused) {
    gpu_memory_destroy(memory);
    return 0;
}

static uint64_t make(gpu_memory_kind kind, int32_t owner, uint64_t bytes) {
    uint64_t address;
    assert_int_equal(gpu_memory_allocate(memory, kind, owner, bytes, 1, NULL, &address), PGD_OK);
    return address;
}

/* Asks the kernel, which does not fault. */
static bool host_may_read(uint64_t address) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool may = write(ends[1], (const void *)(uintptr_t)address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return may;
}

static void the_host_faults_at_device_addresses_and_reads_pinned_ones(void **unused) {
    uint64_t device = make(GPU_MEMORY_DEVICE, 0, 100), pinned = make(GPU_MEMORY_PINNED, GPU_HOST, 100), managed = make(GPU_MEMORY_MANAGED, 1, 5000);
    assert_false(host_may_read(device));
    assert_true(host_may_read(pinned) && host_may_read(managed + 4999));
    memset((void *)(uintptr_t)pinned, 7, 100);
    assert_int_equal(*gpu_memory_at(memory, pinned + 99, 1, NULL), 7);
    assert_int_equal(gpu_memory_free(memory, pinned), PGD_OK);
    assert_false(host_may_read(pinned));
}

static void accesses_stay_within_one_living_allocation(void **unused) {
    gpu_allocation nearest;
    uint64_t a = make(GPU_MEMORY_DEVICE, 0, 100), b = make(GPU_MEMORY_DEVICE, 0, 100);
    assert_non_null(gpu_memory_at(memory, a + 96, 4, &nearest));
    assert_true(nearest.address == a);
    assert_null(gpu_memory_at(memory, a + 97, 4, &nearest));
    assert_null(gpu_memory_at(memory, a - 1, 1, &nearest));
    assert_null(gpu_memory_at(memory, a + 8192, UINT64_MAX, &nearest));
    assert_true(b >= a + 100 + GPU_PAGE);
    memset(gpu_memory_at(memory, a, 100, NULL), 1, 100);
    assert_int_equal(gpu_memory_free(memory, a), PGD_OK);
    assert_null(gpu_memory_at(memory, a, 1, &nearest));
    assert_true(nearest.freed && nearest.address == a);
    assert_int_equal(gpu_memory_free(memory, a), PGD_BAD_ARG);
    assert_int_equal(gpu_memory_free(memory, b + 1), PGD_BAD_ARG);
}

static void a_device_has_what_it_has(void **unused) {
    uint64_t address, left, total, a = make(GPU_MEMORY_DEVICE, 0, 1 << 19);
    assert_int_equal(gpu_memory_allocate(memory, GPU_MEMORY_DEVICE, 0, (1 << 19) + 1, 1, NULL, &address), PGD_NO_MEMORY);
    gpu_memory_usage(memory, 0, &left, &total);
    assert_true(left == 1 << 19 && total == 1 << 20);
    (void)make(GPU_MEMORY_DEVICE, 1, 1 << 20); /* the other one has its own */
    assert_int_equal(gpu_memory_free(memory, a), PGD_OK);
    (void)make(GPU_MEMORY_DEVICE, 0, 1 << 20);
}

/* 32 MiB of addresses, used up many times over: freed ones come back, zeroed, and living ones are never given twice. */
static void addresses_come_back_when_there_are_no_others(void **unused) {
    uint64_t kept = make(GPU_MEMORY_DEVICE, 1, 1000), first = make(GPU_MEMORY_DEVICE, 0, 300000), second;
    memset(gpu_memory_at(memory, kept, 1000, NULL), 5, 1000);
    assert_int_equal(gpu_memory_free(memory, first), PGD_OK);
    second = make(GPU_MEMORY_DEVICE, 0, 300000);
    assert_true(second != first);
    assert_int_equal(gpu_memory_free(memory, second), PGD_OK);
    bool again = false;
    for (int32_t i = 0; i < 1000; i++) {
        uint64_t address = make(GPU_MEMORY_DEVICE, 0, 200000 + 1000 * (uint64_t)(i % 7));
        char *bytes = gpu_memory_at(memory, address, 200000, NULL);
        assert_true(bytes[0] == 0 && bytes[199999] == 0);
        memset(bytes, 3, 200000);
        again = again || address == first;
        assert_true(address + 206000 < kept || address > kept + 1000);
        assert_int_equal(gpu_memory_free(memory, address), PGD_OK);
    }
    assert_true(again);
    assert_int_equal(*gpu_memory_at(memory, kept + 999, 1, NULL), 5);
}

/* 32 MiB of addresses are in use but for the last one; a gap is used again that reaches into what was never used. */
static void addresses_are_not_given_twice(void **unused) {
    enum { KIB = 1 << 10 };
    for (int32_t i = 0; i < 31; i++) (void)make(GPU_MEMORY_PINNED, GPU_HOST, (i < 30 ? 1020 : 1016) * KIB);
    uint64_t second, gone = make(GPU_MEMORY_PINNED, GPU_HOST, 4 * KIB);
    assert_int_equal(gpu_memory_free(memory, gone), PGD_OK);
    uint64_t first = make(GPU_MEMORY_PINNED, GPU_HOST, 1024 * KIB);
    if (gpu_memory_allocate(memory, GPU_MEMORY_PINNED, GPU_HOST, 600 * KIB, 1, NULL, &second) == PGD_OK) assert_true(second >= first + 1028 * KIB || first >= second + 604 * KIB);
}

static void many_may_be_read_by_the_host(void **unused) {
    enum { MANY = 120000 };
    gpu_memory *large;
    gpu_allocation nearest;
    static uint64_t held[MANY];
    assert_int_equal(gpu_memory_create(1, 256 << 20, &large), PGD_OK);
    for (int32_t i = 0; i < MANY; i++) {
        if (i % 1000 == 0) assert_int_equal(gpu_memory_allocate(large, GPU_MEMORY_DEVICE, 0, 64, 1, NULL, &held[i]), PGD_OK); /* those between do not part the others */
        assert_int_equal(gpu_memory_allocate(large, i % 2 == 0 ? GPU_MEMORY_PINNED : GPU_MEMORY_MANAGED, GPU_HOST, 16, 1, NULL, &held[i]), PGD_OK);
    }
    for (int32_t i = 0; i < MANY; i += 100) *(int32_t *)(uintptr_t)held[i] = i;
    for (int32_t i = 0; i < MANY; i += 100) {
        int32_t value;
        memcpy(&value, gpu_memory_at(large, held[i], sizeof value, NULL), sizeof value);
        assert_int_equal(value, i);
        assert_null(gpu_memory_at(large, held[i] + 16, 1, &nearest)); /* kernels find their ends all the same */
        assert_true(nearest.address == held[i] && held[i + 1] >= held[i] + 16 + GPU_PAGE);
    }
    assert_false(host_may_read(held[0] + GPU_PAGE)); /* the first ones end for the host, too */
    for (int32_t i = 0; i < MANY; i += 2) assert_int_equal(gpu_memory_free(large, held[i]), PGD_OK); /* holes everywhere */
    void *more = mmap(NULL, GPU_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* the process has mappings left */
    assert_true(more != MAP_FAILED);
    munmap(more, GPU_PAGE);
    for (int32_t i = 0; i < 20000; i++) assert_int_equal(gpu_memory_allocate(large, GPU_MEMORY_PINNED, GPU_HOST, 16, 1, NULL, &held[2 * i]), PGD_OK);
    gpu_memory_destroy(large);
}

static void memory_of_the_host_can_be_registered(void **unused) {
    static char own[4096];
    assert_int_equal(gpu_memory_register(memory, own, sizeof own), PGD_OK);
    assert_ptr_equal(gpu_memory_at(memory, (uint64_t)(uintptr_t)own + 5, 4, NULL), own + 5);
    assert_int_equal(gpu_memory_register(memory, own + 100, 10), PGD_BAD_ARG);
    assert_int_equal(gpu_memory_free(memory, (uint64_t)(uintptr_t)own), PGD_OK);
    assert_null(gpu_memory_at(memory, (uint64_t)(uintptr_t)own, 1, NULL));
    assert_int_equal(gpu_memory_register(memory, own + 1000, 100), PGD_OK);
    assert_int_equal(gpu_memory_free(memory, (uint64_t)(uintptr_t)own + 1000), PGD_OK);
    assert_int_equal(gpu_memory_register(memory, own, sizeof own), PGD_OK); /* around what was registered before */
    assert_ptr_equal(gpu_memory_at(memory, (uint64_t)(uintptr_t)own + 2000, 4, NULL), own + 2000);
    assert_int_equal(gpu_memory_free(memory, (uint64_t)(uintptr_t)own), PGD_OK);
    assert_int_equal(gpu_memory_register(memory, own, 10), PGD_OK);
    assert_int_equal(gpu_memory_register(memory, own + 10, 10), PGD_OK);
    assert_int_equal(gpu_memory_register(memory, NULL, 10), PGD_BAD_ARG);
}

static void a_window_forgets_what_was_freed_and_what_is_barred(void **unused) {
    gpu_memory_window window = {0};
    uint64_t a = make(GPU_MEMORY_DEVICE, 1, 64);
    assert_null(gpu_memory_look(memory, &window, 2, a, 4));
    assert_non_null(gpu_memory_look(memory, &window, 1, a, 4));
    assert_non_null(gpu_memory_look(memory, &window, 1, a + 60, 4));
    assert_null(gpu_memory_look(memory, &window, 1, a + 61, 4));
    assert_int_equal(gpu_memory_free(memory, a), PGD_OK);
    assert_null(gpu_memory_look(memory, &window, 1, a, 4));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_host_faults_at_device_addresses_and_reads_pinned_ones, set_up, tear_down),
        cmocka_unit_test_setup_teardown(accesses_stay_within_one_living_allocation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_has_what_it_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_come_back_when_there_are_no_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(addresses_are_not_given_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_may_be_read_by_the_host, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_of_the_host_can_be_registered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_window_forgets_what_was_freed_and_what_is_barred, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("softgpu/memory", tests, NULL, NULL);
}
