/* SPDX-License-Identifier: Apache-2.0
 * The driver as a program sees it: devices, contexts, memory, modules, launches, and what it says of mistakes. */
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver_fixture.h"

/* ---- devices, contexts ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void nothing_works_before_cuInit(void **unused) {
    int count;
    CUcontext c;
    assert_int_equal(cuDeviceGetCount(&count), CUDA_ERROR_NOT_INITIALIZED);
    assert_int_equal(cuCtxCreate(&c, 0, 0), CUDA_ERROR_NOT_INITIALIZED);
    assert_int_equal(cuInit(1), CUDA_ERROR_INVALID_VALUE);
    OK(cuInit(0));
    OK(cuInit(0));
    OK(cuDeviceGetCount(&count));
    assert_int_equal(count, 2);
    assert_int_equal(cuMemAlloc(&(CUdeviceptr){0}, 4), CUDA_ERROR_INVALID_CONTEXT);
}

static void devices_say_honestly_what_they_are(void **unused) {
    char name[128], id[32];
    int value, major, minor;
    size_t bytes;
    CUdevice device;
    CUuuid a, b;
    OK(cuDeviceGetName(name, sizeof name, 0));
    assert_non_null(strstr(name, "software"));
    OK(cuDeviceComputeCapability(&major, &minor, 1));
    assert_true(major == 9 && minor == 0);
    OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 0));
    assert_int_equal(value, 32);
    OK(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_MULTIPROCESSOR, 0));
    assert_int_equal(value, 228 << 10);
    assert_int_equal(cuDeviceGetAttribute(&value, (CUdevice_attribute)0, 0), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuDeviceGetAttribute(&value, CU_DEVICE_ATTRIBUTE_WARP_SIZE, 2), CUDA_ERROR_INVALID_DEVICE);
    assert_int_equal(cuDeviceGet(&device, 2), CUDA_ERROR_INVALID_DEVICE);
    OK(cuDeviceTotalMem(&bytes, 0));
    assert_true(bytes == (size_t)256 << 20);
    OK(cuDeviceGetUuid(&a, 0));
    OK(cuDeviceGetUuid(&b, 1));
    assert_true(memcmp(&a, &b, sizeof a) != 0);
    OK(cuDeviceGetPCIBusId(id, sizeof id, 1));
    OK(cuDeviceGetByPCIBusId(&device, id));
    assert_int_equal(device, 1);
}

static void contexts_are_a_stack_of_each_thread(void **unused) {
    CUcontext a, b, c, other;
    CUdevice device;
    OK(cuCtxCreate(&a, 0, 0));
    OK(cuCtxCreate(&b, 0, 1));
    OK(cuCtxGetDevice(&device));
    assert_int_equal(device, 1);
    OK(cuCtxPopCurrent(&c));
    assert_ptr_equal(c, b);
    OK(cuCtxGetCurrent(&c));
    assert_ptr_equal(c, a);
    OK(cuCtxSetCurrent(b));
    OK(cuCtxGetDevice(&device));
    assert_int_equal(device, 1);
    OK(cuCtxDestroy(b));
    assert_int_equal(cuCtxGetDevice(&device), CUDA_ERROR_INVALID_CONTEXT);
    assert_int_equal(cuCtxDestroy(b), CUDA_ERROR_INVALID_CONTEXT);
    OK(cuCtxDestroy(a));
    assert_int_equal(cuCtxPushCurrent((CUcontext)(uintptr_t)0x1234), CUDA_ERROR_INVALID_CONTEXT);
    /* the primary one has one handle, and is counted */
    OK(cuDevicePrimaryCtxRetain(&a, 0));
    OK(cuDevicePrimaryCtxRetain(&b, 0));
    assert_ptr_equal(a, b);
    unsigned int flags;
    int active;
    OK(cuDevicePrimaryCtxRelease(0));
    OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
    assert_true(active);
    OK(cuDevicePrimaryCtxRelease(0));
    OK(cuDevicePrimaryCtxGetState(0, &flags, &active));
    assert_false(active);
    assert_int_equal(cuDevicePrimaryCtxRelease(0), CUDA_ERROR_INVALID_CONTEXT);
    OK(cuDevicePrimaryCtxRetain(&other, 0));
    assert_ptr_equal(other, a);
    OK(cuDevicePrimaryCtxRelease(0));
}

/* What the CUDA manual counts among the resources of a context; what came out of a pool is none of them. */
static void use_and_lose_a_context(bool primary) {
    CUcontext c;
    CUevent events[3];
    CUstream s;
    CUmodule m;
    CUfunction f;
    CUlinkState link;
    CUdeviceptr a, managed, pooled;
    void *image, *host;
    char name[8] = "";
    const char *found;
    if (primary) {
        OK(cuDevicePrimaryCtxRetain(&c, 0));
        OK(cuCtxPushCurrent(c));
    } else {
        OK(cuCtxCreate(&c, 0, 0));
    }
    for (int i = 0; i < 3; i++) OK(cuEventCreate(&events[i], 0));
    OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
    OK(cuEventRecord(events[0], s));
    OK(cuEventDestroy(events[1])); /* from the middle */
    OK(cuModuleLoadData(&m, fixture_ptx));
    OK(cuModuleGetFunction(&f, m, "bump"));
    OK(cuLinkCreate(0, NULL, NULL, &link));
    OK(cuLinkAddData(link, CU_JIT_INPUT_PTX, (void *)(uintptr_t)fixture_ptx, sizeof fixture_ptx, name, 0, NULL, NULL));
    OK(cuMemAlloc(&a, 64));
    OK(cuMemAllocManaged(&managed, 64, CU_MEM_ATTACH_GLOBAL));
    OK(cuMemAllocHost(&host, 64));
    OK(cuMemAllocAsync(&pooled, 64, s));
    OK(primary ? cuDevicePrimaryCtxReset(0) : cuCtxDestroy(c));
    if (primary) OK(cuCtxPopCurrent(NULL));
    OK(cuCtxPushCurrent(fixture_context));
    assert_int_equal(cuEventQuery(events[0]), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuEventSynchronize(events[2]), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuEventDestroy(events[2]), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuStreamWaitEvent(NULL, events[0], 0), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuStreamQuery(s), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuModuleGetFunction(&f, m, "bump"), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuFuncGetName(&found, f), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuLinkComplete(link, &image, NULL), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuLinkDestroy(link), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuMemFree(a), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemFree(managed), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemFreeHost(host), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemsetD32(pooled, 5, 16)); /* stays until it is freed */
    assert_int_equal(fixture_word(pooled + 60), 5);
    OK(cuMemFree(pooled));
    OK(cuCtxPopCurrent(NULL));
}

