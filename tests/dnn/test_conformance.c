/* SPDX-License-Identifier: Apache-2.0
 * Every row of kernels.def against the reference of its operation, at every instruction set level of this machine: extents 0, 1, around tile
 * sizes and prime; NaN and infinities; memory around operands untouched; the same bits in any order of chunks and in place. */
#include "conformance_tolerance.h"
#include "kernel_bench.h"

typedef struct kernel_case {
    pgd_op op;
    pgd_attrs attrs;
    int32_t input_count;
    pgd_desc inputs[PGD_MAX_INPUTS];
} kernel_case;

static const char *const row_names[] = {
#define PGD_KERNEL(OP, row) #row,
#include "kernels.def"
#undef PGD_KERNEL
};
static const pgd_op row_ops[] = {
#define PGD_KERNEL(OP, row) PGD_OP_##OP,
#include "kernels.def"
#undef PGD_KERNEL
};
enum { ROWS = sizeof row_ops / sizeof row_ops[0] };
static int64_t runs[ROWS][PGD_ISA_COUNT];

/* ---- data ------------------------------------------------------------------------------------------------------------------------------------ */

/* Infinity times a padding zero, or times the weight 0 of a key not seen, is NaN or nothing, as the kernel likes; so specials go where they meet none. */
static int32_t special_operand(pgd_op op) { return op == PGD_OP_CONV_DWEIGHT ? 1 : op == PGD_OP_ATTENTION_D ? -1 : 0; }

static void *contents(const pgd_desc *desc, dice *d, bool special, int64_t labels) {
    static const float specials[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-42f, -1e-42f};
    int64_t n = pgd_shape_elems(desc->shape);
    pgd_tensor t = {desc->dtype, desc->shape, malloc(desc_bytes(desc) + 1)};
    assert_non_null(t.data);
    for (int64_t i = 0; i < n; i++) {
        double value = desc->dtype == PGD_U8 ? (double)roll_below(d, 256) : desc->dtype == PGD_BOOL ? (double)(roll(d) & 1) : desc->dtype == PGD_I32 ? (double)(roll_below(d, labels + 2) - 1)
                       : desc->dtype == PGD_I64 ? (double)roll_below(d, 1000) : roll_between(d, -2, 2);
        if (special && (desc->dtype == PGD_F32 || desc->dtype == PGD_F64) && roll_below(d, n < 64 ? 5 : n / 8) == 0) value = (double)specials[roll_below(d, 6)];
        pgd_tensor_set(&t, i, value);
    }
    return t.data;
}

/* ---- comparing ---------------------------------------------------------------------------------------------------------------------------------- */

static const tolerance *tolerance_of(pgd_op op) {
    for (size_t i = 0; i < sizeof tolerances / sizeof tolerances[0]; i++)
        if (tolerances[i].op == op) return &tolerances[i];
    fail_msg("%s has no line in conformance_tolerance.h", pgd_op_name(op));
    return NULL;
}

static void evaluate(const kernel_case *c, const pgd_desc *outputs, int32_t output_count, void *const *in, void **out, bool absolute) {
    pgd_tensor inputs[PGD_MAX_INPUTS], results[PGD_MAX_OUTPUTS];
    for (int32_t i = 0; i < c->input_count; i++) {
        inputs[i] = (pgd_tensor){c->inputs[i].dtype, c->inputs[i].shape, malloc(desc_bytes(&c->inputs[i]) + 1)};
        memcpy(inputs[i].data, in[i], desc_bytes(&c->inputs[i]));
        for (int64_t e = 0; absolute && inputs[i].dtype == PGD_F32 && e < pgd_shape_elems(inputs[i].shape); e++) ((float *)inputs[i].data)[e] = fabsf(((float *)inputs[i].data)[e]);
    }
    for (int32_t k = 0; k < output_count; k++) results[k] = (pgd_tensor){outputs[k].dtype, outputs[k].shape, out[k] = malloc(desc_bytes(&outputs[k]) + 1)};
    pgd_op_defs[c->op]->eval(&(pgd_eval_args){c->op, &c->attrs, inputs, c->input_count, results});
    for (int32_t i = 0; i < c->input_count; i++) free(inputs[i].data);
}

/* Is a result of the tile that element i belongs to not finite? */
static bool tile_is_struck(const pgd_tensor *w, int64_t i, int64_t extent) {
    int64_t rows = w->shape.dims[2], cols = w->shape.dims[3], plane = i / (rows * cols) * rows * cols, row = i / cols % rows / extent * extent, col = i % cols / extent * extent;
    for (int64_t k = 0; k < extent * extent; k++)
        if (row + k / extent < rows && col + k % extent < cols && !isfinite(pgd_tensor_get(w, plane + (row + k / extent) * cols + col + k % extent))) return true;
    return false;
}

/* tile: extent of what a row computes together, so that a NaN or infinity reaches all of it; 0: every result is by itself. */
static void compare(const char *what, const tolerance *t, const pgd_desc *desc, const void *got, const void *want, const void *magnitude, int64_t tile) {
    pgd_tensor g = {desc->dtype, desc->shape, (void *)(uintptr_t)got}, w = {desc->dtype, desc->shape, (void *)(uintptr_t)want}, m = {desc->dtype, desc->shape, (void *)(uintptr_t)magnitude};
    for (int64_t i = 0; i < pgd_shape_elems(desc->shape); i++) {
        double a = pgd_tensor_get(&g, i), b = pgd_tensor_get(&w, i), scale = fabs(b) > t->floor ? fabs(b) : t->floor;
        if (t->kind == TOLERANCE_MAGNITUDE) scale = pgd_tensor_get(&m, i);
        bool fine = a == b || (a != a && b != b);
        if (!fine && t->kind != TOLERANCE_EXACT) fine = fabs(a - b) <= t->relative * scale + 1e-44;
        if (!fine && tile > 0) fine = a != a && tile_is_struck(&w, i, tile);
        check(fine, "%s: element %lld of %lld is %.9g, the reference gives %.9g", what, (long long)i, (long long)pgd_shape_elems(desc->shape), a, b);
    }
}

/* ---- one case ------------------------------------------------------------------------------------------------------------------------------------ */

