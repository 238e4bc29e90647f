/* SPDX-License-Identifier: Apache-2.0
 * How programs end: with work that is not done, in a kernel that does not end, interrupted. This program starts itself and reads what the driver reports. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver_fixture.h"

static char report[64], findings[64], profile[64];

/* ---- what is started ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static const char kernels[] =
    ".version 7.8\n.target sm_80\n.address_size 64\n"
    ".visible .entry beyond(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %t;\nld.param.u64 %o, [at];\nmov.u32 %t, %tid.x;\nst.global.u32 [%o+64], %t;\nret;\n}\n"
    ".visible .entry right(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %t;\nld.param.u64 %o, [at];\nmov.u32 %t, %clock;\nst.global.u32 [%o], %t;\nret;\n}\n"
    ".visible .entry empty()\n{\nret;\n}\n"
    ".extern .func (.param .b32 r) vprintf(.param .b64 f, .param .b64 a);\n.global .align 1 .b8 wide[8] = {37, 52, 48, 48, 48, 100, 10, 0};\n" /* "%4000d\n" */
    ".visible .entry talks(.param .u64 at)\n{\n.reg .u64 %f, %a;\n.reg .u32 %r;\nmov.u64 %f, wide;\nld.param.u64 %a, [at];\nagain: call (%r), vprintf, (%f, %a);\nbra again;\n}\n"
    ".visible .entry spin(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %v;\n.reg .pred %p;\nld.param.u64 %o, [at];\nagain: ld.volatile.global.u32 %v, [%o];\nsetp.eq.u32 %p, %v, 0;\n@%p bra again;\nret;\n}\n";

static void for_ever(void *unused) {
    (void)unused;
    for (;;) pause();
}

static void at_once(void *unused) {
    (void)unused;
    exit(7);
}

/* The word says what it does: launches kernels, and which; waits; ends. */
static int program(const char *what) {
    CUcontext context;
    CUmodule m;
    CUfunction f;
    CUdeviceptr at;
    CUstream stream, other;
    void *parameters[] = {&at};
    bool spins = strcmp(what, "spins") == 0, right = strncmp(what, "right", 5) == 0, nothing = strcmp(what, "nothing") == 0;
    if (strcmp(what, "forgets") == 0) return cuMemAlloc(&at, 64) == CUDA_ERROR_NOT_INITIALIZED && cuCtxSynchronize() == CUDA_ERROR_NOT_INITIALIZED ? 0 : 1;
    if (cuInit(0) != CUDA_SUCCESS || cuCtxCreate(&context, 0, 0) != CUDA_SUCCESS || cuModuleLoadData(&m, kernels) != CUDA_SUCCESS) return 1;
    if (cuModuleGetFunction(&f, m, spins ? "spin" : right ? "right" : "beyond") != CUDA_SUCCESS || cuMemAlloc(&at, 64) != CUDA_SUCCESS || cuMemsetD8(at, 0, 64) != CUDA_SUCCESS || cuCtxSynchronize() != CUDA_SUCCESS) return 1;
    if (cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS || cuStreamCreate(&other, CU_STREAM_NON_BLOCKING) != CUDA_SUCCESS) return 1;
    if (nothing) return 0;
    bool many = strcmp(what, "many blocks") == 0;
    if (many || strcmp(what, "talks") == 0) {
        if (cuModuleGetFunction(&f, m, many ? "empty" : "talks") != CUDA_SUCCESS || cuLaunchKernel(f, many ? INT32_MAX : 1, 1, 1, 32, 1, 1, 0, NULL, parameters, NULL) != CUDA_SUCCESS) return 1;
        return cuCtxSynchronize() == CUDA_SUCCESS ? 0 : 3;
    }
    if (strcmp(what, "waits for ever") == 0 && (cuLaunchHostFunc(other, for_ever, NULL) != CUDA_SUCCESS || cuMemsetD8Async(at, 1, 64, other) != CUDA_SUCCESS)) return 1;
    if (strcmp(what, "exits in a task") == 0 && cuLaunchHostFunc(stream, at_once, NULL) != CUDA_SUCCESS) return 1;
    for (int k = 0; k < 3; k++)
        if (cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL) != CUDA_SUCCESS && (k == 0 || right || spins)) return 1; /* others may hear what the first did */
    if (strcmp(what, "exits in a task") == 0) for_ever(NULL); /* it is the task that ends it */
    if (!right && !spins) return 0;
    if (strcmp(what, "right, and done") == 0) return usleep(200000) != 0; /* and nobody has asked */
    return cuCtxSynchronize() == CUDA_SUCCESS ? 0 : 3;
}