static void what_is_of_a_context_goes_with_it(void **unused) {
    CUmemoryPool pool;
    uint64_t used;
    OK(cuDeviceGetDefaultMemPool(&pool, 0));
    for (int i = 0; i < 4; i++) use_and_lose_a_context(i % 2 == 0);
    size_t before = mallinfo2().uordblks;
    for (int i = 0; i < 300; i++) use_and_lose_a_context(i % 2 == 0);
    assert_true(mallinfo2().uordblks < before + 100000); /* of 300 contexts */
    OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    assert_int_equal(used, 0);
    CUcontext c; /* primary ones that were reset are retained as new */
    CUevent e;
    OK(cuDevicePrimaryCtxRetain(&c, 0));
    OK(cuCtxPushCurrent(c));
    OK(cuEventCreate(&e, 0));
    OK(cuCtxPopCurrent(NULL));
    OK(cuDevicePrimaryCtxRelease(0));
    assert_int_equal(cuEventDestroy(e), CUDA_ERROR_INVALID_HANDLE);
}

/* ---- memory ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

static bool host_may_read(CUdeviceptr address) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    bool may = write(ends[1], (const void *)(uintptr_t)address, 1) == 1;
    close(ends[0]);
    close(ends[1]);
    return may;
}

static void memory_is_the_devices_and_copies_stay_within_it(void **unused) {
    size_t left, total, before, pitch;
    CUdeviceptr a, base;
    char bytes[128] = {0};
    OK(cuMemGetInfo(&before, &total));
    OK(cuMemAlloc(&a, 100));
    assert_int_equal(a % 256, 0);
    assert_false(host_may_read(a));
    OK(cuMemGetInfo(&left, &total));
    assert_int_equal(before - left, 100);
    assert_int_equal(cuMemAlloc(&a, 0), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemAlloc(&base, (size_t)1 << 30), CUDA_ERROR_OUT_OF_MEMORY);
    OK(cuMemAlloc(&a, 100));
    OK(cuMemcpyHtoD(a + 28, bytes, 72));
    assert_int_equal(cuMemcpyHtoD(a + 29, bytes, 72), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpyDtoH(bytes, a, 101), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpyHtoD((CUdeviceptr)(uintptr_t)bytes, bytes, 8), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemsetD32(a + 2, 1, 2), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemGetAddressRange(&base, &left, a + 50));
    assert_true(base == a && left == 100);
    OK(cuMemFree(a));
    assert_int_equal(cuMemFree(a), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpyDtoH(bytes, a, 1), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemFree(0));
    OK(cuMemAllocPitch(&a, &pitch, 100, 3, 4));
    assert_true(pitch >= 100 && pitch % 256 == 0);
    OK(cuMemFree(a));
}

static void fills_and_boxes_are_copied(void **unused) {
    enum { W = 16, H = 8, D = 3 };
    CUdeviceptr a = fixture_buffer(4096);
    uint8_t from[W * H * D], to[W * H * D];
    for (int i = 0; i < W * H * D; i++) from[i] = (uint8_t)(i * 7);
    memset(to, 0, sizeof to);
    /* a rectangle of 5 x 3 at (4, 2) goes to (1, 1) of rows of 64 bytes, and back to (9, 4) */
    CUDA_MEMCPY2D in = {.srcXInBytes = 4, .srcY = 2, .srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from, .srcPitch = W, .dstXInBytes = 1, .dstY = 1, .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = a, .dstPitch = 64, .WidthInBytes = 5, .Height = 3};
    CUDA_MEMCPY2D out = {.srcXInBytes = 1, .srcY = 1, .srcMemoryType = CU_MEMORYTYPE_UNIFIED, .srcDevice = a, .srcPitch = 64, .dstXInBytes = 9, .dstY = 4, .dstMemoryType = CU_MEMORYTYPE_HOST, .dstHost = to, .dstPitch = W, .WidthInBytes = 5, .Height = 3};
    OK(cuMemcpy2D(&in));
    OK(cuMemcpy2D(&out));
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 5; x++) assert_int_equal(to[(4 + y) * W + 9 + x], from[(2 + y) * W + 4 + x]);
    assert_int_equal(to[4 * W + 8], 0);
    in.WidthInBytes = 64; /* wider than the pitch it comes from */
    assert_int_equal(cuMemcpy2D(&in), CUDA_ERROR_INVALID_VALUE);
    CUDA_MEMCPY3D box = {.srcZ = 1, .srcMemoryType = CU_MEMORYTYPE_HOST, .srcHost = from, .srcPitch = W, .srcHeight = H, .dstMemoryType = CU_MEMORYTYPE_DEVICE, .dstDevice = a, .dstPitch = W, .dstHeight = H, .WidthInBytes = W, .Height = H, .Depth = 2};
    OK(cuMemcpy3D(&box));
    OK(cuMemcpyDtoH(to, a, 2 * W * H));
    assert_memory_equal(to, from + W * H, 2 * W * H);
    uint32_t words[8];
    OK(cuMemsetD32(a, 0x01020304, 8));
    OK(cuMemsetD16(a + 4, 0x0506, 2));
    OK(cuMemsetD8(a + 8, 9, 3));
    OK(cuMemsetD2D32(a + 12, 8, 5, 1, 2));
    OK(cuMemcpyDtoH(words, a, sizeof words));
    assert_true(words[0] == 0x01020304 && words[1] == 0x05060506 && words[2] == 0x01090909 && words[3] == 5 && words[4] == 0x01020304 && words[5] == 5);
    CUdeviceptr b = fixture_buffer(32);
    OK(cuMemcpyDtoD(b, a, 32));
    assert_int_equal(fixture_word(b + 12), 5);
    OK(cuMemcpy((CUdeviceptr)(uintptr_t)words, b + 12, 4));
    assert_int_equal(words[0], 5);
}

