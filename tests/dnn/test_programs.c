/* SPDX-License-Identifier: Apache-2.0
 * Fused programs made at random - chains, broadcasts of every pattern, reductions over any axes, several outputs, bytes and booleans in and
 * out, epilogues - against the same instructions one by one through pgd_scalar_float, each result rounded to f32. Additions, products,
 * quotients and roots must then agree to the bit; functions that round more than once come last and have a few units in the last place. */
#include "conformance_tolerance.h"
#include "kernel_bench.h"

enum { MAX_ELEMS = 40000 };

typedef struct random_program {
    pgd_program *program;
    pgd_desc inputs[PGD_MAX_INPUTS], outputs[PGD_MAX_OUTPUTS];
    int32_t input_count;
    void *contents[PGD_MAX_INPUTS];
    int32_t ulps_allowed[PGD_PROGRAM_INSTRS]; /* per register */
    bool special;
} random_program;

static const pgd_op exact_ops[] = {PGD_OP_NEG, PGD_OP_ABS, PGD_OP_SIGN, PGD_OP_FLOOR, PGD_OP_CEIL, PGD_OP_SQRT, PGD_OP_RECIP, PGD_OP_RELU, PGD_OP_NOT, PGD_OP_ADD, PGD_OP_SUB, PGD_OP_MUL, PGD_OP_DIV,
                                   PGD_OP_MIN, PGD_OP_MAX, PGD_OP_EQ, PGD_OP_LT, PGD_OP_LE, PGD_OP_AND, PGD_OP_OR, PGD_OP_WHERE, PGD_OP_CAST,
                                   PGD_OP_ROUND, PGD_OP_TRUNC, PGD_OP_ISNAN, PGD_OP_ISINF, PGD_OP_MOD, PGD_OP_XOR};
static const pgd_op inexact_ops[] = {PGD_OP_RSQRT, PGD_OP_EXP, PGD_OP_LOG, PGD_OP_SIN, PGD_OP_COS, PGD_OP_TANH, PGD_OP_SIGMOID, PGD_OP_ERF, PGD_OP_POW,
                                     PGD_OP_EXPM1, PGD_OP_LOG1P, PGD_OP_TAN, PGD_OP_ASIN, PGD_OP_ACOS, PGD_OP_ATAN, PGD_OP_GELU, PGD_OP_GELU_SLOPE};
static int64_t used_ops[PGD_OP_COUNT];

#define COUNT(list) (int64_t)(sizeof list / sizeof list[0])

static int32_t arity(pgd_op op) {
    switch (op) {
    case PGD_OP_WHERE: return 3;
#define X(NAME, name) case PGD_OP_##NAME:
    PGD_BINARY_LIST(X)
#undef X
        return 2;
    default: return 1;
    }
}

/* ---- making ------------------------------------------------------------------------------------------------------------------------------------- */

static void random_space(dice *d, pgd_symshape *space) {
    static const int64_t extents[] = {1, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 127, 511, 512, 513, 1021};
    do {
        space->rank = (int32_t)roll_below(d, 6);
        for (int32_t i = 0; i < space->rank; i++) space->dims[i] = roll_below(d, 60) == 0 ? 0 : extents[roll_below(d, COUNT(extents))];
    } while (pgd_shape_elems((pgd_shape){space->rank, {space->dims[0], space->dims[1], space->dims[2], space->dims[3], space->dims[4]}}) > MAX_ELEMS);
}

static pgd_shape concrete(pgd_symshape s) {
    pgd_shape shape = {.rank = s.rank};
    memcpy(shape.dims, s.dims, sizeof shape.dims);
    return shape;
}

static void random_contents(dice *d, random_program *r, int32_t input) {
    static const float specials[] = {NAN, INFINITY, -INFINITY, -0.0f, 0.0f, 1e-42f, 3e38f, 0.5f};
    const pgd_desc *desc = &r->inputs[input];
    pgd_tensor t = {desc->dtype, desc->shape, malloc(desc_bytes(desc) + 1)};
    assert_non_null(t.data);
    for (int64_t i = 0; i < pgd_shape_elems(desc->shape); i++) {
        double value = roll_between(d, -3, 3);
        if (desc->dtype == PGD_U8 || desc->dtype == PGD_BOOL) value = (double)roll_below(d, desc->dtype == PGD_U8 ? 256 : 2);
        if (desc->dtype == PGD_I32) value = (double)(int32_t)roll(d) * (roll_below(d, 2) == 0 ? 1 : 1e-7);
        if (desc->dtype == PGD_F32 && roll_below(d, 4) == 0) value = roll_between(d, -400, 400);
        if (desc->dtype == PGD_F32 && r->special && roll_below(d, 8) == 0) value = (double)specials[roll_below(d, COUNT(specials))];
        pgd_tensor_set(&t, i, value);
    }
    r->contents[input] = t.data;
}

