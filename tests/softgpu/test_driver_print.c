/* SPDX-License-Identifier: Apache-2.0
 * What kernels print comes to stdout when the program synchronises, and not before; a failed assertion comes to stderr, and the context is lost; the heap of malloc lives as long as its context. */
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "driver_fixture.h"

static CUcontext context;
static CUmodule module;
static char report[64];

static CUmodule load(void) {
    char path[4096];
    CUmodule loaded;
    snprintf(path, sizeof path, "%s/tests/softgpu/kernels/printing.ptx", getenv("PAGODA_SOURCE_DIR"));
    OK(cuModuleLoad(&loaded, path));
    return loaded;
}

static int begin(void **unused) {
    OK(cuInit(0));
    OK(cuCtxCreate(&context, 0, 0));
    module = load();
    assert_int_equal(truncate(report, 0), 0);
    return 0;
}

static int end(void **unused) {
    if (context != NULL) OK(cuCtxDestroy(context));
    context = NULL;
    return 0;
}

/* ---- a file in the place of stdout or stderr --------------------------------------------------------------------------------------------------------------------------------- */

typedef struct capture {
    FILE *file;
    int number, before;
    char text[1 << 16];
} capture;
static capture out, err;

static void capture_begin(capture *c, int number) {
    fflush(stdout);
    c->number = number;
    c->before = dup(number);
    c->file = tmpfile();
    assert_true(c->before >= 0 && c->file != NULL);
    assert_true(dup2(fileno(c->file), number) >= 0);
}

/* What has come by now, the program's own stdio flushed or not. */
static const char *captured(capture *c) {
    ssize_t count = pread(fileno(c->file), c->text, sizeof c->text - 1, 0);
    c->text[count < 0 ? 0 : count] = '\0';
    return c->text;
}

static const char *capture_end(capture *c) {
    if (c->number == STDOUT_FILENO) fflush(stdout);
    captured(c);
    dup2(c->before, c->number);
    close(c->before);
    fclose(c->file);
    return c->text;
}

static CUfunction kernel(const char *name) {
    CUfunction f;
    OK(cuModuleGetFunction(&f, module, name));
    return f;
}

static CUresult launch(const char *name, unsigned int threads, void **parameters) { return cuLaunchKernel(kernel(name), 1, 1, 1, threads, 1, 1, 0, NULL, parameters, NULL); }

static void counted(int n) {
    void *parameters[] = {&n};
    OK(launch("counted", 1, parameters));
}

static void wait_silently(void) {
    while (cuStreamQuery(NULL) == CUDA_ERROR_NOT_READY) usleep(1000);
}

/* ---- when it is written -------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUevent event;
static CUdeviceptr buffer;
static void by_context(void) { OK(cuCtxSynchronize()); }
static void by_stream(void) { OK(cuStreamSynchronize(NULL)); }
static void by_event(void) {
    OK(cuEventRecord(event, NULL));
    OK(cuEventSynchronize(event));
}
static void by_copy(void) {
    int value;
    OK(cuMemcpyDtoH(&value, buffer, 4));
}
static void by_launch(void) { counted(0); }
static void by_load(void) {
    CUmodule loaded;
    OK(cuModuleLoadData(&loaded, fixture_ptx));
}
static void by_unload(void) {
    OK(cuModuleUnload(module));
    assert_string_equal(captured(&out), "record 0000\n");
    module = load();
}
static void by_end(void) {
    OK(cuCtxDestroy(context));
    context = NULL;
}
static _Atomic int seen;
static void look(CUstream stream, CUresult result, void *unused) { seen = strcmp(captured(&out), "record 0000\n") == 0 ? 1 : 2; }
static void by_callback(void) {
    seen = 0;
    OK(cuStreamAddCallback(NULL, look, NULL, 0));
    while (seen == 0) usleep(1000);
    assert_int_equal(seen, 1);
}

static void text_comes_when_the_program_synchronises(void **unused) {
    static void (*const ways[])(void) = {by_context, by_stream, by_event, by_copy, by_launch, by_load, by_unload, by_callback, by_end};
    OK(cuEventCreate(&event, 0));
    buffer = fixture_buffer(4);
    for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
        char before[64];
        capture_begin(&out, STDOUT_FILENO);
        counted(1);
        wait_silently();
        snprintf(before, sizeof before, "%.63s", captured(&out));
        ways[k]();
        captured(&out);
        capture_end(&out);
        assert_string_equal(before, "");
        assert_string_equal(out.text, "record 0000\n");
    }
}

static void it_stands_between_what_the_program_prints(void **unused) {
    capture_begin(&out, STDOUT_FILENO);
    printf("before\n");
    counted(2);
    OK(cuCtxSynchronize());
    printf("after\n");
    counted(1);
    OK(cuCtxSynchronize());
    assert_string_equal(capture_end(&out), "before\nrecord 0000\nrecord 0001\nafter\nrecord 0000\n");
}

static void streams_and_many_blocks_tear_no_record(void **unused) {
    CUstream streams[4];
    int n = 32, lines = 0;
    void *parameters[] = {&n};
    OK(cuCtxSynchronize());
    capture_begin(&out, STDOUT_FILENO);
    for (int k = 0; k < 4; k++) {
        OK(cuStreamCreate(&streams[k], CU_STREAM_NON_BLOCKING));
        OK(cuLaunchKernel(kernel("parted"), 8, 1, 1, 32, 1, 1, 0, streams[k], parameters, NULL));
    }
    OK(cuCtxSynchronize());
    capture_end(&out);
    for (char *line = strtok(out.text, "\n"); line != NULL; line = strtok(NULL, "\n"), lines++) {
        int a, b, used = 0;
        bool whole = (sscanf(line, "one %d%n", &a, &used) == 1 || sscanf(line, "%d of %d%n", &a, &b, &used) == 2 || sscanf(line, "block %d thread %d%n", &a, &b, &used) == 2) && line[used] == '\0';
        if (!whole) print_message("%s\n", line);
        assert_true(whole);
    }
    assert_int_equal(lines, 4 * 8 * (32 + 11 + 11 + 20)); /* all; those of 1 mod 3 once more, and once in the loop; those of 2 mod 3 twice in the loop */
}