static void pinned_and_managed_memory_is_the_hosts_too(void **unused) {
    uint32_t *pinned, *managed;
    CUdeviceptr at, address;
    unsigned int type;
    static uint32_t own[256];
    OK(cuMemHostAlloc((void **)&pinned, 64, 0));
    OK(cuMemAllocManaged(&address, 64, CU_MEM_ATTACH_GLOBAL));
    managed = (uint32_t *)(uintptr_t)address;
    pinned[3] = managed[3] = 41;
    OK(cuMemHostGetDevicePointer(&at, pinned, 0));
    OK(fixture_bump(at + 12, NULL));
    OK(fixture_bump(address + 12, NULL));
    OK(cuCtxSynchronize());
    assert_true(pinned[3] == 42 && managed[3] == 42);
    OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, at));
    assert_int_equal(type, CU_MEMORYTYPE_HOST);
    OK(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_IS_MANAGED, address));
    assert_int_equal(type, 1);
    assert_int_equal(cuPointerGetAttribute(&type, CU_POINTER_ATTRIBUTE_MEMORY_TYPE, (CUdeviceptr)(uintptr_t)own), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemHostRegister(own, sizeof own, 0));
    assert_int_equal(cuMemHostRegister(own, sizeof own, 0), CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED);
    assert_int_equal(cuMemHostRegister((void *)4096, 4096, 0), CUDA_ERROR_INVALID_VALUE); /* where the program has nothing */
    assert_int_equal(cuMemHostRegister((void *)(UINTPTR_MAX - 100), 4096, 0), CUDA_ERROR_INVALID_VALUE);
    /* what it may not write to; what is the device's */
    void *sealed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CUdeviceptr gone = fixture_buffer(4096), kept = fixture_buffer(4096);
    assert_true(sealed != MAP_FAILED);
    assert_int_equal(cuMemHostRegister(sealed, 4096, 0), CUDA_ERROR_INVALID_VALUE);
    munmap(sealed, 4096);
    OK(cuMemFree(gone));
    assert_int_equal(cuMemHostRegister((void *)(uintptr_t)gone, 4096, 0), CUDA_ERROR_INVALID_VALUE);
    /* of copies whose sides are told by the address: a device's is never the program's own */
    assert_int_equal(cuMemcpy(kept, gone, 64), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpyHtoD(kept, (void *)(uintptr_t)gone, 64), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemcpy((CUdeviceptr)(uintptr_t)own, kept + 4090, 64), CUDA_ERROR_INVALID_VALUE);
    own[200] = 1;
    OK(fixture_bump((CUdeviceptr)(uintptr_t)&own[200], NULL));
    OK(cuCtxSynchronize());
    assert_int_equal(own[200], 2);
    OK(cuMemHostUnregister(own));
    assert_int_equal(cuMemHostUnregister(own), CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED);
    OK(cuMemFreeHost(pinned));
    OK(cuMemFree(address));
    assert_int_equal(cuMemFreeHost(pinned), CUDA_ERROR_INVALID_VALUE);
}

