/* SPDX-License-Identifier: Apache-2.0
 * PAGODA_SOFTGPU_SEED, which a process reads once: this program starts itself with one seed after the other and compares what it says. */
#include <sys/wait.h>
#include <unistd.h>

#include "driver_fixture.h"

enum { STREAMS = 6, SEEDS = 20 };

/* ---- what is started ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const char racy[] =
    ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry last(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %t, %b, %v;\n.reg .pred %p;\nld.param.u64 %o, [at];\nmov.u32 %b, %ctaid.x;\nmov.u32 %t, %warpid;\nst.global.u32 [%o], %b;\nst.global.u32 [%o+4], %t;\n"
    "mov.u32 %t, %tid.x;\nsetp.ne.u32 %p, %t, 0;\n@%p ret;\nld.global.u32 %v, [%o+8];\nadd.u32 %v, %v, 1;\nst.global.u32 [%o+8], %v;\nret;\n}\n";

static uint32_t word(CUdeviceptr at) {
    uint32_t value = 0;
    return cuMemcpyDtoH(&value, at, 4) == CUDA_SUCCESS ? value : UINT32_MAX;
}

static CUdeviceptr cleared(void) {
    CUdeviceptr at = 0;
    return cuMemAlloc(&at, 64) == CUDA_SUCCESS && cuMemsetD8(at, 0, 64) == CUDA_SUCCESS && cuCtxSynchronize() == CUDA_SUCCESS ? at : 0;
}

/* Two launches of a kernel whose blocks and warps race, and then the streams of a program that does not say in which order they are. */
static int say_races(void) {
    CUmodule m;
    CUfunction f;
    CUstream streams[STREAMS];
    CUdeviceptr at = cleared();
    void *parameters[] = {&at};
    if (cuModuleLoadData(&m, racy) != CUDA_SUCCESS || cuModuleGetFunction(&f, m, "last") != CUDA_SUCCESS) return 1;
    for (int k = 0; k < 2; k++) {
        if (cuLaunchKernel(f, 40, 1, 1, 256, 1, 1, 0, NULL, parameters, NULL) != CUDA_SUCCESS) return 1;
        printf("%u %u %u, ", word(at), word(at + 4), word(at + 8));
    }
    for (int k = 0; k < STREAMS; k++)
        if (cuStreamCreate(&streams[k], CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS || cuMemsetD32Async(at, (unsigned)k, 1, streams[k]) != CUDA_SUCCESS) return 1;
    while (cuStreamQuery(streams[3]) == CUDA_ERROR_NOT_READY) {}
    cuStreamSynchronize(streams[1]);
    cuCtxSynchronize();
    printf("%u\n", word(at));
    return 0;
}

/* A kernel that spins until the program, which asks again and again whether it is over, writes to memory that both reach. */
static const char spinning[] = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry spin(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %v;\n.reg .pred %p;\nld.param.u64 %o, [at];\nAGAIN: ld.volatile.global.u32 %v, [%o];\nsetp.eq.u32 %p, %v, 0;\n@%p bra AGAIN;\nret;\n}\n";

static int say_polling(void) {
    CUmodule m;
    CUfunction f;
    CUstream stream;
    CUdeviceptr at;
    void *flag, *parameters[] = {&at};
    CUresult result = CUDA_ERROR_NOT_READY;
    if (cuModuleLoadData(&m, spinning) != CUDA_SUCCESS || cuModuleGetFunction(&f, m, "spin") != CUDA_SUCCESS || cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS) return 1;
    if (cuMemHostAlloc(&flag, 64, CU_MEMHOSTALLOC_DEVICEMAP) != CUDA_SUCCESS || cuMemHostGetDevicePointer(&at, flag, 0) != CUDA_SUCCESS) return 1;
    __atomic_store_n((uint32_t *)flag, 0, __ATOMIC_SEQ_CST);
    if (cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL) != CUDA_SUCCESS) return 1;
    for (int k = 0; result == CUDA_ERROR_NOT_READY; k++) {
        result = cuStreamQuery(stream);
        if (k == 20) __atomic_store_n((uint32_t *)flag, 1, __ATOMIC_SEQ_CST);
    }
    printf("%d\n", result);
    return 0;
}