/* ---- what comes of it ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static pid_t start(const char *what) {
    starts_itself();
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_driver_end", what, (char *)NULL);
        _exit(126);
    }
    assert_true(child > 0);
    return child;
}

static int end_of(pid_t child) {
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    return WIFSIGNALED(how) ? 128 + WTERMSIG(how) : WEXITSTATUS(how);
}

static const char *text_of(const char *path) {
    static char text[65536];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void has(const char *path, const char *wanted) {
    const char *text = text_of(path);
    if (strstr(text, wanted) == NULL) print_message("no \"%s\" in\n%s", wanted, text);
    assert_non_null(strstr(text, wanted));
}

static int set_up(void **unused) {
    (void)unused;
    const char *const paths[] = {report, findings, profile};
    for (int k = 0; k < 3; k++) assert_int_equal(truncate(paths[k], 0), 0);
    unsetenv("PAGODA_SOFTGPU_CHECK");
    unsetenv("PAGODA_SOFTGPU_PROFILE");
    unsetenv("PAGODA_SOFTGPU_TIMEOUT");
    unsetenv("PAGODA_SOFTGPU_PATIENCE");
    unsetenv("PAGODA_SOFTGPU_SEED");
    return 0;
}

static void what_is_left_is_checked(void **unused) {
    static const char *const seeds[] = {"0", "5"};
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    for (int k = 0; k < 2; k++) {
        assert_int_equal(set_up(NULL), 0);
        setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
        setenv("PAGODA_SOFTGPU_SEED", seeds[k], 1);
        assert_int_equal(end_of(start("beyond")), 0);
        has(findings, "\"kind\": \"address\"");
        has(findings, "{\"launches\": 1}\n"); /* the others do not run after that */
        assert_null(strstr(text_of(report), "unfinished work")); /* whether or not the program has heard of the fault */
    }
}

/* However fast it was. */
static void what_nobody_waited_for_is_found(void **unused) {
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    assert_int_equal(end_of(start("right, and done")), 0);
    has(findings, "{\"kind\": \"unfinished work\", \"kernel\": null");
    has(findings, "waited for the kernel right");
    has(findings, "{\"launches\": 3}\n");
}

static void what_is_left_is_counted(void **unused) {
    setenv("PAGODA_SOFTGPU_PROFILE", profile, 1);
    assert_int_equal(end_of(start("beyond")), 0);
    has(profile, "beyond, grid 1 x 1 x 1, block 1 x 1 x 1, launched 1 time, of which 1 failed: counted up to there\n");
}

static void what_is_left_is_dropped_and_told(void **unused) {
    assert_int_equal(end_of(start("waits for ever")), 0);
    has(report, "of its kernels, copies and fills were done, and they are dropped; wait for them before it ends (cuStreamSynchronize, cuCtxSynchronize)");
}

/* Of functions of the host it is not known whether they end. */
static void functions_of_the_host_keep_nobody(void **unused) {
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    assert_int_equal(end_of(start("waits for ever")), 0);
    has(findings, "\"kind\": \"address\"");
    assert_int_equal(end_of(start("exits in a task")), 7);
}

static void who_waits_hears_nothing_of_it(void **unused) {
    assert_int_equal(end_of(start("right")), 0);
    assert_string_equal(text_of(report), "");
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    assert_int_equal(end_of(start("right")), 0);
    assert_string_equal(text_of(report), "");
    assert_string_equal(text_of(findings), "{\"begun\": 1}\n{\"launches\": 3}\n");
    assert_int_equal(end_of(start("nothing")), 0);
    assert_string_equal(text_of(findings), "{\"begun\": 1}\n{\"launches\": 3}\n{\"begun\": 1}\n{\"launches\": 0}\n");
}

