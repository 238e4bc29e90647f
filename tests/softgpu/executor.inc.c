/* SPDX-License-Identifier: Apache-2.0
 * What every executor must do, for the tests of each: kernels that a compiler made (kernels/kernels.cu), and small ones written here; expected values are plain C.
 * Who includes this defines execute(). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "program_fixture.h"

static pgd_status execute(const gpu_launch *launch, gpu_fault *fault);

#ifdef PAGODA_EMULATED /* an emulator keeps account of each page, and forgets none */
enum { MEMORY = 1 << 26 };
#else
enum { MEMORY = 1 << 30 };
#endif

static void load_kernels(void) { load_file("kernels.ptx", MEMORY); }

/* A module of one kernel k(out), whose body is given. */
static void load_body(const char *body) {
    char ptx[8192];
    snprintf(ptx, sizeof ptx, ".version 8.0\n.target sm_90\n.address_size 64\n.shared .align 16 .b8 room[256];\n.visible .entry k(.param .u64 out)\n{\n.reg .u64 %%o, %%a;\n.reg .u32 %%t, %%x, %%y, %%z;\n.reg .pred %%p, %%q;\n"
             "ld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\nmad.wide.u32 %%a, %%t, 4, %%o;\n%s\nret;\n}\n", body);
    load_text(ptx, strlen(ptx), MEMORY);
}

static pgd_status launch(const char *kernel, uint32_t blocks, uint32_t blocks_y, uint32_t threads, uint32_t threads_y, const void *parameters) {
    gpu_launch l = {&program, ptx_function_find(module, kernel), {blocks, blocks_y, 1}, {threads, threads_y, 1}, 0, parameters, 50000000, 0, .cooperative = false};
    assert_non_null(l.kernel);
    return execute(&l, &fault);
}

static void runs(const char *kernel, uint32_t blocks, uint32_t blocks_y, uint32_t threads, uint32_t threads_y, const void *parameters) {
    pgd_status status = launch(kernel, blocks, blocks_y, threads, threads_y, parameters);
    if (status != PGD_OK) print_message("%s\n", pgd_error_text());
    assert_int_equal(status, PGD_OK);
}

static void fails(uint32_t threads, uint64_t out, gpu_fault_kind kind, const char *sentence) {
    assert_int_equal(launch("k", 1, 1, threads, 1, &out), PGD_DEVICE);
    if (fault.kind != kind || strstr(fault.text, sentence) == NULL) print_message("%s\nnot %s\n", fault.text, sentence);
    assert_int_equal(fault.kind, kind);
    assert_non_null(strstr(fault.text, sentence));
}

/* ---- some lanes ----------------------------------------------------------------------------------------------------------------------------------------------- */

/* Sums of a register with itself, guarded, in a branch, and by all. */
static void some_lanes_change_their_own_registers(void **unused) {
    load_body("{\n.reg .u64 %s;\nand.b32 %x, %t, 1;\nsetp.eq.u32 %p, %x, 0;\nmov.u32 %y, %t;\nmov.u64 %s, 100;\n"
              "@%p add.u64 %s, %s, 7;\n@%p add.u32 %y, %y, 5;\n@%p bra BOTH;\nadd.u64 %s, %s, 1000;\nadd.u32 %y, %y, 200;\nBOTH:\nadd.u64 %s, %s, 1;\nsub.u64 %s, %s, 3;\n"
              "cvt.u32.u64 %z, %s;\nshl.b32 %z, %z, 16;\nadd.u32 %y, %y, %z;\nst.global.u32 [%a], %y;\n}");
    uint32_t got[70];
    uint64_t out = device(NULL, sizeof got);
    runs("k", 1, 1, 70, 1, &out);
    host(got, out, sizeof got);
    for (uint32_t t = 0; t < 70; t++) assert_int_equal(got[t], t % 2 == 0 ? (105u << 16) + t + 5 : (1098u << 16) + t + 200);
}

/* To memory that lanes share and to their own, by all of them and by some. */
static void constants_are_stored(void **unused) {
    load_body("{\n.local .align 8 .b8 own[8];\n.reg .u64 %s, %r;\nmad.wide.u32 %s, %t, 32, %o;\nsetp.ge.u32 %p, %t, 9;\nst.global.u64 [%s], 0x123456789abcdef0;\n@%p st.global.u64 [%s+8], -5;\n"
              "st.local.u64 [own], 0x0fedcba987654321;\n@%p st.local.u16 [own+2], 300;\nld.local.u64 %r, [own];\nst.global.u64 [%s+16], %r;\n@%p st.global.f64 [%s+24], 0d3ff8000000000000;\n@!%p st.global.v2.u32 [%s+24], {7, 8};\n}");
    uint64_t got[4 * 70];
    uint64_t out = device(NULL, sizeof got);
    runs("k", 1, 1, 70, 1, &out);
    host(got, out, sizeof got);
    for (uint32_t t = 0; t < 70; t++) {
        assert_true(got[4 * t] == UINT64_C(0x123456789abcdef0) && got[4 * t + 1] == (t < 9 ? 0 : (uint64_t)-5));
        assert_true(got[4 * t + 2] == (t < 9 ? UINT64_C(0x0fedcba987654321) : UINT64_C(0x0fedcba9012c4321)) && got[4 * t + 3] == (t < 9 ? UINT64_C(0x800000007) : UINT64_C(0x3ff8000000000000)));
    }
}

/* ---- compiled kernels ------------------------------------------------------------------------------------------------------------------------------------ */

static void vectors_are_added(void **unused) {
    enum { N = 1000 };
    static const float weights[4] = {1, 0.5f, 0.25f, -2};
    float a[N], b[N], c[N];
    load_kernels();
    for (int i = 0; i < N; i++) a[i] = (float)(i % 37) * 0.3f, b[i] = (float)(i % 11) - 5;
    struct { uint64_t a, b, c; int32_t n; } p = {device(a, sizeof a), device(b, sizeof b), device(NULL, sizeof c), N};
    runs("vector_add", 8, 1, 128, 1, &p);
    host(c, p.c, sizeof c);
    for (int i = 0; i < N; i++) assert_true(c[i] == fmaf(b[i], weights[i & 3], a[i]));
}