/* Who reads what the program writes may be a thread of it, and may need the driver before it reads. */
static void *use_the_driver_and_read(void *ends) {
    char part[4096];
    size_t bytes = 0;
    int count;
    struct pollfd some = {((int *)ends)[0], POLLIN, 0};
    (void)poll(&some, 1, 10000);
    usleep(20000); /* the writer has come to the pipe's end */
    if (cuDeviceGetCount(&count) != CUDA_SUCCESS) return NULL;
    for (ssize_t more; (more = read(((int *)ends)[0], part, sizeof part)) > 0;) bytes += (size_t)more;
    ((int *)ends)[2] = (int)bytes;
    return NULL;
}

static void text_is_written_without_the_drivers_lock(void **unused) {
    enum { RECORDS = 12000 };
    pthread_t reader;
    int ends[3];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    assert_true(dup2(ends[1], STDOUT_FILENO) >= 0);
    close(ends[1]);
    assert_int_equal(pthread_create(&reader, NULL, use_the_driver_and_read, ends), 0);
    counted(RECORDS);
    CUresult result = cuCtxSynchronize();
    dup2(before, STDOUT_FILENO); /* which closes the pipe */
    close(before);
    assert_int_equal(pthread_join(reader, NULL), 0);
    close(ends[0]);
    OK(result);
    assert_int_equal(ends[2], 10000 * 12 + (RECORDS - 10000) * 13);
}

/* ---- the limit ---------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void what_is_too_much_pushes_out_the_oldest(void **unused) {
    char wanted[4096] = "", line[512] = "";
    size_t bytes;
    OK(cuCtxGetLimit(&bytes, CU_LIMIT_PRINTF_FIFO_SIZE));
    assert_int_equal(bytes, 1 << 20);
    OK(cuCtxSetLimit(CU_LIMIT_PRINTF_FIFO_SIZE, 1));
    OK(cuCtxGetLimit(&bytes, CU_LIMIT_PRINTF_FIFO_SIZE));
    assert_int_equal(bytes, 1024);
    OK(cuCtxSetLimit(CU_LIMIT_PRINTF_FIFO_SIZE, 1600));
    capture_begin(&out, STDOUT_FILENO);
    for (int round = 0; round < 3; round++) {
        counted(1000);
        OK(cuCtxSynchronize());
        for (int k = 900; k < 1000; k++) snprintf(wanted + strlen(wanted), sizeof wanted - strlen(wanted), "record %04d\n", k); /* 12 bytes, and 4 that say so */
        assert_string_equal(captured(&out), wanted);
    }
    capture_end(&out);
    FILE *file = fopen(report, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    assert_non_null(strstr(line, "10800 bytes that kernels printed are lost"));
    assert_int_equal(cuCtxSetLimit(CU_LIMIT_PRINTF_FIFO_SIZE, 4096), CUDA_ERROR_INVALID_VALUE); /* a kernel was launched that prints */
    OK(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, 1 << 16));
    assert_int_equal(cuCtxSetLimit((CUlimit)3, 1), CUDA_ERROR_UNSUPPORTED_LIMIT);
}

