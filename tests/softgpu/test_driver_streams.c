/* SPDX-License-Identifier: Apache-2.0
 * Order: streams, events, host functions, captures and graphs. A kernel that spins until the host writes to pinned memory keeps a stream busy for as long as needed. */
#include <pthread.h>
#include <unistd.h>

#include "driver_fixture.h"

static uint32_t *gate; /* pinned: 0 keeps `spin` spinning */

static void hold(CUstream s) {
    CUdeviceptr at = (CUdeviceptr)(uintptr_t)gate;
    void *parameters[] = {&at};
    *gate = 0;
    OK(cuLaunchKernel(fixture_kernel("spin"), 1, 1, 1, 1, 1, 1, 0, s, parameters, NULL));
}

static void let_go(void) { __atomic_store_n(gate, 1, __ATOMIC_RELEASE); }

static int begin(void **unused) {
    fixture_begin(unused);
    OK(cuMemHostAlloc((void **)&gate, 64, 0));
    return 0;
}

static CUstream make(unsigned int flags) {
    CUstream s;
    OK(cuStreamCreate(&s, flags));
    return s;
}

/* ---- streams ------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void a_stream_goes_on_while_another_is_busy(void **unused) {
    CUstream busy = make(CU_STREAM_NON_BLOCKING), other = make(CU_STREAM_NON_BLOCKING);
    CUdeviceptr a = fixture_buffer(64);
    OK(cuCtxSynchronize());
    hold(busy);
    OK(cuMemsetD32Async(a, 17, 4, other));
    OK(cuStreamSynchronize(other));
    assert_int_equal(cuStreamQuery(other), CUDA_SUCCESS);
    assert_int_equal(cuStreamQuery(busy), CUDA_ERROR_NOT_READY);
    let_go();
    OK(cuStreamSynchronize(busy));
    OK(cuStreamQuery(busy));
    assert_int_equal(fixture_word(a + 12), 17);
}

static void the_legacy_stream_and_blocking_ones_wait_for_each_other(void **unused) {
    CUstream blocking = make(CU_STREAM_DEFAULT), other = make(CU_STREAM_DEFAULT), apart = make(CU_STREAM_NON_BLOCKING);
    CUdeviceptr a = fixture_buffer(64);
    OK(cuCtxSynchronize());
    hold(blocking);
    OK(cuMemsetD8(a, 1, 4));              /* waits for `blocking` */
    OK(cuMemsetD8Async(a + 4, 1, 4, other)); /* waits for the legacy stream */
    OK(cuMemsetD8Async(a + 8, 1, 4, apart));
    OK(cuStreamSynchronize(apart));
    assert_int_equal(cuStreamQuery(NULL), CUDA_ERROR_NOT_READY);
    assert_int_equal(cuStreamQuery(other), CUDA_ERROR_NOT_READY);
    let_go();
    OK(cuStreamSynchronize(other));
    OK(cuStreamQuery(NULL));
    assert_int_equal(fixture_word(a + 4), 0x01010101);
}

static void work_in_a_stream_is_done_in_order(void **unused) {
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    CUdeviceptr a = fixture_buffer(4);
    for (int i = 0; i < 100; i++) OK(fixture_bump(a, s));
    OK(cuStreamDestroy(s)); /* what is in it is done all the same */
    OK(cuCtxSynchronize());
    assert_int_equal(fixture_word(a), 100);
    assert_int_equal(cuStreamSynchronize(s), CUDA_ERROR_INVALID_HANDLE);
}

static void *bump_in_own_stream(void *at) {
    CUdeviceptr a = *(CUdeviceptr *)at;
    OK(cuCtxSetCurrent(fixture_context));
    for (int i = 0; i < 50; i++) OK(fixture_bump(a, CU_STREAM_PER_THREAD));
    OK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
    return NULL;
}