/* Shapes of the results, by the operation's own inference. */
static int32_t infer(const kernel_case *c, pgd_desc *outputs) {
    pgd_graph *g;
    pgd_value *in[PGD_MAX_INPUTS];
    char name[16];
    ok(pgd_graph_create(&g));
    for (int32_t i = 0; i < c->input_count; i++) {
        snprintf(name, sizeof name, "x%d", i);
        in[i] = pgd_input(g, name, c->inputs[i].dtype, pgd_symshape_from(c->inputs[i].shape));
    }
    pgd_node *node = pgd_graph_add(g, c->op, &c->attrs, in, c->input_count);
    ok(pgd_graph_status(g));
    int32_t count = node->output_count;
    for (int32_t k = 0; k < count; k++) {
        outputs[k].dtype = node->outputs[k].dtype;
        ok(pgd_symshape_eval(g, node->outputs[k].shape, NULL, &outputs[k].shape));
    }
    pgd_graph_destroy(g);
    return count;
}

static void describe(const kernel_case *c, const char *row, const char *isa, char *out, size_t bytes) {
    size_t at = (size_t)snprintf(out, bytes, "%s (%s) at %s", pgd_op_name(c->op), row, isa);
    for (int32_t i = 0; i < c->input_count && at < bytes; i++) {
        at += (size_t)snprintf(out + at, bytes - at, " %s[", pgd_dtype_name(c->inputs[i].dtype));
        for (int32_t d = 0; d < c->inputs[i].shape.rank && at < bytes; d++) at += (size_t)snprintf(out + at, bytes - at, "%s%lld", d > 0 ? "," : "", (long long)c->inputs[i].shape.dims[d]);
        if (at < bytes) at += (size_t)snprintf(out + at, bytes - at, "]");
    }
    for (int i = 0; i < 10 && at < bytes; i++) at += (size_t)snprintf(out + at, bytes - at, "%s%lld", i == 0 ? " options " : " ", (long long)c->attrs.ints[i]);
}

static void run_rows(const kernel_case *c, const pgd_desc *outputs, int32_t output_count, void *const *in, void *const *want, void *const *magnitude) {
    char what[512];
    for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (!pgd_isa_usable((pgd_isa)isa)) continue;
        for (int32_t r = 0; r < ROWS; r++) {
            if (row_ops[r] != c->op) continue;
            int32_t position = 0;
            for (int32_t before = 0; before < r; before++) position += row_ops[before] == c->op;
            bench b = {.problem = {.op = c->op, .attrs = &c->attrs, .inputs = c->inputs, .outputs = outputs, .input_count = c->input_count, .output_count = output_count, .device_kind = "host", .isa = (pgd_isa)isa},
                       .row = pgd_kernel_row_at(c->op, position), .what = what};
            describe(c, b.row->name, pgd_isa_name((pgd_isa)isa), what, sizeof what);
            if (b.row->reject(&b.problem) != NULL) continue;
            for (int32_t i = 0; i < c->input_count; i++) b.inputs[i] = in[i];
            for (int32_t k = 0; k < output_count; k++) b.outputs[k] = malloc(desc_bytes(&outputs[k]) + 1);
            bench_run_all_ways(&b);
            for (int32_t k = 0; k < output_count; k++) {
                compare(what, tolerance_of(c->op), &outputs[k], b.outputs[k], want[k], magnitude == NULL ? NULL : magnitude[k], strcmp(b.row->name, "host_winograd") != 0 ? 0 : c->op == PGD_OP_CONV_DWEIGHT ? 3 : 2);
                free(b.outputs[k]);
            }
            runs[r][isa]++;
        }
    }
}

/* Which input is the weights of a recurrent operation; -1: it is none. */
static int64_t recurrent_weights(pgd_op op) { return op == PGD_OP_LSTM || op == PGD_OP_GRU ? 1 : op == PGD_OP_LSTM_D ? 5 : op == PGD_OP_GRU_D ? 4 : -1; }

static void run_case(const kernel_case *c) {
    pgd_desc outputs[PGD_MAX_OUTPUTS];
    int32_t output_count = infer(c, outputs);
    for (int special = 0; special < 3; special++) { /* plain numbers, NaN and infinities, many equal ones */
        dice d = {(uint64_t)c->op + 1000};
        void *in[PGD_MAX_INPUTS], *want[PGD_MAX_OUTPUTS], *magnitude[PGD_MAX_OUTPUTS] = {0};
        int64_t labels = c->op == PGD_OP_SOFTMAX_XENT || c->op == PGD_OP_SOFTMAX_XENT_D ? c->inputs[0].shape.dims[1] : 8;
        for (int32_t i = 0; i < c->input_count; i++) {
            in[i] = contents(&c->inputs[i], &d, special == 1 && i == special_operand(c->op), labels);
            for (int64_t e = 0; special == 2 && c->inputs[i].dtype == PGD_F32 && e < pgd_shape_elems(c->inputs[i].shape); e++) ((float *)in[i])[e] = roundf(((float *)in[i])[e]);
        }
        if (c->op == PGD_OP_BATCH_NORM_D) /* a variance is not negative */
            for (int64_t i = 0; i < pgd_shape_elems(c->inputs[3].shape); i++) ((float *)in[3])[i] = fabsf(((float *)in[3])[i]) + 0.1f;
        if (recurrent_weights(c->op) >= 0) /* small, so that differences do not grow from step to step */
            for (int64_t i = 0, w = recurrent_weights(c->op); i < pgd_shape_elems(c->inputs[w].shape); i++) ((float *)in[w])[i] /= (float)c->inputs[w].shape.dims[1];
        if (c->op == PGD_OP_LSTM_D || c->op == PGD_OP_GRU_D) /* gates are not beyond 1 */
            for (int64_t i = 0, gates = c->op == PGD_OP_LSTM_D ? 2 : 1; i < pgd_shape_elems(c->inputs[gates].shape); i++) ((float *)in[gates])[i] *= 0.5f;
        if (c->op == PGD_OP_ATTENTION_D) /* weights are at most 1 */
            for (int64_t i = 0; i < pgd_shape_elems(c->inputs[3].shape); i++) ((float *)in[3])[i] += 0.5f * (float)(4 * c->inputs[0].shape.dims[3]);
        bool magnitudes = tolerance_of(c->op)->kind == TOLERANCE_MAGNITUDE;
        evaluate(c, outputs, output_count, in, want, false);
        if (magnitudes && c->op != PGD_OP_MAX_POOL_D) evaluate(c, outputs, output_count, in, magnitude, true);
        if (c->op == PGD_OP_MAX_POOL_D) { /* winners depend on signs: only dy is made positive, by taking what it gives apart */
            magnitude[0] = malloc(desc_bytes(&outputs[0]) + 1);
            for (int64_t i = 0; i < pgd_shape_elems(outputs[0].shape); i++) ((float *)magnitude[0])[i] = fabsf(((float *)want[0])[i]) + 18;
        }
        run_rows(c, outputs, output_count, in, want, magnitude);
        for (int32_t i = 0; i < c->input_count; i++) free(in[i]);
        for (int32_t k = 0; k < output_count; k++) {
            free(want[k]);
            free(magnitude[k]);
        }
    }
}