/* An input of the space's rank with some extents 1. */
static pgd_desc random_input(dice *d, pgd_symshape space) {
    static const pgd_dtype dtypes[] = {PGD_F32, PGD_F32, PGD_F32, PGD_F32, PGD_BOOL, PGD_U8, PGD_I32, PGD_F16, PGD_BF16};
    pgd_desc desc = {dtypes[roll_below(d, COUNT(dtypes))], concrete(space)};
    int64_t pattern = roll_below(d, 3); /* all, none, any */
    for (int32_t i = 0; i < space.rank; i++)
        if (pattern == 1 || (pattern == 2 && (roll(d) & 1) != 0)) desc.shape.dims[i] = 1;
    return desc;
}

static int16_t add_instr(random_program *r, pgd_instr instr, int32_t ulps) {
    r->ulps_allowed[r->program->instr_count] = ulps;
    r->program->instrs[r->program->instr_count] = instr;
    return (int16_t)r->program->instr_count++;
}

static pgd_instr blank_instr(pgd_op op) { return (pgd_instr){.op = op, .args = {-1, -1, -1}, .input = -1}; }

static void add_leaves(dice *d, random_program *r, int32_t first_input) {
    for (int32_t i = first_input; i < r->input_count; i++) {
        pgd_instr instr = blank_instr(PGD_OP_INPUT);
        instr.input = (int16_t)i;
        add_instr(r, instr, 0);
    }
    if (roll_below(d, 2) == 0) {
        pgd_instr instr = blank_instr(PGD_OP_FILL);
        instr.imm = (double)(float)roll_between(d, -2, 2);
        add_instr(r, instr, 0);
    }
    if (roll_below(d, 4) == 0 && r->input_count < 8) { /* random numbers, with a key of their own */
        pgd_instr instr = blank_instr(roll_below(d, 2) == 0 ? PGD_OP_UNIFORM : PGD_OP_NORMAL);
        instr.input = (int16_t)r->input_count;
        instr.stream = (int32_t)roll_below(d, 5);
        r->inputs[r->input_count] = (pgd_desc){PGD_I64, {1, {2}}};
        int64_t *key = r->contents[r->input_count++] = malloc(16);
        key[0] = (int64_t)roll(d);
        key[1] = (int64_t)roll(d);
        add_instr(r, instr, 0);
    }
}

static void add_work(dice *d, random_program *r, int64_t limit) {
    static const pgd_dtype cast_to[] = {PGD_F32, PGD_BOOL, PGD_U8, PGD_F16, PGD_BF16};
    int64_t exact = r->program->instr_count == 0 ? 0 : 1 + roll_below(d, limit);
    for (int64_t i = 0; i < exact && r->program->instr_count < PGD_PROGRAM_INSTRS; i++) {
        pgd_instr instr = blank_instr(exact_ops[roll_below(d, COUNT(exact_ops))]);
        for (int32_t k = 0; k < arity(instr.op); k++) instr.args[k] = (int16_t)roll_below(d, r->program->instr_count);
        if (instr.op == PGD_OP_CAST) instr.imm = cast_to[roll_below(d, COUNT(cast_to))];
        add_instr(r, instr, 0);
    }
    int32_t exact_count = r->program->instr_count;
    for (int64_t i = roll_below(d, 4); i > 0 && r->program->instr_count < PGD_PROGRAM_INSTRS; i--) {
        pgd_instr instr = blank_instr(inexact_ops[roll_below(d, COUNT(inexact_ops))]);
        for (int32_t k = 0; k < arity(instr.op); k++) instr.args[k] = (int16_t)roll_below(d, exact_count);
        add_instr(r, instr, instr.op == PGD_OP_POW ? ULP_POWER : ULP_TRANSCENDENTAL);
    }
    for (int32_t i = 0; i < r->program->instr_count; i++) {
        used_ops[r->program->instrs[i].op]++;
        if (r->program->instrs[i].op == PGD_OP_NORMAL) r->ulps_allowed[i] = 1; /* cos and log of libm, then one rounding: passed on, see step() */
    }
}

static void random_outputs(dice *d, random_program *r) {
    static const pgd_dtype dtypes[] = {PGD_F32, PGD_F32, PGD_F32, PGD_BOOL, PGD_U8, PGD_I32, PGD_F16, PGD_BF16};
    pgd_program *p = r->program;
    p->output_count = 1 + (int32_t)roll_below(d, PGD_MAX_OUTPUTS);
    for (int32_t k = 0; k < p->output_count; k++) {
        p->outputs[k] = (int16_t)(k == 0 ? p->instr_count - 1 : roll_below(d, p->instr_count));
        r->outputs[k] = (pgd_desc){dtypes[roll_below(d, COUNT(dtypes))], concrete(p->space)};
        if (r->ulps_allowed[p->outputs[k]] > 0) r->outputs[k].dtype = PGD_F32; /* rounding to a whole number could jump */
    }
}

static void program_init(random_program *r, dice *d) {
    *r = (random_program){.program = calloc(1, sizeof *r->program + PGD_PROGRAM_INSTRS * sizeof(pgd_instr)), .special = roll_below(d, 3) == 0};
    assert_non_null(r->program);
    r->program->reduce = -1;
}

static void program_free(random_program *r) {
    for (int32_t i = 0; i < r->input_count; i++) free(r->contents[i]);
    free(r->program);
}

/* ---- one by one ---------------------------------------------------------------------------------------------------------------------------------- */

