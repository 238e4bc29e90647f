/* SPDX-License-Identifier: Apache-2.0
 * CUDA C for kernels that clang (14 and later) compiles to PTX where no CUDA toolkit is: put in front of an ordinary .cu file that holds kernels, as in
 *
 *     clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Wno-unknown-cuda-version -include pagoda/cuda_kernel.h -I INCLUDE -I INCLUDE/toolkit -O2 -gline-tables-only -S -o k.ptx k.cu
 *
 * The PTX loads on Pagoda's GPU made of software and on NVIDIA's drivers: nothing is left undefined but vprintf, __assertfail, malloc and free, which each supplies.
 * Names and meanings are those of the CUDA C++ Programming Guide. Where a toolkit's own headers were included first, and for other languages, this file is empty.
 * Not here: code of the host and <<< >>>, __managed__, textures, cooperative groups, wmma, half types, remainder, nextafter, ilogb, lgamma, tgamma,
 * Bessel functions. */
#ifndef PAGODA_CUDA_KERNEL_H
#define PAGODA_CUDA_KERNEL_H
#if defined(__CUDA__) && defined(__clang__) && !defined(__CUDA_RUNTIME_H__) && !defined(__DRIVER_TYPES_H__) && !defined(__CLANG_CUDA_RUNTIME_WRAPPER_H__)

#ifndef PAGODA_SHOW_WARNINGS /* which our tests ask for: others see those of their own code alone */
#pragma clang system_header
#endif

#include <float.h>
#include <limits.h>
#include <stddef.h>

/* ---- words of the language ---------------------------------------------------------------------------------------------------------------------------------- */

#ifndef __CUDACC__
#define __CUDACC__ 1
#endif
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __host__ __attribute__((host))
#define __shared__ __attribute__((shared))
#define __constant__ __attribute__((constant))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __forceinline__ __inline__ __attribute__((always_inline))
#if __clang_major__ < 15 /* a keyword since */
#define __noinline__ __attribute__((noinline))
#endif
#define __align__(n) __attribute__((aligned(n)))

/* Without lines of their own (nodebug), so that what goes wrong in them is told with the line that called. */
#define PAGODA_DEVICE static __inline__ __attribute__((always_inline, nodebug, device))
#define PAGODA_BOTH static __inline__ __attribute__((always_inline, nodebug, host, device))

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

/* ---- vectors ------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Of one to four elements; those of two and four are aligned, so that they are loaded at once. */
#define PAGODA_VECTORS(name, type, aligned_2, aligned_4)                                             \
    struct name##1 { type x; };                                                                      \
    struct __align__(aligned_2) name##2 { type x, y; };                                              \
    struct name##3 { type x, y, z; };                                                                \
    struct __align__(aligned_4) name##4 { type x, y, z, w; };                                        \
    PAGODA_BOTH name##1 make_##name##1(type x) { return {x}; }                                       \
    PAGODA_BOTH name##2 make_##name##2(type x, type y) { return {x, y}; }                            \
    PAGODA_BOTH name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; }                 \
    PAGODA_BOTH name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
PAGODA_VECTORS(char, signed char, 2, 4)
PAGODA_VECTORS(uchar, unsigned char, 2, 4)
PAGODA_VECTORS(short, short, 4, 8)
PAGODA_VECTORS(ushort, unsigned short, 4, 8)
PAGODA_VECTORS(int, int, 8, 16)
PAGODA_VECTORS(uint, unsigned int, 8, 16)
PAGODA_VECTORS(long, long, 16, 16)
PAGODA_VECTORS(ulong, unsigned long, 16, 16)
PAGODA_VECTORS(longlong, long long, 16, 16)
PAGODA_VECTORS(ulonglong, unsigned long long, 16, 16)
PAGODA_VECTORS(float, float, 8, 16)
PAGODA_VECTORS(double, double, 16, 16)

struct dim3 {
    unsigned int x, y, z;
    __host__ __device__ constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
    __host__ __device__ constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    __host__ __device__ constexpr operator uint3() const { return {x, y, z}; }
};

/* ---- where a thread is ------------------------------------------------------------------------------------------------------------------------------------------ */