static void matrices_are_multiplied_in_tiles(void **unused) {
    enum { M = 37, N = 29, K = 50 };
    float a[M * K], b[K * N], c[M * N];
    load_kernels();
    for (int i = 0; i < M * K; i++) a[i] = (float)(i * 7919 % 100) / 50 - 1;
    for (int i = 0; i < K * N; i++) b[i] = (float)(i * 104729 % 100) / 50 - 1;
    struct { uint64_t a, b, c; int32_t m, n, k; } p = {device(a, sizeof a), device(b, sizeof b), device(NULL, sizeof c), M, N, K};
    runs("tiled_matmul", 2, 3, 16, 16, &p);
    host(c, p.c, sizeof c);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += (double)a[i * K + k] * (double)b[k * N + j];
            assert_true(fabs(sum - (double)c[i * N + j]) < 1e-4);
        }
}

static void sums_come_by_shuffles(void **unused) {
    enum { N = 700 };
    float x[N], sums[3];
    load_kernels();
    for (int i = 0; i < N; i++) x[i] = (float)(i % 100);
    struct { uint64_t x, sums; int32_t n; } p = {device(x, sizeof x), device(NULL, sizeof sums), N};
    runs("reduce", 3, 1, 256, 1, &p);
    host(sums, p.sums, sizeof sums);
    for (int b = 0; b < 3; b++) {
        float sum = 0;
        for (int i = b * 256; i < (b + 1) * 256 && i < N; i++) sum += x[i];
        assert_true(sums[b] == sum);
    }
}

static void running_sums_and_counts(void **unused) {
    int32_t x[512], y[512], counts[16] = {0}, total;
    unsigned char bytes[5000];
    load_kernels();
    for (int i = 0; i < 512; i++) x[i] = i * 31 % 17 - 8;
    struct { uint64_t x, y; } p = {device(x, sizeof x), device(NULL, sizeof y)};
    runs("scan", 2, 1, 256, 1, &p);
    host(y, p.y, sizeof y);
    for (int i = 0, sum = 0; i < 512; i++) {
        sum = i % 256 == 0 ? x[i] : sum + x[i];
        assert_int_equal(y[i], sum);
    }
    for (int i = 0; i < 5000; i++) bytes[i] = (unsigned char)(i * i / 3);
    struct { uint64_t x, counts; int32_t n; } h = {device(bytes, sizeof bytes), device(counts, sizeof counts), 5000};
    runs("histogram", 3, 1, 64, 1, &h);
    runs("histogram", 3, 1, 64, 1, &h);
    host(counts, h.counts, sizeof counts);
    for (int k = 0; k < 16; k++) {
        int32_t wanted = 0;
        for (int i = 0; i < 5000; i++) wanted += 2 * (bytes[i] >> 4 == k);
        assert_int_equal(counts[k], wanted);
    }
    uint64_t address;
    assert_true(gpu_program_address(&program, ptx_variable_find(module, "total"), &address));
    host(&total, address, sizeof total);
    assert_int_equal(total, 2 * 3 * 64); /* a variable of the module stays from launch to launch */
}

static int64_t fibonacci(int n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }

static void threads_part_call_themselves_and_meet(void **unused) {
    int64_t y[64];
    uint32_t votes[64];
    load_kernels();
    struct { uint64_t y, votes; } p = {device(NULL, sizeof y), device(NULL, sizeof votes)};
    runs("diverge", 1, 1, 64, 1, &p);
    host(y, p.y, sizeof y);
    host(votes, p.votes, sizeof votes);
    for (int w = 0; w < 2; w++) {
        uint32_t even = 0;
        for (int k = 0; k < 32; k++) {
            int i = 32 * w + k;
            int64_t value = i % 3 == 0 ? fibonacci(i / 4) : i % 3 == 1 ? (i * i + 6) / 7 * 7 : -i;
            assert_true(y[i] == value);
            even |= (uint32_t)(value % 2 == 0) << k;
        }
        for (int k = 0; k < 32; k++) assert_int_equal(votes[32 * w + k], even);
    }
}

static void functions_are_chosen_at_run_time(void **unused) {
    int32_t which[32];
    float y[32];
    load_kernels();
    for (int i = 0; i < 32; i++) which[i] = i * 5 % 13;
    struct { uint64_t which, y; } p = {device(which, sizeof which), device(NULL, sizeof y)};
    runs("choose", 1, 1, 32, 1, &p);
    host(y, p.y, sizeof y);
    for (int i = 0; i < 32; i++) {
        int k = which[i] & 7, f = (which[i] + k) % 3;
        float x = (float)(k + 1);
        assert_true(y[i] == (f == 0 ? x * x : f == 1 ? x * 0.5f : -x));
    }
}

static void long_and_double_numbers(void **unused) {
    double x[64], y[64];
    int64_t n[64], m[64];
    load_kernels();
    for (int i = 0; i < 64; i++) x[i] = (i - 30) * 1234.56789 / (i + 1), n[i] = (int64_t)(i - 20) * 123456789012345 * (i % 5 + 1);
    struct { uint64_t x, n, y, m; } p = {device(x, sizeof x), device(n, sizeof n), device(NULL, sizeof y), device(NULL, sizeof m)};
    runs("numbers", 1, 1, 64, 1, &p);
    host(y, p.y, sizeof y);
    host(m, p.m, sizeof m);
    for (int i = 0; i < 64; i++) {
        assert_true(y[i] == sqrt(fabs(x[i])) + x[i] / 3.0 - (double)(float)x[i] + (double)(n[i] / 7));
        uint64_t wanted = (uint64_t)(n[i] % 1000) + (uint64_t)(int64_t)x[i] * (uint64_t)n[i] + (uint64_t)__builtin_popcountll((uint64_t)n[i]) - (uint64_t)__builtin_clzll((uint64_t)n[i] | 1);
        assert_true((uint64_t)m[i] == wanted);
    }
}

/* ---- between threads -------------------------------------------------------------------------------------------------------------------------------------------- */

static void words(const char *body, uint32_t threads, uint32_t *out) {
    load_body(body);
    uint64_t address = device(NULL, 4 * threads);
    runs("k", 1, 1, threads, 1, &address);
    host(out, address, 4 * threads);
    unload(NULL);
}

