// SPDX-License-Identifier: Apache-2.0
// Every function of pagoda/cuda_kernel.h, for tests/softgpu/test_cuda_kernel.c, which computes the same on the host. header.ptx is made of it by
//   clang-14 -x cuda --cuda-device-only --cuda-gpu-arch=sm_80 -nocudainc -nocudalib -Wno-unknown-cuda-version -include pagoda/cuda_kernel.h -I ../../../src/softgpu/include -O2 -S -o header.ptx header.cu
#define KERNEL extern "C" __global__ void
#define PLACE (blockIdx.x * blockDim.x + threadIdx.x)

// ---- functions of numbers: f32_NAME and f64_NAME give y[i] = NAME(x[i]) or NAME(x[i], z[i])
#define FLOAT_1(name) KERNEL f32_##name(const float *x, float *y, int n) { int i = PLACE; if (i < n) y[i] = name##f(x[i]); }
#define DOUBLE_1(name) KERNEL f64_##name(const double *x, double *y, int n) { int i = PLACE; if (i < n) y[i] = name(x[i]); }
#define FLOAT_2(name) KERNEL f32_##name(const float *x, const float *z, float *y, int n) { int i = PLACE; if (i < n) y[i] = name##f(x[i], z[i]); }
#define DOUBLE_2(name) KERNEL f64_##name(const double *x, const double *z, double *y, int n) { int i = PLACE; if (i < n) y[i] = name(x[i], z[i]); }
#define BOTH_1(name) FLOAT_1(name) DOUBLE_1(name)
#define BOTH_2(name) FLOAT_2(name) DOUBLE_2(name)
BOTH_1(sqrt) BOTH_1(fabs) BOTH_1(floor) BOTH_1(ceil) BOTH_1(trunc) BOTH_1(rint) BOTH_1(nearbyint) BOTH_1(round)
BOTH_1(exp) BOTH_1(exp2) BOTH_1(exp10) BOTH_1(expm1) BOTH_1(sinh) BOTH_1(cosh) BOTH_1(tanh)
BOTH_1(log) BOTH_1(log2) BOTH_1(log10) BOTH_1(log1p) BOTH_1(cbrt) BOTH_1(rcbrt) BOTH_1(rsqrt)
BOTH_1(sin) BOTH_1(cos) BOTH_1(tan) BOTH_1(sinpi) BOTH_1(cospi) BOTH_1(asin) BOTH_1(acos) BOTH_1(atan)
BOTH_1(asinh) BOTH_1(acosh) BOTH_1(atanh) BOTH_1(erf) BOTH_1(erfc)
BOTH_2(fmin) BOTH_2(fmax) BOTH_2(copysign) BOTH_2(fdim) BOTH_2(fmod) BOTH_2(pow) BOTH_2(hypot) BOTH_2(atan2) FLOAT_2(fdivide)

// What gives two results, or takes an integer: one row of six each.
KERNEL f32_parts(const float *x, const int *by, float *y, int *integers, int n) {
    int i = PLACE;
    if (i >= n) return;
    float *row = y + 6 * i;
    sincosf(x[i], &row[0], &row[1]);
    row[2] = modff(x[i], &row[3]);
    row[4] = frexpf(x[i], &integers[i]);
    row[5] = i % 2 ? ldexpf(x[i], by[i]) : scalbnf(x[i], by[i]);
}
KERNEL f64_parts(const double *x, const int *by, double *y, int *integers, int n) {
    int i = PLACE;
    if (i >= n) return;
    double *row = y + 6 * i;
    sincos(x[i], &row[0], &row[1]);
    row[2] = modf(x[i], &row[3]);
    row[4] = frexp(x[i], &integers[i]);
    row[5] = i % 2 ? ldexp(x[i], by[i]) : scalbn(x[i], by[i]);
}
KERNEL classes(const float *x, const double *d, int *y, int n) {
    int i = PLACE;
    if (i < n) y[i] = isnan(x[i]) | isinf(x[i]) << 1 | isfinite(x[i]) << 2 | signbit(x[i]) << 3 | isnan(d[i]) << 4 | isinf(d[i]) << 5 | isfinite(d[i]) << 6 | signbit(d[i]) << 7;
}
KERNEL whole_numbers(const float *x, const double *d, long long *y, int n) {
    int i = PLACE;
    if (i >= n) return;
    long long *row = y + 8 * i;
    row[0] = lrintf(x[i]), row[1] = llrintf(x[i]), row[2] = lroundf(x[i]), row[3] = llroundf(x[i]);
    row[4] = lrint(d[i]), row[5] = llrint(d[i]), row[6] = lround(d[i]), row[7] = llround(d[i]);
}

