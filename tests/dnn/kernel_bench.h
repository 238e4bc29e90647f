/* SPDX-License-Identifier: Apache-2.0
 * Runs one kernel row by hand: operands lie against pages that may not be touched, or between guard bytes; chunks run in shuffled order. */
#ifndef PGD_TEST_KERNEL_BENCH_H
#define PGD_TEST_KERNEL_BENCH_H

#include <dnn_share.h>
#include <math.h>
#include <sys/mman.h>

#include "check.h"

enum { ROOMS = PGD_MAX_OPERANDS + 2, ROOM_BYTES = 4 << 20, PAGE = 4096, GUARD_BYTES = 192 };

/* Memory for one operand: [no access][ROOM_BYTES][no access] */
static char *rooms[ROOMS];

static inline char *room(int32_t index) {
    assert_true(index < ROOMS);
    if (rooms[index] == NULL) {
        char *all = mmap(NULL, ROOM_BYTES + 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(all != MAP_FAILED);
        assert_int_equal(mprotect(all, PAGE, PROT_NONE), 0);
        assert_int_equal(mprotect(all + PAGE + ROOM_BYTES, PAGE, PROT_NONE), 0);
        rooms[index] = all + PAGE;
    }
    return rooms[index];
}

/* at_end: the last byte is the last of the room. Else 64-byte aligned with guard bytes on both sides. */
static inline char *operand_place(int32_t index, size_t bytes, bool at_end) {
    assert_true(bytes + 2 * GUARD_BYTES <= ROOM_BYTES);
    char *at = at_end ? room(index) + ROOM_BYTES - bytes : room(index) + GUARD_BYTES;
    memset(at - GUARD_BYTES, 0xa5, GUARD_BYTES);
    if (!at_end) memset(at + bytes, 0xa5, GUARD_BYTES);
    return at;
}

static inline bool guards_whole(const char *at, size_t bytes, bool at_end) {
    for (int i = 1; i <= GUARD_BYTES; i++)
        if ((unsigned char)at[-i] != 0xa5 || (!at_end && (unsigned char)at[bytes + (size_t)i - 1] != 0xa5)) return false;
    return true;
}

static inline size_t desc_bytes(const pgd_desc *d) { return (size_t)pgd_shape_elems(d->shape) * pgd_dtype_bytes(d->dtype); }

typedef struct bench {
    pgd_problem problem;
    const pgd_kernel_row *row;
    const char *what;                  /* for messages */
    const void *inputs[PGD_MAX_INPUTS]; /* contents */
    void *outputs[PGD_MAX_OUTPUTS];     /* results are copied here */
    bool at_end;
    int32_t alias_output, alias_input; /* that output lies in the memory of that input; -1: none */
    uint64_t shuffle;
} bench;

static inline void run_job(const bench *b, const pgd_job *job, char *const *in, char *const *out, char *workspace, void *scratch) {
    char *mem[PGD_MAX_OPERANDS] = {0};
    dice d = {b->shuffle + 17};
    for (int32_t k = 0; k < job->operand_count; k++) {
        const pgd_operand *o = &job->operands[k];
        mem[k] = (o->kind == PGD_OPERAND_INPUT ? in[o->index] : o->kind == PGD_OPERAND_OUTPUT ? out[o->index] : workspace) + o->offset_bytes;
    }
    int64_t *order = malloc(sizeof *order * (size_t)(job->chunks + 1));
    assert_non_null(order);
    for (int64_t i = 0; i < job->chunks; i++) order[i] = i;
    for (int64_t i = job->chunks - 1; i > 0; i--) {
        int64_t j = roll_below(&d, i + 1), kept = order[i];
        order[i] = order[j], order[j] = kept;
    }
    for (int64_t i = 0; i < job->chunks; i++) {
        if (i < 4) memset(scratch, 0xff, PGD_SCRATCH_BYTES); /* NaN: nothing may come from an earlier chunk */
        job->function(job->params, mem, order[i], scratch);
    }
    free(order);
}

/* Emits and runs; results go to b->outputs. */
static inline void bench_run(const bench *b) {
    static char *scratch;
    pgd_arena arena = {0};
    pgd_emitter emitter = {.arena = &arena};
    char *in[PGD_MAX_INPUTS], *out[PGD_MAX_OUTPUTS];
    if (scratch == NULL) assert_non_null(scratch = aligned_alloc(64, PGD_SCRATCH_BYTES));
    for (int32_t i = 0; i < b->problem.input_count; i++) {
        size_t bytes = desc_bytes(&b->problem.inputs[i]);
        in[i] = operand_place(i, bytes, b->at_end);
        if (bytes > 0) memcpy(in[i], b->inputs[i], bytes);
    }
    for (int32_t k = 0; k < b->problem.output_count; k++) {
        size_t bytes = desc_bytes(&b->problem.outputs[k]);
        out[k] = b->alias_output == k ? in[b->alias_input] : operand_place(PGD_MAX_INPUTS + k, bytes, b->at_end);
        if (b->alias_output != k) memset(out[k], 0xee, bytes);
    }
    ok(b->row->emit(&b->problem, &emitter));
    char *workspace = operand_place(ROOMS - 1, (size_t)emitter.workspace_bytes, false);
    memset(workspace, 0xff, (size_t)emitter.workspace_bytes);
    for (int32_t j = 0; j < emitter.job_count; j++) run_job(b, &emitter.jobs[j], in, out, workspace, scratch);
    check(guards_whole(workspace, (size_t)emitter.workspace_bytes, false), "%s wrote outside its workspace", b->what);
    for (int32_t i = 0; i < b->problem.input_count; i++) {
        size_t bytes = desc_bytes(&b->problem.inputs[i]);
        check(guards_whole(in[i], bytes, b->at_end), "%s wrote around input %d", b->what, i);
        check(b->alias_input == i || bytes == 0 || memcmp(in[i], b->inputs[i], bytes) == 0, "%s changed input %d", b->what, i);
    }
    for (int32_t k = 0; k < b->problem.output_count; k++) {
        size_t bytes = desc_bytes(&b->problem.outputs[k]);
        check(guards_whole(out[k], bytes, b->at_end), "%s wrote around output %d", b->what, k);
        if (bytes > 0) memcpy(b->outputs[k], out[k], bytes);
    }
    pgd_arena_deinit(&arena);
}

/* Runs in both placements and two shuffles, wants equal bits, then in every permitted alias. Results stay in b->outputs. */
static inline void bench_run_all_ways(bench *b) {
    void *again[PGD_MAX_OUTPUTS], *first[PGD_MAX_OUTPUTS];
    for (int32_t k = 0; k < b->problem.output_count; k++) {
        first[k] = b->outputs[k];
        assert_non_null(again[k] = malloc(desc_bytes(&b->problem.outputs[k]) + 1));
    }
    b->alias_output = b->alias_input = -1;
    b->at_end = false;
    b->shuffle = 1;
    bench_run(b);
    memcpy(b->outputs, again, sizeof again[0] * (size_t)b->problem.output_count);
    b->at_end = true;
    b->shuffle = 2;
    bench_run(b);
    for (int32_t k = 0; k < b->problem.output_count; k++)
        check(memcmp(first[k], again[k], desc_bytes(&b->problem.outputs[k])) == 0, "%s: output %d depends on the order of chunks or on alignment", b->what, k);
    for (int32_t k = 0; k < b->problem.output_count; k++) {
        uint32_t allowed = b->row->aliases == NULL ? 0 : b->row->aliases(&b->problem, k);
        for (int32_t i = 0; i < b->problem.input_count; i++) {
            if ((allowed >> i & 1) == 0) continue;
            b->alias_output = k;
            b->alias_input = i;
            b->at_end = false;
            bench_run(b);
            for (int32_t o = 0; o < b->problem.output_count; o++)
                check(memcmp(first[o], again[o], desc_bytes(&b->problem.outputs[o])) == 0, "%s: output %d differs when output %d lies in input %d", b->what, o, k, i);
        }
    }
    for (int32_t k = 0; k < b->problem.output_count; k++) {
        b->outputs[k] = first[k];
        free(again[k]);
    }
}

/* Distance in units of the last place of f32; 0 for equal numbers and for two NaN. */
static inline double ulps(float got, double want) {
    if ((got != got && want != want) || (double)got == want) return 0;
    if (got != got || want != want) return INFINITY;
    float rounded = (float)want;
    if (got == rounded) return 0;
    if (isinf(got) || isinf(rounded)) { /* one step beyond the greatest number is one ulp */
        double g = isinf(got) ? copysign(0x1p128, (double)got) : (double)got, w = isinf(rounded) ? copysign(0x1p128, want) : want;
        return fabs(g - w) / 0x1p104;
    }
    int exponent;
    frexp(want, &exponent);
    double unit = ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
    return fabs((double)got - want) / unit;
}

#endif