/* ---- assert ------------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void a_failed_assertion_loses_the_context(void **unused) {
    for (int late = 0; late < 2; late++) {
        CUdeviceptr x = fixture_buffer(4 * 32);
        void *parameters[] = {&x};
        OK(launch("checked", 32, parameters));
        OK(cuCtxSynchronize());
        OK(cuMemsetD32(x + 4 * 7, 5, 1));
        capture_begin(&out, STDOUT_FILENO);
        capture_begin(&err, STDERR_FILENO);
        counted(1);
        OK(launch("checked", 32, parameters));
        if (late) usleep(100000); /* it is over when the program asks */
        CUresult first = cuCtxSynchronize(), second = cuCtxSynchronize(), third = cuMemFree(x), fourth = cuStreamSynchronize(NULL);
        capture_end(&err);
        capture_end(&out);
        assert_int_equal(first, CUDA_ERROR_ASSERT);
        assert_int_equal(second, CUDA_ERROR_ASSERT);
        assert_int_equal(third, CUDA_ERROR_ASSERT);
        assert_int_equal(fourth, CUDA_ERROR_ASSERT);
        assert_string_equal(out.text, "record 0000\n");
        if (strstr(err.text, ": checked: block: [0,0,0], thread: [7,0,0] Assertion `x[threadIdx.x] < 5` failed.\n") == NULL || strncmp(err.text, "printing.cu:", 12) != 0) fail_msg("%s", err.text);
        assert_null(strchr(strchr(err.text, '\n') + 1, '\n')); /* once */
        assert_non_null(strstr(pgd_softgpu_error_text(), "thread (7,0,0): assertion `x[threadIdx.x] < 5` failed"));
        end(NULL);
        begin(NULL); /* another context works */
    }
    counted(0);
    OK(cuCtxSynchronize());
}

/* ---- the heap -------------------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void the_heap_is_of_the_context(void **unused) {
    size_t bytes, free_before, free_after, total;
    int value = 1234, got;
    long each = 1 << 16;
    OK(cuMemGetInfo(&free_before, &total));
    CUdeviceptr place = fixture_buffer(8), to = fixture_buffer(4), kept;
    void *keep[] = {&place, &value}, *use[] = {&place, &to}, *exhaust[] = {&to, &each};
    OK(cuCtxGetLimit(&bytes, CU_LIMIT_MALLOC_HEAP_SIZE));
    assert_int_equal(bytes, 8 << 20);
    OK(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, 1 << 20));
    OK(launch("keep", 1, keep));
    OK(cuMemcpyDtoH(&kept, place, sizeof kept));
    assert_int_equal(cuMemFree(kept), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpyDtoH(&got, kept, sizeof got), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemsetD32(kept, 1, 1), CUDA_ERROR_INVALID_VALUE);
    OK(launch("use", 1, use));
    OK(cuMemcpyDtoH(&got, to, sizeof got));
    assert_int_equal(got, value);
    OK(launch("exhaust", 1, exhaust));
    OK(cuMemcpyDtoH(&got, to, sizeof got));
    assert_int_equal(got, 15); /* 16 are a little more than there is */
    assert_int_equal(cuCtxSetLimit(CU_LIMIT_MALLOC_HEAP_SIZE, 2 << 20), CUDA_ERROR_INVALID_VALUE);
    OK(cuCtxDestroy(context));
    begin(NULL);
    OK(cuMemGetInfo(&free_after, &total));
    assert_int_equal(free_after, free_before);
}

static void a_pointer_of_another_context_is_not_freed(void **unused) {
    CUcontext other;
    int value = 1;
    CUdeviceptr place = fixture_buffer(8), to;
    void *keep[] = {&place, &value}, *use[] = {&place, &to};
    OK(launch("keep", 1, keep));
    OK(cuCtxSynchronize());
    OK(cuCtxCreate(&other, 0, 0));
    module = load();
    to = fixture_buffer(4);
    OK(launch("use", 1, use));
    assert_int_equal(cuCtxSynchronize(), CUDA_ERROR_LAUNCH_FAILED);
    assert_non_null(strstr(pgd_softgpu_error_text(), "which no malloc of a kernel of this context gave"));
    OK(cuCtxDestroy(other));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(text_comes_when_the_program_synchronises), TEST(it_stands_between_what_the_program_prints), TEST(streams_and_many_blocks_tear_no_record), TEST(text_is_written_without_the_drivers_lock),
        TEST(what_is_too_much_pushes_out_the_oldest), TEST(a_failed_assertion_loses_the_context), TEST(the_heap_is_of_the_context),
        TEST(a_pointer_of_another_context_is_not_freed),
    };
    int failed;
    snprintf(report, sizeof report, "/tmp/softgpu_report_%d", (int)getpid());
    FILE *file = fopen(report, "w");
    if (file == NULL) return 1;
    fclose(file);
    setenv("PAGODA_SOFTGPU_REPORT", report, 1);
    failed = cmocka_run_group_tests_name("softgpu/driver_print", tests, NULL, NULL);
    unlink(report);
    return failed;
}