// The approximations, in the order of `fast` in the test.
KERNEL fast(const float *x, const float *z, float *y, int n) {
    int i = PLACE;
    if (i >= n) return;
    float *row = y + 14 * i, a = x[i], b = z[i];
    row[0] = __expf(a), row[1] = __exp10f(a), row[2] = __logf(b), row[3] = __log2f(b), row[4] = __log10f(b), row[5] = __sinf(a), row[6] = __cosf(a), row[7] = __tanf(a);
    row[8] = __powf(b, a), row[9] = __fdividef(a, b), row[10] = __saturatef(a), row[11] = __frsqrt_rn(b);
    __sincosf(a, &row[12], &row[13]);
}

// ---- roundings that are said: rows of seven results for each of rn, rz, rd, ru
#define ROUNDED(k, suffix)                                                                                                                                            \
    f = y32 + 28 * i + 7 * k, d = y64 + 28 * i + 7 * k;                                                                                                               \
    f[0] = __fadd_##suffix(a, b), f[1] = __fsub_##suffix(a, b), f[2] = __fmul_##suffix(a, b), f[3] = __fdiv_##suffix(a, b);                                           \
    f[4] = __fmaf_##suffix(a, b, c), f[5] = __frcp_##suffix(a), f[6] = __fsqrt_##suffix(fabsf(a));                                                                    \
    d[0] = __dadd_##suffix(p, q), d[1] = __dsub_##suffix(p, q), d[2] = __dmul_##suffix(p, q), d[3] = __ddiv_##suffix(p, q);                                           \
    d[4] = __fma_##suffix(p, q, r), d[5] = __drcp_##suffix(p), d[6] = __dsqrt_##suffix(fabs(p));
KERNEL rounded(const float *x32, const double *x64, float *y32, double *y64, int n) {
    int i = PLACE;
    if (i >= n) return;
    float a = x32[i], b = x32[(i + 1) % n], c = x32[(i + 2) % n], *f;
    double p = x64[i], q = x64[(i + 1) % n], r = x64[(i + 2) % n], *d;
    ROUNDED(0, rn) ROUNDED(1, rz) ROUNDED(2, rd) ROUNDED(3, ru)
}
// Conversions: rows of eight integers, and of seven floating-point numbers, for each rounding.
#define CONVERTED(k, suffix)                                                                                                                                          \
    to = whole + 32 * i + 8 * k, from = real + 28 * i + 7 * k;                                                                                                        \
    to[0] = __float2int_##suffix(f), to[1] = __float2uint_##suffix(f), to[2] = __float2ll_##suffix(f), to[3] = (long long)__float2ull_##suffix(f);                    \
    to[4] = __double2int_##suffix(d), to[5] = __double2uint_##suffix(d), to[6] = __double2ll_##suffix(d), to[7] = (long long)__double2ull_##suffix(d);                \
    from[0] = __int2float_##suffix((int)l), from[1] = __uint2float_##suffix((unsigned int)l), from[2] = __ll2float_##suffix(l), from[3] = __ull2float_##suffix(l);    \
    from[4] = __ll2double_##suffix(l), from[5] = __ull2double_##suffix(l), from[6] = __double2float_##suffix(d);
KERNEL converted(const double *x, const long long *whole_x, long long *whole, double *real, int n) {
    int i = PLACE;
    if (i >= n) return;
    double d = x[i], *from;
    float f = (float)d;
    long long l = whole_x[i], *to;
    CONVERTED(0, rn) CONVERTED(1, rz) CONVERTED(2, rd) CONVERTED(3, ru)
}