static void threads_have_streams_of_their_own(void **unused) {
    pthread_t threads[4];
    CUdeviceptr a[4];
    for (int i = 0; i < 4; i++) a[i] = fixture_buffer(4);
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, bump_in_own_stream, &a[i]), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(fixture_word(a[i]), 50);
    unsigned long long mine, legacy;
    OK(cuStreamGetId(CU_STREAM_PER_THREAD, &mine));
    OK(cuStreamGetId(CU_STREAM_LEGACY, &legacy));
    assert_true(mine != legacy);
}

static void count_up(void *number) { ++*(int *)number; }
static void note(CUstream stream, CUresult status, void *number) { *(int *)number = status == CUDA_SUCCESS ? 100 : -1; }

static void functions_of_the_host_take_their_turn(void **unused) {
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    int number = 0, told = 0;
    hold(s);
    OK(cuLaunchHostFunc(s, count_up, &number));
    OK(cuStreamAddCallback(s, note, &told, 0));
    assert_int_equal(__atomic_load_n(&number, __ATOMIC_ACQUIRE), 0);
    let_go();
    OK(cuStreamSynchronize(s));
    assert_true(number == 1 && told == 100);
}

/* ---- events ---------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void events_are_waited_for_across_streams(void **unused) {
    CUstream first = make(CU_STREAM_NON_BLOCKING), second = make(CU_STREAM_NON_BLOCKING);
    CUevent begun, done, untimed;
    CUdeviceptr a = fixture_buffer(8);
    float milliseconds;
    OK(cuCtxSynchronize());
    OK(cuEventCreate(&begun, CU_EVENT_DEFAULT));
    OK(cuEventCreate(&done, CU_EVENT_DEFAULT));
    OK(cuEventCreate(&untimed, CU_EVENT_DISABLE_TIMING));
    OK(cuEventQuery(done)); /* never recorded */
    OK(cuEventRecord(begun, first));
    hold(first);
    OK(cuMemsetD32Async(a, 5, 1, first));
    OK(cuEventRecord(done, first));
    OK(cuStreamWaitEvent(second, done, 0));
    OK(fixture_bump(a, second));
    assert_int_equal(cuEventQuery(done), CUDA_ERROR_NOT_READY);
    assert_int_equal(cuEventElapsedTime(&milliseconds, begun, done), CUDA_ERROR_NOT_READY);
    assert_int_equal(cuStreamQuery(second), CUDA_ERROR_NOT_READY);
    let_go();
    OK(cuStreamSynchronize(second));
    OK(cuEventSynchronize(done));
    assert_int_equal(fixture_word(a), 6);
    OK(cuEventElapsedTime(&milliseconds, begun, done));
    assert_true(milliseconds > 0);
    OK(cuEventRecord(untimed, first));
    OK(cuEventSynchronize(untimed));
    assert_int_equal(cuEventElapsedTime(&milliseconds, begun, untimed), CUDA_ERROR_INVALID_HANDLE);
    OK(cuEventDestroy(begun));
    assert_int_equal(cuEventRecord(begun, first), CUDA_ERROR_INVALID_HANDLE);
}

/* ---- captures ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void captured_streams_become_one_graph(void **unused) {
    CUstream s = make(CU_STREAM_NON_BLOCKING), side = make(CU_STREAM_NON_BLOCKING);
    CUevent fork, join;
    CUgraph graph;
    CUgraphExec exec;
    CUdeviceptr a = fixture_buffer(16);
    CUstreamCaptureStatus status;
    size_t nodes = 0, edges = 0, roots = 0;
    OK(cuEventCreate(&fork, 0));
    OK(cuEventCreate(&join, 0));
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    OK(fixture_bump(a, s));
    OK(cuEventRecord(fork, s));
    OK(cuStreamWaitEvent(side, fork, 0));
    OK(cuStreamIsCapturing(side, &status));
    assert_int_equal(status, CU_STREAM_CAPTURE_STATUS_ACTIVE);
    OK(fixture_bump(a + 4, side));
    OK(cuMemcpyDtoDAsync(a + 8, a, 4, s));
    OK(cuEventRecord(join, side));
    OK(cuStreamWaitEvent(s, join, 0));
    OK(cuMemsetD32Async(a + 12, 9, 1, s));
    OK(cuStreamEndCapture(s, &graph));
    assert_int_equal(fixture_word(a), 0); /* nothing has run */
    OK(cuGraphGetNodes(graph, NULL, &nodes));
    OK(cuGraphGetEdges(graph, NULL, NULL, &edges));
    OK(cuGraphGetRootNodes(graph, NULL, &roots));
    assert_true(nodes == 4 && edges == 4 && roots == 1);
    OK(cuGraphInstantiate(&exec, graph, 0));
    OK(cuGraphDestroy(graph)); /* what was made of it stays */
    for (int i = 0; i < 3; i++) OK(cuGraphLaunch(exec, i == 1 ? side : s));
    OK(cuStreamSynchronize(s));
    OK(cuStreamSynchronize(side));
    assert_true(fixture_word(a) == 3 && fixture_word(a + 4) == 3 && fixture_word(a + 8) == 3 && fixture_word(a + 12) == 9);
    OK(cuGraphExecDestroy(exec));
    assert_int_equal(cuGraphLaunch(exec, s), CUDA_ERROR_INVALID_VALUE);
}

