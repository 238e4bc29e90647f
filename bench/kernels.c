/* SPDX-License-Identifier: Apache-2.0
 * GF/s of the matrix products and convolutions, and their share of the multiply-add peak that was measured just before and after.
 *
 *   bench_kernels [ISA]     avx512, avx2 or portable; the best there is when left out
 *
 * All cases take turns, one short sample each per round, on one thread and on two. A sample counts only when nothing was in the way: our
 * threads waited for a processor for less than 2 % of it, and the peak before and after was within 5 % of the best of the whole run.
 * Markdown on stdout; its last line is the same as one JSON object. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <host/gemm_kernels.h>
#include <rows.h>

#include "measure.h"

enum { ROUNDS = 12, ATTEMPTS = 3, SAMPLES_MAX = ROUNDS * ATTEMPTS, THREADS_MAX = 2, JOBS_MAX = 2, OPERANDS_MAX = 4, CASES_MAX = 128 };
static const double sample_seconds = 0.03, quiet_wait = 0.02, quiet_peak = 0.95;

typedef struct sample {
    double gflops, peak_gflops, weaker_peak_gflops, waited; /* peak: the better of before and after; waited: part of the time */
} sample;

typedef struct bench_job {
    pgd_drv_launch launch;
    pgd_buffer_span operands[OPERANDS_MAX];
    int32_t operand_count;
} bench_job;

typedef struct bench_case {
    char name[96];
    double flops, target; /* target: share of the peak it should reach; 0: none set */
    pgd_gemm_params gemm;
    pgd_conv_params conv;
    bench_job jobs[JOBS_MAX];
    int job_count;
    sample samples[THREADS_MAX][SAMPLES_MAX];
    int sample_counts[THREADS_MAX];
} bench_case;

static const struct pgd_gemm_kernels *kernels;
static pgd_device *devices[THREADS_MAX];
static pgd_stream *streams[THREADS_MAX];
static bench_case *cases[CASES_MAX];
static int case_count;

/* ---- the cases ------------------------------------------------------------------------------------------------------------------------- */

static bench_case *case_add(const char *name, double flops, double target) {
    bench_case *c = bench_alloc(sizeof *c);
    snprintf(c->name, sizeof c->name, "%s", name);
    c->flops = flops;
    c->target = target;
    if (case_count == CASES_MAX) exit(1);
    return cases[case_count++] = c;
}

static void case_drop(bench_case *c) {
    case_count--;
    free(c);
}

/* Memory of the first device, which serves both: the host's buffers are plain memory. */
static pgd_buffer_span floats_create(int64_t count) {
    pgd_buffer *buffer;
    bench_must(pgd_buffer_create(devices[0], (uint64_t)count * sizeof(float), &buffer), "buffer");
    float *f = pgd_buffer_address(buffer);
    for (int64_t i = 0; i < count; i++) f[i] = (float)(i * 7919 % 1000) / 1000.0f - 0.5f;
    return (pgd_buffer_span){buffer, 0};
}

static bench_job *job_add(bench_case *c, pgd_chunk_fn *function, const void *params, int64_t chunks) {
    bench_job *job = &c->jobs[c->job_count++];
    job->launch = (pgd_drv_launch){function, params, chunks};
    return job;
}

/* C [m,n] = A B with A [m,k] or its transpose stored, B [k,n] or its transpose stored. */
static void gemm_add(const char *name, int64_t m, int64_t n, int64_t k, bool transposed_a, bool transposed_b, double target) {
    bench_case *c = case_add(name, 2.0 * (double)m * (double)n * (double)k, target);
    c->gemm = (pgd_gemm_params){.batch = 1, .m = m, .n = n, .k = k, .a_row = transposed_a ? 1 : k, .a_col = transposed_a ? m : 1,
                                .b_row = transposed_b ? 1 : n, .b_col = transposed_b ? k : 1, .c_row = n};
    c->gemm.threads = THREADS_MAX;
    int64_t chunks = kernels->gemm_plan(&c->gemm);
    bench_job *job = job_add(c, kernels->gemm_chunk, &c->gemm, chunks);
    job->operands[0] = floats_create(m * k);
    job->operands[1] = floats_create(k * n);
    job->operands[2] = floats_create(m * n);
    job->operand_count = 3;
}