static double read_input(const random_program *r, const pgd_instr *instr, const pgd_shape *space, int64_t element) {
    const pgd_desc *desc = &r->inputs[instr->input];
    int64_t flat = 0, stride = 1, rest = element;
    for (int32_t i = space->rank - 1; i >= 0; i--) {
        if (desc->shape.dims[i] != 1) flat += rest % space->dims[i] * stride;
        stride *= desc->shape.dims[i];
        rest /= space->dims[i];
    }
    return pgd_tensor_get(&(pgd_tensor){desc->dtype, desc->shape, r->contents[instr->input]}, flat);
}

/* All registers of one element. `wanted` keeps the unrounded last result of registers that may be off by ulps. */
static void step(const random_program *r, const pgd_shape *space, int64_t element, double finished, double *registers) {
    for (int32_t i = 0; i < r->program->instr_count; i++) {
        const pgd_instr *instr = &r->program->instrs[i];
        uint32_t words[4];
        double a[3] = {0}, value;
        for (int32_t k = 0; k < 3; k++)
            if (instr->args[k] >= 0) a[k] = registers[instr->args[k]];
        if (instr->op == PGD_OP_INPUT)
            value = instr->input < 0 ? finished : read_input(r, instr, space, element);
        else if (instr->op == PGD_OP_FILL)
            value = instr->imm;
        else if (instr->op == PGD_OP_UNIFORM || instr->op == PGD_OP_NORMAL) {
            const int64_t *key = r->contents[instr->input];
            pgd_philox((uint64_t)key[0], (uint64_t)key[1], (uint32_t)instr->stream, (uint64_t)element, words);
            value = instr->op == PGD_OP_UNIFORM ? (double)pgd_uniform_from(words[0]) : pgd_normal_from(words[0], words[1]);
        } else if (instr->op == PGD_OP_CAST) {
            char storage[8];
            pgd_tensor t = {(pgd_dtype)instr->imm, {0}, storage};
            pgd_tensor_set(&t, 0, a[0]);
            value = pgd_tensor_get(&t, 0);
        } else
            value = pgd_scalar_float(instr->op, a[0], a[1], a[2]);
        registers[i] = r->ulps_allowed[i] > 0 && instr->op != PGD_OP_NORMAL ? value : (double)(float)value;
    }
}

static void describe(const random_program *r, uint64_t seed, pgd_isa isa, char *out, size_t bytes) {
    const pgd_program *p = r->program;
    size_t at = (size_t)snprintf(out, bytes, "program %llu at %s [", (unsigned long long)seed, pgd_isa_name(isa));
    for (int32_t i = 0; i < p->space.rank && at < bytes; i++) at += (size_t)snprintf(out + at, bytes - at, "%lld ", (long long)p->space.dims[i]);
    if (at < bytes) at += (size_t)snprintf(out + at, bytes - at, "]");
    for (int32_t i = 0; i < p->instr_count && at < bytes; i++) {
        const pgd_instr *instr = &p->instrs[i];
        at += (size_t)snprintf(out + at, bytes - at, " r%d=%s", i, pgd_op_name(instr->op));
        if (instr->input >= 0 && at < bytes) at += (size_t)snprintf(out + at, bytes - at, ".%s%d", pgd_dtype_name(r->inputs[instr->input].dtype), instr->input);
        for (int32_t k = 0; k < 3 && instr->args[k] >= 0 && at < bytes; k++) at += (size_t)snprintf(out + at, bytes - at, " %d", instr->args[k]);
    }
}

static pgd_problem problem_of(const random_program *r, pgd_op op, const pgd_attrs *attrs, pgd_isa isa) {
    return (pgd_problem){.op = op, .attrs = attrs, .program = r->program, .inputs = r->inputs, .outputs = r->outputs, .input_count = r->input_count, .output_count = r->program->output_count, .device_kind = "host", .isa = isa};
}

static void bench_outputs(bench *b) {
    for (int32_t k = 0; k < b->problem.output_count; k++) assert_non_null(b->outputs[k] = malloc(desc_bytes(&b->problem.outputs[k]) + 1));
}
static void bench_free(bench *b) {
    for (int32_t k = 0; k < b->problem.output_count; k++) free(b->outputs[k]);
}

static const pgd_attrs no_attrs;

static bench program_bench(const random_program *r, pgd_isa isa, const char *what) {
    bench b = {.problem = problem_of(r, PGD_OP_PROGRAM, &no_attrs, isa), .row = pgd_kernel_row_at(PGD_OP_PROGRAM, 0), .what = what};
    for (int32_t i = 0; i < r->input_count; i++) b.inputs[i] = r->contents[i];
    const char *reason = b.row->reject(&b.problem);
    check(reason == NULL, "%s was rejected: %s", what, reason);
    bench_outputs(&b);
    return b;
}

