/* SPDX-License-Identifier: Apache-2.0
 * Matrix products and convolutions of every instruction set level this machine has, against naive loops in float64: edge sizes, all kinds of
 * strides, guard bytes around every operand, scratch full of NaN, chunks in random order (the same bits every time), NaN and Inf in the
 * data, epilogues that see each element once. PAGODA_TEST_FULL in the environment asks for many more random cases. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <driver_share.h>
#include <host/gemm_kernels.h>
#include <rows.h>

enum { GUARD = 64, COMPLAINTS = 10 };

typedef struct level {
    const struct pgd_gemm_kernels *kernels;
    int32_t complaints;
} level;

/* ---- random choices: xorshift, started anew by every test ---------------------------------------------------------------------------- */

static uint64_t random_state;

static uint64_t random_bits(void) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static int64_t pick(int64_t low, int64_t high) { return low + (int64_t)(random_bits() % (uint64_t)(high - low + 1)); }
static int flip(void) { return (int)pick(0, 1); }
static float uniform(void) { return (float)((double)(random_bits() >> 11) / 4503599627370496.0 - 1.0); }

static int64_t cases(int64_t brief, int64_t full) { return getenv("PAGODA_TEST_FULL") != NULL ? full : brief; }

/* ---- memory with guard bytes on both sides --------------------------------------------------------------------------------------------- */

typedef struct floats {
    unsigned char *block;
    float *at;
    int64_t count;
} floats;

static void *sure(void *pointer) {
    if (pointer == NULL) fail_msg("no memory for the test itself");
    return pointer;
}

/* Every byte 0xa5; guarded_random then fills the elements. */
static floats guarded(int64_t count) {
    size_t bytes = (size_t)count * 4 + 2 * GUARD;
    floats f = {sure(malloc(bytes)), NULL, count};
    memset(f.block, 0xa5, bytes);
    f.at = (float *)(void *)(f.block + GUARD);
    return f;
}

static floats guarded_random(int64_t count) {
    floats f = guarded(count);
    for (int64_t i = 0; i < count; i++) f.at[i] = uniform();
    return f;
}

static int guards_stand(const floats *f) {
    const unsigned char *after = f->block + GUARD + (size_t)f->count * 4;
    for (int i = 0; i < GUARD; i++)
        if (f->block[i] != 0xa5 || after[i] != 0xa5) return 0;
    return 1;
}

typedef enum nonfinite { FINITE, WITH_NAN, WITH_INF } nonfinite;

static void poison(floats *f, nonfinite how) {
    if (f->count == 0 || how == FINITE) return;
    for (int i = 0; i < 3; i++) f->at[pick(0, f->count - 1)] = how == WITH_NAN ? NAN : (i & 1) ? -INFINITY : INFINITY;
}

/* ---- running a job, and what is wrong ---------------------------------------------------------------------------------------------------- */

static void complain(level *l, const char *what, const char *detail) {
    if (++l->complaints <= COMPLAINTS) print_error("%s: %s: %s\n", l->kernels->isa, what, detail);
}

static char *scratch; /* PGD_SCRATCH_BYTES and a guard */