typedef enum direction { FORWARD, DGRAD, WGRAD, DIRECTIONS } direction;

static void jobs_add(bench_case *c, pgd_chunk_fn *first, int64_t first_chunks, pgd_chunk_fn *second, int64_t second_chunks, const pgd_buffer_span operands[OPERANDS_MAX]) {
    job_add(c, first, &c->conv, first_chunks);
    if (second_chunks > 0) job_add(c, second, &c->conv, second_chunks);
    for (int i = 0; i < c->job_count; i++) {
        c->jobs[i].operand_count = OPERANDS_MAX;
        memcpy(c->jobs[i].operands, operands, sizeof c->jobs[i].operands);
    }
}

static void general_plan(bench_case *c, direction way, pgd_buffer_span x, pgd_buffer_span w, pgd_buffer_span y) {
    int64_t reduce_chunks, chunks;
    size_t workspace_bytes;
    switch (way) {
    case FORWARD: jobs_add(c, kernels->conv_forward_chunk, kernels->conv_forward_plan(&c->conv), NULL, 0, (pgd_buffer_span[]){x, w, y, y}); break;
    case DGRAD: jobs_add(c, kernels->conv_dgrad_chunk, kernels->conv_dgrad_plan(&c->conv), NULL, 0, (pgd_buffer_span[]){y, w, x, x}); break;
    default:
        chunks = kernels->conv_wgrad_plan(&c->conv, &reduce_chunks, &workspace_bytes);
        jobs_add(c, kernels->conv_wgrad_chunk, chunks, kernels->conv_wgrad_reduce_chunk, reduce_chunks, (pgd_buffer_span[]){y, x, w, floats_create((int64_t)(workspace_bytes / sizeof(float)))});
    }
}

static void winograd_plan(bench_case *c, direction way, pgd_buffer_span x, pgd_buffer_span w, pgd_buffer_span y) {
    int64_t other_chunks, chunks;
    size_t workspace_bytes;
    pgd_conv_params *p = &c->conv;
    p->workspace = 3;
    chunks = way == WGRAD ? kernels->winograd_wgrad_plan(p, &other_chunks, &workspace_bytes) : kernels->winograd_plan(p, way == DGRAD, &other_chunks, &workspace_bytes);
    pgd_buffer_span workspace = floats_create((int64_t)(workspace_bytes / sizeof(float)));
    if (way == WGRAD) jobs_add(c, kernels->winograd_wgrad_chunk, chunks, kernels->conv_wgrad_reduce_chunk, other_chunks, (pgd_buffer_span[]){y, x, w, workspace});
    else jobs_add(c, kernels->winograd_weights_chunk, other_chunks, kernels->winograd_chunk, chunks, (pgd_buffer_span[]){way == FORWARD ? x : y, w, way == FORWARD ? y : x, workspace});
}

/* False where the sums are too long for it. */
static bool direct_plan(bench_case *c, direction way, pgd_buffer_span x, pgd_buffer_span w, pgd_buffer_span y) {
    int64_t chunks = way == FORWARD ? kernels->direct_forward_plan(&c->conv) : way == DGRAD ? kernels->direct_dgrad_plan(&c->conv) : kernels->direct_wgrad_plan(&c->conv);
    pgd_chunk_fn *chunk = way == FORWARD ? kernels->direct_forward_chunk : way == DGRAD ? kernels->direct_dgrad_chunk : kernels->direct_wgrad_chunk;
    const pgd_buffer_span operands[DIRECTIONS][OPERANDS_MAX] = {{x, w, y, y}, {y, w, x, x}, {y, x, w, w}};
    if (chunks < 0) return false;
    jobs_add(c, chunk, chunks, NULL, 0, operands[way]);
    return true;
}