static void what_cannot_be_captured_spoils_the_capture(void **unused) {
    CUstream s = make(CU_STREAM_DEFAULT), side = make(CU_STREAM_NON_BLOCKING);
    CUevent outside, fork;
    CUgraph graph;
    CUdeviceptr a = fixture_buffer(16);
    CUstreamCaptureStatus status;
    OK(cuCtxSynchronize());
    OK(cuEventCreate(&outside, 0));
    OK(cuEventCreate(&fork, 0));
    OK(cuEventRecord(outside, side));
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_ILLEGAL_STATE);
    assert_int_equal(cuStreamBeginCapture(NULL, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    /* waiting for it */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    assert_int_equal(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL), CUDA_ERROR_ILLEGAL_STATE);
    assert_int_equal(cuStreamSynchronize(s), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    OK(cuStreamIsCapturing(s, &status));
    assert_int_equal(status, CU_STREAM_CAPTURE_STATUS_INVALIDATED);
    assert_int_equal(fixture_bump(a, s), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* an event from outside */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    assert_int_equal(cuStreamWaitEvent(s, outside, 0), CUDA_ERROR_STREAM_CAPTURE_ISOLATION);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* the legacy stream, which would wait for it */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    assert_int_equal(cuMemsetD8(a, 0, 4), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* and is asked, or is to wait */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    assert_int_equal(cuStreamQuery(NULL), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_GLOBAL));
    assert_int_equal(cuStreamWaitEvent(NULL, outside, 0), CUDA_ERROR_STREAM_CAPTURE_IMPLICIT);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* the context, or an event of the capture itself */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED));
    assert_int_equal(cuCtxSynchronize(), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(cuEventRecord(fork, s));
    assert_int_equal(cuEventSynchronize(fork), CUDA_ERROR_CAPTURED_EVENT);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    /* a stream that does not come back */
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(fixture_bump(a, s));
    OK(cuEventRecord(fork, s));
    OK(cuStreamWaitEvent(side, fork, 0));
    OK(fixture_bump(a, side));
    assert_int_equal(cuStreamEndCapture(side, &graph), CUDA_ERROR_STREAM_CAPTURE_UNMATCHED);
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(fixture_bump(a, s));
    OK(cuEventRecord(fork, s));
    OK(cuStreamWaitEvent(side, fork, 0));
    OK(fixture_bump(a, side));
    assert_int_equal(cuStreamEndCapture(s, &graph), CUDA_ERROR_STREAM_CAPTURE_UNJOINED);
    OK(fixture_bump(a, side)); /* it runs again */
    OK(cuStreamSynchronize(side));
    assert_int_equal(fixture_word(a), 1);
}

typedef struct request {
    CUcontext context, current;
    CUresult result;
    pthread_barrier_t turn;
} request;

static void *allocate_and_wait(void *user) {
    request *r = user;
    CUdeviceptr at = 0;
    CUcontext now;
    r->result = cuCtxSetCurrent(r->context);
    (void)pthread_barrier_wait(&r->turn);
    (void)pthread_barrier_wait(&r->turn); /* another thread has destroyed it, and made one that may lie at its place */
    if (r->result == CUDA_SUCCESS) r->result = cuMemAlloc(&at, 16);
    r->current = cuCtxGetCurrent(&now) == CUDA_SUCCESS ? now : r->context;
    return NULL;
}

static void a_context_that_another_thread_destroys(void **unused) {
    request r = {.current = NULL};
    CUcontext another;
    pthread_t thread;
    OK(cuCtxCreate(&r.context, 0, 0));
    assert_int_equal(pthread_barrier_init(&r.turn, NULL, 2), 0);
    assert_int_equal(pthread_create(&thread, NULL, allocate_and_wait, &r), 0);
    (void)pthread_barrier_wait(&r.turn);
    OK(cuCtxDestroy(r.context));
    OK(cuCtxCreate(&another, 0, 0));
    (void)pthread_barrier_wait(&r.turn);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_barrier_destroy(&r.turn);
    OK(cuCtxDestroy(another));
    assert_int_equal(r.result, CUDA_ERROR_CONTEXT_IS_DESTROYED);
    assert_null(r.current);
}

static void *allocate_elsewhere(void *user) {
    CUdeviceptr at = 0;
    request *r = user;
    r->result = cuCtxSetCurrent(r->context);
    if (r->result == CUDA_SUCCESS) r->result = cuMemAlloc(&at, 16);
    (void)cuMemFree(at);
    return NULL;
}

static CUresult elsewhere(void) {
    pthread_t thread;
    request r;
    OK(cuCtxGetCurrent(&r.context));
    assert_int_equal(pthread_create(&thread, NULL, allocate_elsewhere, &r), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return r.result;
}

/* By the thread that captures, by another one; and what the modes of captures and of threads allow. */
static void allocating_spoils_a_capture(void **unused) {
    static const struct { CUstreamCaptureMode of_capture, of_thread; bool own, other; } rows[] = {
        {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_GLOBAL, false, false},       {CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, CU_STREAM_CAPTURE_MODE_GLOBAL, false, true},
        {CU_STREAM_CAPTURE_MODE_RELAXED, CU_STREAM_CAPTURE_MODE_GLOBAL, true, true},        {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_THREAD_LOCAL, false, false},
        {CU_STREAM_CAPTURE_MODE_GLOBAL, CU_STREAM_CAPTURE_MODE_RELAXED, true, false},
    };
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++)
        for (int who = 0; who < 3; who++) {
            CUstreamCaptureMode mode = rows[k].of_thread;
            CUdeviceptr at = 0, a = fixture_buffer(4);
            CUgraph graph;
            bool fine = who == 1 ? rows[k].other : rows[k].own;
            OK(cuThreadExchangeStreamCaptureMode(&mode));
            OK(cuStreamBeginCapture(s, rows[k].of_capture));
            assert_int_equal(who == 0 ? cuMemAlloc(&at, 16) : who == 1 ? elsewhere() : cuMemFree(a), fine ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
            assert_int_equal(cuStreamEndCapture(s, &graph), fine ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_INVALIDATED);
            OK(cuThreadExchangeStreamCaptureMode(&mode));
            if (fine) OK(cuGraphDestroy(graph));
            OK(cuMemFree(at));
        }
}

/* ---- graphs ----------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static CUDA_KERNEL_NODE_PARAMS bump_node(void **parameters) {
    return (CUDA_KERNEL_NODE_PARAMS){.func = fixture_kernel("bump"), .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 1, .blockDimY = 1, .blockDimZ = 1, .kernelParams = parameters};
}

/* a child of two bumps between a fill and a host function; behind it a copy. */
static void graphs_are_built_by_hand_with_children(void **unused) {
    CUgraph graph, child, clone;
    CUgraphNode fill, inner[2], family, host, copy, list[8];
    CUgraphExec exec;
    CUdeviceptr a = fixture_buffer(8);
    CUgraphNodeType type;
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    int number = 0;
    size_t count = 8;
    void *parameters[] = {&a};
    CUDA_KERNEL_NODE_PARAMS bump = bump_node(parameters);
    CUDA_MEMSET_NODE_PARAMS ten = {.dst = a, .value = 10, .elementSize = 4, .width = 1, .height = 1};
    CUDA_HOST_NODE_PARAMS called = {count_up, &number};
    CUDA_MEMCPY3D c = {.srcMemoryType = CU_MEMORYTYPE_DEVICE, .srcDevice = a, .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = a + 4, .WidthInBytes = 4, .Height = 1, .Depth = 1};
    OK(cuGraphCreate(&child, 0));
    OK(cuGraphAddKernelNode(&inner[0], child, NULL, 0, &bump));
    OK(cuGraphAddKernelNode(&inner[1], child, &inner[0], 1, &bump));
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddMemsetNode(&fill, graph, NULL, 0, &ten, NULL));
    OK(cuGraphAddChildGraphNode(&family, graph, &fill, 1, child));
    OK(cuGraphDestroy(child)); /* a copy is in the node */
    OK(cuGraphAddHostNode(&host, graph, &family, 1, &called));
    OK(cuGraphAddMemcpyNode(&copy, graph, &family, 1, &c, NULL));
    assert_int_equal(cuGraphAddDependencies(graph, &fill, &family, 1), CUDA_ERROR_INVALID_VALUE); /* is there already */
    OK(cuGraphAddDependencies(graph, &host, &copy, 1));
    OK(cuGraphNodeGetType(family, &type));
    assert_int_equal(type, CU_GRAPH_NODE_TYPE_GRAPH);
    OK(cuGraphNodeGetDependencies(copy, list, &count));
    assert_true(count == 2 && list[0] == family && list[1] == host && list[2] == NULL);
    count = 8;
    OK(cuGraphNodeGetDependentNodes(family, list, &count));
    assert_true(count == 2 && list[0] == host && list[1] == copy);
    OK(cuGraphClone(&clone, graph));
    OK(cuGraphInstantiate(&exec, clone, 0));
    OK(cuGraphDestroy(clone));
    OK(cuGraphLaunch(exec, s));
    OK(cuGraphLaunch(exec, s));
    OK(cuStreamSynchronize(s));
    assert_true(fixture_word(a + 4) == 12 && number == 2);
    OK(cuGraphExecDestroy(exec));
    /* a circle */
    OK(cuGraphAddDependencies(graph, &copy, &fill, 1));
    assert_int_equal(cuGraphInstantiate(&exec, graph, 0), CUDA_ERROR_INVALID_VALUE);
    OK(cuGraphRemoveDependencies(graph, &copy, &fill, 1));
    OK(cuGraphDestroyNode(family));
    assert_int_equal(cuGraphNodeGetType(family, &type), CUDA_ERROR_INVALID_VALUE);
    count = 0;
    OK(cuGraphGetEdges(graph, NULL, NULL, &count));
    assert_int_equal(count, 1);
    OK(cuGraphDestroy(graph));
}

static void ready_graphs_are_updated(void **unused) {
    CUgraph graph, other;
    CUgraphNode first, second;
    CUgraphExec exec;
    CUgraphExecUpdateResultInfo info;
    CUdeviceptr a = fixture_buffer(16), b = a + 8;
    void *of_a[] = {&a}, *of_b[] = {&b};
    CUDA_KERNEL_NODE_PARAMS bump_a = bump_node(of_a), bump_b = bump_node(of_b);
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddKernelNode(&first, graph, NULL, 0, &bump_a));
    OK(cuGraphAddKernelNode(&second, graph, &first, 1, &bump_a));
    OK(cuGraphInstantiate(&exec, graph, 0));
    OK(cuGraphLaunch(exec, NULL));
    OK(cuGraphExecKernelNodeSetParams(exec, second, &bump_b));
    OK(cuGraphLaunch(exec, NULL));
    assert_true(fixture_word(a) == 3 && fixture_word(b) == 1);
    OK(cuGraphKernelNodeSetParams(first, &bump_b)); /* of the graph, not of what was made of it */
    OK(cuGraphLaunch(exec, NULL));
    assert_true(fixture_word(a) == 4 && fixture_word(b) == 2);
    OK(cuGraphExecUpdate(exec, graph, &info)); /* b, a */
    assert_int_equal(info.result, CU_GRAPH_EXEC_UPDATE_SUCCESS);
    OK(cuGraphExecKernelNodeSetParams(exec, second, &bump_b)); /* nodes are still found */
    OK(cuGraphLaunch(exec, NULL));
    assert_true(fixture_word(a) == 4 && fixture_word(b) == 4);
    OK(cuGraphCreate(&other, 0));
    OK(cuGraphAddKernelNode(&first, other, NULL, 0, &bump_a));
    assert_int_equal(cuGraphExecUpdate(exec, other, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    assert_int_equal(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_TOPOLOGY_CHANGED);
    OK(cuGraphAddEmptyNode(&second, other, &first, 1));
    assert_int_equal(cuGraphExecUpdate(exec, other, &info), CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE);
    assert_int_equal(info.result, CU_GRAPH_EXEC_UPDATE_ERROR_NODE_TYPE_CHANGED);
    OK(cuModuleUnload(fixture_module));
    assert_int_equal(cuGraphLaunch(exec, NULL), CUDA_ERROR_INVALID_HANDLE);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
    OK(cuGraphDestroy(other));
}

static void events_in_graphs_join_streams_outside(void **unused) {
    CUgraph graph;
    CUgraphNode node, record;
    CUgraphExec exec;
    CUevent event;
    CUstream s = make(CU_STREAM_NON_BLOCKING), side = make(CU_STREAM_NON_BLOCKING);
    CUdeviceptr at = (CUdeviceptr)(uintptr_t)gate;
    void *parameters[] = {&at};
    CUDA_KERNEL_NODE_PARAMS spin = {.func = fixture_kernel("spin"), .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 1, .blockDimY = 1, .blockDimZ = 1, .kernelParams = parameters};
    OK(cuEventCreate(&event, 0));
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddKernelNode(&node, graph, NULL, 0, &spin));
    OK(cuGraphAddEventRecordNode(&record, graph, &node, 1, event));
    OK(cuGraphInstantiate(&exec, graph, 0));
    *gate = 0;
    OK(cuGraphLaunch(exec, s));
    OK(cuStreamWaitEvent(side, event, 0));
    assert_int_equal(cuStreamQuery(side), CUDA_ERROR_NOT_READY);
    let_go();
    OK(cuEventSynchronize(event));
    OK(cuStreamSynchronize(side));
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
}

/* ---- what a strict reader found ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void a_capture_over_two_devices_ends_for_both(void **unused) {
    CUcontext second;
    CUstream s = make(CU_STREAM_NON_BLOCKING), there;
    CUevent fork, join;
    CUgraph graph, during;
    CUstreamCaptureStatus status;
    uint64_t id;
    OK(cuEventCreate(&fork, 0));
    OK(cuCtxCreate(&second, 0, 1));
    OK(cuStreamCreate(&there, CU_STREAM_NON_BLOCKING));
    OK(cuEventCreate(&join, 0));
    OK(cuStreamBeginCapture(s, CU_STREAM_CAPTURE_MODE_RELAXED));
    OK(cuEventRecord(fork, s));
    OK(cuStreamWaitEvent(there, fork, 0));
    OK(cuStreamGetCaptureInfo(there, &status, &id, &during, NULL, NULL));
    assert_int_equal(cuGraphDestroy(during), CUDA_ERROR_INVALID_VALUE); /* streams are still adding to it */
    OK(cuEventRecord(join, there));
    OK(cuStreamWaitEvent(s, join, 0));
    OK(cuStreamEndCapture(s, &graph));
    OK(cuStreamIsCapturing(there, &status));
    assert_int_equal(status, CU_STREAM_CAPTURE_STATUS_NONE);
    OK(cuGraphDestroy(graph));
    OK(cuCtxDestroy(second));
}

