/* SPDX-License-Identifier: Apache-2.0
 * Every exported function is called with each of its pointers NULL in turn: it names itself and the argument, and gives back nothing. A function
 * of tools/exports.txt that is not called here fails the last test. */
#include <check.h>
#include <pagoda/pagoda.h>

/* ---- what is called, and what must come of it ------------------------------------------------------------------------------------------ */

static const char *called[1024];
static int calls;

static void begin(const char *function) {
    check(calls < (int)(sizeof called / sizeof *called), "make called larger");
    called[calls++] = function;
    (void)pgd_fail(PGD_OK, "nothing was said");
}

static void said(const char *sentence) { check(strstr(pgd_error_text(), sentence) != NULL, "\"%s\" was expected, not \"%s\"", sentence, pgd_error_text()); }

/* One argument is NULL, the one whose name is given. */
#define SAYS(function, argument) said(#function ": " #argument " is NULL")
#define STATUS(function, argument, ...)                                            \
    do {                                                                           \
        begin(#function);                                                          \
        fails(PGD_BAD_ARG, #function ": " #argument " is NULL", function(__VA_ARGS__)); \
    } while (0)
#define MAKES(function, argument, out, ...)         \
    do {                                            \
        (out) = (void *)&poison;                    \
        STATUS(function, argument, __VA_ARGS__);    \
        assert_null(out);                           \
    } while (0)
#define GIVES(nothing, function, argument, ...)               \
    do {                                                      \
        begin(#function);                                     \
        check(function(__VA_ARGS__) == (nothing), "%s gave something", #function); \
        SAYS(function, argument);                             \
    } while (0)
#define DOES(function, argument, ...)    \
    do {                                 \
        begin(#function);                \
        function(__VA_ARGS__);           \
        SAYS(function, argument);        \
    } while (0)

/* The graph keeps the sentence. */
#define BUILDS(function, argument, ...)                                             \
    do {                                                                            \
        fresh_graph();                                                              \
        GIVES(NULL, function, argument, __VA_ARGS__);                               \
        fails(PGD_BAD_ARG, #function ": " #argument " is NULL", pgd_graph_status(g)); \
    } while (0)
#define NO_GRAPH(function, ...)                              \
    do {                                                     \
        fresh_graph();                                       \
        GIVES(NULL, function, graph, NULL, __VA_ARGS__);     \
    } while (0)

/* Allowed, and done. */
#define FINE(function, ...)      \
    do {                         \
        begin(#function);        \
        ok(function(__VA_ARGS__)); \
    } while (0)
#define FREES(function)   \
    do {                  \
        begin(#function); \
        function(NULL);   \
    } while (0)

/* ---- one of everything ------------------------------------------------------------------------------------------------------------------- */

static int poison;
static float numbers[4];
static const pgd_shape two = {1, {2}};
static const pgd_symshape symbolic_two = {1, {2}};
static pgd_device *device;
static pgd_buffer *buffer;
static pgd_stream *stream;
static pgd_event *event;
static pgd_graph *g;
static pgd_value *x, *key, *labels;
static pgd_plan *plan;
static pgd_state *state;
static pgd_run *run;
static pgd_evaluator *evaluator;
static pgd_layer *layer;
static pgd_classifier_options options;
static pgd_loader *loader;
static pgd_classifier *classifier;
static pgd_trainer *trainer;

static void sample(void *user, int64_t index, uint64_t random, void *const *to) {
    (void)user, (void)random;
    memset(to[0], (int)index, 4);
    *(int32_t *)to[1] = (int32_t)index % 2;
}
static const pgd_field fields[2] = {{"samples", PGD_U8, {3, {1, 2, 2}}}, {"labels", PGD_I32, {0}}};
static const pgd_dataset dataset = {.count = 4, .fields = fields, .field_count = 2, .sample = sample};

static void fresh_graph(void) {
    pgd_graph_destroy(g);
    ok(pgd_graph_create(&g));
    x = pgd_input(g, "x", PGD_F32, (pgd_symshape){2, {2, 2}});
    key = pgd_input(g, "key", PGD_I64, symbolic_two);
    labels = pgd_input(g, "labels", PGD_I32, symbolic_two);
    ok(pgd_graph_status(g));
}

static int make_everything(void **unused) {
    (void)unused;
    ok(pgd_device_open("cpu", NULL, &device));
    ok(pgd_buffer_create(device, sizeof numbers, &buffer));
    ok(pgd_stream_create(device, &stream));
    ok(pgd_event_create(device, &event));
    fresh_graph();
    pgd_output(g, "y", pgd_neg(g, x));
    ok(pgd_plan_compile(device, g, NULL, &plan));
    ok(pgd_state_create(device, &state));
    ok(pgd_run_create(plan, state, &run));
    ok(pgd_run_set(run, "x", (pgd_shape){2, {2, 2}}, numbers));
    ok(pgd_run_execute(run));
    ok(pgd_evaluator_create(device, 0, NULL, &evaluator));
    layer = pgd_layer_sequential((pgd_layer *[]){pgd_layer_flatten(), pgd_layer_linear(4, 2, true)}, 2);
    pgd_classifier_options_init(&options, sizeof options);
    options.channels = 1, options.height = options.width = 2;
    ok(pgd_loader_create(&dataset, NULL, &loader));
    ok(pgd_trainer_create(device, layer, state, &dataset, pgd_classifier_loss, &options, NULL, &trainer));
    ok(pgd_classifier_create(device, layer, state, &options, &classifier));
    return 0;
}

static int destroy_everything(void **unused) {
    (void)unused;
    pgd_classifier_destroy(classifier);
    pgd_trainer_destroy(trainer);
    pgd_loader_destroy(loader);
    pgd_layer_destroy(layer);
    pgd_evaluator_destroy(evaluator);
    pgd_run_destroy(run);
    pgd_state_destroy(state);
    pgd_plan_destroy(plan);
    pgd_graph_destroy(g);
    pgd_event_destroy(event);
    pgd_stream_destroy(stream);
    pgd_buffer_destroy(buffer);
    pgd_device_close(device);
    return 0;
}

/* ---- storey by storey ---------------------------------------------------------------------------------------------------------------------- */

static void those_without_pointers(void **unused) {
    static const char *const names[] = {
        "pgd_status_name", "pgd_error_text", "pgd_version", "pgd_dtype_name", "pgd_dtype_bytes", "pgd_shape_elems", "pgd_shape_equal", "pgd_device_count", "pgd_kernel_count", "pgd_operation_count",
        "pgd_layer_linear", "pgd_layer_batch_norm", "pgd_layer_dropout", "pgd_layer_max_pool", "pgd_layer_avg_pool", "pgd_layer_global_avg_pool", "pgd_layer_identity", "pgd_layer_relu", "pgd_layer_relu6", "pgd_layer_sigmoid",
        "pgd_layer_tanh", "pgd_layer_flatten", "pgd_layer_gelu", "pgd_layer_silu", "pgd_layer_layer_norm", "pgd_layer_rms_norm", "pgd_layer_group_norm", "pgd_layer_embedding", "pgd_layer_positions"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) begin(names[i]);
}

static void destroying_nothing(void **unused) {
    (void)unused;
    FREES(pgd_device_close);
    FREES(pgd_buffer_destroy);
    FREES(pgd_stream_destroy);
    FREES(pgd_event_destroy);
    FREES(pgd_graph_destroy);
    FREES(pgd_text_free);
    FREES(pgd_plan_destroy);
    FREES(pgd_state_destroy);
    FREES(pgd_run_destroy);
    FREES(pgd_evaluator_destroy);
    FREES(pgd_layer_destroy);
    FREES(pgd_loader_destroy);
    FREES(pgd_classifier_destroy);
    FREES(pgd_trainer_destroy);
}

static void base_and_driver(void **unused) {
    (void)unused;
    begin("pgd_init"); /* NULL: the defaults; refused here because memory is in use */
    fails(PGD_BAD_STATE, "in use", pgd_init(NULL));
    begin("pgd_memory_in_use");
    pgd_memory_in_use(NULL, NULL);
    begin("pgd_shape_make");
    assert_int_equal(pgd_shape_make(NULL, 1).rank, -1);
    SAYS(pgd_shape_make, list);
    begin("pgd_symshape_make");
    assert_int_equal(pgd_symshape_make(NULL, 1).rank, -1);
    SAYS(pgd_symshape_make, list);
    DOES(pgd_init_options_init, options, NULL, sizeof(pgd_init_options));
    STATUS(pgd_device_info_get, out, 0, NULL);
    STATUS(pgd_kernel_info_get, out, 0, NULL);
    STATUS(pgd_operation_info_get, out, 0, NULL);
}

static void runtime(void **unused) {
    pgd_device *d;
    pgd_buffer *b;
    pgd_stream *s;
    pgd_event *e;
    uint64_t ns;
    (void)unused;
    DOES(pgd_device_options_init, options, NULL, sizeof(pgd_device_options));
    STATUS(pgd_device_open, out, NULL, NULL, NULL);
    FINE(pgd_device_open, NULL, NULL, &d);
    pgd_device_close(d);
    MAKES(pgd_buffer_create, device, b, NULL, 4, &b);
    STATUS(pgd_buffer_create, out, device, 4, NULL);
    MAKES(pgd_buffer_wrap, device, b, NULL, numbers, 4, &b);
    MAKES(pgd_buffer_wrap, bytes, b, device, NULL, 4, &b);
    STATUS(pgd_buffer_wrap, out, device, numbers, 4, NULL);
    GIVES(0, pgd_buffer_bytes, buffer, NULL);
    GIVES(NULL, pgd_buffer_address, buffer, NULL);
    STATUS(pgd_buffer_write, to, NULL, 0, numbers, 4);
    STATUS(pgd_buffer_write, from, buffer, 0, NULL, 4);
    FINE(pgd_buffer_write, buffer, 0, NULL, 0);
    STATUS(pgd_buffer_read, to, NULL, buffer, 0, 4);
    STATUS(pgd_buffer_read, from, numbers, NULL, 0, 4);
    FINE(pgd_buffer_read, NULL, buffer, 0, 0);
    MAKES(pgd_stream_create, device, s, NULL, &s);
    STATUS(pgd_stream_create, out, device, NULL);
    STATUS(pgd_stream_sync, stream, NULL);
    MAKES(pgd_event_create, device, e, NULL, &e);
    STATUS(pgd_event_create, out, device, NULL);
    STATUS(pgd_event_record, event, NULL, stream);
    STATUS(pgd_event_record, stream, event, NULL);
    STATUS(pgd_event_elapsed, from, NULL, event, &ns);
    STATUS(pgd_event_elapsed, to, event, NULL, &ns);
    STATUS(pgd_event_elapsed, elapsed_ns, event, event, NULL);
}

static void graphs(void **unused) {
    pgd_graph *made;
    char *text;
    (void)unused;
    STATUS(pgd_graph_create, out, NULL);
    STATUS(pgd_graph_status, graph, NULL);
    STATUS(pgd_graph_verify, graph, NULL);
    MAKES(pgd_graph_print, graph, text, NULL, &text);
    STATUS(pgd_graph_print, out, g, NULL);
    MAKES(pgd_graph_parse, text, made, NULL, 3, &made);
    STATUS(pgd_graph_parse, out, "pagoda graph 1\n", 15, NULL);
    GIVES(0, pgd_graph_symbol, graph, NULL, "N", 1, 2);
    fresh_graph();
    GIVES(0, pgd_graph_symbol, name, g, NULL, 1, 2);
    fails(PGD_BAD_ARG, "pgd_graph_symbol: name is NULL", pgd_graph_status(g));
    GIVES((pgd_dtype)0, pgd_value_dtype, value, NULL);
    begin("pgd_value_shape");
    assert_int_equal(pgd_value_shape(NULL).rank, 0);
    SAYS(pgd_value_shape, value);
    DOES(pgd_output, graph, NULL, "y", x);
    DOES(pgd_update, graph, NULL, "y", x);
    fresh_graph();
    DOES(pgd_output, name, g, NULL, x);
    fresh_graph();
    DOES(pgd_output, value, g, "y", NULL);
    fails(PGD_BAD_ARG, "pgd_output: value is NULL", pgd_graph_status(g));
    fresh_graph();
    DOES(pgd_update, name, g, NULL, x);
    fresh_graph();
    DOES(pgd_update, value, g, "y", NULL);
    fails(PGD_BAD_ARG, "pgd_update: value is NULL", pgd_graph_status(g));
}

static void leaves_and_elementwise_builders(void **unused) {
    (void)unused;
    NO_GRAPH(pgd_input, "x", PGD_F32, symbolic_two);
    BUILDS(pgd_input, name, g, NULL, PGD_F32, symbolic_two);
    NO_GRAPH(pgd_param, "x", PGD_F32, symbolic_two);
    BUILDS(pgd_param, name, g, NULL, PGD_F32, symbolic_two);
    NO_GRAPH(pgd_constant, PGD_F32, two, numbers);
    BUILDS(pgd_constant, bytes, g, PGD_F32, two, NULL);
    NO_GRAPH(pgd_scalar, PGD_F32, 1);
    NO_GRAPH(pgd_fill, PGD_F32, symbolic_two, 1);
    NO_GRAPH(pgd_iota, PGD_F32, symbolic_two, 0);
    NO_GRAPH(pgd_dim_size, PGD_F32, symbolic_two);
    NO_GRAPH(pgd_uniform, key, symbolic_two);
    BUILDS(pgd_uniform, key, g, NULL, symbolic_two);
    NO_GRAPH(pgd_normal, key, symbolic_two);
    BUILDS(pgd_normal, key, g, NULL, symbolic_two);
#define X(NAME, name)                   \
    NO_GRAPH(pgd_##name, x);            \
    BUILDS(pgd_##name, x, g, NULL);
    PGD_UNARY_LIST(X)
#undef X
#define X(NAME, name)                   \
    NO_GRAPH(pgd_##name, x, x);         \
    BUILDS(pgd_##name, a, g, NULL, x);  \
    BUILDS(pgd_##name, b, g, x, NULL);
    PGD_BINARY_LIST(X)
#undef X
    NO_GRAPH(pgd_where, x, x, x);
    BUILDS(pgd_where, condition, g, NULL, x, x);
    BUILDS(pgd_where, a, g, x, NULL, x);
    BUILDS(pgd_where, b, g, x, x, NULL);
    NO_GRAPH(pgd_cast, x, PGD_F32);
    BUILDS(pgd_cast, x, g, NULL, PGD_F32);
}

static void other_builders(void **unused) {
    const int32_t axis = 0, swap[2] = {1, 0};
    pgd_value *mean = x, *variance = x, *none = NULL, *dx;
    (void)unused;
#define REDUCTION(name)                              \
    NO_GRAPH(name, x, &axis, 1);                     \
    BUILDS(name, x, g, NULL, &axis, 1);              \
    BUILDS(name, axes, g, x, NULL, 1);
    REDUCTION(pgd_sum)
    REDUCTION(pgd_mean)
    REDUCTION(pgd_reduce_max)
    REDUCTION(pgd_reduce_min)
    REDUCTION(pgd_prod)
    NO_GRAPH(pgd_argmax, x, 0);
    BUILDS(pgd_argmax, x, g, NULL, 0);
    NO_GRAPH(pgd_gather_elements, x, x, 0);
    BUILDS(pgd_gather_elements, x, g, NULL, labels, 0);
    BUILDS(pgd_gather_elements, indices, g, x, NULL, 0);
    NO_GRAPH(pgd_scatter_elements, x, x, x, 0, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_elements, x, g, NULL, labels, x, 0, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_elements, indices, g, x, NULL, x, 0, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_elements, updates, g, x, labels, NULL, 0, PGD_SCATTER_SET);
    NO_GRAPH(pgd_gather_nd, x, x);
    BUILDS(pgd_gather_nd, x, g, NULL, labels);
    BUILDS(pgd_gather_nd, indices, g, x, NULL);
    NO_GRAPH(pgd_scatter_nd, x, x, x, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_nd, x, g, NULL, labels, x, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_nd, indices, g, x, NULL, x, PGD_SCATTER_SET);
    BUILDS(pgd_scatter_nd, updates, g, x, labels, NULL, PGD_SCATTER_SET);
    NO_GRAPH(pgd_custom, &(pgd_custom_op){.struct_bytes = 1}, &x, 1);
    BUILDS(pgd_custom, op, g, NULL, &x, 1);
    BUILDS(pgd_custom, inputs, g, &(pgd_custom_op){.struct_bytes = 1}, NULL, 1);
    NO_GRAPH(pgd_topk, x, 1, true, &mean);
    BUILDS(pgd_topk, x, g, NULL, 1, true, NULL);
    NO_GRAPH(pgd_reverse, x, &axis, 1);
    BUILDS(pgd_reverse, x, g, NULL, &axis, 1);
    BUILDS(pgd_reverse, axes, g, x, NULL, 1);
    NO_GRAPH(pgd_conv1d, x, x, NULL);
    BUILDS(pgd_conv1d, x, g, NULL, x, NULL);
    BUILDS(pgd_conv1d, w, g, x, NULL, NULL);
    NO_GRAPH(pgd_conv3d, x, x, NULL);
    BUILDS(pgd_conv3d, x, g, NULL, x, NULL);
    BUILDS(pgd_conv3d, w, g, x, NULL, NULL);
    NO_GRAPH(pgd_conv_transpose, x, x, NULL);
    BUILDS(pgd_conv_transpose, x, g, NULL, x, NULL);
    BUILDS(pgd_conv_transpose, w, g, x, NULL, NULL);
    DOES(pgd_conv1d_options_init, options, NULL, sizeof(pgd_conv1d_options));
    DOES(pgd_conv3d_options_init, options, NULL, sizeof(pgd_conv3d_options));
    DOES(pgd_conv_transpose_options_init, options, NULL, sizeof(pgd_conv_transpose_options));
    NO_GRAPH(pgd_max_pool1d, x, 2, 0, 0);
    BUILDS(pgd_max_pool1d, x, g, NULL, 2, 0, 0);
    NO_GRAPH(pgd_avg_pool1d, x, 2, 0, 0);
    BUILDS(pgd_avg_pool1d, x, g, NULL, 2, 0, 0);
    NO_GRAPH(pgd_resize, x, 2, 2, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL);
    BUILDS(pgd_resize, x, g, NULL, 2, 2, PGD_RESIZE_LINEAR, PGD_RESIZE_HALF_PIXEL);
    NO_GRAPH(pgd_lstm, x, x, x, x, &mean);
    BUILDS(pgd_lstm, x, g, NULL, x, x, x, NULL);
    BUILDS(pgd_lstm, w, g, x, NULL, x, x, NULL);
    BUILDS(pgd_lstm, h0, g, x, x, NULL, x, NULL);
    BUILDS(pgd_lstm, c0, g, x, x, x, NULL, NULL);
    NO_GRAPH(pgd_gru, x, x, x, x);
    BUILDS(pgd_gru, x, g, NULL, x, x, x);
    BUILDS(pgd_gru, w, g, x, NULL, x, x);
    BUILDS(pgd_gru, b, g, x, x, NULL, x);
    BUILDS(pgd_gru, h0, g, x, x, x, NULL);
    NO_GRAPH(pgd_rope, x, NULL, 1);
    BUILDS(pgd_rope, x, g, NULL, NULL, 1);
    NO_GRAPH(pgd_softmax_along, x, 0);
    BUILDS(pgd_softmax_along, x, g, NULL, 0);
    NO_GRAPH(pgd_log_softmax_along, x, 0);
    BUILDS(pgd_log_softmax_along, x, g, NULL, 0);
    NO_GRAPH(pgd_argmin, x, 0);
    BUILDS(pgd_argmin, x, g, NULL, 0);
    NO_GRAPH(pgd_cumsum, x, 0, false, false);
    BUILDS(pgd_cumsum, x, g, NULL, 0, false, false);
    NO_GRAPH(pgd_cumprod, x, 0, false, false);
    BUILDS(pgd_cumprod, x, g, NULL, 0, false, false);
    NO_GRAPH(pgd_reshape, x, symbolic_two);
    BUILDS(pgd_reshape, x, g, NULL, symbolic_two);
    NO_GRAPH(pgd_flatten, x, 1);
    BUILDS(pgd_flatten, x, g, NULL, 1);
    NO_GRAPH(pgd_transpose, x, swap);
    BUILDS(pgd_transpose, x, g, NULL, swap);
    BUILDS(pgd_transpose, permutation, g, x, NULL);
    NO_GRAPH(pgd_broadcast, x, symbolic_two);
    BUILDS(pgd_broadcast, x, g, NULL, symbolic_two);
    NO_GRAPH(pgd_slice, x, 0, 0, 1);
    BUILDS(pgd_slice, x, g, NULL, 0, 0, 1);
    NO_GRAPH(pgd_pad, x, 0, 0, 1, 0);
    BUILDS(pgd_pad, x, g, NULL, 0, 0, 1, 0);
    NO_GRAPH(pgd_concat, &x, 1, 0);
    BUILDS(pgd_concat, parts, g, NULL, 1, 0);
    BUILDS(pgd_concat, parts[i], g, &none, 1, 0);
    NO_GRAPH(pgd_matmul, x, x, false, false);
    BUILDS(pgd_matmul, a, g, NULL, x, false, false);
    BUILDS(pgd_matmul, b, g, x, NULL, false, false);
    DOES(pgd_conv_options_init, options, NULL, sizeof(pgd_conv_options));
    NO_GRAPH(pgd_conv, x, x, NULL);
    BUILDS(pgd_conv, x, g, NULL, x, NULL);
    BUILDS(pgd_conv, w, g, x, NULL, NULL);
    DOES(pgd_pool_options_init, options, NULL, sizeof(pgd_pool_options));
    NO_GRAPH(pgd_max_pool, x, NULL);
    BUILDS(pgd_max_pool, x, g, NULL, NULL);
    NO_GRAPH(pgd_avg_pool, x, NULL);
    BUILDS(pgd_avg_pool, x, g, NULL, NULL);
    DOES(pgd_moments, graph, NULL, x, &axis, 1, &mean, &variance);
    assert_true(mean == NULL && variance == NULL);
    fresh_graph();
    DOES(pgd_moments, x, g, NULL, &axis, 1, NULL, NULL);
    fresh_graph();
    DOES(pgd_moments, axes, g, x, NULL, 1, NULL, NULL);
    NO_GRAPH(pgd_batch_norm, x, x, x, 0, NULL, NULL);
    BUILDS(pgd_batch_norm, x, g, NULL, x, x, 0, NULL, NULL);
    BUILDS(pgd_batch_norm, gamma, g, x, NULL, x, 0, NULL, NULL);
    BUILDS(pgd_batch_norm, beta, g, x, x, NULL, 0, NULL, NULL);
    NO_GRAPH(pgd_layer_norm, x, x, x, 0);
    BUILDS(pgd_layer_norm, x, g, NULL, x, x, 0);
    BUILDS(pgd_layer_norm, gamma, g, x, NULL, x, 0);
    BUILDS(pgd_layer_norm, beta, g, x, x, NULL, 0);
    NO_GRAPH(pgd_rms_norm, x, x, 0);
    BUILDS(pgd_rms_norm, x, g, NULL, x, 0);
    BUILDS(pgd_rms_norm, gamma, g, x, NULL, 0);
    NO_GRAPH(pgd_group_norm, x, 1, x, x, 0);
    BUILDS(pgd_group_norm, x, g, NULL, 1, x, x, 0);
    BUILDS(pgd_group_norm, gamma, g, x, 1, NULL, x, 0);
    BUILDS(pgd_group_norm, beta, g, x, 1, x, NULL, 0);
    DOES(pgd_attention_options_init, options, NULL, sizeof(pgd_attention_options));
    NO_GRAPH(pgd_attention, x, x, x, NULL);
    BUILDS(pgd_attention, q, g, NULL, x, x, NULL);
    BUILDS(pgd_attention, k, g, x, NULL, x, NULL);
    BUILDS(pgd_attention, v, g, x, x, NULL, NULL);
    NO_GRAPH(pgd_gather, x, labels, 0);
    BUILDS(pgd_gather, x, g, NULL, labels, 0);
    BUILDS(pgd_gather, indices, g, x, NULL, 0);
    NO_GRAPH(pgd_update_slice, x, x, labels, 0);
    BUILDS(pgd_update_slice, x, g, NULL, x, labels, 0);
    BUILDS(pgd_update_slice, part, g, x, NULL, labels, 0);
    BUILDS(pgd_update_slice, start, g, x, x, NULL, 0);
    NO_GRAPH(pgd_softmax, x);
    BUILDS(pgd_softmax, x, g, NULL);
    NO_GRAPH(pgd_log_softmax, x);
    BUILDS(pgd_log_softmax, x, g, NULL);
    NO_GRAPH(pgd_softmax_xent, x, labels, 0);
    BUILDS(pgd_softmax_xent, logits, g, NULL, labels, 0);
    BUILDS(pgd_softmax_xent, labels, g, x, NULL, 0);
    fresh_graph();
    MAKES(pgd_gradients, graph, dx, NULL, x, &x, 1, &dx);
    MAKES(pgd_gradients, y, dx, g, NULL, &x, 1, &dx);
    MAKES(pgd_gradients, x, dx, g, x, NULL, 1, &dx);
    STATUS(pgd_gradients, gradients, g, x, &x, 1, NULL);
}

static void engine(void **unused) {
    pgd_plan *p;
    pgd_state *s;
    pgd_run *r;
    pgd_evaluator *e;
    pgd_step_profile step;
    char *text;
    (void)unused;
    fresh_graph();
    DOES(pgd_plan_options_init, options, NULL, sizeof(pgd_plan_options));
    MAKES(pgd_plan_compile, device, p, NULL, g, NULL, &p);
    MAKES(pgd_plan_compile, graph, p, device, NULL, NULL, &p);
    STATUS(pgd_plan_compile, out, device, g, NULL, NULL);
    MAKES(pgd_plan_print, plan, text, NULL, &text);
    STATUS(pgd_plan_print, out, plan, NULL);
    MAKES(pgd_state_create, device, s, NULL, &s);
    STATUS(pgd_state_create, out, device, NULL);
    STATUS(pgd_state_set, state, NULL, "a", PGD_F32, two, numbers);
    STATUS(pgd_state_set, name, state, NULL, PGD_F32, two, numbers);
    FINE(pgd_state_set, state, "a", PGD_F32, two, NULL);
    STATUS(pgd_state_get, state, NULL, "a", numbers, 8);
    STATUS(pgd_state_get, name, state, NULL, numbers, 8);
    STATUS(pgd_state_get, to, state, "a", NULL, 8);
    GIVES(0, pgd_state_count, state, NULL);
    STATUS(pgd_state_at, state, NULL, 0, NULL, NULL, NULL);
    FINE(pgd_state_at, state, 0, NULL, NULL, NULL);
    GIVES(-1, pgd_state_find, state, NULL, "a");
    GIVES(-1, pgd_state_find, name, state, NULL);
    MAKES(pgd_run_create, plan, r, NULL, state, &r);
    STATUS(pgd_run_create, out, plan, state, NULL);
    STATUS(pgd_run_set, run, NULL, "x", two, numbers);
    STATUS(pgd_run_set, name, run, NULL, two, numbers);
    STATUS(pgd_run_set, bytes, run, "x", (pgd_shape){2, {2, 2}}, NULL);
    STATUS(pgd_run_bind, run, NULL, "x", two, buffer);
    STATUS(pgd_run_bind, name, run, NULL, two, buffer);
    STATUS(pgd_run_bind, buffer, run, "x", two, NULL);
    STATUS(pgd_run_execute, run, NULL);
    STATUS(pgd_run_get, run, NULL, "y", numbers, 16);
    STATUS(pgd_run_get, name, run, NULL, numbers, 16);
    STATUS(pgd_run_get, to, run, "y", NULL, 16);
    STATUS(pgd_run_shape, run, NULL, "y", NULL, NULL);
    STATUS(pgd_run_shape, name, run, NULL, NULL, NULL);
    FINE(pgd_run_shape, run, "y", NULL, NULL);
    GIVES(0, pgd_run_workspace_bytes, run, NULL);
    DOES(pgd_run_profile, run, NULL, true);
    GIVES(0, pgd_run_step_count, run, NULL);
    STATUS(pgd_run_step, run, NULL, 0, &step);
    STATUS(pgd_run_step, out, run, 0, NULL);
    MAKES(pgd_evaluator_create, device, e, NULL, 0, NULL, &e);
    STATUS(pgd_evaluator_create, out, device, 0, NULL, NULL);
    STATUS(pgd_eval, evaluator, NULL, g, x, NULL, numbers, 16);
    STATUS(pgd_eval, graph, evaluator, NULL, x, NULL, numbers, 16);
    STATUS(pgd_eval, value, evaluator, g, NULL, NULL, numbers, 16);
    STATUS(pgd_eval, to, evaluator, g, x, NULL, NULL, 16);
    DOES(pgd_evaluator_counts, evaluator, NULL, NULL, NULL);
}

static pgd_status count(void *user, const pgd_parameter *parameter) {
    (void)parameter;
    ++*(int *)user;
    return PGD_OK;
}

static void layers_and_optimizers(void **unused) {
    const char *name = "w", *no_name = NULL;
    pgd_layer *one = pgd_layer_relu();
    (void)unused;
    DOES(pgd_layer_conv_options_init, options, NULL, sizeof(pgd_layer_conv_options));
    begin("pgd_layer_conv2d");
    pgd_layer_destroy(pgd_layer_conv2d(1, 1, 1, NULL));
    GIVES(NULL, pgd_layer_sequential, children, NULL, 2);
    begin("pgd_layer_sequential"); /* what was given with it is destroyed */
    assert_null(pgd_layer_sequential((pgd_layer *[]){pgd_layer_relu(), pgd_layer_linear(0, 1, true)}, 2));
    said("sequential: layer 1 is NULL; linear: 0 inputs");
    begin("pgd_layer_residual");
    assert_null(pgd_layer_residual(one, NULL));
    said("residual: layer 1 is NULL");
    fresh_graph();
    DOES(pgd_layer_attention_options_init, options, NULL, sizeof(pgd_layer_attention_options));
    DOES(pgd_layer_recurrent_options_init, options, NULL, sizeof(pgd_layer_recurrent_options));
    begin("pgd_layer_lstm");
    pgd_layer_destroy(pgd_layer_lstm(4, 2, NULL));
    begin("pgd_layer_gru");
    pgd_layer_destroy(pgd_layer_gru(4, 2, NULL));
    begin("pgd_layer_attention");
    pgd_layer_destroy(pgd_layer_attention(4, 2, NULL));
    GIVES(NULL, pgd_layer_named, name, NULL, pgd_layer_relu());
    assert_null(pgd_layer_named("x", NULL));
    DOES(pgd_recompute_begin, graph, NULL);
    DOES(pgd_recompute_end, graph, NULL);
    begin("pgd_layer_compute");
    assert_null(pgd_layer_compute(PGD_BF16, NULL));
    begin("pgd_layer_frozen");
    assert_null(pgd_layer_frozen(NULL));
    begin("pgd_layer_recomputed");
    assert_null(pgd_layer_recomputed(NULL));
    begin("pgd_layer_skip");
    assert_null(pgd_layer_skip(NULL));
    STATUS(pgd_layer_cache, layer, NULL, "", 1, 1, state);
    STATUS(pgd_layer_cache, prefix, layer, NULL, 1, 1, state);
    STATUS(pgd_layer_cache, state, layer, "", 1, 1, NULL);
    GIVES(NULL, pgd_layer_continue, graph, layer, NULL, x, x, 4, "");
    BUILDS(pgd_layer_continue, layer, NULL, g, x, x, 4, "");
    BUILDS(pgd_layer_continue, x, layer, g, NULL, x, 4, "");
    BUILDS(pgd_layer_continue, start, layer, g, x, NULL, 4, "");
    BUILDS(pgd_layer_continue, prefix, layer, g, x, x, 4, NULL);
    GIVES(NULL, pgd_layer_forward, graph, layer, NULL, x, false, "");
    BUILDS(pgd_layer_forward, layer, NULL, g, x, false, "");
    BUILDS(pgd_layer_forward, x, layer, g, NULL, false, "");
    BUILDS(pgd_layer_forward, prefix, layer, g, x, false, NULL);
    STATUS(pgd_layer_init, layer, NULL, "", 0, state, NULL);
    STATUS(pgd_layer_init, prefix, layer, NULL, 0, state, NULL);
    STATUS(pgd_layer_init, state, layer, "", 0, NULL, NULL);
    STATUS(pgd_layer_each, layer, NULL, "", count, NULL);
    STATUS(pgd_layer_each, prefix, layer, NULL, count, NULL);
    STATUS(pgd_layer_each, function, layer, "", NULL, NULL);
    GIVES(0, pgd_layer_parameters, layer, NULL);
    NO_GRAPH(pgd_loss_cross_entropy, x, labels, 0);
    BUILDS(pgd_loss_cross_entropy, logits, g, NULL, labels, 0);
    BUILDS(pgd_loss_cross_entropy, labels, g, x, NULL, 0);
    NO_GRAPH(pgd_loss_mse, x, x);
    BUILDS(pgd_loss_mse, prediction, g, NULL, x);
    BUILDS(pgd_loss_mse, target, g, x, NULL);
    DOES(pgd_optimizer_options_init, options, NULL, sizeof(pgd_optimizer_options), PGD_OPTIMIZER_SGD);
    fresh_graph();
    pgd_value *rate = pgd_scalar(g, PGD_F32, 1), *none = NULL;
    STATUS(pgd_optimizer_apply, graph, NULL, NULL, rate, &name, &x, &x, 1);
    STATUS(pgd_optimizer_apply, learning_rate, g, NULL, NULL, &name, &x, &x, 1);
    STATUS(pgd_optimizer_apply, names, g, NULL, rate, NULL, &x, &x, 1);
    STATUS(pgd_optimizer_apply, x, g, NULL, rate, &name, NULL, &x, 1);
    STATUS(pgd_optimizer_apply, gradients, g, NULL, rate, &name, &x, NULL, 1);
    fails(PGD_BAD_ARG, "its name or its gradient is NULL", pgd_optimizer_apply(g, NULL, rate, &no_name, &x, &x, 1));
    fails(PGD_BAD_ARG, "its name or its gradient is NULL", pgd_optimizer_apply(g, NULL, rate, &name, &none, &x, 1));
    const pgd_layer *some = layer, *no_layer = NULL;
    const char *prefix = "";
    STATUS(pgd_optimizer_minimize, graph, NULL, NULL, &some, &prefix, 1, x, rate);
    STATUS(pgd_optimizer_minimize, layers, g, NULL, NULL, &prefix, 1, x, rate);
    STATUS(pgd_optimizer_minimize, prefixes, g, NULL, &some, NULL, 1, x, rate);
    STATUS(pgd_optimizer_minimize, loss, g, NULL, &some, &prefix, 1, NULL, rate);
    STATUS(pgd_optimizer_minimize, learning_rate, g, NULL, &some, &prefix, 1, x, NULL);
    fails(PGD_BAD_ARG, "layer is NULL", pgd_optimizer_minimize(g, NULL, &no_layer, &prefix, 1, x, rate));
    fails(PGD_BAD_ARG, "prefix is NULL", pgd_optimizer_minimize(g, NULL, &some, &no_name, 1, x, rate));
    STATUS(pgd_optimizer_accumulate, graph, NULL, &some, &prefix, 1, x, 1);
    STATUS(pgd_optimizer_accumulate, layers, g, NULL, &prefix, 1, x, 1);
    STATUS(pgd_optimizer_accumulate, prefixes, g, &some, NULL, 1, x, 1);
    STATUS(pgd_optimizer_accumulate, loss, g, &some, &prefix, 1, NULL, 1);
    STATUS(pgd_optimizer_minimize_accumulated, graph, NULL, NULL, &some, &prefix, 1, x, 1, rate);
    STATUS(pgd_optimizer_minimize_accumulated, layers, g, NULL, NULL, &prefix, 1, x, 1, rate);
    STATUS(pgd_optimizer_minimize_accumulated, prefixes, g, NULL, &some, NULL, 1, x, 1, rate);
    STATUS(pgd_optimizer_minimize_accumulated, loss, g, NULL, &some, &prefix, 1, NULL, 1, rate);
    STATUS(pgd_optimizer_minimize_accumulated, learning_rate, g, NULL, &some, &prefix, 1, x, 1, NULL);
    STATUS(pgd_optimizer_init, layer, NULL, NULL, "", false, state);
    STATUS(pgd_optimizer_init, prefix, NULL, layer, NULL, false, state);
    STATUS(pgd_optimizer_init, state, NULL, layer, "", false, NULL);
    STATUS(pgd_optimizer_take_averages, layer, NULL, "", state);
    STATUS(pgd_optimizer_take_averages, prefix, layer, NULL, state);
    STATUS(pgd_optimizer_take_averages, state, layer, "", NULL);
    DOES(pgd_schedule_init, schedule, NULL, sizeof(pgd_schedule));
    GIVES(false, pgd_run_wants, run, NULL, "x");
    GIVES(false, pgd_run_wants, name, run, NULL);
    GIVES(0, pgd_schedule_rate, schedule, NULL, 0, 1);
}

static void data_and_files(void **unused) {
    pgd_loader *made;
    const void *const *lent;
    int64_t count;
    char value[8];
    const char *none = NULL;
    (void)unused;
    DOES(pgd_loader_options_init, options, NULL, sizeof(pgd_loader_options));
    MAKES(pgd_loader_create, dataset, made, NULL, NULL, &made);
    STATUS(pgd_loader_create, out, &dataset, NULL, NULL);
    GIVES(0, pgd_loader_batches, loader, NULL);
    DOES(pgd_loader_seek, loader, NULL, 0);
    STATUS(pgd_loader_next, loader, NULL, &lent, &count);
    STATUS(pgd_loader_next, fields, loader, NULL, &count);
    STATUS(pgd_loader_next, count, loader, &lent, NULL);
    STATUS(pgd_state_save, state, NULL, "f", NULL, 0, NULL, 0, NULL);
    STATUS(pgd_state_save, path, state, NULL, NULL, 0, NULL, 0, NULL);
    STATUS(pgd_state_save, metadata, state, "f", NULL, 1, NULL, 0, NULL);
    STATUS(pgd_state_save, metadata[i].key, state, "f", &(pgd_metadata){NULL, "v"}, 1, NULL, 0, NULL);
    STATUS(pgd_state_save, metadata[i].value, state, "f", &(pgd_metadata){"k", NULL}, 1, NULL, 0, NULL);
    STATUS(pgd_state_save, skip, state, "f", NULL, 0, NULL, 1, NULL);
    STATUS(pgd_state_save, skip[i], state, "f", NULL, 0, &none, 1, NULL);
    STATUS(pgd_state_load, state, NULL, "f", NULL);
    STATUS(pgd_state_load, path, state, NULL, NULL);
    STATUS(pgd_state_load_memory, state, NULL, "", 0, NULL);
    STATUS(pgd_state_load_memory, bytes, state, NULL, 8, NULL);
    STATUS(pgd_file_metadata, path, NULL, "k", value, sizeof value);
    STATUS(pgd_file_metadata, key, "f", NULL, value, sizeof value);
    STATUS(pgd_file_metadata, value, "f", "k", NULL, sizeof value);
}

static void classifiers(void **unused) {
    pgd_classifier *c;
    pgd_trainer *t;
    pgd_trainer_step step;
    double accuracy;
    bool done;
    (void)unused;
    DOES(pgd_classifier_options_init, options, NULL, sizeof options);
    MAKES(pgd_classifier_create, device, c, NULL, layer, state, &options, &c);
    MAKES(pgd_classifier_create, layer, c, device, NULL, state, &options, &c);
    MAKES(pgd_classifier_create, state, c, device, layer, NULL, &options, &c);
    MAKES(pgd_classifier_create, options, c, device, layer, state, NULL, &c);
    STATUS(pgd_classifier_create, out, device, layer, state, &options, NULL);
    STATUS(pgd_classifier_predict, classifier, NULL, (const uint8_t *)"four", 1, NULL, numbers);
    STATUS(pgd_classifier_predict, samples, classifier, NULL, 1, NULL, numbers);
    STATUS(pgd_classifier_predict, probabilities, classifier, (const uint8_t *)"four", 1, NULL, NULL);
    GIVES(0, pgd_classifier_classes, classifier, NULL);
    STATUS(pgd_classifier_accuracy, classifier, NULL, &dataset, NULL, &accuracy);
    STATUS(pgd_classifier_accuracy, dataset, classifier, NULL, NULL, &accuracy);
    STATUS(pgd_classifier_accuracy, accuracy, classifier, &dataset, NULL, NULL);
    FINE(pgd_classifier_accuracy, classifier, &dataset, NULL, &accuracy);
    fails(PGD_BAD_ARG, "sample is NULL", pgd_classifier_accuracy(classifier, &(pgd_dataset){.count = 1, .fields = fields, .field_count = 2}, NULL, &accuracy));
    pgd_field made[2];
    STATUS(pgd_classifier_fields, options, NULL, made);
    STATUS(pgd_classifier_fields, fields, &options, NULL);
    pgd_value *inputs[2] = {x, labels};
    GIVES(NULL, pgd_classifier_loss, graph, &options, NULL, layer, inputs, false);
    BUILDS(pgd_classifier_loss, options, NULL, g, layer, inputs, false);
    BUILDS(pgd_classifier_loss, layer, &options, g, NULL, inputs, false);
    BUILDS(pgd_classifier_loss, fields, &options, g, layer, NULL, false);
    GIVES(NULL, pgd_classifier_build, graph, &options, NULL, layer);
    BUILDS(pgd_classifier_build, options, NULL, g, layer);
    BUILDS(pgd_classifier_build, layer, &options, g, NULL);
    STATUS(pgd_onnx_save, graph, NULL, NULL, "f", NULL);
    STATUS(pgd_onnx_save, path, g, NULL, NULL, NULL);
    DOES(pgd_training_options_init, options, NULL, sizeof(pgd_training_options));
    MAKES(pgd_trainer_create, device, t, NULL, layer, state, &dataset, pgd_classifier_loss, &options, NULL, &t);
    MAKES(pgd_trainer_create, layer, t, device, NULL, state, &dataset, pgd_classifier_loss, &options, NULL, &t);
    MAKES(pgd_trainer_create, state, t, device, layer, NULL, &dataset, pgd_classifier_loss, &options, NULL, &t);
    MAKES(pgd_trainer_create, dataset, t, device, layer, state, NULL, pgd_classifier_loss, &options, NULL, &t);
    MAKES(pgd_trainer_create, loss, t, device, layer, state, &dataset, NULL, &options, NULL, &t);
    STATUS(pgd_trainer_create, out, device, layer, state, &dataset, pgd_classifier_loss, &options, NULL, NULL);
    STATUS(pgd_trainer_advance, trainer, NULL, &step, &done);
    STATUS(pgd_trainer_advance, out, trainer, NULL, &done);
    STATUS(pgd_trainer_advance, done, trainer, &step, NULL);
    GIVES(NULL, pgd_trainer_run, trainer, NULL);
}

static void no_exported_function_is_missing_here(void **unused) {
    const char *folder = getenv("PAGODA_SOURCE_DIR");
    char path[4096], name[256];
    int exports = 0;
    (void)unused;
    if (folder == NULL) skip();
    snprintf(path, sizeof path, "%s/tools/exports.txt", folder);
    FILE *file = fopen(path, "r");
    check(file != NULL, "%s cannot be opened", path);
    while (fscanf(file, "%255s", name) == 1) {
        bool found = false;
        for (int i = 0; i < calls; i++) found = found || strcmp(called[i], name) == 0;
        check(found, "%s is exported and not called here with NULL", name);
        exports++;
    }
    fclose(file);
    check(exports > 100, "only %d names in %s", exports, path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_without_pointers), cmocka_unit_test(destroying_nothing), cmocka_unit_test(base_and_driver), cmocka_unit_test(runtime), cmocka_unit_test(graphs),
        cmocka_unit_test(leaves_and_elementwise_builders), cmocka_unit_test(other_builders), cmocka_unit_test(engine), cmocka_unit_test(layers_and_optimizers), cmocka_unit_test(data_and_files),
        cmocka_unit_test(classifiers), cmocka_unit_test(no_exported_function_is_missing_here)};
    return cmocka_run_group_tests(tests, make_everything, destroy_everything);
}