static void pinned_and_managed_allocations_may_be_many(void **unused) {
    enum { MANY = 100000 };
    static CUdeviceptr held[MANY];
    for (int i = 0; i < MANY; i++) {
        void *host = NULL;
        if (i % 3 == 0) OK(cuMemAllocManaged(&held[i], 8, CU_MEM_ATTACH_GLOBAL));
        else if (i % 3 == 1) OK(cuMemAllocHost(&host, 8));
        else OK(cuMemHostAlloc(&host, 8, 0));
        if (host != NULL) held[i] = (CUdeviceptr)(uintptr_t)host;
    }
    for (int i = 0; i < MANY; i += 999) *(uint32_t *)(uintptr_t)held[i] = (uint32_t)i;
    for (int i = 0; i < MANY; i += 999) OK(fixture_bump(held[i], NULL));
    OK(cuCtxSynchronize());
    for (int i = 0; i < MANY; i += 999) assert_int_equal(*(uint32_t *)(uintptr_t)held[i], i + 1);
    for (int i = 0; i < MANY; i += 500) OK(i % 3 == 0 ? cuMemFree(held[i]) : cuMemFreeHost((void *)(uintptr_t)held[i]));
    OK(fixture_bump(held[MANY - 1] + 8, NULL)); /* right behind the last one */
    assert_int_equal(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
}

static void pools_count_what_is_allocated_in_streams(void **unused) {
    CUmemoryPool own, pool;
    CUdeviceptr a, b;
    uint64_t used, high;
    CUstream s;
    CUmemPoolProps p = {.allocType = CU_MEM_ALLOCATION_TYPE_PINNED, .location = {CU_MEM_LOCATION_TYPE_DEVICE, 0}};
    OK(cuStreamCreate(&s, CU_STREAM_NON_BLOCKING));
    OK(cuDeviceGetDefaultMemPool(&own, 0));
    OK(cuMemPoolCreate(&pool, &p));
    OK(cuMemAllocFromPoolAsync(&a, 1000, pool, s));
    OK(cuMemAllocAsync(&b, 500, s));
    OK(fixture_bump(b, s));
    OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    assert_int_equal(used, 1000);
    OK(cuMemFreeAsync(a, s));
    OK(cuMemFreeAsync(b, s));
    OK(cuStreamSynchronize(s));
    OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    OK(cuMemPoolGetAttribute(pool, CU_MEMPOOL_ATTR_USED_MEM_HIGH, &high));
    assert_true(used == 0 && high == 1000);
    OK(cuMemPoolGetAttribute(own, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used));
    assert_int_equal(used, 0);
    assert_int_equal(cuMemFreeAsync(a, s), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuMemPoolDestroy(own), CUDA_ERROR_INVALID_VALUE);
    OK(cuMemPoolDestroy(pool));
    OK(cuStreamDestroy(s));
}

static void peers_reach_each_other_when_they_may(void **unused) {
    int can;
    CUcontext second;
    CUdeviceptr there;
    OK(cuDeviceCanAccessPeer(&can, 0, 1));
    assert_int_equal(can, 1);
    OK(cuCtxCreate(&second, 0, 1));
    there = fixture_buffer(64);
    OK(cuCtxPopCurrent(NULL));
    OK(cuCtxEnablePeerAccess(second, 0));
    assert_int_equal(cuCtxEnablePeerAccess(second, 0), CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    assert_int_equal(cuCtxEnablePeerAccess(fixture_context, 0), CUDA_ERROR_PEER_ACCESS_UNSUPPORTED);
    OK(fixture_bump(there, NULL));
    assert_int_equal(fixture_word(there), 1);
    OK(cuCtxDisablePeerAccess(second));
    OK(fixture_bump(there, NULL));
    assert_int_equal(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_non_null(strstr(pgd_softgpu_error_text(), "memory of device 1, which this one may not reach"));
    OK(cuCtxDestroy(second));
}

/* ---- modules --------------------------------------------------------------------------------------------------------------------------------------------------------- */

static void mistakes_in_ptx_are_told_in_the_log(void **unused) {
    static const char wrong[] = ".version 7.8\n.target sm_80\n.address_size 64\n.visible .entry k()\n{\nadd.u32 %r1, %r2, 1;\nret;\n}\n";
    static const char newer[] = ".version 8.8\n.target sm_100\n.address_size 64\n.visible .entry k()\n{\nret;\n}\n";
    static const unsigned char cubin[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [18] = 190}, program[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1, [16] = 2, [18] = 62};
    CUmodule m;
    char log[512], info[64];
    static const char too_much[] = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry k()\n{\n.shared .align 4 .b8 room[232452];\n.reg .u32 %r;\nld.shared.u32 %r, [room];\nret;\n}\n.visible .entry small()\n{\nret;\n}\n";
    CUlibrary library;
    static const char undefined[] = ".version 7.0\n.target sm_70\n.address_size 64\n.extern .func (.param .f32 y) __nv_expf(.param .f32 x);\n.extern .func unused();\n.visible .entry k()\n{\n.param .f32 x, y;\ncall (y), __nv_expf, (x);\nret;\n}\n";
    CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES, CU_JIT_INFO_LOG_BUFFER, CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES};
    void *values[] = {log, (void *)(uintptr_t)sizeof log, info, (void *)(uintptr_t)sizeof info};
    assert_int_equal(cuModuleLoadDataEx(&m, wrong, 4, options, values), CUDA_ERROR_INVALID_PTX);
    assert_non_null(strstr(log, "line 6, column 9"));
    assert_int_equal((uintptr_t)values[1], strlen(log));
    values[1] = (void *)(uintptr_t)10; /* cut, and ended */
    assert_int_equal(cuModuleLoadDataEx(&m, wrong, 4, options, values), CUDA_ERROR_INVALID_PTX);
    assert_int_equal(strlen(log), 9);
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuModuleLoadDataEx(&m, newer, 4, options, values), CUDA_ERROR_NO_BINARY_FOR_GPU);
    assert_non_null(strstr(log, "sm_100"));
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuModuleLoadDataEx(&m, cubin, 4, options, values), CUDA_ERROR_NO_BINARY_FOR_GPU);
    assert_non_null(strstr(log, "a cubin"));
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuModuleLoadDataEx(&m, program, 4, options, values), CUDA_ERROR_NO_BINARY_FOR_GPU);
    assert_non_null(strstr(log, "machine code of no GPU"));
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuModuleLoadDataEx(&m, undefined, 4, options, values), CUDA_ERROR_INVALID_PTX);
    assert_non_null(strstr(log, "line 9, column 1: __nv_expf is used here, and nothing defines it; it is of libdevice"));
    assert_null(strstr(log, "unused"));
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuModuleLoadDataEx(&m, too_much, 4, options, values), CUDA_ERROR_INVALID_PTX);
    assert_non_null(strstr(log, "k has variables of 232452 bytes in shared memory; a block has 232448"));
    values[1] = (void *)(uintptr_t)sizeof log;
    assert_int_equal(cuLibraryLoadData(&library, too_much, options, values, 4, NULL, NULL, 0), CUDA_ERROR_INVALID_PTX);
    assert_non_null(strstr(log, "k has variables of 232452 bytes"));
    assert_int_equal(cuModuleLoadData(&m, ""), CUDA_ERROR_INVALID_PTX);
    assert_int_equal(cuModuleLoad(&m, "/nowhere/to/be/found.ptx"), CUDA_ERROR_FILE_NOT_FOUND);
}

