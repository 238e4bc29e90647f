/* SPDX-License-Identifier: Apache-2.0
 * What cannot be an ONNX model is refused with a sentence and leaves no file; names that the exporter makes up meet nobody's. (That models are right: tests/onnx.) */
#include <pagoda/engine.h>
#include <unistd.h>

#include "check.h"

static const char path[] = "test_onnx_export.onnx";
static pgd_graph *g;

static int set_up(void **state) {
    ok(pgd_graph_create(&g));
    unlink(path);
    return 0;
}

static int tear_down(void **state) {
    pgd_graph_destroy(g);
    unlink(path);
    return 0;
}

static void refused(pgd_status status, const char *sentence) {
    assert_int_equal(pgd_onnx_save(g, NULL, path, NULL), status);
    check(strstr(pgd_error_text(), sentence) != NULL, "\"%s\" does not say \"%s\"", pgd_error_text(), sentence);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void what_is_no_model_is_refused(void **unused) {
    refused(PGD_BAD_ARG, "the graph has no outputs");
    pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(1, 3));
    pgd_output(g, "x", pgd_exp(g, x));
    refused(PGD_BAD_ARG, "\"x\" names an output and an input or parameter");
    tear_down(NULL);
    set_up(NULL);
    pgd_output(g, "y", pgd_sub(g, pgd_input(g, "v", PGD_F32, pgd_symshape_of(1, 2)), pgd_param(g, "v", PGD_F32, pgd_symshape_of(1, 2))));
    refused(PGD_BAD_ARG, "\"v\" names an input and a parameter");
}

static void states_and_random_numbers_are_refused(void **unused) {
    pgd_value *w = pgd_param(g, "w", PGD_F32, pgd_symshape_of(1, 3));
    pgd_output(g, "y", w);
    refused(PGD_BAD_ARG, "the state has no tensor \"w\"");
    pgd_update(g, "w", pgd_exp(g, w));
    refused(PGD_UNSUPPORTED, "updates the state tensor \"w\"");
    tear_down(NULL);
    set_up(NULL);
    pgd_output(g, "y", pgd_uniform(g, pgd_constant(g, PGD_I64, pgd_shape_of(1, 2), (int64_t[]){1, 2}), pgd_symshape_of(1, 70000)));
    refused(PGD_UNSUPPORTED, "uniform cannot be written");
}

/* The result of a transposed convolution follows from its input; that of a derivative need not. */
static void a_derivative_of_a_strided_convolution_is_one_only_at_known_sizes(void **unused) {
    for (int known = 0; known < 2; known++) {
        pgd_conv_options o;
        pgd_value *d;
        tear_down(NULL);
        set_up(NULL);
        pgd_conv_options_init(&o, sizeof o);
        o.stride_h = o.stride_w = 2, o.pad_top = o.pad_left = o.pad_bottom = o.pad_right = 1;
        pgd_value *x = pgd_input(g, "x", PGD_F32, pgd_symshape_of(4, 1, 2, known ? 6 : pgd_graph_symbol(g, "H", 4, 10), 8)), *w = pgd_input(g, "w", PGD_F32, pgd_symshape_of(4, 3, 2, 3, 3));
        ok(pgd_gradients(g, pgd_conv(g, x, w, &o), &x, 1, &d));
        pgd_output(g, "dx", d);
        if (known)
            ok(pgd_onnx_save(g, NULL, path, NULL));
        else
            refused(PGD_UNSUPPORTED, "is not that of a transposed convolution at every size");
    }
}

static void made_up_names_avoid_those_that_are_there(void **unused) {
    static char bytes[1 << 16];
    pgd_value *x = pgd_input(g, "Exp_0", PGD_F32, pgd_symshape_of(1, 3));
    pgd_output(g, "Exp_1", pgd_exp(g, x));
    ok(pgd_onnx_save(g, NULL, path, NULL));
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    int results = 0;
    for (size_t i = 0; i + 7 < count; i++) results += memcmp(bytes + i, "\x12\x05" "Exp_2", 7) == 0; /* output of a node, 5 bytes long */
    assert_int_equal(results, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(what_is_no_model_is_refused, set_up, tear_down), cmocka_unit_test_setup_teardown(states_and_random_numbers_are_refused, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(a_derivative_of_a_strided_convolution_is_one_only_at_known_sizes, set_up, tear_down),
                                       cmocka_unit_test_setup_teardown(made_up_names_avoid_those_that_are_there, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