static void compare_outputs(const random_program *r, const bench *b, const pgd_shape *space) {
    double registers[PGD_PROGRAM_INSTRS];
    for (int64_t e = 0; e < pgd_shape_elems(*space); e++) {
        step(r, space, e, 0, registers);
        for (int32_t k = 0; k < r->program->output_count; k++) {
            int32_t reg = r->program->outputs[k];
            char storage[8];
            pgd_tensor want = {r->outputs[k].dtype, {0}, storage};
            double got = pgd_tensor_get(&(pgd_tensor){r->outputs[k].dtype, *space, b->outputs[k]}, e);
            pgd_tensor_set(&want, 0, registers[reg]);
            double expected = r->ulps_allowed[reg] > 0 ? registers[reg] : pgd_tensor_get(&want, 0);
            bool fine = got == expected || (got != got && expected != expected) || (r->ulps_allowed[reg] > 0 && ulps((float)got, expected) <= r->ulps_allowed[reg]);
            check(fine, "%s: output %d (r%d, %s) element %lld is %.9g, not %.9g", b->what, k, reg, pgd_dtype_name(want.dtype), (long long)e, got, expected);
        }
    }
}

static void elementwise_programs_equal_their_instructions(void **unused) {
    char what[2048];
    for (uint64_t seed = 0; seed < 600; seed++) {
        dice d = {seed * 1000003};
        random_program r;
        program_init(&r, &d);
        random_space(&d, &r.program->space);
        for (int64_t i = roll_below(&d, 6); i >= 0; i--, r.input_count++) {
            r.inputs[r.input_count] = random_input(&d, r.program->space);
            random_contents(&d, &r, r.input_count);
        }
        add_leaves(&d, &r, 0);
        add_work(&d, &r, seed % 10 == 0 ? 60 : 10);
        random_outputs(&d, &r);
        pgd_shape space = concrete(r.program->space);
        for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
            if (!pgd_isa_usable((pgd_isa)isa)) continue;
            describe(&r, seed, (pgd_isa)isa, what, sizeof what);
            bench b = program_bench(&r, (pgd_isa)isa, what);
            bench_run_all_ways(&b);
            compare_outputs(&r, &b, &space);
            bench_free(&b);
        }
        program_free(&r);
    }
    for (int64_t i = 0; i < COUNT(exact_ops); i++) check(used_ops[exact_ops[i]] > 0, "no program used %s", pgd_op_name(exact_ops[i]));
    for (int64_t i = 0; i < COUNT(inexact_ops); i++) check(used_ops[inexact_ops[i]] > 0, "no program used %s", pgd_op_name(inexact_ops[i]));
}

/* ---- reductions ------------------------------------------------------------------------------------------------------------------------------------ */

typedef struct reduced {
    double *total, *magnitude;
} reduced;

static reduced reduce_one_by_one(const random_program *r, const pgd_shape *space, const pgd_shape *kept) {
    int64_t n = pgd_shape_elems(*kept);
    reduced out = {malloc(sizeof(double) * (size_t)(n + 1)), calloc((size_t)n + 1, sizeof(double))};
    double registers[PGD_PROGRAM_INSTRS], start = r->program->reduce == PGD_OP_SUM ? 0 : r->program->reduce == PGD_OP_PROD ? 1 : r->program->reduce == PGD_OP_REDUCE_MAX ? -INFINITY : INFINITY;
    for (int64_t i = 0; i < n; i++) out.total[i] = start;
    for (int64_t e = 0; e < pgd_shape_elems(*space); e++) {
        int64_t flat = 0, stride = 1, rest = e;
        for (int32_t i = space->rank - 1; i >= 0; i--) {
            if (kept->dims[i] != 1) flat += rest % space->dims[i] * stride;
            stride *= kept->dims[i];
            rest /= space->dims[i];
        }
        step(r, space, e, 0, registers);
        double value = registers[r->program->outputs[0]];
        out.magnitude[flat] += r->program->reduce != PGD_OP_PROD ? fabs(value) : value == 0 || isinf(value) ? 0 : fabs(log(fabs(value)));
        out.total[flat] = r->program->reduce == PGD_OP_SUM ? out.total[flat] + value : r->program->reduce == PGD_OP_PROD ? out.total[flat] * value : pgd_scalar_float(r->program->reduce == PGD_OP_REDUCE_MAX ? PGD_OP_MAX : PGD_OP_MIN, out.total[flat], value, 0);
    }
    return out;
}

static void compare_reduction(const random_program *r, const bench *b, const pgd_shape *space) {
    reduced want = reduce_one_by_one(r, space, &r->outputs[0].shape);
    int64_t n = pgd_shape_elems(r->outputs[0].shape);
    double width = n == 0 ? 0 : (double)(pgd_shape_elems(*space) / n), relative = 2e-6 + 1e-7 * sqrt(width);
    for (int64_t i = 0; i < n; i++) {
        double got = (double)((float *)b->outputs[0])[i], expected = want.total[i];
        bool fine = got == expected || (got != got && expected != expected);
        if (!fine && r->program->reduce == PGD_OP_SUM) fine = want.magnitude[i] > 1e38 || fabs(got - expected) <= relative * want.magnitude[i] + 1e-44;
        if (!fine && r->program->reduce == PGD_OP_PROD) fine = want.magnitude[i] > 600 || ulps((float)got, expected) <= 1; /* beyond, an order may leave f64 */
        check(fine, "%s: %s over axes %u, element %lld is %.9g, not %.9g", b->what, pgd_op_name((pgd_op)r->program->reduce), r->program->reduce_axes, (long long)i, got, expected);
    }
    free(want.total);
    free(want.magnitude);
}