static void modules_hold_functions_and_variables(void **unused) {
    CUdeviceptr at, to = fixture_buffer(4);
    size_t bytes;
    CUfunction f;
    CUmodule again;
    unsigned int count;
    int value;
    const char *name;
    OK(cuModuleGetGlobal(&at, &bytes, fixture_module, "counter"));
    assert_int_equal(bytes, 4);
    assert_int_equal(fixture_word(at), 7);
    OK(cuMemcpyHtoD(at, &(uint32_t){99}, 4));
    void *parameters[] = {&to};
    OK(cuLaunchKernel(fixture_kernel("copy_counter"), 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    assert_int_equal(fixture_word(to), 99);
    OK(cuModuleLoadData(&again, fixture_ptx)); /* has variables of its own */
    OK(cuModuleGetGlobal(&at, NULL, again, "counter"));
    assert_int_equal(fixture_word(at), 7);
    assert_int_equal(cuModuleGetGlobal(&at, &bytes, fixture_module, "nothing"), CUDA_ERROR_NOT_FOUND);
    assert_int_equal(cuModuleGetFunction(&f, fixture_module, "nothing"), CUDA_ERROR_NOT_FOUND);
    OK(cuModuleGetFunctionCount(&count, again));
    assert_int_equal(count, 6);
    OK(cuModuleGetFunction(&f, again, "mixed"));
    OK(cuFuncGetName(&name, f));
    assert_string_equal(name, "mixed");
    size_t offset;
    OK(cuFuncGetParamInfo(f, 3, &offset, &bytes));
    assert_true(offset == 24 && bytes == 12);
    assert_int_equal(cuFuncGetParamInfo(f, 4, &offset, &bytes), CUDA_ERROR_INVALID_VALUE);
    OK(cuFuncGetAttribute(&value, CU_FUNC_ATTRIBUTE_CONST_SIZE_BYTES, f));
    assert_int_equal(value, 8);
    OK(cuModuleUnload(again));
    assert_int_equal(cuModuleUnload(again), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuFuncGetName(&name, f), CUDA_ERROR_INVALID_HANDLE);
}

static void libraries_load_where_they_are_used(void **unused) {
    CUlibrary library;
    CUkernel kernel;
    CUfunction f;
    CUcontext second;
    CUdeviceptr at, to = fixture_buffer(8);
    size_t bytes;
    OK(cuCtxPopCurrent(NULL)); /* libraries are of no context */
    OK(cuLibraryLoadData(&library, fixture_ptx, NULL, NULL, 0, NULL, NULL, 0));
    OK(cuLibraryGetKernel(&kernel, library, "bump"));
    assert_int_equal(cuLibraryGetKernel(&kernel, library, "nothing"), CUDA_ERROR_NOT_FOUND);
    OK(cuLibraryGetKernel(&kernel, library, "bump"));
    OK(cuCtxPushCurrent(fixture_context));
    void *parameters[] = {&to};
    OK(cuLaunchKernel((CUfunction)(void *)kernel, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    OK(cuKernelGetFunction(&f, kernel));
    OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    assert_int_equal(fixture_word(to), 2);
    OK(cuLibraryGetGlobal(&at, &bytes, library, "counter"));
    OK(cuCtxCreate(&second, 0, 1));
    to = fixture_buffer(8);
    OK(cuLaunchKernel((CUfunction)(void *)kernel, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    assert_int_equal(fixture_word(to), 1);
    OK(cuCtxDestroy(second));
    OK(cuLibraryUnload(library));
    assert_int_equal(cuKernelGetFunction(&f, kernel), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuLibraryGetKernel(&kernel, library, "bump"), CUDA_ERROR_INVALID_HANDLE);
}

static void attributes_of_kernels_are_of_a_device(void **unused) {
    static const char ptx[] = ".version 7.8\n.target sm_80\n.address_size 64\n.global .b8 large[4096];\n.extern .shared .align 4 .b8 asked[];\n.visible .entry k()\n{\n.shared .b32 own[256];\n.reg .u32 %v;\nld.shared.u32 %v, [own];\nst.shared.u32 [asked], %v;\nret;\n}\n";
    const CUfunction_attribute MORE = CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
    CUlibrary library;
    CUkernel kernel;
    CUfunction f;
    CUcontext second;
    int value;
    OK(cuCtxPopCurrent(NULL)); /* no context is needed */
    OK(cuLibraryLoadData(&library, ptx, NULL, NULL, 0, NULL, NULL, 0));
    OK(cuLibraryGetKernel(&kernel, library, "k"));
    OK(cuKernelGetAttribute(&value, CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, kernel, 1));
    assert_int_equal(value, 1024);
    OK(cuKernelSetAttribute(MORE, 70000, kernel, 1));
    assert_int_equal(cuKernelSetAttribute(MORE, 300000, kernel, 1), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuKernelSetAttribute(MORE, 70000, kernel, 2), CUDA_ERROR_INVALID_DEVICE);
    assert_int_equal(cuKernelGetAttribute(&value, MORE, kernel, -1), CUDA_ERROR_INVALID_DEVICE);
    OK(cuKernelGetAttribute(&value, MORE, kernel, 1));
    assert_int_equal(value, 70000);
    OK(cuKernelGetAttribute(&value, MORE, kernel, 0));
    assert_int_equal(value, 48 << 10);
    OK(cuCtxPushCurrent(fixture_context)); /* of device 0, which was not told */
    OK(cuKernelGetFunction(&f, kernel));
    assert_int_equal(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 70000, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    OK(cuKernelSetAttribute(MORE, 60000, kernel, 0)); /* the function is there already */
    OK(cuFuncGetAttribute(&value, MORE, f));
    assert_int_equal(value, 60000);
    OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 60000, NULL, NULL, NULL));
    OK(cuCtxCreate(&second, 0, 1));
    OK(cuKernelGetFunction(&f, kernel));
    OK(cuFuncGetAttribute(&value, MORE, f));
    assert_int_equal(value, 70000);
    OK(cuLaunchKernel((CUfunction)(void *)kernel, 1, 1, 1, 1, 1, 1, 70000, NULL, NULL, NULL));
    OK(cuCtxSynchronize());
    OK(cuCtxDestroy(second));
    OK(cuLibraryUnload(library));
    assert_int_equal(cuKernelGetAttribute(&value, MORE, kernel, 0), CUDA_ERROR_INVALID_HANDLE);
}

static void texts_are_linked(void **unused) {
    static const char caller[] = "// a comment\n.version 7.5\n.target sm_75\n.address_size 64\n.extern .func (.param .u32 r) twice(.param .u32 x);\n.visible .entry k(.param .u64 to)\n{\n.reg .u64 %o;\n.reg .u32 %v;\n.param .u32 p;\n.param .u32 q;\n"
                                 "ld.param.u64 %o, [to];\nst.param.u32 [p], 21;\ncall (q), twice, (p);\nld.param.u32 %v, [q];\nst.global.u32 [%o], %v;\nret;\n}\n";
    static const char callee[] = ".version 7.0\n.target sm_70\n.address_size 64\n.visible .func (.param .u32 r) twice(.param .u32 x)\n{\n.reg .u32 %v;\nld.param.u32 %v, [x];\nadd.u32 %v, %v, %v;\nst.param.u32 [r], %v;\nret;\n}\n";
    CUlinkState state;
    CUmodule m;
    CUfunction f;
    CUdeviceptr to = fixture_buffer(4);
    void *image;
    size_t bytes;
    OK(cuLinkCreate(0, NULL, NULL, &state));
    assert_int_equal(cuLinkComplete(state, &image, &bytes), CUDA_ERROR_INVALID_IMAGE);
    OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)caller, sizeof caller, "caller", 0, NULL, NULL));
    assert_int_equal(cuLinkComplete(state, &image, &bytes), CUDA_ERROR_INVALID_PTX); /* nothing defines it yet */
    assert_int_equal(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)caller, SIZE_MAX, "caller", 0, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLinkAddData(state, CU_JIT_INPUT_CUBIN, (void *)(uintptr_t)caller, sizeof caller, "cubin", 0, NULL, NULL), CUDA_ERROR_NO_BINARY_FOR_GPU);
    OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)callee, strlen(callee), "callee", 0, NULL, NULL));
    OK(cuLinkComplete(state, &image, &bytes));
    OK(cuModuleLoadData(&m, image));
    OK(cuLinkDestroy(state));
    OK(cuModuleGetFunction(&f, m, "k"));
    void *parameters[] = {&to};
    OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    assert_int_equal(fixture_word(to), 42);
}