/* A stream copies what another one wrote; an event says so, or is forgotten. With `check` that is its exit status (tests/cli/test_gpu.c). */
static int say_events(bool forgotten, bool check) {
    CUstream first, second;
    CUevent done;
    CUdeviceptr at = cleared(), to = cleared();
    if (cuStreamCreate(&first, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS || cuStreamCreate(&second, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS || cuEventCreate(&done, 0) != CUDA_SUCCESS) return 1;
    cuMemsetD32Async(at, 5, 1, first);
    cuEventRecord(done, first);
    if (!forgotten) cuStreamWaitEvent(second, done, 0);
    cuMemcpyDtoDAsync(to, at, 4, second);
    cuStreamSynchronize(second);
    printf("%u\n", word(to));
    return check && word(to) != 5 ? 3 : 0;
}

static int say_planted(void) {
    char path[4096];
    CUmodule m;
    CUfunction f;
    CUdeviceptr y = 0;
    void *parameters[] = {&y};
    snprintf(path, sizeof path, "%s/tests/softgpu/kernels/planted_1.ptx", getenv("PAGODA_SOURCE_DIR"));
    if (cuMemAlloc(&y, 256) != CUDA_SUCCESS || cuModuleLoad(&m, path) != CUDA_SUCCESS || cuModuleGetFunction(&f, m, "missing_barrier") != CUDA_SUCCESS) return 1;
    return cuLaunchKernel(f, 1, 1, 1, 64, 1, 1, 0, NULL, parameters, NULL) != CUDA_SUCCESS || cuCtxSynchronize() != CUDA_SUCCESS;
}

static int say(const char *what) {
    CUcontext c;
    if (cuInit(0) != CUDA_SUCCESS || cuCtxCreate(&c, 0, 0) != CUDA_SUCCESS) return 1;
    return strcmp(what, "polling") == 0 ? say_polling() : strcmp(what, "races") == 0 ? say_races() : strcmp(what, "planted") == 0 ? say_planted() : say_events(strcmp(what, "events") != 0, strcmp(what, "check") == 0);
}

/* ---- what is compared ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static char findings[] = "/tmp/softgpu_seed_XXXXXX";

static void ask(const char *what, int seed, char *said, size_t bytes) {
    int ends[2], how;
    char number[16];
    snprintf(number, sizeof number, "%d", seed);
    starts_itself();
    assert_int_equal(truncate(findings, 0), 0);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        setenv("PAGODA_SOFTGPU_SEED", number, 1);
        execl("/proc/self/exe", "test_driver_seed", what, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    ssize_t count = read(ends[0], said, bytes - 1);
    said[count < 0 ? 0 : count] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
}

static void one_seed_gives_one_order(void **unused) {
    static const char *const executors[] = {"vector", "reference"};
    for (int executor = 0; executor < 2; executor++) {
        static char all[SEEDS][128];
        int different = 0, of_streams = 0;
        setenv("PAGODA_SOFTGPU_EXECUTOR", executors[executor], 1);
        for (int seed = 1; seed <= SEEDS; seed++) {
            char again[128];
            bool known = false, known_stream = false;
            ask("races", seed, all[seed - 1], sizeof all[0]);
            ask("races", seed, again, sizeof again);
            assert_string_equal(again, all[seed - 1]);
            for (int k = 0; k < seed - 1; k++) {
                known = known || strcmp(all[k], again) == 0;
                known_stream = known_stream || strcmp(strrchr(all[k], ' '), strrchr(again, ' ')) == 0;
            }
            different += !known, of_streams += !known_stream;
        }
        if (different < SEEDS / 2 || of_streams < 3) print_message("%d different, %d of streams\n", different, of_streams);
        assert_true(different >= SEEDS / 2 && of_streams >= 3);
    }
    unsetenv("PAGODA_SOFTGPU_EXECUTOR");
}

/* Each launch draws anew: twice the same race, and not always twice the same end. */
static void launches_differ(void **unused) {
    int differ = 0;
    for (int seed = 1; seed <= 10; seed++) {
        unsigned int a[3], b[3];
        char said[128];
        ask("races", seed, said, sizeof said);
        assert_int_equal(sscanf(said, "%u %u %u, %u %u %u", &a[0], &a[1], &a[2], &b[0], &b[1], &b[2]), 6);
        differ += a[0] != b[0];
    }
    assert_true(differ > 5);
}

static void without_a_seed_the_order_is_natural(void **unused) {
    char said[128];
    setenv("PAGODA_SOFTGPU_WORKERS", "1", 1);
    setenv("PAGODA_SOFTGPU_SYNCHRONOUS", "1", 1); /* or the two streams race in earnest */
    ask("races", 0, said, sizeof said);
    unsetenv("PAGODA_SOFTGPU_WORKERS");
    unsetenv("PAGODA_SOFTGPU_SYNCHRONOUS");
    if (strncmp(said, "39 7 40, 39 7 80, ", 18) != 0) print_message("%s", said);
    assert_int_equal(strncmp(said, "39 7 40, 39 7 80, ", 18), 0);
}

static void a_program_that_asks_again_and_again_goes_on(void **unused) {
    char said[128];
    ask("polling", 1, said, sizeof said);
    assert_string_equal(said, "0\n");
}

static void an_event_that_is_forgotten_is_found(void **unused) {
    int wrong = 0;
    char said[16];
    for (int seed = 1; seed <= SEEDS; seed++) {
        ask("events", seed, said, sizeof said);
        assert_string_equal(said, "5\n");
        ask("forgotten", seed, said, sizeof said);
        wrong += strcmp(said, "5\n") != 0;
    }
    assert_true(wrong > 0 && wrong < SEEDS);
}

static void read_findings(char *text, size_t bytes) {
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    text[fread(text, 1, bytes - 1, file)] = '\0';
    fclose(file);
}

static void findings_are_the_same_again(void **unused) {
    static char first[65536], again[65536], other[65536];
    char said[16];
    int differ = 0;
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    setenv("PAGODA_SOFTGPU_FINDINGS", findings, 1);
    for (int k = 0; k < 10; k++) {
        int seed = 1 + k % 5;
        setenv("PAGODA_SOFTGPU_EXECUTOR", k < 5 ? "vector" : "reference", 1);
        ask("planted", seed, said, sizeof said);
        read_findings(again, sizeof again);
        assert_non_null(strstr(again, "\"kind\": \"shared race\""));
        ask("planted", seed, said, sizeof said);
        read_findings(other, sizeof other);
        assert_string_equal(again, other);
        if (seed == 1) memcpy(first, again, sizeof first);
        differ += strcmp(first, again) != 0;
    }
    assert_true(differ > 0);
    unsetenv("PAGODA_SOFTGPU_EXECUTOR");
    unsetenv("PAGODA_SOFTGPU_CHECK");
    unsetenv("PAGODA_SOFTGPU_FINDINGS");
}

int main(int argc, char **argv) {
    if (argc > 1) return say(argv[1]);
    int file = mkstemp(findings);
    if (file < 0) return 1;
    close(file);
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_gives_one_order), cmocka_unit_test(launches_differ), cmocka_unit_test(without_a_seed_the_order_is_natural), cmocka_unit_test(a_program_that_asks_again_and_again_goes_on), cmocka_unit_test(an_event_that_is_forgotten_is_found), cmocka_unit_test(findings_are_the_same_again),
    };
    int failed = cmocka_run_group_tests_name("softgpu/driver_seed", tests, NULL, NULL);
    unlink(findings);
    return failed;
}