static void reductions_equal_their_instructions(void **unused) {
    static const pgd_op reductions[] = {PGD_OP_SUM, PGD_OP_REDUCE_MAX, PGD_OP_REDUCE_MIN, PGD_OP_PROD};
    char what[2048];
    for (uint64_t seed = 0; seed < 900; seed++) {
        dice d = {seed * 7368787 + 5};
        random_program r;
        program_init(&r, &d);
        random_space(&d, &r.program->space);
        for (int64_t i = roll_below(&d, 3); i >= 0; i--, r.input_count++) {
            r.inputs[r.input_count] = random_input(&d, r.program->space);
            random_contents(&d, &r, r.input_count);
        }
        add_leaves(&d, &r, 0);
        int32_t loads = r.program->instr_count;
        add_work(&d, &r, 6);
        r.program->output_count = 1;
        r.program->reduce = reductions[roll_below(&d, COUNT(reductions))];
        r.program->reduce_axes = (uint32_t)roll_below(&d, 1 << r.program->space.rank);
        int32_t last = r.program->instr_count - 1;
        while (last > 0 && r.ulps_allowed[last] > 0) last--; /* what is added up is exact */
        r.program->outputs[0] = (int16_t)(seed % 4 == 0 ? roll_below(&d, loads) : last);
        if (r.ulps_allowed[r.program->outputs[0]] > 0) r.program->outputs[0] = 0;
        pgd_shape space = concrete(r.program->space), kept = space;
        for (int32_t i = 0; i < kept.rank; i++)
            if ((r.program->reduce_axes >> i & 1) != 0) kept.dims[i] = 1;
        if (pgd_shape_elems(kept) > MAX_ELEMS) { /* an axis of no elements was reduced, and the others are large */
            program_free(&r);
            continue;
        }
        r.outputs[0] = (pgd_desc){PGD_F32, kept};
        for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
            if (!pgd_isa_usable((pgd_isa)isa)) continue;
            describe(&r, seed, (pgd_isa)isa, what, sizeof what);
            bench b = program_bench(&r, (pgd_isa)isa, what);
            bench_run_all_ways(&b);
            compare_reduction(&r, &b, &space);
            bench_free(&b);
        }
        program_free(&r);
    }
}

/* ---- epilogues -------------------------------------------------------------------------------------------------------------------------------------- */

/* An input that an epilogue may have: inside each of the groups batch, row, column all axes or none. */
static pgd_desc epilogue_input(dice *d, const pgd_shape *y, int32_t col_axes) {
    pgd_desc desc = random_input(d, pgd_symshape_from(*y));
    desc.shape = *y;
    for (int32_t group = 0; group < 3; group++) {
        int32_t first = group == 0 ? 0 : group == 1 ? y->rank - col_axes - 1 : y->rank - col_axes, end = group == 0 ? y->rank - col_axes - 1 : group == 1 ? y->rank - col_axes : y->rank;
        if ((roll(d) & 1) != 0)
            for (int32_t i = first; i < end; i++) desc.shape.dims[i] = 1;
    }
    return desc;
}

static void check_epilogue_of_row(const random_program *r, const pgd_problem *problem, const pgd_kernel_row *row, const char *what) {
    bench with = {.problem = *problem, .row = row, .what = what}, plain;
    pgd_shape y = problem->outputs[0].shape;
    for (int32_t i = 0; i < r->input_count; i++) with.inputs[i] = r->contents[i];
    plain = with;
    plain.problem.program = NULL;
    plain.problem.input_count = 2;
    bench_outputs(&with);
    bench_outputs(&plain);
    bench_run_all_ways(&plain);
    bench_run_all_ways(&with);
    for (int64_t e = 0; e < pgd_shape_elems(y); e++) {
        double registers[PGD_PROGRAM_INSTRS], got = (double)((float *)with.outputs[0])[e];
        step(r, &y, e, (double)((float *)plain.outputs[0])[e], registers);
        double want = registers[r->program->outputs[0]];
        int32_t allowed = r->ulps_allowed[r->program->outputs[0]];
        check(got == want || (got != got && want != want) || ulps((float)got, want) <= allowed, "%s, %s: element %lld of the epilogue is %.9g, not %.9g", what, row->name, (long long)e, got, want);
    }
    bench_free(&with);
    bench_free(&plain);
}