/* Square pictures and filters, same stride and padding both ways; the three directions, or forward alone; every kernel that takes the problem. */
static void conv_add(int64_t n, int64_t channels, int64_t filters, int64_t groups, int64_t extent, int64_t filter_extent, int64_t stride, int64_t pad, bool training, double forward_target) {
    enum { GENERAL, WINOGRAD, DIRECT, KERNELS };
    static const char *const words[] = {"forward", "dgrad", "wgrad"}, *const suffixes[KERNELS] = {"", ", Winograd", ", direct"};
    int64_t out = (extent + 2 * pad - filter_extent) / stride + 1;
    double flops = 2.0 * (double)(n * filters * out * out) * (double)(channels / groups * filter_extent * filter_extent);
    pgd_buffer_span x = floats_create(n * channels * extent * extent), y = floats_create(n * filters * out * out);
    pgd_buffer_span w = floats_create(filters * channels / groups * filter_extent * filter_extent);
    for (int way = FORWARD; way < (training ? DIRECTIONS : DGRAD); way++) {
        for (int kernel = GENERAL; kernel < KERNELS; kernel++) {
            char name[96], grouped[32] = "";
            if (kernel == WINOGRAD && (filter_extent != 3 || stride != 1 || groups != 1 || channels < 16)) continue;
            if (groups > 1) snprintf(grouped, sizeof grouped, " in %d groups", (int)groups);
            snprintf(name, sizeof name, "conv %dx%d%s %d>%d%s, %dx%d, batch %d, %s%s", (int)filter_extent, (int)filter_extent, stride > 1 ? " stride 2" : "", (int)channels, (int)filters, grouped, (int)extent, (int)extent, (int)n,
                     words[way], suffixes[kernel]);
            bench_case *c = case_add(name, flops, way == FORWARD ? forward_target : 0);
            c->conv = (pgd_conv_params){.n = n, .c = channels, .h = extent, .w = extent, .k = filters, .r = filter_extent, .s = filter_extent, .p = out, .q = out, .groups = groups,
                                        .stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad, .dilation_h = 1, .dilation_w = 1};
            if (kernel == GENERAL) general_plan(c, (direction)way, x, w, y);
            if (kernel == WINOGRAD) winograd_plan(c, (direction)way, x, w, y);
            if (kernel == DIRECT && !direct_plan(c, (direction)way, x, w, y)) case_drop(c);
        }
    }
}

static void cases_add(void) {
    gemm_add("sgemm 1024x1024x1024", 1024, 1024, 1024, false, false, 0.85);
    gemm_add("sgemm 1024x1024x1024, B transposed", 1024, 1024, 1024, false, true, 0);
    gemm_add("linear 784>512, batch 128, forward", 128, 512, 784, false, true, 0);
    gemm_add("linear 784>512, batch 128, dgrad", 128, 784, 512, false, false, 0);
    gemm_add("linear 784>512, batch 128, wgrad", 512, 784, 128, true, false, 0);
    gemm_add("linear 256>1024, batch 2048, wgrad", 1024, 256, 2048, true, false, 0);
    gemm_add("linear 512>10, batch 128, forward", 128, 10, 512, false, true, 0);
    gemm_add("linear 512>10, batch 128, wgrad", 10, 512, 128, true, false, 0);
    conv_add(1, 64, 64, 1, 56, 3, 1, 1, false, 0.75);
    conv_add(8, 64, 64, 1, 28, 3, 1, 1, true, 0.75);
    conv_add(32, 64, 64, 1, 14, 3, 1, 1, true, 0.75);
    conv_add(64, 1, 32, 1, 28, 3, 1, 1, true, 0);
    conv_add(64, 32, 32, 1, 28, 3, 1, 1, true, 0);
    conv_add(64, 32, 64, 1, 14, 3, 1, 1, true, 0);
    conv_add(128, 128, 128, 1, 8, 3, 1, 1, true, 0);
    conv_add(4, 256, 256, 1, 14, 3, 1, 1, true, 0);
    conv_add(8, 256, 64, 1, 28, 1, 1, 0, true, 0);
    conv_add(8, 64, 128, 1, 56, 3, 2, 1, true, 0);
    conv_add(1, 3, 64, 1, 224, 7, 2, 3, false, 0);
    conv_add(32, 3, 32, 1, 32, 3, 1, 1, true, 0);
    conv_add(1, 32, 16, 1, 112, 1, 1, 0, false, 0);
    conv_add(1, 16, 96, 1, 112, 1, 1, 0, false, 0);
    conv_add(1, 24, 144, 1, 56, 1, 1, 0, false, 0);
    conv_add(4, 96, 96, 96, 56, 3, 1, 1, true, 0);
    conv_add(4, 96, 96, 96, 112, 3, 2, 1, true, 0);
    conv_add(4, 384, 384, 384, 14, 3, 1, 1, true, 0);
}