/* Objects without contents: to read a member is to read a special register. */
#define PAGODA_PLACE(name, whole, sreg)                                                              \
    struct pagoda_##name {                                                                           \
        __declspec(property(get = get_x)) unsigned int x;                                            \
        __declspec(property(get = get_y)) unsigned int y;                                            \
        __declspec(property(get = get_z)) unsigned int z;                                            \
        PAGODA_DEVICE unsigned int get_x() { return __nvvm_read_ptx_sreg_##sreg##_x(); }             \
        PAGODA_DEVICE unsigned int get_y() { return __nvvm_read_ptx_sreg_##sreg##_y(); }             \
        PAGODA_DEVICE unsigned int get_z() { return __nvvm_read_ptx_sreg_##sreg##_z(); }             \
        __device__ __forceinline__ operator whole() const { return {get_x(), get_y(), get_z()}; }    \
    };                                                                                               \
    static const __device__ pagoda_##name name = {};
PAGODA_PLACE(threadIdx, uint3, tid)
PAGODA_PLACE(blockIdx, uint3, ctaid)
PAGODA_PLACE(blockDim, dim3, ntid)
PAGODA_PLACE(gridDim, dim3, nctaid)
static constexpr int warpSize = 32;

/* ---- what the driver supplies --------------------------------------------------------------------------------------------------------------------------------------- */

extern "C" {
__device__ int printf(const char *format, ...);
__device__ int vprintf(const char *format, const char *arguments);
__device__ void *malloc(size_t bytes);
__device__ void free(void *p);
__device__ void __assertfail(const char *message, const char *file, unsigned int line, const char *function, size_t character_bytes);
}
/* What the host's <assert.h> would call, where it is included. */
PAGODA_DEVICE void __assert_fail(const char *message, const char *file, unsigned int line, const char *function) { __assertfail(message, file, line, function, 1); }
#ifdef NDEBUG
#define assert(x) ((void)0)
#else
#define assert(x) ((x) ? (void)0 : __assertfail(#x, __FILE__, __LINE__, __func__, 1))
#endif
PAGODA_DEVICE void *memcpy(void *to, const void *from, size_t bytes) { return __builtin_memcpy(to, from, bytes); }
PAGODA_DEVICE void *memmove(void *to, const void *from, size_t bytes) { return __builtin_memmove(to, from, bytes); }
PAGODA_DEVICE void *memset(void *to, int byte, size_t bytes) { return __builtin_memset(to, byte, bytes); }

/* ---- barriers, fences, time ------------------------------------------------------------------------------------------------------------------------------------------ */

/* The compiler's own __syncthreads lets clang 14 move reads of __shared__ variables across it, for it is said to touch no memory. */
PAGODA_DEVICE void pagoda_syncthreads() { asm volatile("bar.sync 0;" ::: "memory"); }
#define __syncthreads() pagoda_syncthreads()
#define PAGODA_SYNCTHREADS(name, op)                                                                                                                                    \
    PAGODA_DEVICE int __syncthreads_##name(int x) {                                                                                                                     \
        int y;                                                                                                                                                          \
        asm volatile("{\n.reg .pred p, q;\nsetp.ne.s32 p, %1, 0;\nbar.red." op ".pred q, 0, p;\nselp.s32 %0, 1, 0, q;\n}" : "=r"(y) : "r"(x) : "memory");               \
        return y;                                                                                                                                                       \
    }
PAGODA_SYNCTHREADS(and, "and")
PAGODA_SYNCTHREADS(or, "or")
PAGODA_DEVICE int __syncthreads_count(int x) {
    int y;
    asm volatile("{\n.reg .pred p;\nsetp.ne.s32 p, %1, 0;\nbar.red.popc.u32 %0, 0, p;\n}" : "=r"(y) : "r"(x) : "memory");
    return y;
}
PAGODA_DEVICE void __syncwarp(unsigned int mask = 0xffffffff) { asm volatile("bar.warp.sync %0;" ::"r"(mask) : "memory"); }
PAGODA_DEVICE void __threadfence_block() { asm volatile("membar.cta;" ::: "memory"); }
PAGODA_DEVICE void __threadfence() { asm volatile("membar.gl;" ::: "memory"); }
PAGODA_DEVICE void __threadfence_system() { asm volatile("membar.sys;" ::: "memory"); }
PAGODA_DEVICE void __nanosleep(unsigned int ns) { asm volatile("nanosleep.u32 %0;" ::"r"(ns)); } /* sm_70 */
PAGODA_DEVICE void __trap() { asm volatile("trap;"); }
PAGODA_DEVICE int clock() {
    int ticks;
    asm volatile("mov.u32 %0, %%clock;" : "=r"(ticks)::"memory");
    return ticks;
}
PAGODA_DEVICE long long clock64() {
    long long ticks;
    asm volatile("mov.u64 %0, %%clock64;" : "=l"(ticks)::"memory");
    return ticks;
}

/* ---- bits and integers ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* The same bits as another type. */
#define PAGODA_PUN(name, to, from)                      \
    PAGODA_DEVICE to name(from x) {                     \
        to y;                                           \
        __builtin_memcpy(&y, &x, sizeof y);             \
        return y;                                       \
    }
PAGODA_PUN(__float_as_int, int, float)
PAGODA_PUN(__float_as_uint, unsigned int, float)
PAGODA_PUN(__int_as_float, float, int)
PAGODA_PUN(__uint_as_float, float, unsigned int)
PAGODA_PUN(__double_as_longlong, long long, double)
PAGODA_PUN(__longlong_as_double, double, long long)
PAGODA_DEVICE int __double2hiint(double x) { return (int)(__double_as_longlong(x) >> 32); }
PAGODA_DEVICE int __double2loint(double x) { return (int)__double_as_longlong(x); }
PAGODA_DEVICE double __hiloint2double(int hi, int lo) { return __longlong_as_double((long long)hi << 32 | (unsigned int)lo); }

PAGODA_DEVICE int __popc(unsigned int x) { return __builtin_popcount(x); }
PAGODA_DEVICE int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
PAGODA_DEVICE int __clz(int x) { return x == 0 ? 32 : __builtin_clz((unsigned int)x); }
PAGODA_DEVICE int __clzll(long long x) { return x == 0 ? 64 : __builtin_clzll((unsigned long long)x); }
PAGODA_DEVICE int __ffs(int x) { return __builtin_ffs(x); }
PAGODA_DEVICE int __ffsll(long long x) { return __builtin_ffsll(x); }
PAGODA_DEVICE unsigned int __brev(unsigned int x) { return __builtin_bitreverse32(x); }
PAGODA_DEVICE unsigned long long __brevll(unsigned long long x) { return __builtin_bitreverse64(x); }

/* Instructions of 32-bit integers. */
#define PAGODA_INTEGER_2(name, type, instruction)                                \
    PAGODA_DEVICE type name(type a, type b) {                                    \
        type d;                                                                  \
        asm(instruction " %0, %1, %2;" : "=r"(d) : "r"(a), "r"(b));              \
        return d;                                                                \
    }
#define PAGODA_INTEGER_3(name, result, type_1, type_2, type_3, instruction)                \
    PAGODA_DEVICE result name(type_1 a, type_2 b, type_3 c) {                              \
        result d;                                                                          \
        asm(instruction " %0, %1, %2, %3;" : "=r"(d) : "r"(a), "r"(b), "r"(c));            \
        return d;                                                                          \
    }
PAGODA_INTEGER_2(__mul24, int, "mul24.lo.s32")
PAGODA_INTEGER_2(__umul24, unsigned int, "mul24.lo.u32")
PAGODA_INTEGER_2(__mulhi, int, "mul.hi.s32")
PAGODA_INTEGER_2(__umulhi, unsigned int, "mul.hi.u32")
PAGODA_INTEGER_3(__byte_perm, unsigned int, unsigned int, unsigned int, unsigned int, "prmt.b32")
PAGODA_INTEGER_3(__sad, unsigned int, int, int, unsigned int, "sad.s32")
PAGODA_INTEGER_3(__usad, unsigned int, unsigned int, unsigned int, unsigned int, "sad.u32")
PAGODA_INTEGER_3(__funnelshift_l, unsigned int, unsigned int, unsigned int, unsigned int, "shf.l.wrap.b32")
PAGODA_INTEGER_3(__funnelshift_r, unsigned int, unsigned int, unsigned int, unsigned int, "shf.r.wrap.b32")
PAGODA_INTEGER_3(__funnelshift_lc, unsigned int, unsigned int, unsigned int, unsigned int, "shf.l.clamp.b32")
PAGODA_INTEGER_3(__funnelshift_rc, unsigned int, unsigned int, unsigned int, unsigned int, "shf.r.clamp.b32")
PAGODA_INTEGER_3(__dp4a, int, int, int, int, "dp4a.s32.s32")                                        /* sm_61 */
PAGODA_INTEGER_3(__dp4a, unsigned int, unsigned int, unsigned int, unsigned int, "dp4a.u32.u32")    /* sm_61 */
PAGODA_DEVICE long long __mul64hi(long long a, long long b) { return __nvvm_mulhi_ll(a, b); }
PAGODA_DEVICE unsigned long long __umul64hi(unsigned long long a, unsigned long long b) { return __nvvm_mulhi_ull(a, b); }

/* ---- memory ------------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* A load like any other here: which cache it takes is left to the compiler. */
template <typename T> PAGODA_DEVICE T __ldg(const T *p) { return *p; }
PAGODA_DEVICE size_t __cvta_generic_to_shared(const void *p) { return (size_t)(const __attribute__((address_space(3))) void *)p; }

/* ---- within a warp ------------------------------------------------------------------------------------------------------------------------------------------------------ */

/* mode, its name, what bounds a group: idx, down and bfly end at its last lane, up at its first */
#define PAGODA_SHUFFLE(mode, name, second, bound)                                                                                                                        \
    PAGODA_DEVICE unsigned int __shfl##name(unsigned int mask, unsigned int x, second, int width = warpSize) {                                                           \
        unsigned int y;                                                                                                                                                  \
        asm volatile("shfl.sync." mode ".b32 %0, %1, %2, %3, %4;" : "=r"(y) : "r"(x), "r"(lane), "r"((warpSize - width) << 8 | bound), "r"(mask) : "memory");            \
        return y;                                                                                                                                                        \
    }                                                                                                                                                                    \
    PAGODA_DEVICE int __shfl##name(unsigned int mask, int x, second, int width = warpSize) { return (int)__shfl##name(mask, (unsigned int)x, lane, width); }             \
    PAGODA_DEVICE float __shfl##name(unsigned int mask, float x, second, int width = warpSize) {                                                                         \
        return __uint_as_float(__shfl##name(mask, __float_as_uint(x), lane, width));                                                                                     \
    }                                                                                                                                                                    \
    PAGODA_DEVICE unsigned long long __shfl##name(unsigned int mask, unsigned long long x, second, int width = warpSize) {                                               \
        unsigned int lo = __shfl##name(mask, (unsigned int)x, lane, width), hi = __shfl##name(mask, (unsigned int)(x >> 32), lane, width);                               \
        return (unsigned long long)hi << 32 | lo;                                                                                                                        \
    }                                                                                                                                                                    \
    PAGODA_DEVICE long long __shfl##name(unsigned int mask, long long x, second, int width = warpSize) {                                                                 \
        return (long long)__shfl##name(mask, (unsigned long long)x, lane, width);                                                                                        \
    }                                                                                                                                                                    \
    PAGODA_DEVICE unsigned long __shfl##name(unsigned int mask, unsigned long x, second, int width = warpSize) {                                                         \
        return (unsigned long)__shfl##name(mask, (unsigned long long)x, lane, width);                                                                                    \
    }                                                                                                                                                                    \
    PAGODA_DEVICE long __shfl##name(unsigned int mask, long x, second, int width = warpSize) { return (long)__shfl##name(mask, (unsigned long long)x, lane, width); }    \
    PAGODA_DEVICE double __shfl##name(unsigned int mask, double x, second, int width = warpSize) {                                                                       \
        return __longlong_as_double(__shfl##name(mask, __double_as_longlong(x), lane, width));                                                                           \
    }