/* ---- cases by family ---------------------------------------------------------------------------------------------------------------------------- */

#define S1(a) {1, {a}}
#define S2(a, b) {2, {a, b}}
#define S3(a, b, c) {3, {a, b, c}}
#define S4(a, b, c, d) {4, {a, b, c, d}}
#define COUNT(list) (int)(sizeof list / sizeof list[0])

static void matrix_products(void **unused) {
    static const int64_t extents[][3] = {{1, 1, 1},   {0, 3, 4},    {3, 0, 4},   {3, 4, 0},   {15, 16, 17}, {16, 15, 16}, {17, 17, 15}, {1, 513, 7}, {513, 1, 7},   {7, 7, 513},  {31, 47, 53},
                                         {1, 10, 64}, {2, 3, 1000}, {64, 64, 1}, {8, 48, 32}, {9, 49, 33},  {6, 16, 2},   {97, 101, 89}, {5, 300, 3}, {512, 17, 16}, {48, 512, 12}, {12, 10, 300}};
    for (int i = 0; i < COUNT(extents); i++)
        for (int t = 0; t < 4; t++) {
            int64_t m = extents[i][0], n = extents[i][1], k = extents[i][2];
            bool ta = (t & 1) != 0, tb = (t & 2) != 0;
            run_case(&(kernel_case){PGD_OP_MATMUL, {.ints = {ta, tb}}, 2, {{PGD_F32, S2(ta ? k : m, ta ? m : k)}, {PGD_F32, S2(tb ? n : k, tb ? k : n)}}});
            if (m * n * k > 20000) continue;
            run_case(&(kernel_case){PGD_OP_MATMUL, {.ints = {ta, tb}}, 2, {{PGD_F32, S3(3, ta ? k : m, ta ? m : k)}, {PGD_F32, S3(3, tb ? n : k, tb ? k : n)}}});
        }
    run_case(&(kernel_case){PGD_OP_MATMUL, {.ints = {0}}, 2, {{PGD_F32, S4(2, 3, 5, 7)}, {PGD_F32, S4(2, 3, 7, 4)}}});
    run_case(&(kernel_case){PGD_OP_MATMUL, {.ints = {0}}, 2, {{PGD_F32, S3(0, 5, 7)}, {PGD_F32, S3(0, 7, 4)}}});
}

typedef struct conv_shape {
    int64_t n, c, h, w, k, r, s, o[9]; /* o: stride h w, pad t l b r, dilation h w, groups */
} conv_shape;