static void run_in_random_order(level *l, pgd_chunk_fn *function, const void *params, char *const *mem, int64_t chunks) {
    int64_t *order = sure(malloc((size_t)(chunks + 1) * sizeof *order));
    for (int64_t i = 0; i < chunks; i++) order[i] = i;
    for (int64_t i = chunks - 1; i > 0; i--) {
        int64_t j = pick(0, i), other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
    for (int64_t i = 0; i < chunks; i++) {
        memset(scratch, 0xff, PGD_SCRATCH_BYTES); /* every float of it is a NaN */
        memset(scratch + PGD_SCRATCH_BYTES, 0x5a, GUARD);
        function(params, mem, order[i], scratch);
        for (int g = 0; g < GUARD; g++) {
            if (scratch[PGD_SCRATCH_BYTES + g] == 0x5a) continue;
            complain(l, "scratch", "written beyond its end");
            break;
        }
    }
    free(order);
}

/* ---- comparing: the float64 value, and the sum of the magnitudes it came from ---------------------------------------------------------------- */

typedef struct wanted {
    double value, magnitude;
} wanted;

static void add_product(wanted *w, double a, double b) {
    w->value += a * b;
    w->magnitude += fabs(a * b);
}

static int close_enough(float got, wanted want, int64_t terms) {
    if (isnan(want.value)) return isnan(got) != 0;
    if (isinf(want.value)) return (double)got == want.value;
    return fabs((double)got - want.value) <= 1e-7 * (8 + sqrt((double)terms)) * want.magnitude + 1e-30;
}

static void compare(level *l, const char *what, const char *text, const floats *got, const wanted *want, int64_t terms) {
    char detail[400];
    for (int64_t i = 0; i < got->count; i++) {
        if (close_enough(got->at[i], want[i], terms)) continue;
        snprintf(detail, sizeof detail, "%s: element %lld is %g, not %g", text, (long long)i, (double)got->at[i], want[i].value);
        complain(l, what, detail);
        return;
    }
}

static void same_bits(level *l, const char *what, const char *text, const floats *a, const floats *b) {
    if (memcmp(a->at, b->at, (size_t)a->count * 4) != 0) complain(l, what, text);
}

/* ---- the epilogue of the tests: c = 2c + row/8 - batch/4 + col/64, and a count of visits per element in the operand after the result ---- */

enum { VISITS_OPERAND = 3 };
static int64_t view_rows, view_cols;

static void epilogue_apply(const pgd_epilogue *self, char *const *mem, float *c, int64_t c_row_stride, int64_t batch, int64_t row, int64_t col,
                           int64_t rows, int64_t cols, void *room) {
    unsigned char *visits = (unsigned char *)mem[self->first_operand];
    memset(room, 0xee, PGD_EPILOGUE_SCRATCH_BYTES);
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < cols; j++) {
            float *e = &c[i * c_row_stride + j];
            *e = 2 * *e + (float)(row + i) / 8 - (float)batch / 4 + (float)(col + j) / 64;
            visits[(batch * view_rows + row + i) * view_cols + col + j]++;
        }
    }
}
static const pgd_epilogue test_epilogue = {epilogue_apply, NULL, VISITS_OPERAND};

static wanted after_epilogue(wanted w, int64_t batch, int64_t row, int64_t col) {
    double added = (double)row / 8 - (double)batch / 4 + (double)col / 64;
    return (wanted){2 * w.value + added, 2 * w.magnitude + (double)(row + batch + col)};
}

static int visited_once(const unsigned char *visits, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (visits[i] != 1) return 0;
    return 1;
}

/* ---- matrix products ----------------------------------------------------------------------------------------------------------------------- */

typedef enum layout { ROW_MAJOR, TRANSPOSED, BOTH_STRIDED, ONE_FOR_ALL_BATCHES, ONE_COLUMN, ONE_ROW } layout;
enum { LAYOUTS = ONE_ROW + 1 };

typedef struct product {
    int64_t batch, m, n, k;
    layout a, b;
    int epilogue;
    nonfinite in_a, in_b;
} product;

static void product_strides(const product *c, pgd_gemm_params *p) {
    int64_t pad = pick(0, 3);
    p->a_row = c->a == TRANSPOSED ? 1 : c->a == BOTH_STRIDED ? 2 * c->k + 1 : c->a == ONE_ROW ? 0 : c->k + pad;
    p->a_col = c->a == TRANSPOSED ? c->m + pad : c->a == BOTH_STRIDED ? 2 : c->a == ONE_COLUMN ? 0 : 1;
    p->b_row = c->b == TRANSPOSED ? 1 : c->b == BOTH_STRIDED ? 3 * c->n + 1 : c->b == ONE_ROW ? 0 : c->n + pad;
    p->b_col = c->b == TRANSPOSED ? c->k + pad : c->b == BOTH_STRIDED ? 3 : c->b == ONE_COLUMN ? 0 : 1;
    p->c_row = c->n + pick(0, 2);
    p->c_batch = c->m * p->c_row + 1;
}

