/* SPDX-License-Identifier: Apache-2.0
 * exp(0) + 1, evaluated at once; prints the version and 2. */
#include <pagoda/pagoda.h>
#include <stdio.h>

int main(void) {
    float y = 0;
    pgd_device *device = NULL;
    pgd_evaluator *evaluator = NULL;
    pgd_graph *g = NULL;
    pgd_status status = pgd_device_open("cpu", NULL, &device);
    if (status == PGD_OK) status = pgd_evaluator_create(device, 0, NULL, &evaluator);
    if (status == PGD_OK) status = pgd_graph_create(&g);
    if (status == PGD_OK) status = pgd_eval(evaluator, g, pgd_add(g, pgd_exp(g, pgd_scalar(g, PGD_F32, 0)), pgd_scalar(g, PGD_F32, 1)), NULL, &y, sizeof y);
    if (status == PGD_OK)
        printf("%s %g\n", pgd_version(), (double)y);
    else
        fprintf(stderr, "%s\n", pgd_error_text());
    pgd_graph_destroy(g);
    pgd_evaluator_destroy(evaluator);
    pgd_device_close(device);
    return status == PGD_OK ? 0 : 1;
}