static void kernels_of_a_graph_run_on_their_own_devices(void **unused) {
    CUcontext second;
    CUmodule module;
    CUfunction bump;
    CUgraph graph;
    CUgraphNode node;
    CUgraphExec exec;
    OK(cuCtxCreate(&second, 0, 1));
    OK(cuModuleLoadData(&module, fixture_ptx));
    OK(cuModuleGetFunction(&bump, module, "bump"));
    CUdeviceptr there = fixture_buffer(4);
    void *parameters[] = {&there};
    CUDA_KERNEL_NODE_PARAMS p = {.func = bump, .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 1, .blockDimY = 1, .blockDimZ = 1, .kernelParams = parameters};
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddKernelNode(&node, graph, NULL, 0, &p));
    OK(cuGraphInstantiate(&exec, graph, 0));
    OK(cuCtxPopCurrent(NULL));
    OK(cuGraphLaunch(exec, NULL));
    OK(cuCtxSynchronize());
    assert_int_equal(fixture_word(there), 1);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
    OK(cuCtxDestroy(second));
}

static void a_destroyed_stream_that_does_not_block_still_does_not(void **unused) {
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    CUdeviceptr a = fixture_buffer(4);
    hold(s);
    OK(cuStreamDestroy(s));
    OK(cuMemcpyHtoD(a, &(uint32_t){3}, 4)); /* would wait for ever */
    let_go();
    OK(cuCtxSynchronize());
}