// ---- bits: rows of 36
KERNEL bits(const long long *x, long long *y, int n) {
    int i = PLACE;
    if (i >= n) return;
    long long l = x[i], m = x[(i + 1) % n], *row = y + 36 * i;
    int a = (int)l, b = (int)m;
    unsigned int u = (unsigned int)l, v = (unsigned int)m, w = (unsigned int)x[(i + 2) % n];
    row[0] = __popc(u), row[1] = __popcll(l), row[2] = __clz(a), row[3] = __clzll(l), row[4] = __ffs(a), row[5] = __ffsll(l), row[6] = __brev(u), row[7] = (long long)__brevll(l);
    row[8] = __mul24(a, b), row[9] = __umul24(u, v), row[10] = __mulhi(a, b), row[11] = __umulhi(u, v), row[12] = __mul64hi(l, m), row[13] = (long long)__umul64hi(l, m);
    row[14] = __byte_perm(u, v, w), row[15] = __sad(a, b, w), row[16] = __usad(u, v, w);
    row[17] = __funnelshift_l(u, v, w), row[18] = __funnelshift_r(u, v, w), row[19] = __funnelshift_lc(u, v, w), row[20] = __funnelshift_rc(u, v, w);
    row[21] = __dp4a(a, b, (int)w), row[22] = __dp4a(u, v, w);
    row[23] = __float_as_int(__int_as_float(a)), row[24] = __float_as_uint(__uint_as_float(u)), row[25] = __double_as_longlong(__longlong_as_double(l));
    row[26] = __double2hiint(__longlong_as_double(l)), row[27] = __double2loint(__longlong_as_double(l)), row[28] = __double_as_longlong(__hiloint2double(a, b));
    row[29] = min(a, b), row[30] = max(a, b), row[31] = min(u, v), row[32] = max(l, m), row[33] = max(u, b), row[34] = abs(a), row[35] = labs(l) ^ llabs(m) ^ abs(m);
}

// ---- what types the overloads have; that is seen when this is compiled
template <typename T, typename U> struct same { static const bool value = false; };
template <typename T> struct same<T, T> { static const bool value = true; };
#define GIVES(type, expression) static_assert(same<type, decltype(expression)>::value, #expression)
#define GIVES_BOTH(name) GIVES(float, name(1.0f)); GIVES(double, name(1.0)); GIVES(double, name(1)); GIVES(double, name(1ul))
KERNEL overloads(double *y, float f, double d, int i) {
    GIVES_BOTH(sqrt); GIVES_BOTH(fabs); GIVES_BOTH(floor); GIVES_BOTH(ceil); GIVES_BOTH(trunc); GIVES_BOTH(rint); GIVES_BOTH(nearbyint); GIVES_BOTH(round); GIVES_BOTH(exp); GIVES_BOTH(exp2);
    GIVES_BOTH(expm1); GIVES_BOTH(sinh); GIVES_BOTH(cosh); GIVES_BOTH(tanh); GIVES_BOTH(log); GIVES_BOTH(log2); GIVES_BOTH(log10); GIVES_BOTH(log1p); GIVES_BOTH(cbrt); GIVES_BOTH(rsqrt);
    GIVES_BOTH(sin); GIVES_BOTH(cos); GIVES_BOTH(tan); GIVES_BOTH(asin); GIVES_BOTH(acos); GIVES_BOTH(atan); GIVES_BOTH(asinh); GIVES_BOTH(acosh); GIVES_BOTH(atanh); GIVES_BOTH(erf); GIVES_BOTH(erfc);
    GIVES(float, pow(f, f)); GIVES(double, pow(f, i)); GIVES(double, pow(d, i)); GIVES(double, pow(i, i)); GIVES(double, fmax(f, d)); GIVES(float, fmod(f, f)); GIVES(float, atan2(f, f));
    GIVES(float, hypot(f, f)); GIVES(float, fmin(f, f)); GIVES(float, copysign(f, f)); GIVES(float, fdim(f, f)); GIVES(float, fma(f, f, f)); GIVES(float, ldexp(f, i)); GIVES(float, abs(f));
    GIVES(float, max(f, f)); GIVES(double, max(f, d)); GIVES(double, min(d, f)); GIVES(unsigned int, min(i, 5u)); GIVES(unsigned long, max(5ul, 6l)); GIVES(long long, abs(5ll));
    y[0] = sqrt(i), y[1] = pow(f, i), y[2] = sqrt(f), y[3] = pow(i, 3), y[4] = max(f, d), y[5] = min(f, 3.0f), y[6] = fma(f, f, f), y[7] = fmaf(f, f, 1), y[8] = fma(d, d, d);
    y[9] = abs(-f), y[10] = abs(-d), y[11] = ldexp(f, 3), y[12] = min(d, f), y[13] = max(d, 1.5), y[14] = min(f, d), y[15] = max(d, f);
    float whole;
    int exponent;
    y[16] = modf(f, &whole), y[17] = whole, y[18] = frexp(f, &exponent), y[19] = exponent;
    y[20] = INFINITY, y[21] = NAN, y[22] = M_PI, y[23] = FLT_MAX, y[24] = DBL_EPSILON, y[25] = INT_MAX, y[26] = HUGE_VALF, y[27] = __int2double_rn(i) + __uint2double_rn(7u), y[28] = HUGE_VAL;
    y[29] = max(2.0f, 3.0f), y[30] = max(7l, 8l) + min(7l, 8l), y[31] = max(7ll, 9ull) + min(7u, 9u);
}