static void compare_product(level *l, const product *c, const pgd_gemm_params *p, const float *a, const float *b, const float *got, const char *text) {
    char detail[400];
    int64_t terms = c->a >= ONE_COLUMN || c->b >= ONE_COLUMN ? c->k * c->k : c->k; /* equal terms round alike */
    for (int64_t x = 0; x < c->batch; x++) {
        for (int64_t i = 0; i < c->m; i++) {
            for (int64_t j = 0; j < p->c_row; j++) {
                float value = got[x * p->c_batch + i * p->c_row + j];
                if (j >= c->n) { /* between the rows nothing may be written */
                    uint32_t bits;
                    memcpy(&bits, &value, 4);
                    if (bits == 0xa5a5a5a5u) continue;
                    complain(l, "written between the rows of c", text);
                    return;
                }
                wanted want = {0, 0};
                for (int64_t d = 0; d < c->k; d++)
                    add_product(&want, (double)a[x * p->a_batch + i * p->a_row + d * p->a_col], (double)b[x * p->b_batch + d * p->b_row + j * p->b_col]);
                if (c->epilogue) want = after_epilogue(want, x, i, j);
                if (close_enough(value, want, terms)) continue;
                snprintf(detail, sizeof detail, "%s: c(%lld,%lld,%lld) is %g, not %g", text, (long long)x, (long long)i, (long long)j, (double)value, want.value);
                complain(l, "matrix product", detail);
                return;
            }
        }
    }
}

static void check_product(level *l, product c) {
    pgd_gemm_params p = {.batch = c.batch, .m = c.m, .n = c.n, .k = c.k, .epilogue = c.epilogue ? &test_epilogue : NULL};
    product_strides(&c, &p);
    int64_t a_span = c.m != 0 && c.k != 0 ? (c.m - 1) * p.a_row + (c.k - 1) * p.a_col + 1 : 0;
    int64_t b_span = c.n != 0 && c.k != 0 ? (c.k - 1) * p.b_row + (c.n - 1) * p.b_col + 1 : 0;
    p.a_batch = c.a == ONE_FOR_ALL_BATCHES ? 0 : a_span;
    p.b_batch = c.b == ONE_FOR_ALL_BATCHES ? 0 : b_span;
    floats a = guarded_random(p.a_batch != 0 ? c.batch * a_span : a_span), b = guarded_random(p.b_batch != 0 ? c.batch * b_span : b_span);
    floats first = guarded(c.batch * p.c_batch), again = guarded(c.batch * p.c_batch);
    unsigned char *visits = sure(calloc((size_t)(c.batch * c.m * c.n + 1), 1));
    poison(&a, c.in_a);
    poison(&b, c.in_b);
    view_rows = c.m;
    view_cols = c.n;
    char text[160];
    snprintf(text, sizeof text, "batch %lld m %lld n %lld k %lld, layouts %d %d, epilogue %d, non-finite %d %d", (long long)c.batch, (long long)c.m,
             (long long)c.n, (long long)c.k, (int)c.a, (int)c.b, c.epilogue, (int)c.in_a, (int)c.in_b);

    char *mem[] = {(char *)a.at, (char *)b.at, (char *)first.at, (char *)visits};
    int64_t chunks = l->kernels->gemm_plan(&p);
    if ((chunks == 0) != (c.batch == 0 || c.m == 0 || c.n == 0)) complain(l, "number of chunks", text);
    run_in_random_order(l, l->kernels->gemm_chunk, &p, mem, chunks);
    if (c.epilogue && !visited_once(visits, c.batch * c.m * c.n)) complain(l, "an element met the epilogue not once", text);
    mem[2] = (char *)again.at;
    p.threads = (int32_t)pick(3, 40);
    run_in_random_order(l, l->kernels->gemm_chunk, &p, mem, l->kernels->gemm_plan(&p));
    same_bits(l, "another order of chunks, for other threads, gave other bits", text, &first, &again);
    compare_product(l, &c, &p, a.at, b.at, first.at, text);

    floats *all[] = {&a, &b, &first, &again};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!guards_stand(all[i])) complain(l, "written outside an operand", text);
        free(all[i]->block);
    }
    free(visits);
}

static layout any_layout(void) { return (layout)pick(0, LAYOUTS - 1); }

static void products_of_edge_sizes(void **state) {
    static const int64_t sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 47, 48, 49, 64, 97};
    enum { SIZES = sizeof sizes / sizeof *sizes };
    level *l = *state;
    for (int64_t i = 0; i < cases(400, 12000); i++) {
        product c = {pick(0, 9) ? 1 : pick(0, 5), sizes[pick(0, SIZES - 1)], sizes[pick(0, SIZES - 1)], sizes[pick(0, SIZES - 1)],
                     any_layout(), any_layout(), flip(), FINITE, FINITE};
        if (pick(0, 3) == 0) {
            int how = (int)pick(0, 2);
            c.in_a = how == 1 ? WITH_INF : WITH_NAN;
            c.in_b = how == 2 ? WITH_INF : FINITE;
        }
        check_product(l, c);
    }
    assert_int_equal(l->complaints, 0);
}