PAGODA_SHUFFLE("idx", _sync, int lane, 31)
PAGODA_SHUFFLE("up", _up_sync, unsigned int lane, 0)
PAGODA_SHUFFLE("down", _down_sync, unsigned int lane, 31)
PAGODA_SHUFFLE("bfly", _xor_sync, int lane, 31)

#define PAGODA_VOTE(name, mode)                                                                                                                                          \
    PAGODA_DEVICE int name(unsigned int mask, int x) {                                                                                                                   \
        int y;                                                                                                                                                           \
        asm volatile("{\n.reg .pred p, q;\nsetp.ne.s32 p, %1, 0;\nvote.sync." mode ".pred q, p, %2;\nselp.s32 %0, 1, 0, q;\n}" : "=r"(y) : "r"(x), "r"(mask) : "memory"); \
        return y;                                                                                                                                                        \
    }
PAGODA_VOTE(__all_sync, "all")
PAGODA_VOTE(__any_sync, "any")
PAGODA_VOTE(__uni_sync, "uni")
PAGODA_DEVICE unsigned int __ballot_sync(unsigned int mask, int x) {
    unsigned int y;
    asm volatile("{\n.reg .pred p;\nsetp.ne.s32 p, %1, 0;\nvote.sync.ballot.b32 %0, p, %2;\n}" : "=r"(y) : "r"(x), "r"(mask) : "memory");
    return y;
}
PAGODA_DEVICE unsigned int __activemask() {
    unsigned int y;
    asm volatile("activemask.b32 %0;" : "=r"(y)::"memory");
    return y;
}

