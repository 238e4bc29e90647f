/* SPDX-License-Identifier: Apache-2.0
 * The software GPU's vector executor: instructions of warps per second, on one core and on two, beside plain C loops of the same product. Results are compared with the plain
 * loops' bit for bit before anything is timed. The last line is JSON. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exec/vector.h>

#include "measure.h"
#include "softgpu_loops.h"

enum { N = 256, RUNS = 21 };

/* One thread for each element; eight instructions for each product. */
static const char naive_ptx[] =
    ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry naive(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n{\n"
    ".reg .u64 %a, %b, %c, %s, %t;\n.reg .u32 %x, %y, %z, %n, %k;\n.reg .f32 %f, %g, %h;\n.reg .pred %p;\n"
    "ld.param.u64 %a, [a];\nld.param.u64 %b, [b];\nld.param.u64 %c, [c];\nld.param.u32 %n, [n];\n"
    "mov.u32 %x, %ctaid.x;\nmov.u32 %y, %ntid.x;\nmov.u32 %z, %tid.x;\nmad.lo.u32 %x, %x, %y, %z;\n"
    "mov.u32 %y, %ctaid.y;\nmov.u32 %z, %ntid.y;\nmov.u32 %k, %tid.y;\nmad.lo.u32 %y, %y, %z, %k;\n"
    "mul.lo.u32 %z, %y, %n;\nmad.wide.u32 %a, %z, 4, %a;\nmad.wide.u32 %b, %x, 4, %b;\nadd.u32 %z, %z, %x;\nmad.wide.u32 %c, %z, 4, %c;\nmul.wide.u32 %s, %n, 4;\n"
    "mov.f32 %h, 0f00000000;\nmov.u32 %k, 0;\n"
    "LOOP:\nld.global.f32 %f, [%a];\nld.global.f32 %g, [%b];\nfma.rn.f32 %h, %f, %g, %h;\nadd.u64 %a, %a, 4;\nadd.u64 %b, %b, %s;\nadd.u32 %k, %k, 1;\nsetp.lt.u32 %p, %k, %n;\n@%p bra LOOP;\n"
    "st.global.f32 [%c], %h;\nret;\n}\n";

/* Tiles of 16 x 16 in shared memory; a loop over 16 products that is not unrolled. */
static const char tiled_ptx[] =
    ".version 8.0\n.target sm_90\n.address_size 64\n.shared .align 16 .b8 left[1024];\n.shared .align 16 .b8 right[1024];\n"
    ".visible .entry tiled(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 n)\n{\n"
    ".reg .u64 %a, %b, %c, %s;\n.reg .u32 %x, %y, %z, %n, %k, %t, %u, %l, %r, %i, %j, %v, %w;\n.reg .f32 %f, %g, %h;\n.reg .pred %p;\n"
    "ld.param.u64 %a, [a];\nld.param.u64 %b, [b];\nld.param.u64 %c, [c];\nld.param.u32 %n, [n];\nmov.u32 %t, %tid.x;\nmov.u32 %u, %tid.y;\n"
    "mov.u32 %x, %ctaid.x;\nmad.lo.u32 %x, %x, 16, %t;\nmov.u32 %y, %ctaid.y;\nmad.lo.u32 %y, %y, 16, %u;\n"
    "mad.lo.u32 %z, %y, %n, %t;\nmad.wide.u32 %a, %z, 4, %a;\nmad.lo.u32 %z, %u, %n, %x;\nmad.wide.u32 %b, %z, 4, %b;\nmad.lo.u32 %z, %y, %n, %x;\nmad.wide.u32 %c, %z, 4, %c;\nmul.wide.u32 %s, %n, 64;\n"
    "mov.u32 %l, left;\nmov.u32 %r, right;\nmad.lo.u32 %i, %u, 16, %t;\nshl.b32 %i, %i, 2;\nadd.u32 %j, %i, %r;\nadd.u32 %i, %i, %l;\nshl.b32 %u, %u, 6;\nadd.u32 %l, %l, %u;\nshl.b32 %t, %t, 2;\nadd.u32 %r, %r, %t;\n"
    "mov.f32 %h, 0f00000000;\nmov.u32 %k, 0;\n"
    "TILE:\nld.global.f32 %f, [%a];\nst.shared.f32 [%i], %f;\nld.global.f32 %g, [%b];\nst.shared.f32 [%j], %g;\nadd.u64 %a, %a, 64;\nadd.u64 %b, %b, %s;\nbar.sync 0;\nmov.u32 %v, %l;\nmov.u32 %w, %r;\nadd.u32 %z, %l, 64;\n"
    "LOOP:\nld.shared.f32 %f, [%v];\nld.shared.f32 %g, [%w];\nfma.rn.f32 %h, %f, %g, %h;\nadd.u32 %v, %v, 4;\nadd.u32 %w, %w, 64;\nsetp.lt.u32 %p, %v, %z;\n@%p bra LOOP;\n"
    "bar.sync 0;\nadd.u32 %k, %k, 16;\nsetp.lt.u32 %p, %k, %n;\n@%p bra TILE;\nst.global.f32 [%c], %h;\nret;\n}\n";

typedef struct machine {
    ptx_module *module;
    gpu_memory *memory;
    gpu_program program;
    uint64_t a, b, c;
} machine;

typedef struct parameters {
    uint64_t a, b, c;
    uint32_t n;
} parameters;

static float *a, *b, *expected;

static uint64_t device(machine *m, const float *from) {
    uint64_t address;
    size_t bytes = sizeof(float) * N * N;
    bench_must(gpu_memory_allocate(m->memory, GPU_MEMORY_DEVICE, 0, bytes, 1, NULL, &address), "device memory");
    if (from != NULL) memcpy(gpu_memory_at(m->memory, address, bytes, NULL), from, bytes);
    return address;
}

static void load(machine *m, const char *text) {
    pgd_text log = {0};
    bench_must(ptx_parse(text, strlen(text), &log, &m->module), log.chars != NULL ? log.chars : "PTX");
    bench_must(gpu_memory_create(1, 1 << 28, &m->memory), "memory");
    bench_must(gpu_program_load(m->module, m->memory, 0, &m->program), "program");
    m->a = device(m, a), m->b = device(m, b), m->c = device(m, NULL);
    pgd_mem_free(log.chars);
}

static void unload(machine *m) {
    gpu_program_unload(&m->program);
    gpu_memory_destroy(m->memory);
    ptx_module_destroy(m->module);
}

static void report(const char *name, const char *how, int cores, const double *seconds, double instructions) {
    double rates[RUNS];
    for (int k = 0; k < RUNS; k++) rates[k] = instructions > 0 ? instructions / seconds[k] * 1e-9 : 2.0 * N * N * N / seconds[k] * 1e-9;
    bench_spread spread = bench_spread_of(rates, RUNS);
    double gflops = instructions > 0 ? spread.median * 2.0 * N * N * N / instructions : spread.median;
    if (instructions > 0) printf("| %s | %s | %d | %.3f | %.3f to %.3f | %.3f | %.2f |\n", name, how, cores, spread.median, spread.p10, spread.p90, spread.best, gflops);
    else printf("| %s | %s | %d | | | | %.2f (%.2f to %.2f) |\n", name, how, cores, gflops, spread.p10, spread.p90);
}

/* bits: the results of the plain loops that the kernel adds up like. */
static void kernel(const char *text, const char *name, uint32_t width, uint32_t height, gpu_vector_level level, const char *level_name, int cores) {
    machine m;
    gpu_vector_code *code;
    gpu_fault fault;
    gpu_counts counts;
    pgd_pool *pool = NULL;
    double seconds[RUNS];
    char how[80];
    if (gpu_vector_force(level) != PGD_OK) return;
    load(&m, text);
    parameters p = {m.a, m.b, m.c, N};
    gpu_launch l = {&m.program, ptx_function_find(m.module, name), {N / width, N / height, 1}, {width, height, 1}, 0, &p, 0, 0, .cooperative = false};
    bench_must(gpu_vector_prepare(&m.program, l.kernel, &code), "decoding");
    bench_must(pgd_pool_create(cores, &pool), "pool");
    bench_must(gpu_vector_launch(code, &l, pool, &fault, &counts), "launch");
    if (memcmp(gpu_memory_at(m.memory, m.c, sizeof(float) * N * N, NULL), expected, sizeof(float) * N * N) != 0) {
        fprintf(stderr, "%s gives other numbers than plain C\n", name);
        exit(1);
    }
    for (int k = 0; k < RUNS; k++) {
        double start = bench_seconds();
        bench_must(gpu_vector_launch(code, &l, pool, &fault, NULL), "launch");
        seconds[k] = bench_seconds() - start;
    }
    snprintf(how, sizeof how, "%s, blocks of %u x %u", level_name, width, height);
    report(name, how, cores, seconds, (double)counts.warp_instructions);
    pgd_pool_destroy(pool);
    gpu_vector_code_destroy(code);
    unload(&m);
}

typedef void loops_fn(const float *, const float *, float *, int, int, int);
typedef struct half {
    loops_fn *run;
    float *c;
    int first, last;
} half;

static void *run_half(void *given) {
    half *h = given;
    h->run(a, b, h->c, N, h->first, h->last);
    return NULL;
}

static void loops(const char *name, loops_fn *run, int cores) {
    double seconds[RUNS];
    float *c = bench_alloc(sizeof(float) * N * N);
    for (int k = 0; k < RUNS; k++) {
        half halves[2] = {{run, c, 0, N / cores}, {run, c, N / 2, N}};
        pthread_t other;
        double start = bench_seconds();
        if (cores == 2 && pthread_create(&other, NULL, run_half, &halves[1]) != 0) exit(1);
        run_half(&halves[0]);
        if (cores == 2) pthread_join(other, NULL);
        seconds[k] = bench_seconds() - start;
    }
    report(name, "plain C, gcc -O2", cores, seconds, 0);
    free(c);
}

/* A launch of one block that does nothing. */
static double start_up_ns(void) {
    enum { LAUNCHES = 20000 };
    static const char text[] = ".version 8.0\n.target sm_90\n.address_size 64\n.visible .entry nothing(.param .u64 a)\n{\nret;\n}\n";
    machine m;
    gpu_vector_code *code;
    gpu_fault fault;
    uint64_t p = 0;
    load(&m, text);
    gpu_launch l = {&m.program, ptx_function_find(m.module, "nothing"), {1, 1, 1}, {128, 1, 1}, 0, &p, 0, 0, .cooperative = false};
    bench_must(gpu_vector_prepare(&m.program, l.kernel, &code), "decoding");
    double start = bench_seconds();
    for (int k = 0; k < LAUNCHES; k++) bench_must(gpu_vector_launch(code, &l, NULL, &fault, NULL), "launch");
    double ns = (bench_seconds() - start) / LAUNCHES * 1e9;
    gpu_vector_code_destroy(code);
    unload(&m);
    return ns;
}

/* With an argument only what the best level does on one core, so many times. */
int main(int count, char **arguments) {
    static const char *const names[GPU_VECTOR_LEVELS] = {"portable", "AVX2", "AVX-512"};
    a = bench_alloc(sizeof(float) * N * N), b = bench_alloc(sizeof(float) * N * N), expected = bench_alloc(sizeof(float) * N * N);
    for (int k = 0; k < N * N; k++) a[k] = (float)(bench_roll() % 2001) / 1000 - 1, b[k] = (float)(bench_roll() % 2001) / 1000 - 1;
    loops_dot(a, b, expected, N, 0, N);
    gpu_vector_level best = gpu_vector_best();
    for (int k = count > 1 ? atoi(arguments[1]) : 0; k > 0; k--) {
        kernel(naive_ptx, "naive", 32, 8, best, names[best], 1);
        kernel(naive_ptx, "naive", 16, 16, best, names[best], 1);
        kernel(tiled_ptx, "tiled", 16, 16, best, names[best], 1);
    }
    if (count > 1) return 0;
    printf("Products of matrices of %d x %d floats; medians of %d runs.\n\n| kernel | how | cores | G warp-instructions/s | 10th to 90th percentile | best | GFLOP/s |\n|---|---|---|---|---|---|---|\n", N, N, RUNS);
    for (int level = 0; level < GPU_VECTOR_LEVELS; level++)
        for (int cores = 1; cores <= 2; cores++) kernel(naive_ptx, "naive", 32, 8, (gpu_vector_level)level, names[level], cores);
    kernel(naive_ptx, "naive", 16, 16, best, names[best], 1);
    kernel(tiled_ptx, "tiled", 16, 16, best, names[best], 1);
    kernel(tiled_ptx, "tiled", 16, 16, best, names[best], 2);
    for (int cores = 1; cores <= 2; cores++) loops("dot", loops_dot, cores), loops("rows", loops_rows, cores);
    printf("\nA launch of a block that does nothing: %.0f ns.\n\n{\"benchmark\": \"softgpu\"}\n", start_up_ns());
    return 0;
}