/* ---- measuring --------------------------------------------------------------------------------------------------------------------------- */

static void case_run(const bench_case *c, int threads) {
    for (int i = 0; i < c->job_count; i++)
        bench_must(pgd_stream_launch(streams[threads - 1], &c->jobs[i].launch, c->jobs[i].operands, c->jobs[i].operand_count), c->name);
}

static sample sample_take(const bench_case *c, int threads) {
    double waited = bench_waited_seconds(), whole = bench_seconds();
    double before = bench_peak_gflops(devices[threads - 1], streams[threads - 1]), start = bench_seconds(), elapsed;
    int count = 0;
    do {
        case_run(c, threads);
        count++;
        elapsed = bench_seconds() - start;
    } while (elapsed < sample_seconds);
    double after = bench_peak_gflops(devices[threads - 1], streams[threads - 1]);
    whole = bench_seconds() - whole;
    return (sample){1e-9 * c->flops * count / elapsed, fmax(before, after), fmin(before, after), (bench_waited_seconds() - waited) / (whole * threads)};
}

static double best_peak[THREADS_MAX];

static bool is_quiet(const sample *s, int threads) { return s->waited < quiet_wait && s->weaker_peak_gflops >= quiet_peak * best_peak[threads - 1]; }

static void measure_all(void) {
    for (int i = 0; i < case_count; i++)
        for (int threads = 1; threads <= THREADS_MAX; threads++) case_run(cases[i], threads);
    for (int i = 0; i < 100; i++)
        for (int threads = 1; threads <= THREADS_MAX; threads++) best_peak[threads - 1] = fmax(best_peak[threads - 1], bench_peak_gflops(devices[threads - 1], streams[threads - 1]));
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < case_count; i++) {
            bench_case *c = cases[i];
            for (int turn = 0; turn < THREADS_MAX; turn++) {
                int threads = (round & 1) != 0 ? THREADS_MAX - turn : turn + 1;
                for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
                    sample *s = &c->samples[threads - 1][c->sample_counts[threads - 1]++];
                    *s = sample_take(c, threads);
                    best_peak[threads - 1] = fmax(best_peak[threads - 1], s->peak_gflops);
                    if (is_quiet(s, threads)) break;
                    nanosleep(&(struct timespec){0, 50000000}, NULL); /* perhaps it passes */
                }
            }
        }
        fprintf(stderr, "\rround %d of %d", round + 1, ROUNDS);
    }
    fprintf(stderr, "\n");
}

/* ---- telling ------------------------------------------------------------------------------------------------------------------------------- */

typedef struct verdict {
    bench_spread gflops, share;
} verdict;

static long taken, discarded;

/* The best peak is known only now, so that quietness is judged here. */
static verdict judge(bench_case *c, int threads) {
    double gflops[SAMPLES_MAX], share[SAMPLES_MAX];
    int count = 0;
    for (int i = 0; i < c->sample_counts[threads - 1]; i++) {
        const sample *s = &c->samples[threads - 1][i];
        taken++;
        if (!is_quiet(s, threads)) {
            discarded++;
            continue;
        }
        gflops[count] = s->gflops;
        share[count++] = s->gflops / s->peak_gflops;
    }
    return (verdict){bench_spread_of(gflops, count), bench_spread_of(share, count)};
}