static void shuffles_go_up_down_across_and_to_an_index(void **unused) {
    uint32_t y[64];
    words("shfl.sync.up.b32 %x|%p, %t, 3, 0, -1;\nselp.u32 %y, 100, 0, %p;\nadd.u32 %x, %x, %y;\nst.global.u32 [%a], %x;", 64, y);
    for (uint32_t i = 0; i < 64; i++) assert_int_equal(y[i], i % 32 < 3 ? i : i - 3 + 100);
    words("shfl.sync.down.b32 %x|%p, %t, 5, 0x1f, -1;\nst.global.u32 [%a], %x;", 32, y);
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], i + 5 < 32 ? i + 5 : i);
    words("shfl.sync.idx.b32 %x, %t, 2, 0x181f, -1;\nst.global.u32 [%a], %x;", 32, y); /* segments of 8 */
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], i / 8 * 8 + 2);
    words("shfl.sync.bfly.b32 %x, %t, 7, 0x1f, -1;\nst.global.u32 [%a], %x;", 32, y);
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], i ^ 7);
    /* a mask of half the warp, in one arm of a branch; the others wait with theirs */
    words("setp.lt.u32 %p, %t, 16;\n@%p bra LOW;\nshfl.sync.bfly.b32 %x, %t, 1, 0x1f, 0xffff0000;\nbra OUT;\nLOW: shfl.sync.bfly.b32 %x, %t, 2, 0x1f, 0x0000ffff;\nOUT: st.global.u32 [%a], %x;", 32, y);
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], i < 16 ? i ^ 2 : i ^ 1);
}

static void votes_matches_and_reductions(void **unused) {
    uint32_t y[32];
    words("setp.gt.u32 %p, %t, 20;\nvote.sync.any.pred %q, %p, -1;\nvote.sync.ballot.b32 %x, %p, -1;\nselp.u32 %y, %x, 0, %q;\nst.global.u32 [%a], %y;", 32, y);
    assert_int_equal(y[3], 0xffe00000u);
    words("setp.lt.u32 %p, %t, 99;\nvote.sync.all.pred %q, !%p, -1;\nvote.sync.uni.pred %p, %p, -1;\nselp.u32 %x, 1, 2, %q;\nselp.u32 %y, 10, 20, %p;\nadd.u32 %x, %x, %y;\nst.global.u32 [%a], %x;", 32, y);
    assert_int_equal(y[9], 12);
    words("rem.u32 %y, %t, 3;\nmatch.any.sync.b32 %x, %y, -1;\nst.global.u32 [%a], %x;", 32, y);
    assert_int_equal(y[4], 0x92492492u);
    words("match.all.sync.b32 %x|%p, %t, -1;\nselp.u32 %y, 1, 0, %p;\nadd.u32 %x, %x, %y;\nst.global.u32 [%a], %x;", 32, y);
    assert_int_equal(y[4], 0);
    words("sub.u32 %y, %t, 9;\nredux.sync.min.s32 %x, %y, -1;\nredux.sync.add.u32 %z, %t, -1;\nmul.lo.u32 %x, %x, %z;\nst.global.u32 [%a], %x;", 32, y);
    assert_int_equal(y[31], (uint32_t)(-9 * 496));
    words("setp.ge.u32 %p, %t, 4;\n@!%p exit;\nelect.sync %x|%q, 0xfffffff0;\nactivemask.b32 %y;\n@%q add.u32 %x, %x, 100;\nxor.b32 %x, %x, %y;\nst.global.u32 [%a], %x;", 32, y);
    assert_true(y[4] == (104 ^ 0xfffffff0u) && y[5] == (4 ^ 0xfffffff0u));
}

static void barriers_count_and_reduce(void **unused) {
    uint32_t y[64];
    /* the second warp arrives and goes on, the first waits for it */
    words("setp.lt.u32 %p, %t, 32;\n@%p bra WAIT;\nmov.u32 %x, 7;\nst.shared.u32 [room], %x;\nbar.arrive 1, 64;\nbra OUT;\nWAIT: bar.sync 1, 64;\nOUT: ld.shared.u32 %x, [room];\nst.global.u32 [%a], %x;", 64, y);
    assert_int_equal(y[0], 7);
    words("setp.lt.u32 %p, %t, 5;\nbar.red.popc.u32 %x, 0, %p;\nbar.red.or.pred %q, 0, %p;\nbar.red.and.pred %p, 0, %p;\nselp.u32 %y, 100, 0, %q;\nselp.u32 %z, 1000, 0, %p;\nadd.u32 %x, %x, %y;\nadd.u32 %x, %x, %z;\nst.global.u32 [%a], %x;", 64, y);
    assert_int_equal(y[40], 105);
    /* two instructions of one kind, one in each arm */
    words("setp.lt.u32 %p, %t, 16;\n@%p bra A;\nshfl.sync.bfly.b32 %x, %t, 31, 31, -1;\nbra B;\nA: shfl.sync.bfly.b32 %y, %t, 31, 31, -1;\nmov.u32 %x, %y;\nB: st.global.u32 [%a], %x;", 32, y);
    assert_true(y[3] == 28 && y[28] == 3);
    /* a count is of warps: half a warp is one */
    words("bar.sync 1, 64;\nst.global.u32 [%a], %t;", 48, y);
    assert_int_equal(y[47], 47);
    /* an operation without a mask does not wait for a lane that spins until another has gone on */
    words("setp.ge.u32 %p, %t, 16;\n@%p bra SPIN;\nactivemask.b32 %x;\nmov.u32 %y, 1;\nst.volatile.shared.u32 [room], %y;\nbra OUT;\nSPIN: ld.volatile.shared.u32 %x, [room];\nsetp.eq.u32 %q, %x, 0;\n@%q bra SPIN;\nOUT: st.global.u32 [%a], %x;", 32, y);
    assert_true((y[3] & 8) != 0 && y[20] == 1);
    /* those that have exited are not waited for */
    words("setp.ge.u32 %p, %t, 40;\n@%p exit;\nbar.sync 0;\nst.global.u32 [%a], %t;", 64, y);
    assert_true(y[39] == 39 && y[40] == 0);
    /* a lock that a lane of the same warp holds */
    words("AGAIN: atom.shared.cas.b32 %x, [room], 0, 1;\nsetp.ne.u32 %p, %x, 0;\n@%p bra AGAIN;\nld.shared.u32 %y, [room+4];\nadd.u32 %y, %y, 1;\nst.shared.u32 [room+4], %y;\natom.shared.exch.b32 %x, [room], 0;\nbar.sync 0;\nld.shared.u32 %y, [room+4];\nst.global.u32 [%a], %y;", 64, y);
    assert_int_equal(y[13], 64);
}