static void products_larger_than_every_block(void **state) {
    level *l = *state;
    for (int a = ROW_MAJOR; a <= BOTH_STRIDED; a++) {
        for (int b = ROW_MAJOR; b <= BOTH_STRIDED; b++) {
            check_product(l, (product){1, 67, 501, 263, (layout)a, (layout)b, 1, FINITE, FINITE});
            check_product(l, (product){1, 259, 53, 521, (layout)a, (layout)b, 0, FINITE, FINITE});
            check_product(l, (product){1, 1, 997, 769, (layout)a, (layout)b, 1, FINITE, FINITE});
            check_product(l, (product){1, 997, 1, 769, (layout)a, (layout)b, 1, FINITE, FINITE});
            check_product(l, (product){1, 3, 530, 1030, (layout)a, (layout)b, 1, WITH_NAN, WITH_INF});
            check_product(l, (product){1, 530, 3, 1030, (layout)a, (layout)b, 1, WITH_NAN, WITH_INF});
            check_product(l, (product){1, 72, 40, 1400, (layout)a, (layout)b, 1, FINITE, FINITE});
        }
    }
    /* enough work to be cut otherwise for other threads, and several of the long blocks of the sum */
    check_product(l, (product){1, 131, 370, 2100, TRANSPOSED, ROW_MAJOR, 1, FINITE, FINITE});
    check_product(l, (product){1, 64, 448, 4096, ROW_MAJOR, TRANSPOSED, 0, FINITE, FINITE});
    assert_int_equal(l->complaints, 0);
}

static void thin_products(void **state) {
    level *l = *state;
    for (int64_t i = 0; i < cases(12, 60); i++) {
        check_product(l, (product){1, pick(1, 5), pick(1, 1500), pick(1, 3000), any_layout(), any_layout(), 1, (nonfinite)pick(0, 2), FINITE});
        check_product(l, (product){1, pick(1, 1500), pick(1, 5), pick(1, 3000), any_layout(), any_layout(), 1, (nonfinite)pick(0, 2), FINITE});
    }
    assert_int_equal(l->complaints, 0);
}

static void batched_products(void **state) {
    level *l = *state;
    check_product(l, (product){37, 5, 7, 11, ROW_MAJOR, ROW_MAJOR, 1, FINITE, FINITE});
    check_product(l, (product){37, 1, 7, 11, ROW_MAJOR, TRANSPOSED, 1, FINITE, FINITE});
    check_product(l, (product){1500, 9, 17, 33, ROW_MAJOR, TRANSPOSED, 1, FINITE, FINITE});
    check_product(l, (product){12, 128, 128, 64, ONE_FOR_ALL_BATCHES, TRANSPOSED, 0, FINITE, FINITE});
    assert_int_equal(l->complaints, 0);
}

/* ---- convolutions ------------------------------------------------------------------------------------------------------------------------------ */

typedef struct conv_wanted {
    wanted *y, *dx, *dw;
} conv_wanted;

/* Walks every product of weight and pixel once and adds it to the three results; padding is a pixel of 0 that takes no gradient. */
static conv_wanted conv_reference(const pgd_conv_params *p, const floats *x, const floats *w, const floats *dy) {
    conv_wanted want = {sure(calloc((size_t)dy->count + 1, sizeof(wanted))), sure(calloc((size_t)x->count + 1, sizeof(wanted))),
                        sure(calloc((size_t)w->count + 1, sizeof(wanted)))};
    int64_t channels = p->c / p->groups, filters = p->k / p->groups;
    for (int64_t yi = 0; yi < dy->count; yi++) {
        int64_t col = yi % p->q, row = yi / p->q % p->p, k = yi / (p->q * p->p) % p->k, n = yi / (p->q * p->p * p->k);
        for (int64_t ci = 0; ci < channels * p->r * p->s; ci++) {
            int64_t s = ci % p->s, r = ci / p->s % p->r, c = ci / (p->s * p->r);
            int64_t h = row * p->stride_h - p->pad_h + r * p->dilation_h, v = col * p->stride_w - p->pad_w + s * p->dilation_w;
            int inside = h >= 0 && h < p->h && v >= 0 && v < p->w;
            int64_t xi = ((n * p->c + k / filters * channels + c) * p->h + h) * p->w + v, wi = k * channels * p->r * p->s + ci;
            double pixel = inside ? (double)x->at[xi] : 0.0;
            add_product(&want.y[yi], pixel, (double)w->at[wi]);
            add_product(&want.dw[wi], pixel, (double)dy->at[yi]);
            if (inside) add_product(&want.dx[xi], (double)dy->at[yi], (double)w->at[wi]);
        }
    }
    return want;
}