static void print_markdown(const pgd_device_info *info, verdict verdicts[][THREADS_MAX]) {
    printf("# Kernels on %s, %s\n\n", info->name, pgd_isa_name(pgd_device_isa(devices[0])));
    printf("Multiply-add peak measured in this run: %.1f GF/s on one thread, %.1f GF/s on two. Share: of the peak measured right before and after each\n"
           "sample; median [10th-90th percentile] of the quiet samples. %ld of %ld samples were discarded because something else was running.\n"
           "Winograd: the same convolution with 16 multiplications for 36; GF/s count the 36, so shares beyond 100 %% are possible.\n\n",
           best_peak[0], best_peak[1], discarded, taken);
    printf("| case | 1 thread GF/s | share of peak | 2 threads GF/s | share of peak | target |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < case_count; i++) {
        printf("| %s |", cases[i]->name);
        for (int t = 0; t < THREADS_MAX; t++) {
            const verdict *v = &verdicts[i][t];
            if (v->share.count == 0)
                printf(" no quiet sample | |");
            else
                printf(" %.1f | %.1f %% [%.1f-%.1f], n %d |", v->gflops.median, 100 * v->share.median, 100 * v->share.p10, 100 * v->share.p90, v->share.count);
        }
        if (cases[i]->target > 0)
            printf(" %.0f %% |\n", 100 * cases[i]->target);
        else
            printf(" |\n");
    }
}

static void print_json(const pgd_device_info *info, verdict verdicts[][THREADS_MAX]) {
    printf("{\"bench\":\"kernels\",\"processor\":");
    bench_print_json_string(info->name);
    printf(",\"isa\":\"%s\",\"version\":\"%s\",\"peak_gflops\":[%.2f,%.2f],\"samples\":%ld,\"samples_discarded\":%ld,\"cases\":[", pgd_isa_name(pgd_device_isa(devices[0])), pgd_version(),
           best_peak[0], best_peak[1], taken, discarded);
    for (int i = 0; i < case_count; i++) {
        printf("%s{\"name\":\"%s\",\"flops\":%.0f,\"target_share\":%.2f,\"results\":[", i > 0 ? "," : "", cases[i]->name, cases[i]->flops, cases[i]->target);
        for (int t = 0; t < THREADS_MAX; t++) {
            const verdict *v = &verdicts[i][t];
            printf("%s{\"threads\":%d,\"samples\":%d,\"gflops_p50\":%.2f,\"gflops_p10\":%.2f,\"gflops_p90\":%.2f,\"share_p50\":%.4f,\"share_p10\":%.4f,\"share_p90\":%.4f,\"share_best\":%.4f}",
                   t > 0 ? "," : "", t + 1, v->share.count, v->gflops.median, v->gflops.p10, v->gflops.p90, v->share.median, v->share.p10, v->share.p90, v->share.best);
        }
        printf("]}");
    }
    printf("]}\n");
}

int main(int argc, char **argv) {
    static verdict verdicts[CASES_MAX][THREADS_MAX];
    pgd_device_info info;
    bench_must(pgd_device_info_get(0, &info), "device");
    for (int t = 0; t < THREADS_MAX; t++) {
        pgd_device_options options;
        pgd_device_options_init(&options, sizeof options);
        options.threads = t + 1;
        options.isa = argc > 1 ? argv[1] : NULL;
        bench_must(pgd_device_open("cpu", &options, &devices[t]), "device");
        bench_must(pgd_stream_create(devices[t], &streams[t]), "stream");
    }
    kernels = pgd_gemm_kernels_for(pgd_device_isa(devices[0]));
    cases_add();
    measure_all();
    for (int i = 0; i < case_count; i++)
        for (int t = 0; t < THREADS_MAX; t++) verdicts[i][t] = judge(cases[i], t + 1);
    print_markdown(&info, verdicts);
    print_json(&info, verdicts);
    return 0; /* the system takes the memory back */
}