/* ---- launches ------------------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Both have a function and a variable of their own under the same names; one has a name that the linker would have liked to give, too. */
static void locals_of_texts_that_are_linked_do_not_meet(void **unused) {
    static const char one[] = ".version 7.5\n.target sm_75\n.address_size 64\n.global .align 4 .u32 seed = 5;\n.global .align 8 .u64 where = seed;\n.func (.param .u32 r) helper(.param .u32 x)\n{\n.reg .u32 %v, %w;\nld.param.u32 %v, [x];\n"
                              "ld.global.u32 %w, [seed];\nadd.u32 %v, %v, %w;\nst.param.u32 [r], %v;\nret;\n}\n.extern .shared .align 4 .b32 asked[];\n.visible .global .align 4 .u32 shared_by_both = 1000; // helper seed\n";
    static const char two[] = ".version 7.5\n.target sm_75\n.address_size 64\n.const .align 4 .u32 seed[2] = {7, 9};\n.func (.param .u32 r) helper(.param .u32 x)\n{\n.reg .u32 %v, %w;\nld.param.u32 %v, [x];\n"
                              "ld.const.u32 %w, [seed+4];\nmul.lo.u32 %v, %v, %w;\nst.param.u32 [r], %v;\nret;\n}\n.global .align 4 .u32 helper$1;\n.extern .global .align 4 .u32 shared_by_both;\n.extern .shared .align 8 .b64 asked[];\n";
    static const char kernel[] = ".visible .entry %s(.param .u64 to)\n{\n.reg .u64 %%o;\n.reg .u32 %%v;\n.param .u32 p;\n.param .u32 q;\nld.param.u64 %%o, [to];\nst.param.u32 [p], 21;\n"
                                 "call (q), helper, (p);\nld.param.u32 %%v, [q];\nst.global.u32 [%%o], %%v;\nret;\n}\n";
    CUlinkState state;
    CUmodule m;
    CUfunction f;
    CUdeviceptr to = fixture_buffer(4), at;
    void *image;
    OK(cuLinkCreate(0, NULL, NULL, &state));
    for (int i = 0; i < 2; i++) {
        char text[2048], with[1024];
        snprintf(with, sizeof with, kernel, i == 0 ? "a" : "b");
        snprintf(text, sizeof text, "%s%s", i == 0 ? one : two, with);
        OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, text, strlen(text), "text", 0, NULL, NULL));
    }
    OK(cuLinkComplete(state, &image, NULL));
    OK(cuModuleLoadData(&m, image));
    OK(cuLinkComplete(state, &image, NULL)); /* again is the same */
    OK(cuLinkDestroy(state));
    void *parameters[] = {&to};
    for (int i = 0; i < 2; i++) {
        OK(cuModuleGetFunction(&f, m, i == 0 ? "a" : "b"));
        OK(cuLaunchKernel(f, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
        assert_int_equal(fixture_word(to), i == 0 ? 26 : 189);
    }
    OK(cuModuleGetGlobal(&at, NULL, m, "shared_by_both")); /* that of all is one */
    assert_int_equal(fixture_word(at), 1000);
    OK(cuModuleUnload(m));
    /* a local of one text is not what another text asks for */
    OK(cuLinkCreate(0, NULL, NULL, &state));
    static const char asks[] = ".version 7.5\n.target sm_75\n.address_size 64\n.extern .global .align 4 .u32 seed;\n.visible .entry c()\n{\n.reg .u32 %v;\nld.global.u32 %v, [seed];\nret;\n}\n";
    OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)asks, strlen(asks), "asks", 0, NULL, NULL));
    OK(cuLinkAddData(state, CU_JIT_INPUT_PTX, (void *)(uintptr_t)one, strlen(one), "one", 0, NULL, NULL));
    OK(cuLinkComplete(state, &image, NULL));
    assert_int_equal(cuModuleLoadData(&m, image), CUDA_ERROR_SHARED_OBJECT_SYMBOL_NOT_FOUND);
    OK(cuLinkDestroy(state));
}