/* sm_70 */
#define PAGODA_MATCH(type, bits, constraint)                                                                                                                             \
    PAGODA_DEVICE unsigned int __match_any_sync(unsigned int mask, type x) {                                                                                             \
        unsigned int y;                                                                                                                                                  \
        asm volatile("match.any.sync." bits " %0, %1, %2;" : "=r"(y) : constraint(x), "r"(mask) : "memory");                                                             \
        return y;                                                                                                                                                        \
    }                                                                                                                                                                    \
    PAGODA_DEVICE unsigned int __match_all_sync(unsigned int mask, type x, int *same) {                                                                                  \
        unsigned int y;                                                                                                                                                  \
        asm volatile("{\n.reg .pred p;\nmatch.all.sync." bits " %0|p, %2, %3;\nselp.s32 %1, 1, 0, p;\n}" : "=r"(y), "=r"(*same) : constraint(x), "r"(mask) : "memory");  \
        return y;                                                                                                                                                        \
    }
PAGODA_MATCH(int, "b32", "r")
PAGODA_MATCH(unsigned int, "b32", "r")
PAGODA_MATCH(float, "b32", "f")
PAGODA_MATCH(long, "b64", "l")
PAGODA_MATCH(unsigned long, "b64", "l")
PAGODA_MATCH(long long, "b64", "l")
PAGODA_MATCH(unsigned long long, "b64", "l")
PAGODA_MATCH(double, "b64", "d")