static void conv_forward(level *l, pgd_conv_params p, int epilogue, floats *x, floats *w, wanted *want, const char *text) {
    int64_t count = p.n * p.k * p.p * p.q;
    floats first = guarded(count), again = guarded(count);
    unsigned char *visits = sure(calloc((size_t)count + 1, 1));
    view_rows = p.k;
    view_cols = p.p * p.q;
    p.epilogue = epilogue ? &test_epilogue : NULL;
    char *mem[] = {(char *)x->at, (char *)w->at, (char *)first.at, (char *)visits};
    int64_t chunks = l->kernels->conv_forward_plan(&p);
    run_in_random_order(l, l->kernels->conv_forward_chunk, &p, mem, chunks);
    if (epilogue && !visited_once(visits, count)) complain(l, "an element met the epilogue not once", text);
    mem[2] = (char *)again.at;
    run_in_random_order(l, l->kernels->conv_forward_chunk, &p, mem, chunks);
    for (int64_t i = 0; epilogue && i < count; i++) want[i] = after_epilogue(want[i], i / view_cols / p.k, i / view_cols % p.k, i % view_cols);
    compare(l, "forward", text, &first, want, p.c / p.groups * p.r * p.s);
    same_bits(l, "forward: another order of chunks gave other bits", text, &first, &again);
    if (!guards_stand(&first) || !guards_stand(&again)) complain(l, "forward: written outside y", text);
    free(first.block), free(again.block), free(visits);
}

static void conv_dgrad(level *l, pgd_conv_params p, floats *dy, floats *w, const wanted *want, const char *text) {
    int64_t count = p.n * p.c * p.h * p.w;
    floats first = guarded(count), again = guarded(count);
    char *mem[] = {(char *)dy->at, (char *)w->at, (char *)first.at};
    int64_t chunks = l->kernels->conv_dgrad_plan(&p);
    run_in_random_order(l, l->kernels->conv_dgrad_chunk, &p, mem, chunks);
    mem[2] = (char *)again.at;
    run_in_random_order(l, l->kernels->conv_dgrad_chunk, &p, mem, chunks);
    compare(l, "dgrad", text, &first, want, p.k / p.groups * p.r * p.s);
    same_bits(l, "dgrad: another order of chunks gave other bits", text, &first, &again);
    if (!guards_stand(&first) || !guards_stand(&again)) complain(l, "dgrad: written outside dx", text);
    free(first.block), free(again.block);
}

static void conv_wgrad(level *l, pgd_conv_params p, floats *dy, floats *x, const wanted *want, const char *text) {
    int64_t count = p.k * (p.c / p.groups) * p.r * p.s, reduce_chunks;
    size_t workspace_bytes;
    int64_t chunks = l->kernels->conv_wgrad_plan(&p, &reduce_chunks, &workspace_bytes);
    floats results[] = {guarded(count), guarded(count)}, workspace = guarded((int64_t)(workspace_bytes / 4));
    for (int i = 0; i < 2; i++) {
        char *mem[] = {(char *)dy->at, (char *)x->at, (char *)results[i].at, (char *)workspace.at};
        run_in_random_order(l, l->kernels->conv_wgrad_chunk, &p, mem, chunks);
        run_in_random_order(l, l->kernels->conv_wgrad_reduce_chunk, &p, mem, reduce_chunks);
    }
    compare(l, "wgrad", text, &results[0], want, p.n * p.p * p.q);
    same_bits(l, "wgrad: another order of chunks gave other bits", text, &results[0], &results[1]);
    if (!guards_stand(&results[0]) || !guards_stand(&results[1])) complain(l, "wgrad: written outside dw", text);
    if (!guards_stand(&workspace)) complain(l, "wgrad: written outside the workspace", text);
    free(results[0].block), free(results[1].block), free(workspace.block);
}