/* Of those that go on together: two warps, though four are there. */
static void barriers_reduce_over_those_they_let_go(void **unused) {
    uint32_t of_four[128];
    words("setp.ne.u32 %p, %t, 3;\nmov.u32 %x, 99;\nbarrier.red.popc.u32 %x, 1, 64, %p;\nst.global.u32 [%a], %x;", 128, of_four);
    for (int k = 0; k < 128; k++) assert_int_equal(of_four[k], k < 64 ? 63 : 64);
    words("setp.ne.u32 %p, %t, 100;\nbarrier.red.and.pred %q, 1, 64, %p;\nselp.u32 %x, 1, 0, %q;\nst.global.u32 [%a], %x;", 128, of_four);
    assert_true(of_four[0] == 1 && of_four[127] == 0);
}

static void atomic_operations_give_the_old_value(void **unused) {
    uint32_t y[32];
    words("mov.u32 %x, 10;\nst.shared.u32 [room], %x;\nbar.sync 0;\natom.shared.inc.u32 %x, [room], 12;\nst.global.u32 [%a], %x;", 5, y);
    assert_true(y[0] == 10 && y[1] == 11 && y[2] == 12 && y[3] == 0 && y[4] == 1);
    words("atom.shared.dec.u32 %x, [room], 3;\nst.global.u32 [%a], %x;", 6, y);
    assert_true(y[0] == 0 && y[1] == 3 && y[2] == 2 && y[3] == 1 && y[4] == 0 && y[5] == 3);
    words("sub.u32 %y, 3, %t;\natom.shared.min.s32 %x, [room], %y;\nred.shared.or.b32 [room+4], %t;\nbar.sync 0;\nld.shared.v2.u32 {%x, %y}, [room];\nshl.b32 %y, %y, 8;\nxor.b32 %x, %x, %y;\nst.global.u32 [%a], %x;", 8, y);
    assert_int_equal(y[0], (uint32_t)-4 ^ 0x700);
}

/* ---- matrices ---------------------------------------------------------------------------------------------------------------------------------------------- */

/* Where the manual says that element i of a lane's part of a matrix lies. */
typedef struct spot {
    int row, col;
} spot;
typedef spot spot_fn(int g, int t, int i);
static spot a_16x16_halves(int g, int t, int i) { return (spot){i < 2 || (i >= 4 && i < 6) ? g : g + 8, t * 2 + (i & 1) + (i >= 4 ? 8 : 0)}; }
static spot b_16x8_halves(int g, int t, int i) { return (spot){t * 2 + (i & 1) + (i >= 2 ? 8 : 0), g}; }
static spot a_16x8_halves(int g, int t, int i) { return (spot){i < 2 ? g : g + 8, t * 2 + (i & 1)}; }
static spot b_8x8_halves(int g, int t, int i) { return (spot){t * 2 + i, g}; }
static spot a_16x8_tf32(int g, int t, int i) { return (spot){i == 0 || i == 2 ? g : g + 8, i < 2 ? t : t + 4}; }
static spot b_8x8_tf32(int g, int t, int i) { return (spot){i == 0 ? t : t + 4, g}; }
static spot a_8x4_f64(int g, int t, int i) { return (spot){g, t}; }
static spot b_4x8_f64(int g, int t, int i) { return (spot){t, g}; }
static spot a_16x32_bytes(int g, int t, int i) { return (spot){i < 4 || (i >= 8 && i < 12) ? g : g + 8, t * 4 + (i & 3) + (i >= 8 ? 16 : 0)}; }
static spot b_32x8_bytes(int g, int t, int i) { return (spot){t * 4 + (i & 3) + (i >= 4 ? 16 : 0), g}; }
static spot a_16x16_bytes(int g, int t, int i) { return (spot){i < 4 ? g : g + 8, t * 4 + (i & 3)}; }
static spot b_16x8_bytes(int g, int t, int i) { return (spot){t * 4 + i, g}; }
static spot c_16x8(int g, int t, int i) { return (spot){i < 2 ? g : g + 8, t * 2 + (i & 1)}; }
static spot c_8x8(int g, int t, int i) { return (spot){g, t * 2 + i}; }

typedef struct product {
    const char *words, *registers; /* of d and c; those of a and b are .b32, or .f64 */
    int rows, k, a_count, b_count, c_count; /* elements of a lane */
    int bits;                       /* of an element of a and b */
    spot_fn *a, *b, *c;
} product;

static uint64_t encode(const product *p, int value) {
    double as_double = value;
    uint64_t bits;
    if (p->bits == 8) return (uint8_t)value;
    if (strstr(p->words, "bf16") != NULL) return pgd_bf16_of_float((float)value);
    if (p->bits == 16) return pgd_f16_of_float((float)value);
    if (p->bits == 32) return pgd_float_bits((float)value);
    memcpy(&bits, &as_double, 8);
    return bits;
}

/* A lane's registers of one operand, packed from its elements. */
static int lay_out(const product *p, spot_fn *where, int count, int lane, const int *matrix, int cols, uint64_t *out) {
    int bits = p->bits, per = bits >= 32 ? 1 : 32 / bits, registers = count / per;
    for (int r = 0; r < registers; r++) {
        out[r] = 0;
        for (int e = 0; e < per; e++) {
            spot s = where(lane / 4, lane % 4, r * per + e);
            out[r] |= encode(p, matrix[s.row * cols + s.col]) << (per == 1 ? 0 : e * bits);
        }
    }
    return registers;
}

static void list(char *to, size_t room, const char *prefix, int first, int count) {
    size_t used = (size_t)snprintf(to, room, "{");
    for (int k = 0; k < count; k++) used += (size_t)snprintf(to + used, room - used, "%s%%%s%d", k > 0 ? ", " : "", prefix, first + k);
    snprintf(to + used, room - used, "}");
}