/* sm_80 */
#define PAGODA_REDUCE(name, type, op)                                                                                    \
    PAGODA_DEVICE type __reduce_##name##_sync(unsigned int mask, type x) {                                               \
        type y;                                                                                                          \
        asm volatile("redux.sync." op " %0, %1, %2;" : "=r"(y) : "r"(x), "r"(mask) : "memory");                          \
        return y;                                                                                                        \
    }
PAGODA_REDUCE(add, int, "add.s32")
PAGODA_REDUCE(add, unsigned int, "add.u32")
PAGODA_REDUCE(min, int, "min.s32")
PAGODA_REDUCE(min, unsigned int, "min.u32")
PAGODA_REDUCE(max, int, "max.s32")
PAGODA_REDUCE(max, unsigned int, "max.u32")
PAGODA_REDUCE(and, unsigned int, "and.b32")
PAGODA_REDUCE(or, unsigned int, "or.b32")
PAGODA_REDUCE(xor, unsigned int, "xor.b32")

/* ---- atomic operations -------------------------------------------------------------------------------------------------------------------------------------------------- */

/* Each gives the old value, and comes as name(), name_block() and name_system(): atomic for the threads of the device, of the block, of all devices and the host. */
#define PAGODA_ATOMIC_SCOPE(name, scope, type, op, constraint)                                                               \
    PAGODA_DEVICE type name(type *p, type x) {                                                                               \
        type old;                                                                                                            \
        asm volatile("atom" scope "." op " %0, [%1], %2;" : "=" constraint(old) : "l"(p), constraint(x) : "memory");         \
        return old;                                                                                                          \
    }