static void parameters_come_in_both_ways(void **unused) {
    CUdeviceptr to = fixture_buffer(16);
    uint8_t small = 200;
    double x = -2.5, back;
    uint32_t block[3] = {1, 2, 3};
    void *parameters[] = {&small, &to, &x, block};
    OK(cuLaunchKernel(fixture_kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL));
    assert_true(fixture_word(to) == 200 && fixture_word(to + 4) == 3);
    OK(cuMemcpyDtoH(&back, to + 8, 8));
    assert_true(back == -2.5);
    struct {
        uint8_t small;
        CUdeviceptr to;
        double x;
        uint32_t block[3];
    } buffer = {7, to, 4, {5, 6, 8}};
    size_t bytes = offsetof(__typeof__(buffer), block) + 12;
    void *extra[] = {CU_LAUNCH_PARAM_BUFFER_POINTER, &buffer, CU_LAUNCH_PARAM_BUFFER_SIZE, &bytes, CU_LAUNCH_PARAM_END};
    OK(cuLaunchKernel(fixture_kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra));
    assert_true(fixture_word(to) == 7 && fixture_word(to + 4) == 8);
    bytes--;
    assert_int_equal(cuLaunchKernel(fixture_kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, extra), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLaunchKernel(fixture_kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, NULL, parameters, extra), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLaunchKernel(fixture_kernel("mixed"), 1, 1, 1, 1, 1, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
}

static void launches_that_no_device_takes_are_refused(void **unused) {
    CUdeviceptr to = fixture_buffer(16);
    uint32_t value = 1;
    void *parameters[] = {&to, &value};
    CUfunction fill = fixture_kernel("fill"), needs_64 = fixture_kernel("needs_64");
    assert_int_equal(cuLaunchKernel(fill, 0, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLaunchKernel(fill, 1, 1, 1, 1025, 1, 1, 0, NULL, parameters, NULL), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLaunchKernel(fill, 1, 1, 1, 1, 1, 1, (48 << 10) + 1, NULL, parameters, NULL), CUDA_ERROR_INVALID_VALUE);
    OK(cuFuncSetAttribute(fill, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 << 10));
    OK(cuLaunchKernel(fill, 1, 1, 1, 1, 1, 1, 100 << 10, NULL, parameters, NULL));
    assert_int_equal(cuFuncSetAttribute(fill, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 228 << 10), CUDA_ERROR_INVALID_VALUE);
    assert_int_equal(cuLaunchKernel(needs_64, 1, 1, 1, 32, 1, 1, 0, NULL, NULL, NULL), CUDA_ERROR_INVALID_VALUE);
    OK(cuLaunchKernel(needs_64, 1, 1, 1, 64, 1, 1, 0, NULL, NULL, NULL));
    assert_int_equal(cuLaunchKernel((CUfunction)(void *)&value, 1, 1, 1, 1, 1, 1, 0, NULL, parameters, NULL), CUDA_ERROR_INVALID_HANDLE);
    assert_int_equal(cuLaunchKernel(fill, 1, 1, 1, 1, 1, 1, 0, (CUstream)(void *)&value, parameters, NULL), CUDA_ERROR_INVALID_HANDLE);
    OK(cuCtxSynchronize());
}

static void faults_stick_to_the_context_and_say_where(void **unused) {
    CUdeviceptr a = fixture_buffer(16);
    uint32_t word;
    CUcontext fresh;
    OK(fixture_fill(a, 5, 5, NULL)); /* one too many */
    assert_int_equal(cuCtxSynchronize(), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_int_equal(cuMemcpyDtoH(&word, a, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_int_equal(cuMemAlloc(&a, 4), CUDA_ERROR_ILLEGAL_ADDRESS);
    assert_non_null(strstr(pgd_softgpu_error_text(), "fill, PTX line 17, block (4,0,0), thread (0,0,0): writes 4 bytes at"));
    OK(cuCtxCreate(&fresh, 0, 0)); /* others go on */
    OK(cuMemAlloc(&a, 4));
    OK(cuCtxDestroy(fresh));
}

/* An aid for kernels of these tests: in a context that did nothing wrong. */
static void occupancy_is_that_of_the_published_rules(void **unused) {
    int blocks, grid, threads;
    size_t bytes;
    CUfunction fill = fixture_kernel("fill");
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, fill, 256, 0));
    assert_int_equal(blocks, 8); /* 2048 threads */
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, fill, 32, 0));
    assert_int_equal(blocks, 32);
    OK(cuFuncSetAttribute(fill, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, 100 << 10));
    OK(cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, fill, 128, 75 << 10));
    assert_int_equal(blocks, 3); /* 3 times 76 KiB are 228 */
    OK(cuOccupancyMaxPotentialBlockSize(&grid, &threads, fill, NULL, 0, 0));
    assert_int_equal(threads, 1024);
    assert_int_equal(grid, 2 * 8);
    OK(cuOccupancyAvailableDynamicSMemPerBlock(&bytes, fill, 2, 256));
    assert_true(bytes <= 113 << 10 && bytes >= 112 << 10);
}

/* ---- functions by name ------------------------------------------------------------------------------------------------------------------------------------------------------ */

static void functions_are_found_by_name_and_version(void **unused) {
    CUdriverProcAddressQueryResult why;
    void *f;
    OK(cuGetProcAddress("cuMemAlloc", &f, 12000, 0, &why));
    assert_ptr_equal(f, (void *)cuMemAlloc_v2);
    assert_int_equal(why, CU_GET_PROC_ADDRESS_SUCCESS);
    OK(cuGetProcAddress("cuCtxCreate", &f, 12000, 0, NULL));
    assert_ptr_not_equal(f, (void *)cuCtxCreate_v2); /* the third one, since 11.4 */
    OK(cuGetProcAddress("cuLaunchKernel", &f, 12000, CU_GET_PROC_ADDRESS_PER_THREAD_DEFAULT_STREAM, NULL));
    assert_ptr_not_equal(f, (void *)cuLaunchKernel);
    OK(cuGetProcAddress("cuLaunchKernel", &f, 12000, CU_GET_PROC_ADDRESS_LEGACY_STREAM, NULL));
    assert_ptr_equal(f, (void *)cuLaunchKernel);
    assert_int_equal(cuGetProcAddress("cuNothing", &f, 12000, 0, &why), CUDA_ERROR_NOT_FOUND);
    assert_int_equal(why, CU_GET_PROC_ADDRESS_SYMBOL_NOT_FOUND);
    assert_int_equal(cuGetProcAddress("cuLaunchKernelEx", &f, 11000, 0, &why), CUDA_ERROR_NOT_FOUND);
    assert_int_equal(why, CU_GET_PROC_ADDRESS_VERSION_NOT_SUFFICIENT);
    const void *table;
    assert_int_equal(cuGetExportTable(&table, &(CUuuid){{1}}), CUDA_ERROR_NOT_FOUND);
    assert_null(table);
}

static void what_is_not_built_says_so_once(void **unused) {
    CUresult (*create)(void *, const void *);
    char line[256], report[64] = "";
    snprintf(report, sizeof report, "%s", getenv("PAGODA_SOFTGPU_REPORT"));
    OK(cuGetProcAddress("cuArrayCreate", (void **)&create, 12000, 0, NULL));
    assert_int_equal(create(NULL, NULL), CUDA_ERROR_NOT_SUPPORTED);
    assert_int_equal(create(NULL, NULL), CUDA_ERROR_NOT_SUPPORTED);
    FILE *file = fopen(report, "r");
    int told = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) told += strstr(line, "cuArrayCreate was called and is not built") != NULL;
    fclose(file);
    assert_int_equal(told, 1);
}