static void wait_for_gate(void *unused) {
    while (__atomic_load_n(gate, __ATOMIC_ACQUIRE) == 0) {}
}
static void open_gate(void *unused) { let_go(); }

static void blocked_functions_starve_nobody(void **unused) {
    enum { BLOCKED = 6 };
    CUstream last = make(CU_STREAM_NON_BLOCKING);
    *gate = 0;
    for (int i = 0; i < BLOCKED; i++) OK(cuLaunchHostFunc(make(CU_STREAM_NON_BLOCKING), wait_for_gate, NULL));
    OK(cuLaunchHostFunc(last, open_gate, NULL));
    OK(cuCtxSynchronize());
}

static void call_the_driver(void *result) { *(CUresult *)result = cuCtxSynchronize(); }

static void host_functions_may_not_call_the_driver(void **unused) {
    CUresult result = CUDA_SUCCESS;
    OK(cuLaunchHostFunc(NULL, call_the_driver, &result));
    OK(cuCtxSynchronize());
    assert_int_equal(result, CUDA_ERROR_NOT_PERMITTED);
}

static void *destroy_it(void *context) {
    CUresult result = cuCtxDestroy(context);
    return (void *)(uintptr_t)result;
}

static void a_context_is_destroyed_once(void **unused) {
    CUcontext c;
    CUstream s;
    pthread_t threads[2];
    void *results[2];
    OK(cuCtxCreate(&c, 0, 0));
    OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
    *gate = 0;
    OK(cuLaunchHostFunc(s, wait_for_gate, NULL));
    OK(cuCtxPopCurrent(NULL));
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, destroy_it, c), 0);
    let_go();
    for (int i = 0; i < 2; i++) pthread_join(threads[i], &results[i]);
    assert_true((uintptr_t)results[0] + (uintptr_t)results[1] == CUDA_ERROR_INVALID_CONTEXT);
    assert_int_equal(cuStreamSynchronize(s), CUDA_ERROR_INVALID_HANDLE);
}