/* Each lane loads 8-byte words of a, b and c, and stores those of d. */
static void multiplies(const product *p) {
    int a[16 * 32], b[32 * 8], c[16 * 8], a_registers = 0, b_registers = 0;
    uint64_t in[32][16] = {{0}}, out[32][4];
    char ptx[8192], la[128], lb[128], lc[128], ld[128];
    bool wide_ = p->bits == 64, integers = p->bits == 8;
    for (int i = 0; i < 16 * 32; i++) a[i] = i * 7919 % 13 - 6;
    for (int i = 0; i < 32 * 8; i++) b[i] = i * 104729 % 11 - 5;
    for (int i = 0; i < 16 * 8; i++) c[i] = i * 31 % 17 - 8;
    for (int lane = 0; lane < 32; lane++) {
        a_registers = lay_out(p, p->a, p->a_count, lane, a, p->k, in[lane]);
        b_registers = lay_out(p, p->b, p->b_count, lane, b, 8, in[lane] + 4);
        for (int i = 0; i < p->c_count; i++) {
            spot s = p->c(lane / 4, lane % 4, i);
            double value = c[s.row * 8 + s.col];
            if (wide_) memcpy(&in[lane][8 + i], &value, 8);
            else in[lane][8 + i] = integers ? (uint32_t)c[s.row * 8 + s.col] : pgd_float_bits((float)value);
        }
    }
    const char *kind = wide_ ? "w" : "x";
    list(la, sizeof la, kind, 0, a_registers), list(lb, sizeof lb, kind, 4, b_registers), list(lc, sizeof lc, "c", 0, p->c_count), list(ld, sizeof ld, "d", 0, p->c_count);
    size_t used = (size_t)snprintf(ptx, sizeof ptx, ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 in, .param .u64 out)\n{\n.reg .u64 %%i, %%o;\n.reg .u32 %%t;\n.reg .b32 %%x<8>;\n.reg .f64 %%w<8>;\n.reg .%s %%c<4>, %%d<4>;\n"
                                  "ld.param.u64 %%i, [in];\nld.param.u64 %%o, [out];\nmov.u32 %%t, %%tid.x;\nmad.wide.u32 %%i, %%t, 128, %%i;\nmad.wide.u32 %%o, %%t, 32, %%o;\n", p->registers);
    for (int r = 0; r < 8; r++) used += (size_t)snprintf(ptx + used, sizeof ptx - used, "ld.global.%s %%%s%d, [%%i+%d];\n", wide_ ? "f64" : "b32", kind, r, 8 * r);
    for (int r = 0; r < p->c_count; r++) used += (size_t)snprintf(ptx + used, sizeof ptx - used, "ld.global.%s %%c%d, [%%i+%d];\n", p->registers, r, 64 + 8 * r);
    used += (size_t)snprintf(ptx + used, sizeof ptx - used, "mma.sync.aligned.%s %s, %s, %s, %s;\n", p->words, ld, la, lb, lc);
    for (int r = 0; r < p->c_count; r++) used += (size_t)snprintf(ptx + used, sizeof ptx - used, "st.global.%s [%%o+%d], %%d%d;\n", p->registers, 8 * r, r);
    snprintf(ptx + used, sizeof ptx - used, "ret;\n}\n");
    load_text(ptx, strlen(ptx), MEMORY);
    struct { uint64_t in, out; } parameters = {device(in, sizeof in), device(NULL, sizeof out)};
    runs("k", 1, 1, 32, 1, &parameters);
    host(out, parameters.out, sizeof out);
    for (int lane = 0; lane < 32; lane++)
        for (int i = 0; i < p->c_count; i++) {
            spot s = p->c(lane / 4, lane % 4, i);
            int wanted = c[s.row * 8 + s.col];
            for (int k = 0; k < p->k; k++) wanted += a[s.row * p->k + k] * b[k * 8 + s.col];
            double got;
            memcpy(&got, &out[lane][i], 8);
            if (!wide_) got = integers ? (double)(int32_t)out[lane][i] : (double)pgd_float_of_bits((uint32_t)out[lane][i]);
            if (got != wanted) print_message("%s lane %d element %d is %g, not %d\n", p->words, lane, i, got, wanted);
            assert_true(got == wanted);
        }
    unload(NULL);
}

static void warps_multiply_matrices(void **unused) {
    static const product products[] = {
        {"m16n8k16.row.col.f32.f16.f16.f32", "f32", 16, 16, 8, 4, 4, 16, a_16x16_halves, b_16x8_halves, c_16x8},
        {"m16n8k16.row.col.f32.bf16.bf16.f32", "f32", 16, 16, 8, 4, 4, 16, a_16x16_halves, b_16x8_halves, c_16x8},
        {"m16n8k8.row.col.f32.f16.f16.f32", "f32", 16, 8, 4, 2, 4, 16, a_16x8_halves, b_8x8_halves, c_16x8},
        {"m16n8k8.row.col.f32.bf16.bf16.f32", "f32", 16, 8, 4, 2, 4, 16, a_16x8_halves, b_8x8_halves, c_16x8},
        {"m16n8k8.row.col.f32.tf32.tf32.f32", "f32", 16, 8, 4, 2, 4, 32, a_16x8_tf32, b_8x8_tf32, c_16x8},
        {"m8n8k4.row.col.f64.f64.f64.f64", "f64", 8, 4, 1, 1, 2, 64, a_8x4_f64, b_4x8_f64, c_8x8},
        {"m16n8k32.row.col.s32.s8.s8.s32", "s32", 16, 32, 16, 8, 4, 8, a_16x32_bytes, b_32x8_bytes, c_16x8},
        {"m16n8k16.row.col.s32.s8.s8.s32", "s32", 16, 16, 8, 4, 4, 8, a_16x16_bytes, b_16x8_bytes, c_16x8},
    };
    for (size_t i = 0; i < sizeof products / sizeof products[0]; i++) multiplies(&products[i]);
}

static void warps_load_matrices(void **unused) {
    uint32_t y[32];
    /* halves 0 to 63 in rows of 8; lane i gives the address of row i */
    words("shl.b32 %x, %t, 1;\n{ .reg .b16 %h; cvt.u16.u32 %h, %t; .reg .u64 %s; cvt.u64.u32 %s, %x; st.shared.b16 [%s], %h; add.u32 %y, %t, 32; cvt.u16.u32 %h, %y; st.shared.b16 [%s+64], %h; }\nbar.sync 0;\n"
          "shl.b32 %y, %t, 4;\nand.b32 %y, %y, 127;\nldmatrix.sync.aligned.m8n8.x1.shared.b16 {%x}, [%y];\nst.global.u32 [%a], %x;", 32, y);
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], (i / 4 * 8 + i % 4 * 2) | (i / 4 * 8 + i % 4 * 2 + 1) << 16);
    words("shl.b32 %x, %t, 1;\n{ .reg .b16 %h; cvt.u16.u32 %h, %t; .reg .u64 %s; cvt.u64.u32 %s, %x; st.shared.b16 [%s], %h; add.u32 %y, %t, 32; cvt.u16.u32 %h, %y; st.shared.b16 [%s+64], %h; }\nbar.sync 0;\n"
          "shl.b32 %y, %t, 4;\nand.b32 %y, %y, 127;\nldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%x}, [%y];\nst.global.u32 [%a], %x;", 32, y);
    for (uint32_t i = 0; i < 32; i++) assert_int_equal(y[i], (i % 4 * 2 * 8 + i / 4) | ((i % 4 * 2 + 1) * 8 + i / 4) << 16);
}