static void a_launch_may_take_so_long(void **unused) {
    setenv("PAGODA_SOFTGPU_TIMEOUT", "1", 1);
    assert_int_equal(end_of(start("spins")), 3);
    has(report, "limit: spin, PTX line ");
    has(report, ": the launch has run for as long as one may");
    static const char *const others[] = {"many blocks", "talks"}; /* of nothing, which execute nothing; few instructions that take long */
    for (int k = 0; k < 2; k++) {
        assert_int_equal(truncate(report, 0), 0);
        assert_int_equal(end_of(start(others[k])), 3);
        has(report, ": the launch has run for as long as one may: 1 s, as --timeout (PAGODA_SOFTGPU_TIMEOUT) says");
    }
}

/* Waits until the report has that text. */
static void until(const char *wanted) {
    for (int k = 0; k < 6000 && strstr(text_of(report), wanted) == NULL; k++) usleep(10000);
    has(report, wanted);
}

static void who_interrupts_hears_where(void **unused) {
    static const int numbers[] = {SIGINT, SIGTERM};
    for (int k = 0; k < 2; k++) {
        assert_int_equal(set_up(NULL), 0);
        setenv("PAGODA_SOFTGPU_PATIENCE", "1", 1);
        pid_t child = start("spins");
        until(": this launch has run for 1 s; ^C ends the program");
        assert_int_equal(kill(child, numbers[k]), 0);
        assert_int_equal(end_of(child), 128 + numbers[k]);
        has(report, "interrupted: spin, PTX line ");
    }
}

/* What was seen until then is not lost. */
static void who_interrupts_loses_no_counts(void **unused) {
    for (int checks = 0; checks < 2; checks++) {
        assert_int_equal(set_up(NULL), 0);
        setenv("PAGODA_SOFTGPU_PATIENCE", "1", 1);
        if (checks) setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
        else setenv("PAGODA_SOFTGPU_PROFILE", profile, 1);
        pid_t child = start("spins");
        until(": this launch has run for 1 s; ^C ends the program");
        assert_int_equal(kill(child, SIGINT), 0);
        assert_int_equal(end_of(child), 128 + SIGINT);
        if (checks) has(findings, "{\"launches\": 1}\n");
        else has(profile, "spin, grid 1 x 1 x 1, block 1 x 1 x 1, launched 1 time, of which 1 failed: counted up to there\n");
    }
}

static void who_forgets_to_begin_is_told_once(void **unused) {
    assert_int_equal(end_of(start("forgets")), 0);
    assert_string_equal(text_of(report), "softgpu: cuMemAlloc: cuInit(0) must be called before it\n");
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    assert_int_equal(end_of(start("forgets")), 0);
    has(findings, "\"kind\": \"driver call\"");
    has(findings, "cuMemAlloc: CUDA_ERROR_NOT_INITIALIZED: cuInit(0) must be called before it");
    assert_null(strstr(text_of(findings), "cuCtxSynchronize"));
}

int main(int argc, char **argv) {
    if (argc > 1) return program(argv[1]);
    char *const paths[] = {report, findings, profile};
    for (int k = 0; k < 3; k++) {
        snprintf(paths[k], sizeof report, "/tmp/softgpu_end_XXXXXX");
        int file = mkstemp(paths[k]);
        if (file < 0) return 1;
        close(file);
    }
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
    setenv("PAGODA_SOFTGPU_REPORT", report, 1);
    setenv("PAGODA_SOFTGPU_FINDINGS", findings, 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_nobody_waited_for_is_found, set_up), cmocka_unit_test_setup(what_is_left_is_checked, set_up),        cmocka_unit_test_setup(what_is_left_is_counted, set_up),      cmocka_unit_test_setup(what_is_left_is_dropped_and_told, set_up),
        cmocka_unit_test_setup(functions_of_the_host_keep_nobody, set_up), cmocka_unit_test_setup(who_waits_hears_nothing_of_it, set_up), cmocka_unit_test_setup(a_launch_may_take_so_long, set_up),
        cmocka_unit_test_setup(who_interrupts_hears_where, set_up), cmocka_unit_test_setup(who_interrupts_loses_no_counts, set_up), cmocka_unit_test_setup(who_forgets_to_begin_is_told_once, set_up),
    };
    int failed = cmocka_run_group_tests_name("softgpu/driver_end", tests, NULL, NULL);
    for (int k = 0; k < 3; k++) unlink(paths[k]);
    return failed;
}