#define PAGODA_ATOMIC(name, type, op, constraint)                       \
    PAGODA_ATOMIC_SCOPE(name, "", type, op, constraint)                 \
    PAGODA_ATOMIC_SCOPE(name##_block, ".cta", type, op, constraint)     \
    PAGODA_ATOMIC_SCOPE(name##_system, ".sys", type, op, constraint)
PAGODA_ATOMIC(atomicAdd, int, "add.s32", "r")
PAGODA_ATOMIC(atomicAdd, unsigned int, "add.u32", "r")
PAGODA_ATOMIC(atomicAdd, unsigned long long, "add.u64", "l")
PAGODA_ATOMIC(atomicAdd, float, "add.f32", "f")
PAGODA_ATOMIC(atomicAdd, double, "add.f64", "d")
PAGODA_ATOMIC(atomicExch, int, "exch.b32", "r")
PAGODA_ATOMIC(atomicExch, unsigned int, "exch.b32", "r")
PAGODA_ATOMIC(atomicExch, unsigned long long, "exch.b64", "l")
PAGODA_ATOMIC(atomicExch, float, "exch.b32", "f")
PAGODA_ATOMIC(atomicMin, int, "min.s32", "r")
PAGODA_ATOMIC(atomicMin, unsigned int, "min.u32", "r")
PAGODA_ATOMIC(atomicMin, long long, "min.s64", "l")
PAGODA_ATOMIC(atomicMin, unsigned long long, "min.u64", "l")
PAGODA_ATOMIC(atomicMax, int, "max.s32", "r")
PAGODA_ATOMIC(atomicMax, unsigned int, "max.u32", "r")
PAGODA_ATOMIC(atomicMax, long long, "max.s64", "l")
PAGODA_ATOMIC(atomicMax, unsigned long long, "max.u64", "l")
PAGODA_ATOMIC(atomicInc, unsigned int, "inc.u32", "r")
PAGODA_ATOMIC(atomicDec, unsigned int, "dec.u32", "r")
#define PAGODA_ATOMIC_BITS(name, op)                           \
    PAGODA_ATOMIC(name, int, op ".b32", "r")                   \
    PAGODA_ATOMIC(name, unsigned int, op ".b32", "r")          \
    PAGODA_ATOMIC(name, unsigned long long, op ".b64", "l")
PAGODA_ATOMIC_BITS(atomicAnd, "and")
PAGODA_ATOMIC_BITS(atomicOr, "or")
PAGODA_ATOMIC_BITS(atomicXor, "xor")

#define PAGODA_ATOMIC_WITH_SUB(suffix, type) \
    PAGODA_DEVICE type atomicSub##suffix(type *p, type x) { return atomicAdd##suffix(p, (type)(0u - (unsigned int)x)); }
PAGODA_ATOMIC_WITH_SUB(, int)
PAGODA_ATOMIC_WITH_SUB(, unsigned int)
PAGODA_ATOMIC_WITH_SUB(_block, int)
PAGODA_ATOMIC_WITH_SUB(_block, unsigned int)
PAGODA_ATOMIC_WITH_SUB(_system, int)
PAGODA_ATOMIC_WITH_SUB(_system, unsigned int)

#define PAGODA_CAS_SCOPE(name, scope, type, bits, constraint)                                                                                                 \
    PAGODA_DEVICE type name(type *p, type expected, type x) {                                                                                                 \
        type old;                                                                                                                                             \
        asm volatile("atom" scope ".cas." bits " %0, [%1], %2, %3;" : "=" constraint(old) : "l"(p), constraint(expected), constraint(x) : "memory");          \
        return old;                                                                                                                                           \
    }
#define PAGODA_CAS(type, bits, constraint)                              \
    PAGODA_CAS_SCOPE(atomicCAS, "", type, bits, constraint)             \
    PAGODA_CAS_SCOPE(atomicCAS_block, ".cta", type, bits, constraint)   \
    PAGODA_CAS_SCOPE(atomicCAS_system, ".sys", type, bits, constraint)
PAGODA_CAS(int, "b32", "r")
PAGODA_CAS(unsigned int, "b32", "r")
PAGODA_CAS(unsigned long long, "b64", "l")
PAGODA_CAS(unsigned short, "b16", "h") /* sm_70 */

#include <pagoda/cuda_kernel_math.h>

#else
struct pagoda_not_a_kernel; /* C wants a declaration */
#endif
#endif
