/* SPDX-License-Identifier: Apache-2.0
 * What the tests of the driver share: two devices, a context, a few kernels. */
#ifndef DRIVER_FIXTURE_H
#define DRIVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pagoda/cuda_driver.h>
#include <pagoda/softgpu.h>

#define OK(call) assert_int_equal(call, CUDA_SUCCESS)

static const char fixture_ptx[] =
    ".version 7.8\n.target sm_80\n.address_size 64\n"
    ".visible .global .align 4 .u32 counter = 7;\n"
    ".visible .const .align 4 .u32 fixed[2] = {1, 2};\n"
    ".visible .entry fill(.param .u64 to, .param .u32 value)\n{\n.reg .u64 %o, %a;\n.reg .u32 %t, %b, %n, %v;\n"
    "ld.param.u64 %o, [to];\nld.param.u32 %v, [value];\nmov.u32 %t, %tid.x;\nmov.u32 %b, %ctaid.x;\nmov.u32 %n, %ntid.x;\nmad.lo.u32 %t, %b, %n, %t;\nmad.wide.u32 %a, %t, 4, %o;\nst.global.u32 [%a], %v;\nret;\n}\n"
    ".visible .entry bump(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %v;\nld.param.u64 %o, [at];\nld.global.u32 %v, [%o];\nadd.u32 %v, %v, 1;\nst.global.u32 [%o], %v;\nret;\n}\n"
    ".visible .entry copy_counter(.param .u64 to)\n{\n.reg .u64 %o;\n.reg .u32 %v;\nld.param.u64 %o, [to];\nld.global.u32 %v, [counter];\nst.global.u32 [%o], %v;\nret;\n}\n"
    ".visible .entry spin(.param .u64 at)\n{\n.reg .u64 %o;\n.reg .u32 %v;\n.reg .pred %p;\nld.param.u64 %o, [at];\nagain: ld.volatile.global.u32 %v, [%o];\nsetp.eq.u32 %p, %v, 0;\n@%p bra again;\nret;\n}\n"
    ".visible .entry mixed(.param .u8 small, .param .u64 to, .param .f64 x, .param .align 4 .b8 block[12])\n{\n.reg .u64 %o;\n.reg .u32 %s, %c;\n.reg .f64 %x;\n"
    "ld.param.u8 %s, [small];\nld.param.u64 %o, [to];\nld.param.f64 %x, [x];\nld.param.u32 %c, [block+8];\nst.global.u32 [%o], %s;\nst.global.u32 [%o+4], %c;\nst.global.f64 [%o+8], %x;\nret;\n}\n"
    ".visible .entry needs_64() .reqntid 64\n{\nret;\n}\n";

static CUcontext fixture_context;
static CUmodule fixture_module;

static inline int fixture_begin(void **unused) {
    (void)unused;
    OK(cuInit(0));
    OK(cuCtxCreate(&fixture_context, 0, 0));
    OK(cuModuleLoadData(&fixture_module, fixture_ptx));
    return 0;
}

static inline int fixture_end(void **unused) {
    (void)unused;
    OK(cuCtxDestroy(fixture_context));
    return 0;
}

static inline CUfunction fixture_kernel(const char *name) {
    CUfunction function;
    OK(cuModuleGetFunction(&function, fixture_module, name));
    return function;
}

static inline CUdeviceptr fixture_buffer(size_t bytes) {
    CUdeviceptr address;
    OK(cuMemAlloc(&address, bytes));
    OK(cuMemsetD8(address, 0, bytes));
    OK(cuStreamSynchronize(NULL)); /* streams that do not block would not wait for it */
    return address;
}

static inline uint32_t fixture_word(CUdeviceptr address) {
    uint32_t word;
    OK(cuMemcpyDtoH(&word, address, sizeof word));
    return word;
}

static inline CUresult fixture_fill(CUdeviceptr to, uint32_t value, unsigned int count, CUstream stream) {
    void *parameters[] = {&to, &value};
    return cuLaunchKernel(fixture_kernel("fill"), count, 1, 1, 1, 1, 1, 0, stream, parameters, NULL);
}

static inline CUresult fixture_bump(CUdeviceptr at, CUstream stream) {
    void *parameters[] = {&at};
    return cuLaunchKernel(fixture_kernel("bump"), 1, 1, 1, 1, 1, 1, 0, stream, parameters, NULL);
}

/* Of tests that start their own program anew: an emulator cannot. */
static inline void starts_itself(void) {
#ifdef PAGODA_EMULATED
    print_message("an emulator does not start its own program anew\n");
    skip();
#endif
}
#endif