static void check_epilogue(uint64_t seed, pgd_op op, const pgd_attrs *attrs, pgd_desc a, pgd_desc c, pgd_shape y) {
    char what[2048];
    dice d = {seed * 104729 + 3};
    random_program r;
    program_init(&r, &d);
    r.program->space = pgd_symshape_from(y);
    r.inputs[0] = a, r.inputs[1] = c;
    bool special = r.special;
    r.special = false;
    for (r.input_count = 0; r.input_count < 2; r.input_count++) random_contents(&d, &r, r.input_count);
    r.special = special;
    for (int64_t i = roll_below(&d, 4); i > 0; i--, r.input_count++) {
        r.inputs[r.input_count] = epilogue_input(&d, &y, op == PGD_OP_MATMUL ? 1 : 2);
        random_contents(&d, &r, r.input_count);
    }
    add_instr(&r, blank_instr(PGD_OP_INPUT), 0);
    add_leaves(&d, &r, 2);
    add_work(&d, &r, 8);
    r.program->output_count = 1;
    r.program->outputs[0] = (int16_t)(r.program->instr_count - 1);
    r.outputs[0] = (pgd_desc){PGD_F32, y};
    for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (!pgd_isa_usable((pgd_isa)isa)) continue;
        describe(&r, seed, (pgd_isa)isa, what, sizeof what);
        int32_t taken = 0;
        const pgd_kernel_row *row;
        pgd_problem problem = problem_of(&r, op, attrs, (pgd_isa)isa);
        for (int32_t index = 0; (row = pgd_kernel_row_at(op, index)) != NULL; index++) {
            if ((row->flags & PGD_ROW_REFERENCE) != 0 || row->reject(&problem) != NULL) continue;
            check_epilogue_of_row(&r, &problem, row, what);
            taken++;
        }
        check(taken > 0, "%s: no kernel takes it", what);
    }
    program_free(&r);
}

static void epilogues_of_matrix_products_equal_their_instructions(void **unused) {
    static const int64_t extents[] = {1, 3, 8, 15, 16, 17, 48, 63, 130};
    for (uint64_t seed = 0; seed < 150; seed++) {
        dice d = {seed + 4};
        int64_t m = extents[roll_below(&d, COUNT(extents))], n = extents[roll_below(&d, COUNT(extents))], k = extents[roll_below(&d, COUNT(extents))], batch = 1 + roll_below(&d, 3);
        pgd_shape a = {2, {m, k}}, b = {2, {k, n}}, y = {2, {m, n}};
        if (seed % 3 == 0) a = (pgd_shape){3, {batch, m, k}}, b = (pgd_shape){3, {batch, k, n}}, y = (pgd_shape){3, {batch, m, n}};
        check_epilogue(seed, PGD_OP_MATMUL, &no_attrs, (pgd_desc){PGD_F32, a}, (pgd_desc){PGD_F32, b}, y);
    }
    check_epilogue(1000, PGD_OP_MATMUL, &no_attrs, (pgd_desc){PGD_F32, {2, {5, 7}}}, (pgd_desc){PGD_F32, {2, {7, 1100}}}, (pgd_shape){2, {5, 1100}});
    check_epilogue(1001, PGD_OP_MATMUL, &no_attrs, (pgd_desc){PGD_F32, {2, {5, 0}}}, (pgd_desc){PGD_F32, {2, {0, 20}}}, (pgd_shape){2, {5, 20}}); /* of zeros */
    check_epilogue(1002, PGD_OP_MATMUL, &no_attrs, (pgd_desc){PGD_F32, {2, {40, 600}}}, (pgd_desc){PGD_F32, {2, {600, 50}}}, (pgd_shape){2, {40, 50}}); /* applied once, after the last block of K */
}

static void epilogues_of_convolutions_equal_their_instructions(void **unused) {
    for (uint64_t seed = 0; seed < 150; seed++) {
        dice d = {seed + 9};
        bool wide = seed >= 100; /* 3x3 and many channels: kernels of other ideas take part */
        int64_t n = 1 + roll_below(&d, 3), c = 1 + roll_below(&d, 6), k = 1 + roll_below(&d, 20), side = 3 + roll_below(&d, 12), r = 1 + 2 * roll_below(&d, 2), pad = roll_below(&d, r), stride = 1 + roll_below(&d, 2);
        if (wide) c += 15, k += 15, side += 3, r = 3, stride = 1;
        int64_t out = (side + 2 * pad - r) / stride + 1;
        pgd_attrs attrs = {.ints = {stride, stride, pad, pad, pad, pad, 1, 1, 1}};
        pgd_shape x = {4, {n, c, side, side}}, y = {4, {n, k, out, out}};
        pgd_desc w = {PGD_F32, {4, {k, c, r, r}}};
        check_epilogue(seed + 5000, PGD_OP_CONV, &attrs, (pgd_desc){PGD_F32, x}, w, y);
        if (stride > 1) continue;
        attrs.dims = pgd_symshape_from(x);
        check_epilogue(seed + 6000, PGD_OP_CONV_DINPUT, &attrs, (pgd_desc){PGD_F32, y}, w, x);
    }
}

static void epilogues_of_pool_derivatives_equal_their_instructions(void **unused) {
    for (uint64_t seed = 0; seed < 60; seed++) {
        dice d = {seed + 14};
        int64_t n = 1 + roll_below(&d, 3), c = 1 + roll_below(&d, 6), kernel = 2 + roll_below(&d, 2), h = 3 + roll_below(&d, 12), w = 3 + roll_below(&d, 40);
        pgd_attrs attrs = {.ints = {kernel, kernel, kernel, kernel}};
        check_epilogue(seed + 7000, PGD_OP_MAX_POOL_D, &attrs, (pgd_desc){PGD_F32, {4, {n, c, h / kernel, w / kernel}}}, (pgd_desc){PGD_F32, {4, {n, c, h, w}}}, (pgd_shape){4, {n, c, h, w}});
    }
}

