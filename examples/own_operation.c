/* SPDX-License-Identifier: Apache-2.0
 * An operation of one's own by a table of C functions: softshrink, x - t above t, x + t below -t, 0 between. The library asks the table for the shape of the result, cuts the work into
 * pieces for its threads, and builds the gradient with it. */
#include <pagoda/pagoda.h>
#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 7 };

static void must(pgd_status status) {
    if (status == PGD_OK) return;
    fprintf(stderr, "%s\n", pgd_error_text());
    exit(1);
}

static const char *softshrink_infer(void *user, pgd_graph *graph, pgd_value *const *inputs, int32_t count, pgd_dtype *dtype, pgd_symshape *shape) {
    (void)user, (void)graph, (void)inputs, (void)shape; /* the result is as input 0 */
    return count == 1 && *dtype == PGD_F32 ? NULL : "one f32 tensor is needed";
}

static int64_t softshrink_pieces(void *user, const pgd_tensor_view *inputs, int32_t count, const pgd_tensor_view *result) {
    (void)user, (void)inputs, (void)count;
    return 1 + pgd_shape_elems(result->shape) / 16384;
}

static void softshrink_run(void *user, const pgd_tensor_view *inputs, int32_t count, const pgd_tensor_view *result, int64_t piece, int64_t pieces) {
    (void)count;
    float t = *(const float *)user;
    int64_t n = pgd_shape_elems(result->shape);
    const float *x = inputs[0].data;
    float *y = result->data;
    for (int64_t i = n * piece / pieces; i < n * (piece + 1) / pieces; i++) y[i] = x[i] > t ? x[i] - t : x[i] < -t ? x[i] + t : 0;
}

/* 1 where |x| > t, else 0: written with the library's own operations. */
static void softshrink_gradient(void *user, pgd_graph *graph, pgd_value *const *inputs, int32_t count, pgd_value *result, pgd_value *dy, pgd_value **gradients) {
    (void)count, (void)result;
    pgd_value *outside = pgd_lt(graph, pgd_scalar(graph, PGD_F32, (double)*(const float *)user), pgd_abs(graph, inputs[0]));
    gradients[0] = pgd_mul(graph, dy, pgd_cast(graph, outside, PGD_F32));
}

static float threshold = 0.5f;
static const pgd_custom_op softshrink = {.struct_bytes = sizeof(pgd_custom_op), .name = "softshrink", .user = &threshold, .infer = softshrink_infer,
                                         .pieces = softshrink_pieces, .run = softshrink_run, .gradient = softshrink_gradient};

int main(void) {
    const float x[COUNT] = {-2, -1, -0.25f, 0, 0.5f, 1, 3};
    float y[COUNT], dx[COUNT];
    pgd_device *device;
    pgd_graph *g;
    pgd_plan *plan;
    pgd_run *run;
    must(pgd_device_open("cpu", NULL, &device));
    must(pgd_graph_create(&g));
    pgd_value *in = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, COUNT)), *out = pgd_custom(g, &softshrink, &in, 1), *gradient;
    must(pgd_gradients(g, pgd_sum(g, pgd_mul(g, out, out), (int32_t[]){0}, 1), &in, 1, &gradient));
    pgd_output(g, "y", out);
    pgd_output(g, "dx", gradient); /* of the sum of squares: 2 y where it is not flat */
    must(pgd_plan_compile(device, g, NULL, &plan));
    must(pgd_run_create(plan, NULL, &run));
    must(pgd_run_set(run, "x", pgd_shape_of(1, COUNT), x));
    must(pgd_run_execute(run));
    must(pgd_run_get(run, "y", y, sizeof y));
    must(pgd_run_get(run, "dx", dx, sizeof dx));
    for (int i = 0; i < COUNT; i++) printf("softshrink(%g) = %g, gradient %g\n", (double)x[i], (double)y[i], (double)dx[i]);
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_device_close(device);
    return 0;
}
