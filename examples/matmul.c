/* SPDX-License-Identifier: Apache-2.0
 * The C API in ten lines: say what is to be computed, and ask for the result. */
#include <pagoda/pagoda.h>
#include <stdio.h>

int main(void) {
    const float a[2][3] = {{1, 2, 3}, {4, 5, 6}}, b[3][2] = {{7, 8}, {9, 10}, {11, 12}};
    float c[2][2];
    pgd_device *device = NULL;
    pgd_graph *graph = NULL;
    pgd_plan *plan = NULL;
    pgd_run *run = NULL;
    bool ok = pgd_device_open("auto", NULL, &device) == PGD_OK && pgd_graph_create(&graph) == PGD_OK;
    if (ok) {
        pgd_value *x = pgd_input(graph, "x", PGD_F32, pgd_symshape_of(2, 2, 3));
        pgd_output(graph, "y", pgd_matmul(graph, x, pgd_constant(graph, PGD_F32, pgd_shape_of(2, 3, 2), b), false, false));
        ok = pgd_plan_compile(device, graph, NULL, &plan) == PGD_OK && pgd_run_create(plan, NULL, &run) == PGD_OK &&
             pgd_run_set(run, "x", pgd_shape_of(2, 2, 3), a) == PGD_OK && pgd_run_execute(run) == PGD_OK && pgd_run_get(run, "y", c, sizeof c) == PGD_OK;
    }
    if (ok)
        printf("%g %g\n%g %g\n", (double)c[0][0], (double)c[0][1], (double)c[1][0], (double)c[1][1]);
    else
        fprintf(stderr, "%s\n", pgd_error_text());
    pgd_run_destroy(run);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(graph);
    pgd_device_close(device);
    return ok ? 0 : 1;
}