/* ---- accuracy -------------------------------------------------------------------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Every 1013th float of either sign, and the neighbours of zero, of the smallest normal number and of infinity. */
static int64_t sweep_values(float *to) {
    int64_t n = 0;
    for (uint64_t bits = 0; bits < 0x7f800000u; bits += 4001) to[n++] = from_bits((uint32_t)bits), to[n++] = from_bits((uint32_t)bits | 0x80000000u);
    for (uint32_t i = 0; i < 300; i++) {
        const uint32_t around[] = {0, 0x00800000u - 150, 0x7f800000u - 299, 0x3f800000u - 150, 0x42b17218u - 150, 0x42cff1b5u - 150};
        for (int k = 0; k < 6; k++) to[n++] = from_bits(around[k] + i), to[n++] = from_bits((around[k] + i) | 0x80000000u);
    }
    to[n++] = INFINITY, to[n++] = -INFINITY, to[n++] = NAN;
    for (int64_t i = 0; i < 60000; i++) to[n++] = (float)(-110 + 220 * ((double)i / 60000)); /* where exp and tanh live */
    for (int64_t i = 0; i < 150000; i++) to[n++] = (float)(-15 * ((double)i / 150000)); /* gelu's tail */
    for (float x = -0.75179f; x > -0.751793f; x = nextafterf(x, -1)) to[n++] = x;       /* the root of its slope */
    return n;
}

enum { SWEEP = 1300000 };

/* results = op(a, b) for all n, in pieces, at that level; b NULL for functions of one number. */
static void run_sweep(pgd_op op, pgd_isa isa, const float *a, const float *b, int64_t n, float *results) {
    for (int64_t first = 0; first < n; first += 500000) {
        int64_t count = n - first < 500000 ? n - first : 500000;
        random_program r = {.program = calloc(1, sizeof *r.program + 3 * sizeof(pgd_instr)), .input_count = b == NULL ? 1 : 2};
        r.program->reduce = -1;
        r.program->space = (pgd_symshape){1, {count}};
        r.inputs[0] = r.inputs[1] = r.outputs[0] = (pgd_desc){PGD_F32, {1, {count}}};
        r.contents[0] = (void *)(uintptr_t)(a + first);
        if (b != NULL) r.contents[1] = (void *)(uintptr_t)(b + first);
        r.program->output_count = 1;
        r.program->outputs[0] = (int16_t)r.input_count;
        pgd_instr work = blank_instr(op);
        for (int16_t i = 0; i < r.input_count; i++) {
            pgd_instr load = blank_instr(PGD_OP_INPUT);
            load.input = work.args[i] = i;
            add_instr(&r, load, 0);
        }
        add_instr(&r, work, 0);
        bench run = program_bench(&r, isa, pgd_op_name(op));
        run.alias_output = run.alias_input = -1;
        bench_run(&run);
        memcpy(results + first, run.outputs[0], sizeof(float) * (size_t)count);
        bench_free(&run);
        free(r.program);
    }
}

static void sweep(pgd_op op) {
    static float values[SWEEP], results[SWEEP];
    int64_t n = sweep_values(values);
    double worst = 0;
    assert_true(n <= SWEEP);
    for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (!pgd_isa_usable((pgd_isa)isa)) continue;
        run_sweep(op, (pgd_isa)isa, values, NULL, n, results);
        for (int64_t i = 0; i < n; i++) {
            double want = pgd_scalar_float(op, (double)values[i], 0, 0), off = ulps(results[i], want);
            if (off > worst) worst = off;
            check(off <= ULP_TRANSCENDENTAL, "%s(%a) at %s is %a, %.1f units in the last place from %a", pgd_op_name(op), (double)values[i], pgd_isa_name((pgd_isa)isa), (double)results[i], off, want);
        }
    }
    print_message("  %s: at most %.2f units in the last place\n", pgd_op_name(op), worst);
}

/* Bases of every size and sign with exponents that keep the result a number, whole ones, and all pairs of special numbers. */
static int64_t power_pairs(float *a, float *b) {
    static const float specials[] = {0.0f, -0.0f, 1.0f, -1.0f, 2.0f, -2.0f, 3.0f, -3.0f, 0.5f, -0.5f, 1e-42f, -1e-42f, 3e38f, -3e38f, 16777215.0f, 16777216.0f, 16777217.0f, 1e-8f, INFINITY, -INFINITY, NAN};
    int64_t n = 0;
    dice d = {77};
    for (int64_t i = 0; i < COUNT(specials); i++)
        for (int64_t j = 0; j < COUNT(specials); j++) a[n] = specials[i], b[n++] = specials[j];
    for (; n < SWEEP / 2; n++) {
        double size = roll_between(&d, -100, 88), base = roll_below(&d, 3) == 0 ? roll_between(&d, 0.7, 1.5) : (double)from_bits((uint32_t)roll_below(&d, 0x7f800000));
        a[n] = (float)base, b[n] = (float)(size / (log((double)a[n]) == 0 ? 1 : log((double)a[n])));
        if (roll_below(&d, 4) == 0) a[n] = -a[n], b[n] = roundf(b[n]);
        if (roll_below(&d, 8) == 0) b[n] = (float)roll_between(&d, -4, 4);
    }
    return n;
}