/* A copy happens when it is waited for, and not before. */
static void copies_beside_the_threads_are_waited_for(void **unused) {
    static const char begin[] = "st.global.u32 [%a], %t;\nmul.wide.u32 %o, %t, 4;\ncp.async.ca.shared.global [%o], [%a], 4;\ncp.async.commit_group;\n";
    char body[512];
    uint32_t y[32];
    snprintf(body, sizeof body, "%scp.async.wait_group 0;\nld.shared.u32 %%x, [%%o];\nadd.u32 %%x, %%x, 5;\nst.global.u32 [%%a], %%x;", begin);
    words(body, 32, y);
    assert_int_equal(y[7], 12);
    snprintf(body, sizeof body, "%sld.shared.u32 %%x, [%%o];\nadd.u32 %%x, %%x, 5;\nst.global.u32 [%%a], %%x;", begin);
    words(body, 32, y);
    assert_int_equal(y[7], 5);
    snprintf(body, sizeof body, "%scp.async.wait_group 1;\nld.shared.u32 %%x, [%%o];\ncp.async.wait_all;\nld.shared.u32 %%y, [%%o];\nshl.b32 %%y, %%y, 8;\nor.b32 %%x, %%x, %%y;\nst.global.u32 [%%a], %%x;", begin);
    words(body, 32, y);
    assert_int_equal(y[7], 0x700);
}

static void predicates_may_be_constants(void **unused) {
    static const struct {
        const char *op;
        uint32_t wanted;
    } rows[] = {{"and.pred %p, %q, 1;", 1}, {"and.pred %p, %q, 0;", 2}, {"or.pred %p, %q, 1;", 1}, {"xor.pred %p, %q, 1;", 2}, {"not.pred %p, 1;", 2}, {"mov.pred %p, 1;", 1}};
    char body[256];
    uint32_t y[33];
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        snprintf(body, sizeof body, "setp.ge.u32 %%q, %%t, 0;\n%s\nselp.u32 %%x, 1, 2, %%p;\nst.global.u32 [%%a], %%x;", rows[k].op);
        words(body, 33, y);
        for (int t = 0; t < 33; t++) assert_int_equal(y[t], rows[k].wanted);
    }
}

/* One lane reads what it gives a call, the others what the kernel was given. */
static void parameters_of_kernels_and_calls_side_by_side(void **unused) {
    static const char ptx[] = ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 out, .param .u32 v)\n{\n.reg .u64 %o, %p, %q;\n.reg .u32 %t, %x;\n.reg .pred %c;\n.param .b32 own;\n"
                              "ld.param.u64 %o, [out];\nmov.u32 %t, %tid.x;\nst.param.b32 [own], 77;\ncvta.param.u64 %p, v;\nmov.u64 %q, own;\ncvta.param.u64 %q, %q;\nsetp.eq.u32 %c, %t, 0;\nselp.u64 %p, %q, %p, %c;\n"
                              "ld.u32 %x, [%p];\nmad.wide.u32 %o, %t, 4, %o;\nst.global.u32 [%o], %x;\nret;\n}\n";
    struct {
        uint64_t out;
        uint32_t v;
    } p = {0, 1234};
    uint32_t y[32];
    load_text(ptx, sizeof ptx - 1, MEMORY);
    p.out = device(NULL, sizeof y);
    assert_int_equal(launch("k", 1, 1, 32, 1, &p), PGD_OK);
    memcpy(y, gpu_memory_at(memory, p.out, sizeof y, NULL), sizeof y);
    assert_int_equal(y[0], 77);
    for (int t = 1; t < 32; t++) assert_int_equal(y[t], 1234);
    unload(NULL);
}

/* One thread reads at an address. */
static void reads_at(uint64_t address, const char *sentence) {
    fails(1, address, GPU_FAULT_ADDRESS, sentence);
}

