/* SPDX-License-Identifier: Apache-2.0
 * Operations of streams and graphs that use the same memory: told where nothing orders them, silent where something does. */
#include <stdatomic.h>
#include <unistd.h>

#include "driver_fixture.h"

static const char kernels[] =
    ".version 7.8\n.target sm_80\n.address_size 64\n"
    ".visible .entry put(.param .u64 at, .param .u32 value)\n{\n.reg .u64 %o, %a;\n.reg .u32 %t, %v;\nld.param.u64 %o, [at];\nld.param.u32 %v, [value];\nmov.u32 %t, %tid.x;\nmad.wide.u32 %a, %t, 4, %o;\nst.global.u32 [%a], %v;\nret;\n}\n"
    ".visible .entry put_half(.param .u64 at, .param .u16 value)\n{\n.reg .u64 %o;\n.reg .u16 %v;\nld.param.u64 %o, [at];\nld.param.u16 %v, [value];\nst.global.u16 [%o], %v;\nret;\n}\n"
    ".visible .entry get(.param .u64 at, .param .u64 to)\n{\n.reg .u64 %o, %x;\n.reg .u32 %v;\nld.param.u64 %o, [at];\nld.param.u64 %x, [to];\nld.global.u32 %v, [%o];\nst.global.u32 [%x], %v;\nret;\n}\n"
    ".visible .entry add(.param .u64 at)\n{\n.reg .u64 %o;\nld.param.u64 %o, [at];\nred.global.add.u32 [%o], 1;\nret;\n}\n";

static char findings[64];
static CUcontext context;
static CUmodule module;
static CUstream one, other, in_step;
static CUdeviceptr x, y;
static void *host;

static int set_up(void **unused) {
    (void)unused;
    OK(cuInit(0));
    OK(cuCtxCreate(&context, 0, 0));
    OK(cuModuleLoadData(&module, kernels));
    OK(cuStreamCreate(&one, CU_STREAM_NON_BLOCKING));
    OK(cuStreamCreate(&other, CU_STREAM_NON_BLOCKING));
    OK(cuStreamCreate(&in_step, CU_STREAM_DEFAULT));
    OK(cuMemAlloc(&x, 256));
    OK(cuMemAlloc(&y, 256));
    OK(cuMemAllocHost(&host, 256));
    assert_int_equal(truncate(findings, 0), 0);
    return 0;
}

static int tear_down(void **unused) {
    (void)unused;
    OK(cuCtxDestroy(context));
    return 0;
}

static CUfunction kernel(const char *name) {
    CUfunction f;
    OK(cuModuleGetFunction(&f, module, name));
    return f;
}

static void put(CUstream stream, CUdeviceptr at, unsigned int threads) {
    unsigned int value = 7;
    void *parameters[] = {&at, &value};
    OK(cuLaunchKernel(kernel("put"), 1, 1, 1, threads, 1, 1, 0, stream, parameters, NULL));
}