static void pow_is_accurate(void **unused) {
    static float a[SWEEP], b[SWEEP], results[SWEEP];
    int64_t n = power_pairs(a, b);
    double worst = 0;
    for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (!pgd_isa_usable((pgd_isa)isa)) continue;
        run_sweep(PGD_OP_POW, (pgd_isa)isa, a, b, n, results);
        for (int64_t i = 0; i < n; i++) {
            double want = pow((double)a[i], (double)b[i]), off = ulps(results[i], want);
            if (off > worst) worst = off;
            check(off <= ULP_POWER && (want != 0 || (signbit(results[i]) != 0) == (signbit(want) != 0)), "pow(%a, %a) at %s is %a, %.1f units in the last place from %a", (double)a[i], (double)b[i], pgd_isa_name((pgd_isa)isa),
                  (double)results[i], off, want);
        }
    }
    print_message("  pow: at most %.2f units in the last place\n", worst);
}

/* Around whole multiples of a quarter turn, where the most digits go away, up to the limit of the fast way and beyond. */
static void angles_are_accurate_near_quarter_turns(void **unused) {
    static float values[SWEEP], results[SWEEP];
    static const pgd_op ops[] = {PGD_OP_SIN, PGD_OP_COS, PGD_OP_TAN};
    int64_t n = 0;
    for (int64_t k = 0; k < 64200; k++)
        for (int step = -2; step <= 2; step++) {
            float x = (float)((double)k * 1.57079632679489662);
            for (int s = 0; s < (step < 0 ? -step : step); s++) x = nextafterf(x, step < 0 ? -INFINITY : INFINITY);
            values[n++] = (k & 1) != 0 ? x : -x;
        }
    for (int64_t o = 0; o < COUNT(ops); o++)
        for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
            if (!pgd_isa_usable((pgd_isa)isa)) continue;
            run_sweep(ops[o], (pgd_isa)isa, values, NULL, n, results);
            for (int64_t i = 0; i < n; i++) {
                double want = pgd_scalar_float(ops[o], (double)values[i], 0, 0), off = ulps(results[i], want);
                check(off <= ULP_TRANSCENDENTAL, "%s(%a) at %s is %a, %.1f units in the last place from %a", pgd_op_name(ops[o]), (double)values[i], pgd_isa_name((pgd_isa)isa), (double)results[i], off, want);
            }
        }
}

static void exp_is_accurate(void **unused) { sweep(PGD_OP_EXP); }
static void log_is_accurate(void **unused) { sweep(PGD_OP_LOG); }
static void tanh_is_accurate(void **unused) { sweep(PGD_OP_TANH); }
static void sigmoid_is_accurate(void **unused) { sweep(PGD_OP_SIGMOID); }
static void rsqrt_is_accurate(void **unused) { sweep(PGD_OP_RSQRT); }
static void erf_is_accurate(void **unused) { sweep(PGD_OP_ERF); }
static void sin_is_accurate(void **unused) { sweep(PGD_OP_SIN); }
static void cos_is_accurate(void **unused) { sweep(PGD_OP_COS); }
static void tan_is_accurate(void **unused) { sweep(PGD_OP_TAN); }
static void asin_is_accurate(void **unused) { sweep(PGD_OP_ASIN); }
static void acos_is_accurate(void **unused) { sweep(PGD_OP_ACOS); }
static void atan_is_accurate(void **unused) { sweep(PGD_OP_ATAN); }
static void expm1_is_accurate(void **unused) { sweep(PGD_OP_EXPM1); }
static void log1p_is_accurate(void **unused) { sweep(PGD_OP_LOG1P); }
static void gelu_is_accurate(void **unused) { sweep(PGD_OP_GELU); }
static void gelu_slope_is_accurate(void **unused) { sweep(PGD_OP_GELU_SLOPE); }

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elementwise_programs_equal_their_instructions), cmocka_unit_test(reductions_equal_their_instructions),
        cmocka_unit_test(epilogues_of_matrix_products_equal_their_instructions), cmocka_unit_test(epilogues_of_convolutions_equal_their_instructions), cmocka_unit_test(epilogues_of_pool_derivatives_equal_their_instructions),
        cmocka_unit_test(exp_is_accurate), cmocka_unit_test(log_is_accurate), cmocka_unit_test(tanh_is_accurate), cmocka_unit_test(sigmoid_is_accurate),
        cmocka_unit_test(rsqrt_is_accurate), cmocka_unit_test(erf_is_accurate),
        cmocka_unit_test(sin_is_accurate), cmocka_unit_test(cos_is_accurate), cmocka_unit_test(tan_is_accurate), cmocka_unit_test(asin_is_accurate), cmocka_unit_test(acos_is_accurate),
        cmocka_unit_test(atan_is_accurate), cmocka_unit_test(expm1_is_accurate), cmocka_unit_test(log1p_is_accurate), cmocka_unit_test(gelu_is_accurate), cmocka_unit_test(gelu_slope_is_accurate), cmocka_unit_test(pow_is_accurate),
        cmocka_unit_test(angles_are_accurate_near_quarter_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
