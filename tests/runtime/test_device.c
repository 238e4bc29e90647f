/* SPDX-License-Identifier: Apache-2.0
 * Opened devices: options, buffers and their cache, memory used in place, streams and events. */
#include <pthread.h>
#include <runtime_share.h>

#include "check.h"

static pgd_device *open_cpu(uint64_t cache_bytes) {
    pgd_device *device;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    o.threads = 2;
    o.cache_bytes = cache_bytes;
    ok(pgd_device_open("cpu", &o, &device));
    return device;
}

static uint64_t bytes_in_use(void) {
    uint64_t now;
    pgd_memory_in_use(&now, NULL);
    return now;
}

static void options_choose_the_level(void **unused) {
    pgd_device *device;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    assert_true(o.struct_bytes == sizeof o && o.isa == NULL && o.cache_bytes > 0);
    for (int isa = 0; isa < PGD_ISA_COUNT; isa++) {
        o.isa = pgd_isa_name((pgd_isa)isa);
        if (!pgd_isa_usable((pgd_isa)isa)) {
            fails(PGD_DEVICE, "this processor has no", pgd_device_open("cpu", &o, &device));
            continue;
        }
        ok(pgd_device_open("cpu", &o, &device));
        assert_int_equal(pgd_device_isa(device), isa);
        assert_string_equal(pgd_device_kind(device), "host");
        pgd_device_close(device);
    }
    o.isa = "sse9";
    fails(PGD_BAD_ARG, "no instruction set level \"sse9\"", pgd_device_open("cpu", &o, &device));
    assert_null(device);
}

static void wrong_openings_are_refused(void **unused) {
    pgd_device *device;
    pgd_device_options o;
    pgd_device_options_init(&o, sizeof o);
    fails(PGD_BAD_ARG, "no device \"tpu\"", pgd_device_open("tpu", NULL, &device));
    o.threads = -1;
    fails(PGD_BAD_ARG, "threads is -1", pgd_device_open("cpu", &o, &device));
    o.threads = 100000;
    fails(PGD_BAD_ARG, "threads is 100000", pgd_device_open("cpu", &o, &device));
    o.struct_bytes = 1;
    fails(PGD_BAD_ARG, "pgd_device_options", pgd_device_open("cpu", &o, &device));
    pgd_device_close(NULL);
}

static void buffers_hold_what_was_written(void **unused) {
    pgd_device *device = open_cpu(1 << 20);
    pgd_buffer *buffer, *empty;
    char text[16] = "0123456789abcde", got[16];
    ok(pgd_buffer_create(device, 16, &buffer));
    ok(pgd_buffer_create(device, 0, &empty));
    assert_int_equal(pgd_buffer_bytes(buffer), 16);
    assert_ptr_equal(pgd_buffer_device(buffer), device);
    ok(pgd_buffer_write(buffer, 0, text, 16));
    ok(pgd_buffer_read(got, buffer, 10, 6));
    assert_string_equal(got, "abcde");
    assert_memory_equal(pgd_buffer_address(buffer), text, 16);
    ok(pgd_buffer_write(empty, 0, NULL, 0));
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_write(buffer, 1, text, 16));
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_read(got, buffer, 17, 0));
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_read(got, empty, 0, 1));
    pgd_buffer_destroy(buffer);
    pgd_buffer_destroy(empty);
    pgd_buffer_destroy(NULL);
    pgd_device_close(device);
}

/* A buffer from the cache may be larger than asked for; its ends are still those that were asked for. */
static void a_reused_buffer_ends_where_it_says(void **unused) {
    pgd_device *device = open_cpu(1 << 20);
    pgd_buffer *buffer;
    char got[128];
    ok(pgd_buffer_create(device, 100, &buffer));
    pgd_buffer_destroy(buffer);
    ok(pgd_buffer_create(device, 60, &buffer));
    assert_int_equal(pgd_buffer_bytes(buffer), 60);
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_read(got, buffer, 0, 61));
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_write(buffer, 60, got, 1));
    pgd_buffer_destroy(buffer);
    pgd_device_close(device);
}

static void freed_memory_is_used_again_within_bounds(void **unused) {
    pgd_device *device = open_cpu(100000);
    pgd_buffer *buffer, *others[100];
    ok(pgd_buffer_create(device, 5000, &buffer));
    void *address = pgd_buffer_address(buffer);
    pgd_buffer_destroy(buffer);
    ok(pgd_buffer_create(device, 4000, &buffer)); /* at most half is wasted */
    assert_ptr_equal(pgd_buffer_address(buffer), address);
    pgd_buffer_destroy(buffer);
    ok(pgd_buffer_create(device, 1000, &buffer));
    assert_ptr_not_equal(pgd_buffer_address(buffer), address);
    pgd_buffer_destroy(buffer);
    uint64_t before = bytes_in_use();
    for (int i = 0; i < 100; i++) ok(pgd_buffer_create(device, 9000, &others[i]));
    for (int i = 0; i < 100; i++) pgd_buffer_destroy(others[i]);
    check(bytes_in_use() < before + 100000 + 64 * 1024, "%llu bytes are cached, 100000 were allowed", (unsigned long long)(bytes_in_use() - before));
    before = bytes_in_use();
    ok(pgd_buffer_create(device, 10 << 20, &buffer)); /* larger than the cache */
    pgd_buffer_destroy(buffer);
    assert_true(bytes_in_use() <= before);
    pgd_device_close(device);
    assert_int_equal(bytes_in_use(), 0);
}