static void get(CUstream stream, CUdeviceptr at, CUdeviceptr to) {
    void *parameters[] = {&at, &to};
    OK(cuLaunchKernel(kernel("get"), 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
}

static void add(CUstream stream) {
    void *parameters[] = {&x};
    OK(cuLaunchKernel(kernel("add"), 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL));
}

/* Waits for all, and looks: so many findings, of which the last has the text. */
static void found(int count, const char *wanted) {
    char text[4096], last[4096] = "";
    int lines = 0;
    OK(cuCtxSynchronize());
    FILE *file = fopen(findings, "r");
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL) {
        lines++;
        memcpy(last, text, sizeof last);
    }
    fclose(file);
    if (lines != count || strstr(last, wanted) == NULL) print_message("%d findings, and not %d; the last: %s\n", lines, count, last);
    assert_int_equal(lines, count);
    assert_non_null(strstr(last, wanted));
    assert_int_equal(truncate(findings, 0), 0);
}

static void orders(CUstream first, CUstream then) {
    CUevent event;
    OK(cuEventCreate(&event, CU_EVENT_DISABLE_TIMING));
    OK(cuEventRecord(event, first));
    OK(cuStreamWaitEvent(then, event, 0));
    OK(cuEventDestroy(event));
}

static void a_copy_in_another_stream(void **unused) {
    put(one, x, 8);
    OK(cuMemcpyDtoHAsync(host, x, 32, other));
    found(1, "\"kind\": \"stream race\", \"kernel\": \"put\", \"block\": [0, 0, 0], \"thread\": [0, 0, 0], \"ptx_line\": 12,");
    put(one, x, 8);
    orders(one, other);
    OK(cuMemcpyDtoHAsync(host, x, 32, other));
    found(0, "");
    put(one, x, 8);
    OK(cuMemcpyDtoHAsync(host, x, 32, one));
    OK(cuStreamSynchronize(one));
    put(other, x, 8);
    found(0, "");
}

static void told_once(void **unused) {
    for (int k = 0; k < 5; k++) {
        put(one, x, 8);
        OK(cuMemcpyDtoHAsync(host, x, 32, other));
        OK(cuCtxSynchronize());
    }
    found(1, "writes memory at 0x");
}

/* What the program has waited for is before all that it submits then. */
static void waits_of_the_program(void **unused) {
    CUevent event;
    put(one, x, 8);
    OK(cuStreamSynchronize(one));
    put(other, x, 8);
    OK(cuEventCreate(&event, 0));
    OK(cuEventRecord(event, other));
    OK(cuEventSynchronize(event));
    put(one, x, 8);
    OK(cuEventRecord(event, one));
    while (cuEventQuery(event) == CUDA_ERROR_NOT_READY) {}
    put(other, x, 8);
    while (cuStreamQuery(other) == CUDA_ERROR_NOT_READY) {}
    put(one, x, 8);
    OK(cuCtxSynchronize());
    put(other, x, 8);
    found(0, "");
    put(one, x, 8);
    OK(cuEventRecord(event, one));
    put(one, x + 128, 8);
    OK(cuEventSynchronize(event)); /* of the first of the two */
    put(other, x + 128, 8);
    found(1, "\"kind\": \"stream race\"");
}

static void other_memory_is_none(void **unused) {
    put(one, x, 8);
    put(other, x + 32, 8);
    get(one, y, y + 64);
    get(other, y, y + 68);
    found(0, "");
    put(one, x, 9);
    put(other, x + 32, 8);
    found(1, "which put, PTX line 12, block (0,0,0), thread (");
}

static void halves_of_a_word(void **unused) {
    CUdeviceptr at[] = {x, x + 2};
    unsigned short value = 3;
    for (int k = 0; k < 2; k++) {
        void *parameters[] = {&at[k], &value};
        OK(cuLaunchKernel(kernel("put_half"), 1, 1, 1, 1, 1, 1, 0, k == 0 ? one : other, parameters, NULL));
    }
    found(0, "");
}

static void atomic_operations_are_for_others(void **unused) {
    add(one);
    add(other);
    found(0, "");
    add(one);
    get(other, x, y);
    found(1, "\"kernel\": \"");
}

/* cuMemset returns before it is done, and is in step with blocking streams alone. */
static void the_default_stream(void **unused) {
    OK(cuMemsetD32(x, 0, 8));
    put(in_step, x, 8);
    OK(cuMemsetD32(x, 0, 8));
    found(0, "");
    OK(cuMemsetD32(x, 0, 8));
    put(one, x, 8);
    found(1, "which a fill writes, in another stream");
}

static void two_copies(void **unused) {
    OK(cuMemcpyDtoDAsync(y, x, 64, one));
    OK(cuMemcpyHtoDAsync(y + 32, host, 64, other));
    found(1, "{\"kind\": \"stream race\", \"kernel\": null, \"block\": null, \"thread\": null, \"ptx_line\": null, \"source_line\": null, \"source\": null, \"message\": \"a copy");
}

static atomic_bool called;
static void call(void *unused) {
    (void)unused;
    atomic_store(&called, true);
}

/* A program may be told by a function of its own. */
static void functions_of_the_host_tell_the_program(void **unused) {
    atomic_store(&called, false);
    put(one, x, 8);
    OK(cuLaunchHostFunc(one, call, NULL));
    while (!atomic_load(&called)) usleep(1000);
    put(other, x, 8);
    found(0, "");
}

static void streams_that_are_gone(void **unused) {
    CUstream gone;
    OK(cuStreamCreate(&gone, CU_STREAM_NON_BLOCKING));
    put(gone, x, 8);
    usleep(20000);
    OK(cuStreamDestroy(gone));
    OK(cuCtxSynchronize());
    put(one, x, 8);
    found(0, "");
}

/* Two kernels that write to one place, as a graph: side by side, or one behind the other. */
static CUgraphExec graph(bool ordered) {
    CUgraph g;
    CUgraphNode first, second;
    CUgraphExec exec;
    unsigned int value = 7;
    void *parameters[] = {&x, &value};
    CUDA_KERNEL_NODE_PARAMS p = {.func = kernel("put"), .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 8, .blockDimY = 1, .blockDimZ = 1, .kernelParams = parameters};
    OK(cuGraphCreate(&g, 0));
    OK(cuGraphAddKernelNode(&first, g, NULL, 0, &p));
    OK(cuGraphAddKernelNode(&second, g, &first, ordered ? 1 : 0, &p));
    OK(cuGraphInstantiate(&exec, g, 0));
    OK(cuGraphDestroy(g));
    return exec;
}

static void branches_of_a_graph(void **unused) {
    OK(cuGraphLaunch(graph(false), one));
    found(1, "in another stream or branch of a graph");
    OK(cuGraphLaunch(graph(true), one));
    found(0, "");
}

/* The last of three waits for the second, and not for the first. */
static void a_branch_beside_others(void **unused) {
    CUgraph g;
    CUgraphNode first, second, last;
    CUgraphExec exec;
    unsigned int value = 7;
    void *of_x[] = {&x, &value}, *of_y[] = {&y, &value};
    CUDA_KERNEL_NODE_PARAMS p = {.func = kernel("put"), .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 8, .blockDimY = 1, .blockDimZ = 1, .kernelParams = of_x}, q = p;
    q.kernelParams = of_y;
    OK(cuGraphCreate(&g, 0));
    OK(cuGraphAddKernelNode(&first, g, NULL, 0, &p));
    OK(cuGraphAddKernelNode(&second, g, NULL, 0, &q));
    OK(cuGraphAddKernelNode(&last, g, &second, 1, &p));
    OK(cuGraphInstantiate(&exec, g, 0));
    OK(cuGraphLaunch(exec, one));
    found(1, "\"kind\": \"stream race\"");
}

static void a_graph_is_part_of_its_stream(void **unused) {
    CUgraphExec exec = graph(true);
    put(one, x, 8);
    for (int k = 0; k < 3; k++) OK(cuGraphLaunch(exec, one));
    put(one, x, 8);
    orders(one, other);
    OK(cuGraphLaunch(exec, other));
    put(other, x, 8);
    found(0, "");
    OK(cuGraphLaunch(exec, one));
    put(other, x, 8);
    found(1, "\"kind\": \"stream race\"");
}

int main(void) {
    snprintf(findings, sizeof findings, "/tmp/softgpu_order_XXXXXX");
    int file = mkstemp(findings);
    if (file < 0) return 1;
    close(file);
    setenv("PAGODA_SOFTGPU_CHECK", "races", 1);
    setenv("PAGODA_SOFTGPU_FINDINGS", findings, 1);
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
#ifdef __SANITIZE_THREAD__
    setenv("PAGODA_SOFTGPU_SEED", "1", 1); /* the races here are such to a sanitizer, too; with a seed one operation runs at a time */
#endif
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_copy_in_another_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_of_the_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_memory_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(halves_of_a_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(atomic_operations_are_for_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_default_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_copies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(functions_of_the_host_tell_the_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_that_are_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(branches_of_a_graph, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_branch_beside_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_graph_is_part_of_its_stream, set_up, tear_down),
    };
    int failed = cmocka_run_group_tests_name("softgpu/driver_order", tests, NULL, NULL);
    unlink(findings);
    return failed;
}