/* ---- many threads at once -------------------------------------------------------------------------------------------------------------------------------------------------- */

static void *all_sorts(void *unused) {
    CUstream s;
    CUevent e;
    CUdeviceptr a;
    uint32_t word;
    OK(cuCtxSetCurrent(fixture_context));
    for (int i = 0; i < 20; i++) {
        OK(cuStreamCreate(&s, i % 2 == 0 ? CU_STREAM_DEFAULT : CU_STREAM_NON_BLOCKING));
        OK(cuEventCreate(&e, 0));
        OK(cuMemAlloc(&a, 64));
        OK(cuMemsetD32Async(a, (unsigned int)i, 16, s));
        OK(fixture_bump(a, s));
        OK(cuEventRecord(e, s));
        OK(cuStreamWaitEvent(CU_STREAM_PER_THREAD, e, 0));
        OK(cuMemcpyDtoHAsync(&word, a, 4, CU_STREAM_PER_THREAD));
        OK(cuStreamSynchronize(CU_STREAM_PER_THREAD));
        assert_int_equal(word, i + 1);
        OK(cuStreamDestroy(s));
        OK(cuEventDestroy(e));
        OK(cuMemFree(a));
    }
    return NULL;
}

static void threads_use_one_context_at_once(void **unused) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, all_sorts, NULL), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static void *let_go_later(void *unused) {
    usleep(50000);
    let_go();
    return unused;
}