static void check_conv(level *l, pgd_conv_params p, int epilogue, nonfinite how) {
    char text[240];
    snprintf(text, sizeof text, "x %lldx%lldx%lldx%lld w %lldx%lldx%lld out %lldx%lld groups %lld strides %lld %lld pads %lld %lld dilations %lld %lld epilogue %d non-finite %d",
             (long long)p.n, (long long)p.c, (long long)p.h, (long long)p.w, (long long)p.k, (long long)p.r, (long long)p.s, (long long)p.p, (long long)p.q,
             (long long)p.groups, (long long)p.stride_h, (long long)p.stride_w, (long long)p.pad_h, (long long)p.pad_w, (long long)p.dilation_h,
             (long long)p.dilation_w, epilogue, (int)how);
    floats x = guarded_random(p.n * p.c * p.h * p.w), w = guarded_random(p.k * (p.c / p.groups) * p.r * p.s), dy = guarded_random(p.n * p.k * p.p * p.q);
    poison(&x, how);
    poison(&dy, how);
    conv_wanted want = conv_reference(&p, &x, &w, &dy);
    conv_forward(l, p, epilogue, &x, &w, want.y, text);
    conv_dgrad(l, p, &dy, &w, want.dx, text);
    conv_wgrad(l, p, &dy, &x, want.dw, text);
    if (!guards_stand(&x) || !guards_stand(&w) || !guards_stand(&dy)) complain(l, "written outside an input", text);
    free(x.block), free(w.block), free(dy.block), free(want.y), free(want.dx), free(want.dw);
}

/* Output extents by the usual formula, the same stride, padding and dilation both ways. */
static pgd_conv_params conv(int64_t n, int64_t c, int64_t h, int64_t w, int64_t k, int64_t r, int64_t s, int64_t stride, int64_t pad, int64_t dilation, int64_t groups) {
    return (pgd_conv_params){.n = n, .c = c, .h = h, .w = w, .k = k, .r = r, .s = s, .groups = groups, .stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad,
                             .dilation_h = dilation, .dilation_w = dilation, .p = (h + 2 * pad - dilation * (r - 1) - 1) / stride + 1,
                             .q = (w + 2 * pad - dilation * (s - 1) - 1) / stride + 1};
}

static void convolutions_of_any_geometry(void **state) {
    level *l = *state;
    for (int64_t i = 0; i < cases(150, 3000); i++) {
        int64_t groups = pick(0, 2) ? 1 : pick(1, 4), dilation = pick(0, 3) ? 1 : pick(1, 3);
        pgd_conv_params p = conv(pick(1, 4), groups * pick(1, 9), pick(1, 20), pick(1, 20), groups * pick(1, 11), pick(1, 5), pick(1, 5), 1, 0, dilation, groups);
        p.stride_h = pick(1, 3), p.stride_w = pick(1, 3), p.pad_h = pick(0, 3), p.pad_w = pick(0, 3);
        p.dilation_w = pick(0, 3) ? dilation : pick(1, 3);
        /* any output extent the caller likes: one more or less than the usual formula says */
        int64_t reach_h = p.h + 2 * p.pad_h - p.dilation_h * (p.r - 1) - 1, reach_w = p.w + 2 * p.pad_w - p.dilation_w * (p.s - 1) - 1;
        p.p = (reach_h >= 0 ? reach_h / p.stride_h + 1 : 1) + pick(-1, 1);
        p.q = (reach_w >= 0 ? reach_w / p.stride_w + 1 : 1) + pick(-1, 1);
        if (p.p < 0) p.p = 0;
        if (p.q < 0) p.q = 0;
        check_conv(l, p, flip(), pick(0, 4) ? FINITE : (nonfinite)pick(1, 2));
    }
    assert_int_equal(l->complaints, 0);
}

