/* SPDX-License-Identifier: Apache-2.0
 * What these examples share: a context on the first GPU, the kernels of kernels.ptx, and buffers. Programs over the plain CUDA driver API: they are linked with
 * -lcuda and run with NVIDIA's driver, or with `pagoda gpu run -- PROGRAM kernels.ptx` where there is none. */
#ifndef GPU_EXAMPLE_H
#define GPU_EXAMPLE_H

#ifdef USE_NVIDIA_HEADER
#include <cuda.h>
#else
#include <pagoda/cuda_driver.h>
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(call)                                                                            \
    do {                                                                                       \
        CUresult check_result_ = (call);                                                       \
        if (check_result_ != CUDA_SUCCESS) example_fail(#call, check_result_, __FILE__, __LINE__); \
    } while (0)

static inline void example_fail(const char *call, CUresult result, const char *file, int line) {
    const char *text = NULL;
    (void)cuGetErrorString(result, &text);
    fprintf(stderr, "%s:%d: %s gave error %d: %s\n", file, line, call, (int)result, text == NULL ? "?" : text);
    exit(1);
}

/* A context on device 0, and the module. */
static inline CUmodule example_begin(int argc, char **argv) {
    CUdevice device;
    CUcontext context;
    CUmodule module;
    char name[128];
    if (argc != 2) {
        fprintf(stderr, "usage: %s kernels.ptx\n", argv[0]);
        exit(2);
    }
    CHECK(cuInit(0));
    CHECK(cuDeviceGet(&device, 0));
    CHECK(cuDeviceGetName(name, sizeof name, device));
    CHECK(cuDevicePrimaryCtxRetain(&context, device));
    CHECK(cuCtxSetCurrent(context));
    CHECK(cuModuleLoad(&module, argv[1]));
    printf("%s\n", name);
    return module;
}

static inline CUfunction example_kernel(CUmodule module, const char *name) {
    CUfunction function;
    CHECK(cuModuleGetFunction(&function, module, name));
    return function;
}

static inline CUdeviceptr example_buffer(const void *from, size_t bytes) {
    CUdeviceptr address;
    CHECK(cuMemAlloc(&address, bytes));
    if (from != NULL) CHECK(cuMemcpyHtoD(address, from, bytes));
    else CHECK(cuMemsetD8(address, 0, bytes));
    CHECK(cuStreamSynchronize(NULL)); /* a fill returns before it is done, and not every stream waits for it */
    return address;
}

/* -1 to 1, the same each time. */
static inline float example_random(unsigned int *state) {
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 8388608.0f - 1.0f;
}

/* The greater of two differences; what is no number is worse than any, where fmax would pass over it. */
static inline double example_worse(double worst, double difference) { return isnan(difference) ? INFINITY : difference > worst ? difference : worst; }

/* Prints the largest difference and ends the program: successfully when it is within `allowed`. */
static inline int example_end(const char *what, double difference, double allowed) {
    printf("%s: largest difference from the host's float64 %.3g, allowed %.3g: %s\n", what, difference, allowed, difference <= allowed ? "right" : "WRONG");
    return difference <= allowed ? 0 : 1;
}
#endif