static void addresses_are_told_as_people_see_them(void **unused) {
    static int own;
    load_body("{\n.reg .u64 %v;\nld.global.u64 %v, [%o];\n}");
    uint64_t first = device(NULL, 24), second = device(NULL, 16), far = second + (UINT64_C(1) << 26);
    reads_at(0, "reads 8 bytes at 0x0, the pointer is NULL");
    reads_at((uint64_t)(uintptr_t)&own & ~UINT64_C(7), "which is no address of this GPU; if it is the program's own memory, copy it");
    reads_at(first + 32, ", 8 bytes past the end of an allocation of 24 bytes");
    reads_at(second - 8, ", 8 bytes before an allocation of 16 bytes");
    reads_at(far, ", far from all that is allocated; the nearest is an allocation of 16 bytes");
    unload(NULL);
    load_body("{\n.reg .u64 %v, %w;\nld.global.v2.u64 {%v, %w}, [%o];\n}");
    second = device(NULL, 28);
    reads_at(second + 16, ", the last 4 of them past the end of an allocation of 28 bytes");
    unload(NULL);
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------------------------------------------------------------ */

static void planted_faults_are_told_with_their_place(void **unused) {
    load_body("st.global.u32 [%a+4], %t;");
    uint64_t out = device(NULL, 4 * 32);
    fails(32, out, GPU_FAULT_ADDRESS, "k, PTX line 13, block (0,0,0), thread (31,0,0): writes 4 bytes at");
    assert_non_null(strstr(fault.text, ", just past the end of an allocation of 128 bytes at 0x"));
    assert_true(fault.address == out + 128 && fault.bytes == 4);
    unload(NULL);
    load_body("st.global.u32 [%a+2], %t;");
    fails(1, device(NULL, 16), GPU_FAULT_ALIGNMENT, "which is no multiple of them");
    unload(NULL);
    load_body("ld.global.u32 %x, [%a];");
    out = device(NULL, 16);
    assert_int_equal(gpu_memory_free(memory, out), PGD_OK);
    fails(1, out, GPU_FAULT_ADDRESS, "in memory that was freed");
    assert_int_equal(gpu_memory_free(memory, out), PGD_BAD_ARG);
    unload(NULL);
    load_body("ld.shared.u32 %x, [room+256];");
    fails(1, device(NULL, 16), GPU_FAULT_ADDRESS, "of .shared memory, 0 bytes past the end of room, which has 256");
    unload(NULL);
    load_body("ld.u32 %x, [16];");
    fails(1, device(NULL, 16), GPU_FAULT_ADDRESS, "reads 4 bytes at 0x10");
    unload(NULL);
    load_body("setp.lt.u32 %p, %t, 16;\n@%p bar.sync 0;\n@!%p bar.sync 1;");
    fails(32, device(NULL, 128), GPU_FAULT_DEADLOCK, "line 14, block (0,0,0), thread (0,0,0): 32 threads wait for ever; this one at barrier 0, which 16 of 32 reached; thread (16,0,0) waits at PTX line 15");
    unload(NULL);
    load_body("setp.eq.u32 %p, %t, 0;\n@%p bra OUT;\nshfl.sync.bfly.b32 %x, %t, 1, 31, -1;\nbar.sync 0;\nOUT: bar.sync 0;");
    fails(32, device(NULL, 128), GPU_FAULT_DEADLOCK, "wait for ever");
    unload(NULL);
    load_body("shfl.sync.bfly.b32 %x, %t, 1, 31, 0xfffffffe;");
    fails(32, device(NULL, 128), GPU_FAULT_MASK, "lane 0 is not in the mask 0xfffffffe");
    unload(NULL);
    load_body("bar.sync 1, 64;");
    fails(96, device(NULL, 400), GPU_FAULT_DEADLOCK, "32 threads wait for ever; this one at barrier 1, which 32 of 64 reached");
    unload(NULL);
    load_body("bar.sync 0, 33;");
    fails(64, device(NULL, 256), GPU_FAULT_BARRIER, "must be a multiple of 32");
    unload(NULL);
    load_body("AGAIN: bra AGAIN;");
    fails(1, device(NULL, 4), GPU_FAULT_LIMIT, "50000000 instructions were executed");
    unload(NULL);
    load_body("trap;");
    fails(1, device(NULL, 4), GPU_FAULT_TRAP, "trapped");
}

/* Begins so many copies that nobody waits for; %x is what is in shared memory then where the first, and where the last of them goes. */
static void older_copies_happen_without_a_wait(void **unused) {
    enum { COPIES = GPU_COPIES_MAX + 1 };
    char body[1024];
    snprintf(body, sizeof body, "st.global.u32 [%%a], 7;\nmul.wide.u32 %%o, %%t, 4;\nmov.u32 %%z, 0;\nAGAIN: setp.eq.u32 %%p, %%z, 0;\n@%%p bra FIRST;\ncp.async.ca.shared.global [%%o+128], [%%a], 4;\nbra NEXT;\nFIRST: cp.async.ca.shared.global [%%o], [%%a], 4;\nNEXT: add.u32 %%z, %%z, 1;\n"
             "setp.lt.u32 %%q, %%z, %d;\n@%%q bra AGAIN;\nst.shared.u32 [%%o+128], 0;\nld.shared.u32 %%x, [%%o];\ncp.async.wait_all;\nld.shared.u32 %%y, [%%o+128];\nshl.b32 %%y, %%y, 8;\nor.b32 %%x, %%x, %%y;\nst.global.u32 [%%a], %%x;", COPIES);
    uint32_t y[32];
    words(body, 32, y);
    for (int k = 0; k < 32; k++) assert_int_equal(y[k], 7 | 7 << 8);
    snprintf(body, sizeof body, "st.global.u32 [%%a], 7;\nmul.wide.u32 %%o, %%t, 4;\nmov.u32 %%z, 0;\nAGAIN: cp.async.ca.shared.global [%%o], [%%a], 4;\nadd.u32 %%z, %%z, 1;\nsetp.lt.u32 %%q, %%z, %d;\n@%%q bra AGAIN;\nld.shared.u32 %%x, [%%o];\nst.global.u32 [%%a], %%x;", GPU_COPIES_MAX);
    words(body, 32, y);
    for (int k = 0; k < 32; k++) assert_int_equal(y[k], 0);
    /* of the lane alone that begins so many */
    snprintf(body, sizeof body, "st.global.u32 [%%a], 7;\nmul.wide.u32 %%o, %%t, 4;\ncp.async.ca.shared.global [%%o], [%%a], 4;\nsetp.ne.u32 %%p, %%t, 5;\n@%%p bra LOOK;\nmov.u32 %%z, 0;\nAGAIN: cp.async.ca.shared.global [%%o], [%%a], 4;\nadd.u32 %%z, %%z, 1;\nsetp.lt.u32 %%q, %%z, %d;\n@%%q bra AGAIN;\nLOOK: bar.warp.sync -1;\nld.shared.u32 %%x, [%%o];\nst.global.u32 [%%a], %%x;", GPU_COPIES_MAX);
    words(body, 32, y);
    for (int k = 0; k < 32; k++) assert_int_equal(y[k], k == 5 ? 7 : 0);
}

/* 64 KiB of .local memory in each of two calls: of a block that is alone there is room for it, of 4096 at once there is not. */
static void blocks_have_room_for_so_much(void **unused) {
    static const char ptx[] = ".version 8.0\n.target sm_90\n.address_size 64\n.func deep(.param .u32 n)\n{\n.local .align 4 .b8 own[65536];\n.reg .u32 %x;\n.reg .pred %p;\nld.param.u32 %x, [n];\nst.local.u32 [own], %x;\nsetp.eq.u32 %p, %x, 0;\n@%p ret;\nsub.u32 %x, %x, 1;\n"
                              "{\n.param .u32 a;\nst.param.u32 [a], %x;\ncall deep, (a);\n}\nret;\n}\n.visible .entry k(.param .u64 out)\n{\n.param .u32 a;\nst.param.u32 [a], 1;\ncall deep, (a);\nret;\n}\n"
                              ".visible .entry large(.param .u64 out)\n{\n.local .align 4 .b8 own[65536];\nst.local.u32 [own], 1;\nret;\n}\n";
    load_text(ptx, sizeof ptx - 1, MEMORY);
    uint64_t out = device(NULL, 4);
    runs("k", 1, 1, 1024, 1, &out);
    gpu_launch l = {.program = &program, .kernel = ptx_function_find(module, "k"), .grid = {4096, 1, 1}, .block = {32, 1, 1}, .parameters = &out, .cooperative = true};
    assert_int_equal(execute(&l, &fault), PGD_DEVICE);
    assert_int_equal(fault.kind, GPU_FAULT_STACK);
    assert_non_null(strstr(fault.text, "a call of deep goes deeper than 1024 calls, than 1048576 bytes of a thread, or than 1 MiB of its block"));
    l.kernel = ptx_function_find(module, "large");
    assert_int_equal(execute(&l, &fault), PGD_NO_MEMORY);
    assert_non_null(strstr(pgd_error_text(), "launch smaller blocks, or fewer at once"));
    l.grid[0] = 64;
    assert_int_equal(execute(&l, &fault), PGD_OK);
}

/* As every GPU does: sums of f32 flush subnormals in global memory, named or generic, and keep them in shared memory. */
static void sums_of_subnormals_by_place(void **unused) {
    uint32_t y[4];
    words("st.global.u32 [%a], 3;\nred.global.add.f32 [%a], 0f80000002;", 1, y);
    assert_int_equal(y[0], 0);
    words("st.global.u32 [%a], 0x80000003;\nred.add.f32 [%a], 0f80000002;", 1, y);
    assert_int_equal(y[0], 0x80000000);
    words("st.global.u32 [%a], 0x00800001;\nred.global.add.f32 [%a], 0f80800000;", 1, y); /* normal numbers whose sum is none */
    assert_int_equal(y[0], 0);
    words("st.shared.u32 [room], 3;\nred.shared.add.f32 [room], 0f00000002;\nld.shared.u32 %x, [room];\nst.global.u32 [%a], %x;", 1, y);
    assert_int_equal(y[0], 5);
    words("st.shared.u32 [room], 3;\nmov.u64 %o, room;\ncvta.shared.u64 %o, %o;\nred.add.f32 [%o], 0f00000002;\nld.shared.u32 %x, [room];\nst.global.u32 [%a], %x;", 1, y);
    assert_int_equal(y[0], 5);
    words("{\n.reg .f32 %f, %g;\nmul.lo.u32 %y, %t, 3;\nst.global.u32 [%a], %y;\nmov.b32 %g, %y;\natom.global.add.f32 %f, [%a], %g;\nst.global.f32 [%a], %f;\n}", 4, y); /* by several lanes, the old value as it was */
    for (uint32_t k = 0; k < 4; k++) assert_int_equal(y[k], 3 * k);
}

static void a_call_of_another_prototype_is_a_fault(void **unused) {
    static const char ptx[] = ".version 8.0\n.target sm_90\n.address_size 64\n.func f(.param .b8 x[64]) { ret; }\n.entry k(.param .u64 out)\n{\n.reg .u64 %f;\n.param .b32 a;\np: .callprototype _ (.param .b32 _);\nmov.u64 %f, f;\ncall %f, (a), p;\n}\n";
    load_text(ptx, strlen(ptx), MEMORY);
    fails(1, device(NULL, 4), GPU_FAULT_CALL, "f has other parameters than the prototype of this call");
}

static void registers_of_the_environment_are_empty(void **unused) {
    uint32_t got[2] = {1, 1};
    load_body("mov.b32 %x, %envreg0;\nmov.u32 %y, %envreg31;\nst.global.u32 [%o], %x;\nst.global.u32 [%o+4], %y;");
    uint64_t out = device(got, sizeof got);
    runs("k", 1, 1, 1, 1, &out);
    host(got, out, sizeof got);
    assert_true(got[0] == 0 && got[1] == 0);
}

static void constants_are_only_read(void **unused) {
    static const char ptx[] = ".version 8.0\n.target sm_90\n.address_size 64\n.const .u32 fixed = 5;\n.entry k(.param .u64 out)\n{\n.reg .u64 %a;\n.reg .u32 %x;\nld.const.u32 %x, [fixed];\nmov.u64 %a, fixed;\ncvta.const.u64 %a, %a;\nst.u32 [%a], %x;\n}\n";
    load_text(ptx, strlen(ptx), MEMORY);
    fails(1, device(NULL, 4), GPU_FAULT_READ_ONLY, "writes to fixed, which is .const");
}

static void launches_that_no_device_takes_are_refused(void **unused) {
    load_body("");
    uint64_t out = device(NULL, 4);
    assert_int_equal(launch("k", 1, 1, 2000, 1, &out), PGD_BAD_ARG);
    assert_int_equal(launch("k", 0, 1, 32, 1, &out), PGD_BAD_ARG);
    assert_int_equal(launch("k", 1, 70000, 32, 1, &out), PGD_BAD_ARG);
}

#define TEST(name) cmocka_unit_test_teardown(name, unload)
#define EXECUTOR_TESTS                                                                                                                                                    \
    TEST(some_lanes_change_their_own_registers), TEST(constants_are_stored), TEST(vectors_are_added), TEST(matrices_are_multiplied_in_tiles), TEST(sums_come_by_shuffles), TEST(running_sums_and_counts), TEST(threads_part_call_themselves_and_meet), \
        TEST(functions_are_chosen_at_run_time), TEST(long_and_double_numbers), TEST(shuffles_go_up_down_across_and_to_an_index), TEST(votes_matches_and_reductions),        \
        TEST(barriers_count_and_reduce), TEST(barriers_reduce_over_those_they_let_go), TEST(atomic_operations_give_the_old_value), TEST(warps_multiply_matrices), TEST(warps_load_matrices),                             \
        TEST(copies_beside_the_threads_are_waited_for), TEST(older_copies_happen_without_a_wait), TEST(blocks_have_room_for_so_much), TEST(planted_faults_are_told_with_their_place), TEST(addresses_are_told_as_people_see_them), TEST(predicates_may_be_constants), TEST(parameters_of_kernels_and_calls_side_by_side), TEST(a_call_of_another_prototype_is_a_fault), TEST(sums_of_subnormals_by_place),                       \
        TEST(registers_of_the_environment_are_empty), TEST(constants_are_only_read), TEST(launches_that_no_device_takes_are_refused)