static void convolutions_of_networks(void **state) {
    level *l = *state;
    check_conv(l, conv(3, 1, 28, 28, 32, 3, 3, 1, 1, 1, 1), 1, FINITE);
    check_conv(l, conv(2, 32, 28, 28, 33, 3, 3, 1, 0, 1, 1), 1, FINITE);
    check_conv(l, conv(9, 40, 7, 7, 24, 3, 3, 1, 1, 1, 1), 1, WITH_NAN);
    check_conv(l, conv(24, 20, 28, 28, 40, 3, 3, 1, 1, 1, 1), 1, FINITE); /* dw summed in several shares, at every level */
    check_conv(l, conv(3, 70, 14, 14, 72, 1, 1, 1, 0, 1, 1), 1, WITH_INF);
    check_conv(l, conv(3, 70, 15, 13, 31, 1, 1, 2, 0, 1, 1), 1, FINITE);
    check_conv(l, conv(2, 24, 33, 29, 24, 3, 3, 1, 1, 1, 24), 1, FINITE);
    check_conv(l, conv(2, 24, 33, 29, 48, 3, 3, 2, 1, 1, 24), 1, FINITE);
    check_conv(l, conv(1, 3, 64, 64, 16, 7, 7, 2, 3, 1, 1), 1, FINITE);
    check_conv(l, conv(1, 4, 60, 60, 5, 3, 3, 2, 2, 2, 1), 1, FINITE);
    assert_int_equal(l->complaints, 0);
}

static void convolutions_of_odd_proportions(void **state) {
    level *l = *state;
    check_conv(l, conv(0, 3, 8, 8, 4, 3, 3, 1, 1, 1, 1), 0, FINITE);
    check_conv(l, conv(2, 64, 1, 1, 100, 1, 1, 1, 0, 1, 1), 1, FINITE);
    check_conv(l, conv(600, 8, 1, 1, 9, 1, 1, 1, 0, 1, 1), 0, FINITE);
    check_conv(l, conv(1, 2, 40, 40, 3, 31, 31, 1, 15, 1, 1), 1, FINITE);
    check_conv(l, conv(1, 300, 4, 4, 2, 4, 4, 1, 0, 1, 1), 1, FINITE);
    check_conv(l, conv(1, 2, 1, 5000, 3, 1, 3, 1, 1, 1, 1), 1, FINITE);
    check_conv(l, conv(1, 2, 5, 1500, 3, 3, 3, 2, 1, 1, 1), 0, FINITE);
    check_conv(l, conv(1, 1, 700, 700, 1, 2, 2, 300, 0, 1, 1), 1, FINITE);
    check_conv(l, conv(1, 1, 460, 460, 2, 2, 2, 1, 0, 450, 1), 1, FINITE);
    check_conv(l, conv(1, 1, 460, 460, 1, 2, 2, 2, 0, 440, 1), 1, FINITE);
    assert_int_equal(l->complaints, 0);
}

/* ---- every test at every usable level -------------------------------------------------------------------------------------------------------------- */

static int begin(void **state) {
    level *l = *state;
    l->complaints = 0;
    random_state = 88172645463325252u;
    return 0;
}

int main(void) {
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } sentences[] = {
        {"products of edge sizes", products_of_edge_sizes},
        {"products larger than every block", products_larger_than_every_block},
        {"thin products", thin_products},
        {"batched products", batched_products},
        {"convolutions of any geometry", convolutions_of_any_geometry},
        {"convolutions of networks", convolutions_of_networks},
        {"convolutions of odd proportions", convolutions_of_odd_proportions},
    };
    enum { SENTENCES = sizeof sentences / sizeof *sentences };
    static level levels[PGD_ISA_COUNT];
    static char names[PGD_ISA_COUNT][SENTENCES][64];
    int failed = 0;
    scratch = aligned_alloc(64, PGD_SCRATCH_BYTES + GUARD);
    if (scratch == NULL) return 1;
    for (int isa = 0; isa < PGD_ISA_COUNT; isa++) {
        if (!pgd_isa_usable((pgd_isa)isa)) continue;
        struct CMUnitTest tests[SENTENCES];
        levels[isa].kernels = pgd_gemm_kernels_for((pgd_isa)isa);
        for (int i = 0; i < SENTENCES; i++) {
            snprintf(names[isa][i], sizeof names[isa][i], "%s: %s", pgd_isa_name((pgd_isa)isa), sentences[i].name);
            tests[i] = (struct CMUnitTest){names[isa][i], sentences[i].function, begin, NULL, &levels[isa]};
        }
        failed += cmocka_run_group_tests(tests, NULL, NULL);
    }
    free(scratch);
    return failed != 0;
}