static void convolutions(void **unused) {
    static const conv_shape shapes[] = {
        {1, 1, 1, 1, 1, 1, 1, {1, 1, 0, 0, 0, 0, 1, 1, 1}},   {2, 3, 8, 8, 4, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},   {1, 16, 14, 14, 16, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {2, 5, 13, 11, 7, 3, 3, {1, 1, 0, 0, 0, 0, 1, 1, 1}}, {1, 1, 28, 28, 17, 5, 5, {1, 1, 2, 2, 2, 2, 1, 1, 1}}, {3, 4, 9, 9, 6, 3, 3, {2, 2, 1, 1, 1, 1, 1, 1, 1}},
        {2, 8, 7, 7, 8, 1, 1, {1, 1, 0, 0, 0, 0, 1, 1, 1}},   {2, 8, 8, 8, 15, 1, 1, {2, 2, 0, 0, 0, 0, 1, 1, 1}},  {1, 6, 12, 10, 4, 3, 2, {2, 3, 1, 0, 2, 1, 1, 1, 2}},
        {1, 3, 11, 12, 5, 3, 3, {1, 1, 2, 2, 2, 2, 2, 2, 1}}, {2, 6, 9, 8, 6, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 6}},   {1, 4, 9, 9, 8, 2, 2, {1, 1, 0, 1, 1, 0, 3, 2, 4}},
        {0, 3, 8, 8, 4, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},   {1, 33, 5, 5, 31, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {1, 2, 3, 40, 3, 3, 7, {1, 1, 1, 3, 1, 3, 1, 1, 1}},
        {1, 2, 17, 17, 48, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {1, 7, 16, 15, 3, 7, 7, {2, 2, 3, 3, 3, 3, 1, 1, 1}}, {4, 2, 5, 3, 2, 5, 3, {1, 1, 0, 0, 0, 0, 1, 1, 1}},
        {1, 2, 2, 2, 2, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},   {1, 2, 6, 6, 2, 2, 2, {3, 3, 0, 0, 0, 0, 1, 1, 1}},   {1, 2, 5, 5, 3, 1, 1, {1, 1, 2, 1, 0, 3, 1, 1, 1}},
        {3, 17, 13, 15, 24, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {1, 16, 8, 9, 41, 3, 3, {1, 1, 0, 2, 1, 0, 1, 1, 1}}, {5, 130, 6, 7, 20, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {1, 20, 5, 130, 16, 3, 3, {1, 1, 1, 0, 1, 2, 1, 1, 1}}, {9, 16, 4, 4, 150, 3, 3, {1, 1, 2, 2, 2, 2, 1, 1, 1}},
        {0, 16, 8, 8, 16, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},   {2, 24, 9, 9, 18, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},   {3, 5, 30, 30, 20, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
        {2, 3, 70, 61, 3, 3, 3, {2, 2, 1, 1, 1, 1, 1, 1, 3}},   {23, 4, 7, 7, 8, 5, 5, {1, 1, 2, 2, 2, 2, 1, 1, 4}},     {1, 2, 3, 1100, 6, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 2}},
        {2, 1, 33, 31, 13, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},  {1, 3, 40, 41, 3, 3, 3, {1, 1, 9, 9, 9, 9, 9, 9, 3}},     {3, 6, 12, 9, 15, 3, 3, {2, 1, 1, 1, 0, 1, 1, 1, 3}},
        {5, 16, 14, 13, 20, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {3, 20, 13, 14, 17, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},      {7, 18, 5, 6, 19, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, /* rows of 7 and of 3 tiles */
        {2, 112, 14, 14, 16, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {1, 111, 16, 16, 17, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},     {1, 600, 7, 9, 20, 1, 1, {1, 1, 0, 0, 0, 0, 1, 1, 1}}, /* long sums */
        {1, 3, 9, 9, 300, 3, 3, {3, 3, 1, 1, 1, 1, 1, 1, 1}},
        {3, 140, 14, 14, 17, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}}, {2, 16, 15, 16, 16, 3, 3, {1, 1, 0, 0, 0, 0, 1, 1, 1}},     {1, 70, 40, 58, 18, 3, 3, {1, 1, 1, 1, 1, 1, 1, 1, 1}},
    };
    for (int i = 0; i < COUNT(shapes); i++) {
        const conv_shape *v = &shapes[i];
        pgd_desc y[PGD_MAX_OUTPUTS];
        kernel_case c = {PGD_OP_CONV, {.ints = {0}}, 2, {{PGD_F32, S4(v->n, v->c, v->h, v->w)}, {PGD_F32, S4(v->k, v->c / v->o[8], v->r, v->s)}}};
        memcpy(c.attrs.ints, v->o, sizeof v->o);
        infer(&c, y);
        run_case(&c);
        kernel_case dinput = c, dweight = c;
        dinput.op = PGD_OP_CONV_DINPUT;
        dinput.attrs.dims = pgd_symshape_from(c.inputs[0].shape);
        dinput.inputs[0] = y[0];
        run_case(&dinput);
        dweight.op = PGD_OP_CONV_DWEIGHT;
        dweight.attrs.dims = pgd_symshape_from(c.inputs[1].shape);
        dweight.inputs[0] = y[0];
        dweight.inputs[1] = c.inputs[0];
        run_case(&dweight);
    }
}

static void pools(void **unused) {
    static const int64_t shapes[][4] = {{1, 1, 2, 2}, {2, 3, 8, 8}, {1, 2, 7, 5}, {0, 2, 4, 4}, {2, 0, 4, 4}, {1, 17, 16, 15}, {3, 1, 17, 33}, {1, 1, 3, 64}, {1, 2, 4, 2600}};
    static const int64_t options[][8] = {{2, 2, 2, 2, 0, 0, 0, 0}, {1, 1, 1, 1, 0, 0, 0, 0}, {3, 3, 2, 2, 1, 1, 1, 1}, {2, 2, 1, 1, 0, 1, 1, 0}, {2, 2, 2, 2, 1, 1, 0, 0}, {3, 2, 1, 3, 2, 0, 0, 1}, {2, 2, 2, 2, 0, 0, 1, 1}, {2, 700, 1, 3, 0, 5, 0, 5}, {1, 300, 1, 2, 0, 0, 0, 0}};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int j = 0; j < COUNT(options); j++) {
            const int64_t *s = shapes[i];
            if (options[j][0] > s[2] + options[j][4] + options[j][6] || options[j][1] > s[3] + options[j][5] + options[j][7]) continue;
            for (int max = 0; max < 2; max++) {
                kernel_case c = {max ? PGD_OP_MAX_POOL : PGD_OP_AVG_POOL, {.ints = {0}}, 1, {{PGD_F32, S4(s[0], s[1], s[2], s[3])}}}, d = c;
                pgd_desc y[PGD_MAX_OUTPUTS];
                memcpy(c.attrs.ints, options[j], sizeof options[j]);
                infer(&c, y);
                run_case(&c);
                d.attrs = c.attrs;
                d.op = max ? PGD_OP_MAX_POOL_D : PGD_OP_AVG_POOL_D;
                if (max)
                    d.inputs[1] = c.inputs[0], d.input_count = 2;
                else
                    d.attrs.dims = pgd_symshape_from(c.inputs[0].shape);
                d.inputs[0] = y[0];
                run_case(&d);
            }
        }
}

static void resizes(void **unused) {
    static const int64_t shapes[][6] = {{1, 1, 1, 1, 3, 2}, {2, 3, 7, 5, 14, 10}, {1, 2, 16, 17, 5, 33}, {3, 1, 8, 8, 1, 1}, {0, 2, 3, 3, 5, 5}, {1, 2, 300, 100, 200, 250}, {1, 1, 4, 5, 0, 7}, {1, 5, 9, 9, 9, 9}};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int way = 0; way < 6; way++) {
            const int64_t *s = shapes[i];
            pgd_attrs attrs = {.ints = {way / 3, way % 3}, .dims = {2, {s[4], s[5]}}};
            run_case(&(kernel_case){PGD_OP_RESIZE, attrs, 1, {{PGD_F32, S4(s[0], s[1], s[2], s[3])}}});
            attrs.dims = (pgd_symshape)S4(s[0], s[1], s[2], s[3]);
            run_case(&(kernel_case){PGD_OP_RESIZE_D, attrs, 1, {{PGD_F32, S4(s[0], s[1], s[4], s[5])}}});
        }
}

static void statistics(void **unused) {
    static const pgd_shape shapes[] = {S2(1, 1), S2(5, 3), S3(2, 3, 511), S3(2, 3, 512), S3(3, 2, 513), S4(2, 5, 7, 3), S4(1, 17, 16, 15), S4(4, 1, 2, 1031), S4(0, 3, 2, 2), S2(3, 0), S3(4099, 2, 1), S3(2, 1, 4099)};
    for (int i = 0; i < COUNT(shapes); i++) {
        const pgd_shape *s = &shapes[i];
        pgd_shape channel = *s;
        for (int32_t d = 0; d < s->rank; d++)
            if (d != 1) channel.dims[d] = 1;
        for (int64_t axes = 0; axes < 1 << s->rank; axes++) run_case(&(kernel_case){PGD_OP_MOMENTS, {.ints = {axes}}, 1, {{PGD_F32, *s}}});
        run_case(&(kernel_case){PGD_OP_BATCH_NORM_D, {.floats = {1e-5}}, 4, {{PGD_F32, *s}, {PGD_F32, *s}, {PGD_F32, channel}, {PGD_F32, channel}}});
    }
}

static void row_norms(void **unused) {
    static const pgd_shape shapes[] = {S2(1, 1), S2(5, 3), S3(2, 3, 511), S2(3, 512), S2(70, 17), S4(2, 5, 7, 16), S2(0, 3), S2(3, 0), S1(33), S2(2, 4099)};
    for (int i = 0; i < COUNT(shapes); i++) {
        pgd_shape s = shapes[i], row = s, wide = S1(s.dims[s.rank - 1]);
        row.dims[s.rank - 1] = 1;
        run_case(&(kernel_case){PGD_OP_LAYER_NORM, {.floats = {1e-2}}, 3, {{PGD_F32, s}, {PGD_F32, wide}, {PGD_F32, wide}}});
        run_case(&(kernel_case){PGD_OP_RMS_NORM, {.floats = {1e-2}}, 2, {{PGD_F32, s}, {PGD_F32, wide}}});
        run_case(&(kernel_case){PGD_OP_LAYER_NORM_D, {.floats = {1e-2}}, 5, {{PGD_F32, s}, {PGD_F32, s}, {PGD_F32, wide}, {PGD_F32, row}, {PGD_F32, row}}});
        run_case(&(kernel_case){PGD_OP_RMS_NORM_D, {.floats = {1e-2}}, 4, {{PGD_F32, s}, {PGD_F32, s}, {PGD_F32, wide}, {PGD_F32, row}}});
    }
}

/* Every combination of causal, mask and start for each shape; start holds small numbers, some below zero. */
static void attentions(void **unused) {
    static const int64_t shapes[][7] = {/* B T H D S G E */ {1, 1, 1, 1, 1, 1, 1}, {2, 5, 4, 8, 5, 2, 8}, {1, 65, 2, 16, 65, 2, 17}, {1, 3, 6, 33, 300, 1, 5}, {2, 70, 1, 7, 9, 1, 64},
                                        {1, 4, 2, 256, 7, 1, 256}, {0, 4, 2, 8, 4, 1, 8}, {1, 0, 2, 8, 4, 1, 8}, {1, 4, 2, 8, 0, 1, 8}, {1, 4, 2, 0, 4, 1, 8}, {1, 100, 1, 4, 530, 1, 4}};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int options = 0; options < 12; options++) {
            const int64_t *s = shapes[i];
            bool causal = (options & 1) != 0, start = (options & 2) != 0;
            int mask = options / 4;
            pgd_desc q = {PGD_F32, S4(s[0], s[1], s[2], s[3])}, k = {PGD_F32, S4(s[0], s[4], s[5], s[3])}, v = {PGD_F32, S4(s[0], s[4], s[5], s[6])}, y = {PGD_F32, S4(s[0], s[1], s[2], s[6])};
            pgd_desc row = {PGD_F32, S3(s[0], s[1], s[2])}, masks[2] = {{PGD_F32, S4(1, 1, s[1], s[4])}, {PGD_F32, S4(s[0], s[2], 1, s[4])}}, first = {PGD_I32, S1(s[0])};
            kernel_case c = {PGD_OP_ATTENTION, {.ints = {causal, mask > 0, start}, .floats = {0.5}}, 3, {q, k, v}}, d = c;
            d.op = PGD_OP_ATTENTION_D;
            d.input_count = 6;
            d.inputs[3] = d.inputs[4] = row;
            d.inputs[5] = y;
            if (mask > 0) c.inputs[c.input_count++] = d.inputs[d.input_count++] = masks[mask - 1];
            if (start) c.inputs[c.input_count++] = d.inputs[d.input_count++] = first;
            run_case(&c);
            run_case(&d);
        }
}

static void rotations(void **unused) {
    static const int64_t shapes[][4] = {{1, 1, 1, 2}, {2, 5, 3, 8}, {1, 70, 4, 64}, {3, 2, 1, 34}, {0, 4, 2, 8}, {1, 4, 0, 8}, {1, 2, 9, 2050}};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int inverse = 0; inverse < 2; inverse++) {
            const int64_t *s = shapes[i];
            run_case(&(kernel_case){PGD_OP_ROPE, {.ints = {inverse}, .floats = {inverse ? 10000 : 50}}, 2, {{PGD_F32, S4(s[0], s[1], s[2], s[3])}, {PGD_I32, S2(s[0], s[1])}}});
        }
}

static void recurrent_steps(void **unused) {
    static const int64_t shapes[][3] = {/* T N H */ {1, 1, 1}, {3, 2, 5}, {4, 17, 16}, {3, 9, 33}, {2, 0, 4}, {2, 40, 100}, {2, 3, 300}, {5, 130, 8}};
    for (int i = 0; i < COUNT(shapes); i++) {
        int64_t T = shapes[i][0], N = shapes[i][1], H = shapes[i][2];
        pgd_desc line = {PGD_F32, S3(T, N, H)}, wide = {PGD_F32, S3(T, N, 4 * H)}, narrow = {PGD_F32, S3(T, N, 3 * H)}, state = {PGD_F32, S2(N, H)}, w4 = {PGD_F32, S2(4 * H, H)}, w3 = {PGD_F32, S2(3 * H, H)}, b = {PGD_F32, S1(3 * H)};
        run_case(&(kernel_case){PGD_OP_LSTM, {.ints = {0}}, 4, {wide, w4, state, state}});
        run_case(&(kernel_case){PGD_OP_LSTM_D, {.ints = {0}}, 6, {line, line, wide, line, state, w4}});
        run_case(&(kernel_case){PGD_OP_GRU, {.ints = {0}}, 4, {narrow, w3, b, state}});
        run_case(&(kernel_case){PGD_OP_GRU_D, {.ints = {0}}, 5, {line, wide, line, state, w3}});
    }
}

static void softmax_and_losses(void **unused) {
    static const int64_t rows[] = {0, 1, 3, 17}, widths[] = {1, 2, 10, 15, 16, 17, 255, 256, 257, 511, 512, 513, 1009};
    for (int i = 0; i < COUNT(rows); i++)
        for (int j = 0; j < COUNT(widths); j++) {
            int64_t n = rows[i], c = widths[j];
            for (int log = 0; log < 2; log++) run_case(&(kernel_case){log ? PGD_OP_LOG_SOFTMAX : PGD_OP_SOFTMAX, {.ints = {0}}, 1, {{PGD_F32, S2(n, c)}}});
            for (int smooth = 0; smooth < 2; smooth++) {
                run_case(&(kernel_case){PGD_OP_SOFTMAX_XENT, {.floats = {smooth * 0.1}}, 2, {{PGD_F32, S2(n, c)}, {PGD_I32, S1(n)}}});
                run_case(&(kernel_case){PGD_OP_SOFTMAX_XENT_D, {.floats = {smooth * 0.1}}, 3, {{PGD_F32, S2(n, c)}, {PGD_I32, S1(n)}, {PGD_F32, S1(n)}}});
            }
        }
    run_case(&(kernel_case){PGD_OP_SOFTMAX, {.ints = {0}}, 1, {{PGD_F32, S1(7)}}});
    run_case(&(kernel_case){PGD_OP_SOFTMAX, {.ints = {0}}, 1, {{PGD_F32, S3(2, 3, 5)}}});
    run_case(&(kernel_case){PGD_OP_SOFTMAX, {.ints = {0}}, 1, {{PGD_F32, S2(3, 0)}}});
    run_case(&(kernel_case){PGD_OP_LOG_SOFTMAX, {.ints = {0}}, 1, {{PGD_F32, S4(2, 1, 3, 11)}}});
    static const pgd_shape shapes[] = {S1(1), S1(513), S2(17, 10), S3(3, 7, 5), S3(2, 16, 17), S4(2, 3, 0, 5), S2(0, 4)};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int32_t axis = 0; axis < shapes[i].rank; axis++)
            if (shapes[i].dims[axis] > 0) for (int least = 0; least < 2; least++) run_case(&(kernel_case){least ? PGD_OP_ARGMIN : PGD_OP_ARGMAX, {.ints = {(int64_t)1 << axis}}, 1, {{PGD_F32, shapes[i]}}});
    run_case(&(kernel_case){PGD_OP_ARGMAX, {.ints = {4}}, 1, {{PGD_F32, S4(2, 3, 0, 5)}}}); /* of nothing: 0 */
}

static void scans(void **unused) {
    static const pgd_shape shapes[] = {S1(1), S1(700), S2(40, 33), S3(3, 7, 5), S3(2, 40, 600), S4(2, 3, 0, 5), S2(0, 4), S2(1200, 3)};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int32_t axis = 0; axis < shapes[i].rank; axis++)
            for (int way = 0; way < 4; way++) {
                pgd_attrs attrs = {.ints = {axis, way & 1, way >> 1}};
                run_case(&(kernel_case){PGD_OP_CUMSUM, attrs, 1, {{PGD_F32, shapes[i]}}});
                run_case(&(kernel_case){PGD_OP_CUMPROD, attrs, 1, {{PGD_F32, shapes[i]}}});
                if (shapes[i].dims[axis] <= 700) run_case(&(kernel_case){PGD_OP_CUMPROD_D, attrs, 2, {{PGD_F32, shapes[i]}, {PGD_F32, shapes[i]}}});
            }
}