/* Its kernel runs in a stream of another context when a context is destroyed. */
static void kernels_of_graphs_are_waited_for_by_their_own_context(void **unused) {
    CUcontext second;
    CUmodule module;
    CUfunction spin;
    CUgraph graph;
    CUgraphNode node;
    CUgraphExec exec;
    pthread_t thread;
    CUdeviceptr at = (CUdeviceptr)(uintptr_t)gate;
    CUstream s = make(CU_STREAM_NON_BLOCKING);
    OK(cuCtxCreate(&second, 0, 1));
    OK(cuModuleLoadData(&module, fixture_ptx));
    OK(cuModuleGetFunction(&spin, module, "spin"));
    void *parameters[] = {&at};
    CUDA_KERNEL_NODE_PARAMS p = {.func = spin, .gridDimX = 1, .gridDimY = 1, .gridDimZ = 1, .blockDimX = 1, .blockDimY = 1, .blockDimZ = 1, .kernelParams = parameters};
    OK(cuGraphCreate(&graph, 0));
    OK(cuGraphAddKernelNode(&node, graph, NULL, 0, &p));
    OK(cuGraphInstantiate(&exec, graph, 0));
    *gate = 0;
    OK(cuGraphLaunch(exec, s));
    assert_int_equal(pthread_create(&thread, NULL, let_go_later, NULL), 0);
    OK(cuCtxDestroy(second));
    assert_int_equal(__atomic_load_n(gate, __ATOMIC_ACQUIRE), 1); /* it ended first */
    OK(cuStreamQuery(s));
    pthread_join(thread, NULL);
    assert_int_equal(cuGraphLaunch(exec, s), CUDA_ERROR_INVALID_HANDLE);
    OK(cuGraphExecDestroy(exec));
    OK(cuGraphDestroy(graph));
}