// ---- types
#define SIZES(name)                                                                                                                                                             \
    *y++ = sizeof(name##1) | alignof(name##1) << 8, *y++ = sizeof(name##2) | alignof(name##2) << 8, *y++ = sizeof(name##3) | alignof(name##3) << 8;                             \
    *y++ = sizeof(name##4) | alignof(name##4) << 8, *y++ = make_##name##1(1).x + make_##name##2(1, 2).y * 10 + make_##name##3(1, 2, 3).z * 100 + (make_##name##4(1, 2, 3, 40).w + make_##name##4(1, 2, 3, 4).y);
KERNEL vectors(int *y) {
    SIZES(char) SIZES(uchar) SIZES(short) SIZES(ushort) SIZES(int) SIZES(uint) SIZES(long) SIZES(ulong) SIZES(longlong) SIZES(ulonglong) SIZES(float) SIZES(double)
    GIVES(signed char, char1().x); GIVES(unsigned long long, ulonglong4().w);
    *y++ = sizeof(int8_t) + sizeof(int16_t) + sizeof(int32_t) + sizeof(int64_t) + sizeof(uint8_t) + sizeof(uint16_t) + sizeof(uint32_t) + sizeof(uint64_t) + sizeof(intptr_t) + sizeof(uintptr_t) + sizeof(size_t);
    *y++ = sizeof(uint) + sizeof(ushort) + sizeof(ulong);
}

// ---- where threads are
__device__ __noinline__ int product(dim3 d) { return d.x * d.y * d.z; }
KERNEL __launch_bounds__(256) places(int *__restrict__ y) {
    uint3 t = threadIdx, b = blockIdx;
    dim3 size = blockDim, grid = gridDim, one, flat(7, 8);
    int i = (b.x + grid.x * (b.y + grid.y * b.z)) * product(blockDim) + t.x + size.x * (t.y + size.y * t.z);
    y[2 * i] = threadIdx.x | threadIdx.y << 4 | threadIdx.z << 8 | blockIdx.x << 12 | blockIdx.y << 16 | blockIdx.z << 20 | warpSize << 24;
    y[2 * i + 1] = blockDim.x | blockDim.y << 4 | blockDim.z << 8 | gridDim.x << 12 | gridDim.y << 16 | gridDim.z << 20 | (one.x + one.y + one.z) << 24 | (flat.x == 7 && flat.y == 8 && flat.z == 1) << 28;
}

// ---- memory
__constant__ int table[4] = {2, 3, 5, 7};
__device__ int counter = 5;
extern __shared__ int dynamic[];
__device__ __forceinline__ uint32_t shared_address(const void *p) { return (uint32_t)__cvta_generic_to_shared(p); }
KERNEL spaces(const int *x, int *y, int n) {
    __shared__ int fixed[64];
    int t = threadIdx.x, back;
    fixed[t] = x[t], dynamic[t] = __ldg(&x[n - 1 - t]);
    __syncthreads();
    asm volatile("ld.shared.u32 %0, [%1];" : "=r"(back) : "r"(shared_address(&fixed[n - 1 - t])) : "memory");
    y[t] = back + dynamic[n - 1 - t] * 1000 + table[t % 4] * 1000000;
    if (t == 0) counter++;
    if (t == 0) y[n] = counter;
}
KERNEL bytes(char *to, const char *from, int n) {
    memcpy(to, from, n);
    memmove(to + n + 3, to + n, n);
    memset(to + 3 * n, n, n);
}

// ---- barriers and warps
KERNEL blocks_vote(const int *x, int *y) {
    int t = threadIdx.x, i = PLACE;
    y[3 * i] = __syncthreads_count(x[i] & 1), y[3 * i + 1] = __syncthreads_and(x[i] & 2), y[3 * i + 2] = __syncthreads_or(x[i] == 4 * (int)blockDim.x + t);
}
#define SHUFFLES(type, convert)                                                                                                                                                    \
    *row++ = convert(__shfl_sync(all, (type)x[i], t * 5 % 37)), *row++ = convert(__shfl_sync(all, (type)x[i], t + 3, 8)), *row++ = convert(__shfl_up_sync(all, (type)x[i], 3)); \
    *row++ = convert(__shfl_up_sync(all, (type)x[i], 1, 16)), *row++ = convert(__shfl_down_sync(all, (type)x[i], 5)), *row++ = convert(__shfl_down_sync(all, (type)x[i], 2, 4)); \
    *row++ = convert(__shfl_xor_sync(all, (type)x[i], 9)), *row++ = convert(__shfl_xor_sync(all, (type)x[i], 6, 8));
KERNEL shuffles(const long long *x, long long *y) {
    const unsigned int all = 0xffffffff;
    int t = threadIdx.x, i = PLACE;
    long long *row = y + 64 * i;
    SHUFFLES(int, ) SHUFFLES(unsigned int, ) SHUFFLES(long, ) SHUFFLES(unsigned long, ) SHUFFLES(long long, ) SHUFFLES(unsigned long long, ) SHUFFLES(float, __float_as_int)
    SHUFFLES(double, __double_as_longlong)
}
KERNEL votes(const int *x, int *y) {
    int t = threadIdx.x, *row = y + 24 * t, same = 9;
    unsigned int mask = t < 8 ? 0xff : 0xffffff00;
    for (int k = 0; k < 24; k++) row[k] = 0;
    __syncwarp();
    if (t < 8) row[0] = __all_sync(mask, x[t] > 2), row[1] = __any_sync(mask, x[t] > 2), row[2] = __uni_sync(mask, x[t] > 2), row[3] = __ballot_sync(mask, x[t] > 2), row[4] = __activemask();
    else row[4] = __activemask(), row[3] = __ballot_sync(mask, x[t] > 2), row[2] = __uni_sync(mask, x[t] > 2), row[1] = __any_sync(mask, x[t] > 2), row[0] = __all_sync(mask, x[t] > 2);
    __syncwarp(0xffffffff);
    row[5] = __match_any_sync(~0u, x[t]), row[6] = __match_any_sync(~0u, (unsigned int)x[t]), row[7] = __match_any_sync(~0u, (float)x[t]), row[8] = __match_any_sync(~0u, (long)x[t]);
    row[9] = __match_any_sync(~0u, (unsigned long)x[t]), row[10] = __match_any_sync(~0u, (long long)x[t]), row[11] = __match_any_sync(~0u, (unsigned long long)x[t]), row[12] = __match_any_sync(~0u, (double)x[t]);
    row[13] = __match_all_sync(~0u, x[t], &same), row[13] += same;
    row[14] = __match_all_sync(~0u, 5.0, &same) == ~0u, row[14] += same;
    row[15] = __reduce_add_sync(~0u, x[t]), row[16] = __reduce_add_sync(~0u, (unsigned int)x[t]), row[17] = __reduce_min_sync(~0u, x[t]), row[18] = __reduce_min_sync(~0u, (unsigned int)x[t]);
    row[19] = __reduce_max_sync(~0u, x[t]), row[20] = __reduce_max_sync(~0u, (unsigned int)x[t]), row[21] = __reduce_and_sync(~0u, x[t]), row[22] = __reduce_or_sync(~0u, x[t]), row[23] = __reduce_xor_sync(~0u, x[t]);
}
// A message from thread 0 of each block to the next block, with a fence; and time goes on.
KERNEL fences(volatile int *data, int *flag, long long *y) {
    int begin = clock();
    long long begin_64 = clock64();
    __nanosleep(20);
    if (threadIdx.x == 0) {
        data[blockIdx.x] = 42 + blockIdx.x;
        __threadfence_block();
        __threadfence();
        __threadfence_system();
        atomicExch(&flag[blockIdx.x], 1);
    }
    __syncthreads();
    y[2 * PLACE] = clock64() - begin_64, y[2 * PLACE + 1] = (unsigned int)clock() - (unsigned int)begin;
}

// ---- atomics: one thread, whatever order the rows have; old values, then what is in memory
#define THREE(name, type, a, b) *y++ = (long long)name((type *)p, (type)(a)), *y++ = (long long)name##_block((type *)p, (type)(b)), *y++ = (long long)name##_system((type *)p, (type)(a)), *y++ = (long long)*(type *)p;
#define ALL_TYPES(name, a, b) THREE(name, int, a, b) THREE(name, unsigned int, a, b) THREE(name, unsigned long long, a, b)
#define CAS(type, a, b)                                                                                                                                                               \
    *(type *)p = (type)(a), *y++ = (long long)atomicCAS((type *)p, (type)(a), (type)(b)), *y++ = (long long)atomicCAS_block((type *)p, (type)(a), (type)1);                         \
    *y++ = (long long)atomicCAS_system((type *)p, (type)(b), (type)3), *y++ = (long long)*(type *)p;
KERNEL atomics(long long *p, long long *y, long long a, long long b) {
    ALL_TYPES(atomicAdd, a, b) THREE(atomicSub, int, a, b) THREE(atomicSub, unsigned int, a, b)
    ALL_TYPES(atomicExch, a, b) ALL_TYPES(atomicAnd, a, b) ALL_TYPES(atomicOr, a, b) ALL_TYPES(atomicXor, a, b)
    ALL_TYPES(atomicMin, a, b) THREE(atomicMin, long long, b, a) ALL_TYPES(atomicMax, a, b) THREE(atomicMax, long long, b, a)
    THREE(atomicInc, unsigned int, a, b) THREE(atomicDec, unsigned int, a, b)
    CAS(int, a, b) CAS(unsigned int, a, b) CAS(unsigned long long, a, b) CAS(unsigned short, a, b)
    *p = 0;
    THREE(atomicAdd, float, 1.5, 2.5) THREE(atomicExch, float, 7.5, 8.5)
    *p = 0;
    THREE(atomicAdd, double, 1.5, 2.5)
}
KERNEL atomics_together(int *i, unsigned int *u, unsigned long long *l, float *f, double *d) {
    __shared__ int own;
    if (threadIdx.x == 0) own = 0;
    __syncthreads();
    atomicAdd(&own, 1), atomicAdd(u, 1u), atomicAdd(l, 1ull << 33), atomicAdd(f, 0.5f), atomicAdd(d, 0.25), atomicMax(&i[1], (int)PLACE), atomicInc(&u[1], 9u), atomicOr(&u[2], 1u << PLACE % 32);
    __syncthreads();
    if (threadIdx.x == 0) atomicAdd(&i[0], own);
}

// ---- what the driver supplies
KERNEL says(int n) {
    char *p = (char *)malloc(n);
    memset(p, 'a' + threadIdx.x, n);
    if (threadIdx.x == 1) printf("%d %s %.2f %c\n", n, "bytes", 0.25f, p[n - 1]);
    free(p);
}
KERNEL asserts(const int *x) {
    assert(x[threadIdx.x] < 5); // assert
}
KERNEL traps(const int *x) {
    if (x[threadIdx.x] == 9) __trap(); // trap
}

// One thread writes what all read behind the barrier, of a variable that nobody else can name.
KERNEL shared_broadcast(const int *x, int *y) {
    __shared__ int first;
    if (threadIdx.x == 0) first = x[blockIdx.x];
    __syncthreads();
    y[PLACE] = first;
}