static void movements(void **unused) {
    static const pgd_dtype dtypes[] = {PGD_F32, PGD_F64, PGD_I32, PGD_I64, PGD_U8, PGD_BOOL, PGD_F16, PGD_BF16};
    for (int t = 0; t < COUNT(dtypes); t++) {
        pgd_dtype e = dtypes[t];
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {1, 0}}, 1, {{e, S2(17, 31)}}});
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {2, 0, 1}}, 1, {{e, S3(3, 16, 5)}}});
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {0, 3, 1, 2}}, 1, {{e, S4(2, 3, 1, 513)}}});
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {1, 0}}, 1, {{e, S2(0, 3)}}});
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {5, 3, 1, 0, 2, 4}}, 1, {{e, {6, {2, 3, 2, 1, 3, 2}}}}});
        run_case(&(kernel_case){PGD_OP_TRANSPOSE, {.ints = {0}}, 1, {{e, {0, {0}}}}});
        run_case(&(kernel_case){PGD_OP_BROADCAST, {.dims = S2(17, 513)}, 1, {{e, S2(1, 513)}}});
        run_case(&(kernel_case){PGD_OP_BROADCAST, {.dims = S2(17, 513)}, 1, {{e, S2(17, 1)}}});
        run_case(&(kernel_case){PGD_OP_BROADCAST, {.dims = S3(2, 3, 4)}, 1, {{e, S3(1, 3, 1)}}});
        run_case(&(kernel_case){PGD_OP_BROADCAST, {.dims = S3(2, 0, 4)}, 1, {{e, S3(1, 0, 1)}}});
        run_case(&(kernel_case){PGD_OP_SLICE, {.ints = {0}, .dims = S2(1, 15)}, 1, {{e, S2(17, 9)}}});
        run_case(&(kernel_case){PGD_OP_SLICE, {.ints = {1}, .dims = S2(2, 1)}, 1, {{e, S3(5, 3, 7)}}});
        run_case(&(kernel_case){PGD_OP_SLICE, {.ints = {1}, .dims = S2(3, 0)}, 1, {{e, S3(5, 3, 7)}}});
        run_case(&(kernel_case){PGD_OP_RESHAPE, {.dims = S2(21, 5)}, 1, {{e, S3(5, 3, 7)}}});
        run_case(&(kernel_case){PGD_OP_RESHAPE, {.dims = {0, {0}}}, 1, {{e, S1(1)}}});
        run_case(&(kernel_case){PGD_OP_PAD, {.ints = {0}, .floats = {1}, .dims = S2(2, 3)}, 1, {{e, S2(4, 5)}}});
        run_case(&(kernel_case){PGD_OP_PAD, {.ints = {1}, .floats = {-3.5}, .dims = S2(0, 1)}, 1, {{e, S3(4, 5, 3)}}});
        run_case(&(kernel_case){PGD_OP_PAD, {.ints = {2}, .floats = {7}, .dims = S2(512, 0)}, 1, {{e, S3(2, 2, 0)}}});
        run_case(&(kernel_case){PGD_OP_CONCAT, {.ints = {1}}, 3, {{e, S2(4, 5)}, {e, S2(4, 1)}, {e, S2(4, 0)}}});
        run_case(&(kernel_case){PGD_OP_CONCAT, {.ints = {0}}, 2, {{e, S3(1, 16, 17)}, {e, S3(2, 16, 17)}}});
        run_case(&(kernel_case){PGD_OP_REVERSE, {.ints = {1}}, 1, {{e, S2(17, 31)}}});
        run_case(&(kernel_case){PGD_OP_REVERSE, {.ints = {5}}, 1, {{e, S3(3, 2, 513)}}});
        run_case(&(kernel_case){PGD_OP_REVERSE, {.ints = {2}}, 1, {{e, S2(3, 0)}}});
        for (int wide = 0; wide < 2; wide++) {
            pgd_dtype i = wide ? PGD_I64 : PGD_I32;
            run_case(&(kernel_case){PGD_OP_GATHER_ELEMENTS, {.ints = {1}}, 2, {{e, S2(7, 5)}, {i, S2(7, 9)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ELEMENTS, {.ints = {0, 1}}, 2, {{e, S2(7, 50)}, {i, S2(3, 50)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ELEMENTS, {.ints = {1}}, 2, {{e, S3(2, 900, 40)}, {i, S3(2, 200, 40)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ELEMENTS, {.ints = {0}}, 2, {{e, S2(0, 3)}, {i, S2(2, 3)}}});
            run_case(&(kernel_case){PGD_OP_SCATTER_ELEMENTS, {.ints = {1, 0}}, 3, {{e, S2(7, 5)}, {i, S2(7, 9)}, {e, S2(7, 9)}}});
            run_case(&(kernel_case){PGD_OP_SCATTER_ELEMENTS, {.ints = {0, 0}}, 3, {{e, S3(8, 5, 7)}, {i, S3(3, 5, 7)}, {e, S3(3, 5, 7)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ND, {.ints = {0}}, 2, {{e, S3(8, 7, 5)}, {i, S3(4, 6, 2)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ND, {.ints = {1}}, 2, {{e, S2(8, 7)}, {i, S2(30, 2)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ND, {.ints = {0}}, 2, {{e, S2(8, 3000)}, {i, S2(9, 1)}}});
            run_case(&(kernel_case){PGD_OP_GATHER_ND, {.ints = {0}}, 2, {{e, S2(8, 3)}, {i, S1(1)}}});
            run_case(&(kernel_case){PGD_OP_SCATTER_ND, {.ints = {0}}, 3, {{e, S3(8, 7, 5)}, {i, S3(4, 6, 2)}, {e, S3(4, 6, 5)}}});
            run_case(&(kernel_case){PGD_OP_SCATTER_ND, {.ints = {0}}, 3, {{e, S2(8, 0)}, {i, S2(3, 1)}, {e, S2(3, 0)}}});
        }
        for (int wide = 0; wide < 2; wide++) {
            pgd_dtype i = wide ? PGD_I64 : PGD_I32; /* some of the indices lie outside */
            run_case(&(kernel_case){PGD_OP_GATHER, {.ints = {0}}, 2, {{e, S2(7, 5)}, {i, S1(9)}}});
            run_case(&(kernel_case){PGD_OP_GATHER, {.ints = {1, 1}}, 2, {{e, S3(3, 500, 17)}, {i, S2(2, 4)}}});
            run_case(&(kernel_case){PGD_OP_GATHER, {.ints = {1}}, 2, {{e, S2(3, 8)}, {i, {0, {0}}}}});
            run_case(&(kernel_case){PGD_OP_GATHER, {.ints = {0}}, 2, {{e, S2(7, 0)}, {i, S1(9)}}});
            run_case(&(kernel_case){PGD_OP_GATHER, {.ints = {0}}, 2, {{e, S2(0, 3)}, {i, S1(2)}}});
        }
        run_case(&(kernel_case){PGD_OP_UPDATE_SLICE, {.ints = {0}}, 3, {{e, S2(17, 5)}, {e, S2(3, 5)}, {PGD_I32, {0, {0}}}}});
        run_case(&(kernel_case){PGD_OP_UPDATE_SLICE, {.ints = {1}}, 3, {{e, S3(2, 4, 513)}, {e, S3(2, 5, 513)}, {PGD_I32, {0, {0}}}}});
        run_case(&(kernel_case){PGD_OP_UPDATE_SLICE, {.ints = {2}}, 3, {{e, S3(2, 3, 4)}, {e, S3(2, 3, 0)}, {PGD_I32, {0, {0}}}}});
        run_case(&(kernel_case){PGD_OP_CONCAT, {.ints = {2}}, 4, {{e, S3(2, 3, 2)}, {e, S3(2, 3, 513)}, {e, S3(2, 3, 1)}, {e, S3(2, 3, 4)}}});
    }
}

static void scattered_sums_and_extremes(void **unused) {
    for (int mode = PGD_SCATTER_SET; mode <= PGD_SCATTER_MAX; mode++) {
        run_case(&(kernel_case){PGD_OP_SCATTER_ELEMENTS, {.ints = {1, mode}}, 3, {{PGD_F32, S2(70, 9)}, {PGD_I32, S2(70, 30)}, {PGD_F32, S2(70, 30)}}});
        run_case(&(kernel_case){PGD_OP_SCATTER_ELEMENTS, {.ints = {0, mode}}, 3, {{PGD_F32, S2(9, 300)}, {PGD_I64, S2(20, 300)}, {PGD_F32, S2(20, 300)}}});
        run_case(&(kernel_case){PGD_OP_SCATTER_ELEMENTS, {.ints = {1, mode}}, 3, {{PGD_F32, S3(2, 1100, 19)}, {PGD_I32, S3(2, 3, 19)}, {PGD_F32, S3(2, 3, 19)}}});
        if (mode <= PGD_SCATTER_ADD) run_case(&(kernel_case){PGD_OP_SCATTER_ND, {.ints = {mode}}, 3, {{PGD_F32, S3(8, 2, 1500)}, {PGD_I32, S2(40, 1)}, {PGD_F32, S3(40, 2, 1500)}}});
        if (mode <= PGD_SCATTER_ADD) run_case(&(kernel_case){PGD_OP_SCATTER_ND, {.ints = {mode}}, 3, {{PGD_F32, S2(8, 8)}, {PGD_I64, S2(90, 2)}, {PGD_F32, S1(90)}}});
    }
}

static void greatest_and_least(void **unused) {
    static const int64_t shapes[][3] = {{1, 1, 1}, {3, 17, 1}, {5, 100, 7}, {2, 1031, 1031}, {40, 33, 32}, {0, 5, 2}, {3, 5, 0}, {2, 20000, 40}};
    for (int i = 0; i < COUNT(shapes); i++)
        for (int largest = 0; largest < 2; largest++)
            if (shapes[i][1] < 2000 || getenv("PAGODA_TEST_FULL") != NULL) run_case(&(kernel_case){PGD_OP_TOPK, {.ints = {shapes[i][2], largest}}, 1, {{PGD_F32, S2(shapes[i][0], shapes[i][1])}}});
}

static void gather_derivatives(void **unused) {
    for (int wide = 0; wide < 2; wide++) {
        pgd_dtype i = wide ? PGD_I64 : PGD_I32;
        run_case(&(kernel_case){PGD_OP_GATHER_D, {.ints = {0}, .dims = S2(7, 5)}, 2, {{PGD_F32, S2(90, 5)}, {i, S1(90)}}});
        run_case(&(kernel_case){PGD_OP_GATHER_D, {.ints = {1}, .dims = S3(3, 500, 130)}, 2, {{PGD_F32, S4(3, 2, 4, 130)}, {i, S2(2, 4)}}});
        run_case(&(kernel_case){PGD_OP_GATHER_D, {.ints = {0}, .dims = S1(8)}, 2, {{PGD_F32, {0, {0}}}, {i, {0, {0}}}}});
        run_case(&(kernel_case){PGD_OP_GATHER_D, {.ints = {0}, .dims = S2(0, 3)}, 2, {{PGD_F32, S2(2, 3)}, {i, S1(2)}}});
    }
}

static void every_row_of_the_list_was_run_at_every_level(void **unused) {
    for (int32_t r = 0; r < ROWS; r++)
        for (int32_t isa = 0; isa < PGD_ISA_COUNT; isa++) {
            if (row_ops[r] >= PGD_OP_PROGRAM || !pgd_isa_usable((pgd_isa)isa)) continue; /* test_programs.c, engine/test_custom.c */
            check(runs[r][isa] > 0, "no case of this file is taken by row %s (%s) at %s", row_names[r], pgd_op_name(row_ops[r]), pgd_isa_name((pgd_isa)isa));
        }
}

static void unsupported_names_every_row_with_its_reason(void **unused) {
    const pgd_kernel_row *row;
    pgd_desc f64 = {PGD_F64, S2(2, 2)};
    pgd_program *program = calloc(1, sizeof *program + sizeof(pgd_instr));
    *program = (pgd_program){.instr_count = 1, .output_count = 1, .reduce = -1, .space = S2(2, 2)};
    program->instrs[0] = (pgd_instr){.op = PGD_OP_INPUT, .args = {-1, -1, -1}};
    pgd_attrs attrs = {0};
    pgd_problem p = {.op = PGD_OP_PROGRAM, .attrs = &attrs, .program = program, .inputs = &f64, .outputs = &f64, .input_count = 1, .output_count = 1, .device_kind = "host", .isa = PGD_ISA_PORTABLE};
    fails(PGD_UNSUPPORTED, "host_program: it reads 64-bit", pgd_kernel_pick(&p, &row));
    assert_null(row);
    p.device_kind = "toaster";
    fails(PGD_UNSUPPORTED, "another kind of device", pgd_kernel_pick(&p, &row));
    free(program);
}

static void the_reference_takes_what_no_other_row_takes(void **unused) {
    const pgd_kernel_row *row;
    pgd_desc in[2] = {{PGD_F64, S2(2, 2)}, {PGD_F64, S2(2, 2)}};
    pgd_attrs attrs = {0};
    pgd_problem p = {.op = PGD_OP_MATMUL, .attrs = &attrs, .inputs = in, .outputs = in, .input_count = 2, .output_count = 1, .device_kind = "host", .isa = PGD_ISA_PORTABLE};
    ok(pgd_kernel_pick(&p, &row));
    assert_string_equal(row->name, "reference");
    in[0].dtype = in[1].dtype = PGD_F32;
    ok(pgd_kernel_pick(&p, &row));
    assert_string_equal(row->name, "host_matmul");
}

static void rows_are_listed(void **unused) {
    pgd_kernel_info info;
    assert_int_equal(pgd_kernel_count(), ROWS + 1);
    for (int32_t i = 0; i < ROWS; i++) {
        ok(pgd_kernel_info_get(i, &info));
        assert_string_equal(info.operation, pgd_op_name(row_ops[i]));
        assert_string_equal(info.device, "host");
    }
    ok(pgd_kernel_info_get(ROWS, &info));
    assert_string_equal(info.name, "reference");
    fails(PGD_BAD_ARG, "there is no kernel", pgd_kernel_info_get(ROWS + 1, &info));
    fails(PGD_BAD_ARG, "there is no kernel", pgd_kernel_info_get(-1, &info));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matrix_products), cmocka_unit_test(convolutions), cmocka_unit_test(pools), cmocka_unit_test(resizes), cmocka_unit_test(statistics), cmocka_unit_test(gather_derivatives), cmocka_unit_test(scattered_sums_and_extremes), cmocka_unit_test(greatest_and_least), cmocka_unit_test(row_norms), cmocka_unit_test(attentions), cmocka_unit_test(recurrent_steps), cmocka_unit_test(rotations), cmocka_unit_test(softmax_and_losses), cmocka_unit_test(scans), cmocka_unit_test(movements),
        cmocka_unit_test(every_row_of_the_list_was_run_at_every_level), cmocka_unit_test(unsupported_names_every_row_with_its_reason),
        cmocka_unit_test(the_reference_takes_what_no_other_row_takes), cmocka_unit_test(rows_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