static void errors_have_names_and_texts(void **unused) {
    const char *text;
    OK(cuGetErrorName(CUDA_ERROR_ILLEGAL_ADDRESS, &text));
    assert_string_equal(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
    OK(cuGetErrorString(CUDA_ERROR_INVALID_PTX, &text));
    assert_non_null(strstr(text, "PTX"));
    assert_int_equal(cuGetErrorString((CUresult)12345, &text), CUDA_ERROR_INVALID_VALUE);
    assert_null(text);
}

int main(void) {
    char report[] = "/tmp/softgpu_report_XXXXXX";
    int file = mkstemp(report);
    if (file < 0) return 1;
    close(file);
    setenv("PAGODA_SOFTGPU_REPORT", report, 1);
    setenv("PAGODA_SOFTGPU_DEVICES", "2", 1);
    setenv("PAGODA_SOFTGPU_MEMORY", "256", 1);
#define WITH(test) cmocka_unit_test_setup_teardown(test, fixture_begin, fixture_end)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_works_before_cuInit),
        cmocka_unit_test(devices_say_honestly_what_they_are),
        cmocka_unit_test(contexts_are_a_stack_of_each_thread),
        WITH(what_is_of_a_context_goes_with_it),
        WITH(memory_is_the_devices_and_copies_stay_within_it),
        WITH(fills_and_boxes_are_copied),
        WITH(pinned_and_managed_memory_is_the_hosts_too),
        WITH(pinned_and_managed_allocations_may_be_many),
        WITH(pools_count_what_is_allocated_in_streams),
        WITH(peers_reach_each_other_when_they_may),
        WITH(mistakes_in_ptx_are_told_in_the_log),
        WITH(modules_hold_functions_and_variables),
        WITH(libraries_load_where_they_are_used),
        WITH(attributes_of_kernels_are_of_a_device),
        WITH(texts_are_linked),
        WITH(locals_of_texts_that_are_linked_do_not_meet),
        WITH(parameters_come_in_both_ways),
        WITH(launches_that_no_device_takes_are_refused),
        WITH(faults_stick_to_the_context_and_say_where),
        WITH(occupancy_is_that_of_the_published_rules),
        cmocka_unit_test(functions_are_found_by_name_and_version),
        cmocka_unit_test(what_is_not_built_says_so_once),
        cmocka_unit_test(errors_have_names_and_texts),
    };
    int failed = cmocka_run_group_tests_name("softgpu/driver_core", tests, NULL, NULL);
    unlink(report);
    return failed;
}