static void wrapped_memory_is_used_in_place_and_not_freed(void **unused) {
    pgd_device *device = open_cpu(1 << 20), *null;
    pgd_buffer *buffer;
    char mine[8] = "in here";
    ok(pgd_buffer_wrap(device, mine, sizeof mine, &buffer));
    assert_ptr_equal(pgd_buffer_address(buffer), mine);
    ok(pgd_buffer_write(buffer, 3, "THERE", 5));
    assert_memory_equal(mine, "in THERE", 8);
    fails(PGD_BAD_ARG, "outside the buffer", pgd_buffer_write(buffer, 4, "THERE", 5));
    pgd_buffer_destroy(buffer);
    ok(pgd_buffer_create(device, 8, &buffer)); /* what was wrapped is not given out as cache */
    assert_ptr_not_equal(pgd_buffer_address(buffer), mine);
    pgd_buffer_destroy(buffer);
    ok(pgd_device_open("null", NULL, &null));
    fails(PGD_UNSUPPORTED, "only the host device", pgd_buffer_wrap(null, mine, 8, &buffer));
    pgd_device_close(null);
    pgd_device_close(device);
}

static void double_it(const void *params, char *const *mem, int64_t chunk, void *scratch) { ((float *)(void *)mem[0])[chunk] *= 2; }

static void streams_run_in_order_and_events_measure(void **unused) {
    pgd_device *device = open_cpu(1 << 20);
    pgd_stream *stream;
    pgd_event *before, *after;
    pgd_buffer *a, *b;
    uint64_t ns;
    float values[4] = {1, 2, 3, 4}, got[4];
    ok(pgd_stream_create(device, &stream));
    assert_ptr_equal(pgd_stream_device(stream), device);
    ok(pgd_event_create(device, &before));
    ok(pgd_event_create(device, &after));
    ok(pgd_buffer_create(device, 16, &a));
    ok(pgd_buffer_create(device, 16, &b));
    ok(pgd_buffer_write(a, 0, values, 16));
    fails(PGD_BAD_STATE, "recorded", pgd_event_elapsed(before, after, &ns));
    ok(pgd_event_record(before, stream));
    ok(pgd_stream_launch(stream, &(pgd_drv_launch){double_it, NULL, 3}, (pgd_buffer_span[]){{a, 4}}, 1));
    ok(pgd_stream_fill(stream, (pgd_buffer_span){b, 0}, 0, 16));
    ok(pgd_stream_copy(stream, (pgd_buffer_span){b, 4}, (pgd_buffer_span){a, 0}, 12));
    ok(pgd_event_record(after, stream));
    ok(pgd_stream_sync(stream));
    ok(pgd_buffer_read(got, b, 0, 16));
    assert_true(got[0] == 0 && got[1] == 1 && got[2] == 4 && got[3] == 6);
    ok(pgd_event_elapsed(before, after, &ns));
    assert_true(ns > 0 && ns < 10000000000u);
    fails(PGD_BAD_ARG, "outside the buffer", pgd_stream_copy(stream, (pgd_buffer_span){b, 8}, (pgd_buffer_span){a, 0}, 12));
    fails(PGD_BAD_ARG, "outside the buffer", pgd_stream_fill(stream, (pgd_buffer_span){b, 17}, 0, 0));
    ok(pgd_stream_sync(stream)); /* a wrong argument does not break the stream */
    pgd_buffer_destroy(a);
    pgd_buffer_destroy(b);
    pgd_event_destroy(before);
    pgd_event_destroy(after);
    pgd_stream_destroy(stream);
    pgd_device_close(device);
}

static void *churn(void *device) {
    for (int i = 0; i < 300; i++) {
        pgd_buffer *buffers[5];
        for (int k = 0; k < 5; k++) {
            char mark = (char)(i + k), got;
            if (pgd_buffer_create(device, (uint64_t)(64 << (i + k) % 6), &buffers[k]) != PGD_OK || pgd_buffer_write(buffers[k], 63, &mark, 1) != PGD_OK) return NULL;
            if (pgd_buffer_read(&got, buffers[k], 63, 1) != PGD_OK || got != mark) return NULL;
        }
        for (int k = 0; k < 5; k++) pgd_buffer_destroy(buffers[k]);
    }
    return device;
}

static void many_threads_use_one_device(void **unused) {
    pgd_device *device = open_cpu(2000);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, churn, device), 0);
    for (int i = 0; i < 4; i++) {
        void *right;
        pthread_join(threads[i], &right);
        assert_non_null(right);
    }
    pgd_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_choose_the_level), cmocka_unit_test(wrong_openings_are_refused), cmocka_unit_test(buffers_hold_what_was_written), cmocka_unit_test(a_reused_buffer_ends_where_it_says),
        cmocka_unit_test(freed_memory_is_used_again_within_bounds), cmocka_unit_test(wrapped_memory_is_used_in_place_and_not_freed), cmocka_unit_test(streams_run_in_order_and_events_measure),
        cmocka_unit_test(many_threads_use_one_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