int main(void) {
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
    setenv("PAGODA_SOFTGPU_DEVICES", "2", 1);
#define WITH(test) cmocka_unit_test_setup_teardown(test, begin, fixture_end)
    const struct CMUnitTest tests[] = {
        WITH(a_stream_goes_on_while_another_is_busy),
        WITH(the_legacy_stream_and_blocking_ones_wait_for_each_other),
        WITH(work_in_a_stream_is_done_in_order),
        WITH(threads_have_streams_of_their_own),
        WITH(functions_of_the_host_take_their_turn),
        WITH(events_are_waited_for_across_streams),
        WITH(captured_streams_become_one_graph),
        WITH(what_cannot_be_captured_spoils_the_capture),
        WITH(allocating_spoils_a_capture),
        WITH(a_context_that_another_thread_destroys),
        WITH(graphs_are_built_by_hand_with_children),
        WITH(ready_graphs_are_updated),
        WITH(events_in_graphs_join_streams_outside),
        WITH(a_capture_over_two_devices_ends_for_both),
        WITH(kernels_of_a_graph_run_on_their_own_devices),
        WITH(kernels_of_graphs_are_waited_for_by_their_own_context),
        WITH(a_destroyed_stream_that_does_not_block_still_does_not),
        WITH(blocked_functions_starve_nobody),
        WITH(host_functions_may_not_call_the_driver),
        WITH(a_context_is_destroyed_once),
        WITH(threads_use_one_context_at_once),
    };
    return cmocka_run_group_tests_name("softgpu/driver_streams", tests, NULL, NULL);
}
